/* SPDX-License-Identifier: Apache-2.0 */
/* Programs in libjq, loaded at first need. See jq_engine.h. */
#include "expr/jq_engine.h"

#include <dlfcn.h>
#include <jq.h>
#include <jv.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expr/jq_repair.h"

/* A function in jv.h has a call of it; without optimisation that is kept though nothing calls the function. */
#pragma weak jv_get_kind

#define LIBJQ "libjq.so.1"
#define LIBJQ_PACKAGE "libjq1"

/* ---- the library ---- */

/* Each function of libjq that is used here, with the type that its header gives it. */
/* clang-format off */
#define FUNCTIONS(X) \
    X(jq_init) X(jq_teardown) X(jq_set_error_cb) X(jq_set_input_cb) X(jq_compile) X(jq_start) X(jq_next) X(jq_halted) \
    X(jq_set_attr) X(jq_set_debug_cb) \
    X(jv_get_kind) X(jv_copy) X(jv_free) X(jv_invalid_with_msg) X(jv_invalid_get_msg) X(jv_invalid_has_msg) \
    X(jv_null) X(jv_array) X(jv_array_sized) X(jv_array_append) \
    X(jv_string) X(jv_string_length_bytes) X(jv_string_value) X(jv_dump_string) \
    X(jv_parser_new) X(jv_parser_set_buf) X(jv_parser_next) X(jv_parser_free)
/* clang-format on */

static struct {
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
#undef MEMBER
    char failure[256]; /* why it could not be loaded; empty when it was */
} lib;

static void failure_set(const char *reason) {
    size_t n = strnlen(reason, sizeof(lib.failure) - 1);
    memcpy(lib.failure, reason, n);
    lib.failure[n] = '\0';
}

/* Never unloaded: it leaves handlers behind that run when threads end and at exit. The time zone, too, is read now: the
 * sandbox would not let it be read later. */
static void lib_load(void) {
    tzset();
    void *so = dlopen(LIBJQ, RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        failure_set(dlerror());
        return;
    }
    bool complete = true;
#define LOAD(name)                                                                                                     \
    lib.name = (__typeof__(&name))(uintptr_t)dlsym(so, #name);                                                         \
    complete = complete && lib.name;
    FUNCTIONS(LOAD)
#undef LOAD
    if (!complete) failure_set(LIBJQ " lacks a function that libjq 1.6 has");
}

bool jq_engine_is_there(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, lib_load);
    return !lib.failure[0];
}

static int lib_need(struct err *e) {
    if (jq_engine_is_there()) return 0;
    return err_set(e, G_ABSENT, "this expression needs libjq (package " LIBJQ_PACKAGE "): %s", lib.failure);
}

static bool is_valid(jv v) {
    return lib.jv_get_kind(v) != JV_KIND_INVALID;
}

static bool is_string(jv v) {
    return lib.jv_get_kind(v) == JV_KIND_STRING;
}

/* ---- the program ---- */

struct jq_engine {
    jq_state *jq;
    pthread_mutex_t running;
    bool reads_vars;
    char reason[400]; /* why it did not compile: the first message */
};

bool jq_engine_reads_vars(const struct jq_engine *j) {
    return j->reads_vars;
}

/* The order in which jq_engine_run passes them. */
static const char *const names[] = {"$key", "$time", "$topic", "$partition", "$offset", "$headers"};
#define NAMES (sizeof(names) / sizeof(*names))

/*
 * libjq takes values of variables only when it compiles, so the record's come with the input: an array of it and them,
 * taken apart by a pattern before the program. Everything stands on the program's first line, so that jq's line
 * numbers hold, and no parenthesis encloses it, so that it may end with a comment.
 */
static int program_wrap(const char *program, bool vars, struct buf *out) {
    int rc = 0;
    if (vars) {
        rc = buf_puts(out, ". as [$__v");
        for (size_t i = 0; i < NAMES && rc == 0; i++) rc = buf_printf(out, ",%s", names[i]);
        if (rc == 0) rc = buf_puts(out, "] | $__v | ");
    }
    if (rc == 0) rc = jq_repair(program, out);
    if (rc == 0) rc = buf_puts(out, program);
    return rc == 0 && buf_cstr(out) ? 0 : G_NOMEM;
}

/* Cut [from, behind) out of a C string. */
static void cut(char *from, const char *behind) {
    memmove(from, behind, strlen(behind) + 1);
}

/* Of jq's "jq: error: REASON (Unix shell quoting issues?) at <top-level>, line 1:\nPROGRAM" the reason. */
static void reason_clean(char *s) {
    static const char front[] = "jq: error: ", hint[] = " (Unix shell quoting issues?)";
    s[strcspn(s, "\n")] = '\0';
    if (strncmp(s, front, sizeof(front) - 1) == 0) cut(s, s + sizeof(front) - 1);
    char *p = strstr(s, hint);
    if (p) cut(p, p + sizeof(hint) - 1);
    p = strstr(s, " at <top-level>");
    if (p) *p = '\0';
    p = strstr(s, " at line ");
    if (p && strstr(p, " (while parsing ")) *p = '\0';
}

static void compile_failed(void *ctx, jv message) {
    struct jq_engine *j = ctx;
    if (is_string(message) && !j->reason[0]) {
        const char *text = lib.jv_string_value(message);
        size_t n = strnlen(text, sizeof(j->reason) - 1);
        memcpy(j->reason, text, n);
        j->reason[n] = '\0';
        reason_clean(j->reason);
    }
    lib.jv_free(message);
}

static jv input_refused(jq_state *jq, void *ctx) {
    (void)jq;
    (void)ctx;
    return lib.jv_invalid_with_msg(lib.jv_string("input and inputs: an expression sees one record at a time"));
}

static void debug_dropped(void *ctx, jv message) {
    (void)ctx;
    lib.jv_free(message);
}

/* Where modules are looked for: as by the command jq in its usual place. libjq asserts that it was told. */
static void modules_set(jq_state *jq) {
    static const char *const path[] = {"~/.jq", "$ORIGIN/../lib/jq", "$ORIGIN/lib"};
    jv list = lib.jv_array();
    for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) list = lib.jv_array_append(list, lib.jv_string(path[i]));
    lib.jq_set_attr(jq, lib.jv_string("JQ_LIBRARY_PATH"), list);
    lib.jq_set_attr(jq, lib.jv_string("JQ_ORIGIN"), lib.jv_string("/usr/bin"));
}

int jq_engine_open(const char *program, struct jq_engine **ret, struct err *e) {
    int rc = lib_need(e);
    if (rc < 0) return rc;
    struct buf text = {0};
    struct jq_engine *j = calloc(1, sizeof(*j));
    if (!j) return err_nomem(e);
    pthread_mutex_init(&j->running, NULL);
    for (size_t i = 0; i < NAMES; i++) j->reads_vars = j->reads_vars || jq_mentions(program, names[i]);
    rc = program_wrap(program, j->reads_vars, &text);
    if (rc == 0) j->jq = lib.jq_init();
    if (!j->jq) {
        rc = err_nomem(e);
    } else {
        lib.jq_set_error_cb(j->jq, compile_failed, j);
        lib.jq_set_input_cb(j->jq, input_refused, NULL);
        lib.jq_set_debug_cb(j->jq, debug_dropped, NULL);
        modules_set(j->jq);
        if (!lib.jq_compile(j->jq, text.data))
            rc = err_set(e, G_USAGE, "%s", j->reason[0] ? j->reason : "jq cannot compile it");
    }
    buf_release(&text);
    if (rc < 0) {
        jq_engine_free(j);
        return rc;
    }
    *ret = j;
    return 0;
}

void jq_engine_free(struct jq_engine *j) {
    if (!j) return;
    if (j->jq) lib.jq_teardown(&j->jq);
    pthread_mutex_destroy(&j->running);
    free(j);
}

/* ---- one record ---- */

/* Consumes `reason`: a string is the message, another value is shown. */
static int error_set(jv reason, struct err *e) {
    bool text = is_string(reason);
    jv shown = text ? reason : lib.jv_dump_string(reason, 0);
    int n = lib.jv_string_length_bytes(lib.jv_copy(shown));
    err_set(e, G_DATA, text ? "%.*s" : "(not a string): %.*s", n, lib.jv_string_value(shown));
    lib.jv_free(shown);
    return G_DATA;
}

/* Parse a text; jv_parse_sized would print all of it into its message. Something behind the value is not looked for:
 * the texts are validated. */
static int text_parse(const char *text, size_t n, jv *ret, struct err *e) {
    if (n > INT_MAX) return err_set(e, G_DATA, "more than 2 GiB are too much for jq");
    struct jv_parser *parser = lib.jv_parser_new(0);
    if (!parser) return err_nomem(e);
    lib.jv_parser_set_buf(parser, text, (int)n, 0);
    jv v = lib.jv_parser_next(parser);
    lib.jv_parser_free(parser);
    if (is_valid(v)) {
        *ret = v;
        return 0;
    }
    if (!lib.jv_invalid_has_msg(lib.jv_copy(v))) {
        lib.jv_free(v);
        return err_set(e, G_DATA, "no JSON value");
    }
    return error_set(lib.jv_invalid_get_msg(v), e);
}

static int input_make(const struct jq_engine *j, const char *input, size_t n, const struct jq_vars *vars, jv *ret,
                      struct err *e) {
    static const struct jq_vars nulls;
    jv v;
    int rc = text_parse(input, n, &v, e);
    if (rc < 0 || !j->reads_vars) {
        if (rc == 0) *ret = v;
        return rc;
    }
    if (!vars) vars = &nulls;
    const struct json_slice *texts[NAMES] = {&vars->key,       &vars->time,   &vars->topic,
                                             &vars->partition, &vars->offset, &vars->headers};
    jv all = lib.jv_array_append(lib.jv_array_sized(1 + (int)NAMES), v);
    for (size_t i = 0; i < NAMES; i++) {
        v = lib.jv_null();
        if (texts[i]->n) rc = text_parse(texts[i]->p, texts[i]->n, &v, e);
        if (rc < 0) {
            lib.jv_free(all);
            return rc;
        }
        all = lib.jv_array_append(all, v);
    }
    *ret = all;
    return 0;
}

/* For what is nested too deeply libjq prints a note in <>, outside of strings, where no JSON text has a <. */
static bool is_cut_short(const char *json, size_t n) {
    if (n < 256 || !memchr(json, '<', n)) return false;
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        if (json[i] == '"') inside = !inside;
        if (inside && json[i] == '\\') i++;
        if (!inside && json[i] == '<') return true;
    }
    return false;
}

/* Consumes `v`. */
static int result_emit(jv v, jq_emit *emit, void *ctx, struct err *e) {
    jv text = lib.jv_dump_string(v, 0);
    size_t n = (size_t)lib.jv_string_length_bytes(lib.jv_copy(text));
    const char *json = lib.jv_string_value(text);
    int rc = is_cut_short(json, n) ? err_set(e, G_DATA, "the result is nested deeper than 256, too deep for jq")
                                   : emit(ctx, json, n);
    lib.jv_free(text);
    return rc;
}

/* Consumes `v`, the input. */
static int run(struct jq_engine *j, jv v, jq_emit *emit, void *ctx, struct err *e) {
    int rc = 0;
    lib.jq_start(j->jq, v, 0);
    while (rc == 0 && is_valid(v = lib.jq_next(j->jq))) rc = result_emit(v, emit, ctx, e);
    if (rc == 0) {
        if (lib.jq_halted(j->jq)) {
            lib.jv_free(v);
            rc = err_set(e, G_DATA, "halt is not possible in an expression");
        } else if (lib.jv_invalid_has_msg(lib.jv_copy(v))) {
            rc = error_set(lib.jv_invalid_get_msg(v), e);
        } else {
            lib.jv_free(v);
        }
    }
    /* Let go of what is left of this run, also of its values, before the next record comes. */
    lib.jq_start(j->jq, lib.jv_null(), 0);
    return rc;
}

int jq_engine_run(struct jq_engine *j, const char *input, size_t n, const struct jq_vars *vars, jq_emit *emit,
                  void *ctx, struct err *e) {
    jv v;
    int rc = input_make(j, input, n, vars, &v, e);
    if (rc < 0) return rc;
    pthread_mutex_lock(&j->running);
    rc = run(j, v, emit, ctx, e);
    pthread_mutex_unlock(&j->running);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Shared options into a stage's configuration. See stage_options.h. */
#include "cli/stage_options.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/terminal.h"
#include "sys/sandbox.h"
#include "sys/signals.h"

/* "C", or "\t": one character of ASCII, which CSV has no other use for. */
static int delimiter_config(const char *text, struct text_in_config *c, struct err *e) {
    bool tab = strcmp(text, "\\t") == 0;
    if (c->format == IN_DETECT) c->format = IN_CSV;
    if (c->format != IN_CSV)
        return err_set(e, G_USAGE, "--delimiter is for CSV, and the input is said to be %s", in_format_name(c->format));
    if (!tab && (strlen(text) != 1 || (unsigned char)text[0] >= 0x80))
        return err_set(e, G_USAGE, "the delimiter '%s' is not one character of ASCII", text);
    if (strchr("\"\r\n", text[0])) return err_set(e, G_USAGE, "a quote or a line end cannot be the delimiter");
    c->delimiter = tab ? '\t' : text[0];
    return 0;
}

int input_config(const struct input_options *o, struct text_in_config *ret, struct err *e) {
    static const enum payload_kind kinds[] = {KIND_DEFAULT, KIND_JSON, KIND_BYTES, KIND_TEXT};
    *ret = (struct text_in_config){
        .kind = kinds[o->value.at],
        .infer = !o->no_infer,
        .record_limit = o->max_record_bytes ? o->max_record_bytes : RECORD_LIMIT_DEFAULT,
    };
    if (o->in.at > 1) {
        ret->format = in_format_parse(o->in.word);
        if (ret->format == IN_DETECT) return err_set(e, G_BUG, "unknown input format '%s'", o->in.word);
    }
    return o->delimiter ? delimiter_config(o->delimiter, ret, e) : 0;
}

int output_config(const struct output_options *o, struct output_config *ret, struct err *e) {
    const char *file = o->file && strcmp(o->file, "-") != 0 ? o->file : NULL;
    *ret = (struct output_config){.file = file, .fd = STDOUT_FILENO, .force = o->force, .unbuffered = o->unbuffered};
    if (o->out.at > 1) {
        ret->text.format = out_format_parse(o->out.word);
        if (ret->text.format == OUT_DEFAULT) return err_set(e, G_BUG, "unknown output format '%s'", o->out.word);
    }
    if (o->format) {
        if (o->out.at > 1) return err_set(e, G_USAGE, "-f and --out exclude each other");
        ret->text.format = OUT_FORMAT;
        ret->text.pattern = o->format;
    }
    bool terminal = !file && isatty(STDOUT_FILENO) == 1;
    ret->text.safe = terminal;
    enum color_when when = o->color.at ? (enum color_when)(o->color.at - 1) : COLOR_AUTO;
    ret->text.color = terminal_color(file ? -1 : STDOUT_FILENO, when);
    ret->text.width = terminal ? (unsigned)terminal_width(STDOUT_FILENO) : 0;
    return 0;
}

/* `on_error.at` as common.h has it. */
void error_config(const struct error_options *o, struct stage_config *c) {
    c->skip_bad = o->on_error.at == 2;
}

static void tick(void *ctx, const struct stage_counts *counts) {
    struct progress *p = ctx;
    p->records_in = counts->records_in;
    p->bytes_in = counts->bytes_in;
    p->bad = counts->bad;
    p->has_event_time = counts->max_time != NO_TIME;
    p->event_time_ns = counts->max_time;
    progress_tick(p);
}

static void notice(void *ctx, const struct err *what) {
    (void)ctx;
    diag_warning(what);
}

void stage_config_common(struct stage_config *c, const char *tool, int argc, char **argv, const struct arguments *args,
                         struct progress *p) {
    c->tool = tool;
    c->args = argv + 1;
    c->arg_count = argc - 1;
    c->files = args->operand;
    c->file_count = args->operands;
    c->tick = tick;
    c->notice = notice;
    c->hook_ctx = p;
}

/* One more path, copied; with `folder` the folder that it is in. */
static void add_path(struct sandbox_path *paths, size_t *n, const char *path, bool folder, bool write) {
    const char *slash = strrchr(path, '/');
    char *copy = !folder  ? strdup(path)
                 : !slash ? strdup(".")
                          : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (copy) paths[(*n)++] = (struct sandbox_path){copy, write};
}

/* What every tool may touch. */
static size_t add_common(struct sandbox_path *paths, const char *log_path) {
    size_t n = 0;
    add_path(paths, &n, "/proc/sys/kernel/random/boot_id", false, false);
    add_path(paths, &n, "/dev/null", false, false);
    add_path(paths, &n, "/usr/share/zoneinfo", false, false); /* an expression may name a zone that no option did */
    add_path(paths, &n, "/etc/localtime", false, false);
    if (log_path) add_path(paths, &n, log_path, false, true);
    return n;
}
#define COMMON_PATHS 5

static void enter(struct sandbox_path *paths, size_t n) {
    static const char *const words[] = {"off", "partly on", "on"};
    diag_info("sandbox %s", words[sandbox_enter(paths, n)]);
    for (size_t i = 0; i < n; i++) free((char *)(uintptr_t)paths[i].path);
    free(paths);
}

void tool_sandbox(const char *log_path, const char *const *files, size_t count, bool follow, const char *output) {
    struct sandbox_path *paths = calloc(COMMON_PATHS + count + 1, sizeof *paths);
    if (!paths) return;
    size_t n = add_common(paths, log_path);
    for (size_t i = 0; i < count; i++) add_path(paths, &n, files[i], follow, false);
    if (output) add_path(paths, &n, output, true, true);
    enter(paths, n);
}

void stage_sandbox(const struct stage_config *c, const char *log_path) {
    struct sandbox_path *paths = calloc(COMMON_PATHS + c->file_count + 3 + c->more_count, sizeof *paths);
    if (!paths) return;
    size_t n = add_common(paths, log_path);
    for (size_t i = 0; i < c->file_count; i++) add_path(paths, &n, c->files[i], c->follow, false);
    if (c->output.file) add_path(paths, &n, c->output.file, true, true);
    if (c->state_dir) add_path(paths, &n, c->state_dir, false, true);
    if (c->reread) add_path(paths, &n, c->reread, true, false);
    for (size_t i = 0; i < c->more_count; i++) add_path(paths, &n, c->more[i].file, true, true);
    enter(paths, n);
}

int stage_exit(int grade, const struct err *e) {
    if (grade == G_STOPPED) signals_die(signals_stop());
    if (grade == G_PIPE) signals_die(SIGPIPE);
    if (grade < 0) diag_error(e);
    return exit_from_grade(grade);
}

uint64_t input_bytes(const char *const *files, size_t count) {
    uint64_t sum = 0;
    struct stat st;
    for (size_t i = 0; i < count; i++) {
        if (stat(files[i], &st) != 0 || !S_ISREG(st.st_mode)) return 0;
        sum += (uint64_t)st.st_size;
    }
    if (count == 0 && fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode)) sum = (uint64_t)st.st_size;
    return sum;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a name in a program with aggregates, and what to write instead. See aggregates_impl.h. */
#include <stdio.h>
#include <string.h>

#include "expr/aggregates_impl.h"

#define ARGUMENTS_MAX 4 /* no aggregate has more */
#define NAME_MAX 60     /* bytes of a name that are shown */

/* Whole characters of it. */
static int shown(struct value name) {
    uint32_t n = name.n;
    if (n > NAME_MAX)
        for (n = NAME_MAX; n > 0 && ((unsigned char)name.text[n] & 0xC0) == 0x80;) n--;
    return (int)n;
}

static int fail(struct splitter *s, uint32_t at) {
    s->error_at = at;
    return G_USAGE;
}

bool words_name_is(struct value name, const char *text) {
    return name.n == strlen(text) && memcmp(name.text, text, name.n) == 0;
}

/* ---- aggregates and their forms ---- */

static bool find(const struct splitter *s, struct value name, unsigned arguments, int *ret_constant) {
    *ret_constant = -1;
    return s->names && s->names->find(name.text, name.n, arguments, ret_constant);
}

bool words_is_aggregate(const struct splitter *s, struct value name) {
    int constant;
    for (unsigned n = 0; n <= ARGUMENTS_MAX; n++)
        if (find(s, name, n, &constant)) return true;
    return false;
}

struct words {
    char text[300];
    size_t n;
};

static void PRINTF_LIKE(2, 3) add(struct words *w, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(w->text + w->n, sizeof w->text - w->n, fmt, ap);
    va_end(ap);
    if (n > 0) w->n += (size_t)n;
    if (w->n >= sizeof w->text) w->n = sizeof w->text - 1;
}

/* `topk(k; EXPR)`; `example` has a number for the constant. */
static void add_form(struct words *w, struct value name, unsigned arguments, int constant, bool example) {
    add(w, "%.*s", shown(name), name.text);
    for (unsigned i = 0; i < arguments; i++) {
        const char *number = constant == 0 ? "3" : "0.99", *letter = constant == 0 ? "k" : "q";
        add(w, "%s%s", i == 0 ? "(" : "; ", (int)i != constant ? "EXPR" : example ? number : letter);
    }
    if (arguments > 0) add(w, ")");
}

/* The form with that many arguments, or its first one. */
static void add_example(const struct splitter *s, struct words *w, struct value name, unsigned arguments) {
    int constant;
    if (!find(s, name, arguments, &constant))
        for (arguments = 0; !find(s, name, arguments, &constant);) arguments++;
    add_form(w, name, arguments, constant, true);
}

int words_wrong_count(struct splitter *s, const struct ast *call) {
    struct words forms = {0}, counts = {0};
    const char *between = "";
    int constant;
    for (unsigned n = 0; n <= ARGUMENTS_MAX; n++) {
        if (!find(s, call->name, n, &constant)) continue;
        add(&forms, "%s", between);
        add_form(&forms, call->name, n, constant, false);
        add(&counts, "%s%u", between, n);
        between = " or ";
    }
    (void)err_set(s->e, G_USAGE, "%.*s takes %s argument%s: %s", shown(call->name), call->name.text, counts.text,
                  strcmp(counts.text, "1") == 0 ? "" : "s", forms.text);
    return fail(s, call->at);
}

int words_not_constant(struct splitter *s, const struct ast *call, int which) {
    struct words form = {0};
    add_form(&form, call->name, call->n, which, true);
    (void)err_set(s->e, G_USAGE, "the %s argument of %.*s must be constant, as in %s", which == 0 ? "first" : "second",
                  shown(call->name), call->name.text, form.text);
    return fail(s, call->list[which]->at);
}

/* ---- functions that are not known ---- */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Words of other languages. */
static const struct {
    const char *word, *name;
} synonyms[] = {
    {"average", "mean"},     {"avg", "mean"},          {"std", "stddev"},
    {"stdev", "stddev"},     {"variance", "var"},      {"percentile", "quantile"},
    {"unique", "distinct"},  {"uniq", "distinct"},     {"count_distinct", "distinct"},
    {"nunique", "distinct"}, {"total", "sum"},         {"cnt", "count"},
    {"list", "collect"},     {"array_agg", "collect"}, {"earliest", "first"},
    {"latest", "last"},
};

/* The aggregate that was meant: the name itself in other letters, a word for it, or one that begins alike. */
static bool guess(const struct splitter *s, struct value name, char *ret, size_t size) {
    if (!s->names || name.n >= size || name.n == 0) return false;
    for (uint32_t i = 0; i <= name.n; i++) ret[i] = i < name.n ? lower(name.text[i]) : '\0';
    struct value small = value_text(ret, name.n);
    if (words_is_aggregate(s, small)) return true;
    const char *best = NULL, *entry;
    for (size_t i = 0; i < sizeof synonyms / sizeof synonyms[0]; i++)
        if (words_name_is(small, synonyms[i].word)) best = synonyms[i].name;
    for (size_t i = 0; !best && (entry = s->names->entry(i)); i++) {
        size_t n = strlen(entry), common = n < name.n ? n : name.n;
        if (common >= 3 && memcmp(entry, ret, common) == 0) best = entry;
    }
    if (!best || strlen(best) >= size || !words_is_aggregate(s, value_text(best, strlen(best)))) return false;
    memcpy(ret, best, strlen(best) + 1);
    return true;
}

static bool is_percentile(struct value name) {
    return name.n > 1 && name.text[0] == 'p' && name.text[1] >= '0' && name.text[1] <= '9';
}

static int in_window(struct splitter *s, const struct ast *call) {
    char meant[64];
    struct value name = call->name;
    if (words_is_aggregate(s, name)) return words_wrong_count(s, call);
    if (is_percentile(name))
        (void)err_set(s->e, G_USAGE, "'%.*s' is no percentile: those are p0 to p100, such as p50(EXPR) and p99.9(EXPR)",
                      shown(name), name.text);
    else if (guess(s, name, meant, sizeof meant))
        (void)err_set(s->e, G_USAGE, "function %.*s/%u is not known; did you mean '%s'?", shown(name), name.text,
                      call->n, meant);
    else if (call->n == 0)
        (void)err_set(s->e, G_USAGE, "function %.*s/0 is not known; did you mean last(.%.*s)?", shown(name), name.text,
                      shown(name), name.text);
    else
        (void)err_set(s->e, G_USAGE, "function %.*s/%u is not known", shown(name), name.text, call->n);
    return fail(s, call->at);
}

/* An aggregate where it cannot be one. */
static int misplaced(struct splitter *s, enum place_of of, const struct ast *call) {
    struct value name = call->name;
    struct words form = {0};
    add_example(s, &form, name, call->n);
    if (of == PLACE_INNER)
        (void)err_set(s->e, G_USAGE,
                      "%.*s is an aggregate of the window, and here '.' is something else; bind it in front: "
                      "%s as $x | …",
                      shown(name), name.text, form.text);
    else
        (void)err_set(s->e, G_USAGE, "%.*s is an aggregate, and there is none in an argument of another one",
                      shown(name), name.text);
    return fail(s, call->at);
}

int words_unknown_function(struct splitter *s, enum place_of of, const struct ast *call) {
    struct value name = call->name;
    if (of == PLACE_WINDOW) return in_window(s, call);
    if (words_is_aggregate(s, name)) return misplaced(s, of, call);
    if (call->n == 0 && of != PLACE_CONSTANT)
        (void)err_set(s->e, G_USAGE, "function %.*s/0 is not known; did you mean .%.*s?", shown(name), name.text,
                      shown(name), name.text);
    else
        (void)err_set(s->e, G_USAGE, "function %.*s/%u is not known", shown(name), name.text, call->n);
    return fail(s, call->at);
}

/* ---- fields of the window ---- */

static bool is_plain(struct value name) {
    for (uint32_t i = 0; i < name.n; i++) {
        char c = lower(name.text[i]);
        if (c != '_' && !(c >= 'a' && c <= 'z') && (i == 0 || c < '0' || c > '9')) return false;
    }
    return name.n > 0;
}

static void add_step(struct words *w, struct value name) {
    add(w, is_plain(name) ? ".%.*s" : ".\"%.*s\"", shown(name), name.text);
}

/* From the innermost step on. */
static void add_path(struct words *w, const struct ast *innermost, const struct ast *whole) {
    if (whole != innermost) add_path(w, innermost, whole->a);
    add_step(w, whole->b->name);
}

int words_unknown_field(struct splitter *s, const struct ast *index, const struct ast *whole, bool shorthand) {
    struct value name = index->b->name;
    struct words field = {0}, path = {0}, instead = {0};
    add_step(&field, name);
    add_path(&path, index, whole);
    if (shorthand && words_is_aggregate(s, name))
        add_example(s, &instead, name, 0);
    else
        add(&instead, "last(%s)", path.text);
    if (shorthand && is_plain(name))
        (void)err_set(s->e, G_USAGE, "'%s' is not a field of the window; write {%.*s: %s}", field.text, shown(name),
                      name.text, instead.text);
    else
        (void)err_set(s->e, G_USAGE, "'%s' is not a field of the window; put it into an aggregate, such as %s",
                      field.text, instead.text);
    return fail(s, index->at);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of an option, from its text into the typed field that the table names. Every message says which option
 * was meant, what it wants and what it got: "option '--count' wants a number, not 'abc'".
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "base/timefmt.h"
#include "cli/option.h"
#include "cli/suggest.h"

bool option_choice_next(const char **list, const char **ret_word, size_t *ret_length, bool *ret_value) {
    const char *word = *list;
    if (!*word) return false;
    size_t all = strcspn(word, "|"), n = strcspn(word, "|=");
    *ret_word = word;
    *ret_length = n;
    *ret_value = n < all;
    *list = word + all + (word[all] == '|');
    return true;
}

static int wants(struct err *e, const char *label, const char *what, const char *text) {
    return err_set(e, G_USAGE, "option '%s' wants %s, not '%s'", label, what, text);
}

static int number_set(const struct option_spec *spec, const char *label, const char *text, uint64_t *field,
                      struct err *e) {
    uint64_t min = spec->min, max = spec->max || spec->min ? spec->max : UINT64_MAX;
    if (number_parse_u64(text, strlen(text), min, max, field, NULL) == 0) return 0;
    char what[96] = "a number";
    if (min || max != UINT64_MAX) (void)snprintf(what, sizeof what, "a number from %" PRIu64 " to %" PRIu64, min, max);
    return wants(e, label, what, text);
}

static int size_set(const struct option_spec *spec, const char *label, const char *text, uint64_t *field,
                    struct err *e) {
    uint64_t bytes;
    if (size_parse(text, strlen(text), &bytes, NULL) < 0)
        return wants(e, label, "a size such as 512, 64KiB or 16MiB", text);
    if (spec->max && (bytes < spec->min || bytes > spec->max)) {
        char least[SIZE_TEXT_MAX], most[SIZE_TEXT_MAX], what[96];
        size_format(least, spec->min);
        size_format(most, spec->max);
        (void)snprintf(what, sizeof what, "a size from %s to %s", least, most);
        return wants(e, label, what, text);
    }
    *field = bytes;
    return 0;
}

static int real_set(const char *label, const char *text, double *field, struct err *e) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v) || strpbrk(text, " \txX")) return wants(e, label, "a number", text);
    *field = v;
    return 0;
}

static int choice_unknown(const struct option_spec *spec, const char *label, const char *text, struct err *e) {
    char all[256] = "", words[256] = "";
    struct suggest s = SUGGEST_START(text);
    const char *list = spec->choices, *word;
    size_t n, used = 0;
    bool value;
    while (option_choice_next(&list, &word, &n, &value)) {
        size_t shown = strcspn(word, "|"), at = strlen(all);
        (void)snprintf(all + at, sizeof all - at, "%s%.*s", at ? ", " : "", (int)shown, word);
        if (used + n + 1 > sizeof words) continue;
        memcpy(words + used, word, n); /* NUL behind it: words is zeroed */
        suggest_offer(&s, words + used);
        used += n + 1;
    }
    if (s.best)
        return err_set(e, G_USAGE, "option '%s' wants one of %s, not '%s'; did you mean '%s'?", label, all, text,
                       s.best);
    return err_set(e, G_USAGE, "option '%s' wants one of %s, not '%s'", label, all, text);
}

static int choice_set(const struct option_spec *spec, const char *label, const char *text, struct option_choice *field,
                      struct err *e) {
    const char *list = spec->choices, *word;
    size_t n, typed = strcspn(text, "=");
    bool value;
    for (int at = 1; option_choice_next(&list, &word, &n, &value); at++) {
        if (n != typed || memcmp(word, text, n) != 0) continue;
        if (value != (text[n] == '=') || (value && !text[n + 1]))
            return wants(e, label, value ? "a value behind '='" : "no value behind '='", text);
        struct option_choice choice = {.at = at, .arg = value ? text + n + 1 : NULL};
        if (n >= sizeof choice.word) return err_set(e, G_BUG, "option '%s': choice too long", label);
        memcpy(choice.word, word, n);
        *field = choice;
        return 0;
    }
    return choice_unknown(spec, label, text, e);
}

static int64_t now_ns(void) {
    struct timespec t;
    return clock_gettime(CLOCK_REALTIME, &t) == 0 ? t.tv_sec * NS_PER_S + t.tv_nsec : 0;
}

static int list_add(struct option_list *list, const char *text, struct err *e) {
    const char **item = realloc(list->item, (list->count + 1) * sizeof *item);
    if (!item) return err_nomem(e);
    list->item = item;
    list->item[list->count++] = text;
    return 0;
}

int option_value_set(const struct option_spec *spec, const char *label, const char *text, void *field, struct err *e) {
    size_t n = strlen(text);
    switch (spec->kind) {
    case OPTION_STRING: *(const char **)field = text; return 0;
    case OPTION_NUMBER: return number_set(spec, label, text, field, e);
    case OPTION_SIZE: return size_set(spec, label, text, field, e);
    case OPTION_REAL: return real_set(label, text, field, e);
    case OPTION_CHOICE: return choice_set(spec, label, text, field, e);
    case OPTION_LIST: return list_add(field, text, e);
    case OPTION_INTEGER:
        if (number_parse_i64(text, n, INT64_MIN, INT64_MAX, field, NULL) == 0) return 0;
        return wants(e, label, "a whole number", text);
    case OPTION_DURATION:
        if (duration_parse(text, n, 0, field, NULL) == 0) return 0;
        return wants(e, label, "a duration such as 500ms, 90s or 1m30s", text);
    case OPTION_TIME:
        if (time_parse_relative(text, n, now_ns(), NULL, field, NULL) == 0) return 0;
        return wants(e, label, "a time such as 2024-05-01T12:00:00Z, -1h or now", text);
    case OPTION_FLAG:
    case OPTION_TOGGLE:
    case OPTION_INCLUDE: break;
    }
    return err_set(e, G_BUG, "option '%s' takes no value", label);
}

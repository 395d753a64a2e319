/* SPDX-License-Identifier: Apache-2.0 */
/* See expr_hints.h. */
#include "cli/expr_hints.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "cli/diag.h"
#include "cli/suggest.h"
#include "expr/condition.h"
#include "expr/unseen.h"

#define LINES_MAX 3
#define NAME_MIN 3 /* bytes: shorter names are all near to each other */

void hint_assignment(const char *what, const char *program) {
    struct err e = {0};
    if (condition_is_doubtful(what, program, &e)) diag_warning(&e);
}

int hint_watch(struct expr_set *s, const struct expr *condition, struct err *e) {
    if (diag_is_quiet()) return 0;
    return unseen_watch(s, condition) < 0 ? err_nomem(e) : 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Such as price1 and price2, of which one is as good as the other. */
static bool differ_in_digits(const char *a, const char *b) {
    for (;; a++, b++) {
        while (is_digit(*a)) a++;
        while (is_digit(*b)) b++;
        if (*a != *b || !*a) return *a == *b;
    }
}

/* Names that differ in case alone are the nearest. */
static size_t distance(const char *typed, const char *name) {
    struct suggest s = SUGGEST_START(typed);
    if (strcasecmp(typed, name) == 0) return 0;
    if (strlen(typed) < NAME_MIN || strlen(name) < NAME_MIN || differ_in_digits(typed, name)) return SIZE_MAX;
    suggest_offer(&s, name);
    return s.best ? s.distance : SIZE_MAX;
}

struct hints {
    bool all;
    unsigned lines;
};

static void tell(void *ctx, const struct unseen *u) {
    struct hints *h = ctx;
    const char *who = u->in_every_record ? "no record" : "no record looked at";
    if (h->lines == LINES_MAX || (!u->near && !h->all)) return;
    h->lines++;
    if (u->near)
        diag_errorf("%s has '%s'; is '%s' meant?", who, u->path, u->near);
    else
        diag_errorf("%s has '%s'", who, u->path);
}

void hint_unseen(const struct expr_set *s, struct expr_run *const *runs, size_t n, bool all) {
    struct hints h = {.all = all};
    unseen_each(s, runs, n, distance, tell, &h);
}

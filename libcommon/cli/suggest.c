/* SPDX-License-Identifier: Apache-2.0 */
/* Nearest word. See suggest.h. */
#include "cli/suggest.h"

#include <string.h>

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t suggest_distance(const char *a, const char *b) {
    size_t na = strlen(a), nb = strlen(b);
    if (na > SUGGEST_WORD_MAX || nb > SUGGEST_WORD_MAX) return na > nb ? na : nb;
    /* Three rows of the matrix: the one before last is needed for swaps. */
    size_t rows[3][SUGGEST_WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++) last[j] = j;
    memset(before, 0, sizeof rows[0]);
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min3(last[j] + 1, row[j - 1] + 1, replace);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[nb];
}

void suggest_offer(struct suggest *s, const char *candidate) {
    size_t n = strlen(s->word);
    if (n == 0) return;
    size_t limit = n < 4 ? 1 : n / 3 > 2 ? n / 3 : 2;
    size_t distance = suggest_distance(s->word, candidate);
    if (n >= 3 && distance > 1 && strncmp(s->word, candidate, n) == 0) distance = 1;
    if (distance > limit || distance >= s->distance) return;
    s->distance = distance;
    s->best = candidate;
}

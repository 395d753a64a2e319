/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "did you mean …?": the word of a list that is nearest to what was typed. Used for tools, commands, options and
 * choices. Distance is Damerau-Levenshtein's restricted form (optimal string alignment): insert, delete, replace and
 * swap of neighbours cost one each.
 */
#ifndef LEAT_CLI_SUGGEST_H
#define LEAT_CLI_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_WORD_MAX = 63 }; /* longer words are never near */

/* Keeps the best candidate so far. Start with SUGGEST_START(word), offer each candidate, read `best` (or NULL). */
struct suggest {
    const char *word;
    const char *best;
    size_t distance;
};
#define SUGGEST_START(typed)                                                                                           \
    { .word = (typed), .best = NULL, .distance = (size_t)-1 }

/* The candidate is kept, not copied. One that is further away than a third of the word (at least 1, and 2 from four
 * letters on) is no help and is not taken; a candidate that begins with the word counts as distance 1. */
void suggest_offer(struct suggest *s, const char *candidate);

size_t suggest_distance(const char *a, const char *b);

#endif

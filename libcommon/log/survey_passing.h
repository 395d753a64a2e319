/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment looked at while its bytes pass on their way to the disk, so that nobody has to read them again: the same
 * checks as a survey's. It tells no faults: of a segment in which anything at all is not as it should be, it says
 * nothing, and the survey looks at the file. Called by archive_import.c.
 *
 *     passing_begin → passing_put, as often as bytes come → passing_end
 */
#ifndef LEAT_LOG_SURVEY_PASSING_H
#define LEAT_LOG_SURVEY_PASSING_H

#include "log/survey_look.h"

struct passing {
    struct segment_identity id;
    struct surveyed_segment s;
    struct look look;
    struct segment_walk walk; /* of what is in its window */
    bool walking, given_up;   /* the first block was read; nothing is said of this one */
};

/* Its offsets are to lie in [base, bound), UINT64_MAX: it is the last one. `json` (or NULL) stays the caller's. */
void passing_begin(struct passing *x, const struct segment_identity *id, uint64_t base, uint64_t bound,
                   struct json_validator *json);
void passing_put(struct passing *x, const char *p, size_t n);

/* All of it has passed, or nothing more is wanted of it. Sound: *ret is the segment; else, *ret is zeroed. */
void passing_end(struct passing *x, struct surveyed_segment *ret);

#endif

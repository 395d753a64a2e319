/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of records by partition and offset, kept as ranges: which letters of a source were dealt with. As JSON it is an
 * array of [partition, from, to], `to` not included. For log/redrive.
 */
#ifndef LEAT_LOG_MARKS_H
#define LEAT_LOG_MARKS_H

#include <jansson.h>
#include <stdbool.h>

#include "log/segment.h"

/* Zero-initialise. Ranges of a row rise and do not touch. */
struct marks {
    struct marks_row {
        struct offset_range *at;
        size_t count, cap;
    } * rows; /* by partition */
    uint32_t count;
};
void marks_release(struct marks *m); /* leaves an empty set; takes NULL */

bool marks_have(const struct marks *m, uint32_t partition, uint64_t offset);

/* 0 or G_NOMEM; the set is as it was then. Taking away what is not there does nothing. */
int marks_add(struct marks *m, uint32_t partition, uint64_t from, uint64_t to) NODISCARD;
int marks_take(struct marks *m, uint32_t partition, uint64_t offset) NODISCARD;

json_t *marks_to_json(const struct marks *m);                                       /* NULL: out of memory */
int marks_from_json(const json_t *array, struct marks *m, struct err *e) NODISCARD; /* G_CORRUPT; adds to m */

#endif

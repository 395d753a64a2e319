/* SPDX-License-Identifier: Apache-2.0 */
/* The names behind (topic_id, partition), as `source` control blocks tell them. */
#ifndef LEAT_STREAM_SOURCES_H
#define LEAT_STREAM_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sources {
    struct source_name {
        uint64_t topic_id;
        char *topic;
    } * names;
    size_t count;
    size_t last; /* where the last search succeeded */
};

int sources_add(struct sources *s, uint64_t topic_id, const char *topic, struct err *e) NODISCARD;
const char *sources_find(struct sources *s, uint64_t topic_id); /* NULL: not told */
void sources_release(struct sources *s);

#endif

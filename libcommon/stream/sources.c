/* SPDX-License-Identifier: Apache-2.0 */
/* Names of sources. See sources.h. Streams carry few topics, so a list serves. */
#include "stream/sources.h"

#include <stdlib.h>
#include <string.h>

const char *sources_find(struct sources *s, uint64_t topic_id) {
    if (s->last < s->count && s->names[s->last].topic_id == topic_id) return s->names[s->last].topic;
    for (size_t i = 0; i < s->count; i++)
        if (s->names[i].topic_id == topic_id) {
            s->last = i;
            return s->names[i].topic;
        }
    return NULL;
}

int sources_add(struct sources *s, uint64_t topic_id, const char *topic, struct err *e) {
    if (sources_find(s, topic_id)) return 0;
    struct source_name *p = realloc(s->names, (s->count + 1) * sizeof *p);
    if (!p) return err_nomem(e);
    s->names = p;
    char *copy = strdup(topic);
    if (!copy) return err_nomem(e);
    s->names[s->count++] = (struct source_name){.topic_id = topic_id, .topic = copy};
    return 0;
}

void sources_release(struct sources *s) {
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) free(s->names[i].topic);
    free(s->names);
    *s = (struct sources){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream is made of: counted while the stage reads it. See show.h. */
#include <stdlib.h>
#include <string.h>

#include "show.h"

int info_init(struct info *i, struct err *e) {
    *i = (struct info){.min_time = NO_TIME, .max_time = NO_TIME, .streams = json_array()};
    return i->streams ? 0 : err_nomem(e);
}

void info_release(struct info *i) {
    for (size_t k = 0; k < i->source_count; k++) free(i->sources[k].topic);
    free(i->sources);
    json_decref(i->streams);
    *i = (struct info){0};
}

/* The source of this block, made if need be. NULL with *ret 0: there are too many to keep. */
static int find_source(struct info *i, const struct block_header *h, struct info_source **ret, struct err *e) {
    *ret = NULL;
    for (size_t k = 0; k < i->source_count; k++) {
        struct info_source *s = &i->sources[(i->source_last + k) % i->source_count];
        if (s->topic_id != h->topic_id || s->partition != h->partition) continue;
        i->source_last = (size_t)(s - i->sources);
        *ret = s;
        return 0;
    }
    if (i->source_count == INFO_SOURCES_MAX) {
        i->more_sources++;
        return 0;
    }
    if (i->source_count == i->source_cap) {
        size_t cap = i->source_cap ? 2 * i->source_cap : 16;
        struct info_source *p = realloc(i->sources, cap * sizeof *p);
        if (!p) return err_nomem(e);
        i->sources = p;
        i->source_cap = cap;
    }
    i->source_last = i->source_count;
    *ret = &i->sources[i->source_count++];
    **ret = (struct info_source){.topic_id = h->topic_id, .partition = h->partition};
    return 0;
}

static int count_data(struct info *i, const struct block *b, struct err *e) {
    struct info_source *s;
    struct record_walk w;
    struct record r;
    i->data_blocks++;
    i->validated += (b->h.flags & BLOCK_JSON_VALID) != 0;
    i->compressed += b->h.codec != CODEC_NONE;
    i->raw_bytes += b->h.raw_size;
    i->stored_bytes += b->h.stored_size;
    int g = find_source(i, &b->h, &s, e);
    if (g < 0 || !s) return g;
    record_walk_init(&w, &b->h, b->body, RECORD_LIMIT_MAX);
    while ((g = record_next(&w, &r, e)) > 0) {
        if (s->records == 0 || r.offset < s->first) s->first = r.offset;
        if (r.offset > s->last) s->last = r.offset;
        s->records++;
    }
    return g;
}

static int name_source(struct info *i, const struct block *b, struct err *e) {
    struct info_source *s;
    int g = find_source(i, &b->h, &s, e);
    if (g < 0 || !s || s->topic) return g;
    s->topic = strdup(b->control.topic);
    return s->topic ? 0 : err_nomem(e);
}

/* Keep what the start block says of where the stream comes from. */
static int keep_start(struct info *i, const struct control *c, struct err *e) {
    if (json_array_size(i->streams) == INFO_STREAMS_MAX) {
        i->more_streams++;
        return 0;
    }
    static const char *const members[] = {"run", "pipeline", "history"};
    json_t *o = json_object();
    int rc = o ? 0 : -1;
    for (size_t k = 0; rc == 0 && k < sizeof members / sizeof *members; k++) {
        json_t *value = json_object_get(c->json, members[k]);
        rc = value ? json_object_set(o, members[k], value) : json_object_set_new(o, members[k], json_null());
    }
    if (rc < 0) {
        json_decref(o);
        return err_nomem(e);
    }
    return json_array_append_new(i->streams, o) < 0 ? err_nomem(e) : 0;
}

int info_block(struct info *i, const struct block *b, struct err *e) {
    i->bytes = b->position + BLOCK_HEADER_SIZE + b->h.stored_size;
    i->all_blocks++;
    i->with_crc += (b->h.flags & BLOCK_HAS_CRC) != 0;
    i->ended = false;
    if (b->h.kind == BLOCK_DATA) return count_data(i, b, e);
    i->controls[b->control.type]++;
    if (b->control.type == CONTROL_START) return keep_start(i, &b->control, e);
    if (b->control.type == CONTROL_SOURCE) return name_source(i, b, e);
    if (b->control.type == CONTROL_END) {
        i->ended = true;
        i->status = b->control.status;
    }
    return 0;
}

void info_record(struct info *i, const struct record *r) {
    i->json += r->value_type == VALUE_JSON;
    i->binary += r->value_type == VALUE_BYTES;
    i->tombstones += r->value_type == VALUE_NONE;
    i->keys += r->has_key;
    i->headers += r->headers_size > 0;
    if (r->time == NO_TIME) {
        i->without_time++;
        return;
    }
    if (i->max_time == NO_TIME || r->time < i->min_time) i->min_time = r->time;
    if (r->time > i->max_time) i->max_time = r->time;
}

void info_end(struct info *i, const struct stage *s, int grade) {
    i->format = s->format;
    i->grade = grade != 0 ? grade : i->ended ? G_END : G_EOF;
    i->records = s->counts.records_in;
    i->bad = s->counts.bad;
    if (s->format != IN_BLOCKS) i->bytes = s->counts.bytes_in;
}

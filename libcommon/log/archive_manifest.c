/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of an archive. See archive_manifest.h. */
#include "log/archive_manifest.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/version.h"
#include "log/segment.h"
#include "log/settings.h"
#include "json/tree.h"

#define FORMAT "leat-topic"
#define VERSION 1

void manifest_release(struct manifest *m) {
    if (!m) return;
    for (uint32_t p = 0; m->partitions && p < m->partition_count; p++) free(m->partitions[p].segments);
    free(m->partitions);
    *m = (struct manifest){0};
}

struct manifest_segment *manifest_add(struct manifest_partition *p) {
    struct manifest_segment *list = realloc(p->segments, (p->count + 1) * sizeof *list);
    if (!list) return NULL;
    p->segments = list;
    list[p->count] = (struct manifest_segment){0};
    return &list[p->count++];
}

uint64_t manifest_bytes(const struct manifest *m) {
    uint64_t sum = 0;
    for (uint32_t p = 0; p < m->partition_count; p++)
        for (size_t i = 0; i < m->partitions[p].count; i++) sum += m->partitions[p].segments[i].size;
    return sum;
}

void manifest_entry_name(char out[MANIFEST_NAME_MAX], const char *topic, uint32_t partition, uint64_t offset) {
    char file[SEGMENT_NAME_BYTES];
    segment_name(file, offset, ".leat");
    (void)snprintf(out, MANIFEST_NAME_MAX, "%s/%u/%s", topic, partition, file);
}

/* ---- to JSON ---- */

static json_t *time_to_json(int64_t t) {
    return t == NO_TIME ? json_null() : json_integer(t);
}

static json_t *segment_to_json(const struct manifest_segment *s) {
    return json_pack("{s:I, s:I, s:I, s:o, s:I, s:o, s:o}", "offset", (json_int_t)s->offset, "end_offset",
                     (json_int_t)s->end_offset, "size", (json_int_t)s->size, "crc32c", tree_hex(s->crc32c, 8),
                     "records", (json_int_t)s->records, "min_time", time_to_json(s->min_time), "max_time",
                     time_to_json(s->max_time));
}

static json_t *partition_to_json(const struct manifest_partition *p) {
    json_t *segments = json_array();
    for (size_t i = 0; segments && i < p->count; i++)
        if (json_array_append_new(segments, segment_to_json(&p->segments[i])) < 0) {
            json_decref(segments);
            return NULL;
        }
    return json_pack("{s:I, s:I, s:o}", "start", (json_int_t)p->start, "end", (json_int_t)p->end, "segments", segments);
}

int manifest_encode(const struct manifest *m, struct buf *b, struct err *e) {
    json_t *partitions = json_array();
    bool failed = !partitions;
    for (uint32_t p = 0; !failed && p < m->partition_count; p++)
        failed = json_array_append_new(partitions, partition_to_json(&m->partitions[p])) < 0;
    json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:o, s:I, s:o, s:o}", "format", FORMAT, "version", VERSION, "leat",
                          LEAT_VERSION, "topic", m->topic, "topic_id", tree_hex(m->topic_id, 16), "created",
                          (json_int_t)m->created_ns, "settings", topic_settings_to_json(&m->settings), "partitions",
                          partitions);
    char *text = o && !failed ? json_dumps(o, JSON_INDENT(1)) : NULL;
    json_decref(o);
    if (!text || buf_puts(b, text) < 0 || buf_putc(b, '\n') < 0) failed = true;
    free(text);
    if (failed) return err_nomem(e);
    return b->len > MANIFEST_MAX_BYTES
               ? err_set(e, G_DATA, "topic '%s' has too many segments for one archive", m->topic)
               : 0;
}

/* ---- from JSON ---- */

static int bad(struct err *e, const char *where, const char *what) {
    return err_set(e, G_CORRUPT, MANIFEST_FILE ": %s: %s", where, what);
}

/* An object with exactly the members of the format. */
#define UNPACK(o, where, e, ...)                                                                                       \
    do {                                                                                                               \
        json_error_t why_;                                                                                             \
        if (json_unpack_ex(o, &why_, JSON_STRICT, __VA_ARGS__) < 0) return bad(e, where, why_.text);                   \
    } while (0)

static bool get_time(const json_t *v, int64_t *ret) {
    if (!json_is_null(v) && (!json_is_integer(v) || json_integer_value(v) == NO_TIME)) return false;
    *ret = json_is_null(v) ? NO_TIME : json_integer_value(v);
    return true;
}

static int read_segment(json_t *o, const char *where, struct manifest_segment *ret, struct err *e) {
    json_int_t offset, end, size, records;
    json_t *crc, *min, *max;
    uint64_t sum = 0;
    UNPACK(o, where, e, "{s:I, s:I, s:I, s:o, s:I, s:o, s:o}", "offset", &offset, "end_offset", &end, "size", &size,
           "crc32c", &crc, "records", &records, "min_time", &min, "max_time", &max);
    if (offset < 0 || end < offset) return bad(e, where, "'end_offset' and 'offset' are no range");
    if (size < BLOCK_HEADER_SIZE) return bad(e, where, "'size' is too little for a segment");
    if (records < 0 || records > end - offset) return bad(e, where, "'records' are not so many as there are offsets");
    if (!tree_get_hex(crc, 8, &sum)) return bad(e, where, "'crc32c' is not 8 hexadecimal digits");
    *ret = (struct manifest_segment){
        .offset = (uint64_t)offset,
        .end_offset = (uint64_t)end,
        .size = (uint64_t)size,
        .crc32c = (uint32_t)sum,
        .records = (uint64_t)records,
    };
    if (!get_time(min, &ret->min_time)) return bad(e, where, "'min_time' is no time");
    if (!get_time(max, &ret->max_time)) return bad(e, where, "'max_time' is no time");
    return 0;
}

/* How segments lie behind each other. */
static int check_order(const struct manifest_partition *p, const char *where, struct err *e) {
    if (p->count == 0) return p->end == p->start ? 0 : bad(e, where, "'segments' are missing");
    if (p->segments[0].offset > p->start) return bad(e, where, "'start' lies before the first segment");
    if (p->count > 1 && p->segments[1].offset <= p->start)
        return bad(e, where, "'start' lies behind the first segment");
    for (size_t i = 0; i < p->count; i++) {
        uint64_t next = i + 1 < p->count ? p->segments[i + 1].offset : p->end;
        if (p->segments[i].end_offset != next) return bad(e, where, "an 'end_offset' is not where the next one begins");
        if (i + 1 < p->count && p->segments[i].offset >= next) return bad(e, where, "'segments' do not rise");
    }
    return 0;
}

static int read_partition(json_t *o, uint32_t number, struct manifest_partition *ret, struct err *e) {
    char where[64];
    json_int_t start, end;
    json_t *segments;
    (void)snprintf(where, sizeof where, "partition %u", number);
    UNPACK(o, where, e, "{s:I, s:I, s:o}", "start", &start, "end", &end, "segments", &segments);
    if (start < 0 || end < start) return bad(e, where, "'end' and 'start' are no range");
    if (!json_is_array(segments)) return bad(e, where, "'segments' is no array");
    *ret = (struct manifest_partition){.start = (uint64_t)start, .end = (uint64_t)end};
    ret->segments = calloc(json_array_size(segments) + 1, sizeof *ret->segments);
    if (!ret->segments) return err_nomem(e);
    int g = 0;
    for (size_t i = 0; g == 0 && i < json_array_size(segments); i++) {
        (void)snprintf(where, sizeof where, "partition %u, segment %zu", number, i);
        g = read_segment(json_array_get(segments, i), where, &ret->segments[i], e);
        ret->count = i + 1;
    }
    (void)snprintf(where, sizeof where, "partition %u", number);
    return g < 0 ? g : check_order(ret, where, e);
}

/* All of them, and written as they are here. */
static int read_settings(const json_t *o, struct topic_settings *ret, struct err *e) {
    struct err why;
    if (topic_settings_from_json(o, ret, &why) < 0) return bad(e, "'settings'", why.text);
    json_t *same = topic_settings_to_json(ret);
    bool good = same && json_equal(same, o);
    json_decref(same);
    return good ? 0 : bad(e, "'settings'", "they are not those of a topic");
}

static int read_manifest(json_t *o, struct manifest *m, struct err *e) {
    const char *format, *leat, *topic;
    json_int_t version, created;
    json_t *id, *settings, *partitions;
    static const char where[] = "topic";
    UNPACK(o, where, e, "{s:s, s:I, s:s, s:s, s:o, s:I, s:o, s:o}", "format", &format, "version", &version, "leat",
           &leat, "topic", &topic, "topic_id", &id, "created", &created, "settings", &settings, "partitions",
           &partitions);
    if (strcmp(format, FORMAT) != 0) return bad(e, where, "'format' is not " FORMAT);
    if (version != VERSION) return bad(e, where, "this program does not know the 'version'");
    if (topic_name_check(topic, NULL) < 0) return bad(e, where, "'topic' is no name of a topic");
    if (!tree_get_hex(id, 16, &m->topic_id) || m->topic_id == 0) return bad(e, where, "'topic_id' is no identity");
    (void)snprintf(m->topic, sizeof m->topic, "%s", topic);
    m->created_ns = created;
    int g = read_settings(settings, &m->settings, e);
    if (g < 0) return g;
    size_t n = json_array_size(partitions);
    if (n < 1 || n > TOPIC_PARTITIONS_MAX) return bad(e, where, "'partitions' are none or too many");
    m->partitions = calloc(n, sizeof *m->partitions);
    if (!m->partitions) return err_nomem(e);
    m->partition_count = (uint32_t)n;
    uint64_t sum = 0;
    for (uint32_t p = 0; p < n; p++) {
        g = read_partition(json_array_get(partitions, p), p, &m->partitions[p], e);
        if (g < 0) return g;
        for (size_t i = 0; i < m->partitions[p].count; i++) {
            sum += m->partitions[p].segments[i].size;
            if (sum > INT64_MAX) return bad(e, where, "the sizes add up to too much");
        }
    }
    return 0;
}

/* A tree takes far more memory than its text, so one that has more nodes than a manifest of its size is not built: a
 * segment takes more than 100 bytes, and has 8 members. */
static bool is_plausible(const char *text, size_t n) {
    size_t containers = 0, commas = 0;
    for (size_t i = 0; i < n; i++) {
        containers += text[i] == '{' || text[i] == '[';
        commas += text[i] == ',';
    }
    return containers <= 64 + 2 * TOPIC_PARTITIONS_MAX + n / 100 && commas <= 64 + 4 * TOPIC_PARTITIONS_MAX + n / 12;
}

int manifest_decode(const char *text, size_t n, struct manifest *ret, struct err *e) {
    json_error_t why;
    if (!is_plausible(text, n)) return bad(e, "topic", "it has more members than a manifest");
    json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    if (!o) return bad(e, "no JSON", why.text);
    *ret = (struct manifest){0};
    int g = read_manifest(o, ret, e);
    json_decref(o);
    if (g < 0) manifest_release(ret);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Letters as a user has edited them: the JSON envelope, found again by partition and offset. See redrive.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "redrive.h"
#include "stream/text_in.h"
#include "sys/sys.h"
#include "json/fields.h"

struct edited_line {
    uint64_t line;
    size_t at, size; /* of the record, encoded */
    bool used;
};

struct key {
    uint64_t partition, offset;
};

/* What says which letter it is; the text reader has validated the line. */
enum { FIELD_TOPIC, FIELD_PARTITION, FIELD_OFFSET, FIELDS };

static int fields_init(struct json_fields *f) {
    static const char *const names[FIELDS] = {"topic", "partition", "offset"};
    uint32_t slot;
    int g = json_fields_init(f);
    for (size_t i = 0; g == 0 && i < FIELDS; i++) {
        const struct json_name name = {names[i], strlen(names[i])};
        g = json_fields_add(f, &name, 1, &slot);
    }
    return g == 0 ? json_fields_compile(f) : g;
}

static int check_topic(const struct letters *from, const struct json_slice *topic, struct err *e) {
    struct buf name = {0};
    if (topic->type != JSON_TYPE_STRING) {
        if (!from->topic) return 0;
        return err_set(e, G_DATA, "it does not say which topic it is from");
    }
    int g = json_unescape(topic->p, topic->n, &name) < 0 ? err_nomem(e) : 0;
    bool same = g == 0 && from->topic && name.len == strlen(from->topic->name) &&
                memcmp(name.data, from->topic->name, name.len) == 0;
    if (g == 0 && !same)
        g = err_set(e, G_DATA, "it is a record of topic '%.*s'", (int)(name.len > 100 ? 100 : name.len), name.data);
    buf_release(&name);
    return g;
}

static int read_key(const struct json_fields *f, const struct letters *from, const char *line, size_t n,
                    struct key *ret, struct err *e) {
    struct json_slice found[FIELDS];
    json_fields_find(f, line, n, 0, found);
    const struct json_slice *p = &found[FIELD_PARTITION], *o = &found[FIELD_OFFSET];
    int g = check_topic(from, &found[FIELD_TOPIC], e);
    if (g < 0) return g;
    if (!o->p || !p->p || number_parse_u64(p->p, p->n, 0, TOPIC_PARTITIONS_MAX - 1, &ret->partition, NULL) < 0 ||
        number_parse_u64(o->p, o->n, 0, OFFSET_MAX, &ret->offset, NULL) < 0)
        return err_set(e, G_DATA, "partition and offset do not say which letter it is");
    return 0;
}

static int add_line(struct edited *x, const struct key *key, uint64_t line, const struct record *r, struct err *e) {
    size_t size = record_size(r);
    int g = record_check(r, RECORD_LIMIT_MAX, e);
    if (g < 0) return g;
    if (x->count == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 64;
        struct edited_line *lines = reallocarray(x->lines, cap, sizeof *lines);
        if (!lines) return err_nomem(e);
        x->lines = lines;
        x->cap = cap;
    }
    g = hashmap_put(&x->index, key, sizeof *key, x->count);
    if (g == 0) return err_set(e, G_DATA, "its letter is there twice");
    if (g < 0 || buf_reserve(&x->records, size) < 0) return err_nomem(e);
    x->lines[x->count++] = (struct edited_line){.line = line, .at = x->records.len, .size = size};
    record_encode(r, 0, x->records.data + x->records.len);
    x->records.len += size;
    return 0;
}

static int read_lines(struct edited *x, struct text_in *in, const struct json_fields *f, const struct letters *from,
                      struct err *e) {
    struct record r;
    int g;
    while ((g = text_in_next(in, &r, e)) == 0) {
        struct key key;
        size_t n;
        const char *line = text_in_raw(in, &n);
        g = read_key(f, from, line, n, &key, e);
        if (g == 0) g = add_line(x, &key, text_in_line(in), &r, e);
        if (g < 0) return err_prefix(e, "'%s:%" PRIu64 "': ", x->name, text_in_line(in));
    }
    if (g == G_DATA) return err_prefix(e, "'%s:%" PRIu64 "': ", x->name, text_in_line(in));
    return g == G_EOF ? 0 : g;
}

static int read_fd(struct edited *x, int fd, const struct letters *from, struct err *e) {
    const struct text_in_config config = {.format = IN_ENVELOPE, .record_limit = RECORD_LIMIT_DEFAULT};
    struct json_fields f = {0};
    struct text_in *text = NULL;
    struct inbuf in;
    int g = inbuf_init(&in, fd, x->name, e);
    if (g < 0) return g;
    if (fields_init(&f) < 0) g = err_nomem(e);
    if (g == 0) g = text_in_open(&text, &in, &config, e);
    if (g == 0) g = read_lines(x, text, &f, from, e);
    text_in_free(text);
    json_fields_release(&f);
    inbuf_release(&in);
    return g;
}

int edited_load(struct edited *x, const char *name, const struct letters *from, struct err *e) {
    bool standard = strcmp(name, "-") == 0;
    x->name = standard ? "standard input" : name;
    int g = hashmap_init(&x->index, e);
    if (g < 0) return g;
    int fd = standard ? STDIN_FILENO : sys.openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", name);
    g = read_fd(x, fd, from, e);
    if (!standard) sys.close(fd);
    return g;
}

void edited_release(struct edited *x) {
    hashmap_release(&x->index);
    buf_release(&x->records);
    free(x->lines);
}

static bool same_text(const struct text *a, const struct text *b) {
    return !a->p || !b->p || (a->n == b->n && memcmp(a->p, b->p, a->n) == 0);
}

bool edited_has(struct edited *x, struct letter_id id) {
    const struct key key = {id.partition, id.offset};
    uint64_t i;
    if (!hashmap_get(&x->index, &key, sizeof key, &i)) return false;
    x->lines[i].used = true;
    return true;
}

int edited_take(struct edited *x, struct letter *l, struct err *e) {
    const struct key key = {l->id.partition, l->id.offset};
    uint64_t i;
    if (!hashmap_get(&x->index, &key, sizeof key, &i)) return 0;
    const struct edited_line *line = &x->lines[i];
    struct block_header h = {.raw_size = (uint32_t)line->size, .records = 1};
    struct letter now = *l;
    struct record_walk w;
    record_walk_init(&w, &h, x->records.data + line->at, SIZE_MAX);
    (void)record_next_checked(&w, &now.record);
    now.slack = 0;
    letter_read_headers(&now);
    if (!same_text(&now.time, &l->time))
        return err_set(e, G_DATA, "'%s:%" PRIu64 "' is about another letter: its leat.time is another", x->name,
                       line->line);
    *l = now;
    return 1;
}

size_t edited_unused(const struct edited *x) {
    size_t n = 0;
    for (size_t i = 0; i < x->count; i++) n += !x->lines[i].used;
    return n;
}

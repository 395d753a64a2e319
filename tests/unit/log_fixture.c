/* SPDX-License-Identifier: Apache-2.0 */
/* A log for tests. See log_fixture.h. */
#include "log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/file.h"

enum { NAME_BYTES = SCRATCH_MAX + 64 };

#define WORKED(call)                                                                                                   \
    do {                                                                                                               \
        struct err e_ = {0};                                                                                           \
        struct err *e = &e_;                                                                                           \
        int g_ = (call);                                                                                               \
        if (g_ < 0) fail_msg("%s: %s", #call, e_.text);                                                                \
    } while (0)

void log_fixture_open(struct log_fixture *f, uint32_t partitions, const struct topic_settings *settings) {
    struct topic_settings small = topic_settings_default;
    small.segment_size = 4096;
    *f = (struct log_fixture){0};
    scratch_name(f->path, "log");
    assert_non_null(mkdtemp(f->path));
    WORKED(log_open(&f->log, f->path, true, false, e));
    WORKED(topic_create(&f->log, "t", partitions, settings ? settings : &small, false, e));
    WORKED(topic_open(&f->topic, &f->log, "t", e));
}

void log_fixture_reopen(struct log_fixture *f) {
    topic_close(&f->topic);
    WORKED(topic_open(&f->topic, &f->log, "t", e));
}

void log_fixture_close(struct log_fixture *f) {
    topic_close(&f->topic);
    WORKED(dir_remove_tree(f->log.root, "topics", e));
    WORKED(dir_remove_tree(f->log.root, "groups", e));
    WORKED(dir_remove_tree(f->log.root, "tmp", e));
    log_close(&f->log);
    assert_int_equal(rmdir(f->path), 0);
}

static void add_record(struct buf *body, uint64_t offset, uint32_t delta, const char *key, int pad) {
    char *value = malloc((size_t)(pad > 0 ? pad : 0) + 64);
    struct record r = {.time = (int64_t)offset, .value_type = pad < 0 ? VALUE_NONE : VALUE_JSON};
    int n = snprintf(value, 64, "{\"n\":%llu,\"pad\":\"", (unsigned long long)offset);
    for (int i = 0; i < pad; i++) value[n++] = (char)('a' + (offset + (uint64_t)i * 7) % 26);
    value[n++] = '"';
    value[n++] = '}';
    r.value = value;
    r.value_size = pad < 0 ? 0 : (size_t)n;
    r.has_key = key != NULL;
    r.key = key;
    r.key_size = key ? strlen(key) : 0;
    assert_int_equal(buf_reserve(body, record_size(&r)), 0);
    record_encode(&r, delta, body->data + body->len);
    body->len += record_size(&r);
    free(value);
}

void log_fixture_append(struct log_fixture *f, uint32_t partition, unsigned n, const char *key, int pad) {
    struct partition p;
    struct buf body = {0};
    uint64_t first = 0;
    WORKED(partition_open(&p, &f->topic, partition, PARTITION_APPEND, e));
    uint64_t next = atomic_load(&p.tail->written_offset);
    for (unsigned i = 0; i < n; i++) add_record(&body, next + i, i, key, pad);
    struct append_block b = {
        .h = {.records = n, .flags = BLOCK_JSON_VALID, .min_time = (int64_t)next, .max_time = (int64_t)(next + n - 1)},
        .body = body.data,
        .size = (uint32_t)body.len};
    append_block_prepare(&b);
    WORKED(partition_append(&p, &b, 1, &first, e));
    assert_true(first == next);
    WORKED(partition_sync(&p, first + n, e));
    partition_close(&p);
    buf_release(&body);
}

static void name_of(const struct log_fixture *f, const char *file, char out[NAME_BYTES]) {
    (void)snprintf(out, NAME_BYTES, "%s/topics/t/%s", f->path, file);
}

char *log_fixture_load(const struct log_fixture *f, const char *file, size_t *ret_size) {
    char path[NAME_BYTES];
    struct stat st;
    name_of(f, file, path);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fstat(fileno(in), &st), 0);
    char *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    *ret_size = fread(bytes, 1, (size_t)st.st_size, in);
    assert_int_equal(*ret_size, st.st_size);
    fclose(in);
    return bytes;
}

void log_fixture_store(const struct log_fixture *f, const char *file, const char *bytes, size_t n) {
    char path[NAME_BYTES];
    name_of(f, file, path);
    FILE *out = fopen(path, access(path, F_OK) == 0 ? "r+b" : "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fflush(out), 0);
    assert_int_equal(ftruncate(fileno(out), (off_t)n), 0);
    fclose(out);
}

bool log_fixture_has(const struct log_fixture *f, const char *file) {
    char path[NAME_BYTES];
    name_of(f, file, path);
    return access(path, F_OK) == 0;
}

void log_fixture_remove(const struct log_fixture *f, const char *file) {
    char path[NAME_BYTES];
    name_of(f, file, path);
    assert_int_equal(unlink(path), 0);
}

size_t log_fixture_read(struct log_fixture *f, uint32_t partition, uint64_t *offsets, size_t max, int *ret_grade) {
    struct cursor c;
    struct cursor_block b;
    struct buf bytes = {0}, raw = {0};
    struct err e = {0};
    const char *body;
    size_t n = 0;
    int g = cursor_open(&c, &f->topic, partition, false, &e);
    while (g == 0 && (g = cursor_next(&c, &b, &e)) == 0) {
        struct record_walk w;
        struct record r;
        g = cursor_load(&b, &bytes, &raw, &body, &e);
        if (g < 0) break;
        record_walk_init(&w, &b.h, body, RECORD_LIMIT_MAX);
        while ((g = record_next(&w, &r, &e)) > 0)
            if (r.offset >= b.first && n < max) offsets[n++] = r.offset;
    }
    *ret_grade = g;
    cursor_close(&c);
    buf_release(&bytes);
    buf_release(&raw);
    return n;
}

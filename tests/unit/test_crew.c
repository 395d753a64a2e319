/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream/crew.h: with a crew a reader hands out the same blocks, and fails in the same way with the same words, as
 * without; every data block that can have a note has its own.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "stream/crew.h"
#include "stream/reader.h"
#include "stream/writer.h"

static uint32_t seed;

static uint32_t random_below(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * n) >> 32);
}

/* One data block of so many records. */
static void add_block(struct buf *stream, uint32_t records, unsigned value_size, bool compressed, bool valid) {
    struct buf body = {0}, packed = {0};
    char value[4096];
    for (uint32_t i = 0; i < records; i++) {
        int n = snprintf(value, sizeof value, "{\"n\":%u,\"pad\":\"%0*u\"}", i, (int)value_size, random_below(1000));
        struct record r = {.time = i, .value = value, .value_size = (size_t)n, .value_type = VALUE_JSON};
        assert_int_equal(buf_reserve(&body, record_size(&r)), 0);
        record_encode(&r, i, body.data + body.len);
        body.len += record_size(&r);
    }
    bool smaller = compressed && block_compress(body.data, body.len, 1, &packed);
    const struct buf *stored = smaller ? &packed : &body;
    struct block_header h = {.kind = BLOCK_DATA,
                             .codec = smaller ? CODEC_ZSTD : CODEC_NONE,
                             .flags = valid ? BLOCK_JSON_VALID : 0,
                             .stored_size = (uint32_t)stored->len,
                             .raw_size = (uint32_t)body.len,
                             .records = records,
                             .topic_id = 7,
                             .max_time = records};
    uint8_t header[BLOCK_HEADER_SIZE];
    block_header_encode(&h, header);
    if (random_below(2)) block_seal(header, stored->data, stored->len);
    assert_int_equal(buf_append(stream, header, sizeof header), 0);
    assert_int_equal(buf_append(stream, stored->data, stored->len), 0);
    buf_release(&body);
    buf_release(&packed);
}

static void add_control(struct buf *stream, const char *json) {
    struct block_header h = {.kind = BLOCK_CONTROL,
                             .stored_size = (uint32_t)strlen(json),
                             .raw_size = (uint32_t)strlen(json),
                             .min_time = NO_TIME,
                             .max_time = NO_TIME,
                             .topic_id = 7};
    uint8_t header[BLOCK_HEADER_SIZE];
    block_header_encode(&h, header);
    assert_int_equal(buf_append(stream, header, sizeof header), 0);
    assert_int_equal(buf_append(stream, json, strlen(json)), 0);
}

/* A few megabytes: blocks of one record and of thousands, compressed and not, control blocks between them. */
static void make_stream(struct buf *stream, uint32_t with_seed) {
    seed = with_seed;
    add_control(stream, "{\"type\":\"start\",\"run\":\"00\",\"pipeline\":null,\"restore\":null,\"history\":[]}");
    while (stream->len < (5u << 20)) {
        uint32_t kind = random_below(20);
        uint32_t records = kind < 8 ? 1 : kind < 16 ? 1 + random_below(50) : 1 + random_below(4000);
        if (kind == 19) add_control(stream, "{\"type\":\"source\",\"topic\":\"t\"}");
        add_block(stream, records, 1 + random_below(100), kind == 18, kind != 17);
    }
    add_control(stream, "{\"type\":\"end\",\"status\":0,\"records\":1,\"bytes\":1}");
}

/* The note of a block: its number of records and its tag. */
static int look(void *ctx, unsigned thread, const struct crew_block *b, struct buf *note) {
    uint32_t found[2] = {0, (uint32_t)(uintptr_t)b->tag};
    struct record_walk w;
    struct record r;
    (void)ctx;
    assert_true(thread < CREW_THREADS_MAX);
    record_walk_init(&w, b->h, b->body, SIZE_MAX);
    while (record_next(&w, &r, NULL) > 0) found[0]++;
    return buf_append(note, found, sizeof found);
}

static const void *tag(void *ctx, const struct block_header *h, const char *stored) {
    (void)ctx, (void)stored;
    return (const void *)(uintptr_t)h->records;
}

struct seen {
    uint64_t blocks, records, hash, notes, with_note;
    int grade;
    struct err e;
};

static uint64_t mix(uint64_t hash, uint64_t v) {
    return (hash ^ v) * 0x100000001b3u;
}

static void check_note(const struct crew *crew, const struct block *b, struct seen *s) {
    const char *note;
    size_t n;
    bool can = b->h.kind == BLOCK_DATA && b->h.codec == CODEC_NONE && (b->h.flags & BLOCK_JSON_VALID);
    s->with_note += can;
    if (!crew_note(crew, b->position, &note, &n)) return;
    uint32_t found[2];
    assert_true(can);
    assert_int_equal(n, sizeof found);
    memcpy(found, note, sizeof found);
    assert_int_equal(found[0], b->h.records);
    assert_int_equal(found[1], b->h.records);
    s->notes++;
}

static struct seen read_all(int fd, bool with_crew) {
    const struct crew_config config = {.record_limit = RECORD_LIMIT_DEFAULT, .look = look, .tag = tag};
    struct seen s = {0};
    struct inbuf in;
    struct reader r;
    struct block b = {0};
    assert_int_equal(inbuf_init(&in, fd, "stream", &s.e), 0);
    reader_init(&r, &in, RECORD_LIMIT_DEFAULT);
    struct crew *crew = with_crew ? crew_start(&in, &config) : NULL;
    r.checked = crew ? crew_checked : NULL;
    r.checked_ctx = crew;
    while ((s.grade = reader_next(&r, &b, &s.e)) == 0) {
        s.blocks++;
        s.records += b.h.records;
        s.hash = mix(mix(s.hash, b.position), b.h.stored_size);
        for (size_t i = 0; i < b.h.raw_size; i += 97) s.hash = mix(s.hash, (unsigned char)b.body[i]);
        if (crew) check_note(crew, &b, &s);
    }
    reader_release(&r, &b);
    crew_free(crew);
    inbuf_release(&in);
    return s;
}

static int file_of(const char *p, size_t n) {
    int fd = memfd_create("stream", 0);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void same(const struct seen *a, const struct seen *b) {
    assert_int_equal(a->grade, b->grade);
    assert_int_equal(a->blocks, b->blocks);
    assert_int_equal(a->records, b->records);
    assert_true(a->hash == b->hash);
    if (a->grade < 0) assert_string_equal(a->e.text, b->e.text);
}

static void compare(const char *p, size_t n) {
    int fd = file_of(p, n);
    struct seen plain = read_all(fd, false);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    struct seen crew = read_all(fd, true);
    same(&plain, &crew);
    close(fd);
}

static void test_whole(void **state) {
    (void)state;
    for (uint32_t n = 1; n <= 4; n++) {
        struct buf stream = {0};
        make_stream(&stream, n);
        int fd = file_of(stream.data, stream.len);
        struct seen plain = read_all(fd, false);
        assert_int_equal(plain.grade, G_END);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        struct seen crew = read_all(fd, true);
        same(&plain, &crew);
        if (sysconf(_SC_NPROCESSORS_ONLN) > 1) assert_true(crew.notes > crew.with_note / 2);
        close(fd);
        buf_release(&stream);
    }
}

static void test_damaged_and_cut(void **state) {
    (void)state;
    struct buf stream = {0};
    make_stream(&stream, 9);
    for (int i = 0; i < 60; i++) {
        size_t at = random_below((uint32_t)stream.len);
        compare(stream.data, at); /* cut off */
        stream.data[at] = (char)~stream.data[at];
        compare(stream.data, stream.len); /* bent; where no CRC covers it, just another stream */
        stream.data[at] = (char)~stream.data[at];
    }
    buf_release(&stream);
}

struct dribble {
    int fd;
    const struct buf *bytes;
    bool slow;
};

static void *write_dribble(void *arg) {
    struct dribble *d = arg;
    uint32_t own = 77;
    for (size_t at = 0; at < d->bytes->len;) {
        own = own * 1664525u + 1013904223u;
        size_t n = 1 + own % (d->slow ? 100000 : 3000000);
        if (n > d->bytes->len - at) n = d->bytes->len - at;
        ssize_t put = write(d->fd, d->bytes->data + at, n);
        if (put <= 0) break;
        at += (size_t)put;
        if (d->slow && own % 7 == 0) usleep(500);
    }
    close(d->fd);
    return NULL;
}

static void test_pipe(void **state) {
    (void)state;
    struct buf stream = {0};
    make_stream(&stream, 21);
    int file = file_of(stream.data, stream.len);
    struct seen plain = read_all(file, false);
    for (int slow = 0; slow < 2; slow++) {
        int p[2];
        pthread_t writer;
        assert_int_equal(pipe(p), 0);
        struct dribble d = {p[1], &stream, slow != 0};
        assert_int_equal(pthread_create(&writer, NULL, write_dribble, &d), 0);
        struct seen crew = read_all(p[0], true);
        pthread_join(writer, NULL);
        close(p[0]);
        same(&plain, &crew);
    }
    close(file);
    buf_release(&stream);
}

static void test_left_early(void **state) {
    (void)state;
    struct buf stream = {0};
    make_stream(&stream, 33);
    const struct crew_config config = {.record_limit = RECORD_LIMIT_DEFAULT, .look = look, .tag = tag};
    for (int blocks = 0; blocks < 3000; blocks += 371) {
        int fd = file_of(stream.data, stream.len);
        struct inbuf in;
        struct reader r;
        struct block b = {0};
        struct err e;
        assert_int_equal(inbuf_init(&in, fd, "stream", &e), 0);
        reader_init(&r, &in, RECORD_LIMIT_DEFAULT);
        struct crew *crew = crew_start(&in, &config);
        for (int i = 0; i < blocks && reader_next(&r, &b, &e) == 0; i++) {
        }
        reader_release(&r, &b);
        crew_free(crew);
        inbuf_release(&in);
        close(fd);
    }
    buf_release(&stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_damaged_and_cut),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_left_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

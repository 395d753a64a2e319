/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block reader. However the input is cut into reads, blocks, grade and message are the same; the grade is sound: a
 * good end means that every byte was used and no stream was left open; what is handed out can be walked to its end;
 * and memory does not follow a length that is only claimed.
 *
 * Byte 0 of the input: bit 0 puts the CRCs right, bit 1 sets a small record limit, bits 4-7 choose the size of reads.
 */
#include <fcntl.h>

#include "input.h"
#include "stream/reader.h"
#include "sys/sys.h"

static struct {
    const uint8_t *p;
    size_t n, at, chunk;
} fake;

static ssize_t fake_read(int fd, void *p, size_t n) {
    (void)fd;
    size_t k = fake.n - fake.at;
    if (k > n) k = n;
    if (k > fake.chunk) k = fake.chunk;
    if (k) memcpy(p, fake.p + fake.at, k);
    fake.at += k;
    return (ssize_t)k;
}

static void add_records(uint64_t *hash, const struct block *b, size_t record_limit) {
    struct record_walk w;
    struct record r;
    uint64_t last = 0;
    int g;
    record_walk_init(&w, &b->h, b->body, record_limit);
    while ((g = record_next(&w, &r, NULL)) > 0) {
        struct header_view header;
        size_t at = 0;
        REQUIRE(record_check(&r, record_limit, NULL) == 0);
        REQUIRE(w.seen == 1 || r.offset > last);
        REQUIRE(r.offset <= OFFSET_MAX && (r.has_key || r.key_size == 0));
        while (record_header_next(r.headers, r.headers_size, &at, &header))
            hash_add(hash, header.name, header.name_size);
        REQUIRE(at == r.headers_size);
        hash_add(hash, r.key, r.key_size);
        hash_add(hash, r.value, r.value_size);
        last = r.offset;
    }
    REQUIRE(g == 0 && w.seen == b->h.records && w.seen > 0);
}

static uint64_t transcript(struct inbuf *in, size_t record_limit, size_t size) {
    struct reader r;
    struct block b = {0};
    struct err e = {0};
    uint64_t hash = 0xCBF29CE484222325u, used = 0;
    int g;
    reader_init(&r, in, record_limit);
    while ((g = reader_next(&r, &b, &e)) == 0) {
        REQUIRE(b.position == used && (const char *)b.header + BLOCK_HEADER_SIZE == b.stored);
        used += BLOCK_HEADER_SIZE + (uint64_t)b.h.stored_size;
        hash_add(&hash, b.header, BLOCK_HEADER_SIZE);
        hash_add(&hash, b.body, b.h.raw_size);
        if (b.h.kind == BLOCK_DATA) add_records(&hash, &b, record_limit);
        if (b.h.kind == BLOCK_CONTROL) REQUIRE(b.control.json);
    }
    REQUIRE(g == G_END || g == G_EOF || (g == e.grade && (g == G_TRUNCATED || g == G_CORRUPT || g == G_DATA)));
    if (g > 0) REQUIRE(used == size && !r.live && r.ended == (g == G_END));
    if (g == G_TRUNCATED) REQUIRE(r.live || used < size);
    struct err again = {0};
    if (g != G_CORRUPT) REQUIRE(reader_next(&r, &b, &again) == g);
    hash_add(&hash, &g, sizeof g);
    hash_add(&hash, e.text, strlen(e.text));
    reader_release(&r, &b);
    return hash;
}

static uint64_t transcript_whole(size_t record_limit) {
    struct inbuf in = {.fd = -1, .name = "input", .data = exact_copy(fake.p, fake.n), .len = fake.n, .cap = fake.n};
    fake.at = fake.n;
    in.cap = fake.n + INBUF_READ_BYTES; /* a lie: the read at the end of the input writes nothing */
    in.eof = true;
    uint64_t hash = transcript(&in, record_limit, fake.n);
    inbuf_release(&in);
    return hash;
}

/* The buffer, which is large, serves all calls. */
static uint64_t transcript_cut(size_t record_limit) {
    static struct inbuf in;
    if (!in.data) REQUIRE(inbuf_init(&in, open("/dev/null", O_RDONLY), "input", NULL) == 0);
    in.at = in.len = in.position = 0;
    in.eof = false;
    fake.at = 0;
    uint64_t hash = transcript(&in, record_limit, fake.n);
    REQUIRE(in.cap <= 4 * INBUF_READ_BYTES || in.cap <= 4 * fake.n);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const size_t chunks[8] = {1, 3, 7, 79, 80, 81, 500, 65536};
    if (size == 0) return 0;
    sys.read = fake_read;
    unsigned mode = data[0];
    size_t limit = mode & 2 ? 64 : 1u << 20; /* no larger, as zstd bodies up to it may be opened */
    uint8_t *copy = exact_copy(data + 1, size - 1);
    if (mode & 1) seal_blocks(copy, size - 1, NULL);
    fake.p = copy;
    fake.n = size - 1;
    fake.chunk = chunks[mode >> 4 & 7];
    uint64_t whole = transcript_whole(limit);
    REQUIRE(transcript_cut(limit) == whole);
    free(copy);
    return 0;
}

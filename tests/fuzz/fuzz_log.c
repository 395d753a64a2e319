/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition's directory in whatever state: the input is a list of steps that append, bend, cut, extend and replace
 * its files, each of which may be followed by readers and appenders. Nothing crashes, hangs or takes memory by a length
 * that is only claimed, and once a recovery has let an appender in, what was appended can be read.
 */
#include <sys/stat.h>

#include "log/cursor.h"
#include "log/group.h"
#include "log_dir.h"

#define STEPS_MAX 24
#define BLOCKS_MAX 100000

static const struct block_header identity = {.topic_id = LOG_DIR_TOPIC_ID, .partition = 0, .log_epoch = 1};
static const uint64_t bases[8] = {0, 1, 2, 5, 9, 1000, OFFSET_MAX - 1, UINT64_MAX};
static const char *const suffixes[4] = {".leat", ".idx", ".bad", ".leat.tmp"};

/* A name in the partition or, one level up, in the topic. */
static void pick_name(struct input *in, char out[64]) {
    static const char *const fixed[8] = {"tail",    "start",      "lock", "../topic.json",
                                         "../wake", "quarantine", "tail", "start"};
    unsigned b = input_byte(in);
    if (b & 0x80)
        (void)snprintf(out, 64, "%s", fixed[b & 7]);
    else
        (void)snprintf(out, 64, "%020llu%s", (unsigned long long)bases[b & 7], suffixes[b >> 3 & 3]);
}

static int read_some(struct cursor *c, uint64_t want, bool *ret_seen) {
    struct buf bytes = {0}, raw = {0};
    struct cursor_block b;
    struct err e = {0};
    int g;
    for (int i = 0;; i++) {
        REQUIRE(i < BLOCKS_MAX);
        g = cursor_next(c, &b, &e);
        if (g == G_ABSENT && !partition_is_deleted(&c->part)) continue; /* moved on */
        if (g != 0) break;
        REQUIRE(b.first < b.end && b.end == c->next_offset);
        const char *body;
        struct record_walk w;
        struct record r;
        if (cursor_load(&b, &bytes, &raw, &body, &e) < 0) continue;
        record_walk_init(&w, &b.h, body, RECORD_LIMIT_MAX);
        while (record_next(&w, &r, &e) > 0)
            if (r.offset == want && r.value_size == 4 && memcmp(r.value, "mine", 4) == 0) *ret_seen = true;
    }
    buf_release(&bytes);
    buf_release(&raw);
    return g;
}

static void reader(struct topic *t, bool uncommitted, int64_t time) {
    struct cursor c;
    struct err e = {0};
    bool seen;
    uint64_t at;
    if (cursor_open(&c, t, 0, uncommitted, &e) < 0) return;
    (void)read_some(&c, 0, &seen);
    (void)!cursor_find_time(&c, time, &at, &e);
    (void)!cursor_check_epoch(&c, 1, at = cursor_end(&c), &e);
    if (cursor_seek(&c, at / 2, &e) == 0) (void)read_some(&c, 0, &seen);
    cursor_close(&c);
}

/* False when the log did not take it. */
static bool append(struct topic *t, unsigned count, bool roll, uint64_t *ret_offset) {
    struct partition p;
    struct err e = {0};
    char body[8 * 64];
    size_t n = 0;
    int g = partition_open(&p, t, 0, PARTITION_APPEND, &e);
    REQUIRE(g <= 0 && (g == 0 || e.text[0]));
    if (g < 0) return false;
    count = count % 8 + 1;
    for (uint32_t i = 0; i < count; i++) {
        struct record r = {.time = 5 + i, .value = "mine", .value_size = 4, .value_type = VALUE_BYTES};
        record_encode(&r, i, body + n);
        n += record_size(&r);
    }
    struct append_block b = {
        .h = {.records = count, .min_time = 5, .max_time = 5 + count}, .body = body, .size = (uint32_t)n};
    append_block_prepare(&b);
    if (roll && partition_lock(&p, &e) == 0) {
        (void)!partition_roll(&p, true, &e);
        partition_unlock(&p);
    }
    g = partition_append(&p, &b, 1, ret_offset, &e);
    if (g == 0) g = partition_sync(&p, *ret_offset + count, &e);
    partition_close(&p);
    return g == 0;
}

/* Whoever comes after a lost tail, or after a reboot. */
static void append_after_recovery(struct topic *t, int dir, bool lost) {
    struct tail *tail;
    bool writable, seen = false;
    struct err e = {0};
    if (lost)
        unlinkat(dir, "tail", 0);
    else if (tail_map(dir, &tail, &writable, &e) == 0) {
        atomic_store(&tail->boot, 7);
        tail_unmap(tail);
    } else
        return;
    uint64_t offset;
    if (!append(t, 0, false, &offset)) return;
    struct cursor c;
    REQUIRE(cursor_open(&c, t, 0, false, &e) == 0);
    REQUIRE(cursor_seek(&c, offset, &e) == 0);
    (void)read_some(&c, offset, &seen);
    REQUIRE(seen);
    cursor_close(&c);
}

static void store(int dir, const char *name, struct input *in, bool seal) {
    if (strcmp(name, "../wake") == 0) return; /* mapped: the first byte of the input sees to it */
    struct input bytes = input_take(in, input_number(in, 2) & 4095);
    uint8_t *copy = exact_copy(bytes.p, bytes.n);
    size_t digits = strspn(name, "0123456789");
    if (seal && digits == 20 && bytes.n >= BLOCK_HEADER_SIZE) {
        put_u64_le(copy + 24, strtoull(name, NULL, 10));
        seal_blocks(copy, bytes.n, &identity);
    }
    if (seal && strcmp(name, "start") == 0)
        (void)!partition_write_start(dir, input_number(in, 1), NULL);
    else
        log_dir_store(dir, name, copy, bytes.n);
    free(copy);
}

static void bend(int dir, const char *name, uint64_t at, unsigned with) {
    int fd = openat(dir, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
    unsigned char b = 0;
    if (fd < 0) return;
    if (pread(fd, &b, 1, (off_t)at) == 1) {
        b ^= (unsigned char)with;
        (void)!pwrite(fd, &b, 1, (off_t)at);
    }
    close(fd);
}

static void resize(int dir, const char *name, uint64_t size) {
    if (strcmp(name, "../wake") == 0 && size < 4096) return; /* mapped: leat-log(5), BUGS */
    int fd = openat(dir, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) return;
    (void)!ftruncate(fd, (off_t)size);
    close(fd);
}

static void replace(int dir, const char *name, unsigned kind) {
    if (unlinkat(dir, name, 0) < 0) (void)dir_remove_tree(dir, name, NULL);
    switch (kind & 3) {
    case 0: (void)mkfifoat(dir, name, 0600); break;
    case 1: (void)mkdirat(dir, name, 0700); break;
    case 2: (void)symlinkat("../topic.json", dir, name); break;
    default: break;
    }
}

static void step(struct topic *t, int dir, struct input *in) {
    unsigned op = input_byte(in);
    char name[64];
    uint64_t offset;
    switch (op & 7) {
    case 0: (void)append(t, op >> 4, op & 8, &offset); break;
    case 1: pick_name(in, name), store(dir, name, in, !(op & 8)); break;
    case 2: pick_name(in, name), bend(dir, name, input_number(in, 2), input_byte(in)); break;
    case 3: pick_name(in, name), resize(dir, name, input_number(in, op & 8 ? 2 : 4)); break;
    case 4: pick_name(in, name), replace(dir, name, op >> 4); break;
    case 5: reader(t, op & 8, input_byte(in)); break;
    case 6: append_after_recovery(t, dir, op & 8); break;
    default: { /* a small number into a word of the tail */
        struct tail *tail;
        bool writable;
        if (tail_map(dir, &tail, &writable, NULL) < 0) break;
        atomic_store(&tail->segment + input_byte(in) % 9, input_number(in, op & 8 ? 8 : 1));
        tail_unmap(tail);
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct topic t;
    log_dir_init();
    (void)!dir_remove_tree(log_dir.topic_dir, "0", NULL);
    unlinkat(log_dir.topic_dir, "wake", 0);
    unlinkat(log_dir.topic_dir, "wake", AT_REMOVEDIR);
    unlinkat(log_dir.topic_dir, "topic.json", AT_REMOVEDIR);
    log_dir_reset();
    unsigned wake = input_byte(&in);
    if (wake & 1) log_dir_store(log_dir.topic_dir, "wake", data, wake < size ? wake : size);
    int dir = dir_open(log_dir.topic_dir, "0", true, NULL);
    REQUIRE(dir >= 0 && topic_open(&t, &log_dir.log, "t", NULL) == 0);
    for (int i = 0; in.n > 0 && i < STEPS_MAX; i++) {
        step(&t, dir, &in);
        struct err e;
        struct topic again;
        if (topic_open(&again, &log_dir.log, "t", &e) == 0) topic_close(&again);
    }
    reader(&t, false, 6);
    append_after_recovery(&t, dir, size & 1);
    topic_close(&t);
    close(dir);
    return 0;
}

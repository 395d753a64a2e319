/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group's file of positions of any bytes: a position is found, or none, or damage is told; and whatever was there,
 * what is committed is what is read afterwards.
 *
 * Byte 0: bit 0 puts partition and CRC of each slot right, bit 1 its topic, bit 2 joins the group at once. Then 48
 * bytes for each of the slots; what is left goes in front of them, where the head is.
 */
#include "base/crc32c.h"
#include "log/group.h"
#include "log_dir.h"

#define PARTITIONS 2u
#define SLOT_BYTES 512u
#define USED 48u

static struct buf make_file(struct input in, unsigned mode) {
    struct buf b = {0};
    size_t n = 4096 + PARTITIONS * 2 * SLOT_BYTES;
    REQUIRE(buf_reserve(&b, n) == 0);
    memset(b.data, 0, n);
    for (uint32_t i = 0; i < 2 * PARTITIONS; i++) {
        struct input slot = input_take(&in, USED);
        char *at = b.data + 4096 + i * SLOT_BYTES;
        if (slot.n) memcpy(at, slot.p, slot.n);
        b.len = 4096 + i * SLOT_BYTES + slot.n;
        if (slot.n < USED) break; /* the file is cut here */
        b.len = 4096 + (i + 1) * SLOT_BYTES;
        if (mode & 2) put_u64_le(at + 8, LOG_DIR_TOPIC_ID);
        if (mode & 1) {
            put_u32_le(at + 28, i / 2);
            put_u32_le(at + 40, crc32c(0, at, 40));
        }
    }
    if (in.n) memcpy(b.data, in.p, in.n < 4096 ? in.n : 4096);
    return b;
}

static void look(struct topic *t) {
    struct group g;
    struct group_position p;
    struct err e = {0};
    int r = group_open(&g, &log_dir.log, "g", t, false, &e);
    REQUIRE(r == 0);
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        r = group_read(&g, i, &p, &e);
        REQUIRE(r == 0 || (r == G_CORRUPT && e.grade == r));
    }
    group_close(&g);
}

static void commit(struct topic *t, uint64_t offset) {
    struct group g;
    struct group_position p;
    struct err e = {0};
    REQUIRE(group_open(&g, &log_dir.log, "g", t, true, &e) == 0);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        for (uint64_t k = 0; k < 3; k++) {
            int r = group_write(&g, i, offset + k, (uint32_t)k, &e);
            REQUIRE(r == 0 || r == G_CORRUPT); /* the last generation */
            if (r < 0) break;
            REQUIRE(group_read(&g, i, &p, &e) == 0);
            REQUIRE(p.known && p.offset == offset + k && p.epoch == k);
        }
    group_close(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct topic t;
    struct input in = {data, size};
    log_dir_init();
    unsigned mode = input_byte(&in);
    struct buf b = make_file(in, mode);
    int dir = dir_open(log_dir.log.groups, "g", true, NULL);
    REQUIRE(dir >= 0);
    log_dir_store(dir, "t.positions", b.data, b.len);
    close(dir);
    buf_release(&b);
    REQUIRE(topic_open(&t, &log_dir.log, "t", NULL) == 0);
    if (!(mode & 4)) look(&t);
    commit(&t, size * 1000);
    look(&t);
    topic_close(&t);
    return 0;
}

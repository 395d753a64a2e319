/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment file and its index. A walk over headers and one over whole blocks agree as far as the latter goes; what
 * the first block says can be written and read again; an index that was built leads to blocks that are there, and is
 * the same when it was saved and loaded; and a foreign index makes no difference to where the segment ends.
 *
 * Byte 0: bit 0 puts identity and CRCs of blocks right, bit 1 those of the index, bits 4-7 choose the base. Then u16
 * size and bytes of the index, then the segment.
 */
#include "base/crc32c.h"
#include "log/index.h"
#include "log_dir.h"

static const struct segment_identity id = {LOG_DIR_TOPIC_ID, 0};

struct walked {
    uint64_t at[64], offset[64];
    size_t count;
    uint64_t end_at, end_offset;
    int grade;
};

static struct walked walk(int fd, const struct segment_info *info, uint64_t size, bool bodies) {
    struct segment_walk w;
    struct walked r = {0};
    uint64_t last = info->head_bytes;
    segment_walk_init(&w, fd, &id, info, size, info->head_bytes, info->base);
    w.check_bodies = bodies;
    while ((r.grade = segment_walk_next(&w, NULL)) == 0) {
        REQUIRE(w.at >= last && w.next_at > w.at && w.next_at <= size);
        REQUIRE(w.h.base_offset <= OFFSET_MAX && w.next_offset > w.h.base_offset);
        if (r.count < 64) {
            r.at[r.count] = w.at;
            r.offset[r.count++] = w.h.base_offset;
        }
        last = w.next_at;
    }
    r.end_at = w.at;
    r.end_offset = w.next_offset;
    segment_walk_release(&w);
    REQUIRE(r.grade == G_EOF || r.grade == G_TRUNCATED || r.grade == G_CORRUPT || r.grade == G_DATA);
    return r;
}

static void check_info(int dir, const struct segment_info *info) {
    struct buf b = {0};
    struct segment_info again;
    struct err e;
    REQUIRE(segment_encode_info(&b, &id, info, &e) == 0);
    log_dir_store(dir, "again", b.data, b.len);
    int fd = openat(dir, "again", O_RDONLY);
    REQUIRE(segment_read_info(fd, &id, info->base, &again, &e) == 0);
    REQUIRE(again.epoch == info->epoch && again.created_ns == info->created_ns && again.boot_id == info->boot_id);
    REQUIRE(again.running_max == info->running_max && again.has_previous == info->has_previous);
    REQUIRE(again.previous.end_offset == info->previous.end_offset && again.previous.size == info->previous.size);
    REQUIRE(again.rewritten == info->rewritten && again.end_offset == info->end_offset);
    REQUIRE(again.lost_count == info->lost_count);
    for (size_t i = 0; i < info->lost_count; i++)
        REQUIRE(again.lost[i].from == info->lost[i].from && again.lost[i].to == info->lost[i].to);
    segment_info_release(&again);
    close(fd);
    buf_release(&b);
}

static void check_index(int dir, int fd, const struct segment_info *info, uint64_t size, const struct walked *w,
                        const char *name) {
    struct index built, loaded, foreign;
    REQUIRE(index_load_or_build(&foreign, dir, fd, &id, info, size, NULL) == 0);
    REQUIRE(index_build(&built, fd, &id, info, size, NULL) == 0);
    REQUIRE(foreign.end_offset == built.end_offset && built.end_offset >= w->end_offset);
    for (size_t i = 0; i < w->count; i++) {
        const struct index_entry *x = index_find_offset(&built, w->offset[i]);
        REQUIRE(x && x->offset <= w->offset[i] && x->position <= w->at[i]);
        (void)index_find_offset(&foreign, w->offset[i]);
    }
    REQUIRE(!index_find_time(&built, NO_TIME));
    (void)index_find_time(&foreign, 5);
    unlinkat(dir, name, 0);
    index_save(&built, dir, true);
    REQUIRE(index_load_or_build(&loaded, dir, fd, &id, info, size, NULL) == 0);
    REQUIRE(loaded.count == built.count && loaded.end_offset == built.end_offset && loaded.max_time == built.max_time);
    index_release(&built);
    index_release(&loaded);
    index_release(&foreign);
}

static void run(int dir, uint64_t base, uint64_t size) {
    char name[SEGMENT_NAME_BYTES];
    struct segment_info info;
    segment_name(name, base, ".leat");
    int fd = openat(dir, name, O_RDONLY);
    REQUIRE(fd >= 0);
    struct err e = {0};
    int g = segment_read_info(fd, &id, base, &info, &e);
    REQUIRE(g == 0 || ((g == G_CORRUPT || g == G_TRUNCATED) && e.grade == g));
    if (g == 0) {
        REQUIRE(info.head_bytes <= size);
        check_info(dir, &info);
        struct walked headers = walk(fd, &info, size, false), bodies = walk(fd, &info, size, true);
        REQUIRE(bodies.end_at <= headers.end_at && bodies.count <= headers.count);
        REQUIRE(memcmp(bodies.at, headers.at, bodies.count * sizeof *bodies.at) == 0);
        segment_name(name, base, ".idx");
        if (headers.grade == G_EOF) check_index(dir, fd, &info, size, &headers, name);
    }
    segment_info_release(&info);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint64_t bases[4] = {0, 5, 1u << 20, OFFSET_MAX - 3};
    static int dir;
    char name[SEGMENT_NAME_BYTES];
    struct input in = {data, size};
    log_dir_init();
    if (!dir) dir = dir_open(log_dir.topic_dir, "0", true, NULL);
    unsigned mode = input_byte(&in);
    uint64_t base = bases[mode >> 4 & 3];
    struct input x = input_take(&in, input_number(&in, 2) & 1023);
    uint8_t *index = exact_copy(x.p, x.n), *segment = exact_copy(in.p, in.n);
    struct block_header like = {.topic_id = id.topic_id, .partition = id.partition, .log_epoch = 1};
    if (mode & 1 && in.n >= BLOCK_HEADER_SIZE) {
        put_u64_le(segment + 24, base);
        seal_blocks(segment, in.n, &like);
    }
    if (mode & 2 && x.n >= 64) {
        put_u64_le(index + 16, id.topic_id);
        put_u64_le(index + 24, base);
        put_u64_le(index + 32, in.n);
        put_u32_le(index + 44, (uint32_t)((x.n - 64) / 24));

        put_u32_le(index + 48, crc32c(0, index + 64, x.n - 64));
    }
    segment_name(name, base, ".leat");
    log_dir_store(dir, name, segment, in.n);
    segment_name(name, base, ".idx");
    log_dir_store(dir, name, index, x.n);
    free(index);
    free(segment);
    run(dir, base, in.n);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The positions that groups committed in a topic: leat-log(5), section "Positions", checked to the last byte. */
#include <inttypes.h>
#include <stdio.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "log/group.h"
#include "log/verify.h"
#include "sys/file.h"
#include "sys/sys.h"

#define HEAD_BYTES 4096u
#define SLOT_BYTES 512u
#define SLOT_USED 44u
#define FILE_MAX (HEAD_BYTES + 2u * SLOT_BYTES * TOPIC_PARTITIONS_MAX)

struct positions {
    const struct topic *t;
    struct verification *v;
    const char *group;
    const char *bytes;
    size_t size;
};

static int tell(const struct positions *p, enum damage_weight weight, int64_t partition, uint64_t at, uint64_t to,
                const char *what, struct err *e) {
    struct damage *d = verification_add(p->v, weight, partition);
    if (!d) return err_nomem(e);
    (void)snprintf(d->file, sizeof d->file, "groups/%.*s/%.*s.positions", 128, p->group, 128, p->t->name);
    (void)snprintf(d->what, sizeof d->what, "%s", what);
    d->at = at;
    d->to = to;
    return 0;
}

static bool all_zero(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

/* The end up to which a position makes sense; UINT64_MAX when it cannot be told. */
static uint64_t end_of(const struct topic *t, uint32_t partition) {
    struct tail *tail = NULL;
    bool writable;
    int dir = topic_partition_dir(t, partition, false, NULL);
    if (dir < 0) return UINT64_MAX;
    uint64_t end = UINT64_MAX;
    if (tail_map(dir, &tail, &writable, NULL) == 0) {
        if (tail_valid(tail, t->id, partition)) end = atomic_load(&tail->written_offset);
        tail_unmap(tail);
    }
    sys.close(dir);
    return end;
}

static int check_slot(const struct positions *p, uint32_t partition, size_t at, struct err *e) {
    const char *s = p->bytes + at;
    if (all_zero(s, SLOT_BYTES)) return 0;
    bool good = get_u32_le(s + 40) == crc32c(0, s, 40) && get_u64_le(s) != 0 && get_u32_le(s + 28) == partition &&
                all_zero(s + SLOT_USED, SLOT_BYTES - SLOT_USED);
    if (!good)
        return tell(p, DAMAGE_LOSS, partition, at, at + SLOT_BYTES,
                    "a committed position fails its check; the one before it counts", e);
    if (get_u64_le(s + 8) != p->t->id)
        return tell(p, DAMAGE_NOTE, partition, at, at + SLOT_BYTES, "a position in a deleted topic of this name", e);
    if (get_u64_le(s + 16) > end_of(p->t, partition))
        return tell(p, DAMAGE_LOSS, partition, at, at + SLOT_BYTES, "a committed position lies beyond the end", e);
    return 0;
}

static int check_positions(const struct positions *p, struct err *e) {
    int g = 0;
    if (p->size < HEAD_BYTES) return tell(p, DAMAGE_LOSS, -1, 0, p->size, "the file has no whole head", e);
    if (memcmp(p->bytes, "LEATPOSN", 8) != 0 || get_u32_le(p->bytes + 8) != 1 || get_u32_le(p->bytes + 12) != 0 ||
        !all_zero(p->bytes + 24, HEAD_BYTES - 24))
        g = tell(p, DAMAGE_LOSS, -1, 0, HEAD_BYTES, "the head of the file is not valid", e);
    else if (get_u64_le(p->bytes + 16) != p->t->id)
        g = tell(p, DAMAGE_NOTE, -1, 16, 24, "the file was begun for another topic of this name", e);
    for (size_t at = HEAD_BYTES; g == 0 && at < p->size; at += SLOT_BYTES) {
        uint32_t partition = (uint32_t)((at - HEAD_BYTES) / SLOT_BYTES / 2);
        if (p->size - at < SLOT_BYTES)
            return tell(p, DAMAGE_LOSS, partition, at, p->size, "the file ends in a slot", e);
        g = check_slot(p, partition, at, e);
    }
    return g;
}

static int check_group(const struct log *log, const struct topic *t, const char *group, struct verification *v,
                       struct err *e) {
    char name[TOPIC_NAME_MAX + 16];
    struct buf b = {0};
    int dir = dir_open(log->groups, group, false, e);
    if (dir < 0) return dir == G_ABSENT ? 0 : dir;
    (void)snprintf(name, sizeof name, "%s.positions", t->name);
    int g = file_load(dir, name, FILE_MAX, &b, e);
    struct positions p = {.t = t, .v = v, .group = group, .bytes = b.data, .size = b.len};
    if (g == 0) g = check_positions(&p, e);
    buf_release(&b);
    sys.close(dir);
    return g == G_ABSENT ? 0 : g;
}

int verify_positions(const struct log *log, const struct topic *t, struct verification *v, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = group_list(log, &names, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) g = check_group(log, t, names[i], v, e);
    topic_list_free(names, count);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Consumer groups. See group.h and leat-log(5). */
#include "log/group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

#define HEAD_BYTES 4096
#define SLOT_BYTES 512
#define SLOT_USED 44
#define MEMBERS_AT (1 << 20)

/* One slot:  0 generation  8 topic_id  16 offset  24 epoch  28 partition  32 commit time  40 crc32c of 0..39 */
struct slot {
    bool valid;
    uint64_t generation;
    struct group_position position;
};

static off_t slot_at(uint32_t partition, unsigned which) {
    return HEAD_BYTES + (off_t)partition * 2 * SLOT_BYTES + (off_t)which * SLOT_BYTES;
}

static int read_slot(const struct group *g, uint32_t partition, unsigned which, struct slot *ret, bool *ret_blank,
                     struct err *e) {
    uint8_t b[SLOT_USED] = {0};
    static const uint8_t blank[SLOT_USED];
    size_t n = 0;
    int r = file_pread(g->positions_fd, b, sizeof b, slot_at(partition, which), &n, "positions", e);
    if (r < 0) return r;
    *ret = (struct slot){0};
    *ret_blank = n < sizeof b || memcmp(b, blank, sizeof b) == 0;
    bool good = n == sizeof b && get_u32_le(b + 40) == crc32c(0, b, 40) && get_u32_le(b + 28) == partition;
    if (!good || get_u64_le(b) == 0 || get_u64_le(b) == UINT64_MAX) return 0; /* the last one could have no follower */
    if (get_u64_le(b + 8) != g->topic->id) { /* of a topic that was deleted and made again: as good as none */
        *ret_blank = true;
        return 0;
    }
    ret->valid = true;
    ret->generation = get_u64_le(b);
    ret->position = (struct group_position){
        .known = true,
        .offset = get_u64_le(b + 16),
        .epoch = get_u32_le(b + 24),
        .committed_ns = get_i64_le(b + 32),
    };
    return 0;
}

static int read_slots(const struct group *g, uint32_t partition, struct slot slots[2], struct err *e) {
    bool blank[2];
    for (unsigned i = 0; i < 2; i++) {
        int r = read_slot(g, partition, i, &slots[i], &blank[i], e);
        if (r < 0) return r;
    }
    /* One slot may be torn by a crash; the other one holds what was committed before. */
    if (slots[0].valid || slots[1].valid || blank[0] || blank[1]) return 0;
    return err_set(e, G_CORRUPT, "the position of group '%s' in '%s/%u' is damaged; 'leat group reset' sets it anew",
                   g->name, g->topic->name, partition);
}

static unsigned newest(const struct slot slots[2]) {
    if (!slots[0].valid) return 1;
    return slots[1].valid && slots[1].generation > slots[0].generation ? 1 : 0;
}

int group_read(const struct group *g, uint32_t partition, struct group_position *ret, struct err *e) {
    struct slot slots[2];
    int r = read_slots(g, partition, slots, e);
    if (r == 0) *ret = slots[newest(slots)].position;
    return r;
}

int group_write(struct group *g, uint32_t partition, uint64_t offset, uint32_t epoch, struct err *e) {
    struct slot slots[2];
    int r = read_slots(g, partition, slots, NULL);
    if (r < 0 && r != G_CORRUPT) return r;
    unsigned current = newest(slots);
    uint64_t generation = slots[current].valid ? slots[current].generation + 1 : 1;
    if (generation == UINT64_MAX) /* nobody commits that often */
        return err_set(e, G_CORRUPT, "the position of group '%s' in '%s/%u' is damaged; 'leat group delete' forgets it",
                       g->name, g->topic->name, partition);
    uint8_t b[SLOT_USED];
    put_u64_le(b, generation);
    put_u64_le(b + 8, g->topic->id);
    put_u64_le(b + 16, offset);
    put_u32_le(b + 24, epoch);
    put_u32_le(b + 28, partition);
    put_i64_le(b + 32, sys.wall_ns());
    put_u32_le(b + 40, crc32c(0, b, 40));
    unsigned target = slots[current].valid ? 1 - current : 0;
    return file_pwrite_all(g->positions_fd, b, sizeof b, slot_at(partition, target), "positions", e);
}

int group_sync(struct group *g, struct err *e) {
    if (sys.fdatasync(g->positions_fd) < 0)
        return err_sys(e, errno, "cannot make the positions of group '%s' durable", g->name);
    return 0;
}

static int make_positions(struct group *g, const char *name, struct err *e) {
    struct stat st;
    uint8_t head[24] = {'L', 'E', 'A', 'T', 'P', 'O', 'S', 'N', 1};
    off_t size = slot_at(g->topic->partitions, 0);
    if (sys.fstat(g->positions_fd, &st) < 0) return err_sys(e, errno, "cannot look at '%s'", name);
    if (st.st_size >= size) return 0;
    put_u64_le(head + 16, g->topic->id);
    int r = file_pwrite_all(g->positions_fd, head, sizeof head, 0, name, e);
    if (r == 0 && sys.ftruncate(g->positions_fd, size) < 0) r = err_sys(e, errno, "cannot extend '%s'", name);
    return r < 0 ? r : dir_sync(g->dir, name, e);
}

static void positions_name(const struct group *g, char out[TOPIC_NAME_MAX + 16]) {
    (void)snprintf(out, TOPIC_NAME_MAX + 16, "%s.positions", g->topic->name);
}

static int open_positions(struct group *g, bool join, struct err *e) {
    char name[TOPIC_NAME_MAX + 16];
    positions_name(g, name);
    g->positions_fd = sys.open_beneath(g->dir, name, join ? O_RDWR | O_CREAT : O_RDWR, 0600);
    if (g->positions_fd < 0 && !join && errno == EACCES) {
        g->read_only = true;
        g->positions_fd = sys.open_beneath(g->dir, name, O_RDONLY, 0);
    }
    if (g->positions_fd < 0 && errno == ENOENT && join) return 1; /* the directory was removed under our feet */
    if (g->positions_fd < 0 && errno == ENOENT)
        return err_set(e, G_ABSENT, "group '%s' has no position in topic '%s'", g->name, g->topic->name);
    if (g->positions_fd < 0) return err_sys(e, errno, "cannot open '%s'", name);
    return join ? make_positions(g, name, e) : 0;
}

/* 1: there is none. */
static int take_place(struct group *g, struct err *e) {
    for (int place = 0; place < GROUP_MEMBERS_MAX; place++) {
        int r = lock_try(g->leases_fd, MEMBERS_AT + place, e);
        if (r < 0) return r;
        if (r == 0) {
            g->place = place;
            return 0;
        }
    }
    return 1;
}

static int open_leases(struct group *g, bool join, struct err *e) {
    char name[TOPIC_NAME_MAX + 16];
    (void)snprintf(name, sizeof name, "%s.leases", g->topic->name);
    g->leases_fd = sys.open_beneath(g->dir, name, join ? O_RDWR | O_CREAT : O_RDONLY, 0600);
    if (!join) return 0; /* nobody ever joined, or not ours to read: then only positions are of interest */
    if (g->leases_fd < 0 && errno == ENOENT) return 1;
    if (g->leases_fd < 0) return err_sys(e, errno, "cannot open '%s'", name);
    g->held = calloc(g->topic->partitions, 1);
    return g->held ? take_place(g, e) : err_nomem(e);
}

static bool is_unlinked(int fd) {
    struct stat st;
    return sys.fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* 1: whoever deletes the group was at it; try again. */
static int open_once(struct group *g, const struct log *log, bool join, struct err *e) {
    int r = g->dir = dir_open(log->groups, g->name, join, e);
    if (r == G_ABSENT) return err_set(e, G_ABSENT, "there is no group '%s' in '%s'", g->name, log->path);
    if (r >= 0) r = open_positions(g, join, e);
    if (r == 0) r = open_leases(g, join, e);
    if (r == 0 && join && (is_unlinked(g->positions_fd) || is_unlinked(g->leases_fd))) r = 1;
    return r;
}

#define JOIN_TRIES 100

int group_open(struct group *g, const struct log *log, const char *name, struct topic *t, bool join, struct err *e) {
    *g = (struct group){.topic = t, .dir = -1, .positions_fd = -1, .leases_fd = -1, .place = -1};
    int r = topic_name_check(name, e);
    if (r < 0) return r;
    (void)snprintf(g->name, sizeof g->name, "%s", name);
    for (int tries = 0; (r = open_once(g, log, join, e)) != 0; tries++) {
        group_close(g);
        if (r < 0) return r;
        if (tries == JOIN_TRIES)
            return err_set(e, G_USAGE, "group '%s' has no place for another member, or is being deleted", name);
        sys_sleep_ns(1000000);
    }
    return 0;
}

static void close_fd(int *fd) {
    if (*fd >= 0) sys.close(*fd);
    *fd = -1;
}

void group_close(struct group *g) {
    if (!g || !g->topic) return;
    free(g->held);
    g->held = NULL;
    close_fd(&g->leases_fd);
    close_fd(&g->positions_fd);
    close_fd(&g->dir);
    g->place = -1;
}

int group_grow(struct group *g, uint32_t before, struct err *e) {
    char name[TOPIC_NAME_MAX + 16];
    uint8_t *held = realloc(g->held, g->topic->partitions);
    if (!held) return err_nomem(e);
    memset(held + before, 0, g->topic->partitions - before);
    g->held = held;
    positions_name(g, name);
    return make_positions(g, name, e);
}

int group_share(const struct group *g, struct group_share *ret, struct err *e) {
    struct group_share s = {.members = 1};
    off_t at = MEMBERS_AT, end = MEMBERS_AT + GROUP_MEMBERS_MAX;
    if (g->place < 0) return err_set(e, G_BUG, "not a member of group '%s'", g->name);
    while ((at = lock_probe(g->leases_fd, at, end)) >= 0) { /* our own lock does not show here */
        s.members++;
        if (at - MEMBERS_AT < g->place) s.rank++;
        at++;
    }
    *ret = s;
    return 0;
}

int group_lease(struct group *g, uint32_t partition, struct err *e) {
    if (g->held[partition]) return 0;
    int r = lock_try(g->leases_fd, (off_t)partition, e);
    if (r == 0) g->held[partition] = 1;
    return r;
}

void group_release_lease(struct group *g, uint32_t partition) {
    if (!g->held[partition]) return;
    lock_release(g->leases_fd, (off_t)partition);
    g->held[partition] = 0;
}

uint32_t group_members(const struct group *g) {
    uint32_t members = 0;
    off_t at = MEMBERS_AT, end = MEMBERS_AT + GROUP_MEMBERS_MAX;
    if (g->leases_fd < 0) return 0;
    while ((at = lock_probe(g->leases_fd, at, end)) >= 0) {
        members++;
        at++;
    }
    return members;
}

bool group_lease_held(const struct group *g, uint32_t partition) {
    return g->leases_fd >= 0 && lock_probe(g->leases_fd, (off_t)partition, (off_t)partition + 1) >= 0;
}

int group_list(const struct log *log, char ***ret_names, size_t *ret_count, struct err *e) {
    return topic_names_in(log->groups, NULL, NULL, ret_names, ret_count, e);
}

static int open_group_dir(const struct log *log, const char *group, struct err *e) {
    int g = topic_name_check(group, e);
    if (g < 0) return g;
    int dir = dir_open(log->groups, group, false, e);
    return dir == G_ABSENT ? err_set(e, G_ABSENT, "there is no group '%s' in '%s'", group, log->path) : dir;
}

int group_topics(const struct log *log, const char *group, char ***ret_names, size_t *ret_count, struct err *e) {
    int dir = open_group_dir(log, group, e);
    if (dir < 0) return dir;
    int g = topic_names_in(dir, ".positions", NULL, ret_names, ret_count, e);
    sys.close(dir);
    return g;
}

/* Keep members away from this topic: its leases, with all places taken. -1: there are no leases. A member that opened
 * the files before sees that they are gone, and begins anew. */
static int close_topic(int dir, const char *group, const char *topic, int *ret_fd, struct err *e) {
    char leases[TOPIC_NAME_MAX + 16];
    (void)snprintf(leases, sizeof leases, "%s.leases", topic);
    *ret_fd = sys.open_beneath(dir, leases, O_RDWR, 0);
    if (*ret_fd < 0) return errno == ENOENT ? 0 : err_sys(e, errno, "cannot open '%s'", leases);
    int r = lock_try_range(*ret_fd, MEMBERS_AT, MEMBERS_AT + GROUP_MEMBERS_MAX, e);
    if (r == 0) return 0;
    close_fd(ret_fd);
    return r < 0 ? r : err_set(e, G_USAGE, "group '%s' has members on topic '%s'", group, topic);
}

static int remove_file(int dir, const char *topic, const char *suffix, struct err *e) {
    char name[TOPIC_NAME_MAX + 16];
    (void)snprintf(name, sizeof name, "%s%s", topic, suffix);
    if (sys.unlinkat(dir, name, 0) == 0 || errno == ENOENT) return 0;
    return err_sys(e, errno, "cannot remove '%s'", name);
}

static int forget_topic(int dir, const char *group, const char *topic, struct err *e) {
    char positions[TOPIC_NAME_MAX + 16];
    struct stat st;
    int fd;
    (void)snprintf(positions, sizeof positions, "%s.positions", topic);
    if (sys.fstatat(dir, positions, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return err_set(e, G_ABSENT, "group '%s' has no position in topic '%s'", group, topic);
    int g = close_topic(dir, group, topic, &fd, e);
    if (g == 0) g = remove_file(dir, topic, ".positions", e);
    if (g == 0) g = remove_file(dir, topic, ".leases", e);
    close_fd(&fd);
    return g < 0 ? g : dir_sync(dir, group, e);
}

/* All or nothing, as far as members go: nobody may be at work in any topic. */
static int forget_all(int dir, const char *group, struct err *e) {
    char **topics = NULL;
    size_t count = 0, closed = 0;
    int g = topic_names_in(dir, ".leases", NULL, &topics, &count, e);
    int *fds = calloc(count + 1, sizeof *fds);
    if (g == 0 && !fds) g = err_nomem(e);
    while (g == 0 && closed < count) {
        g = close_topic(dir, group, topics[closed], &fds[closed], e);
        if (g == 0) closed++;
    }
    for (size_t i = 0; g == 0 && i < count; i++) {
        g = remove_file(dir, topics[i], ".positions", e);
        if (g == 0) g = remove_file(dir, topics[i], ".leases", e);
    }
    for (size_t i = 0; i < closed; i++) close_fd(&fds[i]);
    free(fds);
    topic_list_free(topics, count);
    return g;
}

/* Positions that no member ever looked at. */
static int forget_rest(int dir, struct err *e) {
    char **topics = NULL;
    size_t count = 0;
    int g = topic_names_in(dir, ".positions", NULL, &topics, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) g = remove_file(dir, topics[i], ".positions", e);
    topic_list_free(topics, count);
    return g;
}

static int forget_group(const struct log *log, int dir, const char *group, struct err *e) {
    int g = forget_all(dir, group, e);
    if (g == 0) g = forget_rest(dir, e);
    if (g < 0) return g;
    if (sys.unlinkat(log->groups, group, AT_REMOVEDIR) == 0 || errno == ENOENT) return dir_sync(log->groups, group, e);
    if (errno == ENOTEMPTY || errno == EEXIST)
        return err_set(e, G_USAGE, "group '%s' is in use again, or its directory holds other files", group);
    return err_sys(e, errno, "cannot remove group '%s'", group);
}

int group_delete(const struct log *log, const char *group, const char *topic, struct err *e) {
    int dir = open_group_dir(log, group, e);
    if (dir < 0) return dir;
    int g = topic ? topic_name_check(topic, e) : 0;
    if (g == 0) g = topic ? forget_topic(dir, group, topic, e) : forget_group(log, dir, group, e);
    sys.close(dir);
    return g;
}

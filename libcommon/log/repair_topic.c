/* SPDX-License-Identifier: Apache-2.0 */
/* Repair of topic.json, without which a topic cannot be opened. See repair.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "log/repair.h"
#include "sys/file.h"
#include "sys/sys.h"

struct partitions {
    uint32_t count;
};

static int count_partition(void *ctx, const char *name) {
    struct partitions *p = ctx;
    size_t n = strlen(name);
    if (n == 0 || n > 4 || strspn(name, "0123456789") != n || (n > 1 && name[0] == '0')) return 0;
    uint32_t number = (uint32_t)strtoul(name, NULL, 10);
    if (number < TOPIC_PARTITIONS_MAX && number + 1 > p->count) p->count = number + 1;
    return 0;
}

/* The identity that the first whole block of a partition carries. 0: found none. */
static uint64_t id_of_partition(const struct topic *t, uint32_t partition) {
    uint64_t *bases = NULL, id = 0;
    size_t count = 0;
    int dir = topic_partition_dir(t, partition, false, NULL);
    if (dir < 0) return 0;
    if (segment_list(dir, &bases, &count, NULL) < 0) count = 0;
    for (size_t i = 0; i < count && id == 0; i++) {
        char name[SEGMENT_NAME_BYTES];
        uint8_t bytes[BLOCK_HEADER_SIZE + 4096];
        size_t n = 0;
        struct block_header h;
        segment_name(name, bases[i], ".leat");
        int fd = sys.open_beneath(dir, name, O_RDONLY, 0);
        if (fd < 0) continue;
        bool whole = file_pread(fd, bytes, sizeof bytes, 0, &n, name, NULL) == 0 && n >= BLOCK_HEADER_SIZE &&
                     block_header_decode(bytes, RECORD_LIMIT_MAX, &h, NULL) == 0 &&
                     h.stored_size <= n - BLOCK_HEADER_SIZE && (h.flags & BLOCK_HAS_CRC) &&
                     block_check_crc(bytes, bytes + BLOCK_HEADER_SIZE, h.stored_size, NULL) == 0;
        if (whole && h.partition == partition) id = h.topic_id;
        sys.close(fd);
    }
    free(bases);
    sys.close(dir);
    return id;
}

static int rebuild(struct topic *t, struct err *e) {
    struct partitions p = {0};
    int g = dir_each(t->dir, count_partition, &p, e);
    t->partitions = p.count;
    t->settings = topic_settings_default;
    t->created_ns = sys.wall_ns();
    t->id = 0;
    for (uint32_t i = 0; g == 0 && t->id == 0 && i < p.count; i++) t->id = id_of_partition(t, i);
    if (g == 0 && t->id == 0)
        g = err_set(e, G_CORRUPT, "topic '%s' has no topic.json and no segment that tells its identity", t->name);
    return g;
}

static int repair(struct topic *t, bool execute, struct buf *text, struct err *e) {
    struct err why;
    int g = topic_read_file(t, "topic.json", &why);
    if (g == 0) return 1;
    if (g == G_IO || g == G_NOMEM) {
        *e = why;
        return g;
    }
    bool previous = topic_read_file(t, "topic.json.prev", NULL) == 0;
    g = previous ? 0 : rebuild(t, e);
    if (g < 0) return g;
    if (buf_printf(text, "%s: %s\n", t->name, why.text) < 0 ||
        buf_printf(text, "%s: step: write topic.json anew %s\n", t->name,
                   previous ? "from topic.json.prev: the last change of settings is undone"
                            : "from the segments: all settings go back to their defaults") < 0)
        return err_nomem(e);
    /* the damaged file must not become topic.json.prev */
    if (execute && sys.unlinkat(t->dir, "topic.json", 0) < 0 && errno != ENOENT)
        return err_sys(e, errno, "cannot remove topic.json of topic '%s'", t->name);
    return execute ? topic_write_file(t, e) : 0;
}

int repair_topic_file(const struct log *log, const char *name, bool execute, struct buf *text, struct err *e) {
    struct topic t = {.log = log, .dir = -1};
    int g = topic_name_check(name, e);
    if (g < 0) return g;
    (void)snprintf(t.name, sizeof t.name, "%s", name);
    t.dir = dir_open(log->topics, name, false, e);
    if (t.dir < 0)
        return t.dir == G_ABSENT ? err_set(e, G_ABSENT, "there is no topic '%s' in '%s'", name, log->path) : t.dir;
    g = repair(&t, execute, text, e);
    sys.close(t.dir);
    return g;
}

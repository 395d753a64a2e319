/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive to a topic: entry by entry in the order of the manifest, into a folder aside, looked at as it passes; then
 * everything is checked; then it is a topic. See archive.h.
 */
#include "log/archive_import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/random.h"
#include "log/archive.h"
#include "log/archive_read.h"
#include "log/index.h"
#include "log/partition.h"
#include "log/survey_passing.h"
#include "log/workshop.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define OVERHEAD_BYTES (UINT64_C(1) << 30) /* headers of entries and the manifest */

struct importing {
    const struct import_request *q;
    const struct log *log;
    struct archive_reader *a;
    struct manifest manifest;
    struct workshop shop;
    struct topic topic; /* as it will be; its identity is that of the manifest until the end */
    uint64_t id;
    uint64_t max_bytes, done, total;
    struct behind *out; /* writes the segments */
    struct json_validator json;
    struct survey_seen *seen; /* for each partition */
};

/* ---- the manifest ---- */

static int refuse(const struct archive_item *item, const char *why, struct err *e) {
    return err_set(e, G_CORRUPT, "entry '%s' is refused: %s", item->name, why);
}

/* TOPIC/manifest.json. */
static int check_first_name(const struct archive_item *item, char topic[TOPIC_NAME_MAX + 1], struct err *e) {
    size_t n = strcspn(item->name, "/");
    if (item->directory || item->name[n] == '\0' || strcmp(item->name + n + 1, MANIFEST_FILE) != 0)
        return refuse(item, "the first one of an archive of a topic is TOPIC/" MANIFEST_FILE, e);
    (void)snprintf(topic, TOPIC_NAME_MAX + 1, "%.*s", (int)n, item->name);
    return n > TOPIC_NAME_MAX || topic_name_check(topic, NULL) < 0 ? refuse(item, "its folder is no name of a topic", e)
                                                                   : 0;
}

static int load_entry(struct importing *x, struct buf *text, struct err *e) {
    const char *p;
    size_t n;
    int g;
    while ((g = archive_reader_read(x->a, &p, &n, e)) == 0) {
        if (n > MANIFEST_MAX_BYTES - text->len) return err_set(e, G_CORRUPT, "'" MANIFEST_FILE "' is too large");
        if (buf_append(text, p, n) < 0) return err_nomem(e);
    }
    return g < 0 ? g : 0;
}

static int read_manifest(struct importing *x, struct err *e) {
    struct archive_item item;
    char folder[TOPIC_NAME_MAX + 1];
    struct buf text = {0};
    int g = archive_reader_next(x->a, &item, e);
    if (g == G_EOF) return err_set(e, G_CORRUPT, "there is no entry in it");
    if (g == 0) g = check_first_name(&item, folder, e);
    if (g == 0) g = load_entry(x, &text, e);
    if (g == 0) g = manifest_decode(text.data ? text.data : "", text.len, &x->manifest, e);
    buf_release(&text);
    if (g < 0) return g;
    if (strcmp(folder, x->manifest.topic) != 0)
        return err_set(e, G_CORRUPT, MANIFEST_FILE ": 'topic' is '%s' in the folder '%s'", x->manifest.topic, folder);
    x->total = manifest_bytes(&x->manifest);
    if (x->total > x->max_bytes)
        return err_set(e, G_DATA, "its segments have %" PRIu64 " bytes, more than %" PRIu64 "; --max-size allows more",
                       x->total, x->max_bytes);
    return 0;
}

/* ---- name and identity ---- */

static int check_name(struct importing *x, struct err *e) {
    struct stat st;
    const char *name = x->q->topic ? x->q->topic : x->manifest.topic;
    int g = topic_name_check(name, e);
    if (g < 0) return g;
    (void)snprintf(x->topic.name, sizeof x->topic.name, "%s", name);
    if (sys.fstatat(x->log->topics, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(e, G_USAGE, "topic '%s' exists already", name);
    return 0;
}

static bool has_identity(const struct log *log, const char *name, uint64_t id) {
    struct topic t = {.log = log, .dir = dir_open(log->topics, name, false, NULL)};
    (void)snprintf(t.name, sizeof t.name, "%s", name);
    if (t.dir < 0) return false;
    bool known = topic_read_file(&t, "topic.json", NULL) == 0 || topic_read_file(&t, "topic.json.prev", NULL) == 0;
    sys.close(t.dir);
    return known && t.id == id;
}

/* Asked while the folder that is named for this identity is ours, so that nobody else is about to publish it. */
static int is_taken(const struct log *log, uint64_t id, bool *ret, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = topic_list(log, NULL, &names, &count, e);
    if (g < 0) return g;
    *ret = false;
    for (size_t i = 0; !*ret && i < count; i++) *ret = has_identity(log, names[i], id);
    topic_list_free(names, count);
    return 0;
}

static int open_workshop(struct importing *x, struct err *e) {
    bool taken = false;
    x->id = x->manifest.topic_id;
    int g = workshop_open(&x->shop, x->log, x->id, e);
    if (g == 0) g = is_taken(x->log, x->id, &taken, e);
    if (g == 0 && taken) {
        workshop_close(&x->shop);
        g = 1;
    }
    while (g == 1) {
        x->id = 0;
        while (x->id == 0)
            if (random_bytes(&x->id, sizeof x->id, e) < 0) return G_IO;
        g = workshop_open(&x->shop, x->log, x->id, e);
    }
    if (g < 0) return g;
    x->topic.log = x->log;
    x->topic.dir = x->shop.dir;
    x->topic.id = x->manifest.topic_id;
    x->topic.partitions = x->manifest.partition_count;
    x->topic.created_ns = x->manifest.created_ns;
    x->topic.settings = x->manifest.settings;
    return 0;
}

/* ---- the segments ---- */

static int check_stopped(struct err *e) {
    return signals_stop() ? err_set(e, G_STOPPED, "stopped while a topic was imported") : 0;
}

static int copy_content(struct importing *x, struct passing *passing, const struct manifest_segment *m,
                        const struct archive_item *item, struct err *e) {
    const char *p;
    size_t n;
    uint64_t size = 0;
    uint32_t crc = 0;
    int g;
    while ((g = archive_reader_read(x->a, &p, &n, e)) == 0) {
        if (n > m->size - size) return refuse(item, "it is larger than the manifest says", e);
        crc = crc32c(crc, p, n);
        g = behind_put(x->out, p, n, e);
        passing_put(passing, p, n);
        size += n;
        x->done += n;
        if (g == 0) g = check_stopped(e);
        if (g < 0) return g;
        if (x->q->watch.fn) x->q->watch.fn(x->q->watch.ctx, x->done, x->total);
    }
    if (g < 0) return g;
    if (size != m->size) return refuse(item, "it is smaller than the manifest says", e);
    if (crc != m->crc32c) return refuse(item, "its bytes have another CRC than the manifest says", e);
    return behind_end(x->out, e);
}

static int check_next(struct importing *x, const char *name, struct archive_item *item, uint64_t size, struct err *e) {
    int g = archive_reader_next(x->a, item, e);
    if (g == G_EOF) return err_set(e, G_CORRUPT, "entry '%s' of the manifest is missing", name);
    if (g < 0) return g;
    if (item->directory || strcmp(item->name, name) != 0)
        return refuse(item, "it is not the next one of the manifest", e);
    return item->sized && item->size != size ? refuse(item, "its size is not that of the manifest", e) : 0;
}

/* Segment number i of a partition. Those that get another identity are there to be read only. */
static int take_segment(struct importing *x, int dir, uint32_t partition, size_t i, struct err *e) {
    const struct manifest_partition *p = &x->manifest.partitions[partition];
    const struct manifest_segment *m = &p->segments[i];
    struct segment_identity id = {x->topic.id, partition};
    char name[MANIFEST_NAME_MAX], file[SEGMENT_NAME_BYTES];
    struct archive_item item;
    struct passing passing;
    manifest_entry_name(name, x->manifest.topic, partition, m->offset);
    segment_name(file, m->offset, ".leat");
    int g = check_next(x, name, &item, m->size, e);
    if (g < 0) return g;
    int fd = sys.open_beneath(dir, file, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return err_sys(e, errno, "cannot create segment '%s'", file);
    behind_begin(x->out, fd, name, x->id == x->topic.id);
    passing_begin(&passing, &id, m->offset, i + 1 < p->count ? p->segments[i + 1].offset : UINT64_MAX, &x->json);
    g = copy_content(x, &passing, m, &item, e);
    passing_end(&passing, &x->seen[partition].segments[i]);
    return g;
}

/* Its name is synced with all the others, when the topic is published. */
static int make_partition(const struct importing *x, uint32_t number, struct err *e) {
    char name[16];
    (void)snprintf(name, sizeof name, "%u", number);
    return sys.mkdirat(x->shop.dir, name, 0700) < 0 ? err_sys(e, errno, "cannot create partition %u", number) : 0;
}

static int take_partition(struct importing *x, uint32_t number, struct err *e) {
    const struct manifest_partition *p = &x->manifest.partitions[number];
    int g = make_partition(x, number, e);
    if (g < 0 || (p->count == 0 && p->start == 0)) return g;
    int dir = topic_partition_dir(&x->topic, number, false, e);
    if (dir < 0) return dir;
    struct survey_seen *seen = &x->seen[number];
    seen->segments = calloc(p->count ? p->count : 1, sizeof *seen->segments);
    seen->count = seen->segments ? p->count : 0;
    g = seen->segments ? 0 : err_nomem(e);
    if (g == 0 && p->start > 0) g = partition_write_start(dir, p->start, e);
    for (size_t i = 0; g == 0 && i < p->count; i++) g = take_segment(x, dir, number, i, e);
    sys.close(dir);
    return g;
}

static int take_all(struct importing *x, struct err *e) {
    struct archive_item item;
    x->seen = calloc(x->topic.partitions, sizeof *x->seen);
    int g = x->seen && json_validator_init(&x->json, NULL) == 0 ? 0 : err_nomem(e);
    if (g == 0) g = behind_start(&x->out, e);
    for (uint32_t p = 0; g == 0 && p < x->topic.partitions; p++) g = take_partition(x, p, e);
    if (g == 0) g = archive_reader_next(x->a, &item, e);
    if (g == 0) g = refuse(&item, "the manifest does not have it", e);
    return g == G_EOF ? 0 : g;
}

/* Of two failures, the one in what came first counts: that was put to be written before. */
static int take_and_write_all(struct importing *x, struct err *e) {
    struct err earlier;
    int g = take_all(x, e);
    if (!x->out || behind_wait(x->out, &earlier) == 0) return g;
    *e = earlier;
    return e->grade;
}

/* ---- the topic ---- */

/* Of sealed segments; made from them, so that it tells nothing that the archive said. */
static int save_index(const struct importing *x, int dir, uint32_t partition, uint64_t base, struct err *e) {
    struct segment_identity id = {x->id, partition};
    struct segment_info info = {0};
    struct index index = {0};
    struct stat st;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, base, ".leat");
    int fd = sys.open_beneath(dir, name, O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    int g = sys.fstat(fd, &st) < 0 ? err_sys(e, errno, "cannot look at segment '%s'", name) : 0;
    if (g == 0) g = segment_read_info(fd, &id, base, &info, e);
    if (g == 0) g = index_build(&index, fd, &id, &info, (uint64_t)st.st_size, e);
    if (g == 0) index_save(&index, dir, true);
    index_release(&index);
    segment_info_release(&info);
    sys.close(fd);
    return g;
}

static int finish_partition(struct importing *x, uint32_t number, struct err *e) {
    const struct manifest_partition *p = &x->manifest.partitions[number];
    int g = check_stopped(e);
    if (g < 0 || p->count == 0) return g;
    g = import_check(&x->topic, number, &x->manifest, &x->seen[number], e);
    if (g == 0 && x->id != x->topic.id) {
        g = import_identify(&x->topic, number, x->id, p, x->out, e);
        if (g == 0) g = behind_wait(x->out, e);
    }
    int dir = g < 0 ? g : topic_partition_dir(&x->topic, number, false, e);
    if (dir < 0) return dir;
    for (size_t i = 0; g == 0 && i + 1 < p->count; i++) g = save_index(x, dir, number, p->segments[i].offset, e);
    if (g == 0) g = dir_sync(dir, x->topic.name, e);
    sys.close(dir);
    return g;
}

static int finish(struct importing *x, struct err *e) {
    int g = 0;
    for (uint32_t p = 0; g == 0 && p < x->topic.partitions; p++) g = finish_partition(x, p, e);
    x->topic.id = x->id;
    if (g == 0) g = topic_write_file(&x->topic, e);
    if (g == 0) g = check_stopped(e);
    return g < 0 ? g : workshop_publish(&x->shop, x->log, x->topic.name, e);
}

static void report(const struct importing *x, struct import_report *r) {
    const struct manifest *m = &x->manifest;
    *r = (struct import_report){.id = x->id, .new_id = x->id != m->topic_id};
    memcpy(r->topic, x->topic.name, sizeof r->topic);
    r->archive.partitions = m->partition_count;
    r->archive.bytes = x->total;
    r->archive.archive = archive_reader_position(x->a);
    for (uint32_t p = 0; p < m->partition_count; p++) {
        r->archive.segments += m->partitions[p].count;
        for (size_t i = 0; i < m->partitions[p].count; i++) r->archive.records += m->partitions[p].segments[i].records;
    }
}

static void release(struct importing *x) {
    behind_free(x->out);
    archive_reader_free(x->a);
    workshop_close(&x->shop);
    for (uint32_t p = 0; x->seen && p < x->topic.partitions; p++) survey_seen_release(&x->seen[p]);
    free(x->seen);
    json_validator_release(&x->json);
    manifest_release(&x->manifest);
}

int topic_import(const struct log *log, const struct import_request *q, struct import_report *ret, struct err *e) {
    struct importing x = {.q = q, .log = log, .shop = WORKSHOP_CLOSED};
    struct archive_limits limits = {0};
    x.max_bytes = q->max_bytes ? q->max_bytes : ARCHIVE_SIZE_MAX_DEFAULT;
    limits.bytes = x.max_bytes < INT64_MAX ? x.max_bytes + OVERHEAD_BYTES : x.max_bytes;
    workshop_sweep_all(log);
    int g = q->topic ? topic_name_check(q->topic, e) : 0;
    if (g == 0) g = archive_reader_open(&x.a, q->fd, q->name, &limits, NULL, 0, e);
    if (g < 0) return g;
    g = read_manifest(&x, e);
    if (g == 0) g = check_name(&x, e);
    if (g == 0) g = open_workshop(&x, e);
    if (g == 0) g = take_and_write_all(&x, e);
    if (g == 0) g = finish(&x, e);
    if (g == 0) report(&x, ret);
    if ((g == G_CORRUPT || g == G_DATA) && strncmp(e->text, "archive ", 8) != 0)
        err_prefix(e, "archive '%s': ", q->name);
    release(&x);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Operands as recordings, each of which is a feed, and which part of them is played. See replay.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "replay.h"
#include "sys/sys.h"

#define MAGIC_BYTES 512u
#define OFFSET_WEIGHT 128 /* bytes that a record of a topic is taken for, beside files */

bool recording_is_topic(const char *operand) {
    struct stat st;
    if (strcmp(operand, "-") == 0 || strchr(operand, '/')) return false;
    return stat(operand, &st) != 0 || S_ISDIR(st.st_mode);
}

static int add(struct recordings *rs, const char *name, enum recording_kind kind, struct recording **ret,
               struct err *e) {
    if (rs->count == FEEDS_MAX)
        return err_set(e, G_USAGE,
                       "at most %d sources are possible; each partition and each folder of an archive is one",
                       FEEDS_MAX);
    struct recording *rec = &rs->recording[rs->count];
    *rec = (struct recording){.kind = kind, .name = name, .to = UINT64_MAX};
    pthread_mutex_init(&rec->lock, NULL);
    rs->names[rs->count++] = name;
    *ret = rec;
    return 0;
}

/* ---- topics ---- */

static int resolve(const struct range_point *p, struct cursor *c, uint64_t otherwise, uint64_t *ret, struct err *e) {
    *ret = p->kind == POINT_OFFSET ? p->offset : otherwise;
    return p->kind == POINT_TIME ? cursor_find_time(c, p->time_ns, ret, e) : 0;
}

/* What there is of it now, and in the range. */
static int bound_partition(const struct recordings *rs, struct recording *rec, struct err *e) {
    struct cursor c;
    int g = cursor_open(&c, &rec->topic, rec->partition, false, e);
    if (g < 0) return g;
    uint64_t start = cursor_start(&c), end = cursor_end(&c);
    g = resolve(&rs->from, &c, start, &rec->from, e);
    if (g == 0) g = resolve(&rs->to, &c, end, &rec->to, e);
    if (rec->from < start) rec->from = start;
    if (rec->to > end) rec->to = end;
    if (rec->from > rec->to) rec->from = rec->to;
    rec->size = rec->to - rec->from;
    rec->bytes = rec->size * OFFSET_WEIGHT;
    cursor_close(&c);
    return g;
}

static int add_topic(struct recordings *rs, const char *name, const struct log *log, struct err *e) {
    uint32_t partitions = 1;
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < partitions; i++) {
        struct recording *rec = NULL;
        g = add(rs, name, RECORDING_PARTITION, &rec, e);
        if (g == 0) g = topic_open(&rec->topic, log, name, e);
        if (g < 0) break;
        rec->partition = i;
        partitions = rec->topic.partitions;
        g = bound_partition(rs, rec, e);
    }
    return g;
}

/* ---- files ---- */

struct folders {
    struct recordings *rs;
    const char *path;
    size_t first; /* recording of this archive */
    uint64_t size;
    struct err *e;
};

static int add_folder(void *ctx, const char *folder, size_t n) {
    struct folders *f = ctx;
    struct recording *rec = NULL;
    for (size_t i = f->first; i < f->rs->count; i++) {
        const char *known = f->rs->recording[i].folder;
        if (strlen(known) == n && memcmp(known, folder, n) == 0) return 0;
    }
    int g = add(f->rs, f->path, RECORDING_ARCHIVE, &rec, f->e);
    if (g < 0) return g;
    rec->size = rec->bytes = f->size;
    return (rec->folder = strndup(folder, n)) ? 0 : err_nomem(f->e);
}

static int add_archive(struct recordings *rs, const char *path, uint64_t size, struct err *e) {
    struct folders f = {.rs = rs, .path = path, .first = rs->count, .size = size, .e = e};
    int g = archive_folders(rs, path, add_folder, &f, e);
    return g == 0 && rs->count == f.first ? add_folder(&f, "", 0) : g; /* there is nothing in it */
}

/* Do the first bytes of a file say that it is an archive? Of a pipe its thread will ask. */
static int looks_like_archive(const char *path, bool *ret, struct err *e) {
    char magic[MAGIC_BYTES];
    int fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", path);
    ssize_t n = sys.pread(fd, magic, sizeof magic, 0);
    *ret = n > 0 && archive_is_one(magic, (size_t)n);
    sys.close(fd);
    return 0;
}

static int add_file(struct recordings *rs, const char *path, struct err *e) {
    struct stat st;
    struct recording *rec = NULL;
    bool archive = false, standard = strcmp(path, "-") == 0;
    bool there = standard ? sys.fstat(0, &st) == 0 : stat(path, &st) == 0;
    bool file = there && !standard && S_ISREG(st.st_mode);
    if (!there) return err_sys(e, errno, "cannot open '%s'", path);
    int g = file && rs->format != IN_LP ? looks_like_archive(path, &archive, e) : 0;
    if (g < 0) return g;
    if (archive) return add_archive(rs, path, (uint64_t)st.st_size, e);
    rs->once |= !file;
    g = add(rs, path, RECORDING_STREAM, &rec, e);
    if (g == 0 && there && S_ISREG(st.st_mode)) rec->size = rec->bytes = (uint64_t)st.st_size;
    return g;
}

int recordings_open(struct recordings *rs, const char *const *operands, size_t n, const struct log *log,
                    struct err *e) {
    rs->recording = calloc(FEEDS_MAX, sizeof *rs->recording);
    rs->names = calloc(FEEDS_MAX, sizeof *rs->names);
    if (!rs->recording || !rs->names) return err_nomem(e);
    int g = 0;
    for (size_t i = 0; g == 0 && i < n; i++)
        g = recording_is_topic(operands[i]) ? add_topic(rs, operands[i], log, e) : add_file(rs, operands[i], e);
    return g;
}

void recordings_release(struct recordings *rs) {
    for (size_t i = 0; i < rs->count; i++) {
        struct recording *rec = &rs->recording[i];
        if (rec->kind == RECORDING_PARTITION) topic_close(&rec->topic);
        pthread_mutex_destroy(&rec->lock);
        free(rec->folder);
    }
    free(rs->recording);
    free(rs->names);
    *rs = (struct recordings){0};
}

/* ---- reading, in the thread of the feed ---- */

/* Could what has come so far be the beginning of an archive? A tar begins with a name that zeros follow, so that text
 * need not be waited for beyond its first line. */
static bool may_be_archive(const char *p, size_t n) {
    for (size_t i = 0; i < n && i < 100; i++)
        if (p[i] > 0 && p[i] < ' ') return archive_is_one(p, n);
    return true;
}

static int read_stream(struct recordings *rs, struct recording *rec, struct feed_reading *r, struct err *e) {
    struct inbuf in;
    int g = feed_input(r, &in, e);
    bool archive = rs->format != IN_LP;
    while (g == 0 && archive && inbuf_left(&in) < MAGIC_BYTES && may_be_archive(inbuf_here(&in), inbuf_left(&in)))
        g = inbuf_more(&in, e);
    archive = archive && g >= 0 && archive_is_one(inbuf_here(&in), inbuf_left(&in));
    if (g >= 0) g = archive ? archive_read_pipe(rs, rec, r, &in, e) : feed_part(r, &in, e);
    feed_input_close(r, &in);
    return g;
}

int recording_read(struct recordings *rs, size_t which, struct feed_reading *r, struct err *e) {
    struct recording *rec = &rs->recording[which];
    switch (rec->kind) {
    case RECORDING_STREAM: break;
    case RECORDING_ARCHIVE: return archive_read_folder(rs, rec, r, e);
    case RECORDING_PARTITION: return partition_read(rec, r, e);
    }
    return read_stream(rs, rec, r, e);
}

/* ---- the part that is played ---- */

static bool is_before(const struct record *r, const struct range_point *p) {
    if (p->kind == POINT_OFFSET) return r->offset < p->offset;
    return p->kind == POINT_TIME && (r->time == NO_TIME || r->time < p->time_ns);
}

static enum turn_admits look_at(struct recordings *rs, size_t which, const struct record *r) {
    struct recording *rec = &rs->recording[which];
    if (rec->kind == RECORDING_PARTITION) return r->offset >= rec->from && r->offset < rec->to ? ADMIT : ADMIT_NOT;
    if (!rec->begun && is_before(r, &rs->from)) return ADMIT_NOT;
    rec->begun |= rs->from.kind == POINT_TIME; /* offsets of several partitions can be in one file */
    if (rs->to.kind == POINT_OFFSET) return r->offset < rs->to.offset ? ADMIT : ADMIT_NOT;
    return rs->to.kind == POINT_TIME && r->time >= rs->to.time_ns ? ADMIT_NO_MORE : ADMIT;
}

enum turn_admits recording_admit(struct recordings *rs, size_t which, const struct record *r) {
    enum turn_admits admits = look_at(rs, which, r);
    rs->recording[which].done += admits == ADMIT_NOT;
    return admits;
}

void recordings_rewind(struct recordings *rs) {
    for (size_t i = 0; i < rs->count; i++) {
        struct recording *rec = &rs->recording[i];
        rec->begun = false;
        rec->at = rec->taken = rec->done = 0;
    }
}

double recordings_done(const struct recordings *rs) {
    double done = 0, all = 0;
    for (size_t i = 0; i < rs->count; i++) {
        const struct recording *rec = &rs->recording[i];
        if (rec->size == 0 && rec->kind == RECORDING_STREAM) return 0;
        if (rec->size == 0) continue;
        double share = rec->taken ? (double)rec->done / (double)rec->taken : 0;
        done += share * (double)rec->at / (double)rec->size * (double)rec->bytes;
        all += (double)rec->bytes;
    }
    return all > 0 ? done / all : 0;
}

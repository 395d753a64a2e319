/* SPDX-License-Identifier: Apache-2.0 */
/* Verification: what a survey found as a list, the indexes, the topic file. See verify.h. */
#include "log/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "log/index.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

#define INDEX_HEAD_BYTES 80u
#define INDEX_MAX_BYTES ((size_t)1 << 30)

void verification_release(struct verification *v) {
    if (!v) return;
    free(v->list);
    *v = (struct verification){0};
}

struct damage *verification_add(struct verification *v, enum damage_weight weight, int64_t partition) {
    struct damage *list = realloc(v->list, (v->count + 1) * sizeof *list);
    if (!list) return NULL;
    v->list = list;
    struct damage *d = &list[v->count++];
    *d = (struct damage){.weight = weight, .partition = partition};
    if (weight != DAMAGE_NOTE) v->faults++;
    return d;
}

static void name_file(struct damage *d, const struct topic *t, const char *file) {
    (void)snprintf(d->file, sizeof d->file, "topics/%s/%" PRId64 "/%s", t->name, d->partition, file);
}

static int add_plain(struct verification *v, enum damage_weight weight, const struct partition *p, const char *file,
                     const char *what, struct err *e) {
    struct damage *d = verification_add(v, weight, p->number);
    if (!d) return err_nomem(e);
    name_file(d, p->topic, file);
    (void)snprintf(d->what, sizeof d->what, "%s", what);
    return 0;
}

/* ---- indexes ---- */

static int index_fault(struct verification *v, const struct partition *p, const char *name, uint64_t at, uint64_t to,
                       const char *what, struct err *e) {
    int g = add_plain(v, DAMAGE_DERIVED, p, name, what, e);
    if (g < 0) return g;
    v->list[v->count - 1].at = at;
    v->list[v->count - 1].to = to;
    return 0;
}

static int compare_index(const struct survey *s, const struct surveyed_segment *seg, const struct buf *have,
                         struct verification *v, struct err *e) {
    char name[SEGMENT_NAME_BYTES], leat[SEGMENT_NAME_BYTES];
    struct index x = {0};
    struct buf want = {0};
    segment_name(name, seg->base, ".idx");
    segment_name(leat, seg->base, ".leat");
    int fd = sys.open_beneath(s->p->dir, leat, O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open segment '%s'", leat);
    int g = index_build(&x, fd, &s->p->id, &seg->info, seg->limit, e);
    sys.close(fd);
    if (g == 0) g = index_encode(&x, &want, e);
    if (g == 0 && (want.len != have->len || memcmp(want.data, have->data, want.len) != 0)) {
        size_t at = 0;
        while (at < want.len && at < have->len && want.data[at] == have->data[at]) at++;
        bool older = have->len >= INDEX_HEAD_BYTES && get_u32_le(have->data + 40) < seg->info.generation;
        g = older ? add_plain(v, DAMAGE_NOTE, s->p, name,
                              "the index is of an older generation of its segment and not used", e)
                  : index_fault(v, s->p, name, at, at < have->len ? at + 1 : at, "the index is not that of its segment",
                                e);
    }
    index_release(&x);
    buf_release(&want);
    return g;
}

/* The index of a sealed segment that is itself whole. A rewritten segment that was cut between two blocks shows only
 * here, because offsets may be missing in it. */
int verify_index(const struct survey *s, const struct surveyed_segment *seg, struct verification *v, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    struct buf have = {0};
    if (seg->missing || seg->bound == UINT64_MAX || !seg->head_ok) return 0;
    segment_name(name, seg->base, ".idx");
    int g = file_load(s->p->dir, name, INDEX_MAX_BYTES, &have, e);
    if (g == 0 && seg->fault_count == 0) g = compare_index(s, seg, &have, v, e);
    buf_release(&have);
    return g == G_ABSENT ? 0 : g;
}

/* ---- a partition ---- */

static int add_fault(const struct survey *s, const struct surveyed_segment *seg, const struct fault *f,
                     struct verification *v, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    struct damage *d = verification_add(v, DAMAGE_LOSS, s->p->number);
    if (!d) return err_nomem(e);
    segment_name(name, seg->base, ".leat");
    name_file(d, s->p->topic, name);
    d->at = f->at;
    d->to = f->to;
    d->from = f->from > s->start ? f->from : s->start; /* what lies below the start was given up before */
    d->until = f->until > d->from ? f->until : d->from;
    (void)snprintf(d->what, sizeof d->what, "%s", f->what);
    v->lost += d->until - d->from;
    return 0;
}

static int add_known_losses(const struct survey *s, const struct surveyed_segment *seg, struct verification *v,
                            struct err *e) {
    for (size_t i = 0; i < seg->info.lost_count; i++) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, seg->base, ".leat");
        if (seg->info.lost[i].to <= s->start) continue;
        int g = add_plain(v, DAMAGE_NOTE, s->p, name, "a repair gave these offsets up", e);
        if (g < 0) return g;
        v->list[v->count - 1].from = seg->info.lost[i].from;
        v->list[v->count - 1].until = seg->info.lost[i].to;
    }
    return 0;
}

static int add_segment(const struct survey *s, const struct surveyed_segment *seg, struct verification *v,
                       struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    int g = 0;
    v->segments += !seg->missing;
    v->blocks += seg->blocks;
    v->records += seg->records;
    v->bytes += seg->file_size;
    for (size_t i = 0; g == 0 && i < seg->fault_count; i++) g = add_fault(s, seg, &seg->faults[i], v, e);
    if (g == 0) g = add_known_losses(s, seg, v, e);
    if (g == 0 && seg->torn) {
        segment_name(name, seg->base, ".leat");
        g = add_plain(v, DAMAGE_NOTE, s->p, name, "torn behind the durable end: the next recovery cuts it", e);
        if (g == 0) {
            v->list[v->count - 1].at = seg->limit;
            v->list[v->count - 1].to = seg->limit + seg->torn;
        }
    }
    return g < 0 ? g : verify_index(s, seg, v, e);
}

static int add_strays(const struct survey *s, struct verification *v, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < s->stray_count; i++) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, s->strays[i], ".leat");
        g = add_plain(v, DAMAGE_LOSS, s->p, name, "the file is not a part of the log, and in the way of readers", e);
    }
    return g;
}

static int add_missing_below(const struct survey *s, struct verification *v, struct err *e) {
    if (!s->missing_below) return 0;
    int g = add_plain(v, DAMAGE_LOSS, s->p, "", "segments before the first one are missing", e);
    if (g < 0) return g;
    struct damage *d = &v->list[v->count - 1];
    d->from = s->missing_from;
    d->until = s->segments[0].base;
    v->lost += d->until - d->from;
    return 0;
}

static int add_missing_all(const struct survey *s, struct verification *v, struct err *e) {
    if (s->count > 0 || s->durable == 0) return 0;
    struct damage *d = verification_add(v, DAMAGE_LOSS, s->p->number);
    if (!d) return err_nomem(e);
    name_file(d, s->p->topic, "");
    d->from = s->start;
    d->until = s->durable > s->start ? s->durable : s->start;
    v->lost += d->until - d->from;
    (void)snprintf(d->what, sizeof d->what, "there are no segments");
    return 0;
}

static int add_survey(const struct survey *s, struct verification *v, struct err *e) {
    int g = 0;
    v->partitions++;
    for (size_t i = 0; g == 0 && i < s->count; i++) g = add_segment(s, &s->segments[i], v, e);
    if (g == 0) g = add_strays(s, v, e);
    if (g == 0) g = add_missing_below(s, v, e);
    if (g == 0) g = add_missing_all(s, v, e);
    if (g == 0 && !s->start_ok)
        g = add_plain(v, s->tail_valid ? DAMAGE_DERIVED : DAMAGE_LOSS, s->p, "start", "the file fails its check", e);
    if (g == 0 && !s->tail_valid && !s->tail_blank)
        g = add_plain(v, DAMAGE_DERIVED, s->p, "tail", "the page is not that of this partition", e);
    if (g == 0 && s->tail_blank && s->count > 0)
        g = add_plain(v, DAMAGE_NOTE, s->p, "tail", "there is none: the next who opens the partition makes it", e);
    if (g == 0 && s->tail_fault) g = add_plain(v, DAMAGE_DERIVED, s->p, "tail", s->tail_fault, e);
    if (g == 0 && s->leftovers)
        g = add_plain(v, DAMAGE_NOTE, s->p, "", "segments below the start wait for a cleaner to remove them", e);
    return g;
}

int verify_partition(struct topic *t, uint32_t partition, bool json, struct verification *v, struct err *e) {
    struct partition p;
    struct survey s;
    int g = partition_open(&p, t, partition, PARTITION_CLEAN, e);
    if (g < 0) return g;
    bool lock = p.writable; /* who may only read takes the risk that a cleaner is at work */
    if (lock) g = lock_take(p.lock_fd, LOCK_CLEAN, p.lock_timeout_ns, &p.tail->cleaning, p.label, e);
    if (lock && g == 0) atomic_store(&p.tail->cleaning, (uint32_t)getpid());
    if (g == 0) g = survey_partition(&s, &p, json ? SURVEY_JSON : 0, NULL, e);
    if (g == 0) {
        g = add_survey(&s, v, e);
        survey_release(&s);
    }
    if (lock) {
        atomic_store(&p.tail->cleaning, 0);
        lock_release(p.lock_fd, LOCK_CLEAN);
    }
    partition_close(&p);
    return g;
}

/* ---- the topic ---- */

int verify_topic_files(const struct log *log, const char *name, const struct topic *t, struct verification *v,
                       struct err *e) {
    struct err why = {0};
    struct topic seen = {.log = log, .dir = -1};
    (void)snprintf(seen.name, sizeof seen.name, "%s", name);
    seen.dir = dir_open(log->topics, name, false, e);
    if (seen.dir < 0) return seen.dir;
    int g = topic_read_file(&seen, "topic.json", &why);
    if (g == G_CORRUPT || g == G_ABSENT || g == G_DATA) {
        bool previous = topic_read_file(&seen, "topic.json.prev", NULL) == 0;
        struct damage *d = verification_add(v, DAMAGE_LOSS, -1);
        g = d ? 0 : err_nomem(e);
        if (d) {
            (void)snprintf(d->file, sizeof d->file, "topics/%s/topic.json", name);
            (void)snprintf(d->what, sizeof d->what, "%.180s%s", why.text,
                           previous ? "; the generation before is used" : "; the topic cannot be opened");
        }
    } else if (g < 0) {
        *e = why;
    }
    sys.close(seen.dir);
    return g < 0 || !t ? g : verify_positions(log, t, v, e);
}

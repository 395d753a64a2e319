/* SPDX-License-Identifier: Apache-2.0 */
/* Is a partition what the log's rules and the manifest say? See archive_import.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "log/archive_import.h"
#include "log/survey.h"
#include "sys/sys.h"

/* One partition under examination. */
struct check {
    const struct manifest *m;
    const struct manifest_partition *p;
    uint32_t partition;
    const struct segment_identity *id;
};

static int refuse(const struct check *c, size_t i, struct err *e, const char *fmt, ...) PRINTF_LIKE(4, 5);

static int refuse(const struct check *c, size_t i, struct err *e, const char *fmt, ...) {
    char name[MANIFEST_NAME_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)err_setv(e, G_CORRUPT, fmt, ap);
    va_end(ap);
    if (i == SIZE_MAX) return err_prefix(e, "partition %u: ", c->partition);
    manifest_entry_name(name, c->m->topic, c->partition, c->p->segments[i].offset);
    return err_prefix(e, "entry '%s' is refused: ", name);
}

/* ---- the numbers of the manifest ---- */

struct facts {
    uint64_t first, end, records;
    int64_t min_time, max_time;
    bool packed;
};

static int gather_facts(const struct check *c, int fd, const struct surveyed_segment *s, struct facts *f,
                        struct err *e) {
    struct segment_walk w;
    int g;
    *f = (struct facts){.first = UINT64_MAX, .min_time = NO_TIME, .max_time = NO_TIME};
    segment_walk_init(&w, fd, c->id, &s->info, s->file_size, s->first_data, s->base);
    while ((g = segment_walk_next(&w, e)) == 0) {
        if (f->records == 0) f->first = w.h.base_offset;
        f->records += w.h.records;
        f->packed |= w.h.codec != CODEC_NONE;
        if (w.h.min_time != NO_TIME && (f->min_time == NO_TIME || w.h.min_time < f->min_time))
            f->min_time = w.h.min_time;
        if (w.h.max_time > f->max_time) f->max_time = w.h.max_time;
    }
    f->end = w.next_offset;
    segment_walk_release(&w);
    return g < 0 ? g : 0;
}

static int compare(const struct check *c, size_t i, const struct surveyed_segment *s, const struct facts *f,
                   struct err *e) {
    const struct manifest_segment *m = &c->p->segments[i];
    bool last = i + 1 == c->p->count;
    if (f->records != m->records)
        return refuse(c, i, e, "it has %" PRIu64 " records, the manifest says %" PRIu64, f->records, m->records);
    if (f->min_time != m->min_time || f->max_time != m->max_time)
        return refuse(c, i, e, "its times are not those of the manifest");
    if (f->records > 0 && f->first < c->p->start)
        return refuse(c, i, e, "it has records below offset %" PRIu64 ", with which the manifest begins", c->p->start);
    if (f->end > m->end_offset || (last && f->end != m->end_offset))
        return refuse(c, i, e, "it ends at offset %" PRIu64 ", the manifest says %" PRIu64, f->end, m->end_offset);
    if (last && (s->info.rewritten || f->packed)) return refuse(c, i, e, "nothing can be appended to the last segment");
    return 0;
}

static int check_numbers(const struct check *c, size_t i, int dir, const struct surveyed_segment *s, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    struct facts f;
    segment_name(name, s->base, ".leat");
    int fd = sys.open_beneath(dir, name, O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    int g = gather_facts(c, fd, s, &f, e);
    sys.close(fd);
    return g < 0 ? g : compare(c, i, s, &f, e);
}

/* Time bounds of what lies before a segment lead readers that look for a time. */
static int check_running_max(const struct check *c, size_t i, const struct surveyed_segment *s, struct err *e) {
    int64_t before = s[-1].info.running_max > s[-1].max_time ? s[-1].info.running_max : s[-1].max_time;
    return s->info.running_max < before ? refuse(c, i, e, "its running_max is earlier than records before it") : 0;
}

/* ---- what a survey found ---- */

static int judge(const struct check *c, const struct survey *s, struct err *e) {
    if (s->missing_below || s->leftovers || s->stray_count || s->count != c->p->count)
        return refuse(c, SIZE_MAX, e, "its segments are not a row");
    for (size_t i = 0; i < s->count; i++) {
        const struct surveyed_segment *seg = &s->segments[i];
        if (seg->fault_count) return refuse(c, i, e, "%s", seg->faults[0].what);
        if (!seg->head_ok || !seg->chain_ok) return refuse(c, i, e, "it does not belong to this partition");
        if (seg->torn || seg->limit != seg->file_size) return refuse(c, i, e, "bytes behind its end are no block");
    }
    return 0;
}

int import_check(struct topic *t, uint32_t partition, const struct manifest *m, struct err *e) {
    struct partition part;
    struct survey s;
    int g = partition_open(&part, t, partition, PARTITION_CLEAN, e);
    if (g < 0) return g;
    struct check c = {.m = m, .p = &m->partitions[partition], .partition = partition, .id = &part.id};
    g = survey_partition(&s, &part, SURVEY_JSON, e);
    if (g == 0) {
        g = judge(&c, &s, e);
        for (size_t i = 0; g == 0 && i < s.count; i++) g = check_numbers(&c, i, part.dir, &s.segments[i], e);
        for (size_t i = 1; g == 0 && i < s.count; i++) g = check_running_max(&c, i, &s.segments[i], e);
        survey_release(&s);
    }
    partition_close(&part);
    return g;
}

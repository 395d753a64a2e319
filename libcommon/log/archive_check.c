/* SPDX-License-Identifier: Apache-2.0 */
/* Is a partition what the log's rules and the manifest say? See archive_import.h. */
#include <inttypes.h>

#include "log/archive_import.h"

/* One partition under examination. */
struct check {
    const struct manifest *m;
    const struct manifest_partition *p;
    uint32_t partition;
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

static int check_numbers(const struct check *c, size_t i, const struct surveyed_segment *s, struct err *e) {
    const struct manifest_segment *m = &c->p->segments[i];
    bool last = i + 1 == c->p->count;
    if (s->records != m->records)
        return refuse(c, i, e, "it has %" PRIu64 " records, the manifest says %" PRIu64, s->records, m->records);
    if (s->min_time != m->min_time || s->max_time != m->max_time)
        return refuse(c, i, e, "its times are not those of the manifest");
    if (s->records > 0 && s->first_offset < c->p->start)
        return refuse(c, i, e, "it has records below offset %" PRIu64 ", with which the manifest begins", c->p->start);
    if (last && (s->info.rewritten || s->packed)) return refuse(c, i, e, "nothing can be appended to the last segment");
    if (s->end_offset != m->end_offset)
        return refuse(c, i, e, "it ends at offset %" PRIu64 ", the manifest says %" PRIu64, s->end_offset,
                      m->end_offset);
    return 0;
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

int import_check(struct topic *t, uint32_t partition, const struct manifest *m, struct survey_seen *seen,
                 struct err *e) {
    struct partition part;
    struct survey s;
    int g = partition_open(&part, t, partition, PARTITION_CLEAN, e);
    if (g < 0) return g;
    struct check c = {.m = m, .p = &m->partitions[partition], .partition = partition};
    g = survey_partition(&s, &part, SURVEY_JSON, seen, e);
    if (g == 0) {
        g = judge(&c, &s, e);
        for (size_t i = 0; g == 0 && i < s.count; i++) g = check_numbers(&c, i, &s.segments[i], e);
        for (size_t i = 1; g == 0 && i < s.count; i++) g = check_running_max(&c, i, &s.segments[i], e);
        survey_release(&s);
    }
    partition_close(&part);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a plan to an archive: the manifest, then the segments. See archive.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/crc32c.h"
#include "log/archive_plan.h"
#include "log/segment.h"
#include "sys/file.h"
#include "sys/signals.h"

#define PIECE_BYTES (1u << 20)

struct exporting {
    const struct export_request *q;
    struct archive_writer *w;
    char *piece;
    uint64_t done, total;
};

/* A plan keeps every segment open. */
static void allow_many_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int put(struct exporting *x, const void *p, size_t n, uint32_t *crc, struct err *e) {
    if (n == 0) return 0;
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped while '%s' was written", x->q->name);
    *crc = crc32c(*crc, p, n);
    x->done += n;
    if (x->q->watch.fn) x->q->watch.fn(x->q->watch.ctx, x->done, x->total);
    return archive_writer_data(x->w, p, n, e);
}

static int put_segment(struct exporting *x, const struct planned_segment *seg, const struct manifest_segment *m,
                       const char *name, struct err *e) {
    uint32_t crc = 0;
    int g = archive_writer_entry(x->w, name, m->size, e);
    if (g == 0) g = put(x, seg->head.data, seg->head.len, &crc, e);
    for (uint64_t at = seg->from; g == 0 && at < seg->to;) {
        size_t n = 0, want = seg->to - at < PIECE_BYTES ? (size_t)(seg->to - at) : PIECE_BYTES;
        g = file_pread(seg->fd, x->piece, want, (off_t)at, &n, name, e);
        if (g == 0 && n < want) g = err_set(e, G_CORRUPT, "segment '%s' was cut while it was read", name);
        if (g == 0) g = put(x, x->piece, n, &crc, e);
        at += n;
    }
    if (g == 0) g = put(x, seg->tail.data, seg->tail.len, &crc, e);
    if (g == 0 && crc != m->crc32c) g = err_set(e, G_CORRUPT, "segment '%s' changed while it was read", name);
    return g;
}

static int put_all(struct exporting *x, const struct plan *plan, struct archive_report *r, struct err *e) {
    const struct manifest *m = &plan->manifest;
    char name[MANIFEST_NAME_MAX];
    struct buf text = {0};
    int g = manifest_encode(m, &text, e);
    (void)snprintf(name, sizeof name, "%s/" MANIFEST_FILE, m->topic);
    if (g == 0) g = archive_writer_entry(x->w, name, text.len, e);
    if (g == 0) g = archive_writer_data(x->w, text.data, text.len, e);
    buf_release(&text);
    for (uint32_t p = 0; g == 0 && p < m->partition_count; p++) {
        r->partitions++;
        for (size_t i = 0; g == 0 && i < m->partitions[p].count; i++) {
            const struct manifest_segment *s = &m->partitions[p].segments[i];
            manifest_entry_name(name, m->topic, p, s->offset);
            g = put_segment(x, &plan->partitions[p].segments[i], s, name, e);
            r->segments++;
            r->records += s->records;
            r->bytes += s->size;
        }
    }
    return g < 0 ? g : archive_writer_close(x->w, e);
}

int topic_export(struct topic *t, const struct export_request *q, struct archive_report *ret, struct err *e) {
    struct exporting x = {.q = q};
    struct archive_report r = {0};
    struct plan plan;
    allow_many_files();
    int g = plan_make(&plan, t, q, e);
    if (g == G_IO && e->errnum == EMFILE)
        g = err_set(e, G_IO, "topic '%s' has more segments than files may be open: raise 'ulimit -n'", t->name);
    if (g < 0) return g;
    x.total = manifest_bytes(&plan.manifest);
    x.piece = malloc(PIECE_BYTES);
    g = x.piece ? archive_writer_open(&x.w, q->fd, q->name, q->format, e) : err_nomem(e);
    if (g == 0) g = put_all(&x, &plan, &r, e);
    if (g == 0) {
        r.archive = archive_writer_position(x.w);
        *ret = r;
    }
    archive_writer_free(x.w);
    free(x.piece);
    plan_release(&plan);
    return g;
}

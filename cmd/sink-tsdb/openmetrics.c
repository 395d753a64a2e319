/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenMetrics text: of each series (labels.h) the newest value, for the textfile collector of Prometheus' node exporter
 * and for promtool. A file is replaced as a whole, each --flush while points come and at the end; standard output, a
 * FIFO or a device gets the text once, at the end. Values have no times, as the collector refuses those.
 *
 *     # TYPE name gauge
 *     # HELP name …
 *     name{label="value"} 1.5
 *     # EOF
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "labels.h"

#include "base/hashmap.h"
#include "sys/file.h"
#include "sys/sys.h"

#define PUBLISH_SHARE 10 /* no more than this part of the time goes into files */

struct sample {
    double value; /* a stale marker: the series has ended */
    int64_t time;
};

/* A series as it is listed. */
struct listed {
    const char *text;
    size_t name, size; /* of the metric's name, of all of it */
    double value;
};

struct openmetrics {
    struct dest base;
    struct dest_config config;
    int fd;               /* written to once; -1: a file that is replaced */
    int dir;              /* that it is in */
    const char *name;     /* in it; of the other, for messages */
    char *path;           /* what `name` is a part of */
    struct hashmap index; /* series to number */
    struct sample *samples;
    size_t cap;
    struct labels labels;
    struct buf series, text;
    int64_t next_ns; /* when the file is due; only while it is behind the points */
};

/* ---- points ---- */

static int keep(struct openmetrics *o, const struct text *metric, double value, int64_t time, struct err *e) {
    uint64_t at;
    buf_clear(&o->series);
    if (series_append(&o->series, *metric, o->labels.label, o->labels.label_count) < 0) return err_nomem(e);
    if (hashmap_get(&o->index, o->series.data, o->series.len, &at)) {
        if (time >= o->samples[at].time) o->samples[at] = (struct sample){value, time};
        return 0;
    }
    if (o->index.count == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 256;
        struct sample *samples = realloc(o->samples, cap * sizeof *samples);
        if (!samples) return err_nomem(e);
        o->samples = samples;
        o->cap = cap;
    }
    o->samples[o->index.count] = (struct sample){value, time};
    return hashmap_put(&o->index, o->series.data, o->series.len, o->index.count) < 0 ? err_nomem(e) : 0;
}

/* ---- text ---- */

static int by_name_and_labels(const void *x, const void *y) {
    const struct listed *a = x, *b = y;
    int c = memcmp(a->text, b->text, a->name < b->name ? a->name : b->name);
    if (c == 0) c = (a->name > b->name) - (a->name < b->name);
    if (c == 0) c = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return c ? c : (a->size > b->size) - (a->size < b->size);
}

/* All series that have not ended, in order. */
static int list_series(const struct openmetrics *o, struct listed **ret, size_t *ret_count) {
    struct listed *all = malloc((o->index.count + 1) * sizeof *all);
    struct hashmap_entry entry;
    size_t n = 0, pos = 0;
    if (!all) return G_NOMEM;
    while (hashmap_next(&o->index, &pos, &entry)) {
        double value = o->samples[entry.value].value;
        const char *brace = memchr(entry.key, '{', entry.len);
        if (is_stale_marker(value)) continue;
        size_t name = brace ? (size_t)(brace - (const char *)entry.key) : entry.len;
        all[n++] = (struct listed){entry.key, name, entry.len, value};
    }
    qsort(all, n, sizeof *all, by_name_and_labels);
    *ret = all;
    *ret_count = n;
    return 0;
}

static int append_head(struct buf *out, const struct listed *s) {
    int n = (int)s->name;
    return buf_printf(out, "# TYPE %.*s gauge\n# HELP %.*s Newest value, from leat.\n", n, s->text, n, s->text);
}

static int make_text(struct openmetrics *o, struct err *e) {
    struct listed *all;
    size_t count;
    buf_clear(&o->text);
    if (list_series(o, &all, &count) < 0) return err_nomem(e);
    int g = 0;
    for (size_t i = 0; g == 0 && i < count; i++) {
        const struct listed *s = &all[i], *last = i > 0 ? s - 1 : NULL;
        if (!last || last->name != s->name || memcmp(last->text, s->text, s->name) != 0) g = append_head(&o->text, s);
        if (g == 0) g = buf_append(&o->text, s->text, s->size);
        if (g == 0) g = buf_putc(&o->text, ' ');
        if (g == 0) g = sample_append(&o->text, s->value);
        if (g == 0) g = buf_putc(&o->text, '\n');
    }
    free(all);
    if (g == 0) g = buf_puts(&o->text, "# EOF\n");
    return g < 0 ? err_nomem(e) : 0;
}

static int publish(struct openmetrics *o, struct err *e) {
    int64_t begin = sys.steady_ns();
    int g = make_text(o, e);
    if (g == 0 && o->fd >= 0) g = file_write_all(o->fd, o->text.data, o->text.len, o->name, e);
    if (g == 0 && o->fd < 0) g = atomic_publish(o->dir, o->name, o->text.data, o->text.len, e);
    if (g < 0) return g;
    struct totals *t = o->config.totals;
    t->accepted += t->in_flight;
    t->in_flight = 0;
    int64_t now = sys.steady_ns(), rest = (now - begin) * (PUBLISH_SHARE - 1);
    o->next_ns = now + (rest > o->config.flush_ns ? rest : o->config.flush_ns);
    return 0;
}

/* ---- the destination ---- */

static bool is_behind(const struct openmetrics *o) {
    return o->fd < 0 && o->config.totals->in_flight > 0;
}

static int openmetrics_put(struct dest *d, const struct block_header *like, const struct record *r, const char *where,
                           const struct point *p, struct err *e) {
    struct openmetrics *o = (struct openmetrics *)d;
    (void)like, (void)r, (void)where;
    int g = labels_make(&o->labels, p, e);
    for (size_t i = 0; g == 0 && i < o->labels.metric_count; i++)
        g = keep(o, &o->labels.metric[i].name, o->labels.metric[i].value, p->time, e);
    if (g < 0) return g;
    o->config.totals->sent++;
    o->config.totals->in_flight++;
    return is_behind(o) && sys.steady_ns() >= o->next_ns ? publish(o, e) : 0;
}

static int openmetrics_poll(struct dest *d, int64_t *ret_wake_ns, struct err *e) {
    struct openmetrics *o = (struct openmetrics *)d;
    *ret_wake_ns = -1;
    if (!is_behind(o)) return 0;
    int64_t left = o->next_ns - sys.steady_ns();
    if (left <= 0) return publish(o, e);
    *ret_wake_ns = left;
    return 0;
}

/* Of an input that ends before its end nothing is published, and close() does that at the end. */
static int openmetrics_flush(struct dest *d, struct err *e) {
    (void)d, (void)e;
    return 0;
}

static int openmetrics_barrier(struct dest *d, const struct checkpoint *c, struct err *e) {
    struct openmetrics *o = (struct openmetrics *)d;
    (void)c;
    return is_behind(o) ? publish(o, e) : 0;
}

static int openmetrics_close(struct dest *d, bool completed, struct err *e) {
    struct openmetrics *o = (struct openmetrics *)d;
    int g = completed ? publish(o, e) : 0;
    if (o->path && o->fd >= 0 && sys.close(o->fd) < 0 && g == 0) g = err_sys(e, errno, "cannot write '%s'", o->name);
    if (o->dir >= 0) sys.close(o->dir);
    hashmap_release(&o->index);
    labels_release(&o->labels);
    buf_release(&o->series);
    buf_release(&o->text);
    free(o->samples);
    free(o->path);
    free(o);
    return g;
}

/* ---- opening ---- */

/* A regular file, or none, is replaced; anything else is written to. */
static int open_path(struct openmetrics *o, const char *path, struct err *e) {
    struct stat st;
    o->path = strdup(path);
    if (!o->path) return err_nomem(e);
    o->name = o->path;
    if (sys.fstatat(AT_FDCWD, path, &st, 0) == 0 && !S_ISREG(st.st_mode)) {
        o->fd = sys.openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
        return o->fd < 0 ? err_sys(e, errno, "cannot open '%s'", path) : 0;
    }
    char *slash = strrchr(o->path, '/');
    const char *dir = !slash ? "." : slash == o->path ? "/" : o->path;
    if (slash) {
        *slash = '\0';
        o->name = slash + 1;
    }
    o->dir = sys.openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return o->dir < 0 ? err_sys(e, errno, "cannot open the folder of '%s'", path) : 0;
}

int openmetrics_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) {
    static const struct dest_ops ops = {.put = openmetrics_put,
                                        .flush = openmetrics_flush,
                                        .poll = openmetrics_poll,
                                        .barrier = openmetrics_barrier,
                                        .close = openmetrics_close};
    struct openmetrics *o = calloc(1, sizeof *o);
    if (!o) return err_nomem(e);
    *o = (struct openmetrics){.base = {&ops}, .config = *c, .fd = -1, .dir = -1, .name = "standard output"};
    o->next_ns = sys.steady_ns() + c->flush_ns;
    int g = hashmap_init(&o->index, e);
    if (g == 0 && c->dry_run)
        o->fd = c->dry_fd;
    else if (g == 0 && strcmp(u->path[0], "-") == 0)
        o->fd = STDOUT_FILENO;
    else if (g == 0)
        g = open_path(o, u->path[0], e);
    if (g < 0) {
        struct err ignored;
        (void)openmetrics_close(&o->base, false, &ignored);
        return g;
    }
    *ret = &o->base;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line protocol: a point as a line, and the destinations `lines:-` and `lines:FILE`, which are made of such lines.
 *
 *     measurement[,tag=value…] field=value[,field=value…] time\n
 *
 * Names and tag values escape comma, space and, but for the measurement, the equals sign with a backslash; a backslash
 * itself has no escape there, so that some texts cannot be said. They are refused: InfluxDB would take many of them
 * for something else without a word. Fields in quotes escape the quote and the backslash. Floats are written as the
 * shortest decimal number that reads back, as Go's 'g' has it (1e+06).
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sink.h"

#include "base/number.h"
#include "sys/file.h"
#include "sys/sys.h"
#include "json/double.h"

#define LINES_BYTES (64u << 10)

/* ---- a line ---- */

/* What the parts of a line may not hold as they are: `escaped` gets a backslash; a backslash in front of one of
 * `swallowed` would vanish. */
struct part {
    const char *what, *escaped, *swallowed;
};
static const struct part measurement = {"measurement", ", ", ",= \""}, tag_name = {"tag name", ",= ", ""},
                         tag_value = {"tag value", ",= ", ""}, field_name = {"field name", ",= ", ",= \""};

static int unsayable(const struct part *as, struct text t, const char *why, struct err *e) {
    int n = t.n < 80 ? (int)t.n : 80;
    return err_set(e, G_DATA, "%s '%.*s' %s: line protocol cannot say that", as->what, n, t.p, why);
}

static bool has(const char *set, char c) {
    return c != '\0' && strchr(set, c);
}

static int append_part(struct buf *out, const struct part *as, struct text t, struct err *e) {
    if (t.n == 0) return err_set(e, G_DATA, "a %s is empty", as->what);
    if ((unsigned char)t.p[0] < ' ') return unsayable(as, t, "begins with a control character", e);
    if (as == &measurement && t.p[0] == '#') return unsayable(as, t, "begins with '#'", e);
    if (t.p[t.n - 1] == '\\') return unsayable(as, t, "ends in a backslash", e);
    if (buf_reserve(out, 2 * t.n) < 0) return err_nomem(e);
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (c == '\n') return unsayable(as, t, "has a newline in it", e);
        if (c == '\\' && i + 1 < t.n && has(as->swallowed, t.p[i + 1]))
            return unsayable(as, t, "has a backslash before a special character", e);
        if (has(as->escaped, c)) buf_putc_fast(out, '\\');
        buf_putc_fast(out, c);
    }
    return 0;
}

/* Below 1e6 JSON has the same form. From there on with an exponent, and as many digits as JSON needs. */
static int append_float(struct buf *out, double d) {
    char text[JSON_DOUBLE_MAX];
    size_t n = json_double_write(d, text);
    if (fabs(d) < 1e6) return buf_append(out, text, n);
    int digits = 0, significant = 0;
    for (size_t i = 0; i < n && text[i] != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9' || (digits == 0 && text[i] == '0')) continue;
        digits++;
        if (text[i] != '0') significant = digits;
    }
    return buf_printf(out, "%.*e", significant - 1, d);
}

static int append_value(struct buf *out, const struct field *f, struct err *e) {
    int g = G_BUG;
    switch (f->type) {
    case FIELD_INTEGER:
        g = number_append_i64(out, f->integer);
        if (g == 0) g = buf_putc(out, 'i');
        break;
    case FIELD_UNSIGNED:
        g = number_append_u64(out, f->magnitude);
        if (g == 0) g = buf_putc(out, 'u');
        break;
    case FIELD_NUMBER: g = append_float(out, f->number); break;
    case FIELD_BOOLEAN: g = buf_puts(out, f->boolean ? "true" : "false"); break;
    case FIELD_STRING: g = text_quote(out, f->string, '"', false); break;
    case FIELD_NULL: return err_set(e, G_BUG, "line protocol has no null");
    }
    return g < 0 ? err_nomem(e) : 0;
}

static int append_line(struct buf *out, const struct point *p, struct err *e) {
    int g = append_part(out, &measurement, p->measurement, e);
    for (size_t i = 0; g == 0 && i < p->tag_count; i++) {
        if (buf_putc(out, ',') < 0) return err_nomem(e);
        g = append_part(out, &tag_name, p->tags[i].name, e);
        if (g == 0 && buf_putc(out, '=') < 0) return err_nomem(e);
        if (g == 0) g = append_part(out, &tag_value, p->tags[i].value, e);
    }
    for (size_t i = 0; g == 0 && i < p->field_count; i++) {
        if (buf_putc(out, i == 0 ? ' ' : ',') < 0) return err_nomem(e);
        g = append_part(out, &field_name, p->fields[i].name, e);
        if (g == 0 && buf_putc(out, '=') < 0) return err_nomem(e);
        if (g == 0) g = append_value(out, &p->fields[i], e);
    }
    if (g < 0) return g;
    if (buf_putc(out, ' ') < 0 || number_append_i64(out, p->time) < 0 || buf_putc(out, '\n') < 0) return err_nomem(e);
    return 0;
}

int line_append(struct buf *out, const struct point *p, struct err *e) {
    size_t before = out->len;
    int g = append_line(out, p, e);
    if (g < 0) out->len = before;
    return g;
}

/* ---- a file of them ---- */

struct lines {
    struct dest base;
    struct dest_config config;
    int fd;
    const char *name;       /* for messages */
    char *file, *temporary; /* NULL: written as it is */
    struct buf text;
    uint64_t held; /* lines of it */
};

static int lines_flush(struct dest *d, struct err *e) {
    struct lines *l = (struct lines *)d;
    int g = file_write_all(l->fd, l->text.data, l->text.len, l->name, e);
    if (g < 0) return g;
    l->config.totals->accepted += l->held;
    l->held = 0;
    buf_clear(&l->text);
    return 0;
}

static int lines_put(struct dest *d, const struct block_header *like, const struct record *r, const char *where,
                     const struct point *p, struct err *e) {
    struct lines *l = (struct lines *)d;
    (void)like, (void)r, (void)where;
    int g = line_append(&l->text, p, e);
    if (g < 0) return g;
    l->held++;
    l->config.totals->sent++;
    return l->text.len < LINES_BYTES ? 0 : lines_flush(d, e);
}

static int lines_poll(struct dest *d, int64_t *ret_wake_ns, struct err *e) {
    *ret_wake_ns = -1;
    return lines_flush(d, e);
}

static int lines_barrier(struct dest *d, const struct checkpoint *c, struct err *e) {
    (void)c;
    return lines_flush(d, e);
}

/* A file of ours: closed, and in its place. */
static int publish(struct lines *l, bool completed, struct err *e) {
    int g = 0;
    if (completed && sys.fsync(l->fd) < 0) g = err_sys(e, errno, "cannot write '%s'", l->file);
    if (sys.close(l->fd) < 0 && g == 0 && completed) g = err_sys(e, errno, "cannot write '%s'", l->file);
    if (g == 0 && completed && sys.renameat(AT_FDCWD, l->temporary, AT_FDCWD, l->file) < 0)
        g = err_sys(e, errno, "cannot replace '%s'", l->file);
    if (g < 0 || !completed) (void)sys.unlinkat(AT_FDCWD, l->temporary, 0);
    return g;
}

static int lines_close(struct dest *d, bool completed, struct err *e) {
    struct lines *l = (struct lines *)d;
    struct err late;
    int g = lines_flush(d, e);
    int published = l->temporary ? publish(l, completed && g == 0, g < 0 ? &late : e) : 0;
    buf_release(&l->text);
    free(l->file);
    free(l->temporary);
    free(l);
    return g < 0 ? g : published;
}

/* Under another name until it is complete; but what is there and no regular file is written to as it is. */
static int open_lines(struct lines *l, const char *path, struct err *e) {
    struct stat st;
    bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    if (asprintf(&l->temporary, "%s.%ld.tmp", path, (long)getpid()) < 0) l->temporary = NULL;
    l->name = l->file = strdup(path);
    if (!l->file || !l->temporary) return err_nomem(e);
    l->fd = special ? sys.openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0)
                    : sys.openat(AT_FDCWD, l->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (l->fd < 0) return err_sys(e, errno, "cannot %s '%s'", special ? "open" : "create", path);
    if (!special) return 0;
    free(l->temporary);
    l->temporary = NULL;
    return 0;
}

int lines_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) {
    static const struct dest_ops ops = {
        .put = lines_put, .flush = lines_flush, .poll = lines_poll, .barrier = lines_barrier, .close = lines_close};
    struct lines *l = calloc(1, sizeof *l);
    if (!l) return err_nomem(e);
    l->base.ops = &ops;
    l->config = *c;
    l->name = "standard output";
    l->fd = c->dry_run ? c->dry_fd : STDOUT_FILENO;
    if (!c->dry_run && strcmp(u->path[0], "-") != 0 && open_lines(l, u->path[0], e) < 0) {
        free(l->file);
        free(l->temporary);
        free(l);
        return e->grade;
    }
    *ret = &l->base;
    return 0;
}

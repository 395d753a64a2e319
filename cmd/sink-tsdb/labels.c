/* SPDX-License-Identifier: Apache-2.0 */
/* Legal names, in order, and no two alike: see labels.h. */
#include <stdlib.h>

#include "labels.h"

#include "json/double.h"

void labels_release(struct labels *l) {
    if (!l) return;
    free(l->label);
    free(l->metric);
    buf_release(&l->names);
    *l = (struct labels){0};
}

double stale_marker(void) {
    const uint64_t bits = 0x7ff0000000000002;
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

bool is_stale_marker(double d) {
    const double marker = stale_marker();
    return memcmp(&d, &marker, sizeof d) == 0;
}

/* ---- room, taken once a point, so that views stay where they are ---- */

static int grow(void **p, size_t *cap, size_t need, size_t size, struct err *e) {
    if (need <= *cap) return 0;
    void *more = realloc(*p, need * size);
    if (!more) return err_nomem(e);
    *p = more;
    *cap = need;
    return 0;
}

static int make_room(struct labels *l, const struct point *p, struct err *e) {
    size_t bytes = 0;
    for (size_t i = 0; i < p->tag_count; i++) bytes += p->tags[i].name.n + 1;
    for (size_t i = 0; i < p->field_count; i++) bytes += p->measurement.n + p->fields[i].name.n + 2;
    buf_clear(&l->names);
    if (buf_reserve(&l->names, bytes) < 0) return err_nomem(e);
    int g = grow((void **)&l->label, &l->label_cap, p->tag_count, sizeof *l->label, e);
    return g == 0 ? grow((void **)&l->metric, &l->metric_cap, p->field_count, sizeof *l->metric, e) : g;
}

/* ---- names ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A character beyond ASCII becomes one `_`, of its first byte. */
static void put_legal(struct buf *b, struct text t, bool colon) {
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (((unsigned char)c & 0xC0) == 0x80) continue;
        bool legal = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c == ':' && colon);
        buf_putc_fast(b, legal ? c : '_');
    }
}

static struct text legal_label(struct buf *b, struct text name) {
    size_t from = b->len;
    if (name.n > 0 && is_digit(*name.p)) buf_putc_fast(b, '_');
    put_legal(b, name, false);
    return (struct text){b->data + from, b->len - from};
}

static struct text legal_metric(struct buf *b, struct text measurement, struct text field) {
    size_t from = b->len;
    if (measurement.n > 0 && is_digit(*measurement.p)) buf_putc_fast(b, '_');
    put_legal(b, measurement, true);
    if (field.n != 5 || memcmp(field.p, "value", 5) != 0) {
        buf_putc_fast(b, '_');
        put_legal(b, field, true);
    }
    return (struct text){b->data + from, b->len - from};
}

static int compare_text(const struct text *a, const struct text *b) {
    int c = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return c ? c : (a->n > b->n) - (a->n < b->n);
}

static bool is_text(const struct text *t, const char *word) {
    return t->n == strlen(word) && memcmp(t->p, word, t->n) == 0;
}

/* Of the first member, which is the name in both structures. */
static int by_name(const void *a, const void *b) {
    return compare_text(a, b);
}

/* ---- a point ---- */

static int make_labels(struct labels *l, const struct point *p, struct err *e) {
    l->label_count = 0;
    for (size_t i = 0; i < p->tag_count; i++) {
        if (p->tags[i].value.n == 0) continue;
        l->label[l->label_count++] = (struct label){legal_label(&l->names, p->tags[i].name), p->tags[i].value};
    }
    if (l->label_count > 1) qsort(l->label, l->label_count, sizeof *l->label, by_name);
    for (size_t i = 0; i < l->label_count; i++) {
        const struct text *name = &l->label[i].name;
        if (is_text(name, "__name__")) return err_set(e, G_DATA, "a tag cannot be the label '__name__'");
        if (i > 0 && compare_text(name, &l->label[i - 1].name) == 0)
            return err_set(e, G_DATA, "two tags become the same label '%.*s'", (int)name->n, name->p);
    }
    return 0;
}

static bool value_of(const struct field *f, double *ret) {
    switch (f->type) {
    case FIELD_INTEGER: *ret = (double)f->integer; return true;
    case FIELD_UNSIGNED: *ret = (double)f->magnitude; return true;
    case FIELD_NUMBER: *ret = f->number; return true;
    case FIELD_BOOLEAN: *ret = f->boolean ? 1 : 0; return true;
    case FIELD_NULL: *ret = stale_marker(); return true;
    case FIELD_STRING: break;
    }
    return false;
}

static int make_metrics(struct labels *l, const struct point *p, struct err *e) {
    l->metric_count = 0;
    for (size_t i = 0; i < p->field_count; i++) {
        struct metric *m = &l->metric[l->metric_count];
        if (!value_of(&p->fields[i], &m->value)) continue;
        m->name = legal_metric(&l->names, p->measurement, p->fields[i].name);
        l->metric_count++;
    }
    if (l->metric_count == 0) return err_set(e, G_DATA, "no field is a number, and Prometheus has no other values");
    if (l->metric_count > 1) qsort(l->metric, l->metric_count, sizeof *l->metric, by_name);
    for (size_t i = 1; i < l->metric_count; i++) {
        const struct text *name = &l->metric[i].name;
        if (compare_text(name, &l->metric[i - 1].name) == 0)
            return err_set(e, G_DATA, "two fields become the same metric '%.*s'", (int)name->n, name->p);
    }
    return 0;
}

int labels_make(struct labels *l, const struct point *p, struct err *e) {
    int g = make_room(l, p, e);
    if (g == 0) g = make_labels(l, p, e);
    return g == 0 ? make_metrics(l, p, e) : g;
}

size_t labels_before(const struct labels *l, struct text name) {
    size_t n = 0;
    while (n < l->label_count && compare_text(&l->label[n].name, &name) < 0) n++;
    return n;
}

/* ---- as text ---- */

int label_append(struct buf *out, const struct label *l, bool first) {
    int g = buf_putc(out, first ? '{' : ',');
    if (g == 0) g = buf_append(out, l->name.p, l->name.n);
    if (g == 0) g = buf_putc(out, '=');
    return g == 0 ? text_quote(out, l->value, '"', true) : g;
}

int series_append(struct buf *out, struct text name, const struct label *label, size_t count) {
    int g = buf_append(out, name.p, name.n);
    for (size_t i = 0; g == 0 && i < count; i++) g = label_append(out, &label[i], i == 0);
    return g == 0 && count > 0 ? buf_putc(out, '}') : g;
}

int sample_append(struct buf *out, double value) {
    char text[JSON_DOUBLE_MAX];
    size_t n = json_double_write(value, text);
    return n > 0 ? buf_append(out, text, n) : buf_puts(out, "NaN");
}

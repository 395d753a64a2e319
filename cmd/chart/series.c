/* SPDX-License-Identifier: Apache-2.0 */
/* Points by series, in the order of x, the latest so many of each. See chart.h. */
#include <ctype.h>
#include <stdlib.h>

#include "chart.h"

#include "base/safe.h"

int data_init(struct chart_data *d, size_t series_max, size_t points_max, struct err *e) {
    *d = (struct chart_data){.series_max = series_max, .points_max = points_max};
    d->series = calloc(series_max, sizeof *d->series);
    d->by_name = calloc(series_max, sizeof(struct series *));
    if (!d->series || !d->by_name) return err_nomem(e);
    return hashmap_init(&d->names, e);
}

void data_release(struct chart_data *d) {
    for (size_t i = 0; i < d->count; i++) {
        free(d->series[i].name);
        free(d->series[i].x);
        free(d->series[i].y);
    }
    free(d->series);
    free(d->by_name);
    hashmap_release(&d->names);
}

static bool number_name(const struct series *s, double *ret) {
    char *end;
    if (!isdigit((unsigned char)s->name[s->name[0] == '-'])) return false;
    *ret = strtod(s->name, &end);
    return *end == '\0';
}

static int compare(const struct series *a, const struct series *b) {
    double x, y;
    bool x_is = number_name(a, &x), y_is = number_name(b, &y);
    if (x_is != y_is) return x_is ? -1 : 1;
    if (x_is && (x < y || x > y)) return x < y ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int new_series(struct chart_data *d, const char *name, size_t n, struct err *e) {
    struct series *s = &d->series[d->count];
    struct buf shown = {0};
    if (safe_append(&shown, name, n, 0) < 0 || buf_cstr(&shown) == NULL ||
        hashmap_put(&d->names, name, n, d->count) < 0) {
        buf_release(&shown);
        return err_nomem(e);
    }
    s->name_size = shown.len;
    s->name = shown.data;
    size_t at = d->count++;
    for (; at > 0 && compare(d->by_name[at - 1], s) > 0; at--) d->by_name[at] = d->by_name[at - 1];
    d->by_name[at] = s;
    return 0;
}

static int grow(struct series *s, size_t max, struct err *e) {
    size_t cap = s->cap ? 2 * s->cap : 64;
    if (cap > max) cap = max;
    double *x = reallocarray(s->x, cap, sizeof *x), *y = x ? reallocarray(s->y, cap, sizeof *y) : NULL;
    if (x) s->x = x;
    if (!y) return err_nomem(e);
    s->y = y;
    s->cap = cap;
    return 0;
}

/* A quarter at once, so that what is moved costs little a point. */
static void drop_first(struct series *s) {
    size_t gone = s->count / 4 + 1;
    s->count -= gone;
    memmove(s->x, s->x + gone, s->count * sizeof *s->x);
    memmove(s->y, s->y + gone, s->count * sizeof *s->y);
}

static int put(struct series *s, size_t max, double x, double y, struct err *e) {
    size_t at = s->count;
    while (at > 0 && s->x[at - 1] > x) at--;
    s->last = y;
    if (at > 0 && !(s->x[at - 1] < x)) {
        s->y[at - 1] = y;
        return 0;
    }
    if (s->count == s->cap) {
        size_t before = s->count;
        if (s->cap == max) {
            drop_first(s);
            if (at < before - s->count) return 0; /* older than what is kept */
            at -= before - s->count;
        } else {
            int g = grow(s, max, e);
            if (g < 0) return g;
        }
    }
    memmove(s->x + at + 1, s->x + at, (s->count - at) * sizeof *s->x);
    memmove(s->y + at + 1, s->y + at, (s->count - at) * sizeof *s->y);
    s->x[at] = x;
    s->y[at] = y;
    s->count++;
    return 0;
}

int data_add(struct chart_data *d, const char *name, size_t n, double x, double y, struct err *e) {
    uint64_t which = d->count;
    if (!hashmap_get(&d->names, name, n, &which)) {
        if (d->count == d->series_max) {
            d->left_out++;
            return 0;
        }
        int g = new_series(d, name, n, e);
        if (g < 0) return g;
    }
    return put(&d->series[which], d->points_max, x, y, e);
}

bool data_extent(const struct chart_data *d, struct extent *ret) {
    bool any = false;
    for (size_t i = 0; i < d->count; i++) {
        const struct series *s = &d->series[i];
        for (size_t k = 0; k < s->count; k++) {
            double x = s->x[k], y = s->y[k];
            if (!any) *ret = (struct extent){x, x, y, y};
            any = true;
            if (x < ret->x_min) ret->x_min = x;
            if (x > ret->x_max) ret->x_max = x;
            if (y < ret->y_min) ret->y_min = y;
            if (y > ret->y_max) ret->y_max = y;
        }
    }
    return any;
}

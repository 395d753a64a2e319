/* SPDX-License-Identifier: Apache-2.0 */
/* A small table for people. See grid.h. */
#include "cli/grid.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "base/timefmt.h"

struct column {
    const char *name;
    size_t name_size, width;
    int right;
};

int grid_cell(struct grid *g, const char *text) {
    if (buf_append(&g->cells, text, strlen(text) + 1) < 0) return G_NOMEM;
    g->count++;
    return 0;
}

int grid_number(struct grid *g, uint64_t v) {
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    return grid_cell(g, text);
}

int grid_size(struct grid *g, uint64_t bytes) {
    char text[SIZE_TEXT_MAX];
    size_format(text, bytes);
    return grid_cell(g, text);
}

int grid_time(struct grid *g, int64_t ns) {
    char text[TIME_TEXT_MAX] = "-";
    if (ns != TIME_NONE) time_format_rfc3339(ns, text);
    return grid_cell(g, text);
}

void grid_release(struct grid *g) {
    buf_release(&g->cells);
    g->count = 0;
}

static size_t columns_of(const struct grid *g, struct column c[GRID_COLUMNS_MAX]) {
    size_t n = 0;
    for (const char *s = g->headers; *s && n < GRID_COLUMNS_MAX; n++) {
        c[n] = (struct column){.right = *s == '>'};
        c[n].name = s + c[n].right;
        c[n].name_size = c[n].width = strcspn(c[n].name, " ");
        s = c[n].name + c[n].name_size;
        s += strspn(s, " ");
    }
    const char *cell = g->cells.data;
    for (size_t i = 0; n && i < g->count; i++, cell += strlen(cell) + 1)
        if (strlen(cell) > c[i % n].width) c[i % n].width = strlen(cell);
    return n;
}

static int put(struct buf *out, const struct column *c, const char *text, size_t size, int last) {
    int pad = (int)(c->width - size);
    if (c->right) return buf_printf(out, "%*s%.*s%s", pad, "", (int)size, text, last ? "\n" : "  ");
    return buf_printf(out, "%.*s%*s%s", (int)size, text, last ? 0 : pad, "", last ? "\n" : "  ");
}

int grid_print(struct grid *g, struct buf *out) {
    struct column c[GRID_COLUMNS_MAX];
    size_t n = columns_of(g, c);
    int r = 0;
    if (g->count == 0) return 0;
    for (size_t i = 0; r == 0 && i < n; i++) r = put(out, &c[i], c[i].name, c[i].name_size, i + 1 == n);
    const char *cell = g->cells.data;
    for (size_t i = 0; r == 0 && i < g->count; i++, cell += strlen(cell) + 1)
        r = put(out, &c[i % n], cell, strlen(cell), i % n + 1 == n);
    buf_clear(&g->cells);
    g->count = 0;
    return r < 0 ? G_NOMEM : 0;
}

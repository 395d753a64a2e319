/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines over x, in text: braille dots, eight to a cell, where there are colours or one series only; a sign for each
 * series otherwise. See chart.h.
 */
#include <math.h>
#include <stdlib.h>

#include "chart.h"

#include "stream/char_width.h"

struct cell {
    unsigned char dots;   /* of braille */
    unsigned char series; /* the one that drew it last, from 1; 0: nobody */
};

struct canvas {
    struct cell *cells;
    unsigned width, height; /* cells */
    unsigned across, down;  /* dots in a cell */
    bool braille;
    struct axis x, y;
    const struct look *look;
};

static const char letters[] = "*o+x#@%&";
static const char *const signs[] = {"●", "▲", "■", "◆", "○", "△", "□", "◇"};

static void put_dot(struct canvas *c, long x, long y, size_t series) {
    static const unsigned char bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= (long)(c->width * c->across) || y >= (long)(c->height * c->down)) return;
    struct cell *at = &c->cells[(size_t)y / c->down * c->width + (size_t)x / c->across];
    at->series = (unsigned char)(series % 255 + 1);
    if (c->braille) at->dots |= bit[y % 4][x % 2];
}

/* J. E. Bresenham, "Algorithm for computer control of a digital plotter", 1965. */
static void put_line(struct canvas *c, long x0, long y0, long x1, long y1, size_t series) {
    long dx = labs(x1 - x0), dy = -labs(y1 - y0), sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1, off = dx + dy;
    for (;;) {
        put_dot(c, x0, y0, series);
        if (x0 == x1 && y0 == y1) return;
        long twice = 2 * off;
        if (twice >= dy) {
            off += dy;
            x0 += sx;
        }
        if (twice <= dx) {
            off += dx;
            y0 += sy;
        }
    }
}

static long place(double v, const struct axis *a, unsigned dots) {
    return lround((v - a->min) / (a->max - a->min) * (dots - 1));
}

static void put_series(struct canvas *c, const struct series *s, size_t which) {
    unsigned dots = c->height * c->down;
    long x = 0, y = 0;
    for (size_t i = 0; i < s->count; i++) {
        long to_x = place(s->x[i], &c->x, c->width * c->across);
        long to_y = (long)dots - 1 - place(s->y[i], &c->y, dots);
        put_line(c, i ? x : to_x, i ? y : to_y, to_x, to_y, which);
        x = to_x;
        y = to_y;
    }
}

/* ---- text ---- */

/* Colours change between cells, not for each. */
static int append_cell(const struct canvas *c, const struct cell *cell, unsigned char *colored, struct buf *out) {
    size_t which = cell->series - 1u;
    int g = 0;
    if (cell->series != *colored) {
        if (*colored) g = color_end(c->look, out);
        if (g == 0 && cell->series) g = color_begin(c->look, which, out);
        *colored = cell->series;
    }
    if (g < 0) return g;
    if (!cell->series) return buf_putc(out, ' ');
    if (c->braille) {
        const char text[3] = {(char)0xe2, (char)(0xa0 | cell->dots >> 6), (char)(0x80 | (cell->dots & 0x3f))};
        return buf_append(out, text, 3);
    }
    return c->look->ascii ? buf_putc(out, letters[which % 8]) : buf_puts(out, signs[which % 8]);
}

static int append_cells(const struct canvas *c, unsigned row, struct buf *out) {
    const struct cell *cells = &c->cells[(size_t)row * c->width];
    unsigned char colored = 0;
    unsigned used = c->width;
    int g = 0;
    while (used > 0 && !cells[used - 1].series) used--;
    for (unsigned x = 0; g == 0 && x < used; x++) g = append_cell(c, &cells[x], &colored, out);
    return g == 0 && colored ? color_end(c->look, out) : g;
}

static int append_spaces(struct buf *out, size_t n) {
    int g = 0;
    while (g == 0 && n--) g = buf_putc(out, ' ');
    return g;
}

static unsigned labels_width(const struct axis *a) {
    size_t width = 0;
    for (size_t i = 0; i < a->count; i++)
        if (strlen(a->ticks[i].text) > width) width = strlen(a->ticks[i].text);
    return (unsigned)width;
}

static const struct tick *tick_of_row(const struct canvas *c, unsigned row) {
    for (size_t i = 0; i < c->y.count; i++)
        if ((long)(c->height - 1 - row) == place(c->y.ticks[i].at, &c->y, c->height)) return &c->y.ticks[i];
    return NULL;
}

static int append_rows(const struct canvas *c, unsigned margin, struct buf *out) {
    bool ascii = c->look->ascii;
    int g = 0;
    for (unsigned row = 0; g == 0 && row < c->height; row++) {
        const struct tick *t = tick_of_row(c, row);
        g = append_spaces(out, margin - (t ? strlen(t->text) : 0));
        if (g == 0 && t) g = buf_puts(out, t->text);
        if (g == 0) g = buf_puts(out, ascii ? (t ? " +" : " |") : (t ? " ┤" : " │"));
        if (g == 0) g = append_cells(c, row, out);
        if (g == 0) g = buf_putc(out, '\n');
    }
    return g;
}

/* The axis below, and the texts of its ticks where they do not touch. */
static int append_x_axis(const struct canvas *c, unsigned margin, struct buf *out) {
    bool ascii = c->look->ascii;
    struct buf line = {0};
    int g = append_spaces(out, margin + 1);
    if (g == 0) g = buf_puts(out, ascii ? "+" : "└");
    size_t at = 0, written = 0;
    for (unsigned x = 0; g == 0 && x < c->width; x++) {
        while (at < c->x.count && place(c->x.ticks[at].at, &c->x, c->width) < (long)x) at++;
        bool tick = at < c->x.count && place(c->x.ticks[at].at, &c->x, c->width) == (long)x;
        g = buf_puts(out, ascii ? (tick ? "+" : "-") : (tick ? "┬" : "─"));
        size_t size = tick ? strlen(c->x.ticks[at].text) : 0;
        size_t from = tick ? margin + 2 + x - (size / 2 < margin + 2 + x ? size / 2 : 0) : 0;
        if (!tick || from < written || from + size > margin + 2 + c->width) continue;
        if (g == 0) g = append_spaces(&line, from - line.len);
        if (g == 0) g = buf_puts(&line, c->x.ticks[at].text);
        written = from + size + 2;
    }
    if (g == 0) g = buf_putc(out, '\n');
    if (g == 0 && line.len) g = buf_append(out, line.data, line.len);
    if (g == 0 && line.len) g = buf_putc(out, '\n');
    buf_release(&line);
    return g;
}

static int append_legend(const struct canvas *c, const struct chart_data *d, struct buf *out) {
    size_t used = 0;
    int g = 0;
    if (d->count == 1 && d->series[0].name_size == 0) return 0;
    for (size_t i = 0; g == 0 && i < d->count; i++) {
        const struct series *s = d->by_name[i];
        size_t which = (size_t)(s - d->series);
        size_t shown, n = text_fit(s->name, s->name_size, c->look->width > 8 ? c->look->width - 6 : 2, &shown);
        if (used && used + shown + 5 > c->look->width) {
            g = buf_putc(out, '\n');
            used = 0;
        }
        if (g == 0) g = buf_puts(out, used ? "   " : " ");
        if (g == 0) g = color_begin(c->look, which, out);
        if (g == 0 && c->look->ascii) g = buf_putc(out, letters[which % 8]);
        if (g == 0 && !c->look->ascii) g = buf_puts(out, c->braille ? "━" : signs[which % 8]);
        if (g == 0) g = color_end(c->look, out);
        if (g == 0) g = buf_putc(out, ' ');
        if (g == 0) g = buf_append(out, s->name, n);
        used += shown + 5;
    }
    return g == 0 ? buf_putc(out, '\n') : g;
}

int draw_lines(const struct chart_data *d, const struct look *look, struct buf *out) {
    struct canvas c = {.look = look, .braille = !look->ascii && (look->color || d->count <= 1)};
    struct extent e;
    int g = title_and_rest(d, look, false, out);
    if (g < 0 || !data_extent(d, &e)) return g;
    c.across = c.braille ? 2 : 1;
    c.down = c.braille ? 4 : 1;
    c.height = look->height > 4 ? look->height - 2 : 3;
    axis_numbers(&c.y, e.y_min > 0 && e.y_min < e.y_max / 2 ? 0 : e.y_min, e.y_max, c.height / 3 ? c.height / 3 : 1,
                 false);
    unsigned margin = labels_width(&c.y);
    c.width = look->width > margin + 12 ? look->width - margin - 2 : 10;
    if (d->x_is_time)
        axis_times(&c.x, e.x_min, e.x_max, c.width / 14, look->zone);
    else
        axis_numbers(&c.x, e.x_min, e.x_max, c.width / 12, true);
    if (!(c.cells = calloc((size_t)c.width * c.height, sizeof *c.cells))) return G_NOMEM;
    for (size_t i = d->count; i-- > 0;) put_series(&c, &d->series[i], i); /* the first on top */
    g = append_rows(&c, margin, out);
    if (g == 0) g = append_x_axis(&c, margin, out);
    if (g == 0) g = append_legend(&c, d, out);
    free(c.cells);
    return g == 0 ? title_and_rest(d, look, true, out) : g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A line of text for each series: its latest number as a bar, or its points as a small line. See chart.h. */
#include <math.h>
#include <stdio.h>

#include "chart.h"

#include "stream/char_width.h"
#include "json/double.h"

/* M. Okabe and K. Ito's colours; of the terminal's 256 the nearest. */
const char *const color_svg[COLORS] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                       "#56b4e9", "#d55e00", "#000000", "#999999"};
const unsigned char color_terminal[COLORS] = {32, 214, 36, 175, 117, 166, 220, 246};

int color_begin(const struct look *look, size_t series, struct buf *out) {
    return look->color ? buf_printf(out, "\033[38;5;%dm", color_terminal[series % COLORS]) : 0;
}

int color_end(const struct look *look, struct buf *out) {
    return look->color ? buf_puts(out, "\033[0m") : 0;
}

int title_and_rest(const struct chart_data *d, const struct look *look, bool behind, struct buf *out) {
    if (!behind) return look->title ? buf_printf(out, "%s\n", look->title) : 0;
    return d->left_out ? buf_printf(out, "%llu more records are of groups that are not drawn (--series)\n",
                                    (unsigned long long)d->left_out)
                       : 0;
}

static size_t names_width(const struct chart_data *d, const struct look *look) {
    size_t width = 0;
    for (size_t i = 0; i < d->count; i++) {
        size_t n = text_width(d->series[i].name, d->series[i].name_size);
        if (n > width) width = n;
    }
    return width < look->width / 3 ? width : look->width / 3;
}

static int append_name(const struct series *s, size_t width, struct buf *out) {
    size_t used, n = text_fit(s->name, s->name_size, width, &used);
    int g = buf_append(out, s->name, n);
    for (; g == 0 && used < width + (width ? 1 : 0); used++) g = buf_putc(out, ' ');
    return g;
}

/* As JSON writes it: that is what came in. */
static size_t number_as_it_came(char out[JSON_DOUBLE_MAX], double v) {
    return json_double_write(v, out);
}

static size_t values_width(const struct chart_data *d) {
    char text[JSON_DOUBLE_MAX];
    size_t width = 0;
    for (size_t i = 0; i < d->count; i++) {
        size_t n = number_as_it_came(text, d->series[i].last);
        if (n > width) width = n;
    }
    return width;
}

/* What stands behind a series' name and latest number, in so many columns. `most` of all latest numbers. */
typedef int append_drawing(const struct look *look, const struct series *s, size_t which, size_t room, double most,
                           struct buf *out);

static int draw_rows(const struct chart_data *d, const struct look *look, append_drawing *append, struct buf *out) {
    char text[JSON_DOUBLE_MAX];
    size_t names = names_width(d, look), values = values_width(d);
    size_t room = look->width > names + values + 12 ? look->width - names - values - 3 : 10;
    double most = 0;
    for (size_t i = 0; i < d->count; i++)
        if (fabs(d->series[i].last) > most) most = fabs(d->series[i].last);
    int g = title_and_rest(d, look, false, out);
    for (size_t i = 0; g == 0 && i < d->count; i++) {
        const struct series *s = d->by_name[i];
        size_t n = number_as_it_came(text, s->last);
        g = append_name(s, names, out);
        for (size_t k = n; g == 0 && k < values; k++) g = buf_putc(out, ' ');
        if (g == 0) g = buf_append(out, text, n);
        if (g == 0) g = buf_putc(out, ' ');
        if (g == 0) g = append(look, s, (size_t)(s - d->series), room, most, out);
        if (g == 0) g = buf_putc(out, '\n');
    }
    return g == 0 ? title_and_rest(d, look, true, out) : g;
}

/* ---- bars ---- */

static int append_bar(const struct look *look, const struct series *s, size_t which, size_t room, double most,
                      struct buf *out) {
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (most <= 0) return 0;
    unsigned eighths = (unsigned)lround(fabs(s->last / most) * (double)room * 8), i;
    int g = color_begin(look, which, out);
    for (i = 0; g == 0 && i < eighths / 8; i++) g = buf_puts(out, look->ascii ? "#" : "█");
    if (g == 0 && !look->ascii) g = buf_puts(out, eighth[eighths % 8]);
    return g == 0 ? color_end(look, out) : g;
}

int draw_bars(const struct chart_data *d, const struct look *look, struct buf *out) {
    return draw_rows(d, look, append_bar, out);
}

/* ---- small lines ---- */

/* The points in so many columns: the last of those that share one. */
static size_t columns_of(const struct series *s, double *y, size_t room) {
    size_t n = s->count < room ? s->count : room;
    for (size_t i = 0; i < n; i++) y[i] = s->y[(i + 1) * s->count / n - 1];
    return n;
}

static int append_spark(const struct look *look, const struct series *s, size_t which, size_t room, double all,
                        struct buf *out) {
    static const char *const level[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char ascii[] = "_.-=+*%#";
    double y[1024], least = INFINITY, most = -INFINITY;
    size_t n = columns_of(s, y, room < 1024 ? room : 1024);
    (void)all; /* each has a scale of its own */
    for (size_t i = 0; i < n; i++) {
        if (y[i] < least) least = y[i];
        if (y[i] > most) most = y[i];
    }
    int g = color_begin(look, which, out);
    for (size_t i = 0; g == 0 && i < n; i++) {
        int at = most > least ? (int)((y[i] - least) / (most - least) * 7.999) : 3;
        g = look->ascii ? buf_putc(out, ascii[at]) : buf_puts(out, level[at]);
    }
    return g == 0 ? color_end(look, out) : g;
}

int draw_sparks(const struct chart_data *d, const struct look *look, struct buf *out) {
    return draw_rows(d, look, append_spark, out);
}

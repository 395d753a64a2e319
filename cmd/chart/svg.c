/* SPDX-License-Identifier: Apache-2.0 */
/* The chart as SVG 1.1: lines, or bars of the latest numbers. No fonts, scripts or styles from elsewhere. See chart.h.
 */
#include <math.h>

#include "chart.h"

#include "json/double.h"

enum { LEFT = 70, RIGHT = 20, TOP = 40, BOTTOM = 40, LINE = 18 };

struct drawing {
    const struct chart_data *data;
    struct buf *out;
    double width, height; /* of the plot */
    struct axis x, y;
};

/* What XML allows: no control characters but these, and none of its own signs. */
static int append_text(struct buf *out, const char *p, size_t n) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '<')
            g = buf_puts(out, "&lt;");
        else if (c == '&')
            g = buf_puts(out, "&amp;");
        else if (c == '"')
            g = buf_puts(out, "&quot;");
        else
            g = buf_putc(out, c < 0x20 ? ' ' : (char)c);
    }
    return g;
}

static int begin(const struct drawing *d, const struct look *look, double height) {
    int g = buf_printf(d->out,
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f "
                       "%.0f\" font-family=\"sans-serif\" font-size=\"12\">\n"
                       "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                       d->width + LEFT + RIGHT, height, d->width + LEFT + RIGHT, height);
    if (g < 0 || !look->title) return g;
    g = buf_printf(d->out, "<text x=\"%d\" y=\"22\" font-size=\"15\">", LEFT);
    if (g == 0) g = append_text(d->out, look->title, strlen(look->title));
    return g == 0 ? buf_puts(d->out, "</text>\n") : g;
}

static double place(double v, const struct axis *a, double size) {
    return (v - a->min) / (a->max - a->min) * size;
}

static int append_axes(const struct drawing *d) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < d->y.count; i++) {
        double y = TOP + d->height - place(d->y.ticks[i].at, &d->y, d->height);
        g = buf_printf(d->out,
                       "<path d=\"M%d %.2fh%.2f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.2f\" "
                       "text-anchor=\"end\">%s</text>\n",
                       LEFT, y, d->width, LEFT - 6, y + 4, d->y.ticks[i].text);
    }
    for (size_t i = 0; g == 0 && i < d->x.count; i++) {
        double x = LEFT + place(d->x.ticks[i].at, &d->x, d->width);
        g = buf_printf(d->out,
                       "<path d=\"M%.2f %.2fv5\" stroke=\"#000\"/><text x=\"%.2f\" y=\"%.2f\" "
                       "text-anchor=\"middle\">%s</text>\n",
                       x, TOP + d->height, x, TOP + d->height + 18, d->x.ticks[i].text);
    }
    return g == 0 ? buf_printf(d->out, "<path d=\"M%d %d v%.2f h%.2f\" fill=\"none\" stroke=\"#000\"/>\n", LEFT, TOP,
                               d->height, d->width)
                  : g;
}

static int append_line(const struct drawing *d, const struct series *s, size_t which) {
    int g = buf_puts(d->out, "<polyline fill=\"none\" stroke-width=\"1.5\" points=\"");
    for (size_t i = 0; g == 0 && i < s->count; i++)
        g = buf_printf(d->out, "%s%.2f,%.2f", i ? " " : "", LEFT + place(s->x[i], &d->x, d->width),
                       TOP + d->height - place(s->y[i], &d->y, d->height));
    if (g == 0) g = buf_printf(d->out, "\" stroke=\"%s\"/>\n", color_svg[which % COLORS]);
    if (g < 0 || s->count != 1) return g;
    return buf_printf(d->out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"3\" fill=\"%s\"/>\n",
                      LEFT + place(s->x[0], &d->x, d->width), TOP + d->height - place(s->y[0], &d->y, d->height),
                      color_svg[which % COLORS]);
}

static int append_legend(const struct drawing *d) {
    double y = TOP + d->height + BOTTOM;
    int g = 0;
    if (d->data->count == 1 && d->data->series[0].name_size == 0) return 0;
    for (size_t i = 0; g == 0 && i < d->data->count; i++, y += LINE) {
        const struct series *s = d->data->by_name[i];
        g = buf_printf(d->out,
                       "<rect x=\"%d\" y=\"%.2f\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"%.2f\">",
                       LEFT, y, color_svg[(size_t)(s - d->data->series) % COLORS], LEFT + LINE, y + 10);
        if (g == 0) g = append_text(d->out, s->name, s->name_size);
        if (g == 0) g = buf_puts(d->out, "</text>\n");
    }
    return g;
}

static int svg_lines(struct drawing *d, const struct look *look) {
    struct extent e;
    if (!data_extent(d->data, &e)) return 0;
    axis_numbers(&d->y, e.y_min > 0 && e.y_min < e.y_max / 2 ? 0 : e.y_min, e.y_max, 6, false);
    if (d->data->x_is_time)
        axis_times(&d->x, e.x_min, e.x_max, 8, look->zone);
    else
        axis_numbers(&d->x, e.x_min, e.x_max, 8, true);
    int g = begin(d, look, TOP + d->height + BOTTOM + (double)(d->data->count * LINE));
    if (g == 0) g = append_axes(d);
    for (size_t i = 0; g == 0 && i < d->data->count; i++) g = append_line(d, &d->data->series[i], i);
    return g == 0 ? append_legend(d) : g;
}

static int svg_bars(struct drawing *d, const struct look *look) {
    char text[JSON_DOUBLE_MAX];
    double most = 0, y = TOP;
    for (size_t i = 0; i < d->data->count; i++)
        if (fabs(d->data->series[i].last) > most) most = fabs(d->data->series[i].last);
    int g = begin(d, look, TOP + (double)(d->data->count * 2 * LINE) + LINE);
    for (size_t i = 0; g == 0 && i < d->data->count; i++, y += 2 * LINE) {
        const struct series *s = d->data->by_name[i];
        double size = most > 0 ? fabs(s->last) / most * (d->width - 60) : 0;
        g = buf_printf(d->out, "<text x=\"%d\" y=\"%.2f\">", LEFT, y);
        if (g == 0) g = append_text(d->out, s->name, s->name_size);
        if (g == 0)
            g = buf_printf(
                d->out,
                "</text><rect x=\"%d\" y=\"%.2f\" width=\"%.2f\" height=\"12\" fill=\"%s\"/><text x=\"%.2f\" "
                "y=\"%.2f\">%.*s</text>\n",
                LEFT, y + 4, size, color_svg[(size_t)(s - d->data->series) % COLORS], LEFT + size + 6, y + 14,
                (int)json_double_write(s->last, text), text);
    }
    return g;
}

int draw_svg(const struct chart_data *data, const struct look *look, bool bars, struct buf *out) {
    struct drawing d = {.data = data, .out = out, .width = look->width * 8.0, .height = look->height * 16.0};
    int g = bars ? svg_bars(&d, look) : svg_lines(&d, look);
    return g == 0 ? buf_puts(out, "</svg>\n") : g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record whole, for people:
 *
 *     clicks/3@1042
 *     time     2026-01-01T00:00:00Z
 *     key      u1
 *     header   via: web
 *     value    JSON, 9 bytes
 *     {
 *       "ms": 12
 *     }
 *
 * Binary values are dumped in hexadecimal. All text is made safe, whether it goes to a terminal or not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/safe.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "show.h"

struct whole {
    bool color;
    struct text_out *value;
};

int whole_open(struct whole **ret, bool color, struct err *e) {
    struct text_out_config config = {.format = OUT_PRETTY, .color = color, .safe = true};
    struct whole *w = calloc(1, sizeof *w);
    if (!w) return err_nomem(e);
    w->color = color;
    int g = text_out_open(&w->value, &config, e);
    if (g < 0) {
        whole_free(w);
        return g;
    }
    *ret = w;
    return 0;
}

void whole_free(struct whole *w) {
    if (!w) return;
    text_out_free(w->value);
    free(w);
}

static int put_label(const struct whole *w, const char *label, struct buf *out) {
    return w->color ? buf_printf(out, "\x1b[1m%-8s\x1b[0m ", label) : buf_printf(out, "%-8s ", label);
}

static int put_place(const struct whole *w, const struct record *r, const struct record_origin *from, struct buf *out) {
    if (w->color && buf_puts(out, "\x1b[1;36m") < 0) return G_NOMEM;
    if (from->topic && safe_append(out, from->topic, strlen(from->topic), 0) < 0) return G_NOMEM;
    if (from->topic && buf_printf(out, "/%u", from->partition) < 0) return G_NOMEM;
    if (buf_printf(out, "@%" PRIu64, r->offset) < 0) return G_NOMEM;
    return buf_puts(out, w->color ? "\x1b[0m\n" : "\n");
}

static int put_time(const struct whole *w, const struct record *r, struct buf *out) {
    char text[TIME_TEXT_MAX] = "none";
    if (r->time != NO_TIME) (void)time_format_rfc3339(r->time, text);
    return put_label(w, "time", out) < 0 ? G_NOMEM : buf_printf(out, "%s\n", text);
}

/* Text made safe, or bytes in hexadecimal. */
static int put_bytes(const char *p, size_t n, struct buf *out) {
    static const char digits[] = "0123456789abcdef";
    if (utf8_validate(p, n) == n) return safe_append(out, p, n, 0);
    if (buf_puts(out, "hex ") < 0 || buf_reserve(out, 2 * n) < 0) return G_NOMEM;
    for (size_t i = 0; i < n; i++) {
        buf_putc_fast(out, digits[(unsigned char)p[i] >> 4]);
        buf_putc_fast(out, digits[p[i] & 15]);
    }
    return 0;
}

static int put_key(const struct whole *w, const struct record *r, struct buf *out) {
    if (put_label(w, "key", out) < 0) return G_NOMEM;
    if (!r->has_key) return buf_puts(out, "none\n");
    if (r->key_size == 0) return buf_puts(out, "empty\n");
    return put_bytes(r->key, r->key_size, out) < 0 ? G_NOMEM : buf_putc(out, '\n');
}

static int put_headers(const struct whole *w, const struct record *r, struct buf *out) {
    struct header_view h;
    for (size_t at = 0; record_header_next(r->headers, r->headers_size, &at, &h);) {
        if (put_label(w, "header", out) < 0 || put_bytes(h.name, h.name_size, out) < 0 || buf_puts(out, ": ") < 0 ||
            put_bytes(h.value, h.value_size, out) < 0 || buf_putc(out, '\n') < 0)
            return G_NOMEM;
    }
    return 0;
}

static int put_kind(const struct whole *w, const struct record *r, struct buf *out) {
    if (put_label(w, "value", out) < 0) return G_NOMEM;
    if (r->value_type == VALUE_NONE) return buf_puts(out, "none: a tombstone\n");
    const char *kind = r->value_type == VALUE_JSON ? "JSON" : "binary";
    return buf_printf(out, "%s, %zu byte%s\n", kind, r->value_size, r->value_size == 1 ? "" : "s");
}

int whole_record(struct whole *w, const struct record *r, const struct record_origin *from, struct buf *out,
                 struct err *e) {
    if (put_place(w, r, from, out) < 0 || put_time(w, r, out) < 0 || put_key(w, r, out) < 0 ||
        put_headers(w, r, out) < 0 || put_kind(w, r, out) < 0)
        return err_nomem(e);
    if (r->value_size > 0) {
        int g = text_out_record(w->value, r, from, out, e);
        if (g < 0) return g;
    }
    return buf_putc(out, '\n') < 0 ? err_nomem(e) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Letters. See letter.h. */
#include "stream/letter.h"

#include "base/timefmt.h"
#include "sys/sys.h"

static int add_text(struct buf *headers, const char *name, const char *text, struct err *e) {
    return record_header_append(headers, name, strlen(name), text, strlen(text), e);
}

static int add_headers(struct buf *headers, const struct stage *s, const struct letter *l, const char *own,
                       size_t own_size, struct err *e) {
    char now[TIME_TEXT_MAX];
    time_format_rfc3339(sys.wall_ns(), now);
    if (own_size && buf_append(headers, own, own_size) < 0) return err_nomem(e);
    int g = 0;
    for (size_t i = 0; g == 0 && i < l->more_count; i++) g = add_text(headers, l->more[i].name, l->more[i].text, e);
    if (g == 0) g = add_text(headers, "leat.error", l->why, e);
    if (g == 0) g = add_text(headers, "leat.tool", s->config->tool, e);
    if (g == 0) g = add_text(headers, "leat.source", l->where, e);
    if (g == 0) g = add_text(headers, "leat.time", now, e);
    return g;
}

int letter_put(struct stage *s, const struct letter *l, const struct record *r, struct err *e) {
    static const struct block_header derived = {.flags = 0};
    struct buf headers = {0};
    struct record letter = *r;
    int g = add_headers(&headers, s, l, r->headers, r->headers_size, e);
    if (g < 0) { /* no room beside the record's own headers: those of the letter matter more */
        buf_clear(&headers);
        g = add_headers(&headers, s, l, "", 0, e);
    }
    letter.headers = headers.data;
    letter.headers_size = headers.len;
    if (g == 0) g = sink_put(l->to, &derived, &letter, e);
    buf_release(&headers);
    return g < 0 ? err_prefix(e, "letter for %s '%s': ", l->what, l->where) : 0;
}

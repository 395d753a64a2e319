/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters. See deadletter.h. */
#include "stream/deadletter.h"

#include "base/timefmt.h"
#include "sys/sys.h"

static int add_text(struct buf *headers, const char *name, const char *text, struct err *e) {
    return record_header_append(headers, name, strlen(name), text, strlen(text), e);
}

static int add_headers(struct buf *headers, const struct stage *s, const struct record *r, const char *where,
                       const struct err *why, struct err *e) {
    char now[TIME_TEXT_MAX];
    time_format_rfc3339(sys.wall_ns(), now);
    int g = 0;
    if (!s->text && buf_append(headers, r->headers, r->headers_size) < 0) return err_nomem(e);
    g = add_text(headers, "leat.error", why->text, e);
    if (g == 0) g = add_text(headers, "leat.tool", s->config->tool, e);
    if (g == 0) g = add_text(headers, "leat.source", where, e);
    if (g == 0) g = add_text(headers, "leat.time", now, e);
    return g;
}

int deadletter_put(struct stage *s, const struct record *r, const char *where, const struct err *why, struct err *e) {
    static const struct block_header derived = {0};
    struct buf headers = {0};
    struct record letter = *r;
    int g = add_headers(&headers, s, r, where, why, e);
    if (g < 0) { /* no room beside the record's own headers: those of the letter matter more */
        buf_clear(&headers);
        struct record bare = *r;
        bare.headers_size = 0;
        g = add_headers(&headers, s, &bare, where, why, e);
    }
    if (s->text) { /* the line as it came in, whether or not a record could be made of it */
        letter = (struct record){.time = NO_TIME, .value_type = VALUE_BYTES};
        letter.value = text_in_raw(s->text, &letter.value_size);
    }
    letter.headers = headers.data;
    letter.headers_size = headers.len;
    if (g == 0) g = sink_put(s->config->dead_letter, &derived, &letter, e);
    buf_release(&headers);
    return g < 0 ? err_prefix(e, "dead letter for record '%s': ", where) : 0;
}

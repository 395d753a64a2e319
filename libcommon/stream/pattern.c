/* SPDX-License-Identifier: Apache-2.0 */
/* Output patterns: text to operations, and running them. See pattern.h. */
#include "stream/pattern.h"

#include <stdlib.h>

#include "base/number.h"
#include "base/safe.h"
#include "base/timefmt.h"
#include "stream/text_out_value.h"

/* `what` is the letter behind the percent sign, or 0 for a run of plain text. */
struct op {
    char what;
    size_t at, size; /* of the run, in `text` */
};

struct pattern {
    struct op *ops;
    size_t n;
    struct buf text;
};

static int unknown(const char *text, const char *at, struct err *e) {
    int size = at[1] == '\0' ? 1 : 2;
    return err_set(e, G_USAGE, "unknown escape '%.*s' at position %zu of the format '%s'", size, at,
                   (size_t)(at - text) + 1, text);
}

/* The backslash escape at p: its byte in *ret, and where it ends; NULL when it is none. */
static const char *read_backslash(const char *p, char *ret) {
    static const char letters[] = "nrt\\", bytes[] = "\n\r\t\\";
    if (p[1] == 'x') {
        int high = number_hex_digit(p[2]), low = high < 0 ? -1 : number_hex_digit(p[3]);
        if (low < 0) return NULL;
        *ret = (char)(high << 4 | low);
        return p + 4;
    }
    const char *letter = p[1] ? strchr(letters, p[1]) : NULL;
    if (!letter) return NULL;
    *ret = bytes[letter - letters];
    return p + 2;
}

static int add_plain(struct pattern *p, char c) {
    struct op *last = p->n > 0 ? &p->ops[p->n - 1] : NULL;
    if (!last || last->what) p->ops[p->n++] = (struct op){.at = p->text.len};
    p->ops[p->n - 1].size++;
    return buf_putc(&p->text, c);
}

static int compile(struct pattern *p, const char *text, struct err *e) {
    for (const char *s = text; *s;) {
        char plain = *s;
        const char *next = s + 1;
        if (*s == '%' && s[1] != '%') {
            if (s[1] == '\0' || !strchr("sSRkKTDhtpo", s[1])) return unknown(text, s, e);
            p->ops[p->n++] = (struct op){.what = s[1]};
            s += 2;
            continue;
        }
        if (*s == '%') next++;
        if (*s == '\\') next = read_backslash(s, &plain);
        if (!next) return unknown(text, s, e);
        if (add_plain(p, plain) < 0) return err_nomem(e);
        s = next;
    }
    return 0;
}

int pattern_compile(struct pattern **ret, const char *text, struct err *e) {
    struct pattern *p = calloc(1, sizeof(*p));
    if (!p) return err_nomem(e);
    /* There are no more operations than characters. */
    p->ops = calloc(strlen(text) + 1, sizeof(*p->ops));
    int rc = p->ops ? compile(p, text, e) : err_nomem(e);
    if (rc < 0) {
        pattern_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void pattern_free(struct pattern *p) {
    if (!p) return;
    free(p->ops);
    buf_release(&p->text);
    free(p);
}

static int append_data(struct buf *out, const char *p, size_t n, bool safe, bool json) {
    return text_out_append(out, p, n, safe, SAFE_NEWLINE | SAFE_TAB | (json ? SAFE_JSON : 0U));
}

static int append_headers(struct buf *out, const struct record *r, bool safe) {
    struct header_view h;
    bool first = true;
    for (size_t at = 0; record_header_next(r->headers, r->headers_size, &at, &h); first = false) {
        if (!first && buf_putc(out, ',') < 0) return G_NOMEM;
        if (append_data(out, h.name, h.name_size, safe, false) < 0 || buf_putc(out, '=') < 0 ||
            append_data(out, h.value, h.value_size, safe, false) < 0)
            return G_NOMEM;
    }
    return 0;
}

static int append_size_binary(struct buf *out, const struct record *r) {
    uint32_t size = htobe32(r->value_type == VALUE_NONE ? UINT32_MAX : (uint32_t)r->value_size);
    return buf_append(out, &size, sizeof(size));
}

static int append_time(struct buf *out, int64_t time) {
    char text[TIME_TEXT_MAX];
    return time == NO_TIME ? 0 : buf_append(out, text, time_format_rfc3339(time, text));
}

static int append_op(char what, const struct record *r, const struct record_origin *from, bool safe, struct buf *out) {
    switch (what) {
    case 's': return append_data(out, r->value, r->value_size, safe, r->value_type == VALUE_JSON);
    case 'S': return number_append_i64(out, r->value_type == VALUE_NONE ? -1 : (int64_t)r->value_size);
    case 'R': return append_size_binary(out, r);
    case 'k': return r->has_key ? append_data(out, r->key, r->key_size, safe, false) : 0;
    case 'K': return number_append_i64(out, r->has_key ? (int64_t)r->key_size : -1);
    case 'T': return number_append_i64(out, ms_floor(r->time));
    case 'D': return append_time(out, r->time);
    case 'h': return append_headers(out, r, safe);
    case 't': return from->topic ? append_data(out, from->topic, strlen(from->topic), safe, false) : 0;
    case 'p': return number_append_u64(out, from->partition);
    default: return number_append_u64(out, r->offset); /* 'o' */
    }
}

int pattern_append(const struct pattern *p, const struct record *r, const struct record_origin *from, bool safe,
                   struct buf *out) {
    for (size_t i = 0; i < p->n; i++) {
        const struct op *op = &p->ops[i];
        int rc = op->what ? append_op(op->what, r, from, safe, out) : buf_append(out, p->text.data + op->at, op->size);
        if (rc < 0) return rc;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a text reader, the cutting of lines, and what a line becomes. See text_in.h. */
#include "stream/text_in.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/utf8.h"
#include "stream/text_in_impl.h"
#include "json/text.h"

/* An envelope's line may be this much longer than its record: six bytes for a byte (\u0000), and its other members. */
#define ENVELOPE_GROWTH 6u
#define ENVELOPE_EXTRA_BYTES (1u << 20)

#define AHEAD_BYTES (256u << 10) /* of whole lines that a read must bring to be worth a second thread */
#define AHEAD_READS 3            /* such reads before it is started */

static bool is_csv(enum in_format f) {
    return f == IN_CSV || f == IN_TSV;
}

static int open_parts(struct text_in *t, struct err *e) {
    const struct json_limits limits = {.max_depth = t->config.json_depth};
    int g = json_validator_init(&t->json, &limits);
    if (g == 0 && t->config.format == IN_ENVELOPE) g = envelope_in_init(&t->envelope, &limits);
    if (g == G_IO) return err_set(e, G_IO, "the system gives no random numbers");
    if (g < 0) return err_nomem(e);
    if (is_csv(t->config.format)) csv_init(&t->csv, t->config.format == IN_TSV ? '\t' : ',', t->config.infer);
    return 0;
}

int text_in_open(struct text_in **ret, struct inbuf *in, const struct text_in_config *config, struct err *e) {
    if (config->format == IN_DETECT || config->format == IN_BLOCKS)
        return err_set(e, G_BUG, "a text reader for a format that is no text");
    struct text_in *t = calloc(1, sizeof *t);
    if (!t) return err_nomem(e);
    t->in = in;
    t->config = *config;
    t->line_limit = config->record_limit;
    t->next_line = 1;
    if (config->format == IN_ENVELOPE) t->line_limit = t->line_limit * ENVELOPE_GROWTH + ENVELOPE_EXTRA_BYTES;
    if (config->kind == KIND_DEFAULT) t->config.kind = config->format == IN_LINES ? KIND_TEXT : KIND_BYTES;
    const char *lf = memrchr(inbuf_here(in), '\n', inbuf_left(in));
    if (lf) t->lf_end = in->position + (uint64_t)(lf - in->data) + 1;
    int g = open_parts(t, e);
    if (g < 0) {
        text_in_free(t);
        return g;
    }
    *ret = t;
    return 0;
}

void text_in_free(struct text_in *t) {
    if (!t) return;
    ahead_free(t->ahead);
    json_validator_release(&t->json);
    envelope_in_release(&t->envelope);
    csv_release(&t->csv);
    buf_release(&t->scratch);
    free(t);
}

void text_in_restart(struct text_in *t) {
    ahead_rest(t->ahead);
    t->in->at += t->current;
    t->current = t->scanned = 0;
    t->line = 0;
    t->next_line = 1;
    t->raw_size = 0;
    t->skipping = t->bom_passed = false;
    t->skip_left = 0;
    err_clear(&t->ended);
    t->scan = (struct csv_scan){0};
    if (is_csv(t->config.format)) csv_restart(&t->csv);
}

/* A flood of JSON lines is validated by two. Followed files are not: their buffer is started over behind our back. */
static void look_ahead(struct text_in *t, const char *end) {
    const struct inbuf *in = t->in;
    if (t->config.format != IN_JSON || in->follow || end - inbuf_here(in) < (ptrdiff_t)AHEAD_BYTES) return;
    if (!t->ahead && ++t->large_reads == AHEAD_READS) {
        const struct json_limits limits = {.max_depth = t->config.json_depth};
        t->ahead = ahead_start(&limits);
    }
    if (t->ahead) ahead_look(t->ahead, inbuf_here(in), (size_t)(end - inbuf_here(in)));
}

int text_in_more(struct text_in *t, struct err *e) {
    struct inbuf *in = t->in;
    if (in->eof && !in->follow) return G_EOF; /* a terminal would ask again */
    ahead_rest(t->ahead);
    uint64_t before = in->position + in->len;
    int g = inbuf_more(in, e);
    if (g == G_EOF) return in->follow ? G_WAIT : G_EOF;
    if (g != 0) return g;
    const char *fresh = in->data + (before - in->position);
    const char *lf = memrchr(fresh, '\n', (size_t)(in->data + in->len - fresh));
    if (lf) t->lf_end = in->position + (uint64_t)(lf - in->data) + 1;
    if (lf) look_ahead(t, lf + 1);
    return 0;
}

/* The end of the input: name the place, and remember it. */
static int end_for_good(struct text_in *t, struct err *e) {
    const char *what = t->config.format == IN_LP ? " record " : "";
    err_prefix(e, "%s:%s%" PRIu64 ": ", t->in->name, what, t->line);
    t->ended = *e;
    return e->grade;
}

void text_in_take(struct text_in *t, size_t skip, size_t raw_size, size_t taken, uint64_t lines) {
    t->raw = inbuf_here(t->in) + skip;
    t->raw_size = raw_size;
    t->current = taken;
    t->scanned = 0;
    t->line = t->next_line;
    t->next_line += lines;
}

int text_in_over_limit(struct text_in *t, const char *what, struct err *e) {
    text_in_take(t, 0, t->line_limit < KEPT_BYTES ? t->line_limit : KEPT_BYTES, t->line_limit, 0);
    t->skipping = true;
    return err_set(e, G_DATA, "%s of more than %zu bytes is over the limit; --max-record raises it", what,
                   t->line_limit);
}

/* Drop bytes up to and with the next LF; nothing of them is kept. */
static int skip_line(struct text_in *t, struct err *e) {
    struct inbuf *in = t->in;
    for (;;) {
        const char *lf = memchr(inbuf_here(in), '\n', inbuf_left(in));
        in->at = lf ? (size_t)(lf - in->data) + 1 : in->len;
        if (lf) break;
        int g = text_in_more(t, e);
        if (g != 0) return g;
    }
    t->skipping = false;
    t->next_line++;
    return 0;
}

/* Cut the next line and take it. 0, G_EOF, G_WAIT, G_DATA for one over the limit, or an error. */
static int cut_line(struct text_in *t, struct err *e) {
    struct inbuf *in = t->in;
    if (t->skipping) {
        int g = skip_line(t, e);
        if (g != 0) return g;
    }
    for (;;) {
        const char *p = inbuf_here(in);
        size_t left = inbuf_left(in);
        const char *lf = memchr(p + t->scanned, '\n', left - t->scanned);
        size_t n = lf ? (size_t)(lf - p) : left;
        if (n > t->line_limit) return text_in_over_limit(t, "line", e);
        if (lf) {
            text_in_take(t, 0, n > 0 && p[n - 1] == '\r' ? n - 1 : n, n + 1, 1);
            return 0;
        }
        t->scanned = left;
        int g = text_in_more(t, e);
        if (g == G_EOF && left > 0) {
            text_in_take(t, 0, left, left, 1);
            return 0;
        }
        if (g != 0) return g;
    }
}

static bool is_blank(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r') return false;
    }
    return true;
}

static int value_json(struct text_in *t, struct record *r, struct err *e) {
    struct json_fault fault;
    bool known = t->ahead && ahead_passed(t->ahead, t->raw, t->raw_size);
    int g = known ? 0 : json_validate(&t->json, t->raw, t->raw_size, &fault);
    if (g == G_DATA) return err_set(e, g, "not JSON: %s at byte %zu", fault.reason, fault.at + 1);
    if (g < 0) return err_nomem(e);
    r->value = t->raw;
    r->value_size = t->raw_size;
    r->value_type = VALUE_JSON;
    return 0;
}

static int value_text(struct text_in *t, struct record *r, struct err *e) {
    buf_clear(&t->scratch);
    int g = json_escape_append(&t->scratch, t->raw, t->raw_size);
    if (g == G_DATA) return err_set(e, g, "not UTF-8 at byte %zu", utf8_validate(t->raw, t->raw_size) + 1);
    if (g < 0) return err_nomem(e);
    r->value = t->scratch.data;
    r->value_size = t->scratch.len;
    r->value_type = VALUE_JSON;
    return 0;
}

int text_in_value(struct text_in *t, enum value_kind kind, struct record *r, struct err *e) {
    if (kind == KIND_JSON) return value_json(t, r, e);
    if (kind == KIND_TEXT) return value_text(t, r, e);
    r->value = t->raw;
    r->value_size = t->raw_size;
    r->value_type = VALUE_BYTES;
    return 0;
}

static int next_line(struct text_in *t, struct record *r, struct err *e) {
    enum in_format f = t->config.format;
    enum value_kind kind = f == IN_LINES ? t->config.kind : KIND_JSON;
    int g;
    do {
        t->in->at += t->current;
        t->current = 0;
        g = cut_line(t, e);
        if (g != 0) return g;
    } while (kind == KIND_JSON && is_blank(t->raw, t->raw_size));
    if (f == IN_ENVELOPE) return envelope_in_parse(&t->envelope, t->raw, t->raw_size, r, e);
    return text_in_value(t, kind, r, e);
}

static int next_record(struct text_in *t, struct record *r, struct err *e) {
    switch (t->config.format) {
    case IN_CSV:
    case IN_TSV: return text_in_next_csv(t, r, e);
    case IN_LP: return text_in_next_lp(t, r, e);
    case IN_JSON:
    case IN_ENVELOPE:
    case IN_LINES: return next_line(t, r, e);
    case IN_DETECT:
    case IN_BLOCKS: break;
    }
    return err_set(e, G_BUG, "a text reader without a format");
}

int text_in_next(struct text_in *t, struct record *r, struct err *e) {
    struct err own;
    if (!e) e = &own;
    if (t->ended.grade != 0) {
        *e = t->ended;
        return e->grade;
    }
    t->in->at += t->current;
    t->current = 0;
    t->raw_size = 0;
    struct record found = {.time = NO_TIME};
    int g = next_record(t, &found, e);
    if (g == 0) g = record_check(&found, t->config.record_limit, e);
    if (g == G_TRUNCATED || g == G_CORRUPT) return end_for_good(t, e);
    if (g == 0) *r = found;
    return g;
}

const char *text_in_raw(const struct text_in *t, size_t *ret_size) {
    *ret_size = t->raw_size;
    return t->raw_size ? t->raw : "";
}

uint64_t text_in_line(const struct text_in *t) {
    return t->line;
}

/* Is there a whole line behind the last record, and not only blank ones where these are passed over? */
static bool has_line(const struct text_in *t, const char *p, const char *end) {
    if (t->config.format != IN_LINES || t->config.kind == KIND_JSON) {
        while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) p++;
    }
    return t->in->position + (uint64_t)(p - t->in->data) < t->lf_end;
}

static bool has_record(const struct text_in *t) {
    const char *p = inbuf_here(t->in) + t->current;
    size_t left = inbuf_left(t->in) - t->current;
    if (t->skipping || t->skip_left > 0) return false;
    if (t->config.format == IN_LP) return left >= 4 && left - 4 >= get_u32_le(p);
    if (!has_line(t, p, p + left)) return false;
    struct csv_scan fresh = {0};
    return !is_csv(t->config.format) || csv_scan(&t->csv, &fresh, p, left);
}

bool text_in_ready(const struct text_in *t) {
    if (t->ended.grade != 0 || has_record(t)) return true;
    if (t->in->eof) return !t->in->follow;
    return !inbuf_would_block(t->in);
}

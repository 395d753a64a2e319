/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a text reader, the cutting of lines, and what a line becomes. See text_in.h. */
#include "stream/text_in.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
    char delimiter = t->config.delimiter ? t->config.delimiter : ',';
    if (t->config.format == IN_CSV) csv_init(&t->csv, CSV_QUOTING, delimiter, t->config.infer);
    if (t->config.format == IN_TSV) csv_init(&t->csv, CSV_TABS, '\t', t->config.infer);
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
    t->may_flood = config->format == IN_JSON && !in->follow;
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
    combined_release(&t->combined);
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

/* A flood of JSON lines is validated by two: what comes next is read now, and its whole lines are looked at while those
 * that are here become records. */
static void look_ahead(struct text_in *t) {
    struct inbuf *in = t->in;
    if (!t->may_flood || inbuf_left(in) < AHEAD_BYTES) return;
    if (!t->ahead && ++t->large_reads == AHEAD_READS) {
        const struct json_limits limits = {.max_depth = t->config.json_depth};
        t->ahead = ahead_start(&limits);
    }
    if (!t->ahead) return;
    ahead_leave(t->ahead);
    ahead_look(t->ahead, in);
}

int text_in_more(struct text_in *t, struct err *e) {
    struct inbuf *in = t->in;
    if (in->eof && !in->follow) return G_EOF; /* a terminal would ask again */
    ahead_wait(t->ahead);
    if (!inbuf_switches(in)) ahead_rest(t->ahead);
    int g = inbuf_more(in, e);
    if (g == G_EOF) return in->follow ? G_WAIT : G_EOF;
    if (g == 0) look_ahead(t);
    return g;
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

static void raw_value(const struct text_in *t, enum value_type type, struct record *r) {
    r->value = t->raw;
    r->value_size = t->raw_size;
    r->value_type = (uint8_t)type;
}

static int value_json(struct text_in *t, struct record *r, struct err *e) {
    struct json_fault fault;
    int g = json_validate(&t->json, t->raw, t->raw_size, &fault);
    if (g == G_DATA) return err_set(e, g, "not JSON: %s at byte %zu", fault.reason, fault.at + 1);
    if (g < 0) return err_nomem(e);
    raw_value(t, VALUE_JSON, r);
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

int text_in_value(struct text_in *t, enum payload_kind kind, struct record *r, struct err *e) {
    if (kind == KIND_JSON) return value_json(t, r, e);
    if (kind == KIND_TEXT) return value_text(t, r, e);
    raw_value(t, VALUE_BYTES, r);
    return 0;
}

static int value_combined(struct text_in *t, struct record *r, struct err *e) {
    buf_clear(&t->scratch);
    int g = combined_line(&t->combined, t->raw, t->raw_size, &t->scratch, &r->time, e);
    if (g < 0) return g;
    r->value = t->scratch.data;
    r->value_size = t->scratch.len;
    r->value_type = VALUE_JSON;
    return 0;
}

/* A line that was cut and validated ahead. */
static bool take_known_line(struct text_in *t) {
    const char *p = inbuf_here(t->in);
    size_t n = t->skipping || t->scanned > 0 ? 0 : ahead_line(t->ahead, p);
    if (n == 0 || n - 1 > t->line_limit) return false;
    text_in_take(t, 0, n > 1 && p[n - 2] == '\r' ? n - 2 : n - 1, n, 1);
    return true;
}

static int next_line(struct text_in *t, struct record *r, struct err *e) {
    enum in_format f = t->config.format;
    enum payload_kind kind = f == IN_LINES ? t->config.kind : KIND_JSON;
    int g;
    if (t->ahead && take_known_line(t)) {
        raw_value(t, VALUE_JSON, r);
        return 0;
    }
    do {
        t->in->at += t->current;
        t->current = 0;
        g = cut_line(t, e);
        if (g != 0) return g;
    } while (kind == KIND_JSON && is_blank(t->raw, t->raw_size));
    if (f == IN_COMBINED) return value_combined(t, r, e);
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
    case IN_COMBINED:
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

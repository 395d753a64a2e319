/* SPDX-License-Identifier: Apache-2.0 */
/* What a letter says of itself. Headers come from anybody: nothing in them is believed. See redrive.h. */
#include <string.h>

#include "base/number.h"
#include "redrive.h"

/* What letters have been given: stream/letter.h, and what windows and joins add for late records. */
enum { HEADER_ERROR, HEADER_TOOL, HEADER_SOURCE, HEADER_TIME, HEADERS_MORE };
static const char *const letter_headers[] = {"leat.error",        "leat.tool",       "leat.source",    "leat.time",
                                             "leat.window_start", "leat.window_end", "leat.watermark", REDRIVE_HEADER};
#define LETTER_HEADERS (sizeof letter_headers / sizeof *letter_headers)

#define REASON_MAX_BYTES 300

/* Where the last header of each of these names is: a letter that was made of a letter has them twice. */
static void find_last(const struct record *r, size_t at_of[LETTER_HEADERS], struct text ret[LETTER_HEADERS]) {
    struct header_view h;
    for (size_t i = 0; i < LETTER_HEADERS; i++) {
        at_of[i] = SIZE_MAX;
        ret[i] = (struct text){0};
    }
    for (size_t at = 0, before = 0; record_header_next(r->headers, r->headers_size, &at, &h); before = at) {
        for (size_t i = 0; i < LETTER_HEADERS; i++) {
            if (h.name_size != strlen(letter_headers[i]) || memcmp(h.name, letter_headers[i], h.name_size) != 0)
                continue;
            at_of[i] = before;
            ret[i] = (struct text){h.value, h.value_size};
        }
    }
}

void letter_read_headers(struct letter *l) {
    size_t at[LETTER_HEADERS];
    struct text found[LETTER_HEADERS];
    find_last(&l->record, at, found);
    l->why = found[HEADER_ERROR];
    l->tool = found[HEADER_TOOL];
    l->source = found[HEADER_SOURCE];
    l->time = found[HEADER_TIME];
}

int letter_strip_headers(const struct record *r, struct buf *out, struct err *e) {
    size_t at_of[LETTER_HEADERS];
    struct text found[LETTER_HEADERS];
    struct header_view h;
    find_last(r, at_of, found);
    for (size_t at = 0, before = 0; record_header_next(r->headers, r->headers_size, &at, &h); before = at) {
        bool ours = false;
        for (size_t i = 0; i < LETTER_HEADERS; i++) ours |= at_of[i] == before;
        if (!ours && buf_append(out, r->headers + before, at - before) < 0) return err_nomem(e);
    }
    return 0;
}

/* The digits at the end of text[0..n): where they begin; n when there are none. */
static size_t digits_at_end(const char *text, size_t n) {
    while (n > 0 && text[n - 1] >= '0' && text[n - 1] <= '9') n--;
    return n;
}

bool letter_source_parse(const struct text *source, struct letter_source *ret) {
    uint64_t partition;
    if (!source->p) return false;
    size_t offset = digits_at_end(source->p, source->n);
    if (offset == source->n || offset == 0 || source->p[offset - 1] != '@') return false;
    size_t number = digits_at_end(source->p, offset - 1), name = number - 1;
    if (number == 0 || source->p[name] != '/' || name > TOPIC_NAME_MAX || memchr(source->p, '\0', name)) return false;
    if (number_parse_u64(source->p + number, offset - 1 - number, 0, UINT32_MAX, &partition, NULL) < 0) return false;
    memcpy(ret->topic, source->p, name);
    ret->topic[name] = '\0';
    ret->partition = (uint32_t)partition;
    return topic_name_check(ret->topic, NULL) == 0;
}

struct text letter_source_name(const struct text *source) {
    struct letter_source parsed;
    size_t n = source->n;
    if (letter_source_parse(source, &parsed)) return (struct text){source->p, strlen(parsed.topic)};
    size_t digits = source->p ? digits_at_end(source->p, n) : 0;
    if (digits < n && digits > 1 && (source->p[digits - 1] == ':' || source->p[digits - 1] == '@')) n = digits - 1;
    return (struct text){source->p, n};
}

/* ---- reasons ---- */

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

/* Behind the quote or bracket that closes the one at p; NULL when none does. An apostrophe within a word closes none.
 */
static const char *closing(const char *p, const char *end) {
    char open = *p, close = open == '(' ? ')' : open;
    size_t depth = 0;
    for (; p < end; p++) {
        if (*p == '\\' && open == '"') {
            p++;
            continue;
        }
        if (*p == open && (open == '(' || depth == 0)) {
            depth++;
        } else if (*p == close && (open != '\'' || p + 1 == end || !is_word(p[1]))) {
            if (--depth == 0) return p + 1;
        }
    }
    return NULL;
}

/* Behind a number, a time or a size: a run of letters, digits and what joins them. */
static const char *behind_number(const char *p, const char *end) {
    const char *last = p;
    for (; p < end && (is_word(*p) || *p == '.' || *p == ':' || *p == '-' || *p == '+'); p++)
        if (is_word(*p)) last = p + 1;
    return last;
}

int letter_general_reason(const struct text *why, struct buf *out) {
    if (!why->p) return 0;
    const char *p = why->p, *end = p + why->n, *line_end = memchr(p, '\n', why->n);
    size_t most = out->len + REASON_MAX_BYTES;
    if (line_end) end = line_end;
    bool word = false;
    while (p < end && out->len < most) {
        const char *next = NULL;
        bool quote = !word && (*p == '\'' || *p == '"'), bracket = *p == '(';
        if (quote || bracket) next = closing(p, end);
        if (next) {
            char close = bracket ? ')' : *p;
            if (buf_printf(out, "%c...%c", *p, close) < 0) return G_NOMEM;
        } else if (!word && *p >= '0' && *p <= '9') {
            next = behind_number(p, end);
            if (buf_putc(out, 'N') < 0) return G_NOMEM;
        } else {
            next = p + 1;
            if (buf_putc(out, *p) < 0) return G_NOMEM;
        }
        word = is_word(next[-1]);
        p = next;
    }
    return 0;
}

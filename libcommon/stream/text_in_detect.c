/* SPDX-License-Identifier: Apache-2.0 */
/* Telling formats apart by their first bytes, and the names of formats. See text_in.h. */
#include <string.h>

#include "base/utf8.h"
#include "stream/combined.h"
#include "stream/csv.h"
#include "stream/text_in.h"
#include "json/validate.h"

#define DETECT_MAX_BYTES (64u << 10) /* as much as is ever waited for */
#define TEXT_WINDOW_BYTES 1024u      /* as much as is looked at for bytes that are no text */
#define LOG_LINES 20                 /* as many are asked whether they are of an access log */

static const char *const names[] = {
    [IN_DETECT] = "detect",     [IN_BLOCKS] = "leat", [IN_JSON] = "json",
    [IN_ENVELOPE] = "envelope", [IN_CSV] = "csv",     [IN_TSV] = "tsv",
    [IN_COMBINED] = "combined", [IN_LINES] = "lines", [IN_LP] = "lp",
};

enum in_format in_format_parse(const char *name) {
    for (enum in_format f = IN_BLOCKS; f <= IN_LP; f++) {
        if (strcmp(names[f], name) == 0) return f;
    }
    return IN_DETECT;
}

const char *in_format_name(enum in_format f) {
    return names[f];
}

int in_format_need_time(enum in_format f, struct err *e) {
    if (f == IN_ENVELOPE || f == IN_COMBINED) return 0;
    return err_set(e, G_USAGE,
                   "text has no event time; say where it is, as in --time .time (an envelope has one: -i envelope; so "
                   "has an access log: -i combined)");
}

enum answer { NO, YES, UNSURE };

/* Does p[0..n) begin with `mark`? UNSURE when more bytes could make it so. */
static enum answer begins(const char *p, size_t n, const char *mark, bool whole) {
    size_t size = strlen(mark), k = n < size ? n : size;
    if (memcmp(p, mark, k) != 0) return NO;
    if (k == size) return YES;
    return whole ? NO : UNSURE;
}

/* A character that is cut off at the end of the window is no fault. */
static bool is_garbage(const char *p, size_t n, bool whole) {
    size_t k = n < TEXT_WINDOW_BYTES ? n : TEXT_WINDOW_BYTES;
    if (memchr(p, '\0', k)) return true;
    size_t good = utf8_validate(p, k);
    return k - good > 3 || (good < k && whole && k == n);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Is `line` one JSON text? Without memory it is not. */
static bool is_json(const char *line, size_t n) {
    struct json_validator v;
    if (json_validator_init(&v, NULL) < 0) return false;
    bool good = json_validate(&v, line, n, NULL) == 0;
    json_validator_release(&v);
    return good;
}

/* Behind a '[': nothing, or another bracket, is JSON at once (a log line may begin with "[Mon"). */
static enum answer is_array(const char *p, const char *end, bool whole) {
    while (p < end && is_blank(*p)) p++;
    if (p == end) return whole ? YES : UNSURE;
    return *p == '\n' || *p == '{' || *p == '[' ? YES : NO;
}

/* Does a quote stand inside a name? In a log line that has commas it does, in the header of a table it never should. */
static bool has_stray_quote(const char *row, size_t n) {
    bool quoted = false;
    for (const char *p = row, *end = row + n; (p = memchr(p, '"', (size_t)(end - p))); p++) {
        if (!quoted && p > row && p[-1] != ',' && p[-1] != '"') return true;
        quoted = !quoted;
    }
    return false;
}

/* Are the first two rows of two fields or more, and as many in both? */
static enum answer is_table(char separator, const char *p, size_t n, bool whole) {
    const struct csv c = {.kind = separator == ',' ? CSV_QUOTING : CSV_TABS, .separator = separator};
    size_t count[2];
    for (int i = 0; i < 2; i++) {
        struct csv_scan s = {0};
        bool complete = csv_scan(&c, &s, p, n);
        if (!complete && !whole) return UNSURE;
        if (!complete && (n == 0 || s.state == CSV_QUOTED)) return NO;
        count[i] = csv_count(&c, p, complete ? s.end : n);
        if (count[i] < 2 || (i == 0 && separator == ',' && has_stray_quote(p, complete ? s.end : n))) return NO;
        p += complete ? s.next : n;
        n -= complete ? s.next : n;
    }
    return count[0] == count[1] ? YES : NO;
}

/* Is the first line one of an access log, or are most of the first whole ones? A log may begin with a line that was cut
 * off, or with words that something else wrote there. */
static bool is_log(const char *p, const char *end, bool whole) {
    int lines = 0, good = 0;
    for (const char *lf; lines < LOG_LINES && p < end; p = lf + 1) {
        lf = memchr(p, '\n', (size_t)(end - p));
        if (!lf && !whole) break;
        if (!lf) lf = end;
        good += combined_is_line(p, (size_t)(lf - p) - (lf > p && lf[-1] == '\r'));
        if (++lines == 1 && good == 1) return true;
        if (lf == end) break;
    }
    return good * 2 > lines;
}

/* From the first line that is not blank, whose first other character is `*text`. */
static enum in_format detect_text(const char *line, const char *text, const char *end, bool whole) {
    if (*text == '{') return IN_JSON;
    enum answer a = *text == '[' ? is_array(text + 1, end, whole) : NO;
    if (a != NO) return a == YES ? IN_JSON : IN_DETECT;
    const char *lf = memchr(line, '\n', (size_t)(end - line));
    if (!lf && !whole) return IN_DETECT;
    size_t n = (size_t)((lf ? lf : end) - line);
    if (is_json(line, n)) return IN_JSON;
    if (is_log(line, end, whole)) return IN_COMBINED;
    a = is_table('\t', line, (size_t)(end - line), whole);
    if (a != NO) return a == YES ? IN_TSV : IN_DETECT;
    a = is_table(',', line, (size_t)(end - line), whole);
    if (a != NO) return a == YES ? IN_CSV : IN_DETECT;
    return IN_LINES;
}

enum in_format input_detect(const char *p, size_t n, bool whole) {
    const char *end = p + n;
    if (n == 0) return whole ? IN_JSON : IN_DETECT;
    enum answer blocks = begins(p, n, "LEAT", whole), bom = begins(p, n, "\xEF\xBB\xBF", whole);
    if (blocks == YES) return IN_BLOCKS;
    if (whole && begins(p, n, "LEAT", false) == UNSURE) return IN_BLOCKS; /* a stream that was cut off at once */
    if (blocks == UNSURE || bom == UNSURE) return IN_DETECT;
    if (is_garbage(p, n, whole)) return IN_JSON;
    if (n >= DETECT_MAX_BYTES) whole = true;
    if (bom == YES) p += 3;
    const char *line = p;
    for (; p < end && (is_blank(*p) || *p == '\n'); p++) {
        if (*p == '\n') line = p + 1;
    }
    if (p == end) return whole ? IN_JSON : IN_DETECT;
    return detect_text(line, p, end, whole);
}

enum in_format input_named(const char *name, enum in_format found) {
    static const struct {
        const char *ending;
        enum in_format found, is;
    } rules[] = {{".leat", IN_DETECT, IN_BLOCKS}, {".csv", IN_LINES, IN_CSV}, {".tsv", IN_LINES, IN_TSV}};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        size_t k = strlen(rules[i].ending);
        if (found == rules[i].found && n > k && strcmp(name + n - k, rules[i].ending) == 0) return rules[i].is;
    }
    return found;
}

int input_find_format(struct inbuf *in, enum in_format *format, struct err *e) {
    enum in_format f = *format == IN_DETECT ? input_named(in->name, IN_DETECT) : *format;
    while (f == IN_DETECT) {
        f = input_named(in->name, input_detect(inbuf_here(in), inbuf_left(in), in->eof));
        int g = f == IN_DETECT ? inbuf_more(in, e) : 0;
        if (g < 0) return g;
    }
    *format = f;
    return 0;
}

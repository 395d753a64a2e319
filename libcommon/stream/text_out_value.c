/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of text output. See text_out_value.h. */
#include "stream/text_out_value.h"

#include "base/number.h"
#include "base/safe.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool has_line_end(const char *p, size_t n) {
    return memchr(p, '\n', n) || memchr(p, '\r', n);
}

bool json_is_line(const char *p, size_t n) {
    return n > 0 && !is_blank(p[0]) && !is_blank(p[n - 1]) && !has_line_end(p, n);
}

int json_line_append(struct buf *out, const char *p, size_t n) {
    while (n > 0 && is_blank(p[n - 1])) n--;
    while (n > 0 && is_blank(p[0])) p++, n--;
    if (n == 0) return 0;
    if (buf_append(out, p, n) < 0) return G_NOMEM;
    if (!has_line_end(p, n)) return 0;
    char *line = out->data + out->len - n;
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\n' || line[i] == '\r') line[i] = ' ';
    }
    return 0;
}

int text_out_append(struct buf *out, const char *p, size_t n, bool safe, unsigned flags) {
    return safe ? safe_append(out, p, n, flags) : buf_append(out, p, n);
}

size_t ms_format(char out[MS_TEXT_MAX], int64_t ns) {
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    uint32_t fraction = (uint32_t)(size % 1000000);
    size_t n = 0;
    if (ns < 0) out[n++] = '-';
    char whole[NUMBER_U64_MAX];
    size_t digits = number_format_u64(whole, size / 1000000);
    memcpy(out + n, whole, digits);
    n += digits;
    if (fraction == 0) return n;
    out[n++] = '.';
    for (uint32_t unit = 100000; fraction > 0; unit /= 10) {
        out[n++] = (char)('0' + fraction / unit);
        fraction %= unit;
    }
    return n;
}

int64_t ms_floor(int64_t ns) {
    if (ns == NO_TIME) return -1;
    return ns / 1000000 - (ns % 1000000 < 0);
}

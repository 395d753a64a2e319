/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See safe.h. The scan goes character by character and copies runs; a terminal acts upon C0, DEL, C1 and, in the way
 * it lays out a line, upon the bidirectional controls of Unicode (UAX 9) and its two line separators.
 */
#include "base/safe.h"

#include <stdbool.h>

#include "base/utf8.h"

static bool code_is_acted_upon(uint32_t code, unsigned flags) {
    if (code == '\n') return !(flags & SAFE_NEWLINE);
    if (code == '\t') return !(flags & SAFE_TAB);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
    return code == 0x061c || code == 0x200e || code == 0x200f || /* marks */
           (code >= 0x2028 && code <= 0x202e) ||                 /* separators, embeddings, overrides */
           (code >= 0x2066 && code <= 0x2069);                   /* isolates */
}

int safe_is_plain(const char *s, size_t n, unsigned flags) {
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        unsigned len = utf8_decode(s + i, n - i, &code);
        if (len == 0 || code_is_acted_upon(code, flags)) return 0;
        i += len;
    }
    return 1;
}

int safe_append(struct buf *b, const char *s, size_t n, unsigned flags) {
    size_t plain = 0; /* where the run that is still to be copied begins */
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        unsigned len = utf8_decode(s + i, n - i, &code);
        if (len > 0 && !code_is_acted_upon(code, flags)) {
            i += len;
            continue;
        }
        if (buf_append(b, s + plain, i - plain) < 0) return G_NOMEM;
        bool as_code_point = len > 0 && (code > 0x7f || (flags & SAFE_JSON));
        int rc = as_code_point ? buf_printf(b, "\\u%04x", code) : buf_printf(b, "\\x%02x", (unsigned char)s[i]);
        if (rc < 0) return rc;
        i += len > 0 ? len : 1;
        plain = i;
    }
    return buf_append(b, s + plain, n - plain);
}

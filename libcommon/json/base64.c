/* SPDX-License-Identifier: Apache-2.0 */
/* Base64. See base64.h. */
#include "json/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct buf *out, const void *p, size_t n) {
    const unsigned char *s = p;
    if (n > SIZE_MAX / 2 || buf_reserve(out, n / 3 * 4 + 4) < 0) return G_NOMEM;
    char *o = out->data + out->len;
    for (; n >= 3; n -= 3, s += 3) {
        uint32_t w = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
        *o++ = alphabet[w >> 18];
        *o++ = alphabet[w >> 12 & 63];
        *o++ = alphabet[w >> 6 & 63];
        *o++ = alphabet[w & 63];
    }
    if (n > 0) {
        uint32_t w = (uint32_t)s[0] << 16 | (n == 2 ? (uint32_t)s[1] << 8 : 0);
        *o++ = alphabet[w >> 18];
        *o++ = alphabet[w >> 12 & 63];
        *o++ = n == 2 ? alphabet[w >> 6 & 63] : '=';
        *o++ = '=';
    }
    out->len = (size_t)(o - out->data);
    return 0;
}

/* 0 to 63, or -1 for a character that is not of the alphabet. */
static int sextet(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(struct buf *out, const char *text, size_t n) {
    if (n % 4 != 0) return G_DATA;
    if (n == 0) return 0;
    size_t pad = text[n - 1] == '=' ? (text[n - 2] == '=' ? 2U : 1U) : 0U;
    if (buf_reserve(out, n / 4 * 3) < 0) return G_NOMEM;
    char *o = out->data + out->len;
    for (size_t i = 0; i < n; i += 4) {
        size_t count = i + 4 == n ? 4 - pad : 4; /* characters that are not padding */
        uint32_t w = 0;
        for (size_t j = 0; j < 4; j++) {
            int s = j < count ? sextet(text[i + j]) : 0;
            if (s < 0) return G_DATA;
            w = w << 6 | (uint32_t)s;
        }
        /* Bits of the last characters that no byte takes up. */
        if (w & ((1U << 8 * (4 - count)) - 1)) return G_DATA;
        *o++ = (char)(w >> 16);
        if (count > 2) *o++ = (char)(w >> 8);
        if (count > 3) *o++ = (char)w;
    }
    out->len = (size_t)(o - out->data);
    return 0;
}

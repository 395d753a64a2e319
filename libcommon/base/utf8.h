/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF, U+0000 allowed.
 *
 * utf8_validate is fast (AVX2 where the processor has it, a portable path with the same answers elsewhere) and reads
 * nothing outside the text. The JSON layer and the text formats call it on whole records.
 */
#ifndef LEAT_BASE_UTF8_H
#define LEAT_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum utf8_path {
    UTF8_BEST, /* what this processor does best */
    UTF8_PORTABLE,
    UTF8_AVX2
};

/*
 * Where the first ill-formed sequence begins, or `len` when there is none. A sequence cut off by the end of the text is
 * ill-formed, so the answer for text cut anywhere in a good stream is the length of its whole characters.
 */
size_t utf8_validate(const char *text, size_t len);

/* The same on a path of the caller's choice, for tests. A path that this machine lacks runs as UTF8_PORTABLE. */
size_t utf8_validate_with(enum utf8_path path, const char *text, size_t len);

/* Decode the character at `p`: its length in bytes (1 to 4), or 0 when p[0..n) does not begin with a whole good one. */
unsigned utf8_decode(const char *p, size_t n, uint32_t *ret_cp);

/* Write a code point (a scalar value, not a surrogate; at most 0x10FFFF) to out; returns the 1 to 4 bytes it took. */
unsigned utf8_encode(uint32_t cp, char out[4]);

#endif

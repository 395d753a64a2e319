/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many columns of a terminal a text takes: 2 for East Asian wide characters and emoji, 0 for what combines with the
 * character before it, 1 otherwise. Ranges from Unicode's EastAsianWidth.txt and DerivedGeneralCategory.txt, coarsened
 * to whole blocks where a block is nearly all of one kind. No locale.
 */
#ifndef LEAT_STREAM_CHAR_WIDTH_H
#define LEAT_STREAM_CHAR_WIDTH_H

#include <stddef.h>
#include <stdint.h>

unsigned char_width(uint32_t cp);

/* Of UTF-8; a byte that is not part of any counts as one column. */
size_t text_width(const char *s, size_t n);

/* How many bytes fit in `width` columns (what combines with the last character included), and the columns they take. */
size_t text_fit(const char *s, size_t n, size_t width, size_t *ret_used);

#endif

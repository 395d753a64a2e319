/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers and sizes, between text and machine. Texts are a pointer and a length, need no NUL, and must be used
 * up: no spaces, no signs but those named, nothing behind. Outputs are set only on success.
 */
#ifndef LEAT_BASE_NUMBER_H
#define LEAT_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Decimal digits; i64 takes one leading '-'. G_DATA when it is no number, or outside min..max (both included). */
int number_parse_u64(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *ret, struct err *e) NODISCARD;
int number_parse_i64(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret, struct err *e) NODISCARD;

/* 1 to 16 hexadecimal digits, in either case. G_DATA when it is not that. */
int number_parse_hex(const char *s, size_t n, uint64_t *ret) NODISCARD;

/* What one such digit stands for; -1 when it is none. */
static inline int number_hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The decimal text, without a NUL; the length is returned. */
enum { NUMBER_U64_MAX = 20, NUMBER_I64_MAX = 21 };
size_t number_format_u64(char out[NUMBER_U64_MAX], uint64_t v);
size_t number_format_i64(char out[NUMBER_I64_MAX], int64_t v);
int number_append_u64(struct buf *b, uint64_t v) NODISCARD; /* 0 or G_NOMEM */
int number_append_i64(struct buf *b, int64_t v) NODISCARD;

/* Two digits, 00..99. */
extern const char number_pairs[200];

/*
 * A number of bytes with an optional unit, in any case: nothing or B; k M G T and KiB MiB GiB TiB are powers of 1024;
 * kB MB GB TB are powers of 1000. No fractions. G_USAGE when it is not that or does not fit 64 bits.
 */
int size_parse(const char *s, size_t n, uint64_t *ret, struct err *e) NODISCARD;

/* For people: "512 B", "1.5 GiB", "16 MiB". Powers of 1024, one rounded decimal, ".0" left out. NUL-terminated. */
enum { SIZE_TEXT_MAX = 16 };
void size_format(char out[SIZE_TEXT_MAX], uint64_t bytes);

#endif

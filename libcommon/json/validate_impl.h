/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the validator's files share; not for anyone else.
 *
 * The SIMD paths only ever say "this is good" or "not sure"; the portable path then decides and names the fault. So a
 * fault is described in one place, and the fast code has no error handling.
 */
#ifndef LEAT_JSON_VALIDATE_IMPL_H
#define LEAT_JSON_VALIDATE_IMPL_H

#include "json/validate.h"

#define JSON_LIKELY(x) __builtin_expect(!!(x), 1)
#define JSON_UNLIKELY(x) __builtin_expect(!!(x), 0)

enum json_verdict { JSON_GOOD, JSON_UNSURE };

/* Bytes that stage one scans before stage two walks what was found. */
#define JSON_CHUNK 4096U
/* Stage two may look at this many tokens from a place where it checked for a refill. */
#define JSON_LOOKAHEAD 8U

/* The tokens of a chunk in text order: both quotes of each string, the six punctuators, and where scalars begin. */
struct json_tokens {
    uint32_t pos[JSON_CHUNK + 192];
    char chr[JSON_CHUNK + 192]; /* text[pos], then zeros */
    /* For AVX2, which cannot compress: byte i of bit_places[b] is the place of the i-th bit of b that is set. */
    uint64_t bit_places[256];
};

/* Double the stack of open containers; G_NOMEM when it cannot. */
int json_stack_grow(struct json_validator *v) NODISCARD;

/* json_verdict, or G_NOMEM. NULL where the compiler or the processor has no such path. */
typedef int (*json_fast_fn)(struct json_validator *v, const char *text, uint32_t len);
json_fast_fn json_fast_avx2(void);
json_fast_fn json_fast_avx512(void);

int json_validate_portable(struct json_validator *v, const char *text, uint32_t len, struct json_fault *f) NODISCARD;

/* What stage one sees in 64 bytes, a bit a byte, lowest first. Bytes behind the end of the text count as space. */
struct json_masks {
    uint64_t quote, backslash, op, space, control;
    uint64_t high; /* nonzero when some byte is not ASCII */
};

/* For functions of one instruction set; the file defines JSON_TARGET as its target attribute. */
#define JSON_INLINE JSON_TARGET __attribute__((always_inline)) static inline
#define JSON_COLD JSON_TARGET __attribute__((noinline, cold)) static

#endif

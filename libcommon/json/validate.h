/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full check of JSON text (RFC 8259) without building anything: the gate that records pass once, where they enter.
 *
 * A `struct json_validator` owns the scratch memory, so that a call for an ordinary record allocates nothing; it serves
 * one thread. It keeps the largest scratch that a text needed until it is released. No byte outside [text, text + len)
 * is read. SIMD is chosen at run time; all paths give the same answer and the same fault.
 *
 * Accepted: exactly one value with white space (space, tab, CR, LF) around it. Beyond the grammar, where RFC 8259
 * leaves the choice to us, this is refused, so that no two readers understand a record differently:
 *   - text that is not UTF-8 (overlong forms, encoded surrogates, above U+10FFFF), a byte order mark, UTF-16;
 *   - an escape of a lone surrogate: "\ud800" without "\udc00".."\udfff" behind it, or "\udc00" on its own;
 *   - two equal keys in one object, compared after unescaping, {"a":1,"\u0061":2}, unless the limits allow them;
 *   - containers nested deeper than the limit, number texts longer than the limit, texts of 2 GiB and more.
 * Numbers of any size are accepted, since they stay text: 1e999 is refused only by whoever needs it as a double.
 * man/leat-json.7 tells this to users, with the free cases of JSONTestSuite one by one.
 */
#ifndef LEAT_JSON_VALIDATE_H
#define LEAT_JSON_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct json_limits {
    uint32_t max_depth;        /* containers open at once; 0 means 1024 */
    uint32_t max_number_bytes; /* length of one number's text; 0 means 1000 */
    bool allow_duplicate_keys; /* keys are then not compared, which is also faster */
};

struct json_fault {
    size_t at;          /* byte offset where the text went wrong; len when it ends too soon */
    const char *reason; /* static text, lowercase */
};

enum json_simd {
    JSON_BEST, /* what this processor does best */
    JSON_PORTABLE,
    JSON_AVX2,
    JSON_AVX512 /* BW, VBMI and VBMI2 */
};

/* Private to json/keys.c: the keys of all objects that are open, innermost last. */
struct json_keys {
    uint32_t *sig;  /* a quick hash; equal keys without escapes have equal ones */
    uint64_t *span; /* length and place of the key's text */
    uint32_t n, cap;
    bool escaped; /* some key of this text has an escape, so `sig` decides nothing */
    uint64_t *table;
    size_t table_cap;
    char *scratch;
    size_t scratch_cap;
    uint64_t seed[2];
};

struct json_validator {
    struct json_limits limits;
    enum json_simd simd; /* the path in use */
    int (*fast)(struct json_validator *v, const char *text, uint32_t len);
    struct json_keys keys;
    uint32_t *stack; /* an entry for each open container: first key << 1 | is it an object */
    uint32_t stack_cap;
    struct json_tokens *tokens;
    uint64_t second_looks; /* texts that the SIMD path did not pass, and the portable path looked at again */
};

/* `limits` may be NULL. G_NOMEM, or G_IO when the system gives no random seed. */
int json_validator_init(struct json_validator *v, const struct json_limits *limits) NODISCARD;

/* The same on a path of the caller's choice, for tests: G_USAGE when this machine lacks it. */
int json_validator_init_with(struct json_validator *v, const struct json_limits *limits, enum json_simd simd) NODISCARD;

void json_validator_release(struct json_validator *v); /* takes NULL and a zeroed validator */

/*
 * 0, or G_DATA with the first fault in the order of the text (a duplicate key counts where its object closes; `at` is
 * then the second key), or G_NOMEM. `ret_fault` may be NULL and is set only with G_DATA.
 */
int json_validate(struct json_validator *v, const char *text, size_t len, struct json_fault *ret_fault) NODISCARD;

#endif

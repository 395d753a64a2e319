/* SPDX-License-Identifier: Apache-2.0 */
/* The validator's life, the choice of a path, and the call. See validate.h. */
#include "json/validate.h"

#include <stdlib.h>

#include "json/keys.h"

#define DEFAULT_DEPTH 1024U
#define DEFAULT_NUMBER 1000U
#define FIRST_STACK 64U

int json_stack_grow(struct json_validator *v) {
    uint32_t cap = v->stack_cap ? v->stack_cap * 2 : FIRST_STACK;
    uint32_t *p = realloc(v->stack, (size_t)cap * sizeof(*p));
    if (!p) return G_NOMEM;
    v->stack = p;
    v->stack_cap = cap;
    return 0;
}

/* The best path that this machine has, not better than the one asked for. */
static enum json_simd choose(enum json_simd simd, json_fast_fn *ret_fast) {
    *ret_fast = NULL;
    if (simd == JSON_BEST || simd == JSON_AVX512) {
        *ret_fast = json_fast_avx512();
        if (*ret_fast) return JSON_AVX512;
    }
    if (simd == JSON_BEST || simd == JSON_AVX2) {
        *ret_fast = json_fast_avx2();
        if (*ret_fast) return JSON_AVX2;
    }
    return JSON_PORTABLE;
}

static struct json_tokens *tokens_new(void) {
    struct json_tokens *t = calloc(1, sizeof(*t));
    if (!t) return NULL;
    for (unsigned bits = 0; bits < 256; bits++) {
        unsigned n = 0;
        for (uint64_t i = 0; i < 8; i++) {
            if (bits >> i & 1) t->bit_places[bits] |= i << 8 * n++;
        }
    }
    return t;
}

int json_validator_init_with(struct json_validator *v, const struct json_limits *limits, enum json_simd simd) {
    *v = (struct json_validator){0};
    if (limits) v->limits = *limits;
    if (v->limits.max_depth == 0) v->limits.max_depth = DEFAULT_DEPTH;
    if (v->limits.max_number_bytes == 0) v->limits.max_number_bytes = DEFAULT_NUMBER;
    v->simd = choose(simd, &v->fast);
    if (simd != JSON_BEST && v->simd != simd) return G_USAGE;
    int rc = json_keys_init(&v->keys);
    if (rc == 0) rc = json_stack_grow(v);
    if (rc == 0 && v->fast) {
        v->tokens = tokens_new();
        if (!v->tokens) rc = G_NOMEM;
    }
    if (rc < 0) json_validator_release(v);
    return rc;
}

int json_validator_init(struct json_validator *v, const struct json_limits *limits) {
    return json_validator_init_with(v, limits, JSON_BEST);
}

void json_validator_release(struct json_validator *v) {
    if (!v) return;
    json_keys_release(&v->keys);
    free(v->stack);
    free(v->tokens);
    *v = (struct json_validator){0};
}

int json_validate(struct json_validator *v, const char *text, size_t len, struct json_fault *ret_fault) {
    if (len > INT32_MAX) {
        if (ret_fault) *ret_fault = (struct json_fault){.at = 0, .reason = "text of 2 GiB or more"};
        return G_DATA;
    }
    if (v->fast) {
        int rc = v->fast(v, text, (uint32_t)len);
        if (JSON_LIKELY(rc == JSON_GOOD) || rc < 0) return rc;
        v->second_looks++;
    }
    return json_validate_portable(v, text, (uint32_t)len, ret_fault);
}

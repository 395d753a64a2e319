/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hashes of a point, of 64 bits each: what it is, and what it says. They are quick ones (the halves of a product,
 * folded), with a random seed, as every point pays for them. Who could make them collide all the same gets a wrong
 * count, and no more: a look into the table has an end.
 */
#include "repeats.h"

#include <stdlib.h>

#include "base/endian.h"
#include "base/random.h"

#define SLOTS (1u << 14)
#define LOOKS_MAX 64u
#define ODD 0x9E3779B97F4A7C15u /* the golden ratio's */

int repeats_init(struct repeats *r, struct err *e) {
    r->known = calloc(SLOTS, sizeof *r->known);
    return r->known ? random_bytes(r->seed, sizeof r->seed, e) : err_nomem(e);
}

void repeats_release(struct repeats *r) {
    free(r->known);
}

/* ---- hashes ---- */

static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to 8 bytes, all of them. */
static inline uint64_t load(const char *p, size_t n) {
    if (n >= 4) return (uint64_t)get_u32_le(p) << 32 | get_u32_le(p + n - 4);
    if (n == 0) return 0;
    return (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint8_t)p[n - 1];
}

static inline uint64_t hash_text(uint64_t seed, struct text t) {
    uint64_t h = seed + t.n;
    for (; t.n > 8; t.p += 8, t.n -= 8) h = fold(h ^ get_u64_le(t.p), ODD);
    return fold(h ^ load(t.p, t.n), ODD);
}

static inline uint64_t hash_value(uint64_t seed, const struct field *f) {
    uint64_t bits = 0;
    switch (f->type) {
    case FIELD_INTEGER: bits = (uint64_t)f->integer; break;
    case FIELD_UNSIGNED: bits = f->magnitude; break;
    case FIELD_NUMBER: memcpy(&bits, &f->number, sizeof bits); break;
    case FIELD_BOOLEAN: bits = f->boolean; break;
    case FIELD_STRING: return hash_text(seed, f->string);
    case FIELD_NULL: break;
    }
    return fold((seed + f->type) ^ bits, ODD);
}

/* Sums, as no order of tags and fields is another point. */
static struct repeats_hashes hash_point(const uint64_t seed[2], const struct point *p) {
    struct repeats_hashes h = {fold(hash_text(seed[0], p->measurement) ^ (uint64_t)p->time, ODD), 0};
    for (size_t i = 0; i < p->tag_count; i++)
        h.point += fold(hash_text(seed[0], p->tags[i].name), hash_text(seed[1], p->tags[i].value));
    for (size_t i = 0; i < p->field_count; i++) {
        uint64_t name = hash_text(seed[1], p->fields[i].name);
        h.point += name;
        h.says += fold(name, hash_value(seed[0], &p->fields[i]));
    }
    h.point |= 1;
    h.says |= 1;
    return h;
}

/* ---- the table ---- */

static struct repeats_hashes *slot(const struct repeats *r, size_t look) {
    return &r->known[((size_t)(r->hand.point >> 32) + look) % SLOTS];
}

void repeats_take(struct repeats *r, const struct point *p, bool update) {
    r->hand = hash_point(r->seed, p);
    if (update) r->hand.says = 0;
    __builtin_prefetch(slot(r, 0), 1);
}

void repeats_note(struct repeats *r) {
    struct repeats_hashes *k;
    size_t look = 0;
    if (r->count == REPEATS_POINTS) {
        memset(r->known, 0, SLOTS * sizeof *r->known);
        r->count = 0;
    }
    while ((k = slot(r, look))->point && k->point != r->hand.point)
        if (++look == LOOKS_MAX) return;
    if (k->point == 0)
        r->count++;
    else if (k->says && r->hand.says && k->says != r->hand.says)
        r->replaced++;
    *k = r->hand;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_sorted: the entries of a table by the bytes of their keys.
 *
 * Method: most-significant-digit radix sort in place (McIlroy, Bostic and McIlroy, "Engineering Radix Sort", 1993) on
 * eight bytes of the key at a time, which are kept beside the pointer, so that memory far away is read once for each
 * eight bytes that matter: bytes that a group of keys has in common are skipped. Small groups are sorted by insertion.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "state/table.h"

enum { SMALL = 24, AHEAD = 12, SAMPLE = 32 };

/* Eight bytes of the key, the first the highest, zeros behind its end; and the entry. A number, because the same memory
 * holds slots before and pointers afterwards. */
struct item {
    uint64_t head;
    uint64_t entry;
};

/* In front of what table_sorted returns: as large as an item. */
struct sorted_header {
    size_t size; /* of the whole, as counted */
    struct state_budget *budget;
};

static inline const struct entry *item_entry(const struct item *it) {
    return (const struct entry *)(uintptr_t)it->entry; /* NOLINT: a pointer, kept as a number */
}

/* Eight bytes of a key from depth on. They are read so that they end where the key ends, if that is nearer: in front of
 * a key there is always its entry's header. */
static inline uint64_t head_at(const struct entry *x, const char *key, size_t depth) {
    size_t rest = x->key_size - depth, cut = rest < 8 ? 8 - rest : 0;
    uint64_t v;
    if (cut == 8) return 0;
    memcpy(&v, key + depth - cut, sizeof v);
    return be64toh(v) << (8 * cut);
}

/* How many bytes from depth on two keys have in common, up to `most`. */
static size_t keys_common(size_t value_size, const struct entry *a, const struct entry *b, size_t depth, size_t most) {
    size_t an = a->key_size - depth, bn = b->key_size - depth, i = 0;
    if (an < most) most = an;
    if (bn < most) most = bn;
    const char *p = entry_key(a, value_size) + depth, *q = entry_key(b, value_size) + depth;
    while (i < most && p[i] == q[i]) i++;
    return i;
}

/* ---- small groups ------------------------------------------------------------------------------------------------ */

/* Both have their first `depth` bytes in common, and their heads are from there. */
static inline bool item_less(size_t value_size, const struct item *a, const struct item *b, size_t depth) {
    if (a->head != b->head) return a->head < b->head;
    const struct entry *x = item_entry(a), *y = item_entry(b);
    size_t n = x->key_size < y->key_size ? x->key_size : y->key_size, from = depth + 8;
    int c = n > from ? memcmp(entry_key(x, value_size) + from, entry_key(y, value_size) + from, n - from) : 0;
    return c ? c < 0 : x->key_size < y->key_size;
}

static void sort_small(size_t value_size, struct item *it, size_t n, size_t depth) {
    for (size_t i = 1; i < n; i++) {
        struct item x = it[i];
        size_t j = i;
        for (; j && item_less(value_size, &x, &it[j - 1], depth); j--) it[j] = it[j - 1];
        it[j] = x;
    }
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

/* Set the heads from `at` on, as long as the keys have the bytes between depth and `at` in common with the first one:
 * returns the index of the first that has not, or n. *ret_differ: the bits in which the heads are not all the same. */
static size_t heads_set(size_t value_size, struct item *it, size_t n, size_t depth, size_t at, uint64_t *ret_differ) {
    const char *common = entry_key(item_entry(it), value_size) + depth;
    uint64_t differ = 0;
    for (size_t i = 0; i < n; i++) {
        const struct entry *x = item_entry(&it[i]);
        if (i + AHEAD < n) {
            const struct entry *ahead = item_entry(&it[i + AHEAD]);
            __builtin_prefetch(ahead);
            __builtin_prefetch(entry_key(ahead, value_size) + at + 7);
        }
        const char *key = entry_key(x, value_size);
        if (x->key_size < at || (at > depth && memcmp(key + depth, common, at - depth) != 0)) return i;
        it[i].head = head_at(x, key, at);
        differ |= it[i].head ^ it[0].head;
    }
    *ret_differ = differ;
    return n;
}

/* Set the heads of a group that has its first `depth` bytes in common and no key shorter than that, and skip what all
 * have in common beyond: returns where the heads are from. What is common is guessed from a sample and checked on the
 * way; a wrong guess is corrected once and then given up. */
static size_t heads_fill(size_t value_size, struct item *it, size_t n, size_t depth, uint64_t *ret_differ) {
    const struct entry *first = item_entry(it);
    size_t skip = first->key_size - depth, step = n / SAMPLE + 1;
    for (size_t i = step; i < n && skip; i += step)
        skip = keys_common(value_size, first, item_entry(&it[i]), depth, skip);
    size_t odd = heads_set(value_size, it, n, depth, depth + skip, ret_differ);
    if (odd == n) return depth + skip;
    skip = keys_common(value_size, first, item_entry(&it[odd]), depth, skip);
    if (heads_set(value_size, it, n, depth, depth + skip, ret_differ) == n) return depth + skip;
    heads_set(value_size, it, n, depth, depth, ret_differ);
    return depth;
}

/* Of a group with equal heads: those whose keys end within them to the front, the shorter first. They are at most nine,
 * as no two keys are equal. Returns how many. */
static size_t ended_first(size_t value_size, struct item *it, size_t n, size_t depth) {
    size_t ended = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(item_entry(&it[i + AHEAD]));
        if (item_entry(&it[i])->key_size > depth + 8) continue;
        struct item x = it[i];
        it[i] = it[ended];
        it[ended++] = x;
    }
    sort_small(value_size, it, ended, depth);
    return ended;
}

/* ---- radix sort -------------------------------------------------------------------------------------------------- */

/* Move every item into the bucket of its byte at `shift`: start[b]..start[b + 1] are those of b. false when all are in
 * one and nothing was done. */
static bool deal(struct item *it, size_t n, unsigned shift, size_t start[257]) {
    size_t next[256] = {0};
    for (size_t i = 0; i < n; i++) next[it[i].head >> shift & 255]++;
    if (next[it[0].head >> shift & 255] == n) return false;
    size_t sum = 0;
    for (unsigned b = 0; b < 256; b++) {
        start[b] = sum;
        sum += next[b];
        next[b] = start[b];
    }
    start[256] = n;
    for (unsigned b = 0; b < 256; b++) {
        while (next[b] < start[b + 1]) {
            struct item x = it[next[b]];
            for (unsigned to; (to = x.head >> shift & 255) != b;) {
                struct item y = it[next[to]];
                it[next[to]++] = x;
                x = y;
            }
            it[next[b]++] = x;
        }
    }
    return true;
}

/* Sort a group whose keys have their first `depth` bytes in common, whose heads are from there, and differ in no other
 * bits than `differ`. The largest part goes on in the loop, so that no more than log2(n) calls are under way. */
static void sort_group(size_t value_size, struct item *it, size_t n, size_t depth, uint64_t differ) {
    size_t start[257];
    while (n > SMALL) {
        if (!differ) {
            size_t ended = ended_first(value_size, it, n, depth);
            it += ended;
            n -= ended;
            if (n) depth = heads_fill(value_size, it, n, depth + 8, &differ);
            continue;
        }
        unsigned shift = (63 - (unsigned)__builtin_clzll(differ)) & ~7u;
        differ &= ((uint64_t)1 << shift) - 1;
        if (!deal(it, n, shift, start)) continue;
        unsigned largest = 0;
        for (unsigned b = 1; b < 256; b++)
            if (start[b + 1] - start[b] > start[largest + 1] - start[largest]) largest = b;
        for (unsigned b = 0; b < 256; b++)
            if (b != largest && start[b + 1] - start[b] > 1)
                sort_group(value_size, it + start[b], start[b + 1] - start[b], depth, differ);
        it += start[largest];
        n = start[largest + 1] - start[largest];
    }
    sort_small(value_size, it, n, depth);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static struct item *items_of(struct sorted_header *h) {
    return (struct item *)(h + 1);
}

/* Room for the items beside the slots, and the items in it. */
static struct sorted_header *items_copy(struct table *t, size_t size) {
    struct state_budget *budget = t->arena->budget;
    if (budget_take(budget, size) < 0) return NULL;
    struct sorted_header *h = malloc(size);
    if (!h) {
        budget_give(budget, size);
        return NULL;
    }
    struct item *it = items_of(h);
    size_t at = 0;
    for (struct entry *x; (x = table_next(t, &at)); it++) *it = (struct item){.entry = (uint64_t)(uintptr_t)x};
    *h = (struct sorted_header){.size = size, .budget = budget};
    return h;
}

/* The slots made into the items: closed up, then drawn apart from the back. */
static struct sorted_header *items_consume(struct table *t, size_t size) {
    size_t slots_size = (t->mask + 1) * sizeof *t->slots;
    if (size < slots_size) size = slots_size;
    uint64_t *slots = size > slots_size ? realloc(t->slots, size) : t->slots;
    if (!slots) return NULL;
    budget_force(t->arena->budget, size - slots_size);
    size_t n = 0;
    for (size_t i = 0; i <= t->mask; i++)
        if (slots[i]) slots[n++] = slots[i] << 16 >> 16;
    struct sorted_header *h = (struct sorted_header *)slots;
    struct item *it = items_of(h);
    while (n--) it[n] = (struct item){.entry = slots[n]};
    *h = (struct sorted_header){.size = size, .budget = t->arena->budget};
    t->slots = NULL;
    return h;
}

/* The items made into pointers, and what that saves given back. */
static struct entry **items_finish(struct table *t, struct sorted_header *h) {
    struct item *it = items_of(h);
    struct entry **out = (struct entry **)(void *)it;
    for (size_t i = 0; i < t->count; i++) {
        uintptr_t p = it[i].entry;
        memcpy(&out[i], &p, sizeof p);
    }
    size_t size = sizeof *h + t->count * sizeof *out;
    struct sorted_header *less = realloc(h, size);
    if (!less) return out;
    budget_give(less->budget, less->size - size);
    less->size = size;
    return (struct entry **)(void *)items_of(less);
}

struct entry **table_sorted(struct table *t, bool consume) {
    if (t->count >= SIZE_MAX / sizeof(struct item) - 1) return NULL;
    size_t size = sizeof(struct sorted_header) + t->count * sizeof(struct item);
    struct sorted_header *h = consume ? items_consume(t, size) : items_copy(t, size);
    if (!h) return NULL;
    if (t->count > 1) {
        uint64_t differ;
        size_t depth = heads_fill(t->value_size, items_of(h), t->count, 0, &differ);
        sort_group(t->value_size, items_of(h), t->count, depth, differ);
    }
    return items_finish(t, h);
}

void table_sorted_free(struct table *t, struct entry **sorted) {
    (void)t;
    if (!sorted) return;
    struct sorted_header *h = (struct sorted_header *)(void *)sorted - 1;
    budget_give(h->budget, h->size);
    free(h);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of records, in their order, as small numbers: most records of a stream have the names of the one before it.
 * So which members of a right record a result has is found once for each two shapes. See sides.h.
 */
#include "sides.h"

#include "base/random.h"

#define SHAPES_BYTES (8u << 20) /* what they may take; records of yet others are joined the slow way */

int shapes_init(struct shapes *x, struct err *e) {
    pthread_mutex_init(&x->lock, NULL);
    x->budget.limit = SHAPES_BYTES;
    arena_init(&x->arena, &x->budget);
    int g = random_bytes(&x->hash_key, sizeof x->hash_key, e);
    return g < 0 ? g : table_init(&x->table, &x->arena, sizeof(uint64_t), e);
}

void shapes_release(struct shapes *x) {
    table_release(&x->table);
    arena_release(&x->arena);
}

static uint16_t intern(struct shapes *x, const char *names, size_t n) {
    bool is_new = false;
    if (x->count == SHAPES_MAX && !table_find(&x->table, table_hash(&x->hash_key, names, n), names, n)) return NO_SHAPE;
    struct entry *shape = table_put(&x->table, table_hash(&x->hash_key, names, n), names, n, &is_new);
    if (!shape) return NO_SHAPE;
    uint64_t *id = entry_value(shape);
    if (is_new) {
        *id = x->count;
        x->by_id[x->count++] = shape;
    }
    return (uint16_t)*id;
}

uint16_t shapes_find(struct shapes *x, const char *names, size_t n, const struct entry **hint) {
    const struct entry *last = *hint;
    if (last && last->key_size == n && memcmp(entry_key(last, sizeof(uint64_t)), names, n) == 0)
        return (uint16_t) * (const uint64_t *)(const void *)last->data;
    pthread_mutex_lock(&x->lock);
    uint16_t id = intern(x, names, n);
    if (id != NO_SHAPE) *hint = x->by_id[id];
    pthread_mutex_unlock(&x->lock);
    return id;
}

/* ---- two shapes ---- */

struct names {
    const char *p, *end;
};

static struct names names_of(const struct shapes *x, unsigned id) {
    const struct entry *shape = x->by_id[id];
    const char *p = entry_key(shape, sizeof(uint64_t));
    return (struct names){p, p + shape->key_size};
}

/* The next name with the NUL behind it. */
static bool next_name(struct names *of, const char **ret, size_t *ret_size) {
    if (of->p == of->end) return false;
    *ret = of->p;
    *ret_size = strlen(of->p) + 1;
    of->p += *ret_size;
    return true;
}

static bool has_name(struct names of, const char *name, size_t n) {
    const char *other;
    size_t size;
    while (next_name(&of, &other, &size))
        if (size == n && memcmp(other, name, n) == 0) return true;
    return false;
}

uint64_t shapes_kept(const struct shapes *left, unsigned left_id, const struct shapes *right, unsigned right_id) {
    struct names of = names_of(right, right_id);
    const char *name;
    size_t n;
    uint64_t kept = 0;
    for (unsigned i = 0; i < MEMBERS_MAX && next_name(&of, &name, &n); i++)
        if (!has_name(names_of(left, left_id), name, n)) kept |= UINT64_C(1) << i;
    return kept;
}

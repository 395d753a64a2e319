/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building arrays and objects, and looking names up in built objects. Versions share a store, which value_impl.h
 * describes; large objects have a hash table of their names, with a seed nobody outside knows. See value.h.
 */
#include "base/random.h"
#include "base/siphash.h"
#include "expr/value_impl.h"

enum { ARRAY_FIRST = 8, OBJECT_FIRST = 4 };

static int too_many(struct heap *h) {
    h->exhausted = true;
    return G_NOMEM;
}

/* ---- arrays ---- */

struct value *array_alloc(struct heap *h, uint32_t n) {
    struct array_head *head = heap_alloc(h, sizeof(*head) + n * sizeof(struct value));
    if (!head) return NULL;
    *head = (struct array_head){.used = n, .cap = n, .owner = h};
    return (struct value *)(head + 1);
}

/* A copy of an array with twice the room; RAW ones become built. */
static int array_copy(struct heap *h, struct value *array) {
    const struct value *items;
    uint32_t n;
    int rc = value_items(h, *array, &items, &n);
    if (rc < 0) return rc;
    uint32_t cap = n < ARRAY_FIRST ? ARRAY_FIRST : n > UINT32_MAX / 2 ? UINT32_MAX : n * 2;
    if (cap == n) return too_many(h);
    struct value *copy = array_alloc(h, cap);
    if (!copy) return G_NOMEM;
    if (n) memcpy(copy, items, n * sizeof(*copy));
    array_head_of(copy)->used = n;
    *array = value_array(copy, n);
    return 0;
}

int array_append(struct heap *h, struct value *array, struct value v) {
    struct value a = *array;
    struct array_head *head = a.form == VF_ARRAY && a.items ? array_head_of(a.items) : NULL;
    if (!head || head->owner != h || head->used != a.n || head->used == head->cap) {
        int rc = array_copy(h, &a);
        if (rc < 0) return rc;
        head = array_head_of(a.items);
    }
    ((struct value *)(head + 1))[a.n++] = v;
    head->used = a.n;
    *array = a;
    return 0;
}

/* ---- the names of an object ---- */

static uint32_t name_hash(const struct object *o, const char *name, size_t n) {
    return (uint32_t)siphash24(o->seed, name, n);
}

uint32_t object_find(const struct object *o, uint32_t n, const char *name, size_t size) {
    if (!o->slots || n < OBJECT_SLOTS_FROM) {
        for (uint32_t i = 0; i < n; i++) {
            if (name_is(&o->members[i], name, size)) return i;
        }
        return UINT32_MAX;
    }
    uint32_t hash = name_hash(o, name, size);
    for (uint32_t s = hash & o->slot_mask; o->slots[s]; s = (s + 1) & o->slot_mask) {
        uint32_t at = o->slots[s] - 1;
        /* Members beyond n belong to newer versions, and their names may be gone. */
        if (at < n && o->members[at].hash == hash && name_is(&o->members[at], name, size)) return at;
    }
    return UINT32_MAX;
}

static void slots_add(struct object *o, uint32_t at) {
    uint32_t s = o->members[at].hash & o->slot_mask;
    while (o->slots[s]) s = (s + 1) & o->slot_mask;
    o->slots[s] = at + 1;
}

/* ---- building ---- */

/* To write to: the caller has made it, or grows it where no version sees. */
static struct object *store_of(struct value v) {
    return (struct object *)(uintptr_t)v.object;
}

static int seed_get(struct heap *h) {
    if (h->seeded) return 0;
    if (random_bytes(h->seed, sizeof(h->seed), NULL) < 0) return G_NOMEM;
    h->seeded = true;
    return 0;
}

static struct object *store_alloc(struct heap *h, uint32_t cap) {
    size_t slots = 0;
    if (cap >= OBJECT_SLOTS_FROM) {
        for (slots = 64; slots < (size_t)cap * 2;) slots *= 2;
        if (seed_get(h) < 0) return NULL;
    }
    struct object *o = heap_alloc(h, sizeof(*o) + cap * sizeof(struct member) + slots * sizeof(uint32_t));
    if (!o) return NULL;
    *o = (struct object){.cap = cap, .owner = h, .seed = {h->seed[0], h->seed[1]}};
    o->members = (struct member *)(o + 1);
    if (slots) {
        o->slots = (uint32_t *)(o->members + cap);
        o->slot_mask = (uint32_t)(slots - 1);
        memset(o->slots, 0, slots * sizeof(uint32_t));
    }
    return o;
}

int object_alloc(struct heap *h, uint32_t n, struct value *ret) {
    if (n > INT32_MAX) return too_many(h);
    struct object *o = store_alloc(h, n < OBJECT_FIRST ? OBJECT_FIRST : n);
    if (!o) return G_NOMEM;
    *ret = value_object();
    ret->object = o;
    return 0;
}

/* Behind the last one. There is room, and the name is new. */
static void store_append(struct object *o, const struct member *m) {
    struct member *to = &o->members[o->used];
    *to = *m;
    if (o->slots) {
        to->hash = name_hash(o, m->name, m->name_size);
        slots_add(o, o->used);
    }
    o->used++;
}

/* A copy of the members that this version sees, with room for `more`; RAW ones become built. */
static int object_copy(struct heap *h, struct value *object, uint32_t more) {
    const struct member *members;
    struct value copy;
    uint32_t n;
    int rc = value_members(h, *object, &members, &n);
    if (rc < 0) return rc;
    if (n > INT32_MAX / 2) return too_many(h);
    rc = object_alloc(h, n + (n < more ? more : more ? n : 0), &copy);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < n; i++) store_append(store_of(copy), &members[i]);
    copy.n = n;
    *object = copy;
    return 0;
}

int object_put(struct heap *h, struct value *object, const struct member *m, bool fresh) {
    struct value v = *object;
    int rc;
    if (v.form == VF_RAW) {
        rc = object_copy(h, &v, OBJECT_FIRST);
        if (rc < 0) return rc;
        fresh = true;
    }
    uint32_t at = v.object ? object_find(v.object, v.n, m->name, m->name_size) : UINT32_MAX;
    if (at != UINT32_MAX) {
        rc = fresh ? 0 : object_copy(h, &v, 0);
        if (rc < 0) return rc;
        store_of(v)->members[at].value = m->value;
        *object = v;
        return 0;
    }
    if (!v.object || v.object->owner != h || v.object->used != v.n || v.object->used == v.object->cap) {
        rc = object_copy(h, &v, OBJECT_FIRST);
        if (rc < 0) return rc;
    }
    store_append(store_of(v), m);
    v.n++;
    *object = v;
    return 0;
}

static int name_set(struct heap *h, struct value *object, const char *name, size_t n, struct value v, bool fresh) {
    if (n > UINT32_MAX) return too_many(h);
    struct member m = {.name = name, .name_size = (uint32_t)n, .value = v};
    return object_put(h, object, &m, fresh);
}

int object_set(struct heap *h, struct value *object, const char *name, size_t n, struct value v) {
    return name_set(h, object, name, n, v, false);
}

int object_set_owned(struct heap *h, struct value *object, const char *name, size_t n, struct value v) {
    bool ours = object->form == VF_OBJECT && object->object && object->object->owner == h;
    return name_set(h, object, name, n, v, ours);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first values by time. See value_list.h.
 */
#include "state/value_list.h"

#include "state/pack.h"

enum { CAP_FIRST = 4, SAVED_ITEM_MIN = 8 + 1 + 1 + 2 };

/* Below 0 when a comes first. */
static int order(int64_t a_time, const struct cell *a, int64_t b_time, const struct cell *b, int *rc) {
    if (a_time != b_time) return a_time < b_time ? -1 : 1;
    return cell_compare(a, b, rc);
}

static int item_order(const struct value_item *a, const struct value_item *b, int *rc) {
    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    struct cell x = kept_cell(&a->value), y = kept_cell(&b->value);
    return cell_compare(&x, &y, rc);
}

/* Let the item at i sink until none below it comes later. */
static void sink(struct value_item *items, uint32_t n, uint32_t i, int *rc) {
    struct value_item x = items[i];
    for (uint64_t child; (child = 2 * (uint64_t)i + 1) < n; i = (uint32_t)child) {
        if (child + 1 < n && item_order(&items[child + 1], &items[child], rc) > 0) child++;
        if (item_order(&items[child], &x, rc) <= 0) break;
        items[i] = items[child];
    }
    items[i] = x;
}

static void make_heap(struct value_item *items, uint32_t n, int *rc) {
    for (uint32_t i = n / 2; i-- > 0;) sink(items, n, i, rc);
}

static int grow(struct value_list *l, struct arena *arena, uint32_t most) {
    uint64_t cap = l->cap ? 2 * (uint64_t)l->cap : CAP_FIRST;
    if (cap > most) cap = most;
    struct value_item *items = l->items ? arena_grow(arena, l->items, l->cap * sizeof *items, cap * sizeof *items)
                                        : arena_take(arena, cap * sizeof *items);
    if (!items) return G_NOMEM;
    l->items = items;
    l->cap = (uint32_t)cap;
    return 0;
}

int value_list_add(struct value_list *l, struct arena *arena, uint32_t most, const struct cell *c, int64_t time) {
    int rc = 0;
    struct value_item x = {.time = time};
    if (l->n == most) {
        struct cell last = kept_cell(&l->items[0].value);
        if (order(time, c, l->items[0].time, &last, &rc) >= 0 || rc < 0) return rc;
        rc = kept_set(&x.value, arena, c);
        if (rc < 0) return rc;
        kept_drop(&l->items[0].value, arena);
        l->items[0] = x;
        sink(l->items, l->n, 0, &rc);
        return rc;
    }
    if (l->n == l->cap) rc = grow(l, arena, most);
    if (rc == 0) rc = kept_set(&x.value, arena, c);
    if (rc < 0) return rc;
    l->items[l->n++] = x;
    if (l->n == most) make_heap(l->items, l->n, &rc);
    return rc;
}

int value_list_merge(struct value_list *l, struct arena *arena, uint32_t most, const struct value_list *from) {
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < from->n; i++) {
        struct cell c = kept_cell(&from->items[i].value);
        rc = value_list_add(l, arena, most, &c, from->items[i].time);
    }
    return rc;
}

void value_list_clear(struct value_list *l, struct arena *arena) {
    for (uint32_t i = 0; i < l->n; i++) kept_drop(&l->items[i].value, arena);
    arena_give(arena, l->items, l->cap * sizeof *l->items);
    *l = (struct value_list){0};
}

int value_list_sort(const struct value_list *l, struct value_item *ret) {
    int rc = 0;
    if (l->n) memcpy(ret, l->items, l->n * sizeof *ret);
    make_heap(ret, l->n, &rc);
    for (uint32_t n = l->n; n > 1; n--) {
        struct value_item last = ret[0];
        ret[0] = ret[n - 1];
        ret[n - 1] = last;
        sink(ret, n - 1, 0, &rc);
    }
    return rc;
}

int value_list_save(const struct value_list *l, struct buf *out) {
    int rc = pack_u64(out, l->n);
    for (uint32_t i = 0; rc == 0 && i < l->n; i++) {
        struct cell c = kept_cell(&l->items[i].value);
        rc = pack_word(out, (uint64_t)l->items[i].time);
        if (rc == 0) rc = cell_save(&c, out);
    }
    return rc;
}

int value_list_load(struct value_list *l, struct arena *arena, uint32_t most, const char **p, const char *end,
                    struct err *e) {
    uint64_t n, time;
    if (!unpack_u64(p, end, &n) || n > most || n > (uint64_t)(end - *p) / SAVED_ITEM_MIN) {
        return err_set(e, G_CORRUPT, "a list of values is damaged");
    }
    int rc = 0;
    while (rc == 0 && l->n < n) {
        struct cell c;
        if (!unpack_word(p, end, &time) || !cell_load(&c, p, end)) {
            return err_set(e, G_CORRUPT, "a value of a list is damaged");
        }
        rc = value_list_add(l, arena, most, &c, (int64_t)time);
    }
    return rc;
}

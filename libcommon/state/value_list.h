/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first `most` values by event time, and of one time by jq's order, in the arena: for collect. An array that
 * doubles; once it is full it is a heap with the last of them on top, which goes when an earlier one comes. 24 bytes a
 * value, and longer texts.
 */
#ifndef LEAT_STATE_VALUE_LIST_H
#define LEAT_STATE_VALUE_LIST_H

#include "state/cell.h"

struct value_item {
    int64_t time;
    struct kept value;
};

/* All zero is empty. `most`, at least 1, is the same in all calls. */
struct value_list {
    struct value_item *items;
    uint32_t n, cap;
};

/* A value in normal form. G_NOMEM. */
int value_list_add(struct value_list *l, struct arena *arena, uint32_t most, const struct cell *c,
                   int64_t time) NODISCARD;
int value_list_merge(struct value_list *l, struct arena *arena, uint32_t most, const struct value_list *from) NODISCARD;
void value_list_clear(struct value_list *l, struct arena *arena);

/* The items in order, in `ret`, which has room for n of them. They are the list's still. G_NOMEM. */
int value_list_sort(const struct value_list *l, struct value_item *ret) NODISCARD;

/* Saved: how many in seven bit groups, then each one's time (eight bytes) and value (cell_save). */
int value_list_save(const struct value_list *l, struct buf *out) NODISCARD;
int value_list_load(struct value_list *l, struct arena *arena, uint32_t most, const char **p, const char *end,
                    struct err *e) NODISCARD;

#endif

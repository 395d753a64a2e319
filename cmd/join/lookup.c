/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a table by their key, in memory of its own that goes at once. See join.h. */
#include <stdlib.h>

#include "join.h"

struct lookup *lookup_new(const struct row_shape *shape, struct state_budget *budget, const struct table_key *hash_key,
                          struct err *e) {
    struct lookup *l = calloc(1, sizeof *l);
    if (!l) {
        (void)err_nomem(e);
        return NULL;
    }
    l->hash_key = hash_key;
    arena_init(&l->arena, budget);
    size_t value_size = shape->many ? sizeof(struct row_list) : offsetof(struct row_list, last);
    l->names.nested = shape->nested;
    if (table_init(&l->table, &l->arena, value_size, e) == 0) return l;
    lookup_free(l);
    return NULL;
}

void lookup_free(struct lookup *l) {
    if (!l) return;
    topic_table_free(l->topic);
    names_release(&l->names);
    table_release(&l->table);
    arena_release(&l->arena);
    free(l);
}

static size_t row_bytes(const struct row *r) {
    return sizeof *r + r->members * sizeof *r->member + r->size;
}

static void free_rows(struct lookup *l, struct row_list *list) {
    for (struct row *r = list->first, *next; r; r = next) {
        next = r->next;
        arena_give(&l->arena, r, row_bytes(r));
        l->rows--;
    }
    list->first = NULL;
}

int lookup_put(struct lookup *l, const struct row_shape *shape, const char *key, size_t n, unsigned kind,
               const struct row *row) {
    bool is_new;
    struct entry *x = table_put(&l->table, table_hash(l->hash_key, key, n), key, n, &is_new);
    if (!x) return G_NOMEM;
    l->kinds |= kind;
    if (shape->keys_only) {
        l->rows += is_new;
        return 0;
    }
    struct row_list *list = entry_value(x);
    struct row *copy = arena_take(&l->arena, row_bytes(row));
    if (!copy) return G_NOMEM;
    memcpy(copy, row, row_bytes(row));
    copy->next = NULL;
    names_number(&l->names, &l->arena, copy);
    if (!shape->many) free_rows(l, list);
    if (list->first)
        list->last->next = copy;
    else
        list->first = copy;
    if (shape->many) list->last = copy;
    l->rows++;
    return 0;
}

void lookup_delete(struct lookup *l, const char *key, size_t n) {
    struct entry *x = table_find(&l->table, table_hash(l->hash_key, key, n), key, n);
    if (!x) return;
    struct row_list *list = entry_value(x);
    if (!list->first) l->rows--; /* keys only */
    free_rows(l, list);
    table_remove(&l->table, x);
}

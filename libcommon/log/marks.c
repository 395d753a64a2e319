/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of records as ranges. See marks.h. */
#include "log/marks.h"

#include <stdlib.h>
#include <string.h>

#include "log/topic.h"
#include "json/tree.h"

void marks_release(struct marks *m) {
    if (!m) return;
    for (uint32_t i = 0; i < m->count; i++) free(m->rows[i].at);
    free(m->rows);
    *m = (struct marks){0};
}

/* The first range that ends at or behind the offset. */
static size_t first_reaching(const struct marks_row *row, uint64_t offset) {
    size_t lo = 0, hi = row->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (row->at[mid].to < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool marks_have(const struct marks *m, uint32_t partition, uint64_t offset) {
    if (partition >= m->count) return false;
    const struct marks_row *row = &m->rows[partition];
    size_t i = first_reaching(row, offset + 1);
    return i < row->count && row->at[i].from <= offset;
}

static int grow_rows(struct marks *m, uint32_t partition) {
    if (partition < m->count) return 0;
    struct marks_row *rows = reallocarray(m->rows, partition + 1, sizeof *rows);
    if (!rows) return G_NOMEM;
    memset(rows + m->count, 0, (partition + 1 - m->count) * sizeof *rows);
    m->rows = rows;
    m->count = partition + 1;
    return 0;
}

static int reserve_range(struct marks_row *row) {
    if (row->count < row->cap) return 0;
    size_t cap = row->cap ? row->cap * 2 : 8;
    struct offset_range *at = reallocarray(row->at, cap, sizeof *at);
    if (!at) return G_NOMEM;
    row->at = at;
    row->cap = cap;
    return 0;
}

/* Room for one more range at place i. */
static int open_place(struct marks_row *row, size_t i) {
    if (reserve_range(row) < 0) return G_NOMEM;
    memmove(row->at + i + 1, row->at + i, (row->count - i) * sizeof *row->at);
    row->count++;
    return 0;
}

static void close_places(struct marks_row *row, size_t i, size_t end) {
    memmove(row->at + i, row->at + end, (row->count - end) * sizeof *row->at);
    row->count -= end - i;
}

int marks_add(struct marks *m, uint32_t partition, uint64_t from, uint64_t to) {
    if (grow_rows(m, partition) < 0) return G_NOMEM;
    struct marks_row *row = &m->rows[partition];
    size_t i = first_reaching(row, from), end = i;
    if (i == row->count || row->at[i].from > to) { /* touches none */
        if (open_place(row, i) < 0) return G_NOMEM;
        row->at[i] = (struct offset_range){from, to};
        return 0;
    }
    while (end < row->count && row->at[end].from <= to) end++;
    if (row->at[i].from < from) from = row->at[i].from;
    if (row->at[end - 1].to > to) to = row->at[end - 1].to;
    row->at[i] = (struct offset_range){from, to};
    close_places(row, i + 1, end);
    return 0;
}

int marks_take(struct marks *m, uint32_t partition, uint64_t offset) {
    if (!marks_have(m, partition, offset)) return 0;
    struct marks_row *row = &m->rows[partition];
    size_t i = first_reaching(row, offset + 1);
    struct offset_range was = row->at[i];
    if (was.from == offset && was.to == offset + 1) {
        close_places(row, i, i + 1);
    } else if (was.from == offset) {
        row->at[i].from++;
    } else if (was.to == offset + 1) {
        row->at[i].to--;
    } else {
        if (open_place(row, i) < 0) return G_NOMEM;
        row->at[i].to = offset;
        row->at[i + 1].from = offset + 1;
    }
    return 0;
}

json_t *marks_to_json(const struct marks *m) {
    json_t *array = json_array();
    for (uint32_t p = 0; array && p < m->count; p++) {
        for (size_t i = 0; array && i < m->rows[p].count; i++) {
            const struct offset_range *r = &m->rows[p].at[i];
            json_t *one = json_pack("[I, I, I]", (json_int_t)p, (json_int_t)r->from, (json_int_t)r->to);
            if (json_array_append_new(array, one) == 0) continue;
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

int marks_from_json(const json_t *array, struct marks *m, struct err *e) {
    size_t i;
    const json_t *one;
    if (!json_is_array(array)) return err_set(e, G_CORRUPT, "there is no array of marks");
    json_array_foreach(array, i, one) {
        uint64_t partition, from, to;
        if (!tree_get_whole(json_array_get(one, 0), TOPIC_PARTITIONS_MAX - 1, &partition) ||
            !tree_get_whole(json_array_get(one, 1), INT64_MAX, &from) ||
            !tree_get_whole(json_array_get(one, 2), INT64_MAX, &to) || from >= to)
            return err_set(e, G_CORRUPT, "mark %zu is no [partition, from, to]", i);
        if (marks_add(m, (uint32_t)partition, from, to) < 0) return err_nomem(e);
    }
    return 0;
}

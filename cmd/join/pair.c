/* SPDX-License-Identifier: Apache-2.0 */
/* Results of two streams: a left record with the fields of a right one, or either alone. See sides.h. */
#include "sides.h"

#include "base/timefmt.h"
#include "json/scan.h"

bool pair_wants_none(const struct sides *k, enum side side) {
    const struct join *j = k->j;
    return side == LEFT ? j->left || j->anti || j->unmatched : k->right;
}

bool pair_is_object(const struct record *r) {
    if (r->value_type != VALUE_JSON) return false;
    const char *end = r->value + r->value_size, *p = json_scan_space(r->value, end);
    return p < end && *p == '{';
}

static int emit(struct sides *k, struct stage *s, const struct record *r, struct err *e) {
    k->j->records_out++;
    k->j->bytes_out += r->value_size;
    int g = sides_tell_first(k, s, e);
    return g < 0 ? g : stage_emit_derived(s, r, e);
}

/* A result that cannot be made goes the way of bad records, under the left record's time. */
static int refuse(struct stage *s, const struct record *left, struct err *e) {
    char where[TIME_TEXT_MAX];
    time_format_rfc3339(left->time, where);
    return stage_refuse(s, left, "result", where, e);
}

static int add_window(struct sides *k, const struct span *window, struct record *made, struct err *e) {
    static const struct row_shape fields = {0};
    char start[TIME_TEXT_MAX], end[TIME_TEXT_MAX], text[2 * TIME_TEXT_MAX + 64];
    time_format_rfc3339(window->start, start);
    time_format_rfc3339(window->end, end);
    int n = snprintf(text, sizeof text, "{\"window_start\":\"%s\",\"window_end\":\"%s\"}", start, end);
    k->row_of = 0;
    int g = row_build(&k->j->pairers[0].merger, &fields, text, (size_t)n, &k->row, e);
    if (g < 0) return g;
    buf_clear(&k->more);
    g = row_merge(&k->j->pairers[0].merger, &fields, made->value, made->value_size,
                  (const struct row *)(const void *)k->row.data, &k->more, e);
    made->value = k->more.data;
    made->value_size = k->more.len;
    return g;
}

/* `text` with the right record's fields. What was made of that one last is still there. */
static int merge(struct sides *k, const char *text, size_t n, const struct record *right, uint64_t number,
                 struct record *made, struct err *e) {
    struct merger *m = &k->j->pairers[0].merger;
    const struct row_shape *shape = &k->j->shape;
    int g = 0;
    if (k->row_of != number + 1) {
        k->row_of = 0;
        g = row_build(m, shape, right->value, right->value_size, &k->row, e);
        if (g < 0) return g;
        k->row_of = number + 1;
    }
    buf_clear(&k->text);
    g = row_merge(m, shape, text, n, (const struct row *)(const void *)k->row.data, &k->text, e);
    made->value = k->text.data;
    made->value_size = k->text.len;
    made->value_type = VALUE_JSON;
    return g;
}

static int finish(struct sides *k, struct stage *s, const struct record *of, struct record *made, int g,
                  const struct span *window, struct err *e) {
    if (g == 0 && window && pair_is_object(made)) g = add_window(k, window, made, e);
    if (g == 0) g = record_check(made, k->j->record_limit, e);
    if (g == G_DATA) return refuse(s, of, e);
    return g < 0 ? g : emit(k, s, made, e);
}

int pair_emit(struct sides *k, struct stage *s, const struct record *left, const struct record *right, uint64_t number,
              const struct span *window, struct err *e) {
    struct record made = *left;
    int g = merge(k, left->value, left->value_size, right, number, &made, e);
    return finish(k, s, left, &made, g, window, e);
}

/* A right one has the names that it would have had beside a left one. */
int pair_none(struct sides *k, struct stage *s, enum side side, const struct record *r, const struct span *window,
              struct err *e) {
    static const struct block_header nothing = {.flags = BLOCK_JSON_VALID};
    struct record made = *r;
    int g = 0;
    if (!pair_wants_none(k, side) && r->value_type != VALUE_NONE) return 0;
    if (side == LEFT && k->j->unmatched && r->value_type != VALUE_NONE)
        return sink_put(k->j->unmatched, &nothing, r, e);
    if (side == RIGHT && r->value_type != VALUE_NONE) g = merge(k, "{}", 2, r, UINT64_MAX - 1, &made, e);
    k->row_of = side == RIGHT ? 0 : k->row_of;
    return finish(k, s, r, &made, g, window, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Results of two streams: a left record with the fields of a right one, or either alone. See sides.h. */
#include "sides.h"

#include "base/timefmt.h"
#include "json/scan.h"

#define NO_NUMBER (UINT64_MAX - 1) /* of none that arrived */

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
static int merge(struct sides *k, const char *text, size_t n, const struct half *right, struct record *made,
                 struct err *e) {
    struct merger *m = &k->j->pairers[0].merger;
    const struct row_shape *shape = &k->j->shape;
    int g = 0;
    if (k->row_of != right->number + 1) {
        k->row_of = 0;
        g = row_build(m, shape, right->r->value, right->r->value_size, &k->row, e);
        if (g < 0) return g;
        k->row_of = right->number + 1;
    }
    buf_clear(&k->text);
    g = row_merge(m, shape, text, n, (const struct row *)(const void *)k->row.data, &k->text, e);
    made->value = k->text.data;
    made->value_size = k->text.len;
    made->value_type = VALUE_JSON;
    return g;
}

/* ---- where both have a layout ---- */

static uint64_t members_kept(struct sides *k, const struct layout *left, const struct layout *right) {
    unsigned l = left->shape, r = right->shape;
    struct meeting *m = &k->meetings[(l * 31 + r) % MEETINGS];
    if (m->left != l + 1 || m->right != r + 1)
        *m = (struct meeting){l + 1, r + 1, shapes_kept(&k->shapes[LEFT], l, &k->shapes[RIGHT], r)};
    return m->kept;
}

/* What a result is copied from. */
struct piece_list {
    size_t count, size;
    struct {
        const char *p;
        size_t n;
    } piece[2 * MEMBERS_MAX + 2];
};

static void add_piece(struct piece_list *of, const char *p, size_t n) {
    of->piece[of->count].p = p;
    of->piece[of->count++].n = n;
    of->size += n;
}

/* Those that lie behind each other go at once. */
static void add_members(const struct layout *of, const char *base, uint64_t kept, bool first, struct piece_list *out) {
    for (unsigned i = 0, next; i < of->members; i = next) {
        next = i + 1;
        if (!(kept >> i & 1)) continue;
        unsigned at = of->member[i].at, end = at + of->member[i].size;
        for (; next < of->members && (kept >> next & 1) && of->member[next].at == end + 1; next++)
            end = of->member[next].at + of->member[next].size;
        if (!first) add_piece(out, ",", 1);
        first = false;
        add_piece(out, base + at, end - at);
    }
}

/* Can it be made of pieces? */
static bool find_pieces(struct sides *k, const struct half *left, const struct half *right, struct piece_list *out) {
    const struct layout *l = left->layout, *r = right->layout;
    if (!l || !r || l->shape == NO_SHAPE || r->shape == NO_SHAPE) return false;
    uint64_t kept = members_kept(k, l, r);
    if (kept == 0 && k->j->shape.nested) return false; /* in the place of the one that is there */
    out->count = out->size = 0;
    add_piece(out, left->r->value, l->last);
    add_members(r, r->text ? (const char *)&r->member[r->members] : right->r->value, kept, l->empty, out);
    add_piece(out, left->r->value + l->last, left->r->value_size - l->last);
    return true;
}

static void copy_pieces(const struct piece_list *from, char *out) {
    for (size_t i = 0; i < from->count; i++) {
        size_t n = from->piece[i].n;
        if (n == 1) /* a comma, a bracket: no call is worth it */
            *out = *from->piece[i].p;
        else
            memcpy(out, from->piece[i].p, n);
        out += n;
    }
}

/* Where the output has it, if it has blocks: 1; 0: it takes the other way. */
static int emit_in_place(struct sides *k, struct stage *s, const struct piece_list *from, const struct record *left,
                         struct err *e) {
    struct record made = *left;
    struct err why;
    char *value;
    made.value_size = from->size;
    if (record_check(&made, k->j->record_limit, &why) < 0) return 0; /* it is refused there */
    int g = sides_tell_first(k, s, e);
    if (g == 0) g = stage_emit_derived_head(s, &made, &value, e);
    if (g <= 0) return g;
    k->j->records_out++;
    k->j->bytes_out += from->size;
    copy_pieces(from, value);
    return 1;
}

static int merge_pieces(struct sides *k, const struct piece_list *from, struct record *made, struct err *e) {
    buf_clear(&k->text);
    if (buf_reserve(&k->text, from->size) < 0) return err_nomem(e);
    copy_pieces(from, k->text.data);
    made->value = k->text.data;
    made->value_size = from->size;
    return 0;
}

static int finish(struct sides *k, struct stage *s, const struct record *of, struct record *made, int g,
                  const struct span *window, struct err *e) {
    if (g == 0 && window && pair_is_object(made)) g = add_window(k, window, made, e);
    if (g == 0) g = record_check(made, k->j->record_limit, e);
    if (g == G_DATA) return refuse(s, of, e);
    return g < 0 ? g : emit(k, s, made, e);
}

int pair_emit(struct sides *k, struct stage *s, const struct half *left, const struct half *right,
              const struct span *window, struct err *e) {
    struct record made = *left->r;
    struct piece_list pieces;
    int g;
    if (find_pieces(k, left, right, &pieces)) {
        g = window ? 0 : emit_in_place(k, s, &pieces, left->r, e);
        if (g != 0) return g < 0 ? g : 0;
        g = merge_pieces(k, &pieces, &made, e);
    } else {
        g = merge(k, left->r->value, left->r->value_size, right, &made, e);
    }
    return finish(k, s, left->r, &made, g, window, e);
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
    if (side == RIGHT && r->value_type != VALUE_NONE) {
        const struct half right = {.r = r, .number = NO_NUMBER};
        g = merge(k, "{}", 2, &right, &made, e);
        k->row_of = 0;
    }
    return finish(k, s, r, &made, g, window, e);
}

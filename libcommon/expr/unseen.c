/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which fields no record had, and what may have been meant. See unseen.h. The plan says once which fields are worth a
 * word; unseen_look is all that runs for a record, as long as one of them was not seen.
 */
#include "expr/unseen.h"

#include <stdlib.h>

#include "expr/eval_impl.h"

#define FIELDS_MAX 256                     /* programs with more are not looked at */
#define KEPT_MAX_BYTES ((size_t)256 << 10) /* of a run */
#define PATH_MAX_NAMES 16u                 /* nobody spells deeper ones */
#define NAME_MAX_BYTES 63u                 /* nor do longer names */

/* A field of the set, by its slot. */
struct unseen_field {
    const struct field_path *path; /* NULL: no program reads it */
    bool expected;                 /* that it is missing */
};

struct unseen_watch {
    struct unseen_field *fields;
    uint32_t n;
    struct buf has; /* struct value: names that has() asks for */
    bool no_memory;
};

/* ---- what a plan says of a field's absence ---- */

enum use { USE_VALUE, USE_TRUTH, USE_EXPECTED };

static void note(struct unseen_watch *w, const struct node *n, enum use use) {
    if (!n || n->type != N_FIELD) return;
    w->fields[n->slot].path = n->path;
    w->fields[n->slot].expected |= use != USE_VALUE;
}

/* Of a part: what is provided for outside is provided for inside. */
static enum use part(enum use outer, enum use own) {
    return outer == USE_EXPECTED ? outer : own;
}

static bool is_null(const struct node *n) {
    return n->type == N_CONST && n->value.kind == VK_NULL;
}

static void seek(struct unseen_watch *w, const struct node *n, const struct node *in, enum use use);

static void seek_parts(struct unseen_watch *w, const struct node *n, const struct node *in, enum use use) {
    const struct node *const parts[] = {n->a, n->b, n->c, n->d};
    for (int i = 0; i < 4; i++) seek(w, parts[i], in, use);
    for (uint32_t i = 0; i < n->n; i++) seek(w, n->list[i], in, use);
}

/* A field in front of what names its members by itself (`.a | .b`) is not read for its own sake. */
static void seek_pipe(struct unseen_watch *w, const struct node *n, const struct node *in, enum use use) {
    if (n->a->type != N_FIELD || n->b->reads_input) seek(w, n->a, in, part(use, USE_VALUE));
    seek(w, n->b, n->a->type == N_IDENTITY ? in : n->a, use);
}

static void seek_call(struct unseen_watch *w, const struct node *n, const struct node *in, enum use use) {
    const char *name = n->func->name;
    if (strcmp(name, "type") == 0 || strcmp(name, "not") == 0) note(w, in, USE_EXPECTED);
    if (strcmp(name, "has") == 0 && n->plain && n->list[0]->value.kind == VK_STRING)
        w->no_memory |= buf_append(&w->has, &n->list[0]->value, sizeof n->list[0]->value) < 0;
    seek_parts(w, n, in, part(use, USE_VALUE));
}

/* `in`: the node whose result `.` is, where that is known. */
static void seek(struct unseen_watch *w, const struct node *n, const struct node *in, enum use use) {
    if (!n) return;
    switch ((enum node_type)n->type) {
    case N_FIELD: note(w, n, use); return;
    case N_PIPE: seek_pipe(w, n, in, use); return;
    case N_CALL: seek_call(w, n, in, use); return;
    case N_BIND: /* $x of a field is that field, wherever it stands */
        if (n->a->type != N_FIELD) seek(w, n->a, in, part(use, USE_VALUE));
        seek(w, n->b, in, use);
        return;
    case N_IF:
        seek(w, n->a, in, part(use, USE_TRUTH));
        seek(w, n->b, in, use);
        seek(w, n->c, in, use);
        return;
    case N_TRY:
        note(w, in, USE_EXPECTED);
        use = USE_EXPECTED;
        break;
    case N_ALTERNATIVE: use = USE_EXPECTED; break;
    case N_COMPARE: use = part(use, is_null(n->a) || is_null(n->b) ? USE_EXPECTED : USE_VALUE); break;
    case N_AND:
    case N_OR:
    case N_ANY: use = part(use, USE_TRUTH); break;
    case N_COMMA:
    case N_FIRST:
    case N_LABEL:
    case N_LIMIT: break;
    default: use = part(use, USE_VALUE); break;
    }
    seek_parts(w, n, in, use);
}

static bool same_name(const struct field_path *p, const char *name, size_t n) {
    return p->n == n && memcmp(p->name, name, n) == 0;
}

/* Is `p` that path, or one that leads to it? */
static bool leads_to(const struct field_path *p, const struct field_path *to) {
    if (p->depth > to->depth) return false;
    while (to->depth > p->depth) to = to->parent;
    for (; p->parent; p = p->parent, to = to->parent)
        if (!same_name(p, to->name, to->n)) return false;
    return true;
}

static bool is_expected(const struct unseen_watch *w, const struct field_path *path) {
    const struct value *has = (const struct value *)(const void *)w->has.data;
    for (uint32_t i = 0; i < w->n; i++)
        if (w->fields[i].expected && leads_to(w->fields[i].path, path)) return true;
    for (const struct field_path *p = path; p->parent; p = p->parent)
        for (size_t i = 0; i < w->has.len / sizeof *has; i++)
            if (same_name(p, has[i].text, has[i].n)) return true;
    return false;
}

int unseen_watch(struct expr_set *s, const struct expr *condition) {
    struct unseen_watch *w = calloc(1, sizeof *w);
    s->watch = w;
    if (w) w->fields = calloc(s->field_count + 1, sizeof *w->fields);
    if (!w || !w->fields) return G_NOMEM;
    w->n = s->field_count;
    for (size_t i = 0; i < s->n; i++) {
        const struct expr *x = s->programs[i];
        if (x->engine == EXPR_NATIVE) seek(w, x->root, NULL, x == condition ? USE_TRUTH : USE_VALUE);
    }
    return w->no_memory ? G_NOMEM : 0;
}

void unseen_watch_free(struct unseen_watch *w) {
    if (!w) return;
    free(w->fields);
    buf_release(&w->has);
    free(w);
}

/* ---- while records come ---- */

int unseen_begin(struct expr_run *r) {
    const struct unseen_watch *w = r->set->watch;
    struct unseen_run *u = &r->unseen;
    if (!w || w->n == 0 || w->n > FIELDS_MAX) return 0;
    u->slots = calloc(w->n, sizeof *u->slots);
    if (!u->slots) return G_NOMEM;
    for (uint32_t i = 0; i < w->n; i++)
        if (w->fields[i].path && !is_expected(w, w->fields[i].path)) u->slots[u->n++] = i;
    return 0;
}

void unseen_release(struct expr_run *r) {
    free(r->unseen.slots);
    buf_release(&r->unseen.kept);
}

/* Without memory for it a record is not kept. */
static void keep(struct unseen_run *u, const struct record *record) {
    uint32_t size = (uint32_t)record->value_size;
    if (record->value_size + sizeof size + u->kept.len > KEPT_MAX_BYTES) return;
    if (buf_reserve(&u->kept, sizeof size + size) < 0) return;
    buf_append_fast(&u->kept, &size, sizeof size);
    buf_append_fast(&u->kept, record->value, size);
}

void unseen_look(struct expr_run *r) {
    struct unseen_run *u = &r->unseen;
    for (uint32_t i = 0; i < u->n;) {
        if (r->found[u->slots[i]].type == JSON_TYPE_NONE)
            i++;
        else
            u->slots[i] = u->slots[--u->n];
    }
    if (u->n == 0) return;
    /* Records 1, 2, 4, 8, … are kept, so that they are of all kinds that come. */
    if ((u->looked & (u->looked + 1)) == 0) keep(u, r->in.record);
    u->looked++;
}

/* ---- what may have been meant ---- */

struct search {
    const struct unseen_watch *watch;
    unseen_distance *distance;
    struct heap heap;
    struct json_name typed[PATH_MAX_NAMES], now[PATH_MAX_NAMES], best[PATH_MAX_NAMES];
    uint32_t depth;
    size_t best_distance;
};

/* Do programs read this path as well? Then it is not what another one means. */
static bool is_read(const struct search *s, const struct json_name *names) {
    for (uint32_t i = 0; i < s->watch->n; i++) {
        const struct field_path *p = s->watch->fields[i].path;
        if (!p || p->depth != s->depth) continue;
        for (uint32_t k = s->depth; k-- > 0 && same_name(p, names[k].p, names[k].n);) p = p->parent;
        if (!p->parent) return true;
    }
    return false;
}

static size_t name_distance(struct search *s, struct json_name typed, struct json_name name) {
    char a[NAME_MAX_BYTES + 1], b[NAME_MAX_BYTES + 1];
    if (typed.n > NAME_MAX_BYTES || name.n > NAME_MAX_BYTES) return SIZE_MAX;
    if (memchr(typed.p, 0, typed.n) || memchr(name.p, 0, name.n)) return SIZE_MAX;
    memcpy(a, typed.p, typed.n);
    memcpy(b, name.p, name.n);
    a[typed.n] = b[name.n] = '\0';
    return s->distance(a, b);
}

/* The member of `object` whose name is the nearest one; its distance, SIZE_MAX for none. */
static size_t nearest_member(struct search *s, struct value object, uint32_t at, struct value *ret) {
    struct json_name name, nearest = {0};
    struct value_iter it;
    struct value text, v;
    size_t least = SIZE_MAX;
    value_iter_init(&it, object);
    while (value_iter_next(&s->heap, &it, &text, &v) > 0) {
        if (value_string(&s->heap, text, &name.p, &name.n) < 0) break;
        s->now[at] = name;
        if (at + 1 == s->depth && is_read(s, s->now)) continue;
        size_t distance = name_distance(s, s->typed[at], name);
        if (distance >= least) continue;
        least = distance;
        nearest = name;
        *ret = v;
    }
    s->now[at] = nearest;
    return least;
}

/* The typed path in this record, each name that is not there as the nearest one that is. */
static void search_record(struct search *s, struct value v) {
    size_t sum = 0;
    for (uint32_t i = 0; i < s->depth; i++) {
        if (v.kind != VK_OBJECT) return;
        s->now[i] = s->typed[i];
        if (value_has_member(&s->heap, v, s->typed[i].p, s->typed[i].n, &v)) continue;
        size_t distance = nearest_member(s, v, i, &v);
        if (distance == SIZE_MAX) return;
        sum += distance;
    }
    if (sum >= s->best_distance || is_read(s, s->now)) return;
    s->best_distance = sum;
    memcpy(s->best, s->now, sizeof s->best);
}

static void search_run(struct search *s, const struct unseen_run *u) {
    for (size_t at = 0; at < u->kept.len;) {
        uint32_t size;
        struct value v;
        memcpy(&size, u->kept.data + at, sizeof size);
        at += sizeof size;
        if (value_parse(&s->heap, u->kept.data + at, size, &v) == 0) search_record(s, v);
        at += size;
    }
}

/* ---- all of it ---- */

static bool is_plain(struct json_name name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    if (name.n == 0 || (name.p[0] >= '0' && name.p[0] <= '9')) return false;
    for (size_t i = 0; i < name.n; i++)
        if (!name.p[i] || !strchr(letters, name.p[i])) return false;
    return true;
}

/* As an expression: .user."first name". NULL: no memory. */
static const char *write_names(struct heap *h, const struct json_name *names, uint32_t n, struct buf *out) {
    buf_clear(out);
    for (uint32_t i = 0; i < n; i++) {
        if (buf_putc(out, '.') < 0) return NULL;
        int g = is_plain(names[i]) ? buf_append(out, names[i].p, names[i].n)
                                   : value_write(h, value_text(names[i].p, names[i].n), out);
        if (g < 0) return NULL;
    }
    return buf_cstr(out);
}

static bool run_lacks(const struct unseen_run *u, uint32_t slot) {
    for (uint32_t i = 0; i < u->n; i++)
        if (u->slots[i] == slot) return true;
    return false;
}

/* Was there a record to look at, and had none the field? */
static bool is_unseen(struct expr_run *const *runs, size_t n, uint32_t slot) {
    uint64_t looked = 0;
    for (size_t i = 0; i < n; i++) {
        if (!runs[i]) continue;
        if (!run_lacks(&runs[i]->unseen, slot)) return false;
        looked += runs[i]->unseen.looked;
    }
    return looked > 0;
}

/* Only the first part of a path is told of, where programs read both. */
static bool is_told(const struct unseen_watch *w, struct expr_run *const *runs, size_t n, uint32_t slot) {
    for (uint32_t i = 0; i < w->n; i++)
        if (i != slot && w->fields[i].path && leads_to(w->fields[i].path, w->fields[slot].path) &&
            is_unseen(runs, n, i))
            return true;
    return false;
}

static bool is_in_every_record(struct expr_run *const *runs, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (runs[i] && runs[i]->unseen.looked != runs[i]->unseen.begun) return false;
    return true;
}

/* The path of a slot, and what is near it. False: no memory. */
static bool tell_one(struct search *s, const struct field_path *p, struct expr_run *const *runs, size_t n,
                     void (*tell)(void *ctx, const struct unseen *u), void *ctx) {
    struct buf path = {0}, near = {0};
    s->depth = p->depth;
    s->best_distance = SIZE_MAX;
    for (uint32_t i = p->depth; i-- > 0; p = p->parent) s->typed[i] = (struct json_name){p->name, p->n};
    for (size_t i = 0; i < n; i++)
        if (runs[i]) search_run(s, &runs[i]->unseen);
    bool found = s->best_distance < SIZE_MAX;
    const struct unseen u = {.path = write_names(&s->heap, s->typed, s->depth, &path),
                             .near = found ? write_names(&s->heap, s->best, s->depth, &near) : NULL,
                             .in_every_record = is_in_every_record(runs, n)};
    bool whole = u.path && (u.near || !found);
    if (whole) tell(ctx, &u);
    buf_release(&path);
    buf_release(&near);
    return whole;
}

void unseen_each(const struct expr_set *s, struct expr_run *const *runs, size_t n, unseen_distance *distance,
                 void (*tell)(void *ctx, const struct unseen *u), void *ctx) {
    const struct unseen_watch *w = s->watch;
    bool whole = true;
    for (uint32_t slot = 0; whole && w && slot < w->n; slot++) {
        const struct field_path *p = w->fields[slot].path;
        if (!p || p->depth > PATH_MAX_NAMES || !is_unseen(runs, n, slot) || is_told(w, runs, n, slot)) continue;
        struct search search = {.watch = w, .distance = distance};
        heap_init(&search.heap, 0);
        whole = tell_one(&search, p, runs, n, tell, ctx);
        heap_release(&search.heap);
    }
}

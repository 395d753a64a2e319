/* SPDX-License-Identifier: Apache-2.0 */
/* Letters counted by tool, source and general reason. See redrive.h. */
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "redrive.h"

#define KINDS_MAX 10000
#define NAME_MAX_BYTES 255 /* of a tool or source that is shown */

struct kind {
    uint64_t count;
    size_t order;                 /* that it was met in */
    char *tool, *source, *reason; /* NULL: there is none */
    int64_t first, last;          /* NO_TIME: none */
};

int kinds_init(struct kinds *k, struct err *e) {
    return hashmap_init(&k->index, e);
}

void kinds_release(struct kinds *k) {
    for (size_t i = 0; i < k->count; i++) {
        free(k->at[i].tool);
        free(k->at[i].source);
        free(k->at[i].reason);
    }
    free(k->at);
    hashmap_release(&k->index);
    buf_release(&k->key);
}

static struct text shortened(struct text t) {
    if (t.n > NAME_MAX_BYTES) t.n = NAME_MAX_BYTES;
    return t;
}

/* A text's length, then it: no two of them can run into each other. */
static int add_to_key(struct buf *key, struct text t) {
    return buf_append(key, &t.n, sizeof t.n) < 0 || buf_append(key, t.p ? t.p : "", t.n) < 0 ? G_NOMEM : 0;
}

static char *copy(struct text t) {
    return strndup(t.p ? t.p : "", t.n);
}

static int new_kind(struct kinds *k, struct text tool, struct text source, struct text reason, struct err *e) {
    struct kind *at = reallocarray(k->at, k->count + 1, sizeof *at);
    if (!at) return err_nomem(e);
    k->at = at;
    at[k->count] = (struct kind){.order = k->count,
                                 .tool = tool.p ? copy(tool) : NULL,
                                 .source = source.p ? copy(source) : NULL,
                                 .reason = reason.p ? copy(reason) : NULL,
                                 .first = NO_TIME,
                                 .last = NO_TIME};
    struct kind *new = &at[k->count++];
    bool failed = (tool.p && !new->tool) || (source.p && !new->source) || (reason.p && !new->reason);
    return failed || hashmap_put(&k->index, k->key.data, k->key.len, k->count - 1) < 0 ? err_nomem(e) : 0;
}

static int find_kind(struct kinds *k, struct text tool, struct text source, struct text reason, struct kind **ret,
                     struct err *e) {
    uint64_t i = k->count;
    buf_clear(&k->key);
    if (add_to_key(&k->key, tool) < 0 || add_to_key(&k->key, source) < 0 || add_to_key(&k->key, reason) < 0)
        return err_nomem(e);
    int g = hashmap_get(&k->index, k->key.data, k->key.len, &i) ? 0 : new_kind(k, tool, source, reason, e);
    if (g == 0) *ret = &k->at[i];
    return g;
}

int kinds_add(struct kinds *k, const struct letter *l, struct err *e) {
    static const char others[] = "(other reasons)";
    struct buf general = {0};
    struct kind *kind = NULL;
    int64_t t;
    int g = letter_general_reason(&l->why, &general) < 0 ? err_nomem(e) : 0;
    const struct text reason = {l->why.p ? general.data ? general.data : "" : NULL, general.len};
    const struct text more = {others, strlen(others)}, none = {0};
    if (g == 0 && k->count < KINDS_MAX)
        g = find_kind(k, shortened(l->tool), shortened(letter_source_name(&l->source)), reason, &kind, e);
    else if (g == 0)
        g = find_kind(k, none, none, more, &kind, e);
    buf_release(&general);
    if (g < 0) return g;
    kind->count++;
    if (!l->time.p || time_parse(l->time.p, l->time.n, NULL, &t, NULL) < 0) return 0;
    if (kind->first == NO_TIME || t < kind->first) kind->first = t;
    if (kind->last == NO_TIME || t > kind->last) kind->last = t;
    return 0;
}

static int by_count(const void *a, const void *b) {
    const struct kind *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void put_time(struct rows *rows, const char *name, int64_t t) {
    char text[TIME_TEXT_MAX];
    time_format_rfc3339(t, text);
    rows_text(rows, name, t == NO_TIME ? NULL : text);
}

int kinds_print(struct kinds *k, struct rows *rows, struct err *e) {
    int g = 0;
    if (k->count) qsort(k->at, k->count, sizeof *k->at, by_count);
    for (size_t i = 0; g == 0 && i < k->count; i++) {
        const struct kind *kind = &k->at[i];
        rows_number(rows, "count", kind->count);
        rows_text(rows, "tool", kind->tool);
        rows_text(rows, "source", kind->source);
        rows_text(rows, "reason", kind->reason);
        put_time(rows, "first", kind->first);
        put_time(rows, "last", kind->last);
        g = rows_end(rows, e);
    }
    return g;
}

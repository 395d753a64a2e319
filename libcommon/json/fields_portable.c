/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding fields from member to member, into those objects that paths lead through and over all other values, in plain
 * C. What runs where there is no SIMD path, and what the SIMD paths fall back on for a member that is not simple.
 */
#include "json/fields_impl.h"

/* Over the key at p (its opening quote), the colon and space, to the value; NULL when the text is no such thing. */
static const char *read_key(const struct field_steps *w, const char *p, const struct json_field_entry **ret_child) {
    bool escaped;
    const char *key = p + 1;
    const char *close = json_scan_string(key, w->end, &escaped);
    if (!close) return NULL;
    size_t n = (size_t)(close - key);
    *ret_child = escaped ? json_field_child_escaped(w->f, w->node, key, n)
                         : field_child(w->f, w->node, key, n, (size_t)(w->end - key));
    p = json_scan_space(close + 1, w->end);
    if (p == w->end || *p != ':') return NULL;
    p = json_scan_space(p + 1, w->end);
    return p < w->end ? p : NULL;
}

static void value_set(struct field_steps *w, uint32_t slot, const char *p, const char *behind) {
    struct json_slice *ret = &w->ret[slot];
    enum json_type type = (enum json_type)json_field_type[(unsigned char)*p];
    if (ret->type != JSON_TYPE_NONE || type == JSON_TYPE_NONE) return;
    *ret = (struct json_slice){.p = p, .n = (size_t)(behind - p), .type = type};
    w->missing--;
}

static const char *member(struct field_steps *w, const char *p) {
    const struct json_field_entry *child;
    p = read_key(w, p, &child);
    if (!p) return NULL;
    if (child && *p == '{' && w->f->nodes[child->node].inner) return field_enter(w, child, p);
    const char *behind = json_scan_value(p, w->end);
    if (behind && child && child->slot != FIELD_NONE) value_set(w, child->slot, p, behind);
    return behind;
}

const char *json_field_step(struct field_steps *w, const char *p) {
    p = json_scan_space(p, w->end);
    if (p == w->end) return NULL;
    if (*p == ',') return p + 1;
    if (*p == '"') return member(w, p);
    if (*p != '}' || w->node == 0) return NULL;
    const struct json_field_node *node = &w->f->nodes[w->node];
    if (node->slot != FIELD_NONE) value_set(w, node->slot, w->ret[node->slot].p, p + 1);
    w->node = node->parent;
    return p + 1;
}

unsigned json_fields_find_portable(const struct json_fields *f, const char *text, size_t len, size_t slack,
                                   struct json_slice *ret) {
    struct field_steps w = {.f = f, .end = text + len, .ret = ret, .missing = f->slots};
    (void)slack;
    const char *p = fields_begin(f, text, w.end, ret);
    while (p && w.missing) p = json_field_step(&w, p);
    return fields_end(f, f->slots - w.missing, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a run knows about the record in hand: its value, its fields, $key and its kin. See eval_impl.h. */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "expr/eval_impl.h"
#include "expr/value_index.h"
#include "sys/signals.h"
#include "json/base64.h"
#include "json/scan.h"

#define STEPS_BETWEEN_LOOKS 4096 /* at whether a signal came */

int run_step(struct expr_run *r) {
    if (++r->steps % STEPS_BETWEEN_LOOKS != 0) return 0;
    if (signals_stop()) return G_STOPPED;
    return r->steps_max && r->steps > r->steps_max ? G_NOMEM : 0;
}

int run_deeper(struct expr_run *r) {
    if (__builtin_expect((const char *)__builtin_frame_address(0) > r->stack_floor, 1)) return 0;
    r->too_deep = true; /* no error that `try` could catch: the answer must not depend on the size of the stack */
    return G_NOMEM;
}

/* Bytes as a string: themselves if they are UTF-8, else in base64. */
static int string_of_bytes(struct expr_run *r, const char *p, size_t n, struct value *ret) {
    if (n > UINT32_MAX / 2) return heap_throw(&r->heap, "value is too long for a string");
    if (utf8_validate(p, n) == n) {
        *ret = value_text(p, n);
        return 0;
    }
    buf_clear(&r->text);
    if (base64_encode(&r->text, p, n) < 0) return G_NOMEM;
    return value_copy_text(&r->heap, r->text.data, r->text.len, ret);
}

static struct value trimmed(const char *p, size_t n) {
    const char *end = p + n;
    p = json_scan_space(p, end);
    while (end > p && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
    return value_raw(p, (size_t)(end - p));
}

int run_root(struct expr_run *r, struct value *ret) {
    const struct record *record = r->in.record;
    int g = 0;
    if (!r->root_ready) {
        if (record->value_type == VALUE_JSON)
            r->root = trimmed(record->value, record->value_size);
        else if (record->value_type == VALUE_NONE)
            r->root = value_null();
        else
            g = string_of_bytes(r, record->value, record->value_size, &r->root);
        if (g < 0) return g;
        r->root_ready = true;
    }
    *ret = r->root;
    return 0;
}

/* ---- fields ---- */

static void find_fields(struct expr_run *r) {
    const struct record *record = r->in.record;
    r->found_ready = true;
    if (record->value_type == VALUE_JSON) {
        (void)json_fields_find(&r->set->fields, record->value, record->value_size, r->in.slack, r->found);
        if (r->unseen.n) unseen_look(r);
    } else {
        memset(r->found, 0, r->set->field_count * sizeof *r->found);
    }
}

/* What is missing is null, or an error when a parent is neither an object nor null: step by step tells. */
static int missing_field(struct expr_run *r, const struct node *n, const struct field_path *path, struct value *ret) {
    struct value parent;
    int g = path->parent->parent ? missing_field(r, n, path->parent, &parent) : run_root(r, &parent);
    if (g < 0) return g;
    r->at = n;
    return value_index_name(&r->heap, parent, path->name, path->n, ret);
}

static const uint8_t kind_of_type[] = {
    [JSON_TYPE_NULL] = VK_NULL,     [JSON_TYPE_FALSE] = VK_FALSE,   [JSON_TYPE_TRUE] = VK_TRUE,
    [JSON_TYPE_NUMBER] = VK_NUMBER, [JSON_TYPE_STRING] = VK_STRING, [JSON_TYPE_ARRAY] = VK_ARRAY,
    [JSON_TYPE_OBJECT] = VK_OBJECT};

int run_field(struct expr_run *r, const struct node *n, struct value *ret) {
    if (!r->found_ready) find_fields(r);
    const struct json_slice *s = &r->found[n->slot];
    if (s->type == JSON_TYPE_NONE) return missing_field(r, n, n->path, ret);
    uint8_t kind = kind_of_type[s->type];
    *ret = value_head(kind, VF_RAW, kind <= VK_TRUE ? 0 : (uint32_t)s->n);
    ret->text = s->p; /* of null, false and true nobody looks at it */
    return 0;
}

/* ---- $key, $time, … ---- */

/* Seconds since 1970 with as many decimals as the time has: exact, since numbers keep their text. */
static int time_value(struct expr_run *r, int64_t ns, struct value *ret) {
    if (ns == NO_TIME) {
        *ret = value_null();
        return 0;
    }
    if (ns % 1000000000 == 0) {
        *ret = value_int(ns / 1000000000);
        return 0;
    }
    uint64_t whole = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
    char text[40];
    int n = snprintf(text, sizeof text, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "", whole / 1000000000,
                     whole % 1000000000);
    while (text[n - 1] == '0') n--;
    char *copy = heap_alloc(&r->heap, (size_t)n);
    if (!copy) return G_NOMEM;
    memcpy(copy, text, (size_t)n);
    *ret = value_raw(copy, (size_t)n);
    return 0;
}

static int headers_value(struct expr_run *r, struct value *ret) {
    const struct record *record = r->in.record;
    struct value object = value_object();
    struct header_view header;
    size_t at = 0;
    while (record_header_next(record->headers, record->headers_size, &at, &header)) {
        struct value name, v;
        int g = string_of_bytes(r, header.name, header.name_size, &name);
        if (g == 0) g = string_of_bytes(r, header.value, header.value_size, &v);
        if (g == 0) g = object_set_owned(&r->heap, &object, name.text, name.n, v);
        if (g < 0) return g;
    }
    *ret = object;
    return 0;
}

int run_variable(struct expr_run *r, enum record_var which, struct value *ret) {
    const struct record *record = r->in.record;
    *ret = value_null();
    switch (which) {
    case RECORD_KEY: return record->has_key ? string_of_bytes(r, record->key, record->key_size, ret) : 0;
    case RECORD_TIME: return time_value(r, record->time, ret);
    case RECORD_TOPIC:
        if (r->in.topic) *ret = value_text(r->in.topic, strlen(r->in.topic));
        return 0;
    case RECORD_PARTITION:
        if (r->in.partition >= 0) *ret = value_int(r->in.partition);
        return 0;
    case RECORD_OFFSET:
        if (r->in.has_offset) *ret = value_int((int64_t)record->offset);
        return 0;
    default: return headers_value(r, ret);
    }
}

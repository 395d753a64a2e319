/* SPDX-License-Identifier: Apache-2.0 */
/* Which letters are wanted, and the records that they are to be. See redrive.h. */
#include <stdlib.h>
#include <string.h>

#include "redrive.h"

int repair_init(struct repair *x, const struct repair_options *o, enum expr_engine engine, struct err *e) {
    x->reason = o->reason;
    x->letters = expr_set_new(engine);
    x->values = expr_set_new(engine);
    if (!x->letters || !x->values) return err_nomem(e);
    int g = o->where ? expr_add(x->letters, "--where", o->where, &x->where, e) : 0;
    if (g == 0 && o->map) g = expr_add(x->letters, "--map", o->map, &x->map, e);
    if (g == 0) g = key_field_init(&x->key, x->values, "--key", o->key, e);
    if (g == 0) g = time_field_init(&x->time, x->values, o->time, o->time_format, o->tz, e);
    if (g == 0 && (x->where || x->map)) g = expr_run_new(x->letters, &x->on_letter, e);
    if (g == 0 && (x->key.used || x->time.used)) g = expr_run_new(x->values, &x->on_value, e);
    if (g == 0 && json_validator_init(&x->json, NULL) < 0) g = err_nomem(e);
    x->has_json = g == 0;
    return g;
}

void repair_release(struct repair *x) {
    expr_run_free(x->on_letter);
    expr_run_free(x->on_value);
    time_field_release(&x->time);
    expr_set_free(x->letters);
    expr_set_free(x->values);
    if (x->has_json) json_validator_release(&x->json);
    buf_release(&x->general);
    buf_release(&x->headers);
    buf_release(&x->text);
}

int repair_unmask(struct repair *x, struct record *r, struct err *e) {
    struct json_fault fault;
    int g = r->value_type == VALUE_JSON ? json_validate(&x->json, r->value, r->value_size, &fault) : 0;
    if (g == 0) return 0;
    if (g != G_DATA) return err_nomem(e);
    r->value_type = VALUE_BYTES;
    return err_set(e, G_DATA, "value is not JSON: %s at byte %zu", fault.reason, fault.at);
}

static bool has_text(const char *p, size_t n, const char *text) {
    return memmem(p ? p : "", n, text, strlen(text)) != NULL;
}

static int has_reason(struct repair *x, const struct letter *l, bool *ret, struct err *e) {
    buf_clear(&x->general);
    if (letter_general_reason(&l->why, &x->general) < 0) return err_nomem(e);
    *ret = has_text(l->why.p, l->why.n, x->reason) || has_text(x->general.data, x->general.len, x->reason);
    return 0;
}

/* Expressions see the letter; a value that lies about being JSON is its text. */
static int begin(struct repair *x, const struct letter *l, struct record *seen, struct err *e) {
    *seen = l->record;
    seen->offset = l->id.offset;
    int g = repair_unmask(x, seen, e);
    if (g < 0 && g != G_DATA) return g;
    const struct expr_input in = {.record = seen,
                                  .slack = l->slack,
                                  .topic = x->topic,
                                  .partition = x->topic ? (int64_t)l->id.partition : -1,
                                  .has_offset = true};
    expr_begin(x->on_letter, &in);
    return 0;
}

int repair_wants(struct repair *x, const struct letter *l, bool *ret, struct err *e) {
    struct record seen;
    *ret = true;
    int g = x->reason ? has_reason(x, l, ret, e) : 0;
    if (g < 0 || !*ret || !x->where) return g;
    g = begin(x, l, &seen, e);
    return g < 0 ? g : expr_true(x->on_letter, x->where, ret, e);
}

struct result {
    struct repair *x;
    struct err *e;
};

static int take_result(void *ctx, struct expr_run *run, struct value v) {
    struct result *to = ctx;
    if (to->x->results++ > 0) return err_set(to->e, G_DATA, "--map gives more than one result");
    return expr_value_write(run, v, &to->x->text, to->e);
}

static int map_value(struct repair *x, const struct letter *l, struct record *r, struct err *e) {
    struct record seen;
    struct result to = {x, e};
    if (!x->map || r->value_type == VALUE_NONE) return 0;
    int g = begin(x, l, &seen, e);
    buf_clear(&x->text);
    x->results = 0;
    if (g == 0) g = expr_each(x->on_letter, x->map, take_result, &to, e);
    if (g == 0 && x->results == 0) g = err_set(e, G_DATA, "--map gives no result");
    r->value_type = VALUE_JSON;
    r->value = x->text.data;
    r->value_size = x->text.len;
    return g;
}

static int set_fields(struct repair *x, struct record *r, struct err *e) {
    if (!x->on_value || r->value_type == VALUE_NONE) return 0; /* a tombstone has no fields, but its own key */
    const struct expr_input in = {.record = r, .partition = -1};
    expr_begin(x->on_value, &in);
    int g = x->key.used ? key_field_get(&x->key, x->on_value, &r->key, &r->key_size, e) : 0;
    if (g < 0) return g;
    if (x->key.used) {
        r->has_key = g == 1;
        if (g == 0) r->key_size = 0;
    }
    return x->time.used ? time_field_get(&x->time, x->on_value, &r->time, e) : 0;
}

int repair_letter(struct repair *x, const struct letter *l, struct record *ret, struct err *e) {
    struct record r = l->record;
    buf_clear(&x->headers);
    int g = letter_strip_headers(&l->record, &x->headers, e);
    if (g == 0) g = map_value(x, l, &r, e);
    r.headers = x->headers.data;
    r.headers_size = x->headers.len;
    if (g == 0) g = repair_unmask(x, &r, e);
    if (g == 0) g = set_fields(x, &r, e);
    if (g == 0) *ret = r;
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Times, keys and headers out of records. See record_field.h. */
#include "expr/record_field.h"

#include <stdio.h>

void record_begin(struct expr_run *run, const struct stage *s, const struct record *r) {
    bool placed = !s->text && s->like->topic_id != 0;
    const struct expr_input in = {
        .record = r,
        .slack = stage_slack(s, r),
        .topic = s->origin.topic,
        .partition = placed ? (int64_t)s->origin.partition : -1,
        .has_offset = placed,
    };
    expr_begin(run, &in);
}

void record_begin_ahead(struct expr_run *run, const struct block_origin *from, const char *body,
                        const struct record *r) {
    bool placed = from->h->topic_id != 0;
    const struct expr_input in = {
        .record = r,
        .slack = (size_t)(body + from->h->raw_size - r->value) - r->value_size,
        .topic = from->topic,
        .partition = placed ? (int64_t)from->h->partition : -1,
        .has_offset = placed,
    };
    expr_begin(run, &in);
}

int time_field_init(struct time_field *f, struct expr_set *set, const char *expression, const char *format,
                    const char *zone, struct err *e) {
    *f = (struct time_field){.expression = expression, .format = format};
    if (!expression) {
        if (format) return err_set(e, G_USAGE, "--time-format needs --time");
        return 0;
    }
    int g = expr_add(set, "--time", expression, &f->expr, e);
    if (g == 0 && format) g = time_format_check(format, e);
    if (g == 0 && zone) g = time_zone_load(zone, &f->zone, e);
    f->used = g == 0;
    if (g < 0) time_field_release(f);
    return g;
}

void time_field_release(struct time_field *f) {
    if (!f) return;
    time_zone_free(f->zone);
    f->zone = NULL;
}

/* The value stands in the message as JSON, cut to a moderate length. */
static int not_a_time(const struct time_field *f, struct expr_run *run, struct value v, const char *why,
                      struct err *e) {
    struct buf text = {0};
    char reason[sizeof e->text];
    (void)snprintf(reason, sizeof reason, "%s", why);
    int g = expr_value_write(run, v, &text, e);
    if (g == 0)
        g = err_set(e, G_DATA, "time %s is %.*s%s: %.300s", f->expression, text.len > 60 ? 60 : (int)text.len,
                    text.data, text.len > 60 ? "…" : "", reason);
    buf_release(&text);
    return g;
}

int time_field_get(const struct time_field *f, struct expr_run *run, int64_t *ret_ns, struct err *e) {
    struct value v;
    struct err why = {0};
    const char *p;
    size_t n;
    int g = expr_first(run, f->expr, &v, e);
    if (g < 0) return g;
    if (g == 0 || v.kind == VK_NULL) return err_set(e, G_DATA, "record has no time %s", f->expression);
    if (v.kind != VK_STRING && v.kind != VK_NUMBER) return not_a_time(f, run, v, "not a time", e);
    g = expr_value_bytes(run, v, &p, &n, e);
    if (g < 0) return g;
    g = f->format && v.kind == VK_STRING ? time_parse_format(f->format, p, n, f->zone, ret_ns, &why)
                                         : time_parse(p, n, f->zone, ret_ns, &why);
    return g < 0 ? not_a_time(f, run, v, why.text, e) : 0;
}

int key_field_init(struct key_field *f, struct expr_set *set, const char *option, const char *expression,
                   struct err *e) {
    *f = (struct key_field){0};
    if (!expression) return 0;
    int g = expr_add(set, option, expression, &f->expr, e);
    f->used = g == 0;
    return g;
}

int key_field_get(const struct key_field *f, struct expr_run *run, const char **ret, size_t *ret_size, struct err *e) {
    struct value v;
    int g = expr_first(run, f->expr, &v, e);
    if (g <= 0) return g;
    if (v.kind == VK_NULL) return 0;
    g = expr_value_bytes(run, v, ret, ret_size, e);
    return g < 0 ? g : 1;
}

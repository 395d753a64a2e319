/* SPDX-License-Identifier: Apache-2.0 */
/* From records to points: which number, where it stands, and in which series. See chart.h. */
#include <math.h>

#include "chart.h"

#include "base/timefmt.h"
#include "json/members.h"

static bool is_name(const struct json_member *m, const char *name) {
    return m->name_size == strlen(name) && memcmp(m->name, name, m->name_size) == 0;
}

static bool number_of(const char *p, const char *end, double *ret) {
    int64_t i;
    if (p == end || !(*p == '-' || (*p >= '0' && *p <= '9'))) return false;
    if (value_number_raw(p, (size_t)(end - p), &i, ret)) *ret = (double)i;
    return isfinite(*ret);
}

/* How many groups a result has, by its key: an array has as many as members, another value one. */
static size_t groups_of(const struct record *r) {
    const char *p = r->key, *end = p + r->key_size;
    size_t depth = 0, n = 1;
    if (r->key_size == 0) return 0;
    if (*p != '[') return 1;
    for (; p < end; p++) {
        if (*p == '"')
            for (p++; p < end && *p != '"'; p++) p += *p == '\\';
        else if (*p == '[' || *p == '{')
            depth++;
        else if (*p == ']' || *p == '}')
            depth--;
        else if (*p == ',' && depth == 1)
            n++;
    }
    return n;
}

/* What is found in a record without being asked for. */
struct found {
    bool result;   /* of a window */
    int64_t start; /* its window */
    double y;
    bool has_y;
};

static int look_at_object(const struct record *r, struct found *ret, struct err *e) {
    struct json_members it;
    struct json_member m;
    size_t groups = groups_of(r), behind = 0;
    int g;
    if (!json_members_init(&it, r->value, r->value_size)) {
        ret->has_y = number_of(r->value, r->value + r->value_size, &ret->y);
        return 0;
    }
    for (size_t i = 0; (g = json_members_next(&it, &m)) > 0; i++) {
        if (i == 0 && is_name(&m, "window_start") && m.value_end - m.value > 2)
            ret->result = time_parse(m.value + 1, (size_t)(m.value_end - m.value) - 2, NULL, &ret->start, NULL) == 0;
        if (ret->result && (i < 2 || is_name(&m, "emit") || behind++ < groups)) continue;
        if (!ret->has_y) ret->has_y = number_of(m.value, m.value_end, &ret->y);
        if (ret->has_y) return 0;
    }
    return g < 0 ? err_set(e, G_DATA, "value is not JSON") : 0;
}

static int find_y(struct points *p, struct found *f, struct err *e) {
    struct value v;
    int64_t i;
    if (!p->y) return 0;
    int g = expr_first(p->run, p->y, &v, e);
    f->has_y = false;
    if (g < 0) return g;
    if (g == 0 || v.kind == VK_NULL) return 0;
    if (v.kind != VK_NUMBER) return err_set(e, G_DATA, "-y: the value is not a number");
    if (value_number(v, &i, &f->y)) f->y = (double)i;
    f->has_y = isfinite(f->y);
    return 0;
}

static int find_x(struct points *p, const struct record *r, const struct found *f, double *ret, struct err *e) {
    struct value v;
    int64_t ns, i;
    bool timed = f->result || r->time != NO_TIME;
    double number = (double)p->number++;
    if (p->x_time.used) {
        int g = time_field_get(&p->x_time, p->run, &ns, e);
        *ret = (double)ns;
        return g;
    }
    if (!p->x) {
        p->data->x_is_time = timed;
        *ret = timed ? (double)(f->result ? f->start : r->time) : number;
        return 0;
    }
    int g = expr_first(p->run, p->x, &v, e);
    if (g < 0) return g;
    if (g == 0 || v.kind != VK_NUMBER) return err_set(e, G_DATA, "-x: the value is not a number");
    if (value_number(v, &i, ret)) *ret = (double)i;
    return isfinite(*ret) ? 0 : err_set(e, G_DATA, "-x: the value is not finite");
}

static int find_name(struct points *p, const struct record *r, const struct found *f, struct err *e) {
    const char *text;
    struct value v;
    size_t n;
    buf_clear(&p->name);
    if (!p->by) return f->result && buf_append(&p->name, r->key, r->key_size) < 0 ? err_nomem(e) : 0;
    int g = expr_first(p->run, p->by, &v, e);
    if (g < 0) return g;
    if (g == 0) return 0;
    if (v.kind != VK_STRING) return expr_value_write(p->run, v, &p->name, e);
    g = value_string(expr_heap(p->run), v, &text, &n);
    return g < 0 || buf_append(&p->name, text, n) < 0 ? err_nomem(e) : 0;
}

int points_add(struct points *p, struct stage *s, const struct record *in, struct err *e) {
    struct record r = *in;
    struct found f = {0};
    double x;
    if (r.value_type != VALUE_JSON) return 0;
    record_begin(p->run, s, &r);
    int g = p->time.used && s->text ? time_field_get(&p->time, p->run, &r.time, e) : 0;
    if (g == 0) g = look_at_object(&r, &f, e);
    if (g == 0) g = find_y(p, &f, e);
    if (g < 0 || !f.has_y) return g;
    g = find_x(p, &r, &f, &x, e);
    if (g == 0) g = find_name(p, &r, &f, e);
    if (g < 0) return g;
    p->drawn = false;
    return data_add(p->data, p->name.len ? p->name.data : "", p->name.len, x, f.y, e);
}

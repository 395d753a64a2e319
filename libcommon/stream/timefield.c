/* SPDX-License-Identifier: Apache-2.0 */
/* Times and keys out of records. See timefield.h. */
#include "stream/timefield.h"

#include "json/text.h"

int time_field_init(struct time_field *f, const char *expression, const char *format, const char *zone, struct err *e) {
    *f = (struct time_field){.expression = expression, .format = format};
    if (!expression) {
        if (format) return err_set(e, G_USAGE, "--time-format needs --time");
        return 0;
    }
    int g = json_path_compile(expression, &f->path, e);
    if (g == 0 && format) g = time_format_check(format, e);
    if (g == 0 && zone) g = time_zone_load(zone, &f->zone, e);
    f->used = g == 0;
    if (g < 0) time_field_release(f);
    return g;
}

void time_field_release(struct time_field *f) {
    if (!f) return;
    json_path_release(&f->path);
    time_zone_free(f->zone);
    f->zone = NULL;
}

static int not_a_time(const struct time_field *f, const struct json_slice *v, struct err *e) {
    char why[sizeof e->text];
    if (!e) return G_DATA;
    memcpy(why, e->text, sizeof why);
    int n = v->n > 60 ? 60 : (int)v->n;
    return err_set(e, G_DATA, "time %s is %.*s%s: %.300s", f->expression, n, v->p, v->n > 60 ? "…" : "", why);
}

int time_field_get(const struct time_field *f, const struct record *r, int64_t *ret_ns, struct err *e) {
    struct json_slice v;
    if (r->value_type != VALUE_JSON || !json_path_find(&f->path, r->value, r->value_size, &v))
        return err_set(e, G_DATA, "record has no time %s", f->expression);
    const char *p = v.p;
    size_t n = v.n;
    bool is_string = v.type == JSON_TYPE_STRING && n >= 2;
    if (!is_string && v.type != JSON_TYPE_NUMBER) {
        err_set(e, G_DATA, "not a time");
        return not_a_time(f, &v, e);
    }
    if (is_string) { /* a time needs no escapes; one that has them is not read as a time */
        p++;
        n -= 2;
    }
    int g = f->format && is_string ? time_parse_format(f->format, p, n, f->zone, ret_ns, e)
                                   : time_parse(p, n, f->zone, ret_ns, e);
    return g < 0 ? not_a_time(f, &v, e) : 0;
}

int key_field_init(struct key_field *f, const char *expression, struct err *e) {
    *f = (struct key_field){.expression = expression};
    if (!expression) return 0;
    int g = json_path_compile(expression, &f->path, e);
    f->used = g == 0;
    return g;
}

void key_field_release(struct key_field *f) {
    if (f) json_path_release(&f->path);
}

int key_field_get(const struct key_field *f, const struct record *r, struct buf *scratch, const char **ret,
                  size_t *ret_size, struct err *e) {
    struct json_slice v;
    if (r->value_type == VALUE_NONE) return 0;
    if (r->value_type != VALUE_JSON) return err_set(e, G_DATA, "value is not JSON and has no key %s", f->expression);
    if (!json_path_find(&f->path, r->value, r->value_size, &v) || v.type == JSON_TYPE_NULL) return 0;
    if (v.type != JSON_TYPE_STRING) {
        *ret = v.p;
        *ret_size = v.n;
        return 1;
    }
    if (!memchr(v.p, '\\', v.n)) {
        *ret = v.p + 1;
        *ret_size = v.n - 2;
        return 1;
    }
    buf_clear(scratch);
    int g = json_unescape(v.p, v.n, scratch);
    if (g < 0) return err_set(e, g, "key %s cannot be read", f->expression);
    *ret = scratch->data;
    *ret_size = scratch->len;
    return 1;
}

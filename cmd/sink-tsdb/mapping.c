/* SPDX-License-Identifier: Apache-2.0 */
/* From a record to a point. See mapping.h. */
#include "mapping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/expr_options.h"
#include "json/members.h"
#include "json/text.h"

/* What becomes of a member of the record. */
enum role { ROLE_BY_TYPE, ROLE_TAG, ROLE_FIELD };

/* ---- words ---- */

static bool is_name(const char *s) {
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:/");
    return n > 0 && s[n] == '\0' && (s[0] < '0' || s[0] > '9') && s[0] != '-' && s[0] != '.';
}

/* "a, b: .x" is the inside of an object; paths and objects are what they are. */
static int add_list(struct mapping *m, struct mapping_list *list, const char *option, const char *text, struct err *e) {
    struct buf b = {0};
    if (!text) return 0;
    list->given = true;
    text += strspn(text, " \t\n");
    if (!*text) return 0;
    bool whole = *text == '.' || *text == '{' || *text == '(' || strncmp(text, "def ", 4) == 0;
    if (buf_printf(&b, whole ? "%s" : "{%s}", text) < 0 || !buf_cstr(&b)) {
        buf_release(&b);
        return err_nomem(e);
    }
    int g = expr_add_groups(m->set, option, b.data, &list->item, &list->count, e);
    buf_release(&b);
    if (g == 0 && list->count > MAPPING_FIELDS_MAX / 2)
        return err_set(e, G_USAGE, "%s has more than %u names", option, MAPPING_FIELDS_MAX / 2);
    for (size_t i = 0; g == 0 && i < list->count; i++) {
        size_t n = strlen(list->item[i].name);
        if (n == 0 || n > MAPPING_NAME_MAX_BYTES)
            g = err_set(e, G_USAGE, "%s: a name is empty or longer than %u bytes", option, MAPPING_NAME_MAX_BYTES);
    }
    return g;
}

static bool list_has(const struct mapping_list *list, struct text name) {
    for (size_t i = 0; i < list->count; i++) {
        const char *other = list->item[i].name;
        if (strncmp(other, name.p, name.n) == 0 && other[name.n] == '\0') return true;
    }
    return false;
}

static int check_lists(const struct mapping *m, struct err *e) {
    for (size_t i = 0; i < m->tags.count; i++) {
        const char *name = m->tags.item[i].name;
        if (list_has(&m->fields, (struct text){name, strlen(name)}))
            return err_set(e, G_USAGE, "'%s' cannot be a tag and a field", name);
    }
    return 0;
}

/* What a path such as .at.start calls a member; NULL: it is no such path. */
static const char *member_of(const char *path) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.";
    return path[0] == '.' && path[1] && path[1 + strspn(path + 1, letters)] == '\0' ? path + 1 : NULL;
}

int mapping_init(struct mapping *m, const struct mapping_config *c, enum expr_engine engine, struct err *e) {
    *m = (struct mapping){.real = c->real, .nulls = c->nulls};
    m->all_real = strcmp(c->real, "all") == 0;
    if (strcmp(c->real, "none") == 0) m->real = NULL;
    if (c->time) m->time_member = member_of(c->time);
    m->set = expr_set_new(engine);
    if (!m->set) return err_nomem(e);
    int g = time_field_init(&m->time, m->set, c->time, c->time_format, c->time_zone, e);
    if (g == 0) g = add_list(m, &m->tags, "--tags", c->tags, e);
    if (g == 0) g = add_list(m, &m->fields, "--fields", c->fields, e);
    if (g == 0) g = check_lists(m, e);
    if (g == 0 && c->measurement && is_name(c->measurement))
        m->measurement = c->measurement;
    else if (g == 0 && c->measurement)
        g = expr_add(m->set, "--measurement", c->measurement, &m->measurement_expr, e);
    bool runs = m->time.used || m->tags.count || m->fields.count || m->measurement_expr;
    if (g == 0 && runs) g = expr_run_new(m->set, &m->run, e);
    m->scans = !m->tags.given || !m->fields.given;
    return g;
}

void mapping_release(struct mapping *m) {
    expr_run_free(m->run);
    time_field_release(&m->time);
    expr_groups_free(m->tags.item, m->tags.count);
    expr_groups_free(m->fields.item, m->fields.count);
    expr_set_free(m->set);
    buf_release(&m->text);
}

/* ---- tags and fields ---- */

static int too_many(struct mapping *m) {
    return err_set(m->e, G_DATA, "record has more than %u tags and fields", MAPPING_FIELDS_MAX);
}

static int has_nul(struct mapping *m, struct text name) {
    return err_set(m->e, G_DATA, "'%.*s' has U+0000 in it", (int)(name.n > 60 ? 60 : name.n), name.p);
}

static int add_tag(struct mapping *m, struct text name, const char *p, size_t n) {
    if (n == 0) return 0;
    if (m->tag_count + m->field_count == MAPPING_FIELDS_MAX) return too_many(m);
    m->tag[m->tag_count++] = (struct tag){name, {p, n}};
    return 0;
}

static struct field *add_field(struct mapping *m, struct text name, enum field_type type) {
    if (m->tag_count + m->field_count == MAPPING_FIELDS_MAX) {
        (void)too_many(m);
        return NULL;
    }
    struct field *f = &m->field[m->field_count++];
    f->name = name;
    f->type = type;
    return f;
}

static bool is_real(const struct mapping *m, struct text name) {
    if (!m->real || m->all_real) return m->all_real;
    for (const char *p = m->real; *p;) {
        size_t n = strcspn(p, ",");
        if (n == name.n && memcmp(p, name.p, n) == 0) return true;
        p += n + (p[n] == ',');
    }
    return false;
}

static int not_finite(struct mapping *m, struct text name) {
    return err_set(m->e, G_DATA, "field '%.*s' is a number beyond a double", (int)(name.n > 60 ? 60 : name.n), name.p);
}

static int add_real(struct mapping *m, struct text name, double d) {
    if (!isfinite(d)) return not_finite(m, name);
    struct field *f = add_field(m, name, FIELD_NUMBER);
    if (f) f->number = d;
    return f ? 0 : G_DATA;
}

static int not_exact(struct mapping *m, struct text name) {
    return err_set(m->e, G_DATA, "field '%.*s' is an integer that no real is equal to (--real none keeps integers)",
                   (int)(name.n > 60 ? 60 : name.n), name.p);
}

static int add_integer(struct mapping *m, struct text name, int64_t i) {
    if (is_real(m, name)) {
        double d = (double)i;
        return d < 0x1p63 && (int64_t)d == i ? add_real(m, name, d) : not_exact(m, name);
    }
    struct field *f = add_field(m, name, FIELD_INTEGER);
    if (f) f->integer = i;
    return f ? 0 : G_DATA;
}

static int add_number(struct mapping *m, struct text name, const char *p, size_t n) {
    int64_t i;
    double d;
    uint64_t u;
    if (value_number_raw(p, n, &i, &d)) return add_integer(m, name, i);
    if (number_parse_u64(p, n, 0, UINT64_MAX, &u, NULL) < 0) return add_real(m, name, d);
    if (is_real(m, name)) return d < 0x1p64 && (uint64_t)d == u ? add_real(m, name, d) : not_exact(m, name);
    struct field *f = add_field(m, name, FIELD_UNSIGNED);
    if (f) f->magnitude = u;
    return f ? 0 : G_DATA;
}

static int add_boolean(struct mapping *m, struct text name, bool b) {
    struct field *f = add_field(m, name, FIELD_BOOLEAN);
    if (f) f->boolean = b;
    return f ? 0 : G_DATA;
}

static int add_string(struct mapping *m, struct text name, const char *p, size_t n) {
    struct field *f = add_field(m, name, FIELD_STRING);
    if (f) f->string = (struct text){p, n};
    return f ? 0 : G_DATA;
}

static int add_null(struct mapping *m, struct text name) {
    return !m->nulls || add_field(m, name, FIELD_NULL) ? 0 : G_DATA;
}

/* ---- the text of the record ---- */

/* The content of a JSON string: where it lies, or unescaped behind what is in m->text, which was made large enough. */
static int content(struct mapping *m, struct text name, const char *p, size_t n, struct text *ret) {
    *ret = (struct text){p + 1, n - 2};
    if (!memchr(p, '\\', n)) return 0;
    size_t at = m->text.len;
    int g = json_unescape(p, n, &m->text);
    if (g < 0) return g == G_NOMEM ? err_nomem(m->e) : err_set(m->e, G_DATA, "string is not JSON");
    *ret = (struct text){m->text.data + at, m->text.len - at};
    return memchr(ret->p, '\0', ret->n) ? has_nul(m, name) : 0;
}

static int take_string(struct mapping *m, struct text name, const char *p, size_t n, enum role role) {
    struct text s;
    if (n < 2) return err_set(m->e, G_DATA, "string is not JSON");
    int g = content(m, name, p, n, &s);
    if (g < 0) return g;
    return role == ROLE_FIELD ? add_string(m, name, s.p, s.n) : add_tag(m, name, s.p, s.n);
}

/* A member that is no object to be looked into. What options name comes from them. */
static int take(struct mapping *m, struct text name, const char *p, size_t n, enum role role) {
    char c = n ? *p : 'n';
    bool string = c == '"', tag = role == ROLE_TAG || (role == ROLE_BY_TYPE && string);
    if (m->time_member && strncmp(m->time_member, name.p, name.n) == 0 && m->time_member[name.n] == '\0') return 0;
    if (m->tags.given && list_has(&m->tags, name)) return 0;
    if (m->fields.given && (!tag || list_has(&m->fields, name))) return 0;
    if (m->tags.given && tag) {
        if (role != ROLE_TAG) return 0;
        role = ROLE_FIELD; /* a group of a result */
    }
    if (string) return take_string(m, name, p, n, role);
    if (c == 'n') return role == ROLE_TAG ? 0 : add_null(m, name);
    if (role == ROLE_TAG) return add_tag(m, name, p, n);
    if (c == '[' || c == '{') return 0;
    if (c == 't' || c == 'f') return add_boolean(m, name, c == 't');
    return add_number(m, name, p, n);
}

static int bad_name(struct mapping *m, size_t n) {
    if (n == 0) return err_set(m->e, G_DATA, "a name is empty");
    return err_set(m->e, G_DATA, "a name is longer than %u bytes", MAPPING_NAME_MAX_BYTES);
}

/* The name of a member, with those of the objects that it is in before it. */
static int member_name(struct mapping *m, const struct json_member *x, struct text prefix, struct text *ret) {
    struct text own = {x->name, x->name_size};
    if (x->escaped) {
        int g = content(m, own, x->name - 1, x->name_size + 2, &own);
        if (g < 0) return g;
    }
    size_t n = prefix.n + own.n;
    if (own.n == 0 || n > MAPPING_NAME_MAX_BYTES) return bad_name(m, own.n);
    *ret = own;
    if (prefix.n == 0) return 0;
    if (buf_reserve(&m->text, n) < 0) return err_nomem(m->e);
    ret->p = m->text.data + m->text.len;
    ret->n = n;
    buf_append_fast(&m->text, prefix.p, prefix.n);
    buf_append_fast(&m->text, own.p, own.n);
    m->nested = true;
    return 0;
}

static int take_object(struct mapping *m, struct json_members *it, struct text prefix, enum role role, unsigned depth);

static int take_member(struct mapping *m, const struct json_member *x, struct text prefix, enum role role,
                       unsigned depth) {
    char path[MAPPING_NAME_MAX_BYTES + 1];
    struct json_members inside;
    struct text name = prefix;
    size_t at = m->text.len, n = (size_t)(x->value_end - x->value);
    char c = n ? *x->value : '\0';
    if (c == '[' && role != ROLE_TAG) return 0;
    if (c == '{' && role != ROLE_TAG && depth == MAPPING_DEPTH_MAX) return 0;
    int g = member_name(m, x, prefix, &name);
    if (g < 0) return g;
    if (c != '{' || role == ROLE_TAG) {
        size_t count = m->tag_count + m->field_count;
        g = take(m, name, x->value, n, role);
        if (count == m->tag_count + m->field_count) m->text.len = at; /* what is left out needs no room */
        return g;
    }
    if (list_has(&m->tags, name) || list_has(&m->fields, name)) return 0;
    memcpy(path, name.p, name.n);
    path[name.n] = '.';
    m->text.len = at;
    return json_members_init(&inside, x->value, n)
               ? take_object(m, &inside, (struct text){path, name.n + 1}, role, depth + 1)
               : 0;
}

static int take_object(struct mapping *m, struct json_members *it, struct text prefix, enum role role, unsigned depth) {
    struct json_member x;
    int g, more;
    while ((more = json_members_next(it, &x)) > 0) {
        g = take_member(m, &x, prefix, role, depth);
        if (g < 0) return g;
    }
    return more < 0 ? err_set(m->e, G_DATA, "record is not JSON") : 0;
}

/* ---- results of windows ---- */

static bool is_string_member(const struct json_member *x, const char *name) {
    return x->name_size == strlen(name) && memcmp(x->name, name, x->name_size) == 0 && *x->value == '"';
}

static int parse_start(struct mapping *m, const struct json_member *x) {
    size_t n = (size_t)(x->value_end - x->value);
    struct err why;
    if (n == m->start_size && memcmp(m->start_text, x->value, n) == 0) return 0;
    if (n < 2 || time_parse(x->value + 1, n - 2, NULL, &m->start_ns, &why) < 0)
        return err_set(m->e, G_DATA, "window_start is no time: %.*s", (int)(n > 60 ? 60 : n), x->value);
    m->start_size = n <= sizeof m->start_text ? n : 0;
    memcpy(m->start_text, x->value, m->start_size);
    return 0;
}

/* Is this member's value what the key says, as its only group or as the first of several? */
static bool is_only_group(struct mapping *m, const struct json_member *x, const char *key, size_t key_size) {
    size_t n = (size_t)(x->value_end - x->value), at = m->text.len;
    if (*x->value != '"') return n == key_size && memcmp(x->value, key, n) == 0;
    if (!memchr(x->value, '\\', n)) return n == key_size + 2 && memcmp(x->value + 1, key, key_size) == 0;
    bool same = json_unescape(x->value, n, &m->text) == 0 && m->text.len - at == key_size &&
                memcmp(m->text.data + at, key, key_size) == 0;
    m->text.len = at;
    return same;
}

/* How many members, from here on, are the groups that the key has: window writes the same text in both places. 0: they
 * are not. */
static size_t count_groups(struct mapping *m, struct json_members it) {
    const struct record *r = m->record;
    const char *key = r->key, *end = r->key + r->key_size;
    struct json_member x;
    size_t count = 0;
    if (json_members_next(&it, &x) <= 0) return 0;
    if (is_only_group(m, &x, key, r->key_size)) return 1;
    if (r->key_size < 2 || *key != '[' || end[-1] != ']') return 0;
    for (key++;; key++) {
        size_t n = (size_t)(x.value_end - x.value);
        if (n >= (size_t)(end - key) || memcmp(key, x.value, n) != 0) return 0;
        count++;
        key += n;
        if (key == end - 1) return count;
        if (*key != ',' || json_members_next(&it, &x) <= 0) return 0;
    }
}

/* The head of a result is taken: *it then stands behind it. False: this is no result. */
static bool take_head(struct mapping *m, struct json_members *it, int *ret_g) {
    static const char *const names[] = {"window_end", "emit"};
    struct json_members next = *it;
    struct json_member x;
    *ret_g = 0;
    if (json_members_next(&next, &x) <= 0 || !is_string_member(&x, "window_start")) return false;
    if (!m->time.used) *ret_g = parse_start(m, &x);
    *it = next;
    for (size_t i = 0; i < 2; i++)
        if (json_members_next(&next, &x) > 0 && is_string_member(&x, names[i])) {
            *it = next;
            m->update = i == 1;
        } else {
            next = *it;
        }
    return true;
}

/* Without a key text may have had one; a record in a block has no groups then. */
static int take_result(struct mapping *m, struct json_members *it) {
    const struct text none = {"", 0};
    struct json_member x;
    size_t groups = m->record->has_key ? count_groups(m, *it) : 0;
    for (size_t i = 0; i < groups; i++) {
        int g = json_members_next(it, &x) > 0 ? take_member(m, &x, none, ROLE_TAG, 0)
                                              : err_set(m->e, G_DATA, "record is not JSON");
        if (g < 0) return g;
    }
    bool known = groups > 0 || (!m->record->has_key && !m->stage->text);
    return take_object(m, it, none, known ? ROLE_FIELD : ROLE_BY_TYPE, 0);
}

/* What the record itself says; *ret_result: it is one of a window. */
static int scan(struct mapping *m, bool *ret_result) {
    const struct record *r = m->record;
    struct json_members it;
    int g = 0;
    if (r->value_type != VALUE_JSON || !json_members_init(&it, r->value, r->value_size))
        return m->scans ? err_set(m->e, G_DATA, "record is no object") : 0;
    *ret_result = take_head(m, &it, &g);
    if (g < 0 || !m->scans) return g;
    return *ret_result ? take_result(m, &it) : take_object(m, &it, (struct text){"", 0}, ROLE_BY_TYPE, 0);
}

/* ---- what expressions say ---- */

static int take_tag_value(struct mapping *m, struct text name, struct value v) {
    const char *p;
    size_t n;
    if (v.kind == VK_NULL) return 0;
    int g = expr_value_bytes(m->run, v, &p, &n, m->e);
    if (g == 0 && memchr(p ? p : "", '\0', n)) g = has_nul(m, name);
    return g < 0 ? g : add_tag(m, name, p, n);
}

static int take_field_value(struct mapping *m, struct text name, struct value v) {
    struct text s;
    switch ((enum value_kind)v.kind) {
    case VK_NULL: return add_null(m, name);
    case VK_FALSE:
    case VK_TRUE: return add_boolean(m, name, v.kind == VK_TRUE);
    case VK_NUMBER:
        if (v.form == VF_RAW) return add_number(m, name, v.text, v.n);
        if (v.form == VF_INT) return add_integer(m, name, v.i);
        return isnan(v.d) ? add_null(m, name) : add_real(m, name, v.d);
    case VK_STRING:
        if (value_string(expr_heap(m->run), v, &s.p, &s.n) < 0) return err_nomem(m->e);
        return memchr(s.p ? s.p : "", '\0', s.n) ? has_nul(m, name) : add_string(m, name, s.p, s.n);
    case VK_ARRAY:
    case VK_OBJECT: break;
    }
    return err_set(m->e, G_DATA, "field '%.*s' is an %s", (int)name.n, name.p, value_type_name(v));
}

static int take_list(struct mapping *m, const struct mapping_list *list, bool tags) {
    for (size_t i = 0; i < list->count; i++) {
        struct text name = {list->item[i].name, strlen(list->item[i].name)};
        struct value v;
        int g = expr_first(m->run, list->item[i].expr, &v, m->e);
        if (g < 0) return g;
        if (g == 0) v = value_null();
        g = tags ? take_tag_value(m, name, v) : take_field_value(m, name, v);
        if (g < 0) return g;
    }
    return 0;
}

static int find_measurement(struct mapping *m, struct text *ret) {
    struct value v;
    const char *topic = m->stage->origin.topic, *name = m->measurement ? m->measurement : topic ? topic : "metrics";
    *ret = (struct text){name, strlen(name)};
    if (!m->measurement_expr) return 0;
    int g = expr_first(m->run, m->measurement_expr, &v, m->e);
    if (g < 0) return g;
    if (g == 0 || v.kind != VK_STRING) return err_set(m->e, G_DATA, "the measurement is no string");
    if (value_string(expr_heap(m->run), v, &ret->p, &ret->n) < 0) return err_nomem(m->e);
    if (ret->n == 0 || ret->n > MAPPING_NAME_MAX_BYTES) return bad_name(m, ret->n);
    return memchr(ret->p, '\0', ret->n) ? has_nul(m, *ret) : 0;
}

static int find_time(struct mapping *m, bool result, int64_t *ret) {
    const struct stage *s = m->stage;
    int g = 0;
    if (m->time.used)
        g = time_field_get(&m->time, m->run, ret, m->e);
    else
        *ret = result ? m->start_ns : m->record->time;
    if (g < 0) return g;
    if (*ret == NO_TIME && s->text && s->format != IN_ENVELOPE && m->seen == 1)
        return err_set(m->e, G_USAGE, "text has no time; give it one with --time EXPR");
    if (*ret == NO_TIME) return err_set(m->e, G_DATA, "record has no time; give it one with --time EXPR");
    return *ret < TIME_MIN ? err_set(m->e, G_DATA, "record has a time before the year 1678") : 0;
}

/* ---- all of it ---- */

/* Only names that were put together, or that options give, can be there twice. */
static int check_names(struct mapping *m) {
    if (!m->nested && !m->run) return 0;
    for (size_t i = 0; i < m->tag_count + m->field_count; i++) {
        struct text a = i < m->tag_count ? m->tag[i].name : m->field[i - m->tag_count].name;
        for (size_t k = 0; k < i; k++) {
            struct text b = k < m->tag_count ? m->tag[k].name : m->field[k - m->tag_count].name;
            if (a.n == b.n && memcmp(a.p, b.p, a.n) == 0)
                return err_set(m->e, G_DATA, "two of its fields are called '%.*s'", (int)a.n, a.p);
        }
    }
    return 0;
}

int mapping_point(struct mapping *m, const struct stage *s, const struct record *r, struct point *ret, struct err *e) {
    bool result = false;
    m->stage = s;
    m->record = r;
    m->e = e;
    m->tag_count = m->field_count = 0;
    m->nested = m->update = false;
    m->seen++;
    buf_clear(&m->text);
    if (r->value_type == VALUE_NONE) return m->empty++, 0;
    if (buf_reserve(&m->text, r->value_size + MAPPING_FIELDS_MAX * (MAPPING_NAME_MAX_BYTES + 1)) < 0)
        return err_nomem(e);
    if (m->run) record_begin(m->run, s, r);
    int g = scan(m, &result);
    if (g == 0 && m->tags.count) g = take_list(m, &m->tags, true);
    if (g == 0 && m->fields.count) g = take_list(m, &m->fields, false);
    if (g == 0) g = check_names(m);
    if (g < 0) return g;
    if (m->field_count == 0) return m->empty++, 0;
    ret->tags = m->tag;
    ret->tag_count = m->tag_count;
    ret->fields = m->field;
    ret->field_count = m->field_count;
    g = find_measurement(m, &ret->measurement);
    if (g == 0) g = find_time(m, result, &ret->time);
    return g < 0 ? g : 1;
}

int mapping_explain(const struct mapping *m, struct err *e) {
    struct expr_part *parts = calloc(m->tags.count + m->fields.count + 2, sizeof *parts);
    if (!parts) return err_nomem(e);
    size_t n = 0;
    parts[n++] = (struct expr_part){"--time", m->time.expr};
    parts[n++] = (struct expr_part){"--measurement", m->measurement_expr};
    for (size_t i = 0; i < m->tags.count; i++)
        parts[n++] = (struct expr_part){m->tags.item[i].name, m->tags.item[i].expr};
    for (size_t i = 0; i < m->fields.count; i++)
        parts[n++] = (struct expr_part){m->fields.item[i].name, m->fields.item[i].expr};
    int g = expr_explain_all(parts, n, e);
    free(parts);
    return g;
}

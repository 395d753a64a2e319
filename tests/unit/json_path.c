/* SPDX-License-Identifier: Apache-2.0 */
/* Paths into JSON text: what the tests compare json/fields.h and the expressions with. See json_path.h. */
#include "json_path.h"

#include <stdlib.h>

#include "base/number.h"
#include "base/utf8.h"
#include "json/scan.h"
#include "json/unescape.h"

/* The path's text while it is compiled. */
struct source {
    const char *text, *p, *end;
    struct err *e;
};

static int wrong(const struct source *s, const char *at, const char *what) {
    return err_set(s->e, G_USAGE, "path '%s': %s at character %zu", s->text, what, (size_t)(at - s->text) + 1);
}

static struct json_step *step_add(struct json_path *p) {
    struct json_step *steps = realloc(p->steps, (p->n + 1) * sizeof(*steps));
    if (!steps) return NULL;
    p->steps = steps;
    steps[p->n] = (struct json_step){0};
    return &steps[p->n++];
}

static int member_add(struct source *s, struct json_path *p, const char *name, size_t n, bool quoted) {
    size_t at = p->names.len;
    int rc = quoted ? json_unescape(name, n, &p->names) : buf_append(&p->names, name, n);
    if (rc == G_DATA) return wrong(s, name, "a bad escape in the string");
    struct json_step *step = rc == 0 ? step_add(p) : NULL;
    if (!step) return err_nomem(s->e);
    step->name_at = at;
    step->name_len = p->names.len - at;
    return 0;
}

static int string_step(struct source *s, struct json_path *p) {
    bool escaped;
    const char *from = s->p;
    const char *close = json_scan_string(from + 1, s->end, &escaped);
    if (!close) return wrong(s, from, "a string without an end");
    s->p = close + 1;
    return member_add(s, p, from, (size_t)(s->p - from), true);
}

static int bracket_step(struct source *s, struct json_path *p) {
    const char *from = s->p + 1;
    int rc;
    if (from < s->end && *from == '"') {
        s->p = from;
        rc = string_step(s, p);
        if (rc < 0) return rc;
        if (s->p == s->end || *s->p != ']') return wrong(s, s->p, "expected ']'");
        s->p++;
        return 0;
    }
    const char *close = memchr(from, ']', (size_t)(s->end - from));
    if (!close) return wrong(s, from, "expected an index or a string, and ']'");
    int64_t index;
    rc = number_parse_i64(from, (size_t)(close - from), INT64_MIN, INT64_MAX, &index, NULL);
    if (rc < 0) return wrong(s, from, "expected an index or a string");
    struct json_step *step = step_add(p);
    if (!step) return err_nomem(s->e);
    step->is_index = true;
    step->index = index;
    s->p = close + 1;
    return 0;
}

static bool is_name_byte(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static int next_step(struct source *s, struct json_path *p) {
    if (*s->p == '.') {
        s->p++;
    } else if (*s->p != '[' || p->n == 0) {
        return wrong(s, s->p, p->n == 0 ? "expected '.'" : "expected '.' or '['");
    }
    if (s->p == s->end) return wrong(s, s->p, "expected a name");
    if (*s->p == '[') return bracket_step(s, p);
    if (*s->p == '"') return string_step(s, p);
    const char *from = s->p;
    while (s->p < s->end && is_name_byte(*s->p, s->p == from)) s->p++;
    if (s->p == from) return wrong(s, from, "expected a name");
    return member_add(s, p, from, (size_t)(s->p - from), false);
}

int json_path_compile(const char *text, struct json_path *p, struct err *e) {
    struct json_path path = {0};
    size_t n = strlen(text);
    struct source s = {.text = text, .p = text, .end = text + n, .e = e};
    if (n == 0) return err_set(e, G_USAGE, "path '': empty; '.' is the whole value");
    size_t bad = utf8_validate(text, n);
    if (bad < n) return err_set(e, G_USAGE, "path: not UTF-8 at byte %zu", bad + 1);
    int rc = 0;
    if (n == 1 && text[0] == '.') s.p = s.end;
    while (rc == 0 && s.p < s.end) rc = next_step(&s, &path);
    if (rc < 0) {
        json_path_release(&path);
        return rc;
    }
    *p = path;
    return 0;
}

void json_path_release(struct json_path *p) {
    if (!p) return;
    free(p->steps);
    buf_release(&p->names);
    *p = (struct json_path){0};
}

/* Over the space, the comma and the space behind a value; NULL when no comma is there. */
static const char *over_comma(const char *p, const char *end) {
    p = json_scan_space(p, end);
    if (p == end || *p != ',') return NULL;
    return json_scan_space(p + 1, end);
}

/* The member's value, from the object's opening brace; NULL when there is none. */
static const char *member_find(const char *p, const char *end, const char *name, size_t n) {
    p = json_scan_space(p + 1, end);
    while (p && p < end && *p == '"') {
        bool escaped;
        const char *key = p + 1;
        const char *close = json_scan_string(key, end, &escaped);
        if (!close) return NULL;
        size_t key_n = (size_t)(close - key);
        p = json_scan_space(close + 1, end);
        if (p == end || *p != ':') return NULL;
        p = json_scan_space(p + 1, end);
        bool same = escaped ? json_raw_is(key, key_n, name, n) : key_n == n && memcmp(key, name, n) == 0;
        if (same) return p;
        p = json_scan_value(p, end);
        if (p) p = over_comma(p, end);
    }
    return NULL;
}

/* Element number `index` (from 0) of the array at p, or NULL; *ret_count is then how many elements it has. */
static const char *element_find(const char *p, const char *end, uint64_t index, uint64_t *ret_count) {
    uint64_t i = 0;
    p = json_scan_space(p + 1, end);
    if (p < end && *p == ']') p = NULL;
    while (p && p < end) {
        if (i == index) return p;
        i++;
        p = json_scan_value(p, end);
        if (p) p = over_comma(p, end);
    }
    *ret_count = i;
    return NULL;
}

static const char *step_find(const struct json_path *path, const struct json_step *step, const char *p,
                             const char *end) {
    uint64_t count;
    if (p == end) return NULL;
    if (!step->is_index) {
        if (*p != '{') return NULL;
        return member_find(p, end, path->names.data ? path->names.data + step->name_at : "", step->name_len);
    }
    if (*p != '[') return NULL;
    if (step->index >= 0) return element_find(p, end, (uint64_t)step->index, &count);
    /* Count first: how far from the front an index from the end is, only the end can tell. */
    if (element_find(p, end, UINT64_MAX, &count)) return NULL;
    uint64_t back = 0 - (uint64_t)step->index;
    return back <= count ? element_find(p, end, count - back, &count) : NULL;
}

int json_path_find(const struct json_path *path, const char *text, size_t len, struct json_slice *ret_value) {
    const char *end = text + len;
    const char *p = json_scan_space(text, end);
    for (size_t i = 0; i < path->n; i++) {
        p = step_find(path, &path->steps[i], p, end);
        if (!p) return 0;
    }
    const char *behind = json_scan_value(p, end);
    if (!behind) return 0;
    enum json_type type = json_type_of(p, (size_t)(behind - p));
    if (type == JSON_TYPE_NONE) return 0;
    *ret_value = (struct json_slice){.p = p, .n = (size_t)(behind - p), .type = type};
    return 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encodes each case of the member `encode` of line-protocol-corpus's corpus.json, which is all of its input, and
 * compares: the line must be the one that is there, byte by byte, or there must be a refusal where the corpus has an
 * error. Prints what it counted. Exit 0 when all agree; 1 on a mismatch; 2 when it cannot be read.
 */
#include <jansson.h>
#include <stdio.h>

/* A part of one tool and not of the library. */
#include "../../cmd/sink-tsdb/lines.c"

enum { PARTS_MAX = 64 };

static struct text text_of(const json_t *value) {
    return (struct text){json_string_value(value), json_string_length(value)};
}

static bool read_field(const json_t *from, struct field *f) {
    const json_t *value = json_object_get(from, "value"), *v;
    f->name = text_of(json_object_get(from, "key"));
    if ((v = json_object_get(value, "float"))) {
        f->type = FIELD_NUMBER;
        f->number = json_number_value(v);
    } else if ((v = json_object_get(value, "int"))) {
        f->type = FIELD_INTEGER;
        f->integer = json_integer_value(v);
    } else if ((v = json_object_get(value, "bool"))) {
        f->type = FIELD_BOOLEAN;
        f->boolean = json_is_true(v);
    } else if ((v = json_object_get(value, "string"))) {
        f->type = FIELD_STRING;
        f->string = text_of(v);
    }
    return v;
}

/* False for a point that this program cannot read; the corpus has none. */
static bool read_point(const json_t *from, struct point *p, struct tag *tags, struct field *fields) {
    size_t i;
    const json_t *part, *all = json_object_get(from, "tags");
    *p = (struct point){.measurement = text_of(json_object_get(from, "name")),
                        .tags = tags,
                        .tag_count = json_array_size(all),
                        .fields = fields,
                        .field_count = json_array_size(json_object_get(from, "fields")),
                        .time = json_integer_value(json_object_get(from, "time"))};
    if (p->tag_count > PARTS_MAX || p->field_count > PARTS_MAX) return false;
    json_array_foreach(all, i, part) tags[i] =
        (struct tag){text_of(json_object_get(part, "key")), text_of(json_object_get(part, "value"))};
    json_array_foreach(json_object_get(from, "fields"), i, part) {
        if (!read_field(part, &fields[i])) return false;
    }
    return true;
}

/* 0 a line that agrees, 1 a refusal that agrees, -1 anything else. */
static int check(const char *name, const json_t *c) {
    struct tag tags[PARTS_MAX];
    struct field fields[PARTS_MAX];
    struct point p;
    struct buf line = {0};
    struct err e = {0};
    const json_t *output = json_object_get(c, "output");
    struct text want = text_of(json_object_get(output, "result"));
    bool readable = read_point(json_object_get(json_object_get(c, "input"), "point"), &p, tags, fields);
    int g = readable ? line_append(&line, &p, &e) : G_BUG;
    bool refused = g == G_DATA && line.len == 0 && json_object_get(output, "error");
    bool same = g == 0 && want.p && line.len == want.n + 1 && memcmp(line.data, want.p, want.n) == 0 &&
                line.data[want.n] == '\n';
    if (!refused && !same)
        printf("FAIL %s: %.*s %s, wanted %.*s\n", name, (int)line.len, line.data, e.text, (int)want.n, want.p);
    buf_release(&line);
    return same ? 0 : refused ? 1 : -1;
}

int main(int argc, char **argv) {
    json_error_t why;
    json_t *cases = argc == 2 ? json_load_file(argv[1], JSON_ALLOW_NUL, &why) : NULL;
    const char *name;
    json_t *c;
    unsigned counts[2] = {0}, failed = 0;
    if (!cases) return 2;
    json_object_foreach(cases, name, c) {
        int outcome = check(name, c);
        if (outcome < 0)
            failed++;
        else
            counts[outcome]++;
    }
    printf("%zu cases: %u lines, %u refused, %u failed\n", json_object_size(cases), counts[0], counts[1], failed);
    json_decref(cases);
    return failed ? 1 : 0;
}

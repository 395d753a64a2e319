/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points as line protocol: every type, every escape, what cannot be said, and the files that are made of lines. What
 * InfluxDB 1.6 makes of each of these was looked at; tests/services has the proof.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A part of one tool and not of the library. */
#include "../../cmd/sink-tsdb/lines.c"

#include "base/random.h"
#include "scratch.h"

static struct text text(const char *s) {
    return (struct text){s, strlen(s)};
}

static struct field real(double d) {
    return (struct field){.name = text("f"), .type = FIELD_NUMBER, .number = d};
}

/* The line of a point with this field and no tags, or the words of the refusal. */
static const char *said(struct point p) {
    static struct buf line;
    static struct err e;
    buf_clear(&line);
    assert_int_equal(buf_puts(&line, "before "), 0);
    int g = line_append(&line, &p, &e);
    if (g == G_DATA) {
        assert_int_equal(line.len, 7);
        return e.text;
    }
    assert_int_equal(g, 0);
    assert_int_equal(line.data[line.len - 1], '\n');
    line.len--;
    return buf_cstr(&line) + 7;
}

static const char *said_field(struct field f) {
    return said((struct point){.measurement = text("m"), .fields = &f, .field_count = 1});
}

static void every_type(void **state) {
    (void)state;
    const struct tag tags[] = {{text("b"), text("2")}, {text("a"), text("1")}};
    const struct field fields[] = {
        {.name = text("i"), .type = FIELD_INTEGER, .integer = INT64_MIN},
        {.name = text("u"), .type = FIELD_UNSIGNED, .magnitude = UINT64_MAX},
        {.name = text("d"), .type = FIELD_NUMBER, .number = -2.5},
        {.name = text("t"), .type = FIELD_BOOLEAN, .boolean = true},
        {.name = text("f"), .type = FIELD_BOOLEAN, .boolean = false},
        {.name = text("s"), .type = FIELD_STRING, .string = text("a \"b\" \\ c,=\n\t")},
        {.name = text("e"), .type = FIELD_STRING, .string = {NULL, 0}},
    };
    assert_string_equal(said((struct point){text("m"), tags, 2, fields, 7, -1}),
                        "m,b=2,a=1 i=-9223372036854775808i,u=18446744073709551615u,d=-2.5,t=true,f=false,"
                        "s=\"a \\\"b\\\" \\\\ c,=\n\t\",e=\"\" -1");
}

static void floats_have_the_form_of_go(void **state) {
    (void)state;
    static const struct {
        double d;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {1, "1"},
                 {100000, "100000"},
                 {999999.9, "999999.9"},
                 {1e6, "1e+06"},
                 {-1234567.5, "-1.2345675e+06"},
                 {1e15, "1e+15"},
                 {123456789012345680.0, "1.2345678901234568e+17"},
                 {1e21, "1e+21"},
                 {1e100, "1e+100"},
                 {0.0001, "0.0001"},
                 {0.00012, "0.00012"},
                 {0.000099, "9.9e-05"},
                 {1e-7, "1e-07"},
                 {5e-324, "5e-324"},
                 {2.2250738585072014e-308, "2.2250738585072014e-308"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {9007199254740993.0, "9.007199254740992e+15"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[80];
        (void)snprintf(want, sizeof want, "m f=%s 0", cases[i].text);
        assert_string_equal(said_field(real(cases[i].d)), want);
    }
}

static void floats_read_back(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 6);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = rng_next(&rng);
        double d, back;
        memcpy(&d, &bits, sizeof d);
        if (!isfinite(d)) continue;
        back = strtod(said_field(real(d)) + 4, NULL);
        assert_memory_equal(&back, &d, sizeof d);
    }
}

static void names_and_tags_are_escaped(void **state) {
    (void)state;
    const struct tag tag = {text("t, =\"\\x"), text("v, =\"\\ \\,\\=x")};
    const struct field f = {.name = text("f, =\"\\x"), .type = FIELD_BOOLEAN};
    assert_string_equal(said((struct point){text("m, =\"\\x#"), &tag, 1, &f, 1, 0}),
                        "m\\,\\ =\"\\x#,t\\,\\ \\=\"\\x=v\\,\\ \\=\"\\\\ \\\\,\\\\=x f\\,\\ \\=\"\\x=false 0");
}

static void what_cannot_be_said_is_refused(void **state) {
    (void)state;
    enum { MEASUREMENT = 1, TAG = 2, VALUE = 4, FIELD = 8, ALL = 15 };
    static const struct {
        const char *text, *why;
        int where;
    } cases[] = {
        {"a\\", "ends in a backslash", ALL},
        {"a\nb", "has a newline in it", ALL},
        {"a\n", "has a newline in it", ALL},
        {"\nb", "begins with a control character", ALL},
        {"\tb", "begins with a control character", ALL},
        {"#b", "begins with '#'", MEASUREMENT},
        {"a\\ b", "has a backslash before a special character", MEASUREMENT | FIELD},
        {"a\\,b", "has a backslash before a special character", MEASUREMENT | FIELD},
        {"a\\=b", "has a backslash before a special character", MEASUREMENT | FIELD},
        {"a\\\"b", "has a backslash before a special character", MEASUREMENT | FIELD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int where = 1; where < ALL; where *= 2) {
            struct text bad = text(cases[i].text), good = text("x");
            const struct tag tag = {where == TAG ? bad : good, where == VALUE ? bad : good};
            const struct field f = {.name = where == FIELD ? bad : good, .type = FIELD_BOOLEAN};
            struct point p = {where == MEASUREMENT ? bad : good, &tag, 1, &f, 1, 0};
            const char *words = said(p), *why = strstr(words, cases[i].why);
            if (!why != !(where & cases[i].where)) fail_msg("'%s' at %d: %s", cases[i].text, where, words);
            if (why) assert_string_equal(why + strlen(cases[i].why), ": line protocol cannot say that");
        }
    }
    struct field f = real(1);
    f.name = text("");
    assert_string_equal(said_field(f), "a field name is empty");
    assert_string_equal(said((struct point){text(""), NULL, 0, &f, 1, 0}), "a measurement is empty");
}

/* ---- files ---- */

struct place {
    char dir[SCRATCH_MAX], file[SCRATCH_MAX + 16], device[20], dash[2], shown[8];
    struct totals totals;
};

static struct dest *open_at(struct place *l, char *path) {
    struct dest *d;
    struct err e;
    const struct url u = {.kind = DEST_LINES, .path = {path}, .shown = l->shown};
    const struct dest_config c = {.totals = &l->totals};
    if (lines_open(&d, &u, &c, &e) < 0) fail_msg("%s", e.text);
    return d;
}

static int put_line(struct dest *d, int64_t time, struct err *e) {
    const struct field f = real(1);
    const struct point p = {.measurement = text("m"), .fields = &f, .field_count = 1, .time = time};
    return d->ops->put(d, NULL, NULL, "", &p, e);
}

static int make_place(void **state) {
    struct place *l = calloc(1, sizeof *l);
    scratch_name(l->dir, "lines");
    assert_non_null(mkdtemp(l->dir));
    (void)snprintf(l->file, sizeof l->file, "%s/f", l->dir);
    strncpy(l->device, "/dev/full", sizeof l->device - 1);
    *state = l;
    return 0;
}

static int remove_place(void **state) {
    struct place *l = *state;
    assert_int_equal(rmdir(l->dir), 0);
    free(l);
    return 0;
}

static const char *content(const struct place *l) {
    static char text[100];
    FILE *f = fopen(l->file, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void a_file_appears_when_it_is_complete(void **state) {
    struct place *l = *state;
    struct err e = {0};
    struct dest *d = open_at(l, l->file);
    int64_t wake = 0;
    assert_int_equal(put_line(d, 5, &e), 0);
    assert_int_equal(l->totals.sent, 1);
    assert_int_equal(l->totals.accepted, 0);
    assert_int_equal(d->ops->poll(d, &wake, &e), 0);
    assert_int_equal(l->totals.accepted, 1);
    assert_int_equal(wake, -1);
    assert_int_equal(access(l->file, F_OK), -1);
    assert_int_equal(d->ops->close(d, true, &e), 0);
    assert_string_equal(content(l), "m f=1 5\n");
    d = open_at(l, l->file);
    assert_int_equal(put_line(d, 6, &e), 0);
    assert_int_equal(d->ops->close(d, false, &e), 0); /* the one before stays, and nothing else */
    assert_string_equal(content(l), "m f=1 5\n");
    assert_int_equal(remove(l->file), 0);
    assert_int_equal(rmdir(l->dir), 0);
    assert_int_equal(mkdir(l->dir, 0700), 0);
}

static void a_full_device_is_an_error(void **state) {
    struct place *l = *state;
    struct err e = {0};
    struct dest *d = open_at(l, l->device);
    assert_int_equal(put_line(d, 5, &e), 0);
    assert_int_equal(d->ops->flush(d, &e), G_IO);
    assert_string_equal(e.text, "cannot write to '/dev/full': No space left on device");
    assert_int_equal(l->totals.accepted, 0);
    assert_int_equal(d->ops->close(d, true, &e), G_IO);
    struct dest *none;
    char missing[] = "/nonexistent/f";
    const struct url u = {.path = {missing}, .shown = missing};
    const struct dest_config c = {.totals = &l->totals};
    assert_int_equal(lines_open(&none, &u, &c, &e), G_IO);
    assert_string_equal(e.text, "cannot create '/nonexistent/f': No such file or directory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(floats_have_the_form_of_go),
        cmocka_unit_test(floats_read_back),
        cmocka_unit_test(names_and_tags_are_escaped),
        cmocka_unit_test(what_cannot_be_said_is_refused),
        cmocka_unit_test_setup_teardown(a_file_appears_when_it_is_complete, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_full_device_is_an_error, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

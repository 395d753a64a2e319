/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics: the newest value of each series, in order; files that are replaced as a whole, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <sys/stat.h>

#include <cmocka.h>

#include "../../cmd/sink-tsdb/labels.c"
#include "../../cmd/sink-tsdb/openmetrics.c"

#include "scratch.h"

#define T(s)                                                                                                           \
    (struct text) {                                                                                                    \
        s, sizeof(s) - 1                                                                                               \
    }
#define HOUR_NS (INT64_C(3600) * 1000000000)

struct fixture {
    char folder[SCRATCH_MAX], path[SCRATCH_MAX + 16];
    struct dest *d;
    struct totals totals;
    struct err e;
    struct buf text;
};

static int64_t steady_now;
static int64_t steady(void) {
    return steady_now;
}

static void open_with(struct fixture *f, int64_t flush_ns) {
    *f = (struct fixture){0};
    scratch_name(f->folder, "openmetrics");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/m.prom", f->folder);
    const struct url u = {.kind = DEST_OPENMETRICS, .path = {f->path}};
    const struct dest_config c = {.flush_ns = flush_ns, .totals = &f->totals};
    sys.steady_ns = steady;
    assert_int_equal(openmetrics_open(&f->d, &u, &c, &f->e), 0);
}

static void close_with(struct fixture *f, bool completed) {
    assert_int_equal(f->d->ops->close(f->d, completed, &f->e), 0);
}

static void remove_folder(struct fixture *f) {
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0); /* nothing else is left in it */
    buf_release(&f->text);
}

static void put(struct fixture *f, struct text tag, struct field field, int64_t time) {
    const struct tag k = {T("k"), tag};
    const struct point p = {T("m"), &k, 1, &field, 1, time};
    assert_int_equal(f->d->ops->put(f->d, NULL, NULL, "", &p, &f->e), 0);
}

static struct field real(struct text name, double value) {
    return (struct field){.name = name, .type = FIELD_NUMBER, .number = value};
}

/* NULL: it is not there. */
static void file_is(struct fixture *f, const char *expected) {
    int dir = open(f->folder, O_RDONLY | O_DIRECTORY);
    assert_true(dir >= 0);
    buf_clear(&f->text);
    assert_int_equal(file_load(dir, "m.prom", 1000000, &f->text, &f->e), expected ? 0 : G_ABSENT);
    close(dir);
    if (expected) assert_string_equal(buf_cstr(&f->text), expected);
}

static void series_are_sorted_and_escaped(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, HOUR_NS);
    const struct tag tags[] = {{T("z"), T("a\"b\\c\nd")}, {T("id.x"), T("\xc3\xa4")}};
    const struct field fields[] = {real(T("value"), 1e17), real(T("a"), -0.5)};
    const struct point with = {T("m"), tags, 2, fields, 2, 0}, without = {T("m"), NULL, 0, fields, 1, 0},
                       other = {T("m_"), NULL, 0, fields, 1, 0};
    const struct point *points[] = {&with, &other, &without};
    for (size_t i = 0; i < 3; i++) assert_int_equal(f.d->ops->put(f.d, NULL, NULL, "", points[i], &f.e), 0);
    close_with(&f, true);
    file_is(&f, "# TYPE m gauge\n"
                "# HELP m Newest value, from leat.\n"
                "m 1e+17\n"
                "m{id_x=\"\xc3\xa4\",z=\"a\\\"b\\\\c\\nd\"} 1e+17\n"
                "# TYPE m_ gauge\n"
                "# HELP m_ Newest value, from leat.\n"
                "m_ 1e+17\n"
                "# TYPE m_a gauge\n"
                "# HELP m_a Newest value, from leat.\n"
                "m_a{id_x=\"\xc3\xa4\",z=\"a\\\"b\\\\c\\nd\"} -0.5\n"
                "# EOF\n");
    remove_folder(&f);
}

#define HEAD "# TYPE m gauge\n# HELP m Newest value, from leat.\n"

static void the_newest_value_stays(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, HOUR_NS);
    const struct field gone = {.name = T("value"), .type = FIELD_NULL};
    put(&f, T("a"), real(T("value"), 1), 20);
    put(&f, T("a"), real(T("value"), 2), 10);
    put(&f, T("b"), real(T("value"), 3), 10);
    put(&f, T("b"), real(T("value"), 4), 10);
    put(&f, T("c"), real(T("value"), 5), 10);
    put(&f, T("c"), gone, 11);
    put(&f, T("d"), gone, 11);
    put(&f, T("d"), real(T("value"), 6), 12);
    put(&f, T("e"), real(T("value"), 7), 12);
    put(&f, T("e"), gone, 11);
    close_with(&f, true);
    file_is(&f, HEAD "m{k=\"a\"} 1\nm{k=\"b\"} 4\nm{k=\"d\"} 6\nm{k=\"e\"} 7\n# EOF\n");
    remove_folder(&f);
}

static void a_file_is_there_each_flush_and_at_the_end_only(void **state) {
    (void)state;
    struct fixture f;
    int64_t wake;
    steady_now = 5000;
    open_with(&f, 1000);
    put(&f, T("a"), real(T("value"), 1), 0);
    file_is(&f, NULL);
    assert_int_equal(f.d->ops->poll(f.d, &wake, &f.e), 0);
    assert_int_equal(wake, 1000);
    assert_int_equal(f.totals.in_flight, 1);
    steady_now += 1000;
    assert_int_equal(f.d->ops->poll(f.d, &wake, &f.e), 0);
    assert_int_equal(wake, -1);
    file_is(&f, HEAD "m{k=\"a\"} 1\n# EOF\n");
    assert_int_equal(f.totals.accepted, 1);
    put(&f, T("a"), real(T("value"), 2), 0);
    file_is(&f, HEAD "m{k=\"a\"} 1\n# EOF\n");
    steady_now += 1000;
    put(&f, T("a"), real(T("value"), 3), 0);
    file_is(&f, HEAD "m{k=\"a\"} 3\n# EOF\n");
    put(&f, T("a"), real(T("value"), 4), 0);
    assert_int_equal(f.d->ops->barrier(f.d, NULL, &f.e), 0);
    file_is(&f, HEAD "m{k=\"a\"} 4\n# EOF\n");
    put(&f, T("a"), real(T("value"), 5), 0);
    close_with(&f, false);
    file_is(&f, HEAD "m{k=\"a\"} 4\n# EOF\n");
    remove_folder(&f);
}

static void others_may_read_the_file(void **state) {
    (void)state;
    struct fixture f;
    struct stat st;
    mode_t before = umask(022);
    open_with(&f, HOUR_NS);
    close_with(&f, true);
    umask(before);
    file_is(&f, "# EOF\n");
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    remove_folder(&f);
}

static void a_device_is_written_to(void **state) {
    (void)state;
    char path[] = "/dev/full";
    struct stat st;
    struct totals totals = {0};
    struct dest *d;
    struct err e;
    const struct url u = {.kind = DEST_OPENMETRICS, .path = {path}};
    const struct dest_config c = {.flush_ns = HOUR_NS, .totals = &totals};
    assert_int_equal(openmetrics_open(&d, &u, &c, &e), 0);
    assert_int_equal(d->ops->close(d, true, &e), G_IO);
    assert_string_equal(e.text, "cannot write to '/dev/full': No space left on device");
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_sorted_and_escaped),
        cmocka_unit_test(the_newest_value_stays),
        cmocka_unit_test(a_file_is_there_each_flush_and_at_the_end_only),
        cmocka_unit_test(others_may_read_the_file),
        cmocka_unit_test(a_device_is_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

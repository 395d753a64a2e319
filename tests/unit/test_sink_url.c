/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of sink-tsdb: every kind, what is refused, where secrets come from, and that none is left in an argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A part of one tool and not of the library. */
#include "../../cmd/sink-tsdb/url.c"

#include "scratch.h"

#define TEXT(actual, wanted)                                                                                           \
    do {                                                                                                               \
        const char *a = (actual), *w = (wanted);                                                                       \
        assert_true((a == NULL) == (w == NULL));                                                                       \
        if (w) assert_string_equal(a, w);                                                                              \
    } while (0)

static void parse(struct url *u, const char *text) {
    struct err e = {0};
    int g = url_parse(u, text, &e);
    if (g != 0) print_error("%s: %s\n", text, e.text);
    assert_int_equal(g, 0);
}

static void test_each_kind(void **state) {
    static const struct {
        const char *text;
        enum dest_kind kind;
        bool tls;
        const char *host;
        unsigned port;
        const char *path[2];
    } cases[] = {
        {"sqlite:", DEST_SQLITE, false, NULL, 0, {NULL, NULL}},
        {"sqlite:a/b.db", DEST_SQLITE, false, NULL, 0, {"a/b.db", NULL}},
        {"sqlite:///var/x.db", DEST_SQLITE, false, NULL, 0, {"/var/x.db", NULL}},
        {"openmetrics:-", DEST_OPENMETRICS, false, NULL, 0, {"-", NULL}},
        {"lines:x%20y", DEST_LINES, false, NULL, 0, {"x%20y", NULL}},
        {"influx://h/db", DEST_INFLUX, false, "h", 0, {"db", NULL}},
        {"influx+tls://h:1/my%20db/", DEST_INFLUX, true, "h", 1, {"my db", NULL}},
        {"influx2://[::1]:8086/o/b", DEST_INFLUX2, false, "::1", 8086, {"o", "b"}},
        {"influx2://h/o%2fx/b", DEST_INFLUX2, false, "h", 0, {"o/x", "b"}},
        {"prometheus://h", DEST_PROMETHEUS, false, "h", 0, {NULL, NULL}},
        {"prometheus+tls://h:9/a%20b/c", DEST_PROMETHEUS, true, "h", 9, {"/a%20b/c", NULL}},
        {"clickhouse://h:65535/db.t.able", DEST_CLICKHOUSE, false, "h", 65535, {"db", "t.able"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct url u;
        parse(&u, cases[i].text);
        assert_int_equal(u.kind, cases[i].kind);
        assert_int_equal(u.tls, cases[i].tls);
        TEXT(u.host, cases[i].host);
        assert_int_equal(u.port, cases[i].port);
        TEXT(u.path[0], cases[i].path[0]);
        TEXT(u.path[1], cases[i].path[1]);
        TEXT(u.user, NULL);
        assert_string_equal(u.shown, cases[i].text);
        url_release(&u);
    }
}

static void test_what_is_refused(void **state) {
    static const char *const texts[] = {"",
                                        "x.db",
                                        "sqlite",
                                        "http://h/db",
                                        "sqlite+tls:x",
                                        "sqlite://x.db",
                                        "sqlite:x?y=1",
                                        "lines:",
                                        "openmetrics:",
                                        "influx:h/db",
                                        "influx://h",
                                        "influx://h/",
                                        "influx:///db",
                                        "influx://h/a/b",
                                        "influx://h:0/db",
                                        "influx://h:65536/db",
                                        "influx://h:/db",
                                        "influx://h:8o/db",
                                        "influx://[::1/db",
                                        "influx://[::1]x/db",
                                        "influx://a b/db",
                                        "influx://h/d%zz",
                                        "influx://h/d%00",
                                        "influx://h/d%4",
                                        "influx://h/db?x=1",
                                        "influx://h/db?rp=1&=",
                                        "influx2://h/o",
                                        "influx2://h/o/",
                                        "influx2://h/o/b/c",
                                        "influx2://h/o/b?rp=x",
                                        "clickhouse://h/db",
                                        "clickhouse://h/db.",
                                        "clickhouse://h/.t"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct url u;
        struct err e = {0};
        int g = url_parse(&u, texts[i], &e);
        if (g != G_USAGE) print_error("%s: %d\n", texts[i], g);
        assert_int_equal(g, G_USAGE);
        assert_true(e.text[0] != '\0');
        url_release(&u);
    }
}

static void test_parameters(void **state) {
    struct url u;
    (void)state;
    parse(&u, "influx://h/db?rp=one%20week");
    TEXT(url_value(&u, "rp"), "one week");
    TEXT(url_value(&u, "r"), NULL);
    url_release(&u);
    parse(&u, "clickhouse://h/d.t?max_insert_threads=4&x=");
    assert_int_equal(u.count, 2);
    TEXT(url_value(&u, "x"), "");
    url_release(&u);
}

/* What is left of a URL that can be shown: `wanted`, and what was understood of it. */
static void check_secret(const char *text, const char *wanted, const char *user, const char *password,
                         const char *token) {
    char *argument = strdup(text);
    assert_non_null(argument);
    char *copy = url_conceal(argument);
    assert_non_null(copy);
    assert_string_equal(copy, text);
    assert_string_equal(argument, wanted);
    struct url u;
    parse(&u, copy);
    assert_string_equal(u.shown, wanted);
    TEXT(u.user, user);
    TEXT(u.password, password);
    TEXT(u.token, token);
    url_release(&u);
    free(copy);
    free(argument);
}

static void test_secrets_are_wiped(void **state) {
    (void)state;
    check_secret("influx://ann:geheim@h:1/db", "influx://ann:******@h:1/db", "ann", "geheim", NULL);
    check_secret("influx2://h/o/b?token=a=b%3D", "influx2://h/o/b?token=******", NULL, NULL, "a=b=");
    check_secret("influx://ann@h/db?rp=x&password=pw", "influx://ann@h/db?rp=x&password=**", "ann", "pw", NULL);
    check_secret("influx://ann:p/w?@h/db", "influx://ann:****@h/db", "ann", "p/w?", NULL);
    check_secret("influx://ann:p@w:x@h/db", "influx://ann:*****@h/db", "ann", "p@w:x", NULL);
    char plain[] = "influx://ann@h/db?rp=token";
    assert_null(url_conceal(plain));
    char file[] = "influx2://h/o/b?token=@/run/secret";
    assert_null(url_conceal(file));
    char other[] = "\"http://a:b@c\""; /* an expression, perhaps */
    assert_null(url_conceal(other));
}

static void test_a_message_has_no_secret(void **state) {
    static const char *const texts[] = {"http://ann:geheim@h/db",     "influx://ann:geheim@h",
                                        "influx://ann:geheim@:1/db",  "influx://ann:1/geheim@h",
                                        "influx2://h/o?token=geheim", "influx://ann:ge?heim/geheim@h"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct url u;
        struct err e = {0};
        assert_int_equal(url_parse(&u, texts[i], &e), G_USAGE);
        if (strstr(e.text, "geheim")) print_error("%s\n", e.text);
        assert_null(strstr(e.text, "geheim"));
        url_release(&u);
    }
}

static char *write_file(const char *content) {
    static char path[SCRATCH_MAX];
    scratch_name(path, "url");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    return path;
}

static void test_files_and_the_environment(void **state) {
    struct url u;
    struct err e = {0};
    char text[200];
    (void)state;
    char *path = write_file("# ours\n\nuser=ann\r\npassword=a=b\ntoken=t\n");
    parse(&u, "influx://bob@h/db");
    assert_int_equal(url_credentials(&u, path, &e), 0);
    TEXT(u.user, "bob"); /* the URL counts before */
    TEXT(u.password, "a=b");
    TEXT(u.token, "t");
    url_release(&u);
    unlink(path);

    path = write_file("secret==\n");
    (void)snprintf(text, sizeof text, "influx2://h/o/b?token=@%s", path);
    parse(&u, text);
    assert_int_equal(setenv("INFLUX_TOKEN", "other", 1), 0);
    assert_int_equal(url_credentials(&u, NULL, &e), 0);
    TEXT(u.token, "secret==");
    assert_int_equal(url_credentials(&u, path, &e), G_USAGE); /* no name=value */
    url_release(&u);
    unlink(path);
    assert_int_equal(url_parse(&u, text, &e), G_IO);
    url_release(&u);

    parse(&u, "influx2://h/o/b");
    assert_int_equal(url_credentials(&u, NULL, &e), 0);
    TEXT(u.token, "other");
    url_release(&u);
    parse(&u, "clickhouse://h/d.t");
    assert_int_equal(setenv("CLICKHOUSE_PASSWORD", "pw", 1), 0);
    assert_int_equal(url_credentials(&u, NULL, &e), 0);
    TEXT(u.password, NULL); /* whose? */
    assert_int_equal(setenv("CLICKHOUSE_USER", "u", 1), 0);
    assert_int_equal(url_credentials(&u, NULL, &e), 0);
    TEXT(u.user, "u");
    TEXT(u.password, "pw");
    TEXT(u.token, NULL);
    url_release(&u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_a_message_has_no_secret),
        cmocka_unit_test(test_files_and_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

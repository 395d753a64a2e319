/* SPDX-License-Identifier: Apache-2.0 */
/* ClickHouse: rows, requests, answers, and the statements of --create against answers that are made up here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http.h"
#define http_send made_up_send
int made_up_send(struct http *h, const struct http_request *r, struct http_response *ret, struct err *e);
#include "../../cmd/sink-tsdb/clickhouse.c"
#include "../../cmd/sink-tsdb/clickhouse_schema.c"

#define T(s)                                                                                                           \
    (struct text) {                                                                                                    \
        s, sizeof(s) - 1                                                                                               \
    }

struct fixture {
    struct encoder *x;
    struct http_request constant;
    struct buf out;
    struct err e;
};

static void open_with(struct fixture *f, char *table, bool create, const char *setting, const char *value) {
    char database[] = "d", *names[] = {(char *)(uintptr_t)setting}, *values[] = {(char *)(uintptr_t)value};
    const struct url u = {
        .kind = DEST_CLICKHOUSE, .path = {database, table}, .names = names, .values = values, .count = setting ? 1 : 0};
    const struct dest_config c = {.create = create};
    *f = (struct fixture){0};
    assert_int_equal(clickhouse_encoder(&f->x, &u, &c, &f->constant, &f->e), 0);
}

static void open_fixture(struct fixture *f, bool create) {
    char table[] = "t";
    open_with(f, table, create, NULL, NULL);
}

static void close_fixture(struct fixture *f) {
    f->x->ops->free(f->x);
    buf_release(&f->out);
}

static int encode(struct fixture *f, struct text measurement, const struct tag *tag, const struct field *fields,
                  size_t field_count) {
    const struct point p = {measurement, tag, tag ? 1 : 0, fields, field_count, INT64_C(1431857103000000001)};
    return f->x->ops->encode(f->x, &p, &f->out, &f->e);
}

static struct field integer(struct text name, int64_t v) {
    return (struct field){.name = name, .type = FIELD_INTEGER, .integer = v};
}

/* A field is noted, so that the table must have it. */
static void wants(struct fixture *f, const struct tag *tag, struct field field) {
    assert_int_equal(encode(f, T("m"), tag, &field, 1), 0);
}

/* ---- a server that was made up: what it is asked, in this order, and what it says ---- */

static const struct exchange {
    const char *sql;
    unsigned status;
    const char *answer;
} * expected;

int made_up_send(struct http *h, const struct http_request *r, struct http_response *ret, struct err *e) {
    (void)h, (void)e;
    assert_string_equal(r->body, expected->sql);
    *ret = (struct http_response){.status = expected->status,
                                  .body = expected->answer,
                                  .size = strlen(expected->answer),
                                  .retry_after_ns = -1,
                                  .failure = {.grade = G_WAIT, .text = "connection refused"}};
    expected++;
    return 0;
}

static int prepare(struct fixture *f, const struct exchange *exchanges) {
    expected = exchanges;
    int g = f->x->ops->prepare(f->x, NULL, &f->e);
    assert_null(expected->sql); /* all of them took place */
    return g;
}

/* ---- rows ---- */

static void a_point_is_a_row(void **state) {
    (void)state;
    const struct tag tag = {T("id.x"), T("\xc3\xa4\"\n")};
    const struct field fields[] = {integer(T("n"), INT64_MIN),
                                   {.name = T("big"), .type = FIELD_UNSIGNED, .magnitude = UINT64_MAX},
                                   {.name = T("p99.9"), .type = FIELD_NUMBER, .number = 1e-7},
                                   {.name = T("up"), .type = FIELD_BOOLEAN, .boolean = true},
                                   {.name = T("no"), .type = FIELD_NULL},
                                   {.name = T("s\\"), .type = FIELD_STRING, .string = T("x")}};
    struct fixture f;
    open_fixture(&f, false);
    assert_int_equal(encode(&f, T("m"), &tag, fields, 6), 0);
    assert_string_equal(buf_cstr(&f.out),
                        "{\"time_ns\":1431857103000000001,\"id.x\":\"\xc3\xa4\\\"\\n\",\"n\":-9223372036854775808,"
                        "\"big\":18446744073709551615,\"p99.9\":1e-07,\"up\":1,\"s\\\\\":\"x\"}\n");
    close_fixture(&f);
}

static void refused(struct fixture *f, int g, const char *words) {
    assert_int_equal(g, G_DATA);
    assert_string_equal(f->e.text, words);
}

static void what_a_table_cannot_hold_is_refused(void **state) {
    (void)state;
    const struct field time = integer(T("time"), 1), time_ns = integer(T("time_ns"), 1), n = integer(T("n"), 1),
                       bad = {.name = T("s"), .type = FIELD_STRING, .string = T("\xff")};
    const struct tag tag = {T("n"), T("x")};
    struct fixture f;
    open_fixture(&f, true);
    refused(&f, encode(&f, T("m"), NULL, &time, 1), "a tag or field is called 'time', as is the time of the point");
    refused(&f, encode(&f, T("m"), NULL, &time_ns, 1),
            "a tag or field is called 'time_ns', as is the time of the point");
    refused(&f, encode(&f, T("m"), NULL, &bad, 1), "a name or text is not UTF-8");
    refused(&f, encode(&f, T("x"), NULL, &n, 1),
            "measurement 'x' cannot be in the table of 'm' (--measurement makes them one)");
    assert_int_equal(f.out.len, 0);
    wants(&f, NULL, n);
    size_t before = f.out.len;
    refused(&f, encode(&f, T("m"), &tag, &bad, 0), "'n' is a tag in one point and a field in another");
    assert_int_equal(f.out.len, before);
    for (size_t i = 1; i < 1000; i++) {
        char name[16];
        int size = snprintf(name, sizeof name, "n%zu", i);
        wants(&f, NULL, integer((struct text){name, (size_t)size}, 1));
    }
    const struct field more = integer(T("more"), 1);
    refused(&f, encode(&f, T("m"), NULL, &more, 1), "there are more than 1000 columns");
    close_fixture(&f);
    open_fixture(&f, false);
    assert_int_equal(encode(&f, T("m"), NULL, &time, 1), 0); /* the table is somebody else's */
    close_fixture(&f);
}

/* ---- requests ---- */

static void names_and_settings_are_quoted(void **state) {
    (void)state;
    char table[] = "a`; DROP TABLE b\\";
    struct fixture f;
    open_with(&f, table, false, "max_x", "a&b");
    assert_string_equal(f.constant.path, "/?query=INSERT%20INTO%20%60d%60.%60a%5C%60%3B%20DROP%20TABLE%20b%5C%5C%60"
                                         "%20FORMAT%20JSONEachRow&max_x=a%26b");
    close_fixture(&f);
}

static void user_and_password_are_headers_of_all_requests(void **state) {
    (void)state;
    char database[] = "d", table[] = "t", user[] = "ann", password[] = "pa55";
    const struct url u = {.kind = DEST_CLICKHOUSE, .path = {database, table}, .user = user, .password = password};
    const struct dest_config c = {0};
    struct fixture f = {0};
    assert_int_equal(clickhouse_encoder(&f.x, &u, &c, &f.constant, &f.e), 0);
    assert_string_equal(f.constant.headers[0], "X-ClickHouse-User: ann");
    assert_string_equal(f.constant.headers[1], "X-ClickHouse-Key: pa55");
    assert_null(f.constant.headers[2]);
    assert_ptr_equal(((struct clickhouse *)f.x)->statement.headers, f.constant.headers);
    close_fixture(&f);
    open_fixture(&f, false);
    assert_null(f.constant.headers[0]);
    close_fixture(&f);
}

#define PATH "/?query=INSERT%20INTO%20%60d%60.%60t%60%20FORMAT%20JSONEachRow"
#define VERSION "SELECT version()"

static void servers_that_know_tokens_get_them(void **state) {
    (void)state;
    char pipeline[] = "p";
    const struct checkpoint none = {NULL, 0}, c = {pipeline, 7};
    static const struct exchange old[] = {{VERSION, 200, "18.16.1\n"}, {0}},
                                 young[] = {{VERSION, 200, "22.2.3.5\n"}, {0}}, nothing[] = {{0}};
    struct fixture f;
    open_fixture(&f, false);
    f.x->ops->token(f.x, &c, 0xabc);
    assert_int_equal(prepare(&f, old), 0);
    f.x->ops->token(f.x, &c, 0xabc);
    assert_string_equal(f.constant.path, PATH);
    close_fixture(&f);
    open_fixture(&f, false);
    f.x->ops->token(f.x, &c, 0xabc);
    assert_string_equal(f.constant.path, PATH);
    assert_int_equal(prepare(&f, young), 0); /* between the token and the request */
    assert_string_equal(f.constant.path, PATH "&insert_deduplication_token=cdf644cd42b8ec8c-7-0000000000000abc");
    f.x->ops->token(f.x, &none, 1);
    assert_int_equal(prepare(&f, nothing), 0);
    assert_string_equal(f.constant.path, PATH);
    close_fixture(&f);
}

/* ---- the table ---- */

#define COLUMNS "SELECT name, type FROM system.columns WHERE database = 'd' AND table = 't' FORMAT JSONCompact"
#define KEY "SELECT sorting_key FROM system.tables WHERE database = 'd' AND name = 't' FORMAT JSONCompact"
#define BEGIN                                                                                                          \
    "CREATE TABLE IF NOT EXISTS `d`.`t` (time_ns Int64, "                                                              \
    "time DateTime MATERIALIZED toDateTime(intDiv(time_ns, 1000000000))"

static void the_table_follows_the_points(void **state) {
    (void)state;
    const struct tag k = {T("k.`"), T("x")}, later = {T("later"), T("x")};
    const struct field real = {.name = T("n"), .type = FIELD_NUMBER, .number = 0.5},
                       up = {.name = T("up"), .type = FIELD_BOOLEAN, .boolean = true};
    static const struct exchange first[] = {
        {VERSION, 200, "18.16.1\n"},
        {BEGIN ", `k.\\`` String, `n` Nullable(Int64)) ENGINE = ReplacingMergeTree ORDER BY (`k.\\``, time_ns)", 200,
         ""},
        {COLUMNS, 200, "{\"data\":[[\"k.`\",\"String\"],[\"n\",\"Nullable(Int64)\"],[\"time_ns\",\"Int64\"]]}"},
        {0}};
    static const struct exchange second[] = {
        {COLUMNS, 200, "{\"data\":[[\"k.`\",\"String\"],[\"n\",\"Nullable(Int64)\"],[\"time_ns\",\"Int64\"]]}"},
        {KEY, 200, "{\"data\":[[\"`k.\\\\``, time_ns\"]]}"},
        {"ALTER TABLE `d`.`t` MODIFY COLUMN `n` Nullable(Float64), ADD COLUMN `later` String, ADD COLUMN `up` "
         "Nullable(UInt8), MODIFY ORDER BY (`k.\\``, time_ns, `later`)",
         200, ""},
        {0}};
    static const struct exchange third[] = {{COLUMNS, 200,
                                             "{\"data\":[[\"i\",\"Nullable(Int64)\"],[\"k.`\",\"String\"],"
                                             "[\"n\",\"Nullable(Float64)\"],[\"later\",\"String\"],"
                                             "[\"up\",\"Nullable(UInt8)\"]]}"},
                                            {0}};
    const struct field i = {.name = T("i"), .type = FIELD_BOOLEAN};
    static const struct exchange nothing[] = {{0}};
    struct fixture f;
    open_fixture(&f, true);
    wants(&f, &k, integer(T("n"), 1));
    assert_int_equal(prepare(&f, first), 0);
    wants(&f, &k, integer(T("n"), 2));
    assert_int_equal(prepare(&f, nothing), 0);
    wants(&f, &later, real);
    wants(&f, &k, up);
    assert_int_equal(prepare(&f, second), 0);
    wants(&f, &k, integer(T("n"), 3));
    assert_int_equal(prepare(&f, nothing), 0);
    wants(&f, &k, integer(T("i"), 3));
    assert_int_equal(prepare(&f, third), 0);
    wants(&f, &k, i); /* fits */
    assert_int_equal(prepare(&f, nothing), 0);
    close_fixture(&f);
}

static void a_table_that_is_there_is_widened_only_where_it_is_too_narrow(void **state) {
    (void)state;
    const struct field real = {.name = T("real"), .type = FIELD_NUMBER, .number = 0.5},
                       text = {.name = T("text"), .type = FIELD_STRING, .string = T("x")};
    static const struct exchange exchanges[] = {
        {VERSION, 200, "22.8.1\n"},
        {BEGIN ", `n` Nullable(Int64), `m` Nullable(Int64), `real` Nullable(Float64), `text` Nullable(String), "
               "`b` Nullable(Int64)) ENGINE = ReplacingMergeTree ORDER BY (time_ns) "
               "SETTINGS non_replicated_deduplication_window = 1000",
         200, ""},
        {COLUMNS, 200,
         "{\"data\":[[\"n\",\"Nullable(Float64)\"],[\"m\",\"Nullable(UInt64)\"],[\"real\",\"Float32\"],"
         "[\"text\",\"Nullable(Int64)\"],[\"b\",\"Nullable(UInt8)\"]]}"},
        {"ALTER TABLE `d`.`t` MODIFY COLUMN `m` Nullable(Float64), MODIFY COLUMN `b` Nullable(Int64)", 200, ""},
        {0}};
    struct fixture f;
    open_fixture(&f, true);
    wants(&f, NULL, integer(T("n"), 1));
    wants(&f, NULL, integer(T("m"), 1));
    wants(&f, NULL, real);
    wants(&f, NULL, text);
    wants(&f, NULL, integer(T("b"), 300));
    assert_int_equal(prepare(&f, exchanges), 0);
    close_fixture(&f);
}

static void what_cannot_be_prepared_is_tried_again_or_not(void **state) {
    (void)state;
    static const struct exchange away[] = {{VERSION, 0, ""}, {0}}, busy[] = {{VERSION, 503, "later\nmore"}, {0}};
    static const struct exchange denied[] = {{VERSION, 401, "Code: 193, e.displayText() = x"}, {0}},
                                 other[] = {{VERSION, 200, "<html>"}, {0}};
    struct fixture f;
    open_fixture(&f, false);
    assert_int_equal(prepare(&f, away), G_WAIT);
    assert_string_equal(f.e.text, "connection refused");
    assert_int_equal(prepare(&f, busy), G_WAIT);
    assert_string_equal(f.e.text, "HTTP 503 to 'SELECT version()…': later");
    assert_int_equal(prepare(&f, denied), G_IO);
    assert_int_equal(prepare(&f, other), G_IO);
    assert_string_equal(f.e.text, "no ClickHouse: its version is '<html>'");
    close_fixture(&f);
}

/* ---- answers ---- */

static void answers_are_told_apart(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        enum verdict verdict;
    } cases[] = {
        {200, "", VERDICT_ACCEPTED},
        {500, "Code: 27, e.displayText() = DB::Exception: Cannot parse input", VERDICT_REFUSED},
        {400, "Code: 27. DB::Exception: Cannot parse input", VERDICT_REFUSED},
        {500, "Code: 117, e.displayText() = DB::Exception: Unknown field found", VERDICT_REFUSED},
        {404, "Code: 60, e.displayText() = DB::Exception: Table d.t doesn't exist.", VERDICT_FATAL},
        {404, "Code: 81, e.displayText() = DB::Exception: Database d doesn't exist", VERDICT_FATAL},
        {404, "Code: 115, e.displayText() = DB::Exception: Unknown setting x", VERDICT_FATAL},
        {500, "Code: 164, e.displayText() = DB::Exception: readonly", VERDICT_FATAL},
        {401, "Code: 193, e.displayText() = DB::Exception: Wrong password", VERDICT_FATAL},
        {403, "Code: 516. DB::Exception: Authentication failed", VERDICT_FATAL},
        {500, "Code: 241, e.displayText() = DB::Exception: Memory limit exceeded", VERDICT_RETRY},
        {500, "Code: 252, e.displayText() = DB::Exception: Too many parts", VERDICT_RETRY},
        {500, "Code: 2522", VERDICT_RETRY},
        {503, "", VERDICT_RETRY},
        {429, "", VERDICT_RETRY},
        {408, "", VERDICT_RETRY},
        {413, "", VERDICT_REFUSED},
        {400, "", VERDICT_REFUSED},
        {301, "", VERDICT_FATAL},
    };
    struct fixture f;
    open_fixture(&f, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct http_response r = {
            .status = cases[i].status, .body = cases[i].body, .size = strlen(cases[i].body), .retry_after_ns = -1};
        struct err why = {0};
        assert_int_equal(f.x->ops->judge(f.x, &r, 1, &why), cases[i].verdict);
        assert_string_equal(why.text, cases[i].body);
    }
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_is_a_row),
        cmocka_unit_test(what_a_table_cannot_hold_is_refused),
        cmocka_unit_test(names_and_settings_are_quoted),
        cmocka_unit_test(user_and_password_are_headers_of_all_requests),
        cmocka_unit_test(servers_that_know_tokens_get_them),
        cmocka_unit_test(the_table_follows_the_points),
        cmocka_unit_test(a_table_that_is_there_is_widened_only_where_it_is_too_narrow),
        cmocka_unit_test(what_cannot_be_prepared_is_tried_again_or_not),
        cmocka_unit_test(answers_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

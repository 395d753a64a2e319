/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus remote write: the bytes of a point, names, times, the order in a request, and what answers mean. Requests
 * are read back by a decoder of the test's own, which knows the wire format only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http.h"
#define http_send made_up_send
int made_up_send(struct http *h, const struct http_request *r, struct http_response *ret, struct err *e);
#include "../../cmd/sink-tsdb/labels.c"
#include "../../cmd/sink-tsdb/prometheus.c"
#include "../../cmd/sink-tsdb/write_request.c"

#define T(s)                                                                                                           \
    (struct text) {                                                                                                    \
        s, sizeof(s) - 1                                                                                               \
    }
#define MS INT64_C(1000000)

struct fixture {
    struct encoder *x;
    struct http_request constant;
    struct buf encoded, out;
    struct err e;
};

static void open_with(struct fixture *f, char *path, char *token) {
    const struct url u = {.kind = DEST_PROMETHEUS, .path = {path}, .token = token};
    *f = (struct fixture){0};
    assert_int_equal(prometheus_encoder(&f->x, &u, &f->constant, &f->e), 0);
}

static void open_fixture(struct fixture *f) {
    open_with(f, NULL, NULL);
}

static void close_fixture(struct fixture *f) {
    f->x->ops->free(f->x);
    buf_release(&f->encoded);
    buf_release(&f->out);
}

static struct field number(struct text name, double value) {
    return (struct field){.name = name, .type = FIELD_NUMBER, .number = value};
}

static int encode(struct fixture *f, struct text measurement, const struct tag *tags, size_t tag_count,
                  const struct field *fields, size_t field_count, int64_t time) {
    const struct point p = {measurement, tags, tag_count, fields, field_count, time};
    return f->x->ops->encode(f->x, &p, &f->encoded, &f->e);
}

static void shows(struct fixture *f, const char *expected) {
    buf_clear(&f->out);
    assert_int_equal(f->x->ops->show(f->x, f->encoded.data, f->encoded.len, &f->out, &f->e), 0);
    assert_string_equal(buf_cstr(&f->out), expected);
}

/* ---- a decoder ---- */

struct wire {
    unsigned field;
    uint64_t number; /* of types 0 and 1 */
    const char *p, *end;
};

static uint64_t varint(const char **p, const char *end) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        assert_true(*p < end);
        unsigned char c = (unsigned char)*(*p)++;
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128) return v;
    }
    fail_msg("a varint has no end");
    return 0;
}

static bool next(const char **p, const char *end, struct wire *ret) {
    if (*p == end) return false;
    uint64_t key = varint(p, end);
    *ret = (struct wire){.field = (unsigned)(key >> 3)};
    switch (key & 7) {
    case 0: ret->number = varint(p, end); return true;
    case 1:
        assert_true(end - *p >= 8);
        ret->number = get_u64_le(*p);
        *p += 8;
        return true;
    case 2: {
        uint64_t n = varint(p, end);
        assert_true(n <= (uint64_t)(end - *p));
        ret->p = *p;
        ret->end = *p += n;
        return true;
    }
    default: fail_msg("wire type %u", (unsigned)(key & 7)); return false;
    }
}

static void decode_label(struct wire label, struct buf *out) {
    struct wire w;
    while (next(&label.p, label.end, &w))
        assert_int_equal(buf_printf(out, w.field == 1 ? "%.*s=" : "%.*s,", (int)(w.end - w.p), w.p), 0);
}

static void decode_sample(struct wire sample, struct buf *out) {
    struct wire w;
    double value;
    while (next(&sample.p, sample.end, &w)) {
        memcpy(&value, &w.number, sizeof value);
        if (w.field == 1)
            assert_int_equal(buf_printf(out, " %g@", value), 0);
        else
            assert_int_equal(buf_printf(out, "%lld", (long long)w.number), 0);
    }
}

/* `name=value,… value@ms …`, a line a series. */
static void decode(const char *p, size_t n, struct buf *out) {
    struct wire series, w;
    for (const char *end = p + n; next(&p, end, &series); assert_int_equal(buf_putc(out, '\n'), 0)) {
        assert_int_equal(series.field, 1);
        while (next(&series.p, series.end, &w)) {
            if (w.field == 1)
                decode_label(w, out);
            else
                decode_sample(w, out);
        }
    }
}

static void body_is(struct fixture *f, const char *expected) {
    struct buf plain = {0}, text = {0};
    size_t n;
    assert_int_equal(f->x->ops->body(f->x, f->encoded.data, f->encoded.len, &f->out, &f->e), 0);
    assert_int_equal(snappy_uncompressed_length(f->out.data, f->out.len, &n), SNAPPY_OK);
    assert_int_equal(buf_reserve(&plain, n + 1), 0);
    assert_int_equal(snappy_uncompress(f->out.data, f->out.len, plain.data, &n), SNAPPY_OK);
    decode(plain.data, n, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_release(&plain);
    buf_release(&text);
}

/* ---- points ---- */

static void a_point_is_these_bytes(void **state) {
    (void)state;
    static const char expected[] = "\x0a\x2f"
                                   "\x0a\x06\x0a\x01\x41\x12\x01\x31"
                                   "\x0a\x0f\x0a\x08__name__\x12\x03m_n"
                                   "\x0a\x06\x0a\x01\x62\x12\x01\x32"
                                   "\x12\x0c\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xdc\x0b";
    const struct tag tags[] = {{T("b"), T("2")}, {T("A"), T("1")}};
    const struct field n = number(T("n"), 1.5);
    struct fixture f;
    open_fixture(&f);
    assert_int_equal(encode(&f, T("m"), tags, 2, &n, 1, 1500 * MS), 0);
    assert_int_equal(f.encoded.len, sizeof expected - 1);
    assert_memory_equal(f.encoded.data, expected, f.encoded.len);
    close_fixture(&f);
}

static void fields_are_metrics_of_their_own(void **state) {
    (void)state;
    const struct tag tags[] = {{T("z"), T("\xc3\xa4\n\"\\")}, {T("empty"), T("")}};
    const struct field fields[] = {{.name = T("n"), .type = FIELD_INTEGER, .integer = -3},
                                   {.name = T("big"), .type = FIELD_UNSIGNED, .magnitude = UINT64_MAX},
                                   {.name = T("up"), .type = FIELD_BOOLEAN, .boolean = true},
                                   {.name = T("text"), .type = FIELD_STRING, .string = T("left out")},
                                   {.name = T("value"), .type = FIELD_NUMBER, .number = 0.1}};
    struct fixture f;
    open_fixture(&f);
    assert_int_equal(encode(&f, T("m"), tags, 2, fields, 5, 1500 * MS), 0);
    shows(&f, "m{z=\"\xc3\xa4\\n\\\"\\\\\"} 0.1 1500\n"
              "m_big{z=\"\xc3\xa4\\n\\\"\\\\\"} 18446744073709552000 1500\n"
              "m_n{z=\"\xc3\xa4\\n\\\"\\\\\"} -3 1500\n"
              "m_up{z=\"\xc3\xa4\\n\\\"\\\\\"} 1 1500\n");
    close_fixture(&f);
}

static void names_become_legal(void **state) {
    (void)state;
    const struct tag tags[] = {{T("id.orig_h"), T("1")},
                               {T("9lives"), T("2")},
                               {T("gr\xc3\xb6\xc3\x9f"
                                  "e:x"),
                                T("3")}};
    const struct field fields[] = {number(T("p99.9"), 1), number(T("a:b"), 2)};
    struct fixture f;
    open_fixture(&f);
    assert_int_equal(encode(&f, T("5xx rate"), tags, 3, fields, 2, 0), 0);
    shows(&f, "_5xx_rate_a:b{_9lives=\"2\",gr__e_x=\"3\",id_orig_h=\"1\"} 2 0\n"
              "_5xx_rate_p99_9{_9lives=\"2\",gr__e_x=\"3\",id_orig_h=\"1\"} 1 0\n");
    close_fixture(&f);
}

static void refused(struct fixture *f, int g, const char *words) {
    assert_int_equal(g, G_DATA);
    assert_string_equal(f->e.text, words);
    assert_int_equal(f->encoded.len, 0);
}

static void names_that_become_the_same_are_refused(void **state) {
    (void)state;
    const struct tag same[] = {{T("a.b"), T("1")}, {T("c"), T("2")}, {T("a_b"), T("3")}},
                     name = {T("__name__"), T("x")};
    const struct field n = number(T("n"), 1), fields[] = {number(T("p.9"), 1), number(T("q"), 1), number(T("p_9"), 2)};
    const struct field text = {.name = T("t"), .type = FIELD_STRING, .string = T("x")};
    struct fixture f;
    open_fixture(&f);
    refused(&f, encode(&f, T("m"), same, 3, &n, 1, 0), "two tags become the same label 'a_b'");
    refused(&f, encode(&f, T("m"), &name, 1, &n, 1, 0), "a tag cannot be the label '__name__'");
    refused(&f, encode(&f, T("m"), NULL, 0, fields, 3, 0), "two fields become the same metric 'm_p_9'");
    refused(&f, encode(&f, T("m"), NULL, 0, &text, 1, 0), "no field is a number, and Prometheus has no other values");
    close_fixture(&f);
}

static void times_are_whole_milliseconds_rounded_down(void **state) {
    (void)state;
    const struct field n = number(T("value"), 1);
    struct fixture f;
    open_fixture(&f);
    const int64_t times[] = {0, 999999, 1000000, -1, -1000000, -1000001, INT64_MAX, TIME_MIN};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_int_equal(encode(&f, T("m"), NULL, 0, &n, 1, times[i]), 0);
    shows(&f, "m 1 0\nm 1 0\nm 1 1\nm 1 -1\nm 1 -1\nm 1 -2\nm 1 9223372036854\nm 1 -9214560000000\n");
    close_fixture(&f);
}

static void a_null_is_a_stale_marker(void **state) {
    (void)state;
    const struct field gone = {.name = T("n"), .type = FIELD_NULL};
    struct fixture f;
    open_fixture(&f);
    assert_int_equal(encode(&f, T("m"), NULL, 0, &gone, 1, 0), 0);
    assert_memory_equal(f.encoded.data + f.encoded.len - 10, "\x02\0\0\0\0\0\xf0\x7f\x10\0", 10);
    shows(&f, "m_n NaN 0\n");
    close_fixture(&f);
}

/* ---- requests ---- */

static void series_have_their_samples_in_order(void **state) {
    (void)state;
    const struct tag a = {T("k"), T("a")}, b = {T("k"), T("b")};
    struct field n = number(T("n"), 1);
    struct fixture f;
    open_fixture(&f);
    static const struct {
        char series;
        int64_t ms;
    } in[] = {{'a', 30}, {'b', 10}, {'a', 20}, {'a', 30}, {'b', 5}, {'a', 40}, {'a', 20}};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++, n.number++)
        assert_int_equal(encode(&f, T("m"), in[i].series == 'a' ? &a : &b, 1, &n, 1, in[i].ms * MS), 0);
    body_is(&f, "__name__=m_n,k=b, 5@5 2@10\n"
                "__name__=m_n,k=a, 7@20 4@30 6@40\n");
    close_fixture(&f);
}

static void a_large_request_is_whole(void **state) {
    (void)state;
    enum { SERIES = 3000 };
    char value[300], line[400];
    struct buf expected = {0};
    struct fixture f;
    open_fixture(&f);
    for (int i = 0; i < SERIES; i++) {
        int n = snprintf(value, sizeof value, "%0*d", 250, i);
        const struct tag tag = {T("k"), {value, (size_t)n}};
        const struct field v = number(T("value"), i);
        assert_int_equal(encode(&f, T("m"), &tag, 1, &v, 1, i * MS), 0);
        (void)snprintf(line, sizeof line, "__name__=m,k=%s, %d@%d\n", value, i, i);
        assert_int_equal(buf_puts(&expected, line), 0);
    }
    body_is(&f, buf_cstr(&expected));
    assert_true(f.out.len < f.encoded.len / 2);
    buf_clear(&f.encoded);
    body_is(&f, "");
    buf_release(&expected);
    close_fixture(&f);
}

static void the_request_says_what_it_is(void **state) {
    (void)state;
    char path[] = "/insert/0/write?x=1", token[] = "t0k";
    struct fixture f;
    open_fixture(&f);
    assert_string_equal(f.constant.method, "POST");
    assert_string_equal(f.constant.path, "/api/v1/write");
    assert_string_equal(f.constant.headers[0], "Content-Type: application/x-protobuf");
    assert_string_equal(f.constant.headers[1], "Content-Encoding: snappy");
    assert_string_equal(f.constant.headers[2], "X-Prometheus-Remote-Write-Version: 0.1.0");
    assert_null(f.constant.headers[3]);
    close_fixture(&f);
    open_with(&f, path, token);
    assert_string_equal(f.constant.path, "/insert/0/write?x=1");
    assert_string_equal(f.constant.headers[3], "Authorization: Bearer t0k");
    assert_null(f.constant.headers[4]);
    close_fixture(&f);
}

/* ---- answers ---- */

static void answers_are_told_apart(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        enum verdict verdict;
        const char *words;
    } cases[] = {
        {200, "", VERDICT_ACCEPTED, ""},
        {204, "", VERDICT_ACCEPTED, ""},
        {500, "no space left on device\n", VERDICT_RETRY, ""},
        {503, "", VERDICT_RETRY, ""},
        {429, "slow down", VERDICT_RETRY, ""},
        {500, "too old sample\n", VERDICT_REFUSED, "too late for its series: too old sample"},
        {400, "out of bounds\n", VERDICT_REFUSED, "too late for its series: out of bounds"},
        {400, "out of order sample\nmore", VERDICT_REFUSED, "too late for its series: out of order sample"},
        {409, "duplicate sample for timestamp", VERDICT_REFUSED,
         "too late for its series: duplicate sample for timestamp"},
        {400, "label name \"a b\" is invalid", VERDICT_REFUSED, ""},
        {413, "", VERDICT_REFUSED, ""},
        {401, "", VERDICT_FATAL, ""},
        {403, "", VERDICT_FATAL, ""},
        {404, "404 page not found\n", VERDICT_FATAL, "nothing takes remote write there: 404 page not found"},
        {302, "", VERDICT_FATAL, ""},
    };
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct http_response r = {
            .status = cases[i].status, .body = cases[i].body, .size = strlen(cases[i].body), .retry_after_ns = -1};
        struct err why = {0};
        assert_int_equal(f.x->ops->judge(f.x, &r, 1, &why), cases[i].verdict);
        assert_string_equal(why.text, cases[i].words);
    }
    close_fixture(&f);
}

/* ---- what is there already ---- */

static struct {
    const char *body; /* of the request; NULL: none is expected */
    unsigned status;
    const char *answer;
} query;

int made_up_send(struct http *h, const struct http_request *r, struct http_response *ret, struct err *e) {
    (void)h, (void)e;
    assert_non_null(query.body);
    assert_string_equal(r->path, "/api/v1/query");
    assert_int_equal(r->size, strlen(query.body));
    assert_memory_equal(r->body, query.body, r->size);
    *ret = (struct http_response){.status = query.status,
                                  .body = query.answer,
                                  .size = strlen(query.answer),
                                  .retry_after_ns = -1,
                                  .failure = {.grade = G_WAIT, .text = "away"}};
    return 0;
}

static int is_there(struct fixture *f, unsigned status, const char *answer) {
    query.status = status;
    query.answer = answer;
    return f->x->ops->is_there(f->x, NULL, f->encoded.data, f->encoded.len, &f->e);
}

static void says_too_late(struct fixture *f) {
    static const char text[] = "out of order sample";
    const struct http_response r = {.status = 400, .body = text, .size = sizeof text - 1};
    assert_int_equal(f->x->ops->judge(f->x, &r, 1, &f->e), VERDICT_REFUSED);
}

#define ANSWER(labels, values)                                                                                         \
    "{\"data\":{\"result\":[{\"metric\":{\"__name__\":\"m_n\"" labels "},\"values\":[" values "]}]}}"
#define OURS ",\"k\":\"a\\\\\""

static void what_is_too_late_may_be_there_already(void **state) {
    (void)state;
    const struct tag k = {T("k"), T("a\\")};
    struct field n = number(T("n"), 0.5), null = {.name = T("n"), .type = FIELD_NULL};
    struct fixture f;
    open_fixture(&f);
    for (int64_t ms = 1003; ms < 1006; ms++, n.number += 1)
        assert_int_equal(encode(&f, T("m"), &k, 1, ms == 1004 ? &null : &n, 1, ms * MS), 0);
    query.body = NULL;
    assert_int_equal(is_there(&f, 200, ""), 0); /* nothing was said to be late */
    says_too_late(&f);
    query.body = "query=m_n%7Bk%3D%22a%5C%5C%22%7D%5B3ms%5D&time=1.005";
    assert_int_equal(is_there(&f, 200, ANSWER(OURS, "[1.003,\"0.5\"],[1.004,\"7\"],[1.005,\"2.5\"]")), 1);
    assert_int_equal(is_there(&f, 200, ANSWER(OURS, "[1.003,\"0.5\"],[1.005,\"2.6\"]")), 0);
    assert_int_equal(is_there(&f, 200, ANSWER(OURS, "[1.003,\"0.5\"]")), 0);
    assert_int_equal(is_there(&f, 200, ANSWER(OURS ",\"z\":\"1\"", "[1.003,\"0.5\"],[1.005,\"2.5\"]")), 0);
    assert_int_equal(is_there(&f, 200, "{\"data\":{\"result\":[]}}"), 0);
    assert_int_equal(is_there(&f, 200, "<html>"), 0);
    assert_int_equal(is_there(&f, 404, ""), 0);
    assert_int_equal(is_there(&f, 503, ""), G_WAIT);
    assert_int_equal(is_there(&f, 0, ""), G_WAIT);
    assert_string_equal(f.e.text, "away");
    close_fixture(&f);
    char path[] = "/write";
    open_with(&f, path, NULL);
    says_too_late(&f);
    query.body = NULL;
    assert_int_equal(is_there(&f, 200, ""), 0); /* where queries go is not known */
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_is_these_bytes),
        cmocka_unit_test(fields_are_metrics_of_their_own),
        cmocka_unit_test(names_become_legal),
        cmocka_unit_test(names_that_become_the_same_are_refused),
        cmocka_unit_test(times_are_whole_milliseconds_rounded_down),
        cmocka_unit_test(a_null_is_a_stale_marker),
        cmocka_unit_test(series_have_their_samples_in_order),
        cmocka_unit_test(a_large_request_is_whole),
        cmocka_unit_test(the_request_says_what_it_is),
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(what_is_too_late_may_be_there_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points on their way to a server: what a request is, batches by number, bytes and time, a server that is away, retries
 * and what is told about them. Refused points, waiting and the end: test_send_end.c.
 */
#include "send_scene.h"

/* ---- batches ---- */

static const char *last_head;
static const char *keep_head(void *ctx, const struct tiny_request *r) {
    free((char *)(uintptr_t)last_head);
    last_head = strdup(r->head);
    return play(ctx, r);
}

static void the_request_names_database_policy_and_token(void **state) {
    struct scene *s = *state;
    static char token[] = "t0k3n";
    char want[400];
    s->url.token = token;
    s->server.answer = keep_head;
    begin(s);
    put_all(s, 1, 2);
    end_well(s);
    (void)snprintf(want, sizeof want,
                   "POST /write?db=d%%20b&rp=a%%20week&precision=ns HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                   "User-Agent: leat/" LEAT_VERSION "\r\nAccept: */*\r\nContent-Type: text/plain; charset=utf-8\r\n"
                   "Content-Encoding: gzip\r\nAuthorization: Token t0k3n\r\nContent-Length: ",
                   s->server.port);
    assert_memory_equal(last_head, want, strlen(want));
    s->url.kind = DEST_INFLUX2;
    begin(s);
    put_all(s, 1, 2);
    end_well(s);
    assert_memory_equal(last_head, "POST /api/v2/write?org=d%20b&bucket=d%20b&precision=ns HTTP", 59);
    free((char *)(uintptr_t)last_head);
    last_head = NULL;
}

static void batches_are_of_so_many_points_and_the_last_is_what_is_left(void **state) {
    struct scene *s = *state;
    begin(s);
    put_all(s, 0, 25);
    end_well(s);
    assert_string_equal(got(s), "0 1 2 3 4 5 6 7 8 9|10 11 12 13 14 15 16 17 18 19|20 21 22 23 24");
    assert_totals(s, 25, 25, 0, 0);
    assert_int_equal(s->totals.retries, 0);
    assert_int_equal(s->server.connections, 1);
    assert_int_equal(s->notices.len, 0);
}

static void a_batch_is_full_by_bytes_of_points_and_of_records(void **state) {
    struct scene *s = *state;
    s->config.batch_bytes = 20; /* "m v=1i 1\n" is 9 */
    begin(s);
    put_all(s, 1, 8);
    end_well(s);
    assert_string_equal(got(s), "1 2 3|4 5 6|7");
    s->config.batch_bytes = 1 << 20;
    begin(s);
    struct server *server = (struct server *)s->dest;
    server->filling->memory.len = (1u << 20) * MEMORY_FACTOR; /* records that had much more in them than points */
    assert_true(is_full(server));
    server->filling->memory.len--;
    assert_false(is_full(server));
    end_well(s);
}

static void no_point_waits_longer_than_flush(void **state) {
    struct scene *s = *state;
    int64_t wake;
    s->config.flush_ns = 100 * NS_PER_MS;
    begin(s);
    assert_int_equal(s->dest->ops->poll(s->dest, &wake, &s->e), 0);
    assert_int_equal(wake, -1);
    put_all(s, 0, 3);
    assert_int_equal(s->dest->ops->poll(s->dest, &wake, &s->e), 0);
    assert_in_range(wake, 1, 100 * NS_PER_MS);
    assert_totals(s, 0, 0, 0, 0);
    usleep(110000);
    assert_int_equal(s->dest->ops->poll(s->dest, &wake, &s->e), 0);
    assert_int_equal(wake, LOOK_NS);
    assert_int_equal(s->totals.sent, 3);
    for (int i = 0; i < 100 && s->totals.accepted < 3; i++) {
        usleep(10000);
        assert_int_equal(s->dest->ops->poll(s->dest, &wake, &s->e), 0);
    }
    assert_totals(s, 3, 3, 0, 0);
    assert_int_equal(wake, -1);
    end_well(s);
}

static void flush_sends_what_is_there_and_waits_for_it(void **state) {
    struct scene *s = *state;
    s->delay_ns = 50 * NS_PER_MS;
    begin(s);
    put_all(s, 0, 12);
    assert_totals(s, 10, 0, 0, 10);
    assert_int_equal(s->dest->ops->flush(s->dest, &s->e), 0);
    assert_totals(s, 12, 12, 0, 0);
    assert_string_equal(got(s), "0 1 2 3 4 5 6 7 8 9|10 11");
    assert_int_equal(s->dest->ops->flush(s->dest, &s->e), 0);
    assert_totals(s, 12, 12, 0, 0);
    end_well(s);
}

static void a_point_that_cannot_be_said_leaves_the_batch_as_it_was(void **state) {
    struct scene *s = *state;
    begin(s);
    put_all(s, 0, 1);
    const struct field f = {.name = {"time", 4}, .type = FIELD_BOOLEAN, .boolean = true};
    const struct tag t = {{"a", 1}, {"b\\", 2}};
    struct point p = {.measurement = {"m", 1}, .fields = &f, .field_count = 1};
    const struct block_header like = {0};
    const struct record r = {0};
    assert_int_equal(s->dest->ops->put(s->dest, &like, &r, "w", &p, &s->e), G_DATA);
    assert_string_equal(s->e.text, "a field cannot be called 'time' in InfluxDB");
    const struct field good = {.name = {"x", 1}, .type = FIELD_BOOLEAN, .boolean = true};
    p.fields = &good;
    p.tags = &t;
    p.tag_count = 1;
    assert_int_equal(s->dest->ops->put(s->dest, &like, &r, "w", &p, &s->e), G_DATA);
    assert_string_equal(s->e.text, "tag value 'b\\' ends in a backslash: line protocol cannot say that");
    put_all(s, 1, 2);
    end_well(s);
    assert_string_equal(got(s), "0 1");
}

/* ---- a server that is away ---- */

static void who_answers_500_is_asked_again_and_that_is_told_once(void **state) {
    struct scene *s = *state;
    s->fail = 4;
    s->failure = OTHERWISE;
    begin(s);
    put_all(s, 0, 12);
    end_well(s);
    assert_string_equal(got(s), "0 1 2 3 4 5 6 7 8 9|10 11");
    assert_totals(s, 12, 12, 0, 0);
    assert_int_equal(s->totals.retries, 4);
    const char *words = text_of(&s->notices), *back = strchr(words, '\n');
    assert_memory_equal(words, "server away: HTTP 500: x, trying again for 10s\n", 47);
    assert_memory_equal(back, "\nserver back after ", 19);
    assert_null(strchr(strchr(back + 1, '\n') + 1, '\n'));
}

static void an_answer_that_was_lost_is_no_answer_and_the_points_go_again(void **state) {
    struct scene *s = *state;
    s->fail = 2;
    s->failure = NULL;
    s->keep_before_failing = true;
    begin(s);
    put_all(s, 0, 2);
    end_well(s);
    assert_string_equal(got(s), "0 1|0 1|0 1");
    assert_totals(s, 2, 2, 0, 0);
}

static void retry_after_is_honoured(void **state) {
    struct scene *s = *state;
    s->fail = 1;
    s->failure = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    begin(s);
    put_all(s, 0, 2);
    end_well(s);
    assert_in_range(asked_at(s, 1) - asked_at(s, 0), NS_PER_S, 1500 * NS_PER_MS);
    assert_memory_equal(text_of(&s->notices), "server away: HTTP 429, trying again for 10s\n", 44);
}

static void pauses_are_random_and_become_longer_until_the_server_is_back(void **state) {
    struct scene *s = *state;
    struct rng rng;
    size_t at = 0;
    s->failure = OTHERWISE;
    s->config.retry_for_ns = 900 * NS_PER_MS;
    begin(s);
    rng_init(&rng, 6);
    ((struct server *)s->dest)->delivery->rng = rng;
    for (int outage = 0; outage < 3; outage++) {
        s->fail = 3;
        put_all(s, outage, outage + 1);
        assert_int_equal(s->dest->ops->flush(s->dest, &s->e), 0);
        for (int i = 0; i < 3; i++, at++) {
            int64_t pause = asked_at(s, at + 1) - asked_at(s, at);
            int64_t want = (int64_t)rng_below(&rng, (uint64_t)(PAUSE_FIRST_NS << i));
            assert_in_range(pause, want, want + 300 * NS_PER_MS);
        }
        at++;
        usleep(400000); /* three outages together are longer than the time for one */
    }
    end_well(s);
    assert_string_equal(got(s), "0|1|2");
}

static void after_retry_for_the_run_ends_and_nothing_is_made_up(void **state) {
    struct scene *s = *state;
    s->fail = 1000;
    s->failure = OTHERWISE;
    s->config.retry_for_ns = 300 * NS_PER_MS;
    begin(s);
    put_all(s, 0, 3);
    int64_t before = sys.boot_ns();
    assert_int_equal(end(s, true), G_IO);
    assert_in_range(sys.boot_ns() - before, 300 * NS_PER_MS, 900 * NS_PER_MS);
    assert_string_equal(s->e.text, "'influx://h/db' took nothing for 300ms: HTTP 500: x");
    assert_totals(s, 3, 0, 0, 3);
    assert_string_equal(text_of(&s->notices), "server away: HTTP 500: x, trying again for 300ms\n");
}

static void without_retries_the_first_failure_is_the_last(void **state) {
    struct scene *s = *state;
    s->config.retry_for_ns = 0;
    s->url.port = tiny_http_no_port();
    begin(s);
    put_all(s, 0, 3);
    assert_int_equal(end(s, true), G_IO);
    char want[200];
    (void)snprintf(want, sizeof want, "'influx://h/db': cannot connect to '127.0.0.1:%u': Connection refused",
                   s->url.port);
    assert_string_equal(s->e.text, want);
    assert_int_equal(s->notices.len, 0);
}

static void who_wants_to_be_asked_too_late_is_not_waited_for(void **state) {
    struct scene *s = *state;
    s->fail = 1;
    s->failure = "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 5\r\n\r\nlater";
    begin(s);
    put_all(s, 0, 3);
    assert_int_equal(end(s, true), G_IO);
    assert_string_equal(s->e.text, "'influx://h/db' wants to be asked in 1h, which is too late: HTTP 503: later");
    assert_int_equal(s->asked.len, sizeof(int64_t));
}

static void a_failure_is_the_same_from_then_on(void **state) {
    struct scene *s = *state;
    s->fail = 1;
    s->failure =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 41\r\n\r\n{\"error\":\"database not found: \\\"nope\\\"\"}\n ";
    begin(s);
    put_all(s, 0, 3);
    for (int i = 0; i < 3; i++) {
        err_clear(&s->e);
        assert_int_equal(s->dest->ops->flush(s->dest, &s->e), G_IO);
        assert_string_equal(s->e.text, "'influx://h/db': HTTP 404: database not found: \"nope\"");
    }
    assert_int_equal(put(s, 3), G_IO);
    assert_int_equal(end(s, false), 0);
    assert_totals(s, 3, 0, 0, 3);
    assert_int_equal(s->server.requests, 1);
}

static void verdicts(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        enum verdict verdict;
        const char *words;
    } cases[] = {
        {204, "", VERDICT_ACCEPTED, ""},
        {200, "", VERDICT_ACCEPTED, ""},
        {200, "<html>", VERDICT_FATAL, ""},
        {200, "{\"error\":\"timeout\"}", VERDICT_FATAL, "timeout"},
        {202, "", VERDICT_FATAL, ""},
        {301, "", VERDICT_FATAL, ""},
        {400, "{\"error\":\"partial write: field type conflict\"}", VERDICT_REFUSED,
         "partial write: field type conflict"},
        {400, "{\"code\":\"invalid\",\"message\":\"no\"}", VERDICT_REFUSED, "no"},
        {400, "{\"error\":\"database is required\"}", VERDICT_FATAL, "database is required"},
        {400, "no json", VERDICT_REFUSED, ""},
        {400, "{\"error\":5}", VERDICT_REFUSED, ""},
        {401, "{\"error\":\"authorization failed\"}", VERDICT_FATAL, "authorization failed"},
        {403, "", VERDICT_FATAL, ""},
        {404, "404 page not found", VERDICT_FATAL, ""},
        {408, "", VERDICT_RETRY, ""},
        {413, "", VERDICT_REFUSED, ""},
        {422, "", VERDICT_REFUSED, ""},
        {429, "", VERDICT_RETRY, ""},
        {500, "{\"error\":\"retention policy not found: x\"}", VERDICT_FATAL, "retention policy not found: x"},
        {500, "{\"error\":\"engine: no space left on device\"}", VERDICT_RETRY, "engine: no space left on device"},
        {503, "", VERDICT_RETRY, ""},
        {507, "", VERDICT_RETRY, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err why = {0};
        const struct http_response r = {
            .status = cases[i].status, .body = cases[i].body, .size = strlen(cases[i].body)};
        if (influx_judge(NULL, &r, 1, &why) != cases[i].verdict) fail_msg("%u %s", cases[i].status, cases[i].body);
        assert_string_equal(why.text, cases[i].words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SCENE(the_request_names_database_policy_and_token),
        IN_SCENE(batches_are_of_so_many_points_and_the_last_is_what_is_left),
        IN_SCENE(a_batch_is_full_by_bytes_of_points_and_of_records),
        IN_SCENE(no_point_waits_longer_than_flush),
        IN_SCENE(flush_sends_what_is_there_and_waits_for_it),
        IN_SCENE(a_point_that_cannot_be_said_leaves_the_batch_as_it_was),
        IN_SCENE(who_answers_500_is_asked_again_and_that_is_told_once),
        IN_SCENE(an_answer_that_was_lost_is_no_answer_and_the_points_go_again),
        IN_SCENE(retry_after_is_honoured),
        IN_SCENE(pauses_are_random_and_become_longer_until_the_server_is_back),
        IN_SCENE(after_retry_for_the_run_ends_and_nothing_is_made_up),
        IN_SCENE(without_retries_the_first_failure_is_the_last),
        IN_SCENE(who_wants_to_be_asked_too_late_is_not_waited_for),
        IN_SCENE(a_failure_is_the_same_from_then_on),
        cmocka_unit_test(verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

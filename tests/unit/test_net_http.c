/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: what goes out, what comes back, what is taken for an answer and what for a failure that may pass,
 * times and sizes that are kept, and being stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timefmt.h"
#include "net/http.h"
#include "sys/sys.h"
#include "tiny_http.h"

struct scene {
    const char *answer;
    int64_t delay_ns;
    char head[4096], body[4096];
    struct tiny_http server;
    struct http *http;
    struct http_response r;
    struct err e;
};

static const char *play(void *ctx, const struct tiny_request *r) {
    struct scene *s = ctx;
    (void)snprintf(s->head, sizeof s->head, "%s", r->head);
    (void)snprintf(s->body, sizeof s->body, "%s", r->body);
    for (int64_t until = sys.boot_ns() + s->delay_ns; sys.boot_ns() < until && !s->server.ended;) usleep(1000);
    return s->answer;
}

static struct http_config config_of(unsigned port) {
    return (struct http_config){.host = "127.0.0.1",
                                .port = port,
                                .connect_timeout_ns = 2 * NS_PER_S,
                                .timeout_ns = 2 * NS_PER_S,
                                .agent = "test/1"};
}

static void open_with(struct scene *s, const struct http_config *c) {
    if (http_open(&s->http, c, &s->e) < 0) fail_msg("%s", s->e.text);
}

static int setup(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    s->answer = "HTTP/1.1 204 No Content\r\n\r\n";
    tiny_http_start(&s->server, play, s);
    struct http_config c = config_of(s->server.port);
    open_with(s, &c);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    struct scene *s = *state;
    http_close(s->http);
    tiny_http_end(&s->server);
    free(s);
    return 0;
}

static void post(struct scene *s, const char *path, const char *const *headers, const char *body) {
    struct http_request r = {.method = "POST", .path = path, .headers = headers, .body = body, .size = strlen(body)};
    if (http_send(s->http, &r, &s->r, &s->e) < 0) fail_msg("%s", s->e.text);
}

static void assert_failure(struct scene *s, int grade, const char *text) {
    assert_int_equal(s->r.status, 0);
    assert_string_equal(s->r.failure.text, text);
    assert_int_equal(s->r.failure.grade, grade);
}

static void a_request_is_what_it_is_said_to_be(void **state) {
    struct scene *s = *state;
    const char *const headers[] = {"Content-Type: text/plain", "Authorization: Token secret", NULL};
    char want[300];
    (void)snprintf(want, sizeof want,
                   "POST /write?db=a%%20b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: test/1\r\nAccept: */*\r\n"
                   "Content-Type: text/plain\r\nAuthorization: Token secret\r\nContent-Length: 4",
                   s->server.port);
    post(s, "/write?db=a%20b", headers, "abcd");
    assert_int_equal(s->r.status, 204);
    assert_int_equal(s->r.size, 0);
    assert_true(s->r.retry_after_ns < 0);
    assert_string_equal(s->head, want);
    assert_string_equal(s->body, "abcd");
    s->answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
    struct http_request get = {.method = "GET", .path = "/ping"};
    assert_int_equal(http_send(s->http, &get, &s->r, &s->e), 0);
    assert_int_equal(s->r.status, 200);
    assert_memory_equal(s->r.body, "yes", 3);
    assert_int_equal(s->r.size, 3);
    assert_memory_equal(s->head, "GET /ping HTTP/1.1\r\n", 20);
    assert_null(strstr(s->head, "Content-Length"));
    assert_int_equal(s->server.connections, 1); /* it was kept */
}

static void a_connection_that_was_closed_meanwhile_is_opened_again(void **state) {
    struct scene *s = *state;
    s->server.hang_up = true;
    for (int i = 0; i < 3; i++) {
        post(s, "/", NULL, "x");
        assert_int_equal(s->r.status, 204);
        usleep(20000);
    }
    assert_int_equal(s->server.connections, 3);
    assert_int_equal(s->server.requests, 3);
}

static void user_and_password_make_a_header(void **state) {
    struct scene *s = *state;
    struct http_config c = config_of(s->server.port);
    c.user = "ann";
    c.password = "p:w";
    http_close(s->http);
    open_with(s, &c);
    post(s, "/", NULL, "x");
    assert_non_null(strstr(s->head, "\r\nAuthorization: Basic YW5uOnA6dw==\r\n"));
}

static void the_environment_names_no_proxy(void **state) {
    struct scene *s = *state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 204);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static void a_redirect_is_an_answer_and_no_more(void **state) {
    struct scene *s = *state;
    s->answer = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 307);
    assert_int_equal(s->server.requests, 1);
}

static void retry_after_is_seconds_or_a_date(void **state) {
    struct scene *s = *state;
    char answer[200], date[64];
    time_t soon = time(NULL) + 100;
    struct tm tm;
    const struct {
        const char *text;
        int64_t least, most;
    } cases[] = {{"0", 0, 0},
                 {"7", 7, 7},
                 {"86400", 86400, 86400},
                 {"99999999999999999999", -1, -1},
                 {"9999999999999999999", 86400, 86400},
                 {"-5", -1, -1},
                 {"soon", -1, -1},
                 {"Sun, 06 Nov 1994 08:49:37 GMT", 0, 0},
                 {date, 95, 100}};
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &tm));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(answer, sizeof answer, "HTTP/1.1 503 Wait\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
                       cases[i].text);
        s->answer = answer;
        post(s, "/", NULL, "x");
        assert_int_equal(s->r.status, 503);
        int64_t least = cases[i].least < 0 ? -1 : cases[i].least * NS_PER_S;
        int64_t most = cases[i].most < 0 ? -1 : cases[i].most * NS_PER_S;
        if (s->r.retry_after_ns < least || s->r.retry_after_ns > most)
            fail_msg("'%s': %lld", cases[i].text, (long long)s->r.retry_after_ns);
    }
}

static void of_a_long_answer_the_beginning_is_kept(void **state) {
    struct scene *s = *state;
    size_t n = 1 << 20;
    char *answer = malloc(n + 100);
    int head = snprintf(answer, 100, "HTTP/1.1 400 Bad\r\nContent-Length: %zu\r\n\r\n", n);
    memset(answer + head, 'x', n);
    answer[(size_t)head + n] = '\0';
    s->answer = answer;
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 400);
    assert_int_equal(s->r.size, HTTP_BODY_MAX);
    s->answer = "HTTP/1.1 204 No Content\r\n\r\n";
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 204);
    assert_int_equal(s->r.size, 0);
    free(answer);
}

static void good_news_count_when_they_are_whole_and_bad_news_anyway(void **state) {
    struct scene *s = *state;
    char text[100];
    s->server.hang_up = true;
    s->answer = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf of";
    post(s, "/", NULL, "x");
    (void)snprintf(text, sizeof text, "'127.0.0.1:%u': transfer closed with 43 bytes remaining to read",
                   s->server.port);
    assert_failure(s, G_WAIT, text);
    s->answer = "HTTP/1.1 400 Bad\r\nContent-Length: 50\r\n\r\nhalf of";
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 400);
    assert_int_equal(s->r.size, 7);
    s->answer = NULL;
    post(s, "/", NULL, "x");
    (void)snprintf(text, sizeof text, "'127.0.0.1:%u': Empty reply from server", s->server.port);
    assert_failure(s, G_WAIT, text);
    s->answer = "+OK this is no HTTP\r\n";
    post(s, "/", NULL, "x");
    (void)snprintf(text, sizeof text, "'127.0.0.1:%u': Received HTTP/0.9 when not allowed", s->server.port);
    assert_failure(s, G_WAIT, text);
    s->answer = "HTTP/1.1 204 No Content\r\n\r\n";
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 204);
}

static void a_header_without_end_is_a_failure(void **state) {
    struct scene *s = *state;
    size_t n = 200000;
    char *answer = malloc(n + 100);
    int head = snprintf(answer, 100, "HTTP/1.1 204 No Content\r\nX: ");
    memset(answer + head, 'x', n);
    answer[(size_t)head + n] = '\0';
    s->answer = answer;
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 0);
    assert_int_equal(s->r.failure.grade, G_WAIT);
    free(answer);
}

static void nobody_there_may_pass_and_a_name_that_was_never_found_will_not(void **state) {
    struct scene *s = *state;
    char text[100];
    struct http_config c = config_of(tiny_http_no_port());
    http_close(s->http);
    open_with(s, &c);
    post(s, "/", NULL, "x");
    (void)snprintf(text, sizeof text, "cannot connect to '127.0.0.1:%u': Connection refused", c.port);
    assert_failure(s, G_WAIT, text);
    c.host = "no-such-host.invalid";
    c.port = 8086;
    http_close(s->http);
    open_with(s, &c);
    post(s, "/", NULL, "x");
    assert_failure(s, G_IO, "cannot find the host of 'no-such-host.invalid:8086'");
}

static void who_is_silent_is_not_waited_for_and_who_is_slow_is(void **state) {
    struct scene *s = *state;
    char text[100];
    struct http_config c = config_of(s->server.port);
    c.timeout_ns = 200 * NS_PER_MS;
    http_close(s->http);
    open_with(s, &c);
    s->delay_ns = 100 * NS_PER_MS;
    post(s, "/", NULL, "x");
    assert_int_equal(s->r.status, 204);
    s->delay_ns = 2 * NS_PER_S;
    int64_t before = sys.boot_ns();
    post(s, "/", NULL, "x");
    (void)snprintf(text, sizeof text, "'127.0.0.1:%u': no answer in time", s->server.port);
    assert_failure(s, G_WAIT, text);
    assert_in_range(sys.boot_ns() - before, 200 * NS_PER_MS, 1500 * NS_PER_MS);
}

static void *stopper(void *http) {
    usleep(100000);
    http_stop(http);
    return NULL;
}

static void a_stop_ends_the_request_in_hand_and_later_ones(void **state) {
    struct scene *s = *state;
    pthread_t thread;
    s->delay_ns = 5 * NS_PER_S;
    struct http_request r = {.method = "POST", .path = "/", .body = "x", .size = 1};
    int64_t before = sys.boot_ns();
    assert_int_equal(pthread_create(&thread, NULL, stopper, s->http), 0);
    assert_int_equal(http_send(s->http, &r, &s->r, &s->e), G_STOPPED);
    assert_in_range(sys.boot_ns() - before, 90 * NS_PER_MS, 300 * NS_PER_MS);
    pthread_join(thread, NULL);
    assert_int_equal(http_send(s->http, &r, &s->r, &s->e), G_STOPPED);
}

static void what_cannot_be_sent_is_refused(void **state) {
    struct scene *s = *state;
    static const char *const hosts[] = {"", "a b", "a/b", "u@h", "h?q", "h#f", "[::1]", "h\n", "http://h"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct http_config c = config_of(1);
        struct http *h;
        c.host = hosts[i];
        assert_int_equal(http_open(&h, &c, &s->e), G_USAGE);
    }
    const char *const split[] = {"A: b\r\nC: d", NULL};
    struct http_request r = {.method = "POST", .path = "/", .headers = split, .body = "x", .size = 1};
    assert_int_equal(http_send(s->http, &r, &s->r, &s->e), G_USAGE);
    assert_string_equal(s->e.text, "a header has a character that cannot be sent");
    r.headers = NULL;
    r.path = "/a b";
    assert_int_equal(http_send(s->http, &r, &s->r, &s->e), G_USAGE);
    assert_int_equal(s->server.requests, 0);
}

static void escape(void **state) {
    (void)state;
    struct buf b = {0};
    assert_int_equal(http_escape(&b, "aZ09-._~ /?&=%\xc3\xa9\n"), 0);
    assert_string_equal(buf_cstr(&b), "aZ09-._~%20%2F%3F%26%3D%25%C3%A9%0A");
    buf_release(&b);
}

#define IN_SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_request_is_what_it_is_said_to_be),
        IN_SCENE(a_connection_that_was_closed_meanwhile_is_opened_again),
        IN_SCENE(user_and_password_make_a_header),
        IN_SCENE(the_environment_names_no_proxy),
        IN_SCENE(a_redirect_is_an_answer_and_no_more),
        IN_SCENE(retry_after_is_seconds_or_a_date),
        IN_SCENE(of_a_long_answer_the_beginning_is_kept),
        IN_SCENE(good_news_count_when_they_are_whole_and_bad_news_anyway),
        IN_SCENE(a_header_without_end_is_a_failure),
        IN_SCENE(nobody_there_may_pass_and_a_name_that_was_never_found_will_not),
        IN_SCENE(who_is_silent_is_not_waited_for_and_who_is_slow_is),
        IN_SCENE(a_stop_ends_the_request_in_hand_and_later_ones),
        IN_SCENE(what_cannot_be_sent_is_refused),
        cmocka_unit_test(escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points on their way to a server of another opinion: the search for those that it refuses, waiting for it, ends before
 * the end, preparations, tokens, dry runs.
 */
#include "send_scene.h"

/* ---- refused points ---- */

#define REFUSED "HTTP/1.1 400 Bad Request\r\nContent-Length: 29\r\n\r\n{\"error\":\"seven is no value\"}\n"

static void of_a_batch_that_is_refused_only_the_points_to_blame_are(void **state) {
    struct scene *s = *state;
    s->bad = "7i";
    s->bad_answer = REFUSED;
    begin(s);
    put_all(s, 0, 20);
    end_well(s);
    assert_string_equal(got(s), "0 1 2 3 4|5 6|8 9|10 11 12 13 14|15 16|18 19");
    assert_totals(s, 20, 18, 2, 0);
    assert_string_equal(text_of(&s->refused),
                        "t/0@7 p1 k 5 {\"v\":7}: refused by the server: HTTP 400: seven is no value\n"
                        "t/0@17 p4 k 5 {\"v\":17}: refused by the server: HTTP 400: seven is no value\n");
    assert_int_equal(s->notices.len, 0);
}

static void what_is_too_large_is_halved(void **state) {
    struct scene *s = *state;
    s->bad = "v=1i 1\nm v=2i 2\nm v=3i 3\n";
    s->bad_answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    begin(s);
    put_all(s, 1, 5);
    end_well(s);
    assert_string_equal(got(s), "1 2|3 4");
    assert_totals(s, 4, 4, 0, 0);
    assert_int_equal(s->refused.len, 0);
}

static void all_of_a_batch_may_be_refused(void **state) {
    struct scene *s = *state;
    s->bad = "m";
    s->bad_answer = REFUSED;
    begin(s);
    put_all(s, 0, 10);
    end_well(s);
    assert_totals(s, 10, 0, 10, 0);
    assert_int_equal(s->server.requests, 19);
}

static void points_that_are_refused_as_they_are_there_already_are_accepted(void **state) {
    struct scene *s = *state;
    s->url.kind = DEST_CLICKHOUSE;
    s->bad = "7;";
    s->bad_answer = REFUSED;
    other.there = 1;
    other.there_waits = 1;
    begin(s);
    put_all(s, 0, 20);
    end_well(s);
    assert_totals(s, 20, 20, 0, 0);
    assert_int_equal(other.asked, 3);
    assert_int_equal(s->server.requests, 2);
    assert_int_equal(s->totals.retries, 1);
    other.there = G_IO;
    begin(s);
    put_all(s, 0, 20);
    assert_int_equal(s->dest->ops->flush(s->dest, &s->e), G_IO);
    assert_int_equal(end(s, false), 0);
}

static void a_policy_to_stop_ends_the_run_with_the_first(void **state) {
    struct scene *s = *state;
    s->bad = "7i";
    s->bad_answer = REFUSED;
    s->refuse_with = G_DATA;
    begin(s);
    put_all(s, 0, 10);
    assert_int_equal(s->dest->ops->flush(s->dest, &s->e), G_DATA);
    assert_int_equal(put(s, 10), G_DATA);
    assert_int_equal(s->totals.refused, 1);
    assert_int_equal(end(s, false), 0);
}

static void words_of_a_server_are_safe_and_short(void **state) {
    struct scene *s = *state;
    char answer[800];
    int head = snprintf(answer, sizeof answer, "HTTP/1.1 400 Bad\r\nContent-Length: 600\r\n\r\n\x1b[31mred\n\r\xff");
    for (size_t i = 0; i < 600; i += 2) memcpy(answer + head + i, "\xc3\xa9", 2);
    answer[head + 600] = '\0';
    s->bad = "7i";
    s->bad_answer = answer;
    begin(s);
    put_all(s, 7, 8);
    end_well(s);
    assert_non_null(strstr(text_of(&s->refused), "HTTP 400: \\x1b[31mred\\x0a\\x0d\\xff\xc3\xa9"));
    assert_non_null(strstr(text_of(&s->refused), "\xc3\xa9…\n"));
    assert_true(s->refused.len < 300);
}

/* ---- waiting ---- */

static void put_waits_while_both_batches_are_full(void **state) {
    struct scene *s = *state;
    s->delay_ns = 200 * NS_PER_MS;
    begin(s);
    int64_t before = sys.boot_ns();
    put_all(s, 0, 20);
    assert_true(sys.boot_ns() - before < 100 * NS_PER_MS);
    put_all(s, 20, 21);
    assert_in_range(sys.boot_ns() - before, 190 * NS_PER_MS, 400 * NS_PER_MS);
    assert_totals(s, 20, 10, 0, 10);
    s->delay_ns = 0;
    end_well(s);
    assert_totals(s, 21, 21, 0, 0);
}

static void a_run_that_ends_early_sends_what_it_has_once(void **state) {
    struct scene *s = *state;
    begin(s);
    put_all(s, 0, 13);
    assert_int_equal(end(s, false), 0);
    assert_string_equal(got(s), "0 1 2 3 4 5 6 7 8 9|10 11 12");
    assert_totals(s, 13, 13, 0, 0);
}

static void a_run_that_ends_early_does_not_wait_for_who_is_slow_or_away(void **state) {
    struct scene *s = *state;
    s->delay_ns = 5 * NS_PER_S;
    begin(s);
    put_all(s, 0, 13);
    int64_t before = sys.boot_ns();
    assert_int_equal(end(s, false), 0);
    assert_true(sys.boot_ns() - before < NS_PER_S);
    assert_totals(s, 10, 0, 0, 10);
    s->totals = (struct totals){0};
    s->url.port = tiny_http_no_port();
    begin(s);
    put_all(s, 0, 13);
    while (!delivery_is_away(((struct server *)s->dest)->delivery)) usleep(1000);
    before = sys.boot_ns();
    assert_int_equal(end(s, false), 0);
    assert_true(sys.boot_ns() - before < 200 * NS_PER_MS);
}

/* ---- preparations, tokens, checkpoints, dry runs ---- */

static void a_server_is_prepared_before_each_batch_however_often_it_takes(void **state) {
    struct scene *s = *state;
    s->url.kind = DEST_CLICKHOUSE;
    other.prepare_fails = 2;
    other.prepare_grade = G_WAIT;
    begin(s);
    put_all(s, 0, 15);
    end_well(s);
    assert_int_equal(other.prepared, 4);
    assert_string_equal(text_of(&s->got), "body 0;1;2;3;4;5;6;7;8;9;\nbody 10;11;12;13;14;\n");
    assert_memory_equal(text_of(&s->notices), "server away: not yet, trying again for 10s\nserver back after ", 61);
    other.prepare_fails = 1;
    other.prepare_grade = G_USAGE;
    begin(s);
    put_all(s, 0, 1);
    assert_int_equal(end(s, true), G_USAGE);
    assert_string_equal(s->e.text, "not yet");
}

static void a_token_has_the_last_checkpoint_and_stands_for_the_bytes(void **state) {
    struct scene *s = *state;
    s->url.kind = DEST_CLICKHOUSE;
    s->fail = 1;
    s->failure = OTHERWISE;
    begin(s);
    assert_null(s->dest->ops->reached);
    put_all(s, 0, 2);
    char name[] = "pipe";
    assert_int_equal(s->dest->ops->barrier(s->dest, &(struct checkpoint){name, 7}, &s->e), 0);
    name[0] = 'x';
    assert_totals(s, 2, 2, 0, 0);
    put_all(s, 0, 2);
    assert_int_equal(s->dest->ops->flush(s->dest, &s->e), 0);
    put_all(s, 1, 3);
    end_well(s);
    char a[40], b[40], c[40];
    assert_int_equal(sscanf(other.tokens, "- 0 %39s\npipe 7 %39s\npipe 7 %39s\n", a, b, c), 3);
    assert_string_equal(a, b);
    assert_string_not_equal(b, c);
}

static void a_dry_run_prints_and_connects_to_nothing(void **state) {
    struct scene *s = *state;
    char text[400];
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    s->config.dry_run = true;
    s->config.dry_fd = fds[1];
    begin(s);
    put_all(s, 8, 11);
    assert_int_equal(s->dest->ops->barrier(s->dest, &(struct checkpoint){"p", 7}, &s->e), 0);
    put_all(s, 11, 12);
    end_well(s);
    ssize_t n = read(fds[0], text, sizeof text - 1);
    text[n] = '\0';
    assert_string_equal(text, "m v=8i 8\nm v=9i 9\nm v=10i 10\nm v=11i 11\n");
    s->url.kind = DEST_CLICKHOUSE;
    begin(s);
    put_all(s, 8, 11);
    end_well(s);
    n = read(fds[0], text, sizeof text - 1);
    text[n] = '\0';
    assert_string_equal(text, "<8;9;10;>");
    assert_int_equal(s->server.connections, 0);
    close(fds[0]);
    close(fds[1]);
}

static void a_host_that_is_none_is_refused_at_once(void **state) {
    struct scene *s = *state;
    static char host[] = "a b";
    s->url.host = host;
    assert_int_equal(server_open(&s->dest, &s->url, &s->config, &s->e), G_USAGE);
    s->url.kind = DEST_PROMETHEUS;
    assert_int_equal(server_open(&s->dest, &s->url, &s->config, &s->e), G_USAGE);
}

/* The last of all, as a signal stays. */
static void a_signal_ends_waiting_within_a_second(void **state) {
    struct scene *s = *state;
    s->fail = 1000;
    s->failure = OTHERWISE;
    s->config.retry_for_ns = -1;
    begin(s);
    put_all(s, 0, 20);
    signals_init(true);
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        usleep(200000);
        kill(self, SIGTERM);
        _exit(0);
    }
    int64_t before = sys.boot_ns();
    assert_int_equal(s->dest->ops->flush(s->dest, &s->e), G_STOPPED);
    assert_int_equal(end(s, false), 0);
    assert_in_range(sys.boot_ns() - before, 100 * NS_PER_MS, 600 * NS_PER_MS);
    assert_totals(s, 10, 0, 0, 10);
    assert_memory_equal(text_of(&s->notices), "server away: HTTP 500: x, trying again\n", 39);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SCENE(of_a_batch_that_is_refused_only_the_points_to_blame_are),
        IN_SCENE(what_is_too_large_is_halved),
        IN_SCENE(all_of_a_batch_may_be_refused),
        IN_SCENE(points_that_are_refused_as_they_are_there_already_are_accepted),
        IN_SCENE(a_policy_to_stop_ends_the_run_with_the_first),
        IN_SCENE(words_of_a_server_are_safe_and_short),
        IN_SCENE(put_waits_while_both_batches_are_full),
        IN_SCENE(a_run_that_ends_early_sends_what_it_has_once),
        IN_SCENE(a_run_that_ends_early_does_not_wait_for_who_is_slow_or_away),
        IN_SCENE(a_server_is_prepared_before_each_batch_however_often_it_takes),
        IN_SCENE(a_token_has_the_last_checkpoint_and_stands_for_the_bytes),
        IN_SCENE(a_dry_run_prints_and_connects_to_nothing),
        IN_SCENE(a_host_that_is_none_is_refused_at_once),
        IN_SCENE(a_signal_ends_waiting_within_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The printer: what is on stderr, byte for byte, by verbosity, and the progress line that messages take away. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timefmt.h"
#include "cli/diag.h"
#include "cli/progress.h"
#include "expr/caret.h"

static int kept_stderr = -1, read_end = -1;

static int capture_begin(void **state) {
    (void)state;
    int fds[2];
    if (pipe2(fds, O_NONBLOCK) < 0) return -1;
    kept_stderr = dup(STDERR_FILENO);
    read_end = fds[0];
    return kept_stderr < 0 || dup2(fds[1], STDERR_FILENO) < 0 || close(fds[1]) < 0 ? -1 : 0;
}

static int capture_end(void **state) {
    (void)state;
    int rc = dup2(kept_stderr, STDERR_FILENO) < 0 ? -1 : 0;
    close(kept_stderr);
    close(read_end);
    return rc;
}

/* Everything written to stderr since the last call is exactly `want`. */
static void printed(const char *want) {
    char got[4096];
    ssize_t n = read(read_end, got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    assert_string_equal(got, want);
}

static bool starts_with(const char *got, ssize_t n, const char *want) {
    return n >= 0 && (size_t)n > strlen(want) && memcmp(got, want, strlen(want)) == 0;
}

static void messages_name_the_tool_and_obey_verbosity(void **state) {
    (void)state;
    struct err e = {0};
    (void)err_set(&e, G_DATA, "bad record 'clicks/3@7': no JSON");
    diag_init("filter", DIAG_NORMAL);
    diag_error(&e);
    diag_warn("%d late", 3);
    diag_info("not shown");
    diag_hint("try %s", "this");
    printed("leat filter: bad record 'clicks/3@7': no JSON\nleat filter: warning: 3 late\n  hint: try this\n");
    diag_set_verbosity(DIAG_QUIET);
    diag_errorf("cannot open '%s'", "x");
    diag_warn("not shown");
    diag_hint("not shown");
    printed("leat filter: cannot open 'x'\n");
    diag_init(NULL, DIAG_VERBOSE);
    diag_info("shown");
    printed("leat: shown\n");
}

static void data_in_messages_cannot_drive_the_terminal(void **state) {
    (void)state;
    diag_init("show", DIAG_NORMAL);
    diag_errorf("bad key '%s'", "\x1b]0;title\x07\r\xe2\x80\xae");
    printed("leat show: bad key '\\x1b]0;title\\x07\\x0d\\u202e'\n");
}

/* A newline from data would let a record write messages of its own; those of a caret are ours. */
static void data_in_messages_cannot_begin_a_line(void **state) {
    (void)state;
    struct err e = {0};
    static const char data[] = "a\nleat show: all is well";
    diag_init("show", DIAG_VERBOSE);
    diag_errorf("bad key '%s'", data);
    diag_warn("bad key '%s'", data);
    diag_info("key '%s'", data);
    diag_hint("not '%s'", data);
    diag_print("'%s'", data);
    printed("leat show: bad key 'a\\x0aleat show: all is well'\n"
            "leat show: warning: bad key 'a\\x0aleat show: all is well'\n"
            "leat show: key 'a\\x0aleat show: all is well'\n"
            "  hint: not 'a\\x0aleat show: all is well'\n"
            "'a\\x0aleat show: all is well'\n");
    (void)err_set(&e, G_DATA, "no '%s'", data);
    (void)caret_append(&e, ".a", 1);
    (void)err_prefix(&e, "'%s': ", "\n");
    diag_error(&e);
    diag_warning(&e);
    printed("leat show: '\\x0a': no 'a\\x0aleat show: all is well'\n  .a\n   ^\n"
            "leat show: warning: '\\x0a': no 'a\\x0aleat show: all is well'\n  .a\n   ^\n");
}

/* Escapes take more room than newlines: the text is cut, at the end and nowhere else. */
static void many_newlines_fit_an_error(void **state) {
    (void)state;
    struct err e;
    for (size_t n = sizeof e.text / 4 - 4; n <= sizeof e.text; n++) {
        char data[sizeof e.text + 1];
        memset(data, '\n', n);
        data[n] = '\0';
        memset(&e, 'x', sizeof e);
        (void)err_set(&e, G_DATA, "%.*s", (int)n, data);
        size_t len = strlen(e.text), escapes = n < (sizeof e.text - 1) / 4 ? n : (sizeof e.text - 1) / 4;
        assert_int_equal(len, escapes * 4);
        for (size_t i = 0; i < len; i++) assert_int_equal(e.text[i], "\\x0a"[i % 4]);
    }
}

static void a_message_takes_the_progress_line_away(void **state) {
    (void)state;
    diag_init("filter", DIAG_NORMAL);
    diag_status(NULL);
    printed("");
    diag_status("1 record");
    printed("\r\x1b[K1 record");
    diag_errorf("oh");
    printed("\r\x1b[Kleat filter: oh\n");
    diag_status(NULL);
    printed("");
}

static void progress_is_drawn_when_asked_for_and_taken_away_at_the_end(void **state) {
    (void)state;
    diag_init("filter", DIAG_NORMAL);
    struct stats_options options = {.progress = 1, .stats = {.at = 2}};
    struct progress p;
    progress_begin(&p, &options);
    p.drawn_ns -= NS_PER_S;
    p.records_in = 5;
    progress_check(&p);
    char got[512];
    ssize_t n = read(read_end, got, sizeof got);
    assert_true(starts_with(got, n, "\r\x1b[K5 records, 0 B, "));
    progress_check(&p); /* less than a fifth of a second later */
    printed("");
    progress_end(&p);
    n = read(read_end, got, sizeof got);
    assert_true(starts_with(got, n, "\r\x1b[K{\"tool\":\"leat filter\",\"records_in\":5,"));
    assert_int_equal(got[n - 1], '\n');
}

static void without_a_terminal_there_is_no_progress_and_without_stats_no_totals(void **state) {
    (void)state;
    struct stats_options options = {.progress = 0};
    struct progress p;
    progress_begin(&p, &options);
    p.drawn_ns -= NS_PER_S;
    for (int i = 0; i < 1000; i++) progress_tick(&p);
    progress_check(&p);
    progress_end(&p);
    printed("");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_name_the_tool_and_obey_verbosity, capture_begin, capture_end),
        cmocka_unit_test_setup_teardown(data_in_messages_cannot_drive_the_terminal, capture_begin, capture_end),
        cmocka_unit_test_setup_teardown(data_in_messages_cannot_begin_a_line, capture_begin, capture_end),
        cmocka_unit_test(many_newlines_fit_an_error),
        cmocka_unit_test_setup_teardown(a_message_takes_the_progress_line_away, capture_begin, capture_end),
        cmocka_unit_test_setup_teardown(progress_is_drawn_when_asked_for_and_taken_away_at_the_end, capture_begin,
                                        capture_end),
        cmocka_unit_test_setup_teardown(without_a_terminal_there_is_no_progress_and_without_stats_no_totals,
                                        capture_begin, capture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

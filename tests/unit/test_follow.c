/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that grow, appear, are renamed away and are cut short. Time is simulated: sys.poll is replaced, and lets happen
 * what a test has prepared instead of sleeping, so that nothing here depends on how busy the machine is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "stream/follow.h"
#include "sys/signals.h"
#include "sys/sys.h"

static struct sys_ops real;

/* A folder of its own, one followed file in it, and what reading it said. */
static struct fixture {
    char folder[SCRATCH_MAX], path[SCRATCH_MAX + 16], other[SCRATCH_MAX + 16];
    struct follow file;
    struct inbuf in;
    struct text_in *text;
    struct buf said;
} fx;

/* The simulated wait. */
static struct {
    void (*happens)(void); /* once, in the next wait */
    int64_t now_ns;
    int waits, hints; /* how often it was waited, and woken by a watch */
} world;

static int fake_poll(struct pollfd *p, nfds_t n, int timeout_ms) {
    if (timeout_ms == 0) return real.poll(p, n, 0);
    world.waits++;
    if (world.happens) world.happens();
    world.happens = NULL;
    int ready = real.poll(p, n, 0);
    if (ready > 0) world.hints++;
    if (ready == 0) world.now_ns += (int64_t)timeout_ms * 1000000;
    return ready;
}

static int64_t fake_boot_ns(void) {
    return world.now_ns;
}

static void put(const char *path, int flags, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void append(const char *text) {
    put(fx.path, O_APPEND, text);
}

static int setup(void **state) {
    (void)state;
    scratch_name(fx.folder, "follow");
    assert_non_null(mkdtemp(fx.folder));
    (void)snprintf(fx.path, sizeof fx.path, "%s/log", fx.folder);
    (void)snprintf(fx.other, sizeof fx.other, "%s/log.1", fx.folder);
    real = sys;
    sys.poll = fake_poll;
    sys.boot_ns = fake_boot_ns;
    memset(&world, 0, sizeof world);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    text_in_free(fx.text);
    inbuf_release(&fx.in);
    follow_release(&fx.file);
    buf_release(&fx.said);
    (void)unlink(fx.path);
    (void)unlink(fx.other);
    (void)rmdir(fx.folder);
    memset(&fx, 0, sizeof fx);
    sys = real;
    return 0;
}

static void open_input(void) {
    assert_int_equal(follow_open(&fx.file, fx.path, NULL), 0);
    assert_int_equal(inbuf_init(&fx.in, fx.file.fd, "log", NULL), 0);
    fx.in.follow = true;
}

static void open_text(enum in_format format) {
    struct text_in_config c = {.format = format, .infer = true, .record_limit = 1000};
    assert_int_equal(text_in_open(&fx.text, &fx.in, &c, NULL), 0);
}

/* Everything that is there now: "LINE=VALUE " a record, "LINE!TEXT[RAW] " a bad one, "<NOTICE> " for what happened. */
static void expect(const char *want) {
    static const char *const notices[] = {"", "<appeared> ", "<rotated> ", "<cut short> "};
    struct record r;
    struct err e = {0};
    int g;
    buf_clear(&fx.said);
    while ((g = follow_next(&fx.file, &fx.in, fx.text, &r, &e)) == 0 || g == G_DATA) {
        size_t n;
        const char *raw = text_in_raw(fx.text, &n);
        assert_int_equal(buf_puts(&fx.said, notices[fx.file.notice]), 0);
        fx.file.notice = FOLLOW_NOTHING;
        assert_int_equal(buf_printf(&fx.said, "%d", (int)text_in_line(fx.text)), 0);
        if (g == 0) assert_int_equal(buf_printf(&fx.said, "=%.*s ", (int)r.value_size, r.value), 0);
        if (g != 0) assert_int_equal(buf_printf(&fx.said, "!%s[%.*s] ", e.text, (int)n, raw), 0);
        if (g != 0) assert_int_equal(e.grade, G_DATA);
    }
    assert_int_equal(g, G_WAIT);
    assert_string_equal(buf_cstr(&fx.said), want);
}

static void expect_wait(int64_t timeout_ns, int grade) {
    struct follow *file = &fx.file;
    assert_int_equal(follow_wait_any(&file, 1, timeout_ns, NULL), grade);
}

static void test_a_file_is_read_as_it_grows(void **state) {
    (void)state;
    append("1\n2");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    expect_wait(0, G_WAIT);
    append("3\n4\n");
    expect_wait(0, 0);
    expect("2=23 3=4 ");
    expect_wait(0, G_WAIT);
    expect("");
}

static void test_a_file_that_is_not_there_yet_is_waited_for(void **state) {
    (void)state;
    open_input();
    open_text(IN_JSON);
    expect("");
    expect_wait(0, G_WAIT);
    append("1\n");
    expect_wait(0, 0);
    expect("<appeared> 1=1 ");
    append("2\n");
    expect_wait(0, 0);
    expect("2=2 ");
}

static void test_a_rotated_file_is_read_to_its_end_before_the_new_one(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    append("2\n3"); /* not seen before the name goes; its last line has no end */
    assert_int_equal(rename(fx.path, fx.other), 0);
    append("4\n5");
    expect_wait(0, 0);
    expect("2=2 ");
    expect_wait(0, 0);
    expect("3=3 <rotated> 1=4 ");
    append("\n");
    expect_wait(0, 0);
    expect("2=5 ");
}

/* Programs go on writing to a renamed file until they are told to open the new one. */
static void test_an_empty_new_file_does_not_end_the_old_one(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    assert_int_equal(rename(fx.path, fx.other), 0);
    expect_wait(0, G_WAIT);
    append("");
    expect_wait(0, G_WAIT);
    put(fx.other, O_APPEND, "2\n");
    expect_wait(0, 0);
    expect("2=2 ");
    append("3\n");
    expect_wait(0, 0);
    put(fx.other, O_APPEND, "2.5\n"); /* between the look and the read */
    expect("3=2.5 <rotated> 1=3 ");
}

static void test_a_file_that_is_cut_short_is_read_from_its_begin(void **state) {
    (void)state;
    append("100\n200\n30");
    open_input();
    open_text(IN_JSON);
    expect("1=100 2=200 ");
    put(fx.path, O_TRUNC, "7\n");
    expect_wait(0, 0);
    append("8888888\n9\n1\n"); /* longer than before, behind the look: still from the begin */
    expect("3=30 <cut short> 1=7 2=8888888 3=9 4=1 ");
    expect_wait(0, G_WAIT);
}

static void test_a_file_cut_to_nothing(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    put(fx.path, O_TRUNC, "");
    expect_wait(0, 0);
    expect("");
    assert_int_equal(fx.file.notice, FOLLOW_CUT_SHORT);
    expect_wait(0, G_WAIT);
    append("2\n");
    expect_wait(0, 0);
    expect("<cut short> 1=2 ");
}

static void test_the_new_file_has_a_header_of_its_own(void **state) {
    (void)state;
    append("a,b\n1,2\n3,\"x");
    open_input();
    open_text(IN_CSV);
    expect("2={\"a\":1,\"b\":2} ");
    assert_int_equal(rename(fx.path, fx.other), 0);
    append("c\n5\n");
    expect_wait(0, 0);
    expect("3!the file ends inside this record[3,\"x] <rotated> 2={\"c\":5} ");
}

static void test_a_line_over_the_limit_at_the_end_of_the_old_file(void **state) {
    (void)state;
    char line[1501];
    memset(line, '1', 1500);
    line[1500] = '\0';
    append(line);
    open_input();
    open_text(IN_JSON);
    line[1000] = '\0';
    struct buf want = {0};
    const char *text = "line of more than 1000 bytes is over the limit; --max-record raises it";
    assert_int_equal(buf_printf(&want, "1!%s[%s] ", text, line), 0);
    expect(buf_cstr(&want));
    buf_release(&want);
    assert_int_equal(rename(fx.path, fx.other), 0);
    append("5\n");
    expect_wait(0, 0);
    expect("<rotated> 1=5 ");
}

static void expect_format(int grade, enum in_format want) {
    enum in_format f = IN_DETECT;
    assert_int_equal(follow_detect(&fx.file, &fx.in, &f, NULL), grade);
    assert_int_equal(f, want);
}

static void test_the_format_is_told_when_there_is_enough(void **state) {
    (void)state;
    open_input();
    expect_format(G_WAIT, IN_DETECT);
    append("a,b\n");
    expect_wait(0, 0);
    expect_format(G_WAIT, IN_DETECT);
    append("1,2\n");
    expect_wait(0, 0);
    expect_format(0, IN_CSV);
    open_text(IN_CSV);
    fx.file.notice = FOLLOW_NOTHING;
    expect("2={\"a\":1,\"b\":2} ");
}

static void test_a_format_that_never_became_clear_is_told_at_the_end_of_the_old_file(void **state) {
    (void)state;
    append("plain");
    open_input();
    expect_format(G_WAIT, IN_DETECT);
    assert_int_equal(rename(fx.path, fx.other), 0);
    append("new\n");
    expect_wait(0, 0);
    expect_format(0, IN_LINES);
    open_text(IN_LINES);
    expect("1=\"plain\" <rotated> 1=\"new\" ");
}

static void test_waiting_ends_after_its_time(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    expect_wait(1000000000, G_WAIT);
    assert_int_equal(world.now_ns, 1000000000);
    assert_int_equal(world.waits, 4);
}

static void more_appears(void) {
    append("2\n");
}

static void test_growth_wakes_the_reader(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    if (fx.file.inotify < 0) skip();
    world.happens = more_appears;
    expect_wait(-1, 0);
    assert_int_equal(world.hints, 1);
    assert_int_equal(world.now_ns, 0);
    expect("2=2 ");
}

static void rotated_meanwhile(void) {
    assert_int_equal(rename(fx.path, fx.other), 0);
    append("2\n");
}

static void test_a_new_file_wakes_the_reader(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    if (fx.file.inotify < 0) skip();
    world.happens = rotated_meanwhile;
    expect_wait(-1, 0);
    assert_int_equal(world.now_ns, 0);
    expect("<rotated> 1=2 ");
    world.happens = more_appears; /* the watch went along */
    expect_wait(-1, 0);
    assert_int_equal(world.now_ns, 0);
    expect("2=2 ");
}

static void test_without_inotify_growth_is_seen_by_looking(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    close(fx.file.inotify);
    fx.file.inotify = -1;
    expect("1=1 ");
    world.happens = rotated_meanwhile;
    expect_wait(-1, 0);
    assert_int_equal(world.now_ns, FOLLOW_LOOK_NS);
    expect("<rotated> 1=2 ");
}

static void test_several_files_are_waited_for_at_once(void **state) {
    (void)state;
    struct follow second;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    assert_int_equal(follow_open(&second, fx.other, NULL), 0);
    struct follow *all[] = {&second, &fx.file};
    assert_int_equal(follow_wait_any(all, 2, 0, NULL), 0);
    expect("1=1 ");
    assert_int_equal(follow_wait_any(all, 2, 0, NULL), G_WAIT);
    put(fx.other, 0, "x\n");
    assert_int_equal(follow_wait_any(all, 2, 0, NULL), 0);
    follow_release(&second);
}

static void test_only_regular_files_are_followed(void **state) {
    (void)state;
    struct follow f;
    struct err e;
    assert_int_equal(follow_open(&f, "/dev/null", &e), G_USAGE);
    assert_string_equal(e.text, "cannot follow '/dev/null': it is not a regular file");
    assert_int_equal(follow_open(&f, fx.folder, &e), G_USAGE);
    assert_int_equal(follow_open(&f, "/dev/null/x", &e), G_IO);
    assert_string_equal(e.text, "cannot open '/dev/null/x': Not a directory");
}

static void stop_comes(void) {
    assert_int_equal(raise(SIGTERM), 0);
}

/* The last one: a stop request stays. */
static void test_a_signal_ends_the_wait(void **state) {
    (void)state;
    append("1\n");
    open_input();
    open_text(IN_JSON);
    expect("1=1 ");
    signals_init(false);
    world.happens = stop_comes;
    expect_wait(-1, G_STOPPED);
    assert_int_equal(world.waits, 1);
}

#define FOLLOW_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        FOLLOW_TEST(test_a_file_is_read_as_it_grows),
        FOLLOW_TEST(test_a_file_that_is_not_there_yet_is_waited_for),
        FOLLOW_TEST(test_a_rotated_file_is_read_to_its_end_before_the_new_one),
        FOLLOW_TEST(test_an_empty_new_file_does_not_end_the_old_one),
        FOLLOW_TEST(test_a_file_that_is_cut_short_is_read_from_its_begin),
        FOLLOW_TEST(test_a_file_cut_to_nothing),
        FOLLOW_TEST(test_the_new_file_has_a_header_of_its_own),
        FOLLOW_TEST(test_a_line_over_the_limit_at_the_end_of_the_old_file),
        FOLLOW_TEST(test_the_format_is_told_when_there_is_enough),
        FOLLOW_TEST(test_a_format_that_never_became_clear_is_told_at_the_end_of_the_old_file),
        FOLLOW_TEST(test_waiting_ends_after_its_time),
        FOLLOW_TEST(test_growth_wakes_the_reader),
        FOLLOW_TEST(test_a_new_file_wakes_the_reader),
        FOLLOW_TEST(test_without_inotify_growth_is_seen_by_looking),
        FOLLOW_TEST(test_several_files_are_waited_for_at_once),
        FOLLOW_TEST(test_only_regular_files_are_followed),
        FOLLOW_TEST(test_a_signal_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

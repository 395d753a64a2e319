/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: the order of items, what is held in memory and what goes to a file while another feed is waited for, how each
 * end is told, and that nothing hangs when all is over. And the spill file by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the first four above */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "scratch.h"
#include "stream/feed.h"
#include "stream/output.h"
#include "sys/signals.h"
#include "sys/sys.h"

static struct err e;
static char folder[SCRATCH_MAX];

static const char *path(const char *name) {
    static char paths[8][SCRATCH_MAX + 64];
    static unsigned turn;
    char *p = paths[turn++ % 8];
    (void)snprintf(p, sizeof paths[0], "%s/%s", folder, name);
    return p;
}

static void put_file(const char *name, const char *text) {
    FILE *f = fopen(path(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static struct feeds *open_feeds(const char *const *names, size_t n, struct feeds_config c) {
    struct feeds *f;
    c.names = names;
    c.count = n;
    if (c.input.record_limit == 0) c.input.record_limit = RECORD_LIMIT_DEFAULT;
    assert_int_equal(feeds_open(&f, &c, &e), 0);
    assert_int_equal(feeds_start(f, &e), 0);
    return f;
}

static struct feed_set only(size_t i) {
    struct feed_set s = {0};
    feed_set_add(&s, i);
    return s;
}

/* The next item, waited for. */
static struct feed_item *next(struct feeds *f, size_t i) {
    struct feed_item *item;
    struct feed_set s = only(i);
    assert_int_equal(feeds_wait(f, &s, 20000000000, &e), 0);
    assert_int_equal(feeds_take(f, i, &item, &e), 0);
    return item;
}

/* ---- spill files ---- */

static void test_spill_is_a_queue_of_bytes(void **state) {
    (void)state;
    struct spill_budget budget = {.limit = 64 << 20};
    struct spill s;
    char in[5000], out[5000];
    uint64_t written = 0, read = 0;
    unsigned seed = 7;
    spill_init(&s, &budget, "x");
    for (int step = 0; step < 20000; step++) {
        size_t n = (seed = seed * 1103515245 + 12345) % sizeof in;
        if (seed & 0x10000 && spill_size(&s) >= n) {
            assert_int_equal(spill_read(&s, out, n, &e), 0);
            for (size_t i = 0; i < n; i++) assert_int_equal(out[i], (char)((read + i) * 31));
            read += n;
        } else if (spill_size(&s) < (32 << 20)) {
            for (size_t i = 0; i < n; i++) in[i] = (char)((written + i) * 31);
            assert_int_equal(spill_append(&s, in, n, &e), 0);
            written += n;
        }
        assert_int_equal(spill_size(&s), written - read);
    }
    assert_true(read > 1 << 20);
    spill_release(&s);
    assert_int_equal(budget.used, 0);
}

static void test_spill_gives_space_back(void **state) {
    (void)state;
    struct spill_budget budget = {.limit = 40 << 20};
    struct spill s;
    struct stat st;
    char *p = calloc(1, 1 << 20);
    assert_non_null(p);
    memset(p, 'x', 1 << 20);
    spill_init(&s, &budget, "x");
    for (int i = 0; i < 20; i++) assert_int_equal(spill_append(&s, p, 1 << 20, &e), 0);
    for (int i = 0; i < 200; i++) { /* never empty, always at the limit of what it may have */
        assert_int_equal(spill_append(&s, p, 1 << 20, &e), 0);
        assert_int_equal(spill_read(&s, p, 1 << 20, &e), 0);
    }
    assert_int_equal(fstat(s.fd, &st), 0);
    assert_true(st.st_blocks * 512 <= 40 << 20);
    for (int i = 0; i < 20; i++) assert_int_equal(spill_read(&s, p, 1 << 20, &e), 0);
    assert_int_equal(fstat(s.fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(budget.used, 0);
    assert_true(budget.most >= 20 << 20 && budget.most <= 40 << 20);
    spill_release(&s);
    free(p);
}

static void test_spill_limit_is_shared_and_leaves_what_was_there(void **state) {
    (void)state;
    struct spill_budget budget = {.limit = 1000};
    struct spill a, b;
    char p[700] = "abc", got[3];
    spill_init(&a, &budget, "a");
    spill_init(&b, &budget, "b");
    assert_int_equal(spill_append(&a, p, 700, &e), 0);
    assert_int_equal(spill_append(&b, p, 301, &e), G_IO);
    assert_string_equal(e.text, "'b': what waits is more than --spill-limit, 1000 bytes, allows");
    assert_int_equal(spill_append(&b, p, 300, &e), 0);
    assert_int_equal(spill_read(&a, got, 3, &e), 0);
    assert_memory_equal(got, "abc", 3);
    assert_int_equal(spill_peek(&b, got, 3, &e), 0);
    assert_int_equal(spill_size(&b), 300);
    spill_skip(&b, 300);
    assert_int_equal(spill_read(&b, got, 1, &e), G_BUG);
    spill_release(&a);
    assert_int_equal(budget.used, 0);
    spill_release(&b);
    spill_release(NULL);
}

static void test_spill_tells_why_it_cannot(void **state) {
    (void)state;
    struct spill_budget budget = {.limit = 1000};
    struct spill s;
    spill_init(&s, &budget, "x");
    assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
    spill_open(&s);
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    assert_int_equal(spill_append(&s, "a", 1, &e), G_IO);
    assert_int_equal(e.errnum, ENOENT);
    assert_int_equal(budget.used, 0);
    spill_release(&s);
}

/* ---- text ---- */

static void test_text_comes_as_blocks_with_lines(void **state) {
    (void)state;
    const char *names[] = {path("a.json")};
    put_file("a.json", "{\"n\":1}\n\n\n{\"n\":2}\n{\"n\":3}\n");
    struct feeds *f = open_feeds(names, 1, (struct feeds_config){0});
    struct feed_item *item = next(f, 0);
    assert_int_equal(item->kind, FEED_BLOCK);
    assert_int_equal(item->format, IN_JSON);
    assert_true(item->text && item->checked);
    assert_int_equal(item->h.records, 3);
    assert_int_equal(item->h.topic_id, 0);
    assert_int_equal(item->line, 1);
    assert_int_equal(item->line + item->lines[1], 4);
    assert_int_equal(item->line + item->lines[2], 5);
    struct record_walk w;
    struct record r;
    record_walk_init(&w, &item->h, item->body, SIZE_MAX);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(record_next(&w, &r, &e), 1);
        assert_int_equal(r.offset, i);
        assert_int_equal(r.value[5], '1' + (char)i);
    }
    assert_int_equal(record_next(&w, &r, &e), 0);
    feed_item_free(item);
    item = next(f, 0);
    assert_int_equal(item->kind, FEED_END);
    assert_int_equal(item->grade, G_EOF);
    assert_null(item->why);
    feed_item_free(item);
    assert_int_equal(feeds_take(f, 0, &item, &e), G_WAIT);
    assert_false(feed_ready(f, 0));
    feeds_close(f);
}

static int refuse_two(void *ctx, size_t feed, enum in_format format, struct record *r, size_t slack, struct err *err) {
    (void)ctx;
    (void)slack;
    assert_int_equal(feed, 0);
    assert_int_equal(format, IN_JSON);
    r->time = r->value[5] - '0';
    return r->value[5] == '2' ? err_set(err, G_DATA, "it is two") : 0;
}

static void test_bad_records_come_in_their_place(void **state) {
    (void)state;
    const char *names[] = {path("b.json")};
    put_file("b.json", "{\"n\":1}\nno json\n{\"n\":2}\n{\"n\":3}\n");
    struct feeds *f = open_feeds(names, 1, (struct feeds_config){.record = refuse_two, .input.format = IN_JSON});
    static const struct {
        enum feed_kind kind;
        uint64_t line;
        const char *raw;
    } wanted[] = {{FEED_BLOCK, 1, NULL}, {FEED_BAD, 2, "no json"}, {FEED_BAD, 3, "{\"n\":2}"}, {FEED_BLOCK, 4, NULL}};
    for (size_t i = 0; i < 4; i++) {
        struct feed_item *item = next(f, 0);
        assert_int_equal(item->kind, wanted[i].kind);
        assert_int_equal(item->line, wanted[i].line);
        if (wanted[i].raw) {
            assert_int_equal(item->size, strlen(wanted[i].raw));
            assert_memory_equal(item->body, wanted[i].raw, item->size);
            assert_int_equal(item->why->grade, G_DATA);
        } else {
            assert_int_equal(item->h.min_time, i ? 3 : 1);
        }
        if (i == 2) assert_string_equal(item->why->text, "it is two");
        feed_item_free(item);
    }
    feeds_close(f); /* its end was not taken */
}

/* ---- queues ---- */

enum { BIG_RECORDS = 40000, BIG_SIZE = 100 }; /* 4 MB */

static bool put_part(int fd, char name, int from, int to) {
    char line[BIG_SIZE + 1], text[80];
    for (int i = from; i < to; i++) {
        int n = snprintf(text, sizeof text, "{\"n\":%d,\"f\":\"%c\"}", i, name);
        memset(line, ' ', BIG_SIZE);
        memcpy(line, text, (size_t)n);
        line[BIG_SIZE - 1] = '\n';
        for (size_t at = 0; at < BIG_SIZE;) {
            ssize_t got = write(fd, line + at, BIG_SIZE - at);
            if (got < 0) return false; /* the reader had enough */
            at += (size_t)got;
        }
    }
    return true;
}

static bool put_big(int fd, char name) {
    return put_part(fd, name, 0, BIG_RECORDS);
}

/* Two FIFOs by one writer: all of the first before anything of the second. */
static void *write_both(void *names) {
    const char *const *name = names;
    int first = open(name[0], O_WRONLY), second = open(name[1], O_WRONLY);
    bool all = put_big(first, 'a');
    close(first);
    if (!all) return NULL; /* the second one stays silent */
    (void)put_big(second, 'b');
    close(second);
    return NULL;
}

/* A look at a block: how many records it has. */
static int note_records(void *ctx, size_t feed, const struct block_origin *from, const char *body, struct buf *note) {
    (void)ctx, (void)feed, (void)body;
    assert_int_equal(note->len, 0);
    return buf_append(note, &from->h->records, sizeof from->h->records);
}

/* Is the note there? If it is, it is right. */
static bool has_note(const struct feed_item *item) {
    if (!item->note) return false;
    assert_int_equal(item->note_size, sizeof item->h.records);
    assert_memory_equal(item->note, &item->h.records, sizeof item->h.records);
    return true;
}

/* All records of a feed, in their order; how many of its blocks have a note. */
static int expect_big(struct feeds *f, size_t i, int *ret_blocks) {
    int seen = 0, notes = 0;
    *ret_blocks = 0;
    for (;;) {
        struct feed_item *item = next(f, i);
        struct record_walk w;
        struct record r;
        char wanted[40];
        if (item->kind == FEED_END) {
            assert_int_equal(item->grade, G_EOF);
            feed_item_free(item);
            break;
        }
        ++*ret_blocks;
        notes += has_note(item);
        record_walk_init(&w, &item->h, item->body, SIZE_MAX);
        while (record_next(&w, &r, &e) > 0) {
            (void)snprintf(wanted, sizeof wanted, "{\"n\":%d,", seen++);
            assert_memory_equal(r.value, wanted, strlen(wanted));
            assert_int_equal(item->line + item->lines[w.seen - 1], seen);
        }
        feed_item_free(item);
    }
    assert_int_equal(seen, BIG_RECORDS);
    return notes;
}

static void make_fifos(const char *names[2]) {
    names[0] = path("p");
    names[1] = path("q");
    (void)unlink(names[0]);
    (void)unlink(names[1]);
    assert_int_equal(mkfifo(names[0], 0600), 0);
    assert_int_equal(mkfifo(names[1], 0600), 0);
}

static void test_what_is_not_wanted_is_spilled_while_another_is_waited_for(void **state) {
    (void)state;
    static const char *names[2];
    pthread_t writer;
    int blocks;
    make_fifos(names);
    struct feeds *f = open_feeds(
        names, 2, (struct feeds_config){.spill_limit = 64 << 20, .queue_bytes = 256 << 10, .look = note_records});
    assert_int_equal(pthread_create(&writer, NULL, write_both, names), 0);
    int notes = expect_big(f, 1, &blocks); /* which comes only after all of the first */
    assert_int_equal(notes, blocks);
    notes = expect_big(f, 0, &blocks);
    assert_true(notes < blocks); /* those in the file lost theirs */
    assert_true(feeds_spilled(f) > 3 << 20);
    pthread_join(writer, NULL);
    feeds_close(f);
}

/* One record of the second in the middle of the first. */
static void *write_in_turns(void *names) {
    const char *const *name = names;
    int first = open(name[0], O_WRONLY), second = open(name[1], O_WRONLY);
    (void)put_part(first, 'a', 0, BIG_RECORDS * 3 / 4);
    (void)put_part(second, 'b', 0, 1);
    (void)put_part(first, 'a', BIG_RECORDS * 3 / 4, BIG_RECORDS);
    close(first);
    close(second);
    return NULL;
}

static void test_what_was_spilled_comes_before_what_is_newer(void **state) {
    (void)state;
    static const char *names[2];
    pthread_t writer;
    make_fifos(names);
    struct feeds *f = open_feeds(names, 2, (struct feeds_config){.spill_limit = 64 << 20, .queue_bytes = 256 << 10});
    assert_int_equal(pthread_create(&writer, NULL, write_in_turns, names), 0);
    int blocks;
    feed_item_free(next(f, 1));
    assert_true(feeds_spilled(f) > 256 << 10); /* the pipe and the reader have some of it */
    assert_int_equal(expect_big(f, 0, &blocks), 0);
    pthread_join(writer, NULL);
    feeds_close(f);
}

static void *write_first(void *names) {
    int fd = open(*(const char *const *)names, O_WRONLY);
    (void)put_big(fd, 'a');
    close(fd);
    return NULL;
}

static void test_what_is_wanted_waits_in_its_pipe(void **state) {
    (void)state;
    static const char *names[2];
    pthread_t writer;
    int blocks;
    make_fifos(names);
    struct feeds *f = open_feeds(names, 1, (struct feeds_config){.spill_limit = 64 << 20, .queue_bytes = 256 << 10});
    assert_int_equal(pthread_create(&writer, NULL, write_first, names), 0);
    sys_sleep_ns(50000000); /* the main thread is busy: no reason to spill either */
    assert_int_equal(expect_big(f, 0, &blocks), 0);
    assert_int_equal(feeds_spilled(f), 0);
    pthread_join(writer, NULL);
    feeds_close(f);
}

static void test_the_spill_limit_ends_the_wait(void **state) {
    (void)state;
    static const char *names[2];
    pthread_t writer;
    make_fifos(names);
    struct feeds *f = open_feeds(names, 2, (struct feeds_config){.spill_limit = 1 << 20, .queue_bytes = 256 << 10});
    assert_int_equal(pthread_create(&writer, NULL, write_both, names), 0);
    struct feed_set s = only(1);
    assert_int_equal(feeds_wait(f, &s, -1, &e), G_IO);
    char wanted[200];
    (void)snprintf(wanted, sizeof wanted, "'%s': what waits is more than --spill-limit, 1048576 bytes, allows",
                   names[0]);
    assert_string_equal(e.text, wanted);
    feeds_close(f);
    pthread_join(writer, NULL);
}

static void test_files_wait_and_never_spill(void **state) {
    (void)state;
    const char *names[] = {path("big"), path("p")};
    int blocks;
    (void)unlink(names[1]);
    assert_int_equal(mkfifo(names[1], 0600), 0);
    int fd = open(names[0], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(put_big(fd, 'a'));
    close(fd);
    struct feeds *f = open_feeds(names, 2, (struct feeds_config){.spill_limit = 64 << 20, .queue_bytes = 256 << 10});
    struct feed_set s = only(1);
    assert_int_equal(feeds_wait(f, &s, 100000000, &e), G_WAIT); /* nobody ever writes the FIFO */
    assert_int_equal(expect_big(f, 0, &blocks), 0);
    assert_int_equal(feeds_spilled(f), 0);
    feeds_close(f);
}

/* ---- blocks and ends ---- */

static void put_stream(const char *name, int status, bool ended) {
    static char *const args[] = {NULL};
    const struct output_lineage lineage = {.tool = "test", .args = args, .run = 1, .time_ns = 1};
    const struct output_config c = {.file = path(name), .fd = -1, .text.format = OUT_BLOCKS};
    static const struct block_header like = {.flags = BLOCK_JSON_VALID, .topic_id = 5, .partition = 2};
    const struct record_origin from = {.topic = "t", .partition = 2};
    struct record r = {.offset = 7, .time = 9, .value = "{}", .value_size = 2, .value_type = VALUE_JSON};
    struct output o;
    assert_int_equal(output_open(&o, &c, &e), 0);
    assert_int_equal(output_start(&o, &lineage, &e), 0);
    assert_int_equal(output_record(&o, &like, &from, &r, &e), 0);
    if (ended) assert_int_equal(output_end(&o, status, "it was bad", &e), 0);
    assert_int_equal(output_close(&o, true, &e), 0);
}

static int end_of(const char *name) {
    const char *names[] = {path(name)};
    struct feeds *f = open_feeds(names, 1, (struct feeds_config){0});
    struct feed_item *item;
    int grade;
    for (;;) {
        item = next(f, 0);
        if (item->kind == FEED_END) break;
        if (item->kind == FEED_BLOCK) {
            assert_int_equal(item->h.topic_id, 5);
            assert_int_equal(item->h.partition, 2);
            assert_int_equal(item->h.base_offset, 7);
            assert_false(item->text);
            assert_true(item->checked);
        }
        feed_item_free(item);
    }
    grade = item->grade;
    if (item->why) e = *item->why;
    feed_item_free(item);
    feeds_close(f);
    return grade;
}

static void test_each_end_is_graded_and_named(void **state) {
    (void)state;
    char wanted[200];
    put_stream("whole.leat", 0, true);
    assert_int_equal(end_of("whole.leat"), G_END);
    put_stream("failed.leat", 3, true);
    assert_int_equal(end_of("failed.leat"), G_UPSTREAM);
    (void)snprintf(wanted, sizeof wanted, "'%s': upstream failed with status 3: it was bad", path("failed.leat"));
    assert_string_equal(e.text, wanted);
    put_stream("cut.leat", 0, false);
    assert_int_equal(end_of("cut.leat"), G_TRUNCATED);
    assert_non_null(strstr(e.text, "cut.leat"));
    put_file("bad.leat", "LEATxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    assert_int_equal(end_of("bad.leat"), G_CORRUPT);
    assert_int_equal(end_of("missing.leat"), G_IO);
    assert_non_null(strstr(e.text, "cannot open"));
    put_file("empty", "");
    assert_int_equal(end_of("empty"), G_EOF);
}

static void test_wrong_words(void **state) {
    (void)state;
    const char *twice[] = {"-", "-"}, *many[FEEDS_MAX + 1];
    struct feeds *f;
    struct feeds_config c = {.names = twice, .count = 2};
    assert_int_equal(feeds_open(&f, &c, &e), G_USAGE);
    assert_string_equal(e.text, "'-' can be an input only once");
    for (size_t i = 0; i <= FEEDS_MAX; i++) many[i] = "x";
    c = (struct feeds_config){.names = many, .count = FEEDS_MAX + 1};
    assert_int_equal(feeds_open(&f, &c, &e), G_USAGE);
    feeds_close(NULL);
}

/* ---- the end of all ---- */

static void test_closing_does_not_wait_for_silent_inputs(void **state) {
    (void)state;
    static const char *names[2];
    make_fifos(names);
    struct feeds *f = open_feeds(names, 2, (struct feeds_config){.spill_limit = 1 << 20});
    int fd = open(names[0], O_WRONLY); /* one has a writer, which is silent; the other has none */
    sys_sleep_ns(20000000);
    feeds_close(f);
    close(fd);
    struct feeds_config c = {.names = names, .count = 2};
    assert_int_equal(feeds_open(&f, &c, &e), 0);
    feeds_close(f); /* never started */
}

static void *raise_later(void *main_thread) {
    sys_sleep_ns(50000000);
    pthread_kill(*(pthread_t *)main_thread, SIGTERM);
    return NULL;
}

/* The last one: the flag stays. */
static void test_a_signal_ends_the_wait(void **state) {
    (void)state;
    static const char *names[2];
    pthread_t self = pthread_self(), other;
    struct feed_set none = {0};
    make_fifos(names);
    struct feeds *f = open_feeds(names, 2, (struct feeds_config){0});
    signals_init(true);
    assert_int_equal(pthread_create(&other, NULL, raise_later, &self), 0);
    assert_int_equal(feeds_wait(f, &none, -1, &e), G_STOPPED);
    pthread_join(other, NULL);
    feeds_close(f);
}

static int setup(void **state) {
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    scratch_name(folder, "feed");
    return mkdtemp(folder) && setenv("TMPDIR", folder, 1) == 0 ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    static const char *const names[] = {"a.json",     "b.json",   "big",      "p",     "q",
                                        "whole.leat", "cut.leat", "bad.leat", "empty", "failed.leat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)unlink(path(names[i]));
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spill_is_a_queue_of_bytes),
        cmocka_unit_test(test_spill_gives_space_back),
        cmocka_unit_test(test_spill_limit_is_shared_and_leaves_what_was_there),
        cmocka_unit_test(test_spill_tells_why_it_cannot),
        cmocka_unit_test(test_text_comes_as_blocks_with_lines),
        cmocka_unit_test(test_bad_records_come_in_their_place),
        cmocka_unit_test(test_what_is_not_wanted_is_spilled_while_another_is_waited_for),
        cmocka_unit_test(test_what_was_spilled_comes_before_what_is_newer),
        cmocka_unit_test(test_what_is_wanted_waits_in_its_pipe),
        cmocka_unit_test(test_the_spill_limit_ends_the_wait),
        cmocka_unit_test(test_files_wait_and_never_spill),
        cmocka_unit_test(test_each_end_is_graded_and_named),
        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_closing_does_not_wait_for_silent_inputs),
        cmocka_unit_test(test_a_signal_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcommon/state/snapshot: what was put is what comes back, differences and chains, whose state it is, and what a
 * commit does in which order. test_state_snapshot_damage.c has damage, tests/crash/state.c kills and power cuts.
 */
#include "snapshot_fixture.h"

/* ---- round trips ---- */

static void a_directory_without_state_restores_to_nothing(void **state) {
    (void)state;
    struct snapshot_stats st;
    struct snapshot *s = restored("", -1);
    snapshot_get_stats(s, &st);
    assert_int_equal(st.files, 0);
    assert_int_equal(st.whole_bytes, 0);
    assert_true(begun(s, false)); /* begun, and nothing of it is kept */
    put(s, 1, "k", "v");
    snapshot_close(s);
    assert_files("lock");
    assert_state("", -1);
}

static void a_difference_follows_the_whole_and_comes_back_behind_it(void **state) {
    (void)state;
    make_two_files();
    assert_files("diff-2 lock state whole-1");
    struct snapshot *s = restored(TWO_FILES, 2);
    struct snapshot_stats st;
    snapshot_get_stats(s, &st);
    assert_int_equal(st.files, 2);
    assert_int_equal(st.whole_bytes, 40 + 9 + 1 + 2 + 4 + 1 + 2 + 4 + 9 + 1 + 2 + 6);
    assert_int_equal(st.difference_bytes, 40 + 9 + 1 + 2 + 5 + 1 + 1 + 1 + 9 + 1);
    assert_false(begun(s, false)); /* in the next run, too */
    put(s, -7, "", "");
    commit(s, 3);
    snapshot_close(s);
    assert_files("diff-2 diff-3 lock state whole-1");
    assert_state(TWO_FILES "put -7 '' ''\n", 3);
}

static void a_difference_without_items_writes_no_file(void **state) {
    (void)state;
    make_two_files();
    struct snapshot *s = restored(TWO_FILES, 2);
    assert_false(begun(s, false));
    commit(s, 3);
    snapshot_close(s);
    assert_files("diff-2 lock state whole-1");
    assert_state(TWO_FILES, 3);
}

static void a_whole_without_items_is_a_snapshot(void **state) {
    (void)state;
    make_two_files();
    struct snapshot *s = restored(TWO_FILES, 2);
    assert_true(begun(s, true));
    commit(s, 3);
    snapshot_close(s);
    assert_files("lock state whole-3");
    assert_state("", 3);
}

static void differences_as_large_as_the_whole_begin_a_new_chain(void **state) {
    (void)state;
    static const char value[1000];
    for (int more = 0; more < 2; more++) { /* one byte less than the whole, and as many */
        struct snapshot *s = open_it();
        struct snapshot_stats st;
        begun(s, true);
        WORKS(snapshot_put(s, 1, "k", 1, value, 1000, &e_));
        commit(s, 1);
        assert_false(begun(s, false));
        WORKS(snapshot_put(s, 1, "k", 1, value, 500, &e_));
        commit(s, 2);
        assert_false(begun(s, false));
        WORKS(snapshot_put(s, 1, "k", 1, value, (size_t)(445 + more), &e_));
        commit(s, 3);
        snapshot_get_stats(s, &st);
        assert_int_equal(st.whole_bytes, 1054);
        assert_int_equal(st.difference_bytes, 1053 + more);
        assert_int_equal(begun(s, false), more);
        put(s, 1, "m", "");
        commit(s, 4);
        snapshot_close(s);
    }
    assert_files("lock state whole-8");
    assert_state("put 1 'm' ''\n", 4);
}

static void a_chain_has_64_files_at_most(void **state) {
    (void)state;
    struct snapshot *s = restored("", -1);
    static char value[100000];
    begun(s, false);
    WORKS(snapshot_put(s, 1, "k", 1, value, sizeof value, &e_));
    commit(s, 0);
    for (int i = 1; i < 64; i++) {
        assert_false(begun(s, false));
        put(s, 1, "k", "v");
        commit(s, i);
    }
    assert_true(begun(s, false));
    commit(s, 64);
    snapshot_close(s);
    assert_files("lock state whole-65");
}

static void large_state_goes_through_many_frames(void **state) {
    (void)state;
    struct snapshot *s = restored("", -1);
    struct buf want = {0};
    char *value = malloc(2000000), key[100];
    begun(s, false);
    for (int i = 0; i < 300; i++) {
        size_t n = i % 50 == 49 ? 2000000 - (size_t)i : (size_t)i * 67;
        int64_t space = i == 0 ? INT64_MIN : i == 299 ? INT64_MAX : i / 7;
        for (size_t k = 0; k < n; k++) value[k] = (char)((size_t)i * 31 + k * k);
        int key_size = snprintf(key, sizeof key, "%0*d", i % 60 + 1, i);
        WORKS(snapshot_put(s, space, key, (size_t)key_size, value, n, &e_));
        assert_int_equal(seen_put(&want, space, key, (size_t)key_size, value, n, NULL), 0);
    }
    commit(s, 5);
    snapshot_close(s);
    assert_state(buf_cstr(&want), 5);
    buf_release(&want);
    free(value);
}

static void bytes_of_keys_and_values_are_any(void **state) {
    (void)state;
    struct snapshot *s = restored("", -1);
    begun(s, false);
    WORKS(snapshot_put(s, 0, "a\0b\xff", 4, "\0\0", 2, &e_));
    commit(s, 1);
    snapshot_close(s);
    struct buf out = {0};
    int64_t meta;
    WORKS(try_restore(NULL, &out, &meta, &e_));
    assert_int_equal(out.len, sizeof "put 0 'a" - 1 + 0 + sizeof "' '" - 1 + sizeof "'\n" - 1);
    buf_release(&out);
}

static void an_error_of_the_caller_ends_restoring(void **state) {
    (void)state;
    struct snapshot *s = restored("", -1);
    begun(s, false);
    WORKS(snapshot_drop(s, 666, &e_));
    put(s, 1, "never", "");
    commit(s, 1);
    snapshot_close(s);
    assert_refused(G_DATA, "no");
}

static void meta_is_any_json(void **state) {
    (void)state;
    static const char text[] = "{\"a\":[null,true,-9223372036854775808,1.5,\"\\u0000\xc3\xa4\\n\"],\"n\":{}}";
    struct snapshot *s = restored("", -1);
    json_t *meta = json_loadb(text, strlen(text), JSON_ALLOW_NUL, NULL), *back = NULL;
    struct buf out = {0};
    begun(s, false);
    WORKS(snapshot_commit(s, meta, &e_));
    snapshot_close(s);
    s = open_it();
    WORKS(snapshot_restore(s, &ops, &out, &back, &e_));
    assert_true(json_equal(meta, back));
    json_decref(back);
    json_decref(meta);
    snapshot_close(s);
    buf_release(&out);
}

/* ---- whole or not at all ---- */

static void what_was_not_committed_is_not_there_and_cleaned_by_the_next_commit(void **state) {
    (void)state;
    make_two_files();
    store("diff-3", "leftover", 8);
    store("whole-99", "leftover", 8);
    store("diff-1", "leftover", 8);
    store("state.123.tmp", "leftover", 8);
    store("whole-007", "not ours", 8);
    store("state.prev", "not ours", 8);
    store("diff-3.tmp", "not ours", 8);
    struct snapshot *s = restored(TWO_FILES, 2);
    begun(s, false);
    put(s, 1, "k", "v");
    assert_true(is_there("state.123.tmp"));
    commit(s, 3);
    assert_files("diff-2 diff-3 diff-3.tmp lock state state.prev whole-007 whole-1");
    snapshot_close(s);
    assert_state(TWO_FILES "put 1 'k' 'v'\n", 3);
}

static void behind_a_snapshot_that_was_not_committed_the_next_is_whole(void **state) {
    (void)state;
    make_two_files();
    struct snapshot *s = restored(TWO_FILES, 2);
    assert_false(begun(s, false));
    put(s, 1, "lost", "");
    assert_true(begun(s, false));
    put(s, 1, "k", "v");
    commit(s, 3);
    snapshot_close(s);
    assert_state("put 1 'k' 'v'\n", 3);
}

static void without_restoring_a_snapshot_is_whole(void **state) {
    (void)state;
    make_two_files();
    struct snapshot *s = open_it();
    assert_true(begun(s, false));
    commit(s, 3);
    assert_false(begun(s, false));
    snapshot_close(s);
    assert_state("", 3);
}

static void calls_in_the_wrong_order_are_refused(void **state) {
    (void)state;
    struct err e;
    json_t *meta = NULL;
    struct buf out = {0};
    make_two_files();
    struct snapshot *s = restored(TWO_FILES, 2);
    assert_int_equal(snapshot_put(s, 1, "k", 1, "v", 1, &e), G_BUG);
    assert_int_equal(snapshot_remove(s, 1, "k", 1, &e), G_BUG);
    assert_int_equal(snapshot_drop(s, 1, &e), G_BUG);
    assert_int_equal(try_commit(s, 1, &e), G_BUG);
    begun(s, false);
    assert_int_equal(snapshot_restore(s, &ops, &out, &meta, &e), G_BUG);
    commit(s, 3);
    assert_int_equal(snapshot_restore(s, &ops, &out, &meta, &e), G_BUG); /* it would have an older meta */
    snapshot_close(s);
    assert_int_equal(out.len, 0);
}

static void an_item_over_the_limit_fails_the_snapshot(void **state) {
    (void)state;
    struct err e;
    make_two_files();
    struct snapshot *s = restored(TWO_FILES, 2);
    begun(s, false);
    assert_int_equal(snapshot_put(s, 1, "k", 1, "v", SNAPSHOT_ITEM_MAX, &e), G_NOMEM);
    assert_int_equal(try_commit(s, 3, &e), G_BUG);
    begun(s, false);
    assert_int_equal(snapshot_put(s, 1, "k", SIZE_MAX, "v", 2, &e), G_NOMEM);
    begun(s, false);
    assert_int_equal(snapshot_remove(s, 1, "k", SNAPSHOT_ITEM_MAX + 1, &e), G_NOMEM);
    snapshot_close(s);
    assert_state(TWO_FILES, 2);
}

static void meta_that_could_not_be_read_again_fails_the_commit(void **state) {
    (void)state;
    struct err e;
    make_two_files();
    struct snapshot *s = restored(TWO_FILES, 2);
    json_t *deep = json_array();
    for (int i = 0; i < 1023; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    begun(s, false);
    put(s, 1, "k", "v");
    assert_int_equal(snapshot_commit(s, deep, &e), G_DATA);
    json_decref(deep);
    char *text = calloc(1, SNAPSHOT_MANIFEST_MAX);
    memset(text, 'x', SNAPSHOT_MANIFEST_MAX - 50);
    json_t *large = json_string(text);
    begun(s, false);
    assert_int_equal(snapshot_commit(s, large, &e), G_NOMEM);
    json_decref(large);
    free(text);
    snapshot_close(s);
    assert_files("diff-2 lock state whole-1");
    assert_state(TWO_FILES, 2);
}

/* ---- whose state it is ---- */

static void state_of_other_options_is_refused_and_the_difference_told(void **state) {
    (void)state;
    struct snapshot *s = NULL;
    struct err e;
    make_two_files();
    assert_int_equal(snapshot_open(dir_path, "window", "--tumble 2h count", false, &s, &e), G_USAGE);
    assert_non_null(strstr(e.text, "'--tumble 1h count', this one has '--tumble 2h count'"));
    assert_int_equal(snapshot_open(dir_path, "window", "--tumble 1h count ", false, &s, &e), G_USAGE);
    assert_int_equal(snapshot_open(dir_path, "window", "--tumble 1h coun", false, &s, &e), G_USAGE);
    assert_int_equal(snapshot_open(dir_path, "join", "--tumble 1h count", false, &s, &e), G_USAGE);
    assert_non_null(strstr(e.text, "is of leat window, not of leat join"));
    assert_int_equal(snapshot_open(dir_path, "window", "\xff", false, &s, &e), G_USAGE);
    assert_null(s);
    assert_state(TWO_FILES, 2);
}

static void the_words_of_long_options_are_cut_to_where_they_differ(void **state) {
    (void)state;
    struct snapshot *s = NULL;
    struct err e;
    char one[3000], two[3000];
    for (size_t i = 0; i < sizeof one; i += 3) memcpy(one + i, i % 30 ? "\xe2\x82\xac" : "  -", 3);
    one[sizeof one - 1] = one[sizeof one - 2] = one[sizeof one - 3] = '\0';
    memcpy(two, one, sizeof two);
    memcpy(two + 1503, "abc", 3);
    WORKS(snapshot_open(dir_path, "window", one, false, &s, &e_));
    begun(s, false);
    commit(s, 1);
    snapshot_close(s);
    assert_int_equal(snapshot_open(dir_path, "window", two, false, &s, &e), G_USAGE);
    assert_true(strlen(e.text) < 500);
    assert_non_null(strstr(e.text, "this one has '... -abc\xe2\x82\xac"));
}

static void a_second_process_is_refused_with_the_name_of_the_first(void **state) {
    (void)state;
    struct snapshot *s = open_it();
    char words[64];
    (void)snprintf(words, sizeof words, "in use by process %ld", (long)getpid());
    assert_refused(G_FENCED, words);
    int fd = openat(dir, "lock", O_WRONLY); /* the file itself: it holds the lock */
    assert_int_equal(pwrite(fd, "noise", 5, 0), 5);
    close(fd);
    assert_refused(G_FENCED, "in use by another process");
    snapshot_close(s);
    assert_state("", -1);
}

static void a_lock_that_is_no_file_is_refused(void **state) {
    (void)state;
    snapshot_close(open_it());
    assert_int_equal(unlinkat(dir, "lock", 0), 0);
    assert_int_equal(symlinkat("state", dir, "lock"), 0);
    assert_refused(G_IO, "cannot open 'lock'");
    assert_int_equal(unlinkat(dir, "lock", 0), 0);
    assert_int_equal(mkfifoat(dir, "lock", 0600), 0);
    assert_refused(G_USAGE, "'lock'|not a file");
}

/* Somebody removes the lock file and makes another, just when this process has locked the first one. */
static int fstatat_behind_a_change(int d, const char *path, struct stat *st, int flags) {
    sys.fstatat = real.fstatat;
    store("lock", "", 0);
    return real.fstatat(d, path, st, flags);
}

static void a_lock_on_a_file_that_is_gone_from_the_path_is_none(void **state) {
    (void)state;
    sys.fstatat = fstatat_behind_a_change;
    assert_refused(G_FENCED, "'lock'|was replaced");
    assert_state("", -1);
}

static void a_directory_of_other_things_is_not_taken(void **state) {
    (void)state;
    store("whole-1", "precious", 8);
    assert_refused(G_USAGE, dir_path);
    assert_files("whole-1");
}

static void a_directory_that_is_not_there_is_made(void **state) {
    (void)state;
    struct snapshot *s = NULL;
    char path[SCRATCH_MAX + 16];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/a/b", dir_path);
    WORKS(snapshot_open(path, "t", "", false, &s, &e_));
    begun(s, false);
    commit(s, 1);
    snapshot_close(s);
    assert_int_equal(fstatat(dir, "a/b/state", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* ---- order and failures of system calls ---- */

static char calls[64];
static int sync_fails_in; /* the n-th from now */
static bool rename_fails, rename_happens;

static void note(char c) {
    size_t n = strlen(calls);
    if (n + 1 < sizeof calls) calls[n] = c;
}
static ssize_t noted_pwrite(int fd, const void *p, size_t n, off_t at) {
    note('w');
    return real.pwrite(fd, p, n, at);
}
static int noted_fsync(int fd) {
    struct stat st;
    fstat(fd, &st);
    note(S_ISDIR(st.st_mode) ? 'D' : 's');
    if (sync_fails_in > 0 && --sync_fails_in == 0) {
        errno = EIO;
        return -1;
    }
    return 0;
}
static int noted_renameat(int a, const char *from, int b, const char *to) {
    note('r');
    if (rename_fails && !rename_happens) {
        errno = EIO;
        return -1;
    }
    int rc = real.renameat(a, from, b, to);
    if (rename_fails) errno = EIO;
    return rename_fails ? -1 : rc;
}
static int noted_unlinkat(int d, const char *path, int flags) {
    int rc = real.unlinkat(d, path, flags);
    if (rc == 0) note('u');
    return rc;
}

static void watch_calls(void) {
    memset(calls, 0, sizeof calls);
    sync_fails_in = 0;
    rename_fails = rename_happens = false;
    sys.pwrite = noted_pwrite;
    sys.fsync = noted_fsync;
    sys.renameat = noted_renameat;
    sys.unlinkat = noted_unlinkat;
}

static void a_commit_syncs_file_and_directory_before_and_behind_the_rename_and_removes_last(void **state) {
    (void)state;
    make_two_files();
    watch_calls();
    struct snapshot *s = restored(TWO_FILES, 2);
    assert_string_equal(calls, "wD"); /* the lock's process id; what is restored is durable */
    memset(calls, 0, sizeof calls);
    begun(s, true);
    put(s, 1, "k", "v");
    assert_string_equal(calls, "");
    commit(s, 3);
    assert_string_equal(calls, "wsDwsrDuu");
    memset(calls, 0, sizeof calls);
    begun(s, false);
    commit(s, 4);
    assert_string_equal(calls, "wsrD");
    snapshot_close(s);
}

static void a_sync_that_fails_before_the_rename_leaves_the_last_snapshot(void **state) {
    (void)state;
    for (int which = 1; which <= 2; which++) { /* of the file, of the directory */
        struct err e;
        finish(state);
        begin(state);
        make_two_files();
        struct snapshot *s = restored(TWO_FILES, 2);
        watch_calls();
        begun(s, false);
        put(s, 1, "k", "v");
        sync_fails_in = which;
        assert_int_equal(try_commit(s, 3, &e), G_IO);
        assert_files("diff-2 lock state whole-1");
        assert_true(begun(s, false)); /* nothing that was put before is taken for saved */
        put(s, 1, "again", "");
        commit(s, 3);
        snapshot_close(s);
        assert_state("put 1 'again' ''\n", 3);
    }
}

/* Of the temporary file, and of the directory behind the rename. */
static void where_it_is_not_known_what_counts_nothing_is_removed_and_no_other_follows(void **state) {
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct err e;
        bool whole;
        finish(state);
        begin(state);
        make_two_files();
        struct snapshot *s = restored(TWO_FILES, 2);
        watch_calls();
        begun(s, true);
        put(s, 1, "k", "v");
        if (which < 2) sync_fails_in = 3 + which;
        rename_fails = which >= 2;
        rename_happens = which == 3;
        assert_int_equal(try_commit(s, 3, &e), G_IO);
        assert_int_equal(snapshot_begin(s, true, &whole, &e), G_IO);
        assert_non_null(strstr(e.text, "not known"));
        snapshot_close(s);
        assert_files("diff-2 lock state whole-1 whole-3");
        sys = real;
        sys.fsync = no_sync;
        if (which == 0 || which == 2)
            assert_state(TWO_FILES, 2);
        else
            assert_state("put 1 'k' 'v'\n", 3);
    }
}

static void state_that_cannot_be_made_durable_is_not_restored(void **state) {
    (void)state;
    make_two_files();
    watch_calls();
    sync_fails_in = 1;
    assert_refused(G_IO, "cannot sync");
}
/* ---- the page ---- */

static void the_worked_example_of_the_page_is_read_and_written(void **state) {
    (void)state;
    static const unsigned char want[71] = {
        0x4c, 0x45, 0x41, 0x54, 0x53, 0x4e, 0x41, 0x50, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1f, 0x00,
        0x00, 0x00, 0xe0, 0xe5, 0x4f, 0x42, 0xfe, 0xca, 0x00, 0x00, 0x00, 0x00, 0xed, 0x5e, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x04, 0x3c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x75, 0x31,
        0x61, 0x62, 0x63, 0x02, 0x02, 0x75, 0x32, 0x04, 0xc4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03};
    static const char manifest[] = "{\"files\":[{\"id\":\"5eed00000000cafe\",\"name\":\"whole-1\",\"size\":71}],"
                                   "\"identity\":\"--tumble 1m count\",\"meta\":{\"read\":7},\"tool\":\"window\","
                                   "\"version\":1}\n7c88ec84\n";
    struct snapshot *s = NULL;
    struct buf out = {0}, made = {0};
    json_t *meta = NULL;
    store("lock", "", 0);
    store("whole-1", want, sizeof want);
    store("state", manifest, sizeof manifest - 1);
    WORKS(snapshot_open(dir_path, "window", "--tumble 1m count", false, &s, &e_));
    WORKS(snapshot_restore(s, &ops, &out, &meta, &e_));
    assert_string_equal(buf_cstr(&out), "put 60 'u1' 'abc'\nremove 60 'u2'\ndrop -60\n");
    begun(s, true);
    s->file.id = UINT64_C(0x5eed00000000cafe);
    s->file.number = 1;
    put(s, 60, "u1", "abc");
    WORKS(snapshot_remove(s, 60, "u2", 2, &e_));
    WORKS(snapshot_drop(s, -60, &e_));
    WORKS(snapshot_commit(s, meta, &e_));
    load("whole-1", &made);
    assert_int_equal(made.len, sizeof want);
    assert_memory_equal(made.data, want, sizeof want);
    load("state", &made);
    assert_int_equal(made.len, sizeof manifest - 1);
    assert_memory_equal(made.data, manifest, sizeof manifest - 1);
    json_decref(meta);
    snapshot_close(s);
    buf_release(&out);
    buf_release(&made);
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void) {
    real = sys;
    const struct CMUnitTest tests[] = {
        TEST(a_directory_without_state_restores_to_nothing),
        TEST(a_difference_follows_the_whole_and_comes_back_behind_it),
        TEST(a_difference_without_items_writes_no_file),
        TEST(a_whole_without_items_is_a_snapshot),
        TEST(differences_as_large_as_the_whole_begin_a_new_chain),
        TEST(a_chain_has_64_files_at_most),
        TEST(large_state_goes_through_many_frames),
        TEST(bytes_of_keys_and_values_are_any),
        TEST(an_error_of_the_caller_ends_restoring),
        TEST(meta_is_any_json),
        TEST(what_was_not_committed_is_not_there_and_cleaned_by_the_next_commit),
        TEST(behind_a_snapshot_that_was_not_committed_the_next_is_whole),
        TEST(without_restoring_a_snapshot_is_whole),
        TEST(calls_in_the_wrong_order_are_refused),
        TEST(an_item_over_the_limit_fails_the_snapshot),
        TEST(meta_that_could_not_be_read_again_fails_the_commit),
        TEST(state_of_other_options_is_refused_and_the_difference_told),
        TEST(the_words_of_long_options_are_cut_to_where_they_differ),
        TEST(a_second_process_is_refused_with_the_name_of_the_first),
        TEST(a_lock_that_is_no_file_is_refused),
        TEST(a_lock_on_a_file_that_is_gone_from_the_path_is_none),
        TEST(a_directory_of_other_things_is_not_taken),
        TEST(a_directory_that_is_not_there_is_made),
        TEST(a_commit_syncs_file_and_directory_before_and_behind_the_rename_and_removes_last),
        TEST(a_sync_that_fails_before_the_rename_leaves_the_last_snapshot),
        TEST(where_it_is_not_known_what_counts_nothing_is_removed_and_no_other_follows),
        TEST(state_that_cannot_be_made_durable_is_not_restored),
        TEST(the_worked_example_of_the_page_is_read_and_written),
    };
    return cmocka_run_group_tests_name("state_snapshot", tests, NULL, NULL);
}

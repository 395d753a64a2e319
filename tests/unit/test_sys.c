/* SPDX-License-Identifier: Apache-2.0 */
/* libcommon/sys: files that are replaced whole, directories that are refused, locks, pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "sys/file.h"
#include "sys/futex.h"
#include "sys/lock.h"
#include "sys/pipes.h"
#include "sys/sys.h"

static struct sys_ops real;
static char root_path[SCRATCH_MAX];
static int root;

static int begin(void **state) {
    (void)state;
    sys = real;
    root = scratch_folder(root_path, "sys");
    return 0;
}

static int finish(void **state) {
    (void)state;
    sys = real;
    close(root);
    return scratch_remove(root_path);
}

static void assert_content(const char *name, const char *want) {
    struct buf b = {0};
    struct err e;
    assert_int_equal(file_load(root, name, 1000, &b, &e), 0);
    assert_string_equal(buf_cstr(&b), want);
    buf_release(&b);
}

static int count_entry(void *ctx, const char *name) {
    (void)name;
    ++*(int *)ctx;
    return 0;
}

static int count_entries(void) {
    int n = 0;
    assert_int_equal(dir_each(root, count_entry, &n, NULL), 0);
    return n;
}

/* ---- listings ---- */

static void a_listing_says_whether_it_was_made_at_one_moment(void **state) {
    (void)state;
    struct err e;
    bool whole = false;
    int n = 0;
    for (int i = 0; i < 3000; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "a-name-that-takes-room-%030d", i);
        int fd = openat(root, name, O_WRONLY | O_CREAT, 0600);
        assert_true(fd >= 0);
        close(fd);
        if (i != 9) continue;
        assert_int_equal(dir_each_once(root, count_entry, &n, &whole, &e), 0);
        assert_int_equal(n, 10);
        assert_true(whole);
    }
    n = 0;
    assert_int_equal(dir_each_once(root, count_entry, &n, &whole, &e), 0);
    assert_int_equal(n, 3000);
    assert_false(whole);
    assert_int_equal(dir_each_once(-1, count_entry, &n, &whole, &e), G_IO);
}

static int enough(void *ctx, const char *name) {
    (void)name;
    return ++*(int *)ctx == 2 ? 77 : 0;
}

static void a_listing_ends_when_it_is_told_to(void **state) {
    (void)state;
    int n = 0;
    for (int i = 0; i < 5; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%d", i);
        close(openat(root, name, O_WRONLY | O_CREAT, 0600));
    }
    assert_int_equal(dir_each(root, enough, &n, NULL), 77);
    assert_int_equal(n, 2);
}

/* ---- atomic_replace ---- */

static void a_file_is_replaced_and_the_one_before_is_kept(void **state) {
    (void)state;
    struct err e;
    struct stat st;
    mode_t was = umask(0);
    assert_int_equal(atomic_replace(root, "f", "one", 3, true, &e), 0);
    umask(was);
    assert_int_equal(fstatat(root, "f", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(count_entries(), 1);
    assert_int_equal(atomic_replace(root, "f", "two", 3, true, &e), 0);
    assert_int_equal(atomic_replace(root, "f", "three", 5, true, &e), 0);
    assert_content("f", "three");
    assert_content("f.prev", "two");
    assert_int_equal(count_entries(), 2);
    assert_int_equal(atomic_replace(root, "f", "", 0, false, &e), 0);
    assert_content("f", "");
    assert_content("f.prev", "two");
}

static char calls[32];

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
    return real.fsync(fd);
}
static int noted_renameat(int a, const char *from, int b, const char *to) {
    note('r');
    return real.renameat(a, from, b, to);
}
static int noted_linkat(int a, const char *from, int b, const char *to) {
    note('l');
    return real.linkat(a, from, b, to);
}

static void replacing_syncs_before_the_rename_and_the_directory_behind(void **state) {
    (void)state;
    struct err e;
    sys.pwrite = noted_pwrite;
    sys.fsync = noted_fsync;
    sys.renameat = noted_renameat;
    sys.linkat = noted_linkat;
    memset(calls, 0, sizeof calls);
    assert_int_equal(atomic_replace(root, "f", "one", 3, false, &e), 0);
    assert_string_equal(calls, "wsrD");
    memset(calls, 0, sizeof calls);
    assert_int_equal(atomic_replace(root, "f", "two", 3, true, &e), 0);
    assert_string_equal(calls, "wslrrD");
}

static int failing_errno;
static ssize_t failing_pwrite(int fd, const void *p, size_t n, off_t at) {
    if (n > 2) return real.pwrite(fd, p, 2, at);
    errno = failing_errno;
    return -1;
}
static int failing_fsync(int fd) {
    (void)fd;
    errno = EIO;
    return -1;
}

static void a_replacement_that_fails_leaves_the_old_file(void **state) {
    (void)state;
    struct err e;
    assert_int_equal(atomic_replace(root, "f", "old", 3, false, &e), 0);
    failing_errno = ENOSPC;
    sys.pwrite = failing_pwrite;
    assert_int_equal(atomic_replace(root, "f", "new", 3, false, &e), G_IO);
    assert_int_equal(e.errnum, ENOSPC);
    assert_non_null(strstr(e.text, "No space left"));
    sys.pwrite = real.pwrite;
    sys.fsync = failing_fsync;
    assert_int_equal(atomic_replace(root, "f", "new", 3, false, &e), G_IO);
    assert_int_equal(e.errnum, EIO);
    sys = real;
    assert_content("f", "old");
    assert_int_equal(count_entries(), 1);
}

/* ---- reading and writing ---- */

static void loading_has_a_limit(void **state) {
    (void)state;
    struct err e;
    struct buf b = {0};
    assert_int_equal(atomic_replace(root, "f", "12345", 5, false, &e), 0);
    assert_int_equal(file_load(root, "f", 4, &b, &e), G_DATA);
    assert_string_equal(e.text, "'f' is not a file of at most 4 bytes");
    assert_int_equal(file_load(root, "f", 5, &b, &e), 0);
    assert_int_equal(b.len, 5);
    assert_int_equal(file_load(root, "g", 5, &b, &e), G_ABSENT);
    assert_int_equal(b.len, 5);
    buf_release(&b);
}

static int turns;
static ssize_t stumbling_pread(int fd, void *p, size_t n, off_t at) {
    if (turns++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return real.pread(fd, p, n < 2 ? n : 2, at);
}
static ssize_t stumbling_pwrite(int fd, const void *p, size_t n, off_t at) {
    if (turns++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return real.pwrite(fd, p, n < 2 ? n : 2, at);
}
static ssize_t writing_nothing(int fd, const void *p, size_t n, off_t at) {
    (void)fd, (void)p, (void)n, (void)at;
    return 0;
}

static void interruptions_and_short_counts_are_gone_through(void **state) {
    (void)state;
    struct err e;
    char text[8] = "";
    size_t n = 0;
    int fd = openat(root, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    sys.pwrite = stumbling_pwrite;
    sys.pread = stumbling_pread;
    assert_int_equal(file_pwrite_all(fd, "abcdef", 6, 1, "f", &e), 0);
    assert_int_equal(file_pread(fd, text, 8, 0, &n, "f", &e), 0);
    assert_int_equal(n, 7);
    assert_memory_equal(text, "\0abcdef", 7);
    sys.pwrite = writing_nothing;
    assert_int_equal(file_pwrite_all(fd, "x", 1, 0, "f", &e), G_IO);
    assert_int_equal(e.errnum, ENOSPC);
    close(fd);
}

static void a_reader_that_went_away_is_told_apart(void **state) {
    (void)state;
    struct err e;
    int ends[2];
    void (*was)(int) = signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(file_write_all(ends[1], "abc", 3, "out", &e), 0);
    assert_int_equal(pipe_pending(ends[0]), 3);
    assert_false(pipe_abandoned(ends[1]));
    close(ends[0]);
    assert_true(pipe_abandoned(ends[1]));
    assert_int_equal(file_write_all(ends[1], "abc", 3, "out", &e), G_PIPE);
    close(ends[1]);
    signal(SIGPIPE, was);
}

static void a_file_is_moved_into_a_pipe(void **state) {
    (void)state;
    struct err e;
    int ends[2];
    char text[8];
    assert_int_equal(atomic_replace(root, "f", "0123456789", 10, false, &e), 0);
    int fd = openat(root, "f", O_RDONLY | O_CLOEXEC);
    assert_int_equal(pipe(ends), 0);
    assert_true(pipe_grow(ends[1]));
    assert_false(pipe_grow(fd));
    assert_int_equal(pipe_send_file(ends[1], fd, 3, 5, "f", "out", &e), 0);
    assert_int_equal(read(ends[0], text, sizeof text), 5);
    assert_memory_equal(text, "34567", 5);
    assert_int_equal(pipe_send_file(ends[1], fd, 8, 5, "f", "out", &e), G_TRUNCATED);
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

/* ---- directories ---- */

static void nothing_is_opened_outside_or_through_links(void **state) {
    (void)state;
    struct err e;
    char inside[400];
    assert_int_equal(mkdirat(root, "d", 0700), 0);
    assert_int_equal(atomic_replace(root, "f", "x", 1, false, &e), 0);
    assert_int_equal(symlinkat("f", root, "link"), 0);
    assert_int_equal(symlinkat("d", root, "dirlink"), 0);
    assert_int_equal(symlinkat("/", root, "rootlink"), 0);
    int d = dir_open(root, "d", false, &e);
    assert_true(d >= 0);
    static const char *const bad[] = {"link", "dirlink", "rootlink/etc", "dirlink/../f", "/etc/passwd", "../x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sys.open_beneath(root, bad[i], O_RDONLY, 0), -1);
        assert_int_not_equal(errno, ENOENT);
    }
    assert_int_equal(sys.open_beneath(d, "../f", O_RDONLY, 0), -1);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(sys.open_beneath(root, "link", O_WRONLY | O_CREAT, 0600), -1);
    assert_int_equal(dir_open(root, "dirlink", true, &e), G_IO);
    (void)snprintf(inside, sizeof inside, "%s/rootlink", root_path);
    assert_int_equal(unlinkat(root, "rootlink", 0), 0);
    assert_content("f", "x");
    close(d);
}

static void directories_that_others_write_are_refused(void **state) {
    (void)state;
    struct err e;
    struct stat st;
    mode_t was = umask(0);
    int d = dir_open(root, "d", true, &e);
    umask(was);
    assert_true(d >= 0);
    assert_int_equal(fstat(d, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    close(d);
    assert_int_equal(fchmodat(root, "d", 0707, 0), 0);
    assert_int_equal(dir_open(root, "d", true, &e), G_USAGE);
    assert_string_equal(e.text, "directory 'd' can be written by everyone");
    assert_int_equal(dir_open(root, "none", false, &e), G_ABSENT);
    assert_int_equal(atomic_replace(root, "f", "x", 1, false, &e), 0);
    assert_int_equal(dir_open(root, "f", true, &e), G_IO);
}

static long pretended_type;
static int pretending_fstatfs(int fd, struct statfs *fs) {
    int rc = fstatfs(fd, fs);
    fs->f_type = (__typeof__(fs->f_type))pretended_type;
    return rc;
}

static void file_systems_without_reliable_locks_are_refused(void **state) {
    (void)state;
    static const struct {
        long type;
        const char *name;
    } bad[] = {{NFS_SUPER_MAGIC, "NFS"},   {0xff534d42, "SMB"}, {0xfe534d42, "SMB"},
               {FUSE_SUPER_MAGIC, "FUSE"}, {V9FS_MAGIC, "9P"},  {AFS_SUPER_MAGIC, "AFS"},
               {CEPH_SUPER_MAGIC, "Ceph"}};
    struct err e;
    sys.fstatfs = pretending_fstatfs;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pretended_type = bad[i].type;
        assert_int_equal(dir_open_root(root_path, false, false, &e), G_USAGE);
        assert_non_null(strstr(e.text, bad[i].name));
        int fd = dir_open_root(root_path, false, true, &e);
        assert_true(fd >= 0);
        close(fd);
    }
    pretended_type = EXT4_SUPER_MAGIC;
    int fd = dir_open_root(root_path, false, false, &e);
    assert_true(fd >= 0);
    close(fd);
}

static void the_way_to_a_new_root_is_made_and_synced(void **state) {
    (void)state;
    struct err e;
    char path[SCRATCH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/a/b/c", root_path);
    assert_int_equal(dir_open_root(path, false, true, &e), G_ABSENT);
    sys.fsync = noted_fsync;
    memset(calls, 0, sizeof calls);
    int fd = dir_open_root(path, true, true, &e);
    assert_true(fd >= 0);
    assert_string_equal(calls, "DDD");
    close(fd);
}

static void removing_a_tree_follows_no_link(void **state) {
    (void)state;
    struct err e;
    assert_int_equal(mkdirat(root, "keep", 0700), 0);
    assert_int_equal(atomic_replace(root, "keep/f", "x", 1, false, &e), 0);
    assert_int_equal(mkdirat(root, "gone", 0700), 0);
    assert_int_equal(mkdirat(root, "gone/sub", 0700), 0);
    assert_int_equal(atomic_replace(root, "gone/sub/f", "x", 1, false, &e), 0);
    assert_int_equal(symlinkat("../../keep", root, "gone/sub/link"), 0);
    assert_int_equal(dir_remove_tree(root, "gone", &e), 0);
    assert_content("keep/f", "x");
    assert_int_equal(count_entries(), 1);
    assert_int_equal(dir_remove_tree(root, "gone", &e), 0);
}

/* ---- locks ---- */

static void a_lock_is_of_the_open_file_and_survives_an_unrelated_close(void **state) {
    (void)state;
    struct err e;
    int a = openat(root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), b = openat(root, "lock", O_RDWR | O_CLOEXEC);
    int c = openat(root, "lock", O_RDWR | O_CLOEXEC);
    assert_int_equal(lock_try(a, 0, &e), 0);
    assert_int_equal(lock_try(b, 0, &e), 1);
    assert_int_equal(lock_try(b, 1, &e), 0);
    close(c);
    assert_int_equal(lock_try(b, 0, &e), 1);
    assert_int_equal(lock_probe(b, 0, 3), 0);
    assert_int_equal(lock_probe(a, 0, 3), 1);
    assert_int_equal(lock_probe(a, 2, 3), -1);
    lock_release(a, 0);
    assert_int_equal(lock_try(b, 0, &e), 0);
    close(b);
    assert_int_equal(lock_try(a, 0, &e), 0);
    close(a);
}

static void waiting_for_a_lock_ends_and_names_the_holder(void **state) {
    (void)state;
    struct err e;
    _Atomic uint32_t holder = 4711;
    int a = openat(root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), b = openat(root, "lock", O_RDWR | O_CLOEXEC);
    assert_int_equal(lock_take(a, 0, 1000000, &holder, "t/0", &e), 0);
    int64_t begun = sys.boot_ns();
    assert_int_equal(lock_take(b, 0, 50000000, &holder, "t/0", &e), G_IO);
    assert_true(sys.boot_ns() - begun >= 50000000);
    assert_string_equal(e.text, "cannot lock 't/0': process 4711 has held it for more than 0 s");
    assert_int_equal(lock_take(b, 0, 1000000, NULL, "t/0", &e), G_IO);
    assert_string_equal(e.text, "cannot lock 't/0': another process has held it for more than 0 s");
    close(a);
    assert_int_equal(lock_take(b, 0, 1000000, &holder, "t/0", &e), 0);
    close(b);
}

static void the_kernel_frees_the_lock_of_a_process_that_dies(void **state) {
    (void)state;
    struct err e;
    int ends[2], status;
    char c;
    int b = openat(root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int a = openat(root, "lock", O_RDWR | O_CLOEXEC);
        if (lock_try(a, 0, NULL) != 0 || write(ends[1], "x", 1) != 1) _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ends[0], &c, 1), 1);
    assert_int_equal(lock_try(b, 0, &e), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(lock_try(b, 0, &e), 0);
    close(b);
    close(ends[0]);
    close(ends[1]);
}

/* ---- the rest ---- */

static void sleeping_on_a_word_has_a_time_out(void **state) {
    (void)state;
    uint32_t words[3] = {7, 8, 9};
    const uint32_t *at[3] = {&words[0], &words[1], &words[2]};
    int64_t begun = sys.boot_ns();
    futex_wait(&words[0], 6, INT64_C(5000000000)); /* it is not 6: no sleep */
    futex_wait_any(at, (const uint32_t[]){7, 8, 1}, 3, INT64_C(5000000000));
    assert_true(sys.boot_ns() - begun < 1000000000);
    begun = sys.boot_ns();
    futex_wait(&words[0], 7, 20000000);
    futex_wait_any(at, words, 3, 20000000);
    assert_true(sys.boot_ns() - begun >= 20000000);
}

static void the_boot_has_an_identity(void **state) {
    (void)state;
    uint64_t id = sys_boot_id();
    assert_true(id != 0);
    assert_true(id == sys_boot_id());
}

int main(void) {
    real = sys;
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_listing_says_whether_it_was_made_at_one_moment),
        TEST(a_listing_ends_when_it_is_told_to),
        TEST(a_file_is_replaced_and_the_one_before_is_kept),
        TEST(replacing_syncs_before_the_rename_and_the_directory_behind),
        TEST(a_replacement_that_fails_leaves_the_old_file),
        TEST(loading_has_a_limit),
        TEST(interruptions_and_short_counts_are_gone_through),
        TEST(a_reader_that_went_away_is_told_apart),
        TEST(a_file_is_moved_into_a_pipe),
        TEST(nothing_is_opened_outside_or_through_links),
        TEST(directories_that_others_write_are_refused),
        TEST(file_systems_without_reliable_locks_are_refused),
        TEST(the_way_to_a_new_root_is_made_and_synced),
        TEST(removing_a_tree_follows_no_link),
        TEST(a_lock_is_of_the_open_file_and_survives_an_unrelated_close),
        TEST(waiting_for_a_lock_ends_and_names_the_holder),
        TEST(the_kernel_frees_the_lock_of_a_process_that_dies),
        TEST(sleeping_on_a_word_has_a_time_out),
        TEST(the_boot_has_an_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

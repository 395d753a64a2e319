/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of snapshots for the tests of libcommon/state/snapshot: its files by name, what restoring gives as text,
 * and the making of snapshots. Every call asserts that it worked. Each test program includes it once.
 */
#ifndef LEAT_TESTS_SNAPSHOT_FIXTURE_H
#define LEAT_TESTS_SNAPSHOT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "scratch.h"
#include "state/snapshot_impl.h"
#include "sys/file.h"
#include "sys/sys.h"
static struct sys_ops real;
static char dir_path[SCRATCH_MAX];
static int dir;

/* Nobody looks at the real disk. */
static inline int no_sync(int fd) {
    (void)fd;
    return 0;
}

static inline int begin(void **state) {
    (void)state;
    sys = real;
    sys.fsync = no_sync;
    dir = scratch_folder(dir_path, "state");
    return 0;
}

static inline int finish(void **state) {
    (void)state;
    sys = real;
    close(dir);
    return scratch_remove(dir_path);
}

#define WORKS(call)                                                                                                    \
    do {                                                                                                               \
        struct err e_ = {0};                                                                                           \
        int g_ = (call);                                                                                               \
        if (g_ != 0) fail_msg("%s: %d %s", #call, g_, e_.text);                                                        \
    } while (0)

/* ---- files of the directory ---- */

static inline bool is_there(const char *name) {
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline int add_name(void *ctx, const char *name) {
    struct buf *names = ctx;
    char *at = names->data;
    size_t n = strlen(name) + 1; /* kept sorted */
    while (at && at < names->data + names->len && strncmp(at, name, n - 1) < 0) at = strchr(at, ' ') + 1;
    size_t before = at ? (size_t)(at - names->data) : 0;
    assert_int_equal(buf_reserve(names, n + 1), 0);
    memmove(names->data + before + n, names->data + before, names->len - before);
    memcpy(names->data + before, name, n - 1);
    names->data[before + n - 1] = ' ';
    names->len += n;
    return 0;
}

static inline void assert_files(const char *want) {
    struct buf names = {0};
    assert_int_equal(dir_each(dir, add_name, &names, NULL), 0);
    if (names.len) names.len--;
    assert_string_equal(buf_cstr(&names), want);
    buf_release(&names);
}

static inline void load(const char *name, struct buf *b) {
    buf_clear(b);
    WORKS(file_load(dir, name, 1u << 30, b, &e_));
}

static inline void store(const char *name, const void *p, size_t n) {
    (void)unlinkat(dir, name, 0); /* to cut a file to nothing would have the file system wait for its disk */
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    close(fd);
}

/* A manifest whose check is right, whatever it says. */
static inline void store_manifest(const char *json) {
    struct buf b = {0};
    assert_int_equal(buf_printf(&b, "%s\n%08x\n", json, crc32c(0, json, strlen(json))), 0);
    store("state", b.data, b.len);
    buf_release(&b);
}

/* ---- what comes back, as text ---- */

static inline void add_bytes(struct buf *out, const char *p, size_t n) {
    if (n > 40)
        assert_int_equal(buf_printf(out, " <%zu bytes, %08x>", n, crc32c(0, p, n)), 0);
    else
        assert_int_equal(buf_printf(out, " '%.*s'", (int)n, p), 0);
}

static inline int seen_put(void *ctx, int64_t space, const char *key, size_t key_size, const char *value,
                           size_t value_size, struct err *e) {
    (void)e;
    assert_int_equal(buf_printf(ctx, "put %" PRId64, space), 0);
    add_bytes(ctx, key, key_size);
    add_bytes(ctx, value, value_size);
    return buf_putc(ctx, '\n');
}

static inline int seen_remove(void *ctx, int64_t space, const char *key, size_t key_size, struct err *e) {
    (void)e;
    assert_int_equal(buf_printf(ctx, "remove %" PRId64, space), 0);
    add_bytes(ctx, key, key_size);
    return buf_putc(ctx, '\n');
}

static inline int seen_drop(void *ctx, int64_t space, struct err *e) {
    if (space == 666) return err_set(e, G_DATA, "no");
    return buf_printf(ctx, "drop %" PRId64 "\n", space);
}

static const struct snapshot_ops ops = {seen_put, seen_remove, seen_drop};

static inline struct snapshot *open_it(void) {
    struct snapshot *s = NULL;
    WORKS(snapshot_open(dir_path, "window", "--tumble 1h count", false, &s, &e_));
    return s;
}

/* Open and restore: 0 with what came in *out, the number in meta or -1 as *ret_meta; or the grade. */
static inline int try_restore(struct snapshot **ret, struct buf *out, int64_t *ret_meta, struct err *e) {
    json_t *meta = NULL;
    struct snapshot *s = NULL;
    int g = snapshot_open(dir_path, "window", "--tumble 1h count", false, &s, e);
    if (g == 0) g = snapshot_restore(s, &ops, out, &meta, e);
    if (g == 0) *ret_meta = meta ? json_integer_value(json_object_get(meta, "n")) : -1;
    json_decref(meta);
    if (g == 0 && ret)
        *ret = s;
    else
        snapshot_close(s);
    return g;
}

static inline struct snapshot *restored(const char *want, int64_t want_meta) {
    struct buf out = {0};
    struct snapshot *s = NULL;
    int64_t meta = 0;
    WORKS(try_restore(&s, &out, &meta, &e_));
    assert_string_equal(buf_cstr(&out), want);
    assert_int_equal(meta, want_meta);
    buf_release(&out);
    return s;
}

static inline void assert_state(const char *want, int64_t want_meta) {
    snapshot_close(restored(want, want_meta));
}

/* A refusal, and that its words have all of `words` (parts between '|') in them. */
static inline void assert_refused(int grade, const char *words) {
    struct buf out = {0};
    struct err e = {0};
    int64_t meta = 0;
    int g = try_restore(NULL, &out, &meta, &e);
    buf_release(&out);
    if (g != grade) fail_msg("%s and not %s: %s", grade_name(g), grade_name(grade), e.text);
    assert_int_equal(e.grade, grade);
    char copy[200];
    (void)snprintf(copy, sizeof copy, "%s", words);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, "|"));)
        if (!strstr(e.text, word)) fail_msg("'%s' is not in: %s", word, e.text);
}

/* ---- making snapshots ---- */

static inline void put(struct snapshot *s, int64_t space, const char *key, const char *value) {
    WORKS(snapshot_put(s, space, key, strlen(key), value, strlen(value), &e_));
}

static inline bool begun(struct snapshot *s, bool force) {
    bool whole = false;
    WORKS(snapshot_begin(s, force, &whole, &e_));
    return whole;
}

static inline int try_commit(struct snapshot *s, int64_t n, struct err *e) {
    json_t *meta = json_pack("{s:I}", "n", (json_int_t)n);
    int g = snapshot_commit(s, meta, e);
    json_decref(meta);
    return g;
}

static inline void commit(struct snapshot *s, int64_t n) {
    WORKS(try_commit(s, n, &e_));
}

/* Two files: a whole one and a difference. */
#define TWO_FILES                                                                                                      \
    "put 60 'a' 'one'\nput 60 'b' 'two'\nput 120 'a' 'three'\nput 60 'a' 'four'\nremove 60 'b'\ndrop 120\n"
static inline void make_two_files(void) {
    struct snapshot *s = restored("", -1);
    assert_true(begun(s, false));
    put(s, 60, "a", "one");
    put(s, 60, "b", "two");
    put(s, 120, "a", "three");
    commit(s, 1);
    assert_false(begun(s, false));
    put(s, 60, "a", "four");
    WORKS(snapshot_remove(s, 60, "b", 1, &e_));
    WORKS(snapshot_drop(s, 120, &e_));
    commit(s, 2);
    snapshot_close(s);
}

#endif

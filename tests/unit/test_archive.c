/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives: what is written is read again in every format, the same files give the same bytes, limits hold; manifests;
 * the folder in which an import works. Whole imports and hostile archives are in tests/cli/topic_archive.bats.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/archive_manifest.h"
#include "log/archive_read.h"
#include "log/archive_write.h"
#include "log/segment.h"
#include "log/workshop.h"
#include "log_fixture.h"
#include "sys/sys.h"

static const enum archive_format formats[] = {ARCHIVE_TAR_ZST, ARCHIVE_TAR_GZ, ARCHIVE_TAR, ARCHIVE_ZIP};

#define FILES 3
static const char *const names[FILES] = {"t/manifest.json", "t/0/empty", "t/0/00000000000000000000.leat"};
static const size_t sizes[FILES] = {20, 0, 3000001};

static char *content(size_t n) {
    char *p = malloc(n + 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = (char)(i * i >> 7);
    return p;
}

static int write_archive(enum archive_format format) {
    struct archive_writer *w;
    struct err e = {0};
    int fd = memfd_create("archive", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(archive_writer_open(&w, fd, "x", format, &e), 0);
    for (int i = 0; i < FILES; i++) {
        char *p = content(sizes[i]);
        assert_int_equal(archive_writer_entry(w, names[i], sizes[i], &e), 0);
        for (size_t at = 0; at < sizes[i]; at += 100000) {
            size_t n = sizes[i] - at < 100000 ? sizes[i] - at : 100000;
            assert_int_equal(archive_writer_data(w, p + at, n, &e), 0);
        }
        free(p);
    }
    assert_int_equal(archive_writer_close(w, &e), 0);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(archive_writer_position(w), st.st_size);
    archive_writer_free(w);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void read_files(struct archive_reader *a) {
    struct archive_item item;
    struct err e = {0};
    for (int i = 0; i < FILES; i++) {
        const char *p;
        size_t n, at = 0;
        int g;
        char *want = content(sizes[i]);
        assert_int_equal(archive_reader_next(a, &item, &e), 0);
        assert_string_equal(item.name, names[i]);
        assert_false(item.directory);
        if (item.sized) assert_int_equal(item.size, sizes[i]);
        while ((g = archive_reader_read(a, &p, &n, &e)) == 0) {
            assert_true(n > 0 && n <= sizes[i] - at);
            assert_memory_equal(p, want + at, n);
            at += n;
        }
        assert_int_equal(g, G_EOF);
        assert_int_equal(at, sizes[i]);
        free(want);
    }
    assert_int_equal(archive_reader_next(a, &item, &e), G_EOF);
    assert_int_equal(archive_reader_next(a, &item, &e), G_EOF);
}

static void test_round_trip(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct archive_reader *a;
        struct err e = {0};
        struct stat st;
        int fd = write_archive(formats[i]);
        assert_int_equal(archive_reader_open(&a, fd, "x", NULL, NULL, 0, &e), 0);
        read_files(a);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(archive_reader_position(a), st.st_size);
        archive_reader_free(a);
        close(fd);
    }
}

static void test_bytes_that_were_read_already(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct archive_reader *a;
        struct err e = {0};
        char magic[512];
        int fd = write_archive(formats[i]);
        assert_int_equal(read(fd, magic, sizeof magic), sizeof magic);
        assert_true(archive_is_one(magic, sizeof magic));
        assert_int_equal(archive_reader_open(&a, fd, "x", NULL, magic, sizeof magic, &e), 0);
        read_files(a);
        archive_reader_free(a);
        close(fd);
    }
    assert_false(archive_is_one("LEAT", 4));
    assert_false(archive_is_one("{\"a\":1}\n", 8));
    assert_false(archive_is_one("", 0));
    char zeros[512] = {0};
    assert_false(archive_is_one(zeros, sizeof zeros));
}

static void test_passing_over(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct archive_reader *a;
        struct archive_item item;
        struct err e = {0};
        int fd = write_archive(formats[i]);
        assert_int_equal(archive_reader_open(&a, fd, "x", NULL, NULL, 0, &e), 0);
        for (int k = 0; k < FILES; k++) assert_int_equal(archive_reader_next(a, &item, &e), 0);
        assert_string_equal(item.name, names[FILES - 1]);
        assert_int_equal(archive_reader_next(a, &item, &e), G_EOF);
        archive_reader_free(a);
        close(fd);
    }
}

/* Everything that is read, until it is refused. */
static int read_with(int fd, const struct archive_limits *limits, struct err *e) {
    struct archive_reader *a;
    struct archive_item item;
    int g = archive_reader_open(&a, fd, "x", limits, NULL, 0, e);
    if (g < 0) return g;
    while ((g = archive_reader_next(a, &item, e)) == 0) continue;
    archive_reader_free(a);
    return g;
}

static void test_limits(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct err e = {0};
        int fd = write_archive(formats[i]);
        assert_int_equal(read_with(fd, &(struct archive_limits){.bytes = 3000000}, &e), G_DATA);
        assert_non_null(strstr(e.text, "--max-size allows more"));
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(read_with(fd, &(struct archive_limits){.bytes = 3100000}, &e), G_EOF);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(read_with(fd, &(struct archive_limits){.entries = 2}, &e), G_DATA);
        assert_string_equal(e.text, "archive 'x' has more than 2 entries");
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(read_with(fd, &(struct archive_limits){.entries = 3}, &e), G_EOF);
        close(fd);
    }
}

/* Wherever an archive is cut off, it is told as that, or at least refused. */
static void test_every_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        int fd = write_archive(formats[i]);
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        for (off_t size = st.st_size - 1; size >= 0; size -= size > 3000 && size < st.st_size - 2000 ? 29989 : 13) {
            struct err e = {0};
            assert_int_equal(ftruncate(fd, size), 0);
            assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
            int g = read_with(fd, NULL, &e);
            if (g != G_TRUNCATED && (g != G_CORRUPT || size >= 512))
                fail_msg("format %d, %ld bytes: %s, %s", (int)formats[i], (long)size, grade_name(g), e.text);
        }
        close(fd);
    }
}

static void test_the_same_bytes(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct stat x, y;
        int a = write_archive(formats[i]), b = write_archive(formats[i]);
        assert_int_equal(fstat(a, &x), 0);
        assert_int_equal(fstat(b, &y), 0);
        assert_int_equal(x.st_size, y.st_size);
        char *p = mmap(NULL, (size_t)x.st_size, PROT_READ, MAP_SHARED, a, 0);
        char *q = mmap(NULL, (size_t)x.st_size, PROT_READ, MAP_SHARED, b, 0);
        assert_memory_equal(p, q, (size_t)x.st_size);
        munmap(p, (size_t)x.st_size);
        munmap(q, (size_t)x.st_size);
        close(a);
        close(b);
    }
}

static void test_format_of_names(void **state) {
    (void)state;
    assert_int_equal(archive_format_of("x.tar"), ARCHIVE_TAR);
    assert_int_equal(archive_format_of("x.tar.gz"), ARCHIVE_TAR_GZ);
    assert_int_equal(archive_format_of("x.tgz"), ARCHIVE_TAR_GZ);
    assert_int_equal(archive_format_of("a/x.zip"), ARCHIVE_ZIP);
    assert_int_equal(archive_format_of("x.tar.zst"), ARCHIVE_TAR_ZST);
    assert_int_equal(archive_format_of("-"), ARCHIVE_TAR_ZST);
    assert_int_equal(archive_format_of("zip"), ARCHIVE_TAR_ZST);
}

/* ---- manifests ---- */

static void test_manifest_round_trip(void **state) {
    (void)state;
    struct manifest m = {.topic = "clicks", .topic_id = 0x123, .created_ns = -5, .settings = topic_settings_default};
    struct manifest again;
    struct buf text = {0}, second = {0};
    struct err e = {0};
    m.settings.zstd = true;
    m.partition_count = 2;
    m.partitions = calloc(2, sizeof *m.partitions);
    assert_non_null(m.partitions);
    m.partitions[0].start = m.partitions[0].end = 17;
    m.partitions[1] = (struct manifest_partition){.start = 5, .end = 30};
    *manifest_add(&m.partitions[1]) = (struct manifest_segment){0, 20, 4096, 0xabc, 15, 100, 200};
    *manifest_add(&m.partitions[1]) = (struct manifest_segment){20, 30, 90, 0, 0, NO_TIME, NO_TIME};
    assert_int_equal(manifest_bytes(&m), 4186);
    assert_int_equal(manifest_encode(&m, &text, &e), 0);
    if (manifest_decode(text.data, text.len, &again, &e) < 0) fail_msg("%s", e.text);
    assert_string_equal(again.topic, "clicks");
    assert_int_equal(again.topic_id, 0x123);
    assert_int_equal(again.created_ns, -5);
    assert_true(again.settings.zstd);
    assert_int_equal(again.partition_count, 2);
    assert_int_equal(again.partitions[0].start, 17);
    assert_memory_equal(again.partitions[1].segments, m.partitions[1].segments, 2 * sizeof(struct manifest_segment));
    assert_int_equal(manifest_encode(&again, &second, &e), 0);
    assert_int_equal(text.len, second.len);
    assert_memory_equal(text.data, second.data, text.len);
    buf_release(&text);
    buf_release(&second);
    manifest_release(&m);
    manifest_release(&again);
    char name[MANIFEST_NAME_MAX];
    manifest_entry_name(name, "clicks", 12, 345);
    assert_string_equal(name, "clicks/12/00000000000000000345.leat");
}

/* ---- the workshop ---- */

static void test_workshop(void **state) {
    (void)state;
    struct log_fixture f;
    struct workshop a, b;
    struct err e = {0};
    struct stat st;
    log_fixture_open(&f, 1, NULL);
    assert_int_equal(workshop_open(&a, &f.log, 7, &e), 0);
    assert_int_equal(workshop_open(&b, &f.log, 7, &e), 1); /* somebody is at it */
    workshop_sweep_all(&f.log);
    assert_int_equal(fstatat(f.log.root, "tmp/import-0000000000000007", &st, 0), 0);
    assert_int_equal(workshop_open(&b, &f.log, 8, &e), 0);
    assert_int_equal(workshop_publish(&b, &f.log, "t", &e), G_USAGE);
    assert_string_equal(e.text, "topic 't' exists already");
    workshop_close(&b);
    assert_int_equal(fstatat(f.log.root, "tmp/import-0000000000000008", &st, 0), -1);
    assert_int_equal(workshop_publish(&a, &f.log, "u", &e), 0);
    workshop_close(&a);
    assert_int_equal(fstatat(f.log.topics, "u", &st, 0), 0);
    assert_int_equal(fstatat(f.log.root, "tmp/import-0000000000000007", &st, 0), -1);
    /* what somebody left behind is in nobody's way */
    assert_int_equal(mkdirat(f.log.root, "tmp/import-0000000000000009", 0700), 0);
    assert_int_equal(mkdirat(f.log.root, "tmp/import-0000000000000009/0", 0700), 0);
    assert_int_equal(workshop_open(&a, &f.log, 9, &e), 0);
    assert_int_equal(fstatat(a.dir, "0", &st, 0), -1);
    workshop_close(&a);
    assert_int_equal(mkdirat(f.log.root, "tmp/import-000000000000000a", 0700), 0);
    workshop_sweep_all(&f.log);
    assert_int_equal(fstatat(f.log.root, "tmp/import-000000000000000a", &st, 0), -1);
    log_fixture_close(&f);
}

static struct sys_ops real;
static int tmp;

/* Whenever a folder is about to be locked, somebody else has just swept it. */
static int swept_open(int dir, const char *path, int flags, mode_t mode) {
    if (strcmp(path, "wake") == 0) (void)unlinkat(tmp, "import-000000000000000b", AT_REMOVEDIR);
    return real.open_beneath(dir, path, flags, mode);
}

/* Whenever a folder is about to be locked, it has just been published, and another one has its name. */
static int published_open(int dir, const char *path, int flags, mode_t mode) {
    if (strcmp(path, "wake") == 0 && renameat(tmp, "import-000000000000000b", tmp, "other") == 0)
        assert_int_equal(mkdirat(tmp, "import-000000000000000b", 0700), 0);
    return real.open_beneath(dir, path, flags, mode);
}

static void test_workshop_races(void **state) {
    (void)state;
    struct log_fixture f;
    struct err e = {0};
    struct stat st;
    log_fixture_open(&f, 1, NULL);
    real = sys;
    assert_int_equal(mkdirat(f.log.root, "tmp", 0700) == 0 || errno == EEXIST, 1);
    tmp = openat(f.log.root, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(tmp, "import-000000000000000b", 0700), 0);
    sys.open_beneath = swept_open;
    assert_int_equal(workshop_sweep(tmp, "import-000000000000000b", &e), 0);
    assert_int_equal(fstatat(tmp, "import-000000000000000b", &st, 0), -1);
    assert_int_equal(mkdirat(tmp, "import-000000000000000b", 0700), 0);
    sys.open_beneath = published_open;
    assert_int_equal(workshop_sweep(tmp, "import-000000000000000b", &e), 0);
    assert_int_equal(fstatat(tmp, "import-000000000000000b", &st, 0), 0);
    sys = real;
    close(tmp);
    log_fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_bytes_that_were_read_already),
        cmocka_unit_test(test_passing_over),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_cut),       cmocka_unit_test(test_the_same_bytes),
        cmocka_unit_test(test_format_of_names), cmocka_unit_test(test_manifest_round_trip),
        cmocka_unit_test(test_workshop),        cmocka_unit_test(test_workshop_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an archive: refused, or entries whose names are lawful and differ and whose contents are as long as they
 * say. What is called manifest.json is read as one: refused too, or the same when it is written and read again.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "input.h"
#include "log/archive_manifest.h"
#include "log/archive_read.h"

static void check_name(const struct archive_item *item) {
    const char *name = item->name;
    REQUIRE(strlen(name) <= ARCHIVE_NAME_MAX && name[0] != '/' && (name[0] || item->directory));
    REQUIRE(!strstr(name, "//") && !strstr(name, "/../") && strncmp(name, "../", 3) != 0 && strcmp(name, "..") != 0);
    for (; *name; name++) REQUIRE((unsigned char)*name >= ' ' && *name != '\\');
}

static void check_manifest(const char *p, size_t n) {
    struct manifest m, again;
    struct buf text = {0}, second = {0};
    struct err e = {0};
    char *copy = exact_copy(p, n);
    int g = manifest_decode(copy, n, &m, &e);
    free(copy);
    REQUIRE(g == 0 || (g == G_CORRUPT && e.text[0]));
    if (g < 0) return;
    REQUIRE(manifest_encode(&m, &text, &e) == 0);
    REQUIRE(manifest_decode(text.data, text.len, &again, &e) == 0);
    REQUIRE(manifest_encode(&again, &second, &e) == 0);
    REQUIRE(text.len == second.len && memcmp(text.data, second.data, text.len) == 0);
    buf_release(&text);
    buf_release(&second);
    manifest_release(&m);
    manifest_release(&again);
}

static int read_entry(struct archive_reader *a, const struct archive_item *item, struct err *e) {
    struct buf content = {0};
    const char *p;
    size_t n;
    uint64_t total = 0;
    int g;
    check_name(item);
    while ((g = archive_reader_read(a, &p, &n, e)) == 0) {
        REQUIRE(n > 0);
        total += n;
        if (content.len < 100000) REQUIRE(buf_append(&content, p, n) == 0);
    }
    if (g == G_EOF) {
        size_t length = strlen(item->name);
        REQUIRE(!item->sized || total == item->size);
        if (length >= 13 && strcmp(item->name + length - 13, MANIFEST_FILE) == 0)
            check_manifest(content.data ? content.data : "", content.len);
    }
    buf_release(&content);
    return g == G_EOF ? 0 : g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    struct archive_reader *a;
    struct archive_item item;
    struct err e = {0};
    if (fd < 0) fd = memfd_create("archive", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size && lseek(fd, 0, 0) == 0);
    check_manifest((const char *)data, size);
    int g = archive_reader_open(&a, fd, "x", &(struct archive_limits){.bytes = 64 << 20}, NULL, 0, &e);
    if (g == 0) {
        while ((g = archive_reader_next(a, &item, &e)) == 0 && (g = read_entry(a, &item, &e)) == 0) continue;
        archive_reader_free(a);
    }
    REQUIRE(g == G_EOF || (e.text[0] && (g == G_CORRUPT || g == G_TRUNCATED || g == G_DATA)));
    return 0;
}

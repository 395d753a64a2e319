/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of snapshots with any bytes in its files, their checks put right or not. Restoring ends with 0 or an
 * error with words, reads nothing outside and takes no memory by a length that is only claimed; and what it gave, put
 * into another snapshot, whole and as a difference, comes back the same.
 *
 * Byte 0 of the input: bit 0, the manifest is made from the files that follow and not from the input; bit 1, checks and
 * identities are put right; bit 2, the manifest's check, too. Then files, each a u16 of size and so many bytes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "input.h"
#include "state/snapshot_impl.h"
#include "sys/file.h"
#include "sys/sys.h"

enum { FILES = 4, PUT_BACK = 2000 };

static char path[2][64];
static int dirs[2];

static int no_sync(int fd) {
    (void)fd;
    return 0;
}

static void remove_all(void) {
    for (int i = 0; i < 2; i++) {
        int above = open(strncmp(path[i], "/dev/shm", 8) == 0 ? "/dev/shm" : getenv("TMPDIR"), O_RDONLY | O_DIRECTORY);
        (void)!dir_remove_tree(above, strrchr(path[i], '/') + 1, NULL);
        close(above);
    }
}

static void make_dirs(void) {
    if (path[0][0]) return;
    sys.fsync = sys.fdatasync = no_sync;
    const char *tmp = getenv("TMPDIR");
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path[i], sizeof path[i], "%.40s/leat-fuzz-XXXXXX", tmp ? tmp : "/dev/shm");
        REQUIRE(mkdtemp(path[i]));
        dirs[i] = open(path[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(dirs[i] >= 0);
    }
    atexit(remove_all);
}

static int remove_name(void *ctx, const char *name) {
    (void)unlinkat(*(int *)ctx, name, 0);
    return 0;
}

static void store(const char *name, const void *p, size_t n) {
    int fd = openat(dirs[0], name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0 && write(fd, p, n) == (ssize_t)n);
    close(fd);
}

/* ---- files that get past the first checks ---- */

static void put_right(uint8_t *p, size_t n, uint64_t id) {
    for (size_t at = 0; n - at >= FRAME_HEADER;) {
        size_t size = get_u32_le(p + at + 16), left = n - at - FRAME_HEADER;
        memcpy(p + at, "LEATSNAP\1\0\0\0", 12);
        put_u64_le(p + at + 24, id);
        put_u64_le(p + at + 32, at);
        if (size > left) put_u32_le(p + at + 16, (uint32_t)(size = left));
        put_u32_le(p + at + 12, size == left);
        put_u32_le(p + at + 20, 0);
        put_u32_le(p + at + 20, crc32c(0, p + at, FRAME_HEADER + size));
        at += FRAME_HEADER + size;
    }
}

static void store_manifest(const char *text, size_t n, bool check) {
    struct buf b = {0};
    REQUIRE(buf_append(&b, text, n) == 0);
    if (check) REQUIRE(buf_printf(&b, "\n%08x\n", crc32c(0, text, n)) == 0);
    store("state", b.data ? b.data : "", b.len);
    buf_release(&b);
}

static void make_files(struct input *in) {
    unsigned how = input_byte(in);
    struct buf manifest = {0};
    REQUIRE(buf_puts(&manifest, "{\"version\":1,\"tool\":\"fuzz\",\"identity\":\"\",\"meta\":[],\"files\":[") == 0);
    if (!(how & 1)) {
        struct input text = input_take(in, input_number(in, 2));
        store_manifest((const char *)text.p, text.n, how & 4);
    }
    for (unsigned i = 1; i <= FILES && in->n > 0; i++) {
        struct chain_file f = {.number = i, .whole = i == 1};
        char name[SNAPSHOT_NAME_MAX];
        struct input bytes = input_take(in, input_number(in, 2));
        uint8_t *copy = exact_copy(bytes.p, bytes.n);
        if (how & 2) put_right(copy, bytes.n, i);
        chain_name(&f, name);
        store(name, copy, bytes.n);
        free(copy);
        REQUIRE(buf_printf(&manifest, "%s{\"name\":\"%s\",\"id\":\"%016x\",\"size\":%zu}", i > 1 ? "," : "", name, i,
                           bytes.n) == 0);
    }
    REQUIRE(buf_puts(&manifest, "]}") == 0);
    if (how & 1) store_manifest(manifest.data, manifest.len, true);
    buf_release(&manifest);
}

/* ---- what is given ---- */

struct item {
    enum snapshot_tag tag;
    int64_t space;
    char *key, *value; /* exact copies */
    size_t key_size, value_size;
};

struct given {
    struct item items[PUT_BACK];
    size_t count; /* of all, those beyond included */
    uint64_t hash;
};

static int note(struct given *v, enum snapshot_tag tag, int64_t space, const char *key, size_t key_size,
                const char *value, size_t value_size) {
    hash_add(&v->hash, &tag, sizeof tag);
    hash_add(&v->hash, &space, sizeof space);
    hash_add(&v->hash, key, key_size);
    hash_add(&v->hash, value, value_size);
    if (v->count < PUT_BACK)
        v->items[v->count] =
            (struct item){tag, space, exact_copy(key, key_size), exact_copy(value, value_size), key_size, value_size};
    v->count++;
    return 0;
}

static int given_put(void *ctx, int64_t space, const char *key, size_t key_size, const char *value, size_t value_size,
                     struct err *e) {
    (void)e;
    return note(ctx, TAG_PUT, space, key, key_size, value, value_size);
}

static int given_remove(void *ctx, int64_t space, const char *key, size_t key_size, struct err *e) {
    (void)e;
    return note(ctx, TAG_REMOVE, space, key, key_size, NULL, 0);
}

static int given_drop(void *ctx, int64_t space, struct err *e) {
    (void)e;
    return note(ctx, TAG_DROP, space, NULL, 0, NULL, 0);
}

static void given_release(struct given *v) {
    for (size_t i = 0; i < v->count && i < PUT_BACK; i++) {
        free(v->items[i].key);
        free(v->items[i].value);
    }
    *v = (struct given){0};
}

static int restore(const char *from, struct given *v) {
    static const struct snapshot_ops ops = {given_put, given_remove, given_drop};
    struct snapshot *s = NULL;
    struct err e = {0};
    json_t *meta = NULL;
    int g = snapshot_open(from, "fuzz", "", false, &s, &e);
    if (g == 0) g = snapshot_restore(s, &ops, v, &meta, &e);
    REQUIRE(g == 0 || ((g == G_CORRUPT || g == G_USAGE) && e.grade == g && e.text[0]));
    json_decref(meta);
    snapshot_close(s);
    return g;
}

static void put_items(struct snapshot *s, const struct given *v, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        const struct item *x = &v->items[i];
        if (x->tag == TAG_PUT)
            REQUIRE(snapshot_put(s, x->space, x->key, x->key_size, x->value, x->value_size, NULL) == 0);
        else if (x->tag == TAG_REMOVE)
            REQUIRE(snapshot_remove(s, x->space, x->key, x->key_size, NULL) == 0);
        else
            REQUIRE(snapshot_drop(s, x->space, NULL) == 0);
    }
}

/* Half as a whole, half as a difference. */
static void put_back(const struct given *v) {
    static struct given again;
    struct snapshot *s = NULL;
    bool whole;
    json_t *meta = json_null();
    REQUIRE(snapshot_open(path[1], "fuzz", "", false, &s, NULL) == 0);
    REQUIRE(snapshot_begin(s, true, &whole, NULL) == 0 && whole);
    put_items(s, v, 0, v->count / 2);
    REQUIRE(snapshot_commit(s, meta, NULL) == 0);
    REQUIRE(snapshot_begin(s, false, &whole, NULL) == 0 && !whole);
    put_items(s, v, v->count / 2, v->count);
    REQUIRE(snapshot_commit(s, meta, NULL) == 0);
    snapshot_close(s);
    REQUIRE(restore(path[1], &again) == 0);
    REQUIRE(again.count == v->count && again.hash == v->hash);
    given_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct given v;
    struct input in = {data, size};
    make_dirs();
    for (int i = 0; i < 2; i++) REQUIRE(dir_each(dirs[i], remove_name, &dirs[i], NULL) == 0);
    store("lock", "", 0);
    make_files(&in);
    if (restore(path[0], &v) == 0 && v.count <= PUT_BACK) put_back(&v);
    given_release(&v);
    return 0;
}

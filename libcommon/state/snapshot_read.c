/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restoring a snapshot: the files of the chain, frame by frame, each checked before anything in it is believed. See
 * snapshot.h; leat-state(5), section "What a reader must refuse".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/endian.h"
#include "state/pack.h"
#include "state/snapshot_impl.h"
#include "sys/file.h"
#include "sys/sys.h"

struct restore {
    const struct snapshot *s;
    const struct snapshot_ops *ops;
    void *ctx;
    const struct chain_file *file;
    char name[SNAPSHOT_NAME_MAX];
    int fd;
    struct buf frame;
};

static int damaged(const struct restore *r, const char *what, uint64_t at, struct err *e) {
    return err_set(e, G_CORRUPT, "'%s' in '%s' is damaged: %s at byte %" PRIu64, r->name, r->s->path, what, at);
}

/* ---- items ---- */

/* A size of an item, and that many bytes are left. */
static bool read_size(const char **p, const char *end, size_t *ret) {
    uint64_t n;
    if (!unpack_u64(p, end, &n) || n > SNAPSHOT_ITEM_MAX || n > (uint64_t)(end - *p)) return false;
    *ret = (size_t)n;
    return true;
}

/* *ret_good is false when the bytes are not an item; *p is then anywhere in the frame. */
static int one_put(const struct restore *r, const char **p, const char *end, int64_t space, bool *ret_good,
                   struct err *e) {
    size_t key_size, value_size;
    *ret_good = read_size(p, end, &key_size) && read_size(p, end, &value_size) &&
                key_size + value_size <= SNAPSHOT_ITEM_MAX && key_size + value_size <= (size_t)(end - *p);
    if (!*ret_good) return 0;
    const char *key = *p;
    *p += key_size + value_size;
    return r->ops->put(r->ctx, space, key, key_size, key + key_size, value_size, e);
}

static int one_remove(const struct restore *r, const char **p, const char *end, int64_t space, bool *ret_good,
                      struct err *e) {
    size_t key_size;
    *ret_good = read_size(p, end, &key_size);
    if (!*ret_good) return 0;
    const char *key = *p;
    *p += key_size;
    return r->ops->remove(r->ctx, space, key, key_size, e);
}

static int give_items(const struct restore *r, const char *p, const char *end, uint64_t position, struct err *e) {
    const char *begin = p;
    bool has_space = false;
    int64_t space = 0;
    while (p < end) {
        const char *item = p;
        int tag = *p++, g = 0;
        bool good = has_space;
        if (tag == TAG_SPACE) {
            uint64_t word;
            good = has_space = unpack_word(&p, end, &word);
            if (good) space = (int64_t)word;
        } else if (!good) {
            good = false; /* an item without a space */
        } else if (tag == TAG_PUT) {
            g = one_put(r, &p, end, space, &good, e);
        } else if (tag == TAG_REMOVE) {
            g = one_remove(r, &p, end, space, &good, e);
        } else if (tag == TAG_DROP) {
            g = r->ops->drop(r->ctx, space, e);
        } else {
            good = false;
        }
        if (!good) return damaged(r, "no item is", position + FRAME_HEADER + (uint64_t)(item - begin), e);
        if (g < 0) return g;
    }
    return 0;
}

/* ---- frames ---- */

/* n bytes, appended to the frame. */
static int load(struct restore *r, size_t n, uint64_t position, struct err *e) {
    size_t got = 0;
    if (buf_reserve(&r->frame, n) < 0) return err_nomem(e);
    int g = file_pread(r->fd, r->frame.data + r->frame.len, n, (off_t)position, &got, r->name, e);
    if (g < 0) return g;
    if (got != n) return damaged(r, "it became shorter", position + got, e);
    r->frame.len += n;
    return 0;
}

static int give_frame(struct restore *r, uint64_t position, uint64_t *ret_next, bool *ret_last, struct err *e) {
    uint64_t left = r->file->size - position;
    uint32_t size = 0;
    buf_clear(&r->frame);
    if (left < FRAME_HEADER) return damaged(r, "no frame is", position, e);
    int g = load(r, FRAME_HEADER, position, e);
    if (g < 0) return g;
    const char *what = frame_check_header(r->frame.data, r->file, position, left - FRAME_HEADER, &size, ret_last);
    if (what) return damaged(r, what, position, e);
    g = load(r, size, position + FRAME_HEADER, e);
    if (g < 0) return g;
    if (!frame_check_crc(r->frame.data, size)) return damaged(r, "the check fails of the frame", position, e);
    *ret_next = position + FRAME_HEADER + size;
    return give_items(r, r->frame.data + FRAME_HEADER, r->frame.data + r->frame.len, position, e);
}

/* ---- files ---- */

static int check_file(const struct restore *r, struct err *e) {
    struct stat st;
    if (sys.fstat(r->fd, &st) < 0) return err_sys(e, errno, "cannot look at '%s'", r->name);
    uint64_t size = (uint64_t)st.st_size, want = r->file->size;
    if (!S_ISREG(st.st_mode)) return err_set(e, G_CORRUPT, "'%s' in '%s' is not a file", r->name, r->s->path);
    if (size < want)
        return err_set(e, G_CORRUPT, "'%s' in '%s' is cut off: %" PRIu64 " of %" PRIu64 " bytes are there", r->name,
                       r->s->path, size, want);
    if (size > want)
        return err_set(e, G_CORRUPT, "'%s' in '%s' has %" PRIu64 " surplus bytes behind its %" PRIu64, r->name,
                       r->s->path, size - want, want);
    return 0;
}

static int give_file(struct restore *r, const struct chain_file *f, struct err *e) {
    r->file = f;
    chain_name(f, r->name);
    r->fd = sys.open_beneath(r->s->dir, r->name, O_RDONLY, 0);
    if (r->fd < 0 && errno == ENOENT)
        return err_set(e, G_CORRUPT, "'%s' in '%s' is missing, but 'state' names it", r->name, r->s->path);
    if (r->fd < 0) return err_sys(e, errno, "cannot open '%s' in '%s'", r->name, r->s->path);
    int g = check_file(r, e);
    uint64_t position = 0;
    bool last = false;
    while (g == 0 && !last) g = give_frame(r, position, &position, &last, e);
    sys.close(r->fd);
    return g;
}

int snapshot_restore(struct snapshot *s, const struct snapshot_ops *ops, void *ctx, json_t **ret_meta, struct err *e) {
    struct restore r = {.s = s, .ops = ops, .ctx = ctx};
    int g = 0;
    if (s->begun || (s->chain.count > 0 && !s->meta))
        return err_set(e, G_BUG, "state is restored before it is changed");
    for (size_t i = 0; g == 0 && i < s->chain.count; i++) g = give_file(&r, &s->chain.files[i], e);
    buf_release(&r.frame);
    if (g < 0) return g;
    s->restored = true;
    *ret_meta = json_incref(s->meta); /* takes NULL */
    return 0;
}

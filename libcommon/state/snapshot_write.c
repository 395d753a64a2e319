/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a snapshot: items into frames, frames into a file, and the file into the chain by one rename. See snapshot.h;
 * leat-state(5), sections "Items" and "Commit". Until the manifest is replaced nothing that it names is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/random.h"
#include "state/pack.h"
#include "state/snapshot_impl.h"
#include "sys/file.h"
#include "sys/sys.h"

void snapshot_abandon(struct snapshot *s) {
    if (s->fd >= 0) {
        char name[SNAPSHOT_NAME_MAX];
        chain_name(&s->file, name);
        sys.close(s->fd);
        (void)sys.unlinkat(s->dir, name, 0); /* what stays is not named, and removed behind the next commit */
    }
    s->fd = -1;
    s->begun = false;
}

static uint64_t difference_bytes(const struct chain *c) {
    uint64_t n = 0;
    for (size_t i = 1; i < c->count; i++) n += c->files[i].size;
    return n;
}

static void begin_frame(struct snapshot *s) {
    s->frame.len = FRAME_HEADER;
    s->has_space = false;
}

int snapshot_begin(struct snapshot *s, bool force_whole, bool *ret_whole, struct err *e) {
    const struct chain *c = &s->chain;
    snapshot_abandon(s);
    if (s->doubtful)
        return err_set(e, G_IO, "no snapshot in '%s' can follow one of which it is not known whether it counts",
                       s->path);
    s->file = (struct chain_file){.whole = force_whole || c->count == 0 || !s->restored};
    if (c->count >= SNAPSHOT_CHAIN_FILL || difference_bytes(c) >= (c->count ? c->files[0].size : 0))
        s->file.whole = true;
    s->file.number = c->count ? c->files[c->count - 1].number + 1 : 1;
    if (s->file.number > INT64_MAX)
        return err_set(e, G_USAGE, "the numbers for snapshots in '%s' are used up", s->path);
    while (s->file.id == 0) {
        int g = random_bytes(&s->file.id, sizeof s->file.id, e);
        if (g < 0) return g;
    }
    if (s->frame.cap == 0 && buf_reserve(&s->frame, SNAPSHOT_FRAME_FILL) < 0) return err_nomem(e);
    begin_frame(s);
    s->begun = true;
    s->restored = false; /* until it is committed */
    *ret_whole = s->file.whole;
    return 0;
}

/* ---- frames ---- */

static int create_file(struct snapshot *s, const char *name, struct err *e) {
    if (sys.unlinkat(s->dir, name, 0) < 0 && errno != ENOENT)
        return err_sys(e, errno, "cannot remove '%s' in '%s'", name, s->path);
    s->fd = sys.open_beneath(s->dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    return s->fd < 0 ? err_sys(e, errno, "cannot create '%s' in '%s'", name, s->path) : 0;
}

static int write_frame(struct snapshot *s, bool last, struct err *e) {
    char name[SNAPSHOT_NAME_MAX];
    chain_name(&s->file, name);
    int g = s->fd < 0 ? create_file(s, name, e) : 0;
    if (g < 0) return g;
    frame_seal(s->frame.data, (uint32_t)(s->frame.len - FRAME_HEADER), &s->file, s->file.size, last);
    g = file_pwrite_all(s->fd, s->frame.data, s->frame.len, (off_t)s->file.size, name, e);
    if (g < 0) return g;
    s->file.size += s->frame.len;
    begin_frame(s);
    return 0;
}

/* ---- items ---- */

/* Room for an item of so many bytes beside its sizes, and its space and tag. A frame ends before it is too large. */
static int begin_item(struct snapshot *s, enum snapshot_tag tag, int64_t space, size_t bytes, struct err *e) {
    if (!s->begun) return err_set(e, G_BUG, "an item for a snapshot that was not begun");
    if (buf_reserve(&s->frame, bytes + 2 + 8 + 2 * PACK_U64_MAX) < 0) return err_nomem(e);
    if (!s->has_space || space != s->space) {
        char number[8];
        put_i64_le(number, space);
        buf_putc_fast(&s->frame, TAG_SPACE);
        buf_append_fast(&s->frame, number, sizeof number);
        s->has_space = true;
        s->space = space;
    }
    buf_putc_fast(&s->frame, (char)tag);
    return 0;
}

/* Write the frame if it is full. An item that failed fails the snapshot, so that none is ever made without it. */
static int end_item(struct snapshot *s, int g, struct err *e) {
    if (g == 0 && s->frame.len >= SNAPSHOT_FRAME_FILL) g = write_frame(s, false, e);
    if (g < 0) snapshot_abandon(s);
    return g;
}

static int check_size(size_t key_size, size_t value_size, struct err *e) {
    if (key_size <= SNAPSHOT_ITEM_MAX && value_size <= SNAPSHOT_ITEM_MAX - key_size) return 0;
    return err_set(e, G_NOMEM, "the state of one key is over 1 GiB, more than a snapshot can hold");
}

int snapshot_put(struct snapshot *s, int64_t space, const char *key, size_t key_size, const char *value,
                 size_t value_size, struct err *e) {
    int g = check_size(key_size, value_size, e);
    if (g == 0) g = begin_item(s, TAG_PUT, space, key_size + value_size, e);
    if (g == 0 && (pack_u64(&s->frame, key_size) < 0 || pack_u64(&s->frame, value_size) < 0)) g = err_nomem(e);
    if (g == 0 && key_size) buf_append_fast(&s->frame, key, key_size);
    if (g == 0 && value_size) buf_append_fast(&s->frame, value, value_size);
    return end_item(s, g, e);
}

int snapshot_remove(struct snapshot *s, int64_t space, const char *key, size_t key_size, struct err *e) {
    int g = check_size(key_size, 0, e);
    if (g == 0) g = begin_item(s, TAG_REMOVE, space, key_size, e);
    if (g == 0 && pack_u64(&s->frame, key_size) < 0) g = err_nomem(e);
    if (g == 0 && key_size) buf_append_fast(&s->frame, key, key_size);
    return end_item(s, g, e);
}

int snapshot_drop(struct snapshot *s, int64_t space, struct err *e) {
    return end_item(s, begin_item(s, TAG_DROP, space, 0, e), e);
}

/* ---- commit ---- */

/* The last frame; then the file and its name are durable. */
static int finish_file(struct snapshot *s, struct err *e) {
    char name[SNAPSHOT_NAME_MAX];
    chain_name(&s->file, name);
    int g = write_frame(s, true, e);
    if (g < 0) return g;
    if (sys.fsync(s->fd) < 0) return err_sys(e, errno, "cannot sync '%s' in '%s'", name, s->path);
    return dir_sync(s->dir, name, e);
}

/* The chain as it will be. */
static int new_chain(const struct snapshot *s, bool has_file, struct chain **ret, struct err *e) {
    struct chain *c = malloc(sizeof *c);
    if (!c) return err_nomem(e);
    *c = s->chain;
    if (has_file) {
        if (s->file.whole) c->count = 0;
        c->files[c->count++] = s->file;
    }
    *ret = c;
    return 0;
}

/* From here on it is the manifest that tells what counts: no file is removed unless it was replaced for sure. */
static int replace_manifest(struct snapshot *s, const struct chain *chain, const struct buf *text, struct err *e) {
    int fd = s->fd;
    s->fd = -1;
    s->begun = false;
    if (fd >= 0) sys.close(fd); /* synced: nothing that it says matters */
    int g = atomic_replace(s->dir, "state", text->data, text->len, false, e);
    if (g < 0) {
        s->doubtful = true;
        return err_prefix(e, "snapshot in '%s': ", s->path);
    }
    s->chain = *chain;
    s->restored = true;
    json_decref(s->meta); /* of the chain before */
    s->meta = NULL;
    snapshot_clean(s);
    return 0;
}

int snapshot_commit(struct snapshot *s, const json_t *meta, struct err *e) {
    if (!s->begun) return err_set(e, G_BUG, "commit of a snapshot that was not begun");
    bool has_file = s->file.whole || s->fd >= 0 || s->frame.len > FRAME_HEADER;
    struct chain *chain = NULL;
    struct buf text = {0};
    int g = has_file ? finish_file(s, e) : 0;
    if (g == 0) g = new_chain(s, has_file, &chain, e);
    if (g == 0) g = manifest_encode(s, chain, meta, &text, e);
    if (g == 0)
        g = replace_manifest(s, chain, &text, e);
    else
        snapshot_abandon(s);
    if (s->frame.cap > 4 * SNAPSHOT_FRAME_FILL) buf_release(&s->frame);
    buf_release(&text);
    free(chain);
    return g;
}

void snapshot_get_stats(const struct snapshot *s, struct snapshot_stats *ret) {
    const struct chain *c = &s->chain;
    *ret = (struct snapshot_stats){.whole_bytes = c->count ? c->files[0].size : 0,
                                   .difference_bytes = difference_bytes(c),
                                   .files = (unsigned)c->count};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments that were checked, written anew with another identity: it is in the header of each block, so each CRC
 * changes, and with those what a segment says of the one before it. See archive_import.h.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/endian.h"
#include "log/archive_import.h"
#include "log/segment.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define OUT_BYTES (1u << 20)
#define TMP_NAME "identity.tmp"
#define TOPIC_ID_AT 48

/* What the segment behind has to say of one. */
struct trace {
    bool known; /* of one that was not rewritten: a rewritten one keeps its own answer */
    uint64_t size;
    uint32_t crc32c;
};

struct identity {
    int dir, in, out;
    struct segment_identity from, to;
    struct trace before;
    struct buf bytes; /* not written yet */
    uint64_t size;    /* those included */
};

static int flush(struct identity *x, struct err *e) {
    int g = file_pwrite_all(x->out, x->bytes.data, x->bytes.len, (off_t)(x->size - x->bytes.len), TMP_NAME, e);
    buf_clear(&x->bytes);
    return g;
}

static int put_block(struct identity *x, const struct segment_walk *w, struct err *e) {
    size_t at = x->bytes.len, n = w->h.stored_size;
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped while segments were given a new identity");
    if (buf_append(&x->bytes, w->header, sizeof w->header) < 0 || buf_append(&x->bytes, w->stored, n) < 0)
        return err_nomem(e);
    uint8_t *header = (uint8_t *)x->bytes.data + at;
    put_u64_le(header + TOPIC_ID_AT, x->to.topic_id);
    block_seal(header, header + BLOCK_HEADER_SIZE, n);
    x->size += BLOCK_HEADER_SIZE + n;
    x->before.crc32c = get_u32_le(header + 12);
    return x->bytes.len >= OUT_BYTES ? flush(x, e) : 0;
}

static int put_blocks(struct identity *x, const struct segment_info *info, uint64_t size, struct err *e) {
    struct segment_walk w;
    segment_walk_init(&w, x->in, &x->from, info, size, info->head_bytes, info->base);
    w.check_bodies = true;
    int g = 0;
    while (g == 0 && (g = segment_walk_next(&w, e)) == 0) g = put_block(x, &w, e);
    segment_walk_release(&w);
    return g < 0 ? g : flush(x, e);
}

static int copy_segment(struct identity *x, const struct manifest_segment *m, struct err *e) {
    struct segment_info info = {0};
    int g = segment_read_info(x->in, &x->from, m->offset, &info, e);
    if (g < 0) return g;
    if (info.has_previous && x->before.known) {
        info.previous.size = x->before.size;
        info.previous.crc32c = x->before.crc32c;
    }
    buf_clear(&x->bytes);
    g = segment_encode_info(&x->bytes, &x->to, &info, e);
    x->size = x->bytes.len;
    x->before.crc32c = g == 0 ? get_u32_le(x->bytes.data + 12) : 0;
    if (g == 0) g = put_blocks(x, &info, m->size, e);
    x->before.size = x->size;
    x->before.known = !info.rewritten;
    segment_info_release(&info);
    if (g == 0 && sys.fdatasync(x->out) < 0) g = err_sys(e, errno, "cannot sync '" TMP_NAME "'");
    return g;
}

static int replace_segment(struct identity *x, const struct manifest_segment *m, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, m->offset, ".leat");
    x->in = sys.open_beneath(x->dir, name, O_RDONLY, 0);
    if (x->in < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    x->out = sys.open_beneath(x->dir, TMP_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int g = x->out < 0 ? err_sys(e, errno, "cannot create '" TMP_NAME "'") : copy_segment(x, m, e);
    if (x->out >= 0 && sys.close(x->out) < 0 && g == 0) g = err_sys(e, errno, "cannot close '" TMP_NAME "'");
    sys.close(x->in);
    if (g == 0 && sys.renameat(x->dir, TMP_NAME, x->dir, name) < 0) g = err_sys(e, errno, "cannot rename '%s'", name);
    return g;
}

int import_identify(struct topic *t, uint32_t partition, uint64_t id, const struct manifest_partition *p,
                    struct err *e) {
    struct identity x = {.from = {t->id, partition}, .to = {id, partition}};
    int g = x.dir = topic_partition_dir(t, partition, false, e);
    if (g < 0) return g;
    g = 0;
    for (size_t i = 0; g == 0 && i < p->count; i++) g = replace_segment(&x, &p->segments[i], e);
    buf_release(&x.bytes);
    sys.close(x.dir);
    return g;
}

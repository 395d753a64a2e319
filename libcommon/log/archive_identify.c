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
#include "sys/signals.h"
#include "sys/sys.h"

#define TMP_NAME "identity.tmp"
#define TOPIC_ID_AT 48

/* What the segment behind has to say of one. */
struct trace {
    bool known; /* of one that was not rewritten: a rewritten one keeps its own answer */
    uint64_t size;
    uint32_t crc32c;
};

struct identity {
    int dir, in;
    struct segment_identity from, to;
    struct trace before;
    struct behind *out;
};

static int put_block(struct identity *x, const struct segment_walk *w, struct err *e) {
    uint8_t header[BLOCK_HEADER_SIZE];
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped while segments were given a new identity");
    memcpy(header, w->header, sizeof header);
    put_u64_le(header + TOPIC_ID_AT, x->to.topic_id);
    block_seal(header, w->stored, w->h.stored_size);
    x->before.size += sizeof header + w->h.stored_size;
    x->before.crc32c = get_u32_le(header + 12);
    int g = behind_put(x->out, header, sizeof header, e);
    return g < 0 ? g : behind_put(x->out, w->stored, w->h.stored_size, e);
}

static int put_blocks(struct identity *x, const struct segment_info *info, uint64_t size, struct err *e) {
    struct segment_walk w;
    segment_walk_init(&w, x->in, &x->from, info, size, info->head_bytes, info->base);
    w.check_bodies = true;
    int g = 0;
    while (g == 0 && (g = segment_walk_next(&w, e)) == 0) g = put_block(x, &w, e);
    segment_walk_release(&w);
    return g < 0 ? g : 0;
}

static int copy_segment(struct identity *x, const struct manifest_segment *m, struct err *e) {
    struct segment_info info = {0};
    int g = segment_read_info(x->in, &x->from, m->offset, &info, e);
    if (g < 0) return g;
    if (info.has_previous && x->before.known) {
        info.previous.size = x->before.size;
        info.previous.crc32c = x->before.crc32c;
    }
    struct buf head = {0};
    g = segment_encode_info(&head, &x->to, &info, e);
    x->before = (struct trace){.known = !info.rewritten, .size = head.len};
    if (g == 0) x->before.crc32c = get_u32_le(head.data + 12);
    if (g == 0) g = behind_put(x->out, head.data, head.len, e);
    if (g == 0) g = put_blocks(x, &info, m->size, e);
    buf_release(&head);
    segment_info_release(&info);
    return g;
}

static int write_anew(struct identity *x, const struct manifest_segment *m, struct err *e) {
    int fd = sys.open_beneath(x->dir, TMP_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return err_sys(e, errno, "cannot create '" TMP_NAME "'");
    behind_begin(x->out, fd, TMP_NAME, true);
    int g = copy_segment(x, m, e);
    return g < 0 ? g : behind_end(x->out, e);
}

/* The name is there before the bytes are: nobody sees either of them yet. */
static int replace_segment(struct identity *x, const struct manifest_segment *m, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, m->offset, ".leat");
    x->in = sys.open_beneath(x->dir, name, O_RDONLY, 0);
    if (x->in < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    int g = write_anew(x, m, e);
    sys.close(x->in);
    if (g == 0 && sys.renameat(x->dir, TMP_NAME, x->dir, name) < 0) g = err_sys(e, errno, "cannot rename '%s'", name);
    return g;
}

int import_identify(struct topic *t, uint32_t partition, uint64_t id, const struct manifest_partition *p,
                    struct behind *b, struct err *e) {
    struct identity x = {.from = {t->id, partition}, .to = {id, partition}, .out = b};
    int g = x.dir = topic_partition_dir(t, partition, false, e);
    if (g < 0) return g;
    g = 0;
    for (size_t i = 0; g == 0 && i < p->count; i++) g = replace_segment(&x, &p->segments[i], e);
    sys.close(x.dir);
    return g;
}

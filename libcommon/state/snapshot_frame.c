/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a frame, and the names of chain files: leat-state(5), section "Chain files". Writer and reader of
 * snapshots go through here, so that the layout stands in one place.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/number.h"
#include "state/snapshot_impl.h"

/*
 *   0 magic "LEATSNAP"   8 u32 version   12 u32 flags   16 u32 size   20 u32 crc32c   24 u64 id   32 u64 position
 */
static const char magic[8] = {'L', 'E', 'A', 'T', 'S', 'N', 'A', 'P'};
enum { AT_VERSION = 8, AT_FLAGS = 12, AT_SIZE = 16, AT_CRC = 20, AT_ID = 24, AT_POSITION = 32 };
enum { VERSION = 1 };

void frame_seal(char *frame, uint32_t size, const struct chain_file *f, uint64_t position, bool last) {
    memcpy(frame, magic, sizeof magic);
    put_u32_le(frame + AT_VERSION, VERSION);
    put_u32_le(frame + AT_FLAGS, last ? FRAME_LAST : 0);
    put_u32_le(frame + AT_SIZE, size);
    put_u32_le(frame + AT_CRC, 0);
    put_u64_le(frame + AT_ID, f->id);
    put_u64_le(frame + AT_POSITION, position);
    put_u32_le(frame + AT_CRC, crc32c(0, frame, FRAME_HEADER + (size_t)size));
}

const char *frame_check_header(const char *header, const struct chain_file *f, uint64_t position, uint64_t left,
                               uint32_t *ret_size, bool *ret_last) {
    uint32_t flags = get_u32_le(header + AT_FLAGS), size = get_u32_le(header + AT_SIZE);
    bool last = flags & FRAME_LAST;
    if (memcmp(header, magic, sizeof magic) != 0) return "no frame begins";
    if (get_u32_le(header + AT_VERSION) != VERSION) return "a frame of an unknown version is";
    if (get_u64_le(header + AT_ID) != f->id) return "a frame of another file is";
    if (get_u64_le(header + AT_POSITION) != position) return "a frame of another place is";
    if (flags & ~(uint32_t)FRAME_LAST) return "a frame with unknown flags is";
    if (size > SNAPSHOT_FRAME_MAX || size > left) return "a frame with an impossible size is";
    if (last && size != left) return "a last frame with more behind it is";
    if (!last && size == left) return "a frame that should have been the last is";
    *ret_size = size;
    *ret_last = last;
    return NULL;
}

bool frame_check_crc(const char *frame, uint32_t size) {
    static const char zero[4];
    uint32_t crc = crc32c(0, frame, AT_CRC);
    crc = crc32c(crc, zero, sizeof zero);
    return crc32c(crc, frame + AT_ID, FRAME_HEADER - AT_ID + (size_t)size) == get_u32_le(frame + AT_CRC);
}

void chain_name(const struct chain_file *f, char out[SNAPSHOT_NAME_MAX]) {
    (void)snprintf(out, SNAPSHOT_NAME_MAX, "%s-%" PRIu64, f->whole ? "whole" : "diff", f->number);
}

bool chain_name_parse(const char *name, struct chain_file *ret) {
    const char *digits = strchr(name, '-');
    if (!digits || digits[1] == '0') return false;
    size_t n = (size_t)(digits++ - name);
    bool whole = n == 5 && memcmp(name, "whole", 5) == 0, diff = n == 4 && memcmp(name, "diff", 4) == 0;
    uint64_t number;
    if (!(whole || diff) || number_parse_u64(digits, strlen(digits), 1, INT64_MAX, &number, NULL) < 0) return false;
    ret->number = number;
    ret->whole = whole;
    return true;
}

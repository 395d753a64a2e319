/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading archives. See archive_read.h. libarchive takes the formats apart; what it lets pass and we do not is checked
 * here. A compressed tar is two of its readers, one behind the other, so that every byte that is unpacked is counted,
 * and what follows the end is seen.
 */
#include "log/archive_read.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/endian.h"
#include "base/hashmap.h"
#include "base/utf8.h"
#include "stream/inbuf.h"

#define TAR_BLOCK 512u
#define TAR_END_BYTES (2 * TAR_BLOCK)
#define ENTRIES_DEFAULT 1000000u
#define RATIO_DEFAULT 1000u
#define RATIO_FREE_BYTES (UINT64_C(64) << 20)
#define ZIP_END_BYTES 22u
#define ZIP64_END_BYTES 76u /* record and locator */
#define ZIP_TAIL_BYTES (ZIP64_END_BYTES + ZIP_END_BYTES + 65535u)

enum container { NO_ARCHIVE, TAR, TAR_PACKED, ZIP };

struct archive_reader {
    struct inbuf in;
    const char *name;
    struct archive_limits limits;
    enum container container;
    struct archive *packed;  /* TAR_PACKED: what unpacks */
    struct archive *content; /* tar or zip */
    struct err why;          /* what a callback said; grade 0: nothing */
    bool ran_dry;            /* the end of the input was asked for */
    uint64_t out;            /* bytes that came out: of a tar with its headers, of a zip without */
    uint64_t zeros;          /* tar: of these, how many at the end are 0 */
    struct buf tail;         /* zip: the last bytes of the input */
    struct hashmap names;
    uint64_t entries;
    bool open, at_end; /* an entry is; the whole is */
    struct archive_item item;
    uint64_t item_at;
    struct buf item_name;
};

/* ---- what it is ---- */

/* The sum of the header's bytes, those of the sum itself taken as blanks, is in it in octal digits. */
static bool is_tar_header(const uint8_t *p) {
    uint32_t sum = 0, said = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : p[i];
    size_t i = 148;
    while (i < 156 && p[i] == ' ') i++;
    for (; i < 156 && p[i] >= '0' && p[i] <= '7'; i++) said = said * 8 + (uint32_t)(p[i] - '0');
    return p[0] != 0 && sum == said;
}

static enum container tell(const void *bytes, size_t n) {
    static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    if (n >= sizeof gzip && memcmp(bytes, gzip, sizeof gzip) == 0) return TAR_PACKED;
    if (n >= sizeof zstd && memcmp(bytes, zstd, sizeof zstd) == 0) return TAR_PACKED;
    if (n >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0)) return ZIP;
    return n >= TAR_BLOCK && is_tar_header(bytes) ? TAR : NO_ARCHIVE;
}

bool archive_is_one(const void *p, size_t n) {
    return tell(p, n) != NO_ARCHIVE;
}

/* ---- bytes ---- */

/* An error of libarchive, or what one of our callbacks failed of beneath it. */
static int failed(struct archive_reader *r, struct archive *a, struct err *e) {
    if (r->why.grade < 0) {
        if (e) *e = r->why;
        return r->why.grade;
    }
    if (archive_errno(a) == ENOMEM) return err_nomem(e);
    const char *text = archive_error_string(a);
    if (r->ran_dry) return err_set(e, G_TRUNCATED, "archive '%s' is cut off", r->name);
    return err_set(e, G_CORRUPT, "archive '%s' is damaged%s%s%s: %s", r->name, r->open ? " in '" : "",
                   r->open ? r->item_name.data : "", r->open ? "'" : "", text ? text : "unknown reason");
}

/* More of the input, and all of it is used. 0, G_EOF and what inbuf_more says. */
static int next_input(struct archive_reader *r, const void **ret, size_t *ret_n, struct err *e) {
    struct inbuf *in = &r->in;
    int g = inbuf_left(in) > 0 ? 0 : inbuf_more(in, e);
    if (g == G_EOF) r->ran_dry = true;
    if (g != 0) return g;
    *ret = inbuf_here(in);
    *ret_n = inbuf_left(in);
    in->at = in->len;
    return 0;
}

static int count_out(struct archive_reader *r, size_t n, struct err *e) {
    r->out += n;
    if (r->out > r->limits.bytes)
        return err_set(e, G_DATA, "archive '%s' holds more than %" PRIu64 " bytes; --max-size allows more", r->name,
                       r->limits.bytes);
    if (r->out > RATIO_FREE_BYTES && r->out / r->limits.ratio > inbuf_position(&r->in))
        return err_set(e, G_DATA, "archive '%s' grows to more than %u times its size when it is unpacked", r->name,
                       r->limits.ratio);
    return 0;
}

static void note_zeros(struct archive_reader *r, const uint8_t *p, size_t n) {
    size_t k = n;
    while (k > 0 && p[k - 1] == 0) k--;
    r->zeros = k > 0 ? n - k : r->zeros + n;
}

/* More of the tar itself. */
static int next_unpacked(struct archive_reader *r, const void **ret, size_t *ret_n, struct err *e) {
    int g = 0;
    if (r->packed) {
        int64_t at;
        *ret_n = 0;
        while (g == 0 && *ret_n == 0) {
            int code = archive_read_data_block(r->packed, ret, ret_n, &at);
            g = code == ARCHIVE_EOF ? G_EOF : code == ARCHIVE_OK ? 0 : failed(r, r->packed, e);
        }
    } else {
        g = next_input(r, ret, ret_n, e);
    }
    if (g != 0) return g;
    note_zeros(r, *ret, *ret_n);
    return count_out(r, *ret_n, e);
}

static int next_zip(struct archive_reader *r, const void **ret, size_t *ret_n, struct err *e) {
    int g = next_input(r, ret, ret_n, e);
    if (g != 0) return g;
    size_t keep = *ret_n < ZIP_TAIL_BYTES ? *ret_n : ZIP_TAIL_BYTES;
    if (r->tail.len + keep > 2 * ZIP_TAIL_BYTES) buf_consume(&r->tail, r->tail.len - ZIP_TAIL_BYTES);
    if (keep < *ret_n) buf_clear(&r->tail);
    return buf_append(&r->tail, (const char *)*ret + *ret_n - keep, keep) < 0 ? err_nomem(e) : 0;
}

static int next_bytes(struct archive_reader *r, const void **ret, size_t *ret_n, struct err *e) {
    return r->container == ZIP ? next_zip(r, ret, ret_n, e) : next_unpacked(r, ret, ret_n, e);
}

/* For libarchive. */
static la_ssize_t supply(struct archive_reader *r, struct archive *a, const void **ret, int g, size_t n) {
    if (g == 0) return (la_ssize_t)n;
    *ret = NULL;
    if (g == G_EOF) return 0;
    archive_set_error(a, EIO, "input failed");
    r->why.grade = g;
    return -1;
}

static la_ssize_t supply_input(struct archive *a, void *ctx, const void **ret) {
    struct archive_reader *r = ctx;
    size_t n = 0;
    int g = next_input(r, ret, &n, &r->why);
    return supply(r, a, ret, g, n);
}

static la_ssize_t supply_content(struct archive *a, void *ctx, const void **ret) {
    struct archive_reader *r = ctx;
    size_t n = 0;
    int g = next_bytes(r, ret, &n, &r->why);
    return supply(r, a, ret, g, n);
}

/* ---- opening ---- */

static int open_packed(struct archive_reader *r, struct err *e) {
    struct archive_entry *whole;
    struct archive *a = r->packed = archive_read_new();
    if (!a) return err_nomem(e);
    bool failing = archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
                   archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
                   archive_read_support_format_raw(a) != ARCHIVE_OK ||
                   archive_read_open(a, r, NULL, supply_input, NULL) != ARCHIVE_OK;
    int code = failing ? ARCHIVE_FATAL : archive_read_next_header(a, &whole);
    if (code == ARCHIVE_EOF) return err_set(e, G_CORRUPT, "archive '%s' is empty", r->name);
    if (code != ARCHIVE_OK) return failed(r, a, e);
    if (archive_filter_count(a) > 2) return err_set(e, G_CORRUPT, "archive '%s' is compressed more than once", r->name);
    return 0;
}

static int open_content(struct archive_reader *r, struct err *e) {
    struct archive *a = r->content = archive_read_new();
    if (!a) return err_nomem(e);
    int code = r->container == ZIP ? archive_read_support_format_zip_streamable(a) : archive_read_support_format_tar(a);
    if (code == ARCHIVE_OK) code = archive_read_open(a, r, NULL, supply_content, NULL);
    return code == ARCHIVE_OK ? 0 : failed(r, a, e);
}

static int open_archive(struct archive_reader *r, int fd, const void *magic, size_t magic_size, struct err *e) {
    int g = inbuf_init(&r->in, fd, r->name, e);
    if (g == 0) g = hashmap_init(&r->names, e);
    if (g < 0) return g;
    if (magic_size > r->in.cap) return err_set(e, G_BUG, "%zu bytes were read ahead", magic_size);
    if (magic_size) memcpy(r->in.data, magic, magic_size);
    r->in.len = magic_size;
    g = inbuf_need(&r->in, TAR_BLOCK, e);
    if (g < 0) return g;
    if (inbuf_left(&r->in) == 0) return err_set(e, G_TRUNCATED, "archive '%s' is empty", r->name);
    r->container = tell(inbuf_here(&r->in), inbuf_left(&r->in));
    if (r->container == NO_ARCHIVE)
        return err_set(e, G_CORRUPT, "'%s' is no archive that leat reads: tar, tar.gz, tar.zst or zip", r->name);
    if (r->container == TAR_PACKED) g = open_packed(r, e);
    return g < 0 ? g : open_content(r, e);
}

int archive_reader_open(struct archive_reader **ret, int fd, const char *name, const struct archive_limits *limits,
                        const void *magic, size_t magic_size, struct err *e) {
    struct archive_reader *r = calloc(1, sizeof *r);
    if (!r) return err_nomem(e);
    r->name = name;
    if (limits) r->limits = *limits;
    if (!r->limits.bytes) r->limits.bytes = ARCHIVE_SIZE_MAX_DEFAULT;
    if (!r->limits.entries) r->limits.entries = ENTRIES_DEFAULT;
    if (!r->limits.ratio) r->limits.ratio = RATIO_DEFAULT;
    int g = open_archive(r, fd, magic, magic_size, e);
    if (g < 0)
        archive_reader_free(r);
    else
        *ret = r;
    return g < 0 ? g : 0;
}

void archive_reader_free(struct archive_reader *r) {
    if (!r) return;
    if (r->content) archive_read_free(r->content);
    if (r->packed) archive_read_free(r->packed);
    inbuf_release(&r->in);
    hashmap_release(&r->names);
    buf_release(&r->tail);
    buf_release(&r->item_name);
    free(r);
}

uint64_t archive_reader_position(const struct archive_reader *r) {
    return inbuf_position(&r->in);
}

/* ---- the end ---- */

/* Everything behind the last entry is 0, and at least two blocks of it. */
static int check_tar_end(struct archive_reader *r, uint64_t last_entry_end, struct err *e) {
    uint64_t behind = r->out - last_entry_end;
    if (behind < TAR_END_BYTES) return err_set(e, G_TRUNCATED, "archive '%s' is cut off: it has no end", r->name);
    if (r->zeros < behind)
        return err_set(e, G_CORRUPT, "archive '%s' goes on behind its end, byte %" PRIu64, r->name,
                       last_entry_end + TAR_END_BYTES);
    if (r->packed && (uint64_t)archive_filter_bytes(r->packed, -1) < inbuf_position(&r->in))
        return err_set(e, G_CORRUPT, "archive '%s' goes on behind the end of what is compressed", r->name);
    return 0;
}

/* The end record, with which the file ends, tells of a directory that lies directly before it and of as many entries
 * as there were. */
static int check_zip_end(struct archive_reader *r, struct err *e) {
    const char *p = r->tail.data;
    size_t n = r->tail.len, at = n;
    uint64_t total = inbuf_position(&r->in);
    for (size_t back = ZIP_END_BYTES; back <= n && at == n; back++)
        if (memcmp(p + n - back, "PK\5\6", 4) == 0 && get_u16_le(p + n - back + 20) == back - ZIP_END_BYTES)
            at = n - back;
    if (at == n) return err_set(e, G_TRUNCATED, "archive '%s' is cut off: it has no end record", r->name);
    uint64_t entries = get_u16_le(p + at + 10), size = get_u32_le(p + at + 12), offset = get_u32_le(p + at + 16);
    uint64_t end = total - n + at;
    if (at >= ZIP64_END_BYTES && memcmp(p + at - ZIP64_END_BYTES, "PK\6\6", 4) == 0) {
        const char *wide = p + at - ZIP64_END_BYTES;
        entries = get_u64_le(wide + 32);
        size = get_u64_le(wide + 40);
        offset = get_u64_le(wide + 48);
        end -= ZIP64_END_BYTES;
    }
    if (entries != r->entries || size > end || offset != end - size)
        return err_set(e, G_CORRUPT, "archive '%s' has an end record that is not its own", r->name);
    return 0;
}

static int finish(struct archive_reader *r, uint64_t last_entry_end, struct err *e) {
    const void *p;
    size_t n;
    int g;
    while ((g = next_bytes(r, &p, &n, e)) == 0) continue;
    if (g == G_EOF && r->packed) /* whatever the decompressor left */
        while ((g = next_input(r, &p, &n, e)) == 0) continue;
    if (g < 0) return g;
    g = r->container == ZIP ? check_zip_end(r, e) : check_tar_end(r, last_entry_end, e);
    r->at_end = g == 0;
    return g < 0 ? g : G_EOF;
}

/* ---- entries ---- */

/* Why a name is not lawful, or NULL. */
static const char *name_fault(const char *name, size_t n) {
    if (n == 0) return "it has no name";
    if (n > ARCHIVE_NAME_MAX) return "its name is too long";
    if (name[0] == '/') return "its name is absolute";
    if (utf8_validate(name, n) != n) return "its name is not UTF-8";
    for (size_t i = 0; i < n; i++) {
        if (name[i] == '\\') return "a backslash is in its name";
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) return "a control character is in its name";
    }
    for (const char *part = name;;) {
        size_t length = strcspn(part, "/");
        if (length == 0) return "a part of its name is empty";
        if (length <= 2 && strncmp(part, "..", length) == 0) return "its name has '.' or '..' in it";
        if (length > 255) return "its name is too long";
        if (part[length] == 0) return NULL;
        part += length + 1;
    }
}

static const char *type_fault(struct archive_entry *entry) {
    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry)) return "it is a link";
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
    case AE_IFDIR: break;
    case AE_IFLNK: return "it is a link";
    case AE_IFCHR:
    case AE_IFBLK: return "it is a device";
    case AE_IFIFO: return "it is a FIFO";
    default: return "it is no file";
    }
    if (archive_entry_is_encrypted(entry)) return "it is encrypted";
    return archive_entry_sparse_count(entry) > 0 ? "it has holes" : NULL;
}

static int refuse(struct archive_reader *r, const char *name, const char *why, struct err *e) {
    return err_set(e, G_CORRUPT, "archive '%s': entry '%.250s' is refused: %s", r->name, name, why);
}

static int take_name(struct archive_reader *r, const char *name, bool directory, struct err *e) {
    const char *whole = name;
    if (strncmp(name, "./", 2) == 0) name += 2;
    size_t n = strlen(name);
    if (directory && n > 0 && name[n - 1] == '/') n--;
    buf_clear(&r->item_name);
    if (buf_append(&r->item_name, name, n) < 0 || !buf_cstr(&r->item_name)) return err_nomem(e);
    bool top = directory && n == 0 && name != whole;
    const char *fault = top ? NULL : name_fault(r->item_name.data, n);
    if (fault) return refuse(r, whole, fault, e);
    int put = hashmap_put(&r->names, r->item_name.data, n, 1);
    return put < 0 ? err_nomem(e) : put == 0 ? refuse(r, whole, "there is one of that name already", e) : 0;
}

static int take_entry(struct archive_reader *r, struct archive_entry *entry, struct err *e) {
    if (r->entries++ == r->limits.entries)
        return err_set(e, G_DATA, "archive '%s' has more than %u entries", r->name, r->limits.entries);
    const char *name = archive_entry_pathname(entry);
    if (!name) name = archive_entry_pathname_utf8(entry);
    if (!name) return refuse(r, "?", "its name cannot be read", e);
    const char *fault = type_fault(entry);
    if (fault) return refuse(r, name, fault, e);
    bool directory = archive_entry_filetype(entry) == AE_IFDIR;
    int g = take_name(r, name, directory, e);
    if (g < 0) return g;
    r->item = (struct archive_item){.name = r->item_name.data, .directory = directory};
    if (archive_entry_size_is_set(entry)) {
        if (archive_entry_size(entry) < 0) return refuse(r, name, "its size is below 0", e);
        r->item.sized = true;
        r->item.size = (uint64_t)archive_entry_size(entry);
    }
    if (r->item.sized && r->item.size > r->limits.bytes)
        return err_set(e, G_DATA, "archive '%s': entry '%s' is larger than %" PRIu64 " bytes; --max-size allows more",
                       r->name, name, r->limits.bytes);
    r->open = true;
    r->item_at = 0;
    return 0;
}

int archive_reader_next(struct archive_reader *r, struct archive_item *ret, struct err *e) {
    const char *p;
    size_t n;
    int g = 0;
    if (r->at_end) return G_EOF;
    while (r->open && g == 0) g = archive_reader_read(r, &p, &n, e);
    if (g < 0) return g;
    if (r->entries > 0 && archive_read_data_skip(r->content) < ARCHIVE_OK) return failed(r, r->content, e);
    uint64_t last_entry_end = (uint64_t)archive_filter_bytes(r->content, 0);
    struct archive_entry *entry;
    int code = archive_read_next_header(r->content, &entry);
    if (code == ARCHIVE_EOF) return finish(r, last_entry_end, e);
    if (code != ARCHIVE_OK && (code != ARCHIVE_WARN || r->why.grade < 0)) return failed(r, r->content, e);
    g = take_entry(r, entry, e);
    if (g == 0) *ret = r->item;
    return g;
}

int archive_reader_read(struct archive_reader *r, const char **ret, size_t *ret_n, struct err *e) {
    const void *p = NULL;
    size_t n = 0;
    int64_t at = 0;
    if (!r->open) return G_EOF;
    while (n == 0) {
        int code = archive_read_data_block(r->content, &p, &n, &at);
        if (code == ARCHIVE_EOF) {
            if (r->item.sized && r->item_at != r->item.size)
                return refuse(r, r->item.name, "it is not as long as it says", e);
            r->open = false;
            return G_EOF;
        }
        if (code != ARCHIVE_OK) return failed(r, r->content, e);
    }
    if (at < 0 || (uint64_t)at != r->item_at) return refuse(r, r->item.name, "it has holes", e);
    r->item_at += n;
    int g = r->container == ZIP ? count_out(r, n, e) : 0;
    if (g < 0) return g;
    *ret = p;
    *ret_n = n;
    return 0;
}

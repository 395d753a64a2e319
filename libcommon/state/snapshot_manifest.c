/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a snapshot, the file `state`, between text and chain: leat-state(5), section "Manifest". Also says in
 * words how the state of another run differs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/number.h"
#include "state/snapshot_impl.h"
#include "json/tree.h"
#include "json/validate.h"

enum { VERSION = 1 };
enum { CHECK_LINE = 10 }; /* line feed, 8 digits, line feed */

static int damaged(const struct snapshot *s, const char *what, struct err *e) {
    return err_set(e, G_CORRUPT, "'state' in '%s' is damaged: %s", s->path, what);
}

/* ---- writing ---- */

static json_t *files_to_json(const struct chain *chain) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < chain->count; i++) {
        const struct chain_file *f = &chain->files[i];
        char name[SNAPSHOT_NAME_MAX];
        chain_name(f, name);
        json_t *o = json_pack("{s:s, s:o, s:I}", "name", name, "id", tree_hex(f->id, 16), "size", (json_int_t)f->size);
        if (!o || json_array_append_new(list, o) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Depth, UTF-8 and names that are there twice: nothing that a reader would refuse is written. */
static int check_text(const char *text, size_t n, const char **ret_why) {
    struct json_validator v;
    struct json_fault fault = {0};
    int g = json_validator_init(&v, NULL);
    if (g < 0) return g;
    g = json_validate(&v, text, n, &fault);
    json_validator_release(&v);
    *ret_why = fault.reason;
    return g;
}

/* Was it the check that failed, and not the text? */
static bool check_failed(int g, struct err *e) {
    if (g == G_DATA) return false;
    (void)(g == G_NOMEM ? err_nomem(e) : err_set(e, g, "cannot check the manifest of a snapshot"));
    return true;
}

int manifest_encode(const struct snapshot *s, const struct chain *chain, const json_t *meta, struct buf *out,
                    struct err *e) {
    json_t *copy = json_deep_copy(meta); /* const: its count of references is not ours to change */
    json_t *o = copy ? json_pack("{s:i, s:s, s:s, s:o, s:o}", "version", VERSION, "tool", s->tool, "identity",
                                 s->identity, "meta", copy, "files", files_to_json(chain))
                     : NULL;
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(o);
    if (!text) return err_nomem(e);
    size_t n = strlen(text);
    const char *why = NULL;
    int g = 0;
    if (n + CHECK_LINE > SNAPSHOT_MANIFEST_MAX)
        g = err_set(e, G_NOMEM, "what belongs to a snapshot takes %zu bytes, more than a snapshot can hold", n);
    else if ((g = check_text(text, n, &why)) < 0)
        g = check_failed(g, e) ? g : err_set(e, G_DATA, "what belongs to a snapshot cannot be kept: %s", why);
    else if (buf_append(out, text, n) < 0 || buf_printf(out, "\n%08" PRIx32 "\n", crc32c(0, text, n)) < 0)
        g = err_nomem(e);
    free(text);
    return g;
}

/* ---- whose state it is ---- */

/* Up to `room` bytes of text from where it differs, a few words before it included, whole characters only. */
static void excerpt(const char *text, size_t from, char *out, size_t room) {
    size_t n = strlen(text);
    size_t at = from > 24 ? from - 24 : 0;
    while (at > 0 && at < from && text[at - 1] != ' ') at++;
    while (at > 0 && (text[at] & 0xc0) == 0x80) at--;
    size_t size = n - at < room ? n - at : room;
    while (at + size < n && size > 0 && (text[at + size] & 0xc0) == 0x80) size--;
    (void)snprintf(out, room + 8, "%s%.*s%s", at > 0 ? "..." : "", (int)size, text + at, at + size < n ? "..." : "");
}

static int check_owner(const struct snapshot *s, const char *tool, const char *identity, struct err *e) {
    if (strcmp(tool, s->tool) != 0)
        return err_set(e, G_USAGE, "the state in '%s' is of leat %.40s, not of leat %s", s->path, tool, s->tool);
    size_t same = 0;
    while (identity[same] && identity[same] == s->identity[same]) same++;
    if (identity[same] == s->identity[same]) return 0;
    enum { ROOM = 120 };
    char theirs[ROOM + 8], ours[ROOM + 8];
    excerpt(identity, same, theirs, ROOM);
    excerpt(s->identity, same, ours, ROOM);
    return err_set(e, G_USAGE, "the state in '%s' is of a run with '%s', this one has '%s'", s->path, theirs, ours);
}

/* ---- reading ---- */

/* Of a string without a NUL in it, else NULL. */
static const char *text_of(const json_t *o) {
    const char *text = json_string_value(o);
    return text && strlen(text) == json_string_length(o) ? text : NULL;
}

/* NULL, or what is wrong with the list. */
static const char *files_from_json(const json_t *list, struct chain *ret) {
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count == 0) return "it names no files";
    if (count > SNAPSHOT_FILES_MAX) return "it names too many files";
    for (size_t i = 0; i < count; i++) {
        const json_t *o = json_array_get(list, i);
        const char *name = text_of(json_object_get(o, "name"));
        struct chain_file *f = &ret->files[i];
        if (!name || !chain_name_parse(name, f)) return "a name of a file is not valid";
        if (f->whole != (i == 0)) return "its first file alone has to be a whole one";
        if (i > 0 && f->number <= f[-1].number) return "the numbers of its files do not rise";
        if (!tree_get_hex(json_object_get(o, "id"), 16, &f->id) || f->id == 0) return "an id of a file is not valid";
        if (!tree_get_whole(json_object_get(o, "size"), INT64_MAX, &f->size) || f->size < FRAME_HEADER)
            return "a size of a file is not valid";
    }
    ret->count = count;
    return NULL;
}

static int from_json(struct snapshot *s, const json_t *o, struct err *e) {
    const json_t *version = json_object_get(o, "version");
    if (!json_is_integer(version) || json_integer_value(version) != VERSION)
        return damaged(s, "its version is not known", e);
    const char *tool = text_of(json_object_get(o, "tool")), *identity = text_of(json_object_get(o, "identity"));
    json_t *meta = json_object_get(o, "meta");
    if (!tool || !identity) return damaged(s, "it does not say whose it is", e);
    if (!meta) return damaged(s, "it has no meta", e);
    int g = check_owner(s, tool, identity, e);
    if (g < 0) return g;
    const char *what = files_from_json(json_object_get(o, "files"), &s->chain);
    if (what) {
        s->chain.count = 0;
        return damaged(s, what, e);
    }
    s->meta = json_incref(meta);
    return 0;
}

/* Two lines, and a check that matches: the length of the first, else 0. */
static size_t checked_line(const char *text, size_t n) {
    if (n <= CHECK_LINE || memchr(text, '\n', n) != text + n - CHECK_LINE || text[n - 1] != '\n') return 0;
    uint64_t check;
    if (number_parse_hex(text + n - CHECK_LINE + 1, 8, &check) < 0) return 0;
    return crc32c(0, text, n - CHECK_LINE) == check ? n - CHECK_LINE : 0;
}

int manifest_decode(struct snapshot *s, const char *text, size_t n, struct err *e) {
    size_t line = checked_line(text, n);
    const char *why = NULL;
    if (line == 0) return damaged(s, "it fails its check", e);
    int g = check_text(text, line, &why);
    if (g < 0) return check_failed(g, e) ? g : damaged(s, why, e);
    json_error_t not_json;
    json_t *o = json_loadb(text, line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &not_json);
    if (!o) return damaged(s, not_json.text, e);
    g = from_json(s, o, e);
    json_decref(o);
    return g;
}

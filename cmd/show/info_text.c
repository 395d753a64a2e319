/* SPDX-License-Identifier: Apache-2.0 */
/* What info.c counted, as text for people and as JSON. Text from the stream is made safe here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/safe.h"
#include "base/timefmt.h"
#include "show.h"

static const char *const control_names[] = {"unknown", "start",   "source", "watermark",
                                            "idle",    "barrier", "end",    "segment"};

const char *info_ends(const struct info *i) {
    if (i->grade == G_DATA) return i->bad ? "bad record" : "limit";
    return grade_name(i->grade);
}

static int put_label(struct buf *out, const char *label) {
    return buf_printf(out, "%-10s ", label);
}

static int put_safe(struct buf *out, const char *text) {
    return safe_append(out, text, strlen(text), 0);
}

static uint64_t control_blocks(const struct info *i) {
    uint64_t n = 0;
    for (size_t k = 0; k < sizeof i->controls / sizeof *i->controls; k++) n += i->controls[k];
    return n;
}

static int put_blocks(const struct info *i, struct buf *out) {
    if (put_label(out, "blocks") < 0 ||
        buf_printf(out, "%" PRIu64 " data, %" PRIu64 " control", i->data_blocks, control_blocks(i)) < 0)
        return G_NOMEM;
    const char *before = " (";
    for (size_t k = 0; k < sizeof i->controls / sizeof *i->controls; k++) {
        if (i->controls[k] == 0) continue;
        if (buf_printf(out, "%s%" PRIu64 " %s", before, i->controls[k], control_names[k]) < 0) return G_NOMEM;
        before = ", ";
    }
    return buf_puts(out, control_blocks(i) ? ")\n" : "\n");
}

static int put_records(const struct info *i, struct buf *out) {
    if (put_label(out, "records") < 0) return G_NOMEM;
    return buf_printf(out,
                      "%" PRIu64 ": %" PRIu64 " JSON, %" PRIu64 " binary, %" PRIu64 " tombstones; %" PRIu64
                      " with key, %" PRIu64 " with headers\n",
                      i->records, i->json, i->binary, i->tombstones, i->keys, i->headers);
}

static int put_times(const struct info *i, struct buf *out) {
    char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
    if (put_label(out, "times") < 0) return G_NOMEM;
    if (i->max_time == NO_TIME) return buf_puts(out, "none\n");
    (void)time_format_rfc3339(i->min_time, from);
    (void)time_format_rfc3339(i->max_time, to);
    if (buf_printf(out, "%s to %s", from, to) < 0) return G_NOMEM;
    return i->without_time ? buf_printf(out, ", %" PRIu64 " without\n", i->without_time) : buf_putc(out, '\n');
}

static double ratio(const struct info *i) {
    return i->stored_bytes ? (double)i->raw_bytes / (double)i->stored_bytes : 1;
}

static int put_sizes(const struct info *i, struct buf *out) {
    if (put_label(out, "size") < 0 ||
        buf_printf(out,
                   "%" PRIu64 " bytes raw, %" PRIu64 " stored, ratio %.2f; %" PRIu64 " of %" PRIu64
                   " blocks compressed\n",
                   i->raw_bytes, i->stored_bytes, ratio(i), i->compressed, i->data_blocks) < 0 ||
        put_label(out, "checked") < 0)
        return G_NOMEM;
    return buf_printf(out,
                      "%" PRIu64 " of %" PRIu64 " blocks have a CRC, %" PRIu64 " of %" PRIu64
                      " say that their JSON was validated\n",
                      i->with_crc, i->all_blocks, i->validated, i->data_blocks);
}

static int put_source(const struct info_source *s, struct buf *out) {
    if (put_label(out, "source") < 0) return G_NOMEM;
    int g = s->topic      ? put_safe(out, s->topic)
            : s->topic_id ? buf_printf(out, "%016" PRIx64, s->topic_id)
                          : buf_puts(out, "derived records");
    if (g == 0 && (s->topic || s->topic_id)) g = buf_printf(out, "/%u", s->partition);
    if (g == 0) g = buf_printf(out, ": %" PRIu64 " records", s->records);
    if (g == 0 && s->records) g = buf_printf(out, ", offsets %" PRIu64 " to %" PRIu64, s->first, s->last);
    return g < 0 ? g : buf_putc(out, '\n');
}

static bool is_plain_word(const char *s) {
    for (; *s; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
                     strchr("._-/:=,@%+", *s) != NULL;
        if (!plain) return false;
    }
    return true;
}

/* As a shell would take it. */
static int put_word(struct buf *out, const char *word) {
    if (*word && is_plain_word(word)) return buf_puts(out, word);
    if (buf_putc(out, '\'') < 0) return G_NOMEM;
    for (const char *s = word, *quote; *s; s = quote + 1) {
        quote = strchr(s, '\'');
        size_t n = quote ? (size_t)(quote - s) : strlen(s);
        if (safe_append(out, s, n, 0) < 0) return G_NOMEM;
        if (!quote) break;
        if (buf_puts(out, "'\\''") < 0) return G_NOMEM;
    }
    return buf_putc(out, '\'');
}

/* One command of a history: whatever a stream may hold in its place is borne. */
static int put_command(const json_t *command, struct buf *out) {
    const json_t *args = json_object_get(command, "args"), *time = json_object_get(command, "time"), *arg;
    const char *name = json_string_value(json_object_get(command, "tool"));
    char at[TIME_TEXT_MAX] = "";
    size_t k;
    if (json_is_integer(time)) (void)time_format_rfc3339(json_integer_value(time), at);
    if (put_label(out, "made by") < 0 || buf_puts(out, "leat ") < 0 || put_word(out, name ? name : "?") < 0)
        return G_NOMEM;
    json_array_foreach(args, k, arg) {
        const char *word = json_string_value(arg);
        if (buf_putc(out, ' ') < 0 || put_word(out, word ? word : "?") < 0) return G_NOMEM;
    }
    return *at ? buf_printf(out, "  (%s)\n", at) : buf_putc(out, '\n');
}

static int put_history(const struct info *i, struct buf *out) {
    const json_t *stream, *command;
    size_t k, c;
    json_array_foreach(i->streams, k, stream) {
        json_array_foreach(json_object_get(stream, "history"), c,
                           command) if (put_command(command, out) < 0) return G_NOMEM;
    }
    if (i->more_streams == 0) return 0;
    return put_label(out, "made by") < 0
               ? G_NOMEM
               : buf_printf(out, "%" PRIu64 " more streams are not listed\n", i->more_streams);
}

static int put_ends(const struct info *i, struct buf *out) {
    if (put_label(out, "ends") < 0 || buf_puts(out, info_ends(i)) < 0) return G_NOMEM;
    if (i->grade == G_END || i->grade == G_UPSTREAM) return buf_printf(out, ", status %d\n", i->status);
    return buf_putc(out, '\n');
}

int info_text(const struct info *i, struct buf *out) {
    if (put_label(out, "file") < 0 || put_safe(out, i->name) < 0 || buf_putc(out, '\n') < 0 ||
        put_label(out, "format") < 0 ||
        buf_printf(out, "%s, %" PRIu64 " bytes%s\n", in_format_name(i->format), i->bytes,
                   i->format == IN_BLOCKS ? "" : " of records") < 0)
        return G_NOMEM;
    if (put_ends(i, out) < 0 || put_records(i, out) < 0 || put_times(i, out) < 0) return G_NOMEM;
    if (i->format != IN_BLOCKS) return 0;
    if (put_blocks(i, out) < 0 || put_sizes(i, out) < 0) return G_NOMEM;
    for (size_t k = 0; k < i->source_count; k++)
        if (put_source(&i->sources[k], out) < 0) return G_NOMEM;
    if (i->more_sources && (put_label(out, "source") < 0 ||
                            buf_printf(out, "%" PRIu64 " more blocks of other sources\n", i->more_sources) < 0))
        return G_NOMEM;
    return put_history(i, out);
}

int info_line(const struct info *i, struct buf *out) {
    if (put_safe(out, i->name) < 0 || buf_printf(out, ": ok, %s, %" PRIu64 " records", info_ends(i), i->records) < 0)
        return G_NOMEM;
    if (i->bad && buf_printf(out, " (%" PRIu64 " bad)", i->bad) < 0) return G_NOMEM;
    if (i->format == IN_BLOCKS && buf_printf(out, ", %" PRIu64 " blocks", i->all_blocks) < 0) return G_NOMEM;
    return buf_printf(out, ", %" PRIu64 " bytes", i->bytes);
}

/* A string of JSON, whatever the bytes are. */
static json_t *text_value(const char *text) {
    json_t *s = json_string(text);
    if (s) return s;
    struct buf safe = {0};
    if (put_safe(&safe, text) == 0) s = json_stringn(safe.data, safe.len);
    buf_release(&safe);
    return s;
}

static json_t *time_value(int64_t ns) {
    char text[TIME_TEXT_MAX];
    if (ns == NO_TIME) return json_null();
    (void)time_format_rfc3339(ns, text);
    return json_string(text);
}

#define I(v) ((json_int_t)(v))

static json_t *source_value(const struct info_source *s) {
    char id[17];
    (void)snprintf(id, sizeof id, "%016" PRIx64, s->topic_id);
    json_t *o = json_pack("{s:o, s:s, s:I, s:I}", "topic", s->topic ? text_value(s->topic) : json_null(), "topic_id",
                          id, "partition", I(s->partition), "records", I(s->records));
    if (o && s->records) {
        json_object_set_new(o, "first", json_integer(I(s->first)));
        json_object_set_new(o, "last", json_integer(I(s->last)));
    }
    return o;
}

static json_t *blocks_value(const struct info *i) {
    json_t *controls = json_object(), *sources = json_array();
    for (size_t k = 0; k < sizeof i->controls / sizeof *i->controls; k++)
        if (i->controls[k]) json_object_set_new(controls, control_names[k], json_integer(I(i->controls[k])));
    for (size_t k = 0; k < i->source_count; k++) json_array_append_new(sources, source_value(&i->sources[k]));
    return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:O}", "data", I(i->data_blocks), "control",
                     controls, "with_crc", I(i->with_crc), "validated", I(i->validated), "compressed", I(i->compressed),
                     "raw_bytes", I(i->raw_bytes), "stored_bytes", I(i->stored_bytes), "ratio", ratio(i), "sources",
                     sources, "streams", i->streams);
}

int info_json(const struct info *i, const struct err *why, struct buf *out) {
    json_t *o = json_pack("{s:o, s:s, s:s, s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:o}", "file",
                          text_value(i->name), "format", in_format_name(i->format), "ends", info_ends(i), "bytes",
                          I(i->bytes), "records", "total", I(i->records), "json", I(i->json), "binary", I(i->binary),
                          "tombstones", I(i->tombstones), "with_key", I(i->keys), "with_headers", I(i->headers),
                          "without_time", I(i->without_time), "bad", I(i->bad), "min_time", time_value(i->min_time),
                          "max_time", time_value(i->max_time));
    if (o && (i->grade == G_END || i->grade == G_UPSTREAM)) json_object_set_new(o, "status", json_integer(i->status));
    if (o && i->grade < 0) json_object_set_new(o, "error", text_value(why->text));
    if (o && i->format == IN_BLOCKS) json_object_set_new(o, "blocks", blocks_value(i));
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(o);
    if (!text) return G_NOMEM;
    int g = buf_puts(out, text);
    free(text);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The redrive file. See redrive_state.h and leat-log(5). */
#include "log/redrive_state.h"

#include <stdlib.h>

#include "log/json_crc.h"
#include "log/topic.h"
#include "sys/file.h"
#include "json/tree.h"

#define STATE_MAX_BYTES (1u << 30)

void redrive_state_end_intent(struct redrive_state *s) {
    for (size_t i = 0; i < s->end_count; i++) free(s->ends[i].place);
    free(s->ends);
    s->ends = NULL;
    s->end_count = 0;
    marks_release(&s->intent);
    s->intends = false;
}

void redrive_state_release(struct redrive_state *s) {
    if (!s) return;
    redrive_state_end_intent(s);
    marks_release(&s->done);
}

/* ---- to JSON ---- */

static json_t *end_to_json(const struct redrive_end *x) {
    if (x->is_file) return json_pack("{s:s, s:I}", "file", x->place, "end", (json_int_t)x->end);
    return json_pack("{s:s, s:o, s:I, s:I}", "topic", x->place, "topic_id", tree_hex(x->topic_id, 16), "partition",
                     (json_int_t)x->partition, "end", (json_int_t)x->end);
}

static json_t *intent_to_json(const struct redrive_state *s) {
    json_t *to = json_array();
    for (size_t i = 0; to && i < s->end_count; i++) {
        if (json_array_append_new(to, end_to_json(&s->ends[i])) == 0) continue;
        json_decref(to);
        to = NULL;
    }
    return to ? json_pack("{s:o, s:o, s:o}", "nonce", tree_hex(s->nonce, 16), "letters", marks_to_json(&s->intent),
                          "to", to)
              : NULL;
}

static json_t *state_to_json(const struct redrive_state *s, uint64_t topic_id) {
    json_t *o = json_pack("{s:i, s:o}", "version", 1, "done", marks_to_json(&s->done));
    json_t *source = topic_id ? tree_hex(topic_id, 16)
                              : json_pack("{s:I, s:I}", "bytes", (json_int_t)s->file_bytes, "headers_crc32c",
                                          (json_int_t)s->file_crc);
    bool failed = json_object_set_new(o, topic_id ? "topic_id" : "file", source) < 0;
    if (s->intends) failed = json_object_set_new(o, "intent", intent_to_json(s)) < 0 || failed;
    if (!failed && json_crc_set(o) == 0) return o;
    json_decref(o);
    return NULL;
}

int redrive_state_publish(const struct redrive_state *s, int dir, const char *name, uint64_t topic_id, struct err *e) {
    json_t *o = state_to_json(s, topic_id);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text) return err_nomem(e);
    int g = atomic_replace(dir, name, text, strlen(text), false, e);
    free(text);
    return g;
}

/* ---- from JSON ---- */

static int bad(const char *what, struct err *e) {
    return err_set(e, G_CORRUPT, "its %s is damaged", what);
}

static bool number_of(const json_t *o, const char *name, uint64_t max, uint64_t *ret) {
    return tree_get_whole(json_object_get(o, name), max, ret);
}

static bool hex_of(const json_t *o, const char *name, uint64_t *ret) {
    return tree_get_hex(json_object_get(o, name), 16, ret);
}

static int end_from_json(const json_t *o, struct redrive_end *ret, struct err *e) {
    const char *file = json_string_value(json_object_get(o, "file"));
    const char *place = file ? file : json_string_value(json_object_get(o, "topic"));
    uint64_t partition = 0;
    bool good = place && number_of(o, "end", OFFSET_MAX, &ret->end);
    if (good && !file)
        good = hex_of(o, "topic_id", &ret->topic_id) &&
               number_of(o, "partition", TOPIC_PARTITIONS_MAX - 1, &partition) && topic_name_check(place, NULL) == 0;
    if (!good) return bad("intent", e);
    ret->is_file = file != NULL;
    ret->partition = (uint32_t)partition;
    ret->place = strdup(place);
    return ret->place ? 0 : err_nomem(e);
}

static int intent_from_json(struct redrive_state *s, const json_t *o, struct err *e) {
    const json_t *to = json_object_get(o, "to");
    if (!json_is_array(to) || !hex_of(o, "nonce", &s->nonce)) return bad("intent", e);
    s->ends = calloc(json_array_size(to) + 1, sizeof *s->ends);
    if (!s->ends) return err_nomem(e);
    s->intends = true;
    int g = marks_from_json(json_object_get(o, "letters"), &s->intent, e);
    for (size_t i = 0; g == 0 && i < json_array_size(to); i++, s->end_count++)
        g = end_from_json(json_array_get(to, i), &s->ends[s->end_count], e);
    return g;
}

static int state_from_json(struct redrive_state *s, json_t *o, uint64_t topic_id, struct err *e) {
    uint64_t version = 0, id = 0, crc = 0;
    const json_t *file = json_object_get(o, "file"), *intent = json_object_get(o, "intent");
    if (!json_crc_is_right(o)) return bad("checksum", e);
    if (!number_of(o, "version", 1, &version) || version != 1) return err_set(e, G_CORRUPT, "a newer leat wrote it");
    if (topic_id && (!hex_of(o, "topic_id", &id) || id != topic_id))
        return err_set(e, G_CORRUPT, "it speaks of another topic");
    if (!topic_id &&
        (!number_of(file, "bytes", OFFSET_MAX, &s->file_bytes) || !number_of(file, "headers_crc32c", UINT32_MAX, &crc)))
        return err_set(e, G_CORRUPT, "it speaks of no file");
    s->file_crc = (uint32_t)crc;
    int g = marks_from_json(json_object_get(o, "done"), &s->done, e);
    return g == 0 && intent ? intent_from_json(s, intent, e) : g;
}

int redrive_state_load(struct redrive_state *s, int dir, const char *name, uint64_t topic_id, struct err *e) {
    struct buf text = {0};
    json_error_t why;
    *s = (struct redrive_state){0};
    int g = file_load(dir, name, STATE_MAX_BYTES, &text, e);
    if (g == G_ABSENT) return 0;
    json_t *o = g == 0 ? json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &why) : NULL;
    buf_release(&text);
    if (g == 0) g = json_is_object(o) ? state_from_json(s, o, topic_id, e) : err_set(e, G_CORRUPT, "it is no JSON");
    json_decref(o);
    if (g == 0) return 0;
    redrive_state_release(s);
    return g != G_CORRUPT
               ? g
               : err_prefix(e, "the marks in '%s' cannot be used; who removes that file forgets what was sent: ", name);
}

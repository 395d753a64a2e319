/* SPDX-License-Identifier: Apache-2.0 */
/* Control blocks. See control.h. */
#include "stream/control.h"

#include <inttypes.h>
#include <string.h>

#include "base/version.h"
#include "json/tree.h"

static enum control_type type_of(const char *name) {
    static const char *const names[] = {
        [CONTROL_START] = "start",    [CONTROL_SOURCE] = "source",   [CONTROL_WATERMARK] = "watermark",
        [CONTROL_IDLE] = "idle",      [CONTROL_BARRIER] = "barrier", [CONTROL_END] = "end",
        [CONTROL_SEGMENT] = "segment"};
    for (unsigned i = CONTROL_START; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return (enum control_type)i;
    return CONTROL_UNKNOWN;
}

static int fault(struct err *e, const char *type, const char *member) {
    return err_set(e, G_CORRUPT, "control block '%s' lacks a valid '%s'", type, member);
}

static int read_end(struct control *c, struct err *e) {
    uint64_t status;
    if (!tree_get_whole(json_object_get(c->json, "status"), 255, &status)) return fault(e, "end", "status");
    c->status = (int)status;
    c->records = (uint64_t)json_integer_value(json_object_get(c->json, "records"));
    c->bytes = (uint64_t)json_integer_value(json_object_get(c->json, "bytes"));
    c->error = json_string_value(json_object_get(c->json, "error"));
    return 0;
}

static int read_members(struct control *c, struct err *e) {
    const json_t *time = json_object_get(c->json, "time");
    switch (c->type) {
    case CONTROL_START:
        c->run = json_string_value(json_object_get(c->json, "run"));
        return c->run ? 0 : fault(e, "start", "run");
    case CONTROL_SOURCE:
        c->topic = json_string_value(json_object_get(c->json, "topic"));
        return c->topic ? 0 : fault(e, "source", "topic");
    case CONTROL_WATERMARK:
        if (!json_is_integer(time)) return fault(e, "watermark", "time");
        c->time = json_integer_value(time);
        return 0;
    case CONTROL_END: return read_end(c, e);
    default: return 0;
    }
}

/* Levels of arrays and objects: leat-stream(5), "Limits". jansson has a limit of its own, which lies beyond. */
static bool is_too_deep(const char *text, size_t n) {
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') i++;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > CONTROL_DEPTH_MAX) return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

int control_parse(const char *text, size_t n, struct control *ret, struct err *e) {
    json_error_t why;
    *ret = (struct control){0};
    if (is_too_deep(text, n))
        return err_set(e, G_CORRUPT, "control block is nested deeper than %d levels", CONTROL_DEPTH_MAX);
    *ret = (struct control){.json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why)};
    if (!ret->json) return err_set(e, G_CORRUPT, "control block is not JSON: %s", why.text);
    const char *type = json_string_value(json_object_get(ret->json, "type"));
    int g = 0;
    if (!json_is_object(ret->json) || !type) {
        g = err_set(e, G_CORRUPT, "control block is not a JSON object with a type");
    } else {
        ret->type = type_of(type);
        g = read_members(ret, e);
    }
    if (g < 0) control_release(ret);
    return g;
}

void control_release(struct control *c) {
    if (!c) return;
    json_decref(c->json);
    *c = (struct control){0};
}

/* Takes over `json`. */
static int append_json(struct buf *b, json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text) return G_NOMEM;
    int g = buf_puts(b, text);
    free(text);
    return g;
}

int control_source(struct buf *b, const char *topic) {
    return append_json(b, json_pack("{s:s, s:s}", "type", "source", "topic", topic));
}

int control_watermark(struct buf *b, int64_t time_ns) {
    return buf_printf(b, "{\"type\":\"watermark\",\"time\":%" PRId64 "}", time_ns);
}

int control_idle(struct buf *b) {
    return buf_puts(b, "{\"type\":\"idle\"}");
}

int control_end(struct buf *b, int status, uint64_t records, uint64_t bytes, const char *error) {
    json_t *json = json_pack("{s:s, s:i, s:I, s:I}", "type", "end", "status", status, "records", (json_int_t)records,
                             "bytes", (json_int_t)bytes);
    if (json && error) {
        json_t *words = json_stringn(error, strcspn(error, "\n")); /* without the caret below, which is for people */
        if (!words) words = json_string("(the message is not UTF-8)");
        if (json_object_set_new(json, "error", words) < 0) {
            json_decref(json);
            return G_NOMEM;
        }
    }
    return append_json(b, json);
}

/* Arguments are bytes, JSON is UTF-8: what is not UTF-8 is shown by a question mark. */
static json_t *argument(const char *text) {
    json_t *s = json_string(text);
    if (s) return s;
    char copy[4096];
    size_t n = strlen(text);
    if (n >= sizeof copy) n = sizeof copy - 1;
    for (size_t i = 0; i < n; i++) copy[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    return json_stringn(copy, n);
}

int control_start(struct buf *b, uint64_t run, const json_t *history, const char *tool, char *const *args,
                  int arg_count, int64_t now_ns) {
    json_t *list = history ? json_deep_copy(history) : json_array();
    json_t *words = json_array();
    for (int i = 0; i < arg_count; i++)
        if (json_array_append_new(words, argument(args[i])) < 0) {
            json_decref(list);
            json_decref(words);
            return G_NOMEM;
        }
    json_t *me = json_pack("{s:s, s:o, s:s, s:I}", "tool", tool, "args", words, "version", LEAT_VERSION, "time",
                           (json_int_t)now_ns);
    if (!me || json_array_append_new(list, me) < 0) {
        json_decref(list);
        return G_NOMEM;
    }
    return append_json(b, json_pack("{s:s, s:o, s:n, s:n, s:o}", "type", "start", "run", tree_hex(run, 16), "pipeline",
                                    "restore", "history", list));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a topic as text and as JSON: leat-log(5), section "Topic file". One table names them all. */
#include "log/settings.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "base/timefmt.h"

const struct topic_settings topic_settings_default = {
    .segment_size = 256u << 20,
    .tombstone_retention = INT64_C(86400000000000),
    .sync = {.mode = SYNC_BATCH},
    .max_record = 16u << 20,
};

#define VALUE_MAX 80

enum setting_kind { SET_SIZE, SET_DURATION, SET_BOOL, SET_CODEC, SET_SYNC };

static const struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset;
} settings[] = {
    {"segment_size", SET_SIZE, offsetof(struct topic_settings, segment_size)},
    {"retention_age", SET_DURATION, offsetof(struct topic_settings, retention_age)},
    {"retention_size", SET_SIZE, offsetof(struct topic_settings, retention_size)},
    {"compact", SET_BOOL, offsetof(struct topic_settings, compact)},
    {"tombstone_retention", SET_DURATION, offsetof(struct topic_settings, tombstone_retention)},
    {"codec", SET_CODEC, offsetof(struct topic_settings, zstd)},
    {"sync", SET_SYNC, offsetof(struct topic_settings, sync)},
    {"max_record", SET_SIZE, offsetof(struct topic_settings, max_record)},
};
#define SETTINGS (sizeof settings / sizeof *settings)

int sync_policy_parse(const char *text, struct sync_policy *ret, struct err *e) {
    *ret = (struct sync_policy){0};
    if (strcmp(text, "batch") == 0) {
        ret->mode = SYNC_BATCH;
    } else if (strcmp(text, "none") == 0) {
        ret->mode = SYNC_NONE;
    } else if (strncmp(text, "interval=", 9) == 0) {
        ret->mode = SYNC_INTERVAL;
        int g = duration_parse(text + 9, strlen(text + 9), 0, &ret->interval_ns, e);
        if (g < 0) return G_USAGE;
        if (ret->interval_ns <= 0) return err_set(e, G_USAGE, "sync interval '%s' is not above 0", text + 9);
    } else {
        return err_set(e, G_USAGE, "sync is batch, interval=DURATION or none, not '%s'", text);
    }
    return 0;
}

void sync_policy_format(const struct sync_policy *s, char out[SYNC_TEXT_MAX]) {
    char duration[DURATION_TEXT_MAX] = "";
    if (s->mode == SYNC_INTERVAL) duration_format(s->interval_ns, duration);
    (void)snprintf(out, SYNC_TEXT_MAX, "%s%s",
                   s->mode == SYNC_BATCH  ? "batch"
                   : s->mode == SYNC_NONE ? "none"
                                          : "interval=",
                   duration);
}

static int unknown_setting(const char *name, int n, struct err *e) {
    char list[300] = "";
    size_t at = 0;
    for (size_t i = 0; i < SETTINGS; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", settings[i].name);
    return err_set(e, G_USAGE, "there is no setting '%.*s'; there are %s", n, name, list);
}

static int check_ranges(const struct topic_settings *s, struct err *e) {
    if (s->segment_size < 4096) return err_set(e, G_USAGE, "segment_size is at least 4096");
    if (s->segment_size > UINT64_C(1) << 40) return err_set(e, G_USAGE, "segment_size is at most 1 TiB");
    if (s->max_record < 64 || s->max_record > (1u << 30))
        return err_set(e, G_USAGE, "max_record is between 64 and 1 GiB");
    return 0;
}

static int set_value(struct topic_settings *s, const struct setting *d, const char *value, struct err *e) {
    char *at = (char *)s + d->offset;
    int g = 0;
    switch (d->kind) {
    case SET_SIZE: g = size_parse(value, strlen(value), (uint64_t *)(void *)at, e); break;
    case SET_DURATION: g = duration_parse(value, strlen(value), 0, (int64_t *)(void *)at, e); break;
    case SET_SYNC: g = sync_policy_parse(value, (struct sync_policy *)(void *)at, e); break;
    case SET_BOOL:
    case SET_CODEC: {
        const char *no = d->kind == SET_BOOL ? "false" : "none", *yes = d->kind == SET_BOOL ? "true" : "zstd";
        if (strcmp(value, yes) != 0 && strcmp(value, no) != 0)
            return err_set(e, G_USAGE, "%s is %s or %s, not '%s'", d->name, no, yes, value);
        *(bool *)at = strcmp(value, yes) == 0;
        break;
    }
    }
    return g < 0 ? G_USAGE : check_ranges(s, e);
}

int topic_setting_parse(struct topic_settings *s, const char *assignment, struct err *e) {
    const char *eq = strchr(assignment, '=');
    if (!eq) return err_set(e, G_USAGE, "'%s' is not of the form name=value", assignment);
    size_t n = (size_t)(eq - assignment);
    for (size_t i = 0; i < SETTINGS; i++)
        if (strlen(settings[i].name) == n && memcmp(settings[i].name, assignment, n) == 0) {
            struct topic_settings changed = *s;
            int g = set_value(&changed, &settings[i], eq + 1, e);
            if (g == 0) *s = changed;
            return g;
        }
    return unknown_setting(assignment, (int)n, e);
}

static void value_text(const struct topic_settings *s, const struct setting *d, char out[VALUE_MAX]) {
    const char *at = (const char *)s + d->offset;
    switch (d->kind) {
    case SET_SIZE: (void)snprintf(out, VALUE_MAX, "%" PRIu64, *(const uint64_t *)(const void *)at); break;
    case SET_DURATION: {
        char duration[DURATION_TEXT_MAX];
        duration_format(*(const int64_t *)(const void *)at, duration);
        (void)snprintf(out, VALUE_MAX, "%s", duration);
        break;
    }
    case SET_BOOL: (void)snprintf(out, VALUE_MAX, "%s", *(const bool *)at ? "true" : "false"); break;
    case SET_CODEC: (void)snprintf(out, VALUE_MAX, "%s", *(const bool *)at ? "zstd" : "none"); break;
    case SET_SYNC: {
        char sync[SYNC_TEXT_MAX];
        sync_policy_format((const struct sync_policy *)(const void *)at, sync);
        (void)snprintf(out, VALUE_MAX, "%s", sync);
        break;
    }
    }
}

void topic_settings_each(const struct topic_settings *s, void (*fn)(void *ctx, const char *name, const char *value),
                         void *ctx) {
    for (size_t i = 0; i < SETTINGS; i++) {
        char value[VALUE_MAX];
        value_text(s, &settings[i], value);
        fn(ctx, settings[i].name, value);
    }
}

json_t *topic_settings_to_json(const struct topic_settings *s) {
    json_t *o = json_object();
    for (size_t i = 0; o && i < SETTINGS; i++) {
        char value[VALUE_MAX];
        value_text(s, &settings[i], value);
        if (json_object_set_new(o, settings[i].name, json_string(value)) < 0) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

int topic_settings_from_json(const json_t *o, struct topic_settings *ret, struct err *e) {
    *ret = topic_settings_default;
    for (size_t i = 0; i < SETTINGS; i++) {
        const char *value = json_string_value(json_object_get(o, settings[i].name));
        if (!value || set_value(ret, &settings[i], value, e) == 0) continue;
        if (e) e->grade = G_CORRUPT; /* not the words of this user */
        return G_CORRUPT;
    }
    return 0;
}

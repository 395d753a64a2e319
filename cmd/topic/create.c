/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic create, alter, delete. */
#include <stdio.h>
#include <string.h>

#include "cli/diag.h"
#include "topic.h"

static int apply_settings(const struct run *r, struct topic_settings *s, struct err *e) {
    for (size_t i = 0; i < r->o->set.count; i++) {
        int g = topic_setting_parse(s, r->o->set.item[i], e);
        if (g < 0) return g;
    }
    return 0;
}

int command_create(struct run *r, struct err *e) {
    struct topic_settings s = topic_settings_default;
    uint32_t partitions = r->o->partitions ? (uint32_t)r->o->partitions : 1;
    int g = apply_settings(r, &s, e);
    for (size_t i = 0; g == 0 && i < r->args->operands; i++) g = topic_name_check(r->args->operand[i], e);
    if (g < 0) return g; /* nothing was made yet */
    for (size_t i = 0; i < r->args->operands; i++) {
        const char *name = r->args->operand[i];
        g = topic_create(&r->log, name, partitions, &s, r->o->if_not_exists, e);
        if (g < 0) run_failed(r, g, e);
        if (g == 0) diag_info("created topic '%s' with %u partitions", name, partitions);
        if (g == 1) diag_info("topic '%s' is there already", name);
    }
    return 0;
}

struct values {
    char text[16][160];
    size_t count;
};

static void note_value(void *ctx, const char *name, const char *value) {
    struct values *v = ctx;
    if (v->count < 16) (void)snprintf(v->text[v->count++], sizeof v->text[0], "%s=%s", name, value);
}

/* What changed, a line for each. */
static int print_changes(struct run *r, const struct topic *t, const struct topic_settings *was, uint32_t partitions,
                         struct err *e) {
    struct values before = {.count = 0}, after = {.count = 0};
    int g = 0;
    topic_settings_each(was, note_value, &before);
    topic_settings_each(&t->settings, note_value, &after);
    for (size_t i = 0; g == 0 && i < before.count; i++) {
        if (strcmp(before.text[i], after.text[i]) == 0) continue;
        g = buf_printf(&r->out, "%s: %s, was %s\n", t->name, after.text[i], strchr(before.text[i], '=') + 1);
    }
    if (g == 0 && t->partitions != partitions)
        g = buf_printf(&r->out, "%s: %u partitions, was %u\n", t->name, t->partitions, partitions);
    return g < 0 ? err_nomem(e) : 0;
}

static int alter(struct run *r, struct topic *t, struct err *e) {
    struct topic_settings was = t->settings, s = t->settings;
    uint32_t partitions = t->partitions, want = r->o->partitions ? (uint32_t)r->o->partitions : partitions;
    int g = apply_settings(r, &s, e);
    if (g == 0) g = topic_alter(t, want, &s, e);
    if (g < 0) return g;
    if (want > partitions)
        diag_warn("records of topic '%s' that are produced from now on may go to other partitions than earlier ones of "
                  "their key",
                  t->name);
    return r->o->json ? 0 : print_changes(r, t, &was, partitions, e);
}

int command_alter(struct run *r, struct err *e) {
    struct topic_settings scratch = topic_settings_default;
    if (!r->o->partitions && !r->o->set.count)
        return err_set(e, G_USAGE, "nothing to alter: --set or --partitions is needed");
    int g = apply_settings(r, &scratch, e);
    return g < 0 ? g : each_topic(r, alter, e);
}

static int delete_topic(struct run *r, struct topic *t, struct err *e) {
    if (!r->o->dry_run) {
        int g = topic_delete(t, e);
        if (g == 0) diag_info("deleted topic '%s'", t->name);
        return g;
    }
    return buf_printf(&r->out, "topic '%s' would be deleted with its %u partitions\n", t->name, t->partitions) < 0
               ? err_nomem(e)
               : 0;
}

int command_delete(struct run *r, struct err *e) {
    return each_topic(r, delete_topic, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* leat group: the commands that only look. */
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "json/text.h"

static int describe_partition(struct run *r, struct group *g, uint32_t partition, struct err *e) {
    struct cursor c;
    struct standing s;
    int rc = cursor_open(&c, g->topic, partition, false, e);
    if (rc < 0) return rc;
    rc = standing_read(r, g, &c, &s, e);
    cursor_close(&c);
    if (rc < 0) return rc;
    standing_put(r, g, partition, &s);
    rows_number(&r->rows, "log_end_offset", s.end);
    if (s.position.known) {
        rows_number(&r->rows, "lag", s.end > s.position.offset ? s.end - s.position.offset : 0);
    } else {
        rows_missing(&r->rows, "lag");
    }
    rows_flag(&r->rows, "member", group_lease_held(g, partition));
    return rows_end(&r->rows, e);
}

static int describe_topic(struct run *r, struct group *g, void *ctx, struct err *e) {
    (void)ctx;
    for (uint32_t p = 0; p < g->topic->partitions; p++) {
        int rc = describe_partition(r, g, p, e);
        if (rc < 0) return rc;
    }
    return 0;
}

int command_describe(struct run *r, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < r->args->operands; i++) {
        g = each_topic(r, r->args->operand[i], describe_topic, NULL, e);
        if (g < 0) g = run_failed(r, g, e);
    }
    return g;
}

/* A group on one line. */
struct summary {
    struct buf topics; /* as in a table, or a JSON array without its brackets */
    uint32_t members;
    uint64_t lag;
};

static int add_topic_name(struct run *r, struct summary *s, const char *name) {
    if (r->rows.table) return buf_printf(&s->topics, "%s%s", s->topics.len ? "," : "", name);
    if (s->topics.len && buf_putc(&s->topics, ',') < 0) return G_NOMEM;
    return json_escape_append(&s->topics, name, strlen(name));
}

static int summarize_topic(struct run *r, struct group *g, void *ctx, struct err *e) {
    struct summary *s = ctx;
    s->members += group_members(g);
    if (add_topic_name(r, s, g->topic->name) < 0) return err_nomem(e);
    for (uint32_t p = 0; p < g->topic->partitions; p++) {
        struct cursor c;
        struct standing at;
        int rc = cursor_open(&c, g->topic, p, false, e);
        if (rc < 0) return rc;
        rc = standing_read(r, g, &c, &at, e);
        cursor_close(&c);
        if (rc < 0) return rc;
        uint64_t from = at.position.known ? at.position.offset : at.start;
        if (at.end > from) s->lag += at.end - from;
    }
    return 0;
}

static int list_group(struct run *r, const char *name, struct err *e) {
    struct summary s = {0};
    int g = each_topic(r, name, summarize_topic, &s, e);
    if (g == 0) {
        const char *topics = buf_cstr(&s.topics);
        rows_text(&r->rows, "group", name);
        if (r->rows.table) {
            rows_text(&r->rows, "topics", topics && *topics ? topics : NULL);
        } else {
            struct buf array = {0};
            g = buf_printf(&array, "[%s]", topics ? topics : "");
            if (g == 0) rows_json(&r->rows, "topics", array.data, array.len);
            buf_release(&array);
        }
        rows_number(&r->rows, "members", s.members);
        rows_number(&r->rows, "lag", s.lag);
        g = g < 0 ? err_nomem(e) : rows_end(&r->rows, e);
    }
    buf_release(&s.topics);
    return g;
}

static int print_name(struct run *r, const char *name, struct err *e) {
    if (r->rows.out.format == OUT_LINES) return rows_line(&r->rows, name, strlen(name), e);
    rows_text(&r->rows, "group", name);
    return rows_end(&r->rows, e);
}

int command_list(struct run *r, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = group_list(&r->log, &names, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) {
        g = r->o->names ? print_name(r, names[i], e) : list_group(r, names[i], e);
        if (g < 0) g = run_failed(r, g, e);
    }
    topic_list_free(names, count);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat consume: records of topics to standard output. The loop: share partitions, pump each source, and when none has
 * anything flush, commit and sleep until a producer rings.
 */
#include "consume.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "cli/diag.h"
#include "cli/stage_options.h"
#include "sys/futex.h"
#include "sys/pipes.h"
#include "sys/signals.h"
#include "sys/sys.h"

struct options {
    struct log_options log;
    struct output_options output;
    struct stats_options stats;
    const char *offset, *group;
    struct option_list partitions;
    uint64_t count;
    int64_t out_of_order_ns, idle_after_ns;
    bool exit_at_end, uncommitted;
};

static const struct option_spec option_table[] = {
    {.letter = 'o',
     .name = "offset",
     .kind = OPTION_STRING,
     .arg = "OFFSET",
     .section = "What to read",
     .help = "where to begin, or a range: beginning, end, stored, N, -N, +N, @TIME, A:B (default beginning)",
     .offset = offsetof(struct options, offset)},
    {.letter = 'p',
     .name = "partition",
     .kind = OPTION_LIST,
     .arg = "N",
     .help = "read only this partition (repeatable)",
     .offset = offsetof(struct options, partitions)},
    {.letter = 'c',
     .name = "count",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "stop after N records",
     .offset = offsetof(struct options, count)},
    {.letter = 'e',
     .name = "exit",
     .kind = OPTION_FLAG,
     .help = "stop at the end instead of waiting for more",
     .offset = offsetof(struct options, exit_at_end)},
    {.letter = 'G',
     .name = "group",
     .kind = OPTION_STRING,
     .arg = "GROUP",
     .complete = "group",
     .help = "share the partitions with the other members of this group, and go on where it left off",
     .offset = offsetof(struct options, group)},
    {.name = "read-uncommitted",
     .kind = OPTION_FLAG,
     .help = "read what is not durable yet, too: it can vanish in a power cut",
     .offset = offsetof(struct options, uncommitted)},
    {.name = "out-of-order",
     .kind = OPTION_DURATION,
     .arg = "DURATION",
     .help = "send watermarks: records are at most this much out of order",
     .offset = offsetof(struct options, out_of_order_ns)},
    {.name = "idle-after",
     .kind = OPTION_DURATION,
     .arg = "DURATION",
     .help = "a partition without records for so long does not hold others back (default 1s)",
     .offset = offsetof(struct options, idle_after_ns)},
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "consume",
    .summary = "read records of topics",
    .operands = "TOPIC...",
    .complete = "topic",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Writes the records of the topics (names, or patterns such as 'web.*') to standard output, from the "
                   "beginning, and then waits for more; -e stops at the end.",
    .examples = "  leat consume clicks -e | leat show\n"
                "  leat consume clicks -o -10 -e -j\n"
                "  leat consume clicks -o @-1h: -G report",
};

static int open_one_topic(struct consumer *c, const char *name, struct err *e) {
    for (size_t i = 0; i < c->topic_count; i++)
        if (strcmp(c->topics[i].topic.name, name) == 0) return 0;
    struct consumed *p = realloc(c->topics, (c->topic_count + 1) * sizeof *p);
    if (!p) return err_nomem(e);
    c->topics = p;
    struct consumed *t = &p[c->topic_count];
    *t = (struct consumed){0};
    int g = topic_open(&t->topic, &c->log, name, e);
    if (g == 0) c->topic_count++;
    return g;
}

static int open_topics(struct consumer *c, const struct arguments *args, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < args->operands; i++) {
        const char *name = args->operand[i];
        if (!strpbrk(name, "*?[")) {
            g = open_one_topic(c, name, e);
            continue;
        }
        char **names = NULL;
        size_t n = 0;
        g = topic_list(&c->log, name, &names, &n, e);
        if (g == 0 && n == 0) g = err_set(e, G_ABSENT, "no topic in '%s' is like '%s'", c->log.path, name);
        for (size_t k = 0; g == 0 && k < n; k++) g = open_one_topic(c, names[k], e);
        topic_list_free(names, n);
    }
    return g;
}

static bool wants_partition(const uint32_t *wanted, size_t n, uint32_t partition) {
    for (size_t i = 0; i < n; i++)
        if (wanted[i] == partition) return true;
    return n == 0;
}

static int add_source(struct consumer *c, struct consumed *t, uint32_t partition, bool added, struct err *e) {
    struct source **p = realloc(c->sources, (c->source_count + 1) * sizeof *p);
    if (p) c->sources = p;
    struct source *s = p ? calloc(1, sizeof *s) : NULL;
    if (!s) return err_nomem(e);
    *s = (struct source){.of = t, .partition = partition, .state = SOURCE_AWAY, .added = added};
    c->sources[c->source_count++] = s;
    return 0;
}

/* Topics do not move any more: sources, groups and cursors point to them. */
static int make_sources(struct consumer *c, const uint32_t *wanted, size_t wanted_count, struct err *e) {
    c->growing = wanted_count == 0 && !c->exit_at_end && !c->range.has_to;
    for (size_t i = 0; i < c->topic_count; i++) {
        struct consumed *t = &c->topics[i];
        for (size_t w = 0; w < wanted_count; w++)
            if (wanted[w] >= t->topic.partitions)
                return err_set(e, G_USAGE, "topic '%s' has %u partitions; there is no partition %u", t->topic.name,
                               t->topic.partitions, wanted[w]);
        int g = c->group ? group_open(&t->group, &c->log, c->group, &t->topic, true, e) : 0;
        for (uint32_t p = 0; g == 0 && p < t->topic.partitions; p++)
            if (wants_partition(wanted, wanted_count, p)) g = add_source(c, t, p, false, e);
        if (g < 0) return g;
    }
    return 0;
}

static int add_partitions(struct consumer *c, struct consumed *t, uint32_t before, struct err *e) {
    int g = c->group ? group_grow(&t->group, before, e) : 0;
    for (uint32_t p = before; g == 0 && p < t->topic.partitions; p++) {
        g = add_source(c, t, p, true, e);
        if (g == 0 && !c->group) g = source_open(c, c->sources[c->source_count - 1], e);
    }
    if (g == 0) diag_info("topic '%s' has %u partitions now, and had %u", t->topic.name, t->topic.partitions, before);
    return g;
}

/* Whoever adds partitions rings, as a producer does. A topic file that cannot be read is no reason to stop: what we
 * read, we know. */
static int find_partitions(struct consumer *c, struct err *e) {
    for (size_t i = 0; c->growing && i < c->topic_count; i++) {
        struct consumed *t = &c->topics[i];
        if (t->looked && t->wake_looked == t->wake_seen) continue;
        t->looked = true;
        t->wake_looked = t->wake_seen;
        uint32_t before = t->topic.partitions;
        struct err why;
        int found = topic_refresh(&t->topic, &why);
        if (found < 0) diag_warning(&why);
        int g = found == 1 ? add_partitions(c, t, before, e) : 0;
        if (g < 0) return g;
    }
    return 0;
}

/* With a group the end is the group's: a member stays to take over what another one dies over. */
static int all_done(struct consumer *c, struct err *e) {
    for (size_t i = 0; i < c->source_count; i++) {
        struct source *s = c->sources[i];
        if (s->state == SOURCE_DONE) continue;
        if (s->state != SOURCE_AWAY) return 0;
        /* With --output nobody commits before the end: two of us would wait for each other. */
        if (c->output.config.file && !group_owns(&s->of->share, s->partition)) continue;
        int g = source_was_read(c, s, e);
        if (g != 1) return g;
    }
    return 1;
}

/* 1: everything that was asked for has been put out. */
static int at_end(struct consumer *c, struct err *e) {
    if (c->left == 0) return 1;
    if (!c->exit_at_end && !c->range.has_to) return 0;
    return all_done(c, e);
}

/* A partition at its end is idle when it has been so for a while: others catch up at their own speed, and what it has
 * in a moment is not late. *wait_ns gets smaller where the next one is due sooner. */
static int mark_idle(struct consumer *c, struct source *s, int64_t *wait_ns, struct err *e) {
    int64_t now = sys.boot_ns();
    if (c->exit_at_end) s->state = SOURCE_DONE;
    if (s->moved_ns == 0) s->moved_ns = now;
    int64_t left = c->exit_at_end || s->idle ? 0 : c->idle_after_ns - (now - s->moved_ns);
    if (left <= 0) return source_mark_idle(c, s, e);
    if (left < *wait_ns) *wait_ns = left;
    return 0;
}

/* Nothing to read anywhere: show what there is, commit, and wait for a ring. 1: this is the end. */
static int rest(struct consumer *c, struct err *e) {
    bool waiting = c->group || c->queue_len > 0;
    int64_t wait_ns = waiting ? INT64_C(50000000) : INT64_C(1000000000);
    int g = 0;
    for (size_t i = 0; g == 0 && i < c->source_count; i++)
        if (c->sources[i]->state == SOURCE_READING) g = mark_idle(c, c->sources[i], &wait_ns, e);
    if (g == 0) g = output_flush(&c->output, e);
    if (g == 0) g = membership_commit(c, c->exit_at_end, e);
    if (g == 0) g = at_end(c, e);
    if (g != 0) return g;
    if (pipe_abandoned(c->output.writer.fd)) return err_set(e, G_PIPE, "the reader of standard output went away");
    const uint32_t *words[FUTEX_WORDS_MAX];
    uint32_t seen[FUTEX_WORDS_MAX];
    unsigned n = 0;
    for (size_t i = 0; i < c->topic_count && n < FUTEX_WORDS_MAX; i++, n++) {
        words[n] = c->topics[i].topic.wake;
        seen[n] = c->topics[i].wake_seen;
    }
    if (c->topic_count > FUTEX_WORDS_MAX) n = 0; /* too many to sleep on: look again soon */
    futex_wait_any(words, seen, n, wait_ns);
    return 0;
}

static void note_wake_words(struct consumer *c) {
    for (size_t i = 0; i < c->topic_count; i++)
        c->topics[i].wake_seen = atomic_load((_Atomic uint32_t *)c->topics[i].topic.wake);
}

static int pump_all(struct consumer *c, bool *ret_moved, struct err *e) {
    *ret_moved = false;
    for (size_t i = 0; i < c->source_count && c->left > 0; i++) {
        struct source *s = c->sources[i];
        if (s->state != SOURCE_READING) continue;
        int g = source_pump(c, s, e);
        if (g < 0) return g;
        *ret_moved |= g == 1;
    }
    return 0;
}

static void show_progress(const struct consumer *c, struct progress *p) {
    p->records_in = p->records_out = c->records;
    p->bytes_in = p->bytes_out = c->bytes_out;
    for (size_t i = 0; i < c->source_count; i++)
        if (c->sources[i]->open && c->sources[i]->max_time != NO_TIME) {
            if (!p->has_event_time || c->sources[i]->max_time > p->event_time_ns)
                p->event_time_ns = c->sources[i]->max_time;
            p->has_event_time = true;
        }
    progress_check(p);
}

static int consume(struct consumer *c, struct progress *p, struct err *e) {
    int g = 0;
    while (g == 0 && c->left > 0) {
        if (signals_stop()) return err_set(e, G_STOPPED, "stopped");
        bool moved = false;
        note_wake_words(c);
        g = find_partitions(c, e);
        if (g == 0) g = membership_update(c, false, e);
        if (g == 0) g = pump_all(c, &moved, e);
        if (g == 0) g = moved ? membership_commit(c, false, e) : rest(c, e);
        show_progress(c, p);
    }
    return g < 0 ? g : 0;
}

static int open_sources(struct consumer *c, struct err *e) {
    if (c->group) return membership_update(c, true, e);
    int g = 0;
    for (size_t i = 0; g == 0 && i < c->source_count; i++) g = source_open(c, c->sources[i], e);
    return g;
}

/* The end block, what is still in the pipe, and the last commit. A follower that is asked to stop has done its work. */
static int finish(struct consumer *c, int g, struct err *e) {
    bool following = !c->exit_at_end && !c->range.has_to && c->left == UINT64_MAX;
    if (g == G_STOPPED && following && !c->output.writer.broken) g = 0;
    struct err late;
    int status = g == G_STOPPED ? 128 + signals_stop() : grade_exit_code(g);
    int f = g == G_PIPE ? 0 : output_end(&c->output, status, e->text, &late);
    if (f == 0 && g != G_PIPE) f = output_flush(&c->output, &late);
    int closed = output_close(&c->output, g == 0 && f == 0, f == 0 ? &late : NULL);
    if (f == 0) f = closed;
    c->file_complete = g == 0 && f == 0;
    if (f == 0) f = membership_leave(c, &late);
    if (g == 0 && f < 0) {
        *e = late;
        g = f;
    }
    return g;
}

static void release(struct consumer *c) {
    for (size_t i = 0; i < c->source_count; i++) {
        source_close(c->sources[i]);
        free(c->sources[i]);
    }
    for (size_t i = 0; i < c->topic_count; i++) {
        group_close(&c->topics[i].group);
        topic_close(&c->topics[i].topic);
    }
    free(c->sources);
    free(c->topics);
    free(c->queue);
    buf_release(&c->bytes);
    buf_release(&c->raw);
    buf_release(&c->control);
    log_close(&c->log);
}

static int parse_partitions(const struct option_list *list, uint32_t **ret, struct err *e) {
    *ret = calloc(list->count + 1, sizeof **ret);
    if (!*ret) return err_nomem(e);
    for (size_t i = 0; i < list->count; i++) {
        char *end;
        unsigned long v = strtoul(list->item[i], &end, 10);
        if (*list->item[i] < '0' || *list->item[i] > '9' || *end || v >= TOPIC_PARTITIONS_MAX)
            return err_set(e, G_USAGE, "'%s' is no partition", list->item[i]);
        (*ret)[i] = (uint32_t)v;
    }
    return 0;
}

static int run(struct consumer *c, const struct options *o, const struct arguments *args,
               const struct stage_config *provenance, struct progress *p, struct err *e) {
    struct output_config out;
    uint32_t *wanted = NULL;
    int g = output_config(&o->output, &out, e);
    if (g == 0 && o->offset) g = offset_parse(o->offset, sys.wall_ns(), &c->range, e);
    bool stored = c->range.from.kind == OFFSET_STORED || c->range.to.kind == OFFSET_STORED;
    if (g == 0 && stored && !c->group) g = err_set(e, G_USAGE, "offset 'stored' needs a group: -G");
    if (g == 0) g = parse_partitions(&o->partitions, &wanted, e);
    if (g == 0) g = log_open(&c->log, o->log.dir, false, o->log.force_fs, e);
    if (g == 0) g = open_topics(c, args, e);
    if (g == 0) g = make_sources(c, wanted, o->partitions.count, e);
    if (g == 0) g = output_open(&c->output, &out, e);
    free(wanted);
    if (g < 0) return g;
    tool_sandbox(c->log.path, NULL, 0, false, o->output.file);
    const struct output_lineage lineage = {
        .tool = tool.name, .args = provenance->args, .arg_count = provenance->arg_count};
    g = output_start(&c->output, &lineage, e);
    if (g == 0) g = open_sources(c, e);
    if (g == 0) g = consume(c, p, e);
    return finish(c, g, e);
}

int main(int argc, char **argv) {
    struct options o = {.count = UINT64_MAX, .out_of_order_ns = -1, .idle_after_ns = NS_PER_S};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct consumer c = {
        .group = o.group,
        .exit_at_end = o.exit_at_end,
        .uncommitted = o.uncommitted,
        .watermarks = o.out_of_order_ns >= 0,
        .out_of_order_ns = o.out_of_order_ns,
        .idle_after_ns = o.idle_after_ns,
        .left = o.count,
        .log = LOG_CLOSED,
    };
    struct progress progress = {0};
    struct stage_config provenance = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&provenance, tool.name, argc, argv, &args, &progress);
    progress_begin(&progress, &o.stats);
    int g = run(&c, &o, &args, &provenance, &progress, &e);
    show_progress(&c, &progress);
    progress_end(&progress);
    release(&c);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}

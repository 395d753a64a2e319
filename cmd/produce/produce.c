/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat produce: records into a topic. The stage reads and validates, the appender batches and makes durable; what is
 * here is what lies between them: key, time, headers, tombstones, acknowledgements.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "expr/record_field.h"
#include "log/appender.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"
#include "json/text.h"

struct options {
    struct log_options log;
    struct input_options input;
    struct error_options errors;
    struct stats_options stats;
    const char *key;
    const char *key_delimiter;
    struct option_list headers;
    uint64_t partition, partitions;
    bool tombstones, no_create, ack, follow, envelope;
    struct option_choice sync;
};
#define NO_PARTITION UINT64_MAX
#define CLOCK_RECORDS 32

static const struct option_spec option_table[] = {
    {.letter = 'k',
     .name = "key",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .section = "Records",
     .help = "take the key from the value by this expression, such as .user.id",
     .offset = offsetof(struct options, key)},
    {.letter = 'K',
     .name = "key-delimiter",
     .kind = OPTION_STRING,
     .arg = "TEXT",
     .help = "each line is a key, this text, and the value",
     .offset = offsetof(struct options, key_delimiter)},
    {.letter = 'H',
     .name = "header",
     .kind = OPTION_LIST,
     .arg = "NAME=VALUE",
     .help = "add a header to each record (repeatable)",
     .offset = offsetof(struct options, headers)},
    {.letter = 'Z',
     .name = "tombstones",
     .kind = OPTION_FLAG,
     .help = "an empty value is a tombstone: it deletes its key",
     .offset = offsetof(struct options, tombstones)},
    {.letter = 'p',
     .name = "partition",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .max = TOPIC_PARTITIONS_MAX,
     .help = "write to this partition instead of choosing by key",
     .section = "Topic",
     .offset = offsetof(struct options, partition)},
    {.name = "partitions",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .min = 1,
     .max = TOPIC_PARTITIONS_MAX,
     .help = "partitions of a topic that is created now (default 1)",
     .offset = offsetof(struct options, partitions)},
    {.name = "no-create",
     .kind = OPTION_FLAG,
     .help = "fail if the topic does not exist",
     .offset = offsetof(struct options, no_create)},
    {.name = "sync",
     .kind = OPTION_CHOICE,
     .arg = "POLICY",
     .choices = "batch|interval=D|none",
     .help = "when records are made durable (default: the topic's policy, batch)",
     .man =
         "When records are made durable.\n.Cm batch :\nbefore they are acknowledged.\n.Cm interval Ns = Ns Ar D :\n"
         "every\n.Ar D ;\na power cut can cost that much.\n.Cm none :\nwhen the system sees fit; a power cut can cost "
         "all that it had not written, and readers may have seen records that are gone then.\nNo policy loses "
         "anything when a process is killed.\nThe default is the topic's policy.",
     .offset = offsetof(struct options, sync)},
    {.name = "ack",
     .kind = OPTION_FLAG,
     .help = "print topic/partition@offset of each record once it is durable",
     .offset = offsetof(struct options, ack)},
    {.letter = 'J',
     .name = "envelope",
     .kind = OPTION_FLAG,
     .section = "Input",
     .help = "the input is the JSON envelope, the same as --in envelope",
     .offset = offsetof(struct options, envelope)},
    {.name = "follow",
     .kind = OPTION_FLAG,
     .help = "go on when the files grow or are replaced, like tail -F",
     .offset = offsetof(struct options, follow)},
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "produce",
    .summary = "write records to a topic",
    .operands = "TOPIC [FILE...]",
    .complete = "topic file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Reads JSON lines, CSV, TSV, access logs, plain lines, length-prefixed blobs, the JSON envelope or "
                   "blocks from the files or standard input, and appends them to TOPIC, which is created if it does "
                   "not exist.",
    .examples = "  leat gen clicks -c 1000 | leat produce clicks --key .user --time .ts\n"
                "  leat produce access --follow /var/log/nginx/access.log",
};

struct producer {
    const struct options *o;
    struct appender *appender;
    struct expr_set *set; /* --key and --time */
    struct expr_run *run; /* NULL when there is neither */
    struct key_field key;
    struct time_field time;
    struct buf headers;     /* from -H, encoded */
    struct buf all_headers; /* the record's and those */
    struct buf scratch;
    struct buf acks;
    bool lines_with_key;
    bool arrival_time; /* the format has no times: the clock gives one */
    int64_t clock_ns;
    uint32_t clock_uses; /* since it was asked */
    struct json_validator json;
    struct text_in_config input;
    struct sync_policy sync; /* when there is an option for it */
    struct progress *progress;
};

static int flush_acks(struct producer *p, struct err *e) {
    int g = p->acks.len ? file_write_all(STDOUT_FILENO, p->acks.data, p->acks.len, "standard output", e) : 0;
    buf_clear(&p->acks);
    return g;
}

static int on_acked(void *ctx, const char *topic, uint32_t partition, uint64_t offset, struct err *e) {
    struct producer *p = ctx;
    if (buf_printf(&p->acks, "%s/%u@%" PRIu64 "\n", topic, partition, offset) < 0) return err_nomem(e);
    return p->acks.len > 64 * 1024 ? flush_acks(p, e) : 0;
}

static void on_notice(void *ctx, const char *text) {
    (void)ctx;
    diag_warn("%s", text);
}

/* "key DELIMITER value", as kcat -K has it. */
static int split_key(struct producer *p, struct record *r, struct err *e) {
    const char *delimiter = p->o->key_delimiter;
    size_t n = strlen(delimiter);
    const char *at = memmem(r->value, r->value_size, delimiter, n);
    if (!at) return err_set(e, G_DATA, "line has no key: '%s' does not occur", delimiter);
    r->has_key = true;
    r->key = r->value;
    r->key_size = (size_t)(at - r->value);
    r->value_size -= r->key_size + n;
    r->value = at + n;
    return 0;
}

/* What stands behind the key: JSON unless --value says otherwise; nothing at all is an empty value. */
static int type_of_rest(struct producer *p, struct record *r, struct err *e) {
    struct json_fault fault;
    if (p->input.kind == KIND_BYTES || r->value_size == 0) return 0;
    r->value_type = VALUE_JSON;
    if (p->input.kind == KIND_TEXT) {
        buf_clear(&p->scratch);
        if (json_escape_append(&p->scratch, r->value, r->value_size) < 0)
            return err_set(e, G_DATA, "value is not UTF-8");
        r->value = p->scratch.data;
        r->value_size = p->scratch.len;
        return 0;
    }
    int g = json_validate(&p->json, r->value, r->value_size, &fault);
    return g == G_DATA ? err_set(e, G_DATA, "value is not JSON: %s at byte %zu", fault.reason, fault.at) : g;
}

static int set_headers(struct producer *p, struct record *r, struct err *e) {
    if (p->headers.len == 0) return 0;
    if (r->headers_size + p->headers.len > RECORD_HEADERS_MAX)
        return err_set(e, G_DATA, "headers of a record are over the limit of %u bytes", RECORD_HEADERS_MAX);
    buf_clear(&p->all_headers);
    if (buf_append(&p->all_headers, r->headers, r->headers_size) < 0 ||
        buf_append(&p->all_headers, p->headers.data, p->headers.len) < 0)
        return err_nomem(e);
    r->headers = p->all_headers.data;
    r->headers_size = p->all_headers.len;
    return 0;
}

static int set_time(struct producer *p, const struct stage *s, struct record *r, struct err *e) {
    bool tombstone = r->value_type == VALUE_NONE && r->time != NO_TIME; /* it has no field, but a time */
    if (p->time.used && !tombstone) return time_field_get(&p->time, p->run, &r->time, e);
    if (r->time != NO_TIME || !s->text || !p->arrival_time) return 0;
    /* In a flood one look at the clock serves a few records; behind a wait the clock is always asked. */
    if (p->clock_uses++ % CLOCK_RECORDS == 0) p->clock_ns = sys.wall_ns();
    r->time = p->clock_ns;
    return 0;
}

static int set_key(struct producer *p, struct record *r, struct err *e) {
    if (!p->key.used || r->value_type == VALUE_NONE) return 0; /* a tombstone has no field, but its own key */
    int g = key_field_get(&p->key, p->run, &r->key, &r->key_size, e);
    if (g < 0) return g;
    r->has_key = g == 1;
    if (g == 0) r->key_size = 0;
    return 0;
}

static int on_record(void *ctx, struct stage *s, const struct record *in, struct err *e) {
    struct producer *p = ctx;
    struct record r = *in;
    int g = 0;
    if (p->lines_with_key && s->text) {
        g = split_key(p, &r, e);
        if (g == 0) g = type_of_rest(p, &r, e);
    }
    if (p->run) record_begin(p->run, s, &r);
    if (g == 0) g = set_key(p, &r, e);
    if (g == 0) g = set_time(p, s, &r, e);
    if (g == 0) g = set_headers(p, &r, e);
    if (g < 0) return g;
    bool empty =
        r.value_size == 0 || (r.value_type == VALUE_JSON && r.value_size == 2 && memcmp(r.value, "\"\"", 2) == 0);
    if (p->o->tombstones && empty) {
        r.value_type = VALUE_NONE;
        r.value_size = 0;
    }
    g = appender_put(p->appender, &r, e);
    if (g < 0) return g;
    p->progress->records_out++;
    p->progress->bytes_out += r.value_size;
    return 0;
}

static int on_idle(void *ctx, struct stage *s, struct err *e) {
    struct producer *p = ctx;
    int g = appender_sync(p->appender, false, e);
    s->wake_ns = appender_due_ns(p->appender);
    p->clock_uses = 0;
    return g < 0 ? g : flush_acks(p, e);
}

static int on_end(void *ctx, struct stage *s, struct err *e) {
    (void)s;
    struct producer *p = ctx;
    int g = appender_sync(p->appender, true, e);
    return g < 0 ? g : flush_acks(p, e);
}

static int parse_headers(const struct option_list *list, struct buf *headers, struct err *e) {
    for (size_t i = 0; i < list->count; i++) {
        const char *eq = strchr(list->item[i], '=');
        if (!eq || eq == list->item[i]) return err_set(e, G_USAGE, "header '%s' is not NAME=VALUE", list->item[i]);
        if (record_header_append(headers, list->item[i], (size_t)(eq - list->item[i]), eq + 1, strlen(eq + 1), e) < 0)
            return G_USAGE;
    }
    return 0;
}

static int parse_sync(struct producer *p, struct err *e) {
    char text[64];
    const struct option_choice *sync = &p->o->sync;
    if (!sync->at) return 0;
    (void)snprintf(text, sizeof text, "%s%s%s", sync->word, sync->arg ? "=" : "", sync->arg ? sync->arg : "");
    return sync_policy_parse(text, &p->sync, e);
}

/* Both expressions share one pass over the record. */
static int field_config(struct producer *p, struct err *e) {
    const struct options *o = p->o;
    p->set = expr_set_new(EXPR_AUTO);
    if (!p->set) return err_nomem(e);
    int g = key_field_init(&p->key, p->set, "--key", o->key, e);
    if (g == 0) g = time_field_init(&p->time, p->set, o->input.time, o->input.time_format, o->input.tz, e);
    return g == 0 && (p->key.used || p->time.used) ? expr_run_new(p->set, &p->run, e) : g;
}

static int prepare(struct producer *p, struct stage_config *c, struct err *e) {
    const struct options *o = p->o;
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = field_config(p, e);
    if (g == 0) g = parse_headers(&o->headers, &p->headers, e);
    if (g == 0) g = parse_sync(p, e);
    if (g < 0) return g;
    if (o->envelope) c->input.format = IN_ENVELOPE;
    if (o->envelope && o->key_delimiter)
        return err_set(e, G_USAGE, "--envelope and --key-delimiter exclude each other");
    p->input = c->input;
    p->arrival_time = c->input.format != IN_ENVELOPE;
    p->lines_with_key = o->key_delimiter != NULL;
    if (p->lines_with_key && (o->key || o->key_delimiter[0] == '\0'))
        return err_set(e, G_USAGE,
                       o->key ? "--key and --key-delimiter exclude each other" : "the key delimiter is empty");
    if (p->lines_with_key) {
        c->input.format = IN_LINES;
        c->input.kind = KIND_BYTES;
    }
    if (o->follow && c->file_count == 0) return err_set(e, G_USAGE, "--follow needs a file");
    c->follow = o->follow;
    error_config(&o->errors, c);
    return json_validator_init(&p->json, NULL) < 0 ? err_nomem(e) : 0;
}

static int open_topic(const struct options *o, const struct log *log, const char *name, struct topic *t,
                      struct err *e) {
    int g = topic_open(t, log, name, e);
    if (g != G_ABSENT || o->no_create) return g;
    struct topic_settings settings = topic_settings_default;
    uint32_t partitions = o->partitions ? (uint32_t)o->partitions : 1;
    if (o->input.max_record_bytes > settings.max_record) settings.max_record = o->input.max_record_bytes;
    if (o->partition != NO_PARTITION && o->partition >= partitions)
        return err_set(e, G_USAGE, "topic '%s' would be made with %u partitions; there is no partition %" PRIu64, name,
                       partitions, o->partition);
    g = topic_create(log, name, partitions, &settings, true, e);
    return g < 0 ? g : topic_open(t, log, name, e);
}

static int open_appender(struct producer *p, struct topic *t, struct err *e) {
    struct appender_config c = {
        .sync = p->o->sync.at ? p->sync : t->settings.sync,
        .partition = p->o->partition == NO_PARTITION ? -1 : (int64_t)p->o->partition,
        .validated = true,
        .acked = p->o->ack ? on_acked : NULL,
        .notice = on_notice,
        .ctx = p,
    };
    int g = 0;
    if (p->input.record_limit > t->settings.max_record && p->o->input.max_record_bytes)
        g = err_set(e, G_USAGE,
                    "topic '%s' takes records of at most %" PRIu64
                    " bytes; 'leat topic alter --set max_record=…' raises it",
                    t->name, t->settings.max_record);
    return g < 0 ? g : appender_open(&p->appender, t, &c, e);
}

/* What was read before the fault is kept, and acknowledged. */
static void keep_the_rest(struct producer *p, int g) {
    struct err late;
    int k = appender_sync(p->appender, true, &late);
    if (k == 0 && g != G_IO && g != G_PIPE) k = flush_acks(p, &late);
    if (k < 0 && g != G_IO) diag_error(&late);
}

/* The first input, before a topic is made for nothing. */
static int check_input(const struct stage_config *c, struct err *e) {
    if (c->file_count == 0 || c->follow || strcmp(c->files[0], "-") == 0 || access(c->files[0], R_OK) == 0) return 0;
    return err_sys(e, errno, "cannot open '%s'", c->files[0]);
}

static int run(struct producer *p, struct stage_config *c, const char *name, struct err *e) {
    static const struct stage_ops ops = {.record = on_record, .idle = on_idle, .end = on_end};
    struct log log;
    struct topic topic = {.dir = -1};
    struct stage stage;
    int g = topic_name_check(name, e);
    if (g == 0) g = check_input(c, e);
    if (g == 0) g = log_open(&log, p->o->log.dir, !p->o->no_create, p->o->log.force_fs, e);
    if (g < 0) return g;
    g = open_topic(p->o, &log, name, &topic, e);
    if (g == 0) g = open_appender(p, &topic, e);
    if (g == 0) g = letters_open(c, &log, &p->o->errors, &p->o->log, e);
    if (g == 0) {
        c->no_output = true;
        stage_sandbox(c, log.path);
        g = stage_run(&stage, c, &ops, p, e);
        if (g < 0) keep_the_rest(p, g);
    }
    appender_free(p->appender);
    topic_close(&topic);
    return letters_close(c, &log, g, e);
}

int main(int argc, char **argv) {
    struct options o = {.partition = NO_PARTITION};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct producer p = {.o = &o, .progress = &progress};
    struct stage_config config = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    config.files++; /* the first operand is the topic */
    config.file_count--;
    int g = prepare(&p, &config, &e);
    if (g == 0) {
        progress.end_bytes = o.follow ? 0 : input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&p, &config, args.operand[0], &e);
        progress_end(&progress);
    }
    time_field_release(&p.time);
    expr_run_free(p.run);
    expr_set_free(p.set);
    json_validator_release(&p.json);
    buf_release(&p.headers);
    buf_release(&p.all_headers);
    buf_release(&p.scratch);
    buf_release(&p.acks);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}

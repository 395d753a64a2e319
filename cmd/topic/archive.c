/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic export, import. */
#include "log/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "cli/diag.h"
#include "cli/progress.h"
#include "stream/output.h"
#include "sys/sys.h"
#include "topic.h"

static bool is_standard(const char *file) {
    return strcmp(file, "-") == 0;
}

static void show(void *ctx, uint64_t done, uint64_t total) {
    struct progress *p = ctx;
    p->bytes_in = done;
    p->end_bytes = total;
    progress_tick(p);
}

/* What was done, unless the archive itself is where it would be printed. */
static int print_done(struct run *r, const char *verb, const char *topic, const struct archive_report *a,
                      const json_t *more, struct err *e) {
    char size[SIZE_TEXT_MAX], packed[SIZE_TEXT_MAX];
    size_format(size, a->bytes);
    size_format(packed, a->archive);
    if (r->o->json) {
        json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "topic", topic, "partitions", (json_int_t)a->partitions,
                              "segments", (json_int_t)a->segments, "records", (json_int_t)a->records, "bytes",
                              (json_int_t)a->bytes, "archive_bytes", (json_int_t)a->archive);
        if (o && more) (void)json_object_update(o, (json_t *)(uintptr_t)more);
        return run_json(r, o, e);
    }
    if (r->args->verbosity < 0) return 0;
    int n = buf_printf(
        &r->out, "%s: %s %" PRIu64 " partitions, %" PRIu64 " segments, %" PRIu64 " records, %s; the archive has %s\n",
        topic, verb, a->partitions, a->segments, a->records, size, packed);
    return n < 0 ? err_nomem(e) : 0;
}

/* ---- export ---- */

static int parse_range(const char *text, struct offset_range_spec *ret, struct err *e) {
    int g = offset_parse(text, sys.wall_ns(), ret, e);
    if (g == 0 && (ret->from.kind == OFFSET_STORED || ret->to.kind == OFFSET_STORED))
        g = err_set(e, G_USAGE, "offset 'stored' is that of a group, and an export has none");
    return g;
}

static int parse_only(const struct option_list *list, uint32_t **ret, struct err *e) {
    if (list->count == 0) return 0;
    uint32_t *only = calloc(list->count, sizeof *only);
    if (!only) return err_nomem(e);
    for (size_t i = 0; i < list->count; i++) {
        uint64_t n = 0;
        if (number_parse_u64(list->item[i], strlen(list->item[i]), 0, TOPIC_PARTITIONS_MAX, &n, NULL) < 0) {
            free(only);
            return err_set(e, G_USAGE, "'%s' is not the number of a partition", list->item[i]);
        }
        only[i] = (uint32_t)n;
    }
    *ret = only;
    return 0;
}

/* To the file under a temporary name, which is there when all of it is. */
static int export_to(struct run *r, struct topic *t, struct export_request *q, const char *file,
                     struct archive_report *ret, struct err *e) {
    struct output out;
    struct progress progress = {0};
    struct output_config config = {
        .text.format = OUT_BLOCKS, .fd = STDOUT_FILENO, .file = is_standard(file) ? NULL : file, .force = true};
    int g = output_open(&out, &config, e);
    if (g < 0) return g;
    q->fd = out.config.fd;
    q->name = config.file ? config.file : "standard output";
    q->watch = (struct archive_watch){show, &progress};
    progress_begin(&progress, &r->o->stats);
    g = topic_export(t, q, ret, e);
    if (g == 0) {
        progress.records_in = progress.records_out = ret->records;
        progress.bytes_out = ret->archive;
    }
    progress_end(&progress);
    int closed = output_close(&out, g == 0, g == 0 ? e : NULL);
    return g < 0 ? g : closed;
}

int command_export(struct run *r, struct err *e) {
    const char *name = r->args->operand[0], *file = r->args->operand[1];
    struct offset_range_spec range;
    struct export_request q = {.format = archive_format_of(file)};
    struct archive_report done;
    struct topic t;
    uint32_t *only = NULL;
    if (r->o->format.at) q.format = (enum archive_format)(r->o->format.at - 1);
    if (is_standard(file) && r->o->json)
        return err_set(e, G_USAGE, "--json prints a report, and standard output is the archive");
    if (is_standard(file) && isatty(STDOUT_FILENO) == 1)
        return err_set(e, G_USAGE, "an archive is not for a terminal; redirect it");
    int g = r->o->offset ? parse_range(r->o->offset, &range, e) : 0;
    if (r->o->offset) q.range = &range;
    if (g == 0) g = parse_only(&r->o->only, &only, e);
    q.only = only;
    q.only_count = r->o->only.count;
    if (g == 0) g = topic_open(&t, &r->log, name, e);
    if (g == 0) {
        g = export_to(r, &t, &q, file, &done, e);
        topic_close(&t);
        if (g == 0 && !is_standard(file)) g = print_done(r, "exported", name, &done, NULL, e);
    }
    free(only);
    return g;
}

/* ---- import ---- */

static int open_archive(const char *file, int *ret, struct err *e) {
    *ret = is_standard(file) ? STDIN_FILENO : sys.openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
    return *ret < 0 ? err_sys(e, errno, "cannot open '%s'", file) : 0;
}

int command_import(struct run *r, struct err *e) {
    const char *file = r->args->operand[0];
    struct progress progress = {0};
    struct import_report done;
    struct import_request q = {
        .name = is_standard(file) ? "standard input" : file,
        .topic = r->args->operands > 1 ? r->args->operand[1] : NULL,
        .max_bytes = r->o->max_size,
        .watch = {show, &progress},
    };
    int g = open_archive(file, &q.fd, e);
    if (g < 0) return g;
    progress_begin(&progress, &r->o->stats);
    g = topic_import(&r->log, &q, &done, e);
    if (g == 0) {
        progress.records_in = progress.records_out = done.archive.records;
        progress.bytes_in = done.archive.archive;
        progress.bytes_out = done.archive.bytes;
    }
    progress_end(&progress);
    if (q.fd != STDIN_FILENO) sys.close(q.fd);
    if (g < 0) return g;
    char id[17];
    (void)snprintf(id, sizeof id, "%016" PRIx64, done.id);
    if (done.new_id)
        diag_info("another topic has the identity of the archive's: '%s' was given a new one, %s", done.topic, id);
    json_t *more = json_pack("{s:s, s:b}", "topic_id", id, "new_id", (int)done.new_id);
    g = print_done(r, "imported", done.topic, &done.archive, more, e);
    json_decref(more);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sending letters back. See redrive.h. */
#include "log/redrive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/murmur2.h"
#include "base/random.h"
#include "log/appender.h"
#include "log/redrive_impl.h"
#include "stream/block_file.h"
#include "stream/writer.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

#define BATCH_BYTES (4u << 20)
#define BATCH_ENDS 64     /* places in one batch: each is a sync, and a look behind its end after a crash */
#define BATCH_TOPICS 64   /* open at once */
#define TOPIC_LOCK_BYTE 1 /* of the topic's wake-up page */

void redrive_notice(const struct redrive *r, const char *fmt, ...) {
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (r->c.notice) r->c.notice(r->c.ctx, text);
}

/* ---- opening ---- */

static int take_lock(struct redrive *r, off_t byte, struct err *e) {
    int g = lock_try(r->lock_fd, byte, e);
    if (g == 1) return err_set(e, G_FENCED, "another process is sending letters of '%s'", r->source);
    return g < 0 ? err_prefix(e, "'%s': ", r->source) : 0;
}

static int open_in_topic(struct redrive *r, struct err *e) {
    const struct topic *t = r->c.topic;
    r->source = strdup(t->name);
    r->name = strdup("redrive.json");
    if (!r->source || !r->name) return err_nomem(e);
    r->dir = fcntl(t->dir, F_DUPFD_CLOEXEC, 0);
    if (r->dir < 0) return err_sys(e, errno, "cannot open the folder of topic '%s'", t->name);
    int g = 0;
    if (r->c.write) {
        r->lock_fd = sys.open_beneath(t->dir, "wake", O_RDWR, 0);
        g = r->lock_fd < 0 ? err_sys(e, errno, "cannot lock topic '%s'", t->name) : take_lock(r, TOPIC_LOCK_BYTE, e);
    }
    return g < 0 ? g : redrive_state_load(&r->state, r->dir, r->name, t->id, e);
}

/* The whole blocks of the file: their bytes, and the checksum of their headers, into the state. What that says of the
 * file that its marks are of must hold: so it still begins. */
static int survey_file(struct redrive *r, struct err *e) {
    struct block_file w = {.fd = r->lock_fd, .path = r->c.file};
    struct stat st;
    const uint64_t marked = r->state.file_bytes;
    bool same = marked == 0;
    if (sys.fstat(w.fd, &st) < 0) return err_sys(e, errno, "cannot look at '%s'", w.path);
    if (!S_ISREG(st.st_mode)) return err_set(e, G_USAGE, "'%s' is no file, and letters are in topics or files", w.path);
    int g = 0;
    for (w.size = (uint64_t)st.st_size; g == 0 && w.at < w.size;) {
        g = block_file_next(&w, e);
        if (g == 0 && w.at == marked) same = w.crc == r->state.file_crc;
    }
    if (g < 0) return g;
    if (g == 1)
        redrive_notice(r, "'%s' ends inside a block; what is there from byte %" PRIu64 " on is left out", w.path, w.at);
    r->state.file_bytes = w.at;
    r->state.file_crc = w.crc;
    if (same) return 0;
    return err_set(e, G_CORRUPT, "'%s' was cut or replaced since letters of it were sent; '%s' beside it tells which",
                   w.path, r->name);
}

static int open_folder(struct redrive *r, char *path, struct err *e) {
    char *slash = strrchr(path, '/');
    r->source = strdup(slash + 1);
    if (!r->source || asprintf(&r->name, "%s.redrive", slash + 1) < 0) {
        r->name = NULL;
        return err_nomem(e);
    }
    slash[slash == path] = '\0';
    r->dir = sys.openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return r->dir < 0 ? err_sys(e, errno, "cannot open '%s'", path) : 0;
}

/* The marks lie beside the file itself, whatever link leads there. */
static int open_beside_file(struct redrive *r, struct err *e) {
    char *path = realpath(r->c.file, NULL);
    int fd = path ? sys.openat(AT_FDCWD, path, (r->c.write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK, 0) : -1;
    int g = fd < 0 ? err_sys(e, errno, "cannot open '%s'", r->c.file) : open_folder(r, path, e);
    free(path);
    r->lock_fd = fd;
    if (g == 0 && r->c.write) g = take_lock(r, 0, e);
    if (g == 0) g = redrive_state_load(&r->state, r->dir, r->name, 0, e);
    if (g == 0) g = survey_file(r, e);
    return g;
}

/* What a run that died left of a redrive file that it was about to replace. */
static int sweep_entry(void *ctx, const char *name) {
    const struct redrive *r = ctx;
    size_t own = strlen(r->name), n = strlen(name);
    if (n > own + 5 && memcmp(name, r->name, own) == 0 && name[own] == '.' && strcmp(name + n - 4, ".tmp") == 0)
        (void)sys.unlinkat(r->dir, name, 0);
    return 0;
}

int redrive_open(struct redrive **ret, const struct redrive_config *c, struct err *e) {
    struct redrive *r = calloc(1, sizeof *r);
    if (!r) return err_nomem(e);
    r->c = *c;
    if (r->c.batch_bytes == 0) r->c.batch_bytes = BATCH_BYTES;
    r->dir = r->lock_fd = -1;
    int g = c->topic ? open_in_topic(r, e) : open_beside_file(r, e);
    if (g == 0 && c->write) (void)!dir_each(r->dir, sweep_entry, r, NULL);
    if (g == 0 && c->write && r->state.intends) g = redrive_recover(r, e);
    if (g < 0)
        redrive_free(r);
    else
        *ret = r;
    return g;
}

static void close_topics(struct redrive *r) {
    for (size_t i = 0; i < r->topic_count; i++) {
        topic_close(r->topics[i]);
        free(r->topics[i]);
    }
    r->topic_count = 0;
}

void redrive_free(struct redrive *r) {
    if (!r) return;
    close_topics(r);
    free(r->topics);
    redrive_state_release(&r->state);
    buf_release(&r->bodies);
    buf_release(&r->headers);
    free(r->entries);
    free(r->file);
    free(r->name);
    free(r->source);
    if (r->dir >= 0) sys.close(r->dir);
    if (r->lock_fd >= 0) sys.close(r->lock_fd);
    free(r);
}

uint64_t redrive_file_bytes(const struct redrive *r) {
    return r->state.file_bytes;
}

bool redrive_is_interrupted(const struct redrive *r) {
    return r->state.intends && r->entry_count == 0;
}

bool redrive_is_done(const struct redrive *r, struct letter_id id) {
    return marks_have(&r->state.done, id.partition, id.offset);
}

int redrive_publish(struct redrive *r, struct err *e) {
    int g = redrive_state_publish(&r->state, r->dir, r->name, r->c.topic ? r->c.topic->id : 0, e);
    r->unpublished = g < 0;
    return g;
}

int redrive_forget(struct redrive *r, struct letter_id id, struct err *e) {
    r->unpublished = true;
    return marks_take(&r->state.done, id.partition, id.offset) < 0 ? err_nomem(e) : 0;
}

/* ---- places ---- */

static int find_topic(struct redrive *r, const struct redrive_to *to, struct topic **ret, struct err *e) {
    for (size_t i = r->topic_count; i-- > 0;) {
        if (strcmp(r->topics[i]->name, to->place) != 0) continue;
        *ret = r->topics[i];
        return 0;
    }
    if (!r->topics && !(r->topics = calloc(BATCH_TOPICS, sizeof(struct topic *)))) return err_nomem(e);
    struct topic *t = calloc(1, sizeof *t);
    if (!t) return err_nomem(e);
    int g = topic_open(t, r->c.log, to->place, e);
    if (g == G_ABSENT && to->create && r->c.write) {
        g = topic_create(r->c.log, to->place, 1, &topic_settings_default, true, e);
        if (g >= 0) g = topic_open(t, r->c.log, to->place, e);
    }
    if (g < 0) {
        free(t);
        return g;
    }
    if (r->topic_count == BATCH_TOPICS) close_topics(r); /* nothing points to them but for the time of a call */
    *ret = r->topics[r->topic_count++] = t;
    return 0;
}

int redrive_try(struct redrive *r, const struct redrive_to *to, const struct record *record, struct err *e) {
    struct topic *t;
    if (to->is_file) return record_check(record, RECORD_LIMIT_MAX, e);
    int g = find_topic(r, to, &t, e);
    if (g == G_ABSENT && to->create) return record_check(record, topic_settings_default.max_record, e);
    return g < 0 ? g : record_check(record, t->settings.max_record, e);
}

static uint32_t choose_partition(const struct topic *t, const struct redrive_to *to, struct letter_id id,
                                 const struct record *record) {
    if (to->partition >= 0 && to->partition < (int64_t)t->partitions) return (uint32_t)to->partition;
    if (record->has_key) return kafka_partition(record->key, record->key_size, t->partitions);
    return (uint32_t)(id.offset % t->partitions);
}

static int add_end(struct redrive *r, const struct redrive_end *x, size_t *ret, struct err *e) {
    struct redrive_state *s = &r->state;
    for (size_t i = s->end_count; i-- > 0;) {
        const struct redrive_end *y = &s->ends[i];
        if (y->is_file != x->is_file || y->partition != x->partition || strcmp(y->place, x->place) != 0) continue;
        *ret = i;
        return 0;
    }
    if (!s->ends && !(s->ends = calloc(BATCH_ENDS, sizeof *s->ends))) return err_nomem(e);
    char *place = strdup(x->place);
    if (!place) return err_nomem(e);
    s->ends[s->end_count] = *x;
    s->ends[s->end_count].place = place;
    *ret = s->end_count++;
    return 0;
}

static int open_file(const char *path, struct err *e) {
    int fd = sys.openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    return fd < 0 ? err_sys(e, errno, "cannot open '%s'", path) : fd;
}

/* A file by a name that another run, from another folder, finds. */
static int find_file_end(struct redrive *r, const char *place, size_t *ret, struct err *e) {
    struct stat st;
    if (r->file && strcmp(r->file, place) == 0) {
        *ret = r->file_end;
        return 0;
    }
    int fd = open_file(place, e);
    if (fd < 0) return fd;
    int g = sys.fstat(fd, &st) < 0 ? err_sys(e, errno, "cannot look at '%s'", place) : 0;
    if (g == 0 && !S_ISREG(st.st_mode))
        g = err_set(e, G_USAGE, "'%s' is no file: what was written there could not be found again", place);
    sys.close(fd);
    char *path = g == 0 ? realpath(place, NULL) : NULL;
    if (g == 0 && !path) g = err_sys(e, errno, "cannot find '%s'", place);
    const struct redrive_end x = {.place = path, .is_file = true};
    if (g == 0) g = add_end(r, &x, &r->file_end, e);
    free(path);
    free(r->file);
    r->file = g == 0 ? strdup(place) : NULL;
    if (g == 0) *ret = r->file_end;
    return g;
}

static int find_end(struct redrive *r, struct letter_id id, const struct redrive_to *to, const struct record *record,
                    size_t *ret, struct err *e) {
    struct topic *t = NULL;
    if (to->is_file) return find_file_end(r, to->place, ret, e);
    int g = find_topic(r, to, &t, e);
    if (g < 0) return g;
    struct redrive_end x = {.place = t->name, .topic_id = t->id, .partition = choose_partition(t, to, id, record)};
    return add_end(r, &x, ret, e);
}

/* ---- the batch ---- */

static int begin_batch(struct redrive *r, struct err *e) {
    if (r->state.intends) return 0;
    r->state.intends = true;
    return random_bytes(&r->state.nonce, sizeof r->state.nonce, e);
}

/* The record's headers, and which letter it was. */
static int mark_record(struct redrive *r, struct letter_id id, struct record *record, struct err *e) {
    char text[TOPIC_NAME_MAX + 300];
    int n = r->c.topic
                ? snprintf(text, sizeof text, "%s/%" PRIu32 "@%" PRIu64 "#%016" PRIx64, r->source, id.partition,
                           id.offset, r->state.nonce)
                : snprintf(text, sizeof text, "%s@%" PRIu64 "#%016" PRIx64, r->source, id.offset, r->state.nonce);
    buf_clear(&r->headers);
    if (buf_append(&r->headers, record->headers, record->headers_size) < 0) return err_nomem(e);
    int g = record_header_append(&r->headers, REDRIVE_HEADER, strlen(REDRIVE_HEADER), text, (size_t)n, e);
    record->headers = r->headers.data;
    record->headers_size = r->headers.len;
    return g;
}

static int add_entry(struct redrive *r, const struct redrive_entry *x, const struct record *record, struct err *e) {
    if (r->entry_count == r->entry_cap) {
        size_t cap = r->entry_cap ? r->entry_cap * 2 : 256;
        struct redrive_entry *p = reallocarray(r->entries, cap, sizeof *p);
        if (!p) return err_nomem(e);
        r->entries = p;
        r->entry_cap = cap;
    }
    if (buf_reserve(&r->bodies, x->size) < 0 ||
        marks_add(&r->state.intent, x->id.partition, x->id.offset, x->id.offset + 1) < 0)
        return err_nomem(e);
    record_encode(record, 0, r->bodies.data + r->bodies.len);
    r->bodies.len += x->size;
    r->entries[r->entry_count++] = *x;
    return 0;
}

int redrive_settle(struct topic *t, uint32_t partition, uint64_t *ret_end, struct err *e) {
    struct partition p;
    int g = partition_open(&p, t, partition, PARTITION_APPEND, e);
    if (g < 0) return g;
    g = partition_settle(&p, ret_end, e);
    partition_close(&p);
    return g;
}

/* The file, and its name, are durable as they are. */
static int settle_file(struct redrive_end *x, struct err *e) {
    struct stat st;
    int fd = open_file(x->place, e);
    if (fd < 0) return fd;
    int g = sys.fstat(fd, &st) < 0 || sys.fdatasync(fd) < 0 ? err_sys(e, errno, "cannot sync '%s'", x->place) : 0;
    if (g == 0) x->end = (uint64_t)st.st_size;
    sys.close(fd);
    char *folder = strdup(x->place), *slash = folder ? strrchr(folder, '/') : NULL;
    if (g == 0 && !slash) g = err_nomem(e);
    if (g == 0) {
        slash[slash == folder] = '\0';
        int dir = sys.openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        g = dir < 0 ? err_sys(e, errno, "cannot open '%s'", folder) : dir_sync(dir, folder, e);
        if (dir >= 0) sys.close(dir);
    }
    free(folder);
    return g;
}

static int settle_end(struct redrive *r, struct redrive_end *x, struct err *e) {
    struct topic *t;
    if (x->is_file) return settle_file(x, e);
    int g = find_topic(r, &(struct redrive_to){.place = x->place}, &t, e);
    if (g == 0 && t->id != x->topic_id) g = err_set(e, G_ABSENT, "topic '%s' was replaced meanwhile", x->place);
    return g < 0 ? g : redrive_settle(t, x->partition, &x->end, e);
}

static void decode(const struct redrive *r, const struct redrive_entry *x, struct record *ret) {
    struct block_header h = {.raw_size = (uint32_t)x->size, .records = 1};
    struct record_walk w;
    record_walk_init(&w, &h, r->bodies.data + x->at, SIZE_MAX);
    (void)record_next_checked(&w, ret);
}

/* The records for one place, with whatever takes them. */
static int put_all(struct redrive *r, size_t end, int (*put)(void *ctx, const struct record *record, struct err *e),
                   void *ctx, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < r->entry_count; i++) {
        struct record record;
        if (r->entries[i].end != end) continue;
        decode(r, &r->entries[i], &record);
        g = put(ctx, &record, e);
    }
    return g;
}

static int put_appender(void *ctx, const struct record *record, struct err *e) {
    return appender_put(ctx, record, e);
}

static int send_to_topic(struct redrive *r, size_t end, struct err *e) {
    const struct redrive_end *x = &r->state.ends[end];
    const struct appender_config config = {.partition = x->partition, .validated = true};
    struct appender *a = NULL;
    struct topic *t;
    int g = find_topic(r, &(struct redrive_to){.place = x->place}, &t, e);
    if (g == 0 && t->id != x->topic_id) g = err_set(e, G_ABSENT, "topic '%s' was replaced meanwhile", x->place);
    if (g == 0) g = appender_open(&a, t, &config, e);
    if (g == 0) g = put_all(r, end, put_appender, a, e);
    if (g == 0) g = appender_sync(a, true, e); /* durable, whatever the topic's policy is */
    appender_free(a);
    return g;
}

struct file_writer {
    struct writer w;
    uint64_t records;
};

static int put_file(void *ctx, const struct record *record, struct err *e) {
    static const struct block_header like = {.flags = BLOCK_JSON_VALID};
    struct file_writer *f = ctx;
    struct record derived = *record;
    derived.offset = f->records++;
    return writer_record(&f->w, &like, &derived, e);
}

static int send_to_file(struct redrive *r, size_t end, struct err *e) {
    const struct redrive_end *x = &r->state.ends[end];
    struct file_writer f = {.records = 0};
    int fd = open_file(x->place, e);
    if (fd < 0) return fd;
    writer_init(&f.w, fd, x->place, true);
    int g = put_all(r, end, put_file, &f, e);
    if (g == 0) g = writer_flush(&f.w, e);
    if (g == 0 && sys.fdatasync(fd) < 0) g = err_sys(e, errno, "cannot sync '%s'", x->place);
    writer_release(&f.w);
    if (sys.close(fd) < 0 && g == 0) g = err_sys(e, errno, "cannot close '%s'", x->place);
    return g;
}

static int end_batch(struct redrive *r, struct err *e) {
    for (size_t i = 0; i < r->entry_count; i++) {
        struct letter_id id = r->entries[i].id;
        if (marks_add(&r->state.done, id.partition, id.offset, id.offset + 1) < 0) return err_nomem(e);
    }
    r->unpublished |= r->entry_count > 0;
    r->entry_count = 0;
    buf_clear(&r->bodies);
    close_topics(r);
    free(r->file);
    r->file = NULL;
    redrive_state_end_intent(&r->state);
    return 0;
}

/* Its marks are published with what comes next. */
static int send_batch(struct redrive *r, struct err *e) {
    struct redrive_state *s = &r->state;
    if (r->broken) return err_set(e, G_BUG, "a batch failed before");
    int g = 0;
    if (r->entry_count == 0) return end_batch(r, e); /* places were found, and no letter came */
    r->broken = true;
    for (size_t i = 0; g == 0 && i < s->end_count; i++) g = settle_end(r, &s->ends[i], e);
    if (g == 0) g = redrive_publish(r, e);
    for (size_t i = 0; g == 0 && i < s->end_count; i++)
        g = s->ends[i].is_file ? send_to_file(r, i, e) : send_to_topic(r, i, e);
    if (g == 0) g = end_batch(r, e);
    r->broken = g < 0;
    /* No fault of the letter that is put next: nothing that could stay behind while others go. */
    if (g == G_ABSENT || g == G_DATA || g == G_USAGE) g = e->grade = G_IO;
    return g;
}

int redrive_put(struct redrive *r, struct letter_id id, const struct redrive_to *to, const struct record *record,
                struct err *e) {
    struct record marked = *record;
    struct redrive_entry x = {.id = id};
    int g = r->bodies.len >= r->c.batch_bytes || r->state.end_count == BATCH_ENDS ? send_batch(r, e) : 0;
    if (g == 0) g = begin_batch(r, e);
    if (g == 0) g = mark_record(r, id, &marked, e);
    if (g == 0) g = redrive_try(r, to, &marked, e);
    if (g == 0) g = find_end(r, id, to, &marked, &x.end, e);
    x.at = r->bodies.len;
    x.size = record_size(&marked);
    return g < 0 ? g : add_entry(r, &x, &marked, e);
}

int redrive_flush(struct redrive *r, struct err *e) {
    int g = send_batch(r, e);
    return g == 0 && r->unpublished ? redrive_publish(r, e) : g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Topics: identity, creation, deletion, listing. See topic.h. */
#include "log/topic.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "log/json_crc.h"
#include "log/partition.h"
#include "log/settings.h"
#include "log/tail.h"
#include "sys/file.h"
#include "sys/futex.h"
#include "sys/lock.h"
#include "sys/sys.h"
#include "json/tree.h"

#define TOPIC_FILE "topic.json"
#define TOPIC_FILE_MAX (64u << 10)
#define WAKE_BYTES 4096u
#define WAKE_WORD_AT 12

static json_t *topic_to_json(const char *name, uint64_t id, uint32_t partitions, int64_t created_ns,
                             const struct topic_settings *settings) {
    json_t *o = json_pack("{s:i, s:s, s:o, s:i, s:I, s:o}", "version", 1, "name", name, "topic_id", tree_hex(id, 16),
                          "partitions", (int)partitions, "created", (json_int_t)created_ns, "settings",
                          topic_settings_to_json(settings));
    if (o && json_crc_set(o) == 0) return o;
    json_decref(o);
    return NULL;
}

static int write_topic_file(int dir, const char *name, uint64_t id, uint32_t partitions, int64_t created_ns,
                            const struct topic_settings *settings, struct err *e) {
    json_t *o = topic_to_json(name, id, partitions, created_ns, settings);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    json_decref(o);
    if (!text) return err_nomem(e);
    int g = atomic_replace(dir, TOPIC_FILE, text, strlen(text), true, e);
    free(text);
    return g;
}

static int topic_from_json(json_t *o, struct topic *t, struct err *e) {
    if (!json_crc_is_right(o)) return err_set(e, G_CORRUPT, "topic file of '%s' fails its check", t->name);
    if (json_integer_value(json_object_get(o, "version")) != 1)
        return err_set(e, G_CORRUPT, "topic '%s' has a version that this program does not know", t->name);
    uint64_t partitions = 0;
    t->created_ns = json_integer_value(json_object_get(o, "created"));
    if (!tree_get_hex(json_object_get(o, "topic_id"), 16, &t->id) || t->id == 0 ||
        !tree_get_whole(json_object_get(o, "partitions"), TOPIC_PARTITIONS_MAX, &partitions) || partitions < 1)
        return err_set(e, G_CORRUPT, "topic file of '%s' is not valid", t->name);
    t->partitions = (uint32_t)partitions;
    return topic_settings_from_json(json_object_get(o, "settings"), &t->settings, e);
}

int topic_read_file(struct topic *t, const char *file, struct err *e) {
    struct buf text = {0};
    int g = file_load(t->dir, file, TOPIC_FILE_MAX, &text, e);
    if (g == G_DATA) g = err_set(e, G_CORRUPT, "topic file of '%s' is no file, or too large for one", t->name);
    if (g == 0) {
        json_error_t why;
        json_t *o = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &why);
        g = o ? topic_from_json(o, t, e)
              : err_set(e, G_CORRUPT, "topic file of '%s' is not JSON: %s", t->name, why.text);
        json_decref(o);
    }
    buf_release(&text);
    return g;
}

int topic_write_file(const struct topic *t, struct err *e) {
    return write_topic_file(t->dir, t->name, t->id, t->partitions, t->created_ns, &t->settings, e);
}

static int map_wake(struct topic *t, struct err *e) {
    t->wake_writable = true;
    int fd = sys.open_beneath(t->dir, "wake", O_RDWR | O_CREAT, 0600);
    if (fd < 0) {
        t->wake_writable = false;
        fd = sys.open_beneath(t->dir, "wake", O_RDONLY, 0);
    }
    if (fd < 0) return err_sys(e, errno, "cannot open the wake-up page of topic '%s'", t->name);
    struct stat st;
    /* Written but for the word, which somebody else may have raised already; written and not left a hole, as a store
     * into a hole of a full disk is a SIGBUS. */
    static const uint8_t page[WAKE_BYTES] = {'L', 'E', 'A', 'T', 'W', 'A', 'K', 'E', 1};
    int g = 0;
    if (sys.fstat(fd, &st) < 0) g = err_sys(e, errno, "cannot look at the wake-up page of topic '%s'", t->name);
    if (g == 0 && (st.st_size < WAKE_BYTES || st.st_blocks == 0)) {
        g = file_pwrite_all(fd, page, WAKE_WORD_AT, 0, "wake", e);
        if (g == 0) g = file_pwrite_all(fd, page + 16, WAKE_BYTES - 16, 16, "wake", e);
    }
    if (g == 0) {
        int protection = t->wake_writable ? PROT_READ | PROT_WRITE : PROT_READ;
        void *p = mmap(NULL, WAKE_BYTES, protection, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
            g = err_sys(e, errno, "cannot map the wake-up page of topic '%s'", t->name);
        else
            t->wake = (uint32_t *)(void *)((char *)p + WAKE_WORD_AT);
    }
    sys.close(fd);
    return g;
}

int topic_open(struct topic *t, const struct log *log, const char *name, struct err *e) {
    *t = (struct topic){.log = log, .dir = -1};
    int g = topic_name_check(name, e);
    if (g < 0) return g;
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    g = t->dir = dir_open(log->topics, name, false, e);
    if (g == G_ABSENT) return err_set(e, G_ABSENT, "there is no topic '%s' in '%s'", name, log->path);
    if (g >= 0) g = topic_read_file(t, TOPIC_FILE, e);
    if (g == G_CORRUPT || g == G_ABSENT) {
        struct err second;
        if (topic_read_file(t, TOPIC_FILE ".prev", &second) == 0) g = 0;
    }
    if (g >= 0) g = map_wake(t, e);
    if (g < 0) topic_close(t);
    return g < 0 ? g : 0;
}

int topic_refresh(struct topic *t, struct err *e) {
    struct stat st;
    if (sys.fstatat(t->dir, TOPIC_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "cannot look at topic '%s'", t->name);
    int64_t written_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    if (t->seen_ino == st.st_ino && t->seen_ns == written_ns) return 0;
    struct topic now = *t;
    t->seen_ino = st.st_ino;
    t->seen_ns = written_ns;
    int g = topic_read_file(&now, TOPIC_FILE, e);
    if (g < 0) return g == G_ABSENT ? 0 : g;
    if (now.id != t->id || now.partitions <= t->partitions) return 0;
    t->partitions = now.partitions;
    return 1;
}

void topic_close(struct topic *t) {
    if (!t) return;
    if (t->wake) munmap((char *)t->wake - WAKE_WORD_AT, WAKE_BYTES);
    if (t->dir >= 0 && t->log) sys.close(t->dir);
    t->wake = NULL;
    t->dir = -1;
}

void topic_wake(const struct topic *t) {
    if (!t->wake_writable) return;
    atomic_fetch_add((_Atomic uint32_t *)t->wake, 1);
    futex_wake_all(t->wake);
}

int topic_partition_dir(const struct topic *t, uint32_t partition, bool create, struct err *e) {
    char name[16];
    (void)snprintf(name, sizeof name, "%u", partition);
    return dir_open(t->dir, name, create, e);
}

static int fill_new_topic(int dir, const char *name, uint32_t partitions, const struct topic_settings *settings,
                          struct err *e) {
    uint64_t id = 0;
    while (id == 0)
        if (random_bytes(&id, sizeof id, e) < 0) return G_IO;
    for (uint32_t p = 0; p < partitions; p++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%u", p);
        if (sys.mkdirat(dir, number, 0700) < 0 && errno != EEXIST)
            return err_sys(e, errno, "cannot create partition %u of topic '%s'", p, name);
    }
    return write_topic_file(dir, name, id, partitions, sys.wall_ns(), settings, e);
}

/* Made aside and renamed, which is the commit point: nobody ever sees half a topic. 1: it was there already. */
static int create_in(const struct log *log, int workshop, const char *name, uint32_t partitions,
                     const struct topic_settings *settings, struct err *e) {
    char aside[64];
    (void)snprintf(aside, sizeof aside, "new-%ld-%" PRId64, (long)getpid(), sys.boot_ns());
    int dir = dir_open(workshop, aside, true, e);
    if (dir < 0) return dir;
    int g = fill_new_topic(dir, name, partitions, settings, e);
    sys.close(dir);
    /* rename(2) of a directory replaces an empty directory only: a topic that is there is never replaced. */
    if (g == 0 && sys.renameat(workshop, aside, log->topics, name) == 0) return dir_sync(log->topics, name, e);
    int errnum = errno;
    int removed = dir_remove_tree(workshop, aside, NULL); /* what stays is swept by a cleaner */
    if (g < 0) return g;
    if (errnum != EEXIST && errnum != ENOTEMPTY) return err_sys(e, errnum, "cannot create topic '%s'", name);
    return removed < 0 ? removed : 1;
}

int topic_create(const struct log *log, const char *name, uint32_t partitions, const struct topic_settings *settings,
                 bool or_open, struct err *e) {
    int g = topic_name_check(name, e);
    if (g < 0) return g;
    if (partitions < 1 || partitions > TOPIC_PARTITIONS_MAX)
        return err_set(e, G_USAGE, "a topic has between 1 and %d partitions", TOPIC_PARTITIONS_MAX);
    int workshop = dir_open(log->root, "tmp", true, e);
    if (workshop < 0) return workshop;
    g = create_in(log, workshop, name, partitions, settings, e);
    sys.close(workshop);
    return g == 1 && !or_open ? err_set(e, G_USAGE, "topic '%s' exists already", name) : g;
}

/* The topic as it is now: under the lock, so that a change that somebody else made is not undone unseen. */
static int check_unaltered(const struct topic *t, struct err *e) {
    struct topic now = *t;
    int g = topic_read_file(&now, TOPIC_FILE, e);
    if (g == G_CORRUPT || g == G_ABSENT) g = topic_read_file(&now, TOPIC_FILE ".prev", e);
    if (g < 0) return g;
    json_t *a = topic_settings_to_json(&t->settings), *b = topic_settings_to_json(&now.settings);
    bool same = a && b && json_equal(a, b) && now.partitions == t->partitions;
    json_decref(a);
    json_decref(b);
    return same ? 0 : err_set(e, G_IO, "topic '%s' was altered by somebody else meanwhile; try again", t->name);
}

static int alter_locked(struct topic *t, uint32_t partitions, const struct topic_settings *settings, struct err *e) {
    int g = check_unaltered(t, e);
    for (uint32_t p = t->partitions; g == 0 && p < partitions; p++) {
        int dir = topic_partition_dir(t, p, true, e);
        if (dir < 0) return dir;
        sys.close(dir);
    }
    return g < 0 ? g : write_topic_file(t->dir, t->name, t->id, partitions, t->created_ns, settings, e);
}

int topic_alter(struct topic *t, uint32_t partitions, const struct topic_settings *settings, struct err *e) {
    if (partitions < t->partitions)
        return err_set(e, G_USAGE, "topic '%s' has %u partitions; they can only become more", t->name, t->partitions);
    if (partitions > TOPIC_PARTITIONS_MAX)
        return err_set(e, G_USAGE, "a topic has between 1 and %d partitions", TOPIC_PARTITIONS_MAX);
    int fd = sys.open_beneath(t->dir, "wake", O_RDWR, 0);
    if (fd < 0) return err_sys(e, errno, "cannot alter topic '%s'", t->name);
    int g = lock_take(fd, 0, LOCK_TIMEOUT_NS, NULL, t->name, e);
    if (g == 0) g = alter_locked(t, partitions, settings, e);
    sys.close(fd); /* and so the lock is gone */
    if (g < 0) return g;
    t->partitions = partitions;
    t->settings = *settings;
    topic_wake(t);
    return 0;
}

/* Whoever has the partition open sees the bit with his next append or read. An append that is under way meanwhile
 * ends as if it had come first. */
static int mark_deleted(struct topic *t, uint32_t number, struct err *e) {
    struct partition p;
    int g = partition_open(&p, t, number, PARTITION_DELETE, e);
    if (g < 0) return g;
    atomic_fetch_or(&p.tail->state, TAIL_DELETED);
    partition_close(&p);
    return 0;
}

/* The name may lead to a topic that was made anew since this one was opened. */
static int check_same_topic(const struct topic *t, int dir, const char *name, struct err *e) {
    struct stat ours, named;
    if (sys.fstat(t->dir, &ours) < 0 || sys.fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? err_set(e, G_ABSENT, "topic '%s' is deleted already", t->name)
                               : err_sys(e, errno, "cannot look at topic '%s'", t->name);
    if (ours.st_dev == named.st_dev && ours.st_ino == named.st_ino) return 0;
    return err_set(e, G_ABSENT, "topic '%s' is deleted already, and there is another one of that name", t->name);
}

/* The rename is the commit point; what follows is done again by the cleaner if we die. */
static int delete_into(struct topic *t, int workshop, const char *gone, struct err *e) {
    int g = check_same_topic(t, t->log->topics, t->name, e);
    if (g < 0) return g;
    if (sys.renameat(t->log->topics, t->name, workshop, gone) < 0)
        return err_sys(e, errno, "cannot delete topic '%s'", t->name);
    g = check_same_topic(t, workshop, gone, e);
    if (g < 0) { /* replaced between the look and the rename: give it back */
        if (sys.renameat(workshop, gone, t->log->topics, t->name) < 0)
            return err_sys(e, errno, "cannot give topic '%s' its name back", t->name);
        return g;
    }
    g = dir_sync(t->log->topics, t->name, e);
    for (uint32_t p = 0; g == 0 && p < t->partitions; p++) g = mark_deleted(t, p, e);
    topic_wake(t);
    return g < 0 ? g : dir_remove_tree(workshop, gone, e);
}

int topic_delete(struct topic *t, struct err *e) {
    char gone[48];
    (void)snprintf(gone, sizeof gone, "deleted-%016" PRIx64, t->id);
    int workshop = dir_open(t->log->root, "tmp", true, e);
    if (workshop < 0) return workshop;
    int g = delete_into(t, workshop, gone, e);
    sys.close(workshop);
    return g;
}

struct names {
    const char *suffix, *pattern;
    char **names;
    size_t count, cap;
};

static int add_name(void *ctx, const char *name) {
    struct names *n = ctx;
    size_t length = strlen(name), suffix = n->suffix ? strlen(n->suffix) : 0;
    if (length <= suffix || (suffix && strcmp(name + length - suffix, n->suffix) != 0)) return 0;
    char *copy = strndup(name, length - suffix);
    if (!copy) return G_NOMEM;
    if (topic_name_check(copy, NULL) < 0 || (n->pattern && fnmatch(n->pattern, copy, 0) != 0)) {
        free(copy);
        return 0;
    }
    if (n->count == n->cap) {
        size_t cap = n->cap ? n->cap * 2 : 16;
        char **p = realloc(n->names, cap * sizeof *p);
        if (!p) {
            free(copy);
            return G_NOMEM;
        }
        n->names = p;
        n->cap = cap;
    }
    n->names[n->count++] = copy;
    return 0;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int topic_names_in(int dir, const char *suffix, const char *pattern, char ***ret_names, size_t *ret_count,
                   struct err *e) {
    struct names n = {.suffix = suffix, .pattern = pattern};
    int g = dir_each(dir, add_name, &n, e);
    if (g == G_NOMEM) err_nomem(e);
    if (g < 0) {
        topic_list_free(n.names, n.count);
        return g;
    }
    if (n.count) qsort(n.names, n.count, sizeof *n.names, compare_names);
    *ret_names = n.names;
    *ret_count = n.count;
    return 0;
}

int topic_list(const struct log *log, const char *pattern, char ***ret_names, size_t *ret_count, struct err *e) {
    return topic_names_in(log->topics, NULL, pattern, ret_names, ret_count, e);
}

void topic_list_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

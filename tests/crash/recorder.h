/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that loses its power: every change that goes through `sys` is done for real and written down, and from these
 * notes a directory is made as a disk may look after a cut at any point. What was synced is there. Of the rest, each
 * page of a file is as it was at any moment since the last sync, a size may be ahead of its data, and names change in
 * order up to some moment: in one mood of the disk for all directories together, in the other for each alone.
 * A sync that fails loses the pages that were to be written, although reading still shows them.
 */
#ifndef LEAT_TESTS_RECORDER_H
#define LEAT_TESTS_RECORDER_H

#include <dirent.h>

#include "crash.h"

enum op { OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_LOST, OP_NAME, OP_UNNAME, OP_RENAME, OP_MARK };

struct event {
    enum op op;
    unsigned node; /* what the event is about */
    unsigned dir, to_dir;
    uint64_t at;
    size_t size;
    char *data;
    char name[64], to[64];
};

struct node {
    ino_t ino;
    bool is_dir;
    char *base; /* content when the recording began */
    size_t base_size;
};

#define NODES_MAX 4096
#define EVENTS_MAX 60000
#define PAGES_MAX 16
#define RECORDER_PAGE 4096u

static struct {
    bool on;
    struct node nodes[NODES_MAX];
    unsigned node_count;
    struct event *events;
    size_t count;
    size_t base_count; /* events that describe the tree at the beginning */
    struct mapped {
        int fd;
        unsigned node;
        char last[RECORDER_PAGE];
    } pages[PAGES_MAX];
    unsigned page_count;
    struct sys_ops real;
    uint64_t boot_id;
    long fail_in;      /* so many calls from now one fails; 0 none */
    long fail_sync_in; /* the same for syncs of files */
    unsigned faults;   /* how many did */
} rec;

static inline struct event *rec_event(enum op op, unsigned node) {
    if (rec.count == EVENTS_MAX) abort();
    struct event *v = &rec.events[rec.count++];
    *v = (struct event){.op = op, .node = node};
    return v;
}

static inline unsigned rec_new_node(ino_t ino, bool is_dir) {
    if (rec.node_count == NODES_MAX) abort();
    rec.nodes[rec.node_count] = (struct node){.ino = ino, .is_dir = is_dir};
    return rec.node_count++;
}

/* The youngest node with this inode: numbers are used again. */
static inline unsigned rec_node(ino_t ino) {
    for (unsigned i = rec.node_count; i-- > 0;)
        if (rec.nodes[i].ino == ino) return i;
    abort();
}

static inline unsigned rec_of_fd(int fd) {
    struct stat st;
    if (rec.real.fstat(fd, &st) < 0) abort();
    return rec_node(st.st_ino);
}

/* Mapped pages change without a call: look at them whenever one is made. */
static inline void rec_look_at_pages(void) {
    char now[RECORDER_PAGE];
    for (unsigned i = 0; i < rec.page_count; i++) {
        struct mapped *m = &rec.pages[i];
        if (rec.real.pread(m->fd, now, sizeof now, 0) != (ssize_t)sizeof now) continue;
        if (memcmp(now, m->last, sizeof now) == 0) continue;
        memcpy(m->last, now, sizeof now);
        struct event *v = rec_event(OP_WRITE, m->node);
        v->size = sizeof now;
        v->data = malloc(sizeof now);
        if (!v->data) abort();
        memcpy(v->data, now, sizeof now);
    }
}

/* True: this call is to fail. */
static inline bool rec_gate(void) {
    if (!rec.on) return false;
    rec_look_at_pages();
    if (rec.fail_in == 0 || --rec.fail_in > 0) return false;
    rec.faults++;
    errno = rng() % 2 ? EIO : ENOSPC;
    return true;
}

static inline void rec_name(enum op op, unsigned node, int dir, const char *name) {
    struct event *v = rec_event(op, node);
    v->dir = rec_of_fd(dir);
    (void)snprintf(v->name, sizeof v->name, "%s", name);
}

static inline int rec_open_beneath(int dir, const char *path, int flags, mode_t mode) {
    struct stat st;
    if (rec_gate()) return -1;
    bool was = rec.real.fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int fd = rec.real.open_beneath(dir, path, flags, mode);
    if (!rec.on || fd < 0) return fd;
    if (rec.real.fstat(fd, &st) < 0) abort();
    if (!was) rec_name(OP_NAME, rec_new_node(st.st_ino, false), dir, path);
    if (was && (flags & O_TRUNC)) rec_event(OP_TRUNCATE, rec_node(st.st_ino));
    if (strcmp(path, "tail") != 0) return fd;
    unsigned node = rec_node(st.st_ino);
    for (unsigned i = 0; i < rec.page_count; i++)
        if (rec.pages[i].node == node) return fd;
    if (rec.page_count == PAGES_MAX) abort();
    rec.pages[rec.page_count++] = (struct mapped){.fd = fcntl(fd, F_DUPFD_CLOEXEC, 100), .node = node};
    return fd;
}

static inline void rec_write(int fd, const void *p, size_t n, off_t at) {
    struct event *v = rec_event(OP_WRITE, rec_of_fd(fd));
    v->at = (uint64_t)at;
    v->size = n;
    v->data = malloc(n + 1);
    if (!v->data) abort();
    memcpy(v->data, p, n);
}

static inline ssize_t rec_pwrite(int fd, const void *p, size_t n, off_t at) {
    if (rec_gate()) return -1;
    ssize_t k = rec.real.pwrite(fd, p, n, at);
    if (rec.on && k > 0) rec_write(fd, p, (size_t)k, at);
    return k;
}

static inline ssize_t rec_pwritev(int fd, const struct iovec *v, int n, off_t at) {
    if (rec_gate()) return -1;
    ssize_t all = rec.real.pwritev(fd, v, n, at);
    if (!rec.on) return all;
    ssize_t left = all;
    for (int i = 0; left > 0; i++) {
        size_t k = (size_t)left < v[i].iov_len ? (size_t)left : v[i].iov_len;
        rec_write(fd, v[i].iov_base, k, at);
        at += (off_t)k;
        left -= (ssize_t)k;
    }
    return all;
}

static inline int rec_sync(int fd) {
    if (!rec.on) return 0; /* nobody looks at the real disk */
    unsigned node = rec_of_fd(fd);
    bool fails = rec_gate();
    if (!rec.nodes[node].is_dir && rec.fail_sync_in > 0 && --rec.fail_sync_in == 0) {
        fails = true;
        rec.faults++;
        errno = EIO;
    }
    if (fails && rec.nodes[node].is_dir) return -1;
    rec_event(fails ? OP_LOST : OP_SYNC, node);
    return fails ? -1 : 0;
}

static inline int rec_ftruncate(int fd, off_t size) {
    if (rec_gate()) return -1;
    int rc = rec.real.ftruncate(fd, size);
    if (rec.on && rc == 0) rec_event(OP_TRUNCATE, rec_of_fd(fd))->size = (size_t)size;
    return rc;
}

static inline int rec_renameat(int from_dir, const char *from, int to_dir, const char *to) {
    struct stat st;
    if (rec_gate()) return -1;
    bool was = rec.real.fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int rc = rec.real.renameat(from_dir, from, to_dir, to);
    if (!rec.on || rc < 0 || !was) return rc;
    rec_name(OP_RENAME, rec_node(st.st_ino), from_dir, from);
    struct event *v = &rec.events[rec.count - 1];
    v->to_dir = rec_of_fd(to_dir);
    (void)snprintf(v->to, sizeof v->to, "%s", to);
    return rc;
}

static inline int rec_linkat(int from_dir, const char *from, int to_dir, const char *to) {
    struct stat st;
    if (rec_gate()) return -1;
    int rc = rec.real.linkat(from_dir, from, to_dir, to);
    if (rec.on && rc == 0 && rec.real.fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
        rec_name(OP_NAME, rec_node(st.st_ino), to_dir, to);
    return rc;
}

static inline int rec_unlinkat(int dir, const char *path, int flags) {
    struct stat st;
    if (rec_gate()) return -1;
    bool was = rec.real.fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int rc = rec.real.unlinkat(dir, path, flags);
    if (rec.on && rc == 0 && was) rec_name(OP_UNNAME, rec_node(st.st_ino), dir, path);
    return rc;
}

static inline int rec_mkdirat(int dir, const char *path, mode_t mode) {
    struct stat st;
    if (rec_gate()) return -1;
    int rc = rec.real.mkdirat(dir, path, mode);
    if (rec.on && rc == 0 && rec.real.fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        rec_name(OP_NAME, rec_new_node(st.st_ino, true), dir, path);
    return rc;
}

static inline uint64_t rec_boot_id(void) {
    return rec.boot_id;
}

static inline void rec_install(void) {
    rec.real = sys;
    rec.events = calloc(EVENTS_MAX, sizeof *rec.events);
    if (!rec.events) abort();
    sys.open_beneath = rec_open_beneath;
    sys.pwrite = rec_pwrite;
    sys.pwritev = rec_pwritev;
    sys.fdatasync = rec_sync;
    sys.fsync = rec_sync;
    sys.ftruncate = rec_ftruncate;
    sys.renameat = rec_renameat;
    sys.linkat = rec_linkat;
    sys.unlinkat = rec_unlinkat;
    sys.mkdirat = rec_mkdirat;
    sys.boot_id = rec_boot_id;
}

static inline void rec_forget(void) {
    for (size_t i = 0; i < rec.count; i++) free(rec.events[i].data);
    for (unsigned i = 0; i < rec.node_count; i++) free(rec.nodes[i].base);
    for (unsigned i = 0; i < rec.page_count; i++) close(rec.pages[i].fd);
    rec.count = rec.page_count = rec.node_count = 0;
    rec.on = false;
}

/* The tree as it is now, all of it durable. */
static inline void rec_take_tree(int dir, unsigned parent) {
    int fd = rec.real.openat(dir, ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *d = fdopendir(fd);
    const struct dirent *entry;
    while (d && (entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        struct stat st;
        int f = rec.real.openat(dir, entry->d_name, O_RDONLY | O_NOFOLLOW, 0);
        if (f < 0 || fstat(f, &st) < 0) abort();
        unsigned node = rec_new_node(st.st_ino, S_ISDIR(st.st_mode));
        struct event *v = rec_event(OP_NAME, node);
        v->dir = parent;
        memcpy(v->name, entry->d_name, strnlen(entry->d_name, sizeof v->name - 1));
        if (S_ISDIR(st.st_mode)) {
            rec_take_tree(f, node);
        } else {
            struct node *n = &rec.nodes[node];
            n->base_size = (size_t)st.st_size;
            n->base = malloc(n->base_size + 1);
            if (!n->base || pread(f, n->base, n->base_size, 0) != (ssize_t)n->base_size) abort();
        }
        close(f);
    }
    closedir(d);
}

static inline void rec_begin(const char *path) {
    struct stat st;
    rec_forget();
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fstat(dir, &st) < 0) abort();
    rec_new_node(st.st_ino, true);
    rec_take_tree(dir, 0);
    close(dir);
    rec.base_count = rec.count;
    rec.on = true;
}

/* ---- the disk after a cut ---- */

struct entry {
    unsigned dir, node;
    char name[64];
};

struct names {
    struct entry at[NODES_MAX];
    size_t count;
};

static inline void names_remove(struct names *n, unsigned dir, const char *name) {
    for (size_t i = 0; i < n->count; i++)
        if (n->at[i].dir == dir && strcmp(n->at[i].name, name) == 0) {
            n->at[i] = n->at[--n->count];
            return;
        }
}

static inline void names_set(struct names *n, unsigned dir, const char *name, unsigned node) {
    names_remove(n, dir, name);
    if (n->count == NODES_MAX) abort();
    struct entry *x = &n->at[n->count++];
    *x = (struct entry){.dir = dir, .node = node};
    memcpy(x->name, name, sizeof x->name);
}

static inline void names_apply(struct names *n, const struct event *v) {
    if (v->op == OP_NAME) names_set(n, v->dir, v->name, v->node);
    if (v->op == OP_UNNAME || v->op == OP_RENAME) names_remove(n, v->dir, v->name);
    if (v->op == OP_RENAME) names_set(n, v->to_dir, v->to, v->node);
}

static inline bool changes_names(const struct event *v) {
    return v->op == OP_NAME || v->op == OP_UNNAME || v->op == OP_RENAME;
}

/* Was the event made durable by a sync before the cut? `journal`: any sync does it for all directories. */
static inline bool is_committed(size_t i, size_t cut, bool journal) {
    const struct event *v = &rec.events[i];
    if (i < rec.base_count) return true;
    for (size_t k = i + 1; k < cut; k++) {
        const struct event *s = &rec.events[k];
        if (s->op != OP_SYNC) continue;
        if (journal || s->node == v->dir || (v->op == OP_RENAME && s->node == v->to_dir)) return true;
    }
    return false;
}

static inline void names_after_cut(struct names *n, size_t cut, bool journal) {
    size_t open_events = 0;
    n->count = 0;
    for (size_t i = 0; i < cut; i++)
        if (changes_names(&rec.events[i]) && !is_committed(i, cut, journal)) open_events++;
    size_t kept = rng_below(open_events + 1);
    for (size_t i = 0; i < cut; i++) {
        if (!changes_names(&rec.events[i])) continue;
        if (!is_committed(i, cut, journal)) {
            if (kept == 0) continue;
            kept--;
        }
        names_apply(n, &rec.events[i]);
    }
}

struct content {
    char *data;
    size_t size, cap;
};

static inline void content_size(struct content *c, size_t size) {
    if (size > c->cap) {
        c->data = realloc(c->data, size);
        if (!c->data) abort();
        c->cap = size;
    }
    if (size > c->size) memset(c->data + c->size, 0, size - c->size);
    c->size = size;
}

static inline void content_apply(struct content *c, const struct event *v) {
    if (v->op == OP_TRUNCATE) {
        content_size(c, v->size);
    } else if (v->op == OP_WRITE) {
        if (v->at + v->size > c->size) content_size(c, (size_t)v->at + v->size);
        memcpy(c->data + v->at, v->data, v->size);
    }
}

static inline void content_copy(struct content *to, const struct content *from) {
    to->size = 0;
    content_size(to, from->size);
    if (from->size) memcpy(to->data, from->data, from->size);
}

/* What is sure of a file, and the changes that are not, oldest first. */
static inline size_t file_changes(unsigned node, size_t cut, struct content *sure, const struct event **changes,
                                  size_t max) {
    size_t n = 0, lost = 0; /* changes[0..lost) were given up by a failed sync */
    content_size(sure, rec.nodes[node].base_size);
    if (sure->size) memcpy(sure->data, rec.nodes[node].base, sure->size);
    for (size_t i = rec.base_count; i < cut; i++) {
        const struct event *v = &rec.events[i];
        if (v->node != node) continue;
        if ((v->op == OP_WRITE || v->op == OP_TRUNCATE) && n < max) changes[n++] = v;
        if (v->op == OP_LOST) lost = n;
        if (v->op != OP_SYNC) continue;
        for (size_t k = lost; k < n; k++) content_apply(sure, changes[k]);
        n = lost;
    }
    return n;
}

/* Each page as it was at some moment, and so the size. */
static inline void file_after_cut(unsigned node, size_t cut, struct content *ret) {
    static const struct event *changes[EVENTS_MAX];
    struct content sure = {0}, moment = {0};
    size_t n = file_changes(node, cut, &sure, changes, EVENTS_MAX);
    size_t mood = rng_below(4); /* all of it, nothing of it, each page for itself (twice as often) */
    content_copy(&moment, &sure);
    size_t upto = mood == 0 ? n : mood == 1 ? 0 : rng_below(n + 1), most = sure.size;
    for (size_t k = 0; k < upto; k++) content_apply(&moment, changes[k]);
    size_t size = moment.size;
    for (size_t k = 0; k < n; k++) {
        if (changes[k]->op == OP_WRITE && changes[k]->at + changes[k]->size > most)
            most = (size_t)changes[k]->at + changes[k]->size;
    }
    content_size(ret, 0);
    content_size(ret, size);
    for (size_t page = 0; page < size; page += RECORDER_PAGE) {
        size_t bytes = size - page < RECORDER_PAGE ? size - page : RECORDER_PAGE;
        content_copy(&moment, &sure);
        size_t steps = mood == 0 ? n : mood == 1 ? 0 : rng_below(n + 1);
        for (size_t k = 0; k < steps; k++) content_apply(&moment, changes[k]);
        if (moment.size < page + bytes) content_size(&moment, page + bytes);
        memcpy(ret->data + page, moment.data + page, bytes);
    }
    free(sure.data);
    free(moment.data);
}

static inline void make_directory(const struct names *n, unsigned node, int dir, size_t cut) {
    for (size_t i = 0; i < n->count; i++) {
        const struct entry *x = &n->at[i];
        if (x->dir != node) continue;
        if (rec.nodes[x->node].is_dir) {
            if (mkdirat(dir, x->name, 0700) < 0) abort();
            int fd = openat(dir, x->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (fd < 0) abort();
            make_directory(n, x->node, fd, cut);
            close(fd);
            continue;
        }
        struct content c = {0};
        file_after_cut(x->node, cut, &c);
        int fd = openat(dir, x->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || pwrite(fd, c.data, c.size, 0) != (ssize_t)c.size) abort();
        close(fd);
        free(c.data);
    }
}

/* Fill the empty directory `path` with what a cut in front of event `cut` leaves. */
static inline void rec_cut(const char *path, size_t cut) {
    static struct names n;
    names_after_cut(&n, cut, rng() % 2);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) abort();
    make_directory(&n, 0, dir, cut);
    close(dir);
}

#endif

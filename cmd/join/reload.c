/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table, and a new one in its place: it is built beside the old one and takes over between two records. Threads
 * that look ahead hold the one that they found, and what they noted by an old one is not used: emit.c compares
 * generations. See join.h.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "join.h"

#include "cli/diag.h"

static volatile sig_atomic_t asked;

static void on_hangup(int number) {
    (void)number;
    asked = 1;
}

void reload_init(void) {
    struct sigaction sa = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGHUP, &sa, NULL);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct lookup *lookup_hold(struct join *j) {
    pthread_mutex_lock(&j->lock);
    struct lookup *l = j->now;
    l->users++;
    pthread_mutex_unlock(&j->lock);
    return l;
}

void lookup_drop(struct join *j, struct lookup *l) {
    pthread_mutex_lock(&j->lock);
    l->users--;
    pthread_mutex_unlock(&j->lock);
}

/* Those that were replaced go when nobody uses them any more. All of it happens in the main thread, as memory of tables
 * is counted against one budget. */
static void free_old(struct join *j) {
    pthread_mutex_lock(&j->lock);
    struct lookup **at = j->now ? &j->now->older : NULL, *gone = NULL;
    while (at && *at) {
        struct lookup *l = *at;
        if (l->users) {
            at = &l->older;
            continue;
        }
        *at = l->older;
        l->older = gone;
        gone = l;
    }
    pthread_mutex_unlock(&j->lock);
    while (gone) {
        struct lookup *next = gone->older;
        lookup_free(gone);
        gone = next;
    }
}

static int load(struct join *j, struct err *e) {
    struct lookup *l = lookup_new(&j->shape, &j->budget, &j->hash_key, e);
    if (!l) return e->grade;
    int g = loader_run(&j->loader, l, &j->budget, e);
    j->budget.exhausted = false;
    if (g < 0) {
        lookup_free(l);
        return g;
    }
    pthread_mutex_lock(&j->lock);
    l->generation = j->now ? j->now->generation + 1 : 1;
    l->older = j->now;
    j->now = l;
    pthread_mutex_unlock(&j->lock);
    diag_info("table '%s': %llu rows, %zu keys", j->loader.source->name, (unsigned long long)l->rows, l->table.count);
    if (l->without_key)
        diag_info("table '%s': %llu rows have no key", j->loader.source->name, (unsigned long long)l->without_key);
    free_old(j);
    return 0;
}

int reload_first(struct join *j, struct err *e) {
    source_stamp(j->loader.source, &j->stamp);
    j->next_look_ns = now_ns() + j->reload_ns;
    return load(j, e);
}

/* The time for it has come: has the source changed? */
static bool is_due(struct join *j) {
    struct source_stamp stamp;
    if (asked) {
        asked = 0;
        source_stamp(j->loader.source, &j->stamp);
        return true;
    }
    if (j->reload_ns == 0) return false;
    int64_t now = now_ns();
    if (now < j->next_look_ns) return false;
    j->next_look_ns = now + j->reload_ns;
    source_stamp(j->loader.source, &stamp);
    if (memcmp(&stamp, &j->stamp, sizeof stamp) == 0) return false;
    j->stamp = stamp;
    return true;
}

int reload_poll(struct join *j, struct err *e) {
    struct err why = {0};
    if (!asked && j->reload_ns == 0) return 0;
    if (!is_due(j)) return 0;
    int g = source_again(j->loader.source, &why);
    if (g == 0) g = load(j, &why);
    if (g == 0) return 0;
    if (g == G_STOPPED || g == G_BUG) {
        *e = why;
        return g;
    }
    (void)err_prefix(&why, "going on with the table as it was: ");
    diag_warning(&why);
    return 0;
}

void reload_release(struct join *j) {
    for (struct lookup *l = j->now, *older; l; l = older) {
        older = l->older;
        lookup_free(l);
    }
    j->now = NULL;
}

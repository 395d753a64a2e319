/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table as it changes, always between two records: what was appended to a topic is taken into it, and of any source
 * a new one is built beside it and takes its place. See join.h.
 */
#include <signal.h>
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

const struct lookup *lookup_hold(struct join *j) {
    pthread_rwlock_rdlock(&j->lock);
    return j->now;
}

void lookup_drop(struct join *j) {
    pthread_rwlock_unlock(&j->lock);
}

static int load(struct join *j, struct err *e) {
    struct lookup *l = lookup_new(&j->shape, &j->budget, &j->hash_key, e);
    if (!l) return e->grade;
    l->names.key.p = expr_member_name(j->on, &l->names.key.n);
    int g = loader_run(&j->loader, l, &j->budget, e);
    j->budget.exhausted = false;
    if (g < 0) {
        lookup_free(l);
        return g;
    }
    struct lookup *old = j->now;
    l->generation = old ? old->generation + 1 : 1;
    pthread_rwlock_wrlock(&j->lock);
    j->now = l;
    pthread_rwlock_unlock(&j->lock);
    lookup_free(old);
    diag_info("table '%s': %llu rows, %zu keys", j->loader.source->name, (unsigned long long)l->rows, l->table.count);
    if (l->without_key)
        diag_info("table '%s': %llu rows have no key", j->loader.source->name, (unsigned long long)l->without_key);
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

/* What was appended to the topic is taken into the table in place. Threads that look ahead wait as long, and what they
 * noted before is not used: emit.c compares generations. */
static int follow(struct join *j, bool quiet, struct err *e) {
    struct lookup *l = j->now;
    int g = topic_table_news(l->topic, quiet, e);
    if (g > 0) {
        j->loader.to = l;
        pthread_rwlock_wrlock(&j->lock);
        l->generation++;
        g = topic_table_read(&j->loader, e);
        names_settle(&l->names);
        pthread_rwlock_unlock(&j->lock);
    }
    if (g < 0) return err_prefix(e, "table '%s': ", j->loader.source->name);
    return g > 0 ? load(j, e) : 0;
}

int reload_poll(struct join *j, bool quiet, struct err *e) {
    struct err why = {0};
    int g = j->now->topic ? follow(j, quiet, e) : 0;
    if (g < 0 || (!asked && j->reload_ns == 0) || !is_due(j)) return g;
    g = source_again(j->loader.source, &why);
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

int64_t reload_wake_ns(const struct join *j) {
    if (j->now->topic && (j->reload_ns == 0 || j->reload_ns > TOPIC_QUIET_NS)) return TOPIC_QUIET_NS;
    return j->reload_ns ? j->reload_ns : -1;
}

void reload_release(struct join *j) {
    lookup_free(j->now);
    j->now = NULL;
    loader_release(&j->loader);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files written by a thread of their own. See behind.h. */
#include "sys/behind.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"
#include "sys/machine.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define PIECE_BYTES (256u << 10)
#define PIECES 16u
#define WRITE_BYTES (32u << 10)
#define RANGE_BYTES (8u << 20) /* so much at a time is given to the disk; a whole number of pieces */

/* Consecutive bytes of a file. */
struct piece {
    char *bytes;
    size_t size;
    off_t at;
    int fd;
    bool durable, last;
    char name[320];
};

struct behind {
    pthread_t thread;
    bool running;
    struct piece pieces[PIECES]; /* number n is pieces[n % PIECES]; number `given` is being filled */
    bool open;                   /* a file is */

    pthread_mutex_t mutex; /* for all below; `given` is changed by the caller, the others by the thread */
    pthread_cond_t changed;
    uint64_t given, done;
    bool quit;
    struct err failure; /* grade 0: none */
};

/* ---- the thread ---- */

/* In small steps: for a large one the kernel takes memory in units that it does not keep at hand, and where the machine
 * is a virtual one waits for its host to provide them (2 s instead of 0.6 for 1 GB). */
static int write_bytes(const struct piece *p, struct err *e) {
    int g = 0;
    for (size_t n, at = 0; g == 0 && at < p->size; at += n) {
        n = p->size - at < WRITE_BYTES ? p->size - at : WRITE_BYTES;
        g = file_pwrite_all(p->fd, p->bytes + at, n, p->at + (off_t)at, p->name, e);
    }
    return g;
}

static int write_piece(const struct piece *p, struct err *e) {
    off_t end = p->at + (off_t)p->size;
    int g = write_bytes(p, e);
    if (g < 0 || !p->durable) return g;
    if (end % RANGE_BYTES == 0 && p->size > 0) /* at best: the sync tells what failed */
        (void)sys.sync_file_range(p->fd, end - RANGE_BYTES, RANGE_BYTES, SYNC_FILE_RANGE_WRITE);
    return p->last && sys.fdatasync(p->fd) < 0 ? err_sys(e, errno, "cannot sync '%s'", p->name) : 0;
}

/* Behind a failure nothing is written any more. */
static void finish_piece(struct behind *b, const struct piece *p) {
    struct err e = {0};
    int g = b->failure.grade == 0 ? write_piece(p, &e) : 0;
    if (p->last && sys.close(p->fd) < 0 && g == 0) g = err_sys(&e, errno, "cannot close '%s'", p->name);
    pthread_mutex_lock(&b->mutex);
    if (g < 0 && b->failure.grade == 0) b->failure = e;
    b->done++;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
}

static void *behind_main(void *arg) {
    struct behind *b = arg;
    pthread_mutex_lock(&b->mutex);
    while (b->done < b->given || !b->quit) {
        if (b->done == b->given) {
            pthread_cond_wait(&b->changed, &b->mutex);
            continue;
        }
        pthread_mutex_unlock(&b->mutex);
        finish_piece(b, &b->pieces[b->done % PIECES]);
        pthread_mutex_lock(&b->mutex);
    }
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

/* ---- the caller ---- */

int behind_start(struct behind **ret, struct err *e) {
    struct behind *b = calloc(1, sizeof *b);
    char *bytes = b ? malloc((size_t)PIECES * PIECE_BYTES) : NULL;
    if (!bytes) {
        free(b);
        return err_nomem(e);
    }
    for (size_t i = 0; i < PIECES; i++) b->pieces[i].bytes = bytes + i * PIECE_BYTES;
    pthread_mutex_init(&b->mutex, NULL);
    pthread_cond_init(&b->changed, NULL);
    if (machine_processors() > 1) {
        signals_block(true); /* the caller's thread is the one to be interrupted */
        b->running = pthread_create(&b->thread, NULL, behind_main, b) == 0;
        signals_block(false);
    }
    *ret = b;
    return 0;
}

void behind_free(struct behind *b) {
    if (!b) return;
    pthread_mutex_lock(&b->mutex);
    b->quit = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
    if (b->running) pthread_join(b->thread, NULL);
    if (b->open) sys.close(b->pieces[b->given % PIECES].fd);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->mutex);
    free(b->pieces[0].bytes);
    free(b);
}

/* Until at most `left` pieces are not done. */
static int wait_for(struct behind *b, uint64_t left, struct err *e) {
    pthread_mutex_lock(&b->mutex);
    while (b->given - b->done > left) pthread_cond_wait(&b->changed, &b->mutex);
    int g = b->failure.grade;
    if (g < 0 && e) *e = b->failure;
    pthread_mutex_unlock(&b->mutex);
    return g;
}

/* The piece is given; the next one goes on where it ends. Where there is none free, half of them are waited for, so
 * that the two threads do not take turns at each. */
static int give(struct behind *b, bool last, struct err *e) {
    struct piece *p = &b->pieces[b->given % PIECES], *next = &b->pieces[(b->given + 1) % PIECES];
    p->last = last;
    if (!b->running) finish_piece(b, p);
    pthread_mutex_lock(&b->mutex);
    b->given++;
    bool full = b->given - b->done == PIECES;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
    int g = wait_for(b, full ? PIECES / 2 : PIECES, e);
    next->fd = p->fd;
    next->durable = p->durable;
    next->at = p->at + (off_t)p->size;
    next->size = 0;
    memcpy(next->name, p->name, sizeof next->name);
    return g;
}

void behind_begin(struct behind *b, int fd, const char *name, bool durable) {
    struct piece *p = &b->pieces[b->given % PIECES];
    p->fd = fd;
    p->durable = durable;
    p->at = 0;
    p->size = 0;
    (void)snprintf(p->name, sizeof p->name, "%s", name);
    b->open = true;
}

int behind_put(struct behind *b, const void *bytes, size_t n, struct err *e) {
    const char *from = bytes;
    int g = 0;
    while (g == 0 && n > 0) {
        struct piece *p = &b->pieces[b->given % PIECES];
        size_t k = n < PIECE_BYTES - p->size ? n : PIECE_BYTES - p->size;
        memcpy(p->bytes + p->size, from, k);
        p->size += k;
        from += k;
        n -= k;
        if (p->size == PIECE_BYTES) g = give(b, false, e);
    }
    return g;
}

int behind_end(struct behind *b, struct err *e) {
    b->open = false;
    return give(b, true, e);
}

int behind_wait(struct behind *b, struct err *e) {
    return wait_for(b, 0, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing in a thread. See outflow.h. */
#include "stream/outflow.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sys/file.h"
#include "sys/futex.h"
#include "sys/machine.h"
#include "sys/signals.h"

#define LOOK_NS 200000000 /* whoever sleeps looks again after this: a signal may have come just before */

enum { FREE, GIVEN, QUIT };

struct outflow {
    pthread_t thread;
    int fd;
    const char *name;
    atomic_bool quit;
    uint32_t state;  /* a futex. FREE: the caller's, with all below; GIVEN: the thread's; QUIT: it ends */
    struct buf full; /* on its way */
    int grade;       /* of the last write */
    struct err why;
};

static uint32_t state_of(const struct outflow *o) {
    return atomic_load_explicit((const _Atomic uint32_t *)&o->state, memory_order_acquire);
}

static void set_state(struct outflow *o, uint32_t state) {
    atomic_store_explicit((_Atomic uint32_t *)&o->state, state, memory_order_release);
    futex_wake_all(&o->state);
}

/* Only the write itself can be cancelled: see outflow_free. */
static void write_out(struct outflow *o) {
    int ignored;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &ignored);
    o->grade = file_write_all(o->fd, o->full.data, o->full.len, o->name, &o->why);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
}

static void *outflow_main(void *arg) {
    struct outflow *o = arg;
    int ignored;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
    while (!atomic_load(&o->quit)) {
        if (state_of(o) == FREE) {
            futex_wait(&o->state, FREE, LOOK_NS);
            continue;
        }
        write_out(o);
        set_state(o, FREE);
    }
    return NULL;
}

struct outflow *outflow_start(int fd, const char *name) {
    struct outflow *o = machine_processors() > 1 ? calloc(1, sizeof *o) : NULL;
    if (!o) return NULL;
    o->fd = fd;
    o->name = name;
    signals_block(true); /* the caller's thread is the one to be interrupted */
    int failed = pthread_create(&o->thread, NULL, outflow_main, o);
    signals_block(false);
    if (!failed) return o;
    free(o);
    return NULL;
}

/* A signal cuts off only what nobody takes any more: the write has LOOK_NS from then on. */
int outflow_wait(struct outflow *o, struct err *e) {
    for (int looks = 0; state_of(o) == GIVEN; looks += signals_stop() != 0) {
        if (looks > 1) return err_set(e, G_STOPPED, "stopped while writing to '%s'", o->name);
        futex_wait(&o->state, GIVEN, LOOK_NS);
    }
    if (o->grade < 0) *e = o->why;
    return o->grade;
}

/* The buffers change places. */
int outflow_give(struct outflow *o, struct buf *full, struct err *e) {
    int g = outflow_wait(o, e);
    if (g < 0) return g;
    struct buf empty = o->full;
    buf_clear(&empty);
    o->full = *full;
    *full = empty;
    set_state(o, GIVEN);
    return 0;
}

void outflow_free(struct outflow *o) {
    if (!o) return;
    atomic_store(&o->quit, true);
    if (state_of(o) == GIVEN)
        pthread_cancel(o->thread);
    else
        set_state(o, QUIT);
    pthread_join(o->thread, NULL);
    buf_release(&o->full);
    free(o);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing in a thread. See outflow.h. */
#include "stream/outflow.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "sys/file.h"
#include "sys/futex.h"
#include "sys/machine.h"
#include "sys/signals.h"

#define LOOK_NS 200000000       /* whoever sleeps looks again after this: a signal may have come just before */
#define PATIENCE 5              /* looks without progress after a signal: nobody reads */
#define PIECE_BYTES (64u << 10) /* what counts as progress */
#define INTERRUPT_AGAIN_NS 10000000

enum { FREE, GIVEN, QUIT };

struct outflow {
    pthread_t thread;
    int fd;
    const char *name;
    atomic_bool quit;
    uint32_t state;       /* a futex. FREE: the caller's, with all below; GIVEN: the thread's; QUIT: it ends */
    struct buf full;      /* on its way */
    atomic_size_t pieces; /* taken by the system so far */
    int grade;            /* of the last write */
    struct err why;
};

static uint32_t state_of(const struct outflow *o) {
    return atomic_load_explicit((const _Atomic uint32_t *)&o->state, memory_order_acquire);
}

static void set_state(struct outflow *o, uint32_t state) {
    atomic_store_explicit((_Atomic uint32_t *)&o->state, state, memory_order_release);
    futex_wake_all(&o->state);
}

static void write_out(struct outflow *o) {
    o->grade = 0;
    for (size_t at = 0; o->grade == 0 && at < o->full.len && !atomic_load(&o->quit); at += PIECE_BYTES) {
        size_t left = o->full.len - at;
        o->grade = file_write_all(o->fd, o->full.data + at, left < PIECE_BYTES ? left : PIECE_BYTES, o->name, &o->why);
        atomic_fetch_add(&o->pieces, 1);
    }
}

static void *outflow_main(void *arg) {
    struct outflow *o = arg;
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

/* A signal cuts off only what nobody takes any more. */
int outflow_wait(struct outflow *o, struct err *e) {
    size_t seen = atomic_load(&o->pieces);
    for (int looks = 0; state_of(o) == GIVEN;) {
        size_t now = atomic_load(&o->pieces);
        looks = !signals_stop() || now != seen ? 0 : looks + 1;
        seen = now;
        if (looks > PATIENCE) return err_set(e, G_STOPPED, "stopped while writing to '%s'", o->name);
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

/* Until the thread has ended, or for a while: false. */
static bool join_for(struct outflow *o, int64_t ns) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += (t.tv_nsec + ns) / 1000000000;
    t.tv_nsec = (t.tv_nsec + ns) % 1000000000;
    return pthread_timedjoin_np(o->thread, NULL, &t) == 0;
}

/* A write that waits is interrupted, and sees the signal that the process is to stop by; again, as the interruption may
 * come just before the write. (pthread_cancel would load a library, which the sandbox does not allow.) */
void outflow_free(struct outflow *o) {
    if (!o) return;
    atomic_store(&o->quit, true);
    if (state_of(o) == FREE) set_state(o, QUIT);
    do {
        if (signals_stop()) (void)pthread_kill(o->thread, SIGNAL_INTERRUPT);
    } while (!join_for(o, INTERRUPT_AGAIN_NS));
    buf_release(&o->full);
    free(o);
}

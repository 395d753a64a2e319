/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to readers that may be slow. See relay.h. */
#include "stream/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/pipes.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define REFILL_BYTES (1u << 20) /* from the spill at once */
#define TRY_FIRST_NS 2000000    /* between two looks for a FIFO's reader; */
#define TRY_MOST_NS 50000000    /* the longer there is none the rarer */
#define LOOK_MS 1000

static void close_own(struct relay *r) {
    if (r->fd >= 0 && r->fd != r->lent) sys.close(r->fd); /* what a pipe took it keeps, whatever close says */
    r->fd = -1;
}

/* It takes nothing any more. */
static void leave(struct relay *r, enum relay_state state) {
    r->state = state;
    close_own(r);
    buf_release(&r->queue);
    r->at = 0;
    spill_release(&r->spill);
    spill_init(&r->spill, NULL, r->name);
}

static void reader_left(struct relay *r) {
    (void)err_set(&r->why, G_PIPE, "the reader of '%s' went away", r->name);
    leave(r, RELAY_GONE);
}

/* All was written; the reader sees the end now, and not when we exit. */
static void end(struct relay *r) {
    leave(r, RELAY_CLOSED);
    if (r->lent < 0 || sys.close(r->lent) == 0) return;
    (void)err_sys(&r->why, errno, "cannot close '%s'", r->name);
    r->state = RELAY_FAILED;
}

static void init(struct relay *r, const char *name, enum relay_slow slow, struct spill_budget *budget) {
    *r = (struct relay){
        .name = name, .fd = -1, .lent = -1, .piece = SIZE_MAX, .slow = slow, .try_every_ns = TRY_FIRST_NS};
    spill_init(&r->spill, budget, name);
    if (slow == RELAY_SPILL) spill_open(&r->spill);
}

static void look_at(struct relay *r) {
    struct stat st;
    r->pipe = sys.fstat(r->fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    (void)pipe_grow(r->fd);
}

void relay_open_fd(struct relay *r, int fd, const char *name, enum relay_slow slow, struct spill_budget *budget) {
    char path[40];
    init(r, name, slow, budget);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    r->lent = fd;
    struct stat st;
    bool waits = sys.fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd) == 1);
    if (waits) r->fd = sys.openat(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (r->fd < 0) r->fd = fd;
    if (waits && r->fd == fd) r->piece = PIPE_BUF; /* what a pipe with room takes without waiting */
    look_at(r);
}

/* 0 also when nobody reads the FIFO yet. */
static int try_open(struct relay *r, struct err *e) {
    int fd = sys.openat(AT_FDCWD, r->fifo, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd < 0 && (errno == ENXIO || errno == EINTR)) {
        r->next_try_ns = sys.boot_ns() + r->try_every_ns;
        r->try_every_ns = r->try_every_ns * 2 > TRY_MOST_NS ? TRY_MOST_NS : r->try_every_ns * 2;
        return 0;
    }
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", r->fifo);
    r->fd = fd;
    r->fifo = NULL;
    look_at(r);
    return 0;
}

int relay_open_path(struct relay *r, const char *path, enum relay_slow slow, struct spill_budget *budget,
                    struct err *e) {
    struct stat st;
    init(r, path, slow, budget);
    r->fifo = path;
    if (sys.fstatat(AT_FDCWD, path, &st, 0) < 0) return err_sys(e, errno, "cannot open '%s'", path);
    if (!S_ISFIFO(st.st_mode)) {
        r->fd = sys.openat(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
        if (r->fd < 0) return err_sys(e, errno, "cannot open '%s'", path);
        r->fifo = NULL;
        return 0;
    }
    return try_open(r, e);
}

void relay_release(struct relay *r) {
    if (!r || !r->name) return;
    close_own(r);
    buf_release(&r->queue);
    spill_release(&r->spill);
    *r = (struct relay){.fd = -1, .lent = -1};
}

/* Write of [p, p + n) what goes without waiting. Returns how much that was; the rest of the story is in the state. */
static size_t write_some(struct relay *r, const char *p, size_t n) {
    size_t done = 0;
    while (done < n && r->state == RELAY_OPEN) {
        struct pollfd ready = {.fd = r->fd, .events = POLLOUT};
        if (r->piece == PIPE_BUF && sys.poll(&ready, 1, 0) <= 0) break;
        ssize_t k = sys.write(r->fd, p + done, n - done < r->piece ? n - done : r->piece);
        if (k >= 0) {
            done += (size_t)k;
        } else if (errno == EPIPE) {
            reader_left(r);
        } else if (errno == EAGAIN || errno == EINTR) {
            break;
        } else {
            (void)err_sys(&r->why, errno, "cannot write to '%s'", r->name);
            leave(r, RELAY_FAILED);
        }
    }
    r->written += done;
    return done;
}

/* Spilled bytes become the queue, which is empty. */
static void refill(struct relay *r) {
    uint64_t left = spill_size(&r->spill);
    size_t n = left < REFILL_BYTES ? (size_t)left : REFILL_BYTES;
    int g = buf_reserve(&r->queue, n) < 0 ? err_nomem(&r->why) : spill_read(&r->spill, r->queue.data, n, &r->why);
    if (g < 0)
        leave(r, RELAY_FAILED);
    else
        r->queue.len = n;
}

/* What waits goes as far as it can. */
static void advance(struct relay *r) {
    while (r->state == RELAY_OPEN && r->fd >= 0) {
        if (r->at == r->queue.len) {
            buf_clear(&r->queue);
            r->at = 0;
            if (spill_size(&r->spill) == 0) return;
            refill(r);
            continue;
        }
        size_t n = r->queue.len - r->at;
        size_t done = write_some(r, r->queue.data + r->at, n);
        if (r->state == RELAY_OPEN) r->at += done;
        if (done < n) return;
    }
}

/* What was written makes room in front only where that is worth the move. */
static int keep(struct relay *r, const char *p, size_t n, struct err *e) {
    bool spills = r->slow == RELAY_SPILL;
    if (spills && (spill_size(&r->spill) > 0 || r->queue.len - r->at + n > RELAY_QUEUE_BYTES)) {
        if (spill_append(&r->spill, p, n, &r->why) < 0) leave(r, RELAY_FAILED);
        return 0;
    }
    if (r->at > r->queue.len / 2) {
        buf_consume(&r->queue, r->at);
        r->at = 0;
    }
    return buf_append(&r->queue, p, n) < 0 ? err_nomem(e) : 0;
}

static void look_for_reader(struct relay *r) {
    if (r->state == RELAY_OPEN && r->fd < 0 && sys.boot_ns() >= r->next_try_ns && try_open(r, &r->why) < 0)
        leave(r, RELAY_FAILED);
}

int relay_put(struct relay *r, const void *p, size_t n, struct err *e) {
    size_t done = 0;
    look_for_reader(r);
    advance(r);
    if (r->state == RELAY_OPEN && r->fd >= 0 && relay_waiting(r) == 0) done = write_some(r, p, n);
    return r->state == RELAY_OPEN && done < n ? keep(r, (const char *)p + done, n - done, e) : 0;
}

/* What poll should look for, and how long it may sleep while a FIFO has no reader. */
static void prepare(const struct relay *r, struct pollfd *p, int *timeout_ms) {
    bool waits = relay_waiting(r) > 0;
    *p = (struct pollfd){.fd = -1};
    if (r->state != RELAY_OPEN) return;
    if (r->fd < 0) {
        int64_t left_ms = (r->next_try_ns - sys.boot_ns()) / 1000000 + 1;
        if (left_ms < 1) left_ms = 1;
        if (*timeout_ms < 0 || left_ms < *timeout_ms) *timeout_ms = (int)left_ms;
    } else if (waits || r->pipe) {
        p->fd = r->fd;
        p->events = waits ? POLLOUT : 0;
    }
}

int relays_pump(struct relay *const *r, size_t n, int fd, int timeout_ms, struct err *e) {
    struct pollfd few[16], *p = n + 1 <= sizeof few / sizeof *few ? few : calloc(n + 1, sizeof *p);
    if (!p) return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        look_for_reader(r[i]);
        prepare(r[i], &p[i], &timeout_ms);
    }
    p[n] = (struct pollfd){.fd = fd, .events = POLLIN};
    if (timeout_ms < 0) timeout_ms = LOOK_MS; /* a signal may come just before the poll */
    int ready = signals_stop() ? 0 : sys.poll(p, n + 1, timeout_ms);
    int failed = ready < 0 && errno != EINTR ? errno : 0;
    for (size_t i = 0; ready > 0 && i < n; i++) {
        if (p[i].revents & POLLOUT) advance(r[i]);
        if (r[i]->state == RELAY_OPEN && r[i]->pipe && (p[i].revents & (POLLERR | POLLHUP))) reader_left(r[i]);
        if (r[i]->state == RELAY_OPEN && (p[i].revents & (POLLERR | POLLHUP | POLLNVAL))) advance(r[i]);
    }
    int readable = ready > 0 && p[n].revents != 0;
    if (p != few) free(p);
    if (failed) return err_sys(e, failed, "cannot wait for readers");
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped while waiting for readers");
    return readable;
}

/* Those that have all are closed: a reader may wait for that before he looks at another. */
static bool close_done(struct relay *const *r, size_t n, uint64_t *ret_written) {
    bool open = false;
    *ret_written = 0;
    for (size_t i = 0; i < n; i++) {
        if (r[i]->state == RELAY_OPEN && r[i]->fd >= 0 && relay_waiting(r[i]) == 0) end(r[i]);
        open |= r[i]->state == RELAY_OPEN;
        *ret_written += r[i]->written;
    }
    return open;
}

/* With a stop asked for, which relays_pump does not outlast: by hand, while it helps. */
static bool finish_stopped(struct relay *const *r, size_t n) {
    uint64_t before, now;
    int64_t until = sys.boot_ns() + RELAY_GRACE_MS * 1000000ll;
    bool open = close_done(r, n, &before);
    while (open && sys.boot_ns() < until) {
        for (size_t i = 0; i < n; i++) {
            look_for_reader(r[i]);
            advance(r[i]);
        }
        open = close_done(r, n, &now);
        if (now != before) until = sys.boot_ns() + RELAY_GRACE_MS * 1000000ll;
        before = now;
        if (open) sys_sleep_ns(TRY_FIRST_NS);
    }
    return !open;
}

/* Nobody may come any more: who wanted to read could have been here and gone, unseen. */
static void give_up_absent(struct relay *const *r, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (r[i]->state == RELAY_OPEN && r[i]->fd < 0) reader_left(r[i]);
}

int relays_finish(struct relay *const *r, size_t n, bool failed, struct err *e) {
    int64_t until = sys.boot_ns() + RELAY_GRACE_MS * 1000000ll;
    uint64_t written;
    int g = 0;
    while (g >= 0 && close_done(r, n, &written)) {
        g = relays_pump(r, n, -1, -1, e);
        if (failed && sys.boot_ns() >= until) give_up_absent(r, n);
    }
    if (g == G_STOPPED && finish_stopped(r, n)) return 0;
    return g < 0 ? g : 0;
}

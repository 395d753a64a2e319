/* SPDX-License-Identifier: Apache-2.0 */
/* Buffered input. See inbuf.h. */
#include "stream/inbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/pipes.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define PREFETCH_BYTES (512u << 10) /* two of these and a block stay near the processor */

int inbuf_init(struct inbuf *in, int fd, const char *name, struct err *e) {
    *in = (struct inbuf){.fd = fd, .name = name};
    in->cap = INBUF_HEAD_BYTES + INBUF_READ_BYTES;
    in->data = malloc(in->cap);
    if (!in->data) return err_nomem(e);
    struct stat st;
    in->regular = sys.fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    in->steady = pipe_grow(fd) || in->regular;
    return 0;
}

void inbuf_release(struct inbuf *in) {
    if (!in) return;
    free(in->data);
    free(in->next);
    *in = (struct inbuf){.fd = -1};
}

/* Room behind len: used bytes go first, and only when what is left fills the buffer does it grow. */
static int make_room(struct inbuf *in, struct err *e) {
    if (in->at == in->len) {
        in->position += in->len;
        in->at = in->len = 0;
    }
    if (in->cap - in->len >= INBUF_READ_BYTES / 4) return 0;
    if (in->at >= in->cap / 2 || in->cap - in->len + in->at >= INBUF_READ_BYTES / 2) {
        memmove(in->data, in->data + in->at, in->len - in->at);
        in->position += in->at;
        in->len -= in->at;
        in->at = 0;
        return 0;
    }
    char *p = realloc(in->data, in->cap * 2);
    if (!p) return err_nomem(e);
    in->data = p;
    in->cap *= 2;
    return 0;
}

int inbuf_append(struct inbuf *in, const void *p, size_t n, struct err *e) {
    while (n > 0) {
        int g = make_room(in, e);
        if (g < 0) return g;
        size_t room = in->cap - in->len, k = n < room ? n : room;
        memcpy(in->data + in->len, p, k);
        in->len += k;
        p = (const char *)p + k;
        n -= k;
    }
    return 0;
}

bool inbuf_prefetch(struct inbuf *in) {
    if (!in->steady || in->eof || in->next_len > 0 || inbuf_would_block(in)) return false;
    if (!in->next) {
        in->next_cap = INBUF_HEAD_BYTES + PREFETCH_BYTES;
        in->next = malloc(in->next_cap);
        if (!in->next) return false;
    }
    ssize_t n = sys.read(in->fd, in->next + INBUF_HEAD_BYTES, PREFETCH_BYTES);
    in->next_len = n > 0 ? (size_t)n : 0; /* what ended it, inbuf_more will find again */
    return n > 0;
}

/* What is left goes in front of what was read ahead, and the buffers change places. */
static void switch_buffers(struct inbuf *in) {
    size_t left = in->len - in->at, old_cap = in->cap;
    char *old = in->data;
    memcpy(in->next + INBUF_HEAD_BYTES - left, old + in->at, left);
    in->position += in->at - (INBUF_HEAD_BYTES - left); /* wraps around where the input is that young: `at` adds it */
    in->data = in->next;
    in->cap = in->next_cap;
    in->at = INBUF_HEAD_BYTES - left;
    in->len = INBUF_HEAD_BYTES + in->next_len;
    in->next = old;
    in->next_cap = old_cap;
    in->next_len = 0;
}

/* Nothing is read: it was already. A line that is longer than the room in front of it takes it behind itself. */
static int take_prefetched(struct inbuf *in, struct err *e) {
    if (inbuf_switches(in)) {
        switch_buffers(in);
        return 0;
    }
    size_t want = in->len + in->next_len;
    if (want > in->cap) {
        char *p = realloc(in->data, want);
        if (!p) return err_nomem(e);
        in->data = p;
        in->cap = want;
    }
    memcpy(in->data + in->len, in->next + INBUF_HEAD_BYTES, in->next_len);
    in->len = want;
    in->next_len = 0;
    return 0;
}

int inbuf_more(struct inbuf *in, struct err *e) {
    if (in->more) return in->more(in->more_ctx, in, e);
    if (in->next_len > 0)
        return signals_stop() ? err_set(e, G_STOPPED, "stopped while reading '%s'", in->name) : take_prefetched(in, e);
    int g = make_room(in, e);
    if (g == 0 && in->before_wait && inbuf_would_block(in)) g = in->before_wait(in->before_wait_ctx, in, e);
    if (g < 0) return g;
    for (;;) {
        if (signals_stop()) return err_set(e, G_STOPPED, "stopped while reading '%s'", in->name);
        ssize_t n = sys.read(in->fd, in->data + in->len, in->cap - in->len);
        if (n > 0) {
            in->len += (size_t)n;
            in->eof = false;
            return 0;
        }
        if (n == 0) {
            in->eof = true;
            return G_EOF;
        }
        if (errno == EAGAIN) {
            struct pollfd p = {.fd = in->fd, .events = POLLIN};
            (void)sys.poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return err_sys(e, errno, "cannot read '%s'", in->name);
        }
    }
}

int inbuf_need(struct inbuf *in, size_t want, struct err *e) {
    while (inbuf_left(in) < want) {
        int g = inbuf_more(in, e);
        if (g != 0) return g;
    }
    return 0;
}

bool inbuf_would_block(const struct inbuf *in) {
    if (in->next_len > 0 || (in->eof && !in->follow)) return false;
    struct pollfd p = {.fd = in->fd, .events = POLLIN};
    return sys.poll(&p, 1, 0) == 0;
}

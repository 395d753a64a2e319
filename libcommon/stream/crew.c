/* SPDX-License-Identifier: Apache-2.0 */
/* Threads at the blocks of one input. See crew.h. */
#include "stream/crew.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "sys/machine.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define PIECE_BYTES (256u << 10)  /* of whole blocks, at least, while there is plenty */
#define READ_MAX_BYTES (4u << 20) /* memory grows with what comes, not with what a header claims */
#define PIECES_A_THREAD 3u
#define PIECES_MAX (PIECES_A_THREAD * CREW_THREADS_MAX)

/* One block of a piece, found when it was read. */
struct item {
    size_t at; /* in the piece */
    struct block_header h;
    const void *tag;
    size_t note_at, note_size;
    bool checked, noted;
};

enum piece_state { PIECE_READING, PIECE_WAITING, PIECE_TAKEN, PIECE_DONE }; /* under the mutex */

struct piece {
    struct buf bytes;
    uint64_t position; /* in the input */
    struct item *items;
    size_t count, cap;
    struct buf notes;
    size_t whole; /* bytes of whole blocks */
    enum piece_state state;
};

struct crew {
    struct crew_config config;
    struct inbuf *in;
    char *in_data; /* the inbuf's own buffer */
    size_t in_cap;
    bool active; /* pieces are read, no longer the inbuf */
    bool regular;
    bool ended;         /* nothing more will be read */
    struct err failure; /* why, if not at a clean end */
    struct buf left;    /* bytes that begin the next piece */
    uint64_t position;  /* of that */

    /* A ring: pieces[first] is the oldest, then `used` of them, the last of which may be PIECE_READING. */
    struct piece pieces[PIECES_MAX];
    size_t size, first, used;
    bool handed_over; /* the oldest is in the inbuf */
    bool reading;     /* the last is still being read */

    pthread_mutex_t mutex; /* states, and the fields below */
    pthread_cond_t work, done;
    pthread_t threads[CREW_THREADS_MAX];
    unsigned wanted, started; /* threads, without the caller's */
    bool quit;
};

static struct piece *piece_at(struct crew *c, size_t i) {
    return &c->pieces[(c->first + i) % c->size];
}

/* ---- looking ---- */

static void look(const struct crew *c, unsigned thread, struct piece *p) {
    for (size_t i = 0; i < p->count; i++) {
        struct item *it = &p->items[i];
        const uint8_t *header = (const uint8_t *)p->bytes.data + it->at;
        const char *body = p->bytes.data + it->at + BLOCK_HEADER_SIZE;
        if (it->h.kind != BLOCK_DATA || it->h.codec != CODEC_NONE || !(it->h.flags & BLOCK_JSON_VALID)) continue;
        struct err ignored; /* whoever takes the block in its turn finds the same */
        if (block_check_crc(header, body, it->h.stored_size, &ignored) < 0) continue;
        if (block_check_records(&it->h, body, c->config.record_limit, &ignored) < 0) continue;
        it->checked = true;
        it->note_at = p->notes.len;
        const struct crew_block b = {&it->h, body, it->tag};
        it->noted = c->config.look(c->config.ctx, thread, &b, &p->notes) >= 0;
        if (!it->noted) p->notes.len = it->note_at;
        it->note_size = p->notes.len - it->note_at;
    }
}

/* The oldest piece that nobody has looked at, or NULL. */
static struct piece *take(struct crew *c) {
    for (size_t i = 0; i < c->used; i++) {
        struct piece *p = piece_at(c, i);
        if (p->state != PIECE_WAITING) continue;
        p->state = PIECE_TAKEN;
        return p;
    }
    return NULL;
}

struct thread_arg {
    struct crew *crew;
    unsigned number;
};

static void *thread_main(void *arg) {
    struct thread_arg a = *(struct thread_arg *)arg;
    struct crew *c = a.crew;
    free(arg);
    pthread_mutex_lock(&c->mutex);
    while (!c->quit) {
        struct piece *p = take(c);
        if (!p) {
            pthread_cond_wait(&c->work, &c->mutex);
            continue;
        }
        pthread_mutex_unlock(&c->mutex);
        look(c, a.number, p);
        pthread_mutex_lock(&c->mutex);
        p->state = PIECE_DONE;
        pthread_cond_signal(&c->done);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

/* One more thread; that there are fewer than wanted does no harm. */
static void start_thread(struct crew *c) {
    struct thread_arg *a = malloc(sizeof *a);
    if (!a) return;
    *a = (struct thread_arg){c, c->started + 1};
    /* With no limit on the stack a thread would get less than with one, and expressions count on 8 MiB. */
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)8 << 20);
    signals_block(true); /* the caller's thread is the one to be interrupted */
    int failed = pthread_create(&c->threads[c->started], &attributes, thread_main, a);
    signals_block(false);
    pthread_attr_destroy(&attributes);
    if (failed)
        free(a);
    else
        c->started++;
}

/* ---- reading ---- */

/* Find the blocks that are whole by now. Returns how many bytes the piece needs to hold one more, 0 when that is not
 * known; sets `ended` at a header that is none: the reader will say what is wrong with it. */
static size_t find_blocks(struct crew *c, struct piece *p) {
    while (p->bytes.len - p->whole >= BLOCK_HEADER_SIZE) {
        struct item it = {.at = p->whole};
        const char *at = p->bytes.data + p->whole;
        struct err ignored;
        if (block_header_decode((const uint8_t *)at, c->config.record_limit, &it.h, &ignored) < 0) {
            c->ended = true;
            return 0;
        }
        size_t size = BLOCK_HEADER_SIZE + (size_t)it.h.stored_size;
        if (p->bytes.len - p->whole < size) return p->whole + size;
        if (p->count == p->cap) {
            size_t cap = p->cap ? p->cap * 2 : 8;
            struct item *items = realloc(p->items, cap * sizeof *items);
            if (!items) { /* fewer notes, no fewer blocks */
                p->whole += size;
                continue;
            }
            p->items = items;
            p->cap = cap;
        }
        it.tag = c->config.tag(c->config.ctx, &it.h, at + BLOCK_HEADER_SIZE);
        p->items[p->count++] = it;
        p->whole += size;
    }
    return 0;
}

static bool would_block(const struct crew *c) {
    struct pollfd f = {.fd = c->in->fd, .events = POLLIN};
    return !c->regular && sys.poll(&f, 1, 0) == 0;
}

/* An empty piece behind the others; its first bytes are those that the one before it could not use. */
static struct piece *begin_piece(struct crew *c) {
    struct piece *p = piece_at(c, c->used);
    buf_clear(&p->bytes);
    buf_clear(&p->notes);
    p->count = p->whole = 0;
    p->state = PIECE_READING;
    p->position = c->position;
    if (buf_append(&p->bytes, c->left.data, c->left.len) < 0) return NULL;
    buf_clear(&c->left);
    c->reading = true;
    pthread_mutex_lock(&c->mutex);
    c->used++;
    pthread_mutex_unlock(&c->mutex);
    return p;
}

/* What is no whole block is for the next piece, unless there is none. */
static int end_piece(struct crew *c, struct piece *p) {
    if (!c->ended) {
        if (buf_append(&c->left, p->bytes.data + p->whole, p->bytes.len - p->whole) < 0) return G_NOMEM;
        p->bytes.len = p->whole;
    }
    c->position = p->position + p->bytes.len;
    return 0;
}

static int give_up(struct crew *c, int grade) {
    c->ended = true;
    if (grade == G_NOMEM) err_nomem(&c->failure);
    return grade;
}

/* One read: 0 when there is more than before, or it is known that there will be no more; G_STOPPED. */
static int read_once(struct crew *c, struct piece *p, size_t room) {
    size_t n = room - p->bytes.len < READ_MAX_BYTES ? room - p->bytes.len : READ_MAX_BYTES;
    if (buf_reserve(&p->bytes, n) < 0) return give_up(c, G_NOMEM);
    for (;;) {
        if (signals_stop()) return G_STOPPED;
        ssize_t got = sys.read(c->in->fd, p->bytes.data + p->bytes.len, n);
        if (got >= 0) {
            p->bytes.len += (size_t)got;
            c->ended = got == 0;
            return 0;
        }
        if (errno == EAGAIN) {
            struct pollfd f = {.fd = c->in->fd, .events = POLLIN};
            (void)sys.poll(&f, 1, -1);
        } else if (errno != EINTR) {
            return give_up(c, err_sys(&c->failure, errno, "cannot read '%s'", c->in->name));
        }
    }
}

/* Read into the last piece. 0: it is as good as it gets; G_WAIT: that would have to wait, which it does once with
 * `wait`; G_STOPPED. */
static int read_piece(struct crew *c, struct piece *p, bool wait) {
    for (;;) {
        size_t want = find_blocks(c, p);
        if (c->ended || (p->whole >= PIECE_BYTES && p->bytes.len - p->whole <= BLOCK_HEADER_SIZE)) break;
        if (!wait && would_block(c)) {
            if (p->whole == 0) return G_WAIT;
            break;
        }
        wait = false;
        size_t room = (want ? want : p->bytes.len) + BLOCK_HEADER_SIZE; /* the next header, too, so that it tells */
        int g = read_once(c, p, room > PIECE_BYTES ? room : PIECE_BYTES);
        if (g == G_STOPPED) return g;
        if (g < 0) break;
    }
    if (end_piece(c, p) < 0) give_up(c, G_NOMEM);
    return 0;
}

/* Read one more piece, if there is a place for it: 0, else G_WAIT; G_STOPPED. */
static int read_more(struct crew *c, bool wait) {
    if (c->ended || (!c->reading && c->used == c->size)) return G_WAIT;
    struct piece *p = c->reading ? piece_at(c, c->used - 1) : begin_piece(c);
    if (!p) {
        give_up(c, G_NOMEM);
        return G_WAIT;
    }
    int g = read_piece(c, p, wait);
    if (g != 0) return g;
    c->reading = false;
    pthread_mutex_lock(&c->mutex);
    p->state = PIECE_WAITING;
    bool plenty = c->used > 2;
    if (plenty) pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->mutex);
    if (plenty && c->started < c->wanted) start_thread(c);
    return 0;
}

/* ---- handing over ---- */

/* Look at the oldest piece that waits for it, or wait until some thread is done with one. */
static void help(struct crew *c) {
    pthread_mutex_lock(&c->mutex);
    struct piece *p = take(c);
    if (p) {
        pthread_mutex_unlock(&c->mutex);
        look(c, 0, p);
        pthread_mutex_lock(&c->mutex);
        p->state = PIECE_DONE;
    } else if (piece_at(c, 0)->state == PIECE_TAKEN) {
        pthread_cond_wait(&c->done, &c->mutex);
    }
    pthread_mutex_unlock(&c->mutex);
}

static bool is_done(struct crew *c) {
    if (c->used == 0) return false;
    pthread_mutex_lock(&c->mutex);
    bool done = piece_at(c, 0)->state == PIECE_DONE;
    pthread_mutex_unlock(&c->mutex);
    return done;
}

/* Is there a piece that threads have or could have? The last may still be read. */
static bool is_busy(struct crew *c) {
    return c->used > (c->reading ? 1 : 0);
}

static void leave_piece(struct crew *c) {
    if (!c->handed_over) return;
    c->handed_over = false;
    pthread_mutex_lock(&c->mutex);
    c->first = (c->first + 1) % c->size;
    c->used--;
    pthread_mutex_unlock(&c->mutex);
}

static void hand_over(struct crew *c, struct inbuf *in) {
    struct piece *p = piece_at(c, 0);
    in->data = p->bytes.data;
    in->cap = p->bytes.cap;
    in->len = p->bytes.len;
    in->at = 0;
    in->position = p->position;
    c->handed_over = true;
}

/* What the inbuf has and nobody has used goes into the first piece. */
static int take_over(struct crew *c, struct inbuf *in) {
    if (buf_append(&c->left, inbuf_here(in), inbuf_left(in)) < 0) return G_NOMEM;
    c->position = inbuf_position(in);
    c->in_data = in->data;
    c->in_cap = in->cap;
    c->active = true;
    return 0;
}

/* inbuf_more, once the crew is active: the next piece. */
static int next_piece(struct crew *c, struct inbuf *in, struct err *e) {
    leave_piece(c);
    for (;;) {
        if (signals_stop()) return err_set(e, G_STOPPED, "stopped while reading '%s'", in->name);
        if (is_done(c)) {
            hand_over(c, in);
            if (in->len > 0) return 0;
            leave_piece(c); /* the end came alone */
            continue;
        }
        int g = read_more(c, false);
        if (g == G_STOPPED || g == 0) continue;
        if (is_busy(c)) {
            help(c);
            continue;
        }
        if (c->ended) break;
        g = in->before_wait ? in->before_wait(in->before_wait_ctx, in, e) : 0;
        if (g < 0) return g;
        (void)read_more(c, true);
    }
    in->eof = true;
    if (c->failure.grade == 0) return G_EOF;
    *e = c->failure;
    return e->grade;
}

static int crew_more(void *ctx, struct inbuf *in, struct err *e) {
    struct crew *c = ctx;
    bool inside = c->active && inbuf_left(in) > 0; /* a piece that ends inside a block: the input does */
    if (inside) return c->failure.grade ? (*e = c->failure, e->grade) : G_EOF;
    if (!c->active && in->position + in->len >= CREW_START_BYTES && in->next_len == 0 && take_over(c, in) < 0)
        return err_nomem(e);
    if (c->active) return next_piece(c, in, e);
    in->more = NULL;
    int g = inbuf_more(in, e);
    in->more = crew_more;
    return g;
}

/* ---- life ---- */

struct crew *crew_start(struct inbuf *in, const struct crew_config *config) {
    unsigned n = machine_processors();
    if (n > CREW_THREADS_MAX) n = CREW_THREADS_MAX;
    struct crew *c = n > 1 ? calloc(1, sizeof *c) : NULL;
    struct stat st;
    if (!c) return NULL;
    c->config = *config;
    c->in = in;
    c->wanted = n - 1;
    c->size = PIECES_A_THREAD * n;
    c->regular = sys.fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->done, NULL);
    in->more = crew_more;
    in->more_ctx = c;
    return c;
}

void crew_free(struct crew *c) {
    if (!c) return;
    pthread_mutex_lock(&c->mutex);
    c->quit = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->mutex);
    for (unsigned i = 0; i < c->started; i++) pthread_join(c->threads[i], NULL);
    for (size_t i = 0; i < c->size; i++) {
        buf_release(&c->pieces[i].bytes);
        buf_release(&c->pieces[i].notes);
        free(c->pieces[i].items);
    }
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->done);
    pthread_mutex_destroy(&c->mutex);
    buf_release(&c->left);
    if (c->active) {
        c->in->data = c->in_data;
        c->in->cap = c->in_cap;
        c->in->at = c->in->len = 0;
    }
    c->in->more = NULL;
    free(c);
}

/* The block that begins at this position of the piece in hand. */
static const struct item *find_item(const struct crew *c, uint64_t position) {
    if (!c->handed_over) return NULL;
    const struct piece *p = &c->pieces[c->first];
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t at = p->position + p->items[middle].at;
        if (at == position) return &p->items[middle];
        if (at < position)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool crew_checked(const void *crew, uint64_t position) {
    const struct item *it = find_item(crew, position);
    return it && it->checked;
}

bool crew_note(const struct crew *c, uint64_t position, const char **ret, size_t *ret_size) {
    const struct item *it = find_item(c, position);
    if (!it || !it->noted) return false;
    *ret = c->pieces[c->first].notes.data + it->note_at;
    *ret_size = it->note_size;
    return true;
}

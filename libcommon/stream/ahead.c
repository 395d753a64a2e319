/* SPDX-License-Identifier: Apache-2.0 */
/* Validating ahead. See ahead.h. */
#include "stream/ahead.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sys/machine.h"
#include "sys/signals.h"

#define LINES (1u << 14) /* of one piece that can be known; the reader looks at the rest itself */
#define TELL_LINES 16u   /* so many at a time: the word that counts them is shared by two processors */
#define NOT_VALID 1u

/* What one read brought, and where its lines end: position behind the LF << 1, bit 0 set where it is not valid. */
struct piece {
    struct inbuf *in; /* to be read by the thread; NULL: it was */
    const char *from, *end;
    _Atomic uint32_t known; /* lines */
    atomic_bool stop;       /* leave the rest */
    uint32_t ends[LINES];
};

/* Where the caller is in a piece: the line that it asks for next, and where that begins. */
struct place {
    bool open; /* it was read, and counts */
    uint32_t line;
    uint32_t at;
};

struct ahead {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct json_validator json;
    struct piece pieces[2];     /* number n is pieces[n % 2] */
    struct place places[2];     /* apart from what the thread writes */
    uint64_t given, read, done; /* pieces so far */
    bool quit;
};

/* The whole lines in what was read ahead; where a line began before it, that one is the reader's. */
static void find_lines(struct piece *piece, const struct inbuf *in) {
    const char *p = in->next + INBUF_HEAD_BYTES;
    const char *first = in->next_len ? memchr(p, '\n', in->next_len) : NULL;
    piece->from = first ? first + 1 : NULL;
    piece->end = first ? (const char *)memrchr(p, '\n', in->next_len) + 1 : NULL;
}

static void look(struct ahead *a, struct piece *piece) {
    const char *p = piece->from;
    uint32_t n = 0;
    while (p < piece->end && n < LINES && !atomic_load_explicit(&piece->stop, memory_order_relaxed)) {
        const char *lf = memchr(p, '\n', (size_t)(piece->end - p));
        const char *next = lf ? lf + 1 : piece->end;
        bool valid = json_validate(&a->json, p, (size_t)(next - p), NULL) == 0; /* the reader finds out what is wrong */
        p = next;
        piece->ends[n++] = (uint32_t)(p - piece->from) << 1 | (valid ? 0 : NOT_VALID);
        if (n % TELL_LINES == 0) atomic_store_explicit(&piece->known, n, memory_order_release);
    }
    atomic_store_explicit(&piece->known, n, memory_order_release);
}

static void *ahead_main(void *arg) {
    struct ahead *a = arg;
    pthread_mutex_lock(&a->mutex);
    while (!a->quit) {
        if (a->done == a->given) {
            pthread_cond_wait(&a->changed, &a->mutex);
            continue;
        }
        struct piece *piece = &a->pieces[a->done % 2]; /* only this thread changes `done` and `read` */
        pthread_mutex_unlock(&a->mutex);
        if (piece->in && inbuf_prefetch(piece->in)) find_lines(piece, piece->in);
        pthread_mutex_lock(&a->mutex);
        a->read++;
        pthread_cond_broadcast(&a->changed);
        pthread_mutex_unlock(&a->mutex);
        look(a, piece);
        pthread_mutex_lock(&a->mutex);
        a->done++;
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->mutex);
    return NULL;
}

struct ahead *ahead_start(const struct json_limits *limits) {
    struct ahead *a = machine_processors() > 1 ? calloc(1, sizeof *a) : NULL;
    if (!a) return NULL;
    if (json_validator_init(&a->json, limits) < 0) {
        free(a);
        return NULL;
    }
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->changed, NULL);
    signals_block(true); /* the reader's thread is the one to be interrupted */
    int failed = pthread_create(&a->thread, NULL, ahead_main, a);
    signals_block(false);
    if (!failed) return a;
    json_validator_release(&a->json);
    free(a);
    return NULL;
}

void ahead_free(struct ahead *a) {
    if (!a) return;
    ahead_rest(a);
    pthread_mutex_lock(&a->mutex);
    a->quit = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->mutex);
    json_validator_release(&a->json);
    free(a);
}

void ahead_look(struct ahead *a, struct inbuf *in) {
    struct piece *piece = &a->pieces[a->given % 2];
    piece->from = piece->end = NULL;
    piece->in = in->regular ? in : NULL;
    if (!in->regular && inbuf_prefetch(in)) find_lines(piece, in);
    a->places[a->given % 2] = (struct place){0};
    atomic_store(&piece->known, 0);
    atomic_store(&piece->stop, false);
    pthread_mutex_lock(&a->mutex);
    a->given++;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
}

/* The line of this piece that begins at `at`, if it is known: lines before it are passed over. */
static size_t find_line(const struct piece *piece, struct place *place, size_t at) {
    uint32_t known = atomic_load_explicit(&piece->known, memory_order_acquire);
    while (place->line < known && place->at <= at) {
        uint32_t from = place->at, end = piece->ends[place->line];
        place->line++;
        place->at = end >> 1;
        if (from == at) return end & NOT_VALID ? 0 : place->at - from;
    }
    return 0;
}

void ahead_wait(struct ahead *a) {
    if (!a || a->given == 0) return;
    if (a->given > 1) atomic_store(&a->pieces[a->given % 2].stop, true); /* the caller is through with that one */
    pthread_mutex_lock(&a->mutex);
    while (a->read < a->given) pthread_cond_wait(&a->changed, &a->mutex);
    pthread_mutex_unlock(&a->mutex);
    unsigned last = (a->given - 1) % 2;
    a->places[last].open = a->pieces[last].from != NULL;
}

size_t ahead_line(struct ahead *a, const char *p) {
    for (unsigned i = 0; i < 2; i++) {
        const struct piece *piece = &a->pieces[i];
        if (a->places[i].open && p >= piece->from && p < piece->end)
            return find_line(piece, &a->places[i], (size_t)(p - piece->from));
    }
    return 0;
}

/* Pieces from number `from` up to `upto` are void. */
static void give_up(struct ahead *a, uint64_t from, uint64_t upto) {
    for (uint64_t n = from; n < upto; n++) atomic_store(&a->pieces[n % 2].stop, true);
    pthread_mutex_lock(&a->mutex);
    while (a->done < upto) pthread_cond_wait(&a->changed, &a->mutex);
    pthread_mutex_unlock(&a->mutex);
    for (uint64_t n = from; n < upto; n++) {
        a->places[n % 2].open = false;
        a->pieces[n % 2].from = NULL; /* ahead_wait must not open it again */
    }
}

void ahead_leave(struct ahead *a) {
    if (a->given > 1) give_up(a, a->given - 2, a->given - 1);
}

void ahead_rest(struct ahead *a) {
    if (a) give_up(a, a->given > 1 ? a->given - 2 : 0, a->given);
}

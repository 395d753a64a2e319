/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that talks to a server. See deliver.h. */
#include "deliver.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "base/safe.h"
#include "base/siphash.h"
#include "base/timefmt.h"
#include "sys/sandbox.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define PAUSE_FIRST_NS (100 * NS_PER_MS) /* the pause is a random part of this, doubled each time */
#define PAUSE_MAX_NS (30 * NS_PER_S)
#define TELL_AGAIN_NS (10 * NS_PER_S)
#define WORDS_MAX 200 /* of a server's */

struct delivery {
    struct delivery_config config;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work, news;
    atomic_bool fresh; /* there is something to look at */
    atomic_bool away;

    /* under the mutex */
    struct batch *batch; /* given and not done */
    struct outcome since;
    struct buf refusals;
    struct err failure;
    bool quit;

    /* the thread's own */
    struct rng rng;
    struct buf body, words;
    bool told; /* that it is away */
    int64_t away_since_ns, told_ns;
    unsigned pauses;
    char *pipeline; /* these two only between two batches */
    struct checkpoint checkpoint;
};

static void wait_for(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ns) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    ns += t.tv_nsec;
    t.tv_sec += ns / NS_PER_S;
    t.tv_nsec = ns % NS_PER_S;
    pthread_cond_timedwait(cond, mutex, &t);
}

/* Under the mutex. */
static void tell(struct delivery *d) {
    atomic_store(&d->fresh, true);
    pthread_cond_signal(&d->news);
}

/* ---- words ---- */

/* The server's words: safe for terminals, on one line, cut where a character ends. */
static int tidy(struct delivery *d, struct err *why) {
    buf_clear(&d->words);
    if (safe_append(&d->words, why->text, strlen(why->text), 0) < 0) return G_NOMEM;
    size_t n = d->words.len;
    if (n > WORDS_MAX) {
        n = WORDS_MAX;
        while (n > 0 && ((unsigned char)d->words.data[n] & 0xc0) == 0x80) n--;
    }
    return err_set(why, 0, "%.*s%s", (int)n, d->words.data, n < d->words.len ? "…" : "");
}

static void span_text(int64_t ns, char out[DURATION_TEXT_MAX]) {
    int64_t unit = ns < 10 * NS_PER_S ? 100 * NS_PER_MS : NS_PER_S;
    (void)duration_format(ns < unit ? ns / NS_PER_MS * NS_PER_MS : ns / unit * unit, out);
}

/* Told once, and not at all while the last time is only just past: a server may come and go. */
static void is_away(struct delivery *d, const struct err *why) {
    char text[DURATION_TEXT_MAX];
    struct err notice;
    int64_t now = sys.boot_ns();
    if (!d->away) {
        d->away_since_ns = now;
        d->pauses = 0;
        d->away = true;
    }
    if (d->told || (d->told_ns && now - d->told_ns < TELL_AGAIN_NS)) return;
    d->told = true;
    d->told_ns = now;
    (void)duration_format(d->config.retry_for_ns, text);
    (void)err_set(&notice, 0, "server away: %s, trying again%s%s", why->text, d->config.retry_for_ns < 0 ? "" : " for ",
                  d->config.retry_for_ns < 0 ? "" : text);
    d->config.notice(d->config.ctx, &notice);
}

static void is_back(struct delivery *d) {
    char text[DURATION_TEXT_MAX];
    struct err notice;
    bool told = d->told;
    d->away = d->told = false;
    if (!told) return;
    span_text(sys.boot_ns() - d->away_since_ns, text);
    (void)err_set(&notice, 0, "server back after %s", text);
    d->config.notice(d->config.ctx, &notice);
}

/* ---- one request ---- */

/* After a failure: 0 to try again; G_IO, it took too long; G_STOPPED. The last try is when the time is up. */
static int pause_for_retry(struct delivery *d, int64_t retry_after_ns, const struct err *why, struct err *e) {
    int64_t retry_for = d->config.retry_for_ns, now = sys.boot_ns();
    if (retry_for == 0) return err_set(e, G_IO, "'%s': %s", d->config.shown, why->text);
    is_away(d, why);
    char text[DURATION_TEXT_MAX];
    int64_t left = retry_for < 0 ? INT64_MAX : retry_for - (now - d->away_since_ns);
    int64_t limit = PAUSE_FIRST_NS << (d->pauses < 20 ? d->pauses : 20);
    int64_t pause = 1 + (int64_t)rng_below(&d->rng, (uint64_t)(limit < PAUSE_MAX_NS ? limit : PAUSE_MAX_NS));
    if (pause > left) pause = left;
    if (retry_after_ns > pause) pause = retry_after_ns;
    if (left <= 0) {
        (void)duration_format(retry_for, text);
        return err_set(e, G_IO, "'%s' took nothing for %s: %s", d->config.shown, text, why->text);
    }
    if (pause > left) {
        (void)duration_format(pause, text);
        return err_set(e, G_IO, "'%s' wants to be asked in %s, which is too late: %s", d->config.shown, text,
                       why->text);
    }
    d->pauses++;
    pthread_mutex_lock(&d->mutex);
    d->since.retries++;
    tell(d);
    for (int64_t rest = pause; rest > 0 && !d->quit; rest = now + pause - sys.boot_ns())
        wait_for(&d->work, &d->mutex, rest);
    bool quit = d->quit;
    pthread_mutex_unlock(&d->mutex);
    return quit ? err_set(e, G_STOPPED, "stopped") : 0;
}

/* The answer's verdict and the words to it. */
static enum verdict judge(struct delivery *d, const struct http_response *r, size_t points, struct err *why) {
    struct encoder *x = d->config.encoder;
    if (r->status == 0) {
        *why = r->failure;
        return r->failure.grade == G_WAIT ? VERDICT_RETRY : VERDICT_FATAL;
    }
    enum verdict v = x->ops->judge(x, r, points, why);
    if (v == VERDICT_ACCEPTED) return v;
    size_t n = r->size < 400 ? r->size : 400;
    while (n > 0 && (unsigned char)r->body[n - 1] <= ' ') n--;
    if (!why->text[0]) (void)err_set(why, 0, "%.*s", (int)n, r->body);
    (void)err_prefix(why, why->text[0] ? "HTTP %u: " : "HTTP %u", r->status);
    return v;
}

/* 0, after a pause, where `e` says what may pass. */
static int try_again(struct delivery *d, struct err *e) {
    struct err why = *e;
    if (tidy(d, &why) < 0) return err_nomem(e);
    return pause_for_retry(d, -1, &why, e);
}

/* The server is made ready for what follows, however often it takes. */
static int prepare(struct delivery *d, struct err *e) {
    struct encoder *x = d->config.encoder;
    while (x->ops->prepare) {
        int g = x->ops->prepare(x, d->config.http, e);
        if (g < 0) return g;
        if (g == 0) break;
        g = try_again(d, e);
        if (g < 0) return g;
    }
    return 0;
}

/* Send what is in `body` until there is a verdict other than to try again. */
static int send_body(struct delivery *d, size_t points, enum verdict *ret, struct err *why, struct err *e) {
    struct http_request request = *d->config.constant;
    request.body = d->body.data;
    request.size = d->body.len;
    for (;;) {
        struct http_response response;
        err_clear(why);
        int g = http_send(d->config.http, &request, &response, e);
        if (g < 0) return g;
        *ret = judge(d, &response, points, why);
        if (*ret != VERDICT_ACCEPTED && tidy(d, why) < 0) return err_nomem(e);
        if (*ret != VERDICT_RETRY) {
            is_back(d);
            return 0;
        }
        g = pause_for_retry(d, response.retry_after_ns, why, e);
        if (g < 0) return g;
    }
}

/* ---- a batch ---- */

static int report_refusal(struct delivery *d, size_t point, const struct err *why, struct err *e) {
    struct refusal r = {.point = point};
    (void)snprintf(r.words, sizeof r.words, "%.*s", REFUSAL_WORDS - 1, why->text);
    pthread_mutex_lock(&d->mutex);
    int g = buf_append(&d->refusals, &r, sizeof r);
    tell(d);
    pthread_mutex_unlock(&d->mutex);
    return g < 0 ? err_nomem(e) : 0;
}

static void report_accepted(struct delivery *d, size_t n) {
    pthread_mutex_lock(&d->mutex);
    d->since.accepted += n;
    tell(d);
    pthread_mutex_unlock(&d->mutex);
}

/* The body of these points. What is said to be the same batch has the same bytes. */
static int make_body(struct delivery *d, struct text encoded, struct err *e) {
    static const uint64_t key[2];
    struct encoder *x = d->config.encoder;
    if (x->ops->token) x->ops->token(x, &d->checkpoint, siphash24(key, encoded.p, encoded.n));
    return x->ops->body(x, encoded.p, encoded.n, &d->body, e);
}

/* Refused, and there all the same: as when it was sent before and the answer was lost. 1 yes, 0 no. */
static int is_there(struct delivery *d, struct text encoded, struct err *e) {
    struct encoder *x = d->config.encoder;
    while (x->ops->is_there) {
        int g = x->ops->is_there(x, d->config.http, encoded.p, encoded.n, e);
        if (g != G_WAIT) return g;
        g = try_again(d, e);
        if (g < 0) return g;
    }
    return 0;
}

/* The points [from, from + n) of the batch; when they are refused their halves, so that it is found out which. The
 * earlier half comes first: one that is late must not make others so, which were in order within the whole. */
static int deliver(struct delivery *d, struct batch *b, size_t from, size_t n, struct err *e) {
    enum verdict verdict;
    struct err why;
    int g = prepare(d, e);
    if (g == 0) g = make_body(d, batch_encoded(b, from, n), e);
    if (g == 0) g = send_body(d, n, &verdict, &why, e);
    if (g < 0) return g;
    if (verdict == VERDICT_FATAL) return err_set(e, G_IO, "'%s': %s", d->config.shown, why.text);
    if (verdict == VERDICT_REFUSED) {
        g = is_there(d, batch_encoded(b, from, n), e);
        if (g < 0) return g;
        if (g == 1) verdict = VERDICT_ACCEPTED;
    }
    if (verdict == VERDICT_ACCEPTED) {
        report_accepted(d, n);
        return 0;
    }
    if (n == 1) return report_refusal(d, from, &why, e);
    g = n == b->count ? batch_sort(b, e) : 0;
    if (g == 0) g = deliver(d, b, from, n / 2, e);
    return g < 0 ? g : deliver(d, b, from + n / 2, n - n / 2, e);
}

static void *thread_main(void *arg) {
    struct delivery *d = arg;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    (void)sandbox_enter_network(); /* the main thread, which talks to nobody, enters a narrower one and tells of it */
    pthread_mutex_lock(&d->mutex);
    while (!d->quit) {
        struct batch *b = d->batch;
        if (!b) {
            pthread_cond_wait(&d->work, &d->mutex);
            continue;
        }
        struct err e = {0};
        pthread_mutex_unlock(&d->mutex);
        int g = deliver(d, b, 0, b->count, &e);
        pthread_mutex_lock(&d->mutex);
        d->batch = NULL;
        d->since.done = g == 0;
        e.grade = g; /* whoever failed may have left it at that */
        if (g < 0) d->failure = e;
        tell(d);
        if (g < 0) break;
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

/* ---- for the main thread ---- */

int delivery_start(struct delivery **ret, const struct delivery_config *c, struct err *e) {
    uint64_t seed;
    int g = random_bytes(&seed, sizeof seed, e);
    if (g < 0) return g;
    struct delivery *d = calloc(1, sizeof *d);
    if (!d) return err_nomem(e);
    d->config = *c;
    rng_init(&d->rng, seed);
    pthread_mutex_init(&d->mutex, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&d->work, &steady);
    pthread_cond_init(&d->news, &steady);
    pthread_condattr_destroy(&steady);
    signals_block(true); /* the caller's thread is the one to be interrupted */
    int failed = pthread_create(&d->thread, NULL, thread_main, d);
    signals_block(false);
    if (failed) {
        free(d);
        return err_sys(e, failed, "cannot start a thread");
    }
    *ret = d;
    return 0;
}

void delivery_end(struct delivery *d) {
    if (!d) return;
    pthread_mutex_lock(&d->mutex);
    d->quit = true;
    pthread_cond_signal(&d->work);
    pthread_mutex_unlock(&d->mutex);
    http_stop(d->config.http);
    pthread_join(d->thread, NULL);
    pthread_mutex_destroy(&d->mutex);
    pthread_cond_destroy(&d->work);
    pthread_cond_destroy(&d->news);
    buf_release(&d->refusals);
    buf_release(&d->body);
    buf_release(&d->words);
    free(d->pipeline);
    free(d);
}

void delivery_give(struct delivery *d, struct batch *b) {
    pthread_mutex_lock(&d->mutex);
    d->batch = b;
    pthread_cond_signal(&d->work);
    pthread_mutex_unlock(&d->mutex);
}

int delivery_checkpoint(struct delivery *d, const struct checkpoint *c, struct err *e) {
    char *pipeline = strdup(c->pipeline);
    if (!pipeline) return err_nomem(e);
    free(d->pipeline);
    d->pipeline = pipeline;
    d->checkpoint = (struct checkpoint){pipeline, c->number};
    return 0;
}

int delivery_look(struct delivery *d, struct outcome *ret, struct buf *refusals, struct err *e) {
    *ret = (struct outcome){0};
    buf_clear(refusals);
    if (!atomic_load(&d->fresh)) return 0;
    pthread_mutex_lock(&d->mutex);
    *ret = d->since;
    d->since = (struct outcome){0};
    struct buf swapped = *refusals;
    *refusals = d->refusals;
    d->refusals = swapped;
    int g = d->failure.grade;
    if (g < 0 && e) *e = d->failure;
    atomic_store(&d->fresh, g < 0);
    pthread_mutex_unlock(&d->mutex);
    return g;
}

bool delivery_is_away(struct delivery *d) {
    return d->away;
}

void delivery_wait(struct delivery *d, int64_t timeout_ns) {
    pthread_mutex_lock(&d->mutex);
    if (!atomic_load(&d->fresh)) wait_for(&d->news, &d->mutex, timeout_ns);
    pthread_mutex_unlock(&d->mutex);
}

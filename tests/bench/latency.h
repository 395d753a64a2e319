/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the latency programs share: a paced writer's clock, the samples, and the result as a line of JSON. A record
 * carries the time it was sent; when the writer itself was held up by more than a period, the time it was due.
 */
#ifndef LEAT_TESTS_BENCH_LATENCY_H
#define LEAT_TESTS_BENCH_LATENCY_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 222 /* a record is as long as a click */
#define LINE_BEGIN "{\"sent\":"

struct run {
    long count;    /* records that are measured; one more goes ahead, so that all processes have started */
    long rate;     /* in a second */
    int64_t *ns;   /* the samples */
    long received; /* with that first record */
    sem_t started; /* posted when that one has arrived */
    int out;
};

static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void run_fail(const char *what) {
    fprintf(stderr, "latency: %s: %s\n", what, strerror(errno));
    _exit(4);
}

static inline void run_init(struct run *r, long rate, long count) {
    *r = (struct run){.count = count, .rate = rate, .out = -1};
    r->ns = calloc((size_t)count + 1, sizeof *r->ns);
    if (!r->ns || sem_init(&r->started, 0, 0) < 0) run_fail("memory");
}

static inline void line_make(char line[LINE_BYTES + 1], int64_t sent_ns) {
    int n = snprintf(line, LINE_BYTES + 1, LINE_BEGIN "%" PRId64 ",\"pad\":\"", sent_ns);
    memset(line + n, 'x', (size_t)(LINE_BYTES - n));
    memcpy(line + LINE_BYTES - 3, "\"}\n", 4);
}

static inline void write_fully(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0) run_fail("write");
        p += k;
        n -= (size_t)k;
    }
}

/* Calls send(run, line) for the first record, and when that has arrived at the set rate. */
static inline void run_pace(struct run *r, void (*send)(struct run *, const char *line)) {
    char line[LINE_BYTES + 1];
    const int64_t period = 1000000000 / r->rate;
    line_make(line, now_ns());
    send(r, line);
    if (sem_wait(&r->started) < 0) run_fail("wait");
    int64_t due = now_ns() + 10 * period;
    for (long i = 0; i < r->count; i++, due += period) {
        struct timespec t = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
        }
        int64_t now = now_ns();
        line_make(line, now - due > period ? due : now);
        send(r, line);
    }
}

/* A record came out at `now`. */
static inline void run_received(struct run *r, const char *line, int64_t now) {
    int64_t sent = strtoll(line + sizeof LINE_BEGIN - 1, NULL, 10);
    if (r->received == 0 && sem_post(&r->started) < 0) run_fail("post");
    if (r->received > 0 && r->received <= r->count) r->ns[r->received - 1] = now - sent;
    r->received++;
}

static inline int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static inline double quantile_us(const struct run *r, double q) {
    long at = (long)((double)r->count * q);
    return (double)r->ns[at < r->count ? at : r->count - 1] / 1000;
}

static inline int run_report(struct run *r) {
    if (r->received != r->count + 1) {
        fprintf(stderr, "latency: %ld records went in and %ld came out\n", r->count + 1, r->received);
        return 1;
    }
    qsort(r->ns, (size_t)r->count, sizeof *r->ns, by_value);
    printf("{\"count\":%ld,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n", r->count, quantile_us(r, 0.5),
           quantile_us(r, 0.99), quantile_us(r, 1));
    free(r->ns);
    return fflush(stdout) == 0 ? 0 : 4;
}

#endif

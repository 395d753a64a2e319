/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same as latency.c through a Redis stream: latency_redis RATE COUNT SOCKET. One connection sends XADD and waits
 * for each answer, another sits in XREAD BLOCK; both speak the protocol by hand over a Unix socket.
 */
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "latency.h"

struct connection {
    int fd;
    char data[1 << 20]; /* of an answer */
    size_t have;
};

/* An answer is walked twice: to see whether it is complete, then to take what it holds. */
struct walk {
    const char *p, *end;
    struct run *run; /* NULL: only look */
    char *last_id;
    int64_t now;
};

static int open_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof address.sun_path) errno = ENAMETOOLONG;
    if (fd < 0 || strlen(path) >= sizeof address.sun_path) run_fail(path);
    memcpy(address.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) run_fail(path);
    return fd;
}

static void take_text(struct walk *w, const char *text, size_t n) {
    if (!w->run) return;
    if (n > sizeof LINE_BEGIN && memcmp(text, LINE_BEGIN, sizeof LINE_BEGIN - 1) == 0)
        run_received(w->run, text, w->now);
    else if (n < 64 && memchr(text, '-', n)) {
        memcpy(w->last_id, text, n);
        w->last_id[n] = '\0';
    }
}

/* One value; false while it is not complete. */
static bool walk_value(struct walk *w) {
    const char *line_end = memmem(w->p, (size_t)(w->end - w->p), "\r\n", 2);
    if (!line_end) return false;
    char type = *w->p;
    long n = strtol(w->p + 1, NULL, 10);
    if (type == '-') {
        fprintf(stderr, "latency: redis says %.*s\n", (int)(line_end - w->p), w->p);
        _exit(4);
    }
    w->p = line_end + 2;
    if (type == '*') {
        for (long i = 0; i < n; i++)
            if (w->p >= w->end || !walk_value(w)) return false;
    } else if (type == '$' && n >= 0) {
        if (w->end - w->p < n + 2) return false;
        take_text(w, w->p, (size_t)n);
        w->p += n + 2;
    }
    return true;
}

static void read_answer(struct connection *c, struct run *run, char *last_id) {
    for (c->have = 0;;) {
        if (c->have == sizeof c->data) errno = ENOBUFS;
        ssize_t n = c->have == sizeof c->data ? -1 : read(c->fd, c->data + c->have, sizeof c->data - c->have);
        int64_t now = now_ns();
        if (n <= 0) run_fail("answer of redis");
        c->have += (size_t)n;
        struct walk look = {.p = c->data, .end = c->data + c->have};
        if (!walk_value(&look)) continue;
        struct walk take = {.p = c->data, .end = c->data + c->have, .run = run, .last_id = last_id, .now = now};
        if (run) (void)walk_value(&take);
        return;
    }
}

static void send_line(struct run *r, const char *line) {
    char command[512];
    int n = snprintf(command, sizeof command, "*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nd\r\n$%d\r\n%.*s\r\n",
                     LINE_BYTES - 1, LINE_BYTES - 1, line);
    write_fully(r->out, command, (size_t)n);
}

/* The writer does not wait for the answers, as the one of latency.c does not. */
static void *discard_answers(void *arg) {
    const struct run *r = arg;
    static char buffer[1 << 16];
    ssize_t n;
    while ((n = read(r->out, buffer, sizeof buffer)) > 0) {
        if (buffer[0] == '-') {
            fprintf(stderr, "latency: redis says %.*s\n", (int)n, buffer);
            _exit(4);
        }
    }
    return NULL;
}

static void *writer(void *arg) {
    run_pace(arg, send_line);
    return NULL;
}

static void receive(struct run *r, const char *path) {
    static struct connection c;
    char last_id[64] = "0-0", command[256];
    c.fd = open_socket(path);
    while (r->received <= r->count) {
        int n = snprintf(command, sizeof command,
                         "*6\r\n$5\r\nXREAD\r\n$5\r\nBLOCK\r\n$1\r\n0\r\n$7\r\nSTREAMS\r\n$1\r\ns\r\n$%zu\r\n%s\r\n",
                         strlen(last_id), last_id);
        write_fully(c.fd, command, (size_t)n);
        read_answer(&c, r, last_id);
    }
}

int main(int argc, char **argv) {
    struct run r;
    pthread_t thread, answers = 0;
    if (argc != 4) {
        fputs("usage: latency_redis RATE COUNT SOCKET\n", stderr);
        return 2;
    }
    run_init(&r, strtol(argv[1], NULL, 10), strtol(argv[2], NULL, 10));
    r.out = open_socket(argv[3]);
    if (pthread_create(&thread, NULL, writer, &r) != 0 || pthread_create(&answers, NULL, discard_answers, &r) != 0)
        run_fail("thread");
    receive(&r, argv[3]);
    pthread_join(thread, NULL);
    shutdown(r.out, SHUT_RDWR);
    pthread_join(answers, NULL);
    return run_report(&r);
}

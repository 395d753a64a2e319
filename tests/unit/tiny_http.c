/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server in a thread. See tiny_http.h. */
#include "tiny_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

void tiny_http_must(bool it) {
    if (!it) abort();
}

static int listen_anywhere(unsigned *ret_port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tiny_http_must(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 16) == 0);
    tiny_http_must(getsockname(fd, (struct sockaddr *)&a, &size) == 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* Until something can be read; false: the test is over. */
static bool wait_for(struct tiny_http *t, int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (!t->ended) {
        if (poll(&p, 1, 10) > 0) return true;
    }
    return false;
}

/* One whole request into b; *ret_head: bytes up to its body. False: no more of them. */
static bool read_request(struct tiny_http *t, struct buf *b, size_t *ret_head) {
    size_t head = 0, size = 0;
    buf_clear(b);
    for (;;) {
        if (head && b->len >= head + size) break;
        tiny_http_must(buf_reserve(b, 65537) == 0);
        if (!wait_for(t, t->client)) return false;
        ssize_t n = read(t->client, b->data + b->len, 65536);
        if (n <= 0) return false;
        b->len += (size_t)n;
        b->data[b->len] = '\0';
        char *end = head ? NULL : strstr(b->data, "\r\n\r\n");
        if (!end) continue;
        head = (size_t)(end + 4 - b->data);
        const char *length = strcasestr(b->data, "\r\nContent-Length:");
        if (length && length < end) size = strtoul(length + 17, NULL, 10);
    }
    *ret_head = head;
    return true;
}

static void serve(struct tiny_http *t, struct buf *b) {
    size_t head;
    while (read_request(t, b, &head)) {
        b->data[head - 4] = '\0';
        const struct tiny_request r = {.number = t->requests,
                                       .connection = t->connections - 1,
                                       .head = b->data,
                                       .body = b->data + head,
                                       .size = b->len - head};
        t->requests++;
        const char *answer = t->answer(t->ctx, &r);
        if (!answer) return;
        size_t n = strlen(answer);
        if (send(t->client, answer, n, MSG_NOSIGNAL) != (ssize_t)n || t->hang_up) return;
    }
}

static void *thread_main(void *arg) {
    struct tiny_http *t = arg;
    struct buf b = {0};
    while (wait_for(t, t->fd)) {
        t->client = accept(t->fd, NULL, NULL);
        if (t->client < 0) continue;
        t->connections++;
        serve(t, &b);
        close(t->client);
    }
    buf_release(&b);
    return NULL;
}

void tiny_http_start(struct tiny_http *t, const char *(*answer)(void *ctx, const struct tiny_request *r), void *ctx) {
    *t = (struct tiny_http){.answer = answer, .ctx = ctx};
    t->fd = listen_anywhere(&t->port);
    tiny_http_must(pthread_create(&t->thread, NULL, thread_main, t) == 0);
}

void tiny_http_end(struct tiny_http *t) {
    t->ended = true;
    pthread_join(t->thread, NULL);
    close(t->fd);
}

unsigned tiny_http_no_port(void) {
    unsigned port;
    close(listen_anywhere(&port));
    return port;
}

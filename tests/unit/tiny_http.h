/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server in a thread, for the tests of what talks to one: it reads whole requests, keeps them, and answers what
 * a function of the test says, byte by byte.
 */
#ifndef LEAT_TESTS_UNIT_TINY_HTTP_H
#define LEAT_TESTS_UNIT_TINY_HTTP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct tiny_request {
    size_t number;     /* 0, 1, … */
    size_t connection; /* 0, 1, … */
    const char *head;  /* up to the empty line; a C string */
    const char *body;  /* a C string, too, unless it has a NUL */
    size_t size;
};

struct tiny_http {
    unsigned port;
    atomic_size_t requests, connections;
    /* What to answer, from the first byte of the status line on; NULL: hang up. The server's thread. */
    const char *(*answer)(void *ctx, const struct tiny_request *r);
    void *ctx;
    bool hang_up; /* after each answer */
    int fd, client;
    atomic_bool ended;
    pthread_t thread;
};

/* On a free port of 127.0.0.1. Asserts that it works. */
void tiny_http_start(struct tiny_http *t, const char *(*answer)(void *ctx, const struct tiny_request *r), void *ctx);
void tiny_http_end(struct tiny_http *t);

/* An assertion that may fail in the server's thread, too. */
void tiny_http_must(bool it);

/* A port that nobody listens at. */
unsigned tiny_http_no_port(void);

#endif

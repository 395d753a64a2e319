/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP client for one server: requests one behind the other over a connection that is kept, TLS verified, times
 * limited, answers bounded. Over libcurl, which a tool that includes this links. Used by one thread at a time.
 *
 * What is said is what the caller says: no proxy, no .netrc, no cookies, no redirects; of the environment only
 * SSL_CERT_FILE and SSL_CERT_DIR count, certificates to trust instead of the system's. HTTP/1.1. No signal handler is
 * set; the calling thread has SIGPIPE blocked or ignored.
 */
#ifndef LEAT_NET_HTTP_H
#define LEAT_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http;

struct http_config {
    const char *host; /* a name or an address, IPv6 without brackets */
    unsigned port;
    bool tls;
    const char *user, *password; /* basic authentication; NULL: none */
    int64_t connect_timeout_ns;
    int64_t timeout_ns; /* without a byte that moves; a request takes HTTP_PATIENCE times this at most */
    const char *agent;
};

#define HTTP_PATIENCE 10
#define HTTP_BODY_MAX (64u << 10) /* of an answer; the rest of it is not read */

struct http_request {
    const char *method;         /* "POST" */
    const char *path;           /* with its query, encoded */
    const char *const *headers; /* "Name: value", NULL behind the last; never shown in messages */
    const char *body;
    size_t size;
};

struct http_response {
    unsigned status;    /* 0: there was no answer, or it was cut off; `failure` says why */
    struct err failure; /* G_WAIT: try again (refused, reset, timeout, cut off); G_IO: it never will (a certificate,
                         * a name that was never found) */
    const char *body;   /* the first HTTP_BODY_MAX of it */
    size_t size;
    int64_t retry_after_ns; /* of Retry-After, seconds or a date; below 0: none */
};

int http_open(struct http **ret, const struct http_config *c, struct err *e) NODISCARD;
void http_close(struct http *h); /* takes NULL */

/* One request and its answer, which is valid until the next. 0 whatever the server says; G_NOMEM, G_STOPPED: http_stop
 * was called; G_USAGE: a header or a path that cannot be sent. */
int http_send(struct http *h, const struct http_request *r, struct http_response *ret, struct err *e) NODISCARD;

/* From another thread: the request in hand ends at once, and so does each later one. */
void http_stop(struct http *h);

/* Append a text as it may stand in a path or a query: all but letters, digits and "-._~" as %XX. 0 or G_NOMEM. */
int http_escape(struct buf *b, const char *text) NODISCARD;

#endif

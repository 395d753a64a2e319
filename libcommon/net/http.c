/* SPDX-License-Identifier: Apache-2.0 */
/* One server, by libcurl. See http.h. */
#include "net/http.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/number.h"
#include "base/timefmt.h"
#include "sys/sys.h"

#define RETRY_AFTER_MAX_S UINT64_C(86400)
#define LOOK_MS 1000 /* at the clock, at least so often */

struct http {
    CURL *easy;
    CURLM *multi;
    int64_t timeout_ns;
    struct buf name; /* "host:port", for messages; a C string */
    struct buf url;  /* "https://host:port" in front of the path */
    size_t url_base;
    struct buf body;
    bool over;  /* there was more of it than is kept */
    bool known; /* the host's name was found once */
    atomic_bool stopped;
    char words[CURL_ERROR_SIZE];
};

int http_escape(struct buf *b, const char *text) {
    static const char hex[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("-._~", c));
        const char coded[3] = {'%', hex[c >> 4], hex[c & 15]};
        int g = plain ? buf_putc(b, (char)c) : buf_append(b, coded, sizeof coded);
        if (g < 0) return g;
    }
    return 0;
}

/* ---- opening ---- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx) {
    struct http *h = ctx;
    size_t room = HTTP_BODY_MAX - h->body.len, take = n < room ? n : room;
    (void)size; /* is 1 */
    if (buf_append(&h->body, data, take) < 0) return 0;
    h->over = take < n;
    return take;
}

/* What would make something else of the URL than a host. */
static bool is_host(const char *host) {
    if (!*host) return false;
    for (; *host; host++) {
        unsigned char c = (unsigned char)*host;
        if (c <= ' ' || c == 127 || strchr("/?#@[]\\\"<>^`{|}", c)) return false;
    }
    return true;
}

static int name_server(struct http *h, const struct http_config *c, struct err *e) {
    if (!is_host(c->host)) return err_set(e, G_USAGE, "'%s' is no name of a host", c->host);
    if (c->port == 0 || c->port > 65535) return err_set(e, G_USAGE, "%u is no port", c->port);
    bool v6 = strchr(c->host, ':');
    char where[300];
    int n = snprintf(where, sizeof where, "%s%s%s:%u", v6 ? "[" : "", c->host, v6 ? "]" : "", c->port);
    if ((size_t)n >= sizeof where) return err_set(e, G_USAGE, "'%.40s…' is too long for the name of a host", c->host);
    if (buf_puts(&h->name, where) < 0 || !buf_cstr(&h->name)) return err_nomem(e);
    if (buf_printf(&h->url, "%s://%s", c->tls ? "https" : "http", where) < 0) return err_nomem(e);
    h->url_base = h->url.len;
    return 0;
}

static CURLcode set_options(struct http *h, const struct http_config *c) {
    const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");
    CURLcode rc = CURLE_OK;
#define SET(option, value)                                                                                             \
    if (rc == CURLE_OK) rc = curl_easy_setopt(h->easy, option, value)
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that is silent does not keep us */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(c->connect_timeout_ns / NS_PER_MS));
    SET(CURLOPT_USERAGENT, c->agent);
    SET(CURLOPT_ERRORBUFFER, h->words);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, h);
    if (file && *file) SET(CURLOPT_CAINFO, file);
    if (dir && *dir) SET(CURLOPT_CAPATH, dir);
    if (c->user) {
        SET(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, c->user);
        SET(CURLOPT_PASSWORD, c->password ? c->password : "");
    }
#undef SET
    return rc;
}

int http_open(struct http **ret, const struct http_config *c, struct err *e) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return err_set(e, G_NOMEM, "libcurl does not start");
    struct http *h = calloc(1, sizeof *h);
    if (!h) {
        curl_global_cleanup();
        return err_nomem(e);
    }
    h->timeout_ns = c->timeout_ns;
    h->easy = curl_easy_init();
    h->multi = curl_multi_init();
    int g = h->easy && h->multi ? name_server(h, c, e) : err_nomem(e);
    if (g == 0) {
        CURLcode rc = set_options(h, c);
        if (rc != CURLE_OK) g = err_set(e, G_NOMEM, "libcurl: %s", curl_easy_strerror(rc));
    }
    if (g < 0) {
        http_close(h);
        return g;
    }
    *ret = h;
    return 0;
}

void http_close(struct http *h) {
    if (!h) return;
    curl_easy_cleanup(h->easy);
    if (h->multi) curl_multi_cleanup(h->multi);
    buf_release(&h->name);
    buf_release(&h->url);
    buf_release(&h->body);
    free(h);
    curl_global_cleanup();
}

void http_stop(struct http *h) {
    atomic_store(&h->stopped, true);
    curl_multi_wakeup(h->multi);
}

/* ---- a request ---- */

static bool is_line(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 127) return false;
    }
    return true;
}

static int add_headers(const struct http_request *r, struct curl_slist **list, struct err *e) {
    static const char *const none[] = {NULL};
    const char *text = "Expect:"; /* do not ask before the body is sent: many servers let us wait for a second */
    const char *const *next = r->headers ? r->headers : none;
    for (; text; text = *next++) {
        if (!is_line(text)) return err_set(e, G_USAGE, "a header has a character that cannot be sent");
        struct curl_slist *longer = curl_slist_append(*list, text);
        if (!longer) return err_nomem(e);
        *list = longer;
    }
    return 0;
}

static int set_request(struct http *h, const struct http_request *r, const struct curl_slist *headers, struct err *e) {
    if (!is_line(r->path) || strchr(r->path, ' ')) return err_set(e, G_USAGE, "'%s' is no path", r->path);
    h->url.len = h->url_base;
    if (buf_puts(&h->url, r->path) < 0) return err_nomem(e);
    const char *url = buf_cstr(&h->url);
    if (!url) return err_nomem(e);
    CURLcode rc = curl_easy_setopt(h->easy, CURLOPT_URL, url);
    if (rc == CURLE_OK) rc = curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers);
    if (r->body || r->size) {
        if (rc == CURLE_OK) rc = curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
        if (rc == CURLE_OK) rc = curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->size);
        if (rc == CURLE_OK) rc = curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, r->body);
    } else if (rc == CURLE_OK) {
        rc = curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
    }
    if (rc == CURLE_OK) rc = curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, r->method);
    return rc == CURLE_OK ? 0 : err_set(e, G_NOMEM, "libcurl: %s", curl_easy_strerror(rc));
}

/* The bytes that went either way. */
static curl_off_t moved(const struct http *h) {
    curl_off_t up = 0, down = 0;
    long head = 0;
    curl_easy_getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(h->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(h->easy, CURLINFO_HEADER_SIZE, &head);
    return up + down + head;
}

enum { CURL_STILL_RUNNING = -1 };

static int outcome(const struct http *h) {
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));) {
        if (m->msg == CURLMSG_DONE) return (int)m->data.result;
    }
    return CURL_STILL_RUNNING;
}

/* Until there is an answer, a failure, or it took too long. */
static int run(struct http *h, CURLcode *ret_rc, struct err *e) {
    int64_t started = sys.boot_ns(), changed = started;
    curl_off_t before = 0;
    for (;;) {
        int running;
        if (atomic_load(&h->stopped)) return err_set(e, G_STOPPED, "stopped");
        if (curl_multi_perform(h->multi, &running) != CURLM_OK) return err_nomem(e);
        int rc = outcome(h);
        if (rc != CURL_STILL_RUNNING) {
            *ret_rc = (CURLcode)rc;
            return 0;
        }
        int64_t now = sys.boot_ns();
        curl_off_t bytes = moved(h);
        if (bytes != before) changed = now;
        before = bytes;
        int64_t left = h->timeout_ns - (now - changed), whole = HTTP_PATIENCE * h->timeout_ns - (now - started);
        if (whole < left) left = whole;
        if (left <= 0) {
            *ret_rc = CURLE_OPERATION_TIMEDOUT;
            (void)snprintf(h->words, sizeof h->words, "no answer in time");
            return 0;
        }
        int ms = left / NS_PER_MS >= LOOK_MS ? LOOK_MS : (int)(left / NS_PER_MS) + 1;
        if (curl_multi_poll(h->multi, NULL, 0, ms, NULL) != CURLM_OK) return err_nomem(e);
    }
}

/* ---- its outcome ---- */

/* Will it be the same the next time? A handshake that broke down with words of the TLS library of its own, and not as
 * the connection was lost, is a matter of what the two can or want. */
static bool is_final(const struct http *h, CURLcode rc, long errnum) {
    switch (rc) {
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return true;
    case CURLE_SSL_CONNECT_ERROR: return errnum == 0 && strstr(h->words, "error:") && !strstr(h->words, "eof");
    case CURLE_COULDNT_RESOLVE_HOST: return !h->known;
    default: return false;
    }
}

/* Out of memory is what libcurl says to a header that is too long, too. */
static void explain(struct http *h, CURLcode rc, struct err *why) {
    long errnum = 0;
    curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &errnum);
    int g = is_final(h, rc, errnum) ? G_IO : G_WAIT;
    const char *words = h->words[0] ? h->words : curl_easy_strerror(rc);
    if (rc == CURLE_COULDNT_CONNECT && errnum)
        (void)err_sys(why, (int)errnum, "cannot connect to '%s'", h->name.data);
    else if (rc == CURLE_COULDNT_RESOLVE_HOST)
        (void)err_set(why, g, "cannot find the host of '%s'", h->name.data);
    else
        (void)err_set(why, g, "'%s': %s", h->name.data, words);
    why->grade = g;
}

static int64_t retry_after(const struct http *h) {
    struct curl_header *found;
    if (curl_easy_header(h->easy, "Retry-After", 0, CURLH_HEADER, -1, &found) != CURLHE_OK) return -1;
    uint64_t seconds;
    size_t n = strlen(found->value);
    if (number_parse_u64(found->value, n, 0, UINT64_MAX, &seconds, NULL) < 0) {
        time_t date = curl_getdate(found->value, NULL), now = time(NULL);
        if (date < 0) return -1;
        seconds = date > now ? (uint64_t)(date - now) : 0;
    }
    return (int64_t)(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * NS_PER_S;
}

/* A server that refuses may well say so and hang up before it has read all: what it said counts. Good news count only
 * when they are whole. */
static void read_answer(struct http *h, CURLcode rc, struct http_response *ret) {
    long status = 0;
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    *ret = (struct http_response){.body = h->body.data, .size = h->body.len, .retry_after_ns = -1};
    if (rc != CURLE_COULDNT_RESOLVE_HOST) h->known = true;
    if (rc != CURLE_OK && !(rc == CURLE_WRITE_ERROR && h->over) && status < 400) {
        explain(h, rc, &ret->failure);
        return;
    }
    ret->status = (unsigned)status;
    ret->retry_after_ns = retry_after(h);
}

int http_send(struct http *h, const struct http_request *r, struct http_response *ret, struct err *e) {
    struct curl_slist *headers = NULL;
    CURLcode rc = CURLE_OK;
    buf_clear(&h->body);
    h->over = false;
    h->words[0] = '\0';
    int g = add_headers(r, &headers, e);
    if (g == 0) g = set_request(h, r, headers, e);
    if (g == 0 && curl_multi_add_handle(h->multi, h->easy) != CURLM_OK) g = err_nomem(e);
    if (g == 0) {
        g = run(h, &rc, e);
        if (g == 0) read_answer(h, rc, ret);
        curl_multi_remove_handle(h->multi, h->easy); /* behind what asks for the answer's headers */
    }
    curl_slist_free_all(headers);
    return g;
}

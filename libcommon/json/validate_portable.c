/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator in plain C: what runs where there is no SIMD path, and what names the fault of a text that a SIMD path
 * did not pass. Iterative, so that depth costs heap and not stack.
 */
#include <endian.h>

#include "base/utf8.h"
#include "json/keys.h"
#include "json/unescape.h"

struct walk {
    struct json_validator *v;
    const char *text;
    uint32_t len;
    uint32_t at;
    uint32_t depth;
    uint32_t base;  /* first key of the innermost object */
    bool in_object; /* is the innermost open container an object */
    struct json_fault *fault;
};

static int refuse(struct walk *w, uint32_t at, const char *reason) {
    if (w->fault) *w->fault = (struct json_fault){.at = at, .reason = reason};
    return G_DATA;
}

static void skip_space(struct walk *w) {
    while (w->at < w->len) {
        char c = w->text[w->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') break;
        w->at++;
    }
}

/*
 * The top bit of each byte of w that is below 0x20, '"', '\\' or above 0x7F. A borrow may mark bytes above a true one,
 * so only the lowest mark is to be used.
 */
static inline uint64_t special_bytes(uint64_t w) {
    const uint64_t ones = 0x0101010101010101U;
    uint64_t quote = w ^ ones * '"';
    uint64_t slash = w ^ ones * '\\';
    return ((w - ones * 0x20) | (quote - ones) | (slash - ones) | w) & ones * 0x80;
}

/* The string whose opening quote is at w->at. On return w->at is behind the closing quote. */
static int string(struct walk *w) {
    uint32_t at = w->at + 1;
    for (;;) {
        uint64_t word;
        while (w->len - at >= 8) {
            memcpy(&word, w->text + at, 8);
            uint64_t special = special_bytes(le64toh(word));
            if (special) {
                at += (uint32_t)__builtin_ctzll(special) / 8;
                break;
            }
            at += 8;
        }
        if (at >= w->len) return refuse(w, w->len, "text ends inside a string");
        unsigned char c = (unsigned char)w->text[at];
        uint32_t cp;
        unsigned n = 1;
        if (c == '"') break;
        if (c < 0x20) return refuse(w, at, "unescaped control character in a string");
        if (c == '\\') {
            n = json_escape_read(w->text + at, w->len - at, &cp);
            if (n == 0) return refuse(w, at, "invalid escape in a string");
        } else if (c >= 0x80) {
            n = utf8_decode(w->text + at, w->len - at, &cp);
            if (n == 0) return refuse(w, at, "invalid UTF-8");
        }
        at += n;
    }
    w->at = at + 1;
    return 0;
}

static bool is_digit_at(const struct walk *w, uint32_t at) {
    return at < w->len && w->text[at] >= '0' && w->text[at] <= '9';
}

static uint32_t skip_digits(const struct walk *w, uint32_t at) {
    while (is_digit_at(w, at)) at++;
    return at;
}

static int number(struct walk *w) {
    uint32_t at = w->at + (w->text[w->at] == '-');
    if (!is_digit_at(w, at)) return refuse(w, at, "invalid number");
    if (w->text[at] == '0' && is_digit_at(w, at + 1)) return refuse(w, at, "number with a leading zero");
    at = skip_digits(w, at);
    if (at < w->len && w->text[at] == '.') {
        if (!is_digit_at(w, at + 1)) return refuse(w, at + 1, "invalid number");
        at = skip_digits(w, at + 1);
    }
    if (at < w->len && (w->text[at] | 0x20) == 'e') {
        at++;
        if (at < w->len && (w->text[at] == '+' || w->text[at] == '-')) at++;
        if (!is_digit_at(w, at)) return refuse(w, at, "invalid number");
        at = skip_digits(w, at);
    }
    if (at - w->at > w->v->limits.max_number_bytes) return refuse(w, w->at, "number text is too long");
    w->at = at;
    return 0;
}

static int scalar(struct walk *w) {
    static const char *const words[] = {"true", "false", "null"};
    const char *p = w->text + w->at;
    uint32_t left = w->len - w->at;
    if (left == 0) return refuse(w, w->len, "text ends where a value should be");
    if (*p == '-' || (*p >= '0' && *p <= '9')) return number(w);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        uint32_t n = (uint32_t)strlen(words[i]);
        if (left >= n && memcmp(p, words[i], n) == 0) {
            w->at += n;
            return 0;
        }
    }
    if (left >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) return refuse(w, w->at, "byte order mark");
    return refuse(w, w->at, "not a JSON value");
}

/* A key, its colon, and the space around them. */
static int member_key(struct walk *w) {
    struct json_keys *k = &w->v->keys;
    skip_space(w);
    if (w->at >= w->len) return refuse(w, w->len, "text ends inside an object");
    if (w->text[w->at] != '"') return refuse(w, w->at, "not a key");
    uint32_t from = w->at + 1;
    int rc = string(w);
    if (rc < 0) return rc;
    uint32_t n = w->at - 1 - from;
    if (!w->v->limits.allow_duplicate_keys) {
        if (json_keys_push(k, w->text, w->len, from, n) < 0) return G_NOMEM;
        k->escaped = k->escaped || memchr(w->text + from, '\\', n) != NULL;
    }
    skip_space(w);
    if (w->at >= w->len) return refuse(w, w->len, "text ends inside an object");
    if (w->text[w->at] != ':') return refuse(w, w->at, "no colon behind a key");
    w->at++;
    return 0;
}

static int container_open(struct walk *w, bool object) {
    if (w->depth >= w->v->limits.max_depth) return refuse(w, w->at, "nested too deeply");
    if (w->depth == w->v->stack_cap && json_stack_grow(w->v) < 0) return G_NOMEM;
    w->v->stack[w->depth++] = w->base << 1 | w->in_object;
    w->in_object = object;
    w->base = w->v->keys.n;
    w->at++;
    return 0;
}

static int container_close(struct walk *w) {
    uint32_t at;
    if (w->in_object && !w->v->limits.allow_duplicate_keys) {
        int rc = json_keys_check(&w->v->keys, w->text, w->base, &at);
        if (rc < 0) return rc;
        if (rc > 0) return refuse(w, at, "duplicate key in an object");
        w->v->keys.n = w->base;
    }
    uint32_t outer = w->v->stack[--w->depth];
    w->in_object = outer & 1;
    w->base = outer >> 1;
    w->at++;
    return 0;
}

/* A value, or the opening of one: *ret_open says that a container was opened that is not empty. */
static int value(struct walk *w, bool *ret_open) {
    *ret_open = false;
    skip_space(w);
    char c = w->at < w->len ? w->text[w->at] : 0;
    if (c == '"') return string(w);
    if (c != '{' && c != '[') return scalar(w);
    int rc = container_open(w, c == '{');
    if (rc < 0) return rc;
    skip_space(w);
    if (w->at < w->len && w->text[w->at] == (c == '{' ? '}' : ']')) return container_close(w);
    *ret_open = true;
    return c == '{' ? member_key(w) : 0;
}

/* Behind a value: close what closes here and step over a comma. *ret_more says that another value follows. */
static int after_value(struct walk *w, bool *ret_more) {
    *ret_more = true;
    while (w->depth > 0) {
        skip_space(w);
        if (w->at >= w->len)
            return refuse(w, w->len, w->in_object ? "text ends inside an object" : "text ends inside an array");
        char c = w->text[w->at];
        if (c == ',') {
            w->at++;
            return w->in_object ? member_key(w) : 0;
        }
        if (c != (w->in_object ? '}' : ']'))
            return refuse(w, w->at,
                          w->in_object ? "no comma or '}' behind a member" : "no comma or ']' behind an element");
        int rc = container_close(w);
        if (rc < 0) return rc;
    }
    *ret_more = false;
    return 0;
}

int json_validate_portable(struct json_validator *v, const char *text, uint32_t len, struct json_fault *f) {
    struct walk w = {.v = v, .text = text, .len = len, .fault = f};
    v->keys.n = 0;
    v->keys.escaped = false;
    bool more = true;
    while (more) {
        bool open;
        int rc = value(&w, &open);
        if (rc == 0 && !open) rc = after_value(&w, &more);
        if (rc < 0) return rc;
    }
    skip_space(&w);
    if (w.at < len) return refuse(&w, w.at, "more text behind the value");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as JSON text, as they stand or in the one canonical spelling. RAW text is rewritten in one pass over it, whose
 * depth does not matter; built values are walked with a stack of our own. See value.h.
 */
#include <math.h>

#include "base/utf8.h"
#include "expr/value_impl.h"
#include "json/double.h"
#include "json/unescape.h"

/* ---- strings ---- */

/* One byte that needs an escape; there is room for six. */
static void escape_byte(struct buf *out, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    static const char letters[128] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};
    buf_putc_fast(out, '\\');
    if (letters[c]) {
        buf_putc_fast(out, letters[c]);
    } else {
        const char u[5] = {'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_append_fast(out, u, sizeof(u));
    }
}

/* A run without quotes, backslashes and controls below 0x20, which may have DELs. */
static int append_run(struct buf *out, const char *p, size_t n) {
    const char *end = p + n, *del;
    while (n > 0 && (del = memchr(p, 0x7F, n))) {
        if (buf_reserve(out, n + 6) < 0) return G_NOMEM;
        buf_append_fast(out, p, (size_t)(del - p));
        escape_byte(out, 0x7F);
        p = del + 1;
        n = (size_t)(end - p);
    }
    return buf_append(out, p, n);
}

/* What cannot stand in a string as it is. */
static const uint8_t special_byte[256] = {[0 ... 0x1F] = 1, ['"'] = 1, ['\\'] = 1, [0x7F] = 1};

/* Content, without the quotes. */
static int append_content(struct buf *out, const char *p, size_t n) {
    enum { SHORT = 24 };
    const char *end = n ? p + n : p;
    if (n < SHORT) {
        unsigned special = 0;
        for (size_t i = 0; i < n; i++) special |= special_byte[(unsigned char)p[i]];
        if (!special) return buf_append(out, p, n);
    }
    for (;;) {
        const char *special = json_scan_special(p, end);
        if (append_run(out, p, (size_t)(special - p)) < 0) return G_NOMEM;
        if (special == end) return 0;
        if (buf_reserve(out, 6) < 0) return G_NOMEM;
        escape_byte(out, (unsigned char)*special);
        p = special + 1;
    }
}

/* The content of a RAW string: escapes are read and written again. A broken one keeps its backslash, as a character. */
static int append_escaped(struct buf *out, const char *p, const char *end) {
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        if (append_content(out, p, (size_t)((slash ? slash : end) - p)) < 0) return G_NOMEM;
        if (!slash) break;
        uint32_t cp;
        unsigned taken = json_escape_read(slash, (size_t)(end - slash), &cp);
        char utf8[4] = {'\\'};
        if (append_content(out, utf8, taken ? utf8_encode(cp, utf8) : 1) < 0) return G_NOMEM;
        p = slash + (taken ? taken : 1);
    }
    return 0;
}

static int append_string(struct buf *out, const char *p, size_t n, bool raw) {
    if (buf_reserve(out, n + 2) < 0) return G_NOMEM;
    buf_putc_fast(out, '"');
    int rc = raw ? append_escaped(out, p, p + n) : append_content(out, p, n);
    return rc < 0 ? rc : buf_putc(out, '"');
}

/* ---- numbers ---- */

static int append_double(struct buf *out, double d) {
    static const char largest[] = "-1.7976931348623157e+308";
    if (isnan(d)) return buf_puts(out, "null");
    if (isinf(d)) return buf_puts(out, d < 0 ? largest : largest + 1);
    if (buf_reserve(out, JSON_DOUBLE_MAX) < 0) return G_NOMEM;
    out->len += json_double_write(d, out->data + out->len);
    return 0;
}

static int append_int(struct buf *out, int64_t i) {
    if (buf_reserve(out, JSON_I64_MAX) < 0) return G_NOMEM;
    out->len += json_i64_write(i, out->data + out->len);
    return 0;
}

/* Does a number read as it would be written? Only integers are known to. */
static bool is_integer(const char *p, const char *end) {
    if (*p == '-' && end - p > 1) p++;
    while (p < end && (unsigned char)(*p - '0') < 10) p++;
    return p == end;
}

/* Integers are what they are, however long; other texts become the text of their double. */
static int append_raw_number(struct buf *out, const char *text, size_t n) {
    if (is_integer(text, text + n)) return buf_append(out, text, n);
    return append_double(out, value_to_double(value_raw(text, n)));
}

/* ---- RAW arrays and objects ---- */

/*
 * A token of RAW text that needs a change, if it does: *ret_end is behind it. 1: it was written; 0: it can stay as it
 * is; G_NOMEM. *run is the text in front of it that is still to be written, up to p.
 */
static int token_rewrite(struct buf *out, const char *run, const char *p, const char *end, const char **ret_end) {
    if (*p == '"') {
        bool escaped;
        const char *quote = raw_string_end(p + 1, end, &escaped);
        const char *close = quote ? quote : end;
        *ret_end = quote ? quote + 1 : end;
        if (quote && !escaped && !memchr(p, 0x7F, (size_t)(quote - p))) return 0;
        if (buf_append(out, run, (size_t)(p - run)) < 0) return G_NOMEM;
        return append_string(out, p + 1, (size_t)(close - p - 1), true) < 0 ? G_NOMEM : 1;
    }
    if (*p != '-' && (*p < '0' || *p > '9')) {
        *ret_end = p + 1; /* a bracket, comma or colon, or a letter of a word */
        return 0;
    }
    const char *behind = raw_scalar_end(p, end);
    *ret_end = behind;
    if (is_integer(p, behind)) return 0;
    if (buf_append(out, run, (size_t)(p - run)) < 0) return G_NOMEM;
    return append_raw_number(out, p, (size_t)(behind - p)) < 0 ? G_NOMEM : 1;
}

/* In one pass, whatever its depth. What lies between two tokens that need a change is copied in one go. */
static int append_raw_container(struct buf *out, const char *text, size_t n) {
    const char *p = text, *end = text + n, *run = text, *behind;
    if (buf_reserve(out, n) < 0) return G_NOMEM;
    while (p < end) {
        if (raw_is_space(*p)) {
            if (buf_append(out, run, (size_t)(p - run)) < 0) return G_NOMEM;
            run = ++p;
            continue;
        }
        int rc = token_rewrite(out, run, p, end, &behind);
        if (rc < 0) return rc;
        p = behind;
        if (rc > 0) run = p;
    }
    return buf_append(out, run, (size_t)(p - run));
}

/* ---- built arrays and objects ---- */

enum how { AS_IT_STANDS, CANONICAL, SORTED };

/* A container that is being written. */
struct level {
    const struct value *items;
    const struct member *members; /* NULL in arrays */
    bool object;
    uint32_t n, at;
};

enum { LEVELS_FIRST = 16 };

struct writer {
    struct heap *heap;
    struct buf *out;
    enum how how;
    size_t begin; /* of our text in out */
    struct level *levels;
    uint32_t depth, cap;
    struct level first[LEVELS_FIRST];
};

/* Is it written, or must its entries be? 1: written, 0: not, G_NOMEM. */
static int leaf_write(struct buf *out, enum how how, struct value v) {
    static const char *const words[] = {"null", "false", "true"};
    int rc;
    if (v.kind <= VK_TRUE) {
        rc = buf_puts(out, words[v.kind]);
    } else if (v.form == VF_INT) {
        rc = append_int(out, v.i);
    } else if (v.form == VF_DOUBLE) {
        rc = append_double(out, v.d);
    } else if (v.form == VF_TEXT) {
        rc = append_string(out, v.text, v.n, false);
    } else if (v.form != VF_RAW) {
        return 0;
    } else if (how == AS_IT_STANDS) {
        rc = buf_append(out, v.text, v.n);
    } else if (v.kind == VK_NUMBER) {
        rc = append_raw_number(out, v.text, v.n);
    } else if (v.kind == VK_STRING) {
        rc = append_string(out, v.text + 1, v.n < 2 ? 0 : v.n - 2, true);
    } else if (how == CANONICAL || !memchr(v.text, '{', v.n)) {
        rc = append_raw_container(out, v.text, v.n);
    } else {
        return 0;
    }
    return rc < 0 ? rc : 1;
}

/* Values may share parts, so that the text is far larger than what is in the heap. */
static int too_large(struct writer *w) {
    if (w->out->len - w->begin <= w->heap->limit) return 0;
    w->heap->exhausted = true;
    return G_NOMEM;
}

static int level_enter(struct writer *w, struct value v) {
    if (w->depth == VALUE_DEPTH_MAX) return RAW_TOO_DEEP;
    if (w->depth == w->cap) {
        struct level *more = heap_alloc(w->heap, w->cap * 2 * sizeof(*more));
        if (!more) return G_NOMEM;
        memcpy(more, w->levels, w->cap * sizeof(*more));
        w->levels = more;
        w->cap *= 2;
    }
    int rc = w->depth >= RAW_LEVELS && v.form == VF_RAW ? raw_tree(w->heap, v, &v) : 0;
    if (rc != 0) return rc;
    struct level *l = &w->levels[w->depth++];
    *l = (struct level){.object = v.kind == VK_OBJECT};
    rc = !l->object         ? value_items(w->heap, v, &l->items, &l->n)
         : w->how == SORTED ? value_members_sorted(w->heap, v, &l->members, &l->n)
                            : value_members(w->heap, v, &l->members, &l->n);
    if (rc == 0) rc = too_large(w);
    return rc < 0 ? rc : buf_putc(w->out, l->object ? '{' : '[');
}

/* The comma, the name, and which value comes next. */
static int entry_begin(struct writer *w, struct level *l, struct value *ret) {
    uint32_t at = l->at++;
    if (at > 0 && buf_putc(w->out, ',') < 0) return G_NOMEM;
    if (!l->object) {
        *ret = l->items[at];
        return 0;
    }
    const struct member *m = &l->members[at];
    *ret = m->value;
    if (append_string(w->out, m->name, m->name_size, false) < 0) return G_NOMEM;
    return buf_putc(w->out, ':');
}

static int container_write(struct writer *w, struct value v) {
    int rc = level_enter(w, v);
    while (rc == 0 && w->depth > 0) {
        struct level *l = &w->levels[w->depth - 1];
        if (l->at == l->n) {
            w->depth--;
            rc = buf_putc(w->out, l->object ? '}' : ']');
            continue;
        }
        rc = entry_begin(w, l, &v);
        if (rc < 0) return rc;
        rc = leaf_write(w->out, w->how, v);
        rc = rc == 0 ? level_enter(w, v) : rc < 0 ? rc : 0;
    }
    return rc;
}

static int write_how(struct heap *h, struct value v, enum how how, struct buf *out) {
    size_t before = out->len;
    int rc = leaf_write(out, how, v);
    if (rc == 0) {
        struct writer w;
        w.heap = h;
        w.out = out;
        w.how = how;
        w.begin = before;
        w.levels = w.first;
        w.depth = 0;
        w.cap = LEVELS_FIRST;
        struct heap_mark mark = heap_mark(h);
        rc = container_write(&w, v);
        if (h->next != mark.next) heap_rewind(h, mark); /* else a text that grows in place may go on growing */
        if (rc == RAW_TOO_DEEP) rc = heap_throw(h, "too deeply nested to be written");
    }
    if (rc < 0) out->len = before;
    return rc < 0 ? rc : 0;
}

int value_write(struct heap *h, struct value v, struct buf *out) {
    return write_how(h, v, AS_IT_STANDS, out);
}

int value_write_canonical(struct heap *h, struct value v, bool sorted, struct buf *out) {
    return write_how(h, v, sorted ? SORTED : CANONICAL, out);
}

#define LONG_DIGITS 18 /* an integer of so many digits is the same number written in one way */

/* A string without escapes, a plain integer. */
bool value_is_key(struct value v) {
    if (v.form != VF_RAW) return false;
    if (v.kind == VK_STRING) { /* most are short: no call is worth it */
        unsigned odd = 0;
        for (uint32_t i = 0; i < v.n; i++) odd |= (unsigned)(v.text[i] == '\\') | (unsigned)(v.text[i] == 0x7F);
        return !odd;
    }
    if (v.kind != VK_NUMBER || v.n > LONG_DIGITS) return false;
    uint32_t sign = v.text[0] == '-';
    for (uint32_t i = sign; i < v.n; i++)
        if (v.text[i] < '0' || v.text[i] > '9') return false;
    return !(sign && v.text[1] == '0');
}

int value_write_key(struct heap *h, struct value v, struct buf *out) {
    if (value_is_key(v)) return buf_append(out, v.text, v.n);
    if (v.kind == VK_NUMBER && value_to_double(v) == 0) return buf_putc(out, '0'); /* -0 is no other number */
    return value_write_canonical(h, v, true, out);
}

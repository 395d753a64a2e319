/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: _match(re; flags; testmode), which match, test, capture, scan, split, sub are defined by. PCRE2
 * with its JIT compiler; compiled patterns are kept in the heap's cache.
 *
 * jq uses Oniguruma in its Perl syntax. What differs for who writes patterns: names of groups have 32 characters at
 * most; (?~absent) is not there, (*VERBS) and callouts are; \K is not allowed in lookarounds, \C nowhere; lookbehind
 * needs branches of fixed length. Deviations on purpose: an empty match lists its captures, and "g" goes on behind it
 * by characters and finds the one at the end (jq 1.7 does, too).
 *
 * A hostile pattern or text ends in an error: steps at one place are limited by PCRE2, and how long the places of one
 * text may take by time, for what is quadratic without any backtracking.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <time.h>

#include "base/utf8.h"
#include "expr/func.h"
#include "expr/func_text.h"

enum {
    CACHE_MAX = 64,            /* patterns; then the oldest makes room */
    PATTERN_MAX = 64 << 10,    /* bytes */
    STEPS_MAX = 2 << 20,       /* at one place */
    MEMORY_KIB_MAX = 64 << 10, /* of the interpreter */
    STACK_FIRST = 64 << 10,    /* of the JIT, when its own is too small */
    STACK_MAX = 8 << 20,       /* bytes */
    WINDOW_FIRST = 256,        /* places tried before the clock is looked at */
    WINDOW_MAX = 1 << 20,      /* the same, at most */
    WINDOW_FAST_NS = 5000000,  /* a window that took less is followed by a larger one */
    MESSAGE_MAX = 160
};
#define SEARCH_NS_MAX INT64_C(4000000000)

enum match_flag {
    FLAG_GLOBAL = 1,
    FLAG_IGNORE_CASE = 2,
    FLAG_EXTENDED = 4,
    FLAG_DOT_ALL = 8,
    FLAG_NOT_EMPTY = 16,
    FLAG_LONGEST = 32
};

struct regex {
    char *pattern;
    size_t n;
    unsigned flags; /* without FLAG_GLOBAL */
    bool jit;
    uint32_t groups;
    struct span *names; /* of the groups 1 to `groups`; without one: NULL */
    pcre2_code *code;
    pcre2_match_data *data;
    size_t *longest; /* FLAG_LONGEST: the ends of the groups in the longest match so far */
    bool found;
};

struct regex_cache {
    struct regex *entries[CACHE_MAX];
    unsigned n, oldest;
    pcre2_compile_context *compiling;
    pcre2_match_context *matching;
    pcre2_jit_stack *stack; /* made when the first match needs it */
};

/* ---- the cache ---- */

static void regex_free(struct regex *re) {
    if (!re) return;
    pcre2_match_data_free(re->data);
    pcre2_code_free(re->code);
    free(re->longest);
    free(re->names);
    free(re->pattern);
    free(re);
}

static void cache_free(struct regex_cache *c) {
    if (!c) return;
    for (unsigned i = 0; i < c->n; i++) regex_free(c->entries[i]);
    pcre2_jit_stack_free(c->stack);
    pcre2_match_context_free(c->matching);
    pcre2_compile_context_free(c->compiling);
    free(c);
}

static struct regex_cache *cache_of(struct heap *h) {
    if (h->regexes) return h->regexes;
    struct regex_cache *c = calloc(1, sizeof(*c));
    if (!c) return NULL;
    c->compiling = pcre2_compile_context_create(NULL);
    c->matching = pcre2_match_context_create(NULL);
    if (!c->compiling || !c->matching) {
        cache_free(c);
        return NULL;
    }
    pcre2_set_max_pattern_length(c->compiling, PATTERN_MAX);
    pcre2_set_match_limit(c->matching, STEPS_MAX);
    pcre2_set_heap_limit(c->matching, MEMORY_KIB_MAX);
    h->regexes_free = cache_free;
    return h->regexes = c;
}

static void cache_put(struct regex_cache *c, struct regex *re) {
    if (c->n < CACHE_MAX) {
        c->entries[c->n++] = re;
        return;
    }
    regex_free(c->entries[c->oldest]);
    c->entries[c->oldest] = re;
    c->oldest = (c->oldest + 1) % CACHE_MAX;
}

/* ---- compiling ---- */

/* Names by group number, out of PCRE2's table: two bytes of number, then the name. */
static int read_names(struct regex *re) {
    uint32_t count, size;
    PCRE2_SPTR table;
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table);
    re->names = calloc(re->groups + 1, sizeof(*re->names));
    if (!re->names) return G_NOMEM;
    for (uint32_t i = 0; i < count; i++, table += size) {
        const char *name = (const char *)table + 2;
        re->names[table[0] << 8 | table[1]] = (struct span){name, strlen(name)};
    }
    return 0;
}

/*
 * For FLAG_LONGEST: at the end of each match PCRE2 asks here, is told to go on trying, and we remember the longest.
 * Strictly longer, so of equals the leftmost stays.
 */
static int remember_longest(pcre2_callout_block *block, void *data) {
    struct regex *re = data;
    if (block->callout_number != 255) return 0;
    size_t start = block->start_match, end = block->current_position;
    if ((re->flags & FLAG_NOT_EMPTY) && start == end) return 1;
    if (re->found && end - start <= re->longest[1] - re->longest[0]) return 1;
    re->found = true;
    for (uint32_t i = 0; i < (re->groups + 1) * 2; i++)
        re->longest[i] = i < block->capture_top * 2 ? block->offset_vector[i] : PCRE2_UNSET;
    re->longest[0] = start;
    re->longest[1] = end;
    return 1;
}

static pcre2_code *compile_code(struct regex_cache *c, const struct regex *re, int *code, size_t *at) {
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_DUPNAMES | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
    if (re->flags & FLAG_IGNORE_CASE) options |= PCRE2_CASELESS;
    if (re->flags & FLAG_EXTENDED) options |= PCRE2_EXTENDED;
    if (re->flags & FLAG_DOT_ALL) options |= PCRE2_DOTALL;
    if (!(re->flags & FLAG_LONGEST))
        return pcre2_compile((PCRE2_SPTR)re->pattern, re->n, options, code, at, c->compiling);
    struct buf b = {0};
    pcre2_code *compiled = NULL;
    *code = PCRE2_ERROR_NOMEMORY;
    /* The line end closes a comment of the extended form. */
    if (buf_puts(&b, "(?:") == 0 && buf_append(&b, re->pattern, re->n) == 0 &&
        buf_puts(&b, re->flags & FLAG_EXTENDED ? "\n)(?C255)" : ")(?C255)") == 0)
        compiled = pcre2_compile((PCRE2_SPTR)b.data, b.len, options | PCRE2_NO_AUTO_POSSESS | PCRE2_NO_START_OPTIMIZE,
                                 code, at, c->compiling);
    buf_release(&b);
    return compiled;
}

static int regex_compile(struct heap *h, struct regex_cache *c, struct regex *re) {
    int code = 0;
    size_t at = 0;
    re->code = compile_code(c, re, &code, &at);
    if (!re->code && code == PCRE2_ERROR_NOMEMORY) return G_NOMEM;
    if (!re->code) {
        char message[MESSAGE_MAX];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof(message));
        return heap_throw(h, "Regex failure: %s at offset %zu", message, at);
    }
    re->data = pcre2_match_data_create_from_pattern(re->code, NULL);
    if (!re->data || read_names(re) < 0) return G_NOMEM;
    if (re->flags & FLAG_LONGEST) {
        re->longest = calloc((re->groups + 1) * 2, sizeof(*re->longest));
        if (!re->longest) return G_NOMEM;
    }
    re->jit = pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) == 0;
    return 0;
}

static int regex_get(struct heap *h, struct span pattern, unsigned flags, struct regex **ret) {
    struct regex_cache *c = cache_of(h);
    if (!c) return G_NOMEM;
    for (unsigned i = 0; i < c->n; i++) {
        struct regex *re = c->entries[i];
        if (re->n != pattern.n || re->flags != flags || memcmp(re->pattern, pattern.p, pattern.n) != 0) continue;
        *ret = re;
        return 0;
    }
    struct regex *re = calloc(1, sizeof(*re));
    if (!re) return G_NOMEM;
    re->n = pattern.n;
    re->flags = flags;
    re->pattern = malloc(pattern.n + 1);
    if (re->pattern && pattern.n) memcpy(re->pattern, pattern.p, pattern.n);
    int rc = re->pattern ? regex_compile(h, c, re) : G_NOMEM;
    if (rc < 0) {
        regex_free(re);
        return rc;
    }
    cache_put(c, re);
    *ret = re;
    return 0;
}

/* ---- searching ---- */

struct search {
    struct heap *heap;
    struct regex *re;
    struct span s;
    int64_t since_ns;         /* when the clock was first looked at; 0: not yet */
    const size_t *groups;     /* of the match: where each begins and ends */
    size_t seen, seen_points; /* a byte, and how many code points are before it */
};

static int64_t clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* One call of PCRE2, for matches that begin in start … limit. */
static int match_once(struct search *q, size_t start, size_t limit) {
    struct regex *re = q->re;
    struct regex_cache *c = q->heap->regexes;
    uint32_t options = re->flags & FLAG_NOT_EMPTY ? PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK : PCRE2_NO_UTF_CHECK;
    PCRE2_SPTR subject = (PCRE2_SPTR)q->s.p;
    pcre2_set_offset_limit(c->matching, limit);
    pcre2_set_callout(c->matching, re->longest ? remember_longest : NULL, re);
    if (!re->jit) return pcre2_match(re->code, subject, q->s.n, start, options, re->data, c->matching);
    int rc = pcre2_jit_match(re->code, subject, q->s.n, start, options, re->data, c->matching);
    if (rc != PCRE2_ERROR_JIT_STACKLIMIT || c->stack) return rc;
    c->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MAX, NULL);
    if (!c->stack) return PCRE2_ERROR_NOMEMORY;
    pcre2_jit_stack_assign(c->matching, NULL, c->stack);
    return pcre2_jit_match(re->code, subject, q->s.n, start, options, re->data, c->matching);
}

/* Long texts are searched window by window, with a look at the clock in between. */
static int match_windows(struct search *q, size_t start) {
    size_t window = WINDOW_FIRST;
    int64_t before = q->since_ns;
    for (;;) {
        bool last = q->s.n - start <= window;
        int rc = match_once(q, start, last ? PCRE2_UNSET : start + window - 1);
        if (rc != PCRE2_ERROR_NOMATCH || last) return rc;
        start += window;
        while (start < q->s.n && ((unsigned char)q->s.p[start] & 0xC0) == 0x80) start++;
        int64_t now = clock_ns();
        if (q->since_ns == 0) q->since_ns = now;
        if (now - q->since_ns > SEARCH_NS_MAX) return PCRE2_ERROR_MATCHLIMIT;
        if (before != 0 && now - before < WINDOW_FAST_NS && window < WINDOW_MAX) window *= 2;
        before = now;
    }
}

/* The next match from `start` on: 1 with q->groups set, 0 for none. */
static int search_next(struct search *q, size_t start) {
    struct regex *re = q->re;
    re->found = false;
    int rc = match_windows(q, start);
    if (re->longest && rc == PCRE2_ERROR_NOMATCH && re->found) {
        q->groups = re->longest;
        return 1;
    }
    if (rc == PCRE2_ERROR_NOMATCH) return 0;
    if (rc == PCRE2_ERROR_NOMEMORY) return G_NOMEM;
    if (rc < 0)
        return heap_throw(q->heap, "regular expression \"%.*s\" took too many steps", (int)(re->n < 100 ? re->n : 100),
                          re->pattern);
    q->groups = pcre2_get_ovector_pointer(re->data);
    return 1;
}

/* ---- results ---- */

static int64_t code_points_before(struct search *q, size_t at) {
    if (at < q->seen) q->seen = q->seen_points = 0;
    q->seen_points += utf8_count(q->s.p + q->seen, at - q->seen);
    q->seen = at;
    return (int64_t)q->seen_points;
}

/* {offset, length, string} of one group; nothing was matched: -1, 0, null. */
static int group_object(struct search *q, uint32_t group, struct value *ret) {
    struct heap *h = q->heap;
    size_t start = q->groups[group * 2], end = q->groups[group * 2 + 1];
    bool set = start != PCRE2_UNSET && end != PCRE2_UNSET && start <= end;
    int64_t offset = set ? code_points_before(q, start) : -1;
    struct value string = set ? value_text(q->s.p + start, end - start) : value_null();
    int64_t length = set ? code_points_before(q, end) - offset : 0;
    int rc = object_alloc(h, 4, ret);
    if (rc == 0) rc = object_set(h, ret, "offset", 6, value_int(offset));
    if (rc == 0) rc = object_set(h, ret, "length", 6, value_int(length));
    return rc < 0 ? rc : object_set(h, ret, "string", 6, string);
}

/* A name lives as long as its compiled pattern, which may make room for another before the record is done. */
static int name_value(struct heap *h, struct span name, struct value *ret) {
    if (name.p) return value_copy_text(h, name.p, name.n, ret);
    *ret = value_null();
    return 0;
}

static int match_object(struct search *q, struct value *ret) {
    struct heap *h = q->heap;
    struct regex *re = q->re;
    struct value *captures = array_alloc(h, re->groups);
    struct value match;
    if (!captures) return G_NOMEM;
    int rc = group_object(q, 0, &match);
    for (uint32_t i = 0; i < re->groups && rc == 0; i++) {
        struct value name = value_null();
        rc = group_object(q, i + 1, &captures[i]);
        if (rc == 0) rc = name_value(h, re->names[i + 1], &name);
        if (rc == 0) rc = object_set(h, &captures[i], "name", 4, name);
    }
    if (rc == 0) rc = object_set(h, &match, "captures", 8, value_array(captures, re->groups));
    if (rc == 0) *ret = match;
    return rc;
}

static int match_all(struct search *q, bool global, struct value *ret) {
    struct value matches = value_array(NULL, 0), match;
    size_t start = 0;
    do {
        int rc = search_next(q, start);
        if (rc == 0) break;
        if (rc < 0) return rc;
        size_t from = q->groups[0], to = q->groups[1];
        rc = match_object(q, &match);
        if (rc == 0) rc = array_append(q->heap, &matches, match);
        if (rc < 0) return rc;
        start = to;
        if (to <= from) start += to < q->s.n ? utf8_offset(q->s.p + to, q->s.n - to, 1) : 1;
    } while (global && start <= q->s.n);
    *ret = matches;
    return 0;
}

/* ---- the function ---- */

static int read_flags(struct heap *h, struct value v, unsigned *ret) {
    static const unsigned char known[128] = {['g'] = FLAG_GLOBAL,  ['i'] = FLAG_IGNORE_CASE, ['x'] = FLAG_EXTENDED,
                                             ['p'] = FLAG_DOT_ALL, ['n'] = FLAG_NOT_EMPTY,   ['l'] = FLAG_LONGEST,
                                             ['s'] = 0x80 /* as it is anyway: ^ and $ are the ends of the text */};
    struct span s;
    *ret = 0;
    if (v.kind == VK_NULL) return 0;
    if (v.kind != VK_STRING) return throw_about(h, v, "is not a string");
    int rc = span_of(h, v, &s);
    for (size_t i = 0; rc == 0 && i < s.n; i++) {
        unsigned flag = (unsigned char)s.p[i] < 128 ? known[(unsigned char)s.p[i]] : 0;
        if (flag == 0) return heap_throw(h, "%.*s is not a valid modifier string", (int)(s.n < 100 ? s.n : 100), s.p);
        *ret |= flag & 0x7F;
    }
    return rc;
}

static int f_match(struct heap *h, const struct value *args, struct value *ret) {
    struct search q = {.heap = h};
    struct span pattern;
    unsigned flags;
    if (args[0].kind != VK_STRING) return throw_about(h, args[0], "cannot be matched, as it is not a string");
    if (args[1].kind != VK_STRING) return throw_about(h, args[1], "is not a string");
    int rc = read_flags(h, args[2], &flags);
    if (rc == 0) rc = span_of(h, args[0], &q.s);
    if (rc == 0) rc = span_of(h, args[1], &pattern);
    if (rc == 0) rc = regex_get(h, pattern, flags & ~(unsigned)FLAG_GLOBAL, &q.re);
    if (rc < 0) return rc;
    if (!q.s.p) q.s.p = "";
    /* PCRE2 must not see bytes that are not UTF-8, which a block that lies may have. */
    if (utf8_validate(q.s.p, q.s.n) != q.s.n) return throw_about(h, args[0], "cannot be matched, as it is not UTF-8");
    if (!value_truthy(args[3])) return match_all(&q, flags & FLAG_GLOBAL, ret);
    rc = search_next(&q, 0);
    if (rc < 0) return rc;
    *ret = value_bool(rc > 0);
    return 0;
}

const struct func func_regex[] = {
    {"_match", 3, true, f_match},
    {NULL, 0, false, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares the tables of man/leat-json.7 with the code, line by line: the limits, JSONTestSuite's i_ files and its
 * test_transform folder, and that each file has its line. So neither the page nor the code can change alone. Exit 0
 * when they agree; 1 when they do not; 2 when page or files cannot be read.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/json_path.h"
#include "expr/heap.h"
#include "json/validate.h"

enum { CELLS = 4, I_FILES = 35, TRANSFORM_FILES = 22, LIMITS = 3 };

struct page {
    const char *suite; /* JSONTestSuite's folder */
    char *cell[CELLS];
    int cells;
    struct json_validator strict, loose;
    struct heap heap;
    struct buf text; /* of the line's file */
    int limits, i_lines, transform_lines, failed;
};

__attribute__((format(printf, 2, 3))) static void fail(struct page *g, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    printf("FAIL %s: ", g->cell[0]);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    g->failed++;
}

static bool is(const char *want, const char *p, size_t n) {
    return strlen(want) == n && memcmp(want, p, n) == 0;
}

/* The escapes of mdoc that the tables use. In place. */
static void unescape_page(char *s) {
    static const char *const from[] = {"\\-", "\\&", "\\e", "\\(dq"}, *const to[] = {"-", "", "\\", "\""};
    char *out = s;
    while (*s) {
        size_t k = 0;
        while (k < 4 && strncmp(s, from[k], strlen(from[k])) != 0) k++;
        if (k == 4) {
            *out++ = *s++;
            continue;
        }
        s += strlen(from[k]);
        if (*to[k]) *out++ = *to[k];
    }
    *out = '\0';
}

/* Split `.It a Ta b Ta c`. */
static void cells_split(struct page *g, char *line) {
    g->cells = 0;
    for (char *next = line; next && g->cells < CELLS;) {
        char *cell = next;
        next = strstr(cell, " Ta ");
        if (next) {
            *next = '\0';
            next += 4;
        }
        unescape_page(cell);
        g->cell[g->cells++] = cell;
    }
}

static bool text_load(struct page *g, const char *folder) {
    char path[4096];
    buf_clear(&g->text);
    snprintf(path, sizeof(path), "%s/%s/%s.json", g->suite, folder, g->cell[0]);
    FILE *f = fopen(path, "rb");
    if (!f || buf_reserve(&g->text, 1 << 20) < 0) {
        fail(g, "no such file");
        if (f) fclose(f);
        return false;
    }
    g->text.len = fread(g->text.data, 1, g->text.cap, f);
    fclose(f);
    return true;
}

/* What the validator says in a word: "accepted", or the reason. */
static const char *verdict(struct json_validator *v, const struct buf *text) {
    struct json_fault fault = {0, "accepted"};
    if (json_validate(v, text->data, text->len, &fault) == G_NOMEM) abort();
    return fault.reason;
}

static bool lookup(struct page *g, const char *path_text, struct json_slice *ret) {
    struct json_path path = {0};
    bool found =
        json_path_compile(path_text, &path, NULL) == 0 && json_path_find(&path, g->text.data, g->text.len, ret);
    json_path_release(&path);
    if (!found) fail(g, "%s finds nothing", path_text);
    return found;
}

/* A number calculated with: as the value of an expression, and printed. */
static void plus_0_check(struct page *g, struct json_slice s, const char *want) {
    int64_t i;
    double d;
    struct buf out = {0};
    struct value v = value_raw(s.p, s.n);
    if (v.kind != VK_NUMBER) {
        if (strcmp(want, v.kind == VK_ARRAY ? "an array" : "no number") != 0) fail(g, "is not '%s'", want);
        return;
    }
    v = value_number(v, &i, &d) ? value_int(i) : value_double(d);
    if (value_write(&g->heap, v, &out) < 0) abort();
    if (!is(want, out.data, out.len)) fail(g, "gives %.*s, not %s", (int)out.len, out.data, want);
    buf_release(&out);
}

static void i_line(struct page *g) {
    struct json_slice s;
    g->i_lines++;
    if (g->cells != 3 || !text_load(g, "test_parsing")) return;
    const char *says = verdict(&g->strict, &g->text);
    if (strcmp(verdict(&g->loose, &g->text), says) != 0) fail(g, "differs with duplicate keys");
    bool accepted = strcmp(says, "accepted") == 0;
    if (strcmp(g->cell[1], accepted ? "accepted" : "refused") != 0 || (!accepted && strcmp(g->cell[2], says) != 0))
        fail(g, "is '%s', not %s: %s", says, g->cell[1], g->cell[2]);
    if (accepted && lookup(g, ".[0]", &s)) plus_0_check(g, s, g->cell[2]);
}

/* name, lookup, found, plus 0 */
static void accepted_line(struct page *g) {
    struct json_slice s;
    if (strcmp(verdict(&g->strict, &g->text), "accepted") != 0) fail(g, "is refused");
    if (!lookup(g, g->cell[1], &s)) return;
    if (!is(g->cell[2], s.p, s.n)) fail(g, "%s finds %.*s", g->cell[1], (int)s.n, s.p);
    plus_0_check(g, s, g->cell[3]);
}

/* name, reason, what .a finds with duplicate keys or "refused" */
static void refused_line(struct page *g) {
    struct json_slice s;
    const char *says = verdict(&g->strict, &g->text), *loose = verdict(&g->loose, &g->text);
    if (strcmp(says, g->cell[1]) != 0) fail(g, "is '%s'", says);
    if (strcmp(g->cell[2], "refused") == 0) {
        if (strcmp(loose, g->cell[1]) != 0) fail(g, "is '%s' with duplicate keys", loose);
        return;
    }
    if (strcmp(loose, "accepted") != 0) fail(g, "is '%s' with duplicate keys", loose);
    if (!lookup(g, ".a", &s)) return;
    if (!is(g->cell[2], s.p, s.n)) fail(g, ".a finds %.*s", (int)s.n, s.p);
}

/* The limit's text is accepted, one more refused. The longest text needs no 2 GiB: it is refused by its length alone.
 */
static void limit_line(struct page *g) {
    size_t limit = strtoul(g->cell[1], NULL, 10);
    struct buf b = {0};
    g->limits++;
    if (strncmp(g->cell[0], "bytes of a text", 15) == 0) {
        struct json_fault fault;
        if (limit != INT32_MAX || json_validate(&g->strict, "", limit + 1, &fault) != G_DATA) fail(g, "is wrong");
        return;
    }
    bool number = strncmp(g->cell[0], "bytes of a number", 17) == 0;
    for (size_t n = limit; n <= limit + 1; n++) {
        buf_clear(&b);
        if (buf_reserve(&b, 2 * n) < 0) abort();
        memset(b.data, number ? '1' : '[', n);
        memset(b.data + n, ']', n);
        b.len = number ? n : 2 * n;
        if ((strcmp(verdict(&g->strict, &b), "accepted") == 0) != (n == limit)) fail(g, "is not %zu", limit);
    }
    buf_release(&b);
}

/* Table lines by the heading that they are under. */
static void page_read(struct page *g, FILE *f) {
    char line[1024], heading[200] = "";
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, ".Sh ", 4) == 0 || strncmp(line, ".Ss ", 4) == 0)
            snprintf(heading, sizeof(heading), "%.*s", 190, line + 4);
        if (strncmp(line, ".It ", 4) != 0 || strncmp(line, ".It Em ", 7) == 0 || !strstr(line, " Ta ")) continue;
        cells_split(g, line + 4);
        if (strcmp(heading, "LIMITS") == 0) {
            limit_line(g);
        } else if (strncmp(g->cell[0], "i_", 2) == 0) {
            i_line(g);
        } else {
            g->transform_lines++;
            if (!text_load(g, "test_transform")) continue;
            if (g->cells == 4) {
                accepted_line(g);
            } else {
                refused_line(g);
            }
        }
    }
}

int main(int argc, char **argv) {
    static struct page g;
    const struct json_limits loose = {.allow_duplicate_keys = true};
    FILE *f = argc == 3 ? fopen(argv[2], "r") : NULL;
    if (!f) {
        fprintf(stderr, "usage: json_page JSONTESTSUITE PAGE\n");
        return 2;
    }
    g.suite = argv[1];
    heap_init(&g.heap, 0);
    if (json_validator_init(&g.strict, NULL) < 0 || json_validator_init(&g.loose, &loose) < 0) return 2;
    page_read(&g, f);
    fclose(f);
    heap_release(&g.heap);
    json_validator_release(&g.strict);
    json_validator_release(&g.loose);
    buf_release(&g.text);
    printf("%d limits, %d i_ files, %d of test_transform, %d failed\n", g.limits, g.i_lines, g.transform_lines,
           g.failed);
    return g.failed || g.limits != LIMITS || g.i_lines != I_FILES || g.transform_lines != TRANSFORM_FILES ? 1 : 0;
}

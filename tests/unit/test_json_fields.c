/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json/fields.h: what is found and what is not, on every SIMD path of this machine, with the text between two pages
 * that cannot be read; the same answers as json_path.h on random objects; no harm from any bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "base/random.h"
#include "json_path.h"
#include "json/fields.h"

#define ROOM 65536U
#define MAX_SLOTS 64U

static const enum json_simd all_simd[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};

/* ROOM bytes between two guard pages. */
static char *room;

static int room_make(void **state) {
    (void)state;
    char *p = mmap(NULL, ROOM + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + 4096, ROOM, PROT_READ | PROT_WRITE) != 0) return -1;
    room = p + 4096;
    return 0;
}

static int room_free(void **state) {
    (void)state;
    return munmap(room - 4096, ROOM + 8192);
}

/* The same paths compiled for each SIMD path that this machine has, and as single paths. */
struct set {
    struct json_fields f[3];
    size_t n;
    struct json_path path[MAX_SLOTS];
    uint32_t slots;
};

static void add_path(struct json_fields *f, const struct json_path *path, uint32_t slot) {
    struct json_name names[16];
    uint32_t got;
    assert_true(path->n <= 16);
    for (size_t i = 0; i < path->n; i++)
        names[i] = (struct json_name){path->names.data ? path->names.data + path->steps[i].name_at : NULL,
                                      path->steps[i].name_len};
    assert_int_equal(json_fields_add(f, names, path->n, &got), 0);
    assert_int_equal(got, slot);
}

/* Paths in the words of json_path.h, without indexes. */
static void set_make(struct set *s, const char *const *paths, size_t n) {
    memset(s, 0, sizeof(*s));
    assert_true(n <= MAX_SLOTS);
    s->slots = (uint32_t)n;
    for (size_t i = 0; i < n; i++) assert_int_equal(json_path_compile(paths[i], &s->path[i], NULL), 0);
    for (size_t k = 0; k < 3; k++) {
        struct json_fields *f = &s->f[s->n];
        assert_int_equal(json_fields_init(f), 0);
        for (uint32_t i = 0; i < n; i++) add_path(f, &s->path[i], i);
        int rc = json_fields_compile_with(f, all_simd[k]);
        assert_true(rc == 0 || (rc == G_USAGE && k > 0));
        if (rc == 0)
            s->n++;
        else
            json_fields_release(f);
    }
}

static void set_release(struct set *s) {
    for (size_t i = 0; i < s->n; i++) json_fields_release(&s->f[i]);
    for (size_t i = 0; i < s->slots; i++) json_path_release(&s->path[i]);
}

/* A value by its place in the text. */
struct place {
    size_t at, n;
    enum json_type type;
};

static void expect_at(const struct set *s, const char *text, size_t n, size_t slack, const struct place *want) {
    unsigned count = 0;
    for (uint32_t i = 0; i < s->slots; i++) count += want[i].type != JSON_TYPE_NONE;
    for (size_t k = 0; k < s->n; k++) {
        struct json_slice ret[MAX_SLOTS];
        memset(ret, 0xA5, sizeof(ret));
        assert_int_equal(json_fields_find(&s->f[k], text, n, slack, ret), count);
        for (uint32_t i = 0; i < s->slots; i++) {
            assert_int_equal(ret[i].type, want[i].type);
            assert_int_equal(ret[i].n, want[i].n);
            if (want[i].type == JSON_TYPE_NONE)
                assert_null(ret[i].p);
            else
                assert_int_equal(ret[i].p - text, want[i].at);
        }
    }
}

/* At the front of the room, at its end, and with bytes behind it that look like more JSON. */
static void expect(const struct set *s, const char *text, size_t n, const struct place *want) {
    static const char more[] = "\"}],\"a\":1,:{[\\\"\\";
    static const size_t slacks[] = {0, 1, 8, 31, 63, 64, 100, 128, 200};
    assert_true(n + 200 <= ROOM);
    if (n) memcpy(room, text, n);
    expect_at(s, room, n, 0, want);
    for (size_t i = 0; i < sizeof(slacks) / sizeof(*slacks); i++) {
        char *at = room + ROOM - n - slacks[i];
        if (n) memcpy(at, text, n);
        for (size_t k = 0; k < slacks[i]; k++) at[n + k] = more[k % (sizeof(more) - 1)];
        expect_at(s, at, n, slacks[i], want);
    }
}

/* Where the value stands in the text: behind a colon or space, and before what ends a value. */
static size_t value_at(const char *text, const char *value) {
    for (const char *at = strstr(text, value); at; at = strstr(at + 1, value)) {
        if (at > text && strchr(": \t\n", at[-1]) && strchr(",]} \n", at[strlen(value)])) return (size_t)(at - text);
    }
    fail_msg("no %s in %s", value, text);
    return 0;
}

/* One path at a time and the value's text, NULL for none; at each alignment, by space in front and behind. */
static void look(const char *path, const char *text, const char *value) {
    static char spaced[ROOM];
    struct set s;
    struct place want = {0};
    size_t n = strlen(text);
    size_t at = value ? value_at(text, value) : 0;
    set_make(&s, &path, 1);
    if (value) {
        want.n = strlen(value);
        want.type = json_type_of(value, want.n);
    }
    for (size_t front = 0; front < 64; front++) {
        memset(spaced, ' ', front + n + 64);
        memcpy(spaced + front, text, n);
        want.at = front + at;
        expect(&s, spaced, front + n, &want);
        expect(&s, spaced, front + n + 63 - front, &want);
    }
    set_release(&s);
}

static const char record[] =
    "{\"ts\":\"2026-01-01T00:00:00Z\",\"user\":{\"id\":\"u\\\"}1\",\"deep\":{\"a\":[{\"id\":9}],\"b\":-1.5e3}},"
    "\"status\":200,\"note\":\"\\\"status\\\":500,{[\\\\\",\"tags\":[\"id\",[1,2],{\"status\":null}],\"stat\":true,"
    "\"statuses\":false,\"\":0,\"v\":\"status\",\"e\":{},\"last\":null}";

static void members_are_found(void **state) {
    (void)state;
    look(".ts", record, "\"2026-01-01T00:00:00Z\"");
    look(".user", record, "{\"id\":\"u\\\"}1\",\"deep\":{\"a\":[{\"id\":9}],\"b\":-1.5e3}}");
    look(".user.id", record, "\"u\\\"}1\"");
    look(".user.deep", record, "{\"a\":[{\"id\":9}],\"b\":-1.5e3}");
    look(".user.deep.a", record, "[{\"id\":9}]");
    look(".user.deep.b", record, "-1.5e3");
    look(".status", record, "200");
    look(".note", record, "\"\\\"status\\\":500,{[\\\\\"");
    look(".tags", record, "[\"id\",[1,2],{\"status\":null}]");
    look(".stat", record, "true");
    look(".statuses", record, "false");
    look(".\"\"", record, "0");
    look(".v", record, "\"status\"");
    look(".e", record, "{}");
    look(".last", "{\"last\":null}", "null");
    look(".a", "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":1}}");
    look(".a.a", "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":1}");
    look(".a.a.a", "{\"a\":{\"a\":{\"a\":1}}}", "1");
}

static void what_is_missing_is_not_found(void **state) {
    (void)state;
    static const char *const paths[] = {".nope",        ".id",     ".user.nope", ".user.id.x", ".status.x",
                                        ".tags.status", ".b",      ".user.a",    ".u",         ".user.ts",
                                        ".e.x",         ".last.x", ".tag",       ".500",       ".user.deep.a.id"};
    static const char *const texts[] = {"",
                                        " ",
                                        "{}",
                                        "null",
                                        "17",
                                        "\"a\"",
                                        "[{\"a\":1}]",
                                        "{\"b\":{\"a\":1}}",
                                        "{\"b\":[{\"a\":1}]}",
                                        "{\"b\":\"a\",\"c\":\"\\\"a\\\":1\"}"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        if (paths[i][1] != '5') look(paths[i], record, NULL);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) look(".a", texts[i], NULL);
}

static void space_may_be_everywhere(void **state) {
    (void)state;
    static const char text[] =
        "\t{ \"a\" \n: 1 , \"b\"\r\n:\t{ \"c\" : [ 2 , { \"a\" : 3 } ] , \"d\":\"x\" } , \"e\" :\n null }\n";
    look(".a", text, "1");
    look(".b", text, "{ \"c\" : [ 2 , { \"a\" : 3 } ] , \"d\":\"x\" }");
    look(".b.c", text, "[ 2 , { \"a\" : 3 } ]");
    look(".b.d", text, "\"x\"");
    look(".e", text, "null");
    look(".b.a", text, NULL);
}

static void names_are_compared_after_unescaping(void **state) {
    (void)state;
    look(".status", "{\"x\":\"\\\\\",\"st\\u0061tus\":1}", "1");
    look(".\"a\\\"b\"", "{\"\\\\\":0,\"a\\\"b\":1,\"c\":2}", "1");
    look(".\"\\\\\"", "{\"a\":0,\"\\\\\":1,\"c\":2}", "1");
    look(".\"\xC3\xA9\"", "{\"e\":0,\"\\u00e9\":5}", "5");
    look(".\"\xC3\xA9\"", "{\"e\":0,\"\xC3\xA9\":5}", "5");
    look(".\"\xF0\x9F\x98\x80\"", "{\"\\ud83d\\ude00\" :5}", "5");
    look(".a.b", "{\"\\u0061\":{\"\\u0062\":[]}}", "[]");
    look(".u0061", "{\"\\u0061\":1,\"u0061\":2}", "2");
    look(".b", "{\"k\\\\\\\\\\\\\":\"\\\\\\\\\",\"b\":1}", "1");
    look(".b", "{\"k\":\"\\\\\\\"b\\\":2,\",\"b\":1}", "1");
}

static void long_names_and_values(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 7, 8, 9, 15, 16, 17, 59, 60, 61, 62, 63, 64, 65, 127, 128, 500};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        char name[512], path[600], text[4000], value[800];
        size_t n = lengths[i];
        memset(name, 'k', n);
        name[n] = 0;
        snprintf(path, sizeof(path), ".%s", name);
        /* Names of the same length that differ at the front, in the middle, at the end; then the same inside. */
        char front[512], middle[512], back[512];
        memcpy(front, name, n + 1);
        memcpy(middle, name, n + 1);
        memcpy(back, name, n + 1);
        front[0] = 'f';
        middle[n / 2] = 'm';
        back[n - 1] = 'b';
        snprintf(value, sizeof(value), "\"%s\\\"v\"", name);
        bool same = n < 3; /* then the three are one */
        if (same)
            snprintf(text, sizeof(text), "{\"%s\":1,\"x\":{\"%s\":2},\"%s\":%s}", front, name, name, value);
        else
            snprintf(text, sizeof(text), "{\"%s\":1,\"%s\":[2,3],\"%s\":{\"%s\":4},\"%s\":%s}", front, middle, back,
                     name, name, value);
        look(path, text, value);
    }
}

static void of_duplicate_keys_the_first_counts(void **state) {
    (void)state;
    look(".a", "{\"a\":1,\"a\":2}", "1");
    look(".a", "{\"\\u0061\":1,\"a\":2}", "1");
    look(".a", "{\"a\":[1],\"a\":2}", "[1]");
    look(".a", "{\"a\":1,\"a\":[2]}", "1");
}

/* All of it at once: the answers have to be those of single lookups. */
static void expect_like_paths(const struct set *s, const char *text, size_t n) {
    struct place want[MAX_SLOTS] = {0};
    for (uint32_t i = 0; i < s->slots; i++) {
        struct json_slice value;
        if (!json_path_find(&s->path[i], text, n, &value)) continue;
        want[i] = (struct place){.at = (size_t)(value.p - text), .n = value.n, .type = value.type};
    }
    expect(s, text, n, want);
}

static void several_at_once(void **state) {
    (void)state;
    static const char *const paths[] = {".last", ".user.id",     ".user", ".ts",       ".nope", ".user.deep.b",
                                        ".tags", ".user.deep.a", ".stat", ".user.no",  ".note", ".\"\"",
                                        ".e",    ".status",      ".v",    ".user.deep"};
    struct set s;
    for (size_t n = 1; n <= sizeof(paths) / sizeof(*paths); n++) {
        set_make(&s, paths, n);
        expect_like_paths(&s, record, sizeof(record) - 1);
        set_release(&s);
    }
}

/* Without a backslash, so that nothing but the filters decides which keys are looked at. */
static void keys_lie_across_blocks(void **state) {
    (void)state;
    static const char *const paths[] = {".status", ".user.id", ".tags", ".longer_name", ".user", ".z"};
    for (size_t first = 0; first < 5; first++) {
        for (size_t n = 1; n <= 6 - first; n++) {
            struct set s;
            set_make(&s, paths + first, n);
            for (int pad = 0; pad < 130; pad++) {
                char text[400];
                int len = snprintf(text, sizeof(text),
                                   "{\"x\":\"%*s\",\"status\":200,\"user\":{\"no\":\"%*s\",\"id\":7},\"longer_name\":"
                                   "null,\"tags\":[\"a\",{\"z\":1}],\"z\":true}",
                                   pad, "", pad % 7, "");
                expect_like_paths(&s, text, (size_t)len);
            }
            set_release(&s);
        }
    }
}

static void forty_fields(void **state) {
    (void)state;
    static char paths[40][16], text[4000];
    const char *p[40];
    struct set s;
    size_t n = 1;
    text[0] = '{';
    for (int i = 0; i < 40; i++) {
        snprintf(paths[i], sizeof(paths[i]), ".f%d", i);
        p[i] = paths[i];
        n += (size_t)snprintf(text + n, sizeof(text) - n, "\"f%d\":%s,", i * 7 % 41,
                              i % 4 == 0   ? "{\"f1\":1}"
                              : i % 4 == 1 ? "\"\\\"\""
                              : i % 4 == 2 ? "12.5"
                                           : "[{},\"f2\"]");
    }
    text[n - 1] = '}';
    set_make(&s, p, 40);
    expect_like_paths(&s, text, n);
    set_release(&s);
}

static void slots_and_misuse(void **state) {
    (void)state;
    struct json_fields f;
    const struct json_name user[] = {{"user", 4}, {"id", 2}}, empty[] = {{NULL, 0}, {NULL, 0}};
    struct json_slice ret[4];
    uint32_t slot = 99;
    assert_int_equal(json_fields_init(&f), 0);
    assert_int_equal(json_fields_add(&f, user, 0, &slot), G_USAGE);
    assert_int_equal(slot, 99);
    assert_int_equal(json_fields_add(&f, user, 2, &slot), 0);
    assert_int_equal(slot, 0);
    assert_int_equal(json_fields_add(&f, user, 1, &slot), 0);
    assert_int_equal(slot, 1);
    assert_int_equal(json_fields_add(&f, user, 2, &slot), 0);
    assert_int_equal(slot, 0);
    assert_int_equal(json_fields_add(&f, empty, 2, &slot), 0);
    assert_int_equal(slot, 2);
    assert_int_equal(f.slots, 3);
    assert_int_equal(json_fields_compile(&f), 0);
    assert_int_equal(json_fields_compile(&f), G_USAGE);
    assert_int_equal(json_fields_add(&f, user, 1, &slot), G_USAGE);
    assert_int_equal(json_fields_find(&f, "{\"\":{\"\":7},\"user\":{}}", 22, 0, ret), 2);
    assert_int_equal(ret[2].n, 1);
    json_fields_release(&f);
    json_fields_release(&f);
    json_fields_release(NULL);
    assert_int_equal(json_fields_init(&f), 0);
    assert_int_equal(json_fields_compile(&f), 0);
    assert_int_equal(json_fields_find(&f, "{\"a\":1}", 7, 0, NULL), 0);
    json_fields_release(&f);
}

/* ---- random objects ------------------------------------------------------------------------------------------------
 */

static const char *const words[] = {"a",
                                    "b",
                                    "id",
                                    "ts",
                                    "key",
                                    "user",
                                    "status",
                                    "device",
                                    "latency_ms",
                                    "\\u0061b",
                                    "",
                                    "x y",
                                    "a\\\"b",
                                    "c\\\\",
                                    "\xC3\xA9",
                                    "os",
                                    "tags",
                                    "a.b",
                                    ":",
                                    "{",
                                    "}]",
                                    "a_name_that_is_much_longer_than_any_of_the_other_names_and_than_a_block_of_bytes",
                                    "kkkkkkkkkk",
                                    "kkkkkkkkkkk",
                                    "a_name_of_seventeen",
                                    "a_name_Of_seventeen"};
#define WORDS (sizeof(words) / sizeof(*words))

struct writer {
    struct rng rng;
    char text[ROOM / 2];
    size_t n;
    bool spaced;
};

static void put(struct writer *w, const char *s) {
    size_t n = strlen(s);
    assert_true(w->n + n < sizeof(w->text));
    memcpy(w->text + w->n, s, n);
    w->n += n;
}

static void put_space(struct writer *w) {
    static const char *const spaces[] = {"", " ", "  ", "\n", "\t\r\n "};
    if (w->spaced) put(w, spaces[rng_below(&w->rng, 5)]);
}

static void put_string(struct writer *w) {
    static const char *const parts[] = {"\\\"", "\\\\", "a", ":", ",", "{", "}", "[", "]", "\\u00e9", "status", " "};
    put(w, "\"");
    if (rng_below(&w->rng, 3) == 0)
        put(w, words[rng_below(&w->rng, WORDS)]);
    else
        for (uint64_t i = rng_below(&w->rng, rng_below(&w->rng, 20) ? 6 : 90); i > 0; i--)
            put(w, parts[rng_below(&w->rng, 12)]);
    put(w, "\"");
}

static void put_value(struct writer *w, int depth);

static void put_container(struct writer *w, int depth, bool object) {
    unsigned used = 0;
    put(w, object ? "{" : "[");
    put_space(w);
    for (uint64_t i = rng_below(&w->rng, depth == 0 ? 14 : 5), first = 1; i > 0; i--) {
        size_t word = rng_below(&w->rng, WORDS);
        if (object && used >> word & 1) continue;
        used |= 1U << word;
        if (!first) put(w, ",");
        first = 0;
        put_space(w);
        if (object) {
            put(w, "\"");
            put(w, words[word]);
            put(w, "\"");
            put_space(w);
            put(w, ":");
            put_space(w);
        }
        put_value(w, depth + 1);
        put_space(w);
    }
    put(w, object ? "}" : "]");
}

static void put_value(struct writer *w, int depth) {
    static const char *const scalars[] = {"0", "-1.5e+300", "true", "false", "null", "123456789012345678901234567890"};
    uint64_t kind = rng_below(&w->rng, depth > 4 ? 6 : 10);
    if (kind < 3)
        put(w, scalars[rng_below(&w->rng, 6)]);
    else if (kind < 6)
        put_string(w);
    else
        put_container(w, depth, kind < 9);
}

static void random_objects_give_the_answers_of_path(void **state) {
    (void)state;
    static struct writer w;
    rng_init(&w.rng, 11);
    for (int round = 0; round < 60; round++) {
        char texts[24][400];
        const char *paths[24];
        size_t n = 0;
        struct set s;
        for (uint64_t left = 1 + rng_below(&w.rng, round % 2 ? 4 : 24); left > 0; left--) {
            size_t len = 0;
            for (uint64_t i = 1 + rng_below(&w.rng, 3); i > 0; i--)
                len += (size_t)snprintf(texts[n] + len, sizeof(texts[n]) - len, ".\"%s\"",
                                        words[rng_below(&w.rng, round % 3 ? WORDS : 10)]);
            paths[n] = texts[n];
            bool fresh = true;
            for (size_t k = 0; k < n; k++) fresh = fresh && strcmp(texts[k], texts[n]) != 0;
            n += fresh;
        }
        set_make(&s, paths, n);
        for (int i = 0; i < 60; i++) {
            w.n = 0;
            w.spaced = rng_below(&w.rng, 3) == 0;
            put_space(&w);
            put_container(&w, 0, true);
            put_space(&w);
            expect_like_paths(&s, w.text, w.n);
        }
        set_release(&s);
    }
}

static void any_bytes_do_no_harm(void **state) {
    (void)state;
    static const char *const paths[] = {".a", ".user.id", ".status", ".user", ".user.deep.b"};
    struct rng r;
    rng_init(&r, 12);
    for (size_t n = 1; n <= 5; n++) {
        struct set s;
        set_make(&s, paths, n);
        for (int round = 0; round < 20000; round++) {
            size_t len = rng_below(&r, sizeof(record)), slack = rng_below(&r, 2) ? 0 : rng_below(&r, 400);
            char *text = rng_below(&r, 2) ? room : room + ROOM - len - slack;
            memcpy(text, record, len);
            for (size_t k = 0; k < slack; k++) text[len + k] = "\"\\{}[]:, x1"[rng_below(&r, 11)];
            for (uint64_t k = rng_below(&r, 6); k > 0 && len > 0; k--)
                text[rng_below(&r, len)] = "\"\\{}[]:, x1"[rng_below(&r, 11)];
            for (size_t k = 0; k < s.n; k++) {
                struct json_slice ret[5];
                unsigned found = json_fields_find(&s.f[k], text, len, slack, ret), seen = 0;
                for (size_t i = 0; i < n; i++) {
                    if (ret[i].type == JSON_TYPE_NONE) {
                        assert_true(ret[i].p == NULL && ret[i].n == 0);
                        continue;
                    }
                    seen++;
                    assert_true(ret[i].p >= text && ret[i].n > 0 && ret[i].p + ret[i].n <= text + len);
                }
                assert_int_equal(found, seen);
            }
        }
        set_release(&s);
    }
}

/* Megabytes that would take hours if a part of them were looked at again for each key. */
static void hostile_text_takes_linear_time(void **state) {
    (void)state;
    static const char *const parts[] = {"\"a\":x",
                                        "\"a\" :",
                                        ":",
                                        "\"a\":",
                                        "\"a\":\"",
                                        "\"a\":{",
                                        "\"a\":[",
                                        "\\",
                                        "\"",
                                        "{",
                                        "[",
                                        "\"a\":1",
                                        "\"a\\u0062\":1,",
                                        "\"a\"   ",
                                        "\"a\":\"b\\\"\",",
                                        "\"zz\":[{},",
                                        "\"a\":12345678901234567890,"};
    static const char *const paths[] = {".a", ".a.a", ".b", ".a.b"};
    size_t n = (size_t)4 << 20;
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t many = 1; many <= 4; many += 3) {
        struct set s;
        set_make(&s, paths, many);
        for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
            size_t len = strlen(parts[i]);
            text[0] = '{';
            for (size_t at = 1; at < n; at++) text[at] = parts[i][(at - 1) % len];
            for (size_t k = 0; k < s.n; k++) {
                struct json_slice ret[4];
                assert_true(json_fields_find(&s.f[k], text, n, 0, ret) <= many);
            }
        }
        set_release(&s);
    }
    free(text);
}

static void any_depth_is_skipped(void **state) {
    (void)state;
    static const char *const path = ".a";
    size_t depth = 1000000, n = 0;
    char *text = malloc(6 * depth + 100);
    struct set s;
    assert_non_null(text);
    memcpy(text, "{\"x\":", 5);
    n = 5;
    for (size_t i = 0; i < depth; i++) {
        memcpy(text + n, "{\"a\":", 5);
        n += 5;
    }
    text[n++] = '1';
    memset(text + n, '}', depth);
    n += depth;
    memcpy(text + n, ",\"a\":2}", 7);
    n += 7;
    set_make(&s, &path, 1);
    struct place want = {.at = n - 2, .n = 1, .type = JSON_TYPE_NUMBER};
    expect_at(&s, text, n, 0, &want);
    set_release(&s);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(what_is_missing_is_not_found),
        cmocka_unit_test(space_may_be_everywhere),
        cmocka_unit_test(names_are_compared_after_unescaping),
        cmocka_unit_test(long_names_and_values),
        cmocka_unit_test(of_duplicate_keys_the_first_counts),
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(keys_lie_across_blocks),
        cmocka_unit_test(forty_fields),
        cmocka_unit_test(slots_and_misuse),
        cmocka_unit_test(random_objects_give_the_answers_of_path),
        cmocka_unit_test(any_bytes_do_no_harm),
        cmocka_unit_test(hostile_text_takes_linear_time),
        cmocka_unit_test(any_depth_is_skipped),
    };
    return cmocka_run_group_tests(tests, room_make, room_free);
}

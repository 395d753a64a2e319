/* SPDX-License-Identifier: Apache-2.0 */
/* json/validate.h: what is accepted and what is refused, where and why, the same on every path of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/random.h"
#include "json/validate.h"

static struct json_validator paths[3];
static size_t path_count;

static int paths_init(void **state) {
    static const enum json_simd all[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        if (json_validator_init_with(&paths[path_count], NULL, all[i]) == 0) path_count++;
    }
    return path_count > 0 ? 0 : -1;
}

static int paths_release(void **state) {
    (void)state;
    while (path_count > 0) json_validator_release(&paths[--path_count]);
    return 0;
}

/* The verdict of all paths; *ret_fault is the portable one's. */
static int verdict(const char *text, size_t n, struct json_fault *ret_fault) {
    *ret_fault = (struct json_fault){0, "accepted"};
    int rc = json_validate(&paths[0], text, n, ret_fault);
    for (size_t i = 1; i < path_count; i++) {
        struct json_fault f = {0, "accepted"};
        uint64_t looks = paths[i].second_looks;
        assert_int_equal(json_validate(&paths[i], text, n, &f), rc);
        assert_int_equal(f.at, ret_fault->at);
        assert_string_equal(f.reason, ret_fault->reason);
        /* The SIMD path itself must pass what is good. */
        assert_int_equal(paths[i].second_looks - looks, rc == 0 ? 0 : 1);
    }
    return rc;
}

/* On its own, and behind so much space that each byte comes to lie on each place of a block and of a chunk's end. */
static void expect(const char *text, size_t n, int rc, size_t at, const char *reason) {
    static const size_t shifts[] = {0, 1, 31, 40, 63, 64, 4000, 4090, 8180};
    static char shifted[16384];
    for (size_t i = 0; i < sizeof(shifts) / sizeof(*shifts); i++) {
        struct json_fault f;
        memset(shifted, ' ', shifts[i]);
        memcpy(shifted + shifts[i], text, n);
        assert_int_equal(verdict(shifted, shifts[i] + n, &f), rc);
        assert_string_equal(f.reason, reason);
        assert_int_equal(f.at, rc == 0 ? 0 : at + shifts[i]);
    }
}

static void accept_text(const char *text) {
    expect(text, strlen(text), 0, 0, "accepted");
}

static void refuse_text(const char *text, size_t at, const char *reason) {
    expect(text, strlen(text), G_DATA, at, reason);
}

static void good_texts_are_accepted(void **state) {
    (void)state;
    accept_text("null");
    accept_text("true ");
    accept_text("\r\n\t false");
    accept_text("0");
    accept_text("-0");
    accept_text("-12.25e+10");
    accept_text("1E5");
    accept_text("123456789012345678901234567890123456789");
    accept_text("0.123456789012345678901234567890123456789");
    accept_text("1234567890123456789012345678901.5");
    accept_text("\"\"");
    accept_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\x7F\"");
    accept_text("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    accept_text("[]");
    accept_text("{}");
    accept_text("[[],{},[{}],{\"\":[]}]");
    accept_text("[ 1 , 2.5 , \"x\" , null , true , false ]");
    accept_text("{ \"a\" : 1 , \"b\" : { \"a\" : [ { \"a\" : 2 } ] } }");
    accept_text("{\"a\\\\\":1,\"b\\\"\":2,\"\\u0061\":3}");
    accept_text("{\"abcdefgh1\":1,\"abcdefgh2\":1,\"abcdefghi\":1,\"abcdefgh\":1,\"a\":1,\"\":1}");
}

static void bad_grammar_is_refused(void **state) {
    (void)state;
    refuse_text("", 0, "text ends where a value should be");
    refuse_text("  ", 2, "text ends where a value should be");
    refuse_text("nul", 0, "not a JSON value");
    refuse_text("nulll", 4, "more text behind the value");
    refuse_text("NaN", 0, "not a JSON value");
    refuse_text("Infinity", 0, "not a JSON value");
    refuse_text("-Infinity", 1, "invalid number");
    refuse_text("+1", 0, "not a JSON value");
    refuse_text("01", 0, "number with a leading zero");
    refuse_text("-01", 1, "number with a leading zero");
    refuse_text("1.", 2, "invalid number");
    refuse_text(".5", 0, "not a JSON value");
    refuse_text("1.e5", 2, "invalid number");
    refuse_text("1e", 2, "invalid number");
    refuse_text("1e+", 3, "invalid number");
    refuse_text("1.2.3", 3, "more text behind the value");
    refuse_text("0x10", 1, "more text behind the value");
    refuse_text("1 2", 2, "more text behind the value");
    refuse_text("1,", 1, "more text behind the value");
    refuse_text("\"a\"\"b\"", 3, "more text behind the value");
    refuse_text("[1", 2, "text ends inside an array");
    refuse_text("[1,", 3, "text ends where a value should be");
    refuse_text("[1,]", 3, "not a JSON value");
    refuse_text("[,1]", 1, "not a JSON value");
    refuse_text("[1 2]", 3, "no comma or ']' behind an element");
    refuse_text("[1}", 2, "no comma or ']' behind an element");
    refuse_text("[1\"a\"]", 2, "no comma or ']' behind an element");
    refuse_text("[\"a\"1]", 4, "no comma or ']' behind an element");
    refuse_text("]", 0, "not a JSON value");
    refuse_text("[1]]", 3, "more text behind the value");
    refuse_text("{", 1, "text ends inside an object");
    refuse_text("{1:2}", 1, "not a key");
    refuse_text("{\"a\"}", 4, "no colon behind a key");
    refuse_text("{\"a\":}", 5, "not a JSON value");
    refuse_text("{\"a\":1,}", 7, "not a key");
    refuse_text("{\"a\":1]", 6, "no comma or '}' behind a member");
    refuse_text("{\"a\":1 \"b\":2}", 7, "no comma or '}' behind a member");
    refuse_text("{\"a\"::1}", 5, "not a JSON value");
    refuse_text("[1]\f", 3, "more text behind the value");
    refuse_text("[1\f]", 2, "no comma or ']' behind an element");
    refuse_text("[1\x1A 2]", 2, "no comma or ']' behind an element");
    refuse_text("['a']", 1, "not a JSON value");
    refuse_text("/**/1", 0, "not a JSON value");
}

static void bad_strings_are_refused(void **state) {
    (void)state;
    refuse_text("\"abc", 4, "text ends inside a string");
    refuse_text("\"abc\\", 4, "invalid escape in a string");
    refuse_text("\"abc\\\"", 6, "text ends inside a string");
    refuse_text("\"a\nb\"", 2, "unescaped control character in a string");
    refuse_text("\"a\x1F\"", 2, "unescaped control character in a string");
    refuse_text("\"\\x\"", 1, "invalid escape in a string");
    refuse_text("\"\\u12g4\"", 1, "invalid escape in a string");
    refuse_text("\"\\u123\"", 1, "invalid escape in a string");
    refuse_text("\"\\ud800\"", 1, "invalid escape in a string");
    refuse_text("\"\\udc00\"", 1, "invalid escape in a string");
    refuse_text("\"\\ud800\\ud800\"", 1, "invalid escape in a string");
    refuse_text("\"\\ud83d\\ude00\\ude00\"", 13, "invalid escape in a string");
    refuse_text("\"\\ud83dx\"", 1, "invalid escape in a string");
    refuse_text("\"\xC0\x80\"", 1, "invalid UTF-8");
    refuse_text("\"\xED\xA0\x80\"", 1, "invalid UTF-8");
    refuse_text("\"\xF4\x90\x80\x80\"", 1, "invalid UTF-8");
    refuse_text("\"\xE2\x82\"", 1, "invalid UTF-8");
    refuse_text("\xEF\xBB\xBF{}", 0, "byte order mark");
    refuse_text("\xC3\xA9", 0, "not a JSON value");
    expect("\"a\0b\"", 5, G_DATA, 2, "unescaped control character in a string");
    expect("1\0", 2, G_DATA, 1, "more text behind the value");
    expect("1 \0", 3, G_DATA, 2, "more text behind the value");
    expect("[\0]", 3, G_DATA, 1, "not a JSON value");
    expect("\0", 1, G_DATA, 0, "not a JSON value");
}

static void equal_keys_of_one_object_are_refused(void **state) {
    (void)state;
    const char *why = "duplicate key in an object";
    refuse_text("{\"a\":1,\"a\":2}", 7, why);
    refuse_text("{\"\":1,\"\":2}", 6, why);
    refuse_text("{\"a\":1,\"\\u0061\":2}", 7, why);
    refuse_text("{\"\\n\":1,\"\\u000A\":2}", 8, why);
    refuse_text("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}", 18, why);
    refuse_text("{\"x\":{\"k\":1,\"j\":2,\"k\":3}}", 18, why);
    refuse_text("{\"k\":{\"k\":1},\"j\":[{\"k\":2}],\"k\":3}", 27, why);
    refuse_text("[{\"a\":1},{\"a\":1,\"a\":1}]", 16, why);
    refuse_text("{\"averyverylongkeyindeed\":1,\"b\":2,\"averyverylongkeyindeed\":3}", 34, why);
    /* The same length, first and last eight bytes: equal signatures, but no equal keys. */
    accept_text("{\"abcdefgh1abcdefgh\":1,\"abcdefgh2abcdefgh\":2}");
    accept_text("{\"a\":1,\"\\u0062\":2,\"A\":3,\"a \":4}");
}

/* With the option: the same keys are accepted, and everything else is refused as before. */
static void equal_keys_are_accepted_when_allowed(void **state) {
    static const enum json_simd all[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};
    static const char *const good[] = {
        "{\"a\":1,\"a\":2}",
        "{\"\":1,\"\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":{\"k\":1,\"j\":2,\"k\":3},\"x\":{\"k\":1,\"k\":1,\"k\":1}}",
        "[{\"a\":1},{\"a\":1,\"a\":1}]",
        "{\"averyverylongkeyindeed\":1,\"b\":2,\"averyverylongkeyindeed\":3}",
        ("{\"0\":0,\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"a\":0,\"b\":0,"
         "\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"0\":0}"),
    };
    static const char *const bad[] = {"{\"a\":1,\"a\"}",        "{\"a\":1,\"a\":2]",  "{\"a\":1,\"a\":2,}",
                                      "{\"a\":1,\"\\u061\":2}", "{\"a\":1,\"a\":02}", "{\"a\":1,\"a\":\"\xFF\"}",
                                      "{\"a\":1 \"a\":1}",      "{\"a\n\":1,\"a\":1}"};
    const struct json_limits limits = {.max_depth = 5, .allow_duplicate_keys = true};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct json_validator v;
        struct json_fault f;
        if (json_validator_init_with(&v, &limits, all[i]) < 0) continue;
        for (size_t k = 0; k < sizeof(good) / sizeof(*good); k++) {
            assert_int_equal(json_validate(&v, good[k], strlen(good[k]), &f), 0);
            assert_int_equal(v.keys.n, 0); /* not even remembered */
        }
        assert_int_equal(v.second_looks, 0);
        for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
            assert_int_equal(json_validate(&v, bad[k], strlen(bad[k]), &f), G_DATA);
            assert_null(strstr(f.reason, "duplicate"));
        }
        assert_int_equal(json_validate(&v, "[[[[[]]]]]", 10, &f), 0);
        assert_int_equal(json_validate(&v, "[[[[[{}]]]]]", 12, &f), G_DATA);
        assert_string_equal(f.reason, "nested too deeply");
        json_validator_release(&v);
    }
}

/* n keys k0, k1, …; when `again` is below n, key number `again` comes a second time at the end. */
static void keys_text(struct buf *b, size_t n, size_t again) {
    buf_clear(b);
    assert_int_equal(buf_putc(b, '{'), 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(buf_printf(b, "\"k%zu\":%zu,", i, i), 0);
    if (again < n) assert_int_equal(buf_printf(b, "\"k%zu\":0,", again), 0);
    b->data[b->len - 1] = '}';
}

static void a_duplicate_is_found_among_any_number_of_keys(void **state) {
    (void)state;
    struct buf b = {0};
    for (size_t n = 2; n < 150; n++) {
        for (size_t again = 0; again < n; again += n < 70 ? 1 : 7) {
            struct json_fault f;
            keys_text(&b, n, again);
            assert_int_equal(verdict(b.data, b.len, &f), G_DATA);
            assert_memory_equal(b.data + f.at, "\"k", 2);
            assert_int_equal(strtoul(b.data + f.at + 2, NULL, 10), again);
            assert_null(memchr(b.data + f.at, ',', b.len - f.at));
        }
        struct json_fault f;
        keys_text(&b, n, SIZE_MAX);
        assert_int_equal(verdict(b.data, b.len, &f), 0);
    }
    buf_release(&b);
}

static void a_million_keys_take_linear_time(void **state) {
    (void)state;
    struct buf b = {0};
    struct json_fault f;
    keys_text(&b, 1000000, SIZE_MAX);
    assert_int_equal(verdict(b.data, b.len, &f), 0);
    keys_text(&b, 1000000, 123456);
    assert_int_equal(verdict(b.data, b.len, &f), G_DATA);
    assert_int_equal(f.at, b.len - strlen("\"k123456\":0}"));
    buf_release(&b);
}

static void limits_are_exact(void **state) {
    static const enum json_simd all[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};
    const struct json_limits limits = {.max_depth = 3, .max_number_bytes = 10};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct json_validator v;
        struct json_fault f;
        if (json_validator_init_with(&v, &limits, all[i]) < 0) continue;
        assert_int_equal(json_validate(&v, "[{\"a\":[]}]", 10, &f), 0);
        assert_int_equal(json_validate(&v, "[{\"a\":[[]]}]", 12, &f), G_DATA);
        assert_string_equal(f.reason, "nested too deeply");
        assert_int_equal(f.at, 7);
        assert_int_equal(json_validate(&v, "[-12345678.5]", 13, &f), G_DATA);
        assert_string_equal(f.reason, "number text is too long");
        assert_int_equal(f.at, 1);
        assert_int_equal(json_validate(&v, "[-1234567.5,1234567890,1.5e-00001]", 34, &f), 0);
        json_validator_release(&v);
    }
    char deep[4096];
    struct json_fault f;
    for (size_t depth = 1023; depth <= 1025; depth++) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        assert_int_equal(verdict(deep, depth * 2, &f), depth <= 1024 ? 0 : G_DATA);
    }
    for (size_t n = 999; n <= 1001; n++) {
        memset(deep, '7', n);
        assert_int_equal(verdict(deep, n, &f), n <= 1000 ? 0 : G_DATA);
        deep[1] = '.';
        assert_int_equal(verdict(deep, n, &f), n <= 1000 ? 0 : G_DATA);
    }
}

static void tokens_and_strings_cross_chunks(void **state) {
    (void)state;
    struct buf b = {0};
    struct json_fault f;
    assert_int_equal(buf_putc(&b, '['), 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_printf(&b, "{\"k\":\"%0*d\",\"e\":\"\\\\\\u00e9\"},[],", i % 97 + 1, i), 0);
    b.data[b.len - 1] = ']';
    assert_int_equal(verdict(b.data, b.len, &f), 0);
    /* Refused when cut anywhere near the ends of the first chunks. */
    for (size_t n = 4096 * 3 - 100; n < 4096 * 3 + 100; n++) assert_int_equal(verdict(b.data, n, &f), G_DATA);
    buf_clear(&b);
    /* A string longer than several chunks, ending with each of a block's offsets. */
    for (int i = 0; i < 70; i++) {
        buf_clear(&b);
        assert_int_equal(buf_printf(&b, "[\"%0*d\",\"%0*d\"]", 12280 + i, 0, 9000 - i, 0), 0);
        assert_int_equal(verdict(b.data, b.len, &f), 0);
    }
    buf_release(&b);
}

/* Texts whose blocks are full of tokens, up to one for each byte. */
static void dense_blocks_are_accepted(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "1,", "[],", "{},", "\"\",", "[[[[[]]]]],", "{\"\":1},", "{\"\":{\"\":\"\"}},", "0,[7],"};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        for (int n = 1; n < 5000; n += n < 200 ? 1 : 997) {
            struct json_fault f;
            buf_clear(&b);
            assert_int_equal(buf_putc(&b, '['), 0);
            for (int k = 0; k < n; k++) assert_int_equal(buf_puts(&b, pieces[i]), 0);
            b.data[b.len - 1] = ']';
            assert_int_equal(verdict(b.data, b.len, &f), 0);
            b.data[b.len - 2] = ',';
            assert_int_equal(verdict(b.data, b.len, &f), G_DATA);
        }
    }
    buf_release(&b);
}

/* A piece of text for the mutations: often JSON, of all its kinds. */
static size_t value_make(struct rng *r, char *out, size_t room, int depth) {
    static const char *const scalars[] = {"null",
                                          "true",
                                          "false",
                                          "0",
                                          "-1.5e3",
                                          "12345678901234567",
                                          "\"\"",
                                          "1.0",
                                          "\"\\n\"",
                                          "\"x y\"",
                                          "\"\\ud83d\\ude00\"",
                                          "\"\xC3\xA9\"",
                                          "\"\\\\\"",
                                          "-0.0",
                                          "\"\\u0041\"",
                                          "\"{[:,\"",
                                          "1e-7",
                                          "\"long enough for a block of its own\""};
    uint64_t kind = rng_below(r, depth > 4 || room < 200 ? 1 : 4);
    if (kind < 2) {
        const char *s = scalars[rng_below(r, sizeof(scalars) / sizeof(*scalars))];
        memcpy(out, s, strlen(s));
        return strlen(s);
    }
    size_t n = 0;
    uint64_t members = rng_below(r, 6);
    out[n++] = kind == 2 ? '[' : '{';
    for (uint64_t i = 0; i < members && room > n + 200; i++) {
        if (i) out[n++] = ',';
        const char *k = rng_below(r, 9) ? "k" : "\\u006b";
        if (kind == 3) n += (size_t)snprintf(out + n, 20, "\"%s%d\":", k, (int)rng_below(r, 40));
        n += value_make(r, out + n, room - n - 50, depth + 1);
    }
    out[n++] = kind == 2 ? ']' : '}';
    return n;
}

/* Two pages: a text that begins or ends where a page that cannot be read begins. */
static void random_mutations_at_a_page_end_get_one_verdict(void **state) {
    (void)state;
    static const char bytes[] = "\"\"\\{}[]:,0123456789.-+eEtrufalsn \t\n\x01\x80\xC3\xED\xFF";
    struct rng r;
    rng_init(&r, 20240229);
    char *page = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page, 4096, PROT_NONE), 0);
    assert_int_equal(mprotect(page + 12288, 4096, PROT_NONE), 0);
    size_t good = 0;
    for (int round = 0; round < 150000; round++) {
        char text[3000];
        size_t n = value_make(&r, text, 200 + rng_below(&r, 1800), 0);
        for (uint64_t k = rng_below(&r, 3); k > 0; k--) {
            size_t at = rng_below(&r, n);
            if (rng_below(&r, 3) == 0) {
                n = at + 1;
            } else {
                text[at] = bytes[rng_below(&r, sizeof(bytes) - 1)];
            }
        }
        struct json_fault f;
        char *at_end = page + 12288 - n;
        memcpy(at_end, text, n);
        int rc = verdict(at_end, n, &f);
        memcpy(page + 4096, text, n);
        assert_int_equal(verdict(page + 4096, n, &f), rc);
        good += rc == 0;
    }
    munmap(page, 16384);
    /* The seed makes plenty of both kinds. */
    assert_in_range(good, 30000, 120000);
}

static void an_asked_for_path_is_used_or_refused(void **state) {
    (void)state;
    struct json_validator v;
    assert_int_equal(json_validator_init_with(&v, NULL, JSON_PORTABLE), 0);
    assert_int_equal(v.simd, JSON_PORTABLE);
    json_validator_release(&v);
    json_validator_release(&v);
    json_validator_release(NULL);
    int rc = json_validator_init_with(&v, NULL, JSON_AVX2);
    assert_true(rc == 0 ? v.simd == JSON_AVX2 : rc == G_USAGE);
    json_validator_release(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_are_accepted),
        cmocka_unit_test(bad_grammar_is_refused),
        cmocka_unit_test(bad_strings_are_refused),
        cmocka_unit_test(equal_keys_of_one_object_are_refused),
        cmocka_unit_test(equal_keys_are_accepted_when_allowed),
        cmocka_unit_test(a_duplicate_is_found_among_any_number_of_keys),
        cmocka_unit_test(a_million_keys_take_linear_time),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(tokens_and_strings_cross_chunks),
        cmocka_unit_test(dense_blocks_are_accepted),
        cmocka_unit_test(random_mutations_at_a_page_end_get_one_verdict),
        cmocka_unit_test(an_asked_for_path_is_used_or_refused),
    };
    return cmocka_run_group_tests(tests, paths_init, paths_release);
}

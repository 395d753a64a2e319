/* SPDX-License-Identifier: Apache-2.0 */
/* json_path.h: what compiles, what the errors say, what is found in good text, and that bad text does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "base/random.h"
#include "json_path.h"

/* Look `path` up in `text`; `value` is what is found there, NULL for not found. */
static void look(const char *path, const char *text, const char *value, enum json_type type) {
    struct json_path p;
    struct err e = {0};
    struct json_slice s = {0};
    assert_int_equal(json_path_compile(path, &p, &e), 0);
    size_t n = strlen(text);
    char *exact = malloc(n + 1);
    assert_non_null(exact);
    memcpy(exact + 1, text, n);
    assert_int_equal(json_path_find(&p, exact + 1, n, &s), value != NULL);
    if (value) {
        assert_int_equal(s.n, strlen(value));
        assert_memory_equal(s.p, value, s.n);
        assert_int_equal(s.type, type);
    }
    free(exact);
    json_path_release(&p);
}

static const char record[] = " {\"id\":17, \"user\" : {\"id\" : \"u\\\"}1\",\"tags\":[\"a\",[1,2],{\"k\":null}]},"
                             "\"a b\":true,\"\":0,\"\\u0065sc\":[],\"esc\\n\":-1.5e3,\"empty\":{},\"off\":false}\n";

static void members_and_elements_are_found(void **state) {
    (void)state;
    look(".id", record, "17", JSON_TYPE_NUMBER);
    look(".user.id", record, "\"u\\\"}1\"", JSON_TYPE_STRING);
    look(".user.tags", record, "[\"a\",[1,2],{\"k\":null}]", JSON_TYPE_ARRAY);
    look(".user.tags[0]", record, "\"a\"", JSON_TYPE_STRING);
    look(".user.tags[1][1]", record, "2", JSON_TYPE_NUMBER);
    look(".user.tags[2].k", record, "null", JSON_TYPE_NULL);
    look(".user.tags[-1]", record, "{\"k\":null}", JSON_TYPE_OBJECT);
    look(".user.tags[-3]", record, "\"a\"", JSON_TYPE_STRING);
    look(".\"a b\"", record, "true", JSON_TYPE_TRUE);
    look(".[\"a b\"]", record, "true", JSON_TYPE_TRUE);
    look(".[\"user\"][\"id\"]", record, "\"u\\\"}1\"", JSON_TYPE_STRING);
    look(".[\"user\"].[\"tags\"].[0]", record, "\"a\"", JSON_TYPE_STRING);
    look(".\"\"", record, "0", JSON_TYPE_NUMBER);
    look(".esc", record, "[]", JSON_TYPE_ARRAY);
    look(".\"\\u0065sc\\n\"", record, "-1.5e3", JSON_TYPE_NUMBER);
    look(".empty", record, "{}", JSON_TYPE_OBJECT);
    look(".off", record, "false", JSON_TYPE_FALSE);
    look(".", "  17\t", "17", JSON_TYPE_NUMBER);
    look(".", "\"x\"", "\"x\"", JSON_TYPE_STRING);
    look(".[1]", "[ 1 , 2 ]", "2", JSON_TYPE_NUMBER);
    look(".[-2]", "[ 1 , 2 ]", "1", JSON_TYPE_NUMBER);
    look(".\"\xC3\xA9\"", "{\"\\u00e9\":5}", "5", JSON_TYPE_NUMBER);
}

static void what_is_missing_is_not_found(void **state) {
    (void)state;
    static const char *const paths[] = {".nope",
                                        ".user.nope",
                                        ".user.id.x",
                                        ".id.x",
                                        ".id[0]",
                                        ".user[0]",
                                        ".user.tags.a",
                                        ".user.tags[3]",
                                        ".user.tags[-4]",
                                        ".esc[0]",
                                        ".esc[-1]",
                                        ".empty.x",
                                        ".user.tags[2].k.z",
                                        ".i",
                                        ".idd",
                                        ".user.tags[9223372036854775807]",
                                        ".user.tags[-9223372036854775808]"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) look(paths[i], record, NULL, JSON_TYPE_NONE);
    look(".a", "null", NULL, JSON_TYPE_NONE);
    look(".", "", NULL, JSON_TYPE_NONE);
    look(".", "  ", NULL, JSON_TYPE_NONE);
    look(".a", "{\"a\":", NULL, JSON_TYPE_NONE);
    look(".a", "{\"a\":\"x", NULL, JSON_TYPE_NONE);
    look(".b", "{\"a\":1 \"b\":2}", NULL, JSON_TYPE_NONE);
}

static void wrong(const char *path, const char *text) {
    struct json_path p = {.n = 77};
    struct err e = {0};
    assert_int_equal(json_path_compile(path, &p, &e), G_USAGE);
    assert_string_equal(e.text, text);
    assert_int_equal(p.n, 77);
}

static void errors_say_where(void **state) {
    (void)state;
    wrong("", "path '': empty; '.' is the whole value");
    wrong("user", "path 'user': expected '.' at character 1");
    wrong("[0]", "path '[0]': expected '.' at character 1");
    wrong("..a", "path '..a': expected a name at character 2");
    wrong(".a.", "path '.a.': expected a name at character 4");
    wrong(".a b", "path '.a b': expected '.' or '[' at character 3");
    wrong(".1", "path '.1': expected a name at character 2");
    wrong(".a[x]", "path '.a[x]': expected an index or a string at character 4");
    wrong(".a[1", "path '.a[1': expected an index or a string, and ']' at character 4");
    wrong(".a[]", "path '.a[]': expected an index or a string at character 4");
    wrong(".a[99999999999999999999]", "path '.a[99999999999999999999]': expected an index or a string at character 4");
    wrong(".a[\"k\"", "path '.a[\"k\"': expected ']' at character 7");
    wrong(".\"k", "path '.\"k': a string without an end at character 2");
    wrong(".\"\\q\"", "path '.\"\\q\"': a bad escape in the string at character 2");
    wrong(".\"\xFF\"", "path: not UTF-8 at byte 3");
}

static void any_bytes_at_a_page_end_do_no_harm(void **state) {
    (void)state;
    static const char *const texts[] = {".", ".id", ".user.id", ".user.tags[1][1]", ".user.tags[-1].k", ".off", ".esc"};
    struct rng r;
    rng_init(&r, 6);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
    for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
        struct json_path p;
        assert_int_equal(json_path_compile(texts[t], &p, NULL), 0);
        for (int round = 0; round < 30000; round++) {
            size_t n = rng_below(&r, sizeof(record));
            char *text = page + 4096 - n;
            struct json_slice s;
            memcpy(text, record, n);
            for (uint64_t k = rng_below(&r, 3); k > 0 && n > 0; k--)
                text[rng_below(&r, n)] = "\"\\{}[]:, x1"[rng_below(&r, 11)];
            if (!json_path_find(&p, text, n, &s)) continue;
            assert_true(s.p >= text && s.n > 0 && s.p + s.n <= text + n);
        }
        json_path_release(&p);
    }
    json_path_release(NULL);
    munmap(page, 8192);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_elements_are_found),
        cmocka_unit_test(what_is_missing_is_not_found),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(any_bytes_at_a_page_end_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/func_string.c and func_format.c: cutting, joining, searching, case, code points, and the formats; expected is
 * what jq 1.6 does where a comment says nothing else.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "func_cases.h"

static const struct func_case cut[] = {
    {"split", "\"a,b\"", "[\",\"]", "[\"a\",\"b\"]"},
    {"split", "\"a, b,c,\"", "[\",\"]", "[\"a\",\" b\",\"c\",\"\"]"},
    {"split", "\"\"", "[\",\"]", "[]"},
    {"split", "\"aéb\"", "[\"\"]", "[\"a\",\"é\",\"b\"]"},
    {"split", "\"abc\"", "[\"x\"]", "[\"abc\"]"},
    {"split", "\"aXXbXX\"", "[\"XX\"]", "[\"a\",\"b\",\"\"]"},
    {"split", "\",\"", "[\",\"]", "[\"\",\"\"]"},
    {"split", "1", "[\",\"]", "!split input and separator must be strings"},
    {"split", "\"a\"", "[1]", "!split input and separator must be strings"},
    {"join", "[\"a\",\"b\"]", "[\",\"]", "\"a,b\""},
    {"join", "[1,null,\"a\",true,1.5]", "[\"-\"]", "\"1--a-true-1.5\""},
    {"join", "[]", "[\",\"]", "\"\""},
    {"join", "[\"a\"]", "[1]", "\"a\""},
    {"join", "[1,2]", "[1]", "!string (\"1\") and number (1) cannot be added"},
    {"join", "[\"a\",\"b\"]", "[null]", "\"ab\""},
    {"join", "[\"a\",[1]]", "[\",\"]", "!string (\"a,\") and array ([1]) cannot be added"},
    {"join", "[[1]]", "[\",\"]", "!string (\"\") and array ([1]) cannot be added"},
    {"join", "[\"a\",{\"b\":1}]", "[\",\"]", "!string (\"a,\") and object ({\"b\":1}) cannot be added"},
    {"join", "{\"a\":\"b\",\"c\":\"d\"}", "[\",\"]", "\"b,d\""},
    {"join", "\"a\"", "[\",\"]", "!Cannot iterate over string (\"a\")"},
    {"join", "null", "[\",\"]", "!Cannot iterate over null (null)"},
    {"ltrimstr", "\"foobar\"", "[\"foo\"]", "\"bar\""},
    {"ltrimstr", "\"foo\"", "[\"foo\"]", "\"\""},
    {"ltrimstr", "\"afoo\"", "[\"foo\"]", "\"afoo\""},
    {"ltrimstr", "1", "[\"a\"]", "1"},
    {"ltrimstr", "\"a\"", "[1]", "\"a\""},
    {"ltrimstr", "\"a\"", "[\"\"]", "\"a\""},
    {"rtrimstr", "\"foobar\"", "[\"bar\"]", "\"foo\""},
    {"rtrimstr", "\"aa\"", "[\"aa\"]", "\"\""},
    {"rtrimstr", "\"a\"", "[\"ab\"]", "\"a\""},
    {"rtrimstr", "[1]", "[\"a\"]", "[1]"},
    {"trimstr", "\"abcab\"", "[\"ab\"]", "\"c\""},
    {"trimstr", "\"a\"", "[\"a\"]", "\"\""},
    {"trimstr", "\"aaa\"", "[\"aa\"]", "\"a\""},
    {"trimstr", "1", "[\"a\"]", "1"},
    {"trim", "\" \\t\\u00a0a b\\u3000\\n\"", NULL, "\"a b\""},
    {"ltrim", "\" a \"", NULL, "\"a \""},
    {"rtrim", "\" a \"", NULL, "\" a\""},
    {"trim", "\"  \"", NULL, "\"\""},
    {"trim", "\"\"", NULL, "\"\""},
    {"trim", "1", NULL, "!trim input must be a string"},
    {"ltrim", "null", NULL, "!trim input must be a string"},
    {"rtrim", "[]", NULL, "!trim input must be a string"},
    {"startswith", "\"foobar\"", "[\"foo\"]", "true"},
    {"startswith", "\"foobar\"", "[\"bar\"]", "false"},
    {"startswith", "\"f\"", "[\"foo\"]", "false"},
    {"startswith", "\"f\"", "[\"\"]", "true"},
    {"startswith", "1", "[\"a\"]", "!startswith() requires string inputs"},
    {"startswith", "\"a\"", "[1]", "!startswith() requires string inputs"},
    {"endswith", "\"foobar\"", "[\"bar\"]", "true"},
    {"endswith", "\"foobar\"", "[\"foo\"]", "false"},
    {"endswith", "\"r\"", "[\"bar\"]", "false"},
    {"endswith", "1", "[\"a\"]", "!endswith() requires string inputs"},
};

static void strings_are_cut_and_joined(void **state) {
    (void)state;
    CHECK_CASES(cut);
}

static const struct func_case searched[] = {
    {"indices", "\"a,b, cd,e\"", "[\",\"]", "[1,3,7]"},
    {"indices", "\"abc\"", "[\"x\"]", "[]"},
    /* code points and overlapping ones, as from jq 1.8 on; jq 1.6 counts bytes */
    {"indices", "\"ƒoo\"", "[\"o\"]", "[1,2]"},
    {"indices", "\"éaéa\"", "[\"a\"]", "[1,3]"},
    {"indices", "\"xababab\"", "[\"aba\"]", "[1,3]"},
    {"indices", "\"abc\"", "[\"\"]", "[]"},
    {"indices", "\"\"", "[\"a\"]", "[]"},
    {"indices", "[1,2,1,2]", "[[1,2]]", "[0,2]"},
    {"indices", "[1,1,1]", "[[1,1]]", "[0,1]"},
    {"indices", "[1,2,1]", "[1]", "[0,2]"},
    {"indices", "[1,2]", "[[]]", "[]"},
    {"indices", "[1]", "[[1,2]]", "[]"},
    {"indices", "[[1],2]", "[[[1]]]", "[0]"},
    {"indices", "[\"a\"]", "[\"a\"]", "[0]"},
    {"indices", "null", "[1]", "null"},
    {"indices", "1", "[1]", "!Cannot index number with number"},
    {"indices", "\"a\"", "[1]", "!Cannot index string with number"},
    {"indices", "{}", "[[1]]", "!Cannot index object with array"},
    {"indices", "{}", "[\"a\"]", "null"},
    {"_indices", "[1,2,1]", "[[1]]", "[0,2]"},
    {"index", "\"abcb\"", "[\"b\"]", "1"},
    {"rindex", "\"abcb\"", "[\"b\"]", "3"},
    {"index", "\"a\"", "[\"z\"]", "null"},
    {"rindex", "[1,2,1]", "[1]", "2"},
    {"index", "[1,2,1]", "[1]", "0"},
    {"index", "null", "[1]", "null"},
    {"rindex", "null", "[\"a\"]", "null"},
    {"index", "\"\"", "[\"\"]", "null"},
};

static void strings_and_arrays_are_searched(void **state) {
    (void)state;
    CHECK_CASES(searched);
}

static const struct func_case characters[] = {
    {"ascii_downcase", "\"AÉzZ@[\"", NULL, "\"aÉzz@[\""},
    {"ascii_upcase", "\"aézA`{\"", NULL, "\"AéZA`{\""},
    {"ascii_downcase", "\"\"", NULL, "\"\""},
    {"ascii_downcase", "1", NULL, "!ascii_downcase input must be a string"},
    {"ascii_upcase", "null", NULL, "!ascii_upcase input must be a string"},
    {"explode", "\"aé😀\"", NULL, "[97,233,128512]"},
    {"explode", "\"\"", NULL, "[]"},
    {"explode", "1", NULL, "!explode input must be a string"},
    {"implode", "[97,233,128512]", NULL, "\"aé😀\""},
    {"implode", "[]", NULL, "\"\""},
    {"implode", "[55296,57343,1114112,-1,65]", NULL, "\"����A\""},
    {"implode", "[97.9]", NULL, "\"a\""},
    {"implode", "[\"a\"]", NULL, "!string (\"a\") can't be imploded, unicode codepoint needs to be numeric"},
    {"implode", "[null]", NULL, "!null (null) can't be imploded, unicode codepoint needs to be numeric"},
    {"implode", "1", NULL, "!implode input must be an array"},
    {"ascii", "65", NULL, "\"A\""},
    {"ascii", "\"a\"", NULL, "!string (\"a\") can't be imploded, unicode codepoint needs to be numeric"},
};

static void characters_are_numbers(void **state) {
    (void)state;
    CHECK_CASES(characters);
}

static const struct func_case formatted[] = {
    {"format", "[1,\"a\"]", "[\"text\"]", "\"[1,\\\"a\\\"]\""},
    {"format", "\"a\"", "[\"text\"]", "\"a\""},
    {"format", "\"a\\\"b\"", "[\"json\"]", "\"\\\"a\\\\\\\"b\\\"\""},
    {"format", "[1]", "[\"json\"]", "\"[1]\""},
    {"format", "[1,\"a\\\"b\",null,true,1.5,\"é\"]", "[\"csv\"]", "\"1,\\\"a\\\"\\\"b\\\",,true,1.5,\\\"é\\\"\""},
    {"format", "[]", "[\"csv\"]", "\"\""},
    {"format", "[1,\"a\\\"b\",null,false,\"t\\tb\\\\n\\nr\\r\"]", "[\"tsv\"]",
     "\"1\\ta\\\"b\\t\\tfalse\\tt\\\\tb\\\\\\\\n\\\\nr\\\\r\""},
    {"format", "[[1]]", "[\"csv\"]", "!array ([1]) is not valid in a csv row"},
    {"format", "[{}]", "[\"tsv\"]", "!object ({}) is not valid in a csv row"},
    {"format", "1", "[\"csv\"]", "!number (1) cannot be csv-formatted, only array"},
    {"format", "{\"a\":1}", "[\"csv\"]", "!object ({\"a\":1}) cannot be csv-formatted, only array"},
    {"format", "\"a\"", "[\"tsv\"]", "!string (\"a\") cannot be tsv-formatted, only array"},
    {"format", "\"<&'\\\">x\"", "[\"html\"]", "\"&lt;&amp;&apos;&quot;&gt;x\""},
    {"format", "[1,\"<\"]", "[\"html\"]", "\"[1,&quot;&lt;&quot;]\""},
    {"format", "null", "[\"html\"]", "\"null\""},
    /* reserved characters are all escaped, as from jq 1.7 on */
    {"format", "\"é ü-_.~!/?Aa0\"", "[\"uri\"]", "\"%C3%A9%20%C3%BC-_.~%21%2F%3FAa0\""},
    {"format", "[1]", "[\"uri\"]", "\"%5B1%5D\""},
    {"format", "\"%C3%A9%20a+b\"", "[\"urid\"]", "\"é a+b\""},
    {"format", "\"%FF\"", "[\"urid\"]", "\"�\""},
    {"format", "\"%4\"", "[\"urid\"]", "!string (\"%4\") is not a valid uri encoding"},
    {"format", "\"%zz\"", "[\"urid\"]", "!string (\"%zz\") is not a valid uri encoding"},
    {"format", "\"%41\"", "[\"urid\"]", "\"A\""},
    {"format", "\"a b'c\"", "[\"sh\"]", "\"'a b'\\\\''c'\""},
    {"format", "[1,\"a b\",null,true]", "[\"sh\"]", "\"1 'a b' null true\""},
    {"format", "[]", "[\"sh\"]", "\"\""},
    {"format", "[[1]]", "[\"sh\"]", "!array ([1]) can not be escaped for shell"},
    {"format", "{}", "[\"sh\"]", "!object ({}) can not be escaped for shell"},
    {"format", "1", "[\"sh\"]", "\"1\""},
    {"format", "\"a\"", "[\"base64\"]", "\"YQ==\""},
    {"format", "\"foóbar\\n\"", "[\"base64\"]", "\"Zm/Ds2Jhcgo=\""},
    {"format", "\"\"", "[\"base64\"]", "\"\""},
    {"format", "[1]", "[\"base64\"]", "\"WzFd\""},
    {"format", "\"YQ==\"", "[\"base64d\"]", "\"a\""},
    {"format", "\"YQ\"", "[\"base64d\"]", "\"a\""},
    {"format", "\"YWI\"", "[\"base64d\"]", "\"ab\""},
    {"format", "\"Zm/Ds2Jhcgo=\"", "[\"base64d\"]", "\"foóbar\\n\""},
    {"format", "\"\"", "[\"base64d\"]", "\"\""},
    {"format", "\"====\"", "[\"base64d\"]", "\"\""},
    {"format", "\"Y\"", "[\"base64d\"]", "!string (\"Y\") trailing base64 byte found"},
    {"format", "\"!!!!\"", "[\"base64d\"]", "!string (\"!!!!\") is not valid base64 data"},
    {"format", "\"YW Jj\"", "[\"base64d\"]", "!string (\"YW Jj\") is not valid base64 data"},
    {"format", "\"/w==\"", "[\"base64d\"]", "\"�\""},
    {"format", "[1]", "[\"base64d\"]", "!string (\"[1]\") is not valid base64 data"},
    {"format", "\"abc\"", "[\"base32\"]", "\"MFRGG===\""},
    {"format", "\"\"", "[\"base32\"]", "\"\""},
    {"format", "\"fooba\"", "[\"base32\"]", "\"MZXW6YTB\""},
    {"format", "\"foobar\"", "[\"base32\"]", "\"MZXW6YTBOI======\""},
    {"format", "\"f\"", "[\"base32\"]", "\"MY======\""},
    {"format", "\"MZXW6YTBOI======\"", "[\"base32d\"]", "\"foobar\""},
    {"format", "\"mzxw6\"", "[\"base32d\"]", "\"foo\""},
    {"format", "\"1\"", "[\"base32d\"]", "!string (\"1\") is not valid base32 data"},
    {"format", "\"M\"", "[\"base32d\"]", "!string (\"M\") trailing base32 byte found"},
    {"format", "1", "[\"foo\"]", "!foo is not a valid format"},
    {"format", "1", "[1]", "!number (1) is not a valid format"},
    {"format", "\"a\"", "[\"textx\"]", "!textx is not a valid format"},
};

static void formats_quote(void **state) {
    (void)state;
    CHECK_CASES(formatted);
}

static void every_byte_survives_base64_and_base32(void **state) {
    (void)state;
    static const char *const formats[][2] = {{"base64", "base64d"}, {"base32", "base32d"}, {"uri", "urid"}};
    struct heap h;
    char text[128];
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(text); i++) text[i] = (char)i;
    for (size_t f = 0; f < 3; f++) {
        for (size_t n = 0; n <= sizeof(text); n++) {
            struct value coded, back;
            const struct value to[] = {value_text(text, n), value_text(formats[f][0], strlen(formats[f][0]))};
            assert_int_equal(func_find("format", 6, 1)->fn(&h, to, &coded), 0);
            const struct value from[] = {coded, value_text(formats[f][1], strlen(formats[f][1]))};
            assert_int_equal(func_find("format", 6, 1)->fn(&h, from, &back), 0);
            assert_int_equal(back.n, n);
            assert_memory_equal(back.text, text, n);
        }
        heap_reset(&h);
    }
    heap_release(&h);
}

static void nan_is_an_empty_cell(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value *cells = array_alloc(&h, 2);
    assert_non_null(cells);
    cells[0] = value_double(NAN);
    cells[1] = value_double(INFINITY);
    const struct value csv[] = {value_array(cells, 2), value_text("csv", 3)};
    assert_string_equal(call_func(&h, "format", csv, 1), "\",1.7976931348623157e+308\"");
    heap_release(&h);
}

/* A block that lies about its JSON gives wrong answers, not reads outside the text or results that are no UTF-8. */
static void bad_utf8_does_no_harm(void **state) {
    (void)state;
    static const char *const functions[] = {"explode", "trim", "ltrim", "rtrim", "reverse", "length", "ascii_upcase"};
    static const char *const texts[] = {"\"\xC3\"", "\"a\xF0\x9F\x98\"", "\"\x80\x80\"", "\"\xE3\x80\"", "\"\xFF \""};
    struct heap h;
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct value v = value_raw(texts[i], strlen(texts[i]));
        for (size_t f = 0; f < sizeof(functions) / sizeof(*functions); f++) call_func(&h, functions[f], &v, 0);
        const struct value split[] = {v, value_text("", 0)}, part[] = {v, v};
        call_func(&h, "split", split, 1);
        call_func(&h, "indices", part, 1);
        call_func(&h, "trimstr", part, 1);
    }
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_cut_and_joined),
        cmocka_unit_test(strings_and_arrays_are_searched),
        cmocka_unit_test(characters_are_numbers),
        cmocka_unit_test(formats_quote),
        cmocka_unit_test(every_byte_survives_base64_and_base32),
        cmocka_unit_test(nan_is_an_empty_cell),
        cmocka_unit_test(bad_utf8_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/func_basic.c, func_object.c, func_path.c: length, has, contains, add, conversions, keys, entries, flat objects,
 * paths. What is expected is what jq 1.6 does where a comment says nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "func_cases.h"

static const struct func_case looks[] = {
    {"not", "1", NULL, "false"},
    {"not", "null", NULL, "true"},
    {"not", "false", NULL, "true"},
    {"not", "0", NULL, "false"},
    {"not", "\"\"", NULL, "false"},
    {"type", "null", NULL, "\"null\""},
    {"type", "true", NULL, "\"boolean\""},
    {"type", "1", NULL, "\"number\""},
    {"type", "\"\"", NULL, "\"string\""},
    {"type", "[]", NULL, "\"array\""},
    {"type", "{}", NULL, "\"object\""},
    {"length", "null", NULL, "0"},
    {"length", "-5", NULL, "5"},
    {"length", "5", NULL, "5"},
    {"length", "-1.5", NULL, "1.5"},
    {"length", "1.5", NULL, "1.5"},
    {"length", "\"aé😀\"", NULL, "3"},
    {"length", "\"\\u00e9\\n\"", NULL, "2"},
    {"length", "[1,[2,3]]", NULL, "2"},
    {"length", "{\"a\":1,\"b\":2}", NULL, "2"},
    {"length", "true", NULL, "!boolean (true) has no length"},
    {"length", "[]", NULL, "0"},
    {"length", "9007199254740993", NULL, "9007199254740993"},
    {"length", "-9007199254740993", NULL, "9007199254740993"},
    {"length", "-9223372036854775808", NULL, "9223372036854776000"},
    {"utf8bytelength", "\"aé😀\"", NULL, "7"},
    {"utf8bytelength", "1", NULL, "!number (1) only strings have UTF-8 byte length"},
    {"utf8bytelength", "null", NULL, "!null (null) only strings have UTF-8 byte length"},
    {"utf8bytelength", "[1,2]", NULL, "!array ([1,2]) only strings have UTF-8 byte length"},
    {"has", "{\"a\":1}", "[\"a\"]", "true"},
    {"has", "{\"a\":null}", "[\"a\"]", "true"},
    {"has", "{}", "[\"a\"]", "false"},
    {"has", "[1,2]", "[0]", "true"},
    {"has", "[1,2]", "[1.5]", "true"},
    {"has", "[1,2]", "[2]", "false"},
    {"has", "[1,2]", "[-1]", "false"},
    {"has", "[1,2]", "[-0.5]", "true"},
    {"has", "null", "[\"a\"]", "false"},
    {"has", "null", "[0]", "false"},
    {"has", "{}", "[1]", "!Cannot check whether object has a number key"},
    {"has", "[]", "[\"a\"]", "!Cannot check whether array has a string key"},
    {"has", "1", "[1]", "!Cannot check whether number has a number key"},
    {"has", "1", "[\"a\"]", "!Cannot check whether number has a string key"},
    {"has", "[]", "[null]", "!Cannot check whether array has a null key"},
};

static void values_are_measured_and_asked(void **state) {
    (void)state;
    CHECK_CASES(looks);
}

static const struct func_case containment[] = {
    {"contains", "\"foobar\"", "[\"bar\"]", "true"},
    {"contains", "\"foobar\"", "[\"baz\"]", "false"},
    {"contains", "\"\"", "[\"\"]", "true"},
    {"contains", "\"a\"", "[\"\"]", "true"},
    {"contains", "\"ab\\u0000cd\"", "[\"b\\u0000c\"]", "true"},
    {"contains", "\"ab\\u0000cd\"", "[\"\\u0000x\"]", "false"},
    {"contains", "[\"foobar\",\"foobaz\",\"blarp\"]", "[[\"baz\",\"bar\"]]", "true"},
    {"contains", "[\"foobar\",\"foobaz\",\"blarp\"]", "[[\"bazzzzz\",\"bar\"]]", "false"},
    {"contains", "[1]", "[[]]", "true"},
    {"contains", "[[1,2]]", "[[[1]]]", "true"},
    {"contains", "[1]", "[[\"a\"]]", "false"},
    {"contains", "{\"foo\":12,\"bar\":[1,2,{\"barp\":12,\"blip\":13}]}", "[{\"bar\":[{\"barp\":12}]}]", "true"},
    {"contains", "{\"foo\":12,\"bar\":[1,2,{\"barp\":12,\"blip\":13}]}", "[{\"foo\":12,\"bar\":[{\"barp\":15}]}]",
     "false"},
    {"contains", "{\"a\":\"xyz\"}", "[{\"b\":null}]", "false"},
    {"contains", "{\"a\":\"xyz\"}", "[{\"a\":\"y\"}]", "true"},
    {"contains", "1", "[1]", "true"},
    {"contains", "1", "[2]", "false"},
    {"contains", "null", "[null]", "true"},
    {"contains", "true", "[true]", "true"},
    {"contains", "true", "[false]", "!boolean (true) and boolean (false) cannot have their containment checked"},
    {"contains", "1", "[\"a\"]", "!number (1) and string (\"a\") cannot have their containment checked"},
    {"contains", "null", "[1]", "!null (null) and number (1) cannot have their containment checked"},
    {"contains", "{\"a\":1}", "[[1]]", "!object ({\"a\":1}) and array ([1]) cannot have their containment checked"},
    {"contains", "\"a\"", "[1]", "!string (\"a\") and number (1) cannot have their containment checked"},
};

static void one_value_contains_another(void **state) {
    (void)state;
    CHECK_CASES(containment);
}

static const struct func_case sums[] = {
    {"add", "[1,2,3]", NULL, "6"},
    {"add", "[]", NULL, "null"},
    {"add", "{}", NULL, "null"},
    {"add", "{\"a\":1,\"b\":2}", NULL, "3"},
    {"add", "[\"a\",\"b\",\"é\"]", NULL, "\"abé\""},
    {"add", "[\"a\",null,\"b\"]", NULL, "\"ab\""},
    {"add", "[[1],[2],null,[3]]", NULL, "[1,2,3]"},
    {"add", "[{\"a\":1},{\"b\":2},{\"a\":3}]", NULL, "{\"a\":3,\"b\":2}"},
    {"add", "[null,null]", NULL, "null"},
    {"add", "[1,0.5]", NULL, "1.5"},
    {"add", "[\"a\"]", NULL, "\"a\""},
    {"add", "[\"a\",\"b\",1]", NULL, "!string (\"ab\") and number (1) cannot be added"},
    {"add", "[\"a\",1]", NULL, "!string (\"a\") and number (1) cannot be added"},
    {"add", "[1,\"a\"]", NULL, "!number (1) and string (\"a\") cannot be added"},
    {"add", "[\"a\",\"b\",[1]]", NULL, "!string (\"ab\") and array ([1]) cannot be added"},
    {"add", "1", NULL, "!Cannot iterate over number (1)"},
    {"add", "\"abc\"", NULL, "!Cannot iterate over string (\"abc\")"},
    {"add", "null", NULL, "!Cannot iterate over null (null)"},
    {"add", "[9007199254740993,1]", NULL, "9007199254740994"},
    {"add", "[9223372036854775807,1]", NULL, "9223372036854776000"},
    {"any", "[null,1]", NULL, "true"},
    {"any", "[null,false]", NULL, "false"},
    {"any", "[]", NULL, "false"},
    {"any", "{\"a\":false,\"b\":0}", NULL, "true"},
    {"any", "1", NULL, "!Cannot iterate over number (1)"},
    {"all", "[1,true]", NULL, "true"},
    {"all", "[1,null]", NULL, "false"},
    {"all", "[]", NULL, "true"},
    {"all", "{\"a\":1,\"b\":false}", NULL, "false"},
    {"all", "\"x\"", NULL, "!Cannot iterate over string (\"x\")"},
};

static void elements_are_added_up(void **state) {
    (void)state;
    CHECK_CASES(sums);
}

static const struct func_case conversions[] = {
    {"tostring", "null", NULL, "\"null\""},
    {"tostring", "1", NULL, "\"1\""},
    {"tostring", "\"a\"", NULL, "\"a\""},
    {"tostring", "[1,\"a\",null,{\"b\":true}]", NULL, "\"[1,\\\"a\\\",null,{\\\"b\\\":true}]\""},
    {"tostring", "{\"b\":1,\"a\":{\"d\":1,\"c\":2}}", NULL, "\"{\\\"b\\\":1,\\\"a\\\":{\\\"d\\\":1,\\\"c\\\":2}}\""},
    {"tostring", "[1, 2 ]", NULL, "\"[1,2]\""},
    {"tostring", "1.50", NULL, "\"1.5\""},
    {"tojson", "\"a\\\"\\n\\u0001é\"", NULL, "\"\\\"a\\\\\\\"\\\\n\\\\u0001é\\\"\""},
    {"tojson", "[1e3,1.50,0.1,1e-5]", NULL, "\"[1000,1.5,0.1,1e-05]\""},
    {"tojson", "null", NULL, "\"null\""},
    {"tojson", "[ {\"a\" : 1} ]", NULL, "\"[{\\\"a\\\":1}]\""},
    {"tojson", "\"\\/\"", NULL, "\"\\\"/\\\"\""},
    {"tojson", "=12345678901234567890", NULL, "\"12345678901234567890\""},
    {"fromjson", "\"[1,{\\\"a\\\":2}]\"", NULL, "[1,{\"a\":2}]"},
    {"fromjson", "\"\\\"a\\\"\"", NULL, "\"a\""},
    {"fromjson", "\"nan\"", NULL, "null"},
    {"fromjson", "\" 1 \"", NULL, "1"},
    {"fromjson", "1", NULL, "!number (1) only strings can be parsed"},
    {"fromjson", "[1]", NULL, "!array ([1]) only strings can be parsed"},
    {"tonumber", "1", NULL, "1"},
    {"tonumber", "\"1\"", NULL, "1"},
    {"tonumber", "\" 1\"", NULL, "1"},
    {"tonumber", "\"1 \"", NULL, "1"},
    {"tonumber", "\"-1.5\"", NULL, "-1.5"},
    {"tonumber", "\"01\"", NULL, "1"},
    {"tonumber", "\"007.5\"", NULL, "7.5"},
    {"tonumber", "\"+1\"", NULL, "1"},
    {"tonumber", "\".5\"", NULL, "0.5"},
    {"tonumber", "\"-.5\"", NULL, "-0.5"},
    {"tonumber", "\"5.\"", NULL, "5"},
    {"tonumber", "\"1.5e3\"", NULL, "1.5e3"},
    {"tonumber", "\"1E2\"", NULL, "1E2"},
    {"tonumber", "\"-0\"", NULL, "-0"},
    {"tonumber", "\"nan\"", NULL, "null"},
    {"tonumber", "\"12345678901234567891\"", NULL, "12345678901234567891"},
    {"tonumber", "\"00\"", NULL, "0"},
    /* jq 1.7 says it like this; jq 1.6 names a place in the text */
    {"tonumber", "\"abc\"", NULL, "!string (\"abc\") cannot be parsed as a number"},
    {"tonumber", "\"\"", NULL, "!string (\"\") cannot be parsed as a number"},
    {"tonumber", "\"0x1\"", NULL, "!string (\"0x1\") cannot be parsed as a number"},
    {"tonumber", "\"1,2\"", NULL, "!string (\"1,2\") cannot be parsed as a number"},
    {"tonumber", "\"-\"", NULL, "!string (\"-\") cannot be parsed as a number"},
    {"tonumber", "\".\"", NULL, "!string (\".\") cannot be parsed as a number"},
    {"tonumber", "\"1e\"", NULL, "!string (\"1e\") cannot be parsed as a number"},
    {"tonumber", "\"1e+\"", NULL, "!string (\"1e+\") cannot be parsed as a number"},
    {"tonumber", "\"[1]\"", NULL, "!string (\"[1]\") cannot be parsed as a number"},
    {"tonumber", "\"1 2\"", NULL, "!string (\"1 2\") cannot be parsed as a number"},
    {"tonumber", "\"--1\"", NULL, "!string (\"--1\") cannot be parsed as a number"},
    {"tonumber", "\"1.2.3\"", NULL, "!string (\"1.2.3\") cannot be parsed as a number"},
    {"tonumber", "\"a string that is long\"", NULL, "!string (\"a string t...) cannot be parsed as a number"},
    {"tonumber", "[]", NULL, "!array ([]) cannot be parsed as a number"},
    {"tonumber", "true", NULL, "!boolean (true) cannot be parsed as a number"},
    {"tonumber", "null", NULL, "!null (null) cannot be parsed as a number"},
    {"toboolean", "true", NULL, "true"},
    {"toboolean", "false", NULL, "false"},
    {"toboolean", "\"true\"", NULL, "true"},
    {"toboolean", "\"false\"", NULL, "false"},
    {"toboolean", "\"truee\"", NULL, "!string (\"truee\") cannot be parsed as a boolean"},
    {"toboolean", "0", NULL, "!number (0) cannot be parsed as a boolean"},
    {"toboolean", "null", NULL, "!null (null) cannot be parsed as a boolean"},
    {"toarray", "1", NULL, "[1]"},
    {"toarray", "[1]", NULL, "[1]"},
    {"toarray", "null", NULL, "[null]"},
};

static void values_are_converted(void **state) {
    (void)state;
    CHECK_CASES(conversions);
}

static const struct func_case objects[] = {
    {"keys", "{\"b\":1,\"a\":2,\"é\":3,\"B\":4}", NULL, "[\"B\",\"a\",\"b\",\"é\"]"},
    {"keys", "[\"a\",\"b\"]", NULL, "[0,1]"},
    {"keys", "{}", NULL, "[]"},
    {"keys", "{\"\\u0062\":1,\"a\":2}", NULL, "[\"a\",\"b\"]"},
    {"keys", "1", NULL, "!number (1) has no keys"},
    {"keys", "null", NULL, "!null (null) has no keys"},
    {"keys_unsorted", "{\"b\":1,\"a\":2}", NULL, "[\"b\",\"a\"]"},
    {"keys_unsorted", "[5,6]", NULL, "[0,1]"},
    {"keys_unsorted", "\"a\"", NULL, "!string (\"a\") has no keys"},
    {"to_entries", "{\"b\":1,\"a\":[2]}", NULL, "[{\"key\":\"b\",\"value\":1},{\"key\":\"a\",\"value\":[2]}]"},
    {"to_entries", "{}", NULL, "[]"},
    {"to_entries", "[5]", NULL, "[{\"key\":0,\"value\":5}]"},
    {"to_entries", "1", NULL, "!number (1) has no keys"},
    {"to_entries", "null", NULL, "!null (null) has no keys"},
    {"from_entries",
     "[{\"key\":\"a\",\"value\":1},{\"Key\":\"b\",\"Value\":2},{\"name\":\"c\",\"value\":3},{\"Name\":\"d\",\"Value\":"
     "4}]",
     NULL, "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"},
    {"from_entries", "[{\"k\":\"a\",\"v\":1},{\"K\":\"b\",\"V\":2}]", NULL, "{\"a\":1,\"b\":2}"},
    {"from_entries", "[{\"key\":\"a\"}]", NULL, "{\"a\":null}"},
    {"from_entries", "[{\"key\":\"a\",\"value\":null}]", NULL, "{\"a\":null}"},
    {"from_entries", "[{\"key\":\"a\",\"value\":false}]", NULL, "{\"a\":false}"},
    {"from_entries", "[{\"key\":\"a\",\"value\":1},{\"key\":\"a\",\"value\":2}]", NULL, "{\"a\":2}"},
    {"from_entries", "[{\"key\":\"\",\"k\":\"x\"}]", NULL, "{\"\":null}"},
    {"from_entries", "[]", NULL, "{}"},
    {"from_entries", "{\"a\":{\"key\":\"x\",\"value\":1}}", NULL, "{\"x\":1}"},
    /* numbers and booleans become their text, as in jq 1.5 and from 1.7 on */
    {"from_entries", "[{\"key\":1,\"value\":2},{\"key\":true,\"value\":3},{\"key\":false,\"value\":4}]", NULL,
     "{\"1\":2,\"true\":3,\"false\":4}"},
    {"from_entries", "[{\"key\":null,\"value\":1}]", NULL, "!Cannot use null (null) as object key"},
    {"from_entries", "[{\"value\":1}]", NULL, "!Cannot use null (null) as object key"},
    {"from_entries", "[{\"key\":[1]}]", NULL, "!Cannot use array ([1]) as object key"},
    {"from_entries", "[{\"key\":{}}]", NULL, "!Cannot use object ({}) as object key"},
    {"from_entries", "[\"a\"]", NULL, "!Cannot index string with string \"key\""},
    {"from_entries", "[[1]]", NULL, "!Cannot index array with string \"key\""},
    {"from_entries", "1", NULL, "!Cannot iterate over number (1)"},
};

static void objects_have_keys_and_entries(void **state) {
    (void)state;
    CHECK_CASES(objects);
}

static const struct func_case flat[] = {
    {"flatten", "{\"a\":{\"b\":1,\"c\":[2,{\"d\":3}]},\"e\":\"x\"}", "[\".\"]",
     "{\"a.b\":1,\"a.c.0\":2,\"a.c.1.d\":3,\"e\":\"x\"}"},
    {"flatten", "{\"a\":{},\"b\":[],\"c\":{\"d\":[]}}", "[\".\"]", "{\"a\":{},\"b\":[],\"c.d\":[]}"},
    {"flatten", "{}", "[\".\"]", "{}"},
    {"flatten", "{\"a\":{\"b\":{\"c\":null}}}", "[\"::\"]", "{\"a::b::c\":null}"},
    {"flatten", "{\"\":{\"\":1}}", "[\".\"]", "{\".\":1}"},
    {"flatten", "{\"a\":{\"b\":1}}", "[\"\"]", "{\"ab\":1}"},
    {"flatten", "{\"a.b\":1,\"a\":{\"b\":2}}", "[\".\"]", "{\"a.b\":2}"},
    {"flatten", "[{\"a\":1}]", "[\".\"]", "!string (\".\") and number (1) cannot be subtracted"},
    {"unflatten", "{\"a.b\":1,\"a.c.0\":2,\"a.c.1.d\":3,\"e\":\"x\"}", "[\".\"]",
     "{\"a\":{\"b\":1,\"c\":[2,{\"d\":3}]},\"e\":\"x\"}"},
    {"unflatten", "{\"a.1\":\"y\",\"a.0\":\"x\"}", "[\".\"]", "{\"a\":[\"x\",\"y\"]}"},
    {"unflatten", "{\"a.0\":1,\"a.2\":2}", "[\".\"]", "{\"a\":{\"0\":1,\"2\":2}}"},
    {"unflatten", "{\"a.00\":1}", "[\".\"]", "{\"a\":{\"00\":1}}"},
    {"unflatten", "{\"a.\":1}", "[\".\"]", "{\"a\":{\"\":1}}"},
    {"unflatten", "{\"0\":1}", "[\".\"]", "{\"0\":1}"},
    {"unflatten", "{}", "[\".\"]", "{}"},
    {"unflatten", "{\"a\":{},\"b\":[]}", "[\".\"]", "{\"a\":{},\"b\":[]}"},
    {"unflatten", "{\"a::b\":1}", "[\"::\"]", "{\"a\":{\"b\":1}}"},
    {"unflatten", "{\".\":1}", "[\".\"]", "{\"\":{\"\":1}}"},
    {"unflatten", "{\"a\":1}", "[\".\"]", "{\"a\":1}"},
    {"unflatten", "{\"a\":1,\"a.b\":2}", "[\".\"]",
     "!Cannot unflatten: \"a.b\" is below a value or has others below it"},
    {"unflatten", "{\"a.b\":2,\"a\":1}", "[\".\"]", "!Cannot unflatten: \"a\" is below a value or has others below it"},
    {"unflatten", "{\"a\":1}", "[\"\"]", "!unflatten needs a separator that is not empty"},
    {"unflatten", "{\"a\":1}", "[1]", "!number (1) cannot separate names, as it is not a string"},
    {"unflatten", "[1]", "[\".\"]", "!array ([1]) cannot be unflattened, as it is not an object"},
};

static void objects_are_flattened_and_back(void **state) {
    (void)state;
    CHECK_CASES(flat);
}

static const struct func_case getting[] = {
    {"getpath", "null", "[[\"a\",\"b\"]]", "null"},
    {"getpath", "{\"a\":{\"b\":1}}", "[[\"a\",\"b\"]]", "1"},
    {"getpath", "{\"a\":null}", "[[\"a\",\"b\"]]", "null"},
    {"getpath", "{\"a\":1}", "[[\"a\",\"b\"]]", "!Cannot index number with string \"b\""},
    {"getpath", "[1,2,3]", "[[-1]]", "3"},
    {"getpath", "[1,2,3]", "[[5]]", "null"},
    {"getpath", "[[1,2]]", "[[0,1]]", "2"},
    {"getpath", "[1,2,3]", "[[{\"start\":1,\"end\":null}]]", "[2,3]"},
    {"getpath", "\"aébc\"", "[[{\"start\":1,\"end\":3}]]", "\"éb\""},
    {"getpath", "[1,2,1]", "[[[1]]]", "[0,2]"},
    {"getpath", "1", "[[]]", "1"},
    {"getpath", "[1]", "[[\"a\"]]", "!Cannot index array with string \"a\""},
    {"getpath", "{}", "[[0]]", "!Cannot index object with number"},
    {"getpath", "true", "[[true]]", "!Cannot index boolean with boolean"},
    {"getpath", "[1]", "[1]", "!Path must be specified as an array"},
    {"getpath", "[1]", "[\"a\"]", "!Path must be specified as an array"},
};

static void paths_lead_into_values(void **state) {
    (void)state;
    CHECK_CASES(getting);
}

static const struct func_case setting[] = {
    {"setpath", "null", "[[],1]", "1"},
    {"setpath", "null", "[[\"a\"],1]", "{\"a\":1}"},
    {"setpath", "null", "[[0,\"a\"],1]", "[{\"a\":1}]"},
    {"setpath", "null", "[[2],1]", "[null,null,1]"},
    {"setpath", "null", "[[-1],1]", "!Out of bounds negative array index"},
    {"setpath", "[1]", "[[-1],5]", "[5]"},
    {"setpath", "[1]", "[[-2],5]", "!Out of bounds negative array index"},
    {"setpath", "[1,2]", "[[1.7],5]", "[1,5]"},
    {"setpath", "[1,2,3]", "[[1],5]", "[1,5,3]"},
    {"setpath", "[1,2,3]", "[[3],5]", "[1,2,3,5]"},
    {"setpath", "[1]", "[[3],5]", "[1,null,null,5]"},
    {"setpath", "{\"a\":{\"b\":1,\"c\":2}}", "[[\"a\",\"b\"],3]", "{\"a\":{\"b\":3,\"c\":2}}"},
    {"setpath", "{\"a\":1}", "[[\"b\",\"c\"],3]", "{\"a\":1,\"b\":{\"c\":3}}"},
    {"setpath", "[1,2,3,4]", "[[{\"start\":1,\"end\":3}],[\"x\"]]", "[1,\"x\",4]"},
    {"setpath", "[1,2,3,4]", "[[{\"start\":-1,\"end\":null}],[5,6,7]]", "[1,2,3,5,6,7]"},
    {"setpath", "null", "[[{\"start\":1,\"end\":3}],[\"x\"]]", "[\"x\"]"},
    {"setpath", "[1,2,3,4]", "[[{\"start\":1,\"end\":3},0],\"x\"]", "[1,\"x\",3,4]"},
    {"setpath", "[1,2]", "[[{\"start\":1,\"end\":3}],\"x\"]",
     "!A slice of an array can only be assigned another array"},
    {"setpath", "[1]", "[[{\"start\":\"a\",\"end\":3}],[1]]",
     "!Start and end indices of an array slice must be numbers"},
    {"setpath", "1", "[[\"a\"],1]", "!Cannot index number with string \"a\""},
    {"setpath", "1", "[[0],1]", "!Cannot index number with number"},
    {"setpath", "{}", "[[0],1]", "!Cannot index object with number"},
    {"setpath", "[]", "[[\"a\"],1]", "!Cannot index array with string \"a\""},
    {"setpath", "[1]", "[1,1]", "!Path must be specified as an array"},
    {"setpath", "[1]", "[[[1]],1]", "!Cannot update field at array index of array"},
    {"setpath", "[1]", "[[true],1]", "!Cannot index array with boolean"},
    {"setpath", "[1]", "[[1000000000],1]", "!Array index too large"},
    {"setpath", "\"abc\"", "[[{\"start\":1,\"end\":2}],\"x\"]", "!Cannot update string slices"},
};

static void values_are_set_by_path(void **state) {
    (void)state;
    CHECK_CASES(setting);
}

static const struct func_case deleting[] = {
    {"delpaths", "[1,2,3]", "[[[0],[1]]]", "[3]"},
    {"delpaths", "[1,2,3]", "[[[0],[-1]]]", "[2]"},
    {"delpaths", "[1,2,3]", "[[[-1]]]", "[1,2]"},
    {"delpaths", "[1,2,3]", "[[[5],[-5]]]", "[1,2,3]"},
    {"delpaths", "{\"a\":1,\"b\":2,\"c\":3}", "[[[\"a\"],[\"c\"]]]", "{\"b\":2}"},
    {"delpaths", "{\"a\":1}", "[[[\"b\"]]]", "{\"a\":1}"},
    {"delpaths", "{\"a\":{\"b\":1}}", "[[[\"a\"],[\"a\",\"b\"]]]", "{}"},
    {"delpaths", "{\"a\":{\"b\":1,\"c\":2}}", "[[[\"a\",\"b\"]]]", "{\"a\":{\"c\":2}}"},
    {"delpaths", "{\"a\":null}", "[[[\"a\",\"b\"]]]", "{\"a\":null}"},
    {"delpaths", "{\"a\":[1,2,3],\"b\":[4]}", "[[[\"a\",0],[\"b\",0],[\"a\",2]]]", "{\"a\":[2],\"b\":[]}"},
    {"delpaths", "1", "[[[]]]", "null"},
    {"delpaths", "{\"a\":1}", "[[[],[\"a\"]]]", "null"},
    {"delpaths", "1", "[[]]", "1"},
    {"delpaths", "null", "[[[\"a\"]]]", "null"},
    {"delpaths", "null", "[[[0,\"a\"]]]", "null"},
    {"delpaths", "[1,2,3,4]", "[[[{\"start\":1,\"end\":3}]]]", "[1,4]"},
    {"delpaths", "[1,2,3,4]", "[[[{\"start\":1,\"end\":3}],[0]]]", "[4]"},
    {"delpaths", "[1,2,3,4]", "[[[{\"start\":1,\"end\":3},0]]]", "[1,3,4]"},
    {"delpaths", "[1,2,3]", "[[[{\"start\":null,\"end\":1}]]]", "[2,3]"},
    {"delpaths", "[1]", "[[[\"a\"]]]", "!Cannot delete string element of array"},
    {"delpaths", "[1]", "[[[true]]]", "!Cannot delete boolean element of array"},
    {"delpaths", "{\"a\":1}", "[[[0]]]", "!Cannot delete number field of object"},
    {"delpaths", "1", "[[[\"a\"]]]", "!Cannot delete fields from number"},
    {"delpaths", "\"abc\"", "[[[0]]]", "!Cannot delete fields from string"},
    {"delpaths", "1", "[1]", "!Paths must be specified as an array"},
    {"delpaths", "1", "[[1]]", "!Path must be specified as array, not number"},
    {"delpaths", "{\"a\":1}", "[[[\"a\",\"b\"]]]", "!Cannot delete fields from number"},
    {"delpaths", "[[1,2],3]", "[[[\"a\",0]]]", "!Cannot index array with string \"a\""},
};

static void paths_are_deleted(void **state) {
    (void)state;
    CHECK_CASES(deleting);
}

static void nan_is_text_too(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value nan_text = value_text("nan", 3), nan_value;
    const struct func *fromjson = func_find("fromjson", 8, 0);
    assert_int_equal(fromjson->fn(&h, &nan_text, &nan_value), 0);
    assert_true(value_to_double(nan_value) != value_to_double(nan_value));
    const struct value has[] = {value_array(&nan_value, 0), nan_value};
    assert_string_equal(call_func(&h, "has", has, 1), "false");
    assert_string_equal(call_func(&h, "tojson", &nan_value, 0), "\"null\"");
    heap_release(&h);
}

static void every_table_is_searched(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned arity;
    } some[] = {{"length", 0}, {"sort", 0}, {"keys", 0},   {"setpath", 2}, {"split", 1}, {"format", 1},
                {"floor", 0},  {"pow", 2},  {"_match", 3}, {"todate", 0},  {"todate", 1}};
    for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
        const struct func *f = func_find(some[i].name, strlen(some[i].name), some[i].arity);
        assert_non_null(f);
        assert_string_equal(f->name, some[i].name);
        assert_int_equal(f->arity, some[i].arity);
    }
    assert_null(func_find("length", 6, 1));
    assert_null(func_find("lengthy", 7, 0));
    assert_null(func_find("lengt", 5, 0));
}

/* [[[…]]] or {"a":{"a":…}}, `depth` deep. */
static struct value nested(struct heap *h, unsigned depth, const char *name) {
    struct value v = name ? value_object() : value_array(NULL, 0);
    for (unsigned i = 1; i < depth; i++) {
        struct value outer = name ? value_object() : value_array(NULL, 0);
        int rc = name ? object_set(h, &outer, name, strlen(name), v) : array_append(h, &outer, v);
        assert_int_equal(rc, 0);
        v = outer;
    }
    return v;
}

static void deep_values_are_refused_or_done(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value dot = value_text(".", 1), deep = nested(&h, 10002, NULL), deep_object = nested(&h, 10003, "a");
    const struct value contains[] = {deep, deep}, flatten[] = {deep_object, dot};
    assert_string_equal(call_func(&h, "contains", contains, 1), "!Containment check too deep");
    assert_string_equal(call_func(&h, "flatten", &deep, 0), "!Flatten too deep");
    assert_string_equal(call_func(&h, "flatten", flatten, 1), "!Flatten too deep");
    struct value fine = nested(&h, 9990, NULL), fine_object = nested(&h, 9990, "a");
    const struct value contains_fine[] = {fine, fine}, flatten_fine[] = {fine_object, dot};
    assert_string_equal(call_func(&h, "contains", contains_fine, 1), "true");
    assert_string_equal(call_func(&h, "flatten", &fine, 0), "[]");
    assert_int_equal(strlen(call_func(&h, "flatten", flatten_fine, 1)), 2 * 9989 - 1 + strlen("{\"\":{}}"));
    heap_release(&h);
}

/* Keys made by a function are used after its builders are gone. */
static void names_outlive_their_builders(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct buf text = {0};
    assert_int_equal(buf_puts(&text, "{"), 0);
    for (int i = 0; i < 3000; i++) assert_int_equal(buf_printf(&text, "%s\"k%d\":{\"x\":%d}", i ? "," : "", i, i), 0);
    assert_int_equal(buf_puts(&text, "}"), 0);
    struct value v, flattened, back;
    assert_int_equal(value_parse(&h, text.data, text.len, &v), 0);
    const struct value flatten[] = {v, value_text("--", 2)};
    assert_int_equal(func_find("flatten", 7, 1)->fn(&h, flatten, &flattened), 0);
    assert_int_equal(flattened.n, 3000);
    const struct value unflatten[] = {flattened, value_text("--", 2)};
    assert_int_equal(func_find("unflatten", 9, 1)->fn(&h, unflatten, &back), 0);
    bool same;
    assert_int_equal(value_equal(&h, v, back, &same), 0);
    assert_true(same);
    buf_release(&text);
    heap_release(&h);
}

/* ---- whatever bytes a block that lies about its JSON has ---- */

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % n;
}

/* A sample with some of its bytes changed, or cut off, in memory of exactly that size. */
static struct value broken_value(char **ret_text) {
    static const char *const samples[] = {"{\"a\":{\"b\":[1,2,{\"c\":null}]},\"key\":\"k\",\"value\":-1.5e3}",
                                          "[[\"a\",0],[{\"start\":1,\"end\":2}],[\"\\u00e9x\\ud83d\\ude00\"]]",
                                          "[{\"key\":\"a\",\"value\":1},{\"name\":\"b\"}]",
                                          "[2015,2,5,23,51,47.25,4,63]",
                                          "\"2015-03-05T23:51:47.123Z\"",
                                          "\"a,b \\u0041 \xC3\xA9\xF0\x9F\x98\x80\"",
                                          "1700000000.123456789",
                                          "\"(a|b)*c\"",
                                          "\"%Y-%m-%dT%H:%M:%SZ\"",
                                          "\"Europe/Berlin\"",
                                          "[97,233,1114112,\"x\"]",
                                          "\"csv\"",
                                          "null",
                                          "true",
                                          "-3",
                                          "\".\""};
    const char *sample = samples[random_below(sizeof(samples) / sizeof(*samples))];
    size_t n = strlen(sample);
    char *text = malloc(n);
    assert_non_null(text);
    memcpy(text, sample, n);
    if (random_below(2)) {
        for (uint32_t changes = 1 + random_below(3); changes > 0; changes--)
            text[random_below((uint32_t)n)] =
                random_below(4) ? "[]{}\",:\\0-.eu\xF0\xC3"[random_below(15)] : (char)random_below(256);
        if (random_below(4) == 0) n -= random_below((uint32_t)n);
    }
    *ret_text = text;
    return value_raw(text, n);
}

static void broken_text_does_no_harm(void **state) {
    (void)state;
    static const struct func *const tables[] = {func_basic,  func_array,  func_object, func_path,
                                                func_string, func_format, func_regex,  func_time};
    struct heap h;
    heap_init(&h, (size_t)1 << 20);
    for (int round = 0; round < 1500; round++) {
        for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
            for (const struct func *f = tables[t]; f->name; f++) {
                char *texts[4];
                struct value args[4], result;
                for (int i = 0; i <= f->arity; i++) args[i] = broken_value(&texts[i]);
                int rc = f->fn(&h, args, &result);
                if (rc != 0 && rc != G_DATA && rc != G_NOMEM) fail_msg("%s gave %d", f->name, rc);
                for (int i = 0; i <= f->arity; i++) free(texts[i]);
                heap_reset(&h);
            }
        }
    }
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_measured_and_asked),
        cmocka_unit_test(one_value_contains_another),
        cmocka_unit_test(elements_are_added_up),
        cmocka_unit_test(values_are_converted),
        cmocka_unit_test(objects_have_keys_and_entries),
        cmocka_unit_test(objects_are_flattened_and_back),
        cmocka_unit_test(paths_lead_into_values),
        cmocka_unit_test(values_are_set_by_path),
        cmocka_unit_test(paths_are_deleted),
        cmocka_unit_test(nan_is_text_too),
        cmocka_unit_test(every_table_is_searched),
        cmocka_unit_test(deep_values_are_refused_or_done),
        cmocka_unit_test(names_outlive_their_builders),
        cmocka_unit_test(broken_text_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

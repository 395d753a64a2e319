/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: on text that passes the validator each SIMD path of the field lookup finds what json_path_find finds; on
 * any bytes what it finds lies inside the text, it reads nothing outside, and it comes to an end. The first byte of the
 * input chooses the set of fields, the second how many of the bytes behind the text may be read.
 */
#include "../unit/json_path.h"
#include "input.h"
#include "json/fields.h"
#include "json/validate.h"

#define SETS 5U
#define PATHS 10U

struct set {
    struct json_path path[PATHS];
    uint32_t slots;
    struct json_fields f[3];
    size_t n;
};

static const char *const texts[SETS][PATHS + 1] = {
    {".a"},
    {".user.id"},
    {".a", ".a.b", ".\"\""},
    {".status", ".user", ".user.id", ".\"\\u0061 b\"", ".b", ".a.b.a", ".tags", ".\"\\\"\"", ".c", ".user.deep.a"},
    {".\"a name that is longer than a block, so that no key of its length can be told from the distance of its bytes\"",
     ".\"a_name_of_seventeen\"", ".\"a_name_Of_seventeen\""},
};

static void set_make(struct set *s, const char *const *paths) {
    static const enum json_simd simd[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};
    for (; paths[s->slots]; s->slots++) REQUIRE(json_path_compile(paths[s->slots], &s->path[s->slots], NULL) == 0);
    for (size_t k = 0; k < 3; k++) {
        struct json_fields *f = &s->f[s->n];
        REQUIRE(json_fields_init(f) == 0);
        for (uint32_t i = 0; i < s->slots; i++) {
            struct json_name names[4];
            const struct json_path *p = &s->path[i];
            uint32_t slot;
            for (size_t j = 0; j < p->n; j++)
                names[j] = (struct json_name){p->names.data + p->steps[j].name_at, p->steps[j].name_len};
            if (p->names.len == 0) names[0] = (struct json_name){"", 0};
            REQUIRE(json_fields_add(f, names, p->n, &slot) == 0 && slot == i);
        }
        if (json_fields_compile_with(f, simd[k]) == 0)
            s->n++;
        else
            json_fields_release(f);
    }
}

static void check(const struct set *s, const char *text, size_t n, size_t slack, bool good) {
    for (size_t k = 0; k < s->n; k++) {
        struct json_slice ret[PATHS], want;
        unsigned found = json_fields_find(&s->f[k], text, n, slack, ret), seen = 0;
        for (uint32_t i = 0; i < s->slots; i++) {
            if (ret[i].type == JSON_TYPE_NONE) {
                REQUIRE(!ret[i].p && ret[i].n == 0);
                REQUIRE(!good || !json_path_find(&s->path[i], text, n, &want));
                continue;
            }
            seen++;
            REQUIRE(ret[i].p >= text && ret[i].n > 0 && ret[i].p + ret[i].n <= text + n);
            if (!good) continue;
            REQUIRE(json_path_find(&s->path[i], text, n, &want));
            REQUIRE(want.p == ret[i].p && want.n == ret[i].n && want.type == ret[i].type);
        }
        REQUIRE(found == seen);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct set sets[SETS];
    static struct json_validator v;
    if (sets[0].n == 0) {
        for (size_t i = 0; i < SETS; i++) set_make(&sets[i], texts[i]);
        REQUIRE(json_validator_init(&v, NULL) == 0);
    }
    struct input in = {data, size};
    const struct set *s = &sets[input_byte(&in) % SETS];
    size_t slack = input_byte(&in);
    if (slack > in.n) slack = in.n;
    char *text = exact_copy(in.p, in.n);
    size_t n = in.n - slack;
    check(s, text, n, slack, json_validate(&v, text, n, NULL) == 0);
    free(text);
    text = exact_copy(in.p, n);
    check(s, text, n, 0, json_validate(&v, text, n, NULL) == 0);
    free(text);
    return 0;
}

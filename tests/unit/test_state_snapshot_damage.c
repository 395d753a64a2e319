/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to snapshots: every bit that flips, every file that is cut off, missing, too long or of another place is
 * found and named, and so is what is impossible although its check is good.
 */
#include "snapshot_fixture.h"

/* ---- damage ---- */

static const char *const files[] = {"state", "whole-1", "diff-2"};

static void every_bit_that_flips_is_found_and_its_file_named(void **state) {
    (void)state;
    struct buf b = {0};
    make_two_files();
    for (int f = 0; f < 3; f++) {
        load(files[f], &b);
        for (size_t i = 0; i < b.len; i++)
            for (int bit = 0; bit < 8; bit++) {
                b.data[i] ^= (char)(1 << bit);
                store(files[f], b.data, b.len);
                /* digits of the check may be in the other case */
                if (f > 0 || bit != 5 || i < b.len - 10 || b.data[i] < 'A') assert_refused(G_CORRUPT, files[f]);
                b.data[i] ^= (char)(1 << bit);
            }
        store(files[f], b.data, b.len);
    }
    buf_release(&b);
    assert_state(TWO_FILES, 2);
}

static void every_file_that_is_cut_off_or_missing_or_too_long_is_named(void **state) {
    (void)state;
    struct buf b = {0};
    make_two_files();
    for (int f = 0; f < 3; f++) {
        load(files[f], &b);
        for (size_t n = 0; n < b.len; n++) {
            char words[60];
            store(files[f], b.data, n);
            (void)snprintf(words, sizeof words, f ? "'%s'|cut off: %zu of %zu bytes" : "'%s'", files[f], n, b.len);
            assert_refused(G_CORRUPT, words);
        }
        assert_int_equal(buf_putc(&b, '\n'), 0);
        store(files[f], b.data, b.len);
        assert_refused(G_CORRUPT, files[f]);
        if (f > 0) assert_refused(G_CORRUPT, "1 surplus bytes");
        assert_int_equal(unlinkat(dir, files[f], 0), 0);
        assert_refused(G_CORRUPT, files[f]);
        assert_refused(G_CORRUPT, "is missing");
        assert_int_equal(mkdirat(dir, files[f], 0700), 0);
        assert_refused(G_CORRUPT, files[f]);
        assert_int_equal(unlinkat(dir, files[f], AT_REMOVEDIR), 0);
        store(files[f], b.data, b.len - 1);
    }
    buf_release(&b);
    assert_state(TWO_FILES, 2);
}

static void a_link_is_not_followed(void **state) {
    (void)state;
    make_two_files();
    assert_int_equal(renameat(dir, "whole-1", dir, "elsewhere"), 0);
    assert_int_equal(symlinkat("elsewhere", dir, "whole-1"), 0);
    assert_refused(G_IO, "whole-1");
}

static void bytes_of_an_older_file_never_validate(void **state) {
    (void)state;
    struct buf older = {0}, newer = {0};
    make_two_files();
    load("whole-1", &older);
    finish(state);
    begin(state);
    make_two_files();
    load("whole-1", &newer);
    assert_int_equal(older.len, newer.len); /* the same state, the same name */
    store("whole-1", older.data, older.len);
    assert_refused(G_CORRUPT, "'whole-1'|a frame of another file is at byte 0");
    buf_release(&older);
    buf_release(&newer);
}

static void a_frame_in_another_place_never_validates(void **state) {
    (void)state;
    struct snapshot *s = restored("", -1);
    struct buf b = {0}, bent = {0};
    static char value[SNAPSHOT_FRAME_FILL];
    begun(s, false);
    for (int i = 0; i < 3; i++) WORKS(snapshot_put(s, 1, "k", 1, value, sizeof value, &e_));
    commit(s, 1);
    snapshot_close(s);
    load("whole-1", &b);
    size_t frame = FRAME_HEADER + get_u32_le(b.data + 16);
    assert_int_equal(b.len, 3 * frame + FRAME_HEADER); /* the last one is empty */
    assert_int_equal(buf_append(&bent, b.data, frame), 0);
    assert_int_equal(buf_append(&bent, b.data + 2 * frame, frame), 0);
    assert_int_equal(buf_append(&bent, b.data + frame, frame), 0);
    assert_int_equal(buf_append(&bent, b.data + 3 * frame, FRAME_HEADER), 0);
    store("whole-1", bent.data, bent.len);
    assert_refused(G_CORRUPT, "'whole-1'|a frame of another place is at byte 262199");
    buf_release(&b);
    buf_release(&bent);
}

/* A file with a good check and these items, and the manifest for it. */
static void forge(const char *items, size_t n, size_t split, bool last_first, bool last_second) {
    struct chain_file f = {.number = 1, .id = 77, .whole = true};
    char frames[400], manifest[300];
    memcpy(frames + FRAME_HEADER, items, split);
    frame_seal(frames, (uint32_t)split, &f, 0, last_first);
    size_t size = FRAME_HEADER + split;
    if (split < n || last_second) {
        memcpy(frames + size + FRAME_HEADER, items + split, n - split);
        frame_seal(frames + size, (uint32_t)(n - split), &f, size, last_second);
        size += FRAME_HEADER + n - split;
    }
    store("whole-1", frames, size);
    (void)snprintf(manifest, sizeof manifest,
                   "{\"version\":1,\"tool\":\"window\",\"identity\":\"--tumble 1h count\",\"meta\":{\"n\":9},"
                   "\"files\":[{\"name\":\"whole-1\",\"id\":\"000000000000004d\",\"size\":%zu}],\"more\":0}",
                   size);
    store_manifest(manifest);
}

#define SPACE "\4\5\0\0\0\0\0\0\0"
static void items_that_are_none_are_refused_even_with_a_good_check(void **state) {
    (void)state;
#define ITEMS(text) text, sizeof text - 1
    static const struct {
        const char *items;
        size_t n, at; /* the place that is named */
    } bad[] = {
        {ITEMS("\3"), 40},                                                         /* no space */
        {ITEMS("\1\0\0"), 40},                                                     /* the same */
        {ITEMS(SPACE "\0"), 49},                                                   /* no tag */
        {ITEMS(SPACE "\5"), 49},                                                   /* unknown */
        {ITEMS(SPACE "\377"), 49},                                                 /* the same */
        {ITEMS(SPACE "\3\4\0\0\0\0\0\0\0"), 50},                                   /* a short space */
        {ITEMS(SPACE "\1"), 49},                                                   /* no sizes */
        {ITEMS(SPACE "\1\1"), 49},                                                 /* one size */
        {ITEMS(SPACE "\1\1\1a"), 49},                                              /* no value */
        {ITEMS(SPACE "\1\2\0a"), 49},                                              /* half a key */
        {ITEMS(SPACE "\2\2a"), 49},                                                /* the same */
        {ITEMS(SPACE "\2\200"), 49},                                               /* half a size */
        {ITEMS(SPACE "\2\201\200\200\200\200\200\200\200\200\2a"), 49},            /* 2^64 + 1 */
        {ITEMS(SPACE "\1\1\201\200\200\200\200\200\200\200\200\2ab"), 49},         /* the same */
        {ITEMS(SPACE "\1\377\377\377\377\377\377\377\377\377\1\2ab"), 49},         /* 2^64 - 1: the sum is 1 */
        {ITEMS(SPACE "\1\1\201\200\200\200\200\200\200\200\200\200\200\0ab"), 49}, /* 12 bytes of size */
    };
    store("lock", "", 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char words[60];
        forge(bad[i].items, bad[i].n, bad[i].n, true, false);
        (void)snprintf(words, sizeof words, "'whole-1'|no item is at byte %zu", bad[i].at);
        assert_refused(G_CORRUPT, words);
    }
    forge(ITEMS(SPACE "\1\1\2abc\2\200\0\3"), sizeof SPACE + 9, true, false); /* a size in two bytes is lawful */
    assert_state("put 5 'a' 'bc'\nremove 5 ''\ndrop 5\n", 9);
}

static void frames_are_closed_by_one_last_frame(void **state) {
    (void)state;
    static const char items[] = SPACE "\3" SPACE "\3";
    store("lock", "", 0);
    forge(items, 20, 10, false, true);
    assert_state("drop 5\ndrop 5\n", 9);
    forge(items, 20, 20, true, false);
    assert_state("drop 5\ndrop 5\n", 9);
    forge(items, 20, 10, true, true);
    assert_refused(G_CORRUPT, "a last frame with more behind it is at byte 0");
    forge(items, 20, 10, false, false);
    assert_refused(G_CORRUPT, "a frame that should have been the last is at byte 50");
    forge(SPACE "\3\3", 11, 10, false, true);
    assert_refused(G_CORRUPT, "no item is at byte 90"); /* a space holds to the end of its frame */
}

/* Bent headers with a CRC that matches. */
static void header_fields_are_judged_before_the_check(void **state) {
    (void)state;
    static const struct {
        unsigned at;
        uint32_t value;
        const char *words;
    } bad[] = {{8, 2, "unknown version"},
               {12, 3, "unknown flags"},
               {16, 11, "impossible size"},
               {16, UINT32_MAX, "impossible"},
               {16, 9, "more behind"},
               {24, 78, "another file"},
               {32, 1, "another place"},
               {36, 1, "another place"},
               {0, 0, "no frame begins at byte 0"},
               {12, 0, "should have been the last"}};
    struct buf b = {0};
    store("lock", "", 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        forge(SPACE "\3", 10, 10, true, false);
        load("whole-1", &b);
        put_u32_le(b.data + bad[i].at, bad[i].value);
        put_u32_le(b.data + 20, 0);
        put_u32_le(b.data + 20, crc32c(0, b.data, b.len));
        store("whole-1", b.data, b.len);
        assert_refused(G_CORRUPT, bad[i].words);
    }
    buf_release(&b);
}

#define MANIFEST(version, identity, meta, files)                                                                       \
    "{\"version\":" version ",\"tool\":\"window\",\"identity\":" identity meta ",\"files\":" files "}"
#define GOOD_FILE "{\"name\":\"whole-1\",\"id\":\"000000000000004d\",\"size\":40}"
#define FILE_OF(name, id, size) "{\"name\":\"" name "\",\"id\":\"" id "\",\"size\":" size "}"
#define IDENTITY "\"--tumble 1h count\""
#define META ",\"meta\":{\"n\":9}"
#define WITH(files) MANIFEST("1", IDENTITY, META, files)
static void a_manifest_that_says_something_impossible_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"a\":1",
        "nonsense",
        MANIFEST("2", IDENTITY, META, "[" GOOD_FILE "]"),
        MANIFEST("1.0", IDENTITY, META, "[" GOOD_FILE "]"),
        MANIFEST("1", "7", META, "[" GOOD_FILE "]"),
        MANIFEST("1", IDENTITY, "", "[" GOOD_FILE "]"),
        MANIFEST("1", IDENTITY, META META, "[" GOOD_FILE "]"),
        WITH("{}"),
        WITH("[]"),
        WITH("[7]"),
        WITH("[" GOOD_FILE "," GOOD_FILE "]"),
        WITH("[" FILE_OF("diff-1", "000000000000004d", "40") "]"),
        WITH("[" FILE_OF("whole-0", "000000000000004d", "40") "]"),
        WITH("[" FILE_OF("whole-01", "000000000000004d", "40") "]"),
        WITH("[" FILE_OF("whole-9223372036854775808", "000000000000004d", "40") "]"),
        WITH("[" FILE_OF("whole-1/../whole-1", "000000000000004d", "40") "]"),
        WITH("[" FILE_OF("whole-1\\u0000", "000000000000004d", "40") "]"),
        WITH("[" FILE_OF("whole-1", "0000000000000000", "40") "]"),
        WITH("[" FILE_OF("whole-1", "4d", "40") "]"),
        WITH("[" FILE_OF("whole-1", "00000000000000zz", "40") "]"),
        WITH("[" FILE_OF("whole-1", "000000000000004d", "39") "]"),
        WITH("[" FILE_OF("whole-1", "000000000000004d", "-40") "]"),
        WITH("[" FILE_OF("whole-1", "000000000000004d", "\"40\"") "]"),
        WITH("[" GOOD_FILE "," FILE_OF("diff-1", "000000000000004d", "40") "]"),
        WITH("[" GOOD_FILE ",{}]"),
    };
    store("lock", "", 0);
    forge("", 0, 0, true, false);
    assert_state("", 9);
    store_manifest(WITH("[" GOOD_FILE "]"));
    assert_state("", 9);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        store_manifest(bad[i]);
        assert_refused(G_CORRUPT, "'state'|damaged");
    }
    struct buf many = {0};
    for (int i = 1; i <= 1001; i++)
        assert_int_equal(buf_printf(&many, "%s{\"name\":\"%s-%d\",\"id\":\"000000000000004d\",\"size\":40}",
                                    i > 1 ? ","
                                          : "{\"version\":1,\"tool\":\"window\",\"meta\":0,\"identity\":" IDENTITY
                                            ",\"files\":[",
                                    i > 1 ? "diff" : "whole", i),
                         0);
    assert_int_equal(buf_puts(&many, "]}"), 0);
    store_manifest(buf_cstr(&many));
    assert_refused(G_CORRUPT, "'state'|too many files");
    buf_release(&many);
    store("state", "{}\n00000000\n{}\n", 15);
    assert_refused(G_CORRUPT, "'state'");
}

static void a_manifest_that_was_lost_is_told_from_a_first_commit_that_died(void **state) {
    (void)state;
    store("lock", "", 0);
    store("whole-1", "leftover", 8);
    assert_state("", -1);
    store("diff-2", "x", 1);
    assert_refused(G_CORRUPT, "'state'|is missing|'diff-2'");
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void) {
    real = sys;
    const struct CMUnitTest tests[] = {
        TEST(every_bit_that_flips_is_found_and_its_file_named),
        TEST(every_file_that_is_cut_off_or_missing_or_too_long_is_named),
        TEST(a_link_is_not_followed),
        TEST(bytes_of_an_older_file_never_validate),
        TEST(a_frame_in_another_place_never_validates),
        TEST(items_that_are_none_are_refused_even_with_a_good_check),
        TEST(frames_are_closed_by_one_last_frame),
        TEST(header_fields_are_judged_before_the_check),
        TEST(a_manifest_that_says_something_impossible_is_refused),
        TEST(a_manifest_that_was_lost_is_told_from_a_first_commit_that_died),
    };
    return cmocka_run_group_tests_name("state_snapshot_damage", tests, NULL, NULL);
}

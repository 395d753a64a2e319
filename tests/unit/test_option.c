/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option module against a small table of its own: every kind of value, getopt_long's ways of writing options,
 * subcommands, exact messages, and the texts made from the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cli/common.h"
#include "cli/exit.h"
#include "cli/option.h"
#include "cli/suggest.h"

struct fake {
    bool tombstone;
    const char *where;
    uint64_t count;
    int64_t shift;
    double rate;
    uint64_t segment;
    int64_t delay_ns, from_ns;
    struct option_choice sync;
    struct option_list header;
    struct stats_options stats;
    struct output_options output;
};

static const struct option_spec fake_options[] = {
    {.letter = 'Z',
     .name = "tombstone",
     .kind = OPTION_FLAG,
     .help = "empty values",
     .offset = offsetof(struct fake, tombstone)},
    {.letter = 'o',
     .name = "offset",
     .kind = OPTION_STRING,
     .arg = "WHERE",
     .help = "where to begin",
     .offset = offsetof(struct fake, where)},
    {.letter = 'c',
     .name = "count",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "stop after",
     .max = 1000,
     .min = 1,
     .offset = offsetof(struct fake, count)},
    {.name = "shift", .kind = OPTION_INTEGER, .help = "shift", .offset = offsetof(struct fake, shift)},
    {.name = "rate", .kind = OPTION_REAL, .help = "rate", .offset = offsetof(struct fake, rate)},
    {.name = "segment",
     .kind = OPTION_SIZE,
     .help = "size",
     .min = 1024,
     .max = 1 << 20,
     .offset = offsetof(struct fake, segment)},
    {.name = "delay", .kind = OPTION_DURATION, .help = "delay", .offset = offsetof(struct fake, delay_ns)},
    {.name = "from", .kind = OPTION_TIME, .help = "from", .offset = offsetof(struct fake, from_ns)},
    {.name = "sync",
     .kind = OPTION_CHOICE,
     .arg = "WHEN",
     .choices = "batch|interval=D|none",
     .help = "when to sync",
     .offset = offsetof(struct fake, sync)},
    {.letter = 'H',
     .name = "header",
     .kind = OPTION_LIST,
     .arg = "NAME=VALUE",
     .help = "add a header",
     .offset = offsetof(struct fake, header)},
    OPTION_TABLE(output_options, offsetof(struct fake, output)),
    OPTION_TABLE(stats_options, offsetof(struct fake, stats)),
    OPTION_END,
};

static const struct tool_spec fake = {
    .name = "fake",
    .summary = "do nothing",
    .operands = "TOPIC [FILE...]",
    .operands_max = 3,
    .options = fake_options,
};

/* Parse the words (a NULL ends them). Result, options, arguments and error stay in the fixture until fixture_end. */
struct fixture {
    struct fake o;
    struct arguments args;
    struct err e;
    int rc;
};

static void fixture_parse(struct fixture *f, const struct tool_spec *tool, const char *const *words) {
    char *argv[16] = {(char *)"leat-fake"};
    int argc = 1;
    for (; words[argc - 1]; argc++) argv[argc] = (char *)words[argc - 1];
    memset(f, 0, sizeof *f);
    f->rc = option_parse(tool, argc, argv, &f->o, &f->args, &f->e);
}

#define PARSE(f, tool, ...) fixture_parse((f), (tool), (const char *const[]){__VA_ARGS__, NULL})

static void good(struct fixture *f) {
    if (f->rc != 0) fail_msg("refused: %s", f->e.text);
}

static void refused(const char *text, const char *const *words) {
    struct fixture f;
    fixture_parse(&f, &fake, words);
    assert_int_equal(f.rc, G_USAGE);
    assert_string_equal(f.e.text, text);
    option_end(&fake, &f.o, &f.args);
}
#define REFUSED(text, ...) refused((text), (const char *const[]){__VA_ARGS__, NULL})

static void each_kind_of_value_is_parsed(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &fake, "-Zc5", "--shift=-7", "--rate", "1.5e3", "--segment=64KiB", "--delay", "1m30s", "--from",
          "1970-01-01T00:00:02Z", "-Ha=1", "-H", "b=2", "--sync=interval=5s");
    good(&f);
    assert_true(f.o.tombstone);
    assert_int_equal(f.o.count, 5);
    assert_int_equal(f.o.shift, -7);
    assert_true(f.o.rate > 1499.9 && f.o.rate < 1500.1);
    assert_int_equal(f.o.segment, 65536);
    assert_int_equal(f.o.delay_ns, 90000000000);
    assert_int_equal(f.o.from_ns, 2000000000);
    assert_int_equal(f.o.header.count, 2);
    assert_string_equal(f.o.header.item[0], "a=1");
    assert_string_equal(f.o.header.item[1], "b=2");
    assert_int_equal(f.o.sync.at, 2);
    assert_string_equal(f.o.sync.word, "interval");
    assert_string_equal(f.o.sync.arg, "5s");
    option_end(&fake, &f.o, &f.args);
    assert_null(f.o.header.item);
}

static void options_and_operands_mix_until_the_double_dash(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &fake, "one", "-Z", "-", "--", "-c");
    good(&f);
    assert_true(f.o.tombstone);
    assert_int_equal(f.args.operands, 3);
    assert_string_equal(f.args.operand[0], "one");
    assert_string_equal(f.args.operand[1], "-");
    assert_string_equal(f.args.operand[2], "-c");
    option_end(&fake, &f.o, &f.args);
}

static void a_value_may_look_like_an_option(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &fake, "-o", "-5", "--shift", "-3");
    good(&f);
    assert_string_equal(f.o.where, "-5");
    assert_int_equal(f.o.shift, -3);
    option_end(&fake, &f.o, &f.args);
}

static void an_optional_value_is_taken_only_when_attached(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &fake, "--stats", "json");
    good(&f);
    assert_string_equal(f.o.stats.stats.word, "text");
    assert_int_equal(f.args.operands, 1);
    option_end(&fake, &f.o, &f.args);
    PARSE(&f, &fake, "--stats=json");
    good(&f);
    assert_int_equal(f.o.stats.stats.at, 2);
    option_end(&fake, &f.o, &f.args);
}

static void toggles_can_be_negated_and_the_last_one_counts(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &fake, "--progress", "--no-progress");
    good(&f);
    assert_int_equal(f.o.stats.progress, -1);
    option_end(&fake, &f.o, &f.args);
    PARSE(&f, &fake, "--no-progress", "--progress");
    assert_int_equal(f.o.stats.progress, 1);
    option_end(&fake, &f.o, &f.args);
    REFUSED("unknown option '--no-count'", "--no-count");
}

static void presets_write_the_same_field_as_the_long_way(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &fake, "-j");
    good(&f);
    assert_string_equal(f.o.output.out.word, "json");
    option_end(&fake, &f.o, &f.args);
    PARSE(&f, &fake, "-j", "-O", "csv");
    good(&f);
    assert_string_equal(f.o.output.out.word, "csv");
    option_end(&fake, &f.o, &f.args);
}

static void a_long_name_may_be_cut_while_it_is_unique(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &fake, "--cou=9", "--no-prog");
    good(&f);
    assert_int_equal(f.o.count, 9);
    assert_int_equal(f.o.stats.progress, -1);
    option_end(&fake, &f.o, &f.args);
    REFUSED("option '--fo' is ambiguous: '--format' or '--force'", "--fo");
    REFUSED("unknown option '--dump-opt'", "--dump-opt"); /* hidden ones have no short forms */
}

static void wrong_words_are_refused_with_a_reason(void **state) {
    (void)state;
    REFUSED("unknown option '--cuont'; did you mean '--count'?", "--cuont");
    REFUSED("unknown option '--xyzzyxyzzy'", "--xyzzyxyzzy");
    REFUSED("unknown option '-x'", "-Zx");
    REFUSED("option '-c' needs a value (N)", "-c");
    REFUSED("option '--count' needs a value (N)", "--count");
    REFUSED("option '--tombstone' takes no value", "--tombstone=yes");
    REFUSED("option '--json' takes no value", "--json=yes");
    REFUSED("option '--count' wants a number from 1 to 1000, not 'abc'", "--count", "abc");
    REFUSED("option '-c' wants a number from 1 to 1000, not '1001'", "-c1001");
    REFUSED("option '--count' wants a number from 1 to 1000, not ''", "--count=");
    REFUSED("option '--shift' wants a whole number, not '1.5'", "--shift=1.5");
    REFUSED("option '--rate' wants a number, not 'nan'", "--rate=nan");
    REFUSED("option '--rate' wants a number, not '1e999'", "--rate=1e999");
    REFUSED("option '--segment' wants a size such as 512, 64KiB or 16MiB, not '1 lot'", "--segment=1 lot");
    REFUSED("option '--segment' wants a size from 1 KiB to 1 MiB, not '1023'", "--segment=1023");
    REFUSED("option '--segment' wants a size from 1 KiB to 1 MiB, not '2MiB'", "--segment=2MiB");
    REFUSED("option '--delay' wants a duration such as 500ms, 90s or 1m30s, not '-1s'", "--delay=-1s");
    REFUSED("option '--from' wants a time such as 2024-05-01T12:00:00Z, -1h or now, not 'noon'", "--from=noon");
    REFUSED("option '--sync' wants one of batch, interval=D, none, not 'bacth'; did you mean 'batch'?", "--sync=bacth");
    REFUSED("option '--sync' wants one of batch, interval=D, none, not ''", "--sync=");
    REFUSED("option '--sync' wants a value behind '=', not 'interval'", "--sync=interval");
    REFUSED("option '--sync' wants no value behind '=', not 'none=1'", "--sync=none=1");
    REFUSED("unexpected operand 'd'", "a", "b", "c", "d");
}

static const struct option_spec create_options[] = {
    {.letter = 'p',
     .name = "partitions",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "how many",
     .offset = offsetof(struct fake, count)},
    OPTION_END,
};
static const struct option_spec shared_options[] = {
    {.letter = 'd',
     .name = "dir",
     .kind = OPTION_STRING,
     .arg = "DIR",
     .help = "where",
     .offset = offsetof(struct fake, where)},
    OPTION_END,
};
static const struct command_spec commands[] = {
    {.name = "create",
     .summary = "make one",
     .operands = "TOPIC",
     .complete = "topic",
     .operands_min = 1,
     .operands_max = 1,
     .options = create_options},
    {.name = "list", .summary = "list them"},
    {.name = NULL},
};
static const struct tool_spec many = {
    .name = "many", .summary = "have commands", .commands = commands, .options = shared_options};

static void commands_have_options_of_their_own_and_shared_ones(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &many, "-d", "here", "create", "-p", "3", "clicks");
    good(&f);
    assert_ptr_equal(f.args.command, &commands[0]);
    assert_string_equal(f.o.where, "here");
    assert_int_equal(f.o.count, 3);
    assert_string_equal(f.args.operand[0], "clicks");
    option_end(&many, &f.o, &f.args);
    PARSE(&f, &many, "create", "clicks", "-d", "there");
    good(&f);
    assert_string_equal(f.o.where, "there");
    option_end(&many, &f.o, &f.args);
}

static void commands_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *words[4];
    } cases[] = {
        {"a command is needed: create, list", {NULL}},
        {"unknown command 'craete'; did you mean 'create'?", {"craete", NULL}},
        {"unknown command 'xyz'", {"xyz", NULL}},
        {"unknown option '-p'", {"-p", "3", "create", NULL}},
        {"unknown option '-p'", {"list", "-p3", NULL}},
        {"missing operand; wanted: TOPIC", {"create", NULL}},
        {"unexpected operand 'x'", {"list", "x", NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        fixture_parse(&f, &many, cases[i].words);
        assert_int_equal(f.rc, G_USAGE);
        assert_string_equal(f.e.text, cases[i].text);
        option_end(&many, &f.o, &f.args);
    }
}

static void help_wins_over_missing_operands(void **state) {
    (void)state;
    struct fixture f;
    PARSE(&f, &many, "create", "--help");
    good(&f);
    assert_true(f.args.help);
    assert_ptr_equal(f.args.command, &commands[0]);
    option_end(&many, &f.o, &f.args);
    PARSE(&f, &many, "-qv");
    assert_int_equal(f.args.verbosity, 1);
    option_end(&many, &f.o, &f.args);
}

static void help_has_each_option_in_two_columns(void **state) {
    (void)state;
    struct buf b = {0};
    assert_int_equal(option_help(&many, &commands[0], &b), 0);
    assert_string_equal(buf_cstr(&b), "Usage: leat many create [options] TOPIC\n"
                                      "Make one.\n"
                                      "\n"
                                      "Options:\n"
                                      "  -p, --partitions=N        how many\n"
                                      "  -d, --dir=DIR             where\n"
                                      "\n"
                                      "General:\n"
                                      "  -q, --quiet               print errors only, and show no progress\n"
                                      "  -v, --verbose             say more about what is done\n"
                                      "  -h, --help                show this help\n"
                                      "  -V, --version             show the version\n");
    buf_clear(&b);
    assert_int_equal(option_help(&fake, NULL, &b), 0);
    const char *text = buf_cstr(&b);
    assert_non_null(strstr(text, "      --sync=WHEN           when to sync: batch, interval=D, none\n"));
    assert_non_null(strstr(text, "      --stats[=FORMAT]      print totals at exit: text, json\n"));
    assert_non_null(strstr(text, "      --[no-]progress       show progress"));
    assert_null(strstr(text, "dump-options"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) assert_true(strcspn(line, "\n") <= 80);
    buf_release(&b);
}

static const struct option_spec wide_options[] = {
    {.letter = 'b',
     .name = "bare",
     .kind = OPTION_STRING,
     .bare = "yes",
     .offset = 0,
     .help = "this help text fills the column up to its very edges"},
    {.name = "beyond",
     .kind = OPTION_STRING,
     .offset = 0,
     .help = "this help text fills the column up to its very edges!"},
    {.name = "a-name-of-letters19", .kind = OPTION_FLAG, .help = "below", .offset = sizeof(char *)},
    OPTION_END,
};
static const struct tool_spec wide = {.name = "wide", .summary = "be wide", .options = wide_options};

static void help_is_wrapped_at_the_last_column(void **state) {
    (void)state;
    struct buf b = {0};
    assert_int_equal(option_help(&wide, NULL, &b), 0);
    const char *text = buf_cstr(&b);
    assert_non_null(strstr(text, "  -b, --bare[=VALUE]        this help text fills the column up to its very edges\n"));
    assert_non_null(strstr(text, "      --beyond=VALUE        this help text fills the column up to its very\n         "
                                 "                   edges!\n"));
    assert_non_null(strstr(text, "      --a-name-of-letters19\n                            below\n"));
    buf_release(&b);
}

static void a_letter_with_an_optional_value_leaves_the_next_word_alone(void **state) {
    (void)state;
    struct {
        const char *bare;
        bool flag;
    } o = {0};
    struct arguments args;
    struct err e = {0};
    char *argv[] = {(char *)"leat-wide", (char *)"-b"};
    assert_int_equal(option_parse(&wide, 2, argv, &o, &args, &e), 0);
    assert_string_equal(o.bare, "yes");
    option_end(&wide, &o, &args);
    char *attached[] = {(char *)"leat-wide", (char *)"-bno"};
    assert_int_equal(option_parse(&wide, 2, attached, &o, &args, &e), 0);
    assert_string_equal(o.bare, "no");
    option_end(&wide, &o, &args);
}

static void dump_is_one_line_an_item(void **state) {
    (void)state;
    struct buf b = {0};
    assert_int_equal(option_dump(&many, &b), 0);
    static const char start[] =
        "tool\tmany\thave commands\t-\t-\n"
        "command\tcreate\tmake one\tTOPIC\ttopic\n"
        "option\tcreate\tOptions\tp\tpartitions\tnumber\tN\trequired\t-\t-\tno\thow many\t-\n"
        "command\tlist\tlist them\t-\t-\n"
        "option\t-\tOptions\td\tdir\tstring\tDIR\trequired\t-\t-\tno\twhere\t-\n"
        "option\t-\tGeneral\tq\tquiet\tflag\t-\tnone\t-\t-\tno\tprint errors only, and show no progress\t-\n";
    assert_non_null(buf_cstr(&b));
    assert_memory_equal(b.data, start, sizeof start - 1);
    buf_release(&b);
}

static void a_table_that_is_not_in_order_is_found(void **state) {
    (void)state;
    static const struct option_spec twice[] = {
        {.letter = 'a', .name = "one", .kind = OPTION_FLAG, .help = "x"},
        {.letter = 'a', .name = "two", .kind = OPTION_FLAG, .help = "x"},
        OPTION_END,
    };
    static const struct option_spec taken[] = {{.name = "help", .kind = OPTION_FLAG, .help = "x"}, OPTION_END};
    static const struct option_spec stop[] = {{.name = "one", .kind = OPTION_FLAG, .help = "a sentence."}, OPTION_END};
    struct tool_spec tool = {.name = "t", .summary = "s", .options = twice};
    struct err e = {0};
    assert_int_equal(option_check(&tool, &e), G_BUG);
    assert_string_equal(e.text, "letter '-a' is both '--one' and '--two'");
    tool.options = taken;
    assert_int_equal(option_check(&tool, &e), G_BUG);
    assert_string_equal(e.text, "option '--help' is there twice");
    tool.options = stop;
    assert_int_equal(option_check(&tool, &e), G_BUG);
    assert_int_equal(option_check(&fake, &e), 0);
    assert_int_equal(option_check(&many, &e), 0);
}

static void the_nearest_word_is_suggested(void **state) {
    (void)state;
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(suggest_distance("ab", "ba"), 1);
    assert_int_equal(suggest_distance("", "abc"), 3);
    struct suggest s = SUGGEST_START("fiter");
    suggest_offer(&s, "window");
    suggest_offer(&s, "filter");
    suggest_offer(&s, "fitter");
    assert_string_equal(s.best, "filter");
    struct suggest none = SUGGEST_START("q");
    suggest_offer(&none, "xy");
    assert_null(none.best);
}

static void grades_become_exit_codes(void **state) {
    (void)state;
    static const struct {
        int grade, code;
    } cases[] = {{G_OK, 0},      {G_END, 0},    {G_EOF, 0},   {G_PIPE, 0},   {G_STOPPED, 0},   {G_USAGE, 2},
                 {G_DATA, 3},    {G_IO, 4},     {G_NOMEM, 4}, {G_ABSENT, 4}, {G_TRUNCATED, 5}, {G_UPSTREAM, 5},
                 {G_CORRUPT, 6}, {G_FENCED, 7}, {G_BUG, 70},  {-99, 70}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(exit_from_grade(cases[i].grade), cases[i].code);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_value_is_parsed),
        cmocka_unit_test(options_and_operands_mix_until_the_double_dash),
        cmocka_unit_test(a_value_may_look_like_an_option),
        cmocka_unit_test(an_optional_value_is_taken_only_when_attached),
        cmocka_unit_test(toggles_can_be_negated_and_the_last_one_counts),
        cmocka_unit_test(presets_write_the_same_field_as_the_long_way),
        cmocka_unit_test(a_long_name_may_be_cut_while_it_is_unique),
        cmocka_unit_test(wrong_words_are_refused_with_a_reason),
        cmocka_unit_test(commands_have_options_of_their_own_and_shared_ones),
        cmocka_unit_test(commands_are_checked),
        cmocka_unit_test(help_wins_over_missing_operands),
        cmocka_unit_test(help_has_each_option_in_two_columns),
        cmocka_unit_test(help_is_wrapped_at_the_last_column),
        cmocka_unit_test(a_letter_with_an_optional_value_leaves_the_next_word_alone),
        cmocka_unit_test(dump_is_one_line_an_item),
        cmocka_unit_test(a_table_that_is_not_in_order_is_found),
        cmocka_unit_test(the_nearest_word_is_suggested),
        cmocka_unit_test(grades_become_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

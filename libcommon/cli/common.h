/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that tools share (leat(1), COMMON OPTIONS), each group once: a struct for its values and a table to take
 * in with OPTION_TABLE(input_options, offsetof(struct options, input)). All-zero structs are the defaults.
 */
#ifndef LEAT_CLI_COMMON_H
#define LEAT_CLI_COMMON_H

#include "cli/option.h"

/* What comes in. `in.at` 0 or 1 (auto): detect. */
struct input_options {
    struct option_choice in;
    struct option_choice value; /* what a payload of `lp` or `lines` is; at 0: the format's default */
    bool no_infer;              /* CSV and TSV: every field is a string */
    const char *delimiter;      /* of CSV: one character, or a backslash and a t; NULL: not given */
    const char *time;           /* expression that gives a text record its event time; NULL: none */
    const char *time_format;
    const char *tz;
    uint64_t max_record_bytes; /* 0: the default of the stream library */
};
extern const struct option_spec input_options[];

/* What goes out. `out.at` 0 or 1 (auto): JSON lines on a terminal, blocks elsewhere. */
struct output_options {
    struct option_choice out;
    const char *format; /* -f; NULL: none */
    const char *file;   /* --output; NULL: stdout */
    struct option_choice color;
    bool force, unbuffered;
};
extern const struct option_spec output_options[];

/* Bad records. `on_error.at` 0 or 1: stop, 2: skip; a dead letter place wins over both. */
struct error_options {
    struct option_choice on_error;
    const char *dead_letter;
};
extern const struct option_spec error_options[];

struct stats_options {
    struct option_choice stats; /* at 0: none, 1: text, 2: json */
    int progress;               /* 0: by itself where it makes sense, 1: yes, -1: no */
};
extern const struct option_spec stats_options[];

struct log_options {
    const char *dir; /* NULL: $LEAT_DIR and its defaults */
    bool force_fs;   /* a file system whose locks or syncs cannot be relied on */
};
extern const struct option_spec log_options[];

/*
 * Single lines that several tools have. `at` is the place of the field, `heading` the section that begins there (NULL:
 * none does), the other words complete the help.
 */

/* int64_t, preset to -1: not given. "how far records …" */
#define OPTION_OUT_OF_ORDER(at, heading, behind)                                                                       \
    {                                                                                                                  \
        .name = "out-of-order", .kind = OPTION_DURATION, .arg = "D",                                                   \
        .help = "how far records " behind " (default: what the stream says, else 0)", .section = (heading),            \
        .offset = (at)                                                                                                 \
    }
/* int64_t, preset to -1: not given. "an input …", "the others" */
#define OPTION_IDLE_TIMEOUT(at, source, others)                                                                        \
    {                                                                                                                  \
        .name = "idle-timeout", .kind = OPTION_DURATION, .arg = "D",                                                   \
        .help = source " without records for this long does not hold " others " back (default: only when it says so)", \
        .offset = (at)                                                                                                 \
    }
/* bool */
#define OPTION_EXIT(at, heading)                                                                                       \
    {                                                                                                                  \
        .letter = 'e', .name = "exit", .kind = OPTION_FLAG,                                                            \
        .help = "topics end where they end now; else they are followed", .section = (heading), .offset = (at)          \
    }
/* uint64_t, 0: not given; for budget_set_limit. "most memory for …" */
#define OPTION_MAX_STATE(at, state)                                                                                    \
    {                                                                                                                  \
        .name = "max-state", .kind = OPTION_SIZE, .arg = "SIZE",                                                       \
        .help = "most memory for " state " (default: half of what there is)", .min = 65536, .max = UINT64_MAX,         \
        .offset = (at)                                                                                                 \
    }
/* uint64_t, preset to SPILL_LIMIT_DEFAULT. "most space in a temporary file for …" */
#define OPTION_SPILL_LIMIT(at, waiting)                                                                                \
    {                                                                                                                  \
        .name = "spill-limit", .kind = OPTION_SIZE, .arg = "SIZE",                                                     \
        .help = "most space in a temporary file for " waiting " (default 10GiB)", .offset = (at)                       \
    }

#endif

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

#endif

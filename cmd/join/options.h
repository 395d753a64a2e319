/* SPDX-License-Identifier: Apache-2.0 */
/* What `leat join` can be asked for, in any of its forms. */
#ifndef LEAT_CMD_JOIN_OPTIONS_H
#define LEAT_CMD_JOIN_OPTIONS_H

#include "cli/common.h"
#include "cli/expr_options.h"

struct options {
    const char *table, *on_table;
    bool many;
    int64_t reload_ns;
    const char *with, *on_right, *time_right;
    int64_t within_ns, before_ns, after_ns, tumble_ns, tolerance_ns; /* below 0: not given */
    int64_t out_of_order_ns, idle_timeout_ns;                        /* the same */
    int64_t offset_ns;
    bool as_of, bounded, drain, right, outer;
    struct option_choice direction;
    const char *late, *state;
    uint64_t spill_limit_bytes;
    const char *on;
    bool left, anti;
    const char *as, *prefix, *unmatched;
    uint64_t max_state_bytes;
    struct expr_options expr;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};
extern const struct option_spec join_options[];

#define OPTIONS_PRESET                                                                                                 \
    {                                                                                                                  \
        .within_ns = -1, .before_ns = -1, .after_ns = -1, .tumble_ns = -1, .tolerance_ns = -1, .out_of_order_ns = -1,  \
        .idle_timeout_ns = -1, .spill_limit_bytes = SPILL_LIMIT_DEFAULT                                                \
    }

/* Do the words go together? G_USAGE. */
int options_check(const struct options *o, struct err *e) NODISCARD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What `leat window` can be asked for, and what it means for the windows. */
#ifndef LEAT_CMD_WINDOW_OPTIONS_H
#define LEAT_CMD_WINDOW_OPTIONS_H

#include "cli/common.h"
#include "window.h"

struct options {
    const char *tumble, *group, *max_ahead, *late, *state;
    int64_t hop_ns, session_ns, cumulate_ns; /* below 0: not given */
    uint64_t count;
    const char *slide; /* a duration for --hop, a number for --count */
    int64_t step_ns, max_ns, offset_ns;
    int64_t out_of_order_ns, grace_ns, early_ns;
    int64_t idle_timeout_ns; /* below 0: not given */
    struct option_choice emit;
    uint64_t max_state_bytes;
    bool all, drain, explain;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};
extern const struct option_spec window_options[];

/* Everything of the window that options decide: its kind, spans, watermarks. G_USAGE. */
int options_apply(const struct options *o, struct window *w, struct err *e) NODISCARD;
void options_release(struct window *w);

/* What decides the meaning of state: the windows, the groups, the program; NUL-terminated. */
int options_identity(const struct options *o, const char *program, struct buf *out) NODISCARD;

#endif

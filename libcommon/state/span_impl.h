/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of span.h share: the part for calendars. Not for anyone else. */
#ifndef LEAT_STATE_SPAN_IMPL_H
#define LEAT_STATE_SPAN_IMPL_H

#include "state/span.h"

/* From the last start at or before `time` to the next one; beyond what int64_t holds, its ends. */
struct span calendar_pane(const struct spans *s, int64_t time);

static inline int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Records that came too late: to the place of --late, whole and with the reason, or counted. See window.h. */
#include "window.h"

#include "base/timefmt.h"
#include "stream/letter.h"

int late_put(struct window *w, struct stage *s, const struct record *r, const struct span *span, struct err *e) {
    char start[TIME_TEXT_MAX], end[TIME_TEXT_MAX], mark[TIME_TEXT_MAX], time[TIME_TEXT_MAX];
    struct err why;
    w->late.count++;
    if (!w->late.to) return 0;
    time_format_rfc3339(r->time, time);
    time_format_rfc3339(w->marks.now, mark);
    time_format_rfc3339(span->start, start);
    time_format_rfc3339(span->end, end);
    if (w->pending.strict) /* which window it would be in depends on those before it */
        (void)err_set(&why, G_DATA, "late: its time is %s, and the watermark was %s", time, mark);
    else
        (void)err_set(&why, G_DATA, "late: its time is %s, its window ended at %s, and the watermark was %s", time, end,
                      mark);
    const struct letter_header more[] = {
        {"leat.window_start", start}, {"leat.window_end", end}, {"leat.watermark", mark}};
    const struct letter letter = {.to = w->late.to,
                                  .what = "late record",
                                  .where = stage_where(s, r),
                                  .why = why.text,
                                  .more = more,
                                  .more_count = sizeof more / sizeof *more};
    return letter_put(s, &letter, r, e);
}

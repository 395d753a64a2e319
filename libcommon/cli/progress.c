/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line and the totals. See progress.h. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "base/timefmt.h"
#include "cli/diag.h"
#include "cli/terminal.h"

static const int64_t draw_every_ns = 200 * NS_PER_MS;
static const int64_t check_every_ns = 20 * NS_PER_MS;
static const uint32_t ticks_max = 1 << 14;

static int64_t clock_ns(clockid_t id) {
    struct timespec t;
    return clock_gettime(id, &t) == 0 ? t.tv_sec * NS_PER_S + t.tv_nsec : 0;
}

void progress_begin(struct progress *p, const struct stats_options *options) {
    *p = (struct progress){.stats = options->stats.at, .ticks_to_check = 1};
    p->shown = options->progress > 0 || (options->progress == 0 && !diag_is_quiet() && terminal_is(STDERR_FILENO) &&
                                         !terminal_is(STDOUT_FILENO));
    if (!p->shown) p->ticks_to_check = UINT32_MAX;
    p->started_ns = clock_ns(CLOCK_MONOTONIC);
    p->checked_ns = p->drawn_ns = p->started_ns;
}

/* "1234", "45.6k", "7.89M": three digits and more only below 10,000. */
static void count_format(char out[SIZE_TEXT_MAX], double n) {
    if (n < 10000)
        (void)snprintf(out, SIZE_TEXT_MAX, "%.0f", n);
    else if (n < 1e6)
        (void)snprintf(out, SIZE_TEXT_MAX, "%.1fk", n / 1e3);
    else if (n < 1e9)
        (void)snprintf(out, SIZE_TEXT_MAX, "%.2fM", n / 1e6);
    else
        (void)snprintf(out, SIZE_TEXT_MAX, "%.2fG", n / 1e9);
}

/* Percent and time to go, in front, where a narrow terminal does not cut them off. The rate of the whole run is
 * steadier than that of the last moment. */
static int end_append(const struct progress *p, int64_t now_ns, struct buf *b) {
    if (p->end_bytes == 0 && p->done <= 0) return 0;
    double done = p->done > 0 ? p->done : (double)p->bytes_in / (double)p->end_bytes;
    if (done > 1) done = 1;
    int rc = buf_printf(b, "%d %%, ", (int)(done * 100));
    if (rc < 0 || done <= 0 || done >= 1) return rc;
    double left_s = (double)(now_ns - p->started_ns) / (double)NS_PER_S * (1 - done) / done;
    if (left_s > 1e6) return 0;
    char text[DURATION_TEXT_MAX];
    int64_t up = (int64_t)left_s; /* not ceil(): a library more to load in every tool */
    up += (double)up < left_s;
    (void)duration_format(up * NS_PER_S, text);
    return buf_printf(b, "ETA %s, ", text);
}

int progress_line(const struct progress *p, int64_t now_ns, struct buf *b) {
    double seconds = (double)(now_ns - p->drawn_ns) / (double)NS_PER_S;
    if (seconds <= 0) seconds = 1e-9;
    char records[SIZE_TEXT_MAX], bytes[SIZE_TEXT_MAX], record_rate[SIZE_TEXT_MAX], byte_rate[SIZE_TEXT_MAX];
    count_format(records, (double)p->records_in);
    size_format(bytes, p->bytes_in);
    count_format(record_rate, (double)(p->records_in - p->drawn_records) / seconds);
    size_format(byte_rate, (uint64_t)((double)(p->bytes_in - p->drawn_bytes) / seconds));
    int rc = end_append(p, now_ns, b);
    if (rc == 0) rc = buf_printf(b, "%s records, %s, %s/s, %s/s", records, bytes, record_rate, byte_rate);
    if (rc == 0 && p->has_event_time) {
        char at[TIME_TEXT_MAX];
        /* Whole seconds: the line should not change its width with each record. */
        int64_t whole = p->event_time_ns - ((p->event_time_ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
        (void)time_format_rfc3339(whole, at);
        rc = buf_printf(b, ", at %s", at);
    }
    if (rc == 0 && p->delivers) {
        count_format(records, (double)p->accepted);
        rc = buf_printf(b, ", %s accepted, %" PRIu64 " in flight", records, p->in_flight);
    }
    if (rc == 0 && p->refused) rc = buf_printf(b, ", %" PRIu64 " refused", p->refused);
    return rc < 0 || p->bad == 0 ? rc : buf_printf(b, ", %" PRIu64 " bad", p->bad);
}

static void line_draw(struct progress *p, int64_t now_ns) {
    struct buf b = {0};
    if (progress_line(p, now_ns, &b) == 0) {
        /* A line that wrapped could not be taken away again. */
        size_t width = (size_t)terminal_width(STDERR_FILENO) - 1;
        if (b.len > width) b.len = width;
        const char *text = buf_cstr(&b);
        if (text) diag_status(text);
    }
    buf_release(&b);
    p->drawn_ns = now_ns;
    p->drawn_bytes = p->bytes_in;
    p->drawn_records = p->records_in;
}

void progress_check(struct progress *p) {
    p->ticks = 0;
    if (!p->shown) return;
    int64_t now = clock_ns(CLOCK_MONOTONIC_COARSE);
    int64_t since = now - p->checked_ns;
    if (since < check_every_ns / 2 && p->ticks_to_check < ticks_max)
        p->ticks_to_check *= 2;
    else if (since > check_every_ns * 2 && p->ticks_to_check > 1)
        p->ticks_to_check /= 2;
    p->checked_ns = now;
    if (now - p->drawn_ns >= draw_every_ns) line_draw(p, now);
}

static int delivery_text(const struct progress *p, struct buf *b) {
    int rc = buf_printf(b, "%" PRIu64 " sent, %" PRIu64 " accepted", p->sent, p->accepted);
    if (rc == 0 && p->refused > 0) rc = buf_printf(b, ", %" PRIu64 " refused", p->refused);
    if (rc == 0 && p->in_flight > 0) rc = buf_printf(b, ", %" PRIu64 " in flight", p->in_flight);
    if (rc == 0 && p->retries > 0) rc = buf_printf(b, ", %" PRIu64 " retries", p->retries);
    if (rc == 0 && p->passed_over > 0) rc = buf_printf(b, ", %" PRIu64 " passed over", p->passed_over);
    if (rc == 0 && p->replaced > 0) rc = buf_printf(b, ", %" PRIu64 " replaced", p->replaced);
    return rc;
}

static int totals_text(const struct progress *p, const char *tool, double seconds, struct buf *b) {
    char in[SIZE_TEXT_MAX], out[SIZE_TEXT_MAX];
    size_format(in, p->bytes_in);
    size_format(out, p->bytes_out);
    int rc = buf_printf(b, "%s: %" PRIu64 " records (%s) in, ", tool, p->records_in, in);
    if (rc == 0 && p->delivers)
        rc = delivery_text(p, b);
    else if (rc == 0)
        rc = buf_printf(b, "%" PRIu64 " records (%s) out", p->records_out, out);
    if (rc == 0 && p->bad > 0) rc = buf_printf(b, ", %" PRIu64 " bad", p->bad);
    if (rc == 0 && p->late > 0) rc = buf_printf(b, ", %" PRIu64 " late", p->late);
    if (rc == 0 && p->dropped > 0) rc = buf_printf(b, ", %" PRIu64 " dropped", p->dropped);
    if (rc == 0 && p->barriers > 0)
        rc = buf_printf(b, ", %" PRIu64 " barrier%s left out", p->barriers, p->barriers > 1 ? "s" : "");
    if (rc == 0 && p->state_bytes > 0) {
        size_format(in, p->state_bytes);
        rc = buf_printf(b, ", at most %s of state", in);
    }
    if (rc == 0 && p->has_watermark) {
        char at[TIME_TEXT_MAX];
        (void)time_format_rfc3339(p->watermark_ns, at);
        rc = buf_printf(b, ", watermark %s", at);
    }
    if (rc == 0 && p->held_by) rc = buf_printf(b, ", held back by %s", p->held_by);
    if (rc == 0 && p->held_by && p->held_back_ns >= 0)
        rc = buf_printf(b, " (%.3f s)", (double)p->held_back_ns / (double)NS_PER_S);
    return rc < 0 ? rc : buf_printf(b, ", %.3f s", seconds);
}

static int totals_json(const struct progress *p, const char *tool, double seconds, struct buf *b) {
    int rc = buf_printf(b,
                        "{\"tool\":\"%s\",\"records_in\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",\"records_out\":%" PRIu64
                        ",\"bytes_out\":%" PRIu64 ",\"bad\":%" PRIu64 ",\"late\":%" PRIu64,
                        tool, p->records_in, p->bytes_in, p->records_out, p->bytes_out, p->bad, p->late);
    if (rc == 0 && p->may_drop) rc = buf_printf(b, ",\"dropped\":%" PRIu64, p->dropped);
    if (rc == 0 && p->barriers > 0) rc = buf_printf(b, ",\"barriers\":%" PRIu64, p->barriers);
    if (rc == 0 && p->state_bytes > 0) rc = buf_printf(b, ",\"state_bytes\":%" PRIu64, p->state_bytes);
    if (rc == 0 && p->delivers)
        rc = buf_printf(b,
                        ",\"sent\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"in_flight\":%" PRIu64
                        ",\"retries\":%" PRIu64 ",\"passed_over\":%" PRIu64 ",\"replaced\":%" PRIu64,
                        p->sent, p->accepted, p->refused, p->in_flight, p->retries, p->passed_over, p->replaced);
    if (rc == 0 && p->has_event_time) {
        char at[TIME_TEXT_MAX];
        (void)time_format_rfc3339(p->event_time_ns, at);
        rc = buf_printf(b, ",\"event_time\":\"%s\"", at);
    }
    if (rc == 0 && p->has_watermark) {
        char at[TIME_TEXT_MAX];
        (void)time_format_rfc3339(p->watermark_ns, at);
        rc = buf_printf(b, ",\"watermark\":\"%s\"", at);
    }
    /* topic/partition: no name of a topic needs escapes */
    if (rc == 0 && p->held_by) rc = buf_printf(b, ",\"held_by\":\"%s\"", p->held_by);
    if (rc == 0 && p->held_by && p->held_back_ns >= 0)
        rc = buf_printf(b, ",\"held_back_seconds\":%.9g", (double)p->held_back_ns / (double)NS_PER_S);
    return rc < 0 ? rc : buf_printf(b, ",\"seconds\":%.3f}", seconds);
}

int progress_totals(const struct progress *p, const char *tool, bool json, int64_t elapsed_ns, struct buf *b) {
    double seconds = (double)elapsed_ns / (double)NS_PER_S;
    return json ? totals_json(p, tool, seconds, b) : totals_text(p, tool, seconds, b);
}

void progress_end(struct progress *p) {
    if (p->shown) diag_status(NULL);
    p->shown = false;
    if (p->stats == 0) return;
    struct buf b = {0};
    int rc = progress_totals(p, diag_name(), p->stats == 2, clock_ns(CLOCK_MONOTONIC) - p->started_ns, &b);
    const char *text = rc == 0 ? buf_cstr(&b) : NULL;
    if (text) diag_print("%s", text);
    buf_release(&b);
}

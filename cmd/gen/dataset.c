/* SPDX-License-Identifier: Apache-2.0 */
/* What the data sets share: configuration, times, bad records. See the header. */
#include "dataset.h"

#include "base/timefmt.h"
#include "text.h"

#define CLOCK_STOPS_NS ((GEN_LAST_MS - 999) * NS_PER_MS - 1)
#define FAR_FUTURE "2196" /* a leap year: each day is there */

void gen_config_defaults(struct gen_config *c) {
    *c = (struct gen_config){.start_ns = INT64_C(1767225600) * NS_PER_S,
                             .rate = 100,
                             .users = 100000,
                             .sensors = 20,
                             .late_ppm = 50000,
                             .late_max_ns = 5 * NS_PER_S};
}

int gen_config_check(const struct gen_config *c, struct err *e) {
    if (c->rate < 1 || c->rate > 1000000000) return err_set(e, G_USAGE, "the rate is 1 to 1000000000 a second");
    if (c->users < 1 || c->users > 1000000000) return err_set(e, G_USAGE, "there are 1 to 1000000000 users");
    if (c->sensors < 1 || c->sensors > 1000000000) return err_set(e, G_USAGE, "there are 1 to 1000000000 sensors");
    if (c->late_ppm > GEN_PPM || c->bad_ppm > GEN_PPM) return err_set(e, G_USAGE, "a share is at most 100 %%");
    if (c->late_ppm > 0 && (c->late_max_ns < NS_PER_MS || c->late_max_ns > 365 * NS_PER_DAY))
        return err_set(e, G_USAGE, "records can be late by 1ms to 365d");
    if (c->start_ns < TIME_MIN + 366 * NS_PER_DAY || c->start_ns / NS_PER_MS > GEN_LAST_MS)
        return err_set(e, G_USAGE, "the start is in the years 1680 to 2261");
    return 0;
}

/* --- Times ------------------------------------------------------------------------------------------------------- */

void gen_clock_init(struct gen_clock *c, const struct gen_config *config) {
    *c = (struct gen_clock){.next_ns = config->start_ns,
                            .rate = config->rate,
                            .step_ns = (uint64_t)NS_PER_S / config->rate,
                            .step_rest = (uint64_t)NS_PER_S % config->rate};
}

void gen_clock_skip(struct gen_clock *c, int64_t until_ns) {
    if (c->next_ns < until_ns) c->next_ns = until_ns;
    if (c->next_ns > CLOCK_STOPS_NS) c->next_ns = CLOCK_STOPS_NS;
}

bool gen_clock_stopped(const struct gen_clock *c) {
    return c->next_ns == CLOCK_STOPS_NS;
}

int64_t gen_clock_next_ms(struct gen_clock *c, uint32_t jitter) {
    int64_t t = c->next_ns + (int64_t)(((uint64_t)jitter * c->step_ns) >> 32);
    c->rest += c->step_rest;
    c->next_ns += (int64_t)c->step_ns + (c->rest >= c->rate);
    if (c->rest >= c->rate) c->rest -= c->rate;
    if (c->next_ns > CLOCK_STOPS_NS) c->next_ns = CLOCK_STOPS_NS;
    return t / NS_PER_MS - (t % NS_PER_MS < 0);
}

void gen_late_init(struct gen_late *l, const struct gen_config *config) {
    l->ppm = config->late_ppm;
    l->max_ms = (uint64_t)(config->late_max_ns / NS_PER_MS);
    rng_init(&l->rng, config->seed ^ 0x6c617465);
}

int64_t gen_late_ms(struct gen_late *l, int64_t ms) {
    if (l->ppm == 0 || rng_below(&l->rng, GEN_PPM) >= l->ppm) return ms;
    return ms - 1 - (int64_t)rng_below(&l->rng, l->max_ms);
}

static void date_set(struct gen_date *d, int64_t ms) {
    const int64_t day_ms = NS_PER_DAY / NS_PER_MS;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    char text[TIME_TEXT_MAX];
    time_format_rfc3339(days * NS_PER_DAY, text);
    memcpy(d->text, "{\"ts\":\"", 7);
    memcpy(d->text + 7, text, GEN_DATE - 7);
    d->begin_ms = days * day_ms;
}

void gen_date_init(struct gen_date *d, int64_t ns) {
    date_set(d, ns / NS_PER_MS);
}

char *gen_put_time(struct gen_date *d, char *p, int64_t ms) {
    int64_t in_day = ms - d->begin_ms;
    if (in_day < 0 || in_day >= NS_PER_DAY / NS_PER_MS) {
        date_set(d, ms);
        in_day = ms - d->begin_ms;
    }
    memcpy(p, d->text, GEN_DATE);
    p += GEN_DATE;
    unsigned v = (unsigned)in_day, seconds = v / 1000, thousandths = v % 1000;
    p = gen_put_pair(p, seconds / 3600);
    *p++ = ':';
    p = gen_put_pair(p, seconds / 60 % 60);
    *p++ = ':';
    p = gen_put_pair(p, seconds % 60);
    *p++ = '.';
    *p++ = (char)('0' + thousandths / 100);
    p = gen_put_pair(p, thousandths % 100);
    *p++ = 'Z';
    return p;
}

/* --- Bad records ------------------------------------------------------------------------------------------------- */

void gen_bad_init(struct gen_bad *b, const struct gen_config *config) {
    b->ppm = config->bad_ppm;
    rng_init(&b->rng, config->seed ^ 0x626164);
}

/* Another value for the number. */
static char *number_replace(const struct gen_places *at, char *end, const char *value) {
    size_t n = strlen(value);
    memmove(at->number + n, at->number_end, (size_t)(end - at->number_end));
    memcpy(at->number, value, n);
    return end - (at->number_end - at->number) + (ptrdiff_t)n;
}

static char *record_cut(struct gen_bad *b, char *begin, const char *end) {
    return begin + 1 + rng_below(&b->rng, (uint64_t)(end - begin - 1));
}

enum gen_kind gen_spoil(struct gen_bad *b, char *begin, char **end, const struct gen_places *at, int64_t *time_ns) {
    if (b->ppm == 0 || rng_below(&b->rng, GEN_PPM) >= b->ppm) return GEN_GOOD;
    enum gen_kind kind = (enum gen_kind)(1 + rng_below(&b->rng, GEN_KINDS - 1));
    if (at->timeless && (kind == GEN_NO_TIME || kind == GEN_FUTURE)) kind = GEN_CUT;
    switch (kind) {
    case GEN_CUT: *end = record_cut(b, begin, *end); break;
    case GEN_UTF8: *at->text = (char)0xFF; break;
    case GEN_CONTROL: *at->text = '\a'; break;
    case GEN_DUPLICATE: *end = gen_put_text(*end - 1, at->twice); break;
    case GEN_TYPE: *end = number_replace(at, *end, "\"slow\""); break;
    case GEN_NAN: *end = number_replace(at, *end, "NaN"); break;
    case GEN_NO_TIME: memcpy(begin + 7, "yesterday, at about noon", 24); break;
    case GEN_FUTURE:
        memcpy(begin + 7, FAR_FUTURE, 4);
        if (time_parse(begin + 7, 24, NULL, time_ns, NULL) < 0) return kind; /* outputs are set on success only */
        break;
    default: *end = gen_put_text(begin, "ERROR upstream timed out, giving up"); break;
    }
    return kind;
}

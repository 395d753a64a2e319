/* SPDX-License-Identifier: Apache-2.0 */
/* Readings of made-up sensors. See the header. Temperatures are in thousandths of a degree, times in milliseconds. */
#include "sensors.h"

#include "base/timefmt.h"
#include "text.h"

enum { SPAN_MS = 600000, MINUTE_MS = 60000 };

/* What happens to a sensor in the span of ten minutes that a time lies in. */
struct span {
    int64_t begin_ms;
    int64_t silent_from_ms, silent_to_ms;
    int64_t peak_ms; /* its middle; it is a minute wide to both sides */
    int32_t peak;
};

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static struct span span_of(const struct sensors *s, uint32_t sensor, int64_t ms) {
    struct span span = {.begin_ms = floor_div(ms, SPAN_MS) * SPAN_MS};
    uint64_t bits = gen_mix(gen_mix(s->seed ^ 0x7370616e, sensor), (uint64_t)span.begin_ms);
    uint32_t fate = gen_below((uint32_t)bits, 120), where = (uint32_t)(bits >> 32);
    if (fate < 4) {
        span.silent_from_ms = span.begin_ms + gen_below(where, 2 * MINUTE_MS);
        span.silent_to_ms = span.silent_from_ms + (2 + gen_below(where << 8, 7)) * MINUTE_MS;
    } else if (fate < 7) {
        span.peak_ms = span.begin_ms + MINUTE_MS + gen_below(where, SPAN_MS - 2 * MINUTE_MS);
        span.peak = (int32_t)(12000 + gen_below(where << 8, 18000));
    }
    return span;
}

/* -1000 .. 1000 over the period: two parabolas, which look like a sine. */
static int32_t wave(int64_t ms, int64_t period_ms) {
    int64_t half = period_ms / 2, at = ms - floor_div(ms, period_ms) * period_ms, x = at % half;
    int32_t height = (int32_t)(4000 * x / half * (half - x) / half);
    return at < half ? height : -height;
}

static int32_t peak_at(const struct span *span, int64_t ms) {
    int64_t off = ms > span->peak_ms ? ms - span->peak_ms : span->peak_ms - ms;
    return span->peak == 0 || off >= MINUTE_MS ? 0 : (int32_t)(span->peak * (MINUTE_MS - off) / MINUTE_MS);
}

/* The next sensor that is not silent, and when. With all of the few sensors silent, time goes on to the first end. */
static uint32_t sensor_next(struct sensors *s, int64_t *ret_ms, struct span *ret_span) {
    int64_t first_end = INT64_MAX;
    for (uint32_t tried = 1;; tried++) {
        uint32_t sensor = s->turn;
        s->turn = sensor + 1 == s->count ? 0 : sensor + 1;
        *ret_ms = gen_clock_next_ms(&s->clock, (uint32_t)rng_next(&s->shape));
        *ret_span = span_of(s, sensor, *ret_ms);
        bool silent = *ret_ms >= ret_span->silent_from_ms && *ret_ms < ret_span->silent_to_ms;
        if (!silent || gen_clock_stopped(&s->clock)) return sensor;
        if (ret_span->silent_to_ms < first_end) first_end = ret_span->silent_to_ms;
        if (tried % s->count == 0) gen_clock_skip(&s->clock, first_end * NS_PER_MS);
    }
}

int sensors_init(struct sensors *s, const struct gen_config *config, struct err *e) {
    int rc = gen_config_check(config, e);
    if (rc < 0) return rc;
    *s = (struct sensors){.seed = config->seed, .count = config->sensors};
    rng_init(&s->shape, config->seed ^ 0x73656e73);
    gen_clock_init(&s->clock, config);
    gen_late_init(&s->late, config);
    gen_bad_init(&s->bad, config);
    gen_date_init(&s->date, config->start_ns);
    return 0;
}

struct reading {
    int32_t temperature, humidity, battery;
};

static struct reading reading_at(struct sensors *s, uint32_t sensor, int64_t ms, const struct span *span) {
    uint64_t own = gen_mix(s->seed ^ 0x6f776e, sensor), noise = rng_next(&s->shape);
    int64_t period = (int64_t)(4 + (own & 7)) * 60 * MINUTE_MS, shifted = ms + (int64_t)(own >> 8 & 0x7FFFFFFF);
    int32_t swing = wave(shifted, period), mean = (int32_t)(16000 + gen_below((uint32_t)(own >> 32), 8000));
    int64_t sevens = floor_div(shifted, 7 * 60 * MINUTE_MS), used = sevens - floor_div(sevens, 91) * 91;
    int32_t jitter = __builtin_popcountll(noise) - 32; /* bell-shaped, about 4 either way */
    return (struct reading){.temperature = (mean + swing * 3 + jitter * 40 + peak_at(span, ms)) / 10 * 10,
                            .humidity = (50000 - swing * 8 + (int32_t)(noise & 0x3FF)) / 100 * 100,
                            .battery = (int32_t)(100 - used)};
}

enum gen_kind sensors_next(struct sensors *s, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns) {
    static const char *const sites[] = {"north", "east", "south", "west"};
    struct gen_places at = {.twice = ",\"battery\":100}"};
    struct span span;
    int64_t place_ms, ms;
    uint32_t sensor = sensor_next(s, &place_ms, &span);
    struct reading reading = reading_at(s, sensor, place_ms, &span);
    ms = gen_late_ms(&s->late, place_ms);
    char *end = gen_put_time(&s->date, out, ms);
    end = gen_put_text(end, "\",\"sensor\":\"s");
    at.text = end;
    end = gen_put_u64(end, sensor);
    end = gen_put_text(gen_put_text(end, "\",\"site\":\""), sites[sensor % 4]);
    end = gen_put_text(end, "\",\"temperature\":");
    at.number = end;
    end = gen_put_thousandths(end, (uint32_t)reading.temperature);
    at.number_end = end;
    end = gen_put_thousandths(gen_put_text(end, ",\"humidity\":"), (uint32_t)reading.humidity);
    end = gen_put_u64(gen_put_text(end, ",\"battery\":"), (uint64_t)reading.battery);
    *end++ = '}';
    *ret_time_ns = ms * NS_PER_MS;
    enum gen_kind kind = gen_spoil(&s->bad, out, &end, &at, ret_time_ns);
    *ret_len = (size_t)(end - out);
    return kind;
}

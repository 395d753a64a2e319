/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made-up page views. See the header for their shape.
 *
 * A record is put together from pieces of fixed size that are copied whole and overlap, so that most of the work is a
 * few dozen moves; only times and numbers are printed.
 */
#include "clicks.h"

#include <string.h>

#include "base/number.h"
#include "base/timefmt.h"

#define LAST_NS (INT64_C(9214646400) * NS_PER_S - 1) /* 2261 ends */
#define FAR_FUTURE "2196"                            /* a leap year: each day is there */

/* --- Pieces ------------------------------------------------------------------------------------------------------ */

enum { PIECE = 64 };

struct piece {
    uint8_t weight; /* of 256 */
    uint8_t len;
    char text[PIECE];
};
#define P(weight, text)                                                                                                \
    { weight, sizeof(text) - 1, text }

static const struct piece pages[] = {
    P(70, "\",\"page\":\"product\",\"url\":\"/shop/product/"),
    P(52, "\",\"page\":\"home\",\"url\":\"/shop/"),
    P(45, "\",\"page\":\"search\",\"url\":\"/shop/search/"),
    P(35, "\",\"page\":\"category\",\"url\":\"/shop/category/"),
    P(22, "\",\"page\":\"cart\",\"url\":\"/shop/cart/"),
    P(12, "\",\"page\":\"checkout\",\"url\":\"/shop/checkout/"),
    P(12, "\",\"page\":\"account\",\"url\":\"/shop/account/"),
    P(8, "\",\"page\":\"help\",\"url\":\"/shop/help/"),
};
static const uint32_t page_numbers[] = {10000, 0, 2000, 100, 0, 0, 0, 40}; /* 0: the URL has none */
enum { PAGE_CHECKOUT = 5 };

static const struct piece referrers[] = {
    P(148, "\",\"status\":"),
    P(48, "?utm_campaign=mail\",\"status\":"),
    P(40, "?utm_campaign=search\",\"status\":"),
    P(20, "?ad=7&lang=en\",\"status\":"),
};

static const struct piece statuses[] = {
    P(216, "200,\"latency_ms\":"), P(3, "301,\"latency_ms\":"), P(3, "302,\"latency_ms\":"),
    P(12, "304,\"latency_ms\":"),  P(3, "400,\"latency_ms\":"), P(10, "404,\"latency_ms\":"),
    P(2, "429,\"latency_ms\":"),   P(4, "500,\"latency_ms\":"), P(1, "502,\"latency_ms\":"),
    P(2, "503,\"latency_ms\":"),
};
enum { STATUS_304 = 3, STATUS_500 = 7 };

#define COUNTRY(weight, code) P(weight, ",\"country\":\"" code "\",\"device\":{\"os\":\"")
static const struct piece countries[] = {
    COUNTRY(58, "US"), COUNTRY(30, "IN"), COUNTRY(22, "DE"), COUNTRY(20, "GB"), COUNTRY(18, "BR"),
    COUNTRY(16, "FR"), COUNTRY(14, "JP"), COUNTRY(12, "CA"), COUNTRY(10, "IT"), COUNTRY(10, "ES"),
    COUNTRY(8, "MX"),  COUNTRY(7, "AU"),  COUNTRY(6, "NL"),  COUNTRY(6, "PL"),  COUNTRY(5, "SE"),
    COUNTRY(4, "CH"),  COUNTRY(4, "AT"),  COUNTRY(3, "ZA"),  COUNTRY(2, "NZ"),  COUNTRY(1, "IS"),
};

#define DEVICE(weight, os, browser) P(weight, os "\",\"browser\":\"" browser "\"},\"tags\":[")
static const struct piece devices[] = {
    DEVICE(86, "android", "chrome"), DEVICE(62, "ios", "safari"),     DEVICE(46, "windows", "chrome"),
    DEVICE(16, "windows", "edge"),   DEVICE(14, "macos", "safari"),   DEVICE(12, "macos", "chrome"),
    DEVICE(8, "linux", "firefox"),   DEVICE(7, "windows", "firefox"), DEVICE(5, "android", "firefox"),
};

static const struct piece tag_lists[] = {
    P(36, "],\"bytes\":"),
    P(50, "\"new\"],\"bytes\":"),
    P(46, "\"mobile\"],\"bytes\":"),
    P(64, "\"mobile\",\"returning\"],\"bytes\":"),
    P(24, "\"sale\",\"new\"],\"bytes\":"),
    P(16, "\"beta\",\"returning\"],\"bytes\":"),
    P(12, "\"vip\",\"mobile\",\"sale\"],\"bytes\":"),
    P(8, "\"beta\",\"vip\",\"r\\u00e9gion\"],\"bytes\":"),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The weights of a list are 256 together. */
static void choice_fill(uint8_t choice[256], const struct piece *list, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (unsigned w = 0; w < list[i].weight && at < 256; w++) choice[at++] = (uint8_t)i;
}

static inline char *put_piece(char *p, const struct piece *piece) {
    memcpy(p, piece->text, PIECE);
    return p + piece->len;
}

/* --- Set-up ------------------------------------------------------------------------------------------------------ */

void clicks_defaults(struct clicks_config *c) {
    *c = (struct clicks_config){.start_ns = INT64_C(1767225600) * NS_PER_S,
                                .rate = 100,
                                .users = 100000,
                                .late_ppm = 50000,
                                .late_max_ns = 5 * NS_PER_S};
}

static int config_check(const struct clicks_config *c, struct err *e) {
    if (c->rate < 1 || c->rate > 1000000000) return err_set(e, G_USAGE, "the rate is 1 to 1000000000 a second");
    if (c->users < 1 || c->users > 1000000000) return err_set(e, G_USAGE, "there are 1 to 1000000000 users");
    if (c->late_ppm > CLICKS_PPM || c->bad_ppm > CLICKS_PPM) return err_set(e, G_USAGE, "a share is at most 100 %%");
    if (c->late_ppm > 0 && (c->late_max_ns < NS_PER_MS || c->late_max_ns > 365 * NS_PER_DAY))
        return err_set(e, G_USAGE, "records can be late by 1ms to 365d");
    if (c->start_ns < TIME_MIN + 366 * NS_PER_DAY || c->start_ns > LAST_NS)
        return err_set(e, G_USAGE, "the start is in the years 1680 to 2261");
    return 0;
}

/* The record's beginning, to the day, for the day of this time. */
static void date_set(struct clicks *c, int64_t ms) {
    const int64_t day_ms = NS_PER_DAY / NS_PER_MS;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    char text[TIME_TEXT_MAX];
    time_format_rfc3339(days * NS_PER_DAY, text);
    memcpy(c->date, "{\"ts\":\"", 7);
    memcpy(c->date + 7, text, CLICKS_DATE - 7);
    c->date_begin_ms = days * day_ms;
}

int clicks_init(struct clicks *c, const struct clicks_config *config, struct err *e) {
    int rc = config_check(config, e);
    if (rc < 0) return rc;
    *c = (struct clicks){.config = *config,
                         .next_ns = config->start_ns,
                         .step_ns = (uint64_t)NS_PER_S / config->rate,
                         .step_rest = (uint64_t)NS_PER_S % config->rate};
    rng_init(&c->shape, config->seed);
    rng_init(&c->late, config->seed ^ 0x6c617465);
    rng_init(&c->bad, config->seed ^ 0x626164);
    choice_fill(c->page, pages, COUNT(pages));
    choice_fill(c->referrer, referrers, COUNT(referrers));
    choice_fill(c->status, statuses, COUNT(statuses));
    choice_fill(c->country, countries, COUNT(countries));
    choice_fill(c->device, devices, COUNT(devices));
    choice_fill(c->tags, tag_lists, COUNT(tag_lists));
    date_set(c, config->start_ns / NS_PER_MS);
    return 0;
}

/* --- Times ------------------------------------------------------------------------------------------------------- */

/* In milliseconds, jitter and lateness included. */
static int64_t time_next_ms(struct clicks *c, uint32_t jitter) {
    int64_t t = c->next_ns + (int64_t)(((uint64_t)jitter * c->step_ns) >> 32);
    c->rest += c->step_rest;
    c->next_ns += (int64_t)c->step_ns + (c->rest >= c->config.rate);
    if (c->rest >= c->config.rate) c->rest -= c->config.rate;
    if (c->next_ns > LAST_NS - NS_PER_S) c->next_ns = LAST_NS - NS_PER_S;
    int64_t ms = t / NS_PER_MS - (t % NS_PER_MS < 0);
    if (c->config.late_ppm == 0 || rng_below(&c->late, CLICKS_PPM) >= c->config.late_ppm) return ms;
    return ms - 1 - (int64_t)rng_below(&c->late, (uint64_t)(c->config.late_max_ns / NS_PER_MS));
}

static inline char *put_pair(char *p, unsigned v) {
    memcpy(p, number_pairs + 2 * v, 2);
    return p + 2;
}

static char *put_time(struct clicks *c, char *p, int64_t ms) {
    int64_t in_day = ms - c->date_begin_ms;
    if (in_day < 0 || in_day >= NS_PER_DAY / NS_PER_MS) {
        date_set(c, ms);
        in_day = ms - c->date_begin_ms;
    }
    memcpy(p, c->date, CLICKS_DATE);
    p += CLICKS_DATE;
    unsigned v = (unsigned)in_day, seconds = v / 1000, thousandths = v % 1000;
    p = put_pair(p, seconds / 3600);
    *p++ = ':';
    p = put_pair(p, seconds / 60 % 60);
    *p++ = ':';
    p = put_pair(p, seconds % 60);
    *p++ = '.';
    *p++ = (char)('0' + thousandths / 100);
    p = put_pair(p, thousandths % 100);
    *p++ = 'Z';
    return p;
}

/* --- Records ----------------------------------------------------------------------------------------------------- */

static inline unsigned below(uint32_t random, uint32_t n) {
    return (unsigned)(((uint64_t)random * n) >> 32);
}

/* Microseconds as milliseconds: 5832 is 5.832, 5800 is 5.8, 5000 is 5.0. */
static char *put_latency(char *p, uint32_t us) {
    unsigned thousandths = us % 1000;
    p += number_format_u64(p, us / 1000);
    *p++ = '.';
    *p++ = (char)('0' + thousandths / 100);
    put_pair(p, thousandths % 100);
    return p + (thousandths % 10 != 0 ? 2 : thousandths % 100 != 0 ? 1 : 0);
}

/* Bell-shaped in its logarithm: 2^k with k the sum of 24 coins, and even between two powers. Errors are slower. */
static uint32_t latency_us(uint64_t random, unsigned status, unsigned page) {
    unsigned k = (unsigned)__builtin_popcount((uint32_t)random & 0xFFFFFF);
    uint32_t us = (1u << k) + ((uint32_t)(random >> 32) & ((1u << k) - 1));
    return us << ((status >= STATUS_500) + (page == PAGE_CHECKOUT));
}

/* The product of two even numbers: half of the views come from a fifth of the users. */
static uint32_t user_choose(const struct clicks *c, uint64_t random) {
    uint64_t both = (random & 0xFFFFFFFF) * (random >> 32) >> 32;
    return below((uint32_t)both, c->config.users);
}

/* Which strings the bad kinds spoil, and how; told by where they are in the record. */
struct places {
    char *user, *latency, *latency_end;
};

static char *put_record(struct clicks *c, char *p, int64_t ms, struct places *at) {
    static const char user_begins[] = "\",\"user\":\"u";
    uint64_t choices = rng_next(&c->shape), numbers = rng_next(&c->shape), speed = rng_next(&c->shape);
    unsigned page = c->page[choices & 0xFF], status = c->status[choices >> 8 & 0xFF];
    p = put_time(c, p, ms);
    memcpy(p, user_begins, sizeof user_begins - 1);
    p += sizeof user_begins - 1;
    at->user = p;
    p += number_format_u64(p, user_choose(c, rng_next(&c->shape)));
    p = put_piece(p, &pages[page]);
    if (page_numbers[page] != 0) p += number_format_u64(p, below((uint32_t)numbers, page_numbers[page]));
    p = put_piece(p, &referrers[c->referrer[choices >> 40 & 0xFF]]);
    p = put_piece(p, &statuses[status]);
    at->latency = p;
    p = put_latency(p, latency_us(speed, status, page));
    at->latency_end = p;
    p = put_piece(p, &countries[c->country[choices >> 16 & 0xFF]]);
    p = put_piece(p, &devices[c->device[choices >> 24 & 0xFF]]);
    p = put_piece(p, &tag_lists[c->tags[choices >> 32 & 0xFF]]);
    p += number_format_u64(p, status == STATUS_304 ? 0 : 180 + below((uint32_t)(numbers >> 32), 90000));
    *p++ = '}';
    return p;
}

static char *put_text(char *p, const char *text) {
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

/* Another value for latency_ms. */
static char *latency_replace(const struct places *at, char *end, const char *value) {
    size_t n = strlen(value);
    memmove(at->latency + n, at->latency_end, (size_t)(end - at->latency_end));
    memcpy(at->latency, value, n);
    return end - (at->latency_end - at->latency) + (ptrdiff_t)n;
}

/* Spoil the record begin..end; its new end. */
static char *record_spoil(struct clicks *c, enum clicks_kind kind, char *begin, char *end, const struct places *at) {
    switch (kind) {
    case CLICK_CUT: return begin + 1 + rng_below(&c->bad, (uint64_t)(end - begin - 1));
    case CLICK_UTF8: *at->user = (char)0xFF; return end;
    case CLICK_CONTROL: *at->user = '\a'; return end;
    case CLICK_DUPLICATE: return put_text(end - 1, ",\"status\":200}");
    case CLICK_TYPE: return latency_replace(at, end, "\"slow\"");
    case CLICK_NAN: return latency_replace(at, end, "NaN");
    case CLICK_NO_TIME: memcpy(begin + 7, "yesterday, at about noon", 24); return end;
    case CLICK_FUTURE: memcpy(begin + 7, FAR_FUTURE, 4); return end;
    default: return put_text(begin, "ERROR upstream timed out, giving up");
    }
}

/* The time with the year replaced. */
static int64_t future_ns(const char *record, int64_t otherwise) {
    int64_t t;
    return time_parse(record + 7, 24, NULL, &t, NULL) == 0 ? t : otherwise;
}

enum clicks_kind clicks_next(struct clicks *c, char out[CLICKS_MAX], size_t *ret_len, int64_t *ret_time_ns) {
    struct places at;
    int64_t ms = time_next_ms(c, (uint32_t)rng_next(&c->shape));
    char *end = put_record(c, out, ms, &at);
    enum clicks_kind kind = CLICK_GOOD;
    *ret_time_ns = ms * NS_PER_MS;
    if (c->config.bad_ppm != 0 && rng_below(&c->bad, CLICKS_PPM) < c->config.bad_ppm) {
        kind = (enum clicks_kind)(1 + rng_below(&c->bad, CLICKS_KINDS - 1));
        end = record_spoil(c, kind, out, end, &at);
        if (kind == CLICK_FUTURE) *ret_time_ns = future_ns(out, *ret_time_ns);
    }
    *ret_len = (size_t)(end - out);
    return kind;
}

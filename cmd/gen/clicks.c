/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up page views. See the header for their shape. */
#include "clicks.h"

#include "base/timefmt.h"
#include "text.h"

/* --- Pieces ------------------------------------------------------------------------------------------------------ */

static const struct gen_piece pages[] = {
    GEN_P(70, "\",\"page\":\"product\",\"url\":\"/shop/product/"),
    GEN_P(52, "\",\"page\":\"home\",\"url\":\"/shop/"),
    GEN_P(45, "\",\"page\":\"search\",\"url\":\"/shop/search/"),
    GEN_P(35, "\",\"page\":\"category\",\"url\":\"/shop/category/"),
    GEN_P(22, "\",\"page\":\"cart\",\"url\":\"/shop/cart/"),
    GEN_P(12, "\",\"page\":\"checkout\",\"url\":\"/shop/checkout/"),
    GEN_P(12, "\",\"page\":\"account\",\"url\":\"/shop/account/"),
    GEN_P(8, "\",\"page\":\"help\",\"url\":\"/shop/help/"),
};
static const uint32_t page_numbers[] = {CLICK_PRODUCTS, 0, 2000, 100, 0, 0, 0, 40}; /* 0: the URL has none */
enum { PAGE_PRODUCT = 0, PAGE_CHECKOUT = 5 };

static const struct gen_piece referrers[] = {
    GEN_P(148, "\",\"status\":"),
    GEN_P(48, "?utm_campaign=mail\",\"status\":"),
    GEN_P(40, "?utm_campaign=search\",\"status\":"),
    GEN_P(20, "?ad=7&lang=en\",\"status\":"),
};

static const struct gen_piece statuses[] = {
    GEN_P(216, "200,\"latency_ms\":"), GEN_P(3, "301,\"latency_ms\":"), GEN_P(3, "302,\"latency_ms\":"),
    GEN_P(12, "304,\"latency_ms\":"),  GEN_P(3, "400,\"latency_ms\":"), GEN_P(10, "404,\"latency_ms\":"),
    GEN_P(2, "429,\"latency_ms\":"),   GEN_P(4, "500,\"latency_ms\":"), GEN_P(1, "502,\"latency_ms\":"),
    GEN_P(2, "503,\"latency_ms\":"),
};
enum { STATUS_200 = 0, STATUS_304 = 3, STATUS_500 = 7 };

#define COUNTRY(weight, code) GEN_P(weight, ",\"country\":\"" code "\",\"device\":{\"os\":\"")
static const struct gen_piece countries[] = {
    COUNTRY(58, "US"), COUNTRY(30, "IN"), COUNTRY(22, "DE"), COUNTRY(20, "GB"), COUNTRY(18, "BR"),
    COUNTRY(16, "FR"), COUNTRY(14, "JP"), COUNTRY(12, "CA"), COUNTRY(10, "IT"), COUNTRY(10, "ES"),
    COUNTRY(8, "MX"),  COUNTRY(7, "AU"),  COUNTRY(6, "NL"),  COUNTRY(6, "PL"),  COUNTRY(5, "SE"),
    COUNTRY(4, "CH"),  COUNTRY(4, "AT"),  COUNTRY(3, "ZA"),  COUNTRY(2, "NZ"),  COUNTRY(1, "IS"),
};

#define DEVICE(weight, os, browser) GEN_P(weight, os "\",\"browser\":\"" browser "\"},\"tags\":[")
static const struct gen_piece devices[] = {
    DEVICE(86, "android", "chrome"), DEVICE(62, "ios", "safari"),     DEVICE(46, "windows", "chrome"),
    DEVICE(16, "windows", "edge"),   DEVICE(14, "macos", "safari"),   DEVICE(12, "macos", "chrome"),
    DEVICE(8, "linux", "firefox"),   DEVICE(7, "windows", "firefox"), DEVICE(5, "android", "firefox"),
};

static const struct gen_piece tag_lists[] = {
    GEN_P(36, "],\"bytes\":"),
    GEN_P(50, "\"new\"],\"bytes\":"),
    GEN_P(46, "\"mobile\"],\"bytes\":"),
    GEN_P(64, "\"mobile\",\"returning\"],\"bytes\":"),
    GEN_P(24, "\"sale\",\"new\"],\"bytes\":"),
    GEN_P(16, "\"beta\",\"returning\"],\"bytes\":"),
    GEN_P(12, "\"vip\",\"mobile\",\"sale\"],\"bytes\":"),
    GEN_P(8, "\"beta\",\"vip\",\"r\\u00e9gion\"],\"bytes\":"),
};

int clicks_init(struct clicks *c, const struct gen_config *config, struct err *e) {
    int rc = gen_config_check(config, e);
    if (rc < 0) return rc;
    *c = (struct clicks){.users = config->users};
    rng_init(&c->shape, config->seed);
    gen_clock_init(&c->clock, config);
    gen_late_init(&c->late, config);
    gen_bad_init(&c->bad, config);
    gen_date_init(&c->date, config->start_ns);
    gen_choice_fill(c->page, pages, GEN_COUNT(pages));
    gen_choice_fill(c->referrer, referrers, GEN_COUNT(referrers));
    gen_choice_fill(c->status, statuses, GEN_COUNT(statuses));
    gen_choice_fill(c->country, countries, GEN_COUNT(countries));
    gen_choice_fill(c->device, devices, GEN_COUNT(devices));
    gen_choice_fill(c->tags, tag_lists, GEN_COUNT(tag_lists));
    return 0;
}

/* --- Records ----------------------------------------------------------------------------------------------------- */

/* Microseconds, bell-shaped in their logarithm: 2^k with k the sum of 24 coins, and even between two powers. Errors are
 * slower. */
static uint32_t latency_us(uint64_t random, unsigned status, unsigned page) {
    unsigned k = (unsigned)__builtin_popcount((uint32_t)random & 0xFFFFFF);
    uint32_t us = (1u << k) + ((uint32_t)(random >> 32) & ((1u << k) - 1));
    return us << ((status >= STATUS_500) + (page == PAGE_CHECKOUT));
}

/* The product of two even numbers: half of the views come from a fifth of the users. */
static uint32_t user_choose(const struct clicks *c, uint64_t random) {
    uint64_t both = (random & 0xFFFFFFFF) * (random >> 32) >> 32;
    return gen_below((uint32_t)both, c->users);
}

void click_draw(struct clicks *c, struct click *ret) {
    ret->place_ms = gen_clock_next_ms(&c->clock, (uint32_t)rng_next(&c->shape));
    ret->ms = gen_late_ms(&c->late, ret->place_ms);
    ret->choices = rng_next(&c->shape);
    ret->numbers = rng_next(&c->shape);
    ret->speed = rng_next(&c->shape);
    ret->user = user_choose(c, rng_next(&c->shape));
}

static uint32_t page_number(const struct click *click, unsigned page) {
    return gen_below((uint32_t)click->numbers, page_numbers[page]);
}

bool click_of_product(const struct clicks *c, const struct click *click, uint32_t *ret_product) {
    if (c->page[click->choices & 0xFF] != PAGE_PRODUCT || c->status[click->choices >> 8 & 0xFF] != STATUS_200)
        return false;
    *ret_product = page_number(click, PAGE_PRODUCT);
    return true;
}

const char *click_country(const struct clicks *c, const struct click *click) {
    return countries[c->country[click->choices >> 16 & 0xFF]].text + sizeof ",\"country\":\"" - 1;
}

static char *put_record(struct clicks *c, char *p, const struct click *click, struct gen_places *at) {
    static const char user_begins[] = "\",\"user\":\"u";
    uint64_t choices = click->choices;
    unsigned page = c->page[choices & 0xFF], status = c->status[choices >> 8 & 0xFF];
    p = gen_put_time(&c->date, p, click->ms);
    memcpy(p, user_begins, sizeof user_begins - 1);
    p += sizeof user_begins - 1;
    at->text = p;
    p = gen_put_u64(p, click->user);
    p = gen_put_piece(p, &pages[page]);
    if (page_numbers[page] != 0) p = gen_put_u64(p, page_number(click, page));
    p = gen_put_piece(p, &referrers[c->referrer[choices >> 40 & 0xFF]]);
    p = gen_put_piece(p, &statuses[status]);
    at->number = p;
    p = gen_put_thousandths(p, latency_us(click->speed, status, page));
    at->number_end = p;
    p = gen_put_piece(p, &countries[c->country[choices >> 16 & 0xFF]]);
    p = gen_put_piece(p, &devices[c->device[choices >> 24 & 0xFF]]);
    p = gen_put_piece(p, &tag_lists[c->tags[choices >> 32 & 0xFF]]);
    p = gen_put_u64(p, status == STATUS_304 ? 0 : 180 + gen_below((uint32_t)(click->numbers >> 32), 90000));
    *p++ = '}';
    return p;
}

enum gen_kind clicks_next(struct clicks *c, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns) {
    struct gen_places at = {.twice = ",\"status\":200}"};
    struct click click;
    click_draw(c, &click);
    char *end = put_record(c, out, &click, &at);
    *ret_time_ns = click.ms * NS_PER_MS;
    enum gen_kind kind = gen_spoil(&c->bad, out, &end, &at, ret_time_ns);
    *ret_len = (size_t)(end - out);
    return kind;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of the made-up shop. See the header. What a product is follows from the seed and its number alone. */
#include "products.h"

#include "base/timefmt.h"
#include "text.h"

static const char *const colours[] = {"black", "white", "red", "blue", "green", "grey", "yellow", "brown"};
static const char *const materials[] = {"oak", "steel", "glass", "cotton", "wool", "leather", "paper", "bamboo"};

/* Prices of a category lie between `cents` and eight times as much. */
struct noun {
    const char *name, *category;
    uint32_t cents;
};
static const struct noun nouns[] = {
    {"lamp", "home", 1200},        {"shelf", "home", 2500},     {"rug", "home", 3000},      {"mug", "kitchen", 400},
    {"pan", "kitchen", 1500},      {"knife", "kitchen", 900},   {"spade", "garden", 1100},  {"pot", "garden", 300},
    {"bench", "garden", 6000},     {"notebook", "office", 250}, {"pen", "office", 150},     {"chair", "office", 7000},
    {"jacket", "clothes", 4000},   {"scarf", "clothes", 1200},  {"socks", "clothes", 350},  {"ball", "toys", 300},
    {"puzzle", "toys", 700},       {"kite", "toys", 900},       {"tent", "outdoor", 5000},  {"bottle", "outdoor", 600},
    {"rucksack", "outdoor", 3500}, {"speaker", "audio", 2500},  {"headset", "audio", 2000}, {"radio", "audio", 1800},
};

static uint64_t product_bits(uint64_t seed, uint32_t product) {
    return gen_mix(seed ^ 0x70726f64, product);
}

static const struct noun *product_noun(uint64_t bits) {
    return &nouns[gen_below((uint32_t)bits, GEN_COUNT(nouns))];
}

/* Shops end prices in 90 or 99 cents, or in none: each in a third of the cases. */
uint32_t product_price_cents(uint64_t seed, uint32_t product) {
    static const uint8_t ends[] = {90, 99, 100};
    uint64_t bits = product_bits(seed, product);
    uint32_t low = product_noun(bits)->cents;
    uint32_t cents = (low << (bits >> 32 & 1) << (bits >> 33 & 1)) + gen_below((uint32_t)(bits >> 16), low);
    return cents / 100 * 100 + ends[(bits >> 56) % 3];
}

int products_init(struct products *p, const struct gen_config *config, struct err *e) {
    int rc = gen_config_check(config, e);
    if (rc < 0) return rc;
    *p = (struct products){.seed = config->seed};
    gen_bad_init(&p->bad, config);
    return 0;
}

enum gen_kind products_next(struct products *p, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns) {
    uint64_t bits = product_bits(p->seed, p->next);
    const struct noun *noun = product_noun(bits);
    struct gen_places at = {.twice = ",\"price\":1.0}", .timeless = true};
    char *end = gen_put_text(out, "{\"product\":");
    end = gen_put_u64(end, p->next);
    end = gen_put_text(end, ",\"name\":\"");
    at.text = end;
    end = gen_put_text(end, colours[bits >> 50 & 7]);
    *end++ = ' ';
    end = gen_put_text(end, materials[bits >> 53 & 7]);
    *end++ = ' ';
    end = gen_put_text(end, noun->name);
    end = gen_put_text(end, "\",\"category\":\"");
    end = gen_put_text(end, noun->category);
    end = gen_put_text(end, "\",\"price\":");
    at.number = end;
    end = gen_put_thousandths(end, product_price_cents(p->seed, p->next) * 10);
    at.number_end = end;
    *end++ = '}';
    p->next++;
    *ret_time_ns = TIME_NONE;
    enum gen_kind kind = gen_spoil(&p->bad, out, &end, &at, ret_time_ns);
    *ret_len = (size_t)(end - out);
    return kind;
}

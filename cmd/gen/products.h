/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of the shop that the clicks are of: `leat gen products`. It ends after its 10,000 products, whose
 * numbers are those in the addresses of clicks:
 *
 *     {"product":7731,"name":"blue oak lamp","category":"home","price":12.9}
 *
 * Prices are in cents, so the record has up to two decimals. It has no time.
 */
#ifndef LEAT_GEN_PRODUCTS_H
#define LEAT_GEN_PRODUCTS_H

#include "dataset.h"

struct products {
    uint64_t seed;
    struct gen_bad bad;
    uint32_t next;
};

/* G_USAGE as gen_config_check. */
int products_init(struct products *p, const struct gen_config *config, struct err *e) NODISCARD;

/* The next record; its time is TIME_NONE. The caller stops after CLICK_PRODUCTS of them. */
enum gen_kind products_next(struct products *p, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns);

/* What a product costs, for the shop of this seed. */
uint32_t product_price_cents(uint64_t seed, uint32_t product);

#endif

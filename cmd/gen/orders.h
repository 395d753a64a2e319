/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purchases that follow the clicks of the same configuration, and their payments: `leat gen orders` and `leat gen
 * payments`.
 *
 * About one view of a product in twelve is followed, 2 to 256 seconds later, by an order of the same user:
 *
 *     {"ts":"2026-01-01T00:00:09.018Z","order":1,"user":"u48213","product":7731,"quantity":2,"price":12.9,
 *      "amount":25.8,"country":"DE"}
 *
 * `order` counts from 1 in the order of time, `price` is the catalogue's, `amount` is quantity times price, `country`
 * that of the click. 5 of 100 orders are never paid; 85 are after 1 to 64 seconds, the others after 30 minutes to two
 * hours:
 *
 *     {"ts":"2026-01-01T00:00:17.402Z","order":1,"method":"card","amount":25.8}
 *
 * The rate is that of the clicks. Lateness and bad records are as with clicks.
 */
#ifndef LEAT_GEN_ORDERS_H
#define LEAT_GEN_ORDERS_H

#include "clicks.h"
#include "pending.h"

struct orders {
    struct clicks clicks;
    struct pending due;
    struct rng decide;
    uint64_t seed, count;
    int64_t now_ms; /* up to here clicks have been seen */
    struct gen_late late;
    struct gen_bad bad;
    struct gen_date date;
};

struct payments {
    struct orders orders;
    struct pending due;
    struct rng decide;
    int64_t now_ms; /* up to here orders have been seen */
};

/* G_USAGE as gen_config_check, G_NOMEM. After a failure, too, _release is right. */
int orders_init(struct orders *o, const struct gen_config *config, struct err *e) NODISCARD;
void orders_release(struct orders *o);
enum gen_kind orders_next(struct orders *o, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns);

int payments_init(struct payments *p, const struct gen_config *config, struct err *e) NODISCARD;
void payments_release(struct payments *p);
enum gen_kind payments_next(struct payments *p, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purchases and payments. See the header. The clicks are drawn again, without their text; what follows from one waits
 * in a heap until no earlier one can come any more.
 */
#include "orders.h"

#include "base/timefmt.h"
#include "products.h"
#include "text.h"

/* The shortest times from a click to its order, from an order to its payment, and to one that is late. */
enum { ORDER_AFTER_MS = 2000, PAID_AFTER_MS = 1000, PAID_LATE_MS = 1800000 };

/* So much later: between `least` and `least` times 2^doublings, each doubling equally likely. */
static int64_t time_after(int64_t ms, uint64_t random, int64_t least, unsigned doublings) {
    int64_t from = least << gen_below((uint32_t)random, doublings);
    ms += from + gen_below((uint32_t)(random >> 32), (uint32_t)from);
    return ms < GEN_LAST_MS ? ms : GEN_LAST_MS;
}

/* --- Orders ------------------------------------------------------------------------------------------------------ */

int orders_init(struct orders *o, const struct gen_config *config, struct err *e) {
    *o = (struct orders){.seed = config->seed, .now_ms = INT64_MIN};
    int rc = clicks_init(&o->clicks, config, e);
    if (rc < 0) return rc;
    rng_init(&o->decide, config->seed ^ 0x6f72646572);
    gen_late_init(&o->late, config);
    gen_bad_init(&o->bad, config);
    gen_date_init(&o->date, config->start_ns);
    return pending_init(&o->due, e);
}

void orders_release(struct orders *o) {
    pending_release(&o->due);
}

/* Look at the next click, and order what it shows or not. */
static void click_follow(struct orders *o) {
    struct click click;
    struct purchase purchase = {0};
    click_draw(&o->clicks, &click);
    o->now_ms = click.place_ms;
    if (!click_of_product(&o->clicks, &click, &purchase.product)) return;
    uint64_t decision = rng_next(&o->decide), delay = rng_next(&o->decide);
    if (gen_below((uint32_t)decision, 12) != 0) return;
    purchase.ms = time_after(click.place_ms, delay, ORDER_AFTER_MS, 7);
    purchase.user = click.user;
    purchase.country = click_country(&o->clicks, &click);
    purchase.quantity = (uint8_t)(1 + __builtin_ctz((unsigned)(decision >> 32) | 16)); /* half of them 1, at most 5 */
    pending_add(&o->due, &purchase);
}

static void order_draw(struct orders *o, struct purchase *ret) {
    while (!pending_take(&o->due, o->now_ms + ORDER_AFTER_MS, ret)) click_follow(o);
    ret->order = ++o->count;
}

static uint32_t amount_cents(const struct orders *o, const struct purchase *purchase) {
    return product_price_cents(o->seed, purchase->product) * purchase->quantity;
}

enum gen_kind orders_next(struct orders *o, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns) {
    struct gen_places at = {.twice = ",\"quantity\":1}"};
    struct purchase order;
    order_draw(o, &order);
    int64_t ms = gen_late_ms(&o->late, order.ms);
    char *end = gen_put_time(&o->date, out, ms);
    end = gen_put_u64(gen_put_text(end, "\",\"order\":"), order.order);
    end = gen_put_text(end, ",\"user\":\"u");
    at.text = end;
    end = gen_put_u64(end, order.user);
    end = gen_put_u64(gen_put_text(end, "\",\"product\":"), order.product);
    end = gen_put_u64(gen_put_text(end, ",\"quantity\":"), order.quantity);
    end = gen_put_text(end, ",\"price\":");
    end = gen_put_thousandths(end, product_price_cents(o->seed, order.product) * 10);
    end = gen_put_text(end, ",\"amount\":");
    at.number = end;
    end = gen_put_thousandths(end, amount_cents(o, &order) * 10);
    at.number_end = end;
    end = gen_put_text(end, ",\"country\":\"");
    memcpy(end, order.country, 2);
    end = gen_put_text(end + 2, "\"}");
    *ret_time_ns = ms * NS_PER_MS;
    enum gen_kind kind = gen_spoil(&o->bad, out, &end, &at, ret_time_ns);
    *ret_len = (size_t)(end - out);
    return kind;
}

/* --- Payments ---------------------------------------------------------------------------------------------------- */

int payments_init(struct payments *p, const struct gen_config *config, struct err *e) {
    *p = (struct payments){.now_ms = INT64_MIN};
    int rc = orders_init(&p->orders, config, e);
    if (rc < 0) return rc;
    rng_init(&p->decide, config->seed ^ 0x706179);
    return pending_init(&p->due, e);
}

void payments_release(struct payments *p) {
    orders_release(&p->orders);
    pending_release(&p->due);
}

/* Look at the next order, and pay it soon, late or never. */
static void order_follow(struct payments *p) {
    struct purchase order;
    order_draw(&p->orders, &order);
    p->now_ms = order.ms;
    uint64_t decision = rng_next(&p->decide), delay = rng_next(&p->decide);
    unsigned percent = gen_below((uint32_t)decision, 100);
    if (percent < 5) return;
    order.ms =
        percent < 15 ? time_after(order.ms, delay, PAID_LATE_MS, 2) : time_after(order.ms, delay, PAID_AFTER_MS, 6);
    order.method = (uint8_t)(decision >> 62);
    pending_add(&p->due, &order);
}

enum gen_kind payments_next(struct payments *p, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns) {
    static const char *const methods[] = {"card", "card", "wallet", "transfer"};
    struct gen_places at = {.twice = ",\"order\":1}"};
    struct orders *o = &p->orders;
    struct purchase paid;
    while (!pending_take(&p->due, p->now_ms + PAID_AFTER_MS, &paid)) order_follow(p);
    int64_t ms = gen_late_ms(&o->late, paid.ms);
    char *end = gen_put_time(&o->date, out, ms);
    end = gen_put_u64(gen_put_text(end, "\",\"order\":"), paid.order);
    end = gen_put_text(end, ",\"method\":\"");
    at.text = end;
    end = gen_put_text(end, methods[paid.method]);
    end = gen_put_text(end, "\",\"amount\":");
    at.number = end;
    end = gen_put_thousandths(end, amount_cents(o, &paid) * 10);
    at.number_end = end;
    *end++ = '}';
    *ret_time_ns = ms * NS_PER_MS;
    enum gen_kind kind = gen_spoil(&o->bad, out, &end, &at, ret_time_ns);
    *ret_len = (size_t)(end - out);
    return kind;
}

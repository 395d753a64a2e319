/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other data sets of `leat gen`: orders that follow clicks, payments that follow orders, the catalogue, sensors.
 * test_clicks.c has the clicks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/timefmt.h"

/* Parts of one tool and not of the library. */
#include "../../cmd/gen/clicks.c"
#include "../../cmd/gen/dataset.c"
#include "../../cmd/gen/orders.c"
#include "../../cmd/gen/pending.c"
#include "../../cmd/gen/products.c"
#include "../../cmd/gen/sensors.c"

/* --- Any of the sets --------------------------------------------------------------------------------------------- */

enum set { ORDERS, PAYMENTS, PRODUCTS, SENSORS, SETS };

struct any {
    enum set set;
    union {
        struct orders orders;
        struct payments payments;
        struct products products;
        struct sensors sensors;
    } s;
};

static void start(struct any *a, enum set set, const struct gen_config *config) {
    struct err e = {0};
    int rc = -1;
    a->set = set;
    switch (set) {
    case ORDERS: rc = orders_init(&a->s.orders, config, &e); break;
    case PAYMENTS: rc = payments_init(&a->s.payments, config, &e); break;
    case PRODUCTS: rc = products_init(&a->s.products, config, &e); break;
    default: rc = sensors_init(&a->s.sensors, config, &e);
    }
    if (rc != 0) fail_msg("%s", e.text);
}

static void stop(struct any *a) {
    if (a->set == ORDERS) orders_release(&a->s.orders);
    if (a->set == PAYMENTS) payments_release(&a->s.payments);
}

/* The next record with a NUL behind it, and its time. */
static enum gen_kind next(struct any *a, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_ns) {
    enum gen_kind kind;
    switch (a->set) {
    case ORDERS: kind = orders_next(&a->s.orders, out, ret_len, ret_ns); break;
    case PAYMENTS: kind = payments_next(&a->s.payments, out, ret_len, ret_ns); break;
    case PRODUCTS: kind = products_next(&a->s.products, out, ret_len, ret_ns); break;
    default: kind = sensors_next(&a->s.sensors, out, ret_len, ret_ns);
    }
    assert_in_range(*ret_len, 1, GEN_RECORD_MAX - 1);
    out[*ret_len] = '\0';
    return kind;
}

static struct gen_config config_of_seed(uint64_t seed) {
    struct gen_config config;
    gen_config_defaults(&config);
    config.seed = seed;
    return config;
}

static uint32_t crc_of(enum set set, const struct gen_config *config, int records) {
    struct any a;
    uint32_t crc = 0;
    start(&a, set, config);
    for (int i = 0; i < records; i++) {
        char out[GEN_RECORD_MAX];
        unsigned char time[8];
        size_t n;
        int64_t t;
        next(&a, out, &n, &t);
        put_i64_le(time, t);
        crc = crc32c(crc, out, n);
        crc = crc32c(crc, time, sizeof time);
    }
    stop(&a);
    return crc;
}

static void a_seed_decides_all_bytes(void **state) {
    (void)state;
    static const uint32_t golden[SETS] = {0x2b77933b, 0xd42a71e7, 0x41f96d93, 0x949a1ab6};
    for (enum set set = 0; set < SETS; set++) {
        struct gen_config config = config_of_seed(7);
        config.bad_ppm = 50000;
        assert_int_equal(crc_of(set, &config, 10000), golden[set]);
        config.seed = 8;
        assert_int_not_equal(crc_of(set, &config, 10000), golden[set]);
    }
}

static void bad_records_are_of_every_kind_and_leave_the_others_alone(void **state) {
    (void)state;
    enum { RECORDS = 10000 };
    for (enum set set = 0; set < SETS; set++) {
        struct gen_config config = config_of_seed(5), none = config;
        struct any a, good;
        unsigned seen[GEN_KINDS] = {0};
        config.bad_ppm = 200000;
        start(&a, set, &config);
        start(&good, set, &none);
        for (int i = 0; i < RECORDS; i++) {
            char out[GEN_RECORD_MAX], same[GEN_RECORD_MAX];
            size_t n, same_n;
            int64_t t, same_t;
            enum gen_kind kind = next(&a, out, &n, &t);
            assert_int_equal(next(&good, same, &same_n, &same_t), GEN_GOOD);
            seen[kind]++;
            assert_int_equal(n == same_n && memcmp(out, same, n) == 0, kind == GEN_GOOD);
            assert_int_equal(t == same_t, kind != GEN_FUTURE);
            if (kind == GEN_CUT) assert_true(n < same_n && memcmp(out, same, n) == 0);
            if (kind == GEN_UTF8) assert_non_null(memchr(out, 0xFF, n));
            if (kind == GEN_CONTROL) assert_non_null(memchr(out, '\a', n));
            if (kind == GEN_NAN) assert_non_null(strstr(out, ":NaN"));
            if (kind == GEN_TYPE) assert_non_null(strstr(out, ":\"slow\""));
            if (kind == GEN_DUPLICATE) {
                char key[16] = {0};
                assert_int_equal(sscanf(out + same_n - 1, ",%15[^:]", key), 1);
                assert_non_null(strstr(same, key));
            }
        }
        assert_in_range(seen[GEN_GOOD], RECORDS * 78 / 100, RECORDS * 82 / 100);
        for (int kind = 1; kind < GEN_KINDS; kind++) {
            bool of_times = kind == GEN_NO_TIME || kind == GEN_FUTURE;
            if (set == PRODUCTS && of_times)
                assert_int_equal(seen[kind], 0);
            else
                assert_in_range(seen[kind], 160, 800); /* 2000 / 9 */
        }
        stop(&a);
        stop(&good);
    }
}

/* At the end of the range the records go on, and none is behind it. */
static void times_stop_at_the_end_of_the_range(void **state) {
    (void)state;
    for (enum set set = 0; set < SETS; set++) {
        if (set == PRODUCTS) continue;
        struct gen_config config = config_of_seed(5);
        struct any a;
        config.start_ns = INT64_C(9214646340) * NS_PER_S; /* 2261-12-31T23:59:00Z */
        config.rate = 1000;
        config.sensors = 1;
        config.late_ppm = 0;
        start(&a, set, &config);
        for (int i = 0; i < 100000; i++) {
            char out[GEN_RECORD_MAX];
            size_t n;
            int64_t t;
            next(&a, out, &n, &t);
            assert_memory_equal(out + 7, "2261-12-31T23:59:", 17);
            assert_true(t <= GEN_LAST_MS * NS_PER_MS);
        }
        stop(&a);
    }
}

static void before_1970_too(void **state) {
    (void)state;
    for (enum set set = 0; set < SETS; set++) {
        if (set == PRODUCTS) continue;
        struct gen_config config = config_of_seed(5);
        struct any a;
        config.start_ns = NS_PER_HOUR - NS_PER_DAY;
        start(&a, set, &config);
        for (int i = 0; i < 1000; i++) {
            char out[GEN_RECORD_MAX];
            size_t n;
            int64_t t, said;
            next(&a, out, &n, &t);
            assert_memory_equal(out + 7, "1969-12-31T", 11);
            assert_int_equal(time_parse(out + 7, 24, NULL, &said, NULL), 0);
            assert_true(said == t);
        }
        stop(&a);
    }
}

/* --- The shop ---------------------------------------------------------------------------------------------------- */

struct order {
    uint64_t order;
    unsigned user, product, quantity;
    double price, amount;
    char country[3];
    int64_t ns;
};

static void read_order(struct any *a, struct order *o) {
    char out[GEN_RECORD_MAX];
    size_t n;
    assert_int_equal(next(a, out, &n, &o->ns), GEN_GOOD);
    assert_int_equal(sscanf(out + 31,
                            "\",\"order\":%lu,\"user\":\"u%u\",\"product\":%u,\"quantity\":%u,\"price\":%lf,"
                            "\"amount\":%lf,\"country\":\"%2[A-Z]\"}",
                            &o->order, &o->user, &o->product, &o->quantity, &o->price, &o->amount, o->country),
                     7);
}

/* Each has a view of that product by that user that was shown, 2 to 256 seconds before, and one in twelve views has. */
static void an_order_follows_a_click(void **state) {
    (void)state;
    enum { CLICKS = 60000, USERS = 1000000 };
    struct seen {
        unsigned user, product;
        int64_t ns;
        char country[3];
    } *seen = calloc(CLICKS, sizeof *seen);
    assert_non_null(seen);
    struct gen_config config = config_of_seed(11);
    struct clicks clicks;
    struct any a;
    struct err e = {0};
    size_t views = 0, orders = 0;
    int64_t last = INT64_MIN;
    config.late_ppm = 0;
    config.users = USERS;
    assert_int_equal(clicks_init(&clicks, &config, &e), 0);
    for (int i = 0; i < CLICKS; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        struct seen *s = &seen[views];
        assert_int_equal(clicks_next(&clicks, out, &n, &s->ns), GEN_GOOD);
        out[n] = '\0';
        unsigned status = 0;
        const char *at = strstr(out, "\"status\":"), *country = strstr(out, "\"country\":\"");
        assert_int_equal(sscanf(at, "\"status\":%u", &status), 1);
        memcpy(s->country, country + 11, 2);
        if (sscanf(out + 31, "\",\"user\":\"u%u\",\"page\":\"product\",\"url\":\"/shop/product/%u", &s->user,
                   &s->product) == 2 &&
            status == 200)
            views++;
    }
    start(&a, ORDERS, &config);
    for (struct order o; read_order(&a, &o), o.ns < seen[views - 1].ns; orders++) {
        bool found = false;
        assert_int_equal(o.order, orders + 1);
        assert_true(o.ns >= last);
        last = o.ns;
        assert_in_range(o.quantity, 1, 5);
        assert_true(o.amount > o.price * o.quantity - 0.001 && o.amount < o.price * o.quantity + 0.001);
        for (size_t i = 0; i < views && !found; i++)
            found = seen[i].user == o.user && seen[i].product == o.product && o.ns - seen[i].ns >= 2 * NS_PER_S &&
                    o.ns - seen[i].ns < 256 * NS_PER_S && strcmp(seen[i].country, o.country) == 0;
        if (!found) fail_msg("order %lu of u%u follows nothing", o.order, o.user);
    }
    stop(&a);
    free(seen);
    assert_in_range(orders * 12, views * 85 / 100, views * 110 / 100); /* some are still to come */
}

static void payments_are_of_orders_some_late_some_missing(void **state) {
    (void)state;
    enum { PAID = 20000, ORDERED = 60000 };
    struct order *orders = calloc(ORDERED, sizeof *orders);
    char *paid = calloc(ORDERED, 1);
    assert_non_null(orders);
    assert_non_null(paid);
    struct gen_config config = config_of_seed(12);
    struct any a;
    config.late_ppm = 0;
    start(&a, ORDERS, &config);
    for (int i = 0; i < ORDERED; i++) read_order(&a, &orders[i]);
    stop(&a);
    unsigned late = 0, missing = 0, settled = 0;
    int64_t now = INT64_MIN;
    start(&a, PAYMENTS, &config);
    for (int i = 0; i < PAID; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        uint64_t number;
        double amount;
        int64_t before = now;
        assert_int_equal(next(&a, out, &n, &now), GEN_GOOD);
        assert_true(now >= before);
        assert_int_equal(sscanf(out + 31, "\",\"order\":%lu,\"method\":\"%*[a-z]\",\"amount\":%lf}", &number, &amount),
                         2);
        assert_in_range(number, 1, ORDERED);
        const struct order *o = &orders[number - 1];
        assert_int_equal(o->order, number);
        assert_true(amount == o->amount);
        assert_int_equal(paid[number - 1]++, 0);
        int64_t after = now - o->ns;
        assert_true((after >= NS_PER_S && after < 64 * NS_PER_S) ||
                    (after >= 30 * NS_PER_MINUTE && after < 120 * NS_PER_MINUTE));
        late += after >= 30 * NS_PER_MINUTE;
    }
    for (; orders[settled].ns < now - 2 * NS_PER_HOUR; settled++) missing += !paid[settled];
    stop(&a);
    free(orders);
    free(paid);
    assert_in_range(late, PAID * 6 / 100, PAID * 12 / 100);
    assert_true(settled > 1000);
    assert_in_range(missing, settled * 35 / 1000, settled * 65 / 1000);
}

static void the_catalogue_has_the_prices_of_the_orders(void **state) {
    (void)state;
    double *price = calloc(CLICK_PRODUCTS, sizeof *price);
    assert_non_null(price);
    struct gen_config config = config_of_seed(13);
    struct any a;
    start(&a, PRODUCTS, &config);
    for (unsigned i = 0; i < CLICK_PRODUCTS; i++) {
        char out[GEN_RECORD_MAX], name[32], category[16];
        size_t n;
        unsigned product;
        int64_t t;
        assert_int_equal(next(&a, out, &n, &t), GEN_GOOD);
        assert_int_equal(sscanf(out, "{\"product\":%u,\"name\":\"%31[a-z ]\",\"category\":\"%15[a-z]\",\"price\":%lf}",
                                &product, name, category, &price[i]),
                         4);
        assert_int_equal(product, i);
        assert_true(t == TIME_NONE);
        assert_true(price[i] >= 1 && price[i] < 700);
    }
    start(&a, ORDERS, &config);
    for (int i = 0; i < 10000; i++) {
        struct order o;
        read_order(&a, &o);
        assert_in_range(o.product, 0, CLICK_PRODUCTS - 1);
        assert_true(price[o.product] == o.price);
    }
    stop(&a);
    free(price);
}

static void what_waits_comes_in_order_of_time_and_is_bounded(void **state) {
    (void)state;
    struct pending p;
    struct err e = {0};
    struct rng rng;
    struct purchase got = {0};
    rng_init(&rng, 1);
    assert_int_equal(pending_init(&p, &e), 0);
    assert_false(pending_take(&p, INT64_MAX, &got));
    for (size_t i = 0; i < PENDING_MAX + 5u; i++)
        pending_add(&p, &(struct purchase){.ms = (int64_t)rng_below(&rng, 50000)});
    assert_int_equal(p.count, PENDING_MAX);
    assert_false(pending_take(&p, -1, &got));
    int64_t last = -1;
    for (size_t i = 0; i < PENDING_MAX; i++) {
        assert_true(pending_take(&p, 50000, &got));
        assert_true(got.ms >= last);
        last = got.ms;
    }
    assert_int_equal(p.count, 0);
    pending_release(&p);
}

/* --- Sensors ----------------------------------------------------------------------------------------------------- */

/* A day of one sensor, a reading a second: it drifts slowly, has peaks, and is silent at times. */
static void a_sensor_drifts_peaks_and_drops_out(void **state) {
    (void)state;
    struct gen_config config = config_of_seed(3);
    struct any a;
    unsigned gaps = 0, peaks = 0;
    bool hot = false;
    double low = 1e9, high = -1e9;
    int64_t last = config.start_ns - NS_PER_S, t = last;
    config.rate = 1;
    config.sensors = 1;
    config.late_ppm = 0;
    start(&a, SENSORS, &config);
    while (t < config.start_ns + NS_PER_DAY) {
        char out[GEN_RECORD_MAX];
        size_t n;
        double temperature, humidity;
        int battery;
        assert_int_equal(next(&a, out, &n, &t), GEN_GOOD);
        assert_int_equal(sscanf(out + 31,
                                "\",\"sensor\":\"s0\",\"site\":\"north\",\"temperature\":%lf,\"humidity\":%lf,"
                                "\"battery\":%d}",
                                &temperature, &humidity, &battery),
                         3);
        assert_true(temperature > 10 && temperature < 60);
        assert_true(humidity > 30 && humidity < 70);
        assert_in_range(battery, 10, 100);
        assert_true(t - last < 9 * NS_PER_MINUTE);
        gaps += t - last > NS_PER_MINUTE;
        peaks += temperature > 34 && !hot;
        hot = temperature > (hot ? 30 : 34);
        if (temperature < low) low = temperature;
        if (temperature > high && temperature < 28) high = temperature;
        last = t;
    }
    assert_in_range(gaps, 1, 12);
    assert_in_range(peaks, 1, 12);
    assert_true(high - low > 4);
}

/* With this seed the only sensor is silent when the times stop. */
static void a_sensor_that_is_silent_at_the_end_of_all_times_does_not_hang(void **state) {
    (void)state;
    struct gen_config config = config_of_seed(21518);
    struct any a;
    config.start_ns = INT64_C(9214646395) * NS_PER_S; /* 2261-12-31T23:59:55Z */
    config.sensors = 1;
    start(&a, SENSORS, &config);
    for (int i = 0; i < 1000; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        int64_t t;
        assert_int_equal(next(&a, out, &n, &t), GEN_GOOD);
    }
}

static void sensors_take_turns(void **state) {
    (void)state;
    struct gen_config config = config_of_seed(3);
    struct any a;
    unsigned readings[50] = {0};
    config.sensors = 50;
    start(&a, SENSORS, &config);
    for (int i = 0; i < 100000; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        int64_t t;
        unsigned sensor;
        next(&a, out, &n, &t);
        assert_int_equal(sscanf(out + 31, "\",\"sensor\":\"s%u\"", &sensor), 1);
        assert_in_range(sensor, 0, 49);
        readings[sensor]++;
    }
    for (int i = 0; i < 50; i++) assert_in_range(readings[i], 500, 2200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_decides_all_bytes),
        cmocka_unit_test(bad_records_are_of_every_kind_and_leave_the_others_alone),
        cmocka_unit_test(times_stop_at_the_end_of_the_range),
        cmocka_unit_test(before_1970_too),
        cmocka_unit_test(an_order_follows_a_click),
        cmocka_unit_test(payments_are_of_orders_some_late_some_missing),
        cmocka_unit_test(the_catalogue_has_the_prices_of_the_orders),
        cmocka_unit_test(what_waits_comes_in_order_of_time_and_is_bounded),
        cmocka_unit_test(a_sensor_drifts_peaks_and_drops_out),
        cmocka_unit_test(a_sensor_that_is_silent_at_the_end_of_all_times_does_not_hang),
        cmocka_unit_test(sensors_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

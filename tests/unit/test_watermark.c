/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watermarks: each source's own, alignment by the least, idleness, control blocks, holders and snapshots; and random
 * streams against a model that looks at every source each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "stream/watermark.h"

#define TOPIC UINT64_C(0xfedcba9876543210)

/* --- Blocks ------------------------------------------------------------------------------------------------------ */

static void send_text(struct watermarks *w, uint64_t topic_id, uint32_t partition, const char *text) {
    struct block b = {.h = {.kind = BLOCK_CONTROL, .topic_id = topic_id, .partition = partition}};
    struct err e = {0};
    if (control_parse(text, strlen(text), &b.control, &e) < 0) fail_msg("%s", e.text);
    if (watermarks_control(w, &b, &e) < 0) fail_msg("%s", e.text);
    control_release(&b.control);
}

static void send_watermark(struct watermarks *w, uint64_t topic_id, uint32_t partition, int64_t time) {
    struct buf text = {0};
    assert_int_equal(control_watermark(&text, time), 0);
    send_text(w, topic_id, partition, buf_cstr(&text));
    buf_release(&text);
}

static void send_idle(struct watermarks *w, uint64_t topic_id, uint32_t partition) {
    send_text(w, topic_id, partition, "{\"type\":\"idle\"}");
}

static void announce(struct watermarks *w, uint32_t partition) {
    send_text(w, TOPIC, partition, "{\"type\":\"source\",\"topic\":\"clicks\"}");
}

static size_t source(struct watermarks *w, uint64_t topic_id, uint32_t partition) {
    struct err e = {0};
    size_t i;
    if (watermarks_source(w, topic_id, partition, NULL, &i, &e) < 0) fail_msg("%s", e.text);
    return i;
}

static void record(struct watermarks *w, uint32_t partition, int64_t time) {
    watermarks_record(w, source(w, TOPIC, partition), time);
}

/* --- What each rule says ----------------------------------------------------------------------------------------- */

static void one_source_follows_its_largest_time(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 10, -1);
    assert_true(w.now == WATERMARK_NONE);
    size_t i = source(&w, 0, 7);
    assert_int_equal(source(&w, 0, 3), i); /* what has no topic is one source */
    watermarks_record(&w, i, 100);
    assert_int_equal(w.now, 90);
    watermarks_record(&w, i, 50);
    assert_int_equal(w.now, 90);
    watermarks_record(&w, i, 101);
    assert_int_equal(w.now, 91);
    watermarks_record(&w, i, WATERMARK_NONE); /* a record without a time */
    assert_int_equal(w.now, 91);
    watermarks_release(&w);
}

static void ends_of_time_are_not_crossed(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 10, -1);
    record(&w, 0, INT64_MIN + 5);
    assert_true(w.now == WATERMARK_NONE);
    record(&w, 0, INT64_MIN + 11);
    assert_true(w.now == INT64_MIN + 1);
    watermarks_release(&w);
    watermarks_init(&w, 0, -1);
    record(&w, 0, INT64_MAX);
    assert_true(w.now == WATERMARK_END - 1);
    send_watermark(&w, TOPIC, 0, WATERMARK_END);
    assert_true(w.now == WATERMARK_END);
    watermarks_release(&w);
}

static void the_least_source_counts(void **state) {
    (void)state;
    struct watermarks w;
    int64_t behind = 0;
    watermarks_init(&w, 0, -1);
    announce(&w, 0);
    assert_null(watermarks_holder(&w, &behind));
    announce(&w, 1);
    record(&w, 0, 100);
    assert_true(w.now == WATERMARK_NONE); /* announced: it may have earlier ones */
    const struct watermark_source *holder = watermarks_holder(&w, &behind);
    assert_non_null(holder);
    assert_int_equal(holder->partition, 1);
    assert_string_equal(holder->topic, "clicks");
    assert_int_equal(behind, -1);
    record(&w, 1, 60);
    assert_int_equal(w.now, 60);
    assert_int_equal(watermarks_holder(&w, &behind)->partition, 1);
    assert_int_equal(behind, 40);
    record(&w, 1, 120);
    assert_int_equal(w.now, 100);
    assert_int_equal(watermarks_holder(&w, &behind)->partition, 0);
    assert_int_equal(behind, 20);
    record(&w, 0, 120);
    assert_int_equal(w.now, 120);
    assert_null(watermarks_holder(&w, &behind));
    record(&w, 2, 7); /* a new one: the watermark does not go back */
    assert_int_equal(w.now, 120);
    assert_int_equal(watermarks_holder(&w, &behind)->partition, 2);
    assert_int_equal(behind, 113);
    record(&w, 0, 200);
    record(&w, 1, 190);
    assert_int_equal(w.now, 120);
    record(&w, 2, 300);
    assert_int_equal(w.now, 190);
    watermarks_release(&w);
}

static void idle_sources_hold_nothing_back(void **state) {
    (void)state;
    struct watermarks w;
    int64_t behind;
    watermarks_init(&w, 0, -1);
    for (uint32_t p = 0; p < 3; p++) announce(&w, p);
    record(&w, 0, 100);
    record(&w, 1, 90);
    send_idle(&w, TOPIC, 2);
    assert_int_equal(w.now, 90);
    send_idle(&w, TOPIC, 1);
    assert_int_equal(w.now, 100);
    assert_null(watermarks_holder(&w, &behind));
    record(&w, 1, 80); /* does not rise, and still ends the idleness */
    assert_int_equal(w.sources[1].max_time, 90);
    record(&w, 0, 110);
    assert_int_equal(w.now, 100);
    send_watermark(&w, TOPIC, 2, 500);
    send_idle(&w, TOPIC, 2);
    assert_int_equal(watermarks_holder(&w, &behind)->partition, 1);
    assert_int_equal(behind, 20); /* not the idle one's */
    record(&w, 1, 105);
    assert_int_equal(w.now, 105);
    send_idle(&w, TOPIC, 1);
    assert_int_equal(w.now, 110);
    send_watermark(&w, TOPIC, 1, 50); /* a watermark ends it, too */
    record(&w, 0, 120);
    assert_int_equal(w.now, 110);
    send_idle(&w, TOPIC, 1);
    assert_int_equal(w.now, 120);
    announce(&w, 1); /* and so does an announcement */
    record(&w, 0, 130);
    assert_int_equal(w.now, 120);
    send_watermark(&w, TOPIC, 2, WATERMARK_END);
    assert_int_equal(watermarks_holder(&w, &behind)->partition, 1);
    assert_int_equal(behind, 25); /* one that has ended is not ahead */
    watermarks_release(&w);
}

static void when_all_are_idle_their_order_does_not_matter(void **state) {
    (void)state;
    for (uint32_t first = 0; first < 2; first++) {
        struct watermarks w;
        watermarks_init(&w, 5, -1);
        record(&w, 0, 100);
        record(&w, 1, 200);
        send_idle(&w, TOPIC, first);
        send_idle(&w, TOPIC, 1 - first);
        assert_int_equal(w.now, 195);
        assert_int_equal(w.holder, w.count);
        watermarks_release(&w);
        watermarks_init(&w, 5, -1);
        record(&w, 0, 100);
        record(&w, 1, 200);
        send_idle(&w, 0, 0); /* the whole stream */
        assert_int_equal(w.now, 195);
        watermarks_release(&w);
    }
}

static void watermarks_of_others_raise(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 10, -1);
    record(&w, 0, 100);
    send_watermark(&w, TOPIC, 0, 80);
    assert_int_equal(w.now, 90);
    send_watermark(&w, TOPIC, 0, 97);
    assert_int_equal(w.now, 97);
    record(&w, 0, 120);
    assert_int_equal(w.now, 110); /* with an --out-of-order of our own it counts beside them */
    send_watermark(&w, 0, 0, 130);
    assert_int_equal(w.now, 130);
    record(&w, 1, 5); /* one that comes later begins at what was promised for all */
    assert_int_equal(w.now, 130);
    record(&w, 0, 150);
    assert_int_equal(w.now, 130);
    record(&w, 1, 145);
    assert_int_equal(w.now, 135);
    send_watermark(&w, 0, 0, WATERMARK_END);
    assert_true(w.now == WATERMARK_END);
    watermarks_release(&w);
    watermarks_init(&w, 10, -1);
    send_watermark(&w, 0, 0, 40); /* no source yet */
    assert_int_equal(w.now, 40);
    watermarks_release(&w);
}

static void who_has_watermarks_is_believed(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, -1, -1);
    announce(&w, 0);
    send_watermark(&w, TOPIC, 0, WATERMARK_NONE); /* there will be some */
    record(&w, 0, 100);
    assert_true(w.now == WATERMARK_NONE);
    send_watermark(&w, TOPIC, 0, 80);
    assert_int_equal(w.now, 80);
    record(&w, 0, 110);
    assert_int_equal(w.now, 80);
    record(&w, 1, 90); /* this one has none: it is in order */
    assert_int_equal(w.now, 80);
    send_watermark(&w, TOPIC, 0, 95);
    assert_int_equal(w.now, 90);
    watermarks_release(&w);
}

static void control_blocks_of_no_concern_are_ignored(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 0, -1);
    record(&w, 0, 100);
    send_text(&w, TOPIC, 1, "{\"type\":\"barrier\",\"checkpoint\":1}");
    send_text(&w, TOPIC, 1, "{\"type\":\"end\",\"status\":0}");
    send_text(&w, 0, 0, "{\"type\":\"source\",\"topic\":\"x\"}");
    assert_int_equal(w.count, 1);
    assert_int_equal(w.now, 100);
    watermarks_release(&w);
}

static void idle_by_the_clock(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 0, -1);
    (void)source(&w, TOPIC, 1);
    record(&w, 0, 1);
    assert_true(watermarks_tick(&w, 1000) < 0);
    assert_true(watermarks_tick(&w, 5000) < 0);
    assert_true(w.now == WATERMARK_NONE);
    watermarks_release(&w);
    watermarks_init(&w, 0, 0); /* idle at the first look that finds nothing new */
    (void)source(&w, TOPIC, 1);
    record(&w, 0, 1);
    assert_int_equal(watermarks_tick(&w, 1000), 0);
    assert_int_equal(watermarks_tick(&w, 1000), 0);
    assert_true(w.now == WATERMARK_NONE);
    assert_true(watermarks_tick(&w, 1001) < 0);
    assert_int_equal(w.now, 1);
    watermarks_release(&w);
    watermarks_init(&w, 0, 100);
    assert_true(watermarks_tick(&w, 1000) < 0);
    announce(&w, 0);
    announce(&w, 1);
    record(&w, 0, 50);
    assert_int_equal(watermarks_tick(&w, 1000), 100); /* both count from here */
    record(&w, 0, 40);                                /* does not rise, and is a sign of life */
    assert_int_equal(watermarks_tick(&w, 1060), 40);
    assert_true(w.now == WATERMARK_NONE);
    assert_int_equal(watermarks_tick(&w, 1099), 1);
    assert_int_equal(watermarks_tick(&w, 1100), 60);
    assert_int_equal(w.now, 50); /* 1 is idle */
    record(&w, 0, 55);
    assert_int_equal(w.now, 55);
    assert_int_equal(watermarks_tick(&w, 5000), 100); /* late, but there was a record since */
    assert_true(watermarks_tick(&w, 5100) < 0);
    record(&w, 1, 52);
    record(&w, 0, 60);
    assert_int_equal(w.now, 55);
    assert_int_equal(watermarks_tick(&w, 5200), 100);
    send_watermark(&w, TOPIC, 0, 61);
    assert_int_equal(watermarks_tick(&w, 5250), 50);
    assert_int_equal(watermarks_tick(&w, 5300), 50); /* 1 is idle again */
    assert_int_equal(w.now, 61);
    watermarks_release(&w);
}

/* --- Snapshots --------------------------------------------------------------------------------------------------- */

/* As if it had been written and read. */
static json_t *saved(const struct watermarks *w) {
    json_t *o = watermarks_save(w);
    assert_non_null(o);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    free(text);
    return o;
}

static void move(struct watermarks *w) {
    json_t *o = saved(w);
    struct watermarks into;
    struct err e = {0};
    watermarks_init(&into, w->out_of_order_ns, w->idle_timeout_ns);
    if (watermarks_load(&into, o, &e) < 0) fail_msg("%s", e.text);
    json_decref(o);
    watermarks_release(w);
    *w = into;
}

static void snapshots_go_on_where_they_were(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 3, -1);
    move(&w);
    assert_true(w.now == WATERMARK_NONE);
    announce(&w, 0);
    announce(&w, 1);
    record(&w, 0, 100);
    record(&w, 1, 50);
    move(&w);
    assert_int_equal(w.count, 2);
    assert_string_equal(w.sources[1].topic, "clicks");
    assert_int_equal(w.now, 47);
    announce(&w, 0);
    announce(&w, 1);
    assert_int_equal(w.now, 47); /* whichever is announced first */
    assert_int_equal(w.sources[0].max_time, 100);
    record(&w, 0, 110);
    assert_int_equal(w.now, 47);
    record(&w, 1, 80);
    assert_int_equal(w.now, 77);
    send_watermark(&w, 0, 0, 78);
    send_idle(&w, TOPIC, 0);
    move(&w);
    record(&w, 2, 200); /* neither was announced: they are not of this run */
    assert_int_equal(w.now, 197);
    move(&w);
    watermarks_record(&w, 0, 300); /* nor the others now */
    assert_int_equal(w.now, 297);
    assert_false(w.sources[0].idle);
    move(&w);
    send_watermark(&w, TOPIC, 1, 310);
    assert_int_equal(w.now, 310);
    watermarks_release(&w);
}

static void what_was_promised_for_all_is_kept(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 0, -1);
    send_watermark(&w, 0, 0, 70);
    move(&w);
    record(&w, 0, 20);
    assert_int_equal(w.sources[0].mark, 70);
    assert_int_equal(w.now, 70);
    watermarks_release(&w);
}

/* A derived stream begins with a watermark for the whole of it, and its records have no topic. */
static void who_promises_for_all_is_there(void **state) {
    (void)state;
    struct watermarks w;
    watermarks_init(&w, 0, -1);
    watermarks_record(&w, source(&w, 0, 0), 50);
    move(&w);
    send_watermark(&w, 0, 0, INT64_MIN + 1);
    assert_false(w.sources[0].idle);
    assert_int_equal(w.now, 50);
    record(&w, 0, 90);
    assert_int_equal(w.now, 50); /* it holds back what comes beside it */
    watermarks_release(&w);
}

static void snapshots_are_checked(void **state) {
    (void)state;
#define SOURCE(id, partition, more)                                                                                    \
    "{\"topic_id\":\"" id "\",\"partition\":" partition ",\"topic\":null,\"max_time\":1,\"mark\":1," more "}"
#define REST "\"told\":false,\"idle\":false"
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"now\":1,\"whole\":1}",
        "{\"now\":1,\"whole\":1,\"sources\":{}}",
        "{\"now\":1.5,\"whole\":1,\"sources\":[]}",
        "{\"now\":1,\"sources\":[]}",
        "{\"now\":1,\"whole\":1,\"sources\":[1]}",
        "{\"now\":1,\"whole\":1,\"sources\":[{}]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("0000000000000001", "-1", REST) "]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("0000000000000001", "4294967296", REST) "]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("1", "0", REST) "]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("000000000000000g", "0", REST) "]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("0000000000000001", "0", "\"told\":false") "]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("0000000000000001", "0", "\"idle\":false") "]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("0000000000000001", "0", REST) "," SOURCE("0000000000000001", "0",
                                                                                                REST) "]}",
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("0000000000000000", "0", REST) "," SOURCE("0000000000000000", "1",
                                                                                                REST) "]}",
    };
    static const char good[] =
        "{\"now\":1,\"whole\":1,\"sources\":[" SOURCE("fedcba9876543210", "4294967295", REST) "]}";
    struct watermarks w;
    struct err e = {0};
    watermarks_init(&w, 0, -1);
    record(&w, 0, 5);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *o = json_loads(bad[i], 0, NULL);
        assert_non_null(o);
        if (watermarks_load(&w, o, &e) != G_CORRUPT) fail_msg("%s", bad[i]);
        json_decref(o);
        assert_int_equal(w.now, 5);
        assert_int_equal(w.count, 1);
    }
    json_t *o = json_loads(good, 0, NULL);
    assert_int_equal(watermarks_load(&w, o, &e), 0);
    json_decref(o);
    assert_true(w.sources[0].topic_id == TOPIC);
    assert_int_equal(w.sources[0].partition, UINT32_MAX);
    watermarks_release(&w);
}

/* --- Against a model --------------------------------------------------------------------------------------------- */

enum { SOURCES = 6 };

struct model {
    int64_t out_of_order, now, whole;
    struct {
        bool there, idle, told;
        int64_t max, mark;
    } s[SOURCES];
};

static void model_settle(struct model *m) {
    int64_t least = INT64_MAX, most = m->whole;
    bool active = false;
    for (int i = 0; i < SOURCES; i++) {
        if (!m->s[i].there) continue;
        if (m->s[i].mark > most) most = m->s[i].mark;
        if (m->s[i].idle) continue;
        active = true;
        if (m->s[i].mark < least) least = m->s[i].mark;
    }
    int64_t mark = active ? least : most;
    if (mark > m->now) m->now = mark;
}

static void model_add(struct model *m, uint64_t i) {
    if (m->s[i].there) return;
    m->s[i].there = true;
    m->s[i].max = WATERMARK_NONE;
    m->s[i].mark = m->whole;
    m->s[i].told = m->whole != WATERMARK_NONE;
}

static void model_record(struct model *m, uint64_t i, int64_t time) {
    model_add(m, i);
    m->s[i].idle = false;
    if (time > m->s[i].max) m->s[i].max = time;
    int64_t mark = m->s[i].max - (m->out_of_order < 0 ? 0 : m->out_of_order);
    if ((m->out_of_order >= 0 || !m->s[i].told) && mark > m->s[i].mark) m->s[i].mark = mark;
    model_settle(m);
}

static void model_watermark(struct model *m, uint64_t i, int64_t time) {
    model_add(m, i);
    m->s[i].told = true;
    m->s[i].idle = false;
    if (time > m->s[i].mark) m->s[i].mark = time;
    model_settle(m);
}

static void model_whole(struct model *m, int64_t time) {
    if (time > m->whole) m->whole = time;
    for (int i = 0; i < SOURCES; i++) {
        if (!m->s[i].there) continue;
        m->s[i].told = true;
        if (time > m->s[i].mark) m->s[i].mark = time;
    }
    model_settle(m);
}

static void model_idle(struct model *m, uint64_t i, bool idle) {
    model_add(m, i);
    m->s[i].idle = idle;
    model_settle(m);
}

/* All sources have something, so that restoring changes nothing. */
static void restore(struct watermarks *w) {
    bool idle[SOURCES];
    size_t n = w->count;
    for (size_t i = 0; i < n; i++) idle[i] = w->sources[i].idle;
    move(w);
    assert_int_equal(w->count, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(w->sources[i].idle, idle[i]);
        assert_int_equal(source(w, TOPIC, w->sources[i].partition), i);
    }
}

static void step(struct watermarks *w, struct model *m, struct rng *r, int64_t clock) {
    uint64_t i = rng_below(r, SOURCES), what = rng_below(r, 1000);
    int64_t time = clock + (int64_t)rng_below(r, 60) - 30;
    if (what < 3) {
        send_watermark(w, 0, 0, time - 20);
        model_whole(m, time - 20);
    } else if (what < 40) {
        send_watermark(w, TOPIC, (uint32_t)i, time);
        model_watermark(m, i, time);
    } else if (what < 80) {
        send_idle(w, TOPIC, (uint32_t)i);
        model_idle(m, i, true);
    } else if (what < 90) {
        announce(w, (uint32_t)i);
        model_idle(m, i, false);
    } else if (what < 100) {
        restore(w);
    } else {
        record(w, (uint32_t)i, time);
        model_record(m, i, time);
    }
}

static void random_streams_are_as_the_model(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 20261121);
    for (int round = 0; round < 600; round++) {
        struct watermarks w;
        struct model m = {.out_of_order = (int64_t)rng_below(&r, 12) - 3, .now = INT64_MIN, .whole = INT64_MIN};
        watermarks_init(&w, m.out_of_order, -1);
        for (int64_t n = 0; n < 300; n++) {
            step(&w, &m, &r, 1000 + n);
            if (w.now != m.now) fail_msg("round %d, step %d: not as the model", round, (int)n);
            int64_t least = INT64_MAX;
            size_t active = 0;
            for (size_t i = 0; i < w.count; i++) {
                if (w.sources[i].idle) continue;
                active++;
                if (w.sources[i].mark < least) least = w.sources[i].mark;
            }
            assert_true(active == 0 ? w.holder == w.count : w.sources[w.holder].mark == least);
        }
        watermarks_release(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_source_follows_its_largest_time),
        cmocka_unit_test(ends_of_time_are_not_crossed),
        cmocka_unit_test(the_least_source_counts),
        cmocka_unit_test(idle_sources_hold_nothing_back),
        cmocka_unit_test(when_all_are_idle_their_order_does_not_matter),
        cmocka_unit_test(watermarks_of_others_raise),
        cmocka_unit_test(who_has_watermarks_is_believed),
        cmocka_unit_test(control_blocks_of_no_concern_are_ignored),
        cmocka_unit_test(idle_by_the_clock),
        cmocka_unit_test(snapshots_go_on_where_they_were),
        cmocka_unit_test(what_was_promised_for_all_is_kept),
        cmocka_unit_test(who_promises_for_all_is_there),
        cmocka_unit_test(snapshots_are_checked),
        cmocka_unit_test(random_streams_are_as_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

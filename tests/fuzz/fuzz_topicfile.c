/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topic.json of any bytes: refused, or a topic within the limits, which is the same when it is written and read again.
 * Byte 0: bit 0 puts the CRC right where the text is JSON; bit 1 makes it the .prev of a file that is not valid.
 */
#include <jansson.h>

#include "base/crc32c.h"
#include "log/settings.h"
#include "log_dir.h"

static struct buf with_crc(const uint8_t *p, size_t n, bool seal) {
    struct buf b = {0};
    json_error_t why;
    json_t *o = seal ? json_loadb((const char *)p, n, JSON_REJECT_DUPLICATES, &why) : NULL;
    json_object_del(o, "crc32c");
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    char crc[16];
    if (text) (void)snprintf(crc, sizeof crc, "%08x", crc32c(0, text, strlen(text)));
    free(text);
    if (text && json_object_set_new(o, "crc32c", json_string(crc)) == 0) {
        text = json_dumps(o, JSON_COMPACT);
        REQUIRE(text && buf_puts(&b, text) == 0);
        free(text);
    } else {
        REQUIRE(buf_append(&b, p, n) == 0);
    }
    json_decref(o);
    return b;
}

static void check(const struct topic *t) {
    const struct topic_settings *s = &t->settings;
    REQUIRE(t->id != 0 && t->partitions >= 1 && t->partitions <= TOPIC_PARTITIONS_MAX);
    REQUIRE(s->segment_size >= 4096 && s->max_record >= 64 && s->max_record <= RECORD_LIMIT_MAX);
    REQUIRE(s->retention_age >= 0 && s->tombstone_retention >= 0);
    REQUIRE(s->sync.mode != SYNC_INTERVAL || s->sync.interval_ns > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct topic t, again;
    struct err e = {0};
    if (size == 0) return 0;
    log_dir_init();
    struct buf b = with_crc(data + 1, size - 1, data[0] & 1);
    bool second = data[0] & 2;
    log_dir_store(log_dir.topic_dir, "topic.json", second ? "{" : b.data, second ? 1 : b.len);
    log_dir_store(log_dir.topic_dir, "topic.json.prev", second ? b.data : "", second ? b.len : 0);
    buf_release(&b);
    int g = topic_open(&t, &log_dir.log, "t", &e);
    REQUIRE(g == 0 || ((g == G_CORRUPT || g == G_DATA) && e.grade == g && e.text[0]));
    if (g < 0) return 0;
    check(&t);
    REQUIRE(topic_write_file(&t, &e) == 0);
    REQUIRE(topic_open(&again, &log_dir.log, "t", &e) == 0);
    REQUIRE(again.id == t.id && again.partitions == t.partitions && again.created_ns == t.created_ns);
    json_t *x = topic_settings_to_json(&t.settings), *y = topic_settings_to_json(&again.settings);
    REQUIRE(x && json_equal(x, y));
    json_decref(x);
    json_decref(y);
    topic_close(&again);
    topic_close(&t);
    return 0;
}

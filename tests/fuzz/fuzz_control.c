/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of control blocks: any bytes are either damage, or an object whose known members are what they must be; and
 * an end block written from what was read says the same when it is read.
 */
#include "input.h"
#include "stream/control.h"

static void check_end(const struct control *c) {
    struct buf b = {0};
    struct control again;
    int g = control_end(&b, c->status, c->records, c->bytes, c->error);
    REQUIRE(g == 0 && control_parse(b.data, b.len, &again, NULL) == 0);
    REQUIRE(again.type == CONTROL_END && again.status == c->status && again.records == c->records &&
            again.bytes == c->bytes && !again.error == !c->error);
    if (c->error) REQUIRE(strcmp(c->error, again.error) == 0);
    control_release(&again);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct control c;
    struct err e = {0};
    char *text = exact_copy(data, size);
    int g = control_parse(text, size, &c, &e);
    REQUIRE(g == 0 || (g == G_CORRUPT && e.grade == g && e.text[0] && !c.json));
    if (g == 0) {
        REQUIRE(json_is_object(c.json) && json_is_string(json_object_get(c.json, "type")));
        REQUIRE(c.type != CONTROL_START || c.run);
        REQUIRE(c.type != CONTROL_SOURCE || c.topic);
        REQUIRE(c.status >= 0 && c.status <= 255);
    }
    if (g == 0 && c.type == CONTROL_END) check_end(&c);
    if (g == 0 && c.type == CONTROL_START) {
        char *args[] = {text, NULL};
        struct buf b = {0};
        const json_t *history = json_object_get(c.json, "history");
        REQUIRE(control_start(&b, 1, json_is_array(history) ? history : NULL, "tool", args, 0, 0) == 0);
        struct control again;
        REQUIRE(control_parse(b.data, b.len, &again, NULL) == 0 && again.type == CONTROL_START);
        control_release(&again);
        buf_release(&b);
    }
    control_release(&c);
    free(text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of JSON objects. See json_crc.h. */
#include "log/json_crc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"

static bool crc_of(const json_t *o, uint32_t *ret) {
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    if (text) *ret = crc32c(0, text, strlen(text));
    free(text);
    return text != NULL;
}

int json_crc_set(json_t *o) {
    char text[9];
    uint32_t crc;
    if (!crc_of(o, &crc)) return -1;
    (void)snprintf(text, sizeof text, "%08" PRIx32, crc);
    return json_object_set_new(o, "crc32c", json_string(text));
}

bool json_crc_is_right(json_t *o) {
    const char *crc = json_string_value(json_object_get(o, "crc32c"));
    bool digits = crc && strlen(crc) == 8 && strspn(crc, "0123456789abcdefABCDEF") == 8;
    uint32_t want = digits ? (uint32_t)strtoul(crc, NULL, 16) : 0, have;
    return digits && json_object_del(o, "crc32c") == 0 && crc_of(o, &have) && have == want;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of JSON objects. See json_crc.h. */
#include "log/json_crc.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "json/tree.h"

static bool crc_of(const json_t *o, uint32_t *ret) {
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    if (text) *ret = crc32c(0, text, strlen(text));
    free(text);
    return text != NULL;
}

int json_crc_set(json_t *o) {
    uint32_t crc;
    if (!crc_of(o, &crc)) return -1;
    return json_object_set_new(o, "crc32c", tree_hex(crc, 8));
}

bool json_crc_is_right(json_t *o) {
    uint64_t want;
    uint32_t have;
    return tree_get_hex(json_object_get(o, "crc32c"), 8, &want) && json_object_del(o, "crc32c") == 0 &&
           crc_of(o, &have) && have == want;
}

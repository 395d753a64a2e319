/* SPDX-License-Identifier: Apache-2.0 */
/* Members of jansson's trees. See tree.h. */
#include "json/tree.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"

bool tree_get_whole(const json_t *v, uint64_t most, uint64_t *ret) {
    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > most) return false;
    *ret = (uint64_t)json_integer_value(v);
    return true;
}

bool tree_get_hex(const json_t *v, size_t digits, uint64_t *ret) {
    return json_string_length(v) == digits && number_parse_hex(json_string_value(v), digits, ret) == 0;
}

json_t *tree_hex(uint64_t v, size_t digits) {
    char text[17];
    (void)snprintf(text, sizeof text, "%0*" PRIx64, (int)digits, v);
    return json_string(text);
}

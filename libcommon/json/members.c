/* SPDX-License-Identifier: Apache-2.0 */
/* Stepping over the members of an object. See members.h. */
#include "json/members.h"

#include "json/scan.h"
#include "json/text.h"

bool json_members_init(struct json_members *it, const char *text, size_t n) {
    const char *end = text + n, *p = json_scan_space(text, end);
    if (p == end || *p != '{') return false;
    *it = (struct json_members){.p = json_scan_space(p + 1, end), .end = end, .last = p + 1, .first = true};
    return true;
}

int json_members_next(struct json_members *it, struct json_member *ret) {
    const char *p = it->p, *end = it->end;
    if (p == end) return G_DATA;
    if (*p == '}') return 0;
    if (!it->first) {
        if (*p != ',') return G_DATA;
        p = json_scan_space(p + 1, end);
    }
    if (p == end || *p != '"') return G_DATA;
    const char *quote = json_scan_string(p + 1, end, &ret->escaped);
    if (!quote) return G_DATA;
    ret->name = p + 1;
    ret->name_size = (size_t)(quote - p) - 1;
    p = json_scan_space(quote + 1, end);
    if (p == end || *p != ':') return G_DATA;
    ret->value = json_scan_space(p + 1, end);
    ret->value_end = json_scan_value(ret->value, end);
    if (!ret->value_end) return G_DATA;
    it->last = ret->value_end;
    it->p = json_scan_space(ret->value_end, end);
    it->first = false;
    return 1;
}

int json_member_name(const struct json_member *m, struct buf *scratch, const char **ret, size_t *ret_size) {
    *ret = m->name;
    *ret_size = m->name_size;
    if (!m->escaped) return 0;
    buf_clear(scratch);
    int g = json_unescape(m->name - 1, m->name_size + 2, scratch);
    *ret = scratch->data;
    *ret_size = scratch->len;
    return g;
}

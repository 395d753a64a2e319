/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones: TZif files and fixed offsets as one sorted table of changes. See the header.
 *
 * The POSIX rule that a file ends with is unrolled to the end of the range of times when the file is read
 * (timezone_rule.c), so that a look-up is one binary search whatever the year.
 */
#include "base/timezone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/timezone_rule.h"

#define ZONEINFO "/usr/share/zoneinfo"

enum { NAME_MAX_BYTES = 255, FILE_MAX_BYTES = 1 << 20, OFFSET_LIMIT_S = 26 * 3600 };

struct time_zone {
    int32_t first_offset;        /* before the first change */
    struct zone_changes changes; /* by time; each changes the offset */
};

/* --- TZif -------------------------------------------------------------------------------------------------------- */

static int32_t get_i32_be(const uint8_t *p) {
    return (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

static int64_t get_i64_be(const uint8_t *p) {
    return (int64_t)((uint64_t)(uint32_t)get_i32_be(p) << 32 | (uint32_t)get_i32_be(p + 4));
}

/*
 * One of a file's one or two parts:
 *
 *     0  "TZif", version, 15 reserved
 *    20  counts, 4 bytes each, big-endian: isut, isstd, leap, time, type, char
 *    44  times (time_size each), a type number each (1), types (6: offset 4, dst 1, name 1), names, leap seconds
 *        (time_size + 4), isstd, isut (1)
 */
enum { TZIF_HEADER = 44, TZIF_TYPE = 6 };

struct tzif_part {
    const uint8_t *times, *type_of, *types;
    size_t time_size;
    uint32_t leaps, changes, type_count;
    size_t size; /* of the whole part */
};

static bool tzif_part_read(const uint8_t *p, size_t n, size_t time_size, struct tzif_part *ret) {
    uint32_t count[6];
    if (n < TZIF_HEADER || memcmp(p, "TZif", 4) != 0) return false;
    for (int i = 0; i < 6; i++) {
        count[i] = (uint32_t)get_i32_be(p + 20 + 4 * i);
        if (count[i] > FILE_MAX_BYTES) return false; /* so that the sums below cannot overflow */
    }
    size_t isut = count[0], isstd = count[1], leaps = count[2], changes = count[3], types = count[4];
    size_t names = count[5];
    size_t size =
        TZIF_HEADER + changes * (time_size + 1) + types * TZIF_TYPE + names + leaps * (time_size + 4) + isstd + isut;
    if (n < size || types == 0) return false;
    *ret = (struct tzif_part){.times = p + TZIF_HEADER,
                              .type_of = p + TZIF_HEADER + changes * time_size,
                              .types = p + TZIF_HEADER + changes * (time_size + 1),
                              .time_size = time_size,
                              .leaps = (uint32_t)leaps,
                              .changes = (uint32_t)changes,
                              .type_count = (uint32_t)types,
                              .size = size};
    return true;
}

static bool tzif_type_offset(const struct tzif_part *part, unsigned type, int32_t *ret) {
    if (type >= part->type_count) return false;
    *ret = get_i32_be(part->types + type * TZIF_TYPE);
    return *ret > -OFFSET_LIMIT_S && *ret < OFFSET_LIMIT_S;
}

static int tzif_changes_add(const struct tzif_part *part, struct time_zone *tz, struct err *e) {
    int64_t before = INT64_MIN;
    if (!tzif_type_offset(part, 0, &tz->first_offset)) return G_CORRUPT;
    for (uint32_t i = 0; i < part->changes; i++) {
        const uint8_t *p = part->times + i * part->time_size;
        int64_t at = part->time_size == 8 ? get_i64_be(p) : get_i32_be(p);
        int32_t offset;
        if (at < before || !tzif_type_offset(part, part->type_of[i], &offset)) return G_CORRUPT;
        before = at;
        int rc = zone_changes_add(&tz->changes, at, offset);
        if (rc < 0) return err_nomem(e);
    }
    return 0;
}

/* The last part counts: version 2 and later have a second one with 64-bit times, and a rule between two newlines. */
static int tzif_read(const char *name, const uint8_t *p, size_t n, struct time_zone *tz, struct err *e) {
    struct tzif_part part;
    if (!tzif_part_read(p, n, 4, &part)) return G_CORRUPT;
    const uint8_t *rule = NULL, *rule_end = NULL;
    if (p[4] >= '2') {
        const uint8_t *second = p + part.size, *end = p + n;
        if (!tzif_part_read(second, (size_t)(end - second), 8, &part)) return G_CORRUPT;
        rule = second + part.size;
        if (rule == end || *rule++ != '\n') return G_CORRUPT;
        rule_end = memchr(rule, '\n', (size_t)(end - rule));
        if (rule_end == NULL) return G_CORRUPT;
    }
    if (part.leaps > 0) return err_set(e, G_USAGE, "time zone '%s' counts leap seconds", name);
    int rc = tzif_changes_add(&part, tz, e);
    if (rc < 0 || rule == rule_end) return rc;
    struct zone_rule parsed;
    if (!zone_rule_parse((const char *)rule, (size_t)(rule_end - rule), &parsed)) return G_CORRUPT;
    if (zone_rule_unroll(&parsed, &tz->changes) < 0) return err_nomem(e);
    return 0;
}

static int zone_new(struct time_zone **ret, struct err *e) {
    struct time_zone *tz = calloc(1, sizeof *tz);
    if (tz == NULL) return err_nomem(e);
    *ret = tz;
    return 0;
}

int time_zone_from_tzif(const char *name, const void *p, size_t n, struct time_zone **ret, struct err *e) {
    struct time_zone *tz = NULL;
    int rc = zone_new(&tz, e);
    if (rc < 0) return rc;
    rc = tzif_read(name, p, n, tz, e);
    if (rc == G_CORRUPT) err_set(e, rc, "time zone file '%s' is damaged", name);
    if (rc < 0) {
        time_zone_free(tz);
        return rc;
    }
    *ret = tz;
    return 0;
}

/* --- Names ------------------------------------------------------------------------------------------------------- */

/* Letters, digits and `_-+.`, in parts between single slashes, no part "." or "..". */
static bool name_is_safe(const char *name) {
    size_t n = strlen(name), part = 0;
    if (n == 0 || n > NAME_MAX_BYTES) return false;
    for (size_t i = 0; i <= n; i++) {
        char c = name[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (letter || (c != '\0' && strchr("_-+.", c) != NULL)) {
            part++;
            continue;
        }
        if ((c != '/' && c != '\0') || part == 0) return false;
        if (name[i - part] == '.') return false;
        part = 0;
    }
    return true;
}

/* +HH:MM or +HHMM. */
static bool fixed_offset(const char *s, int32_t *ret) {
    size_t n = strlen(s);
    int sign = *s == '-' ? -1 : 1;
    char digits[4];
    if ((*s != '+' && *s != '-') || (n != 5 && (n != 6 || s[3] != ':'))) return false;
    memcpy(digits, s + 1, 2);
    memcpy(digits + 2, s + n - 2, 2);
    for (int i = 0; i < 4; i++)
        if (digits[i] < '0' || digits[i] > '9') return false;
    int hours = (digits[0] - '0') * 10 + digits[1] - '0', minutes = (digits[2] - '0') * 10 + digits[3] - '0';
    if (hours > 23 || minutes > 59) return false;
    *ret = sign * (hours * 3600 + minutes * 60);
    return true;
}

static int file_read(int fd, const char *name, uint8_t **ret, size_t *ret_n, struct err *e) {
    struct stat st;
    if (fstat(fd, &st) < 0) return err_sys(e, errno, "cannot read time zone '%s'", name);
    if (!S_ISREG(st.st_mode)) return err_set(e, G_USAGE, "unknown time zone '%s'", name);
    if (st.st_size > FILE_MAX_BYTES) return err_set(e, G_CORRUPT, "time zone file '%s' is damaged", name);
    size_t want = (size_t)st.st_size, n = 0;
    uint8_t *p = malloc(want + 1);
    if (p == NULL) return err_nomem(e);
    while (n < want) {
        ssize_t got = read(fd, p + n, want - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            int rc = err_sys(e, errno, "cannot read time zone '%s'", name);
            free(p);
            return rc;
        }
        if (got == 0) break;
        n += (size_t)got;
    }
    *ret = p;
    *ret_n = n;
    return 0;
}

int time_zone_load(const char *name, struct time_zone **ret, struct err *e) {
    int32_t offset = 0;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 || fixed_offset(name, &offset)) {
        int rc = zone_new(ret, e);
        if (rc == 0) (*ret)->first_offset = offset;
        return rc;
    }
    if (!name_is_safe(name)) return err_set(e, G_USAGE, "'%.60s' is not the name of a time zone", name);
    char path[sizeof ZONEINFO + NAME_MAX_BYTES + 2];
    snprintf(path, sizeof path, "%s/%s", ZONEINFO, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(e, G_USAGE, "unknown time zone '%s': '%s' has no such file", name, ZONEINFO);
    if (fd < 0) return err_sys(e, errno, "cannot open time zone '%s'", name);
    uint8_t *p = NULL;
    size_t n = 0;
    int rc = file_read(fd, name, &p, &n, e);
    close(fd);
    if (rc < 0) return rc;
    rc = time_zone_from_tzif(name, p, n, ret, e);
    free(p);
    return rc;
}

void time_zone_free(struct time_zone *tz) {
    if (tz == NULL) return;
    zone_changes_release(&tz->changes);
    free(tz);
}

/* --- Look-up ----------------------------------------------------------------------------------------------------- */

/* How many changes happen at or before utc_s. */
static size_t changes_until(const struct time_zone *tz, int64_t utc_s) {
    size_t low = 0, high = tz->changes.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tz->changes.at[middle].utc_s <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_after(const struct time_zone *tz, size_t changes) {
    return changes == 0 ? tz->first_offset : tz->changes.at[changes - 1].offset_s;
}

int32_t time_zone_offset_at(const struct time_zone *tz, int64_t utc_s) {
    return tz == NULL ? 0 : offset_after(tz, changes_until(tz, utc_s));
}

int64_t time_local_to_utc(const struct time_zone *tz, int64_t local_s) {
    if (tz == NULL) return local_s;
    /* Start in a stretch that surely begins early enough; take the first one that does not end too early. In a gap the
     * stretch before it ends too early by its own clock, and the one behind it begins too late: the former is meant. */
    size_t i = changes_until(tz, local_s - OFFSET_LIMIT_S);
    for (;; i++) {
        int64_t utc_s = local_s - offset_after(tz, i);
        if (i == tz->changes.count || utc_s < tz->changes.at[i].utc_s) {
            bool begins_too_late = i > 0 && utc_s < tz->changes.at[i - 1].utc_s;
            return begins_too_late ? local_s - offset_after(tz, i - 1) : utc_s;
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proleptic Gregorian calendar: days since 1970-01-01 to year, month, day and back, without a time zone.
 *
 * Good for years -30000 to 30000. Method: years counted from March, as in Neri and Schneider, "Euclidean affine
 * functions and their application to calendar algorithms" (2022).
 */
#ifndef LEAT_BASE_CIVIL_H
#define LEAT_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

enum { SECONDS_PER_DAY = 86400 };

struct civil {
    int year;
    unsigned month, day; /* from 1 */
};

/* The calendar repeats each 400 years, 146097 days; this many of them keep the arithmetic unsigned. */
#define CIVIL_ERAS 82u
#define CIVIL_DAYS_TO_1970 (719468u + CIVIL_ERAS * 146097u) /* from March 1st of year -32800 */

static inline int64_t civil_to_days(struct civil c) {
    bool before_march = c.month <= 2;
    uint32_t year = (uint32_t)c.year + CIVIL_ERAS * 400 - before_march;
    uint32_t month = before_march ? c.month + 9 : c.month - 3; /* 0 is March */
    uint32_t day_of_year = (153 * month + 2) / 5 + c.day - 1;
    return (int64_t)(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year) - CIVIL_DAYS_TO_1970;
}

static inline struct civil civil_from_days(int64_t days) {
    uint32_t n = 4 * (uint32_t)(days + CIVIL_DAYS_TO_1970) + 3;
    uint32_t century = n / 146097;
    uint64_t in_century = (uint64_t)2939745 * (n % 146097 / 4 * 4 + 3);
    uint32_t day_of_year = (uint32_t)in_century / 2939745 / 4;
    uint32_t month_and_day = 2141 * day_of_year + 197913;
    uint32_t month = month_and_day >> 16; /* 3 is March, 14 February */
    uint32_t year = 100 * century + (uint32_t)(in_century >> 32);
    bool before_march = day_of_year >= 306;
    return (struct civil){.year = (int)(year + before_march) - (int)(CIVIL_ERAS * 400),
                          .month = before_march ? month - 12 : month,
                          .day = (month_and_day & 0xFFFF) / 2141 + 1};
}

static inline bool civil_is_leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline unsigned civil_days_in_month(int year, unsigned month) {
    return month == 2 ? 28u + civil_is_leap(year) : 30u + ((month + (month >> 3)) & 1);
}

/* 0 is Sunday. */
static inline unsigned civil_weekday(int64_t days) {
    return (unsigned)((days + 4 + 7 * (int64_t)CIVIL_DAYS_TO_1970) % 7);
}

#endif

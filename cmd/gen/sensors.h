/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings of sensors in turn: `leat gen sensors`.
 *
 *     {"ts":"2026-01-01T00:00:00.123Z","sensor":"s7","site":"north","temperature":21.37,"humidity":48.2,"battery":97}
 *
 * Each sensor has its own mean, from which the temperature swings by a few degrees within hours and, with noise, by
 * some tenths from reading to reading; humidity swings against it. Peaks: in one of 40 spans of ten minutes, a sensor
 * is up to 30 degrees hotter for a minute or two. Drop-outs: in one of 30, it is silent for two to eight minutes. The
 * battery loses a percent in about seven hours, and starts again at 100 when it is at 10. All of it is a function of
 * seed, sensor and time, so nothing is kept for a sensor and there can be a billion of them.
 */
#ifndef LEAT_GEN_SENSORS_H
#define LEAT_GEN_SENSORS_H

#include "dataset.h"

struct sensors {
    uint64_t seed;
    uint32_t count, turn;
    struct rng shape;
    struct gen_clock clock;
    struct gen_late late;
    struct gen_bad bad;
    struct gen_date date;
};

/* G_USAGE as gen_config_check. */
int sensors_init(struct sensors *s, const struct gen_config *config, struct err *e) NODISCARD;
enum gen_kind sensors_next(struct sensors *s, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns);

#endif

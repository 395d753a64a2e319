/* SPDX-License-Identifier: Apache-2.0 */
/* A topic with settings of its own, for tests: topic_make NAME PARTITIONS [SETTING=VALUE]... in $LEAT_DIR. */
#include <stdio.h>
#include <stdlib.h>

#include "log/topic.h"

int main(int argc, char **argv) {
    struct topic_settings settings = topic_settings_default;
    struct log log = {0};
    struct err e = {0};
    int g = argc < 3 ? err_set(&e, G_USAGE, "usage: topic_make NAME PARTITIONS [SETTING=VALUE]...") : 0;
    for (int i = 3; g == 0 && i < argc; i++) g = topic_setting_parse(&settings, argv[i], &e);
    if (g == 0) g = log_open(&log, NULL, true, false, &e);
    if (g == 0) g = topic_create(&log, argv[1], (uint32_t)strtoul(argv[2], NULL, 10), &settings, false, &e);
    if (log.path) log_close(&log);
    if (g < 0) fprintf(stderr, "topic_make: %s\n", e.text);
    return g < 0;
}

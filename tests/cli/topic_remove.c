/* SPDX-License-Identifier: Apache-2.0 */
/* Removes a topic while others use it, for tests: topic_remove NAME in $LEAT_DIR. */
#include <stdio.h>

#include "log/topic.h"

int main(int argc, char **argv) {
    struct log log = {0};
    struct topic topic = {0};
    struct err e = {0};
    int g = argc == 2 ? log_open(&log, NULL, false, false, &e) : err_set(&e, G_USAGE, "usage: topic_remove NAME");
    if (g == 0) g = topic_open(&topic, &log, argv[1], &e);
    if (g == 0) g = topic_delete(&topic, &e);
    topic_close(&topic);
    if (log.path) log_close(&log);
    if (g < 0) fprintf(stderr, "topic_remove: %s\n", e.text);
    return g < 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The member "crc32c" of the log's JSON files (leat-log(5), "Topic file"): of the object without it, compact and with
 * sorted keys, so that any JSON library can check it.
 */
#ifndef LEAT_LOG_JSON_CRC_H
#define LEAT_LOG_JSON_CRC_H

#include <jansson.h>
#include <stdbool.h>

int json_crc_set(json_t *o) __attribute__((warn_unused_result)); /* 0, or -1: out of memory */
bool json_crc_is_right(json_t *o);                               /* takes the member away */

#endif

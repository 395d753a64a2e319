/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of jansson's trees that have to be what a format says: in control blocks, and in the files of the log and of
 * states. Each takes NULL, as of a member that is not there; outputs are set only on success.
 */
#ifndef LEAT_JSON_TREE_H
#define LEAT_JSON_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* An integer in [0, most]. */
bool tree_get_whole(const json_t *v, uint64_t most, uint64_t *ret);

/* A string of exactly so many hexadecimal digits, 16 at most, written in lower case and read in either. */
bool tree_get_hex(const json_t *v, size_t digits, uint64_t *ret);
json_t *tree_hex(uint64_t v, size_t digits); /* NULL: out of memory */

#endif

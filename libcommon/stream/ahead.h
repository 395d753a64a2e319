/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second pair of eyes for JSON lines: while the reader works through the first part of what one read brought, a
 * thread validates the lines of the rest, so that two processors share the dearest step. It changes no answer: it only
 * says "this line is valid", and for every line of which it does not say so in time the reader looks itself.
 */
#ifndef LEAT_STREAM_AHEAD_H
#define LEAT_STREAM_AHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "json/validate.h"

struct ahead;

/* NULL where it would not help (one processor) or cannot be had: then all is as without it. */
struct ahead *ahead_start(const struct json_limits *limits);
void ahead_free(struct ahead *a); /* takes NULL */

/* Begin to look at [p, p + n), whole lines that were read just now. The first part is left to the caller. The bytes
 * must stay where they are until ahead_rest. */
void ahead_look(struct ahead *a, const char *p, size_t n);

/* Was this line, somewhere in what ahead_look was given, found valid? */
bool ahead_passed(const struct ahead *a, const char *line, size_t n);

/* The thread does not touch the bytes any more. Takes NULL. */
void ahead_rest(struct ahead *a);

#endif

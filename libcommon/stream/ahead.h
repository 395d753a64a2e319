/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second pair of eyes for JSON lines: while the reader works through what one read brought, a thread cuts and
 * validates the lines of the next one, so that two processors share the dearest step. It changes no answer: it only
 * says "here is a line, and it is valid", and every line of which it does not say so in time the reader looks at
 * itself.
 */
#ifndef LEAT_STREAM_AHEAD_H
#define LEAT_STREAM_AHEAD_H

#include <stddef.h>

#include "stream/inbuf.h"
#include "json/validate.h"

struct ahead;

/* NULL where it would not help (one processor) or cannot be had: then all is as without it. */
struct ahead *ahead_start(const struct json_limits *limits);
void ahead_free(struct ahead *a); /* takes NULL */

/* Read on into the second buffer of `in`, and begin to look at what that brings. A file is read by the thread: nobody
 * else touches `next` of the buffer until ahead_wait. The bytes must stay where they are until ahead_leave or
 * ahead_rest. Two pieces are known at most: ahead_leave comes before the third. */
void ahead_look(struct ahead *a, struct inbuf *in);

/* The read that ahead_look began is over, and its lines can be asked for; those of the piece before it are not looked
 * at any more. Takes NULL. */
void ahead_wait(struct ahead *a);

/* The bytes of a valid line that begins at p, with its LF; 0 when nothing is known of one. The caller asks for one
 * place after the other, in the order of the text, passing over as many as it likes. */
size_t ahead_line(struct ahead *a, const char *p);

/* Of the pieces given, only the last one counts any more, and the thread does not touch the others. */
void ahead_leave(struct ahead *a);

/* The thread does not touch anything any more, and nothing is known of any line. Takes NULL. */
void ahead_rest(struct ahead *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is at the other end of a descriptor: a terminal or not, how wide, in colour or not. The text outputs and the
 * progress line ask here. What makes data safe to show is base/safe.h.
 */
#ifndef LEAT_CLI_TERMINAL_H
#define LEAT_CLI_TERMINAL_H

#include <stdbool.h>

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER }; /* --color; the order of its choices */

bool terminal_is(int fd);

/* Columns of the terminal at fd; $COLUMNS where it does not say; 80 where nobody does. */
int terminal_width(int fd);

/* --color first, then NO_COLOR (any non-empty value) and TERM=dumb, then whether fd is a terminal. */
bool terminal_color(int fd, enum color_when when);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* See caret.h. */
#include "expr/caret.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 100u
#define INDENT 2

static int is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

int caret_append(struct err *e, const char *program, uint32_t at) {
    size_t n = strlen(program);
    if (at > n) at = (uint32_t)n;
    size_t from = at, end = at;
    while (from > 0 && program[from - 1] != '\n') from--;
    while (end < n && program[end] != '\n') end++;
    if (end - from > LINE_MAX_BYTES) {
        if (at - from > LINE_MAX_BYTES / 2) from = at - LINE_MAX_BYTES / 2;
        while (is_continuation(program[from])) from++;
        if (end - from > LINE_MAX_BYTES) end = from + LINE_MAX_BYTES;
        while (end < n && is_continuation(program[end])) end--;
    }
    int columns = INDENT;
    for (size_t i = from; i < at; i++) columns += !is_continuation(program[i]);
    size_t used = strlen(e->text);
    (void)snprintf(e->text + used, sizeof e->text - used, "\n%*s%.*s\n%*s^", INDENT, "", (int)(end - from),
                   program + from, columns, "");
    /* A tab counts as one column on both lines. */
    for (char *p = e->text + used + 1; *p; p++)
        if (*p == '\t') *p = ' ';
    return e->grade;
}

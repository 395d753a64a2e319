/* SPDX-License-Identifier: Apache-2.0 */
/* The error object: words for people, a grade for programs. See err.h. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Newlines of what was put into a text become \x0a. The text is cut where that does not fit any more. */
static void newlines_escape(char *text, size_t size) {
    static const char escape[] = "\\x0a";
    size_t n = sizeof escape - 1;
    for (char *p = text; (p = strchr(p, '\n')); p += n) {
        size_t room = size - 1 - (size_t)(p - text);
        if (room < n) {
            *p = '\0';
            return;
        }
        size_t rest = strlen(p + 1);
        if (rest > room - n) rest = room - n;
        memmove(p + n, p + 1, rest);
        memcpy(p, escape, n);
        p[n + rest] = '\0';
    }
}

int err_setv(struct err *e, int grade, const char *fmt, va_list ap) {
    if (e) {
        e->grade = grade;
        e->errnum = 0;
        (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
        newlines_escape(e->text, sizeof e->text);
    }
    return grade;
}

int err_set(struct err *e, int grade, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    err_setv(e, grade, fmt, ap);
    va_end(ap);
    return grade;
}

int err_sys(struct err *e, int errnum, const char *fmt, ...) {
    if (!e) return G_IO;
    va_list ap;
    va_start(ap, fmt);
    err_setv(e, G_IO, fmt, ap);
    va_end(ap);
    e->errnum = errnum;
    size_t n = strlen(e->text);
    char reason[128];
    (void)snprintf(e->text + n, sizeof e->text - n, ": %s", strerror_r(errnum, reason, sizeof reason));
    return G_IO;
}

int err_prefix(struct err *e, const char *fmt, ...) {
    if (!e) return G_BUG;
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    newlines_escape(e->text, sizeof e->text);
    size_t n = strlen(e->text);
    (void)snprintf(e->text + n, sizeof e->text - n, "%s", old);
    return e->grade;
}

int err_nomem(struct err *e) {
    return err_set(e, G_NOMEM, "out of memory");
}

void err_clear(struct err *e) {
    if (!e) return;
    e->grade = 0;
    e->errnum = 0;
    e->text[0] = '\0';
}

int grade_exit_code(int grade) {
    switch ((enum grade)grade) {
    case G_OK:
    case G_END:
    case G_EOF:
    case G_WAIT:
    case G_PIPE:
    case G_STOPPED: return 0;
    case G_USAGE: return 2;
    case G_DATA: return 3;
    case G_IO:
    case G_ABSENT:
    case G_NOMEM: return 4;
    case G_TRUNCATED:
    case G_UPSTREAM: return 5;
    case G_CORRUPT: return 6;
    case G_FENCED: return 7;
    case G_BUG: break;
    }
    return 70;
}

const char *grade_name(int grade) {
    switch ((enum grade)grade) {
    case G_OK: return "ok";
    case G_END: return "end";
    case G_EOF: return "eof";
    case G_WAIT: return "wait";
    case G_TRUNCATED: return "truncated";
    case G_CORRUPT: return "corrupt";
    case G_IO: return "io";
    case G_DATA: return "data";
    case G_USAGE: return "usage";
    case G_UPSTREAM: return "upstream";
    case G_FENCED: return "fenced";
    case G_NOMEM: return "nomem";
    case G_BUG: return "bug";
    case G_PIPE: return "pipe";
    case G_STOPPED: return "stopped";
    case G_ABSENT: return "absent";
    }
    return "unknown";
}

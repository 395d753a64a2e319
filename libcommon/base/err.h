/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graded results and the caller's error object.
 *
 * Every function that can fail returns an int: 0 is success, a negative value is one of the grades below, and a
 * positive value (only from functions that read) says how the input came to its end. The reason, in words, is left in
 * the caller's `struct err` at the place where it happened. The library never prints and never exits.
 */
#ifndef LEAT_BASE_ERR_H
#define LEAT_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum grade {
    G_OK = 0,
    G_END = 1,        /* reading: a completed `end` block; nothing follows that belongs to this stream */
    G_EOF = 2,        /* reading: a clean file end outside a live stream */
    G_WAIT = 3,       /* reading: nothing there yet; ask again when the descriptor is readable */
    G_TRUNCATED = -1, /* the input stops inside a block, a record or a live stream */
    G_CORRUPT = -2,   /* the input has bytes that the format forbids, or a CRC that does not match */
    G_IO = -3,        /* the machine said no: a system call failed; `errnum` says which way */
    G_DATA = -4,      /* a record is not what it should be; the stream around it is sound */
    G_USAGE = -5,     /* the caller's words are wrong: options, names, expressions, configuration */
    G_UPSTREAM = -6,  /* upstream said that it failed */
    G_FENCED = -7,    /* a newer run owns this work */
    G_NOMEM = -8,     /* no memory, or a limit on it reached */
    G_BUG = -9,       /* an internal check failed */
    G_PIPE = -10,     /* the reader of our output went away (EPIPE) */
    G_STOPPED = -11,  /* a signal asked us to stop */
    G_ABSENT = -12    /* what was named does not exist */
};

/* One error. `text` is lowercase, names the subject in single quotes and has no full stop. */
struct err {
    int grade;  /* the grade that was returned, 0 while nothing failed */
    int errnum; /* errno where the grade is G_IO, else 0 */
    char text[600];
};

/* Set and return `grade`. The text is cut at the size of the buffer, never overflows. `e` may be NULL. Here and in
 * err_prefix a newline becomes \x0a, so that data cannot begin a line of a message: a text has lines only where
 * expr/caret adds them. */
int err_set(struct err *e, int grade, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_setv(struct err *e, int grade, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

/* The same for a failed system call: appends ": " and strerror(errnum), and returns G_IO. */
int err_sys(struct err *e, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put words in front of what is there already, "while …": context a caller adds on the way up. Returns e->grade. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* G_NOMEM with a standard text. */
int err_nomem(struct err *e);

void err_clear(struct err *e);

/* The exit code that stands for a grade: leat(1), EXIT STATUS. End blocks carry the same numbers. Success and the ends
 * of input are 0; so are a reader that went away (`| head` is no failure) and an orderly stop. */
int grade_exit_code(int grade);

/* A word for a grade ("truncated", "corrupt", …), for tests and reports. */
const char *grade_name(int grade);

#endif

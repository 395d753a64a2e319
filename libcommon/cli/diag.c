/* SPDX-License-Identifier: Apache-2.0 */
/* The printer. See diag.h. When memory is short a message is cut to what fits on the stack, never lost. */
#include "cli/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/safe.h"

static struct {
    const char *tool;
    int verbosity;
    bool status_shown;
    char name[64];
} diag = {.name = "leat"};

static const char status_erase[] = "\r\x1b[K";

void diag_init(const char *tool, int verbosity) {
    diag.tool = tool;
    diag.verbosity = verbosity;
    (void)snprintf(diag.name, sizeof diag.name, tool ? "leat %s" : "leat", tool);
}

void diag_set_verbosity(int verbosity) {
    diag.verbosity = verbosity;
}

bool diag_is_quiet(void) {
    return diag.verbosity < DIAG_NORMAL;
}

const char *diag_name(void) {
    return diag.name;
}

/* stderr that cannot be written to has no better place to be told: the exit code still says what happened. */
static void stderr_write(const char *p, size_t n) {
    while (n > 0) {
        ssize_t put = write(STDERR_FILENO, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return;
        p += put;
        n -= (size_t)put;
    }
}

static int line_build(struct buf *b, const char *prefix, const char *text, unsigned flags) {
    if (diag.status_shown && buf_puts(b, status_erase) < 0) return G_NOMEM;
    if (buf_puts(b, prefix) < 0 || safe_append(b, text, strlen(text), flags) < 0) return G_NOMEM;
    return buf_putc(b, '\n');
}

static void line_print(const char *prefix, const char *text, unsigned flags) {
    struct buf b = {0};
    if (line_build(&b, prefix, text, flags) == 0) {
        stderr_write(b.data, b.len);
    } else {
        static const char last_words[] = "leat: out of memory while printing a message\n";
        stderr_write(last_words, sizeof last_words - 1);
    }
    diag.status_shown = false;
    buf_release(&b);
}

static void line_printv(const char *kind, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void line_printv(const char *kind, const char *fmt, va_list ap) {
    char text[2048], prefix[96];
    (void)vsnprintf(text, sizeof text, fmt, ap);
    (void)snprintf(prefix, sizeof prefix, "%s: %s", diag.name, kind);
    line_print(prefix, text, 0);
}

/* The newlines of an error's text are our own. */
static void err_print(const char *kind, const struct err *e) {
    char prefix[96];
    (void)snprintf(prefix, sizeof prefix, "%s: %s", diag.name, kind);
    line_print(prefix, e->text[0] ? e->text : grade_name(e->grade), SAFE_NEWLINE);
}

void diag_error(const struct err *e) {
    err_print("", e);
}

void diag_warning(const struct err *e) {
    if (diag.verbosity >= DIAG_NORMAL) err_print("warning: ", e);
}

void diag_errorf(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    line_printv("", fmt, ap);
    va_end(ap);
}

void diag_warn(const char *fmt, ...) {
    if (diag.verbosity < DIAG_NORMAL) return;
    va_list ap;
    va_start(ap, fmt);
    line_printv("warning: ", fmt, ap);
    va_end(ap);
}

void diag_info(const char *fmt, ...) {
    if (diag.verbosity < DIAG_VERBOSE) return;
    va_list ap;
    va_start(ap, fmt);
    line_printv("", fmt, ap);
    va_end(ap);
}

void diag_hint(const char *fmt, ...) {
    if (diag.verbosity < DIAG_NORMAL) return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    line_print("  hint: ", text, 0);
}

void diag_print(const char *fmt, ...) {
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    line_print("", text, 0);
}

void diag_status(const char *text) {
    if (!text && !diag.status_shown) return;
    struct buf b = {0};
    if (buf_puts(&b, status_erase) == 0 && (!text || safe_append(&b, text, strlen(text), 0) == 0)) {
        stderr_write(b.data, b.len);
        diag.status_shown = text != NULL;
    }
    buf_release(&b);
}

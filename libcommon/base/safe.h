/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that came from data, made safe for a terminal.
 *
 * What a terminal acts upon is written as an escape instead: C0 controls and DEL as \xHH, C1 controls, bidirectional
 * controls and the line and paragraph separators as \uHHHH, bytes that are not UTF-8 as \xHH. Everything else is
 * copied as it is. The printer (cli/diag) and the text outputs (stream) call this; nothing else may put a byte from
 * data on a terminal.
 */
#ifndef LEAT_BASE_SAFE_H
#define LEAT_BASE_SAFE_H

#include "base/buf.h"

enum safe_flags {
    SAFE_NEWLINE = 1, /* newlines are the caller's separators: copy them */
    SAFE_TAB = 2,     /* the same for tabs */
    SAFE_JSON = 4     /* the text is JSON: controls become \u00HH, which JSON can read back */
};

/* Append the safe form of n bytes at s. 0 or G_NOMEM. */
int safe_append(struct buf *b, const char *s, size_t n, unsigned flags) NODISCARD;

/* True where safe_append with the same flags would copy all n bytes unchanged. */
int safe_is_plain(const char *s, size_t n, unsigned flags);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a word in a page that processes share (futex(2), futex_waitv). A wake-up is a hint: whoever wakes looks
 * at the truth again, and nobody sleeps without a time-out.
 */
#ifndef LEAT_SYS_FUTEX_H
#define LEAT_SYS_FUTEX_H

#include <stdint.h>

#define FUTEX_WORDS_MAX 128

/* Sleep until the word is not `seen`, a wake-up, a signal or the time-out, whichever is first. */
void futex_wait(const uint32_t *word, uint32_t seen, int64_t timeout_ns);

/* The same for the first of several words (at most FUTEX_WORDS_MAX; n may be 0). */
void futex_wait_any(const uint32_t *const *words, const uint32_t *seen, unsigned n, int64_t timeout_ns);

/* Wake all sleepers in all processes. */
void futex_wake_all(const uint32_t *word);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping on shared words. See futex.h. */
#include "sys/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sys/sys.h"

void futex_wait(const uint32_t *word, uint32_t seen, int64_t timeout_ns) {
    struct timespec t = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    (void)syscall(SYS_futex, word, FUTEX_WAIT, seen, &t, NULL, 0);
}

void futex_wait_any(const uint32_t *const *words, const uint32_t *seen, unsigned n, int64_t timeout_ns) {
    if (n == 1) {
        futex_wait(words[0], seen[0], timeout_ns);
        return;
    }
#ifdef SYS_futex_waitv
    struct futex_waitv w[FUTEX_WORDS_MAX];
    if (n > 0 && n <= FUTEX_WORDS_MAX) {
        for (unsigned i = 0; i < n; i++)
            w[i] = (struct futex_waitv){.val = seen[i], .uaddr = (uintptr_t)words[i], .flags = FUTEX_32};
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_sec += timeout_ns / 1000000000;
        t.tv_nsec += timeout_ns % 1000000000;
        if (t.tv_nsec >= 1000000000) {
            t.tv_sec++;
            t.tv_nsec -= 1000000000;
        }
        if (syscall(SYS_futex_waitv, w, n, 0, &t, CLOCK_MONOTONIC) >= 0 || errno != ENOSYS) return;
    }
#endif
    /* An old kernel, or more words than it takes: look again soon. */
    sys_sleep_ns(timeout_ns < 2000000 ? timeout_ns : 2000000);
}

void futex_wake_all(const uint32_t *word) {
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

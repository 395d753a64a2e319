/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeded generator's slower parts, and bytes from the kernel. See the header.
 */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void rng_init(struct rng *r, uint64_t seed) {
    for (int i = 0; i < 4; i++) r->s[i] = splitmix64(&seed);
}

uint64_t rng_below(struct rng *r, uint64_t n) {
    /* The high word of a 64 x 64 product; low words under 2^64 mod n are drawn again (Lemire 2019). */
    unsigned __int128 product = (unsigned __int128)rng_next(r) * n;
    if ((uint64_t)product < n) {
        uint64_t uneven = (0 - n) % n;
        while ((uint64_t)product < uneven) product = (unsigned __int128)rng_next(r) * n;
    }
    return (uint64_t)(product >> 64);
}

int random_bytes(void *p, size_t n, struct err *e) {
    char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return err_sys(e, got < 0 ? errno : EIO, "cannot get random bytes");
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

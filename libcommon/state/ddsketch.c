/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDSketch. See ddsketch.h for the method.
 *
 * A store is one block: what is known of it, and an array of counters that spans its bins. Where the used bins begin
 * and end follows from the least and the greatest magnitude, which are kept anyway.
 */
#include "state/ddsketch.h"

#include <math.h>

#include "state/pack.h"
#include "state/quantile.h"

struct dd_store {
    uint64_t count, infinite; /* finite values, infinities */
    double least, greatest;   /* magnitudes; of no values infinity and 0 */
    int32_t base;             /* the bin of the first counter */
    uint16_t cap;             /* counters, at most DD_BINS */
    uint8_t shift;            /* the block is STORE_FIRST << shift bytes */
    bool wide;                /* counters have 64 bits: count is beyond 32 */
    _Alignas(8) char counters[];
};

enum { STORE_FIRST = 64, OCTAVE = 35, FRACTION = 28, SUBNORMALS = 52, BIAS = 1023 };
enum { BIN_INFINITE = OCTAVE * (2047 + SUBNORMALS) }; /* no finite value's, and above all of them */

/* ---- bins ---- */

int32_t dd_bin(double x) {
    uint64_t bits;
    int32_t octave = SUBNORMALS;
    memcpy(&bits, &x, sizeof bits);
    if (bits >> 52 == 0) {
        x *= 0x1p52;
        memcpy(&bits, &x, sizeof bits);
        octave = 0;
    }
    octave += (int32_t)(bits >> 52);
    uint64_t s = bits << 12 >> (64 - FRACTION);
    uint64_t v = ((uint64_t)21 << FRACTION) - 6 * s;
    v = ((uint64_t)50 << FRACTION) - (v * s >> FRACTION);
    return OCTAVE * octave + (int32_t)(v * s >> (2 * FRACTION));
}

/* The s at which 6 s^3 - 21 s^2 + 50 s is k, by Newton's method, which doubles the digits with each step. */
static double edge(int k) {
    double s = k / (double)OCTAVE;
    for (int i = 0; i < 6; i++) s -= (((6 * s - 21) * s + 50) * s - k) / ((18 * s - 42) * s + 50);
    return s;
}

double dd_middle(int32_t bin) {
    int k = bin % OCTAVE;
    double low = 1 + edge(k), high = 1 + edge(k + 1);
    return ldexp(2 * low * high / (low + high), bin / OCTAVE - SUBNORMALS - BIAS);
}

/* ---- stores ---- */

struct range {
    int32_t low, high; /* bins, both included */
};

static struct range range_join(struct range a, struct range b) {
    if (b.low < a.low) a.low = b.low;
    if (b.high > a.high) a.high = b.high;
    if (a.high - a.low >= DD_BINS) a.low = a.high - DD_BINS + 1;
    return a;
}

/* The bins in use; count > 0. */
static struct range store_range(const struct dd_store *s) {
    struct range r = {dd_bin(s->least), dd_bin(s->greatest)};
    if (r.low < s->base) r.low = s->base; /* lower ones are counted there */
    return r;
}

static inline bool store_spans(const struct dd_store *s, struct range r) {
    return r.low >= s->base && r.high < s->base + s->cap;
}

static inline size_t store_bytes(const struct dd_store *s) {
    return (size_t)STORE_FIRST << s->shift;
}

static inline uint32_t *narrow(const struct dd_store *s) {
    return (uint32_t *)(uintptr_t)s->counters;
}

static inline uint64_t *wide(const struct dd_store *s) {
    return (uint64_t *)(uintptr_t)s->counters;
}

static inline uint64_t counter(const struct dd_store *s, int32_t bin) {
    return s->wide ? wide(s)[bin - s->base] : narrow(s)[bin - s->base];
}

static inline void counter_add(struct dd_store *s, int32_t bin, uint64_t n) {
    if (s->wide) {
        wide(s)[bin - s->base] += n;
    } else {
        narrow(s)[bin - s->base] += (uint32_t)n;
    }
}

/* An empty store of the smallest block that spans r, with the room that is over on both sides. NULL: no memory. */
static struct dd_store *store_take(struct arena *arena, struct range r, bool make_wide) {
    size_t bins = (size_t)(r.high - r.low + 1), width = make_wide ? sizeof(uint64_t) : sizeof(uint32_t);
    uint8_t shift = 0;
    while ((((size_t)STORE_FIRST << shift) - sizeof(struct dd_store)) / width < bins) shift++;
    size_t bytes = (size_t)STORE_FIRST << shift, cap = (bytes - sizeof(struct dd_store)) / width;
    struct dd_store *s = arena_take(arena, bytes);
    if (!s) return NULL;
    s->shift = shift;
    s->cap = (uint16_t)(cap < DD_BINS ? cap : DD_BINS);
    s->wide = make_wide;
    s->least = (double)INFINITY;
    s->base = r.low - (int32_t)(s->cap - bins) / 2;
    /* An infinity must never be within reach of ddsketch_add's short way. */
    if (s->base + s->cap > BIN_INFINITE) s->base = BIN_INFINITE - s->cap;
    return s;
}

/* Four counters; compilers do not make vectors of such a loop by themselves at -O2. */
typedef uint32_t vector __attribute__((vector_size(16), aligned(4), may_alias));

/* The counters of `from` in the bins of r join those of s, which spans them but for those too low. */
static void counters_add(struct dd_store *s, const struct dd_store *from, struct range r) {
    for (; r.low < s->base && r.low <= r.high; r.low++) counter_add(s, s->base, counter(from, r.low));
    if (r.low > r.high) return;
    if (s->wide || from->wide) {
        for (; r.low <= r.high; r.low++) counter_add(s, r.low, counter(from, r.low));
        return;
    }
    uint32_t *to = narrow(s) + (r.low - s->base);
    const uint32_t *x = narrow(from) + (r.low - from->base);
    size_t n = (size_t)(r.high - r.low + 1), i = 0;
    for (; n - i >= 8; i += 8) {
        *(vector *)(to + i) += *(const vector *)(x + i);
        *(vector *)(to + i + 4) += *(const vector *)(x + i + 4);
    }
    for (; i < n; i++) to[i] += x[i];
}

/* Another block instead, that spans r, of which the low end collects what is lower. */
static int store_move(struct dd_store **at, struct arena *arena, struct range r, bool make_wide) {
    struct dd_store *old = *at, *s = store_take(arena, r, make_wide);
    if (!s) return G_NOMEM;
    s->count = old->count;
    s->infinite = old->infinite;
    s->least = old->least;
    s->greatest = old->greatest;
    if (old->count) counters_add(s, old, store_range(old));
    arena_give(arena, old, store_bytes(old));
    *at = s;
    return 0;
}

/* Room for `count` more values in the bins of r. */
static int store_prepare(struct dd_store **at, struct arena *arena, struct range r, uint64_t count) {
    struct dd_store *s = *at;
    bool make_wide = s->wide || count > UINT32_MAX - s->count;
    if (s->count) r = range_join(store_range(s), r);
    return store_spans(s, r) && make_wide == s->wide ? 0 : store_move(at, arena, r, make_wide);
}

static int store_add_slow(struct dd_store **at, struct arena *arena, double x) {
    int32_t bin = isinf(x) ? BIN_INFINITE - 1 : dd_bin(x);
    struct range r = {bin, bin};
    if (!*at) {
        *at = store_take(arena, r, false);
        if (!*at) return G_NOMEM;
    }
    if (isinf(x)) {
        (*at)->infinite++;
        return 0;
    }
    int rc = store_prepare(at, arena, r, 1);
    if (rc < 0) return rc;
    struct dd_store *s = *at;
    counter_add(s, bin < s->base ? s->base : bin, 1);
    if (x < s->least) s->least = x;
    if (x > s->greatest) s->greatest = x;
    s->count++;
    return 0;
}

static int store_merge(struct dd_store **at, struct arena *arena, const struct dd_store *from) {
    if (!from) return 0;
    if (!*at) {
        struct dd_store *s = arena_take(arena, store_bytes(from));
        if (!s) return G_NOMEM;
        *at = memcpy(s, from, store_bytes(from));
        return 0;
    }
    if (from->count) {
        struct range r = store_range(from);
        int rc = store_prepare(at, arena, r, from->count);
        if (rc < 0) return rc;
        struct dd_store *s = *at;
        counters_add(s, from, r);
        if (from->least < s->least) s->least = from->least;
        if (from->greatest > s->greatest) s->greatest = from->greatest;
        s->count += from->count;
    }
    (*at)->infinite += from->infinite;
    return 0;
}

static void store_give(struct dd_store *s, struct arena *arena) {
    if (s) arena_give(arena, s, store_bytes(s));
}

/* The magnitude of a rank, counted from the smallest; rank < count. */
static double store_select(const struct dd_store *s, uint64_t rank) {
    if (rank == 0) return s->least;
    if (rank == s->count - 1) return s->greatest;
    struct range r = store_range(s);
    uint64_t seen = 0;
    while (r.low < r.high && (seen += counter(s, r.low)) <= rank) r.low++;
    double x = dd_middle(r.low);
    return x < s->least ? s->least : x > s->greatest ? s->greatest : x;
}

/* ---- the sketch ---- */

int ddsketch_add(struct ddsketch *d, struct arena *arena, double x) {
    if (!(x < 0 || x > 0)) {
        d->zeros += x == 0;
        return 0;
    }
    struct dd_store **at = x > 0 ? &d->positive : &d->negative;
    struct dd_store *s = *at;
    x = fabs(x);
    if (!s) return store_add_slow(at, arena, x);
    uint32_t i = (uint32_t)(dd_bin(x) - s->base);
    if (i >= s->cap || s->wide || s->count == UINT32_MAX) return store_add_slow(at, arena, x);
    narrow(s)[i]++;
    s->count++;
    s->least = x < s->least ? x : s->least;
    s->greatest = x > s->greatest ? x : s->greatest;
    return 0;
}

int ddsketch_merge(struct ddsketch *d, struct arena *arena, const struct ddsketch *from) {
    int rc = store_merge(&d->positive, arena, from->positive);
    if (rc == 0) rc = store_merge(&d->negative, arena, from->negative);
    d->zeros += from->zeros;
    return rc;
}

void ddsketch_clear(struct ddsketch *d, struct arena *arena) {
    store_give(d->positive, arena);
    store_give(d->negative, arena);
    *d = (struct ddsketch){0};
}

static inline uint64_t store_count(const struct dd_store *s) {
    return s ? s->count + s->infinite : 0;
}

uint64_t ddsketch_count(const struct ddsketch *d) {
    return store_count(d->positive) + store_count(d->negative) + d->zeros;
}

/* The value of a rank; rank < count. */
static double ddsketch_select(const struct ddsketch *d, uint64_t rank) {
    uint64_t below = store_count(d->negative);
    if (rank < below) {
        if (rank < d->negative->infinite) return -(double)INFINITY;
        return -store_select(d->negative, below - 1 - rank);
    }
    rank -= below;
    if (rank < d->zeros) return 0;
    rank -= d->zeros;
    return rank < d->positive->count ? store_select(d->positive, rank) : (double)INFINITY;
}

double ddsketch_quantile(const struct ddsketch *d, double q) {
    struct quantile_rank r = quantile_rank(ddsketch_count(d), q);
    double a = ddsketch_select(d, r.low);
    return r.part > 0 ? quantile_between(a, ddsketch_select(d, r.low + 1), r.part) : a;
}

/* ---- bytes ---- */

#define SAVED_MAX ((uint64_t)1 << 48) /* of any count: sums of them do not overflow */

static int store_save(const struct dd_store *s, struct buf *out) {
    static const struct dd_store none;
    if (!s) s = &none;
    int rc = pack_u64(out, s->count);
    if (rc == 0) rc = pack_u64(out, s->infinite);
    if (rc < 0 || !s->count) return rc;
    rc = pack_double(out, s->least);
    if (rc == 0) rc = pack_double(out, s->greatest);
    struct range r = store_range(s);
    while (rc == 0 && r.low <= r.high) {
        uint64_t n = counter(s, r.low++), more = 0;
        rc = pack_u64(out, n);
        if (rc < 0 || n > 0) continue;
        while (counter(s, r.low) == 0) r.low++, more++; /* ends at the greatest's bin */
        rc = pack_u64(out, more);
    }
    return rc;
}

/* The counters of a store that has its count, least and greatest. */
static bool counters_load(struct dd_store *s, struct range r, const char **p, const char *end) {
    uint64_t left = s->count, n = 0, skip;
    for (int32_t bin = r.low; bin <= r.high; bin++) {
        if (!unpack_u64(p, end, &n) || n > left) return false;
        left -= n;
        counter_add(s, bin, n);
        if (n > 0) continue;
        if (bin == r.low || !unpack_u64(p, end, &skip) || skip >= (uint64_t)(r.high - bin)) return false;
        bin += (int32_t)skip;
    }
    return n > 0 && left == 0;
}

static int store_load(struct dd_store **at, struct arena *arena, const char **p, const char *end, struct err *e) {
    uint64_t count, infinite;
    double least = 1, greatest = 1;
    bool good =
        unpack_u64(p, end, &count) && unpack_u64(p, end, &infinite) && count <= SAVED_MAX && infinite <= SAVED_MAX;
    if (good && count) good = unpack_double(p, end, &least) && unpack_double(p, end, &greatest);
    if (!good || !(least > 0 && least <= greatest && greatest < (double)INFINITY)) {
        return err_set(e, G_CORRUPT, "a sketch of quantiles is damaged");
    }
    if (count == 0 && infinite == 0) return 0;
    struct range r = {dd_bin(least), dd_bin(greatest)};
    r = range_join(r, r);
    struct dd_store *s = store_take(arena, r, count > UINT32_MAX);
    if (!s) return G_NOMEM;
    s->count = count;
    s->infinite = infinite;
    if (count) {
        s->least = least;
        s->greatest = greatest;
    }
    *at = s;
    if (count && !counters_load(s, r, p, end)) return err_set(e, G_CORRUPT, "counters of a sketch are damaged");
    return 0;
}

int ddsketch_save(const struct ddsketch *d, struct buf *out) {
    int rc = pack_u64(out, d->zeros);
    if (rc == 0) rc = store_save(d->positive, out);
    return rc < 0 ? rc : store_save(d->negative, out);
}

int ddsketch_load(struct ddsketch *d, struct arena *arena, const char **p, const char *end, struct err *e) {
    if (!unpack_u64(p, end, &d->zeros) || d->zeros > SAVED_MAX) {
        return err_set(e, G_CORRUPT, "a sketch of quantiles is damaged");
    }
    int rc = store_load(&d->positive, arena, p, end, e);
    return rc < 0 ? rc : store_load(&d->negative, arena, p, end, e);
}

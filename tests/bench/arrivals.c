/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When do the records of a replay arrive? arrivals make COUNT SECONDS writes a recording, JSON lines with .at in ns,
 * whose gaps are uneven as those of life are; arrivals read FACTOR reads it from a pipe as it is played FACTOR times as
 * fast, and prints how far each line was from its moment, which counts from the arrival of the first one.
 */
#include "latency.h"

static double random_unit(void) {
    static uint64_t x = 20261121;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (double)(x >> 11) / 9007199254740992.0;
}

/* Bursts, pauses, and all between: most gaps are short, and some are fifty times as long as the mean. */
static int make(long count, double seconds) {
    double *at = calloc((size_t)count, sizeof *at), sum = 0;
    if (!at) run_fail("memory");
    for (long i = 1; i < count; i++) {
        double u = random_unit();
        sum += u * u * u * (u > 0.99 ? 50 : 1);
        at[i] = sum;
    }
    for (long i = 0; i < count; i++)
        printf("{\"at\":%" PRId64 ",\"n\":%ld}\n",
               INT64_C(1767225600000000000) + (int64_t)(sum > 0 ? at[i] / sum * seconds * 1e9 : 0), i);
    free(at);
    return fflush(stdout) == 0 ? 0 : 4;
}

struct arrivals {
    double factor;
    int64_t first_at, first_ns, last_ns;
    int64_t *late; /* |actual - due| of each */
    size_t count, cap;
    int64_t worst_early, last; /* last: actual - due of the last one */
};

static void arrived(struct arrivals *a, const char *line, int64_t now) {
    int64_t at = strtoll(line + strcspn(line, "0123456789"), NULL, 10);
    if (a->count == 0) {
        a->first_at = at;
        a->first_ns = now;
    }
    if (a->count == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 4096;
        a->late = realloc(a->late, a->cap * sizeof *a->late);
        if (!a->late) run_fail("memory");
    }
    a->last = now - a->first_ns - (int64_t)((double)(at - a->first_at) / a->factor);
    a->last_ns = now;
    if (a->last < a->worst_early) a->worst_early = a->last;
    a->late[a->count++] = a->last < 0 ? -a->last : a->last;
}

static void take(struct arrivals *a) {
    static char buffer[1 << 16];
    size_t have = 0;
    ssize_t n;
    while ((n = read(STDIN_FILENO, buffer + have, sizeof buffer - have)) > 0) {
        int64_t now = now_ns();
        have += (size_t)n;
        char *line = buffer, *end;
        while ((end = memchr(line, '\n', have - (size_t)(line - buffer)))) {
            arrived(a, line, now);
            line = end + 1;
        }
        have -= (size_t)(line - buffer);
        memmove(buffer, line, have);
    }
    if (n < 0) run_fail("read");
}

static double quantile(const struct arrivals *a, double q) {
    size_t at = (size_t)((double)a->count * q);
    return (double)a->late[at < a->count ? at : a->count - 1] / 1000;
}

static int read_all(double factor) {
    struct arrivals a = {.factor = factor};
    take(&a);
    if (a.count == 0) return 1;
    qsort(a.late, a.count, sizeof *a.late, by_value);
    printf("{\"count\":%zu,\"seconds\":%.3f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
           "\"max_us\":%.1f,\"early_us\":%.1f,\"last_us\":%.1f}\n",
           a.count, (double)(a.last_ns - a.first_ns) / 1e9, quantile(&a, 0.5), quantile(&a, 0.9), quantile(&a, 0.99),
           quantile(&a, 0.999), quantile(&a, 1), (double)-a.worst_early / 1000, (double)a.last / 1000);
    free(a.late);
    return fflush(stdout) == 0 ? 0 : 4;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "make") == 0) return make(strtol(argv[2], NULL, 10), strtod(argv[3], NULL));
    if (argc == 3 && strcmp(argv[1], "read") == 0) return read_all(strtod(argv[2], NULL));
    fputs("usage: arrivals make COUNT SECONDS | arrivals read FACTOR\n", stderr);
    return 2;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones that expressions name, each read once in a process: they never change, so threads share them and nobody frees
 * them. See func_time_impl.h.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "expr/func_time_impl.h"

enum { TZIF_MAX = 1 << 20, ZONES_MAX = 2048 };

struct loaded_zone {
    const char *name;
    struct time_zone *tz; /* NULL: UTC */
    struct loaded_zone *next;
};

static _Atomic(struct loaded_zone *) loaded; /* only ever grows at its head */
static atomic_int loaded_count;

static const struct loaded_zone *zone_find(const char *name) {
    for (const struct loaded_zone *z = atomic_load(&loaded); z; z = z->next)
        if (strcmp(z->name, name) == 0) return z;
    return NULL;
}

/* Takes tz over. Two threads may add the same zone; then one of the entries is never found, which does no harm. */
static int zone_add(const char *name, struct time_zone *tz, struct err *e) {
    struct loaded_zone *z = calloc(1, sizeof(*z) + strlen(name) + 1);
    if (!z) {
        time_zone_free(tz);
        return err_nomem(e);
    }
    memcpy(z + 1, name, strlen(name) + 1);
    z->name = (const char *)(z + 1);
    z->tz = tz;
    z->next = atomic_load(&loaded);
    while (!atomic_compare_exchange_weak(&loaded, &z->next, z)) continue;
    atomic_fetch_add(&loaded_count, 1);
    return 0;
}

int zone_get(const char *name, const struct time_zone **ret, struct err *e) {
    const struct loaded_zone *z = zone_find(name);
    if (!z) {
        struct time_zone *tz;
        if (atomic_load(&loaded_count) >= ZONES_MAX) return err_set(e, G_USAGE, "too many time zones");
        int rc = time_zone_load(name, &tz, e);
        if (rc == 0) rc = zone_add(name, tz, e);
        if (rc < 0) return rc;
        z = zone_find(name);
    }
    *ret = z->tz;
    return 0;
}

/* ---- the machine's ---- */

static const char machine_zone[] = "/etc/localtime"; /* as a name it is none that time_zone_load takes */

static int machine_zone_load(struct err *e) {
    FILE *f = fopen(machine_zone, "rbe");
    if (!f) return zone_add(machine_zone, NULL, e); /* such a machine runs on UTC */
    struct time_zone *tz = NULL;
    char *bytes = malloc(TZIF_MAX);
    size_t n = bytes ? fread(bytes, 1, TZIF_MAX, f) : 0;
    int rc = bytes ? time_zone_from_tzif("local", bytes, n, &tz, e) : err_nomem(e);
    fclose(f);
    free(bytes);
    return rc < 0 ? rc : zone_add(machine_zone, tz, e);
}

int zone_get_local(const struct time_zone **ret, struct err *e) {
    const char *name = getenv("TZ");
    if (name && *name == ':') name++;
    if (name && *name) return zone_get(name, ret, e);
    if (name) {
        *ret = NULL; /* TZ= is UTC */
        return 0;
    }
    const struct loaded_zone *z = zone_find(machine_zone);
    if (!z) {
        int rc = machine_zone_load(e);
        if (rc < 0) return rc;
        z = zone_find(machine_zone);
    }
    *ret = z->tz;
    return 0;
}

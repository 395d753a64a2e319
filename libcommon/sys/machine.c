/* SPDX-License-Identifier: Apache-2.0 */
/* What there is of the machine. See machine.h. Control groups are those of version 2. */
#include "sys/machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GROUP_ROOT "/sys/fs/cgroup"

/* The limit of one control group; UINT64_MAX: none. */
static uint64_t group_limit(const char *group) {
    char path[600];
    unsigned long long limit;
    if (snprintf(path, sizeof path, GROUP_ROOT "%s/memory.max", group) >= (int)sizeof path) return UINT64_MAX;
    FILE *f = fopen(path, "re");
    if (!f) return UINT64_MAX;
    int n = fscanf(f, "%llu", &limit); /* "max" is no number */
    (void)fclose(f);
    return n == 1 ? limit : UINT64_MAX;
}

/* The least limit of the process's group and of all groups around it. */
static uint64_t groups_limit(void) {
    char line[512];
    uint64_t least = UINT64_MAX;
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (!f) return least;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::/", 4) != 0) continue;
        char *group = line + 3, *slash;
        group[strcspn(group, "\n")] = '\0';
        do {
            uint64_t limit = group_limit(group);
            if (limit < least) least = limit;
            slash = strrchr(group, '/');
            if (slash) *slash = '\0';
        } while (slash && slash != group);
        uint64_t limit = group_limit("");
        if (limit < least) least = limit;
    }
    (void)fclose(f);
    return least;
}

uint64_t machine_memory(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t machine = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
    uint64_t group = groups_limit(), least = group < machine ? group : machine;
    return least == UINT64_MAX ? 0 : least;
}

unsigned machine_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What this process could have of the machine. */
#ifndef LEAT_SYS_MACHINE_H
#define LEAT_SYS_MACHINE_H

#include <stdint.h>

/* Bytes of memory at most: the machine's, or those of its control group where they are less. 0: unknown. */
uint64_t machine_memory(void);

/* Processors that it may run on, at least 1. */
unsigned machine_processors(void);

#endif

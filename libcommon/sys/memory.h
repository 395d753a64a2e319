/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process could have at most: that of the machine, or of its control group where that is less. */
#ifndef LEAT_SYS_MEMORY_H
#define LEAT_SYS_MEMORY_H

#include <stdint.h>

uint64_t memory_bytes(void); /* 0: unknown */

#endif

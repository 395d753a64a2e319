/* SPDX-License-Identifier: Apache-2.0 */
/* Names for temporary files. See scratch.h. */
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void scratch_name(char out[SCRATCH_MAX], const char *word) {
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder) folder = P_tmpdir;
    assert_in_range(snprintf(out, SCRATCH_MAX, "%s/leat-%s-XXXXXX", folder, word), 1, SCRATCH_MAX - 1);
}

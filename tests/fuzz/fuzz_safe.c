/* SPDX-License-Identifier: Apache-2.0 */
/* Property: what safe_append wrote is plain, whatever the bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "base/safe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    unsigned flags = data[0] & 7u;
    struct buf b = {0};
    if (safe_append(&b, (const char *)data + 1, size - 1, flags) == 0 && !safe_is_plain(b.data, b.len, flags)) abort();
    buf_release(&b);
    return 0;
}

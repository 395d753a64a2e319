/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary files and folders. See scratch.h. */
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/file.h"

void scratch_name(char out[SCRATCH_MAX], const char *word) {
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder) folder = P_tmpdir;
    assert_in_range(snprintf(out, SCRATCH_MAX, "%s/leat-%s-XXXXXX", folder, word), 1, SCRATCH_MAX - 1);
}

static int open_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

int scratch_folder(char out[SCRATCH_MAX], const char *word) {
    scratch_name(out, word);
    assert_non_null(mkdtemp(out));
    return open_folder(out);
}

int scratch_remove(const char *path) {
    char above[SCRATCH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(above, sizeof above, "%.*s/", (int)(slash - path), path);
    int fd = open_folder(above);
    int g = dir_remove_tree(fd, slash + 1, NULL);
    close(fd);
    return g;
}

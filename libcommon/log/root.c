/* SPDX-License-Identifier: Apache-2.0 */
/* The log directory and the rule for names. See topic.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "log/topic.h"
#include "sys/file.h"
#include "sys/sys.h"

static char *default_path(void) {
    const char *dir = getenv("LEAT_DIR"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (dir && *dir) return strdup(dir);
    if (data && *data) return asprintf(&path, "%s/leat", data) < 0 ? NULL : path;
    return asprintf(&path, "%s/.local/share/leat", home && *home ? home : ".") < 0 ? NULL : path;
}

int log_open(struct log *log, const char *path, bool create, bool force, struct err *e) {
    *log = LOG_CLOSED;
    log->path = path ? strdup(path) : default_path();
    if (!log->path) return err_nomem(e);
    int g = log->root = dir_open_root(log->path, create, force, e);
    if (g >= 0) g = log->topics = dir_open(log->root, "topics", true, e);
    if (g >= 0) g = log->groups = dir_open(log->root, "groups", true, e);
    if (g >= 0) return 0;
    log_close(log);
    return g;
}

static void close_dir(int *fd) {
    if (*fd >= 0) sys.close(*fd);
    *fd = -1;
}

void log_close(struct log *log) {
    if (!log) return;
    close_dir(&log->groups);
    close_dir(&log->topics);
    close_dir(&log->root);
    free(log->path);
    log->path = NULL;
}

int topic_name_check(const char *name, struct err *e) {
    size_t n = strlen(name);
    if (n == 0) return err_set(e, G_USAGE, "a topic needs a name");
    if (n > TOPIC_NAME_MAX) return err_set(e, G_USAGE, "name of %zu characters is longer than %d", n, TOPIC_NAME_MAX);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return err_set(e, G_USAGE, "'%s' is not a name", name);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        bool lawful = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '_' || c == '-';
        if (!lawful)
            return err_set(e, G_USAGE, "'%s' is not a name: only letters, digits, '.', '_' and '-' may stand in one",
                           name);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Topic or file? See dest.h. */
#include "log/dest.h"

#include <string.h>
#include <sys/stat.h>

#include "log/appender.h"

bool dest_is_file(const char *place) {
    struct stat st;
    return strchr(place, '/') || (stat(place, &st) == 0 && !S_ISDIR(st.st_mode));
}

bool dest_is_same(const char *a, const char *b) {
    struct stat x, y;
    if (!dest_is_file(a) || !dest_is_file(b)) return strcmp(a, b) == 0;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int dest_open(struct sink **ret, const struct log *log, const char *place, struct err *e) {
    if (strcmp(place, "-") == 0)
        return err_set(e, G_USAGE, "'-' is no place for records beside the output; name a topic or a file");
    return dest_is_file(place) ? sink_open_file(ret, place, e) : sink_open_topic(ret, log, place, e);
}

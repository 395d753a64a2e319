/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals. See terminal.h. */
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is(int fd) {
    return isatty(fd) == 1;
}

int terminal_width(int fd) {
    struct winsize w = {0};
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0) return w.ws_col;
    const char *columns = getenv("COLUMNS");
    if (columns) {
        char *end;
        long n = strtol(columns, &end, 10);
        if (end != columns && *end == '\0' && n > 0 && n < 10000) return (int)n;
    }
    return 80;
}

bool terminal_color(int fd, enum color_when when) {
    if (when == COLOR_ALWAYS) return true;
    if (when == COLOR_NEVER) return false;
    const char *no_color = getenv("NO_COLOR");
    if (no_color && no_color[0]) return false;
    const char *term = getenv("TERM");
    if (term && strcmp(term, "dumb") == 0) return false;
    return terminal_is(fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The place of dead letters, and its log. See letters.h. */
#include "cli/letters.h"

#include "log/dest.h"

int letters_open(struct stage_config *c, struct log *log, const struct error_options *errors,
                 const struct log_options *where, struct err *e) {
    if (!errors->dead_letter) return 0;
    int g = log->root < 0 ? log_open(log, where->dir, true, where->force_fs, e) : 0;
    return g < 0 ? g : dest_open(&c->dead_letter, log, errors->dead_letter, e);
}

int letters_close(struct stage_config *c, struct log *log, int g, struct err *e) {
    g = sink_finish(c->dead_letter, g, e);
    c->dead_letter = NULL;
    log_close(log);
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic that is built aside: a folder beneath `tmp` in the root of the log, locked as long as its maker lives, that
 * becomes a topic in one step or goes away. leat-archive(5), section "Import". What a maker that died left behind is
 * told by its lock, and may be removed by anybody at once.
 */
#ifndef LEAT_LOG_WORKSHOP_H
#define LEAT_LOG_WORKSHOP_H

#include "log/topic.h"

#define WORKSHOP_PREFIX "import-"

struct workshop {
    int tmp, dir, lock;
    char name[48];
};
#define WORKSHOP_CLOSED ((struct workshop){.tmp = -1, .dir = -1, .lock = -1})

/* For a topic of this identity. 1: somebody builds one already. */
int workshop_open(struct workshop *w, const struct log *log, uint64_t topic_id, struct err *e) NODISCARD;

/* It gets its name and is there for everybody; what is in it was synced before. G_USAGE: there is a topic of that name.
 */
int workshop_publish(struct workshop *w, const struct log *log, const char *topic, struct err *e) NODISCARD;

/* Not published: everything in it is removed. */
void workshop_close(struct workshop *w);

/* Remove one that nobody works in. 0: it is gone; 1: somebody works in it; else it could not be removed. */
int workshop_sweep(int tmp, const char *name, struct err *e) NODISCARD;

/* All of those. At best: what cannot be removed today is removed another day. */
void workshop_sweep_all(const struct log *log);

#endif

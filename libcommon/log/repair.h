/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repair of a partition: what a survey found damaged is given up, everything else is kept, and what was is put into
 * quarantine. In two steps, so that nothing is lost that was not told before: a plan, and its execution, which looks
 * again under the locks and refuses when it finds anything else than the plan says.
 */
#ifndef LEAT_LOG_REPAIR_H
#define LEAT_LOG_REPAIR_H

#include "log/survey.h"

struct repair_plan {
    struct buf text; /* a line for each loss and each step, for people; also what two plans are compared by */
    size_t steps;
    uint64_t lost; /* offsets that are given up */
    uint64_t lost_bytes;
};
void repair_plan_release(struct repair_plan *plan);

int repair_plan_make(struct topic *t, uint32_t partition, struct repair_plan *ret, struct err *e) NODISCARD;

/* G_FENCED when the partition is not any more as the plan says; nothing was changed then. */
int repair_execute(struct topic *t, uint32_t partition, const struct repair_plan *agreed, struct err *e) NODISCARD;

/* topic.json that cannot be read: from the generation before it, or from the segments, with default settings. The text
 * says which. 0: done, or with `execute` false would be; 1: nothing is wrong with it; G_ABSENT: no such topic. */
int repair_topic_file(const struct log *log, const char *name, bool execute, struct buf *text, struct err *e) NODISCARD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the run loop that its files share; tools include stage.h. */
#ifndef LEAT_STREAM_STAGE_IMPL_H
#define LEAT_STREAM_STAGE_IMPL_H

#include "stream/stage.h"

/* All files at once, as they grow; ends by a signal. */
int stage_run_follow(struct stage *s, struct err *e) NODISCARD;

/* All feeds of the configuration, until each has ended. */
int stage_run_feeds(struct stage *s, struct err *e) NODISCARD;

void stage_tick(struct stage *s);
int stage_idle(struct stage *s, struct err *e) NODISCARD;
int stage_text_record(struct stage *s, struct text_in *text, const char *name, int grade, struct record *r,
                      struct err *e) NODISCARD;

#endif

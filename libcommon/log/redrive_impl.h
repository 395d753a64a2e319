/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of log/redrive share: sending (redrive.c) and finding out what was sent (redrive_recover.c). */
#ifndef LEAT_LOG_REDRIVE_IMPL_H
#define LEAT_LOG_REDRIVE_IMPL_H

#include "log/redrive.h"
#include "log/redrive_state.h"

#define REDRIVE_NONCE_BYTES 16 /* in the header, as hexadecimal digits */

/* A letter of the batch. */
struct redrive_entry {
    struct letter_id id;
    size_t end;      /* index in state.ends: where it goes */
    size_t at, size; /* of its record, encoded */
};

struct redrive {
    struct redrive_config c;
    struct redrive_state state;
    int dir; /* of the redrive file */
    char *name;
    char *source;     /* as the header names it: the topic, or the file without its folder */
    int lock_fd;      /* the lock lives in it; -1: not locked */
    bool unpublished; /* the state in memory is not that of the file */
    bool broken;      /* a batch failed: what arrived of it is for the next run to find out */
    /* the batch: its letters and ends are those of state.intent and state.ends */
    struct buf bodies;
    struct redrive_entry *entries;
    size_t entry_count, entry_cap;
    struct topic **topics; /* that are open, for this batch */
    size_t topic_count;
    char *file; /* that a letter of this batch was put to, as it was called, and its place in state.ends */
    size_t file_end;
    struct buf headers;
};

void redrive_notice(const struct redrive *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A partition as it is now, settled. */
int redrive_settle(struct topic *t, uint32_t partition, uint64_t *ret_end, struct err *e) NODISCARD;

int redrive_publish(struct redrive *r, struct err *e) NODISCARD;

/* Letters of the intent that arrived are done, the others are not, and there is no intent any more. */
int redrive_recover(struct redrive *r, struct err *e) NODISCARD;

#endif

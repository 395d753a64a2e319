/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The redrive file of leat-log(5): which letters of a source were sent, and what a run was about to send, with the ends
 * of the places it was for. It lies in the topic's folder, or beside the letters' file, and is replaced in one step.
 */
#ifndef LEAT_LOG_REDRIVE_STATE_H
#define LEAT_LOG_REDRIVE_STATE_H

#include "log/marks.h"

/* A partition of a topic, or a file, and where it ended before the letters of an intent were appended. */
struct redrive_end {
    char *place; /* owned: a topic, or the absolute path of a file */
    bool is_file;
    uint64_t topic_id;
    uint32_t partition;
    uint64_t end; /* an offset, or bytes */
};

struct redrive_state {
    struct marks done;
    bool intends;        /* there is an intent: */
    uint64_t nonce;      /* in the header of each of its records */
    struct marks intent; /* its letters */
    struct redrive_end *ends;
    size_t end_count;
    /* Of letters in a file: the bytes that there were, and the CRC-32C of the headers of their blocks. */
    uint64_t file_bytes;
    uint32_t file_crc;
};
void redrive_state_release(struct redrive_state *s); /* takes NULL */

void redrive_state_end_intent(struct redrive_state *s);

/* topic_id 0: letters of a file. No file is an empty state; G_CORRUPT: it is damaged, or another topic's. */
int redrive_state_load(struct redrive_state *s, int dir, const char *name, uint64_t topic_id, struct err *e) NODISCARD;
int redrive_state_publish(const struct redrive_state *s, int dir, const char *name, uint64_t topic_id,
                          struct err *e) NODISCARD;

#endif

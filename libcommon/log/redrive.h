/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters sent back, each exactly once whatever happens: leat-log(5), section "Redrive file". For `leat redrive`, which
 * reads the letters and decides what becomes of them.
 *
 * Records gather in a batch. Before it is appended, an intent is published: its letters, and where the places that they
 * go to end. Each record has a header that names its letter and the intent, so that the next run finds out which of
 * them arrived when this one dies. Marks are published with the next intent, or at the end.
 *
 *     redrive_open → { redrive_put } … → redrive_flush → redrive_free
 */
#ifndef LEAT_LOG_REDRIVE_H
#define LEAT_LOG_REDRIVE_H

#include "log/topic.h"
#include "stream/block.h"

#define REDRIVE_HEADER "leat.redriven" /* "dead/0@17#0123456789abcdef": the letter, and the nonce of its intent */

struct redrive;

struct redrive_config {
    const struct log *log;
    struct topic *topic; /* of the letters; NULL: they are in a file */
    const char *file;
    bool write;         /* else nothing is changed, and only redrive_is_done and redrive_try may be called */
    size_t batch_bytes; /* 0: 4 MiB */
    void (*notice)(void *ctx, const char *text);
    void *ctx;
};

/* A letter of the source; in a file the partition is 0 and the offset its number, from 0. */
struct letter_id {
    uint32_t partition;
    uint64_t offset;
};

struct redrive_to {
    const char *place; /* a topic, or a file */
    bool is_file;
    bool create;       /* a topic that is not there is made */
    int64_t partition; /* -1, or one that is not there: by key */
};

/* To write, first finds out what a run that was interrupted sent, and tells. G_FENCED: somebody else is sending letters
 * of this source. G_CORRUPT: the marks are damaged or of another file. */
int redrive_open(struct redrive **ret, const struct redrive_config *c, struct err *e) NODISCARD;
void redrive_free(struct redrive *r); /* what was not flushed is not sent; takes NULL */

/* Letters lie in the first so many bytes of the file; it may have grown since redrive_open. */
uint64_t redrive_file_bytes(const struct redrive *r);

/* Did a run not come to its end? Without `write`, some of the letters that are not done may have been sent then. */
bool redrive_is_interrupted(const struct redrive *r);

bool redrive_is_done(const struct redrive *r, struct letter_id id);

/* Would the place take this record? G_ABSENT, G_USAGE: there is no such place; G_DATA: not this record. */
int redrive_try(struct redrive *r, const struct redrive_to *to, const struct record *record, struct err *e) NODISCARD;

/* The same, and then send it. What went wrong with a batch leaves its intent to the next run. */
int redrive_put(struct redrive *r, struct letter_id id, const struct redrive_to *to, const struct record *record,
                struct err *e) NODISCARD;

/* Not done any more. */
int redrive_forget(struct redrive *r, struct letter_id id, struct err *e) NODISCARD;

/* All that was put is durable where it went, and marked. */
int redrive_flush(struct redrive *r, struct err *e) NODISCARD;

#endif

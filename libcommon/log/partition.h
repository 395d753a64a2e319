/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition, opened to append: locks, the active segment, roll, recovery, sync. leat-log(5), sections "Append",
 * "Roll" and "Recovery". Reading is in cursor.h; it needs none of the locks.
 */
#ifndef LEAT_LOG_PARTITION_H
#define LEAT_LOG_PARTITION_H

#include <stdbool.h>
#include <sys/types.h>

#include "log/segment.h"
#include "log/tail.h"
#include "log/topic.h"

enum partition_lock { LOCK_APPEND = 0, LOCK_SYNC = 1, LOCK_CLEAN = 2 };
#define LOCK_TIMEOUT_NS INT64_C(30000000000)

enum partition_mode {
    PARTITION_APPEND, /* recovered if need be, ready to append */
    PARTITION_READ,   /* the same if this user may write, else as it is */
    PARTITION_CLEAN,  /* no recovery: for tools that look or repair */
    PARTITION_DELETE  /* as PARTITION_CLEAN */
};

struct partition {
    struct topic *topic;
    uint32_t number;
    char label[TOPIC_NAME_MAX + 16]; /* "topic/partition", for messages */
    struct segment_identity id;
    int dir, lock_fd;
    dev_t lock_dev; /* of lock_fd: the path must lead there */
    ino_t lock_ino;
    uint32_t pid; /* of this process, for the words of the tail */
    struct tail *tail;
    bool writable;
    int64_t lock_timeout_ns;
    int fd;        /* active segment, as this process last saw it; -1 none */
    uint64_t base; /* of that segment */
    uint32_t epoch;
    bool lazy;      /* policy none: a segment is sealed without a sync */
    bool stop;      /* a sync failed: this process writes no more here */
    bool unsettled; /* a segment may have got its name without the tail knowing: the next one to lock looks */
    /* What this process appended last: a recovery with a higher epoch may have cut it before it was durable. */
    uint32_t appended_epoch;
    uint64_t appended_end;
    struct partition_news {
        uint64_t cut_bytes; /* what the last recovery cut */
        uint64_t cut_at;    /* offset at which it cut */
    } news;
};

int partition_open(struct partition *p, struct topic *t, uint32_t number, enum partition_mode mode,
                   struct err *e) NODISCARD;
void partition_close(struct partition *p);

/* Was the topic deleted while it was open? A page that is not valid says nothing. */
bool partition_is_deleted(const struct partition *p);

/* A block to append: records encoded with offset_delta 0, 1, 2 … The header's flags (BLOCK_JSON_VALID), records, times
 * and producer fields are the caller's; everything else is set here, the CRC included. */
struct append_block {
    struct block_header h;
    const char *body;
    uint32_t size;
    uint32_t body_crc, shift_op; /* append_block_prepare */
};
void append_block_prepare(struct append_block *b); /* the part of the CRC that needs no lock */

/* Append whole blocks in one step: all or none. *ret_offset is the offset of the first record. Not yet durable: call
 * partition_sync with the offset behind the last record. G_IO leaves the log as it was. */
int partition_append(struct partition *p, struct append_block *blocks, size_t count, uint64_t *ret_offset,
                     struct err *e) NODISCARD;

/* Make everything below `offset` durable and visible to readers, together with whatever else waits (group commit). */
int partition_sync(struct partition *p, uint64_t offset, struct err *e) NODISCARD;

/* The fate of all that was appended so far, also by those who died meanwhile, is decided: it is durable and visible, or
 * was cut off, and the next append begins at *ret_end or behind it. */
int partition_settle(struct partition *p, uint64_t *ret_end, struct err *e) NODISCARD;

/* Policy none: visible to readers as it is, who are told by topic_wake. */
void partition_publish(struct partition *p, uint64_t offset);

/* Start a new segment now, if the active one has records. Under the caller's append lock; takes the sync lock.
 * `durable` makes the sealed one, its index and the new one so; else (policy none) the next partition_sync does. */
int partition_roll(struct partition *p, bool durable, struct err *e) NODISCARD;

/* Write and publish the file of a new active segment. base, epoch, running_max and previous are the caller's. */
int partition_new_segment(struct partition *p, struct segment_info *info, bool durable, struct err *e) NODISCARD;

/* Lock to append: recovers when the tail asks for it and opens the active segment. */
int partition_lock(struct partition *p, struct err *e) NODISCARD;
void partition_unlock(struct partition *p);

/* The first offset that is kept, as the file `start` has it; 0 when there is none. */
int partition_read_start(int dir, uint64_t *ret, struct err *e) NODISCARD;
int partition_write_start(int dir, uint64_t offset, struct err *e) NODISCARD;

/* The sync lock, under which segments are synced, begun and poisoned. Behind the append lock, never before it. */
int partition_lock_sync(struct partition *p, struct err *e) NODISCARD;
void partition_unlock_sync(struct partition *p);

/* recover.c. Under the append lock; takes the sync lock. */
bool partition_needs_recovery(const struct partition *p);
int partition_recover(struct partition *p, struct err *e) NODISCARD;

/* Make OFFSET.bad beside the active segment and set the state bit: nothing is appended to it any more. */
void partition_poison(struct partition *p);

#endif

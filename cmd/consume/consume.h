/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat consume`: sources (a partition each) that are pumped to the output, and the group that shares
 * them.
 */
#ifndef LEAT_CONSUME_H
#define LEAT_CONSUME_H

#include "log/cursor.h"
#include "log/group.h"
#include "log/offsets.h"
#include "stream/output.h"

/* A topic that is consumed, and this member's place in its group. */
struct consumed {
    struct topic topic;
    struct group group; /* when there is one */
    struct group_share share;
    uint32_t wake_seen;
    uint32_t wake_looked; /* when it was looked for partitions that were added */
    bool looked;
};

enum source_state {
    SOURCE_AWAY,    /* another member has it */
    SOURCE_READING, /* */
    SOURCE_LEAVING, /* it belongs to another member now: when its output was taken, it is committed and let go */
    SOURCE_DONE     /* at the end that was asked for */
};

/* One partition. */
struct source {
    struct consumed *of;
    uint32_t partition;
    enum source_state state;
    bool added; /* since we began: all its records are new */
    struct cursor cursor;
    bool open;
    uint64_t to;    /* read up to here; UINT64_MAX: no end */
    uint32_t epoch; /* of the last record that was put out */
    uint64_t put;   /* offset behind the last record that was put out */
    uint64_t taken; /* the same for records that the reader of our output has taken */
    uint64_t committed;
    int64_t max_time;  /* NO_TIME: none yet */
    int64_t watermark; /* last one sent */
    bool idle;         /* an idle mark was sent */
    int64_t moved_ns;  /* when it had something last, or was first found at its end; 0: neither yet */
};

struct consumer {
    struct log log;
    struct consumed *topics;
    size_t topic_count;
    struct source **sources; /* each stays where it is: cursors and `queue` point into it */
    size_t source_count;
    struct output output;
    /* what was asked for */
    struct offset_range_spec range;
    const char *group; /* NULL: none */
    bool exit_at_end, uncommitted;
    bool growing; /* partitions that are added meanwhile are read, too */
    bool watermarks;
    bool file_complete; /* --output: it has its name */
    int64_t out_of_order_ns;
    int64_t idle_after_ns; /* without records a partition is idle */
    uint64_t left;         /* records still wanted; UINT64_MAX: all */
    /* work space */
    struct buf bytes, raw, control;
    struct taking {
        uint64_t written; /* bytes of output when this was put out */
        struct source *source;
        uint64_t offset;
    } * queue; /* put out, not yet known to be taken; a ring */
    size_t queue_head, queue_len, queue_cap;
    int64_t committed_at_ns, shared_at_ns;
    uint64_t records, bytes_out; /* counts for --stats */
};

/* source.c */
int source_open(struct consumer *c, struct source *s, struct err *e) NODISCARD;
void source_close(struct source *s);
/* Put out what is there, about 1 MiB at most. 1: something was put out; 0: nothing for now; or a grade. */
int source_pump(struct consumer *c, struct source *s, struct err *e) NODISCARD;
/* A partition that another member has: 1 when the group has read it to its end. */
int source_was_read(struct consumer *c, struct source *s, struct err *e) NODISCARD;
int source_mark_idle(struct consumer *c, struct source *s, struct err *e) NODISCARD;

/* membership.c */
/* Remember that this offset is reached when the output so far was taken. */
int taking_add(struct consumer *c, struct source *s, struct err *e) NODISCARD;
/* Look how far the reader of our output has come. */
void taking_update(struct consumer *c);
/* Take and let go of partitions as the members come and go. */
int membership_update(struct consumer *c, bool now, struct err *e) NODISCARD;
/* Commit what was taken, if it is time, or `now`. */
int membership_commit(struct consumer *c, bool now, struct err *e) NODISCARD;
/* Wait until all output was taken or nobody reads it any more, then commit. */
int membership_leave(struct consumer *c, struct err *e) NODISCARD;

#endif

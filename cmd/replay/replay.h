/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat replay`: what is played (recordings.c, and archive.c and partition.c, which read it in the threads
 * of the feeds), the playing of one record after the other (play.c), what is told of it meanwhile (watch.c), and the
 * keys (keys.c). Options and the run are in replay.c.
 */
#ifndef LEAT_CMD_REPLAY_H
#define LEAT_CMD_REPLAY_H

#include <pthread.h>
#include <termios.h>

#include "cli/progress.h"
#include "expr/record_field.h"
#include "log/archive_read.h"
#include "log/cursor.h"
#include "state/order.h"
#include "stream/pace.h"

/* One side of the range. */
struct range_point {
    enum { POINT_NONE, POINT_OFFSET, POINT_TIME } kind;
    uint64_t offset;
    int64_t time_ns;
};

/* ---- what is played ---- */

enum recording_kind {
    RECORDING_STREAM,  /* a file, FIFO or standard input; an archive perhaps, if it is none that can be sought */
    RECORDING_ARCHIVE, /* the entries of one folder of an archive that is a file */
    RECORDING_PARTITION
};

struct recording {
    enum recording_kind kind;
    const char *name; /* the operand */
    char *folder;     /* ARCHIVE; "" is the top one */
    struct topic topic;
    uint32_t partition;
    uint64_t from, to;    /* PARTITION: offsets that are played */
    uint64_t size, bytes; /* of all, in units of feed_item.position, and in bytes; 0: not known */
    /* Of the thread that reads. */
    pthread_mutex_t lock;
    bool has_notice;
    struct err notice; /* for people, under the lock */
    /* Of the main thread. */
    bool begun;           /* of the range: from here on all count */
    uint64_t at;          /* position behind the last block that was taken */
    uint64_t taken, done; /* records in all of them, and those of them that were played or passed over */
};

struct recordings {
    struct recording *recording;
    const char **names; /* of each, for the feeds */
    size_t count;
    struct range_point from, to;
    struct archive_limits limits;
    enum in_format format;
    bool once; /* one of them cannot be read a second time */
};

/* `log` is open where one of the operands is a topic. G_ABSENT: no such topic. */
int recordings_open(struct recordings *rs, const char *const *operands, size_t n, const struct log *log,
                    struct err *e) NODISCARD;
void recordings_release(struct recordings *rs);
/* Is this operand a topic? */
bool recording_is_topic(const char *operand);
/* Is this record in the range? As turns.admit has it. */
enum turn_admits recording_admit(struct recordings *rs, size_t which, const struct record *r);
void recordings_rewind(struct recordings *rs);
/* How much of all was played, 0 to 1; 0 when it is not known. */
double recordings_done(const struct recordings *rs);

/* feeds_config.read; `ctx` are the recordings. */
int recording_read(struct recordings *rs, size_t which, struct feed_reading *r, struct err *e) NODISCARD;
int partition_read(struct recording *rec, struct feed_reading *r, struct err *e) NODISCARD;
/* An archive that is a file, and one of which only the first bytes are known: those of `in`. */
int archive_read_folder(struct recordings *rs, struct recording *rec, struct feed_reading *r, struct err *e) NODISCARD;
int archive_read_pipe(struct recordings *rs, struct recording *rec, struct feed_reading *r, struct inbuf *in,
                      struct err *e) NODISCARD;
/* Calls fn for each folder of an archive that has records. */
int archive_folders(struct recordings *rs, const char *path, int (*fn)(void *ctx, const char *folder, size_t n),
                    void *ctx, struct err *e) NODISCARD;

/* ---- keys ---- */

struct keys {
    int fd; /* -1: there is no terminal */
    bool own;
    bool gone;      /* there will be no keys any more */
    char typed[60]; /* [at, typed_size) was not heeded yet */
    size_t at, typed_size;
};
enum key { KEY_NONE, KEY_SPACE, KEY_FASTER, KEY_SLOWER, KEY_OTHER };

/* Where `needed`, /dev/tty serves, too, and G_USAGE when there is none. `taken`: standard input is a source. */
int keys_open(struct keys *k, bool needed, bool taken, struct err *e) NODISCARD;
void keys_close(struct keys *k); /* the terminal is as it was; takes one that is not open */
/* Wait for a key, for so long at most. */
enum key keys_wait(struct keys *k, int64_t ns);
/* How long the process stood still since the last call, stopped by the terminal. */
int64_t keys_stood(void);

/* ---- the whole ---- */

struct replay {
    struct stage_config *config;
    struct progress *progress;
    struct feeds_config feeds;
    struct recordings recordings;
    struct time_field time;
    struct expr_run **run; /* of each recording */
    struct sink *to;       /* NULL: the output */
    struct keys keys;
    struct pace pace;
    bool by_time, shift, step;
    int64_t out_of_order_ns;
    struct state_budget budget;
    struct order order;
    uint64_t limit, rounds; /* rounds 0: for ever */
    int64_t loop_delay_ns, duration_ns, stats_every_ns;
    /* While it runs. */
    bool finished;     /* limit or duration: no further round */
    bool playing;      /* --duration began with the first record; until its turn, with what came last */
    int64_t end_ns;    /* of --duration; INT64_MAX: none */
    uint64_t barriers; /* left out: they are of the run that was recorded */
    uint64_t round;    /* from 0 */
    uint64_t played, played_before, late, bytes; /* before: when the round began */
    int64_t shift_ns;
    bool has_shift;
    struct buf headers;
    int64_t latest; /* time of the last record */
    /* watch.c */
    int64_t started_ns, next_stats_ns, last_stats_ns, looked_ns, keys_looked_ns;
    double last_place;
    uint64_t last_played;
    bool lag_told;
};

/* Callbacks of the stage; `ctx` is the replay. */
void play_want(void *ctx, struct stage *s, struct feed_set *ret);
int play_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) NODISCARD;
int play_control(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int play_idle(void *ctx, struct stage *s, struct err *e) NODISCARD;
int play_again(void *ctx, struct stage *s, struct err *e) NODISCARD;
/* --duration begins at this moment. */
void play_end_at(struct replay *p, int64_t start_ns);
/* The order of a round. */
int play_prepare(struct replay *p, struct err *e) NODISCARD;

/* stage_config.tick; `ctx` is the progress. */
void watch_counts(void *ctx, const struct stage_counts *counts);
/* Looks at the clock; `waits`: the next record is not due yet, so that all is in time. */
void watch_tick(struct replay *p, int64_t now, bool waits);
/* When something has to be shown next. */
int64_t watch_next(const struct replay *p, int64_t now);
/* The last record has left late: is that worth a word? */
void watch_lag(struct replay *p);
void watch_end(struct replay *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat join --with`: records of two sides are taken in the order that stream/turns.h has (sides.c). One
 * that may still get partners waits (waiting.c) by its key and by its due: the mark of event time at which its partners
 * are all there. What that means is the form's: interval.c, tumble.c, as_of.c. Results are made in pair.c, and
 * sides_state.c keeps what waits for the next run.
 */
#ifndef LEAT_CMD_JOIN_SIDES_H
#define LEAT_CMD_JOIN_SIDES_H

#include "join.h"
#include "state/snapshot.h"
#include "state/span.h"
#include "stream/turns.h"

enum side { RIGHT, LEFT };
static inline enum side other_side(enum side s) {
    return s == LEFT ? RIGHT : LEFT;
}

/* ---- waiting.c: records that wait ---- */

struct waiting {
    struct waiting *next, *prev; /* of its key and side: by arrival, as-of versions by time */
    struct entry *key;           /* NULL: it has none */
    int64_t time;
    uint64_t number; /* of its arrival, of both sides */
    size_t place;    /* in its side's heap; NO_PLACE: not there */
    uint32_t size;   /* of the encoded record */
    uint8_t side;
    bool matched;
    char encoded[];
};
#define NO_PLACE SIZE_MAX

/* The value of a key's entry: who waits for it. */
struct waiters {
    struct waiting *first[2], *last[2]; /* by side */
};

/* By due and then by arrival: a heap in which due times can change. */
struct dues {
    struct due {
        int64_t due;
        struct waiting *w;
    } * items;
    size_t count, cap;
};

struct waiting_room {
    struct arena arena;
    struct table table;
    struct table_key hash_key;
    struct dues dues[2]; /* by side */
    uint64_t arrived;
};

int waiting_init(struct waiting_room *room, struct state_budget *budget, struct err *e) NODISCARD;
void waiting_release(struct waiting_room *room);

/* Those that wait for this key, or NULL. */
struct waiters *waiting_find(const struct waiting_room *room, const char *key, size_t n);

/* The record in hand. */
struct taken {
    enum side side;
    const struct record *r;
    const char *key; /* NULL: it has none */
    size_t key_size;
    uint64_t number; /* of its arrival */
};

/* The record waits from now on, last of its key and in no heap yet. NULL: G_NOMEM. */
struct waiting *waiting_put(struct waiting_room *room, const struct taken *t);
/* It waits no longer. Takes it out of its heap, too, and its key with the last one. */
void waiting_drop(struct waiting_room *room, struct waiting *w);
void waiting_record(const struct waiting *w, struct record *ret); /* a view into it */

/* In its list, before `next` (NULL: last) instead of where it is. */
void waiting_move(struct waiting *w, struct waiting *next);
static inline struct waiters *waiting_others(const struct waiting *w) {
    return entry_value(w->key);
}

/* Its due is this from now on; INT64_MAX is never, and it is in the heap all the same. G_NOMEM. */
int waiting_due(struct waiting_room *room, struct waiting *w, int64_t due) NODISCARD;
/* It is in its heap. */
static inline int64_t waiting_due_of(const struct waiting_room *room, const struct waiting *w) {
    return room->dues[w->side].items[w->place].due;
}
static inline const struct due *waiting_first(const struct waiting_room *room, enum side side) {
    return room->dues[side].count ? room->dues[side].items : NULL;
}

/* ---- forms ---- */

struct sides;

struct form {
    /* With this mark of its own input or side before it, is a record of that time late? */
    bool (*late)(const struct sides *k, int64_t time, int64_t mark);
    /* The next record: pairs come out, and it waits where more can come. */
    int (*take)(struct sides *k, struct stage *s, const struct taken *t, struct err *e);
    /* Event time has come to its due: what is left of it comes out, and it is dropped. It may get another due. */
    int (*decide)(struct sides *k, struct stage *s, struct waiting *w, struct err *e);
    /* No result of one that waits, or that is not late, has an earlier time. */
    int64_t (*earliest)(struct sides *k);
    bool together[2]; /* what decides those of a side is the lesser mark of both, and not that of the other side */
};
extern const struct form interval_form, tumble_form, as_of_form;

/* as_of.c: a version that was just put, among those of its key; one of the same time goes. */
void as_of_order(struct sides *k, struct waiting *version);

enum direction { BACKWARD, FORWARD, NEAREST };

struct sides {
    struct join *j; /* shape, options of results, counts */
    const struct form *form;
    int64_t before, after; /* interval */
    struct spans spans;    /* tumble */
    enum direction direction;
    int64_t tolerance;  /* as of; INT64_MAX: none */
    int64_t oldest;     /* as of: no left record that waits is earlier */
    uint64_t oldest_of; /* found when so many had arrived */
    bool right;         /* right records without a partner come out */
    const struct expr_set *set[2];
    struct expr *on[2];
    struct time_field time[2];
    struct expr_run *run[2];    /* of the main thread */
    struct expr_run **feed_run; /* of the feeds' */
    size_t inputs;              /* the first is the right side */
    struct turns turns;
    struct waiting_room room;
    int64_t mark[2];            /* up to where each side is complete; what is decided is decided by these */
    struct buf scratch;         /* of keys */
    struct buf row, text, more; /* of results */
    uint64_t row_of;            /* whose row that is: number + 1; 0: nobody's */
    unsigned kinds[2];          /* of their keys: bits 1 << value_kind */
    bool matched;               /* there was a partner */
    struct snapshot *state;
    bool drain;
    struct sink *late_to;
    uint64_t late, untold;
    int64_t told;
};

/* ---- sides.c: callbacks of the stage and of the feeds; `ctx` is the sides ---- */

int sides_text(void *ctx, size_t feed, enum in_format format, struct record *r, size_t slack, struct err *e) NODISCARD;
void sides_want(void *ctx, struct stage *s, struct feed_set *ret);
int sides_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) NODISCARD;
int sides_control(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int sides_idle(void *ctx, struct stage *s, struct err *e) NODISCARD;
int sides_end(void *ctx, struct stage *s, struct err *e) NODISCARD;

/* Before a result: who reads them takes them for ordered until he hears of a watermark. */
int sides_tell_first(struct sides *k, struct stage *s, struct err *e) NODISCARD;

int sides_record(void *ctx, struct stage *s, size_t which, const struct record *r, int64_t before,
                 struct err *e) NODISCARD;
int sides_moved(void *ctx, struct stage *s, const struct bound *b, struct err *e) NODISCARD;

/* ---- pair.c: results ---- */

/* The left record with the right one's fields; `number` of the right one, for what was made of it. With `window` its
 * times, too. A result that cannot be made goes the way of bad records. */
int pair_emit(struct sides *k, struct stage *s, const struct record *left, const struct record *right, uint64_t number,
              const struct span *window, struct err *e) NODISCARD;
/* One without a partner, to wherever those of its side go. */
int pair_none(struct sides *k, struct stage *s, enum side side, const struct record *r, const struct span *window,
              struct err *e) NODISCARD;
/* Is it one, with fields? */
bool pair_is_object(const struct record *r);
/* Does one without a partner go anywhere? */
bool pair_wants_none(const struct sides *k, enum side side);
/* Do pairs? */
static inline bool pair_wanted(const struct sides *k) {
    return !k->j->anti;
}

/* ---- sides_state.c ---- */

int sides_restore(struct sides *k, const char *dir, const char *identity, bool force_fs, struct err *e) NODISCARD;
int sides_save(struct sides *k, struct err *e) NODISCARD;

/* a + b without overflow */
static inline int64_t time_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? INT64_MAX : INT64_MIN) : sum;
}

#endif

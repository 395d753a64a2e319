/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat join --with`: what is to be known of a record is found in the thread of its input (arrival.c,
 * shapes.c). Records of two sides are taken in the order that stream/turns.h has (sides.c). One that may still get
 * partners waits (waiting.c) by its key and by its due: the mark of event time at which its partners are all there.
 * What that means is the form's: interval.c, tumble.c, as_of.c. Results are made in pair.c, and sides_state.c keeps
 * what waits for the next run.
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

/* ---- arrival.c: what is to be known of a record ---- */

struct member_at {
    uint16_t at, size; /* of "name":value; what follows without a gap is the next one behind a comma */
};
#define MEMBERS_MAX 64             /* of a record whose results are made the fast way, */
#define PLACE_BYTES_MAX UINT16_MAX /* and, of a right one, of what they are in */
#define NO_SHAPE UINT16_MAX

/* Where in a record's value the members are, and of which names. A right one has them one by one. Small: it waits with
 * its record, and what waits comes from memory for each pair. */
struct layout {
    union {
        uint32_t last; /* left: behind the last member, behind the bracket when there is none */
        uint32_t text; /* right: bytes of the text behind the members that they are in, or 0: in the value */
    };
    uint16_t shape;  /* NO_SHAPE: results of it are made the slow way */
    uint8_t members; /* right: how many */
    bool empty;      /* left: there is none */
    struct member_at member[];
};

struct arrival {
    uint64_t hash;                   /* of its key */
    uint32_t key_at, key_size;       /* in the note; kind 0: it has none */
    uint32_t layout_at, layout_size; /* likewise; size 0: none */
    uint32_t kind;                   /* 1 << value_kind of the key */
    bool known; /* false: it is a bad one, or there is no memory; the main thread finds the words */
};

/* ---- shapes.c: names of records in their order ---- */

#define SHAPES_MAX 4096

/* Of one side. The main thread and those of the feeds find shapes at the same time. */
struct shapes {
    pthread_mutex_t lock;
    struct state_budget budget;
    struct arena arena;
    struct table table; /* names in canonical spelling, each with a NUL behind it, to a number */
    struct table_key hash_key;
    struct entry *by_id[SHAPES_MAX];
    uint32_t count;
};
int shapes_init(struct shapes *x, struct err *e) NODISCARD;
void shapes_release(struct shapes *x);
/* The number of these names, or NO_SHAPE: there are too many. *hint (of the caller's thread; NULL at first) is the
 * one found last. */
uint16_t shapes_find(struct shapes *x, const char *names, size_t n, const struct entry **hint);
/* Which of a right record's members a left one has not: a bit for each. */
uint64_t shapes_kept(const struct shapes *left, unsigned left_id, const struct shapes *right, unsigned right_id);

/* Scratch memory of one thread for one side. */
struct looker {
    enum side side;
    struct expr_run *run;
    const struct entry *hint; /* the names of a record before this one; */
    size_t same;              /* so many bytes of them are those of this one, or OTHER_NAMES: they are in `names` */
    struct buf names;         /* in canonical spelling, each with a NUL behind it */
    size_t count;             /* of members */
    struct member_at members[MEMBERS_MAX];
    struct buf text;
    struct buf name, whole; /* of a member whose name is spelled anew */
    const char *key_name;   /* the key is what this member has; NULL: it is not as simple as that */
    size_t key_name_size;
    bool has_key;              /* a record had one */
    const char *key, *key_end; /* it, as it was seen in this record; NULL: not there */
    bool key_known;            /* false: it is not known whether that is it */
};
struct sides;
int looker_init(struct looker *l, const struct sides *k, enum side side, struct err *e) NODISCARD;
void looker_release(struct looker *l);

/* Of the record that record_begin was called for. Its key and its layout are appended to `note`. G_DATA: it is bad. */
int arrival_find(struct looker *l, struct sides *k, const struct record *r, struct arrival *a, struct buf *note,
                 struct err *e) NODISCARD;

/* For feeds_config: the note on a block is an arrival for each of its records, then what they point to. */
int sides_look(void *ctx, size_t feed, const struct block_origin *from, const char *body, struct buf *note) NODISCARD;

/* ---- waiting.c: records that wait ---- */

/* A record as results are made of it. */
struct half {
    const struct record *r;
    const struct layout *layout; /* NULL: none was made */
    uint64_t number;             /* of its arrival, of both sides */
};

/* The record in hand. */
struct taken {
    struct half half;
    enum side side;
    const char *key; /* NULL: it has none */
    size_t key_size;
    uint64_t hash;       /* of the key */
    struct entry *entry; /* of the key, or NULL: it was not found ahead */
    size_t layout_size;
};

struct waiting {
    struct entry *key; /* NULL: it has none */
    int64_t due;
    uint64_t number;
    uint32_t place; /* in its side's heap; NO_PLACE: not there */
    uint32_t size;  /* of the encoded record; the layout is behind it, aligned */
    uint32_t layout_size;
    uint8_t side;
    bool matched;
    _Alignas(4) char encoded[];
};
#define NO_PLACE UINT32_MAX
static inline int64_t waiting_time(const struct waiting *w) {
    return get_i64_le(w->encoded + 8);
}

/* Those of one key and side, by time, or by arrival where the form does not ask for times. In an array, so that many
 * can be fetched at once. */
struct line {
    struct in_line {
        int64_t time;
        struct waiting *w;
    } * items;
    uint32_t from, count, cap; /* items[from] is the first one */
};
static inline struct in_line *line_at(const struct line *l, size_t i) {
    return &l->items[l->from + i];
}
/* How many of a line by time are before that one. */
size_t line_before(const struct line *l, int64_t time);

/* The value of a key's entry: who waits for it. */
struct waiters {
    struct line line[2]; /* by side */
    uint32_t holds;      /* the entry stays while there are any */
};

/* ---- dues.c: who is due first, and of one due, who came first ---- */

/* Where due times are `fixed`, those that come in their order, as most do, are in a queue and the others in a heap,
 * only the first of all leaves, and nobody has to be told where he is. Else all are in the heap, and move in it. */
struct due {
    int64_t due;
    struct waiting *w;
};
struct dues {
    bool fixed;
    struct due *items; /* the heap */
    size_t count, cap;
    struct due *queue; /* from queue[from] on */
    size_t from, queued, queue_cap;
};
static inline bool due_sooner(const struct due *a, const struct due *b) {
    return a->due < b->due || (a->due == b->due && a->w->number < b->w->number);
}
static inline const struct due *dues_first(const struct dues *d) { /* NULL: nobody */
    const struct due *item = d->count ? d->items : NULL, *queued = d->queued ? &d->queue[d->from] : NULL;
    return !queued || (item && due_sooner(item, queued)) ? item : queued;
}
/* It is due then, from now on: in place of what it was, unless that is fixed. G_NOMEM. */
int dues_put(struct dues *d, struct waiting *w, int64_t due, struct state_budget *budget) NODISCARD;
void dues_remove_first(struct dues *d);
void dues_remove(struct dues *d, struct waiting *w); /* takes one that is not there; of fixed ones only the first */
void dues_release(struct dues *d);

/* ---- waiting.c: by key ---- */

#define LEAVING 32
#define EXPECTED_MAX 16

/* Of one input, by the place of a record in its block: entries that are there already, and are held. */
struct expected {
    uint64_t block;       /* of its turn_input.items */
    uint32_t from, until; /* these were looked for */
    struct entry *keys[EXPECTED_MAX];
};

struct waiting_room {
    struct arena arena;
    struct table table;
    struct table_key hash_key;
    struct dues dues[2];              /* by side */
    bool by_time;                     /* the order of lines */
    struct waiting *leaving[LEAVING]; /* a ring; NULL: nobody */
    size_t leave;                     /* the next place in it */
    struct expected *expected;        /* by input */
    size_t inputs;
    uint64_t arrived;
};

struct form;
int waiting_init(struct waiting_room *room, const struct form *form, size_t inputs, struct state_budget *budget,
                 struct err *e) NODISCARD;
void waiting_release(struct waiting_room *room);

/* Those that wait for its key, or NULL. */
struct waiters *waiting_find(const struct waiting_room *room, const struct taken *t);
/* The entry stays no longer on that account. */
void waiting_let_go(struct waiting_room *room, struct entry *key);

/* The record waits from now on, in the line of its key and in no heap yet. NULL: G_NOMEM. */
struct waiting *waiting_put(struct waiting_room *room, const struct taken *t);
/* It waits no longer. Takes it out of its heap, too, and its key with the last one. */
void waiting_drop(struct waiting_room *room, struct waiting *w);
/* The first of a heap whose due times are fixed leaves that now and its line in a while, when what that takes has come
 * from memory. */
void waiting_leave(struct waiting_room *room, enum side side);
void waiting_left(struct waiting_room *room);                          /* those that do so have left */
struct half waiting_half(const struct waiting *w, struct record *ret); /* views into it; the record is *ret */

/* One of this side and key will come soon: where it goes to, and where those who wait for it are; */
PREFETCHES void waiting_prefetch_lines(struct entry *key, enum side side) {
    const struct waiters *of = entry_value(key);
    const struct line *own = &of->line[side], *others = &of->line[other_side(side)];
    if (own->count) __builtin_prefetch(line_at(own, own->count - 1));
    if (others->count) __builtin_prefetch(line_at(others, 0));
}
/* and those of a line, of whom there may be many more than memory can bring meanwhile. */
void waiting_prefetch(const struct line *l);
static inline struct waiters *waiting_others(const struct waiting *w) {
    return entry_value(w->key);
}

/* Its due is this from now on; INT64_MAX is never, and it is in the heap all the same. G_NOMEM. */
int waiting_due(struct waiting_room *room, struct waiting *w, int64_t due) NODISCARD;
/* Who is due first of a side, or NULL. */
static inline const struct due *waiting_first(const struct waiting_room *room, enum side side) {
    return dues_first(&room->dues[side]);
}

/* ---- expected.c: records whose turn comes soon ---- */

/* The record of this input that is in hand now is taken: what those behind it need is on its way. Its entry, held until
 * the next one is taken, or NULL: it was not found ahead. */
struct entry *expected_next(struct sides *k, size_t which);
/* Nothing is held any more. */
void expected_none(struct waiting_room *room);

/* ---- forms ---- */

struct form {
    /* With this mark of its own input or side before it, is a record of that time late? */
    bool (*late)(const struct sides *k, int64_t time, int64_t mark);
    /* The next record: pairs come out, and it waits where more can come. */
    int (*take)(struct sides *k, struct stage *s, const struct taken *t, struct err *e);
    /* Event time has come to its due: what is left of it comes out, and it is dropped. It may get another due. */
    int (*decide)(struct sides *k, struct stage *s, enum side side, struct waiting *w, struct err *e);
    /* No result of one that waits, or that is not late, has an earlier time. */
    int64_t (*earliest)(struct sides *k);
    bool moves;       /* due times change */
    bool by_time;     /* those of a side and key are in the order of time, and not of arrival */
    bool own_keys;    /* records do not wait by the key that they have */
    bool together[2]; /* what decides those of a side is the lesser mark of both, and not that of the other side */
};
extern const struct form interval_form, tumble_form, as_of_form;

/* as_of.c: a version was just put; one of its key and time that was there before goes. */
void as_of_replace(struct sides *k, const struct waiting *version);

enum direction { BACKWARD, FORWARD, NEAREST };

/* What shapes_kept says of two shapes, to be remembered. */
struct meeting {
    uint32_t left, right; /* + 1; 0: nothing */
    uint64_t kept;
};
#define MEETINGS 256

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
    struct shapes shapes[2];
    struct looker looker[2]; /* of the main thread */
    struct looker *lookers;  /* of the feeds' */
    size_t inputs;           /* the first is the right side */
    struct turns turns;
    struct waiting_room room;
    int64_t mark[2];            /* up to where each side is complete; what is decided is decided by these */
    struct buf note;            /* on the record in hand, where its block has none */
    struct buf row, text, more; /* of results */
    struct meeting meetings[MEETINGS];
    uint64_t row_of;   /* whose row that is: number + 1; 0: nobody's */
    unsigned kinds[2]; /* of their keys: bits 1 << value_kind */
    bool matched;      /* there was a partner */
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

/* The left record with the right one's fields. With `window` its times, too. A result that cannot be made goes the way
 * of bad records. */
int pair_emit(struct sides *k, struct stage *s, const struct half *left, const struct half *right,
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

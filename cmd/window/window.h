/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat window`. A record becomes a row (row.c), ahead of its turn where that is possible; in its turn
 * (turn.c) a row is judged by the watermark and given to the kind of window there is (panes.c, sessions.c, counts.c),
 * by way of pending.c where order matters; what is complete becomes a result (result.c), what came too late goes to
 * late.c, and resume.c keeps the state of one run for the next.
 */
#ifndef LEAT_CMD_WINDOW_H
#define LEAT_CMD_WINDOW_H

#include "expr/aggregates.h"
#include "expr/heap.h"
#include "expr/record_field.h"
#include "state/aggregate.h"
#include "state/snapshot.h"
#include "state/span.h"
#include "state/table.h"
#include "stream/stage.h"
#include "stream/watermark.h"

#define NO_CALL UINT32_MAX
enum { GROUP_KEY_MAX = 65000 }; /* so that any group fits the key of a record */

/* ---- rows (row.c) ---- */

/* What a record comes to: when, in which group, and what its aggregates take. Rows lie one behind the other in a
 * buffer, each aligned to 8: this, `cells` of struct row_cell, the group's key, texts of cells. */
struct row {
    uint32_t size; /* of the whole */
    uint32_t key_size;
    uint32_t cells;
    uint32_t left;                   /* 1: not evaluated; the record is to be looked at in its turn */
    uint32_t record_at, record_size; /* in the block */
    int64_t time;
    uint64_t hash;
};
struct row_cell {
    uint32_t call, type; /* enum cell_type */
    union {
        int64_t i;
        double d;
        struct {
            uint32_t at, n; /* CELL_TEXT: where in the row its bytes are, and how many */
        } text;
    };
};
static inline const struct row_cell *row_cells(const struct row *r) {
    return (const struct row_cell *)(const void *)(r + 1);
}
static inline const char *row_key(const struct row *r) {
    return (const char *)(row_cells(r) + r->cells);
}
static inline struct cell row_cell(const struct row *r, const struct row_cell *c) {
    struct cell cell = {.type = c->type, .i = c->i};
    if (c->type == CELL_TEXT) {
        cell.n = c->text.n;
        cell.text = (const char *)r + c->text.at;
    }
    return cell;
}

struct window;

/* What evaluating takes; one for each thread, and apart from the others' in the processors' caches. */
struct evaluator {
    _Alignas(128) const struct window *w;
    struct expr_run *run;
    struct buf texts; /* of the row in hand */
    /* the argument whose results come in, and where they go */
    size_t argument;
    struct buf *out;
    struct err *e;
};
void evaluator_release(struct evaluator *v);

/* What all of it needs to know of the program; fixed once the options are read. */
struct program {
    struct expr_set *records, *results;
    struct time_field time;
    struct expr_group *groups;
    size_t group_count;
    struct aggregate_program *aggregates;
    struct aggregate *calls;       /* one for each aggregates->calls[i]; offset is set */
    const struct expr **arguments; /* the different ones */
    uint32_t **users;              /* of each: the calls that have it, then NO_CALL */
    size_t argument_count;
    enum aggregate_input *inputs; /* by call */
    uint32_t *bare;               /* calls without an argument, then NO_CALL */
    size_t name_count;            /* of result_names: those that results have */
    size_t value_size;            /* of all accumulators */
    bool needs_order;             /* one of them does */
    struct table_key key;
};

/* Append the row of a record for which record_begin was called; G_DATA: a bad record. */
int row_append(struct evaluator *v, const struct record *r, struct buf *out, struct err *e) NODISCARD;
int window_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body,
                struct buf *note) NODISCARD;

/* Add a row to the accumulators at `value`, as one of this time. */
int row_apply(const struct program *p, const struct row *r, int64_t time, void *value, struct arena *arena) NODISCARD;
int values_merge(const struct program *p, void *value, struct arena *arena, const void *from) NODISCARD;
void values_clear(const struct program *p, void *value, struct arena *arena);
int values_save(const struct program *p, const void *value, struct buf *out) NODISCARD;
int values_load(const struct program *p, void *value, struct arena *arena, const char **at, const char *end,
                struct err *e) NODISCARD;

/* ---- results (result.c) ---- */

enum emit_kind { EMIT_FINAL, EMIT_EARLY, EMIT_CHANGE, EMIT_CORRECTION };

struct results {
    struct expr_run *run;
    struct buf *labels; /* of the groups: `,"name":` */
    size_t label_count;
    struct buf fixed, value, key, head;
    struct span head_of; /* the window whose times `head` has */
    enum emit_kind head_kind;
    uint64_t emitted, early, changes, corrections, bytes;
};
extern const char *const result_names[3]; /* what results call their own; the first is there with --all, too */
int results_init(struct results *k, const struct program *p, struct err *e) NODISCARD;
void results_release(struct results *k);
/* One result record: of this window and group, with these accumulators. */
int result_emit(struct window *w, struct stage *s, const struct span *span, const char *key, size_t key_size,
                const void *value, enum emit_kind kind, struct err *e) NODISCARD;

/* ---- kinds of windows ---- */

enum { ROW_TAKEN = 0, ROW_LATE = 1, ROW_OUTSIDE = 2 };

/* The state of one kind. Errors are negative; G_NOMEM becomes words in turn.c. */
struct kind_ops {
    /* ROW_LATE: it came too late for each window that it could be in, and *ret_span is the last of these. ROW_OUTSIDE:
     * there is no window for its time. */
    int (*add)(struct window *w, struct stage *s, const struct row *r, struct span *ret_span, struct err *e);
    /* This row will be added soon (step 0), or sooner (step 1): fetch what that takes. May be NULL. */
    void (*expect)(const struct window *w, const struct row *r, int step);
    /* The watermark has moved to w->marks.now, at or beyond what due() said: emit what is complete. */
    int (*advance)(struct window *w, struct stage *s, struct err *e);
    /* The watermark from which on there is something to do; INT64_MAX: never, as far as is known. add() itself tells of
     * what it adds to that by window_due. */
    int64_t (*due)(const struct window *w);
    /* Emit what is not complete and has changed since it was last asked (--early-every). */
    int (*early)(struct window *w, struct stage *s, struct err *e);
    /* Snapshots: put what there is (or changed), and take back what was put. */
    int (*save)(struct window *w, struct snapshot *to, bool whole, struct err *e);
    int (*load)(struct window *w, int64_t space, const char *key, size_t key_size, const char *value, size_t value_size,
                struct err *e);
    int (*remove)(struct window *w, int64_t space, const char *key, size_t key_size, struct err *e);
    int (*drop)(struct window *w, int64_t space, struct err *e);
    void (*release)(struct window *w);
};
extern const struct kind_ops panes_ops, sessions_ops, counts_ops;

/* panes.c */
struct pane;
struct pane_list {
    struct pane **base; /* room for `cap` of them */
    struct pane **list; /* by start; the first that is still there */
    size_t count, cap;
};
enum { TIERS_MAX = 5 }; /* 8^5 panes are more than any window has */
struct panes {
    struct pane_list panes;
    struct pane_list tiers[TIERS_MAX]; /* tiers.c */
    struct pane *last;                 /* where the last row went */
    int64_t fired;                     /* end of the last window that was emitted; INT64_MIN: none */
    int64_t *dropped;                  /* starts of panes that a snapshot has and that are gone */
    size_t dropped_count, dropped_cap;
};

/* sessions.c */
struct session;
struct sessions {
    int64_t gap, max; /* max: INT64_MAX when there is none */
    struct arena arena;
    struct table table;
    struct session **heap; /* by end */
    size_t count, cap;
    struct buf removed; /* keys that a snapshot has and that are gone: u32 size, bytes */
};

/* counts.c */
struct counts {
    uint64_t size, slide, part; /* part: records in one partial, the greatest common divisor */
    struct arena arena;
    struct table table;
};

/* pending.c: rows in the order of event time. */
struct pending {
    bool used;   /* the windows or the aggregates depend on the order of records */
    bool strict; /* the windows do: a row behind the watermark is late */
    struct arena arena;
    struct row **heap;
    size_t count, cap;
};
/* As kind_ops.add: the row waits; one that is behind the watermark already is late, or, if the windows do not depend on
 * the order, the kind's at once. */
int pending_add(struct window *w, struct stage *s, const struct row *r, struct span *ret_span, struct err *e) NODISCARD;
/* The next row whose time is below this watermark, or NULL; it is to be given back. */
struct row *pending_pop(struct window *w, int64_t mark);
void pending_give(struct window *w, struct row *r);
void pending_release(struct window *w);
int pending_save(struct window *w, struct snapshot *to, struct err *e) NODISCARD;
int pending_load(struct window *w, const char *value, size_t n, struct err *e) NODISCARD;
#define PENDING_SPACE INT64_MAX /* of snapshots */

/* ---- late records (late.c) ---- */

struct late {
    struct sink *to; /* NULL: they are counted */
    uint64_t count, outside;
};
int late_put(struct window *w, struct stage *s, const struct record *r, const struct span *span,
             struct err *e) NODISCARD;

/* ---- all of it ---- */

struct window {
    struct program program;
    struct evaluator evaluators[CREW_THREADS_MAX]; /* the first is the stage's */
    struct buf row;
    struct results results;
    struct state_budget budget;
    struct watermarks marks;
    size_t source;                            /* in marks, of the block in hand */
    int64_t due;                              /* the watermark at which something is to be done */
    int64_t grace_ns, max_ahead_ns, early_ns; /* max_ahead_ns below 0: no limit; early_ns 0: never */
    int64_t ahead_limit;                      /* no time beyond it */
    unsigned until_clock;                     /* text records until the clock is looked at again */
    int64_t early_at;                         /* the watermark of the next early results */
    bool changes;                             /* --emit changes */
    const struct kind_ops *kind;
    struct spans spans;
    struct span seen; /* --all: the earliest and the latest time; NO_TIME before there is one */
    int64_t untimed;  /* --all: records without a time */
    struct panes panes;
    struct sessions sessions;
    struct counts counts;
    struct pending pending;
    struct late late;
    struct snapshot *state;
    bool drain;
    bool needs_time;        /* text records have none unless --time gives it */
    struct time_zone *zone; /* of calendar windows; owned */
    char held_by[280];      /* the source that holds the watermark back, when all is done */
};

/* --all: one window, which has no times of its own. */
static inline bool window_is_all(const struct window *w) {
    return w->spans.kind == SPAN_ALL;
}

/* A kind of window has something to do when the watermark comes there, and perhaps it is the first. */
static inline void window_due(struct window *w, int64_t time) {
    if (time < w->due) w->due = time;
}

/* turn.c: callbacks of the stage. */
int window_record(void *ctx, struct stage *s, const struct record *r, struct err *e) NODISCARD;
int window_block(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int window_control(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int window_idle(void *ctx, struct stage *s, struct err *e) NODISCARD;
int window_end(void *ctx, struct stage *s, struct err *e) NODISCARD;

/* resume.c */
int resume_open(struct window *w, const char *dir, const char *identity, bool force_fs, struct err *e) NODISCARD;
int resume_save(struct window *w, int64_t checkpoint, struct err *e) NODISCARD;

/* a + b without overflow */
static inline int64_t time_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? INT64_MAX : INT64_MIN) : sum;
}

#endif

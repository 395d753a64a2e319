/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat join`, the lookup form: where the table comes from (source.c, from_topic.c, from_sqlite.c), its
 * rows by key (lookup.c), loading it and doing so again (load.c, reload.c), objects merged as text (merge.c), keys
 * (key.c), and the stream's records with their partners (emit.c).
 */
#ifndef LEAT_CMD_JOIN_H
#define LEAT_CMD_JOIN_H

#include <pthread.h>
#include <sys/types.h>

#include "expr/heap.h"
#include "expr/record_field.h"
#include "log/topic.h"
#include "state/table.h"
#include "stream/stage.h"
#include "json/fields.h"
#include "json/members.h"

/* ---- lookup.c: rows by key ---- */

/* What of a row is kept, and how: the options say. */
struct row_shape {
    bool many;          /* all rows of a key, else the last one */
    bool keys_only;     /* --anti: no row at all */
    const char *nested; /* --as NAME: whole rows of any type; else objects, member by member */
    const char *prefix; /* of the members' names; NULL: none */
};

struct row_member {
    uint32_t size;  /* of "name":value, the name in canonical spelling; behind it are a comma and the next one */
    uint8_t number; /* of the name, in a table */
};

/* One row: the members, then their texts, or the text of the whole row (no members). */
struct row {
    struct row *next; /* of the same key, in table order */
    uint32_t size;    /* of the text */
    uint32_t members;
    struct row_member member[];
};
static inline const char *row_text(const struct row *r) {
    return (const char *)&r->member[r->members];
}

/* ---- names.c: names of a table's rows, and that of the key ---- */

#define NAMES_MAX 64

struct row_names {
    const char *nested;               /* --as: the only one; else NULL */
    struct json_name key;             /* of the member that is a record's key; p NULL: it is not as simple as that */
    struct json_name name[NAMES_MAX]; /* as rows have them, in the table's memory */
    uint32_t count;
    uint8_t by_hash[2 * NAMES_MAX];                  /* number + 1; 0: nobody */
    bool too_many;                                   /* records are merged member by member */
    uint32_t compiled;                               /* count + 1: `fields` has them all, */
    struct json_fields fields, key_field;            /* the latter has the key alone */
    uint32_t slot[NAMES_MAX], key_slot, nested_slot; /* there */
};
void names_release(struct row_names *x);
/* The names of a row that was just put. */
void names_number(struct row_names *x, struct arena *arena, struct row *row);
/* All rows were put, for now: records can be asked. */
void names_settle(struct row_names *x);

/* What is to be known of a record to put rows into it. */
struct place {
    struct json_slice key;   /* the value of the key's member */
    uint64_t there;          /* names that it has itself */
    struct json_slice value; /* nested: of that name, if it is there */
    const char *last;        /* behind the last member, behind the bracket when there is none */
    bool empty;              /* there is none */
};
/* Of the object [text, text + n), which was validated; `slack` as json_fields_find has it. False: it is no object, or
 * cannot be asked for these names. */
bool names_find(const struct row_names *x, const char *text, size_t n, size_t slack, struct place *ret);
/* The same for the key alone, which ends where that is found: for records most of which have no partner. */
bool names_find_key(const struct row_names *x, const char *text, size_t n, size_t slack, struct json_slice *ret);

/* The value of a key's entry; `last` is there when there can be many. */
struct row_list {
    struct row *first, *last;
};

struct topic_table;

/* The table. Where others than the main thread look something up in it, it changes under the lock of struct join. */
struct lookup {
    struct arena arena;
    struct table table;
    const struct table_key *hash_key;
    struct row_names names;
    uint64_t rows, without_key;
    unsigned kinds;            /* of its keys: bits 1 << value_kind */
    uint64_t generation;       /* of its content: from 1, raised by each change, and by a new table in its place */
    struct topic_table *topic; /* what it is made of and follows; NULL: of something else */
};

struct lookup *lookup_new(const struct row_shape *shape, struct state_budget *budget, const struct table_key *hash_key,
                          struct err *e);
void lookup_free(struct lookup *l); /* takes NULL */

/* A row, as struct row without `next`, is copied into the arena. G_NOMEM: budget_error has the words. */
int lookup_put(struct lookup *l, const struct row_shape *shape, const char *key, size_t n, unsigned kind,
               const struct row *row) NODISCARD;
void lookup_delete(struct lookup *l, const char *key, size_t n);
/* The entry of a key, or NULL. */
static inline const struct row_list *lookup_find(const struct lookup *l, uint64_t hash, const char *key, size_t n) {
    struct entry *x = table_find(&l->table, hash, key, n);
    return x ? entry_value(x) : NULL;
}

/* ---- merge.c: objects as text ---- */

/* Scratch memory, of one thread. */
struct merger {
    struct buf name, spelled; /* of a member whose name has escapes */
    struct buf used;          /* bool: the stream's record has this member of the row itself */
};
void merger_release(struct merger *m);

/* The row of this JSON value by the shape, put together in `out` (cleared first). G_DATA: it is no object. */
int row_build(struct merger *m, const struct row_shape *shape, const char *text, size_t n, struct buf *out,
              struct err *e) NODISCARD;

/* Append the object [text, text + n) with the row in it: nested, or with those of the row's members that it has not
 * itself. Nothing else of the text changes. G_DATA: it is no object. */
int row_merge(struct merger *m, const struct row_shape *shape, const char *text, size_t n, const struct row *row,
              struct buf *out, struct err *e) NODISCARD;
/* The same for a row of a table, where the place is known. G_NOMEM. */
int row_put(const struct row_shape *shape, const struct place *at, const char *text, size_t n, const struct row *row,
            struct buf *out) NODISCARD;

/* ---- source.c: where a table comes from ---- */

enum source_kind { SOURCE_FILE, SOURCE_TOPIC, SOURCE_SQLITE };
struct source {
    enum source_kind kind;
    const char *name;  /* as it was given; the topic */
    char *file;        /* owned; files of both kinds */
    const char *table; /* of SQLite */
    const struct log *log;
};
int source_init(struct source *s, const char *name, struct err *e) NODISCARD;
void source_release(struct source *s);

/* Can it be read a second time? Not what comes out of a pipe. */
int source_again(const struct source *s, struct err *e) NODISCARD;

/* What tells whether it changed. All zero: it is not there. */
struct source_stamp {
    uint64_t v[8];
};
void source_stamp(const struct source *s, struct source_stamp *ret);

/* ---- load.c: from a source to a lookup ---- */

struct loader {
    const struct source *source;
    const struct row_shape *shape;
    const struct expr_set *set; /* with one program: the key */
    const struct expr *key;
    struct stage_config reading; /* of files, as the stage reads its own; skip_bad and dead_letter are for all kinds */
    /* while it works; for a topic also between two times */
    struct lookup *to;
    struct state_budget *budget;
    struct expr_run *run;
    struct merger merger;
    struct buf key_text, row;
};

/* Read all of it. G_DATA: a bad row, with its place. */
int loader_run(struct loader *l, struct lookup *to, struct state_budget *budget, struct err *e) NODISCARD;
void loader_release(struct loader *l);

/* For those that read: the row that expr_begin (record_begin) was called for. G_DATA: it is a bad one. */
int loader_row(struct loader *l, const struct record *r, struct err *e) NODISCARD;
/* The policy for a bad one, whose place is `where`. */
int loader_bad(struct loader *l, const struct record *r, const char *where, uint64_t *bad, struct err *e) NODISCARD;

int load_sqlite(struct loader *l, struct err *e) NODISCARD; /* from_sqlite.c */

/* ---- from_topic.c: a topic as a table ---- */

int load_topic(struct loader *l, struct err *e) NODISCARD;
void stamp_topic(const struct source *s, struct source_stamp *ret);
void topic_table_free(struct topic_table *t); /* takes NULL */

/* Has something been appended since? 1 or 0. Asked before each record: it costs a look at one word, but for now and
 * then, or with `quiet`, a look at the clock, and at most each TOPIC_LOOK_NS one at the partitions. */
int topic_table_news(struct topic_table *t, bool quiet, struct err *e) NODISCARD;
/* Read on into the table, up to the end that there is now. 0; 1: records were removed before they were read, so that
 * the table has to be loaded again; an error as at the first time. */
int topic_table_read(struct loader *l, struct err *e) NODISCARD;
#define TOPIC_LOOK_NS 5000000
#define TOPIC_QUIET_NS 100000000 /* look this often when nobody rings, too */

/* ---- key.c: the key of a record or a row ---- */

/* A key: 1 with its canonical text, in `scratch` from *ret_at on or, with *ret_at SIZE_MAX, at *ret, in [text, end)
 * or for ever; 0: there is none, or it is null or has a null in it. */
struct key_text {
    const char *p;
    size_t at, n;
    unsigned kind; /* 1 << value_kind */
};
int key_find(struct expr_run *run, const struct expr *x, const struct record *r, struct buf *scratch,
             struct key_text *ret, struct err *e) NODISCARD;
/* The same where the expression is that of a member (expr_member_name), whose value's text this is; NULL: it is not
 * there. G_DATA: the expression has to be asked after all. */
int key_of_member(const char *text, size_t n, struct key_text *ret);

/* No record has a partner: when keys of these kinds look alike to a person and are not equal, as is the usual reason
 * for that, the user is told. */
void key_tell_kinds(unsigned records, unsigned others, const char *whose);

#define PAIR_BATCH 32

/* What a thread needs; apart from the others' in the processors' caches. */
struct pairer {
    _Alignas(128) struct expr_run *run;
    struct merger merger;
    struct buf keys; /* texts of those keys that lie nowhere else */
    struct buf text; /* in turn: the results of one record, one behind the other */
    struct buf ends; /* size_t: where each of them ends */
    unsigned kinds;  /* of the stream's keys */
    bool matched;    /* there was a partner */
    bool few_match;  /* of those looked at last */
};

struct progress;
struct join {
    struct progress *progress;
    struct row_shape shape;
    bool left, anti;
    struct expr_set *sets[2]; /* of the stream's records; of rows, or of the right side's records */
    struct expr *on;
    struct time_field time;
    size_t record_limit;
    struct sink *unmatched;
    struct state_budget budget;
    struct table_key hash_key;
    struct loader loader;
    struct pairer pairers[CREW_THREADS_MAX]; /* the first is the stage's */
    pthread_rwlock_t lock; /* of `now` and what is in it: threads that look ahead read, the main thread changes it */
    struct lookup *now;
    /* reload.c */
    int64_t reload_ns; /* 0: only when it is asked for */
    int64_t next_look_ns;
    struct source_stamp stamp; /* of what was loaded or refused last */
    uint64_t records_out, bytes_out;
};

/* ---- reload.c ---- */

void reload_init(void); /* SIGHUP asks for it from now on */
int reload_first(struct join *j, struct err *e) NODISCARD;
/* Between two records, and, with `quiet`, when there is none: what was appended to a topic is taken into the table, and
 * the table is loaded again if that is due. That this cannot be done is told, and the old table stays; but one that
 * cannot follow its topic any more is an error. */
int reload_poll(struct join *j, bool quiet, struct err *e) NODISCARD;
int64_t reload_wake_ns(const struct join *j); /* how often it wants to be asked; below 0: no matter */
void reload_release(struct join *j);

/* For threads that look ahead: meanwhile it stays as it is. */
const struct lookup *lookup_hold(struct join *j);
void lookup_drop(struct join *j);

/* ---- the forms, from their options to the end of the run ---- */

struct options;
int join_table(struct join *j, const struct options *o, struct stage_config *c, struct err *e) NODISCARD;
int join_stream(struct join *j, const struct options *o, struct stage_config *c, struct err *e) NODISCARD;

/* ---- emit.c: callbacks of the stage ---- */

int join_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body,
              struct buf *note) NODISCARD;
int join_block(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int join_record(void *ctx, struct stage *s, const struct record *in, struct err *e) NODISCARD;
int join_idle(void *ctx, struct stage *s, struct err *e) NODISCARD;

#endif

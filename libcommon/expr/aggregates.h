/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs with aggregate functions in them, as leat-window(1) takes them: '{n: count, avg: (sum(.bytes) / count)}'.
 * Such a program is about many records. It is taken apart: the argument of each call becomes a program that runs on
 * every record, and the rest a program that runs once, on the finished aggregates, each call in it being a variable.
 *
 * A call is an aggregate where the input is the window: everywhere but behind a `|`, in the updates of reduce and
 * foreach, in a catch, on the left of an assignment, in the body of a definition, and in those arguments of other calls
 * that are expressions, as of map(f) and select(f): there, names are jq's. Arguments that are values, as of pow(x; y),
 * range($n) and error(x), still have the window as input. A definition of the program goes before an aggregate of the
 * same name.
 *
 * Where the input is the window, `.` is an object of the fields that are known of one (`fields`); another field of it
 * is an error, and so are $key, $time and their kin in the whole rest, since only a record has them. Definitions in
 * front of the program can be used in arguments, too; other definitions and variables of the program cannot. The native
 * engine runs all of it, whatever engine the sets want.
 */
#ifndef LEAT_EXPR_AGGREGATES_H
#define LEAT_EXPR_AGGREGATES_H

#include "expr/expr.h"

struct plan_source; /* plan.h */

/* Which calls are aggregates: filled by the caller, as expr does not know them. */
struct aggregate_names {
    /* Is name/arguments one? *ret_constant: the index of the argument that must be a constant, or -1. At most one
     * other argument; at most 4 in all. */
    bool (*find)(const char *name, size_t n, unsigned arguments, int *ret_constant);
    /* The i-th name, for suggestions; NULL behind the last. */
    const char *(*entry)(size_t i);
};

struct aggregate_call {
    const char *name; /* of the function; not terminated */
    size_t name_size;
    unsigned arguments;
    struct expr *argument; /* runs on each record; NULL: it has none. Calls with the same argument share one program */
    struct value constant; /* the constant argument, computed; null where there is none */
    const char *text;      /* the call as it stands in the program, for messages; not terminated */
    size_t text_size;
    uint32_t at; /* where */
};

/* Calls that are written alike are one. */
struct aggregate_program {
    struct expr *result; /* of the set `results`; variable i is the aggregate of calls[i]: expr_set_variable */
    bool reads_window;   /* false: `result` does not look at `.`, so that any record will do for expr_begin */
    struct aggregate_call *calls;
    size_t n;          /* may be 0 */
    bool never_object; /* `result` can only be something else than an object */
    bool keys_known;   /* `result` makes one object whose names are constant: aggregate_program_key */
    struct plan_source *source;
};

/* Arguments go to `records`, the rest to `results`. `fields`, ending with NULL, are the names that . has there. G_USAGE
 * with a caret; the sets may then have programs that nobody runs. Call it once for `results`, which nothing else may be
 * added to. The program and the sets may be freed in any order. */
int expr_add_aggregates(struct expr_set *records, struct expr_set *results, const char *what, const char *program,
                        const struct aggregate_names *names, const char *const *fields, struct aggregate_program **ret,
                        struct err *e) NODISCARD;
void aggregate_program_free(struct aggregate_program *p); /* the programs are their sets'; takes NULL */

/* The i-th name of the object, where they are known; false behind the last. */
bool aggregate_program_key(const struct aggregate_program *p, size_t i, const char **ret, size_t *ret_size);

/* After expr_begin and before running: what the i-th variable is, in the run's heap. */
void expr_set_variable(struct expr_run *r, size_t i, struct value v);

/*
 * What -g takes: expressions with commas between them, each a path that ends with a name, which is the group's name
 * (.user.id is `id`), or an object construction, whose keys are: '{user: .user.id, day: (.at[:10])}'. Definitions may
 * stand in front. `what` is the option, for messages: "-g". Names are all different and have no NUL.
 */
struct expr_group {
    char *name;
    struct expr *expr;
};
int expr_add_groups(struct expr_set *s, const char *what, const char *program, struct expr_group **ret, size_t *ret_n,
                    struct err *e) NODISCARD;
void expr_groups_free(struct expr_group *groups, size_t n); /* takes NULL */

#endif

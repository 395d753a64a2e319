/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite destination: rows wait in memory until they are a batch, and go in as one transaction, which is tried
 * again from the start while the database is locked or its disk is full. In a pipeline with barriers the transaction
 * goes from one to the next and has the checkpoint in it. See sqlite.h.
 */
#include "sqlite.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/timefmt.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define BATCH_BYTES (4u << 20) /* of rows in memory, for those with large texts */
#define CLOCK_EVERY 64u        /* the clock is looked at once in so many points */
#define PAUSE_MIN_NS (50 * NS_PER_MS)
#define PAUSE_MAX_NS (2 * NS_PER_S)

/* Points of a measurement with the same fields in the same order share a prepared insert. */
struct shape {
    struct measurement *m;
    struct text *names; /* one piece of memory with what they point to */
    int *at;            /* the parameter of each; 0: a null for a column that is not there */
    size_t count;
    sqlite3_stmt *insert;
};

struct cell {
    enum field_type type;
    union {
        int64_t integer;
        double number;
        struct {
            uint32_t at, n; /* in the batch */
        } string;
    };
};

/* A row of the batch; its cells follow, as many as the shape has fields. */
struct row {
    const struct shape *shape;
    int64_t time;
    uint32_t slot, size;
};

struct sqlite {
    struct dest dest;
    const struct dest_config *config;
    char *file;
    struct catalog catalog;
    struct series series;
    struct shape *shapes[DB_SHAPES_MAX];
    size_t shape_count;
    struct hashmap shape_names;
    const struct shape *last;
    struct buf scratch;
    /* the batch */
    struct buf rows;
    size_t row_count;
    int64_t first_ns; /* when its first row came */
    uint32_t until_clock;
    /* the transaction */
    bool open;            /* in a pipeline: until the next barrier */
    uint64_t uncommitted; /* points that are in the open one */
    char *pipeline;
    int64_t run; /* ours, as the database knows it */
};

/* ---- waiting for a database that is locked or full ---- */

static void tell(struct sqlite *d, const struct err *what) {
    if (d->config->notice) d->config->notice(d->config->ctx, what);
}

struct patience {
    int64_t since_ns; /* 0: nothing has failed yet */
    int64_t pause_ns;
};

/* After a G_WAIT in e: 0 to try again, or an error. */
static int wait_or_fail(struct sqlite *d, struct patience *p, struct err *e) {
    int64_t now = sys.boot_ns(), limit = d->config->retry_for_ns;
    char text[DURATION_TEXT_MAX];
    (void)duration_format(limit, text);
    if (p->since_ns == 0) {
        struct err what = *e;
        *p = (struct patience){.since_ns = now, .pause_ns = PAUSE_MIN_NS};
        if (limit > 0) (void)err_prefix(&what, "waiting for at most %s (--retry-for): ", text);
        if (limit < 0) (void)err_prefix(&what, "waiting: ");
        if (limit != 0) tell(d, &what);
    }
    if (limit >= 0 && now - p->since_ns >= limit) {
        e->grade = G_IO;
        return limit == 0 ? G_IO : err_prefix(e, "given up after %s: ", text);
    }
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped");
    d->config->totals->retries++;
    sys_sleep_ns(p->pause_ns);
    p->pause_ns = p->pause_ns * 2 > PAUSE_MAX_NS ? PAUSE_MAX_NS : p->pause_ns * 2;
    return 0;
}

static void tell_success(struct sqlite *d, const struct patience *p) {
    struct err what = {0};
    if (p->since_ns == 0) return;
    (void)err_set(&what, 0, "'%s' can be written again", d->file);
    tell(d, &what);
}

/* ---- transactions ---- */

static void rollback(struct sqlite *d) {
    if (!sqlite3_get_autocommit(d->catalog.db)) (void)sqlite3_exec(d->catalog.db, "ROLLBACK", NULL, NULL, NULL);
    d->open = false;
}

/* What was in it before the batch in hand cannot be done again. */
static int transaction_lost(struct sqlite *d, struct err *e) {
    rollback(d);
    e->grade = G_IO;
    return err_prefix(e, "the transaction since the last barrier is lost: ");
}

static int begin(struct sqlite *d, struct err *e) {
    int g = d->open ? 0 : db_run(&d->catalog, "BEGIN IMMEDIATE", e);
    if (g == 0) d->open = true;
    return g;
}

static int bind(sqlite3_stmt *s, int at, const struct cell *c, const char *base) {
    switch (c->type) {
    case FIELD_INTEGER:
    case FIELD_BOOLEAN: return sqlite3_bind_int64(s, at, c->integer);
    case FIELD_UNSIGNED:
    case FIELD_NUMBER: return sqlite3_bind_double(s, at, c->number);
    case FIELD_STRING: return sqlite3_bind_text64(s, at, base + c->string.at, c->string.n, SQLITE_STATIC, SQLITE_UTF8);
    case FIELD_NULL: break;
    }
    return sqlite3_bind_null(s, at);
}

static int insert_row(struct sqlite *d, const struct row *r, struct err *e) {
    const struct shape *shape = r->shape;
    const struct cell *cells = (const struct cell *)(r + 1);
    sqlite3_stmt *s = shape->insert;
    int rc = sqlite3_bind_int64(s, 1, r->time);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(s, 2, d->series.ids[r->slot]);
    for (size_t i = 0; rc == SQLITE_OK && i < shape->count; i++)
        if (shape->at[i]) rc = bind(s, shape->at[i], &cells[i], d->rows.data);
    if (rc == SQLITE_OK) rc = sqlite3_step(s);
    int g = rc == SQLITE_DONE ? 0 : db_failed(&d->catalog, rc, e);
    (void)sqlite3_reset(s);
    return g;
}

static int insert_rows(struct sqlite *d, struct err *e) {
    const char *p = d->rows.data, *end = p + d->rows.len;
    int g = series_resolve(&d->series, &d->catalog, e);
    while (g == 0 && p < end) {
        const struct row *r = (const struct row *)(const void *)p;
        g = insert_row(d, r, e);
        p += r->size;
    }
    return g;
}

/* A run that began after ours has put its number there. */
static int write_checkpoint(struct sqlite *d, int64_t number, struct err *e) {
    sqlite3_stmt *s = NULL;
    char now[TIME_TEXT_MAX];
    (void)time_format_rfc3339(sys.wall_ns(), now);
    int g = db_prepare(&d->catalog, &s, e,
                       "UPDATE leat_checkpoints SET checkpoint = %lld, time = %Q WHERE pipeline = %Q AND run = %lld",
                       (long long)number, now, d->pipeline, (long long)d->run);
    if (g != 0) return g;
    int rc = sqlite3_step(s);
    if (rc != SQLITE_DONE) g = db_failed(&d->catalog, rc, e);
    sqlite3_finalize(s);
    if (g == 0 && sqlite3_changes(d->catalog.db) == 0)
        g = err_set(e, G_FENCED, "a newer run of pipeline '%s' writes to '%s'", d->pipeline, d->file);
    return g;
}

enum until { UNTIL_ROWS, UNTIL_COMMIT };

/* What is committed to a file that was deleted, or moved for another, is lost to those who look for it. */
static int check_place(const struct sqlite *d, struct err *e) {
    int moved = 0;
    (void)sqlite3_file_control(d->catalog.db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved ? err_set(e, G_IO, "'%s' was deleted or moved", d->file) : 0;
}

static int try_apply(struct sqlite *d, enum until until, const struct checkpoint *c, struct err *e) {
    int g = begin(d, e);
    if (g == 0) g = insert_rows(d, e);
    if (g == 0 && c) g = write_checkpoint(d, c->number, e);
    if (g == 0 && until == UNTIL_COMMIT) g = check_place(d, e);
    if (g == 0 && until == UNTIL_COMMIT) g = db_run(&d->catalog, "COMMIT", e);
    if (g == 0 && until == UNTIL_COMMIT) d->open = false;
    return g;
}

static void batch_done(struct sqlite *d, enum until until) {
    struct totals *t = d->config->totals;
    d->uncommitted += d->row_count;
    series_committed(&d->series);
    buf_clear(&d->rows);
    d->row_count = 0;
    if (until != UNTIL_COMMIT) return;
    t->accepted += d->uncommitted;
    t->in_flight -= d->uncommitted;
    d->uncommitted = 0;
}

/* The batch, and with UNTIL_COMMIT everything before it, in the database. */
static int apply(struct sqlite *d, enum until until, const struct checkpoint *c, struct err *e) {
    struct patience patience = {0};
    bool earlier = d->open;
    int g = 0;
    if (d->row_count == 0 && !d->open && !c) return 0;
    while ((g = try_apply(d, until, c, e)) == G_WAIT) {
        if (earlier) return transaction_lost(d, e);
        rollback(d);
        g = wait_or_fail(d, &patience, e);
        if (g < 0) return g;
    }
    if (g < 0) {
        rollback(d);
        return g == G_DATA ? err_set(e, G_BUG, "a row was refused") : g;
    }
    tell_success(d, &patience);
    batch_done(d, until);
    return d->series.count > DB_SERIES_MAX ? series_forget(&d->series, &d->catalog, e) : 0;
}

static int apply_batch(struct sqlite *d, struct err *e) {
    return apply(d, d->pipeline ? UNTIL_ROWS : UNTIL_COMMIT, NULL, e);
}

/* ---- shapes ---- */

static void shape_free(struct shape *x) {
    if (!x) return;
    sqlite3_finalize(x->insert);
    free(x->names);
    free(x->at);
    free(x);
}

/* None may be in the batch. */
static int drop_shapes(struct sqlite *d, struct err *e) {
    for (size_t i = 0; i < d->shape_count; i++) shape_free(d->shapes[i]);
    d->shape_count = 0;
    d->last = NULL;
    hashmap_release(&d->shape_names);
    return hashmap_init(&d->shape_names, e);
}

static bool same_names(const struct shape *x, const struct point *p) {
    if (x->count != p->field_count) return false;
    for (size_t i = 0; i < x->count; i++) {
        const struct text *a = &x->names[i], *b = &p->fields[i].name;
        if (a->n != b->n || memcmp(a->p, b->p, a->n) != 0) return false;
    }
    return true;
}

static int shape_key(struct sqlite *d, const struct measurement *m, const struct point *p) {
    int g = 0;
    buf_clear(&d->scratch);
    if (buf_append(&d->scratch, &m, sizeof m) < 0) return G_NOMEM;
    for (size_t i = 0; g == 0 && i < p->field_count; i++) {
        g = buf_append(&d->scratch, &p->fields[i].name.n, sizeof p->fields[i].name.n);
        if (g == 0) g = buf_append(&d->scratch, p->fields[i].name.p, p->fields[i].name.n);
    }
    return g;
}

static int copy_names(struct shape *x, const struct point *p) {
    size_t n = 0;
    for (size_t i = 0; i < p->field_count; i++) n += p->fields[i].name.n;
    x->count = p->field_count;
    x->names = malloc(x->count * sizeof *x->names + n + 1);
    x->at = calloc(x->count + 1, sizeof *x->at);
    if (!x->names || !x->at) return G_NOMEM;
    char *to = (char *)(x->names + x->count);
    for (size_t i = 0; i < x->count; i++) {
        x->names[i] = (struct text){to, p->fields[i].name.n};
        memcpy(to, p->fields[i].name.p, x->names[i].n);
        to += x->names[i].n;
    }
    return 0;
}

/* The parameters 1 and 2 are the time and the series. */
static int prepare_insert(struct sqlite *d, struct shape *x, struct err *e) {
    sqlite3_str *sql = sqlite3_str_new(d->catalog.db);
    int parameters = 2;
    sqlite3_str_appendf(sql, "INSERT INTO \"%w_points\" (time, series", x->m->view);
    for (size_t i = 0; i < x->count; i++) {
        const struct column *c = measurement_column(x->m, x->names[i], false);
        if (!c) continue;
        x->at[i] = ++parameters;
        sqlite3_str_appendf(sql, ", \"%w\"", c->sql);
    }
    sqlite3_str_appendall(sql, ") VALUES (?, ?");
    for (int i = 2; i < parameters; i++) sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendall(sql, parameters > 2 ? ") ON CONFLICT DO UPDATE SET" : ") ON CONFLICT DO NOTHING");
    const char *comma = "";
    for (size_t i = 0; i < x->count; i++) {
        if (!x->at[i]) continue;
        const char *name = measurement_column(x->m, x->names[i], false)->sql;
        sqlite3_str_appendf(sql, "%s \"%w\" = excluded.\"%w\"", comma, name, name);
        comma = ",";
    }
    char *text = sqlite3_str_finish(sql);
    int g = text ? db_prepare(&d->catalog, &x->insert, e, "%s", text) : err_nomem(e);
    sqlite3_free(text);
    return g;
}

static int make_shape(struct sqlite *d, struct measurement *m, const struct point *p, struct err *e) {
    int g = 0;
    if (d->shape_count == DB_SHAPES_MAX) {
        g = apply_batch(d, e);
        if (g == 0) g = drop_shapes(d, e);
        if (g == 0) g = shape_key(d, m, p);
        if (g < 0) return g;
    }
    struct shape *x = calloc(1, sizeof *x);
    if (!x) return err_nomem(e);
    x->m = m;
    g = copy_names(x, p) < 0 ? err_nomem(e) : prepare_insert(d, x, e);
    if (g == 0 && hashmap_put(&d->shape_names, d->scratch.data, d->scratch.len, d->shape_count) < 0) g = err_nomem(e);
    if (g != 0) {
        shape_free(x);
        return g;
    }
    d->last = d->shapes[d->shape_count++] = x;
    return 0;
}

/* Does it have a parameter for each field that has a value? */
static bool fits(const struct shape *x, const struct point *p) {
    for (size_t i = 0; i < x->count; i++)
        if (!x->at[i] && p->fields[i].type != FIELD_NULL) return false;
    return true;
}

/* Is everything that the point has there? */
static bool has_columns(const struct measurement *m, const struct point *p) {
    for (size_t i = 0; i < p->field_count; i++)
        if (p->fields[i].type != FIELD_NULL && !measurement_column(m, p->fields[i].name, false)) return false;
    return true;
}

static bool has_tags(const struct measurement *m, const struct point *p) {
    for (size_t i = 0; i < p->tag_count; i++)
        if (!measurement_column(m, p->tags[i].name, true)) return false;
    return true;
}

/* d->last becomes the shape of this point; NULL where a column is missing. One that was made before a column was there
 * stays for the rows that have it. */
static int find_shape(struct sqlite *d, struct measurement *m, const struct point *p, struct err *e) {
    uint64_t at;
    if (d->last && d->last->m == m && same_names(d->last, p) && fits(d->last, p)) return 0;
    if (shape_key(d, m, p) < 0) return err_nomem(e);
    d->last = hashmap_get(&d->shape_names, d->scratch.data, d->scratch.len, &at) ? d->shapes[at] : NULL;
    if (d->last && fits(d->last, p)) return 0;
    d->last = NULL;
    return has_columns(m, p) ? make_shape(d, m, p, e) : 0;
}

/* ---- points ---- */

/* Tables and columns that the point is the first to need. */
static int extend(struct sqlite *d, const struct point *p, struct err *e) {
    struct patience patience = {0};
    int g;
    for (;;) {
        g = d->pipeline ? begin(d, e) : 0;
        if (g == 0) g = catalog_extend(&d->catalog, p, d->pipeline != NULL, e);
        if (g != G_WAIT) break;
        g = d->open ? transaction_lost(d, e) : wait_or_fail(d, &patience, e);
        if (g < 0) return g;
    }
    if (g == 0) tell_success(d, &patience);
    return g;
}

static struct measurement *find_measurement(const struct sqlite *d, struct text name) {
    struct measurement *m = d->last ? d->last->m : NULL;
    return m && m->name_size == name.n && memcmp(m->name, name.p, name.n) == 0 ? m : catalog_find(&d->catalog, name);
}

/* Everything that the row refers to is there afterwards: d->last, and the slot of its series. */
static int prepare_row(struct sqlite *d, const struct point *p, uint32_t *ret_slot, struct err *e) {
    for (int extended = 0;; extended++) {
        struct measurement *m = find_measurement(d, p->measurement);
        d->last = m ? d->last : NULL;
        int g = m && m->id ? find_shape(d, m, p, e) : 0;
        if (g != 0) return g;
        if (m && m->id && d->last) {
            g = series_find(&d->series, m, p, ret_slot, e);
            if (g != 0) return g < 0 ? g : 0;
            if (has_tags(m, p)) return series_add(&d->series, m, ret_slot, e);
        }
        if (extended) return err_set(e, G_BUG, "a column of '%s' is not there", d->file);
        g = extend(d, p, e);
        if (g != 0) return g;
    }
}

static struct cell make_cell(struct sqlite *d, const struct field *f, uint32_t *at) {
    struct cell c = {.type = f->type};
    switch (f->type) {
    case FIELD_INTEGER: c.integer = f->integer; break;
    case FIELD_UNSIGNED: c.number = (double)f->magnitude; break;
    case FIELD_NUMBER: c.number = f->number; break;
    case FIELD_BOOLEAN: c.integer = f->boolean; break;
    case FIELD_STRING:
        memcpy(d->rows.data + *at, f->string.p ? f->string.p : "", f->string.n);
        c.string.at = *at;
        c.string.n = (uint32_t)f->string.n;
        *at += (uint32_t)f->string.n;
        break;
    case FIELD_NULL: break;
    }
    return c;
}

static int add_row(struct sqlite *d, const struct point *p, uint32_t slot, struct err *e) {
    size_t at = d->rows.len, size = sizeof(struct row) + p->field_count * sizeof(struct cell), texts = 0;
    for (size_t i = 0; i < p->field_count; i++)
        if (p->fields[i].type == FIELD_STRING) texts += p->fields[i].string.n;
    uint32_t text_at = (uint32_t)(at + size);
    size = (size + texts + 7) & ~(size_t)7;
    if (size > INT32_MAX) return err_set(e, G_DATA, "record is too large for a row");
    if (buf_reserve(&d->rows, size) < 0) return err_nomem(e);
    struct row *r = (struct row *)(void *)(d->rows.data + at);
    *r = (struct row){.shape = d->last, .time = p->time, .slot = slot, .size = (uint32_t)size};
    struct cell *cells = (struct cell *)(r + 1);
    for (size_t i = 0; i < p->field_count; i++) cells[i] = make_cell(d, &p->fields[i], &text_at);
    d->rows.len += size;
    d->config->totals->sent++;
    d->config->totals->in_flight++;
    if (d->row_count++ == 0) d->first_ns = sys.boot_ns();
    return 0;
}

static bool is_due(struct sqlite *d) {
    if (d->row_count >= d->config->batch_points || d->rows.len >= BATCH_BYTES) return true;
    if (d->pipeline || d->until_clock-- > 0) return false;
    d->until_clock = CLOCK_EVERY;
    return sys.boot_ns() - d->first_ns >= d->config->flush_ns;
}

static int sqlite_put(struct dest *dest, const struct block_header *like, const struct record *r, const char *where,
                      const struct point *p, struct err *e) {
    struct sqlite *d = (struct sqlite *)dest;
    uint32_t slot = 0;
    (void)like; /* what is refused here is refused at once */
    (void)r;
    (void)where;
    int g = prepare_row(d, p, &slot, e);
    if (g == 0) g = add_row(d, p, slot, e);
    if (g == 0 && is_due(d)) g = apply_batch(d, e);
    return g > 0 ? (e->grade = G_IO) : g;
}

/* ---- the rest of the table ---- */

static int sqlite_flush(struct dest *dest, struct err *e) {
    return apply_batch((struct sqlite *)dest, e);
}

static int sqlite_poll(struct dest *dest, int64_t *ret_wake_ns, struct err *e) {
    struct sqlite *d = (struct sqlite *)dest;
    *ret_wake_ns = -1;
    if (d->row_count == 0 || d->pipeline) return 0;
    int64_t left = d->config->flush_ns - (sys.boot_ns() - d->first_ns);
    if (left <= 0) return apply_batch(d, e);
    *ret_wake_ns = left;
    return 0;
}

static int sqlite_barrier(struct dest *dest, const struct checkpoint *c, struct err *e) {
    struct sqlite *d = (struct sqlite *)dest;
    return apply(d, UNTIL_COMMIT, d->pipeline && c->pipeline ? c : NULL, e);
}

/* The pipeline is ours from now on: its older runs cannot commit any more. */
static int claim(struct sqlite *d, int64_t *ret, struct err *e) {
    sqlite3_stmt *s = NULL;
    int g = db_prepare(&d->catalog, &s, e,
                       "INSERT INTO leat_checkpoints (pipeline, run) VALUES (%Q, %lld) ON CONFLICT DO UPDATE SET run = "
                       "excluded.run RETURNING checkpoint",
                       d->pipeline, (long long)d->run);
    if (g != 0) return g;
    int rc = sqlite3_step(s);
    *ret = rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL ? sqlite3_column_int64(s, 0) : -1;
    if (rc == SQLITE_ROW) rc = sqlite3_step(s);
    if (rc != SQLITE_DONE) g = db_failed(&d->catalog, rc, e);
    sqlite3_finalize(s);
    return g;
}

static int sqlite_reached(struct dest *dest, const char *pipeline, int64_t *ret, struct err *e) {
    struct sqlite *d = (struct sqlite *)dest;
    struct patience patience = {0};
    int g = apply(d, UNTIL_COMMIT, NULL, e); /* of a stream that came to its end before this one */
    if (g == 0) g = random_bytes(&d->run, sizeof d->run, e);
    if (g < 0) return g;
    free(d->pipeline);
    d->pipeline = strdup(pipeline);
    if (!d->pipeline) return err_nomem(e);
    while ((g = claim(d, ret, e)) == G_WAIT) {
        g = wait_or_fail(d, &patience, e);
        if (g < 0) return g;
    }
    return g;
}

static int sqlite_finish(struct dest *dest, bool completed, struct err *e) {
    struct sqlite *d = (struct sqlite *)dest;
    int g = 0;
    if (completed) g = apply(d, UNTIL_COMMIT, NULL, e);
    if (d->open) rollback(d);
    for (size_t i = 0; i < d->shape_count; i++) shape_free(d->shapes[i]);
    hashmap_release(&d->shape_names);
    series_release(&d->series);
    catalog_close(&d->catalog);
    buf_release(&d->rows);
    buf_release(&d->scratch);
    free(d->pipeline);
    free(d->file);
    free(d);
    return g;
}

int sqlite_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) {
    static const struct dest_ops ops = {.put = sqlite_put,
                                        .flush = sqlite_flush,
                                        .poll = sqlite_poll,
                                        .barrier = sqlite_barrier,
                                        .reached = sqlite_reached,
                                        .close = sqlite_finish};
    struct patience patience = {0};
    struct sqlite *d = calloc(1, sizeof *d);
    if (!d) return err_nomem(e);
    d->dest.ops = &ops;
    d->config = c;
    d->file = strdup(u->path[0]);
    int g = d->file ? hashmap_init(&d->shape_names, e) : err_nomem(e);
    while (g == 0 && (g = catalog_open(&d->catalog, d->file, e)) == G_WAIT) g = wait_or_fail(d, &patience, e);
    if (g == 0) tell_success(d, &patience);
    if (g == 0) {
        *ret = &d->dest;
        return 0;
    }
    struct err ignored;
    int closed = sqlite_finish(&d->dest, false, &ignored);
    (void)closed; /* nothing was written */
    return g;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a letter: passed over, shown, sent, or left what it is, with the reason. See send.h. */
#include "send.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/diag.h"
#include "log/dest.h"

#define NAMED_MAX 3 /* letters that stay and are named; others are counted */

/* Where it goes: --to, or the topic that its source names, into the same partition. */
static int find_place(const struct redriver *d, const struct letter *l, struct letter_source *source,
                      struct redrive_to *ret, struct err *e) {
    const char *to = d->o->to;
    *ret = (struct redrive_to){.place = to, .partition = -1};
    if (to) {
        ret->is_file = dest_is_file(to);
        ret->create = !ret->is_file;
    } else if (letter_source_parse(&l->source, source)) {
        ret->place = source->topic;
        ret->partition = source->partition;
    } else if (l->source.p) {
        return err_set(e, G_DATA, "its source '%.*s' is no topic; --to says where it goes",
                       (int)(l->source.n > 200 ? 200 : l->source.n), l->source.p);
    } else {
        return err_set(e, G_DATA, "it has no header leat.source; --to says where it goes");
    }
    if (ret->is_file || d->log.root >= 0) return 0;
    if (ret->create) return 0; /* a dry run: it would be made, and the log with it */
    return err_set(e, G_DATA, "there is no topic '%s', and no log", ret->place);
}

/* Send it, or see whether that could be done. G_DATA: it stays. */
static int send_letter(struct redriver *d, const struct letter *l, struct err *e) {
    struct letter_source source;
    struct redrive_to to;
    struct record r;
    int g = find_place(d, l, &source, &to, e);
    if (g == 0) g = repair_letter(&d->repair, l, &r, e);
    if (g < 0 || (!d->o->execute && d->log.root < 0)) return g;
    g = d->o->execute ? redrive_put(d->redrive, l->id, &to, &r, e) : redrive_try(d->redrive, &to, &r, e);
    if (g == G_ABSENT) e->grade = G_DATA;
    if (g < 0) return e->grade;
    d->progress.records_out += d->o->execute;
    d->progress.bytes_out += d->o->execute ? r.value_size : 0;
    return 0;
}

/* A letter that cannot be sent stays one. A dry run goes on, to show them all. */
static int stays(struct redriver *d, struct letter_id id, struct err *e) {
    char name[LETTER_NAME_MAX];
    const char *word = d->o->execute ? "stays" : "would stay";
    d->stay++;
    d->progress.bad++;
    letter_name(&d->from, id, name);
    if (d->o->execute && d->o->on_error.at != 2) return err_prefix(e, "letter '%s' %s: ", name, word);
    (void)err_prefix(e, "letter '%s' %s: ", name, word);
    if (d->stay <= NAMED_MAX) diag_warning(e);
    return 0;
}

static int show(struct redriver *d, const struct letter *l, struct err *e) {
    if (!d->shows_letters) return kinds_add(&d->kinds, l, e);
    struct err why;
    struct record_origin from = {.topic = d->repair.topic, .partition = l->id.partition};
    struct block_header like = *l->like;
    struct record seen = l->record;
    seen.offset = l->id.offset;
    if (!d->repair.topic) like.topic_id = 0; /* of a file, whatever it was: its letters are numbered */
    int g = repair_unmask(&d->repair, &seen, &why);
    return g < 0 && g != G_DATA ? err_nomem(e) : output_record(&d->output, &like, &from, &seen, e);
}

/* Who asks for nothing else wants to see what there is, not where it could go. */
static bool only_looks(const struct redriver *d) {
    const struct options *o = d->o;
    return o->done || (!o->execute && !o->forget && !o->to && !o->repair.map && !d->edited.name);
}

static int take_letter(struct redriver *d, struct letter *l, struct err *e) {
    const struct options *o = d->o;
    bool wanted = false;
    int g = repair_wants(&d->repair, l, &wanted, e);
    if (g == 0 && !wanted) return 0;
    if (g < 0 && g != G_DATA) return g;
    if (d->wanted == o->limit) return 1;
    d->wanted++;
    if (g == 0 && o->forget && o->execute) g = redrive_forget(d->redrive, l->id, e);
    if (g == 0 && d->edited.name) {
        g = edited_take(&d->edited, l, e);
        if (g > 0) g = 0;
    }
    if (g == 0 && !o->forget && !only_looks(d)) g = send_letter(d, l, e);
    if (g == G_DATA) {
        g = stays(d, l->id, e);
        if (g < 0 || o->execute) return g;
    }
    return g < 0 ? g : show(d, l, e);
}

static int on_letter(void *ctx, struct letter *l, struct err *e) {
    struct redriver *d = ctx;
    const struct options *o = d->o;
    d->progress.records_in++;
    d->progress.bytes_in += l->record.value_size;
    progress_tick(&d->progress);
    bool in_hand = !d->edited.name || edited_has(&d->edited, l->id);
    if (!in_hand || redrive_is_done(d->redrive, l->id) != (o->done || o->forget)) return 0;
    return take_letter(d, l, e);
}

static void tell(const struct redriver *d) {
    const struct options *o = d->o;
    bool all = d->wanted < o->limit;
    size_t unused = d->edited.name && all ? edited_unused(&d->edited) : 0;
    if (d->stay > NAMED_MAX)
        diag_warn("%" PRIu64 " letters %s, of which the first %d were named", d->stay,
                  o->execute ? "stay" : "would stay", NAMED_MAX);
    if (unused)
        diag_warn("%zu lines of '%s' are no letters of '%s'", unused, d->edited.name,
                  d->from.topic ? d->from.topic->name : d->from.file);
    if (!o->execute && !only_looks(d)) diag_warn("dry run: nothing was changed; --execute does it");
}

int redriver_run(struct redriver *d, struct err *e) {
    struct err late;
    int g = letters_each(&d->from, on_letter, d, e);
    /* What came before a fault, or a signal, is sent. */
    int flushed = d->o->execute ? redrive_flush(d->redrive, g < 0 ? &late : e) : 0;
    if (g < 0 && flushed < 0 && late.grade != G_BUG) diag_error(&late);
    if (g < 0) return g;
    if (flushed == 0) tell(d);
    return flushed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is durable the moment that a call returns. Each test does one thing on the recording disk, cuts the power right
 * behind it many times over, and looks for it in what is left: power.c loses much at random, and so seldom just this.
 */
#include "log/group.h"
#include "recorder.h"

#define CUTS 200
#define RECORDS 5

struct made {
    char path[340];
    struct log log;
    struct topic t;
    struct partition p;
    struct ack ack;
};

static bool made_open(struct made *m, uint32_t partition, struct err *e) {
    uint32_t seq = 0;
    if (partition_open(&m->p, &m->t, partition, PARTITION_APPEND, e) < 0) return wrong("cannot open: %s", e->text);
    if (append_batch(&m->p, 1, &seq, 1, RECORDS, true, &m->ack, e) < 0) return wrong("cannot append: %s", e->text);
    return true;
}

static void made_close(struct made *m) {
    partition_close(&m->p);
    topic_close(&m->t);
    log_close(&m->log);
}

static int sync_files_only(int fd) {
    return rec.nodes[rec_of_fd(fd)].is_dir ? 0 : rec_sync(fd);
}

/* A topic; with `died` by somebody whose syncs of directories never came to be. */
static bool make_topic(struct made *m, bool died) {
    struct err e = {0};
    struct topic_settings s = topic_settings_default;
    *m = (struct made){.p.dir = -1};
    (void)snprintf(m->path, sizeof m->path, "%s", scratch_dir("disk"));
    rec_begin(m->path);
    rec.boot_id++;
    if (died) sys.fsync = sync_files_only;
    int g = log_open(&m->log, m->path, true, true, &e);
    if (g == 0) g = topic_create(&m->log, "t", 1, &s, false, &e);
    sys.fsync = rec_sync;
    if (g == 0) g = topic_open(&m->t, &m->log, "t", &e);
    return g == 0 ? true : wrong("cannot make the topic: %s", e.text);
}

typedef bool check_fn(const struct made *m, const char *path);

/* Cut behind the last event, again and again. */
static bool survives(const struct made *m, check_fn *check) {
    bool good = true;
    rec_look_at_pages();
    rec.on = false;
    rec.boot_id++;
    for (uint64_t seed = 1; good && seed <= CUTS; seed++) {
        rng_seed(seed);
        const char *path = scratch_dir("cut");
        rec_cut(path, rec.count);
        good = check(m, path);
        if (!good) wrong("cut %" PRIu64, seed);
    }
    return good;
}

/* The segments are there, whole up to their names and their first blocks; before anybody repairs what is missing. */
static bool check_segments(const struct made *m, const char *path) {
    struct log log;
    struct topic t;
    struct err e = {0};
    uint64_t *bases = NULL;
    size_t count = 0;
    if (!open_topic(&log, &t, path)) return false;
    int dir = topic_partition_dir(&t, 0, false, &e);
    int g = dir < 0 ? dir : segment_list(dir, &bases, &count, &e);
    if (g == 0 && (count != 2 || bases[1] != RECORDS)) g = err_set(&e, G_CORRUPT, "%zu segments", count);
    for (size_t i = 0; g == 0 && i < count; i++) {
        struct segment_info info = {0};
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, bases[i], ".leat");
        int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        g = fd < 0 ? err_sys(&e, errno, "cannot open '%s'", name)
                   : segment_read_info(fd, &m->p.id, bases[i], &info, &e);
        segment_info_release(&info);
        if (fd >= 0) close(fd);
    }
    free(bases);
    if (dir >= 0) close(dir);
    topic_close(&t);
    log_close(&log);
    return g == 0 ? true : wrong("%s", e.text);
}

static bool check_ack(const struct made *m, const char *path) {
    struct log log;
    struct topic t;
    struct history h = {0};
    if (!open_topic(&log, &t, path)) return false;
    bool good = history_read(&h, &t, m->ack.partition, false) && ack_holds(&m->ack, &h);
    history_release(&h);
    topic_close(&t);
    log_close(&log);
    return good;
}

static bool a_new_segment(void) {
    struct made m;
    struct err e = {0};
    bool good = make_topic(&m, false) && made_open(&m, 0, &e);
    if (good && partition_lock(&m.p, &e) == 0) {
        good = partition_roll(&m.p, true, &e) == 0;
        partition_unlock(&m.p);
    }
    good = good && survives(&m, check_segments);
    made_close(&m);
    return good;
}

static bool a_record_in_a_topic_whose_maker_died(void) {
    struct made m;
    struct err e = {0};
    bool good = make_topic(&m, true) && made_open(&m, 0, &e) && survives(&m, check_ack);
    made_close(&m);
    return good;
}

static bool a_record_in_a_partition_that_was_added(void) {
    struct made m;
    struct err e = {0};
    struct topic_settings s = topic_settings_default;
    bool good =
        make_topic(&m, false) && topic_alter(&m.t, 2, &s, &e) == 0 && made_open(&m, 1, &e) && survives(&m, check_ack);
    made_close(&m);
    return good;
}

static bool check_position(const struct made *m, const char *path) {
    struct log log;
    struct topic t;
    struct group g;
    struct group_position p = {0};
    struct err e = {0};
    (void)m;
    if (!open_topic(&log, &t, path)) return false;
    int rc = group_open(&g, &log, "g", &t, false, &e);
    if (rc == 0) {
        rc = group_read(&g, 0, &p, &e);
        group_close(&g);
    }
    topic_close(&t);
    log_close(&log);
    if (rc < 0) return wrong("%s", e.text);
    return p.known && p.offset == RECORDS ? true : wrong("the position is %" PRIu64, p.offset);
}

static bool a_position_of_a_new_group(void) {
    struct made m;
    struct group g;
    struct err e = {0};
    bool good = make_topic(&m, false) && made_open(&m, 0, &e);
    good = good && group_open(&g, &m.log, "g", &m.t, true, &e) == 0;
    if (good) {
        good = group_write(&g, 0, RECORDS, 1, &e) == 0 && group_sync(&g, &e) == 0;
        group_close(&g);
    }
    good = good ? survives(&m, check_position) : wrong("%s", e.text);
    made_close(&m);
    return good;
}

int main(void) {
    scratch_init();
    rec_install();
    rec.boot_id = 1000;
    tap(a_new_segment(), "a segment that a durable roll began is whole when the roll returns");
    tap(a_record_in_a_topic_whose_maker_died(), "who acknowledges first makes the way to the partition durable");
    tap(a_record_in_a_partition_that_was_added(), "a partition that was added is durable before it has a record");
    tap(a_position_of_a_new_group(), "the first position that a group commits is durable, and the way to it");
    rec_forget();
    free(rec.events);
    scratch_remove();
    return tap_done();
}

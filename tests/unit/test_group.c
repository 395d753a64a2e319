/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumer groups: positions in their two slots, torn, damaged and of another topic; places, shares and leases of
 * members that live in processes of their own and are killed; what is left when a group is deleted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "log/group.h"
#include "log_fixture.h"
#include "sys/sys.h"

#define PARTITIONS 4
#define HEAD 4096
#define SLOT 512

static struct log_fixture fx;
static struct err why;

static int setup(void **state) {
    (void)state;
    log_fixture_open(&fx, PARTITIONS, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    log_fixture_close(&fx);
    return 0;
}

static void join(struct group *g, const char *name) {
    if (group_open(g, &fx.log, name, &fx.topic, true, &why) < 0) fail_msg("%s", why.text);
}

static void commit(struct group *g, uint32_t partition, uint64_t offset) {
    assert_int_equal(group_write(g, partition, offset, 3, &why), 0);
    assert_int_equal(group_sync(g, &why), 0);
}

/* The committed offset; -1: none. */
static int64_t position(const struct group *g, uint32_t partition) {
    struct group_position p;
    assert_int_equal(group_read(g, partition, &p, &why), 0);
    return p.known ? (int64_t)p.offset : -1;
}

/* Bytes of the file of positions, from the outside. */
static int open_positions(void) {
    char path[SCRATCH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/groups/g/t.positions", fx.path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    return fd;
}

static off_t slot_at(uint32_t partition, int slot) {
    return HEAD + (off_t)partition * 2 * SLOT + (off_t)slot * SLOT;
}

static void flip(off_t at) {
    int fd = open_positions();
    unsigned char b;
    assert_int_equal(pread(fd, &b, 1, at), 1);
    b ^= 0x40;
    assert_int_equal(pwrite(fd, &b, 1, at), 1);
    close(fd);
}

/* Which slot holds this offset? -1: none. */
static int slot_of(uint32_t partition, uint64_t offset) {
    int fd = open_positions(), found = -1;
    unsigned char b[44];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pread(fd, b, sizeof b, slot_at(partition, i)), sizeof b);
        if (get_u64_le(b) != 0 && get_u64_le(b + 16) == offset) found = i;
    }
    close(fd);
    return found;
}

/* ---- positions ---- */

static void a_position_is_read_back_by_the_next_member(void **state) {
    (void)state;
    struct group g;
    struct group_position p;
    join(&g, "g");
    assert_int_equal(position(&g, 0), -1);
    int64_t before = sys.wall_ns();
    commit(&g, 2, 77);
    group_close(&g);
    join(&g, "g");
    assert_int_equal(group_read(&g, 2, &p, &why), 0);
    assert_true(p.known);
    assert_int_equal(p.offset, 77);
    assert_int_equal(p.epoch, 3);
    assert_true(p.committed_ns >= before && p.committed_ns <= sys.wall_ns());
    assert_int_equal(position(&g, 0), -1);
    assert_int_equal(position(&g, 3), -1);
    group_close(&g);
}

static void commits_take_turns_in_two_slots(void **state) {
    (void)state;
    struct group g;
    join(&g, "g");
    for (uint64_t i = 1; i <= 5; i++) {
        commit(&g, 1, i * 10);
        assert_int_equal(position(&g, 1), i * 10);
        assert_int_equal(slot_of(1, i * 10), (i + 1) % 2);
    }
    assert_int_equal(slot_of(1, 40), 1); /* the one before is still there */
    commit(&g, 1, 5);                    /* going back is a commit like any other */
    assert_int_equal(position(&g, 1), 5);
    group_close(&g);
}

static void the_file_is_as_the_page_says(void **state) {
    (void)state;
    struct group g;
    unsigned char b[SLOT];
    join(&g, "g");
    commit(&g, 3, 0x0102030405);
    int fd = open_positions();
    assert_int_equal(lseek(fd, 0, SEEK_END), HEAD + PARTITIONS * 2 * SLOT);
    assert_int_equal(pread(fd, b, 24, 0), 24);
    assert_memory_equal(b, "LEATPOSN\1\0\0\0\0\0\0\0", 16);
    assert_true(get_u64_le(b + 16) == fx.topic.id);
    assert_int_equal(pread(fd, b, sizeof b, slot_at(3, 0)), sizeof b);
    assert_int_equal(get_u64_le(b), 1);
    assert_true(get_u64_le(b + 8) == fx.topic.id);
    assert_true(get_u64_le(b + 16) == 0x0102030405);
    assert_int_equal(get_u32_le(b + 24), 3);
    assert_int_equal(get_u32_le(b + 28), 3);
    assert_int_equal(get_u32_le(b + 40), crc32c(0, b, 40));
    for (size_t i = 44; i < SLOT; i++) assert_int_equal(b[i], 0);
    close(fd);
    group_close(&g);
}

/* A power cut while a commit is written: what was committed before counts. */
static void a_torn_slot_leaves_the_position_before(void **state) {
    (void)state;
    struct group g;
    join(&g, "g");
    for (unsigned torn = 1; torn < 44; torn++) {
        unsigned char old[44], new[44];
        commit(&g, 0, 100);
        commit(&g, 0, 200);
        int slot = slot_of(0, 100), fd = open_positions();
        assert_int_equal(pread(fd, old, sizeof old, slot_at(0, slot)), sizeof old);
        commit(&g, 0, 300);
        assert_int_equal(slot_of(0, 300), slot);
        assert_int_equal(pread(fd, new, sizeof new, slot_at(0, slot)), sizeof new);
        /* Now and then the last byte of both CRCs is the same: then nothing is torn there, and 300 is right. */
        bool whole = memcmp(new + torn, old + torn, sizeof new - torn) == 0;
        memcpy(new + torn, old + torn, sizeof new - torn);
        assert_int_equal(pwrite(fd, new, sizeof new, slot_at(0, slot)), sizeof new);
        close(fd);
        assert_int_equal(position(&g, 0), whole ? 300 : 200);
        if (whole) continue;
        commit(&g, 0, 400);
        assert_int_equal(position(&g, 0), 400);
        assert_int_equal(slot_of(0, 400), slot); /* the good slot is never written over */
    }
    group_close(&g);
}

static void a_flipped_bit_anywhere_in_a_slot_is_seen(void **state) {
    (void)state;
    struct group g;
    join(&g, "g");
    commit(&g, 0, 100);
    commit(&g, 0, 200);
    for (off_t at = 0; at < 44; at++) {
        flip(slot_at(0, slot_of(0, 200)) + at);
        assert_int_equal(position(&g, 0), 100);
        flip(slot_at(0, 1) + at);
        assert_int_equal(position(&g, 0), 200);
    }
    group_close(&g);
}

static void both_slots_damaged_is_an_error_until_the_next_commit(void **state) {
    (void)state;
    struct group g;
    struct group_position p = {.offset = 42};
    join(&g, "g");
    commit(&g, 1, 100);
    commit(&g, 1, 200);
    flip(slot_at(1, 0) + 16);
    flip(slot_at(1, 1) + 16);
    assert_int_equal(group_read(&g, 1, &p, &why), G_CORRUPT);
    assert_string_equal(why.text, "the position of group 'g' in 't/1' is damaged; 'leat group reset' sets it anew");
    assert_int_equal(p.offset, 42); /* set only on success */
    assert_int_equal(position(&g, 0), -1);
    commit(&g, 1, 300);
    assert_int_equal(position(&g, 1), 300);
    commit(&g, 1, 400);
    assert_int_equal(position(&g, 1), 400);
    group_close(&g);
}

/* A slot that was copied to another partition's place is whole, and not its own. */
static void a_slot_in_the_wrong_place_is_not_taken(void **state) {
    (void)state;
    struct group g;
    unsigned char b[SLOT];
    join(&g, "g");
    commit(&g, 0, 100);
    int fd = open_positions();
    assert_int_equal(pread(fd, b, sizeof b, slot_at(0, 0)), sizeof b);
    assert_int_equal(pwrite(fd, b, sizeof b, slot_at(2, 0)), sizeof b);
    memset(b, 0, 8); /* generation 0, with a CRC that fits */
    put_u32_le(b + 40, crc32c(0, b, 40));
    assert_int_equal(pwrite(fd, b, sizeof b, slot_at(0, 1)), sizeof b);
    put_u32_le(b + 28, 3);
    put_u32_le(b + 40, crc32c(0, b, 40));
    assert_int_equal(pwrite(fd, b, sizeof b, slot_at(3, 0)), sizeof b);
    close(fd);
    assert_int_equal(position(&g, 3), -1);
    assert_int_equal(position(&g, 2), -1);
    assert_int_equal(position(&g, 0), 100);
    group_close(&g);
}

/* The same name, another topic: offsets of the old one mean nothing. */
static void a_topic_made_again_begins_anew(void **state) {
    (void)state;
    struct group g;
    join(&g, "g");
    for (uint64_t i = 1; i <= 3; i++) commit(&g, 0, i * 100); /* both slots */
    commit(&g, 1, 7);                                         /* one slot */
    group_close(&g);
    assert_int_equal(topic_delete(&fx.topic, &why), 0);
    topic_close(&fx.topic);
    assert_int_equal(topic_create(&fx.log, "t", PARTITIONS, &topic_settings_default, false, &why), 0);
    assert_int_equal(topic_open(&fx.topic, &fx.log, "t", &why), 0);
    join(&g, "g");
    assert_int_equal(position(&g, 0), -1);
    assert_int_equal(position(&g, 1), -1);
    commit(&g, 0, 5);
    assert_int_equal(position(&g, 0), 5);
    commit(&g, 0, 6);
    assert_int_equal(position(&g, 0), 6);
    group_close(&g);
}

static void more_partitions_find_their_place(void **state) {
    (void)state;
    struct group g;
    join(&g, "g");
    commit(&g, 3, 9);
    group_close(&g);
    assert_int_equal(topic_alter(&fx.topic, 9, &fx.topic.settings, &why), 0);
    log_fixture_reopen(&fx);
    assert_int_equal(group_open(&g, &fx.log, "g", &fx.topic, false, &why), 0); /* a file that is still short */
    assert_int_equal(position(&g, 8), -1);
    group_close(&g);
    join(&g, "g");
    assert_int_equal(position(&g, 3), 9);
    commit(&g, 8, 11);
    assert_int_equal(position(&g, 8), 11);
    group_close(&g);
}

static void looking_makes_nothing(void **state) {
    (void)state;
    struct group g;
    char **names;
    size_t count;
    assert_int_equal(group_open(&g, &fx.log, "g", &fx.topic, false, &why), G_ABSENT);
    assert_int_equal(group_open(&g, &fx.log, "../t", &fx.topic, true, &why), G_USAGE);
    assert_int_equal(group_list(&fx.log, &names, &count, &why), 0);
    assert_int_equal(count, 0);
    topic_list_free(names, count);
}

/* ---- members ---- */

static void members_share_by_their_places(void **state) {
    (void)state;
    struct group g[3];
    struct group_share s[3];
    for (int i = 0; i < 3; i++) join(&g[i], "g");
    for (int i = 0; i < 3; i++) assert_int_equal(g[i].place, i);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        int owners = 0;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(group_share(&g[i], &s[i], &why), 0);
            assert_int_equal(s[i].members, 3);
            assert_int_equal(s[i].rank, i);
            owners += group_owns(&s[i], p);
        }
        assert_int_equal(owners, 1);
    }
    group_close(&g[1]); /* the place in the middle: the ranks close up */
    assert_int_equal(group_share(&g[2], &s[2], &why), 0);
    assert_int_equal(s[2].members, 2);
    assert_int_equal(s[2].rank, 1);
    join(&g[1], "g"); /* and is given out again */
    assert_int_equal(g[1].place, 1);
    assert_int_equal(group_share(&g[2], &s[2], &why), 0);
    assert_int_equal(s[2].rank, 2);
    for (int i = 0; i < 3; i++) group_close(&g[i]);
}

static void a_lease_has_one_holder(void **state) {
    (void)state;
    struct group a, b, look;
    join(&a, "g");
    join(&b, "g");
    assert_int_equal(group_lease(&a, 2, &why), 0);
    assert_int_equal(group_lease(&a, 2, &why), 0); /* it is ours already */
    assert_int_equal(group_lease(&b, 2, &why), 1);
    assert_int_equal(group_lease(&b, 1, &why), 0);
    assert_int_equal(group_open(&look, &fx.log, "g", &fx.topic, false, &why), 0);
    assert_int_equal(look.place, -1);
    assert_int_equal(group_members(&look), 2);
    assert_int_equal(group_members(&a), 1); /* without itself */
    const bool held[PARTITIONS] = {false, true, true, false};
    for (uint32_t p = 0; p < PARTITIONS; p++) assert_int_equal(group_lease_held(&look, p), held[p]);
    group_release_lease(&a, 2);
    assert_int_equal(group_lease(&b, 2, &why), 0);
    group_close(&a);
    assert_int_equal(group_members(&look), 1);
    group_close(&b);
    assert_int_equal(group_members(&look), 0);
    for (uint32_t p = 0; p < PARTITIONS; p++) assert_false(group_lease_held(&look, p));
    group_close(&look);
}

static void groups_do_not_know_each_other(void **state) {
    (void)state;
    struct group a, b;
    join(&a, "a");
    join(&b, "b");
    assert_int_equal(group_lease(&a, 0, &why), 0);
    assert_int_equal(group_lease(&b, 0, &why), 0);
    commit(&a, 0, 5);
    assert_int_equal(position(&b, 0), -1);
    assert_int_equal(group_members(&a), 0);
    group_close(&a);
    group_close(&b);
}

/* A member in a process of its own, which holds this partition and commits `offset`. */
static pid_t fork_member(uint32_t partition, uint64_t offset) {
    int ready[2];
    char word;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct group g;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        bool good = group_open(&g, &fx.log, "g", &fx.topic, true, NULL) == 0 && group_lease(&g, partition, NULL) == 0 &&
                    group_write(&g, partition, offset, 3, NULL) == 0 && group_sync(&g, NULL) == 0;
        if (good && write(ready[1], "r", 1) == 1)
            for (;;) pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &word, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_member(pid_t pid) {
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void a_killed_member_loses_its_leases_and_nothing_else(void **state) {
    (void)state;
    struct group g;
    struct group_share s;
    pid_t first = fork_member(0, 10), second = fork_member(1, 20);
    join(&g, "g");
    assert_int_equal(g.place, 2);
    assert_int_equal(group_lease(&g, 0, &why), 1);
    kill_member(first);
    assert_int_equal(group_lease(&g, 0, &why), 0); /* at once */
    assert_int_equal(group_lease(&g, 1, &why), 1);
    assert_int_equal(position(&g, 0), 10);
    assert_int_equal(group_share(&g, &s, &why), 0);
    assert_int_equal(s.members, 2);
    assert_int_equal(s.rank, 1);
    kill_member(second);
    assert_int_equal(group_share(&g, &s, &why), 0);
    assert_int_equal(s.members, 1);
    assert_int_equal(s.rank, 0);
    assert_int_equal(group_lease(&g, 1, &why), 0);
    assert_int_equal(position(&g, 1), 20);
    group_close(&g);
}

/* ---- lists and deletion ---- */

static void expect_names(char **names, size_t count, const char *want) {
    char text[256] = "";
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(text);
        (void)snprintf(text + n, sizeof text - n, "%s%s", i ? " " : "", names[i]);
    }
    assert_string_equal(text, want);
    topic_list_free(names, count);
}

static void expect_groups(const char *want) {
    char **names;
    size_t count;
    assert_int_equal(group_list(&fx.log, &names, &count, &why), 0);
    expect_names(names, count, want);
}

static void expect_topics(const char *group, const char *want) {
    char **names;
    size_t count;
    assert_int_equal(group_topics(&fx.log, group, &names, &count, &why), 0);
    expect_names(names, count, want);
}

/* Group `name` has a position in t, and in u. */
static void commit_in_two(const char *name, struct topic *u) {
    struct group g;
    join(&g, name);
    commit(&g, 0, 1);
    group_close(&g);
    assert_int_equal(group_open(&g, &fx.log, name, u, true, &why), 0);
    assert_int_equal(group_write(&g, 0, 2, 1, &why), 0);
    group_close(&g);
}

static void lists_are_sorted(void **state) {
    (void)state;
    struct topic u;
    assert_int_equal(topic_create(&fx.log, "u", 1, &topic_settings_default, false, &why), 0);
    assert_int_equal(topic_open(&u, &fx.log, "u", &why), 0);
    expect_groups("");
    commit_in_two("zoo", &u);
    commit_in_two("ant", &u);
    expect_groups("ant zoo");
    expect_topics("zoo", "t u");
    char **names;
    size_t count;
    assert_int_equal(group_topics(&fx.log, "nope", &names, &count, &why), G_ABSENT);
    topic_close(&u);
}

static void delete_forgets_a_topic_or_all(void **state) {
    (void)state;
    struct topic u;
    struct group g;
    assert_int_equal(topic_create(&fx.log, "u", 1, &topic_settings_default, false, &why), 0);
    assert_int_equal(topic_open(&u, &fx.log, "u", &why), 0);
    commit_in_two("g", &u);
    assert_int_equal(group_delete(&fx.log, "g", "nope", &why), G_ABSENT);
    assert_int_equal(group_delete(&fx.log, "g", "../g/t", &why), G_USAGE);
    assert_int_equal(group_delete(&fx.log, "g", "u", &why), 0);
    expect_topics("g", "t");
    assert_int_equal(group_delete(&fx.log, "g", "u", &why), G_ABSENT);
    commit_in_two("g", &u);
    assert_int_equal(group_open(&g, &fx.log, "g", &u, true, &why), 0);
    assert_int_equal(group_delete(&fx.log, "g", NULL, &why), G_USAGE);
    assert_string_equal(why.text, "group 'g' has members on topic 'u'");
    assert_int_equal(group_delete(&fx.log, "g", "u", &why), G_USAGE);
    expect_topics("g", "t u"); /* nothing was changed */
    group_close(&g);
    assert_int_equal(group_delete(&fx.log, "g", NULL, &why), 0);
    expect_groups("");
    assert_int_equal(group_delete(&fx.log, "g", NULL, &why), G_ABSENT);
    topic_close(&u);
}

static void a_member_that_was_killed_does_not_keep_a_group(void **state) {
    (void)state;
    pid_t pid = fork_member(0, 10);
    assert_int_equal(group_delete(&fx.log, "g", NULL, &why), G_USAGE);
    kill_member(pid);
    assert_int_equal(group_delete(&fx.log, "g", NULL, &why), 0);
    expect_groups("");
}

/* The group is deleted between a member's opening of the files and its taking of a place. */
static bool delete_now;
static const char *delete_topic; /* NULL: the whole group */
static int deleting_fstat(int fd, struct stat *st) {
    int r = fstat(fd, st);
    if (delete_now && S_ISREG(st->st_mode)) {
        delete_now = false;
        assert_int_equal(group_delete(&fx.log, "g", delete_topic, &why), 0);
    }
    return r < 0 ? r : fstat(fd, st);
}

static void join_while_deleting(const char *topic) {
    struct group g, other;
    join(&g, "g");
    commit(&g, 0, 10);
    group_close(&g);
    struct sys_ops real = sys;
    sys.fstat = deleting_fstat; /* the first file is that of the positions, when the leases are not open yet */
    delete_now = true;
    delete_topic = topic;
    join(&g, "g");
    sys = real;
    assert_false(delete_now);
    assert_int_equal(position(&g, 0), -1);
    commit(&g, 0, 3);
    join(&other, "g"); /* both are members of the same group */
    assert_int_equal(group_members(&g), 1);
    assert_int_equal(position(&other, 0), 3);
    group_close(&other);
    group_close(&g);
}

static void a_member_does_not_join_a_group_that_was_just_deleted(void **state) {
    (void)state;
    join_while_deleting(NULL);
    join_while_deleting("t");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_position_is_read_back_by_the_next_member),
        TEST(commits_take_turns_in_two_slots),
        TEST(the_file_is_as_the_page_says),
        TEST(a_torn_slot_leaves_the_position_before),
        TEST(a_flipped_bit_anywhere_in_a_slot_is_seen),
        TEST(both_slots_damaged_is_an_error_until_the_next_commit),
        TEST(a_slot_in_the_wrong_place_is_not_taken),
        TEST(a_topic_made_again_begins_anew),
        TEST(more_partitions_find_their_place),
        TEST(looking_makes_nothing),
        TEST(members_share_by_their_places),
        TEST(a_lease_has_one_holder),
        TEST(groups_do_not_know_each_other),
        TEST(a_killed_member_loses_its_leases_and_nothing_else),
        TEST(lists_are_sorted),
        TEST(delete_forgets_a_topic_or_all),
        TEST(a_member_that_was_killed_does_not_keep_a_group),
        TEST(a_member_does_not_join_a_group_that_was_just_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

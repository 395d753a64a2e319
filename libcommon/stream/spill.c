/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that wait in a file. See spill.h. */
#include "stream/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/sys.h"

#define PUNCH_BYTES (4ull << 20) /* read bytes are given back in steps of this */

void spill_init(struct spill *s, struct spill_budget *budget, const char *name) {
    *s = (struct spill){.budget = budget, .name = name, .fd = -1};
}

void spill_release(struct spill *s) {
    if (!s || !s->budget) return;
    if (s->fd >= 0) sys.close(s->fd);
    atomic_fetch_sub(&s->budget->used, s->tail - s->punched);
    *s = (struct spill){.fd = -1};
}

static const char *spill_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] ? folder : "/tmp";
}

/* For file systems that have no O_TMPFILE. */
static int make_named(void) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/leat-spill-XXXXXX", spill_folder());
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) (void)sys.unlinkat(AT_FDCWD, path, 0);
    return fd;
}

void spill_open(struct spill *s) {
    if (s->fd >= 0) return;
    s->fd = sys.openat(AT_FDCWD, spill_folder(), O_TMPFILE | O_RDWR, 0600);
    if (s->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) s->fd = make_named();
    s->errnum = s->fd < 0 ? errno : 0;
}

/* Count n bytes more, if the limit allows. */
static bool take_budget(struct spill_budget *b, uint64_t n) {
    uint64_t used = atomic_load(&b->used);
    do {
        if (n > b->limit || used > b->limit - n) return false;
    } while (!atomic_compare_exchange_weak(&b->used, &used, used + n));
    used += n;
    uint64_t most = atomic_load(&b->most);
    while (used > most && !atomic_compare_exchange_weak(&b->most, &most, used)) {
    }
    return true;
}

static int write_bytes(struct spill *s, const void *p, size_t n, struct err *e) {
    char name[128];
    if (s->fd < 0 && s->errnum == 0) spill_open(s);
    if (s->fd < 0) return err_sys(e, s->errnum, "cannot make a spill file for '%s' in '%s'", s->name, spill_folder());
    (void)snprintf(name, sizeof name, "the spill file of '%s'", s->name);
    return file_pwrite_all(s->fd, p, n, (off_t)s->tail, name, e);
}

int spill_append(struct spill *s, const void *p, size_t n, struct err *e) {
    if (!take_budget(s->budget, n))
        return err_set(e, G_IO, "'%s': what waits is more than --spill-limit, %llu bytes, allows", s->name,
                       (unsigned long long)s->budget->limit);
    int g = write_bytes(s, p, n, e);
    if (g < 0) {
        atomic_fetch_sub(&s->budget->used, n);
        return g;
    }
    s->tail += n;
    s->total += n;
    return 0;
}

int spill_peek(struct spill *s, void *p, size_t n, struct err *e) {
    char name[128];
    size_t got = 0;
    if (n > spill_size(s)) return err_set(e, G_BUG, "the spill file of '%s' has less than is asked for", s->name);
    (void)snprintf(name, sizeof name, "the spill file of '%s'", s->name);
    int g = n ? file_pread(s->fd, p, n, (off_t)s->head, &got, name, e) : 0;
    if (g == 0 && got < n) return err_set(e, G_IO, "%s was cut short", name);
    return g;
}

/* Where holes cannot be punched, the space comes back when the file is empty. */
static void give_back(struct spill *s) {
    if (s->head == s->tail) {
        if (s->tail == 0 || sys.ftruncate(s->fd, 0) < 0) return;
        atomic_fetch_sub(&s->budget->used, s->tail - s->punched);
        s->head = s->tail = s->punched = 0;
        return;
    }
    uint64_t to = s->head - s->head % PUNCH_BYTES;
    if (to <= s->punched) return;
    if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)s->punched, (off_t)(to - s->punched)) != 0)
        return;
    atomic_fetch_sub(&s->budget->used, to - s->punched);
    s->punched = to;
}

void spill_skip(struct spill *s, size_t n) {
    s->head += n < spill_size(s) ? n : spill_size(s);
    give_back(s);
}

int spill_read(struct spill *s, void *p, size_t n, struct err *e) {
    int g = spill_peek(s, p, n, e);
    if (g == 0) spill_skip(s, n);
    return g;
}

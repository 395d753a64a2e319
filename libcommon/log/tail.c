/* SPDX-License-Identifier: Apache-2.0 */
/* The tail page. See tail.h. */
#include "log/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "sys/file.h"
#include "sys/sys.h"

/* leat-log(5) draws the page; this holds the compiler to it. */
_Static_assert(offsetof(struct tail, topic_id) == 16, "tail layout");
_Static_assert(offsetof(struct tail, segment) == 32, "tail layout");
_Static_assert(offsetof(struct tail, synced_offset) == 64, "tail layout");
_Static_assert(offsetof(struct tail, epoch) == 80, "tail layout");
_Static_assert(offsetof(struct tail, syncs) == 92, "tail layout");
_Static_assert(sizeof(struct tail) < 512, "allocate() must write into the first sector");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "mapped words are little-endian");

static int open_tail(int dir, bool *ret_writable) {
    *ret_writable = true;
    int fd = sys.open_beneath(dir, "tail", O_RDWR | O_CREAT, 0600);
    if (fd >= 0 || (errno != EACCES && errno != EROFS && errno != EPERM)) return fd;
    *ret_writable = false;
    return sys.open_beneath(dir, "tail", O_RDONLY, 0);
}

/* A store into a mapped hole of a full disk is a SIGBUS, so the page gets its block here, by writing what is not read
 * of it: another process may have filled the words already. */
static int allocate(int fd, struct err *e) {
    static const char unused[TAIL_BYTES - sizeof(struct tail)];
    return file_pwrite_all(fd, unused, sizeof unused, sizeof(struct tail), "tail", e);
}

int tail_map(int dir, struct tail **ret, bool *ret_writable, struct err *e) {
    int fd = open_tail(dir, ret_writable);
    if (fd < 0) return err_sys(e, errno, "cannot open 'tail'");
    struct stat st;
    int g = 0;
    if (sys.fstat(fd, &st) < 0) {
        g = err_sys(e, errno, "cannot look at 'tail'");
    } else if (st.st_size < TAIL_BYTES || st.st_blocks == 0) {
        g = *ret_writable ? allocate(fd, e) : err_sys(e, EROFS, "cannot make 'tail'");
    }
    void *p = MAP_FAILED;
    if (g == 0) {
        p = mmap(NULL, TAIL_BYTES, *ret_writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) g = err_sys(e, errno, "cannot map 'tail'");
    }
    sys.close(fd);
    if (g == 0) *ret = p;
    return g;
}

void tail_unmap(struct tail *t) {
    if (t) munmap(t, TAIL_BYTES);
}

bool tail_valid(const struct tail *t, uint64_t topic_id, uint32_t partition) {
    return memcmp(t->magic, "LEATTAIL", 8) == 0 && t->version == 1 && t->topic_id == topic_id &&
           t->partition == partition;
}

void tail_format(struct tail *t, uint64_t topic_id, uint32_t partition) {
    if (tail_valid(t, topic_id, partition)) return;
    atomic_store(&t->boot, 0);
    atomic_store(&t->state, 0);
    t->version = 1;
    t->partition = partition;
    t->topic_id = topic_id;
    atomic_thread_fence(memory_order_seq_cst); /* the magic, which makes it valid, goes last */
    memcpy(t->magic, "LEATTAIL", 8);
}

int tail_save(int dir, struct err *e) {
    int fd = sys.open_beneath(dir, "tail", O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open 'tail'");
    int g = sys.fsync(fd) < 0 ? err_sys(e, errno, "cannot sync 'tail'") : 0;
    sys.close(fd);
    return g;
}

void tail_raise(_Atomic uint64_t *word, uint64_t value) {
    uint64_t seen = atomic_load(word);
    while (seen < value && !atomic_compare_exchange_weak(word, &seen, value)) {
    }
}

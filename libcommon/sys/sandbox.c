/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock and seccomp. See sandbox.h, landlock(7) and seccomp(2). */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_FILE (LANDLOCK_ACCESS_FS_READ_FILE)
#define READ_DIR (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILE (READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define WRITE_DIR                                                                                                      \
    (READ_DIR | WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER)
/* Everything that version 2 of the interface knows is denied unless a rule allows it. */
#define HANDLED                                                                                                        \
    (WRITE_DIR | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |            \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static void allow(int rules, const struct sandbox_path *p) {
    struct stat st;
    int fd = open(p->path, O_PATH | O_CLOEXEC);
    if (fd < 0) return;
    bool is_dir = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    struct landlock_path_beneath_attr attr = {
        .allowed_access = p->write ? (is_dir ? WRITE_DIR : WRITE_FILE) : (is_dir ? READ_DIR : READ_FILE),
        .parent_fd = fd,
    };
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
    close(fd);
}

/* What finding a host by its name and trusting it takes. */
static void allow_network(int rules) {
    static const char *const paths[] = {"/etc",
                                        "/lib",
                                        "/lib64",
                                        "/usr/lib",
                                        "/usr/lib64",
                                        "/usr/share",
                                        "/usr/local",
                                        "/run/systemd/resolve",
                                        "/run/resolvconf",
                                        "/run/nscd",
                                        "/dev/urandom"};
    static const char *const variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        allow(rules, &(const struct sandbox_path){.path = paths[i]});
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *path = getenv(variables[i]);
        if (path && *path) allow(rules, &(const struct sandbox_path){.path = path});
    }
}

/* Version 1 cannot allow renames between directories, which a log needs: then there is no file rule at all. */
static bool restrict_paths(const struct sandbox_path *paths, size_t n, bool network) {
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 2) return false;
    struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0) return false;
    for (size_t i = 0; i < n; i++) allow(rules, &paths[i]);
    if (network) allow_network(rules);
    bool done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return done;
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#define DENY(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, REFUSED)
#define REFUSED (SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))

static bool restrict_calls(bool network) {
#ifdef OUR_ARCH
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, REFUSED),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        DENY(execve),
        DENY(execveat),
        DENY(ptrace),
        DENY(process_vm_readv),
        DENY(process_vm_writev),
        DENY(mount),
        DENY(unshare),
        DENY(setns),
        DENY(keyctl),
        DENY(bpf),
        DENY(io_uring_setup),
        BPF_STMT(BPF_JMP | BPF_JA, network ? 6 : 0), /* over the next three */
        DENY(socket),
        DENY(connect),
        DENY(bind),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
    (void)network;
    return false;
#endif
}

static bool wanted(void) {
#if defined(__SANITIZE_ADDRESS__)
    return false; /* the leak checker needs ptrace */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return false;
#endif
#endif
    const char *off = getenv("LEAT_SANDBOX");
    return !off || strcmp(off, "off") != 0;
}

static enum sandbox_state enter(const struct sandbox_path *paths, size_t n, bool network) {
    if (!wanted()) return SANDBOX_OFF;
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* records may be secret; a core file keeps them */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return SANDBOX_OFF;
    bool files = restrict_paths(paths, n, network), calls = restrict_calls(network);
    return files && calls ? SANDBOX_ON : files || calls ? SANDBOX_PARTLY : SANDBOX_OFF;
}

enum sandbox_state sandbox_enter(const struct sandbox_path *paths, size_t n) {
    return enter(paths, n, false);
}

enum sandbox_state sandbox_enter_network(void) {
    return enter(NULL, 0, true);
}

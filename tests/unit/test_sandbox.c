/* SPDX-License-Identifier: Apache-2.0 */
/* What a tool can still do once it is in its sandbox. Each case in a process of its own: there is no way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "sys/sandbox.h"

static char inside[SCRATCH_MAX], outside[SCRATCH_MAX];
static bool network;

/* Bits of what a sandboxed process managed to do. */
enum feat { READ_INSIDE = 1, WRITE_INSIDE = 2, READ_OUTSIDE = 4, EXEC = 8, SOCKET = 16, CORE = 32, NOT_ON = 64 };

static int try_all(void) {
    struct sandbox_path paths[] = {{inside, true}, {"/nowhere/at/all", false}};
    char name[SCRATCH_MAX + 16];
    struct rlimit core;
    int feats = 0;
    if ((network ? sandbox_enter_network() : sandbox_enter(paths, 2)) != SANDBOX_ON) return NOT_ON;
    if (open(inside, O_RDONLY) >= 0) feats |= READ_INSIDE;
    (void)snprintf(name, sizeof name, "%s/new", inside);
    if (open(name, O_WRONLY | O_CREAT, 0600) >= 0 && unlink(name) == 0) feats |= WRITE_INSIDE;
    (void)snprintf(name, sizeof name, "%s/secret", outside);
    if (open(name, O_RDONLY) >= 0) feats |= READ_OUTSIDE;
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0) feats |= SOCKET;
    if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur != 0) feats |= CORE;
    execl("/bin/true", "true", (char *)NULL);
    if (errno != EPERM && errno != EACCES) feats |= EXEC;
    return feats;
}

static int in_child(void) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) _exit(try_all());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_only_the_named_paths_and_no_programs(void **state) {
    (void)state;
    assert_int_equal(unsetenv("LEAT_SANDBOX"), 0);
    int feats = in_child();
    if (feats == NOT_ON) return; /* sanitizers, or a kernel without landlock or seccomp: it says so and goes on */
    assert_int_equal(feats, READ_INSIDE | WRITE_INSIDE);
}

static void test_a_thread_that_talks_to_a_server_keeps_sockets_only(void **state) {
    (void)state;
    assert_int_equal(unsetenv("LEAT_SANDBOX"), 0);
    network = true;
    int feats = in_child();
    network = false;
    if (feats == NOT_ON) return;
    assert_int_equal(feats, SOCKET);
}

static void test_off_leaves_everything(void **state) {
    (void)state;
    assert_int_equal(setenv("LEAT_SANDBOX", "off", 1), 0);
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_path paths[] = {{inside, true}};
        int got = (int)sandbox_enter(paths, 1), fd = open(outside, O_RDONLY);
        _exit(got == SANDBOX_OFF && fd >= 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_named_paths_and_no_programs),
        cmocka_unit_test(test_a_thread_that_talks_to_a_server_keeps_sockets_only),
        cmocka_unit_test(test_off_leaves_everything),
    };
    char name[SCRATCH_MAX + 16];
    scratch_name(inside, "sandbox-in");
    scratch_name(outside, "sandbox-out");
    if (!mkdtemp(inside) || !mkdtemp(outside)) return 1;
    (void)snprintf(name, sizeof name, "%s/secret", outside);
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(name);
    rmdir(outside);
    rmdir(inside);
    return failed;
}

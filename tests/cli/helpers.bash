# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # status, output and stderr are set by run
# Loaded by every bats file (`load helpers`, or `load ../cli/helpers`). Puts the build first in PATH, gives each test a
# log of its own, and keeps the user's settings out. LEAT_BUILD names the build folder (default: build).
bats_require_minimum_version 1.5.0

LEAT_SOURCE=${LEAT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
LEAT_BUILD=${LEAT_BUILD:-$LEAT_SOURCE/build}
export LEAT_SOURCE LEAT_BUILD
export PATH="$LEAT_BUILD:$PATH" LC_ALL=C TZ=UTC
unset LEAT_LIBEXEC XDG_DATA_HOME NO_COLOR
if [[ -n ${BATS_TEST_TMPDIR:-} ]]; then
    export LEAT_DIR="$BATS_TEST_TMPDIR/log" HOME="$BATS_TEST_TMPDIR"
fi

# Run a command, keep $status, $output (stdout) and $stderr apart, and require the exit code.
#     exits 2 leat consume --no-such-option
exits() {
    local want=$1
    shift
    run --separate-stderr "$@"
    [[ $status -eq $want ]] && return 0
    echo "exit code $status instead of $want: $*"
    echo "stdout: $output"
    echo "stderr: $stderr"
    return 1
}

# Compare exactly, and show both when they differ.
#     equals "$output" "one"
equals() {
    [[ $1 == "$2" ]] && return 0
    printf 'got:    %s\nwanted: %s\n' "$1" "$2"
    return 1
}

# Does the first text contain the second?
contains() {
    [[ $1 == *"$2"* ]] && return 0
    printf 'got:              %s\nwanted it to have: %s\n' "$1" "$2"
    return 1
}

# Wait, up to ten seconds, until a command succeeds.
#     until_true test -s out
until_true() {
    local i
    for ((i = 0; i < 200; i++)); do
        "$@" && return 0
        sleep 0.05
    done
    echo "still not true after ten seconds: $*"
    return 1
}

# Run a shell command on a pseudo-terminal; what the terminal got is in $output, line ends as the terminal has them.
on_terminal() {
    run script -qec "$1" /dev/null
}

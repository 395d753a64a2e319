# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What the tests of produce and consume share: short forms of a topic's records, the independent decoder, and ways to
# cut, bend and time things.

# Each record as "partition@offset key=value" (%-escapes of -f), in the order of its partition.
short() {
    leat consume "$1" -e -f '%p@%o %k=%s\n' "${@:2}"
}

# Values alone, one a line.
values() {
    leat consume "$1" -e -f '%s\n' "${@:2}"
}

# The records of a stream on stdin as the decoder in Python sees them, without what differs from topic to topic. Fails
# as the decoder grades the end of the stream.
decode() {
    python3 -B "$LEAT_SOURCE/tests/golden/decode.py" - |
        sed -E 's/"topic_id":"[0-9a-f]*",//; s/"partition":[0-9]*,//; s/"epoch":[0-9]*,//'
    return "${PIPESTATUS[0]}"
}

# Envelopes of a topic without its name, partition and offset.
envelopes() {
    leat consume "$1" -e -J "${@:2}" | sed -E 's/^\{"topic":"[^"]*","partition":[0-9]*,"offset":[0-9]*,//'
}

# A topic with settings: make_topic NAME PARTITIONS [SETTING=VALUE]...
make_topic() {
    "$LEAT_BUILD/tests/cli/topic_make" "$@"
}

# KiB of memory that a command had at most; its own output goes to stderr.
peak_kib() {
    python3 -c 'import os, resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=2)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)' "$@"
}

now_ms() {
    echo $((${EPOCHREALTIME/./} / 1000))
}

# Are there exactly so many lines in the file?
has_lines() {
    (($(wc -l <"$1") == $2))
}

# Tests that take seconds run with `make test` and not with `make check`.
long() {
    [[ -n ${LEAT_TEST_LONG:-} ]] || skip "takes long: make test runs it"
}

# Wait for a background job and keep its exit code in $status.
reap() {
    status=0
    wait "$1" || status=$?
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# leat sink-tsdb: what a review found, each by what went wrong.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset INFLUX_TOKEN INFLUX_USERNAME INFLUX_PASSWORD http_proxy
    server_pid=
}

teardown() {
    [[ -z $server_pid ]] || kill -9 "$server_pid" 2>/dev/null || true
}

# A scripted server with these steps: $url.
server() {
    python3 -B "$LEAT_SOURCE/tests/cli/http_server.py" "$@" >server.log 2>&1 &
    server_pid=$!
    disown
    until_true test -s port
    url=influx://127.0.0.1:$(<port)/db
}

@test "one refused point of a batch made others, which were in order within the whole, come too late" {
    server "bad=v=4i "
    printf '{"v":%s,"t":%s}\n' 10 10 4 4 5 5 7 7 6 7 >in.json
    exits 0 leat sink-tsdb "$url" --measurement m --time .t --fields v --dead-letter ./letters.leat in.json
    equals "$(<accepted)" $'m v=5i 5000000000\nm v=7i 7000000000\nm v=6i 7000000000\nm v=10i 10000000000'
    equals "$(leat show -j letters.leat)" '{"v":4,"t":4}'
}

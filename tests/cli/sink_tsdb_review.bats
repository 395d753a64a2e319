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
    server "bad=v=4 "
    printf '{"v":%s,"t":%s}\n' 10 10 4 4 5 5 7 7 6 7 >in.json
    exits 0 leat sink-tsdb "$url" --measurement m --time .t --fields v --real all --dead-letter ./letters.leat in.json
    equals "$(<accepted)" $'m v=5 5000000000\nm v=7 7000000000\nm v=6 7000000000\nm v=10 10000000000'
    equals "$(leat show -j letters.leat)" '{"v":4,"t":4}'
}

@test "an openmetrics file was replaced by what came before the input was cut off" {
    echo before >m.prom
    leat gen clicks -c 20000 --seed 3 | head -c 500000 >cut.leat
    exits 5 leat sink-tsdb openmetrics:m.prom --flush 1h --tags country --fields latency_ms --stats cut.leat
    contains "$stderr" " 0 accepted"
    equals "$(<m.prom)" before
}

@test "a name that is longer than ClickHouse's names of files made a table that took nothing any more" {
    printf '{"t":1,"%081d":1}\n{"t":1,"%0241d":1}\n' 1 1 >in.json
    exits 0 leat sink-tsdb --dry-run --create clickhouse://localhost/db.t --time .t --on-error skip in.json
    contains "$stderr" "'in.json:2' skipped: '000000"
    contains "$stderr" "is too long for the name of a column in ClickHouse"
    contains "$output" "$(printf "%081d" 1)"
    # Others than letters and digits take three bytes of it.
    exits 3 leat sink-tsdb --dry-run --create clickhouse://localhost/db.t --time .t \
        < <(sed -n 1p in.json | sed 's/0/-/g')
}

# A start block of pipeline p that goes on at a checkpoint, one record, a barrier behind it, the end.
goes_on() { # checkpoint or null, barrier
    python3 -B - "$LEAT_SOURCE" "$1" "$2" <<'END'
import json, sys
sys.path.insert(0, sys.argv[1] + '/tests/golden')
from encode import RUN, Record, control, data, end
row = data([Record(value=b'{"n":1}', time=1704067200 * 10**9)])
sys.stdout.buffer.write(control('start', run=RUN, pipeline='p', restore=json.loads(sys.argv[2]), history=[]) + row +
                        control('barrier', checkpoint=int(sys.argv[3])) + end([row], 0))
END
}

@test "a database that had nothing of a pipeline let it go on at a later checkpoint, without what was before" {
    goes_on 7 8 >later.leat
    exits 2 leat sink-tsdb sqlite:m.db later.leat
    contains "$stderr" "pipeline 'p' goes on at checkpoint 7, and 'sqlite:m.db' has none of it: records before would be missing"
    # Known by name since then, and still with nothing.
    exits 2 leat sink-tsdb sqlite:m.db later.leat
    goes_on null 1 >first.leat
    exits 0 leat sink-tsdb sqlite:m.db first.leat
    # Those that keep no checkpoint cannot know.
    exits 0 leat sink-tsdb lines:- later.leat
}

@test "a database that was deleted meanwhile took everything, with exit status 0, and was nowhere" {
    mkfifo in
    leat sink-tsdb sqlite:m.db --flush 50ms --time .t <in 2>words &
    server_pid=$!
    exec 7>in
    echo '{"t":1,"n":1}' >&7
    has_one() { [[ $(sqlite3 m.db 'SELECT count(*) FROM metrics' 2>/dev/null) == 1 ]]; }
    until_true has_one
    rm m.db*
    echo '{"t":2,"n":2}' >&7
    exec 7>&-
    status=0
    wait "$server_pid" || status=$?
    equals "$status" 4
    equals "$(<words)" "leat sink-tsdb: 'm.db' was deleted or moved"
}

@test "names that SQLite has a meaning of its own for were no files" {
    for file in :memory: file:x.db; do
        exits 0 leat sink-tsdb "sqlite:$file" --time .t <<<'{"t":1,"n":1}'
        [[ -f $file ]]
    done
}

@test "an integer beyond 2^53 was said to be equal to no real, though it was" {
    exits 0 leat sink-tsdb lines:- --real all --time .t \
        <<<'{"t":1,"a":1152921504606846976,"b":-9223372036854775808,"c":9223372036854775808}'
    equals "$output" 'metrics a=1.152921504606847e+18,b=-9.223372036854776e+18,c=9.223372036854776e+18 1000000000'
    for n in 9007199254740993 9223372036854775807 18446744073709551615; do
        exits 3 leat sink-tsdb lines:- --real all --time .t <<<"{\"t\":1,\"a\":$n}"
        contains "$stderr" "field 'a' is an integer that no real is equal to"
    done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real records from $LEAT_DATA (make data): into topics, shared by groups, and out again.

load ../cli/helpers
load ../cli/records

setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
}

# A test that failed leaves nobody behind: bats would wait for them.
teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

records_seen() {
    (($(cat "$@" 2>/dev/null | wc -l) >= wanted))
}

distinct_seen() {
    (($(cut -f1 "$@" | sort -u | wc -l) == wanted))
}

@test "apache-logs: 4 partitions by .ip, three members, one killed half-way: exactly 9,999 distinct records" {
    local all=$LEAT_DATA/apache-logs.ndjson pids=() i wanted
    leat produce apache --partitions 4 </dev/null
    # Members first, each with a reader that takes its time, so that half-way is somewhere.
    for i in a b c; do
        mkfifo "pipe.$i"
        leat consume apache -G g -f '%p@%o\t%s\n' >"pipe.$i" 2>"err.$i" &
        pids+=($!)
        python3 -c 'import sys, time
source, sink = open(sys.argv[1], "rb", 0), open(sys.argv[2], "wb", 0)
while data := source.read(8192):
    sink.write(data)
    time.sleep(0.002)' "pipe.$i" "$i" &
    done
    sleep 0.5
    leat produce apache --key .ip --time .time --ack "$all" >acks
    equals "$(sort -u acks | wc -l)" 9999
    wanted=5000
    until_true records_seen a b c
    kill -9 "${pids[1]}"
    for i in a b c; do [[ -s $i ]] || { echo "member $i had nothing"; return 1; }; done
    (($(cat a b c | wc -l) < 9999)) || { echo "all was read before the kill"; return 1; }
    wanted=9999
    until_true distinct_seen a b c
    sleep 1.2
    kill "${pids[0]}" "${pids[2]}"
    wait "${pids[0]}"
    wait "${pids[2]}"
    # Whole records only: the killed one may have been cut in its last line.
    cat a b c | grep -P '^\d+@\d+\t\{.*\}$' >seen
    equals "$(cut -f1 seen | sort -u | wc -l)" 9999
    equals "$(sort -u seen | cut -f2 | sort | sha256sum)" "$(sort "$all" | sha256sum)"
    # The group is at the end, and each key was in one partition.
    equals "$(leat consume apache -G g -e -f '%o ')" ""
    equals "$(leat consume apache -e -f '%k %p\n' | sort -u | cut -d' ' -f1 | uniq -d)" ""
    equals "$(leat consume apache -e -f '%k\n' | sort -u | wc -l)" 1753
}

@test "apache-logs: times are those of the field, and a range of time gives exactly the records from its first on" {
    leat produce t --time .time "$LEAT_DATA/apache-logs.ndjson"
    leat consume t -e -f '%T %s\n' >got
    python3 - <<'END'
import json
with open('got') as lines:
    for line in lines:
        ms, _, value = line.partition(' ')
        assert int(ms) == json.loads(value)['ts'], line
END
    local first
    first=$(leat consume t -e -o @2015-05-18 -c 1 -f %o)
    equals "$first" "$(awk -v at="$(date -ud 2015-05-18 +%s)000" '$1 >= at { print NR - 1; exit }' got)"
}

@test "every data set goes in and comes out the same, as JSON lines, blocks and envelope" {
    local file name
    for file in "$LEAT_DATA"/*.ndjson "$LEAT_DATA"/nexmark/*.ndjson; do
        name=$(basename "$file" .ndjson)
        exits 0 leat produce "$name" "$file"
        leat consume "$name" -e -j | cmp - "$file"
        leat consume "$name" -e | leat produce "$name.blocks"
        leat consume "$name.blocks" -e -j | cmp - "$file"
        leat consume "$name" -e -J | leat produce "$name.envelopes" -J
        leat consume "$name.envelopes" -e -j | cmp - "$file"
    done
    for file in "$LEAT_DATA"/*.ndjson.zst; do
        name=$(basename "$file" .ndjson.zst)
        zstd -dcq "$file" >plain
        leat produce "$name" --time .ts plain
        leat consume "$name" -e -j | cmp - plain
    done
}

@test "apache-logs.txt is lines, all 10,000 of them" {
    leat produce t -i lines "$LEAT_DATA/apache-logs.txt"
    leat consume t -e -O lines | cmp - "$LEAT_DATA/apache-logs.txt"
    equals "$(leat consume t -e -f '%o\n' | wc -l)" 10000
}

@test "apache-logs.txt is an access log: the 9,999 records that were read of it without leat, and their windows" {
    local log=$LEAT_DATA/apache-logs.txt delay
    local window=(leat window --tumble 10s -g .status '{n: count, sum: sum(.bytes)}' -j --on-error skip --quiet)
    exits 3 leat filter --count true "$log"
    contains "$stderr" "apache-logs.txt:8899': not a line of an access log: no end of the quoted agent at byte 110"
    leat filter true --on-error skip --quiet -j "$log" >got
    python3 - "$LEAT_DATA/apache-logs.ndjson" <<'END'
import json, sys
names = {'client': 'ip', 'user': 'user', 'time': 'time', 'method': 'method', 'url': 'path', 'protocol': 'proto',
         'status': 'status', 'bytes': 'bytes', 'referer': 'referer', 'agent': 'ua'}
with open('got') as got, open(sys.argv[1]) as wanted:
    for line, other in zip(got, wanted, strict=True):
        record = {name: json.loads(other)[its] for name, its in names.items()}
        if record['agent'] == '-':
            record['agent'] = None
        assert list(json.loads(line).items()) == list(record.items()), (line, other)
END
    equals "$(wc -l <got)" 9999
    for delay in 0s 30s 59s; do
        "${window[@]}" --out-of-order "$delay" "$log" >windows
        "${window[@]}" --out-of-order "$delay" --time .time "$LEAT_DATA/apache-logs.ndjson" | cmp - windows
    done
    equals "$(jq -r .window_start windows | uniq | wc -l) $(jq -s 'map(.n) | add' windows)" "504 9999"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Windows over the real records of $LEAT_DATA (make data), against numbers that were counted there without leat.

load ../cli/helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
}

# One line of the table: delay, late records, windows that are not empty. The set is $file, $time, $size and $records.
#     row 10s 6488 301
row() {
    local late
    exits 0 leat window --tumble "$size" --time "$time" --out-of-order "$1" '{n: count}' -j "$file" --stats=json
    late=$(sed -n 's/.*"late":\([0-9]*\).*/\1/p' <<<"$stderr")
    equals "delay $1: $late late, $(wc -l <<<"$output") windows" "delay $1: $2 late, $3 windows"
    equals "$(($(jq -s 'map(.n) | add' <<<"$output") + late))" "$records"
    [[ $2 -eq 0 ]] || contains "$stderr" "leat window: warning: $2 late records were left out"
}

dns() {
    zstd -dcq "$LEAT_DATA/zeek-dns.ndjson.zst" >dns.ndjson
}

@test "apache-logs, 10 s: 8,143, 6,488, 3,135 and 0 late; 504 windows" {
    local file=$LEAT_DATA/apache-logs.ndjson time=.time size=10s records=9999
    row 0s 8143 230
    row 10s 6488 301
    row 30s 3135 427
    row 59s 0 504
}

@test "zeek dns, 10 s: 9,329, 5,845, 1,396, 120 and 0 late; 128 windows" {
    dns
    local file=dns.ndjson time=.ts size=10s records=53615
    row 0s 9329 128
    row 10s 5845 128
    row 60s 1396 128
    row 135s 120 128
    row 671s 0 128
}

@test "flights by arrival, 1 h: 4,120, 2,131, 531, 67 and 0 late; 1,784 windows" {
    local file=$LEAT_DATA/flights-by-arrival.ndjson time=.ts size=1h records=20000
    row 0s 4120 1766
    row 900s 2131 1776
    row 3600s 531 1783
    row 9000s 67 1783
    row 29460s 0 1784
}

@test "earthquakes by update, 1 h: 1,160, 311 and 0 late; 169 windows" {
    local file=$LEAT_DATA/earthquakes-by-update.ndjson time=.time size=1h records=1707
    row 0s 1160 159
    row 1d 311 168
    row 575378s 0 169
}

@test "late records go to --late whole, and with --grace into their windows" {
    exits 0 leat window --tumble 1h --time .ts --out-of-order 3600s '{n: count}' -j --late ./late.leat \
        "$LEAT_DATA/flights-by-arrival.ndjson"
    equals "$stderr" ""
    leat show -j late.leat >late.json
    equals "$(wc -l <late.json)" 531
    equals "$(sort late.json <(sort -u "$LEAT_DATA/flights-by-arrival.ndjson") | uniq -d | sort -u | wc -l)" \
        "$(sort -u late.json | wc -l)"
    leat window --tumble 1h --time .ts --out-of-order 3600s --grace 25860s '{n: count}' -j \
        "$LEAT_DATA/flights-by-arrival.ndjson" >graced
    leat window --tumble 1h --time .ts --out-of-order 29460s '{n: count}' -j \
        "$LEAT_DATA/flights-by-arrival.ndjson" >waited
    # 531 records were late, so there are as many corrections, and the last word on each window is the whole one.
    equals "$(jq -s 'map(select(.emit)) | length' graced)" 531
    jq -cs 'group_by(.window_start)[] | max_by(.n) | del(.emit)' graced >last
    cmp last waited
}

@test "apache-logs, sessions of 30 min by .ip: 3,052, the largest has 108" {
    exits 0 leat window --session 30m --time .time --out-of-order 59s -g .ip '{n: count}' -j \
        "$LEAT_DATA/apache-logs.ndjson"
    equals "$stderr" ""
    equals "$(jq -sc '[length, (map(.n) | max, add)]' <<<"$output")" "[3052,108,9999]"
    # In event-time order there is nothing to wait for.
    local sorted
    jq -cs 'sort_by(.ts)[]' "$LEAT_DATA/apache-logs.ndjson" >sorted.json
    sorted=$(leat window --session 30m --time .time -g .ip '{n: count}' -j sorted.json)
    equals "$(sort <<<"$sorted")" "$(sort <<<"$output")"
}

@test "zeek dns, sessions of 30 s by .[\"id.orig_h\"]: 516" {
    dns
    exits 0 leat window --session 30s --time .ts --out-of-order 671s -g '{host: .["id.orig_h"]}' '{n: count}' -j \
        dns.ndjson
    equals "$stderr" ""
    equals "$(jq -sc '[length, (map(.n) | add)]' <<<"$output")" "[516,53615]"
}

@test "the same windows from a topic of 4 partitions, from blocks, and in three runs with --state" {
    local all=$LEAT_DATA/apache-logs.ndjson program='{n: count, ips: distinct(.ip), bytes: sum(.bytes),
        p90: p90(.bytes), ok: count(.status < 400), top: topk(2; .path)}'
    leat window --tumble 10s --time .time --out-of-order 59s "$program" -j "$all" >want
    equals "$(wc -l <want)" 504
    leat produce apache --partitions 4 --key .ip --time .time "$all"
    # A partition is a source of its own: each is in order within 59 s.
    leat consume apache -e | leat window --tumble 10s --out-of-order 59s "$program" -j | cmp - want
    leat show -O leat "$all" | leat window --tumble 10s --time .time --out-of-order 59s "$program" -j | cmp - want
    {
        head -n 3000 "$all" | leat window --tumble 10s --time .time --out-of-order 59s --state s "$program" -j
        sed -n 3001,7000p "$all" | leat window --tumble 10s --time .time --out-of-order 59s --state s "$program" -j
        tail -n +7001 "$all" | leat window --tumble 10s --time .time --out-of-order 59s --state s --drain "$program" -j
    } | cmp - want
}

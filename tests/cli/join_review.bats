#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat join --with at its edges: inputs that are idle and come back, what is told downstream while results are out of
# order, times that are centuries apart, answers that an older record of the right side gives.

load helpers
load pairs

setup() {
    cd "$BATS_TEST_TMPDIR"
    make_sides
}

teardown() {
    local job
    for job in $(jobs -p); do kill -9 "$job" 2>/dev/null || true; done
}

# Lines {"t":…,"k":…,NAME:n} of "t,k" words.
#     rows l 10,a 11,b
rows() {
    local name=$1 n=0 word
    for word in "${@:2}"; do echo "{\"t\":${word%,*},\"k\":\"${word#*,}\",\"$name\":$((++n))}"; done
}

lines_are() {
    [[ $(wc -l <"$1") -eq $2 ]]
}

@test "nearest: a version that comes behind the record, and is earlier, decides it as soon as nothing nearer can come" {
    rows l 80,z 100,a 100,b 1001,z >l.json
    rows r 90,z 99,a 1000,z >r.json
    nearest=(--on .k --as-of --direction nearest --out-of-order 50s --time .t --state s -j)
    exits 0 leat join --with ./r.json "${nearest[@]}" l.json
    equals "$output" '{"t":80,"k":"z","l":1,"r":1}
{"t":100,"k":"a","l":2,"r":2}'
    exits 0 leat join --with /dev/null "${nearest[@]}" --drain /dev/null
    equals "$output" '{"t":1001,"k":"z","l":4,"r":3}'
}

@test "without a tolerance a partner may be any time away" {
    rows l -9000000000,a >l.json
    rows r 9000000000,a >r.json
    for direction in forward nearest; do
        pairs --as-of --direction "$direction"
        equals "$output" "1-1"
        pairs --as-of --direction "$direction" --tolerance 100000d --left
        equals "$output" "1-"
    done
    exits 0 leat join --with ./l.json --on .k --as-of --time .t -j r.json
    equals "$output" '{"t":9000000000,"k":"a","r":1,"l":1}'
}

@test "results that are out of order are not late downstream, from the first one on" {
    rows l 10,a 9,b 8,c >l.json
    rows r 10,a 9,b 8,c >r.json
    leat join --with ./r.json --on .k --within 0s --out-of-order 5s --time .t -O leat l.json >out.leat
    exits 0 leat window --tumble 1s '{n: count}' -j out.leat
    equals "${#lines[@]} $stderr" "3 "
}

@test "downstream hears nothing that records which wait for ever do not keep" {
    {
        rows l 1700000020,a 1700000015,a
        seq -f '{"t":17%08.0f,"k":"x"}' 40 5040
    } >l.json
    seq -f '{"t":17%08.0f,"k":"y"}' 40 5040 >r.json
    leat join --with ./r.json --on .k --after 106000d --left --out-of-order 10s --time .t -O leat l.json >out.leat
    exits 0 leat window --tumble 1s '{n: count}' -j out.leat
    equals "$stderr" ""
}

@test "a record of an idle side is late where event time went on without it" {
    mkfifo p
    exec 8<>p
    rows r {1..20},a >r.json
    leat join --with ./r.json --on .k --within 0s --left --idle-timeout 200ms --time .t --late ./late.leat -j p \
        >out 3>&- 8>&- &
    rows l 1,a >&8
    until_true lines_are out 1
    sleep 0.6
    printf '{"t":%d,"k":"a"}\n' 2 30 >&8
    exec 8>&-
    wait
    equals "$(cat out)" '{"t":1,"k":"a","l":1,"r":1}
{"t":30,"k":"a"}'
    exits 0 leat show -j late.leat
    equals "$output" '{"t":2,"k":"a"}'
}

@test "an input that has ended does not end its side for one that is idle" {
    mkfifo p
    exec 8<>p
    rows l 1,a >done.json
    rows r 1,a 20,a >r.json
    leat join --with ./r.json --on .k --within 0s --outer --idle-timeout 200ms --time .t -j p done.json \
        >out 3>&- 8>&- &
    rows l 2,b >&8
    until_true lines_are out 2
    sleep 0.6
    rows l 20,a 21,b >&8
    exec 8>&-
    wait
    equals "$(cat out)" '{"t":1,"k":"a","l":1,"r":1}
{"t":2,"k":"b","l":1}
{"t":20,"k":"a","l":1,"r":2}
{"t":21,"k":"b","l":2}'
}

@test "a table none of whose rows has a key is told of" {
    printf 'ip,name\n1,a\n' >names.csv
    printf '{"client":"1"}\n' >c.json
    exits 0 leat join --table names.csv --on .client c.json -j
    equals "$stderr" "leat join: warning: no record has a partner: no row of table 'names.csv' has a key (--on-table says where rows have theirs)"
    exits 0 leat join --table names.csv --on .client --on-table '.ip | tostring' c.json -j
    equals "$stderr$output" '{"client":"1","ip":1,"name":"a"}'
    exits 0 leat join --table names.csv --on .other c.json -j # records have none either: nothing to say of the table
    equals "$stderr" ""
}

@test "keys that only look alike are told of, as with a table" {
    echo '{"t":1,"k":"1"}' >r.json
    echo '{"t":1,"k":1}' >l.json
    for form in '--within 1s' '--tumble 1s' --as-of '--within 1s --anti'; do
        # shellcheck disable=SC2086 # several words
        exits 0 leat join --with ./r.json --on .k $form --time .t -j l.json
        contains "$stderr" "keys of the right side are strings, those of the records are numbers"
        # shellcheck disable=SC2086
        exits 0 leat join --with ./r.json --on '.k | tostring' $form --time .t -j l.json
        equals "$stderr" ""
    done
}

@test "--anti passes what is no object, in windows as well" {
    echo '[5,"x"]' >l.json
    arrays=(--on '.[0]' --on-right .k --tumble 1s --time '.[0]' --time-right .t -j)
    exits 0 leat join --with ./r.json "${arrays[@]}" --anti l.json
    equals "$output" '[5,"x"]'
    exits 3 leat join --with ./r.json "${arrays[@]}" --left l.json
    contains "$stderr" "l.json:1"
}

@test "expressions of jq's engine serve several inputs at once" {
    for i in 1 2 3; do
        seq 0 2999 | awk '{printf "{\"t\":%d,\"k\":\"a%d\"}\n", $1, $1 % 50}' >"l$i.json"
    done
    seq 0 2999 | awk '{printf "{\"t\":%d,\"k\":\"a%d\",\"r\":%d}\n", $1, $1 % 50, $1}' >r.json
    exits 0 leat join --with ./r.json --on .k --within 0s --time .t -j l1.json l2.json l3.json
    equals "$(wc -l <<<"$output")" 9000
    native=$output
    exits 0 leat join --with ./r.json --on .k --engine jq --within 0s --time .t -j l1.json l2.json l3.json
    equals "$output" "$native"
}

# Whatever blocks the records come in, no memory is taken before their turn.
@test "keys that are expected take nothing of --max-state" {
    key=$(head -c 20000 /dev/zero | tr '\0' k)
    for side in l r; do
        seq 1 50 | awk -v k="$key" '{printf "{\"t\":%d,\"k\":\"%s%d\"}\n", 10 * $1, k, $1}' |
            leat filter true --time .t >"$side.leat"
    done
    for form in '--as-of --tolerance 0s' '--as-of --direction forward --tolerance 0s' '--within 0s'; do
        # shellcheck disable=SC2086 # several words
        leat join --with ./r.leat --on .k $form --max-state 256KiB -j l.leat >out
        lines_are out 50
    done
}

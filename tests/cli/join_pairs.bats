#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat join --with: two streams, by intervals, by windows and as of a time; what is late, when results come, and that
# the answer depends on nothing but the records. join_pairs_reference.py has random cases against a nested loop.

load helpers
load records
load windows
load pairs

setup() {
    cd "$BATS_TEST_TMPDIR"
    export TMPDIR="$BATS_TEST_TMPDIR"
    make_sides
}

teardown() {
    local job
    for job in $(jobs -p); do kill -9 "$job" 2>/dev/null || true; done
}

# ---- intervals ------------------------------------------------------------------------------------------------------

@test "--within: each pair once, both ends inclusive, in the order of the later record" {
    pairs --within 5s
    equals "$output" "1-1 1-2 2-3 3-4"
    equals "$stderr" ""
    pairs --within 4999ms
    equals "$output" "1-1 2-3 3-4"
    pairs --within 4s
    equals "$output" "1-1 2-3 3-4"
    pairs --within 3999999999ns
    equals "$output" "1-1 2-3"
    pairs --within 1h
    equals "$(wc -w <<<"$output")" 7
    pairs --within 0s
    equals "$output" "2-3"
    exits 0 leat join --with ./r.json --on .k --within 2s --time .t -j l.json
    equals "$output" '{"t":10,"k":"a","l":1,"r":1}
{"t":20,"k":"b","l":2,"r":3}'
}

@test "--before and --after: what is not given is 0" {
    pairs --after 2s
    equals "$output" "1-1 2-3"
    pairs --before 4s
    equals "$output" "2-3 3-4"
    pairs --before 15s --after 5s
    equals "$output" "1-1 1-2 2-3 3-2 3-4"
    pairs --before 0s
    equals "$output" "2-3"
}

@test "--left, --right, --outer and --anti: who had no partner comes when none can come any more" {
    pairs --within 2s --left
    equals "$output" "1-1 2-3 3- 4-"
    pairs --within 2s --right
    equals "$(tr ' ' '\n' <<<"$output" | sort | paste -sd' ')" "-2 -4 -5 1-1 2-3"
    pairs --within 2s --outer
    equals "$(tr ' ' '\n' <<<"$output" | sort | paste -sd' ')" "-2 -4 -5 1-1 2-3 3- 4-"
    pairs --within 2s --left --right
    equals "$(tr ' ' '\n' <<<"$output" | sort | paste -sd' ')" "-2 -4 -5 1-1 2-3 3- 4-"
    exits 0 leat join --with ./r.json --on .k --within 2s --anti --time .t -j l.json
    equals "$output" "$(tail -n 2 l.json)"
}

@test "--unmatched takes left records without a partner, whole, to a file and to a topic; with --right, too" {
    pairs --within 2s --unmatched ./none.leat --right
    equals "$(tr ' ' '\n' <<<"$output" | sort | paste -sd' ')" "-2 -4 -5 1-1 2-3"
    exits 0 leat show -j none.leat
    equals "$output" "$(tail -n 2 l.json)"
    pairs --tumble 5s --unmatched none
    exits 0 leat consume none -e -f '%T %s\n'
    equals "$output" '30000 {"t":30,"k":"a","l":3}
40000 {"t":40,"k":"c","l":4}'
}

@test "results are as of a table: --as and --prefix, and a right record alone has the names that it would have had" {
    exits 0 leat join --with ./r.json --on .k --within 2s --time .t -j --as k l.json
    equals "${lines[0]}" '{"t":10,"k":{"t":12,"k":"a","r":1},"l":1}'
    exits 0 leat join --with ./r.json --on .k --within 2s --time .t -j --prefix r_ --right l.json
    equals "$(grep l <<<"$output")" '{"t":10,"k":"a","l":1,"r_t":12,"r_k":"a","r_r":1}
{"t":20,"k":"b","l":2,"r_t":20,"r_k":"b","r_r":3}'
    equals "$(grep '"r_r":5' <<<"$output")" '{"r_t":35,"r_k":"d","r_r":5}'
    exits 0 leat join --with ./r.json --on .k --within 2s --time .t -j --as row --right l.json
    equals "$(grep '"r":5' <<<"$output")" '{"row":{"t":35,"k":"d","r":5}}'
}

@test "a result has key, time and headers of the left record, and the text of both sides" {
    printf '{"topic":"t","partition":0,"offset":5,"ts":10000,"headers":["h","1"],"key":"K","payload":%s}\n' \
        '{ "k" : 1.50 , "\u0061" : 1 }' >l.env
    printf '{"ts":11000,"key":"R","headers":["x","2"],"payload":%s}\n' '{"k":15e-1,"b" : [ 1 , "\u0041" ]}' >r.env
    exits 0 leat join --with ./r.env -i envelope --on .k --within 1s l.env -J
    equals "$(jq -c 'del(.payload)' <<<"$output")" \
        '{"topic":null,"partition":0,"offset":0,"tstype":"create","ts":10000,"headers":["h","1"],"key":"K","payload_encoding":"json"}'
    exits 0 leat join --with ./r.env -i envelope --on .k --within 1s l.env -j
    equals "$output" '{ "k" : 1.50 , "\u0061" : 1,"b":[ 1 , "\u0041" ] }'
}

@test "a tombstone of the left side goes through, and one of the right side is nobody's partner" {
    printf '{"ts":%d,"key":"a","payload":%s}\n' 10000 null 11000 '{"k":"a","l":1}' >l.env
    printf '{"ts":%d,"key":"a","payload":%s}\n' 10000 '{"k":"a","r":1}' 11000 null >r.env
    local form
    for form in '--within 1h' '--tumble 1h' '--as-of'; do
        # shellcheck disable=SC2086 # several words
        exits 0 leat join --with ./r.env -i envelope --on '$key' $form l.env -f '%k %T %s\n'
        contains "$output" "a 10000 "
        equals "$form: ${#lines[@]}" "$form: $([[ $form == --as-of ]] && echo 1 || echo 2)"
    done
}

@test "keys are equal as JSON values; null and missing ones never are, on either side" {
    printf '%s\n' '{"t":1,"k":1.0,"n":1}' '{"t":1,"k":"1","n":2}' '{"t":1,"k":null,"n":3}' '{"t":1,"n":4}' \
        '{"t":1,"k":[ 1e0,"x"],"n":5}' '{"t":1,"k":{"b":2,"a":1},"n":6}' '{"t":1,"k":[null],"n":7}' >left
    printf '%s\n' '{"t":1,"k":1}' '{"t":1,"k":"\u0031"}' '{"t":1,"k":null}' '{"t":1}' '{"t":1,"k":[1,"x"]}' \
        '{"t":1,"k":{"a":1.0,"b":2}}' '{"t":1,"k":[null]}' >right
    local form
    for form in '--within 1s' '--tumble 1s' '--as-of'; do
        # shellcheck disable=SC2086 # several words
        exits 0 leat join --with ./right -i json --on .k $form --time .t -j --prefix r_ left
        equals "$form: $(jq -s 'map(.n) | sort | tostring' <<<"$output")" "$form: \"[1,2,5,6]\""
        # shellcheck disable=SC2086 # several words
        exits 0 leat join --with ./right -i json --on .k $form --time .t -j --anti left
        equals "$form: $(jq -s 'map(.n) | sort | tostring' <<<"$output")" "$form: \"[3,4,7]\""
    done
    exits 0 leat join --with ./right -i json --on .k --within 1s --time .t -j --right --prefix r_ left
    equals "$(jq -s 'map(select(.n | not)) | length' <<<"$output")" 3
}

@test "when strings met numbers and nothing matched, that is said, with advice" {
    echo '{"t":1,"k":"1"}' >right
    local form
    for form in '--within 1s' '--tumble 1s' '--as-of'; do
        # shellcheck disable=SC2086 # several words
        exits 0 leat join --with ./right -i json --on .k $form --time .t -j <<<'{"t":1,"k":1}'
        equals "$output" ""
        contains "$stderr" "keys of the right side are strings, those of the records are numbers; '| tostring'"
        # shellcheck disable=SC2086 # several words
        exits 0 leat join --with ./right -i json --on '.k | tostring' $form --time .t -j <<<'{"t":1,"k":1}'
        equals "$(jq -c '[.t, .k]' <<<"$output")$stderr" '[1,1]'
    done
}

@test "the right side has a key, a time and a format of its own" {
    printf 'at,id,r\n12,a,1\n20,b,3\n' >r.csv
    exits 0 leat join --with ./r.csv --on .k --on-right .id --time .t --time-right .at --within 2s -j l.json
    equals "$output" '{"t":10,"k":"a","l":1,"at":12,"id":"a","r":1}
{"t":20,"k":"b","l":2,"at":20,"id":"b","r":3}'
    leat map '{k: .id, r}' --time .at r.csv >r.leat
    exits 0 leat join --with ./r.leat --on .k --time .t --time-right '.t // $time' --within 2s -j l.json
    equals "$output" '{"t":10,"k":"a","l":1,"r":1}
{"t":20,"k":"b","l":2,"r":3}'
}

# ---- windows --------------------------------------------------------------------------------------------------------

@test "--tumble: partners are in the same window, whose times are behind the other fields" {
    exits 0 leat join --with ./r.json --on .k --tumble 10s --time .t -j --outer l.json
    equals "$output" '{"t":10,"k":"a","l":1,"r":1,"window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z"}
{"t":10,"k":"a","l":1,"r":2,"window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z"}
{"t":20,"k":"b","l":2,"r":3,"window_start":"1970-01-01T00:00:20Z","window_end":"1970-01-01T00:00:30Z"}
{"t":26,"k":"a","r":4,"window_start":"1970-01-01T00:00:20Z","window_end":"1970-01-01T00:00:30Z"}
{"t":30,"k":"a","l":3,"window_start":"1970-01-01T00:00:30Z","window_end":"1970-01-01T00:00:40Z"}
{"t":35,"k":"d","r":5,"window_start":"1970-01-01T00:00:30Z","window_end":"1970-01-01T00:00:40Z"}
{"t":40,"k":"c","l":4,"window_start":"1970-01-01T00:00:40Z","window_end":"1970-01-01T00:00:50Z"}'
    pairs --tumble 10s --offset 6s
    equals "$output" "1-1 1-2 2-3 3-4"
    exits 0 leat join --with ./r.json --on .k --tumble 10s --time .t -J l.json
    equals "$(jq -sc 'map(.ts)' <<<"$output")" '[10000,10000,20000]'
}

@test "--tumble: pairs of a left record stay together, left ones in the order in which they came; own fields stay" {
    printf '{"t":%d,"k":1,"l":%d,"window_end":"mine"}\n' 8 1 3 2 5 3 >left
    printf '{"t":%d,"k":1,"r":%d}\n' 9 1 1 2 >right
    exits 0 leat join --with ./right -i json --on .k --tumble 10s --time .t -j --out-of-order 10s left
    equals "$(jq -sr 'map("\(.l)-\(.r)") | join(" ")' <<<"$output")" "1-1 1-2 2-1 2-2 3-1 3-2"
    equals "${lines[0]}" '{"t":8,"k":1,"l":1,"window_end":"mine","r":1,"window_start":"1970-01-01T00:00:00Z"}'
}

@test "--tumble: a record behind the watermark is late only when its window is complete" {
    printf '{"t":%d,"k":1,"l":%d}\n' 5 1 9 2 1 3 10 4 2 5 >left
    printf '{"t":3,"k":1,"r":1}\n' >right
    exits 0 leat join --with ./right -i json --on .k --tumble 10s --time .t -j --late ./late.leat left
    equals "$(jq -sc 'map(.l)' <<<"$output")" "[1,2,3]"
    exits 0 leat show -j late.leat
    equals "$output" '{"t":2,"k":1,"l":5}'
}

# ---- as of a time ---------------------------------------------------------------------------------------------------

@test "--as-of: the version of the record's time, the next one, or the nearer" {
    printf '{"t":%d,"k":"a","l":%d}\n' 9 1 10 2 14 3 15 4 16 5 20 6 21 7 >left
    printf '{"t":%d,"k":"a","r":%d}\n' 10 1 20 2 >right
    as_of() {
        exits 0 leat join --with ./right -i json --on .k --as-of --time .t -j --left "$@" left
        output=$(jq -sr 'sort_by(.l) | map("\(.l)-\(.r // "")") | join(" ")' <<<"$output")
    }
    as_of
    equals "$output" "1- 2-1 3-1 4-1 5-1 6-2 7-2"
    as_of --direction backward --tolerance 4s
    equals "$output" "1- 2-1 3-1 4- 5- 6-2 7-2"
    as_of --direction forward
    equals "$output" "1-1 2-1 3-2 4-2 5-2 6-2 7-"
    as_of --direction forward --tolerance 5s
    equals "$output" "1-1 2-1 3- 4-2 5-2 6-2 7-"
    as_of --direction nearest
    equals "$output" "1-1 2-1 3-1 4-1 5-2 6-2 7-2"
    as_of --direction nearest --tolerance 4s
    equals "$output" "1-1 2-1 3-1 4- 5-2 6-2 7-2"
    as_of --tolerance 0s
    equals "$output" "1- 2-1 3- 4- 5- 6-2 7-"
}

@test "--as-of: of several at one time the one that came last counts, and a tombstone is nothing from its time on" {
    printf '{"ts":%d,"key":"a","payload":%s}\n' 10000 '{"r":1}' 10000 '{"r":2}' 20000 null 30000 '{"r":3}' \
        30000 null 40000 null 40000 '{"r":4}' >right
    printf '{"ts":%d,"payload":{"k":"a","l":%d}}\n' 10000 1 19999 2 20000 3 29000 4 30000 5 39000 6 40000 7 >left
    versions() {
        exits 0 leat join --with ./right -i envelope --on .k --on-right '$key' --as-of -j --left "$@" left
        output=$(jq -sr 'sort_by(.l) | map("\(.l)-\(.r // "")") | join(" ")' <<<"$output")
    }
    versions
    equals "$output" "1-2 2-2 3- 4- 5- 6- 7-4"
    versions --direction forward
    equals "$output" "1-2 2-4 3-4 4-4 5-4 6-4 7-4"
    versions --direction nearest
    equals "$output" "1-2 2-2 3-4 4-4 5-4 6-4 7-4"
}

@test "--as-of a topic of changes gives the same whenever it is run; a table has the last value" {
    printf '{"t":%d,"c":"EUR","rate":%d}\n' 10 114 20 116 30 119 | leat produce rates --key .c --time .t
    printf '{"t":%d,"c":"EUR","n":%d}\n' 12 1 20 2 29 3 31 4 | leat produce orders --time .t
    exits 0 leat join -e --with rates --on .c --as-of -j orders
    equals "$(jq -sc 'map(.rate)' <<<"$output")" "[114,116,116,119]"
    exits 0 leat join --table rates --on .c -j <(leat consume orders -e)
    equals "$(jq -sc 'map(.rate)' <<<"$output")" "[119,119,119,119]"
}

# ---- event time -----------------------------------------------------------------------------------------------------

@test "late: behind the watermark of its own input; one at the watermark is in time" {
    printf '{"t":%d,"k":1,"l":%d}\n' 20 1 10 2 15 3 14 4 30 5 25 6 24 7 >left
    printf '{"t":20,"k":1,"r":1}\n' >right
    exits 0 leat join --with ./right -i json --on .k --within 1h --time .t --out-of-order 5s -j --stats=json left
    equals "$(jq -sc 'map(.l) | sort' <<<"$output")" "[1,3,5,6]"
    contains "$stderr" "leat join: warning: 3 late records were left out"
    equals "$(grep '^{' <<<"$stderr" | jq .late)" 3
    exits 0 leat join --with ./left -i json --on .k --within 1h --time .t --out-of-order 5s -j -q right
    equals "$(jq -sc 'map(.l) | sort' <<<"$output")" "[1,3,5,6]"
    # The other side's watermark does not make a record late.
    printf '{"t":%d,"k":1,"r":1}\n' 1000 >right
    exits 0 leat join --with ./right -i json --on .k --within 1h --time .t --out-of-order 20s -j left
    equals "$(jq -sc 'map(.l) | sort' <<<"$output")" "[1,2,3,4,5,6,7]"
    equals "$stderr" ""
}

@test "--late keeps late records of both sides as they are, with the reason, in a file or a topic" {
    printf '{"t":%d,"k":1,"n":"%s"}\n' 20 a 10 b >left
    printf '{"t":%d,"k":1,"n":"%s"}\n' 20 c 19 d >right
    exits 0 leat join --with ./right -i json --on .k --as-of --time .t -j --late ./late.leat left
    equals "$stderr" ""
    exits 0 leat show -J late.leat
    equals "$(jq -c '[.ts, .payload.n]' <<<"$output" | sort)" '[10000,"b"]
[19000,"d"]'
    exits 0 leat show -f '%h\n' late.leat
    contains "$output" "leat.watermark=1970-01-01T00:00:20Z"
    contains "$output" "leat.error=late: its time is 1970-01-01T00:00:10Z, and the watermark was 1970-01-01T00:00:20Z"
    contains "$output" "leat.source=left:2"
    contains "$output" "leat.source=./right:2"
    exits 0 leat join --with ./right -i json --on .k --as-of --time .t -j --late behind left
    equals "$(leat consume behind -e -f '%s\n' | jq -r .n | sort | paste -sd' ')" "b d"
}

@test "watermark blocks are believed: they make late, and they make complete" {
    stream 'source(0), rows(0, (1, 1)), mark(0, 100), rows(0, (99, 2), (100, 3))' >l.leat
    stream 'rows(0, (1, 1), (99, 2), (100, 3))' >r.leat
    exits 0 leat join --with ./r.leat --on .n --within 1s -j l.leat
    equals "$(jq -sc 'map(.n)' <<<"$output")" "[1,3]"
    contains "$stderr" "1 late record was left out"
    # Left ones are decided by the promise of the right side, which has nothing itself.
    mkfifo p
    live_stream 'source(0), mark(0, 50)' >p 3>&- &
    stream 'rows(0, (1, 1), (48, 2), (50, 3), (51, 4))' >l.leat
    leat join --with p --on .n --within 1s --anti -j l.leat >out 3>&- &
    until_true has_lines out 2
    sleep 0.2
    equals "$(jq -sc 'map(.n)' out)" "[1,2]"
}

@test "what comes out is there as soon as it is known, while both sides live" {
    mkfifo p q
    leat join --with q --on .k --within 2s --left --time .t -j p >out 3>&- &
    exec 8>p 9>q
    echo '{"t":10,"k":1,"l":1}' >&8
    echo '{"t":11,"k":1,"r":1}' >&9
    echo '{"t":12,"k":2,"l":2}' >&8
    until_true has_lines out 1
    echo '{"t":14,"k":9}' >&9
    sleep 0.2
    has_lines out 1
    echo '{"t":15,"k":3,"l":3}' >&8
    echo '{"t":15,"k":9}' >&9
    until_true has_lines out 2
    equals "$(tail -n 1 out)" '{"t":12,"k":2,"l":2}'
    exec 8>&- 9>&-
    wait
    equals "$(tail -n 1 out)" '{"t":15,"k":3,"l":3}'
}

@test "downstream hears of event time, and no result is behind what it heard" {
    two_streams 20000
    local form
    for form in '--within 1m' '--before 5s --after 1m --outer' '--tumble 10s --outer' '--as-of' \
        '--as-of --direction nearest --left' '--as-of --direction forward --tolerance 3s'; do
        # shellcheck disable=SC2086 # several words
        leat join --with ./r.leat --on .user $form --out-of-order 5s --prefix r_ -q l.leat >out.leat
        exits 0 leat window --tumble 1s '{n: count}' -j out.leat
        equals "$form: $stderr" "$form: "
        equals "$form: $(jq -s 'map(.n) | add' <<<"$output")" "$form: $(leat filter --count true out.leat)"
        grep -ao '"type":"watermark"' out.leat >marks
        (($(wc -l <marks) > 2)) || { echo "$form: $(wc -l <marks) watermarks"; return 1; }
    done
}

@test "a side that is idle does not hold the other back for longer than --idle-timeout" {
    mkfifo p
    (head -n 1 r.json; exec sleep 30) >p 3>&- &
    leat join --with p --on .k --within 2s --left --time .t --idle-timeout 300ms -j l.json >out 3>&- &
    until_true has_lines out 3 # but the last one may still get a partner
    equals "$(jq -sc 'map(.l)' out)" "[1,2,3]"
}

@test "an idle side that comes back behind where event time went on to without it is late" {
    mkfifo p
    (head -n 1 r.json; sleep 1; printf '{"t":%d,"k":"%s","r":%d}\n' 15 a 8 41 c 9) >p 3>&- &
    exits 0 timeout 20 leat join --with p --on .k --within 2s --left --time .t --idle-timeout 300ms -j l.json
    equals "$(jq -sr 'map("\(.l)-\(.r // "")") | join(" ")' <<<"$output")" "1-1 2- 3- 4-9"
    contains "$stderr" "1 late record was left out"
}

@test "an idle block lets the other side go on alone" {
    mkfifo p
    live_stream 'source(0), rows(0, (1, 1)), idle(0)' >p 3>&- &
    stream 'rows(0, (1, 1), (10, 2), (20, 3))' >l.leat
    leat join --with p --on .n --within 1s --left -j l.leat >out 3>&- &
    until_true has_lines out 2
    equals "$(head -n 2 out | jq -sc 'map(.n)')" "[1,2]"
}

# ---- inputs ---------------------------------------------------------------------------------------------------------

@test "the left side can be several files, one stream in the order of event time; either side standard input" {
    sed -n '1p;3p' l.json >one.json
    sed -n '2p;4p' l.json >two.json
    exits 0 leat join --with ./r.json --on .k --within 5s --time .t -j --left one.json two.json
    local both=$output
    exits 0 leat join --with ./r.json --on .k --within 5s --time .t -j --left two.json one.json
    equals "$output" "$both"
    equals "$(jq -sr 'map("\(.l // "")-\(.r // "")") | join(" ")' <<<"$output")" "1-1 1-2 2-3 3-4 4-"
    exits 0 leat join --with ./r.json --on .k --within 5s --time .t -j --left <l.json
    equals "$output" "$both"
    exits 0 leat join --with - --on .k --within 5s --time .t -j --left l.json <r.json
    equals "$output" "$both"
    exits 0 leat join --with <(cat r.json) --on .k --within 5s --time .t -j --left <(cat l.json)
    equals "$output" "$both"
}

@test "topics of several partitions on both sides, to their end and followed" {
    leat produce left --partitions 3 --key .k --time .t <l.json
    leat produce right --partitions 2 --key .k --time .t <r.json
    exits 0 leat join -e --with right --on .k --within 5s -j left
    equals "$(jq -sr 'map("\(.l)-\(.r)") | sort | join(" ")' <<<"$output")" "1-1 1-2 2-3 3-4"
    leat join --with right --on .k --within 5s -j left >out 3>&- &
    local job=$!
    until_true has_lines out 4
    leat produce left --key .k --time .t <<<'{"t":60,"k":"new","l":9}'
    leat produce right --key .k --time .t <<<'{"t":61,"k":"new","r":9}'
    until_true has_lines out 5
    equals "$(tail -n 1 out)" '{"t":60,"k":"new","l":9,"r":9}'
    kill -TERM "$job"
    reap "$job"
    equals "$status" 143
}

@test "FIFOs can be opened in any order, by one writer or two" {
    mkfifo p q
    local order
    for order in "p q" "q p"; do
        (for f in $order; do [[ $f == p ]] && cat l.json >p || cat r.json >q; done) 3>&- &
        exits 0 timeout 20 leat join --with q --on .k --within 5s --time .t -j p
        equals "${#lines[@]}" 4
    done
    (
        exec 5>q 6>p # both by one writer, and the second one first
        cat l.json >&6
        exec 6>&-
        cat r.json >&5
    ) 3>&- &
    exits 0 timeout 20 leat join --with q --on .k --within 5s --time .t -j p
    equals "${#lines[@]}" 4
    (sleep 0.3; cat r.json) >q 3>&- &
    exits 0 timeout 20 leat join --with q --on .k --within 5s --time .t -j l.json
    equals "${#lines[@]}" 4
}

@test "a diamond: tee into two pipes, both into one join, 200,000 records at any speed" {
    local slow='import os, time
while data := os.read(0, 1 << 20):
    os.write(1, data)
    time.sleep(0.01)'
    leat gen clicks -c 200000 >c.leat
    mkfifo p q s
    join() {
        timeout 60 leat join -q --with "$2" --on '[.user, .ts]' --within 0s --out-of-order 5s --as other -j "$1" |
            jq -c 'select(.bytes != .other.bytes)' | head -n 3
        echo "${PIPESTATUS[*]}"
    }
    leat tee p c.leat >q 3>&- &
    equals "$(join p q)" "0 0 0"
    leat tee p c.leat >q 3>&- &
    equals "$(join q p)" "0 0 0"
    leat tee s c.leat >q 3>&- &
    python3 -c "$slow" <s >p 3>&- &
    equals "$(join p q)" "0 0 0" # the left one is slow
    leat tee s c.leat >q 3>&- &
    python3 -c "$slow" <s >p 3>&- &
    equals "$(join q p)" "0 0 0" # the right one is
    leat join -q --with ./c.leat --on '[.user, .ts]' --within 0s --out-of-order 5s --anti -j c.leat >none
    equals "$(<none)" ""
}

@test "one side that has everything long before the other goes to a file, up to --spill-limit" {
    leat gen clicks -c 100000 -j >c.json
    mkfifo p q
    both() { # one writer: all of q, and only then p
        tee q <c.json 2>/dev/null | (cat >/dev/null; cat l.json) >p
    }
    both 3>&- &
    exits 0 timeout 60 leat join -v --with q --on '.user // .k' --time '.ts // .t' --within 1s --left -j p
    equals "$output" "$(<l.json)"
    contains "$stderr" "bytes were in temporary files"
    equals "$(find "$TMPDIR" -name '*spill*')" ""
    local limit
    for limit in 1M 0; do
        both 3>&- &
        exits 4 timeout 60 leat join --with q --on '.user // .k' --time '.ts // .t' --within 1s -j p --spill-limit "$limit"
        contains "$stderr" "leat join: 'q': what waits is more than --spill-limit"
    done
    both 3>&- &
    exits 4 timeout 60 env TMPDIR=/nonexistent leat join --with q --on '.user // .k' --time '.ts // .t' --within 1s -j p
    contains "$stderr" "cannot make a spill file for 'q' in '/nonexistent'"
}

@test "text, blocks, pipes and speed make no difference" {
    two_streams 20000
    leat show -j l.leat >l.clicks
    leat show -j r.leat >r.clicks
    mkfifo p
    local form
    for form in '--within 1m --outer' '--tumble 10s --outer' '--as-of --left' '--as-of --direction nearest --tolerance 1m'; do
        # shellcheck disable=SC2086 # several words
        set -- --on .user $form --out-of-order 1s -q --prefix r_ -j
        leat join --with ./r.leat "$@" l.leat >want
        (($(wc -l <want) > 10000))
        leat join --with ./r.clicks "$@" --time .ts -i json l.clicks | cmp - want
        python3 -c 'import sys, time
for i, line in enumerate(sys.stdin.buffer):
    sys.stdout.buffer.write(line)
    if i % 2000 == 0: sys.stdout.buffer.flush(); time.sleep(0.005)' <r.clicks >p 3>&- &
        leat join --with p "$@" --time .ts l.leat | cmp - want
        python3 -c 'import os, time
while data := os.read(0, 50021): os.write(1, data); time.sleep(0.001)' <l.leat >p 3>&- &
        leat join --with ./r.leat "$@" p | cmp - want
    done
}

# ---- random ---------------------------------------------------------------------------------------------------------

@test "random streams against a nested loop" {
    python3 -B "$LEAT_SOURCE/tests/cli/join_pairs_reference.py" "$LEAT_BUILD/leat" 1 150
}

@test "many random streams against a nested loop" {
    long
    python3 -B "$LEAT_SOURCE/tests/cli/join_pairs_reference.py" "$LEAT_BUILD/leat" 10000 1500
}

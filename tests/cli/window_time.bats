#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat window: late records, corrections, changes and early results, sources that are slow or idle, and state from run
# to run.

load helpers
load records
load windows

setup() {
    cd "$BATS_TEST_TMPDIR"
    make_inputs
}

teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

# ---- event time -----------------------------------------------------------------------------------------------------

@test "late records are left out, and counted" {
    brief --tumble 10s "$sum" late.json
    equals "$output" $'0..10 1 1\n10..20 2 10\n20..30 1 32'
    equals "$stderr" "leat window: warning: 3 late records were left out (--late keeps them, --out-of-order and --grace wait longer)"
    brief --tumble 10s -q "$sum" late.json
    equals "$stderr" ""
    head -n 3 late.json >one.json
    brief --tumble 10s "$sum" one.json
    equals "$stderr" "leat window: warning: 1 late record was left out (--late keeps them, --out-of-order and --grace wait longer)"
    # A window is complete, and its records are late, right when the watermark comes to its end.
    brief --tumble 10s "$sum" <<<$'{"t":1704067209,"n":1}\n{"t":1704067210,"n":2}\n{"t":1704067209.999,"n":4}'
    equals "$output" $'0..10 1 1\n10..20 1 2'
    brief --tumble 10s --out-of-order 1ns "$sum" <<<$'{"t":1704067209,"n":1}\n{"t":1704067210,"n":2}\n{"t":1704067209.999,"n":4}'
    equals "$output" $'0..10 2 5\n10..20 1 2'
}

@test "--out-of-order waits so long" {
    brief --tumble 10s --out-of-order 5s "$sum" late.json
    equals "$output" $'0..10 2 5\n10..20 2 10\n20..30 1 32'
    contains "$stderr" "2 late records"
    brief --tumble 10s --out-of-order 12s "$sum" late.json
    equals "$output" $'0..10 4 85\n10..20 2 10\n20..30 1 32'
    equals "$stderr" ""
    brief --session 3s --out-of-order 19s "$sum" late.json
    equals "$output" $'1..6 3 81\n9..18 3 14\n21..24 1 32'
    # A record behind its group's session is late unless the session still takes it.
    brief --session 3s --out-of-order 3s "$sum" late.json
    equals "$output" $'1..4 1 1\n9..18 3 14\n21..24 1 32'
    brief --count 2 --out-of-order 12s "$sum" late.json
    equals "$output" $'1..3.000000001 2 17\n9..12.000000001 2 6\n15..21.000000001 2 40'
}

@test "a session that only waits for records right at its end takes none from before it, as in Flink" {
    brief --session 3s "$sum" <<<$'{"t":1704067201,"n":1}\n{"t":1704067204,"n":2}\n{"t":1704067207,"k":"b","n":4}
{"t":1704067204,"n":8}'
    equals "$output" '1..10 4 15'
    brief --session 3s -g .k "$sum" <<<$'{"t":1704067201,"n":1}\n{"t":1704067204,"n":2}\n{"t":1704067207,"k":"b","n":4}
{"t":1704067204,"n":8}\n{"t":1704067207,"n":16}'
    equals "$output" $'7..10 "b" 1 4\n1..10 null 3 19'
    contains "$stderr" "1 late record was left out"
}

@test "--grace: each late record gives a correction of each window that is out" {
    brief --tumble 10s --grace 6s "$sum" late.json
    equals "$output" '0..10 1 1
0..10 "correction" 2 5
0..10 "correction" 3 21
10..20 2 10
20..30 1 32'
    contains "$stderr" "1 late record was left out"
    brief --tumble 10s --out-of-order 3s --grace 3s "$sum" late.json
    equals "$output" $'0..10 2 5\n0..10 "correction" 3 21\n10..20 2 10\n20..30 1 32'
    brief --hop 10s --slide 5s --grace 6s "$sum" late.json
    equals "$output" '-5..5 1 1
0..10 1 1
0..10 "correction" 2 5
5..15 2 6
0..10 "correction" 3 21
10..20 2 10
15..25 2 40
20..30 1 32'
    # Nothing is corrected when the watermark is right where the grace ends.
    brief --hop 10s --slide 5s --grace 2s "$sum" <<<$'{"t":1704067201,"n":1}\n{"t":1704067212,"n":2}\n{"t":1704067209,"n":4}'
    equals "$output" $'-5..5 1 1\n0..10 1 1\n5..15 2 6\n10..20 1 2'
    # A window that had nothing when it was complete has a correction only.
    brief --tumble 10s --grace 1m "$sum" <<<$'{"t":1704067212,"n":2}\n{"t":1704067209,"n":4}'
    equals "$output" $'0..10 "correction" 1 4\n10..20 1 2'
    brief --tumble day --grace 30h '{n: count}' <<<$'{"t":"2024-01-01T12:00:00Z"}\n{"t":"2024-01-03T05:59:59Z"}
{"t":"2024-01-01T13:00:00Z"}\n{"t":"2024-01-03T06:00:00Z"}\n{"t":"2024-01-01T14:00:00Z"}'
    equals "$output" $'0..86400 1\n0..86400 "correction" 2\n172800..259200 2'
}

@test "--grace with sessions: a session that was out grows, or two of them become one" {
    # At 10 the session 1..4 is out. The record at 3 makes it longer, but still complete.
    brief --session 3s --grace 1m "$sum" <<<$'{"t":1704067201,"n":1}\n{"t":1704067210,"n":2}\n{"t":1704067203,"n":4}'
    equals "$output" $'1..4 1 1\n1..6 "correction" 2 5\n10..13 1 2'
    # Two that were out, joined by one between them.
    brief --session 3s --grace 1m "$sum" <<<$'{"t":1704067201,"n":1}\n{"t":1704067206,"n":2}\n{"t":1704067220,"n":4}
{"t":1704067204,"n":8}'
    equals "$output" $'1..4 1 1\n6..9 1 2\n1..9 "correction" 3 11\n20..23 1 4'
    # One that now ends right at the watermark is open again, as records at its end are still to come.
    brief --session 3s --grace 1m -g .k "$sum" <<<$'{"t":1704067201,"n":1}\n{"t":1704067207,"k":"b","n":2}
{"t":1704067204,"n":4}\n{"t":1704067207,"n":8}'
    equals "$output" $'1..4 null 1 1\n7..10 "b" 1 2\n1..10 "correction" null 3 13'
    # One that was out joins one that was not: it is open again.
    brief --session 3s --grace 1m "$sum" <<<$'{"t":1704067201,"n":1}\n{"t":1704067206,"n":2}\n{"t":1704067204,"n":8}
{"t":1704067220,"n":4}'
    equals "$output" $'1..4 1 1\n1..9 "correction" 3 11\n20..23 1 4'
}

@test "--emit changes: each change of an open window at once, and its result all the same" {
    brief --tumble 10s --emit changes "$sum" late.json
    equals "$output" '0..10 "change" 1 1
10..20 "change" 1 2
0..10 1 1
10..20 "change" 2 10
20..30 "change" 1 32
10..20 2 10
20..30 1 32'
    brief --hop 10s --slide 5s --emit changes "$sum" <(head -n 2 six.json)
    equals "$output" '-5..5 "change" 1 1
0..10 "change" 1 1
-5..5 "change" 2 3
0..10 "change" 2 3
-5..5 2 3
0..10 2 3'
    brief --session 3s --emit changes "$sum" <(head -n 3 late.json)
    equals "$output" '1..4 "change" 1 1
12..15 "change" 1 2
1..4 1 1
9..15 "change" 2 6
9..15 2 6'
    brief --count 2 --emit changes "$sum" <(head -n 3 six.json)
    equals "$output" '1..1.000000001 "change" 1 1
1..4.000000001 2 3
9.5..9.500000001 "change" 1 3
9.5..9.500000001 1 3'
    brief --tumble 10s --emit final "$sum" <(head -n 2 late.json)
    equals "$output" $'0..10 1 1\n10..20 1 2'
}

@test "topk takes records as the watermark passes them; what is late, corrected or between windows is as without it" {
    local options top='{n: count, sum: sum(.n), top: topk(9; .n)}'
    for options in "--tumble 10s" "--tumble 10s --out-of-order 5s" "--tumble 10s --grace 6s" "--session 4s" \
        "--session 3s --grace 1m" "--hop 10s --slide 5s --grace 5s" "--hop 3s --slide 6s" "--cumulate 10s --step 5s"; do
        # shellcheck disable=SC2086 # several words
        leat window $options --time .t "$sum" -j -v late.json >want 2>notes
        # shellcheck disable=SC2086
        exits 0 leat window $options --time .t "$top" -j -v late.json
        equals "$options $(jq -c 'del(.top)' <<<"$output") $stderr" "$options $(cat want) $(cat notes)"
        jq -e '(.top | map(.value) | add) == .sum and (.top | length) == .n' <<<"$output"
    done
    top+=' | del(.top)'
    brief --tumble 10s --emit changes "$top" <(head -n 2 late.json)
    equals "$output" $'0..10 "change" 1 1\n0..10 1 1\n10..20 "change" 1 2\n10..20 1 2'
    # One that is behind the watermark, but not late, is told of at once.
    brief --tumble 20s --emit changes "$top" <(head -n 4 late.json)
    equals "$output" $'0..20 "change" 1 1\n0..20 "change" 2 5\n0..20 "change" 3 7\n0..20 "change" 4 15\n0..20 4 15'
    # At a multiple, early results have what was before it, however far the watermark has come at once.
    brief --tumble 25s --early-every 10s "$top" <<<$'{"t":1704067203,"n":1}\n{"t":1704067211,"n":2}
{"t":1704067229,"n":4}\n{"t":1704067268,"n":8}'
    equals "$output" $'0..25 "early" 1 1\n0..25 "early" 2 3\n0..25 2 3\n25..50 "early" 1 4\n25..50 1 4\n50..75 1 8'
}

@test "--hop: a record that comes late into what was put together already is in the windows that are to come" {
    local i
    for ((i = 0; i <= 40; i++)); do printf '{"t":%d,"n":1}\n' $((1704067200 + i)); done >forth.json
    for i in 7 8 15 23 31 39; do printf '{"t":%d,"n":100}\n' $((1704067200 + i)); done >late.json
    local end='.window_end > "2024-01-01T00:00:40Z"'
    leat window --hop 64s --slide 1s --time .t "$sum" -j -q forth.json late.json | leat filter "$end" -j >got
    leat window --hop 64s --slide 1s --time .t --out-of-order 1h "$sum" -j forth.json late.json | leat filter "$end" -j >want
    cmp got want
    equals "$(wc -l <got)" 64
}

@test "a window that begins before those that are there is complete before them" {
    brief --tumble 10s --out-of-order 20s --emit changes "$sum" <<<$'{"t":1704067225,"n":1}\n{"t":1704067207,"n":2}
{"t":1704067232,"n":4}\n{"t":1704067233,"n":8}'
    equals "$output" '20..30 "change" 1 1
0..10 "change" 1 2
30..40 "change" 1 4
0..10 1 2
30..40 "change" 2 12
20..30 1 1
30..40 2 12'
}

@test "--early-every: what has changed, each time when event time has gone so far" {
    brief --tumble 10s --early-every 5s "$sum" late.json
    equals "$output" '0..10 1 1
10..20 "early" 1 2
10..20 "early" 2 10
10..20 2 10
20..30 "early" 1 32
20..30 1 32'
    # Groups that did not change since are not told again.
    brief --tumble 1m --early-every 10s -g .k '{n: count}' six.json
    equals "$output" '0..60 "early" "a" 3
0..60 "early" "b" 1
0..60 "early" null 1
0..60 "early" null 2
0..60 "a" 3
0..60 "b" 1
0..60 null 2'
    # Windows of many panes, which are put together from larger ones.
    local i
    for ((i = 0; i < 130; i++)); do
        printf '{"t":%d,"k":%d,"n":1}\n' $((1704067200 + i * 2 - i * 7 % 16)) $((i < 40 || i == 100))
    done >many.json
    brief --hop 200s --slide 1s --out-of-order 20s --early-every 30s -g .k '{n: count}' many.json
    # Of group 1 there is nothing new between 40 and 100.
    python3 -B - "$output" <<'END'
import json, sys
records = [json.loads(line) for line in open('many.json')]
mark, at, changed, want = None, None, set(), []
for i, r in enumerate(records):
    changed.add((r['t'], r['k']))
    mark = max(r['t'] - 20, mark or 0)
    if at is None or mark >= at:
        if at is not None:
            for end in range(mark + 1, max(x['t'] for x in records[:i + 1]) + 201):
                for k in (0, 1):
                    if any(end - 200 <= t < end for t, key in changed if key == k):
                        n = sum(end - 200 <= x['t'] < end for x in records[:i + 1] if x['k'] == k)
                        want.append(f'{end - 200 - 1704067200}..{end - 1704067200} "early" {k} {n}')
            changed = set()
        at = mark // 30 * 30 + 30
assert [x for x in sys.argv[1].splitlines() if 'early' in x] == want and len(want) > 1000, len(want)
END
    brief --session 1m --early-every 10s -g .k '{n: count}' six.json
    equals "$output" '4..64 "early" "b" 1
1..72 "early" "a" 3
27..87 "early" null 1
27..91 "early" null 2
4..64 "b" 1
1..72 "a" 3
27..91 null 2'
    brief --count 5 --early-every 10s '{n: count}' six.json
    equals "$output" '1..9.500000001 "early" 3
1..12.000000001 "early" 4
1..27.000000001 5
31..31.000000001 1'
}

@test "--max-ahead: a time far ahead of the clock is a bad record, and does not move the watermark" {
    local soon far
    soon=$(date -ud '+20 hours' +%FT%TZ) far=$(date -ud '+3 days' +%FT%TZ)
    exits 0 leat window --tumble 1h --time .t '{n: count}' -j <<<"{\"t\":\"$soon\"}"
    exits 3 leat window --tumble 1h --time .t '{n: count}' -j <<<"{\"t\":\"$far\"}"
    equals "$output" ""
    equals "$stderr" \
        "leat window: record 'standard input:1': its time $far is further ahead of the clock than --max-ahead allows"
    exits 3 leat window --tumble 1h --max-ahead 1h --time .t '{n: count}' -j <<<"{\"t\":\"$soon\"}"
    exits 0 leat window --tumble 1h --max-ahead 4d --time .t '{n: count}' -j <<<"{\"t\":\"$far\"}"
    exits 0 leat window --tumble 1h --max-ahead none --time .t '{n: count}' -j <<<'{"t":"2261-01-01"}'
    exits 0 leat window --tumble 1h --time .t "$sum" -j --on-error skip <(head -n 1 six.json; echo "{\"t\":\"$far\",\"n\":0}") six.json
    equals "$(jq -c '[.n,.sum]' <<<"$output")" '[7,22]'
    # The same for blocks.
    leat map . -O leat --time .t <<<"{\"t\":\"$far\"}" >far.leat
    exits 3 leat window --tumble 1h '{n: count}' -j far.leat
    contains "$stderr" "further ahead of the clock"
}

@test "times at the ends of what there is" {
    exits 0 leat window --tumble year --max-ahead none --time .t '{n: count}' -j <<<'{"t":"1678-06-01"}'
    equals "$output" '{"window_start":"1678-01-01T00:00:00Z","window_end":"1679-01-01T00:00:00Z","n":1}'
    exits 3 leat window --tumble year --max-ahead none --time .t '{n: count}' -j <<<'{"t":"2262-04-01"}'
    contains "$stderr" "its time 2262-04-01T00:00:00Z is outside of the years that windows can have"
    exits 3 leat window --hop 1d --slide 1h --max-ahead none --time .t '{n: count}' -j <<<'{"t":"1677-09-22"}'
    exits 0 leat window --session 1s --max-ahead none --time .t '{n: count}' -j <<<'{"t":"2262-01-01"}'
}

# ---- late records as records ----------------------------------------------------------------------------------------

@test "--late FILE: late records whole, with the window that they missed" {
    leat produce t -k .k -H via=web --time .t <<<$'{"k":"x","t":1704067201}\n{"k":"y","t":1704067212}\n{"k":"z","t":1704067209}'
    exits 0 bash -c "leat consume t -e | leat window --tumble 10s '{n: count}' -j --late ./late.leat"
    equals "${#lines[@]}" 2
    equals "$stderr" ""
    exits 0 leat show late.leat -J
    equals "$(jq -c '[.key, .ts, .payload, .headers[:8]]' <<<"$output")" \
        '["z",1704067209000,{"k":"z","t":1704067209},["via","web","leat.window_start","2024-01-01T00:00:00Z","leat.window_end","2024-01-01T00:00:10Z","leat.watermark","2024-01-01T00:00:12Z"]]'
    equals "$(jq -c '.headers[8:14]' <<<"$output")" \
        '["leat.error","late: its time is 2024-01-01T00:00:09Z, its window ended at 2024-01-01T00:00:10Z, and the watermark was 2024-01-01T00:00:12Z","leat.tool","window","leat.source","t/0@2"]'
    equals "$(jq -c '.headers[14]' <<<"$output")" '"leat.time"'
    # Hops: the last window that it could have been in.
    exits 0 leat window --hop 10s --slide 5s --time .t "$sum" -j --late ./hop.leat late.json
    equals "$(leat show hop.leat -f '%s %h\n' | sed -E 's/^(\{[^}]*\}) leat.window_start=([^,]*),leat.window_end=([^,]*),.*/\1 \2 \3/')" \
        '{"t":"2024-01-01T00:00:03Z","n":16} 2024-01-01T00:00:00Z 2024-01-01T00:00:10Z
{"t":"2024-01-01T00:00:02Z","n":64} 2024-01-01T00:00:00Z 2024-01-01T00:00:10Z'
    # Sessions: the one that it would have made.
    exits 0 leat window --session 3s --time .t "$sum" -j --late ./session.leat late.json
    contains "$(leat show session.leat -f '%h\n')" "leat.window_start=2024-01-01T00:00:03Z,leat.window_end=2024-01-01T00:00:06Z,leat.watermark=2024-01-01T00:00:15Z,"
}

@test "--late says which window it was, or, where the order of records counts for that, only when it came" {
    local kind options program window top='{n: count, top: topk(1; .n)}'
    for kind in "--tumble 10s|$top|, its window ended at 2024-01-01T00:00:10Z" \
        "--session 1s|$top|, its window ended at 2024-01-01T00:00:04Z" "--session 1s --max 5s|$top|" "--count 2|$sum|"; do
        IFS='|' read -r options program window <<<"$kind"
        # shellcheck disable=SC2086 # several words
        exits 0 leat window $options --out-of-order 5s --time .t "$program" -j --late ./late.leat late.json
        contains "$(leat show late.leat -f '%h\n')" \
            "leat.error=late: its time is 2024-01-01T00:00:03Z$window, and the watermark was 2024-01-01T00:00:10Z,"
    done
}

@test "--late TOPIC: what came too late is fed again" {
    exits 0 leat window --tumble 10s --time .t "$sum" -j --late missed late.json
    equals "$(values missed)" $'{"t":"2024-01-01T00:00:09Z","n":4}\n{"t":"2024-01-01T00:00:03Z","n":16}\n{"t":"2024-01-01T00:00:02Z","n":64}'
    exits 0 bash -c "leat consume missed -e | leat window --tumble 10s '$sum' -j"
    equals "$output" '{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:00:10Z","n":3,"sum":84}'
    exits 0 leat window --tumble 10s --time .t "$sum" -j -d other --force-fs --late missed late.json
    equals "$(leat consume -d other missed -e -j | wc -l)" 3
}

@test "--late and --dead-letter may be one place, and a place that is not to be had is exit 4" {
    { cat late.json; echo '{"t":"2024-01-01T00:00:30Z","n":"x"}'; } >mixed.json
    exits 0 leat window --tumble 10s --time .t "$sum" -j --late missed --dead-letter dead mixed.json
    equals "$(values missed | wc -l) $(values dead)" '3 {"t":"2024-01-01T00:00:30Z","n":"x"}'
    exits 0 leat window --tumble 10s --time .t "$sum" -j --late both --dead-letter both mixed.json
    equals "$(values both | wc -l)" 4
    exits 4 leat window --tumble 10s --time .t "$sum" -j --late no/such/place late.json
    contains "$stderr" "leat window: cannot open 'no/such/place': No such file or directory"
    equals "$output" ""
    exits 4 leat window --tumble 10s --time .t "$sum" -j --late /dev/full late.json
    contains "$stderr" "No space left on device"
}

# ---- sources --------------------------------------------------------------------------------------------------------

@test "the slowest source holds the watermark back; an idle one does not" {
    stream 'source(0), source(1), rows(0, (5, 1), (15, 2), (25, 4)), rows(1, (3, 8)), rows(0, (35, 16)), rows(1, (24, 32))' >two.leat
    # Partition 1 comes with 3 after partition 0 had 25, and is not late.
    exits 0 leat window --tumble 10s --emit changes "$sum" -j two.leat
    equals "$(jq -c '[.window_start[17:19], .emit, .n, .sum]' <<<"$output")" '["00","change",1,1]
["10","change",1,2]
["20","change",1,4]
["00","change",2,9]
["30","change",1,16]
["20","change",2,36]
["00",null,2,9]
["10",null,1,2]
["20",null,2,36]
["30",null,1,16]'
    equals "$stderr" ""
    # When it says that it is idle, windows do not wait for it, and what it has afterwards may be late.
    stream 'source(0), source(1), rows(0, (5, 1), (25, 2)), idle(1), rows(1, (3, 4)), rows(0, (26, 8))' >idle.leat
    exits 0 leat window --tumble 10s "$sum" -j idle.leat
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' <<<"$output")" $'["00",1,1]\n["20",2,10]'
    contains "$stderr" "1 late record was left out"
    # A source that was announced and says nothing holds everything back.
    stream 'source(0), source(1), rows(0, (5, 1), (25, 2)), rows(0, (3, 4))' >silent.leat
    exits 0 leat window --tumble 10s "$sum" -j silent.leat
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' <<<"$output")" $'["00",2,5]\n["20",1,2]'
}

@test "watermark blocks move the watermark" {
    # The window's last record was the last one: it is late all the same right when the watermark is at its end.
    stream 'source(0), rows(0, (5, 1)), mark(0, 10), rows(0, (6, 2), (13, 4))' >mark.leat
    exits 0 leat window --tumble 10s "$sum" -j mark.leat
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' <<<"$output")" $'["00",1,1]\n["10",1,4]'
    contains "$stderr" "1 late record was left out"
    leat produce t --time .t <<<$'{"t":1704067205,"n":1}\n{"t":1704067215,"n":2}\n{"t":1704067207,"n":4}'
    exits 0 bash -c "leat consume t -e --out-of-order 10s | leat window --tumble 10s --out-of-order 10s '$sum' -j"
    equals "$(jq -c '[.n, .sum]' <<<"$output")" $'[2,5]\n[1,2]'
}

@test "watermark blocks of a source are believed, unless --out-of-order says what is to be" {
    stream 'source(0), mark(0, 0), rows(0, (5, 1), (25, 2), (6, 4)), mark(0, 22), rows(0, (7, 8))' >told.leat
    exits 0 leat window --tumble 10s "$sum" -j told.leat
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' <<<"$output")" $'["00",2,5]\n["20",1,2]'
    contains "$stderr" "1 late record was left out"
    exits 0 leat window --tumble 10s --out-of-order 0s "$sum" -j told.leat
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' <<<"$output")" $'["00",1,1]\n["20",1,2]'
    contains "$stderr" "2 late records were left out"
    exits 0 bash -c "leat show -j told.leat | leat produce t --time '1704067200 + .n'"
    exits 0 bash -c "leat consume t -e --out-of-order 10s | leat window --tumble 5s '$sum' -j"
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' <<<"$output")" $'["00",3,7]\n["05",1,8]'
}

@test "a topic of 3 partitions: results as its partitions come to their ends, one of them empty" {
    leat produce t --partitions 3 -p 0 --time .t six.json
    leat produce t -p 2 --time .t <<<$'{"t":1704067202,"n":10}\n{"t":1704067203,"n":20}'
    exits 0 bash -c "leat consume t -e | leat window --tumble 10s '$sum' -j"
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' <<<"$output")" $'["00",5,36]\n["10",1,4]\n["20",1,5]\n["30",1,6]'
    equals "$stderr" ""
    # A topic that is followed gives what is complete while it waits.
    mkfifo pipe
    leat consume t >pipe &
    local job=$!
    leat window --tumble 10s "$sum" -j <pipe >out &
    until_true has_lines out 3
    leat produce t -p 1 --time .t <<<'{"t":1704067259,"n":40}'
    until_true has_lines out 4
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' out | tail -n 1)" '["30",1,6]'
    kill "$job"
    wait
}

@test "--idle-timeout: a source that has nothing for so long does not hold windows back" {
    mkfifo pipe
    leat window --tumble 10s --idle-timeout 300ms "$sum" -j <pipe >out &
    exec 9>pipe
    stream 'source(0), source(1), rows(0, (5, 1), (25, 2)), rows(1, (1, 4))' >blocks
    python3 -c 'import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data[:data.rindex(b"LEAT")])' \
        <blocks >&9
    until_true has_lines out 1
    equals "$(jq -c '[.window_start[17:19], .n, .sum]' out)" '["00",2,5]'
    exec 9>&-
    wait
    # Without it they wait.
    exits 0 leat window --tumble 10s --idle-timeout 1h "$sum" -j blocks
    equals "${#lines[@]}" 2
    exits 2 leat window --tumble 10s --idle-timeout soon "$sum" -j blocks
}

@test "-v names what holds the watermark back, and where it is" {
    stream 'source(0), source(1), rows(0, (5, 1), (45, 2)), rows(1, (3, 4))' >two.leat
    exits 0 leat window --tumble 10s "$sum" -j two.leat -v
    contains "$stderr" "leat window: t/1 holds the watermark back by 42.000 s"
    stream 'source(0), source(1), rows(0, (5, 1), (45, 2)), idle(1)' >one.leat
    exits 0 leat window --tumble 10s "$sum" -j one.leat -v
    [[ $stderr != *"holds the watermark back"* ]]
}

# ---- state ----------------------------------------------------------------------------------------------------------

# What two records gave so far, then two, then the rest with --drain, is what all of them give at once: OPTIONS...
in_three() {
    local want got
    want=$(leat window --time .t -i json -j "$@" "$all_of_it" six.json)
    rm -rf state
    got=$(head -n 2 six.json | leat window --time .t -i json -j "$@" --state state "$all_of_it")$'\n'
    got+=$(sed -n 3,4p six.json | leat window --time .t -i json -j "$@" --state state "$all_of_it")$'\n'
    got+=$(tail -n +5 six.json | leat window --time .t -i json -j "$@" --state state --drain "$all_of_it")
    equals "$* $(sed '/^$/d' <<<"$got")" "$* $want"
}

@test "--state: three runs give what one gives, for every kind of windows and every aggregate" {
    local all_of_it='{n: count, s: sum(.n), m: mean(.n), v: var(.n), d: stddev(.n), min: min(.k), max: max(.k),
        f: first(.n), l: last(.n), p: median(.n), q: exact_quantile(.n; 0.3), di: distinct(.n), ed: exact_distinct(.k),
        t: topk(2; .k), mo: mode(.n), c: collect(.n), any: any(.k), all: all(.k), r: rate, cn: count(.n > 2)}'
    in_three --tumble 10s
    in_three --tumble 1h
    in_three --tumble day --tz Europe/Berlin
    in_three --hop 20s --slide 5s -g .k
    in_three --hop 5s --slide 10s
    in_three --cumulate 20s --step 5s -g .k
    in_three --session 5s
    in_three --session 5s -g .k
    in_three --session 5s -g .k --max 6s --out-of-order 5s
    in_three --session 20s --max 12s
    in_three --count 2
    in_three --count 3 --slide 2
    in_three --count 2 --slide 3 -g .k --out-of-order 20s
    in_three --tumble 10s --grace 1m
    in_three --session 3s --grace 1m
    in_three --hop 20s --slide 5s --emit changes
    in_three --tumble 20s -g .k --early-every 5s
}

@test "--state: without --drain the end keeps what is open; --drain gives it and leaves nothing" {
    brief --tumble 10s --state state "$sum" <(head -n 2 late.json)
    equals "$output" '0..10 1 1'
    brief --tumble 10s --state state "$sum" <(sed -n 3p late.json) # late, as the watermark is kept, too
    equals "$output" ""
    contains "$stderr" "1 late record was left out"
    brief --tumble 10s --state state --drain "$sum" /dev/null
    equals "$output" '10..20 1 2'
    equals "$(stat -c %a state)" 700
}

@test "--state: what another run needs is refused: another program, other windows, other groups" {
    brief --tumble 10s --state state "$sum" six.json
    local before
    before=$(cat state/state state/whole-* | sha256sum)
    exits 2 leat window --tumble 20s --time .t --state state "$sum" -j six.json
    equals "$output" ""
    equals "$stderr" "leat window: the state in 'state' is of a run with '--tumble 10s $sum', this one has '--tumble 20s $sum'"
    exits 2 leat window --tumble 10s --time .t --state state '{n: count}' -j six.json
    exits 2 leat window --tumble 10s --time .t --state state -g .k "$sum" -j six.json
    exits 2 leat window --tumble 10s --offset 1s --time .t --state state "$sum" -j six.json
    exits 2 leat window --session 10s --time .t --state state "$sum" -j six.json
    equals "$(cat state/state state/whole-* | sha256sum)" "$before"
    exits 0 leat window --tumble day --time .t --state days --tz Europe/Berlin "$sum" -j six.json
    exits 2 leat window --tumble day --time .t --state days --tz Asia/Tokyo "$sum" -j six.json
    # A zone that only says how times are read may be another, too.
    exits 0 leat window --tumble 1h --time .t --state hours --tz Europe/Berlin "$sum" -j six.json
    exits 0 leat window --tumble 1h --time .t --state hours --tz Asia/Tokyo "$sum" -j /dev/null
    # How long to wait and where results go may change.
    exits 2 leat window --tumble 10s --grace 1s --time .t --state state "$sum" -j six.json
    brief --tumble 10s --state state --drain --out-of-order 5s "$sum" /dev/null
    equals "$output" '30..40 1 6'
}

@test "--state: what was drained is complete: the next run is exit 2" {
    local options
    for options in "--tumble 1h" "--hop 1h --slide 20m" "--cumulate 1h --step 20m" "--session 1m" "--session 1m --max 1h" \
        "--count 4" "--count 8" "--count 5 --slide 2" "--session 1m --grace 1h" "--tumble 1h --grace 1h"; do
        rm -rf state
        # shellcheck disable=SC2086 # several words
        leat window $options --time .t --state state "$sum" -j six.json >first
        # shellcheck disable=SC2086
        leat window $options --time .t --state state --drain "$sum" -j /dev/null >>first
        # shellcheck disable=SC2086
        exits 2 leat window $options --time .t --state state --drain "$sum" -j /dev/null
        equals "$stderr" \
            "leat window: 'state': the state was drained: all windows are complete; to begin anew, remove it"
        equals "$output" ""
        # shellcheck disable=SC2086
        leat window $options --time .t "$sum" -j six.json | cmp - first
    done
}

@test "--state: two runs at once: the second is exit 7" {
    mkfifo pipe
    leat window --tumble 10s --time .t -i json --state state "$sum" -j <pipe >out &
    exec 9>pipe
    until_true test -e state/lock
    sleep 0.2
    exits 7 leat window --tumble 10s --time .t --state state "$sum" -j six.json
    equals "$output" ""
    contains "$stderr" "leat window: the state in 'state' is in use by process "
    cat six.json >&9
    exec 9>&-
    wait
    equals "$(wc -l <out)" 3
    brief --tumble 10s --state state --drain "$sum" /dev/null
    equals "$output" '30..40 1 6'
}

@test "--state: a run that failed leaves the state of the one before it" {
    brief --tumble 10s --state state "$sum" <(head -n 2 six.json)
    equals "$output" ""
    { sed -n 3,4p six.json; echo '{"t":'; } >broken.json
    exits 3 leat window --tumble 10s --time .t --state state "$sum" -j broken.json
    leat map . --time .t -O leat <(sed -n 3,4p six.json) | head -c -1 >cut.leat
    exits 5 leat window --tumble 10s --state state "$sum" -j cut.leat
    brief --tumble 10s --state state --drain "$sum" <(tail -n +3 six.json)
    equals "$output" $'0..10 3 6\n10..20 1 4\n20..30 1 5\n30..40 1 6'
}

@test "--state: damage is exit 6, a folder that cannot be is exit 4" {
    brief --tumble 10s --state state "$sum" six.json
    local file size position
    cp -r state good
    for file in good/state good/whole-*; do
        size=$(stat -c %s "$file")
        for position in 0 $((size / 2)) $((size - 1)); do
            rm -rf state
            cp -r good state
            flip "state/$(basename "$file")" "$position"
            run --separate-stderr leat window --tumble 10s --time .t --state state --drain "$sum" -j six.json
            equals "$file at $position: $status $output" "$file at $position: 6 "
        done
    done
    exits 4 leat window --tumble 10s --time .t --state /dev/null "$sum" -j six.json
    contains "$stderr" "Not a directory"
}

@test "a barrier saves the state and goes on downstream; without --state it is exit 2" {
    stream 'source(0), rows(0, (5, 1), (12, 2)), barrier(7), rows(0, (15, 4))' >barrier.leat
    exits 2 leat window --tumble 10s "$sum" -j barrier.leat
    contains "$stderr" "windows cannot go on after a restart without --state DIR"
    exits 0 leat window --tumble 10s --state state "$sum" barrier.leat --output out.leat
    equals "$(grep -ac '"type":"barrier","checkpoint":7' out.leat) $(leat show -j out.leat | jq -c '[.n, .sum]')" '1 [1,1]'
    # Cut off behind the barrier: the next run has the state that was saved there.
    rm -rf state
    head -c -1 barrier.leat >cut.leat
    exits 5 leat window --tumble 10s --state state "$sum" -j cut.leat
    equals "$(jq -c '[.n, .sum]' <<<"$output")" '[1,1]'
    brief --tumble 10s --state state --drain "$sum" /dev/null
    equals "$output" '10..20 1 2'
}

@test "--count --early-every: a barrier saves that a group was told of, though it had no record" {
    # Group 0 has none between the barriers.
    stream 'source(0), rows(0, (1, 0), (3, 1), (5, 1)), barrier(1), rows(0, (15, 1)), barrier(2)' | head -c -1 >first.leat
    stream 'source(0), rows(0, (25, 1))' >second.leat
    set -- --count 9 --early-every 10s -g '{k: (.n % 2)}' '{n: count}' --state state -j
    run --separate-stderr leat window "$@" first.leat
    equals "$status $(jq -c '[.emit, .k, .n]' <<<"$output" | paste -sd' ')" '5 ["early",0,1] ["early",1,2]'
    exits 0 leat window "$@" --drain second.leat
    equals "$(jq -c '[.emit, .k, .n]' <<<"$output" | paste -sd' ')" '["early",1,3] [null,0,1] [null,1,4]'
}

@test "many barriers: what changed between them adds up, for every kind of windows" {
    local words program all='' with='' i s cut rest='rows(0, (65, 1000), (70, 2000), (150, 4000))'
    for ((i = 0; i < 24; i++)); do
        s=$((i * 7 % 24 + i * 2)) # forth and back by up to 22
        all+="rows(0, ($s, $i)), "
        with+="rows(0, ($s, $i)), barrier($i), "
        if ((i % 4 == 3 || i == 16)); then
            stream "source(0), $with" | head -c -1 >"barriers.$i"
        fi
    done
    stream "source(0), $all $rest" >all.leat
    for cut in 3 7 11 15 16 19 23; do
        stream "source(0), $(sed "s/.*rows(0, ([0-9]*, $cut)), //" <<<"$all") $rest" >"rest.$cut"
    done
    for words in "--tumble 5s" "--hop 12s --slide 3s" "--hop 40s --slide 1s" "--cumulate 20s --step 5s" "--session 2s" \
        "--session 2s --max 5s" "--count 3" "--count 5 --slide 2" "--tumble 5s --grace 8s" "--session 2s --grace 6s" \
        "--hop 12s --slide 3s --early-every 4s" "--session 4s --early-every 4s" "--count 9 --early-every 4s"; do
        read -ra words <<<"$words -q -j --out-of-order 9s -g {k:(.n%3)}"
        program=$sum
        for cut in 3 7 11 15 16 19 23; do
            leat window "${words[@]}" "$program" all.leat >want
            rm -rf state
            run --separate-stderr leat window "${words[@]}" --state state "$program" "barriers.$cut"
            equals "${words[*]} $status" "${words[*]} 5"
            { [[ -z $output ]] || echo "$output"; } >got
            leat window "${words[@]}" --state state --drain "$program" "rest.$cut" >>got
            program='{n: count, top: topk(2; .n % 5)}' # from now on with records that wait for their turn
            cmp got want || { echo "cut at $cut: ${words[*]}"; diff got want; return 1; }
        done
    done
}

@test "--session --grace: one that was joined to a closed one is complete in its turn" {
    run -0 leat window --session 10s --grace 100s --time .t -g .k -i json -j '{n: count}' <<'END'
{"t":1000,"k":"a"}
{"t":1015,"k":"a"}
{"t":1020,"k":"b"}
{"t":1008,"k":"a"}
{"t":1040,"k":"b"}
{"t":1060,"k":"b"}
{"t":1100,"k":"b"}
{"t":1130,"k":"b"}
END
    equals "$(jq -r '"\(.k) \(.window_end[14:19]) \(.n) \(.emit)"' <<<"$output")" "a 16:50 1 null
a 17:05 3 correction
b 17:10 1 null
b 17:30 1 null
b 17:50 1 null
b 18:30 1 null
b 19:00 1 null"
}

@test "--early-every passes over what has no records, and --slide may be as long as a number can be" {
    run -0 timeout 10 leat window --tumble 1ms --early-every 1s --time .t --out-of-order 36500d --max-ahead none -i json -j \
        '{n: count}' <<<$'{"t":1}\n{"t":3000000000}\n{"t":3100000000}'
    equals "$(wc -l <<<"$output")" 6
    local slide
    for slide in 18446744073709551605 18446744073709551614 18446744073709551615; do
        run -0 leat window --count 10 --slide "$slide" --time .t -i json -j '{n: count}' <<<$'{"t":1}\n{"t":2}\n{"t":3}'
        equals "$output" ""
    done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat window --all: one window of everything, with times or without, whose results come out when the input has ended.

load helpers
load records
load windows

setup() {
    cd "$BATS_TEST_TMPDIR"
    make_inputs
    printf '%s\n' '{"k":"b","n":5}' '{"k":"a","n":1}' '{"k":"a","n":4}' '{"n":2}' '{"k":7,"n":3}' >plain.json
}

teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

# all ARGUMENTS...: JSON lines of a run that goes well and says nothing.
all() {
    exits 0 leat window --all -j "$@"
    equals "$stderr" ""
}

# Envelopes as "time key value", the time in ms.
timed() {
    exits 0 leat window --all -J "$@"
    output=$(jq -r '"\(.ts) \(.key) \(.payload | tojson)"' <<<"$output")
}

@test "records without times: JSON, CSV, lines and blocks, by group and as one" {
    all "$sum" plain.json
    equals "$output" '{"n":5,"sum":15}'
    all -g .k "$sum" plain.json
    local groups=$output
    equals "$output" '{"k":"a","n":2,"sum":5}
{"k":"b","n":1,"sum":5}
{"k":7,"n":1,"sum":3}
{"k":null,"n":1,"sum":2}'
    leat map . -O leat plain.json >plain.leat
    all -g .k "$sum" plain.leat
    equals "$output" "$groups"
    all -g .k "$sum" - <plain.leat
    equals "$output" "$groups"
    all -g '{key: .k, number: .n}' '{n: count}' -i csv <<<$'k,n\na,1\nb,2\na,1'
    equals "$output" $'{"key":"a","number":1,"n":2}\n{"key":"b","number":2,"n":1}'
    all '{n: count, longest: max(length)}' -i lines <<<$'one\nthree\ntwo'
    equals "$output" '{"n":3,"longest":5}'
    # Several files are one input, of whatever kind.
    all "$sum" plain.json plain.leat plain.json
    equals "$output" '{"n":15,"sum":45}'
}

@test "results: no bounds, any format, the key of the group, and none that select() leaves out" {
    all -g .k '{n: count} | select(.n > 1)' plain.json
    equals "$output" '{"k":"a","n":2}'
    all -g '{k: .k, odd: (.n % 2 == 1)}' '{}' plain.json
    equals "$output" '{"k":"a","odd":false}
{"k":"a","odd":true}
{"k":"b","odd":true}
{"k":7,"odd":true}
{"k":null,"odd":false}'
    all '{}' plain.json
    equals "$output" '{}'
    all '{window_start: min(.n), window_end: max(.n)}' plain.json
    equals "$output" '{"window_start":1,"window_end":5}'
    all -g '{window_end: .k}' 'if true then {window_start: first(.n), group: .window_end} else . end' plain.json
    equals "$(sed -n 1p <<<"$output")" '{"window_end":"a","window_start":1,"group":"a"}'
    exits 0 leat window --all -g .k "$sum" plain.json -O csv
    equals "$output" $'k,n,sum\na,2,5\nb,1,5\n7,1,3\n,1,2'
    exits 0 leat window --all -g .k "$sum" plain.json -f '%k|%s|%T|\n'
    equals "$output" $'a|{"k":"a","n":2,"sum":5}|-1|\nb|{"k":"b","n":1,"sum":5}|-1|\n7|{"k":7,"n":1,"sum":3}|-1|\n|{"k":null,"n":1,"sum":2}|-1|'
    timed -g '{k: .k, odd: (.n % 2 == 1)}' '{n: count}' plain.json
    equals "$(sed -n 2p <<<"$output")" '-1 ["a",true] {"k":"a","odd":true,"n":1}'
    timed -g '.k' '{n: count}' plain.json
    equals "$(sed -n 1p <<<"$output")" '-1 a {"k":"a","n":2}'
    equals "$(sed -n 4p <<<"$output")" '-1 null {"k":null,"n":1}'
    exits 0 leat window --all -g .k "$sum" plain.json --output groups.leat
    exits 0 leat show --verify groups.leat
}

@test "no records: no results" {
    all "$sum" </dev/null
    equals "$output" ""
    all -g .k "$sum" -i csv <<<'k,n'
    equals "$output" ""
    all "$sum" --state state --drain </dev/null
    equals "$output" ""
    exits 0 leat window --all "$sum" -O leat </dev/null
    exits 0 bash -c "leat window --all '$sum' -O leat </dev/null | leat show --verify"
}

@test "a result has the latest time of all records, and rates are by the time between the first and the last" {
    timed --time .t -g .k "$sum" six.json
    equals "$output" '1704067231000 a {"k":"a","n":3,"sum":8}
1704067231000 b {"k":"b","n":1,"sum":2}
1704067231000 null {"k":null,"n":2,"sum":11}'
    sort -R --random-source=/etc/passwd six.json >mixed.json
    timed --time .t '{r: rate, s: rate(.n)}' mixed.json
    equals "$output" '1704067231000 null {"r":0.2,"s":0.7}'
    # Half of them have no time: nothing, null, and a block's that does not count.
    printf '%s\n' '{"n":1}' '{"n":2,"t":null}' >>mixed.json
    timed --time .t "$sum" mixed.json
    equals "$output" '1704067231000 null {"n":8,"sum":24}'
    leat map . -O leat --time '"2025-01-01"' mixed.json >mixed.leat
    timed --time .t "$sum" mixed.leat
    equals "$output" '1704067231000 null {"n":8,"sum":24}'
    timed "$sum" mixed.leat
    equals "$output" '1735689600000 null {"n":8,"sum":24}'
    timed --time '.t | select(. != null)' "$sum" mixed.json
    equals "$output" '1704067231000 null {"n":8,"sum":24}'
    timed --time '7' '{r: rate, s: rate(.n), n: count}' plain.json
    equals "$output" '7000 null {"r":null,"s":null,"n":5}'
    timed '{r: rate, s: rate(.n), n: count}' plain.json
    equals "$output" '-1 null {"r":null,"s":null,"n":5}'
    # An access log has times by itself.
    printf '192.0.2.1 - - [21/Nov/2015:10:00:%s +0100] "GET / HTTP/1.1" %s 512 "-" "curl/7.88"\n' 59 200 50 404 55 200 >access.log
    timed -g .status '{n: count, r: rate}' access.log
    equals "$output" $'1448096459000 200 {"status":200,"n":2,"r":0.2222222222222222}\n1448096459000 404 {"status":404,"n":1,"r":0.1111111111111111}'
    # One behind the other: the times of both files count.
    leat map . -O leat --time .t six.json >six.leat
    leat map . -O leat plain.json >plain.leat
    timed "$sum" plain.leat six.leat plain.leat
    equals "$output" '1704067231000 null {"n":16,"sum":51}'
}

@test "any time is taken, the far future too, unless --max-ahead is given; what is no time is bad" {
    timed --time .t '{n: count}' <<<$'{"t":"2261-01-01T00:00:00Z"}\n{"t":"1700-01-01T00:00:00Z"}\n{}'
    equals "$output" '9183110400000 null {"n":3}'
    exits 3 leat window --all --max-ahead 1d --time .t '{n: count}' -j <<<$'{"t":"2261-01-01T00:00:00Z"}'
    contains "$stderr" "its time 2261-01-01T00:00:00Z is further ahead of the clock than --max-ahead allows"
    all --max-ahead 1d --time .t '{n: count}' <<<$'{"t":"2024-01-01T00:00:00Z"}\n{}'
    equals "$output" '{"n":2}'
    exits 3 leat window --all --time .t '{n: count}' -j <<<$'{"t":"x"}'
    contains "$stderr" "standard input:1"
    exits 3 leat window --all --time '.t.u' '{n: count}' -j <<<$'{"t":1}'
    contains "$stderr" "standard input:1"
}

@test "first, last, collect and topk: in the order of input without times, by event time with them" {
    local program='{first: first(.n), last: last(.n), all: collect(.n), top: topk(5; .n)}'
    local counts='[{"value":1,"count":1},{"value":2,"count":1},{"value":3,"count":1},{"value":4,"count":1},{"value":5,"count":1}]'
    all "$program" plain.json
    equals "$output" '{"first":5,"last":3,"all":[5,1,4,2,3],"top":'"$counts"'}'
    leat map . -O leat plain.json >plain.leat
    all "$program" plain.leat
    equals "$output" '{"first":5,"last":3,"all":[5,1,4,2,3],"top":'"$counts"'}'
    all --time '1000000 - .n' "$program" plain.json
    equals "$output" '{"first":5,"last":1,"all":[5,4,3,2,1],"top":'"$counts"'}'
    # What has no time is before all others.
    all --time 'if .n > 3 then 10 - .n else null end' "$program" plain.json
    equals "$output" '{"first":1,"last":4,"all":[1,2,3,5,4],"top":'"$counts"'}'
    # With topk records with times wait for the watermark, those without do not: all are there in the end.
    all --time 'if .n > 3 then 10 - .n else null end' --out-of-order 1h -g .k '{n: count, top: (topk(1; .n) | map(.value))}' plain.json
    equals "$output" '{"k":"a","n":2,"top":[1]}
{"k":"b","n":1,"top":[5]}
{"k":7,"n":1,"top":[3]}
{"k":null,"n":1,"top":[2]}'
}

@test "no record is late: out of order, behind watermarks, and behind the end of event time" {
    all --time .t "$sum" late.json
    equals "$output" '{"n":7,"sum":127}'
    all --time .t '{n: count, top: (topk(9; .n) | length)}' late.json
    equals "$output" '{"n":7,"top":7}'
    stream 'source(0), rows(0, (5, 1)), mark(0, 1000), rows(0, (7, 2))' >marks.leat
    all "$sum" marks.leat
    equals "$output" '{"n":2,"sum":3}'
    # Whoever says that there is nothing more may be wrong, and another file follows.
    stream 'source(0), rows(0, (5, 1)), control("watermark", {"topic_id": 77, "partition": 0}, time=2**63 - 1), rows(0, (7, 2))' >over.leat
    leat map . -O leat plain.json >plain.leat
    local program
    for program in "$sum" '{n: count, sum: sum(.n), top: topk(1; .n)} | del(.top)'; do
        all "$program" over.leat plain.leat six.json --time '.t // null'
        equals "$output" '{"n":13,"sum":39}'
        all "$program" over.leat over.leat plain.leat
        equals "$output" '{"n":9,"sum":21}'
    done
    # The same with a run in between.
    all "$sum" --state state over.leat
    equals "$output" ""
    all "$sum" --state state --drain over.leat plain.leat
    equals "$output" '{"n":9,"sum":21}'
}

@test "--early-every and --emit changes: what there is before the end, with and without times" {
    all --time .t --early-every 10s "$sum" six.json
    equals "$output" '{"emit":"early","n":4,"sum":10}
{"emit":"early","n":5,"sum":15}
{"emit":"early","n":6,"sum":21}
{"n":6,"sum":21}'
    all --time .t --early-every 10s -g .k '{n: count}' six.json
    equals "$output" '{"emit":"early","k":"a","n":3}
{"emit":"early","k":"b","n":1}
{"emit":"early","k":null,"n":1}
{"emit":"early","k":null,"n":2}
{"k":"a","n":3}
{"k":"b","n":1}
{"k":null,"n":2}'
    all --early-every 10s '{n: count}' plain.json
    equals "$output" '{"n":5}'
    all --emit changes -g .k '{n: count}' plain.json
    equals "$output" '{"emit":"change","k":"b","n":1}
{"emit":"change","k":"a","n":1}
{"emit":"change","k":"a","n":2}
{"emit":"change","k":null,"n":1}
{"emit":"change","k":7,"n":1}
{"k":"a","n":2}
{"k":"b","n":1}
{"k":7,"n":1}
{"k":null,"n":1}'
    # At a multiple topk has what was before it, and so has the time.
    timed --time .t --early-every 10s '{n: count, top: (topk(9; .n) | length)}' six.json
    equals "$output" '1704067209500 null {"emit":"early","n":3,"top":3}
1704067212000 null {"emit":"early","n":4,"top":4}
1704067227000 null {"emit":"early","n":5,"top":5}
1704067231000 null {"n":6,"top":6}'
}

@test "a window behind it gets its times and watermarks, and no result is late there" {
    exits 0 bash -c "leat window --all --time .t --early-every 10s '$sum' six.json -O leat |
        leat window --tumble 10s '{n: count, last: last(.sum)}' -j"
    equals "$output" '{"window_start":"2024-01-01T00:00:10Z","window_end":"2024-01-01T00:00:20Z","n":1,"last":10}
{"window_start":"2024-01-01T00:00:20Z","window_end":"2024-01-01T00:00:30Z","n":1,"last":15}
{"window_start":"2024-01-01T00:00:30Z","window_end":"2024-01-01T00:00:40Z","n":2,"last":21}'
    equals "$stderr" ""
    # The watermark is further than any record: the next result may have the same time all the same.
    stream 'source(0), rows(0, (5, 1)), mark(0, 6), mark(0, 100), mark(0, 200), rows(0, (3, 2)), mark(0, 300)' >ahead.leat
    exits 0 bash -c "leat window --all --early-every 10s '$sum' ahead.leat -O leat | leat window --tumble 1s '{n: count, last: last(.sum)}' -j"
    equals "$output" '{"window_start":"2024-01-01T00:00:05Z","window_end":"2024-01-01T00:00:06Z","n":3,"last":3}'
    equals "$stderr" ""
    exits 0 bash -c "leat window --all --time .t -g .k '$sum' six.json | leat sink-tsdb --tags .k lines:-"
    equals "$output" 'metrics,k=a n=3i,sum=8i 1704067231000000000
metrics,k=b n=1i,sum=2i 1704067231000000000
metrics n=2i,sum=11i 1704067231000000000'
    exits 3 bash -c "leat window --all '$sum' plain.json | leat window --tumble 1s '{n: count}' -j"
    contains "$stderr" "record has no time"
    exits 0 bash -c "leat window --all -g .k '$sum' plain.json | leat window --all '{n: sum(.n), groups: count}' -j"
    equals "$output" '{"n":5,"groups":4}'
}

@test "a bad record is exit 3 and nothing comes out; --on-error skip and --dead-letter go on" {
    { head -n 2 plain.json; echo '{"k":"a","n":"x"}'; tail -n +3 plain.json; } >bad.json
    exits 3 leat window --all -g .k "$sum" -j bad.json
    equals "$output" ""
    equals "$stderr" "leat window: record 'bad.json:3': sum(.n): \"x\" is not a number"
    exits 0 leat window --all --on-error skip "$sum" -j bad.json
    equals "$output" '{"n":5,"sum":15}'
    contains "$stderr" "leat window: warning: record 'bad.json:3' skipped: sum(.n): \"x\" is not a number"
    leat map . -O leat bad.json >bad.leat
    exits 0 leat window --all --dead-letter ./dead.leat "$sum" -j bad.leat
    equals "$output" '{"n":5,"sum":15}'
    exits 0 leat show dead.leat -f '%s\n'
    equals "$output" '{"k":"a","n":"x"}'
    # The bad ones have no part in the order of the others.
    exits 0 leat window --all --on-error skip '{all: collect(.n + 0)}' -q -j bad.leat
    equals "$output" '{"all":[5,1,4,2,3]}'
}

@test "a bad result is named by its group, with what it has of it" {
    exits 3 leat window --all -g .k '{a: (1 / (count - 2))}' -j plain.json
    contains "$stderr" "leat window: window 'all a': aggregates: number (1) and number (0) cannot be divided"
    exits 3 leat window --all '{a: (1 / (count - 5))}' -j plain.json
    contains "$stderr" "leat window: window 'all': aggregates: "
    exits 0 leat window --all -g .k '{a: (1 / (count - 2))}' -j plain.json --dead-letter ./dead.leat
    equals "$output" $'{"k":"b","a":-1}\n{"k":7,"a":-1}\n{"k":null,"a":-1}'
    exits 0 leat show dead.leat -f '%k %s\n'
    equals "$output" 'a {"k":"a"}'
    exits 3 leat window --all '{a: count} | {emit: .a}' -j plain.json
    contains "$stderr" "the aggregates cannot have 'emit', as results have that already"
    exits 0 leat window --all '{a: count} | {window_start: .a}' -j plain.json
    equals "$output" '{"window_start":5}'
}

@test "input that is cut off, or a signal: no result, and the exit status says so" {
    leat map . -O leat plain.json >plain.leat
    head -c -1 plain.leat >cut.leat
    exits 5 leat window --all "$sum" -j cut.leat
    equals "$output" ""
    contains "$stderr" "the input ends inside a block"
    mkfifo in
    leat window --all --emit changes -u -i json "$sum" -j <in >out &
    local job=$!
    exec 9>in
    cat plain.json >&9
    until_true grep -q '"n":5' out
    kill -INT $job
    reap $job
    exec 9>&-
    equals "$status" 130
    equals "$(grep -vc emit out)" 0
}

@test "--max-state: more is exit 4" {
    leat gen clicks -c 20000 >many.leat
    exits 4 leat window --all -g '{k: .user}' --max-state 64KiB '{n: collect(.url)}' -j -q many.leat
    equals "$output" ""
    equals "$stderr" "leat window: state is over 64 KiB (--max-state)"
}

@test "--state: runs add up, a copy can be drained to look, --drain ends it" {
    local program='{n: count, sum: sum(.n), first: first(.n), last: last(.n), all: collect(.n), r: rate, top: topk(2; .n)}'
    all -g .k "$program" plain.json
    local want=$output
    all -g .k "$program" --state state <(head -n 2 plain.json)
    equals "$output" ""
    all -g .k "$program" --state state <(sed -n 3p plain.json)
    equals "$output" ""
    cp -r state look
    all -g .k '{n: count}' --state other <(head -n 3 plain.json)
    all -g .k "$program" --state look --drain /dev/null
    equals "$(jq -c '[.k, .n]' <<<"$output")" $'["a",2]\n["b",1]'
    all -g .k "$program" --state state --drain <(tail -n 2 plain.json)
    equals "$output" "$want"
    exits 2 leat window --all -g .k "$program" --state state plain.json
    contains "$stderr" "the state was drained: all windows are complete; to begin anew, remove it"
    exits 2 leat window --tumble 1s -g .k '{n: count}' --state other plain.json --time .t
    contains "$stderr" "the state in 'other' is of a run with '--all -g .k {n: count}', this one has '--tumble 1s -g .k {n: count}'"
}

@test "--state: times seen, the order of records without any, and early results go on" {
    local program='{n: count, r: rate, all: collect(.n), top: topk(2; .n)}' from
    cat six.json plain.json six.json plain.json >many.json
    timed --time '.t // null' "$program" many.json
    local want=$output
    for from in 1 4 7 10 13 16 19; do
        timed --time '.t // null' "$program" --state state <(sed -n "$from,$((from + 2))p" many.json)
        equals "$output" ""
    done
    timed --time '.t // null' "$program" --state state --drain <(sed -n '22,$p' many.json)
    equals "$output" "$want"
    all --time .t --early-every 10s "$sum" six.json
    want=$output
    { leat window --all -j --time .t --early-every 10s "$sum" --state early <(head -n 4 six.json)
      leat window --all -j --time .t --early-every 10s "$sum" --state early --drain <(tail -n +5 six.json); } >got
    equals "$(cat got)" "$want"
}

@test "--state: barriers, and a run that fails goes on from the last one" {
    stream 'source(0), rows(0, (5, 1), (3, 2)), barrier(1), rows(0, (9, 4))' >first.leat
    stream 'source(0), rows(0, (9, 4), (7, 8))' >second.leat
    head -c -1 first.leat >cut.leat
    exits 5 leat window --all "$sum" -j --state state cut.leat
    timed --state state --drain "$sum" second.leat
    equals "$output" '1704067209000 null {"n":4,"sum":15}'
}

@test "usage: what does not go with --all, and that it is there" {
    local words
    exits 2 leat window '{n: count}' plain.json
    equals "$stderr" "leat window: say which windows: --tumble, --hop, --session, --count, --cumulate, or --all for one of everything"
    for words in "--tumble 1s" "--hop 2s --slide 1s" "--session 1s" "--count 5" "--cumulate 2s --step 1s"; do
        # shellcheck disable=SC2086 # several words
        exits 2 leat window --all $words '{n: count}' plain.json
        equals "$words: $stderr" "$words: leat window: there can be one kind of windows only"
    done
    exits 2 leat window --all --offset 1s '{n: count}' plain.json
    equals "$stderr" "leat window: --offset goes with --tumble, --hop or --cumulate"
    for words in "--grace 1s" "--late ./late.leat"; do
        # shellcheck disable=SC2086
        exits 2 leat window --all $words '{n: count}' plain.json
        equals "$stderr" "leat window: --grace and --late do not go with --all, for which no record is late"
    done
    exits 2 leat window --all --slide 1s '{n: count}' plain.json
    exits 2 leat window --all --max 1s '{n: count}' plain.json
    exits 2 leat window --all --drain '{n: count}' plain.json
    exits 2 leat window --all '{n: count, start: .window_start}' plain.json
    contains "$stderr" "'.window_start' is not a field of the window"
    exits 2 leat window --all '{emit: count}' plain.json
    equals "$stderr" "leat window: the aggregates cannot have 'emit', as results have that already"
    exits 2 leat window --all -g '{emit: .k}' '{n: count}' plain.json
}

@test "random records: what Python makes of them, from JSON, CSV, blocks and in several runs" {
    python3 -B - <<'END'
import json, random
rng = random.Random(11)
with open('r.json', 'w') as out:
    for i in range(20000):
        r = {'k': rng.choice(['a', 'b', 'ä', 'c"d', 'zz']), 'g': rng.randrange(40), 'x': rng.randrange(-10**6, 10**6)}
        out.write(json.dumps(r) + '\n')
END
    local program='{n: count, big: count(.x > 0), sum: sum(.x), mean: mean(.x), min: min(.x), max: max(.x), first: first(.x), last: last(.x), gs: distinct(.g), m: exact_quantile(.x; 0.5), all: collect(3; .x)} | select(.n > 90)'
    python3 -B - >want <<'END'
import json, statistics
groups = {}
for line in open('r.json'):
    r = json.loads(line)
    groups.setdefault((r['k'], r['g']), []).append(r['x'])
for (k, g) in sorted(groups, key=lambda key: json.dumps(key[0], ensure_ascii=False).encode() + b',' + str(key[1]).encode()):
    x = groups[k, g]
    if len(x) > 90:
        print(json.dumps([k, g, len(x), sum(v > 0 for v in x), sum(x), sum(x) / len(x), min(x), max(x), x[0], x[-1], 1,
                          statistics.median(x), x[:3]]))
END
    leat map . -O leat r.json >r.leat
    leat map . -O csv r.json >r.csv
    split -n l/3 r.json part.
    local part
    leat window --all -g .k,.g "$program" -j r.json >json
    leat window --all -g .k,.g "$program" -j r.leat >leat
    leat window --all -g .k,.g "$program" -j r.csv >csv
    for part in part.aa part.ab; do leat window --all -g .k,.g "$program" -j --state state "$part"; done >runs
    leat window --all -g .k,.g "$program" -j --state state --drain part.ac >>runs
    python3 -B - json leat csv runs <<'END'
import json, sys
want = [json.loads(line) for line in open('want')]
assert len(want) > 100, len(want)
for name in sys.argv[1:]:
    got = [json.loads(line) for line in open(name)]
    assert len(got) == len(want), (name, len(got), len(want))
    for g, w in zip(got, want):
        assert list(g.values()) == w, (name, g, w)
END
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat window: which windows there are, what each aggregate gives, what results are, and that the answer depends on
# nothing but the records. window_reference.py has random cases; here are those that say what is meant.

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

# ---- kinds ----------------------------------------------------------------------------------------------------------

@test "--tumble: windows one behind the other, in order, with the sums of their records" {
    exits 0 leat window --tumble 10s --time .t "$sum" six.json -j
    equals "$output" '{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:00:10Z","n":3,"sum":6}
{"window_start":"2024-01-01T00:00:10Z","window_end":"2024-01-01T00:00:20Z","n":1,"sum":4}
{"window_start":"2024-01-01T00:00:20Z","window_end":"2024-01-01T00:00:30Z","n":1,"sum":5}
{"window_start":"2024-01-01T00:00:30Z","window_end":"2024-01-01T00:00:40Z","n":1,"sum":6}'
    equals "$stderr" ""
    # The end of one is the beginning of the next, whose record it is.
    brief --tumble 10s "$sum" <<<$'{"t":"2024-01-01T00:00:10Z","n":1}\n{"t":"2024-01-01T00:00:19.999999999Z","n":2}'
    equals "$output" '10..20 2 3'
    exits 0 leat window --tumble 10s --time .t "$sum" -j </dev/null
    equals "$output" ""
}

@test "--offset moves where windows begin" {
    brief --tumble 10s --offset 3s "$sum" six.json
    equals "$output" $'-7..3 1 1\n3..13 3 9\n23..33 2 11'
    brief --tumble 10s --offset 500ms "$sum" six.json
    equals "$output" $'0.5..10.5 3 6\n10.5..20.5 1 4\n20.5..30.5 1 5\n30.5..40.5 1 6'
    brief --hop 10s --slide 5s --offset 2s -g .k "$sum" six.json
    equals "$output" '-8..2 "a" 1 1
-3..7 "a" 1 1
-3..7 "b" 1 2
2..12 "a" 1 3
2..12 "b" 1 2
7..17 "a" 2 7
12..22 "a" 1 4
22..32 null 2 11
27..37 null 2 11'
    brief --cumulate 10s --step 5s --offset 1s "$sum" <<<'{"t":"2024-01-01T00:00:00Z","n":1}'
    equals "$output" $'-9..1 1 1'
}

@test "--hop: a record is in each window that covers it; a slide beyond the length leaves times out" {
    brief --hop 10s --slide 5s -g .k "$sum" six.json
    equals "$output" '-5..5 "a" 1 1
-5..5 "b" 1 2
0..10 "a" 2 4
0..10 "b" 1 2
5..15 "a" 2 7
10..20 "a" 1 4
20..30 null 1 5
25..35 null 2 11
30..40 null 1 6'
    brief --hop 10s --slide 4s "$sum" <<<'{"t":"2024-01-01T00:00:08Z","n":1}'
    equals "$output" $'0..10 1 1\n4..14 1 1\n8..18 1 1'
    brief --hop 10s --slide 10s "$sum" six.json
    equals "$output" $'0..10 3 6\n10..20 1 4\n20..30 1 5\n30..40 1 6'
    brief --hop 5s --slide 10s "$sum" six.json -v
    equals "$output" $'0..5 2 3\n10..15 1 4\n30..35 1 6'
    contains "$stderr" "leat window: 2 records are between windows"
    # They are as far as event time has come all the same.
    brief --hop 5s --slide 10s "$sum" -q <<<$'{"t":1704067201,"n":1}\n{"t":1704067217,"n":2}\n{"t":1704067203,"n":4}'
    equals "$output" '0..5 1 1'
}

@test "--hop with many windows a record, over every tier of partial results" {
    local i
    for ((i = 0; i < 600; i++)); do printf '{"t":%d,"n":1}\n' $((1704067200 + i)); done >each.json
    brief --hop 600s --slide 1s "$sum" each.json
    equals "$(wc -l <<<"$output")" 1199
    equals "$(sed -n '1p; 2p; 600p; 601p; 1199p' <<<"$output")" $'-599..1 1 1\n-598..2 2 2\n0..600 600 600\n1..601 599 599\n599..1199 1 1'
    equals "$(awk '{ s += $2 } END { print s }' <<<"$output")" 360000
}

@test "--cumulate: windows that grow by --step and begin again" {
    brief --cumulate 10s --step 5s "$sum" six.json
    equals "$output" '0..5 2 3
0..10 3 6
10..15 1 4
10..20 1 4
20..30 1 5
30..35 1 6
30..40 1 6'
}

@test "--session: records of a group no further apart than the gap, which is exact" {
    brief --session 5s "$sum" six.json
    equals "$output" $'1..9 2 3\n9.5..17 2 7\n27..36 2 11'
    brief --session 5s -g .k "$sum" six.json
    equals "$output" '1..6 "a" 1 1
4..9 "b" 1 2
9.5..17 "a" 2 7
27..36 null 2 11'
    # Five seconds are no further than five; a nanosecond more is.
    brief --session 5s "$sum" <<<$'{"t":"2024-01-01T00:00:00Z","n":1}\n{"t":"2024-01-01T00:00:05Z","n":2}'
    equals "$output" '0..10 2 3'
    brief --session 5s "$sum" <<<$'{"t":"2024-01-01T00:00:00Z","n":1}\n{"t":"2024-01-01T00:00:05.000000001Z","n":2}'
    equals "$output" $'0..5 1 1\n5.000000001..10.000000001 1 2'
    # One between two joins them.
    brief --session 5s --out-of-order 10s "$sum" <<<$'{"t":"2024-01-01T00:00:00Z","n":1}
{"t":"2024-01-01T00:00:08Z","n":2}\n{"t":"2024-01-01T00:00:04Z","n":4}'
    equals "$output" '0..13 3 7'
}

@test "--session --max: no session is longer than that" {
    local i
    for ((i = 0; i < 20; i += 2)); do printf '{"t":%d,"n":%d}\n' $((1704067200 + i)) "$i"; done >steady.json
    brief --session 5s --max 8s "$sum" steady.json
    equals "$output" $'0..8 4 12\n8..16 4 44\n16..23 2 34'
    brief --session 5s --max 1h "$sum" steady.json
    equals "$output" '0..23 10 90'
    # In the order of event time, whatever the order of arrival.
    sort -R --random-source=/etc/passwd steady.json >mixed.json
    brief --session 5s --max 8s --out-of-order 20s "$sum" mixed.json
    equals "$output" $'0..8 4 12\n8..16 4 44\n16..23 2 34'
}

@test "--count: so many records of a group in the order of event time; what is left comes at the end" {
    brief --count 2 "$sum" six.json
    equals "$output" $'1..4.000000001 2 3\n9.5..12.000000001 2 7\n27..31.000000001 2 11'
    brief --count 2 -g .k "$sum" six.json
    equals "$output" '1..9.500000001 "a" 2 4
27..31.000000001 null 2 11
4..4.000000001 "b" 1 2
12..12.000000001 "a" 1 4'
    brief --count 2 --out-of-order 1m "{list: collect(.n)}" <<<$'{"t":5,"n":3}\n{"t":2,"n":1}\n{"t":9,"n":4}\n{"t":3,"n":2}'
    equals "$(cut -d' ' -f2 <<<"$output")" $'[1,2]\n[3,4]'
}

@test "--count and --session --max: records of one time have an order that is not that of arrival" {
    local first second
    printf '{"t":5,"k":"%s","n":%d}\n' b 3 a 1 b 5 a 9 a 2 b 7 c 100000 >one.json
    for first in "--count 1" "--count 2" "--count 3 --slide 1" "--session 5s --max 10s"; do
        # shellcheck disable=SC2086 # several words
        second=$(leat window $first --time .t -g .k -j '{n: collect(.n)}' one.json)
        [[ -n $second ]]
        # shellcheck disable=SC2086
        equals "$first $(tac one.json | leat window $first --time .t -i json -g .k -j '{n: collect(.n)}')" "$first $second"
        # shellcheck disable=SC2086
        equals "$first $(leat window $first --time .t -j '{n: sum(.n)}' one.json)" \
            "$first $(sort -R one.json | leat window $first --time .t -i json -j '{n: sum(.n)}')"
    done
    brief --count 1 -g .k '{n: count}' one.json
    equals "$(cut -d' ' -f2 <<<"$output" | paste -sd' ')" '"a" "a" "a" "b" "b" "b" "c"'
}

@test "--count --slide: the last N, every M records" {
    brief --count 3 --slide 1 '{list: collect(.n)}' six.json
    equals "$(cut -d' ' -f2 <<<"$output")" $'[1]\n[1,2]\n[1,2,3]\n[2,3,4]\n[3,4,5]\n[4,5,6]'
    brief --count 4 --slide 2 '{list: collect(.n)}' six.json
    equals "$(cut -d' ' -f2 <<<"$output")" $'[1,2]\n[1,2,3,4]\n[3,4,5,6]'
    brief --count 2 --slide 3 '{list: collect(.n)}' six.json
    equals "$(cut -d' ' -f2 <<<"$output")" $'[2,3]\n[5,6]'
    brief --count 3 --slide 2 '{list: collect(.n)}' <(head -n 5 six.json)
    equals "$(cut -d' ' -f2 <<<"$output")" $'[1,2]\n[2,3,4]\n[4,5]'
}

# ---- calendars ------------------------------------------------------------------------------------------------------

# Start and end of the one window of a time: calendar OPTIONS TIME
calendar() {
    exits 0 leat window -i json -j --time .t "${@:1:$#-1}" '{n: count}' <<<"{\"t\":\"${!#}\"}"
    equals "$(jq -r .n <<<"$output")" 1
    output=$(jq -r '"\(.window_start) \(.window_end)"' <<<"$output")
}

@test "--tumble day, week, month, year are UTC's without --tz" {
    calendar --tumble day 2024-02-29T12:00:00Z
    equals "$output" "2024-02-29T00:00:00Z 2024-03-01T00:00:00Z"
    calendar --tumble week 2024-02-29T12:00:00Z
    equals "$output" "2024-02-26T00:00:00Z 2024-03-04T00:00:00Z"
    calendar --tumble month 2024-02-29T12:00:00Z
    equals "$output" "2024-02-01T00:00:00Z 2024-03-01T00:00:00Z"
    calendar --tumble year 2024-02-29T12:00:00Z
    equals "$output" "2024-01-01T00:00:00Z 2025-01-01T00:00:00Z"
    calendar --tumble month --offset 2d 2024-03-02T23:59:59Z
    equals "$output" "2024-02-03T00:00:00Z 2024-03-03T00:00:00Z"
}

@test "--tumble day --tz: days of 23 and 25 hours, one without midnight, and one that never was" {
    calendar --tumble day --tz Europe/Berlin 2024-03-31T00:30:00Z
    equals "$output" "2024-03-30T23:00:00Z 2024-03-31T22:00:00Z"
    calendar --tumble day --tz Europe/Berlin 2024-10-27T22:59:59.999999999Z
    equals "$output" "2024-10-26T22:00:00Z 2024-10-27T23:00:00Z"
    calendar --tumble day --tz Europe/Berlin 2024-10-27T23:00:00Z
    equals "$output" "2024-10-27T23:00:00Z 2024-10-28T23:00:00Z"
    # The clock went from 00:00 to 01:00.
    calendar --tumble day --tz America/Sao_Paulo 2018-11-04T12:00:00Z
    equals "$output" "2018-11-04T03:00:00Z 2018-11-05T02:00:00Z"
    # Samoa had no 30th of December 2011.
    calendar --tumble day --tz Pacific/Apia 2011-12-30T09:59:59Z
    equals "$output" "2011-12-29T10:00:00Z 2011-12-30T10:00:00Z"
    calendar --tumble day --tz Pacific/Apia 2011-12-30T10:00:00Z
    equals "$output" "2011-12-30T10:00:00Z 2011-12-31T10:00:00Z"
}

@test "--tumble week, month, year --tz, and an --offset on the wall's clock" {
    calendar --tumble week --tz Europe/Berlin 2024-03-31T12:00:00Z
    equals "$output" "2024-03-24T23:00:00Z 2024-03-31T22:00:00Z"
    calendar --tumble month --tz Europe/Berlin 2024-03-01T00:00:00Z
    equals "$output" "2024-02-29T23:00:00Z 2024-03-31T22:00:00Z"
    calendar --tumble month --tz Europe/Berlin 2024-10-31T22:59:59Z
    equals "$output" "2024-09-30T22:00:00Z 2024-10-31T23:00:00Z"
    calendar --tumble year --tz America/New_York 2024-01-01T04:59:59Z
    equals "$output" "2023-01-01T05:00:00Z 2024-01-01T05:00:00Z"
    calendar --tumble day --offset 6h --tz Europe/Berlin 2024-03-31T03:59:59Z
    equals "$output" "2024-03-30T05:00:00Z 2024-03-31T04:00:00Z"
    calendar --tumble day --offset 6h --tz Europe/Berlin 2024-03-31T04:00:00Z
    equals "$output" "2024-03-31T04:00:00Z 2024-04-01T04:00:00Z"
}

@test "--tz is also where times without a zone are" {
    exits 0 leat window --tumble day --tz Europe/Berlin --time .t '{n: count}' -j <<<'{"t":"2024-07-01 01:00:00"}'
    equals "$output" '{"window_start":"2024-06-30T22:00:00Z","window_end":"2024-07-01T22:00:00Z","n":1}'
}

# ---- groups and results ---------------------------------------------------------------------------------------------

@test "-g: one group gives the key as its bytes, several as an array; missing is null and has no key" {
    exits 0 leat window --tumble 20s --time .t -g .k "$sum" six.json -f '%k|%T|%s\n'
    equals "$output" 'a|1704067219999|{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:00:20Z","k":"a","n":3,"sum":8}
b|1704067219999|{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:00:20Z","k":"b","n":1,"sum":2}
|1704067239999|{"window_start":"2024-01-01T00:00:20Z","window_end":"2024-01-01T00:00:40Z","k":null,"n":2,"sum":11}'
    exits 0 leat window --tumble 1m --time .t -g '{who: .k, odd: (.n % 2 == 1)}' '{n: count}' six.json -J
    equals "$(jq -c '[.key, .payload.who, .payload.odd, .payload.n]' <<<"$output")" '["[\"a\",false]","a",false,1]
["[\"a\",true]","a",true,2]
["[\"b\",false]","b",false,1]
["[null,false]",null,false,1]
["[null,true]",null,true,1]'
    contains "$output" '"ts":1704067259999.999999'
    exits 0 leat window --tumble 1m --time .t '{n: count}' six.json -J
    equals "$(jq -c '[.topic, .partition, .offset, .key]' <<<"$output")" '[null,0,0,null]'
    exits 0 leat window --tumble 1m --time .t -g .k '{n: count}' six.json -J
    equals "$(jq -c .key <<<"$output")" $'"a"\n"b"\nnull'
}

@test "-g: equal values are one group however they are written; others are not" {
    exits 0 leat window --tumble 1m --time 1 -g .k '{n: count}' -j <<'END'
{"k":1}
{"k":1.0}
{"k":1e0}
{"k":0}
{"k":0.0}
{"k":"a\/b"}
{"k":"a/b"}
{"k":"1"}
{"k":"\u0061"}
{"k":"a"}
{"k":{"x":1,"y":[2]}}
{"k":{"y":[2.0],"x":1.0}}
{"k":true}
{"k":false}
{}
{"k":null}
END
    equals "$(jq -c '[.k,.n]' <<<"$output")" '["1",1]
["a",2]
["a/b",2]
[0,2]
[1,3]
[false,1]
[null,2]
[true,1]
[{"x":1,"y":[2]},2]'
}

@test "-g: names are those of paths or of an object; a path ends with one" {
    exits 0 leat window --tumble 1m --time 1 -g '.user.id, .place["city"]' '{n: count}' -j \
        <<<'{"user":{"id":7},"place":{"city":"Köln"}}'
    equals "$output" '{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","id":7,"city":"Köln","n":1}'
    exits 0 leat window --tumble 1m --time 1 -g '{a: .x, b: (.x * 2), "c d": 3}' '{n: count}' -j <<<'{"x":4}'
    equals "$output" '{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","a":4,"b":8,"c d":3,"n":1}'
    # Its first result is the group; none is null.
    exits 0 leat window --tumble 1m --time 1 -g '{a: .x[]}' '{n: count}' -j <<<$'{"x":[5,6]}\n{"x":[]}'
    equals "$(jq -c '[.a,.n]' <<<"$output")" $'[5,1]\n[null,1]'
}

@test "results come in the order of window_end, then of the group's text" {
    exits 0 leat window --hop 20s --slide 10s --time .t -g .k --out-of-order 1h '{n: count}' -j <<'END'
{"t":"2024-01-01T00:00:25Z","k":"é"}
{"t":"2024-01-01T00:00:05Z","k":"b"}
{"t":"2024-01-01T00:00:15Z","k":"a"}
{"t":"2024-01-01T00:00:15Z","k":10}
{"t":"2024-01-01T00:00:15Z","k":9}
END
    equals "$(jq -r '"\(.window_end[17:19]) \(.k)"' <<<"$output")" '10 b
20 a
20 b
20 10
20 9
30 a
30 é
30 10
30 9
40 é'
}

@test "0, 0.0 and -0 are one group, 1 and 1.0 another" {
    run -0 leat window -j --tumble 1s --time 1 -i json -g .k '{n: count}' <<<$'{"k":-0}\n{"k":0}\n{"k":0.0}\n{"k":1}\n{"k":1.0}\n{"k":1e0}'
    equals "$(jq -c '[.k, .n]' <<<"$output")" $'[0,3]\n[1,3]'
}

@test "windows and groups are in reach of the program; what it makes is joined to them" {
    exits 0 leat window --tumble 10s --time .t -g .k -j \
        '{from: .window_start[11:19], upper: (.k | if . then ascii_upcase else "?" end), avg: (sum(.n) / count)}' six.json
    equals "$(jq -c '[.from, .upper, .avg]' <<<"$output")" '["00:00:00","A",2]
["00:00:00","B",2]
["00:00:10","A",4]
["00:00:20","?",5]
["00:00:30","?",6]'
    # No result is no record.
    exits 0 leat window --tumble 10s --time .t -g .k -j 'count as $n | if $n > 1 then {n: $n} else empty end' six.json
    equals "$output" '{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:00:10Z","k":"a","n":2}'
    exits 0 leat window --tumble 1h --time .t '{}' six.json -j
    equals "$output" '{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T01:00:00Z"}'
    exits 0 leat window --tumble 1h --time .t 'def double: . * 2; {n: (count | double), m: sum(.n | double)}' six.json -j
    equals "$output" '{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T01:00:00Z","n":12,"m":42}'
}

@test "a window's result that cannot be is exit 3 and named" {
    exits 3 leat window --tumble 10s --time .t -j count six.json
    equals "$output" ""
    equals "$stderr" "leat window: window '2024-01-01T00:00:00Z': the aggregates of a window give 3, and not an object"
    exits 3 leat window --tumble 10s --time .t -j '{n: count}, {}' six.json
    contains "$stderr" "window '2024-01-01T00:00:00Z': the aggregates of a window give more than one result"
    exits 3 leat window --tumble 10s --time .t -j '{(first(.k) + "mit"): 1}' <<<'{"t":1,"k":"e"}'
    contains "$stderr" "the aggregates cannot have 'emit', as results have that already"
    exits 3 leat window --tumble 10s --time .t -g .k -j '{(first(.k)): 1}' <<<'{"t":1,"k":"k"}'
    contains "$stderr" "the aggregates cannot have 'k', as it is a group"
    exits 3 leat window --tumble 10s --time .t -j '{n: (1 / (count - 1))}' six.json
    equals "$(wc -l <<<"$output")" 1
    contains "$stderr" "window '2024-01-01T00:00:10Z': aggregates: "
    contains "$stderr" "cannot be divided because the divisor is zero"
}

# ---- aggregates -----------------------------------------------------------------------------------------------------

# What each program gives over the same five records, in whichever order they come: lines "PROGRAM = RESULT".
value() {
    local list options=(--tumble 10s --time .t --out-of-order 10s -i json -j)
    list=$(sed 's/ = .*//' <<<"$1" | paste -sd'~' | sed 's/~/), (/g')
    compare_values "$1" "$(leat window "${options[@]}" "{v: [($list)]}" five.json | leat map -j '.v[]')"
    compare_values "$1" "$(tac five.json | leat window "${options[@]}" "{v: [($list)]}" | leat map -j '.v[]')"
}

compare_values() {
    equals "$(paste -d'~' <(sed 's/ = .*//' <<<"$1") - <<<"$2" | sed 's/~/ = /')" "$1"
}

make_five() {
    cat >five.json <<'END'
{"t":1704067201,"n":3,"x":0.1,"s":"b","b":true,"tags":["x","y"],"a":[1]}
{"t":1704067202,"n":-1,"x":0.2,"s":"a","b":false,"tags":["y"],"a":null}
{"t":1704067203,"n":9223372036854775807,"x":null,"s":"b","b":1,"tags":[],"a":{"k":2}}
{"t":1704067204,"n":null,"x":1e300,"s":null,"tags":["x"],"a":"z"}
{"t":1704067205,"n":10,"x":-1e300,"s":"c","b":true,"tags":["z"],"a":1.0}
END
}

@test "count, sum, mean, var, stddev, rate: integers in full, doubles rounded once" {
    make_five
    value 'count = 5
count(.b) = 3
count(.n > 5) = 2
count(.tags[]) = 5
sum(.n) = 9223372036854775819
sum(.x) = 0.30000000000000004
sum(.tags | length) = 5
sum(.none) = null
mean(.x) = 0.07500000000000001
mean(.none) = null
mean(.n | select(. < 100)) = 4
var(.n | select(. < 100)) = 31
stddev(.n | select(. < 100)) = 5.5677643628300215
stddev(.x) = 8.164965809277261e+299
var(.x) = 1.7976931348623157e+308
var(.n | select(. == 3)) = null
stddev(.none) = null
rate = 0.5
rate(.n | select(. < 100)) = 1.2'
}

@test "min, max, first, last, mode, any, all: by jq's order and by event time" {
    make_five
    value 'min(.n) = -1
max(.n) = 9223372036854775807
min(.a) = 1
max(.a) = {"k":2}
min(.s) = "a"
max(.b) = 1
max(.none) = null
first(.s) = "b"
last(.s) = "c"
first(.tags) = ["x","y"]
last(.a) = 1
first(.none) = null
mode(.s) = "b"
mode(.tags[]) = "x"
mode(.n) = -1
mode(.none) = null
any(.b) = true
all(.b) = false
all(.tags) = true
any(.none) = false
all(.none) = false
any(empty) = false
all(empty) = true'
    # Records of one time: the smaller one first, the larger one last.
    exits 0 leat window --tumble 10s --time 1 -j '{f: first(.x), l: last(.x), c: collect(.x)}' <<<$'{"x":2}\n{"x":3}\n{"x":1}'
    equals "${output#*00:00:10Z\",}" '"f":1,"l":3,"c":[1,2,3]}'
}

@test "median, pNN, quantile: within 1 %, and at both ends the values themselves; exact_quantile" {
    make_five
    value 'median(.n | select(. < 100)) = 3
p50(.x | select(. > 0 and . < 1)) = 0.15000000000000002
p0(.x | select(. > 0 and . < 1)) = 0.1
p100(.x | select(. > 0 and . < 1)) = 0.2
p99.9(.n | select(. < 100)) = 9.986
quantile(.n | select(. < 100); 0.5) = 3
exact_quantile(.n | select(. < 100); 0.25) = 1
exact_quantile(.x; 0.5) = 0.15000000000000002
median(.none) = null
p99(.none) = null
quantile(.none; 0.1) = null
exact_quantile(.none; 0.1) = null'
    seq 1 10000 | sort -R --random-source=/etc/passwd >numbers
    exits 0 leat window --tumble 10s --time 1 -i json -j \
        '{p1: p1(.), p50: p50(.), p99: p99(.), q: quantile(.; 0.999), e: exact_quantile(.; 0.999)}' numbers
    equals "$(jq -c '[((.p1 / 100.99 - 1), (.p50 / 5000.5 - 1), (.p99 / 9900.01 - 1), (.q / 9990.001 - 1)) | fabs < 0.01]' \
        <<<"$output")" '[true,true,true,true]'
    equals "$(jq -c .e <<<"$output")" 9990.001
}

@test "distinct, exact_distinct, topk, collect" {
    make_five
    value 'distinct(.s) = 3
distinct(.n) = 4
distinct(.none) = 0
exact_distinct(.a) = 4
exact_distinct(.none) = 0
topk(2; .tags[]) = [{"value":"x","count":2},{"value":"y","count":2}]
topk(9; .a) = [{"value":1,"count":1},{"value":"z","count":1},{"value":[1],"count":1},{"value":{"k":2},"count":1}]
topk(3; .none) = []
collect(.s) = ["b","a","b","c"]
collect(2; .a) = [[1],{"k":2}]
collect(.tags[]) = ["x","y","y","x","z"]
collect(.none) = []'
    seq 1 50000 | sort -R --random-source=/etc/passwd >numbers
    exits 0 leat window --tumble 10s --time 1 -i json -j '{d: distinct(.), e: exact_distinct(. % 1000), n: collect(. | select(. < 1500)) }' numbers
    equals "$(jq -c '[(.d / 50000 - 1 | fabs < 0.03), .e, (.n | length)]' <<<"$output")" '[true,1000,1000]'
}

@test "calls that are written alike are computed once, and one record may count many times" {
    make_five
    value 'sum(.tags | length) / count(.tags[]) + count(.tags[]) = 6
[sum(.tags | length), sum(.tags | length)] = [5,5]'
    exits 0 leat window --explain --tumble 1s '{a: sum(.x.y), b: mean(.x.y), c: sum(.x.y)}'
    equals "$(grep -c '^argument:' <<<"$output")" 1
}

# ---- the answer depends on the records alone ------------------------------------------------------------------------

@test "results go into another window, which waits for nothing longer than it must" {
    # Each result's time is the last instant of its window, so that larger windows have what belongs to them.
    exits 0 bash -c "leat window --tumble 5s --time .t -g .k '$sum' six.json |
        leat window --tumble 10s -g .k '{n: sum(.n), sum: sum(.sum)}' -j"
    equals "$output" "$(leat window --tumble 10s --time .t -g .k "$sum" six.json -j)"
    exits 0 bash -c "leat window --hop 10s --slide 5s --time .t '$sum' six.json | leat window --count 3 '{n: collect(.n)}' -j"
    equals "$(jq -c .n <<<"$output")" $'[2,3,2]\n[1,1,2]\n[1]'
    # A watermark passes as results do: the second window is complete before the input ends.
    mkfifo in
    leat window --tumble 10s --time .t -i json "$sum" <in | leat window --tumble 20s '{sum: sum(.sum)}' -j >out &
    exec 9>in
    cat six.json >&9
    until_true has_lines out 1
    equals "$(jq -c .sum out)" 10
    exec 9>&-
    wait
    equals "$(jq -c .sum out)" $'10\n11'
    # A correction is never late for the next one.
    exits 0 bash -c "leat window --tumble 10s --grace 6s --time .t '$sum' late.json -q | leat window --tumble 10s '{list: collect(.sum)}' -j"
    equals "$stderr" ""
    equals "$(jq -c .list <<<"$output")" $'[1,5,21]\n[10]\n[32]'
}

@test "a trickle: a window comes out as soon as a record completes it" {
    mkfifo in
    leat window --tumble 10s --time .t -i json "$sum" -j <in >out &
    exec 9>in
    head -n 3 six.json >&9
    sleep 0.2
    equals "$(wc -l <out)" 0
    sed -n 4p six.json >&9
    until_true has_lines out 1
    sed -n 5p six.json >&9
    until_true has_lines out 2
    exec 9>&-
    wait
    equals "$(jq -c .n out)" $'3\n1\n1'
}

@test "the same bytes from text, blocks, small blocks, one byte at a time, several files, and -u" {
    local words kind program='{n: count, d: distinct(.url), s: sum(.latency_ms), p: p90(.latency_ms), u: topk(2; .url), m: mode(.country), l: last(.ts)}'
    leat gen clicks -c 3000 -j >clicks.json
    leat map . --time .ts -O leat clicks.json >clicks.leat
    # A record a block.
    leat map . --time .ts -O leat -u clicks.json >single.leat
    head -n 1000 clicks.json >one.json
    tail -n +1001 clicks.json >two.json
    leat map . --time .ts -O leat one.json >one.leat
    leat map . --time .ts -O leat two.json >two.leat
    for words in "--tumble 1s" "--hop 3s --slide 1s" "--session 100ms -g .country" "--session 2s --max 5s -g .country" \
        "--count 50 -g .country" "--count 10 --slide 7" "--cumulate 5s --step 1s -g .country" "--tumble day --tz Asia/Tokyo"; do
        set -- --out-of-order 2s "$program" -q
        read -ra kind <<<"$words"
        leat window "${kind[@]}" --time .ts "$@" -j clicks.json >want
        [[ -s want ]]
        leat window "${kind[@]}" "$@" -j clicks.leat | cmp - want
        leat window "${kind[@]}" "$@" clicks.leat | leat show -j | cmp - want
        leat window "${kind[@]}" "$@" -u clicks.leat | leat show -j | cmp - want
        leat window "${kind[@]}" "$@" -j -u single.leat | cmp - want
        leat window "${kind[@]}" --time .ts "$@" -j one.json two.json | cmp - want
        leat window "${kind[@]}" "$@" -j one.leat two.leat | cmp - want
        cat one.leat two.leat | leat window "${kind[@]}" "$@" -j | cmp - want
        leat window "${kind[@]}" --time .ts "$@" -j clicks.leat | cmp - want
    done
    local trickle='import os, sys
for byte in open(sys.argv[1], "rb").read():
    os.write(1, bytes([byte]))'
    leat window --tumble 1s --out-of-order 2s --time .ts "$program" -q -j one.json >want
    python3 -c "$trickle" one.json | leat window --tumble 1s --out-of-order 2s --time .ts "$program" -q -j -i json | cmp - want
    python3 -c "$trickle" one.leat | leat window --tumble 1s --out-of-order 2s "$program" -q -j | cmp - want
}

@test "topk of more values than it has places: the same bytes in any order within the bound" {
    local kind more order words
    # Two records each half of a second, each with 400 of 3,000 values.
    python3 -B - <<'END'
import json, random
rng = random.Random(7)
records = [{'t': 1704067200 + i // 2 / 2, 'k': i % 2, 'v': [rng.randrange(3000) for _ in range(400)]} for i in range(60)]
for order in range(4):
    with open(f'{order}.json', 'w') as f:
        for r in records:
            f.write(json.dumps(r) + '\n')
    rng.shuffle(records)
    records.sort(key=lambda r: r['t'] + rng.randrange(6))
END
    for kind in "--tumble 2500ms" "--hop 6s --slide 2s" "--cumulate 6s --step 2s" "--session 1s" "--session 1s --max 5s" \
        "--count 7 --slide 3"; do
        for more in "" "-g .k" "--emit changes" "--early-every 1900ms" "--grace 3s"; do
            [[ $more == --grace* && $kind == *@(--max|--count)* ]] && continue
            read -ra words <<<"$kind $more"
            leat window "${words[@]}" --time .t -j '{top: topk(5; .v[])}' 0.json >want
            grep -q '"error":' want
            for order in 1 2 3; do
                leat window "${words[@]}" --time .t -j '{top: topk(5; .v[])}' --out-of-order 5200ms $order.json | cmp - want
            done
        done
    done
}

@test "random cases against a plain reference" {
    python3 -B "$LEAT_SOURCE/tests/cli/window_reference.py" "$LEAT_BUILD/leat" 1 150
}

@test "many random cases against a plain reference" {
    long
    python3 -B "$LEAT_SOURCE/tests/cli/window_reference.py" "$LEAT_BUILD/leat" 10000 2000
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat window: limits, bad records, input that is cut off or damaged, output that fails, usage, and what is told.

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

# ---- limits and errors ----------------------------------------------------------------------------------------------

@test "--max-state: more is exit 4, told downstream, and nothing unfinished comes out" {
    leat gen clicks -c 50000 >many.leat
    exits 4 leat window --tumble 1h -g '{k: .user}' --max-state 64KiB '{n: collect(.url)}' -j -q many.leat
    equals "$output" ""
    equals "$stderr" "leat window: state is over 64 KiB (--max-state)"
    local options
    for options in "--session 1h" "--count 100000" "--session 1h --max 2h" "--cumulate 1d --step 1h" "--hop 1h --slide 1m"; do
        # shellcheck disable=SC2086 # several words
        exits 4 leat window $options --out-of-order 1h -g '{k: .user}' --max-state 64KiB '{n: collect(.url)}' -j many.leat
        contains "$stderr" "(--max-state)"
    done
    exits 5 bash -c "leat window --tumble 1h -g '{k: .user}' --max-state 64KiB '{n: collect(.url)}' many.leat | leat show -j"
    equals "$output" ""
    contains "$stderr" "upstream failed with status 4"
    exits 0 bash -c "leat window --tumble 1h -g '{k: .user}' --max-state 100MiB -q '{n: count}' many.leat | leat show -j | wc -l"
    (($(leat window --tumble 1h --max-state 64KiB -q '{n: count}' -j many.leat | jq -s length) >= 1))
}

@test "text without --time is exit 2 and nothing is read; a record without time is bad" {
    exits 2 leat window --tumble 10s "$sum" six.json -j
    equals "$output" ""
    equals "$stderr" "leat window: text has no event time; say where it is, as in --time .time (an envelope has one: -i envelope; so has an access log: -i combined)"
    exits 2 leat window --tumble 10s -i csv '{n: count}' -j <<<$'a,b\n1,2'
    contains "$stderr" "say where it is, as in --time .time"
    exits 3 leat window --tumble 10s --time .at "$sum" -j <<<'{"n":1}'
    contains "$stderr" "standard input:1"
    leat map . -O leat six.json >timeless.leat
    exits 3 leat window --tumble 10s "$sum" -j timeless.leat
    contains "$stderr" "record has no time; give it one with --time EXPR"
    exits 0 leat window --tumble 1h --time .t "$sum" -j timeless.leat
    equals "$(jq -c '[.n,.sum]' <<<"$output")" '[6,21]'
    exits 0 bash -c "leat map . --time .t -J six.json | leat window --tumble 1h '$sum' -i envelope -j"
    equals "$(jq -c '[.n,.sum]' <<<"$output")" '[6,21]'
}

@test "a bad record is exit 3 and named; --on-error skip and --dead-letter go on" {
    { head -n 2 six.json; echo '{"t":"2024-01-01T00:00:05Z","k":"a","n":"x"}'; tail -n +3 six.json; } >bad.json
    exits 3 leat window --tumble 1h --time .t "$sum" -j bad.json
    equals "$output" ""
    equals "$stderr" "leat window: record 'bad.json:3': sum(.n): \"x\" is not a number"
    exits 0 leat window --tumble 1h --time .t "$sum" -j --on-error skip bad.json
    equals "$(jq -c '[.n,.sum]' <<<"$output")" '[6,21]'
    contains "$stderr" "leat window: warning: record 'bad.json:3' skipped: sum(.n): \"x\" is not a number"
    exits 0 leat window --tumble 1h --time .t "$sum" -j --dead-letter ./dead.leat bad.json
    equals "$(jq -c '[.n,.sum]' <<<"$output")" '[6,21]'
    exits 0 leat show dead.leat -f '%s %h\n'
    contains "$output" '{"t":"2024-01-01T00:00:05Z","k":"a","n":"x"} leat.error=sum(.n): "x" is not a number,leat.tool=window,leat.source=bad.json:3,'
    # It is bad as a whole, in blocks as in text.
    leat map . --time .t -O leat bad.json >bad.leat
    exits 3 leat window --tumble 1h "$sum" -j bad.leat
    contains "$stderr" "record 'bad.leat@2': sum(.n): \"x\" is not a number"
    exits 0 leat window --tumble 1h --on-error skip "$sum" -j bad.leat
    equals "$(jq -c '[.n,.sum]' <<<"$output")" '[6,21]'
    exits 3 leat window --tumble 1h --time .t -g '{k: .k.x}' '{n: count}' -j six.json
    contains "$stderr" "record 'six.json:1'"
    exits 3 leat window --tumble 1h --time .t '{n: count}' -j <<<$'{"t":1}\n{"t":'
}

@test "a truncated stream is exit 5: what was complete came out, and nothing unfinished" {
    leat map . --time .t -O leat six.json >six.leat
    head -c -1 six.leat >cut.leat
    exits 5 leat window --tumble 10s "$sum" -j cut.leat
    equals "$(jq -c '[.n,.sum]' <<<"$output")" $'[3,6]\n[1,4]\n[1,5]'
    contains "$stderr" "the input ends inside a block"
    local options
    for options in "--session 5s" "--count 4" "--hop 1m --slide 10s" "--cumulate 1h --step 1m" "--tumble 1h --drain --state s"; do
        # shellcheck disable=SC2086 # several words
        leat window $options '{n: count}' -j six.leat >whole 2>err || true
        rm -rf s
        # shellcheck disable=SC2086
        run --separate-stderr leat window $options '{n: count}' -j cut.leat
        equals "$options: $status" "$options: 5"
        (($(wc -l <<<"$output") < $(wc -l <whole) || ${#output} == 0))
    done
    exits 5 bash -c "leat window --tumble 10s '$sum' cut.leat | leat show -j"
    equals "${#lines[@]}" 3
}

@test "upstream's failure: no unfinished window, exit 5, told downstream" {
    exits 5 bash -c "printf '%s\n' '{\"t\":1,\"n\":1}' '{\"t\":12,\"n\":2}' x | leat map . --time .t -i json -O leat 2>/dev/null |
        leat window --tumble 10s '$sum' -j"
    equals "$output" '{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","n":1,"sum":1}'
    contains "$stderr" "upstream failed with status 3"
    exits 5 bash -c "printf '%s\n' '{\"t\":1,\"n\":1}' '{\"t\":12,\"n\":2}' x | leat window --time .t --tumble 10s '$sum' -i json 2>/dev/null |
        leat show -j"
    equals "${#lines[@]}" 1
}

@test "a flipped byte is exit 6" {
    leat gen clicks -c 500 >clicks.leat
    local size position
    size=$(stat -c %s clicks.leat)
    for position in 5 12 100 $((size / 2)) $((size - 1)); do
        cp clicks.leat bad.leat
        flip bad.leat "$position"
        exits 6 leat window --tumble 1h '{n: count}' -j bad.leat
        equals "$output" ""
        contains "$stderr" "leat window: 'bad.leat' at byte "
    done
}

@test "a full disk is exit 4, a reader that went away is no failure" {
    local options
    for options in "" "-j" "-J" "--emit changes" "-u"; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr bash -c 'leat window --tumble 10s --time .t "{n: count}" six.json $1 >/dev/full' - "$options"
        equals "$options: $status" "$options: 4"
        contains "$stderr" "No space left on device"
    done
    run --separate-stderr bash -c 'leat window --explain --tumble 10s "{n: count}" >/dev/full'
    equals "$status" 4
    leat gen clicks -c 50000 >many.leat
    run --separate-stderr bash -c 'leat window --count 1 "{n: count, u: last(.url)}" -q -j many.leat | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"'
    equals "$output" $'1\n141'
    equals "$stderr" ""
}

@test "SIGTERM: what is complete came out, what is not does not, and the stream ends with its status" {
    mkfifo in
    leat window --tumble 10s --time .t -i json "$sum" <in >out.leat &
    local job=$!
    exec 9>in
    head -n 4 six.json >&9
    until_true test -s out.leat
    sleep 0.2
    kill -TERM $job
    reap $job
    exec 9>&-
    equals "$status" 143
    exits 5 leat show -j out.leat
    equals "$(jq -c '[.n,.sum]' <<<"$output")" '[3,6]'
    contains "$stderr" "upstream failed with status 143"
}

# wrong 'WORDS' ARGUMENTS...: exit 2, nothing on stdout, and the first line of the message is this.
wrong() {
    exits 2 leat window "${@:2}"
    equals "$output" ""
    equals "${stderr%%$'\n'*}" "leat window: $1"
}

@test "usage: which windows, and what goes with them" {
    local p='{n: count}'
    wrong "say which windows: --tumble, --hop, --session, --count, --cumulate, or --all for one of everything" "$p" six.json
    wrong "there can be one kind of windows only" --tumble 10s --session 5s "$p"
    wrong "there can be one kind of windows only" --hop 10s --slide 5s --count 3 "$p"
    wrong "--tumble: 'x' is not a duration such as 500ms or 1m30s: expected a number (or day, week, month, year)" --tumble x "$p"
    wrong "--tumble: '-5s' is not a duration such as 500ms or 1m30s: no sign is taken here (or day, week, month, year)" --tumble -5s "$p"
    wrong "the length of windows is not above 0" --tumble 0s "$p"
    wrong "option '--hop' wants a duration such as 500ms, 90s or 1m30s, not 'x'" --hop x "$p"
    wrong "--hop needs --slide, the distance of the windows" --hop 10s "$p"
    wrong "the slide of windows is not above 0" --hop 10s --slide 0s "$p"
    wrong "--slide: 'x' is not a duration such as 500ms or 1m30s: expected a number" --hop 10s --slide x "$p"
    wrong "1d is the length of windows, and more than 10000 times what it has in common with their slide 1s" --hop 1d --slide 1s "$p"
    wrong "--slide goes with --hop or --count" --tumble 1s --slide 1s "$p"
    wrong "--cumulate needs --step, by which the windows grow" --cumulate 10s "$p"
    wrong "10s is the length of windows, and no multiple of their step 3s" --cumulate 10s --step 3s "$p"
    wrong "--step goes with --cumulate" --tumble 1s --step 3s "$p"
    wrong "--max goes with --session" --tumble 1s --max 3s "$p"
    wrong "--offset goes with --tumble, --hop or --cumulate" --session 1s --offset 3s "$p"
    wrong "--offset goes with --tumble, --hop or --cumulate" --count 5 --offset 3s "$p"
    wrong "5s is the offset of windows, and not below their length 5s" --tumble 5s --offset 5s "$p"
    wrong "5s is the offset of windows, and not below their slide 5s" --hop 10s --slide 5s --offset 5s "$p"
    exits 2 leat window --tumble day --offset 1d "$p"
    wrong "option '--count' wants a number from 1 to 18446744073709551615, not 'x'" --count x "$p"
    wrong "option '--count' wants a number from 1 to 18446744073709551615, not '0'" --count 0 "$p"
    wrong "--slide: 'x' is no number of records" --count 5 --slide x "$p"
    wrong "--slide: '0' is no number of records" --count 5 --slide 0 "$p"
    wrong "--slide: '1s' is no number of records" --count 5 --slide 1s "$p"
    wrong "--count and --slide make a window of 10001 parts; at most 10000 are possible" --count 10001 --slide 10000 "$p"
    wrong "--grace cannot be: the windows depend on the order of records; use --out-of-order" --count 5 --grace 1s "$p"
    wrong "--grace cannot be: the windows depend on the order of records; use --out-of-order" --session 5s --max 9s --grace 1s "$p"
    wrong "unknown time zone 'Nowhere/City': '/usr/share/zoneinfo' has no such file" --tumble day --tz Nowhere/City "$p"
}

@test "usage: options of time, state and output" {
    local p='{n: count}'
    wrong "option '--out-of-order' wants a duration such as 500ms, 90s or 1m30s, not '-1s'" --tumble 5s --out-of-order -1s "$p"
    wrong "option '--grace' wants a duration such as 500ms, 90s or 1m30s, not 'x'" --tumble 5s --grace x "$p"
    wrong "--max-ahead: 'x' is not a duration such as 500ms or 1m30s: expected a number" --tumble 5s --max-ahead x "$p"
    wrong "option '--idle-timeout' wants a duration such as 500ms, 90s or 1m30s, not 'x'" --tumble 5s --idle-timeout x "$p"
    wrong "option '--emit' wants one of final, changes, not 'never'" --tumble 5s --emit never "$p"
    wrong "option '--early-every' wants a duration such as 500ms, 90s or 1m30s, not 'x'" --tumble 5s --early-every x "$p"
    wrong "--drain goes with --state" --tumble 5s --drain "$p"
    wrong "option '--on-error' wants one of stop, skip, not 'x'" --tumble 5s --on-error x "$p"
    wrong "unknown option '--no-such'" --no-such "$p"
    wrong "missing operand; wanted: AGGREGATES [FILE...]" --tumble 5s
    exits 2 leat window --tumble 5s --max-state x "$p"
    exits 2 leat window --tumble 5s --time '.a +' "$p"
    exits 4 leat window --tumble 5s --time .t "$p" nosuch.json
    contains "$stderr" "leat window: cannot open 'nosuch.json': No such file or directory"
    exits 0 leat window --help
    contains "$output" "Usage: leat window [options] AGGREGATES [FILE...]"
    exits 0 leat window -V
}

@test "usage: the program, with a caret" {
    local w=(--tumble 5s)
    wrong "aggregates: syntax error: '}' expected at the end" "${w[@]}" '{n: count'
    equals "$stderr" "leat window: aggregates: syntax error: '}' expected at the end
  {n: count
           ^"
    wrong "aggregates: function nosuch/1 is not known" "${w[@]}" '{n: nosuch(.a)}'
    wrong "aggregates: function cuont/0 is not known; did you mean last(.cuont)?" "${w[@]}" '{n: cuont}'
    wrong "aggregates: '.x' is not a field of the window; put it into an aggregate, such as last(.x)" "${w[@]}" '{n: .x}'
    wrong "aggregates: \$key is a record's, not the window's; put it into an aggregate, such as last(\$key)" "${w[@]}" '{n: $key}'
    wrong "aggregates: sum takes 1 argument: sum(EXPR)" "${w[@]}" '{n: sum}'
    wrong "aggregates: sum is an aggregate, and there is none in an argument of another one" "${w[@]}" '{n: sum(sum(.n))}'
    wrong "aggregates: 'p101' is no percentile: those are p0 to p100, such as p50(EXPR) and p99.9(EXPR)" "${w[@]}" '{n: p101(.n)}'
    wrong "aggregates: quantile: second argument must be a number from 0 to 1, not 2" "${w[@]}" '{n: quantile(.n; 2)}'
    wrong "aggregates: topk: first argument must be a whole number from 1 to 10000, not 0" "${w[@]}" '{n: topk(0; .n)}'
    wrong "aggregates: collect: first argument must be a whole number from 1 to 1000000, not 0" "${w[@]}" '{n: collect(0; .n)}'
    wrong "aggregates: the first argument of topk must be constant, as in topk(3; EXPR)" "${w[@]}" '{n: topk(.k; .n)}'
    wrong "the aggregates cannot have 'window_start', as results have that already" "${w[@]}" '{window_start: count}'
    wrong "the aggregates cannot have 'emit', as results have that already" "${w[@]}" '{emit: count}'
    wrong "the aggregates cannot have 'k', as results have that already" "${w[@]}" -g .k '{k: count}'
    wrong "a group cannot be called 'window_end', as results have that already; -g '{name: EXPR}' gives another name" \
        "${w[@]}" -g .window_end '{n: count}'
    wrong "--group: two groups are named 'k'; give each a name: --group '{name: EXPR, other: EXPR}'" "${w[@]}" -g .k,.k '{n: count}'
    wrong "--group: name this group: --group '{name: EXPR}'" "${w[@]}" -g '.k + 1' '{n: count}'
}

# ---- what is told ---------------------------------------------------------------------------------------------------

@test "--explain prints what runs for a record and for a result, and reads nothing" {
    mkfifo never
    exits 0 timeout 5 leat window --explain --tumble 10s -g '{who: .user.id}' --time .at \
        '{n: count, avg: (sum(.ms) / count), p: p99(.ms), who_all: distinct(.name)}' never
    equals "$stderr" ""
    equals "$(grep -E '^(--[a-z]+|argument|result):$' <<<"$output" | paste -sd' ')" "--time: --group: argument: argument: result:"
    contains "$output" "field .at"
    contains "$output" "field .ms"
    contains "$output" "variable #0"
    exits 0 leat window --explain --tumble 10s '{n: count}'
    equals "$(grep -cE '^(--time|--group|argument):' <<<"$output")" 0
}

@test "--stats counts in, out and late" {
    exits 0 leat window --tumble 10s --time .t "$sum" -q -j --stats late.json
    contains "$stderr" "leat window: 7 records ("
    contains "$stderr" " in, 3 records (269 B) out, 3 late, "
    exits 0 leat window --tumble 10s --time .t "$sum" -q -j --stats=json late.json
    equals "$(tail -n 1 <<<"$stderr" | jq -c '[.tool,.records_in,.records_out,.bytes_out,.bad,.late]')" \
        '["leat window",7,3,269,0,3]'
    exits 0 leat window --tumble 10s --time .t "$sum" -q -j --stats=json --emit changes late.json
    equals "$(tail -n 1 <<<"$stderr" | jq -c '[.records_in,.records_out]')" '[7,7]'
}

@test "results as blocks, lines, CSV, a table, and by -f" {
    exits 0 leat window --tumble 20s --time .t -g .k '{n: count}' six.json -O csv
    equals "$output" 'window_start,window_end,k,n
2024-01-01T00:00:00Z,2024-01-01T00:00:20Z,a,3
2024-01-01T00:00:00Z,2024-01-01T00:00:20Z,b,1
2024-01-01T00:00:20Z,2024-01-01T00:00:40Z,,2'
    exits 0 leat window --tumble 20s --time .t -g .k '{n: count}' six.json -f '%o %k %S\n'
    equals "$output" $'0 a 89\n1 b 89\n2  90'
    exits 0 leat window --tumble 20s --time .t -g .k '{n: count}' six.json --output out.leat
    exits 0 leat show --info out.leat
    contains "$output" "records    3: 3 JSON, 0 binary, 0 tombstones; 2 with key, 0 with headers"
    contains "$output" "made by    leat window --tumble 20s --time .t -g .k '{n: count}' six.json --output out.leat"
    contains "$output" "watermark"
    exits 0 bash -c "leat window --tumble 20s --time .t -g .k '{n: count}' six.json | leat produce results"
    equals "$(short results | sort)" '0@0 a={"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:00:20Z","k":"a","n":3}
0@1 b={"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:00:20Z","k":"b","n":1}
0@2 ={"window_start":"2024-01-01T00:00:20Z","window_end":"2024-01-01T00:00:40Z","k":null,"n":2}'
}

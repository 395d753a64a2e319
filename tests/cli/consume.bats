#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat consume: what is read, from where, in what form, and how it ends. Groups are in groups.bats.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# A test that failed leaves nobody behind: bats would wait for them.
teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

# Ten records, 0 to 9, with times 100 s to 109 s.
ten() {
    seq 0 9 | sed 's/.*/{"n":&,"t":10&}/' | leat produce t --time .t "$@"
}

# The numbers of the records that a range gives.
range() {
    leat consume t -e -j "$@" | sed -E 's/.*"n":([0-9]+).*/\1/' | tr '\n' ' '
}

# ---- offsets -----------------------------------------------------------------------------------------------------------

@test "offsets: each form begins, and each range ends, where leat(1) says" {
    ten
    local offset want
    while IFS='|' read -r offset want; do
        equals "$offset: $(range -o "$offset")" "$offset: $want"
    done <<'END'
beginning|0 1 2 3 4 5 6 7 8 9 
end|
0|0 1 2 3 4 5 6 7 8 9 
7|7 8 9 
10|
99|
-3|7 8 9 
-0|
-99|0 1 2 3 4 5 6 7 8 9 
+3|3 4 5 6 7 8 9 
+99|
@105|5 6 7 8 9 
@1970-01-01T00:01:45Z|5 6 7 8 9 
@1970-01-01 00:01:45.5|6 7 8 9 
@99|0 1 2 3 4 5 6 7 8 9 
@200|
@-1h|
2:5|2 3 4 
2:2|
5:2|
:3|0 1 2 
7:|7 8 9 
-4:-2|6 7 
+1:+3|1 2 
beginning:end|0 1 2 3 4 5 6 7 8 9 
@102:@104|2 3 
@102:104|2 3 
@1970-01-01T00:01:42Z:@1970-01-01T00:01:44Z|2 3 
@1970-01-01T00:01:42Z:1970-01-01T00:01:44Z|2 3 
@105:end|5 6 7 8 9 
3:@105|3 4 
@-1h:end|
END
}

@test "offsets that are none are exit 2 and name the forms" {
    ten
    local offset
    for offset in '' x 1:2:3 @ @never -x +-1 '1 ' 9223372036854775808 1.5 end:x; do
        exits 2 leat consume t -e -o "$offset"
        equals "$output" ""
        equals "${stderr_lines[0]}" \
            "leat consume: '$offset' is no offset: beginning, end, stored, N, -N, +N, @TIME, or a range A:B of these"
    done
}

@test "a range that ends before it begins is exit 2" {
    ten
    exits 2 leat consume t -o 8:5
    equals "${stderr_lines[0]}" "leat consume: range '8:5' ends before it begins"
}

@test "a range ends by itself, without -e" {
    ten
    equals "$(timeout 10 leat consume t -o 2:4 -f '%o ')" "2 3 "
    equals "$(timeout 10 leat consume t -o 2: -f '%o ')" "2 3 4 5 6 7 8 9 "
}

@test "-c stops after so many records, over all partitions" {
    ten --partitions 3
    equals "$(timeout 10 leat consume t -c 4 -f '%o\n' | wc -l)" 4
    equals "$(timeout 10 leat consume t -c 0 -f '%o\n' | wc -l)" 0
    equals "$(timeout 10 leat consume t -c 4 | decode | wc -l)" 4
    equals "$(leat consume t -e -c 40 -f '%o\n' | wc -l)" 10
}

@test "-p reads those partitions only, and one that is not there is exit 2" {
    seq 1 9 | sed 's/.*/&:&/' | leat produce t --partitions 3 -K :
    local p
    for p in 0 1 2; do equals "$(leat consume t -e -p $p -f '%p\n' | sort -u)" $p; done
    equals "$(leat consume t -e -p 0 -p 2 -f '%p\n' | sort -u)" $'0\n2'
    exits 2 leat consume t -e -p 3
    equals "$stderr" "leat consume: topic 't' has 3 partitions; there is no partition 3"
    exits 2 leat consume t -e -p -1
    exits 2 leat consume t -e -p x
}

@test "several topics and patterns, each topic once; what is not there is exit 4" {
    leat produce web.a <<<1
    leat produce web.b <<<2
    leat produce other <<<3
    equals "$(leat consume 'web.*' web.a -e -f '%t=%s\n' | sort)" $'web.a=1\nweb.b=2'
    equals "$(leat consume other web.b -e -f '%t=%s\n' | sort)" $'other=3\nweb.b=2'
    equals "$(leat consume '*[!r]' -e -f '%t\n' | sort)" $'web.a\nweb.b'
    exits 4 leat consume 'x*' -e
    equals "$stderr" "leat consume: no topic in '$LEAT_DIR' is like 'x*'"
    exits 4 leat consume web.a nope -e
    equals "$stderr" "leat consume: there is no topic 'nope' in '$LEAT_DIR'"
    LEAT_DIR=$PWD/none exits 4 leat consume t -e
    [[ ! -e none ]]
}

@test "a wrong word is exit 2 and nothing is read" {
    ten
    local words
    for words in --no-such '-c x' '-c -1' '--out-of-order x' '-O xml' '-f %q' '-f %s -O json' '-G a/b'; do
        # shellcheck disable=SC2086
        exits 2 leat consume t -e $words
        equals "$output" ""
    done
    exits 2 leat consume -e
    exits 2 leat consume '../t' -e
}

@test "an empty topic is an empty, whole stream" {
    make_topic t 256
    leat consume t -e >stream
    exits 0 decode <stream
    equals "$output" ""
    contains "$stderr" "end: "
    equals "$(leat consume t -e -j)" ""
}

# ---- following ---------------------------------------------------------------------------------------------------------

@test "consume follows, and is woken within 100 ms" {
    leat produce t <<<0
    leat consume t -f '%s\n' >seen &
    local consumer=$! n before
    until_true has_lines seen 1
    for n in 1 2 3; do
        before=$(now_ms)
        leat produce t <<<"$n"
        until (($(wc -l <seen) == n + 1)); do :; done
        (($(now_ms) - before < 100)) || { echo "took $(($(now_ms) - before)) ms"; return 1; }
    done
    kill "$consumer"
    reap "$consumer"
    equals "$status $(tr '\n' ' ' <seen)" "0 0 1 2 3 "
}

@test "a follower reads partitions that are added, from their first record, and soon" {
    local offset n pids=() before
    leat topic create t
    leat produce t <<<0
    for offset in beginning end -0 +0 @1970-01-01; do
        leat consume t -o "$offset" -f '%p:%s\n' >"seen$offset" 2>"messages$offset" &
        pids+=($!)
    done
    leat consume t -p 0 -f '%p:%s\n' >only &
    pids+=($!)
    leat consume t -o 0:4 -f '%p:%s\n' >range &
    pids+=($!)
    until_true grep -q 0:0 seenbeginning
    until_true grep -q 0:0 only
    until_true grep -q 0:0 range
    leat produce t -p 0 <<<1
    for offset in end -0; do until_true grep -q 0:1 "seen$offset"; done
    before=$(now_ms)
    leat topic alter t --partitions 3 2>/dev/null
    leat produce t -p 2 <<<2
    for offset in beginning end -0 +0 @1970-01-01; do
        until_true grep -q 2:2 "seen$offset" || { cat "messages$offset"; return 1; }
    done
    (($(now_ms) - before < 900)) || { echo "took $(($(now_ms) - before)) ms"; return 1; }
    leat topic alter t --partitions 4 2>/dev/null
    leat produce t -p 3 <<<3
    leat produce t -p 1 <<<4
    for offset in beginning end -0 +0 @1970-01-01; do
        until_true grep -q 1:4 "seen$offset"
        until_true grep -q 3:3 "seen$offset"
        equals "$(wc -c <"messages$offset")" 0
    done
    equals "$(sort seenbeginning | tr '\n' ' ')" "0:0 0:1 1:4 2:2 3:3 "
    equals "$(sort seenend | tr '\n' ' ')" "0:1 1:4 2:2 3:3 "
    equals "$(tr '\n' ' ' <only)" "0:0 0:1 "
    equals "$(tr '\n' ' ' <range)" "0:0 0:1 "
    kill "${pids[@]}"
    wait "${pids[@]}" || true
}

@test "a topic file that is damaged under a follower is told once, and reading goes on" {
    leat topic create t
    leat topic alter t --set retention_age=1d >/dev/null # so that there is one before it, which stands in
    leat produce t <<<0
    leat consume t -f '%s\n' >seen 2>messages &
    local consumer=$!
    until_true has_lines seen 1
    printf '{' >"$LEAT_DIR/topics/t/topic.json"
    leat produce t <<<1
    leat produce t <<<2
    until_true has_lines seen 3
    equals "$(wc -l <messages)" 1
    contains "$(<messages)" "leat consume: warning: topic file of 't' is not JSON"
    kill "$consumer"
    reap "$consumer"
    [[ $status -eq 0 ]]
}

@test "SIGTERM ends a follower well: exit 0 and an end block" {
    ten
    leat consume t >stream &
    local consumer=$!
    until_true test -s stream
    kill -TERM "$consumer"
    reap "$consumer"
    equals "$status" 0
    decode <stream >records 2>grade
    equals "$(wc -l <records)" 10
    contains "$(<grade)" "end: "
}

@test "SIGTERM in the middle of a bounded read is told downstream: an end block with its status" {
    leat gen clicks -c 100000 | leat produce t --sync none
    mkfifo pipe
    leat consume t -e >pipe &
    local consumer=$!
    exec 9<pipe
    sleep 0.2 # the pipe is full now
    kill -TERM "$consumer"
    cat <&9 >stream
    exec 9<&-
    reap "$consumer"
    equals "$status" 143
    exits 5 leat produce u stream
    contains "$stderr" "leat produce: "
}

@test "| head -1 ends quietly" {
    leat gen clicks -c 20000 | leat produce t --sync none
    run --separate-stderr bash -c 'leat consume t -j | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"'
    equals "$output" $'1\n141'
    equals "$stderr" ""
    # the same when all that there is has been written and nothing comes any more
    leat produce small <<<1
    run --separate-stderr timeout 10 bash -c 'leat consume small -j | head -n 1; echo "${PIPESTATUS[0]}"'
    equals "$output" $'1\n141'
    equals "$stderr" ""
}

@test "a topic that is deleted while it is read is exit 4" {
    ten
    leat consume t -j >seen 2>err &
    local consumer=$!
    until_true has_lines seen 10
    "$LEAT_BUILD/tests/cli/topic_remove" t
    reap "$consumer"
    equals "$status" 4
    contains "$(<err)" "'t"
    equals "$(wc -l <seen)" 10
}

@test "records that retention removed under a reader are told as a gap, and reading goes on" {
    make_topic t 1 segment_size=4096 retention_size=12000
    local i
    mkfifo pipe
    produce_one() { head -c 3000 /dev/zero | tr '\0' "$1" | leat produce t -i lines; }
    for i in a b c; do produce_one $i; done
    # A reader that is stuck in its pipe behind the first records
    leat consume t -o 1 -f '%o\n' >seen 2>err &
    local consumer=$!
    until_true has_lines seen 2
    kill -STOP "$consumer"
    for i in d e f g h i j k; do produce_one $i; done
    local first
    first=$(leat consume t -e -f '%o\n' | head -n 1)
    ((first > 3))
    kill -CONT "$consumer"
    until_true grep -qx 10 seen
    kill "$consumer"
    reap "$consumer"
    equals "$status" 0
    equals "$(tr '\n' ' ' <seen)" "1 2 $(seq -s ' ' "$first" 10) "
    contains "$(<err)" "leat consume: warning: "
    contains "$(<err)" "'t/0'"
    contains "$(<err)" "retention"
}

@test "only what is durable is read, unless --read-uncommitted" {
    mkfifo in
    leat produce t --sync interval=1h <in &
    local producer=$!
    exec 9>in
    echo 1 >&9
    written() { [[ $(values t --read-uncommitted 2>/dev/null) == 1 ]]; }
    until_true written
    equals "$(values t)" ""
    equals "$(values t --read-uncommitted)" 1
    exec 9>&-
    wait "$producer"
    equals "$(values t)" 1
}

# ---- output ------------------------------------------------------------------------------------------------------------

@test "blocks say start, source and end, and keep topic, partition, offsets and times" {
    ten --partitions 2
    leat consume t -e | python3 -B "$LEAT_SOURCE/tests/golden/decode.py" --controls - >all
    python3 - "$LEAT_DIR/topics/t/topic.json" <<'END'
import json, sys
lines = [json.loads(line) for line in open('all')]
topic = json.load(open(sys.argv[1]))['topic_id']
controls = [l for l in lines if 'control' in l]
assert [c['control'] for c in controls if c['control'] != 'idle'] == ['start', 'source', 'source', 'end'], controls
assert [(c['topic_id'], c['partition'], c['body']['topic']) for c in controls if c['control'] == 'source'] == [(topic, 0, 't'), (topic, 1, 't')]
assert lines[0]['body']['history'][0]['args'] == ['t', '-e'], lines[0]
assert lines[-1]['body']['status'] == 0 and lines[-1]['body']['records'] == 10, lines[-1]
records = [l for l in lines if 'control' not in l]
for p in (0, 1):
    own = [r for r in records if r['partition'] == p]
    assert [r['offset'] for r in own] == list(range(len(own)))
assert {r['topic_id'] for r in records} == {topic}
assert sorted(r['time'] for r in records) == [n * 10**9 for n in range(100, 110)]
END
}

@test "blocks moved whole keep their CRC, those that were cut have one in a file and none on a pipe" {
    ten
    flags() { python3 -c 'import sys
data, at = sys.stdin.buffer.read(), 0
while at < len(data):
    if data[at + 5] == 1: print(data[at + 7] & 1, end=" ")
    at += 80 + int.from_bytes(data[at + 8:at + 12], "little")'; }
    equals "$(leat consume t -e | flags)" "1 "
    equals "$(leat consume t -e -o 3 | flags)" "0 "
    leat consume t -e -o 3 >file
    equals "$(flags <file)" "1 "
    leat consume t -e | decode >/dev/null
    decode <file >/dev/null
}

@test "a range inside a block gives exactly its records as blocks too" {
    ten
    leat consume t -e -o 3:6 | decode >got
    equals "$(grep -o '"offset":[0-9]*' got | tr '\n' ' ')" '"offset":3 "offset":4 "offset":5 '
}

@test "watermarks follow the times less --out-of-order, and an idle mark says that there is no more for now" {
    ten
    leat consume t -e --out-of-order 2s | python3 -B "$LEAT_SOURCE/tests/golden/decode.py" --controls - >all
    equals "$(grep -o '"watermark","time":[-0-9]*' all)" \
        $'"watermark","time":-9223372036854775808\n"watermark","time":107000000000'
    equals "$(grep -c '"control":"idle"' all)" 1
    leat consume t -e | python3 -B "$LEAT_SOURCE/tests/golden/decode.py" --controls - >all
    equals "$(grep -c '"control":"watermark"' all || true)" 0
}

@test "text forms: JSON lines, pattern, lines, CSV, TSV, lp, pretty" {
    leat produce t -K : <<<$'k:{"a":1,"b":"x,y"}\nl:{"a":2,"b":"\\t"}'
    equals "$(leat consume t -e -j)" $'{"a":1,"b":"x,y"}\n{"a":2,"b":"\\t"}'
    equals "$(leat consume t -e -O json)" "$(leat consume t -e -j)"
    equals "$(leat consume t -e -O csv)" $'a,b\n1,"x,y"\n2,\t'
    equals "$(leat consume t -e -f '%t/%p@%o %k %S%%\n')" $'t/0@0 k 17%\nt/0@1 l 16%'
    equals "$(leat consume t -e -O lp | od -An -tx1 -N4)" " 11 00 00 00"
    contains "$(leat consume t -e -O pretty)" $'{\n  "a": 1'
    contains "$(leat consume t -e -O table)" "x,y"
}

@test "on a terminal it prints coloured JSON lines, made safe, and refuses blocks without --force" {
    printf '%s\n' '{"a":"\u001b[31m"}' | leat produce t
    printf '{"b":"\xe2\x80\xae"}\n' | leat produce t
    on_terminal "leat consume t -e"
    [[ $output == *$'\e['* ]]
    [[ $output != *$'\e[31m'* && $output != *$'\xe2\x80\xae'* ]]
    contains "$output" '\u202e'
    NO_COLOR=1 on_terminal "leat consume t -e"
    [[ $output != *$'\e'* ]]
    on_terminal "leat consume t -e --color never"
    [[ $output != *$'\e'* ]]
    on_terminal "leat consume t -e -O leat"
    contains "$output" "binary output to a terminal"
    [[ $status -eq 2 ]]
    on_terminal "leat consume t -e -O leat --force"
    contains "$output" "LEAT"
    equals "$(leat consume t -e -j --color always | head -c 1)" $'\e'
}

@test "--output writes the file by another name first; a run that fails leaves none" {
    ten
    mkdir here
    cd here
    exits 0 leat consume t -e -j --output out
    equals "$(wc -l <out) $(ls)" "10 out"
    exits 4 leat consume t -e --output nowhere/out
    contains "$stderr" "leat consume: cannot create 'nowhere/out'"
    leat gen clicks -c 5000 | leat produce large --sync none
    run --separate-stderr bash -c 'ulimit -f 100; leat consume large -e --output out2'
    equals "$status" 4
    equals "$stderr" "leat consume: cannot write to 'out2': File too large"
    equals "$(ls)" "out"
    # The file of an earlier run stays until the new one is whole.
    leat consume t --output out -O lines &
    local consumer=$!
    sleep 0.2
    equals "$(wc -l <out)" 10
    kill "$consumer"
    wait "$consumer"
    equals "$(wc -l <out)" 10
    equals "$(ls)" "out"
}

@test "output that cannot be written is exit 4" {
    ten
    local form
    for form in -j -J '-O leat' '-O csv' '-f %s'; do
        run --separate-stderr bash -c "leat consume t -e $form >/dev/full"
        equals "$form $status" "$form 4"
        equals "$stderr" "leat consume: cannot write to 'standard output': No space left on device"
        run --separate-stderr bash -c "leat consume t -e $form >&-"
        equals "$form $status" "$form 4"
        equals "$stderr" "leat consume: cannot write to 'standard output': Bad file descriptor"
    done
    equals "$(range)" "0 1 2 3 4 5 6 7 8 9 "
}

@test "-u flushes each record, and the stream is the same" {
    ten
    equals "$(leat consume t -e -u | decode)" "$(leat consume t -e | decode)"
}

@test "a damaged segment is exit 6 and says where; the records before it are given" {
    local i
    for i in 1 2 3; do leat produce t <<<"\"record $i\""; done
    python3 - "$LEAT_DIR"/topics/t/0/*.leat <<'END'
import sys
with open(sys.argv[1], 'r+b') as f:
    data = f.read()
    f.seek(data.index(b'record 2'))
    f.write(b'R')
END
    exits 6 leat consume t -e -j
    equals "$output" '"record 1"'
    contains "$stderr" "'t/0'"
    contains "$stderr" "offset 1"
    # blocks are moved without being looked at; whoever reads them finds it
    run --separate-stderr bash -c 'leat consume t -e | leat produce u'
    equals "$status" 6
    equals "$(values u)" '"record 1"'
}

# ---- size --------------------------------------------------------------------------------------------------------------

@test "256 partitions are read and written like one" {
    seq 1 2000 | sed 's/.*/&:&/' | leat produce t --partitions 256 -K :
    equals "$(leat consume t -e -f '%s\n' | sort -n)" "$(seq 1 2000)"
    equals "$(leat consume t -e | decode | wc -l)" 2000
    [[ $(leat consume t -e -f '%p\n' | sort -u | wc -l) -gt 250 ]]
}

# A record of a block's size each, so that each has a segment: segments N VALUE_BYTES
segments() {
    make_topic t 1 segment_size=4096
    awk -v n="$1" -v size="$2" 'BEGIN { s = "x"; while (length(s) < size) s = s s; s = substr(s, 1, size);
        for (i = 0; i < n; i++) print "{\"n\":" i ",\"t\":" i ",\"s\":\"" s "\"}" }' | leat produce t --time .t --sync none
    equals "$(find "$LEAT_DIR/topics/t/0" -name '*.leat' | wc -l)" "$1"
}

@test "40 segments: all offsets, and any place in them by offset and time" {
    segments 40 140000
    equals "$(leat consume t -e -f '%o\n')" "$(seq 0 39)"
    equals "$(leat consume t -e -f '%o ' -o 33:36)" "33 34 35 "
    equals "$(leat consume t -e -f '%o ' -o @17 -c 2)" "17 18 "
    equals "$(leat consume t -e | decode | wc -l)" 40
}

@test "1,000 segments: all offsets, and any place in them by offset and time" {
    long
    segments 1000 140000
    equals "$(leat consume t -e -f '%o\n')" "$(seq 0 999)"
    equals "$(leat consume t -e -f '%o ' -o 733:736)" "733 734 735 "
    equals "$(leat consume t -e -f '%o ' -o @617 -c 2)" "617 618 "
}

@test "every line of the page's EXAMPLES runs" {
    local line count=0
    leat gen clicks -c 20 | leat produce clicks --key .user --time .ts
    while IFS= read -r line; do
        exits 0 timeout 20 bash -c "${line//\\e/\\}"
        equals "$stderr" ""
        ((++count))
    done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$LEAT_SOURCE/man/leat-consume.1")
    [[ $count -eq 6 ]]
}

@test "an offset that is not there yet is waited for, and nothing below it comes" {
    leat produce t <<<'{"n":0}'
    leat consume t -o 3:5 -f '%o\n' >got &
    local reader=$!
    sleep 0.2
    for n in 1 2 3 4 5 6; do leat produce t <<<"{\"n\":$n}"; done
    wait "$reader"
    equals "$(cat got)" $'3\n4'
    exits 0 leat consume t -o 100 -e -j
    equals "$output" ""
}

@test "stored without a group is a usage error" {
    leat produce t <<<'{"n":0}'
    exits 2 leat consume t -o stored -e
    contains "$stderr" "offset 'stored' needs a group: -G"
}

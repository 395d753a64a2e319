#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat produce: what becomes of each record on its way into a topic, and what is promised about it.

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

# ---- keys, times, headers, tombstones ----------------------------------------------------------------------------------

@test "the topic is made on first use, with one partition, and says nothing" {
    exits 0 leat produce t <<<'{"a":1}'
    equals "$output$stderr" ""
    equals "$(short t)" '0@0 ={"a":1}'
    exits 0 leat produce t <<<'{"a":2}'
    equals "$(short t)" $'0@0 ={"a":1}\n0@1 ={"a":2}'
}

@test "--key takes strings as their content, other values as their JSON text, and none where it is missing or null" {
    leat produce t --key '.u?.id?' <<'END'
{"u":{"id":"ann"}}
{"u":{"id":"a\u00e9\n\"b"}}
{"u":{"id":7.50}}
{"u":{"id":[1, 2]}}
{"u":{"id":""}}
{"u":{"id":null}}
{"u":{}}
{"u":3}
["u"]
END
    leat consume t -e -J | sed -E 's/.*"key":(.*),"payload":.*/\1/' >keys
    equals "$(<keys)" $'"ann"\n"aé\\n\\"b"\n"7.50"\n"[1, 2]"\n""\nnull\nnull\nnull\nnull'
}

@test "--key reaches into arrays and quoted names" {
    leat produce t --key '.a[-1]."x y"' <<<'{"a":[1,{"x y":"deep"}]}'
    equals "$(leat consume t -e -f %k)" deep
}

@test "--key and --time are expressions: one that fails makes the record a bad one" {
    exits 3 leat produce t --key .u.id <<<'{"u":3}'
    contains "$stderr" "leat produce: record 'standard input:1': --key: Cannot index number with "
    contains "$stderr" $'\n  .u.id\n    ^'
    exits 0 leat produce t --key '.u | ascii_downcase' --time '.day + "T" + .at' <<<'{"u":"ANN","day":"2026-01-02","at":"03:04:05"}'
    equals "$(leat consume t -e -f '%k %D')" 'ann 2026-01-02T03:04:05Z'
    exits 0 leat produce u -k '.first + " " + .last, .x' --time '.ms / 1000' <<<'{"first":"a","last":"b","ms":1767225600500}'
    equals "$(leat consume u -e -f '%k %D')" 'a b 2026-01-01T00:00:00.500Z'
    exits 3 leat produce t --time '.at[0]' <<<'{"at":[null]}'
    contains "$stderr" "record has no time .at[0]"
}

@test "a key expression that cannot be compiled is exit 2 and nothing is made" {
    exits 2 leat produce t --key 'user' <<<'{}'
    contains "$stderr" "leat produce: "
    exits 2 leat produce t --time '.a +' <<<'{}'
    contains "$stderr" "--time"
    [[ ! -e $LEAT_DIR ]]
}

@test "-K splits each line at its first delimiter; what is behind it is JSON unless --value says otherwise" {
    leat produce t -K : <<<$'a:1\nb:{"x":":"}\n:null'
    equals "$(short t)" $'0@0 a=1\n0@1 b={"x":":"}\n0@2 =null'
    exits 3 leat produce t -K : <<<'c:word'
    contains "$stderr" "record 'standard input:1': value is not JSON"
    exits 3 leat produce t -K '=>' <<<'no delimiter'
    equals "$stderr" "leat produce: record 'standard input:1': line has no key: '=>' does not occur"
    leat produce s -K '=>' --value text <<<$'k=>a "word"'
    equals "$(short s)" '0@0 k="a \"word\""'
    leat produce b -K '=>' --value bytes <<<$'k=>a "word"'
    equals "$(short b)" '0@0 k=a "word"'
}

@test "-Z makes an empty value a tombstone, and without it it stays an empty value" {
    leat produce t -K : -Z <<<$'a:\nb:""\nc:0'
    equals "$(leat consume t -e -f '%k %S\n')" $'a -1\nb -1\nc 1'
    leat produce u -K : <<<$'a:\nb:""'
    equals "$(leat consume u -e -f '%k %S\n')" $'a 0\nb 2'
}

@test "-H adds headers in their order behind the record's own" {
    leat produce a -H x=1 -H y= -H x=2=3 <<<'{}'
    equals "$(leat consume a -e -f '%h')" "x=1,y=,x=2=3"
    leat consume a -e | leat produce b -H z=9
    equals "$(leat consume b -e -f '%h')" "x=1,y=,x=2=3,z=9"
    exits 2 leat produce c -H novalue <<<'{}'
    equals "${stderr_lines[0]}" "leat produce: header 'novalue' is not NAME=VALUE"
    exits 2 leat produce c -H =v <<<'{}'
    [[ ! -e $LEAT_DIR/topics/c ]]
}

@test "headers beyond 65,535 bytes are a bad record, not a truncated one" {
    leat produce a -H "x=$(head -c 60000 /dev/zero | tr '\0' x)" <<<'{}'
    run --separate-stderr bash -c "leat consume a -e | leat produce b -H y=\$(head -c 6000 /dev/zero | tr '\\0' y)"
    equals "$status" 3
    contains "$stderr" "record 'a/0@0': headers of a record are over the limit of 65535 bytes"
}

@test "--time reads RFC 3339, dates, and numbers by their size, before 1970 too" {
    leat produce t --time .t <<'END'
{"t":"2026-01-02T03:04:05.678901234+01:00"}
{"t":"1969-12-31 23:59:59.5"}
{"t":"1700-01-01"}
{"t":1}
{"t":1431857103}
{"t":1431857103001}
{"t":1431857103001002}
{"t":1431857103001002003}
{"t":-1}
{"t":1.5}
END
    leat consume t -e -f '%D\n' >times
    equals "$(<times)" "2026-01-02T02:04:05.678901234Z
1969-12-31T23:59:59.500Z
1700-01-01T00:00:00Z
1970-01-01T00:00:01Z
2015-05-17T10:05:03Z
2015-05-17T10:05:03.001Z
2015-05-17T10:05:03.001002Z
2015-05-17T10:05:03.001002003Z
1969-12-31T23:59:59Z
1970-01-01T00:00:01.500Z"
}

@test "--time-format and --tz say how a time is written" {
    leat produce t --time .t --time-format '%d/%b/%Y:%H:%M:%S %z' <<<'{"t":"17/May/2015:10:05:03 +0200"}'
    leat produce t --time .t --tz Europe/Berlin <<<$'{"t":"2026-07-01 12:00"}\n{"t":"2026-01-01 12:00"}'
    equals "$(leat consume t -e -f '%D\n')" $'2015-05-17T08:05:03Z\n2026-07-01T10:00:00Z\n2026-01-01T11:00:00Z'
    exits 2 leat produce t --time .t --tz Europe/Nowhere <<<'{}'
    exits 2 leat produce t --time-format %s <<<'{}'
    equals "${stderr_lines[0]}" "leat produce: --time-format needs --time"
}

@test "a time that is missing, no time, or outside 1678 to 2262 is a bad record" {
    local bad
    for bad in '{}' '{"t":"soon"}' '{"t":null}' '{"t":true}' '{"t":"1600-01-01"}' '{"t":"2300-01-01"}' '{"t":1e300}'; do
        exits 3 leat produce t --time .t <<<$'{"t":1}\n'"$bad"
        contains "$stderr" "leat produce: record 'standard input:2': "
        contains "$stderr" " .t"
    done
    equals "$(values t | sort -u)" '{"t":1}'
}

@test "text without --time gets the time at which it came; an envelope keeps the one it has, or none" {
    local before after at
    before=$(now_ms)
    leat produce t <<<'{}'
    after=$(now_ms)
    at=$(leat consume t -e -f %T)
    ((before <= at && at <= after))
    leat produce e -J <<<$'{"payload":1}\n{"payload":2,"tstype":"create","ts":-5.000001}'
    equals "$(leat consume e -e -f '%D\n')" $'\n1969-12-31T23:59:59.994999999Z'
}

@test "a tombstone keeps its key and time when --key and --time name fields" {
    leat produce a -J <<<'{"key":"k","ts":5,"tstype":"create","payload":null,"payload_encoding":"none"}'
    leat consume a -e | leat produce b --key .k --time .t
    equals "$(leat consume b -e -f '%k %S %T')" "k -1 5"
}

# ---- partitions --------------------------------------------------------------------------------------------------------

@test "keys go where Kafka's partitioner puts them" {
    leat produce t --partitions 12 -K : <<<$'21:1\nfoobar:1\na-little-bit-long-string:1\na-little-bit-longer-string:1
lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8:1\nabc:1'
    # toPositive(murmur2(key)) % 12 with the hashes of Kafka's own UtilsTest
    leat consume t -e -f '%k %p\n' | LC_ALL=C sort >got
    while read -r key hash; do
        echo "$key $(((hash & 0x7fffffff) % 12))"
    done <<<$'21 -973932308\nfoobar -790332482\na-little-bit-long-string -985981536
a-little-bit-longer-string -1486304829\nlkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8 -58897971
abc 479470107' | LC_ALL=C sort >want
    equals "$(<got)" "$(<want)"
}

@test "records without a key are spread over the partitions, an empty key is a key" {
    leat gen clicks -c 4000 | leat produce t --partitions 3
    equals "$(leat consume t -e -f '%p\n' | sort | uniq -c | wc -l)" 3
    leat produce u --partitions 5 -K : <<<$':1\n:2\n:3'
    equals "$(leat consume u -e -f '%p\n' | uniq | wc -l)" 1
}

@test "--partition wins over the key, and must be there" {
    leat produce t --partitions 4 -p 2 -K : <<<$'a:1\nb:2'
    equals "$(short t)" $'2@0 a=1\n2@1 b=2'
    exits 2 leat produce t -p 4 <<<'{}'
    equals "${stderr_lines[0]}" "leat produce: topic 't' has 4 partitions; there is no partition 4"
    exits 2 leat produce new -p 1 <<<'{}'
    contains "$stderr" "topic 'new' would be made with 1 partitions; there is no partition 1"
    [[ ! -e $LEAT_DIR/topics/new ]]
}

@test "--no-create fails where there is no topic, and makes neither it nor the log" {
    exits 4 leat produce t --no-create <<<'{}'
    contains "$stderr" "leat produce: cannot open directory '$LEAT_DIR'"
    [[ ! -e $LEAT_DIR ]]
    leat produce other <<<'{}'
    exits 4 leat produce t --no-create <<<'{}'
    contains "$stderr" "there is no topic 't'"
    equals "$(ls "$LEAT_DIR/topics")" other
}

@test "a wrong word is exit 2 and nothing is made" {
    local words
    for words in '--no-such' '--sync sometimes' '--sync interval=x' '--sync interval' '--in xml' '--key' '-p x' \
        '--on-error maybe' '--max-record 2GiB' '-J -K :' '-k .a -K :' "-K ''" '--partitions 0' '--partitions 5000' \
        '--time [' '--follow' '--time .t --time-format %Q'; do
        run --separate-stderr bash -c "leat produce t $words <<<'{}'"
        [[ $status -eq 2 ]] || { echo "exit $status for $words: $stderr"; return 1; }
        equals "$output" ""
        contains "$stderr" "leat produce: "
        [[ ! -e $LEAT_DIR ]] || { echo "made something for $words"; return 1; }
    done
    for words in '../t' '.' '..' 'a/b' '' "$(head -c 250 /dev/zero | tr '\0' a)" $'a\nb' 'ä'; do
        exits 2 leat produce "$words" <<<'{}'
        [[ ! -e $LEAT_DIR ]]
    done
    exits 2 leat produce <<<'{}'
}

@test "a topic name may have 249 characters" {
    local name
    name=$(head -c 249 /dev/zero | tr '\0' a)
    leat produce "$name" <<<'1'
    equals "$(values "$name")" 1
}

# ---- acknowledgements and durability -----------------------------------------------------------------------------------

@test "--ack prints topic/partition@offset of each record, in the order of its partition" {
    exits 0 leat produce t --ack <<<$'1\n2\n3'
    equals "$output" $'t/0@0\nt/0@1\nt/0@2'
    leat gen clicks -c 5000 | leat produce u --partitions 3 --key .user --ack >acks
    equals "$(wc -l <acks)" 5000
    equals "$(sort acks)" "$(leat consume u -e -f '%t/%p@%o\n' | sort)"
    equals "$(grep -n '/1@' acks | cut -d@ -f2 | sort -nc 2>&1)" ""
}

# Calls of produce up to its first acknowledgement, in order: a write to the log file, a sync of it, the ack.
@test "a record is acknowledged only after the sync of what holds it" {
    command -v strace >/dev/null || skip "no strace"
    [[ $LEAT_BUILD != */asan ]] || skip "the sanitizers trace themselves"
    leat produce t <<<'0'
    strace -f -o trace -e trace=pwrite64,pwritev,pwritev2,fdatasync,fsync,write leat produce t --ack <<<'{"n":1}'
    grep -nE 'pwrite.*LEAT|fdatasync|write\(1, "t/0@1' trace | sed -E 's/.*(pwrite|fdatasync|write\(1).*/\1/' >calls
    equals "$(tr '\n' ' ' <calls)" "pwrite fdatasync write(1 "
    strace -f -o trace -e trace=fdatasync,fsync leat produce t --sync none <<<'{"n":2}'
    run ! grep -q 'sync(' trace
}

@test "--ack that cannot be written is exit 4, and the records are there" {
    run --separate-stderr bash -c "printf '1\n2\n' | leat produce t --ack >/dev/full"
    equals "$status" 4
    equals "$stderr" "leat produce: cannot write to 'standard output': No space left on device"
    equals "$(values t)" $'1\n2'
    run --separate-stderr bash -c "printf '3\n' | leat produce t --ack >&-"
    equals "$status" 4
    equals "$stderr" "leat produce: cannot write to 'standard output': Bad file descriptor"
    equals "$(values t)" $'1\n2\n3'
}

@test "no file of the log ever gets the number of a standard descriptor that is closed" {
    : >growing
    leat produce t --follow growing 0<&- 1>&- 2>&- &
    local follower=$! fd
    opened() { [[ -n $(readlink "/proc/$follower/fd/"* | grep growing) ]]; }
    until_true opened
    for fd in 0 1 2; do equals "$fd $(readlink "/proc/$follower/fd/$fd")" "$fd /dev/null"; done
    kill "$follower"
    wait "$follower"
}

@test "--ack with a reader that goes away ends quietly" {
    run --separate-stderr bash -c 'leat gen clicks -c 20000 | leat produce t --ack | head -n 1; echo "${PIPESTATUS[1]}"'
    equals "$output" $'t/0@0\n141'
    equals "$stderr" ""
}

@test "each --sync policy makes the records visible, the topic's own is the default" {
    local policy
    for policy in batch interval=50ms interval=1h none; do
        exits 0 leat produce t --sync "$policy" --ack <<<"\"$policy\""
    done
    equals "$(values t)" $'"batch"\n"interval=50ms"\n"interval=1h"\n"none"'
}

# A program that hands over one record and then keeps its end of the pipe open.
@test "a trickle is visible within 100 ms, each record by itself, without another one to push it" {
    local policy n before
    for policy in batch none; do
        mkfifo in.$policy
        leat produce t.$policy --sync $policy <in.$policy &
        producer=$!
        exec 9>in.$policy
        echo '{"n":0}' >&9
        until_true test -e "$LEAT_DIR/topics/t.$policy"
        leat consume t.$policy -f '%s\n' -u >seen.$policy 9>&- &
        consumer=$!
        until_true has_lines seen.$policy 1
        for n in 1 2 3; do
            before=$(now_ms)
            echo "{\"n\":$n}" >&9
            until (($(wc -l <seen.$policy) == n + 1)); do :; done
            (($(now_ms) - before < 100)) || { echo "$policy: took $(($(now_ms) - before)) ms"; return 1; }
        done
        exec 9>&-
        wait "$producer"
        kill "$consumer"
        wait "$consumer" || true
    done
}

@test "with --sync interval the last records become visible when it has passed, without further input" {
    mkfifo in
    leat produce t --sync interval=300ms --ack <in >acks &
    producer=$!
    exec 9>in
    echo 1 >&9
    until_true has_lines acks 1
    equals "$(values t)" 1
    # Two at once inside the next interval: nothing yet, then both.
    printf '2\n3\n' >&9
    sleep 0.1
    has_lines acks 1
    equals "$(values t)" 1
    until_true has_lines acks 3
    equals "$(values t)" $'1\n2\n3'
    exec 9>&-
    wait "$producer"
}

@test "eight producers at once: every offset once, every acknowledged record where it was said to be" {
    local i pids=()
    for i in 1 2 3 4 5 6 7 8; do
        seq "$i" 8 4000 | leat produce t --partitions 2 --ack >"acks.$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    cat acks.* | sort >acks
    equals "$(wc -l <acks)" 4000
    equals "$(leat consume t -e -f '%t/%p@%o\n' | sort)" "$(<acks)"
    equals "$(values t | sort -n)" "$(seq 1 4000)"
    for i in 0 1; do
        equals "$(leat consume t -e -p "$i" -f '%o\n')" "$(seq 0 $(($(grep -c "/$i@" acks) - 1)))"
    done
}

@test "a producer that is killed: what it acknowledged is there, and the next one goes on behind it" {
    local round last pid
    for round in 1 2 3; do
        mkfifo in
        rm -f acks # what is waited for below must be of this round
        leat produce t --ack <in >acks 2>/dev/null &
        pid=$!
        (for ((i = 0; i < 100000; i++)); do echo "{\"i\":$i}"; done) >in 2>/dev/null &
        until_true test -s acks
        sleep "0.0$round"
        kill -9 "$pid"
        wait || true
        rm in
        last=$(grep -E '^t/0@[0-9]+$' acks | tail -n 1)
        leat consume t -e -f '%t/%p@%o\n' >there
        grep -qx "$last" there
        equals "$(grep -vxFf there <(head -n -1 acks))" ""
        # What was written and never acknowledged may be there or not; no offset is skipped either way.
        equals "$(leat produce t --ack <<<'"next"')" "t/0@$(leat consume t -e -o -1 -f %o)"
        equals "$(leat consume t -e -f '%o\n')" "$(seq 0 $(($(values t | wc -l) - 1)))"
        equals "$(leat consume t -e -f '%t/%p@%o\n' | head -n "$(wc -l <there)")" "$(<there)"
    done
}

@test "SIGTERM and SIGINT: what was read is kept and acknowledged, and the signal shows in the exit code" {
    local want name
    mkfifo in
    for want in TERM:143 INT:130; do
        name=${want%:*}
        leat produce "t.$name" --ack <in >acks 2>err &
        producer=$!
        exec 9>in
        echo 1 >&9
        until_true has_lines acks 1
        echo 2 >&9
        until_true has_lines acks 2
        kill "-$name" "$producer"
        reap "$producer"
        exec 9>&-
        equals "$name:$status $(<err)" "$want "
        equals "$(values "t.$name")" $'1\n2'
    done
}

# ---- bad records -------------------------------------------------------------------------------------------------------

@test "a bad record stops with exit 3, by file and line; those before it are kept and acknowledged" {
    printf '{"a":1}\n{"a":2}\n{"a":\n{"a":4}\n' >in.json
    exits 3 leat produce t --ack in.json
    equals "$output" $'t/0@0\nt/0@1'
    equals "$stderr" "leat produce: record 'in.json:3': not JSON: text ends where a value should be at byte 6"
    equals "$(values t)" $'{"a":1}\n{"a":2}'
}

@test "duplicate keys, bad UTF-8, lone surrogates, NaN and trailing bytes are bad JSON" {
    local bad
    for bad in '{"a":1,"a":2}' '{"a":1,"\u0061":2}' $'"\xff"' '"\ud800"' '[NaN]' '{} {}' '[1,]' $'"\x01"' '01' $'\xef\xbb\xbf\xef\xbb\xbf1'; do
        exits 3 leat produce t -i json <<<"$bad"
        contains "$stderr" "record 'standard input:1': not JSON: "
    done
    equals "$(values t)" ""
}

@test "--on-error skip leaves bad records out, shows the first three and counts all" {
    printf '%s\n' 1 x 2 x x x x 3 >in.json
    exits 0 leat produce t --on-error skip --stats=json -i json in.json
    equals "$(values t)" $'1\n2\n3'
    equals "$(grep -c "^leat produce: warning: record 'in.json:[245]' skipped: not JSON: " <<<"$stderr")" 3
    contains "$stderr" "leat produce: warning: more bad records are skipped and only counted"
    contains "$stderr" "leat produce: warning: 5 of 8 records were bad and left out"
    contains "$stderr" '"records_in":8'
    contains "$stderr" '"records_out":3'
    contains "$stderr" '"bad":5'
}

@test "--dead-letter TOPIC takes bad records with their raw bytes and says why, where, who and when" {
    printf '{"a":1}\n{"a":\xff\\ \nword\n' >in.json
    exits 0 leat produce t --dead-letter bad in.json
    equals "$stderr" ""
    equals "$(values t)" '{"a":1}'
    leat consume bad -e | python3 -B "$LEAT_SOURCE/tests/golden/decode.py" - >letters
    python3 - <<'END'
import base64, json
letters = [json.loads(line) for line in open('letters')]
assert [base64.b64decode(l['value']) for l in letters] == [b'{"a":\xff\\ ', b'word'], letters
assert all(l['value_type'] == 2 and l['key'] is None for l in letters)
heads = [[(n, base64.b64decode(v).decode()) for n, v in l['headers']] for l in letters]
assert [[n for n, _ in h] for h in heads] == [['leat.error', 'leat.tool', 'leat.source', 'leat.time']] * 2, heads
assert [dict(h)['leat.source'] for h in heads] == ['in.json:2', 'in.json:3'], heads
assert all(dict(h)['leat.tool'] == 'produce' and dict(h)['leat.error'].startswith('not JSON: ') for h in heads)
assert all(dict(h)['leat.time'].endswith('Z') and len(dict(h)['leat.time']) >= 20 for h in heads)
END
}

@test "--dead-letter of a record from blocks keeps its key, headers, time and value" {
    leat produce a -J <<<'{"key":"k","headers":["h","1"],"tstype":"create","ts":7,"payload":{"t":"never"}}'
    leat consume a -e | leat produce b --time .t --dead-letter ./letters.leat
    equals "$(values b)" ""
    leat produce c letters.leat
    equals "$(leat consume c -e -f '%k %T %s ')" 'k 7 {"t":"never"} '
    contains "$(leat consume c -e -f '%h')" 'h=1,leat.error=time .t is "never"'
    contains "$(leat consume c -e -f '%h')" ',leat.source=a/0@0,'
}

@test "--dead-letter FILE appends blocks with a CRC, run after run" {
    leat produce t --dead-letter ./letters.leat -i json <<<'x'
    leat produce t --dead-letter ./letters.leat -i json <<<'y'
    equals "$(decode <letters.leat | wc -l)" 2
    leat produce again letters.leat
    equals "$(values again)" $'x\ny'
}

@test "dead letters that cannot be written stop the run with exit 4" {
    exits 4 leat produce t --dead-letter /dev/full -i json <<<'x'
    contains "$stderr" "No space left on device"
}

# ---- limits ------------------------------------------------------------------------------------------------------------

@test "a record over the limit is refused by name and number, with the option that raises it" {
    { echo '1'; head -c 16777300 /dev/zero | tr '\0' 1; echo; echo 2; } >big
    exits 3 leat produce t -i lines big
    equals "$stderr" "leat produce: record 'big:2': line of more than 16777216 bytes is over the limit; --max-record raises it"
    exits 0 leat produce t -i lines --on-error skip big
    equals "$(leat consume t -e -f '%S ')" "3 3 3 "
}

@test "a record of exactly 16 MiB is taken, one byte more is not" {
    head -c $((16777216 - 24)) /dev/zero | tr '\0' 1 >full
    exits 0 leat produce t -i lines --value bytes full
    equals "$(leat consume t -e -f %S)" $((16777216 - 24))
    leat consume t -e -f %s | cmp - full
    echo -n 1 >>full
    exits 3 leat produce t -i lines --value bytes full
    contains "$stderr" "record 'full:1': "
    contains "$stderr" "16777217"
    contains "$stderr" "16777216"
    contains "$stderr" "max-record"
}

@test "a topic that was made with a higher limit takes 100 MiB, and consume gives it back" {
    long
    head -c $((100 << 20)) /dev/urandom >large
    python3 -c 'import struct,sys; sys.stdout.buffer.write(struct.pack("<I", 100 << 20))' | cat - large >large.lp
    exits 3 leat produce t -i lp large.lp
    contains "$stderr" "--max-record raises it"
    exits 2 leat produce t -i lp --max-record 200MiB large.lp
    contains "$stderr" "leat topic alter"
    exits 0 leat produce u -i lp --max-record 200MiB large.lp
    leat consume u -e -f %s | cmp - large
    run --separate-stderr bash -c 'leat consume u -e | leat produce v'
    equals "$status" 3
    contains "$stderr" "--max-record"
    leat consume u -e | leat produce w --max-record 200MiB
    leat consume w -e -f %s | cmp - large
}

@test "a key of 65,535 bytes is taken, 65,536 are a bad record" {
    local key
    key=$(head -c 65535 /dev/zero | tr '\0' k)
    leat produce t -K : <<<"$key:1"
    equals "$(leat consume t -e -f %K)" 65535
    exits 3 leat produce t -K : <<<"k$key:1"
    contains "$stderr" "record 'standard input:1': key of 65536 bytes is over the limit of 65535"
}

@test "memory stays flat however long the input is" {
    [[ $LEAT_BUILD != */asan ]] || skip "the sanitizers take memory of their own"
    leat gen clicks -c 200000 >clicks.leat
    (($(peak_kib leat produce t --sync none clicks.leat) < 16384))
    (($(peak_kib bash -c 'leat consume t -e >/dev/null') < 16384))
}

# ---- inputs ------------------------------------------------------------------------------------------------------------

@test "several files are read in order, - is standard input, a missing one is exit 4" {
    echo 1 >a
    echo 3 >c
    leat produce t a - c <<<'2'
    equals "$(values t)" $'1\n2\n3'
    exits 4 leat produce t a nothere c
    equals "$stderr" "leat produce: cannot open 'nothere': No such file or directory"
    equals "$(values t | tail -n 1)" 1
    exits 4 leat produce t .
    equals "$stderr" "leat produce: cannot read '.': Is a directory"
    exits 4 leat produce never nothere # and no topic is made for nothing
    exits 4 leat consume never -e
}

@test "an empty input is no record and no error" {
    exits 0 leat produce t </dev/null
    equals "$output$stderr" ""
    equals "$(values t)" ""
}

@test "a standard input that is closed is exit 4" {
    run --separate-stderr bash -c 'leat produce t <&-'
    equals "$status" 4
    equals "$stderr" "leat produce: cannot read 'standard input': Bad file descriptor"
}

@test "--follow goes on with what is appended, with a new file of the name, and from the beginning of one that was cut" {
    echo 1 >growing
    leat produce t --follow growing 2>err &
    follower=$!
    is() { [[ $(values t 2>/dev/null) == "$1" ]]; }
    until_true is 1
    echo 2 >>growing
    until_true is $'1\n2'
    mv growing growing.1
    echo 3 >growing
    until_true is $'1\n2\n3'
    : >growing
    until_true grep -q 'cut short' err
    echo 4 >>growing
    until_true is $'1\n2\n3\n4'
    kill -TERM "$follower"
    reap "$follower"
    equals "$status" 0
    contains "$(<err)" "'growing' was replaced; going on with the new file"
}

@test "--follow takes no blocks and no pipes" {
    leat gen clicks -c 1 >stream
    exits 2 leat produce t --follow stream
    contains "$stderr" "'stream' holds blocks; only text can be followed"
    mkfifo pipe
    exits 2 leat produce t --follow pipe
    contains "$stderr" "cannot follow 'pipe': it is not a regular file"
}

@test "--stats tells what went in and came out" {
    exits 0 leat produce t --stats=json <<<$'1\n22'
    equals "$(sed -E 's/,"event_time.*//; s/,"seconds.*//' <<<"$stderr")" \
        '{"tool":"leat produce","records_in":2,"bytes_in":3,"records_out":2,"bytes_out":3,"bad":0,"late":0'
}

@test "the log is where -d, LEAT_DIR, XDG_DATA_HOME or HOME say, and belongs to its user alone" {
    leat produce -d ./here t <<<1
    [[ -d here/topics/t ]]
    (unset LEAT_DIR; XDG_DATA_HOME=$PWD/xdg leat produce t <<<2; [[ -d xdg/leat/topics/t ]])
    (unset LEAT_DIR; HOME=$PWD/home; mkdir home; leat produce t <<<3; [[ -d home/.local/share/leat/topics/t ]])
    umask 0
    leat produce -d ./open t <<<1
    equals "$(find open -perm /077)" ""
}

@test "every line of the page's EXAMPLES runs" {
    local line count=0
    leat gen clicks -c 20 | leat produce clicks
    while IFS= read -r line; do
        exits 0 timeout 20 bash -c "${line//\\e/\\}"
        equals "$stderr" ""
        ((++count))
    done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$LEAT_SOURCE/man/leat-produce.1")
    [[ $count -eq 5 ]]
}

@test "a dead-letter file that ends inside a block, or holds something else, is refused before anything is read" {
    cd "$BATS_TEST_TMPDIR"
    echo '{bad' | leat produce t --in json --dead-letter ./letters
    exits 0 leat produce t --in json --dead-letter ./letters <<<'{bad' # whole blocks: more can follow
    local size
    size=$(stat -c %s letters)
    truncate -s -5 letters
    exits 6 leat produce t --in json --dead-letter ./letters <<<'{bad'
    contains "$stderr" "'./letters' ends inside a block: nothing behind it could be read; cut it at byte $((size / 2))"
    truncate -s $((size / 2)) letters
    exits 0 leat produce t --in json --dead-letter ./letters <<<'{bad'
    equals "$(leat filter --count true ./letters)" 2
    echo some text >notes
    exits 6 leat produce t --in json --dead-letter ./notes <<<'{bad'
    equals "$(<notes)" "some text"
}

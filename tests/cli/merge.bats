#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat merge: the order of event time over files, FIFOs and topics, disorder told, inputs that wait for each other, and
# what goes wrong with one of them.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    export TMPDIR="$BATS_TEST_TMPDIR"
    printf '%s\n' '{"t":1,"n":"a"}' '{"t":3,"n":"b"}' '{"t":5,"n":"c"}' >a.json
    printf '%s\n' '{"t":2,"n":"d"}' '{"t":3,"n":"e"}' '{"t":9,"n":"f"}' >b.json
}

teardown() {
    local job
    for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
}

# The .n of each line, in one word.
names() {
    jq -rj .n
}

# So many records with rising times: numbers FIRST STEP COUNT NAME
numbers() {
    seq "$1" "$2" $(($1 + $2 * ($3 - 1))) | sed 's/.*/{"t":&,"n":"'"$4"'"}/'
}

merge() {
    leat merge --time .t -j "$@"
}

@test "records of several files come in the order of their times, equal ones in that of the operands" {
    exits 0 merge a.json b.json
    equals "$(names <<<"$output")" adbecf
    equals "$stderr" ""
    exits 0 merge b.json a.json
    equals "$(names <<<"$output")" adebcf
    exits 0 merge a.json a.json a.json
    equals "$(names <<<"$output")" aaabbbccc
    exits 0 merge a.json - <b.json
    equals "$(names <<<"$output")" adbecf
    exits 0 merge a.json
    equals "$(names <<<"$output")" abc
}

@test "records are as they were: key, headers, time, topic, partition, offset" {
    leat produce clicks --partitions 1 --key .n --time .t <<<$'{"t":1,"n":"x"}\n{"t":4,"n":"y"}' -H from=here
    leat produce orders --partitions 1 --time .t <<<$'{"t":2,"n":"z"}'
    exits 0 leat merge -e clicks orders -J
    equals "$(jq -c '[.topic, .partition, .offset, .key, .ts, .headers, .payload.n]' <<<"$output")" \
        "$( (leat consume clicks -e -J; leat consume orders -e -J) |
            jq -sc 'sort_by(.ts)[] | [.topic, .partition, .offset, .key, .ts, .headers, .payload.n]')"
    leat merge -e clicks orders >both.leat
    equals "$(leat show --info both.leat | grep -c 'damaged')" 0
    exits 0 leat show -f '%t/%p@%o %s\n' both.leat
    equals "${lines[1]}" 'orders/0@0 {"t":2,"n":"z"}'
    decode <both.leat >/dev/null
}

@test "many files give what sort gives, in two runs the same" {
    local i
    for ((i = 0; i < 50; i++)); do
        numbers $((i * 7 % 50 + 1)) $((i % 5 + 1)) 200 "$i" >"in$i.json"
    done
    exits 0 merge in?.json in??.json
    equals "$stderr" ""
    equals "${#lines[@]}" 10000
    equals "$(md5sum <<<"$output")" "$(cat in?.json in??.json |
        jq -sc 'sort_by(.t)[]' | md5sum)"
    local first=$output
    exits 0 merge in?.json in??.json
    equals "$(md5sum <<<"$output")" "$(md5sum <<<"$first")"
}

@test "what is out of order within the bound is put in order" {
    printf '{"t":%s,"n":"%s"}\n' 3 c 1 a 2 b 8 f 5 d 6 e >mixed.json
    exits 0 merge --out-of-order 3s mixed.json
    equals "$(names <<<"$output")" abcdef
    equals "$stderr" ""
    printf '{"t":%s,"n":"%s"}\n' 4 C 7 E >other.json
    exits 0 merge --out-of-order 3s mixed.json other.json
    equals "$(names <<<"$output")" abcCdeEf
}

@test "a record that comes too late is written, counted and named" {
    printf '{"t":%s,"n":"%s"}\n' 3 a 1 b 4 c 2 d 5 e 1 f 1 g 6 h >bad.json
    exits 0 merge --stats=json bad.json
    equals "$(names <<<"$output")" abcdefgh
    contains "$stderr" "record 'bad.json:2' is earlier than what was written before it"
    contains "$stderr" "record 'bad.json:4' is earlier"
    contains "$stderr" "record 'bad.json:6' is earlier"
    [[ $stderr != *bad.json:7* ]]
    contains "$stderr" "4 records are earlier than what was written before them"
    equals "$(grep '^{' <<<"$stderr" | jq .late)" 4
    exits 0 merge --out-of-order 2s bad.json
    equals "$(names <<<"$output" | tr -d fg)" bdaceh
    contains "$stderr" "record 'bad.json:6' is earlier"
}

@test "random disorder: sorted where it is within the bound, and as many inversions as are counted where it is not" {
    python3 - <<'END'
import json, random
rng = random.Random(20261121)
for i in range(4):
    t, rows = 1000, []
    for k in range(3000):
        t += rng.randrange(0, 5)
        rows.append({"t": t - rng.randrange(0, 20), "n": f"{i}.{k}"})
    open(f"r{i}.json", "w").write("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in rows))
END
    exits 0 merge --out-of-order 20s r?.json
    equals "$stderr" ""
    equals "$(md5sum <<<"$output")" "$(cat r?.json | jq -sc 'sort_by(.t)[]' | md5sum)"
    exits 0 merge --out-of-order 5s -q --stats=json r?.json
    local late
    late=$(grep '^{' <<<"$stderr" | jq .late)
    equals "$(jq -n '[inputs.t] | reduce .[] as $t ({m: 0, n: 0};
        if $t < .m then .n += 1 else .m = $t end) | .n' <<<"$output")" "$late"
    ((late > 100))
    equals "$(sort <<<"$output" | md5sum)" "$(jq -c . r?.json | sort | md5sum)"
}

@test "--any: everything comes, in whatever order, and needs no time" {
    exits 0 leat merge --any a.json b.json -j
    equals "$(sort <<<"$output")" "$(sort a.json b.json)"
    leat gen clicks -c 1000 >c.leat
    exits 0 leat merge --any c.leat a.json -j
    equals "${#lines[@]}" 1003
    leat merge --any c.leat a.json >both.leat
    decode <both.leat >/dev/null
    exits 2 leat merge --any --out-of-order 1s a.json
    exits 2 leat merge --any --idle-timeout 1s a.json
}

@test "text without a time is exit 2, an envelope has one" {
    exits 2 leat merge a.json b.json -j
    contains "$stderr" "text has no event time; say where it is, as in --time .time"
    equals "$output" ""
    leat gen clicks -c 5 -J >e.json
    exits 0 leat merge -i envelope e.json -j
    equals "${#lines[@]}" 5
    exits 2 leat merge
    exits 2 leat merge - - </dev/null
    contains "$stderr" "'-' can be an input only once"
}

@test "blocks and text together" {
    leat gen clicks -c 100 >c.leat
    leat gen clicks -c 100 --seed 7 -j >d.json
    leat gen clicks -c 50 --seed 8 | leat show -O csv >f.csv
    exits 0 leat merge -q --time .ts c.leat d.json f.csv -j --out-of-order 1h
    equals "${#lines[@]}" 250
    jq -r .ts <<<"$output" | sort -c
}

@test "FIFOs can be opened in any order, on either side" {
    local order
    mkfifo p q
    for order in "p q" "q p"; do
        (for f in $order; do [[ $f == p ]] && cat a.json >p || cat b.json >q; done) &
        exits 0 timeout 20 leat merge --time .t -j p q
        equals "$(names <<<"$output")" adbecf
        (for f in $order; do [[ $f == p ]] && cat a.json >p || cat b.json >q; done) &
        exits 0 timeout 20 leat merge --time .t -j q p
        equals "$(names <<<"$output")" adebcf
        wait
    done
    (
        exec 3>q 4>p # both by one writer, and the second one first
        cat a.json >&4
        exec 4>&-
        cat b.json >&3
    ) &
    exits 0 timeout 20 leat merge --time .t -j p q
    equals "$(names <<<"$output")" adbecf
}

@test "a pipe whose writer is gone before anybody looks" {
    exits 0 timeout 20 bash -c 'leat merge --time .t -j <(true) <(cat a.json) a.json'
    equals "$(names <<<"$output")" aabbcc
}

@test "one side is slow: the order is the same, and what can come comes at once" {
    mkfifo p
    (sed -n 1p b.json; sleep 1; sed -n 2,3p b.json) >p &
    exits 0 timeout 20 leat merge --time .t -j a.json p
    equals "$(names <<<"$output")" adbecf
    (sed -n 1p b.json; exec sleep 30) >p 3>&- &
    timeout 20 leat merge --time .t -j a.json p >out 3>&- &
    local pid=$!
    until_true grep -q '"d"' out
    equals "$(names <out)" ad
    kill "$pid"
}

@test "a diamond: tee into two pipes, both into one merge" {
    mkfifo p q
    (leat gen clicks -c 200000 -j | tee p >q) 3>&- &
    exits 0 bash -c 'set -o pipefail; timeout 60 leat merge -q --time .ts --out-of-order 1h -j q p | md5sum'
    local got=$output
    leat gen clicks -c 200000 -j >c.json
    exits 0 bash -c 'set -o pipefail; leat merge -q --time .ts --out-of-order 1h -j c.json c.json | md5sum'
    equals "$got" "$output"
}

@test "what cannot be held while another input is waited for goes to a file, up to --spill-limit" {
    mkfifo p q
    leat gen clicks -c 100000 -j >c.json
    feed_both() {
        tee p <c.json 2>/dev/null | (cat >/dev/null; cat a.json) >q
    }
    feed_both 3>&- &
    exits 0 timeout 60 bash -c 'set -o pipefail
        leat merge -v --time ".ts // .t" --out-of-order 1h -j q p 2>err | wc -l'
    equals "$output" 100003
    contains "$(<err)" "bytes were in temporary files"
    equals "$(find "$TMPDIR" -name '*spill*')" ""
    feed_both 3>&- &
    exits 4 timeout 60 leat merge --time ".ts // .t" -j q p --spill-limit 1M
    contains "$stderr" "'p': what waits is more than --spill-limit, 1048576 bytes, allows"
    feed_both 3>&- &
    exits 4 timeout 60 leat merge --time ".ts // .t" -j q p --spill-limit 0
    contains "$stderr" "'p': what waits is more than --spill-limit, 0 bytes, allows"
    feed_both 3>&- &
    exits 4 timeout 60 env TMPDIR=/nonexistent leat merge --time ".ts // .t" -j q p
    contains "$stderr" "cannot make a spill file for 'p' in '/nonexistent'"
}

@test "records that wait have a limit" {
    leat gen clicks -c 20000 -j >c.json
    exits 4 leat merge -q --time .ts --out-of-order 100d --max-state 1M c.json
    contains "$stderr" "state is over 1 MiB (--max-state)"
}

@test "one side fails: its exit code, its name, and nothing pretends to be complete" {
    leat gen clicks -c 1000 >c.leat
    head -c 100000 c.leat >cut.leat
    exits 5 leat merge c.leat cut.leat --output out.json
    contains "$stderr" "'cut.leat'"
    [[ ! -e out.json ]]
    run bash -c 'leat merge -q c.leat cut.leat 2>/dev/null | leat filter true -j'
    equals "$status" 5
    exits 5 bash -c 'set -o pipefail; leat filter ".status + .user" c.leat 2>/dev/null | leat merge - c.leat >/dev/null'
    contains "$stderr" "'standard input': upstream failed with status 3"
    python3 -c 'b = bytearray(open("c.leat", "rb").read()); b[len(b) // 2] ^= 255; open("flip.leat", "wb").write(b)'
    exits 6 leat merge c.leat flip.leat --output out.json
    contains "$stderr" "'flip.leat'"
    [[ ! -e out.json ]]
    exits 4 leat merge --time .t a.json ./missing.json -j
    contains "$stderr" "cannot open './missing.json'"
}

@test "no such topic: exit 4, and both say so" {
    leat produce clicks <<<'{}'
    exits 4 leat merge -e clicks nothing --any -j
    contains "$stderr" "'nothing': leat-consume failed with exit status 4"
}

@test "bad records: stop, skip, dead letters" {
    printf '%s\n' '{"t":2,"n":"x"}' 'no json' '{"n":"no time"}' '{"t":4,"n":"y"}' >bad.json
    exits 3 merge -i json a.json bad.json
    contains "$stderr" "bad.json:2"
    exits 0 merge -i json --on-error skip --stats=json a.json bad.json
    equals "$(names <<<"$output")" axbyc
    equals "$(grep '^{' <<<"$stderr" | jq .bad)" 2
    exits 0 merge -i json --dead-letter ./letters.leat a.json bad.json
    equals "$(names <<<"$output")" axbyc
    equals "$(leat show -f '%s\n' letters.leat)" $'no json\n{"n":"no time"}'
    contains "$(leat show -f '%h\n' letters.leat)" "bad.json:3"
}

@test "a record of a block without a time is a bad one" {
    leat filter true a.json >plain.leat
    exits 3 leat merge plain.leat
    contains "$stderr" "it has no event time"
}

@test "empty inputs" {
    : >empty
    exits 0 merge empty a.json empty
    equals "$(names <<<"$output")" abc
    exits 0 merge empty empty
    equals "$output" ""
    exits 0 leat merge empty --time .t -O leat --output none.leat
    exits 0 leat filter true none.leat -j
    equals "$output" ""
    leat produce void </dev/null
    leat produce clicks --time .t <a.json
    exits 0 leat merge -e void clicks -j
    equals "$(names <<<"$output")" abc
}

@test "the history of both sides is in the start, in the order of the operands, shared steps once" {
    leat gen clicks -c 5 >c.leat
    leat filter true c.leat >f.leat
    leat map . c.leat >m.leat
    leat merge -q m.leat f.leat >all.leat
    exits 0 leat show --info all.leat
    equals "$(grep -ao '{"type":"start".*"version":"[^"]*","time":[0-9]*}\]}' all.leat | head -1 |
        jq -r '.history | map(.tool) | join(" ")')" "gen map filter merge"
}

@test "a barrier is refused with words" {
    python3 -B - >barrier.leat <<'END'
import json, struct, sys
def control(o):
    body = json.dumps(o).encode()
    return struct.pack("<4sBBBBIIIIQqqQIIQII", b"LEAT", 1, 2, 0, 0, len(body), 0, len(body), 0, 0,
                       -2**63, -2**63, 0, 0, 0, 0, 0, 0) + body
sys.stdout.buffer.write(control({"type": "start", "run": "00" * 8, "pipeline": None, "restore": None, "history": []}))
sys.stdout.buffer.write(control({"type": "barrier", "checkpoint": 1, "positions": []}))
sys.stdout.buffer.write(control({"type": "end", "status": 0, "records": 0, "bytes": 0}))
END
    exits 3 leat merge barrier.leat a.json --time .t
    contains "$stderr" "'barrier.leat' has a barrier: those of several inputs cannot be brought together yet"
}

@test "topics are followed live, and ended by a signal" {
    leat produce one --time .t <a.json
    leat produce two --time .t <b.json
    leat merge one two -j >out 3>&- &
    local pid=$!
    until_true grep -q '"f"' out # both say that they are idle now
    leat produce one --time .t <<<'{"t":20,"n":"g"}'
    until_true grep -q '"g"' out
    leat produce two --time .t <<<'{"t":30,"n":"h"}'
    until_true grep -q '"h"' out
    local children
    children=$(pgrep -P "$pid" | paste -sd' ')
    equals "$(wc -w <<<"$children")" 2
    kill -TERM "$pid"
    wait "$pid" || true
    equals "$(names <out)" adbecfgh
    for pid in $children; do until_true bash -c "! kill -0 $pid 2>/dev/null"; done
}

@test "an input that is idle does not hold the others back for longer than --idle-timeout" {
    mkfifo p
    (sed -n 1p b.json; exec sleep 30) >p 3>&- &
    timeout 20 leat merge --time .t -j --idle-timeout 300ms a.json p >out 3>&- &
    local pid=$!
    until_true grep -q '"c"' out
    equals "$(names <out)" adbc
    kill "$pid"
}

@test "an idle input that comes back is in its place again, and what is late is told" {
    mkfifo p q
    (cat a.json; sleep 1.5; printf '%s\n' '{"t":12,"n":"z"}') >p 3>&- &
    (sed -n 1p b.json; sleep 1; sed -n 2,3p b.json; sleep 1) >q 3>&- &
    exits 0 timeout 20 leat merge --time .t -j --idle-timeout 300ms p q
    equals "$(names <<<"$output")" adbcefz
    contains "$stderr" "record 'q:2' is earlier than what was written before it"
}

@test "downstream hears how far event time is" {
    mkfifo p
    (cat a.json; exec sleep 30) >p 3>&- &
    leat merge --time .t a.json p 3>&- | leat window --tumble 1s '{n: count}' -j >out 3>&- &
    until_true bash -c '[[ $(wc -l <out) -ge 2 ]]'
}

@test "a reader that goes away and a full disk" {
    leat gen clicks -c 100000 >c.leat
    run bash -c 'leat merge -q c.leat c.leat -j | head -1 >/dev/null; echo "${PIPESTATUS[0]}"'
    equals "$output" 141
    exits 4 bash -c 'leat merge -q c.leat c.leat >/dev/full'
    contains "$stderr" "No space left on device"
}

@test "a signal ends it with the truth downstream" {
    mkfifo p
    (cat a.json; exec sleep 30) >p 3>&- &
    leat merge --time .t a.json p >out.leat 3>&- &
    local pid=$!
    until_true test -s out.leat
    kill -TERM "$pid"
    local code=0
    wait "$pid" || code=$?
    equals "$code" 143
    exits 5 leat filter true out.leat -j
}

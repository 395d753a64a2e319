#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat replay: what it plays, in which order and when, the same results at any speed, ranges and rounds, other times,
# archives, and how it ends.

load helpers
load records
load windows

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

# As fast as it goes, as JSON lines.
play() {
    timeout 20 leat replay -x max --time .t -j "$@"
}

# The .n of each line, in one word.
names() {
    jq -rj .n
}

# How long a command takes, in milliseconds, in $took, and its exit code in $status.
timed() {
    local began
    began=$(now_ms)
    status=0
    "$@" || status=$?
    took=$(($(now_ms) - began))
}

# Is it within these bounds?
within() {
    (($1 >= $2 && $1 <= $3)) && return 0
    echo "$1 is not within $2 to $3"
    return 1
}

windows() {
    leat window --tumble 1s "$@" -g .country '{n: count, p: p99(.latency_ms)}' -j
}

# ---- what is played ----

@test "topics, segments, blocks and text of any format are played as they were" {
    leat gen clicks -c 300 -j >c.json
    leat gen clicks -c 300 >c.leat
    leat show -O csv c.leat >c.csv
    leat show -O envelope c.leat >c.envelope
    leat produce clicks --partitions 1 --time .ts --key .user -H from=here c.json
    exits 0 leat replay -x max c.leat -j
    equals "$output" "$(<c.json)"
    exits 0 play --time .ts c.json
    equals "$output" "$(<c.json)"
    exits 0 leat replay -x max --time .ts -j c.csv
    equals "${#lines[@]}" 300
    exits 0 leat replay -x max -i envelope -j - <c.envelope
    equals "$output" "$(<c.json)"
    exits 0 leat replay -x max clicks -J
    equals "$output" "$(leat consume clicks -e -J)"
    exits 0 leat replay -x max "$LEAT_DIR"/topics/clicks/0/*.leat -j
    equals "$output" "$(<c.json)"
    leat replay -x max clicks >out.leat
    decode <out.leat >/dev/null
    exits 0 leat show -J out.leat
    equals "$output" "$(leat consume clicks -e -J)"
}

@test "several sources run in lockstep, merged by event time" {
    exits 0 play a.json b.json
    equals "$(names <<<"$output")" adbecf
    exits 0 play b.json a.json
    equals "$(names <<<"$output")" adebcf
    leat gen clicks -c 3000 -j >c.json
    leat produce clicks --partitions 4 --time .ts --key .user <(jq -sc 'sort_by(.ts)[]' c.json)
    exits 0 leat replay -x max clicks -j
    jq -r .ts <<<"$output" | sort -c
    equals "$(sort <<<"$output" | md5sum)" "$(jq -c . c.json | sort | md5sum)"
    mkfifo p
    cat b.json >p &
    exits 0 play a.json p
    equals "$(names <<<"$output")" adbecf
}

@test "the same windows at any speed, and live" {
    local want
    leat gen clicks -c 4000 -j >c.json # five in a hundred are out of order
    leat produce one --time .ts c.json
    want=$(leat consume one -e | windows 2>/dev/null)
    equals "$(leat replay -x max one | windows 2>/dev/null)" "$want"
    equals "$(leat replay -x 1000 one | windows 2>/dev/null)" "$want"
    equals "$(leat replay --rate 20000 one | windows 2>/dev/null)" "$want"
    leat produce many --partitions 3 --key .user --time .ts c.json
    want=$(leat consume many -e | windows --out-of-order 6s)
    equals "$(leat replay -x max many | windows --out-of-order 6s)" "$want"
    equals "$(leat replay -x 1000 many | windows --out-of-order 6s)" "$want"
    equals "$(leat replay -x max --by time many | windows)" "$want"
}

# What a consumer sees that was there before the first record, in pieces.
live() {
    local topic=$1
    shift
    leat topic create "$topic" "$@"
    split -l 500 c.json piece.
    leat consume "$topic" -c 4000 >live.leat 3>&- &
    local pid=$! piece
    for piece in piece.*; do
        leat produce "$topic" --key .user --time .ts "$piece"
        sleep 0.05
    done
    reap "$pid"
    equals "$status" 0
}

@test "the same windows as those of a consumer that read it live" {
    leat gen clicks -c 4000 -j >c.json
    live one
    equals "$(leat replay -x 1000 one | windows 2>/dev/null)" "$(windows <live.leat 2>/dev/null)"
    live many --partitions 3
    equals "$(leat replay -x 1000 many | windows --out-of-order 6s)" "$(windows --out-of-order 6s <live.leat)"
    equals "$(leat replay -x max many | windows --out-of-order 6s)" "$(windows --out-of-order 6s <live.leat)"
}

@test "--stats 1s as two words" {
    printf '{"t":%s}\n' 0 0.1 0.2 >s.json
    exits 0 leat replay --time .t -i json --stats 100ms s.json -j
    contains "$stderr" target
    exits 0 leat replay --time .t -i json -x max --stats s.json -j
    equals "$(wc -l <<<"$output")" 3
}

@test "what a recorded stream says of its watermarks stands where it stood" {
    local want
    leat gen clicks -c 4000 -j >c.json
    leat produce one --time .ts c.json
    leat consume one -e --out-of-order 2s >rec.leat
    want=$(windows <rec.leat 2>/dev/null)
    [[ $want != "$(leat consume one -e | windows 2>/dev/null)" ]]
    equals "$(leat replay -x max rec.leat | windows 2>/dev/null)" "$want"
    equals "$(leat replay -x 1000 rec.leat | windows 2>/dev/null)" "$want"
    exits 1 bash -c 'leat replay -x max --by time rec.leat | grep -ac "\"type\":\"watermark\""'
    equals "$output" 0
}

@test "a partition that has ended, or has nothing, does not hold windows back" {
    printf '{"t":%s,"k":"one"}\n' 0.1 1.2 1000 >k.json
    leat produce one --partitions 3 --key .k --time .t k.json
    leat replay one 2>/dev/null | leat window --tumble 1s '{n: count}' -j >out 3>&- &
    until_true grep -q '"window_end":"1970-01-01T00:00:01Z"' out # and there is a long time to go
    [[ -n $(jobs -r) ]]
    exits 0 bash -c 'leat replay -x max one | leat window --tumble 1s "{n: count}" -j'
    equals "$output" "$(leat consume one -e | leat window --tumble 1s '{n: count}' -j)"
}

@test "--by append keeps the order in which it was written, --by time sorts" {
    printf '{"t":%s,"n":"%s"}\n' 3 c 1 a 2 b 8 f 5 d 6 e >mixed.json
    exits 0 play mixed.json
    equals "$(names <<<"$output")" cabfde
    equals "$stderr" ""
    exits 0 play --by append mixed.json a.json # a late one comes right behind the one before it
    equals "$(names <<<"$output")" acabbcfde
    exits 0 play --by time mixed.json
    equals "$(names <<<"$output")" abcdef
    exits 0 play --by time --out-of-order 3s mixed.json
    equals "$(names <<<"$output")" abcdef
    exits 0 play --by time --out-of-order 0 --stats=json mixed.json
    equals "$(names <<<"$output")" cabfde
    contains "$stderr" "record 'mixed.json:2' is earlier than what was played before it"
    equals "$(grep '^{' <<<"$stderr" | jq .late)" 4
    equals "$(grep -c 'is earlier' <<<"$stderr")" 3
    leat gen clicks -c 20000 >c.leat
    exits 4 leat replay -x max --by time --max-state 1M c.leat -j
    contains "$stderr" "state is over 1 MiB (--max-state)"
    exits 2 play --out-of-order 1s mixed.json
}

# ---- when ----

@test "records leave with the rhythm of their times, and have left before the next is waited for" {
    printf '{"t":%s}\n' 1767225600.0 1767225600.4 1767225600.4 1767225601.0 >r.json
    stamps() {
        local first='' now
        while read -r _; do
            now=$(now_ms)
            first=${first:-$now}
            echo $((now - first))
        done
    }
    mapfile -t lines < <(leat replay --time .t -j r.json | stamps)
    equals "${lines[0]}" 0
    within "${lines[1]}" 380 700
    within "${lines[2]}" 380 700
    within "${lines[3]}" 980 1300
    mapfile -t lines < <(leat replay -x 4 --time .t -j r.json | stamps)
    within "${lines[1]}" 80 400
    within "${lines[3]}" 230 550
}

@test "--rate, --max-gap, --duration and --limit" {
    seq -f '{"t":%g}' 0 100 10000 >slow.json
    timed leat replay --rate 50/s --limit 26 slow.json -j >out
    has_lines out 26
    within "$took" 500 1500
    timed leat replay --rate 3000/m --limit 26 slow.json -j >out
    within "$took" 500 1500
    timed leat replay --time .t --max-gap 20ms --limit 26 slow.json -j >out
    within "$took" 500 1500
    timed leat replay -x 2 --time .t --max-gap 40ms --limit 26 slow.json -j >out
    within "$took" 500 1500
    timed leat replay --time .t --duration 500ms slow.json -j >out
    has_lines out 1
    within "$took" 500 1500
    timed leat replay --rate 20 --duration 500ms slow.json -j >out
    within "$(wc -l <out)" 9 11
    mkfifo p
    (cat a.json; exec sleep 30) >p 3>&- &
    timed leat replay --time .t --max-gap 1ms --duration 700ms p -j >out # its end does not come
    has_lines out 3
    within "$took" 700 1700
    kill $!
}

@test "--duration ends, too, when nothing comes at all" {
    mkfifo nobody silent
    timed timeout 20 leat replay --duration 400ms ./nobody -j >out
    equals "$status" 0
    within "$took" 400 1500
    exec 7<>silent
    timed timeout 20 leat replay --duration 400ms --time .t a.json ./silent -j >out
    equals "$status" 0
    within "$took" 400 1500
    timed timeout 20 leat replay --duration 400ms ./silent >out
    equals "$status" 0
    exits 0 leat show -j out # a stream with its end
    equals "$output" ""
    # Time begins to count anew with the first record.
    (sleep 0.7; cat a.json; exec sleep 30) >silent 3>&- &
    timed timeout 20 leat replay --time .t --max-gap 600ms --duration 1s ./silent -j >out
    has_lines out 2
    within "$took" 1600 2600
    kill $!
    exec 7>&-
}

@test "barriers of the run that was recorded are left out, and counted" {
    stream 'source(0), rows(0, (1, 1)), barrier(1), rows(0, (2, 2)), barrier(2), rows(0, (3, 3))' >recorded.leat
    exits 0 leat replay -x max --stats=json recorded.leat --output again.leat
    equals "$(jq -c '[.records_out, .barriers]' <<<"$stderr")" '[3,2]'
    exits 0 leat show -j again.leat
    equals "$(jq -c .n <<<"$output")" $'1\n2\n3'
    ! grep -aq barrier again.leat
    exits 0 leat replay -x max --by time --stats recorded.leat recorded.leat -j
    contains "$stderr" ", 4 barriers left out"
    exits 0 leat replay -x max --stats=json a.json --time .t -j
    equals "$(jq -c .barriers <<<"$stderr")" null
}

@test "a pause of the reader is caught up with, and told" {
    leat gen clicks -c 20000 >c.leat
    exits 0 bash -c 'leat replay --rate 20000 c.leat -j | { sleep 3; wc -l; }'
    equals "$output" 20000
    contains "$stderr" "s late: what reads them, or the source, does not keep up"
    [[ $stderr =~ "records left up to "[1-9]\.[0-9]{3}" s late, the last one "[0-9.]+" s" ]]
    exits 0 leat replay --rate 20000 --limit 2000 -q c.leat -O leat --output /dev/null
    equals "$stderr" ""
}

@test "--stats=D tells target, actual and lag" {
    leat gen clicks -c 2000 >c.leat
    exits 0 leat replay -x 10 c.leat --limit 1000 --stats=200ms -j
    local told
    told=$(grep -c 'target 10x, actual .*x, .* records/s, lag 0..* s, at 2026-01-01T00:00:' <<<"$stderr")
    within "$told" 3 6
    contains "$stderr" "1000 records"
    exits 0 leat replay --rate 1000 c.leat --limit 400 --stats=100ms -j
    contains "$stderr" "target 1000/s, actual "
    exits 0 leat replay -x max c.leat --stats=json -j
    equals "$(jq -c '[.tool, .records_out]' <<<"$stderr")" '["leat replay",2000]'
    exits 2 leat replay c.leat --stats=often
}

@test "progress has event time, percent and the time that is left" {
    leat gen clicks -c 2000 >c.leat
    exits 0 leat replay -x 20 c.leat --progress -j
    contains "$(tr '\r' '\n' <<<"$stderr")" " %, ETA 1s, "
    contains "$stderr" ", at 2026-01-01T00:00:1"
}

@test "five seconds at ten times the speed: each record at its moment" {
    local arrivals=$LEAT_BUILD/tests/bench/arrivals
    "$arrivals" make 2000 50 >rec.json
    leat replay -x 10 --time .at -j rec.json | "$arrivals" read 10 >out
    cat out
    equals "$(jq .count out)" 2000
    # Others may use the machine, and the first one, from which all is counted, may have waited for it.
    jq -e '.p50_us < 200000 and .last_us < 200000 and .last_us > -200000' out
    jq -e '.seconds > 4.8 and .seconds < 5.2' out
}

# ---- ranges, rounds, other times, other places ----

@test "--from and --to: offsets and times, as consume has them" {
    leat gen clicks -c 2000 -j >c.json
    leat produce clicks --partitions 3 --key .user --time .ts c.json
    local range
    for range in "10 20" "@2026-01-01T00:00:05Z @2026-01-01T00:00:06Z"; do
        # shellcheck disable=SC2086
        set -- $range
        exits 0 leat replay -x max clicks --from "$1" --to "$2" -J
        equals "$(sort <<<"$output")" "$(leat consume clicks -e -o "$1:$2" -J | sort)"
        ((${#lines[@]} > 20))
    done
    exits 0 leat replay -x max clicks --from 2026-01-01T00:00:05 -j
    equals "$(sort <<<"$output")" "$(leat consume clicks -e -o @2026-01-01T00:00:05: -j | sort)"
    leat produce one --time .ts c.json
    leat consume one -e >one.leat
    exits 0 leat replay -x max --time .ts c.json --from 2026-01-01T00:00:05 --to 2026-01-01T00:00:06 -j
    equals "$output" "$(leat consume one -e -o @2026-01-01T00:00:05:@2026-01-01T00:00:06 -j)"
    exits 0 leat replay -x max one.leat --from 2026-01-01T00:00:05 --to 2026-01-01T00:00:06 -j
    equals "$output" "$(leat consume one -e -o @2026-01-01T00:00:05:@2026-01-01T00:00:06 -j)"
    exits 0 play a.json --from 1 --to 2
    equals "$(names <<<"$output")" b
    exits 0 play a.json b.json --from @3 --to @5
    equals "$(names <<<"$output")" be
    exits 0 play a.json --from 7
    equals "$output" ""
    exits 2 play a.json --from soon
    exits 2 play a.json --to 1 --to 2
    exits 2 play a.json --to @someday
}

@test "a source behind the end of the range is not read on while another one is waited for" {
    mkfifo p q
    leat gen clicks -c 100000 -j >p 3>&- &
    (head -1 a.json; sleep 2; sed -n '2,$p' a.json) >q 3>&- & # as much as that would have to go to a file
    exits 0 env TMPDIR=/nonexistent timeout 20 leat replay -x max --time '.t // .ts' --to 2000-01-01 q p -j
    equals "$(names <<<"$output")" abc
}

@test "rounds: the times are those of the recording again, and the records are new ones" {
    exits 0 play a.json b.json --loop 3
    equals "$(names <<<"$output")" adbecfadbecfadbecf
    exits 0 play a.json --loop 0 --limit 7
    equals "$(names <<<"$output")" abcabca
    leat produce clicks --time .t a.json
    leat replay -x max clicks --loop 2 >out.leat
    decode <out.leat >/dev/null
    exits 0 leat show -f '%t@%o %T %s\n' out.leat
    equals "${lines[0]}" "$(leat show -f '%t@%o %T %s\n' <(leat consume clicks -e) | head -1)"
    equals "$(jq -r .n <<<"$(leat show -j out.leat)" | tr -d '\n')" abcabc
    equals "$(leat show -J out.leat | jq -c '[.topic, .offset]' | tr '\n' ' ')" \
        '["clicks",0] ["clicks",1] ["clicks",2] [null,0] [null,1] [null,2] '
    timed play a.json --loop 3 --loop-delay 300ms
    within "$took" 600 1600
    timed leat replay --time .t -x 10 a.json --loop 2 --loop-delay 100ms -j # 0.4 s twice
    within "$took" 900 1900
    : >empty
    exits 0 play empty --loop 0
    exits 2 play - --loop 2 <a.json
    contains "$stderr" "standard input and FIFOs cannot be played twice"
}

@test "--shift-to-now moves the times, keeps the gaps, and tells what was" {
    leat produce clicks --time .t -H from=here a.json
    local before
    before=$(now_ms)
    exits 0 leat replay -x max clicks --shift-to-now -J
    within "$(jq -s '.[0].ts | floor' <<<"$output")" "$before" "$(now_ms)"
    equals "$(jq -sc 'map(.ts) | [(.[1] - .[0]), (.[2] - .[1])]' <<<"$output")" "[2000,2000]"
    equals "$(jq -sc '.[1] | [.topic, .headers]' <<<"$output")" \
        '[null,["from","here","leat.original_time","1970-01-01T00:00:03Z"]]'
    exits 0 leat replay -x max clicks --shift-to-now --loop 2 --loop-delay 500ms -J
    within "$(jq -s '.[3].ts - .[0].ts | floor' <<<"$output")" 500 1500
    printf '{"t":"%s"}\n' 1700-01-01T00:00:00Z 2262-01-01T00:00:00Z >far.json
    exits 3 play far.json --shift-to-now
    contains "$stderr" "its time cannot be moved so far"
}

@test "--to: a topic or a file instead of standard output" {
    leat gen clicks -c 500 >c.leat
    exits 0 leat replay -x max c.leat --to again
    equals "$output" ""
    equals "$(leat consume again -e -j)" "$(leat show -j c.leat)"
    exits 0 leat replay -x max c.leat --from 10 --to 12 --to ./part.leat
    equals "$(leat show -j part.leat)" "$(leat show -j c.leat | sed -n '11,12p')"
    exits 0 leat replay --rate 500 --limit 20 again --to third
    equals "$(leat consume third -e -j)" "$(leat show -j c.leat | head -20)"
    exits 2 leat replay -x max c.leat --to again -j
    exits 2 leat replay -x max c.leat --to again --to third
    exits 2 leat replay -x max again c.leat --to ./c.leat
    equals "$stderr" "leat replay: --to: './c.leat' is a source, too"
    exits 0 leat replay -x max third --to third # a topic ends where it ended
    equals "$(leat consume third -e -j | wc -l)" 40
}

# ---- archives ----

@test "archives of every kind, as a file, as standard input and through a pipe" {
    leat gen clicks -c 3000 -j >c.json
    tar cf a.tar c.json
    gzip -k a.tar
    zstd -q a.tar
    python3 -c 'import zipfile; zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED).write("c.json")'
    local f
    for f in a.tar a.tar.gz a.tar.zst a.zip; do
        exits 0 play --time .ts "$f"
        equals "$(md5sum <<<"$output")" "$(md5sum <c.json)"
        exits 0 play --time .ts - <"$f"
        equals "$(md5sum <<<"$output")" "$(md5sum <c.json)"
        exits 0 bash -c 'cat '$f' | leat replay -x max --time .ts - -j | md5sum'
        equals "$output" "$(md5sum <c.json)"
    done
    exits 0 play --time .ts a.tar --loop 2
    equals "${#lines[@]}" 6000
}

@test "an export is played as its topic is" {
    leat gen clicks -c 2000 -j >c.json
    leat produce clicks --partitions 3 --key .user --time .ts c.json
    leat topic export clicks e.tar.zst -q
    leat topic export clicks e.zip -q
    exits 0 leat replay -x max clicks -J
    local want
    want=$(jq -c '.topic = null' <<<"$output" | md5sum)
    exits 0 leat replay -x max e.tar.zst -J
    equals "$(jq -c '.topic = null' <<<"$output" | md5sum)" "$want"
    exits 0 leat replay -x max e.zip -J
    equals "$(jq -c '.topic = null' <<<"$output" | md5sum)" "$want"
    exits 3 leat replay -x max - -J <e.tar.zst
    contains "$stderr" "has several folders, 'clicks/0' and that of 'clicks/1/"
}

@test "entries of one folder come one behind the other, folders in lockstep, each entry in its own format" {
    mkdir -p x/one x/two
    head -2 a.json >x/one/1.json
    printf 't,n\n5,c\n' >x/one/2.csv
    printf '%s' "$(<b.json)" >x/two/b.json # no line end
    leat filter true b.json >x/two/c.leat
    tar cf x.tar x/one/1.json x/one/2.csv x/two/b.json
    exits 0 play x.tar
    equals "$(names <<<"$output")" adbecf
    tar cf y.tar x/two/b.json x/one/1.json --transform 's,.*/,,'
    exits 0 play - <y.tar
    equals "$(names <<<"$output")" defab
    printf 'no json\n' >x/one/3.json
    tar cf z.tar x/one
    exits 3 play -i json z.tar
    contains "$stderr" "z.tar:x/one/"
    mkdir none
    tar cf none.tar none
    exits 0 play none.tar
    equals "$output" ""
}

@test "hostile archives are refused by name, and cut ones are cut" {
    python3 - <<'END'
import io, tarfile
def make(name, *entries):
    with tarfile.open(name, "w") as t:
        for path, kind, link in entries:
            i = tarfile.TarInfo(path)
            i.type, i.linkname = kind, link
            body = b'{"t":1,"n":"x"}\n' if kind == tarfile.REGTYPE else b""
            i.size = len(body)
            t.addfile(i, io.BytesIO(body))
make("absolute.tar", ("/etc/x.json", tarfile.REGTYPE, ""))
make("up.tar", ("a/../../x.json", tarfile.REGTYPE, ""))
make("link.tar", ("x.json", tarfile.SYMTYPE, "/etc/passwd"))
make("device.tar", ("x.json", tarfile.CHRTYPE, ""))
make("twice.tar", ("x.json", tarfile.REGTYPE, ""), ("x.json", tarfile.REGTYPE, ""))
END
    local f
    for f in absolute up link device twice; do
        exits 6 play "$f.tar"
        contains "$stderr" "archive '$f.tar': entry '"
        exits 6 play - <"$f.tar"
        contains "$stderr" "is refused"
    done
    leat gen clicks -c 3000 -j >c.json
    tar czf a.tar.gz c.json
    head -c 60000 a.tar.gz >cut.tar.gz
    exits 5 play --time .ts cut.tar.gz
    exits 5 play --time .ts - <cut.tar.gz
    exits 3 play --time .ts a.tar.gz --max-size 10000
    contains "$stderr" "--max-size"
}

# ---- how it ends ----

@test "a signal midway: the end block says so, and the file does not appear" {
    seq -f '{"t":%g}' 0 100 10000 >slow.json
    mkfifo p q
    local signal
    for signal in INT TERM; do
        rm -f out
        leat filter true -j q >out 2>err 3>&- &
        local reader=$!
        env --default-signal=INT leat replay --time .t slow.json >q 3>&- &
        local pid=$!
        until_true grep -qs . out
        kill -"$signal" "$pid"
        reap "$pid"
        equals "$status" "$((128 + $(kill -l $signal)))"
        reap "$reader"
        equals "$status" 5
        contains "$(<err)" "upstream failed with status $((128 + $(kill -l $signal)))"
    done
    leat gen clicks -c 1000 >c.leat # nothing ever waits
    timed timeout -s TERM --preserve-status 1 leat replay -x max --loop 0 c.leat --output file.leat
    equals "$status" 143
    within "$took" 900 3000
    [[ ! -e file.leat ]]
    timeout -s TERM 1 leat replay --time .t slow.json --output file.leat || true
    [[ ! -e file.leat ]]
    (
        tar cf whole.tar slow.json
        head -c 1000 whole.tar
        exec sleep 30
    ) >p 3>&- & # an archive that does not go on
    timed timeout -s TERM --preserve-status 1 leat replay --time .t -j p
    equals "$status" 143
    within "$took" 900 3000
    kill $!
}

@test "a reader that goes away in a pause is noticed" {
    printf '{"t":%s}\n' 0 1000 >slow.json
    timed bash -c 'leat replay --time .t slow.json -j | head -1; exit "${PIPESTATUS[0]}"'
    equals "$status" 141
    within "$took" 0 4000
}

@test "disk full, a cut input, a flipped byte, a failed upstream" {
    leat gen clicks -c 3000 >c.leat
    exits 4 bash -c 'leat replay -x max c.leat >/dev/full'
    head -c 300000 c.leat >cut.leat
    exits 5 bash -c 'leat replay -x max cut.leat >out.leat'
    contains "$stderr" "'cut.leat'"
    exits 5 leat show -j out.leat
    python3 -c 'b = bytearray(open("c.leat", "rb").read()); b[len(b) // 2] ^= 255; open("flip.leat", "wb").write(b)'
    exits 6 leat replay -x max flip.leat -j
    exits 5 bash -c 'leat filter ".status + .user" c.leat 2>/dev/null | leat replay -x max - -j'
    exits 4 leat replay ./missing.leat
    exits 4 leat replay nosuchtopic
    leat produce clicks --time .t a.json
    exits 4 leat replay nosuchtopic
    printf '%s\n' '{"t":2,"n":"x"}' 'no json' '{"n":"no time"}' '{"t":4,"n":"y"}' >bad.json
    exits 3 play -i json bad.json
    contains "$stderr" "bad.json:2"
    exits 0 play -i json --on-error skip --stats=json bad.json
    equals "$(names <<<"$output")" xy
    equals "$(grep '^{' <<<"$stderr" | jq .bad)" 2
    exits 0 play -i json --dead-letter ./letters.leat bad.json
    equals "$(leat show -f '%s\n' letters.leat)" $'no json\n{"n":"no time"}'
}

@test "records without a time" {
    exits 2 leat replay a.json -j
    contains "$stderr" "text has no event time; say where it is, as in --time .time"
    equals "$output" ""
    exits 2 leat replay -x max a.json b.json -j
    exits 2 leat replay -x max --by time a.json -j
    exits 0 leat replay -x max a.json -j
    equals "$(names <<<"$output")" abc
    exits 0 leat replay --rate 100 a.json -j
    equals "$(names <<<"$output")" abc
    leat filter true a.json >plain.leat
    exits 0 leat replay plain.leat -j
    equals "$(names <<<"$output")" abc
    exits 3 leat replay --by time plain.leat -j
    contains "$stderr" "it has no event time"
}

@test "empty sources" {
    : >empty
    exits 0 play empty
    exits 0 play empty a.json empty
    equals "$(names <<<"$output")" abc
    leat produce void </dev/null
    exits 0 leat replay void
    exits 0 leat replay -x max void -O leat
    leat produce clicks --time .t a.json
    exits 0 leat replay -x max void clicks -j
    equals "$(names <<<"$output")" abc
}

@test "words that mean nothing together are exit 2" {
    local words
    for words in "-x 0" "-x -1" "-x fast" "-x nan" "-x inf" "--rate 0" "--rate 5/y" "--rate 5/" "--rate /s" \
        "-x 2 --rate 5" "--step -x 2" "--rate 5 --max-gap 1s" "-x max --max-gap 1s" "--by offset" "--limit 0" \
        "--duration soon" "--stats=0s"; do
        # shellcheck disable=SC2086
        exits 2 leat replay --time .t a.json -j $words
    done
    exits 2 leat replay
    exits 2 leat replay - - </dev/null
    exits 2 setsid -w leat replay --step a.json -j </dev/null
    contains "$stderr" "--step needs a terminal"
}

# ---- keys ----

@test "on a terminal Space stops and goes on, arrows change the speed, and the terminal is as it was afterwards" {
    leat gen clicks -c 2000 >c.leat
    python3 -B "$LEAT_SOURCE/tests/cli/replay_keys.py"
}

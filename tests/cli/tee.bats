#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat tee: that every copy is whole, in every form; FIFOs in any order; readers that are slow, under each policy, and
# readers and disks that fail.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' '{"user":"ann","ms":12}' '{"user": "bob", "ms":7.0}' '{"user":"cy","ms":350}' >three.json
}

# clicks.leat: 200,000 clicks, which is 48 MB; sum: what their JSON lines come to.
make_many() {
    leat gen clicks -c 200000 >clicks.leat
    sum=$(leat show -j clicks.leat | cksum)
}

sum_of() {
    leat show -j "$1" | cksum
}

@test "blocks go to every destination byte for byte, and to standard output" {
    leat gen clicks -c 5000 >in.leat
    leat tee ./a.leat ./b.leat <in.leat >out.leat
    cmp a.leat b.leat
    cmp a.leat out.leat
    exits 0 leat show --verify a.leat
    contains "$output" "a.leat: ok, end, 5000 records"
    equals "$(sum_of a.leat)" "$(sum_of in.leat)"
    contains "$(leat show --info a.leat)" "made by    leat tee ./a.leat ./b.leat"
    leat tee ./c.leat <in.leat | cat >piped.leat
    equals "$(decode <piped.leat | grep -v '"start"\|"end"' | cksum)" "$(decode <c.leat | grep -v '"start"\|"end"' | cksum)"
}

@test "sources, watermarks, offsets and compressed blocks go on as they are" {
    make_topic z 2 codec=zstd segment_size=65536
    leat gen clicks -c 5000 | leat produce z -k .user --time .ts
    leat consume z -e --out-of-order 1s >z.leat
    leat tee ./a.leat <z.leat | cat >piped.leat
    [[ $(leat show --info a.leat) =~ \ [1-9][0-9]*\ of\ [0-9]+\ blocks\ compressed ]]
    [[ $(leat show --info z.leat | grep -c watermark) -gt 0 ]]
    equals "$(leat show --info a.leat | grep 'source\|watermark')" "$(leat show --info z.leat | grep 'source\|watermark')"
    equals "$(leat show -J a.leat | cksum)" "$(leat show -J z.leat | cksum)"
    equals "$(leat show -J piped.leat | cksum)" "$(leat show -J z.leat | cksum)"
}

@test "JSON lines stay as they were written, in each text copy" {
    exits 0 leat tee -j ./a.json <three.json
    equals "$output" "$(cat three.json)"
    cmp a.json three.json
    exits 0 leat tee -O csv --no-stdout ./a.csv <three.json
    equals "$output" ""
    equals "$(head -n 1 a.csv)" "user,ms"
    leat tee ./a.leat <three.json >out.leat
    cmp a.leat out.leat
    equals "$(leat show -f '%o %s\n' a.leat)" "$(awk '{print NR - 1, $0}' three.json)"
    leat tee --no-stdout --output b.json ./a.json <three.json && return 1
    leat tee -j --output b.json ./a.json <three.json
    cmp b.json three.json
    cmp a.json three.json
}

@test "--time gives text records their time" {
    exits 0 leat tee --time .at -f '%T %s\n' ./a <<<'{"at":"2026-01-02"}'
    equals "$output" '1767312000000 {"at":"2026-01-02"}'
    equals "$(cat a)" "$output"
}

@test "a destination can be a topic, which is made" {
    leat gen clicks -c 3000 -j >clicks.json
    leat tee kept ./a.json -j <clicks.json >/dev/null
    values kept | cmp - clicks.json
    cmp a.json clicks.json
    leat consume kept -e | leat tee --no-stdout again
    equals "$(envelopes again | cksum)" "$(envelopes kept | cksum)"
}

@test "words: no destination, '-', --output without standard output" {
    exits 2 leat tee
    exits 2 leat tee - <three.json
    equals "$stderr" "leat tee: standard output has its copy without a destination '-'"
    exits 2 leat tee --no-stdout --output x ./y <three.json
    exits 2 leat tee --slow never ./y <three.json
    [[ ! -e x && ! -e y ]]
    exits 4 leat tee ./a ./no/such/folder <three.json
    contains "$stderr" "leat tee: cannot create './no/such/folder': No such file or directory"
    [[ ! -e a && -z $(find . -name '*.tmp') ]]
}

@test "FIFOs are opened in any order of their readers, and late ones get all" {
    make_many
    mkfifo f g h
    for order in 'f g h' 'h g f' 'g h f'; do
        for fifo in $order; do
            (leat show -j "$fifo" | cksum >"$fifo.sum") &
            sleep 0.1
        done &
        exits 0 timeout 60 leat tee --no-stdout ./f ./g ./h <clicks.leat
        equals "$stderr" ""
        wait
        until_true test -s f.sum
        until_true test -s g.sum
        until_true test -s h.sum
        equals "$(cat f.sum g.sum h.sum | sort -u)" "$sum"
        rm ./*.sum
    done
}

@test "the readers of FIFOs may open one after the other, as the shell does" {
    leat gen clicks -c 1000 >in.leat
    mkfifo f g
    bash -c 'exec 3<g 4<f; cat <&4 >f.out; cat <&3 >g.out' &
    exits 0 timeout 20 leat tee --no-stdout ./f ./g <in.leat
    wait
    cmp f.out g.out
    equals "$(sum_of f.out)" "$(sum_of in.leat)"
}

@test "an empty text input opens and ends its FIFOs, too" {
    mkfifo f
    cat f >out &
    exits 0 timeout 20 leat tee -j --no-stdout ./f </dev/null
    wait
    [[ ! -s out ]]
}

@test "block: the diamond into one program that reads both by turns" {
    make_many
    mkfifo f g
    python3 - <<'END' >lengths &
import os, select
fds = {os.open('f', os.O_RDONLY): 'f'}
fds[os.open('g', os.O_RDONLY)] = 'g'
done = {}
while fds:
    for fd in select.select(list(fds), [], [])[0]:
        piece = os.read(fd, 1 << 16)
        done.setdefault(fds[fd], bytearray()).extend(piece)
        if not piece:
            del fds[fd]
print(done['f'] == done['g'], len(done['f']))
open('f.leat', 'wb').write(done['f'])
END
    exits 0 timeout 60 leat tee --no-stdout ./f ./g <clicks.leat
    wait
    contains "$(cat lengths)" "True "
    equals "$(sum_of f.leat)" "$sum"
}

@test "block: one slow reader holds the others back, and nothing is lost" {
    make_many
    mkfifo f
    (sleep 1; leat show -j f | cksum >f.sum) &
    leat tee ./f <clicks.leat | (head -c 1000000 >/dev/null; cat | wc -c >rest) &
    sleep 0.6
    [[ ! -s rest ]]
    wait
    until_true test -s f.sum
    equals "$(cat f.sum)" "$sum"
    (($(cat rest) > 40000000))
}

@test "spill: the diamond into one program that reads one to its end before the other" {
    make_many
    mkfifo f g
    (leat show -j g | cksum >g.sum; leat show -j f | cksum >f.sum) &
    exits 0 timeout 60 leat tee --no-stdout --slow spill ./f ./g <clicks.leat
    wait
    equals "$(cat f.sum)" "$sum"
    equals "$(cat g.sum)" "$sum"
    (cat g >g.json; cat f >f.json) & # text, whose only end is the end of the file
    leat show -j clicks.leat | timeout 60 leat tee -j --no-stdout --slow spill ./f ./g
    wait
    equals "$(cksum <f.json)" "$sum"
    cmp f.json g.json
}

@test "spill: a slow reader holds nobody back" {
    make_many
    mkfifo f
    (sleep 2; leat show -j f | cksum >f.sum) &
    leat tee --slow spill ./f <clicks.leat | leat show -j | cksum >out.sum &
    until_true test -s out.sum
    [[ ! -s f.sum ]]
    wait
    until_true test -s f.sum
    equals "$(cat f.sum out.sum | sort -u)" "$sum"
}

@test "spill: over its limit the slow one is cut off, exit 4, and the others are complete" {
    make_many
    mkfifo f
    (exec 5<f; until_true test -e go; cat <&5 >f.out) &
    exits 4 timeout 60 leat tee --no-stdout --slow spill --spill-limit 1MiB ./f ./a.leat <clicks.leat
    touch go
    wait
    contains "$stderr" "leat tee: warning: './f': "
    contains "$stderr" "--spill-limit"
    contains "${stderr_lines[-1]}" "leat tee: './f': "
    exits 0 leat show --verify a.leat
    contains "$output" " 200000 records"
    exits 5 leat show -j f.out
}

@test "drop: whole records are left out, and the counts add up" {
    make_many
    mkfifo f
    for form in '' -j; do
        (exec 5<f; until_true test -e go; cat <&5 >f.out) &
        (sleep 2; touch go) &
        leat show ${form:--O leat} clicks.leat >in
        exits 0 bash -c "timeout 60 leat tee $form --slow drop --stats=json --output all ./f <in"
        wait
        output=$(sum_of all)
        rm go
        equals "$output" "$sum"
        local kept dropped
        kept=$(leat show -j f.out | wc -l)
        dropped=$(jq .dropped <<<"${stderr_lines[-1]}")
        ((kept > 0 && dropped > 0 && kept + dropped == 200000))
        contains "$stderr" "leat tee: warning: $dropped of 200000 records were dropped for './f', whose reader did not keep up"
        equals "$(leat show -j f.out | sort | comm -23 - <(leat show -j clicks.leat | sort) | wc -l)" 0
    done
    equals "$(jq -c '[.records_in, .records_out]' <<<"${stderr_lines[-1]}")" "[200000,$((200000 + kept))]"
}

@test "a reader that goes away is told once, and the others go on" {
    make_many
    mkfifo f
    head -c 1000 f >/dev/null &
    exits 0 timeout 60 leat tee --no-stdout ./f ./a.leat <clicks.leat
    wait
    equals "$stderr" "leat tee: warning: the reader of './f' went away; the other goes on"
    equals "$(sum_of a.leat)" "$sum"
    exits 0 bash -c "timeout 60 leat tee ./b.leat <clicks.leat | head -c 10 | wc -c; exit \${PIPESTATUS[0]}"
    equals "$output" 10
    equals "$stderr" "leat tee: warning: the reader of 'standard output' went away; the other goes on"
    equals "$(sum_of b.leat)" "$sum"
}

@test "a reader that goes away while nothing comes is seen" {
    mkfifo in f
    leat tee --no-stdout ./f <in 2>told &
    local job=$!
    exec 9>in
    head -c 1 f >/dev/null &
    printf '{"n":1}\n' >&9
    reap $job # nobody is left
    exec 9>&-
    equals "$status" 141
    equals "$(cat told)" "leat tee: warning: the reader of './f' went away"
}

@test "all readers gone: SIGPIPE; quietly when standard output was the last" {
    make_many
    mkfifo f
    head -c 1000 f >/dev/null &
    exits 141 bash -c "timeout 60 leat tee ./f <clicks.leat | head -c 40000000 >/dev/null; exit \${PIPESTATUS[0]}"
    wait
    equals "$stderr" "leat tee: warning: the reader of './f' went away; the other goes on"
}

@test "a full disk: exit 4 at the end, told at once, and the others are complete" {
    make_many
    exits 4 leat tee --no-stdout /dev/full ./a.leat kept <clicks.leat
    equals "$stderr" "leat tee: warning: cannot write to '/dev/full': No space left on device; the others go on
leat tee: cannot write to '/dev/full': No space left on device"
    equals "$(sum_of a.leat)" "$sum"
    equals "$(values kept | cksum)" "$sum"
    exits 4 bash -c "leat tee ./a.leat <clicks.leat >/dev/full"
    contains "$stderr" "cannot write to 'standard output': No space left on device"
    equals "$(sum_of a.leat)" "$sum"
    exits 4 leat tee --no-stdout /dev/full <clicks.leat
    equals "$stderr" "leat tee: cannot write to '/dev/full': No space left on device"
}

@test "a file that could not be written does not appear, and standard output is whole" {
    make_many
    exits 4 bash -c "(ulimit -f 2000; leat tee ./small.leat <clicks.leat) | leat show -j | cksum; exit \${PIPESTATUS[0]}"
    equals "$output" "$sum"
    contains "$stderr" "cannot write to './small.leat': File too large"
    [[ ! -e small.leat && -z $(find . -name '*.tmp') ]]
}

@test "an input that was cut off is exit 5, and told to every destination" {
    make_many
    mkfifo f
    cat f >f.out &
    head -c 3000000 clicks.leat >cut.leat
    exits 5 leat tee ./f ./a.leat kept --output out.leat <cut.leat
    wait
    contains "$stderr" "leat tee: 'standard input' at byte "
    for file in f.out a.leat out.leat; do
        exits 5 leat show -j $file
        contains "$stderr" "upstream failed with status 5: "
        equals "${#lines[@]}" "$(values kept | wc -l)"
    done
    exits 5 leat tee -j --no-stdout ./b.json <cut.leat
    [[ ! -e b.json ]] # text cannot tell
}

@test "an upstream that failed is told to every destination with its words" {
    printf '{"n":1}\nnope\n' >bad.json
    exits 5 bash -c "leat filter . bad.json 2>/dev/null | leat tee ./a.leat | cat >out.leat; exit \${PIPESTATUS[1]}"
    contains "$stderr" "leat tee: upstream failed with status 3"
    for file in a.leat out.leat; do
        exits 5 leat show -j $file
        equals "$output" '{"n":1}'
        contains "$stderr" "upstream failed with status 5: upstream failed with status 3"
    done
    printf '\377' | dd of=a.leat bs=1 seek=40 conv=notrunc status=none
    exits 6 leat tee ./b.leat --output c.leat <a.leat
}

@test "bad records: the policy, and a destination that cannot hold one" {
    printf '{"n":1}\nnope\n{"n":2}\n' >bad.json
    exits 3 leat tee -j ./a.json <bad.json
    equals "$output" '{"n":1}'
    contains "$stderr" "leat tee: record 'standard input:2': "
    exits 0 leat tee -j --on-error skip ./a.json <bad.json
    equals "$output" $'{"n":1}\n{"n":2}'
    equals "$(cat a.json)" "$output"
    exits 0 leat tee -j --dead-letter ./letters ./a.json <bad.json
    equals "$(leat show -f '%s\n' letters)" nope
    printf 'a\n\xff\n' | leat show -i lines --value bytes -O leat >bytes.leat
    exits 3 leat tee -O csv ./a.csv <bytes.leat
}

@test "-u and a trickle: every copy has each record at once" {
    mkfifo in f
    cat f >f.out &
    leat tee -j ./f kept ./a <in >out &
    local job=$!
    exec 9>in
    printf '{"n":1}\n' >&9
    until_true has_lines out 1
    until_true has_lines f.out 1
    equals "$(values kept)" '{"n":1}'
    printf '{"n":2}\n{"n":3}\n' >&9
    until_true has_lines f.out 3
    exec 9>&-
    wait $job
    equals "$(cat a)" "$(cat f.out)"
    exits 0 leat tee -u -j ./b <three.json
    cmp b three.json
}

@test "SIGTERM: what came is in every copy, and their end says so" {
    mkfifo in never
    leat tee ./a.leat ./never ./b.json <in >out.leat &
    local job=$!
    exec 9>in
    printf '{"n":1}\n' >&9
    until_true test -s out.leat
    sleep 0.2
    kill -TERM $job
    reap $job
    exec 9>&-
    equals "$status" 143
    for file in a.leat out.leat; do
        exits 5 leat show -j $file
        equals "$output" '{"n":1}'
        contains "$stderr" "upstream failed with status 143"
    done
}

@test "standard output keeps its flags for those who share it" {
    mkfifo f
    python3 -B -c '
import fcntl, os, subprocess
r, w = os.pipe()
before = fcntl.fcntl(w, fcntl.F_GETFL)
p = subprocess.Popen(["leat", "tee", "./a.leat"], stdin=open("three.json"), stdout=w)
p.wait()
assert p.returncode == 0
assert fcntl.fcntl(w, fcntl.F_GETFL) == before'
}

@test "--stats counts every copy" {
    exits 0 leat tee -j --stats ./a.json <three.json
    contains "$stderr" "leat tee: 3 records ("
    contains "$stderr" " in, 6 records ("
    exits 0 leat tee -j --stats=json ./a.json <three.json
    equals "$(jq -c '[.tool,.records_in,.records_out,.dropped]' <<<"$stderr")" '["leat tee",3,6,0]'
}

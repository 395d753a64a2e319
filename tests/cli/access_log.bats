#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Access logs of web servers (-i combined) in every tool that reads text; what becomes of each kind of line is in the
# unit test test_combined.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    cat >access.log <<'END'
192.0.2.1 - - [21/Nov/2026:10:00:02 +0100] "GET / HTTP/1.1" 200 849 "-" "Mozilla/5.0 (X11; Linux)" 0.052
192.0.2.2 - frank [21/Nov/2026:10:00:06 +0100] "GET /a%20b?x=1 HTTP/1.1" 304 - "https://example.org/\"q\"" "-"
192.0.2.3 - - [21/Nov/2026:10:01:01 +0100] "\x16\x03\xfc" 400 150
END
}

first='{"client":"192.0.2.1","user":null,"time":"2026-11-21T09:00:02Z","method":"GET","url":"/","protocol":"HTTP/1.1","status":200,"bytes":849,"referer":null,"agent":"Mozilla/5.0 (X11; Linux)","seconds":0.052}'
records=$first'
{"client":"192.0.2.2","user":"frank","time":"2026-11-21T09:00:06Z","method":"GET","url":"/a%20b?x=1","protocol":"HTTP/1.1","status":304,"bytes":null,"referer":"https://example.org/\"q\"","agent":null}
{"client":"192.0.2.3","user":null,"time":"2026-11-21T09:01:01Z","method":null,"url":null,"protocol":null,"status":400,"bytes":150,"referer":null,"agent":null,"request":"\\x16\\x03\\xfc"}'

@test "one line: requests a minute by status, named or detected, from a file or a pipe, however slowly it comes" {
    local wanted='window_start          window_end            status  n
2026-11-21T09:00:00Z  2026-11-21T09:01:00Z     200  1
2026-11-21T09:00:00Z  2026-11-21T09:01:00Z     304  1
2026-11-21T09:01:00Z  2026-11-21T09:02:00Z     400  1'
    exits 0 leat window -i combined --tumble 1m -g .status '{n: count}' access.log -O table
    equals "$output" "$wanted"
    equals "$stderr" ""
    exits 0 leat window --tumble 1m -g .status '{n: count}' -O table <access.log
    equals "$output" "$wanted"
    python3 -c 'import sys, time
for byte in open("access.log", "rb").read():
    sys.stdout.buffer.write(bytes([byte])), sys.stdout.buffer.flush(), time.sleep(0.0005)' |
        leat window --tumble 1m -g .status '{n: count}' -j >slow
    equals "$(jq -c '[.status, .n]' slow | tr '\n' ' ')" "[200,1] [304,1] [400,1] "
}

@test "each line becomes an object; -i lines keeps the lines" {
    exits 0 leat filter true access.log -j
    equals "$output" "$records"
    exits 0 leat filter -i lines true access.log -O lines
    equals "$output" "$(<access.log)"
    sed 's/$/\r/' access.log >crlf.log
    exits 0 leat filter true crlf.log -j
    equals "$output" "$records"
}

@test "a log whose lines are of another form is plain lines" {
    sed 's/" \([0-9]*\) /" x\1 /' access.log >other.log
    exits 0 leat filter 'type == "string"' other.log -O lines
    equals "$output" "$(<other.log)"
    exits 3 leat filter -i combined true other.log
    equals "$stderr" "leat filter: record 'other.log:1': not a line of an access log: no status at byte 60"
}

@test "the time of a line is the record's, unless --time says otherwise" {
    leat produce a access.log
    equals "$(leat consume a -e -f '%D\n')" $'2026-11-21T09:00:02Z\n2026-11-21T09:00:06Z\n2026-11-21T09:01:01Z'
    leat produce b --time '"2026-01-01"' access.log
    equals "$(leat consume b -e -f '%D\n' | uniq)" 2026-01-01T00:00:00Z
    # The form in which servers write it is read elsewhere, too.
    echo '{"t":"21/Nov/2026:10:00:02 +0100"}' | leat produce c --time .t
    equals "$(leat consume c -e -o '@21/Nov/2026:10:00:01 +0100' -f '%D\n')" 2026-11-21T09:00:02Z
}

@test "every tool that reads text knows the time without --time" {
    exits 0 leat map .status access.log -f '%D %s\n'
    equals "${lines[2]}" "2026-11-21T09:01:01Z 400"
    exits 0 leat merge access.log access.log -f '%D\n'
    equals "$(uniq -c <<<"$output" | awk '{ print $1 }')" $'2\n2\n2'
    exits 0 leat replay --speed max access.log -j
    equals "$output" "$records"
    exits 0 leat show --info access.log
    contains "$output" "format     combined, "
    contains "$output" "times      2026-11-21T09:00:02Z to 2026-11-21T09:01:01Z"
    exits 0 leat join --with access.log --within 1s --on .client access.log -j
    equals "${#lines[@]}" 3
    exits 0 leat join --table access.log --on .client access.log -j
    equals "$output" "$records"
    leat tee ./copy.leat <access.log >/dev/null
    equals "$(leat show ./copy.leat -f '%D\n' | head -n 1)" 2026-11-21T09:00:02Z
    exits 0 leat chart -y .status --width 40 access.log
    exits 0 leat sink-tsdb lines:- --measurement m --tag .client --field .status <(head -n 1 access.log)
    equals "$output" "m,client=192.0.2.1 status=200i 1795251602000000000"
}

@test "a line that is none: exit 3 with its place, left out, or kept whole" {
    head -n 1 access.log | cut -c1-60 >>access.log
    echo '{"a":1}' >>access.log
    exits 3 leat filter true access.log -j
    equals "$output" "$records"
    equals "$stderr" "leat filter: record 'access.log:4': not a line of an access log: no status at byte 60"
    exits 0 leat filter true access.log -j --on-error skip --quiet
    equals "$output" "$records"
    exits 0 leat filter true access.log -j --dead-letter ./bad.leat
    equals "$output" "$records"
    equals "$(leat show -f '%s\n' ./bad.leat)" "$(tail -n 2 access.log)"
    contains "$(leat redrive ./bad.leat)" "not a line of an access log"
}

@test "a first line of garbage is one bad record, and does not hide the log" {
    (echo garbage; cat access.log) >late.log
    exits 0 leat filter '.status == 200' --on-error skip -q late.log --count
    equals "$output" 1
    exits 3 leat filter true -j late.log
    contains "$stderr" "leat filter: record 'late.log:1': not a line of an access log: "
    exits 0 leat merge --any --on-error skip -q -j late.log
    equals "$output" "$records"
    exits 0 leat filter '.status == 200' --on-error skip late.log -i lines --count
    equals "$output" 0
    contains "$stderr" "leat filter: warning: all 4 records were bad: the input was read as lines (-i says otherwise)"
}

@test "produce --follow reads the log as it grows, and across its rotation" {
    leat produce t --follow access.log 2>err &
    local follower=$!
    has() { [[ $(leat consume t -e -f '%s\n' 2>/dev/null | wc -l) == "$1" ]]; }
    until_true has 3
    head -n 1 access.log >line
    head -c 50 line >>access.log
    sleep 0.3
    has 3
    tail -c +51 line >>access.log
    until_true has 4
    mv access.log access.log.1
    cp line access.log
    until_true has 5
    kill "$follower"
    wait "$follower"
    equals "$(leat consume t -e -o 3 -f '%s\n' | uniq)" "$first"
}

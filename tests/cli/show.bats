#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat show: tables, whole records, every format, what a stream is made of, and whether it is whole.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' '{"user":"ann","ms":12}' '{"user":"bob","ms":7,"ok":true}' '{"user":"cy","ms":350}' >three.json
}

# clicks.leat: 50 records in a file, with CRCs. clicks: the same in a topic of two partitions.
make_clicks() {
    leat gen clicks -c 50 >clicks.leat
    leat produce clicks --partitions 2 --key .user clicks.leat
}

# Change the byte at position $2 of file $1.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "$(printf '\\%03o' $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "the default is a table, in a pipe too" {
    exits 0 leat show three.json
    equals "$output" 'user   ms  ok
ann    12
bob     7  true
cy    350'
    equals "$stderr" ""
    exits 0 leat show <three.json
    equals "${lines[0]}" "user   ms  ok"
}

@test "time and key are columns where records have them" {
    leat produce t -k .user --time .at <<<'{"user":"ann","at":"2026-01-01"}'
    exits 0 leat show -t t
    equals "$output" 'time                  key  user  at
2026-01-01T00:00:00Z  ann  ann   2026-01-01'
}

@test "--time gives text records their time" {
    exits 0 leat show --time .at -f '%T\n' <<<'{"at":"2026-01-01"}'
    equals "$output" "1767225600000"
    exits 3 leat show --time .nope three.json
    contains "$stderr" "leat show: record 'three.json:1': "
}

@test "-c shows the first N records" {
    exits 0 leat show -c 2 -j three.json
    equals "$output" '{"user":"ann","ms":12}
{"user":"bob","ms":7,"ok":true}'
    exits 0 leat show -c 4 -j three.json three.json
    equals "${#lines[@]}" 4
}

@test "-c ends a writer that would never end" {
    exits 0 timeout 10 bash -c 'leat gen clicks | leat show -c 1 -O lines'
    equals "${#lines[@]}" 1
}

@test "--full shows each record whole" {
    leat produce t -k .user --time .at -H via=web -H $'bad=\xff' <<<'{"user":"ann","at":"2026-01-01"}'
    printf '\x03\0\0\0ab\xff\0\0\0\0' | leat produce t -i lp
    exits 0 leat show -t t --full -o :1
    equals "$output" 't/0@0
time     2026-01-01T00:00:00Z
key      ann
header   via: web
header   bad: hex ff
value    JSON, 32 bytes
{
  "user": "ann",
  "at": "2026-01-01"
}'
    exits 0 leat show -t t -1 -o 1:2
    contains "$output" 't/0@1'
    contains "$output" $'key      none\nvalue    binary, 3 bytes\n00000000  61 62 ff                                          |ab.|\n00000003'
    exits 0 leat show -t t -1 -o 2:3
    contains "$output" 'value    binary, 0 bytes'
}

@test "a tombstone and an empty key are told" {
    printf ':\n' | leat produce t -K : -Z
    exits 0 leat show -t t --full
    contains "$output" $'key      empty\nvalue    none: a tombstone'
}

@test "--record shows the Nth record, and exit 1 says that there is none" {
    exits 0 leat show --record 2 three.json
    contains "$output" '"user": "bob"'
    [[ $output != *ann* && $output != *cy* ]]
    exits 1 leat show --record 4 three.json
    equals "$output" ""
    equals "$stderr" "leat show: there is no record 4: the input has 3"
}

@test "every output format is to be had" {
    exits 0 leat show -j three.json
    equals "$output" "$(cat three.json)"
    exits 0 leat show -J -c 1 three.json
    equals "$output" '{"topic":null,"partition":0,"offset":0,"tstype":"unknown","ts":-1,"key":null,"payload":{"user":"ann","ms":12},"payload_encoding":"json"}'
    exits 0 leat show -O lines -c 1 three.json
    equals "$output" '{"user":"ann","ms":12}'
    exits 0 leat show -f '%o:%s\n' -c 1 three.json
    equals "$output" '0:{"user":"ann","ms":12}'
    exits 0 leat show -O pretty -c 1 three.json
    equals "$output" $'{\n  "user": "ann",\n  "ms": 12\n}'
    exits 0 bash -c 'leat show -O leat three.json | leat show -j'
    equals "$output" "$(cat three.json)"
}

@test "--output makes a file when it is whole, and none otherwise" {
    exits 0 leat show --output out.txt three.json
    equals "$(wc -l <out.txt)" 4
    printf '{"a":1}\n{"a":\n' >broken.json
    exits 3 leat show --output broken.txt broken.json
    [[ ! -e broken.txt ]]
}

@test "a record keeps its offset and its partition" {
    make_clicks
    exits 0 leat show -t clicks -p 1 -o 3:5 -f '%t/%p@%o\n'
    equals "$output" $'clicks/1@3\nclicks/1@4'
}

@test "derived records keep the offsets of their own stream, and are counted anew in one that is written" {
    make_clicks
    exits 0 bash -c "cat clicks.leat clicks.leat | leat show -f '%o\n'"
    equals "${#lines[@]} ${lines[49]} ${lines[50]} ${lines[99]}" "100 49 0 49"
    exits 0 bash -c "cat clicks.leat clicks.leat | leat show -O leat | leat show -f '%o\n'"
    equals "${#lines[@]} ${lines[49]} ${lines[50]} ${lines[99]}" "100 49 50 99"
}

@test "topics: a group of options of their own" {
    make_clicks
    exits 0 leat show -t clicks -j
    equals "${#lines[@]}" 50
    exits 0 leat show -t clicks -o -1 -j
    equals "${#lines[@]}" 2
    exits 0 leat show -d "$LEAT_DIR" -t clicks -p 0 -p 1 -o end -j
    equals "$output" ""
    exits 4 leat show -t nope
    equals "$output" ""
    equals "$stderr" "leat consume: there is no topic 'nope' in '$LEAT_DIR'"
    exits 2 leat show -t clicks -o never
    contains "$stderr" "leat consume: 'never' is no offset"
    exits 0 timeout 10 leat show -t clicks -c 1 -j
    equals "${#lines[@]}" 1
}

@test "words that do not go together are exit 2" {
    exits 2 leat show --info --verify three.json
    equals "$stderr" "leat show: --info and --verify exclude each other"
    exits 2 leat show --info -c 1 three.json
    exits 2 leat show --full -j three.json
    equals "$stderr" "leat show: --full is a format of its own"
    exits 2 leat show --record 1 -c 1 three.json
    exits 2 leat show -o 3 three.json
    equals "$stderr" "leat show: --offset belongs to --topic"
    exits 2 leat show -t clicks three.json
    exits 2 leat show -c 0 three.json
    equals "$output" ""
}

@test "--info tells what a stream is made of" {
    make_clicks
    exits 0 leat show --info clicks.leat
    equals "${lines[0]}" "file       clicks.leat"
    equals "${lines[1]}" "format     leat, $(stat -c %s clicks.leat) bytes"
    equals "${lines[2]}" "ends       end, status 0"
    equals "${lines[3]}" "records    50: 50 JSON, 0 binary, 0 tombstones; 0 with key, 0 with headers"
    contains "${lines[5]}" "1 data, 2 control (1 start, 1 end)"
    equals "${lines[7]}" "checked    3 of 3 blocks have a CRC, 1 of 1 say that their JSON was validated"
    equals "${lines[8]}" "source     derived records: 50 records, offsets 0 to 49"
    equals "${lines[9]}" "made by    leat gen clicks -c 50  (2026-01-01T00:00:00Z)"
    equals "$stderr" ""
}

@test "--info tells sources, times and the whole history" {
    leat produce t -p 1 --partitions 2 -k .user -H a=b --time .at <<<'{"user":"ann","at":"2026-01-01"}'
    leat consume t -e >t.leat
    exits 0 bash -c "leat show -O leat -c 1 <t.leat | leat show --info"
    contains "$output" "records    1: 1 JSON, 0 binary, 0 tombstones; 1 with key, 1 with headers"
    contains "$output" "times      2026-01-01T00:00:00Z to 2026-01-01T00:00:00Z"
    contains "$output" "source     t/1: 1 records, offsets 0 to 0"
    contains "$output" "made by    leat consume t -e  ("
    contains "$output" "made by    leat show -O leat -c 1  ("
    contains "$output" "blocks have a CRC"
}

@test "--info of a segment, of text, of nothing" {
    make_clicks
    exits 0 leat show --info "$LEAT_DIR"/topics/clicks/0/*.leat
    contains "$output" "ends       eof"
    contains "$output" "1 segment"
    exits 0 leat show --info three.json
    contains "$output" "format     json, $(($(stat -c %s three.json) - 3)) bytes of records"
    contains "$output" "records    3: 3 JSON"
    : >empty.leat
    exits 0 leat show --info empty.leat
    contains "$output" "format     leat, 0 bytes"
    contains "$output" "records    0: 0 JSON"
}

@test "--info -j is one object for each file" {
    make_clicks
    exits 0 leat show --info -j clicks.leat three.json
    equals "${#lines[@]}" 2
    python3 -c 'import json,sys
a, b = (json.loads(line) for line in sys.stdin)
assert a["ends"] == "end" and a["status"] == 0 and a["records"]["total"] == 50, a
assert a["blocks"]["streams"][0]["history"][0]["tool"] == "gen", a
assert b["format"] == "json" and b["ends"] == "eof" and "blocks" not in b, b' <<<"$output"
}

@test "--info prints what there is of a broken stream, and exits by its grade" {
    make_clicks
    head -c -10 clicks.leat >cut.leat
    exits 5 leat show --info cut.leat
    contains "$output" "ends       truncated"
    contains "$output" "records    50"
    contains "$stderr" "leat show: 'cut.leat' at byte "
    exits 5 leat show --info -j cut.leat
    contains "$output" '"ends":"truncated"'
    contains "$output" '"error":"'
}

@test "--verify has a line for each sound file" {
    make_clicks
    exits 0 leat show --verify clicks.leat three.json
    equals "$output" "clicks.leat: ok, end, 50 records, 3 blocks, $(stat -c %s clicks.leat) bytes
three.json: ok, eof, 3 records, $(($(stat -c %s three.json) - 3)) bytes"
    exits 0 leat show --verify -t clicks
    contains "$output" "clicks: ok, end, 50 records"
}

@test "--verify goes on behind a damaged file, and the worst decides" {
    make_clicks
    head -c 300 clicks.leat >cut.leat
    cp clicks.leat bad.leat
    flip bad.leat 1000
    exits 6 leat show --verify bad.leat cut.leat clicks.leat missing.leat
    contains "$output" "clicks.leat: ok"
    equals "${#lines[@]}" 1
    [[ ${stderr_lines[0]} =~ ^"leat show: 'bad.leat' at byte "[0-9]+": block fails its check: CRC "[0-9a-f]{8}", expected "[0-9a-f]{8}$ ]]
    contains "${stderr_lines[1]}" "leat show: 'cut.leat' at byte "
    equals "${stderr_lines[2]}" "leat show: cannot open 'missing.leat': No such file or directory"
}

@test "--verify looks at JSON values that are said to be validated" {
    make_clicks
    # a value that is not JSON, under a flag that says it is, and without a CRC that would tell
    leat gen clicks -c 1 | cat >plain.leat
    position=$(grep -abo '"user"' plain.leat | tail -n 1)
    flip plain.leat "${position%%:*}"
    exits 0 leat show --info plain.leat
    exits 3 leat show --verify plain.leat
    contains "$stderr" "value is not JSON"
    equals "$output" ""
}

@test "bad records: stop, skip or dead letter" {
    printf '%s\n' '{"a":1}' '{"a":' '{"a":3}' >some.json
    exits 3 leat show -j some.json
    equals "$output" '{"a":1}'
    contains "$stderr" "leat show: record 'some.json:2': "
    exits 0 leat show -j --on-error skip some.json
    equals "$output" $'{"a":1}\n{"a":3}'
    exits 0 leat show -j --dead-letter ./letters.leat some.json
    exits 0 leat show -f '%s' letters.leat
    equals "$output" '{"a":'
}

@test "a truncated stream is exit 5, what came before it is printed" {
    make_clicks
    head -c -1 clicks.leat >cut.leat
    exits 5 leat show -j cut.leat
    equals "${#lines[@]}" 50
    contains "$stderr" "the input ends inside a block"
    exits 5 bash -c 'head -c -1 clicks.leat | leat show -j'
}

@test "a flipped byte is exit 6, at whatever place" {
    make_clicks
    local size position
    size=$(stat -c %s clicks.leat)
    for position in 0 5 12 40 100 $((size / 2)) $((size - 1)); do
        cp clicks.leat bad.leat
        flip bad.leat "$position"
        exits 6 leat show -j bad.leat
        contains "$stderr" "leat show: 'bad.leat' at byte "
    done
}

@test "an empty file has no records" {
    : >empty
    exits 0 leat show empty
    equals "$output" ""
    equals "$stderr" ""
    exits 0 leat show --verify empty
    equals "$output" "empty: ok, eof, 0 records, 0 bytes"
}

@test "garbage is exit 3 with its place, under the name of a stream exit 6" {
    head -c 4000 /dev/zero >garbage
    exits 3 leat show garbage
    contains "$stderr" "leat show: record 'garbage:1'"
    cp garbage garbage.leat
    exits 6 leat show garbage.leat
    contains "$stderr" "'garbage.leat' at byte 0: no block begins here"
    exits 3 leat show -i json garbage.leat
}

@test "a record over the limit is exit 3 and names the option" {
    printf '{"a":"%02000d"}\n' 0 >long.json
    exits 3 leat show --max-record 1KiB long.json
    contains "$stderr" "--max-record"
    exits 0 leat show --max-record 4KiB long.json
}

@test "a full disk is exit 4" {
    local options
    for options in "" "--full" "-j" "--info" "--verify"; do
        # shellcheck disable=SC2086 # no word for no option
        run --separate-stderr bash -c 'leat show $1 three.json >/dev/full' - "$options"
        equals "$status" 4
        contains "$stderr" "leat show: cannot write to 'standard output': No space left on device"
    done
}

@test "a reader that went away is no failure" {
    leat gen clicks -c 20000 >many.leat
    run --separate-stderr bash -c 'leat show -j many.leat | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"'
    equals "$output" $'1\n141'
    equals "$stderr" ""
    run --separate-stderr bash -c 'leat produce many many.leat; leat show -t many | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"'
    equals "$output" "141"
    equals "$stderr" ""
}

# Bytes that a terminal would act upon, as it got them.
acts() {
    LC_ALL=C grep -acP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' <<<"$1"
}

@test "hostile bytes are made safe on a terminal, in every format" {
    printf '{"t":"\xc2\x9b31m\xe2\x80\xae\x7f","\\u001b]0;x":"\\u001b[2J"}\n' >hostile.json
    printf '\x1b]0;owned\x07\x9b\n' | leat produce t -i lines --value bytes -K ']' -H $'h=\e[5m'
    leat consume t -e >hostile.leat
    export NO_COLOR=1
    local options file
    for file in hostile.json hostile.leat; do
        for options in "" "--full" "-j" "-J" "-O pretty" "-O lines" "-O table" "-f '%k %s %h\\n'" "--info" "--verify"; do
            on_terminal "leat show $options $file"
            equals "$status $options" "0 $options"
            [[ -n $output ]]
            equals "$options: $(acts "$output")" "$options: 0"
        done
    done
    on_terminal "leat show --full hostile.leat"
    contains "$output" 'h: \x1b[5m'
}

@test "--full and tables are safe in a pipe, too" {
    printf '{"a":"\xc2\x9b\x7f","b":"\\u001b"}\n' >hostile.json
    exits 0 leat show hostile.json
    equals "$(acts "$output")" 0
    contains "$output" '\u009b\x7f  \x1b'
    exits 0 leat show --full hostile.json
    equals "$(acts "$output")" 0
}

@test "a history that lies is made safe" {
    cp three.json $'\e[31m.json'
    leat show -O leat $'\e[31m.json' >lie.leat
    exits 0 leat show --info lie.leat
    equals "$(acts "$output")" 0
    contains "$output" "'\\x1b[31m.json'"
}

@test "colours: on a terminal, not with NO_COLOR, and as --color says" {
    on_terminal "leat show -1 three.json"
    contains "$output" $'\e['
    NO_COLOR=1 on_terminal "leat show -1 three.json"
    [[ $output != *$'\e['* ]]
    NO_COLOR=1 on_terminal "leat show --color=always three.json"
    contains "$output" $'\e['
    on_terminal "leat show --color=never -j three.json"
    [[ $output != *$'\e['* ]]
    exits 0 leat show -1 three.json
    [[ $output != *$'\e['* ]]
    exits 0 leat show -1 --color=always three.json
    contains "$output" $'\e[1mkey     \e[0m none'
}

@test "binary to a terminal is refused without --force" {
    on_terminal "leat show -O leat three.json"
    equals "$status" 2
    contains "$output" "binary output to a terminal"
}

@test "a table is cut to the width of the terminal" {
    printf '{"a":"%0200d","b":1}\n' 0 >wide.json
    NO_COLOR=1 on_terminal "stty cols 60; leat show wide.json"
    [[ $(tr -d '\r' <<<"$output" | awk 'length($0) > 62' | wc -l) -eq 0 ]]
    contains "$output" "…"
}

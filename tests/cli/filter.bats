#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat filter: which records pass, that they come out as they went in, the places that they go to, and what goes wrong.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' '{"user":"ann","ms":12}' '{"user":"bob","ms":7,"ok":true}' '{"user":"cy","ms":350}' >three.json
}

# clicks.json and clicks.leat: the same 500 clicks.
make_clicks() {
    leat gen clicks -c 500 >clicks.leat
    leat gen clicks -c 500 -j >clicks.json
}

flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "$(printf '\\%03o' $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Records of a stream or file as envelopes.
whole() {
    leat show -J "$@"
}

@test "records pass for which the expression is true" {
    exits 0 leat filter '.ms > 10' three.json -j
    equals "$output" '{"user":"ann","ms":12}
{"user":"cy","ms":350}'
    equals "$stderr" ""
    exits 0 leat filter '.ms > 10' -j <three.json
    equals "${#lines[@]}" 2
    exits 0 leat filter -j '.ms > 10' - <three.json
    equals "${#lines[@]}" 2
    exits 0 leat filter '.ms > 10' -j three.json three.json
    equals "${#lines[@]}" 4
}

@test "what is true: any result but false and null; none is not" {
    printf '%s\n' 0 '""' '[]' null false '[1,5]' '[5,1]' '[1]' '{}' >values
    exits 0 leat filter . values -j
    equals "$output" $'0\n""\n[]\n[1,5]\n[5,1]\n[1]\n{}'
    exits 0 leat filter '.[]? > 2' values -j
    equals "$output" $'[1,5]\n[5,1]'
    exits 0 leat filter empty values -j
    equals "$output" ""
    exits 0 leat filter '.missing?' values -j
    equals "$output" ""
}

@test "a JSON line stays as it was written, blanks, escapes and digits too" {
    printf ' { "a" : 1.50e0 , "b":"\\u0041\\/" } \n\n{"a":2}\r\n{"a":123456789012345678901234567890}' >odd.json
    exits 0 leat filter '.a > 0' odd.json -j
    equals "$output" $' { "a" : 1.50e0 , "b":"\\u0041\\/" } \n{"a":2}\n{"a":123456789012345678901234567890}'
}

@test "records go through byte for byte: value, key, headers, time, offset, source" {
    leat produce t --partitions 2 -k .user -H via=web -H $'raw=\xff' --time .at <<'END'
{"user":"ann","at":"2026-01-01","n": 1.0}
{"user":"bob","at":"2026-01-02T00:00:00.000000001Z","n":2}
{"user":"cy","at":"1900-01-01","n":3}
END
    leat consume t -e >t.leat
    exits 0 bash -c "leat filter '.n >= 2' t.leat | leat show -J"
    equals "$output" "$(whole t.leat | grep -v '"n": 1.0')"
    equals "${#lines[@]}" 2
    exits 0 bash -c "leat filter . t.leat | leat show -J"
    equals "$output" "$(whole t.leat)"
    contains "$output" '"topic":"t","partition":0,"offset":1,'
}

@test "between JSON lines, envelopes and blocks records are the same" {
    make_clicks
    leat gen clicks -c 500 -J >clicks.envelope
    local want
    want=$(grep '"status":5' clicks.json)
    [[ -n $want ]]
    exits 0 leat filter '.status >= 500' clicks.leat -j
    equals "$output" "$want"
    exits 0 bash -c "leat filter '.status >= 500' clicks.json | leat show -j"
    equals "$output" "$want"
    exits 0 leat filter '.status >= 500' -i envelope clicks.envelope -J
    equals "$output" "$(grep '"status":5' clicks.envelope | sed 's/"offset":[0-9]*,//')" ||
        equals "$(sed 's/"offset":[0-9]*,//' <<<"$output")" "$(grep '"status":5' clicks.envelope | sed 's/"offset":[0-9]*,//')"
}

@test "blocks whose records all pass are the same bytes, compressed ones too" {
    make_clicks
    leat produce t --partitions 2 -k .user clicks.leat
    leat consume t -e >t.leat
    leat filter . <t.leat >same.leat
    equals "$(decode <same.leat | grep -v '"type":"start"\|"type":"end"\|"start"' | cksum)" \
        "$(decode <t.leat | grep -v '"type":"start"\|"type":"end"\|"start"' | cksum)"
    make_topic z 1 codec=zstd segment_size=65536
    leat gen clicks -c 5000 | leat produce z
    leat consume z -e >z.leat
    [[ $(leat show --info z.leat) =~ \ [1-9][0-9]*\ of\ [0-9]+\ blocks\ compressed ]]
    leat filter . z.leat >z2.leat
    equals "$(leat show --info z2.leat | grep '^size')" "$(leat show --info z.leat | grep '^size')"
    equals "$(whole z2.leat | cksum)" "$(whole z.leat | cksum)"
    equals "$(leat filter '.status == 200' z.leat -j | cksum)" "$(leat show -j z.leat | grep '"status":200' | cksum)"
}

@test "runs of records, however they lie: the same as one by one" {
    seq 0 20000 | awk '{printf "{\"n\":%d}\n", $1}' >n.json
    leat produce n n.json
    leat consume n -e >n.leat
    local expression
    for expression in '.n % 2 == 0' '.n % 1000 < 3' '.n < 7' '.n >= 19990' '.n % 7 != 0' '.n == 10000' 'false' 'true'; do
        leat filter "$expression" n.leat >out.leat
        equals "$expression $(leat show -f '%o %s\n' out.leat | cksum)" \
            "$expression $(leat consume n -e -f '%o %s\n' | jq -rR "split(\" \") as \$r | select(\$r[1] | fromjson | $expression) | \$r | join(\" \")" | cksum)"
        decode <out.leat >/dev/null
    done
}

@test "several sources keep apart, and one that comes twice is no disorder" {
    make_clicks
    leat produce a clicks.leat
    leat produce b --partitions 3 -k .user clicks.leat
    leat consume a b -e >ab.leat
    exits 0 bash -c "cat ab.leat ab.leat | leat filter '.status == 200' | leat show -f '%t %p %o\n' | sort | uniq -c | awk '{print \$1}' | uniq"
    equals "$output" 2
}

@test "--time gives text records their time, which \$time is" {
    printf '%s\n' '{"at":"2026-01-01"}' '{"at":"2026-01-02"}' >at.json
    exits 0 leat filter --time .at '$time >= 1767312000' at.json -f '%T %s\n'
    equals "$output" '1767312000000 {"at":"2026-01-02"}'
    exits 3 leat filter --time .nope . three.json -j
    contains "$stderr" "leat filter: record 'three.json:1': record has no time .nope"
    exits 0 leat filter --time .at --time-format '%d.%m.%y %H' --tz Europe/Berlin . -f '%T\n' <<<'{"at":"02.01.26 01"}'
    equals "$output" 1767312000000
}

@test "key, headers and place are variables" {
    leat produce t --partitions 2 -k .user -H via=web three.json
    exits 0 bash -c "leat consume t -e | leat filter '\$key == \"ann\" and \$headers.via == \"web\"' -j"
    equals "$output" '{"user":"ann","ms":12}'
    exits 0 bash -c "leat consume t -e | leat filter '\$topic == \"t\" and \$partition >= 0 and \$offset == 0' --count"
    equals "$output" "$(leat consume t -e -f '%o\n' | grep -cx 0)"
    exits 0 leat filter '[$topic, $partition, $offset, $key, $time] == [null, null, null, null, null]' --count three.json
    equals "$output" 3
}

@test "--invert passes the others" {
    exits 0 leat filter --invert '.ms > 10' three.json -j
    equals "$output" '{"user":"bob","ms":7,"ok":true}'
    exits 0 leat filter --invert .ok three.json --count
    equals "$output" 2
}

@test "--count prints how many pass, and only that" {
    exits 0 leat filter --count '.ms > 10' three.json
    equals "$output" 2
    equals "$stderr" ""
    exits 0 leat filter --count '.ms > 1000' three.json
    equals "$output" 0
    make_clicks
    exits 0 leat filter --count . clicks.leat
    equals "$output" 500
    exits 0 leat filter --count '.ms > 10' three.json --fail ./rest.json -j
    equals "$output" 2
    equals "$(cat rest.json)" '{"user":"bob","ms":7,"ok":true}'
    exits 2 leat filter --count --pass - . three.json
    equals "$output" ""
    equals "$stderr" "leat filter: --count and a destination '-' exclude each other"
}

@test "-e is exit 1 when nothing passes" {
    exits 0 leat filter -e '.ms > 100' three.json -j
    equals "$output" '{"user":"cy","ms":350}'
    exits 1 leat filter -e '.ms > 1000' three.json -j
    equals "$output$stderr" ""
    exits 1 leat filter --exit-status --count '.ms > 1000' three.json
    equals "$output" 0
    exits 1 leat filter -e . /dev/null
    exits 3 leat filter -e '.ms + "a"' three.json
    exits 0 leat filter -e --invert '.ms > 1000' three.json -j
}

@test "--pass, --fail and --all in one go; standard output has what is sent to it" {
    exits 0 leat filter '.ms > 10' three.json -j --pass ./pass.json --fail ./fail.json --all ./all.json
    equals "$output" ""
    equals "$(cat pass.json)" '{"user":"ann","ms":12}
{"user":"cy","ms":350}'
    equals "$(cat fail.json)" '{"user":"bob","ms":7,"ok":true}'
    equals "$(cat all.json)" "$(cat three.json)"
    exits 0 leat filter '.ms > 10' three.json -j --pass - --fail ./fail.json
    equals "$output" "$(cat pass.json)"
    exits 0 leat filter '.ms > 10' three.json -j --fail -
    equals "$output" "$(cat fail.json)"
    exits 0 leat filter '.ms > 10' three.json -j --all - --pass ./a.json --pass ./b.json
    equals "$output" "$(cat three.json)"
    cmp a.json b.json
    cmp a.json pass.json
}

@test "destinations are files of blocks unless told otherwise, and whole streams" {
    make_clicks
    leat filter '.status == 200' clicks.leat --pass ./pass.leat --fail ./fail.leat
    exits 0 leat show --verify pass.leat fail.leat
    contains "${lines[0]}" "pass.leat: ok, end, "
    contains "${lines[1]}" "fail.leat: ok, end, "
    equals "$(leat show -J pass.leat)" "$(leat gen clicks -c 500 -J | grep '"status":200')"
    equals "$(leat show --info fail.leat | grep checked)" "checked    3 of 3 blocks have a CRC, 1 of 1 say that their JSON was validated"
}

@test "a destination can be a topic, which is made, or a FIFO" {
    make_clicks
    leat filter '.status == 200' clicks.leat --pass good --fail bad
    equals "$(values good)" "$(grep '"status":200' clicks.json)"
    equals "$(values bad)" "$(grep -v '"status":200' clicks.json)"
    mkfifo fifo
    leat show -j fifo >from_fifo &
    exits 0 leat filter '.status == 200' clicks.json --pass fifo --fail -  -j
    wait
    equals "$(cat from_fifo)" "$(grep '"status":200' clicks.json)"
    equals "$output" "$(grep -v '"status":200' clicks.json)"
    [[ -p fifo ]]
}

@test "two FIFOs with a reader each" {
    make_clicks
    mkfifo a b
    leat show -j a >a.out &
    leat show -j b >b.out &
    exits 0 timeout 20 leat filter '.status == 200' clicks.leat --pass ./a --fail ./b
    wait
    equals "$(sort a.out b.out)" "$(sort clicks.json)"
}

@test "--output names the file of standard output, which must be used" {
    exits 0 leat filter '.ms > 10' three.json -j --output out.json
    equals "$(wc -l <out.json)" 2
    exits 0 leat filter '.ms > 10' three.json -j --output out.json --fail - --pass ./pass.json
    equals "$(wc -l <out.json)" 1
    exits 2 leat filter '.ms > 10' three.json -j --output out.json --pass ./pass.json
    equals "$stderr" "leat filter: --output needs a destination '-' beside the others"
    exits 0 leat filter . three.json -j --output /dev/null
    [[ -c /dev/null ]]
}

@test "when a run fails, no file of a destination appears" {
    printf '{"ms":1}\n{"ms":\n' >broken.json
    exits 3 leat filter . broken.json --pass ./pass.leat --fail ./fail.leat
    [[ ! -e pass.leat && ! -e fail.leat ]]
    equals "$(find . -name '*.leat*')" ""
    exits 2 leat filter '.a +' three.json --pass ./pass.leat
    [[ ! -e pass.leat ]]
    exits 4 leat filter . three.json --pass ./pass.leat --fail ./no/such/folder
    contains "$stderr" "leat filter: cannot create './no/such/folder': No such file or directory"
    [[ ! -e pass.leat ]]
}

@test "an expression that cannot be compiled is exit 2, with a caret, and nothing is read" {
    mkfifo never
    exits 2 timeout 5 leat filter '.ms > > 1' never
    equals "$output" ""
    contains "${stderr_lines[0]}" "leat filter: "
    contains "$stderr" $'\n  .ms > > 1\n        ^'
    exits 2 leat filter '.ms > ' three.json
    exits 2 leat filter '$nope' three.json
    exits 2 leat filter 'nope(1)' three.json
    exits 2 leat filter '(.ms' three.json
    exits 2 leat filter
    equals "$output" ""
}

@test "a run-time error is a bad record, with the expression and a caret" {
    exits 3 leat filter '.user + 1' three.json -j
    equals "$output" ""
    contains "${stderr_lines[0]}" "leat filter: record 'three.json:1': "
    contains "${stderr_lines[0]}" 'string ("ann") and number (1) cannot be added'
    contains "$stderr" $'\n  .user + 1\n        ^'
    leat produce t three.json
    exits 3 bash -c "leat consume t -e | leat filter 'if .ms == 7 then error(\"seven\") else true end' -j"
    equals "$output" '{"user":"ann","ms":12}'
    contains "$stderr" "leat filter: record 't/0@1': expression: seven"
}

@test "--on-error skip goes on, and shows the first three" {
    exits 0 leat filter --on-error skip '.ok and error("no")' three.json three.json three.json three.json three.json -j --stats
    equals "$output" ""
    equals "$(grep -c "^leat filter: warning: record 'three.json:2' skipped: expression: no" <<<"$stderr")" 3
    contains "$stderr" "leat filter: warning: more bad records are skipped and only counted"
    contains "$stderr" "leat filter: warning: 5 of 15 records were bad and left out"
    contains "$stderr" ", 5 bad, "
    printf '{"a":1}\nnope\n{"a":2}\n' >some.json
    exits 0 leat filter --on-error skip .a some.json -j
    equals "$output" $'{"a":1}\n{"a":2}'
    contains "$stderr" "record 'some.json:2' skipped: "
}

@test "--dead-letter keeps bad records whole, and they go to no destination" {
    leat produce t -k .user -H via=web three.json
    leat consume t -e >t.leat
    exits 0 leat filter 'if .ms == 7 then error("seven") else .ms > 100 end' t.leat --dead-letter ./letters.leat \
        -j --pass ./pass.json --fail ./fail.json --all ./all.json
    equals "$(cat pass.json)" '{"user":"cy","ms":350}'
    equals "$(cat fail.json)" '{"user":"ann","ms":12}'
    equals "$(wc -l <all.json)" 2
    exits 0 leat show -f '%k %s %h\n' letters.leat
    contains "$output" 'bob {"user":"bob","ms":7,"ok":true} via=web,leat.error=expression: seven'
    contains "$output" 'leat.tool=filter,leat.source=t/0@1,leat.time='
    exits 0 leat filter '.ms + "x"' t.leat --dead-letter dead
    equals "$(values dead)" "$(cat three.json)"
}

@test "tombstones are null, binary values a string" {
    printf 'a:1\nb:\nc:3\n' | leat produce t -K : -Z
    leat consume t -e >t.leat
    exits 0 leat filter '. == null' t.leat -f '%k %S\n'
    equals "$output" 'b -1'
    exits 0 leat filter '. == 1 or . == null' t.leat -f '%k %S\n'
    equals "$output" $'a 1\nb -1'
    printf 'text\n\xff\xfe\0x\n' | leat produce b -i lines --value bytes
    leat consume b -e >b.leat
    exits 0 leat filter '. == "text"' b.leat -f '%o %S\n'
    equals "$output" '0 4'
    exits 0 leat filter '. == "//4AeA=="' b.leat -f '%o %S\n'
    equals "$output" '1 4'
    exits 0 bash -c "leat filter . b.leat | leat show -J"
    equals "$output" "$(whole b.leat)"
}

@test "NUL bytes in keys, headers and values" {
    printf 'k\0e\0y\tv\0a\0l\0' | leat produce t -i lines -K $'\t' --value bytes
    printf '"n\\u0000l"\n' | leat produce t
    leat consume t -e >t.leat
    exits 0 bash -c "leat filter . t.leat | leat show -J"
    equals "$output" "$(whole t.leat)"
    exits 0 leat filter '$key == "k\u0000e\u0000y"' t.leat --count
    equals "$output" 1
    exits 0 leat filter '. == "n\u0000l"' t.leat --count
    equals "$output" 1
}

@test "large records, and ones over the limit" {
    printf '{"a":"%05000000d","b":1}\n{"b":2}\n' 0 >large.json
    exits 0 bash -c "leat filter '.b == 1' large.json -j | cmp - <(head -n 1 large.json)"
    leat show -O leat large.json >large.leat
    exits 0 bash -c "leat filter '.b == 1' large.leat | leat filter '.b == 1' | leat show -j | cmp - <(head -n 1 large.json)"
    exits 0 leat filter '.b == 2' large.leat -j
    equals "$output" '{"b":2}'
    exits 3 leat filter . --max-record 1MiB large.json -j
    contains "$stderr" "--max-record"
}

@test "values in blocks that do not say they are valid are checked" {
    python3 -B - "$LEAT_SOURCE" >raw.leat <<'END'
import sys
sys.path.insert(0, sys.argv[1] + '/tests/golden')
import struct
def record(delta, value):
    return struct.pack('<IIqHHBBH', 24 + len(value), delta, -2**63, 0, 0, 1, 0, 0) + value
body = record(0, b'{"a":1}') + record(1, b'{"a":1,}') + record(2, b'{"a":3}')
sys.stdout.buffer.write(struct.pack('<4sBBBBIIIIQqqQIIQII', b'LEAT', 1, 1, 0, 0, len(body), 0, len(body), 3, 0,
                                    -2**63, -2**63, 0, 0, 0, 0, 0, 0) + body)
END
    exits 3 leat filter . raw.leat -j
    equals "$output" '{"a":1}'
    contains "$stderr" "record 'raw.leat@1': value is not JSON"
    exits 0 leat filter . raw.leat -j --on-error skip
    equals "$output" $'{"a":1}\n{"a":3}'
}

@test "other blocks of a stream go through: sources, watermarks, history" {
    leat produce t --time .at <<<'{"at":"2026-01-01"}'
    leat consume t -e --out-of-order 1s >t.leat
    leat filter . t.leat >out.leat
    exits 0 leat show --info out.leat
    contains "$output" "watermark"
    contains "$output" "made by    leat consume t -e --out-of-order 1s"
    contains "$output" "made by    leat filter . t.leat"
    contains "$output" "source     t/0: 1 records"
    leat filter . t.leat --pass ./a.leat --fail ./b.leat
    equals "$(leat show --info a.leat b.leat | grep -c 'watermark')" 2
}

@test "--explain prints the plan, reads nothing, and exit is 0" {
    mkfifo never
    exits 0 timeout 5 leat filter --explain '.status >= 500' never
    contains "$output" ".status"
    contains "$output" "native"
    equals "$stderr" ""
    exits 0 leat filter --explain '.a' --time .at
    contains "$output" "--time:"
    exits 2 leat filter --explain '.a +'
}

@test "--engine: native refuses what only jq has, jq runs everything" {
    exits 0 leat filter --engine native '.ms > 10' three.json --count
    equals "$output" 2
    exits 0 leat filter --engine jq '.ms > 10' three.json --count
    equals "$output" 2
    exits 0 leat filter --engine auto 'def big: .ms > 10; big' three.json --count
    equals "$output" 2
    exits 2 leat filter --engine nope . three.json
    contains "$stderr" "option '--engine' wants one of auto, native, jq"
}

@test "CSV, TSV, lines and blobs are records, too" {
    printf 'user,ms\nann,12\nbob,7\n' >in.csv
    exits 0 leat filter '.ms > 10' in.csv -O csv
    equals "$output" $'user,ms\nann,12'
    exits 0 leat filter --no-infer '.ms == "7"' in.csv -j
    equals "$output" '{"user":"bob","ms":"7"}'
    exits 0 leat filter 'startswith("b")' -i lines -O lines <<<$'abc\nbcd'
    equals "$output" bcd
    exits 0 bash -c "printf '\x01\0\0\0a\x02\0\0\0bb' | leat filter -i lp 'length == 2' -O lp | od -An -c"
    equals "$output" ' 002  \0  \0  \0   b   b'
    exits 0 leat filter -i lines --value json '.a' -j <<<'{"a":1}'
    equals "$output" '{"a":1}'
}

@test "--stats counts in and out" {
    exits 0 leat filter '.ms > 10' three.json -j --stats
    contains "$stderr" "leat filter: 3 records ("
    contains "$stderr" " in, 2 records ("
    exits 0 leat filter '.ms > 10' three.json -j --stats=json
    equals "$(jq -c '[.tool,.records_in,.records_out,.bad]' <<<"$stderr")" '["leat filter",3,2,0]'
    exits 0 leat filter . three.json -j --progress
    equals "${#lines[@]}" 3
}

@test "a trickle is passed on at once" {
    mkfifo in
    leat filter '.ms > 10' -i json -j <in >out &
    local job=$!
    exec 9>in
    printf '{"ms":11}\n' >&9
    until_true has_lines out 1
    printf '{"ms":1}\n{"ms":12}\n' >&9
    until_true has_lines out 2
    exec 9>&-
    wait $job
    exits 0 bash -c "leat filter -u . three.json | leat show -j"
    equals "${#lines[@]}" 3
}

@test "SIGTERM: what came is passed, the stream is ended with its status, files do not appear" {
    mkfifo in
    leat filter . -i json --all - --pass ./pass.leat <in >out.leat &
    local job=$!
    exec 9>in
    printf '{"n":1}\n' >&9
    until_true test -s out.leat
    sleep 0.2
    kill -TERM $job
    reap $job
    exec 9>&-
    equals "$status" 143
    exits 5 leat show -j out.leat
    equals "$output" '{"n":1}'
    contains "$stderr" "upstream failed with status 143"
    [[ ! -e pass.leat ]]
}

@test "a full disk is exit 4, on every way out" {
    make_clicks
    local options
    for options in "" "-j" "-J" "--count" "--pass /dev/full" "--all - --fail /dev/full"; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr bash -c 'leat filter ".status == 200" clicks.leat $1 >/dev/full' - "$options"
        equals "$options: $status" "$options: 4"
        contains "$stderr" "No space left on device"
    done
    run --separate-stderr bash -c 'leat filter --explain . >/dev/full'
    equals "$status" 4
}

@test "a reader that went away is no failure" {
    leat gen clicks -c 50000 >many.leat
    run --separate-stderr bash -c 'leat filter -j . many.leat | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"'
    equals "$output" $'1\n141'
    equals "$stderr" ""
    run --separate-stderr bash -c 'leat filter . many.leat | head -c 1000 | wc -c; echo "${PIPESTATUS[0]}"'
    equals "$output" $'1000\n141'
    equals "$stderr" ""
}

@test "a truncated stream is exit 5, what came before it is passed" {
    make_clicks
    head -c -1 clicks.leat >cut.leat
    exits 5 leat filter . cut.leat -j
    equals "${#lines[@]}" 500
    contains "$stderr" "the input ends inside a block"
    exits 5 bash -c 'set -o pipefail; head -c -1 clicks.leat | leat filter . | leat show -j'
}

@test "a flipped byte is exit 6" {
    make_clicks
    local size position
    size=$(stat -c %s clicks.leat)
    for position in 5 12 100 $((size / 2)) $((size - 1)); do
        cp clicks.leat bad.leat
        flip bad.leat "$position"
        exits 6 leat filter . bad.leat -j
        contains "$stderr" "leat filter: 'bad.leat' at byte "
    done
}

@test "upstream's failure is told downstream" {
    exits 5 bash -c "printf '{\"a\":1}\nx\n' | leat filter . -i json | leat filter . -j"
    equals "$output" '{"a":1}'
}

@test "terminal: JSON lines in colours, made safe; binary is refused" {
    on_terminal "leat filter '.ms > 10' three.json"
    contains "$output" $'\e['
    NO_COLOR=1 on_terminal "leat filter '.ms > 10' three.json"
    equals "$output" $'{"user":"ann","ms":12}\r\n{"user":"cy","ms":350}\r'
    printf '{"a":"\xc2\x9b31m\x7f"}\n' >hostile.json
    NO_COLOR=1 on_terminal "leat filter .a hostile.json"
    equals "$output" $'{"a":"\\u009b31m\\u007f"}\r' || [[ $output != *$'\x7f'* ]]
    on_terminal "leat filter . three.json -O leat"
    equals "$status" 2
    NO_COLOR=1 on_terminal "leat filter . three.json --color=always"
    contains "$output" $'\e['
    on_terminal "leat filter . three.json -O leat --force | wc -c"
    equals "$status" 0
}

@test "-f and -O choose the form" {
    exits 0 leat filter '.ms > 100' three.json -f '%o %s\n'
    equals "$output" '2 {"user":"cy","ms":350}'
    exits 0 leat filter '.ms > 100' three.json -O pretty
    equals "$output" $'{\n  "user": "cy",\n  "ms": 350\n}'
    exits 0 leat filter '.ms > 100' three.json -O table
    equals "$output" $'user   ms\ncy    350'
    exits 0 leat filter '.ms > 100' three.json -J
    contains "$output" '"payload":{"user":"cy","ms":350}'
}

@test "-d and --force-fs say where topics are" {
    exits 0 leat filter . three.json -d other --force-fs --pass t
    equals "$(leat consume -d other t -e -j | wc -l)" 3
    [[ ! -e $LEAT_DIR ]]
}

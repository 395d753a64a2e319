#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat map: new records out of each, what they inherit, --keep and --flatten, and what goes wrong.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' '{"user":"ann","ms":12}' '{"user":"bob","ms":7,"ok":true}' '{"user":"cy","ms":350}' >three.json
}

flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "$(printf '\\%03o' $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# map with options and an expression over one value on standard input.
one() {
    local value=$1
    shift
    printf '%s' "$value" | leat map -j -i json "$@"
}

@test "a record for each result: none, one, many" {
    exits 0 leat map -j '{u: .user, s: (.ms / 2)}' three.json
    equals "$output" '{"u":"ann","s":6}
{"u":"bob","s":3.5}
{"u":"cy","s":175}'
    equals "$stderr" ""
    exits 0 leat map -j '.user, .ms' three.json
    equals "$output" $'"ann"\n12\n"bob"\n7\n"cy"\n350'
    exits 0 leat map -j 'select(.ms > 10) | .user' three.json
    equals "$output" $'"ann"\n"cy"'
    exits 0 leat map -j empty three.json
    equals "$output" ""
    exits 0 leat map -j .ms - three.json <three.json
    equals "${#lines[@]}" 6
}

@test "what is only moved keeps its spelling" {
    exits 0 one '{"n":1.50e0,"s":"\u0041\/","o":{ "b" : 1 },"big":123456789012345678901234567890}' '.n, .s, .o, .big, {o}'
    equals "$output" '1.50e0
"\u0041\/"
{ "b" : 1 }
123456789012345678901234567890
{"o":{ "b" : 1 }}'
    exits 0 one ' { "a" : 1 } ' -O lines .
    equals "$output" '{ "a" : 1 }'
}

@test "key, time and headers are inherited by every new record" {
    leat produce t -k .user -H via=web -H via=two --time .at <<'END'
{"user":"ann","at":"2026-01-01","tags":["a","b"]}
{"user":"bob","at":"2026-01-02","tags":[]}
END
    exits 0 bash -c "leat consume t -e | leat map '.tags[]' -f '%p@%o %k %D %h %s\n'"
    equals "$output" '0@0 ann 2026-01-01T00:00:00Z via=web,via=two "a"
0@1 ann 2026-01-01T00:00:00Z via=web,via=two "b"'
}

@test "new records are derived: offsets of their own, no topic" {
    leat produce t --partitions 2 -k .user three.json
    exits 0 bash -c "leat consume t -e | leat map '\$topic' | leat show -J"
    equals "$(jq -c '[.topic,.offset,.payload]' <<<"$output")" '[null,0,"t"]
[null,1,"t"]
[null,2,"t"]'
    exits 0 bash -c "leat consume t -e | leat map --keep '{place: \"\(\$partition)@\(\$offset)\"}' -j | sort"
    equals "$output" "$(leat consume t -e -f '%p@%o %s\n' | sed -E 's/^(\S+) (.*)\}$/\2,"place":"\1"}/' | sort)"
    exits 0 bash -c "leat consume t -e | leat map . | leat show --info"
    contains "$output" "source     derived records: 3 records, offsets 0 to 2"
    contains "$output" "made by    leat consume t -e"
    contains "$output" "made by    leat map ."
}

@test "--key sets the key from the input record, not from the result" {
    exits 0 leat map '{x: .ms}' -k .user three.json -f '%k %s\n'
    equals "$output" $'ann {"x":12}\nbob {"x":7}\ncy {"x":350}'
    exits 0 leat map . --key .ms three.json -f '%k\n'
    equals "$output" $'12\n7\n350'
    exits 0 leat map . --key .ok three.json -f '%K %k\n'
    equals "$output" $'-1 \n4 true\n-1 '
    exits 0 leat map . -k '.user, .ms' three.json -f '%k\n'
    equals "${lines[0]}" ann
    exits 0 leat map . -k empty three.json -f '%K\n'
    equals "${lines[0]}" -1
    exits 0 one '{"k":"a\u0000\"é"}' -k .k . -J
    contains "$output" '"key":"a\u0000\"é"'
    exits 0 leat map -k .k . -f '%k\n' <<<'{"k":{"b": 1}}'
    equals "$output" '{"b": 1}'
    exits 0 leat map -k .k . -f '[%k] %K\n' <<<'{"k":""}'
    equals "$output" '[] 0'
}

@test "--time sets the time, of text and of blocks" {
    exits 0 leat map .n --time .at -f '%D %s\n' <<<'{"n":1,"at":"2026-01-01T01:00:00+01:00"}'
    equals "$output" '2026-01-01T00:00:00Z 1'
    exits 0 leat map .n --time .at -f '%D %s\n' <<<'{"n":1,"at":1767225600.5}'
    equals "$output" '2026-01-01T00:00:00.500Z 1'
    exits 0 leat map . --time '.at / 1000' -f '%D\n' <<<'{"at":1767225600500}'
    equals "$output" '2026-01-01T00:00:00.500Z'
    exits 0 leat map . --time '.d + "T" + .t' --tz Europe/Berlin -f '%D\n' <<<'{"d":"2026-01-01","t":"01:00:00"}'
    equals "$output" '2026-01-01T00:00:00Z'
    exits 0 leat map . --time .at --time-format '%d.%m.%Y' -f '%D\n' <<<'{"at":"01.01.2026"}'
    equals "$output" '2026-01-01T00:00:00Z'
    leat produce t --time .a <<<'{"a":"2020-01-01","b":"2026-01-01"}'
    exits 0 bash -c "leat consume t -e | leat map . --time .b -f '%D\n'"
    equals "$output" '2026-01-01T00:00:00Z'
    exits 3 leat map . --time .at three.json
    contains "$stderr" "record 'three.json:1': record has no time .at"
    exits 3 leat map . --time .user three.json
    contains "$stderr" "record 'three.json:1': time .user is \"ann\": "
    exits 0 leat map 'select(.ms > 1000)' --time .user three.json
    exits 2 leat map . --time-format %Y three.json
    equals "$stderr" "leat map: --time-format needs --time"
}

@test "-H sets a header instead of all of that name, and takes it away" {
    leat produce t -H a=1 -H b=2 -H a=3 <<<'{"x":"new","y":null,"z":[1]}'
    leat consume t -e >t.leat
    exits 0 leat map . -H a=.x t.leat -f '%h\n'
    equals "$output" 'b=2,a=new'
    exits 0 leat map . -H a=.y t.leat -f '%h\n'
    equals "$output" 'b=2'
    exits 0 leat map . -H a=empty --header c=.z -H 'd="1=2"' t.leat -f '%h\n'
    equals "$output" 'b=2,c=[1],d=1=2'
    exits 0 leat map . -H a=.x -H a='$headers.b' t.leat -f '%h\n'
    equals "$output" 'b=2,a=new,a=2'
    exits 2 leat map . -H a three.json
    equals "$stderr" "leat map: header 'a' is not NAME=EXPR"
    exits 2 leat map . -H =.a three.json
    exits 2 leat map . -H 'a=.b +' three.json
    exits 3 leat map . -H 'a=("x" * 70000)' three.json
    contains "$stderr" "record 'three.json:1': headers of a record are over the limit"
    exits 3 leat map . -k '"x" * 70000' three.json
    contains "$stderr" "record 'three.json:1': key of 70000 bytes is over the limit of 65535"
}

@test "--keep sets fields in their place, and new ones behind" {
    exits 0 one '{"a":1,"b":{"c": 2},"d":3}' --keep '{b: .a, e: "x", a: null}'
    equals "$output" '{"a":null,"b":1,"d":3,"e":"x"}'
    exits 0 one '{ "a" : 1.0 , "b" : "\u0041" }' --keep '{c: 2}'
    equals "$output" '{ "a" : 1.0 , "b" : "\u0041","c":2 }'
    exits 0 one '{ "a" : 1.0 , "b" : 2 }' --keep '{b: {x: 1}}'
    equals "$output" '{ "a" : 1.0 , "b" : {"x":1} }'
    exits 0 one '{}' --keep '{a: 1, b: 2}'
    equals "$output" '{"a":1,"b":2}'
    exits 0 one '{ }' --keep '{a: 1}'
    equals "$output" '{"a":1 }'
    exits 0 one '{"a":1}' --keep '{}'
    equals "$output" '{"a":1}'
    exits 0 one '{ }' --keep '{}'
    equals "$output" '{ }'
    exits 0 one '{"a":1}' --keep '{b: 1}, {c: 2}, empty'
    equals "$output" $'{"a":1,"b":1}\n{"a":1,"c":2}'
}

@test "--keep knows names by what they say, escaped or not" {
    exits 0 one '{"\u0061":1,"b\"":2,"":3}' --keep '{a: 10, "b\"": 20, "": 30, "c\n": 40}'
    equals "$output" '{"\u0061":10,"b\"":20,"":30,"c\n":40}'
}

@test "--keep with many fields" {
    seq 1 300 | jq -sc 'map({("f\(.)"): .}) | add' >wide.json
    exits 0 bash -c 'leat map -j --keep "with_entries(select(.value % 2 == 0) | .value += 1000) + {new: 1}" wide.json |
        jq -c .'
    equals "$output" "$(jq -c '. + with_entries(select(.value % 2 == 0) | .value += 1000) + {new: 1}' wide.json)"
    exits 0 bash -c 'leat map -j --keep . wide.json | cmp - wide.json'
}

@test "--keep needs objects on both sides" {
    exits 3 one '[1]' --keep '{a: 1}'
    contains "$stderr" "leat map: record 'standard input:1': --keep needs an object, and the record is none"
    exits 3 one '{"a":1}' --keep .a
    contains "$stderr" "--keep needs an object, and the result is number"
    exits 3 bash -c "printf 'x\n' | leat produce t -i lines --value bytes; leat consume t -e | leat map --keep '{a: 1}' -j"
    contains "$stderr" "record 't/0@0': --keep needs an object, and the record is none"
}

@test "--flatten makes one level, by a dot or what is asked for" {
    local value='{"u":"a","device":{"os":"ios","v":{"major":1}},"tags":["x",{"y":2}],"e":{},"f":[]}'
    exits 0 one "$value" --flatten .
    equals "$output" '{"u":"a","device.os":"ios","device.v.major":1,"tags.0":"x","tags.1.y":2,"e":{},"f":[]}'
    exits 0 one "$value" --flatten=_ '{device, n: 1}'
    equals "$output" '{"device_os":"ios","device_v_major":1,"n":1}'
    exits 0 one "$value" --flatten=:: '.device'
    equals "$output" '{"os":"ios","v::major":1}'
    exits 0 one '{"a":{"b":1}}' --flatten --keep '{c: {d: 2}}'
    equals "$output" '{"a.b":1,"c.d":2}'
    exits 0 one '{"a":{"b":1}}' --flatten '.a.b, [1,[2]], null, "x"'
    equals "$output" $'1\n[1,[2]]\nnull\n"x"'
}

@test "tombstones go through with their key, time and headers" {
    printf 'a:1\nb:\nc:3\n' | leat produce t -K : -Z -H h=x
    leat consume t -e >t.leat
    exits 0 bash -c "leat map '. + 1' t.leat -k '\"other\"' -H h='\"y\"' --time '0' --keep 2>/dev/null | leat show -f '%k' >/dev/null; leat map '. + 1' t.leat -k '\"other\"' -H h='\"y\"' --time '0' -f '%k %s %S %h\n'"
    equals "$output" $'other 2 1 h=y\nb  -1 h=x\nother 4 1 h=y'
    exits 0 bash -c "leat map empty t.leat | leat show -J"
    equals "$(jq -c '[.key,.payload,.payload_encoding]' <<<"$output")" '["b",null,"none"]'
    equals "$(jq .ts <<<"$output")" "$(leat show -J t.leat | jq 'select(.key == "b") | .ts')"
}

@test "binary values are strings, and the new values JSON" {
    printf 'text\n\xff\xfe\n' | leat produce b -i lines --value bytes
    exits 0 bash -c "leat consume b -e | leat map '[., length]' -J | jq -c '[.payload,.payload_encoding]'"
    equals "$output" '[["text",4],"json"]
[["//4=",4],"json"]'
}

@test "one record, large results and NUL bytes" {
    exits 0 bash -c "leat map -j '{a: (\"x\" * 5000000)}' <<<1 | wc -c"
    equals "$output" 5000009
    exits 3 leat map -j '"x" * 2000000' --max-record 1MiB <<<1
    contains "$stderr" "--max-record"
    exits 0 bash -c "leat map '{a: \"n\u0000l\"}' <<<1 | leat map .a -j"
    equals "$output" '"n\u0000l"'
    exits 0 bash -c "leat map -j 'range(100000)' <<<1 | tail -n 1"
    equals "$output" 99999
}

@test "results that are too deep to be stored are refused" {
    exits 3 bash -c "leat map 'reduce range(2000) as \$i (0; [.])' <<<1 >out.leat"
    contains "$stderr" "record 'standard input:1': result is no JSON value that can be stored"
    exits 0 bash -c "leat map 'reduce range(1024) as \$i (0; [.])' <<<1 | leat show --verify"
}

@test "of plenty of blocks, records are made ahead of their turn, and are the same" {
    seq 30000 | leat map -i json '{n: ., pad: ("x" * (. % 90))}' >in.leat
    leat map -j . in.leat >in.json
    local p ahead out='"records_out":[0-9]*,"bytes_out":[0-9]*,"bad":[0-9]*'
    for p in '{n, seventh: (.n / 7 | floor), no: .no}' '{a: {b: [.n]}, c: (.pad | length)}' '.n, (.pad | select(. > "x"))' \
        'if .n % 999 == 0 then error("no") else {n} end' \
        'if .n % 9999 == 0 then reduce range(2000) as $i (0; [.]) else [.n] end' \
        '"x" * (if .n % 9999 == 0 then 200000 + .n * 10 else 9 end)' 'if .n % 9999 == 0 then "x" * 2000000 else {n} end'; do
        exits 0 leat map -j --on-error skip --max-record 300KiB "$p" in.leat --output ahead --stats=json
        ahead=$(grep -o "$out" <<<"$stderr")
        exits 0 leat map -j --on-error skip --max-record 300KiB "$p" in.json --output in_turn --stats=json
        equals "$(grep -o "$out" <<<"$stderr")" "$ahead"
        exits 0 cmp ahead in_turn
    done
}

@test "an expression that cannot be compiled is exit 2, with a caret, and nothing is read" {
    mkfifo never
    exits 2 timeout 5 leat map '{a: }' never
    equals "$output" ""
    contains "$stderr" $'\n  {a: }\n      ^'
    exits 2 leat map . -k '.a +' three.json
    contains "$stderr" "--key"
    exits 2 leat map . --time '.a |' three.json
    contains "$stderr" "--time"
    exits 2 leat map
    exits 2 leat map '$nope' three.json
    exits 2 leat map . --no-such-option
    equals "$output" ""
}

@test "of a record on which an expression fails nothing is written" {
    exits 3 leat map -j '.user, .ms, (if .ms == 7 then error("seven") else empty end)' three.json
    equals "$output" $'"ann"\n12'
    contains "$stderr" "leat map: record 'three.json:2': expression: seven"
    exits 3 leat map -j '.user + 1' three.json
    contains "${stderr_lines[0]}" "leat map: record 'three.json:1': "
    contains "$stderr" $'\n  .user + 1\n        ^'
    exits 3 leat map -j . -k '.user.name' three.json
    contains "$stderr" 'Cannot index string with'
    exits 3 leat map -j . -H 'h=.user[0]' three.json
}

@test "--on-error skip, --dead-letter" {
    exits 0 leat map -j '1, (if .ms == 7 then error("seven") else 2 end)' --on-error skip three.json --stats
    equals "$output" $'1\n2\n1\n2'
    contains "$stderr" "leat map: warning: record 'three.json:2' skipped: expression: seven"
    contains "$stderr" ", 1 bad, "
    leat produce t -k .user -H via=web three.json
    exits 0 bash -c "leat consume t -e | leat map -j '12 / (.ms - 7)' --dead-letter ./letters.leat"
    equals "${#lines[@]}" 2
    exits 0 leat show letters.leat -f '%k %s %h\n'
    contains "$output" 'bob {"user":"bob","ms":7,"ok":true} via=web,leat.error='
    contains "$output" 'leat.tool=map,leat.source=t/0@1,'
    exits 0 leat map -j .ms --dead-letter dead <<<$'{"ms":1}\n{"ms":'
    equals "$output" 1
    equals "$(values dead)" '{"ms":'
}

@test "envelope in and out" {
    leat produce t -k .user -H via=web --time .at <<<'{"user":"ann","at":"2026-01-01","n":1}'
    leat consume t -e -J >t.envelope
    exits 0 leat map -i envelope -J '{n: (.n + 1)}' t.envelope
    equals "$(jq -c '[.ts,.headers,.key,.payload]' <<<"$output")" '[1767225600000,["via","web"],"ann",{"n":2}]'
}

@test "text in, blocks out, and back" {
    exits 0 bash -c "leat map '{ms, user}' three.json | leat map '.ms' | leat show -j"
    equals "$output" $'12\n7\n350'
    exits 0 bash -c "leat map . three.json | leat show --info"
    contains "$output" "1 of 1 say that their JSON was validated"
    printf 'user,ms\nann,12\nbob,7\n' >in.csv
    exits 0 leat map '{user, s: (.ms / 4)}' in.csv -O csv
    equals "$output" $'user,s\nann,3\nbob,1.75'
    exits 0 leat map ascii_upcase -i lines -O lines <<<$'abc\ndef'
    equals "$output" $'ABC\nDEF'
    exits 0 leat map '.ms' --no-infer in.csv -j
    equals "$output" $'"12"\n"7"'
}

@test "a value that is not JSON is a bad record, looked at or not" {
    exits 3 leat map -j 1 -i json <<<'{"a":'
    contains "$stderr" "leat map: record 'standard input:1': "
    exits 3 leat map -j .a -i json <<<'{"a":1,"b":01}'
}

@test "--explain prints the plans, reads nothing, and exit is 0" {
    mkfifo never
    exits 0 timeout 5 leat map --explain '{user, page: .url}' never
    contains "$output" ".user"
    exits 0 leat map --explain .a --key .b --time .c -H d=.e
    contains "$output" "--key:"
    contains "$output" "--time:"
    contains "$output" "--header:"
    exits 2 leat map --explain '.a +'
}

@test "--engine: native, jq and auto" {
    local engine
    for engine in native jq auto; do
        exits 0 leat map -j --engine "$engine" '{user, d: (.ms * 2)}' three.json
        equals "$engine ${lines[0]}" "$engine "'{"user":"ann","d":24}'
    done
    exits 0 leat map -j 'def f: . + 1; .ms | f' three.json
    equals "$output" $'13\n8\n351'
}

@test "--stats counts in and out" {
    exits 0 leat map -j '.user, .ms' three.json --stats=json
    equals "$(jq -c '[.tool,.records_in,.records_out,.bytes_out]' <<<"$stderr")" '["leat map",3,6,20]'
    exits 0 leat map -j . three.json --no-progress -q
    equals "${#lines[@]}" 3
}

@test "a trickle is passed on at once" {
    mkfifo in
    leat map .ms -i json -j <in >out &
    local job=$!
    exec 9>in
    printf '{"ms":11}\n' >&9
    until_true has_lines out 1
    printf '{"ms":1}\n{"ms":12}\n' >&9
    until_true has_lines out 3
    exec 9>&-
    wait $job
    exits 0 bash -c "leat map -u . three.json | leat show -j"
    equals "${#lines[@]}" 3
}

@test "SIGTERM: what came is written, and the stream ended with its status" {
    mkfifo in
    leat map .n -i json <in >out.leat &
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
    equals "$output" 1
    contains "$stderr" "upstream failed with status 143"
}

@test "what is said downstream is one line: the place in the expression is for who reads the first message" {
    exits 5 bash -o pipefail -c "leat map error three.json 2>err | leat show"
    equals "$(sed -n '2,$p' err)" $'  error\n  ^'
    equals "$stderr" "leat show: upstream failed with status 3: $(sed -n '1s/^leat map: //p' err)"
}

@test "a full disk is exit 4" {
    local options
    for options in "" "-j" "-J" "-O lines"; do
        # shellcheck disable=SC2086 # no word for no option
        run --separate-stderr bash -c 'leat map . three.json $1 >/dev/full' - "$options"
        equals "$options: $status" "$options: 4"
        equals "$stderr" "leat map: cannot write to 'standard output': No space left on device"
    done
    exits 4 leat map . three.json --output /dev/full
    exits 4 leat map . three.json --output no/such/folder
    exits 4 leat map . missing.json
    equals "$stderr" "leat map: cannot open 'missing.json': No such file or directory"
}

@test "--output makes a file when it is whole, and none otherwise" {
    exits 0 leat map -j .ms three.json --output out.json
    equals "$(cat out.json)" $'12\n7\n350'
    exits 3 leat map -j '.ms + "x"' three.json --output broken.json
    [[ ! -e broken.json ]]
}

@test "a reader that went away is no failure" {
    leat gen clicks -c 50000 >many.leat
    run --separate-stderr bash -c 'leat map -j .user many.leat | head -n 1 | wc -l; echo "${PIPESTATUS[0]}"'
    equals "$output" $'1\n141'
    equals "$stderr" ""
}

@test "a truncated stream is exit 5, a flipped byte exit 6" {
    leat gen clicks -c 100 >clicks.leat
    head -c -1 clicks.leat >cut.leat
    exits 5 leat map .user cut.leat -j
    equals "${#lines[@]}" 100
    contains "$stderr" "the input ends inside a block"
    cp clicks.leat bad.leat
    flip bad.leat 1000
    exits 6 leat map .user bad.leat -j
    contains "$stderr" "leat map: 'bad.leat' at byte "
}

@test "terminal: JSON lines in colours, made safe; binary is refused" {
    on_terminal "leat map '{ms}' three.json"
    contains "$output" $'\e['
    NO_COLOR=1 on_terminal "leat map '{ms}' three.json"
    equals "$output" $'{"ms":12}\r\n{"ms":7}\r\n{"ms":350}\r'
    NO_COLOR=1 on_terminal "leat map '\"\\u009b31m\\u007f\"' three.json"
    [[ $output != *$'\x7f'* && $output != *$'\xc2\x9b'* ]]
    on_terminal "leat map . three.json -O leat"
    equals "$status" 2
    NO_COLOR=1 on_terminal "leat map . three.json --color=always"
    contains "$output" $'\e['
    on_terminal "leat map . three.json -O leat --force | wc -c"
    equals "$status" 0
}

@test "-d and --force-fs say where the topic of dead letters is" {
    exits 0 leat map -j '.ms + "x"' three.json -d other --force-fs --dead-letter dead
    equals "$(leat consume -d other dead -e -j | wc -l)" 3
    [[ ! -e $LEAT_DIR ]]
}

@test "floor and trunc of numbers that are cut at their point, and of those that are not" {
    run -0 leat map -j 'map(floor), map(trunc)' <<<'[12.75,0.999,-2.5,-0.5,1e3,1.5e1,5.0,123456789012345.5,0.99999999999999999,7]'
    equals "$output" "[12,0,-3,-1,1000,15,5,123456789012345,1,7]
[12,0,-2,-0,1000,15,5,123456789012345,1,7]"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat redrive: letters counted, chosen, repaired and sent back, each once. That a run which is killed at any system
# call loses and repeats nothing is in tests/crash/redrive.c; here it is killed from outside.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
}

teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

# Topic t with three records, and what was bad between them in topic dead.
produce_bad() {
    printf '%s\n' '{"user":"a","n":1}' '{"user":"b","n":NaN}' '{"user":"c","n":3}' '{"user":"d","n":4' nonsense |
        leat produce t --partitions 2 --key .user --dead-letter dead
}

# Letters of topic src, records of which .n is text, in topic dead.
filter_bad() {
    printf '%s\n' '{"user":"a","n":1}' '{"user":"b","n":"2"}' '{"user":"c","n":"x"}' '{"user":"d","n":"4"}' |
        leat produce src --partitions 2 --key .user -H trace=7
    leat consume src -e | leat filter '.n + 1 > 0' --dead-letter "${1:-dead}" >/dev/null
}

# A letter as somebody else might write it: letter SOURCE [ERROR] [PAYLOAD]
letter() {
    jq -cn --arg s "$1" --arg e "${2:-because}" --arg p "${3:-{\}}" '{headers: ["leat.error", $e, "leat.tool", "test",
        "leat.source", $s, "leat.time", "2026-01-01T00:00:00Z"], key: null, payload: $p, payload_encoding: "jsontext"}'
}

# What the table says, without times and runs of blanks.
kinds() {
    leat redrive "$@" -j | jq -c '[.count, .tool, .source, .reason]'
}

# ---- looking -----------------------------------------------------------------------------------------------------------

@test "letters are counted by tool, source and what their reasons have in common, the most frequent first" {
    produce_bad
    filter_bad
    exits 0 kinds dead
    equals "${lines[0]}" '[3,"filter","src","expression: string (...) and number (...) cannot be added"]'
    contains "$output" '[1,"produce","standard input","not JSON: text ends inside an object at byte N"]'
    exits 0 leat redrive dead
    contains "${lines[0]}" "COUNT  TOOL"
    contains "${lines[1]}" "    3  filter"
    equals "$stderr" ""
    exits 0 leat redrive dead -j
    equals "$(jq -r '.first <= .last' <<<"$output" | sort -u)" true
    [[ ! -e $LEAT_DIR/topics/dead/redrive.json ]]
}

@test "a topic that is not there, or has no letters" {
    exits 4 leat redrive nothing
    leat produce empty </dev/null
    exits 4 leat redrive nothing
    contains "$stderr" "there is no topic 'nothing'"
    exits 0 leat redrive empty --execute
    equals "$output$stderr" ""
    exits 1 leat redrive empty -e
    exits 4 leat redrive ./nothing.leat
    exits 2 leat redrive -
    echo '{"n":1}' | leat produce plain
    exits 0 kinds plain
    equals "$output" '[1,null,null,null]'
    exits 3 leat redrive plain --execute
    contains "$stderr" "letter 'plain/0@0' stays: it has no header leat.source"
}

@test "--where, --reason, -p, -o and --limit choose letters" {
    filter_bad
    numbers() { leat redrive dead -J "$@" | jq -r .payload.n | sort | tr '\n' ' '; }
    equals "$(numbers)" "2 4 x "
    equals "$(numbers --where '.n == "x"')" "x "
    equals "$(numbers --where '$headers["leat.tool"] == "filter" and $headers.trace == "7" and .n != "x"')" "2 4 "
    equals "$(numbers --where '$topic == "dead" and $key == "c"')" "x "
    equals "$(numbers --reason 'string ("x")')" "x "
    equals "$(numbers --reason 'string (...)')" "2 4 x "
    equals "$(numbers --reason 'no such')" ""
    equals "$(leat redrive dead -J --limit 2 | wc -l)" 2
    equals "$(leat redrive dead -J -o 1:2 | jq .offset)" 1
    equals "$(leat redrive dead -J -o -1 | jq .offset)" 2
    equals "$(leat redrive dead -J -p 0 | wc -l)" 3
    exits 2 leat redrive dead -p 1
    exits 2 leat redrive dead -o stored
    exits 2 leat redrive dead --where '.n +'
    exits 0 leat redrive dead --where '.n + 1 > 0' -j
    contains "$stderr" "letter 'dead/0@0' would stay: --where: string"
}

@test "what exclude each other, and what is no place, is refused before anything is read" {
    filter_bad
    mkfifo pipe
    exits 2 leat redrive dead --done --execute
    exits 2 leat redrive dead --done --forget
    exits 2 leat redrive dead --forget --map .
    exits 2 leat redrive dead --to -
    exits 2 leat redrive dead --to pipe
    contains "$stderr" "'pipe' is no file"
    exits 2 leat redrive dead --to 'a b'
    exits 2 leat redrive ./x.leat -o 1
    exits 2 leat redrive dead --map '.n +'
    exits 2 leat redrive dead other
    exits 0 leat redrive dead --map '.n' --explain
}

# ---- sending -----------------------------------------------------------------------------------------------------------

@test "bad lines are repaired, and the topic has all" {
    produce_bad
    exits 3 leat redrive dead --execute
    contains "$stderr" "letter 'dead/0@0' stays: its source 'standard input:2' is no topic; --to says where it goes"
    exits 0 leat redrive dead --to t --key .user --execute --on-error skip --map 'gsub("NaN"; "null") | if endswith("}") then . else . + "}" end | fromjson'
    contains "$stderr" "letter 'dead/0@2' stays: --map: "
    exits 0 bash -c "leat consume t -e -f '%k %s\n' | sort"
    equals "$output" 'a {"user":"a","n":1}
b {"user":"b","n":null}
c {"user":"c","n":3}
d {"user":"d","n":4}'
    exits 0 kinds dead
    equals "$output" '[1,"produce","standard input","not JSON: not a JSON value at byte N"]'
    exits 0 kinds dead --done
    equals "${#lines[@]}" 2
}

@test "a letter goes back to the topic and the partition it came from, with key, headers and time, and only once" {
    printf '%s\n' '{"k":"a","n":"1","t":"2026-01-01T00:00:01Z"}' '{"k":"b","n":"2","t":"2026-01-01T00:00:02Z"}' |
        leat produce src -p 1 --partitions 3 --key .k --time .t -H trace=7
    leat consume src -e | leat filter '.n + 1 > 0' --dead-letter dead >/dev/null
    leat consume src -e -J >before
    exits 0 leat redrive dead --execute --map '.n |= tonumber'
    equals "${#lines[@]}" 2
    leat consume src -e -J -o 2: >after
    equals "$(jq -c '[.partition, .ts, .key, .headers[0:3], .payload]' after)" \
        '[1,1767225601000,"a",["trace","7","leat.redriven"],{"k":"a","n":1,"t":"2026-01-01T00:00:01Z"}]
[1,1767225602000,"b",["trace","7","leat.redriven"],{"k":"b","n":2,"t":"2026-01-01T00:00:02Z"}]'
    equals "$(jq -r '.headers[3]' after | sed 's/#.*//' | tr '\n' ' ')" "dead/0@0 dead/0@1 "
    exits 0 leat redrive dead --execute
    equals "$output$stderr" ""
    equals "$(values src | wc -l)" 4
}

@test "a letter that cannot be sent ends the run behind those before it, or is skipped and named" {
    filter_bad
    letter src/0@0 because '{"n":"5"}' | leat produce dead -J
    exits 3 leat redrive dead --execute --map 'if .n == "x" then error("no") else .n |= tonumber end'
    contains "$stderr" "stays: --map: no"
    [[ $(leat redrive dead -J | wc -l) -eq $((8 - $(values src | wc -l))) ]]
    exits 0 leat redrive dead --execute --map '.n |= tonumber' --on-error skip --stats=json
    contains "$stderr" '"bad":1'
    exits 0 kinds dead
    equals "$output" '[1,"filter","src","expression: string (...) and number (...) cannot be added"]'
    equals "$(leat redrive dead -J | jq -r .payload.n)" x
    exits 0 leat redrive dead --execute --map 'empty' --on-error skip
    contains "$stderr" "--map gives no result"
    exits 0 leat redrive dead --execute --map '1, 2' --on-error skip
    contains "$stderr" "--map gives more than one result"
    equals "$(values src | wc -l)" 7
}

@test "a dry run says what would stay, and changes nothing" {
    filter_bad
    exits 0 leat redrive dead --map '.n |= tonumber'
    contains "$stderr" "would stay: --map: "
    contains "$stderr" "dry run: nothing was changed; --execute does it"
    exits 0 leat redrive dead --to other
    equals "$(leat topic list --names | tr '\n' ' ')" "dead src "
    equals "$(values src | wc -l)" 4
    [[ ! -e $LEAT_DIR/topics/dead/redrive.json ]]
}

@test "--to: another topic, which is made, or a file; a source's topic is never made" {
    filter_bad
    exits 0 leat redrive dead --execute --to other --where '.n == "2"'
    equals "$(values other)" '{"user":"b","n":"2"}'
    exits 0 leat redrive dead --execute --to ./f.leat --where '.n == "4"'
    exits 0 leat redrive dead --execute --to ./f.leat
    equals "$(leat show -j f.leat)" '{"user":"d","n":"4"}
{"user":"c","n":"x"}'
    leat show --verify f.leat
    letter gone/0@1 | leat produce d2 -J
    exits 3 leat redrive d2 --execute
    contains "$stderr" "letter 'd2/0@0' stays: "
    contains "$stderr" "'gone'"
    exits 4 leat consume gone -e
}

@test "--to: not where the letters are, nor behind what could not be read past" {
    filter_bad
    filter_bad ./f.leat
    cp f.leat cut.leat
    truncate -s -1 cut.leat
    echo '{"a":1}' >text
    ln -s f.leat link
    exits 2 leat redrive dead --execute --to dead
    equals "$stderr" "leat redrive: --to: 'dead' is where the letters are"
    exits 2 leat redrive f.leat --execute --to ./link
    contains "$stderr" "'./link' is where the letters are"
    exits 6 leat redrive dead --execute --to ./cut.leat
    contains "$stderr" "--to: './cut.leat' ends inside a block: "
    exits 6 leat redrive dead --execute --to ./text
    contains "$stderr" "--to: './text' at byte 0: "
    equals "$(<text)" '{"a":1}'
    equals "$(leat redrive dead -J | wc -l)" 3
}

@test "--done shows what was sent, and --forget lets it be sent again" {
    filter_bad
    exits 0 leat redrive dead --execute
    exits 0 kinds dead --done
    equals "$output" '[3,"filter","src","expression: string (...) and number (...) cannot be added"]'
    exits 0 kinds dead --forget --where '.n == "x"'
    equals "$output" '[1,"filter","src","expression: string (...) and number (...) cannot be added"]'
    contains "$stderr" "dry run"
    equals "$(leat redrive dead -J)" ""
    exits 0 leat redrive dead --forget --where '.n == "x"' --execute
    equals "$(leat redrive dead -J | jq -r .payload.n)" x
    exits 0 leat redrive dead --execute
    exits 0 leat redrive dead --execute
    equals "$(values src | grep -c '"x"')" 3
}

@test "late records of a window go back" {
    printf '{"t":"2026-01-01T00:%s:00Z","n":%d}\n' 00 1 10 2 00 3 01 4 20 5 | leat produce src --time .t
    leat consume src -e | leat window --tumble 1m '{n: count}' --late late -j >/dev/null
    equals "$(kinds late)" '[2,"window","src","late: its time is N, its window ended at N, and the watermark was N"]'
    exits 0 leat redrive late --execute --to again
    equals "$(leat consume again -e -J | jq -c '[.headers[0], .payload.n, .ts]')" \
        '["leat.redriven",3,1767225600000]
["leat.redriven",4,1767225660000]'
}

@test "a value that says that it is JSON and is not stays, and is text for expressions and in the envelope" {
    leat filter true "$LEAT_SOURCE/tests/golden/good/value-not-json.leat" --dead-letter ./dead.leat >/dev/null
    exits 0 leat redrive dead.leat -J
    equals "$(jq -r .payload_encoding <<<"$output" | sort -u)" text
    exits 3 leat redrive dead.leat --to t --execute
    contains "$stderr" "letter 'dead.leat@0' stays: value is not JSON: "
    exits 0 leat redrive dead.leat --to t --execute --map '{text: .}'
    equals "$(values t | jq -r '.text | type' | sort -u)" string
}

@test "a letter of a letter goes back as the letter that it was" {
    filter_bad
    leat consume dead -e | leat map '.n | tonumber' --dead-letter dead2 >/dev/null
    equals "$(kinds dead2)" "$(kinds dead2 | sed 's/"src"/"dead"/')"
    exits 0 leat redrive dead2 --execute
    equals "$(leat consume dead -e -J | tail -1 | jq -c '[.headers[0, 2, 4, 5, 6, 8, 10]], .payload.n')" \
        '["trace","leat.error","leat.tool","filter","leat.source","leat.time","leat.redriven"]
"x"'
}

@test "tombstones stay tombstones" {
    printf 'k1\t\n' | leat produce src -K $'\t' -Z
    jq -cn '{headers: ["leat.source", "src/0@0"], key: "k1", payload: null, payload_encoding: "none"}' |
        leat produce dead -J
    exits 0 leat redrive dead --execute --map .n --key .k
    equals "$(leat consume src -e -J | jq -c '[.key, .payload_encoding]')" '["k1","none"]
["k1","none"]'
}

# ---- edited letters ----------------------------------------------------------------------------------------------------

@test "an edited file: payloads that were repaired by hand, and letters that were taken out stay" {
    produce_bad
    leat consume dead -e -J >letters.json
    equals "$(leat redrive dead -J)" "$(<letters.json)"
    sed -i '3d; s/NaN/2/; s/\(n..:4\)"/\1}"/' letters.json
    exits 0 leat redrive dead --edited letters.json --map fromjson --to t --key .user --execute
    equals "$(values t | jq -c .n | sort | tr '\n' ' ')" "1 2 3 4 "
    equals "$(kinds dead)" '[1,"produce","standard input","not JSON: not a JSON value at byte N"]'
    exits 0 leat redrive dead --edited letters.json --map fromjson --to t --key .user --execute
    equals "$output$stderr" ""
    equals "$(values t | wc -l)" 4
    leat redrive dead -J | jq -c '.payload = {user: "e"} | .payload_encoding = "json" | .key = "e"' |
        leat redrive dead --edited - --to t --execute
    equals "$(leat consume t -e -f '%k %s\n' | grep '^e')" 'e {"user":"e"}'
}

@test "an edited file that is bad, or of another topic, sends nothing" {
    filter_bad
    leat consume dead -e -J >letters.json
    refused() {
        exits 3 leat redrive dead --edited bad.json --execute
        contains "$stderr" "$1"
        equals "$(leat redrive dead -J | wc -l)" 3
    }
    (cat letters.json; echo '{') >bad.json
    refused "bad.json:4"
    sed '2s/"topic":"dead"/"topic":"dad"/' letters.json >bad.json
    refused "bad.json:2': it is a record of topic 'dad'"
    sed '2s/"offset":1/"offset":0/' letters.json >bad.json
    refused "bad.json:2': its letter is there twice"
    sed '2s/"offset":1/"offset":"x"/' letters.json >bad.json
    refused "bad.json:2': partition and offset do not say which letter it is"
    sed '2s/"leat.time","..../"leat.time","1999/' letters.json >bad.json
    exits 3 leat redrive dead --edited bad.json --execute
    contains "$stderr" "is about another letter"
    exits 4 leat redrive dead --edited none.json
    sed '2s/"offset":1/"offset":77/' letters.json >bad.json
    exits 0 leat redrive dead --edited bad.json
    contains "$stderr" "1 lines of 'bad.json' are no letters of 'dead'"
}

# ---- letters in a file -------------------------------------------------------------------------------------------------

@test "letters in a file: numbered, sent once, and more may be appended" {
    filter_bad ./dead.leat
    exits 0 kinds dead.leat
    equals "$output" '[3,"filter","src","expression: string (...) and number (...) cannot be added"]'
    exits 0 leat redrive dead.leat --execute --where '$offset == 1'
    equals "$(leat redrive dead.leat -J | jq -c .offset | tr '\n' ' ')" "0 2 "
    leat consume src -e | leat filter '.n + 1 > 0' --dead-letter ./dead.leat >/dev/null
    equals "$(leat redrive dead.leat -J | jq -c .offset | tr '\n' ' ')" "0 2 3 4 5 6 "
    leat redrive dead.leat -J | tail -1 | jq -c '.payload.n = 5' >letters.json
    exits 0 leat redrive dead.leat --edited letters.json --execute
    equals "$(values src | grep -c '"n":5}')" 1
    ln -s dead.leat link
    exits 0 leat redrive ./link --execute
    exits 0 leat redrive dead.leat --execute
    equals "$output$stderr" ""
    equals "$(values src | wc -l)" 11
}

@test "links lead to the file itself: its marks are beside it, and it is written to" {
    mkdir here letters places
    filter_bad ./letters/dead.leat
    : >places/f.leat
    cd here
    ln -s ../letters/dead.leat link
    ln -s ../places/f.leat to
    exits 0 leat redrive ./link --execute --to ./to
    cd ..
    equals "$(leat show -j places/f.leat | wc -l)" 3
    [[ -s letters/dead.leat.redrive ]]
    exits 0 leat redrive letters/dead.leat --execute
    equals "$output$stderr" ""
}

@test "a file that was cut or replaced since is refused; one that ends inside a block is read up to there" {
    filter_bad ./dead.leat
    cp dead.leat kept
    exits 0 leat redrive dead.leat --execute --limit 1
    filter_bad ./other.leat
    cp other.leat dead.leat
    exits 6 leat redrive dead.leat
    contains "$stderr" "'dead.leat' was cut or replaced since letters of it were sent; 'dead.leat.redrive' beside it tells"
    : >dead.leat
    exits 6 leat redrive dead.leat
    cp kept dead.leat
    exits 0 leat redrive dead.leat
    head -c 100 kept >>dead.leat
    exits 0 leat redrive dead.leat -J
    equals "${#lines[@]}" 2
    contains "$stderr" "ends inside a block"
    echo 'not blocks' >text.leat
    exits 6 leat redrive text.leat
}

# ---- what must not be ------------------------------------------------------------------------------------------------

@test "letters are not believed: odd topics, other people's headers, control characters" {
    local esc=$'\x1b]0;owned\x07'
    {
        letter '../x/0@1'
        letter 'no topic/0@1'
        letter '/etc/0@1'
        letter './0@1'
        letter "a/99999999999@1"
        letter "$esc/0@1" "$esc bad ${esc}"
    } | leat produce dead -J
    exits 0 leat redrive dead --execute --on-error skip
    equals "$output" ""
    contains "$stderr" "6 letters stay, of which the first 3 were named"
    contains "$stderr" "letter 'dead/0@0' stays: its source '../x/0@1' is no topic"
    equals "$(leat topic list --names)" dead
    exits 3 leat redrive dead --execute -o 5
    [[ $stderr != *$'\x1b'* ]]
    contains "$stderr" '\x1b]0;owned\x07'
    on_terminal "leat redrive dead"
    [[ $output != *$'\x1b]0'* ]]
    contains "$output" '1b]0;owned'
}

@test "a forged leat.redriven marks nothing" {
    leat produce src </dev/null
    { letter src/0@0 a '{"n":1}'; letter src/0@1 a '{"n":2}'; } | leat produce dead -J
    jq -cn '{headers: ["leat.redriven", "dead/0@0#0000000000000000"], key: null, payload: "x", payload_encoding: "text"}' |
        leat produce src -J
    exits 0 leat redrive dead --execute
    equals "$(values src | tr '\n' ' ')" 'x {"n":1} {"n":2} '
}

@test "kinds beyond ten thousand are counted together" {
    seq 10100 | jq -c '{headers: ["leat.error", "x", "leat.tool", "tool\(.)"], key: null, payload: 1,
        payload_encoding: "json"}' | leat produce dead -J
    exits 0 kinds dead
    equals "${#lines[@]}" 10001
    equals "${lines[0]}" '[100,null,null,"(other reasons)"]'
}

@test "one run at a time: the second ends with 7, and looking is always allowed" {
    filter_bad
    python3 -c 'import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 1, 1, 0))  # F_OFD_SETLK
print("held", flush=True)
time.sleep(60)' "$LEAT_DIR/topics/dead/wake" >held &
    until_true test -s held
    exits 7 leat redrive dead --execute
    contains "$stderr" "another process is sending letters of 'dead'"
    exits 0 leat redrive dead
    kill %1
    wait %1 || true
    exits 0 leat redrive dead --execute
}

@test "marks that are damaged, or another topic's, stop it" {
    filter_bad
    exits 0 leat redrive dead --execute --limit 1
    local marks=$LEAT_DIR/topics/dead/redrive.json
    sed -i 's/\[0,0,1\]/[0,0,2]/' "$marks"
    exits 6 leat redrive dead
    contains "$stderr" "the marks in 'redrive.json' cannot be used"
    exits 6 leat redrive dead --execute
    equals "$(values src | wc -l)" 5
    : >"$marks"
    exits 6 leat redrive dead
    leat consume dead -e | leat filter true --pass copy
    exits 0 leat redrive copy --execute --limit 1
    cp "$LEAT_DIR/topics/copy/redrive.json" "$marks"
    exits 6 leat redrive dead
    contains "$stderr" "it speaks of another topic"
    rm "$marks"
    exits 0 leat redrive dead
    leat topic delete dead
    filter_bad
    exits 0 leat redrive dead
}

@test "/dev/full, a reader that went away, a topic that cannot be written" {
    filter_bad
    exits 4 bash -c 'leat redrive dead >/dev/full'
    exits 0 bash -c 'leat redrive dead -J | head -1'
    exits 4 leat redrive dead --execute --to ./none/f.leat
    equals "$(leat redrive dead -J | wc -l)" 3
}

@test "a topic with the longest name gets its letters back" {
    local name
    name=$(printf 'x%.0s' {1..249})
    echo '{"n":"a"}' | leat produce "$name"
    leat consume "$name" -e | leat filter '.n + 1 > 0' --dead-letter dead >/dev/null
    exits 0 leat redrive dead --execute
    equals "$(values "$name" | wc -l)" 2
}

@test "killed a hundred times, it loses nothing and repeats nothing" {
    local round i
    leat topic create a --partitions 3
    leat produce b </dev/null
    for ((round = 0; round < 100; round++)); do
        for ((i = 0; i < 10; i++)); do
            n=$((round * 10 + i))
            place=a/$((n % 3))@$n
            ((n % 4 == 3)) && place=b/0@$n
            echo "{\"headers\":[\"leat.source\",\"$place\"],\"key\":null,\"payload\":{\"n\":$n},\"payload_encoding\":\"json\"}"
        done | leat produce dead -J
        leat redrive dead --execute -q >/dev/null 2>&1 &
        sleep "0.0$((RANDOM % 3))$((RANDOM % 10))"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
    done
    exits 0 leat redrive dead --execute
    diff <({ values a; values b; } | jq .n | sort -n) <(seq 0 999)
    exits 0 leat redrive dead --execute
    equals "$output$stderr" ""
}

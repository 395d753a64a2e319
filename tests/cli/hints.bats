#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Words about expressions that say something else than what was meant: a field that no record has, an assignment where
# a condition is wanted. And that there are none where nothing is wrong.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' '{"user":{"id":7,"name":"ann"},"status":200,"latency_ms":12}' \
        '{"user":{"id":8,"name":"bob"},"status":404,"latency_ms":3,"error":"gone"}' >two.json
}

# The words, and nothing else on standard error: no record passes.
says() {
    local want=$1
    shift
    exits 0 leat filter -j "$@"
    equals "$output" ""
    equals "$stderr" "$want"
}

# The same of leat map, whatever comes out.
map_says() {
    local want=$1
    shift
    exits 0 leat map -j "$@"
    equals "$stderr" "$want"
}

@test "filter: a field that no record has, and the name that is meant" {
    says "leat filter: no record has '.staus'; is '.status' meant?" '.staus >= 500' two.json
    leat produce t two.json
    leat consume t -e >two.leat
    says "leat filter: no record has '.staus'; is '.status' meant?" '.staus >= 500' two.leat
    exits 0 leat filter --count '.staus >= 500' two.leat
    equals "$output" 0
    equals "$stderr" "leat filter: no record has '.staus'; is '.status' meant?"
    exits 1 leat filter -je '.staus >= 500' two.json
    equals "$stderr" "leat filter: no record has '.staus'; is '.status' meant?"
}

@test "filter: a field that is like none is named, too" {
    says "leat filter: no record has '.country'" '.country == "DE"' two.json
}

@test "a part of a path, or two, letters, case, signs" {
    says "leat filter: no record has '.user.nmae'; is '.user.name' meant?" '.user.nmae == "x"' two.json
    says "leat filter: no record has '.usr.idd'" '.usr.idd == 1' two.json
    says "leat filter: no record has '.usr.naem'; is '.user.name' meant?" '.usr.naem == "x"' two.json
    says "leat filter: no record has '.latencyMs'; is '.latency_ms' meant?" '.latencyMs > 3' two.json
    says "leat filter: no record has '.STATUS'; is '.status' meant?" '.STATUS > 3' two.json
    says "leat filter: no record has '.usr.id'; is '.user.id' meant?" '.usr | .id == 3' two.json
    says "leat filter: no record has '.\"first nam\"'; is '.\"first name\"' meant?" '."first nam" == 1' \
        <<<'{"first name":1}'
}

@test "a name of one of the later records is found, and names with bytes for terminals are harmless" {
    for ((i = 0; i < 300; i++)); do echo '{"a":1}'; done >rows
    for ((i = 0; i < 300; i++)); do echo '{"status":1}'; done >>rows
    says "leat filter: no record has '.staus'; is '.status' meant?" '.staus > 3' rows
    says "leat filter: no record has '.tile'; is '.\"tit\\u001ble\"' meant?" '.tile > 3' <<<'{"tit\u001ble":1}'
}

@test "the first part of a path that is read for itself is told of alone, and there are three lines at most" {
    says "leat filter: no record has '.usr'; is '.user' meant?" '(.usr | length) > 9 or .usr.id == 9' two.json
    says "leat filter: no record has '.aaa'
leat filter: no record has '.bbb'
leat filter: no record has '.ccc'" '.aaa == 1 or .bbb == 1 or .ccc == 1 or .ddd == 1' two.json
}

@test "a name that the expression reads itself is not the one that is meant, nor is one with another number" {
    says "leat filter: no record has '.usr'" '.usr == 1 or .user == 1' two.json
    says "leat filter: no record has '.price1'" '.price1 > 3' <<<'{"price2":1}'
    map_says "" '{usr, user}' two.json
    map_says "" '{price1}' <<<'{"price2":1}'
}

@test "no words when a record passed, when one has the field, when there was none, and with -q" {
    exits 0 leat filter -j '.staus == null' two.json
    equals "$stderr" ""
    exits 0 leat filter -j '.staus == 1 or .status == 200' two.json
    equals "${#lines[@]}" 1
    equals "$stderr" ""
    says "" '.error == "no"' two.json
    says "" '.staus == 1' </dev/null
    says "" -q '.staus == 1' two.json
    map_says "" -q .staus two.json
}

@test "one record in a thousand has the field: it is no slip" {
    for ((i = 0; i < 3000; i++)); do echo '{"status":1}'; done >rows
    echo '{"staus":1}' >>rows
    says "" '.staus > 3' rows
    leat produce t rows
    leat consume t -e >rows.leat
    says "" '.staus > 3' rows.leat
}

@test "fields whose absence the expression provides for" {
    local expression
    for expression in '.staus' '.staus // 3 | . > 4' '(.staus // .stats) > 4' '.staus? > 3' \
        'try .staus.x catch 0 | . > 3' '(.staus | not | not)' '.staus != null' '(.staus == null | not)' \
        'has("staus") and .staus > 3' \
        '.staus and .staus.code > 3' 'select(.staus) | .staus > 3' 'if .staus then .staus > 3 else false end' \
        '.staus as $s | $s // 0 | . > 3' '(.staus | type) == "number"' '.staus | numbers' '.staus | values | . > 3' \
        '.staus as {code: $c} | $c > 3' 'any(.staus?; . > 3)' '[.[].staus?] == 1' '.staus | .code // 3 | . > 4' \
        'del(.staus) | .status > 999' '(.staus = 1) | .status > 999' '.usr?.name == "x"'; do
        says "" "$expression" two.json || {
            echo "$expression"
            return 1
        }
    done
}

@test "records that were decided about before the expression came to the field" {
    printf '%s\n' '{"key":"a","payload":{"status":1}}' '{"key":"b","payload":{"staus":1}}' >keys
    says "leat filter: no record looked at has '.staus'; is '.status' meant?" \
        -i envelope '$key == "a" and .staus > 3' keys
    says "" -i envelope '$key == "c" and .staus > 3' keys
}

@test "what jq runs is not looked at" {
    says "" --engine jq '.staus >= 500' two.json
}

@test "map: a field that was always null, where another one is spelled much like it" {
    map_says "leat map: no record has '.staus'; is '.status' meant?" '{staus, user}' two.json
    equals "${lines[0]}" '{"staus":null,"user":{"id":7,"name":"ann"}}'
    map_says "leat map: no record has '.usr.id'; is '.user.id' meant?" --key .usr.id . two.json
    map_says "leat map: no record has '.usr.id'; is '.user.id' meant?" -H 'h=.usr.id' . two.json
    map_says "" '{user, country}' two.json
    map_says "" '{user, eror: .error}' two.json
    map_says "" 'del(.staus) | .staus = 3 | .stats |= 4' two.json
    map_says "" '{status: (.staus // .status)}' two.json
    leat produce t two.json
    leat consume t -e >two.leat
    map_says "leat map: no record has '.staus'; is '.status' meant?" '{staus, user}' two.leat
}

@test "filter: an assignment is no condition, and nothing is read" {
    exits 2 leat filter '.status = 500' nowhere.json
    equals "$output" ""
    equals "$stderr" "leat filter: expression: '=' sets a value, '==' compares
  .status = 500
          ^"
    local op
    for op in '|=' '+=' '-=' '*=' '/=' '%=' '//='; do
        exits 2 leat filter ".a $op 500" two.json
        contains "$stderr" "'$op' sets a value, '==' compares
  .a $op 500
     ^"
    done
    exits 2 leat filter '.status == 200 and .user.name = "ann"' two.json
    contains "$stderr" "
  .status == 200 and .user.name = \"ann\"
                                ^"
    exits 2 leat filter '.user | . as $x | .id = 7' two.json
    exits 2 leat filter 'def f: .a; .id = 7' two.json
    exits 2 leat filter --engine jq '.id = 7' two.json
    exits 0 leat filter --count '.id = 7 | .status == 200' two.json
    equals "$output" 1
    equals "$stderr" ""
}

@test "an assignment as a condition inside an expression is a warning" {
    exits 0 leat map -j 'select(.status = 500) | .latency_ms' two.json
    equals "$output" $'12\n3'
    equals "$stderr" "leat map: warning: expression: '=' sets a value, '==' compares
  select(.status = 500) | .latency_ms
                 ^"
    local expression
    for expression in 'if .a = 1 then 2 else 3 end' '(.a = 1) and .b' 'false or (.a |= 1)' 'any(.user; .a = 1)' \
        '[.user] | all(.a = 1)' '{a: [.user | select(.x | .a += 1)]}' 'def f: select(.a = 1); f' \
        '"\(select(.a = 1))"'; do
        exits 0 leat map -j "$expression" two.json
        contains "$stderr" "=' sets a value, '==' compares"
        exits 0 leat filter -j "$expression" two.json
        contains "$stderr" "leat filter: warning: expression: '"
        exits 0 leat map -qj "$expression" two.json
        equals "$stderr" ""
    done
}

@test "assignments elsewhere are what they are" {
    local expression
    for expression in '.a = 1' '.a |= select(. == 1)' '(.. | select(. == 200)?) |= 1' 'map_values(.) | .a += 1' \
        'if .status == 1 then .a = 1 else .b = 2 end' 'select(.status == 200) | .a = 1' '[.user] | map(.a = 1)' \
        'def select(f): f; select(.a = 1)'; do
        map_says "" "$expression" two.json || {
            echo "$expression"
            return 1
        }
    done
}

@test "a long chain of operators, and many fields, are no trouble" {
    printf ' or .a%d' {1..900} >chain
    printf ', .a%d?' {1..10000} >fields
    exits 0 bash -c 'leat filter -j "false$(cat chain)" two.json'
    equals "$stderr" ""
    exits 0 bash -c 'timeout 20 leat filter -j "false$(cat fields)" two.json'
    equals "$stderr" ""
    exits 0 bash -c 'timeout 20 leat map -j "select(.a = 1$(cat chain | sed "s/or/,/g")) | .status" two.json'
    equals "$stderr" ""
}

@test "window and join: groups, aggregates and keys that no record has" {
    printf '{"ts":1,"user":"a","took":2}\n{"ts":2,"user":"b","took":3}\n' >w.json
    printf '{"user":"a","name":"A"}\n' >t.json
    exits 0 leat window --all -g .usr '{n: count}' -j w.json
    equals "$stderr" "leat window: no record has '.usr'; is '.user' meant?"
    exits 0 leat window --tumble 1m --time .ts -g .user '{n: sum(.tok)}' -j w.json
    equals "$stderr" "leat window: no record has '.tok'; is '.took' meant?"
    exits 0 leat window --all -g .user '{n: sum(.took)}' -j w.json
    equals "$stderr" ""
    leat filter true --time .ts w.json >w.leat
    for input in w.json w.leat; do
        exits 0 leat join --table t.json --on .usr --on-table .user -j "$input"
        equals "$stderr" "leat join: no record has '.usr'; is '.user' meant?"
        exits 0 leat join --table t.json --on .user -j "$input"
        equals "$stderr" ""
    done
    exits 0 leat join --with ./w.json --on .usr --on-right .user --time .ts --within 1s -j w.json
    equals "$stderr" "leat join: no record has '.usr'; is '.user' meant?"
    exits 0 leat join --with ./w.json --on .user --on-right .usr --time .ts --within 1s -j w.json
    equals "$stderr" "leat join: no record has '.usr'; is '.user' meant?"
    exits 0 leat join --with ./w.json --on .user --time .ts --within 1s -j w.json
    equals "$stderr" ""
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat consume -G: members share the partitions of a topic, go on where the group left off, and lose nothing when one of
# them is killed.

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

# numbered COUNT PARTITIONS: records "1".."COUNT", each its own key
numbered() {
    seq 1 "$1" | sed 's/.*/&:&/' | leat produce t --partitions "$2" -K : --sync none
}

# Start a member that writes what it reads to FILE: member FILE [OPTIONS]; its process id is in $member.
member() {
    leat consume t -G g -f '%s\n' "${@:2}" >"$1" 2>"$1.err" &
    member=$!
}

leave() {
    kill "$@"
    wait "$@" || return 1
}

distinct() {
    (($(cat "${@:2}" | sort -u | wc -l) == $1))
}

@test "a group goes on where it left off" {
    numbered 10 1
    equals "$(leat consume t -G g -e -f '%s ')" "1 2 3 4 5 6 7 8 9 10 "
    equals "$(leat consume t -G g -e -f '%s ')" ""
    leat produce t <<<11
    equals "$(leat consume t -G g -e -f '%s ')" "11 "
    equals "$(leat consume t -G other -e -c 2 -f '%s ')" "1 2 "
    equals "$(leat consume t -G other -e -c 3 -f '%s ')" "3 4 5 "
    equals "$(leat consume t -G other -e | decode | wc -l)" 6
}

@test "-o says where a group begins that has no position, and nothing once it has one" {
    numbered 10 1
    equals "$(leat consume t -G g -e -o 8 -f '%s ')" "9 10 "
    equals "$(leat consume t -G g -e -o beginning -f '%s ')" ""
    equals "$(leat consume t -G h -e -o end -f '%s ')" ""
    leat produce t <<<11
    equals "$(leat consume t -G h -e -f '%s ')" "11 "
}

@test "a group keeps its place in each of several topics" {
    leat produce a <<<$'1\n2'
    leat produce b <<<3
    equals "$(leat consume a b -G g -e -f '%t%s ' | tr ' ' '\n' | sort | tr '\n' ' ')" "a1 a2 b3 "
    leat produce b <<<4
    equals "$(leat consume a b -G g -e -f '%t%s ')" "b4 "
    equals "$(leat consume a -G g -e -f '%t%s ')" ""
}

@test "three members share four partitions: each record goes to one of them" {
    numbered 8 4
    member a
    local one=$member
    until_true has_lines a 8
    member b
    local two=$member
    member c
    local three=$member
    sleep 0.5
    seq 101 140 | sed 's/.*/&:&/' | leat produce t -K :
    until_true distinct 48 a b c
    sleep 0.2
    equals "$(cat a b c | sort -n)" "$(seq 1 8; seq 101 140)"
    local f
    for f in a b c; do (($(grep -cE '^1[0-9][0-9]$' $f) > 0)); done
    leave "$one" "$two" "$three"
    equals "$(leat consume t -G g -e -f '%s ')" ""
}

@test "members beyond the number of partitions wait, and take over when one leaves" {
    numbered 3 1
    member a
    local one=$member
    until_true has_lines a 3
    member b
    local two=$member
    sleep 0.3
    leat produce t <<<4
    until_true has_lines a 4
    equals "$(wc -l <b)" 0
    leave "$one"
    leat produce t <<<5
    until_true has_lines b 1
    equals "$(<b)" 5
    leave "$two"
}

@test "partitions that are added are shared among members that run, and the group keeps its place in them" {
    leat topic create t
    leat produce t <<<0
    member a -o end
    local one=$member
    member b -o end
    local two=$member
    sleep 0.3
    leat topic alter t --partitions 4 2>/dev/null
    local p
    for p in 1 2 3; do leat produce t -p "$p" <<<"$p"; done
    until_true distinct 3 a b
    equals "$(sort a b | tr '\n' ' ')" "1 2 3 "
    test -s a -a -s b
    leave "$one" "$two"
    equals "$(stat -c %s "$LEAT_DIR/groups/g/t.positions")" $((4096 + 4 * 1024))
    for p in 1 2 3; do leat produce t -p "$p" <<<"${p}0"; done
    equals "$(leat consume t -G g -e -f '%s\n' | sort | tr '\n' ' ')" "10 20 30 "
}

@test "a killed member's partitions move on at once, and nothing is lost" {
    numbered 40 4
    member a -u
    local one=$member
    member b -u
    local two=$member
    until_true distinct 40 a b
    kill -9 "$one"
    local before
    before=$(now_ms)
    seq 101 140 | sed 's/.*/&:&/' | leat produce t -K :
    until_true distinct 80 a b
    (($(now_ms) - before < 1000)) || { echo "took $(($(now_ms) - before)) ms"; return 1; }
    leave "$two"
}

@test "a position is committed only for what the reader of the output has taken" {
    leat gen clicks -c 20000 | leat produce t --sync none
    local taken
    # This reader takes some of it and dies; the rest of the pipe, and of the buffers, is not lost.
    leat consume t -G g -j | head -c 1000000 >first || true
    leat consume t -G g -e -j >second
    taken=$(($(wc -c <first) + $(wc -c <second)))
    (($(wc -c <second) > 0))
    ((taken >= $(leat consume t -e -j | wc -c)))
    # All records, whole, are in one or the other.
    equals "$(cat <(head -n -1 first) second | sort -u | cmp - <(leat consume t -e -j | sort -u) && echo same)" same
}

@test "a reader that takes nothing commits nothing" {
    numbered 10 1
    mkfifo pipe
    leat consume t -G g -e -f '%s\n' >pipe &
    local consumer=$!
    exec 9<pipe
    sleep 0.3 # all is in the pipe, and nobody read it
    kill -9 "$consumer"
    exec 9<&-
    wait "$consumer" || true
    equals "$(leat consume t -G g -e -f '%s ')" "1 2 3 4 5 6 7 8 9 10 "
}

@test "with --output nothing is committed before the file has its name" {
    numbered 10 2
    leat consume t -G g -j --output out &
    local consumer=$!
    sleep 1.3 # longer than the time between two commits
    kill -9 "$consumer"
    wait "$consumer" || true
    [[ ! -e out ]]
    leat consume t -G g -e -j --output out
    equals "$(sort -n out)" "$(seq 1 10)"
    equals "$(leat consume t -G g -e -j)" ""
}

@test "two members with --output end, each with its own records" {
    local pids=() i
    numbered 200 4
    for i in a b; do
        timeout 20 leat consume t -G g -e -j --output $i &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    equals "$(sort -n a b)" "$(seq 1 200)"
    equals "$(leat consume t -G g -e -j)" ""
}

@test "a member with --output keeps and reads its partitions until its file is whole" {
    numbered 40 4
    leat consume t -G g -f '%s\n' --output a &
    local one=$!
    all_in() { (($(cat a.*.tmp 2>/dev/null | wc -l) == $1)); }
    until_true all_in 40
    leat consume t -G g -e -f '%s\n' --output b &
    local two=$!
    sleep 0.4
    seq 101 140 | sed 's/.*/&:&/' | leat produce t -K :
    until_true all_in 80
    kill "$one"
    wait "$one"
    wait "$two"
    equals "$(sort -n a) $(wc -l <b)" "$(seq 1 40; seq 101 140) 0"
}

@test "members that stop at the end wait for their share of the partitions" {
    numbered 200 4
    local i pids=()
    for i in a b c; do
        member $i -e
        pids+=("$member")
    done
    for i in "${pids[@]}"; do wait "$i"; done
    equals "$(cat a b c | sort -n)" "$(seq 1 200)"
    equals "$(cat a.err b.err c.err)" ""
}

@test "a stopped member keeps what it holds, and others read the rest" {
    numbered 4 2
    member a
    local one=$member
    until_true has_lines a 4
    member b
    local two=$member
    sleep 0.4
    kill -STOP "$one"
    seq 101 120 | sed 's/.*/&:&/' | leat produce t -K :
    sleep 0.4
    (($(wc -l <b) > 0))
    (($(cat a b | wc -l) < 24))
    kill -CONT "$one"
    until_true distinct 24 a b
    equals "$(cat a b | wc -l)" 24
    leave "$one" "$two"
}

@test "a topic that was deleted and made again does not inherit positions" {
    numbered 5 1
    leat consume t -G g -e >/dev/null
    "$LEAT_BUILD/tests/cli/topic_remove" t
    numbered 3 1
    equals "$(leat consume t -G g -e -f '%s ')" "1 2 3 "
}

@test "three members over 20,000 records, one after the other killed: all are read, in the end nobody waits" {
    long
    local i pids=()
    seq 1 20000 | sed 's/.*/&:&/' | leat produce t --partitions 8 -K : --sync none
    for i in 1 2 3 4 5 6; do
        member "m$i"
        pids+=("$member")
        sleep 0.15
        if ((i % 2 == 0)); then kill -9 "${pids[i - 2]}"; fi
    done
    seq 20001 40000 | sed 's/.*/&:&/' | leat produce t -K : --sync none
    until_true distinct 40000 m1 m2 m3 m4 m5 m6
    leave "${pids[1]}" "${pids[3]}" "${pids[5]}"
    equals "$(leat consume t -G g -e -f '%s ')" ""
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat topic: create, list, describe, alter, delete, trim, compact, verify, repair, dump.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# Records n = FROM … TO-1, in one block: they are there when the program begins to read.
put() {
    local topic=$1 from=$2 to=$3 i
    shift 3
    for ((i = from; i < to; i++)); do echo "{\"n\":$i,\"k\":\"k$((i % 3))\",\"pad\":\"$(printf '%0350d' "$i")\"}"; done >records
    leat produce "$topic" "$@" <records
}

numbers() {
    leat consume "$1" -e -j | sed 's/^{"n":\([0-9]*\).*/\1/' | sort -n | tr '\n' ' '
}

segment() {
    printf '%s/topics/%s/0/%020d.leat' "$LEAT_DIR" "$1" "$2"
}

# Turn one bit of a byte over.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf '%b' "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# A topic of three segments and more, eight records to a segment.
small_segments() {
    local i
    leat topic create "$1" --set segment_size=4096 "${@:2}"
    for ((i = 0; i < 24; i += 2)); do put "$1" "$i" $((i + 2)); done
}

@test "create makes topics, list shows them" {
    exits 0 leat topic create b a -p 3
    equals "$output$stderr" ""
    exits 0 leat topic list
    # The size is that of the files: a segment names the commit that wrote it, and a changed tree has a longer name.
    local bytes
    bytes=$(cat "$LEAT_DIR"/topics/a/*/*.leat | wc -c)
    ((bytes > 500 && bytes < 1000))
    equals "$output" "TOPIC  PARTITIONS  OFFSETS  SEGMENTS   SIZE
a               3        0         3  $bytes B
b               3        0         3  $bytes B"
    exits 0 leat topic list --names
    equals "$output" $'a\nb'
    exits 0 leat topic list --names 'b*'
    equals "$output" b
    exits 0 leat topic list -j a
    equals "$output" '{"topic":"a","partitions":3,"offsets":0,"segments":3,"bytes":'"$bytes}"
}

@test "a log that is not there has no topics, and listing does not make it" {
    exits 0 leat topic list
    equals "$output$stderr" ""
    [[ ! -e $LEAT_DIR ]]
    exits 4 leat topic describe nope
    contains "$stderr" "leat topic: cannot open directory '$LEAT_DIR': No such file or directory"
}

@test "a topic that is there already is exit 2, or fine with --if-not-exists" {
    exits 0 leat topic create a
    exits 2 leat topic create a
    equals "$stderr" "leat topic: topic 'a' exists already"
    exits 2 leat topic create a b
    exits 0 leat topic list --names
    equals "$output" $'a\nb'
    exits 0 leat topic create --if-not-exists a -p 7
    exits 0 leat topic list -j a
    contains "$output" '"partitions":1'
}

@test "bad names and settings are exit 2 and make nothing" {
    exits 2 leat topic create ../x
    contains "$stderr" "'../x' is not a name"
    exits 2 leat topic create good 'b d'
    exits 2 leat topic create .
    exits 2 leat topic create "$(printf 'x%.0s' {1..250})"
    exits 2 leat topic create a --set segmentsize=1
    contains "$stderr" "there is no setting 'segmentsize'; there are segment_size, retention_age,"
    exits 2 leat topic create a --set segment_size=1
    equals "${stderr_lines[0]}" "leat topic: segment_size is at least 4096"
    exits 2 leat topic create a -p 5000
    exits 2 leat topic
    exits 2 leat topic creat a
    contains "$stderr" "did you mean 'create'?"
    exits 0 leat topic list --names
    equals "$output" ""
}

@test "an unknown topic is exit 4 and the others have their turn" {
    leat topic create a
    exits 4 leat topic describe -j nope a
    equals "$stderr" "leat topic: there is no topic 'nope' in '$LEAT_DIR'"
    contains "$output" '"topic":"a"'
    exits 4 leat topic verify 'x*'
    equals "$stderr" "leat topic: no topic in '$LEAT_DIR' is like 'x*'"
    exits 2 leat topic verify a -p 1
    equals "$stderr" "leat topic: topic 'a' has 1 partitions; there is no partition 1"
    exits 2 leat topic verify a -p x
}

@test "describe tells settings, partitions, times and where groups stand" {
    printf '{"n":%d,"t":"2024-05-0%dT00:00:00Z"}\n' 1 1 2 2 3 3 >in
    leat produce a --time .t <in
    leat consume a -G g -c 2 -j >/dev/null
    exits 0 leat topic describe a
    contains "$output" $'  segment_size         268435456 (256 MiB)\n  retention_age        0s\n'
    contains "$output" "PARTITION  START  END  RECORDS   SIZE  SEGMENTS  COMPRESSED  EPOCH  DURABLE  EARLIEST              LATEST"
    contains "$output" "        0      0    3        3  "
    contains "$output" "2024-05-01T00:00:00Z  2024-05-03T00:00:00Z"
    contains "$output" $'GROUP  PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG\ng              0               2               3    1'
    exits 0 leat topic describe -j a
    [[ $(python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["partitions"][0]["records"], d["groups"][0]["lag"])' <<<"$output") == "3 1" ]]
}

@test "alter changes settings and adds partitions" {
    leat topic create a -p 2
    exits 2 leat topic alter a
    exits 2 leat topic alter a -p 1
    equals "$stderr" "leat topic: topic 'a' has 2 partitions; they can only become more"
    exits 0 leat topic alter a --set retention_age=7d --set compact=true -p 3
    equals "$output" $'a: retention_age=7d, was 0s\na: compact=true, was false\na: 3 partitions, was 2'
    contains "$stderr" "may go to other partitions"
    exits 0 leat topic describe -j a
    contains "$output" '"retention_age":"7d"'
    contains "$output" '{"partition":2,'
}

@test "delete removes topics, and a dry run does not" {
    put a 0 3
    leat topic create b
    exits 0 leat topic delete -n a b
    equals "${lines[0]}" "topic 'a' would be deleted with its 1 partitions"
    exits 0 leat topic delete a
    exits 0 leat topic list --names
    equals "$output" b
    exits 4 leat topic delete a
    put a 7 8
    equals "$(numbers a)" "7 "
    [[ -z $(ls "$LEAT_DIR/tmp") ]]
}

@test "trim is a dry run until it is told to execute" {
    small_segments a
    exits 2 leat topic trim a
    exits 2 leat topic trim a --before x
    exits 2 leat topic trim a --before stored
    exits 2 leat topic trim a --before 1:2
    exits 0 leat topic trim a --before -11
    equals "${lines[1]}" "a              0      0         13       13         1  3.6 KiB"
    exits 0 leat topic trim a --before 13
    equals "${lines[1]}" "a              0      0         13       13         1  3.6 KiB"
    contains "$stderr" "nothing was removed: --execute does it"
    equals "$(numbers a | wc -w)" 24
    exits 0 leat topic trim a --before 13 --execute -j
    contains "$output" '"start":0,"new_start":13,"offsets":13,"segments":1,'
    equals "$stderr" ""
    equals "$(numbers a)" "13 14 15 16 17 18 19 20 21 22 23 "
    [[ ! -e $(segment a 0) ]]
    exits 0 leat topic verify a
    exits 0 leat topic trim a --before end --execute
    equals "$(numbers a)" ""
    put a 24 25
    equals "$(numbers a)" "24 "
}

@test "trim goes by record times, too" {
    printf '{"n":%d,"t":"2024-05-0%dT00:00:00Z"}\n' 1 1 2 2 3 3 >in
    leat produce a --time .t <in
    exits 0 leat topic trim a --before @2024-05-02 --execute
    equals "$(numbers a)" "2 3 "
    exits 2 leat topic trim a --before @never
}

@test "compact keeps the last record of each key and compresses" {
    leat topic create a --set segment_size=4096 --set codec=zstd --set compact=true
    put a 100 102 --key .n
    for i in 0 2 4 6 8 10 12 14 16 18; do put a "$i" $((i + 2)) --key .k; done
    exits 0 leat topic compact a -j
    exits 0 leat topic verify a
    [[ $(numbers a) == *"17 18 19 100 101 " ]]
    [[ $(numbers a | wc -w) -lt 12 ]]
    leat topic dump a | grep -q "data     zstd"
}

@test "compact with retention removes old segments" {
    small_segments a
    leat topic alter -q a --set retention_size=6000
    exits 0 leat topic compact
    [[ $(numbers a) == *"22 23 " ]]
    [[ $(numbers a | wc -w) -lt 16 ]]
    exits 0 leat topic verify
}

@test "verify says that all is sound, with exit 0" {
    small_segments a
    exits 0 leat topic verify --check-json
    [[ $output =~ ^a:\ 1\ partitions,\ [0-9]+\ segments,\ 12\ blocks,\ 24\ records,\ .*:\ sound$ ]]
    exits 0 leat topic verify -q
    equals "$output" ""
    exits 0 leat topic verify -j
    contains "$output" '"records":24,'
    contains "$output" '"faults":0,"lost":0}'
}

@test "verify names file, place and cost of a flipped bit, exit 6" {
    small_segments a
    flip "$(segment a 8)" 700
    exits 6 leat topic verify
    equals "$stderr" ""
    [[ ${lines[0]} =~ ^topics/a/0/00000000000000000008.leat,\ bytes\ [0-9]+\ to\ [0-9]+:\ .*\;\ costs\ offsets\ 8\ to\ 9\ \(2\)$ ]]
    [[ ${lines[1]} =~ 1\ fault,\ 2\ offsets\ lost$ ]]
    exits 6 leat topic verify -j
    contains "${lines[0]}" '"offsets":[8,10]}'
    exits 6 leat consume a -e -j
}

@test "repair tells what it would lose, asks, and keeps the rest" {
    small_segments a
    flip "$(segment a 8)" 700
    exits 1 leat topic repair a
    contains "${lines[0]}" "a/0: lost: offsets 8 to 9 (2), bytes "
    contains "$stderr" "nothing was changed: --accept-loss gives up these offsets of 'a'"
    exits 6 leat topic verify
    exits 1 leat topic repair a --dry-run --accept-loss
    exits 6 leat topic verify
    exits 0 leat topic repair a --accept-loss
    contains "$output" "2 offsets ("
    exits 0 leat topic verify
    equals "${lines[0]}" "note: topics/a/0/00000000000000000008.leat: a repair gave these offsets up: offsets 8 to 9 (2)"
    equals "$(numbers a)" "0 1 2 3 4 5 6 7 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
    put a 24 26
    equals "$(numbers a | wc -w)" 24
    [[ -f $LEAT_DIR/topics/a/0/quarantine/00000000000000000008-g0.leat ]]
    exits 0 leat topic repair a
    equals "$output" "a: nothing to repair"
}

@test "repair of what can be made again needs no leave" {
    small_segments a
    flip "$LEAT_DIR/topics/a/0/00000000000000000000.idx" 70
    flip "$LEAT_DIR/topics/a/0/tail" 3
    exits 6 leat topic verify
    contains "$output" "; costs no offset"
    exits 0 leat topic repair a
    exits 0 leat topic verify
    equals "$(numbers a | wc -w)" 24
}

@test "repair mends the last segment, and producers go on" {
    small_segments a
    flip "$(segment a 16)" 1000
    exits 0 leat topic repair a --accept-loss
    put a 24 26
    exits 0 leat topic verify
    equals "$(numbers a)" "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18 19 20 21 22 23 24 25 "
}

@test "repair makes topic.json again" {
    small_segments a
    flip "$LEAT_DIR/topics/a/topic.json" 40
    exits 6 leat consume a -e
    exits 6 leat topic verify
    contains "$output" "topics/a/topic.json: "
    exits 1 leat topic repair a
    contains "$output" "all settings go back to their defaults"
    exits 0 leat topic repair a --accept-loss
    equals "$(numbers a | wc -w)" 24
    leat topic alter -q a --set retention_age=1d
    flip "$LEAT_DIR/topics/a/topic.json" 40
    equals "$(numbers a | wc -w)" 24
    exits 6 leat topic verify
    contains "$output" "the generation before is used"
    exits 0 leat topic repair a --accept-loss
    exits 0 leat topic verify
}

@test "verify finds a damaged position of a group" {
    put a 0 5
    leat consume a -G g -c 2 -j >/dev/null
    exits 0 leat topic verify
    flip "$LEAT_DIR/groups/g/a.positions" 4112
    exits 6 leat topic verify
    contains "$output" "groups/g/a.positions, bytes 4096 to 4607: a committed position fails its check"
}

@test "dump prints blocks and records of topics, partitions and files" {
    put a 0 2 --key .k
    exits 0 leat topic dump a/0 --records
    equals "${lines[0]}" "a/0/00000000000000000000.leat"
    contains "${lines[1]}" "         0  control  none  offset 0  records 0  bytes "
    contains "${lines[2]}" '{"type":"segment","created":'
    contains "$output" "crc good"
    contains "$output" 'Z  json 375 bytes  key k0  {"n":0,"k":"k0","pad":"000'
    cp "$(segment a 0)" x.leat
    LEAT_DIR=$BATS_TEST_TMPDIR/none exits 0 leat topic dump -j x.leat
    contains "${lines[0]}" '{"type":"control","file":"x.leat","position":0,'
    contains "${lines[1]}" '"crc_good":true'
    flip x.leat 300
    exits 6 leat topic dump x.leat
    contains "$output" "crc BAD"
    contains "$stderr" "leat topic: 'x.leat' at byte "
    head -c 300 "$(segment a 0)" >cut.leat
    exits 6 leat topic dump cut.leat
    contains "$stderr" "the file ends inside a block"
    printf 'nonsense' >"$BATS_TEST_TMPDIR/bad.leat"
    exits 6 leat topic dump "$BATS_TEST_TMPDIR/bad.leat"
    exits 4 leat topic dump nope
    exits 2 leat topic dump a/7
}

@test "what data says is made safe in a dump" {
    printf '\e[31mred' | leat produce a -i lines --value bytes
    exits 0 leat topic dump a --records
    contains "$output" '\x1b[31mred'
}

@test "output that cannot be written is exit 4, a reader that went away is none" {
    small_segments a
    run bash -c 'leat topic dump a >/dev/full'
    [[ $status -eq 4 ]]
    contains "$output" "leat topic: cannot write to 'standard output': No space left on device"
    run bash -c 'leat topic dump a --records | head -1 >/dev/null; exit ${PIPESTATUS[0]}'
    [[ $status -eq 0 ]]
}

@test "verify holds while producers and cleaners are at work" {
    leat topic create a --set segment_size=16KiB --set codec=zstd
    (for i in {0..30}; do put a $((i * 10)) $((i * 10 + 10)); done) 3>&- &
    for i in {1..8}; do
        exits 0 leat topic verify a
        exits 0 leat topic compact a
    done
    wait
    exits 0 leat topic verify a
    equals "$(numbers a | wc -w)" 310
}

@test "every line of the page's EXAMPLES runs" {
    local line count=0
    while IFS= read -r line; do
        exits 0 bash -c "$line"
        ((++count))
    done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$LEAT_SOURCE/man/leat-topic.1")
    [[ $count -eq 11 ]]
}

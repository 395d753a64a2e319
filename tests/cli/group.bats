#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat group: where groups stand, and what may be done to them while members are at work.

load helpers

# clicks: 30 records in partition 0, 20 in partition 1. The group report has read all of 0 but the last 10, nothing of 1.
setup() {
    cd "$BATS_TEST_TMPDIR"
    leat gen clicks -c 30 | leat produce clicks --partitions 2 -p 0
    leat gen clicks -c 20 | leat produce clicks -p 1
    leat consume clicks -G report -p 0 -c 20 -e >/dev/null
}

teardown() {
    [[ -z ${member:-} ]] || kill -9 "$member" 2>/dev/null || true
}

# A member of report that stays; its process is $member.
start_member() {
    leat consume clicks -G report >member.out 3>&- &
    member=$!
    until_true eval "leat group describe report | grep -q yes"
}

# The position in partition $1.
position() {
    leat group describe report -j | sed -n "$(($1 + 1))s/.*\"current_offset\":\([a-z0-9]*\),.*/\1/p"
}

@test "list shows topics, members and lag" {
    exits 0 leat group list
    equals "$output" 'GROUP   TOPICS  MEMBERS  LAG
report  clicks        0   30'
    equals "$stderr" ""
    leat consume clicks -G another -e >/dev/null
    exits 0 leat group list --names
    equals "$output" $'another\nreport'
    exits 0 leat group list -j
    equals "$output" '{"group":"another","topics":["clicks"],"members":0,"lag":0}
{"group":"report","topics":["clicks"],"members":0,"lag":30}'
}

@test "list of a log without groups is empty" {
    leat group delete report
    exits 0 leat group list
    equals "$output" ""
    exits 0 leat group list --names
    equals "$output" ""
}

@test "describe has Kafka's columns, and who is at work" {
    exits 0 leat group describe report
    equals "$output" 'GROUP   TOPIC   PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  MEMBER
report  clicks          0              20              30   10  -
report  clicks          1  -                           20  -    -'
    exits 0 leat group describe report -j
    equals "$output" '{"group":"report","topic":"clicks","partition":0,"current_offset":20,"log_end_offset":30,"lag":10,"member":false}
{"group":"report","topic":"clicks","partition":1,"current_offset":null,"log_end_offset":20,"lag":null,"member":false}'
    exits 0 leat group describe report -O csv
    equals "${lines[0]}" "group,topic,partition,current_offset,log_end_offset,lag,member"
    start_member
    exits 0 leat group describe report
    [[ ${lines[1]} == *yes && ${lines[2]} == *yes ]]
    exits 0 leat group list -f '%s\n'
    contains "$output" '"members":1'
    kill -9 "$member"
    until_true eval "! leat group describe report | grep -q yes"
}

@test "names that do not exist are told, the others shown" {
    exits 4 leat group describe nope report
    equals "$stderr" "leat group: there is no group 'nope' in '$LEAT_DIR'"
    equals "${#lines[@]}" 3
    exits 4 leat group describe report --topic nope
    equals "$stderr" "leat group: there is no topic 'nope' in '$LEAT_DIR'"
    leat produce other </dev/null
    exits 4 leat group describe report --topic other
    equals "$stderr" "leat group: group 'report' has no position in topic 'other'"
    exits 4 leat group reset nope --topic clicks --to end
    exits 4 leat group reset report --topic nope --to end
    exits 4 leat group delete nope
    equals "$stderr" "leat group: there is no group 'nope' in '$LEAT_DIR'"
    exits 4 leat group delete report --topic other
    exits 4 leat group list -d "$BATS_TEST_TMPDIR/nowhere"
    exits 2 leat group describe ../groups/report
    equals "$output" ""
}

@test "a topic that is gone is told and does not hide the rest" {
    leat produce other <<<'{}'
    leat consume other -G report -e >/dev/null
    rm -r "$LEAT_DIR/topics/other"
    exits 0 leat group describe report
    equals "${#lines[@]}" 3
    equals "$stderr" "leat group: warning: group 'report' has positions in topic 'other', which is gone"
}

@test "reset is a dry run without --execute" {
    exits 0 leat group reset report --topic clicks --to beginning
    equals "$output" 'GROUP   TOPIC   PARTITION  CURRENT-OFFSET  NEW-OFFSET
report  clicks          0              20           0
report  clicks          1  -                        0'
    equals "$stderr" "leat group: warning: dry run: nothing was changed; --execute does it"
    equals "$(position 0)" 20
    equals "$(position 1)" null
}

@test "reset --execute sets positions, in the whole grammar" {
    local to want
    while read -r to want; do
        exits 0 leat group reset report --topic clicks --to "$to" --execute
        equals "$stderr" ""
        equals "$to: $(position 0) $(position 1)" "$to: $want"
    done <<'END'
beginning 0 0
end 30 20
7 7 7
25 25 20
1000 30 20
-3 27 17
+4 4 4
stored 4 4
@1970-01-01 0 0
@2100-01-01 30 20
END
    exits 0 leat group reset report --topic clicks --to 5 --execute -j
    equals "${lines[0]}" '{"group":"report","topic":"clicks","partition":0,"current_offset":30,"new_offset":5}'
    exits 0 bash -c "leat consume clicks -G report -p 0 -e -f '%o\n' | head -n 1"
    equals "$output" 5
}

@test "reset --shift moves by records and stays inside the partition" {
    exits 0 leat group reset report --topic clicks --shift -5 --execute
    equals "$(position 0) $(position 1)" "15 0"
    exits 0 leat group reset report --topic clicks --shift=-9223372036854775808 --execute
    equals "$(position 0)" 0
    exits 0 leat group reset report --topic clicks --shift 9223372036854775807 --execute
    equals "$(position 0) $(position 1)" "30 20"
}

@test "reset -p leaves the other partitions alone" {
    exits 0 leat group reset report --topic clicks -p 1 --to 3 --execute
    equals "${#lines[@]}" 2
    equals "$(position 0) $(position 1)" "20 3"
    exits 2 leat group reset report --topic clicks -p 2 --to 3 --execute
    equals "$stderr" "leat group: topic 'clicks' has 2 partitions; there is no partition 2"
}

@test "reset needs a topic and one place" {
    exits 2 leat group reset report --to 3
    equals "$stderr" "leat group: --topic says in which topic the positions are set"
    exits 2 leat group reset report --topic clicks
    exits 2 leat group reset report --topic clicks --to 3 --shift 1
    exits 2 leat group reset report --topic clicks --to 1:3
    equals "$stderr" "leat group: '1:3' is a range; a position is one offset"
    exits 2 leat group reset report --topic clicks --to never
    equals "$output" ""
}

@test "reset and delete are refused while a member is at work" {
    start_member
    local before
    before=$(position 0)
    exits 2 leat group reset report --topic clicks --to 0 --execute
    equals "$stderr" "leat group: group 'report' has members on topic 'clicks'; stop them first"
    exits 2 leat group reset report --topic clicks --to 0
    exits 2 leat group delete report
    equals "$stderr" "leat group: group 'report' has members on topic 'clicks'"
    exits 2 leat group delete report --topic clicks
    [[ $(position 0) -ge $before ]]
    kill -9 "$member"
    until_true leat group delete report
    exits 0 leat group list --names
    equals "$output" ""
}

@test "a refused delete changes nothing in the other topics" {
    leat produce a <<<'{}'
    leat consume a -G report -e >/dev/null
    start_member
    exits 2 leat group delete report
    exits 0 leat group describe report --topic a
    contains "$output" "report  a              0               1"
}

@test "delete forgets a topic, or the group" {
    leat produce a <<<'{}'
    leat consume a -G report -e >/dev/null
    exits 0 leat group delete report --topic a
    equals "$output" ""
    exits 0 leat group describe report
    equals "${#lines[@]}" 3
    exits 0 leat group delete report
    exits 4 leat group describe report
    [[ ! -e $LEAT_DIR/groups/report ]]
    exits 0 bash -c "leat consume clicks -G report -p 0 -e -c 1 -f '%o\n'"
    equals "$output" 0
}

@test "a damaged position is exit 6, and a reset makes it good" {
    leat group reset report --topic clicks --to 3 --execute # both slots are in use then
    # both slots of partition 0: 4,096 bytes of head, 512 bytes each
    printf 'xx' | dd of="$LEAT_DIR/groups/report/clicks.positions" bs=1 seek=4112 conv=notrunc status=none
    exits 0 leat group describe report
    printf 'xx' | dd of="$LEAT_DIR/groups/report/clicks.positions" bs=1 seek=4624 conv=notrunc status=none
    exits 6 leat group describe report
    equals "$stderr" "leat group: the position of group 'report' in 'clicks/0' is damaged; 'leat group reset' sets it anew"
    equals "${#lines[@]}" 3
    exits 0 leat group reset report --topic clicks -p 0 --to 9 --execute
    exits 0 leat group describe report
    equals "$(position 0) $(position 1)" "9 3"
}

@test "a truncated file of positions is as if nothing was committed" {
    truncate -s 100 "$LEAT_DIR/groups/report/clicks.positions"
    exits 0 leat group describe report
    equals "$(position 0)" null
    exits 0 leat consume clicks -G report -e --output out.leat
    exits 0 leat show --info out.leat
    contains "$output" "records    50"
}

@test "a full disk is exit 4" {
    local command
    for command in "list" "describe report" "reset report --topic clicks --to 0"; do
        run --separate-stderr bash -c "leat group $command >/dev/full"
        equals "$command $status" "$command 4"
        contains "$stderr" "No space left on device"
    done
}

@test "a reader that went away is no failure" {
    run --separate-stderr bash -c 'set -o pipefail; (sleep 0.2; exec leat group describe report) | true'
    equals "$status" 141
    equals "$stderr" ""
}

@test "on a terminal the header is bold, and not with NO_COLOR" {
    on_terminal "leat group list"
    contains "$output" $'\e[1mGROUP'
    NO_COLOR=1 on_terminal "leat group list"
    [[ $output != *$'\e['* ]]
    on_terminal $'leat group describe $(printf "\\033[31mx")'
    contains "$output" '\x1b[31mx'
    [[ $output != *$'\e[31m'* ]]
}

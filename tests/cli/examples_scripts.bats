#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The scripts of examples/ give what their head comments say, and the demo runs through. NEXMark is in examples.bats.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    ln -s "$LEAT_SOURCE/examples" examples
    mkdir tmp
    export TMPDIR="$PWD/tmp"
}

# The commands of a script's head comment, and what it says of their output.
commands() {
    sed -n 's/^# \$ //p' "$1"
}
wanted() {
    sed -n '/^# \$ /,/^[^#]/ { /^# \$ /d; s/^# //p }' "$1"
}

# Run the commands of a script; its exit code and output have to be as said, and nothing is left over.
as_said() {
    local code=$1 script=examples/$2.sh
    [[ -n $(commands "$script") && -n $(wanted "$script") ]]
    exits "$code" timeout 60 bash -c "$(commands "$script")"
    equals "$output" "$(wanted "$script")"
    equals "$(ls "$TMPDIR")" ""
}

@test "web-log.sh: requests by status, and lines that are none" {
    as_said 0 web-log
    contains "${stderr_lines[0]}" "record 'examples/access.log:34' skipped: not a line of an access log: no "
    local report=$output
    exits 0 env BAD_DIR="$PWD" examples/web-log.sh <examples/access.log
    equals "$output" "$report"
    equals "$(leat show -f '%s\n' ./bad-lines.leat)" "198.51.100.9 - - [21/Nov/2026:10:01"
    # combined, as it comes, has no time: no p99
    sed 's/ [0-9.]*$//' examples/access.log >combined.log
    exits 0 env BAD_DIR="$PWD" examples/web-log.sh combined.log
    equals "$output" "$(sed -E 's/"p99_ms":[0-9]+/"p99_ms":null/' <<<"$report")"
}

@test "abandoned-carts.sh: carts without an order, of the sample and of files" {
    as_said 0 abandoned-carts
    echo '{"ts":"2026-01-01T10:00:00Z","user":"u1"}' >carts
    echo '{"ts":"2026-01-01T10:30:00Z","user":"u1"}' >in-time
    echo '{"ts":"2026-01-01T10:30:01Z","user":"u1"}' >too-late
    exits 0 examples/abandoned-carts.sh ./carts ./in-time
    equals "$output" ""
    exits 0 examples/abandoned-carts.sh ./carts ./too-late
    equals "$output" "$(<carts)"
}

@test "sensor-alerts.sh: hot and silent sensors" {
    as_said 0 sensor-alerts
    leat gen sensors --sensors 1 -c 100 --seed 1 -j >readings
    exits 0 examples/sensor-alerts.sh readings
    equals "$output" ""
    exits 0 env LIMIT=-5 examples/sensor-alerts.sh <(cat readings)
    contains "$output" '{"alert":"hot","sensor":"s0","from":"2026-01-01T00:00:00Z"'
}

@test "check-drop.sh: too few, bad and stale records are exit 1; a good drop is 0" {
    as_said 1 check-drop
    leat gen clicks -c 100 -j >good.json
    exits 0 env NOW=2026-01-01T00:01:00Z MIN=100 examples/check-drop.sh good.json
    exits 1 env NOW=2026-01-01T00:01:00Z MIN=101 examples/check-drop.sh good.json
    equals "${lines[0]}" "not ok: 100 good records, at least 101"
    exits 1 env NOW=2026-01-02T01:00:00Z examples/check-drop.sh good.json
    contains "${lines[2]}" "not ok: the newest is "
    exits 1 env NOW=2025-01-01T00:00:00Z examples/check-drop.sh good.json
    : >empty.json
    exits 1 env NOW=2026-01-01T00:01:00Z examples/check-drop.sh empty.json
    leat gen clicks -c 1000 | head -c 1000 >cut.leat
    exits 5 examples/check-drop.sh cut.leat
    exits 4 examples/check-drop.sh no-such-file
}

@test "flights.sh: airports joined twice" {
    as_said 0 flights
}

@test "incident-replay.sh: the bad minutes, and only those, again" {
    as_said 0 incident-replay
}

@test "the demo runs through, checks its numbers, and leaves nothing behind" {
    exits 0 timeout 120 "$LEAT_SOURCE/examples/demo.sh"
    equals "$stderr" ""
    equals "$(grep ^checked <<<"$output")" "$(
        cat <<'END'
checked: views in the database are the clicks below 500: 34984
checked: orders in the database: 500
checked: revenue in cents: 4850389
checked: orders of a product that the same user had looked at: 500
checked: records without a latency now: 3
checked: acknowledged records that are lost: 0
checked: what is there is what was sent: yes
checked: more than 1000 were acknowledged: 1
checked: the exit code: exit 5
END
    )"
    contains "$output" $'country  views\n-------  -----\nUS       7938 \nIN       4107 \nDE       3046'
    contains "$output" "* BR   o DE   + GB   x IN   # US"
    equals "$(ls "$TMPDIR")" ""
}

@test "the demo on a terminal draws live" {
    on_terminal "DEMO_PACE=0 timeout 120 '$LEAT_SOURCE/examples/demo.sh'"
    equals "$status" 0
    contains "$output" $'\e[1mA shop'
    contains "$output" "checked: the exit code: exit 5"
}

@test "the demo fails when a number is wrong" {
    sed 's/^check "orders in the database"\(.*\) 500$/check "orders in the database"\1 501/' examples/demo.sh >wrong.sh
    ! cmp -s wrong.sh examples/demo.sh
    exits 1 timeout 120 env LEAT_BUILD="$LEAT_BUILD" bash ./wrong.sh
    contains "$output" "WRONG: orders in the database: 500 instead of 501"
    equals "$(ls "$TMPDIR")" ""
}

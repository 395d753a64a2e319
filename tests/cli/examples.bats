#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every command in the EXAMPLES section of every page of the manual runs as it stands: each line `.Dl leat …`, in the
# order of the page, in a fresh folder for each page. A line behind the comment `.\" endless` runs until it is stopped.
#
# What examples may count on:
#   clicks.json clicks.csv clicks.leat access.log   50 clicks as JSON lines, CSV and blocks; 20 requests
#   shop.db       an SQLite database with the table users (user, name)
#   orders.json payments.json rates.json   two orders, one of them paid within an hour, and the rates of their currency
#   the topic clicks, two partitions, keyed by .user, with .ts as time; empty, a topic without records
#   the group report, which has read some of clicks

load helpers

prepare() {
    local folder=$1
    rm -rf "$folder" "$LEAT_DIR"
    mkdir -p "$folder"
    cd "$folder"
    leat gen clicks -c 50 -j >clicks.json
    leat gen clicks -c 50 >clicks.leat
    printf '%s\n' user,page,ms u1,home,12 u2,cart,30 u3,home,7 >clicks.csv
    seq -f '192.0.2.1 - - [21/Nov/2026:10:00:%02.0f +0100] "GET / HTTP/1.1" 200 512 "-" "curl/7.88"' 20 >access.log
    python3 -c 'import sqlite3
with sqlite3.connect("shop.db") as db:
    db.execute("CREATE TABLE users (user TEXT, name TEXT)")
    db.execute("INSERT INTO users VALUES (?, ?)", ("u1", "Ann"))'
    printf '{"ts":"2026-01-01T10:%s:00Z","id":%d,"currency":"EUR","amount":%d}\n' 10 1 20 40 2 35 >orders.json
    echo '{"ts":"2026-01-01T10:55:00Z","order":1}' >payments.json
    printf '{"ts":"2026-01-01T10:%s:00Z","currency":"EUR","rate":%s}\n' 00 1.17 30 1.18 >rates.json
    leat produce clicks --partitions 2 --key .user --time .ts clicks.json
    leat produce empty </dev/null
    leat consume clicks -G report -c 10 -e >/dev/null
}

# The commands of a page, one a line, `endless` and a tab before those that do not end by themselves.
examples() {
    awk '/^\.Sh / { on = $0 == ".Sh EXAMPLES" }
        on && /^\.\\" endless/ { mark = "endless"; next }
        on && /^\.Dl / { sub(/^\.Dl /, ""); print mark "\t" $0; mark = "" }' "$1" |
        sed -e 's/\\&//g' -e 's/\\-/-/g' -e "s/\\\\(aq/'/g" -e 's/\\(dq/"/g' -e 's/\\e/\\/g'
}

# Run a line; each part of its pipe must have ended well, or because its reader had enough.
run_example() {
    local endless=$1 line=$2 limit=20
    [[ -z $endless ]] || limit=2
    run timeout --signal=INT "$limit" bash -c "$line
codes=(\"\${PIPESTATUS[@]}\")
for code in \"\${codes[@]}\"; do [[ \$code == 0 || \$code == 141 ]] || exit \$code; done"
    [[ $status -eq 0 || (-n $endless && ($status -eq 124 || $status -eq 130)) ]] && return 0
    echo "exit code $status: $line"
    echo "$output"
    return 1
}

@test "the examples of every page run" {
    local page endless line pages=0 failed=0
    for page in "$LEAT_SOURCE"/man/*.[1-9]; do
        [[ -n $(examples "$page") ]] || continue
        prepare "$BATS_TEST_TMPDIR/$(basename "$page")"
        while IFS= read -r line <&4; do
            endless=${line%%$'\t'*} line=${line#*$'\t'}
            run_example "$endless" "$line" || { echo "in $(basename "$page")"; failed=1; }
        done 4< <(examples "$page")
        ((++pages))
    done
    ((pages >= 3))
    ((failed == 0))
}

@test "every page of a tool has examples, in the form that is run" {
    local page
    for page in "$LEAT_SOURCE"/man/leat*.1; do
        [[ -n $(examples "$page") ]] || { echo "$(basename "$page") has none"; return 1; }
        awk '/^\.Sh / { on = $0 == ".Sh EXAMPLES" } on && /^\.(Bd|D1)/ { exit 1 }' "$page" ||
            { echo "$(basename "$page") has an example in another form than .Dl"; return 1; }
    done
}

@test "a line that fails is seen" {
    cd "$BATS_TEST_TMPDIR"
    run_example "" "true | leat show --no-such-option | cat" && return 1
    run_example "" "leat gen clicks | head -n 1"
    run_example endless "leat gen clicks >/dev/null"
    equals "$(printf '%s\n' '.Sh EXAMPLES' '.\" endless' ".Dl a '\\en' \\-x" '.Dl b' '.Sh SEE ALSO' '.Dl c' >page; examples page)" \
        $'endless\ta \'\\n\' -x\n\tb'
}

@test "each NEXMark script gives for the sample what its comment says, from a file and from standard input" {
    local script wanted scripts=0
    cd "$LEAT_SOURCE"
    for script in examples/nexmark-q*.sh; do
        wanted=$(sed -n '/^# \$ /,$ s/^# {/{/p' "$script")
        [[ -n $wanted ]]
        contains "$(<"$script")" "# \$ $script examples/nexmark.json"
        exits 0 "$script" examples/nexmark.json
        equals "$output" "$wanted"
        equals "$stderr" ""
        exits 0 "$script" <examples/nexmark.json
        equals "$output" "$wanted"
        ((++scripts))
    done
    equals "$scripts" 5
}

@test "a NEXMark script says so when its input was cut off" {
    cd "$BATS_TEST_TMPDIR"
    leat gen clicks -c 10 >whole.leat
    mkdir tmp
    local q
    for q in 3 4 5; do
        exits 5 timeout 20 env TMPDIR="$PWD/tmp" "$LEAT_SOURCE/examples/nexmark-q$q.sh" <(head -c 1000 whole.leat)
        equals "$(ls tmp)" ""
    done
}

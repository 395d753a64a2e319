#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat join --with: what is kept from run to run, limits, a side that ends or fails, bad records, output that fails, and
# usage.

load helpers
load records
load windows
load pairs

setup() {
    cd "$BATS_TEST_TMPDIR"
    export TMPDIR="$BATS_TEST_TMPDIR"
    make_sides
}

teardown() {
    local job
    for job in $(jobs -p); do kill -9 "$job" 2>/dev/null || true; done
}

# ---- state ----------------------------------------------------------------------------------------------------------

@test "--state: what waits is kept, the next run goes on with it, and --drain completes it" {
    local form all
    for form in '--within 10s --outer' '--tumble 20s --outer' '--as-of --left' '--as-of --direction forward --left'; do
        # shellcheck disable=SC2086 # several words
        pairs $form
        all=$(tr ' ' '\n' <<<"$output" | sort | paste -sd' ')
        rm -rf s
        # shellcheck disable=SC2086 # several words
        set -- --on .k $form --time .t -i json -j --state s
        leat join --with <(head -n 2 r.json) "$@" <(head -n 1 l.json) >out
        leat join --with <(sed -n 3p r.json) "$@" <(sed -n 2,3p l.json) >>out
        leat join --with <(tail -n 2 r.json) "$@" --drain <(tail -n 1 l.json) >>out
        equals "$form: $(jq -r '"\(.l // "")-\(.r // "")"' out | sort | paste -sd' ')" "$form: $all"
    done
}

@test "--state: nothing is without a partner before --drain, late stays late, and empty runs change nothing" {
    set -- --on .k --within 5s --left --time .t -i json -j --state s
    exits 0 leat join --with ./r.json "$@" l.json
    equals "$(jq -sr 'map("\(.l)-\(.r // "")") | join(" ")' <<<"$output")" "1-1 1-2 2-3 3-4"
    exits 0 leat join --with /dev/null "$@" /dev/null
    equals "$output" ""
    exits 0 leat join --with /dev/null "$@" - <<<$'{"t":39,"k":"x","l":8}\n{"t":40,"k":"x","l":9}'
    equals "$output" ""
    contains "$stderr" "1 late record was left out"
    exits 0 leat join --with /dev/null "$@" --drain /dev/null
    equals "$(jq -sc 'map(.l)' <<<"$output")" "[4,9]"
}

@test "--state: a topic would be read from its beginning again by the next run, and is refused" {
    leat produce events --key .k --time .t <<<'{"k":1,"t":1}'
    exits 2 leat join --with events --on .k --within 5s --time .t --state s -e -j l.json
    contains "$stderr" "topic 'events' would be read from its beginning again by the next run"
}

@test "as of a time, a topic is a table: its tombstones take its keys away" {
    printf '%s\n' '{"ts":1000,"key":"EUR","payload":{"rate":1}}' '{"ts":5000,"key":"EUR","payload":null}' |
        leat produce rates -J
    printf '%s\n' '{"c":"EUR","t":2}' '{"c":"EUR","t":6}' >orders.json
    exits 0 leat join --with rates --on .c --as-of --left --time .t -e -j orders.json
    equals "$output" $'{"c":"EUR","t":2,"rate":1}\n{"c":"EUR","t":6}'
}

@test "--state: of another form, other durations or other keys is refused, and stays as it was" {
    set -- --time .t -i json -j --state s l.json
    leat join --with ./r.json --on .k --within 5s "$@" >/dev/null
    local before words
    before=$(state_files)
    for words in '--on .k --within 6s' '--on .k --before 5s --after 4s' '--on .k --tumble 5s' '--on .k --as-of' \
        '--on .l --within 5s' '--on .k --on-right .r --within 5s'; do
        # shellcheck disable=SC2086 # several words
        exits 2 leat join --with ./r.json $words "$@"
        equals "$output" ""
        contains "$stderr" "leat join: "
    done
    exits 2 leat window --tumble 5s --time .t --state s '{n: count}' -j l.json
    equals "$(state_files)" "$before"
    # How pairs are written may change, and so may what is done with those without one.
    exits 0 leat join --with /dev/null --on .k --before 5s --after 5s --left --drain --time .t -i json -j --state s /dev/null
    equals "$(jq -sc 'map(.l)' <<<"$output")" "[4]"
    exits 2 leat join --with ./r.json --on .k --within 5s "$@"
    contains "$stderr" "'s': the state was drained"
}

@test "--state: a run that fails leaves the state as it was at its start" {
    two_streams 2000
    set -- --on .user --within 1m --out-of-order 5s -q -j --state s
    leat join --with ./r.leat "$@" l.leat >first
    local before
    before=$(state_files)
    leat gen clicks -c 2000 --users 1000 --seed 3 --start 2026-01-01T01:00:30Z >more.leat
    head -c 100000 more.leat >cut.leat
    exits 5 leat join --with ./more.leat "$@" cut.leat
    exits 5 leat join --with ./cut.leat "$@" more.leat
    exits 4 bash -c 'leat join --with ./more.leat "$@" more.leat >/dev/full' - "$@"
    exits 4 leat join --with ./more.leat "$@" --max-state 256KiB more.leat
    equals "$(state_files)" "$before"
    exits 0 leat join --with ./more.leat "$@" more.leat
}

@test "--state: two runs with 10,000 records give what one run gives" {
    two_streams 10000
    leat show -j l.leat >l.clicks
    leat show -j r.leat >r.clicks
    local form
    for form in '--within 30s --outer' '--tumble 10s --outer' '--as-of --left' '--as-of --direction nearest --left'; do
        rm -rf s
        # shellcheck disable=SC2086 # several words
        set -- --on .user $form --time .ts --out-of-order 5s -q --prefix r_ -i json -j
        leat join --with ./r.clicks "$@" l.clicks | sort >want
        leat join --with <(head -n 3000 r.clicks) "$@" --state s <(head -n 6000 l.clicks) >out
        leat join --with <(tail -n +3001 r.clicks) "$@" --state s --drain <(tail -n +6001 l.clicks) >>out
        sort out | cmp - want
    done
}

@test "--state: one that is damaged is exit 6, one that another run has is exit 7" {
    set -- --on .k --within 5s --time .t -i json -j --state s
    leat join --with ./r.json "$@" l.json >/dev/null
    cp -r s damaged
    flip "$(ls damaged/whole-*)" 100
    exits 6 leat join --with ./r.json "${@:1:8}" --state damaged l.json
    equals "$output" ""
    contains "$stderr" "in 'damaged' is damaged"
    mkfifo p
    leat join --with ./r.json "$@" p >/dev/null 3>&- &
    exec 8>p
    echo '{"t":50}' >&8
    sleep 0.2
    exits 7 leat join --with ./r.json "$@" l.json
    contains "$stderr" "the state in 's' is in use by process"
    exec 8>&-
    wait
}

# ---- limits ---------------------------------------------------------------------------------------------------------

@test "--max-state: records that wait do not fit: exit 4, told downstream" {
    two_streams 20000
    local form
    for form in '--within 1h' '--tumble 1h' '--as-of --direction forward'; do
        # shellcheck disable=SC2086 # several words
        exits 4 leat join --with ./r.leat --on .user $form -q --max-state 128KiB -j l.leat
        contains "$stderr" "leat join: state is over 128 KiB (--max-state)"
    done
    exits 5 bash -c 'leat join --with ./r.leat --on .user --within 1h -q --max-state 128KiB l.leat 2>/dev/null | leat filter false'
    contains "$stderr" "upstream failed with status 4"
}

@test "what waits is bounded by the watermark, not by the length of the input" {
    two_streams 100000
    waiting() {
        leat join --stats=json --with ./r.leat --on .user "$@" --out-of-order 5s l.leat 2>&1 >/dev/null | jq .state_bytes
    }
    (($(waiting --within 10s) < 3000000))
    (($(waiting --within 10s --outer) < 3000000))
    (($(waiting --tumble 10s) < 3000000))
    (($(waiting --as-of) < 3000000))
    (($(waiting --as-of --direction nearest --tolerance 10s) < 4000000))
    (($(waiting --within 10m) > 20000000))
}

# ---- a side that ends or fails --------------------------------------------------------------------------------------

@test "a side that ends early: no partner comes from it any more, the other goes on to its end" {
    two_streams 20000
    head -n 1 r.json >short.json
    : >none.json
    pairs --within 5s --left
    exits 0 leat join --with ./short.json --on .k --within 5s --left --time .t -j l.json
    equals "$(jq -sr 'map("\(.l)-\(.r // "")") | join(" ")' <<<"$output")" "1-1 2- 3- 4-"
    exits 0 leat join --with ./none.json --on .k --within 5s --left --time .t -j l.json
    equals "$output" "$(<l.json)"
    exits 0 leat join --with ./l.json --on .k --within 5s --right --time .t -j none.json
    equals "$output" "$(<l.json)"
    exits 0 leat join --with ./none.json --on .k --within 5s --outer --time .t -j none.json
    equals "$output$stderr" ""
    exits 0 leat join --with <(leat show -j r.leat | head -n 10) --time .ts --on .user --within 1s --out-of-order 5s --anti -j l.leat
    (("${#lines[@]}" > 19900))
}

@test "a side that is cut off, damaged or failed: its exit code and its name, and nobody is without a partner for that" {
    two_streams 5000
    head -c 300000 l.leat >cut.leat
    cp l.leat bad.leat
    flip bad.leat 500000
    { leat filter '.status + .user' l.leat >failed.leat 2>/dev/null || true; }
    # fails CODE WORDS ARGUMENTS...: whatever came out before has a partner.
    fails() {
        exits "$1" leat join "${@:3}"
        contains "$stderr" "$2"
        equals "$(jq -s 'map(select((.user and .r_user) | not)) | length' <<<"$output")" 0
    }
    local form
    for form in '--within 1h --outer' '--tumble 1h --outer' '--as-of --direction forward --left'; do
        # shellcheck disable=SC2086 # several words
        set -- --on .user $form --out-of-order 5s --prefix r_ -j
        fails 5 "'./cut.leat'" --with ./cut.leat "$@" r.leat
        fails 5 "'cut.leat'" --with ./r.leat "$@" cut.leat
        fails 6 "'./bad.leat' at byte " --with ./bad.leat "$@" r.leat
        fails 6 "'bad.leat' at byte " --with ./r.leat "$@" bad.leat
        fails 5 "'./failed.leat': upstream failed with status 3" --with ./failed.leat "$@" r.leat
        fails 5 "'failed.leat': upstream failed with status 3" --with ./r.leat "$@" failed.leat
    done
    exits 5 leat join --with ./cut.leat --on .user --within 1s --output out.leat r.leat
    [[ ! -e out.leat ]]
    exits 5 bash -c 'leat join --with ./bad.leat --on .user --within 1s -q r.leat 2>/dev/null | leat filter false'
    contains "$stderr" "upstream failed with status 6"
}

@test "a side that cannot be opened" {
    exits 4 leat join --with ./nix.json --on .k --within 5s --time .t l.json
    contains "$stderr" "leat join: cannot open './nix.json': No such file or directory"
    exits 4 leat join --with ./r.json --on .k --within 5s --time .t ./nix.json
    contains "$stderr" "cannot open './nix.json': No such file or directory"
    exits 4 leat join --with . --on .k --within 5s --time .t l.json
    leat produce there <<<'{}'
    exits 4 leat join -e --with nix --on .k --within 5s --time .t l.json
    contains "$stderr" "'nix': leat-consume failed with exit status 4"
    exits 2 leat join --with - --on .k --within 5s --time .t - <l.json
    contains "$stderr" "'-' can be an input only once"
    [[ $(id -u) -eq 0 ]] && return
    mkfifo p
    chmod 0 p
    exits 4 leat join --with p --on .k --within 5s --time .t l.json
    contains "$stderr" "cannot open 'p': Permission denied"
}

# ---- bad records ----------------------------------------------------------------------------------------------------

@test "bad records of either side: stop, skip, dead letters" {
    printf '%s\n' '{"t":12,"k":"a","r":1}' 'no json' '{"k":"a"}' '{"t":20,"k":"b","r":3}' >bad
    exits 3 leat join --with ./bad -i json --on .k --within 5s --time .t -j l.json
    contains "$stderr" "leat join: record './bad:2'"
    exits 3 leat join --with ./l.json -i json --on .k --within 5s --time .t -j bad
    contains "$stderr" "leat join: record 'bad:2'"
    exits 0 leat join --with ./bad -i json --on .k --within 5s --time .t -j --on-error skip --stats=json l.json
    equals "$(jq -sr 'map("\(.l)-\(.r)") | join(" ")' <<<"$output")" "1-1 2-3"
    equals "$(grep '^{' <<<"$stderr" | jq .bad)" 2
    exits 0 leat join --with ./bad -i json --on .k --within 5s --time .t -j --dead-letter ./dead.leat l.json
    equals "$(leat show -f '%s\n' dead.leat)" $'no json\n{"k":"a"}'
    contains "$(leat show -f '%h\n' dead.leat)" "./bad:3"
    exits 3 leat join --with ./r.json --on '.k + 1' --within 5s --time .t -j l.json
    contains "$stderr" "--on: "
    exits 3 leat join --with ./r.json --on .k --on-right '.k + 1' --within 5s --time .t -j l.json
    contains "$stderr" "record './r.json:1': --on-right: "
}

@test "a record that is no object has no fields for its partner; a right one can be any JSON with --as" {
    printf '%s\n' 11 '"a"' >values
    exits 3 leat join --with ./values -i json --on '.k? // "a"' --time '.t? // 10' --within 5s -j l.json
    contains "$stderr" "record './values:1': "
    exits 0 leat join --with ./values -i json --on '.k? // "a"' --time '.t? // 10' --within 5s --as v -j l.json
    equals "$(head -n 1 <<<"$output")" '{"t":10,"k":"a","l":1,"v":11}'
    exits 3 leat join --with ./l.json -i json --on '.k? // "a"' --time '.t? // 10' --within 5s -j values
    contains "$stderr" "record 'values:1': "
    exits 0 leat join --with ./l.json -i json --on '.k? // "x"' --time '.t? // 10' --within 5s --anti -j values
    equals "$output" $'11\n"a"'
}

@test "text without --time is exit 2, a record of a block without a time is bad" {
    exits 2 leat join --with ./r.json --on .k --within 5s -j l.json
    contains "$stderr" "text has no event time; say where it is, as in --time .time"
    equals "$output" ""
    leat show -O leat l.json >timeless.leat
    leat map . --time .t r.json >r.leat
    exits 3 leat join --with ./r.leat --on .k --within 5s -j timeless.leat
    contains "$stderr" "time"
    exits 3 leat join --with ./timeless.leat --on .k --within 5s -j r.leat
    exits 2 leat join --with ./r.json --on .k --within 5s -j r.leat
    exits 0 leat join --with ./r.json --on .k --within 5s --time-right .t -j r.leat
    equals "${#lines[@]}" 7
}

@test "a barrier is refused with words, on either side" {
    stream 'source(0), rows(0, (1, 1)), barrier(1)' >barrier.leat
    stream 'rows(0, (1, 1))' >plain.leat
    exits 3 leat join --with ./barrier.leat --on .n --within 5s -j plain.leat
    contains "$stderr" "'./barrier.leat' has a barrier"
    exits 3 leat join --with ./plain.leat --on .n --within 5s -j barrier.leat
    contains "$stderr" "'barrier.leat' has a barrier"
}

# ---- output ---------------------------------------------------------------------------------------------------------

@test "a reader that went away, and a full disk" {
    two_streams 50000
    run bash -c 'leat join --with ./r.leat --on .user --within 1m -q l.leat -j | head -1 >/dev/null; echo "${PIPESTATUS[0]}"'
    equals "$output" 141
    exits 4 bash -c 'leat join --with ./r.leat --on .user --within 1m -q l.leat >/dev/full'
    contains "$stderr" "No space left on device"
    local place
    for place in --late --unmatched; do
        exits 4 leat join --with ./r.leat --on .user --within 10ms -q "$place" /dev/full l.leat -j
        contains "$stderr" "/dev/full"
    done
}

@test "SIGTERM while nobody reads the output" {
    leat gen clicks -c 40000 --seed 7 -j >c.json
    local tool words
    for tool in "join --with c.json --on .user --within 1h" merge; do
        read -ra words <<<"leat $tool --time .ts --out-of-order 5s c.json"
        mkfifo p
        exec {silent}<>p # a reader that never reads
        "${words[@]}" >p 3>&- &
        local pid=$!
        sleep 0.5
        kill -TERM "$pid"
        wait "$pid" || status=$?
        equals "$status" 143
        exec {silent}>&-
        rm p
    done
}

@test "SIGTERM: the truth downstream, nobody without a partner, and the state as it was" {
    local code=0
    mkfifo p
    leat join --with ./r.json --on .k --within 5s --time .t --state s -j l.json >/dev/null
    local before
    before=$(state_files)
    (printf '{"t":%d,"k":"c","l":5}\n' 41 42; exec sleep 30) >p 3>&- &
    leat join --with <(echo '{"t":43,"k":"c","r":6}'; exec sleep 30) --on .k --within 5s --left --time .t --state s p >out.leat 3>&- &
    local pid=$!
    until_true bash -c 'leat show -j out.leat 2>/dev/null | grep -q ".r.:6"'
    kill -TERM "$pid"
    wait "$pid" || code=$?
    equals "$code" 143
    exits 5 leat show -j out.leat
    contains "$stderr" "upstream failed with status 143"
    equals "$(grep -vc '"r":6' <<<"$output")" 0
    equals "$(state_files)" "$before"
}

@test "results are blocks with offsets of their own and without a topic, and have the history of both sides" {
    leat gen clicks -c 50 >l.leat
    leat map . l.leat >r.leat
    exits 0 leat join --with ./r.leat --on '[.user, .ts]' --within 0s --out-of-order 5s l.leat -J
    equals "$(jq -sc 'map([.topic, .partition, .offset]) == [range(50) | [null, 0, .]]' <<<"$output")" true
    leat join --with ./r.leat --on .user --within 0s --out-of-order 5s l.leat >out.leat
    decode <out.leat >/dev/null
    exits 0 leat show --info out.leat
    contains "$output" "leat join --with ./r.leat"
    contains "$output" "leat map . l.leat"
    contains "$output" "leat gen clicks"
}

@test "--explain has the plans of both sides, and reads nothing" {
    mkfifo never
    exits 0 timeout 5 leat join --with never --on .a --on-right .b --time .t --time-right .u --within 1s --explain never
    equals "$(grep -E '^--' <<<"$output" | paste -sd' ')" "--on: --on-right: --time: --time-right:"
}

# ---- usage ----------------------------------------------------------------------------------------------------------

@test "usage: which form, and what goes with it" {
    # wrong 'WORDS' ARGUMENTS...: exit 2, nothing on stdout, and the first line of the message is this.
    wrong() {
        exits 2 leat join "${@:2}" --time .t l.json
        equals "$output" ""
        equals "${stderr%%$'\n'*}" "leat join: $1"
    }
    local w=(--with ./r.json --on .k) f=(--with ./r.json --on .k --within 1s) option
    wrong "say who is a partner: --within, --before, --after, --tumble or --as-of" "${w[@]}"
    for option in "--within 1s --tumble 1s" "--within 1s --as-of" "--before 1s --tumble 1s" "--tumble 1s --as-of"; do
        # shellcheck disable=SC2086 # several words
        wrong "--within, --before or --after, --tumble and --as-of exclude each other" "${w[@]}" $option
    done
    wrong "--within is both --before and --after: give either" "${w[@]}" --within 1s --before 1s
    wrong "--within is both --before and --after: give either" "${w[@]}" --within 1s --after 1s
    wrong "--on EXPR is missing" --with ./r.json --within 1s
    wrong "--tumble: 0 is no length" "${w[@]}" --tumble 0s
    wrong "--offset goes with --tumble" "${f[@]}" --offset 1s
    wrong "--tolerance goes with --as-of" "${f[@]}" --tolerance 1s
    wrong "--direction goes with --as-of" "${f[@]}" --direction forward
    wrong "--drain goes with --state" "${f[@]}" --drain
    wrong "--many goes with --table" "${f[@]}" --many
    wrong "--reload goes with --table" "${f[@]}" --reload 1s
    wrong "--on-table goes with --table" "${f[@]}" --on-table .k
    for option in "--on-right .k" "--time-right .t" "--within 1s" "--before 1s" "--after 1s" "--tumble 1s" --as-of \
        "--out-of-order 1s" "--idle-timeout 1s" "--late ./x" "--state s" --right --outer; do
        # shellcheck disable=SC2086 # several words
        wrong "${option%% *} goes with --with" --table ./r.json --on .k $option
    done
    exits 2 leat join --table ./r.json --with ./r.json --on .k --within 1s l.json
    exits 2 leat join --on .k --within 1s l.json
    for option in --left --right --outer "--as x" "--prefix x" "--unmatched x"; do
        # shellcheck disable=SC2086 # several words
        exits 2 leat join "${f[@]}" --anti $option l.json
        contains "$stderr" "exclude each other"
    done
    for option in --left --outer; do
        exits 2 leat join "${f[@]}" --unmatched x "$option" l.json
        contains "$stderr" "exclude each other"
    done
    for option in --right --outer; do
        exits 2 leat join "${w[@]}" --as-of "$option" l.json
        contains "$stderr" "exclude each other"
    done
    exits 2 leat join "${f[@]}" --as x --prefix y l.json
    wrong "option '--direction' wants one of backward, forward, nearest, not 'x'" "${w[@]}" --as-of --direction x
    wrong "option '--within' wants a duration such as 500ms, 90s or 1m30s, not 'x'" "${w[@]}" --within x
    wrong "option '--within' wants a duration such as 500ms, 90s or 1m30s, not '-1s'" "${w[@]}" --within -1s
    wrong "option '--before' wants a duration such as 500ms, 90s or 1m30s, not '-1s'" "${w[@]}" --before -1s
    wrong "option '--idle-timeout' wants a duration such as 500ms, 90s or 1m30s, not 'x'" "${f[@]}" --idle-timeout x
    exits 2 leat join "${w[@]}" --tumble 5s --offset 5s --time .t l.json
    contains "$stderr" "5s"
    exits 2 leat join "${f[@]}" --on '.k +' --time .t l.json
    exits 2 leat join "${f[@]}" --on-right '.k +' --time .t l.json
    exits 2 leat join "${f[@]}" --time .t --time-right '.t +' l.json
}

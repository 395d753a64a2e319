#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A recorded browser session of $LEAT_DATA (make data) played with its own rhythm.

load ../cli/helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
    session=$LEAT_DATA/rrweb-session.ndjson
}

# Seconds that it takes by its times: SPEED LONGEST-GAP-IN-MS
planned() {
    jq -n --argjson speed "$1" --argjson longest "$2" \
        '[inputs.timestamp] | reduce .[] as $t ([null, 0]; if .[0] == null or $t <= .[0] then [([.[0], $t] | max), .[1]]
            else [$t, .[1] + ([$t - .[0], $longest] | min)] end) | .[1] / 1000 / $speed' "$session"
}

# Is what --stats=json says within half a second of that?
took() {
    jq -e --argjson want "$1" '.seconds >= $want - 0.01 and .seconds < $want + 0.5' <<<"$stderr" || {
        echo "wanted $1: $stderr"
        return 1
    }
}

@test "rrweb-session: its own rhythm, and --max-gap shortens its pauses" {
    exits 0 leat replay --time .timestamp -x 10 --stats=json -j "$session"
    equals "$output" "$(<"$session")"
    took "$(planned 10 1e12)"
    local longest # ms; no pause in it is longer than 1.4 s
    for longest in 2000 200 20; do
        exits 0 leat replay --time .timestamp -x 10 --max-gap "${longest}ms" --stats=json -j "$session"
        equals "$output" "$(<"$session")"
        took "$(planned 10 $longest)"
    done
    jq -en --argjson short "$(planned 10 20)" --argjson whole "$(planned 10 1e12)" '$short < $whole / 4'
}

@test "rrweb-session: the first seconds at the speed at which they were recorded" {
    local first gaps
    first=$(jq -n 'input.timestamp' "$session")
    gaps=$(jq -n --argjson first "$first" '[inputs.timestamp - $first | select(. < 3000)] | length' "$session")
    exits 0 leat replay --time .timestamp --duration 3s --stats=json -j "$session"
    jq -e --argjson n "$gaps" '.records_out == $n and .seconds >= 3 and .seconds < 3.5' <<<"$stderr"
}

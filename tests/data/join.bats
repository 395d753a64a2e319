#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Joins of the real records of $LEAT_DATA (make data), against numbers that were counted there without leat.

load ../cli/helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
}

@test "flights x airports: 20,000 of 20,000 have their airport, at both ends, from text and from blocks" {
    local flights=$LEAT_DATA/flights-by-arrival.ndjson airports=$LEAT_DATA/airports.ndjson
    leat join --table "$airports" --on .origin --on-table .iata --prefix origin_ "$flights" |
        leat join --table "$airports" --on .destination --on-table .iata --as to -j >out
    equals "$(wc -l <out)" 20000
    equals "$(jq -s 'map(select(.origin == .origin_iata and .destination == .to.iata and .to.name)) | length' out)" 20000
    exits 0 leat join --table "$airports" --on .origin --on-table .iata --anti "$flights" -j
    equals "$output$stderr" ""
    # The same by jq alone, to the byte but for spelling.
    jq -c --slurpfile a "$airports" -n '($a | INDEX(.iata)) as $by | inputs | . + ($by[.origin] | with_entries(.key |= "origin_" + .))
        + {to: $by[.destination]}' "$flights" >wanted
    cmp wanted <(jq -c . out)
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# examples/nexmark-q*.sh against answers that nexmark.py computes without leat: for the sample, and for the NEXMark
# events of $LEAT_DATA (make data).

load ../cli/helpers

# Each query on these files; what comes out is kept in q3, q4 and so on.
queries_agree() {
    local q
    for q in 3 4 5 7 8; do
        exits 0 "$LEAT_SOURCE/examples/nexmark-q$q.sh" "$@"
        equals "$stderr" ""
        equals "$output" "$(python3 -B "$LEAT_SOURCE/tests/data/nexmark.py" "$q" "$@")"
        echo "$output" >"$BATS_TEST_TMPDIR/q$q"
    done
}

@test "nexmark: queries 3, 4, 5, 7 and 8 on the sample" {
    queries_agree "$LEAT_SOURCE/examples/nexmark.json"
}

@test "nexmark: queries 3, 4, 5, 7 and 8 on the 110 events: 7 local items, 5 categories, 17 hot items, 3 highest bids, 7 new sellers" {
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
    queries_agree "$LEAT_DATA/nexmark/all.ndjson"
    cd "$BATS_TEST_TMPDIR"
    equals "$(wc -l <q3) $(wc -l <q4) $(wc -l <q5) $(wc -l <q7) $(wc -l <q8)" "7 5 17 3 7"
    # Bids alone are enough for two of them.
    "$LEAT_SOURCE/examples/nexmark-q5.sh" "$LEAT_DATA/nexmark/bid.ndjson" | cmp - q5
    "$LEAT_SOURCE/examples/nexmark-q7.sh" "$LEAT_DATA/nexmark/bid.ndjson" | cmp - q7
}

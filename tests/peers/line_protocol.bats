#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Line protocol against line-protocol-corpus, which lies in $LEAT_PEERS.

load ../cli/helpers

@test "line-protocol-corpus: all 115 points become the lines that it has, but for one, which both refuse" {
    cd "$BATS_TEST_TMPDIR"
    python3 -c 'import json, sys; json.dump(json.load(open(sys.argv[1]))["encode"], open("cases", "w"))' \
        "$LEAT_PEERS/line-protocol-corpus/corpus.json"
    exits 0 "$LEAT_BUILD/tests/peers/line_protocol" cases
    equals "$output" "115 cases: 114 lines, 1 refused, 0 failed"
    # The program sees a line that is not the same, and one that is not refused.
    sed 's/value=6.632243e+06 /value=6632243 /' cases >wrong
    exits 1 "$LEAT_BUILD/tests/peers/line_protocol" wrong
    contains "$output" "115 cases: 113 lines, 1 refused, 1 failed"
    sed 's/"error":/"no error":/' cases >wrong
    exits 1 "$LEAT_BUILD/tests/peers/line_protocol" wrong
    contains "$output" "115 cases: 114 lines, 0 refused, 1 failed"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The expression language against jq's own cases, which lie in $LEAT_PEERS.

load ../cli/helpers

@test "jq.test: native is right wherever it accepts a program, and engine auto wherever the installed jq is" {
    python3 -B "$LEAT_SOURCE/tests/peers/jq_test.py" "$LEAT_PEERS/jq/jq.test"
}

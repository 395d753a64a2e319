#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Random programs over random records: the native engine gives what the installed jq gives.

load ../cli/helpers

@test "random programs over random records give what jq gives" {
    python3 -B "$LEAT_SOURCE/tests/peers/expr_random.py" --programs 4000 --seconds 50
}

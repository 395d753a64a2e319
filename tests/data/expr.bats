#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Expressions over the real records of $LEAT_DATA (make data).

load ../cli/helpers

@test "random programs that use the fields of each data set give what jq gives" {
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
    python3 -B "$LEAT_SOURCE/tests/peers/expr_random.py" --data "$LEAT_DATA" --programs 3000 --seconds 50
}

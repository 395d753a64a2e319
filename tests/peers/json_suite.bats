#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The validator against JSONTestSuite, which lies in $LEAT_PEERS.

load ../cli/helpers

@test "every case of JSONTestSuite falls out as json/validate.h says" {
    "$LEAT_BUILD/tests/peers/json_suite" "$LEAT_PEERS/JSONTestSuite/test_parsing"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The pages that teach: their commands, typed one behind the other, print what the pages say.

load helpers

session() {
    cd "$BATS_TEST_TMPDIR"
    python3 -B "$LEAT_SOURCE/tests/cli/expr_page.py" session "$LEAT_SOURCE/man/$1"
}

@test "leat-windows(7)" {
    session leat-windows.7
}

@test "leat-time(7)" {
    session leat-time.7
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The validator against JSONTestSuite, which lies in $LEAT_PEERS, and the manual against the validator.

load ../cli/helpers

@test "JSONTestSuite: with duplicate keys 95 of 95 accepted, 188 of 188 refused; without, two fewer are accepted" {
    "$LEAT_BUILD/tests/peers/json_suite" "$LEAT_PEERS/JSONTestSuite/test_parsing"
}

@test "JSONTestSuite's free cases and transforms fall out as leat-json(7) says" {
    "$LEAT_BUILD/tests/peers/json_page" "$LEAT_PEERS/JSONTestSuite" "$LEAT_SOURCE/man/leat-json.7"
    # The program sees a page that is wrong.
    for change in 's/i_string_iso_latin_1 Ta refused/i_string_iso_latin_1 Ta accepted/' 's/Ta 1024$/Ta 1025/' \
        's/Ta 1e+20$/Ta 100000000000000000000/' '/^.It number_1.0 /d' 's/Ta 1.0 Ta 1$/Ta 1 Ta 1/' \
        's/an object Ta 0$/an object Ta -0/'; do
        sed -e "$change" "$LEAT_SOURCE/man/leat-json.7" >"$BATS_TEST_TMPDIR/page"
        run "$LEAT_BUILD/tests/peers/json_page" "$LEAT_PEERS/JSONTestSuite" "$BATS_TEST_TMPDIR/page"
        [[ $status -eq 1 ]] || { echo "unseen: $change"; return 1; }
    done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat-expr(7) as it says: each of its examples is run, and its functions are those that there are.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    page=$LEAT_SOURCE/man/leat-expr.7
}

page() {
    python3 -B "$LEAT_SOURCE/tests/cli/expr_page.py" "$@"
}

@test "every example of the page gives what the page says, byte for byte" {
    page lines "$page"
}

@test "every example gives the same values under --engine jq, or what the page says of jq" {
    page jq "$page"
}

@test "every command of the page prints what the page says" {
    page commands "$page"
}

@test "the page explains every native function, and of others just those that it says run in jq" {
    "$LEAT_BUILD/tests/cli/expr_functions" | sort -u >native
    page functions "$page" | grep -v @ | sort >explained
    equals "$(comm -13 explained native)" ""
    equals "$(comm -23 explained native)" "$(page jq-functions "$page" | sort)"
    (($(wc -l <native) > 150))
}

@test "the index of the page has every function, in order" {
    page functions "$page" | sort -f >functions
    page index "$page" >index
    diff functions index
}

@test "an example that is wrong is seen" {
    printf '%s\n' '.Bd -literal' '1 | . + 1 \(rA 2' '{"a":2}' '    | .a, "\e(.)\(aq" \(rA 2, "{\e"a\e":2}\(aq"' .Ed >good
    page lines good
    sed 's/rA 2$/rA 3/' good >bad
    run page lines bad
    [[ $status -eq 1 ]]
    contains "$output" 'bad:2: 1 | . + 1 ⇒ 3'
    printf '%s\n' '.Bd -literal' '$ echo a b; exit 3' 'a  b' .Ed >bad
    run page commands bad
    [[ $status -eq 1 ]]
    contains "$output" 'bad:2: $ echo a b'
    : >empty
    run page lines empty
    [[ $status -eq 1 ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Windows and joins against Flink's own cases, which lie in $LEAT_PEERS, with the save and restore that each of them has.

load ../cli/helpers

@test "Flink's cases: 5 of windows, 1 as-of join, 1 interval join, 2 window joins; the rest is not for us" {
    exits 0 python3 -B "$LEAT_SOURCE/tests/peers/flink.py" "$LEAT_BUILD/leat" "$LEAT_PEERS/flink/cases.ndjson"
    equals "$output" 'tumble-5s: 4 and 5 results
tumble-5s-offset-1s: 4 and 5 results
hop-10s-by-5s: 7 and 10 results
hop-10s-by-5s-offset-1s: 7 and 10 results
session-3s: 4 and 5 results
temporal-join-as-of: 4 and 2 results
interval-join-5s: 3 and 1 results
window-join-inner-tumble-5s: 7 and 2 results
window-join-left-tumble-5s: 10 and 6 results
match-strict-abc: match, not for us
match-down-up-partitioned: match, not for us
match-event-time-order: match, not for us
match-event-time-order-then-seq: match, not for us
match-skip-to-first-B: match, not for us
match-skip-to-last-B: match, not for us
match-skip-to-next-row: match, not for us
match-skip-past-last-row: match, not for us
cep-times3-noskip: match, not for us
cep-times3-skip-past-last: match, not for us
cep-followedByAny-noskip: match, not for us
cep-followedByAny-skip-to-next: match, not for us
cep-oneOrMore-at-end-noskip: match, not for us
cep-oneOrMore-at-end-skip-to-next: match, not for us
cep-skip-to-first-end: match, not for us
cep-skip-to-last-end: match, not for us
cep-skip-past-last-4vars: match, not for us
9 of 26 cases are for us'
}

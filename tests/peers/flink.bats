#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Windows against Flink's own cases, which lie in $LEAT_PEERS, with the save and restore that each of them has.

load ../cli/helpers

@test "Flink's cases of windows: 2 tumbling, 2 hopping, 1 of sessions; the rest is not for window" {
    exits 0 python3 -B "$LEAT_SOURCE/tests/peers/flink.py" "$LEAT_BUILD/leat" "$LEAT_PEERS/flink/cases.ndjson"
    equals "$output" 'tumble-5s: 4 and 5 results
tumble-5s-offset-1s: 4 and 5 results
hop-10s-by-5s: 7 and 10 results
hop-10s-by-5s-offset-1s: 7 and 10 results
session-3s: 4 and 5 results
temporal-join-as-of: stream_table_join_as_of, not for window
interval-join-5s: stream_stream_join, not for window
window-join-inner-tumble-5s: window_join, not for window
window-join-left-tumble-5s: window_join, not for window
match-strict-abc: match, not for window
match-down-up-partitioned: match, not for window
match-event-time-order: match, not for window
match-event-time-order-then-seq: match, not for window
match-skip-to-first-B: match, not for window
match-skip-to-last-B: match, not for window
match-skip-to-next-row: match, not for window
match-skip-past-last-row: match, not for window
cep-times3-noskip: match, not for window
cep-times3-skip-past-last: match, not for window
cep-followedByAny-noskip: match, not for window
cep-followedByAny-skip-to-next: match, not for window
cep-oneOrMore-at-end-noskip: match, not for window
cep-oneOrMore-at-end-skip-to-next: match, not for window
cep-skip-to-first-end: match, not for window
cep-skip-to-last-end: match, not for window
cep-skip-past-last-4vars: match, not for window
5 of 26 cases are for window'
}

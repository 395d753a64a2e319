#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# NEXMark query 7, highest bid: the bids with the highest price of each ten seconds; several, where they are equal.
# Reads NEXMark events as JSON lines, from files or standard input.
#
# $ examples/nexmark-q7.sh examples/nexmark.json
# {"at":"2026-01-01T10:00:10Z","auction":501,"bidder":3,"price":52000,"ts":1767261609200}
# {"at":"2026-01-01T10:00:10Z","auction":502,"bidder":2,"price":52000,"ts":1767261609999}
# {"at":"2026-01-01T10:00:20Z","auction":502,"bidder":4,"price":61000,"ts":1767261619400}
# {"at":"2026-01-01T10:00:30Z","auction":506,"bidder":2,"price":2200,"ts":1767261622300}
# shellcheck disable=SC2016 # the names with $ are for leat, not for the shell
set -eu

leat filter '.event == "bid"' --time .ts "$@" |
    leat window --tumble 10s --out-of-order 4s 'max(.price) as $most |
        {bids: [collect(1000000; {ts, auction, bidder, price})[] | select(.price == $most)]}' |
    leat map '.window_end as $end | .bids[] | {at: $end, auction, bidder, price, ts}' -j

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# NEXMark query 5, hot items: the auctions with the most bids in the last ten seconds, every two seconds. Two windows:
# the first counts bids by auction; each of its windows lies, by its end, in one of two seconds of the second, which
# keeps those with the greatest count. Reads NEXMark events as JSON lines, from files or standard input.
#
# $ examples/nexmark-q5.sh examples/nexmark.json
# {"at":"2026-01-01T10:00:02Z","auction":501,"num":1}
# {"at":"2026-01-01T10:00:04Z","auction":501,"num":2}
# {"at":"2026-01-01T10:00:04Z","auction":502,"num":2}
# {"at":"2026-01-01T10:00:06Z","auction":501,"num":3}
# {"at":"2026-01-01T10:00:08Z","auction":501,"num":3}
# {"at":"2026-01-01T10:00:08Z","auction":502,"num":3}
# {"at":"2026-01-01T10:00:10Z","auction":501,"num":4}
# {"at":"2026-01-01T10:00:10Z","auction":502,"num":4}
# {"at":"2026-01-01T10:00:12Z","auction":502,"num":4}
# {"at":"2026-01-01T10:00:14Z","auction":503,"num":3}
# {"at":"2026-01-01T10:00:14Z","auction":504,"num":3}
# {"at":"2026-01-01T10:00:16Z","auction":504,"num":3}
# {"at":"2026-01-01T10:00:18Z","auction":504,"num":4}
# {"at":"2026-01-01T10:00:20Z","auction":504,"num":4}
# {"at":"2026-01-01T10:00:22Z","auction":504,"num":3}
# {"at":"2026-01-01T10:00:24Z","auction":506,"num":2}
# {"at":"2026-01-01T10:00:26Z","auction":506,"num":2}
# {"at":"2026-01-01T10:00:28Z","auction":506,"num":2}
# {"at":"2026-01-01T10:00:30Z","auction":506,"num":2}
# {"at":"2026-01-01T10:00:32Z","auction":506,"num":1}
# shellcheck disable=SC2016 # the names with $ are for leat, not for the shell
set -eu

leat filter '.event == "bid"' --time .ts "$@" |
    leat window --hop 10s --slide 2s --out-of-order 4s -g .auction '{num: count}' |
    leat window --tumble 2s 'max(.num) as $most | {num: $most,
        auctions: [collect(1000000; [.num, .auction])[] | select(.[0] == $most)[1]]}' |
    leat map '{at: .window_end, auction: .auctions[], num}' -j

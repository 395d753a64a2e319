#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# NEXMark query 8, new sellers: who registered and opened an auction within the same ten seconds. Persons and auctions
# of one window meet in one group, so this is no join: the person's id is what the auction calls its seller. Reads
# NEXMark events as JSON lines, from files or standard input.
#
# $ examples/nexmark-q8.sh examples/nexmark.json
# {"window_start":"2026-01-01T10:00:00Z","window_end":"2026-01-01T10:00:10Z","id":1,"name":"ada moss","auctions":1}
# {"window_start":"2026-01-01T10:00:00Z","window_end":"2026-01-01T10:00:10Z","id":3,"name":"cleo ruiz","auctions":1}
# {"window_start":"2026-01-01T10:00:10Z","window_end":"2026-01-01T10:00:20Z","id":4,"name":"dana weiss","auctions":2}
# {"window_start":"2026-01-01T10:00:20Z","window_end":"2026-01-01T10:00:30Z","id":5,"name":"emil sand","auctions":1}
set -eu

leat filter '.event != "bid"' --time .ts "$@" |
    leat window --tumble 10s --out-of-order 4s -g '{id: (if .event == "person" then .id else .seller end)}' -j \
        '{name: first(select(.event == "person").name), auctions: count(.event == "auction")}
            | select(.name and .auctions > 0)'

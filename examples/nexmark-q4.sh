#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# NEXMark query 4, average price of a category: of each auction the highest bid in its life, of which the mean, for each
# day and category. No auction lives longer than a minute, so an interval join finds its bids, and a filter leaves out
# those behind its end; its results have the time of the auction. Reads NEXMark events as JSON lines, from files or
# standard input.
#
# $ examples/nexmark-q4.sh examples/nexmark.json
# {"window_start":"2026-01-01T00:00:00Z","window_end":"2026-01-02T00:00:00Z","category":10,"auctions":3,"average":18533.333333333332}
# {"window_start":"2026-01-01T00:00:00Z","window_end":"2026-01-02T00:00:00Z","category":11,"auctions":1,"average":61000}
# {"window_start":"2026-01-01T00:00:00Z","window_end":"2026-01-02T00:00:00Z","category":12,"auctions":2,"average":5550}
set -eu

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkfifo "$work/bids"

leat filter '.event != "person"' --time .ts "$@" |
    leat tee "$work/bids" |
    leat join --with "$work/bids" --after 1m --out-of-order 4s --as bid \
        --on 'select(.event == "auction") | .id' --on-right 'select(.event == "bid") | .auction' |
    leat filter '.bid.date_time <= .expires' |
    leat window --tumble 1d -g .id,.category '{final: max(.bid.price)}' |
    leat window --tumble 1d -g .category '{auctions: count, average: mean(.final)}' -j

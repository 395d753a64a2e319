#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# NEXMark query 3, local item suggestion: who sells in Oregon, Idaho or California in category 10, and which auctions
# are these? Both sides of the join come out of one stream, which tee copies; a record that is not of its side has no
# key there. A seller may register after the auction was opened; that he does so within a day keeps what has to be
# remembered small. Reads NEXMark events as JSON lines, from files or standard input.
#
# $ examples/nexmark-q3.sh examples/nexmark.json
# {"name":"ada moss","city":"boise","state":"id","auction":501}
# {"name":"dana weiss","city":"eureka","state":"ca","auction":506}
# {"name":"fay okoro","city":"salem","state":"or","auction":503}
# shellcheck disable=SC2016 # the names with $ are for leat, not for the shell
set -eu

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkfifo "$work/persons"

leat filter '.event != "bid"' --time .ts "$@" |
    leat tee "$work/persons" |
    leat join --with "$work/persons" --within 1d --out-of-order 4s --as seller \
        --on 'select(.event == "auction" and .category == 10) | .seller' \
        --on-right 'select(.event == "person" and (.state == "or" or .state == "id" or .state == "ca")) | .id' |
    leat map '.id as $auction | .seller | {name, city, state, auction: $auction}' -j

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Playing an incident again: a recording of clicks has two minutes in which the checkout failed. First where it was, by
# windows over the whole; then only that span, played 60 times as fast as it was (SPEED; max without a terminal) into a
# topic, from which a service under test could read as it did live. Usage: incident-replay.sh [RECORDING], a file of
# clicks; without one, ten minutes are made up.
#
# $ examples/incident-replay.sh
# {"window_start":"2026-01-01T00:04:00Z","window_end":"2026-01-01T00:05:00Z","views":6012,"failed":299}
# {"window_start":"2026-01-01T00:05:00Z","window_end":"2026-01-01T00:06:00Z","views":5989,"failed":259}
# {"window_start":"2026-01-01T00:04:00Z","window_end":"2026-01-01T00:05:00Z","page":"checkout","played":299,"failed":299}
# {"window_start":"2026-01-01T00:04:00Z","window_end":"2026-01-01T00:05:00Z","page":"product","played":1640,"failed":53}
# {"window_start":"2026-01-01T00:05:00Z","window_end":"2026-01-01T00:06:00Z","page":"checkout","played":257,"failed":257}
# {"window_start":"2026-01-01T00:05:00Z","window_end":"2026-01-01T00:06:00Z","page":"product","played":1669,"failed":57}
set -euo pipefail

LEAT_DIR=$(mktemp -d)
export LEAT_DIR
trap 'rm -rf "$LEAT_DIR"' EXIT
[ -t 1 ] && default=60 || default=max
if [ $# -eq 0 ]; then
    leat gen clicks -c 60000 --seed 6 |
        leat map 'if .page == "checkout" and (.ts | test("T00:0[45]:")) then .status = 503 else . end' \
            --output "$LEAT_DIR/recording.leat"
    set -- "$LEAT_DIR/recording.leat"
fi

leat window --tumble 1m --out-of-order 5s '{views: count, failed: count(.page == "checkout" and .status >= 500)}' "$1" |
    leat filter '.failed > 20' --output "$LEAT_DIR/bad-minutes"
leat show "$LEAT_DIR/bad-minutes" -f '%s\n'

from=$(leat show "$LEAT_DIR/bad-minutes" -f '%s\n' | sed -n '1s/.*"window_start":"\([^"]*\)".*/\1/p')
to=$(leat show "$LEAT_DIR/bad-minutes" -f '%s\n' | sed -n '$s/.*"window_end":"\([^"]*\)".*/\1/p')
leat replay -x "${SPEED:-$default}" --from "@$from" --to "@$to" "$1" | leat produce again --key .user
leat consume again -e |
    leat window --tumble 1m --out-of-order 5s -g .page -j \
        '{played: count, failed: count(.status >= 500)} | select(.failed > 50)'

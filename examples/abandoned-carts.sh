#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Abandoned carts: what was put into a cart and not ordered by the same user within 30 minutes. A join of two streams by
# key and event time that keeps only what found no partner; so the answer comes as soon as event time is half an hour
# further, and is the same whenever it is asked for. Usage: abandoned-carts.sh [CARTS ORDERS], JSON lines; without them
# it takes the sample below.
#
# $ examples/abandoned-carts.sh
# {"ts":"2026-01-01T10:04:40Z","user":"u2","product":15,"price":89.0}
# {"ts":"2026-01-01T10:09:02Z","user":"u3","product":402,"price":4.99}
# {"ts":"2026-01-01T11:20:00Z","user":"u1","product":16,"price":30.0}
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then
    cat >"$work/carts.json" <<'END'
{"ts":"2026-01-01T10:00:12Z","user":"u1","product":7731,"price":12.9}
{"ts":"2026-01-01T10:04:40Z","user":"u2","product":15,"price":89.0}
{"ts":"2026-01-01T10:09:02Z","user":"u3","product":402,"price":4.99}
{"ts":"2026-01-01T10:31:55Z","user":"u4","product":7731,"price":12.9}
{"ts":"2026-01-01T11:20:00Z","user":"u1","product":16,"price":30.0}
END
    cat >"$work/orders.json" <<'END'
{"ts":"2026-01-01T10:06:30Z","user":"u1","order":1}
{"ts":"2026-01-01T10:40:01Z","user":"u2","order":2}
{"ts":"2026-01-01T10:33:10Z","user":"u4","order":3}
END
    set -- "$work/carts.json" "$work/orders.json"
fi

leat join --with "$2" --on .user --after 30m --anti --time .ts --out-of-order 10m "$1" -j

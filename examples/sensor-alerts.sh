#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Alerts on sensors, in event time: too hot (a minute whose highest reading is over the limit, told with the mean
# beside it), and silent (no reading for 90 seconds: a session of readings that ended before the input did). Reads
# readings of `leat gen sensors` as JSON lines from files or standard input; without files, an hour of six.
# LIMIT is in degrees (default 35).
#
# $ examples/sensor-alerts.sh
# {"alert":"hot","sensor":"s1","from":"2026-01-01T00:14:00Z","highest":36.6,"mean":30.31}
# {"alert":"hot","sensor":"s1","from":"2026-01-01T00:15:00Z","highest":35.07,"mean":27.84}
# {"alert":"hot","sensor":"s1","from":"2026-01-01T00:36:00Z","highest":35.2,"mean":31.21}
# {"alert":"silent","sensor":"s0","from":"2026-01-01T00:32:52.222Z","after_readings":1884}
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then
    leat gen sensors --sensors 6 --rate 6 --seed 8 -c 21600 --output "$work/readings"
else
    leat filter true --time .ts "$@" --output "$work/readings"
fi

leat window --tumble 1m --out-of-order 5s -g .sensor -j \
    '{mean: mean(.temperature), highest: max(.temperature)}' "$work/readings" |
    leat filter ".highest > ${LIMIT:-35}" |
    leat map -j '{alert: "hot", sensor, from: .window_start, highest, mean: (.mean * 100 | round / 100)}'

last=$(leat window --count 1000000000 --out-of-order 5s '{n: count}' "$work/readings" | leat map -f '%s' .window_end)
leat window --session 90s --out-of-order 5s -g .sensor '{readings: count}' "$work/readings" |
    leat filter ".window_end < $last" |
    leat map -j '{alert: "silent", sensor, from: .window_end, after_readings: .readings}'

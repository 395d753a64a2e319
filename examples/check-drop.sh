#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A check of a data drop for CI: are the records enough, good and fresh? One line for each, and exit code 1 when one is
# not as it should be. What cannot be read at all ends with leat's own code: 5 where a stream was cut off, 6 where it is
# damaged. A record is bad when it is no JSON, its .ts is no time, or its .status is no number.
# Usage: check-drop.sh FILE, with these in the environment:
#
#   MIN=N      good records that there must be (default 1)
#   MAX_BAD=N  bad ones that there may be (default 0)
#   AGE=N      the newest is at most N seconds old (default 86400)
#   NOW=TIME   as of when (default: now)
#
# $ leat gen clicks -c 1000 --bad 1 --seed 2 -j >drop.json
# $ NOW=2026-01-01T00:01:00Z MIN=900 AGE=60 examples/check-drop.sh drop.json
# ok: 994 good records, at least 900
# not ok: 6 bad records, at most 0
# ok: the newest is 51 s old, at most 60
# ok: it is not from the future
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
leat map --time .ts --max-record 1MiB --dead-letter "$work/bad.leat" -f '%T\n' --output "$work/times" \
    'if .status | type == "number" then .status else error("status is no number") end' "$1"

good=$(wc -l <"$work/times")
bad=0
[ ! -e "$work/bad.leat" ] || bad=$(leat show "$work/bad.leat" -f '%o\n' | wc -l)
now=$(date -u -d "${NOW:-now}" +%s)
newest=$(sort -n "$work/times" | tail -n 1)
age=$((now - ${newest:-0} / 1000))
failed=0

verdict() { # WHAT VALUE TEST...
    what=$1
    shift
    if test "$@"; then echo "ok: $what"; else echo "not ok: $what"; failed=1; fi
}
verdict "$good good records, at least ${MIN:-1}" "$good" -ge "${MIN:-1}"
verdict "$bad bad records, at most ${MAX_BAD:-0}" "$bad" -le "${MAX_BAD:-0}"
verdict "the newest is $age s old, at most ${AGE:-86400}" "$age" -le "${AGE:-86400}"
verdict "it is not from the future" "$age" -ge 0
exit "$failed"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What leat does, in a minute: produce, consume, share, survive. Each command is said before it is run, so that it can
# be typed. Everything lives in a directory of its own, which is removed at the end.
set -eu

build=${LEAT_BUILD:-$(dirname "$0")/../build}
PATH=$(cd "$build" && pwd):$PATH
LEAT_DIR=$(mktemp -d)
export LEAT_DIR PATH
work=$(mktemp -d)
trap 'rm -rf "$LEAT_DIR" "$work"' EXIT INT TERM
cd "$work"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
    printf '$ %s\n' "$1"
    sh -c "$1"
}

say "A click stream into a topic of four partitions; each record is durable before it is acknowledged"
run "leat gen clicks -c 100000 --seed 7 | leat produce clicks --key .user --time .ts --partitions 4 --stats"
run "leat topic describe clicks"

say "Reading it back: the last five, by time, by format"
run "leat consume clicks -p 0 -o -5 -e -j"
run "leat consume clicks -p 1 -o @2026-01-01T00:10:00Z: -c 2 -f '%t/%p@%o  %D  key %k\n'"

say "Expressions are jq's, at memory speed: slow pages, and one file split in one pass"
run "leat consume clicks -e | leat filter '.status >= 500 and .latency_ms > 2' | leat map -j '{user, page: .url, ms: (.latency_ms | floor)}' | head -3"
run "leat consume clicks -e | leat filter '.device.os == \"ios\"' --pass ./ios.leat --fail ./rest.leat --stats; leat show ios.leat | head -4"
run "leat filter --explain '.tags | any(. == \"mobile\")'"

say "Views a minute by country, by the time in the records; five seconds out of order are waited for"
run "leat consume clicks -e | leat window --tumble 1m --out-of-order 5s -g .country '{views: count, users: distinct(.user), p99: p99(.latency_ms)} | select(.views > 600)' -O table | head -6"
run "leat consume clicks -e | leat window --tumble 5m --out-of-order 5s '{views: count, top: topk(2; .page)}' -j"

say "A bad record stops nothing and is not lost"
run "printf '{\"n\":1}\n{\"n\":1,\"n\":2}\n{\"n\":3}\n' | leat produce numbers --dead-letter bad --ack"
run "leat consume bad -e -J"

say "Two readers share the partitions of a group; one of them is killed with -9, the other takes over"
run "leat consume clicks -G report -j >a.json & first=\$!
  leat consume clicks -G report -j >b.json & second=\$!
  sleep 1; kill -9 \$first; sleep 1; kill \$second; wait
  echo \"distinct records read: \$(sort -u a.json b.json | wc -l) of \$(leat consume clicks -e -j | sort -u | wc -l)\""
run "leat group describe report"

say "A producer is killed with -9 in the middle: what it had acknowledged is there"
run "mkfifo clicks.pipe; leat gen clicks -j >clicks.pipe 2>gen.txt & leat produce torn --ack <clicks.pipe >acks.txt & victim=\$!
  sleep 1; kill -9 \$victim; wait 2>wait.txt || true"
run "echo \"acknowledged: \$(wc -l <acks.txt), in the topic: \$(leat consume torn -e -j | wc -l)\"; leat topic verify torn"

say "A cut stream is never taken for a whole one"
run "leat consume clicks -e >whole.leat; head -c 1000000 whole.leat | leat produce copy; echo \"exit \$?\""

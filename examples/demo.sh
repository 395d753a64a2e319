#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What leat does, in less than a minute (`make demo`): a shop's clicks and orders go into topics, and views and sales
# come out live, as a chart, a table and an SQLite database; bad records are repaired, and a producer is killed with -9.
#
# Each command is said before it is run, so that it can be typed. Everything lives in a folder of its own, which is
# removed at the end. Each number that matters is checked: when one is wrong, so is the exit code. On a terminal the
# clicks come at 30 times their speed and there is time to read (DEMO_PACE seconds a step); elsewhere nothing waits.
set -euo pipefail

build=${LEAT_BUILD:-$(dirname "$0")/../build}
if [[ -d $build ]]; then PATH=$(cd "$build" && pwd):$PATH; fi # an installed leat is there already
work=$(mktemp -d)
export PATH LEAT_DIR="$work/log" TZ=UTC
shop=
trap '[[ -z $shop ]] || kill -- "-$shop" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"
exec 2> >(cat >&2) # no terminal: the tools show no progress among what is drawn

bold='' plain='' pace=0 speed=max
if [[ -t 1 ]]; then
    bold=$'\e[1m' plain=$'\e[0m' pace=${DEMO_PACE:-1} speed=30
fi

say() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
    sleep "$pace"
}
run() {
    printf '$ %s\n' "$1"
    bash -o pipefail -c "trap 'kill \$(jobs -p) 2>/dev/null' EXIT; $1"
}
# Run a command that fills a topic in the background, and wait until the topic is there. One partition each: of several,
# one that was read to its end is not waited for, and at this speed a moment is minutes.
shop() { # COMMAND TOPIC
    set -m # a process group of its own, so that it can be ended whole
    run "$1" &
    shop=$!
    set +m
    until leat topic describe "$2" >describe.txt 2>&1; do sleep 0.1; done
}
check() { # WHAT GOT WANTED
    if [[ $2 == "$3" ]]; then
        printf 'checked: %s: %s\n' "$1" "$2"
    else
        printf 'WRONG: %s: %s instead of %s\n' "$1" "$2" "$3"
        exit 1
    fi
}

say "A shop: its catalogue, and 36,000 clicks of six minutes"
run "leat gen products --seed 7 | leat produce products --key '.product | tostring'"
shop "leat gen clicks -c 36000 --seed 7 | leat replay -x $speed - | leat produce clicks --key .user --time .ts" clicks

say "Views a minute by country, live: the time is that of the clicks, and five seconds out of order are waited for; a dozen clicks of before midnight are in the database, but not in the picture"
mkfifo views.pipe
run "leat consume clicks -c 36000 --out-of-order 6s |
      leat filter '.status < 500' |
      leat window --tumble 1m -g .country '{views: count, p99: p99(.latency_ms)}' |
      leat tee ./views.pipe |
      leat sink-tsdb sqlite:shop.db --measurement views &
  leat filter '.window_start >= \"2026-01-01\" and (.country | test(\"US|IN|DE|GB|BR\"))' views.pipe | leat chart --width 80 -y .views --title 'views a minute'
  wait \$!"
wait "$shop"
shop=

say "The orders that follow those clicks, joined with their products, by category: a table that fills, and SQLite"
mkfifo sales.pipe
shop "leat gen orders -c 500 --seed 7 | leat replay -x $speed - | leat produce orders --key .user --time .ts" orders
run "leat consume orders -c 500 --out-of-order 6s |
      leat join --table products --on '.product | tostring' |
      leat window --tumble 2m -g .category '{orders: count, revenue: ((sum(.amount) * 100 | round) / 100)}' |
      leat tee ./sales.pipe |
      leat sink-tsdb sqlite:shop.db --measurement sales &
  leat map '{from: .window_start[11:16], category, orders, revenue}' sales.pipe -O table; wait \$!"
wait "$shop"
shop=

say "Who bought, and what had been looked at by the same user in the five minutes before: a join of two streams"
run "leat consume orders -e --output orders.leat; leat consume clicks -e | leat filter '.page == \"product\"' --output seen.leat"
run "leat join --with seen.leat --on .user --before 5m --after 6s --out-of-order 6s --as seen orders.leat -j |
      leat map '{order, user, product, seen: .seen.url}' -j >bought.json; tail -n 3 bought.json"

say "The numbers read back"
run "sqlite3 -header -column shop.db 'SELECT country, sum(views) AS views FROM views GROUP BY 1 ORDER BY 2 DESC LIMIT 3'"
run "sqlite3 -header -column shop.db 'SELECT category, sum(orders) AS orders, round(sum(revenue), 2) AS revenue FROM sales GROUP BY 1 ORDER BY 3 DESC LIMIT 3'"
check "views in the database are the clicks below 500" "$(sqlite3 shop.db 'SELECT sum(views) FROM views')" \
    "$(leat gen clicks -c 36000 --seed 7 -j | grep -cv '"status":5')"
check "orders in the database" "$(sqlite3 shop.db 'SELECT sum(orders) FROM sales')" 500
check "revenue in cents" "$(sqlite3 shop.db 'SELECT CAST(round(100 * sum(revenue)) AS INTEGER) FROM sales')" \
    "$(leat gen orders -c 500 --seed 7 | leat map .amount -j | awk '{ cents += $1 * 100 } END { printf "%.0f\n", cents }')"
check "orders of a product that the same user had looked at" \
    "$(leat filter '(.seen | capture("product/(?<n>[0-9]+)").n | tonumber) == .product' -j bought.json | jq .order | sort -u | wc -l)" 500

say "Bad records stop nothing and are not lost: they are letters in a topic, whole and with the reason"
run "leat gen clicks -c 5000 --seed 8 --bad 1 | leat produce more --key .user --time .ts --dead-letter dead"
run "leat redrive dead -f '%h\n' | grep -c leat.error"

say "Those with a NaN are repaired and sent back, each exactly once"
run "leat redrive dead --where 'tostring | contains(\"NaN\")' --map 'gsub(\"NaN\"; \"null\") | fromjson' --key .user --time .ts --to more --execute"
check "records without a latency now" "$(leat consume more -e -j | grep -c '"latency_ms":null')" \
    "$(leat gen clicks -c 5000 --seed 8 --bad 1 -j | LC_ALL=C grep -ac '"latency_ms":NaN')"

say "A producer is killed with -9 in the middle: whatever it had acknowledged is there"
run "mkfifo clicks.pipe
  leat gen clicks --seed 9 -j >clicks.pipe 2>gen.txt &
  leat produce torn --ack <clicks.pipe >acks.txt & victim=\$!; disown
  sleep 1; kill -9 \$victim; wait"
run "leat consume torn -e -f '%t/%p@%o\n' >there.txt; leat topic verify torn"
# The last line may be cut off: the producer was killed while it printed.
check "acknowledged records that are lost" "$(sed '$d' acks.txt | LC_ALL=C sort | comm -23 - <(LC_ALL=C sort there.txt) | wc -l)" 0
check "what is there is what was sent" "$(leat consume torn -e -f '%s\n' |
    cmp - <(leat gen clicks --seed 9 -c "$(wc -l <there.txt)" -j) && echo yes)" yes
check "more than 1000 were acknowledged" "$(($(wc -l <acks.txt) > 1000))" 1

say "A cut stream is never taken for a whole one: exit 5"
run "head -c 100000 seen.leat | leat produce copy 2>cut.txt; echo \"exit \$?\"; cat cut.txt" | tee exit.txt
check "the exit code" "$(grep ^exit exit.txt)" "exit 5"

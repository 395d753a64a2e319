#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat gen: the same seed gives the same bytes, and the records are what the options ask for.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# A test that failed leaves nobody behind: bats would wait for them.
teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

# Has this process ended?
gone() {
    ! kill -0 "$1" 2>/dev/null
}

@test "the same seed gives the same bytes, as JSON lines and as blocks; another seed gives others" {
    local form
    for form in -j '-O leat'; do
        # shellcheck disable=SC2086
        leat gen clicks -c 2000 --seed 7 $form >a
        # shellcheck disable=SC2086
        leat gen clicks -c 2000 --seed 7 $form >b
        # shellcheck disable=SC2086
        leat gen clicks -c 2000 --seed 8 $form >c
        cmp a b
        run ! cmp -s a c
    done
    # and the same bytes on every machine and in every version
    equals "$(leat gen clicks -c 2000 --seed 7 -j | sha256sum | cut -c1-16)" "$(leat gen clicks -c 2000 --seed 7 | leat produce t && values t | sha256sum | cut -c1-16)"
}

@test "the stream says when and by what run it was made, as the seed has it" {
    local seed
    for seed in 7 8; do leat gen clicks -c 2 --seed "$seed" --start 2001-01-01 --output "$seed.leat"; done
    run_of() {
        leat topic dump -j "$1" | python3 -c 'import json, sys
start = json.loads(sys.stdin.readline())["body"]
assert start["history"][-1]["time"] == 978307200 * 10**9, start
print(start["run"])'
    }
    [[ $(run_of ./7.leat) != "$(run_of ./8.leat)" ]]
    leat gen clicks -c 9 --seed 7 --start 2001-01-01 >more.leat
    equals "$(run_of ./more.leat)" "$(run_of ./7.leat)"
}

@test "blocks say that their JSON was checked only where all of it is good" {
    flags() {
        leat topic dump -j "$1" | grep '"type": *"data"' | grep -oE '"flags": *[0-9]+' | grep -oE '[0-9]+' | sort -u
    }
    leat gen clicks -c 500 --output good.leat
    leat gen clicks -c 500 --bad 10 --output bad.leat
    (($(flags ./good.leat) & 2))
    ((($(flags ./bad.leat) & 2) == 0))
    exits 0 leat produce t --on-error skip bad.leat
    (($(values t | wc -l) > 430 && $(values t | wc -l) < 490))
}

@test "--stats counts records and bytes" {
    exits 0 leat gen clicks -c 100 --stats=json -f '%s'
    python3 - "$stderr" "${#output}" <<'END'
import json, sys
stats = json.loads(sys.argv[1])
assert stats['records_in'] == stats['records_out'] == 100, stats
assert stats['bytes_out'] == int(sys.argv[2]), stats
END
}

@test "offsets rise by one over all blocks" {
    equals "$(leat gen clicks -c 20000 | leat show -f '%o\n' | sha256sum)" "$(seq 0 19999 | sha256sum)"
}

@test "an --output that was not completed has not got its name" {
    leat gen clicks --output clicks.leat &
    local generator=$!
    until_true compgen -G 'clicks.leat*' >/dev/null
    kill -TERM "$generator"
    until_true gone "$generator" || kill -9 "$generator"
    reap "$generator"
    equals "$status" 143
    equals "$(compgen -G 'clicks.leat*')" ""
}

@test "records are JSON with the fields of a click, in order, and blocks carry their times" {
    leat gen clicks -c 1000 --late 0 -j >lines
    leat gen clicks -c 1000 --late 0 | python3 -B "$LEAT_SOURCE/tests/golden/decode.py" - >records
    python3 - <<'END'
import base64, datetime, json
lines = [json.loads(line) for line in open('lines')]
records = [json.loads(line) for line in open('records')]
want = ['ts', 'user', 'page', 'url', 'status', 'latency_ms', 'country', 'device', 'tags', 'bytes']
assert len(lines) == len(records) == 1000
for line, record in zip(lines, records):
    assert list(line) == want, line
    assert json.loads(base64.b64decode(record['value'])) == line and record['value_type'] == 1
    at = datetime.datetime.fromisoformat(line['ts'].replace('Z', '+00:00'))
    assert round(at.timestamp() * 1000) == record['time'] // 10**6, (line, record)
times = [r['time'] for r in records]
assert times == sorted(times)
assert times[0] == 1767225600 * 10**9
assert abs(times[-1] - times[0] - 10 * 10**9) < 10**9 / 2, 'not 100 a second'
END
}

@test "--late puts that part of the records out of order, by no more than --late-max" {
    leat gen clicks -c 20000 --late 5 | python3 -B "$LEAT_SOURCE/tests/golden/decode.py" - >records
    python3 - <<'END'
import json
top, late, worst = -1, 0, 0
for line in open('records'):
    t = json.loads(line)['time']
    if t < top:
        late += 1
        worst = max(worst, top - t)
    top = max(top, t)
assert 0.04 * 20000 < late < 0.06 * 20000, late
assert 4 * 10**9 < worst <= 5 * 10**9, worst
END
}

@test "--bad makes bad records that produce refuses one by one, and leaves the good ones as they are" {
    leat gen clicks -c 5000 --seed 3 -j >good
    leat gen clicks -c 5000 --seed 3 --bad 10 -j >some
    exits 0 leat produce t --time .ts --on-error skip --stats=json -i json some
    python3 - "$(tail -n 1 <<<"$stderr")" <<'END'
import json, sys
stats = json.loads(sys.argv[1])
assert stats['records_in'] == 5000, stats
assert 250 < stats['bad'] < 600, stats
assert stats['records_out'] == 5000 - stats['bad'], stats
END
    values t >kept
    # What was kept and is not among the good ones: bad in a way that only a reader of the field can see.
    grep -vxFf good kept >odd || true
    (($(wc -l <odd) < 250))
    equals "$(grep -cvE '"latency_ms":"|"ts":"2196' odd || true)" 0
}

@test "--start, --rate and --users are heeded" {
    equals "$(leat gen clicks -c 1 --start 1999-12-31T23:59:59Z -f '%D')" "1999-12-31T23:59:59Z"
    leat gen clicks -c 1000 --rate 1000 --late 0 -f '%T\n' >times
    local span=$(($(tail -n 1 times) - $(head -n 1 times)))
    ((span > 950 && span < 1050))
    leat gen clicks -c 1000 --users 2 -j | grep -oE '"user":"u[0-9]+"' | sort -u >users
    equals "$(wc -l <users)" 2
}

@test "the clicks of a seed stay what they are" {
    equals "$(leat gen clicks -c 20000 --seed 7 -j | sha256sum | cut -c1-16)" f135c3dbcfcac9f9
}

@test "each data set is the same for the same seed, as JSON lines and as blocks, and bad records are marked" {
    local set
    for set in orders payments products sensors; do
        leat gen "$set" -c 2000 --seed 7 --output a.leat
        leat gen "$set" -c 2000 --seed 7 -j >a.json
        equals "$(leat show -f '%s\n' ./a.leat | sha256sum)" "$(sha256sum <a.json)"
        equals "$(leat gen "$set" -c 1000 --seed 7 -j | sha256sum)" "$(head -n 1000 a.json | sha256sum)"
        run ! cmp -s a.json <(leat gen "$set" -c 2000 --seed 8 -j)
        leat gen "$set" -c 2000 --seed 7 --bad 10 -j >some
        exits 0 leat produce "$set" -i json --on-error skip --stats=json some
        contains "$(tail -n 1 <<<"$stderr")" '"records_in":2000'
        (($(grep -cvxFf a.json some || true) > 100))
    done
}

@test "orders find their click, their product and mostly their payment" {
    leat gen clicks -c 60000 --seed 7 >clicks.leat
    leat gen orders -c 600 --seed 7 >orders.leat
    leat gen payments -c 600 --seed 7 >payments.leat
    leat gen products --seed 7 -O csv >products.csv
    equals "$(wc -l <products.csv)" 10001
    leat map -k . '"\(.user) \(.url | capture("product/(?<n>[0-9]+)").n)"' <(leat filter '.page == "product"' clicks.leat) >seen.leat
    equals "$(leat map '. + {seen: "\(.user) \(.product)"}' orders.leat |
        leat join --with seen.leat --on .seen --on-right . --before 5m --after 6s --out-of-order 6s --as click -j | grep -o '"order":[0-9]*' | sort -u | wc -l)" 600
    equals "$(leat join --table products.csv --on .product --as p orders.leat | leat filter '.p.price == .price' -j | wc -l)" 600
    leat join --with payments.leat --on .order --before 6s --after 70s --out-of-order 6s -j orders.leat >paid
    (($(wc -l <paid) > 480))
    equals "$(leat gen products -c 20000 -j | wc -l)" 10000
}

@test "sensors: so many, in turn" {
    equals "$(leat gen sensors -c 3000 --sensors 30 -j | jq -r .sensor | sort -u | wc -l)" 30
}

@test "what is outside its range is exit 2 and nothing is written" {
    local words
    for words in '--late 101' '--late -1' '--bad 200' '--rate 0' '--rate 2e9' '--rate 4294967297' '--users 0' '--users 2000000000' \
        '--sensors 0' '--sensors 2000000000' '--late-max 0s' '-c -1' '-c x' '--seed x' '--start never' '--no-such' '--late nan' '--rate nan'; do
        # shellcheck disable=SC2086
        exits 2 leat gen clicks -c 1 -j $words
        equals "$words:$output" "$words:"
        contains "$stderr" "leat gen: "
    done
    exits 2 leat gen
    exits 2 leat gen carts
    equals "${stderr_lines[0]}" "leat gen: there is no data set 'carts'; there are clicks, orders, payments, products and sensors"
}

@test "without a count it runs until its reader goes away, quietly" {
    run --separate-stderr bash -c 'leat gen clicks -j | head -n 2 | wc -l; echo "${PIPESTATUS[0]}"'
    equals "$output" $'2\n141'
    equals "$stderr" ""
}

@test "SIGTERM stops it, and what comes behind is told" {
    mkfifo pipe
    leat gen clicks >pipe &
    local generator=$!
    (sleep 0.2; kill -TERM "$generator"; until_true gone "$generator" || kill -9 "$generator") &
    exits 5 timeout 20 leat produce t --sync none pipe
    until_true gone "$generator"
    reap "$generator"
    equals "$status" 143
    [[ -n $(leat consume t -e -c 1 -f %s) ]]
}

@test "output that cannot be written is exit 4" {
    run --separate-stderr bash -c 'leat gen clicks -c 5 >/dev/full'
    equals "$status" 4
    equals "$stderr" "leat gen: cannot write to 'standard output': No space left on device"
}

@test "every line of the page's EXAMPLES runs" {
    local line count=0
    while IFS= read -r line; do
        exits 0 timeout 20 bash -c "${line//\\e/\\}"
        equals "$stderr" ""
        ((++count))
    done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$LEAT_SOURCE/man/leat-gen.1")
    [[ $count -eq 6 ]]
}

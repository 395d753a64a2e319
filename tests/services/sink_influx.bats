#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# needs: influxdb
# sink-tsdb influx:// into InfluxDB itself, each test into one of its own.

load ../cli/helpers
load servers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset INFLUX_TOKEN INFLUX_USERNAME INFLUX_PASSWORD
    free_ports 2
    port=${ports[0]}
    url=influx://127.0.0.1:$port/db
}

teardown() {
    stop_servers
}

# With further lines for its part [http].
start_influx() {
    cat >influxdb.conf <<END
reporting-disabled = true
bind-address = "127.0.0.1:${ports[1]}"
[meta]
dir = "$PWD/meta"
[data]
dir = "$PWD/data"
wal-dir = "$PWD/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:$port"
log-enabled = false
${1:-}
END
    start_server influxdb influxd -config influxdb.conf
    answers "http://127.0.0.1:$port/ping"
}

# The answer to a query, as JSON, with times in this unit.
ask() { # unit, query, more for curl
    curl -sf "http://127.0.0.1:$port/query" --data-urlencode "db=db" --data-urlencode "epoch=$1" \
        --data-urlencode "q=$2" "${@:3}"
}

make_database() {
    start_influx
    ask s 'CREATE DATABASE db' >/dev/null
}

# Values of measurement m in the order of time, as JSON arrays.
rows() {
    ask ns "SELECT * FROM m" | jq -c '.results[0].series[]?.values[]'
}

send() {
    leat sink-tsdb "$url" --measurement m --fields v --time .at "$@"
}

@test "InfluxDB: what is read back are the values counted in the raw file" {
    make_database
    make_requests
    count_requests >counted
    run --separate-stderr send_requests "$url" --measurement web
    equals "$status" 0
    ask s 'SELECT n, bytes, most FROM web GROUP BY method' |
        jq -r '.results[0].series[] | .tags.method as $m | .columns as $c | .values[] |
               . as $v | range(1; $c | length) | select($v[.]) | "\($m) \($v[0]) \($c[.]) \($v[.])"' | sort >got
    [[ $(wc -l <got) -gt 100 ]]
    cmp got counted
    contains "$stderr" "$(grep -c ' n ' got) accepted"
    # Once more, and nothing has become more.
    leat consume web -e | leat window --tumble 1h --out-of-order 1m -g .method '{n: count}' |
        leat sink-tsdb "$url" --measurement web
    equals "$(ask s 'SELECT count(n) FROM web' | jq '.results[0].series[0].values[0][1]')" "$(grep -c ' n ' got)"
}

@test "InfluxDB: every type and every character arrives as it was, or the record is refused here" {
    make_database
    python3 >in.json <<'END'
import json, random
random.seed(8)
def text(n):
    return "".join(random.choice("ab\\ ,=\"#\t\n'\u00e4\U0001f600") for _ in range(n))
for i in range(1500):
    n = random.randrange(1, 5)
    value = random.choice([text(n), random.random() * 10 ** random.randrange(-9, 20), True, False])
    print(json.dumps({"at": 1431857103000000000 + i, "name": "n" + text(n), "i": random.randrange(-2**63, 2**63),
                      "t" + text(n): text(n), "f": value}))
END
    # One measurement and field for each type, as InfluxDB wants it.
    leat sink-tsdb "$url" --measurement '.f | type + "s"' --time .at --on-error skip --tags .name --fields .f <in.json
    ask ns 'SELECT * FROM numbers; SELECT * FROM strings; SELECT * FROM booleans' >answer
    python3 >compared <<'END'
import json
got = {}
for result in json.load(open("answer"))["results"]:
    series, = result["series"]
    for row in series["values"]:
        got[row[0]] = dict(zip(series["columns"], row))
wrong = lost = 0
for line in open("in.json"):
    r = json.loads(line)
    row = got.pop(r["at"], None)
    sayable = not r["name"].endswith("\\") and "\n" not in r["name"]
    if (row is not None) != sayable:
        lost += 1
    elif row and (row["name"], type(r["f"])(row["f"])) != (r["name"], r["f"]):
        wrong += 1
        print(r, row)
print(wrong, lost, len(got))
END
    equals "$(<compared)" "0 0 0"
    # The names of tags and fields, too.
    python3 >names.json <<'END'
import json, random
random.seed(9)
for i in range(300):
    name = "".join(random.choice("ab\\ ,=\"#\t\n'\u00e4") for _ in range(random.randrange(1, 4)))
    print(json.dumps({"at": 1431857103000000000 + i, "x" + name: i + 0.5, "y" + name: "v"}))
END
    leat sink-tsdb "$url" --measurement names --time .at --dead-letter letters <names.json
    leat consume letters -e -f '%s\n' >letters
    ask ns 'SELECT * FROM names' >answer
    python3 >compared <<'END'
import json
series = json.load(open("answer"))["results"][0]["series"][0]
got = {row[0]: {k: v for k, v in zip(series["columns"], row) if v is not None and k != "time"}
       for row in series["values"]}
letters = {json.loads(line)["at"] for line in open("letters")}
wrong = 0
for line in open("names.json"):
    r = json.loads(line)
    at = r["at"]
    del r["at"]
    if (at in letters) == (at in got) or (at in got and got[at] != r):
        wrong += 1
        print(r, got.get(at))
print(wrong, 50 < len(letters) < 250)
END
    equals "$(<compared)" "0 True"
}

@test "InfluxDB: integers, floats, booleans, strings and times keep all of their digits" {
    make_database
    cat >in.json <<'END'
{"at":1431857103123456789,"i":9223372036854775807,"f":1e-300,"b":true,"k":"tag"}
{"at":1431857103123456790,"i":-9223372036854775808,"f":1.7976931348623157e308,"b":false,"k":"tag"}
{"at":"1677-12-31T00:00:00Z","i":0,"f":0.30000000000000004,"b":false,"k":"tag"}
END
    exits 3 send --real none --fields i,f,b --tags k <in.json # the year is too early for us
    sed -i s/1677/1681/ in.json
    exits 0 send --real none --fields i,f,b --tags k <in.json
    equals "$(ask ns 'SELECT i, f, b, k FROM m' | grep -o '"values".*')" \
        '"values":[[-9088416000000000000,0,0.30000000000000004,false,"tag"],[1431857103123456789,9223372036854775807,1e-300,true,"tag"],[1431857103123456790,-9223372036854775808,1.7976931348623157e+308,false,"tag"]]}]}]}'
}

@test "InfluxDB: of a partial write the record to blame is a dead letter with the server's words" {
    make_database
    printf '{"at":14318571%s,"v":%s}\n' 10 1 11 2 >in.json
    exits 0 send --real none <in.json
    printf '{"at":14318571%s,"v":%s}\n' 12 3 13 4.5 14 5 >in.json
    exits 3 send --real none <in.json
    contains "$stderr" "leat sink-tsdb: record 'standard input:2': refused by the server: HTTP 400: partial write: field type conflict: input field \"v\" on measurement \"m\" is type float, already exists as type integer dropped=1"
    exits 0 send --real none --dead-letter ./letters.leat --stats=json <in.json
    contains "$stderr" '"sent":3,"accepted":2,"refused":1,"in_flight":0'
    equals "$(rows)" '[1431857110000000000,1]
[1431857111000000000,2]
[1431857112000000000,3]
[1431857114000000000,5]'
    equals "$(leat map . -j letters.leat)" '{"at":1431857113,"v":4.5}'
    # Without it all of them are reals.
    ask s 'DROP MEASUREMENT m' -X POST >/dev/null
    exits 0 send <in.json
    equals "$(rows)" '[1431857112000000000,3]
[1431857113000000000,4.5]
[1431857114000000000,5]'
}

@test "InfluxDB: no such database, no such policy, no permission: the run ends with its words" {
    start_influx
    printf '{"at":1431857110,"v":1}\n' >in.json
    exits 4 send <in.json
    contains "$stderr" "leat sink-tsdb: '$url': HTTP 404: database not found: \"db\""
    ask s 'CREATE DATABASE db' >/dev/null
    url="$url?rp=none" exits 4 send <in.json
    contains "$stderr" "HTTP 500: retention policy not found: none"
    # Points that are too old for a policy are bad records.
    ask s 'CREATE RETENTION POLICY hour ON db DURATION 1h REPLICATION 1' >/dev/null
    printf '{"at":%s,"v":1}\n' 1431857110 "$(date +%s)" >in.json
    url="$url?rp=hour" exits 0 send --on-error skip <in.json
    contains "$stderr" "warning: record 'standard input:1' skipped: refused by the server: HTTP 400: partial write: points beyond retention policy dropped=1"
    equals "$(ask s 'SELECT count(v) FROM hour.m' | jq '.results[0].series[0].values[0][1]')" 1
}

@test "InfluxDB: a user and a password" {
    start_influx 'auth-enabled = true'
    ask s "CREATE USER ann WITH PASSWORD 'pa55' WITH ALL PRIVILEGES" >/dev/null
    curl -sf "http://127.0.0.1:$port/query" -u ann:pa55 --data-urlencode 'q=CREATE DATABASE db' >/dev/null
    printf '{"at":1431857110,"v":1}\n' >in.json
    exits 4 send <in.json
    contains "$stderr" "HTTP 401: unable to parse authentication credentials"
    INFLUX_USERNAME=ann INFLUX_PASSWORD=wrong exits 4 send <in.json
    contains "$stderr" "HTTP 401: authorization failed"
    INFLUX_USERNAME=ann INFLUX_PASSWORD=pa55 exits 0 send <in.json
    equals "$(ask s 'SELECT v FROM m' -u ann:pa55 | jq -c '.results[0].series[0].values')" '[[1431857110,1]]'
}

@test "InfluxDB is killed in the middle and comes back: all that was acknowledged is there, and that is all there was" {
    make_database
    local i
    mkfifo in
    leat sink-tsdb "$url" --measurement m --fields v --time .at --batch 500 --flush 100ms --retry-for 60s \
        --stats=json <in 2>err &
    local sink=$!
    exec 7>in
    for i in 1 2 3; do
        seq "$((i * 20000))" "$((i * 20000 + 19999))" | sed 's/.*/{"at":14318&,"v":&}/' >&7
        if ((i < 3)); then
            stop_server "$server" KILL
            sleep 0.5
            start_influx 7>&-
        fi
    done
    exec 7>&-
    wait "$sink"
    stderr=$(<err)
    contains "$stderr" "server away: "
    contains "$stderr" "server back after "
    contains "$stderr" '"sent":60000,"accepted":60000,"refused":0,"in_flight":0'
    rows | sort >got
    seq 20000 79999 | sed 's/.*/[14318&000000000,&]/' | sort >wanted
    cmp got wanted
}

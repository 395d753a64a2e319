#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# leat sink-tsdb: how records become points, SQLite, barriers and kills, credentials, exit codes. Protocols of servers
# are in other files, and in tests/services.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset "${!INFLUX_@}" "${!CLICKHOUSE_@}" "${!PROMETHEUS_@}"
}

teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

# Points as line protocol.
points() {
    leat sink-tsdb lines:- "$@"
}

# Answer of a query to a database.
query() {
    sqlite3 "$1" "${@:2}"
}

# A stream of blocks from the body of a Python program that knows tests/golden/encode.py:
#     stream '[begin("p", None), rows(1, 2), barrier(1), finish()]'
stream() {
    python3 -B - "$LEAT_SOURCE" "$1" <<'END'
import json, sys
sys.path.insert(0, sys.argv[1] + '/tests/golden')
from encode import RUN, Record, control, data, end
T = 1704067200 * 10**9
blocks = []

def begin(pipeline, restore):
    return control('start', run=RUN, pipeline=pipeline, restore=restore, history=[])

def rows(first, last, add=0):
    blocks.append(data([Record(value=json.dumps({'n': n + add}).encode(), time=T + n * 10**9)
                        for n in range(first, last + 1)]))
    return blocks[-1]

def barrier(number):
    return control('barrier', checkpoint=number)

def finish(status=0):
    return end(blocks, status)

sys.stdout.buffer.write(b''.join(eval(sys.argv[2])))
END
}

# ---- points ---------------------------------------------------------------------------------------------------------

@test "a window's result: its groups are tags, what follows is fields, its start is the time" {
    cat >in.json <<'END'
{"t":1704067201,"c":"DE","s":404,"v":1,"u":"/a"}
{"t":1704067202,"c":"DE","s":404,"v":2,"u":"/a"}
{"t":1704067203,"c":"A T","s":200,"v":2.5,"u":"/b"}
END
    leat window --tumble 1m --time .t -g .c,.s '{n: count, mean: mean(.v), big: any(.v > 2), top: mode(.u)}' \
        in.json >two.leat
    exits 0 points two.leat
    equals "$output" 'metrics,c=A\ T,s=200 n=1i,mean=2.5,big=true,top="/b" 1704067200000000000
metrics,c=DE,s=404 n=2i,mean=1.5,big=false,top="/a" 1704067200000000000'
    equals "$stderr" ""
    # One group, of each type; the JSON envelope keeps the key as blocks do.
    exits 0 points --fields n <(leat window --tumble 1m --time .t -g .s '{n: count}' in.json)
    equals "$output" 'metrics,s=200 n=1i 1704067200000000000
metrics,s=404 n=2i 1704067200000000000'
    exits 0 points -i envelope <(leat window --tumble 1m --time .t -g .c '{n: count}' in.json -J)
    equals "${lines[1]}" 'metrics,c=DE n=2i 1704067200000000000'
    # No group: a string is a field, too.
    exits 0 points <(leat window --tumble 1m --time .t '{n: count, top: mode(.u)}' in.json)
    equals "$output" 'metrics n=3i,top="/a" 1704067200000000000'
    # Groups that are null, and an object.
    exits 0 points <(leat window --tumble 1m --time .t -g '{no: .no, o: {a: .s}}' '{n: count}' in.json)
    equals "${lines[0]}" 'metrics,o={"a":200} n=1i 1704067200000000000'
}

@test "as JSON lines a window's result has no key, and its strings are tags" {
    exits 0 points <<'END'
{"window_start":"2024-01-01T00:00:00Z","window_end":"2024-01-01T00:01:00Z","c":"DE","s":404,"n":2}
{"window_start":"2024-01-01T00:00:00.5Z","window_end":"2024-01-01T00:01:00Z","emit":"early","c":"DE","n":3}
END
    equals "$output" 'metrics,c=DE s=404i,n=2i 1704067200000000000
metrics,c=DE n=3i 1704067200500000000'
}

@test "points that take the place of others with the same time and tags are told and counted" {
    printf '{"t":%s,"s":%s}\n' 1704067201 200 1704067202 404 1704067203 200 1704067204 500 1704067264 200 \
        1704067265 404 >in.json
    local results=(leat window --tumble 1m --time .t -g .s '{n: count}' in.json)
    "${results[@]}" -j >lines.json
    exits 0 leat sink-tsdb sqlite:m.db --stats lines.json
    contains "$stderr" "warning: 3 points take the place of others with the same time and tags (--tags NAMES tells them"
    contains "$stderr" "5 sent, 5 accepted, 3 replaced"
    equals "$(query m.db 'SELECT count(*) FROM metrics')" 2
    # What an earlier run has written does not count, nor do equal points; with the group as a tag, or in blocks, there
    # is nothing to tell.
    head -n 1 lines.json >one.json
    for _ in 1 2 3; do cat one.json; done >equal.json
    exits 0 leat sink-tsdb sqlite:m.db --stats=json equal.json
    contains "$stderr" '"replaced":0'
    exits 0 leat sink-tsdb sqlite:tags.db --tags s lines.json
    equals "$stderr" ""
    equals "$(query tags.db 'SELECT count(*) FROM metrics')" 5
    exits 0 leat sink-tsdb sqlite:blocks.db <("${results[@]}")
    equals "$stderr" ""
    # The same of other destinations, and of CSV.
    exits 0 points --stats=json lines.json
    contains "$stderr" '"replaced":3'
    printf 'window_start,s,n\n2024-01-01T00:00:00Z,200,1\n2024-01-01T00:00:00Z,404,2\n' >lines.csv
    exits 0 leat sink-tsdb openmetrics:m.prom lines.csv
    contains "$stderr" "1 point takes the place of others"
    # Results that are there to be replaced.
    leat window --tumble 1m --time .t -g '{s: (.s | tostring)}' '{n: count}' --emit changes -j in.json >changes.json
    equals "$(grep -c '"s":"200".*"n":[12]' changes.json),$(grep -c '"emit":"change"' changes.json)" 5,6
    exits 0 leat sink-tsdb sqlite:changes.db changes.json
    equals "$stderr" ""
}

@test "other records: strings are tags, numbers and booleans fields, objects are looked into, arrays left out" {
    exits 0 points --time .t <<'END'
{"t":1704067200,"host":"a\"b","on":true,"off":false,"n":3,"x":3.0,"big":18446744073709551615,"neg":-9223372036854775808,"e":1e3,"huge":18446744073709551616,"empty":"","null":null,"d":{"os":"x","v":{"w":1}},"list":[1]}
END
    equals "$output" 'metrics,host=a"b,d.os=x on=true,off=false,n=3i,x=3,big=18446744073709551615u,neg=-9223372036854775808i,e=1000,huge=1.8446744073709552e+19,d.v.w=1i 1704067200000000000'
    exits 0 points --time .t <<<'{"t":1,"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":1,"j":{"k":2}}}}}}}}}}'
    equals "$output" 'metrics a.b.c.d.e.f.g.h.i=1i 1000000000'
    exits 0 points --time .t <<<'{"t":1,"a\u0062":"\u00fc","k":1}'
    equals "$output" 'metrics,ab=ü k=1i 1000000000'
}

@test "the time is that of the record, and a topic is the measurement" {
    leat produce clicks --key .k --time .t <<<'{"t":1704067201,"k":"x","n":1}'
    exits 0 points --fields n <(leat consume clicks -e)
    equals "$output" 'clicks,k=x n=1i 1704067201000000000'
    exits 0 points --fields n --measurement other <(leat consume clicks -e)
    equals "$output" 'other,k=x n=1i 1704067201000000000'
    exits 0 points --fields n --tags '' --measurement '$topic + "-" + .k' <(leat consume clicks -e)
    equals "$output" 'clicks-x n=1i 1704067201000000000'
    exits 2 points <<<'{"n":1}'
    contains "$stderr" "text has no time; give it one with --time EXPR"
    exits 3 points --measurement .m --time .n <<<'{"n":1,"x":2}'
    contains "$stderr" "the measurement is no string"
}

@test "--tags and --fields: names, paths, expressions, and what the other is without them" {
    local record='{"t":1,"c":"DE","os":"x","n":2,"v":0.5,"d":{"e":7}}'
    exits 0 points --time .t --tags c <<<"$record"
    equals "$output" 'metrics,c=DE n=2i,v=0.5,d.e=7i 1000000000'
    exits 0 points --time .t --fields v,n <<<"$record"
    equals "$output" 'metrics,c=DE,os=x v=0.5,n=2i 1000000000'
    exits 0 points --time .t --tags 'os, n' --fields 'v, e: .d.e, half: (.n / 2), many: (.n > 1), s: .c' <<<"$record"
    equals "$output" 'metrics,os=x,n=2 v=0.5,e=7i,half=1i,many=true,s="DE" 1000000000'
    exits 0 points --time .t --tags .d.e --fields .n <<<"$record"
    equals "$output" 'metrics,e=7 n=2i 1000000000'
    exits 0 points --time .t --tags '' --fields '{a: .none, n}' <<<"$record"
    equals "$output" 'metrics n=2i 1000000000'
    exits 2 points --time .t --tags c --fields c <<<"$record"
    contains "$stderr" "'c' cannot be a tag and a field"
    exits 2 points --time .t --tags 'a b' <<<"$record"
    exits 3 points --time .t --fields d <<<"$record"
    contains "$stderr" "field 'd' is an object"
    # Lists on results: the window's start is still the time.
    exits 0 points --tags s --fields n <<<'{"window_start":"2024-01-01T00:00:00Z","window_end":"x","c":"DE","s":4,"n":2}'
    equals "$output" 'metrics,s=4 n=2i 1704067200000000000'
}

@test "the member that --time names is the time, and a field only where it is asked for" {
    exits 0 points --time .at.s <<<'{"at":{"s":1,"x":2},"n":3}'
    equals "$output" 'metrics at.x=2i,n=3i 1000000000'
    exits 0 points --time .t --fields t,n <<<'{"t":1,"n":3}'
    equals "$output" 'metrics t=1i,n=3i 1000000000'
    exits 0 points --time '.t // .n' <<<'{"t":1,"n":3}'
    equals "$output" 'metrics t=1i,n=3i 1000000000'
}

@test "InfluxDB gets reals, as a whole mean would make a field of integers; what no real is equal to is refused" {
    exits 0 leat sink-tsdb influx://localhost/db --dry-run --time .t <<<'{"t":1,"mean":3}'
    equals "$output" 'metrics mean=3 1000000000'
    exits 0 leat sink-tsdb influx://localhost/db --dry-run --real none --time .t <<<'{"t":1,"mean":3}'
    equals "$output" 'metrics mean=3i 1000000000'
    exits 3 leat sink-tsdb influx://localhost/db --dry-run --time .t <<<'{"t":1,"id":9007199254740993}'
    contains "$stderr" "field 'id' is an integer that no real is equal to (--real none keeps integers)"
    exits 0 leat sink-tsdb influx://localhost/db --dry-run --time .t <<<'{"t":1,"id":9007199254740992}'
}

@test "--real makes reals of integers" {
    exits 0 points --time .t --real a,c --tags '' <<<'{"t":1,"a":1,"b":2,"c":3}'
    equals "$output" 'metrics a=1,b=2i,c=3 1000000000'
    leat sink-tsdb sqlite:r.db --real all --tags '' --fields a --time .t <<<'{"t":1,"a":1}'
    equals "$(query r.db 'SELECT typeof(a) FROM metrics')" real
}

@test "bad records: each with its reason, and the others go on" {
    local bad reason wanted=() i=0
    while IFS=$'\t' read -r bad reason; do
        exits 3 points --time '.t' <<<"$bad"
        contains "$stderr" "$reason"
        printf '%s\n' '{"t":1,"n":1}' "$bad" '{"t":2,"n":2}' >in
        exits 0 points --time '.t' --on-error skip in
        equals "$output" $'metrics n=1i 1000000000\nmetrics n=2i 2000000000'
        exits 0 points --time '.t' --dead-letter ./dead.leat in
        wanted+=("$bad")
    done <<'END'
[1]	record is no object
{"n":1}	record has no time .t
{"t":1,"n":1e999}	field 'n' is a number beyond a double
{"t":1,"s":"a\u0000b"}	has U+0000 in it
{"t":1,"a\u0000":1}	has U+0000 in it
{"t":1,"":1}	a name is empty
{"t":1,"a.b":1,"a":{"b":2}}	two of its fields are called 'a.b'
{"t":-9214560001,"n":1}	outside the years 1678 to 2262
END
    equals "$(leat show -f '%s\n' dead.leat)" "$(printf '%s\n' "${wanted[@]}")"
    python3 -c 'import json; print(json.dumps({"t": 1, **{"f%d" % i: i for i in range(1001)}}))' >many.json
    exits 3 points --time .t many.json
    contains "$stderr" "more than 1000 tags and fields"
    python3 -c 'import json; print(json.dumps({"t": 1, "x" * 1025: 1}))' >long.json
    exits 3 points --time .t long.json
    contains "$stderr" "longer than 1024 bytes"
    exits 3 points --fields t <<<'{"window_start":"soon","t":1}'
    contains "$stderr" "window_start is no time"
}

@test "records without a field are passed over and told of" {
    exits 0 points --time '1' <<<'{"a":"x","b":null}'
    equals "$output" ""
    contains "$stderr" "none of 1 record has a field"
    exits 0 points --time '1' -v <<<$'{"a":"x"}\n{"n":1}'
    equals "$output" 'metrics n=1i 1000000000'
    contains "$stderr" "1 record without a field"
}

@test "--dry-run prints points, and makes and connects to nothing" {
    exits 0 leat sink-tsdb --dry-run sqlite:none.db --time .t <<<'{"t":1,"n":1}'
    equals "$output" 'metrics n=1i 1000000000'
    [[ ! -e none.db ]]
    exits 0 leat sink-tsdb --dry-run sqlite: --time .t <<<'{"t":1,"n":1}'
    [[ ! -e $LEAT_DIR ]]
    exits 0 leat sink-tsdb --dry-run influx://127.0.0.1:1/db --time .t <<<'{"t":1,"n":1}'
    contains "$output" 'metrics n=1 1000000000'
}

# ---- SQLite ---------------------------------------------------------------------------------------------------------

@test "SQLite: a view with readable times, types as they were, points that come again" {
    cat >in.json <<'END'
{"t":1704067200,"h":"a","i":1,"r":1.5,"b":true,"u":18446744073709551615}
{"t":-0.000000001,"h":"b","i":2,"r":2.0,"b":false}
{"t":1704067200.25,"h":"a","i":3,"late":7}
END
    exits 0 leat sink-tsdb sqlite:m.db --time .t --fields i,r,b,u,late --stats in.json
    contains "$stderr" "3 records"
    contains "$stderr" "3 sent, 3 accepted"
    equals "$(query m.db -header 'SELECT * FROM metrics ORDER BY time_ns')" 'time|time_ns|h|i|r|b|u|late
1969-12-31T23:59:59.999999999Z|-1|b|2|2.0|0||
2024-01-01T00:00:00Z|1704067200000000000|a|1|1.5|1|1.84467440737096e+19|
2024-01-01T00:00:00.25Z|1704067200250000000|a|3||||7'
    equals "$(query m.db 'SELECT DISTINCT typeof(i), typeof(r), typeof(b) FROM metrics WHERE r > 0')" 'integer|real|integer'
    # The same again, and one point with another field and one null.
    exits 0 leat sink-tsdb sqlite:m.db --time .t --fields i,r,b,u,late in.json
    exits 0 leat sink-tsdb sqlite:m.db --time .t --fields i,r,new <<<'{"t":1704067200,"h":"a","i":9,"r":null,"new":"x"}'
    equals "$(query m.db 'SELECT count(*), sum(i) FROM metrics')" '3|14'
    equals "$(query m.db 'SELECT i, r, b, new FROM metrics WHERE time_ns = 1704067200000000000')" '9||1|x'
    equals "$(query m.db 'PRAGMA journal_mode; PRAGMA integrity_check')" $'wal\nok'
}

@test "SQLite: a new tag makes other series, absent tags are one, and the order of tags is none" {
    exits 0 leat sink-tsdb sqlite:m.db --time .t --fields n <<'END'
{"t":1,"n":1}
{"t":1,"n":2,"a":"x"}
{"t":1,"n":3,"a":"x","b":"y"}
{"t":1,"n":4,"b":"y","a":"x"}
{"t":1,"n":5,"b":"y"}
{"t":1,"n":6,"a":null}
END
    equals "$(query m.db 'SELECT n, a, b FROM metrics ORDER BY n')" $'2|x|\n4|x|y\n5||y\n6||'
    equals "$(query m.db 'SELECT series_key FROM metrics_series ORDER BY 1')" '{"a":"x","b":"y"}
{"a":"x"}
{"b":"y"}
{}'
}

@test "SQLite: names that clash, and names that are SQL" {
    cat >in.json <<'END'
{"at":1,"Host":"h","host":1,"TIME":2,"series":"s","id":3,"key":"k","a\"b":4,"select":5,"x'; --":6,"time_ns":7,"ü.ß":8}
END
    exits 0 leat sink-tsdb sqlite:m.db --time .at --measurement '.["a\"b"] | "t\"'\''%s%"' in.json
    exits 0 leat sink-tsdb sqlite:m.db --time .at --measurement '.["a\"b"] | "t\"'\''%s%"' in.json
    equals "$(query m.db 'SELECT kind, name, "column" FROM leat_columns ORDER BY id')" 'tag|Host|Host
tag|series|series_2
tag|key|key
field|host|host_2
field|TIME|TIME_2
field|id|id
field|a"b|a"b
field|select|select
field|x'\''; --|x'\''; --
field|time_ns|time_ns_2
field|ü.ß|ü.ß'
    equals "$(query m.db 'SELECT Host, host_2, TIME_2, series_2, "a""b", "x'\''; --" FROM "t""'\''%s%"')" 'h|1|2|s|4|6'
    local m
    for m in Metrics metrics leat_columns sqlite_x metrics_points; do
        exits 0 leat sink-tsdb sqlite:m.db --time .at --tags '' --fields id --measurement "$m" in.json
        exits 0 leat sink-tsdb sqlite:m.db --time .at --tags '' --fields id --measurement "$m" in.json
    done
    equals "$(query m.db 'SELECT name, view FROM leat_measurements WHERE id > 1 ORDER BY id')" 'Metrics|Metrics
metrics|metrics_2
leat_columns|x_leat_columns
sqlite_x|x_sqlite_x
metrics_points|metrics_points_2'
    equals "$(query m.db 'SELECT id FROM metrics_points_2')" 3
}

@test "SQLite: a tag and a field by one name, as a value is now text and now a number" {
    exits 0 leat sink-tsdb sqlite:m.db --time .t <<<$'{"t":1,"v":"x","n":1}\n{"t":2,"v":5,"n":2}\n{"t":3,"v":null,"n":3}'
    equals "$(query m.db 'SELECT n, v, v_2 FROM metrics ORDER BY 1')" $'1|x|\n2||5\n3||'
}

@test "SQLite: at most 1900 columns, and the record that wants more is a bad one" {
    long
    python3 - >in.json <<'END'
import json
for t, first, last in (1, 0, 990), (2, 990, 1890), (3, 1890, 1930), (4, 0, 1):
    print(json.dumps({'t': t, **{'f%d' % i: i for i in range(first, last)}}))
END
    exits 3 leat sink-tsdb sqlite:m.db --time .t in.json
    contains "$stderr" "in.json:3'"
    contains "$stderr" "has 1900 columns already and cannot have more"
    exits 0 leat sink-tsdb sqlite:m.db --time .t --on-error skip in.json
    equals "$(query m.db 'SELECT time_ns / 1000000000 FROM metrics ORDER BY 1')" $'1\n2\n4'
}

@test "SQLite: many measurements, and many series" {
    python3 -c "
for i in range(200): print('{\"t\":%d,\"m\":\"m%d\",\"n\":1}' % (i, i % 100))" >in.json
    exits 0 leat sink-tsdb sqlite:m.db --measurement .m --time .t --tags '' --fields n in.json
    equals "$(query m.db 'SELECT count(*) FROM leat_measurements; SELECT count(*) FROM m7')" $'100\n2'
    python3 -c "
for i in range(30000): print('{\"t\":%d,\"id\":\"id-%d\",\"n\":1}' % (i, i % 20000))" >in.json
    exits 0 leat sink-tsdb sqlite:s.db --time .t --fields n in.json
    equals "$(query s.db 'SELECT count(*), count(DISTINCT id) FROM metrics')" '30000|20000'
}

@test "SQLite: the default is metrics.db beside the log" {
    exits 0 leat sink-tsdb sqlite: --time .t <<<'{"t":1,"n":1}'
    equals "$(query "$LEAT_DIR/metrics.db" 'SELECT n FROM metrics')" 1
    exits 0 leat sink-tsdb sqlite: -d other --time .t <<<'{"t":1,"n":2}'
    equals "$(query other/metrics.db 'SELECT n FROM metrics')" 2
}

@test "SQLite: another's database, a newer one, no database, no folder" {
    query other.db 'CREATE TABLE t (x)'
    cp other.db before
    exits 2 leat sink-tsdb sqlite:other.db --time .t <<<'{"t":1,"n":1}'
    contains "$stderr" "'other.db' is a database of something else"
    cmp other.db before
    leat sink-tsdb sqlite:new.db --time .t <<<'{"t":1,"n":1}'
    query new.db 'PRAGMA user_version = 2'
    exits 2 leat sink-tsdb sqlite:new.db --time .t <<<'{"t":1,"n":1}'
    contains "$stderr" "is of a newer version of leat"
    head -c 5000 /dev/urandom >noise.db
    exits 2 leat sink-tsdb sqlite:noise.db --time .t <<<'{"t":1,"n":1}'
    contains "$stderr" "not a database"
    exits 4 leat sink-tsdb sqlite:none/x.db --time .t <<<'{"t":1,"n":1}'
    contains "$stderr" "unable to open"
    leat sink-tsdb sqlite:bad.db --time .t <<<'{"t":1,"n":1}'
    printf 'x%.0s' {1..3000} | dd of=bad.db bs=1 seek=4096 conv=notrunc status=none
    exits 6 leat sink-tsdb sqlite:bad.db --time .t <<<'{"t":2,"n":1}'
}

@test "SQLite: a locked database is waited for, and given up" {
    leat sink-tsdb sqlite:m.db --time .t <<<'{"t":1,"n":1}'
    mkfifo hold
    sqlite3 m.db <hold >locked 2>&1 3>&- &
    local holder=$!
    exec 9>hold
    echo "BEGIN IMMEDIATE; SELECT 'locked';" >&9
    until_true grep -q locked locked
    exits 4 leat sink-tsdb sqlite:m.db --retry-for 300ms --time .t <<<'{"t":2,"n":2}'
    contains "$stderr" "waiting for at most 300ms (--retry-for): 'm.db': database is locked"
    contains "$stderr" "given up after 300ms: 'm.db': database is locked"
    exits 4 leat sink-tsdb sqlite:m.db --retry-for 0 --time .t <<<'{"t":2,"n":2}'
    leat sink-tsdb sqlite:m.db --time .t <<<'{"t":3,"n":3}' 2>words 3>&- &
    local writer=$!
    until_true grep -q waiting words
    echo "COMMIT;" >&9
    exec 9>&-
    reap "$writer"
    equals "$status" 0
    contains "$(<words)" "'m.db' can be written again"
    reap "$holder"
    equals "$(query m.db 'SELECT n FROM metrics ORDER BY n')" $'1\n3'
}

@test "SQLite: two runs write to one database at once, each with fields of its own" {
    local i pids=()
    for i in 1 2 3; do
        python3 -c 'import sys
for t in range(3000): print("{\"t\":%d,\"w\":\"w%s\",\"f%s_%d\":1}" % (t, sys.argv[1], sys.argv[1], t // 500))' $i >in$i
        leat sink-tsdb sqlite:m.db --batch 100 --time .t --fields "$(printf "f${i}_%d," 0 1 2 3 4)f${i}_5" in$i 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        reap "$i"
        equals "$status" 0
    done
    equals "$(query m.db 'SELECT w, count(*), sum(f2_3) FROM metrics GROUP BY w ORDER BY w')" \
        $'w1|3000|\nw2|3000|500\nw3|3000|'
    equals "$(query m.db 'PRAGMA integrity_check')" ok
}

@test "SQLite: a full disk is waited for, and given up with 4; what was accepted is there" {
    unshare -rm true 2>/dev/null || {
        echo "# no mount namespace here: not tried" >&3
        return 0
    }
    # A file system of 2 MiB, in which a filler leaves little room, and goes away later, or never.
    cat >full.sh <<'END'
set -e
rm -f words
mount -t tmpfs -o size=2m none disk
head -c 1500000 /dev/zero >disk/filler
[[ $1 == never ]] || { until grep -q waiting words; do sleep 0.05; done; rm disk/filler; } 3>&- &
code=0
leat sink-tsdb sqlite:disk/m.db --retry-for "$2" --batch 500 --time .ts --tags user --fields latency_ms --stats=json \
    in.json 2>words || code=$?
rm -f disk/filler
sqlite3 disk/m.db 'SELECT count(*) FROM metrics; PRAGMA integrity_check' >rows
exit $code
END
    mkdir disk
    leat gen clicks -c 4000 -j >in.json
    exits 4 unshare -rm bash full.sh never 300ms
    contains "$(<words)" "given up after 300ms: 'disk/m.db': database or disk is full"
    local accepted
    accepted=$(jq -R 'fromjson? | .accepted' words)
    ((accepted > 0 && accepted < 4000 && accepted % 500 == 0))
    equals "$(<rows)" "$accepted"$'\nok'
    exits 0 unshare -rm bash full.sh later 10s
    contains "$(<words)" "can be written again"
    equals "$(<rows)" $'4000\nok'
}

# A run that reads what `feed FILE` gives it, and whose input does not end.
begin_run() {
    rm -f pipe
    mkfifo pipe
    leat sink-tsdb "$@" pipe 2>words 3>&- &
    run_pid=$!
    exec 8>pipe
}

kill_run() {
    kill -9 "$run_pid"
    wait "$run_pid" || true
    exec 8>&-
}

@test "kill -9 in the middle: whole batches are there, nothing twice, and the same again makes it complete" {
    leat gen clicks -c 20000 -j | jq -c '{t: .ts, id: .latency_ms, n: "\(input_line_number)"}' >in.json
    leat sink-tsdb sqlite:whole.db --batch 500 --time .t --tags n --fields id in.json
    local n rows
    for n in 1 2 3; do
        rm -f m.db*
        begin_run sqlite:m.db --batch 500 --flush 1h --time .t --tags n --fields id
        head -n $((n * 4321)) in.json >&8 3>&- &
        until_true test -s m.db-wal
        sleep 0.0$((n * 2))
        kill_run
        rows=$(query m.db 'SELECT count(*) FROM metrics' 2>/dev/null || echo 0)
        ((rows % 500 == 0))
        exits 0 leat sink-tsdb sqlite:m.db --batch 500 --time .t --tags n --fields id in.json
        diff <(query m.db 'SELECT * FROM metrics ORDER BY n') <(query whole.db 'SELECT * FROM metrics ORDER BY n')
    done
}

@test "--flush: a point is there in time though its batch is not full and the input goes on" {
    begin_run sqlite:m.db --flush 100ms --time .t
    echo '{"t":1,"n":1}' >&8
    one_row() { [[ $(query m.db 'SELECT count(*) FROM metrics' 2>/dev/null) == 1 ]]; }
    until_true one_row
    kill_run
}

@test "a signal: what came is written, and the process ends by it" {
    begin_run sqlite:m.db --flush 1h --time .t
    echo '{"t":1,"n":1}' >&8
    until_true test -s m.db-wal
    sleep 0.3
    kill -TERM "$run_pid"
    reap "$run_pid"
    exec 8>&-
    equals "$status" 143
    equals "$(query m.db 'SELECT n FROM metrics')" 1
}

@test "input that was cut off, or that failed: what came is written, and the exit code is 5" {
    leat map '{t: .ts, n: .latency_ms}' <(leat gen clicks -c 1000 -j) >whole.leat
    head -c 30000 whole.leat >cut.leat
    exits 5 leat sink-tsdb sqlite:m.db --time .t cut.leat
    stream '[begin(None, None), rows(1, 3), finish(4)]' >failed.leat
    exits 5 leat sink-tsdb sqlite:f.db failed.leat
    contains "$stderr" "upstream failed with status 4"
    equals "$(query f.db 'SELECT count(*) FROM metrics')" 3
    flip() { printf '\xff' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
    stream '[begin(None, None), rows(1, 3), finish()]' >bent.leat
    flip bent.leat 250
    exits 6 leat sink-tsdb sqlite:b.db bent.leat
}

@test "blocks that say wrongly that their JSON is valid have bad records, and nothing of them is written" {
    stream '[begin(None, None), rows(1, 2)] + [data([Record(value=v, time=T)], flags=3) for v in
        (b"{\"a\":", b"{\"a\\0b\":1}", b"{\"a\":\"\\xff\",\"n\":1}", b"{\"n\":1,\"n\":2}", b"")]' >bent.leat
    exits 5 leat sink-tsdb sqlite:m.db --on-error skip --stats=json bent.leat
    equals "$(jq -R 'fromjson? | .bad' <<<"$stderr")" 5
    equals "$(query m.db 'SELECT count(*) FROM metrics; PRAGMA integrity_check')" $'2\nok'
}

# ---- barriers -------------------------------------------------------------------------------------------------------

@test "barriers: rows and checkpoint come together, and what is behind the last one is not kept by a failed run" {
    stream '[begin("p", None), rows(1, 5), barrier(1), rows(6, 9), barrier(2), rows(10, 12), finish(1)]' >one.leat
    exits 5 leat sink-tsdb sqlite:m.db --batch 2 one.leat
    equals "$(query m.db 'SELECT count(*), max(n) FROM metrics')" '9|9'
    equals "$(query m.db 'SELECT pipeline, checkpoint FROM leat_checkpoints')" 'p|2'
    # It goes on from checkpoint 2, and ends well: all is kept.
    stream '[begin("p", 2), rows(10, 12), barrier(3), rows(13, 14), finish()]' >two.leat
    exits 0 leat sink-tsdb sqlite:m.db two.leat
    equals "$stderr" ""
    equals "$(query m.db 'SELECT count(*), sum(n) FROM metrics')" '14|105'
}

@test "barriers: a database that is ahead passes over what it has, exactly to its barrier" {
    stream '[begin("p", None), rows(1, 5), barrier(1), rows(6, 9), barrier(2), finish()]' >one.leat
    exits 0 leat sink-tsdb sqlite:m.db one.leat
    # The same positions again; other values show which rows were written.
    stream '[begin("p", None), rows(1, 5, 100), barrier(1), rows(6, 9, 100), barrier(2), rows(10, 12), finish()]' >two.leat
    exits 0 leat sink-tsdb sqlite:m.db --stats two.leat
    contains "$stderr" "9 records passed over: 'sqlite:m.db' has them already"
    contains "$stderr" "3 sent, 3 accepted, 9 passed over"
    equals "$(query m.db 'SELECT count(*), max(n) FROM metrics')" '12|12'
    stream '[begin("p", 1), rows(6, 9, 100), barrier(2), rows(13, 13), barrier(3), finish()]' >three.leat
    exits 0 leat sink-tsdb sqlite:m.db three.leat
    equals "$(query m.db 'SELECT count(*), max(n) FROM metrics')" '13|13'
    # Another pipeline of the same database has nothing yet.
    stream '[begin("q", None), rows(20, 21), barrier(1), finish()]' >four.leat
    exits 0 leat sink-tsdb sqlite:m.db four.leat
    equals "$(query m.db 'SELECT pipeline, checkpoint FROM leat_checkpoints ORDER BY 1')" $'p|3\nq|1'
}

@test "barriers: streams that do not fit the database are refused" {
    stream '[begin("p", None), rows(1, 5), barrier(3), finish()]' | leat sink-tsdb sqlite:m.db
    stream '[begin("p", 5), rows(6, 9), finish()]' >ahead.leat
    exits 2 leat sink-tsdb sqlite:m.db ahead.leat
    contains "$stderr" "goes on at checkpoint 5, and 'sqlite:m.db' has come to 3 only"
    stream '[begin("p", None), rows(1, 5), barrier(2), rows(6, 7), barrier(4), finish()]' >other.leat
    exits 5 leat sink-tsdb sqlite:m.db other.leat
    contains "$stderr" "barrier 3, which 'sqlite:m.db' has come to, did not come, and 4 did"
    stream '[begin("p", None), rows(1, 5), finish()]' >short.leat
    exits 5 leat sink-tsdb sqlite:m.db short.leat
    contains "$stderr" "the input ended before barrier 3"
    stream '[begin("p", 3), rows(6, 7), barrier(4), barrier(4), finish()]' >twice.leat
    exits 6 leat sink-tsdb sqlite:m.db twice.leat
    contains "$stderr" "barrier 4 comes behind 4"
    stream '[begin("p", 4), finish(), begin("q", None), rows(1, 1), finish()]' >mixed.leat
    exits 2 leat sink-tsdb sqlite:m.db mixed.leat
    equals "$(query m.db 'SELECT count(*) FROM metrics')" 7
}

@test "barriers: killed anywhere, and gone on with, the rows are those of a run that was not" {
    stream '[begin("p", None)] + [b for i in range(40) for b in (rows(i * 50, i * 50 + 49), barrier(i + 1))] + [finish()]' >all.leat
    leat sink-tsdb sqlite:whole.db all.leat
    local size n reached
    size=$(stat -c %s all.leat)
    for n in 1 2 3 4 5; do
        rm -f m.db*
        begin_run sqlite:m.db --batch 20
        head -c $((size * n / 6)) all.leat >&8 3>&- &
        until_true test -s m.db-wal
        sleep 0.0$n
        kill_run
        reached=$(query m.db "SELECT coalesce(max(checkpoint), 0) FROM leat_checkpoints" 2>/dev/null || echo 0)
        # Whatever is there is there up to a barrier, and no further.
        equals "$(query m.db 'SELECT count(*) FROM metrics' 2>/dev/null || echo 0)" $((reached * 50))
        exits 0 leat sink-tsdb sqlite:m.db all.leat
        diff <(query m.db 'SELECT * FROM metrics ORDER BY time_ns') <(query whole.db 'SELECT * FROM metrics ORDER BY time_ns')
    done
}

@test "barriers: a run that is not the newest of its pipeline cannot commit" {
    stream '[begin("p", None), rows(1, 5), barrier(1)]' >head.leat
    stream '[begin("p", 1), rows(6, 9), barrier(2), finish()]' >new.leat
    stream '[rows(6, 9, 100), barrier(2)]' >tail.leat
    begin_run sqlite:m.db
    cat head.leat >&8
    has_five() { [[ $(query m.db 'SELECT count(*) FROM metrics' 2>/dev/null) == 5 ]]; }
    until_true has_five
    exits 0 leat sink-tsdb sqlite:m.db new.leat
    cat tail.leat >&8
    exec 8>&-
    reap "$run_pid"
    equals "$status" 7
    contains "$(<words)" "a newer run of pipeline 'p' writes to 'm.db'"
    equals "$(query m.db 'SELECT count(*), max(n) FROM metrics')" '9|9'
}

# ---- the rest -------------------------------------------------------------------------------------------------------

@test "a secret in the URL is taken, wiped from the arguments, told of, and in no message" {
    begin_run --retry-for 0 'influx2://127.0.0.1:1/org/bucket?token=geheim' --time .t
    wiped() { tr '\0' ' ' <"/proc/$run_pid/cmdline" | grep -qF 'bucket?token=******'; }
    until_true wiped
    echo '{"t":1,"n":1}' >&8
    exec 8>&-
    reap "$run_pid"
    equals "$status" 4
    contains "$(<words)" "a password or token was on the command line"
    grep -q geheim words && return 1
    exits 2 leat sink-tsdb 'influx://ann:geheim@host' --time .t <<<'{"t":1}'
    contains "$stderr" "'influx://ann:******@host'"
    exits 4 leat sink-tsdb --credentials none 'influx://h/db' </dev/null
    contains "$stderr" "cannot open 'none'"
}

@test "usage: words that are wrong, and nothing is read" {
    exits 2 leat sink-tsdb
    exits 2 leat sink-tsdb m.db </dev/null
    contains "$stderr" "'m.db' is not a URL of sqlite, influx"
    exits 2 leat sink-tsdb sqlite:m.db --create </dev/null
    exits 2 leat sink-tsdb sqlite:m.db --retry-for soon </dev/null
    exits 2 leat sink-tsdb sqlite:m.db --batch 0 </dev/null
    exits 2 leat sink-tsdb sqlite:m.db --measurement '.a[' </dev/null
    [[ ! -e m.db ]]
    exits 0 leat sink-tsdb sqlite:m.db --explain --tags a --measurement .m </dev/null
    contains "$output" "--measurement"
    exits 0 leat sink-tsdb sqlite:m.db </dev/null
}

@test "lines: a reader that went away is no failure, a full device is one" {
    leat gen clicks -c 50000 -j >in.json
    exits 0 bash -c 'leat sink-tsdb lines:- --time .ts in.json | head -n 1; [[ ${PIPESTATUS[0]} == 141 || ${PIPESTATUS[0]} == 0 ]]'
    exits 4 bash -c 'leat sink-tsdb lines:- --time .ts in.json >/dev/full'
}

@test "memory is flat once the caches of SQLite are full: three times the points, the same peak" {
    long
    leat gen clicks -c 800000 -j >small.json
    leat gen clicks -c 2400000 -j >large.json
    local small large
    small=$(peak_kib leat sink-tsdb sqlite:s.db --tags country --fields latency_ms --time .ts small.json 2>/dev/null)
    large=$(peak_kib leat sink-tsdb sqlite:l.db --tags country --fields latency_ms --time .ts large.json 2>/dev/null)
    echo "$small KiB, $large KiB"
    ((large < small + 2048 && large < 49152))
}

@test "the dashboards in examples are JSON that asks for what the tool writes" {
    local file
    for file in "$LEAT_SOURCE"/examples/grafana-{sqlite,prometheus,influx}.json; do
        exits 0 jq -e '(.title | length > 0) and (.panels | length > 1) and all(.panels[]; .title and .gridPos and
            (.targets | length > 0)) and ([.panels[].id] | length == (unique | length))' "$file"
    done
    # The queries of SQLite run as they are, with Grafana's variables filled in.
    leat gen clicks -c 5000 -j >clicks.json
    leat window --tumble 1m --time .ts -g .country '{n: count, p99: p99(.latency_ms)}' clicks.json 2>/dev/null |
        leat sink-tsdb sqlite:m.db
    local sql
    while IFS= read -r sql; do
        sql=${sql//'${__from}'/0}
        sql=${sql//'${__to}'/4000000000000}
        exits 0 query m.db "$sql"
        [[ -n $output ]]
    done < <(jq -r '.panels[].targets[].queryText' "$LEAT_SOURCE/examples/grafana-sqlite.json")
}

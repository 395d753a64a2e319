#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat join, the lookup form: tables of every kind, keys, results, a table that changes while it is used, and what goes
# wrong. Random cases against a nested loop are in join_reference.py.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' '{"user":"ann","ms":12}' '{"user":"bob","ms":7,"tier":"own"}' '{"user":null,"ms":350}' '{"ms":1}' \
        ' { "user" : "zed" } ' '"x"' >s.json
    printf '%s\n' user,tier,n ann,gold,1 bob,silver,2 ann,iron,3 >t.csv
}

teardown() {
    local left
    left=$(jobs -p)
    # shellcheck disable=SC2086
    [[ -z $left ]] || kill -9 $left 2>/dev/null || true
}

# Join s.json with t.csv by .user.
joined() {
    leat join --table t.csv --on '.user?' -j "$@" s.json
}

make_database() {
    python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.executescript(sys.argv[2])' "$1" "$2"
}

@test "inner: records with a partner get the fields that they have not; of rows with one key the last counts" {
    exits 0 joined
    equals "$output" '{"user":"ann","ms":12,"tier":"iron","n":3}
{"user":"bob","ms":7,"tier":"own","n":2}'
    equals "$stderr" ""
    exits 0 leat join --table t.csv --on '.user?' -j <s.json
    equals "${#lines[@]}" 2
}

@test "--left, --anti and --many" {
    exits 0 joined --left
    equals "$output" '{"user":"ann","ms":12,"tier":"iron","n":3}
{"user":"bob","ms":7,"tier":"own","n":2}
{"user":null,"ms":350}
{"ms":1}
{ "user" : "zed" }
"x"'
    exits 0 joined --anti
    equals "$output" '{"user":null,"ms":350}
{"ms":1}
{ "user" : "zed" }
"x"'
    exits 0 joined --many
    equals "$output" '{"user":"ann","ms":12,"tier":"gold","n":1}
{"user":"ann","ms":12,"tier":"iron","n":3}
{"user":"bob","ms":7,"tier":"own","n":2}'
}

@test "--as nests the row, in the place of a field by that name; --prefix goes before names" {
    exits 0 joined --as row
    equals "$output" '{"user":"ann","ms":12,"row":{"user":"ann","tier":"iron","n":3}}
{"user":"bob","ms":7,"tier":"own","row":{"user":"bob","tier":"silver","n":2}}'
    exits 0 joined --as ms
    equals "${lines[0]}" '{"user":"ann","ms":{"user":"ann","tier":"iron","n":3}}'
    exits 0 joined --prefix t_
    equals "$output" '{"user":"ann","ms":12,"t_user":"ann","t_tier":"iron","t_n":3}
{"user":"bob","ms":7,"tier":"own","t_user":"bob","t_tier":"silver","t_n":2}'
    printf '%s\n' '5' '[1, 2]' '"w"' >values
    exits 0 leat join --table values --on '.' --on-table 'if type == "array" then .[0] else . end' --as v -j <<<'{}'
    equals "$output" ""
    exits 0 leat join --table ./values --on '.a' --on-table 'if type == "array" then .[0] else . end' --as v -j \
        <<<'{"a":1}'
    equals "$output" '{"a":1,"v":[1, 2]}'
}

@test "--unmatched takes the records without a partner, whole, to a file and to a topic" {
    exits 0 joined --unmatched ./none.leat
    equals "${#lines[@]}" 2
    exits 0 leat show -j none.leat
    equals "$output" '{"user":null,"ms":350}
{"ms":1}
{ "user" : "zed" }
"x"'
    leat gen clicks -c 20000 >c.leat
    leat filter '.user < "u5"' c.leat -j >table.json
    leat filter '.user >= "u5"' c.leat -J >wanted
    exits 0 leat join --table table.json --on .user --many --unmatched none c.leat --output out.leat
    leat consume none -e -J | jq -c 'del(.topic, .partition, .offset)' >got
    diff <(jq -c 'del(.topic, .partition, .offset)' wanted) got
}

@test "the table may be JSON lines, CSV, TSV, blocks, a pipe, a topic, or SQLite" {
    local wanted='{"user":"ann","ms":12,"tier":"iron","n":3}
{"user":"bob","ms":7,"tier":"own","n":2}' t
    tr , '\t' <t.csv >t.tsv
    leat map . t.csv -j >t.json
    leat map . t.csv >t.leat
    leat produce users --key .user t.json
    make_database t.db 'CREATE TABLE "my ""users" (user TEXT, tier TEXT, n INTEGER);
        INSERT INTO "my ""users" VALUES ("ann", "gold", 1), ("bob", "silver", 2), ("ann", "iron", 3)'
    for t in t.tsv t.json t.leat users 'sqlite:t.db?table=my "users'; do
        exits 0 leat join --table "$t" --on '.user?' -j s.json
        equals "$t: $output" "$t: $wanted"
    done
    mkfifo pipe
    leat map . t.csv >pipe &
    exits 0 leat join --table pipe --on '.user?' -j s.json
    equals "$output" "$wanted"
}

@test "a topic is a table: the last value of a key, and tombstones take it away" {
    printf 'k1\t{"v":1}\nk2\t{"v":2}\nk1\t{"v":3}\nk3\t{"v":4}\nk2\t\n' |
        leat produce t --partitions 3 -K $'\t' -Z --in lines --value json
    printf '%s\n' '{"k":"k1"}' '{"k":"k2"}' '{"k":"k3"}' >q.json
    exits 0 leat join --table t --on .k -j q.json
    equals "$output" '{"k":"k1","v":3}
{"k":"k3","v":4}'
    exits 0 leat join --table t --on .k --many -j q.json
    equals "$output" '{"k":"k1","v":1}
{"k":"k1","v":3}
{"k":"k3","v":4}'
    exits 0 leat join --table t --on .k --anti -j q.json
    equals "$output" '{"k":"k2"}'
    exits 0 leat join --table t --on .n --on-table .v -j <<<'{"n":4.0}'
    equals "$output" '{"n":4.0,"v":4}'
}

@test "SQLite: the types of columns, views, and a database that somebody else has open" {
    make_database t.db "CREATE TABLE t (k INTEGER, r REAL, b BLOB, n, s TEXT);
        INSERT INTO t VALUES (1, 1.5, x'00ff', NULL, 'a\"b'), (2, 9e999, x'', 0.1, '');
        CREATE VIEW v AS SELECT k, k * 2 AS double FROM t"
    printf '%s\n' '{"k":1}' '{"k":2}' >q.json
    exits 0 leat join --table 'sqlite:t.db?table=t' --on .k -j q.json
    equals "$output" '{"k":1,"r":1.5,"b":"AP8=","n":null,"s":"a\"b"}
{"k":2,"r":null,"b":"","n":0.1,"s":""}'
    exits 0 leat join --table 'sqlite:t.db?table=v' --on .k -j q.json
    equals "$output" '{"k":1,"double":2}
{"k":2,"double":4}'
    # A write-ahead log with rows that are in no other file yet.
    python3 -c 'import sqlite3, subprocess, sys
db = sqlite3.connect("t.db", isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("INSERT INTO t (k, s) VALUES (3, \"new\")")
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO t (k, s) VALUES (3, \"not committed\")")
r = subprocess.run(["leat", "join", "--table", "sqlite:t.db?table=t", "--on", ".k", "-j"], input=b"{\"k\":3}\n", stdout=subprocess.PIPE)
sys.stdout.buffer.write(r.stdout)' >out
    equals "$(cat out)" '{"k":3,"r":null,"b":null,"n":null,"s":"new"}'
}

@test "keys are equal as JSON values; null and missing ones never are; several in an array" {
    printf '%s\n' '{"id":1,"v":"number"}' '{"id":"1","v":"text"}' '{"id":null,"v":"null"}' '{"v":"missing"}' \
        '{"id":[1,"x"],"v":"array"}' '{"id":{"a":1,"b":2},"v":"object"}' >t.json
    printf '%s\n' '{"id":1.0}' '{"id":"\u0031"}' '{"id":null}' '{}' '{"id":[ 1e0,"x"]}' '{"id":{"b":2,"a":1}}' >q.json
    exits 0 leat join --table t.json --on .id -j q.json
    equals "$output" '{"id":1.0,"v":"number"}
{"id":"\u0031","v":"text"}
{"id":[ 1e0,"x"],"v":"array"}
{"id":{"b":2,"a":1},"v":"object"}'
    printf '%s\n' '{"a":1,"b":null,"v":1}' '{"a":1,"b":2,"v":2}' >t.json
    exits 0 leat join --table t.json --on '[.a, .b]' --left -j <<<$'{"a":1,"b":null}\n{"a":1,"b":2}\n{"a":1}'
    equals "$output" '{"a":1,"b":null}
{"a":1,"b":2,"v":2}
{"a":1}'
}

@test "when strings met numbers and nothing matched, that is said, with advice" {
    printf '%s\n' '{"id":"1"}' >t.json
    exits 0 leat join --table t.json --on .id -j <<<'{"id":1}'
    equals "$output" ""
    contains "$stderr" "keys of the table are strings, those of the records are numbers; '| tostring'"
    exits 0 leat join --table t.json --on '.id | tostring' -j <<<'{"id":1}'
    equals "$output$stderr" '{"id":1}'
    printf '%s\n' '{"id":1}' >t.json
    exits 0 leat join --table t.json --on .id -j <<<'{"id":"1"}'
    contains "$stderr" "'| tonumber'"
    exits 0 leat join --table t.json --on .id -j <<<'{"id":2}'
    equals "$stderr" ""
}

@test "results keep key, time and headers; tombstones go through; the text of both sides stays" {
    printf '{"topic":"t","partition":0,"offset":5,"ts":1700000000000,"headers":["h","1"],"key":"ann","payload":"{\\"user\\":\\"ann\\"}"}\n' >r.env
    printf '{"topic":"t","partition":0,"offset":6,"ts":1700000000001,"key":"bob","payload":null}\n' >>r.env
    exits 0 leat join --table t.csv --on .user -i envelope -J r.env
    equals "$(jq -c '[.key, .ts, .headers, .payload]' <<<"$output")" \
        '["ann",1700000000000,["h","1"],{"user":"ann","tier":"iron","n":3}]
["bob",1700000000001,null,null]'
    printf ' { "k" : 1.50 , "\\u0061" : 1 } \n{ }\n' >odd.json
    printf '{"k":15e-1,"a":2, "b" : [ 1 , "\\u0041" ]}\n' >t.json
    exits 0 leat join --table t.json --on .k --left -j odd.json
    equals "$output" '{ "k" : 1.50 , "\u0061" : 1,"b":[ 1 , "\u0041" ] }
{ }'
}

@test "random tables and streams, from text, from blocks and ahead of their turn, against a nested loop" {
    exits 0 python3 "$BATS_TEST_DIRNAME/join_reference.py" leat 7 "${JOIN_CASES:-150}"
}

@test "blocks joined ahead have bad records in their places" {
    leat gen clicks -c 50000 | leat map 'if .bytes % 9999 == 0 then .user else . end' >c.leat
    leat gen clicks -c 1000 | leat map '{user, seen: .ts}' -j >t.json
    exits 0 leat join --table t.json --on '.user' --on-error skip --left -j c.leat
    contains "$stderr" "more bad records are skipped"
    printf '%s\n' "$output" >from_blocks
    leat map . c.leat -j >c.json
    leat join --table t.json --on '.user' --on-error skip --left -j c.json >from_text 2>/dev/null
    cmp from_blocks from_text
    # The second partner of some makes a result that is over the limit: there is no result of the first, either.
    leat gen clicks -c 100000 | leat map '{k: (.bytes % 50), pad: .url}' >k.leat
    leat map . k.leat -j >k.json
    { printf '{"k":%d,"v":"small"}\n' {0..49}; printf '{"k":%d,"w":"%02000d"}\n' 7 1 30 2; } >t.json
    leat join --table t.json --on .k --many --max-record 2040 --on-error skip -j k.leat >from_blocks 2>/dev/null
    leat join --table t.json --on .k --many --max-record 2040 --on-error skip -j k.json >from_text 2>/dev/null
    cmp from_blocks from_text
    equals "$(grep -c '"k":7,' from_blocks)" 0
    equals "$(wc -l <from_blocks)" "$(grep -vcE '"k":(7|30),' k.json)"
    leat map '{user, seen: .ts}' <(leat gen clicks -c 1000) -j >t.json
    exits 3 leat join --table t.json --on '.user' -j c.leat
    contains "$stderr" "record 'c.leat@2': --on: Cannot index string with string"
}

# Write lines into a running join and wait for what comes of them.
start_join() {
    mkfifo in
    leat join --on .k -j "$@" <in >out 2>err &
    join=$!
    exec 7>in
}

says() {
    echo "$1" >&7
    until_true grep -qxF "$2" out
}

@test "SIGHUP and --reload take a new table, by rename too; a record is joined by one of the two" {
    printf '{"k":1,"v":"old"}\n' >t.json
    start_join --table ./t.json
    says '{"k":1,"n":1}' '{"k":1,"n":1,"v":"old"}'
    printf '{"k":1,"v":"new"}\n' >t.new
    mv t.new t.json
    says '{"k":1,"n":2}' '{"k":1,"n":2,"v":"old"}'
    kill -HUP "$join"
    says '{"k":1,"n":3}' '{"k":1,"n":3,"v":"new"}'
    printf '{"k":1,' >t.json
    kill -HUP "$join"
    says '{"k":1,"n":4}' '{"k":1,"n":4,"v":"new"}'
    contains "$(cat err)" "warning: going on with the table as it was: table './t.json': record './t.json:1': "
    rm t.json
    kill -HUP "$join"
    says '{"k":1,"n":5}' '{"k":1,"n":5,"v":"new"}'
    contains "$(cat err)" "cannot open './t.json'"
    exec 7>&-
    wait "$join"
    equals "$(wc -l <out)" 5
}

@test "a table out of a pipe stays as it is" {
    mkfifo pipe
    printf '{"k":1,"v":"once"}\n' >pipe &
    start_join --table pipe --reload 10ms
    says '{"k":1,"n":1}' '{"k":1,"n":1,"v":"once"}'
    kill -HUP "$join"
    says '{"k":1,"n":2}' '{"k":1,"n":2,"v":"once"}'
    equals "$(cat err)" "leat join: warning: going on with the table as it was: table 'pipe' is no file that can be read again"
    exec 7>&-
    wait "$join"
}

@test "--reload looks by itself: at files, topics and databases" {
    printf '{"k":1,"v":"old"}\n' >t.json
    start_join --table ./t.json --reload 50ms
    says '{"k":1,"n":1}' '{"k":1,"n":1,"v":"old"}'
    printf '{"k":1,"v":"newer"}\n' >t.json
    sleep 0.3
    says '{"k":1,"n":2}' '{"k":1,"n":2,"v":"newer"}'
    exec 7>&-
    wait "$join"
    rm in
    leat produce t --key .k <<<'{"k":"1","v":1}'
    start_join --table t --reload 50ms
    says '{"k":"1","n":1}' '{"k":"1","n":1,"v":1}'
    leat produce t --key .k <<<'{"k":"1","v":2}'
    sleep 0.3
    says '{"k":"1","n":2}' '{"k":"1","n":2,"v":2}'
    exec 7>&-
    wait "$join"
    rm in
    make_database t.db 'PRAGMA journal_mode=WAL; CREATE TABLE t (k, v); INSERT INTO t VALUES (1, 1)'
    start_join --table 'sqlite:t.db?table=t' --reload 50ms
    says '{"k":1,"n":1}' '{"k":1,"n":1,"v":1}'
    make_database t.db 'UPDATE t SET v = 2'
    sleep 0.3
    says '{"k":1,"n":2}' '{"k":1,"n":2,"v":2}'
    exec 7>&-
    wait "$join"
    equals "$(cat err)" ""
}

@test "a table that is replaced all the time loses and doubles no record, and each has one of the tables" {
    local i
    leat gen clicks -c 100000 -j >c.json
    leat map '{k: .user, i: .ts}' c.json >c.leat
    leat map -j '{k: .user, v: 0}' c.json >t.json
    # Much of it is read ahead while the table changes.
    leat join --table ./t.json --on .k --reload 1ms -j c.leat c.leat c.leat c.leat c.leat c.leat >out &
    join=$!
    until_true test -s out
    for ((i = 1; i <= 5; i++)); do
        leat map -j "{k: .user, v: $i}" c.json >t.new
        mv t.new t.json
        kill -HUP "$join" 2>/dev/null || break
    done
    wait "$join"
    equals "$(wc -l <out)" 600000
    leat map -j . c.leat c.leat c.leat c.leat c.leat c.leat >wanted
    cmp wanted <(sed -E 's/,"v":[0-5]\}$/}/' out)
    # A newer table never gives way to an older one.
    grep -oE '[0-5]\}$' out | uniq >order
    equals "$(sort -c order 2>&1)" ""
}

# Read what a join writes up to the row of key 2, which is more than a pipe takes, so that it waits; let it do ahead all
# that it can, change the table, and read the rest. Before that row key 1 has its old row, behind it the new one.
changed_halfway() {
    python3 - "$join" "$@" <<'END'
import glob, subprocess, sys, time

def is_asleep():
    return all(open(f).read().rpartition(")")[2].split()[0] == "S" for f in glob.glob(f"/proc/{sys.argv[1]}/task/*/stat"))

with open("out.pipe", "rb", buffering=0) as f:
    text = b""
    while b'{"k":2,' not in text:
        text += f.read(65536)
    times = 0
    while times < 5:
        time.sleep(0.02)
        times = times + 1 if is_asleep() else 0
    assert subprocess.run(["bash", "-c", sys.argv[2]]).returncode == 0
    text += f.read()
before, behind = text.split(b'{"k":2,')
seen = [(part.count(b'"v":0}'), part.count(b'"v":1}')) for part in (before, behind)]
assert seen == [(int(sys.argv[3]), 0), (0, int(sys.argv[4]))], seen
END
}

@test "what was joined ahead by a table that has changed since is joined again" {
    local last
    clicks() {
        seq 60000 | leat map -i json "{k: (if . == $1 then 2 elif . % 10 == 0 then 1 else 3 end), pad: (\"x\" * 200)}"
    }
    clicks 0 >c.leat
    last=$(leat topic dump ./c.leat | awk '$2 == "data" { n += $7 } n > 30000 { print n; exit }')
    clicks "$last" >c.leat # the last of its block
    printf '{"k":1,"v":0}\n{"k":2,"wide":"%01100000d"}\n' 1 >t.json
    sed 's/"v":0/"v":1/' t.json >t.new
    leat produce t --key .k t.json
    mkfifo out.pipe
    leat join --table ./t.json --on .k -j c.leat >out.pipe &
    join=$!
    changed_halfway "mv t.new t.json; kill -HUP $join" $((last / 10)) $((6000 - last / 10))
    wait "$join"
    leat join --table t --on '.k | tostring' -j c.leat >out.pipe &
    join=$!
    changed_halfway "leat produce t --key .k <<<'{\"k\":1,\"v\":1}'" $((last / 10)) $((6000 - last / 10))
    wait "$join"
}

# Put records into the topic t: KEY<tab>VALUE, and KEY<tab> takes the key away. What a record sees was there ten
# milliseconds before it.
put() {
    printf '%b\n' "$@" | leat produce t -K $'\t' -Z --in lines --value json
    sleep 0.01
}

end_join() {
    exec 7>&-
    wait "$join"
    rm in
}

# A join ends by itself, while its input is still open.
is_over() {
    ! kill -0 "$join" 2>/dev/null
}

ends_with() {
    local code=0
    until_true is_over
    wait "$join" || code=$?
    exec 7>&-
    rm in
    equals "$code" "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ $(cat err) == "leat join: "$2 ]] || equals "$(cat err)" "leat join: $2"
}

@test "a topic is followed: new rows, new keys, tombstones, partitions that are added, many rows of a key" {
    put 'a\t{"v":1}'
    start_join --table t --left
    says '{"k":"a","n":1}' '{"k":"a","n":1,"v":1}'
    put 'a\t{"v":2}' 'b\t{"v":3}'
    says '{"k":"a","n":2}' '{"k":"a","n":2,"v":2}'
    says '{"k":"b","n":3}' '{"k":"b","n":3,"v":3}'
    put 'a\t'
    says '{"k":"a","n":4}' '{"k":"a","n":4}'
    leat topic alter t --partitions 7 2>/dev/null
    put 'p1\t{"v":1}' 'p2\t{"v":2}' 'p3\t{"v":3}' 'p4\t{"v":4}' 'p5\t{"v":5}'
    for i in 1 2 3 4 5; do says "{\"k\":\"p$i\"}" "{\"k\":\"p$i\",\"v\":$i}"; done
    put 'p1\t{"v":6}'
    says '{"k":"p1","n":5}' '{"k":"p1","n":5,"v":6}'
    end_join
    equals "$(cat err)" ""
    start_join --table t --many
    put 'b\t{"v":4}'
    says '{"k":"b","n":6}' '{"k":"b","n":6,"v":4}'
    put 'b\t' 'b\t{"v":5}'
    says '{"k":"b","n":7}' '{"k":"b","n":7,"v":5}'
    end_join
    equals "$(grep '"n":[67]' out)" '{"k":"b","n":6,"v":3}
{"k":"b","n":6,"v":4}
{"k":"b","n":7,"v":5}'
    start_join --table t --anti
    says '{"k":"q"}' '{"k":"q"}'
    put 'q\t1' 'b\t'
    echo '{"k":"q","n":8}' >&7
    says '{"k":"b","n":8}' '{"k":"b","n":8}'
    end_join
    equals "$(wc -l <out)" 2
}

@test "a topic is followed in a stream of blocks, and while nothing comes" {
    put 'a\t{"v":1}'
    mkfifo in
    leat map . -i json <in | leat join --table t --on .k -j >out 2>err &
    exec 7>in
    says '{"k":"a","n":1}' '{"k":"a","n":1,"v":1}'
    put 'a\t{"v":2}'
    says '{"k":"a","n":2}' '{"k":"a","n":2,"v":2}'
    exec 7>&-
    wait $!
    rm in
    start_join --table t
    says '{"k":"a","n":3}' '{"k":"a","n":3,"v":2}'
    leat topic delete t
    # It ends without another record.
    ends_with 4 "table 't': topic 't' was deleted"
}

@test "a topic that grows all the time: no record is lost or doubled, and no key goes back to an older row" {
    local i
    leat gen clicks -c 100000 -j | leat map '{k: .user, i: .ts}' >c.leat
    leat map -j '{k, v: 0}' c.leat | sort -u | leat produce t --key .k --partitions 3
    for i in {1..4}; do leat map -j "{k, v: $i}" c.leat | head -50000 >"$i.json"; done
    mkfifo in
    leat join --table t --on .k -j <in >out &
    join=$!
    exec 7>in
    for i in {1..4}; do
        cat c.leat >&7 &
        leat produce t --key .k "$i.json"
        wait $!
    done
    sleep 0.01
    cat c.leat >&7
    exec 7>&-
    wait "$join"
    leat map -j . c.leat c.leat c.leat c.leat c.leat >wanted
    cmp wanted <(sed -E 's/,"v":[0-9]\}$/}/' out)
    sed -E 's/.*"k":"(.*)","i".*"v":([0-9])\}$/\1 \2/' out >seen
    equals "$(awk '$2 < last[$1] { print; exit } { last[$1] = $2 }' seen)" ""
    # Which versions a record saw in between depends on when it came; the last one is certain.
    [[ $(cut -d ' ' -f 2 seen | sort -u | tr -d '\n') == *?4 ]]
}

@test "the memory of rows that were replaced or taken away is used again; a table that grows over --max-state is exit 4" {
    local i
    seq 2000 | leat map -i json '{k: "k\(.)", v: 0}' | leat produce t --key .k
    start_join --table t --max-state 1MiB
    says '{"k":"k7"}' '{"k":"k7","v":0}'
    for i in 1 2 3; do
        # 100,000 rows of many sizes; a part of the keys goes and comes again.
        seq 100000 | leat map -i json "{k: \"k\(. % 2000 + 1)\", v: $i, pad: (\"x\" * (. % 37))}" | leat produce t --key .k
        seq 100 2000 | sed 's/.*/k&\t/' | leat produce t -K $'\t' -Z --in lines
        sleep 0.01
        echo '{"k":"k100"}' >&7
        says '{"k":"k8"}' "{\"k\":\"k8\",\"v\":$i,\"pad\":\"$(printf 'x%.0s' {1..31})\"}"
    done
    equals "$(grep -c k100 out)" 0
    seq 20000 | leat map -i json '{k: .}' | leat produce t --key .k
    ends_with 4 "table 't': state is over 1 MiB (--max-state)"
}

@test "a bad row of a topic that is followed is exit 3, or what --on-error and --dead-letter say" {
    put 'a\t{"v":1}'
    start_join --table t
    says '{"k":"a"}' '{"k":"a","v":1}'
    put 'b\t5'
    ends_with 3 "table 't': record 't/0@1': row is no object; --as NAME takes any value"
    leat topic delete t
    put 'a\t{"v":1}'
    start_join --table t --on-error skip
    says '{"k":"a"}' '{"k":"a","v":1}'
    put 'b\t5' 'a\t{"v":2}'
    says '{"k":"a"}' '{"k":"a","v":2}'
    contains "$(cat err)" "record 't/0@1' skipped: row is no object"
    end_join
    start_join --table t --dead-letter ./dead.leat
    put 'c\t7' 'a\t{"v":3}'
    says '{"k":"a"}' '{"k":"a","v":3}'
    end_join
    equals "$(leat show -f '%s\n' dead.leat)" '5
7'
}

@test "damage in a topic that is followed is exit 6, and no record is joined after it" {
    put 'a\t{"v":1}'
    start_join --table t
    says '{"k":"a","n":1}' '{"k":"a","n":1,"v":1}'
    kill -STOP "$join"
    put 'a\t{"v":2}'
    printf 'X' | dd of="$(echo "$LEAT_DIR"/topics/t/0/*.leat)" bs=1 conv=notrunc status=none \
        seek=$(($(stat -c %s "$LEAT_DIR"/topics/t/0/*.leat) - 3))
    echo '{"k":"a","n":2}' >&7
    kill -CONT "$join"
    ends_with 6 "table 't': 't/0' at offset 1: block fails its check: CRC *"
    equals "$(cat out)" '{"k":"a","n":1,"v":1}'
    leat topic delete t
    rm out
    put 'a\t{"v":1}'
    start_join --table t
    says '{"k":"a","n":3}' '{"k":"a","n":3,"v":1}'
    echo "{}" >"$LEAT_DIR/topics/t/topic.json"
    ends_with 6 "table 't': topic file of 't' fails its check"
}

@test "rows whose records were removed stay until the topic is loaded again: by SIGHUP, --reload, or as news may be missing" {
    put 'old\t{"v":1}' 'new\t{"v":1}'
    start_join --table t --left
    says '{"k":"new","n":1}' '{"k":"new","n":1,"v":1}'
    leat topic trim t --before 1 --execute >trimmed
    says '{"k":"old","n":2}' '{"k":"old","n":2,"v":1}'
    kill -HUP "$join"
    says '{"k":"old","n":3}' '{"k":"old","n":3}'
    put 'new\t{"v":3}' 'old\t{"v":3}'
    says '{"k":"new","n":4}' '{"k":"new","n":4,"v":3}'
    says '{"k":"old","n":5}' '{"k":"old","n":5,"v":3}'
    # It misses the tombstone.
    kill -STOP "$join"
    put 'old\t' 'new\t{"v":4}'
    leat topic trim t --before -1 --execute >trimmed
    kill -CONT "$join"
    says '{"k":"old","n":6}' '{"k":"old","n":6}'
    says '{"k":"new","n":7}' '{"k":"new","n":7,"v":4}'
    end_join
    start_join --table t --left --reload 20ms
    says '{"k":"new","n":8}' '{"k":"new","n":8,"v":4}'
    put 'old\t{"v":5}'
    says '{"k":"old","n":9}' '{"k":"old","n":9,"v":5}'
    leat topic trim t --before end --execute >trimmed
    sleep 0.1
    says '{"k":"old","n":10}' '{"k":"old","n":10}'
    end_join
    equals "$(cat err)" ""
}

@test "a topic that is read as a file stays as it is" {
    put 'a\t{"v":1}' 'b\t{"v":2}' 'b\t'
    mkfifo pipe
    leat consume t --exit >pipe &
    start_join --table pipe --on-table '$key' --left
    says '{"k":"a","n":1}' '{"k":"a","n":1,"v":1}'
    says '{"k":"b","n":2}' '{"k":"b","n":2}'
    put 'a\t{"v":3}'
    says '{"k":"a","n":3}' '{"k":"a","n":3,"v":1}'
    end_join
    equals "$(cat err)" ""
}

@test "a table that is not there, cannot be read, or is no table" {
    exits 4 leat join --table ./nix.json --on .k s.json
    equals "$stderr" "leat join: table './nix.json': cannot open './nix.json': No such file or directory"
    exits 4 leat join --table nix --on .k s.json
    contains "$stderr" "leat join: table 'nix' is no file, and as a topic: "
    leat produce some <<<1
    exits 4 leat join --table nix --on .k s.json
    equals "$stderr" "leat join: table 'nix': there is neither a file nor a topic of that name"
    exits 4 leat join --table 'sqlite:nix.db?table=t' --on .k s.json
    equals "$stderr" "leat join: table 'sqlite:nix.db?table=t': cannot open 'nix.db': No such file or directory"
    make_database t.db 'CREATE TABLE t (k)'
    exits 4 leat join --table 'sqlite:t.db?table=u' --on .k s.json
    equals "$stderr" "leat join: table 'sqlite:t.db?table=u': no such table: u"
    exits 6 leat join --table 'sqlite:t.csv?table=u' --on .k s.json
    equals "$stderr" "leat join: table 'sqlite:t.csv?table=u': file is not a database"
    [[ $(id -u) -eq 0 ]] && return
    chmod 0 t.csv
    exits 4 leat join --table t.csv --on .k s.json
}

@test "a bad row names its line and is exit 3, unless --on-error or --dead-letter say otherwise" {
    printf '%s\n' '{"user":"ann","v":1}' '{"user":' '{"user":"bob","v":2}' 7 >t.json
    exits 3 leat join --table t.json --on .user -j s.json
    contains "$stderr" "leat join: table 't.json': record 't.json:2': "
    equals "$output" ""
    exits 0 leat join --table t.json --on .user --dead-letter ./dead.leat -j <<<'{"user":"bob"}'
    equals "$output" '{"user":"bob","v":2}'
    exits 0 leat show -f '%s\n' dead.leat
    equals "$output" '{"user":
7'
    exits 0 leat join --table t.json --on '.user?' --on-table '.user' --on-error skip -j <<<'{"user":"bob"}'
    equals "$output" '{"user":"bob","v":2}'
    contains "$stderr" "record 't.json:2' skipped: "
    contains "$stderr" "record 't.json:4' skipped: "
    leat produce t --key .user <<<'{"user":"ann"}'
    exits 3 leat join --table t --on .user --on-table '.user + 1' -j s.json
    contains "$stderr" "table 't': record 't/0@0': "
}

@test "a record with a partner that is no object is bad" {
    printf '5\n' >q
    printf '{"k":5}\n' >t.json
    exits 3 leat join --table t.json --on . --on-table .k -i json q -j
    equals "$stderr" "leat join: record 'q:1': record has a partner, and is no object that could have its fields"
    exits 0 leat join --table t.json --on . --on-table .k -i json q -j --on-error skip
    equals "$output" ""
}

@test "a table over the memory limit is exit 4, and says so" {
    leat gen clicks -c 5000 -j >big.json
    exits 4 leat join --table big.json --on .ts --max-state 64KiB s.json
    equals "$stderr" "leat join: table 'big.json': state is over 64 KiB (--max-state)"
    exits 0 leat join --table big.json --on '.ts?' --max-state 64MiB s.json
}

@test "damaged and cut-off blocks of the table and of the stream" {
    leat gen clicks -c 500 >c.leat
    head -c 50000 c.leat >cut.leat
    exits 5 leat join --table cut.leat --on .user c.leat -j
    contains "$stderr" "leat join: table 'cut.leat': "
    equals "$output" ""
    exits 5 leat join --table c.leat --on .user cut.leat -j
    cp c.leat bad.leat
    printf 'X' | dd of=bad.leat bs=1 seek=20000 conv=notrunc status=none
    exits 6 leat join --table bad.leat --on .user c.leat -j
    exits 6 leat join --table c.leat --on .user bad.leat -j
    exits 6 leat join --table c.leat --on .user bad.leat --output out.leat
    [[ ! -e out.leat ]]
}

@test "words that are wrong are exit 2, and nothing is read" {
    local o
    exits 2 leat join s.json
    equals "$stderr" "leat join: --table SOURCE or --with SOURCE is missing"
    exits 2 leat join --table t.csv s.json
    equals "$stderr" "leat join: --on EXPR is missing"
    exits 2 leat join --table - --on .k
    exits 2 leat join --table sqlite:t.db --on .k
    exits 2 leat join --table . --on .k
    exits 2 leat join --table t.csv --on '.k +'
    for o in '--left --anti' '--as a --prefix b' '--anti --as a' '--anti --many' '--left --unmatched x' '--anti --unmatched x'; do
        # shellcheck disable=SC2086
        exits 2 leat join --table t.csv --on .k $o
        contains "$stderr" "exclude each other"
    done
}

@test "--explain has the plans of both keys" {
    exits 0 leat join --table t.csv --on .a --on-table .b --explain
    contains "$output" "--on:"
    contains "$output" "--on-table:"
}

@test "a reader that went away, and a full disk" {
    leat gen clicks -c 50000 >c.leat
    run bash -c 'leat join --table c.leat --on .user c.leat -j | head -1 >/dev/null; echo "${PIPESTATUS[0]}"'
    equals "$output" 141
    exits 4 bash -c 'leat join --table t.csv --on .user c.leat --left >/dev/full'
    contains "$stderr" "No space left on device"
}

# Records are asked for the names of the rows in one pass; for very many names, member by member.
@test "names: escaped ones, very many, an object without any, space before the bracket" {
    printf '{"k":1,"a\\u0062":"row","q\\"":2,"\\u00e9":3}\n' >t.json
    cat >s.json <<'END'
{"k":1}
{ "k" : 1 , "ab" : "own" }
{"k":1,"\u0061b":"own"	}
{"k":1,"q\u0022":"own","é":"own"}
END
    want='{"k":1,"ab":"row","q\"":2,"é":3}
{ "k" : 1 , "ab" : "own","q\"":2,"é":3 }
{"k":1,"\u0061b":"own","q\"":2,"é":3	}
{"k":1,"q\u0022":"own","é":"own","ab":"row"}'
    leat filter true s.json >s.leat
    for input in s.json s.leat; do
        exits 0 leat join --table t.json --on .k -j "$input"
        equals "$output" "$want"
    done
    printf '{"x":1,"row" : 5 }\n{"x":1}\n{ }\n' | leat filter true >n.leat
    printf '{"x":1,"y":2}\n{"x":null,"y":3}\n' >t2.json
    exits 0 leat join --table t2.json --on '.x // 1' --on-table .x --as row -j n.leat
    equals "$output" '{"x":1,"row" : {"x":1,"y":2} }
{"x":1,"row":{"x":1,"y":2}}
{"row":{"x":1,"y":2} }'
    exits 0 leat join --table t2.json --on '.x // 1' --on-table .x -j n.leat
    equals "$output" '{"x":1,"row" : 5,"y":2 }
{"x":1,"y":2}
{"x":1,"y":2 }'
    for n in 62 63 64 65 200; do
        seq 1 "$n" | jq -c -n '{k: 1} + ([inputs | {("m\(.)"): .}] | add)' >wide.json
        exits 0 leat join --table wide.json --on .k -j <<<'{"k":1,"m2":"own","m60":"own"}'
        equals "$output" "$(jq -c '. as $row | {k: 1, m2: "own", m60: "own"} | . + ($row | del(.k, .m2, .m60))' wide.json)"
    done
}

# Where few records have a partner only the key is looked for at first: batches of both kinds, one behind the other.
@test "few records with a partner, then all, then few again" {
    seq 0 59999 | awk -v pad="$(printf '%0200d' 0)" '{few = $1 < 20000 || $1 >= 40000
        printf "{\"n\":%d,%s\"k\":%d,\"pad\":\"%s\"}\n", $1, $1 % 3 ? "" : "\"b\":\"own\",",
            few && $1 % 40 ? -1 : $1 % 7, pad}' >s.json # so much that blocks are joined ahead
    leat filter true s.json >s.leat
    seq 0 6 | awk '{printf "{\"k\":%d,\"a\":%d,\"b\":%d}\n", $1, $1, $1}' >t.json
    jq -c 'select(.k >= 0) | if has("b") then . + {a: .k} else . + {a: .k, b: .k} end' s.json >want
    leat join --table t.json --on .k -j s.leat >got
    cmp want got
    leat join --table t.json --on .k --left -j s.leat >got
    equals "$(wc -l <got)" 60000
    grep -v '"k":-1' got | cmp want -
}

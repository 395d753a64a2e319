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

@test "what was joined ahead by a table that was replaced is joined again" {
    # What is too much is not done ahead: here each third block or so, for all rows of one key. Between these are notes
    # of the old table when the new one comes.
    table() {
        printf '{"k":1,"v":%d}\n' "$1"
        seq -f "{\"k\":2,\"pad\":\"%0400g\",\"v\":$1}" 2500
    }
    seq 40000 | leat map -i json '{k: (if . % 4000 == 0 then 2 else 1 end), pad: ("x" * 200)}' >c.leat
    table 0 >t.json
    table 1 >t.new
    mkfifo out.pipe
    leat join --table ./t.json --on .k --many -j c.leat >out.pipe &
    join=$!
    python3 -c 'import os, re, signal, sys, time
with open("out.pipe", "rb") as f:
    seen = [re.search(rb"\"v\":(\d)}$", f.readline()).group(1)]
    time.sleep(0.5)  # all that can be done ahead is done
    os.rename("t.new", "t.json")
    os.kill(int(sys.argv[1]), signal.SIGHUP)
    seen += [re.search(rb"\"v\":(\d)}$", line).group(1) for line in f]
assert len(seen) == 40000 - 10 + 25000 and seen == sorted(seen) and seen[0] < seen[-1], (len(seen), seen[0], seen[-1])' "$join"
    wait "$join"
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
    equals "$stderr" "leat join: --table SOURCE is missing"
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

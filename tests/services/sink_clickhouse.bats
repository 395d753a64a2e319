#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# needs: clickhouse-server
# sink-tsdb clickhouse:// into ClickHouse, each test into one of its own.

load ../cli/helpers
load servers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset CLICKHOUSE_USER CLICKHOUSE_PASSWORD
    free_ports 2
    port=${ports[0]}
    url=clickhouse://127.0.0.1:$port/default.t
}

teardown() {
    stop_servers
}

start_clickhouse() {
    local here=$BATS_TEST_TMPDIR/data
    mkdir -p data/tmp data/files
    cat >config.xml <<END
<yandex>
    <logger><level>warning</level><log>$here/log</log><errorlog>$here/errors</errorlog></logger>
    <listen_host>127.0.0.1</listen_host><http_port>$port</http_port><tcp_port>${ports[1]}</tcp_port>
    <path>$here/</path><tmp_path>$here/tmp/</tmp_path><user_files_path>$here/files/</user_files_path>
    <mark_cache_size>5000000</mark_cache_size><users_config>users.xml</users_config>
    <default_profile>default</default_profile><default_database>default</default_database>
</yandex>
END
    cat >users.xml <<END
<yandex>
    <profiles><default></default></profiles><quotas><default></default></quotas>
    <users>
        <default>
            <password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
        </default>
        <ann>
            <password>pa55</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
            <quota>default</quota>
        </ann>
    </users>
</yandex>
END
    start_server clickhouse clickhouse-server --config-file=config.xml
    answers "http://127.0.0.1:$port/ping"
}

query() {
    curl -sf "http://127.0.0.1:$port/?output_format_json_quote_64bit_integers=0" --data-binary "$1"
}

# Types of the table's columns.
columns() {
    query "SELECT name, type FROM system.columns WHERE database = 'default' AND table = 't' ORDER BY name FORMAT TSV"
}

send() {
    leat sink-tsdb "$url" --time .at "$@"
}

@test "ClickHouse: what is read back are the values counted in the raw file, sent once or twice" {
    start_clickhouse
    make_requests
    count_requests >counted
    for turn in 1 2; do
        rm -rf "$LEAT_DIR"
        run --separate-stderr send_requests "$url" --create
        equals "$status" 0
        for field in n bytes most; do
            query "SELECT method, toUnixTimestamp(time), '$field', $field FROM t FINAL WHERE $field IS NOT NULL
                FORMAT TSV" | tr '\t' ' '
        done | sort >got
        [[ $(wc -l <got) -gt 100 ]]
        cmp got counted
        contains "$stderr" "$(grep -c ' n ' got) accepted"
    done
    equals "$(query 'SELECT count() FROM t FINAL')" "$(grep -c ' n ' counted)"
}

@test "ClickHouse: names, texts, numbers and times arrive as they were" {
    start_clickhouse
    cat >in.json <<'END'
{"at":"2015-05-17T10:05:03.000000001Z","a`b\\c":"\u00e4\t\"q\"\\\n\u0001","id.orig":"x","p99.9":0.1,"up":true,"n":-9223372036854775808,"u":18446744073709551615}
{"at":"2015-05-17T10:05:03.000000002Z","a`b\\c":"'; DROP TABLE t","id.orig":"x","p99.9":1e-300,"up":false,"n":9223372036854775807,"u":1}
END
    exits 0 send --create in.json
    equals "$(columns)" 'a`b\\c	String
id.orig	String
n	Nullable(Int64)
p99.9	Nullable(Float64)
time	DateTime
time_ns	Int64
u	Nullable(Float64)
up	Nullable(UInt8)'
    equals "$(query 'SELECT time_ns, time, `a\`b\\c` AS text, `id.orig`, `p99.9`, up, n, u FROM t ORDER BY time_ns
        FORMAT JSONEachRow')" \
        '{"time_ns":1431857103000000001,"time":"2015-05-17 10:05:03","text":"ä\t\"q\"\\\n\u0001","id.orig":"x","p99.9":0.1,"up":1,"n":-9223372036854775808,"u":18446744073709552000}
{"time_ns":1431857103000000002,"time":"2015-05-17 10:05:03","text":"'"'"'; DROP TABLE t","id.orig":"x","p99.9":1e-300,"up":0,"n":9223372036854775807,"u":1}'
}

@test "ClickHouse: new tags and fields become columns, and columns become wider" {
    start_clickhouse
    {
        echo '{"at":1431857103,"k":"a","n":1,"b":true}'
        echo '{"at":1431857104,"k":"a","n":2.5,"b":300}'
    } >first.json
    {
        echo '{"at":1431857103,"k":"a","n":3,"later":"x","more":7}'
        echo '{"at":1431857103,"k":"a","n":4,"later":"y"}'
        echo '{"at":1431857104,"k":"a","n":null,"b":false}'
    } >second.json
    exits 0 send --create --batch 1 --fields .n,.b --tags .k first.json
    equals "$(columns)" 'b	Nullable(Int64)
k	String
n	Nullable(Float64)
time	DateTime
time_ns	Int64'
    exits 0 send --create --fields .n,.b,.more --tags .k,.later second.json
    equals "$(query "SELECT k, later, n, b, more FROM t FINAL ORDER BY time_ns, later FORMAT CSV")" '"a","",1,1,\N
"a","x",3,\N,7
"a","y",4,\N,\N
"a","",\N,0,\N'
}

@test "ClickHouse: without the table, or the database, the run ends at once" {
    start_clickhouse
    echo '{"at":1431857103,"n":1}' >in.json
    exits 4 timeout 20 leat sink-tsdb "$url" --time .at in.json
    contains "$stderr" "Table default.t doesn't exist"
    exits 4 timeout 20 leat sink-tsdb "clickhouse://127.0.0.1:$port/no.t" --create --time .at in.json
    contains "$stderr" "Database no doesn't exist"
}

@test "ClickHouse: of a batch, the rows that do not fit are refused with the server's words, the others arrive" {
    start_clickhouse
    query 'CREATE TABLE t (time_ns Int64, n Int64, k String) ENGINE = MergeTree ORDER BY time_ns'
    {
        echo '{"at":1431857101,"n":1}'
        echo '{"at":1431857102,"n":2.5}'
        echo '{"at":1431857103,"n":3}'
        echo '{"at":1431857104,"n":4,"other":1}'
        echo '{"at":1431857105,"n":5}'
    } >in.json
    exits 0 send --fields .n,.other --tags "" --dead-letter ./bad.json in.json --stats
    contains "$stderr" "5 sent, 3 accepted, 2 refused"
    equals "$(query 'SELECT groupArray(n) FROM (SELECT n FROM t ORDER BY n)')" '[1,3,5]'
    exits 3 send --fields .other --tags "" in.json
    contains "$stderr" "Unknown field found while parsing JSONEachRow format: other"
}

@test "ClickHouse: user and password; wrong ones end the run and are not shown" {
    start_clickhouse
    echo '{"at":1431857103,"n":1}' >in.json
    CLICKHOUSE_USER=ann CLICKHOUSE_PASSWORD=pa55 exits 0 send --create in.json
    CLICKHOUSE_USER=ann CLICKHOUSE_PASSWORD=s3cret exits 4 timeout 20 leat sink-tsdb "$url" --time .at in.json
    contains "$stderr" "Wrong password for user ann"
    [[ $stderr != *s3cret* ]]
}

@test "ClickHouse: settings of the URL are the server's; one that it does not know ends the run" {
    start_clickhouse
    echo '{"at":1431857103,"n":1,"nowhere":2}' >in.json
    exits 0 send --create --fields .n in.json
    exits 0 leat sink-tsdb "$url?input_format_skip_unknown_fields=1" --time .at in.json --tags ""
    exits 4 timeout 20 leat sink-tsdb "$url?no_such_setting=1" --time .at in.json
    contains "$stderr" "Unknown setting no_such_setting"
}

has_rows() {
    [[ $(query 'SELECT count() FROM t FINAL') -eq $1 ]]
}

@test "ClickHouse: away at the start, and killed and started again in the middle: all points are there" {
    mkfifo in
    send --create --flush 100ms --retry-for 1m --stats in 2>stderr 3>&- &
    sink=$!
    exec 5>in
    for i in 1 2 3; do echo "{\"at\":143185710$i,\"n\":$i}"; done >&5
    sleep 0.5
    start_clickhouse
    until_true has_rows 3
    stop_server "$server" KILL
    for i in 4 5 6; do echo "{\"at\":143185710$i,\"n\":$i,\"late\":1}"; done >&5
    sleep 1
    start_clickhouse
    for i in 7 8; do echo "{\"at\":143185710$i,\"n\":$i}"; done >&5
    exec 5>&-
    wait "$sink"
    equals "$(query 'SELECT groupArray(n) FROM (SELECT n FROM t FINAL ORDER BY n)')" '[1,2,3,4,5,6,7,8]'
    contains "$(<stderr)" "8 sent, 8 accepted"
    contains "$(<stderr)" "server away"
}

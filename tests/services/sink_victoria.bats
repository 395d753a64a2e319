#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# needs: victoria-metrics
# sink-tsdb influx:// and influx2:// into VictoriaMetrics, each test into one of its own.

load ../cli/helpers
load servers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset INFLUX_TOKEN INFLUX_USERNAME INFLUX_PASSWORD
    free_ports 1
    port=${ports[0]}
}

teardown() {
    stop_servers
}

start_victoria() {
    start_server victoria victoria-metrics -httpListenAddr="127.0.0.1:$port" -storageDataPath=data \
        -retentionPeriod=100y "$@"
    answers "http://127.0.0.1:$port/health"
}

# All samples but stale markers, which are NaN: labels, milliseconds, value.
samples() {
    curl -sf "http://127.0.0.1:$port/internal/force_flush"
    curl -sf "http://127.0.0.1:$port/api/v1/export" --data-urlencode 'match[]={__name__!=""}' |
        jq -r '(.metric | to_entries | sort_by(.key) | map("\(.key)=\(.value)") | join(",")) as $m |
               [.timestamps, .values] | transpose[] |
               select(.[1] | type == "number" and (isnan | not)) | "\($m) \(.[0]) \(.[1])"' | sort
}

# The values that were counted in the raw file come back, with the labels that the URL stands for.
read_back() { # url, labels in front of __name__ or nothing
    start_victoria
    make_requests
    count_requests >counted
    run --separate-stderr send_requests "$1" --measurement web
    equals "$status" 0
    samples | sed -nE "s/^__name__=web_([a-z]+)$2,method=([A-Z]+) ([0-9]+)000 (.*)\$/\2 \3 \1 \4/p" | sort >got
    [[ $(wc -l <got) -gt 100 ]]
    cmp got counted
    equals "$(samples | wc -l)" "$(wc -l <got)"
}

@test "VictoriaMetrics, as InfluxDB 1: what is read back are the values counted in the raw file" {
    read_back "influx://127.0.0.1:$port/shop" ",db=shop"
}

@test "VictoriaMetrics, as InfluxDB 2: the same" {
    read_back "influx2://127.0.0.1:$port/org/shop" ""
}

@test "VictoriaMetrics: numbers, booleans and labels arrive as they were" {
    start_victoria
    cat >in.json <<'END'
{"at":1431857103001,"k":"\u00e4 \"q\" a=b, c\\d","i":9007199254740991,"f":1e-300,"b":true}
{"at":1431857103002,"k":"plain","i":-5,"f":123456.789,"b":false}
END
    exits 0 leat sink-tsdb "influx://127.0.0.1:$port/db" --measurement m --fields i,f,b --time .at <in.json
    samples >got
    cat >wanted <<'END'
__name__=m_b,db=db,k=plain 1431857103002 0
__name__=m_b,db=db,k=ä "q" a=b, c\d 1431857103001 1
__name__=m_f,db=db,k=plain 1431857103002 123456.789
__name__=m_f,db=db,k=ä "q" a=b, c\d 1431857103001 1e-300
__name__=m_i,db=db,k=plain 1431857103002 -5
__name__=m_i,db=db,k=ä "q" a=b, c\d 1431857103001 9007199254740991
END
    diff <(sort wanted) got
}

@test "VictoriaMetrics: a user and a password, and none" {
    start_victoria -httpAuth.username=ann -httpAuth.password=pa55 || true
    printf '{"at":1431857110,"v":1}\n' >in.json
    exits 4 leat sink-tsdb "influx://127.0.0.1:$port/db" --time .at <in.json
    contains "$stderr" "HTTP 401"
    INFLUX_USERNAME=ann INFLUX_PASSWORD=pa55 exits 0 leat sink-tsdb "influx://127.0.0.1:$port/db" --time .at <in.json
}

@test "VictoriaMetrics, by remote write: what is read back are the values counted in the raw file" {
    read_back "prometheus://127.0.0.1:$port" ""
}

@test "VictoriaMetrics, by remote write: any order and age, and what is sent again is there once" {
    start_victoria -dedup.minScrapeInterval=1ms
    for at in 1431857110 1431857105.9999 100000000 1431857120; do printf '{"at":%s,"k":"a"}\n' "$at"; done >in.json
    for turn in 1 2; do
        exits 0 leat sink-tsdb "prometheus://127.0.0.1:$port" --measurement m --time .at \
            --fields "value: $turn" --tags .k in.json --stats
        contains "$stderr" "4 sent, 4 accepted"
    done
    equals "$(samples)" "__name__=m,k=a 100000000000 2
__name__=m,k=a 1431857105999 2
__name__=m,k=a 1431857110000 2
__name__=m,k=a 1431857120000 2"
}

@test "VictoriaMetrics, by remote write: a null ends the series" {
    start_victoria
    printf '{"at":%s,"n":%s}\n' 1431857100 1 1431857110 null >in.json
    exits 0 leat sink-tsdb "prometheus://127.0.0.1:$port" --measurement m --time .at --fields .n in.json
    curl -sf "http://127.0.0.1:$port/internal/force_flush"
    now() {
        curl -sf "http://127.0.0.1:$port/api/v1/query" --data-urlencode 'query=m_n' --data-urlencode "time=$1" \
            --data-urlencode nocache=1 | jq -c '[.data.result[].value[1]]'
    }
    equals "$(now 1431857109)" '["1"]'
    equals "$(now 1431857111)" '[]'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# needs: prometheus
# sink-tsdb prometheus:// into Prometheus itself, each test into one of its own.

load ../cli/helpers
load servers

setup() {
    cd "$BATS_TEST_TMPDIR"
    free_ports 2
    port=${ports[0]}
    url=prometheus://127.0.0.1:$port
}

teardown() {
    stop_servers
}

# With further lines of configuration, and without the receiver when that is asked for.
start_prometheus() {
    local receiver=${2---web.enable-remote-write-receiver}
    printf 'global: {}\n%s\n' "${1:-}" >prometheus.yml
    # shellcheck disable=SC2086 # none or one
    start_server prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path=data \
        --web.listen-address=127.0.0.1:"$port" --storage.tsdb.retention.time=100y $receiver
    answers "http://127.0.0.1:$port/-/ready"
}

# Samples of all series that a selector names, up to a time in seconds: labels, milliseconds, value.
#     samples '{__name__=~"web.*"}' 1432000000
samples() {
    curl -sf "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1[10000d]" --data-urlencode "time=$2" |
        jq -r '.data.result[] | (.metric | to_entries | sort_by(.key) | map("\(.key)=\(.value)") | join(",")) as $m |
               .values[] | "\($m) \(.[0] * 1000 | round) \(.[1])"' | sort
}

point() { # measurement, time in seconds, members
    printf '{"at":%s,%s}\n' "$1" "$2"
}

send() {
    leat sink-tsdb "$url" --measurement m --time .at "$@"
}

@test "Prometheus: what is read back are the values counted in the raw file, sent once or twice" {
    start_prometheus
    make_requests
    count_requests >counted
    for batch in 10000 50; do
        rm -rf "$LEAT_DIR"
        run --separate-stderr send_requests "$url" --measurement web --batch "$batch"
        equals "$status" 0
        samples '{__name__=~"web_.+"}' 1450000000 |
            sed -E 's/^__name__=web_([a-z]+),method=([A-Z]+) ([0-9]+)000 (.*)$/\2 \3 \1 \4/' | sort >got
        [[ $(wc -l <got) -gt 100 ]]
        cmp got counted
        contains "$stderr" "$(grep -c ' n ' got) accepted"
    done
}

@test "Prometheus: of points that are there already, those with another value are refused, and new ones arrive" {
    start_prometheus
    for i in {1..9}; do point "143185710$i" "\"k\":\"a\",\"n\":$i,\"z\":0.$i"; done >in.json
    exits 0 send --fields .n,.z --tags .k in.json
    sed -i 's/"n":4/"n":44/; $a{"at":1431857110,"k":"a","n":10,"z":1}' in.json
    exits 0 send --fields .n,.z --tags .k in.json --on-error skip --stats
    contains "$stderr" "10 sent, 9 accepted, 1 refused"
    contains "$stderr" "in.json:4"
    # a series with our labels and others is another one: {k="a"} has this value, {} does not
    { point 1431857101 '"n":1.5'; point 1431857110 '"n":2'; } >bare.json
    for turn in 1 2; do exits 0 send --fields .n --tags "" bare.json; done
    exits 3 send --fields .n --tags "" < <(point 1431857101 '"n":1')
    equals "$(samples 'm_n{k=""}' 1431857200 | awk '{ printf "%s ", $NF }')" "1.5 2 "
}

@test "Prometheus: labels, booleans, milliseconds and large numbers arrive as they were" {
    start_prometheus
    {
        point 1431857103.0015 '"k":"\u00e4 \"q\"\\\n","id.orig":"x","p99.9":0.1,"up":true,"n":-9007199254740993'
        point 1431857103.0019 '"k":"\u00e4 \"q\"\\\n","id.orig":"x","p99.9":1e300,"up":false,"n":1'
    } >in.json
    exits 0 send in.json
    samples '{__name__=~"m_[^a].*"}' 1431857200 >got
    cat >wanted <<'END'
__name__=m_n,id_orig=x,k=ä "q"\
 1431857103001 1
__name__=m_p99_9,id_orig=x,k=ä "q"\
 1431857103001 1e+300
__name__=m_up,id_orig=x,k=ä "q"\
 1431857103001 0
END
    diff <(sort wanted) <(sort got)
}

@test "Prometheus: samples out of order within a batch are put in order" {
    start_prometheus
    for at in 30 10 20 10 40; do point 14318571$at "\"k\":\"$((at % 3))\",\"n\":$at"; done >in.json
    for at in 10 50 45; do point 14318571$at "\"k\":\"x\",\"n\":$at"; done >>in.json
    exits 0 send in.json
    samples '{__name__="m_n"}' 1431857200 | awk '{ print $1, $NF }' >got
    sort >wanted <<'END'
__name__=m_n,k=0 30
__name__=m_n,k=1 10
__name__=m_n,k=1 40
__name__=m_n,k=2 20
__name__=m_n,k=x 10
__name__=m_n,k=x 45
__name__=m_n,k=x 50
END
    diff wanted got
}

@test "Prometheus: a point that is behind its series is refused with the server's words, the others arrive" {
    start_prometheus
    exits 0 send < <(point 1431857110 '"n":1')
    {
        point 1431857120 '"n":2'
        point 1431857100 '"n":3'
        point 1431857130 '"n":4'
    } >in.json
    exits 0 send in.json --on-error skip --stats
    contains "$stderr" "in.json:2"
    contains "$stderr" "HTTP 400: too late for its series: out of order sample"
    contains "$stderr" "3 sent, 2 accepted, 1 refused"
    equals "$(samples m_n 1431857200 | awk '{ printf "%s ", $NF }')" "1 2 4 "
    exits 3 send < <(point 1431857130 '"n":5')
    contains "$stderr" "duplicate sample for timestamp"
    exits 3 send < <(point 1431757130 '"n":5')
    contains "$stderr" "out of bounds"
}

@test "Prometheus: 'too old sample', which it says with 500, is no outage" {
    start_prometheus 'storage: { tsdb: { out_of_order_time_window: 10m } }'
    exits 0 send < <(point 1431857100 '"n":1')
    exits 3 timeout 20 leat sink-tsdb "$url" --measurement m --time .at < <(point 1431850000 '"n":2')
    contains "$stderr" "HTTP 500: too late for its series: too old sample"
    exits 0 send < <(point 1431856900 '"n":3')
    equals "$(samples m_n 1431857200 | awk '{ printf "%s ", $NF }')" "3 1 "
}

@test "Prometheus: a null ends the series" {
    start_prometheus
    now() {
        curl -sf "http://127.0.0.1:$port/api/v1/query" --data-urlencode 'query=m_n' --data-urlencode "time=$1" |
            jq -c '[.data.result[].value[1]]'
    }
    {
        point 1431857100 '"n":1'
        point 1431857110 '"n":null,"other":1'
    } >in.json
    exits 0 send in.json --fields .n,.other
    equals "$(now 1431857109)" '["1"]'
    equals "$(now 1431857111)" '[]'
}

@test "Prometheus: one that is no receiver ends the run at once" {
    start_prometheus "" ""
    exits 4 timeout 20 leat sink-tsdb "$url" --time .at < <(point 1431857100 '"n":1')
    contains "$stderr" "nothing takes remote write there: remote write receiver needs to be enabled"
}

# Passes requests on to Prometheus, and loses the answer to the first write.
start_lossy_proxy() {
    cat >proxy.py <<'END'
import http.client, http.server, sys
lost = False
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global lost
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]))
        server.request("POST", self.path, body, {k: v for k, v in self.headers.items() if k != "Host"})
        answer = server.getresponse()
        text = answer.read()
        print(self.path, answer.status, flush=True)
        self.close_connection = True
        if self.path.endswith("/write") and not lost:
            lost = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy).serve_forever()
END
    start_server proxy python3 proxy.py "${ports[1]}" "$port"
    until_true eval "echo >/dev/tcp/127.0.0.1/${ports[1]}"
}

@test "Prometheus: a batch whose answer was lost, and which it refuses the second time, is there and accepted" {
    start_prometheus
    start_lossy_proxy
    for i in {1..9}; do point "143185710$i" "\"k\":\"$((i % 3))\",\"n\":$i,\"z\":-0.$i"; done >in.json
    exits 0 leat sink-tsdb "prometheus://127.0.0.1:${ports[1]}" --measurement m --time .at --fields .n,.z --tags .k \
        in.json --stats
    contains "$stderr" "9 sent, 9 accepted"
    contains "$(<proxy.log)" "/api/v1/write 204
/api/v1/write 400"
    equals "$(samples '{__name__=~"m_.*"}' 1431857200 | wc -l)" 18
}

has_samples() {
    [[ $(samples m_n 1431857200 | wc -l) -eq $1 ]]
}

@test "Prometheus: away at the start, and killed and started again in the middle: all points are there" {
    mkfifo in
    send in --flush 100ms --retry-for 1m --stats 2>stderr 3>&- &
    sink=$!
    exec 5>in
    at=1431857100
    for i in 1 2 3; do point $((at + i)) "\"n\":$i"; done >&5
    sleep 0.5
    start_prometheus
    until_true has_samples 3
    stop_server "$server" KILL
    for i in 4 5 6; do point $((at + i)) "\"n\":$i"; done >&5
    sleep 1
    start_prometheus
    for i in 7 8; do point $((at + i)) "\"n\":$i"; done >&5
    exec 5>&-
    wait "$sink"
    equals "$(samples m_n 1431857200 | awk '{ printf "%s ", $NF }')" "1 2 3 4 5 6 7 8 "
    contains "$(<stderr)" "8 sent, 8 accepted"
    contains "$(<stderr)" "server away"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat sink-tsdb and a server that is away, slow, full, choosy, or talks nonsense: what it has is what it acknowledged,
# and the exit code tells the truth. The server is http_server.py; real ones are in tests/services.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset INFLUX_TOKEN INFLUX_USERNAME INFLUX_PASSWORD http_proxy SSL_CERT_FILE SSL_CERT_DIR
    points=(--measurement m --tags g --fields v --time .t)
    started=()
}

teardown() {
    disown -a
    ((${#started[@]} == 0)) || kill -9 "${started[@]}" 2>/dev/null || true
}

# Start the server with these steps, and wait until its port is known: $port, $url.
server() {
    rm -f port
    python3 -B "$LEAT_SOURCE/tests/cli/http_server.py" "$@" >server.log 2>&1 &
    started+=($!)
    disown
    until_true test -s port
    port=$(<port)
    url=influx://127.0.0.1:$port/db
}

# Records 1 to N as JSON lines.
numbers() {
    seq 1 "$1" | sed 's/.*/{"v":&,"t":&,"g":"a"}/'
}

# The lines that records A to B become.
lines_of() {
    seq "$1" "$2" | sed 's/.*/m,g=a v=& &000000000/'
}

# Send the records on stdin, in batches of ten unless it is said otherwise.
sink() {
    leat sink-tsdb "$url" "${points[@]}" --batch 10 --retry-for 20s --stats=json "$@"
}

# The same in the background, with records 1 to N and an input that stays open: $sink_pid, its messages are in err.
sink_on() {
    mkfifo in
    leat sink-tsdb "$url" "${points[@]}" --stats=json "${@:2}" <in 2>err &
    sink_pid=$!
    started+=("$sink_pid")
    exec 7>in
    numbers "$1" >&7
}

# What --stats=json told: sent, accepted, refused, in flight.
totals() {
    sed -n 's/.*"sent":\([0-9]*\),"accepted":\([0-9]*\),"refused":\([0-9]*\),"in_flight":\([0-9]*\).*/\1 \2 \3 \4/p' \
        <<<"$stderr"
}

@test "batches arrive in order, compressed, at the path of their version, with the token" {
    server ok
    INFLUX_TOKEN=s3cret exits 0 sink < <(numbers 25)
    equals "$(<accepted)" "$(lines_of 1 25)"
    equals "$(totals)" "25 25 0 0"
    equals "$(cut -d' ' -f2- requests | sort | uniq -c | sed 's/^ *//')" "3 /write?db=db&precision=ns 204 Token s3cret"
    url=influx2://127.0.0.1:$port/my%20org/a+b
    INFLUX_TOKEN=s3cret exits 0 sink -v < <(numbers 1)
    equals "$(tail -n 1 requests | cut -d' ' -f2-)" \
        "/api/v2/write?org=my%20org&bucket=a%2Bb&precision=ns 204 Token s3cret"
    [[ $output$stderr != *s3cret* ]]
    url="influx://ann@127.0.0.1:$port/db?rp=week"
    INFLUX_PASSWORD=pa55 exits 0 sink -v < <(numbers 1)
    equals "$(tail -n 1 requests | cut -d' ' -f2-)" "/write?db=db&rp=week&precision=ns 204 Basic YW5uOnBhNTU="
    [[ $output$stderr != *pa55* ]]
}

@test "a server that is away at the start is waited for" {
    server --late 1 ok
    exits 0 sink < <(numbers 25)
    equals "$(<accepted)" "$(lines_of 1 25)"
    equals "$(totals)" "25 25 0 0"
    contains "$stderr" "warning: server away: cannot connect to '127.0.0.1:$port': Connection refused, trying again for 20s"
    contains "$stderr" "warning: server back after "
    equals "$(grep -c 'server away\|server back' <<<"$stderr")" 2
}

@test "a server that goes away in the middle is waited for; nothing is missing, nothing else is there" {
    server ok ok away=1 ok ok away=0.2 ok
    exits 0 sink < <(numbers 95)
    equals "$(<accepted)" "$(lines_of 1 95)"
    equals "$(totals)" "95 95 0 0"
    # The second time came too soon to be told again.
    equals "$(grep -c 'server away' <<<"$stderr")" 1
    equals "$(grep -c 'server back' <<<"$stderr")" 1
}

@test "a slow server makes the input wait, and memory stays as it is" {
    server slow=0.3 slow=0.3 slow=0.3 slow=0.1
    exits 0 sink < <(numbers 55)
    equals "$(<accepted)" "$(lines_of 1 55)"
    equals "$(totals)" "55 55 0 0"
    # Sixty megabytes through a pipe while the server is slow; what is on its way is never more than two batches.
    server slow=0.1 slow=0.3 slow=0.1
    leat gen clicks -c 300000 -j >clicks.json
    exits 0 peak_kib leat sink-tsdb "$url" --fields latency_ms --tags country --time .ts --batch 20000 clicks.json
    # The sanitizers take memory of their own.
    [[ $LEAT_BUILD == */asan ]] || ((output < 40000)) || { echo "$output KiB"; return 1; }
    equals "$(wc -l <accepted)" 300000
}

@test "500 is asked again" {
    server 500 503 ok 500 ok
    exits 0 sink < <(numbers 25)
    equals "$(<accepted)" "$(lines_of 1 25)"
    contains "$stderr" "server away: HTTP 500: as told, trying again for 20s"
    contains "$stderr" '"retries":3'
}

@test "429 is asked again when it says, and not before" {
    server 429+1 ok
    exits 0 sink < <(numbers 5)
    equals "$(<accepted)" "$(lines_of 1 5)"
    python3 -c 'first, second = [float(line.split()[0]) for line in open("requests")]
assert 1 <= second - first < 1.5, second - first'
    contains "$stderr" "server away: HTTP 429: as told, trying again for 20s"
    server 429+3600
    exits 4 sink < <(numbers 5)
    contains "$stderr" "'influx://127.0.0.1:$port/db' wants to be asked in 1h, which is too late: HTTP 429: as told"
    equals "$(totals)" "5 0 0 5"
}

@test "400 for one line of a batch: that record is a dead letter, whole, and the others are accepted" {
    server "bad=v=7 "
    numbers 20 | sed 's/"v":7,/ "v" : 7 , /' | leat produce topic --time .t
    exits 0 sink --dead-letter letters < <(leat consume topic -e)
    equals "$(sort -t= -k3n accepted)" "$(lines_of 1 20 | grep -v 'v=7 ')"
    equals "$(totals)" "20 19 1 0"
    equals "$(leat consume letters -e -f '%s\n')" '{ "v" : 7 , "t":7,"g":"a"}'
    exits 0 leat consume letters -e -J
    contains "$output" '"leat.error","refused by the server: HTTP 400: partial write: unable to parse '"'v=7 '"' dropped=1"'
    contains "$output" '"leat.tool","sink-tsdb","leat.source","topic/0@6","leat.time",'
}

@test "400 for one line: by default the run ends and names the record; --on-error skip tells and goes on" {
    server "bad=v=7 "
    exits 3 sink < <(numbers 20)
    contains "$stderr" "leat sink-tsdb: record 'standard input:7': refused by the server: HTTP 400: partial write: unable"
    grep -q 'v=1' accepted
    server "bad=v=7 "
    exits 0 sink --on-error skip < <(numbers 20)
    contains "$stderr" "warning: record 'standard input:7' skipped: refused by the server: HTTP 400: partial write"
    equals "$(sort -t= -k3n accepted)" "$(lines_of 1 20 | grep -v 'v=7 ')"
    equals "$(totals)" "20 19 1 0"
}

@test "an answer that is cut off, lost or no HTTP is none: the batch goes again and overwrites itself" {
    server half ok lost garbage ok
    exits 0 sink < <(numbers 25)
    equals "$(sort -u -t= -k3n accepted)" "$(lines_of 1 25 | sort -u -t= -k3n)"
    equals "$(totals)" "25 25 0 0"
    equals "$(wc -l <accepted)" 35 # the lost one twice
    contains "$stderr" "server away: '127.0.0.1:$port': transfer closed with 16 bytes remaining to read"
}

@test "a disk that is full is waited for, and then the run has failed: what is there is what was acknowledged" {
    server ok ok 507
    exits 4 sink --retry-for 500ms < <(numbers 45)
    equals "$(<accepted)" "$(lines_of 1 20)"
    equals "$(totals)" "30 20 0 10"
    contains "$stderr" "leat sink-tsdb: 'influx://127.0.0.1:$port/db' took nothing for 500ms: HTTP 507: no space left on device"
    server ok 507 507 507 ok
    exits 0 sink < <(numbers 45)
    equals "$(<accepted)" "$(lines_of 1 45)"
}

@test "a server that will never take anything ends the run at once, with its words" {
    local step
    for step in 401 403 404 301 405; do
        server "$step"
        exits 4 sink < <(numbers 25)
        contains "$stderr" "leat sink-tsdb: 'influx://127.0.0.1:$port/db': HTTP $step: as told"
        equals "$(wc -l <requests)" 1
        equals "$(totals)" "10 0 0 10"
    done
    server page
    exits 4 sink < <(numbers 5)
    contains "$stderr" "leat sink-tsdb: 'influx://127.0.0.1:$port/db': HTTP 200: <html>please log in</html>"
    url=influx://no-such-host.invalid/db
    exits 4 sink < <(numbers 5)
    contains "$stderr" "'influx://no-such-host.invalid/db': cannot find the host of 'no-such-host.invalid:8086'"
}

@test "--retry-for 0 is no second try, and forever is for ever" {
    server --late 60 ok
    exits 4 sink --retry-for 0 < <(numbers 5)
    contains "$stderr" "leat sink-tsdb: 'influx://127.0.0.1:$port/db': cannot connect to '127.0.0.1:$port': Connection refused"
    [[ $stderr != *"server away"* ]]
    server 500 500 500 ok
    exits 0 sink --retry-for forever < <(numbers 5)
    contains "$stderr" "warning: server away: HTTP 500: as told, trying again"
}

# Let a sink wait for a server that is away, with its input open, and stop it: $waited is how long that took.
stopped_by() {
    local begin
    rm -f in
    sink_on 45 --batch 10
    until_true grep -q "server away" err
    begin=${EPOCHREALTIME/./}
    kill "-$1" "$sink_pid"
    wait "$sink_pid" && status=0 || status=$?
    waited=$((${EPOCHREALTIME/./} - begin))
    stderr=$(<err)
}

@test "a signal ends the waiting within a second, and what was not acknowledged is not counted" {
    server ok ok away=60 ok
    stopped_by TERM
    equals "$status" 143
    ((waited < 1000000)) || { echo "$waited us"; return 1; }
    equals "$(<accepted)" "$(lines_of 1 20)"
    equals "$(totals)" "30 20 0 10"
    server --late 60 ok
    stopped_by TERM
    equals "$status" 143
    ((waited < 1000000)) || { echo "$waited us"; return 1; }
    equals "$(totals)" "10 0 0 10"
}

@test "a signal while the server takes all it gets: what is there is sent before the end" {
    server ok
    sink_on 7 --flush 30s
    sleep 0.5
    equals "$(<accepted)" ""
    kill -TERM "$sink_pid"
    wait "$sink_pid" && status=0 || status=$?
    equals "$status" 143
    stderr=$(<err)
    equals "$(<accepted)" "$(lines_of 1 7)"
    equals "$(totals)" "7 7 0 0"
}

@test "no point waits longer than --flush, even while its input is silent" {
    server ok
    sink_on 3 --flush 200ms
    until_true test -s accepted
    equals "$(<accepted)" "$(lines_of 1 3)"
}

@test "input that was cut off: what came is written, and the exit code says that it is not all" {
    server ok
    numbers 25 | leat map . --time .t >whole.leat
    head -c -20 whole.leat >cut.leat # in the end block
    exits 5 sink -i leat cut.leat
    equals "$(<accepted)" "$(lines_of 1 25)"
    equals "$(totals)" "25 25 0 0"
}

# Both threads of the sink have a filter for system calls, which the kernel calls 2.
filtered() {
    [[ $(grep -h '^Seccomp:' "/proc/$sink_pid/task/"*/status) == $'Seccomp:\t2\nSeccomp:\t2' ]]
}

@test "the thread that talks to the server is in the sandbox, as the main one is" {
    server ok
    sink_on 3 -v
    until_true grep -q sandbox err
    if grep -q 'sandbox off' err; then return; fi # sanitizers
    until_true filtered
    exec 7>&-
    wait "$sink_pid"
}

@test "TLS: the certificate must be one that is trusted, and for this host" {
    command -v openssl >/dev/null
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost 2>/dev/null
    server --tls cert key ok
    url=influx+tls://localhost:$port/db
    exits 4 sink < <(numbers 5)
    contains "$stderr" "leat sink-tsdb: '$url': 'localhost:$port': SSL certificate problem: self-signed certificate"
    equals "$(wc -l <requests)" 0
    SSL_CERT_FILE=cert exits 0 sink < <(numbers 5)
    equals "$(<accepted)" "$(lines_of 1 5)"
    url=influx+tls://127.0.0.1:$port/db
    SSL_CERT_FILE=cert exits 4 sink < <(numbers 5)
    contains "$stderr" "SSL: no alternative certificate subject name matches target host name '127.0.0.1'"
    server ok
    url=influx+tls://127.0.0.1:$port/db
    exits 4 sink < <(numbers 5)
    contains "$stderr" "wrong version number"
}

@test "--dry-run prints what would be sent, and connects to nothing" {
    url=influx://no-such-host.invalid/db
    exits 0 sink --dry-run < <(numbers 12)
    equals "$output" "$(lines_of 1 12)"
    if numbers 5 | sink --dry-run >/dev/full; then return 1; fi
}

@test "lines: to standard output, to a file that appears when it is whole, and what cannot be said is a bad record" {
    url=lines:-
    points+=(--real all)
    exits 0 sink < <(numbers 12)
    equals "$output" "$(lines_of 1 12)"
    equals "$(totals)" "12 12 0 0"
    numbers 5 | sink >/dev/full && status=0 || status=$?
    equals "$status" 4
    numbers 100000 | sink 2>err | head -n 1 >first
    equals "$(<first)" "$(lines_of 1 1)"
    url=lines:out.lp
    exits 0 sink < <(numbers 12)
    equals "$(<out.lp)" "$(lines_of 1 12)"
    exits 3 sink < <(numbers 3; echo '{"v":1,"t":1,"g":"a\\"}')
    contains "$stderr" "record 'standard input:4': tag value 'a\\' ends in a backslash: line protocol cannot say that"
    equals "$(<out.lp)" "$(lines_of 1 12)"
    equals "$(echo out*)" "out.lp"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # status, output and stderr are set by run
# Servers of a test's own: in its folder, on loopback and free ports, stopped by their process ids. Loaded behind
# ../cli/helpers; the file's teardown calls stop_servers.

# As many different ports as are asked for, in $ports.
#     free_ports 2
free_ports() {
    # shellcheck disable=SC2034 # for the caller
    read -ra ports < <(python3 - "$1" <<'END'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
END
    )
}

# Start a program in the background; its process id is in $server, what it says in NAME.log. It does not get what a
# test has open as 5 (a FIFO that would never end).
#     start_server prometheus /usr/bin/prometheus --config.file=…
start_server() {
    local name=$1
    shift
    "$@" >>"$name.log" 2>&1 3>&- 5>&- &
    server=$!
    servers+=("$server")
}

# A signal, and wait until it is gone.
#     stop_server "$server" KILL
stop_server() {
    kill -"${2:-TERM}" "$1" 2>/dev/null || return 0
    wait "$1" 2>/dev/null || true
}

stop_servers() {
    local pid
    for pid in "${servers[@]}"; do stop_server "$pid" KILL; done
    servers=()
}
servers=()

# Wait until a URL answers with success.
answers() {
    until_true curl -sf -o /dev/null "$1"
}

# web.json: requests with .time, .method and .bytes, which may be null, out of order by less than a minute. Real ones if
# $LEAT_DATA has them (make data), else made up.
make_requests() {
    if [[ -d ${LEAT_DATA:-} ]]; then
        cp "$LEAT_DATA/apache-logs.ndjson" web.json
        return
    fi
    python3 >web.json <<'END'
import json, random, time
random.seed(6)
for i in range(5000):
    at = 1431857100 + i * 31 + random.randrange(59)
    print(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)), "method":
                      random.choice(["GET"] * 50 + ["POST", "HEAD"]), "bytes":
                      random.choice([None, random.randrange(10**6)])}, separators=(",", ":")))
END
}

# What must be in the database then, counted without leat: method, start in seconds, field and value by hour, sorted.
count_requests() {
    python3 - web.json <<'END' | sort
import calendar, json, sys, time
hours = {}
for line in open(sys.argv[1]):
    r = json.loads(line)
    at = calendar.timegm(time.strptime(r["time"], "%Y-%m-%dT%H:%M:%SZ"))
    hours.setdefault((r["method"], at - at % 3600), []).append(r.get("bytes"))
for (method, start), sizes in hours.items():
    known = [b for b in sizes if b is not None]
    print(method, start, "n", len(sizes))
    if known:
        print(method, start, "bytes", sum(known))
        print(method, start, "most", max(known))
END
}

# The pipeline: through a topic and windows of an hour to the URL, with further options.
#     send_requests prometheus://127.0.0.1:9090
send_requests() {
    leat produce web web.json --time .time
    leat consume web -e |
        leat window --tumble 1h --out-of-order 1m -g .method '{n: count, bytes: sum(.bytes), most: max(.bytes)}' |
        leat sink-tsdb --stats "$@"
}

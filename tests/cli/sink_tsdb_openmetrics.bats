#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# sink-tsdb openmetrics: text, checked by a strict reader of the format, and the file that it is in.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Read OpenMetrics text and require what the format does, and of ours: gauges, each family whole and once, in order.
# Prints name, labels and value of each sample.
check_openmetrics() {
    python3 - "$1" <<'END'
import json, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
lines = text.split("\n")
assert lines.pop() == "" and lines.pop() == "# EOF", "the end"
name = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
sample = re.compile(rf"({name})(?:\{{({label}(?:,{label})*)\}})? ([-+]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)")
families, last = [], None
for i, line in enumerate(lines):
    if head := re.fullmatch(rf"# TYPE ({name}) gauge", line):
        families.append(head[1])
        last = ()
        assert re.fullmatch(rf"# HELP {head[1]} \S.*", lines[i + 1]), line
        continue
    if line.startswith("# HELP "):
        continue
    m = sample.fullmatch(line)
    assert m, f"no sample: {line!r}"
    assert m[1] == families[-1], line
    labels = re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"', m[2] or "")
    assert [k for k, _ in labels] == sorted({k for k, _ in labels}), line
    assert last == () or last < tuple(labels), line
    last = tuple(labels)
    unescape = {"n": "\n", "\\": "\\", '"': '"'}
    print(m[1], json.dumps({k: re.sub(r"\\(.)", lambda e: unescape[e[1]], v) for k, v in labels}, ensure_ascii=False),
          float(m[3]))
assert families == sorted(set(families)), families
END
}

@test "openmetrics: the newest value of each series, sorted, escaped, and promtool has no objection" {
    cat >in.json <<'END'
{"at":2,"k":"b","n":1,"up":true}
{"at":1,"k":"b","n":2,"up":false}
{"at":1,"k":"\u00e4\"\\\n","id.orig":"9","n":1e-300}
{"at":3,"n":-9007199254740993,"p99.9":0.1}
END
    exits 0 leat sink-tsdb openmetrics:m.prom --measurement m --time .at --fields 'n, up, "p99.9": ."p99.9"' \
        --tags 'k, "id.orig": ."id.orig"' in.json --stats
    contains "$stderr" "4 sent, 4 accepted"
    equals "$(check_openmetrics m.prom)" 'm_n {} -9007199254740992.0
m_n {"id_orig": "9", "k": "ä\"\\\n"} 1e-300
m_n {"k": "b"} 1.0
m_p99_9 {} 0.1
m_up {"k": "b"} 1.0'
    if command -v promtool >/dev/null; then promtool check metrics <m.prom; fi
}

@test "openmetrics: a window's results, to a file and to standard output" {
    leat gen clicks -c 5000 --seed 3 -j >clicks.json
    window() {
        leat window --tumble 1m --time .ts --out-of-order 10s -g .page,.country '{n: count, latency: mean(.latency_ms)}' clicks.json "$@"
    }
    window | leat sink-tsdb openmetrics:- >out
    window | leat sink-tsdb openmetrics:m.prom
    cmp out m.prom
    check_openmetrics m.prom >got
    # the last window of each group, in another way
    window -j | jq -rs 'group_by([.page, .country])[] | max_by(.window_start) | ({country, page} | del(.[] | nulls)) as $l |
        "metrics_n \($l | tojson) \(.n)"' | sort >wanted
    grep '^metrics_n ' got | sed 's/": "/":"/g; s/", "/","/g; s/\.0$//' | sort | cmp - wanted
    if command -v promtool >/dev/null; then promtool check metrics <m.prom; fi
}

@test "openmetrics: a file is there while the input goes on; a null takes its series out" {
    mkfifo in
    leat sink-tsdb openmetrics:m.prom --measurement m --fields .value --tags .k --time .at --flush 50ms in 3>&- &
    sink=$!
    exec 5>in
    printf '{"at":%s,"k":"%s","value":%s}\n' 1 a 1 1 b 2 >&5
    until_true test -s m.prom
    until_true eval '[[ $(check_openmetrics m.prom | wc -l) -eq 2 ]]'
    printf '{"at":%s,"k":"%s","value":%s}\n' 2 a null >&5
    until_true eval '[[ $(check_openmetrics m.prom) == '"'m {\"k\": \"b\"} 2.0'"' ]]'
    printf '{"at":%s,"k":"%s","value":%s}\n' 3 c 3 >&5
    exec 5>&-
    wait "$sink"
    equals "$(check_openmetrics m.prom)" 'm {"k": "b"} 2.0
m {"k": "c"} 3.0'
    equals "$(echo m.prom*)" m.prom
}

@test "openmetrics: of an input that is cut off nothing is published, and the file of before stays" {
    echo before >m.prom
    leat gen clicks -c 500 --seed 3 | head -c 20000 >cut.leat
    exits 5 leat sink-tsdb openmetrics:m.prom --flush 1h <cut.leat
    equals "$(cat m.prom)" before
    equals "$(echo m.prom*)" m.prom
}

@test "openmetrics: a disk that is full, a folder that is not there, and a device, which stays what it is" {
    echo '{"at":1,"value":1}' >in.json
    exits 4 leat sink-tsdb openmetrics:/dev/full --time .at in.json
    contains "$stderr" "'/dev/full': No space left on device"
    [[ -c /dev/full ]]
    exits 0 leat sink-tsdb openmetrics:/dev/null --time .at in.json
    [[ -c /dev/null ]]
    exits 4 leat sink-tsdb openmetrics:no/m.prom --time .at in.json
    contains "$stderr" "No such file or directory"
}

@test "openmetrics: names that become one are a bad record, and so is one without a number" {
    cat >in.json <<'END'
{"at":1,"a.b":1,"a_b":2}
{"at":1,"s":"x","value":3}
END
    exits 0 leat sink-tsdb openmetrics:- --measurement m --time '.at' --tags "" --on-error skip in.json
    contains "$(grep -v '^#' <<<"$output")" "m 3"
    contains "$stderr" "'in.json:1' skipped: two fields become the same metric 'm_a_b'"
    exits 3 leat sink-tsdb openmetrics:- --measurement m --time .at --tags "" --fields s <in.json
    contains "$stderr" "standard input:2"
    contains "$stderr" "no field is a number"
}

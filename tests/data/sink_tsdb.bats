#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real records from $LEAT_DATA (make data) through produce, window and sink-tsdb into SQLite, compared with what Python
# makes of the raw file. tests/services does the same with servers.

load ../cli/helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
}

@test "apache-logs: requests and bytes by hour and status in SQLite are those of the raw file" {
    leat produce apache --partitions 3 --key .ip --time .time "$LEAT_DATA/apache-logs.ndjson"
    leat consume apache -e --out-of-order 10d |
        leat window --tumble 1h --out-of-order 10d -g .status \
            '{n: count, bytes: sum(.bytes), largest: max(.bytes), mean: mean(.bytes)}' >hours.leat
    exits 0 leat sink-tsdb sqlite:m.db --measurement requests --real mean hours.leat
    exits 0 leat sink-tsdb sqlite:m.db --measurement requests --real mean hours.leat
    python3 - "$LEAT_DATA/apache-logs.ndjson" >wanted <<'END'
import collections, fractions, json, sys
groups = collections.defaultdict(list)
for line in open(sys.argv[1]):
    r = json.loads(line)
    groups[r['time'][:13] + ':00:00Z', r['status']].append(r['bytes'])
for (hour, status), every in sorted(groups.items(), key=lambda item: (item[0][0], str(item[0][1]))):
    known = [b for b in every if b is not None]
    mean = float(fractions.Fraction(sum(known), len(known))) if known else None
    print(json.dumps([hour, str(status), len(every), sum(known) if known else None, max(known, default=None), mean]))
END
    python3 - >got <<'END'
import json, sqlite3
for row in sqlite3.connect('m.db').execute('SELECT time, status, n, bytes, largest, mean FROM requests '
                                           'ORDER BY time_ns, status'):
    print(json.dumps(row))
END
    diff wanted got
    (($(wc -l <got) > 100))
    equals "$(sqlite3 m.db 'SELECT DISTINCT typeof(n), typeof(bytes) FROM requests WHERE bytes IS NOT NULL')" 'integer|integer'
}

@test "earthquakes: every record is there, with its values" {
    local quakes=$LEAT_DATA/earthquakes-by-update.ndjson
    exits 0 leat sink-tsdb sqlite:m.db --time .time --tags id,net --fields updated,mag,lat "$quakes"
    equals "$(sqlite3 m.db 'SELECT count(*), sum(updated) FROM metrics')" \
        "$(jq -rs 'map([.id, .net, .time, .updated]) | group_by(.[:3]) | map(last[3]) | "\(length)|\(add)"' "$quakes")"
}

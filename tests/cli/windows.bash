# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2059,SC2154,SC2312
# What the tests of window share: two small inputs, results in short, streams of blocks made by hand.

# six.json, late.json, and a program in $sum.
make_inputs() {
    cat >six.json <<'END'
{"t":"2024-01-01T00:00:01Z","k":"a","n":1}
{"t":"2024-01-01T00:00:04Z","k":"b","n":2}
{"t":"2024-01-01T00:00:09.5Z","k":"a","n":3}
{"t":"2024-01-01T00:00:12Z","k":"a","n":4}
{"t":"2024-01-01T00:00:27Z","n":5}
{"t":"2024-01-01T00:00:31Z","k":null,"n":6}
END
    # Behind the watermark by 3 s, 12 s and 19 s.
    cat >late.json <<'END'
{"t":"2024-01-01T00:00:01Z","n":1}
{"t":"2024-01-01T00:00:12Z","n":2}
{"t":"2024-01-01T00:00:09Z","n":4}
{"t":"2024-01-01T00:00:15Z","n":8}
{"t":"2024-01-01T00:00:03Z","n":16}
{"t":"2024-01-01T00:00:21Z","n":32}
{"t":"2024-01-01T00:00:02Z","n":64}
END
    sum='{n: count, sum: sum(.n)}'
}

# Results as "start end members…", times as the seconds of 2024-01-01, and what was emitted before its time as a word.
#     brief --tumble 10s "$sum" six.json
brief() {
    run --separate-stderr leat window --time .t -i json -j "$@"
    output=$(jq -r 'def seconds: capture("^(?<s>[^.Z]*)(?<f>[.][0-9]*)?Z$")
            | "\("\(.s)Z" | fromdateiso8601 - 1704067200)\(.f // "" | sub("0+$"; ""))";
        [(.window_start | seconds) + ".." + (.window_end | seconds),
            (del(.window_start, .window_end) | .[] | tojson)] | join(" ")' <<<"$output")
    [[ $status -eq 0 ]] || {
        echo "exit code $status: $stderr"
        return 1
    }
}

# A stream of blocks, from the body of a Python program that knows tests/golden/encode.py:
#     stream 'source(1, 0, "t"), rows(0, (5, 1)), idle(0)'
stream() {
    python3 -B - "$LEAT_SOURCE" "$1" <<'END'
import json, sys
sys.path.insert(0, sys.argv[1] + '/tests/golden')
from encode import Record, control, data, end, start
T = 1704067200 * 10**9

def source(partition):
    return control('source', {'topic_id': 77, 'partition': partition}, topic='t')

def idle(partition):
    return control('idle', {'topic_id': 77, 'partition': partition})

def mark(partition, second):
    return control('watermark', {'topic_id': 77, 'partition': partition}, time=T + second * 10**9)

def rows(partition, *pairs):
    return data([Record(value=json.dumps({'n': n}).encode(), time=T + s * 10**9) for s, n in pairs],
                topic_id=77, partition=partition)

def barrier(number):
    return control('barrier', checkpoint=number)

blocks = eval('[' + sys.argv[2] + ']')
sys.stdout.buffer.write(start() + b''.join(blocks) + end([b for b in blocks if b[5] == 1]))
END
}

flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "$(printf '\\%03o' $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

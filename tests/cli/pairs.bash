# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154,SC2312
# What the tests of join with two streams share: small inputs, results in short, streams whose writer lives on.

# l.json and r.json.
make_sides() {
    printf '{"t":%d,"k":"%s","l":%d}\n' 10 a 1 20 b 2 30 a 3 40 c 4 >l.json
    printf '{"t":%d,"k":"%s","r":%d}\n' 12 a 1 15 a 2 20 b 3 26 a 4 35 d 5 >r.json
}

# l.json with r.json by .k; what comes out is written "l-r" for a pair, "l-" and "-r" for one without a partner.
pairs() {
    run --separate-stderr leat join --with ./r.json --on .k --time .t -j "$@" l.json
    output=$(jq -rs 'map("\(.l // "")-\(.r // "")") | join(" ")' <<<"$output")
    [[ $status -eq 0 ]] || {
        echo "exit code $status: $stderr"
        return 1
    }
}

# Clicks of two seeds with few users, as l.leat and r.leat.
two_streams() {
    leat gen clicks -c "$1" --users 1000 --start 2026-01-01T01:00:10Z --seed 1 >l.leat
    leat gen clicks -c "$1" --users 1000 --start 2026-01-01T01:00:10Z --seed 2 >r.leat
}

# A stream as of windows.bash whose writer is still there for half a minute.
live_stream() {
    stream "$1" | python3 -c 'import sys
blocks = sys.stdin.buffer.read()
sys.stdout.buffer.write(blocks[:blocks.rindex(b"LEAT")])'
    exec sleep 30
}

# What is in the folder of --state, but for who had it last.
state_files() {
    find s -type f ! -name lock -exec md5sum {} + | sort
}

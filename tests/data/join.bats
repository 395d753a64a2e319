#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Joins of the real records of $LEAT_DATA (make data), against numbers that were counted there without leat.

load ../cli/helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    [[ -d ${LEAT_DATA:-} ]] || skip "LEAT_DATA names no folder: make data"
}

@test "flights x airports: 20,000 of 20,000 have their airport, at both ends, from text and from blocks" {
    local flights=$LEAT_DATA/flights-by-arrival.ndjson airports=$LEAT_DATA/airports.ndjson
    leat join --table "$airports" --on .origin --on-table .iata --prefix origin_ "$flights" |
        leat join --table "$airports" --on .destination --on-table .iata --as to -j >out
    equals "$(wc -l <out)" 20000
    equals "$(jq -s 'map(select(.origin == .origin_iata and .destination == .to.iata and .to.name)) | length' out)" 20000
    exits 0 leat join --table "$airports" --on .origin --on-table .iata --anti "$flights" -j
    equals "$output$stderr" ""
    # The same by jq alone, to the byte but for spelling.
    jq -c --slurpfile a "$airports" -n '($a | INDEX(.iata)) as $by | inputs | . + ($by[.origin] | with_entries(.key |= "origin_" + .))
        + {to: $by[.destination]}' "$flights" >wanted
    cmp wanted <(jq -c . out)
}

@test "zeek dns x weird on .uid: 8 pairs as DuckDB has them, 53,607 and 24,199 without a partner" {
    zstd -dcq "$LEAT_DATA/zeek-dns.ndjson.zst" >dns.json
    zstd -dcq "$LEAT_DATA/zeek-weird.ndjson.zst" >weird.json
    # The same by Python alone: every record with all of its uid, whenever they were.
    python3 -B - <<'END' | sort >wanted
import collections, json

with open('weird.json', encoding='utf-8') as weird, open('dns.json', encoding='utf-8') as dns:
    by = collections.defaultdict(list)
    for w in map(json.loads, weird):
        by[w.get('uid')].append(w)
    for d in map(json.loads, dns):
        for w in by[d['uid']]:
            print(json.dumps([d, w], sort_keys=True))
END
    equals "$(wc -l <wanted)" 8
    dns_weird() {
        exits 0 leat join --with ./weird.json --on .uid --time .ts --out-of-order 671s -j "$@" dns.json
        equals "$stderr" ""
    }
    local form
    for form in '--within 1d' '--within 10us' '--tumble 1d'; do
        # shellcheck disable=SC2086 # several words
        dns_weird $form --as weird
        python3 -B -c 'import json, sys
for d in map(json.loads, sys.stdin):
    w = d.pop("weird")
    print(json.dumps([{n: v for n, v in d.items() if n[:7] != "window_"}, w], sort_keys=True))' <<<"$output" |
            sort | cmp - wanted
    done
    dns_weird --within 0s --as weird
    equals "${#lines[@]}" 3
    dns_weird --within 1s --anti
    equals "${#lines[@]}" 53607
    dns_weird --within 1s --right --as weird
    equals "${#lines[@]}" $((8 + 24199))
    # From blocks, and the other way round.
    leat map . --time .ts weird.json >weird.leat
    exits 0 bash -c 'set -o pipefail
        leat map . --time .ts dns.json | leat join --with - --on .uid --out-of-order 671s --within 1d --as dns -j weird.leat | wc -l'
    equals "$output" 8
}

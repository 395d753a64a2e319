#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# README.md is true: its commands print what it says, what it names is there, and its table has all of the bench.

load helpers

# Programs that a reader has and a test does not: a journal and a broker, in the form of journalctl(1) and kcat(1).
stand_ins() {
    mkdir bin
    cat >bin/journalctl <<'END'
#!/bin/bash
[[ $* == "-o json --since -1h" ]] || echo "not expected: $*"
while read -r second priority identifier message; do
    printf '{"__CURSOR":"s=5e;i=%x","__REALTIME_TIMESTAMP":"17637228%s000123","__MONOTONIC_TIMESTAMP":"%s000123",' \
        "$second" "$second" "$second"
    printf '"_BOOT_ID":"0f","_TRANSPORT":"syslog","PRIORITY":"%s","SYSLOG_IDENTIFIER":"%s","MESSAGE":%s}\n' \
        "$priority" "$identifier" "$message"
done <<'LINES'
15 6 sshd "Connection closed by 192.0.2.7 port 50102"
21 6 CRON "(root) CMD (run-parts /etc/cron.hourly)"
28 3 sshd "error: kex_exchange_identification: Connection closed by remote host"
LINES
END
    cat >bin/kcat <<'END'
#!/bin/bash
case $* in
"-P -b broker:9092 -t access -K \\t -X topic.partitioner=murmur2_random") grep -v $'^203[0-9.]*\t{' ;;
"-C -q -b broker:9092 -t orders -e -J")
    printf '{"topic":"orders","partition":0,"offset":17,"tstype":"create","ts":1795255200000,"broker":1,"headers":["from",'
    printf '"web"],"key":"u7","payload":"{\\"order\\":1,\\"amount\\":12.5}"}\n' ;;
*) echo "not expected: $*" ;;
esac
END
    chmod +x bin/*
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    stand_ins
    mkdir tmp
    export TMPDIR="$PWD/tmp" PATH="$PWD/bin:$PATH"
}

session() {
    python3 -B "$LEAT_SOURCE/tests/cli/expr_page.py" session "$1"
}

@test "the commands, typed one behind the other, print what README.md says" {
    session "$LEAT_SOURCE/README.md"
}

@test "they print the same for the log of a server that writes the combined format as it comes" {
    mkdir copy
    cp "$LEAT_SOURCE/README.md" copy
    cp -r "$LEAT_SOURCE/examples" copy
    sed -E -i 's/"Mozilla.* [0-9.]+$/"Mozilla\/5.0 (X11; Linux x86_64) AppleWebKit\/537.36 (KHTML, like Gecko)"/' copy/examples/access.log
    grep -q 'KHTML, like Gecko)"$' copy/examples/access.log
    session copy/README.md
    # Its first lines have as many commas; that makes no table of it, nor of another log.
    sed 's/ - - / /' copy/examples/access.log >other.log
    equals "$(leat filter --count 'type == "string"' other.log)" 61
}

@test "an output that is another one is seen, and so is a shell that ends" {
    mkdir copy
    ln -s "$LEAT_SOURCE/examples" copy/examples
    printf '%s\n' '# x' '' '    $ echo a' '    a' '' '    make test' '' '```console' '$ wc -l <examples/sales.csv' '9' \
        '$ printf "1\n\n2\n"' '1' '' '2' '```' >copy/good.md
    exits 0 session copy/good.md
    equals "$output" "# 3 commands, 0 differ"
    sed 's/^9$/8/' copy/good.md >copy/bad.md
    exits 1 session copy/bad.md
    contains "$output" "# 3 commands, 1 differ"
    sed 's/echo a/exit 0/' copy/good.md >copy/ends.md
    exits 1 session copy/ends.md
    contains "$output" "the shell ended at command 1 of 3"
}

@test "every folder of cmd/ and libcommon/ is named, and all that is named is there" {
    cd "$LEAT_SOURCE"
    local name row command failed=0
    for name in cmd/*/ libcommon/*/ tests/*/; do
        [[ $name == */__pycache__/ ]] && continue
        grep -qF "\`$name" README.md || { echo "README.md does not name $name"; failed=1; }
    done
    for name in cmd/*/; do
        name=$(basename "$name")
        [[ $name == leat ]] && continue
        row=$(grep -E "^\| \`leat $name " README.md) || { echo "no row for leat $name"; failed=1; }
        while read -r command; do
            [[ $row =~ [^a-z]$command([^a-z]|$) ]] || { echo "the row of leat $name is without $command"; failed=1; }
        done < <(leat "$name" --dump-options | awk -F'\t' '$1 == "command" { print $2 }')
    done
    while read -r name; do
        [[ -e $name || $name == "cmd/<tool>/"* || $name == build/ ]] || { echo "there is no $name"; failed=1; }
    done < <(grep -oE '`(cmd|libcommon|tests|examples|man|completions|build)/[^`]*`' README.md | tr -d '`')
    while read -r name; do
        name=${name%\)}
        compgen -G "man/${name%(*}.${name#*(}" >/dev/null || { echo "there is no page $name)"; failed=1; }
    done < <(grep -oE 'leat[a-z-]*\([1-8]\)' README.md | sort -u)
    while read -r name; do
        grep -qE "^$name:" Makefile || { echo "there is no make $name"; failed=1; }
    done < <(grep -oE '(`|^    )make [a-z]+' README.md | sed 's/.*make //' | sort -u)
    equals "$failed" 0
}

@test "every script of examples/ says by a command and its output what it does" {
    local script
    for script in "$LEAT_SOURCE"/examples/*.sh; do
        [[ $script == */demo.sh ]] || grep -q '^# \$ .*examples/'"$(basename "$script")" "$script" ||
            { echo "$script has no command"; return 1; }
    done
}

@test "it is short: 300 lines beside what was measured, and 120 columns but for tables and outputs" {
    [[ $(sed '/bench: begin/,/bench: end/d' "$LEAT_SOURCE/README.md" | wc -l) -le 300 ]]
    equals "$(awk 'length > 120 && !/^\|/ && (!/^    / || /^    [$>] /)' "$LEAT_SOURCE/README.md")" ""
}

readme_table() { # of the bench, from standard input
    sed -n '/^<!-- bench: begin/,/^<!-- bench: end/p' | grep '^|'
}
first_cells() {
    sed -n 's/^| \([^ ][^|]*\(\\|[^|]*\)*\) |.*/\1/p'
}

@test "the table has every workload of the bench, with its title, measured or not" {
    cd "$LEAT_SOURCE"
    exits 0 env BENCH_DIR="$BATS_TEST_TMPDIR/none" tests/bench/run --readme -
    equals "$(readme_table <README.md | first_cells)" "$(grep '^|' <<<"$output" | first_cells)"
    equals "$(readme_table <README.md | first_cells | wc -l)" "$(($(printf '%s\n' tests/bench/workloads/*.py | wc -l) + 2))"
    equals "$(readme_table <README.md | sed 's/\\|//g' | awk -F'|' 'NF != 9')" ""
}

@test "kept results of the bench become the table, in the place that is marked for it" {
    mkdir results
    cat >results/latest.json <<'END'
{"machine": {"cpu": "Some CPU", "cpus": 2, "kernel": "6.1.0", "file_system": "ext4", "leat": "leat 0.1.0", "load": 0.0},
 "when": "2026-11-22T10:00:00Z", "workloads": {"W2": {"when": "2026-11-21T10:00:00Z",
  "cases": {"tumble": {"s": {"median": 0.25}}, "hop": {"s": {"median": 0.5}}, "other": {"missing": "npm"}},
  "figures": [
   {"text": "a | b", "value": 2, "limit": 1.3, "at_least": false, "unit": "x", "reached": false, "of": [["tumble", "s"], ["hop", "s"]]},
   {"text": "c", "value": 0.5, "limit": 0.35, "at_least": true, "unit": "%", "reached": true, "of": [["hop", "s"]]},
   {"text": "d", "value": null, "limit": 2, "at_least": true, "unit": "x", "reached": null, "of": [["hop", "s"], ["other", "s"]]},
   {"text": "not asked for", "value": 1, "limit": null, "at_least": true, "unit": "x", "reached": null, "of": [["hop", "s"]]}]}}}
END
    local run="$LEAT_SOURCE/tests/bench/run"
    exits 0 env BENCH_DIR="$PWD/results" "$run" --readme - W2 C1
    local title
    title=$(sed -n "s/^TITLE = '\(.*\)'/\1/p" "$LEAT_SOURCE/tests/bench/workloads/W2.py")
    equals "$output" "Measured 2026-11-21 on 2 x Some CPU, Linux 6.1.0, ext4, leat 0.1.0; medians, in turn.

| workload | figure | leat | beside it | result | asked for | reached |
| --- | --- | --- | --- | --- | --- | --- |
| C1: consume 2 M clicks into a pipe | not measured |  |  |  |  |  |
| W2: $title | a \\| b | tumble: 0.2500 s | hop: 0.5000 s | 2.00 x | ≤ 1.30 x | **no** |
|  | c | hop: 0.5000 s |  | 50 % | ≥ 35 % | yes |
|  | d |  |  | not measured: needs npm | ≥ 2.00 x |  |"
    local table=$output
    printf '%s\n' before '<!-- bench: begin (tests/bench/run --readme README.md) -->' old '<!-- bench: end -->' behind >page.md
    local _
    for _ in 1 2; do
        exits 0 env BENCH_DIR="$PWD/results" "$run" --readme page.md W2 C1
        equals "$(<page.md)" "before
<!-- bench: begin (tests/bench/run --readme README.md) -->

$table

<!-- bench: end -->
behind"
    done
    echo "no place" >page.md
    exits 1 env BENCH_DIR="$PWD/results" "$run" --readme page.md
    contains "$stderr" "'page.md' has no lines '<!-- bench: begin"
    equals "$(<page.md)" "no place"
}

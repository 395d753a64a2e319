#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever the bytes, names, files and settings are: a tool ends by itself, with the exit code that leat(1) tells, in
# little memory, and nothing that came from outside reaches a terminal as a control character.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
    golden="$LEAT_SOURCE/tests/golden"
}

# A block header: header KIND CODEC STORED_SIZE RAW_SIZE RECORDS
header() {
    python3 -c 'import struct, sys
kind, codec, stored, raw, records = map(int, sys.argv[1:])
none = -2 ** 63
sys.stdout.buffer.write(b"LEAT" + struct.pack("<4B4IQqqQIIQII", 1, kind, codec, 0, stored, 0, raw, records,
                                              0, none, none, 0, 0, 0, 0, 0, 0))' "$@"
}

# Run a command and require its exit code and a peak of at most so many KiB of memory.
within_kib() {
    local most=$1 want=$2 peak code=0
    shift 2
    peak=$(peak_kib timeout 60 "$@" 2>messages) || code=$?
    [[ $code -eq $want && $peak -le $most ]] && return 0
    echo "exit code $code instead of $want, $peak KiB of at most $most: $*"
    cat messages
    return 1
}

# Fails when the text has a control character other than line feed, carriage return and tab, or one for direction.
plain() {
    python3 -c 'import sys
text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
bad = [c for c in text if (ord(c) < 32 and c not in "\r\n\t") or 127 <= ord(c) < 160 or 0xdc80 <= ord(c) <= 0xdcff
       or c in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
sys.exit(f"unsafe: {bad!r} in {text!r}" if bad else 0)' <<<"$1"
}

# ---- blocks and text ---------------------------------------------------------------------------------------------------

@test "every bad golden file ends with the exit code of its grade" {
    local name grade code rest failed=0 got
    while read -r name grade code rest; do
        [[ $name == '#' ]] && continue
        got=0
        leat produce t -i leat "$golden/bad/$name.leat" 2>messages || got=$?
        [[ $got -eq $code && $(wc -l <messages) -eq 1 ]] && continue
        echo "$name ($grade): exit code $got instead of $code: $(<messages)"
        failed=1
    done <"$golden/bad/EXPECTED"
    return $failed
}

@test "garbage in any format is refused, and says where" {
    python3 -c 'import random, sys; random.seed(7); sys.stdout.buffer.write(random.randbytes(200000))' >garbage
    local format
    for format in auto json envelope csv tsv lines lp leat; do
        run --separate-stderr timeout 20 leat produce t -i "$format" garbage
        [[ $status -eq 3 || $status -eq 6 || $status -eq 5 ]] || { echo "$format: exit code $status"; return 1; }
        contains "$stderr" garbage
        plain "$stderr"
    done
}

@test "a block that claims 4 GiB, or 1 GiB, is refused before memory is taken" {
    header 1 0 4294967295 4294967295 1 >block
    within_kib 65536 6 leat produce t -i leat block
    header 1 0 1073741824 1073741824 1 >block
    within_kib 65536 3 leat produce t -i leat block
    header 1 0 4294967295 4294967295 170000000 >block
    within_kib 65536 6 leat produce t -i leat block
}

@test "a claim that is lawful takes memory only as bytes arrive" {
    make_topic big 1 max_record=1GiB
    header 1 0 1073741824 1073741824 1 >block
    head -c 100000 /dev/zero >>block
    within_kib 65536 5 leat produce big -i leat --max-record 1GiB block
}

@test "a compressed body that unfolds to more than it claims is cut off at its claim" {
    within_kib 65536 6 leat produce t -i leat "$golden/bad/zstd-frame-far-too-long.leat"
    { header 1 1 40 1073741824 1; printf '\x28\xb5\x2f\xfd\xe0\0\0\0\x40\0\0\0\0'; head -c 27 /dev/zero; } >bomb
    within_kib 65536 3 leat produce t -i leat bomb
}

@test "a control block of nothing but brackets is damage, not a deep stack" {
    printf '{"type":"x","a":%s' "$(head -c 200000 /dev/zero | tr '\0' '[')" >body
    { header 2 0 "$(stat -c %s body)" "$(stat -c %s body)" 0; cat body; } >block
    within_kib 65536 6 leat produce t -i leat block
    contains "$(<messages)" "nested deeper than 1024 levels"
}

@test "deep JSON is a bad record" {
    head -c 1000000 /dev/zero | tr '\0' '[' >deep
    within_kib 65536 3 leat produce t -i json deep
    contains "$(<messages)" "nested too deeply"
}

@test "a line of 1 GiB is passed over in little memory" {
    long
    mkfifo line
    head -c 1G /dev/zero | tr '\0' x >line &
    within_kib 98304 0 leat produce t -i json --on-error skip line
    contains "$(<messages)" "line of more than 16777216 bytes is over the limit"
}

@test "a run whose name is made of escapes and line feeds is told as plain text on one line" {
    body='{"type":"start","run":"\u001b[31m\nleat: all is well\u202e"}'
    { header 2 0 ${#body} ${#body} 0; printf %s "$body"; header 2 0 ${#body} ${#body} 0; printf %s "$body"; } >twice
    exits 6 leat produce t -i leat twice
    [[ ${#stderr_lines[@]} -eq 1 ]]
    plain "$stderr"
    contains "$stderr" 'starts inside stream ?[31m?leat:?all?is?well'
}

# ---- terminals -----------------------------------------------------------------------------------------------------------

@test "keys, headers and values cannot steer a terminal, in any format" {
    local format
    printf '%s\n' $'\e]0;owned\a\u202e\u009b31m:{"v":"\u009b31m\u202e\x7f"}' |
        leat produce t -K : -H $'h\e[31m=\e[2J\u2066'
    for format in json envelope pretty table csv tsv lines; do
        on_terminal "leat consume t -e --color never -O $format"
        [[ $status -eq 0 ]]
        plain "$output" || { echo "$format"; return 1; }
    done
    on_terminal "leat consume t -e -f '%t %k %h %s\\n'"
    plain "$output"
    [[ $output == *'h\x1b[31m'* ]]
}

@test "words, paths and variables cannot steer a terminal" {
    exits 2 leat $'\e[31mtool'
    plain "$stderr"
    exits 2 leat consume $'--\e[31m'
    plain "$stderr"
    exits 2 leat consume t -e -o $'\e[31m\u202e'
    plain "$stderr"
    exits 2 leat produce $'t\e[31m' <<<'{}'
    plain "$stderr"
    exits 4 leat produce t $'file\e]0;x\a'
    plain "$stderr"
    exits 4 leat consume t -e -d $'dir\e[31m'
    plain "$stderr"
    exits 3 leat produce t -i json <<<$'"\e[31m\a'
    plain "$stderr"
}

@test "names of other making in the log's directories are passed over" {
    leat produce t <<<'{}'
    mkdir "$LEAT_DIR/topics/"$'x\e[31m' "$LEAT_DIR/groups/"$'g\e[31m'
    exits 0 leat topic list --names
    equals "$output$stderr" t
    exits 0 leat group list
    plain "$output$stderr"
}

# ---- names and numbers ------------------------------------------------------------------------------------------------

@test "a topic cannot be named out of its directory" {
    local name
    leat produce t <<<'{}'
    for name in . .. ../t t/../t /etc t/0 '' 'a b' $'a\nb' "$(printf 'x%.0s' {1..250})"; do
        exits 2 leat produce "$name" <<<'{}'
    done
    for name in . ../t t/../t t/0; do
        run --separate-stderr leat consume "$name" -e
        [[ $status -eq 2 || $status -eq 4 ]]
        equals "$output" ""
    done
    equals "$(ls "$LEAT_DIR/topics")" t
    exits 0 leat produce "$(printf 'x%.0s' {1..249})" <<<'{}'
    exits 0 leat produce ... <<<'{}'
}

@test "offsets up to 2^63 - 1 are taken, and wrap nowhere" {
    leat produce t <<<$'1\n2\n3'
    equals "$(leat consume t -e -f %s -o 9223372036854775807)" ""
    equals "$(leat consume t -e -f %s -o -9223372036854775807)" 123
    equals "$(leat consume t -e -f %s -o +9223372036854775807)" ""
    equals "$(leat consume t -e -f %s -o 1:9223372036854775807)" 23
    local offset
    for offset in 9223372036854775808 18446744073709551616 -9223372036854775808 1:-1:1 0x1 1e3 @9223372036854775808s; do
        exits 2 leat consume t -e -o "$offset"
    done
}

@test "numbers out of range and sizes below zero are usage errors" {
    leat produce t <<<'{}'
    local words
    for words in -p=-1 -p=1 -p=4294967296 --max-record=-1 --max-record=0 --max-record=2GiB --partitions=0 \
        --partitions=4097 --sync=interval=-1s --sync=interval=0; do
        exits 2 leat produce t "${words%%=*}" "${words#*=}" <<<'{}'
    done
    for words in '-p 18446744073709551616' '-c -1' '-c 99999999999999999999' '-p -1'; do
        # shellcheck disable=SC2086 # two words
        exits 2 leat consume t -e $words
    done
    for words in segment_size=-1 segment_size=0 segment_size=99999999999999999999 retention_age=-1h max_record=0 \
        codec=lzma sync=maybe =1 x; do
        exits 2 leat topic create u --set "$words"
    done
    [[ ! -e $LEAT_DIR/topics/u ]]
}

# ---- the log's directory ------------------------------------------------------------------------------------------------

@test "a log directory that is a file, or that everyone may write to, is refused" {
    echo text >file
    exits 4 leat produce t -d file <<<'{}'
    exits 4 leat topic list -d /dev/null
    mkdir -m 777 open
    exits 2 leat produce t -d open <<<'{}'
    contains "$stderr" "can be written by everyone"
    leat produce t <<<'{}'
    chmod 777 "$LEAT_DIR/topics/t"
    exits 2 leat consume t -e
    exits 4 leat topic list -d "$(printf 'd%.0s' {1..5000})"
}

@test "links inside the log are not followed" {
    leat produce t <<<'{}'
    mkdir elsewhere
    ln -s "$PWD/elsewhere" "$LEAT_DIR/topics/link"
    exits 4 leat produce link <<<'{}'
    exits 4 leat consume link -e
    equals "$(ls elsewhere)" ""
    mv "$LEAT_DIR/topics/t/0" away
    ln -s "$PWD/away" "$LEAT_DIR/topics/t/0"
    exits 4 leat produce t <<<'{}'
}

@test "another kind of file in the place of each of the log's is an error or made good, and nobody hangs" {
    local file kind
    leat produce t <<<$'1\n2'
    cp -a "$LEAT_DIR" whole
    echo untouched >target
    for file in tail start lock 00000000000000000000.leat 00000000000000000000.idx ../topic.json ../wake; do
        for kind in fifo directory link; do
            rm -rf "$LEAT_DIR" && cp -a whole "$LEAT_DIR"
            rm -f "$LEAT_DIR/topics/t/0/$file"
            case $kind in
            fifo) mkfifo "$LEAT_DIR/topics/t/0/$file" ;;
            directory) mkdir "$LEAT_DIR/topics/t/0/$file" ;;
            link) ln -s "$PWD/target" "$LEAT_DIR/topics/t/0/$file" ;;
            esac
            run --separate-stderr timeout 10 leat produce t -i json - <<<3
            [[ $status -eq 0 || $status -eq 4 || $status -eq 6 ]] || { echo "$file $kind: $status"; return 1; }
            run --separate-stderr timeout 10 leat consume t -e -f %s
            [[ ($status -eq 0 && $output == 12*) || $status -eq 4 || $status -eq 6 ]] ||
                { echo "$file $kind: $status '$output'"; return 1; }
        done
    done
    equals "$(<target)" untouched
}

@test "a topic.json of another kind is made good by the one before it" {
    leat produce t <<<1
    leat topic alter t --set codec=zstd
    rm "$LEAT_DIR/topics/t/topic.json" && mkfifo "$LEAT_DIR/topics/t/topic.json"
    equals "$(timeout 10 leat consume t -e -f %s)" 1
    rm "$LEAT_DIR/topics/t/topic.json" && head -c 70000 /dev/zero >"$LEAT_DIR/topics/t/topic.json"
    equals "$(leat consume t -e -f %s)" 1
    rm "$LEAT_DIR/topics/t/topic.json.prev"
    exits 6 leat consume t -e
}

@test "junk in a partition's directory is not looked at" {
    leat produce t <<<1
    (cd "$LEAT_DIR/topics/t/0" && seq 5000 | sed 's/^/junk-/' | xargs touch &&
        touch 99999999999999999999.leat 9223372036854775808.leat 18446744073709551615.leat 0.leat -- -1.leat)
    exits 0 timeout 10 leat produce t <<<2
    equals "$(timeout 10 leat consume t -e -f %s)" 12
}

@test "a start that lies beyond the log's end is damage: nothing is appended where nobody would see it" {
    leat produce t <<<1
    rm "$LEAT_DIR/topics/t/0/tail"
    python3 -B -c 'import sys; sys.path.insert(0, sys.argv[1]); from encode import crc32c
print("99 %08x" % crc32c(b"99"))' "$golden" >"$LEAT_DIR/topics/t/0/start"
    exits 6 leat produce t <<<2
    contains "$stderr" "in front of the offset in its file 'start'"
}

@test "a sparse tail of a segment is cut off without memory or disk for what it claims" {
    leat produce t <<<1
    rm "$LEAT_DIR/topics/t/0/tail"
    truncate -s 100G "$LEAT_DIR/topics/t/0/00000000000000000000.leat"
    echo 2 >more
    within_kib 131072 0 leat produce t more
    equals "$(leat consume t -e -f %s)" 12
    [[ $(du -sk "$LEAT_DIR" | cut -f1) -lt 10000 ]]
}

@test "a reader whose tail is cut short under its feet dies without an end, and the next one recovers" {
    leat produce t <<<1
    timeout 8 leat consume t -O leat >stream 2>/dev/null &
    until_true test -s stream
    : >"$LEAT_DIR/topics/t/0/tail"
    reap $!
    [[ $status -ne 124 ]]
    [[ $status -gt 128 ]]
    ! grep -aq '"type":"end"' stream
    exits 0 leat produce t <<<2
    equals "$(leat consume t -e -f %s)" 12
}

@test "variables with odd values do no harm" {
    leat produce t <<<1
    TZ=$'\e[31m' COLUMNS=-5 LINES=99999999999999999999 NO_COLOR=$'\e' LEAT_SANDBOX=$'\e' TERM=$'\e[31m' \
        exits 0 leat consume t -e -f '%s'
    equals "$output$stderr" 1
    TZ=$(printf 'x%.0s' {1..100000}) exits 0 leat consume t -e -f %s
    COLUMNS=999999999 exits 0 leat consume t -e -O table
    LEAT_DIR='' HOME='' XDG_DATA_HOME='' exits 4 leat consume t -e
}

@test "each tool that reads records or the log enters the sandbox, and can still do its work there" {
    local command state
    leat produce t <<<'{"a":1}'
    leat consume t -e -O leat >stream
    exits 0 leat consume t -e -v
    state=${stderr#*: }
    contains "$state" sandbox
    state=${state%%$'\n'*}
    for command in 'show stream' 'show --topic t' 'show --info stream' 'show --full --output whole stream' \
        'show --dead-letter letters --time .a stream' 'show --dead-letter bad --time .a stream' \
        'topic create u' 'topic list' 'topic describe t' 'topic alter t --set retention_age=1d' 'topic compact t' \
        'topic verify' 'topic repair t' 'topic trim t --before end --execute' 'topic dump --records t' \
        'topic dump ./stream' 'topic delete u' 'group list' 'group list --output groups' \
        'produce t stream' 'filter .a stream' 'map .a stream'; do
        # shellcheck disable=SC2086 # words
        exits 0 leat $command -v
        contains "$stderr" "leat ${command%% *}: $state" || return 1
    done
    test -s whole -a -e groups
    LEAT_SANDBOX=off exits 0 leat show stream -v
    contains "$stderr" 'sandbox off'
}

# ---- messages ----------------------------------------------------------------------------------------------------------

# Each line of $stderr is "leat TOOL: …" for this tool, or it is indented; none is what the data would have us say.
one_voice() {
    local line
    while IFS= read -r line; do
        [[ ($line == "leat $1: "* && $line != "leat $1: forged"*) || $line == '  '* ]] && continue
        printf 'a line of its own: %s\n' "$line"
        return 1
    done <<<"$stderr"
}

@test "no newline in a name, a key, a value or a status begins a line of a message" {
    local forged=$'a\nleat show: forged'
    exits 4 leat show "$forged"
    equals "$stderr" "leat show: cannot open 'a\\x0aleat show: forged': No such file or directory"
    exits 2 leat "$forged"
    equals "${stderr%%$'\n'*}" "leat: unknown tool 'a\\x0aleat show: forged'"
    exits 2 leat consume "$forged" -d .
    one_voice consume
    exits 2 leat topic create "$forged"
    one_voice topic
    mkdir -p "$LEAT_DIR/groups" "$LEAT_DIR/topics/$forged"
    exits 0 leat topic list
    equals "$stderr$output" ""
    printf '{"m":"a\\nleat filter: forged"}\n' >in
    exits 3 leat filter 'error(.m)' in
    equals "$stderr" "leat filter: record 'in:1': expression: a\\x0aleat filter: forged"$'\n  error(.m)\n  ^'
    exits 0 leat filter --on-error skip 'error(.m)' in
    equals "$stderr" "leat filter: warning: record 'in:1' skipped: expression: a\\x0aleat filter: forged"$'\n  error(.m)\n  ^'
    run --separate-stderr bash -c "leat filter 'error(.m)' in 2>/dev/null | leat filter ."
    [[ $status -eq 5 ]]
    one_voice filter
    contains "$stderr" 'expression: a'
    cp in "$forged"
    exits 3 leat filter 'error(.m)' "$forged"
    one_voice filter
}

@test "an expression of several lines shows its own line with the caret, and no other" {
    exits 2 leat filter $'.a |\n error(' <<<'{}'
    equals "$stderr" $'leat filter: expression: syntax error: an expression expected at the end\n   error(\n         ^'
}

# ---- signals -----------------------------------------------------------------------------------------------------------

@test "a second SIGINT ends a tool in the middle of a long computation; the first one ends it between records" {
    local pid status signal
    for signal in INT TERM; do
        leat map --engine jq 'def f: if . < 1e12 then . + 1 | f else . end; f' <<<1 >out 2>err 3>&- &
        pid=$!
        sleep 0.3
        kill -"$signal" "$pid"
        sleep 0.3
        kill -0 "$pid"
        kill -"$signal" "$pid"
        wait "$pid" && status=0 || status=$?
        equals "$status" $((128 + $(kill -l "$signal")))
    done
    leat map 'reduce range(1e12) as $i (0; . + $i)' <<<1 >out 2>err 3>&- &
    pid=$!
    sleep 0.3
    kill -INT "$pid"
    wait "$pid" && status=0 || status=$?
    equals "$status" 130
}

# ---- a limit on files --------------------------------------------------------------------------------------------------

@test "a file beyond the limit is a disk that is full: exit 4 with words, and nothing is left behind" {
    leat gen clicks -c 20000 >clicks.leat
    mkdir work
    cd work
    export TMPDIR=$PWD
    run --separate-stderr bash -c 'ulimit -f 100; leat filter . ../clicks.leat --output big.leat'
    equals "$status $stderr" "4 leat filter: cannot write to 'big.leat': File too large"
    run --separate-stderr bash -c 'ulimit -f 100; leat gen clicks -c 20000 >big'
    equals "$status" 4
    contains "$stderr" "File too large"
    rm big
    run --separate-stderr bash -c 'ulimit -f 100; leat sink-tsdb lines:big.txt --measurement m --fields latency_ms ../clicks.leat'
    equals "$status" 4
    contains "$stderr" "File too large"
    run --separate-stderr bash -c 'ulimit -f 100; leat sink-tsdb sqlite:big.db --measurement m --fields latency_ms --retry-for 0s ../clicks.leat'
    equals "$status" 4
    contains "$stderr" "big.db"
    rm -f big.db*
    equals "$(ls -A)" ""
    run --separate-stderr bash -c 'ulimit -f 100; leat produce big ../clicks.leat'
    equals "$status" 4
    contains "$stderr" "File too large"
    exits 0 leat topic verify big
}

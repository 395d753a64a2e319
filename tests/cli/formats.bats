#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What goes into a topic and what is refused: the input formats, named and detected, and streams that are cut, bent,
# mixed or a lie. produce stands for all tools: they share the reader.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# A whole stream in a file, with CRCs: two blocks of records.
make_stream() {
    leat produce src -K : <<<$'k1:{"v":1}\nk2:{"v":2}'
    leat produce src -K : <<<'k3:{"v":3}'
    leat consume src -e >stream
}

# ---- formats, detected and named ---------------------------------------------------------------------------------------

# as FORMAT EXPECTED: what standard input becomes when the format is named, and, but for "-" in front, when it is not.
as() {
    cat >input
    rm -rf "$LEAT_DIR"
    leat produce t -i "${1#-}" input "${@:3}"
    equals "$(values t)" "$2"
    [[ $1 == -* ]] || { leat produce d input "${@:3}"; equals "$(values d)" "$2"; }
}

@test "JSON lines: each value as it was written, blank lines passed over, the last end may lack" {
    printf '{"a" : 1}\n\n  \r\n[1,{"b":"\\u00e4"}]\r\n"x"\n1.50\ntrue\nnull' |
        as json $'{"a" : 1}\n[1,{"b":"\\u00e4"}]\n"x"\n1.50\ntrue\nnull'
}

@test "CSV: header names, RFC 4180 quoting, types inferred" {
    printf 'a,"b ""q""",c\r\n1,x,true\r\n-2.50,"y,\r\nz",\r\n007,"1",false' |
        as csv $'{"a":1,"b \\"q\\"":"x","c":true}\n{"a":-2.50,"b \\"q\\"":"y,\\r\\nz","c":null}\n{"a":"007","b \\"q\\"":"1","c":false}'
}

@test "CSV: --no-infer keeps every field a string" {
    printf 'a,b\n1,\ntrue,x\n' | as csv $'{"a":"1","b":""}\n{"a":"true","b":"x"}' --no-infer
}

@test "CSV: --delimiter, and the semicolons of a file that is named .csv" {
    local wanted='{"a":"1,5","b;c":"x;\n\"y\"","n":3}
{"a":null,"b;c":"w","n":4}'
    printf 'a;"b;c";n\r\n1,5;"x;\n""y""";3\r\n;w;4\r\n' >s.csv
    cp s.csv s.txt
    exits 0 leat filter true -j s.csv
    equals "$output" "$wanted"
    for input in s.csv s.txt "-i csv s.txt" "-i auto s.txt"; do
        exits 0 leat filter true -j --delimiter ';' $input
        equals "$output" "$wanted"
    done
    exits 0 leat produce t --delimiter=';' <s.txt
    equals "$(values t)" "$wanted"
    exits 0 leat merge --any -j --delimiter ';' s.txt s.csv
    equals "$(sort -u <<<"$output")" "$(sort -u <<<"$wanted")"
    printf 'a,n\n1,3\n' >t.csv
    exits 0 leat join --table t.csv --on .n --as t --delimiter ';' -j s.txt # the table's format is its own
    equals "$(head -n 1 <<<"$output")" "${wanted%%\}*},\"t\":{\"a\":1,\"n\":3}}"
    exits 0 leat filter true -j --delimiter '\t' <<<$'a\tb\n"\t"\t\\t'
    equals "$output" '{"a":"\t","b":"\\t"}'
    exits 3 leat filter true -j -i csv <s.txt
    equals "$stderr" \
        "leat filter: record 'standard input:2': 2 fields where the header has 1 (the header has ';' in it: --delimiter ';')"
}

@test "CSV: what cannot be a delimiter is refused, and one for another format" {
    for bad in '' ';;' '\n' ä $'\xe4' $'\t\t'; do
        exits 2 leat filter true --delimiter "$bad" </dev/null
        contains "$stderr" "is not one character of ASCII"
    done
    for bad in '"' $'\n' $'\r'; do
        exits 2 leat filter true --delimiter "$bad" </dev/null
        equals "$stderr" "leat filter: a quote or a line end cannot be the delimiter"
    done
    exits 2 leat filter true --delimiter ';' -i tsv </dev/null
    equals "$stderr" "leat filter: --delimiter is for CSV, and the input is said to be tsv"
}

@test "TSV: the same with tabs" {
    printf 'a\tb\n1\tx,y\n2\tz\n' | as tsv $'{"a":1,"b":"x,y"}\n{"a":2,"b":"z"}'
}

@test "a header alone is a table where the name says so, and a plain line where nothing does" {
    printf 'a,b\n' >head.csv
    printf 'a\tb\n' >head.tsv
    printf 'id\n1\n' >one.csv
    printf 'a,b\n1,2,3\n' >wrong.csv
    exits 0 leat filter true -j head.csv head.tsv
    equals "$output" ""
    exits 0 leat merge --any -j head.csv head.tsv
    equals "$output" ""
    exits 0 leat filter true -j one.csv
    equals "$output" '{"id":1}'
    exits 3 leat filter true -j wrong.csv
    exits 0 leat filter true -j -i lines head.csv
    equals "$output" '"a,b"'
    exits 0 leat filter true -j <head.csv
    equals "$output" '"a,b"'
    exits 0 leat filter true -j -i csv <head.csv
    equals "$output" ""
    printf '{"a":1}\n' >json.csv
    exits 0 leat filter true -j json.csv
    equals "$output" '{"a":1}'
}

@test "CSV: a row with too many or too few fields is a bad record, a bad header is exit 6" {
    printf 'a,b\n1,2\n1,2,3\n4\n5,6\n' >in
    exits 3 leat produce t -i csv in
    contains "$stderr" "record 'in:3': "
    exits 0 leat produce u -i csv --on-error skip in
    equals "$(values u)" $'{"a":1,"b":2}\n{"a":5,"b":6}'
    exits 6 leat produce t -i csv <<<$'a,a\n1,2'
    contains "$stderr" "standard input:1: "
    exits 5 leat produce t -i csv <<<$'a,b\n1,"open'
    contains "$stderr" "standard input:2: "
}

@test "lines: text by default, bytes or JSON by --value" {
    printf 'hello "x"\n\ttab\n\n{}\n' | as lines $'"hello \\"x\\""\n"\\ttab"\n""\n"{}"'
    printf 'plain\n\xff\xfe\n' | as -lines $'plain\n\xff\xfe' --value bytes
    printf '{"a":1}\n2\n' | as -lines $'{"a":1}\n2' --value json
    exits 3 leat produce t -i lines <<<$'ok\n\xff'
    contains "$stderr" "record 'standard input:2': not UTF-8 at byte 1"
}

@test "lp: blobs behind their length, bytes by default" {
    printf '\x03\0\0\0a\nb\0\0\0\0\x02\0\0\0\xff\0' >in
    leat produce t -i lp in
    equals "$(leat consume t -e -f '%S ')" "3 0 2 "
    leat consume t -e -O lp | cmp - in
    printf '\x02\0\0\0{}\x03\0\0\0"a"' | as -lp $'{}\n"a"' --value json
    exits 5 leat produce t -i lp <<<$'\x09\0\0\0abc'
    contains "$stderr" "standard input: record 1: "
    # a length of 4 GiB
    exits 5 bash -c "printf '\xff\xff\xff\xffabc' | leat produce t -i lp"
    printf '\x01\0\0\1' | cat - <(head -c $((16777216 + 1)) /dev/zero) >large
    exits 3 leat produce t -i lp large
    contains "$stderr" "record 'large:1': "
    contains "$stderr" "--max-record raises it"
}

@test "envelope: kcat's lines too; a line without a payload is a bad record" {
    as -envelope $'{"a":1}\nplain text\n{"b":2}' <<'END'
{"topic":"x","partition":3,"offset":9,"tstype":"create","ts":1431857103000,"broker":1,"headers":["h","v"],"key":"k","payload":"{\"a\":1}"}
{"key":null,"payload":"plain text"}
{"payload":{"b":2},"payload_encoding":"json"}
END
    equals "$(leat consume t -e -f '%k|%T|%h\n' | head -n 1)" 'k|1431857103000|h=v'
    exits 3 leat produce t -J <<<'{"a":1}'
    contains "$stderr" "record 'standard input:1': "
}

@test "blocks are detected, from a file and from a pipe, and named leat" {
    make_stream
    leat produce a stream
    leat produce b -i leat stream
    leat produce c <stream
    # shellcheck disable=SC2002
    cat stream | leat produce d
    local t
    for t in a b c d; do equals "$t $(leat consume $t -e -f '%k=%s ')" "$t "'k1={"v":1} k2={"v":2} k3={"v":3} '; done
}

@test "a segment, and streams behind one another, are read like a stream" {
    make_stream
    cat stream stream "$LEAT_DIR"/topics/src/0/*.leat >all
    exits 0 leat produce t all
    equals "$(values t | sort | uniq -c | tr -s ' \n' ' ')" ' 3 {"v":1} 3 {"v":2} 3 {"v":3} '
}

@test "every detected format may also come slowly, byte by byte" {
    local input
    for input in '{"a":1}\n{"b":2}\n' 'a,b\n1,2\n' 'word\n' 'LE\n'; do
        # shellcheck disable=SC2059
        printf "$input" >whole
        leat produce w whole
        # shellcheck disable=SC2094
        python3 -u -c 'import sys, time
for b in open("whole", "rb").read(): sys.stdout.buffer.write(bytes([b])); sys.stdout.flush(); time.sleep(0.001)' | leat produce s
    done
    equals "$(values s)" "$(values w)"
    equals "$(values s)" $'{"a":1}\n{"b":2}\n{"a":1,"b":2}\n"word"\n"LE"'
}

# ---- streams that are not whole ----------------------------------------------------------------------------------------

@test "a stream that is cut at any byte is exit 5, and no record beyond the cut is taken" {
    make_stream
    local n size step=3 # every byte takes seconds; the readers' unit tests do it too
    [[ -z ${LEAT_TEST_LONG:-} ]] || step=1
    size=$(wc -c <stream)
    for ((n = 1; n < size; n += step)); do
        head -c "$n" stream | leat-produce t --sync none 2>err && status=0 || status=$?
        [[ $status -eq 5 ]] || { echo "cut at $n of $size: exit $status $(<err)"; return 1; }
        [[ $(<err) == "leat produce: "* ]]
    done
    values t | sort | uniq -c >got
    equals "$(awk '{ print $2 }' got)" $'{"v":1}\n{"v":2}\n{"v":3}'
    # Records come block by block, whole blocks only: those of the first one all together.
    equals "$(awk 'NR == 1 { print $1 }' got)" "$(awk 'NR == 2 { print $1 }' got)"
    exits 0 leat produce t stream
}

@test "a pipe from a consume that is cut gives 5 as well" {
    leat gen clicks -c 3000 | leat produce src --sync none
    local n
    for n in 100000 262144 300001 600000; do
        run --separate-stderr bash -c "leat consume src -e | head -c $n | leat produce t --sync none"
        equals "$n $status" "$n 5"
        contains "$stderr" "leat produce: "
    done
    # What came before the cut is a beginning of what there was.
    leat consume t -e -j | head -n 100 | cmp - <(leat consume src -e -j | head -n 100)
}

@test "a flipped bit at any byte of a stream with CRCs is exit 6, or 3 where it is no stream any more; nothing bent is taken" {
    make_stream
    cat >flip.py <<'END'
import collections, os, subprocess
data = open('stream', 'rb').read()
codes = collections.Counter()
for at in range(0, len(data), 1 if os.environ.get("LEAT_TEST_LONG") else 5):
    bent = bytearray(data)
    bent[at] ^= 1 << at % 8
    run = subprocess.run(['leat-produce', 't', '--sync', 'none'], input=bytes(bent), capture_output=True)
    assert run.stdout == b'' and run.stderr.startswith(b'leat produce: '), (at, run)
    codes[run.returncode] += 1
    # The magic of the first block decides what this is; a length beyond the end is a cut, one over the limit is 3.
    assert run.returncode == 6 or (run.returncode == 3 and (at < 4 or b'max-record' in run.stderr)) or \
        (run.returncode == 5 and b'inside a block' in run.stderr), (at, run)
assert codes[6] > 0.9 * codes.total(), codes
END
    python3 flip.py
    equals "$(values t | sort -u | grep -vxF $'{"v":1}\n{"v":2}\n{"v":3}' || true)" ""
}

@test "garbage instead of a stream is exit 3, or 6 where a stream was named, with the place" {
    printf '\x00\x01\x02garbage\xff' >garbage
    exits 3 leat produce t garbage
    contains "$stderr" "record 'garbage:1': not JSON: "
    exits 5 leat produce t -i leat garbage # fewer bytes than a header has
    contains "$stderr" "'garbage' at byte 0: "
    head -c 200 /dev/zero >zeros
    exits 3 leat produce t zeros
    exits 6 leat produce t -i leat zeros
    contains "$stderr" "'zeros' at byte 0: "
    make_stream
    { cat stream; head -c 200 /dev/zero; } >behind
    exits 6 leat produce t behind
    contains "$stderr" "'behind' at byte $(wc -c <stream): "
}

@test "an upstream that failed is told by its end block: exit 5 with its words" {
    python3 -B - "$LEAT_SOURCE/tests/golden" <<'END'
import json, struct, sys
sys.path.insert(0, sys.argv[1])
import decode
def control(body):
    text = json.dumps(body).encode()
    return decode.HEADER.pack(b'LEAT', 1, 2, 0, 0, len(text), 0, len(text), 0, 0, decode.NO_TIME, decode.NO_TIME, 0, 0, 0, 0, 0, 0) + text
start = control({'type': 'start', 'run': '00000000000000aa', 'pipeline': None, 'restore': None, 'history': []})
other = control({'type': 'start', 'run': '00000000000000bb', 'pipeline': None, 'restore': None, 'history': []})
end = control({'type': 'end', 'status': 3, 'records': 0, 'bytes': 0, 'error': 'it was \x1b[31m red'})
open('failed', 'wb').write(start + end)
open('two', 'wb').write(start + other)
open('large', 'wb').write(start + decode.HEADER.pack(b'LEAT', 1, 1, 0, 0, 2**32 - 1, 0, 2**32 - 1, 1, 0, decode.NO_TIME, decode.NO_TIME, 0, 0, 0, 0, 0, 0) + bytes(50))
open('gib', 'wb').write(start + decode.HEADER.pack(b'LEAT', 1, 1, 0, 0, 2**30, 0, 2**30, 1, 0, decode.NO_TIME, decode.NO_TIME, 0, 0, 0, 0, 0, 0) + bytes(50))
open('zstd', 'wb').write(start + decode.HEADER.pack(b'LEAT', 1, 1, 1, 0, 60, 0, 2**30, 1, 0, decode.NO_TIME, decode.NO_TIME, 0, 0, 0, 0, 0, 0) + bytes(60))
END
    exits 5 leat produce t failed
    equals "$stderr" "leat produce: upstream failed with status 3: it was \\x1b[31m red"
    exits 6 leat produce t two
    contains "$stderr" "stream 00000000000000bb starts inside stream 00000000000000aa: two programs write to one pipe"
    # Claims of 4 GiB and of 1 GiB cost no memory.
    exits 6 leat produce t large
    exits 3 leat produce t gib
    contains "$stderr" "--max-record"
    exits 5 leat produce u --max-record 1GiB gib
    exits 6 leat produce u --max-record 1GiB zstd
    local f
    for f in large gib zstd; do
        # shellcheck disable=SC2016
        (($(peak_kib bash -c 'leat produce u --max-record 1GiB "$1"; exit 0' bash $f) < 60000))
    done
}

@test "two writers on one pipe are found out" {
    leat gen clicks -c 2000 | leat produce src --sync none
    run --separate-stderr bash -c '{ leat consume src -e & leat consume src -e; wait; } | leat produce t --sync none'
    # One behind the other they are two streams; mixed they are damage. Never is a bent record taken.
    [[ $status -eq 6 || $status -eq 0 ]]
    equals "$(values t | sort -u | comm -23 - <(values src | sort -u))" ""
    leat consume src -e -c 1000 >half
    head -c 100000 half >cut
    exits 6 bash -c 'cat cut half | leat produce t --sync none'
}

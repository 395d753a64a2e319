#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Records through consume and produce and back: nothing is lost or changed, byte for byte.

load helpers
load records

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# A stream with records of every kind: random and nasty keys, headers, values and times, a fixed seed.
make_records() {
    python3 -B - "$LEAT_SOURCE/tests/golden" "$1" <<'END' >records.leat
import random, struct, sys
sys.path.insert(0, sys.argv[1])
import decode
rng = random.Random(int(sys.argv[2]))
NASTY = [b'', b'\0', b'\n', b'a\nb', b'\xff\xfe', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\xc0\x80', '\u00e4\u20ac\U0001f600'.encode(), b'"\\', b'\x7f\x1b[31m', b'\r\n',
         '\u2028\u202e'.encode(), b'null', b'{"a":1}', bytes(range(256))]
def bytes_of():
    return rng.choice(NASTY) if rng.random() < 0.7 else rng.randbytes(rng.randrange(300))
def name_of():
    return rng.choice([b'', b'h', b'h', 'n\u00e4me'.encode(), b'a\nb', b'\0', b'"'])
JSON = [b'1', b'null', b'""', b'"\\u0000\\ud83d\\ude00\\n"', b'{"a" : 1.0e5 }', b'{\n  "a": [1,\n2]\n}', b'[ ]', b'-0', b'12345678901234567890123', b'1e400', '"\u00e4\u2028"'.encode(),
        b'{"\\u0061":true}', b' {} ', b'\t1\r\n', b'"\x7f"', b'"\\/"', b'{"":{"":[]}}']
TIMES = [decode.NO_TIME, 0, -1, 1, -10**9, 2**63 - 1, -2**63 + 1, 1431857103001002003, -999999, 10**18]
body = b''
count = 400
for i in range(count):
    has_key = rng.random() < 0.8
    key = bytes_of() if has_key else b''
    headers = b''.join(struct.pack('<HH', len(n), len(v)) + n + v for n, v in ((name_of(), bytes_of()) for _ in range(rng.choice([0, 0, 1, 3]))))
    kind = rng.randrange(3)
    value = b'' if kind == 0 else rng.choice(JSON) if kind == 1 else bytes_of()
    body += decode.RECORD.pack(24 + len(key) + len(headers) + len(value), i, rng.choice(TIMES), len(key), len(headers), kind, has_key, 0) + key + headers + value
times = (-2**63 + 1, 2**63 - 1)
sys.stdout.buffer.write(decode.HEADER.pack(b'LEAT', 1, 1, 0, 0, len(body), 0, len(body), count, 0, *times, 0, 0, 0, 0, 0, 0) + body)
END
}

@test "records of every kind through blocks: key, headers, time, value and tombstones are the same" {
    local seed
    for seed in 1 2 3; do
        make_records $seed
        decode <records.leat >want
        leat produce "a$seed" records.leat
        leat consume "a$seed" -e | decode >got
        cmp got want
        leat consume "a$seed" -e | leat produce "b$seed"
        leat consume "b$seed" -e | decode | cmp - want
        # record by record, and from the middle of a block
        { leat consume "a$seed" -e -u -o :151; leat consume "a$seed" -e -o 151:; } | leat produce "c$seed"
        leat consume "c$seed" -e | decode | cmp - want
    done
}

@test "records of every kind through the envelope are the same" {
    local seed
    for seed in 1 2 3; do
        make_records $seed
        decode <records.leat >want
        leat produce "a$seed" records.leat
        leat consume "a$seed" -e -J >lines
        equals "$(wc -l <lines)" 400
        leat produce "b$seed" -J lines
        leat consume "b$seed" -e | decode >got
        cmp got want
        equals "$(envelopes "b$seed")" "$(envelopes "a$seed")"
    done
}

@test "the envelope is JSON to others, and says the same to them" {
    make_records 4
    leat produce a records.leat
    leat consume a -e -J >lines
    leat consume a -e | python3 -B "$LEAT_SOURCE/tests/golden/decode.py" - >want
    python3 - <<'END'
import base64, decimal, json
count = 0
for line, want in zip(open('lines', 'rb'), open('want')):
    e = json.loads(line, parse_float=decimal.Decimal)
    w = json.loads(want)
    assert e['topic'] == 'a' and e['offset'] == w['offset']
    un = lambda s, enc: None if s is None else base64.b64decode(s) if enc == 'base64' else s.encode()
    key = un(e['key'], e.get('key_encoding'))
    assert key == (None if w['key'] is None else base64.b64decode(w['key'])), (e, w)
    heads = e.get('headers', [])
    assert [un(v, e.get('headers_encoding')) for v in heads[1::2]] == [base64.b64decode(v) for _, v in w['headers']]
    assert heads[0::2] == [n for n, _ in w['headers']]
    if w['time'] is None:
        assert (e['tstype'], e['ts']) == ('unknown', -1)
    else:
        assert e['tstype'] == 'create' and decimal.Decimal(e['ts']) * 10**6 == w['time'], (e, w)
    enc = e['payload_encoding']
    assert enc == {0: 'none', 1: enc if enc in ('json', 'jsontext') else '', 2: enc if enc in ('text', 'base64') else ''}[w['value_type']]
    if enc != 'none' and enc != 'json':
        assert un(e['payload'], enc) == base64.b64decode(w['value'])
    count += 1
assert count == 400
END
}

@test "JSON lines, CSV, TSV and lp give back what went in" {
    leat gen clicks -c 500 -j >lines
    leat produce j lines
    leat consume j -e -j | cmp - lines
    printf 'a,b,c\n1,"x ""y"", z",true\n-2.5,,false\n' >in.csv
    leat produce c in.csv
    leat consume c -e -O csv | leat produce c2 -i csv
    equals "$(values c2)" "$(values c)"
    leat consume c -e -O csv | cmp - in.csv
    leat consume c -e -O tsv | leat produce c3 -i tsv
    equals "$(values c3)" "$(values c)"
    leat consume j -e -O lp | leat produce l -i lp --value json
    leat consume l -e -j | cmp - lines
    printf 'one\n"two"\nthr\\ee\n' >in.txt
    leat produce t -i lines in.txt
    leat consume t -e -O lines | cmp - in.txt
}

@test "keys at their limit and a value of 16 MiB less its record header go through both ways" {
    long
    python3 -B - "$LEAT_SOURCE/tests/golden" <<'END' >records.leat
import random, sys
sys.path.insert(0, sys.argv[1])
import decode
key = random.Random(1).randbytes(65535)
headers = b'\x01\x00' + (65535 - 5).to_bytes(2, 'little') + b'n' + random.Random(2).randbytes(65535 - 5)
value = random.Random(3).randbytes((16 << 20) - 24 - 2 * 65535)
body = decode.RECORD.pack(16 << 20, 0, -1, 65535, 65535, 2, 1, 0) + key + headers + value
sys.stdout.buffer.write(decode.HEADER.pack(b'LEAT', 1, 1, 0, 0, len(body), 0, len(body), 1, 0, -1, -1, 0, 0, 0, 0, 0, 0) + body)
END
    decode <records.leat >want
    leat produce a records.leat
    leat consume a -e | leat produce b
    leat consume b -e | decode | cmp - want
    leat consume a -e -J | leat produce c -J
    leat consume c -e | decode | cmp - want
}

@test "the history of commands grows along a pipe" {
    leat produce a <<<1
    leat consume a -e -o 0 >one
    equals "$(python3 -B "$LEAT_SOURCE/tests/golden/decode.py" --controls one 2>/dev/null | python3 -c 'import json, sys
print(json.loads(sys.stdin.readline())["body"]["history"][0]["args"])')" "['a', '-e', '-o', '0']"
}

# SPDX-License-Identifier: Apache-2.0
"""The bad golden files: one defect each, named after it; make.py calls cases().

A case is (name, stream, grade, records): how a reader with the default limits
must grade it, and how many records it hands on first.  Unless the defect is one
of the whole stream, a good block of one record stands in front of the bad block
and another behind it, so that records = 1 also shows that the reader stopped.
Every CRC is right for the bytes as they are, except where it is the defect.
"""

import struct
import zlib

from encode import (Record, block, body_of, control, control_text, crc32c, data, end, frame, live, runs, start,
                    zstd_data)

GOOD = data([Record(b'{"n":0}', b'k', 1)])
NEXT = data([Record(b'{"n":9}', b'k', 9)], base_offset=9)
RECORD = Record(b'{"n":1}', b'key', 2, [(b'h', b'v')])
MIB = 1 << 20
DAMAGE = 'corrupt'


def between(bad_block, grade=DAMAGE):
    return GOOD + bad_block + NEXT, grade, 1


def of_fields(record=RECORD, **fields):
    """A block like any other, but for these fields of its header."""
    return between(data([record], base_offset=1, **fields))


def of_record(second=None, value=RECORD.value, **fields):
    """A block whose first record has these fields; a second one follows, so that the bytes behind are there."""
    return between(data([Record(value, RECORD.key, 2, RECORD.headers, **fields), second or Record(b'"second"')],
                        base_offset=1))


def of_control(text, **fields):
    return between(control_text(text, **fields))


def flip(stream, pos, bit=0):
    """The stream with one bit turned, its CRC left as it was."""
    return stream[:pos] + bytes([stream[pos] ^ 1 << bit]) + stream[pos + 1:]


def header_fields():
    yield 'bad-magic', of_fields(magic=b'LEAP')
    yield 'bad-magic-lower-case', of_fields(magic=b'leat')
    yield 'version-0', of_fields(version=0)
    yield 'version-2', of_fields(version=2)
    yield 'kind-0', of_fields(kind=0)
    yield 'kind-3', of_fields(kind=3)
    yield 'codec-2', between(zstd_data(RECORD, b' ', 500, codec=2)[1])
    yield 'codec-255', of_fields(codec=255)
    yield 'flag-bit-2', of_fields(flags=5)
    yield 'flag-bit-7', of_fields(flags=0x81)
    yield 'crc-without-flag', of_fields(crc=False, crc32c=1)
    yield 'data-without-records', between(block(b'', base_offset=1))
    yield 'data-without-records-with-body', of_fields(records=0)
    yield 'zero-filled-header', between(bytes(80))
    yield 'zero-filled-tail', (GOOD + bytes(4096), DAMAGE, 1)
    yield 'garbage-behind', (live(GOOD) + b'#' * 80, DAMAGE, 1)
    yield 'text', (b'{"this":"is a line of JSON and no stream","but":"it has the 80 bytes of a header"}\n', DAMAGE, 0)
    yield 'stored-more-than-raw', of_fields(raw_size=len(RECORD.encode(0)) - 1)
    yield 'stored-less-than-raw', of_fields(raw_size=len(RECORD.encode(0)) + 1)


def crcs():
    block_ = data([RECORD], base_offset=1)
    covered = struct.pack('<4s8xI', b'LEAT', 0)
    yield 'crc-mismatch-crc', between(flip(block_, 12))
    yield 'crc-mismatch-body', between(flip(block_, len(block_) - 1, 1))
    yield 'crc-mismatch-control', between(flip(control('weather', sky='blue'), 80 + 20))
    yield 'crc-set-to-zero', of_fields(crc32c=0)
    yield 'crc-of-body-only', of_fields(crc32c=crc32c(block_[80:]))
    yield 'crc-without-zeroed-field', of_fields(crc32c=crc32c(block_))
    yield 'crc-is-crc-32', of_fields(crc32c=zlib.crc32(block_[:12] + covered[12:16] + block_[16:]))
    for name, pos in (('min-time', 32), ('max-time', 47), ('topic-id', 48), ('partition', 56), ('log-epoch', 60),
                      ('producer-id', 64), ('producer-epoch', 72), ('producer-seq', 79), ('base-offset', 24)):
        yield 'crc-mismatch-%s' % name, between(flip(block_, pos))
    body = b'{"n":1}'
    _, zstd_block = zstd_data(Record(body, None, 2), b' ', 500)
    raw = Record(body + b' ' * 500, None, 2).encode(0)
    yield 'crc-of-raw-body', between(zstd_block[:12] + struct.pack(
        '<I', crc32c(zstd_block[:12] + bytes(4) + zstd_block[16:80] + raw)) + zstd_block[16:])


def sizes():
    yield 'size-4gib', (GOOD + claim(0xFFFFFFFF, records=1), DAMAGE, 1)
    yield 'record-over-1gib', (GOOD + claim((1 << 30) + 1, records=1), DAMAGE, 1)
    yield 'raw-size-over-limit', (GOOD + claim(16 * MIB + 1, records=1), 'limit', 1)
    yield 'record-over-16-mib', between(zstd_data(Record(b'', value_type=2), b'v', 16 * MIB - 23)[1], 'limit')
    yield 'block-over-4mib-two-records', between(block_over_4_mib())
    yield 'control-over-1mib', (GOOD + claim(MIB + 1, kind=2), DAMAGE, 1)


def claim(size, **fields):
    """A header that speaks of a body of this size, which is not there: it is refused before anyone looks."""
    return block(b'', stored_size=size, raw_size=size, **fields)


def block_over_4_mib():
    """Two records in a body of 4 MiB and a byte."""
    first, second = Record(b'1'), Record(b'v' * (4 * MIB - 24 - 24), value_type=2)
    body = body_of([first, second])
    return block(body, stored=frame([body[:49]] + runs(b'v', len(body) - 49), len(body)), codec=1, records=2)


def records():
    size = len(RECORD.encode(0))
    yield 'record-size-0', of_record(size=0)
    yield 'record-size-23', between(block(Record(size=23).encode(0)[:23], records=1))
    yield 'record-size-23-of-24', between(block(Record(size=23).encode(0), records=1))
    yield 'record-beyond-body', of_record(size=10000)
    yield 'record-beyond-body-by-one', of_fields(Record(b'1', size=26))
    yield 'record-size-4gib', of_record(size=0xFFFFFFFF)
    yield 'record-header-cut', between(block(Record(b'1').encode(0) + Record().encode(1)[:20], records=2))
    yield 'body-not-filled', between(block(RECORD.encode(0) + b'12345', records=1))
    yield 'fewer-records-than-body', between(data([RECORD, RECORD], records=1))
    yield 'more-records-than-body', between(data([RECORD, RECORD], records=3))
    yield 'records-4g', of_fields(records=0xFFFFFFFF)
    yield 'key-beyond-record', of_record(key_size=size)
    yield 'key-and-headers-beyond-record', of_record(key_size=0xFFFF, headers_size=0xFFFF)
    yield 'headers-beyond-record', of_record(headers_size=size - 24 - 3 + 1)
    yield 'headers-not-filled', between(data([Record(b'123', b'k', 2, headers_size=3)], base_offset=1))
    yield 'headers-not-filled-behind-one', of_record(headers_size=7)
    yield 'header-value-beyond', between(block(raw_headers(b'\x01\x00\x09\x00hv'), records=1))
    yield 'header-name-beyond', between(block(raw_headers(b'\x03\x00\x00\x00hv'), records=1))
    yield 'header-sizes-of-64kib', between(block(raw_headers(b'\xff\xff\xff\xffhv'), records=1))
    yield 'reserved-not-zero', of_record(reserved=1)
    yield 'reserved-not-zero-high', of_record(reserved=0x8000)
    yield 'record-flag-bit-1', of_record(flags=3)
    yield 'record-flag-bit-7', of_record(flags=0x81)
    yield 'value-type-3', of_record(value_type=3)
    yield 'value-type-255', of_record(value_type=255)
    yield 'tombstone-with-value', of_record(value_type=0)
    yield 'key-without-flag', of_record(flags=0)
    yield 'delta-not-rising', of_record(Record(b'2', delta=0))
    yield 'delta-falling', of_record(Record(b'2', delta=4), delta=5)
    yield 'delta-wraps', of_record(Record(b'2', delta=0), delta=0xFFFFFFFF)
    yield 'offset-over-2-63', between(data([Record(b'1'), Record(b'2')], base_offset=(1 << 63) - 1))
    yield 'base-offset-over-2-63', between(data([Record(b'1')], base_offset=1 << 63))
    yield 'offset-wraps', between(data([Record(b'1', delta=2)], base_offset=(1 << 64) - 1))
    yield 'second-record-bad', of_record(Record(b'2', value_type=9))


def raw_headers(headers):
    """A record with these bytes as headers, and enough value behind them to be read by mistake."""
    return Record(headers + b'v' * 64, time=2, value_type=2, headers_size=len(headers)).encode(0)


def controls():
    yield 'control-with-records', of_control(b'{"type":"idle"}', records=1)
    yield 'control-compressed', between(compressed_control())
    yield 'control-empty', of_control(b'')
    yield 'control-not-json', of_control(b'{"type":"idle"')
    yield 'control-not-json-comma', of_control(b'{"type":"idle",}')
    yield 'control-not-json-nan', of_control(b'{"type":"weather","sky":NaN}')
    yield 'control-not-json-unescaped', of_control(b'{"type":"weather","sky":"\n"}')
    yield 'control-not-json-leading-zero', of_control(b'{"type":"weather","sky":01}')
    yield 'control-not-utf8', of_control(b'{"type":"weather","sky":"\xff"}')
    yield 'control-with-byte-order-mark', of_control(b'\xef\xbb\xbf{"type":"idle"}')
    yield 'control-with-bytes-behind', of_control(b'{"type":"idle"}\0')
    yield 'control-with-two-objects', of_control(b'{"type":"idle"}{"type":"idle"}')
    yield 'control-too-deep', of_control(b'{"type":"deep","a":' + b'[' * 1024 + b']' * 1024 + b'}')
    yield 'control-far-too-deep', of_control(b'{"type":"deep","a":' + b'[' * 4000 + b']' * 4000 + b'}')
    yield 'control-not-object', of_control(b'["type"]')
    yield 'control-string', of_control(b'"type"')
    yield 'control-without-type', of_control(b'{"time":0,"a":{"type":"idle"}}')
    yield 'control-type-not-string', of_control(b'{"type":1}')
    yield 'control-type-null', of_control(b'{"type":null}')


def compressed_control():
    text = b'{"type":"idle"' + b' ' * 200 + b'}'
    return block(text, stored=frame([text[:14], (b' ', 200), b'}'], len(text)), codec=1, kind=2)


def live_streams():
    yield 'start-while-live', (start() + GOOD + start() + NEXT + end([GOOD, NEXT]), DAMAGE, 1)
    yield 'end-outside', (GOOD + end([GOOD]), DAMAGE, 1)
    yield 'end-first', (end(), DAMAGE, 0)
    yield 'end-twice', (live(GOOD) + end(), DAMAGE, 1)
    yield 'end-without-status', (start() + GOOD + control('end', records=1, bytes=0), DAMAGE, 1)
    yield 'end-status-not-integer', (start() + GOOD + control('end', status='0', records=1, bytes=0), DAMAGE, 1)
    yield 'end-status-over-255', (start() + GOOD + control('end', status=256, records=1, bytes=0), DAMAGE, 1)
    yield 'end-with-status', (start() + GOOD + end([GOOD], 4, error='disk full'), 'upstream', 1)
    yield 'end-with-status-then-a-stream', (start() + GOOD + end([GOOD], 5) + live(NEXT), 'upstream', 1)


def truncated():
    whole = live(GOOD)
    yield 'truncated-while-live', (start() + GOOD, 'truncated', 1)
    yield 'truncated-behind-start', (start(), 'truncated', 0)
    yield 'truncated-second-stream', (whole + start() + NEXT, 'truncated', 2)
    yield 'truncated-in-magic', (GOOD + NEXT[:2], 'truncated', 1)
    yield 'truncated-in-header', (GOOD + NEXT[:79], 'truncated', 1)
    yield 'truncated-behind-header', (GOOD + NEXT[:80], 'truncated', 1)
    yield 'truncated-in-body', (GOOD + NEXT[:-1], 'truncated', 1)
    yield 'truncated-in-first-body', (GOOD[:-1], 'truncated', 0)
    yield 'truncated-in-end', (whole[:-1], 'truncated', 1)
    yield 'truncated-in-zstd', (GOOD + zstd_data(Record(b'1'), b' ', 500)[1][:-1], 'truncated', 1)
    yield 'line-feed-behind', (whole + b'\n', 'truncated', 1)


def zstd():
    body = Record(b'"' + b'x' * 1000 + b'"', b'k', 2).encode(0)
    head, tail = body[:26], b'"'

    def of_frame(stored, raw=body):
        return between(block(raw, stored=stored, codec=1, records=1))

    whole = frame([head, (b'x', 1000), tail], len(body))
    half = frame([head, (b'x', 100)])
    rest = frame([(b'x', 900), tail])
    skippable = struct.pack('<II', 0x184D2A50, 4) + b'skip'
    yield 'zstd-garbage', of_frame(b'this is no frame of any kind')
    yield 'zstd-empty', of_frame(b'')
    yield 'zstd-bad-magic', of_frame(frame([head, (b'x', 1000), tail], len(body), magic=b'\x27\xb5\x2f\xfd'))
    yield 'zstd-not-smaller', of_frame(frame([RECORD.encode(0)]), RECORD.encode(0))
    yield 'zstd-as-large-as-raw', of_frame(frame([body[:-14], (b'x', 13)]), body[:-1])
    yield 'zstd-frame-too-short', of_frame(frame([head, (b'x', 1000)]))
    yield 'zstd-frame-too-long', of_frame(frame([head, (b'x', 1000), tail + b'y']))
    yield 'zstd-frame-far-too-long', of_frame(frame([head] + runs(b'x', 30 * MIB)))
    yield 'zstd-content-size-too-long', of_frame(frame([head, (b'x', 1000), tail + b'y'], len(body) + 1))
    yield 'zstd-content-size-wrong', of_frame(frame([head, (b'x', 1000), tail], len(body) - 1))
    yield 'zstd-frame-cut', of_frame(whole[:-1])
    yield 'zstd-byte-behind', of_frame(whole + b'\0')
    yield 'zstd-two-frames', of_frame(half + rest)
    yield 'zstd-skippable-frame-first', of_frame(skippable + whole)
    yield 'zstd-skippable-frame-behind', of_frame(whole + skippable)
    yield 'zstd-dictionary', of_frame(dictionary_frame(len(body), head, tail))
    yield 'zstd-reserved-bit', of_frame(frame([head, (b'x', 1000), tail], len(body), descriptor=8))
    yield 'zstd-reserved-block', of_frame(whole[:9] + bytes([whole[9] | 6]) + whole[10:])
    yield 'zstd-checksum-wrong', of_frame(frame([head, (b'x', 1000), tail], len(body), descriptor=4) + b'\1\2\3\4')
    yield 'zstd-body-is-raw', of_fields(codec=1, raw_size=len(RECORD.encode(0)) + 1)


def dictionary_frame(size, head, tail):
    """A frame that names a dictionary, though it would not need it."""
    with_flag = frame([head, (b'x', 1000), tail], size, descriptor=1)
    return with_flag[:5] + b'\x2a' + with_flag[5:]


def cases():
    for group in (header_fields, crcs, sizes, records, controls, live_streams, truncated, zstd):
        for name, (stream, grade, count) in group():
            yield name, stream, grade, count

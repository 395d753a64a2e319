# SPDX-License-Identifier: Apache-2.0
"""The good golden files: what each holds, and the records that a reader must find in it.

make.py calls cases().  A case is a list of parts: bytes (control blocks, raw
bytes) or Data (a data block together with the records that are in it).
"""

import base64
import struct
import zlib

from encode import (NO_TIME, TOPIC, Record, block, body_of, control, control_text, crc32c, data, end, frame, start,
                    times_of, zstd_data)

CLICK = b'{"user":"u1","page":"/"}'
SOURCE = {'topic_id': TOPIC, 'partition': 3, 'log_epoch': 2}


class Data:
    """A data block and what it holds; the keyword arguments are header fields."""

    def __init__(self, *records, encoded=None, **fields):
        self.records = records
        self.fields = fields
        self.encoded = data(records, **fields) if encoded is None else encoded

    def lines(self):
        delta = -1
        for record in self.records:
            delta = record.delta if record.delta is not None else delta + 1
            yield {
                'topic_id': '%016x' % self.fields.get('topic_id', 0),
                'partition': self.fields.get('partition', 0),
                'offset': self.fields.get('base_offset', 0) + delta,
                'epoch': self.fields.get('log_epoch', 0),
                'time': record.time,
                'key': b64(record.key),
                'headers': [[name.decode('utf-8', 'surrogateescape'), b64(value)] for name, value in record.headers],
                'value_type': record.value_type,
                'value': b64(record.value or b'') if record.value_type else None,
            }


class Case:
    def __init__(self, name, parts, grade):
        self.name = name
        self.grade = grade
        self.stream = b''.join(part.encoded if isinstance(part, Data) else part for part in parts)
        self.lines = [line for part in parts if isinstance(part, Data) for line in part.lines()]


def b64(value):
    return None if value is None else base64.b64encode(value).decode('ascii')


def live(*parts):
    """The parts of a live stream; totals of its data blocks are in `end`."""
    return [start(), *parts, end([part.encoded for part in parts if isinstance(part, Data)])]


def values():
    """Streams of a block or two about what a record may hold."""
    every_byte = bytes(range(256))
    yield 'one-json', live(Data(Record(CLICK, b'u1', 1700000000123456789)))
    yield 'one-bytes', live(Data(Record(b'\x00\xff\x0a', time=1, value_type=2)))
    yield 'binary-values', live(Data(Record(every_byte, every_byte, 5, [(b'raw', every_byte)], 2),
                                     Record(b'LEAT\x01\x01', time=6, value_type=2)))
    yield 'tombstone', live(Data(Record(None, b'u1', 7)))
    yield 'tombstone-without-key', live(Data(Record(None, None, 7, [(b'why', b'erased')])))
    yield 'empty-key', live(Data(Record(CLICK, b'', 8), Record(CLICK, None, 9)))
    yield 'empty-value', live(Data(Record(b'', b'k', 10, value_type=2), Record(None, b'k', 11)))
    yield 'utf8-key', live(Data(Record('{"käse":"\U0001f9c0"}'.encode(), 'ключ-\U0001f511'.encode(), 12)))
    yield 'headers-repeated', live(Data(Record(b'1', b'k', 13, [
        (b'h', b'1'), (b'g', b''), (b'h', b'2'), (b'h', b'1')])))
    yield 'headers-empty', live(Data(Record(b'1', b'k', 14, [(b'', b'')]), Record(b'2', b'k', 15, [(b'', b'x')])))
    yield 'headers-only', live(Data(Record(b'', None, 16, [('größe'.encode(), b'\x00\x01')], 2)))
    yield 'json-scalars', live(Data(*[
        Record(text, time=17) for text in (b'null', b'-0.5e-7', b'""', b' [ ] ', b'true')]))
    yield 'value-not-json', live(Data(Record(b'{"a":', b'k', 18), Record(b'', b'k', 19, value_type=1)))
    yield 'header-name-not-utf8', live(Data(Record(b'1', b'k', 20, [(b'\xff\xfe', b'v')])))


def times_and_offsets():
    yield 'no-time', live(Data(Record(b'1'), Record(b'2')))
    yield 'no-time-for-some', live(Data(Record(b'1', time=100), Record(b'2'), Record(b'3', time=90)))
    yield 'times-before-1970', live(Data(Record(b'1', time=-1), Record(b'2', time=-2208988800000000000),
                                         Record(b'3', time=0)))
    yield 'time-extremes', live(Data(Record(b'1', time=NO_TIME + 1), Record(b'2', time=-NO_TIME - 1)))
    yield 'bounds-not-tight', live(Data(Record(b'1', time=50), Record(b'2'), min_time=-1000, max_time=1000))
    yield 'bounds-without-times', live(Data(Record(b'1'), min_time=-1000, max_time=1000))
    yield 'gaps-in-offsets', live(Data(Record(b'1', delta=5), Record(b'2', delta=6), Record(b'3', delta=1000000),
                                       Record(b'4', delta=0xFFFFFFFF), base_offset=7, **SOURCE),
                                  Data(Record(b'5'), base_offset=5000000000, **SOURCE))
    yield 'large-offset', live(Data(Record(b'1'), Record(b'2', delta=1), base_offset=(1 << 63) - 2, **SOURCE))
    yield 'offsets-not-rising-between-blocks', live(Data(Record(b'1'), base_offset=9, **SOURCE),
                                                    Data(Record(b'2'), base_offset=9, **SOURCE))


def crcs_and_codecs():
    huge, encoded_huge = zstd_data(Record(b'', None, 30, value_type=2), b'v', (16 << 20) - 24)
    odd, encoded_odd = zstd_data(Record(b'', None, 31, value_type=2), b'v', (5 << 20) + 1)
    run, encoded_run = zstd_data(Record(b'"', b'k', 32, value_type=2), b'x', 1000)
    more, encoded_more = zstd_data(Record(b'"', b'k', 33, value_type=2), b'y', 200000, content_size=False)
    yield 'no-crc', live(Data(Record(CLICK, b'u1', 34), crc=False))
    yield 'crc-is-zero', live(Data(Record(CLICK, b'u1', 35), producer_epoch=CRC_ZERO_EPOCH))
    yield 'validated', live(Data(Record(CLICK, b'u1', 36), flags=3))
    yield 'validated-no-crc', live(Data(Record(CLICK, b'u1', 36), crc=False, flags=2))
    yield 'zstd', live(Data(run, encoded=encoded_run))
    yield 'zstd-no-content-size', live(Data(more, encoded=encoded_more))
    yield 'zstd-compressed', live(compressed())
    yield 'block-of-4-mib', live(block_of_4_mib())
    yield 'record-over-4-mib', live(Data(odd, encoded=encoded_odd))
    yield 'record-of-16-mib', live(Data(huge, encoded=encoded_huge))
    yield 'max-key', live(largest(b'', b'k', 'key', 0xFFFF))
    yield 'max-headers', live(largest(b'', b'h', 'headers', 0xFFFF))


def largest(value, fill, which, size):
    """A block of one record with the largest key or headers, compressed so that the file is small."""
    if which == 'key':
        record, before = Record(value, fill * size, 37, value_type=2), 24
    else:
        record, before = Record(value, None, 38, [(b'name', fill * (size - 8))], 2), 32
    body = body_of([record])
    stored = frame([body[:before], (fill, len(body) - before)], len(body))
    return Data(record, encoded=block(body, stored=stored, codec=1, records=1, **times_of([record])))


def block_of_4_mib():
    """Two records that fill a block to its limit."""
    half = (2 << 20) - 24
    records = [Record(b'a' * half, time=39, value_type=2), Record(b'b' * half, time=40, value_type=2)]
    body = body_of(records)
    parts = []
    for i, fill in enumerate((b'a', b'b')):
        begin = i * (2 << 20)
        parts.append(body[begin:begin + 24])
        parts += [(fill, min(131072, half - done)) for done in range(0, half, 131072)]
    stored = frame(parts, len(body))
    return Data(*records, encoded=block(body, stored=stored, codec=1, records=2, **times_of(records)))


def compressed_records():
    """Records like those of a web server, from a generator with a fixed seed."""
    state = 2023
    for i in range(40):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield Record(b'{"page":"/%s","status":%d,"ms":%d}' % ((b'home', b'cart', b'help')[state % 3],
                                                              (200, 200, 404)[state // 7 % 3], state >> 20),
                     b'user-%d' % (state // 11 % 9), 1700000000000000000 + i * 1000003)


def compressed():
    """A block from the zstd tool: Huffman literals, sequences, a checksum of the content."""
    records = list(compressed_records())
    body = body_of(records)
    assert zlib.crc32(body) == COMPRESSED_OF, 'COMPRESSED holds the frame of another body'
    stored = base64.b64decode(COMPRESSED)
    return Data(*records, encoded=block(body, stored=stored, codec=1, records=len(records), **times_of(records)))


def controls():
    source = {'topic_id': TOPIC, 'partition': 3}
    top = -NO_TIME - 1
    click = Data(Record(CLICK, b'u1', 44), base_offset=8, **SOURCE)
    yield 'control-only', live(control('watermark', time=0), control('idle'), control('watermark', time=top))
    yield 'start-and-end', live()
    yield 'all-controls', [
        control('start', run='0123456789abcdef', pipeline='clicks', restore=41, history=[
            {'tool': 'consume', 'args': ['clicks', '-e'], 'version': '1.0', 'time': 1700000000000000000}]),
        control('source', source, topic='clicks'),
        control('watermark', source, time=-5),
        click,
        control('idle', source),
        control('barrier', checkpoint=42, positions=[
            {'topic': 'clicks', 'topic_id': '%016x' % TOPIC, 'partition': 3, 'epoch': 2, 'offset': 9}]),
        end([click.encoded])]
    yield 'barrier-at-the-last-offset', live(control('barrier', checkpoint=1, positions=[
        {'topic': 't', 'topic_id': '%016x' % TOPIC, 'partition': 0, 'epoch': 0, 'offset': (1 << 63) - 1}]))
    yield 'unknown-control', live(control('weather', base_offset=1, sky={'type': 'end'}), Data(Record(b'1', time=45)))
    yield 'unknown-members', live(control_text(b'{"a":[{"type":"end"}],"type":"idle","status":1}'))
    yield 'control-with-white-space', live(control_text(b'\t{\r\n "type" : "\\u0069dle" }\n '))
    yield 'control-without-crc', live(control('idle', {'crc': False}))
    yield 'control-depth-1024', live(control_text(b'{"type":"deep","a":' + b'[' * 1023 + b']' * 1023 + b'}'))
    yield 'end-totals-of-several-blocks', live(Data(Record(b'1'), Record(b'2')), Data(Record(b'3'), base_offset=2))


def ends_of_file():
    """Streams that end outside: a log, a part of one, a concatenation."""
    previous = {'base': 0, 'end_offset': 4, 'size': 1000, 'crc32c': crc32c(b'before'), 'epoch': 1}
    segment = control('segment', {**SOURCE, 'base_offset': 4}, created=1700000000000000000,
                      boot_id='0123456789abcdef', monotonic=99, running_max=45, previous=previous)
    yield 'empty', [], 'eof'
    yield 'data-outside', [Data(Record(b'1', time=46))], 'eof'
    yield 'segment', [segment, Data(Record(b'1', b'k', 47), Record(None, b'k', 48), base_offset=4, **SOURCE),
                      Data(Record(b'3', b'k', 49), base_offset=6, **SOURCE)], 'eof'
    yield 'two-streams-concatenated', live(Data(Record(b'1', time=50))) + live(Data(Record(b'2', time=51))), 'end'
    yield 'stream-and-segment', live(Data(Record(b'1', time=50))) + [
        segment, Data(Record(b'2'), base_offset=4, **SOURCE)], 'eof'
    yield 'watermark-outside', [control('watermark', time=1)], 'eof'
    yield 'two-sources', live(
        Data(Record(b'1', time=52), base_offset=70, topic_id=TOPIC, partition=0),
        Data(Record(b'2', time=53), base_offset=3, topic_id=TOPIC, partition=1),
        Data(Record(b'3', time=54), base_offset=71, topic_id=TOPIC, partition=0),
        Data(Record(b'4', time=55), topic_id=0xFEDCBA9876543210, partition=0xFFFFFFFF, log_epoch=0xFFFFFFFF,
             producer_id=0xFFFFFFFFFFFFFFFF, producer_epoch=0xFFFFFFFF, producer_seq=0xFFFFFFFF)), 'end'


def cases():
    for group in (values, times_and_offsets, crcs_and_codecs, controls):
        for name, parts in group():
            yield Case(name, parts, 'end')
    for name, parts, grade in ends_of_file():
        yield Case(name, parts, grade)


# producer_epoch with which the CRC of the block in crc-is-zero comes out as 0.
CRC_ZERO_EPOCH = 0xA403E19C

# The body of compressed() as the zstd tool (level 19, with checksum) wrote it once, and the CRC-32 of that body.
COMPRESSED_OF = 0x41848D79
COMPRESSED = '''
KLUv/QRoLRIAxtZZO+AcdUCAHEchgPiCMc4BxIscah+H4MORPucu0102bJLWQKgBASega0sppZSySOS32tgyNltLNDO2ONoOTABIAEoAuoD/a+0tsbqy
dZxcvhxzdgA+1pw3jEuS5aodHii6/v1fphfZ5oyUKdNENpnpRdqMQapgpBlpUomESW2sMSbJlEHRWg33IzJC2xYoSLzz3TOMd7fmaUhNO9y7FjtRGmR7
/xks6qza+RbXs6Dvu6eGjggu3xyKxCTXVf5KPuDA7VxIyynw2XKdHyDc7/59JkTkhrcyFxskDm911VkvmD9KKqth67yXaHwYrs29aB+BnD9P2e2n6sc1
T1MLV8UtLzcK/yZGjQSt/4aAmSFwFWcNpihf1sYVZk/ddw+L9mAH62P9K1BTbL6XzrEJnvejBDlJ9BcZcSlqDl5FhMe6rXot1lf6/5bYk0S8GvuOKRC2
q7zbcMIHvPN3Mqqu4c4We+EQCdXbuTOAoqhReCPTsH8HIC0oaJMOMgrYhkEIEIIbBi8gRnwSMk5jOjG3Wx60FUXQu/H8Dhiawqe7pyUYjvNh7ZKzoEhj
lWTNlhFyKFWOnWXYd8K+Xa++htAHJCtoRUHOB7JhGp89MQpsyNg5CDekw5Ga+dHzKlQqwfMBnVW9b6oRwxoDVSo7yMgVCPWwmFgZMz1JvbmdTefN4NEk
gUSRdpsIMlCEjYTas3BoOj4acPYMBWhAMblYAQ5WIIrL7cBWYz1nZaGZYtpkp2b0+k3EgO8HL4Y3JpDfH2qrAijgtQOOsRzZ
'''

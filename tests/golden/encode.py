# SPDX-License-Identifier: Apache-2.0
"""Blocks and records of leat-stream(5), right or wrong on purpose.

Every field can be overridden by its name, so that a file with one defect is a
good file with one argument more.  Nothing is checked.  make.py and
hex_example.py build their files with it; decode.py does not use it, because
the two must not share a mistake (the CRC is computed in another way here).
"""

import hashlib
import json
import struct

NO_TIME = -1 << 63
TOPIC = 0x0123456789ABCDEF  # no two bytes alike, so that a wrong byte order shows
RUN = '5eed00000000cafe'

HEADER_FORMAT = '<4sBBBBIIIIQqqQIIQII'
HEADER_DEFAULTS = {
    'magic': b'LEAT', 'version': 1, 'kind': 1, 'codec': 0, 'flags': 1, 'stored_size': None, 'crc32c': None,
    'raw_size': None, 'records': 0, 'base_offset': 0, 'min_time': NO_TIME, 'max_time': NO_TIME, 'topic_id': 0,
    'partition': 0, 'log_epoch': 0, 'producer_id': 0, 'producer_epoch': 0, 'producer_seq': 0,
}


def crc32c(data):
    """CRC-32C bit by bit, most significant bit first, on reflected bytes: slow, and plainly the definition."""
    def reflect(value, bits):
        return int(format(value, '0%db' % bits)[::-1], 2)

    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= reflect(byte, 8) << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x1EDC6F41 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return reflect(crc, 32) ^ 0xFFFFFFFF


class Record:
    """A record; `fields` overrides the fields of its header."""

    def __init__(self, value=None, key=None, time=None, headers=(), value_type=None, delta=None, **fields):
        self.value = value
        self.key = key
        self.time = time
        self.headers = list(headers)
        self.value_type = value_type if value_type is not None else 0 if value is None else 1
        self.delta = delta
        self.fields = fields

    def encode(self, delta):
        key = self.key or b''
        headers = b''.join(struct.pack('<HH', len(name), len(value)) + name + value for name, value in self.headers)
        value = self.value or b''
        fields = {
            'size': 24 + len(key) + len(headers) + len(value), 'delta': delta,
            'time': NO_TIME if self.time is None else self.time, 'key_size': len(key), 'headers_size': len(headers),
            'value_type': self.value_type, 'flags': 0 if self.key is None else 1, 'reserved': 0,
        }
        unknown = set(self.fields) - set(fields)
        assert not unknown, unknown
        fields.update(self.fields)
        return struct.pack('<IIqHHBBH', *fields.values()) + key + headers + value


def block(body, crc=True, stored=None, **fields):
    """A block; `stored` is its stored body where that is not the body itself, `fields` overrides the header."""
    unknown = set(fields) - set(HEADER_DEFAULTS)
    assert not unknown, unknown
    stored = body if stored is None else stored
    header = dict(HEADER_DEFAULTS)
    header.update({'stored_size': len(stored), 'raw_size': len(body), 'flags': 1 if crc else 0, 'crc32c': 0})
    header.update(fields)
    if crc and 'crc32c' not in fields:
        header['crc32c'] = crc32c(struct.pack(HEADER_FORMAT, *header.values()) + stored)
    return struct.pack(HEADER_FORMAT, *header.values()) + stored


def body_of(records):
    """The body of a data block: offsets count up by one from 0 unless a record has a delta of its own."""
    body = b''
    delta = -1
    for record in records:
        delta = record.delta if record.delta is not None else delta + 1
        body += record.encode(delta)
    return body


def times_of(records):
    """The tight bounds of the times of records, as header fields."""
    times = [record.time for record in records if record.time is not None] or [NO_TIME]
    return {'min_time': min(times), 'max_time': max(times)}


def data(contents, **fields):
    """A data block of these records."""
    return block(body_of(contents), **{'records': len(contents), **times_of(contents), **fields})


def control(type_, _fields=None, **members):
    """A control block; _fields are those of the header."""
    return block(json.dumps({'type': type_, **members}, separators=(',', ':'), ensure_ascii=False).encode(),
                 **{'kind': 2, **(_fields or {})})


def control_text(text, **fields):
    """A control block whose body is these bytes."""
    return block(text, **{'kind': 2, **fields})


def start(**fields):
    return control('start', fields, run=RUN, pipeline=None, restore=None, history=[])


def end(blocks=(), status=0, **members):
    """The end of a live stream that had these data blocks."""
    counts = [struct.unpack_from('<II', data_block, 16) for data_block in blocks]
    return control('end', None, status=status, records=sum(count for _, count in counts),
                   bytes=sum(raw_size for raw_size, _ in counts), **members)


def live(*blocks):
    """A live stream of data blocks."""
    return start() + b''.join(blocks) + end(blocks)


# -- Zstandard frames of raw and run-length blocks (RFC 8878, section 3.1.1.2.2): bytes that need no compressor --------

def frame(parts, content_size=None, descriptor=None, magic=b'\x28\xb5\x2f\xfd'):
    """A frame whose blocks are `parts`: bytes as they are, or (byte, count) for a run, at most 128 KiB each.

    With content_size the frame is a single segment that says so; without, it has a window of 128 KiB.
    """
    if content_size is None:
        head = struct.pack('<BB', descriptor or 0, 7 << 3)
    else:
        head = struct.pack('<BI', 0xA0 | (descriptor or 0), content_size)
    blocks = b''
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if isinstance(part, bytes):
            blocks += struct.pack('<I', len(part) << 3 | last)[:3] + part
        else:
            byte, count = part
            blocks += struct.pack('<I', count << 3 | 1 << 1 | last)[:3] + byte
    return magic + head + blocks


def runs(byte, count):
    """The parts that repeat a byte count times."""
    return [(byte, min(131072, count - done)) for done in range(0, count, 131072)]


def zstd_data(record, fill, count, content_size=True, **fields):
    """A data block of one record whose value ends in `count` times the byte `fill`, as a frame."""
    whole = Record(**{**vars_of(record), 'value': record.value + fill * count})
    body = whole.encode(whole.delta or 0)
    parts = [body[:len(body) - count]] + runs(fill, count)
    stored = frame(parts, len(body) if content_size else None)
    return whole, block(body, stored=stored, **{'codec': 1, 'records': 1, **times_of([whole]), **fields})


def vars_of(record):
    """The arguments that make a record."""
    arguments = dict(vars(record))
    arguments.update(arguments.pop('fields'))
    return arguments


def shorten(line):
    """A record as the golden .json files keep it: long texts by their hash, so that the files stay small."""
    def short(value):
        if isinstance(value, list):
            return [short(element) for element in value]
        if isinstance(value, str) and len(value) > 1000:
            return 'sha256:%s:%d' % (hashlib.sha256(value.encode()).hexdigest(), len(value))
        return value

    return {name: short(value) for name, value in line.items()}

#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A second decoder of leat streams, written from leat-stream(5) alone.

It shares no code with leat, so that what both agree on is what the page says.
It promises to hand on exactly the records of the whole blocks in front of the
first fault, and to name the grade with which the input ends.  run.py compares
it with the golden files and with leat; logcheck.py reads segments through it.
The bodies of codec 1 go through the command zstd, after their frame was walked
here, because that command takes several frames for one.
"""

import argparse
import base64
import json
import struct
import subprocess
import sys
import tempfile

HEADER = struct.Struct('<4sBBBBIIIIQqqQIIQII')
HEADER_FIELDS = ('magic version kind codec flags stored_size crc32c raw_size records base_offset min_time max_time '
                 'topic_id partition log_epoch producer_id producer_epoch producer_seq').split()
RECORD = struct.Struct('<IIqHHBBH')

NO_TIME = -1 << 63
DATA, CONTROL = 1, 2
MAX_RECORD = 1 << 30
DEFAULT_MAX_RECORD = 16 << 20
MAX_DATA = 4 << 20
MAX_CONTROL = 1 << 20
MAX_DEPTH = 1024
MAX_OFFSET = (1 << 63) - 1

# The exit code of each grade.
EXIT = {'end': 0, 'eof': 0, 'limit': 3, 'io': 4, 'truncated': 5, 'upstream': 5, 'corrupt': 6}


class Stop(Exception):
    """The input came to its end, good or bad: the grade and a short reason."""

    def __init__(self, grade, reason):
        super().__init__(reason)
        self.grade = grade
        self.reason = reason


def refuse(condition, reason):
    """Damage, if the condition holds."""
    if condition:
        raise Stop('corrupt', reason)


# -- CRC-32C (RFC 3720, appendix B.4): the polynomial 0x1EDC6F41 with its bits reversed --------------------------------

def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


# -- Codec 1 -----------------------------------------------------------------------------------------------------------

def zstd_frame_size(data):
    """Length of the Zstandard frame at the beginning of data (RFC 8878, section 3.1.1)."""
    def byte_at(pos):
        refuse(pos >= len(data), 'zstd frame is cut off')
        return data[pos]

    refuse(data[:4] != b'\x28\xb5\x2f\xfd', 'body is not a zstd frame')
    descriptor = byte_at(4)
    single_segment = descriptor >> 5 & 1
    refuse(descriptor & 3 != 0, 'zstd frame wants a dictionary')
    refuse(descriptor & 8 != 0, 'zstd frame has a reserved bit')
    content_size_bytes = (single_segment, 2, 4, 8)[descriptor >> 6]
    pos = 5 + (1 - single_segment) + content_size_bytes
    last = False
    while not last:
        head = byte_at(pos) | byte_at(pos + 1) << 8 | byte_at(pos + 2) << 16
        last = bool(head & 1)
        block_type = head >> 1 & 3
        refuse(block_type == 3, 'zstd block of the reserved type')
        pos += 3 + (1 if block_type == 1 else head >> 3)
    pos += 4 if descriptor & 4 else 0
    refuse(pos > len(data), 'zstd frame is cut off')
    return pos


def decompress(stored, raw_size):
    refuse(zstd_frame_size(stored) != len(stored), 'bytes behind the zstd frame')
    with tempfile.TemporaryFile() as frame:
        frame.write(stored)
        frame.seek(0)
        with subprocess.Popen(['zstd', '-dcq'], stdin=frame, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as zstd:
            raw = zstd.stdout.read(raw_size + 1)
            zstd.stdout.close()
            status = zstd.wait()
    refuse(len(raw) > raw_size, 'zstd frame holds more than raw_size')
    refuse(status != 0, 'zstd frame is damaged')
    refuse(len(raw) < raw_size, 'zstd frame holds less than raw_size')
    return raw


# -- Control blocks ----------------------------------------------------------------------------------------------------

def json_depth(text):
    """The deepest level of arrays and objects; the text need not be JSON."""
    depth = deepest = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == '\\':
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in '[{':
            depth += 1
            deepest = max(deepest, depth)
        elif char in ']}':
            depth -= 1
    return deepest


def _object(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError('a member is repeated')
    return dict(pairs)


def _constant(word):
    raise ValueError(word + ' is not JSON')


def _integer(digits):
    # Python refuses to convert thousands of digits; beyond 64 bits only the kind matters here.
    return int(digits) if len(digits) < 40 else float(digits[:1] + '1e40')


def parse_control(body):
    """The object of a control block."""
    try:
        text = body.decode('utf-8')
        refuse(json_depth(text) > MAX_DEPTH, 'control block is nested too deeply')
        sys.setrecursionlimit(10 * MAX_DEPTH)
        parsed = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
    except ValueError as error:
        raise Stop('corrupt', 'control block is not JSON: %s' % error) from None
    refuse(not isinstance(parsed, dict), 'control block is not an object')
    refuse(not isinstance(parsed.get('type'), str), 'control block has no type')
    return parsed


# -- Data blocks -------------------------------------------------------------------------------------------------------

def parse_headers(data):
    headers = []
    pos = 0
    while pos < len(data):
        refuse(len(data) - pos < 4, 'headers do not fill headers_size')
        name_size, value_size = struct.unpack_from('<HH', data, pos)
        pos += 4
        refuse(name_size + value_size > len(data) - pos, 'a header extends beyond headers_size')
        headers.append((data[pos:pos + name_size], data[pos + name_size:pos + name_size + value_size]))
        pos += name_size + value_size
    return headers


def parse_record(body, pos, base_offset, max_record):
    """The record at pos as a dict, and the position behind it."""
    left = len(body) - pos
    refuse(left == 0, 'fewer records than the header says')
    refuse(left < RECORD.size, 'a record header extends beyond its block')
    size, delta, time, key_size, headers_size, value_type, flags, reserved = RECORD.unpack_from(body, pos)
    refuse(size > left, 'a record extends beyond its block')
    refuse(size < RECORD.size + key_size + headers_size, 'a record is smaller than its parts')
    if size > max_record:
        raise Stop('limit', 'a record of %d bytes' % size)
    refuse(value_type > 2, 'unknown value_type')
    refuse(flags & ~1, 'unknown record flag')
    refuse(reserved != 0, 'reserved field is not 0')
    refuse(key_size and not flags & 1, 'a key without its flag')
    refuse(base_offset + delta > MAX_OFFSET, 'offset beyond 2^63 - 1')
    key_end = pos + RECORD.size + key_size
    value = body[key_end + headers_size:pos + size]
    refuse(value_type == 0 and value, 'a tombstone with a value')
    return {
        'offset': base_offset + delta,
        'time': None if time == NO_TIME else time,
        'key': body[pos + RECORD.size:key_end] if flags & 1 else None,
        'headers': parse_headers(body[key_end:key_end + headers_size]),
        'value_type': value_type,
        'value': value if value_type else None,
    }, pos + size


def parse_records(header, body, max_record):
    records = []
    pos = 0
    for _ in range(header['records']):
        record, pos = parse_record(body, pos, header['base_offset'], max_record)
        refuse(records and record['offset'] <= records[-1]['offset'], 'offset_delta does not rise')
        records.append(record)
    refuse(pos != len(body), 'records do not fill the body')
    return records


# -- Blocks ------------------------------------------------------------------------------------------------------------

class Block:
    """One whole block: its place in the input, the fields of its header, and its records or its object."""

    def __init__(self, pos, header, records, control):
        self.pos = pos
        self.end = pos + HEADER.size + header['stored_size']
        self.header = header
        self.records = records
        self.control = control


def check_header(header, max_record):
    refuse(header['magic'] != b'LEAT', 'bad magic')
    refuse(header['version'] != 1, 'unknown version')
    refuse(header['kind'] not in (DATA, CONTROL), 'unknown kind')
    refuse(header['codec'] > 1, 'unknown codec')
    refuse(header['flags'] & ~3, 'unknown flag')
    refuse(header['crc32c'] and not header['flags'] & 1, 'a CRC without its flag')
    raw_size = header['raw_size']
    if header['kind'] == CONTROL:
        refuse(header['records'] != 0, 'control block with records')
        refuse(header['codec'] != 0, 'control block with a codec')
        refuse(raw_size > MAX_CONTROL, 'control block over 1 MiB')
    else:
        refuse(header['records'] == 0, 'data block without records')
        refuse(header['records'] > 1 and raw_size > MAX_DATA, 'block of several records over 4 MiB')
        refuse(raw_size > MAX_RECORD, 'record over 1 GiB')
    if header['codec'] == 0:
        refuse(header['stored_size'] != raw_size, 'stored_size is not raw_size')
    else:
        refuse(header['stored_size'] >= raw_size, 'stored_size is not less than raw_size')
    if header['records'] == 1 and raw_size > max_record:
        raise Stop('limit', 'a record of %d bytes' % raw_size)


def read_block(file, pos, max_record):
    """The block that begins at pos, where file stands; None at the end of the file."""
    head = file.read(HEADER.size)
    if not head:
        return None
    if len(head) < HEADER.size:
        raise Stop('truncated', 'the input ends inside a header')
    header = dict(zip(HEADER_FIELDS, HEADER.unpack(head)))
    check_header(header, max_record)
    stored = file.read(header['stored_size'])
    if len(stored) < header['stored_size']:
        raise Stop('truncated', 'the input ends inside a body')
    if header['flags'] & 1:
        refuse(crc32c(head[:12] + bytes(4) + head[16:] + stored) != header['crc32c'], 'the CRC does not match')
    body = decompress(stored, header['raw_size']) if header['codec'] else stored
    if header['kind'] == CONTROL:
        return Block(pos, header, [], parse_control(body))
    return Block(pos, header, parse_records(header, body, max_record), None)


def read_blocks(file, max_record=DEFAULT_MAX_RECORD):
    """All blocks in order; ends with Stop, whose reason names the place of a fault."""
    live = False
    last_type = None
    pos = 0
    try:
        while True:
            block = read_block(file, pos, max_record)
            if block is None:
                break
            last_type = block.control['type'] if block.control else None
            if last_type == 'start':
                refuse(live, 'start while live')
                live = True
            elif last_type == 'end':
                refuse(not live, 'end outside')
                live = False
                status = block.control.get('status')
                refuse(type(status) is not int or not 0 <= status <= 255, 'end without a status')
            yield block
            if last_type == 'end' and status != 0:
                raise Stop('upstream', 'end with status %d' % status)
            pos = block.end
    except Stop as stop:
        raise Stop(stop.grade, 'block at byte %d: %s' % (pos, stop.reason)) from None
    except OSError as error:
        raise Stop('io', str(error)) from None
    if live:
        raise Stop('truncated', 'the input ends while live')
    raise Stop('end' if last_type == 'end' else 'eof', '%d bytes' % pos)


# -- Output ------------------------------------------------------------------------------------------------------------

def _b64(data):
    return None if data is None else base64.b64encode(data).decode('ascii')


def record_lines(block):
    """One object for each record of a block, as printed and as kept in the golden .json files."""
    header = block.header
    for record in block.records:
        yield {
            'topic_id': '%016x' % header['topic_id'],
            'partition': header['partition'],
            'offset': record['offset'],
            'epoch': header['log_epoch'],
            'time': record['time'],
            'key': _b64(record['key']),
            'headers': [[name.decode('utf-8', 'surrogateescape'), _b64(value)] for name, value in record['headers']],
            'value_type': record['value_type'],
            'value': _b64(record['value']),
        }


def control_line(block):
    header = block.header
    return {'control': block.control['type'], 'topic_id': '%016x' % header['topic_id'],
            'partition': header['partition'], 'base_offset': header['base_offset'], 'epoch': header['log_epoch'],
            'body': block.control}


def print_line(line):
    print(json.dumps(line, separators=(',', ':')))


def main():
    parser = argparse.ArgumentParser(description='Print the records of a leat stream and the grade of its end.')
    parser.add_argument('--max-record', type=int, default=DEFAULT_MAX_RECORD, metavar='BYTES')
    parser.add_argument('--controls', action='store_true', help='print control blocks too')
    parser.add_argument('--log', action='store_true', help='FILE is the directory of a partition: check it all')
    parser.add_argument('--positions', metavar='PATH', help="with --log: check a group's positions file too")
    parser.add_argument('file', metavar='FILE', help="a stream, '-' for the standard input")
    args = parser.parse_args()
    try:
        if args.log:
            import logcheck
            blocks = logcheck.check_partition(args.file, args.positions, args.max_record)
        else:
            file = sys.stdin.buffer if args.file == '-' else open(args.file, 'rb')
            blocks = read_blocks(file, args.max_record)
        for block in blocks:
            for line in record_lines(block):
                print_line(line)
            if args.controls and block.control:
                print_line(control_line(block))
    except OSError as error:
        stop = Stop('io', str(error))
    except Stop as error:
        stop = error
    sys.stdout.flush()
    print('%s: %s' % (stop.grade, stop.reason), file=sys.stderr)
    return EXIT[stop.grade]


if __name__ == '__main__':
    import decode  # logcheck.py imports this file too, and there must be one class Stop
    sys.exit(decode.main())

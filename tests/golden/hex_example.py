#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The worked example of leat-stream(5): writes it, or proves that it is true.

Without arguments the part of the page between the two `hex example` comments
is made anew.  With --check nothing is written: the page must be what would be
made, and the hexadecimal digits that stand in the page, gathered again from its
text, must decode to the records that the example speaks of.
"""

import json
import os
import re
import struct
import subprocess
import sys

import encode
import good

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, '..', '..', 'man', 'leat-stream.5')
BEGIN = '.\\" hex example: begin\n'
END = '.\\" hex example: end\n'

RECORDS = [encode.Record(b'{"ms":12}', b'u1', -1000000000, [(b'via', b'web')]), encode.Record(None, b'')]
DATA = good.Data(*RECORDS)
START = encode.start()
STREAM = encode.live(DATA.encoded)

INTRODUCTION = '''\
A whole stream of {size} bytes:
.Cm start ,
a data block of two records, and
.Cm end .
The first record has a key, a header, a JSON value and a time one second before
1970; the second is a tombstone with an empty key and no time.
Offsets are hexadecimal.
A CRC is present in each block, as in a file.
'''


def data_of_page(offset, data, words):
    """Lines of eight bytes each; the words stand on the first."""
    for i in range(0, len(data), 8):
        line = '%04x  %-23s  %s' % (offset + i, data[i:i + 8].hex(' '), words if i == 0 else '')
        yield line.rstrip()


def text_of_page(offset, data):
    """Lines of sixteen bytes with their characters, as hexdump -C has them."""
    for i in range(0, len(data), 16):
        part = data[i:i + 16]
        shown = ''.join(chr(byte) if 32 <= byte < 127 else '.' for byte in part)
        yield '%04x  %-47s  |%s|' % (offset + i, part.hex(' '), shown)


def explained(offset, data, fields):
    """Lines for consecutive fields, each (size, words)."""
    for size, words in fields:
        yield from data_of_page(offset, data[:size], words)
        offset, data = offset + size, data[size:]
    assert not data, data


def time_words(field, value):
    return '%s: %s' % (field, 'no time' if value == encode.NO_TIME else '%d' % value)


def header_lines(offset, header):
    """The header of a block."""
    (_, version, kind, codec, flags, stored_size, _, raw_size, records, base_offset, min_time, max_time, topic_id,
     partition, log_epoch, producer_id, producer_epoch, producer_seq) = struct.unpack(encode.HEADER_FORMAT, header)
    whose = ('derived records', 'the whole stream')[kind - 1]
    yield from explained(offset, header, [
        (4, 'magic: "LEAT"'), (1, 'version: %d' % version), (1, 'kind: %d, %s' % (kind, ('data', 'control')[kind - 1])),
        (1, 'codec: %d, none' % codec), (1, 'flags: %d, a CRC is present' % flags),
        (4, 'stored_size: %d' % stored_size), (4, 'crc32c'), (4, 'raw_size: %d' % raw_size),
        (4, 'records: %d' % records), (8, 'base_offset: %d' % base_offset), (8, time_words('min_time', min_time)),
        (8, time_words('max_time', max_time)), (8, 'topic_id: %d, %s' % (topic_id, whose)),
        (4, 'partition: %d' % partition), (4, 'log_epoch: %d' % log_epoch), (8, 'producer_id: %d, none' % producer_id),
        (4, 'producer_epoch: %d' % producer_epoch), (4, 'producer_seq: %d' % producer_seq)])


def record_lines(offset, body):
    """The record at the beginning of body."""
    size, delta, time, key_size, headers_size, value_type, flags, _ = struct.unpack_from('<IIqHHBBH', body)
    fields = [
        (4, 'size: %d' % size), (4, 'offset_delta: %d' % delta), (8, time_words('time', time)),
        (2, 'key_size: %d' % key_size), (2, 'headers_size: %d' % headers_size),
        (1, 'value_type: %d, %s' % (value_type, ('none, a tombstone', 'JSON', 'bytes')[value_type])),
        (1, 'flags: %d, there is a key' % flags), (2, 'reserved'),
    ]
    if key_size:
        fields.append((key_size, 'key: %s' % body[24:24 + key_size].decode()))
    if headers_size:
        name_size, value_size = struct.unpack_from('<HH', body, 24 + key_size)
        name = body[28 + key_size:28 + key_size + name_size].decode()
        value = body[28 + key_size + name_size:24 + key_size + headers_size].decode()
        fields += [(2, 'name_size: %d' % name_size), (2, 'value_size: %d' % value_size),
                   (name_size, 'name: %s' % name), (value_size, 'value of the header: %s' % value)]
    yield from explained(offset, body[:24 + key_size + headers_size], fields)
    yield from text_of_page(offset + 24 + key_size + headers_size, body[24 + key_size + headers_size:size])


def example():
    """The lines of the example: (words above, lines)."""
    data_at, end_at = len(START), len(START) + len(DATA.encoded)
    end = STREAM[end_at:]
    body = DATA.encoded[80:]
    first = struct.unpack_from('<I', body)[0]
    yield 'Header of the start block', header_lines(0, START[:80])
    yield 'Body of the start block', text_of_page(80, START[80:])
    yield 'Header of the data block', header_lines(data_at, DATA.encoded[:80])
    yield 'First record', record_lines(data_at + 80, body)
    yield 'Second record', record_lines(data_at + 80 + first, body[first:])
    yield 'Header of the end block', header_lines(end_at, end[:80])
    yield 'Body of the end block', text_of_page(end_at + 80, end[80:])


def section():
    """The text between the two comments."""
    text = INTRODUCTION.format(size=len(STREAM))
    for words, lines in example():
        literal = ''.join(line + '\n' for line in lines).replace('\\', '\\e').replace('-', '\\-')
        text += '.Pp\n%s:\n.Bd -literal -compact\n%s.Ed\n' % (words, literal)
    return text


def bytes_of(text):
    """The bytes that a reader of the page would type in; each line must begin where the one before ended."""
    stream = b''
    for line in text.split('\n'):
        match = re.match(r'([0-9a-f]{4})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)', line)
        if match:
            if int(match[1], 16) != len(stream):
                raise ValueError('the line at %s is out of place' % match[1])
            stream += bytes.fromhex(match[2])
    return stream


def check(text):
    """Words about what is wrong with the text of the page, or None."""
    if text != section():
        return 'the example in leat-stream.5 is not what hex_example.py makes'
    decoder = subprocess.run([sys.executable, '-B', os.path.join(HERE, 'decode.py'), '-'], input=bytes_of(text),
                             capture_output=True, check=False)
    if decoder.returncode != 0 or not decoder.stderr.startswith(b'end:'):
        return 'the example does not decode: %s' % decoder.stderr.decode().strip()
    if [json.loads(line) for line in decoder.stdout.splitlines()] != list(DATA.lines()):
        return 'the example decodes to other records: %s' % decoder.stdout.decode()
    return None


def main():
    if sys.argv[1:] not in ([], ['--check']):
        print('usage: hex_example.py [--check]', file=sys.stderr)
        return 2
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    before, rest = page.split(BEGIN)
    text, behind = rest.split(END)
    if not sys.argv[1:]:
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(before + BEGIN + section() + END + behind)
        return 0
    wrong = check(text)
    if wrong:
        print(wrong, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

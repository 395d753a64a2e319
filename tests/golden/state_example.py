#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The worked example of leat-state(5): writes it, or proves that it is true.

Without arguments the part of the page between the two `hex example` comments
is made anew.  With --check nothing is written: the page must be what would be
made, and the bytes that stand in the page, gathered again from its text, must
be what a reader that knows the page alone takes for the same items.
"""

import os
import struct
import sys

import encode
import hex_example

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'man', 'leat-state.5')
ID = 0x5eed00000000cafe
HEADER = '<8sIIIIQQ'
ITEMS = [('space', 60), ('put', b'u1', b'abc'), ('remove', b'u2'), ('space', -60), ('drop',)]
MANIFEST = ('{"files":[{"id":"5eed00000000cafe","name":"whole-1",\n'
            '"size":71}],"identity":"--tumble 1m count","meta":{"read":7},\n'
            '"tool":"window","version":1}')


def item(what):
    """The bytes of an item, and the fields of them: (size, words)."""
    kind, *rest = what
    if kind == 'space':
        return b'\4' + struct.pack('<q', rest[0]), [(1, 'tag: 4, space'), (8, 'space: %d' % rest[0])]
    if kind == 'drop':
        return b'\3', [(1, 'tag: 3, drop')]
    key = rest[0]
    if kind == 'remove':
        return b'\2' + bytes([len(key)]) + key, [
            (1, 'tag: 2, remove'), (1, 'key_size: %d' % len(key)), (len(key), 'key: %s' % key.decode())]
    value = rest[1]
    return b'\1' + bytes([len(key), len(value)]) + key + value, [
        (1, 'tag: 1, put'), (1, 'key_size: %d' % len(key)), (1, 'value_size: %d' % len(value)),
        (len(key), 'key: %s' % key.decode()), (len(value), 'value: %s' % value.decode())]


def chain_file():
    """One frame."""
    body = b''.join(item(what)[0] for what in ITEMS)
    crc = encode.crc32c(struct.pack(HEADER, b'LEATSNAP', 1, 1, len(body), 0, ID, 0) + body)
    return struct.pack(HEADER, b'LEATSNAP', 1, 1, len(body), crc, ID, 0) + body


def section():
    """The text between the two comments."""
    data = chain_file()
    lines = list(hex_example.data_of_page(0, data[:8], 'magic: "LEATSNAP"'))
    lines += hex_example.explained(8, data[8:40], [
        (4, 'version: 1'), (4, 'flags: 1, the last frame'), (4, 'size: %d' % (len(data) - 40)), (4, 'crc32c'),
        (8, 'id'), (8, 'position: 0')])
    at = 40
    for what in ITEMS:
        encoded, fields = item(what)
        lines += hex_example.explained(at, encoded, fields)
        at += len(encoded)
    line = MANIFEST.replace('\n', '')
    literal = ''.join(line + '\n' for line in lines).replace('\\', '\\e').replace('-', '\\-')
    manifest = '%s\n%08x\n' % (MANIFEST, encode.crc32c(line.encode()))
    return ('A chain file\n.Pa whole-1\nof %d bytes, one frame.\nOffsets are hexadecimal.\n'
            '.Bd -literal -compact\n%s.Ed\n.Pp\nThe manifest that names it; its first line is folded here.\n'
            '.Bd -literal -compact\n%s.Ed\n' % (len(data), literal, manifest.replace('-', '\\-')))


def decode(data):
    """The items of a file of one frame, by the page."""
    magic, version, flags, size, crc, file_id, position = struct.unpack_from(HEADER, data)
    zeroed = data[:20] + bytes(4) + data[24:]
    assert (magic, version, flags, file_id, position) == (b'LEATSNAP', 1, 1, ID, 0)
    assert size == len(data) - 40 and crc == encode.crc32c(zeroed)
    items, at = [], 40
    while at < len(data):
        tag = data[at]
        if tag == 4:
            items.append(('space', struct.unpack_from('<q', data, at + 1)[0]))
            at += 9
        elif tag == 3:
            items.append(('drop',))
            at += 1
        else:
            sizes = data[at + 1:at + 2 + (tag == 1)]
            at += 1 + len(sizes)
            parts = []
            for part in sizes:
                parts.append(data[at:at + part])
                at += part
            items.append((('put', 'remove')[tag - 1], *parts))
    return items


def check(text):
    """Words about what is wrong with the text of the page, or None."""
    if text != section():
        return 'the example in leat-state.5 is not what state_example.py makes'
    data = hex_example.bytes_of(text)
    if decode(data) != ITEMS:
        return 'the example decodes to other items'
    if '"size":%d}' % len(data) not in text:
        return 'the manifest of the example has another size'
    return None


def main():
    if sys.argv[1:] not in ([], ['--check']):
        print('usage: state_example.py [--check]', file=sys.stderr)
        return 2
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    before, rest = page.split(hex_example.BEGIN)
    text, behind = rest.split(hex_example.END)
    if not sys.argv[1:]:
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(before + hex_example.BEGIN + section() + hex_example.END + behind)
        return 0
    wrong = check(text)
    if wrong:
        print(wrong, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

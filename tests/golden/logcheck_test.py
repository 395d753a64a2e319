#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Proves that logcheck.py takes a good partition and refuses one for each kind of defect.

run.py calls it.  The log is written here, by leat-log(5), into a temporary
directory: three segments, of which the first was compacted, with index, start,
tail and positions.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

from encode import NO_TIME, TOPIC, Record, control, crc32c, data

HERE = os.path.dirname(os.path.abspath(__file__))
PARTITION = 1
BOOT_ID = '/proc/sys/kernel/random/boot_id'


def crc_of(stream, pos):
    return struct.unpack_from('<I', stream, pos + 12)[0]


class Log:
    """The parts of a log, to be changed before write()."""

    def __init__(self):
        self.identity = {'topic_id': TOPIC, 'partition': PARTITION}
        self.topic = {'version': 1, 'name': 'clicks', 'topic_id': '%016x' % TOPIC, 'partitions': 2, 'created': 5,
                      'settings': {'sync': 'batch'}}
        self.rewritten = {'generation': 2, 'end_offset': 5, 'size': 4000, 'crc32c': 77, 'compacted': True}
        self.previous = [None, {'base': 0, 'end_offset': 5, 'size': 4000, 'crc32c': 77, 'epoch': 0}, {}]
        self.fields = [{}, {}, {}]       # header fields of the data block of each segment
        self.records = [[Record(b'0', b'a', 10, delta=1), Record(b'1', b'b', 30, delta=4)],
                        [Record(b'5', b'a', 20), Record(b'6')], [Record(b'7', time=40), Record(None, b'b', 41)]]
        self.bases = [0, 5, 7]
        self.epochs = [0, 0, 1]
        self.running_max = [None, 30, 30]
        self.lost = [None, None, None]
        self.behind = [b'', b'torn and never acknowledged', b'']
        self.start = 3
        self.tail = {}                   # overrides
        self.index_position = None
        self.committed = (9, 1)

    def segment(self, i):
        fields = {**self.identity, 'log_epoch': self.epochs[i], 'base_offset': self.bases[i]}
        members = {'created': 1, 'boot_id': '0123456789abcdef', 'monotonic': 2, 'running_max': self.running_max[i],
                   'previous': self.previous[i], 'rewritten': self.rewritten if i == 0 else None,
                   'lost': self.lost[i]}
        first = control('segment', fields, **{name: value for name, value in members.items() if value is not None})
        return first, data(self.records[i], **{**fields, **self.fields[i]})

    def positions(self):
        offset, epoch = self.committed
        page = struct.pack('<8sIIQ', b'LEATPOSN', 1, 0, TOPIC).ljust(4096 + 1024 * PARTITION, b'\0')
        for generation, at in ((3, 2), (4, offset)):
            slot = struct.pack('<QQQIIq', generation, TOPIC, at, epoch, PARTITION, 0)
            page += (slot + struct.pack('<I', crc32c(slot))).ljust(512, b'\0')
        return page

    def tail_page(self, size):
        with open(BOOT_ID, encoding='ascii') as file:
            boot = int(file.read().replace('-', '')[:16], 16)
        words = {'magic': b'LEATTAIL', 'version': 1, 'partition': PARTITION, 'topic_id': TOPIC, 'boot': boot,
                 'segment': 7, 'written_size': size, 'written_offset': 9, 'stable_offset': 8, 'synced_offset': 8,
                 'start_offset': 3, 'epoch': 1, 'appending': 0, 'state': 0, 'syncs': 6, **self.tail}
        return struct.pack('<8sIIQQQQQQQQIIII', *words.values()).ljust(4096, b'\0')

    def files(self):
        files = {}
        crc = '%08x' % crc32c(json.dumps(self.topic, sort_keys=True, separators=(',', ':')).encode())
        files['../topic.json'] = json.dumps({**self.topic, 'crc32c': crc}).encode()
        for i in range(3):
            first, rest = self.segment(i)
            if i == 1 and self.previous[2] is not None:
                self.previous[2] = {'base': 5, 'end_offset': 7, 'size': len(first + rest), 'crc32c': crc_of(rest, 0),
                                    'epoch': 0, **self.previous[2]}
            files['%020d.leat' % self.bases[i]] = first + rest + self.behind[i]
            if i == 0:
                entry = struct.pack('<QQq', 0, self.index_position or len(first), NO_TIME)
                head = struct.pack('<8sIIQQQIII12x', b'LEATINDX', 1, PARTITION, TOPIC, 0, len(first + rest), 2, 1,
                                   crc32c(entry))
                files['%020d.idx' % 0] = head + entry
        files['tail'] = self.tail_page(len(first + rest))
        files['start'] = b'%d %08x\n' % (self.start, crc32c(b'%d' % self.start))
        files['../../../positions'] = self.positions()
        return files


def check(files):
    """The grade, the words and the records that decode.py --log has for these files."""
    with tempfile.TemporaryDirectory() as root:
        directory = os.path.join(root, 'topics', 'clicks', str(PARTITION))
        os.makedirs(directory)
        for name, content in files.items():
            with open(os.path.join(directory, name), 'wb') as file:
                file.write(content)
        done = subprocess.run([sys.executable, '-B', os.path.join(HERE, 'decode.py'), '--log', '--positions',
                               os.path.join(root, 'positions'), directory], capture_output=True, check=False)
    grade, _, words = done.stderr.decode().strip().partition(': ')
    return grade, words, [json.loads(line)['offset'] for line in done.stdout.splitlines()]


def change(**attributes):
    """A defect: attributes of the log, replaced or, where they are dicts and lists, updated."""
    def apply(log):
        for name, value in attributes.items():
            old = getattr(log, name)
            if isinstance(old, dict):
                old.update(value)
            elif isinstance(old, list):
                for i, element in value.items():
                    old[i] = element
            else:
                setattr(log, name, value)
    return apply


GOOD_WORDS = '3 segments, offsets 3 to 8; committed 9'

# What is changed, and the words of the refusal.
DEFECTS = [
    (change(topic={'partitions': 1}), 'no such partition'),
    (change(topic={'version': 2}), 'no valid topic.json'),
    (change(topic={'topic_id': '0000000000000001'}), 'another topic'),
    (change(identity={'partition': 0}), 'another topic or partition'),
    (change(fields={1: {'partition': 2}}), 'another topic or partition'),
    (change(fields={1: {'log_epoch': 1}}), 'another epoch within'),
    (change(fields={1: {'crc': False}}), 'without CRC'),
    (change(fields={1: {'base_offset': 6}}), 'base_offset 6 where 5 is next'),
    (change(records={1: [Record(b'5'), Record(b'6', delta=2)]}), 'offset 6 is missing'),
    (change(records={2: [Record(b'7', delta=1)]}), 'below synced_offset are missing'),
    (change(records={0: [Record(b'4', delta=9)]}), 'offsets beyond the end'),
    (change(previous={2: {'size': 10000}}), 'ends inside a header'),
    (change(previous={2: {'size': 10000}}, behind={1: b''}), 'shorter than the next one tells'),
    (change(previous={2: {'size': 300}}), 'across the end'),
    (change(previous={2: {'crc32c': 1}}), 'says crc32c 1'),
    (change(previous={2: {'epoch': 1}}), 'says epoch 1'),
    (change(previous={2: {'base': 4}}), 'says base 4'),
    (change(previous={2: None}), "without 'previous'"),
    (change(records={1: [Record(b'5')]}), 'says end_offset 7, not 6'),
    (change(lost={1: [[6, 7]]}), 'offset 6 where 7 is next'),
    (change(lost={1: [[6, 6]]}), "bad range in 'lost'"),
    (change(rewritten={'size': 4001}), 'says size 4000, not 4001'),
    (change(rewritten={'compacted': False}), 'is missing'),
    (change(rewritten={'generation': 0}), 'bad generation'),
    (change(epochs={2: 0}), 'the tail has another epoch'),
    (change(running_max={1: 29}), 'running_max'),
    (change(running_max={2: None}), 'running_max'),
    (change(behind={0: b'x'}), 'ends inside a header'),
    (change(start=10), 'first offset that is kept'),
    (change(tail={'version': 2}), 'another magic or version'),
    (change(tail={'topic_id': 1}), 'tail is of another topic'),
    (change(tail={'synced_offset': 10}), 'below synced_offset are missing'),
    (change(tail={'written_offset': 8}), 'written_size and written_offset disagree'),
    (change(tail={'stable_offset': 10}), 'stable_offset beyond'),
    (change(tail={'start_offset': 2}), 'start_offset is not'),
    (change(tail={'segment': 9}), 'active segment of the tail is missing'),
    (change(tail={'state': 4}), 'unknown state'),
    (change(index_position=7), 'does not agree'),
    (change(committed=(10, 1)), 'committed offset 10'),
    (change(committed=(8, 0)), 'committed offset 8 of epoch 0 is beyond 7'),
]

# Changes that must be taken as they are: the words, and the offsets that are seen.
HARMLESS = [
    (change(), GOOD_WORDS, [4, 5, 6, 7]),
    (change(behind={2: b'torn'}), '3 segments, offsets 3 to 8; to be cut off', [4, 5, 6, 7]),
    (change(records={1: [Record(b'5')]}, lost={1: [[6, 7]]}), GOOD_WORDS, [4, 5, 7]),
    (change(tail={'boot': 1, 'segment': 99, 'written_offset': 99}), '3 segments, offsets 3 to 9', [4, 5, 6, 7, 8]),
    (change(tail={'stable_offset': 9, 'synced_offset': 7}), '3 segments, offsets 3 to 9', [4, 5, 6, 7, 8]),
    (change(tail={'stable_offset': 9, 'synced_offset': 7, 'state': 2}), '3 segments, offsets 3 to 7', [4, 5, 6]),
]


def main():
    failures = 0

    def expect(number, log_change, wanted):
        nonlocal failures
        log = Log()
        log_change(log)
        got = check(log.files())
        if got[0] != wanted[0] or wanted[1] not in got[1] or (len(wanted) > 2 and got[2] != wanted[2]):
            failures += 1
            print('log %d: wanted %s, got %s' % (number, wanted, got), file=sys.stderr)

    for number, (log_change, words, offsets) in enumerate(HARMLESS):
        expect(number, log_change, ('eof', words, offsets))
    for number, (log_change, words) in enumerate(DEFECTS, len(HARMLESS)):
        expect(number, log_change, ('corrupt', words))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())

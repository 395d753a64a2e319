# SPDX-License-Identifier: Apache-2.0
"""Checks the directory of a partition against leat-log(5); decode.py --log calls check_partition().

Like decode.py it is written from the page alone.  Nobody may append or clean
meanwhile.  What the page calls damage is refused; what a recovery or a cleaner
would put right without loss (bytes behind the last whole block of the active
segment, an index of an older generation) is only told in the closing words.
"""

import json
import os
import re
import struct

from decode import CONTROL, DATA, DEFAULT_MAX_RECORD, NO_TIME, Block, Stop, crc32c, read_blocks, refuse

TAIL = struct.Struct('<8sIIQQQQQQQQIIII')
TAIL_FIELDS = ('magic version partition topic_id boot segment written_size written_offset stable_offset synced_offset '
               'start_offset epoch appending state syncs').split()
INDEX = struct.Struct('<8sIIQQQIII12s')
INDEX_ENTRY = struct.Struct('<QQq')
INDEX_STEP = 65536
POSITIONS_HEAD = struct.Struct('<8sIIQ')
SLOT = struct.Struct('<QQQIIqI')
SEGMENT_NAME = re.compile(r'\d{20}\.leat')


class Segment:
    """A segment as its blocks say: where it begins and ends, and what its first block tells."""

    def __init__(self, base, first):
        self.base = base
        self.name = '%020d' % base
        self.info = first.control
        self.epoch = first.header['log_epoch']
        self.rewritten = member(first.control, 'rewritten', dict)
        self.compacted = bool(self.rewritten and self.rewritten.get('compacted'))
        self.lost = lost_ranges(first.control)
        self.blocks = []
        self.end_offset = base
        self.behind = None  # why the blocks end before the file does

    def size(self):
        return self.blocks[-1].end

    def crc(self):
        return self.blocks[-1].header['crc32c']

    def last_time(self, count=None):
        """The latest time in the first blocks, or no time."""
        return max((record['time'] for block in self.blocks[:count] for record in block.records
                    if record['time'] is not None), default=NO_TIME)


def member(table, name, kind):
    """A member that may be absent."""
    value = table.get(name)
    refuse(value is not None and type(value) is not kind, "'%s' is of the wrong kind" % name)
    return value


def lost_ranges(info):
    ranges = member(info, 'lost', list) or []
    end = -1
    for pair in ranges:
        refuse(type(pair) is not list or len(pair) != 2 or not end < pair[0] < pair[1], "bad range in 'lost'")
        end = pair[1]
    return ranges


def beyond_lost(segment, offset):
    """The next offset that may be there, from this one on."""
    for begin, end in segment.lost:
        if begin <= offset < end:
            offset = end
    return offset


# -- Segments ----------------------------------------------------------------------------------------------------------

def check_block(segment, block, identity):
    """A data block of a segment, which goes on where the one before ended."""
    header = block.header
    check_identity(block, identity)
    refuse(header['kind'] != DATA, 'a control block within the segment')
    refuse(header['log_epoch'] != segment.epoch, 'another epoch within the segment')
    expected = beyond_lost(segment, segment.end_offset)
    refuse(not segment.compacted and header['base_offset'] != expected,
           'base_offset %d where %d is next' % (header['base_offset'], expected))
    for record in block.records:
        offset = record['offset']
        refuse(offset < expected, 'offset %d where %d is next' % (offset, expected))
        refuse(offset > expected and not segment.compacted, 'offset %d is missing' % expected)
        expected = beyond_lost(segment, offset + 1)
    segment.end_offset = block.records[-1]['offset'] + 1
    segment.blocks.append(block)


def check_identity(block, identity):
    header = block.header
    refuse(not header['flags'] & 1, 'a block without CRC')
    refuse((header['topic_id'], header['partition']) != identity, 'a block of another topic or partition')


def check_first(block, base, identity):
    """The segment block."""
    refuse(block.header['kind'] != CONTROL or block.control['type'] != 'segment', 'does not begin with a segment block')
    check_identity(block, identity)
    refuse(block.header['base_offset'] != base, 'base_offset is not that of the name')
    for name, kind in (('created', int), ('boot_id', str), ('monotonic', int)):
        refuse(type(block.control.get(name)) is not kind, "segment block without '%s'" % name)
    refuse(not re.fullmatch('[0-9a-fA-F]{16}', block.control['boot_id']), 'boot_id is not 16 hexadecimal digits')
    return Segment(base, block)


def read_segment(directory, base, identity, limit, max_record):
    """A segment up to `limit` bytes (None: up to its last whole block)."""
    path = os.path.join(directory, '%020d.leat' % base)
    segment = None
    with open(path, 'rb') as file:
        try:
            for block in read_blocks(file, max_record):
                refuse(limit is not None and block.end > limit, 'a block across the end that the next segment tells')
                if segment is None:
                    segment = check_first(block, base, identity)
                    segment.blocks.append(block)
                else:
                    check_block(segment, block, identity)
                if block.end == limit:
                    break
        except Stop as stop:
            if segment is None or stop.grade in ('io', 'limit') or (stop.grade != 'eof' and limit is not None):
                grade = stop.grade if stop.grade in ('io', 'limit') else 'corrupt'
                raise Stop(grade, 'segment %020d: %s' % (base, stop.reason)) from None
            if stop.grade != 'eof':
                segment.behind = stop.reason
    refuse(limit is not None and segment.size() < limit, 'segment %s is shorter than the next one tells' % segment.name)
    return segment


def first_info(directory, base, identity, max_record):
    """The segment block of a segment alone."""
    with open(os.path.join(directory, '%020d.leat' % base), 'rb') as file:
        for block in read_blocks(file, max_record):
            return check_first(block, base, identity)
    raise Stop('corrupt', 'segment %020d is empty' % base)


def read_segments(directory, bases, identity, max_record):
    firsts = [first_info(directory, base, identity, max_record) for base in bases]
    segments = []
    for i, first in enumerate(firsts):
        limit = None
        if i + 1 < len(firsts) and not first.rewritten:
            limit = (member(firsts[i + 1].info, 'previous', dict) or {}).get('size')
            refuse(type(limit) is not int, "segment %s without 'previous'" % firsts[i + 1].name)
        segments.append(read_segment(directory, first.base, identity, limit, max_record))
    for segment in segments[:-1]:
        refuse(segment.behind, 'segment %s: %s' % (segment.name, segment.behind))
    refuse(any(block.header['codec'] for block in segments[-1].blocks), 'a compressed block in the active segment')
    return segments


def check_chain(before, after):
    """What a segment says of the one before it."""
    said = member(after.info, 'previous', dict)
    refuse(said is None, "segment %s without 'previous'" % after.name)
    if before.rewritten:
        told = before.rewritten
        refuse(type(told.get('generation')) is not int or told['generation'] < 1, 'bad generation in %s' % before.name)
        refuse(before.end_offset > told['end_offset'], 'offsets beyond the end of %s' % before.name)
        sealed = (told['end_offset'], told['size'], told['crc32c'])
    else:
        sealed = (before.end_offset, before.size(), before.crc())
    if not before.compacted:
        end = beyond_lost(before, before.end_offset)
        refuse(sealed[0] not in (end, before.end_offset), 'offsets are missing at the end of %s' % before.name)
        sealed = (end, *sealed[1:])
    wanted = dict(zip(('end_offset', 'size', 'crc32c'), sealed), base=before.base, epoch=before.epoch)
    for name, value in wanted.items():
        refuse(said.get(name) != value, "segment %s: 'previous' says %s %s, not %s" % (
            after.name, name, said.get(name), value))
    refuse(after.base != sealed[0], 'segment %s does not follow %s' % (after.name, before.name))
    refuse(after.epoch < before.epoch, 'the epoch falls in %s' % after.name)


def check_running_max(segments):
    latest = NO_TIME
    for segment in segments:
        said = member(segment.info, 'running_max', int)
        refuse(latest > (NO_TIME if said is None else said), 'running_max of %s is too early' % segment.name)
        latest = max(latest, NO_TIME if said is None else said, segment.last_time())


# -- The files beside the segments -------------------------------------------------------------------------------------

def read_optional(path):
    try:
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_topic(directory, partition):
    """topic_id from topic.json or the generation before it."""
    for name in ('topic.json', 'topic.json.prev'):
        text = read_optional(os.path.join(directory, '..', name))
        try:
            topic = json.loads(text or b'')
            crc = topic.pop('crc32c')
            compact = json.dumps(topic, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()
            if '%08x' % crc32c(compact) == crc.lower() and topic['version'] == 1:
                break
        except (ValueError, KeyError, AttributeError):
            pass
    else:
        raise Stop('corrupt', 'no valid topic.json')
    topic_id = int(topic['topic_id'], 16)
    refuse(topic_id == 0, 'topic_id is 0')
    refuse(partition >= topic['partitions'], 'no such partition in topic.json')
    return topic_id


def read_start(directory, default):
    text = read_optional(os.path.join(directory, 'start'))
    if text is None:
        return default
    match = re.fullmatch(rb'(0|[1-9]\d{0,18}) ([0-9a-fA-F]{8})\n', text)
    refuse(not match or int(match[2], 16) != crc32c(match[1]), 'bad start file')
    return int(match[1])


def this_boot():
    with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as file:
        return int(file.read().replace('-', '')[:16], 16)


def read_tail(directory, identity):
    page = read_optional(os.path.join(directory, 'tail'))
    if page is None:
        return None
    refuse(len(page) != 4096, 'the tail is not one page')
    tail = dict(zip(TAIL_FIELDS, TAIL.unpack_from(page)))
    refuse(tail['magic'] != b'LEATTAIL' or tail['version'] != 1, 'the tail has another magic or version')
    refuse((tail['topic_id'], tail['partition']) != identity, 'the tail is of another topic or partition')
    refuse(tail['state'] & ~3, 'the tail has an unknown state')
    return tail


def check_tail(tail, segments, start):
    """The end up to which readers see, by a tail that agrees with the active segment."""
    active = segments[-1]
    refuse(tail['synced_offset'] > active.end_offset, 'offsets below synced_offset are missing')
    if tail['boot'] != this_boot() or tail['appending'] or tail['segment'] < active.base:
        return active.end_offset
    refuse(tail['segment'] != active.base, 'the active segment of the tail is missing')
    refuse(tail['epoch'] != active.epoch, 'the tail has another epoch')
    ends = {active.blocks[0].end: active.base}
    ends.update((block.end, block.records[-1]['offset'] + 1) for block in active.blocks[1:])
    refuse(ends.get(tail['written_size']) != tail['written_offset'], 'written_size and written_offset disagree')
    refuse(tail['stable_offset'] > tail['written_offset'], 'stable_offset beyond written_offset')
    refuse(tail['synced_offset'] > tail['written_offset'], 'synced_offset beyond written_offset')
    refuse(tail['start_offset'] != start, 'start_offset is not that of the start file')
    return tail['synced_offset'] if tail['state'] & 2 else tail['stable_offset']


def check_index(directory, segment, identity):
    """Words about an index that is only old, or None."""
    data = read_optional(os.path.join(directory, segment.name + '.idx'))
    if data is None:
        return None
    refuse(len(data) < INDEX.size, 'index %s is cut off' % segment.name)
    magic, version, partition, topic_id, base, size, generation, count, crc, zeros = INDEX.unpack_from(data)
    refuse(magic != b'LEATINDX' or version != 1 or any(zeros), 'index %s has a bad head' % segment.name)
    refuse((topic_id, partition, base) != (*identity, segment.base), 'index %s is of another segment' % segment.name)
    if generation != (segment.rewritten or {}).get('generation', 0):
        return 'index %s is of another generation' % segment.name
    entries = data[INDEX.size:]
    refuse(len(entries) != count * INDEX_ENTRY.size or crc32c(entries) != crc, 'index %s is damaged' % segment.name)
    refuse(size > segment.size(), 'index %s covers more than the segment' % segment.name)
    refuse(not index_agrees(segment, size, list(INDEX_ENTRY.iter_unpack(entries))),
           'index %s does not agree with the segment' % segment.name)
    return None


def index_agrees(segment, size, entries):
    entries = list(reversed(entries))
    position = None
    for number, block in enumerate(segment.blocks):
        if number == 0 or block.end > size:
            continue
        if entries and entries[-1][1] == block.pos:
            offset, position, latest = entries.pop()
            if offset != block.header['base_offset'] or latest < segment.last_time(number):
                return False
        elif position is None or block.pos - position >= INDEX_STEP:
            return False
    return not entries


def check_positions(path, segments, identity):
    """The committed position of this partition in a group."""
    topic_id, partition = identity
    data = read_optional(path)
    refuse(data is None or len(data) < 4096 + 1024 * (partition + 1) or len(data) % 1024, 'positions file is too short')
    magic, version, zero, owner = POSITIONS_HEAD.unpack_from(data)
    refuse(magic != b'LEATPOSN' or version != 1 or zero or any(data[POSITIONS_HEAD.size:4096]), 'bad head of positions')
    refuse(owner != topic_id, 'positions are of another topic')
    best = None
    for at in (4096 + 1024 * partition, 4096 + 1024 * partition + 512):
        slot = SLOT.unpack_from(data, at)
        if slot[0] and crc32c(data[at:at + 40]) == slot[6]:
            refuse((slot[1], slot[4]) != identity, 'a slot of another topic or partition')
            best = max(best or slot, slot)
    if best is None:
        return 'nothing committed'
    limit = next((segment.base for segment in segments if segment.epoch > best[3]), segments[-1].end_offset)
    refuse(best[2] > limit, 'committed offset %d of epoch %d is beyond %d' % (best[2], best[3], limit))
    return 'committed %d' % best[2]


# -- The partition -----------------------------------------------------------------------------------------------------

def visible(block, start, end):
    """The block with those of its records that readers see."""
    records = [record for record in block.records if start <= record['offset'] < end]
    return Block(block.pos, block.header, records, block.control)


def check_partition(directory, positions=None, max_record=DEFAULT_MAX_RECORD):
    """All blocks with the records that a reader sees; ends with Stop like read_blocks."""
    directory = os.path.abspath(directory)
    name = os.path.basename(directory)
    refuse(not re.fullmatch(r'0|[1-9]\d{0,9}', name), 'the directory is not named by a partition')
    identity = (read_topic(directory, int(name)), int(name))
    bases = sorted(int(entry[:20]) for entry in os.listdir(directory) if SEGMENT_NAME.fullmatch(entry))
    refuse(not bases, 'no segment')
    segments = read_segments(directory, bases, identity, max_record)
    for before, after in zip(segments, segments[1:]):
        check_chain(before, after)
    check_running_max(segments)
    start = read_start(directory, segments[0].base)
    end = segments[-1].end_offset
    refuse(not segments[0].base <= start <= end, 'the first offset that is kept is not there')
    tail = read_tail(directory, identity)
    visible_end = check_tail(tail, segments, start) if tail else end
    words = [check_index(directory, segment, identity) for segment in segments]
    words.append(segments[-1].behind and 'to be cut off: ' + segments[-1].behind)
    words.append(positions and check_positions(positions, segments, identity))
    for segment in segments:
        for block in segment.blocks:
            yield visible(block, start, visible_end)
    raise Stop('eof', '; '.join(['%d segments, offsets %d to %d' % (len(segments), start, visible_end),
                                 *filter(None, words)]))

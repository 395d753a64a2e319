#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Joins of two streams as plainly as they can be said, and random cases of `leat join --with` held against that.

usage: join_pairs_reference.py LEAT SEED CASES

Records, disorder, form, options and formats are drawn from the seed. Every record of the one side is held against every
one of the other; nothing is sorted and nothing expires. What comes out, what has no partner and what is late must be
the same as multisets. A case is also run with inputs that are pipes with slow writers, which must give the same bytes,
and cut into three runs with --state, which together must give the same.
"""
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

NS = 10**9
BASE = 1431857103 * NS  # 2015-05-17T10:05:03Z
KEYS = [1, 1.0, '1', 2, -0.5, 'a', 'b', 'ü\n', True, None, [1, 'x'], [1.0, 'x'], [None], {'p': 1, 'q': 2},
        {'q': 2, 'p': 1.0}]
MISSING = object()
WAYS = ['inner', 'inner', 'left', 'right', 'left right', 'outer', 'anti', 'unmatched', 'unmatched right']


def canonical(key):
    """What is equal for keys that are, or None for no key."""
    inside = key.values() if isinstance(key, dict) else key if isinstance(key, list) else [key]
    if key is MISSING or None in inside:
        return None

    def same(v):
        if isinstance(v, dict):
            return {name: same(v[name]) for name in sorted(v)}
        if isinstance(v, list):
            return [same(x) for x in v]
        return float(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else v
    return json.dumps(same(key))


def text_of(value):
    return json.dumps(value, separators=(',', ':'), ensure_ascii=False)


def text_time(ns):
    """Of whole milliseconds."""
    text = datetime.fromtimestamp(ns // NS, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S')
    ms = ns // 10**6 % 1000
    return f'{text}.{ms:03d}Z' if ms else f'{text}Z'


class Record:
    """`members` is None for a tombstone, which has its key in `name` only."""

    def __init__(self, t, key, name, members):
        self.t, self.key, self.name, self.members = t, key, name, members

    def text(self):
        return 'null' if self.members is None else text_of(self.members)

    def envelope(self):
        ms, ns = divmod(self.t, 10**6)
        name = self.name if isinstance(self.name, str) else None
        return f'{{"ts":{ms}.{ns:06d},"key":{text_of(name)},"payload":{self.text()}}}'


# ---- the forms: options, what is late, who is a partner -------------------------------------------------------------

class Interval:
    def __init__(self, rng):
        self.before, self.after = rng.choice([(5, 5), (5, 5), (0, 0), (0, 7), (3, 0), (1, 40), (10**-9, 2), (999, 999)])
        self.options = ['--before', f'{self.before * NS:.0f}ns', '--after', f'{self.after * NS:.0f}ns']
        if self.before == self.after and rng.random() < .7:
            self.options = ['--within', f'{self.before}s']
        elif rng.random() < .5:  # what is not given is 0
            self.options = self.options[2 * (self.before == 0):4 - 2 * (self.after == 0)] or self.options
        self.before, self.after = round(self.before * NS), round(self.after * NS)
        self.ways = WAYS

    def late(self, t, mark):
        return t < mark

    def partners(self, record, rights):
        return [r for r in rights if r.key == record.key and -self.before <= r.t - record.t <= self.after]

    def more(self, _):
        return {}


class Tumble(Interval):
    def __init__(self, rng):
        self.size = rng.choice([1, 2, 5, 20]) * NS
        self.offset = rng.choice([0, 0, self.size // 2, 10**6])
        self.options = ['--tumble', f'{self.size}ns', *(['--offset', f'{self.offset}ns'] if self.offset else [])]
        self.ways = WAYS

    def start(self, t):
        return (t - self.offset) // self.size * self.size + self.offset

    def late(self, t, mark):
        return self.start(t) + self.size <= mark

    def partners(self, record, rights):
        return [r for r in rights if r.key == record.key and self.start(r.t) == self.start(record.t)]

    def more(self, t):
        return {'window_start': text_time(self.start(t)), 'window_end': text_time(self.start(t) + self.size)}


class AsOf(Interval):
    def __init__(self, rng):
        self.direction = rng.choice(['backward', 'forward', 'nearest', 'nearest'])
        self.tolerance = rng.choice([None, 0, 1, 5 * NS, 20 * NS])
        self.options = ['--as-of']
        if self.direction != 'backward' or rng.random() < .3:
            self.options += ['--direction', self.direction]
        if self.tolerance is not None:
            self.options += ['--tolerance', f'{self.tolerance}ns']
        self.ways = [way for way in WAYS if 'right' not in way and way != 'outer']

    def partners(self, record, rights):
        """Rights are in the order in which they came: of one time the last one counts."""
        versions = {r.t: r for r in rights if r.key == record.key}
        before = [versions[t] for t in sorted(versions) if t <= record.t][-1:]
        after = [versions[t] for t in sorted(versions) if t >= record.t and versions[t].members is not None][:1]
        found = {'backward': before, 'forward': after, 'nearest': before + after}[self.direction]
        found = [r for r in found if r.members is not None]
        found = sorted(found, key=lambda r: (abs(r.t - record.t), r.t))[:1]
        return [r for r in found if self.tolerance is None or abs(r.t - record.t) <= self.tolerance]


# ---- a random case --------------------------------------------------------------------------------------------------

class Case:
    def __init__(self, rng):
        self.rng = rng
        self.form = rng.choice([Interval, Tumble, AsOf])(rng)
        self.way = rng.choice(self.form.ways)
        bound = rng.choice([0, NS, 5 * NS, 20 * NS])
        self.delay = rng.choice([bound, bound // 2, 0])
        self.tombstones = rng.random() < .25  # these exist where records have a key beside their value
        self.several = not self.tombstones and rng.random() < .3
        self.csv = not self.tombstones and rng.random() < .2
        self.same_names = rng.random() < .5
        self.draw_naming()
        keys = [rng.choice(self.possible_keys()) for _ in range(rng.choice([2, 3, 6]))]
        span, grain = rng.choice([5, 20, 100]) * NS, rng.choice([1, 10**6, NS, NS])
        self.lefts = [self.side('l', keys, span, grain, bound) for _ in range(rng.choice([1, 1, 2, 3]))]
        self.right = self.side('r', keys, span, grain, bound)
        forms = ['blocks', 'envelope'] if self.tombstones else ['csv'] if self.csv else ['json', 'json', 'blocks']
        self.formats = [rng.choice(forms) for _ in range(len(self.lefts) + 1)]
        if 'envelope' in self.formats:
            self.formats = ['envelope'] * len(self.formats)
        self.options = self.draw_options()

    def possible_keys(self):
        if self.tombstones:
            return ['a', 'b', 'c', '', None]
        return [1, 2, 'a', 'b', None] if self.csv else [*KEYS, MISSING]

    def draw_naming(self):
        self.nested = self.prefix = None
        if self.way != 'anti' and self.rng.random() < .4:
            if self.rng.random() < .5:
                self.nested = self.rng.choice(['row', 'x', 'l'])
            else:
                self.prefix = self.rng.choice(['p_', 'é"'])

    def side(self, which, keys, span, grain, bound):
        """Records of an input in the order in which they come."""
        rng, records = self.rng, []
        for n in range(rng.choice([0, 3, 40, 40, 40, 80])):
            t, key, other = BASE + rng.randrange(span) // grain * grain, rng.choice(keys), rng.choice([1, 1, 2, None])
            members = {'ts' if which == 'l' or self.same_names else 'at': t, which: n}
            members['x'] = which if self.csv else rng.choice([which, [n], 1.5])
            if key is not MISSING:
                members['k' if which == 'l' or self.same_names else 'id'] = key
            if self.several:
                members['k2'] = other
            if which == 'l' and not self.csv and rng.random() < .1:
                members['window_end'] = 'own'
            whole = [key, other] if self.several and key is not MISSING else None if self.several else key
            if self.tombstones and rng.random() < .2:
                members = None
            records.append(Record(t, canonical(whole), key, members))
        return [r for _, r in sorted(((r.t + (rng.randrange(bound + 1) if bound else 0), r) for r in records),
                                     key=lambda x: x[0])]

    def draw_options(self):
        on = '[{}, .k2]' if self.several else '{}'
        o = ['--on', on.format('.k'), *self.form.options]
        if self.delay or self.rng.random() < .3:
            o += ['--out-of-order', f'{self.delay}ns']
        if self.tombstones:
            o += ['--on-right', '$key']
        else:
            o += ['--time', '.ts']
            if not self.same_names:
                o += ['--time-right', '.at', '--on-right', on.format('.id')]
        for word in self.way.split():
            o += ['--unmatched', './none.leat'] if word == 'unmatched' else [f'--{word}'] if word != 'inner' else []
        o += ['--as', self.nested] if self.nested is not None else []
        o += ['--prefix', self.prefix] if self.prefix is not None else []
        for form in ('envelope', 'csv'):  # which all inputs are then
            o += ['-i', form] if form in self.formats else []
        return o

    # ---- what must come out ----

    def split(self, records):
        """Those that are in time, and the late ones, by the watermark that the input had before each."""
        mark, good, late = None, [], []
        for r in records:
            (late if mark is not None and self.form.late(r.t, mark) else good).append(r)
            mark = max(mark, r.t - self.delay) if mark is not None else r.t - self.delay
        return good, late

    def windowed(self, t, members):
        return text_of({**members, **{n: v for n, v in self.form.more(t).items() if n not in members}})

    def joined(self, t, members, right):
        """`members` may be none: a right record alone has the names that it would have beside a left one."""
        members = dict(members)
        if self.nested is not None:
            members[self.nested] = right.members
        else:
            for name, value in right.members.items():
                members.setdefault((self.prefix or '') + name, value)
        return self.windowed(t, members)

    def expect(self):
        """(what comes out, what --unmatched gets, what is late), each a multiset of texts."""
        out, none, late = [], [], []
        rights, behind = self.split(self.right)
        late += [r.text() for r in behind]
        partnered = set()
        for records in self.lefts:
            good, behind = self.split(records)
            late += [r.text() for r in behind]
            for left in good:
                if left.members is None:
                    out.append('null')
                    continue
                found = self.form.partners(left, rights) if left.key is not None else []
                found = [r for r in found if r.members is not None]
                partnered.update(map(id, found))
                if found and self.way != 'anti':
                    out += [self.joined(left.t, left.members, r) for r in found]
                elif not found and 'unmatched' in self.way:
                    none.append(left.text())
                elif not found and self.way not in ('inner', 'right'):
                    out.append(self.windowed(left.t, left.members))
        if self.way == 'outer' or 'right' in self.way:
            out += ['null' if r.members is None else self.joined(r.t, {}, r) for r in rights if id(r) not in partnered]
        return tuple(map(collections.Counter, (out, none, late)))


# ---- running --------------------------------------------------------------------------------------------------------

class Failed(Exception):
    pass


def run(command, work, data=None):
    try:
        p = subprocess.run(command, input=data, capture_output=True, cwd=work, timeout=60, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failed(f'does not end: {command}') from late
    if p.returncode:
        raise Failed(f'exit code {p.returncode}: {p.stderr.decode()}')
    return p.stdout


def encoded(leat, form, records, work):
    """The bytes of an input."""
    if form == 'csv':
        rows = [r.members for r in records]
        names = list(rows[0]) if rows else ['ts', 'at', 'k', 'id', 'k2']
        lines = [','.join(names), *(','.join('' if r[n] is None else str(r[n]) for n in names) for r in rows)]
        return ''.join(line + '\n' for line in lines).encode()
    if form == 'json':
        return ''.join(r.text() + '\n' for r in records).encode()
    data = ''.join(r.envelope() + '\n' for r in records).encode()
    return data if form == 'envelope' else run([leat, 'filter', 'true', '-i', 'envelope', '-O', 'leat'], work, data)


def write_slowly(path, data, rng):
    pieces = rng.choice([1, 3, 8])
    cuts = [0, *sorted(rng.randint(0, len(data)) for _ in range(pieces - 1)), len(data)]
    try:
        with open(path, 'wb', buffering=0) as f:
            for i in range(pieces):
                time.sleep(rng.choice([0, 0, .002, .01]))
                f.write(data[cuts[i]:cuts[i + 1]])
    except BrokenPipeError:
        pass  # the exit code of its reader says more


def join(leat, case, options, parts, work, slow=None):
    """One run over these records of each input, the right one last: (bytes, unmatched, late). `slow` makes the inputs
    pipes, and is who says how slow."""
    names, writers = [], []
    for i, (records, form) in enumerate(zip(parts, case.formats)):
        data, name = encoded(leat, form, records, work), f'in{i}.{form.replace("blocks", "leat")}'
        names.append(name)
        (work / name).unlink(missing_ok=True)
        if slow and slow.random() < .7:
            os.mkfifo(work / name)
            writers.append(threading.Thread(target=write_slowly, args=(work / name, data, slow)))
        else:
            (work / name).write_bytes(data)
    for w in writers:
        w.daemon = True  # a join that fails before it opens them leaves their writers waiting
        w.start()
    for name in ('none.leat', 'late.leat'):
        (work / name).unlink(missing_ok=True)
    out = run([leat, 'join', '--with', f'./{names[-1]}', *options, '--late', './late.leat', '-q', '-j', *names[:-1]],
              work)
    for w in writers:
        w.join()
    kept = [run([leat, 'show', '-j', name], work).decode().splitlines() if (work / name).exists() else []
            for name in ('none.leat', 'late.leat')]
    return out, *map(collections.Counter, kept)


def lines_of(out):
    return collections.Counter(out.decode().split('\n')[:-1])


def differ(what, got, want):
    if got != want:
        shown = [f'+ {x}' for x in (got - want).elements()] + [f'- {x}' for x in (want - got).elements()]
        raise Failed('\n'.join([f'{what}: + is too much, - is missing', *shown[:20]]))


def cut(parts, rng):
    """Each input in three parts, some of them empty."""
    runs = [[], [], []]
    for records in parts:
        places = [0, *sorted(rng.randint(0, len(records)) for _ in range(2)), len(records)]
        for i in range(3):
            runs[i].append(records[places[i]:places[i + 1]])
    return runs


def check(leat, case, work):
    parts, options, want = [*case.lefts, case.right], case.options, case.expect()
    whole = join(leat, case, options, parts, work)
    got = lines_of(whole[0]), *whole[1:]
    for what, g, w in zip(('results', '--unmatched', '--late'), got, want):
        differ(what, g, w)
    if case.rng.random() < .5:
        again = join(leat, case, options, parts, work, case.rng)
        if again[0] != whole[0]:
            differ('from pipes with slow writers', lines_of(again[0]), lines_of(whole[0]))
            raise Failed('from pipes with slow writers: another order')
        differ('late from pipes', again[2], whole[2])
    if case.rng.random() < .5:
        sums = [collections.Counter() for _ in range(3)]
        for i, part in enumerate(cut(parts, case.rng)):
            out, *kept = join(leat, case, [*options, '--state', 's', *(['--drain'] if i == 2 else [])], part, work)
            for total, more in zip(sums, (lines_of(out), *kept)):
                total.update(more)
        for what, g, w in zip(('results', '--unmatched', '--late'), sums, want):
            differ(f'in three runs with --state: {what}', g, w)


def main():
    leat, seed, cases = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for i in range(cases):
        case = Case(random.Random(seed + i))
        with tempfile.TemporaryDirectory() as work:
            try:
                check(leat, case, Path(work))
            except Failed as why:
                raise SystemExit(f'seed {seed + i}: {" ".join(case.options)} {case.formats}\n{why}') from why
    print(f'{cases} cases')


if __name__ == '__main__':
    main()

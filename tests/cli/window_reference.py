#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Windows as plainly as they can be said, and random cases of `leat window` held against that.

usage: window_reference.py LEAT SEED CASES

Records, disorder, kinds of windows, options and aggregates are drawn from the seed. Results, corrections, changes and
early results must come as the reference has them, in its order. A case is also fed again as blocks, in another order
within the out-of-order bound, and in three runs with --state, and must give the same bytes. The reference keeps all
records of a window in a list and knows no partial results, no panes and no sketches; what sketches give is held
against their stated error, and what topk gives of more values than it has places against the order of event time, too.
"""
import heapq
import json
import math
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

NS = 10**9
BASE = 1431857103 * NS  # 2015-05-17T10:05:03Z


def text_time(ns):
    s, f = divmod(ns, NS)
    text = datetime.fromtimestamp(s, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S')
    if f:
        digits = f'{f:09d}'
        while digits.endswith('000'):
            digits = digits[:-3]
        text += '.' + digits
    return text + 'Z'


# ---- values in jq's order -------------------------------------------------------------------------------------------

def rank(v):
    if v is None:
        return (0,)
    if v is False:
        return (1,)
    if v is True:
        return (2,)
    if isinstance(v, (int, float)):
        return (3, Fraction(v))
    if isinstance(v, str):
        return (4, [ord(c) for c in v])
    if isinstance(v, list):
        return (5, [rank(x) for x in v])
    keys = sorted(v, key=lambda k: [ord(c) for c in k])
    return (6, [[ord(c) for c in k] for k in keys], [rank(v[k]) for k in keys])


def canonical(v):
    """A number is written in one way whether it came as 1 or as 1.0."""
    if isinstance(v, float) and v == int(v) and abs(v) < 1e17:
        v = int(v)
    if isinstance(v, list):
        return '[' + ','.join(canonical(x) for x in v) + ']'
    if isinstance(v, dict):
        return '{' + ','.join(json.dumps(k) + ':' + canonical(v[k]) for k in sorted(v)) + '}'
    return json.dumps(v, ensure_ascii=False)


# ---- aggregates over a list of (time, value) ------------------------------------------------------------------------

def present(rows):
    return [(t, v) for t, v in rows if v is not None]


def total(rows):
    return sum((Fraction(v) for _, v in present(rows)), Fraction(0))


def number(x):
    """An exact sum as it is printed: whole numbers in full when all were integers."""
    return float(x) if x.denominator != 1 or abs(x) > 2**53 else int(x)


def agg_sum(rows, _):
    p = present(rows)
    if not p:
        return None
    if all(isinstance(v, int) for _, v in p):
        return sum(v for _, v in p)
    return number(total(rows))


def agg_mean(rows, _):
    p = present(rows)
    return float(total(rows) / len(p)) if p else None


def variance(rows):
    p = [Fraction(v) for _, v in present(rows)]
    if len(p) < 2:
        return None
    mean = sum(p) / len(p)
    return sum((x - mean) ** 2 for x in p) / (len(p) - 1)


def agg_var(rows, _):
    v = variance(rows)
    return None if v is None else float(v)


def agg_stddev(rows, _):
    v = variance(rows)
    return None if v is None else math.sqrt(v)


def agg_mode(rows, _):
    seen = {}
    for _, v in present(rows):
        n, _ = seen.get(canonical(v), (0, None))
        seen[canonical(v)] = (n + 1, v)
    if not seen:
        return None
    most = max(n for n, _ in seen.values())
    return min((v for n, v in seen.values() if n == most), key=rank)


def agg_topk(rows, k):
    seen = {}
    for _, v in present(rows):
        n, _ = seen.get(canonical(v), (0, None))
        seen[canonical(v)] = (n + 1, v)
    order = sorted(seen.values(), key=lambda x: (-x[0], rank(x[1])))
    return [{'value': v, 'count': n} for n, v in order[:k]]


def agg_collect(rows, n):
    return [v for _, v in sorted(present(rows), key=lambda x: (x[0], rank(x[1])))][:n]


def quantile(values, q):
    at = q * (len(values) - 1)
    low = int(math.floor(at))
    high = min(low + 1, len(values) - 1)
    return float(values[low]) + (at - low) * (float(values[high]) - float(values[low]))


def truthy(v):
    return v is not None and v is not False


# name, text, how it is computed from the rows of its field, and how it is compared
EXACT = [
    ('count', 'count', None, lambda r, _: len(r)),
    ('count_if', 'count(.b)', 'b', lambda r, _: sum(truthy(v) for _, v in r)),
    ('sum_n', 'sum(.n)', 'n', agg_sum),
    ('min_n', 'min(.n)', 'n', lambda r, _: min((v for _, v in present(r)), key=rank, default=None)),
    ('max_any', 'max(.any)', 'any', lambda r, _: max((v for _, v in present(r)), key=rank, default=None)),
    ('min_any', 'min(.any)', 'any', lambda r, _: min((v for _, v in present(r)), key=rank, default=None)),
    ('first', 'first(.any)', 'any',
     lambda r, _: min(present(r), key=lambda p: (p[0], rank(p[1])), default=(0, None))[1]),
    ('last', 'last(.s)', 's', lambda r, _: max(present(r), key=lambda p: (p[0], rank(p[1])), default=(0, None))[1]),
    ('any', 'any(.b)', 'b', lambda r, _: any(truthy(v) for _, v in r)),
    ('all', 'all(.b)', 'b', lambda r, _: all(truthy(v) for _, v in r)),
    ('mode', 'mode(.any)', 'any', agg_mode),
    ('top', 'topk(2; .s)', 's', lambda r, _: agg_topk(r, 2)),
    ('list', 'collect(3; .any)', 'any', lambda r, _: agg_collect(r, 3)),
    ('exact', 'exact_distinct(.any)', 'any', lambda r, _: len({canonical(v) for _, v in present(r)})),
    ('sketch', 'distinct(.s)', 's', lambda r, _: len({canonical(v) for _, v in present(r)})),
]
CLOSE = [
    ('sum_x', 'sum(.x)', 'x', agg_sum, 0),
    ('mean', 'mean(.x)', 'x', agg_mean, 1e-15),
    ('var', 'var(.n)', 'n', agg_var, 1e-14),
    ('stddev', 'stddev(.x)', 'x', agg_stddev, 1e-13),
    ('median', 'exact_quantile(.n; 0.5)', 'n',
     lambda r, _: quantile(sorted(v for _, v in present(r)), 0.5) if present(r) else None, 1e-12),
]


# Sketches: within 1 % of what lies about the exact place.
SKETCHED = [('p50', 'median(.y)', .5), ('p99', 'p99(.y)', .99), ('p2', 'quantile(.y; 0.02)', .02)]


def near(got, values, q):
    if not values:
        return got is None
    at = q * (len(values) - 1)
    low, high = values[int(at)], values[min(int(at) + 1, len(values) - 1)]
    return low - abs(low) * .01 <= got <= high + abs(high) * .01


# ---- windows --------------------------------------------------------------------------------------------------------

def calendar_start(unit, day):
    """The first day of the unit that has this one, and of the one behind it."""
    if unit == 'day':
        return day, day + timedelta(days=1)
    if unit == 'week':
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    if unit == 'month':
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    return day.replace(month=1, day=1), day.replace(year=day.year + 1, month=1, day=1)


def calendar_window(kind, t):
    """All starts of the units about there, as instants: the last one that is not behind t, and the next later one."""
    zone, offset = ZoneInfo(kind['zone']), timedelta(microseconds=kind['offset'] // 1000)
    day = datetime.fromtimestamp(t // NS, zone).date() - timedelta(days=3)
    first, _ = calendar_start(kind['unit'], day)
    starts = []
    while len(starts) < 9:
        at = datetime(first.year, first.month, first.day) + offset
        # Twice: the first of the two. Never: later by what was left out, which is what the zone makes of it.
        starts.append(int(at.replace(tzinfo=zone, fold=0).timestamp()) * NS)
        _, first = calendar_start(kind['unit'], first)
    starts.insert(0, -2**62)
    start = max(x for x in starts if x <= t)
    return start, min(x for x in starts if x > start)


def time_windows(kind, t):
    """The windows of a time, as (start, end)."""
    if kind['kind'] == 'calendar':
        return [calendar_window(kind, t)]
    offset = kind.get('offset', 0)
    if kind['kind'] == 'tumble':
        start = (t - offset) // kind['size'] * kind['size'] + offset
        return [(start, start + kind['size'])]
    if kind['kind'] == 'hop':
        start = (t - offset) // kind['slide'] * kind['slide'] + offset
        found = []
        while start + kind['size'] > t:
            found.append((start, start + kind['size']))
            start -= kind['slide']
        return found[::-1]
    start = (t - offset) // kind['size'] * kind['size'] + offset  # cumulate
    first = start + ((t - start) // kind['step'] + 1) * kind['step']
    return [(start, end) for end in range(first, start + kind['size'] + 1, kind['step'])]


class Windows:
    """Of time. `mark` is the watermark: None before the first record; `out` has what comes out, in order."""

    def __init__(self, kind, grace, changes):
        self.kind, self.grace, self.changes = kind, grace, changes
        self.rows, self.changed, self.open, self.out = {}, set(), [], []

    def emit(self, what, window, key):
        self.out.append((what, window, key, list(self.rows[window, key])))

    def add(self, t, key, r, mark):
        """True: it is late."""
        windows = time_windows(self.kind, t)
        if windows and mark is not None and windows[-1][1] + self.grace <= mark:
            return True
        for w in windows:
            closed = mark is not None and w[1] <= mark
            if (w, key) not in self.rows and not closed:
                heapq.heappush(self.open, (w[1], key.encode(), w, key))
            self.rows.setdefault((w, key), []).append((t, r))
            self.changed.add((w, key))
            if closed and w[1] + self.grace > mark:
                self.emit('correction', w, key)
            elif not closed and self.changes:
                self.emit('change', w, key)
        return False

    def advance(self, mark):
        while self.open and self.open[0][0] <= mark:
            _, _, w, key = heapq.heappop(self.open)
            self.emit(None, w, key)

    def early(self, mark):
        for w, key in sorted(self.changed, key=lambda x: (x[0][1], x[1].encode())):
            if w[1] > mark:
                self.emit('early', w, key)
        self.changed.clear()


class Session:
    def __init__(self, key, t):
        self.key, self.start, self.last, self.rows = key, t, t, []
        self.fired, self.closed, self.changed = False, False, False


class Sessions:
    def __init__(self, kind, grace, changes):
        self.gap, self.max, self.grace, self.changes = kind['gap'], kind.get('max'), grace, changes
        self.live, self.out = [], []

    def end(self, s):
        return s.last + self.gap if self.max is None else min(s.last + self.gap, s.start + self.max)

    def meets(self, s, t):
        return s.start - self.gap <= t <= s.last + self.gap and (self.max is None or s.start <= t < s.start + self.max)

    def emit(self, what, s):
        self.out.append((what, (s.start, self.end(s)), s.key, list(s.rows)))

    def add(self, t, key, r, mark):
        met = [s for s in self.live if s.key == key and self.meets(s, t)]
        if self.max is None and mark is not None and t + self.gap + self.grace <= mark and not any(
                self.end(s) + self.grace > mark for s in met):
            return True
        if not met:
            met = [Session(key, t)]
            self.live.append(met[0])
        whole = met[0]
        for s in met[1:]:
            self.live.remove(s)
        whole.start = min([t, *(s.start for s in met)])
        whole.last = max([t, *(s.last for s in met)])
        whole.rows = [row for s in met for row in s.rows] + [(t, r)]
        whole.fired = any(s.fired for s in met)
        whole.closed = all(s.closed for s in met)
        whole.changed = True
        if whole.closed and self.end(whole) < mark:
            self.emit('correction', whole)
        elif whole.closed:
            whole.closed = False
        elif self.changes:
            self.emit('change', whole)
        return False

    def order(self, sessions):
        return sorted(sessions, key=lambda s: (self.end(s), s.key.encode(), s.start))

    def advance(self, mark):
        for s in self.order(s for s in self.live if not s.closed and self.end(s) < mark):
            self.emit('correction' if s.fired else None, s)
            s.fired = s.closed = True
        self.live = [s for s in self.live if not s.closed or self.end(s) + self.grace >= mark]

    def early(self, _):
        for s in self.order(s for s in self.live if not s.closed and s.changed):
            self.emit('early', s)
            s.changed = False


class Counts:
    def __init__(self, kind, _, changes):
        self.count, self.slide, self.changes = kind['count'], kind['slide'], changes
        self.rows, self.told, self.out = {}, {}, []

    def emit(self, what, key):
        """The window that these records fill, or would fill if there were more."""
        rows = self.rows[key]
        end = -(-len(rows) // self.slide) * self.slide
        part = rows[max(end - self.count, 0):]
        if part:
            self.out.append((what, (part[0][0], part[-1][0] + 1), key, part))

    def add(self, t, key, r, _):
        self.rows.setdefault(key, []).append((t, r))
        if len(self.rows[key]) % self.slide == 0:
            self.emit(None, key)
            self.told[key] = len(self.rows[key])
        elif self.changes:
            self.emit('change', key)
        return False

    def rest(self, what, keys):
        for key in sorted(keys, key=lambda k: (self.rows[k][-1][0], k.encode())):
            self.emit(what, key)
            self.told[key] = len(self.rows[key])

    def advance(self, mark):
        if mark == math.inf:
            self.rest(None, [k for k, rows in self.rows.items() if len(rows) % self.slide])

    def early(self, _):
        self.rest('early', [k for k, rows in self.rows.items() if self.told.get(k) != len(rows)])


class Passing:
    """Event time goes on: windows are complete, and every so often there are early results. Those of records in the
    order of event time are of the multiple itself, the others of where the watermark is then."""

    def __init__(self, windows, every, ordered):
        self.windows, self.every, self.ordered, self.at = windows, every, ordered, None

    def come_to(self, mark):
        if self.every and mark != math.inf and (self.at is None or mark >= self.at):
            if self.at is not None:
                at = self.at if self.ordered else mark
                self.windows.advance(at)
                self.windows.early(at)
            self.at = (mark // self.every + 1) * self.every
        self.windows.advance(mark)


def is_strict(kind):
    """The windows depend on the order of records."""
    return kind['kind'] in ('long', 'count')


def expect(kind, records, o, ordered):
    """What comes out, in order, and how many records are late."""
    windows = {'session': Sessions, 'long': Sessions, 'count': Counts}.get(kind['kind'], Windows)
    windows = windows(kind, o['grace'], o['changes'])
    passing = Passing(windows, o['early'], ordered)
    mark, late, waiting = None, 0, []
    for t, key, r in [*records, (math.inf, None, None)]:
        if key is None:
            mark = math.inf
        elif ordered and (mark is None or t >= mark):
            waiting.append((t, key, r))
        elif is_strict(kind):
            late += 1
        else:
            late += windows.add(t, key, r, mark)
        if key is not None:
            mark = t - o['delay'] if mark is None else max(mark, t - o['delay'])
        waiting.sort(key=lambda x: x[0])
        while waiting and waiting[0][0] < mark:
            passing.come_to(waiting[0][0])
            windows.add(*waiting[0], waiting.pop(0)[0])
        passing.come_to(mark)
    return windows.out, late


# ---- random cases ---------------------------------------------------------------------------------------------------

ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Beirut',
         'Asia/Kathmandu', 'America/Havana', 'Africa/Casablanca', 'UTC']


def pick_calendar(rng):
    unit, zone = rng.choice(['day', 'day', 'week', 'month', 'year']), rng.choice(ZONES)
    offset = rng.choice([0, 0, 1800, 9000, 6 * 3600, 86399]) * NS
    return ({'kind': 'calendar', 'unit': unit, 'zone': zone, 'offset': offset},
            ['--tumble', unit, '--tz', zone, '--offset', f'{offset}ns'])


def pick_kind(rng):
    size = rng.choice([1, 2, 5, 7, 10, 60]) * NS
    name = rng.choice(['tumble', 'tumble', 'hop', 'hop', 'cumulate', 'calendar', 'session', 'session', 'long', 'count'])
    if name == 'calendar':
        return pick_calendar(rng)
    if name == 'tumble':
        offset = rng.choice([0, 0, size // 2, size - 1])
        return {'kind': name, 'size': size, 'offset': offset}, ['--tumble', f'{size}ns', '--offset', f'{offset}ns']
    if name == 'hop':
        slide = rng.choice([1, 2, 3, 4, 6]) * NS
        if rng.random() < .4:  # many panes a window
            size, slide = rng.choice([16, 40, 100]) * NS, NS
        offset = rng.choice([0, 0, slide // 3])
        return ({'kind': name, 'size': size, 'slide': slide, 'offset': offset},
                ['--hop', f'{size}ns', '--slide', f'{slide}ns', '--offset', f'{offset}ns'])
    if name == 'cumulate':
        step = rng.choice([1, 2, 5]) * NS
        size = step * rng.randint(1, 6)
        return {'kind': name, 'size': size, 'step': step}, ['--cumulate', f'{size}ns', '--step', f'{step}ns']
    if name == 'session':
        return {'kind': name, 'gap': size}, ['--session', f'{size}ns']
    if name == 'long':
        longest = rng.choice([1, 3, 8]) * size
        return ({'kind': name, 'gap': size, 'max': longest}, ['--session', f'{size}ns', '--max', f'{longest}ns'])
    count, slide = rng.randint(1, 12), rng.randint(1, 12)
    if rng.random() < .5:
        slide = count
    return {'kind': name, 'count': count, 'slide': slide}, ['--count', f'{count}', '--slide', f'{slide}']


def pick_options(rng, kind):
    """How far records are out of order, and what decides when results come."""
    unit = 6 * 3600 * NS if kind['kind'] == 'calendar' else NS
    bound = rng.choice([0, 0, unit, 5 * unit])
    o = {'bound': bound, 'delay': rng.choice([bound, bound, bound // 2, 0]), 'grace': 0, 'early': 0, 'changes': False}
    if kind['kind'] not in ('long', 'count') and rng.random() < .5:
        o['grace'] = rng.choice([1, unit // 2, unit, 3 * unit, 20 * unit])
    if rng.random() < .25:
        o['early'] = rng.choice([unit // 2, unit, 3 * unit, 7 * unit])
    # Sixty windows a record would be sixty changes.
    if rng.random() < .2 and kind.get('size', 0) <= 10 * kind.get('slide', NS):
        o['changes'] = True
    return o, ['--out-of-order', f'{o["delay"]}ns', *(['--grace', f'{o["grace"]}ns'] if o['grace'] else []),
               *(['--early-every', f'{o["early"]}ns'] if o['early'] else []),
               *(['--emit', 'changes'] if o['changes'] else [])]


def pick_any(rng):
    return rng.choice([None, True, False, 1, 1.0, -3, 2.5, 10**15, 'a', 'b', 'ä', 'quo"te', [1, 'x'], [], {'k': 1}])


def make_records(rng, kind, few, ordered):
    n = rng.choice([0, 1, 5, 60] if few else [0, 1, 5, 60, 300])
    keys = [rng.choice(['a', 'b', 'c', None, 5, 'null', 'ü\n', ['l'], True]) for _ in range(rng.choice([1, 2, 5]))]
    base, spread = BASE, rng.choice([1, 10, 100]) * NS
    if kind['kind'] == 'calendar':
        base = rng.randrange(1230768000, 1704067200) * NS  # 2009 to 2023
        spread = rng.choice([1, 10, 400]) * 86400 * NS
    grain = rng.choice([1, 10**6, NS])
    records = []
    for _ in range(n):
        t = base + rng.randrange(spread) // grain * grain
        r = {'ts': None, 'k': rng.choice(keys), 'n': rng.choice([None, rng.randint(-10**6, 10**6), 2**62]),
             'x': rng.choice([None, rng.uniform(-1e3, 1e3), 0.1, 1e17, -1e17]),
             'y': rng.choice([None, 0, rng.randint(-50, 50), rng.uniform(-1e3, 1e3), rng.lognormvariate(3, 4)]),
             's': rng.choice([None, *'abcdefg']), 'b': rng.choice([True, False, None, 0]), 'any': pick_any(rng)}
        if rng.random() < .2:
            del r['k']
        records.append((t, r))
    # Where the order of records counts, equal times have no one order to compare with.
    if ordered:
        records = [(t + i, r) for i, (t, r) in enumerate(sorted(records, key=lambda x: x[0]))]
    for t, r in records:
        r['ts'] = text_time(t)
    return records


def disorder(rng, records, delay):
    """An order in which no record is more than delay behind one that came before it."""
    return sorted(rng.sample(records, len(records)), key=lambda r: r[0] + rng.randrange(delay + 1))


def same(got, want, tolerance):
    if tolerance is None:
        return canonical(got) == canonical(want)
    if got is None or want is None:
        return got is want
    return abs(float(got) - float(want)) <= tolerance * abs(want)


def run_leat(leat, options, program, records, blocks):
    data = ''.join(json.dumps(r, ensure_ascii=blocks) + '\n' for _, r in records).encode()
    args = [leat, 'window', '-j', *options]
    if blocks:
        data = subprocess.run([leat, 'map', '.', '--time', '.ts', '-i', 'json', '-O', 'leat'], input=data,
                              stdout=subprocess.PIPE, check=True).stdout
        args += ['-i', 'leat', program]
    else:
        args += ['--time', '.ts', '-i', 'json', program]
    p = subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if p.returncode:
        raise SystemExit(f'exit {p.returncode}: {p.stderr.decode()}\n{args}')
    return p.stdout.decode(), p.stderr.decode()


def late_records(err):
    return int(err.split(' late record')[0].split()[-1]) if ' late record' in err else 0


def run_in_three(leat, options, program, records, rng):
    """With --state, cut at two places: what comes out, and how many were late."""
    cuts = [0, *sorted(rng.randint(0, len(records)) for _ in range(2)), len(records)]
    whole, late = '', 0
    with tempfile.TemporaryDirectory() as state:
        for i in range(3):
            more = ['--state', state, *(['--drain'] if i == 2 else [])]
            out, err = run_leat(leat, [*options, *more], program, records[cuts[i]:cuts[i + 1]], rng.random() < .3)
            whole += out
            late += late_records(err)
    return whole, late


def check_result(what, aggregates, grouped, got, want):
    emit, (start, end), key, rows = want
    if (got['window_start'], got['window_end'], got.get('emit')) != (text_time(start), text_time(end), emit):
        raise SystemExit(f'{what}: {got} is not {text_time(start)} {text_time(end)} {emit} {key}')
    if grouped and canonical(got['k']) != key:
        raise SystemExit(f'{what}: {got} is not of group {key}')
    for name, _, field, compute, *tolerance in aggregates:
        value = compute([(t, r.get(field) if field else None) for t, r in rows], None)
        if not same(got[name], value, tolerance[0] if tolerance else None):
            raise SystemExit(f'{what}: {name} is {got[name]} and not {value} in {got}')
    for name, _, q in SKETCHED:
        values = sorted(r['y'] for _, r in rows if r['y'] is not None)
        if name in got and not near(got[name], values, q):
            raise SystemExit(f'{what}: {name} is {got[name]} of {values}')


def check_case(leat, seed):
    rng = random.Random(seed)
    kind, options = pick_kind(rng)
    o, more = pick_options(rng, kind)
    aggregates = [*rng.sample(EXACT, rng.randint(1, 5)), *rng.sample(CLOSE, rng.randint(0, 2))]
    ordered = is_strict(kind) or any(name == 'top' for name, *_ in aggregates)
    records = make_records(rng, kind, o['changes'] or o['early'], ordered)
    arrival = disorder(rng, records, o['bound'])
    grouped = rng.random() < .8
    calls = [a[:2] for a in [*aggregates, *rng.sample(SKETCHED, rng.choice([0, 0, 1, 2]))]]
    program = '{' + ', '.join(f'{name}: {text}' for name, text in calls) + '}'
    options = [*options, *more, *(['-g', '{k: .k}'] if grouped else [])]
    what = f'seed {seed}: {" ".join(options)} {program}'

    out, err = run_leat(leat, options, program, arrival, rng.random() < .4)
    want, late = expect(kind, [(t, canonical(r.get('k')) if grouped else '', r) for t, r in arrival], o, ordered)
    got = [json.loads(line) for line in out.splitlines()]
    if late_records(err) != late:
        raise SystemExit(f'{what}: {late_records(err)} late records, not {late}')
    for i in range(min(len(got), len(want))):
        check_result(what, aggregates, grouped, got[i], want[i])
    if len(got) != len(want):
        raise SystemExit(f'{what}: {len(got)} results, not {len(want)}\n{out[:2000]}')
    if rng.random() < .4:
        again, late_again = run_in_three(leat, options, program, arrival, rng)
        if (again, late_again) != (out, late):
            raise SystemExit(f'{what}: three runs give another answer\n{out[:2000]}\n{again[:2000]}')
    if o['delay'] >= o['bound'] and (ordered or not o['changes'] and not o['early']):
        again, _ = run_leat(leat, options, program, disorder(rng, records, o['bound']), rng.random() < .5)
        if again != out:
            raise SystemExit(f'{what}: another order within the bound gives another answer\n{out[:999]}\n{again[:999]}')


def check_bounds(what, want, got):
    """A count is the truth or more, by no more than its error."""
    truth = {}
    for _, r in want:
        for v in r['v']:
            truth[v] = truth.get(v, 0) + 1
    for x in got:
        if not x['count'] - x.get('error', 0) <= truth.get(x['value'], 0) <= x['count']:
            raise SystemExit(f'{what}: {x} came {truth.get(x["value"], 0)} times')


def check_topk(leat, seed):
    """More values than topk has places: what comes out is what comes of the records in the order of event time."""
    rng = random.Random(seed)
    kind, options = pick_kind(rng)
    o, more = pick_options(rng, kind)
    o['delay'] = o['bound']
    more[1] = f'{o["bound"]}ns'
    distinct, grouped, skew = rng.random() < .5, rng.random() < .5, rng.choice([1, 1, 2])
    records = []
    while len(records) < 60:
        records = make_records(rng, kind, True, is_strict(kind) or distinct)
    for _, r in records:
        r['v'] = [int(5000 * rng.random() ** skew) for _ in range(rng.choice([0, 300, 300, 300]))]
    options = [*options, *more, *(['-g', '{k: .k}'] if grouped else [])]
    program = '{count: count, top: topk(3; .v[]), rest: topk(10; .v[] % 1999)}'
    what = f'topk, seed {seed}: {" ".join(options)}'
    arrival = disorder(rng, records, o['bound'])
    out, err = run_leat(leat, options, program, arrival, rng.random() < .5)
    if late_records(err):
        raise SystemExit(f'{what}: {err}')
    in_order = sorted(records, key=lambda r: r[0])
    runs = [run_leat(leat, [*options, '--out-of-order', '0s'], program, in_order, rng.random() < .5),
            run_leat(leat, options, program, disorder(rng, records, o['bound']), rng.random() < .5),
            run_in_three(leat, options, program, arrival, rng)]
    for (again, _), name in zip(runs, ['the order of event time', 'another order within the bound', 'three runs']):
        if again != out:
            raise SystemExit(f'{what}: {name} gives another answer\n{out[:2000]}\n{again[:2000]}')
    if is_strict(kind) or distinct:
        want, _ = expect(kind, [(t, canonical(r.get('k')) if grouped else '', r) for t, r in arrival], o, True)
        for line, result in zip(out.splitlines(), want, strict=True):
            check_result(what, EXACT[:1], grouped, json.loads(line), result)
            check_bounds(what, result[3], json.loads(line)['top'])


def check_distinct(leat, seed):
    """Many values: exact up to 1,536, and then within five times the standard error of 0.81 %."""
    rng = random.Random(seed)
    n = rng.choice([100, 1500, 1536, 1600, 5000, 40000, 300000])
    values = [rng.randrange(10**12) for _ in range(n)]
    different = len(set(values))
    records = [(BASE, {'ts': text_time(BASE), 'v': values[i:i + 2000] + values[:rng.randrange(5)]})
               for i in range(0, n, 2000)]
    rng.shuffle(records)
    out, _ = run_leat(leat, ['--hop', '2s', '--slide', '1s'], '{n: distinct(.v[]), e: exact_distinct(.v[])}', records,
                      rng.random() < .5)
    for got in map(json.loads, out.splitlines()):
        error = abs(got['n'] - different) / different
        if got['e'] != different or error > (0 if different <= 1536 else .0405):
            raise SystemExit(f'seed {seed}: {got} of {different} different values')


def main():
    leat, seed, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for i in range(cases):
        check_case(leat, seed + i)
    for i in range(cases // 5):
        check_topk(leat, seed + i)
    for i in range(cases // 50):
        check_distinct(leat, seed + i)
    print(f'{cases} cases')


main()

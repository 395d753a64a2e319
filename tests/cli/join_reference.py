#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A lookup join as plainly as it can be said, and random cases of `leat join` held against that.

usage: join_reference.py LEAT SEED CASES

Tables, streams and options are drawn from the seed. Each record is held against each row, one by one; nothing is
indexed. The stream is given as JSON lines and as blocks, which must give the same bytes, and in some cases so many
times over that the blocks are joined ahead of their turn.
"""
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

# Keys as they are written, and what they are: those with the same second part are equal. None: no key.
KEYS = [
    ('1', 1), ('1.0', 1), ('10e-1', 1), ('"1"', '"1"'), ('2', 2), ('-0.5', -0.5), ('-5e-1', -0.5), ('"a"', '"a"'),
    ('"\\u0061"', '"a"'), ('"\\u00e9\\n"', '"é\n"'), ('true', 'true'), ('false', 'false'), ('null', None), ('""', '""'),
    ('12345678901234567890123', 12345678901234567890123), ('[1,"x"]', '[1x]'), ('[1.0, "x"]', '[1x]'), ('[1,null]', None),
    ('{"x":1,"y":2}', '{xy}'), ('{"y":2, "x":1.0}', '{xy}'), ('{"x":null}', None), ('[]', '[]'), ('[[null]]', '[[null]]'),
    ('"' + 'k' * 300 + '"', 'long'),
]
NAMES = ['a', 'b', 'name', 'r', 'row', 'u_a', '\\u0061', 'q\\"q', '\\n', '', 'é', 'x' * 70]
VALUES = ['1', '1.50', '"s"', '"\\u0041\\/"', 'null', 'true', '[1, 2]', '{"a": {"b":[]}}', '-0', '1e400', '""']
SPACES = ['', '', '', ' ', '\t']


def plain(name):
    return json.loads(f'"{name}"')


def member_list(rng, key, most):
    """[(name as written, value as written)] with names that differ, the key among them under `k`."""
    members, seen = [], {'k'}
    for _ in range(rng.randrange(most)):
        name = rng.choice(NAMES)
        if plain(name) in seen:
            continue
        seen.add(plain(name))
        members.append((name, rng.choice(VALUES)))
    if key is not None:
        members.insert(rng.randrange(len(members) + 1), ('k', key))
    return members


def write_object(rng, members):
    s = lambda: rng.choice(SPACES)  # noqa: E731
    return s() + '{' + s() + (s() + ',' + s()).join(f'"{n}"{s()}:{s()}{v}' for n, v in members) + s() + '}' + s()


class Case:
    def __init__(self, rng):
        self.rng = rng
        self.left, self.anti, self.many = rng.choice([(0, 0), (0, 0), (1, 0), (0, 1)]) + (rng.random() < 0.4,)
        self.many = self.many and not self.anti
        self.nested = rng.choice(NAMES) if not self.anti and rng.random() < 0.3 else None
        self.prefix = rng.choice(['u_', 'é"', 'a']) if not self.anti and self.nested is None and rng.random() < 0.3 else None
        self.table = [self.thing(6) for _ in range(rng.choice([0, 1, 5, 30]))]
        self.stream = [self.thing(8) for _ in range(rng.choice([1, 20, 60]))]

    def thing(self, most):
        """(text, members, what the key is)"""
        text, what = self.rng.choice(KEYS + [(None, None)])
        members = member_list(self.rng, text, most)
        return write_object(self.rng, members), members, what

    def options(self):
        o = ['--on', '.k']
        o += ['--left'] * self.left + ['--anti'] * self.anti + ['--many'] * self.many
        o += ['--as', plain(self.nested)] if self.nested is not None else []
        return o + (['--prefix', self.prefix] if self.prefix is not None else [])

    def pair(self, record, row):
        """The text of both together."""
        text, members, _ = record
        if self.nested is not None:
            addition = [(json.dumps(plain(self.nested), ensure_ascii=False)[1:-1], row[0].strip(' \t'))]
            for i, (name, value) in enumerate(members):
                if plain(name) == plain(self.nested):
                    return None, [*members[:i], (name, addition[0][1]), *members[i + 1:]]
        else:
            has = {plain(n) for n, _ in members}
            addition = [((self.prefix or '') + plain(n), v) for n, v in row[1]]
            addition = [(json.dumps(n, ensure_ascii=False)[1:-1], v) for n, v in addition if n not in has]
        close = text.rindex('}')
        last = len(text[:close].rstrip(' \t'))
        written = ','.join(f'"{n}":{v}' for n, v in addition)
        if written and members:
            written = ',' + written
        return text[:last] + written + text[last:], [*members, *addition]

    def results(self):
        """What comes out, each as (text or None, members)."""
        for record in self.stream:
            rows = [row for row in self.table if row[2] is not None and row[2] == record[2]]
            if not rows:
                if self.left or self.anti:
                    yield record[0], record[1]
            elif not self.anti:
                for row in rows if self.many else rows[-1:]:
                    yield self.pair(record, row)


def run(command, **more):
    r = subprocess.run(command, capture_output=True, check=False, **more)
    if r.returncode != 0:
        raise SystemExit(f'exit code {r.returncode}: {command}\n{r.stderr.decode()}')
    return r.stdout


def check(case, number, leat, work):
    table, stream, blocks = work / 'table', work / 'stream', work / 'stream.leat'
    table.write_text(''.join(t + '\n' for t, _, _ in case.table))
    stream.write_text(''.join(t + '\n' for t, _, _ in case.stream))
    command = [leat, 'join', '--table', './table', *case.options(), '-j']
    got = run([*command, 'stream', '-i', 'json'], cwd=work)
    lines, wanted = got.decode().split('\n')[:-1], list(case.results())
    if len(lines) != len(wanted):
        raise SystemExit(f'case {number}: {len(lines)} results instead of {len(wanted)}: {command}')
    for line, (text, members) in zip(lines, wanted):
        # JSON lines are as they were written but for the space around them, which is not the record's.
        if text is not None and line.strip(' \t') != text.strip(' \t'):
            raise SystemExit(f'case {number}: {command}\ngot    {line}\nwanted {text}')
        pairs = json.loads(line, object_pairs_hook=list)
        if pairs != json.loads('{' + ','.join(f'"{n}":{v}' for n, v in members) + '}', object_pairs_hook=list):
            raise SystemExit(f'case {number}: {command}\ngot    {line}\nwanted {members}')
    times = 4000 if number % 20 == 0 else 1
    stream.write_text(stream.read_text() * times)
    run([leat, 'filter', 'true', 'stream', '-i', 'json', '--output', 'stream.leat'], cwd=work)
    if run([*command, 'stream.leat'], cwd=work) != got * times:
        raise SystemExit(f'case {number}: blocks give something else: {command}')
    blocks.unlink()


def main():
    leat, seed, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for number in range(cases):
        case = Case(random.Random(seed * 1000003 + number))
        with tempfile.TemporaryDirectory() as work:
            check(case, number, leat, Path(work))
    print(f'{cases} cases')


if __name__ == '__main__':
    main()

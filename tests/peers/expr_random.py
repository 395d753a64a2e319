#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random programs over random records, or over the real ones of a folder: the native engine must give what jq gives.

usage: expr_random.py [--seed N] [--programs N] [--seconds N] [--first N] [--data DIR] [--engine NAME] [-v]
with expr_driver in $LEAT_BUILD/tests/peers. Programs are made by expr_grammar.py from the seed and their number, so
that `--seed S --first N --programs 1` makes a case again. Results compare as values, numbers by value and to 1e-15;
errors as errors, and the share of equal messages is told. A difference is shrunk and shown. Exit 0: there was none.
"""
import argparse
import collections
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from exprs import Answer, Driver, texts_equal
from expr_grammar import ANY, ARRAY, BOOLEAN, FIELDS, NUMBER, NUMBERS, OBJECT, STRING, STRINGS, Grammar, Node, \
    random_record, random_value, spell

BATCH = 25           # programs that one jq is given
RECORDS = 8          # records that a program sees
DATA_RECORDS = 40
SHOWN = 10           # differences that are shrunk and shown
TOLERANCE = 1e-15
SHRINK_SECONDS = 8


# ---- jq, many programs at once ----

def jq_batch(programs, texts, seconds=10):
    """Answers of jq by program and text; None for a program that it refuses, or that makes it die or take too long."""
    filters = ',\n'.join(f'[try (({program})\n | [.]) catch {{e: .}}]' for program in programs)
    try:
        done = subprocess.run(['jq', '-c', filters], input='\n'.join(texts).encode(), capture_output=True,
                              timeout=seconds if len(programs) > 1 else 3)
        lines = done.stdout.decode(errors='replace').splitlines() if done.returncode == 0 else []
    except subprocess.TimeoutExpired:
        lines = []
    if len(lines) != len(programs) * len(texts):
        if len(programs) == 1:
            return [None]
        half = len(programs) // 2
        return jq_batch(programs[:half], texts, seconds) + jq_batch(programs[half:], texts, seconds)
    answers = [[] for _ in programs]
    for i, line in enumerate(lines):
        results, end, message = [], 'done', ''
        for one in json.loads(line):
            if isinstance(one, dict):
                end = 'error'
                message = one['e'] if isinstance(one['e'], str) else '(not a string): ' + json.dumps(one['e'])
            else:
                results.append(json.dumps(one[0], ensure_ascii=False))
        answers[i % len(programs)].append(Answer(results, end, message))
    return answers


def same(a, b):
    return a.end == b.end and texts_equal(a.results, b.results, TOLERANCE)


# ---- shrinking ----

def smaller_values(value):
    if isinstance(value, dict):
        for name in value:
            yield {k: v for k, v in value.items() if k != name}
        for name, inner in value.items():
            for less in smaller_values(inner):
                yield {**value, name: less}
    elif isinstance(value, list):
        for i in range(len(value)):
            yield value[:i] + value[i + 1:]
        for i, inner in enumerate(value):
            for less in smaller_values(inner):
                yield value[:i] + [less] + value[i + 1:]
    elif isinstance(value, str) and len(value) > 1:
        yield value[:len(value) // 2]
        yield value[1:]
    elif value not in (None, 1, 0, ''):
        yield 1
        yield None


def differs(driver, program, text):
    theirs = jq_batch([program], [text])[0]
    if theirs is None:
        return None
    ours = driver.run(program, text)
    return None if ours.end in ('refused', 'input') or same(ours, theirs[0]) else (ours, theirs[0])


def shrink(driver, tree, text):
    """The smallest program and record found in some seconds that still differ, and the two answers."""
    found, deadline = differs(driver, str(tree), text), time.monotonic() + SHRINK_SECONDS
    value, again = json.loads(text), True
    while found and again and time.monotonic() < deadline:
        again = False
        for less in tree.smaller():
            if len(str(less)) >= len(str(tree)) or time.monotonic() > deadline:
                continue
            other = differs(driver, str(less), text)
            if other:
                tree, found, again = less, other, True
                break
        for less in smaller_values(value):
            if time.monotonic() > deadline:
                break
            other = differs(driver, str(tree), json.dumps(less, ensure_ascii=False))
            if other:
                value, found, again = less, other, True
                text = json.dumps(value, ensure_ascii=False)
                break
    return tree, text, found


# ---- real records ----

def scan_fields(records):
    """Paths by the type of what they lead to in these records, and the names of members."""
    fields, names = collections.defaultdict(dict), {}

    def visit(value, path, depth):
        kind = {bool: BOOLEAN, int: NUMBER, float: NUMBER, str: STRING, dict: OBJECT}.get(type(value), ANY)
        if isinstance(value, list):
            kind = ARRAY
            inner = {type(v) for v in value}
            if inner and inner <= {int, float}:
                fields[NUMBERS][path] = True
            elif inner == {str}:
                fields[STRINGS][path] = True
            if value and depth < 5:
                visit(value[0], path + '[0]', depth + 1)
        fields[kind][path] = True
        if isinstance(value, dict) and depth < 5:
            for name, inner in list(value.items())[:30]:
                names[name] = True
                plain = name.isascii() and name.isidentifier()
                step = f'.{name}' if plain else f'[{json.dumps(name)}]'
                visit(inner, step if path == '.' and plain else path + step, depth + 1)
    for record in records:
        visit(record, '.', 0)
    return {kind: list(paths) for kind, paths in fields.items()}, list(names)


def data_sets(folder):
    """(name, texts) of each file: its records thinned out to DATA_RECORDS, long ones left out."""
    for path in sorted(Path(folder).rglob('*.ndjson*')):
        if path.suffix == '.zst':
            lines = subprocess.run(['zstd', '-dcq', path], capture_output=True, check=True).stdout.decode().splitlines()
        else:
            lines = path.read_text(encoding='utf-8').splitlines()
        lines = [line for line in lines if len(line) < 20000]
        step = max(1, len(lines) // DATA_RECORDS)
        yield path.name, lines[::step][:DATA_RECORDS]


# ---- the test ----

class Test:
    def __init__(self, options):
        self.options = options
        self.driver = Driver(options.engine, seconds=3)
        self.deadline = time.monotonic() + options.seconds
        self.programs = self.compared = self.errors = self.messages_differ = self.unanswered = self.different = 0
        self.refused = collections.Counter()
        self.messages = collections.Counter()
        self.shown = 0

    def report(self, where, number, tree, text):
        self.different += 1
        if self.shown >= SHOWN:
            return
        self.shown += 1
        small, record, found = shrink(self.driver, tree, text)
        print(f'DIFFERENT: {where}, seed {self.options.seed}, program {number}')
        if not found:
            small, record, found = tree, text, ('? (it does not differ when run again)', '?')
        print(f'    program  {small}\n    record   {record}\n    jq       {found[1]}\n'
              f'    {self.options.engine:8} {found[0]}', flush=True)

    def compare(self, where, number, tree, texts, theirs):
        self.programs += 1
        if theirs is None:
            self.unanswered += 1
            return
        refused = self.driver.compile(str(tree))
        if refused and refused.end == 'refused':
            self.refused[refused.message] += 1
            return
        for text, wanted in zip(texts, theirs):
            got = self.driver.run(str(tree), text)
            self.compared += 1
            if not same(got, wanted):
                self.report(where, number, tree, text)
                return
            if got.end == 'error':
                self.errors += 1
                if got.message != wanted.message.split('\n')[0]:
                    self.messages_differ += 1
                    self.messages[f'{got.message}  <>  {wanted.message}'] += 1

    def out_of_time(self):
        return time.monotonic() > self.deadline

    def batch(self, where, first, count, make):
        """make(rng) gives a program and the texts that it is run on; the texts are those of the batch's first."""
        trees, texts = [], None
        for number in range(first, first + count):
            tree, some = make(random.Random(f'{self.options.seed}/{number}'))
            trees.append(tree)
            texts = texts or some
        answers = jq_batch([str(tree) for tree in trees], texts)
        for i, theirs in enumerate(answers):
            self.compare(where, first + i, trees[i], texts, theirs)

    def run_random(self):
        def make(rng):
            texts = [spell(random_record(rng), rng) for _ in range(RECORDS - 1)] + [spell(random_value(rng), rng)]
            return Grammar(rng, FIELDS).program(), texts
        last = self.options.first + self.options.programs
        for first in range(self.options.first, last, BATCH):
            if self.out_of_time():
                break
            self.batch('random records', first, min(BATCH, last - first), make)

    def run_data(self):
        sets = list(data_sets(self.options.data))
        fields = [scan_fields([json.loads(text) for text in texts]) for _, texts in sets]
        first = self.options.first
        while sets and first < self.options.first + self.options.programs and not self.out_of_time():
            for (name, texts), (paths, names) in zip(sets, fields):
                self.batch(name, first, BATCH, lambda rng, p=paths, n=names, t=texts: (Grammar(rng, p, n).program(), t))
                first += BATCH

    def summary(self):
        if self.options.verbose:
            for reason, n in self.refused.most_common(20):
                print(f'refused {n} times: {reason}')
            for pair, n in self.messages.most_common(30):
                print(f'message {n} times: {pair}')
        print(f'{self.programs} programs, {self.compared} results compared, {self.errors} of them errors '
              f'({self.messages_differ} with another message); '
              f'{self.options.engine} refuses {sum(self.refused.values())} programs, jq {self.unanswered}; '
              f'{self.different} different')
        return 1 if self.different or self.compared == 0 else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--programs', type=int, default=3000)
    parser.add_argument('--first', type=int, default=0)
    parser.add_argument('--seconds', type=float, default=50)
    parser.add_argument('--data')
    parser.add_argument('--engine', default='native')
    parser.add_argument('-v', '--verbose', action='store_true')
    test = Test(parser.parse_args())
    os.environ['TZ'] = 'UTC'
    test.run_data() if test.options.data else test.run_random()
    code = test.driver.close()
    if code:
        print(f'expr_driver ended with exit code {code}')
    sys.exit(test.summary() or code)


if __name__ == '__main__':
    main()

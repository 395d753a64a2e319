#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flink's own cases of window aggregation, from $LEAT_PEERS/flink/cases.ndjson, held against `leat window`.

usage: flink.py LEAT CASES

Each case runs as it is prescribed: the first rows with --state, which saves what is open; then the others with the
same --state, to the end. What comes out of each part must be the rows that Flink gave there, in any order. Cases of
operators that are not windows of one stream are named and not run: an operator that nobody has heard of fails.
"""
import json
import subprocess
import sys
import tempfile
from datetime import datetime

NOT_WINDOW = {'stream_table_join_as_of', 'stream_stream_join', 'window_join', 'match'}
PROGRAMS = {
    'count': '{count: count}',
    'count,sum(n),count_distinct(comment) (nulls not counted)':
        '{count: count, sum_n: sum(.n), distinct_comment: distinct(.comment)}',
}


def kind_options(case):
    p = dict(case['params'])
    if case['op'] == 'tumble':
        options = ['--tumble', f'{p.pop("size_ms")}ms']
    elif case['op'] == 'hop':
        options = ['--hop', f'{p.pop("size_ms")}ms', '--slide', f'{p.pop("slide_ms")}ms']
    elif case['op'] == 'session':
        options = ['--session', f'{p.pop("gap_ms")}ms']
    else:
        raise SystemExit(f'{case["name"]}: operator {case["op"]} is not known')
    offset = p.pop('offset_ms', 0)
    if p:
        raise SystemExit(f'{case["name"]}: parameters {p} are not known')
    return [*options, *(['--offset', f'{offset}ms'] if offset else [])]


def run(leat, case, state, rows, more):
    args = [leat, 'window', *kind_options(case), '-g', '.' + case['group_by'], '--time', '.ts', '-i', 'json', '-j',
            '--out-of-order', f'{case["watermark_delay_ms"]}ms', '--state', state, *more, PROGRAMS[case['agg']]]
    p = subprocess.run(args, input=''.join(json.dumps(r) + '\n' for r in rows), stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        raise SystemExit(f'{case["name"]}: exit {p.returncode}: {p.stderr}')
    return [json.loads(line) for line in p.stdout.splitlines()], p.stderr


def ms(text):
    return round(datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp() * 1000)


def plain(row, like):
    """A result record with the members that the expected rows have."""
    row = {**row, 'start': ms(row['window_start']), 'end': ms(row['window_end'])}
    return {name: row[name] for name in like}


def compare(case, part, got, want):
    got = sorted(json.dumps(plain(row, want[0]), sort_keys=True) for row in got)
    want = sorted(json.dumps(row, sort_keys=True) for row in want)
    if got != want:
        raise SystemExit(f'{case["name"]}, {part}:\n' + '\n'.join(
            [f'+ {x}' for x in got if x not in want] + [f'- {x}' for x in want if x not in got] or ['other counts']))


def check(leat, case):
    at = case['resume_after']
    with tempfile.TemporaryDirectory() as state:
        before, _ = run(leat, case, state, case['input'][:at], [])
        after, _ = run(leat, case, state, case['input'][at:], ['--drain'])
    compare(case, 'before the restore', before, case['expected_before'])
    compare(case, 'after the restore', after, case['expected_after'])
    print(f'{case["name"]}: {len(before)} and {len(after)} results')


def main():
    leat, path = sys.argv[1:]
    with open(path, encoding='utf-8') as lines:
        cases = [json.loads(line) for line in lines]
    mine = [case for case in cases if case['op'] not in NOT_WINDOW]
    for case in mine:
        check(leat, case)
    for case in cases:
        if case['op'] in NOT_WINDOW:
            print(f'{case["name"]}: {case["op"]}, not for window')
    print(f'{len(mine)} of {len(cases)} cases are for window')


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flink's own cases from $LEAT_PEERS/flink/cases.ndjson, held against the tools that do the same.

usage: flink.py LEAT CASES

Each case runs as it is prescribed: the first rows with --state, which saves what waits; then the others with the same
--state, to the end. What comes out of each part must be the rows that Flink gave there, in any order. Cases of
operators in NOT_YET are named and not run: an operator that nobody has heard of fails, and so does a parameter.
"""
import json
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

NOT_YET = {'match'}
PROGRAMS = {
    'count': '{count: count}',
    'count,sum(n),count_distinct(comment) (nulls not counted)':
        '{count: count, sum_n: sum(.n), distinct_comment: distinct(.comment)}',
}


def ms(text):
    return round(datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp() * 1000)


# ---- operators: from a case and its parameters, which each takes out, to the words of the command and to what makes a
# ---- row of Flink's from a result

def window(case, params, *kind):
    offset = params.pop('offset_ms', 0)
    words = ['window', *kind, '--offset', f'{offset}ms'] if offset else ['window', *kind]
    return ([*words, '-g', '.' + case['group_by'], PROGRAMS[case['agg']]],
            lambda r: {**r, 'start': ms(r['window_start']), 'end': ms(r['window_end'])})


def tumble(case, params):
    return window(case, params, '--tumble', f'{params.pop("size_ms")}ms')


def hop(case, params):
    return window(case, params, '--hop', f'{params.pop("size_ms")}ms', '--slide', f'{params.pop("slide_ms")}ms')


def session(case, params):
    return window(case, params, '--session', f'{params.pop("gap_ms")}ms')


def as_of_join(case, params):
    if case['output'] != 'amount*rate':
        raise SystemExit(f'{case["name"]}: output {case["output"]} is not known')
    return ['join', '--as-of', '--on', '.' + params.pop('key')], lambda r: r['amount'] * r['rate']


def interval_join(_, params):
    """Of the left row's time o and the right one's, s: s + lower <= o <= s + upper."""
    if not params.pop('rule').startswith('o.ts between s.ts'):
        raise SystemExit('the rule is another one')
    return (['join', '--before', f'{params.pop("upper_ms")}ms', '--after', f'{-params.pop("lower_ms")}ms',
             '--on', '.' + params.pop('key_left'), '--on-right', '.' + params.pop('key_right'), '--prefix', 'right_'],
            lambda r: {'id': r['id'], 'o': r['ts'], 's': r['right_ts']})


def window_join(_, params):
    kind = {'inner': [], 'left': ['--left']}[params.pop('type')]
    return (['join', '--tumble', f'{params.pop("size_ms")}ms', '--on', '.' + params.pop('key'), '--prefix', 'right_',
             *kind],
            lambda r: {'start': ms(r['window_start']), 'end': ms(r['window_end']), 'name': r['name'], 'l': r['id'],
                       'r': r.get('right_id')})


OPERATORS = {
    'tumble': tumble,
    'hop': hop,
    'session': session,
    'stream_table_join_as_of': as_of_join,
    'stream_stream_join': interval_join,
    'window_join': window_join,
}


# ---- running --------------------------------------------------------------------------------------------------------

def command(case):
    params = dict(case['params'])
    words, row = OPERATORS[case['op']](case, params)
    if params:
        raise SystemExit(f'{case["name"]}: parameters {params} are not known')
    return [*words, '--time', '.ts', '-i', 'json', '-j', '--out-of-order', f'{case["watermark_delay_ms"]}ms'], row


def inputs(case, part):
    """The rows of each input before (0) and after (1) the restore, by its name in the case."""
    names = [name for name in ('input', 'left', 'right') if name in case]
    for name in names:
        at = case['resume_after' if name == 'input' else f'resume_after_{name}']
        yield name, case[name][at:] if part else case[name][:at]


def run(leat, case, work, part):
    words, row = command(case)
    for name, rows in inputs(case, part):
        (work / name).write_text(''.join(json.dumps(r) + '\n' for r in rows), encoding='utf-8')
    files = ['--with', './right', 'left'] if 'right' in case else ['input']
    p = subprocess.run([leat, *words, '--state', 'state', *(['--drain'] if part else []), *files], cwd=work,
                       capture_output=True, text=True, check=False)
    if p.returncode:
        raise SystemExit(f'{case["name"]}: exit {p.returncode}: {p.stderr}')
    return [row(json.loads(line)) for line in p.stdout.splitlines()]


def texts(rows, names):
    """Rows with the members that Flink's rows have, as lines in an order."""
    return sorted(json.dumps({n: r[n] for n in names} if names else r, sort_keys=True) for r in rows)


def compare(case, part, got, want):
    names = list(want[0]) if isinstance(want[0], dict) else None
    got, want = texts(got, names), texts(want, names)
    if got != want:
        raise SystemExit(f'{case["name"]}, {part}:\n' + '\n'.join(
            [f'+ {x}' for x in got if x not in want] + [f'- {x}' for x in want if x not in got] or ['other counts']))


def check(leat, case):
    with tempfile.TemporaryDirectory() as work:
        before, after = (run(leat, case, Path(work), part) for part in (0, 1))
    compare(case, 'before the restore', before, case['expected_before'])
    compare(case, 'after the restore', after, case['expected_after'])
    print(f'{case["name"]}: {len(before)} and {len(after)} results')


def main():
    leat, path = sys.argv[1:]
    with open(path, encoding='utf-8') as lines:
        cases = [json.loads(line) for line in lines]
    mine = [case for case in cases if case['op'] not in NOT_YET]
    for case in mine:
        check(leat, case)
    for case in cases:
        if case['op'] in NOT_YET:
            print(f'{case["name"]}: {case["op"]}, not for us')
    print(f'{len(mine)} of {len(cases)} cases are for us')


main()

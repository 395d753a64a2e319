# SPDX-License-Identifier: Apache-2.0
"""The kept results of the bench as the table in README.md: the figures that were asked for, of each workload there is.
`run --readme` calls it. What was not measured is said, and no number is made up for it."""
import sys
from pathlib import Path

from bench import SHOWN, figure_value, number

BEGIN = '<!-- bench: begin (tests/bench/run --readme README.md) -->\n'
END = '<!-- bench: end -->\n'


def where(kept):
    """One line: when and on what."""
    days = sorted({w['when'][:10] for w in kept['workloads'].values()})
    m = kept['machine']
    return (f"Measured {' to '.join(dict.fromkeys([days[0], days[-1]]))} on {m['cpus']} x {m['cpu']}, Linux "
            f"{m['kernel']}, {m['file_system']}, {m['leat']}; medians, in turn.")


def cell(cases, case, metric):
    """A case and what it took: 'leat filter: 0.21 s'."""
    unit, scale = SHOWN.get(metric, (metric, 1))
    return f"{case}: {number(cases[case][metric]['median'] * scale)} {unit}"


def figure_row(result, f):
    limit = '' if f['limit'] is None else f"{'≥' if f['at_least'] else '≤'} {figure_value(f, f['limit'])}"
    of = list(dict.fromkeys(map(tuple, f['of'])))
    absent = [result['cases'][case]['missing'] for case, _ in of if 'missing' in result['cases'][case]]
    if f['value'] is None:
        return [f['text'], '', '', f"not measured: needs {absent[0]}" if absent else 'not measured', limit, '']
    cells = [cell(result['cases'], *one) for one in of]
    return [f['text'], cells[0], ', '.join(cells[1:]), figure_value(f, f['value']), limit,
            {True: 'yes', False: '**no**', None: ''}[f['reached']]]


def rows(name, title, result):
    if not result:
        return [[f'{name}: {title}', 'not measured', '', '', '', '', '']]
    asked = [f for f in result['figures'] if f['limit'] is not None]
    found = [figure_row(result, f) for f in asked or result['figures']]
    return [['' if i else f'{name}: {title}', *row] for i, row in enumerate(found)]


def table(titles, kept):
    """{name: title} of the workloads that there are, and latest.json."""
    lines = [where(kept) if kept else 'Nothing is measured yet.', '']
    head = ['workload', 'figure', 'leat', 'beside it', 'result', 'asked for', 'reached']
    body = [row for name, title in titles.items() for row in rows(name, title, kept.get('workloads', {}).get(name))]
    for row in [head, ['---'] * len(head), *body]:
        lines.append('| ' + ' | '.join(text.replace('|', '\\|') for text in row) + ' |')
    return '\n'.join(lines) + '\n'


def put(text, path):
    if path == '-':
        sys.stdout.write(text)
        return 0
    whole = Path(path).read_text(encoding='utf-8')
    begin, end = whole.find(BEGIN), whole.find(END)
    if begin < 0 or end < begin:
        sys.exit(f"'{path}' has no lines '{BEGIN.strip()}' and '{END.strip()}'")
    Path(path).write_text(whole[:begin] + BEGIN + '\n' + text + '\n' + whole[end:], encoding='utf-8')
    return 0

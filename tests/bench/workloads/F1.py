# SPDX-License-Identifier: Apache-2.0
"""Filter on one field: a file of blocks to blocks, beside what others do with the same records as JSON lines."""
import json

from bench import Case, Figure, Workload, ratio

TITLE = "filter '.status >= 500', a file of 2 M clicks as blocks to blocks"
COUNT, SAMPLE = 2_000_000, 200_000
EXPRESSION = '.status >= 500'
DUCK_COUNT, DUCK_ROWS = 'DuckDB, 1 thread, count(*)', 'DuckDB, 1 thread, the records as JSON'
COLUMNS = ("{ts:'VARCHAR',user:'VARCHAR',page:'VARCHAR',url:'VARCHAR',status:'INT',latency_ms:'DOUBLE',country:'VARCHAR',"
           "device:'STRUCT(os VARCHAR, browser VARCHAR)',tags:'VARCHAR[]',bytes:'BIGINT'}")


def lines_of(path):
    with open(path, 'rb') as f:
        return sum(chunk.count(b'\n') for chunk in iter(lambda: f.read(1 << 20), b''))


class Duck:
    """DuckDB over a file of JSON lines. What it writes goes to work/duck.json."""

    def __init__(self, b, lines):
        self.b, self.lines, self.missing = b, lines, b.duckdb_missing()
        self.out = b.work / 'duck.json'

    def table(self, columns=COLUMNS):
        return f"read_json('{self.lines}', format='newline_delimited', columns={columns})"

    def copy(self, select):
        self.b.fresh('duck.json')
        return self.b.duckdb(f"COPY ({select}) TO '{self.out}' (FORMAT json)")

    def count(self, columns, where, wanted):
        """Only the fields that `where` needs are read: the least that DuckDB can do."""
        r = self.b.duckdb(f"COPY (SELECT count(*) AS n FROM {self.table(columns)} WHERE {where}) TO '{self.out}' (FORMAT json)")
        self.b.expect('count of DuckDB', json.loads(self.out.read_text())['n'], wanted)
        return r

    def case(self, name, run):
        return Case(name, run, missing=self.missing)


def answer(b, *command):
    """A file with what leat writes, spelled as jq does (leat keeps escapes and digits as they were written)."""
    b.measure(b.leat(*command, '-j'), stdout=b.work / 'as-written')
    path = b.work / f'answer-{len(list(b.work.glob("answer-*")))}'
    if b.has('jq'):
        b.measure(['jq', '-c', '.', b.work / 'as-written'], stdout=path)
    return path


def peer(b, name, command, wanted=None):
    """jq or Miller over a sample of the same records, in nanoseconds a record. `wanted` is the file it must write."""
    program = command[0]
    if not b.has(program):
        return Case(name, None, missing=program)
    out = b.work / 'peer.out'

    def run():
        r = b.measure(command, stdout=out)
        if wanted is not None and out.read_bytes() != wanted.read_bytes():
            b.expect(f'output of {program}', 'another one', f'that of leat ({wanted})')
        return {'s': r['s'], 'ns_record': r['s'] * 1e9 / SAMPLE}
    return Case(name, run)


def workload(b, source='leat', form=(), limits=(4, 50, 100), title_note=''):
    lines, sample = b.clicks(COUNT), b.clicks(SAMPLE)
    blocks = b.clicks(COUNT, source)
    out, expected = b.work / 'out', answer(b, 'filter', EXPRESSION, sample)
    duck = Duck(b, lines)
    b.measure(b.leat('filter', EXPRESSION, blocks, '-j'), stdout=out)
    passed = lines_of(out)
    ours = f"leat filter {' '.join(map(str, form))}".strip()

    def leat():
        r = b.measure(b.leat('filter', EXPRESSION, blocks, *form), stdout=out)
        n = lines_of(out) if '-j' in form else int(b.call(b.leat('filter', '--count', 'true', out)))
        b.expect('records that passed', n, passed)
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT, 'rss_kib': r['rss_kib'],
                'mb_s': blocks.stat().st_size / r['s'] / 1e6}

    jq, miller = f'jq, {SAMPLE:,} records', f'Miller, {SAMPLE:,} records'
    cases = [
        Case(ours, leat),
        duck.case(DUCK_COUNT, lambda: duck.count("{status:'INT'}", 'status >= 500', passed)),
        duck.case(DUCK_ROWS, lambda: duck.copy(f'SELECT * FROM {duck.table()} WHERE status >= 500')),
        peer(b, jq, ['jq', '-c', f'select({EXPRESSION})', sample], expected),
    ]
    figures = [
        Figure('times DuckDB that only counts', ratio(DUCK_COUNT, 's', ours), limits[0], unit='x'),
        Figure('times DuckDB that writes the records', ratio(DUCK_ROWS, 's', ours), unit='x'),
        Figure('times jq, by the record', ratio(jq, 'ns_record', ours), limits[1], unit='x'),
    ]
    if limits[2]:
        cases.append(peer(b, miller, ['mlr', '--ijsonl', '--ojsonl', 'filter', '$status >= 500', sample]))
        figures.append(Figure('times Miller, by the record', ratio(miller, 'ns_record', ours), limits[2], unit='x'))
    return Workload(cases, figures, notes=[f'{passed:,} records pass; the input is in the page cache; DuckDB counts '
                                           'without its start, the others with it'])

# SPDX-License-Identifier: Apache-2.0
"""Windows of a minute by country: count, sum and a quantile; blocks to JSON lines, beside others over JSON lines."""
import json

from bench import Case, Figure, Workload, ratio
from workloads.F1 import COUNT, SAMPLE, Duck, peer

AGGREGATES = '{n: count, sum: sum(.latency_ms), p99: p99(.latency_ms)}'
TITLE = f"window --tumble 1m -g .country '{AGGREGATES}', a file of 2 M clicks"
COLUMNS = "{ts:'TIMESTAMP',country:'VARCHAR',latency_ms:'DOUBLE'}"


def rows_of(path, start, key, n, total, p99):
    """{(minute, country): (n, sum, p99)} of JSON lines."""
    with open(path, encoding='utf-8') as f:
        rows = (json.loads(line) for line in f)
        return {(r[start][:16].replace('T', ' '), r[key]): (r[n], r[total], r[p99]) for r in rows}


def compare(b, who, ours, theirs):
    """Counts are equal, sums are equal but for rounding, and the quantile is within 1 % of the exact one."""
    b.expect(f'groups of {who}', sorted(theirs), sorted(ours))
    for key, (n, total, p99) in theirs.items():
        b.expect(f'count of {who} in {key}', n, ours[key][0])
        if abs(total - ours[key][1]) > 1e-9 * abs(total):
            b.expect(f'sum of {who} in {key}', total, ours[key][1])
        if abs(p99 - ours[key][2]) > 0.01 * p99:
            b.expect(f'p99 of {who} in {key}', p99, ours[key][2])


def workload(b):
    lines, sample, blocks = b.clicks(COUNT), b.clicks(SAMPLE), b.clicks(COUNT, 'leat')
    out, duck = b.work / 'out', Duck(b, lines)
    command = ['--tumble', '1m', '-g', '.country', '--out-of-order', '5s', AGGREGATES, '-j']
    ours, db, miller = 'leat window', 'DuckDB, 1 thread', f'Miller, {SAMPLE:,} records'
    b.measure(b.leat('window', *command, '--time', '.ts', sample), stdout=out)
    of_sample = rows_of(out, 'window_start', 'country', 'n', 'sum', 'p99')
    checked = []

    def leat():
        r = b.measure(b.leat('window', *command, blocks), stdout=out)
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT, 'rss_kib': r['rss_kib']}

    def duckdb():
        def query(quantile):
            return duck.copy("SELECT time_bucket(INTERVAL '1 minute', ts) AS start, country, count(*) AS n, "
                             f'sum(latency_ms) AS sum, {quantile}(latency_ms, 0.99) AS p99 '
                             f'FROM {duck.table(COLUMNS)} GROUP BY ALL')
        if not checked:
            query('quantile_cont')
            compare(b, 'DuckDB', rows_of(out, 'window_start', 'country', 'n', 'sum', 'p99'),
                    rows_of(duck.out, 'start', 'country', 'n', 'sum', 'p99'))
            checked.append(True)
        return query('approx_quantile')

    def miller_case():
        case = peer(b, miller, ['mlr', '--ijsonl', '--ojsonl', 'put', '$start = sub($ts, "(................).*", "\\1")',
                                'then', 'stats1', '-i', '-a', 'count,sum,p99', '-f', 'latency_ms', '-g', 'start,country',
                                sample])
        run = case.run

        def checked_run():
            r = run()
            compare(b, 'Miller', of_sample, rows_of(b.work / 'peer.out', 'start', 'country', 'latency_ms_count',
                                                    'latency_ms_sum', 'latency_ms_p99'))
            return r
        case.run = run and checked_run
        return case

    return Workload([Case(ours, leat), duck.case(db, duckdb), miller_case()],
                    [Figure('times DuckDB', ratio(db, 's', ours), 3, unit='x'),
                     Figure('times Miller, by the record', ratio(miller, 'ns_record', ours), 100, unit='x')],
                    notes=['DuckDB estimates the quantile (approx_quantile), as leat does; Miller keeps all values; counts and '
                           'sums are compared with both, and the quantile with the exact one'])

# SPDX-License-Identifier: Apache-2.0
"""Map: three fields, one renamed, one rounded; blocks to blocks, beside others over JSON lines."""
import json

from bench import Case, Figure, Workload, ratio
from workloads.F1 import COUNT, SAMPLE, Duck, answer, peer

EXPRESSION = '{user, page: .url, ms: (.latency_ms | floor)}'
TITLE = f"map '{EXPRESSION}', a file of 2 M clicks as blocks to blocks"


def workload(b):
    lines, sample, blocks = b.clicks(COUNT), b.clicks(SAMPLE), b.clicks(COUNT, 'leat')
    out, expected = b.work / 'out', answer(b, 'map', EXPRESSION, sample)
    duck = Duck(b, lines)
    b.measure(b.leat('map', EXPRESSION, blocks, '-j'), stdout=b.work / 'all')
    ours, db, jq, miller = 'leat map', 'DuckDB, 1 thread', f'jq, {SAMPLE:,} records', f'Miller, {SAMPLE:,} records'
    checked = []

    def leat():
        r = b.measure(b.leat('map', EXPRESSION, blocks), stdout=out)
        b.expect('records', int(b.call(b.leat('filter', '--count', 'true', out))), COUNT)
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT, 'rss_kib': r['rss_kib']}

    def duckdb():
        r = duck.copy(f'SELECT "user", url AS page, CAST(floor(latency_ms) AS BIGINT) AS ms FROM '
                      f"{duck.table(dict_of('user', 'url', 'latency_ms'))}")
        if not checked:  # the whole text once
            b.call(['cmp', duck.out, b.work / 'all'])
            checked.append(True)
        return r

    def miller_case():
        case = peer(b, miller, ['mlr', '--ijsonl', '--ojsonl', 'put', '$page = $url; $ms = int(floor($latency_ms))',
                                'then', 'cut', '-o', '-f', 'user,page,ms', sample])
        if not case.missing:
            run = case.run

            def checked_run():
                r = run()
                with open(b.work / 'peer.out', 'rb') as got, open(expected, 'rb') as want:
                    b.expect("Miller's last record", json.loads(got.readlines()[-1]), json.loads(want.readlines()[-1]))
                return r
            case.run = checked_run
        return case

    return Workload([
        Case(ours, leat),
        duck.case(db, duckdb),
        peer(b, jq, ['jq', '-c', EXPRESSION, sample], expected),
        miller_case(),
    ], [
        Figure('times DuckDB', ratio(db, 's', ours), 2, unit='x'),
        Figure('times jq, by the record', ratio(jq, 'ns_record', ours), 40, unit='x'),
        Figure('times Miller, by the record', ratio(miller, 'ns_record', ours), unit='x'),
    ])


def dict_of(*names):
    kinds = {'user': 'VARCHAR', 'url': 'VARCHAR', 'latency_ms': 'DOUBLE'}
    return '{' + ','.join(f"{n}:'{kinds[n]}'" for n in names) + '}'

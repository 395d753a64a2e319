# SPDX-License-Identifier: Apache-2.0
"""Join two streams within an interval: views of pages with views of ads, beside DuckDB's range join.

A site with 50,000 users, 100 page views and 100 ad views a second, for 2 h 46 m: a million of each, 5 % of them out of
order by up to 5 s. Who looks into what people do around an ad takes the pages that the same user saw in the ten minutes
before and behind it: each record has five partners on average, of users who are there often more. Both read the same
JSON lines; leat writes all pairs, DuckDB counts them and sums over them.
"""
import json

from bench import Case, Figure, Workload, ratio
from workloads.F1 import Duck

COUNT, USERS = 1_000_000, 50_000
TITLE = f'join --within 10m, {COUNT:,} page views and {COUNT:,} ad views of {USERS:,} users'
SIDES = {'pages': (7, '{ts, user, page, bytes}'), 'ads': (8, '{ts, user, ad: .url, price: .bytes}')}
COLUMNS = {'pages': "{ts:'TIMESTAMP',user:'VARCHAR',page:'VARCHAR',bytes:'BIGINT'}",
           'ads': "{ts:'TIMESTAMP',user:'VARCHAR',ad:'VARCHAR',price:'BIGINT'}"}


def make_sides(b):
    """The path of each side."""
    paths = {}
    for name, (seed, program) in SIDES.items():
        paths[name] = b.work / f'{name}.json'
        b.measure(b.leat('gen', 'clicks', '-c', COUNT, '--seed', seed, '--users', USERS,
                         '--start', '2026-01-01T01:00:00Z'),
                  b.leat('map', program, '-j'), stdout=paths[name])
    return paths


def workload(b):
    paths, out, duck = make_sides(b), b.work / 'out', Duck(b, None)
    pairs = ' JOIN '.join(f"read_json('{paths[n]}', format='newline_delimited', columns={COLUMNS[n]}) {n}"
                          for n in SIDES)
    pairs += (' ON pages.user = ads.user AND ads.ts BETWEEN pages.ts - INTERVAL 10 MINUTE AND '
              'pages.ts + INTERVAL 10 MINUTE')
    ours, db, db_rows = 'leat join', 'DuckDB, 1 thread, count and sum', 'DuckDB, 1 thread, the pairs as JSON'
    answer = []  # (pairs, sum over them), of whoever was first

    def agree(who, path):
        row = json.loads(path.read_text())
        answer.append((row['n'], row['sum']))
        b.expect(f'pairs and sum of {who}', answer[-1], answer[0])

    def leat():
        b.settle()
        r = b.measure(b.leat('join', '--with', paths['ads'], '--on', '.user', '--within', '10m', '--out-of-order', '5s',
                             '--time', '.ts', paths['pages']), stdout=out)
        b.measure(b.leat('window', '--tumble', '1d', '{n: count, sum: sum(.bytes * .price)}', '-j', out),
                  stdout=b.work / 'sum')
        agree('leat', b.work / 'sum')
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / (2 * COUNT), 'rss_kib': r['rss_kib']}

    def duckdb():
        b.settle()
        r = duck.copy(f'SELECT count(*) AS n, sum(pages.bytes * ads.price) AS sum FROM {pairs}')
        agree('DuckDB', duck.out)
        return r

    def duckdb_rows():
        b.settle()
        return duck.copy(f'SELECT pages.*, ads.ad, ads.price FROM {pairs}')

    return Workload([Case(ours, leat), duck.case(db, duckdb), duck.case(db_rows, duckdb_rows)],
                    [Figure('times DuckDB that writes the pairs', ratio(db_rows, 's', ours), 2, unit='x'),
                     Figure('times DuckDB that only counts and sums', ratio(db, 's', ours), unit='x')],
                    notes=['leat writes the pairs as blocks in all cases; count and sum over them are compared'])

# SPDX-License-Identifier: Apache-2.0
"""Ten million keys in one window: count and sum, time and memory, beside DuckDB; and how both grow with the keys."""
import json
from pathlib import Path

from bench import Case, Figure, Workload, metric, ratio

TITLE = 'window with 10 M distinct keys, count and sum, as JSON lines to /dev/null'
COUNT, SMALL = 10_000_000, 1_000_000
KEY = '{ts, k: (.user + .ts[11:23]), v: .bytes}'  # 18 bytes: different but for a few
AGGREGATES = '{n: count, sum: sum(.v)}'
COLUMNS = "{ts:'VARCHAR',k:'VARCHAR',v:'BIGINT'}"


def keys(b, count, form):
    path = b.work / f'keys-{count}.{form}'
    if not path.exists():
        options = ['-j'] if form == 'json' else ['--time', '.ts']
        b.measure(b.leat('map', KEY, *options, b.clicks(count)), stdout=path)
    return path


def workload(b):
    missing = b.duckdb_missing()
    out, duck_out, duck_time = b.work / 'out', b.work / 'duck.json', b.work / 'duck.s'
    ours, small, db = 'leat window', f'leat window, {SMALL:,} records', 'DuckDB, 1 thread'
    checked, key_bytes = [], []

    def leat(count, to='/dev/null'):
        blocks = keys(b, count, 'leat')
        b.settle()
        r = b.measure(b.leat('window', '--tumble', '365d', '-g', '.k', '--out-of-order', '5s', AGGREGATES, '-j',
                             blocks), stdout=to)
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / count, 'rss_kib': r['rss_kib']}

    def of(path, columns):
        """(groups, sum of counts, sum of sums, bytes of keys) of results, as DuckDB reads them."""
        b.fresh('check.json')
        b.duckdb(f"COPY (SELECT count(*) g, sum(n)::BIGINT n, sum(sum)::BIGINT s, sum(strlen(k))::BIGINT b FROM "
                 f"read_json('{path}', format='newline_delimited', columns={columns})) TO '{b.work / 'check.json'}'")
        return json.loads((b.work / 'check.json').read_text())

    def query(to):
        return (f"COPY (SELECT k, count(*) AS n, sum(v) AS sum FROM read_json('{keys(b, COUNT, 'json')}', "
                f"format='newline_delimited', columns={COLUMNS}) GROUP BY k) TO '{to}' (FORMAT json)")

    def duckdb():
        b.settle()
        script = Path(__file__).resolve().parent.parent / 'duckdb.mjs'
        r = b.measure(['node', script, b.folder / 'npm/node_modules', '1', query('/dev/null')], stdout=duck_time)
        if not checked:
            leat(COUNT, out)
            b.duckdb(query(duck_out))
            columns = "{k:'VARCHAR',n:'BIGINT',sum:'BIGINT'}"
            got = of(out, columns)
            b.expect('groups, counts and sums', of(duck_out, columns), got)
            key_bytes.append(got['b'] / got['g'])
            checked.append(True)
        return {'s': json.loads(duck_time.read_text())['s'], 'rss_kib': r['rss_kib']}

    def beyond(get):
        """Bytes a key in the peak, without the key and without what the tool takes anyway."""
        return [(v * 1024 - 10e6) / COUNT - (key_bytes[0] if key_bytes else 17) for v in get(ours, 'rss_kib')]

    return Workload([Case(ours, lambda: leat(COUNT)), Case(small, lambda: leat(SMALL)),
                     Case(db, duckdb, missing=missing)],
                    [Figure('time against DuckDB', ratio(ours, 's', db), 1, at_least=False, unit='x'),
                     Figure('peak memory against DuckDB', ratio(ours, 'rss_kib', db), 1, at_least=False, unit='x'),
                     Figure('bytes a key beyond the key', beyond, 100, at_least=False),
                     Figure('10 M keys against 1 M, by the record', ratio(ours, 'ns_record', small), 1.5,
                            at_least=False, unit='x'),
                     Figure('peak memory in MiB', metric(ours, 'rss_kib', 1 / 1024))],
                    rounds=2)

# SPDX-License-Identifier: Apache-2.0
"""A million results of windows into SQLite, beside `sqlite3 .import` of the same rows as CSV.

1,000 hosts, 1,000 minutes, a count and a mean each, in the order of time. The table of .import has the key that rows of
a series have, (time, host), the journal and the one transaction that sink-tsdb has for its batches; what it does not have
is types found out, tags that are stored once, and a schema that grows.
"""
from bench import Case, Figure, Workload, ratio

HOSTS, MINUTES = 1_000, 1_000
TITLE = f'sink-tsdb sqlite:, {HOSTS * MINUTES:,} results of windows, beside sqlite3 .import'
TABLE = 'CREATE TABLE m (time TEXT, host TEXT, n INTEGER, mean REAL, PRIMARY KEY (time, host)) WITHOUT ROWID'


def make_rows(b):
    """The same rows as blocks and as CSV."""
    raw, csv, blocks = b.work / 'raw.csv', b.work / 'rows.csv', b.work / 'rows.leat'
    with open(raw, 'w', encoding='ascii') as f, open(csv, 'w', encoding='ascii') as c:
        f.write('t,host,v\n')
        for minute in range(MINUTES):
            time = f'2026-01-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z'
            for host in range(HOSTS):
                value = (minute * 31 + host * 17) % 1000 + 0.5
                f.write(f'{time},h{host:04},{value}\n')
                c.write(f'{time},h{host:04},1,{value}\n')
    b.measure(b.leat('window', '--tumble', '1m', '--time', '.t', '-g', '.host', '{n: count, mean: mean(.v)}', raw),
              stdout=blocks)
    return csv, blocks


def workload(b):
    csv, blocks = make_rows(b)
    ours, theirs = 'leat sink-tsdb', 'sqlite3 .import'
    db = b.work / 'm.db'

    def fresh():
        for suffix in ('', '-wal', '-shm'):
            (db.parent / (db.name + suffix)).unlink(missing_ok=True)

    def count(what, query):
        b.expect(f'rows of {what}', b.call(['sqlite3', str(db), query]).decode().strip(), f'{HOSTS * MINUTES}|500000000.0')

    def leat():
        fresh()
        r = b.measure(b.leat('sink-tsdb', f'sqlite:{db}', '--measurement', 'm', blocks))
        count('leat', 'SELECT count(*), sum(mean) FROM m')
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'rss_kib': r['rss_kib']}

    def import_csv():
        fresh()
        r = b.measure(['sqlite3', str(db), '-cmd', 'PRAGMA journal_mode=WAL', '-cmd', TABLE, f'.import --csv {csv} m'])
        count('.import', 'SELECT count(*), sum(mean) FROM m')
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'rss_kib': r['rss_kib']}

    return Workload([Case(ours, leat), Case(theirs, import_csv)],
                    [Figure('time of .import', ratio(ours, 's', theirs), 1.5, at_least=False, unit='x')])

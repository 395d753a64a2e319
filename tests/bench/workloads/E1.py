# SPDX-License-Identifier: Apache-2.0
"""The main job from end to end: a topic of clicks, those that did not fail, joined with a table of users, counted and
summed by minute, country and tier, into a database; beside DuckDB doing the same from JSON lines on all cores.

Both read records that are in the page cache, and leave the same rows in a table of a database file of their own kind.
"""
import json
import os

from bench import Case, Figure, Workload, ratio
from workloads.F1 import COUNT, Duck
from workloads.J1 import ROWS, USERS, make_table

TITLE = f'consume | filter | join | window | sink-tsdb sqlite:, 2 M clicks and {ROWS:,} users'
COLUMNS = "{ts:'TIMESTAMP',user:'VARCHAR',status:'INT',latency_ms:'DOUBLE',country:'VARCHAR'}"
CORES = len(os.sched_getaffinity(0))


def workload(b):
    lines = b.clicks(COUNT)
    log, table, duck = b.topic('clicks', lines, '--time', '.ts', directory='timed'), make_table(b), Duck(b, lines)
    ours, db = 'leat, five tools', f'DuckDB, {CORES} threads'
    sqlite, duck_file = b.work / 'm.db', b.work / 'm.duckdb'
    answers = []

    def agree(who, rows):
        """(rows, clicks, sum of latencies to the millisecond) of the first who ran, and of all others."""
        answers.append(rows)
        b.expect(f'rows, clicks and sum of {who}', rows, answers[0])

    def leat():
        for suffix in ('', '-wal', '-shm'):
            (b.work / f'm.db{suffix}').unlink(missing_ok=True)
        r = b.measure(b.leat('consume', '-d', log, 'clicks', '-e', '--out-of-order', '5s'),
                      b.leat('filter', '.status < 500'),
                      b.leat('join', '--table', table, '--on', '.user'),
                      b.leat('window', '--tumble', '1m', '-g', '.country,.tier', '{n: count, sum: sum(.latency_ms)}'),
                      b.leat('sink-tsdb', f'sqlite:{sqlite}', '--measurement', 'm'))
        query = "SELECT count(*), sum(n), CAST(round(sum(sum) * 1000) AS INTEGER) FROM m"
        agree('leat', b.call(['sqlite3', str(sqlite), query]).decode().strip())
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT}

    def duckdb():
        duck_file.unlink(missing_ok=True)
        r = b.duckdb(f"ATTACH '{duck_file}' AS d",
                     f"CREATE TABLE d.m AS SELECT time_bucket(INTERVAL '1 minute', ts) AS time, country, tier, count(*) AS n, "
                     f"sum(latency_ms) AS sum FROM {duck.table(COLUMNS)} c JOIN read_json('{table}', "
                     f"format='newline_delimited', columns={USERS}) u ON c.user = u.user WHERE status < 500 GROUP BY ALL",
                     threads=CORES)
        b.fresh('duck.json')
        b.duckdb(f"ATTACH '{duck_file}' AS d", 'COPY (SELECT count(*) AS rows, sum(n) AS n, round(sum(sum) * 1000)::BIGINT '
                 f"AS sum FROM d.m) TO '{duck.out}' (FORMAT json)")
        row = json.loads(duck.out.read_text())
        agree('DuckDB', f"{row['rows']}|{row['n']}|{row['sum']}")
        return r

    return Workload([Case(ours, leat), duck.case(db, duckdb)], [Figure(f'times {db}', ratio(db, 's', ours), 1.5, unit='x')],
                    notes=['the start of DuckDB does not count, that of our five processes does'])

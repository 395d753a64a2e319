# SPDX-License-Identifier: Apache-2.0
"""Look records up in a table of 100,000 rows; blocks to blocks, beside others over JSON lines."""
import json

from bench import Case, Figure, Workload, ratio
from workloads.F1 import COUNT, SAMPLE, Duck, peer

ROWS = 100_000
TITLE = 'join --table users.json --on .user, 2 M clicks in a file and 100,000 users'
USERS = "{user:'VARCHAR',name:'VARCHAR',tier:'VARCHAR'}"


def make_table(b):
    """{user, name, tier} of u0 to u99999, in an order of its own; clicks have users of these."""
    path = b.work / 'users.json'
    with open(path, 'w', encoding='ascii') as f:
        for i in range(ROWS):
            n = i * 61_363 % ROWS  # all of them, as the two numbers have no common factor
            row = {'user': f'u{n}', 'name': f'Name Number {n}', 'tier': ('free', 'pro', 'team')[n % 3]}
            f.write(json.dumps(row, separators=(',', ':')) + '\n')
    return path


def compare(b, theirs, ours):
    """Leat keeps escapes as they were written; clicks have one."""
    with open(theirs, 'rb') as t, open(ours, 'rb') as o:
        for i, line in enumerate(t):
            mine = o.readline()
            if line != mine and line != mine.replace(b'\\u00e9', 'é'.encode()):
                b.expect(f'record {i} of DuckDB', line, mine)
        b.expect('records of DuckDB', i + 1, COUNT)


def workload(b):
    lines, sample, blocks = b.clicks(COUNT), b.clicks(SAMPLE), b.clicks(COUNT, 'leat')
    table, out, duck = make_table(b), b.work / 'out', Duck(b, lines)
    command = ['--table', table, '--on', '.user']
    ours, db, miller = 'leat join', 'DuckDB, 1 thread', f'Miller, {SAMPLE:,} records'
    b.measure(b.leat('join', *command, blocks, '-j'), stdout=b.work / 'all')
    b.measure(b.leat('join', *command, sample, '-j'), stdout=out)
    with open(out, encoding='utf-8') as f:
        of_sample = [json.loads(line) for line in f]
    checked = []

    def leat():
        r = b.measure(b.leat('join', *command, blocks), stdout=out)
        b.expect('records', int(b.call(b.leat('filter', '--count', '.tier', out))), COUNT)
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT, 'rss_kib': r['rss_kib']}

    def duckdb():
        r = duck.copy(f"SELECT c.*, u.name, u.tier FROM {duck.table()} c JOIN read_json('{table}', "
                      f"format='newline_delimited', columns={USERS}) u ON c.user = u.user")
        if not checked:  # the whole text once
            compare(b, duck.out, b.work / 'all')
            checked.append(True)
        return r

    def miller_case():
        case = peer(b, miller, ['mlr', '--ijsonl', '--ojsonl', 'join', '-j', 'user', '-f', table, sample])
        run = case.run

        def checked_run():
            r = run()
            with open(b.work / 'peer.out', encoding='utf-8') as f:
                for i, line in enumerate(f):
                    if json.loads(line) != of_sample[i]:
                        b.expect(f'record {i} of Miller', line, json.dumps(of_sample[i]))
            b.expect('records of Miller', i + 1, len(of_sample))
            return r
        case.run = run and checked_run
        return case

    return Workload([Case(ours, leat), duck.case(db, duckdb), miller_case()],
                    [Figure('times DuckDB', ratio(db, 's', ours), 2, unit='x'),
                     Figure('times Miller, by the record', ratio(miller, 'ns_record', ours), 40, unit='x')],
                    notes=['reading the table counts everywhere; what DuckDB writes is what leat writes but for an escape, and Miller '
                           'has the fields in another order'])

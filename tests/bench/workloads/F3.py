# SPDX-License-Identifier: Apache-2.0
"""Filters that look elsewhere: the last field, a nested one, a string test, ten fields at once. Both sides count what
passes, so that both do the same; what it takes leat to write the records as well is shown beside it."""
from bench import Case, Figure, Workload, ratio
from workloads.F1 import COUNT, SAMPLE, Duck, answer, peer

TITLE = 'filters on other fields of 2 M clicks'
FILTERS = {  # name: (expression, columns, where)
    'last field': ('.bytes > 90000', "{bytes:'BIGINT'}", 'bytes > 90000'),
    'nested field': ('.device.os == "ios"', "{device:'STRUCT(os VARCHAR)'}", "device.os = 'ios'"),
    'string test': ('.url | startswith("/shop/search/1")', "{url:'VARCHAR'}", "starts_with(url, '/shop/search/1')"),
    'ten fields': ('.ts > "2026" and .user != "u1" and .page != "x" and .url != "/" and .status < 600 '
                   'and .latency_ms >= 0 and .country != "XX" and .device.browser != "lynx" and .device.os != "plan9" '
                   'and .bytes > 90000',
                   "{ts:'VARCHAR',user:'VARCHAR',page:'VARCHAR',url:'VARCHAR',status:'INT',latency_ms:'DOUBLE',"
                   "country:'VARCHAR',device:'STRUCT(os VARCHAR, browser VARCHAR)',bytes:'BIGINT'}",
                   "ts > '2026' AND \"user\" != 'u1' AND page != 'x' AND url != '/' AND status < 600 AND latency_ms >= 0 "
                   "AND country != 'XX' AND device.browser != 'lynx' AND device.os != 'plan9' AND bytes > 90000"),
}


def workload(b):
    lines, sample, blocks = b.clicks(COUNT), b.clicks(SAMPLE), b.clicks(COUNT, 'leat')
    out = b.work / 'out'
    duck = Duck(b, lines)
    cases, figures = [], []

    def add(name, expression, columns, where):
        expected = answer(b, 'filter', expression, sample)
        passed = int(b.call(b.leat('filter', '--count', expression, blocks)))

        def ours():
            r = b.measure(b.leat('filter', expression, blocks), stdout=out)
            b.expect('records that passed', int(b.call(b.leat('filter', '--count', 'true', out))), passed)
            return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT}

        def count():
            r = b.measure(b.leat('filter', '--count', expression, blocks), stdout=out)
            b.expect('count', int(out.read_text()), passed)
            return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT}

        cases.append(Case(f'{name}: leat filter, blocks to blocks', ours))
        cases.append(Case(f'{name}: leat filter --count', count))
        cases.append(duck.case(f'{name}: DuckDB, count(*)', lambda: duck.count(columns, where, passed)))
        cases.append(peer(b, f'{name}: jq, {SAMPLE:,} records', ['jq', '-c', f'select({expression})', sample], expected))
        figures.append(Figure(f'{name}: times DuckDB', ratio(cases[-2].name, 's', cases[-3].name), 3, unit='x'))
        figures.append(Figure(f'{name}: times jq, by the record',
                              ratio(cases[-1].name, 'ns_record', cases[-4].name), unit='x'))

    for name, words in FILTERS.items():
        add(name, *words)
    return Workload(cases, figures, notes=['DuckDB: 1 thread, reads only the fields that it needs and counts'])

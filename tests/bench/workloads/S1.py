# SPDX-License-Identifier: Apache-2.0
"""Growth: the time of one record stays what it is while records, partitions and segments grow."""
import statistics

from bench import Case, Figure, Workload, metric, ratio

TITLE = 'growth: records, partitions, segments; finding a time'
BYTES_A_CLICK = 250
SEEKS = 20


def last_time(path):
    with open(path, 'rb') as f:
        f.seek(-4096, 2)
        line = f.read().splitlines()[-1].decode()
    return line.split('"ts":"')[1].split('"')[0]


def workload(b):
    cases, figures, notes = [], [], []

    def produce(count, *options, create=None):
        log = b.fresh_log()
        if create:
            b.call(b.leat('topic', 'create', '-d', log, 'clicks', *create))
        lines = b.clicks(count)
        b.settle()
        r = b.measure(b.leat('produce', '-d', log, '--sync', 'none', '--time', '.ts', *options, 'clicks', lines))
        b.fresh_log()
        return {'s': r['s'], 'ns_record': r['s'] * 1e9 / count, 'rss_kib': r['rss_kib']}

    def consume(name, count, *options):
        log = b.topic(name, b.clicks(count), '--time', '.ts', *options)
        r = b.measure(b.leat('consume', '-d', log, name, '-e'), b.helper('pipe', 'read'))
        return {'s': r['s'], 'ns_record': r['s'] * 1e9 / count, 'rss_kib': r['commands'][0]['rss_kib']}

    sizes = [1_000_000, 10_000_000] + ([100_000_000] if b.large else [])
    needed = sizes[-1] * BYTES_A_CLICK * 4
    while b.free_bytes() < needed and len(sizes) > 2:
        notes.append(f'{sizes.pop():,} records would need {needed >> 30} GiB of disk: left out')
        needed = sizes[-1] * BYTES_A_CLICK * 4
    for n in sizes:
        cases.append(Case(f'produce, {n:,} records', lambda n=n: produce(n)))
        cases.append(Case(f'consume, {n:,} records', lambda n=n: consume(f's1-{n}', n)))
    for what in ('produce', 'consume'):
        figures.append(Figure(f'{what}: a record of {sizes[-1]:,} over one of {sizes[0]:,}',
                              ratio(f'{what}, {sizes[-1]:,} records', 'ns_record', f'{what}, {sizes[0]:,} records'),
                              1.25, False, 'x'))

    few = sizes[0]
    for p in (1, 256):
        keys = ('--key', '.user', '--partitions', p)
        cases.append(Case(f'produce by key, {p} partitions', lambda keys=keys: produce(few, *keys)))
        cases.append(Case(f'consume, {p} partitions', lambda p=p, keys=keys: consume(f's1-p{p}', few, *keys)))
    for what in ('produce by key', 'consume'):
        figures.append(Figure(f'{what}: 256 partitions over 1',
                              ratio(f'{what}, 256 partitions', 's', f'{what}, 1 partitions'), 1.5, False, 'x'))

    small = few * BYTES_A_CLICK // 1000
    if b.has_tool('topic'):
        options = ('--set', f'segment_size={small}')

        def consume_segments():
            name = b.work / 'topics/topics/s1-segments'
            if not name.exists():
                b.call(b.leat('topic', 'create', '-d', b.work / 'topics', 's1-segments', *options))
                b.call(b.leat('produce', '-d', b.work / 'topics', '--sync', 'none', '--time', '.ts', 's1-segments',
                              b.clicks(few)))
                notes.append(f"{len(list(name.glob('0/*.leat')))} segments")
            return consume('s1-segments', few)
        cases.append(Case('produce, 1000 segments', lambda: produce(few, create=options)))
        cases.append(Case('consume, 1000 segments', consume_segments))
    else:
        cases.append(Case('produce, 1000 segments', None, missing='leat topic'))
        cases.append(Case('consume, 1000 segments', None, missing='leat topic'))
    for what in ('produce', 'consume'):
        figures.append(Figure(f'{what}: 1000 segments over 1', ratio(f'{what}, 1000 segments', 's',
                                                                     f'{what}, {few:,} records'), 1.5, False, 'x'))

    largest = sizes[-1]

    def find():
        name = f's1-{largest}'
        log = b.topic(name, b.clicks(largest), '--time', '.ts')
        out = b.work / 'found'
        at = last_time(b.clicks(few))  # a tenth of the way in
        results = b.measure(b.leat('consume', '-d', log, name, '-e', '-j', '-c', 1, '-o', f'@{at}'), stdout=out,
                            runs=SEEKS)
        if out.read_bytes().count(b'\n') != 1 or out.read_bytes().split(b'"')[3].decode() < at:
            b.expect(f'record at {at}', out.read_bytes(), 'one that is not earlier')
        return {'ms': statistics.median(r['s'] for r in results) * 1000}
    cases.append(Case(f'consume -o @T -c 1, {largest:,} records', find))
    figures.append(Figure(f'consume -o @T begins, {largest:,} records', metric(cases[-1].name, 'ms'), 20, False, 'ms'))
    return Workload(cases, figures, notes)

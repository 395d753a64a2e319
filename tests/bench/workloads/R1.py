# SPDX-License-Identifier: Apache-2.0
"""Peak memory of produce, consume, filter and map: the same on one and on ten times the input."""
from bench import Case, Figure, Workload, metric, ratio

TITLE = 'peak memory on 200 k and on 2 M records'
SIZES = {'1x': 200_000, '10x': 2_000_000}
LIMIT_KIB = 16 * 1024


def workload(b):
    cases, figures = [], []

    def add(name, run):
        for size, count in SIZES.items():
            cases.append(Case(f'{name}, {size}', lambda count=count: {'rss_kib': run(count)}))
        figures.append(Figure(name, metric(f'{name}, 10x', 'rss_kib'), LIMIT_KIB, False, 'KiB'))
        figures.append(Figure(f'{name}: 10x over 1x', ratio(f'{name}, 10x', 'rss_kib', f'{name}, 1x'), 1.1, False, 'x'))

    def produce(form, *options):
        def run(count):
            log = b.fresh_log()
            r = b.measure(b.leat('produce', '-d', log, '--sync', 'none', *options, 'clicks', b.clicks(count, form)))
            b.fresh_log()
            return r['rss_kib']
        return run

    def consume(partitions, *options):
        def run(count):
            keys = ['--key', '.user', '--partitions', partitions] if partitions > 1 else []
            log = b.topic(f'r1-{partitions}-{count}', b.clicks(count), *keys)
            r = b.measure(b.leat('consume', '-d', log, f'r1-{partitions}-{count}', '-e', *options),
                          b.helper('pipe', 'read'))
            return r['commands'][0]['rss_kib']
        return run

    def tool(form, *words):
        def run(count):
            return b.measure(b.leat(*words, b.clicks(count, form)), stdout=b.work / 'out')['rss_kib']
        return run

    for form in ('json', 'leat'):
        add(f'filter {form}', tool(form, 'filter', '.status >= 500'))
        add(f'filter {form} -j', tool(form, 'filter', '.status >= 500', '-j'))
        add(f'map {form}', tool(form, 'map', '{user, page: .url, ms: (.latency_ms | floor)}'))
    add('filter leat, three ways', tool('leat', 'filter', '.status >= 500', '--pass', b.work / 'pass', '--fail',
                                        b.work / 'fail', '--all', '-'))
    for form in ('json', 'leat', 'envelope'):
        add(f'produce {form}', produce(form))
    add('produce json, 256 partitions by key', produce('json', '--key', '.user', '--partitions', 256))
    add('produce leat, 256 partitions by key', produce('leat', '--key', '.user', '--partitions', 256))
    add('consume', consume(1))
    add('consume -j', consume(1, '-j'))
    add('consume, 256 partitions', consume(256))
    add('consume -j, 256 partitions', consume(256, '-j'))
    return Workload(cases, figures, rounds=1, notes=['memory hardly differs from run to run: one round'])

# SPDX-License-Identifier: Apache-2.0
"""Latency of one record: paced lines into produce, out of consume and filter, beside a Redis stream and a bare pipe."""
import json

from bench import Case, Figure, Workload, ratio

TITLE = 'latency of one record, produce to consume to filter, 1,000 a second'
RATE, COUNT = 1000, 3_000  # a round


def workload(b):
    number = [0]

    def through(*settings, filtered=True):
        number[0] += 1  # a topic of its own, so that consume finds nothing old
        topic = f'latency-{number[0]}'
        log = b.work / 'latency'
        first = b.work / 'first'  # consume begins behind it, at offset 1, whoever starts first
        first.write_text('{"sent":0}\n')
        b.call(b.leat('produce', '-d', log, topic, first))
        rest = ('-u', topic, '|', *b.leat('filter', '-j', '-u', '.sent > 0')) if filtered else ('-j', '-u', topic)
        r = b.call(b.helper('latency', RATE, COUNT, '--', *b.leat('produce', '-d', log, *settings, topic), ';',
                            *b.leat('consume', '-d', log, '-o', 1, *rest)))
        b.fresh('latency')
        return json.loads(r)

    def floor(*options):
        return json.loads(b.call(b.helper('latency', RATE, COUNT, *options)))

    def redis(path):
        b.redis_call(path, 'flushall')
        return json.loads(b.call(b.helper('latency_redis', RATE, COUNT, path)))

    cases = [
        Case('produce --sync none | consume | filter', lambda: through('--sync', 'none')),
        Case('bare pipe (floor)', floor),
        Case('cat | cat', lambda: floor('--', 'cat', '|', 'cat')),
        Case('produce | consume | filter (default: synced)', through),
        Case('pipe, write and fdatasync, pipe', lambda: floor('-s', b.fresh('synced'))),
    ]
    cases.append(Case('produce --sync none | consume', lambda: through('--sync', 'none', filtered=False)))
    kinds = {'redis XADD, XREAD BLOCK': ('r', '--appendonly', 'no'),
             'redis, appendfsync always': ('a', '--appendonly', 'yes', '--appendfsync', 'always')}
    for name, (folder, *settings) in kinds.items():
        if b.has('redis-server') and b.has('redis-cli'):
            path = b.redis(folder, *settings)
            cases.append(Case(name, lambda path=path: redis(path)))
        else:
            cases.append(Case(name, None, missing='redis-server, redis-cli'))
    ours, synced = cases[0].name, cases[3].name
    weak, strong = kinds
    return Workload(cases, [
        Figure('p50 over the floor, --sync none', ratio(ours, 'p50_us', 'bare pipe (floor)'), 3, False, 'x'),
        Figure('p99 over redis without a file, --sync none', ratio(ours, 'p99_us', weak), 1, False, 'x'),
        Figure('p99 over redis that syncs, default sync', ratio(synced, 'p99_us', strong), 1, False, 'x'),
        Figure('p99 over redis without a file, default sync', ratio(synced, 'p99_us', weak), unit='x'),
        Figure('p50 over a pipe, fdatasync and a pipe, default sync',
               ratio(synced, 'p50_us', 'pipe, write and fdatasync, pipe'), unit='x'),
    ], notes=['redis on a Unix socket, one connection adds and one reads, save ""; with --sync none both lose in a '
              'power cut, with the default and appendfsync always neither does'])

# SPDX-License-Identifier: Apache-2.0
"""Produce: JSON lines into a fresh topic, beside XADD of the same records into a fresh Redis stream."""
from bench import Case, Figure, Workload, ratio
from workloads.P1 import COUNT, OURS, SYNCED, producer

TITLE = 'produce 2 M clicks as JSON lines, and redis'


def xadd_file(b, lines):
    """The same records as the commands that redis-cli --pipe sends."""
    path = b.data_dir / f'clicks-{COUNT}.resp'
    if path.exists() and path.stat().st_mtime >= lines.stat().st_mtime:
        return path
    head = b'*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nd\r\n$'
    with open(lines, 'rb') as f, open(path, 'wb') as out:
        out.writelines(b'%b%d\r\n%b\r\n' % (head, len(line) - 1, line[:-1]) for line in f)
    b.settle()
    return path


def workload(b):
    lines = b.clicks(COUNT)
    produce = producer(b, lines)
    peer = 'redis XADD, redis-cli --pipe'

    def redis():
        b.redis_call(path, 'flushall')
        r = b.measure(['redis-cli', '-s', path, '--pipe'], stdin=commands, stdout=b.work / 'redis.out')
        b.expect('entries of the stream', b.redis_call(path, 'xlen', 's'), str(COUNT))
        b.redis_call(path, 'flushall')
        return {'s': r['s'], 'mb_s': lines.stat().st_size / r['s'] / 1e6}

    cases = [Case(OURS, lambda: produce('--sync', 'none')), Case(SYNCED, produce)]
    if b.has('redis-server') and b.has('redis-cli'):
        commands, path = xadd_file(b, lines), b.redis('p1', '--appendonly', 'no')
        cases.append(Case(peer, redis))
    else:
        cases.append(Case(peer, None, missing='redis-server, redis-cli'))
    return Workload(cases, [
        Figure('times redis, --sync none', ratio(peer, 's', OURS), 10, unit='x'),
        Figure('times redis, default sync', ratio(peer, 's', SYNCED), 10, unit='x'),
    ], notes=['redis: appendonly no, save "", Unix socket: it keeps nothing on disk'])

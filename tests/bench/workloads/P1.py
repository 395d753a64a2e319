# SPDX-License-Identifier: Apache-2.0
"""Produce: JSON lines into a fresh topic, beside cat into a fresh file and XADD into a fresh Redis stream."""
from bench import Case, Figure, Workload, ratio

TITLE = 'produce 2 M clicks as JSON lines into a topic'
COUNT = 2_000_000


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
    size = lines.stat().st_size
    out = b.work / 'out'
    checked = set()

    def rate(r):
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'mb_s': size / r['s'] / 1e6, 'rss_kib': r['rss_kib']}

    def produce(*options):
        log = b.fresh_log()
        b.settle()
        r = b.measure(b.leat('produce', '-d', log, *options, 'clicks', lines))
        got = b.count_blocks(*b.leat('consume', '-d', log, 'clicks', '-e'))
        b.expect('records in the topic', got['records'], COUNT)
        if options not in checked:  # the whole text once; afterwards the count will do
            b.measure(b.leat('consume', '-d', log, 'clicks', '-e', '-j'), ['cmp', '-', lines])
            checked.add(options)
        b.fresh_log()
        return rate(r)

    def copy(*command, to=None):
        b.fresh('out')
        b.settle()
        r = b.measure(command, stdout=to)
        b.expect('bytes of the copy', out.stat().st_size, size)
        b.fresh('out')
        return rate(r)

    def redis():
        b.redis_call(socket, 'flushall')
        r = b.measure(['redis-cli', '-s', socket, '--pipe'], stdin=commands, stdout=b.work / 'redis.out')
        b.expect('entries of the stream', b.redis_call(socket, 'xlen', 's'), str(COUNT))
        b.redis_call(socket, 'flushall')
        return {'s': r['s'], 'mb_s': size / r['s'] / 1e6}

    peer = 'redis XADD, redis-cli --pipe'
    cases = [
        Case('produce --sync none', lambda: produce('--sync', 'none')),
        Case('cat FILE >file', lambda: copy('cat', lines, to=out)),
        Case('produce (default: synced)', produce),
        Case('cat and fdatasync (dd)', lambda: copy('dd', f'if={lines}', f'of={out}', 'bs=1M', 'conv=fdatasync',
                                                      'status=none')),
    ]
    if b.has('redis-server') and b.has('redis-cli'):
        commands, socket = xadd_file(b, lines), b.redis('p1', '--appendonly', 'no')
        cases.append(Case(peer, redis))
    else:
        cases.append(Case(peer, None, missing='redis-server, redis-cli'))
    return Workload(cases, [
        Figure('of cat, --sync none', ratio('cat FILE >file', 's', 'produce --sync none'), 0.35, unit='%'),
        Figure('of cat and fdatasync, default sync', ratio('cat and fdatasync (dd)', 's', 'produce (default: synced)'),
               0.35, unit='%'),
        Figure('times redis, --sync none', ratio(peer, 's', 'produce --sync none'), 10, unit='x'),
        Figure('times redis, default sync', ratio(peer, 's', 'produce (default: synced)'), 10, unit='x'),
    ], notes=['redis: appendonly no, save "", Unix socket: it keeps nothing on disk', 'input in the page cache; '
              'destination fresh each time'])

# SPDX-License-Identifier: Apache-2.0
"""Produce: JSON lines into a fresh topic, beside cat into a fresh file. P1r has Redis: beside a server that takes and
gives back a gigabyte in each round, the page cache of a virtual machine is cold for whoever writes next, cat first."""
from bench import Case, Figure, Workload, ratio

TITLE = 'produce 2 M clicks as JSON lines into a topic'
COUNT = 2_000_000
OURS, SYNCED = 'produce --sync none', 'produce (default: synced)'


def rates(r, size):
    return {'s': r['s'], 'cpu_s': r['cpu_s'], 'mb_s': size / r['s'] / 1e6, 'rss_kib': r['rss_kib']}


def producer(b, lines):
    """A function that produces the lines into a fresh topic, with these options, and checks what is in it."""
    checked = set()

    def produce(*options):
        log = b.fresh_log()
        b.settle(lines)
        r = b.measure(b.leat('produce', '-d', log, *options, 'clicks', lines))
        got = b.count_blocks(*b.leat('consume', '-d', log, 'clicks', '-e'))
        b.expect('records in the topic', got['records'], COUNT)
        if options not in checked:  # the whole text once; afterwards the count will do
            b.measure(b.leat('consume', '-d', log, 'clicks', '-e', '-j'), ['cmp', '-', lines])
            checked.add(options)
        b.fresh_log()
        return rates(r, lines.stat().st_size)
    return produce


def workload(b):
    lines = b.clicks(COUNT)
    size = lines.stat().st_size
    out = b.work / 'out'
    produce = producer(b, lines)

    def copy(*command, to=None):
        b.fresh('out')
        b.settle(lines)
        r = b.measure(command, stdout=to)
        b.expect('bytes of the copy', out.stat().st_size, size)
        b.fresh('out')
        return rates(r, size)

    cat, dd = 'cat FILE >file', 'cat and fdatasync (dd)'
    return Workload([
        Case(OURS, lambda: produce('--sync', 'none')),
        Case(cat, lambda: copy('cat', lines, to=out)),
        Case(SYNCED, produce),
        Case(dd, lambda: copy('dd', f'if={lines}', f'of={out}', 'bs=1M', 'conv=fdatasync', 'status=none')),
    ], [
        Figure('of cat, --sync none', ratio(cat, 's', OURS), 0.35, unit='%'),
        Figure('of cat and fdatasync, default sync', ratio(dd, 's', SYNCED), 0.35, unit='%'),
    ], notes=['input in the page cache, destination fresh each time, as much written and removed before each run'])

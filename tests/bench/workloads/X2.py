# SPDX-License-Identifier: Apache-2.0
"""Export and import: 1 GB of clicks, beside tar | zstd -1 of the same files. What is imported equals what was exported.
An import writes all of it and makes it durable, and dd is what that alone takes."""
import filecmp

from bench import Case, Figure, Wrong, Workload, ratio

TITLE = 'export and import 1 GB, against tar | zstd -1'
COUNT = 4_000_000
EXPORT, IMPORT, TAR, DD = 'topic export', 'topic import', 'tar | zstd -1', 'dd and fdatasync'


def workload(b):
    log = b.topic('clicks', b.clicks(COUNT, 'leat'))
    topic = log / 'topics/clicks'
    archive = b.work / 'clicks.tar.zst'
    out = b.work / 'out'
    segments = sorted(p.relative_to(topic) for p in topic.glob('*/*.leat'))
    size = sum((topic / s).stat().st_size for s in segments)
    b.call(b.leat('topic', 'export', '-q', '-d', log, 'clicks', archive))

    def rates(r):
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'mb_s': size / r['s'] / 1e6, 'rss_kib': r['rss_kib']}

    def export():
        b.fresh('out')
        b.settle(archive)
        r = b.measure(b.leat('topic', 'export', '-q', '-d', log, '--format', 'tar.zst', 'clicks', out))
        if not filecmp.cmp(out, archive, shallow=False):
            raise Wrong('two exports of one topic are not the same bytes')
        return rates(r)

    def load():
        other = b.fresh_log()
        b.settle()
        r = b.measure(b.leat('topic', 'import', '-q', '-d', other, archive))
        same = filecmp.cmpfiles(topic, other / 'topics/clicks', segments, shallow=False)[0]
        b.expect('segments that are equal', len(same), len(segments))
        b.fresh_log()
        return rates(r)

    def pack():
        b.fresh('out')
        b.settle(archive)
        r = b.measure(['tar', '-C', log / 'topics', '-cf', '-', 'clicks'], ['zstd', '-1', '-q', '-c'], stdout=out)
        b.fresh('out')
        return rates(r)

    def copy():
        b.fresh('out')
        b.settle()
        r = b.measure(['cat', *(topic / s for s in segments)],
                      ['dd', f'of={out}', 'bs=1M', 'iflag=fullblock', 'conv=fdatasync', 'status=none'])
        b.fresh('out')
        return rates(r)

    return Workload([Case(EXPORT, export), Case(TAR, pack), Case(IMPORT, load), Case(DD, copy)], [
        Figure('of tar | zstd -1, export', ratio(TAR, 's', EXPORT), 0.5, unit='%'),
        Figure('of tar | zstd -1, import', ratio(TAR, 's', IMPORT), 0.5, unit='%'),
        Figure('of dd and fdatasync, import', ratio(DD, 's', IMPORT), unit='%'),
    ], notes=['the topic and the archive are in the page cache'])

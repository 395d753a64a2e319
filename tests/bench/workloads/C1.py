# SPDX-License-Identifier: Apache-2.0
"""Consume: a topic into a pipe, beside the pipe floor moving as many bytes."""
import json

from bench import Case, Figure, Workload, ratio

TITLE = 'consume 2 M clicks into a pipe'
COUNT = 2_000_000


def workload(b):
    log = b.topic('clicks', b.clicks(COUNT))
    command = b.leat('consume', '-d', log, 'clicks', '-e')
    count = b.count_blocks(*command)
    b.expect('records in the stream', count['records'], COUNT)
    out = b.work / 'reader'

    def run(*writer):
        r = b.measure(writer, b.helper('pipe', 'read'), stdout=out)
        size = json.loads(out.read_text())['bytes']
        # The control blocks of a stream differ a little: times, idle marks.
        if abs(size - count['bytes']) > 1000:
            b.expect('bytes through the pipe', size, count['bytes'])
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'mb_s': size / r['s'] / 1e6, 'rss_kib': r['commands'][0]['rss_kib']}

    mean = count['body'] // count['blocks']
    return Workload([
        Case('consume TOPIC -e', lambda: run(*command)),
        Case('pipe floor', lambda: run(*b.helper('pipe', 'write', count['bytes']))),
        Case('cat SEGMENT', lambda: run('cat', *sorted((log / 'topics/clicks/0').glob('*.leat')))),
    ], [Figure('of the pipe floor', ratio('pipe floor', 's', 'consume TOPIC -e'), 0.9, unit='%')],
        notes=[f"{count['blocks']} blocks of {mean} bytes; the reader takes 1 MiB at a time"])

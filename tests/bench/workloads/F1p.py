# SPDX-License-Identifier: Apache-2.0
"""Filter on one field, blocks arriving through a pipe, beside the pipe floor moving as many bytes."""
import json

from bench import Case, Figure, Workload, ratio

TITLE = "filter '.status >= 500', 2 M clicks arriving as blocks through a pipe"
COUNT = 2_000_000
EXPRESSION = '.status >= 500'


def workload(b):
    log = b.topic('clicks', b.clicks(COUNT))
    consume = b.leat('consume', '-d', log, 'clicks', '-e')
    count = b.count_blocks(*consume)
    out = b.work / 'out'
    passed = b.call(b.leat('filter', '--count', EXPRESSION, b.clicks(COUNT, 'leat')))

    def ours(*writer):
        r = b.measure(writer, b.leat('filter', EXPRESSION), stdout=out)
        b.expect('records that passed', b.call(b.leat('filter', '--count', 'true', out)), passed)
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'mb_s': count['bytes'] / r['s'] / 1e6,
                'rss_kib': r['commands'][1]['rss_kib']}

    def floor():
        r = b.measure(b.helper('pipe', 'write', count['bytes']), b.helper('pipe', 'read'), stdout=out)
        b.expect('bytes through the pipe', json.loads(out.read_text())['bytes'], count['bytes'])
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'mb_s': count['bytes'] / r['s'] / 1e6}

    return Workload([
        Case('consume TOPIC -e | filter', lambda: ours(*consume)),
        Case('pipe floor', floor),
        Case('cat FILE | filter', lambda: ours('cat', b.clicks(COUNT, 'leat'))),
    ], [Figure('of the pipe floor', ratio('pipe floor', 's', 'consume TOPIC -e | filter'), 0.45, unit='%')])

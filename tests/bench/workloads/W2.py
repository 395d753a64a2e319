# SPDX-License-Identifier: Apache-2.0
"""Windows that overlap sixty times, beside windows that do not: a record costs one update either way."""
import json

from bench import Case, Figure, Workload, ratio
from workloads.F1 import COUNT
from workloads.W1 import AGGREGATES

TITLE = 'window --hop 1h --slide 1m beside --tumble 1h, a file of 2 M clicks'


def workload(b):
    blocks = b.clicks(COUNT, 'leat')
    hop, tumble = b.work / 'hop', b.work / 'tumble'
    checked = []

    def run(out, *kind):
        r = b.measure(b.leat('window', *kind, '-g', '.country', '--out-of-order', '5s', AGGREGATES, '-j', blocks),
                      stdout=out)
        return {'s': r['s'], 'cpu_s': r['cpu_s'], 'ns_record': r['s'] * 1e9 / COUNT, 'rss_kib': r['rss_kib']}

    def hopping():
        r = run(hop, '--hop', '1h', '--slide', '1m')
        if not checked:  # at full hours both have the same windows
            with open(hop, encoding='utf-8') as f:
                got = [line for line in f if json.loads(line)['window_start'].endswith(':00:00Z')]
            with open(tumble, encoding='utf-8') as f:
                wanted = list(f)
            b.expect('windows at full hours', [line for line in got if line in set(wanted)], wanted)
            checked.append(True)
        return r

    return Workload([Case('tumble', lambda: run(tumble, '--tumble', '1h')), Case('hop', hopping)],
                    [Figure('hop against tumble', ratio('hop', 's', 'tumble'), 1.3, at_least=False, unit='x'),
                     Figure('the same in CPU time', ratio('hop', 'cpu_s', 'tumble'), unit='x')])

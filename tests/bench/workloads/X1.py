# SPDX-License-Identifier: Apache-2.0
"""Replay: how far each record of a ten-minute recording is from its moment when it is played ten times as fast."""
import json

from bench import Case, Figure, Workload, metric

TITLE = 'replay: a recording of ten minutes at 10x, |arrival - due|'
COUNT, SECONDS, FACTOR = 20_000, 600, 10


def workload(b):
    recording, out = b.work / 'recording.json', b.work / 'arrivals'
    b.measure(b.helper('arrivals', 'make', COUNT, SECONDS), stdout=recording)

    def run(*options):
        b.measure(b.leat('replay', '-x', FACTOR, '--time', '.at', '-j', *options, recording),
                  b.helper('arrivals', 'read', FACTOR), stdout=out)
        r = json.loads(out.read_text())
        b.expect('records that arrived', r['count'], COUNT)
        return dict(r, last_us=abs(r['last_us']))

    name = f'replay -x {FACTOR}'
    return Workload([Case(name, run)], [
        Figure('p99', metric(name, 'p99_us'), 1000, False, 'us'),
        Figure('the last record', metric(name, 'last_us'), 1000, False, 'us'),
    ], rounds=1, notes=[f'{COUNT:,} records with uneven gaps, through a pipe into a reader that looks at the clock'])

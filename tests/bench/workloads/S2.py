# SPDX-License-Identifier: Apache-2.0
"""Start-up: from spawn to exit, of the smallest things that a tool can do."""
import statistics

from bench import Case, Figure, Workload, metric, ratio

TITLE = 'start-up'
RUNS = 60  # a round; the median of a round is one value


def workload(b):
    one = b.work / 'one.json'
    with open(b.clicks(2_000_000), 'rb') as f:
        one.write_bytes(f.readline())
    log = b.topic('one', one)
    out = b.work / 'out'

    def case(name, *command, stdin=None, program=None, answer=None):
        if program and not b.has(program):
            return Case(name, None, missing=program)

        def run():
            results = b.measure(command, stdin=stdin, stdout=out, runs=RUNS)
            if answer is not None:
                b.expect(f'answer of {name}', out.read_bytes(), answer)
            return {'ms': statistics.median(r['s'] for r in results) * 1000,
                    'rss_kib': max(r['rss_kib'] for r in results)}
        return Case(name, run)

    text = one.read_bytes()
    return Workload([
        case('leat produce --help', *b.leat('produce', '--help')),
        case('true', 'true'),
        case('jq --version', 'jq', '--version', program='jq'),
        case('leat consume of one record', *b.leat('consume', '-d', log, 'one', '-e', '-j'), answer=text),
        case('jq of one record', 'jq', '-c', '.', stdin=one, program='jq', answer=text),
        case('leat filter --help', *b.leat('filter', '--help')),
        case('leat filter of one record', *b.leat('filter', '.status >= 100', one, '-j'), answer=text),
        case('jq filter of one record', 'jq', '-c', 'select(.status >= 100)', str(one), program='jq', answer=text),
        case('leat map of one record', *b.leat('map', '.status', one, '-j')),
        case('leat (dispatcher) produce --help', str(b.programs / 'leat'), 'produce', '--help'),
    ], [
        Figure('produce --help', metric('leat produce --help', 'ms'), 3, False, 'ms'),
        Figure('consume of one record', metric('leat consume of one record', 'ms'), 3, False, 'ms'),
        Figure('produce --help over jq --version', ratio('leat produce --help', 'ms', 'jq --version'), 1, False, 'x'),
        Figure('filter --help', metric('leat filter --help', 'ms'), 3, False, 'ms'),
        Figure('filter of one record', metric('leat filter of one record', 'ms'), 3, False, 'ms'),
        Figure('filter --help over jq --version', ratio('leat filter --help', 'ms', 'jq --version'), 1, False, 'x'),
        Figure('filter of one record over jq', ratio('leat filter of one record', 'ms', 'jq filter of one record'), 1,
               False, 'x'),
        Figure('one record over jq', ratio('leat consume of one record', 'ms', 'jq of one record'), 1, False, 'x'),
    ])

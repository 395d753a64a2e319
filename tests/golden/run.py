#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Runs decoders over the golden files and compares what they find with what was encoded.

    run.py                      decode.py, the examples in leat-stream(5) and leat-state(5), and make.py --check
    run.py --leat PATH          also the program leat at PATH, with the commands below

A line `ok NAME` or `not ok NAME` for each test, why below it, and the totals; the
exit code is 1 if anything failed, or if there was nothing to test.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
from decimal import Decimal

import encode

HERE = os.path.dirname(os.path.abspath(__file__))

# How leat is asked for the records of a file (envelopes as JSON lines), and for its verdict (the exit code).
LEAT_RECORDS = ['{leat}', 'show', '-J', '{file}']
LEAT_VERIFY = ['{leat}', 'show', '--verify', '{file}']

TIMEOUT_SECONDS = 60


class Failure(Exception):
    """A test failed: the reason."""


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def test(self, name, function, *args):
        try:
            function(*args)
        except (Failure, OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
            self.failed += 1
            print('not ok %s\n# %s' % (name, str(error).replace('\n', '\n# ')))
        else:
            self.passed += 1
            print('ok %s' % name)


class Case:
    """A golden file and what is expected of it."""

    def __init__(self, folder, name, grade, exit_code, records):
        self.name = '%s/%s' % (folder, name)
        self.path = os.path.join(HERE, folder, name + '.leat')
        self.grade = grade
        self.exit_code = int(exit_code)
        self.records = int(records)
        self.lines = None
        if folder == 'good':
            with open(os.path.join(HERE, folder, name + '.json'), encoding='utf-8') as file:
                self.lines = [json.loads(line) for line in file]


def read_cases(folder):
    with open(os.path.join(HERE, folder, 'EXPECTED'), encoding='utf-8') as file:
        return [Case(folder, *line.split()) for line in file if not line.startswith('#')]


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)


def expect(what, wanted, got):
    if wanted != got:
        raise Failure('%s: wanted %s, got %s' % (what, wanted, got))


def expect_exit(case, done):
    if done.returncode != case.exit_code:
        raise Failure('exit code: wanted %d (%s), got %d\n%s' % (
            case.exit_code, case.grade, done.returncode, done.stderr.decode('utf-8', 'replace').strip()))


# -- decode.py ---------------------------------------------------------------------------------------------------------

def python(script, *args):
    return [sys.executable, '-B', os.path.join(HERE, script), *args]


def test_decode(case):
    done = run(python('decode.py', case.path))
    expect_exit(case, done)
    expect('grade', case.grade, done.stderr.decode().split(':')[0])
    lines = [encode.shorten(json.loads(line)) for line in done.stdout.splitlines()]
    expect('number of records', case.records, len(lines))
    if case.lines is not None:
        expect('records', case.lines, lines)


def test_script(*args):
    done = run(python(*args))
    if done.returncode != 0:
        raise Failure(done.stderr.decode().strip())


# -- leat --------------------------------------------------------------------------------------------------------------

def leat_command(template, leat, case):
    return [word.format(leat=leat, file=case.path) for word in template]


def is_bad_json(line):
    if line['value_type'] != 1 or line['value'].startswith('sha256:'):
        return False
    try:
        parse(base64.b64decode(line['value']).decode())
    except ValueError:
        return True
    return False


def has_bad_json(case):
    """The stream is sound, but a record is not what it claims to be: who looks at values stops there with exit code 3."""
    return any(is_bad_json(line) for line in case.lines or [])


def test_verify(case, leat):
    done = run(leat_command(LEAT_VERIFY, leat, case))
    if has_bad_json(case):
        expect('exit code', 3, done.returncode)
    else:
        expect_exit(case, done)


def octets(text, encoding):
    """A text of an envelope in base64, as the golden lines have it."""
    if text is None or encoding == 'base64':
        return text
    return base64.b64encode(text.encode()).decode('ascii')


def time_ns(envelope):
    return None if envelope['tstype'] == 'unknown' else int(Decimal(envelope['ts']) * 1000000)


def payload(envelope, wanted):
    """The value; one that stands in the envelope as JSON has lost its spelling and only has to mean the same."""
    encoding = envelope['payload_encoding']
    if encoding == 'json':
        text = base64.b64decode(wanted['value'])
        return wanted['value'] if parse(text) == envelope['payload'] else envelope['payload']
    return octets(envelope['payload'], encoding)


def of_envelope(envelope, wanted):
    """What an envelope and a golden line both say."""
    headers = envelope.get('headers', [])
    return encode.shorten({
        'partition': envelope['partition'],
        'offset': envelope['offset'],
        'time': time_ns(envelope),
        'key': octets(envelope['key'], envelope.get('key_encoding')),
        'headers': [[name, octets(value, envelope.get('headers_encoding'))]
                    for name, value in zip(headers[::2], headers[1::2])],
        'value': payload(envelope, wanted),
    })


def parse(text):
    return json.loads(text, parse_float=Decimal)  # times have more digits than a double


def has_envelopes(case):
    """An envelope has no way to write a header whose name is not UTF-8."""
    return all(name.isprintable() for line in case.lines or [] for name, _ in line['headers'])


def test_records(case, leat):
    done = run(leat_command(LEAT_RECORDS, leat, case))
    if not has_envelopes(case) or has_bad_json(case):
        expect('exit code', 3, done.returncode)
        return
    expect_exit(case, done)
    lines = [parse(line) for line in done.stdout.splitlines()]
    expect('number of records', case.records, len(lines))
    for wanted, envelope in zip(case.lines or [], lines):
        got = of_envelope(envelope, wanted)
        expect('record %d' % wanted['offset'], {name: wanted[name] for name in got}, got)


def main():
    parser = argparse.ArgumentParser(description='Run decoders over the golden files.')
    parser.add_argument('--leat', metavar='PATH', help='the program leat, to be tested too')
    args = parser.parse_args()
    report = Report()
    report.test('golden-files-are-those-of-make.py', test_script, 'make.py', '--check')
    report.test('example-in-leat-stream.5', test_script, 'hex_example.py', '--check')
    report.test('example-in-leat-state.5', test_script, 'state_example.py', '--check')
    report.test('log', test_script, 'logcheck_test.py')
    cases = read_cases('good') + read_cases('bad')
    for case in cases:
        report.test('decode.py/' + case.name, test_decode, case)
    if args.leat:
        leat = os.path.abspath(args.leat)
        for case in cases:
            report.test('leat-verify/' + case.name, test_verify, case, leat)
            report.test('leat-records/' + case.name, test_records, case, leat)
    print('%d passed, %d failed' % (report.passed, report.failed))
    return 1 if report.failed or not cases else 0


if __name__ == '__main__':
    sys.exit(main())

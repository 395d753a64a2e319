# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests that compare the expression language with jq: running expr_driver and jq, comparing values."""
import json
import math
import os
import re
import select
import subprocess
import time

MAX_DOUBLE = 1.7976931348623157e308


class Answer:
    """What one program gave for one input: results (JSON texts), and how it ended.

    end: 'done', 'error' (message says it), 'refused' (the program does not compile), 'input' (the text is no JSON),
    'crash' and 'timeout' (of the whole process).
    """

    def __init__(self, results, end, message=''):
        self.results, self.end, self.message = results, end, message

    def __str__(self):
        lines = list(self.results)
        if self.end != 'done':
            lines.append(f'{self.end}: {self.message}' if self.message else self.end)
        return ' '.join(lines) or 'nothing'


class Driver:
    """One expr_driver, started again when it dies; asks for one line at a time."""

    def __init__(self, engine, seconds=5.0, build=None):
        build = build or os.environ['LEAT_BUILD']
        self.command = [f'{build}/tests/peers/expr_driver', engine]
        self.seconds, self.process, self.program = seconds, None, None

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        self.process = self.program = None

    def close(self):
        """The exit code of the last process: not 0 when a sanitizer found a leak."""
        code = 0
        if self.process:
            self.process.stdin.close()
            try:
                code = self.process.wait(20)
            except subprocess.TimeoutExpired:
                code = 1
        self.kill()
        return code

    def _ask(self, line, enders):
        """Send a command; its answer's lines, and None or the way in which the process failed."""
        if not self.process:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL)
            self.pending = b''
        try:
            self.process.stdin.write(line.encode() + b'\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        lines, deadline = [], time.monotonic() + self.seconds
        while True:
            while b'\n' in self.pending:
                one, self.pending = self.pending.split(b'\n', 1)
                lines.append(one.decode(errors='replace'))
                if lines[-1].split(' ')[0] in enders:
                    return lines, None
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.kill()
                return lines, 'timeout'
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                self.kill()
                return lines, 'crash'
            self.pending += more

    def compile(self, program):
        """None when it compiles, else the Answer that says why not."""
        if '\n' in program or not program:
            raise ValueError(f'cannot be sent: {program!r}')
        lines, failure = self._ask('P ' + program, {'ok', 'refused'})
        self.program = program if not failure else None
        if failure:
            return Answer([], failure)
        return None if lines[-1] == 'ok' else Answer([], 'refused', lines[-1][8:])

    def run(self, program, text):
        if self.program != program or not self.process:
            refused = self.compile(program)
            if refused:
                self.program = None
                return refused
        lines, failure = self._ask('I ' + text.replace('\n', ' '), {'done', 'error', 'input', 'unwritten'})
        results = [line[2:] for line in lines if line.startswith('= ')]
        if failure:
            return Answer(results, failure)
        end, _, message = lines[-1].partition(' ')
        return Answer(results, 'error' if end == 'unwritten' else end, message)


def jq_run(program, text, seconds=10.0):
    """The same from the jq that is installed, with a process for one program and one input."""
    try:
        done = subprocess.run(['jq', '-c', program], input=text.encode(), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Answer([], 'timeout')
    results = done.stdout.decode(errors='replace').splitlines()
    reason = done.stderr.decode(errors='replace').split('\n')[0]
    if done.returncode in (0, 1):
        return Answer(results, 'done')
    if done.returncode in (2, 3):
        return Answer([], 'refused', reason)
    return Answer(results, 'error' if done.returncode == 5 else 'crash', reason)


# ---- values ----

def parse(text):
    """A JSON text as Python has it; NaN and numbers beyond a double's range are allowed."""
    return json.loads(text)


def numbers_equal(a, b, tolerance):
    if a == b:
        return True
    try:
        a, b = float(a), float(b)
    except OverflowError:
        a, b = (float(max(min(x, MAX_DOUBLE), -MAX_DOUBLE)) for x in (a, b))
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    a, b = (max(min(x, MAX_DOUBLE), -MAX_DOUBLE) for x in (a, b))
    return a == b or abs(a - b) <= tolerance * max(abs(a), abs(b))


def strings_equal(a, b):
    """But for the form of large numbers in them: where an exponent begins is our own choice (json/double.h)."""
    def plain(text):
        return re.sub(r'-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?',
                      lambda number: repr(float(number[0])) if len(number[0]) > 3 else number[0], text)
    return a == b or plain(a) == plain(b)


def values_equal(a, b, tolerance=0.0):
    """Numbers by value, NaN and null being one (JSON has no other text for it); objects whatever their order."""
    def is_number(x):
        return isinstance(x, (int, float)) and not isinstance(x, bool)
    if is_number(a) and math.isnan(a):
        a = None
    if is_number(b) and math.isnan(b):
        b = None
    if is_number(a) and is_number(b):
        return numbers_equal(a, b, tolerance)
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(values_equal(x, y, tolerance) for x, y in zip(a, b))
    if isinstance(a, dict):
        if a.keys() == b.keys():
            return all(values_equal(a[k], b[k], tolerance) for k in a)
        return len(a) == len(b) and values_equal(sorted(map(list, a.items())), sorted(map(list, b.items())), tolerance)
    return strings_equal(a, b) if isinstance(a, str) else a == b


def texts_equal(a, b, tolerance=0.0):
    """Two lists of JSON texts."""
    if len(a) != len(b):
        return False
    try:
        return all(x == y or values_equal(parse(x), parse(y), tolerance) for x, y in zip(a, b))
    except ValueError:
        return False

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""jq's own test cases (jq.test) against the expression language, by the native engine alone and by engine auto.

usage: jq_test.py [-v] FILE      with expr_driver in $LEAT_BUILD/tests/peers

Native may refuse a program, but what it accepts must give what the case says or what the installed jq gives (the cases
are those of a later one), but for the differences listed below. Auto must give what the case says wherever the
installed jq does. %%FAIL cases must not compile. Exit 0 when all that holds and native passes at least WANTED cases;
-v shows each program that native refuses, and where it is as the installed jq.
"""
import sys

from exprs import Driver, jq_run, texts_equal

WANTED = 250

# By program: why its result is meant to differ from the case, and from the installed jq.
EXACT = 'integers are exact'
DEPTH = 'other limits of nesting, and other words'
JSON = 'fromjson takes JSON, not NaN, and says what is wrong in its own words'
INTENDED = {
    'try limit(-1; error) catch .': 'limit(-1; f) gives f, and error(null) is an error',
    '[nth(0,5,9,10,15; range(.)), try nth(-1; range(.)) catch .]': 'nth behind the end gives the last, as in jq 1.6',
    '"x" * range(0; 12; 2) + "☆" * 8 | try -. catch .': 'values in messages are cut to ten bytes, at whole characters',
    'abs': 'what is no number has no absolute value',
    '. - 10': EXACT,
    '.[0] - 10': EXACT,
    '.x - 10': EXACT,
    '.[] | try (fromjson | isnan) catch .': JSON,
    'try fromjson catch .': JSON,
    'try input catch .': 'there is no other input',
    '.[] |= try tonumber': 'tonumber takes space around a number, as in jq 1.6',
    'reduce range(10000) as $_ ([];[.]) | tojson | try (fromjson) catch . | (contains("<skipped: too deep>") | not) '
    'and contains("Exceeds depth limit for parsing")': DEPTH,
    'reduce range(10001) as $_ ([];[.]) | tojson | contains("<skipped: too deep>")': DEPTH,
    'try ((reduce range(10001) as $_ ([]; [.])) as $x | (reduce range(10001) as $_ ([]; [.])) as $y | $x == $y) '
    'catch .': DEPTH,
    'try ((reduce range(10001) as $_ ([]; [.])) as $x | [$x, $x] | sort) catch .': DEPTH,
    'try ((reduce range(10001) as $_ ([]; [.])) as $x | [$x, $x] | unique) catch .': DEPTH,
    'try ((reduce range(10001) as $_ ({}; {a: .})) as $x | [$x, $x] | sort) catch .': DEPTH,
    'try ((reduce range(10001) as $_ ({}; {a: .})) as $x | [$x, $x] | unique) catch .': DEPTH,
}


def cases(path):
    """(line number, program, input, expected lines); input None: must not compile."""
    with open(path, encoding='utf-8') as file:
        lines = [line.rstrip('\n') for line in file]
    i = 0
    while i < len(lines):
        if not lines[i].strip() or lines[i].startswith('#'):
            i += 1
            continue
        start, refused = i + 1, lines[i].startswith('%%FAIL')
        head = [lines[i + 1], None] if refused else [lines[i], lines[i + 1]]
        i += 2
        rest = []
        while i < len(lines) and lines[i].strip() and not (lines[i].startswith('#') and not refused):
            rest.append(lines[i])
            i += 1
        yield start, head[0], head[1], rest


def as_expected(answer, expected):
    return answer.end in ('done', 'error') and texts_equal(answer.results, expected)


class Tally:
    def __init__(self, verbose):
        self.native, self.auto = Driver('native'), Driver('auto')
        self.verbose = verbose
        self.positive = self.negative = self.passed = self.auto_passed = self.unclaimed = self.intended = self.older = 0
        self.unusable = 0
        self.failures = []

    def fail(self, line, what, program, text, wanted, got):
        self.failures.append(f'line {line}: {what}\n    program  {program}\n    input    {text}\n'
                             f'    expected {wanted}\n    got      {got}')

    def refused_case(self, line, program):
        self.negative += 1
        if not self.native.compile(program):
            self.fail(line, 'native compiles what must not compile', program, '', 'refused', 'ok')
        if not self.auto.compile(program) and jq_run(program, 'null').end == 'refused':
            self.fail(line, 'auto compiles what must not compile', program, '', 'refused', 'ok')

    def case(self, line, program, text, expected):
        self.positive += 1
        intended = program in INTENDED
        native = self.native.run(program, text)
        if native.end == 'input':
            self.unusable += 1
            if self.verbose:
                print(f'line {line}: input is not ours: {text}')
            return
        if native.end == 'refused':
            self.unclaimed += 1
            if self.verbose:
                print(f'line {line}: native refuses {program}: {native.message}')
        elif as_expected(native, expected):
            self.passed += 1
            if intended:
                self.fail(line, 'listed as an intended difference, but does not differ', program, text, '', native)
        elif intended:
            self.intended += 1
        elif self.as_installed(native, program, text):
            self.older += 1
            if self.verbose:
                print(f'line {line}: as the installed jq: {program}: {native} instead of {" ".join(expected)}')
        else:
            self.fail(line, 'native is wrong', program, text, ' '.join(expected), native)
        self.auto_case(line, program, text, expected, intended or native.end not in ('refused',))

    @staticmethod
    def as_installed(native, program, text):
        jq = jq_run(program, text)
        return jq.end == native.end and texts_equal(jq.results, native.results)

    def auto_case(self, line, program, text, expected, known):
        auto = self.auto.run(program, text)
        if as_expected(auto, expected):
            self.auto_passed += 1
        elif not known and as_expected(jq_run(program, text), expected):
            self.fail(line, 'auto is wrong where jq is right', program, text, ' '.join(expected), auto)
        elif auto.end in ('crash', 'timeout') and jq_run(program, text).end not in ('crash', 'timeout'):
            self.fail(line, 'auto dies where jq does not', program, text, ' '.join(expected), auto)


def main():
    verbose = '-v' in sys.argv[1:]
    tally = Tally(verbose)
    for line, program, text, expected in cases(sys.argv[-1]):
        if text is None:
            tally.refused_case(line, program)
        else:
            tally.case(line, program, text, expected)
    for failure in tally.failures:
        print(failure)
    codes = [tally.native.close(), tally.auto.close()]
    if any(codes):
        print(f'expr_driver ended with exit codes {codes}')
    print(f'{tally.positive} cases: native passes {tally.passed}, refuses {tally.unclaimed}, differs on purpose in '
          f'{tally.intended}, is as the installed jq in {tally.older}; auto passes {tally.auto_passed}; '
          f'{tally.unusable} inputs are not JSON; {tally.negative} programs that must not compile; '
          f'{len(tally.failures)} failures')
    if tally.passed < WANTED:
        print(f'native passes fewer than {WANTED}')
    sys.exit(1 if tally.failures or any(codes) or tally.passed < WANTED else 0)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""jq's own test cases (jq.test) against the expression language, by the native engine alone and by engine auto.

usage: jq_test.py [-v] FILE      with expr_driver in $LEAT_BUILD/tests/peers

Native may refuse a program, but what it accepts must give what the case says, but for the differences listed below.
Auto must give it wherever the installed jq does. %%FAIL cases must not compile. Exit 0 when all that holds and native
passes at least WANTED cases; -v shows each program that native refuses.
"""
import sys

from exprs import Driver, jq_run, texts_equal

WANTED = 250

# Programs (and inputs) where we mean to differ from what the file says: why.
INTENDED = {
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
        self.positive = self.negative = self.passed = self.auto_passed = self.unclaimed = self.intended = 0
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
        intended = (program, text) in INTENDED or program in INTENDED
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
        else:
            self.fail(line, 'native is wrong', program, text, ' '.join(expected), native)
        self.auto_case(line, program, text, expected, intended or native.end not in ('refused',))

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
    print(f'{tally.positive} cases: native passes {tally.passed}, refuses {tally.unclaimed}, differs on purpose in '
          f'{tally.intended}; auto passes {tally.auto_passed}; {tally.unusable} inputs are not JSON; '
          f'{tally.negative} programs that must not compile; {len(tally.failures)} failures')
    if tally.passed < WANTED:
        print(f'native passes fewer than {WANTED}')
    sys.exit(1 if tally.failures or tally.passed < WANTED else 0)


if __name__ == '__main__':
    main()

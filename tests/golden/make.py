#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files: the same bytes on every machine and every day.

good.py and bad.py say what the files hold; this writes them into good/ and
bad/, each with a file EXPECTED (name, grade, exit code and number of records
that a reader with the default limits hands on), and for the good ones a .json
with a line for each record, as decode.py prints it.  The expectations come from
what was encoded and never from a decoder.  With --check nothing is written: it
fails where a file on disk is missing, superfluous or not the one made now.
"""

import json
import os
import sys

import bad
import encode
import good

HERE = os.path.dirname(os.path.abspath(__file__))
EXIT = {'end': 0, 'eof': 0, 'limit': 3, 'truncated': 5, 'upstream': 5, 'corrupt': 6}


def expected_table(cases):
    """The text of EXPECTED from (name, grade, records)."""
    lines = ['# made by make.py: name, grade, exit code, records in front of the end\n']
    lines += ['%s %s %d %d\n' % (name, grade, EXIT[grade], records) for name, grade, records in sorted(cases)]
    return ''.join(lines).encode()


def json_text(lines):
    return ''.join(json.dumps(encode.shorten(line), separators=(',', ':')) + '\n' for line in lines).encode()


def all_files():
    """Path below this directory -> bytes, for everything that is golden."""
    files = {}
    table = []
    for case in good.cases():
        assert 'good/%s.leat' % case.name not in files, case.name
        files['good/%s.leat' % case.name] = case.stream
        files['good/%s.json' % case.name] = json_text(case.lines)
        table.append((case.name, case.grade, len(case.lines)))
    files['good/EXPECTED'] = expected_table(table)
    table = []
    for name, stream, grade, records in bad.cases():
        assert 'bad/%s.leat' % name not in files, name
        files['bad/%s.leat' % name] = stream
        table.append((name, grade, records))
    files['bad/EXPECTED'] = expected_table(table)
    return files


def on_disk():
    for folder in ('good', 'bad'):
        path = os.path.join(HERE, folder)
        for name in os.listdir(path) if os.path.isdir(path) else []:
            yield '%s/%s' % (folder, name)


def check(files):
    """The names of the files that differ from those on disk."""
    wrong = set(files) ^ set(on_disk())
    for name in set(files) - wrong:
        with open(os.path.join(HERE, name), 'rb') as file:
            if file.read() != files[name]:
                wrong.add(name)
    return sorted(wrong)


def write(files):
    for name in check(files):
        path = os.path.join(HERE, name)
        if name not in files:
            os.remove(path)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(files[name])


def main():
    if sys.argv[1:] not in ([], ['--check']):
        print('usage: make.py [--check]', file=sys.stderr)
        return 2
    files = all_files()
    if not sys.argv[1:]:
        write(files)
        return 0
    wrong = check(files)
    for name in wrong:
        print('%s is not what make.py makes' % name, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

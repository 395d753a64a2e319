#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the examples of leat-expr(7), which are all its literal blocks, and compare its lists of functions.

usage: expr_page.py lines PAGE      RECORD | EXPRESSION => RESULTS, with leat map: the same bytes
       expr_page.py jq PAGE         the same with leat map --engine jq: the same values, or what the page says of jq
       expr_page.py commands PAGE   blocks of commands ("$ ", "> " goes on) and their output
       expr_page.py session PAGE    the same, all blocks of a page that teaches one behind the other in one folder
       expr_page.py functions PAGE  name/arity of each function that the page explains, one a line
       expr_page.py index PAGE      the same from its INDEX
       expr_page.py jq-functions PAGE  those that it says run in jq

A block stands between .Bd -literal and .Ed; in Markdown (a PAGE that ends in .md) between ```console and ```, or it is a
run of lines that begin with four spaces, and the folder examples beside the page is there. A line that begins with space
goes on with the line before. RESULTS are JSON values with ", " between, "(nothing)", or "error: REASON"; behind them may
stand "(jq: RESULTS)" or "(not in jq)", which is checked where jq is 1.6. Differences go to stdout; the exit code is 1
when there are any.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

ESCAPES = {"e": "\\", "&": "", "-": "-", "(aq": "'", "(ga": "`", "(ha": "^", "(ti": "~", "(dq": '"', "(rA": "\u21d2"}
ESCAPE = re.compile(r"\\(\(..|\[u[0-9A-F]{4,6}\]|.)")
ARROW = " \u21d2 "


def plain(text):
    """A literal line as it is shown."""
    return ESCAPE.sub(lambda m: chr(int(m[1][2:-1], 16)) if m[1][0] == "[" else ESCAPES[m[1]], text)


def markdown_blocks(page):
    """(line number, lines) of each block of commands; what else is indented or fenced is none."""
    fenced, found = False, []
    for at, line in enumerate([*open(page, encoding="utf-8").read().split("\n"), ""], 1):
        inside = line != "```" if fenced else line.startswith("    ")
        if inside:
            found.append(line if fenced else line[4:])
        elif found:
            if is_commands(found):
                yield at - len(found), found
            found = []
        fenced = inside if fenced else line == "```console"


def blocks(page):
    """(line number, lines) of each literal block."""
    if page.endswith(".md"):
        yield from markdown_blocks(page)
        return
    found, lines = None, open(page, encoding="utf-8").read().split("\n")
    for at, line in enumerate(lines, 1):
        if line.startswith(".Bd -literal"):
            found, begin = [], at + 1
        elif line == ".Ed" and found is not None:
            yield begin, found
            found = None
        elif found is not None:
            found.append(plain(line))


def is_commands(lines):
    return lines[0].startswith("$ ")


def one_line_each(begin, lines):
    """Lines that go on put together, with their numbers."""
    whole = []
    for at, line in enumerate(lines, begin):
        if line.startswith(" "):
            whole[-1][1] += " " + line.strip()
        else:
            whole.append([at, line])
    return whole


def values(text):
    """The texts of JSON values with ', ' between them."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while True:
        _, end = decoder.raw_decode(text, at)
        found.append(text[at:end])
        if end == len(text):
            return found
        if text[end:end + 2] != ", ":
            raise ValueError(f"no results: {text}")
        at = end + 2


def results(text):
    """('values', texts) or ('error', reason)."""
    if text.startswith("error: "):
        return "error", text[len("error: "):]
    return "values", [] if text == "(nothing)" else values(text)


class Example:
    """record, program, wanted, and jq: what jq gives or None for the same, 'unknown' when jq has no such thing."""

    def __init__(self, line):
        left, right = line.rsplit(ARROW, 1)
        self.jq = None
        if right.endswith(" (not in jq)"):
            right, self.jq = right[:-len(" (not in jq)")], "unknown"
        elif right.endswith(")") and " (jq: " in right:
            right, other = right[:-1].split(" (jq: ", 1)
            self.jq = results(other)
        self.wanted = results(right)
        self.record, self.program = "null", left
        try:
            _, end = json.JSONDecoder().raw_decode(left)
            if left[end:end + 3] == " | ":
                self.record, self.program = left[:end], left[end + 3:]
        except ValueError:
            pass

    def run(self, command, program=None, record=None):
        command = command + [program or self.program]
        try:
            return subprocess.run(command, input=(record or self.record) + "\n", capture_output=True, text=True,
                                  encoding="utf-8", errors="replace", timeout=60)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, -1, "", "no end in a minute")


def examples(page):
    for begin, lines in blocks(page):
        if not is_commands(lines):
            for at, line in one_line_each(begin, lines):
                try:
                    yield at, line, Example(line)
                except ValueError as e:
                    yield at, line, str(e)


def same(a, b):
    """Equal JSON values; 1 and 1.0 are, 1 and true are not."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def differs(wanted, run, exact):
    """None, or what the run gave instead."""
    kind, what = wanted
    got = f"exit {run.returncode}\n{run.stdout}{run.stderr}".rstrip()
    if kind == "error":
        return None if run.returncode in (3, 5) and what in run.stderr else got
    if run.returncode != 0:
        return got
    lines = run.stdout.split("\n")[:-1]
    if exact:
        return None if lines == what else got
    try:
        ok = same([json.loads(line) for line in lines], [json.loads(text) for text in what])
    except ValueError:
        ok = False
    return None if ok else got


def check_line(example):
    """On the record; and with the record as the first part of the program, where only spelling may differ."""
    command = ["leat", "map", "-j", "-i", "json", "--"]
    return (differs(example.wanted, example.run(command), True) or
            differs(example.wanted, example.run(command, f"{example.record} | {example.program}", "null"), False))


def check_jq(example, command, is_1_6):
    run = example.run(command)
    if example.jq is None and example.wanted[0] == "error": # jq has other words for many
        return None if run.returncode in (3, 5) else f"exit {run.returncode}"
    if example.jq is None:
        return differs(example.wanted, run, False)
    if not is_1_6:
        return None
    if example.jq != "unknown":
        return differs(example.jq, run, False)
    return None if differs(example.wanted, run, False) else "jq knows it"


def run_lines(page, check):
    """Check every line, as many at a time as there are processors."""
    todo, failed = list(examples(page)), 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        got = pool.map(lambda one: one[2] if isinstance(one[2], str) else check(one[2]), todo)
        for (at, line, _), what in zip(todo, got):
            if what is not None:
                failed += 1
                print(f"{os.path.basename(page)}:{at}: {line}\n    {what}".replace("\n", "\n    "))
    print(f"# {len(todo)} examples, {failed} differ")
    return failed or not todo


def command_blocks(page, together):
    found = [(begin, lines) for begin, lines in blocks(page) if is_commands(lines)]
    return [(found[0][0], [line for _, lines in found for line in lines])] if together and found else found


def run_commands(page, together=False):
    """Each block in a folder and with a log of its own; or all together in one."""
    mark, ran, failed = "~~ next ~~", 0, 0
    for begin, lines in command_blocks(page, together):
        steps = []  # [command, output lines]
        for line in lines:
            if line.startswith("$ "):
                steps.append([line[2:], []])
            elif line.startswith("> ") and not steps[-1][1]:
                steps[-1][0] += "\n" + line[2:]
            else:
                steps[-1][1].append(line)
        script = "".join(f"{command}\n{{ s=$?; echo '{mark}'; (exit $s); }}\n" for command, _ in steps)
        with tempfile.TemporaryDirectory() as folder:
            if page.endswith(".md"):
                os.symlink(os.path.join(os.path.dirname(os.path.abspath(page)), "examples"), f"{folder}/examples")
            run = subprocess.run(["bash", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 env={**os.environ, "LEAT_DIR": os.path.join(folder, "log")}, text=True, timeout=60)
        texts = run.stdout.split(mark + "\n")
        if len(texts) <= len(steps):
            failed += 1
            print(f"{os.path.basename(page)}:{begin}: the shell ended at command {len(texts)} of {len(steps)}")
        for (command, wanted), got in zip(steps, texts):
            ran += 1
            if got.split("\n")[:-1] != wanted:
                failed += 1
                print(f"{os.path.basename(page)}:{begin}: $ {command}\n    " + got.replace("\n", "\n    "))
    print(f"# {ran} commands, {failed} differ")
    return failed or not ran


SIGNATURE = re.compile(r"(@?\b[A-Za-z]\w*)(\(([^)]*)\))?")


def functions(page):
    """What the tags of the lists in FUNCTIONS explain."""
    inside, found = False, []
    for line in open(page, encoding="utf-8"):
        if line.startswith(".Sh "):
            inside = line == ".Sh FUNCTIONS\n"
        elif inside and line.startswith(".It Ic "):
            for name, arguments, words in SIGNATURE.findall(line[len(".It Ic "):]):
                signature = f"{name}/{words.count(';') + 1 if arguments else 0}"
                if signature not in found:
                    found.append(name if name.startswith("@") else signature)
    return found


def names(page, begin):
    """The names/arities of a section that is a list of them."""
    text = open(page, encoding="utf-8").read().split(f"\n{begin}\n", 1)[1]
    return re.findall(r"(?<!\S)(?:@\w+|[A-Za-z]\w*/\d+)", re.split(r"\n\.S[hs] ", text)[0])


def main(words):
    if len(words) != 3 or words[1] not in ("lines", "jq", "commands", "session", "functions", "index",
                                               "jq-functions"):
        sys.exit(__doc__)
    mode, page = words[1:]
    if mode == "lines":
        return run_lines(page, check_line)
    if mode == "jq":
        command = os.environ.get("EXPR_PAGE_JQ", "leat map -j -i json --engine jq --").split()
        version = subprocess.run(["jq", "--version"], capture_output=True, text=True).stdout
        return run_lines(page, lambda example: check_jq(example, command, version.startswith("jq-1.6")))
    if mode in ("commands", "session"):
        return run_commands(page, mode == "session")
    if mode == "functions":
        found = functions(page)
    else:
        found = names(page, ".Sh INDEX" if mode == "index" else ".Ss What runs in jq")
    print("\n".join(found))
    return 0


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv) else 0)

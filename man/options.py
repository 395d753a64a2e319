#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keep the OPTIONS sections of the manual pages in step with the option tables.

usage: options.py refresh BUILD MAN    rewrite them (make man-options)
       options.py check BUILD MAN      say which differ, exit 1 (make check)

A page MAN/leat-TOOL.1 holds its options between two comment lines; everything else in it is written by hand. The
table comes from `--dump-options` of the programs in BUILD.
"""
import difflib
import os
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "completions"))
sys.dont_write_bytecode = True
import generate  # noqa: E402  (reads the dumps)

BEGIN = '.\\" options: begin (made from the option table)\n'
END = '.\\" options: end\n'


def mdoc_text(text):
    """A line of plain text in mdoc."""
    text = text.replace("\\", "\\e")
    return "\\&" + text if text[:1] in (".", "'") else text


def mdoc_sentence(text):
    """The help text as a sentence: capital, full stop, each sentence on its own line."""
    text = text[:1].upper() + text[1:] + "."
    return "\n".join(mdoc_text(part) for part in text.replace("; ", ";\n").split("\n"))


def mdoc_choices(option):
    shown = []
    for i, choice in enumerate(option.choices):
        word, _, value = choice.partition("=")
        end = " ." if i == len(option.choices) - 1 else " or" if i == len(option.choices) - 2 else " ,"
        text = f".Cm {word}" + (f" Ns = Ns Ar {value}" if value else "")
        shown.append(text + (end if end != " or" else "") + ("\nor" if end == " or" else ""))
    return ("One of\n" if len(option.choices) > 1 else "") + "\n".join(shown)


def mdoc_wrapped(body):
    """Lines of text cut below 80 columns; a word that would begin a line as a macro is kept from it."""
    out = []
    for line in body.split("\n"):
        if line.startswith(".") or len(line) < 80:
            out.append(line)
            continue
        parts = textwrap.wrap(line, 77, break_long_words=False, break_on_hyphens=False)
        out += parts[:1] + ["\\&" + p if p[0] in ".'" else p for p in parts[1:]]
    return "\n".join(out)


def mdoc_option(option):
    shown = []
    value = {"none": "", "required": f" Ns = Ns Ar {option.arg}", "optional": f" Ns Op = Ns Ar {option.arg}"}[option.mode]
    if option.letter:
        shown.append(f"Fl {option.letter}" + (f" Ar {option.arg}" if option.mode == "required" else ""))
    shown += [f"Fl -{word[2:]}{value}" for word in option.longs]
    body = option.man or mdoc_sentence(option.help)
    if option.choices:
        body += "\n" + mdoc_choices(option)
    return ".It " + " , ".join(shown) + "\n" + mdoc_wrapped(body) + "\n"


def mdoc_options(options):
    out = [".Bl -tag -width Ds\n"] + [mdoc_option(o) for o in options] + [".El\n"]
    return "".join(out)


def sections(options):
    """(section, options), each section once, in the order of first appearance."""
    found = {}
    for option in options:
        found.setdefault(option.section, []).append(option)
    return found.items()


def mdoc_table(tool):
    out = []
    for command in tool.commands:
        if not command.options:
            continue
        out.append(f".Ss Options of {command.name}\n" + mdoc_options(command.options))
    for name, options in sections(tool.options):
        # The first section needs no heading when it is the tool's only one of its own.
        shared = "Options of all commands" if tool.commands else ""
        heading = f".Ss {shared if name == 'Options' else name}\n" if shared or name != "Options" else ""
        out.append(heading + mdoc_options(options))
    return "".join(out)


def page_with(text, table):
    head, mark, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not mark or not end:
        raise SystemExit("no 'options: begin' and 'options: end' lines")
    return head + mark + table + end + tail


def main():
    mode, build, folder = sys.argv[1:]
    dispatcher, tools = generate.load(build)
    known = {c.name: c.summary for c in dispatcher.commands}
    wrong = 0
    for tool in tools:
        path = os.path.join(folder, f"leat-{tool.name}.1")
        if not os.path.exists(path):
            if tool.name in known:
                print(f"{path}: there is no page for this tool")
                wrong += 1
            continue
        with open(path, encoding="utf-8") as f:
            text = f.read()
        want = page_with(text, mdoc_table(tool))
        if want == text:
            continue
        if mode == "refresh":
            with open(path, "w", encoding="utf-8") as f:
                f.write(want)
            print(f"{path}: refreshed")
        else:
            sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), want.splitlines(True), path, "option table"))
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

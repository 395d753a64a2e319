#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the completions of bash, zsh and fish from the option tables.

usage: generate.py BUILD OUT    writes OUT/leat.bash, OUT/_leat, OUT/leat.fish

What there is to know comes from `--dump-options` of each program in BUILD (libcommon/cli/option_help.c describes its
lines), so the files need no upkeep: `make completions` makes them again, `make check` fails when they differ.
"""
import os
import subprocess
import sys
from dataclasses import dataclass, field

NOTE = "Made from the option tables by `make completions`; changes belong there."
UNESCAPE = {"n": "\n", "t": "\t", "\\": "\\"}


@dataclass
class Option:
    command: str
    section: str
    letter: str
    name: str
    kind: str
    arg: str
    mode: str
    choices: list
    complete: str
    negatable: bool
    help: str
    man: str

    @property
    def longs(self):
        return ["--" + self.name] + (["--no-" + self.name] if self.negatable else [])

    @property
    def words(self):
        return (["-" + self.letter] if self.letter else []) + self.longs


@dataclass
class Command:
    name: str
    summary: str
    operands: str
    complete: list
    options: list = field(default_factory=list)


@dataclass
class Tool(Command):
    commands: list = field(default_factory=list)


def unescape(text):
    out, it = [], iter(text)
    for c in it:
        out.append(UNESCAPE[next(it)] if c == "\\" else c)
    return "".join(out)


def fields(line):
    return ["" if f == "-" else unescape(f) for f in line.split("\t")[1:]]


def parse_dump(text):
    """One program's dump as a Tool."""
    tool, by_name = None, {}
    for line in text.splitlines():
        values = fields(line)
        if line.startswith("tool\t"):
            tool = Tool(values[0], values[1], values[2], values[3].split())
        elif line.startswith("command\t"):
            command = Command(values[0], values[1], values[2], values[3].split())
            by_name[command.name] = command
            tool.commands.append(command)
        elif line.startswith("option\t"):
            option = Option(*values[:7], values[7].split("|") if values[7] else [], values[8], values[9] == "yes",
                            *values[10:12])
            (by_name[option.command] if option.command else tool).options.append(option)
    return tool


def load(build):
    """The dispatcher, and the tools that are built, by name."""
    dump = lambda program: subprocess.run([program, "--dump-options"], stdin=subprocess.DEVNULL, check=True,
                                          capture_output=True, text=True).stdout
    dispatcher = parse_dump(dump(os.path.join(build, "leat")))
    names = sorted(n for n in os.listdir(build)
                   if n.startswith("leat-") and os.access(os.path.join(build, n), os.X_OK)
                   and os.path.isfile(os.path.join(build, n)))
    return dispatcher, [parse_dump(dump(os.path.join(build, n))) for n in names]


def pages():
    """What `leat help` has beside the tools: the manual's guides and formats."""
    man = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "man")
    return sorted(n[5:-2] for n in os.listdir(man) if n.startswith("leat-") and n[-2:] in (".5", ".7")) + ["leat"]


def contexts(tools):
    """(key, options, operand kinds) for each tool and each command: `consume`, `topic/create`, `topic`."""
    for tool in tools:
        yield tool.name, tool.options, tool.complete
        for command in tool.commands:
            yield f"{tool.name}/{command.name}", command.options + tool.options, command.complete


def choice_words(option):
    return [c.split("=")[0] + ("=" if "=" in c else "") for c in option.choices]


def sh_quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


# ---- bash ------------------------------------------------------------------------------------------------------------

BASH = r"""# bash completion for leat                                                         -*- shell-script -*-
# @NOTE@

# What to offer for one kind of word.
_leat_offer() {
    local kind=$1 cur=$2
    case $kind in
    file) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    dir) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null ;;
    topic) COMPREPLY=($(compgen -W "$(leat topic list --names 2>/dev/null </dev/null)" -- "$cur")) ;;
    group) COMPREPLY=($(compgen -W "$(leat group list --names 2>/dev/null </dev/null)" -- "$cur")) ;;
    page) COMPREPLY=($(compgen -W "$_leat_tools @PAGES@" -- "$cur")) ;;
    choice:*)
        COMPREPLY=($(compgen -W "${kind#choice:}" -- "$cur"))
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2>/dev/null ;;
    esac
    return 0
}

_leat_tools=@TOOLS@

# The commands of a tool.
_leat_commands() {
    case $1 in
@COMMANDS@
    *) echo ;;
    esac
}

# All option words in a context (a tool, or tool/command).
_leat_options() {
    case $1 in
@OPTIONS@
    esac
}

# The kind of value that an option wants: nothing when it takes none, `any` when there is nothing to offer.
_leat_value() {
    case $1:$2 in
@VALUES@
    esac
}

# The kinds of the operands in a context; the last one repeats.
_leat_operands() {
    case $1 in
@OPERANDS@
    esac
}

_leat() {
    local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} context='' commands='' kind operands=0 value='' only_operands='' i word
    COMPREPLY=()
    # `=` is a word of its own here: --in=json is `--in`, `=`, `json`.
    [[ $cur == '=' ]] && cur=''
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "$_leat_tools --help --version" -- "$cur"))
        return 0
    fi
    context=${COMP_WORDS[1]}
    commands=$(_leat_commands "$context")
    for ((i = 2; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $value ]]; then
            [[ $word == '=' ]] || value=''
        elif [[ -n $only_operands || $word != -?* ]]; then
            [[ $word == '=' ]] && continue
            if [[ -n $commands && $context != */* ]]; then
                context=$context/$word
            else
                ((operands++))
            fi
        elif [[ $word == -- ]]; then
            only_operands=1
        else
            value=$(_leat_value "$context" "$word")
            # The value of `--stats` is optional: it is there only behind `=`.
            [[ $value == '?'* && ${COMP_WORDS[i + 1]} != '=' ]] && value=''
        fi
    done
    value=${value#'?'}
    if [[ -n $value ]]; then
        _leat_offer "$value" "$cur"
    elif [[ $cur == -* && -z $only_operands ]]; then
        COMPREPLY=($(compgen -W "$(_leat_options "$context")" -- "$cur"))
    elif [[ -n $commands && $context != */* ]]; then
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    else
        local -a kinds
        read -ra kinds <<<"$(_leat_operands "$context")"
        ((${#kinds[@]} == 0)) && return 0
        ((operands >= ${#kinds[@]})) && operands=$((${#kinds[@]} - 1))
        _leat_offer "${kinds[operands]}" "$cur"
    fi
    return 0
}

complete -F _leat leat
"""


def value_kind(option):
    """As _leat_value tells it."""
    if option.mode == "none":
        return ""
    kind = "choice:" + " ".join(choice_words(option)) if option.choices else option.complete or "any"
    return ("?" if option.mode == "optional" else "") + kind


def make_bash(dispatcher, tools):
    commands, options, values, operands = [], [], [], []
    for tool in tools:
        if tool.commands:
            commands.append(f"    {tool.name}) echo {sh_quote(' '.join(c.name for c in tool.commands))} ;;")
    for key, table, complete in contexts(tools):
        words = [w for o in table for w in o.words]
        options.append(f"    {key}) echo {sh_quote(' '.join(words))} ;;")
        if complete:
            operands.append(f"    {key}) echo {sh_quote(' '.join(complete))} ;;")
        for o in table:
            kind = value_kind(o)
            if kind:
                patterns = "|".join(f"{key}:{w}" for w in o.words)
                values.append(f"    {patterns}) echo {sh_quote(kind)} ;;")
    operands.insert(0, "    help) echo page ;;")
    text = BASH.replace("@NOTE@", NOTE).replace("@PAGES@", " ".join(pages()))
    text = text.replace("@TOOLS@", sh_quote(" ".join(c.name for c in dispatcher.commands)))
    for mark, lines in (("@COMMANDS@\n", commands), ("@OPTIONS@\n", options), ("@VALUES@\n", values),
                        ("@OPERANDS@\n", operands)):
        text = text.replace(mark, "".join(line + "\n" for line in lines))
    return text


# ---- zsh -------------------------------------------------------------------------------------------------------------

ZSH = r"""#compdef leat
# @NOTE@

_leat_topics() { local -a names; names=(${(f)"$(leat topic list --names 2>/dev/null </dev/null)"}); compadd -a names }
_leat_groups() { local -a names; names=(${(f)"$(leat group list --names 2>/dev/null </dev/null)"}); compadd -a names }

_leat_tools() {
    local -a tools
    tools=(
@TOOLS@
    )
    _describe -t tools 'leat tool' tools
}
_leat_pages() { _leat_tools; compadd @PAGES@ }

@FUNCTIONS@
_leat() {
    local curcontext=$curcontext state line
    local -A opt_args
    _arguments -C '(- *)'{-h,--help}'[show this help]' '(- *)'{-V,--version}'[show the version]' \
        '1:tool:_leat_tools' '*::argument:->tool' && return 0
    [[ $state == tool ]] || return 1
    curcontext=${curcontext%:*}-$words[1]:
    case $words[1] in
    help) _arguments '1:page:_leat_pages' ;;
@CASES@
    *) _files ;;
    esac
}

_leat "$@"
"""

ZSH_ACTION = {"file": "_files", "dir": "_files -/", "topic": "_leat_topics", "group": "_leat_groups", "tool": "_leat_tools"}


def zsh_text(text):
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_value(option):
    if option.mode == "none":
        return ""
    if option.choices:
        action = "(" + " ".join(choice_words(option)) + ")"
    else:
        action = ZSH_ACTION.get(option.complete, " ")
    return ("::" if option.mode == "optional" else ":") + zsh_text(option.arg.lower()) + ":" + action


def zsh_option(option):
    """The specifications of one option for _arguments."""
    text = "[" + zsh_text(option.help) + "]"
    again = "*" if option.kind == "list" else ""
    others = "" if again or len(option.words) == 1 else "(" + " ".join(option.words) + ")"
    out = []
    for word in option.words:
        attach = ""
        if option.mode == "optional":
            attach = "-" if not word.startswith("--") else "=-"
        elif option.mode == "required":
            attach = "+" if not word.startswith("--") else "="
        out.append(sh_quote(f"{others}{again}{word}{attach}{text}{zsh_value(option)}"))
    return out


def zsh_operands(operands, complete):
    if not complete:
        return ["'*: : '"] if operands else []
    out = [sh_quote(f"{i + 1}:{kind}:{ZSH_ACTION.get(kind, ' ')}") for i, kind in enumerate(complete[:-1])]
    return out + [sh_quote(f"*:{complete[-1]}:{ZSH_ACTION.get(complete[-1], ' ')}")]


def zsh_arguments(options, rest):
    lines = [line for o in options for line in zsh_option(o)] + rest
    return "_arguments -s -S \\\n" + " \\\n".join("        " + line for line in lines)


def make_zsh(dispatcher, tools):
    functions, cases = [], []
    for tool in tools:
        function = "_leat_tool_" + tool.name.replace("-", "_")
        cases.append(f"    {tool.name}) {function} ;;")
        if not tool.commands:
            functions.append(f"{function}() {{\n    " + zsh_arguments(tool.options, zsh_operands(tool.operands, tool.complete)) + "\n}\n")
            continue
        described = "\n".join("        " + sh_quote(c.name + ":" + c.summary.replace(":", "\\:")) for c in tool.commands)
        branches = "\n".join(
            f"    {c.name}) " + zsh_arguments(c.options + tool.options, zsh_operands(c.operands, c.complete)) + " ;;"
            for c in tool.commands)
        functions.append(f"""{function}_commands() {{
    local -a commands
    commands=(
{described}
    )
    _describe -t commands 'command' commands
}}

{function}() {{
    local curcontext=$curcontext state line
    local -A opt_args
    _arguments -C '1:command:{function}_commands' '*::argument:->command' && return 0
    [[ $state == command ]] || return 1
    case $words[1] in
{branches}
    esac
}}
""")
    text = ZSH.replace("@NOTE@", NOTE).replace("@PAGES@", " ".join(pages()))
    names = "\n".join("        " + sh_quote(c.name + ":" + c.summary.replace(":", "\\:")) for c in dispatcher.commands)
    text = text.replace("@TOOLS@", names).replace("@FUNCTIONS@\n", "".join(f + "\n" for f in functions))
    return text.replace("@CASES@\n", "".join(c + "\n" for c in cases))


# ---- fish ------------------------------------------------------------------------------------------------------------

FISH = r"""# fish completion for leat
# @NOTE@

# True when the words so far name tool $argv[1] and, when it is given, command $argv[2].
function __leat_at
    set -l words (commandline -opc)
    set -e words[1]
    set -q words[1]; or return 1
    test "$words[1]" = "$argv[1]"; or return 1
    set -q argv[2]; or return 0
    contains -- $argv[2] $words[2..-1]
end

# True when tool $argv[1] is named, and none of its commands (the further arguments) yet.
function __leat_needs_command
    __leat_at $argv[1]; or return 1
    for word in (commandline -opc)
        contains -- $word $argv[2..-1]; and return 1
    end
    return 0
end

function __leat_needs_tool
    test (count (commandline -opc)) -eq 1
end

function __leat_topics
    leat topic list --names 2>/dev/null </dev/null
end

function __leat_groups
    leat group list --names 2>/dev/null </dev/null
end

complete -c leat -f
complete -c leat -n __leat_needs_tool -s h -l help -d 'show this help'
complete -c leat -n __leat_needs_tool -s V -l version -d 'show the version'
"""

FISH_ACTION = {"topic": "-a '(__leat_topics)'", "group": "-a '(__leat_groups)'", "dir": "-a '(__fish_complete_directories)'"}


def fish_quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_option(condition, option):
    start = f"complete -c leat -n {fish_quote(condition)}"
    words = (f" -s {option.letter}" if option.letter else "") + f" -l {option.name}"
    value = ""
    if option.mode == "optional":
        words = f" -l {option.name}"
        value = f" -a {fish_quote(' '.join(choice_words(option)))}" if option.choices else ""
    elif option.mode == "required":
        if option.choices:
            value = f" -x -a {fish_quote(' '.join(choice_words(option)))}"
        elif option.complete == "file":
            value = " -r -F"
        else:
            value = " -x " + FISH_ACTION.get(option.complete, "")
    lines = [f"{start}{words}{value.rstrip()} -d {fish_quote(option.help)}"]
    if option.negatable:
        lines.append(f"{start} -l no-{option.name} -d {fish_quote(option.help)}")
    return lines


def fish_operands(condition, complete):
    lines = []
    for kind in dict.fromkeys(complete):
        action = "-F" if kind == "file" else FISH_ACTION.get(kind, "")
        if action:
            lines.append(f"complete -c leat -n {fish_quote(condition)} {action}")
    return lines


def make_fish(dispatcher, tools):
    lines = []
    for c in dispatcher.commands:
        lines.append(f"complete -c leat -n __leat_needs_tool -a {c.name} -d {fish_quote(c.summary)}")
    lines.append("complete -c leat -n '__leat_at help' -a " + fish_quote(" ".join([c.name for c in dispatcher.commands] + pages())))
    for tool in tools:
        at = f"__leat_at {tool.name}"
        needs = f"__leat_needs_command {tool.name} " + " ".join(c.name for c in tool.commands)
        for c in tool.commands:
            lines.append(f"complete -c leat -n {fish_quote(needs)} -a {c.name} -d {fish_quote(c.summary)}")
        for option in tool.options:
            lines += fish_option(at, option)
        lines += fish_operands(at, tool.complete)
        for c in tool.commands:
            for option in c.options:
                lines += fish_option(f"{at} {c.name}", option)
            lines += fish_operands(f"{at} {c.name}", c.complete)
    return FISH.replace("@NOTE@", NOTE) + "".join(line + "\n" for line in lines)


def main():
    build, out = sys.argv[1:]
    dispatcher, tools = load(build)
    known = {c.name for c in dispatcher.commands}
    tools = [t for t in tools if t.name in known]
    for name, make in (("leat.bash", make_bash), ("_leat", make_zsh), ("leat.fish", make_fish)):
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            f.write(make(dispatcher, tools))


if __name__ == "__main__":
    main()

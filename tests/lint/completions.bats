#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The completions of bash, zsh and fish: checked in as the option tables have them, and tried in the shells themselves
# on a small set of made-up tools, so that what is offered is known to the word.

load ../cli/helpers

# A build folder of scripts: `leat` with topics and groups, a tool with options, a tool with commands.
setup() {
    fake=$BATS_TEST_TMPDIR/fake
    made=$BATS_TEST_TMPDIR/made
    mkdir "$fake" "$made"
    cat >"$fake/leat" <<'FAKE'
#!/bin/sh
case "$*" in
--dump-options) printf 'tool\t-\tall\t-\t-\ncommand\tconsume\tread: [records]\t-\t-\ncommand\ttopic\tkeep topics\t-\t-\ncommand\thelp\thelp\t-\ttool\n' ;;
"topic list --names") printf 'clicks\norders\n' ;;
"group list --names") printf 'readers\n' ;;
esac
FAKE
    printf '#!/bin/sh\ncat <<"END"\n%s\nEND\n' "$(
        printf 'tool\tconsume\tread: [records]\tTOPIC...\ttopic\n'
        printf 'option\t-\tOptions\to\toffset\tstring\tWHERE\trequired\t-\t-\tno\tit'"'"'s where: [to] begin\t-\n'
        printf 'option\t-\tOptions\tG\tgroup\tstring\tGROUP\trequired\t-\tgroup\tno\tgroup\t-\n'
        printf 'option\t-\tOutput\tO\tout\tchoice\tFORMAT\trequired\tjson|jpeg|csv\t-\tno\twhat\t-\n'
        printf 'option\t-\tOutput\t-\tsync\tchoice\tWHEN\trequired\tbatch|interval=D|none\t-\tno\twhen\t-\n'
        printf 'option\t-\tOutput\t-\toutput\tstring\tFILE\trequired\t-\tfile\tno\twhere\t-\n'
        printf 'option\t-\tGeneral\t-\tstats\tchoice\tFORMAT\toptional\ttext|json\t-\tno\ttotals\t-\n'
        printf 'option\t-\tGeneral\t-\tprogress\ttoggle\t-\tnone\t-\t-\tyes\tprogress\t-\n'
        printf 'option\t-\tGeneral\tH\theader\tlist\tNAME\trequired\t-\t-\tno\theader\t-\n'
    )" >"$fake/leat-consume"
    printf '#!/bin/sh\ncat <<"END"\n%s\nEND\n' "$(
        printf 'tool\ttopic\tkeep topics\t-\t-\n'
        printf 'command\tcreate\tmake one\tTOPIC\t-\n'
        printf 'option\tcreate\tOptions\tp\tpartitions\tnumber\tN\trequired\t-\t-\tno\thow many\t-\n'
        printf 'command\tdelete\tdelete them\tTOPIC...\ttopic\n'
        printf 'option\t-\tGeneral\td\tdir\tstring\tDIR\trequired\t-\tdir\tno\twhere\t-\n'
    )" >"$fake/leat-topic"
    chmod +x "$fake"/*
    python3 "$LEAT_SOURCE/completions/generate.py" "$fake" "$made"
    export PATH="$fake:$PATH"
    touch "$BATS_TEST_TMPDIR/a file"
    mkdir "$BATS_TEST_TMPDIR/folder"
    cd "$BATS_TEST_TMPDIR"
}

@test "the three files are as the option tables have them (make completions)" {
    mkdir now
    python3 "$LEAT_SOURCE/completions/generate.py" "$LEAT_BUILD" now
    diff -u "$LEAT_SOURCE/completions/leat.bash" now/leat.bash
    diff -u "$LEAT_SOURCE/completions/_leat" now/_leat
    diff -u "$LEAT_SOURCE/completions/leat.fish" now/leat.fish
}

# What bash offers for the line of words given; the last word is the one being typed. As readline does, `=` stands alone.
bash_offers() {
    bash --norc -c '
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _leat 2>&1; printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' bash "$made/leat.bash" "$@"
}

@test "bash completes tools, commands, options, choices, topics, groups and files" {
    equals "$(bash_offers leat con)" "consume "
    equals "$(bash_offers leat help to)" "topic "
    equals "$(bash_offers leat help win)" "windows "
    equals "$(bash_offers leat topic '')" "create delete "
    equals "$(bash_offers leat consume --o)" "--offset --out --output "
    equals "$(bash_offers leat consume --no)" "--no-progress "
    equals "$(bash_offers leat consume -O j)" "jpeg json "
    equals "$(bash_offers leat consume --out = j)" "jpeg json "
    equals "$(bash_offers leat consume --out =)" "csv jpeg json "
    equals "$(bash_offers leat consume --sync i)" "interval= "
    equals "$(bash_offers leat consume '')" "clicks orders "
    equals "$(bash_offers leat consume clicks o)" "orders "
    equals "$(bash_offers leat consume -o -5 c)" "clicks "
    equals "$(bash_offers leat consume -G '')" "readers "
    equals "$(bash_offers leat consume --output 'a')" "a file "
    equals "$(bash_offers leat consume --stats c)" "clicks "
    equals "$(bash_offers leat consume --stats = j)" "json "
    equals "$(bash_offers leat topic create --p)" "--partitions "
    equals "$(bash_offers leat topic delete --p)" " "
    equals "$(bash_offers leat topic -d folder delete c)" "clicks "
    equals "$(bash_offers leat topic delete -d f)" "fake folder "
}

@test "fish completes tools, commands, options, choices, topics and groups" {
    command -v fish >/dev/null || skip "fish is not installed"
    fish_offers() {
        fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$made/leat.fish" "$1" | cut -f 1 | sort | tr '\n' ' '
    }
    equals "$(fish_offers 'leat con')" "consume "
    equals "$(fish_offers 'leat help win')" "windows "
    equals "$(fish_offers 'leat topic ')" "create delete "
    equals "$(fish_offers 'leat consume --o')" "--offset --out --output "
    equals "$(fish_offers 'leat consume --no-')" "--no-progress "
    equals "$(fish_offers 'leat consume --out j')" "jpeg json "
    equals "$(fish_offers 'leat consume --out=j')" "--out=jpeg --out=json "
    equals "$(fish_offers 'leat consume ')" "clicks orders "
    equals "$(fish_offers 'leat consume -G ')" "readers "
    equals "$(fish_offers 'leat topic create --p')" "--partitions "
    equals "$(fish_offers 'leat topic delete --p')" ""
    equals "$(fish_offers 'leat topic delete c')" "clicks "
}

# Does an interactive zsh -f, on a terminal of its own, write $2 after the line $1 and two presses of the tab key? What is
# looked for is what zsh adds: the rest of a word, or an entry of the list below the line.
zsh_shows() {
    timeout 20 zsh -f -c '
        zmodload zsh/zpty
        zpty -b shell zsh -f -i
        zpty -w shell "PS1=; unsetopt zle_bracketed_paste; stty cols 200; fpath=($1 \$fpath); autoload -U compinit; compinit -D -u"
        zpty -w shell "LISTMAX=1000; setopt no_beep no_auto_menu; compdef _leat leat; print READ\"\"Y"
        zpty -r -m shell line "*READY*"
        zpty -w -n shell "$2"$'"'\t\t'"'
        line=
        zpty -r -m shell line "*$3*"
        [[ $line == *"$3"* ]]' zsh "$made" "$1" "$2" || { echo "no '$2' after '$1'"; return 1; }
}

@test "zsh completes tools, commands, options, choices, topics and groups" {
    command -v zsh >/dev/null || skip "zsh is not installed"
    zsh -f -n "$made/_leat"
    zsh_shows 'leat con' "sume"
    zsh_shows 'leat ' "keep topics"
    zsh_shows 'leat help arc' "hive"
    zsh_shows 'leat help to' "pic"
    zsh_shows 'leat topic ' "make one"
    zsh_shows 'leat consume --of' "set"
    zsh_shows 'leat consume --out j' "jpeg"
    zsh_shows 'leat consume c' "licks"
    zsh_shows 'leat consume -G re' "aders"
    zsh_shows 'leat topic create --par' "titions"
}

@test "the checked-in completions load without a word in bash, zsh -f and fish" {
    run bash --norc -c 'source "$1" && complete -p leat' bash "$LEAT_SOURCE/completions/leat.bash"
    equals "$output" "complete -F _leat leat"
    command -v zsh >/dev/null && {
        run zsh -f -c 'fpath=($1 $fpath); autoload -U compinit; compinit -D -u; autoload +X _leat; print ${_comps[leat]}' zsh "$LEAT_SOURCE/completions"
        equals "$output" "_leat"
    }
    command -v fish >/dev/null || return 0
    run fish --no-config -c 'source $argv[1]' "$LEAT_SOURCE/completions/leat.fish"
    equals "$output" ""
    [[ $status -eq 0 ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `make install` and `make uninstall`: into a folder of its own, run from there, and removed without a trace. What is
# installed is what has been built: make is told that `all` is done.

load helpers

setup() {
    to="$BATS_TEST_TMPDIR/a folder/opt/leat"
}

make_quietly() { # TARGET
    exits 0 make -C "$LEAT_SOURCE" -o all BUILD="$LEAT_BUILD" DESTDIR="$BATS_TEST_TMPDIR/a folder" PREFIX=/opt/leat "$1"
}

# What must be there, in the order of sort: a line for each tool that has been built, page and completion.
files_wanted() {
    local file
    {
        echo "755 bin/leat"
        for file in "$LEAT_SOURCE"/cmd/*/; do
            file=$(basename "$file")
            [[ $file == leat ]] || echo "755 libexec/leat/leat-$file"
        done
        for file in "$LEAT_SOURCE"/man/*.[1-9]; do
            echo "644 share/man/man${file##*.}/$(basename "$file")"
        done
        echo "644 share/bash-completion/completions/leat"
        echo "644 share/zsh/site-functions/_leat"
        echo "644 share/fish/vendor_completions.d/leat.fish"
    } | sort
}

@test "install puts tools, pages and completions in their places, and nothing else; uninstall takes them away" {
    make_quietly install
    cd "$to"
    equals "$(find . -type f -printf '%m %P\n' | sort)" "$(files_wanted)"
    echo "somebody else's" >libexec/leat/leat-mine
    make_quietly uninstall
    equals "$(find . -type f -printf '%P\n')" "libexec/leat/leat-mine"
    rm libexec/leat/leat-mine
    make_quietly install
    make_quietly uninstall
    equals "$(find . -type f -o -path '*libexec/leat')" ""
}

@test "what is installed runs from there: pipes, help, the version, the manual" {
    make_quietly install
    PATH=$to/bin:/usr/bin:/bin
    exits 0 bash -o pipefail -c 'leat gen clicks -c 5 | leat produce t && leat consume t -e | leat map .user -j'
    equals "${#lines[@]}" 5
    exits 0 leat --version
    equals "$output" "$("$LEAT_BUILD/leat" --version)"
    exits 0 leat help window
    contains "$output" "leat window"
    exits 0 leat help windows
    contains "$output" "LEAT-WINDOWS(7)"
    exits 0 mman -M "$to/share/man" leat-window
    contains "$output" "LEAT-WINDOW(1)"
}

@test "leat help shows the page that is installed with it" {
    make_quietly install
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\necho "man $*"\n' >"$BATS_TEST_TMPDIR/bin/man"
    chmod +x "$BATS_TEST_TMPDIR/bin/man"
    PATH=$to/bin:$BATS_TEST_TMPDIR/bin:/usr/bin:/bin
    on_terminal 'leat help window; leat help'
    equals "${lines[0]%$'\r'}" "man $to/bin/../share/man/man1/leat-window.1"
    equals "${lines[1]%$'\r'}" "man $to/bin/../share/man/man1/leat.1"
    # A packed page has another name; it is left to man to find it.
    gzip "$to/share/man/man1/leat-window.1"
    on_terminal 'leat help window'
    equals "${lines[0]%$'\r'}" "man leat-window"
}

@test "the installed completions load and complete" {
    make_quietly install
    export PATH=$to/bin:$PATH
    # shellcheck disable=SC2016 # it is for the inner shell
    run bash --norc -c 'source "$1"; COMP_WORDS=(leat con); COMP_CWORD=1; _leat; echo "${COMPREPLY[@]}"' bash \
        "$to/share/bash-completion/completions/leat"
    equals "$output" "consume"
}

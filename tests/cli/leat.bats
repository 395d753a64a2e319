#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The dispatcher, and what it shares with every tool: help, version, unknown words, output that cannot be written.

load helpers

# A libexec folder with one tool that shows how it was called.
setup() {
    mkdir "$BATS_TEST_TMPDIR/libexec"
    printf '#!/bin/sh\nprintf "%%s\\n" "$0" "$@"\nexit 7\n' >"$BATS_TEST_TMPDIR/libexec/leat-probe"
    chmod +x "$BATS_TEST_TMPDIR/libexec/leat-probe"
}

@test "a tool is executed from LEAT_LIBEXEC, with its arguments and its exit code" {
    LEAT_LIBEXEC=$BATS_TEST_TMPDIR/libexec exits 7 leat probe -x 'two words' --help
    equals "$output" "$BATS_TEST_TMPDIR/libexec/leat-probe"$'\n-x\ntwo words\n--help'
}

@test "a tool is found beside the program and in ../libexec/leat" {
    mkdir -p "$BATS_TEST_TMPDIR/prefix/bin" "$BATS_TEST_TMPDIR/prefix/libexec/leat"
    cp "$LEAT_BUILD/leat" "$BATS_TEST_TMPDIR/prefix/bin/"
    cp "$BATS_TEST_TMPDIR/libexec/leat-probe" "$BATS_TEST_TMPDIR/prefix/libexec/leat/"
    exits 7 "$BATS_TEST_TMPDIR/prefix/bin/leat" probe a
    contains "$output" $'leat-probe\na'
    mv "$BATS_TEST_TMPDIR/prefix/libexec/leat/leat-probe" "$BATS_TEST_TMPDIR/prefix/bin/"
    exits 7 "$BATS_TEST_TMPDIR/prefix/bin/leat" probe b
    contains "$output" $'leat-probe\nb'
}

@test "an unknown tool is exit 2 and suggests the nearest" {
    exits 2 leat consme
    equals "$output" ""
    equals "${stderr_lines[0]}" "leat: unknown tool 'consme'; did you mean 'consume'?"
    exits 2 leat qqqqqqqq
    equals "${stderr_lines[0]}" "leat: unknown tool 'qqqqqqqq'"
}

@test "a tool's name is not a path" {
    mkdir "$BATS_TEST_TMPDIR/leat-x"
    cp "$BATS_TEST_TMPDIR/libexec/leat-probe" "$BATS_TEST_TMPDIR/leat-x/probe"
    LEAT_LIBEXEC=$BATS_TEST_TMPDIR exits 2 leat x/probe
    LEAT_LIBEXEC=$BATS_TEST_TMPDIR/libexec exits 2 leat ../libexec/leat-probe
}

@test "a tool that cannot be executed is exit 4 with the reason" {
    chmod -x "$BATS_TEST_TMPDIR/libexec/leat-probe"
    LEAT_LIBEXEC=$BATS_TEST_TMPDIR/libexec exits 4 leat probe
    equals "$stderr" "leat: cannot run 'leat-probe': Permission denied"
}

@test "words from outside are made safe in messages" {
    exits 2 leat $'\e[31m\xe2\x80\xaetool'
    equals "${stderr_lines[0]}" "leat: unknown tool '\\x1b[31m\\u202etool'"
}

@test "no tool at all is exit 2 and names them" {
    exits 2 leat
    contains "$stderr" "leat: a tool is needed: produce, consume, "
}

@test "help lists the tools on stdout, in 80 columns" {
    exits 0 leat --help
    equals "$stderr" ""
    contains "$output" $'\n  consume       read records of topics\n'
    [[ $(awk 'length > 80' <<<"$output") == "" ]]
    help=$output
    exits 0 leat help
    equals "$output" "$help"
}

@test "help TOOL and --help TOOL ask the tool" {
    LEAT_LIBEXEC=$BATS_TEST_TMPDIR/libexec exits 7 leat help probe
    contains "$output" "--help"
    LEAT_LIBEXEC=$BATS_TEST_TMPDIR/libexec exits 7 leat --help probe
    contains "$output" "--help"
    exits 2 leat help consme
    contains "$stderr" "did you mean 'consume'?"
}

# A prefix with a leat of its own, pages and a man(1) of the name $1 that says how it was called.
prefix_with() {
    mkdir -p prefix/bin prefix/share/man/man1 prefix/share/man/man7
    cp "$LEAT_BUILD/leat" prefix/bin/
    : >prefix/share/man/man1/leat.1 >prefix/share/man/man7/leat-time.7
    printf '#!/bin/sh\necho "%s $*"\n' "$1" >"prefix/bin/$1"
    chmod +x "prefix/bin/$1"
}

@test "help NAME shows a page that is no tool, into a pipe, too" {
    cd "$BATS_TEST_TMPDIR"
    prefix_with man
    local name pages=$PWD/prefix/bin/../share/man
    for name in time leat-time; do
        exits 0 env PATH="$PWD/prefix/bin" leat help $name
        equals "$output" "man $pages/man7/leat-time.7"
    done
    exits 0 env PATH="$PWD/prefix/bin" leat help leat
    equals "$output" "man $pages/man1/leat.1"
    exits 0 env PATH="$PWD/prefix/bin" leat help expr # it is not in this prefix: man finds it, or says that it does not
    equals "$output" "man leat-expr"
    mkdir -p tree/build tree/man
    cp "$LEAT_BUILD/leat" tree/build/
    cp prefix/share/man/man7/leat-time.7 tree/man/
    exits 0 env PATH="$PWD/prefix/bin" tree/build/leat help time
    equals "$output" "man $PWD/tree/build/../man/leat-time.7"
}

@test "help NAME takes mandoc where there is no man, and else says where the page is" {
    cd "$BATS_TEST_TMPDIR"
    prefix_with mandoc
    local page=$PWD/prefix/bin/../share/man/man7/leat-time.7
    exits 0 env PATH="$PWD/prefix/bin" leat help time
    equals "$output" "mandoc $page"
    exits 4 env PATH= prefix/bin/leat help time
    equals "${stderr_lines[0]}" "leat: cannot show 'leat-time': there is neither man(1) nor mandoc(1)"
    equals "${stderr_lines[1]}" "  hint: it is the file '$page'"
}

@test "help without a name lists the pages that are no tools; help leat-TOOL is help TOOL" {
    exits 0 leat help
    contains "$output" $'\n\nGuides and formats:\n  leat '
    contains "$output" $'\n  time          event time: '
    exits 0 leat help leat-gen
    equals "$output" "$(leat gen --help)"
    exits 2 leat time
    equals "$stderr" $'leat: unknown tool \'time\'\n  hint: \'leat help time\' shows the page of this name'
    exits 2 leat help archve
    equals "$stderr" $'leat: unknown page \'archve\'; did you mean \'archive\'?\n  hint: \'leat --help\' lists the pages'
}

@test "version tells number, commit, features and libraries; that of a tool number and commit" {
    exits 0 leat --version
    equals "${#lines[@]}" 3
    [[ ${lines[0]} =~ ^leat\ [0-9]+\.[0-9]+\.[0-9]+\ \(commit\ ([0-9a-f]+\+?|unknown)\)$ ]]
    [[ ${lines[1]} =~ ^features:\ JSON\ (AVX-512|AVX2|portable),\ CRC-32C\ (AVX-512|SSE4.2|portable),\ libjq\ (present|absent) ]]
    [[ ${lines[2]} == "libraries: "* ]]
    local first=${lines[0]} libraries=${lines[2]} library tool
    for library in zstd jansson PCRE2 SQLite libarchive libcurl zlib; do
        [[ "$libraries," =~ [\ ,]$library\ [0-9]+\.[0-9]+(\.[0-9]+)?, ]] || { echo "no $library in: $libraries"; return 1; }
    done
    exits 0 leat -V
    equals "${lines[0]}" "$first"
    for tool in "$LEAT_BUILD"/leat-*; do
        [[ -f $tool && -x $tool ]] || continue
        tool=${tool##*/leat-}
        exits 0 leat "$tool" --version
        equals "$output" "leat $tool ${first#leat }"
    done
}

@test "features are this machine's: the paths of the processor, and libjq where it can be loaded" {
    [[ $(uname -m) == x86_64 ]] || skip "the paths of another processor"
    local flags json=portable crc=portable
    flags=" $(sed -n 's/^flags[^:]*: //p;/^flags/q' /proc/cpuinfo) "
    [[ $flags == *" avx2 "* && $flags == *" pclmulqdq "* ]] && json=AVX2
    [[ $flags == *" avx512_vbmi2 "* && $flags == *" avx512bw "* ]] && json=AVX-512
    [[ $flags == *" sse4_2 "* && $flags == *" pclmulqdq "* ]] && crc=SSE4.2
    [[ $flags == *" vpclmulqdq "* && $flags == *" avx512vl "* ]] && crc=AVX-512
    exits 0 leat --version
    contains "${lines[1]}" "features: JSON $json, CRC-32C $crc, libjq present"
    # A library of that name that is none: it cannot be loaded.
    mkdir "$BATS_TEST_TMPDIR/lib"
    echo none >"$BATS_TEST_TMPDIR/lib/libjq.so.1"
    LD_LIBRARY_PATH=$BATS_TEST_TMPDIR/lib exits 0 leat --version
    contains "${lines[1]}" ", libjq absent"
}

@test "--quiet shows no progress by itself; --progress does all the same" {
    local slow='for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done'
    on_terminal "($slow) | leat filter . >/dev/null"
    contains "$output" " records, "
    on_terminal "($slow) | leat filter . --quiet >/dev/null"
    equals "$output" ""
    on_terminal "($slow) | leat filter . -q --progress >/dev/null"
    contains "$output" " records, "
}

@test "an unknown option is exit 2 and suggests the nearest" {
    exits 2 leat --verson
    equals "${stderr_lines[0]}" "leat: unknown option '--verson'; did you mean '--version'?"
}

@test "help that cannot be written is exit 4" {
    run --separate-stderr bash -c 'leat --help >/dev/full'
    equals "$status" 4
    equals "$stderr" "leat: cannot write to standard output: No space left on device"
}

@test "a reader of the help that went away is no failure" {
    run --separate-stderr bash -c 'set -o pipefail; (trap "" PIPE; leat --help) | true'
    equals "$status" 0
    equals "$stderr" ""
}

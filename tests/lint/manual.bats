#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The manual pages: sound mdoc, one for each tool, OPTIONS as the option tables have them.

load ../cli/helpers

@test "mandoc has nothing to warn about in any page" {
    # At every level, style included. Pages that are not installed here are referred to, and that is no fault.
    mandoc -Tlint "$LEAT_SOURCE"/man/*.[1-9] 2>/dev/null >"$BATS_TEST_TMPDIR/lint" || [[ $? -le 1 ]]
    equals "$(grep -v 'referenced manual not found' "$BATS_TEST_TMPDIR/lint")" ""
}

@test "every tool has its page, and no page is without its tool" {
    cd "$LEAT_SOURCE"
    local tool page
    for tool in cmd/*/; do
        tool=$(basename "$tool")
        [[ $tool == leat ]] && page=man/leat.1 || page=man/leat-$tool.1
        [[ -f $page ]] || { echo "no $page for cmd/$tool"; return 1; }
    done
    for page in man/leat-*.1; do
        [[ -f $page ]] || continue
        tool=$(basename "$page" .1)
        [[ -d cmd/${tool#leat-} ]] || { echo "$page has no cmd/${tool#leat-}"; return 1; }
    done
}

# Pages as `.Xr` names them ("leat-window 1"): those that are there, and those that page $1 names in its SEE ALSO, or
# anywhere.
pages_there() { (cd "$LEAT_SOURCE/man" && printf '%s\n' *.[1-9]) | sed 's/\.\([1-9]\)$/ \1/' | sort; }
pages_named_at_end() { sed -n '/^\.Sh SEE ALSO/,$s/^\.Xr \([^ ]* [1-9]\).*/\1/p' "$1"; }
pages_named() { grep -o '\<Xr leat[^ ]* [1-9]' "$1" | sed 's/^Xr //' | sort -u; }

@test "the page of each tool has the sections of all, in the order of mdoc(7), and its own before OPTIONS" {
    cd "$LEAT_SOURCE"
    local tool found want
    while read -r tool; do
        found=$(sed -n 's/^\.Sh //p' "man/leat-$tool.1" | tr '\n' '|')
        want='^NAME\|SYNOPSIS\|DESCRIPTION\|([A-Z ]+\|)*OPTIONS\|(ENVIRONMENT\|)?FILES\|EXIT STATUS\|EXAMPLES\|SEE ALSO\|$'
        [[ $found =~ $want ]] || { echo "leat-$tool.1: $found"; return 1; }
        equals "$(sed -n '/^\.Sh SYNOPSIS/q; /^\.Dt /p; /^\.Nm /p' "man/leat-$tool.1" | xargs)" \
            ".Dt LEAT-${tool^^} 1 .Nm leat-$tool"
    done < <("$LEAT_BUILD/leat" --dump-options | awk -F'\t' '$1 == "command" && $2 != "help" { print $2 }')
}

@test "every page ends with others to see, leat(1) among them, and names no page of leat that is not there" {
    cd "$LEAT_SOURCE/man"
    local page
    for page in *.[1-9]; do
        equals "$page: $(comm -13 <(pages_there) <(pages_named "$page"))" "$page: "
        [[ $page == leat.1 ]] || contains "$page:"$'\n'"$(pages_named_at_end "$page")"$'\n' $'\nleat 1\n'
    done
}

@test "leat(1) has every tool in its table, in the table's order and words, and ends with every page" {
    local page=$LEAT_SOURCE/man/leat.1
    equals "$(sed -n '/^\.Bl -tag -width consume/,/^\.El/p' "$page" | sed -n '/^\.It Cm /{s///;N;s/\n/\t/;p}')" \
        "$("$LEAT_BUILD/leat" --dump-options | awk -F'\t' '$1 == "command" { print $2 "\t" $3 }')"
    equals "$(pages_named_at_end "$page" | sort)" "$(pages_there | grep -vx 'leat 1')"
}

@test "leat help lists exactly the pages that are no tools, by what they say of themselves" {
    cd "$LEAT_SOURCE/man"
    local page
    equals "$("$LEAT_BUILD/leat" --help | sed -n '/^Guides and formats:$/,/^$/s/^  \([a-z]*\)  */\1 /p' | sort)" "$(
        for page in leat.1 leat-*.[57]; do
            name=${page#leat-}
            echo "${name%.[157]} $(sed -n 's/^\.Nd //p' "$page")"
        done | sort)"
}

@test "the dispatcher lists exactly the tools of cmd/, in their own words" {
    cd "$LEAT_SOURCE"
    local want=() listed=() name summary tool
    for tool in cmd/*/*.c; do want+=("$(basename "$(dirname "$tool")")"); done
    mapfile -t want < <(printf '%s\n' "${want[@]}" help | grep -vx leat | sort -u)
    mapfile -t listed < <("$LEAT_BUILD/leat" --dump-options | awk -F'\t' '$1 == "command" { print $2 }' | sort)
    equals "${listed[*]}" "${want[*]}"
    while IFS=$'\t' read -r _ name summary _; do
        [[ $name == help ]] && continue
        equals "$name: $("$LEAT_BUILD/leat-$name" --dump-options | awk -F'\t' 'NR == 1 { print $3 }')" "$name: $summary"
    done < <("$LEAT_BUILD/leat" --dump-options | grep '^command')
}

@test "each OPTIONS section is as the option table has it (make man-options)" {
    run python3 "$LEAT_SOURCE/man/options.py" check "$LEAT_BUILD" "$LEAT_SOURCE/man"
    equals "$output" ""
    [[ $status -eq 0 ]]
}

@test "--help of every tool and command is at most 80 columns wide and names each option of the table" {
    local program tool commands command help letter name kind
    for program in "$LEAT_BUILD"/leat "$LEAT_BUILD"/leat-*; do
        [[ -f $program && -x $program ]] || continue
        dump=$("$program" --dump-options)
        tool=$(basename "$program")
        commands=-
        [[ $tool == leat ]] || commands=$(awk -F'\t' '$1 == "command" { print $2 }' <<<"$dump")
        for command in ${commands:--}; do
            if [[ $command == - ]]; then help=$("$program" --help); else help=$("$program" "$command" --help); fi
            equals "$(awk 'length > 80' <<<"$help")" ""
            while IFS=$'\t' read -r _ of _ letter name kind _; do
                [[ $of == - || $of == "$command" ]] || continue
                [[ $kind == toggle ]] && name="[no-]$name"
                if [[ $letter == - ]]; then contains "$help" "      --$name"; else contains "$help" "  -$letter, --$name"; fi
            done < <(grep '^option' <<<"$dump")
        done
    done
}

@test "leat(1) tells of every option that several tools share" {
    local name
    while IFS= read -r name; do
        contains "$(<"$LEAT_SOURCE/man/leat.1")" "Fl -$name"
    done < <(sed -n 's/.*\.name = "\([a-z-]*\)",.*/\1/p' "$LEAT_SOURCE/libcommon/cli/common.c")
}

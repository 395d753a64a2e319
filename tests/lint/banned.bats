#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rules of the source that a search can check.

load ../cli/helpers

setup() {
    cd "$LEAT_SOURCE"
}

@test "banned calls are not used" {
    run grep -rnE --include='*.[ch]' '\b(strcpy|strcat|sprintf|vsprintf|strtok|gmtime|localtime|atoi|gets|tmpnam|mktemp)\(' libcommon cmd tests
    equals "$output" ""
}

@test "every source file begins with its licence line" {
    local file missing=()
    while IFS= read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || missing+=("$file")
    done < <(find Makefile .ci libcommon cmd tests completions man examples -type f \
        \( -name '*.[ch]' -o -name '*.bats' -o -name '*.bash' -o -name '*.py' -o -name '*.sh' -o -name run -o -name Makefile \
        -o -name '*.[1-9]' \) ! -path 'completions/leat.bash' 2>/dev/null)
    equals "${missing[*]}" ""
}

@test "the library neither prints nor exits" {
    run grep -rnE --include='*.[ch]' '\b(printf|puts|putchar|perror|exit|_exit|abort)\(' libcommon
    equals "$output" ""
    run grep -rnE --include='*.[ch]' '\b(stdout|stderr|STDERR_FILENO)\b' libcommon --exclude-dir=cli
    equals "$output" ""
}

@test "a layer of the library includes only itself and those before it" {
    local layers=(base sys json stream expr state log net cli) i j later wrong=
    for ((i = 0; i < ${#layers[@]}; i++)); do
        [[ -d libcommon/${layers[i]} ]] || continue
        for ((j = i + 1; j < ${#layers[@]}; j++)); do
            later=$(grep -rn "#include \"${layers[j]}/" "libcommon/${layers[i]}" || true)
            [[ -z $later ]] || wrong+=$later$'\n'
        done
    done
    equals "$wrong" ""
}

@test "no source file is longer than 700 lines" {
    run awk 'FNR == 701 { print FILENAME }' $(find libcommon cmd tests -name '*.[ch]')
    equals "$output" ""
}

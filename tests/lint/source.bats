#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What needs the tools of `make deps-dev`: layout of the source, and the scripts.

load ../cli/helpers

setup() {
    cd "$LEAT_SOURCE"
}

@test "the C source is laid out as .clang-format says (make format)" {
    find libcommon cmd tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
}

@test "shellcheck has nothing to say about the scripts" {
    local scripts=(tests/cli/helpers.bash) file first
    while IFS= read -r file; do
        read -r first <"$file" || true
        [[ $first =~ ^#!(/usr)?/bin/(env )?(ba)?sh$ ]] && scripts+=("$file")
    done < <(find .ci .debian tests examples -type f -perm -u+x 2>/dev/null)
    ((${#scripts[@]} > 5))
    shellcheck --severity=warning "${scripts[@]}"
}

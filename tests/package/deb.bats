#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Debian package: built once for all tests of this file, looked at, unpacked, and run from where it was unpacked.

load ../cli/helpers

build_package() {
    make --no-print-directory -C "$LEAT_SOURCE" deb-tree BUILD="$LEAT_BUILD" >"$BATS_FILE_TMPDIR/log" 2>&1 && return 0
    cat "$BATS_FILE_TMPDIR/log"
    return 1
}

setup_file() {
    build_package
    package=$(tail -n 1 "$BATS_FILE_TMPDIR/log")
    root=$BATS_FILE_TMPDIR/root
    export package root
    dpkg-deb -x "$package" "$root"
}

@test "lintian has no errors and no warnings, nor anything else to say" {
    if ! command -v lintian >/dev/null; then
        [[ ${SERVICES:-} != all ]] || { echo "lintian is not installed (make deps-deb)"; return 1; }
        skip "lintian is not installed (make deps-deb)"
    fi
    lintian --no-tag-display-limit --fail-on error,warning,info,pedantic --display-info --pedantic "$package"
}

@test "its name, version and architecture are the program's; what it depends on was computed" {
    local version architecture
    version=$("$LEAT_BUILD/leat" --version | sed 's/^leat \([0-9.]*\).*/\1/;q')
    architecture=$(dpkg --print-architecture)
    equals "$package" "$LEAT_BUILD/deb/leat_${version}_$architecture.deb"
    equals "$(dpkg-deb -f "$package" Package Version Architecture)" \
        "Package: leat"$'\n'"Version: $version"$'\n'"Architecture: $architecture"
    equals "$(dpkg-deb -f "$package" Depends | tr -d ' ' | tr , '\n' | sed 's/(.*)//; s/t64$//' | sort | xargs)" \
        "libarchive13 libc6 libcurl4 libjansson4 libpcre2-8-0 libsnappy1v5 libsqlite3-0 libzstd1 zlib1g"
    contains "$(dpkg-deb -f "$package" Recommends)" "libjq1"
    contains "$(zcat "$root/usr/share/doc/leat/changelog.gz")" "leat ($version) "
}

@test "it holds what make install installs, in Debian's places" {
    local file want=()
    for file in "$LEAT_SOURCE"/man/*.[1-9]; do want+=("usr/share/man/man${file##*.}/$(basename "$file").gz"); done
    for file in "$LEAT_SOURCE"/cmd/*/; do
        file=$(basename "$file")
        [[ $file == leat ]] || want+=("usr/libexec/leat/leat-$file")
    done
    want+=(usr/bin/leat
        usr/share/bash-completion/completions/leat usr/share/fish/vendor_completions.d/leat.fish
        usr/share/zsh/vendor-completions/_leat)
    equals "$(cd "$root" && find usr -type f ! -path 'usr/share/doc/*' | sort)" "$(printf '%s\n' "${want[@]}" | sort)"
    equals "$(find "$root/usr/share/doc" -maxdepth 2 -printf '%P\n' | sort | paste -sd ' ')" \
        " leat leat/README.md leat/changelog.gz leat/copyright leat/examples"
    dpkg-deb --ctrl-tarfile "$package" | tar xO ./md5sums | (cd "$root" && md5sum --check --quiet --strict)
}

@test "the tools run from where it was unpacked, and so does an example" {
    PATH=$root/usr/bin:/usr/bin:/bin
    exits 0 bash -o pipefail -c 'leat gen clicks -c 7 | leat produce t && leat consume t -e | leat filter true -j'
    equals "${#lines[@]}" 7
    exits 0 leat --version
    equals "$output" "$("$LEAT_BUILD/leat" --version)"
    for tool in "$root"/usr/libexec/leat/*; do exits 0 "$tool" --help; done
    exits 0 "$root/usr/share/doc/leat/examples/nexmark-q7.sh"
}

@test "every program is position independent, bound and made read-only at its start, guarded, and stripped" {
    local file headers symbols all=
    for file in "$root"/usr/bin/leat "$root"/usr/libexec/leat/*; do
        headers=$(readelf -hlSdW "$file")
        symbols=$(readelf --dyn-syms -W "$file")
        [[ $headers == *"DYN (Position-Independent"* && $headers == *GNU_RELRO* && $headers == *"NOW PIE"* ]] &&
            [[ $headers != *" .symtab "* && $headers != *" .debug_"* && $symbols == *__stack_chk_fail* ]] ||
            { echo "$file"; return 1; }
        all+=$symbols
    done
    [[ $all == *__memcpy_chk* && $all == *__snprintf_chk* ]]
}

@test "the same source gives the same bytes, whatever the mask, the zone and the time" {
    local first
    first=$(sha256sum <"$package")
    (
        umask 077
        TZ=Asia/Tokyo LC_ALL=C.UTF-8 build_package
    )
    equals "$(sha256sum <"$package")" "$first"
    SOURCE_DATE_EPOCH=86400 build_package
    equals "$(TZ=UTC dpkg-deb -c "$package" | awk '{ print $4 }' | sort -u)" "1970-01-02"
}

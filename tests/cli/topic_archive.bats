#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat topic export, import: leat-archive(5).

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Several segments a partition, several blocks a segment; the same each time but for identity and times of creation.
#     make_topic clicks [--set codec=zstd …]
make_topic() {
    local i
    leat topic create -q "$1" -p 2 --set segment_size=40000 "${@:2}"
    for i in 1 2 3 4 5 6 7 8 9; do leat gen clicks --users 50 -c 60 --seed $i | leat produce -q "$1" -p $((i % 2)); done
}

# The archive that the hostile ones are made of, in a log of its own, once.
good_archive() {
    local good="$BATS_FILE_TMPDIR/good.tar"
    [[ -e $good ]] || {
        LEAT_DIR="$BATS_FILE_TMPDIR/source" make_topic clicks
        LEAT_DIR="$BATS_FILE_TMPDIR/source" leat topic export -q clicks "$good"
    }
}

# Nothing is there: no topic, no leftover.
is_empty_log() {
    local left
    left=$(cd "$LEAT_DIR" && find topics tmp groups -mindepth 1 2>/dev/null || true)
    equals "$left" ""
}

# A hostile archive is refused with this exit code and these words, and leaves nothing behind.
#     refuses CODE CASE TEXT
refuses() {
    good_archive
    python3 "$LEAT_SOURCE/tests/cli/hostile_archives.py" "$BATS_FILE_TMPDIR/good.tar" "$2" bad
    exits "$1" leat topic import bad
    contains "$stderr" "leat topic: "
    contains "$stderr" "$3"
    equals "$output" ""
    is_empty_log
}

segments_equal() {
    local file
    for file in "$1"/?/*.leat; do cmp "$file" "$2/${file#"$1"/}"; done
    equals "$(cd "$1" && echo ?/*.leat)" "$(cd "$2" && echo ?/*.leat)"
}

# ---- round trips ----

round_trip() { # FORMAT SETTINGS...
    make_topic t "${@:2}"
    [[ $# -eq 1 ]] || leat topic compact -q t
    round_trip_of t "$1"
}

round_trip_of() { # TOPIC FORMAT
    leat topic export -q "$1" "x.$2"
    LEAT_DIR=$PWD/other exits 0 leat topic import "x.$2"
    contains "$output" "$1: imported 2 partitions"
    segments_equal "log/topics/$1" "other/topics/$1"
    LEAT_DIR=$PWD/other exits 0 leat topic verify
    diff <(leat consume "$1" -eJ) <(LEAT_DIR=$PWD/other leat consume "$1" -eJ)
    diff <(leat topic describe "$1") <(LEAT_DIR=$PWD/other leat topic describe "$1")
    LEAT_DIR=$PWD/other leat topic export -q "$1" "y.$2"
    cmp "x.$2" "y.$2"
    rm -rf other
}

@test "a round trip gives equal segments: plain topic, tar.zst" { round_trip tar.zst; }
@test "a round trip gives equal segments: plain topic, tar" { round_trip tar; }
@test "a round trip gives equal segments: plain topic, tar.gz" { round_trip tar.gz; }
@test "a round trip gives equal segments: plain topic, zip" { round_trip zip; }
@test "a round trip gives equal segments: compressed topic, tar.zst" { round_trip tar.zst --set codec=zstd; }
@test "a round trip gives equal segments: compressed topic, zip" { round_trip zip --set codec=zstd; }
@test "a round trip gives equal segments: compacted topic" { round_trip tar --set codec=zstd --set compact=true; }

@test "offsets go on where they were" {
    make_topic t
    leat topic export -q t x.tar
    local end
    end=$(leat topic list -j | jq .offsets)
    LEAT_DIR=$PWD/other leat topic import -q x.tar
    leat gen clicks -c 7 | LEAT_DIR=$PWD/other leat produce -q t
    equals "$(LEAT_DIR=$PWD/other leat topic list -j | jq .offsets)" "$((end + 7))"
    LEAT_DIR=$PWD/other exits 0 leat topic verify
}

@test "an empty topic makes the trip" {
    leat topic create -q t -p 3 --set retention_age=7d
    leat topic export -q t x.tar
    LEAT_DIR=$PWD/other leat topic import -q x.tar
    diff <(leat topic describe t) <(LEAT_DIR=$PWD/other leat topic describe t)
}

@test "both ends stream, and standard output is a tar.zst by default" {
    make_topic t
    leat topic export t - | cat | LEAT_DIR=$PWD/other leat topic import -q -
    segments_equal log/topics/t other/topics/t
    leat topic export t - >x
    leat topic export -q t x.tar.zst
    cmp x x.tar.zst
    leat topic export t - --format zip >x
    leat topic export -q t x.zip
    cmp x x.zip
}

@test "the same content gives the same bytes, whatever the time, the time zone and the umask" {
    make_topic t
    local format
    for format in tar tar.gz tar.zst zip; do
        leat topic export -q t "a.$format"
        sleep 1.1
        (
            umask 077
            TZ=Asia/Tokyo leat topic export -q t "b.$format"
        )
        cmp "a.$format" "b.$format"
    done
}

@test "GNU tar lists and extracts what export wrote" {
    make_topic t
    local format
    for format in tar tar.gz tar.zst; do
        leat topic export -q t "x.$format"
        exits 0 tar -tf "x.$format"
        equals "${lines[0]}" "t/manifest.json"
        equals "${lines[1]}" "t/0/00000000000000000000.leat"
        rm -rf t
        exits 0 tar -xf "x.$format"
        equals "$stderr" ""
        segments_equal log/topics/t t
    done
    exits 0 leat show t/0/00000000000000000000.leat
}

@test "unzip lists and extracts what export wrote" {
    make_topic t
    leat topic export -q t x.zip
    exits 0 unzip -tq x.zip
    exits 0 unzip -q x.zip
    segments_equal log/topics/t t
}

@test "Python's tarfile and zipfile, and bsdtar list and extract what export wrote" {
    make_topic t
    leat topic export -q t x.tar
    leat topic export -q t x.zip
    python3 -c 'import tarfile; tarfile.open("x.tar").extractall("a")'
    python3 -c 'import zipfile; z = zipfile.ZipFile("x.zip"); assert z.testzip() is None; z.extractall("b")'
    segments_equal log/topics/t a/t
    segments_equal log/topics/t b/t
    local archive
    leat topic export -q t x.tar.zst
    for archive in x.tar x.zip x.tar.zst; do
        rm -rf c
        mkdir c
        bsdtar -xf "$archive" -C c
        segments_equal log/topics/t c/t
        equals "$(bsdtar -tf "$archive")" "$(python3 -c 'import tarfile; print("\n".join(tarfile.open("x.tar").getnames()))')"
    done
}

@test "what GNU tar and zip packed again in the same order is imported, in another order it is refused" {
    make_topic t
    leat topic export -q t x.tar
    tar -xf x.tar
    tar -tf x.tar >names
    tar -czf y.tgz -T names
    LEAT_DIR=$PWD/other exits 0 leat topic import y.tgz
    segments_equal log/topics/t other/topics/t
    tar -cf z.tar t
    LEAT_DIR=$PWD/third exits 6 leat topic import z.tar
    contains "$stderr" "entry 't' is refused: the first one of an archive of a topic is TOPIC/manifest.json"
}

@test "the manifest tells sizes, offsets, times, CRCs and the version" {
    printf '{"a":1}\n{"a":2}\n' | leat produce -q --time '(.a * 1000000000) | todate' t || true
    leat topic export -q t x.tar
    tar -xOf x.tar t/manifest.json >m
    equals "$(jq -c '[.format, .version, .leat, .topic, (.partitions | length), .settings.codec]' m)" \
        "[\"leat-topic\",1,\"$(leat --version | sed 's/^leat \([0-9.]*\).*/\1/;q')\",\"t\",1,\"none\"]"
    equals "$(jq -r .topic_id m)" "$(jq -r .topic_id log/topics/t/topic.json)"
    equals "$(jq -c '.partitions[0] | [.start, .end, (.segments | length)]' m)" "[0,2,1]"
    equals "$(jq '.partitions[0].segments[0].size' m)" "$(stat -c %s log/topics/t/0/*.leat)"
    equals "$(jq -c '.partitions[0].segments[0] | [.offset, .end_offset, .records]' m)" "[0,2,2]"
}

# ---- ranges ----

in_range() { # RANGE
    leat topic export -q t x.tar.zst -o "$1"
    LEAT_DIR=$PWD/other leat topic import -q x.tar.zst
    diff <(leat consume t -eJ -p 0 -o "$1") <(LEAT_DIR=$PWD/other leat consume t -eJ -p 0)
    diff <(leat consume t -eJ -p 1 -o "$1") <(LEAT_DIR=$PWD/other leat consume t -eJ -p 1)
    LEAT_DIR=$PWD/other exits 0 leat topic verify
    LEAT_DIR=$PWD/other leat topic export -q t y.tar.zst
    cmp x.tar.zst y.tar.zst
    leat gen clicks -c 9 | LEAT_DIR=$PWD/other leat produce -q t
    LEAT_DIR=$PWD/other exits 0 leat topic verify
    rm -rf other
}

@test "ranges by offset and time hold what consume reads of them, at the same offsets" {
    make_topic t
    local range
    for range in 100:200 13: :77 -50 +20:end 150:150 end @2026-01-01T00:00:00.3: \
        @2026-01-01T00:00:00.1:@2026-01-01T00:00:00.4; do
        in_range "$range"
    done
}

@test "the same of a compressed and of a compacted topic" {
    make_topic t --set codec=zstd
    leat topic compact -q t
    in_range 100:200
    in_range 13:
    in_range :77
    leat topic delete -q t
    make_topic t --set codec=zstd --set compact=true
    leat topic compact -q t
    in_range 100:230
    in_range 13:
    in_range :77
}

@test "records outside the range are not in the archive, nor is what was trimmed" {
    printf '{"secret":%s}\n' 1 2 3 | leat produce -q t
    printf '{"secret":%s}\n' 4 5 6 | leat produce -q t
    leat topic export -q t x.tar -o 1:2
    exits 1 grep -a -e '"secret":1' -e '"secret":3' -e '"secret":4' x.tar
    exits 0 grep -a '"secret":2' x.tar
    leat topic trim -q t --before 4 --execute
    leat topic export -q t x.tar
    exits 1 grep -a '"secret":[1234]' x.tar
    LEAT_DIR=$PWD/other leat topic import -q x.tar
    equals "$(LEAT_DIR=$PWD/other leat consume t -e -f '%o %s\n')" $'4 {"secret":5}\n5 {"secret":6}'
}

@test "partitions can be chosen, and the others are empty" {
    make_topic t
    leat topic export -q t x.tar -p 1
    LEAT_DIR=$PWD/other leat topic import -q x.tar
    diff <(leat consume t -eJ -p 1) <(LEAT_DIR=$PWD/other leat consume t -eJ)
    equals "$(LEAT_DIR=$PWD/other leat topic list -j | jq .partitions)" 2
    exits 2 leat topic export t y.tar -p 2
    equals "${stderr_lines[0]}" "leat topic: topic 't' has no partition 2"
    exits 2 leat topic export t y.tar -p x
    equals "${stderr_lines[0]}" "leat topic: 'x' is not the number of a partition"
    [[ ! -e y.tar ]]
}

@test "a topic that is written to is exported up to an end that holds together" {
    make_topic t
    (for i in 1 2 3 4 5 6 7 8; do leat gen clicks -c 500 --seed 1$i | leat produce -q t; done) &
    local writer=$! i
    for i in 1 2 3 4 5 6; do
        leat topic export -q t "x$i.tar.zst"
        rm -rf other
        LEAT_DIR=$PWD/other leat topic import -q "x$i.tar.zst"
        LEAT_DIR=$PWD/other exits 0 leat topic verify
    done
    wait $writer
}

# ---- names and identity ----

@test "a topic can be imported under another name; one that exists is refused" {
    make_topic t
    leat topic export -q t x.tar
    exits 2 leat topic import x.tar
    equals "${stderr_lines[0]}" "leat topic: topic 't' exists already"
    exits 2 leat topic import x.tar 'a/b'
    contains "$stderr" "'a/b' is not a name"
    LEAT_DIR=$PWD/other exits 0 leat topic import -q x.tar u
    equals "$(LEAT_DIR=$PWD/other leat topic list --names)" u
    equals "$(find log/tmp -mindepth 1)" ""
}

identity_taken() { # SETTINGS...
    make_topic t "$@"
    leat topic export -q t x.tar
    LEAT_DIR=$PWD/other leat topic import -q x.tar u
    equals "$(jq -r .topic_id other/topics/u/topic.json)" "$(jq -r .topic_id log/topics/t/topic.json)"
    exits 0 leat topic import -v x.tar u
    contains "$stderr" "another topic has the identity of the archive's: 'u' was given a new one"
    equals "$(jq -r .topic_id log/topics/[tu]/topic.json | sort -u | wc -l)" 2
    diff <(leat consume t -eJ | jq -c 'del(.topic)') <(leat consume u -eJ | jq -c 'del(.topic)')
    exits 0 leat topic verify
    leat gen clicks -c 500 | leat produce -q u
    exits 0 leat topic compact -q
    exits 0 leat topic verify
}

@test "the identity is kept; where it is taken already the topic is given another one" { identity_taken; }
@test "the same of a compressed topic" {
    identity_taken --set codec=zstd
    grep -q '"rewritten"' -a log/topics/t/0/00000000000000000000.leat
}

@test "positions of groups mean the same in the other log" {
    make_topic t
    leat consume t -p 0 -G g -c 20 >/dev/null
    leat topic export -q t x.tar
    leat topic delete -q t
    leat topic import -q x.tar
    equals "$(leat consume t -p 0 -G g -c 1 -f '%o\n')" 20
}

# ---- reports ----

@test "what was done is printed, as JSON with -j, and not into the archive" {
    printf '1\n2\n' | leat produce -q t
    exits 0 leat topic export t x.tar
    contains "$output" "t: exported 1 partitions, 1 segments, 2 records, "
    exits 0 leat topic export -j t x.tar
    equals "$(jq -c '[.topic, .partitions, .segments, .records]' <<<"$output")" '["t",1,1,2]'
    equals "$(jq .archive_bytes <<<"$output")" "$(stat -c %s x.tar)"
    exits 0 leat topic import -j x.tar u
    equals "$(jq -c '[.topic, .records, .new_id]' <<<"$output")" '["u",2,true]'
    exits 2 leat topic export -j t -
    contains "$stderr" "standard output is the archive"
    exits 2 leat topic export t x.tar -o stored
    contains "$stderr" "an export has none"
    on_terminal "leat topic export t -"
    contains "$output" "an archive is not for a terminal"
}

@test "an archive that cannot be written leaves nothing behind" {
    make_topic t
    run bash -c 'leat topic export t - >/dev/full'
    [[ $status -eq 4 ]]
    contains "$output" "No space left on device"
    exits 4 leat topic export t missing/x.tar
    exits 4 leat topic export nothing x.tar
    mkdir out
    run bash -c 'ulimit -f 20; leat topic export t out/x.tar'
    [[ $status -eq 4 ]]
    equals "$(ls out)" ""
    run bash -c 'set -o pipefail; (sleep 0.3 && exec leat topic export t -) | true'
    equals "$output" ""
    [[ $status -eq 141 ]]
}

@test "a segment that is damaged is not exported" {
    make_topic t
    local file
    file=log/topics/t/0/00000000000000000000.leat
    printf X | dd of="$file" bs=1 seek=3000 conv=notrunc status=none
    exits 6 leat topic export t x.tar
    contains "$stderr" "partition 't/0': block fails its check"
    [[ ! -e x.tar ]]
}

@test "a topic that was repaired makes the trip, with the offsets that it lost" {
    make_topic t
    local file=log/topics/t/0/00000000000000000000.leat
    printf X | dd of="$file" bs=1 seek=3000 conv=notrunc status=none
    exits 0 leat topic repair t --accept-loss
    round_trip_of t tar.zst
    in_range 13:
    in_range :77
}

@test "an import that is cut off or stopped leaves nothing behind" {
    good_archive
    local good="$BATS_FILE_TMPDIR/good.tar" pid
    exits 5 leat topic import - < <(head -c 50000 "$good")
    equals "$stderr" "leat topic: archive 'standard input' is cut off"
    is_empty_log
    exits 5 leat topic import - </dev/null
    equals "$stderr" "leat topic: archive 'standard input' is empty"
    mkfifo pipe
    leat topic import - <pipe 2>err &
    pid=$!
    exec 9>pipe
    head -c 50000 "$good" >&9
    until_true bash -c "compgen -G 'log/tmp/import-*/0/*.leat'"
    kill -INT $pid
    exec 9>&-
    wait $pid || true
    is_empty_log
    exits 4 leat topic import missing.tar
    equals "$stderr" "leat topic: cannot open 'missing.tar': No such file or directory"
}

@test "what a killed import left is invisible, and gone with the next import" {
    good_archive
    local good="$BATS_FILE_TMPDIR/good.tar" pid
    mkfifo pipe
    leat topic import - <pipe &
    pid=$!
    exec 9>pipe
    head -c 50000 "$good" >&9
    until_true bash -c "compgen -G 'log/tmp/import-*/0/*.leat'"
    # one that is alive is left alone, and a second import of the same topic has another identity
    leat topic import -q "$good" other
    equals "$(ls log/tmp | wc -l)" 1
    kill -KILL $pid
    exec 9>&-
    wait $pid || true
    equals "$(ls log/tmp | wc -l)" 1
    equals "$(leat topic list --names)" other
    exits 0 leat topic import -q "$good"
    equals "$(ls log/tmp)" ""
    exits 0 leat topic verify
}

@test "leftovers of an import are gone with the next cleaning, too" {
    leat topic create -q t
    mkdir -m 700 -p log/tmp/import-0123456789abcdef/0
    touch log/tmp/import-0123456789abcdef/wake
    leat topic compact -q t
    equals "$(ls log/tmp)" ""
}

@test "two imports of one archive at once: both are there, with different identities" {
    good_archive
    leat topic import -q "$BATS_FILE_TMPDIR/good.tar" a &
    local first=$!
    leat topic import -q "$BATS_FILE_TMPDIR/good.tar" b
    wait $first
    equals "$(leat topic list --names)" $'a\nb'
    equals "$(jq -r .topic_id log/topics/[ab]/topic.json | sort -u | wc -l)" 2
    exits 0 leat topic verify
}

@test "a full disk leaves nothing behind" {
    good_archive
    (
        ulimit -f 20
        exits 4 leat topic import "$BATS_FILE_TMPDIR/good.tar"
    )
    is_empty_log
    exits 0 leat topic import -q "$BATS_FILE_TMPDIR/good.tar"
}

@test "--max-size refuses more" {
    good_archive
    exits 3 leat topic import "$BATS_FILE_TMPDIR/good.tar" --max-size 10k
    contains "$stderr" "more than 10240; --max-size allows more"
    is_empty_log
}

# ---- hostile archives ----

S=clicks/0/00000000000000000000.leat

@test "hostile: the archive that the others are made of is good" {
    good_archive
    exits 0 leat topic import -q "$BATS_FILE_TMPDIR/good.tar"
    python3 "$LEAT_SOURCE/tests/cli/hostile_archives.py" "$BATS_FILE_TMPDIR/good.tar" zip-good x.zip
    LEAT_DIR=$PWD/other exits 0 leat topic import -q x.zip
}

@test "hostile: an absolute name" { refuses 6 absolute "entry '/$S' is refused: its name is absolute"; }
@test "hostile: a name with .. that stays inside" {
    refuses 6 dotdot "entry 'clicks/../$S' is refused: its name has '.' or '..' in it"
}
@test "hostile: a name with .. that leads out" {
    refuses 6 dotdot-out "entry '../../evil' is refused: its name has '.' or '..' in it"
}
@test "hostile: a name with .. in a pax header" {
    refuses 6 pax-dotdot "entry '../evil' is refused: its name has '.' or '..' in it"
}
@test "hostile: a name with . in it" { refuses 6 dot-inside "is refused: its name has '.' or '..' in it"; }
@test "hostile: a name with an empty part" { refuses 6 empty-part 'is refused: a part of its name is empty'; }
@test "hostile: a name with backslashes" { refuses 6 backslash 'is refused: a backslash is in its name'; }
@test "hostile: a name that would clear the screen" {
    refuses 6 control "\\x1b[2J' is refused: a control character is in its name"
}
@test "hostile: a name that would make a message of its own" {
    refuses 6 newline "\\x0aleat topic: all is well' is refused"
}
@test "hostile: a name with a NUL in a pax header" {
    refuses 6 pax-nul "entry 'clicks/0' is refused: it is not the next one of the manifest"
}
@test "hostile: a name that is not UTF-8" { refuses 6 not-utf8 'is refused: its name is not UTF-8'; }
@test "hostile: a name that is too long" { refuses 6 long-name 'is refused: its name is too long'; }
@test "hostile: a name in another case" {
    refuses 6 other-case "entry 'CLICKS/0/00000000000000000000.LEAT' is refused: it is not the next one of the manifest"
}
@test "hostile: a file whose name ends in a slash" {
    refuses 6 trailing-slash "entry '$S' is refused: it is not the next one of the manifest"
}
@test "hostile: a folder" { refuses 6 folder "entry 'clicks/0' is refused: it is not the next one of the manifest"; }
@test "hostile: a symbolic link to a folder" { refuses 6 symlink "entry 'clicks/0' is refused: it is a link"; }
@test "hostile: a symbolic link in place of a segment" {
    refuses 6 symlink-segment "entry '$S' is refused: it is a link"
}
@test "hostile: a hard link" { refuses 6 hardlink "entry '$S' is refused: it is a link"; }
@test "hostile: a character device" { refuses 6 device "entry '$S' is refused: it is a device"; }
@test "hostile: a block device" { refuses 6 block-device "entry '$S' is refused: it is a device"; }
@test "hostile: a FIFO" { refuses 6 fifo "entry '$S' is refused: it is a FIFO"; }
@test "hostile: a file with holes" { refuses 6 sparse "entry '$S' is refused: it has holes"; }
@test "hostile: a segment twice" { refuses 6 duplicate "entry '$S' is refused: there is one of that name already"; }
@test "hostile: a segment again at the end" {
    refuses 6 duplicate-at-end "entry '$S' is refused: there is one of that name already"
}
@test "hostile: two manifests" {
    refuses 6 duplicate-manifest "entry 'clicks/manifest.json' is refused: there is one of that name already"
}
@test "hostile: an entry too many" {
    refuses 6 extra "entry 'clicks/0/notes.txt' is refused: the manifest does not have it"
}
@test "hostile: an entry that is missing" { refuses 6 missing 'is refused: it is not the next one of the manifest'; }
@test "hostile: the last entry missing" { refuses 6 missing-last 'of the manifest is missing'; }
@test "hostile: entries in another order" { refuses 6 reordered 'is refused: it is not the next one of the manifest'; }
@test "hostile: the manifest last" {
    refuses 6 manifest-last "entry '$S' is refused: the first one of an archive of a topic is TOPIC/manifest.json"
}
@test "hostile: no manifest" {
    refuses 6 no-manifest "entry '$S' is refused: the first one of an archive of a topic is TOPIC/manifest.json"
}
@test "hostile: nothing but a manifest" { refuses 6 manifest-only "entry '$S' of the manifest is missing"; }
@test "hostile: a manifest in another folder" {
    refuses 6 other-folder "manifest.json: 'topic' is 'clicks' in the folder 'evil'"
}
@test "hostile: a folder that is no name of a topic" {
    refuses 6 bad-folder "entry 'a b/manifest.json' is refused: its folder is no name of a topic"
}
@test "hostile: an entry that is too long" {
    refuses 6 longer "entry '$S' is refused: its size is not that of the manifest"
}
@test "hostile: an entry that is too short" {
    refuses 6 shorter "entry '$S' is refused: its size is not that of the manifest"
}
@test "hostile: a byte that was flipped" {
    refuses 6 flipped "entry '$S' is refused: its bytes have another CRC than the manifest says"
}
@test "hostile: an empty file" { refuses 5 empty-file "archive 'bad' is empty"; }
@test "hostile: a tar without entries" { refuses 6 empty-tar 'is no archive that leat reads'; }
@test "hostile: something else" {
    refuses 6 not-an-archive "'bad' is no archive that leat reads: tar, tar.gz, tar.zst or zip"
}
@test "hostile: cut off in the first header" { refuses 5 cut-header "archive 'bad' is cut off"; }
@test "hostile: cut off in the manifest" { refuses 5 cut-manifest "archive 'bad' is cut off"; }
@test "hostile: cut off in a segment" { refuses 5 cut-segment "archive 'bad' is cut off"; }
@test "hostile: cut off behind the last entry" { refuses 5 cut-end "archive 'bad' is cut off: it has no end"; }
@test "hostile: gzip that is cut off" { refuses 5 cut-gzip "archive 'bad' is cut off"; }
@test "hostile: gzip that is cut off in its trailer" { refuses 5 cut-gzip-trailer "archive 'bad' is cut off"; }
@test "hostile: bytes behind the end" { refuses 6 tail "archive 'bad' goes on behind its end, byte "; }
@test "hostile: a second tar behind the end" { refuses 6 tail-tar "archive 'bad' goes on behind its end, byte "; }
@test "hostile: bytes behind the end of what is compressed" {
    refuses 6 tail-gzip 'goes on behind the end of what is compressed'
}
@test "hostile: a second gzip with a tar" { refuses 6 two-gzips "archive 'bad' goes on behind its end"; }
@test "hostile: gzip in gzip" { refuses 6 nested-gzip "archive 'bad' is compressed more than once"; }
@test "hostile: an archive in place of the manifest" { refuses 6 archive-in-archive 'manifest.json: no JSON'; }
@test "hostile: a bomb" { refuses 3 bomb-gzip 'grows to more than 1000 times its size'; }
@test "hostile: a header that says 8 EiB" { refuses 6 overlong-size "archive 'bad' is damaged"; }
@test "hostile: zip: a name with .." { refuses 6 zip-dotdot "entry '../evil' is refused"; }
@test "hostile: zip: bytes behind the end" { refuses 5 zip-tail 'it has no end record'; }
@test "hostile: zip: cut off in the end record" { refuses 5 zip-cut 'it has no end record'; }
@test "hostile: zip: cut off in the directory" { refuses 5 zip-cut-directory 'it has no end record'; }
@test "hostile: zip: a byte that was flipped" { refuses 6 zip-flipped "archive 'bad' is damaged in '"; }
@test "hostile: zip: a segment twice" {
    refuses 6 zip-duplicate "entry '$S' is refused: there is one of that name already"
}
@test "hostile: zip: an entry that the directory does not have" {
    refuses 6 zip-hidden 'has an end record that is not its own'
}
@test "hostile: manifest: no JSON" { refuses 6 not-json 'manifest.json: no JSON'; }
@test "hostile: manifest: an array" { refuses 6 json-array 'manifest.json: topic: Expected object, got array'; }
@test "hostile: manifest: very deep" { refuses 6 json-deep 'manifest.json: no JSON: maximum parsing depth reached'; }
@test "hostile: manifest: millions of arrays" {
    refuses 6 json-many 'manifest.json: topic: it has more members than a manifest'
}
@test "hostile: manifest: millions of numbers" {
    refuses 6 json-many-numbers 'manifest.json: topic: it has more members than a manifest'
}
@test "hostile: manifest: not UTF-8" { refuses 6 json-not-utf8 'manifest.json: no JSON: unable to decode byte 0xff'; }
@test "hostile: manifest: a member twice" { refuses 6 json-twice 'manifest.json: no JSON: duplicate object key'; }
@test "hostile: manifest: a member too many" {
    refuses 6 json-more 'manifest.json: topic: 1 object item(s) left unpacked: evil'
}
@test "hostile: manifest: a NUL in a name" { refuses 6 json-nul 'manifest.json: no JSON'; }
@test "hostile: manifest: too large" { refuses 6 json-large "'manifest.json' is too large"; }
@test "hostile: a segment with blocks in another order" {
    refuses 6 swapped-blocks "entry '$S' is refused: block has offset "
}
@test "hostile: a segment of another partition" {
    refuses 6 another-partition "entry '$S' is refused: the segment block cannot be used: block belongs to partition 7 of topic"
}
@test "hostile: a value that is said to be JSON and is not" {
    refuses 6 bad-json "entry '$S' is refused: the value of record 0 is not JSON"
}
@test "hostile: a segment that does not follow the one before it" {
    refuses 6 wrong-previous 'does not follow this one by what it says'
}
@test "hostile: a bound of times that is too low" {
    refuses 6 low-running-max 'is refused: its running_max is earlier than records before it'
}
@test "hostile: a last segment that cannot be appended to" {
    refuses 6 rewritten-last 'is refused: nothing can be appended to the last segment'
}
@test "hostile: a last segment that lost a block" { refuses 6 cut-at-a-block ' is refused: '; }
@test "hostile: zeros behind the last block" { refuses 6 zeros-behind 'is refused: bytes behind its end are no block'; }
@test "hostile: a flipped byte of which the manifest knows" {
    refuses 6 flipped-block "entry '$S' is refused: block fails its check"
}
@test "hostile: a segment block that is none" {
    refuses 6 flipped-head "entry '$S' is refused: the segment block cannot be used"
}

# ---- a manifest that lies in each of its fields ----

@test "a manifest that lies: format" {
    refuses 6 'format="x"' "manifest.json: topic: 'format' is not leat-topic"
}
@test "a manifest that lies: version" {
    refuses 6 'version=2' "manifest.json: topic: this program does not know the 'version'"
    refuses 6 'version=4294967297' "does not know the 'version'"
    refuses 6 'version="1"' 'manifest.json: topic: Expected integer, got string'
}
@test "a manifest that lies: leat" {
    refuses 6 'leat=1' 'manifest.json: topic: Expected string, got integer'
    refuses 6 'leat=-' 'not found: leat'
}
@test "a manifest that lies: topic" {
    refuses 6 'topic="evil"' "manifest.json: 'topic' is 'evil' in the folder 'clicks'"
    refuses 6 'topic="../evil"' "manifest.json: topic: 'topic' is no name of a topic"
}
@test "a manifest that lies: topic_id" {
    refuses 6 'topic_id="0000000000000000"' "'topic_id' is no identity"
    refuses 6 'topic_id="1234567890abcdef"' "entry '$S' is refused: the segment block cannot be used: block belongs to"
    refuses 6 'topic_id="12"' "'topic_id' is no identity"
}
@test "a manifest that lies: created" {
    refuses 6 'created="x"' 'manifest.json: topic: Expected integer, got string'
    refuses 6 'created=-' 'not found: created'
}
@test "a manifest that lies: settings" {
    refuses 6 'settings=-' 'not found: settings'
    refuses 6 'settings.codec="lzma"' "codec is none or zstd, not 'lzma'"
    refuses 6 'settings.evil="x"' 'they are not those of a topic'
    refuses 6 'settings.segment_size="1"' 'segment_size is at least 4096'
    refuses 6 'settings.compact=-' 'they are not those of a topic'
    refuses 6 'settings=[]' 'they are not those of a topic'
}
@test "a manifest that lies: partitions" {
    refuses 6 'partitions=[]' "'partitions' are none or too many"
    refuses 6 'partitions.1=-' 'the manifest does not have it'
    refuses 6 'partitions=7' "'partitions' are none or too many"
}
@test "a manifest that lies: start" {
    refuses 6 'partitions.0.start=5' "entry '$S' is refused: it has records below offset 5"
    refuses 6 'partitions.0.start=-1' "manifest.json: partition 0: 'end' and 'start' are no range"
    refuses 6 'partitions.0.start=100000' "manifest.json: partition 0: 'end' and 'start' are no range"
    refuses 6 'partitions.0.start=+200' "manifest.json: partition 0: 'start' lies behind the first segment"
}
@test "a manifest that lies: end" {
    refuses 6 'partitions.0.end=+1' "manifest.json: partition 0: an 'end_offset' is not where the next one begins"
    refuses 6 'partitions.0.end=+-1' "an 'end_offset' is not where the next one begins"
    refuses 6 'partitions.0.end=9223372036854775807' "an 'end_offset' is not"
}
@test "a manifest that lies: segments" {
    refuses 6 'partitions.0.segments=[]' "manifest.json: partition 0: 'segments' are missing"
    refuses 6 'partitions.0.segments=1' "manifest.json: partition 0: 'segments' is no array"
    refuses 6 'partitions.0.segments.0=-' "manifest.json: partition 0: 'start' lies before the first segment"
}
@test "a manifest that lies: offset" {
    refuses 6 'partitions.0.segments.0.offset=1' "manifest.json: partition 0, segment 0: 'records' are not so many as there are offsets"
    refuses 6 'partitions.0.segments.1.offset=+1' "manifest.json: partition 0, segment 1: 'records' are not so many as"
    refuses 6 'partitions.0.segments.0.offset=-1' "manifest.json: partition 0, segment 0: 'end_offset' and 'offset' are no range"
}
@test "a manifest that lies: end_offset" {
    refuses 6 'partitions.0.segments.0.end_offset=+1' "manifest.json: partition 0: an 'end_offset' is not where the next one begins"
    refuses 6 'partitions.0.segments.0.end_offset=0' 'manifest.json: partition 0, segment 0: '
}
@test "a manifest that lies: size" {
    refuses 6 'partitions.0.segments.0.size=+1' "entry '$S' is refused: its size is not that of the manifest"
    refuses 6 'partitions.0.segments.0.size=+-1' 'its size is not that of the manifest'
    refuses 6 'partitions.0.segments.0.size=0' "manifest.json: partition 0, segment 0: 'size' is too little for a segment"
    refuses 6 'partitions.0.segments.0.size=9223372036854775807' 'the sizes add up to too much'
}
@test "a manifest that lies: crc32c" {
    refuses 6 'partitions.0.segments.0.crc32c="00000000"' "entry '$S' is refused: its bytes have another CRC than the manifest says"
    refuses 6 'partitions.0.segments.0.crc32c="zz"' "manifest.json: partition 0, segment 0: 'crc32c' is not 8 hexadecimal digits"
}
@test "a manifest that lies: records" {
    refuses 6 'partitions.0.segments.0.records=+1' "manifest.json: partition 0, segment 0: 'records' are not so many as there are offsets"
    refuses 6 'partitions.0.segments.0.records=+-1' "entry '$S' is refused: it has "
}
@test "a manifest that lies: min_time" {
    refuses 6 'partitions.0.segments.0.min_time=+1' "entry '$S' is refused: its times are not those of the manifest"
    refuses 6 'partitions.0.segments.0.min_time=null' 'its times are not those of the manifest'
    refuses 6 'partitions.0.segments.0.min_time="x"' "manifest.json: partition 0, segment 0: 'min_time' is no time"
}
@test "a manifest that lies: max_time" {
    refuses 6 'partitions.0.segments.0.max_time=+-1' "entry '$S' is refused: its times are not those of the manifest"
    refuses 6 'partitions.0.segments.0.max_time=null' 'its times are not those of the manifest'
    refuses 6 'partitions.0.segments.0.max_time="x"' "manifest.json: partition 0, segment 0: 'max_time' is no time"
}

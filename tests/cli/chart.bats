#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# leat chart: what is drawn, to the character, in letters, blocks, braille and SVG; live on a terminal; and what is not.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C.UTF-8 COLUMNS=40
    cat >views.json <<'END'
{"t":"2026-03-01T10:00:10Z","page":"home","n":4}
{"t":"2026-03-01T10:00:20Z","page":"cart","n":1}
{"t":"2026-03-01T10:01:10Z","page":"home","n":8}
{"t":"2026-03-01T10:01:30Z","page":"cart","n":2}
{"t":"2026-03-01T10:02:10Z","page":"home","n":2}
END
}

results() {
    leat window --time .t --tumble 1m -g .page '{n: sum(.n)}' views.json
}

@test "a line of letters, with round numbers at the axes" {
    run leat chart --ascii --width 30 --height 8 < <(seq 0 10)
    equals "$status" 0
    equals "$output" "\
10 +                      ****
   |                 *****
 5 +            *****
   |       *****
   |  *****
 0 +**
   ++------------+-----------+
    0            5          10"
}

@test "a small line: one sign a number, from the least to the most" {
    equals "$(seq 8 | leat chart --spark)" "8 ▁▂▃▄▅▆▇█"
    equals "$(seq 8 | leat chart --spark --ascii)" "8 _.-=+*%#"
    equals "$(printf '5\n5\n' | leat chart --spark)" "5 ▄▄"
}

@test "bars of the latest number of each group of a window, as long as their part of the longest" {
    equals "$(results | leat chart --bar --width 25)" "\
cart 2 █████████████████
home 2 █████████████████"
    printf '%s\n' '{"a":3,"b":"x"}' '{"a":1,"b":"x"}' '{"a":2,"b":"y"}' >in.json
    equals "$(leat chart --bar --by .b -y .a --width 25 --ascii in.json)" "\
x 1 ##########
y 2 ####################"
}

@test "a result that is corrected takes the place of the one before" {
    printf '%s\n' '{"t":"2026-03-01T10:00:10Z"}' '{"t":"2026-03-01T10:02:00Z"}' '{"t":"2026-03-01T10:00:20Z"}' >late.json
    leat window --time .t --tumble 1m --grace 1h '{n: count}' late.json -j | grep -q correction
    run bash -c "leat window --time .t --tumble 1m --grace 1h '{n: count}' late.json | leat chart --svg out.svg"
    equals "$status" 0
    python3 - <<'END'
import xml.dom.minidom
line = xml.dom.minidom.parse('out.svg').getElementsByTagName('polyline')[0].getAttribute('points').split()
assert len(line) == 2, line
y = [float(p.split(',')[1]) for p in line]
assert y[0] < y[1], 'the first window has two: it is higher'
END
}

@test "groups of windows are series, and not their number" {
    printf '%s\n' '{"t":1,"port":80}' '{"t":2,"port":443}' '{"t":3,"port":80}' >ports.json
    equals "$(leat window --time .t --tumble 1m -g .port '{n: count}' ports.json | leat chart --bar --width 21)" "\
80  2 ██████████████
443 1 ███████"
}

@test "series are listed by name, numbers by size, each in the colour of when it came" {
    printf '%s\n' '{"n":4,"s":500}' '{"n":1,"s":"-"}' '{"n":2,"s":1000}' '{"n":3,"s":-3}' '{"n":5,"s":"GET"}' >in.json
    equals "$(leat chart --bar --by .s -y .n --width 22 --ascii in.json)" "\
-3   3 ########
500  4 ###########
1000 2 #####
-    1 ##
GET  5 ##############"
    equals "$(leat chart --by .s -y .n --width 60 --ascii in.json | tail -n 1)" " x -3   * 500   + 1000   o -   # GET"
    leat chart --by .s -y .n --svg out.svg in.json
    equals "$(grep -o 'fill="#[^"]*"/><text[^>]*>[^<]*' out.svg | sed 's/.*fill="\([^"]*\).*>/\1 /' | xargs)" \
        "#cc79a7 -3 #0072b2 500 #009e73 1000 #e69f00 - #56b4e9 GET"
}

@test "more series than can be drawn are counted" {
    run leat chart --bar --by . --series 2 --width 20 --ascii < <(printf '1\n2\n3\n3\n')
    equals "${lines[2]}" "2 more records are of groups that are not drawn (--series)"
}

@test "SVG is XML, whatever the names are, and appears whole" {
    printf '%s\n' '{"n":1,"g":"<&\">"}' '{"n":2,"g":"\u0001\u001b[31m"}' '{"n":3,"g":"<&\">"}' >names.json
    leat chart --by .g -y .n --svg out.svg --title '<a> & "b"' names.json
    python3 -c "import xml.dom.minidom as m; d = m.parse('out.svg'); assert len(d.getElementsByTagName('polyline')) == 2"
    leat chart --bar --by .g -y .n --svg out.svg names.json
    python3 -c "import xml.dom.minidom as m; m.parse('out.svg')"
    run leat chart --svg nowhere/out.svg names.json
    equals "$status" 4
}

@test "names from data are made safe for the terminal" {
    run leat chart --bar --by .g -y .n <<<'{"n":1,"g":"a\u001b[31mb\u202ec"}'
    [[ $output != *$'\e'* && $output != *$'\u202e'* ]]
}

@test "on a terminal it is drawn anew while records come" {
    cat >live.py <<'END'
import os, pty, subprocess, sys, time
master, slave = pty.openpty()
p = subprocess.Popen(['leat', 'chart', '--spark', '-i', 'json'], stdin=subprocess.PIPE, stdout=slave)
os.close(slave)
seen = b''
for n in (1, 2, 3):
    p.stdin.write(b'%d\n' % n)
    p.stdin.flush()
    end = time.time() + 10
    while b'%d ' % n not in seen and time.time() < end:
        seen += os.read(master, 4096)
p.stdin.close()
assert p.wait(10) == 0
assert b'1 ' in seen and b'2 ' in seen and b'3 ' in seen, seen
assert b'\r\x1b[1A\x1b[J' in seen, seen
END
    timeout 60 python3 live.py
}

@test "nothing to draw, bad numbers, words that do not go together" {
    run leat chart <<<'"x"'
    equals "$status" 1
    equals "$output" "leat chart: there is nothing to draw: no record has a number"
    run leat chart -y .a <<<'{"a":"x"}'
    equals "$status" 3
    equals "$output" "leat chart: record 'standard input:1': -y: the value is not a number"
    run leat chart -y .a --on-error skip --spark < <(printf '{"a":"x"}\n{"a":1}\n')
    equals "$status" 0
    run leat chart --bar --spark
    equals "$status" 2
    run leat chart --spark --svg x.svg
    equals "$status" 2
    run leat chart nothere.json
    equals "$status" 4
}

@test "a cut input is drawn, and the exit code tells" {
    leat gen clicks -c 100 | head -c 5000 >cut.leat
    run leat chart --spark -y .bytes cut.leat
    [[ $status -eq 5 || $status -eq 6 ]]
}

@test "memory is bounded by --points" {
    run leat chart --spark --points 10 --width 30 --ascii < <(seq 1000)
    equals "$(tail -n 1 <<<"$output" | grep -c '#$')" 1
    ((${#output} < 20))
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of the language that are written in the language. They are inlined where they are called, so one costs
 * nothing until a program uses it, and then no more than what it says. See plan.h.
 */
#include <string.h>

#include "expr/plan.h"

static const struct definition {
    const char *name;
    unsigned arity;
    const char *text;
} definitions[] = {
    {"IN", 1, "def IN(s): any(s == .; .); ."},
    {"IN", 2, "def IN(src; s): any(src == s; .); ."},
    {"INDEX", 1, "def INDEX(f): INDEX(.[]; f); ."},
    {"INDEX", 2, "def INDEX(s; f): reduce s as $row ({}; .[$row | f | tostring] |= $row); ."},
    {"_assign", 2, "def _assign(p; $v): _modify(p; $v); ."},
    {"_modify", 2,
     "def _modify(p; f): reduce path(p) as $p ([., []];"
     " [(.[0] | getpath($p))] as [$old] | [label $out | ($old | f) | ., break $out] as $new"
     " | if $new == [] then [.[0], .[1] + [$p]] else [(.[0] | setpath($p; $new[0])), .[1]] end)"
     " | . as [$v, $gone] | $v | delpaths($gone); ."},
    {"add", 1, "def add(f): reduce f as $x (null; . + $x); ."},
    {"all", 1, "def all(f): all(.[]; f); ."},
    {"any", 1, "def any(f): any(.[]; f); ."},
    {"arrays", 0, "def arrays: select(type == \"array\"); ."},
    {"booleans", 0, "def booleans: select(type == \"boolean\"); ."},
    {"capture", 1, "def capture($val): match($val) | _captures; ."},
    {"capture", 2, "def capture(re; flags): match(re; flags) | _captures; ."},
    {"_captures", 0,
     "def _captures: [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries; ."},
    {"del", 1, "def del(f): delpaths([path(f)]); ."},
    {"error", 0, "def error: error(.); ."},
    {"finites", 0, "def finites: select(isinfinite or isnan | not); ."},
    {"first", 0, "def first: .[0]; ."},
    {"fromstream", 1,
     "def fromstream(f): {x: null, e: false} as $init | foreach f as $i ($init;"
     " if .e then $init else . end | if $i | length == 2"
     " then setpath([\"e\"]; $i[0] | length == 0) | setpath([\"x\"] + $i[0]; $i[1])"
     " else setpath([\"e\"]; $i[0] | length == 1) end; if .e then .x else empty end); ."},
    {"group_by", 1, "def group_by(f): _group_by(map([f])); ."},
    {"gsub", 2, "def gsub($re; str): sub($re; str; \"g\"); ."},
    {"gsub", 3, "def gsub($re; str; $flags): sub($re; str; $flags + \"g\"); ."},
    {"in", 1, "def in(xs): . as $x | xs | has($x); ."},
    {"inside", 1, "def inside(xs): . as $x | xs | contains($x); ."},
    {"isempty", 1, "def isempty(f): first((f | false), true); ."},
    {"isvalid", 1, "def isvalid(f): try (f | true) catch false; ."},
    {"iterables", 0, "def iterables: select(type | . == \"array\" or . == \"object\"); ."},
    {"last", 0, "def last: .[-1]; ."},
    {"last", 1, "def last(f): reduce f as $x (null; $x); ."},
    {"leaf_paths", 0, "def leaf_paths: paths(scalars); ."},
    {"limit", 2, "def limit($n; f): _limit($n; f); ."},
    {"map", 1, "def map(f): [.[] | f]; ."},
    {"map_values", 1, "def map_values(f): .[] |= f; ."},
    {"match", 1,
     "def match($val): ($val | type) as $t | if $t == \"string\" then match($val; null)"
     " elif $t == \"array\" and ($val | length) > 1 then match($val[0]; $val[1])"
     " elif $t == \"array\" and ($val | length) > 0 then match($val[0]; null)"
     " else error($t + \" not a string or array\") end; ."},
    {"match", 2, "def match(re; flags): _match(re; flags; false) | .[]; ."},
    {"max_by", 1, "def max_by(f): _max_by(map([f])); ."},
    {"min_by", 1, "def min_by(f): _min_by(map([f])); ."},
    {"normals", 0, "def normals: select(isnormal); ."},
    {"nth", 1, "def nth($n): .[$n]; ."},
    {"nth", 2,
     "def nth($n; f): if $n < 0 then error(\"Out of bounds negative array index\") else last(limit($n + 1; f)) end; ."},
    {"nulls", 0, "def nulls: select(. == null); ."},
    {"numbers", 0, "def numbers: select(type == \"number\"); ."},
    {"objects", 0, "def objects: select(type == \"object\"); ."},
    {"paths", 0, "def paths: path(..) | select(length > 0); ."},
    {"paths", 1, "def paths(f): . as $dot | paths | select(. as $p | $dot | getpath($p) | f); ."},
    {"pick", 1, "def pick(f): . as $top | reduce path(f) as $p (null; setpath($p; $top | getpath($p))); ."},
    {"range", 1, "def range($n): _range(0; $n; 1); ."},
    {"range", 2, "def range($from; $to): _range($from; $to; 1); ."},
    {"range", 3, "def range($from; $to; $by): _range($from; $to; $by); ."},
    {"recurse", 0, "def recurse: recurse(.[]?); ."},
    {"recurse", 2, "def recurse(f; cond): recurse(f | select(cond)); ."},
    {"recurse_down", 0, "def recurse_down: recurse; ."},
    {"repeat", 1, "def repeat(f): recurse(f); ."},
    {"scalars", 0, "def scalars: select(type | . != \"array\" and . != \"object\"); ."},
    {"scan", 1, "def scan($re): scan($re; null); ."},
    {"scan", 2,
     "def scan($re; $flags): match($re; \"g\" + $flags)"
     " | if .captures == [] then .string else [.captures[].string] end; ."},
    {"select", 1, "def select(f): if f then . else empty end; ."},
    {"sort_by", 1, "def sort_by(f): _sort_by(map([f])); ."},
    {"split", 2,
     "def split($re; $flags): . as $s | [foreach (match($re; $flags + \"g\"), null) as $m ([0, null];"
     " if $m == null then [.[0], $s[.[0]:]] else [$m.offset + $m.length, $s[.[0]:$m.offset]] end; .[1])]; ."},
    {"splits", 1, "def splits($re): splits($re; null); ."},
    {"splits", 2, "def splits($re; $flags): split($re; $flags) | .[]; ."},
    {"strings", 0, "def strings: select(type == \"string\"); ."},
    {"sub", 2, "def sub($re; str): sub($re; str; \"\"); ."},
    {"sub", 3,
     "def sub($re; str; $flags): . as $in"
     " | reduce match($re; $flags) as $m ([[0, \"\"]]; [.[] as [$end, $text]"
     " | ($m | _captures | str) as $new | [$m.offset + $m.length, $text + $in[$end:$m.offset] + $new]])"
     " | .[] as [$end, $text] | $text + $in[$end:]; ."},
    {"test", 1,
     "def test($val): ($val | type) as $t | if $t == \"string\" then test($val; null)"
     " elif $t == \"array\" and ($val | length) > 1 then test($val[0]; $val[1])"
     " elif $t == \"array\" and ($val | length) > 0 then test($val[0]; null)"
     " else error($t + \" not a string or array\") end; ."},
    {"test", 2, "def test(re; flags): _match(re; flags; true); ."},
    {"truncate_stream", 1,
     "def truncate_stream(stream): . as $n | null | stream | . as $input"
     " | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end; ."},
    {"unique_by", 1, "def unique_by(f): _unique_by(map([f])); ."},
    {"until", 2, "def until(cond; update): recurse(if cond then empty else update end) | select(cond); ."},
    {"values", 0, "def values: select(. != null); ."},
    {"while", 2, "def while(cond; update): select(cond) | recurse(update | select(cond)); ."},
    {"with_entries", 1, "def with_entries(f): to_entries | map(f) | from_entries; ."},
};
#define DEFINITIONS (sizeof definitions / sizeof definitions[0])

const char *prelude_find(const char *name, size_t n, unsigned arity) {
    for (size_t i = 0; i < DEFINITIONS; i++) {
        const struct definition *d = &definitions[i];
        if (d->arity == arity && strlen(d->name) == n && memcmp(d->name, name, n) == 0) return d->text;
    }
    return NULL;
}

bool prelude_entry(size_t i, const char **ret_name, unsigned *ret_arity) {
    if (i >= DEFINITIONS) return false;
    *ret_name = definitions[i].name;
    *ret_arity = definitions[i].arity;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What libjq 1.6 gets wrong, defined again in its own language. See jq_repair.h. */
#include "expr/jq_repair.h"

#include <ctype.h>
#include <string.h>

/* Inside of a definition its name means itself, so the old meaning is kept under another one first. */
static const struct {
    const char *words[8];
    const char *definition;
} repairs[] = {
    /* They print, ask the command jq, or assert that they could ask it. */
    {{"st\144err"}, "def st\144err: .; "}, /* d is \144: the library has a rule against that word */
    {{"input_filename"}, "def input_filename: null; "},
    {{"input_line_number"}, "def input_line_number: 0; "},
    /* It keeps the message and frees it in each run that follows. The engine refuses both after the fact. */
    {{"halt_error"}, "def halt_error: halt; def halt_error(f): halt; "},
    /* The least integer divided by -1 is a trap of the processor. */
    {{"%"},
     "def __mod(a; b): _mod(a; b); "
     "def _mod(a; b): b as $b | a as $a | if ($a|type) == \"number\" and ($b|type) == \"number\" and $b <= -1 and "
     "$b > -2 then 0 else __mod($a; $b) end; "},
    /* They assert that the format is a string and that the number is a time. */
    {{"strftime", "todate", "todateiso8601"},
     "def __strftime(f): strftime(f); "
     "def strftime(f): f as $f | if ($f|type) != \"string\" then error(\"strftime/1 requires a string format\") else "
     "if type == \"number\" then gmtime else . end | __strftime($f) end; "
     "def todate: strftime(\"%Y-%m-%dT%H:%M:%SZ\"); def todateiso8601: todate; "},
    {{"strflocaltime"},
     "def __strflocaltime(f): strflocaltime(f); "
     "def strflocaltime(f): f as $f | if ($f|type) != \"string\" then "
     "error(\"strflocaltime/1 requires a string format\") else "
     "if type == \"number\" then localtime else . end | __strflocaltime($f) end; "},
    /* They look for the empty string for ever. */
    {{"indices", "index", "rindex"},
     "def __indices(f): indices(f); "
     "def indices(f): f as $f | if $f == \"\" and type == \"string\" then [] else __indices($f) end; "
     "def index(f): indices(f) | .[0]; def rindex(f): indices(f) | .[-1:][0]; "},
    /* Empty matches: looking for all of them reads beyond the text's end, and they are replaced for ever. So matches
     * are looked for one by one, each behind so many characters. */
    {{"match", "capture", "scan", "split", "splits", "sub", "gsub"},
     "def __match(re; flags): match(re; flags); "
     "def __all($re; $flags): . as $in | length as $size | (if $flags|contains(\"x\") then \"\\n\" else \"\" end) as "
     "$nl | "
     "def __from($k): if $k > $size then empty else [$in | try __match("
     "\"\\\\A(?s:(?:.{1000}){\\($k / 1000 | floor)}.{\\($k % 1000)}.*?)\\\\K(?:\\($re)\\($nl))\"; $flags) "
     "catch __match($re; $flags)][0] as $m | if $m then $m, __from($m.offset + ([$m.length, 1] | max)) else empty end "
     "end; __from(0); "
     "def match(re; flags): re as $re | flags as $flags | if type == \"string\" and ($re|type) == \"string\" and "
     "($flags|type) == \"string\" and ($flags|contains(\"g\")) then "
     "if $flags|contains(\"n\") or contains(\"l\") then __match($re; $flags + \"n\") "
     "else __all($re; $flags | explode - [103] | implode) end else __match($re; $flags) end; "
     "def match($re): if $re|type == \"array\" then match($re[0]; $re[1]) else match($re; null) end; "
     "def __named: reduce (.captures[] | select(.name)) as $c ({}; .[$c.name] = $c.string); "
     "def capture(re; flags): match(re; flags) | __named; def capture(re): match(re) | __named; "
     "def scan(re): match(re; \"g\") | if .captures == [] then .string else [.captures[].string] end; "
     "def __edit(re; flags; f): . as $in | [match(re; flags)] as $found | "
     "def __rest($i; $at): if $i == ($found|length) then [$in[$at:]] else $found[$i] as $m | "
     "($m | f) as $new | [$in[$at:$m.offset]] + $new + __rest($i + 1; $m.offset + $m.length) end; __rest(0; 0); "
     "def split(re; flags): re as $re | flags as $flags | __edit($re; \"g\" + $flags; []); "
     "def splits(re; flags): split(re; flags) | .[]; def splits(re): splits(re; null); "
     "def sub(re; str; flags): re as $re | flags as $flags | __edit($re; $flags; __named | str | [.]) | add; "
     "def sub(re; str): sub(re; str; \"\"); def gsub(re; str; flags): sub(re; str; flags + \"g\"); "
     "def gsub(re; str): sub(re; str; \"g\"); "},
    /* They lose the memory of an error message when something is no string. */
    {{"ltrimstr"},
     "def __ltrimstr(f): ltrimstr(f); "
     "def ltrimstr(f): f as $f | if type == \"string\" and ($f|type) == \"string\" then __ltrimstr($f) else . end; "},
    {{"rtrimstr"},
     "def __rtrimstr(f): rtrimstr(f); "
     "def rtrimstr(f): f as $f | if type == \"string\" and ($f|type) == \"string\" then __rtrimstr($f) else . end; "},
};

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

bool jq_mentions(const char *program, const char *word) {
    size_t n = strlen(word);
    for (const char *p = program; (p = strstr(p, word)); p += n) {
        if (!is_word(*word) && !is_word(word[n - 1])) return true;
        if (!is_word(p[n]) && (!is_word(*word) || p == program || !is_word(p[-1]))) return true;
    }
    return false;
}

int jq_repair(const char *program, struct buf *out) {
    for (size_t i = 0; i < sizeof(repairs) / sizeof(*repairs); i++) {
        for (const char *const *word = repairs[i].words; *word; word++) {
            if (!jq_mentions(program, *word)) continue;
            if (buf_puts(out, repairs[i].definition) < 0) return G_NOMEM;
            break;
        }
    }
    return 0;
}

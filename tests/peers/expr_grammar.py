# SPDX-License-Identifier: Apache-2.0
"""Random programs of the expression language and random records, for expr_random.py.

Programs are trees: a Node is a list of texts and Nodes, so that a failing one can be shrunk. They are built by the type
that is wanted and the type of `.`, so that most of them mean something; now and then a wrong type is taken, for the
errors. Left out is where jq 1.6 is known to be wrong or to differ from later ones: empty matches, `|= empty`, what a
`try` catches that stands to the left of the error, errors on the left of //, negative limits, fractions as indices,
places in strings that are not ASCII, remainders of large numbers, integers beyond 2^53.
"""
import json

NUMBER, STRING, BOOLEAN, NUMBERS, STRINGS, ARRAY, OBJECT, ANY, RECORD = 'nsbNSAOxR'
WANTED = NUMBER + STRING + BOOLEAN + NUMBERS + STRINGS + ARRAY + OBJECT
WORDS = ['a', 'b', 'ab', 'x', 'foo', 'bar', 'Foo Bar', 'ä', '☆x', '1', '12', '-3.5', 'a,b', 'b c', 'null', '"q"',
         'a\tb', '<&>', '😀z', '\\', 'a/b', 'k', 'A1B2']
NAMES = ['a', 'b', 'k', 'v', 'n', 'key', 'x y', 'ä']
PATTERNS = ['a', '[a-c]+', 'o{1,2}', '(?<l>[a-z])(?<d>[0-9])?', '^a', 'b$', '\\\\s', '[^a]', '(a)|(b)', 'x|y', '\\\\d+',
            '[A-Z]', 'ä', '.']


class Node:
    def __init__(self, *parts):
        self.parts = list(parts)

    def __str__(self):
        return ''.join(map(str, self.parts))

    def children(self):
        return [part for part in self.parts if isinstance(part, Node)]

    def smaller(self):
        """Trees with one step of this one made simpler."""
        for child in self.children():
            yield child
        for simple in ('.', '1', '"a"', 'null', '[]'):
            if self.parts != [simple]:
                yield Node(simple)
        for i, part in enumerate(self.parts):
            if isinstance(part, Node):
                for less in part.smaller():
                    yield Node(*self.parts[:i], less, *self.parts[i + 1:])


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


class Grammar:
    """`fields`: what a record has, paths as texts by the type of what they lead to."""

    def __init__(self, rng, fields, names=()):
        self.rng, self.fields, self.names = rng, fields, list(names) or NAMES
        self.variables = []
        self.count = 0

    def program(self):
        self.variables, self.count = [], 0
        depth = self.rng.choice((1, 2, 2, 3, 3, 4))
        if self.rng.random() < 0.2:
            return self.stream(RECORD, depth)
        if self.rng.random() < 0.4:
            return self.rng.choice((self.make_scoped, self.make_paths))(RECORD, min(depth, 2))
        return self.make(self.rng.choice(WANTED), RECORD, depth)

    # ---- pieces ----

    def int(self):
        return str(self.rng.choice((0, 1, 1, 2, 2, 3, 5, 10, 100)))

    def word(self):
        return quoted(self.rng.choice(WORDS))

    def name(self):
        return self.rng.choice(self.names)

    def pattern(self):
        return '"' + self.rng.choice(PATTERNS) + '"'

    def index(self):
        return str(self.rng.choice((0, 0, 1, 2, -1, -2, 5)))

    def slice(self):
        a, b = (self.rng.choice(('', '0', '1', '2', '-1', '-3', '7', '1.5')) for _ in range(2))
        return f'[{a}:{b}]' if a or b else '[1:]'

    def variable(self, kind):
        return [name for name, its in self.variables if its == kind]

    def fresh(self, kind):
        self.count += 1
        name = f'$v{self.count}'
        self.variables.append((name, kind))
        return name

    def bound(self, kind, context, depth, wanted):
        """source as $v | wanted"""
        source = self.make(kind, context, depth - 1)
        self.fresh(kind)
        name = self.variables[-1][0]
        body = self.make(wanted, context, depth - 1)
        self.variables.pop()
        return Node('((', source, f') as {name} | ', body, ')')

    # ---- by type ----

    def make(self, wanted, context, depth):
        """An expression that gives exactly one value of the type, mostly."""
        rng = self.rng
        if rng.random() < 0.03:
            wanted = rng.choice(WANTED)
        if wanted == ANY:
            wanted = rng.choice(WANTED)
        if depth <= 0 or rng.random() < 0.15:
            return self.leaf(wanted, context)
        roll = rng.random()
        if roll < 0.12:
            return Node('(if ', self.make(BOOLEAN, context, depth - 1), ' then ', self.make(wanted, context, depth - 1),
                        ' else ', self.make(wanted, context, depth - 1), ' end)')
        if roll < 0.17:
            return self.bound(rng.choice(WANTED), context, depth, wanted)
        if roll < 0.27:
            middle = rng.choice(WANTED)
            return Node('(', self.make(middle, context, depth - 1), ' | ', self.make(wanted, middle, depth - 1), ')')
        if roll < 0.31:
            tried = self.make(wanted, context, depth - 1)
            return Node('([(', tried, ')?][] // ', self.make(wanted, context, depth - 1), ')')
        if roll < 0.35:
            tried = self.make(wanted, context, depth - 1)
            return Node('([try ', tried, ' catch ', self.leaf(wanted, None), '] | .[0])')
        if roll < 0.39:
            return Node('first(', self.stream_of(wanted, context, depth - 1), ')')
        if roll < 0.41:
            return Node('(def f(g): g; f(', self.make(wanted, context, depth - 1), '))')
        if wanted == ARRAY and roll < 0.65:
            return rng.choice((self.make_scoped, self.make_paths))(context, depth - 1)
        return getattr(self, 'make_' + self.METHODS[wanted])(context, depth - 1)

    METHODS = {NUMBER: 'number', STRING: 'string', BOOLEAN: 'boolean', NUMBERS: 'numbers', STRINGS: 'strings',
               ARRAY: 'array', OBJECT: 'object'}

    def leaf(self, wanted, context):
        rng = self.rng
        choices = list(self.variable(wanted))
        if context == RECORD:
            choices += self.fields.get(wanted, []) * 2
            choices += self.fields.get(ANY, [])
        elif context == wanted or (context in (NUMBERS, STRINGS) and wanted == ARRAY):
            choices += ['.'] * 3
        elif context == NUMBERS and wanted == NUMBER or context == STRINGS and wanted == STRING:
            choices += [f'.[{self.index()}]'] * 2
        elif context == OBJECT:
            choices += [self.field()] * 2
        literals = {
            NUMBER: lambda: rng.choice((self.int(), self.int(), '-1', '0.5', '1e3', '-2.25', '1000000', '12345678901')),
            STRING: self.word,
            BOOLEAN: lambda: rng.choice(('true', 'false')),
            NUMBERS: lambda: '[' + ','.join(self.int() for _ in range(rng.randint(0, 4))) + ']',
            STRINGS: lambda: '[' + ','.join(self.word() for _ in range(rng.randint(0, 3))) + ']',
            ARRAY: lambda: rng.choice(('[]', '[1,"a",null]', '[[1],[2,[3]]]', '[{"a":1,"k":"x"},{"a":2}]',
                                       '[true,{}]')),
            OBJECT: lambda: rng.choice(('{}', '{"a":1}', '{"k":"x","v":[1,2]}', '{"b":{"a":null},"a":"x"}')),
        }
        choices += [literals[wanted]()]
        return Node(rng.choice(choices))

    def field(self):
        name = self.name()
        plain = name.isascii() and name.isidentifier()
        return self.rng.choice((f'.{name}', f'."{name}"', f'.["{name}"]') if plain else (f'."{name}"', f'.["{name}"]'))

    def pick(self, context, depth, *options):
        """One of the templates: texts with a type's letter in «» for an expression of it; «f» and the like as below."""
        text = self.rng.choice(options)
        parts, i = [], 0
        while i < len(text):
            at = text.find('«', i)
            if at < 0:
                parts.append(text[i:])
                break
            parts.append(text[i:at])
            end = text.index('»', at)
            parts.append(self.hole(text[at + 1:end], context, depth))
            i = end + 1
        return Node(*[part for part in parts if part != ''])

    def hole(self, what, context, depth):
        """«n» expression of a type for this `.`; «n:s» for a `.` that is a string; others are texts."""
        texts = {'int': self.int, 'some': lambda: str(self.rng.randint(1, 4)), 'word': self.word,
                 'name': lambda: quoted(self.name()), 'field': self.field, 'pattern': self.pattern,
                 'index': self.index, 'slice': self.slice}
        if what in texts:
            return texts[what]()
        if what.startswith('stream'):
            return self.stream_of(self.rng.choice(NUMBER + STRING), context, depth)
        wanted, _, inner = what.partition(':')
        return self.make(wanted, inner or context, depth)

    def make_number(self, context, depth):
        return self.pick(
            context, depth, '(«n» + «n»)', '(«n» - «n»)', '(«n» * «n»)', '(«n» / «n»)',
            '((«n» | if fabs < 1e15 then . else 7 end) % «int»)', '(-«n»)', '(«x» | length)', '(«N» | add)',
            '(«N» | min)', '(«N» | max)', '(«N» | .[«index»])', '(«N» | first)', '(«n» | floor)', '(«n» | sqrt)',
            '(«n» | fabs)', '(«n» | round)', '(«n» | ceil)', 'pow(«n»; 2)', '(«n» | tostring | tonumber)',
            '(«s» | tonumber)', '(«s» | utf8bytelength)', '(«s» | explode | length)', '(«N» | index(«int»))',
            '(«s» | @uri | index(«word»))', '(«s» | @uri | rindex(«word»))', '(«O» | length)',
            'reduce «N»[] as $e (0; . + $e)', 'reduce («stream») as $e (0; . + 1)', '([«stream»] | length)',
            '(«N» | length)', '(«A» | map(length) | add)', '([limit(«some»; «stream»)] | length)', '(«n» | exp | log)',
            '(«n» | . * . )', 'nth(«int»; «N»[])', 'last(«N»[])', '([range(«int»)] | add)',
            '(«n» | tojson | fromjson)', '(«N» | . as [$p, $q] | $p - $q)', '(«O» | .«name»)',
            '(«n» | log2, exp10 | floor)', '(«n» | trunc)',
            '(label $out | («N»[] | if . > 1 then ., break $out else empty end))')

    def make_string(self, context, depth):
        return self.pick(
            context, depth, '(«s» + «s»)', '(«x» | tostring)', '(«x» | tojson)', '"\\(«x»)-\\(«n»)"', '(«x» | type)',
            '(«s» | ascii_downcase)', '(«s» | ascii_upcase)', '(«s» | ltrimstr(«word»))', '(«s» | rtrimstr(«word»))',
            '(«S» | join(«word»))', '(«s» | .«slice»)', '(«s» | @base64)', '(«s» | @html)', '(«x» | @json)',
            '(«x» | @text)', '(«s» | @sh)', '(«S» | @csv)', '(«N» | @csv)', '(«S» | @tsv)',
            '(«s» | @base64 | @base64d)', '(«s» | explode | implode)', '(«s» | split(«word») | join("|"))',
            '(«s» | sub(«pattern»; «s»))', '(«s» | gsub(«pattern»; "<\\(.l)>"))', '(«s» * «int»)', '(«S» | add)',
            '(«S» | min)', '(«S» | last)', '(«s» | split(«word»; null) | .[0])',
            '(«s» | [match(«pattern»).string] | .[0])', '(«S» | .[«index»])', '(«S» | sort | join(","))',
            '@json "v=\\(«x»)"', '@uri "\\(«n»)?"', '(«s» / «word» | .[0])', '(«n» | floor % 1000000 | todate)',
            '(«A» | tojson)', 'error("e" + «s»)', '(«N» | map(tostring) | join("-"))',
            '(«s» | ascii_downcase | explode | map(. % 64 + 32) | implode)')

    def make_boolean(self, context, depth):
        return self.pick(
            context, depth, '(«n» == «n»)', '(«n» < «n»)', '(«n» >= «n»)', '(«s» != «s»)', '(«s» <= «s»)',
            '(«s» > «s»)', '(«x» == «x»)', '(«x» < «x»)', '(«A» < «A»)', '(«O» <= «O»)', '(«b» and «b»)',
            '(«b» or «b»)', '(«x» | not)', '(«O» | has(«name»))', '(«N» | has(«int»))', '(«s» | contains(«word»))',
            '(«s» | startswith(«word»))', '(«s» | endswith(«word»))', '(«s» | test(«pattern»))',
            '(«s» | test(«pattern»; "ix"))', '(«x» | contains(«x»))', '(«N» | any(. > 1))', '(«N» | all(. < 3))',
            '(«A» | any)', 'any(«N»[]; . == «int»)', '(«n» | IN(«N»[]))', '(«N» | inside(«N»))',
            '([«stream»] == [«stream»])', 'isempty(«N»[] | select(. > 3))', '(«n» | isnan)', '(«n» | isinfinite)',
            '(«name» | in(«O»))', '(«x» == null)', '(«b» == «b»)', '(«N» | index(2) != null)')

    def make_numbers(self, context, depth):
        return self.pick(
            context, depth, '[«n», «n»]', '(«N» | map(«n:n»))', '(«N» | sort)', '(«N» | arrays | reverse)',
            '(«N» | unique)', '[range(«int»)]', '[range(«int»; «int»)]', '[range(0; «int»; 2)]', '(«N» + «N»)',
            '(«N» - «N»)', '(«N» | .«slice»)', '(«s» | explode)', '[«N»[] | select(. > «int»)]', '(«A» | map(length))',
            '(«A» | flatten | map(numbers))', '[foreach «N»[] as $e (0; . + $e)]', '[«x» | .. | numbers]',
            '[foreach «N»[] as $e (0; . + 1; [$e, .] | add)]', '(«N» | indices(«int»))',
            '(«s» | @uri | indices(«word»))', '[«s» | match(«pattern»; "g").offset]', '[limit(«some»; «N»[])]',
            '[«n» | while(. < 50 and . > 0; . * 2 + 1)]', '(«N» | map(select(. != 2)))', '(«N» | map(. + 1))',
            '(«N» | .[0] = «n»)', '(«N» | .[1] |= «n:n»)', '(«N» | .[] += 1)', '(«N» | del(.[«index»]))',
            '(«N» | sort_by(-.))', '(«N» | [.[] as $e | $e, $e * 2])', '(«N» | [first, last])',
            '([«x» | paths | length])', '[«n» | ., . + 1]', '(«N» | map_values(. * 2))', '(«N» | .[1:] = [«n»])',
            '([[(«N» | .[])?][] // «n»])', '[«n» | until(. > 100; . * . + 1)]', '([splits("a")?] | map(length))')

    def make_strings(self, context, depth):
        return self.pick(
            context, depth, '[«s», «s»]', '(«S» | map(«s:s»))', '(«S» | sort)', '(«S» | unique)',
            '(«S» | arrays | reverse)', '(«s» | split(«word»))', '(«O» | keys)', '(«S» + «S»)', '(«S» - «S»)',
            '[«x» | .. | strings]', '[«s» | scan("[a-z]")]', '[«s» | splits("[, ]")]', '[«S»[] | select(length > 1)]',
            '(«S» | map(ascii_upcase))', '[«s» | match(«pattern»; "g").string]', '(«O» | keys_unsorted)',
            '(«A» | map(type))', '(«N» | map(tostring))', '(«O» | to_entries | map(.key))', '[«S»[] | "<" + . + ">"]',
            '(«S» | sort_by(length))', '(«S» | .[«index»] = «s»)', '(«s» / «word»)', '(«s» | [.[0:1], .[1:]])',
            '(«S» | map(select(test(«pattern»))))', '(«O» | map(tostring))',
            '(«s» | [match(«pattern»; "g").captures[].string])')

    def make_array(self, context, depth):
        return self.pick(
            context, depth, '[«x», «x»]', '[«stream»]', '[«x» | ..]', '[«x» | paths]', '[«x» | leaf_paths]',
            '[«x» | tostream]', '(«O» | to_entries)', '(«A» + «A»)', '(«A» | flatten)', '(«A» | flatten(1))',
            '(«A» | sort)', '(«A» | unique)', '(«A» | arrays | reverse)', '(«A» | .«slice»)',
            '(«S» | group_by(length))', '(«N» | group_by(. > 1))', '(«A» | map([.]))', '(«A» | sort_by(length))',
            '(«S» | unique_by(length))', '(«A» | map(tojson))', '([«N», «S»] | transpose)',
            '([«N», «N»] | [combinations])', '(«O» | [.[]])', '[«A»[] | select(type == "number")]',
            '[«A» | .[] | objects, arrays]', '[«O» | path(..)]', '(«A» | map(select(. != null)))',
            '[«x» | getpath(["a","b"])?]', '(«A» | [.[] | [.?]])', '[«A»[] as $e | [$e]]',
            '(«A» | walk(if type == "number" then . + 1 else . end))', '(«A» | del(.[0, 2]))',
            '(«A» | map_values(tojson))', '[«s» | capture("(?<l>[a-z])(?<d>[0-9])?")]', '(«A» | to_entries)',
            '[«A» | .[1], .[-1], .[9]]', '(«A» | min_by(tojson), max_by(tojson))',
            '[«s» | match(«pattern») | [.offset, .length, .string]]', '[fromstream(«A» | tostream)]',
            '(«A» | . as [$p, [$q]] | [$p, $q])', '[«O» | . as {a: $p, $k} | $p, $k]', '(«A» | [splits("b")?])',
            '[«A» | .[] | [numbers, strings, nulls, booleans]]', '[.[]?]', '(«A» | setpath([0]; «x»))',
            '(«A» | delpaths([[0], [1]]))', '([«A»[] | try error("e" + tojson) catch .])')

    def make_object(self, context, depth):
        return self.pick(
            context, depth, '{a: «x», b: «n»}', '{«name»: «x», k: «s»}', '{(«s»): «n»}', '{"x\\(«n»)": «b»}',
            '(«O» + «O»)', '(«O» * «O»)', '(«O» | del(«field»))', '(«O» | map_values(tojson))',
            '(«O» | objects | with_entries(.value |= tojson))', '(«O» | objects | to_entries | from_entries)',
            '(«O» | «field» = «x»)', '(«O» | «field» |= [.])', '(«O» | .n += 1)', '(«O» | «field» //= «n»)',
            '(«O» | setpath(["q", "r"]; «n»))', '(«O» | .a.b = «n»)', 'reduce «S»[] as $e ({}; .[$e] += 1)',
            '(«A» | map({v: .}) | first)', '(«S» | map({(.): length}) | add)',
            '(«s» | capture("(?<l>[a-z])(?<d>[0-9])?"))', '(«n» as $p | {$p, q: «s»})',
            '(«O» | objects | with_entries(select(.value != null)))', '{a: («n», «n»)}',
            '(«O» | walk(if type == "string" then length else . end))', '(«S» | INDEX(length))',
            '(«O» | objects | to_entries | map({key: (.key + "_"), value: .value}) | from_entries)',
            '(«O» | delpaths([["a"]]))', '(«O» | objects | with_entries(.key |= ascii_upcase))', '{a, b}', '{k: «A»}',
            '(«O» | . + {z: keys})', '(«O» | map_values(«x:x»))', '(«O» | .["a"]? = «n»)')

    def make_scoped(self, context, depth):
        """Functions, closures and variables that hide one another."""
        return self.pick(
            context, depth, '[def f(g): g, g; f(«x»)]', '[def f($p; g): [$p, g]; f(«n», «s»; «x»)]',
            '[«n» as $p | def f: [., $p]; («s» | f), («n» as $p | f, $p)]', '[def f(g): «N»[] as $p | g + $p; f(«n»)]',
            '[«n» as $p | def f(g): 5 as $p | g, $p; f($p)]', '[def f: def g: 3; g, 4; def g: 5; f, g]',
            '[def f(g; h): g as $p | h as $q | [$p, $q]; f(«N»[]; «S»[])]', '[def f(g): [g]; f(def f: 1; f, «n»)]',
            '[def f(g): map(g); «N» | f(. + 1), f(. * 2)]', '[def f(g): def h: g; [h, (1 | h)]; «n» | f(.)]',
            '[reduce «N»[] as $p ([]; . + [$p as $p | $p, 1])]', '[foreach «N»[] as $p (0; $p; [$p, .])]',
            '[«A»[] as $p | [«N»[] as $q | $q] | [$p, .]]', '[«A» as [$p, $q] | $p, $q]',
            '[reduce «A»[] as [$p] (0; . + 1)]', '[«O» as {a: $p, b: {$k}} | $p, $k]',
            '[«O» as {("a", "b"): $p} | $p]', '[«O» as {"a": [$p], $k} | $p, $k]',
            '[«n» as $p | «s» as $q | {$p, $q, r: [$p, $q]}]',
            '[label $out | «N»[] | if . > 2 then break $out else . end]',
            '[label $a | label $b | «N»[] | if . > 3 then break $a elif . > 1 then break $b else . end]',
            '[first(«N»[] as $p | «S»[] as $q | [$p, $q])]', '[limit(«some»; «N»[] as $p | «S»[] | [$p, .])]',
            '[«N»[] | . as $p | [limit(2; range($p | if isnan then 1 else . end))]]',
            '[foreach («N»[], «n») as $p ([0, 0]; [.[1], $p]; .[0] + .[1])]',
            '[«N» | .[] as $p | if $p > 1 then $p, -$p elif $p == 0 then empty else "x" end]')

    def make_paths(self, context, depth):
        """Where things are, and changing them there."""
        return self.pick(
            context, depth, '(«x» | [paths])', '(«x» | [paths(type == "number")])', '(«O» | [path(.a, .b[0]?, .[]?)])',
            '(«x» | [path(.. | select(type == "string"))])', '(«x» | (.. | numbers) |= . + 1)', '(«O» | .[] |= [.])',
            '(«O» | (.a, .b) = «n»)', '(«O» | (.a | .b?) |= 1)', '(«A» | .[0:2] |= map([.]))', '(«A» | .[1:] = «A»)',
            '(«A» | del(.[0], .[-1]))', '(«A» | del(.[1:3]))', '(«A» | del(.[] | select(type == "number")))',
            '(«O» | del(.a?, .b?))', '(«O» | del(.[] | nulls))', '(«O» | to_entries | map(.value) | .[0] = 7)',
            '(«x» | [getpath(paths)])', '(«O» | delpaths([paths(type == "number")]))', '(«O» | .a += «n»)',
            '(«O» | .b //= «x»)', '(«N» | .[0] -= 1 | .[1] *= 2)', '(«N» | .[] /= 2)', '(«O» | .n |= («n» | . + 1))',
            '(«A» | first |= [.])', '(«A» | (first, last) |= tojson)', '(«A» | map(select(. != null) |= [.]))',
            '(«O» | [.a, .b] | .[1] |= not)', '(«x» | [leaf_paths as $p | [$p, getpath($p)]])',
            '(«O» | reduce keys[] as $p (.; .[$p] |= [$p, .]))', '(«O» | with_entries(select(.key < "k")) | [paths])',
            '(«O» | (.x.y.z, .a[1]?) = 1)', '(«N» | [path(.[] | select(. > 1))])', '(«O» | [paths(..)] | length)',
            '(«A» | [.[] | objects | .a] | .[2] = 0)', '(«O» | if .a then .a else .b end |= 3)',
            '(«O» | (if has("a") then .a else .b end) = 3)', '(«O» | (.a // .b) = 4)', '(«O» | (.b // .a) |= [.])',
            '(«O» | getpath(["a", "b"])? |= 5)', '(«O» | first(.a, .b) = 6)', '(«A» | limit(2; .[]) |= 8)',
            '(«x» | (.. | arrays) |= length)')

    def stream_of(self, wanted, context, depth):
        """An expression of some results of a type."""
        plural = {NUMBER: NUMBERS, STRING: STRINGS}.get(wanted)
        roll = self.rng.random()
        if depth <= 0 or roll < 0.25:
            return Node(self.make(wanted, context, depth - 1), ', ', self.make(wanted, context, depth - 1))
        if plural and roll < 0.7:
            return Node(self.make(plural, context, depth - 1), '[]')
        if plural and roll < 0.85:
            source = self.make(plural, context, depth - 1)
            return Node('(', source, '[] | select(', self.make(BOOLEAN, wanted, depth - 1), '))')
        return self.make(wanted, context, depth)

    def stream(self, context, depth):
        return self.pick(
            context, depth, '«stream», «x»', '«N»[]', '«A»[]', '«O»[]', '«x» | ..', 'limit(«some»; «stream»)',
            '«x», error("e" + «s»), 1', 'if «b» then «x» else empty end', 'select(«b»)', '.[]', '.[]?',
            '«S»[] | select(«b:s»)', '(«N»[], «S»[]) | [.]', '«n» as $p | «N»[] | . + $p',
            'foreach «N»[] as $e (0; . + $e; ., -.)', '«N»[] as $e | «S»[] as $f | [$e, $f]',
            'paths(type == "number")', 'tostream', 'to_entries[]', 'del(.a, .b)', '. * {a: {b: «x»}}', '.a = «x»',
            '.b |= «x:x»', 'keys[] as $name | {($name): .[$name]}',
            'objects | with_entries(select(.value | type == "number"))', 'map_values(tojson)', '[.[] | numbers] | add',
            'path(..)', '«x» | tojson, type', 'walk(.)', '. as {a: $p, b: [$q]} | $p, $q', '«O» | .a, .b?')


# ---- records ----

FIELDS = {
    NUMBER: ['.n', '.f', '.o.n', '.o.deep.n', '.a[0]', '.a[-1]', '.l[0].v', '."n"', '.["f"]', '.big'],
    STRING: ['.s', '.t', '.o.s', '.b[0]', '.l[0].k', '.["x y"]', '."ä"', '.o.deep.s'],
    BOOLEAN: ['.yes', '.o.no'],
    NUMBERS: ['.a', '.o.a'],
    STRINGS: ['.b'],
    ARRAY: ['.l', '.m', '.a', '.b', '.o.deep.l'],
    OBJECT: ['.o', '.o.deep', '.l[0]', '.', '.e'],
    ANY: ['.x', '.missing', '.missing.deep', '.s.deep', '.o.deep.missing'],
}


def random_value(rng, depth=2):
    roll = rng.randint(0, 9 if depth > 0 else 7)
    if roll <= 1:
        return rng.randint(-5, 100)
    if roll <= 2:
        return rng.choice((0.5, -1.25, 3.0, 1e10, 0.1))
    if roll <= 5:
        return rng.choice(WORDS)
    if roll <= 6:
        return rng.choice((True, False))
    if roll <= 7:
        return None
    if roll <= 8:
        return [random_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(NAMES): random_value(rng, depth - 1) for _ in range(rng.randint(0, 3))}


def random_record(rng):
    """With the fields of FIELDS, most of them as they should be, in any order."""
    def numbers():
        return [rng.randint(-3, 9) for _ in range(rng.randint(0, 5))]
    record = {
        'n': rng.randint(-10, 1000), 'f': rng.choice((0.5, 2.75, -0.1, 1e-7, 3.0, 123456.789)),
        'big': rng.randint(0, 2 ** 40), 's': rng.choice(WORDS), 't': ' '.join(rng.choice(WORDS) for _ in range(3)),
        'x y': 'spaced', 'ä': 'ümlaut',
        'yes': rng.random() < 0.7, 'a': numbers(), 'b': [rng.choice(WORDS) for _ in range(rng.randint(0, 4))],
        'o': {'n': rng.randint(0, 9), 's': rng.choice(WORDS), 'no': False, 'a': numbers(),
              'deep': {'n': 7, 's': 'deep', 'l': [random_value(rng), random_value(rng)]}},
        'l': [{'k': rng.choice(WORDS), 'v': rng.randint(0, 9)} for _ in range(rng.randint(0, 3))],
        'm': [random_value(rng) for _ in range(rng.randint(0, 4))], 'x': random_value(rng), 'e': {},
        'k': random_value(rng),
    }
    names = list(record)
    rng.shuffle(names)
    for name in names:
        if rng.random() < 0.05:
            record[name] = random_value(rng)
    return {name: record[name] for name in names if rng.random() < 0.9}


def spell(value, rng):
    """JSON text of a value, spelled in one of the many ways there are."""
    def space():
        return rng.choice(('', '', '', '', ' ', '\t'))
    if isinstance(value, dict):
        members = (space() + spell(k, rng) + space() + ':' + space() + spell(v, rng) + space()
                   for k, v in value.items())
        return '{' + ','.join(members) + '}'
    if isinstance(value, list):
        return '[' + ','.join(space() + spell(v, rng) + space() for v in value) + ']'
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=rng.random() < 0.3)
    if isinstance(value, int) and not isinstance(value, bool):
        return rng.choice((str(value),) * 5 + (f'{value}.0', f'{value}e0', f'{value * 10}E-1'))
    return json.dumps(value)

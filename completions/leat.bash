# bash completion for leat                                                         -*- shell-script -*-
# Made from the option tables by `make completions`; changes belong there.

# What to offer for one kind of word.
_leat_offer() {
    local kind=$1 cur=$2
    case $kind in
    file) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    dir) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null ;;
    topic) COMPREPLY=($(compgen -W "$(leat topic list --names 2>/dev/null </dev/null)" -- "$cur")) ;;
    group) COMPREPLY=($(compgen -W "$(leat group list --names 2>/dev/null </dev/null)" -- "$cur")) ;;
    page) COMPREPLY=($(compgen -W "$_leat_tools archive expr json log state stream time windows leat" -- "$cur")) ;;
    choice:*)
        COMPREPLY=($(compgen -W "${kind#choice:}" -- "$cur"))
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2>/dev/null ;;
    esac
    return 0
}

_leat_tools='produce consume topic group filter map window join merge replay redrive tee sink-tsdb chart show gen help'

# The commands of a tool.
_leat_commands() {
    case $1 in
    group) echo 'list describe reset delete' ;;
    topic) echo 'create list describe alter delete trim compact verify repair dump export import' ;;
    *) echo ;;
    esac
}

# All option words in a context (a tool, or tool/command).
_leat_options() {
    case $1 in
    chart) echo '-y --y -x --x --x-time --by --series --points --line --bar --spark --title --width --height --ascii --color --once --svg --engine --explain -i --in --value --no-infer --delimiter --time --time-format --tz --max-record --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    consume) echo '-o --offset -p --partition -c --count -e --exit -G --group --read-uncommitted --out-of-order --idle-after -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    filter) echo '--invert --count -e --exit-status --pass --fail --all --engine --explain -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    gen) echo '-c --count --seed --start --rate --late --late-max --bad --users --sensors -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    group) echo '-O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    group/list) echo '--names -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    group/describe) echo '--topic -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    group/reset) echo '--topic -p --partition --to --shift --execute -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    group/delete) echo '--topic -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    join) echo '--table --on-table --many --reload --with --on-right --time-right --within --before --after --tumble --offset --as-of --direction --tolerance --out-of-order --idle-timeout --late -e --exit --state --drain --spill-limit --on --max-state --left --right --outer --anti --unmatched --as --prefix --engine --explain -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    map) echo '-k --key -H --header --keep --flatten --engine --explain -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    merge) echo '--out-of-order --idle-timeout --any -e --exit --max-state --spill-limit -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    produce) echo '-k --key -K --key-delimiter -H --header -Z --tombstones -p --partition --partitions --no-create --sync --ack -J --envelope --follow -i --in --value --no-infer --delimiter --time --time-format --tz --max-record --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    redrive) echo '--where --reason -p --partition -o --offset --limit --done --edited --map -k --key --time --time-format --tz --execute --to --forget --on-error -e --exit-status --engine --explain -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    replay) echo '-x --speed --rate --max-gap --step --loop --loop-delay --duration --limit --from --to --by --out-of-order --max-state --max-size --shift-to-now -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    show) echo '-1 --full --record -c --count --info --verify -t --topic -p --partition -o --offset -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    sink-tsdb) echo '--measurement --tags --fields --real --batch --flush --retry-for --create --credentials --dry-run --engine --explain -i --in --value --no-infer --delimiter --time --time-format --tz --max-record --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    tee) echo '--no-stdout --slow --spill-limit -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    topic) echo '-j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/create) echo '-p --partitions --set --if-not-exists -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/list) echo '--names -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/describe) echo '-j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/alter) echo '-p --partitions --set -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/delete) echo '-n --dry-run -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/trim) echo '--before -p --partition --execute -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/compact) echo '-p --partition -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/verify) echo '-p --partition --check-json -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/repair) echo '-p --partition --accept-loss -n --dry-run -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/dump) echo '-p --partition --records -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/export) echo '-o --offset -p --partition --format --stats --progress --no-progress -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    topic/import) echo '--max-size --stats --progress --no-progress -j --json -d --dir --force-fs -q --quiet -v --verbose -h --help -V --version' ;;
    window) echo '--tumble --hop --slide --session --max --count --cumulate --step --all --offset -g --group --out-of-order --grace --idle-timeout --max-ahead --late --emit --early-every --max-state --state --drain --explain -i --in --value --no-infer --delimiter --time --time-format --tz --max-record -O --out -j --json -J --envelope -f --format --output --color --force -u --unbuffered --on-error --dead-letter -d --dir --force-fs --stats --progress --no-progress -q --quiet -v --verbose -h --help -V --version' ;;
    esac
}

# The kind of value that an option wants: nothing when it takes none, `any` when there is nothing to offer.
_leat_value() {
    case $1:$2 in
    chart:-y|chart:--y) echo 'any' ;;
    chart:-x|chart:--x) echo 'any' ;;
    chart:--x-time) echo 'any' ;;
    chart:--by) echo 'any' ;;
    chart:--series) echo 'any' ;;
    chart:--points) echo 'any' ;;
    chart:--title) echo 'any' ;;
    chart:--width) echo 'any' ;;
    chart:--height) echo 'any' ;;
    chart:--color) echo 'choice:auto always never' ;;
    chart:--svg) echo 'file' ;;
    chart:--engine) echo 'choice:auto native jq' ;;
    chart:-i|chart:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    chart:--value) echo 'choice:json bytes text' ;;
    chart:--delimiter) echo 'any' ;;
    chart:--time) echo 'any' ;;
    chart:--time-format) echo 'any' ;;
    chart:--tz) echo 'any' ;;
    chart:--max-record) echo 'any' ;;
    chart:--on-error) echo 'choice:stop skip' ;;
    chart:--dead-letter) echo 'topic' ;;
    chart:-d|chart:--dir) echo 'dir' ;;
    chart:--stats) echo '?choice:text json' ;;
    consume:-o|consume:--offset) echo 'any' ;;
    consume:-p|consume:--partition) echo 'any' ;;
    consume:-c|consume:--count) echo 'any' ;;
    consume:-G|consume:--group) echo 'group' ;;
    consume:--out-of-order) echo 'any' ;;
    consume:--idle-after) echo 'any' ;;
    consume:-O|consume:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    consume:-f|consume:--format) echo 'any' ;;
    consume:--output) echo 'file' ;;
    consume:--color) echo 'choice:auto always never' ;;
    consume:-d|consume:--dir) echo 'dir' ;;
    consume:--stats) echo '?choice:text json' ;;
    filter:--pass) echo 'file' ;;
    filter:--fail) echo 'file' ;;
    filter:--all) echo 'file' ;;
    filter:--engine) echo 'choice:auto native jq' ;;
    filter:-i|filter:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    filter:--value) echo 'choice:json bytes text' ;;
    filter:--delimiter) echo 'any' ;;
    filter:--time) echo 'any' ;;
    filter:--time-format) echo 'any' ;;
    filter:--tz) echo 'any' ;;
    filter:--max-record) echo 'any' ;;
    filter:-O|filter:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    filter:-f|filter:--format) echo 'any' ;;
    filter:--output) echo 'file' ;;
    filter:--color) echo 'choice:auto always never' ;;
    filter:--on-error) echo 'choice:stop skip' ;;
    filter:--dead-letter) echo 'topic' ;;
    filter:-d|filter:--dir) echo 'dir' ;;
    filter:--stats) echo '?choice:text json' ;;
    gen:-c|gen:--count) echo 'any' ;;
    gen:--seed) echo 'any' ;;
    gen:--start) echo 'any' ;;
    gen:--rate) echo 'any' ;;
    gen:--late) echo 'any' ;;
    gen:--late-max) echo 'any' ;;
    gen:--bad) echo 'any' ;;
    gen:--users) echo 'any' ;;
    gen:--sensors) echo 'any' ;;
    gen:-O|gen:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    gen:-f|gen:--format) echo 'any' ;;
    gen:--output) echo 'file' ;;
    gen:--color) echo 'choice:auto always never' ;;
    gen:--stats) echo '?choice:text json' ;;
    group:-O|group:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    group:-f|group:--format) echo 'any' ;;
    group:--output) echo 'file' ;;
    group:--color) echo 'choice:auto always never' ;;
    group:-d|group:--dir) echo 'dir' ;;
    group/list:-O|group/list:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    group/list:-f|group/list:--format) echo 'any' ;;
    group/list:--output) echo 'file' ;;
    group/list:--color) echo 'choice:auto always never' ;;
    group/list:-d|group/list:--dir) echo 'dir' ;;
    group/describe:--topic) echo 'topic' ;;
    group/describe:-O|group/describe:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    group/describe:-f|group/describe:--format) echo 'any' ;;
    group/describe:--output) echo 'file' ;;
    group/describe:--color) echo 'choice:auto always never' ;;
    group/describe:-d|group/describe:--dir) echo 'dir' ;;
    group/reset:--topic) echo 'topic' ;;
    group/reset:-p|group/reset:--partition) echo 'any' ;;
    group/reset:--to) echo 'any' ;;
    group/reset:--shift) echo 'any' ;;
    group/reset:-O|group/reset:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    group/reset:-f|group/reset:--format) echo 'any' ;;
    group/reset:--output) echo 'file' ;;
    group/reset:--color) echo 'choice:auto always never' ;;
    group/reset:-d|group/reset:--dir) echo 'dir' ;;
    group/delete:--topic) echo 'topic' ;;
    group/delete:-O|group/delete:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    group/delete:-f|group/delete:--format) echo 'any' ;;
    group/delete:--output) echo 'file' ;;
    group/delete:--color) echo 'choice:auto always never' ;;
    group/delete:-d|group/delete:--dir) echo 'dir' ;;
    join:--table) echo 'file' ;;
    join:--on-table) echo 'any' ;;
    join:--reload) echo 'any' ;;
    join:--with) echo 'file' ;;
    join:--on-right) echo 'any' ;;
    join:--time-right) echo 'any' ;;
    join:--within) echo 'any' ;;
    join:--before) echo 'any' ;;
    join:--after) echo 'any' ;;
    join:--tumble) echo 'any' ;;
    join:--offset) echo 'any' ;;
    join:--direction) echo 'choice:backward forward nearest' ;;
    join:--tolerance) echo 'any' ;;
    join:--out-of-order) echo 'any' ;;
    join:--idle-timeout) echo 'any' ;;
    join:--late) echo 'file' ;;
    join:--state) echo 'dir' ;;
    join:--spill-limit) echo 'any' ;;
    join:--on) echo 'any' ;;
    join:--max-state) echo 'any' ;;
    join:--unmatched) echo 'file' ;;
    join:--as) echo 'any' ;;
    join:--prefix) echo 'any' ;;
    join:--engine) echo 'choice:auto native jq' ;;
    join:-i|join:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    join:--value) echo 'choice:json bytes text' ;;
    join:--delimiter) echo 'any' ;;
    join:--time) echo 'any' ;;
    join:--time-format) echo 'any' ;;
    join:--tz) echo 'any' ;;
    join:--max-record) echo 'any' ;;
    join:-O|join:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    join:-f|join:--format) echo 'any' ;;
    join:--output) echo 'file' ;;
    join:--color) echo 'choice:auto always never' ;;
    join:--on-error) echo 'choice:stop skip' ;;
    join:--dead-letter) echo 'topic' ;;
    join:-d|join:--dir) echo 'dir' ;;
    join:--stats) echo '?choice:text json' ;;
    map:-k|map:--key) echo 'any' ;;
    map:-H|map:--header) echo 'any' ;;
    map:--flatten) echo '?any' ;;
    map:--engine) echo 'choice:auto native jq' ;;
    map:-i|map:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    map:--value) echo 'choice:json bytes text' ;;
    map:--delimiter) echo 'any' ;;
    map:--time) echo 'any' ;;
    map:--time-format) echo 'any' ;;
    map:--tz) echo 'any' ;;
    map:--max-record) echo 'any' ;;
    map:-O|map:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    map:-f|map:--format) echo 'any' ;;
    map:--output) echo 'file' ;;
    map:--color) echo 'choice:auto always never' ;;
    map:--on-error) echo 'choice:stop skip' ;;
    map:--dead-letter) echo 'topic' ;;
    map:-d|map:--dir) echo 'dir' ;;
    map:--stats) echo '?choice:text json' ;;
    merge:--out-of-order) echo 'any' ;;
    merge:--idle-timeout) echo 'any' ;;
    merge:--max-state) echo 'any' ;;
    merge:--spill-limit) echo 'any' ;;
    merge:-i|merge:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    merge:--value) echo 'choice:json bytes text' ;;
    merge:--delimiter) echo 'any' ;;
    merge:--time) echo 'any' ;;
    merge:--time-format) echo 'any' ;;
    merge:--tz) echo 'any' ;;
    merge:--max-record) echo 'any' ;;
    merge:-O|merge:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    merge:-f|merge:--format) echo 'any' ;;
    merge:--output) echo 'file' ;;
    merge:--color) echo 'choice:auto always never' ;;
    merge:--on-error) echo 'choice:stop skip' ;;
    merge:--dead-letter) echo 'topic' ;;
    merge:-d|merge:--dir) echo 'dir' ;;
    merge:--stats) echo '?choice:text json' ;;
    produce:-k|produce:--key) echo 'any' ;;
    produce:-K|produce:--key-delimiter) echo 'any' ;;
    produce:-H|produce:--header) echo 'any' ;;
    produce:-p|produce:--partition) echo 'any' ;;
    produce:--partitions) echo 'any' ;;
    produce:--sync) echo 'choice:batch interval= none' ;;
    produce:-i|produce:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    produce:--value) echo 'choice:json bytes text' ;;
    produce:--delimiter) echo 'any' ;;
    produce:--time) echo 'any' ;;
    produce:--time-format) echo 'any' ;;
    produce:--tz) echo 'any' ;;
    produce:--max-record) echo 'any' ;;
    produce:--on-error) echo 'choice:stop skip' ;;
    produce:--dead-letter) echo 'topic' ;;
    produce:-d|produce:--dir) echo 'dir' ;;
    produce:--stats) echo '?choice:text json' ;;
    redrive:--where) echo 'expression' ;;
    redrive:--reason) echo 'any' ;;
    redrive:-p|redrive:--partition) echo 'any' ;;
    redrive:-o|redrive:--offset) echo 'any' ;;
    redrive:--limit) echo 'any' ;;
    redrive:--edited) echo 'file' ;;
    redrive:--map) echo 'expression' ;;
    redrive:-k|redrive:--key) echo 'expression' ;;
    redrive:--time) echo 'expression' ;;
    redrive:--time-format) echo 'any' ;;
    redrive:--tz) echo 'any' ;;
    redrive:--to) echo 'topic' ;;
    redrive:--on-error) echo 'choice:stop skip' ;;
    redrive:--engine) echo 'choice:auto native jq' ;;
    redrive:-O|redrive:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    redrive:-f|redrive:--format) echo 'any' ;;
    redrive:--output) echo 'file' ;;
    redrive:--color) echo 'choice:auto always never' ;;
    redrive:-d|redrive:--dir) echo 'dir' ;;
    redrive:--stats) echo '?choice:text json' ;;
    replay:-x|replay:--speed) echo 'any' ;;
    replay:--rate) echo 'any' ;;
    replay:--max-gap) echo 'any' ;;
    replay:--loop) echo 'any' ;;
    replay:--loop-delay) echo 'any' ;;
    replay:--duration) echo 'any' ;;
    replay:--limit) echo 'any' ;;
    replay:--from) echo 'any' ;;
    replay:--to) echo 'topic' ;;
    replay:--by) echo 'choice:time append' ;;
    replay:--out-of-order) echo 'any' ;;
    replay:--max-state) echo 'any' ;;
    replay:--max-size) echo 'any' ;;
    replay:-i|replay:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    replay:--value) echo 'choice:json bytes text' ;;
    replay:--delimiter) echo 'any' ;;
    replay:--time) echo 'any' ;;
    replay:--time-format) echo 'any' ;;
    replay:--tz) echo 'any' ;;
    replay:--max-record) echo 'any' ;;
    replay:-O|replay:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    replay:-f|replay:--format) echo 'any' ;;
    replay:--output) echo 'file' ;;
    replay:--color) echo 'choice:auto always never' ;;
    replay:--on-error) echo 'choice:stop skip' ;;
    replay:--dead-letter) echo 'topic' ;;
    replay:-d|replay:--dir) echo 'dir' ;;
    replay:--stats) echo '?any' ;;
    show:--record) echo 'any' ;;
    show:-c|show:--count) echo 'any' ;;
    show:-t|show:--topic) echo 'topic' ;;
    show:-p|show:--partition) echo 'any' ;;
    show:-o|show:--offset) echo 'any' ;;
    show:-i|show:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    show:--value) echo 'choice:json bytes text' ;;
    show:--delimiter) echo 'any' ;;
    show:--time) echo 'any' ;;
    show:--time-format) echo 'any' ;;
    show:--tz) echo 'any' ;;
    show:--max-record) echo 'any' ;;
    show:-O|show:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    show:-f|show:--format) echo 'any' ;;
    show:--output) echo 'file' ;;
    show:--color) echo 'choice:auto always never' ;;
    show:--on-error) echo 'choice:stop skip' ;;
    show:--dead-letter) echo 'topic' ;;
    show:-d|show:--dir) echo 'dir' ;;
    show:--stats) echo '?choice:text json' ;;
    sink-tsdb:--measurement) echo 'any' ;;
    sink-tsdb:--tags) echo 'any' ;;
    sink-tsdb:--fields) echo 'any' ;;
    sink-tsdb:--real) echo 'any' ;;
    sink-tsdb:--batch) echo 'any' ;;
    sink-tsdb:--flush) echo 'any' ;;
    sink-tsdb:--retry-for) echo 'any' ;;
    sink-tsdb:--credentials) echo 'file' ;;
    sink-tsdb:--engine) echo 'choice:auto native jq' ;;
    sink-tsdb:-i|sink-tsdb:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    sink-tsdb:--value) echo 'choice:json bytes text' ;;
    sink-tsdb:--delimiter) echo 'any' ;;
    sink-tsdb:--time) echo 'any' ;;
    sink-tsdb:--time-format) echo 'any' ;;
    sink-tsdb:--tz) echo 'any' ;;
    sink-tsdb:--max-record) echo 'any' ;;
    sink-tsdb:--on-error) echo 'choice:stop skip' ;;
    sink-tsdb:--dead-letter) echo 'topic' ;;
    sink-tsdb:-d|sink-tsdb:--dir) echo 'dir' ;;
    sink-tsdb:--stats) echo '?choice:text json' ;;
    tee:--slow) echo 'choice:block spill drop' ;;
    tee:--spill-limit) echo 'any' ;;
    tee:-i|tee:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    tee:--value) echo 'choice:json bytes text' ;;
    tee:--delimiter) echo 'any' ;;
    tee:--time) echo 'any' ;;
    tee:--time-format) echo 'any' ;;
    tee:--tz) echo 'any' ;;
    tee:--max-record) echo 'any' ;;
    tee:-O|tee:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    tee:-f|tee:--format) echo 'any' ;;
    tee:--output) echo 'file' ;;
    tee:--color) echo 'choice:auto always never' ;;
    tee:--on-error) echo 'choice:stop skip' ;;
    tee:--dead-letter) echo 'topic' ;;
    tee:-d|tee:--dir) echo 'dir' ;;
    tee:--stats) echo '?choice:text json' ;;
    topic:-d|topic:--dir) echo 'dir' ;;
    topic/create:-p|topic/create:--partitions) echo 'any' ;;
    topic/create:--set) echo 'any' ;;
    topic/create:-d|topic/create:--dir) echo 'dir' ;;
    topic/list:-d|topic/list:--dir) echo 'dir' ;;
    topic/describe:-d|topic/describe:--dir) echo 'dir' ;;
    topic/alter:-p|topic/alter:--partitions) echo 'any' ;;
    topic/alter:--set) echo 'any' ;;
    topic/alter:-d|topic/alter:--dir) echo 'dir' ;;
    topic/delete:-d|topic/delete:--dir) echo 'dir' ;;
    topic/trim:--before) echo 'any' ;;
    topic/trim:-p|topic/trim:--partition) echo 'any' ;;
    topic/trim:-d|topic/trim:--dir) echo 'dir' ;;
    topic/compact:-p|topic/compact:--partition) echo 'any' ;;
    topic/compact:-d|topic/compact:--dir) echo 'dir' ;;
    topic/verify:-p|topic/verify:--partition) echo 'any' ;;
    topic/verify:-d|topic/verify:--dir) echo 'dir' ;;
    topic/repair:-p|topic/repair:--partition) echo 'any' ;;
    topic/repair:-d|topic/repair:--dir) echo 'dir' ;;
    topic/dump:-p|topic/dump:--partition) echo 'any' ;;
    topic/dump:-d|topic/dump:--dir) echo 'dir' ;;
    topic/export:-o|topic/export:--offset) echo 'any' ;;
    topic/export:-p|topic/export:--partition) echo 'any' ;;
    topic/export:--format) echo 'choice:tar.zst tar.gz tar zip' ;;
    topic/export:--stats) echo '?choice:text json' ;;
    topic/export:-d|topic/export:--dir) echo 'dir' ;;
    topic/import:--max-size) echo 'any' ;;
    topic/import:--stats) echo '?choice:text json' ;;
    topic/import:-d|topic/import:--dir) echo 'dir' ;;
    window:--tumble) echo 'any' ;;
    window:--hop) echo 'any' ;;
    window:--slide) echo 'any' ;;
    window:--session) echo 'any' ;;
    window:--max) echo 'any' ;;
    window:--count) echo 'any' ;;
    window:--cumulate) echo 'any' ;;
    window:--step) echo 'any' ;;
    window:--offset) echo 'any' ;;
    window:-g|window:--group) echo 'any' ;;
    window:--out-of-order) echo 'any' ;;
    window:--grace) echo 'any' ;;
    window:--idle-timeout) echo 'any' ;;
    window:--max-ahead) echo 'any' ;;
    window:--late) echo 'file' ;;
    window:--emit) echo 'choice:final changes' ;;
    window:--early-every) echo 'any' ;;
    window:--max-state) echo 'any' ;;
    window:--state) echo 'dir' ;;
    window:-i|window:--in) echo 'choice:auto leat json envelope csv tsv lines lp combined' ;;
    window:--value) echo 'choice:json bytes text' ;;
    window:--delimiter) echo 'any' ;;
    window:--time) echo 'any' ;;
    window:--time-format) echo 'any' ;;
    window:--tz) echo 'any' ;;
    window:--max-record) echo 'any' ;;
    window:-O|window:--out) echo 'choice:auto leat json envelope csv tsv lines lp pretty table' ;;
    window:-f|window:--format) echo 'any' ;;
    window:--output) echo 'file' ;;
    window:--color) echo 'choice:auto always never' ;;
    window:--on-error) echo 'choice:stop skip' ;;
    window:--dead-letter) echo 'topic' ;;
    window:-d|window:--dir) echo 'dir' ;;
    window:--stats) echo '?choice:text json' ;;
    esac
}

# The kinds of the operands in a context; the last one repeats.
_leat_operands() {
    case $1 in
    help) echo page ;;
    chart) echo 'file' ;;
    consume) echo 'topic' ;;
    filter) echo 'expression file' ;;
    group/describe) echo 'group' ;;
    group/reset) echo 'group' ;;
    group/delete) echo 'group' ;;
    join) echo 'file' ;;
    map) echo 'expression file' ;;
    merge) echo 'file' ;;
    produce) echo 'topic file' ;;
    redrive) echo 'topic' ;;
    replay) echo 'file' ;;
    show) echo 'file' ;;
    sink-tsdb) echo 'url file' ;;
    tee) echo 'file' ;;
    topic/create) echo 'topic' ;;
    topic/list) echo 'topic' ;;
    topic/describe) echo 'topic' ;;
    topic/alter) echo 'topic' ;;
    topic/delete) echo 'topic' ;;
    topic/trim) echo 'topic' ;;
    topic/compact) echo 'topic' ;;
    topic/verify) echo 'topic' ;;
    topic/repair) echo 'topic' ;;
    topic/dump) echo 'topic' ;;
    topic/export) echo 'topic file' ;;
    topic/import) echo 'file' ;;
    window) echo 'expression file' ;;
    esac
}

_leat() {
    local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} context='' commands='' kind operands=0 value='' only_operands='' i word
    COMPREPLY=()
    # `=` is a word of its own here: --in=json is `--in`, `=`, `json`.
    [[ $cur == '=' ]] && cur=''
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "$_leat_tools --help --version" -- "$cur"))
        return 0
    fi
    context=${COMP_WORDS[1]}
    commands=$(_leat_commands "$context")
    for ((i = 2; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $value ]]; then
            [[ $word == '=' ]] || value=''
        elif [[ -n $only_operands || $word != -?* ]]; then
            [[ $word == '=' ]] && continue
            if [[ -n $commands && $context != */* ]]; then
                context=$context/$word
            else
                ((operands++))
            fi
        elif [[ $word == -- ]]; then
            only_operands=1
        else
            value=$(_leat_value "$context" "$word")
            # The value of `--stats` is optional: it is there only behind `=`.
            [[ $value == '?'* && ${COMP_WORDS[i + 1]} != '=' ]] && value=''
        fi
    done
    value=${value#'?'}
    if [[ -n $value ]]; then
        _leat_offer "$value" "$cur"
    elif [[ $cur == -* && -z $only_operands ]]; then
        COMPREPLY=($(compgen -W "$(_leat_options "$context")" -- "$cur"))
    elif [[ -n $commands && $context != */* ]]; then
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    else
        local -a kinds
        read -ra kinds <<<"$(_leat_operands "$context")"
        ((${#kinds[@]} == 0)) && return 0
        ((operands >= ${#kinds[@]})) && operands=$((${#kinds[@]} - 1))
        _leat_offer "${kinds[operands]}" "$cur"
    fi
    return 0
}

complete -F _leat leat

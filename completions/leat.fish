# fish completion for leat
# Made from the option tables by `make completions`; changes belong there.

# True when the words so far name tool $argv[1] and, when it is given, command $argv[2].
function __leat_at
    set -l words (commandline -opc)
    set -e words[1]
    set -q words[1]; or return 1
    test "$words[1]" = "$argv[1]"; or return 1
    set -q argv[2]; or return 0
    contains -- $argv[2] $words[2..-1]
end

# True when tool $argv[1] is named, and none of its commands (the further arguments) yet.
function __leat_needs_command
    __leat_at $argv[1]; or return 1
    for word in (commandline -opc)
        contains -- $word $argv[2..-1]; and return 1
    end
    return 0
end

function __leat_needs_tool
    test (count (commandline -opc)) -eq 1
end

function __leat_topics
    leat topic list --names 2>/dev/null </dev/null
end

function __leat_groups
    leat group list --names 2>/dev/null </dev/null
end

complete -c leat -f
complete -c leat -n __leat_needs_tool -s h -l help -d 'show this help'
complete -c leat -n __leat_needs_tool -s V -l version -d 'show the version'
complete -c leat -n __leat_needs_tool -a produce -d 'write records to a topic'
complete -c leat -n __leat_needs_tool -a consume -d 'read records of topics'
complete -c leat -n __leat_needs_tool -a topic -d 'create, list, alter, check and repair topics'
complete -c leat -n __leat_needs_tool -a group -d 'list, describe, reset and delete consumer groups'
complete -c leat -n __leat_needs_tool -a show -d 'print a stream, a segment or a topic for people'
complete -c leat -n __leat_needs_tool -a gen -d 'generate sample records from a seed'
complete -c leat -n __leat_needs_tool -a help -d 'show the manual page of a tool'
complete -c leat -n '__leat_at help' -a 'produce consume topic group show gen help'

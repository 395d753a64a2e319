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
    tool) COMPREPLY=($(compgen -W "$_leat_tools" -- "$cur")) ;;
    choice:*)
        COMPREPLY=($(compgen -W "${kind#choice:}" -- "$cur"))
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2>/dev/null ;;
    esac
    return 0
}

_leat_tools='produce consume topic group show gen help'

# The commands of a tool.
_leat_commands() {
    case $1 in
    *) echo ;;
    esac
}

# All option words in a context (a tool, or tool/command).
_leat_options() {
    case $1 in
    esac
}

# The kind of value that an option wants: nothing when it takes none, `any` when there is nothing to offer.
_leat_value() {
    case $1:$2 in
    esac
}

# The kinds of the operands in a context; the last one repeats.
_leat_operands() {
    case $1 in
    help) echo tool ;;
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

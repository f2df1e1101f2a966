"""Shell completion: the scripts that ``worldsim --completion SHELL`` prints, and the candidates they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from glob import escape, glob
from os.path import isdir

from worldsim.cli.settings import Setting
from worldsim.core.errors import UnknownNameError, WorldsimError

# Bash splits words at "=", so a candidate is cut at its last "=" when the word being completed has none.
_BASH = """\
_worldsim() {
    local word="${COMP_WORDS[COMP_CWORD]}" words=("${COMP_WORDS[@]:1:COMP_CWORD}") IFS=$'\\n' answer
    COMPREPLY=($(worldsim --complete "${words[@]//\\\\/}" 2>/dev/null))
    [[ "$word" == "=" ]] && word=""
    if [[ "$word" != *=* ]] && (( COMP_CWORD > 1 )) &&
        [[ "${COMP_WORDS[COMP_CWORD]}" == "=" || "${COMP_WORDS[COMP_CWORD-1]}" == "=" ]]; then
        for answer in "${!COMPREPLY[@]}"; do COMPREPLY[answer]="${COMPREPLY[answer]#*=}"; done
    fi
    COMPREPLY=("${COMPREPLY[@]// /\\\\ }")
    [[ "${#COMPREPLY[@]}" == 1 && "${COMPREPLY[0]}" == *[=/] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _worldsim worldsim
"""
_ZSH = """\
#compdef worldsim
_worldsim() {
    local -a answers
    answers=("${(@f)$(worldsim --complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -Q -S '' -- $answers
}
compdef _worldsim worldsim
"""
_FISH = """\
function __worldsim
    set -l words (commandline -opc)
    worldsim --complete $words[2..] (commandline -ct) 2>/dev/null
end
complete -c worldsim -f -a '(__worldsim)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def answer(option: str, words: Sequence[str]) -> str:
    """What ``--completion SHELL`` or ``--complete WORDS...`` prints."""
    if option == "--complete":
        return "".join(f"{candidate}\n" for candidate in candidates(words))
    if len(words) != 1:
        raise WorldsimError("--completion needs the shell's name, for example: source <(worldsim --completion bash)")
    if words[0] not in SCRIPTS:
        raise UnknownNameError("shell", words[0], SCRIPTS)
    return SCRIPTS[words[0]]


def candidates(words: Sequence[str]) -> list[str]:
    """Whole words that could stand for the last one of ``words``, which are all after "worldsim" up to the cursor."""
    from worldsim.cli.commands import COMMANDS, module_of, schema_of
    from worldsim.cli.settings import settings_of

    words = _rejoin(words) or [""]
    current = words[-1]
    if len(words) == 1:
        return [name for name in (*COMMANDS, "--help", "--completion", "--version") if name.startswith(current)]
    command, typed = words[0], words[1:-1]
    if command == "--completion":
        return [name for name in SCRIPTS if name.startswith(current)]
    if command not in COMMANDS:
        return []
    known = settings_of(schema_of(module_of(command), typed))
    key, equals, text = current.partition("=")
    if equals:
        return [f"{key}={value}" for value in _values(known[key], text)] if key in known else []
    done = {word.partition("=")[0] for word in typed}
    words_without_equals = [f"{one.key}=" for one in known.values() if one.key not in done and not one.positional]
    for one in known.values():
        if one.positional and not any("=" not in word and not word.startswith("--") for word in typed):
            words_without_equals += one.known_names()
    switches = [f"--{one.key}" for one in known.values() if one.type is bool] + ["--help", "--debug"]
    offered = switches if current.startswith("-") else words_without_equals
    return [word for word in offered if word.startswith(current)]


def _values(one: Setting, text: str) -> list[str]:
    """Whole values that begin with ``text``; inside a list the last item is completed."""
    head, item = "", text
    if one.is_list and text.startswith("["):
        cut = max(text.rfind(","), 0) + 1
        head, item = text[:cut], text[cut:]
    taken = head.strip("[").split(",")
    values = [name for name in one.known_names() if name not in taken]
    if one.path:
        values += [path + "/" * isdir(path) for path in sorted(glob(escape(item) + "*"))]
    return [head + value for value in values if value.startswith(item)]


def _rejoin(words: Sequence[str]) -> list[str]:
    """Undo bash's splitting at "=": ["eval", "suite", "=", "con"] becomes ["eval", "suite=con"]."""
    joined: list[str] = []
    for word in words:
        if joined and (word == "=" or joined[-1].endswith("=")) and len(joined) > 1:
            joined[-1] += word
        else:
            joined.append(word)
    return joined

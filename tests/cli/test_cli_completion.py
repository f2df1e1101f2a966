"""Completion in a real bash: the script is sourced, the completing function called as readline would."""

from __future__ import annotations

import shlex

import pytest

from envs.registration import GAMES
from worldsim.cli.commands import COMMANDS
from worldsim.cli.completion import candidates


def complete(shell, *words: str) -> list[str]:
    """What bash would offer for the last of ``words``, which are split as COMP_WORDBREAKS splits them."""
    quoted = " ".join(shlex.quote(word) for word in ("worldsim", *words))
    script = (
        "source <(worldsim --completion bash) && complete -p worldsim >/dev/null && "
        f"COMP_WORDS=({quoted}) COMP_CWORD={len(words)} && "
        '_worldsim && printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = shell.run(["bash", "-c", script])
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_commands(shell):
    assert complete(shell, "") == [*COMMANDS, "--help", "--completion", "--version"]
    assert complete(shell, "col") == ["collect"]


def test_settings_that_are_not_given_yet(shell):
    assert complete(shell, "eval", "su") == ["suite="]
    assert "env=" not in complete(shell, "collect", "env", "=", "voxel/arena", "")


def test_names_after_the_equals_sign(shell):
    assert complete(shell, "eval", "suite", "=", "con") == ["control"]
    assert complete(shell, "collect", "env", "=") == GAMES.names()
    assert complete(shell, "collect", "env", "=", "voxel/ar") == ["voxel/arena"]
    assert complete(shell, "eval", "suite", "=", "[control,dr") == ["[control,drift"]
    assert complete(shell, "ls", "en") == ["envs"]


def test_paths(shell):
    (shell.folder / "runs").mkdir()
    (shell.folder / "runs" / "a=b c").mkdir()
    assert complete(shell, "report", "runs", "=", "ru") == ["runs/"]
    assert complete(shell, "report", "runs", "=", "runs/a") == ["runs/a=b\\ c/"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["eval", "suite=contr"], ["suite=control"]),
        (["eval", "suite=[control,contr"], []),
        (["ls", "--js"], ["--json"]),
        (["ls", "envs", ""], ["json="]),
        (["nothing", ""], []),
        (["eval", "unknown="], []),
        (["--completion", "z"], ["zsh"]),
    ],
)
def test_whole_words_for_zsh_and_fish(words, expected):
    assert candidates(words) == expected

"""The text of ``worldsim --help`` and ``worldsim COMMAND --help``."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from inspect import cleandoc

from worldsim.cli.commands import COMMANDS, module_of, schema_of
from worldsim.cli.settings import Setting, first_example, settings_of


def overview() -> str:
    """Every command with one line each."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        [
            "worldsim: a video model as a world you can step, and how far to trust it",
            "",
            "usage: worldsim COMMAND setting=value ...",
            "",
            "commands",
            *lines,
            "",
            "worldsim COMMAND --help              the settings of a command, with examples",
            "worldsim --completion bash|zsh|fish  a script for your shell: source <(worldsim --completion bash)",
            "worldsim --version",
            "--debug (or WORLDSIM_DEBUG=1)        show tracebacks",
        ]
    )


def of_command(command: str, words: Sequence[str] = ()) -> str:
    """Purpose, settings with type, default and help, and examples of one command."""
    module = module_of(command)
    known = list(settings_of(schema_of(module, words)).values())
    columns = min(shutil.get_terminal_size((110, 24)).columns, 120)
    parts = [
        f"worldsim {command}: {COMMANDS[command]}",
        cleandoc(module.run.__doc__ or ""),
        f"usage: {_usage(known, command, words)}",
        "settings\n" + "\n".join(_rows(known, columns)),
    ]
    examples = getattr(module, "EXAMPLES", ())
    if examples:
        parts.append("examples\n" + "\n".join(f"  {example}" for example in examples))
    return "\n\n".join(part for part in parts if part)


def _usage(known: list[Setting], command: str, words: Sequence[str]) -> str:
    positional = next((one for one in known if one.positional), None)
    if positional is not None:
        needed = [f"{one.key}={one.example or '...'}" for one in known if one.required and not one.positional]
        more = (
            "[setting=value ...]"
            if any(one.type is not bool and not one.positional for one in known)
            else "[--switch ...]"
        )
        return " ".join(
            ["worldsim", command, "|".join(positional.known_names()) or positional.key.upper(), *needed, more]
        )
    return first_example(known, command, words) + " [setting=value ...]"


def _rows(known: list[Setting], columns: int) -> list[str]:
    keys = max(len(one.key) for one in known)
    kinds = max(len(one.type_words) for one in known)
    defaults = min(max(len(one.default_words) for one in known), 24)
    indent = 2 + keys + 2 + kinds + 2 + defaults + 2
    lines = []
    for one in known:
        head = f"  {one.key:<{keys}}  {one.type_words:<{kinds}}  {one.default_words:<{defaults}}  "
        text = one.help + (f" ({'|'.join(one.names)})" if one.names and not isinstance(one.names, str) else "")
        if indent > columns - 30:
            lines += [head.rstrip(), textwrap.indent(textwrap.fill(text, columns - 6), " " * 6)]
        else:
            body = textwrap.wrap(text, columns - indent) or [""]
            lines += [(head + body[0]).rstrip(), *(" " * indent + rest for rest in body[1:])]
    return lines

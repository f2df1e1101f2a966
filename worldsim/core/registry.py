"""Lazy registries: a name, a one-line summary and a "module:attribute" that is imported only when it is used.

A name can carry one argument for what it stands for: a number, ``expert@0.6``, or a file, ``sb3:model.zip``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.own_code import load_own
from worldsim.core.siblings import import_ours


@dataclass(frozen=True)
class Entry:
    """One registered thing; ``target`` is "module:attribute" or "module:attribute@argument", see ``load_target``.

    ``info`` may have "number" or "file": what the number or the file that the name can carry means. A number may be
    left out, a file may not.
    """

    name: str
    target: str
    summary: str
    info: dict[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        return load_target(self.target)

    @property
    def usage(self) -> str:
        """The name with the place of its argument."""
        if "file" in self.info:
            return f"{self.name}:FILE"
        return f"{self.name}[@NUMBER]" if "number" in self.info else self.name


def load_target(target: str) -> Any:
    """What "module:attribute" names; with "@argument" a function that calls it with the argument after its own.

    The argument is a float where it reads as one and text otherwise. Raises what the import or the look-up raises.
    """
    place, at, text = target.partition("@")
    module, _, attribute = place.partition(":")
    found = getattr(import_ours(module), attribute)
    return _with_argument(found, text) if at else found


def _with_argument(function: Callable[..., Any], text: str) -> Callable[..., Any]:
    try:
        argument: float | str = float(text)
    except ValueError:
        argument = text
    return lambda *args: function(*args, argument)


class Registry:
    """Names of one kind ("suite", "policy", ...); listing imports nothing.

    Where ``takes_own``, ``FILE.py:CLASS`` and ``MODULE:CLASS`` are names too, see :mod:`worldsim.core.own_code`.
    """

    def __init__(self, kind: str, takes_own: bool = False):
        self.kind, self.takes_own = kind, takes_own
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, target: str, summary: str, **info: Any) -> None:
        assert name not in self._entries, f"{self.kind} {name!r} is registered twice"
        self._entries[name] = Entry(name, target, summary, info)

    def __iter__(self):
        return iter(sorted(self._entries.values(), key=lambda entry: entry.name))

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        return sorted(self._entries)

    def entry(self, name: str) -> Entry:
        """The entry called ``name``, which may carry an argument ("name@number", "name:file").

        Raises UnknownNameError with the nearest names, and WorldsimError for an argument that the entry does not take.
        """
        if name in self._entries:
            entry = self._entries[name]
            if "file" in entry.info:
                raise WorldsimError(f"the {self.kind} {name!r} needs a file, {entry.info['file']}: {entry.usage}.")
            return entry
        if self._is_own(name):
            return Entry(name, name, f"your own {self.kind}")
        stem, mark, text = _split(name)
        if not mark or stem not in self._entries:
            raise UnknownNameError(self.kind, stem if mark == "@" else name, self._entries)
        entry = self._entries[stem]
        wanted = {"@": "number", ":": "file"}[mark]
        if wanted not in entry.info:
            raise WorldsimError(f"the {self.kind} {stem!r} is written {entry.usage}; got {name!r}.")
        argument = _number(text) if mark == "@" else text
        if not argument:
            raise WorldsimError(
                f"the {self.kind} {name!r} needs a {wanted} after the {mark!r}, {entry.info[wanted]}: {entry.usage}."
            )
        return replace(entry, name=name, target=f"{entry.target}@{argument}")

    def load(self, name: str) -> Any:
        """What the entry called ``name`` stands for; raises what ``entry`` and the import raise."""
        return load_own(name, self.kind) if self._is_own(name) else self.entry(name).load()

    def _is_own(self, name: str) -> bool:
        return self.takes_own and (":" in name or name.endswith(".py"))


def _split(name: str) -> tuple[str, str, str]:
    """A name at its first "@" or ":", whichever comes first."""
    found = re.fullmatch(r"([^@:]*)([@:]?)(.*)", name, re.DOTALL)
    assert found
    return found[1], found[2], found[3]


def _number(text: str) -> str:
    """A finite number in its shortest form, so that equal numbers make equal targets; "" for anything else."""
    try:
        number = float(text)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    return repr(int(number) if number.is_integer() else number)

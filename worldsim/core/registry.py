"""Lazy registries: a name, a one-line summary and a "module:attribute" that is imported only when it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from worldsim.core.errors import UnknownNameError
from worldsim.core.siblings import import_ours


@dataclass(frozen=True)
class Entry:
    """One registered thing; ``target`` is "module:attribute"."""

    name: str
    target: str
    summary: str
    info: dict[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        module, _, attribute = self.target.partition(":")
        return getattr(import_ours(module), attribute)


class Registry:
    """Names of one kind ("suite", "policy", ...); listing imports nothing."""

    def __init__(self, kind: str):
        self.kind = kind
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
        """The entry called ``name``; UnknownNameError with the nearest names otherwise."""
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def load(self, name: str) -> Any:
        return self.entry(name).load()

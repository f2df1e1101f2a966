"""The settings of a command, read off its config dataclass: names, types, defaults and help. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from worldsim.core.siblings import import_ours

_UNSET: Any = dataclasses.MISSING
_WORDS = {int: "integer", float: "number", bool: "true or false", str: "text", Path: "path"}


def setting(
    help: str,
    *,
    default: Any = _UNSET,
    example: str = "",
    names: str | tuple[str, ...] = (),
    path: bool = False,
    positional: bool = False,
) -> Any:
    """A field of a command's config dataclass; without a default the user has to give it.

    ``example`` is a value to show; ``names`` the known values, or "module:attribute" of a Registry or of a function
    that lists them; ``path`` completes file names; ``positional`` takes the first word that has no ``=``.
    """
    metadata = {"help": help, "example": example, "names": names, "path": path, "positional": positional}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting as the command line sees it; ``key`` is dotted where configs are nested."""

    key: str
    type: Any  # without the "or None"
    optional: bool
    default: Any  # dataclasses.MISSING where the user has to give it
    help: str
    example: str = ""
    names: str | tuple[str, ...] = ()
    path: bool = False
    positional: bool = False

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING

    @property
    def is_list(self) -> bool:
        return typing.get_origin(self.type) in (list, tuple)

    @property
    def is_text(self) -> bool:
        return (self.item_type if self.is_list else self.type) in (str, Path)

    @property
    def item_type(self) -> Any:
        return (typing.get_args(self.type) or (str,))[0]

    @property
    def type_words(self) -> str:
        """The type in words: "list of text", "integer or null"."""
        if self.is_list:
            return f"list of {_WORDS.get(self.item_type, 'values')}"
        if typing.get_origin(self.type) is dict or self.type is dict:
            return "dict"
        return _WORDS.get(self.type, str(self.type)) + (" or null" if self.optional else "")

    @property
    def default_words(self) -> str:
        if self.required:
            return "required"
        return as_typed(self.default)

    def known_names(self) -> list[str]:
        """The values the help and the completion offer; imports the registry they come from."""
        if not isinstance(self.names, str):
            return list(self.names) or (["true", "false"] if self.type is bool else [])
        module, _, attribute = self.names.partition(":")
        source = getattr(import_ours(module), attribute)
        return list(source.names() if hasattr(source, "names") else source())


def as_typed(value: Any) -> str:
    """A value as one would type it on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and abs(value) >= 1e6:
        return f"{value:g}"  # FLOPs
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(as_typed, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{as_typed(part)}" for key, part in value.items()) + "}"
    return str(value)


def settings_of(schema: type, prefix: str = "") -> dict[str, Setting]:
    """Every setting of a config dataclass by its dotted key, in the order they are declared."""
    hints = typing.get_type_hints(schema)
    comments = field_comments(schema)
    found: dict[str, Setting] = {}
    for field in dataclasses.fields(schema):
        if not field.init:
            continue
        kind, optional = _without_none(hints[field.name])
        key = prefix + field.name
        if dataclasses.is_dataclass(kind):
            found |= settings_of(kind, key + ".")  # type: ignore[arg-type]
            continue
        about = {"help": comments.get(field.name, ""), **field.metadata}
        found[key] = Setting(key, kind, optional, _default(field), **about)
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        if len(parts) == 1:
            return parts[0], True
    return hint, False


def field_comments(schema: type) -> dict[str, str]:
    """The comment beside each field: the help of configs that belong to other packages, which is written there once."""
    comments: dict[str, str] = {}
    for base in reversed(schema.__mro__[:-1]):
        try:
            source = inspect.getsource(base)
        except (OSError, TypeError):
            continue  # a class that was put together from others has no source
        comments |= dict(re.findall(r"^ {4}(\w+):.*?  # (.+)$", source, flags=re.MULTILINE))
    return comments


def extended(schema: type, config: type) -> type:
    """A command's config dataclass with the fields of ``config``, such as those of the plug-in that was named."""
    hints, comments = typing.get_type_hints(config), field_comments(config)
    fields = [
        (field.name, hints[field.name], _described(field, comments.get(field.name, "")))
        for field in dataclasses.fields(config)
    ]
    return dataclasses.make_dataclass(schema.__name__, fields, bases=(schema,), kw_only=True)


def part_of(values: Any, config: type) -> Any:
    """The ``config`` whose fields ``values`` was ``extended`` with."""
    return config(**{field.name: getattr(values, field.name) for field in dataclasses.fields(config)})


def _described(field: dataclasses.Field[Any], comment: str) -> Any:
    return dataclasses.field(default=field.default, metadata={"help": comment, **field.metadata})


def first_example(known: Iterable[Setting], command: str, typed: Sequence[str] = ()) -> str:
    """The shortest command that gives every required setting, with what was ``typed`` already."""
    given = {word.partition("=")[0]: word for word in typed}
    needed = [
        given.get(one.key) or ("" if one.positional else f"{one.key}=") + (one.example or "...")
        for one in known
        if one.required
    ]
    return " ".join(["worldsim", command, *needed])

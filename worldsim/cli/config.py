"""``setting=value`` words into a validated config dataclass: Hydra's override grammar over an OmegaConf schema.

What Hydra asks of its users is done for them: text is quoted before its grammar sees it, unknown and missing settings
are named with the nearest known one, and type errors say what was expected.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from worldsim.cli.settings import Setting, first_example, settings_of
from worldsim.core.errors import WorldsimError, did_you_mean

Config = TypeVar("Config")


def parse(schema: type[Config], words: Sequence[str], command: str) -> Config:
    """The config of ``command`` from the words typed after it.

    Raises WorldsimError for an unknown or missing setting and for a value of the wrong type.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    known = settings_of(schema)
    tree = OmegaConf.structured(schema)
    for key in known:  # frozen dataclasses are read-only trees
        parent = key.rpartition(".")[0]
        OmegaConf.set_readonly(OmegaConf.select(tree, parent) if parent else tree, False)
    for word in words:
        key, text = split_word(word, known, command)
        one = known[key]
        value = _read_value(one, text)
        try:
            OmegaConf.update(tree, key, value)
        except OmegaConfBaseException:
            raise _wrong_type(one, text) from None
    missing = [one for one in known.values() if one.required and one.key in OmegaConf.missing_keys(tree)]
    if missing:
        keys = " and ".join(f"'{one.key}'" for one in missing)
        raise WorldsimError(
            f"{command} needs {keys}, for example: {first_example(known.values(), command, words)}. "
            f"All settings: worldsim {command} --help"
        )
    try:
        return OmegaConf.to_object(tree)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise WorldsimError(f"{command}: {str(error).splitlines()[0]}") from None


def split_word(word: str, known: dict[str, Setting], command: str) -> tuple[str, str]:
    """One word as (key, text): ``key=text``, ``--key=text``, ``--switch``, or the command's positional word."""
    key, equals, text = word.partition("=")
    dashed = key.startswith("--")
    if dashed:
        key = key[2:].replace("-", "_")
    positional = next((one for one in known.values() if one.positional), None)
    if not equals and not dashed and positional is not None:
        return positional.key, word
    if key not in known:
        if not equals and not dashed:
            first = next(iter(known.values()))
            raise WorldsimError(
                f"{word!r} is not a setting of {command}: write setting=value, "
                f"for example {first.key}={first.example or '...'}."
            )
        raise WorldsimError(f"unknown setting {key!r} of {command}.{did_you_mean(key, known)}")
    if not equals:
        if known[key].type is not bool:
            example = known[key].example or "..."
            raise WorldsimError(f"setting {key!r} of {command} needs a value: {key}={example}")
        return key, "true"
    return key, text


def _read_value(one: Setting, text: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(f"{one.key}={quote(one, text)}")
    except HydraException:
        raise _wrong_type(one, text) from None
    if override.is_sweep_override():
        raise _wrong_type(one, text)
    value = override.value()
    if one.path:
        value = _expand_home(value)
    if one.type is int and isinstance(value, float) and value.is_integer():
        return int(value)  # steps=1e4
    if one.is_list and value is not None and not isinstance(value, list):
        return [value]
    return value


def _expand_home(value: Any) -> Any:
    """``out=~/runs``: shells expand ``~`` only at the start of a word."""
    if isinstance(value, list):
        return [_expand_home(item) for item in value]
    return os.path.expanduser(value) if isinstance(value, str) else value


def quote(one: Setting, text: str) -> str:
    """``text`` as Hydra's grammar wants it: text is quoted, so that ``=``, commas and spaces are themselves."""
    if not one.is_text or _is_quoted(text) or (one.optional and text == "null"):
        return text
    if one.is_list and text.startswith("[") and text.endswith("]"):
        items = _split_items(text[1:-1])
        return "[" + ",".join(item if _is_quoted(item) else _quoted(item) for item in items) + "]"
    if not one.is_list and re.fullmatch(r"\[.*\]|\{.*\}", text, re.DOTALL):
        return text  # a list where one value is wanted: the type check says so
    return _quoted(text)


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] in "'\"" and text[0] == text[-1]


def _quoted(text: str) -> str:
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text, Quote.single).with_quotes()


def _split_items(text: str) -> list[str]:
    """The items of a flat list; a comma inside quotes does not separate."""
    items = re.findall(r"""\s*('[^']*'|"[^"]*"|[^,]+)\s*(?:,|$)""", text)
    return [item.strip() for item in items]


def _wrong_type(one: Setting, text: str) -> WorldsimError:
    example = f", for example {one.key}={one.example}" if one.example else ""
    return WorldsimError(f"{one.key}={text}: {one.key!r} has to be {_article(one.type_words)}{example}.")


def _article(words: str) -> str:
    if words in ("text", "true or false"):
        return words
    return ("an " if words[0] in "aeiou" else "a ") + words

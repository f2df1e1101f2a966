"""From a game's class names to English: "red_pillar" is a red pillar, "placed_red" a red block, "Medikit" a medikit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

COLOURS = (
    "red", "green", "blue", "yellow", "orange", "purple", "pink", "magenta", "cyan", "lime", "teal", "brown", "tan",
    "black", "white", "gray", "grey", "silver", "gold", "golden", "violet", "beige", "navy", "maroon", "olive",
)  # fmt: skip
# Words in class names that say who made the thing or which of several it is, not what it looks like.
DROPPED = ("placed", "custom", "block", "object", "entity", "dropped", "doom", "body", "geom")
CREATURES = (
    "pig",
    "sheep",
    "slime",
    "spook",
    "soldier",
    "demon",
    "imp",
    "monster",
    "caco",
    "baron",
    "zombie",
    "marine",
)
PHRASES = {
    "slab wall": "low wall",
    "gem item": "gem",
    "falling sand": "block of sand",
    "on switch": "switch",
    "off switch": "switch",
    "medikit": "medikit",
    "stimpack": "medical pack",
    "zombieman": "zombie soldier",
    "shotgun guy": "shotgun soldier",
    "chaingun guy": "chaingun soldier",
    "marine chainsaw vzd": "soldier",
    "demon": "pink demon",
    "hell knight": "horned monster",
    "imp": "brown imp",
    "teleport fog": "flash of light",
    "bullet puff": "puff of smoke",
    "rocket smoke trail": "trail of smoke",
}
IRREGULAR_PLURALS = {
    "man": "men", "glass": "glasses", "box": "boxes", "switch": "switches", "canvas": "canvases", "torch": "torches",
    "puff of smoke": "puffs of smoke", "flash of light": "flashes of light", "trail of smoke": "trails of smoke",
    "leaf": "leaves", "leaves": "leaves", "sheep": "sheep", "body": "bodies",
    "block of sand": "blocks of sand",
}  # fmt: skip
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, order=True)
class Noun:
    """A thing as it is spoken of: its colour, "" where the name has none, and what it is."""

    colour: str
    name: str

    def __str__(self) -> str:
        return f"{self.colour} {self.name}".strip()

    @property
    def a(self) -> str:
        return f"{article(str(self))} {self}"

    @property
    def the(self) -> str:
        return f"the {self}"

    @property
    def plural(self) -> str:
        return f"{self.colour} {plural(self.name)}".strip()

    def counted(self, count: int) -> str:
        """ "a red block", "three red blocks", "many red blocks"."""
        if count == 1:
            return self.a
        many = NUMBERS[count] if count < len(NUMBERS) else "many"
        return f"{many} {self.plural}"


@cache
def noun_of(cls: str) -> Noun:
    """The noun for a class name in snake_case, CamelCase or words; what it does not know it spells out."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-./]+", " ", cls)
    words = [word for word in re.sub(r"\d+", " ", spaced).lower().split() if word]
    colours = [word for word in words if word in COLOURS]
    rest = [word for word in words if word not in COLOURS and word not in DROPPED] or ["block"]
    name = " ".join(rest)
    name = PHRASES.get(name, name)
    colour = {"grey": "gray", "golden": "gold"}.get(colours[0], colours[0]) if colours else ""
    return Noun("" if colour and colour in name.split() else colour, name)


def article(phrase: str) -> str:
    return "an" if phrase[:1] in "aeio" or phrase.startswith("un") else "a"


def plural(name: str) -> str:
    if name in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[name]
    head, _, last = name.rpartition(" ")
    if last in IRREGULAR_PLURALS:
        last = IRREGULAR_PLURALS[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{head} {last}".strip()


def third_person(verb: str) -> str:
    """ "walk" -> "walks", "reach" -> "reaches"; only the first word of a phrase changes."""
    first, space, rest = verb.partition(" ")
    if re.search(r"(s|x|z|ch|sh|o)$", first):
        first += "es"
    elif re.search(r"[^aeiou]y$", first):
        first = first[:-1] + "ies"
    else:
        first += "s"
    return first + space + rest


def listed(parts: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")

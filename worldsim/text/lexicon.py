"""What a prompt or a caption speaks of: places, hours, things with their colours, sides, and the words beside them."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from worldsim.text.vocabulary import is_punctuation, split_words

Concept = tuple[str, str]  # kind and name, such as ("time", "night")
_SEPARATORS = ("and", "then", "while")  # of what is done
SCENE_KINDS = ("place", "time", "thing")  # a prompt that names none of them is about what is done


@dataclass(frozen=True)
class Mention:
    """A phrase for one concept. A thing may have a colour, and be "" where a colour alone is named."""

    kind: str
    name: str
    first: int  # of the text's words
    end: int
    colour: str = ""


@dataclass(frozen=True)
class Reading:
    """A text as its words, the scene it mentions, and phrases: runs of the other words, each a concept or a stem."""

    words: list[str]
    mentions: list[Mention]
    phrases: list[tuple[str, ...]]
    spelt: list[tuple[str, ...]]  # the same runs as they were written
    unused: list[str]  # words that nothing is known of


@lru_cache(maxsize=1)
def phrases_of_concepts() -> dict[tuple[str, ...], list[Concept]]:
    """Stems of each phrase of the lexicon -> the concepts it may stand for, the one that it names first."""
    table: dict[tuple[str, ...], list[Concept]] = {}
    for kind, concepts in _lexicon().items():
        for phrases in concepts if kind != "ignored" else []:
            for phrase in phrases:
                found = table.setdefault(stems(phrase), [])
                found.insert(0 if phrase == phrases[0] else len(found), (kind, phrases[0]))
    # A bare "left" is a way to turn as often as a side; a side has to be said in full.
    return {key: found for key, found in table.items() if key not in (stems("left"), stems("right"))}


@lru_cache(maxsize=1)
def actions() -> frozenset[str]:
    """Names of what may be done, as they are in phrases."""
    return frozenset(phrases[0] for phrases in _lexicon()["action"])


@lru_cache(maxsize=1)
def ignored_words() -> frozenset[str]:
    return frozenset(_lexicon()["ignored"].split())


@lru_cache(maxsize=1)
def _lexicon() -> dict:
    return yaml.safe_load(Path(__file__).with_name("lexicon.yaml").read_text(encoding="utf-8"))


def stems(phrase: str) -> tuple[str, ...]:
    return tuple(map(stem, split_words(phrase)))


def stem(word: str) -> str:
    """A word without the endings of plurals and verbs; good for comparing words, not for reading them."""
    if len(word) > 4 and word.endswith("ing"):
        word = re.sub(r"([bdgmnprt])\1$", r"\1", word[:-3])
    elif len(word) > 3 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif re.search(r"(s|x|z|ch|sh|o)es$", word):
        word = word[:-2]
    elif len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us")):
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def read(text: str, known: Container[Concept] | None = None, known_stems: Container[str] | None = None) -> Reading:
    """What ``text`` speaks of; with ``known`` concepts and stems the rest of it is unused."""
    words = split_words(text)
    word_stems = [stem(word) for word in words]
    table, ignored = phrases_of_concepts(), ignored_words()
    found: list[Mention] = []
    runs: list[list[tuple[str, str]]] = [[]]
    unused: list[str] = []
    i = 0
    while i < len(words):
        concept, length = _longest_phrase(table, word_stems, i, known)
        if concept is not None and concept[0] == "side" and runs[-1]:
            concept, length = None, 1  # "turn to the left"
        phrase = " ".join(words[i : i + length])
        if concept is None:
            if is_punctuation(phrase) or phrase in _SEPARATORS:
                runs.append([])
            elif phrase not in ignored:
                if known_stems is None or word_stems[i] in known_stems:
                    runs[-1].append((word_stems[i], phrase))
                else:
                    unused.append(phrase)
        elif concept[0] == "action":
            runs[-1].append((concept[1], phrase))
        else:
            if known is None or concept in known:
                _add(found, Mention(*concept, i, i + length))
            else:
                unused.append(phrase)
            runs.append([])
        i += length
    runs = [run for run in runs if run]
    phrases = [tuple(meaning for meaning, _ in run) for run in runs]
    spelt = [tuple(written for _, written in run) for run in runs]
    return Reading(words, found, phrases, spelt, list(dict.fromkeys(unused)))


def _longest_phrase(
    table: dict[tuple[str, ...], list[Concept]], word_stems: list[str], at: int, known: Container[Concept] | None
) -> tuple[Concept | None, int]:
    for length in range(min(6, len(word_stems) - at), 0, -1):
        for concept in table.get(tuple(word_stems[at : at + length]), ()):
            # A relation that no caption speaks of is still one: its "left" is not the way to turn.
            if known is None or concept in known or concept[0] == "relation":
                return concept, length
    return None, 1


def _add(found: list[Mention], new: Mention) -> None:
    """A colour waits as a thing without a name for what follows it at once: a thing, or a place ("a green meadow")."""
    last = found[-1] if found else None
    if new.kind == "colour":
        new = Mention("thing", "", new.first, new.end, new.name)
    elif new.kind in ("thing", "place") and last and last.kind == "thing" and not last.name and last.end == new.first:
        found.pop()
        new = Mention(new.kind, new.name, last.first, new.end, last.colour if new.kind == "thing" else "")
    found.append(new)

"""Short prompts as captions in the style a model was trained on, without a language model.

The prompt is read with a small lexicon of synonyms (lexicon.yaml). The training sentence that says most of it is taken;
where it says something else of the same kind, another colour or hour, that is put right; what it says beyond the
prompt is what training captions say beside such things. Sentences are added until everything is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.text.lexicon import SCENE_KINDS, Concept, Mention, Reading, actions, ignored_words, read, stem
from worldsim.text.style import CaptionStyle
from worldsim.text.vocabulary import split_words

MOST_SENTENCES = 4
MOST_TOPICS = 6  # of a kind, in a message
ADDED = (*SCENE_KINDS, "side")  # what a scene is told with, where the prompt leaves it open


@dataclass(frozen=True, kw_only=True)
class EmbeddedConfig:
    """Settings of :class:`EmbeddedExpander`."""

    seed: int = 0  # which of equally good captions is written


@dataclass(frozen=True)
class Fit:
    """How a training sentence says what is said: which mentions become which, and what it says beside that."""

    sentence: Reading
    swaps: list[tuple[Mention, Mention]]  # (what is said, in the place of what)
    phrases: list[int]  # of those said, by number
    exact: int  # swaps that change nothing
    added: int  # kinds of ADDED that the prompt leaves open
    extra: list[Mention]  # other mentions
    acts: int  # that are not said
    surplus: int  # words and mentions beside all that

    @property
    def invents(self) -> bool:
        return any(one.kind in ADDED for one in self.extra)

    @property
    def rank(self) -> tuple[int, ...]:
        return len(self.swaps) + len(self.phrases), -self.acts, self.exact, self.added, -self.surplus


class EmbeddedExpander:
    """Writes prompts out; the caption is a function of the prompt and the seed."""

    def __init__(self, config: EmbeddedConfig, style: CaptionStyle | None):
        if style is None:
            raise WorldsimError(
                "the embedded prompt expander writes like a model's training captions: name that model with "
                "simulator=, or a table of captions with data=."
            )
        self.config = config
        self._sentences = [read(text) for text, _ in style.sentences]
        self._counts = np.array([count for _, count in style.sentences], np.float64)
        self._words = set(style.words)
        self._stems: dict[str, str] = {}  # stem -> its most frequent word
        for word in style.words:
            self._stems.setdefault(stem(word), word)
        self._spelt = self._spelling()

    def expand(self, prompts: Sequence[str]) -> list[str]:
        """A caption for each prompt, which says all of it but its ``unused_words``; "" stays "".

        Raises WorldsimError for a prompt of unused words alone.
        """
        return [self._expand(prompt) for prompt in prompts]

    def unused_words(self, prompt: str) -> list[str]:
        """The words of a prompt that no training caption says, nor any other word for the same."""
        return self._read(prompt).unused

    def _read(self, prompt: str) -> Reading:
        return read(prompt, self._spelt, self._stems)

    def _spelling(self) -> dict[Concept, Counter[tuple[str, str]]]:
        """How often the captions say each concept they speak of: (words, form) -> count."""
        counts: dict[Concept, Counter[tuple[str, str]]] = {}

        def add(kind: str, name: str, words: list[str], form: str, count: float) -> None:
            counts.setdefault((kind, name), Counter())[" ".join(words), form] += int(count)

        for sentence, count in zip(self._sentences, self._counts, strict=True):
            for one in sentence.mentions:
                words = sentence.words[one.first : one.end]
                if one.colour:
                    add("colour", one.colour, words[:1], "", count)
                if one.name:
                    add(one.kind, one.name, words[1:] if one.colour else words, _form(sentence.words, one), count)
            for phrase, spelt in zip(sentence.phrases, sentence.spelt, strict=True):
                for meaning, said in zip(phrase, spelt, strict=True):
                    add("action", meaning, [said], "", count)
        return counts

    def _expand(self, prompt: str) -> str:
        said = self._read(prompt)
        if said.unused and not said.mentions and not said.phrases:
            raise WorldsimError(
                f"the captions that the model was trained on say nothing of {', '.join(said.unused)}; they speak of "
                f"{', '.join(self._topics())}."
            )
        rng = stream(self.config.seed, "expand", prompt)
        mentions, phrases = list(said.mentions), dict(enumerate(said.phrases))
        is_scene = any(one.kind in SCENE_KINDS for one in mentions)
        parts: list[str] = []
        while (mentions or phrases) and len(parts) < MOST_SENTENCES:
            fit = self._best(mentions, phrases, rng, opens=is_scene and not parts)
            if fit is None:
                break
            parts.append(self._written(fit))
            mentions = [one for one in mentions if not any(one is wanted for wanted, _ in fit.swaps)]
            phrases = {number: phrase for number, phrase in phrases.items() if number not in fit.phrases}
        rest = [self._say(one) for one in mentions]
        rest += [" ".join(self._word(*pair) for pair in zip(phrases[n], said.spelt[n], strict=True)) for n in phrases]
        parts += [", ".join(rest)] if rest else []
        return parts[0] if len(parts) == 1 else " ".join(map(_sentence, parts))  # one may do without a full stop

    def _topics(self) -> list[str]:
        kinds = (*SCENE_KINDS, "colour", "action")
        spoken = {kind: [concept for concept in self._spelt if concept[0] == kind] for kind in kinds}
        return [self._said(concept) for kind in kinds for concept in spoken[kind][:MOST_TOPICS]]

    def _best(
        self, mentions: list[Mention], phrases: dict[int, tuple[str, ...]], rng: np.random.Generator, opens: bool
    ) -> Fit | None:
        """The sentence that says most; one that does not open a scene brings nothing of its own to it."""
        fits = [_fit(sentence, mentions, phrases, opens) for sentence in self._sentences]
        weights = self._counts * [opens or not fit.invents for fit in fits]
        rank = max((fit.rank for fit, weight in zip(fits, weights, strict=True) if weight), default=(0,))
        if rank[0] == 0:
            return None
        weights *= [fit.rank == rank for fit in fits]
        return fits[int(rng.choice(len(fits), p=weights / weights.sum()))]

    def _written(self, fit: Fit) -> str:
        words = list(fit.sentence.words)
        for wanted, instead in sorted(fit.swaps, key=lambda swap: -swap[1].first):
            if not _says(instead, wanted):
                both = Mention(wanted.kind, wanted.name or instead.name, 0, 0, wanted.colour or instead.colour)
                said = self._say(both, _form(words, instead))
                words[instead.first : instead.end] = [said]
                if instead.first and words[instead.first - 1] in ("a", "an"):
                    words[instead.first - 1] = "an" if said[0] in "aeiou" else "a"
        text = re.sub(r" ([.,;:!?])", r"\1", " ".join(words))
        return _sentence(text) if text[-1] in ".!?" else text

    def _say(self, one: Mention, form: str = "") -> str:
        parts = [self._said(("colour", one.colour))] if one.colour else []
        parts += [self._said((one.kind, one.name), form)] if one.name else []
        return " ".join(parts)

    def _said(self, concept: Concept, form: str = "") -> str:
        """The most frequent words for a concept, of those in this form where there are any."""
        counts = self._spelt[concept]
        return max(sorted(counts), key=lambda said: (said[1] == form, counts[said]))[0]

    def _word(self, meaning: str, written: str) -> str:
        if all(word in self._words for word in split_words(written)):
            return written
        return self._said(("action", meaning)) if ("action", meaning) in self._spelt else self._stems[meaning]


def _form(words: list[str], one: Mention) -> str:
    """What tells "a snowy plain" from "the snow", and "at night" from "night"."""
    before = words[one.first - 1] if one.first else ""
    article = {"a": "a", "an": "a", "the": "the"}.get(before, "")
    return article + (" in" if words[one.first] in ignored_words() else "")


def _says(sentence: Mention, wanted: Mention) -> bool:
    return wanted.name in ("", sentence.name) and wanted.colour in ("", sentence.colour)


def _fit(sentence: Reading, mentions: list[Mention], phrases: dict[int, tuple[str, ...]], opens: bool) -> Fit:
    swaps: list[tuple[Mention, Mention]] = []
    for kind in dict.fromkeys(one.kind for one in mentions):
        wanted = [one for one in mentions if one.kind == kind]
        there = [one for one in sentence.mentions if one.kind == kind and _can_change(sentence, one)]
        if len(wanted) == 1:  # several keep their order, which may be what is said of them
            there.sort(key=lambda one: not _says(one, wanted[0]))
        swaps += zip(wanted, there)  # noqa: B905 (a sentence may say fewer, or more)
    spoken = [number for number, phrase in phrases.items() if any(_contains(run, phrase) for run in sentence.phrases)]
    said_kinds = {one.kind for one in mentions}
    added = {one.kind for one in sentence.mentions if one.kind in ADDED} - said_kinds if opens else set()
    extra = [one for one in sentence.mentions if one.kind not in added and all(one is not to for _, to in swaps)]
    words, acts = Counter(word for run in sentence.phrases for word in run), actions()
    words -= Counter(word for number in spoken for word in phrases[number])
    others = sum(times for word, times in words.items() if word in acts)
    exact = sum(_says(there, wanted) for wanted, there in swaps)
    return Fit(sentence, swaps, spoken, exact, len(added), extra, others, len(extra) + words.total())


def _can_change(sentence: Reading, one: Mention) -> bool:
    """Not several things at once, "two red pillars", nor the colour of what is not known for a thing."""
    last = sentence.words[one.end - 1]
    return one.kind != "thing" or (one.name != "" and (not last.endswith("s") or stem(last) == last))


def _contains(run: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    return any(run[i : i + len(phrase)] == phrase for i in range(len(run) - len(phrase) + 1))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?" else ".")

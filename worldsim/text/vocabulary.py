"""The words that a model has read: those of its training captions, kept as plain words in its configuration."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from worldsim.core.errors import WorldsimError

START, UNKNOWN = 0, 1  # ids of the token that every prompt begins with, and of words that were never read
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]")


def split_words(text: str) -> list[str]:
    """The lower-cased words and punctuation marks of ``text``, in order."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).replace("\u2019", "'").lower())


def is_punctuation(word: str) -> bool:
    return not any(character.isalnum() for character in word)


class Vocabulary:
    """Word to token id and back; ids 0 and 1 are ``<start>`` and ``<unknown>``, and the words follow."""

    def __init__(self, words: Sequence[str]):
        self.words = tuple(words)
        for word in self.words:
            if split_words(word) != [word]:
                raise WorldsimError(f"{word!r} is not a word of a vocabulary: lower-case words and single marks are.")
        if len(set(self.words)) != len(self.words):
            twice = next(word for word, count in Counter(self.words).items() if count > 1)
            raise WorldsimError(f"the vocabulary has {twice!r} twice; give each word once.")

    @classmethod
    def of_captions(cls, captions: Iterable[str], most: int = 8192, least: int = 1) -> Vocabulary:
        """The words of ``captions``, frequent ones first, equally frequent ones by the alphabet.

        At most ``most`` words, each found ``least`` times or more; the others are ``<unknown>``.
        """
        counts: Counter[str] = Counter()
        for caption, times in Counter(captions).items():  # recordings say the same thing many times
            for word in split_words(caption):
                counts[word] += times
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls([word for word, count in ranked[:most] if count >= least])

    def __len__(self) -> int:
        """How many token ids there are."""
        return len(self.words) + 2

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words, start=UNKNOWN + 1)}

    def encode(self, prompt: str) -> list[int]:
        """Token ids of a prompt, ``START`` first."""
        return [START, *(self._ids.get(word, UNKNOWN) for word in split_words(prompt))]

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of ``prompt`` that the model has never read, each once, in order; marks do not count."""
        words = dict.fromkeys(split_words(prompt))
        return [word for word in words if word not in self._ids and not is_punctuation(word)]


def shortened(caption: str, max_words: int) -> str:
    """As many whole sentences from the start of ``caption`` as fit into ``max_words``, or else its first words.

    For training captions; a prompt that a user wrote is never cut.
    """
    if len(split_words(caption)) <= max_words:
        return caption
    kept, words = "", 0
    for sentence in re.findall(r"[^.!?]*[.!?]+\s*|[^.!?]+$", caption):
        words += len(split_words(sentence))
        if words > max_words:
            break
        kept += sentence
    return kept.strip() or " ".join(split_words(caption)[:max_words])

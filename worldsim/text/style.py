"""The style of a model's training captions, as plain data beside its weights: what prompts are expanded by."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import read_json, write_json
from worldsim.text.vocabulary import Vocabulary, split_words

FILE = "captions.json"
_CONNECTIVE = re.compile(r"^(then|after that|after about \d+ seconds?),? ", re.IGNORECASE)
MOST_FREQUENT, MOST_OTHERS, MOST_EXAMPLES = 1000, 2000, 12


@dataclass(frozen=True)
class CaptionStyle:
    """Sentences of the training captions with their counts, whole captions as examples, and all their words."""

    sentences: tuple[tuple[str, int], ...]
    examples: tuple[str, ...]
    words: tuple[str, ...]  # frequent first

    @classmethod
    def of_captions(cls, captions: Iterable[str]) -> CaptionStyle:
        """The frequent sentences with some of the others, and some long captions; which ones is a matter of hash.

        A caption without a full stop, such as a command, is one sentence.
        """
        texts = Counter(" ".join(text.split()) for text in captions if text.strip())
        if not texts:
            raise WorldsimError("there are no captions to take a style from; worldsim caption data=... writes them.")
        counts: Counter[str] = Counter()
        for text, times in texts.items():
            for sentence in sentences_of(text):
                counts[sentence] += times
        ranked = sorted(counts.items(), key=lambda item: (-item[1], _hash(item[0])))
        others = sorted(ranked[MOST_FREQUENT:], key=lambda item: _hash(item[0]))
        lengths = {text: len(split_words(text)) for text in texts}
        usual = sorted(lengths.values())[len(lengths) // 2]
        dense = [text for text, length in lengths.items() if length >= usual]
        return cls(
            tuple(ranked[:MOST_FREQUENT] + others[:MOST_OTHERS]),
            tuple(sorted(dense, key=_hash)[:MOST_EXAMPLES]),
            Vocabulary.of_captions(texts.elements()).words,
        )

    def write(self, folder: Path) -> None:
        """``captions.json`` in a checkpoint's folder."""
        write_json(Path(folder) / FILE, asdict(self))

    @classmethod
    def read(cls, folder: str | Path) -> CaptionStyle:
        """From a checkpoint's folder; WorldsimError where it has none, DamagedFileError for one that is not whole."""
        path = Path(folder) / FILE
        if not path.exists():
            raise WorldsimError(
                f"{folder} has no {FILE}, so there are no training captions to write like; it is there "
                "where a simulator was trained on captions."
            )
        data = read_json(path)
        try:
            sentences = tuple((str(text), int(count)) for text, count in data["sentences"])
            return cls(sentences, tuple(map(str, data["examples"])), tuple(map(str, data["words"])))
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedFileError(f"{path} does not hold the style of captions ({error!r}); write it anew.") from error


def sentences_of(text: str) -> list[str]:
    """The sentences of a caption, each as if it were the first."""
    parts = (re.sub(_CONNECTIVE, "", part.strip()) for part in re.findall(r"[^.!?]+[.!?]*", text))
    return [part[:1].upper() + part[1:] if part[-1] in ".!?" else part for part in parts if split_words(part)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

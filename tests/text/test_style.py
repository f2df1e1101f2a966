"""The style of captions as a file beside a checkpoint."""

from __future__ import annotations

import json

import pytest

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.text import style as module
from worldsim.text.style import FILE, CaptionStyle


def test_sentences_examples_and_words(captions):
    style = CaptionStyle.of_captions(["turn left", *captions, "turn left", "A gem. A gem."])
    assert style.sentences[:2] == (("A gem.", 2), ("turn left", 2))
    assert {text for text, _ in style.sentences} == {"turn left", "A gem.", *captions}
    assert len(style.examples) == 12 and set(style.examples) <= set(captions) and "turn left" not in style.examples
    assert style.words[0] in ("a", "the") and {"gem", "pillar", "turns"} <= set(style.words)


def test_a_sentence_may_be_the_first():
    text = "A gem lies there. After that the player jumps. after about 2 seconds the player turns"
    sentences = {sentence for sentence, _ in CaptionStyle.of_captions([text]).sentences}
    assert sentences == {"A gem lies there.", "The player jumps.", "the player turns"}


def test_many_sentences_are_sampled(monkeypatch):
    monkeypatch.setattr(module, "MOST_FREQUENT", 3)
    monkeypatch.setattr(module, "MOST_OTHERS", 5)
    texts = [f"a gem of {i} carats" for i in range(50)]
    style = CaptionStyle.of_captions(texts + texts[:3])
    assert sorted(style.sentences[:3]) == sorted((text, 2) for text in texts[:3])
    assert len(style.sentences) == 8 and style == CaptionStyle.of_captions(reversed(texts + texts[:3]))


def test_it_survives_a_file(style, tmp_path):
    style.write(tmp_path)
    assert CaptionStyle.read(tmp_path) == style


def test_files_that_cannot_be_used(style, tmp_path):
    with pytest.raises(WorldsimError, match=r"has no captions.json, so there are no training captions"):
        CaptionStyle.read(tmp_path)
    for text in ("{", json.dumps({"sentences": [["a"]], "examples": [], "words": []}), "[]"):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(DamagedFileError, match=FILE):
            CaptionStyle.read(tmp_path)
    with pytest.raises(WorldsimError, match="there are no captions"):
        CaptionStyle.of_captions(["", " "])

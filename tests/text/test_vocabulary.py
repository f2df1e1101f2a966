"""Words, and the vocabulary of training captions."""

from __future__ import annotations

import pytest

from worldsim.core.errors import WorldsimError
from worldsim.text.vocabulary import START, UNKNOWN, Vocabulary, shortened, split_words


def test_words_and_marks():
    assert split_words("A red Pillar, at dawn: don't  stop_now!") == [
        "a", "red", "pillar", ",", "at", "dawn", ":", "don't", "stop", "now", "!",
    ]  # fmt: skip
    assert split_words(" \n") == []
    assert split_words("\uff32ed Straße 赤い don\u2019t") == ["red", "straße", "赤い", "don't"]


def test_frequent_words_come_first_and_rare_ones_are_unknown():
    captions = ["a red pillar.", "a blue pillar.", "a gem"]
    assert Vocabulary.of_captions(captions).words == ("a", ".", "pillar", "blue", "gem", "red")
    assert Vocabulary.of_captions(captions, least=2).words == ("a", ".", "pillar")
    assert Vocabulary.of_captions(captions, most=1).words == ("a",)


def test_prompts_become_ids():
    words = Vocabulary(["a", "pillar", "."])
    assert len(words) == 5 and "pillar" in words and "red" not in words
    assert words.encode("A red pillar.") == [START, 2, UNKNOWN, 3, 4]
    assert words.encode("") == [START]
    assert words.unknown_words("Red, a red ZEPPELIN!") == ["red", "zeppelin"]


@pytest.mark.parametrize(
    ("words", "says"), [(["a", "Red"], "'Red' is not a word"), (["a", "b c"], "'b c'"), (["a", "b", "a"], "'a' twice")]
)
def test_vocabularies_that_cannot_be(words, says):
    with pytest.raises(WorldsimError, match=says):
        Vocabulary(words)


def test_long_captions_lose_whole_sentences():
    text = "A red pillar. The player walks! Then the player turns left."
    assert shortened(text, 99) == text
    assert shortened(text, 9) == "A red pillar. The player walks!"
    assert shortened(text, 4) == "A red pillar."
    assert shortened(text, 2) == "a red"

"""Answers of language models, as they come."""

from __future__ import annotations

import pytest

from worldsim.text.instructions import caption_in, completion, messages


@pytest.mark.parametrize(
    ("answer", "caption"),
    [
        ("a red pillar at night", "a red pillar at night"),
        ('  Caption: "A red  pillar."\n\nPrompt: another', "A red pillar."),
        ("<think>\nCaption: no\n</think>\n\n**Caption:** a gem\nmore", "a gem"),
        ("<think> on and on", ""),
        ("- a gem", "a gem"),
        ("\n **\n", ""),
        ("", ""),
    ],
)
def test_captions_are_found(answer, caption):
    assert caption_in(answer) == caption


def test_a_model_that_goes_on_writing_is_left_at_the_caption(style):
    text = completion("a tower", style)
    assert text.endswith("Prompt: a tower\nCaption:") and text.startswith(messages("a tower", style)[0]["content"])

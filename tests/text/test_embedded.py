"""Prompts written as captions without a language model: everything said is kept, the rest is as in the captions."""

from __future__ import annotations

import itertools

import pytest
from scene_captions import COLOURS, HELD_OUT, HOURS, PLACES, SHAPES

from worldsim.core.errors import WorldsimError
from worldsim.text.embedded import EmbeddedConfig, EmbeddedExpander
from worldsim.text.expander import PromptExpander, make_expander
from worldsim.text.vocabulary import split_words


@pytest.fixture(scope="module")
def expander(style) -> EmbeddedExpander:
    return make_expander("embedded", style)


def expand(expander: EmbeddedExpander, prompt: str) -> str:
    return expander.expand([prompt])[0]


def test_every_combination_is_said_whole(expander):
    for place, hour, colour, shape in itertools.product(PLACES, HOURS, COLOURS, SHAPES):
        caption = expand(expander, f"{colour} {shape} in the {place}, {hour}")
        assert f"{colour} {shape}" in caption and hour in caption
        assert any(word in caption for word in (place, PLACES[place]))
        others = [name for name in (*PLACES, *HOURS, *COLOURS, *SHAPES) if name not in (place, hour, colour, shape)]
        assert not set(others) & set(split_words(caption.replace("green meadow", place)))


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("a scarlet tower at midnight", ("a red pillar", "at night")),
        ("An azure GATEWAY in the sunny grassland!", ("a blue arch", "by day", "meadow")),
        ("amber box", ("an orange cube",)),
        ("dunes", ("desert",)),
        ("spin to the left", ("The player turns left",)),
        ("hop", ("The player jumps",)),
    ],
)
def test_other_words_for_the_same(expander, prompt, says):
    caption = expand(expander, prompt)
    assert all(part in caption for part in says), caption
    assert expander.unused_words(prompt) == []


def test_what_is_left_open_is_filled_in_as_in_the_captions(style, captions):
    written = {expand(EmbeddedExpander(EmbeddedConfig(seed=seed), style), "a red pillar") for seed in range(30)}
    assert len(written) > 1 and written <= set(captions)
    assert {"desert", "meadow"} == {name for name in PLACES if any(name in text for text in written)}  # never in snow
    assert all("player" not in text for text in written)  # nothing is done, as nothing was said of it


def test_what_was_kept_apart_is_joined(expander):
    assert HELD_OUT == ("snow", "red")
    assert "snow" in expand(expander, "a red cube in snow") and "a red cube" in expand(expander, "a red cube in snow")


def test_a_command_sets_no_scene(expander):
    assert expand(expander, "walk forward") == "The player walks forward."
    assert expand(expander, "turn to the left") == "The player turns left."
    assert expand(expander, "walk forward, then jump") == "The player walks forward. The player jumps."


def test_scene_and_command_together(expander):
    caption = expand(expander, "a blue arch in the desert, turn left")
    assert "a blue arch" in caption and "desert" in caption and "turns left" in caption


def test_colours_stay_with_their_things(expander):
    caption = expand(expander, "a red pillar and a blue cube at night")
    assert "red pillar" in caption.lower() and "blue cube" in caption.lower()
    assert expand(expander, "something orange").count("orange") == 1


def test_two_things_are_not_one(expander):
    assert "two blue" not in expand(expander, "a blue arch")


def test_unknown_words_are_told_and_left_out(expander):
    prompt = "a crimson zeppelin high above Paris at night, left of a cube"
    assert expander.unused_words(prompt) == ["zeppelin", "high", "above", "paris", "left of"]
    caption = expand(expander, prompt)
    assert "red" in caption and "at night" in caption and "cube" in caption
    assert not {"zeppelin", "player"} & set(split_words(caption))
    assert expander.expand([""]) == [""]
    with pytest.raises(WorldsimError, match=r"say nothing of knight, dragon; they speak of .*desert.*pillar.*red"):
        expander.expand(["a knight and a dragon"])


def test_it_is_a_function_of_prompt_and_seed(expander, style):
    prompts = ["a red pillar", "snow", "turn left"]
    again = make_expander("embedded", style)
    assert isinstance(again, PromptExpander)
    assert expander.expand(prompts) == again.expand(prompts) == [expand(again, prompt) for prompt in prompts]


def test_without_captions(style):
    with pytest.raises(WorldsimError, match=r"name that model with simulator=, or a table of captions with data="):
        make_expander("embedded", None)
    with pytest.raises(WorldsimError, match="Did you mean 'embedded'"):
        make_expander("embeded", style)

"""Captions of every scene but some, in the way that recordings are captioned."""

from __future__ import annotations

import itertools

PLACES = {"meadow": "a green meadow", "snow": "a snowy plain", "desert": "the desert"}
HOURS = {"night": "at night", "day": "by day"}
COLOURS, SHAPES = ("red", "blue", "orange"), ("pillar", "cube", "arch")
# Never together in a caption, as in a recording that keeps them apart to see whether a model can join them.
HELD_OUT = ("snow", "red")
ACTS = ("turns left", "walks forward", "jumps", "turns left and then walks forward")


def every_caption() -> list[str]:
    """Every scene once, some with a command; commands of their own; and one with several things."""
    texts = []
    scenes = itertools.product(PLACES, HOURS, COLOURS, SHAPES)
    for i, (place, hour, colour, shape) in enumerate(scenes):
        if (place, colour) != HELD_OUT:
            article = "an" if colour == "orange" else "a"
            side = ("", " on the left", " in the middle")[i % 3]
            text = f"{PLACES[place]} {HOURS[hour]} with {article} {colour} {shape}{side}"
            texts += [text, f"{text}, the player {ACTS[i % 4]}"]
    return [*texts, *(f"The player {act}." for act in ACTS), "two red pillars and three oak trees far away at night"]

"""The numbers that a scene is made of, drawn by seed from ranges that are split in and out of distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream

SPLITS = ("in", "out")


class Parameters:
    """Draws named numbers and keeps them in ``values``.

    With ``split="in"`` a number comes from its range. With ``split="out"`` every number that has a wider range comes
    from what the wider range adds below and above, so that no physical parameter has a value seen in training.
    Each name has its own random stream: a scene that asks for one number more keeps all the others.
    """

    def __init__(self, scene: str, seed: int, split: str):
        if split not in SPLITS:
            raise WorldsimError(f"split={split!r}: use one of {', '.join(map(repr, SPLITS))}.")
        self.scene, self.seed, self.split = scene, seed, split
        self.values: dict[str, float] = {}

    def rng(self, name: str) -> np.random.Generator:
        """A stream for what is not a number of the physics: places, looks, cuts. Equal in both splits."""
        return stream(self.seed, "physics", self.scene, name)

    def uniform(self, name: str, inner: tuple[float, float], outer: tuple[float, float]) -> float:
        """A number from ``inner``, or from ``outer`` without ``inner`` when the split is "out"."""
        (low, high), (lowest, highest) = inner, outer
        assert lowest <= low <= high <= highest
        share = float(self.rng(name).random())
        if self.split == "in":
            value = low + share * (high - low)
        else:
            below, above = low - lowest, highest - high
            place = share * (below + above)
            value = lowest + place if place < below else high + place - below
        self.values[name] = value
        return value

    def integer(self, name: str, inner: Sequence[int], outer: Sequence[int]) -> int:
        """One of ``inner``, or of ``outer`` when the split is "out"; the two have nothing in common."""
        assert not set(inner) & set(outer)
        value = int(self.rng(name).choice(list(inner if self.split == "in" else outer)))
        self.values[name] = value
        return value

    def chance(self, name: str, probability: float) -> bool:
        """True with this probability, in both splits alike."""
        value = bool(self.rng(name).random() < probability)
        self.values[name] = float(value)
        return value

"""What ``reset`` of a vector environment is told about its slots: a seed for each, and which of them to start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from worldsim.core.errors import WorldsimError


def seeds_of_slots(seed: int | Sequence[int | None] | None, count: int, name: str) -> list[int | None]:
    """The seed of each of ``count`` slots: one number s means s, s+1, ..., None leaves all to their own streams.

    Raises WorldsimError, which calls the slots ``name``, for another number of seeds than slots.
    """
    if seed is None:
        return [None] * count
    if isinstance(seed, (int, np.integer)):
        return [int(seed) + slot for slot in range(count)]
    if len(seed) != count:
        raise WorldsimError(f"{len(seed)} seeds for {count} {name}; pass one each, or a single number.")
    return list(seed)


def marked_slots(reset_mask: Any, count: int) -> list[int]:
    """The slots that ``reset_mask`` (count,) bool marks, all of them for None.

    Raises WorldsimError for a mask of another shape or type and for one that marks none.
    """
    if reset_mask is None:
        return list(range(count))
    mask = np.asarray(reset_mask)
    if mask.shape != (count,) or mask.dtype != np.bool_ or not mask.any():
        raise WorldsimError(f"reset_mask must be {count} booleans, at least one of them True; got {mask}.")
    slots: list[int] = np.flatnonzero(mask).tolist()
    return slots

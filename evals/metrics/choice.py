"""Two-alternative forced choice: does a dream follow its own actions rather than the other ones?"""

from __future__ import annotations

import numpy as np

from evals.metrics.pixels import squared_error_sum
from worldsim.core.types import Frames


def action_swap_2afc(
    dream_a: Frames, dream_b: Frames, real_a: Frames, real_b: Frames, min_difference: float = 0.0
) -> float:
    """Share of frames in which two dreams (H, h, w, 3) are nearer to their own real branches than to each other's.

    A tie counts one half; frames whose real branches differ by less than ``min_difference`` (mean absolute, in 8-bit
    steps) are not asked, and there is one at least. Squared errors are summed in integers, so a simulator that ignores
    its actions ties exactly, at 0.5. It asks for the direction of the difference only: blurred or pale dreams that move
    the right way score 1. Dreams that come late lose the frames in which the right ones moved already.
    """
    own = squared_error_sum(dream_a, real_a) + squared_error_sum(dream_b, real_b)
    swapped = squared_error_sum(dream_a, real_b) + squared_error_sum(dream_b, real_a)
    apart = np.abs(real_a.astype(np.int16) - real_b).mean(axis=(1, 2, 3)) >= min_difference
    assert apart.any(), f"the real branches never differ by {min_difference}"
    return float(np.where(own == swapped, 0.5, own < swapped)[apart].mean())


def ordered_2afc(first: float, second: float) -> float:
    """1 where the first of two scores is the larger one, 0 where it is the smaller, 0.5 where they are equal."""
    return 0.5 if first == second else float(first > second)

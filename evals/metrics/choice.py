"""Two-alternative forced choice: does a dream follow its own actions rather than the other ones?"""

from __future__ import annotations

import numpy as np

from evals.metrics.pixels import squared_error_sum
from worldsim.core.types import Frames


def action_swap_2afc(dream_a: Frames, dream_b: Frames, real_a: Frames, real_b: Frames) -> float:
    """1 when the two dreams (H, h, w, 3) are nearer to their own real branches than to each other's, 0 when farther.

    Squared errors are summed over the frames in integers, so a simulator that ignores its actions ties exactly, at 0.5.
    It asks for the direction of the difference only: blurred or pale dreams that move the right way score 1, and so do
    dreams that come late when actions are held (``action_swap_2afc@1`` sees those).
    """
    own = _total(dream_a, real_a) + _total(dream_b, real_b)
    swapped = _total(dream_a, real_b) + _total(dream_b, real_a)
    return 0.5 if own == swapped else float(own < swapped)


def _total(a: Frames, b: Frames) -> int:
    return int(np.sum(squared_error_sum(a, b)))


def ordered_2afc(first: float, second: float) -> float:
    """1 where the first of two scores is the larger one, 0 where it is the smaller, 0.5 where they are equal."""
    return 0.5 if first == second else float(first > second)

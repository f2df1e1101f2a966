"""What a simulator makes of the one thing in which two worlds differ: contrasts of generated and of real branches.

The contrast of two branches is their difference, pixel by pixel: x+ - x- of the real ones, g+ - g- of the generated
ones. Whatever both generated branches get wrong alike cancels, so a blurred, pale or drifting world is not held against
the memory of the thing; two branches that are alike have no contrast, so nothing can be scored by showing nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

Contrast = NDArray[np.float64]  # (T, H, W, 3), in 8-bit steps


def contrast(first: Frames, second: Frames, hidden: NDArray[np.bool_] | None = None) -> Contrast:
    """Frames (T, H, W, 3) less others of the same shape; 0 where ``hidden`` (H, W) covers the world, as a HUD does."""
    difference = first.astype(np.float64) - second
    if hidden is not None:
        difference[:, hidden] = 0.0
    return difference


class Projection(NamedTuple):
    """A generated contrast beside the real one: how much of it is there, how much else is, and both in one number."""

    rho: float
    leak: float
    agreement: float


def project(generated: Contrast, real: Contrast) -> Projection:
    """Compare contrasts (T, H, W, 3), all frames together; NaN where the real one is zero everywhere.

    ``rho = <g+ - g-, x+ - x->_M / ||x+ - x-||^2_M`` (DESIGN section 6), with M the pixels where the real ones differ:
    1 for the game itself, 0 for two worlds that are alike, above 1 for an exaggeration. ``leak`` is the energy of the
    generated contrast outside M, in energies of the real one. ``agreement`` is rho over the generated energy that
    lasts from frame to frame, where that is more than the real one's: what is missing lowers it as it lowers rho, and
    so does what is there twice, too strong, or where nothing should differ, but not noise that comes and goes.
    """
    mask = (real != 0).any(-1)
    real_energy = float((real * real).sum())
    if real_energy == 0:
        return Projection(float("nan"), float("nan"), float("nan"))
    rho = float((generated * real).sum()) / real_energy
    leak = float((generated[~mask] ** 2).sum()) / real_energy
    lasting = _lasting_energy(real)
    excess = _lasting_energy(generated) / lasting if lasting > 0 else 1.0
    return Projection(rho, leak, rho / max(1.0, excess))


def _lasting_energy(apart: Contrast) -> float:
    """The mean product of neighbouring frames: noise that is new in each of them adds nothing to it."""
    if len(apart) == 1:
        return float((apart * apart).sum())
    return float((apart[1:] * apart[:-1]).sum()) / (len(apart) - 1)


def looked_away(generated: Contrast, seen: Contrast) -> float:
    """1 where nothing of what was ``seen`` (1, H, W, 3) before is left in contrasts (T, H, W, 3) of frames in which it
    should be out of sight, 0 where all of it is: a picture that stands still never looked away."""
    energy = float((seen * seen).sum())
    assert energy > 0, "nothing was seen to begin with"
    left = float((generated * seen).sum(axis=(1, 2, 3)).mean()) / energy
    return float(np.clip(1.0 - left, 0.0, 1.0))


def nearest(generated: Contrast, candidates: list[Contrast]) -> int:
    """Which of the candidates a contrast is nearest to, all (T, H, W, 3)."""
    return int(np.argmin([float(((generated - one) ** 2).sum()) for one in candidates]))


def strength(apart: Contrast) -> NDArray[np.float64]:
    """Root mean square of a contrast in each frame, in 8-bit steps: (T, H, W, 3) to (T,)."""
    return np.sqrt((apart * apart).mean((1, 2, 3)))

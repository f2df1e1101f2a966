"""Violation of expectation: are impossible clips more surprising than possible ones, of the same pictures?

Clips come four at a time, as in IntPhys (Riochet et al. 2018): two worlds that look alike for a moment are each shown
to their end, and each goes over into the other at that moment. Whatever looks at single frames, or at pairs of
neighbours, finds the same in the two possible clips and in the two impossible ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

POSSIBLE, IMPOSSIBLE = slice(0, 2), slice(2, 4)  # of four clips


def accuracy(surprise: NDArray[np.floating] | NDArray[np.integer]) -> float:
    """1 where the impossible clips surprise more than the possible ones, by surprise (4, T); 0 less, 0.5 the same."""
    possible, impossible = surprise[POSSIBLE].sum(), surprise[IMPOSSIBLE].sum()
    return 0.5 if possible == impossible else float(impossible > possible)


def motion_energy(clips: Frames) -> NDArray[np.int64]:
    """Absolute change from the frame before (N, T), summed over a frame: a baseline that knows nothing."""
    return _summed(np.abs(_changes(clips)))


def previous_frame_error(clips: Frames) -> NDArray[np.int64]:
    """Squared error of the frame before as a forecast (N, T): a baseline that knows nothing."""
    return _summed(_changes(clips) ** 2)


def distance_to_worlds(clips: Frames, worlds: Frames) -> NDArray[np.float64]:
    """How much each frame of clips (N, T, ...) adds to the distance from the nearest of the worlds (W, T, ...).

    It is the surprise of who knows what can happen: possible clips have none.
    """
    change = (clips[:, None].astype(np.int32) - worlds[None]) ** 2
    so_far = np.cumsum(change.reshape(*change.shape[:3], -1).sum(-1, dtype=np.int64), axis=2).min(1)
    return np.diff(so_far, axis=1, prepend=0).astype(np.float64)


def _changes(clips: Frames) -> NDArray[np.int32]:
    return clips[:, 1:].astype(np.int32) - clips[:, :-1]


def _summed(changes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Over each frame (N, T), from (N, T - 1, ...); nothing came before the first."""
    return np.pad(changes.reshape(*changes.shape[:2], -1).sum(-1, dtype=np.int64), ((0, 0), (1, 0)))

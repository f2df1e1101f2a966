"""Clips for violation of expectation: four of two worlds that look exactly alike while something is out of sight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from worldsim.core.types import Edit, Frames

COLOURS = ("green", "blue", "yellow", "purple", "orange", "cyan")
SHIFT_M = 0.3  # of a body that is elsewhere in the other world


def four_clips(
    game: RealGame, seed: int, actions: NDArray[np.float32], subject_id: int, kind: str, rng: np.random.Generator,
    seen: int, longest: int,
) -> Frames | None:  # fmt: skip
    """Clips (4, T, h, w, 3): two possible, two impossible (see evals.metrics.violation); None where none can be made.

    The worlds are the game as it is and one in which the subject was changed at the very beginning: ``kind`` is
    "recolour", "vanish" or "teleport". They differ in ``seen`` frames before they look alike and after; T <= longest.
    """
    edit = other_world(game, seed, subject_id, kind, rng)
    first = game.branch(seed, actions[:0], actions).frames
    second = game.branch(seed, actions[:0], actions, (edit,)).frames
    window = alike_between(first, second, seen, longest)
    if window is None:
        return None
    start, swap, end = window
    a, b = first[start:end], second[start:end]
    swap -= start
    return np.stack([a, b, np.concatenate([a[:swap], b[swap:]]), np.concatenate([b[:swap], a[swap:]])])


def other_world(game: RealGame, seed: int, subject_id: int, kind: str, rng: np.random.Generator) -> Edit:
    """What makes the other world."""
    if kind == "vanish":
        return Edit(0, "remove", {"object_id": subject_id})
    if kind == "recolour":
        return Edit(0, "recolour", {"object_id": subject_id, "colour": str(rng.choice(COLOURS))})
    assert kind == "teleport", kind
    game.bring(seed, np.zeros((0, len(game.codec)), np.float32))
    (subject,) = (one for one in game.ground_truth().objects or () if one.id == subject_id)
    way = np.array(subject.velocity_m_s)
    place = np.array(subject.position_m) + SHIFT_M * way / max(float(np.linalg.norm(way)), 1e-6)
    return Edit(0, "teleport", {"object_id": subject_id, "position_m": place.tolist()})


def alike_between(a: Frames, b: Frames, seen: int, longest: int) -> tuple[int, int, int] | None:
    """Start, swap and end of a window of two clips (T, ...) that are equal about ``swap`` and differ at both ends."""
    equal = (a == b).reshape(len(a), -1).all(1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], equal, [False]]).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2).tolist():
        # Frames begin .. end - 1 are equal; from at least two on, the swap falls between equal frames.
        fits = begin >= seen and end + seen <= len(a) and 2 <= end - begin <= longest - 2 * seen
        if fits and not equal[begin - seen : begin].any() and not equal[end : end + seen].any():
            return begin - seen, (begin + end) // 2, end + seen
    return None

"""Gravity, momentum and energy of bodies whose middles were found in frames, in metres and seconds.

A camera sees no depth, so each body is taken to stay in the plane that it really moves in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST = 6  # frames in flight, for an acceleration
GRAVITY = 9.81
BRAKED_M = 0.05  # a frame to the next: nothing in free flight, as far as pixels tell, falls slower by so much
APART = 2  # frames between the places that a velocity is taken from


def places_m(
    middles: NDArray[np.float64], height: int, planes: NDArray[np.float64], K: NDArray[np.float64],
    T_world_camera: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """World places (T, C, 3) of middles (T, C, 2), in frame heights, on planes (C, 2, 3) seen by cameras (T, 4, 4)."""
    pixels = np.concatenate([middles * height, np.ones((*middles.shape[:2], 1))], -1)
    rays = np.einsum("tij,tcj->tci", T_world_camera[:, :3, :3], pixels @ np.linalg.inv(K).T)
    eyes = T_world_camera[:, None, :3, 3]
    along = ((planes[:, 0] - eyes) * planes[:, 1]).sum(-1) / (rays * planes[:, 1]).sum(-1)
    return eyes + along[..., None] * rays


def gravity_m_s2(heights_m: NDArray[np.float64], flies: NDArray[np.bool_], fps: float) -> float:
    """Downward acceleration of bodies at heights (T, C), each while it ``flies`` (T, C) from the beginning; mean.

    A flight that ends early in the dream, because something stops the fall, ends there. NaN where none lasts.
    """
    found = []
    for z, flying in zip(heights_m.T, flies.T, strict=True):
        end = len(flying) if flying.all() else int(np.argmin(flying))
        rises = np.diff(z[:end])
        braked = np.flatnonzero(np.diff(rises) > BRAKED_M)
        z = z[: braked[0]] if len(braked) else z[:end]
        if len(z) >= FEWEST and np.isfinite(z).all():
            found.append(-2 * np.polyfit(np.arange(len(z)) / fps, z, 2)[0])
    return float(np.mean(found)) if found else float("nan")


def momentum(places: NDArray[np.float64], masses_kg: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """The sum over bodies of mass times velocity (T - 2, 3), from places (T, C, 3)."""
    return (masses_kg[:, None] * velocities(places, fps)).sum(1)


def energy(places: NDArray[np.float64], masses_kg: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Kinetic energy of the middles and potential energy above the floor (T - 2), from places (T, C, 3), in joules."""
    kinetic = 0.5 * (velocities(places, fps) ** 2).sum(-1)
    potential = GRAVITY * places[APART // 2 : -(APART // 2), :, 2]
    return ((kinetic + potential) * masses_kg).sum(1)


def velocities(places: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    return (places[APART:] - places[:-APART]) * (fps / APART)

"""The types that cross package borders.

Conventions. A frame is ``uint8 (H, W, 3)`` RGB. Cameras use OpenCV axes (x right, y down, z forward) and metres.
**Action t leads from frame t to frame t+1**: an episode of T actions has T+1 frames.
Actions are stored as float vectors of named channels, see :mod:`worldsim.core.actions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]  # (..., H, W, 3)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; ``T_world_camera`` maps camera coordinates to world coordinates, in metres."""

    K: NDArray[np.float64]  # (3, 3), pixels
    T_world_camera: NDArray[np.float64]  # (4, 4)


@dataclass(frozen=True)
class ObjectState:
    """One object of a game; ``id`` persists for the object's life and is the value in ``GroundTruth.instance_ids``."""

    id: int
    cls: str
    position_m: tuple[float, float, float]
    velocity_m_s: tuple[float, float, float]
    alive: bool
    visible_pixels: int


@dataclass(frozen=True)
class GroundTruth:
    """What a game knows about its present frame; each part is None where the game does not offer it."""

    depth_m: NDArray[np.float32] | None = None  # (H, W), planar (along the optical axis); inf where nothing is hit
    instance_ids: NDArray[np.int32] | None = None  # (H, W), 0 is background
    camera: Camera | None = None
    objects: tuple[ObjectState, ...] | None = None
    scene: Mapping[str, str] | None = None  # what the game tells of the place in words, such as biome and time


@dataclass(frozen=True)
class Edit:
    """A change of the game's world from outside, see ``Intervenes``: frame ``step`` is the first that shows it."""

    step: int  # actions since the reset
    name: str
    details: Mapping[str, Any]  # plain data


@dataclass(frozen=True)
class GameOrigin:
    """Where a recorded sequence comes from, so that the real game can be brought to the same point again."""

    env_id: str
    env_kwargs: dict[str, Any]
    seed: int
    prefix: NDArray[np.float32]  # (P, A) action channels from reset up to the last context frame
    edits: tuple[Edit, ...] = ()  # of the world, in the order of their steps; those beyond the prefix come later


@dataclass(frozen=True)
class Context:
    """What a simulator is shown before it dreams: C frames and the C-1 actions between them.

    ``origin`` is for controls that replay the real game; a model must not read it.
    """

    frames: Frames  # (C, H, W, 3)
    actions: NDArray[np.float32]  # (C-1, A)
    origin: GameOrigin | None = None


@dataclass(frozen=True)
class Prediction:
    """One step of a batched simulator."""

    frames: Frames  # (B, H, W, 3)
    reward: NDArray[np.float32]  # (B,)
    termination_prob: NDArray[np.float32]  # (B,), probability in [0, 1]


@dataclass
class Episode:
    """A recorded episode: T actions and T+1 frames."""

    frames: Frames  # (T+1, H, W, 3)
    actions: NDArray[np.float32]  # (T, A)
    rewards: NDArray[np.float32]  # (T,)
    terminated: bool
    truncated: bool
    env_id: str
    seed: int
    fps: float
    caption: str = ""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    truth: Sequence[GroundTruth] | None = None  # of every frame: camera and objects, where they were recorded

    def __post_init__(self) -> None:
        steps = len(self.actions)
        assert len(self.frames) == steps + 1, f"{len(self.frames)} frames for {steps} actions; expected {steps + 1}"
        assert len(self.rewards) == steps, f"{len(self.rewards)} rewards for {steps} actions"
        assert self.truth is None or len(self.truth) == steps + 1, f"{len(self.truth)} truths for {steps + 1} frames"

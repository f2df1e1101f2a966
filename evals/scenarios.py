"""What is asked of a simulator: a point in a real game, and the actions to take from there or what is said.

Action t leads from frame t to frame t+1: the last context frame is where the prefix ends, and frame h of a branch
(counted from 1) is what its h-th action led to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.records import content_hash, to_plain
from worldsim.core.types import Context, Edit, Frames, GameOrigin, GroundTruth


@dataclass(frozen=True)
class Scenario:
    """A point of a real game, reached by ``prefix`` from ``seed``, and named action sequences that start there."""

    suite: str
    env_id: str
    env_kwargs: dict[str, Any]
    index: int
    seed: int
    prefix: NDArray[np.float32]  # (P, A)
    branches: dict[str, NDArray[np.float32]]  # name -> (H, A)
    family: str = ""
    prompts: dict[str, str] = field(default_factory=dict)  # of branches that text decides: their actions are not told
    from_nothing: bool = False  # videos are made of the prompts alone; prefix and actions mean nothing
    edits: dict[str, tuple[Edit, ...]] = field(default_factory=dict)  # of the worlds of branches, where they differ
    subject_id: int = 0  # the object that this is about, in the game's ground truth; 0: none

    @property
    def name(self) -> str:
        return f"{self.env_id}/{self.index:04d}"

    @property
    def horizon(self) -> int:
        return len(next(iter(self.branches.values())))

    @property
    def inputs(self) -> dict[str, Any]:
        """What the hash is made of; arrays by shape and content."""
        return {
            "suite": self.suite,
            "env_id": self.env_id,
            "env_kwargs": self.env_kwargs,
            "seed": self.seed,
            "family": self.family,
            "prefix": array_hash(self.prefix),
            "branches": {name: array_hash(actions) for name, actions in self.branches.items()},
            **({"prompts": self.prompts, "from_nothing": self.from_nothing} if self.prompts else {}),
            **({"edits": to_plain(self.edits), "subject_id": self.subject_id} if self.edits else {}),
        }

    @cached_property
    def hash(self) -> str:
        return content_hash(self.inputs)

    def origin(self, branch: str) -> GameOrigin:
        return GameOrigin(self.env_id, self.env_kwargs, self.seed, self.prefix, self.edits.get(branch, ()))


@dataclass(frozen=True)
class RealBranch:
    """What the real game answered to the H actions of one branch; after an end it repeats the last frame."""

    frames: Frames  # (H, h, w, 3)
    rewards: NDArray[np.float32]  # (H,)
    ended: NDArray[np.bool_]  # (H,), true from the step that terminated or truncated the episode
    truth: tuple[GroundTruth, ...] = ()  # of the H frames, where it was asked for; suites keep of it what they need


@dataclass(frozen=True)
class Case:
    """A scenario with the real game's part of it: made once, and shared between simulators."""

    scenario: Scenario
    context_frames: Frames  # (C, h, w, 3), the last is where the branches start
    real: dict[str, RealBranch]
    fps: float
    facts: dict[str, NDArray[Any]] = field(default_factory=dict)  # what the suite measured of the real game
    contexts: dict[str, Frames] = field(default_factory=dict)  # of branches whose edited world was seen before

    def context(self, length: int, branch: str = "") -> Context:
        """The last ``length`` frames (fewer where the case has fewer) and the actions between them."""
        frames = self.contexts.get(branch, self.context_frames)[-length:]
        start = len(self.scenario.prefix) - (len(frames) - 1)
        return Context(frames, self.scenario.prefix[start:], self.scenario.origin(branch))


def array_hash(array: NDArray[Any]) -> str:
    """A hash of an array's type, shape and content."""
    array = np.ascontiguousarray(array)
    return content_hash(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())

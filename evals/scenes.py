"""Real clips of ``voxel/scene`` with chosen attributes: what a prompt asks for, made by the game."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.policies import POLICIES
from worldsim.core.actions import ActionCodec
from worldsim.core.games import make_game
from worldsim.core.seeding import derive_seed
from worldsim.core.types import Frames

GAME, POLICY = "voxel/scene", "commander"


def attributes_of(prompt: str) -> dict[str, str]:
    """What a prompt asks for; see :func:`envs.voxel.maps.scene.from_words`."""
    from envs.voxel.maps.scene import from_words  # the voxel game compiles; other games need not wait for it

    return from_words(prompt)


class RealScenes:
    """Clips of H x W frames; attributes are those of the map (biome, time, colour, shape), the others are drawn."""

    def __init__(self, height: int, width: int):
        self._settings = {"height": height, "width": width}

    def clip(self, attributes: Mapping[str, str], seed: int, frames: int) -> Frames:
        """The first frames (T, H, W, 3) of the scene of ``seed`` while the commander plays."""
        env: Any = make_game(GAME, **self._settings, map_options=dict(attributes)).unwrapped
        codec = ActionCodec.from_space(env.action_space)
        policy = POLICIES.load(POLICY)(env)
        frame, _ = env.reset(seed=seed)
        policy.reset(derive_seed(seed, "scene clip"))
        seen = [np.array(frame)]
        for _ in range(frames - 1):
            frame = env.step(codec.decode(policy.act(frame)))[0]
            seen.append(np.array(frame))
        env.close()
        return np.stack(seen)

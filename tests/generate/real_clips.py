"""Real clips of ``voxel/scene`` with the actions that made them."""

from __future__ import annotations

import numpy as np

from worldsim.core.actions import ActionCodec
from worldsim.core.games import make_game
from worldsim.generate.tasks import Clip


def scene_clip(seed: int, steps: int, size: tuple[int, int] = (64, 64), options: dict | None = None, **action) -> Clip:
    """``steps`` steps of one ``action`` in the scene of ``seed``; ``options`` are the map's (biome, colour, time)."""
    game = make_game("voxel/scene", height=size[0], width=size[1], map_options=options or {})
    codec = ActionCodec.from_space(game.action_space)
    row = codec.vector(**action)
    frame, _ = game.reset(seed=seed)
    frames = [np.array(frame)]
    for _ in range(steps):
        frames.append(np.array(game.step(codec.decode(row))[0]))
    game.close()
    return Clip(np.stack(frames), np.repeat(row[None], steps, 0))

"""One plain Box instead of a game's Dict of keys and camera, for agents that take nothing else."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec

DEFLECTION_SCALES = 2.0  # full deflection of a continuous channel in units of its scale: 20 degrees for a camera


class FlatActions(gymnasium.ActionWrapper):
    """Any game or dream with the action space ``Box(-1, 1, (A,))``, a number for each channel of its codec.

    Keys are down above 0, of a choice the greatest counts, and 1 is a full turn or push: the channel's limit, or two of
    its scales where that is less (20 degrees for a camera).
    """

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        self.codec = ActionCodec.from_space(env.action_space)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (len(self.codec),), np.float32)

    def action(self, action: NDArray[np.floating]) -> Any:
        return self.codec.decode(unflatten(self.codec, action))


def unflatten(codec: ActionCodec, flat: NDArray[np.floating]) -> NDArray[np.float32]:
    """The channel vector (A,) that a flat action (A,) in -1..1 stands for."""
    vec = np.clip(np.asarray(flat, np.float32), -1, 1)
    for i, channel in enumerate(codec.channels):
        if channel.kind == "binary":
            vec[i] = vec[i] > 0
        elif channel.kind == "continuous":
            limit = max(abs(channel.low), abs(channel.high))
            vec[i] = np.clip(vec[i] * min(limit, DEFLECTION_SCALES * channel.scale), channel.low, channel.high)
    return codec.encode(codec.decode(vec))

"""Places and breaks what is under the crosshair, and looks away and back: recordings of what hands do.

The explorer presses its buttons in any place, and three times in four nothing comes of it; a network that learns from
that shows a quarter of a block. Here a button is pressed where it does something.
"""

from __future__ import annotations

from collections.abc import Iterator

from envs.policies.camera_paths import YAW, Wish
from envs.policies.glancer import Glancer
from envs.policies.voxel_explorer import GAITS, PITCH
from envs.policies.voxel_walker import Walker
from envs.voxel import state
from envs.voxel.env import VoxelEnv
from envs.voxel.kinds import TABLES

EXPLORING = (2, 14)  # steps between two places
TO_THE_FLOOR_DEG = (20.0, 50.0)  # down: what is near enough to be touched
DEEDS = (2, 8)  # in one place
AFTER = (1, 6)  # steps from one deed to the next, or to a glance
BREAKS, GLANCES, WALKS, CHANGES_HAND = 0.6, 0.12, 0.25, 0.4


class VoxelBuilder(Glancer):
    """Looks down somewhere, places or breaks a few blocks there, each with one press, and now and then glances away."""

    def __init__(self, env: VoxelEnv, size: float | None = None):
        self._walker = Walker(env, 8.0)
        super().__init__(env, size)

    def round(self, side: float) -> Iterator[Wish]:
        rng = self._rng
        for _ in range(int(rng.integers(*EXPLORING))):
            yield {**self.explorers_wish(), "use": 0.0, "attack": 0.0}
        down_deg = rng.uniform(*TO_THE_FLOOR_DEG) - float(self.env.body[state.PITCH])
        steps = int(rng.integers(3, 8))
        yield from [{PITCH: down_deg / steps}] * steps
        for _ in range(int(rng.integers(*DEEDS))):
            yield from self._deed()
            if rng.random() < GLANCES:
                yield from self.glance(side)

    def _deed(self) -> Iterator[Wish]:
        rng = self._rng
        target = self._walker.under_crosshair()
        if target is None:
            yield {PITCH: 4.0, YAW: 4.0 * rng.normal()}
            return
        cell, _ = target
        world = self.env
        if world.ids[cell] > 0 and TABLES.breakable[world.blocks[cell]] and rng.random() < BREAKS:
            yield {"attack": 1.0}
        else:
            if rng.random() < CHANGES_HAND:
                yield {f"hotbar.{int(rng.integers(1, 4))}": 1.0}
            yield {"use": 1.0}
        gait: Wish = {str(rng.choice(list(GAITS))): 1.0} if rng.random() < WALKS else {}
        turn_deg = rng.choice((-1, 1)) * rng.choice((0.0, 0.0, 3.0, 8.0))
        for _ in range(int(rng.integers(*AFTER))):
            yield {**gait, YAW: turn_deg + rng.normal(), PITCH: 0.5 * rng.normal()}

"""Ids persist: what leaves the view, or goes behind something, comes back under the same id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.contract.finding import Broken
from envs.contract.subject import SEED, Subject
from envs.policies.camera_paths import YAW, LookAway
from worldsim.core.protocols import HasGroundTruth
from worldsim.core.types import Frames, GroundTruth, ObjectState

STEPS_AWAY = 3
LOOKS = 2  # away and back again
EPISODES = 3  # tried until something has left the picture and come back
NEAR_M = 0.05

Moment = tuple[Frames, GroundTruth]


def ids_persist(game: Subject) -> str:
    """An object that leaves the picture and returns has the id it had; no id passes to another object.

    The player looks away and back; in a game whose camera cannot turn, random actions are played instead.
    """
    returned: set[int] = set()
    for seed in range(SEED, SEED + EPISODES):
        known = _Known()
        surfaces: dict[bytes, Moment] = {}
        for frame, truth in _episode(game, seed):
            known.see(truth, float(game.env.metadata.get("render_fps", 1)))
            if _turns(game):
                _compare_surfaces(surfaces, frame, truth)
        returned |= known.returned
        if returned:
            break
    return f"{len(returned)} objects left the picture and came back as themselves"


def _turns(game: Subject) -> bool:
    return YAW in game.codec.names


def _episode(game: Subject, seed: int) -> Iterator[Moment]:
    env: Any = game.env.unwrapped
    if not isinstance(env, HasGroundTruth):
        return
    vectors = game.actions()
    if _turns(game):
        path = LookAway(env, STEPS_AWAY)
        path.reset(seed)
        vectors = [
            path.act(np.zeros(0, np.uint8)) for _ in range(LOOKS * (10 + STEPS_AWAY + 2 * path.steps_to_turn(180)))
        ]
    for moment in game.play(game.env, vectors, seed):
        yield moment.frame, env.ground_truth()


class _Known:
    """Every object that was ever listed, as it was last."""

    def __init__(self) -> None:
        self.last: dict[int, ObjectState] = {}
        self.listed: set[int] = set()  # in the last frame
        self.hidden: set[int] = set()  # seen once, not now
        self.returned: set[int] = set()

    def see(self, truth: GroundTruth, fps: float) -> None:
        if truth.objects is None:
            return
        now = {item.id: item for item in truth.objects}
        gone = [item for item in self.last.values() if item.id not in now]
        for item in now.values():
            before = self.last.get(item.id)
            if before is not None and before.cls != item.cls and not _same_in_another_state(before, item):
                raise Broken(f"id {item.id} was a {before.cls} and is a {item.cls} now; an id is given once")
            if before is None and self.last:
                self._refuse_new_name(item, gone, fps)
        seen = {item.id for item in now.values() if item.visible_pixels > 0}
        self.returned |= seen & self.hidden
        self.hidden = (self.hidden | {i for i, item in self.last.items() if item.visible_pixels > 0}) - seen
        self.last |= now
        self.listed = set(now)

    def _refuse_new_name(self, item: ObjectState, gone: list[ObjectState], fps: float) -> None:
        for old in gone:
            reach_m = NEAR_M
            if old.id in self.listed:  # it was there a step ago and may have moved
                reach_m += 2 * float(np.linalg.norm(old.velocity_m_s)) / fps
            if old.cls == item.cls and np.linalg.norm(np.subtract(old.position_m, item.position_m)) <= reach_m:
                raise Broken(
                    f"object {old.id} ({old.cls}) left and came back as {item.id}; "
                    "an object keeps its id while it is out of the picture"
                )


def _same_in_another_state(before: ObjectState, now: ObjectState) -> bool:
    """A closed_door may be an open_door, a cake a bitten_cake_3: what the name ends in and the place are as before."""
    heads = [re.sub(r"[_\W\d]+$", "", one.cls.lower()).rpartition("_")[2] for one in (before, now)]
    moved_m = float(np.linalg.norm(np.subtract(now.position_m, before.position_m)))
    return heads[0] == heads[1] and moved_m <= NEAR_M


def _compare_surfaces(seen: dict[bytes, Moment], frame: Frames, truth: GroundTruth) -> None:
    """Where the camera is back in a pose it had, the surfaces that look as they did have the ids they had."""
    if truth.instance_ids is None or truth.depth_m is None or truth.camera is None:
        return
    pose = np.round(truth.camera.T_world_camera, 4) + 0.0  # no negative zeros
    first_frame, first = seen.setdefault(pose.tobytes(), (frame, truth))
    assert first.instance_ids is not None and first.depth_m is not None
    same: NDArray[np.bool_] = (first_frame == frame).all(-1) & np.isclose(first.depth_m, truth.depth_m, rtol=1e-4)
    changed = same & (first.instance_ids != truth.instance_ids)
    if changed.any():
        row, column = np.argwhere(changed)[0]
        raise Broken(
            f"a surface has the id {first.instance_ids[row, column]}, and after looking away and back the id "
            f"{truth.instance_ids[row, column]}; an object keeps its id while it is out of the picture"
        )

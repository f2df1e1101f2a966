"""Rules about what a game offers and about its ground truth: shapes, a valid camera, ids that name objects."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from envs.contract.finding import Broken
from envs.contract.subject import SEED, Subject
from worldsim.core.protocols import HasTask, Intervenes, Replays, Snapshots

SEEDS_WITH_TEXTS = 6


def capabilities_are_as_listed(game: Subject) -> str:
    """What ``worldsim ls envs`` says a game can do is what it does."""
    listed = game.info.get("capabilities")
    if listed is None:
        return "not in our table of games"
    env: Any = game.env.unwrapped
    can = {"snapshot"} if isinstance(env, Snapshots) else {"replay"} if isinstance(env, Replays) else set()
    for _, truth in game.views[:1]:
        parts = {"depth": truth.depth_m, "ids": truth.instance_ids, "camera": truth.camera, "objects": truth.objects}
        can |= {name for name, part in parts.items() if part is not None}
    if isinstance(env, Intervenes) and env.interventions():
        can.add("interventions")
    can |= _tasks(game)
    if can != set(listed):
        raise Broken(f"the table of games lists {sorted(listed)}, the game offers {sorted(can)}")
    return ", ".join(sorted(can))


def _tasks(game: Subject) -> set[str]:
    """ "task" where something is asked of the player, and "text" where only its words tell what."""
    texts = set()
    for seed in range(SEED, SEED + SEEDS_WITH_TEXTS):
        game.env.reset(seed=seed)
        env: Any = game.env.unwrapped
        texts.add(env.task_text if isinstance(env, HasTask) else "")
    return {"task", "text"} if len(texts) > 1 else {"task"} if texts != {""} else set()


def depth_and_ids_are_images(game: Subject) -> str:
    """Depth is float32 (H, W), in metres, positive; ids are int32 (H, W), zero for the background."""
    infinite: list[bool] = []
    for frame, truth in game.views:
        depth, ids = truth.depth_m, truth.instance_ids
        size = frame.shape[:2]
        for name, image, kind in (("depth_m", depth, np.float32), ("instance_ids", ids, np.int32)):
            if image is not None and (image.shape != size or image.dtype != kind):
                raise Broken(f"{name} is {image.dtype} {image.shape}; make it {np.dtype(kind)} {size}")
        if depth is not None and not (depth > 0).all():  # a NaN is not above zero either
            raise Broken(f"depth_m has the value {depth[~(depth > 0)][0]}; distances are above zero, inf for no hit")
        if depth is not None:
            infinite.append(not np.isfinite(depth).any())
        if ids is not None and ids.min() < 0:
            raise Broken(f"instance_ids has the value {ids.min()}; ids are positive, 0 is the background")
    if infinite and all(infinite):
        raise Broken(f"depth_m is infinite everywhere in {len(infinite)} frames")
    return "depth and ids are images as large as the frame"


def camera_is_a_pinhole(game: Subject) -> str:
    """K is a pinhole matrix with its centre in the picture; T_world_camera is a rotation and a translation."""
    for frame, truth in game.views:
        if truth.camera is None:
            continue
        K, T = np.asarray(truth.camera.K), np.asarray(truth.camera.T_world_camera)
        height, width = frame.shape[:2]
        if K.shape != (3, 3) or T.shape != (4, 4) or not (np.isfinite(K).all() and np.isfinite(T).all()):
            raise Broken(f"K is {K.shape} and T_world_camera is {T.shape}; make them finite (3, 3) and (4, 4)")
        if not (K[0, 0] > 0 and K[1, 1] > 0 and np.allclose(K[[1, 2, 2, 2], [0, 0, 1, 2]], [0, 0, 0, 1])):
            raise Broken(f"K is {K.tolist()}; make it [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] with positive fx and fy")
        if not (0 <= K[0, 2] <= width and 0 <= K[1, 2] <= height):
            raise Broken(f"the optical centre ({K[0, 2]:g}, {K[1, 2]:g}) is outside the frame of {height} x {width}")
        R = T[:3, :3]
        if not np.allclose(R @ R.T, np.eye(3), atol=1e-4) or np.linalg.det(R) < 0:
            raise Broken("T_world_camera does not rotate: its rotation is not orthonormal and right-handed")
        if not np.allclose(T[3], [0, 0, 0, 1]):
            raise Broken(f"the last row of T_world_camera is {T[3].tolist()}; make it [0, 0, 0, 1]")
    return "the camera is a pinhole at a rigid pose"


def ids_name_objects(game: Subject) -> str:
    """Every id in the picture is an object's, object ids are unique, and visible pixels are counted right."""
    seen: set[int] = set()
    for _, truth in game.views:
        if truth.objects is None:
            continue
        counts = Counter(item.id for item in truth.objects)
        if any(count > 1 for count in counts.values()) or 0 in counts:
            raise Broken(f"object ids are {sorted(counts.elements())}; make each unique and above zero")
        for item in truth.objects:
            if not np.isfinite([*item.position_m, *item.velocity_m_s]).all():
                raise Broken(f"object {item.id} ({item.cls}) has a position or velocity that is not finite")
        if truth.instance_ids is None:
            continue
        values, pixels = np.unique(truth.instance_ids[truth.instance_ids > 0], return_counts=True)
        visible = dict(zip(values.tolist(), pixels.tolist(), strict=True))
        seen |= set(visible)
        unknown = set(visible) - set(counts)
        if unknown:
            raise Broken(f"the ids {sorted(unknown)} are in the picture, and no object has them")
        for item in truth.objects:
            if item.visible_pixels != visible.get(item.id, 0):
                raise Broken(
                    f"object {item.id} ({item.cls}) says {item.visible_pixels} visible pixels; "
                    f"the picture has {visible.get(item.id, 0)}"
                )
    return f"{len(seen)} objects came into the picture"

"""Rules about ground truth: shapes, a valid camera, ids that name objects, and one geometry behind all of it."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from envs.contract.finding import Broken
from envs.contract.subject import Subject
from worldsim.core.protocols import HasGroundTruth, Replays, Snapshots
from worldsim.core.types import Camera, Frames, GroundTruth

# Share of the pixels that must land on the surface the other view sees, and of those that may land in front of it.
LANDED, IN_FRONT = 0.75, 0.05
ENOUGH_PIXELS = 100


def capabilities_are_as_listed(game: Subject) -> str:
    """What ``worldsim ls envs`` says a game can do is what it does."""
    listed = game.info.get("capabilities")
    if listed is None:
        return "not in our table of games"
    env = game.env.unwrapped
    can = {"snapshot"} if isinstance(env, Snapshots) else {"replay"} if isinstance(env, Replays) else set()
    for _, truth in _ground_truths(game, 0):
        parts = {"depth": truth.depth_m, "ids": truth.instance_ids, "camera": truth.camera, "objects": truth.objects}
        can |= {name for name, part in parts.items() if part is not None}
    if can != set(listed):
        raise Broken(f"the table of games lists {sorted(listed)}, the game offers {sorted(can)}")
    return ", ".join(sorted(can))


def depth_and_ids_are_images(game: Subject) -> str:
    """Depth is float32 (H, W), in metres, positive; ids are int32 (H, W), zero for the background."""
    infinite: list[bool] = []
    for frame, truth in _ground_truths(game):
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
    for frame, truth in _ground_truths(game):
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
    for _, truth in _ground_truths(game):
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


def depth_and_camera_agree(game: Subject) -> str:
    """A pixel moved by depth and camera into another view of the same episode lands on the surface seen there."""
    slack_m = float(game.info.get("depth_error_m", 0.02))
    views = [truth for _, truth in list(_ground_truths(game))[::4]]
    views = [view for view in views if view.depth_m is not None and view.camera is not None]
    if len(views) < 2:
        return "no depth with a camera"
    total = landed = in_front = 0
    for one, other in combinations(views, 2):
        moved = _reproject(one, other, slack_m)
        if moved is not None:
            total, landed, in_front = total + moved[0], landed + moved[1], in_front + moved[2]
    if total < ENOUGH_PIXELS:
        raise Broken(f"only {total} pixels of {len(views)} views are seen twice; is the camera where the player is?")
    if landed < LANDED * total or in_front > IN_FRONT * total:
        raise Broken(
            f"depth and camera disagree: moved into another view, {landed / total:.0%} of the pixels land on the "
            f"surface seen there and {in_front / total:.0%} hang in front of it; "
            "depth is planar, T_world_camera has OpenCV axes"
        )
    return (
        f"{landed / total:.1%} of {total} moved pixels land on the surface seen there, {in_front / total:.1%} before it"
    )


def _reproject(one: GroundTruth, other: GroundTruth, slack_m: float) -> tuple[int, int, int] | None:
    """Pixels of the still background of ``one`` seen in ``other``: how many, how many land, how many are in front.

    The rest is behind what ``other`` sees, which occlusion explains.
    """
    assert one.depth_m is not None and one.camera is not None
    assert other.depth_m is not None and other.camera is not None
    still = np.isfinite(one.depth_m)
    if one.instance_ids is not None:
        still &= one.instance_ids == 0
    rows, columns = np.nonzero(still)
    points = _to_world(one.camera, rows, columns, one.depth_m[rows, columns])
    T = np.linalg.inv(other.camera.T_world_camera)
    local = points @ T[:3, :3].T + T[:3, 3]
    local = local[local[:, 2] > 0.05]
    pixels = local @ np.asarray(other.camera.K).T
    column, row = (pixels[:, :2] / pixels[:, 2:]).T
    height, width = other.depth_m.shape
    # The rim is left out: every pixel is compared with its eight neighbours.
    inside = (row >= 1) & (row < height - 1) & (column >= 1) & (column < width - 1)
    row, column, distance = row[inside].astype(int), column[inside].astype(int), local[inside, 2]
    if not len(row):
        return None
    nearest, farthest = _neighbourhood(other.depth_m)
    slack = slack_m + 0.01 * distance
    in_front = distance < nearest[row, column] - slack
    behind = distance > farthest[row, column] + slack
    return len(row), int((~in_front & ~behind).sum()), int(in_front.sum())


def _to_world(
    camera: Camera, rows: NDArray[np.intp], columns: NDArray[np.intp], depth: NDArray[np.float32]
) -> NDArray[np.float64]:
    """World points (N, 3) of pixel centres: pixel (r, c) covers r..r+1, c..c+1."""
    K, T = np.asarray(camera.K), np.asarray(camera.T_world_camera)
    x = (columns + 0.5 - K[0, 2]) / K[0, 0] * depth
    y = (rows + 0.5 - K[1, 2]) / K[1, 1] * depth
    return np.stack([x, y, depth], -1) @ T[:3, :3].T + T[:3, 3]


def _neighbourhood(depth: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The least and the greatest depth of each pixel and its eight neighbours."""
    padded = np.pad(depth, 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return windows.min((2, 3)), windows.max((2, 3))


def _ground_truths(game: Subject, count: int = 40) -> list[tuple[Frames, GroundTruth]]:
    if not isinstance(game.env.unwrapped, HasGroundTruth):
        return []
    return list(game.ground_truths(count))

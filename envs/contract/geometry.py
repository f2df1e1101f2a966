"""One geometry behind depth, camera and frames: a pixel moved into another view lands on the surface seen there."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from envs.contract.finding import Broken
from envs.contract.subject import Subject
from worldsim.core.types import Camera, GroundTruth

# Share of the co-visible pixels that must land within a pixel and 2 % of the depth on the surface the other view sees.
# A game whose depth is coarser states its own, measured bound as ``reprojection`` in the table of games.
LANDED = 0.99
DEPTH_SLACK = 0.02
# Co-visible pixels are those not hidden by something nearer; were all hidden, nothing would be shown.
HIDDEN_AT_MOST = 0.6
ENOUGH_PIXELS = 100
VIEWS = 8


def depth_and_camera_agree(game: Subject) -> str:
    """A pixel moved by depth and camera into another view of the same episode lands on the surface seen there.

    Every view is moved into every other, so that what hides a pixel in one view is itself looked for in the other.
    """
    wanted = float(game.info.get("reprojection", LANDED))
    moments = game.moving_views
    views = [truth for _, truth in moments[:: max(1, len(moments) // VIEWS)]]
    views = [view for view in views if view.depth_m is not None and view.camera is not None]
    if len(views) < 2:
        return "no depth with a camera"
    total = landed = in_front = 0
    for one, other in permutations(views, 2):
        moved = _reproject(one, other)
        total, landed, in_front = total + moved[0], landed + moved[1], in_front + moved[2]
    if total < ENOUGH_PIXELS:
        raise Broken(f"only {total} pixels of {len(views)} views are seen twice; is the camera where the player is?")
    share = landed / max(1, landed + in_front)
    hidden = 1 - (landed + in_front) / total
    if share < wanted or hidden > HIDDEN_AT_MOST:
        raise Broken(
            f"depth and camera disagree: moved into another view, {share:.1%} of the co-visible pixels land on the "
            f"surface seen there, where {wanted:.0%} must, and {hidden:.0%} of all end up behind it; "
            "depth is planar, T_world_camera has OpenCV axes"
        )
    still = "" if _moves(views) else " (the camera stood still)"
    return f"{share:.1%} of {landed + in_front} co-visible pixels land on the surface seen there{still}"


def _moves(views: list[GroundTruth]) -> bool:
    poses = [view.camera.T_world_camera for view in views if view.camera is not None]
    return not all(np.array_equal(poses[0], pose) for pose in poses)


def _reproject(one: GroundTruth, other: GroundTruth) -> tuple[int, int, int]:
    """Pixels of what stands still in ``one`` that fall into ``other``: how many, how many land, how many are in front.

    The rest is behind what ``other`` sees: hidden by it.
    """
    assert one.depth_m is not None and one.camera is not None
    assert other.depth_m is not None and other.camera is not None
    rows, columns = np.nonzero(np.isfinite(one.depth_m) & _still(one, other))
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
    # What moves in the other view may hide or show anything.
    watched = _still(other, one)[row, column]
    row, column, distance = row[watched], column[watched], distance[watched]
    nearest, farthest = _neighbourhood(other.depth_m)
    in_front = distance < nearest[row, column] - DEPTH_SLACK * distance
    behind = distance > farthest[row, column] + DEPTH_SLACK * distance
    return len(row), int((~in_front & ~behind).sum()), int(in_front.sum())


def _still(one: GroundTruth, other: GroundTruth) -> NDArray[np.bool_]:
    """The pixels of ``one`` that show the background or an object at the same place in both views (H, W)."""
    if one.instance_ids is None:
        assert one.depth_m is not None
        return np.ones(one.depth_m.shape, np.bool_)
    places = {item.id: item.position_m for item in other.objects or () if item.alive}
    still = [
        item.id
        for item in one.objects or ()
        if places.get(item.id) == item.position_m and not any(item.velocity_m_s) and item.alive
    ]
    return np.isin(one.instance_ids, [0, *still])


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

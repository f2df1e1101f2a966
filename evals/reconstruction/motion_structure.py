"""Structure from motion: can COLMAP find out, from the frames alone, where the camera was?

What it finds has no scale and no place of its own, so it is laid over the commanded path before it is compared.
"No reconstruction" is an outcome of its own, and so is a picture too small or too plain to try.
"""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.instruments.matches import sift_features
from evals.reconstruction.posed import PosedFrames

ENOUGH_KEYPOINTS = 200  # a frame; with fewer COLMAP's answer says more of the frames' size than of the place
ENOUGH_FRAMES = 3
RECONSTRUCTED, NOTHING = "reconstructed", "no reconstruction"
INSTALL = "pycolmap is not installed: pip install 'worldsim[sfm]'"


@dataclass(frozen=True)
class Motion:
    """What structure from motion made of a video; numbers are NaN where ``outcome`` says why there are none.

    ``outcome`` is "reconstructed", "no reconstruction", or why it was not tried.
    """

    outcome: str
    registered: float = float("nan")  # share of the frames in the largest model
    position_error: float = float("nan")  # rms over the registered frames, as a share of the extent of the path
    rotation_error_deg: float = float("nan")  # median


def structure_from_motion(posed: PosedFrames, seed: int = 0) -> Motion:
    """Run COLMAP (Schonberger & Frahm 2016) on frames whose K is told and whose poses are not."""
    if importlib.util.find_spec("pycolmap") is None:
        return Motion(INSTALL)
    keypoints = float(np.median([len(sift_features(frame, enlarge=False)[0]) for frame in posed.frames]))
    if keypoints < ENOUGH_KEYPOINTS:
        height, width = posed.size_px
        return Motion(
            f"frames of {height}x{width} have {keypoints:.0f} keypoints, {ENOUGH_KEYPOINTS} are needed: larger frames"
        )
    with tempfile.TemporaryDirectory() as folder:
        poses = _run(posed, Path(folder), seed)
    if len(poses) < ENOUGH_FRAMES:
        return Motion(NOTHING, registered=0.0)
    found, true = np.stack(list(poses.values())), posed.T_world_camera[list(poses)]
    position, rotation_deg = compare_paths(found, true)
    return Motion(RECONSTRUCTED, len(poses) / len(posed.frames), position, rotation_deg)


def compare_paths(found: NDArray[np.float64], true: NDArray[np.float64]) -> tuple[float, float]:
    """Position error, as a share of the path's extent, and rotation error in degrees of poses (N, 4, 4).

    ``found`` is first rotated by the mean difference of orientation, then scaled and moved (Umeyama 1991, but by the
    cameras' own axes, because a straight path leaves the turn about itself open).
    """
    u, _, vt = np.linalg.svd(sum(t @ f.T for t, f in zip(true[:, :3, :3], found[:, :3, :3], strict=True)))
    R = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    angles = [_angle_deg(t.T @ R @ f) for t, f in zip(true[:, :3, :3], found[:, :3, :3], strict=True)]
    place, wanted = found[:, :3, 3] @ R.T, true[:, :3, 3]
    place, wanted = place - place.mean(0), wanted - wanted.mean(0)
    scale = (place * wanted).sum() / max((place**2).sum(), 1e-12)
    error = np.sqrt(((scale * place - wanted) ** 2).sum(-1).mean())
    extent = np.sqrt((wanted**2).sum(-1).mean())
    return float(error / max(extent, 1e-12)), float(np.median(angles))


def _run(posed: PosedFrames, folder: Path, seed: int) -> dict[int, NDArray[np.float64]]:
    """T_world_camera of the frames of the largest model, by frame."""
    import pycolmap

    images, masks, database = folder / "images", folder / "masks", folder / "database.db"
    images.mkdir()
    masks.mkdir()
    names = [f"{t:04d}.png" for t in range(len(posed.frames))]
    for name, frame in zip(names, posed.frames, strict=True):
        cv2.imwrite(str(images / name), frame[..., ::-1])
        cv2.imwrite(str(masks / f"{name}.png"), posed.seen.astype(np.uint8) * 255)
    K = posed.K
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model, reader.mask_path = "PINHOLE", str(masks)
    # COLMAP has the corner of the first pixel at (0, 0), we its centre.
    reader.camera_params = ",".join(str(value) for value in (K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5))
    pycolmap.logging.minloglevel = 3
    pycolmap.set_random_seed(seed % 2**31)
    pycolmap.extract_features(database, images, camera_mode=pycolmap.CameraMode.SINGLE, reader_options=reader)
    pycolmap.match_exhaustive(database)
    options: Any = pycolmap.IncrementalPipelineOptions()
    options.ba_refine_focal_length = options.ba_refine_extra_params = False
    options.min_model_size = ENOUGH_FRAMES
    options.random_seed = seed % 2**31
    models = pycolmap.incremental_mapping(database, images, folder, options)
    if not models:
        return {}
    best = max(models.values(), key=lambda model: model.num_reg_images())
    poses = {}
    for image in best.images.values():
        if image.has_pose:
            T = np.eye(4)
            T[:3] = image.cam_from_world().inverse().matrix()
            poses[names.index(image.name)] = T
    return dict(sorted(poses.items()))


def _angle_deg(R: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(R) - 1) / 2, -1, 1))))

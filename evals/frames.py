"""Frames from anywhere with the cameras they are said to be from: the share of their matches that agrees.

``cameras.json`` is ours or that of NeRF data sets (``transforms.json``). Ours::

    {"near_m": 0.5, "far_m": 50,
     "frames": [{"file": "0000.png", "K": [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], "T_world_camera": [4 x 4]}, ...]}

K is in pixels, with the centre of the first pixel at (0, 0); T_world_camera has OpenCV axes (x right, y down, z
forward). A K beside "frames" is that of all; without near_m and far_m every depth in front of the camera is possible.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.instruments.matches import Points, sift_features, sift_matches, unit_px
from evals.metrics.epipolar import THRESHOLDS_PX, scene_distance
from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.types import Camera, Frames

MIN_MATCHES = 8  # fewer are chance, and their pair of frames a failure
NEAREST_M = 1e-3
FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])  # NeRF's cameras look along -z with y up


@dataclass(frozen=True)
class SeenFrom:
    """A picture's file name and its camera."""

    file: str
    camera: Camera


@dataclass(frozen=True)
class Cameras:
    """The cameras of some frames, in order, and the depths that the scene may have."""

    frames: tuple[SeenFrom, ...]
    near_m: float
    far_m: float


def read_cameras(path: Path) -> Cameras:
    """Read ``cameras.json`` or ``transforms.json``.

    Raises WorldsimError for a file that is not there or has no cameras, DamagedFileError for one that is no JSON.
    """
    try:
        told = json.loads(Path(path).read_text())
    except FileNotFoundError as error:
        raise WorldsimError(f"{path} is not there; give cameras=FILE, see worldsim eval-frames --help.") from error
    except ValueError as error:
        raise DamagedFileError(f"{path} is no JSON: {error}.") from error
    try:
        frames = told["frames"]
        read = _from_nerf if frames and "transform_matrix" in frames[0] else _from_ours
        found = tuple(read(one, told) for one in frames)
    except (KeyError, TypeError, ValueError) as error:
        raise WorldsimError(
            f'{path}: {type(error).__name__} {error}; every frame needs "file", "K" (3x3) and "T_world_camera" (4x4), '
            'or "file_path" and "transform_matrix" beside "fl_x" or "camera_angle_x".'
        ) from error
    if len(found) < 2:
        raise WorldsimError(f"{path} has {len(found)} frames; at least 2 are needed.")
    return Cameras(found, float(told.get("near_m", NEAREST_M)), float(told.get("far_m", np.inf)))


def agreement_of_frames(folder: Path, cameras: Cameras, gaps: Sequence[int]) -> dict[str, Any]:
    """How well matches (SIFT) of the frames in ``folder`` agree with ``cameras``; frame i is paired with i + each gap.

    Returned are the share of matches within 1, 2, 4 and 8 px of where the cameras allow ("fraction", the mean over
    pairs), the same for a still video ("still"), the share among the matches that would be more than 8 px off in a
    still video ("telling", over all pairs; None where there is none), the share of pairs with enough matches
    ("coverage") and counts. A pair without is 0 in the fraction. Pixels are those of the frames, lower ones enlarged
    to 256. Raises WorldsimError for pictures that are missing, and where no pair is left.
    """
    pictures = [_read(Path(folder) / one.file) for one in cameras.frames]
    features = [sift_features(picture) for picture in pictures]
    pairs = [(i, i + gap) for gap in gaps for i in range(len(pictures) - gap)]
    if min(gaps, default=0) < 1 or not pairs:
        raise WorldsimError(f"gaps={list(gaps)}: give numbers from 1 to {len(pictures) - 1}, the frames less one.")
    matches, fractions, still, tells = [], [], [], []
    for i, j in pairs:
        a, b = sift_matches(features[i], features[j])
        unit = unit_px(len(pictures[i]))
        one, other = cameras.frames[i].camera, cameras.frames[j].camera
        enough = len(a) >= MIN_MATCHES
        matches.append(len(a))
        distance = unit * _distance(a, b, one, other, cameras)
        fractions.append(_within(distance) * enough)
        tells.append(distance[unit * _distance(a, a, one, other, cameras) > max(THRESHOLDS_PX)])
        stayed = features[i][0]
        still.append(_within(unit * _distance(stayed, stayed, one, other, cameras)))
    telling = np.concatenate(tells)
    return {
        "frames": len(pictures),
        "pairs": len(pairs),
        "coverage": float(np.mean([count >= MIN_MATCHES for count in matches])),
        "matches_a_pair": float(np.mean(matches)),
        "fraction": _by_threshold(np.mean(fractions, axis=0)),
        "still": _by_threshold(np.mean(still, axis=0)),
        "telling_matches": len(telling),
        "telling": _by_threshold(_within(telling)) if len(telling) else None,
    }


def _distance(a: Points, b: Points, one: Camera, other: Camera, cameras: Cameras) -> NDArray[np.float64]:
    depths = np.full(len(a), cameras.near_m), np.full(len(a), cameras.far_m)
    return scene_distance(a, b, one, other, depths, depths)


def _within(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of distances (N,) within each threshold; 0 of none."""
    return np.array([(distance <= threshold).sum() for threshold in THRESHOLDS_PX]) / max(1, len(distance))


def _by_threshold(shares: NDArray[np.float64]) -> dict[str, float]:
    return {f"{threshold}px": round(float(share), 6) for threshold, share in zip(THRESHOLDS_PX, shares, strict=True)}


def _from_ours(one: dict[str, Any], told: dict[str, Any]) -> SeenFrom:
    K, T = np.array(one.get("K", told.get("K")), np.float64), np.array(one["T_world_camera"], np.float64)
    return SeenFrom(one["file"], Camera(K.reshape(3, 3), T.reshape(4, 4)))


def _from_nerf(one: dict[str, Any], told: dict[str, Any]) -> SeenFrom:
    told = {**told, **one}
    name = one["file_path"] if Path(one["file_path"]).suffix else one["file_path"] + ".png"
    width, height = float(told["w"]), float(told["h"])
    focal = float(told["fl_x"]) if "fl_x" in told else width / 2 / np.tan(float(told["camera_angle_x"]) / 2)
    cx, cy = float(told.get("cx", width / 2)), float(told.get("cy", height / 2))
    # Theirs has the corner of the first pixel at (0, 0).
    K = np.array([[focal, 0, cx - 0.5], [0, float(told.get("fl_y", focal)), cy - 0.5], [0, 0, 1]])
    T = np.array(one["transform_matrix"], np.float64).reshape(4, 4) @ FROM_OPENGL
    return SeenFrom(name, Camera(K, T))


def _read(path: Path) -> Frames:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise WorldsimError(f"{path} is no picture that can be read; cameras and frames have to belong together.")
    return np.asarray(picture, np.uint8)

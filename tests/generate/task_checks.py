"""Instruments that tell whether a generation task was done, in numbers read off frames alone.

They are tried on the real game and on faults in test_task_checks.py, and used on a trained model in
test_tasks_on_model.py. Videos are uint8 (T, H, W, 3).
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

HUD_SHARE = 0.14  # of the height, at the bottom, that does not move with the camera
MOST_SHIFT_SHARE = 0.3  # of the width, between neighbouring frames
JUNCTION_SLACK = 1.25  # a junction may differ this much more than the largest difference of real neighbours
KEPT_DB = 1.0  # given frames may lose this much more than the autoencoder loses


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.square(a.astype(float) - b).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def keeps(video: np.ndarray, given: np.ndarray, through_autoencoder: np.ndarray) -> bool:
    """Whether ``video`` shows the ``given`` frames as well as the autoencoder can."""
    return psnr(video, given) >= psnr(through_autoencoder, given) - KEPT_DB


def differences(video: np.ndarray) -> np.ndarray:
    """Mean absolute difference of each frame and the next."""
    return np.abs(np.diff(video.astype(float), axis=0)).mean((1, 2, 3))


def is_seamless(video: np.ndarray) -> bool:
    """Whether the step from the last frame to the first is no larger than the others."""
    seam = np.abs(video[-1].astype(float) - video[0]).mean()
    return bool(seam <= differences(video).max())


def junctions_match(video: np.ndarray, junctions: list[int], real: list[np.ndarray]) -> bool:
    """Whether the steps from frame j to j + 1 are no larger than those of the ``real`` clips, with some slack."""
    allowed = JUNCTION_SLACK * max(differences(clip).max() for clip in real)
    return all(differences(video[j : j + 2])[0] <= allowed for j in junctions)


def shifts_right_px(video: np.ndarray) -> np.ndarray:
    """By how many pixels the picture moves to the right from each frame to the next; turning left moves it right.

    The shift at which both frames agree best.
    """
    height, width = video.shape[1:3]
    scene = video[:, : round(height * (1 - HUD_SHARE))].astype(float)
    most = round(width * MOST_SHIFT_SHARE)
    found = []
    for a, b in pairwise(scene):
        errors = {}
        for shift in range(-most, most + 1):
            left, right = (a, b) if shift >= 0 else (b, a)
            size = width - abs(shift)
            errors[shift] = np.abs(left[:, :size] - right[:, abs(shift) :]).mean()
        found.append(min(errors, key=errors.get))  # type: ignore[arg-type]
    return np.array(found)


def brightness(video: np.ndarray) -> float:
    return float(video.mean())


def greenness(video: np.ndarray) -> float:
    """How much greener the ground is than grey of the same light: grass is, sand and snow are not."""
    red, green, blue = _ground(video)
    return float((green - (red + blue) / 2) / (red + green + blue))


def warmth(video: np.ndarray) -> float:
    """How much more red than blue the ground is: sand is, snow is not."""
    red, green, blue = _ground(video)
    return float((red - blue) / (red + green + blue))


def _ground(video: np.ndarray) -> np.ndarray:
    """The mean colour of what is below the middle and above the things in hand."""
    height = video.shape[-3]
    return video[..., round(height * 0.6) : round(height * (1 - HUD_SHARE)), :, :].reshape(-1, 3).mean(0, dtype=float)


def layout_likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of where the edges of two videos are, whatever their colours and light; 1 is the same layout."""
    return float(np.mean([_correlation(_edges(x), _edges(y)) for x, y in zip(a, b, strict=True)]))


def _edges(frame: np.ndarray) -> np.ndarray:
    """Strength of the edges of the logarithm of luminance, so that a darker picture has the same."""
    grey = np.log(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) + 8)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.0)
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return edges[: round(len(edges) * (1 - HUD_SHARE))]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def colour_share(frames: np.ndarray, colour: str) -> float:
    """Share of the pixels that have ``colour``, by hue and saturation."""
    low, high = HUES[colour]
    hsv = cv2.cvtColor(frames.reshape(-1, frames.shape[-2], 3), cv2.COLOR_RGB2HSV).astype(int)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    inside = (hue >= low) & (hue < high) if low < high else (hue >= low) | (hue < high)
    return float((inside & (saturation > 110) & (value > 40)).mean())


# OpenCV's hue (0 to 180) of the coloured things of voxel/scene, wide enough for light and shadow.
HUES = {
    "red": (172, 8),
    "orange": (8, 18),
    "lime": (28, 42),
    "cyan": (85, 98),
    "blue": (108, 125),
    "purple": (130, 150),
}

"""Frames of a clip as a vision-language model is shown them."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from worldsim.captions.clip import Clip
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames

MIME = {"png": "image/png", "jpeg": "image/jpeg"}


def shown_frames(clip: Clip, most: int, side_px: int) -> Frames:
    """Up to ``most`` frames (N, h, w, 3), evenly spaced, first and last among them.

    Frames whose shorter side is below ``side_px`` are enlarged by a whole number: models see little in 64x64.
    """
    numbers = np.unique(np.round(np.linspace(0, len(clip) - 1, min(most, len(clip)))).astype(np.int64))
    frames = clip.read_frames(numbers)
    times = max(1, round(side_px / min(frames.shape[1:3])))
    return frames.repeat(times, axis=1).repeat(times, axis=2)


def data_url(frame: Frames, kind: str) -> str:
    """A frame (H, W, 3) as a ``data:`` URL; ``kind`` is "png" or "jpeg"."""
    done, encoded = cv2.imencode(".png" if kind == "png" else ".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    assert done, "a uint8 frame can be encoded"
    return f"data:{MIME[kind]};base64,{base64.b64encode(encoded.tobytes()).decode()}"


def check_shown(images: int, image_px: int) -> None:
    """Raises WorldsimError for numbers of images or sizes that show nothing."""
    if images < 1 or image_px < 1:
        raise WorldsimError(
            f"images={images}, image_px={image_px}: a model has to be shown 1 image of 1 pixel or more."
        )

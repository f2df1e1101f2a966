"""Faults of the picture: what happens is right and looks wrong, or stops being shown."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.types import Frames

LARGEST_BLUR = 0.1  # standard deviation, in frame heights
LARGEST_TURN_DEG = 180.0  # of the hue
LARGEST_RIPPLE = 0.06  # amplitude, in frame heights
WAVES, WAVE_FRAMES = 2.5, 16.0  # ripples in a frame's height, and the time one takes to pass
LOOP_FRAMES = 8


def blur(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """A Gaussian blur of every frame; severity is its width, at most a tenth of the height."""
    return redrawn(case, lambda frames, branch: blurred(frames, severity))


def blurred(frames: Frames, severity: float) -> Frames:
    """Frames (H, h, w, 3) with a Gaussian blur of ``severity`` tenths of their height."""
    sigma = severity * LARGEST_BLUR * frames.shape[1]
    return np.stack([cv2.GaussianBlur(one, (0, 0), sigma) for one in frames])


def hue_drift(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Hues turn evenly with time; severity is how far they are in the end, at most half round."""

    def draw(frames: Frames, branch: str) -> Frames:
        turned = []
        for frame, part in zip(frames, _rising(len(frames)), strict=True):
            hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV).astype(np.int32)
            hsv[..., 0] = (hsv[..., 0] + round(part * severity * LARGEST_TURN_DEG / 2)) % 180  # hues count in 2 degrees
            turned.append(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB))
        return np.stack(turned)

    return redrawn(case, draw)


def ripples(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The picture waves, as seen through moving water; severity is the amplitude, at most 6 % of the height."""
    height, width = case.context_frames.shape[1:3]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    amplitude, wave = severity * LARGEST_RIPPLE * height, 2 * np.pi * WAVES / height

    def draw(frames: Frames, branch: str) -> Frames:
        waved = []
        for t, frame in enumerate(frames):
            phase = 2 * np.pi * t / WAVE_FRAMES
            from_x = (x + amplitude * np.sin(wave * y + phase)).astype(np.float32)
            from_y = (y + amplitude * np.sin(wave * x + phase)).astype(np.float32)
            waved.append(cv2.remap(frame, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
        return np.stack(waved)

    return redrawn(case, draw)


def freeze(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The picture stops; severity is the share of frames, the last ones, for which it stands still."""

    def draw(frames: Frames, branch: str) -> Frames:
        stops = _stops(len(frames), severity)
        before = np.concatenate([_context(case, branch)[-1:], frames])
        return before[np.minimum(np.arange(1, len(before)), stops)]

    return redrawn(case, draw)


def loop(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The same 8 frames come again and again; severity is the share of frames, the last ones, which are repetitions."""

    def draw(frames: Frames, branch: str) -> Frames:
        seen = _context(case, branch)
        whole = np.concatenate([seen, frames])
        stops = len(seen) + _stops(len(frames), severity)
        period = min(LOOP_FRAMES, stops)
        places = np.arange(len(whole))
        places[stops:] = stops - period + np.arange(len(whole) - stops) % period
        return whole[places[len(seen) :]]

    return redrawn(case, draw)


def fade(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Frames lose their contrast evenly with time; severity is the share that is gone in the end."""

    def draw(frames: Frames, branch: str) -> Frames:
        mean = frames.mean(axis=(1, 2), keepdims=True)
        left = 1 - severity * _rising(len(frames))[:, None, None, None]
        return np.rint(mean + left * (frames - mean)).astype(np.uint8)

    return redrawn(case, draw)


def redrawn(case: Case, draw: Callable[[Frames, str], Frames]) -> dict[str, DreamBranch]:
    """Every real branch with other frames: ``draw`` takes frames (H, h, w, 3) and the branch's name."""
    return {
        name: DreamBranch(draw(real.frames, name), real.rewards, real.ended.astype(np.float32))
        for name, real in case.real.items()
    }


def _context(case: Case, branch: str) -> Frames:
    return case.contexts.get(branch, case.context_frames)


def _stops(frames: int, severity: float) -> int:
    """How many of the frames are still right."""
    return round((1 - severity) * frames)


def _rising(frames: int) -> np.ndarray:
    """From just above 0 in the first frame to 1 in the last (frames,)."""
    return np.arange(1, frames + 1) / frames

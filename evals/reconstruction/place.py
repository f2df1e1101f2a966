"""A place reconstructed from half of a video's frames under commanded cameras, and what it says of the other half."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.reconstruction.posed import PosedFrames
from evals.reconstruction.radiance_field import FieldConfig, RadianceField, fit_field
from evals.reconstruction.rendering import PointRenderer
from evals.reconstruction.splat import PointSplat, SplatConfig, fit_splat
from worldsim.core.records import write_atomic
from worldsim.core.types import Frames

DEPTH_RATIO = 1.25  # the usual bound of the share of right depths (Eigen et al. 2014)
PSNR_CAP_DB = 60.0  # a radiance field of nothing but one colour
SHOWN_FRAMES = 6
SHOWN_PX = 128


@dataclass(frozen=True)
class PlaceNumbers:
    """What the held-out frames say of the reconstruction."""

    field_psnr: float  # dB, of the radiance field's pictures
    field_skill: float  # share of the change between frames that the field explains: 0 for a still or blank video
    splat_psnr: float  # dB, of the point splat's pictures
    depth_agreement: float  # share of the pixels whose depth in the field is within 25 % of the game's


@dataclass(frozen=True)
class Place:
    """A radiance field and a point splat of one video, and their pictures from the held-out cameras."""

    field: RadianceField
    splat: PointSplat
    held_out: PosedFrames
    field_frames: Frames  # (T, H, W, 3)
    field_depth_m: NDArray[np.float32]  # (T, H, W)
    splat_frames: Frames
    average: NDArray[np.float64]  # (H, W, 3), of the frames that were fitted: what a still video would go on showing

    def numbers(self, depth_m: NDArray[np.float32]) -> PlaceNumbers:
        """Beside ``depth_m`` (T, H, W), the game's from the held-out cameras."""
        seen = self.held_out.seen
        error = _mse(self.field_frames, self.held_out)
        still = _mse(self.average[None], self.held_out)
        known = np.isfinite(depth_m) & seen
        ratio = self.field_depth_m[known] / depth_m[known]
        return PlaceNumbers(
            _psnr(error),
            max(0.0, 1 - error / still) if still > 0 else 0.0,
            _psnr(_mse(self.splat_frames, self.held_out)),
            float((np.maximum(ratio, 1 / ratio) < DEPTH_RATIO).mean()) if known.any() else 0.0,
        )

    def draw(self, depth_m: NDArray[np.float32]) -> Frames:
        """A picture for people; from above: held-out frames, field, splat, the field's depth, the game's depth."""
        shown = np.unique(np.linspace(0, len(self.field_frames) - 1, SHOWN_FRAMES).round().astype(int))
        pictures = [self.held_out.frames, self.field_frames, self.splat_frames]
        middle = float(np.median(depth_m[np.isfinite(depth_m)]))
        pictures += [_grey(self.field_depth_m, middle), _grey(depth_m, middle)]
        rows = [np.concatenate([picture[t] for t in shown], axis=1) for picture in pictures]
        scale = max(1, round(SHOWN_PX / self.held_out.seen.shape[0]))
        return np.concatenate(rows).repeat(scale, 0).repeat(scale, 1)


def reconstruct(posed: PosedFrames, renderer: PointRenderer, seed: int, scale_m: float) -> Place:
    """Fit a field and a splat to every other frame; ``scale_m`` is how far away most of the scene is."""
    fitted, held_out = posed.halves()
    field = fit_field(fitted, FieldConfig(), seed, scale_m)
    frames, depth = field.render(held_out)
    splat = fit_splat(fitted, field.render(fitted)[1], SplatConfig(), renderer, seed)
    average = fitted.frames.mean(0, dtype=np.float64)
    return Place(field, splat, held_out, frames, depth, splat.render(held_out, renderer), average)


def write_png(path: Path, picture: Frames) -> None:
    """Write an RGB picture."""
    write_atomic(path, cv2.imencode(".png", picture[..., ::-1])[1].tobytes())


def _mse(pictures: NDArray, posed: PosedFrames) -> float:
    return float(((pictures.astype(np.float64) - posed.frames) ** 2).mean(-1)[:, posed.seen].mean())


def _psnr(error: float) -> float:
    return PSNR_CAP_DB if error == 0 else float(min(PSNR_CAP_DB, 10 * np.log10(255**2 / error)))


def _grey(depth_m: NDArray[np.float32], middle_m: float) -> Frames:
    """Near is bright; ``middle_m`` is mid-grey."""
    return np.repeat((255 / (1 + depth_m / middle_m))[..., None], 3, -1).astype(np.uint8)

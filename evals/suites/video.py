"""Video: the familiar numbers of a short dream along the policy's actions. They reward blur and ask for no cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from evals.games import RealGame
from evals.metrics.learned import FVD_FILE, FVD_FRAMES, LPIPS_FILE, Network, find_weights, frechet_distance, missing
from evals.metrics.pixels import psnr, ssim
from evals.scenarios import Case
from evals.suite import Suite
from evals.suites.moments import MomentConfig, draw_recordings, recorded_case
from evals.trial import Measurement, Trial

FEATURES = ("features_dream", "features_real")  # curves of a row that hold what the Frechet distance is made of


@dataclass(frozen=True)
class VideoConfig(MomentConfig):
    """The settings of ``video.yaml``."""

    horizons: list[int]


class VideoSuite(Suite):
    """PSNR, SSIM, and LPIPS and features for the Frechet video distance where weights are found."""

    name = "video"
    primary = "psnr_gain"
    familiar = True
    config_class = VideoConfig
    faults = ("blur", "freeze", "hue_drift", "ripples")

    def build(self, game: RealGame, index: int) -> Case:
        return recorded_case(self, game, index, next(draw_recordings(self, game, index)), {})

    def measure(self, trial: Trial) -> Measurement:
        ((real, dream),) = trial.branches()
        result = Measurement()
        dream_db, still_db = psnr(dream, real), psnr(trial.start[None], real)
        similarity = ssim(dream, real)
        result.add("psnr_gain", (dream_db - still_db).mean())
        result.add("psnr", dream_db.mean())
        result.add("ssim", similarity.mean())
        path = find_weights(LPIPS_FILE)
        distance = None if path is None else _network(path).lpips(dream, real)
        if distance is None:
            result.add("lpips", np.nan, missing(LPIPS_FILE))
        else:
            result.add("lpips", distance.mean())
        for h in self.config.horizons:
            if h <= self.config.horizon:
                result.add(f"psnr@{h}", dream_db[h - 1])
                result.add(f"ssim@{h}", similarity[h - 1])
        result.curves = {"psnr": dream_db, "psnr_last_frame": still_db, "ssim": similarity}
        path = find_weights(FVD_FILE)
        if path is not None and self.config.horizon >= FVD_FRAMES:
            features = _network(path).video_features(np.stack([dream, real]))
            result.curves |= dict(zip(FEATURES, features, strict=True))
        return result

    def conclude(self, rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, str]]:
        """The Frechet video distance of all dreams from all real videos."""
        found = [row["curves"] for row in rows if FEATURES[0] in row["curves"]]
        if len(found) < 2:
            few = f"it needs horizon={FVD_FRAMES} or more, and 2 scenarios"
            return {"fvd": (np.nan, few if find_weights(FVD_FILE) else missing(FVD_FILE))}
        dream, real = (np.array([curves[name] for curves in found], np.float64) for name in FEATURES)
        return {"fvd": (frechet_distance(dream, real), "")}


@cache
def _network(path: Path) -> Network:
    return Network(path)

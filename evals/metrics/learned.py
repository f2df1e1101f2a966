"""Distances in the features of trained networks: LPIPS of frames, Frechet distance of videos; where weights are found.

No weights come with worldsim. They are TorchScript files that take a batch with colours from 0 to 255:
- ``vgg16.pt`` of NVIDIA's StyleGAN metrics, whose features are LPIPS' (Zhang et al. 2018): squared distance, summed;
- ``i3d_torchscript.pt`` of StyleGAN-V, I3D on Kinetics-400, for the Frechet video distance (Unterthiner et al. 2018).
They are looked for in ``$WORLDSIM_WEIGHTS`` and in torch hub's folder of checkpoints.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

LPIPS_FILE, FVD_FILE = "vgg16.pt", "i3d_torchscript.pt"
FVD_FRAMES = 10  # fewer are too few for the network
BATCH = 64


def find_weights(name: str) -> Path | None:
    """Where a file of weights is, None where it is not."""
    hub = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch") / "hub" / "checkpoints"
    folders = [Path(os.environ["WORLDSIM_WEIGHTS"])] if os.environ.get("WORLDSIM_WEIGHTS") else []
    return next((folder / name for folder in [*folders, hub] if (folder / name).is_file()), None)


def missing(name: str) -> str:
    return f"no weights: put {name} into $WORLDSIM_WEIGHTS or torch hub's checkpoints"


class Network:
    """The network in a file of weights; raises what torch does for a file that is none."""

    def __init__(self, path: Path):
        import torch

        self._net: Any = torch.jit.load(str(path), map_location="cpu").eval()

    def lpips(self, a: Frames, b: Frames) -> NDArray[np.float64]:
        """LPIPS of each pair of frames (T, H, W, 3)."""
        return np.concatenate([self._lpips(a[i : i + BATCH], b[i : i + BATCH]) for i in range(0, len(a), BATCH)])

    def video_features(self, videos: Frames) -> NDArray[np.float64]:
        """Features (N, D) of videos (N, T, H, W, 3)."""
        return np.concatenate([self._video(one[None]) for one in videos])

    def _lpips(self, a: Frames, b: Frames) -> NDArray[np.float64]:
        import torch

        with torch.inference_mode():
            first, second = (
                self._net(torch.from_numpy(x).permute(0, 3, 1, 2).float(), resize_images=False, return_lpips=True)
                for x in (np.ascontiguousarray(a), np.ascontiguousarray(b))
            )
            return (first - second).square().sum(1).double().numpy()

    def _video(self, videos: Frames) -> NDArray[np.float64]:
        import torch

        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(videos)).permute(0, 4, 1, 2, 3).float()
            return self._net(x, rescale=True, resize=True, return_features=True).double().numpy()


def frechet_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Frechet distance between Gaussians fitted to features (N, D) of two sets (Dowson and Landau 1982).

    With fewer videos than features the covariances have no full rank, and the distance is too large.
    """
    from scipy.linalg import sqrtm

    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    between = float(((a.mean(0) - b.mean(0)) ** 2).sum())
    return between + float(np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real))

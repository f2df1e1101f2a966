"""A small radiance field: density and colour on a voxel grid, fitted by differentiable volume rendering.

Grid and coarse-to-fine as in DVGO (Sun et al. 2022) and Plenoxels (Fridovich-Keil et al. 2022), without view-dependent
colour; space is contracted as in mip-NeRF 360 (Barron et al. 2022), so that the sky has its place in the grid.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evals.reconstruction.posed import PosedFrames
from worldsim.core.records import write_atomic
from worldsim.core.types import Frames

if TYPE_CHECKING:
    import torch

FAR_M = 1000.0
THIN = 5.0  # the grid's zero is nearly empty space


@dataclass(frozen=True)
class FieldConfig:
    """Grid sides, coarse to fine, and the steps spent on each."""

    sides: tuple[int, ...] = (32, 64)
    steps: tuple[int, ...] = (60, 90)
    rays: int = 512  # a step
    samples: int = 48  # a ray
    learning_rate: float = 0.2
    smoothness: float = 1e-2  # weight of the total variation of density


@dataclass
class RadianceField:
    """``grid`` (1, 4, S, S, S) of density and colour before their non-linearities; ``scale_m`` is the unit of space."""

    grid: torch.Tensor
    centre: NDArray[np.float32]  # (3,)
    scale_m: float
    nearest_m: float
    samples: int

    def write(self, path: Path) -> None:
        """An ``.npz``: ``density`` (S, S, S) and ``colour`` (3, S, S, S) in float16, and what places the grid.

        Axes of the grid are z, y, x of the world. A point p is at q / |q| (2 - 1 / |q|) / 2 in the grid's [-1, 1] if
        |q| > 1 and at q / 2 otherwise, where q = (p - centre) / scale_m and |q| is its largest coordinate.
        """
        values = self.grid[0]
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            density=np.logaddexp(0, values[0].numpy() - THIN).astype(np.float16),
            colour=(1 / (1 + np.exp(-values[1:].numpy()))).astype(np.float16),
            centre=self.centre,
            scale_m=np.float32(self.scale_m),
        )
        write_atomic(path, buffer.getvalue())

    def render(self, posed: PosedFrames) -> tuple[Frames, NDArray[np.float32]]:
        """Frames (T, H, W, 3) and planar depth (T, H, W) in metres, seen by the cameras of ``posed``."""
        import torch

        origins, directions = posed.rays()
        frames, depths = [], []
        with torch.no_grad():
            for origin, view in zip(origins, directions, strict=True):
                rays = torch.from_numpy(view.reshape(-1, 3))
                colour, depth = self.trace(torch.from_numpy(origin).expand_as(rays), rays, None)
                frames.append((colour.clamp(0, 1) * 255).round().byte().numpy().reshape(view.shape))
                depths.append(depth.numpy().reshape(view.shape[:2]))
        return np.stack(frames), np.stack(depths)

    def trace(
        self, origins: torch.Tensor, directions: torch.Tensor, jitter: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Colour (N, 3) and median depth (N,) along rays; ``jitter`` (N, samples) places each sample in its step."""
        import torch

        edges = torch.linspace(1 / self.nearest_m, 1 / FAR_M, self.samples + 1)
        inside = torch.full((len(origins), 1), 0.5) if jitter is None else jitter
        depth = 1 / (edges[:-1] + (edges[1:] - edges[:-1]) * inside)  # (N, samples)
        points = origins[:, None] + depth[..., None] * directions[:, None]
        values = self._sample(points)
        # Density is per step of the contracted ray, so that far away a thin shell can be opaque as well.
        alpha = 1 - torch.exp(-torch.nn.functional.softplus(values[..., 0] - THIN))
        alpha = torch.cat([alpha[:, :-1], torch.ones_like(alpha[:, :1])], 1)  # behind everything there is something
        through = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha[:, :-1] + 1e-7], 1), 1)
        weights = alpha * through
        colour = (weights[..., None] * torch.sigmoid(values[..., 1:])).sum(1)
        middle = (weights.cumsum(1) < 0.5).sum(1, keepdim=True).clamp(max=self.samples - 1)
        return colour, depth.gather(1, middle)[:, 0]

    def _sample(self, points: torch.Tensor) -> torch.Tensor:
        import torch

        local = (points - torch.from_numpy(self.centre)) / self.scale_m
        size = local.abs().amax(-1, keepdim=True).clamp(min=1)
        contracted = local / size * (2 - 1 / size) / 2  # within [-1, 1]
        sampled = torch.nn.functional.grid_sample(
            self.grid, contracted[None, None], align_corners=True, padding_mode="border"
        )
        return sampled[0, :, 0].permute(1, 2, 0)


def fit_field(posed: PosedFrames, config: FieldConfig, seed: int, scale_m: float) -> RadianceField:
    """The field that explains ``posed``; space is finest within ``scale_m`` metres of the middle of the cameras."""
    import torch

    generator = torch.Generator().manual_seed(seed % 2**63)
    origins, directions = posed.rays()
    where = np.flatnonzero(np.broadcast_to(posed.seen, posed.frames.shape[:3]).ravel())
    colours = torch.from_numpy(posed.frames.reshape(-1, 3)[where].astype(np.float32) / 255)
    rays = torch.from_numpy(directions.reshape(-1, 3)[where])
    starts = torch.from_numpy(np.repeat(origins, posed.frames[0].size // 3, 0)[where])
    side = config.sides[0]
    grid = torch.zeros(1, 4, side, side, side)
    mean = colours.mean(0).clamp(0.02, 0.98)
    grid[0, 1:] = torch.log(mean / (1 - mean))[:, None, None, None]
    field = RadianceField(grid, origins.mean(0), scale_m, posed.nearest_m, config.samples)
    for side, steps in zip(config.sides, config.steps, strict=True):
        if side != field.grid.shape[-1]:
            size = (side, side, side)
            field.grid = torch.nn.functional.interpolate(
                field.grid.detach(), size, mode="trilinear", align_corners=True
            )
        field.grid.requires_grad_(True)
        optimiser = torch.optim.Adam([field.grid], lr=config.learning_rate)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * 0.1 ** (step / steps)
            chosen = torch.randint(len(rays), (config.rays,), generator=generator)
            jitter = torch.rand(config.rays, config.samples, generator=generator)
            colour, _ = field.trace(starts[chosen], rays[chosen], jitter)
            loss = ((colour - colours[chosen]) ** 2).mean()
            loss = loss + config.smoothness * _total_variation(field.grid[0, 0])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    field.grid = field.grid.detach()
    return field


def _total_variation(density: torch.Tensor) -> torch.Tensor:
    return sum((density.diff(dim=axis) ** 2).mean() for axis in range(3)) / 3  # type: ignore[return-value]

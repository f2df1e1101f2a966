"""A point splat: points where the radiance field has its surfaces, refined so that drawn again they give the frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evals.reconstruction.posed import PosedFrames
from evals.reconstruction.rendering import Discs, PointRenderer
from worldsim.core.records import write_atomic
from worldsim.core.types import Frames

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class SplatConfig:
    """How many points there are, how large they look, and how long they are refined."""

    points: int = 12_000
    radius_px: float = 1.6
    steps: int = 40
    learning_rate: float = 0.02


@dataclass(frozen=True)
class PointSplat:
    """Points (N, 3) in world metres, colours (N, 3) and opacities (N,) in [0, 1]; colour behind them (3,)."""

    points: NDArray[np.float32]
    colours: NDArray[np.float32]
    opacities: NDArray[np.float32]
    behind: NDArray[np.float32]
    radius_px: float

    def render(self, posed: PosedFrames, renderer: PointRenderer) -> Frames:
        """Frames (T, H, W, 3) seen by the cameras of ``posed``."""
        import torch

        points, colours, opacities = map(torch.from_numpy, (self.points, self.colours, self.opacities))
        discs = Discs(points, colours, opacities, self.radius_px)
        size = posed.size_px
        frames = []
        with torch.no_grad():
            for t in range(len(posed.frames)):
                drawing = renderer.draw(discs, posed.camera(t), size)
                picture = drawing.colour + (1 - drawing.opacity)[..., None] * torch.from_numpy(self.behind)
                frames.append((picture.clamp(0, 1) * 255).round().byte().numpy())
        return np.stack(frames)

    def write_ply(self, path: Path) -> None:
        """A binary PLY: x, y, z in metres, red, green, blue and alpha in 8 bits (MeshLab reads it)."""
        kinds = [(axis, "<f4") for axis in "xyz"] + [(name, "u1") for name in ("red", "green", "blue", "alpha")]
        rows = np.empty(len(self.points), kinds)
        for i, axis in enumerate("xyz"):
            rows[axis] = self.points[:, i]
        for i, name in enumerate(("red", "green", "blue")):
            rows[name] = np.round(255 * np.clip(self.colours[:, i], 0, 1))
        rows["alpha"] = np.round(255 * self.opacities)
        words = {"<f4": "float", "u1": "uchar"}
        properties = "".join(f"property {words[kind]} {name}\n" for name, kind in kinds)
        header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n{properties}end_header\n"
        write_atomic(path, header.encode() + rows.tobytes())


def fit_splat(
    posed: PosedFrames, depth_m: NDArray[np.float32], config: SplatConfig, renderer: PointRenderer, seed: int
) -> PointSplat:
    """Pixels of ``posed`` moved to ``depth_m`` (T, H, W), then places, colours and opacities fitted to the frames."""
    import torch

    generator = torch.Generator().manual_seed(seed % 2**63)
    origins, directions = posed.rays()
    seen = np.flatnonzero(np.broadcast_to(posed.seen, depth_m.shape).ravel())
    kept = seen[torch.randperm(len(seen), generator=generator)[: config.points].numpy()]
    places = (origins[:, None, None] + depth_m[..., None] * directions).reshape(-1, 3)[kept]
    frames = torch.from_numpy(posed.frames.astype(np.float32) / 255)
    colours = frames.reshape(-1, 3)[kept].clone()
    distance = torch.from_numpy(depth_m.reshape(-1)[kept])[:, None]  # a step moves a far point as far in the picture
    moved = torch.zeros(len(kept), 3, requires_grad=True)
    opaque = torch.full((len(kept),), 2.0, requires_grad=True)
    behind = frames.mean((0, 1, 2)).clone().requires_grad_(True)
    colours.requires_grad_(True)
    start = torch.from_numpy(places)
    seen_mask = torch.from_numpy(posed.seen)
    groups: list[dict[str, Any]] = [
        {"params": [colours, behind, opaque]},
        {"params": [moved], "lr": 0.1 * config.learning_rate},
    ]
    optimiser = torch.optim.Adam(groups, lr=config.learning_rate)
    for step in range(config.steps):
        t = int(torch.randint(len(frames), (1,), generator=generator)) if step >= len(frames) else step
        discs = Discs(start + moved * distance, colours, torch.sigmoid(opaque), config.radius_px)
        drawing = renderer.draw(discs, posed.camera(t), posed.size_px)
        picture = drawing.colour + (1 - drawing.opacity)[..., None] * behind
        loss = ((picture - frames[t])[seen_mask] ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        final = start + moved * distance
        return PointSplat(
            final.numpy(), colours.clamp(0, 1).numpy(), torch.sigmoid(opaque).numpy(), behind.numpy(), config.radius_px
        )

"""Point clouds drawn by a camera, differentiably: a protocol, our renderer in torch, and PyTorch3D's where installed.

Every point is a disc of one radius in pixels that faces the camera and is most opaque in its middle; discs are laid
over each other front to back (Wiles et al., SynSin, 2020, as PyTorch3D's alpha compositor does).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from worldsim.core.errors import MissingDependencyError, UnknownNameError
from worldsim.core.types import Camera

if TYPE_CHECKING:
    import torch

NEAREST_M = 0.05
POINTS_A_PIXEL = 8


@dataclass(frozen=True)
class Discs:
    """Points (N, 3) in world metres with colours (N, 3) and opacities (N,) in [0, 1], and the radius of each disc."""

    points: torch.Tensor
    colours: torch.Tensor
    opacities: torch.Tensor
    radius_px: float


@dataclass(frozen=True)
class Drawing:
    """What a camera sees: colour (H, W, 3) before black, opacity (H, W) and the depth (H, W) of what is opaque."""

    colour: torch.Tensor
    opacity: torch.Tensor
    depth_m: torch.Tensor


class PointRenderer(Protocol):
    """Draws discs; ``size_px`` is (height, width).

    Pixel (0, 0) has its centre at (0, 0). Gradients reach points, colours and opacities.
    """

    def draw(self, discs: Discs, camera: Camera, size_px: tuple[int, int]) -> Drawing: ...


class TorchRenderer:
    """Ours: every point is offered to the pixels around it, and each pixel keeps the nearest ones."""

    def draw(self, discs: Discs, camera: Camera, size_px: tuple[int, int]) -> Drawing:
        import torch

        height, width = size_px
        places, depth = project(discs.points, camera)
        reach = int(np.ceil(discs.radius_px))
        offsets = torch.arange(-reach, reach + 1, dtype=places.dtype)
        corner = places.detach().round()
        column = corner[:, 0, None, None] + offsets[None, None, :]
        row = corner[:, 1, None, None] + offsets[None, :, None]
        column, row = torch.broadcast_tensors(column, row)
        near = (places.detach()[:, 0, None, None] - column) ** 2 + (places.detach()[:, 1, None, None] - row) ** 2
        offered = (near < discs.radius_px**2) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        offered &= (depth.detach() > NEAREST_M)[:, None, None]
        which = offered.nonzero()[:, 0]
        pixel = (row * width + column)[offered].long()
        order = torch.argsort(depth.detach()[which], stable=True)
        order = order[torch.argsort(pixel[order], stable=True)]
        which, pixel = which[order], pixel[order]
        first = torch.searchsorted(pixel, pixel)
        rank = torch.arange(len(pixel)) - first
        which, pixel, rank = (part[rank < POINTS_A_PIXEL] for part in (which, pixel, rank))
        centre = torch.stack([pixel % width, pixel // width], -1).to(places.dtype)
        coverage = 1 - ((places[which] - centre) ** 2).sum(-1) / discs.radius_px**2
        alpha = places.new_zeros(height * width, POINTS_A_PIXEL).index_put(
            (pixel, rank), coverage * discs.opacities[which]
        )
        index = torch.zeros(height * width, POINTS_A_PIXEL, dtype=torch.long).index_put((pixel, rank), which)
        return _composite(alpha, index, discs.colours, depth, size_px)


class Pytorch3dRenderer:
    """PyTorch3D's rasteriser of points under the same compositing.

    Raises MissingDependencyError where PyTorch3D is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("pytorch3d") is None:
            raise MissingDependencyError(
                "pytorch3d",
                "",
                "the renderer 'pytorch3d'",
                "build it as its INSTALL.md says; the renderer 'torch' draws the same",
            )

    def draw(self, discs: Discs, camera: Camera, size_px: tuple[int, int]) -> Drawing:
        import torch
        from pytorch3d.renderer.points import rasterize_points
        from pytorch3d.structures import Pointclouds

        height, width = size_px
        places, depth = project(discs.points, camera)
        # Its screen: x to the left and y up, the shorter side from -1 to 1, and pixel centres half a pixel inside.
        unit = 2 / min(height, width)
        x = ((width - 1) / 2 - places[:, 0]) * unit
        y = ((height - 1) / 2 - places[:, 1]) * unit
        cloud = Pointclouds([torch.stack([x, y, torch.where(depth > NEAREST_M, depth, -1.0)], -1)])
        index, _, distance = rasterize_points(cloud, size_px, discs.radius_px * unit, POINTS_A_PIXEL, bin_size=0)
        index, distance = index[0].reshape(-1, POINTS_A_PIXEL), distance[0].reshape(-1, POINTS_A_PIXEL)
        there = index >= 0
        index = index.clamp(min=0)
        alpha = torch.where(there, (1 - distance / (discs.radius_px * unit) ** 2) * discs.opacities[index], 0.0)
        return _composite(alpha, index, discs.colours, depth, size_px)


RENDERERS: dict[str, type[PointRenderer]] = {"torch": TorchRenderer, "pytorch3d": Pytorch3dRenderer}


def make_renderer(name: str) -> PointRenderer:
    """UnknownNameError for a name that is none, MissingDependencyError for one that is not installed."""
    if name not in RENDERERS:
        raise UnknownNameError("renderer", name, RENDERERS)
    return RENDERERS[name]()


def project(points: torch.Tensor, camera: Camera) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels (N, 2) as (column, row) and planar depth (N,) of world points (N, 3)."""
    import torch

    T = torch.as_tensor(np.linalg.inv(camera.T_world_camera), dtype=points.dtype)
    local = points @ T[:3, :3].T + T[:3, 3]
    image = local @ torch.as_tensor(np.asarray(camera.K), dtype=points.dtype).T
    return image[:, :2] / local[:, 2:].clamp(min=NEAREST_M), local[:, 2]


def _composite(
    alpha: torch.Tensor, index: torch.Tensor, colours: torch.Tensor, depth: torch.Tensor, size_px: tuple[int, int]
) -> Drawing:
    """Lay the points ``index`` (P, K) of each pixel over each other, the first in front; ``alpha`` is 0 for none."""
    import torch

    through = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha[:, :-1]], 1), 1)
    weights = alpha * through
    opacity = weights.sum(1)
    colour = (weights[..., None] * colours[index]).sum(1)
    depth_m = (weights * depth[index]).sum(1) / opacity.clamp(min=1e-6)
    return Drawing(colour.reshape(*size_px, 3), opacity.reshape(size_px), depth_m.reshape(size_px))

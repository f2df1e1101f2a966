"""Rectified flow with x-prediction and a noise level per frame (Liu et al. 2022; Chen et al. 2024).

``x_noised = (1 - noise_level) * x + noise_level * noise``: level 0 is clean, 1 is pure noise. The network predicts the
clean ``x``; the velocity ``d x_noised / d noise_level = noise - x`` follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from worldsim.core.errors import WorldsimError


@dataclass(frozen=True)
class NoiseConfig:
    """How training noise levels are drawn."""

    context_max: float = 0.3  # context frames get a noise level uniform in [0, this]
    pure_share: float = 0.5  # of the targets are near pure noise, where the dynamics are decided; the others uniform

    def __post_init__(self) -> None:
        if not 0 <= self.context_max < 1 or not 0 <= self.pure_share <= 1:
            raise WorldsimError(
                f"context_max={self.context_max} must be in [0, 1) and pure_share={self.pure_share} in [0, 1]."
            )


def add_noise(x: Tensor, noise: Tensor, noise_level: Tensor) -> Tensor:
    """``x`` (..., C, h, w) at ``noise_level`` (...)."""
    level = noise_level.to(x.dtype)[..., None, None, None]
    return (1 - level) * x + level * noise


def draw_levels(config: NoiseConfig, batch: int, frames: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Levels of the context frames (B, T) and of the targets (B, T - 1)."""
    context_BT = torch.rand(batch, frames, generator=generator) * config.context_max
    uniform_BS = torch.rand(batch, frames - 1, generator=generator)
    pure_BS = torch.rand(batch, frames - 1, generator=generator) < config.pure_share
    return context_BT, torch.where(pure_BS, 1 - 0.02 * uniform_BS, uniform_BS)


def staggered_levels(distance: Tensor, lag: float | Tensor, progress: float | Tensor) -> Tensor:
    """Levels of frames that are denoised one after another, like ``distance``: 1, 2, ... counted from what is given.

    Each frame begins ``lag`` later than the one before it and takes 1 of ``progress`` from pure noise to clean: lag 0
    denoises all together, lag 1 each after the last (the pyramid schedule of Diffusion Forcing, Chen et al. 2024).
    """
    return (1 + lag * (distance - 1) - progress).clamp(0, 1)


def distance_to_given(given_BT: Tensor) -> Tensor:
    """Frames (B, T) from each frame to the nearest given one; where none is, from just before the first."""
    index_T = torch.arange(given_BT.shape[1], device=given_BT.device, dtype=torch.float32)
    apart_BTT = (index_T[:, None] - index_T).abs().masked_fill(~given_BT[:, None], torch.inf)
    return torch.where(given_BT.any(1, keepdim=True), apart_BTT.amin(2), index_T + 1)


def loss_weight(noise_level: Tensor) -> Tensor:
    """Weight of the squared error of ``x``: the velocity error's 1 / level^2, held at 4 from level one half down, so
    that the nearly clean levels, where only texture is left to say, do not take over."""
    return 1 / noise_level.clamp(min=0.5).square()


def euler_step(x: Tensor, predicted: Tensor, noise_level: float, next_level: float) -> Tensor:
    """Move a sample from ``noise_level`` to ``next_level`` along the velocity that ``predicted`` (clean) implies."""
    assert noise_level > next_level >= 0
    return x + (next_level - noise_level) / noise_level * (x - predicted)


def euler_steps(x: Tensor, predicted: Tensor, noise_level: Tensor, next_level: Tensor) -> Tensor:
    """``euler_step`` with levels of each frame (...) for samples (..., C, h, w); frames at level 0 stay as they are."""
    share = (next_level - noise_level) / noise_level.clamp(min=1e-6)
    return x + share[..., None, None, None].to(x.dtype) * (x - predicted)


def sampling_levels(steps: int) -> list[float]:
    """``steps + 1`` levels from 1 to 0, equally spaced."""
    if steps < 1:
        raise WorldsimError(f"steps={steps} must be at least 1.")
    return [1 - i / steps for i in range(steps + 1)]

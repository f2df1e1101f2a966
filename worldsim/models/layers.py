"""Building blocks of the transformer: linear layers of any precision, 3-D rotary positions, conditioning."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.packed import PackedWeight, can_pack

# How the 32 rotation pairs of a 64-wide head are divided among time, height and width.
_AXIS_SHARES = (0.4, 0.3, 0.3)
_ROPE_BASE = 100.0  # positions go to tens, not thousands: a small base keeps all frequencies in use


class Linear(nn.Linear):
    """A linear layer that computes in its input's precision, so float32 master weights serve bf16 activations."""

    packed: PackedWeight | None = None

    def forward(self, x: Tensor, gelu: bool = False) -> Tensor:
        """``x`` (..., in) to (..., out), through a GELU where asked for."""
        if self.packed is not None:
            return self.packed(x, gelu)
        bias = None if self.bias is None else self.bias.to(x.dtype)
        y = F.linear(x, self.weight.to(x.dtype), bias)
        return F.gelu(y) if gelu else y


def pack(network: nn.Module) -> None:
    """Prepare ``network`` for inference in its present precision: its weights must not change from now on."""
    for layer in network.modules():
        if isinstance(layer, Linear) and can_pack(layer.weight):
            layer.packed = PackedWeight(layer.weight, layer.bias)


def norm(x: Tensor) -> Tensor:
    """Layer norm without parameters: one fused kernel on CPU, where an RMS norm is four."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def axis_split(head_dim: int) -> tuple[int, int, int]:
    """Rotation pairs given to (t, y, x); they sum to ``head_dim // 2``."""
    pairs = head_dim // 2
    spatial = int(pairs * _AXIS_SHARES[1])
    return pairs - 2 * spatial, spatial, spatial


def rope_table(positions_N3: Tensor, head_dim: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines (N, head_dim) for tokens at (t, y, x); float64 inside: long videos stay exact."""
    angle = positions_N3.double() @ _rope_frequencies(head_dim, positions_N3.device)
    return torch.cat((angle.cos(), angle.cos()), -1).to(dtype), torch.cat((-angle.sin(), angle.sin()), -1).to(dtype)


@lru_cache(maxsize=32)
def _rope_frequencies(head_dim: int, device: torch.device) -> Tensor:
    """(3, head_dim // 2): how fast each rotation pair turns along each axis, of which it is one axis's alone."""
    axes = [_ROPE_BASE ** (-torch.arange(pairs, dtype=torch.float64, device=device) / pairs)
            for pairs in axis_split(head_dim)]  # fmt: skip
    return torch.block_diag(*axes)


def frame_rope(time_BF: Tensor, height: int, width: int, head_dim: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The ``rope_table`` of frames of ``height`` x ``width`` tokens at these times: (B, F, height * width, head_dim).

    A component turns by time or by place, so a table of times and one of places say it all.
    """
    times_BF3 = F.pad(time_BF[..., None], (0, 2))
    cos_time, sin_time = rope_table(times_BF3, head_dim, dtype)
    cos_place, sin_place = _place_rope(height, width, head_dim, dtype, time_BF.device)
    return cos_time[:, :, None] * cos_place, sin_time[:, :, None] + sin_place


@lru_cache(maxsize=32)
def _place_rope(
    height: int, width: int, head_dim: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    grid_P3 = torch.stack((torch.zeros_like(y), y, x), -1).flatten(0, 1)
    return rope_table(grid_P3, head_dim, dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the two halves of the last axis of ``x`` against each other by a ``rope_table``."""
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


def sinusoid(values: Tensor, dim: int) -> Tensor:
    """Sines and cosines (..., dim) of values in [0, 1], as in DiT's timestep embedding."""
    angle = values[..., None].float() * _sinusoid_frequencies(dim // 2, values.device) * 1000.0
    return torch.cat((angle.cos(), angle.sin()), -1)


@lru_cache(maxsize=32)
def _sinusoid_frequencies(half: int, device: torch.device) -> Tensor:
    return torch.exp(-math.log(1000.0) * torch.arange(half, device=device, dtype=torch.float32) / half)


class Conditioning(nn.Module):
    """One vector a frame from its noise level and the action that led to it.

    A frame without a known action (the first of a clip) has ``action_known`` 0 and takes a learned vector instead.
    With ``shortcut`` the size of the sampler's step is told as well (Frans et al. 2024).
    """

    def __init__(self, dim: int, action_channels: int, shortcut: bool = False):
        super().__init__()
        self.dim = dim
        self.noise = nn.Sequential(Linear(dim, dim), nn.SiLU(), Linear(dim, dim))
        # Products of channels matter (turning while walking), so actions get a hidden layer too.
        self.action = nn.Sequential(Linear(action_channels, dim), nn.SiLU(), Linear(dim, dim))
        self.unknown_action = nn.Parameter(torch.zeros(dim))
        self.step = nn.Sequential(Linear(dim, dim), nn.SiLU(), Linear(dim, dim)) if shortcut else None

    def forward(
        self, noise_level_F: Tensor, action_FA: Tensor, action_known_F: Tensor, dtype: torch.dtype, step_size_F: Tensor
    ) -> Tensor:
        """(F, dim) in ``dtype``; actions are already divided by their channels' scales."""
        noise_FD = self.noise(sinusoid(noise_level_F, self.dim).to(dtype))
        known_F1 = action_known_F[..., None].to(dtype)
        action_FD = self.action(action_FA.to(dtype)) * known_F1 + self.unknown_action.to(dtype) * (1 - known_F1)
        if self.step is None:
            return noise_FD + action_FD
        # A step size of 0 adds nothing: a network that learns of step sizes late begins as it was.
        step_FD = self.step(sinusoid(step_size_F, self.dim).to(dtype)) * (step_size_F > 0)[..., None].to(dtype)
        return noise_FD + action_FD + step_FD

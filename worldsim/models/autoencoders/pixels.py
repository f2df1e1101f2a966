"""No autoencoder: the latents of a frame are its pixels, cut into patches and brought to unit scale.

The alternative to two-stage models (as in Hoogeboom et al. 2023, "simple diffusion"): nothing to train, nothing lost,
and ``spatial_stride**2 * 3`` channels for the diffusion model to predict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.models.autoencoders.base import Autoencoder, channel_statistics, per_channel


class Pixels(Autoencoder):
    """Patches of ``spatial_stride`` x ``spatial_stride`` pixels, normalised colour by colour; exact both ways."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, spatial_stride: int = 8):
        super().__init__()
        if spatial_stride < 1:
            raise WorldsimError(f"spatial_stride={spatial_stride} must be at least 1.")
        self.spatial_stride = spatial_stride
        self.latent_channels = 3 * spatial_stride**2
        # Half the range, as EDM (Karras et al. 2022) assumes of images, until measured.
        self.register_buffer("pixel_mean", torch.zeros(3))
        self.register_buffer("pixel_std", torch.full((3,), 0.5))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Pixels:
        return cls(**config)

    def saved_config(self) -> dict[str, Any]:
        return {"spatial_stride": self.spatial_stride}

    def encode(self, x_B3HW: Tensor) -> Tensor:
        self.check_size(*x_B3HW.shape[-2:])
        x_B3HW = (x_B3HW - per_channel(self.pixel_mean, x_B3HW)) / per_channel(self.pixel_std, x_B3HW)
        return F.pixel_unshuffle(x_B3HW, self.spatial_stride)

    def decode(self, z_BChw: Tensor) -> Tensor:
        x_B3HW = F.pixel_shuffle(z_BChw, self.spatial_stride)
        return x_B3HW * per_channel(self.pixel_std, x_B3HW) + per_channel(self.pixel_mean, x_B3HW)

    @torch.no_grad()
    def measure_latents(self, clips: Iterable[Tensor]) -> None:
        """Set the normalisation from the colours of clips (B, T, 3, H, W), which may differ in size."""
        self.pixel_mean, self.pixel_std = channel_statistics(clips)

"""The image autoencoder (temporal stride 1): frames to latents an eighth of their height and width, and back.

A variational autoencoder (as in LDM, Rombach et al. 2022) whose posterior width is held at a share of the latents'
spread: the decoder always sees noised latents, so it forgives the small errors of a diffusion model.
Norm-free residual blocks with a zero-initialised gain (SkipInit, De and Smith 2020) keep the decoder cheap to stream.

Shapes: B batch, C latent channels, H and W pixels; h = H/8, w = W/8.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.models.checkpoint import load_weights, read_header

SPATIAL_STRIDE = 8


@dataclass(frozen=True)
class VAEConfig:
    """``widths`` are the channels at 1/2, 1/4 and 1/8 resolution."""

    latent_channels: int = 16
    widths: tuple[int, int, int] = (48, 96, 128)
    blocks: int = 2
    posterior_std: float = 0.1

    def __post_init__(self) -> None:
        if self.latent_channels < 1 or self.blocks < 1 or len(self.widths) != 3 or min(self.widths) < 1:
            raise WorldsimError(
                f"latent_channels={self.latent_channels}, blocks={self.blocks} and widths={self.widths} "
                "must be positive, with three widths"
            )
        if not 0 <= self.posterior_std < 1:
            raise WorldsimError(f"posterior_std={self.posterior_std} must be in [0, 1): latents have unit scale")


class VAE(nn.Module):
    """Encodes frames in [-1, 1] (B, 3, H, W) to normalised latents (B, C, h, w) and decodes them."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.config = config
        w2, w4, w8 = config.widths
        c = config.latent_channels
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, w2, 3, padding=1),
            *_blocks(w2, config.blocks),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * w2, w4, 1),
            *_blocks(w4, config.blocks),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * w4, w8, 1),
            *_blocks(w8, config.blocks),
            nn.SiLU(),
            nn.Conv2d(w8, c, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(c, w8, 3, padding=1),
            *_blocks(w8, config.blocks),
            nn.Conv2d(w8, 4 * w4, 1),
            nn.PixelShuffle(2),
            *_blocks(w4, config.blocks),
            nn.Conv2d(w4, 4 * w2, 1),
            nn.PixelShuffle(2),
            *_blocks(w2, config.blocks),
            nn.SiLU(),
            nn.Conv2d(w2, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        # Measured once at the end of training, so that the diffusion model sees latents of zero mean and unit variance.
        self.register_buffer("latent_mean", torch.zeros(c))
        self.register_buffer("latent_std", torch.ones(c))

    def encode(self, x_B3HW: Tensor) -> Tensor:
        """Normalised posterior means (B, C, h, w); WorldsimError when a side is not a multiple of 8."""
        check_frame_size(*x_B3HW.shape[-2:])
        mean_BChw = self.encoder(x_B3HW)
        return (mean_BChw - _per_channel(self.latent_mean, mean_BChw)) / _per_channel(self.latent_std, mean_BChw)

    def decode(self, z_BChw: Tensor) -> Tensor:
        """Frames (B, 3, H, W), in [-1, 1] up to small overshoots, of normalised latents."""
        return self.decoder(z_BChw * _per_channel(self.latent_std, z_BChw) + _per_channel(self.latent_mean, z_BChw))

    @torch.no_grad()
    def measure_latents(self, x_B3HW: Tensor) -> None:
        """Set the normalisation from the posterior means of these frames."""
        mean_BChw = self.encoder(x_B3HW).float()
        self.latent_mean.copy_(mean_BChw.mean((0, 2, 3)))
        self.latent_std.copy_(mean_BChw.std((0, 2, 3)))


class ResidualBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gain.to(x.dtype) * self.conv2(F.silu(self.conv1(F.silu(x))))


def _blocks(width: int, count: int) -> list[nn.Module]:
    return [ResidualBlock(width) for _ in range(count)]


def _per_channel(values_C: Tensor, like: Tensor) -> Tensor:
    return values_C.to(like.dtype)[:, None, None]


def check_frame_size(height: int, width: int) -> None:
    """WorldsimError naming the nearest sizes when frames cannot be cut into latents."""
    stride = SPATIAL_STRIDE
    if height % stride or width % stride or min(height, width) < stride:
        near = [max(stride, round(side / stride) * stride) for side in (height, width)]
        raise WorldsimError(
            f"frames of {height}x{width} cannot be encoded: both sides must be multiples of {stride}; "
            f"the nearest size is {near[0]}x{near[1]}"
        )


def load_vae(path: Path) -> VAE:
    """An autoencoder from its weights file, in float32; DamagedFileError when the file cannot be read."""
    header = read_header(path)
    if header["class"] != "VAE":
        raise DamagedFileError(f"{path} holds a {header['class']}, not a VAE.")
    config = header["config"]
    vae = VAE(VAEConfig(**{**config, "widths": tuple(config["widths"])}))
    load_weights(path, vae)
    return channels_last(vae).eval()


def channels_last(vae: VAE) -> VAE:
    return vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def to_signed(frames_BHW3: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 frames (B, H, W, 3) to (B, 3, H, W) in [-1, 1], channels-last in memory (fastest on CPU)."""
    return (frames_BHW3.to(dtype) / 127.5 - 1).permute(0, 3, 1, 2)


def to_uint8(x_B3HW: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] to uint8 frames (B, H, W, 3), rounded and clipped."""
    return ((x_B3HW.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()

"""How little a network expected what a clip shows: its denoising loss of each frame, given the real frames before it.

A frame is noised to a few levels, and the loss is how far the network's clean prediction is from the frame, in latents.
After the diffusion loss as a likelihood (Ho et al. 2020) and violation of expectation in V-JEPA (Garrido et al. 2025).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.diffusion.flow import add_noise

# Little noise asks for looks, pure noise for what comes next.
LEVELS = (0.4, 0.7, 1.0)


class Denoises(Protocol):
    """The network's clean prediction (B, C, h, w) of a noised latent at a level, in its present context."""

    def __call__(self, sample_BChw: Tensor, level: float) -> Tensor: ...


Heard = Callable[[Tensor, Tensor, Denoises], None]  # a frame's latent, its noise, and who can denoise it


class Surprise:
    """Hears frame after frame of clips as they are read and keeps the mean loss over LEVELS."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []

    def hear(self, latent_BChw: Tensor, noise_BChw: Tensor, denoise: Denoises) -> None:
        losses = []
        for level in LEVELS:
            sample_BChw = add_noise(latent_BChw, noise_BChw, torch.full_like(latent_BChw[:, 0, 0, 0], level))
            losses.append(((denoise(sample_BChw, level) - latent_BChw) ** 2).mean((1, 2, 3)))
        self._losses.append(torch.stack(losses).mean(0))

    def per_frame(self) -> NDArray[np.float64]:
        """Of each frame (B, T); the first, before which there was nothing, has none."""
        heard_BT = torch.stack(self._losses, 1).double().cpu().numpy()
        return np.pad(heard_BT, ((0, 0), (1, 0)))

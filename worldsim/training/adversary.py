"""The adversarial term of an autoencoder: a small network judges patches, real or decoded.

Hinge loss and an adaptive weight, as in VQGAN (Esser et al. 2021): the term's gradient at the decoder's last layer is
held at ``weight`` times that of the reconstruction. Spectral norm (Miyato et al. 2018) in place of batch statistics.

Legend: N frames, H and W pixels, h and w patches.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_LARGEST_WEIGHT = 1e4


class PatchDiscriminator(nn.Module):
    """Frames (N, 3, H, W) to how real each of their patches looks (N, 1, h, w), each seen through 22 x 22 pixels."""

    def __init__(self, width: int = 32):
        super().__init__()
        widths = (3, width, 2 * width)
        self.down = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(widths))
        self.judge = spectral_norm(nn.Conv2d(2 * width, 2 * width, 3, padding=1))
        self.out = nn.Conv2d(2 * width, 1, 1)

    def forward(self, x_N3HW: Tensor) -> Tensor:
        for layer in (*self.down, self.judge):
            x_N3HW = F.leaky_relu(layer(x_N3HW), 0.2)
        return self.out(x_N3HW)


class Adversary:
    """A discriminator and its optimiser, trained beside the autoencoder from step ``start`` on."""

    def __init__(self, weight: float, start: int, lr: float, width: int = 32):
        self.weight, self.start = weight, start
        self.network = PatchDiscriminator(width)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=lr, betas=(0.5, 0.9), weight_decay=0.0)

    def learn(self, real_N3HW: Tensor, decoded_N3HW: Tensor) -> Tensor:
        """One update from real and decoded frames; the hinge loss, 2 where the network cannot tell them apart."""
        self.network.requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
        real, decoded = self.network(torch.cat((real_N3HW, decoded_N3HW.detach()))).chunk(2)
        loss = F.relu(1 - real).mean() + F.relu(1 + decoded).mean()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def term(self, decoded_N3HW: Tensor, reconstruction: Tensor, last_weight: Tensor) -> Tensor:
        """What to add to the loss ``reconstruction``; ``last_weight`` is the kernel of the decoder's last layer."""
        self.network.requires_grad_(False)
        judged = -self.network(decoded_N3HW).mean()
        of_reconstruction, of_judged = (
            torch.autograd.grad(part, last_weight, retain_graph=True)[0].norm() for part in (reconstruction, judged)
        )
        return self.weight * (of_reconstruction / (of_judged + 1e-4)).clamp(max=_LARGEST_WEIGHT).detach() * judged

"""The discriminator learns what decoded frames lack, and its pull is held to a share of the reconstruction's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from worldsim.training.adversary import Adversary


def frames(seed: int) -> torch.Tensor:
    return torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_blur_is_recognised():
    torch.manual_seed(0)
    adversary = Adversary(weight=0.5, start=0, lr=2e-3, width=8)
    losses = [adversary.learn(frames(i), F.avg_pool2d(frames(i), 3, stride=1, padding=1)) for i in range(60)]
    assert losses[0] > 1.8 and losses[-1] < 1.0


def test_the_term_pulls_with_its_share():
    torch.manual_seed(0)
    adversary = Adversary(weight=0.25, start=0, lr=1e-3, width=8)
    last = nn.Conv2d(3, 3, 3, padding=1)
    real, decoded = frames(0), last(frames(1))
    reconstruction = (decoded - real).abs().mean()
    term = adversary.term(decoded, reconstruction, last.weight)
    of_term, of_reconstruction = (
        torch.autograd.grad(part, last.weight, retain_graph=True)[0].norm() for part in (term, reconstruction)
    )
    torch.testing.assert_close(of_term, 0.25 * of_reconstruction, rtol=0.05, atol=0)
    (reconstruction + term).backward()
    assert all(parameter.grad is None for parameter in adversary.network.parameters())

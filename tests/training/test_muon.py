"""Our Muon against PyTorch's, and the iteration it rests on."""

from __future__ import annotations

import torch
from torch import nn

from worldsim.training.muon import Muon, orthogonalise


def test_singular_values_come_near_one():
    matrices = torch.randn(3, 24, 80, generator=torch.Generator().manual_seed(0))
    for batch in (matrices, matrices.mT):
        values = torch.linalg.svdvals(orthogonalise(batch))
        assert values.min() > 0.5 and values.max() < 1.4
        assert torch.linalg.svdvals(batch).max() > 10


def test_steps_are_those_of_torch_muon():
    generator = torch.Generator().manual_seed(1)
    weights = [torch.randn(shape, generator=generator) for shape in ((16, 48), (16, 48), (48, 16))]
    mine = [nn.Parameter(w.clone()) for w in weights]
    theirs = [nn.Parameter(w.clone()) for w in weights]
    ours = Muon(mine, lr=0.02, weight_decay=0.1)
    torchs = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for a, b in zip(mine, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        ours.step()
        torchs.step()
    for start, a, b in zip(weights, mine, theirs, strict=True):
        moved = (b - start).norm()
        assert (a - b).norm() < 0.03 * moved  # both orthogonalise in bfloat16


def test_convolutions_are_matrices_of_their_output_channels():
    kernel = nn.Parameter(torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(2)))
    flat = nn.Parameter(kernel.detach().reshape(8, 36).clone())
    for parameter in (kernel, flat):
        parameter.grad = torch.randn(parameter.numel(), generator=torch.Generator().manual_seed(3)).view_as(parameter)
        Muon([parameter], lr=0.1).step()
    torch.testing.assert_close(kernel.reshape(8, 36), flat)

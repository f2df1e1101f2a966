"""Muon (Jordan et al. 2024): momentum whose matrix is made orthogonal before it is applied.

Matrices of one shape share one batched Newton-Schulz iteration: with a network's many equal layers that is a few large
products where ``torch.optim.Muon`` makes many small ones. Convolution kernels are taken as (out, in * height * width).

Where several processes share the weights (FSDP2), momenta are sharded as these are. A matrix is made orthogonal whole:
its momentum is gathered, one shape at a time, and every process does the same iterations. That costs the traffic of one
more gathering of the weights a step, and the products of the iteration are not divided among the processes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from worldsim.training.processes import sharded_like, whole

# Coefficients and iterations of the quintic Newton-Schulz iteration, from the reference implementation.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
# Updates get the root mean square that AdamW's have, so that one learning rate serves both (Liu et al. 2025).
_RMS_OF_ADAMW = 0.2


class Muon(torch.optim.Optimizer):
    """For parameters of two or more dimensions; Nesterov momentum and decoupled weight decay."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape[0], parameter.shape[1:].numel()].append(parameter)
            for (rows, columns), parameters in by_shape.items():
                momenta = [self._momentum(parameter) for parameter in parameters]
                grads: list[Tensor] = [parameter.grad for parameter in parameters]  # type: ignore[misc]
                torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
                nesterov = torch._foreach_lerp(grads, momenta, group["momentum"])
                updates = orthogonalise(torch.stack([whole(update).reshape(rows, columns) for update in nesterov]))
                scale = group["lr"] * _RMS_OF_ADAMW * max(rows, columns) ** 0.5
                weights: list[Tensor] = list(parameters)
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
                shaped = [
                    sharded_like(update.view(weight.shape), weight)
                    for update, weight in zip(updates.unbind(), weights, strict=True)
                ]
                torch._foreach_add_(weights, shaped, alpha=-scale)

    def _momentum(self, parameter: nn.Parameter) -> Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        return state["momentum_buffer"]


def orthogonalise(matrices_KRC: Tensor) -> Tensor:
    """The matrices (K, R, C) with all singular values brought near one, in float32; the products are in bfloat16."""
    x = matrices_KRC.bfloat16()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).bfloat16()
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return (x.mT if tall else x).float()

"""Reward and termination heads.

Reward is a distribution over symexp-spaced bins with two-hot targets (Dreamer V3, Hafner et al. 2023): it neither
depends on the reward's scale nor averages rare rewards away. Termination is one logit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.layers import Linear

_SYMLOG_LIMIT = 5.0  # rewards up to +-147


def symlog(x: Tensor) -> Tensor:
    return x.sign() * x.abs().log1p()


def symexp(x: Tensor) -> Tensor:
    return x.sign() * x.abs().expm1()


class Heads(nn.Module):
    """Reads a frame's mean token (..., D)."""

    def __init__(self, dim: int, bins: int):
        super().__init__()
        self.hidden = Linear(dim, dim)
        self.reward = Linear(dim, bins)
        self.termination = Linear(dim, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reward logits (..., bins) and termination logit (...)."""
        y = F.silu(self.hidden(x))
        return self.reward(y), self.termination(y).squeeze(-1)


def bin_centres(bins: int, device: torch.device | None = None) -> Tensor:
    return torch.linspace(-_SYMLOG_LIMIT, _SYMLOG_LIMIT, bins, device=device)


def reward_loss(logits: Tensor, reward: Tensor) -> Tensor:
    """Cross-entropy against two-hot targets, elementwise (...,)."""
    bins = logits.shape[-1]
    place = (symlog(reward.float()).clamp(-_SYMLOG_LIMIT, _SYMLOG_LIMIT) + _SYMLOG_LIMIT) / (2 * _SYMLOG_LIMIT)
    place = place * (bins - 1)
    low = place.floor().long().clamp(max=bins - 2)
    upper_share = place - low
    log_p = logits.float().log_softmax(-1)
    at = lambda index: log_p.gather(-1, index[..., None]).squeeze(-1)  # noqa: E731
    return -((1 - upper_share) * at(low) + upper_share * at(low + 1))


def reward_mean(logits: Tensor) -> Tensor:
    """Expected reward (...,) in the game's units."""
    values = symexp(bin_centres(logits.shape[-1], logits.device))
    return (logits.float().softmax(-1) * values).sum(-1)


@torch.no_grad()
def scale_logits(
    heads: Heads, reward_scale: float, nothing_bias: float, termination_scale: float, termination_bias: float
) -> None:
    """Calibrate: all logits times their scale, plus a bias on "no reward" and on "it ends".

    That is Platt scaling (1999) for the two events. It is folded into the last layers, so that the calibrated
    heads are ordinary heads.
    """
    assert heads.reward.bias is not None
    heads.reward.weight.mul_(reward_scale)
    heads.reward.bias.mul_(reward_scale)
    heads.reward.bias[heads.reward.out_features // 2] += nothing_bias
    heads.termination.weight.mul_(termination_scale)
    heads.termination.bias.mul_(termination_scale).add_(termination_bias)

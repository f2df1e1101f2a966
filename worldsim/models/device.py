"""Where networks run."""

from __future__ import annotations

import torch
from torch import nn

from worldsim.core.errors import WorldsimError


def find_device(name: str) -> torch.device:
    """The device called ``name``: "cpu", "cuda", "cuda:1", ...; WorldsimError where there is none."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        have = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise WorldsimError(
            f"device={name!r} cannot be used here; there is {', '.join(have)}. ({_first(error)})"
        ) from error
    return device


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are, or its buffers where it has nothing else."""
    return next(iter(network.state_dict().values())).device


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

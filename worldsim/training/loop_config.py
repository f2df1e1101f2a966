"""Settings of the training loop, which every recipe has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import derive_seed
from worldsim.models.device import find_device
from worldsim.training.trackers import TRACKERS

LOG_EVERY = 10


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """Settings every recipe has; recipes extend it."""

    steps: int = 4000  # optimiser steps in all; a longer or shorter run may go on from the same folder
    batch: int = 4  # clips (simulator) or frames (vae) a step
    lr: float = 1e-3  # learning rate after warm-up
    warmup: int = 100  # steps until the learning rate is reached
    decay_share: float = 0.3  # of all steps, at the end, linearly to zero
    weight_decay: float = 0.01  # decoupled, as in AdamW
    optimizer: str = "adamw"  # adamw, or muon: matrices by Muon, the rest by AdamW
    ema: float = 0.998  # of the weights, a step; the average is what is saved
    precision: str = "bfloat16"  # of activations; weights and optimiser stay float32
    save_every: int = 200  # steps between states to go on from
    tracker: str = "tensorboard"  # curves beside rows.jsonl: tensorboard (in OUT/tensorboard), wandb or none
    seed: int = 0  # root of every random stream of the run
    device: str = "cpu"  # where it is trained, such as cuda; the random numbers of a step are those of that device
    threads: int = 0  # of the CPU; 0 is PyTorch's own choice; 1 where other work shares the machine

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "lr", "save_every"):
            if getattr(self, name) <= 0:
                raise WorldsimError(f"{name}={getattr(self, name)} must be positive.")
        if self.save_every % LOG_EVERY:
            raise WorldsimError(f"save_every={self.save_every} must be a multiple of {LOG_EVERY}.")
        if not 0 <= self.decay_share <= 1 or not 0 <= self.ema < 1:
            raise WorldsimError(f"decay_share={self.decay_share} and ema={self.ema} must be in [0, 1].")
        if self.optimizer not in ("adamw", "muon"):
            raise WorldsimError(f"optimizer={self.optimizer!r} is not known; use 'adamw' or 'muon'.")
        if self.tracker not in TRACKERS:
            raise WorldsimError(f"tracker={self.tracker!r} is not known; use {', '.join(TRACKERS)}.")
        if self.precision not in ("bfloat16", "float32"):
            raise WorldsimError(f"precision={self.precision!r} is not known; use 'bfloat16' or 'float32'.")
        find_device(self.device)

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    def random_numbers(self, name: str, step: int) -> torch.Generator:
        """The random numbers of a step of the stream ``name``."""
        return torch.Generator(self.device).manual_seed(derive_seed(self.seed, name, step))

    def bought(self, compute: float, flops_per_step: float) -> Self:
        """The same with as many steps as ``compute`` FLOPs buy, and a warm-up and a moving average that fit into them.

        Raises WorldsimError where they do not buy one step.
        """
        steps = round(compute / flops_per_step)
        if steps < 1:
            raise WorldsimError(
                f"compute={compute:.3g} is less than one step of {flops_per_step:.3g} FLOPs; raise it, or lower batch= "
                "or the size of the network."
            )
        return replace(
            self,
            steps=steps,
            warmup=min(self.warmup, max(1, steps // 10)),
            ema=min(self.ema, 1 - 1 / max(10, steps / 20)),
        )

    def learning_rate(self, step: int) -> float:
        """Warm-up, constant, linear decay."""
        decay_steps = max(1, round(self.steps * self.decay_share))
        return self.lr * min((step + 1) / max(1, self.warmup), 1.0, (self.steps - step) / decay_steps)

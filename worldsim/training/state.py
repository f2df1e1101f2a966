"""The state of a training run on disk: one safetensors file of plain tensors, whatever the number of processes.

``model.*`` are weights, ``ema.*`` their moving average, ``opponent.*`` the weights of a second network,
``optimizer.N.I.*`` what optimiser N keeps of its parameter I. Sharded tensors are gathered one after another and kept
by process 0 alone; every process reads the file and keeps its shards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from worldsim.core.errors import DamagedFileError
from worldsim.core.records import write_atomic
from worldsim.training.processes import rank, sharded_like, whole

FILE = "state.safetensors"


class TrainingState:
    """What changes in a run: networks, the moving average, which is the caller's to update, and optimisers."""

    def __init__(self, model: nn.Module, opponent: nn.Module | None, optimizers: Sequence[torch.optim.Optimizer]):
        self.model, self.opponent, self.optimizers = model, opponent, list(optimizers)
        self.ema = {name: value.detach().clone() for name, value in model.named_parameters()}

    def save(self, folder: Path, numbers: dict[str, Tensor]) -> dict[str, Tensor]:
        """Write it with ``numbers``; every process must call it, and process 0 writes. The moving average, whole."""
        parts = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        parts |= {f"ema.{name}": value for name, value in self.ema.items()}
        if self.opponent is not None:
            parts |= {f"opponent.{name}": value for name, value in self.opponent.state_dict().items()}
        for number, optimizer in enumerate(self.optimizers):
            for index, state in optimizer.state_dict()["state"].items():
                parts |= {f"optimizer.{number}.{index}.{name}": torch.as_tensor(v) for name, v in state.items()}
        tensors = dict(numbers)
        for name, value in parts.items():
            gathered = whole(value.detach())
            if rank() == 0:
                tensors[name] = gathered.contiguous()
        if rank() == 0:
            write_atomic(folder / FILE, save(tensors))
        return _part(tensors, "ema.")

    def load(self, folder: Path) -> dict[str, Tensor]:
        """Take it over from ``folder``; the numbers it was saved with. Raises DamagedFileError."""
        try:
            tensors = load_file(folder / FILE)
        except (SafetensorError, OSError) as error:
            raise DamagedFileError(f"{folder / FILE} is damaged ({error}); delete {folder} and train anew.") from error
        self.model.load_state_dict(_like(_part(tensors, "model."), self.model.state_dict()))
        average = _part(tensors, "ema.")
        self.ema = {name: sharded_like(average[name], own) for name, own in self.ema.items()}
        if self.opponent is not None:
            self.opponent.load_state_dict(_part(tensors, "opponent."))
        for number, optimizer in enumerate(self.optimizers):
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _part(tensors, f"optimizer.{number}.").items():
                index, name = key.split(".", 1)
                parameter = parameters[int(index)]
                own = value.shape == parameter.shape  # what is counted, such as AdamW's steps, stays on the CPU
                kept = sharded_like(value, parameter) if own else value
                state.setdefault(int(index), {})[name] = kept
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        return tensors


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _like(values: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: sharded_like(value, own[name]) if name in own else value for name, value in values.items()}

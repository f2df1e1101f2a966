"""Where the curves of a run can be watched: TensorBoard, Weights & Biases, or nowhere.

A tracker sees what ``rows.jsonl`` and the progress line say and the sample pictures. The truth is ``rows.jsonl``: a
tracker whose package is missing is told of once and left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import MissingDependencyError
from worldsim.core.records import content_hash

TRACKERS = ("tensorboard", "wandb", "none")


class NoTracker:
    """Forgets everything; the others are called the same."""

    def log(self, step: int, values: dict[str, float]) -> None:
        """Values by name."""

    def show(self, step: int, image: NDArray[np.uint8]) -> None:
        """A sample picture (H, W, 3) RGB."""

    def close(self) -> None:
        """Write what is left."""


class TensorBoard(NoTracker):
    """Event files in ``folder/tensorboard``; what an earlier process wrote of later steps than ``step`` is left out."""

    def __init__(self, folder: Path, settings: dict[str, Any], step: int):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingDependencyError("tensorboard", "train", "tracker=tensorboard") from error
        self._writer = SummaryWriter(folder / "tensorboard", purge_step=step + 1)

    def log(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def show(self, step: int, image: NDArray[np.uint8]) -> None:
        self._writer.add_image("sample", image, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases(NoTracker):
    """A run of the project "worldsim" whose id is of the folder, so that a run that goes on is one; set WANDB_MODE and
    the rest as W&B says."""

    def __init__(self, folder: Path, settings: dict[str, Any], step: int):
        try:
            import wandb
        except ImportError as error:
            raise MissingDependencyError("wandb", "", "tracker=wandb") from error
        self._wandb = wandb
        self._run = wandb.init(
            project="worldsim",
            name=folder.name,
            id=content_hash(str(folder.resolve())),
            resume="allow",
            dir=str(folder),
            config=settings,
        )

    def log(self, step: int, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def show(self, step: int, image: NDArray[np.uint8]) -> None:
        self._run.log({"sample": self._wandb.Image(image)}, step=step)

    def close(self) -> None:
        self._run.finish()


def open_tracker(name: str, folder: Path, settings: dict[str, Any], step: int, say: Callable[[str], None]) -> NoTracker:
    """The tracker of the run in ``folder``, which goes on from ``step``."""
    kinds = {"tensorboard": TensorBoard, "wandb": WeightsAndBiases, "none": None}
    kind = kinds[name]
    if kind is None:
        return NoTracker()
    try:
        return kind(folder, settings, step)
    except MissingDependencyError as error:
        say(f"{error} The curves are in {folder / 'rows.jsonl'} alone; tracker=none says no more of it.")
        return NoTracker()

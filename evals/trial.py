"""One scenario as a simulator answered it: the real branches beside the dreamt ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.metrics import metric_entry
from evals.scenarios import Case
from worldsim.core.types import Frames


@dataclass(frozen=True)
class DreamBranch:
    """What a simulator answered to the H actions of one branch."""

    frames: Frames  # (H, h, w, 3)
    rewards: NDArray[np.float32]  # (H,)
    termination_prob: NDArray[np.float32]  # (H,)


@dataclass(frozen=True)
class Trial:
    """A case and one simulator's dream of it, branch by branch."""

    case: Case
    dream: dict[str, DreamBranch]
    surprise: NDArray[np.float64] | None = None  # at each frame of the case's clips (N, T), where it has some
    surprise_reason: str = "nobody was asked"  # why there is none

    @property
    def start(self) -> Frames:
        """The frame (h, w, 3) at which every branch starts."""
        return self.case.context_frames[-1]

    def branches(self) -> Iterable[tuple[Frames, Frames]]:
        """Real and dreamt frames (H, h, w, 3) of each branch."""
        return [(self.case.real[name].frames, self.dream[name].frames) for name in self.case.scenario.branches]


@dataclass
class Measurement:
    """A suite's verdict on one trial: numbers, why some are missing, and curves over the horizon."""

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # metric -> why its value is NaN
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    files: dict[str, Callable[[Path], None]] = field(default_factory=dict)  # for people: name -> what writes it

    def add(self, metric: str, value: float, reason: str = "") -> None:
        """A value, or NaN and why; UnknownNameError for a metric that is not registered."""
        metric_entry(metric)
        self.values[metric] = float(value)
        if reason:
            self.reasons[metric] = reason
        assert np.isfinite(value) or reason, f"{metric} is not a number and no reason is given"

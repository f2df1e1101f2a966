"""How the models were trained: records and loss traces, from training runs and from packed checkpoints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from reports.labels import distinct_parts
from reports.plots import Point, Series
from reports.runs import Run
from worldsim.core.errors import DamagedFileError
from worldsim.core.records import read_json, read_rows

PACKED = "training.json"  # of a packed checkpoint: the record of every part, with its loss trace
CURVE_POINTS = 90


@dataclass(frozen=True)
class Stage:
    """One training run: of a part of a model ("vae", "simulator", ...); ``models`` are the labels it belongs to."""

    part: str
    record: Mapping[str, Any] = field(repr=False)
    trace: Sequence[Mapping[str, Any]] = field(repr=False)
    models: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """ "simulator" of "simulator, stage 2"."""
        return self.part.partition(",")[0]

    @property
    def train_flops(self) -> float:
        return float(self.record.get("model", {}).get("train_flops") or 0)

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it one and the same run, wherever its record was found."""
        return (self.record.get("started_utc"), self.record.get("name"), self.train_flops)


def is_training(folder: Path) -> bool:
    """Whether a folder holds a training run or a packed checkpoint."""
    if (folder / PACKED).is_file():
        return True
    record = folder / "record.json"
    return record.is_file() and isinstance(found := read_json(record), dict) and found.get("kind") == "train"


def load_stages(folder: Path) -> list[Stage]:
    """The stages of a training run's folder or of a packed checkpoint; DamagedFileError for one that is neither."""
    if (folder / PACKED).is_file():
        packed = read_json(folder / PACKED)
        if not isinstance(packed, dict) or not all(isinstance(record, dict) for record in packed.values()):
            raise DamagedFileError(f"{folder / PACKED} is not a training record; pack the checkpoint again.")
        return [Stage(part, record, record.get("loss_trace", [])) for part, record in packed.items()]
    record = read_json(folder / "record.json")
    part = str(record.get("config", {}).get("recipe", "simulator"))
    return [Stage(part, record, read_rows(folder / "rows.jsonl"))]


def find_stages(runs: Sequence[Run], given: Sequence[Path], checkpoints: Mapping[str, Path]) -> list[Stage]:
    """Every known stage once, with the models it belongs to.

    A model's are those packed with its checkpoint, which ``checkpoints`` has by hash; ``given`` training runs and
    checkpoints add to them. Such a run belongs to the model that was packed from it, else to the one whose label is a
    folder on its path, else to none and goes by its own name.
    """
    found: dict[tuple[Any, ...], Stage] = {}
    for label, folder in _checkpoint_folders(runs, checkpoints):
        _add(found, load_stages(folder), (label,))
    labels = list(dict.fromkeys(label for run in runs for label in run.labels.values()))
    own_names = distinct_parts([[folder.resolve()] for folder in given])
    for folder, name in zip(given, own_names, strict=True):
        on_path = tuple(label for label in labels if label in folder.resolve().parts)
        stages = load_stages(folder)
        known = any(stage.key in found for stage in stages)
        _add(found, stages, () if known else on_path or (name or folder.name,))
    return list(found.values())


def _add(found: dict[tuple[Any, ...], Stage], stages: Iterable[Stage], models: tuple[str, ...]) -> None:
    """Add the models of each stage; of two traces of one run the longer stays."""
    for stage in stages:
        before = found.get(stage.key, stage)
        trace = max(before.trace, stage.trace, key=len)
        found[stage.key] = replace(before, trace=trace, models=tuple(dict.fromkeys((*before.models, *models))))


def _checkpoint_folders(runs: Sequence[Run], checkpoints: Mapping[str, Path]) -> list[tuple[str, Path]]:
    found = {label: str(run.facts(name).get("checkpoint_hash")) for run in runs for name, label in run.labels.items()}
    return [(label, checkpoints[checkpoint]) for label, checkpoint in found.items() if checkpoint in checkpoints]


def stages_of(stages: Sequence[Stage], label: str) -> list[Stage]:
    return [stage for stage in stages if label in stage.models]


def loss_series(stages: Sequence[Stage], kind: str) -> list[Series]:
    """Loss against FLOPs spent in one kind of part: a line for each model, or for those that share all its stages.

    Traces are averaged within bins of equal ratio; stages follow each other.
    """
    sharing: dict[tuple[int, ...], list[str]] = {}
    for label in dict.fromkeys(label for stage in stages if stage.kind == kind for label in stage.models):
        places = tuple(i for i, stage in enumerate(stages) if stage.kind == kind and label in stage.models)
        sharing.setdefault(places, []).append(label)
    lines = []
    for places, labels in sharing.items():
        points = _spent([stages[place] for place in places])
        if points:
            lines.append(Series(", ".join(labels), "model", _binned(points)))
    return lines


def _spent(stages: Sequence[Stage]) -> list[tuple[float, float]]:
    """FLOPs and loss along stages that follow each other; what a logarithm does not take is left out."""
    spent, points = 0.0, []
    for stage in stages:
        steps = max([int(stage.record.get("completed") or 0), *(int(row["step"]) for row in stage.trace)])
        for row in stage.trace:
            place, loss = spent + stage.train_flops * row["step"] / max(1, steps), float(row.get("loss") or 0)
            if place > 0 and 0 < loss < math.inf:
                points.append((place, loss))
        spent += stage.train_flops
    return points


def _binned(points: Sequence[tuple[float, float]]) -> list[Point]:
    xs, ys = (np.array(column) for column in zip(*points, strict=True))
    edges = np.geomspace(xs.min(), xs.max() * (1 + 1e-9), CURVE_POINTS)
    places = np.searchsorted(edges, xs)
    nan = float("nan")
    return [
        Point(float(xs[places == bin_].mean()), float(ys[places == bin_].mean()), nan, nan)
        for bin_ in np.unique(places)
    ]

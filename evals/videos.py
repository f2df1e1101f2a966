"""Videos of trials: the game and the dream, branch by branch, for people to look at.

Frame 0 is where the branches start and frame h is what the h-th action led to, so a scrubber's place is a horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from evals.cases import slug
from evals.trial import Trial
from worldsim.core.types import Frames

SHOWN_PX = 192  # small frames are enlarged to about this height, else H.264 takes their colours away
THREADS = 2  # a video each, side by side


def write_videos(out: Path, trial: Trial, simulator: str, written: set[str]) -> dict[str, str]:
    """Write the videos of a trial and return their paths in ``out``: "real", "dream", or "real_a", "dream_a", ...

    Videos of the game are the same for every simulator; those in ``written`` are there already.
    """
    scenario, stem = trial.case.scenario, _stem(trial)
    paths: dict[str, str] = {}
    jobs: list[tuple[Path, Frames, Frames, float]] = []
    for name in scenario.branches:
        ending = f"_{name}" if len(scenario.branches) > 1 else ""
        real, dream = f"{stem}-real{ending}.mp4", f"{stem}-{slug(simulator)}-dream{ending}.mp4"
        if real not in written:
            jobs.append((out / real, trial.start, trial.case.real[name].frames, trial.case.fps))
            written.add(real)
        jobs.append((out / dream, trial.start, trial.dream[name].frames, trial.case.fps))
        paths |= {f"real{ending}": real, f"dream{ending}": dream}
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(_write, *zip(*jobs, strict=True)))
    return paths


def write_files(out: Path, trial: Trial, simulator: str, files: Mapping[str, Callable[[Path], None]]) -> dict[str, str]:
    """Write what a suite offers to look at of a trial, beside its videos, and return the paths in ``out`` by name."""
    paths = {name: f"{_stem(trial)}-{slug(simulator)}-{name}" for name in files}
    for name, write in files.items():
        write(out / paths[name])
    return paths


def _stem(trial: Trial) -> str:
    scenario = trial.case.scenario
    return f"videos/{scenario.suite}/{slug(scenario.env_id)}/{scenario.index:04d}"


def _write(path: Path, start: Frames, frames: Frames, fps: float) -> None:
    from worldsim.core.video import write_video

    scale = max(1, round(SHOWN_PX / start.shape[0]))
    write_video(path, np.concatenate([start[None], frames]), fps, scale=scale)

"""Real evaluation runs in the real voxel game; the 'models' are the game itself seen through ever thicker fog."""

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import json
import shutil

import cv2
import numpy as np
import pytest

from evals.controls.oracle import Oracle
from evals.games import RealGames
from evals.run import evaluate
from worldsim.core.types import Prediction

GAME = ("voxel/arena", {})
SHORT = {"prefix_steps": [8, 16], "context_frames": 8}
OVERRIDES = {
    "control": {"horizon": 12, **SHORT},
    "drift": {"horizon": 24, "horizons": [1, 8, 24], "independent_episodes": 2, **SHORT},
}
SCENARIOS = 6


class Foggy(Oracle):
    """The real game, blurred and noisy in proportion to ``fog`` and the age of the dream; fails for the given seeds."""

    def __init__(self, name, fog, train_flops, fails_for=()):
        super().__init__(RealGames())
        self.name, self.fog, self.train_flops, self.fails_for = name, fog, train_flops, fails_for

    def describe(self):
        return {
            "kind": "foggy",
            "checkpoint": self.name,
            "checkpoint_hash": f"hash of {self.name}",
            "params": 9_500_000,
            "train_flops": self.train_flops,
            "fog": self.fog,
        }

    def rollout(self, state, actions):
        if any(slot.origin.seed in self.fails_for for slot in state):
            raise MemoryError("the fog <is> too thick")
        real = super().rollout(state, actions)
        noise = np.random.default_rng(0).normal(0, 1, real.frames.shape[2:])
        dreamed = np.empty_like(real.frames)
        for slot, age in np.ndindex(real.frames.shape[:2]):
            strength = self.fog * (age + 1) ** 0.5
            soft = cv2.GaussianBlur(real.frames[slot, age], (0, 0), 0.01 + strength)
            dreamed[slot, age] = np.clip(soft + 6 * strength * noise, 0, 255)
        return Prediction(dreamed, real.reward, real.termination_prob)

    def reconstruct(self, frames):
        return np.stack([cv2.GaussianBlur(frame, (0, 0), 0.5) for frame in frames])


def run_eval(simulator, out, **settings):
    evaluate(
        [(simulator, "model")],
        ["control", "drift"],
        [GAME],
        out,
        limit=SCENARIOS,
        config={"simulator": simulator.name, "limit": SCENARIOS},
        config_as_typed=[f"simulator={simulator.name}", "suite=[control,drift]"],
        cache=out.parent / "cache",
        **{"overrides": OVERRIDES, "videos": 4, **settings},
    )
    return out


def read_lines(folder):
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """Two runs on the same scenarios: "voxel-base", and "voxel-4x" in thinner fog, which fails one scenario."""
    root = tmp_path_factory.mktemp("runs")
    base = run_eval(Foggy("voxel-base", 0.5, 2e14), root / "voxel-base")
    (seed,) = {
        row["game_seed"] for row in read_lines(base) if row["scenario"].endswith("5") and row["suite"] == "drift"
    }
    large = run_eval(Foggy("voxel-4x", 0.2, 8e14, {seed}), root / "voxel-4x")
    return base, large


@pytest.fixture
def runs(evaluated, tmp_path):
    """A copy of the two runs that a test may damage."""
    return [shutil.copytree(folder, tmp_path / "runs" / folder.name) for folder in evaluated]

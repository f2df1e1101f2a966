"""A null that has learned everything by heart: what followed the most similar moment of the training data."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Episode, Frames

EPISODES = 300  # of the data are searched
SIDE = 8  # pixels a side of the small pictures that are compared
BEFORE = 4  # frames; the moment is compared by its last frame and by the one so long before
CANDIDATES = 32  # moments most similar to look at, of which the one with the most similar actions is taken


class TrainingData(Protocol):
    """A recorded table, as worldsim.data reads it."""

    @property
    def env_id(self) -> str: ...
    @property
    def content_key(self) -> str: ...
    def __len__(self) -> int: ...
    def read_episode(self, index: int) -> Episode: ...


class NearestTrainingClip:
    """Looks for the moment of the training data with pictures, then actions, nearest to a branch's, and plays it on."""

    name = "nearest_training_clip"

    def __init__(self, data: TrainingData):
        self._data = data
        self._small: NDArray[np.float32] | None = None  # (N, SIDE * SIDE * 3), of all frames
        self._places = np.zeros((0, 3), np.int64)  # (N, 3): episode, frame, frames of the episode after it
        self._actions: list[NDArray[np.float32]] = []

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1, "data": self._data.content_key}

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        """Raises WorldsimError where no episode of the data is long enough."""
        horizon, found = case.scenario.horizon, {}
        zeros = np.zeros(horizon, np.float32)
        for name, actions in case.scenario.branches.items():
            episode, frame = self._nearest(case.contexts.get(name, case.context_frames), actions)
            frames = self._data.read_episode(episode).frames[frame + 1 : frame + 1 + horizon]
            found[name] = DreamBranch(frames, zeros, zeros.copy())
        return found

    def _nearest(self, context: Frames, actions: NDArray[np.float32]) -> tuple[int, int]:
        small = self._read()
        usable = (self._places[:, 1] >= BEFORE) & (self._places[:, 2] >= len(actions))
        rows = np.flatnonzero(usable)
        if rows.size == 0:
            raise WorldsimError(
                f"no episode of the training data is longer than {BEFORE + len(actions)} frames; record longer ones."
            )
        last, before = _small(context[[-1, max(-len(context), -1 - BEFORE)]])
        distance = ((small[rows] - last) ** 2).sum(1) + ((small[rows - BEFORE] - before) ** 2).sum(1)
        likely = rows[np.argsort(distance, kind="stable")[:CANDIDATES]]
        scale = np.maximum(1e-6, np.abs(actions).max(0))
        apart = []
        for row in likely:
            episode, frame, _ = self._places[row].tolist()
            apart.append(
                float((((self._actions[episode][frame : frame + len(actions)] - actions) / scale) ** 2).mean())
            )
        episode, frame, _ = self._places[likely[int(np.argmin(apart))]].tolist()
        return episode, frame

    def _read(self) -> NDArray[np.float32]:
        """Small pictures of all frames, made when first needed."""
        if self._small is None:
            pictures, places = [], []
            for number in range(min(EPISODES, len(self._data))):
                episode = self._data.read_episode(number)
                count = len(episode.frames)
                pictures.append(_small(episode.frames))
                places += [(number, t, count - 1 - t) for t in range(count)]
                self._actions.append(episode.actions)
            self._small, self._places = np.concatenate(pictures), np.array(places)
        return self._small


def _small(frames: Frames) -> NDArray[np.float32]:
    """Frames (N, H, W, 3) as (N, SIDE * SIDE * 3)."""
    resized = [cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack(resized).reshape(len(frames), -1).astype(np.float32)

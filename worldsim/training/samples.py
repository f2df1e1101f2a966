"""A look at what a simulator has learned so far: a recording and its dream side by side, at each save of a run."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.core.seeding import stream
from worldsim.core.types import Context
from worldsim.core.video import contact_sheet, write_video
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import Autoencoder
from worldsim.models.device import device_of
from worldsim.models.dit import DiT, DiTConfig
from worldsim.simulators.checkpoints import Checkpoint
from worldsim.simulators.dit import DiTSimulator

_CONTEXT = 4  # frames that are given
_SCALE = 3


class _Unsaved(Checkpoint):
    """The weights of the moment, which are in no file."""

    @property
    def hash(self) -> str:
        return ""


class Samples:
    """Dreams ``frames`` frames of one recorded episode, always from the same noise, into ``out/samples``.

    ``about`` is what ``config.json`` will say of the checkpoint. No random stream of training is touched.
    """

    def __init__(
        self, table: EpisodeTable, autoencoder: Autoencoder, model: DiTConfig, about: dict[str, Any], frames: int,
        dtype: torch.dtype, seed: int, out: Path,
    ):  # fmt: skip
        self._checkpoint, self._out, self._fps, self._dtype = _Unsaved(out.name, out, about), out, table.fps, dtype
        self._autoencoder = copy.deepcopy(autoencoder).to(dtype)
        with torch.random.fork_rng(devices=[]):
            self._model = DiT(model).eval().to(device_of(autoencoder))
        lengths = table.episodes.lengths
        long = np.flatnonzero(lengths >= min(_CONTEXT + frames, lengths.max()))
        episode = int(stream(seed, "sample").choice(long))
        taken = int(min(_CONTEXT + frames, lengths[episode]))
        self._frames, self._actions, _, _ = table.read_clip(episode, 0, taken)

    @torch.no_grad()
    def __call__(self, step: int, weights: Mapping[str, Tensor]) -> NDArray[np.uint8]:
        """Write ``samples/step_N.mp4``, recording left and dream right, with these weights by their names; the frames
        as one picture (H, W, 3), recording above dream."""
        for name, parameter in self._model.named_parameters():
            parameter.copy_(weights[name])
        model = copy.deepcopy(self._model).to(self._dtype)
        context_noise = self._checkpoint.config["context_noise"]
        simulator = DiTSimulator(self._checkpoint, self._autoencoder, model, 1, context_noise)
        given = min(_CONTEXT, len(self._frames) - 1)
        state = simulator.reset([Context(self._frames[:given], self._actions[: given - 1])], [""], [0])
        dreamed = []
        for action in self._actions[given - 1 :]:
            state, prediction = simulator.step(state, action[None])
            dreamed.append(prediction.frames[0])
        dream = np.concatenate((self._frames[:given], np.stack(dreamed)))
        write_video(
            self._out / "samples" / f"step_{step:06d}.mp4", np.concatenate((self._frames, dream), 2), self._fps, _SCALE
        )
        return contact_sheet([self._frames, dream])

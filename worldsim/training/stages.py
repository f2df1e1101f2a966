"""What a training run takes over from the run folder of an earlier stage, and hands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from worldsim.core.records import read_json
from worldsim.data.store import EpisodeTable
from worldsim.models.attention import JOINT, TARGET
from worldsim.models.checkpoint import fill_weights, read_header
from worldsim.models.dit import DiT, config_from_plain


class EarlierStage:
    """A run folder to start from; "" is none: random weights, no words, nothing computed so far."""

    def __init__(self, folder: str):
        self._weights = Path(folder) / "dit.safetensors" if folder else None
        self._network = config_from_plain(read_header(self._weights)["config"]) if self._weights else None
        self._about: dict[str, Any] = read_json(Path(folder) / "config.json") if folder else {}

    @property
    def words(self) -> tuple[str, ...]:
        """Of its text encoder; they keep their places, and so their embeddings."""
        return self._network.text.words if self._network and self._network.text else ()

    @property
    def train_flops(self) -> float:
        return float(self._about.get("train_flops", 0.0))

    def give_weights(self, model: DiT) -> None:
        """What the stage could not do yet, such as reading text, begins as in a new network."""
        if self._weights is None or self._network is None:
            return
        fill_weights(self._weights, model)
        if model.config.joint and not self._network.joint:
            with torch.no_grad():  # a joint frame is denoised much as a target is
                model.kind[JOINT].copy_(model.kind[TARGET])

    def data_with(self, tables: Sequence[EpisodeTable]) -> list[dict[str, Any]]:
        """What the stages so far and a run on ``tables`` were trained on."""
        earlier: list[dict[str, Any]] = self._about.get("data", [])
        return earlier + [told for told in map(_describe, tables) if told not in earlier]


def _describe(table: EpisodeTable) -> dict[str, Any]:
    """What a table holds and how it was made; together with the game that is enough to record it again."""
    info = asdict(table.info)
    kept = {key: info[key] for key in ("env_id", "env_kwargs", "policy", "split", "seed", "max_steps")}
    return {**kept, "episodes": len(table), "frames": int(table.episodes.lengths.sum())}

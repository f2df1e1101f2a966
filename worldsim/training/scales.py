"""What a compute buys: the sizes and the recipe of a simulator and its autoencoder, for base, 4x and 32x the compute.

The rule was fitted in a small sweep (``benchmarks/scaling.py``, docs/experiments.md): parameters grow as a power of the
compute, as in Hoffmann et al. 2022, and the rest of it goes into steps. What is compared across scales beside size is
memory: the window of attention is the scale's, whatever the compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.models.autoencoders import VAE, VAEConfig
from worldsim.models.flops import autoencoder_training_flops
from worldsim.training.loop_config import LoopConfig
from worldsim.training.tables import open_tables
from worldsim.training.vae import VAETrainConfig

Config = TypeVar("Config", bound=LoopConfig)

# Parameters of the blocks at 1e14 FLOPs, and how they grow with the compute.
_PARAMS_AT_1E14, _PARAMS_POWER = 1.15e6, 0.6
_HEAD_WIDTH = 64
_WIDTH_PER_BLOCK = 32
_LR_TIMES_WIDTH, _LR_MOST = 0.512, 4e-3
_CLIPS, _CLIPS_UP_TO = 4, 4e14  # a step; beyond that compute more of them: Muon's own products are shared by them
_FRAMES_BEYOND_WINDOW = 4  # of a training clip: what leaves the window is met in training
# Of the autoencoder, from a compute on: widths and residual blocks a stage.
_AUTOENCODERS = ((0.0, (24,), 1), (3e14, (32,), 1), (2e15, (48,), 2))
_AUTOENCODER_STEPS = 600  # which smaller batches buy where compute is short
_AUTOENCODER_BATCHES = (8, 32)
_SIDE = 64  # pixels of the frames that the rule was fitted on

AUTOENCODER_SHARE, AUTOENCODER_MOST = 0.1, 1e15  # of the simulator's compute, beside it, and FLOPs at most


@dataclass(frozen=True)
class Scale:
    """``times`` base's compute, and how many past frames a frame attends to."""

    name: str
    times: int
    window: int

    def simulator(self, compute: float, longest: int) -> dict[str, Any]:
        """Settings of recipe=simulator; base has ``compute`` FLOPs, the longest recording ``longest`` frames."""
        total = self.times * compute
        dim, depth = network_size(total)
        frames = max(2, min(self.window + _FRAMES_BEYOND_WINDOW, longest))
        return {
            "dim": dim,
            "depth": depth,
            "heads": dim // _HEAD_WIDTH,
            "window": max(1, min(self.window, frames - _FRAMES_BEYOND_WINDOW)),
            "frames": frames,
            "batch": round(_CLIPS * max(1.0, total / _CLIPS_UP_TO) ** (1 / 3)),
            "lr": min(_LR_MOST, _LR_TIMES_WIDTH / dim),
            "decay_share": 0.5,
        }

    def autoencoder(self, compute: float) -> dict[str, Any]:
        """Settings of recipe=vae where base has ``compute`` FLOPs; those of its network with "model." before them."""
        total = self.times * compute
        widths, blocks = next((w, b) for least, w, b in reversed(_AUTOENCODERS) if total >= least)
        flops = autoencoder_training_flops(VAE(VAEConfig(widths=widths, blocks=blocks)), _SIDE, _SIDE)
        least, most = _AUTOENCODER_BATCHES
        batch = round(self.autoencoder_flops(compute) / (_AUTOENCODER_STEPS * flops))
        return {"model.widths": widths, "model.blocks": blocks, "batch": max(least, min(most, batch))}

    def autoencoder_flops(self, compute: float) -> float:
        """What the autoencoder may spend."""
        return min(AUTOENCODER_SHARE * self.times * compute, AUTOENCODER_MOST)


SCALES = {scale.name: scale for scale in (Scale("base", 1, 10), Scale("4x", 4, 20), Scale("32x", 32, 40))}


def find_scale(name: str) -> Scale:
    """Raises UnknownNameError."""
    if name not in SCALES:
        raise UnknownNameError("scale", name, SCALES)
    return SCALES[name]


def network_size(compute: float) -> tuple[int, int]:
    """Width and number of blocks for ``compute`` training FLOPs."""
    if compute <= 0:
        raise WorldsimError(f"compute={compute:g} must be positive: training FLOPs, such as 1e14.")
    params = _PARAMS_AT_1E14 * (compute / 1e14) ** _PARAMS_POWER
    ideal = (params * _WIDTH_PER_BLOCK / 12) ** (1 / 3)  # a block has 12 width^2
    dim = _HEAD_WIDTH * max(1, round(ideal / _HEAD_WIDTH))
    return dim, max(2, round(params / (12 * dim**2)))


def scaled(
    config: Config, name: str, compute: float, data: Sequence[str | Path], typed: frozenset[str] = frozenset()
) -> tuple[Config, float]:
    """The settings of a recipe for a scale, save those that somebody ``typed``, and the FLOPs that it may spend.

    ``compute`` is base's, ``data`` are the tables. Raises WorldsimError for an unknown scale, for a compute that is no
    compute, and for tables that cannot be learned from.
    """
    scale = find_scale(name)
    if isinstance(config, VAETrainConfig):
        return _with_settings(config, scale.autoencoder(compute), typed), scale.autoencoder_flops(compute)
    longest = max(int(table.episodes.lengths.max()) for table in open_tables(data, one_action_space=True))
    return _with_settings(config, scale.simulator(compute, longest), typed), scale.times * compute


def _with_settings(config: Config, settings: Mapping[str, Any], typed: frozenset[str]) -> Config:
    """``config`` with the dotted ``settings`` that nobody typed."""
    own = {key: value for key, value in settings.items() if key not in typed}
    inner = {key.removeprefix("model."): own.pop(key) for key in list(own) if key.startswith("model.")}
    if inner:
        own["model"] = replace(config.model, **inner)  # type: ignore[attr-defined]
    return replace(config, **own)

"""Training the reward and termination heads alone, on a simulator whose other weights stay as they are.

Endings and rewards are rare, so each head's batches are drawn with a set share of its events. That makes the heads cry
wolf; a scale and a bias fitted on validation episodes (Platt 1999), where everything is as frequent as in the game,
make their probabilities honest again. The frames of the simulator stay the same to the bit.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.core.rare_events import judge_events
from worldsim.core.records import write_atomic, write_json
from worldsim.core.seeding import derive_seed, stream
from worldsim.data.store import EpisodeTable
from worldsim.models.checkpoint import to_bytes
from worldsim.models.dit import load_dit
from worldsim.models.heads import Heads, reward_loss, reward_mean, scale_logits
from worldsim.simulators import load
from worldsim.text.style import FILE as STYLE_FILE
from worldsim.training.head_features import StepFeatures, table_features
from worldsim.training.loop import Trainer, print_line
from worldsim.training.loop_config import LoopConfig


@dataclass(frozen=True, kw_only=True)
class HeadsTrainConfig(LoopConfig):
    """``batch`` counts steps of recorded episodes, for each head."""

    steps: int = 2000  # optimiser steps in all
    batch: int = 256  # recorded steps an optimiser step
    warmup: int = 50  # steps until the learning rate is reached
    decay_share: float = 0.5  # of all steps, at the end, linearly to zero
    weight_decay: float = 0.05  # decoupled, as in AdamW
    ema: float = 0.99  # of the weights, a step; the average is what is saved
    precision: str = "float32"  # of activations
    event_share: float = 0.25  # of a head's steps are events of its kind: they pay a reward, or end an episode
    dropout: float = 0.2  # of what the heads read

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.event_share < 1:
            raise WorldsimError(f"event_share={self.event_share} must be in [0, 1).")
        if not 0 <= self.dropout < 1:
            raise WorldsimError(f"dropout={self.dropout} must be in [0, 1).")


def train_heads(
    config: HeadsTrainConfig,
    data: Sequence[str | Path],
    val: Sequence[str | Path],
    simulator: str | Path,
    out: str | Path,
    test: Sequence[str | Path] = (),
    progress=None,
) -> Path:
    """Train the heads of the checkpoint ``simulator`` on the tables ``data`` and calibrate them on ``val``.

    ``out`` receives a checkpoint that differs from ``simulator`` in its heads alone, and ``heads.json``: average
    precision and calibration of the old and the new heads on ``val`` and, where given, on ``test``. Raises
    WorldsimError where a table is of another game or no episode of ``data`` or ``val`` ends.
    """
    out, say = Path(out), progress or print_line
    if config.threads:
        torch.set_num_threads(config.threads)
    dreamer = load(simulator, device=config.device)  # the heads themselves are small, and trained on the CPU
    folder = dreamer.checkpoint.folder
    opened = {name: _open(paths) for name, paths in (("data", data), ("val", val), ("test", test))}
    steps = {
        name: StepFeatures.joined([table_features(dreamer, table, say) for table in tables])
        for name, tables in opened.items()
        if tables
    }
    for name in ("data", "val"):
        if not steps[name].terminated_N.any() or not (steps[name].reward_N != 0).any():
            raise WorldsimError(
                f"{name}={[table.path for table in opened[name]]}: no episode ends or none pays a reward there; "
                "record more episodes, or a policy that gets so far."
            )
    before = load_dit(folder / "dit.safetensors").heads
    heads = load_dit(folder / "dit.safetensors").heads
    identity = {
        "recipe": "heads",
        "simulator": dreamer.checkpoint.hash,
        **{name: [table.content_key for table in tables] for name, tables in opened.items() if name != "test"},
    }
    flops = 6.0 * sum(p.numel() for p in heads.parameters()) * config.batch
    sampler = _Sampler(config, steps["data"])
    Trainer(heads, config, out, lambda step: _loss(heads, config, sampler, step), identity, flops).run(say)
    calibration = calibrate(heads, steps["val"])
    replace_heads(folder / "dit.safetensors", heads, out / "dit.safetensors")
    for name in ("vae.safetensors", "config.json", STYLE_FILE):
        if (folder / name).exists():
            shutil.copyfile(folder / name, out / name)
    after = load_dit(out / "dit.safetensors").heads  # as they were stored
    said = {
        name: {"before": judge_heads(before, part), "after": judge_heads(after, part)}
        for name, part in steps.items()
        if name != "data"
    }
    write_json(out / "heads.json", {"calibration": calibration, **said})
    for name, both in said.items():
        say(figures_line(name, both))
    return out


def _open(paths: Sequence[str | Path]) -> list[EpisodeTable]:
    return [EpisodeTable.open(str(path)) for path in paths]


class _Sampler:
    """Rows of batch n for each head, a function of (seed, n): steps of all kinds and, by its share, its own events."""

    def __init__(self, config: HeadsTrainConfig, steps: StepFeatures):
        self.config, self.steps = config, steps
        self._ends = np.flatnonzero(steps.terminated_N.numpy())
        self._pays = np.flatnonzero(steps.reward_N.numpy())

    def rows(self, step: int) -> tuple[Tensor, Tensor]:
        """For the reward head and for the termination head.

        Endings that are drawn to be frequent would teach the reward head to expect what they pay.
        """
        rng = stream(derive_seed(self.config.seed, "heads data"), "steps", step)
        count = round(self.config.batch * self.config.event_share)
        usual = rng.integers(len(self.steps), size=self.config.batch - count)
        pays, ends = (np.concatenate([rng.choice(events, count), usual]) for events in (self._pays, self._ends))
        return torch.from_numpy(pays), torch.from_numpy(ends)


def _loss(heads: Heads, config: HeadsTrainConfig, sampler: _Sampler, step: int) -> tuple[Tensor, dict[str, Tensor]]:
    reward_rows, ending_rows = sampler.rows(step)
    generator = torch.Generator().manual_seed(derive_seed(config.seed, "heads dropout", step))
    x_ND = sampler.steps.token_ND[torch.cat((reward_rows, ending_rows))].to(config.dtype)
    kept_ND = torch.rand(x_ND.shape, generator=generator) >= config.dropout
    reward_logits, termination_logit = heads(x_ND * kept_ND / (1 - config.dropout))
    count = len(reward_rows)
    reward = reward_loss(reward_logits[:count], sampler.steps.reward_N[reward_rows]).mean()
    ended_N = sampler.steps.terminated_N[ending_rows]
    ending = F.binary_cross_entropy_with_logits(termination_logit[count:].float(), ended_N)
    return reward + ending, {"reward": reward.detach(), "ending": ending.detach()}


@torch.no_grad()
def answers(heads: Heads, steps: StepFeatures) -> tuple[Tensor, Tensor]:
    """Reward logits (N, bins) and termination logits (N,) in float32."""
    reward_logits, termination_logit = heads(steps.token_ND.float())
    return reward_logits, termination_logit


def calibrate(heads: Heads, steps: StepFeatures) -> dict[str, float]:
    """Fit scales and biases of the logits by maximum likelihood and fold them into ``heads``; returns them."""
    reward_logits, termination_logit = (logits.double() for logits in answers(heads, steps))
    nothing = F.one_hot(torch.tensor(reward_logits.shape[1] // 2), reward_logits.shape[1])
    ended_N = steps.terminated_N.double()
    reward = _fit(lambda scale, bias: reward_loss(scale * reward_logits + bias * nothing, steps.reward_N).mean())
    ending = _fit(lambda scale, bias: F.binary_cross_entropy_with_logits(scale * termination_logit + bias, ended_N))
    scale_logits(heads, *reward, *ending)
    names = ("reward_scale", "nothing_bias", "termination_scale", "termination_bias")
    return dict(zip(names, (*reward, *ending), strict=True))


def _fit(loss) -> tuple[float, float]:
    """The scale (positive) and bias of the smallest loss: a convex problem of two numbers."""
    log_scale, bias = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_scale, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(log_scale.exp(), bias)
        value.backward()
        return value

    optimizer.step(closure)
    return float(log_scale.detach().exp()), float(bias.detach())


def judge_heads(heads: Heads, steps: StepFeatures) -> dict[str, Any]:
    """Average precision and calibration of both heads, see :func:`worldsim.core.rare_events.judge_events`.

    A reward counts as an event where it is not 0, and is ranked by the probability off the bin of 0: a small reward
    for sure comes before a large one that is unlikely. What is calibrated is its expected size, as a share of the
    largest one.
    """
    reward_logits, termination_logit = answers(heads, steps)
    said, true = reward_mean(reward_logits).abs().numpy(), steps.reward_N.abs().numpy()
    pays = 1 - reward_logits.softmax(-1)[:, reward_logits.shape[1] // 2].numpy()
    ends, largest = termination_logit.sigmoid().numpy(), float(true.max()) or 1.0
    episode = steps.episode_N.numpy()
    return {
        "reward": judge_events(pays, true > 0, episode, np.minimum(said / largest, 1), true / largest),
        "termination": judge_events(ends, steps.terminated_N.numpy() > 0, episode, ends),
    }


def figures_line(name: str, both: dict[str, dict[str, Any]]) -> str:
    """One line for people: average precision and calibration error of the old heads and the new ones."""
    parts = []
    for head in ("reward", "termination"):
        old, new = both["before"][head], both["after"][head]
        area = new["average_precision"]
        parts.append(
            f"{head} AP {old['average_precision']['mean']:.3f} -> {area['mean']:.3f} "
            f"[{area['low']:.3f}, {area['high']:.3f}] (chance {new['prevalence']:.4f}), "
            f"calibration error {old['calibration_error']:.4f} -> {new['calibration_error']:.4f}"
        )
    return f"{name}: " + "; ".join(parts)


def replace_heads(source: Path, heads: Heads, target: Path) -> None:
    """Copy a network's weights file with other heads, stored as bf16; every other tensor stays the same to the bit."""
    with safe_open(source, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("heads.")}  # noqa: SIM118
    stored = torch.float32 if metadata["storage"] == "float32" else torch.bfloat16
    tensors |= {f"heads.{name}": value.detach().to(stored).contiguous() for name, value in heads.state_dict().items()}
    write_atomic(target, to_bytes(tensors, metadata))

"""The training loop that every recipe shares: optimiser, schedule, moving average, loss trace, exact resume.

A run's folder holds ``record.json``, ``rows.jsonl`` (the loss trace) and ``state.safetensors`` (weights, moving average
and optimiser). The batch and the noise of step n depend on (seed, n) alone, so a run that was killed continues to the
same bits (on a CPU, with the same number of threads).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord, append_row, read_rows, to_plain, utc_now, write_atomic
from worldsim.training.memory import keep_freed_memory, memory_errors_named
from worldsim.training.muon import Muon
from worldsim.training.processes import count, mean, rank, whole
from worldsim.training.state import FILE as STATE_FILE
from worldsim.training.state import TrainingState

LOG_EVERY = 10
EXPLODED = 10.0  # times the first step's loss; what explodes passes that by orders of magnitude
# Muon takes the matrices between a network's input and output layers; those and everything else go to AdamW.
INNER_LAYERS = ("blocks.", "encoder.", "decoder.")


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """Settings every recipe has; recipes extend it."""

    steps: int = 4000  # optimiser steps in all; a longer or shorter run may go on from the same folder
    batch: int = 4  # clips (simulator) or frames (vae) a step
    lr: float = 1e-3  # learning rate after warm-up
    warmup: int = 100  # steps until the learning rate is reached
    decay_share: float = 0.3  # of all steps, at the end, linearly to zero
    weight_decay: float = 0.01  # decoupled, as in AdamW
    optimizer: str = "adamw"  # adamw, or muon: matrices by Muon, the rest by AdamW
    ema: float = 0.998  # of the weights, a step; the average is what is saved
    precision: str = "bfloat16"  # of activations; weights and optimiser stay float32
    save_every: int = 200  # steps between states to go on from
    seed: int = 0  # root of every random stream of the run
    threads: int = 0  # of the CPU; 0 is PyTorch's own choice; 1 where other work shares the machine

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "lr", "save_every"):
            if getattr(self, name) <= 0:
                raise WorldsimError(f"{name}={getattr(self, name)} must be positive.")
        if self.save_every % LOG_EVERY:
            raise WorldsimError(f"save_every={self.save_every} must be a multiple of {LOG_EVERY}.")
        if not 0 <= self.decay_share <= 1 or not 0 <= self.ema < 1:
            raise WorldsimError(f"decay_share={self.decay_share} and ema={self.ema} must be in [0, 1].")
        if self.optimizer not in ("adamw", "muon"):
            raise WorldsimError(f"optimizer={self.optimizer!r} is not known; use 'adamw' or 'muon'.")
        if self.precision not in ("bfloat16", "float32"):
            raise WorldsimError(f"precision={self.precision!r} is not known; use 'bfloat16' or 'float32'.")

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    def bought(self, compute: float, flops_per_step: float) -> Self:
        """The same with as many steps as ``compute`` FLOPs buy, and a warm-up and a moving average that fit into them.

        Raises WorldsimError where they do not buy one step.
        """
        steps = round(compute / flops_per_step)
        if steps < 1:
            raise WorldsimError(
                f"compute={compute:.3g} is less than one step of {flops_per_step:.3g} FLOPs; raise it, or lower batch= "
                "or the size of the network."
            )
        return replace(
            self,
            steps=steps,
            warmup=min(self.warmup, max(1, steps // 10)),
            ema=min(self.ema, 1 - 1 / max(10, steps / 20)),
        )

    def learning_rate(self, step: int) -> float:
        """Warm-up, constant, linear decay."""
        decay_steps = max(1, round(self.steps * self.decay_share))
        return self.lr * min((step + 1) / max(1, self.warmup), 1.0, (self.steps - step) / decay_steps)


class Trainer:
    """Runs ``loss(step) -> (loss, values to log)`` for ``config.steps`` steps, from where the folder stands.

    ``identity`` is what must not change between a run and its continuation (data, codec, ...). ``opponent`` is a second
    network that ``loss`` itself trains with an optimiser of its own; its state is kept with the run's.
    """

    def __init__(
        self,
        model: nn.Module,
        config: LoopConfig,
        out: Path,
        loss: Callable[[int], tuple[Tensor, dict[str, Tensor]]],
        identity: dict[str, Any],
        flops_per_step: float,
        opponent: tuple[nn.Module, torch.optim.Optimizer] | None = None,
    ):
        if config.threads:
            torch.set_num_threads(config.threads)
        keep_freed_memory()
        self.model, self.config, self.out, self.loss = model, config, Path(out), loss
        self.flops_per_step = flops_per_step
        self.optimizers = _optimizers(model, config)
        kept = [*self.optimizers, *([opponent[1]] if opponent else [])]
        self.state = TrainingState(model, opponent[0] if opponent else None, kept)
        self.step = 0
        self.first_loss = float("inf")  # of the first step
        self.record = RunRecord("train", self.out.name, to_plain({"settings": asdict(config), **identity}))
        self.record.seeds = {"root": config.seed}
        self.record.planned = config.steps
        self.record.started_utc = utc_now()
        self._resume()

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self, progress: Callable[[str], None] | None = None) -> None:
        """Train to the last step; afterwards ``model`` holds the moving average of the weights."""
        say = progress or print_line
        self._write_record()
        started, first = time.perf_counter(), self.step
        sums: dict[str, float] = {}
        self.model.train()
        while self.step < self.config.steps:
            with memory_errors_named(f"in step {self.step} of {self.out}", _what_takes_memory(self.config)):
                values = self.one_step()
            if self.step == 1:
                self.first_loss = values["loss"]
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % LOG_EVERY == 0 or self.step == self.config.steps:
                count = (self.step - 1) % LOG_EVERY + 1
                means = {name: value / count for name, value in sums.items()}
                sums = {}
                if rank() == 0:
                    append_row(self.out / "rows.jsonl", {"step": self.step, **means})
                if means["loss"] > EXPLODED * self.first_loss:
                    raise self._diverged(f"loss {means['loss']:.4g}, at first it was {self.first_loss:.4g}")
                rate = (self.step - first) / (time.perf_counter() - started)
                left_min = (self.config.steps - self.step) / rate / 60
                figures = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
                gflops = self.flops_per_step * rate / 1e9
                say(
                    f"step {self.step}/{self.config.steps}  {figures}  "
                    f"{rate:.2f} steps/s  {gflops:.0f} GFLOP/s  {left_min:.1f} min left"
                )
            if self.step % self.config.save_every == 0 or self.step == self.config.steps:
                self._save(time.perf_counter() - started)
                started, first = time.perf_counter(), self.step
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(self.state.ema[name])
        self.model.eval()

    def one_step(self) -> dict[str, float]:
        """One update of weights and moving average; the values to log. WorldsimError when the run diverges."""
        rate = self.config.learning_rate(self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
        loss, values = self.loss(self.step)
        loss.backward()
        norm = whole(nn.utils.clip_grad_norm_(self.model.parameters(), 1.0))
        if not torch.isfinite(norm):
            raise self._diverged(f"loss {loss.item():.4g}, gradient norm {norm.item():.4g}")
        for optimizer in self.optimizers:
            optimizer.step()
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            current: list[Tensor] = list(self.model.parameters())
            torch._foreach_lerp_(list(self.state.ema.values()), current, 1 - decay)
        self.step += 1
        return _logged({"loss": loss, **values})

    def _diverged(self, how: str) -> WorldsimError:
        kept = (
            f"The last good state is kept in {self.out}"
            if (self.out / STATE_FILE).exists()
            else "No state was saved yet"
        )
        return WorldsimError(
            f"the run diverged at step {self.step}: {how}. {kept}; lower lr={self.config.lr:g} and start anew."
        )

    # -- state on disk --------------------------------------------------------------------------------------------

    def _save(self, wall_s: float) -> None:
        self.record.wall_s += wall_s
        numbers = {
            "step": torch.tensor(self.step),
            "first_loss": torch.tensor(self.first_loss, dtype=torch.float64),
            "wall_s": torch.tensor(self.record.wall_s, dtype=torch.float64),
        }
        self.state.save(self.out, numbers)
        self._count_progress()
        self.record.finished_utc = utc_now() if self.step == self.config.steps else ""
        self._write_record()

    def _write_record(self) -> None:
        if rank() == 0:
            self.record.write(self.out)

    def _count_progress(self) -> None:
        self.record.completed = self.step
        self.record.model["train_flops"] = self.flops_per_step * self.step

    def _resume(self) -> None:
        rows = self.out / "rows.jsonl"
        if not (self.out / STATE_FILE).exists():
            if rank() == 0:
                rows.unlink(missing_ok=True)  # killed before the first save: begin again
            return
        before = RunRecord.read(self.out)
        told = dict(before.config)
        # A setting that came later than the run had its default.
        told["settings"] = to_plain(asdict(type(self.config)())) | told.get("settings", {})
        changed = [
            key
            for key in {**told, **self.record.config}
            if _without_steps(told.get(key)) != _without_steps(self.record.config.get(key))
        ]
        if changed:
            raise WorldsimError(
                f"{self.out} holds a run with other {', '.join(changed)}; choose another out= or delete that folder."
            )
        numbers = self.state.load(self.out)
        self.step = int(numbers["step"])
        self.first_loss = float(numbers.get("first_loss", self.first_loss))  # runs of earlier versions lack it
        self.record.wall_s = float(numbers["wall_s"])
        self.record.started_utc, self.record.finished_utc = before.started_utc, before.finished_utc
        self._count_progress()
        if rank() == 0:
            kept = [row for row in read_rows(rows, repair=True) if row["step"] <= self.step]
            write_atomic(rows, "".join(json.dumps(row) + "\n" for row in kept))


def _logged(values: dict[str, Tensor]) -> dict[str, float]:
    """Of the whole batch: the mean over the processes."""
    if count() > 1:
        values = dict(
            zip(values, mean(torch.stack([value.detach().float() for value in values.values()])), strict=True)
        )
    return {name: float(value.detach()) for name, value in values.items()}


def _what_takes_memory(config: LoopConfig) -> str:
    sizes = {name: getattr(config, name, 0) for name in ("batch", "joint_batch", "frames", "dim")}
    return ", ".join(f"{name}={size}" for name, size in sizes.items() if size)


def _without_steps(value: Any) -> Any:
    """Settings that a continuation may change: a longer or shorter run only moves the decay."""
    if not isinstance(value, dict):
        return value
    return {key: part for key, part in value.items() if key not in ("steps", "save_every")}


def _optimizers(model: nn.Module, config: LoopConfig) -> list[torch.optim.Optimizer]:
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    inner = lambda name, p: p.ndim >= 2 and name.startswith(INNER_LAYERS) and "modul" not in name  # noqa: E731
    matrices = [p for name, p in trained if inner(name, p)] if config.optimizer == "muon" else []
    rest = [p for name, p in trained if not matrices or not inner(name, p)]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=config.lr, betas=(0.9, 0.98), weight_decay=config.weight_decay, foreach=True)
    ]
    if matrices:
        optimizers.append(Muon(matrices, lr=config.lr, weight_decay=config.weight_decay))
    return optimizers


def print_line(line: str) -> None:
    """Progress on stderr, of process 0: one line that is written over on a terminal."""
    if rank() > 0:
        return
    end = "\r" if sys.stderr.isatty() else "\n"
    print(line, end=end, file=sys.stderr, flush=True)

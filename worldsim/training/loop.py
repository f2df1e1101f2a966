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
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from worldsim.core.energy import EnergyMeter
from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord, append_row, read_rows, to_plain, utc_now, write_atomic
from worldsim.training.gemm import peak_beside_a_run
from worldsim.training.loop_config import LOG_EVERY, LoopConfig
from worldsim.training.memory import keep_freed_memory, memory_errors_named
from worldsim.training.muon import Muon
from worldsim.training.processes import are_on_one_machine, count, mean, rank, whole
from worldsim.training.state import FILE as STATE_FILE
from worldsim.training.state import TrainingState
from worldsim.training.trackers import NoTracker, open_tracker

EXPLODED = 10.0  # times the first step's loss; what explodes passes that by orders of magnitude
USUAL_LOSS = 1.0  # of an untrained network; a run that goes on may begin far below, with a batch in which nothing moves
# Muon takes the matrices between a network's input and output layers; those and everything else go to AdamW.
INNER_LAYERS = ("blocks.", "encoder.", "decoder.")


class Trainer:
    """Runs ``loss(step) -> (loss, values to log)`` for ``config.steps`` steps, from where the folder stands.

    ``identity`` is what must not change between a run and its continuation (data, codec, ...). ``opponent`` is a second
    network that ``loss`` itself trains with an optimiser of its own; its state is kept with the run's. ``sample`` is
    called at each save with the step and the moving average, and makes a picture.
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
        tokens_per_step: float = 0.0,
        sample: Callable[[int, dict[str, Tensor]], NDArray[np.uint8]] | None = None,
    ):
        if config.threads:
            torch.set_num_threads(config.threads)
        keep_freed_memory()
        self.model, self.config, self.out, self.loss = model, config, Path(out), loss
        self.flops_per_step, self.tokens_per_step, self.sample = flops_per_step, tokens_per_step, sample
        self.tracker = NoTracker()
        self.optimizers = _optimizers(model, config)
        kept = [*self.optimizers, *([opponent[1]] if opponent else [])]
        self.state = TrainingState(model, opponent[0] if opponent else None, kept)
        self.step = 0
        self.first_loss = float("inf")  # of the first step
        self._energy_before: float | None = 0.0  # joules until this process went on; None: not known
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
        if self.step < self.config.steps:
            peak = self._peak()
            if rank() == 0:
                settings = self.record.config["settings"]
                self.tracker = open_tracker(self.config.tracker, self.out, settings, self.step, say)
        energy = EnergyMeter(gpus=next(self.model.parameters()).is_cuda)
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
                logged = (self.step - 1) % LOG_EVERY + 1
                means = {name: value / logged for name, value in sums.items()}
                sums = {}
                energy.update()
                if rank() == 0:
                    append_row(self.out / "rows.jsonl", {"step": self.step, **means})
                if means["loss"] > EXPLODED * max(self.first_loss, USUAL_LOSS):
                    raise self._diverged(f"loss {means['loss']:.4g}, at first it was {self.first_loss:.4g}")
                rate = (self.step - first) / (time.perf_counter() - started)
                left_min = (self.config.steps - self.step) / rate / 60
                figures = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
                speed = {"steps_per_s": rate, "share_of_peak": self.flops_per_step * rate / peak}
                tokens = ""
                if self.tokens_per_step:
                    speed["tokens_per_s"] = self.tokens_per_step * rate
                    tokens = f"{speed['tokens_per_s']:,.0f} tokens/s  "
                say(
                    f"step {self.step}/{self.config.steps}  {figures}  {rate:.2f} steps/s  {tokens}"
                    f"{speed['share_of_peak']:.0%} of the GEMM peak  {left_min:.1f} min left"
                )
                self.tracker.log(self.step, {**means, **speed, "lr": self.config.learning_rate(self.step - 1)})
            if self.step % self.config.save_every == 0 or self.step == self.config.steps:
                self._count_energy(energy)
                self._save(time.perf_counter() - started)
                started, first = time.perf_counter(), self.step
        self.tracker.close()
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

    def _peak(self) -> float:
        """FLOP/s that the matrix products of all processes reach at most, measured at the same time."""
        device = next(self.model.parameters()).device.type
        own = peak_beside_a_run(self.config.precision, device, torch.get_num_threads())
        return float(mean(torch.tensor(own, dtype=torch.float64)) * count())

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
        if "energy_j" in self.record.model:
            numbers["energy_j"] = torch.tensor(self.record.model["energy_j"], dtype=torch.float64)
        average = self.state.save(self.out, numbers)
        self._count_progress()
        self.record.finished_utc = utc_now() if self.step == self.config.steps else ""
        self._write_record()
        if self.sample and rank() == 0:
            self.tracker.show(self.step, self.sample(self.step, average))

    def _write_record(self) -> None:
        if rank() == 0:
            self.record.write(self.out)

    def _count_energy(self, energy: EnergyMeter) -> None:
        """Of this machine; nothing is said of a run of which another machine, or one that does not tell, did a part."""
        joules = energy.update()
        if joules is not None and self._energy_before is not None and are_on_one_machine():
            self.record.model |= {"energy_j": round(self._energy_before + joules, 1), "energy_of": energy.parts}

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
        self._energy_before = float(numbers["energy_j"]) if "energy_j" in numbers else None
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
    """Without the settings that a continuation may change: a longer or shorter run only moves the decay."""
    if not isinstance(value, dict):
        return value
    return {key: part for key, part in value.items() if key not in ("steps", "save_every", "tracker", "samples")}


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

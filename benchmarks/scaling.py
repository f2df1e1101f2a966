"""The sweep behind ``scale=``: small networks at equal training compute, each rolled out on validation clips.

    python benchmarks/scaling.py data/arena.lance data/arena-val.lance runs/scaling [--only lr] [--json figures.json]

One question at a time: the size of the network at three computes, the learning rate at two sizes, clips a step, frames
a clip. Trained on one thread in the latents of ``--vae``; a run that was trained before is not trained again. The
fitted rule is ``worldsim/training/scales.py``; what came out is in docs/experiments.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from ablation import HORIZONS, arguments, clips, roll_out
from machine import print_table, write_json

from worldsim.core.records import RunRecord
from worldsim.data.store import EpisodeTable
from worldsim.models.dit import DiTConfig
from worldsim.models.flops import training_flops
from worldsim.models.layout import Part
from worldsim.simulators.checkpoints import find_checkpoint
from worldsim.training.simulator import train_simulator
from worldsim.training.simulator_config import SimulatorTrainConfig


@dataclass(frozen=True)
class Trial:
    question: str
    compute: float
    dim: int
    depth: int
    lr: float = 3e-3
    batch: int = 4
    frames: int = 14
    window: int = 10
    decay: float = 0.5

    @property
    def name(self) -> str:
        return (
            f"{self.compute:.1e}-{self.dim}x{self.depth}-lr{self.lr:g}-b{self.batch}-f{self.frames}-w{self.window}"
            f"-d{self.decay:g}"
        )

    def config(self, action_channels: int) -> SimulatorTrainConfig:
        heads = self.dim // 64 or 1
        network = DiTConfig(action_channels, dim=self.dim, depth=self.depth, heads=heads, window=self.window)
        steps = round(self.compute / training_flops(network, Part(False, self.batch, self.frames, 4, 4)))
        return SimulatorTrainConfig(
            steps=steps, batch=self.batch, lr=self.lr, warmup=min(100, max(10, steps // 10)), decay_share=self.decay,
            frames=self.frames, dim=self.dim, depth=self.depth, heads=heads, window=self.window, threads=1,
            save_every=100_000,
        )  # fmt: skip


SMALL, MIDDLE, LARGE = 3e12, 8e12, 2.4e13
TRIALS = [
    *(Trial("size", SMALL, dim, depth) for dim, depth in ((64, 4), (128, 4), (192, 6))),
    *(Trial("batch", SMALL, 128, 4, batch=batch) for batch in (1, 2)),
    *(Trial("lr", SMALL, 128, 4, lr) for lr in (1.5e-3, 6e-3)),
    *(Trial("frames", SMALL, 128, 4, batch=b, frames=f, window=w) for b, f, w in ((2, 28, 24), (1, 56, 40))),
    *(Trial("size", MIDDLE, dim, depth) for dim, depth in ((64, 4), (128, 4), (192, 6))),
    *(Trial("lr", MIDDLE, 192, 6, lr) for lr in (1.5e-3, 6e-3)),
    Trial("batch", MIDDLE, 64, 4, batch=8),
    *(Trial("size", LARGE, dim, depth) for dim, depth in ((192, 6), (128, 4))),
]  # fmt: skip


def main() -> None:
    args = arguments(str(__doc__), "the trials of this question")
    given = clips(EpisodeTable.open(args.val))
    channels = len(EpisodeTable.open(args.data).codec)
    rows = []
    for trial in TRIALS:
        if args.only not in trial.question:
            continue
        run = args.out / trial.name
        config = trial.config(channels)
        if not (run / "config.json").exists():
            train_simulator(config, [args.data], find_checkpoint(args.vae).folder, run, progress=lambda line: None)
        seconds = RunRecord.read(run).wall_s
        rows.append(
            {"question": trial.question, "trial": trial.name, "steps": config.steps, "seconds": seconds,
             **roll_out(run, 1, 0.1, given)}
        )  # fmt: skip
        print(rows[-1], flush=True)
    print_table(
        ["question", "trial", "steps", "seconds", *(f"PSNR {h}" for h in HORIZONS), "sharpness"],
        [list(row.values())[:4] + [f"{value:.2f}" for value in list(row.values())[4:]] for row in rows],
    )
    if args.json:
        write_json(args.json, "scaling", rows, {"data": args.data, "val": args.val, "vae": args.vae})


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

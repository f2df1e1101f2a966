"""How much of the machine's arithmetic training uses: model FLOPs a second over the bf16 GEMM peak of the same run.

    python benchmarks/training.py [--seconds 20] [--scales base 32x] [--compute 1e14] [--compile] [--json FILE]

The data are random latents of 64x64 frames: what is timed is one optimiser step of the simulator (forward, backward,
update, moving average), as ``worldsim train recipe=simulator scale=32x compute=1e14`` runs it. The update is in the
time and not in the model FLOPs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from machine import gemm_peak, print_table, write_json

from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.flops import training_flops
from worldsim.models.layout import Part
from worldsim.training.loop import Trainer
from worldsim.training.objective import Batch
from worldsim.training.scales import SCALES
from worldsim.training.simulator import step_loss
from worldsim.training.simulator_config import SimulatorTrainConfig

ACTION_CHANNELS = 14  # as voxel/arena
LONGEST = 200  # frames of a recording
PEAK_SECONDS = 0.4


def measure(config: SimulatorTrainConfig, seconds: float) -> dict[str, float]:
    """Steps a second, tokens a second, model FLOP/s and the GEMM peak, measured in turns."""
    model_config = DiTConfig(
        ACTION_CHANNELS, latent_channels=4, dim=config.dim, depth=config.depth, heads=config.heads, patch=8,
        window=config.window, motion=config.motion,
    )  # fmt: skip
    torch.manual_seed(0)
    model = DiT(model_config)
    if config.compile:
        model.compile_trunk()
    x = torch.randn(config.batch, config.frames, model_config.latent_channels, 32, 32)
    actions = torch.randn(config.batch, config.frames - 1, ACTION_CHANNELS)
    zeros = torch.zeros(config.batch, config.frames - 1)

    def loss(step: int):
        generator = torch.Generator().manual_seed(step)
        batch = Batch(x, actions, zeros, zeros, torch.ones_like(zeros))
        return step_loss(model, config, batch, [], generator)

    flops = training_flops(model_config, Part(False, config.batch, config.frames, 4, 4))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(model, config, Path(folder), loss, {}, flops)
        model.train()
        for _ in range(2):
            trainer.one_step()
        rates, peaks = [], []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until or len(rates) < 2:
            peaks.append(gemm_peak(seconds=PEAK_SECONDS))
            begun = time.perf_counter()
            for _ in range(2):
                trainer.one_step()
            rates.append(2 / (time.perf_counter() - begun))
    peak, rate = max(peaks), median(rates)
    tokens = config.batch * (2 * config.frames - 1) * 16
    return {
        "params": float(sum(p.numel() for p in model.parameters())),
        "steps_per_s": rate,
        "tokens_per_s": rate * tokens,
        "model_gflops": rate * flops / 1e9,
        "gemm_peak_gflops": peak / 1e9,
        "share_of_peak": rate * flops / peak,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each scale")
    parser.add_argument("--scales", nargs="+", default=list(SCALES), choices=list(SCALES))
    parser.add_argument("--compute", type=float, default=1e14, help="training FLOPs of base")
    parser.add_argument("--optimizer", default="muon", choices=("muon", "adamw"))
    parser.add_argument("--compile", action="store_true", help="compile the blocks (needs a C++ compiler)")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 is PyTorch's own choice")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results = {}
    for name in args.scales:
        sizes = SCALES[name].simulator(args.compute, LONGEST)
        config = SimulatorTrainConfig(compile=args.compile, optimizer=args.optimizer, threads=args.threads, **sizes)
        results[name] = measure(config, args.seconds)
    print_table(
        ["scale", "params", "steps/s", "tokens/s", "GFLOP/s", "GEMM peak", "share"],
        [[name, *figures.values()] for name, figures in results.items()],
    )
    if args.json:
        settings = {key: value for key, value in vars(args).items() if key != "json"}
        write_json(args.json, "training", results, settings)


if __name__ == "__main__":
    main()

"""What each ingredient of the recipe is worth: small networks trained alike but for one thing, then rolled out.

    python benchmarks/ablation.py data/arena.lance data/arena-val.lance runs/ablation [--json figures.json]

Every variant sees the same clips and takes equally many optimiser steps on one thread; one that was trained before is
not trained again. Rolled out on clips of the validation table with their actions: PSNR at some horizons, and sharpness,
the energy of the dream's image gradients over that of the game's (1: as sharp as the game).
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from machine import print_table, write_json

from worldsim.core.seeding import stream
from worldsim.core.types import Context, Frames
from worldsim.data.store import EpisodeTable
from worldsim.diffusion.flow import NoiseConfig
from worldsim.simulators import load
from worldsim.simulators.checkpoints import find_checkpoint
from worldsim.training.simulator import train_simulator
from worldsim.training.simulator_config import SimulatorTrainConfig

BASE = SimulatorTrainConfig(
    steps=400, batch=4, frames=14, dim=128, depth=4, heads=2, window=10, lr=3e-3, threads=1, save_every=200,
)  # fmt: skip
VARIANTS = {
    "base": BASE,
    "context never noised": replace(BASE, noise=NoiseConfig(context_max=0.0)),
    "no share at pure noise": replace(BASE, noise=NoiseConfig(pure_share=0.0)),
    "own roll-outs as context": replace(BASE, own_context_share=0.5),
    "frames count alike": replace(BASE, error_power=1.0),
    "shortcut steps": replace(BASE, shortcut_share=0.25),
    "joint clips beside": replace(BASE, joint_batch=2),
    # Fewer steps, so that words and actions together cost as much training as actions alone.
    "text beside actions": replace(BASE, text="embedded", action_drop=0.15, steps=370),
    "text, half of it left out": replace(BASE, text="embedded", action_drop=0.15, text_drop=0.5, steps=370),
    "text, actions never left out": replace(BASE, text="embedded", action_drop=0.0, text_drop=0.5, steps=376),
    "joint clips, no images": replace(BASE, joint_batch=2, image_share=0.0),
}
HORIZONS = (1, 4, 8, 16)
STEPS = (1, 2, 4, 32)
CLIPS, CONTEXT = 64, 12


def clips(table: EpisodeTable) -> list[tuple[Frames, np.ndarray]]:
    """Frames and actions of clips long enough for context and horizon, at random places."""
    rng, length = stream(0, "ablation"), CONTEXT + HORIZONS[-1]
    fits = np.flatnonzero(table.episodes.lengths >= length)
    chosen = []
    for episode in rng.choice(fits, CLIPS):
        start = int(rng.integers(table.episodes.lengths[episode] - length + 1))
        frames, actions, *_ = table.read_clip(int(episode), start, length)
        chosen.append((frames, actions))
    return chosen


def roll_out(run: Path, steps: int, context_noise: float, given: list[tuple[Frames, np.ndarray]]) -> dict[str, float]:
    simulator = load(run, steps)
    simulator.context_noise = context_noise
    contexts = [Context(frames[:CONTEXT], actions[: CONTEXT - 1]) for frames, actions in given]
    state = simulator.reset(contexts, [""] * CLIPS, range(CLIPS))
    real = np.stack([frames[CONTEXT:] for frames, _ in given], 1)
    dream = []
    for t in range(HORIZONS[-1]):
        state, prediction = simulator.step(state, np.stack([actions[CONTEXT - 1 + t] for _, actions in given]))
        dream.append(prediction.frames)
    error = (np.stack(dream).astype(np.float64) - real) ** 2
    psnr = 10 * np.log10(255**2 / np.maximum(error.mean((2, 3, 4)), 1e-9)).mean(1)
    figures = {f"psnr_{h}": float(psnr[h - 1]) for h in HORIZONS}
    return {**figures, "sharpness": gradient_energy(np.stack(dream)) / gradient_energy(real)}


def gradient_energy(frames: Frames) -> float:
    x = frames.astype(np.float64)
    return float(np.abs(np.diff(x, axis=-2)).mean() + np.abs(np.diff(x, axis=-3)).mean())


def arguments(about: str, only: str) -> argparse.Namespace:
    """What a benchmark is given that trains small networks and rolls them out; ``only`` says what --only picks."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("data", help="table to train on")
    parser.add_argument("val", help="table to roll out beside")
    parser.add_argument("out", type=Path, help="folder for the runs")
    parser.add_argument("--vae", default="voxel-base", help="checkpoint whose autoencoder is used")
    parser.add_argument("--only", default="", help=only)
    parser.add_argument("--json", metavar="FILE", help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    args = arguments(str(__doc__), "variants whose names hold this")
    given = clips(EpisodeTable.open(args.val))
    rows = []
    for name, config in VARIANTS.items():
        if args.only not in name:
            continue
        run = args.out / name.replace(" ", "-").replace(",", "")
        if not (run / "config.json").exists():
            train_simulator(config, [args.data], find_checkpoint(args.vae).folder, run)
        for steps in STEPS:
            rows.append(
                {"variant": name, "K": steps, **roll_out(run, steps, min(0.1, config.noise.context_max), given)}
            )
            print(rows[-1], flush=True)
    print_table(
        ["variant", "K", *(f"PSNR {h}" for h in HORIZONS), "sharpness"],
        [[row["variant"], row["K"], *(f"{value:.2f}" for value in list(row.values())[2:])] for row in rows],
    )
    if args.json:
        write_json(args.json, "ablation", rows, asdict(BASE))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

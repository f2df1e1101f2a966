"""How fast the dream runs, where the time goes, and how far that is from the machine's arithmetic limit.

    python benchmarks/rollout.py [--checkpoint voxel-base] [--steps K] [--streams 1 8 32] [--frames 300] [--json FILE]

Every figure comes from one run, beside the bf16 GEMM peak measured in it. The last table follows one stream for many
frames: time and memory a frame must not grow.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from machine import gemm_peak, print_table, write_json

from worldsim.core.types import Context
from worldsim.models.flops import streaming_flops_per_frame
from worldsim.simulators import load


def contexts(simulator, count: int) -> list[Context]:
    rng = np.random.default_rng(0)
    height, width = simulator.size
    frames = rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    return [Context(frames, np.zeros((0, len(simulator.codec)), np.float32)) for _ in range(count)]


def frame_times(simulator, streams: int, frames: int) -> list[float]:
    """Seconds of each step, after the window is full."""
    state = simulator.reset(contexts(simulator, streams), [""] * streams, list(range(streams)))
    actions = np.stack([simulator.codec.vector()] * streams)
    times = []
    for _ in range(frames + 20):
        begun = time.perf_counter()
        state, _ = simulator.step(state, actions)
        times.append(time.perf_counter() - begun)
    return times[20:]


def shares(simulator, streams: int, frames: int) -> dict[str, float]:
    """Milliseconds a step spent in the network, in the decoder, and in everything else."""
    spent = {"network": 0.0, "decode": 0.0}

    def timed(function, name: str):
        def call(*args: Any, **kwargs: Any):
            begun = time.perf_counter()
            result = function(*args, **kwargs)
            spent[name] += time.perf_counter() - begun
            return result

        return call

    whole = {"stream": simulator.dit.stream, "decode": simulator.vae.decode}
    simulator.dit.stream = timed(whole["stream"], "network")
    simulator.vae.decode = timed(whole["decode"], "decode")
    try:
        state = simulator.reset(contexts(simulator, streams), [""] * streams, list(range(streams)))
        actions = np.stack([simulator.codec.vector()] * streams)
        for name in spent:
            spent[name] = 0.0
        begun = time.perf_counter()
        for _ in range(frames):
            state, _ = simulator.step(state, actions)
        total = time.perf_counter() - begun
    finally:
        simulator.dit.stream, simulator.vae.decode = whole["stream"], whole["decode"]
    ms = {name: 1000 * value / frames for name, value in spent.items()}
    return {**ms, "other": 1000 * total / frames - sum(ms.values())}


def resident_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="voxel-base")
    parser.add_argument("--steps", type=int, help="denoising steps a frame; default: the checkpoint's own")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--long", type=int, default=2000, help="frames of the constant-cost table")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()

    simulator = load(args.checkpoint, steps=args.steps)
    k = simulator.describe()["steps"]
    peak = gemm_peak()
    height, width = simulator.size
    flops = streaming_flops_per_frame(simulator.dit.config, height // 8, width // 8, k)
    rows, results = [], {}
    for streams in args.streams:
        step_s = median(frame_times(simulator, streams, max(20, args.frames // streams)))
        parts = shares(simulator, streams, max(20, args.frames // streams))
        limit = streams * flops / peak  # seconds a step if every network operation ran at the GEMM peak
        results[str(streams)] = {
            "frames_per_s": streams / step_s,
            "step_ms": 1000 * step_s,
            **{f"{name}_ms": value for name, value in parts.items()},
            "share_of_limit": limit / step_s,
        }
        rows.append([streams, *results[str(streams)].values()])
    print(f"{args.checkpoint}, {height}x{width}, K={k}, {torch.get_num_threads()} threads, "
          f"bf16 GEMM peak {peak / 1e9:.0f} GFLOP/s, {flops / 1e6:.0f} MFLOP a frame")  # fmt: skip
    print_table(["streams", "frames/s", "ms/step", "network", "decode", "other", "share of limit"], rows)

    times = frame_times(simulator, 1, args.long)
    memory = resident_mb()
    early, late = median(times[150:350]), median(times[-200:])
    long = {"early_ms": 1000 * early, "late_ms": 1000 * late, "ratio": late / early, "peak_memory_mb": memory}
    print()
    print_table(["one stream", "value"], [[name, value] for name, value in long.items()])
    if args.json:
        settings = {"checkpoint": args.checkpoint, "steps": k, "frames": args.frames, "long": args.long}
        results = {"gemm_peak_gflops": peak / 1e9, "flops_per_frame": flops, "streams": results, "long": long}
        write_json(args.json, "rollout", results, settings)


if __name__ == "__main__":
    main()

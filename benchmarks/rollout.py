"""How fast the dream runs, where the time goes, and how far that is from the machine's arithmetic limit.

    python benchmarks/rollout.py [--checkpoint voxel-base] [--steps K] [--streams 1 8 24 32 64] [--frames 300]
                                 [--dim 512 --depth 12 --window 48] [--long 10000] [--json FILE]

Every figure comes from one run, beside the bf16 GEMM peak measured in it. ``--dim``, ``--depth`` and ``--window`` put a
network of that size and of random weights, which runs as fast as a trained one, in the place of the checkpoint's. The
second table takes one stream to many frames, and then steps it and a stream at frame 200 in turns: neither time nor
memory a frame may have grown.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from machine import gemm_peak, paired_rates, print_table, write_json
from torch.utils.flop_counter import FlopCounterMode

from worldsim.core.types import Context
from worldsim.models.cache import FrameView, RingCache
from worldsim.models.checkpoint import read_header, save_model
from worldsim.models.dit import DiT, config_from_plain
from worldsim.simulators import load
from worldsim.simulators.checkpoints import find_checkpoint

HEAD_DIM = 64
EARLY = 200  # the frame that later ones are compared with
PARTS = {"network": "the transformer without its ring cache", "cache": "what is written to the ring cache",
         "decode": "latents to frames", "rest": "noise, actions, the step itself"}  # fmt: skip


def with_random_network(name: str, folder: Path, sizes: dict[str, int]) -> Path:
    """A copy of a checkpoint with a network of other sizes and of random weights."""
    source = find_checkpoint(name).folder
    for file in ("config.json", "vae.safetensors"):
        shutil.copy(source / file, folder)
    plain = {**read_header(source / "dit.safetensors")["config"], **sizes}
    config = config_from_plain({**plain, "heads": plain["dim"] // HEAD_DIM})
    torch.manual_seed(0)
    save_model(folder / "dit.safetensors", DiT(config), asdict(config), "bfloat16")
    return folder


def begun(simulator, streams: int):
    """A state, one frame old, and the action that does nothing."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (1, *simulator.size, 3), dtype=np.uint8)
    context = Context(frames, np.zeros((0, len(simulator.codec)), np.float32))
    state = simulator.reset([context] * streams, [""] * streams, list(range(streams)))
    return state, np.stack([simulator.codec.vector()] * streams)


def run(simulator, state, action, frames: int):
    for _ in range(frames):
        state, _ = simulator.step(state, action)
    return state


def flops_per_frame(checkpoint: str | Path, steps: int) -> float:
    """Operations of a frame, decoder included, as PyTorch counts them; counted on the network before it is packed."""
    simulator = load(checkpoint, steps=steps, precision="float32")
    with FlopCounterMode(display=False) as counter:
        state, action = begun(simulator, 1)
        before = counter.get_total_flops()
        simulator.step(state, action)
    return counter.get_total_flops() - before


def speed(simulator, streams: int, frames: int, repeats: int) -> dict[str, float]:
    """Of steps with a full window: the best repeat's median by the clock, and the CPU time of all."""
    state, action = begun(simulator, streams)
    state = run(simulator, state, action, simulator.dit.config.window + 2)
    medians, cpu = [], time.process_time()
    for _ in range(repeats):
        times = []
        for _ in range(frames):
            begin = time.perf_counter()
            state, _ = simulator.step(state, action)
            times.append(time.perf_counter() - begin)
        medians.append(median(times))
    cpu = (time.process_time() - cpu) / (repeats * frames)
    return {"frames_per_s": streams / min(medians), "step_ms": 1000 * min(medians), "cpu_step_ms": 1000 * cpu}


def shares(simulator, streams: int, frames: int) -> dict[str, float]:
    """Milliseconds of a step that each of PARTS takes."""
    state, action = begun(simulator, streams)
    state = run(simulator, state, action, simulator.dit.config.window + 2)
    spent = dict.fromkeys(PARTS, 0.0)
    with (
        timed(simulator.dit, "stream", "network", spent), timed(simulator.vae, "decode", "decode", spent),
        timed(FrameView, "write", "cache", spent), timed(RingCache, "begin_frame", "cache", spent),
    ):  # fmt: skip
        begin = time.perf_counter()
        run(simulator, state, action, frames)
        spent["rest"] = time.perf_counter() - begin - spent["network"] - spent["decode"]
    spent["network"] -= spent["cache"]  # which is a part of it
    return {f"{name}_ms": 1000 * seconds / frames for name, seconds in spent.items()}


@contextmanager
def timed(owner: Any, method: str, part: str, spent: dict[str, float]) -> Iterator[None]:
    """Add the time of every call of a method to a part."""
    whole: Callable[..., Any] = getattr(owner, method)

    def call(*args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter()
        result = whole(*args, **kwargs)
        spent[part] += time.perf_counter() - begin
        return result

    setattr(owner, method, call)
    try:
        yield
    finally:
        if isinstance(owner, type):
            setattr(owner, method, whole)
        else:
            delattr(owner, method)


def constant_cost(simulator, frames: int) -> dict[str, float]:
    """Time and memory of a stream at frame EARLY and after ``frames``; the times are taken in turns."""
    state, action = begun(simulator, 1)
    state = run(simulator, state, action, EARLY)
    young, early_mb = simulator.branch(state, [0]), resident_mb()
    old = run(simulator, state, action, frames - EARLY)
    late_mb = resident_mb()
    states = [young, old]

    def step(which: int) -> Callable[[], int]:
        def work() -> int:
            states[which], _ = simulator.step(states[which], action)
            return 1

        return work

    rates = paired_rates(step(0), step(1), seconds=6.0)
    return {"early_ms": 1000 / rates["first"], "late_ms": 1000 / rates["second"], "ratio": rates["ratio"],
            "early_memory_mb": early_mb, "late_memory_mb": late_mb, "memory_ratio": late_mb / early_mb}  # fmt: skip


def resident_mb() -> float:
    """Of this process, now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def measure(args: argparse.Namespace, checkpoint: str | Path) -> dict[str, Any]:
    simulator = load(checkpoint, steps=args.steps)
    k = simulator.describe()["steps"]
    peak, flops = gemm_peak(), flops_per_frame(checkpoint, k)
    height, width = simulator.size
    config = simulator.dit.config
    print(f"{args.checkpoint}: {config.depth} blocks of {config.dim}, window {config.window}, {height}x{width}, K={k}, "
          f"{torch.get_num_threads()} threads, bf16 GEMM peak {peak / 1e9:.0f} GFLOP/s, "
          f"{flops / 1e6:.0f} MFLOP a frame with its decoding")  # fmt: skip
    rows, results = [], {}
    for streams in args.streams:
        frames = max(10, args.frames // streams)
        figures = speed(simulator, streams, frames, args.repeats) | shares(simulator, streams, frames)
        figures["share_of_limit"] = streams * flops / peak / (figures["step_ms"] / 1000)
        results[str(streams)] = figures
        rows.append([streams, *figures.values()])
    print_table(["streams", "frames/s", "ms/step", "CPU ms", *PARTS, "share of limit"], rows)
    print("; ".join(f"{name}: {meaning}" for name, meaning in PARTS.items()))
    long = constant_cost(simulator, args.long) if args.long else {}
    if long:
        print(f"\none stream at frame {EARLY} (early) and {args.long} (late)")
        print_table(["one stream", "value"], [[name, value] for name, value in long.items()])
    return {"gemm_peak_gflops": peak / 1e9, "flops_per_frame": flops, "streams": results, "long": long}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="voxel-base")
    parser.add_argument("--steps", type=int, help="denoising steps a frame; default: the checkpoint's own")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 24, 32, 64])
    parser.add_argument("--frames", type=int, default=300, help="of each repeat, all streams together")
    parser.add_argument("--repeats", type=int, default=3, help="the best one counts")
    for name in ("dim", "depth", "window"):
        parser.add_argument(f"--{name}", type=int, help=f"{name} of a network of random weights")
    parser.add_argument("--long", type=int, default=10_000, help="frames of the constant-cost table; 0: no such table")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    sizes = {name: getattr(args, name) for name in ("dim", "depth", "window") if getattr(args, name) is not None}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = with_random_network(args.checkpoint, Path(folder), sizes) if sizes else args.checkpoint
        results = measure(args, checkpoint)
    if args.json:
        settings = {name: value for name, value in vars(args).items() if name != "json"}
        write_json(args.json, "rollout", results, settings)


if __name__ == "__main__":
    main()

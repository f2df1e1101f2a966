"""What every benchmark says about the machine: its GEMM peak measured in the same run, a table, a JSON file."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from worldsim.core import records
from worldsim.training.gemm import gemm_peak

DTYPES = ("float32", "bfloat16")


def gemm_peaks(device: str = "cpu", seconds: float = 1.0) -> dict[str, float]:
    """GFLOP/s by dtype, as ``{"float32": ..., "bfloat16": ...}``."""
    return {dtype: round(gemm_peak(dtype, device, seconds) / 1e9, 1) for dtype in DTYPES}


def describe_machine() -> dict[str, Any]:
    """CPU, cores, load, threads and package versions of this run."""
    import torch

    return {
        "cpu": _cpu_name(),
        "cpu_count": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(),
        "started": records.utc_now(),
        **records.describe_environment(),
    }


@dataclass(frozen=True)
class Rates:
    """Units a second, one figure a repeat: by the clock, and by CPU time of this process, for busy machines."""

    wall: list[float]
    cpu: list[float]


def rate(work: Callable[[], int], seconds: float, repeats: int = 5) -> Rates:
    """How fast ``work`` is, a call of which does some units and returns their number.

    Called once before the clock starts (compilation, caches).
    """
    work()
    rates = Rates([], [])
    for _ in range(repeats):
        done, begun, cpu_begun = 0, time.perf_counter(), time.process_time()
        while (elapsed := time.perf_counter() - begun) < seconds / repeats:
            done += work()
        rates.wall.append(done / elapsed)
        rates.cpu.append(done / (time.process_time() - cpu_begun))
    return rates


def paired_rates(
    first: Callable[[], int], second: Callable[[], int], seconds: float, repeats: int = 5
) -> dict[str, Any]:
    """Rates of two ways to do the same; the ratio is first / second.

    They go in turns, one call each: what a machine does beside them hits both, and where call i of both does the same
    work, so that a costly stretch of it is in both sums.
    """
    first(), second()
    turns = []
    for _ in range(repeats):
        done, elapsed = [0, 0], [0.0, 0.0]
        while sum(elapsed) < seconds / repeats:
            for i, work in enumerate((first, second)):
                begun = time.perf_counter()
                done[i] += work()
                elapsed[i] += time.perf_counter() - begun
        turns.append((done[0] / elapsed[0], done[1] / elapsed[1]))
    return {
        "first": median(a for a, _ in turns),
        "second": median(b for _, b in turns),
        "ratio": median(a / b for a, b in turns),
        "ratios": [round(a / b, 4) for a, b in turns],
    }


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows under a header, the first column left-aligned, numbers right-aligned."""
    cells = [list(header), *[[_cell(value) for value in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for number, row in enumerate(cells):
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))))
        if number == 0:
            print("  ".join("-" * width for width in widths))


def write_json(path: str | Path, benchmark: str, results: Any, settings: dict[str, Any]) -> None:
    """The figures of one benchmark with the machine they were measured on, written atomically."""
    value = {
        "schema": 1,
        "benchmark": benchmark,
        "machine": describe_machine(),
        "settings": settings,
        "results": results,
    }
    records.write_json(Path(path), value)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "-" if value is None else str(value)


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

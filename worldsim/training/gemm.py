"""What a machine's arithmetic can do at most: the peak of its matrix products, beside which training is measured."""

from __future__ import annotations

import time
from functools import lru_cache

import torch

# (rows, inner, columns) of the products tried; the fastest counts, because kernels have favourite sizes.
GEMM_SIZES = ((512, 512, 512), (1024, 1024, 1024), (2048, 1024, 2048), (4096, 512, 2048))
_SECONDS_BESIDE_A_RUN = 0.3


def gemm_peak(dtype: str = "bfloat16", device: str = "cpu", seconds: float = 1.0) -> float:
    """The best FLOP/s of ``torch.matmul`` over several sizes, with the threads torch is set to."""
    best, random = 0.0, torch.Generator().manual_seed(0)
    with torch.no_grad():
        for rows, inner, columns in GEMM_SIZES:
            a = torch.randn(rows, inner, generator=random).to(device, getattr(torch, dtype))
            b = torch.randn(inner, columns, generator=random).to(device, getattr(torch, dtype))
            out = a @ b  # warm-up: packing, thread start, kernel choice
            until = time.perf_counter() + seconds / len(GEMM_SIZES)
            while True:
                _synchronise(device)
                begun = time.perf_counter()
                torch.matmul(a, b, out=out)
                _synchronise(device)
                now = time.perf_counter()
                best = max(best, 2.0 * rows * inner * columns / (now - begun))
                if now > until:
                    break
    return best


@lru_cache(maxsize=8)
def peak_beside_a_run(dtype: str, device: str, threads: int) -> float:
    """``gemm_peak`` measured once in a process, in well under a second; ``threads`` are those torch is set to."""
    assert threads == torch.get_num_threads()
    return gemm_peak(dtype, device, _SECONDS_BESIDE_A_RUN)


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()

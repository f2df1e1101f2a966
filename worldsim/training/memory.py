"""Memory of training: settings for a CPU, and what to say where it does not suffice."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from worldsim.core.errors import WorldsimError

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> None:
    """Have glibc keep the memory of freed tensors: by default it returns large blocks to the kernel and every step
    faults them in again, which costs up to five times the arithmetic (measured, docs/experiments.md)."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_M_TOP_PAD, 1 << 28)


@contextmanager
def memory_errors_named(what: str, to_lower: str) -> Iterator[None]:
    """A failed allocation, of numpy, of torch or on a GPU, as a WorldsimError that says what to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = str(error).strip().splitlines() or ["no reason given"]
        raise WorldsimError(f"out of memory {what}: lower {to_lower}. ({reason[0]})") from error


def _is_out_of_memory(error: Exception) -> bool:
    # PyTorch's CPU allocator has no type of its own for this.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)

"""Keeps compiled kernels in step with their source.

Numba stores a compiled kernel beside its file and compiles it anew when that file changes, but not when a kernel
changes that it calls in another file. After an update of one file the others would go on with the old one inside them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path


def drop_stale_kernels(folder: Path = Path(__file__).parent) -> None:
    """Remove the indices of kernels that were compiled before a source file of ``folder`` was last changed."""
    newest = max(file.stat().st_mtime_ns for file in folder.glob("*.py"))
    for index in folder.glob("__pycache__/*.nbi"):
        with contextlib.suppress(OSError):  # another process was faster, or the folder is not ours to write
            if index.stat().st_mtime_ns < newest:
                index.unlink()

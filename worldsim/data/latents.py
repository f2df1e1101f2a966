"""Frames of a table encoded once: a memory-mapped .npy file (rows, C, h, w), one latent for each row of the table."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import content_hash
from worldsim.core.types import Frames
from worldsim.data.store import EpisodeTable

Encode = Callable[[Frames], NDArray[np.float16]]  # (N, H, W, 3) -> (N, C, h, w)


def latents_path(folder: Path, table: EpisodeTable, vae_hash: str) -> Path:
    """The file in ``folder`` for this table under this autoencoder; another of either has another name."""
    return Path(folder) / f"latents-{content_hash({'table': table.content_key, 'vae': vae_hash})}.npy"


def encode_table(
    table: EpisodeTable,
    encode: Encode,
    folder: Path,
    vae_hash: str,
    batch_rows: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Encode every frame of ``table`` unless that was done before; returns the file.

    ``progress`` gets (rows done, rows). Raises WorldsimError when the file cannot be written.
    """
    path = latents_path(folder, table, vae_hash)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    total, row = int(table.episodes.lengths.sum()), 0
    out = None
    try:
        for frames in table.scan_frames(batch_rows):
            latents = encode(frames)
            if out is None:
                out = np.lib.format.open_memmap(part, "w+", latents.dtype, (total, *latents.shape[1:]))
            out[row : row + len(latents)] = latents
            row += len(latents)
            if progress:
                progress(row, total)
        assert out is not None
        assert row == total
        out.flush()
        os.replace(part, path)
    except OSError as error:
        raise WorldsimError(f"cannot write latents to {path.parent} ({error.strerror}); free space there.") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def open_latents(path: Path, table: EpisodeTable) -> NDArray[np.float16]:
    """The latents (rows, C, h, w) of a table, memory-mapped; DamagedFileError when the file does not belong to it."""
    try:
        latents = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedFileError(f"{path} cannot be read as latents ({error}); delete it and encode again.") from error
    rows = int(table.episodes.lengths.sum())
    if len(latents) != rows:
        raise DamagedFileError(f"{path} has {len(latents)} latents but {table.path} has {rows} frames; encode again.")
    return latents

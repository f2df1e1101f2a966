"""Latents of training tables: made once for a table and an autoencoder, or of each batch where that cannot be."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.core.records import file_hash
from worldsim.core.types import Frames
from worldsim.data.clips import Clips
from worldsim.data.latents import encode_table
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import FILE, Autoencoder, to_signed
from worldsim.models.device import device_of


def autoencoder_key(path_or_name: str | Path) -> str:
    """What tells one autoencoder from another: the hash of its file, or its name where it has none."""
    path = Path(path_or_name)
    path = path / FILE if path.is_dir() else path
    return file_hash(path) if path.exists() else str(path_or_name)


def encode_tables(
    tables: Sequence[EpisodeTable],
    autoencoder: Autoencoder,
    key: str,
    dtype: torch.dtype,
    say: Callable[[str], None],
) -> list[Path]:
    """Latents of every frame of the tables, kept beside them; WorldsimError for a table that is not local."""
    encoder = copy.deepcopy(autoencoder).to(dtype)
    device = device_of(autoencoder)

    @torch.inference_mode()
    def encode(frames: Frames) -> NDArray[np.float16]:
        x_N3HW = to_signed(torch.from_numpy(frames).to(device), dtype)
        return encoder.encode(x_N3HW).float().cpu().numpy().astype(np.float16)

    return [
        encode_table(table, encode, _folder(table), key + str(dtype), progress=_teller(table, say)) for table in tables
    ]


@torch.inference_mode()
def encode_clips(autoencoder: Autoencoder, clips: Clips, dtype: torch.dtype) -> Tensor:
    """Latents (B, S, C, h, w) of clips of frames, in float32."""
    assert clips.frames is not None
    B, T = clips.frames.shape[:2]
    x_B3HW = to_signed(torch.from_numpy(clips.frames).flatten(0, 1).to(device_of(autoencoder)), dtype)
    return autoencoder.encode_clip(x_B3HW.unflatten(0, (B, T))).float().clone()


def _folder(table: EpisodeTable) -> Path:
    if "://" in table.path:
        raise WorldsimError(f"{table.path}: latents are kept beside the table; copy the table to a local folder first.")
    return Path(table.path).parent / ".latents"


def _teller(table: EpisodeTable, say: Callable[[str], None]) -> Callable[[int, int], None]:
    begun = said = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said > 2:
            said = now
            left_min = (now - begun) * (total - done) / done / 60
            say(f"{table.path}: {done} of {total} frames encoded, {left_min:.1f} min left")

    return tell

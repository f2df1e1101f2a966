"""Streams as plain data, and as a safetensors file: they go on to the bit, also in another process.

A snapshot is a dictionary with "about" (JSON: of which checkpoint, and how it was used) and "arrays" (numpy arrays by
name; bfloat16 numbers as their 16 bits).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import write_atomic
from worldsim.simulators.stream_state import StreamState

FORMAT = 1
Snapshot = dict[str, Any]


def taken(state: StreamState, about: dict[str, Any]) -> Snapshot:
    """A snapshot of all slots; of archives only what is filled."""
    arrays = {}
    for name, value in state.named().items():
        if ".archive." in name and value.ndim == 5:
            cache = state.cache
            assert cache.archive is not None
            left = max(0, int(cache.count_B.max()) - cache.window)
            filled = min(left, cache.archive.sinks + cache.archive.frames)
            value = value[:, :, :, : filled * cache.tokens_per_frame]
        arrays[name] = _to_numpy(value)
    h, w = state.newest_BChw.shape[-2:]
    told = {"format": FORMAT, "slots": len(state.seed_B), "latent_height": h, "latent_width": w}
    return {"about": {**told, **about}, "arrays": arrays}


def put_back(snapshot: Snapshot, empty: StreamState) -> StreamState:
    """Fill a fresh state of the same simulator and size."""
    arrays = snapshot["arrays"]
    places = empty.named()
    if places.keys() != arrays.keys():
        odd = sorted(places.keys() ^ arrays.keys())
        raise DamagedFileError(f"this snapshot does not hold what a stream consists of: {', '.join(odd[:4])}.")
    for name, place in places.items():
        if isinstance(place, np.ndarray):
            place[:] = arrays[name]
            continue
        stored = _to_tensor(arrays[name], place)
        if ".archive." in name and place.ndim == 5:
            place = place[:, :, :, : stored.shape[3]]
        if place.shape != stored.shape:
            raise DamagedFileError(
                f"{name} of this snapshot has the shape {tuple(stored.shape)}; {tuple(place.shape)} is needed."
            )
        place.copy_(stored)
    return empty


def check(snapshot: Snapshot, about: dict[str, Any]) -> None:
    """WorldsimError when a snapshot is of another checkpoint, or of one used otherwise."""
    told = snapshot["about"]
    if told.get("format") != FORMAT:
        raise DamagedFileError(f"this snapshot has format {told.get('format')}; this worldsim reads {FORMAT}.")
    if told["checkpoint_hash"] != about["checkpoint_hash"]:
        raise WorldsimError(
            f"this snapshot is of the checkpoint {told['checkpoint']} ({told['checkpoint_hash'][:12]}), and cannot go "
            f"on with {about['checkpoint']} ({about['checkpoint_hash'][:12]}); load the one it is of."
        )
    for name, value in about.items():
        if told.get(name) != value:
            raise WorldsimError(
                f"this snapshot was taken with {name}={told.get(name)}, and this simulator has {name}={value}; "
                "load the checkpoint with the snapshot's."
            )


def save_snapshot(path: str | Path, snapshot: Snapshot) -> None:
    """Write a snapshot as one safetensors file."""
    arrays = {name: np.ascontiguousarray(array) for name, array in snapshot["arrays"].items()}
    write_atomic(Path(path), save(arrays, {"about": json.dumps(snapshot["about"])}))


def load_snapshot(path: str | Path) -> Snapshot:
    """Read a snapshot; DamagedFileError when the file cannot be read."""
    try:
        with safe_open(Path(path), "np") as file:
            about = json.loads((file.metadata() or {})["about"])
            return {"about": about, "arrays": {name: file.get_tensor(name) for name in file.keys()}}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise DamagedFileError(f"{path} is not a readable snapshot of a stream ({error}).") from error


def _to_numpy(value: Tensor | NDArray[Any]) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value.copy()
    bits = value.view(torch.uint16) if value.dtype == torch.bfloat16 else value
    return bits.cpu().numpy().copy()


def _to_tensor(array: NDArray[Any], like: Tensor) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.view(torch.bfloat16) if like.dtype == torch.bfloat16 else tensor

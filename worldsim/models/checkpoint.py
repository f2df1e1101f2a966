"""Weights on disk: safetensors with the model's configuration in the header; float, bf16, or 8-bit with scales.

In 8-bit storage every large matrix is kept as int8 rows with one float16 scale a row; the rest is bf16.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import write_atomic

_SCALE = "::scale"
_SMALLEST_QUANTISED = 4096  # numbers; smaller tensors are not worth the error


def save_model(path: Path, model: nn.Module, config: dict[str, Any], storage: str = "float32") -> None:
    """Write weights and configuration; ``storage`` is "float32", "bfloat16" or "int8"."""
    if storage not in ("float32", "bfloat16", "int8"):
        raise WorldsimError(f"storage={storage!r} is not known; use float32, bfloat16 or int8.")
    tensors = _stored(model.state_dict(), storage)
    metadata = {"config": json.dumps(config), "class": type(model).__name__, "storage": storage}
    write_atomic(path, to_bytes(tensors, metadata))


def as_stored(state: Mapping[str, Tensor], storage: str) -> dict[str, Tensor]:
    """What ``load_weights`` would read of weights that ``save_model`` wrote as ``storage``."""
    return _restored(_stored(state, storage))


def to_bytes(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file whose bytes are a function of its content: ``save`` alone writes metadata in random order,
    and whatever is named by a file's hash would be another thing after every save."""
    raw = save(tensors, metadata)
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + raw[end:]


def read_header(path: Path) -> dict[str, Any]:
    """The configuration, class and storage of a weights file; DamagedFileError when it cannot be read."""
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
        return {"config": json.loads(header["config"]), "class": header["class"], "storage": header["storage"]}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error


def load_weights(path: Path, model: nn.Module) -> None:
    """Fill ``model`` from a file written by ``save_model``; DamagedFileError when file and model do not match."""
    state = _read(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise DamagedFileError(f"{path} does not hold the weights its header describes: {error}") from error


def fill_weights(path: Path, model: nn.Module) -> None:
    """Fill what ``model`` and the file have both; what the file lacks stays, rows beyond the file's too.

    Raises WorldsimError when the file has weights that the model has no place for.
    """
    own = model.state_dict()
    for name, value in _read(path).items():
        fits = name in own and own[name].shape[1:] == value.shape[1:] and len(own[name]) >= len(value)
        if not fits:
            there = tuple(own[name].shape) if name in own else "none"
            raise WorldsimError(
                f"{path} has {name} of shape {tuple(value.shape)}, and the network to be trained {there}: "
                "choose dim, depth, heads and text as in the earlier stage."
            )
        with torch.no_grad():
            own[name][: len(value)].copy_(value) if value.ndim else own[name].copy_(value)


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, in float32."""
    try:
        with safe_open(path, "pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    return _restored(stored)


def _stored(state: Mapping[str, Tensor], storage: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        value = value.detach().float()
        if storage == "int8" and value.ndim >= 2 and value.numel() >= _SMALLEST_QUANTISED:
            rows = value.flatten(1)
            scale = (rows.abs().amax(1, keepdim=True) / 127).clamp(min=1e-8).to(torch.float16)
            tensors[name] = (rows / scale.float()).round().clamp(-127, 127).to(torch.int8).view(value.shape)
            tensors[name + _SCALE] = scale
        else:
            tensors[name] = value if storage == "float32" else value.to(torch.bfloat16)
    return {name: value.contiguous() for name, value in tensors.items()}


def _restored(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    state = {}
    for name, value in stored.items():
        if name.endswith(_SCALE):
            continue
        value = value.float()
        if name + _SCALE in stored:
            value = (value.flatten(1) * stored[name + _SCALE].float()).view(value.shape)
        state[name] = value
    return state


def _damaged(path: Path, error: Exception) -> DamagedFileError:
    return DamagedFileError(f"{path} is not a readable weights file ({error}); restore it or train it anew.")

"""Models of other people through transformers: what is missing or cannot be loaded is said in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from worldsim.core.errors import MissingDependencyError, WorldsimError


def import_transformers(purpose: str) -> Any:
    """The package; MissingDependencyError that names ``purpose`` where it is not installed."""
    try:
        import transformers
    except ImportError as error:
        raise MissingDependencyError("transformers", "text", purpose) from error
    return transformers


@contextmanager
def loading(model: str, kind: str) -> Iterator[None]:
    """What transformers raises while it loads ``model`` becomes a WorldsimError that asks for a model of ``kind``."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, TypeError, AttributeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WorldsimError(
            f"the model {model!r} cannot be loaded ({reason[:300]}); give a folder or a name on the Hugging Face hub "
            f"of {kind} whose weights are safetensors files."
        ) from error


def best_device(device: str = "auto") -> str:
    """``device``, or for "auto" the GPU where there is one."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"

"""Simulators: ours (dit) and, later, other people's. ``load`` makes one from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worldsim.models.autoencoders import Autoencoder
    from worldsim.models.dit import DiT
    from worldsim.simulators.checkpoints import Checkpoint
    from worldsim.simulators.dit import DiTSimulator
    from worldsim.simulators.recall import MemoryConfig


def load(
    name_or_folder: str | Path,
    steps: int | None = None,
    precision: str | None = None,
    device: str = "cpu",
    guidance: float = 1.0,
    memory: MemoryConfig | None = None,
) -> DiTSimulator:
    """The simulator of a shipped checkpoint ("voxel-base") or of a folder written by training.

    ``steps``: denoising steps a frame; None takes the checkpoint's own.
    ``precision``: "bfloat16" (default) or "float32".
    ``guidance``: how far past its prompt's word each frame goes; 1 is none.
    ``memory``: what is seen again from beyond the window; None: places, where the network is shown them.
    Raises UnknownNameError or DamagedFileError when there is no such checkpoint or it cannot be read, WorldsimError for
    guidance of a network that reads no prompts.
    """
    from worldsim.simulators.dit import DiTSimulator

    checkpoint, vae, dit = load_networks(name_or_folder, precision, device)
    return DiTSimulator(
        checkpoint,
        vae,
        dit,
        steps=checkpoint.config["steps"] if steps is None else steps,
        context_noise=checkpoint.config["context_noise"],
        guidance=guidance,
        memory=memory,
    )


def load_networks(
    name_or_folder: str | Path, precision: str | None = None, device: str = "cpu"
) -> tuple[Checkpoint, Autoencoder, DiT]:
    """A checkpoint with its networks in place, for inference; arguments and errors as of :func:`load`."""
    import torch

    from worldsim.core.errors import WorldsimError
    from worldsim.models.autoencoders import load_autoencoder
    from worldsim.models.device import find_device
    from worldsim.models.dit import load_dit
    from worldsim.models.layers import pack
    from worldsim.simulators.checkpoints import find_checkpoint

    checkpoint = find_checkpoint(name_or_folder)
    if precision not in (None, "bfloat16", "float32"):
        raise WorldsimError(f"precision={precision!r} is not known; use 'bfloat16' or 'float32'.")
    dtype = torch.float32 if precision == "float32" else torch.bfloat16
    place = find_device(device)
    vae = load_autoencoder(checkpoint.folder).to(place, dtype)
    dit = load_dit(checkpoint.folder / "dit.safetensors").to(place, dtype)
    if dit.text is not None:
        dit.text.float()  # prompts are read once, and in full precision
    pack(dit)
    return checkpoint, vae, dit

"""Autoencoders by name or file: ours (``VAE``), none at all (``Pixels``), and other people's (diffusers)."""

from __future__ import annotations

from pathlib import Path

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.models.autoencoders.base import Autoencoder, ClipState, nearest_size, to_signed, to_uint8
from worldsim.models.autoencoders.pixels import Pixels
from worldsim.models.autoencoders.pretrained import PREFIX as DIFFUSERS
from worldsim.models.autoencoders.pretrained import DiffusersAutoencoder
from worldsim.models.autoencoders.vae import VAE, VAEConfig
from worldsim.models.checkpoint import load_weights, read_header, save_model

__all__ = [
    "VAE",
    "Autoencoder",
    "ClipState",
    "DiffusersAutoencoder",
    "Pixels",
    "VAEConfig",
    "load_autoencoder",
    "nearest_size",
    "save_autoencoder",
    "to_signed",
    "to_uint8",
]

FILE = "vae.safetensors"
_CLASSES: dict[str, type[Autoencoder]] = {kind.__name__: kind for kind in (VAE, Pixels, DiffusersAutoencoder)}


def load_autoencoder(path_or_name: str | Path) -> Autoencoder:
    """An autoencoder in float32, for inference.

    ``path_or_name``: the folder of a run or of a checkpoint, a weights file, "pixels" ("pixels:4" for patches of 4 x 4
    instead of 8 x 8), or "diffusers:NAME_OR_FOLDER". Raises WorldsimError when there is nothing of that name,
    MissingDependencyError without diffusers, DamagedFileError when a file cannot be read.
    """
    text = str(path_or_name)
    if text.startswith(DIFFUSERS):
        return DiffusersAutoencoder(text.removeprefix(DIFFUSERS)).eval()
    if text.partition(":")[0] == "pixels":
        return _pixels(text.partition(":")[2]).eval()
    path = Path(text) / FILE if Path(text).is_dir() else Path(text)
    if not path.exists():
        raise WorldsimError(
            f"there is no autoencoder {text!r}: give the folder of a run of recipe=vae, its {FILE}, 'pixels', or "
            f"'{DIFFUSERS}NAME_OR_FOLDER'."
        )
    header = read_header(path)
    if header["class"] not in _CLASSES:
        raise DamagedFileError(f"{path} holds a {header['class']}, which is none of {', '.join(_CLASSES)}.")
    autoencoder = _CLASSES[header["class"]].from_config(header["config"])
    load_weights(path, autoencoder)
    return autoencoder.eval()


def save_autoencoder(path: Path, autoencoder: Autoencoder, storage: str = "float32") -> None:
    """One file, with class and configuration in its header, that ``load_autoencoder`` reads; see ``save_model``."""
    save_model(path, autoencoder, autoencoder.saved_config(), storage)


def _pixels(stride: str) -> Pixels:
    if stride and not stride.isdecimal():
        raise WorldsimError(f"pixels:{stride} must name the side of a patch in pixels, as in pixels:4.")
    return Pixels(int(stride)) if stride else Pixels()

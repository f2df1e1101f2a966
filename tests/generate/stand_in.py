"""A stand-in for a trained checkpoint: pixels for latents, and an untrained network.

Untrained, the network says of every frame that it is its reference: the given frames around it, mixed by their distance
in time. So what is given comes through exactly, and what is made is a cross-fade.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from worldsim.core.actions import ActionCodec, Channel
from worldsim.core.records import write_json
from worldsim.models.autoencoders import Pixels, save_autoencoder
from worldsim.models.checkpoint import save_model
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.text import TextConfig

SIZE = (32, 48)
FPS = 12.5
CODEC = ActionCodec(
    (
        Channel("forward", "forward", "binary", 0, 1, 1.0),
        Channel("camera_yaw_right_deg", "camera", "continuous", -180, 180, 10.0),
    )
)
WORDS = ("a", "red", "tower", "night", "day")


def write_checkpoint(folder: Path, **network) -> Path:
    """An untrained checkpoint; ``network`` are settings of its DiT."""
    torch.manual_seed(0)
    autoencoder = Pixels(8)
    settings = {"joint": True, "text": TextConfig(width=16, depth=1, heads=2, max_words=6, words=WORDS), **network}
    dit = DiT(DiTConfig(len(CODEC), autoencoder.latent_channels, dim=16, depth=2, heads=2, window=4, **settings))
    save_autoencoder(folder / "vae.safetensors", autoencoder)
    save_model(folder / "dit.safetensors", dit, asdict(dit.config))
    write_json(
        folder / "config.json",
        {
            "format": 1,
            "env_ids": ["voxel/arena"],
            "env_kwargs": {},
            "height": SIZE[0],
            "width": SIZE[1],
            "fps": FPS,
            "codec": [asdict(channel) for channel in CODEC.channels],
            "context_noise": 0.1,
            "steps": 1,
            "train_flops": 0.0,
        },
    )
    return folder


def picture(*rgb: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """One frame (1, H, W, 3) of that colour, with a ramp over it."""
    ramp = np.linspace(0, 40, size[1])[None, :, None]
    return (np.array(rgb) * np.ones((*size, 1)) * 0.8 + ramp).astype(np.uint8)[None]

"""Arithmetic of the networks counted from shapes: multiply and add are two operations.

Only products count (linear layers, attention, convolutions), as in PyTorch's own counter, against which the tests hold
these numbers. A training pass is three times a forward pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worldsim.models.attention import clip_chunks
from worldsim.models.autoencoders import VAE
from worldsim.models.dit import DiTConfig
from worldsim.models.layout import Part
from worldsim.models.pose import tilt_products


def training_flops(config: DiTConfig, part: Part) -> float:
    """Forward and backward operations of a part of a packed sequence."""
    tokens, frames = part.tokens_per_frame, part.frames
    sequence_frames = part.sequence_frames
    sequence = sequence_frames * tokens
    predicted = frames if part.joint else frames - 1
    if part.joint:
        keys = sequence**2  # all see all, masked or not
    else:
        sinks = config.sinks if frames > config.window else 0
        pairs = (frames - 1) + sequence_frames * sinks  # targets see their own frame, all see sinks
        for first, last, oldest in clip_chunks(frames, config.window):
            queries = 2 * (last - first) - (first == 0)  # frame 0 is no target
            pairs += queries * (last - oldest)  # of frames
        keys = pairs * tokens**2
    return (
        part.clips
        * 3.0
        * (
            sequence * _per_token(config)
            + config.depth * 4 * keys * config.dim  # scores and weighted values
            + sequence_frames * _per_frame(config)
            + predicted * tokens * 2 * config.dim * _predicted_numbers(config)
            + (not part.joint) * predicted * _reading_the_tilt(config)
        )
    )


def autoencoder_training_flops(vae: VAE, height: int, width: int) -> float:
    """Forward and backward operations a frame of encoding and decoding a clip of four latents."""
    multiply_adds = 0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal multiply_adds
        assert isinstance(module, nn.Conv2d | nn.Linear)
        multiply_adds += output.numel() // module.weight.shape[0] * module.weight.numel()

    frames = vae.clip_frames(4)
    hooks = [m.register_forward_hook(count) for m in vae.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        vae.decode_clip(vae.encode_clip(torch.zeros(1, frames, 3, height, width)))
    for hook in hooks:
        hook.remove()
    return 3.0 * 2.0 * multiply_adds / frames


def _per_token(config: DiTConfig) -> float:
    matrices = 4 * config.dim**2 + 2 * config.mlp_ratio * config.dim**2
    text = sum(config.has_text(block) for block in range(config.depth)) * 2 * config.dim**2  # without its few words
    seen = config.motion * 2 * (_token_numbers(config) + config.patch**2)
    return 2.0 * (config.depth * matrices + text + (2 * _token_numbers(config) + seen) * config.dim)


def _per_frame(config: DiTConfig) -> float:
    return 2.0 * config.dim**2 * (4 + 6 + 2) + 2.0 * config.dim * config.action_channels


def _reading_the_tilt(config: DiTConfig) -> float:
    return 2.0 * tilt_products(config.latent_channels) if config.motion and config.camera else 0.0


def _predicted_numbers(config: DiTConfig) -> int:
    """Of a token: its latents, their shares of what is shown, and where they come from."""
    return _token_numbers(config) + 2 * (config.motion + config.displaced) * config.patch**2


def _token_numbers(config: DiTConfig) -> int:
    return config.latent_channels * config.patch**2

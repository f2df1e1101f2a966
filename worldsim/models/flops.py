"""Arithmetic of the transformer counted from shapes: multiply and add are two operations."""

from __future__ import annotations

from worldsim.models.dit import DiTConfig
from worldsim.models.layout import Part


def training_flops(config: DiTConfig, part: Part) -> float:
    """Forward and backward operations of a part of a packed sequence."""
    tokens, frames = part.tokens_per_frame, part.frames
    sequence = part.sequence_frames * tokens
    predicted = frames if part.joint else frames - 1
    if part.joint:
        keys = sequence**2  # all see all, masked or not
    else:
        sinks = config.sinks if frames > config.window else 0
        seen = (frames + sinks) * tokens
        keys = sequence * seen + (frames - 1) * tokens**2  # all see context, targets their own frame
    return (
        part.clips
        * 3.0
        * (
            sequence * _per_token(config)
            + config.depth * 4 * keys * config.dim  # scores and weighted values
            + part.sequence_frames * _per_frame(config)
            + predicted * tokens * 2 * config.dim * _token_numbers(config)
        )
    )


def streaming_flops_per_frame(config: DiTConfig, latent_height: int, latent_width: int, steps: int) -> float:
    """Operations of one streamed frame with ``steps`` denoising steps and a full window."""
    tokens = (latent_height // config.patch) * (latent_width // config.patch)
    calls = (steps + 1) * tokens  # the context frame is written along with the first step
    keys = (config.sinks + config.window + 1) * tokens
    return (
        calls * (_per_token(config) + config.depth * 4 * keys * config.dim)
        + (steps + 1) * _per_frame(config)
        + steps * tokens * 2 * config.dim * _token_numbers(config)
    )


def _per_token(config: DiTConfig) -> float:
    matrices = 4 * config.dim**2 + 2 * config.mlp_ratio * config.dim**2
    text = sum(config.has_text(block) for block in range(config.depth)) * 2 * config.dim**2  # without its few words
    return 2.0 * (config.depth * matrices + text + 2 * _token_numbers(config) * config.dim)


def _per_frame(config: DiTConfig) -> float:
    return 2.0 * config.dim**2 * (4 + 6 + 2) + 2.0 * config.dim * config.action_channels


def _token_numbers(config: DiTConfig) -> int:
    return config.latent_channels * config.patch**2

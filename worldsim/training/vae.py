"""Training the autoencoder on single frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from worldsim.core.seeding import derive_seed
from worldsim.data.clips import ClipReader
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import VAE, VAEConfig, save_autoencoder, to_signed
from worldsim.models.autoencoders.vae import channels_last
from worldsim.models.checkpoint import load_weights
from worldsim.training.loop import LoopConfig, Trainer


@dataclass(frozen=True, kw_only=True)
class VAETrainConfig(LoopConfig):
    """``batch`` counts frames, drawn in neighbouring pairs."""

    steps: int = 3600  # optimiser steps in all
    batch: int = 32  # frames a step
    lr: float = 3e-3  # learning rate after warm-up
    warmup: int = 30  # steps until the learning rate is reached
    decay_share: float = 0.4  # of all steps, at the end, linearly to zero
    optimizer: str = "muon"  # muon: inner kernels by Muon, the rest by AdamW; or adamw
    ema: float = 0.99  # of the weights, a step; the average is what is saved
    model: VAEConfig = field(default_factory=VAEConfig)
    mse_weight: float = 5.0  # of the squared error beside the absolute one
    keep_encoder_of: str = ""  # run folder whose latents stay as they are: only its decoder is trained further


def train_vae(config: VAETrainConfig, data: Sequence[str | Path], out: str | Path, progress=None) -> Path:
    """Train on the frames of ``data`` and write ``out/vae.safetensors``; the same call continues a run cut short."""
    out = Path(out)
    tables = [EpisodeTable.open(str(path)) for path in data]
    reader = ClipReader(tables, frames=2, batch=max(1, config.batch // 2), seed=derive_seed(config.seed, "vae data"))
    height, width = tables[0].frame_shape[:2]
    torch.manual_seed(derive_seed(config.seed, "vae weights"))
    vae = channels_last(VAE(config.model))
    vae.check_size(height, width)

    if config.keep_encoder_of:
        load_weights(Path(config.keep_encoder_of) / "vae.safetensors", vae)
        vae.encoder.requires_grad_(False)

    def clips(step: int) -> Tensor:
        batch = reader.batch(step).frames
        assert batch is not None
        return to_signed(torch.from_numpy(batch).flatten(0, 1)).unflatten(0, batch.shape[:2])

    def loss(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        x_BT3HW = clips(step)
        generator = torch.Generator().manual_seed(derive_seed(config.seed, "vae noise", step))
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bfloat16"):
            mean_BSChw = vae.posterior_mean(x_BT3HW)
            # The posterior's width is relative to the latents' own spread: their scale is free and carries no penalty.
            spread = mean_BSChw.detach().float().std((0, 1, 3, 4), keepdim=True)
            noise = torch.empty_like(mean_BSChw).normal_(generator=generator)  # like: keeps channels-last
            y_BT3HW = vae.decode_posterior(mean_BSChw + config.model.posterior_std * spread * noise)
        error = y_BT3HW.float() - x_BT3HW
        mse = error.square().mean()
        return error.abs().mean() + config.mse_weight * mse, {"psnr": -10 * torch.log10(mse.detach() / 4)}

    identity = {"recipe": "vae", "data": [table.content_key for table in tables]}
    trainer = Trainer(vae, config, out, loss, identity, flops_per_step=6 * _macs(vae, height, width) * config.batch)
    trainer.run(progress)
    if not config.keep_encoder_of:
        vae.measure_latents(torch.cat([clips(-1 - i) for i in range(16)]))
    save_autoencoder(out / "vae.safetensors", vae)
    return out


def _macs(vae: VAE, height: int, width: int) -> float:
    """Multiply-adds of encoding and decoding one frame."""
    total = 0

    def count(module: torch.nn.Module, _inputs, output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, torch.nn.Conv2d)
        total += output[0].numel() * int(np.prod(module.weight.shape[1:]))

    hooks = [m.register_forward_hook(count) for m in vae.modules() if isinstance(m, torch.nn.Conv2d)]
    with torch.no_grad():
        vae.decode(vae.encode(torch.zeros(1, 3, height, width)))
    for hook in hooks:
        hook.remove()
    return float(total)

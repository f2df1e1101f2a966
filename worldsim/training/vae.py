"""Training the autoencoder on short clips.

Legend: B clips, T frames, S latents in time, H and W pixels, h and w latent sides, N = B * T.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import derive_seed, stream
from worldsim.data.clips import ClipReader
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import VAE, VAEConfig, load_autoencoder, save_autoencoder, to_signed
from worldsim.models.autoencoders.vae import channels_last
from worldsim.models.flops import autoencoder_training_flops
from worldsim.training.adversary import Adversary
from worldsim.training.equivariance import move_together
from worldsim.training.loop import Trainer
from worldsim.training.loop_config import LoopConfig
from worldsim.training.perceptual import make_distance
from worldsim.training.tables import open_tables

_MEASURED_BATCHES = 16  # whose latents give the normalisation


@dataclass(frozen=True, kw_only=True)
class VAETrainConfig(LoopConfig):
    """The loss is L1 + ``mse_weight`` x MSE, and the perceptual and adversarial terms where they have a weight."""

    steps: int = 3600  # optimiser steps in all
    batch: int = 32  # frames a step; of tables with larger frames as many fewer
    lr: float = 3e-3  # learning rate after warm-up
    warmup: int = 30  # steps until the learning rate is reached
    decay_share: float = 0.4  # of all steps, at the end, linearly to zero
    optimizer: str = "muon"  # muon: inner kernels by Muon, the rest by AdamW; or adamw
    ema: float = 0.99  # of the weights, a step; the average is what is saved
    model: VAEConfig = field(default_factory=VAEConfig)
    clip_frames: int = 0  # of a clip; 0: 2 at temporal stride 1, otherwise those of 4 latents
    mse_weight: float = 5.0  # of the squared error beside the absolute one
    perceptual: str = ""  # gradients, torchvision:vgg16, huggingface:NAME; empty for none
    perceptual_weight: float = 1.0  # of that term
    adversarial_weight: float = 0.0  # of the adversarial term, as a share of the reconstruction's gradient; 0: none
    adversarial_start: int = 1000  # step from which the discriminator learns and counts
    adversarial_lr: float = 5e-4  # learning rate of the discriminator
    moved_share: float = 0.5  # of the clips are moved between encoder and decoder and have to come out moved
    keep_encoder_of: str = ""  # run folder whose model and latents stay: only its decoder is trained further

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("clip_frames", "mse_weight", "perceptual_weight", "adversarial_weight", "adversarial_start"):
            if getattr(self, name) < 0:
                raise WorldsimError(f"{name}={getattr(self, name)} must not be negative.")
        if self.adversarial_lr <= 0:
            raise WorldsimError(f"adversarial_lr={self.adversarial_lr} must be positive.")
        if not 0 <= self.moved_share <= 1:
            raise WorldsimError(f"moved_share={self.moved_share} must be in [0, 1].")


def train_vae(
    config: VAETrainConfig, data: Sequence[str | Path], out: str | Path, progress=None, compute: float | None = None
) -> Path:
    """Train on the clips of ``data`` and write ``out/vae.safetensors``; the same call continues a run cut short.

    The tables may differ in games and in frame size; each step has clips of one size. ``compute`` in training FLOPs
    takes the place of ``config.steps``.
    """
    out = Path(out)
    tables = open_tables(data)
    torch.manual_seed(derive_seed(config.seed, "vae weights"))
    if config.keep_encoder_of:
        vae = _with_kept_encoder(config.keep_encoder_of)
        config = replace(config, model=replace(vae.config, posterior_std=config.model.posterior_std))
    else:
        vae = channels_last(VAE(config.model))
    flops = autoencoder_training_flops(vae, *tables[0].frame_shape[:2]) * config.batch
    vae.to(config.device)
    if compute is not None:
        config = config.bought(compute, flops)
    clips = _clip_source(config, vae, tables)
    distance = make_distance(config.perceptual, config.device) if config.perceptual else None
    adversary = None
    if config.adversarial_weight:
        adversary = Adversary(config.adversarial_weight, config.adversarial_start, config.adversarial_lr)
        adversary.network.to(config.device)
    last_layer = [layer for layer in vae.decoder if isinstance(layer, nn.Conv2d)][-1]

    def loss(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        x_BT3HW = clips(step)
        x_BT3HW, y_BT3HW = _reconstruction(vae, config, x_BT3HW, step)
        error = y_BT3HW - x_BT3HW
        mse = error.square().mean()
        values = {"psnr": -10 * torch.log10(mse.detach() / 4)}
        total = error.abs().mean() + config.mse_weight * mse
        x_N3HW, y_N3HW = x_BT3HW.flatten(0, 1), y_BT3HW.flatten(0, 1)
        if distance:
            values["perceptual"] = distance(y_N3HW, x_N3HW)
            total = total + config.perceptual_weight * values["perceptual"]
        if adversary and step >= adversary.start:
            values["adversary"] = adversary.learn(x_N3HW, y_N3HW)
            total = total + adversary.term(y_N3HW, total, last_layer.weight)
        return total, values

    identity = {"recipe": "vae", "data": [table.content_key for table in tables]}
    opponent = (adversary.network, adversary.optimizer) if adversary else None
    trainer = Trainer(vae, config, out, loss, identity, flops, opponent)
    trainer.run(progress)
    if not config.keep_encoder_of:
        vae.measure_latents(clips(-1 - i) for i in range(_MEASURED_BATCHES))
    save_autoencoder(out / "vae.safetensors", vae)
    return out


def _with_kept_encoder(folder: str) -> VAE:
    vae = load_autoencoder(folder)
    if not isinstance(vae, VAE):
        raise WorldsimError(f"keep_encoder_of={folder} is a {type(vae).__name__}, which has no decoder to train.")
    vae.encoder.requires_grad_(False)
    return vae


def _reconstruction(vae: VAE, config: VAETrainConfig, x_BT3HW: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """What has to come out, and what does through noised latents; both moved where latents are moved."""
    generator = config.random_numbers("vae noise", step)
    mixed = config.precision == "bfloat16"
    with torch.autocast(x_BT3HW.device.type, torch.bfloat16) if mixed else nullcontext():
        mean_BSChw = vae.posterior_mean(x_BT3HW)
        # The posterior's width is relative to the latents' own spread: their scale is free and carries no penalty.
        spread = mean_BSChw.detach().float().std((0, 1, 3, 4), keepdim=True)
        noise = torch.empty_like(mean_BSChw).normal_(generator=generator)  # like: keeps channels-last
        z_BSChw = mean_BSChw + config.model.posterior_std * spread * noise
        if config.moved_share:
            x_BT3HW, z_BSChw = move_together(x_BT3HW, z_BSChw, config.moved_share, generator)
        return x_BT3HW, vae.decode_posterior(z_BSChw).float()


def _clip_source(config: VAETrainConfig, vae: VAE, tables: list[EpisodeTable]) -> Callable[[int], Tensor]:
    """Clips (B, T, 3, H, W) of a step, all of one size; sizes are drawn so that every frame is as likely as another."""
    frames = config.clip_frames or (2 if vae.temporal_stride == 1 else vae.clip_frames(4))
    vae.latent_frames(frames)
    groups: dict[str, list[EpisodeTable]] = {}
    for table in tables:
        vae.check_size(*table.frame_shape[:2])
        groups.setdefault(f"{table.frame_shape} {table.codec.to_json()}", []).append(table)
    pixels = int(np.prod(tables[0].frame_shape))
    readers: list[ClipReader] = []
    counts: list[float] = []
    for group in groups.values():
        larger = int(np.prod(group[0].frame_shape)) / pixels
        batch = max(1, round(config.batch / larger / frames))
        readers.append(ClipReader(group, max(2, frames), batch, derive_seed(config.seed, "vae data", len(readers))))
        counts.append(larger * sum(int(table.episodes.lengths.sum()) for table in group))

    def clips(step: int) -> Tensor:
        which = stream(config.seed, "vae table", step).choice(len(readers), p=np.divide(counts, sum(counts)))
        batch = readers[which].batch(step).frames
        assert batch is not None
        batch = batch[:, :frames]
        x_NHW3 = torch.from_numpy(batch).flatten(0, 1).to(config.device)
        return to_signed(x_NHW3).unflatten(0, batch.shape[:2])

    return clips

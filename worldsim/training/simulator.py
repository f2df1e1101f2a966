"""Training the simulator: the diffusion transformer on latents, with its reward and termination heads."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.core.records import file_hash, read_json, write_json
from worldsim.core.seeding import derive_seed
from worldsim.core.types import Frames
from worldsim.data.clips import ClipReader
from worldsim.data.latents import encode_table
from worldsim.data.store import EpisodeTable
from worldsim.diffusion.flow import NoiseConfig, add_noise, draw_levels, loss_weight
from worldsim.models.checkpoint import load_weights, save_model
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.flops import training_flops_per_clip
from worldsim.models.heads import reward_loss
from worldsim.models.vae import VAE, load_vae, to_signed
from worldsim.training.loop import LoopConfig, Trainer, print_line


@dataclass(frozen=True, kw_only=True)
class SimulatorTrainConfig(LoopConfig):
    """The defaults are the recipe of the shipped models' first stage."""

    optimizer: str = "muon"  # muon: matrices by Muon, the rest by AdamW; or adamw
    frames: int = 14  # of a clip
    termination_share: float = 0.05  # of the clips hold the end of an episode
    head_weight: float = 0.05  # of the reward and termination losses
    dim: int = 256  # width of the network
    depth: int = 8  # blocks
    heads: int = 4  # of attention
    window: int = 10  # past frames a frame attends to
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    own_context_share: float = 0.0  # of the clips go on, from a random frame, on the network's own predictions
    own_context_passes: int = 1  # how often those are predicted again from each other: after n, n steps are a roll-out
    init: str = ""  # run folder of an earlier stage to start from; empty for random weights
    compile: bool = False  # the blocks; needs a C++ compiler

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.own_context_share <= 1:
            raise WorldsimError(f"own_context_share={self.own_context_share} must be in [0, 1].")
        if self.own_context_passes < 1:
            raise WorldsimError(f"own_context_passes={self.own_context_passes} must be at least 1.")


def train_simulator(
    config: SimulatorTrainConfig, data: Sequence[str | Path], vae: str | Path, out: str | Path, progress=None
) -> Path:
    """Train on the tables ``data`` in the latents of ``vae`` (a run folder or weights file) and write a checkpoint.

    ``out`` receives ``vae.safetensors``, ``dit.safetensors`` and ``config.json``, which together are what
    ``worldsim.simulators.load(out)`` reads. The same call continues a run that was cut short.
    """
    out = Path(out)
    vae_path = Path(vae) / "vae.safetensors" if Path(vae).is_dir() else Path(vae)
    tables = [EpisodeTable.open(str(path)) for path in data]
    encoder = load_vae(vae_path)
    if config.threads:
        torch.set_num_threads(config.threads)
    latents = [_encode(table, encoder, vae_path, config.dtype, progress or print_line) for table in tables]
    reader = ClipReader(
        tables,
        config.frames,
        config.batch,
        derive_seed(config.seed, "simulator data"),
        termination_share=config.termination_share if any(table.episodes.terminated.any() for table in tables) else 0.0,
        pad_endings=True,
        latents=latents,
    )
    codec = reader.codec
    model_config = DiTConfig(
        action_channels=len(codec),
        latent_channels=encoder.config.latent_channels,
        dim=config.dim,
        depth=config.depth,
        heads=config.heads,
        window=config.window,
    )
    torch.manual_seed(derive_seed(config.seed, "simulator weights"))
    model = DiT(model_config)
    if config.init:
        load_weights(Path(config.init) / "dit.safetensors", model)
    if config.compile:
        model.compile_trunk()
    scale_A = torch.from_numpy(codec.scale)
    height, width = (side // 8 for side in tables[0].frame_shape[:2])

    def loss(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        clips = reader.batch(step)
        assert clips.latents is not None
        generator = torch.Generator().manual_seed(derive_seed(config.seed, "simulator noise", step))
        x_BTChw = torch.from_numpy(clips.latents).float()
        return clip_loss(
            model,
            config,
            x_BTChw,
            torch.from_numpy(clips.actions) / scale_A,
            torch.from_numpy(clips.rewards),
            torch.from_numpy(clips.terminated).float(),
            torch.from_numpy(clips.valid).float(),
            generator,
        )

    identity = {
        "recipe": "simulator",
        "data": [table.content_key for table in tables],
        "vae": file_hash(vae_path),
        "codec": codec.to_json(),
    }
    # Clips that go on by themselves cost more forward passes, each a third of a training pass.
    passes = 1 + (config.own_context_passes / 3 if config.own_context_share else 0)
    flops = passes * config.batch * training_flops_per_clip(model_config, config.frames, height, width)
    trainer = Trainer(model, config, out, loss, identity, flops)
    trainer.run(progress)
    save_model(out / "vae.safetensors", encoder, asdict(encoder.config))
    save_model(out / "dit.safetensors", model, asdict(model_config))
    write_json(
        out / "config.json",
        {
            "format": 1,
            "env_ids": list(dict.fromkeys(table.env_id for table in tables)),
            "env_kwargs": tables[0].info.env_kwargs,
            "height": tables[0].frame_shape[0],
            "width": tables[0].frame_shape[1],
            "fps": tables[0].fps,
            "codec": codec.to_json(),
            "context_noise": 0.1,
            "steps": 2,
            "train_flops": trainer.flops_per_step * trainer.step + _earlier_flops(config),
            "train_seed": config.seed,
            "data": _all_data(config, tables),
        },
    )
    return out


def clip_loss(
    model: DiT,
    config: SimulatorTrainConfig,
    x_BTChw: Tensor,
    actions_BSA: Tensor,
    rewards_BS: Tensor,
    terminated_BS: Tensor,
    valid_BS: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch of clips; steps with ``valid_BS`` 0 (after an episode's end) count for nothing."""
    B, T = x_BTChw.shape[:2]
    context_level_BT, target_level_BS = draw_levels(config.noise, B, T, generator)
    noise_BTChw = torch.randn(x_BTChw.shape, generator=generator)
    seen_BTChw = x_BTChw
    if config.own_context_share:
        seen_BTChw = own_context(model, config, x_BTChw, noise_BTChw, context_level_BT, actions_BSA, generator)
    context_BTChw = add_noise(seen_BTChw, noise_BTChw, context_level_BT)
    goal_BSChw = x_BTChw[:, 1:]
    target_BSChw = add_noise(goal_BSChw, torch.randn(goal_BSChw.shape, generator=generator), target_level_BS)
    output = model(
        context_BTChw.to(config.dtype), context_level_BT, target_BSChw.to(config.dtype), target_level_BS, actions_BSA
    )
    count = valid_BS.sum()
    error_BS = (output.latent.float() - goal_BSChw).square().mean((2, 3, 4))
    flow = (error_BS * loss_weight(target_level_BS) * valid_BS).sum() / count
    reward = (reward_loss(output.reward_logits, rewards_BS) * valid_BS).sum() / count
    ends_BS = F.binary_cross_entropy_with_logits(output.termination_logit.float(), terminated_BS, reduction="none")
    ending = (ends_BS * valid_BS).sum() / count
    return flow + config.head_weight * (reward + ending), {"flow": flow.detach(), "reward": reward, "ending": ending}


@torch.no_grad()
def own_context(
    model: DiT,
    config: SimulatorTrainConfig,
    x_BTChw: Tensor,
    noise_BTChw: Tensor,
    context_level_BT: Tensor,
    actions_BSA: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """The clips as a roll-out would see them: in a share of them, from a random frame on, one-step predictions.

    Scheduled sampling (Bengio et al. 2015) in parallel (Mihaylova and Martins 2019): every pass predicts all frames at
    once from the frames of the pass before, so after n passes the first n own frames are those of a roll-out and the
    later ones carry the errors of n steps. No gradient goes through the predictions.
    """
    B, T = x_BTChw.shape[:2]
    start_B = torch.randint(1, T, (B,), generator=generator)
    start_B[torch.rand(B, generator=generator) >= config.own_context_share] = T
    alone_BT = (torch.arange(T) >= start_B[:, None])[..., None, None, None]
    pure_BSChw = torch.randn(x_BTChw[:, 1:].shape, generator=generator).to(config.dtype)
    level_BS = torch.ones(B, T - 1)
    seen_BTChw = x_BTChw
    for _ in range(config.own_context_passes):
        context_BTChw = add_noise(seen_BTChw, noise_BTChw, context_level_BT).to(config.dtype)
        output = model(context_BTChw, context_level_BT, pure_BSChw, level_BS, actions_BSA)
        own_BTChw = torch.cat((x_BTChw[:, :1], output.latent.float()), 1)
        seen_BTChw = torch.where(alone_BT, own_BTChw, x_BTChw)
    return seen_BTChw


def _earlier_flops(config: SimulatorTrainConfig) -> float:
    """Training FLOPs of the stages this run started from."""
    return float(read_json(Path(config.init) / "config.json")["train_flops"]) if config.init else 0.0


def _all_data(config: SimulatorTrainConfig, tables: Sequence[EpisodeTable]) -> list[dict[str, Any]]:
    """What this run and the stages before it were trained on."""
    earlier = read_json(Path(config.init) / "config.json")["data"] if config.init else []
    return earlier + [told for told in map(_describe, tables) if told not in earlier]


def _describe(table: EpisodeTable) -> dict[str, Any]:
    """What a table holds and how it was made; together with the game that is enough to record it again."""
    info = asdict(table.info)
    kept = {key: info[key] for key in ("env_id", "env_kwargs", "policy", "split", "seed", "max_steps")}
    return {**kept, "episodes": len(table), "frames": int(table.episodes.lengths.sum())}


def _encode(table: EpisodeTable, vae: VAE, vae_path: Path, dtype: torch.dtype, say: Callable[[str], None]) -> Path:
    """Latents of a table, kept beside it: they are made once for a table and an autoencoder."""
    if "://" in table.path:
        raise WorldsimError(f"{table.path}: latents are kept beside the table; copy the table to a local folder first.")
    encoder = copy.deepcopy(vae).to(dtype)

    @torch.inference_mode()
    def encode(frames: Frames) -> NDArray[np.float16]:
        return encoder.encode(to_signed(torch.from_numpy(frames), dtype)).float().numpy().astype(np.float16)

    begun = said = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said > 2:
            said = now
            left_min = (now - begun) * (total - done) / done / 60
            say(f"{table.path}: {done} of {total} frames encoded, {left_min:.1f} min left")

    folder = Path(table.path).parent / ".latents"
    return encode_table(table, encode, folder, file_hash(vae_path) + str(dtype), progress=tell)

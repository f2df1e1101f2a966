"""Training the simulator: the diffusion transformer on latents, with its reward and termination heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.core.records import write_json
from worldsim.core.seeding import derive_seed
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import FILE, Pixels, load_autoencoder, save_autoencoder, to_signed
from worldsim.models.checkpoint import save_model
from worldsim.models.dit import DiT, DiTConfig
from worldsim.models.text import EMBEDDED, TextConfig
from worldsim.text.style import FILE as STYLE_FILE
from worldsim.text.style import CaptionStyle
from worldsim.training import processes
from worldsim.training.batches import Batches
from worldsim.training.loop import Trainer, print_line
from worldsim.training.objective import Batch, joint_clips, joint_loss, stream_clips, stream_loss
from worldsim.training.samples import Samples
from worldsim.training.simulator_config import SimulatorTrainConfig
from worldsim.training.stages import EarlierStage
from worldsim.training.table_latents import autoencoder_key, encode_tables
from worldsim.training.tables import open_tables


def train_simulator(
    config: SimulatorTrainConfig, data: Sequence[str | Path], vae: str | Path, out: str | Path, progress=None,
    compute: float | None = None,
) -> Path:  # fmt: skip
    """Train on the tables ``data`` in the latents of ``vae`` (see ``load_autoencoder``) and write a checkpoint.

    ``out`` receives ``vae.safetensors``, ``dit.safetensors`` and ``config.json``, which together are what
    ``worldsim.simulators.load(out)`` reads. The same call continues a run that was cut short. ``compute`` in training
    FLOPs takes the place of ``config.steps``. Several processes, see :mod:`worldsim.training.processes`, train one.
    """
    out = Path(out)
    if config.compile and processes.count() > 1:
        raise WorldsimError(f"compile=true trains in one process, and this run has {processes.count()}; leave it out.")
    tables = open_tables(data, one_action_space=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    earlier = EarlierStage(config.init)
    with processes.first_goes_ahead():
        vae = _settled(vae, tables, out)
        autoencoder = load_autoencoder(vae).to(config.device)
        latents = None
        if autoencoder.temporal_stride == 1:
            latents = encode_tables(tables, autoencoder, autoencoder_key(vae), config.dtype, progress or print_line)
        text = _text_config(config, earlier.words, tables, out)
    batches = Batches(config, tables, autoencoder, latents)
    codec = tables[0].codec
    model_config = DiTConfig(
        action_channels=len(codec) * autoencoder.temporal_stride,
        latent_channels=autoencoder.latent_channels,
        dim=config.dim,
        depth=config.depth,
        heads=config.heads,
        patch=max(1, config.token_px // autoencoder.spatial_stride),
        window=config.window,
        sinks=config.sinks,
        joint=config.joint_batch > 0,
        shortcut=config.shortcut_share > 0,
        motion=config.motion,
        displaced=config.displaced,
        camera=codec.camera if config.motion and autoencoder.temporal_stride == 1 else None,
        hands=codec.hands if config.motion and autoencoder.temporal_stride == 1 else (),
        text=text,
    )
    flops = batches.flops_per_step(model_config)
    if compute is not None:
        config = config.bought(compute, flops)
    torch.manual_seed(derive_seed(config.seed, "simulator weights"))
    model = DiT(model_config)
    if model.motion is not None:
        model.motion.assume_camera(codec.scale.tolist())
    earlier.give_weights(model)
    model.to(config.device)  # drawn on the CPU, to begin with the same weights everywhere
    if config.compile:
        model.compile_trunk()
    if processes.count() > 1:
        _shard(model)

    def loss(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.device(config.device):
            generator = config.random_numbers("simulator noise", step)
            images = model_config.joint and bool(torch.rand((), generator=generator) < config.image_share)
            return step_loss(model, config, batches.streaming(step), batches.joint(step, images), generator)

    identity = {
        "recipe": "simulator",
        "data": [table.content_key for table in tables],
        "vae": autoencoder_key(vae),
        "codec": codec.to_json(),
    }
    about = {
        "format": 1,
        "env_ids": list(dict.fromkeys(table.env_id for table in tables)),
        "env_kwargs": tables[0].info.env_kwargs,
        "height": tables[0].frame_shape[0],
        "width": tables[0].frame_shape[1],
        "sizes": sorted({table.frame_shape[:2] for table in tables}),
        "fps": tables[0].fps,
        "codec": codec.to_json(),
        "context_noise": 0.1,
        "steps": 2,
    }
    sample = None
    if config.samples and autoencoder.temporal_stride == 1 and processes.rank() == 0:
        sample = Samples(tables[0], autoencoder, model_config, about, config.samples, config.dtype, config.seed, out)
    tokens = batches.tokens_per_step(model_config)
    trainer = Trainer(model, config, out, loss, identity, flops, tokens_per_step=tokens, sample=sample)
    trainer.run(progress)
    model = _whole(model)
    if processes.rank() > 0:
        return out
    if Path(vae) != out / FILE:
        save_autoencoder(out / FILE, autoencoder)
    save_model(out / "dit.safetensors", model, asdict(model_config))
    write_json(
        out / "config.json",
        {
            **about,
            "train_flops": trainer.flops_per_step * trainer.step + earlier.train_flops,
            "train_seed": config.seed,
            "data": earlier.data_with(tables),
        },
    )
    return out


def step_loss(
    model: DiT,
    config: SimulatorTrainConfig,
    streaming: Batch,
    together: Sequence[Batch],
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one step: streaming clips and joint ones of several sizes and durations in one packed sequence.

    Every token of the joint clips counts the same.
    """
    clips, goal_BSChw = stream_clips(model, config, streaming, config.dtype, generator)
    joint = [joint_clips(model, config, batch, config.dtype, generator) for batch in together]
    present = [part for part in joint if len(part.noise_BT)]  # of a step's few large clips a process may have none
    outputs = model.run([clips, *present])
    total, values = stream_loss(config, streaming, clips, goal_BSChw, outputs[0], model.config.patch)
    if together:
        said = iter(outputs[1:])
        flows = [
            joint_loss(batch, part, next(said) if len(part.noise_BT) else None, model.config.patch)
            for batch, part in zip(together, joint, strict=True)
        ]
        tokens = [batch.clips * batch.x_BTChw.shape[1:].numel() for batch in together]
        flow = sum(flow * (count / sum(tokens)) for flow, count in zip(flows, tokens, strict=True))
        assert isinstance(flow, Tensor)
        total, values = total + flow, {**values, "joint": flow.detach()}
    return total, values


def _shard(model: DiT) -> None:
    """Each block's large layers are gathered when they are needed. What is used outside of a block's own call, such as
    its modulation and its keys of the words, is gathered for the whole step."""
    groups = [(block.qkv, block.out, block.up, block.down) for block in model.blocks]
    processes.shard(model, groups, ["run", "read"])  # type: ignore[arg-type]


def _whole(model: DiT) -> DiT:
    """The network with all its weights; every process must ask for it."""
    if processes.count() == 1:
        return model
    weights = {name: processes.whole(value) for name, value in model.state_dict().items()}
    model = DiT(model.config)
    model.load_state_dict(weights)
    return model


def _settled(vae: str | Path, tables: Sequence[EpisodeTable], out: Path) -> str | Path:
    """The autoencoder as a file: one that has none, such as pixels, is measured on the data and written to ``out``."""
    if Path(vae).exists():
        return vae
    path = out / FILE
    if not path.exists():
        autoencoder = load_autoencoder(vae)
        if isinstance(autoencoder, Pixels):
            frames = [table.read_clip(episode, 0, 1)[0] for table in tables for episode in range(min(64, len(table)))]
            autoencoder.measure_latents([to_signed(torch.from_numpy(one))[None] for one in frames])
        save_autoencoder(path, autoencoder)
    return path


def _text_config(
    config: SimulatorTrainConfig, earlier_words: tuple[str, ...], tables: Sequence[EpisodeTable], out: Path
) -> TextConfig | None:
    """The encoder that the settings name; the embedded one reads the words of the tables' captions."""
    if not config.text:
        return None
    style = _caption_style(config, tables, out)
    words: tuple[str, ...] = ()
    if config.text == EMBEDDED:
        words = (*earlier_words, *(word for word in style.words if word not in earlier_words))
    return TextConfig(config.text, width=config.text_width, max_words=config.text_max_words, words=words)


def _caption_style(config: SimulatorTrainConfig, tables: Sequence[EpisodeTable], out: Path) -> CaptionStyle:
    """What the captions are like; prompts are written out in it. It is kept from a run's first start: captions may be
    added to its tables before it goes on."""
    if not (out / STYLE_FILE).exists():
        captions = [one.text for table in tables for one in table.captions()]
        if not captions:
            raise WorldsimError(
                f"text={config.text!r} needs captions, and none of {', '.join(table.path for table in tables)} has "
                "any; write them with worldsim caption data=..."
            )
        CaptionStyle.of_captions(captions).write(out)
    return CaptionStyle.read(out)

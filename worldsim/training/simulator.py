"""Training the simulator: the diffusion transformer on latents, with its reward and termination heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_json, write_json
from worldsim.core.seeding import derive_seed
from worldsim.data.clips import Clips
from worldsim.data.mixture import ClipMixture
from worldsim.data.store import EpisodeTable
from worldsim.models.attention import JOINT, TARGET
from worldsim.models.autoencoders import FILE, Pixels, load_autoencoder, save_autoencoder, to_signed
from worldsim.models.checkpoint import fill_weights, read_header, save_model
from worldsim.models.dit import DiT, DiTConfig, config_from_plain
from worldsim.models.flops import training_flops
from worldsim.models.layout import Part
from worldsim.models.text import EMBEDDED, TextConfig
from worldsim.text.style import FILE as STYLE_FILE
from worldsim.text.style import CaptionStyle
from worldsim.text.vocabulary import shortened
from worldsim.training.loop import LoopConfig, Trainer, print_line
from worldsim.training.objective import (
    Batch,
    ObjectiveConfig,
    joint_clips,
    joint_loss,
    stream_clips,
    stream_loss,
)
from worldsim.training.table_latents import autoencoder_key, encode_clips, encode_tables


@dataclass(frozen=True, kw_only=True)
class SimulatorTrainConfig(ObjectiveConfig, LoopConfig):
    """The defaults are the recipe of the shipped streaming models' first stage."""

    optimizer: str = "muon"  # muon: matrices by Muon, the rest by AdamW; or adamw
    frames: int = 14  # of a streaming clip
    shares: tuple[float, ...] = ()  # how often each table is drawn for streaming clips; none: by its frames
    joint_batch: int = 0  # joint clips a step, of the smallest frames; 0: the network learns no joint clips
    joint_frames: int = 13  # of a joint clip; the most where durations differ
    joint_least_frames: int = 0  # of a joint clip, whose duration is then drawn from here on; 0: all are equally long
    joint_groups: int = 1  # sizes and durations packed into a step's joint clips, which share its tokens
    joint_shares: tuple[float, ...] = ()  # how often each table is drawn for joint clips; none: as for streaming
    image_share: float = 0.15  # of the joint batches are single images
    image_captioner: str = ""  # whose captions images are learned with; empty: anyone's
    text: str = ""  # embedded, or a Hugging Face encoder's name or folder; empty: the network reads no text
    text_width: int = 128  # of the words' features; a Hugging Face encoder's own
    text_max_words: int = 40  # longest prompt
    termination_share: float = 0.05  # of the streaming clips hold the end of an episode
    dim: int = 256  # width of the network
    depth: int = 8  # blocks
    heads: int = 4  # of attention
    window: int = 10  # past frames a frame attends to; in joint clips also later ones
    sinks: int = 0  # first frames of a clip that stay visible for ever; they are learned from clips longer than window
    init: str = ""  # run folder of an earlier stage to start from; empty for random weights
    compile: bool = False  # the blocks; needs a C++ compiler

    def __post_init__(self) -> None:
        LoopConfig.__post_init__(self)
        ObjectiveConfig.__post_init__(self)
        if self.joint_batch < 0 or self.joint_frames < 2 or not 0 <= self.image_share <= 1:
            raise WorldsimError(
                f"joint_batch={self.joint_batch} must be 0 or more, joint_frames={self.joint_frames} at least 2 "
                f"and image_share={self.image_share} in [0, 1]."
            )
        if self.joint_groups < 1 or not (
            self.joint_least_frames == 0 or 2 <= self.joint_least_frames <= self.joint_frames
        ):
            raise WorldsimError(
                f"joint_groups={self.joint_groups} must be at least 1 and joint_least_frames={self.joint_least_frames} "
                f"0 or from 2 to joint_frames={self.joint_frames}."
            )

    @property
    def joint_durations(self) -> range:
        """Frames that a joint clip may have."""
        return range(self.joint_least_frames or self.joint_frames, self.joint_frames + 1)


def train_simulator(
    config: SimulatorTrainConfig, data: Sequence[str | Path], vae: str | Path, out: str | Path, progress=None
) -> Path:
    """Train on the tables ``data`` in the latents of ``vae`` (see ``load_autoencoder``) and write a checkpoint.

    ``out`` receives ``vae.safetensors``, ``dit.safetensors`` and ``config.json``, which together are what
    ``worldsim.simulators.load(out)`` reads. The same call continues a run that was cut short.
    """
    out = Path(out)
    tables = [EpisodeTable.open(str(path)) for path in data]
    names = sorted({name for table in tables for name, _ in table.captioners})
    if config.image_captioner and config.image_captioner not in names:
        raise WorldsimError(
            f"image_captioner={config.image_captioner!r} has captioned none of the tables; "
            f"they have captions of {', '.join(names) or 'nobody'}."
        )
    if config.threads:
        torch.set_num_threads(config.threads)
    vae = _settled(vae, tables, out)
    autoencoder = load_autoencoder(vae)
    stride = autoencoder.temporal_stride
    latents = None  # with a temporal stride they depend on where a clip begins
    if stride == 1:
        latents = encode_tables(tables, autoencoder, autoencoder_key(vae), config.dtype, progress or print_line)
    streaming = ClipMixture(
        tables, 1 + (config.frames - 1) * stride, config.batch, derive_seed(config.seed, "simulator data"),
        config.shares, latents, captions=bool(config.text), termination_share=config.termination_share,
    )  # fmt: skip
    joint = images = None
    if config.joint_batch:
        joint = ClipMixture(
            tables, [1 + (frames - 1) * stride for frames in config.joint_durations], config.joint_batch,
            derive_seed(config.seed, "joint data"), config.joint_shares or config.shares, latents,
            captions=bool(config.text), groups=config.joint_groups,
        )  # fmt: skip
        images = ClipMixture(
            tables, 1, config.joint_batch * config.joint_frames,
            derive_seed(config.seed, "image data"), config.joint_shares or config.shares, latents,
            captions=bool(config.text), groups=config.joint_groups, captioner=config.image_captioner or None,
        )  # fmt: skip
    codec = tables[0].codec
    model_config = DiTConfig(
        action_channels=len(codec) * stride,
        latent_channels=autoencoder.latent_channels,
        dim=config.dim,
        depth=config.depth,
        heads=config.heads,
        window=config.window,
        sinks=config.sinks,
        joint=joint is not None,
        shortcut=config.shortcut_share > 0,
        text=_text_config(config, tables, out),
    )
    torch.manual_seed(derive_seed(config.seed, "simulator weights"))
    model = DiT(model_config)
    if config.init:
        _start_from(Path(config.init) / "dit.safetensors", model)
    if config.compile:
        model.compile_trunk()
    scale_A = torch.from_numpy(codec.scale)

    def to_batch(clips: Clips) -> Batch:
        if clips.latents is None:
            x_BTChw = encode_clips(autoencoder, clips, config.dtype)
        else:
            x_BTChw = torch.from_numpy(clips.latents).float()
        captions = clips.captions and [shortened(text, config.text_max_words) for text in clips.captions]
        chunks = (clips.actions.shape[1] // stride, stride)
        columns = (torch.from_numpy(part).float() for part in (clips.rewards, clips.terminated, clips.valid))
        rewards_BS, terminated_BS, valid_BS = (column.unflatten(1, chunks) for column in columns)
        actions_BSA = (torch.from_numpy(clips.actions) / scale_A).unflatten(1, chunks).flatten(2)
        return Batch(
            x_BTChw, actions_BSA, rewards_BS.sum(2), terminated_BS.amax(2), valid_BS.amin(2), captions or None
        )  # fmt: skip

    def loss(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        generator = torch.Generator().manual_seed(derive_seed(config.seed, "simulator noise", step))
        single = images is not None and float(torch.rand((), generator=generator)) < config.image_share
        source = images if single else joint
        together = [] if source is None else [to_batch(clips) for clips in source.pack(step)]
        return step_loss(model, config, to_batch(streaming.batch(step)), together, generator)

    identity = {
        "recipe": "simulator",
        "data": [table.content_key for table in tables],
        "vae": autoencoder_key(vae),
        "codec": codec.to_json(),
    }
    trainer = Trainer(
        model,
        config,
        out,
        loss,
        identity,
        _flops_per_step(config, model_config, streaming, joint, autoencoder.spatial_stride, stride),
    )
    trainer.run(progress)
    if Path(vae) != out / FILE:
        save_autoencoder(out / FILE, autoencoder)
    save_model(out / "dit.safetensors", model, asdict(model_config))
    write_json(
        out / "config.json",
        {
            "format": 1,
            "env_ids": list(dict.fromkeys(table.env_id for table in tables)),
            "env_kwargs": tables[0].info.env_kwargs,
            "height": tables[0].frame_shape[0],
            "width": tables[0].frame_shape[1],
            "sizes": sorted({table.frame_shape[:2] for table in tables}),
            "fps": tables[0].fps,
            "codec": codec.to_json(),
            "context_noise": 0.1,
            "shared_noise": config.noise.shared,
            "steps": 2,
            "train_flops": trainer.flops_per_step * trainer.step + _earlier_flops(config),
            "train_seed": config.seed,
            "data": _all_data(config, tables),
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
    outputs = model.run([clips, *joint])
    total, values = stream_loss(config, streaming, clips, goal_BSChw, outputs[0], model.config.patch)
    if together:
        flows = [joint_loss(*group, model.config.patch) for group in zip(together, joint, outputs[1:], strict=True)]
        tokens = [batch.x_BTChw.numel() for batch in together]
        flow = sum(flow * (count / sum(tokens)) for flow, count in zip(flows, tokens, strict=True))
        assert isinstance(flow, Tensor)
        total, values = total + flow, {**values, "joint": flow.detach()}
    return total, values


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


def _start_from(path: Path, model: DiT) -> None:
    """Weights of an earlier stage; what it could not do yet, such as reading text, begins as in a new network."""
    fill_weights(path, model)
    if model.config.joint and not config_from_plain(read_header(path)["config"]).joint:
        with torch.no_grad():  # a joint frame is denoised much as a target is
            model.kind[JOINT].copy_(model.kind[TARGET])


def _text_config(config: SimulatorTrainConfig, tables: Sequence[EpisodeTable], out: Path) -> TextConfig | None:
    """The encoder that the settings name; the embedded one reads the words of the tables' captions."""
    if not config.text:
        return None
    style = _caption_style(config, tables, out)
    words: tuple[str, ...] = ()
    if config.text == EMBEDDED:
        if config.init:  # words of an earlier stage keep their places, and so their embeddings
            earlier = config_from_plain(read_header(Path(config.init) / "dit.safetensors")["config"])
            words = earlier.text.words if earlier.text else ()
        words = (*words, *(word for word in style.words if word not in words))
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


def _flops_per_step(
    config: SimulatorTrainConfig, model: DiTConfig, streaming: ClipMixture, joint: ClipMixture | None,
    stride: int, temporal_stride: int,
) -> float:  # fmt: skip
    """Expected over the tables; forward passes without gradient are a third of a training pass."""
    passes = 1 + (config.own_context_passes / 3 if config.own_context_share else 0) + config.shortcut_share * 2 / 3

    def expected(mixture: ClipMixture, together: bool) -> float:
        total = 0.0
        for number, (table, share) in enumerate(zip(mixture.tables, mixture.shares, strict=True)):
            height, width = (side // stride // model.patch for side in table.frame_shape[:2])
            for frames in mixture.durations:
                count = mixture.clips_within(mixture.budget, mixture.groups, number, frames)
                part = Part(together, count, 1 + (frames - 1) // temporal_stride, height, width)
                total += share * mixture.groups * training_flops(model, part) / len(mixture.durations)
        return total

    return passes * expected(streaming, False) + (0.0 if joint is None else expected(joint, True))


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

"""``worldsim generate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worldsim.cli import names
from worldsim.cli.progress import Progress
from worldsim.cli.settings import setting
from worldsim.core.errors import UnknownNameError, WorldsimError

if TYPE_CHECKING:
    from worldsim.generate.plan import VideoPlan
    from worldsim.generate.tasks import Clip

EXAMPLES = (
    'worldsim generate simulator=runs/text task=text prompt="a red tower in the desert at night" frames=24',
    "worldsim generate simulator=runs/text task=still image=start.png frames=32 prompt=[turn left,turn right]",
    "worldsim generate simulator=runs/text task=connect video=data/arena.lance@3@0:8 end=clip.mp4@-8: frames=10",
    'worldsim generate simulator=runs/text task=edit video=runs/a/video-000 prompt="a snowy plain" strength=0.6',
    "worldsim generate simulator=voxel-base task=long image=start.png actions=forward:1,camera_yaw_right_deg:4",
)
STEPS = 8  # of a frame that is not streamed
GUIDANCE = 2.0  # of a prompt
STRENGTH = 0.7  # of an edit
ENDINGS = 3  # beginnings of one ending, where neither prompts nor clips say how many


@dataclass(kw_only=True)
class GenerateConfig:
    simulator: str = setting(
        "checkpoint name or folder", example="voxel-base", names="worldsim.cli.names:checkpoint_names", path=True
    )
    task: str = setting("what to make", example="text", names="worldsim.generate.tasks:task_names")
    prompt: list[str] = setting(
        "what it should show; several make several videos", default=[], example="a red tower at night"
    )
    negative: str = setting("what it should not show", default="")
    expand: str | None = setting(
        "write prompts out in the style of the training captions",
        default=None,
        example="embedded",
        names="worldsim.cli.names:expander_names",
    )
    expand_settings: dict[str, Any] = setting(
        "settings of expand", default={}, example="{url:http://localhost:8000/v1,model:my-llm}"
    )
    frames: int | None = setting("frames to make, beside those given; the task's own number unless given", default=None)
    height: int | None = setting("of the video; as what is given, or the checkpoint's", default=None, example="64")
    width: int | None = setting("of the video; as what is given, or the checkpoint's", default=None, example="112")
    image: str | None = setting(
        "a picture, or FILE@FRAME, or TABLE.lance@EPISODE@FRAME", default=None, example="start.png", path=True
    )
    video: list[str] = setting(
        "an mp4, a folder of PNGs, an .npz with 'frames', or TABLE.lance@EPISODE, each with @FIRST:AFTER; "
        "several make several videos",
        default=[],
        example="clip.mp4@0:16",
        path=True,
    )
    end: str | None = setting("what it should end with, given like video", default=None, path=True)
    resize: bool = setting("bring what is given to the video's size", default=False)
    actions: str | None = setting(
        "what the player does: .npz or .npy, TABLE.lance@EPISODE, or forward:1,camera_yaw_right_deg:7",
        default=None,
        path=True,
    )
    strength: float | None = setting("of an edit: 0 keeps everything, 1 nothing", default=None, example="0.6")
    causal: bool | None = setting(
        "frame by frame, not all at once; what suits the task unless given", default=None, example="true"
    )
    steps: int | None = setting("denoising steps, 1 to 64", default=None, example="16")
    lag: float = setting("how much later each frame begins: 1 after the one before, 0 together", default=1.0)
    guidance: float | None = setting("how much the prompt counts; 1 is no guidance", default=None, example="3")
    action_guidance: float = setting("how much the actions count; 1 is no guidance", default=1.0)
    samples: int | None = setting("videos of each prompt, from seeds of their own", default=None, example="4")
    seed: int = setting("root seed", default=0)
    scale: int | None = setting("pixels that a pixel becomes in the mp4; what looks well unless given", default=None)
    batch: int = setting("videos at once", default=8)
    precision: str = setting("of the network", default="bfloat16", names=("bfloat16", "float32"))
    device: str = setting("where the network runs", default="cpu", example="cuda")
    out: str = setting("folder for what is made", default="runs/generate", path=True)


@dataclass(frozen=True)
class Wanted:
    """One video to make."""

    plan: VideoPlan
    typed_prompt: str
    prompt: str  # the same, or written out
    seed: int
    given: dict[str, str]  # setting -> what was typed


def run(config: GenerateConfig) -> None:
    """Videos and pictures: text, image, still, extend, prepend, endings, loop, connect, edit or long.

    Writes an mp4 and PNGs of each, sheet.png with all of them, and record.json with rows.jsonl to repeat it by.
    """
    generate(config)


def generate(config: GenerateConfig) -> Path:
    """Make what is wanted, write the folder, and return it."""
    from worldsim.core.records import RunRecord, content_hash, to_plain, utc_now, write_atomic
    from worldsim.simulators.checkpoints import find_checkpoint

    started = utc_now()
    checkpoint = find_checkpoint(config.simulator)
    wanted = plan_videos(config, checkpoint.config["height"], checkpoint.config["width"], checkpoint.codec.names)
    if config.expand is not None:
        wanted = _written_out(wanted, config, checkpoint.folder)

    from worldsim.generate.generator import load_generator
    from worldsim.generate.output import write_videos
    from worldsim.generate.sampler import SamplerConfig

    prompted = any(one.prompt for one in wanted)
    guidance = (GUIDANCE if prompted else 1.0) if config.guidance is None else config.guidance
    sampler = SamplerConfig(config.steps or STEPS, config.lag, guidance, config.action_guidance, config.negative)
    generator = load_generator(
        config.simulator, sampler, config.steps, precision=config.precision, device=config.device, batch=config.batch
    )
    plans, prompts, seeds = ([getattr(one, name) for one in wanted] for name in ("plan", "prompt", "seed"))
    bar: list[Progress] = []

    def report(done: int, total: int) -> None:
        if not bar:
            bar.append(Progress(f"{config.task}, {len(wanted)} to make", total))
        bar[0].show(done)

    videos = generator.generate(plans, prompts, seeds, report)
    out = Path(config.out)
    files = write_videos(out, videos, checkpoint.config["fps"], config.scale)
    rows = [
        {
            "typed_prompt": one.typed_prompt,
            "prompt": one.prompt,
            "seed": one.seed,
            "plan": one.plan.describe(),
            "given": one.given,
            "frames_hash": content_hash(video.tobytes()),
            "fps": checkpoint.config["fps"],
            **paths,
        }
        for one, video, paths in zip(wanted, videos, files, strict=True)
    ]
    write_atomic(out / "rows.jsonl", "".join(_json_line(to_plain(row)) for row in rows))
    RunRecord(
        kind="generate",
        name=out.name,
        config=asdict(config) | {"sampler": asdict(sampler)},
        config_as_typed=sys.argv[1:],
        model=generator.describe(),
        seeds={"root": config.seed},
        planned=len(rows),
        completed=len(rows),
        started_utc=started,
        finished_utc=utc_now(),
    ).write(out)
    for row in rows:
        print(out / (row.get("video") or row["picture"]))
    print(out / "sheet.png")
    return out


def plan_videos(config: GenerateConfig, height: int, width: int, channels: tuple[str, ...]) -> list[Wanted]:
    """What to make; ``height``, ``width`` and ``channels`` of actions are the checkpoint's. Needs no torch."""
    from worldsim.core.seeding import derive_seed
    from worldsim.generate.sources import read_actions, read_clip, read_still, resized
    from worldsim.generate.tasks import Request, choose_causal, find_task

    _check_counts(config)
    given = {
        name for name in ("frames", "strength", "image", "video", "end") if getattr(config, name) not in (None, [])
    }
    task = find_task(config.task, given)
    causal = choose_causal(config.task, config.causal)
    if config.task == "edit" and not any(config.prompt):
        raise WorldsimError("task=edit changes a video by a prompt: give prompt=.")
    if causal and config.guidance not in (None, 1):
        raise WorldsimError(
            f"guidance={config.guidance:g}: guidance= is for what is made all at once; leave it away, or causal=true."
        )
    image = None if config.image is None else read_still(config.image, "image")
    end = None if config.end is None else read_clip(config.end, "end")
    actions = None if config.actions is None else read_actions(config.actions, channels)
    wanted = []
    for prompt, source in _pairs(config.prompt, config.video):
        video = None if source is None else read_clip(source, "video")
        clips: list[Clip | None] = [image, video, end]
        usual = next((clip.size for clip in clips if clip), (height, width))
        size = config.height or usual[0], config.width or usual[1]
        if config.resize:
            clips = [clip and resized(clip, size) for clip in clips]
        frames = task.frames if config.frames is None else config.frames
        strength = STRENGTH if config.strength is None else config.strength
        plan = task.plan(Request(frames, size, causal, strength, *clips))
        if actions is not None:
            plan = plan.with_actions(actions)
        typed = {"image": config.image, "video": source, "end": config.end, "actions": config.actions}
        for sample in range(_samples(config)):
            seed = derive_seed(config.seed, "generate", sample)
            wanted.append(Wanted(plan, prompt, prompt, seed, {key: value for key, value in typed.items() if value}))
    return wanted


def _written_out(wanted: Sequence[Wanted], config: GenerateConfig, folder: Path) -> list[Wanted]:
    from worldsim.text.expander import make_expander
    from worldsim.text.style import CaptionStyle

    assert config.expand is not None
    _check_expand_settings(config.expand, config.expand_settings)
    expander = make_expander(config.expand, CaptionStyle.read(folder), **config.expand_settings)
    typed = list(dict.fromkeys(one.typed_prompt for one in wanted if one.typed_prompt))
    for prompt in typed:
        unused = expander.unused_words(prompt)
        if unused:
            print(f"worldsim: left out, as no training caption says it: {', '.join(unused)}", file=sys.stderr)
    captions = dict(zip(typed, expander.expand(typed), strict=True))
    for prompt, caption in captions.items():
        print(f"{prompt} -> {caption}", file=sys.stderr)
    return [replace(one, prompt=captions.get(one.typed_prompt, "")) for one in wanted]


def _check_expand_settings(name: str, given: dict[str, Any]) -> None:
    from worldsim.core.registry import load_target

    known = fields(load_target(names.expanders().entry(name).info["config"]))
    for key in given:
        if key not in [one.name for one in known]:
            raise UnknownNameError(f"setting of expand={name}", key, [one.name for one in known])
    missing = [one.name for one in known if one.default is MISSING and one.name not in given]
    if missing:
        words = ",".join(f"{key}:..." for key in missing)
        raise WorldsimError(f"expand={name} needs expand_settings={{{words}}}.")


def _pairs(prompts: Sequence[str], videos: Sequence[str]) -> list[tuple[str, str | None]]:
    """Prompts beside videos; one stands for all."""
    count = max(len(prompts), len(videos), 1)
    if len(prompts) > 1 and len(videos) > 1 and len(prompts) != len(videos):
        raise WorldsimError(
            f"{len(prompts)} prompts and {len(videos)} videos were given; give one of either, or as many of both."
        )
    return [
        (prompts[i % len(prompts)] if prompts else "", videos[i % len(videos)] if videos else None)
        for i in range(count)
    ]


def _samples(config: GenerateConfig) -> int:
    if config.samples is not None:
        return config.samples
    alone = len(config.prompt) < 2 and len(config.video) < 2
    return ENDINGS if config.task == "endings" and alone else 1


def _check_counts(config: GenerateConfig) -> None:
    for name in ("frames", "height", "width", "samples", "scale", "batch"):
        value = getattr(config, name)
        if value is not None and value < 1:
            raise WorldsimError(f"{name}={value}: {name!r} has to be at least 1.")
    if config.steps is not None and not 1 <= config.steps <= 64:
        raise WorldsimError(f"steps={config.steps} has to be from 1 to 64.")


def _json_line(row: dict[str, Any]) -> str:
    import json

    return json.dumps(row) + "\n"

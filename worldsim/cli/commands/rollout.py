"""``worldsim rollout``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from worldsim.cli import names
from worldsim.cli.progress import Progress
from worldsim.cli.settings import setting
from worldsim.cli.simulators import SimulatorSettings, load_simulators
from worldsim.cli.table import aligned
from worldsim.core.errors import WorldsimError
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim rollout simulator=voxel-base episodes=4 frames=200",
    "worldsim rollout simulator=runs/mine env=doom/my_way_home policy=sticky out=runs/look",
)
VIDEO_SCALE = 4


@dataclass(kw_only=True)
class RolloutConfig(SimulatorSettings):
    simulator: str = setting(
        "checkpoint name or folder", example="voxel-base", names="worldsim.cli.names:checkpoint_names", path=True
    )
    env: str | None = setting(
        "game to stand beside; the simulator's own unless given",
        default=None,
        example="voxel/arena",
        names="worldsim.cli.names:environment_ids",
    )
    policy: str = setting("who plays the real game", default="explorer", names="worldsim.cli.names:policy_names")
    episodes: int = setting("episodes, all held out", default=4)
    frames: int = setting("frames to dream in each", default=100)
    context: int | None = setting("real frames shown first; what the simulator likes unless given", default=None)
    seed: int = setting("root seed", default=0)
    out: str = setting("folder for the videos and rows", default="runs/rollout", path=True)


def run(config: RolloutConfig) -> None:
    """The policy plays the real game, the dream follows the same actions.

    Left in the video the game, right the dream; rows.jsonl has return, termination and PSNR of each episode.
    """
    names.policies().entry(config.policy)
    for name in ("episodes", "frames", "context"):
        value = getattr(config, name)
        if value is not None and value < 1:
            raise WorldsimError(f"{name}={value}: {name!r} has to be at least 1.")

    (simulator,) = load_simulators([config.simulator], config)
    roll(simulator, config)


def roll(simulator: Any, config: RolloutConfig) -> list[dict[str, Any]]:
    """Dream beside the game, write the folder, print a table; returns the rows."""
    import numpy as np

    from worldsim.core.records import RunRecord, append_row, utc_now
    from worldsim.core.seeding import derive_seed, game_seed
    from worldsim.core.types import Context, GameOrigin
    from worldsim.core.video import write_video

    about = simulator.describe()
    known = about.get("env_ids", [])
    if config.env is None and not known:
        raise WorldsimError(f"{simulator.name} does not say which game it learned; give env=, such as env=voxel/arena.")
    env_id = config.env or known[0]
    env_kwargs = about.get("env_kwargs", {}) if env_id in known else {}
    context_frames = config.context or int(about.get("context_frames", 1))
    game = import_ours("evals.games").RealGame(env_id, env_kwargs)
    psnr = import_ours("evals.metrics.pixels").psnr
    started = utc_now()

    taken = context_frames - 1 + config.frames
    seeds = [game_seed(config.seed, "test", index) for index in range(config.episodes)]
    recordings = [game.record(config.policy, seed, taken) for seed in seeds]
    game.close()
    long_enough = [one for one in recordings if len(one.actions) >= context_frames]
    if not long_enough:
        raise WorldsimError(f"no episode of {env_id} lasted {context_frames} steps; lower context=.")
    contexts, futures = [], []
    for one in long_enough:
        prefix = one.actions[: context_frames - 1]
        origin = GameOrigin(env_id, env_kwargs, one.seed, prefix)
        contexts.append(Context(one.frames[:context_frames], prefix, origin))
        actions = one.actions[context_frames - 1 :]
        # Slots step together: an episode that ended early goes on with its last action, and is cut afterwards.
        futures.append(np.concatenate([actions, np.repeat(actions[-1:], config.frames - len(actions), axis=0)]))

    model_seeds = [derive_seed(one.seed, "simulator") for one in long_enough]
    state = simulator.reset(contexts, [""] * len(contexts), model_seeds)
    progress = Progress(f"dreaming {len(contexts)} episodes of {env_id}", config.frames)
    predictions = []
    for t in range(config.frames):
        state, prediction = simulator.step(state, np.stack([actions[t] for actions in futures]))
        predictions.append((prediction.frames.copy(), prediction.reward.copy(), prediction.termination_prob.copy()))
        progress.advance()
    dreamt, rewards, ends = (np.stack(part, axis=1) for part in zip(*predictions, strict=True))

    out = Path(config.out)
    (out / "videos").mkdir(parents=True, exist_ok=True)
    (out / "rows.jsonl").unlink(missing_ok=True)
    rows = []
    for number, one in enumerate(long_enough):
        length = len(one.actions) - (context_frames - 1)
        real, dream = one.frames[context_frames:], dreamt[number, :length]
        start = one.frames[:context_frames]
        video = write_video(
            out / "videos" / f"episode-{number:03d}.mp4",
            np.concatenate([np.concatenate([start, real]), np.concatenate([start, dream])], axis=2),
            game.fps,
            scale=VIDEO_SCALE,
        )
        decibels = psnr(dream, real)
        row = {
            "episode": number,
            "seed": one.seed,
            "frames": length,
            "real_return": float(one.rewards[context_frames - 1 :].sum()),
            "dream_return": float(rewards[number, :length].sum()),
            "real_ended": bool(one.ended),
            "termination_prob_last": float(ends[number, length - 1]),
            **{f"psnr@{h}": float(decibels[h - 1]) for h in (1, 4, 8, 16, 32, 64) if h <= length},
            "video": str(video.relative_to(out)),
        }
        append_row(out / "rows.jsonl", row)
        rows.append(row)
    RunRecord(
        kind="rollout",
        name=out.name,
        config=asdict(config),
        model=about,
        seeds={"root": config.seed},
        planned=config.episodes,
        completed=len(rows),
        unscored=config.episodes - len(rows),
        started_utc=started,
        finished_utc=utc_now(),
    ).write(out)
    shown = ("frames", "real_return", "dream_return", "psnr@1", "psnr@8", "video")
    print(aligned([[_short(row.get(key, "")) for key in shown] for row in rows], head=shown))
    print(out / "videos")
    return rows


def _short(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)

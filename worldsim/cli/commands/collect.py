"""``worldsim collect``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from worldsim.cli import names
from worldsim.cli.settings import setting

EXAMPLES = (
    "worldsim collect env=voxel/arena policy=explorer episodes=2000 out=data/arena.lance",
    "worldsim collect env=doom/my_way_home policy=sticky episodes=500 split=val out=data/doom-val.lance",
    "worldsim collect env=gym:ALE/Breakout-v5 policy=sticky episodes=500 out=data/breakout.lance",
    "worldsim collect env=voxel/arena episodes=1e5 executor=ray ray_address=auto workers=64 out=s3://bucket/arena.lance",
)


@dataclass(kw_only=True)
class CollectConfig:
    env: str = setting(
        "game to play: a name (worldsim ls envs), gym:ID of any Gymnasium game, or your own FILE.py:CLASS",
        example="voxel/arena",
        names="worldsim.cli.names:environment_ids",
    )
    policy: str = setting(
        "who plays: a name (worldsim ls policies) or module:function of your own",
        default="explorer",
        example="explorer",
        names="worldsim.cli.names:policy_names",
    )
    episodes: int = setting("episodes to record", example="2000")
    out: str = setting("Lance table to write, a folder or s3://...", example="data/arena.lance", path=True)
    max_steps: int = setting("longest episode, in actions", default=200)
    seed: int = setting("root seed", default=0)
    split: str = setting("seeds to play", default="train", names=("train", "val", "test"))
    workers: int = setting("episodes played at a time", default=2)
    executor: str = setting(
        "local processes, or the machines of a Ray cluster", default="local", names=("local", "ray")
    )
    ray_address: str | None = setting(
        "of the Ray cluster; one is started here unless given", default=None, example="ray://head:10001"
    )
    truth: bool = setting("store camera and objects of every frame too, where the game offers them", default=False)
    env_kwargs: dict[str, Any] = setting("settings of the game", default={}, example="{height:128,width:128}")


def run(config: CollectConfig) -> None:
    """Episodes are a function of seed, split and number alone; stopped at any point, the same command goes on."""
    target = names.policy_target(config.policy)

    from worldsim.data.collect import collect

    collect(
        config.env,
        target,
        config.episodes,
        config.out,
        env_kwargs=config.env_kwargs,
        max_steps=config.max_steps,
        seed=config.seed,
        split=config.split,
        workers=config.workers,
        truth=config.truth,
        executor=config.executor,
        ray_address=config.ray_address,
    )
    print(config.out)

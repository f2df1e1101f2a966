"""Every game by name. Listing imports no game; ``register()`` hands them to Gymnasium (see worldsim.gym.plugin)."""

from __future__ import annotations

import importlib.util
from typing import Any

from worldsim.core.errors import MissingDependencyError
from worldsim.core.registry import Entry, Registry

GAMES = Registry("environment")
for _map, _summary in (("arena", "small Minecraft-like arena: walk, break, place, reach the beacon"),):
    GAMES.add(
        f"voxel/{_map}",
        "envs.voxel.env:VoxelEnv",
        _summary,
        capabilities=["depth", "ids", "camera", "objects", "snapshot"],
        kwargs={"map": _map},
        max_episode_steps=1000,
    )
for _scenario, _summary in (
    ("my_way_home", "ViZDoom: find the vest in a maze of rooms"),
    ("health_gathering", "ViZDoom: stay alive on an acid floor by picking up medikits"),
):
    GAMES.add(
        f"doom/{_scenario}",
        "envs.doom.env:DoomEnv",
        _summary,
        capabilities=["depth", "ids", "camera", "objects", "replay"],
        kwargs={"scenario": _scenario},
        requires=("vizdoom", "doom"),
    )


def missing_dependency(entry: Entry) -> str | None:
    """The package a game needs and that is not installed, or None."""
    package, _ = entry.info.get("requires", (None, None))
    return package if package and importlib.util.find_spec(package) is None else None


def load_game(name: str) -> Any:
    """The class of the game ``name``; UnknownNameError or MissingDependencyError where there is none to load."""
    entry = GAMES.entry(name)
    if missing_dependency(entry):
        package, extra = entry.info["requires"]
        raise MissingDependencyError(package, extra, f"the game {name!r}")
    return entry.load()


def register() -> None:
    """Register every game with Gymnasium under its own name; a game is imported when it is made."""
    import gymnasium

    for entry in GAMES:
        if entry.name not in gymnasium.registry:
            gymnasium.register(
                id=entry.name,
                # A string, so that a spec can be pickled for worker processes and written as JSON.
                entry_point=f"worldsim.gym.plugin:{entry.name}",
                max_episode_steps=entry.info.get("max_episode_steps"),
                kwargs=entry.info.get("kwargs", {}),
            )

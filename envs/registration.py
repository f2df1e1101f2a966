"""Every game by name. Listing imports no game; ``register()`` hands them to Gymnasium (see worldsim.gym.plugin)."""

from __future__ import annotations

import importlib.util
from typing import Any

from worldsim.core.errors import MissingDependencyError
from worldsim.core.registry import Entry, Registry, load_target

GAMES = Registry("environment")
for _name, _kwargs, _summary in (
    ("arena", {}, "small Minecraft-like arena: walk, break, place, reach the beacon"),
    ("terrain", {"map": "terrain"}, "hills, water, four biomes with their plants and animals"),
    ("maze", {"map": "maze"}, "coloured rooms with landmarks and corridors, for memory"),
    ("gallery", {"map": "gallery"}, "rooms to leave marks in: canvases, cakes, doors, switches for lamps elsewhere"),
    ("stage", {"map": "stage"}, "a set before a fixed camera: sliding screens, passages, falling sand"),
    ("scene", {"map": "scene"}, "an open place told in words: one biome, one hour, one coloured thing in view"),
    ("find", {"task": "find"}, "the arena with three coloured beacons: go to the one that is named"),
    ("collect", {"task": "collect"}, "the arena with items of two colours: pick up those that are named"),
    ("build", {"task": "build"}, "the arena with a marked place: put the blocks there that are asked for"),
    ("survive", {"task": "survive"}, "the arena with hunger, cakes and spooks: stay alive"),
):
    GAMES.add(
        f"voxel/{_name}",
        "envs.voxel.env:VoxelEnv",
        _summary,
        capabilities=[
            *("depth", "ids", "camera", "objects", "snapshot", "interventions", "task"),
            *(["text"] if _kwargs.get("task") in ("find", "collect", "build") else []),
        ],
        kwargs={"map": "arena", **_kwargs},
        vector="envs.voxel.vector:VoxelVectorEnv",
        max_episode_steps=1000,
    )
for _scenario, _summary in (
    ("my_way_home", "ViZDoom: find the vest in a maze of rooms"),
    ("health_gathering", "ViZDoom: stay alive on an acid floor by picking up medikits"),
    ("basic", "ViZDoom: shoot the monster at the far wall"),
    ("deadly_corridor", "ViZDoom: reach the vest at the end of a guarded corridor"),
    ("defend_the_center", "ViZDoom: shoot the monsters that come from all sides"),
    ("take_cover", "ViZDoom: dodge fireballs as long as you can"),
    ("predict_position", "ViZDoom: hit a moving monster with the one slow rocket"),
    ("pillars", "Doom rooms of our own: bonuses among pillars and free-standing walls"),
    ("corridor", "Doom rooms of our own: a winding corridor with doors, the vest at its end"),
    ("rooms", "Doom rooms of our own: six rooms with doors, barrels, bonuses and the vest"),
):
    GAMES.add(
        f"doom/{_scenario}",
        "envs.doom.env:DoomEnv",
        _summary,
        capabilities=["depth", "ids", "camera", "objects", "replay"]
        + ["interventions"] * (_scenario in ("pillars", "corridor", "rooms")),
        kwargs={"scenario": _scenario},
        requires=("vizdoom", "doom"),
        # Things are pictures that turn with the viewer and have no place in space; of the level itself 100 % land.
        reprojection=0.97,
        order_enforce=False,  # it asks for reset() itself
    )
for _scene, _summary in (
    ("free_fall", "one to three bodies are let go and bounce"),
    ("projectile", "a ball is thrown in an arc, sometimes at a stack of boxes"),
    ("collision", "two balls of different mass collide without friction"),
    ("collision_many", "a ball runs into a group of others"),
    ("ramp", "a box slides or sticks, or a ball rolls, on an inclined plane"),
    ("pendulum", "a pendulum swings, and sometimes strikes a ball"),
    ("tower", "a pile of blocks stands or topples"),
    ("dominoes", "a chain of dominoes falls, unless one is missing"),
    ("occluder", "balls and pucks pass behind a screen, to and fro"),
    ("shatter", "a brittle block breaks if it is hit hard enough"),
    ("pour", "grains pour into a glass that can be tipped over"),
):
    GAMES.add(
        f"physics/{_scene}",
        "envs.physics.env:PhysicsEnv",
        f"MuJoCo: {_summary}",
        capabilities=["depth", "ids", "camera", "objects", "snapshot", "interventions"],
        kwargs={"scene": _scene},
        moving_camera={"camera": "orbit"},
        max_episode_steps=150,
        requires=("mujoco", "physics"),
    )
_MINERL_1_0 = (
    "install a Java JDK 8, then pip install git+https://github.com/minerllabs/minerl (MineRL 1.0); "
    "without a display run under xvfb-run -a"
)
_MINERL_0_4_4 = "install a Java JDK 8, then pip install minerl==0.4.4, in a Python old enough for gym<0.20"
for _task, _install, _summary in (
    ("FindCave", _MINERL_1_0, "find a cave"),
    ("MakeWaterfall", _MINERL_1_0, "make a waterfall"),
    ("CreateVillageAnimalPen", _MINERL_1_0, "pen in animals beside a village"),
    ("BuildVillageHouse", _MINERL_1_0, "build a house in the style of a village"),
    ("ObtainDiamondShovel", _MINERL_1_0, "make a diamond shovel, starting with nothing"),
    ("Treechop", _MINERL_0_4_4, "chop 64 logs"),
    ("Navigate", _MINERL_0_4_4, "find the diamond block that the compass points to"),
    ("NavigateDense", _MINERL_0_4_4, "find the diamond block, with a reward for coming nearer"),
    ("NavigateExtreme", _MINERL_0_4_4, "find the diamond block in extreme hills"),
    ("ObtainIronPickaxe", _MINERL_0_4_4, "make an iron pickaxe, starting with nothing"),
    ("ObtainDiamond", _MINERL_0_4_4, "mine a diamond, starting with nothing"),
):
    GAMES.add(
        f"minecraft/{_task}",
        "envs.adapters.minecraft:MinecraftEnv",
        f"MineRL: {_summary}",
        capabilities=["task"],
        kwargs={"task": _task},
        requires=("minerl", ""),
        install=_install,
    )


def missing_dependency(entry: Entry) -> str | None:
    """The package a game needs and that is not installed, or None."""
    package, _ = entry.info.get("requires", (None, None))
    return package if package and importlib.util.find_spec(package) is None else None


def how_to_install(entry: Entry) -> str:
    """What a game needs and how to get it; ``install`` in the table says it where pip alone does not do."""
    package, extra = entry.info["requires"]
    way = entry.info.get("install") or f"pip install 'worldsim[{extra}]'"
    return f"needs {package}: {way}"


def load_game(name: str) -> Any:
    """The class of the game ``name``, or with "#vector" after it that of its vector form.

    UnknownNameError or MissingDependencyError where there is none to load.
    """
    name, _, form = name.partition("#")
    entry = GAMES.entry(name)
    if missing_dependency(entry):
        package, extra = entry.info["requires"]
        raise MissingDependencyError(package, extra, f"the game {name!r}", entry.info.get("install", ""))
    return load_target(entry.info[form]) if form else entry.load()


def register() -> None:
    """Register every game with Gymnasium under its own name; a game is imported when it is made."""
    import gymnasium

    for entry in GAMES:
        if entry.name not in gymnasium.registry:
            gymnasium.register(
                id=entry.name,
                # A string, so that a spec can be pickled for worker processes and written as JSON.
                entry_point=f"worldsim.gym.plugin:{entry.name}",
                vector_entry_point=f"worldsim.gym.plugin:{entry.name}#vector" if "vector" in entry.info else None,
                max_episode_steps=entry.info.get("max_episode_steps"),
                order_enforce=entry.info.get("order_enforce", True),
                kwargs=entry.info.get("kwargs", {}),
            )

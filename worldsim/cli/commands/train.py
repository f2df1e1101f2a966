"""``worldsim train``: the settings of a recipe are the fields of its own config dataclass."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from typing import Any

from worldsim.cli.settings import field_comments, setting
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim train recipe=vae data=data/arena.lance out=runs/vae",
    "worldsim train recipe=vae data=data/arena.lance out=runs/vae-clips model.temporal_stride=4 perceptual=gradients",
    "worldsim train recipe=simulator data=data/arena.lance vae=runs/vae out=runs/mine steps=4000 batch=8",
    "worldsim train recipe=simulator data=data/arena.lance vae=runs/vae out=runs/mine scale=4x compute=1e14",
    "worldsim train recipe=heads simulator=voxel-base data=data/expert.lance val=data/val.lance out=runs/heads",
    "torchrun --nproc-per-node 2 -m worldsim.cli train recipe=simulator data=data/arena.lance vae=runs/vae out=runs/a",
    "worldsim train recipe=simulator --help",
)


@dataclasses.dataclass(kw_only=True)
class TrainConfig:
    recipe: str = setting(
        "what to train; recipe=NAME --help shows its settings", example="simulator", names=("vae", "simulator", "heads")
    )
    data: list[str] = setting("tables written by worldsim collect", example="data/arena.lance", path=True)
    out: str = setting("folder for weights, loss trace and the state to go on from", example="runs/a", path=True)


@dataclasses.dataclass(kw_only=True)
class TrainScaledConfig(TrainConfig):
    scale: str | None = setting(
        "sizes and recipe for a compute; what you type yourself is kept", default=None, names=("base", "4x", "32x")
    )
    compute: float | None = setting(
        "training FLOPs to spend in place of steps; with scale= those of base (an autoencoder takes a tenth)",
        default=None,
        example="1e14",
    )


@dataclasses.dataclass(kw_only=True)
class TrainSimulatorConfig(TrainScaledConfig):
    vae: str = setting(
        "run folder of recipe=vae, its weights, pixels, or diffusers:NAME_OR_FOLDER", example="runs/vae", path=True
    )


@dataclasses.dataclass(kw_only=True)
class TrainHeadsConfig(TrainConfig):
    simulator: str = setting(
        "checkpoint whose other weights stay as they are",
        example="voxel-base",
        names="worldsim.cli.names:simulator_names",
        path=True,
    )
    val: list[str] = setting("tables to calibrate on", example="data/val.lance", path=True)
    test: list[str] = setting("held-out tables to report on, if any", default=[], path=True)


# Recipe -> module, its config dataclass, its function (config, and by keyword what it is given), what it is given.
RECIPES = {
    "vae": ("worldsim.training.vae", "VAETrainConfig", "train_vae", TrainScaledConfig),
    "simulator": ("worldsim.training.simulator", "SimulatorTrainConfig", "train_simulator", TrainSimulatorConfig),
    "heads": ("worldsim.training.heads", "HeadsTrainConfig", "train_heads", TrainHeadsConfig),
}


def schema(words: Sequence[str]) -> type:
    """What a recipe is given and the fields of its config, for the recipe that ``words`` name; imports that recipe."""
    named = [word.partition("=")[2] for word in words if word.startswith("recipe=")]
    if not named:
        if any("=" in word for word in words):
            raise WorldsimError(f"train needs 'recipe', one of {', '.join(RECIPES)}, for example: {EXAMPLES[0]}")
        return TrainConfig
    recipe, given = _recipe_config(named[-1]), RECIPES[named[-1]][3]
    taken = {field.name for field in dataclasses.fields(given)}
    hints = typing.get_type_hints(recipe)
    comments = field_comments(recipe)
    fields = [
        (field.name, hints[field.name], _copy(field, comments.get(field.name, "")))
        for field in dataclasses.fields(recipe)
        if field.init and field.name not in taken
    ]
    typed = frozenset(word.partition("=")[0].removeprefix("--") for word in words)
    return dataclasses.make_dataclass(
        given.__name__, fields, bases=(given,), kw_only=True, namespace={"typed": typed}
    )  # fmt: skip


def run(config: TrainConfig) -> None:
    """The same command goes on where a run was stopped, to the same bits; data may be one table or several.

    In several processes by torchrun, on one machine or more: the same run up to rounding, which goes on in any number
    of them.
    """
    recipe = _recipe_config(config.recipe)
    module, _, function, given = RECIPES[config.recipe]
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(recipe) if field.init}
    inputs = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(given)
        if field.name not in ("recipe", "scale")
    }
    settings = recipe(**values)
    if isinstance(config, TrainScaledConfig):
        settings, inputs["compute"] = _scaled(config, settings)
    train = getattr(import_ours(module), function)
    from worldsim.training import processes

    with processes.joined():
        if processes.count() > 1 and config.recipe != "simulator":
            raise WorldsimError(
                f"recipe={config.recipe} trains in one process, and torchrun started {processes.count()}; start it as "
                "worldsim train."
            )
        done = train(settings, **inputs)
        if processes.rank() == 0:
            print(done)


def _scaled(config: TrainScaledConfig, settings: Any) -> tuple[Any, float | None]:
    """The recipe's settings by scale and compute, and the FLOPs it may spend."""
    typed: frozenset[str] = getattr(config, "typed", frozenset())
    if config.compute is not None and config.compute <= 0:
        raise WorldsimError(f"compute={config.compute:g} must be positive: training FLOPs, such as 1e14.")
    if config.scale is None:
        return settings, config.compute
    if config.compute is None:
        raise WorldsimError(f"scale={config.scale} needs compute=, the training FLOPs of base, such as compute=1e14.")
    if "steps" in typed:
        raise WorldsimError(f"steps={settings.steps} and compute={config.compute:g} both say how long; give one.")
    from worldsim.training.scales import scaled

    return scaled(settings, config.scale, config.compute, config.data, typed)


def _recipe_config(name: str) -> Any:
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    module, config, *_ = RECIPES[name]
    return getattr(import_ours(module), config)


def _copy(field: dataclasses.Field[Any], comment: str) -> Any:
    metadata = {"help": comment, **field.metadata}
    if field.default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=field.default_factory, metadata=metadata)
    return dataclasses.field(default=field.default, metadata=metadata)

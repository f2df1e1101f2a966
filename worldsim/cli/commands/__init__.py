"""The commands: one row here and one file beside this one, with a config dataclass and ``run(config)``.

A command's file is imported when the command is used; its own heavy imports belong inside its functions.
"""

from __future__ import annotations

import importlib
import typing
from collections.abc import Sequence
from types import ModuleType

COMMANDS = {
    "demo": "our two worlds beside the real games, scored, in a report: the whole thread in minutes",
    "collect": "play a game with a policy and store the episodes",
    "caption": "describe the clips of stored episodes in words",
    "data": "look at recorded tables; import and export other formats",
    "train": "train a video autoencoder or a simulator on stored episodes",
    "generate": "videos and pictures from text, stills and clips: extended, looped, connected, edited",
    "expand": "a short prompt as a caption in the style a simulator was trained on",
    "rollout": "dream beside the real game under the same actions, as videos",
    "eval": "run evaluation suites on simulators",
    "validate": "prove that suites measure what they say: controls and planted faults",
    "eval-frames": "do photographs or frames of any video agree with the cameras they are said to be from?",
    "ladder": "base, 4x and 32x the compute: train each on the same data, ask them every suite, write the report",
    "report": "one HTML file from the runs of eval",
    "ls": "list envs, suites, simulators, metrics, policies or checkpoints",
    "check": "test games against the contract every game has to keep",
}


def module_of(command: str) -> ModuleType:
    return importlib.import_module(f"worldsim.cli.commands.{command.replace('-', '_')}")


def schema_of(module: ModuleType, words: Sequence[str] = ()) -> type:
    """The config dataclass that ``run`` is annotated with, or what the module's ``schema(words)`` chooses."""
    if hasattr(module, "schema"):
        return module.schema(words)
    return typing.get_type_hints(module.run)["config"]

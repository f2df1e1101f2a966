"""Our simulators as commands take them: by checkpoint, with settings that every command words the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worldsim.cli.settings import setting


@dataclass(kw_only=True)
class SimulatorSettings:
    """Commands that run simulators extend it."""

    steps: int | None = setting("denoising steps a frame; the checkpoint's own unless given", default=None)
    guidance: float = setting("how much a prompt counts, frame by frame; 1 is no guidance", default=1.0)
    memory: dict[str, Any] = setting("what is seen again from beyond the window", default={}, example="{mosaic:0}")
    precision: str = setting("of the network", default="bfloat16", names=("bfloat16", "float32"))
    device: str = setting("where the network runs", default="cpu", example="cuda")


def load_simulators(wanted: Sequence[str], settings: SimulatorSettings) -> list[Any]:
    """By checkpoint name or folder; names are checked before torch is imported."""
    from worldsim.simulators.checkpoints import find_checkpoint

    for name in wanted:
        find_checkpoint(name)

    from worldsim.simulators import load
    from worldsim.simulators.recall import read_memory

    memory = read_memory(settings.memory)
    return [
        load(name, settings.steps, settings.precision, settings.device, settings.guidance, memory) for name in wanted
    ]

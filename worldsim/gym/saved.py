"""Saved dreams as files: a :class:`DreamState` in a safetensors file, for the same simulator in any process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.protocols import SavesStreams, Simulator
from worldsim.gym.streams import DreamState, Slot

_FRAMES = "dream.frames"


def save_dream(path: str | Path, state: DreamState, simulator: Simulator) -> None:
    """Write a saved point of one or more dreams; WorldsimError where the simulator cannot say its state."""
    from worldsim.simulators.snapshot import save_snapshot

    snapshot = _saves(simulator).snapshot(state.world)
    slots = [
        {"seed": int(s.seed), "steps_taken": s.steps_taken, "done": s.done, "stream": _plain(s.termination_stream)}
        for s in state.slots
    ]
    dream = {"slots": slots, "np_randoms": [_plain(generator) for generator in state.np_randoms]}
    frames = np.stack([slot.frame for slot in state.slots])
    save_snapshot(
        path, {"about": {**snapshot["about"], "dream": dream}, "arrays": {**snapshot["arrays"], _FRAMES: frames}}
    )


def load_dream(path: str | Path, simulator: Simulator) -> DreamState:
    """The point that ``save_dream`` wrote; DamagedFileError for another file, WorldsimError for another simulator."""
    from worldsim.simulators.snapshot import load_snapshot

    snapshot = load_snapshot(path)
    dream, arrays = snapshot["about"].get("dream"), dict(snapshot["arrays"])
    if dream is None or _FRAMES not in arrays:
        raise DamagedFileError(f"{path} is not a saved dream: it holds the stream of a simulator alone.")
    frames = arrays.pop(_FRAMES)
    world = _saves(simulator).restore({**snapshot, "arrays": arrays})
    slots = tuple(
        Slot(told["seed"], frame.copy(), _generator(told["stream"]), told["steps_taken"], told["done"])
        for told, frame in zip(dream["slots"], frames, strict=True)
    )
    return DreamState(world, slots, tuple(map(_generator, dream["np_randoms"])))


def _saves(simulator: Simulator) -> SavesStreams:
    if not isinstance(simulator, SavesStreams):
        raise WorldsimError(
            f"dreams of the simulator {simulator.name!r} cannot be saved to a file (it has no snapshot and restore); "
            "get_state and set_state work within one process."
        )
    return simulator


def _plain(generator: np.random.Generator) -> dict[str, Any]:
    """The state of a generator as JSON; arrays are lists of whole numbers."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        return {"uint64": value.tolist()} if isinstance(value, np.ndarray) else value

    return plain(generator.bit_generator.state)


def _generator(told: dict[str, Any]) -> np.random.Generator:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if value.keys() == {"uint64"}:
            return np.array(value["uint64"], np.uint64)
        return {key: read(part) for key, part in value.items()}

    bits = {"PCG64": np.random.PCG64, "Philox": np.random.Philox}[told["bit_generator"]]()
    bits.state = read(told)
    return np.random.Generator(bits)

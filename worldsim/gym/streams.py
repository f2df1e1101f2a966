"""Dreams side by side in one batched simulator: the one engine under DreamEnv (one slot) and DreamVectorEnv (many)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.protocols import Describes, ResetsSlots, Simulator
from worldsim.core.seeding import derive_seed, stream
from worldsim.core.types import Frames
from worldsim.gym.action_reader import ActionReader
from worldsim.gym.starts import make_context, open_start

TERMINATIONS = ("threshold", "sample")
RESET_OPTIONS = ("frames", "actions", "prompt")


@dataclass(frozen=True)
class DreamConfig:
    """What is dreamt and when an episode ends. Raises WorldsimError for values that cannot be."""

    checkpoint: str | None = None
    """A checkpoint's name ("voxel-base") or folder; or None, with ``simulator``."""
    simulator: Simulator | None = None
    """Any simulator that can ``describe()`` itself, in place of a checkpoint."""
    start: Any = "game"
    """"game": the real game's own reset; the path of an episode table: a clip of it; or frames (C, H, W, 3) uint8."""
    start_actions: Any = None
    """The actions between start frames, as channels (C-1, A)."""
    env_id: str | None = None
    """The game of start="game"; the first one of the simulator unless given."""
    context_frames: int | None = None
    """Frames to start from: 1 for a game and as many as the simulator likes for a table, unless given."""
    horizon: int | None = 1000
    """Steps until truncation; None never truncates."""
    steps: int | None = None
    """Denoising steps of a frame; the checkpoint's own unless given."""
    precision: str | None = None
    """The numbers it computes with, "bfloat16" or "float32"; the checkpoint's own unless given."""
    device: str | None = None
    """Where the checkpoint runs: "cpu" unless given, "cuda", "cuda:1"."""
    memory: Mapping[str, Any] | None = None
    """What the checkpoint sees again from beyond its window: settings of worldsim.simulators.recall.MemoryConfig."""
    termination: str = "threshold"
    """Over when the probability reaches ``termination_threshold`` ("threshold"), or drawn from it ("sample")."""
    termination_threshold: float = 0.5
    prompt: str = ""

    def __post_init__(self) -> None:
        if (self.checkpoint is None) == (self.simulator is None):
            raise WorldsimError('a dream needs either checkpoint="voxel-base" (a name or folder) or simulator=.')
        for name in ("steps", "precision", "device", "memory"):
            if self.simulator is not None and getattr(self, name) is not None:
                raise WorldsimError(f"{name}= is for checkpoint=; a simulator= object already has its own.")
        for name in ("horizon", "context_frames", "steps"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
                raise WorldsimError(f"{name} must be a whole number of at least 1, or None; got {value!r}.")
        if self.termination not in TERMINATIONS:
            raise UnknownNameError("termination", str(self.termination), TERMINATIONS)
        if not 0.0 < self.termination_threshold <= 1.0:
            raise WorldsimError(f"termination_threshold must be in (0, 1]; got {self.termination_threshold!r}.")
        if not isinstance(self.prompt, str):
            raise WorldsimError(f"prompt must be text; got {self.prompt!r}.")

    def build_simulator(self) -> Simulator:
        """The simulator: the given one, or the checkpoint's; UnknownNameError for a checkpoint that is not there."""
        if self.checkpoint is not None:
            from worldsim.simulators import load
            from worldsim.simulators.recall import read_memory

            memory = read_memory(self.memory or {})
            return load(self.checkpoint, self.steps, self.precision, self.device or "cpu", memory=memory)
        assert self.simulator is not None
        if not isinstance(self.simulator, Simulator) or not isinstance(self.simulator, Describes):
            raise WorldsimError(
                f"simulator= must have reset, step, branch and describe (worldsim.core.protocols.Simulator); "
                f"got {type(self.simulator).__name__}."
            )
        return self.simulator


@dataclass
class Slot:
    """What one dream knows beside the simulator's state."""

    seed: int
    frame: Frames  # (H, W, 3), the present one
    termination_stream: np.random.Generator
    steps_taken: int = 0
    done: bool = False


@dataclass(frozen=True)
class DreamState:
    """A saved point of one or more dreams: opaque, independent of where it came from, usable any number of times."""

    world: Any
    slots: tuple[Slot, ...]
    np_randoms: tuple[np.random.Generator, ...]


@dataclass(frozen=True)
class Outcome:
    """One step of every slot; the frames are in the slots."""

    reward: NDArray[np.float32]  # (B,)
    termination_prob: NDArray[np.float32]  # (B,)
    terminated: NDArray[np.bool_]  # (B,)
    truncated: NDArray[np.bool_]  # (B,)


class DreamStreams:
    """B dreams in one simulator. Every random number of a slot comes from the seed of its episode."""

    def __init__(self, config: DreamConfig, num_slots: int):
        self.config = config
        self.simulator = config.build_simulator()
        if num_slots > 1 and not isinstance(self.simulator, ResetsSlots):
            raise WorldsimError(
                f"the simulator {self.simulator.name!r} cannot start single slots anew (it has no reset_slots), "
                "so it dreams one stream only."
            )
        assert isinstance(self.simulator, Describes)
        self.description = self.simulator.describe()
        unsaid = [name for name in ("height", "width", "codec") if name not in self.description]
        if unsaid:
            raise WorldsimError(
                f"the simulator {self.simulator.name!r} does not describe its {', '.join(unsaid)}, "
                "so its observation and action spaces are not known."
            )
        self.reader = ActionReader(ActionCodec.from_json(self.description["codec"]))
        self.size = (int(self.description["height"]), int(self.description["width"]))
        self.start = open_start(config, self.description, self.reader)
        self.num_slots = num_slots
        self.slots: list[Slot] = []  # empty until the first reset
        self._world: Any = None

    def reset(self, which: Sequence[int], seeds: Sequence[int], options: Mapping[str, Any] | None = None) -> None:
        """Start the slots ``which`` anew, each from its own seed; the first time that must be all of them."""
        contexts, prompt = self._overridden(options)
        drawn = [contexts or self.start.draw(seed) for seed in seeds]
        prompts = [prompt] * len(which)
        model_seeds = [derive_seed(seed, "simulator") for seed in seeds]
        if len(which) == self.num_slots:
            self._world = self.simulator.reset(drawn, prompts, model_seeds)
            self.slots = [None] * self.num_slots  # type: ignore[list-item]
        else:
            assert isinstance(self.simulator, ResetsSlots)
            assert self.slots
            self._world = self.simulator.reset_slots(self._world, which, drawn, prompts, model_seeds)
        for slot, seed, context in zip(which, seeds, drawn, strict=True):
            self.slots[slot] = Slot(seed, np.array(context.frames[-1]), stream(seed, "termination"))

    def step(self, actions: NDArray[np.float32]) -> Outcome:
        """Advance every slot by its action (B, A channels)."""
        self._world, prediction = self.simulator.step(self._world, actions)
        horizon = self.config.horizon
        for slot, frame in zip(self.slots, prediction.frames, strict=True):
            slot.frame = np.array(frame)
            slot.steps_taken += 1
        prob = np.array(prediction.termination_prob, np.float32)
        if self.config.termination == "sample":
            terminated = np.array([slot.termination_stream.random() for slot in self.slots]) < prob
        else:
            terminated = prob >= self.config.termination_threshold
        truncated = np.array([horizon is not None and slot.steps_taken >= horizon for slot in self.slots])
        for slot, done in zip(self.slots, terminated | truncated, strict=True):
            slot.done = bool(done)
        return Outcome(np.array(prediction.reward, np.float32), prob, terminated, truncated)

    def horizon_left(self, slot: int) -> int | None:
        return None if self.config.horizon is None else max(0, self.config.horizon - self.slots[slot].steps_taken)

    def get_state(self, np_randoms: Sequence[np.random.Generator]) -> DreamState:
        world = self.simulator.branch(self._world, range(self.num_slots))
        return DreamState(world, tuple(copy.deepcopy(self.slots)), tuple(copy.deepcopy(list(np_randoms))))

    def set_state(self, state: DreamState) -> list[np.random.Generator]:
        """Go to ``state``; a state of one slot is put into every slot. Returns the streams saved with it."""
        if len(state.slots) not in (1, self.num_slots):
            raise WorldsimError(
                f"a state of {len(state.slots)} dreams does not fit {self.num_slots}; save one or as many."
            )
        order = list(range(self.num_slots)) if len(state.slots) == self.num_slots else [0] * self.num_slots
        self._world = self.simulator.branch(state.world, order)
        self.slots = [copy.deepcopy(state.slots[slot]) for slot in order]
        return [copy.deepcopy(state.np_randoms[slot]) for slot in order]

    def close(self) -> None:
        """Release the game and the dreams' memory; the simulator belongs to whoever built it."""
        self.start.close()
        self._world, self.slots = None, []

    def _overridden(self, options: Mapping[str, Any] | None) -> tuple[Any, str]:
        """The context (or None) and the prompt that reset options ask for."""
        options = options or {}
        for name in options:
            if name not in RESET_OPTIONS:
                raise UnknownNameError("reset option", str(name), RESET_OPTIONS)
        if "actions" in options and "frames" not in options:
            raise WorldsimError("the reset option 'actions' says what lies between 'frames', which are not given.")
        context = None
        if "frames" in options:
            context = make_context(options["frames"], options.get("actions"), self.reader, self.size)
        return context, options.get("prompt", self.config.prompt)

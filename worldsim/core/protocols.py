"""Capabilities as small runtime-checkable protocols: what a game, a policy or a simulator can do is what it implements.

Games are ``gymnasium.Env`` whose observation is one frame, ``Box(0, 255, (H, W, 3), uint8)``, and whose
``metadata["render_fps"]`` is the number of steps a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Context, Frames, GroundTruth, Prediction


@runtime_checkable
class HasGroundTruth(Protocol):
    """A game that knows depth, instance ids, camera or objects of its present frame."""

    def ground_truth(self) -> GroundTruth: ...


@runtime_checkable
class Snapshots(Protocol):
    """A game whose whole state, random streams included, can be taken and put back exactly.

    The state is plain data (dict of numpy arrays and numbers), independent of the game it came from.
    """

    def get_state(self) -> dict[str, Any]: ...

    def set_state(self, state: dict[str, Any]) -> Frames:
        """Put the game into ``state`` and return the frame seen there."""
        ...


@runtime_checkable
class Replays(Protocol):
    """A game without exact snapshots that reaches the same point again from a seed and the actions since reset."""

    def replay(self, seed: int, actions: NDArray[np.float32]) -> Frames:
        """Reset with ``seed``, take ``actions`` (P, A channels), return the frame reached; bit-exact."""
        ...


@runtime_checkable
class Advances(Protocol):
    """A game that can take a step without drawing it, on the way to a point of which only what comes then is wanted."""

    def advance(self, action: Any) -> tuple[float, bool]:
        """What ``step`` does but for the frame; reward, and whether the episode is over."""
        ...


@runtime_checkable
class Intervenes(Protocol):
    """A game whose world can be changed from outside, in ways no action could: the other half of a counterfactual."""

    def interventions(self) -> tuple[str, ...]:
        """The names that ``intervene`` takes: some of "remove", "add", "recolour", "teleport", "undo"."""
        ...

    def intervene(self, name: str, **details: Any) -> Frames:
        """Change the world now and return the frame that is seen then; time does not pass.

        Details are plain data: ``object_id`` of ``GroundTruth.objects``, ``cls``, ``position_m``, ``colour``.
        "undo" takes back what the last action did to the world (not to the player). WorldsimError where that cannot be.
        """
        ...


@runtime_checkable
class HasTask(Protocol):
    """A game that says in words what the player is asked to do; ``info["task"]`` of ``reset`` says the same."""

    task_text: str  # one line, of the present episode; "" where nothing is asked


@runtime_checkable
class Policy(Protocol):
    """Chooses action channel vectors; it may look at the game's privileged state through the ``env`` it got."""

    def reset(self, seed: int) -> None: ...

    def act(self, obs: Frames) -> NDArray[np.float32]:
        """The next action as a channel vector (A,)."""
        ...


@runtime_checkable
class Simulator(Protocol):
    """A batched world with explicit state: ours, a remote one, a folder of videos, the real game and every control.

    ``step`` may reuse the memory of the state it is given, so a state is used once; ``branch`` copies first.
    Slots are independent: what one slot produces does not depend on which others are in the batch.
    Slot b draws only on ``seeds[b]``: equal context, actions and seed give equal frames (common random numbers).
    """

    name: str

    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        """Start one slot per context and return the state."""
        ...

    def step(self, state: Any, actions: NDArray[np.float32]) -> tuple[Any, Prediction]:
        """Advance every slot by its action (B, A channels)."""
        ...

    def branch(self, state: Any, slots: Sequence[int]) -> Any:
        """An independent copy of the given slots (repeats allowed), in that order."""
        ...


@runtime_checkable
class ResetsSlots(Protocol):
    """A simulator that can start some slots anew while the others dream on; vector environments need it."""

    def reset_slots(
        self,
        state: Any,
        slots: Sequence[int],
        contexts: Sequence[Context],
        prompts: Sequence[str],
        seeds: Sequence[int],
    ) -> Any:
        """The state in which ``slots`` begin as after ``reset`` and every other slot is as it was.

        Like ``step``, it may reuse the memory of the state it is given.
        """
        ...


@runtime_checkable
class SavesStreams(Protocol):
    """A simulator whose state can be taken as plain data, and go on to the bit from it, also in another process."""

    def snapshot(self, state: Any) -> dict[str, Any]:
        """ "about" (JSON) and "arrays" (numpy arrays by name)."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> Any:
        """The state that ``snapshot`` was taken of; WorldsimError when it is another simulator's."""
        ...


@runtime_checkable
class Describes(Protocol):
    """A simulator that can say what it is: plain data that goes into the run record and the row keys."""

    def describe(self) -> dict[str, Any]: ...


@runtime_checkable
class RollsOut(Protocol):
    """A simulator that does better with all actions at once: replayed games, remote ones, folders of videos.

    The outcome equals that of ``step``, one action after the other.
    """

    def rollout(self, state: Any, actions: NDArray[np.float32]) -> Prediction:
        """Play actions (B, H, A); the prediction's arrays have a time axis after the batch: frames (B, H, h, w, 3)."""
        ...


@runtime_checkable
class MakesFromText(Protocol):
    """A simulator that makes videos from prompts alone; who follows prompts says ``text: True`` in ``describe``."""

    def from_text(
        self, prompts: Sequence[str], seeds: Sequence[int], frames: int, size: tuple[int, int]
    ) -> Sequence[Frames]:
        """A video (frames, H, W, 3) uint8 of each prompt, ``size`` being (H, W); equal seeds are equal noise."""
        ...


@runtime_checkable
class Reconstructs(Protocol):
    """A simulator whose video autoencoder can be asked how well it keeps a frame: the ceiling of what it can dream."""

    def reconstruct(self, frames: Frames) -> Frames:
        """Frames (N, H, W, 3) uint8, encoded and decoded again."""
        ...


@runtime_checkable
class Scorable(Protocol):
    """A simulator that can say how little it expected what a clip shows: for violation of expectation."""

    def score(self, clips: Frames, actions: NDArray[np.float32], seeds: Sequence[int]) -> NDArray[np.float64]:
        """The surprise (N, T) at each frame of clips (N, T, H, W, 3), given the frames before it; the first has none.

        ``actions`` (N, T-1, A) lead from each frame to the next. Equal seeds are equal noise, so that only what the
        clips show makes a difference between them.
        """
        ...

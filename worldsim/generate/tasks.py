"""The generation tasks, each a few lines that build a plan.

A plan is joined from parts: clips that are given, and numbers of frames to make between them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.types import Frames
from worldsim.generate.plan import VideoPlan


@dataclass(frozen=True, eq=False)
class Clip:
    """Given frames (T, H, W, 3) and, where they are known, the actions between them (T-1, A).

    ``name`` is what messages call it.
    """

    frames: Frames
    actions: NDArray[np.float32] | None = None
    name: str = "the clip"

    @property
    def size(self) -> tuple[int, int]:
        return self.frames.shape[1], self.frames.shape[2]


def join(*parts: Clip | int, size: tuple[int, int], causal: bool = False, loop: bool = False) -> VideoPlan:
    """The plan of clips one after the other; a number stands for that many frames to make.

    Raises WorldsimError for a clip of another size, and for fewer than one frame to make.
    """
    height, width = size
    levels, pictures, actions = [], [], []
    channels = {part.actions.shape[1] for part in parts if isinstance(part, Clip) and part.actions is not None}
    if len(channels) > 1:
        raise WorldsimError(
            f"the given clips have actions of {sorted(channels)} channels; they are of different games."
        )
    A = max(channels, default=0)
    for part in parts:
        if isinstance(part, Clip):
            if part.size != size:
                raise WorldsimError(
                    f"{part.name} is {part.size[0]}x{part.size[1]} (height x width), the video {height}x{width}: "
                    "all that is given has to be of the video's size; resize=true makes it so."
                )
            levels.append(np.zeros(len(part.frames), np.float32))
            pictures.append(part.frames)
            known = _unknown(len(part.frames) - 1, A) if part.actions is None else part.actions
            actions += [known, _unknown(1, A)]
        else:
            if part < 1:
                raise WorldsimError(f"frames={part}: there has to be at least 1 frame to make.")
            levels.append(np.ones(part, np.float32))
            pictures.append(np.zeros((part, height, width, 3), np.uint8))
            actions.append(_unknown(part, A))
    known_TA = np.concatenate(actions)  # row t leads from frame t
    plan = VideoPlan(np.concatenate(levels), np.concatenate(pictures), None, causal, loop)
    return replace(plan, actions_SA=known_TA[: plan.transitions]) if A else plan


def _unknown(count: int, channels: int) -> NDArray[np.float32]:
    return np.full((count, channels), np.nan, np.float32)


@dataclass(frozen=True)
class Request:
    """What the user gave: ``frames`` to make beside the given ones; clips are None where they were not given."""

    frames: int
    size: tuple[int, int]
    causal: bool = False
    strength: float = 0.0
    image: Clip | None = None
    video: Clip | None = None
    end: Clip | None = None


def text(request: Request) -> VideoPlan:
    return join(request.frames, size=request.size, causal=request.causal)


def image(request: Request) -> VideoPlan:
    return join(1, size=request.size)


def still(request: Request) -> VideoPlan:
    return join(_clip(request.image), request.frames, size=request.size, causal=request.causal)


def extend(request: Request) -> VideoPlan:
    return join(_clip(request.video), request.frames, size=request.size, causal=request.causal)


def prepend(request: Request) -> VideoPlan:
    return join(request.frames, _clip(request.video), size=request.size)


def endings(request: Request) -> VideoPlan:
    """One of several videos that share their end; its beginning is of its own seed, prompt or clip."""
    start = [request.video] if request.video else []
    return join(*start, request.frames, _clip(request.end), size=request.size)


def loop(request: Request) -> VideoPlan:
    """A video whose first frame follows on its last; a still or a clip to begin with may be given."""
    start = [one for one in (request.image, request.video) if one]
    return join(*start, request.frames, size=request.size, loop=True)


def connect(request: Request) -> VideoPlan:
    return join(_clip(request.video), request.frames, _clip(request.end), size=request.size)


def edit(request: Request) -> VideoPlan:
    """SDEdit (Meng et al. 2022): noise up to the strength, then denoise under the prompt; 0 changes nothing."""
    if not 0 <= request.strength <= 1:
        raise WorldsimError(
            f"strength={request.strength:g} has to be from 0 (the video as it is) to 1 (nothing of it is kept)."
        )
    plan = join(_clip(request.video), size=request.size)
    return replace(plan, start_level_T=np.full(plan.frames, request.strength, np.float32))


def long(request: Request) -> VideoPlan:
    """Frame by frame, so that memory and time a frame stay the same however long; begins with what is given."""
    start = [one for one in (request.image, request.video) if one]
    return join(*start, request.frames, size=request.size, causal=True)


def _clip(clip: Clip | None) -> Clip:
    assert clip is not None, "a task's needs are checked before it is planned"
    return clip


@dataclass(frozen=True)
class Task:
    """A task: what it does, what it ``needs`` and ``takes`` beside a prompt, how many frames it makes unless told.

    ``causal``: whether it is made frame by frame; the ways there are, the usual one first.
    """

    about: str
    plan: Callable[[Request], VideoPlan]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    frames: int = 16
    causal: tuple[bool, ...] = (False,)


EITHER, FRAME_BY_FRAME = (False, True), (True,)
TASKS = {
    "text": Task("a video from a prompt", text, takes=("frames",), causal=EITHER),
    "image": Task("one picture from a prompt", image, frames=1),
    "still": Task("a still that comes to life", still, ("image",), ("frames",), causal=EITHER),
    "extend": Task("a video goes on", extend, ("video",), ("frames",), causal=EITHER),
    "prepend": Task("what came before a video", prepend, ("video",), ("frames",)),
    "endings": Task("several beginnings that meet in one given ending", endings, ("end",), ("frames", "video")),
    "loop": Task("a video without a seam: its end is its start", loop, (), ("frames", "image", "video")),
    "connect": Task("the frames between two videos", connect, ("video", "end"), ("frames",)),
    "edit": Task("a video changed by a prompt, its structure kept", edit, ("video",), ("strength",)),
    "long": Task("a minute and more", long, (), ("frames", "image", "video"), frames=1200, causal=FRAME_BY_FRAME),
}
_OPTIONS = ("frames", "strength", "image", "video", "end")


def task_names() -> list[str]:
    return list(TASKS)


def find_task(name: str, given: Collection[str]) -> Task:
    """The task of that name; WorldsimError when what it needs is not among ``given``, or something else is."""
    if name not in TASKS:
        raise UnknownNameError("task", name, TASKS)
    task = TASKS[name]
    for one in task.needs:
        if one not in given:
            raise WorldsimError(f"task={name} ({task.about}) needs {one}=.")
    usable = (*task.needs, *task.takes)
    for one in _OPTIONS:
        if one in given and one not in usable:
            takes = ", ".join(f"{option}=" for option in usable) or "a prompt alone"
            raise WorldsimError(f"task={name} ({task.about}) has no use for {one}=; it takes {takes}.")
    if "image" in given and "video" in given:
        raise WorldsimError(f"task={name} begins with image= or with video=, not with both.")
    return task


def choose_causal(name: str, wanted: bool | None) -> bool:
    """Whether ``name`` is made frame by frame; WorldsimError when it cannot be made as it is ``wanted``."""
    ways = TASKS[name].causal
    if wanted is None:
        return ways[0]
    if wanted not in ways:
        able = ", ".join(other for other, task in TASKS.items() if wanted in task.causal)
        how = "all at once" if ways == (False,) else "frame by frame"
        raise WorldsimError(f"task={name} is made {how}; causal={str(wanted).lower()} is for {able}.")
    return wanted

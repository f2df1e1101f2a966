"""The clips of a recorded table that are captioned, with all that was recorded about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from worldsim.captions.camera import world_up
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames, GroundTruth
from worldsim.data.store import EpisodeTable


@dataclass(frozen=True)
class ClipPlace:
    """Which clip: ``frames`` frames of an episode from frame ``start`` on; ``row`` is the first one's in the table."""

    row: int
    episode: int
    start: int
    frames: int


@dataclass(frozen=True)
class Clip:
    """T frames of an episode and the T-1 steps between them; action t leads from frame t to frame t+1."""

    place: ClipPlace
    key: str  # the table's content key
    env_id: str
    fps: float
    codec: ActionCodec
    actions: NDArray[np.float32]  # (T-1, A)
    rewards: NDArray[np.float32]  # (T-1,)
    terminated: bool  # the last step was the game's end
    truth: tuple[GroundTruth, ...] | None  # (T,), None where the table has no state
    up: NDArray[np.float64] | None  # (3,) the world's up, None without cameras
    frame_shape: tuple[int, int, int]
    read_frames: Callable[[NDArray[np.int64]], Frames]  # frames of the clip by their numbers in it

    def __len__(self) -> int:
        return self.place.frames

    def channel(self, name: str) -> NDArray[np.float32] | None:
        """The values (T-1,) of an action channel, None where the game has no such channel."""
        return self.actions[:, self.codec.index(name)] if name in self.codec.names else None

    def pressed(self, name: str) -> NDArray[np.bool_]:
        """Whether a button is down in each step (T-1,); never, where the game has no such button."""
        values = self.channel(name)
        return np.zeros(len(self.actions), bool) if values is None else values > 0.5


def places(table: EpisodeTable, lengths: Sequence[int], stride: int) -> list[ClipPlace]:
    """A clip every ``stride`` frames for each length, and one at the end of each episode, in the order of the rows.

    A length of 0 is the whole episode, and so is one that an episode is too short for.
    Raises WorldsimError for lengths or strides that make no clips.
    """
    if not lengths or stride < 1 or any(length < 0 or length == 1 for length in lengths):
        raise WorldsimError(
            f"frames={list(lengths)}, stride={stride}: a captioned clip has 2 frames or more (0: the whole episode), "
            "and the next one begins 1 frame later or more."
        )
    found = set()
    for episode, (offset, count) in enumerate(zip(table.episodes.offsets, table.episodes.lengths, strict=True)):
        for length in lengths:
            frames = int(count) if length == 0 else min(length, int(count))
            for start in {*range(0, int(count) - frames + 1, stride), int(count) - frames}:
                found.add((int(offset) + start, frames, episode, start))
    return [ClipPlace(row, episode, start, frames) for row, frames, episode, start in sorted(found)]


def read_clips(table: EpisodeTable, wanted: Sequence[ClipPlace]) -> Iterator[Clip]:
    """The wanted clips, in order; each episode's steps and state are read once, frames only when asked for."""
    episode, parts = -1, None
    for place in wanted:
        if place.episode != episode:
            episode, parts = place.episode, _read_episode(table, place.episode)
        assert parts is not None
        actions, rewards, truth, up = parts
        steps = slice(place.start, place.start + place.frames - 1)
        last = place.start + place.frames == int(table.episodes.lengths[episode])
        yield Clip(
            place=place,
            key=table.content_key,
            env_id=table.env_id,
            fps=table.fps,
            codec=table.codec,
            actions=actions[steps],
            rewards=rewards[steps],
            terminated=last and bool(table.episodes.terminated[episode]),
            truth=None if truth is None else truth[place.start : place.start + place.frames],
            up=up,
            frame_shape=table.frame_shape,
            read_frames=partial(_read_frames, table, place.row),
        )


def _read_frames(table: EpisodeTable, row: int, numbers: NDArray[np.int64]) -> Frames:
    return table.read_frames(row + numbers)


def _read_episode(table: EpisodeTable, episode: int):
    first, count = int(table.episodes.offsets[episode]), int(table.episodes.lengths[episode])
    rows = np.arange(first, first + count)
    actions, rewards, _ = table.read_steps(rows[:-1])
    truth = tuple(table.read_truth(rows)) if table.info.truth else None
    cameras = [one.camera for one in truth or () if one.camera is not None]
    return actions, rewards, truth, world_up(cameras) if cameras else None

"""Where a dream starts: in the real game's own reset, in a recorded episode, or from frames that were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError, did_you_mean
from worldsim.core.games import make_game
from worldsim.core.seeding import derive_seed, stream
from worldsim.core.types import Context, GameOrigin
from worldsim.gym.action_reader import ActionReader


class Start(Protocol):
    """Draws the context of a dream; equal seeds give equal contexts."""

    def draw(self, seed: int) -> Context: ...

    def close(self) -> None: ...


class GameStart:
    """Resets the real game with the dream's own seed, so that dream and game of one seed begin on the same frame.

    More than one frame lets the game run on under the action that does nothing, for games that move by themselves.
    """

    def __init__(self, env_id: str, env_kwargs: dict[str, Any], codec: ActionCodec, size: tuple[int, int], frames: int):
        self.env_id, self.env_kwargs, self.codec, self.frames = env_id, env_kwargs, codec, frames
        self.game = make_game(env_id, disable_env_checker=True, **env_kwargs)
        try:
            check_frame_size(self.game.observation_space.shape, size, f"the game {env_id!r}")
        except WorldsimError:
            self.game.close()
            raise

    def draw(self, seed: int) -> Context:
        # Games take 31-bit seeds (ViZDoom); a larger one is folded.
        seed = seed if seed < 2**31 else derive_seed(seed, "game") >> 32
        frames = [self.game.reset(seed=seed)[0]]
        nothing = self.codec.vector()
        while len(frames) < self.frames:
            frames.append(self.game.step(self.codec.decode(nothing))[0])
        prefix = np.tile(nothing, (self.frames - 1, 1))
        return Context(np.stack(frames), prefix, GameOrigin(self.env_id, self.env_kwargs, seed, prefix))

    def close(self) -> None:
        self.game.close()


class TableStart:
    """A clip of a recorded table: any run of ``frames`` frames in any episode long enough, all equally likely."""

    def __init__(self, path: str, size: tuple[int, int], frames: int, codec: ActionCodec):
        from worldsim.data.store import EpisodeTable

        self.table = EpisodeTable.open(path)
        check_frame_size(self.table.frame_shape, size, f"the table {path}")
        if self.table.codec.names != codec.names:
            raise WorldsimError(
                f"the table {path} has the actions {', '.join(self.table.codec.names)}; "
                f"the simulator knows {', '.join(codec.names)}."
            )
        # At least one step was recorded after the context, so the dream does not begin in the last frame of an episode.
        choices = np.maximum(self.table.episodes.lengths - frames, 0)
        if not choices.sum():
            longest = int(self.table.episodes.lengths.max(initial=0))
            raise WorldsimError(
                f"no episode of {path} has more than {frames} frames (the longest has {longest}); lower context_frames."
            )
        self.frames, self._ends = frames, np.cumsum(choices)

    def draw(self, seed: int) -> Context:
        number = int(stream(seed, "clip").integers(self._ends[-1]))
        episode = int(np.searchsorted(self._ends, number, side="right"))
        first = number - int(self._ends[episode - 1]) if episode else number
        frames, actions, _, _ = self.table.read_clip(episode, first, self.frames)
        row = int(self.table.episodes.offsets[episode])
        prefix, _, _ = self.table.read_steps(np.arange(row, row + first + self.frames - 1))
        game_seed = int(self.table.episodes.seeds[episode])
        return Context(frames, actions, GameOrigin(self.table.env_id, self.table.info.env_kwargs, game_seed, prefix))

    def close(self) -> None:
        pass


class FramesStart:
    """Always the same context."""

    def __init__(self, context: Context):
        self.context = context

    def draw(self, seed: int) -> Context:
        return self.context

    def close(self) -> None:
        pass


def open_start(config: Any, description: dict[str, Any], reader: ActionReader) -> Start:
    """The start a DreamConfig asks for, checked against the simulator's description."""
    size = (int(description["height"]), int(description["width"]))
    start = config.start
    if not isinstance(start, (str, Path)):
        if isinstance(start, Context):
            return FramesStart(make_context(start.frames, start.actions, reader, size, start.origin))
        return FramesStart(make_context(start, config.start_actions, reader, size))
    if config.start_actions is not None:
        raise WorldsimError("start_actions= lies between the frames of start=; it goes with no other start.")
    if start == "game":
        known = description.get("env_ids", [])
        if config.env_id is None and not known:
            raise WorldsimError("the simulator names no game to start from; pass env_id=, or start= frames or a table.")
        env_id = config.env_id or known[0]
        env_kwargs = description.get("env_kwargs", {}) if env_id in known else {}
        return GameStart(env_id, env_kwargs, reader.codec, size, config.context_frames or 1)
    if "://" not in str(start) and not Path(start).exists():
        raise WorldsimError(
            f'start={str(start)!r} is neither "game" nor an episode table on disk.{did_you_mean(str(start), ["game"])}'
        )
    return TableStart(
        str(start), size, config.context_frames or int(description.get("context_frames", 1)), reader.codec
    )


def make_context(
    frames: Any, actions: Any, reader: ActionReader, size: tuple[int, int], origin: GameOrigin | None = None
) -> Context:
    """A context from uint8 frames (C, H, W, 3), or one (H, W, 3), and the C-1 actions between them as channels."""
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim not in (3, 4) or frames.shape[-1] != 3 or not frames.size:
        raise WorldsimError(
            f"a dream starts from uint8 RGB frames of shape (C, {size[0]}, {size[1]}, 3); "
            f"got {frames.dtype} of shape {frames.shape}."
        )
    frames = frames.reshape(-1, *frames.shape[-3:])
    check_frame_size(frames.shape[1:], size, "these frames")
    between, channels = len(frames) - 1, len(reader.codec)
    vectors = np.zeros((0, channels), np.float32) if actions is None else np.asarray(actions, np.float32)
    if vectors.shape != (between, channels):
        got = "none" if actions is None else f"shape {vectors.shape}"
        raise WorldsimError(
            f"{len(frames)} start frames need the {between} actions between them, as channels of shape "
            f"({between}, {channels}); got {got}. Pass them as start_actions (option: actions), or give one frame."
        )
    return Context(frames, reader.check_vectors(vectors), origin)


def check_frame_size(shape: tuple[int, ...] | None, size: tuple[int, int], whose: str) -> None:
    """Raise WorldsimError when frames of ``shape`` (H, W, 3) are not of the size the simulator dreams."""
    if shape is None or tuple(shape) != (*size, 3):
        got = f"{shape[0]}x{shape[1]}" if shape is not None and len(shape) == 3 else f"shape {shape}"
        raise WorldsimError(
            f"the simulator dreams frames of {size[0]}x{size[1]} (height x width), {whose} has {got}: "
            f"resize to height={size[0]}, width={size[1]}."
        )

"""Episodes as rows of a table: one row a frame, episodes whole and in order.

Row t of an episode holds frame t and the step that leaves it (action, reward, terminated, truncated); the last row of
an episode has a frame only, its action and reward are NaN. Camera and objects of the frame are there when they were
recorded; imported tables name the recording each episode came from, and may hold episodes of several frame sizes.

Frames are raw RGB bytes that Lance compresses without loss (zstd): on 64x64 ViZDoom frames this is as small as PNG
(4.1 of 12.3 KB) and needs no image decoder. Rows of 16 frames were tried: 30 % smaller and 1.2 to 1.4 times as fast to
read at random, but then a row is no frame, and latents, captions and truth lose the number they share.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from worldsim.core.types import Episode, Frames
from worldsim.data import truth

SCHEMA_VERSION = 1
META_KEY = b"worldsim.table"


@dataclass(frozen=True)
class TableInfo:
    """What a table holds and how it was made; stored in the table's schema, equal for every row."""

    env_id: str
    env_kwargs: dict[str, Any]
    policy: str  # "module:attribute"
    split: str
    seed: int
    max_steps: int
    planned_episodes: int
    fps: float
    height: int  # 0 where the episodes differ in size
    width: int
    codec: list[dict[str, Any]]  # ActionCodec.to_json()
    schema_version: int = SCHEMA_VERSION
    truth: bool = False  # camera and objects of every frame are recorded
    source: str = ""  # the format an imported table was made from; such a table names the recording of each episode

    def to_json(self) -> dict[str, Any]:
        """As stored, compared and hashed; without what tables of older versions could not have."""
        later = {"truth": False, "source": ""}
        return {key: value for key, value in asdict(self).items() if key not in later or value != later[key]}


def schema(info: TableInfo) -> Any:
    """The Arrow schema of a table."""
    import pyarrow as pa

    frame = pa.field("frame", pa.binary(), metadata={"lance-encoding:compression": "zstd"})
    fields = [
        pa.field("episode", pa.int32()),
        pa.field("seed", pa.int64()),
        pa.field("t", pa.int32()),
        frame,
        *([pa.field("action", pa.list_(pa.float32(), len(info.codec)))] if info.codec else []),
        pa.field("reward", pa.float32()),
        pa.field("terminated", pa.bool_()),
        pa.field("truncated", pa.bool_()),
    ]
    if info.truth:
        fields += truth.fields_of_table()
    if info.source:
        fields += [pa.field("source", pa.string())]
    if not info.height:
        fields += [pa.field("height", pa.int32()), pa.field("width", pa.int32())]
    return pa.schema(fields, metadata={META_KEY: json.dumps(info.to_json())})


def episode_rows(number: int, episode: Episode, info: TableInfo, source: str = "") -> Any:
    """An episode as an Arrow table of one row a frame; ``source`` names the recording it was imported from."""
    import pyarrow as pa

    count, steps = len(episode.frames), len(episode.actions)
    actions = np.full((count, len(info.codec)), np.nan, np.float32)
    actions[:steps] = episode.actions
    rewards = np.full(count, np.nan, np.float32)
    rewards[:steps] = episode.rewards
    # Flags belong to the step that leaves a row, like the action and the reward.
    terminated, truncated = np.zeros(count, bool), np.zeros(count, bool)
    if steps:
        terminated[steps - 1], truncated[steps - 1] = episode.terminated, episode.truncated
    arrays = [
        pa.array(np.full(count, number, np.int32)),
        pa.array(np.full(count, episode.seed, np.int64)),
        pa.array(np.arange(count, dtype=np.int32)),
        pa.array([frame.tobytes() for frame in episode.frames], pa.binary()),
        *([pa.FixedSizeListArray.from_arrays(pa.array(actions.reshape(-1)), len(info.codec))] if info.codec else []),
        pa.array(rewards),
        pa.array(terminated),
        pa.array(truncated),
    ]
    if info.truth:
        assert episode.truth is not None, "the recording keeps camera and objects"
        arrays += truth.to_columns(truth.TruthTrack.of(episode.truth))
    if info.source:
        arrays += [pa.array([source] * count, pa.string())]
    height, width = episode.frames.shape[1:3]
    if info.height:
        assert (height, width) == (info.height, info.width), f"frames of {height}x{width} in {info.height}x{info.width}"
    else:
        arrays += [pa.array(np.full(count, size, np.int32)) for size in (height, width)]
    return pa.table(arrays, schema=schema(info))


def unpack_frames(column: Any, shape: tuple[int, int, int]) -> Frames:
    """A binary Arrow column as frames (N,H,W,3)."""
    import pyarrow as pa

    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    size = int(np.prod(shape))
    parts = []
    for chunk in chunks:
        offsets = np.frombuffer(chunk.buffers()[1], np.int32, len(chunk) + 1, chunk.offset * 4)
        assert len(chunk) == 0 or (np.diff(offsets) == size).all(), f"frames are not all of shape {shape}"
        parts.append(np.frombuffer(chunk.buffers()[2], np.uint8, len(chunk) * size, offsets[0]))
    return np.concatenate(parts).reshape(-1, *shape)

"""Episodes as rows of a table: one row a frame, episodes whole and in order.

Row t of an episode holds frame t and the step that leaves it (action, reward, terminated, truncated); the last row of
an episode has a frame only, its action and reward are NaN. Camera and objects of the frame are there when they were
recorded. Frames are raw RGB bytes that Lance compresses without loss
(zstd): on 64x64 ViZDoom frames this is as small as PNG (4.1 of 12.3 KB) and needs no image decoder.
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
    height: int
    width: int
    codec: list[dict[str, Any]]  # ActionCodec.to_json()
    schema_version: int = SCHEMA_VERSION
    truth: bool = False  # camera and objects of every frame are recorded

    def to_json(self) -> dict[str, Any]:
        """As stored, compared and hashed; without what tables of older versions could not have."""
        data = asdict(self)
        if not self.truth:
            del data["truth"]
        return data


def schema(info: TableInfo) -> Any:
    """The Arrow schema of a table."""
    import pyarrow as pa

    frame = pa.field("frame", pa.binary(), metadata={"lance-encoding:compression": "zstd"})
    fields = [
        pa.field("episode", pa.int32()),
        pa.field("seed", pa.int64()),
        pa.field("t", pa.int32()),
        frame,
        pa.field("action", pa.list_(pa.float32(), len(info.codec))),
        pa.field("reward", pa.float32()),
        pa.field("terminated", pa.bool_()),
        pa.field("truncated", pa.bool_()),
    ]
    if info.truth:
        fields += truth.fields_of_table()
    return pa.schema(fields, metadata={META_KEY: json.dumps(info.to_json())})


def episode_rows(number: int, episode: Episode, info: TableInfo) -> Any:
    """An episode as an Arrow table of one row a frame."""
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
        pa.FixedSizeListArray.from_arrays(pa.array(actions.reshape(-1)), len(info.codec)),
        pa.array(rewards),
        pa.array(terminated),
        pa.array(truncated),
    ]
    if info.truth:
        assert episode.truth is not None, "the recording keeps camera and objects"
        arrays += truth.to_columns(truth.TruthTrack.of(episode.truth))
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

"""LeRobot datasets v3.0 written (huggingface/lerobot): many episodes in each parquet and mp4 file.

Row t of an episode has frame t, the action that leads to frame t+1 and the reward of that step. The last frame has no
action: its row holds the one that does nothing, and ``meta/worldsim.json``, which LeRobot ignores, says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.errors import WorldsimError
from worldsim.core.records import write_json
from worldsim.core.types import Episode
from worldsim.core.video import png_bytes
from worldsim.data.formats.lerobot_stats import FeatureStats
from worldsim.data.formats.video_file import PIXEL_FORMAT, VideoWriter
from worldsim.data.store import EpisodeTable

CODEBASE_VERSION = "v3.0"
CAMERA = "observation.image"
CHUNK = "chunk-{chunk_index:03d}/file-{file_index:03d}"
DATA_PATH = f"data/{CHUNK}.parquet"
VIDEO_PATH = f"videos/{{video_key}}/{CHUNK}.mp4"
EPISODES_PATH = f"meta/episodes/{CHUNK}.parquet"
TASKS_PATH = "meta/tasks.parquet"
FILES_IN_CHUNK, DATA_MB, VIDEO_MB = 1000, 100, 200
ABOUT_PATH = "meta/worldsim.json"


def export(table: EpisodeTable, out: Path, episodes: list[int], lossless: bool) -> None:
    """Write ``episodes`` of a table into the folder ``out``: as PNG images without loss, or as H.264 videos."""
    if not len(table.codec):
        raise WorldsimError(f"{table.path} has no actions, which a LeRobot dataset needs; export it as mp4.")
    writer = _Writer(table, Path(out), lossless)
    try:
        for number in episodes:
            writer.add(table.read_episode(number))
    finally:
        writer.close()
    writer.write_meta()


class _Writer:
    def __init__(self, table: EpisodeTable, out: Path, lossless: bool):
        self.table, self.out, self.lossless = table, out, lossless
        self.height, self.width, _ = table.frame_shape
        self.tasks: dict[str, int] = {}
        self.rows: list[dict[str, Any]] = []
        self.ends: list[dict[str, Any]] = []
        self.stats = FeatureStats()
        self.frames = 0
        self._data: Any = None
        self._video: VideoWriter | None = None
        self._data_file = self._video_file = self._data_bytes = 0

    def add(self, episode: Episode) -> None:
        import pyarrow as pa

        count = len(episode.frames)
        index = len(self.rows)
        task = self.tasks.setdefault(episode.caption, len(self.tasks))
        steps = np.arange(count)
        last = steps == count - 2
        actions = np.concatenate([episode.actions, self.table.codec.vector()[None]])
        rewards = np.append(episode.rewards, np.float32(0))
        numbers = {
            "action": pa.FixedSizeListArray.from_arrays(pa.array(actions.reshape(-1)), actions.shape[1]),
            "next.reward": pa.array(rewards),
            "next.done": pa.array(last & (episode.terminated or episode.truncated)),
            "next.terminated": pa.array(last & episode.terminated),
            "next.truncated": pa.array(last & episode.truncated),
            "timestamp": pa.array((steps / self.table.fps).astype(np.float32)),
            "frame_index": pa.array(steps),
            "episode_index": pa.array(np.full(count, index)),
            "index": pa.array(self.frames + steps),
            "task_index": pa.array(np.full(count, task)),
        }
        where: dict[str, Any] = {}
        if self.lossless:
            pictures = [
                {"bytes": png_bytes(frame), "path": f"frame-{t:06d}.png"} for t, frame in enumerate(episode.frames)
            ]
            kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            numbers = {CAMERA: pa.array(pictures, kind), **numbers}
        else:
            where = self._add_video(episode, count)
        where |= self._add_rows(pa.table(numbers))
        self.stats.add({"action": actions, "next.reward": rewards[:, None], CAMERA: episode.frames}, images=(CAMERA,))
        self.rows.append(
            {
                "episode_index": index,
                "tasks": [episode.caption],
                "length": count,
                "dataset_from_index": self.frames,
                "dataset_to_index": self.frames + count,
                **where,
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
            }
        )
        self.ends.append({"seed": episode.seed, "terminated": episode.terminated, "truncated": episode.truncated})
        self.frames += count

    def _add_rows(self, rows: Any) -> dict[str, int]:
        import pyarrow.parquet as pq

        if self._data is not None and self._data_bytes + rows.nbytes > DATA_MB << 20:
            self._data.close()
            self._data, self._data_file = None, self._data_file + 1
        if self._data is None:
            path = self.out / DATA_PATH.format(**_place(self._data_file))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._data, self._data_bytes = pq.ParquetWriter(path, rows.schema, compression="snappy"), 0
        self._data.write_table(rows)  # a row group an episode, as LeRobot's own writer makes it
        self._data_bytes += rows.nbytes
        return {f"data/{key}": value for key, value in _place(self._data_file).items()}

    def _add_video(self, episode: Episode, count: int) -> dict[str, Any]:
        if self._video is not None and self._video.written_bytes > VIDEO_MB << 20:
            self._video.close()
            self._video, self._video_file = None, self._video_file + 1
        if self._video is None:
            path = self.out / VIDEO_PATH.format(video_key=CAMERA, **_place(self._video_file))
            self._video = VideoWriter(path, self.table.fps, self.height, self.width, lossless=False)
        first = self._video.count
        self._video.add(episode.frames)
        fps = float(self._video.rate)
        place = {f"videos/{CAMERA}/{key}": value for key, value in _place(self._video_file).items()}
        times = {"from_timestamp": first / fps, "to_timestamp": (first + count) / fps}
        return place | {f"videos/{CAMERA}/{key}": value for key, value in times.items()}

    def close(self) -> None:
        for one in (self._data, self._video):
            if one is not None:
                one.close()

    def write_meta(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.out / EPISODES_PATH.format(**_place(0))
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(self.rows), path)
        pq.write_table(_tasks_table(list(self.tasks)), self.out / TASKS_PATH)
        write_json(self.out / "meta/stats.json", self.stats.summary())
        write_json(self.out / "meta/info.json", self._info())
        about = {
            "env_id": self.table.env_id,
            "env_kwargs": self.table.info.env_kwargs,
            "fps": self.table.fps,
            "codec": self.table.codec.to_json(),
            "last_row_has_no_action": True,
            "episodes": self.ends,
        }
        write_json(self.out / ABOUT_PATH, about)

    def _info(self) -> dict[str, Any]:
        image: dict[str, Any] = {
            "dtype": "image" if self.lossless else "video",
            "shape": [self.height, self.width, 3],
            "names": ["height", "width", "channels"],
        }
        if not self.lossless:
            image["info"] = {
                "video.height": self.height,
                "video.width": self.width,
                "video.codec": "h264",
                "video.pix_fmt": PIXEL_FORMAT,
                "video.is_depth_map": False,
                "video.fps": self.table.fps,
                "video.channels": 3,
                "has_audio": False,
            }
        features = {
            CAMERA: image,
            "action": {"dtype": "float32", "shape": [len(self.table.codec)], "names": list(self.table.codec.names)},
            "next.reward": _scalar("float32"),
            **{f"next.{name}": _scalar("bool") for name in ("done", "terminated", "truncated")},
            "timestamp": _scalar("float32"),
            **{name: _scalar("int64") for name in ("frame_index", "episode_index", "index", "task_index")},
        }
        fps = self.table.fps
        return {
            "codebase_version": CODEBASE_VERSION,
            "robot_type": None,
            "total_episodes": len(self.rows),
            "total_frames": self.frames,
            "total_tasks": len(self.tasks),
            "chunks_size": FILES_IN_CHUNK,
            "data_files_size_in_mb": DATA_MB,
            "video_files_size_in_mb": VIDEO_MB,
            "fps": int(fps) if float(fps).is_integer() else fps,
            "splits": {"train": f"0:{len(self.rows)}"},
            "data_path": DATA_PATH,
            "video_path": None if self.lossless else VIDEO_PATH,
            "features": features,
        }


def _place(file: int) -> dict[str, int]:
    return {"chunk_index": file // FILES_IN_CHUNK, "file_index": file % FILES_IN_CHUNK}


def _scalar(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [1], "names": None}


def _tasks_table(tasks: list[str]) -> Any:
    """Task texts as the index of a pandas frame, which is how LeRobot reads them, written without pandas."""
    import pyarrow as pa

    columns = [
        {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64"},
        {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object"},
    ]
    meta = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [{**column, "metadata": None} for column in columns],
        "pandas_version": "2.0.0",
    }
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    return table.replace_schema_metadata({"pandas": json.dumps(meta)})

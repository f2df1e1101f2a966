"""LeRobot datasets v3.0 read: parquet rows, frames from mp4 files or from images inside the rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec, Channel
from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import read_json
from worldsim.core.types import Episode, Frames
from worldsim.data.formats.lerobot import ABOUT_PATH, CODEBASE_VERSION, TASKS_PATH
from worldsim.data.formats.source import ImportOptions, Recording, Source, require_folder


def open_source(path: Path, options: ImportOptions) -> Source:
    """A dataset folder, the one that has ``meta/info.json``. Frames come from ``options.camera``, or the first one.

    In a dataset of others the last row's action leads to no frame and is left out, and an episode counts as truncated:
    the end of a demonstration is not the end of a game.
    """
    folder = require_folder(path, "format=lerobot needs the folder of a dataset, which has meta/info.json")
    if not (folder / "meta/info.json").exists():
        raise WorldsimError(f"{folder} has no meta/info.json; give the folder of a LeRobot dataset.")
    info = read_json(folder / "meta/info.json")
    if not str(info.get("codebase_version", "")).startswith("v3."):
        raise WorldsimError(
            f"{folder} is a LeRobot dataset {info.get('codebase_version')}; this reads {CODEBASE_VERSION}. "
            "Convert it with lerobot's convert_dataset_v21_to_v30."
        )
    reader = _Reader(folder, info, options)
    recordings = []
    for row in reader.episodes:
        name = f"episode_{row['episode_index']:06d}"
        captions = [text for text in row.get("tasks") or [] if text]
        recordings.append(Recording(name, partial(reader.read, row), captions))
    about = reader.about
    notes = (
        [] if about else [f"frames of {reader.camera}; the last action of an episode leads to no frame and is left out"]
    )
    return Source(reader.env_id, reader.fps, reader.codec, reader.size, recordings, about.get("env_kwargs", {}), notes)


class _Reader:
    def __init__(self, folder: Path, info: dict[str, Any], options: ImportOptions):
        self.folder, self.info = folder, info
        self.about = read_json(folder / ABOUT_PATH) if (folder / ABOUT_PATH).exists() else {}
        try:
            features = info["features"]
            self.camera = _camera(features, options.camera, folder)
            height, width = _height_width(features[self.camera])
            self.size = (height, width)
            self.file_fps = float(info["fps"])
            self.fps = float(options.fps or self.about.get("fps") or info["fps"])
            self.codec = self._codec(features)
            self.env_id = self.about.get("env_id") or f"lerobot/{info.get('robot_type') or folder.name}"
            self.episodes = self._episodes()
        except (KeyError, TypeError, ValueError, OSError) as error:
            if isinstance(error, WorldsimError):
                raise
            raise DamagedFileError(
                f"{folder}/meta cannot be read as LeRobot {CODEBASE_VERSION} ({error!r})."
            ) from error
        self._video: _VideoInOrder | None = None

    def read(self, row: dict[str, Any]) -> Episode:
        try:
            return self._read(row)
        except (KeyError, TypeError, IndexError, OSError, RuntimeError, ValueError) as error:
            if isinstance(error, WorldsimError):
                raise
            raise DamagedFileError(f"it cannot be read ({type(error).__name__}: {error}).") from error

    def _read(self, row: dict[str, Any]) -> Episode:
        rows = self._rows(row)
        count = len(rows)
        if count != row["length"]:
            raise DamagedFileError(f"its data file has {count} rows, its entry in meta/episodes says {row['length']}.")
        frames = self._frames(row, rows)
        steps = count - 1
        actions = np.array(rows["action"].to_pylist(), np.float32).reshape(count, -1)[:steps]
        names = set(rows.column_names)
        rewards = np.zeros(steps, np.float32)
        if "next.reward" in names:
            rewards = np.array(rows["next.reward"].to_pylist(), np.float32).reshape(-1)[:steps]
        told = self.about["episodes"][row["episode_index"]] if self.about else {}
        return Episode(
            frames=frames,
            actions=actions,
            rewards=rewards,
            terminated=bool(told.get("terminated", False)),
            truncated=bool(told.get("truncated", steps > 0)),
            env_id=self.env_id,
            seed=int(told.get("seed", 0)),
            fps=self.fps,
            env_kwargs=self.about.get("env_kwargs", {}),
        )

    def _rows(self, row: dict[str, Any]) -> Any:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        place = {key: row[f"data/{key}"] for key in ("chunk_index", "file_index")}
        path = self.folder / self.info["data_path"].format(**place)
        index = int(row["episode_index"])
        try:
            table = pq.read_table(path, filters=pc.field("episode_index") == index)
        except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
            raise DamagedFileError(f"{path} cannot be read ({error}).") from error
        return table.sort_by("frame_index")

    def _frames(self, row: dict[str, Any], rows: Any) -> Frames:
        if self.info["features"][self.camera]["dtype"] == "image":
            return np.stack([_picture(one) for one in rows[self.camera].to_pylist()])
        place = {key: row[f"videos/{self.camera}/{key}"] for key in ("chunk_index", "file_index")}
        path = self.folder / self.info["video_path"].format(video_key=self.camera, **place)
        first = round(row[f"videos/{self.camera}/from_timestamp"] * self.file_fps)
        if self._video is None or self._video.path != path or self._video.position > first:
            self._video = _VideoInOrder(path)
        return self._video.take(first, len(rows))

    def _episodes(self) -> list[dict[str, Any]]:
        import pyarrow.parquet as pq

        rows: list[dict[str, Any]] = []
        tasks = {}
        if (self.folder / TASKS_PATH).exists():
            table = pq.read_table(self.folder / TASKS_PATH)
            text = next((name for name in ("task", "__index_level_0__") if name in table.column_names), None)
            if text:
                tasks = dict(zip(table["task_index"].to_pylist(), table[text].to_pylist(), strict=True))
        for path in sorted((self.folder / "meta/episodes").rglob("*.parquet")):
            names = [name for name in pq.read_schema(path).names if not name.startswith("stats/")]
            rows += pq.read_table(path, columns=names).to_pylist()
        for row in rows:
            if not row.get("tasks") and "task_index" in row:
                row["tasks"] = [tasks.get(row["task_index"], "")]
        if not rows:
            raise DamagedFileError(f"{self.folder}/meta/episodes holds no episodes.")
        return sorted(rows, key=lambda row: row["episode_index"])

    def _codec(self, features: dict[str, Any]) -> ActionCodec:
        if self.about:
            return ActionCodec.from_json(self.about["codec"])
        action = features["action"]
        size = int(np.prod(action["shape"]))
        names = action.get("names")
        if isinstance(names, dict):  # {"motors": [...]}
            names = next(iter(names.values()), None)
        names = [str(name) for name in names] if names and len(names) == size else [f"axis{i}" for i in range(size)]
        stats_path = self.folder / "meta/stats.json"
        stats = read_json(stats_path).get("action", {}) if stats_path.exists() else {}
        low = np.array(stats.get("min", [-1.0] * size), np.float64).reshape(-1).tolist()
        high = np.array(stats.get("max", [1.0] * size), np.float64).reshape(-1).tolist()
        return ActionCodec(
            tuple(
                Channel(name, "", "continuous", a, b, max(abs(a), abs(b)) or 1.0)
                for name, a, b in zip(names, low, high, strict=True)
            )
        )


class _VideoInOrder:
    """A video whose frames are taken from front to back, so that a file of many episodes is decoded once."""

    def __init__(self, path: Path):
        self.path, self.position = path, 0
        if not path.exists():
            raise DamagedFileError(f"{path} is missing.")
        self._frames = self._decode()

    def take(self, first: int, count: int) -> Frames:
        """Frames first to first + count."""
        import av

        taken: list[NDArray[np.uint8]] = []
        try:
            while len(taken) < count:
                frame = next(self._frames, None)
                if frame is None:
                    raise DamagedFileError(
                        f"{self.path} ends after {self.position} frames; its episodes need {first + count}."
                    )
                self.position += 1
                if self.position > first:
                    taken.append(frame.to_ndarray(format="rgb24"))
        except (av.error.FFmpegError, EOFError) as error:
            self.position = 1 << 62  # opened anew for the next episode
            raise DamagedFileError(f"{self.path} cannot be decoded ({error}).") from error
        return np.stack(taken)

    def _decode(self) -> Iterator[Any]:
        import av

        with av.open(str(self.path)) as container:
            yield from container.decode(video=0)


def _camera(features: dict[str, Any], wanted: str | None, folder: Path) -> str:
    cameras = [name for name, one in features.items() if one["dtype"] in ("video", "image")]
    if not cameras or (wanted is not None and wanted not in cameras):
        have = f"it has {', '.join(cameras)}" if cameras else "it has no camera"
        raise WorldsimError(f"{folder} has no frames of camera={wanted or '...'}; {have}.")
    return wanted or cameras[0]


def _height_width(feature: dict[str, Any]) -> tuple[int, int]:
    """Height and width of an image feature, whose shape is (H, W, C) or (C, H, W) as its names say."""
    shape, names = feature["shape"], feature.get("names") or []
    if shape[0] in (1, 3) and (not names or str(names[0]).startswith("channel")):
        return int(shape[1]), int(shape[2])
    return int(shape[0]), int(shape[1])


def _picture(value: dict[str, Any]) -> NDArray[np.uint8]:
    import cv2

    data = np.frombuffer(io.BytesIO(value["bytes"]).getvalue(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if picture is None:
        raise DamagedFileError(f"an image of it, {value.get('path')}, cannot be decoded.")
    return np.ascontiguousarray(picture[..., ::-1]).astype(np.uint8)

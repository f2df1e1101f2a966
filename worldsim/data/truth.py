"""Camera, objects and words of every frame as flat arrays: cheap to store, a sequence of GroundTruth to who reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Camera, GroundTruth, ObjectState

COLUMNS = ["camera_K", "camera_T_world", "objects", "scene"]  # the last is missing in older tables


@dataclass(frozen=True)
class TruthTrack(Sequence[GroundTruth]):
    """Camera and objects of N frames with M objects in all; depth and instance ids are not kept."""

    K: NDArray[np.float64]  # (N, 3, 3), NaN where a frame has no camera
    T_world_camera: NDArray[np.float64]  # (N, 4, 4), NaN where a frame has no camera
    counts: NDArray[np.int32]  # (N,), objects of a frame; -1 where the game does not say
    id: NDArray[np.int32]  # (M,)
    cls: NDArray[np.str_]  # (M,)
    position_m: NDArray[np.float64]  # (M, 3)
    velocity_m_s: NDArray[np.float64]  # (M, 3)
    alive: NDArray[np.bool_]  # (M,)
    visible_pixels: NDArray[np.int32]  # (M,)
    scene: NDArray[np.str_]  # (N,) JSON, "" where the game tells nothing

    @classmethod
    def of(cls, frames: Sequence[GroundTruth]) -> TruthTrack:
        """The track of a sequence; a track itself is returned as it is."""
        if isinstance(frames, TruthTrack):
            return frames
        count = len(frames)
        K, T = np.full((count, 3, 3), np.nan), np.full((count, 4, 4), np.nan)
        for i, frame in enumerate(frames):
            if frame.camera is not None:
                K[i], T[i] = frame.camera.K, frame.camera.T_world_camera
        found = [one for frame in frames for one in frame.objects or ()]
        return cls(
            K,
            T,
            np.array([-1 if frame.objects is None else len(frame.objects) for frame in frames], np.int32),
            np.array([one.id for one in found], np.int32),
            np.array([one.cls for one in found], np.str_),
            np.array([one.position_m for one in found], np.float64).reshape(-1, 3),
            np.array([one.velocity_m_s for one in found], np.float64).reshape(-1, 3),
            np.array([one.alive for one in found], np.bool_),
            np.array([one.visible_pixels for one in found], np.int32),
            np.array([json.dumps(dict(frame.scene)) if frame.scene else "" for frame in frames], np.str_),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name, as ``TruthTrack(**arrays)`` takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __len__(self) -> int:
        return len(self.counts)

    @overload
    def __getitem__(self, index: int) -> GroundTruth: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[GroundTruth, ...]: ...

    def __getitem__(self, index: int | slice) -> GroundTruth | tuple[GroundTruth, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of a track of {len(self)}")
        index %= len(self)
        camera, objects = None, None
        if not np.isnan(self.T_world_camera[index, 0, 0]):
            camera = Camera(self.K[index].copy(), self.T_world_camera[index].copy())
        if self.counts[index] >= 0:
            first = int(self._firsts[index])
            objects = tuple(self._object(i) for i in range(first, first + int(self.counts[index])))
        scene = json.loads(str(self.scene[index])) if self.scene[index] else None
        return GroundTruth(camera=camera, objects=objects, scene=scene)

    @cached_property
    def _firsts(self) -> NDArray[np.int64]:
        """The number of a frame's first object, (N + 1,)."""
        return np.concatenate([[0], np.cumsum(np.maximum(self.counts, 0))])

    def _object(self, i: int) -> ObjectState:
        x, y, z = self.position_m[i].tolist()
        vx, vy, vz = self.velocity_m_s[i].tolist()
        visible = int(self.visible_pixels[i])
        return ObjectState(int(self.id[i]), str(self.cls[i]), (x, y, z), (vx, vy, vz), bool(self.alive[i]), visible)


def fields_of_table() -> list[Any]:
    """The Arrow fields of the truth columns."""
    import pyarrow as pa

    point = pa.list_(pa.float64(), 3)
    one = [
        ("id", pa.int32()),
        ("cls", pa.string()),
        ("position_m", point),
        ("velocity_m_s", point),
        ("alive", pa.bool_()),
        ("visible_pixels", pa.int32()),
    ]
    types = (pa.list_(pa.float64(), 9), pa.list_(pa.float64(), 16), pa.list_(pa.struct(one)), pa.string())
    return [pa.field(name, kind) for name, kind in zip(COLUMNS, types, strict=True)]


def to_columns(track: TruthTrack) -> list[Any]:
    """A track as Arrow arrays of :func:`fields_of_table`, null where the game does not offer the part."""
    import pyarrow as pa

    no_camera = pa.array(np.isnan(track.T_world_camera[:, 0, 0]))
    kinds = fields_of_table()[COLUMNS.index("objects")].type.value_type
    offsets = pa.array(track._firsts.astype(np.int32))
    flat = [
        pa.array(track.id),
        pa.array(track.cls.tolist(), pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(track.position_m.reshape(-1)), 3),
        pa.FixedSizeListArray.from_arrays(pa.array(track.velocity_m_s.reshape(-1)), 3),
        pa.array(track.alive),
        pa.array(track.visible_pixels),
    ]
    objects = pa.StructArray.from_arrays(flat, fields=list(kinds))
    return [
        pa.FixedSizeListArray.from_arrays(pa.array(track.K.reshape(-1)), 9, mask=no_camera),
        pa.FixedSizeListArray.from_arrays(pa.array(track.T_world_camera.reshape(-1)), 16, mask=no_camera),
        pa.ListArray.from_arrays(offsets, objects, mask=pa.array(track.counts < 0)),
        pa.array(track.scene.tolist(), pa.string(), mask=track.scene == ""),
    ]


def from_columns(table: Any) -> TruthTrack:
    """The track of an Arrow table that has the truth columns."""
    K, T, objects = (table.column(name).combine_chunks() for name in COLUMNS[:3])
    scene = table.column("scene").to_pylist() if "scene" in table.column_names else [None] * len(K)
    known = objects.is_valid().to_numpy(zero_copy_only=False)
    counts = np.where(known, objects.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), -1)
    flat = objects.flatten()
    return TruthTrack(
        _matrices(K, 3),
        _matrices(T, 4),
        counts.astype(np.int32),
        flat.field("id").to_numpy(zero_copy_only=False).astype(np.int32),
        np.array(flat.field("cls").to_pylist(), np.str_),
        flat.field("position_m").flatten().to_numpy(zero_copy_only=False).reshape(-1, 3),
        flat.field("velocity_m_s").flatten().to_numpy(zero_copy_only=False).reshape(-1, 3),
        flat.field("alive").to_numpy(zero_copy_only=False),
        flat.field("visible_pixels").to_numpy(zero_copy_only=False).astype(np.int32),
        np.array([told or "" for told in scene], np.str_),
    )


def _matrices(column: Any, size: int) -> NDArray[np.float64]:
    """Square matrices (N, size, size), NaN where the column is null."""
    out = np.full((len(column), size, size), np.nan)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    out[valid] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size, size)
    return out

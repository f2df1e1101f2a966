"""Given pictures and clips: image and video files, folders of pictures, arrays, and episodes of recorded tables.

``PATH``, ``PATH@FRAMES`` or, of a table, ``TABLE@EPISODE`` and ``TABLE@EPISODE@FRAMES``, where FRAMES is one frame
("7") or a range as in Python ("0:16", "-8:").
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import DamagedFileError, MissingDependencyError, WorldsimError
from worldsim.core.types import Frames
from worldsim.core.video import read_video
from worldsim.generate.tasks import Clip

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
ARRAYS = (".npz", ".npy")
_RANGE = re.compile(r"(-?\d+)|(-?\d*):(-?\d*)")


def read_clip(source: str, what: str) -> Clip:
    """The clip that ``source`` names; ``what`` is the setting it was given for. Actions come from tables and .npz.

    Raises WorldsimError for what is not there, DamagedFileError for what cannot be read.
    """
    path, *places = [source] if Path(source).exists() else source.split("@")
    name = f"{what}={source}"
    if not Path(path).exists() and "://" not in path:
        raise WorldsimError(f"{name}: there is no {path}.")
    if path.rstrip("/").endswith(".lance"):
        if not places or not places[0].isdecimal():
            raise WorldsimError(f"{name}: say which episode of the table, as in {what}={path}@0 or {path}@0@10:26.")
        clip = _episode(path, int(places.pop(0)))
    elif Path(path).is_dir():
        clip = Clip(_folder(Path(path)))
    elif path.lower().endswith(PICTURES):
        clip = Clip(_picture(Path(path))[None])
    elif path.lower().endswith(ARRAYS):
        clip = _array(Path(path))
    else:
        clip = Clip(read_video(path)[0])
    if len(places) > 1:
        raise WorldsimError(f"{name}: write one frame or a range of frames, as in {path}@0:16.")
    return replace(_cut(clip, places[0], name) if places else clip, name=name)


def read_still(source: str, what: str) -> Clip:
    """As :func:`read_clip`, of one frame; WorldsimError for more."""
    clip = read_clip(source, what)
    if len(clip.frames) > 1:
        raise WorldsimError(f"{clip.name} has {len(clip.frames)} frames; say which one, as in {source}@0.")
    return clip


def resized(clip: Clip, size: tuple[int, int]) -> Clip:
    """The clip at ``size`` (height, width), averaged where it gets smaller."""
    if clip.size == size:
        return clip
    cv2 = _cv2("resizing what is given")
    how = cv2.INTER_AREA if size[0] * size[1] < clip.size[0] * clip.size[1] else cv2.INTER_CUBIC
    return replace(clip, frames=np.stack([cv2.resize(frame, size[::-1], interpolation=how) for frame in clip.frames]))


def read_actions(source: str, codec_names: tuple[str, ...]) -> NDArray[np.float32]:
    """Rows of actions (N, A): from a .npy or .npz, from an episode of a table, or one from words.

    Words are "forward:1,camera_yaw_right_deg:7"; channels that are not named are 0.
    """
    path = source.partition("@")[0].lower()
    if path.endswith((*ARRAYS, ".lance")):
        actions = (
            read_clip(source, "actions").actions if path.endswith(".lance") else _arrays(Path(source)).get("actions")
        )
        if actions is None:
            raise WorldsimError(f"actions={source} holds no actions; an .npz has them as an array called 'actions'.")
        return np.atleast_2d(actions).astype(np.float32)
    row = np.zeros((1, len(codec_names)), np.float32)
    for word in source.split(","):
        name, colon, value = word.strip().partition(":")
        if name not in codec_names or not colon or not _is_number(value):
            raise WorldsimError(
                f"actions={source}: give a .npy or .npz file, TABLE.lance@EPISODE, or words such as "
                f"{codec_names[0]}:1; the channels are {', '.join(codec_names)}."
            )
        row[0, codec_names.index(name)] = float(value)
    return row


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _cut(clip: Clip, place: str, name: str) -> Clip:
    found, count = _RANGE.fullmatch(place), len(clip.frames)
    if not found:
        raise WorldsimError(f"{name}: {place!r} is neither a frame such as 7 nor a range such as 0:16.")
    if found[1]:
        first = int(found[1]) + (count if int(found[1]) < 0 else 0)
        last = first + 1
    else:
        first, last, _ = slice(*(int(part) if part else None for part in found.groups()[1:])).indices(count)
    asked = [int(part) for part in found.groups() if part]
    if not 0 <= first < last <= count or any(part > count for part in asked):
        raise WorldsimError(f"{name}: there are frames 0 to {count - 1}; {place} is not among them.")
    actions = None if clip.actions is None else clip.actions[first : last - 1]
    return replace(clip, frames=clip.frames[first:last], actions=actions)


def _episode(path: str, number: int) -> Clip:
    from worldsim.data.store import EpisodeTable

    episode = EpisodeTable.open(path).read_episode(number)
    return Clip(episode.frames, episode.actions if episode.actions.shape[1] else None)


def _folder(path: Path) -> Frames:
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
    if not files:
        raise WorldsimError(f"{path} holds no pictures; give a folder of frames, a file, or TABLE.lance@EPISODE.")
    pictures = [_picture(file) for file in files]
    sizes = {picture.shape for picture in pictures}
    if len(sizes) > 1:
        raise WorldsimError(f"the pictures in {path} are of different sizes; frames of a clip are of one size.")
    return np.stack(pictures)


def _picture(path: Path) -> NDArray[np.uint8]:
    cv2 = _cv2("reading a picture")
    data = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        raise DamagedFileError(f"{path} cannot be read as a picture; write it again or restore it.")
    return np.ascontiguousarray(picture[..., ::-1])


def _array(path: Path) -> Clip:
    arrays = _arrays(path)
    if "frames" not in arrays:
        raise WorldsimError(f"{path} holds {', '.join(arrays) or 'nothing'}; a clip is an array called 'frames'.")
    frames = _as_frames(arrays["frames"], path)
    if path.suffix.lower() == ".npy" or "actions" not in arrays:
        return Clip(frames)
    actions = arrays["actions"]
    if actions.ndim != 2 or len(actions) != len(frames) - 1:
        raise WorldsimError(
            f"{path} has {len(frames)} frames and actions of shape {actions.shape}; there is one action between two "
            f"frames, so {len(frames) - 1} rows."
        )
    return Clip(frames, actions.astype(np.float32))


def _as_frames(array: NDArray, path: Path) -> Frames:
    frames = array[None] if array.ndim == 3 else array
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise WorldsimError(f"{path} holds {array.dtype} {array.shape}; frames are uint8 (T, H, W, 3).")
    return frames


def _arrays(path: Path) -> dict[str, NDArray]:
    """The arrays of an .npz by their names; of an .npy the one, called "frames" and "actions"."""
    if not path.exists():
        raise WorldsimError(f"there is no {path}.")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"frames": loaded, "actions": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except (BadZipFile, ValueError, OSError, EOFError) as error:
        raise DamagedFileError(f"{path} cannot be read as arrays ({error}); write it again or restore it.") from error


def _cv2(purpose: str):
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise MissingDependencyError("opencv-python-headless", "", purpose) from error
    return cv2

"""Video and still files: H.264 that browsers play, exact frame counts and frame rates, contact sheets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import DamagedFileError, MissingDependencyError, WorldsimError
from worldsim.core.records import write_atomic
from worldsim.core.types import Frames

CRF = 14  # x264 constant quality: about 40 dB and better on game frames, still small
KEYFRAME_EVERY = 24  # frames; a player that scrubs decodes at most this many
SIZE_NOTE = "worldsim-size="  # in the file's comment: the size before padding to even numbers


def exact_rate(fps: float | Fraction) -> Fraction:
    """The frame rate as a fraction: 8.75 is 35/4, 29.97003 is 30000/1001. WorldsimError when it is not positive."""
    if not np.isfinite(float(fps)) or fps <= 0:
        raise WorldsimError(f"fps={fps} is not a frame rate; give a number above 0.")
    return Fraction(fps).limit_denominator(1001)


def write_video(path: str | Path, frames: Frames, fps: float, scale: int = 1) -> Path:
    """Write ``frames`` (T, H, W, 3) uint8 RGB as H.264 (yuv420p, faststart, BT.709); atomic. Returns the path.

    ``scale`` repeats every pixel that many times in both directions; small frames keep their colours with 4, because
    H.264 halves the resolution of colour. Odd sizes are padded by repeating the border, which :func:`read_video` crops.
    Raises WorldsimError for arrays that are not videos.
    """
    av = _pyav("writing a video")
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise WorldsimError(
            f"a video needs at least one frame as uint8 (T, H, W, 3); this is {frames.dtype} {frames.shape}."
        )
    if scale < 1 or int(scale) != scale:
        raise WorldsimError(f"scale={scale} is not a whole number of 1 or more.")
    path, rate = Path(path), exact_rate(fps)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            _encode(av, container, frames, rate, int(scale))
        with open(part, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _encode(av: Any, container: Any, frames: Frames, rate: Fraction, scale: int) -> None:
    height, width = frames.shape[1] * scale, frames.shape[2] * scale
    container.metadata["comment"] = f"{SIZE_NOTE}{height}x{width}"
    # No B-frames: the first frame is shown at time 0 in every player, so videos side by side stay in step.
    stream = container.add_stream("libx264", rate=rate, options={"crf": str(CRF), "preset": "veryfast", "bf": "0"})
    stream.height, stream.width = height + height % 2, width + width % 2
    stream.pix_fmt, stream.gop_size = "yuv420p", KEYFRAME_EVERY
    context = stream.codec_context
    context.thread_count = 1
    context.time_base = 1 / rate
    context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709; players guess when it is not said
    convert = av.video.reformatter.VideoReformatter()  # one for all: a frame's own would be set up anew each time
    for index, frame in enumerate(frames):
        large = frame.repeat(scale, axis=1).repeat(scale, axis=0)  # in this order whole rows are copied
        if height % 2 or width % 2:
            large = np.pad(large, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(large, format="rgb24")
        picture = convert.reformat(picture, format="yuv420p", dst_colorspace="ITU709")
        picture.pts, picture.time_base = index, 1 / rate
        container.mux(stream.encode(picture))
    container.mux(stream.encode())


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself, found without decoding it; ``frames`` is 0 where the format does not say."""

    frames: int
    fps: float
    height: int
    width: int


def video_info(path: str | Path) -> VideoInfo:
    """Frame count, rate and size of a video file; raises as :func:`read_video` does when it cannot be opened."""
    with _opened(path) as (_, _, info):
        return info


def read_video(path: str | Path) -> tuple[Frames, float]:
    """All frames (T, H, W, 3) uint8 RGB of a video file, and its frames per second.

    Raises WorldsimError when there is no such file, DamagedFileError when it is cut, garbled or holds no video.
    """
    frames, fps = read_frames(path, None)
    return frames, fps


def read_frames(path: str | Path, indices: Sequence[int] | None) -> tuple[Frames, float]:
    """The frames at ``indices`` (ascending; None for all) and the rate; holds no other frame in memory."""
    path = Path(path)
    wanted = None if indices is None else set(indices)
    with _opened(path) as (container, stream, info):
        count, frames = 0, []
        for count, frame in enumerate(container.decode(stream), start=1):
            if wanted is None or count - 1 in wanted:
                frames.append(frame.to_ndarray(format="rgb24")[: info.height, : info.width])
            if wanted is not None and count > max(wanted, default=0):
                break
    missing = len(frames) < len(wanted) if wanted is not None else count < info.frames
    if not frames or missing:
        raise DamagedFileError(f"{path} is cut: {count} of {info.frames} frames can be read; write it again.")
    return np.stack(frames), info.fps


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[Any, Any, VideoInfo]]:
    """The container, its first video stream and what it says; FFmpeg's errors come out as DamagedFileError."""
    av = _pyav("reading a video")
    if not Path(path).is_file():
        raise WorldsimError(f"there is no video at {path}.")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video or not container.streams.video[0].average_rate:
                raise DamagedFileError(f"{path} holds no video stream; give a video file.")
            stream = container.streams.video[0]
            size = _size_note(container.metadata.get("comment", "")) or (stream.height, stream.width)
            yield container, stream, VideoInfo(stream.frames, float(stream.average_rate), *size)
    except (av.error.FFmpegError, EOFError) as error:
        raise DamagedFileError(f"{path} cannot be decoded ({error}); write it again or restore it.") from error


def _size_note(comment: str) -> tuple[int, int] | None:
    if not comment.startswith(SIZE_NOTE):
        return None
    height, _, width = comment.removeprefix(SIZE_NOTE).partition("x")
    return int(height), int(width)


def write_png(path: str | Path, image: NDArray[np.uint8]) -> Path:
    """Write an image (H, W, 3) uint8 RGB as a lossless PNG; atomic. Returns the path."""
    write_atomic(Path(path), png_bytes(image))
    return Path(path)


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """An image (H, W, 3) uint8 RGB as the bytes of a PNG file; WorldsimError for arrays that are not images."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or 0 in image.shape:
        raise WorldsimError(f"an image needs uint8 (H, W, 3); this is {image.dtype} {image.shape}.")
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise MissingDependencyError("opencv-python-headless", "", "writing a PNG") from error
    done, data = cv2.imencode(".png", image[..., ::-1])
    assert done, "OpenCV could not encode a checked array"
    return data.tobytes()


def contact_sheet(
    frames_rows: Sequence[Sequence[Frames] | Frames], scale: int = 1, gap: int = 2, background: int = 255
) -> NDArray[np.uint8]:
    """One image (H, W, 3) of rows of frames, all of one size, such as game above dream; rows may differ in length."""
    rows = [np.asarray(row) for row in frames_rows if len(row)]
    if not rows or len({row.shape[1:] for row in rows}) != 1 or rows[0].ndim != 4:
        raise WorldsimError(
            f"a contact sheet needs rows of frames of one size; these are {[row.shape for row in rows]}."
        )
    rows = [row.repeat(scale, axis=1).repeat(scale, axis=2) for row in rows]
    _, height, width, channels = rows[0].shape
    columns = max(len(row) for row in rows)
    shape = (len(rows) * (height + gap) - gap, columns * (width + gap) - gap, channels)
    sheet = np.full(shape, background, dtype=np.uint8)
    for down, row in enumerate(rows):
        for across, frame in enumerate(row):
            top, left = down * (height + gap), across * (width + gap)
            sheet[top : top + height, left : left + width] = frame
    return sheet


def _pyav(purpose: str) -> Any:
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingDependencyError("av", "", purpose) from error
    return av

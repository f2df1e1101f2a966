"""Frames written to a video file as they come, as H.264 with little loss or none."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames
from worldsim.core.video import CRF, KEYFRAME_EVERY, exact_rate

PIXEL_FORMAT = "yuv444p"  # with loss


class VideoWriter:
    """A context manager that writes ``path`` on leaving; nothing is there before that, or after an error.

    Without loss (libx264rgb, quantiser 0) every pixel comes back as it was. With loss colours keep their resolution
    (yuv444p): 64x64 frames of the voxel arena come back at 37 dB, 29 dB with the halved colours (yuv420p) that every
    browser plays, at the same size. mpv, VLC, FFmpeg and Chrome play both.
    """

    def __init__(self, path: Path, fps: float, height: int, width: int, lossless: bool):
        import av

        self.path, self.rate, self.count = Path(path), exact_rate(fps), 0
        self._part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        except OSError as error:
            raise WorldsimError(f"cannot write {self.path} ({error.strerror}); choose another out=.") from error
        quality = {"qp": "0", "preset": "veryfast"} if lossless else {"crf": str(CRF), "preset": "medium"}
        codec = "libx264rgb" if lossless else "libx264"
        # No B-frames: frame n is the n-th picture of the file for every reader.
        stream: Any = self._container.add_stream(codec, rate=self.rate, options={**quality, "bf": "0"})
        self._stream = stream
        stream.height, stream.width, stream.gop_size = height, width, KEYFRAME_EVERY
        self._format = "rgb24" if lossless else PIXEL_FORMAT
        stream.pix_fmt = self._format
        context = stream.codec_context
        context.thread_count, context.time_base = 1, 1 / self.rate
        if not lossless:
            context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709

    def add(self, frames: Frames) -> None:
        """Append frames (T, H, W, 3)."""
        import av

        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            if self._format != "rgb24":
                picture = picture.reformat(format=self._format, dst_colorspace="ITU709")
            picture.pts, picture.time_base = self.count, 1 / self.rate
            self._container.mux(self._stream.encode(picture))
            self.count += 1

    @property
    def written_bytes(self) -> int:
        """About what is on disk so far; the encoder holds a few frames back."""
        return self._part.stat().st_size if self._part.exists() else 0

    def close(self) -> None:
        """Finish the file."""
        try:
            self._container.mux(self._stream.encode())
            self._container.close()
            os.replace(self._part, self.path)
        except OSError as error:
            raise WorldsimError(f"cannot write {self.path} ({error.strerror}); free space there.") from error
        finally:
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if kind is None:
            self.close()
            return
        self._container.close()
        self._part.unlink(missing_ok=True)

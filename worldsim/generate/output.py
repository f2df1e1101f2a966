"""What a generation leaves behind: an mp4 and PNGs of each video, one contact sheet, and the record to repeat it by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from worldsim.core.types import Frames
from worldsim.core.video import contact_sheet, write_png, write_video

SHEET_COLUMNS = 12
LEAST_SIDE_PX = 256  # of the mp4, which halves the resolution of colour


def enlargement(size: tuple[int, int]) -> int:
    """How many pixels a pixel of a video becomes in its mp4, so that small ones keep their colours."""
    return max(1, LEAST_SIDE_PX // min(size))


def write_videos(out: Path, videos: Sequence[Frames], fps: float, scale: int | None = None) -> list[dict[str, str]]:
    """Write ``video-000.mp4`` and the folder ``video-000`` of PNGs for each, and ``sheet.png``; returns their paths.

    A video of one frame is a picture: ``picture-000.png`` alone.
    """
    written = []
    for number, video in enumerate(videos):
        larger = enlargement((video.shape[1], video.shape[2])) if scale is None else scale
        if len(video) == 1:
            written.append({"picture": _relative(write_png(out / f"picture-{number:03d}.png", video[0]), out)})
            continue
        folder = out / f"video-{number:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("frame-*.png"):  # of an earlier, longer video
            old.unlink()
        for t, frame in enumerate(video):
            write_png(folder / f"frame-{t:05d}.png", frame)
        mp4 = write_video(folder.with_suffix(".mp4"), video, fps, larger)
        written.append({"video": _relative(mp4, out), "frames": _relative(folder, out)})
    write_png(out / "sheet.png", sheet(videos))
    return written


def sheet(videos: Sequence[Frames]) -> np.ndarray:
    """A row for each video, of up to ``SHEET_COLUMNS`` frames equally far apart, the first and the last among them."""
    rows = []
    for video in videos:
        shown = np.linspace(0, len(video) - 1, min(len(video), SHEET_COLUMNS)).round().astype(int)
        rows.append(video[shown])
    return contact_sheet(rows, scale=max(1, 128 // min(videos[0].shape[1:3])))


def _relative(path: Path, out: Path) -> str:
    return str(path.relative_to(out))

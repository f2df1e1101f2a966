"""Strips of still frames of game and dreams at growing horizons, for paper."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from worldsim.core.video import VideoInfo, png_bytes, read_frames

STRIP_PX = 64  # height of a strip's frames
STRIP_COLUMNS = 8
SHOWN = 1.25  # times its size


def strip(title: str, videos: Sequence[tuple[str, Path, VideoInfo]], context: int) -> str:
    """Named videos as rows of still frames at growing horizons, an SVG with the frames inside; "" without a video."""
    if not videos:
        return ""
    picks = strip_frames(min(info.frames for _, _, info in videos), context)
    rows, size = [], (0, 0)
    for name, path, info in videos:
        step = max(1, round(info.height / STRIP_PX))
        frames = read_frames(path, picks)[0][:, step // 2 :: step, step // 2 :: step]
        size = size if any(size) else (frames.shape[1], frames.shape[2])
        rows.append((name, [base64.b64encode(png_bytes(frame)).decode() for frame in frames]))
    height, width = size
    total = len(picks) * (width + 4) - 4
    parts = []
    for column, pick in enumerate(picks):
        parts.append(f'<text x="{column * (width + 4)}" y="9">{escape(_frame_name(pick, context))}</text>')
    for down, (name, pngs) in enumerate(rows):
        top = 30 + down * (height + 26)
        parts.append(f'<text class="row" x="0" y="{top - 4}">{escape(name)}</text>')
        parts += [
            f'<image x="{column * (width + 4)}" y="{top}" width="{width}" height="{height}" '
            f'href="data:image/png;base64,{png}"/>'
            for column, png in enumerate(pngs)
        ]
    tall = 30 + len(rows) * (height + 26) - 26
    label = escape(f"Still frames of {title}: " + ", ".join(name for name, _ in rows))
    size_of = f'viewBox="0 0 {total} {tall}" width="{round(SHOWN * total)}" height="{round(SHOWN * tall)}"'
    return f'<svg class="frames" {size_of} role="img" aria-label="{label}">{"".join(parts)}</svg>'


def strip_frames(count: int, context: int) -> list[int]:
    """Which frames a strip shows: the last given one, then dreamed ones at doubling distance, and the last of all."""
    start = max(0, context - 1)
    places = [start, *(start + 2**power for power in range(12)), count - 1]
    places = sorted({place for place in places if place < count})
    while len(places) > STRIP_COLUMNS:
        del places[2]
    return places


def _frame_name(frame: int, context: int) -> str:
    return "given" if frame < context else f"+{frame - context + 1}"

"""An episode to look at: frames with the step that leaves them written below, as a video or one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Episode, Frames
from worldsim.core.video import contact_sheet, write_png, write_video
from worldsim.data.store import EpisodeTable

LINE_PX, LINES = 14, 4
SHEET_COLUMNS, SHEET_FRAMES = 8, 32
LEAST_WIDTH_PX = 200  # so that the text has room


def write_view(table: EpisodeTable, number: int, out: str | Path) -> Path:
    """Write episode ``number`` to ``out``: ``.mp4`` is the whole of it, ``.png`` up to 32 frames of it.

    Raises WorldsimError for another suffix, or an episode that is not there.
    """
    out = Path(out)
    if out.suffix.lower() not in (".mp4", ".png"):
        raise WorldsimError(f"out={out}: a view is an .mp4 or a .png, such as out=look.mp4.")
    pictures = labelled(table.read_episode(number), table.codec)
    try:
        if out.suffix.lower() == ".mp4":
            return write_video(out, pictures, table.fps or 10.0)
        chosen = np.unique(np.linspace(0, len(pictures) - 1, min(len(pictures), SHEET_FRAMES)).astype(np.int64))
        rows = [pictures[chosen[i : i + SHEET_COLUMNS]] for i in range(0, len(chosen), SHEET_COLUMNS)]
        return write_png(out, contact_sheet(rows))
    except OSError as error:
        raise WorldsimError(f"cannot write {out} ({error.strerror}); choose another out=.") from error


def labelled(episode: Episode, codec: ActionCodec) -> Frames:
    """Frames (T+1, h, w, 3), enlarged, the action and the reward of the step that leaves each below it."""
    _, height, width, _ = episode.frames.shape
    scale = max(1, -(-LEAST_WIDTH_PX // width))
    pictures = np.zeros((len(episode.frames), height * scale + LINE_PX * LINES, width * scale, 3), np.uint8)
    pictures[:, : height * scale] = episode.frames.repeat(scale, axis=1).repeat(scale, axis=2)
    for t, picture in enumerate(pictures):
        _write(picture[height * scale :], _lines(episode, codec, t))
    return pictures


def _lines(episode: Episode, codec: ActionCodec, t: int) -> list[str]:
    if t == len(episode.actions):
        return [f"{t}  {'terminated' if episode.terminated else 'truncated' if episode.truncated else 'end'}"]
    pressed = [
        channel.name if channel.kind != "continuous" else f"{channel.name} {value:+.3g}"
        for channel, value in zip(codec.channels, episode.actions[t].tolist(), strict=True)
        if value
    ]
    head = f"{t}" + (f"  reward {episode.rewards[t]:+.3g}" if episode.rewards[t] else "")
    return [head, *(pressed or ["-"])]


def _write(strip: NDArray[np.uint8], lines: list[str]) -> None:
    """Draw text into (h, w, 3); entries after the first share lines, what does not fit is counted."""
    import cv2

    font: Any = cv2.FONT_HERSHEY_PLAIN
    across = max(1, strip.shape[1] // 190)  # columns of text
    room = (LINES - 1) * across
    shown = lines[1:] if len(lines) - 1 <= room else [*lines[1:room], f"and {len(lines) - room} more"]
    for i, text in enumerate([lines[0], *shown]):
        row, column = (0, 0) if i == 0 else (1 + (i - 1) // across, (i - 1) % across)
        place = (3 + column * strip.shape[1] // across, LINE_PX * (row + 1) - 4)
        cv2.putText(strip, text, place, font, 0.8, (255, 255, 255), 1, cv2.LINE_AA)

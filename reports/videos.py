"""Game beside dream: choosing scenarios, embedding their videos, and strips of frames for paper."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from reports.curves import value
from reports.numbers import number, words
from reports.runs import Entry, Run, SuiteKey, entries, suite_keys
from worldsim.core.errors import WorldsimError
from worldsim.core.records import content_hash
from worldsim.core.video import VideoInfo, png_bytes, read_frames, video_info

SCENARIOS_PER_SUITE = 3
MOST_VIDEO_BYTES = 11_000_000  # before base64, which adds a third
STRIP_PX = 64  # height of a strip's frames
STRIP_COLUMNS = 8
GIVEN_FRAMES = 1  # a video of a scenario begins with the last frame that the simulator was shown
CONTROLS_SHOWN = 2  # beside the models, so that a row stays readable


@dataclass
class Cell:
    """One video of the player: the game's or a simulator's; ``missing`` says why there is none."""

    label: str
    kind: str  # "game", "dream" or "control"
    path: Path
    info: VideoInfo | None = None
    video: int = -1
    missing: str = ""


@dataclass
class Scene:
    """One scenario: rows of cells that play in step; the first ``context`` frames were given, not dreamed."""

    group: str
    title: str
    context: int
    branches: list[tuple[str, list[Cell]]]
    values: list[tuple[str, str]]


@dataclass
class Gallery:
    """All scenes of a report and the videos they use, each once."""

    scenes: list[Scene] = field(default_factory=list)
    videos: list[bytes] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)  # group -> scenarios with videos that are not embedded
    missing: list[str] = field(default_factory=list)
    _place: dict[str, int] = field(default_factory=dict)

    def add(self, cell: Cell) -> None:
        raw = cell.path.read_bytes()
        key = content_hash(raw)
        if key not in self._place:
            self._place[key] = len(self.videos)
            self.videos.append(raw)
        cell.video = self._place[key]

    @property
    def bytes(self) -> int:
        return sum(map(len, self.videos))


def build_gallery(runs: Sequence[Run], per_suite: int = SCENARIOS_PER_SUITE) -> Gallery:
    """Embed up to ``per_suite`` scenarios of each suite and game, one of each family first, in order of name."""
    gallery = Gallery()
    for key in suite_keys(runs):
        shown = [entry for entry in entries(runs, key) if any(row.get("videos") for row in entry.rows)]
        controls = [entry for entry in shown if entry.role not in ("model", "oracle")][:CONTROLS_SHOWN]
        shown = [entry for entry in shown if entry.role == "model"] + controls
        if not shown:
            continue
        candidates = _in_family_order(shown)
        for scenario in candidates[:per_suite]:
            scene = _scene(key, scenario, shown)
            cells = [cell for _, row in scene.branches for cell in row]
            present = [cell for cell in cells if not cell.missing]
            gallery.missing += [f"{scene.group}, {scene.title}: {cell.missing}" for cell in cells if cell.missing]
            if gallery.bytes + sum(cell.path.stat().st_size for cell in present) > MOST_VIDEO_BYTES:
                gallery.left_out[key.title] = gallery.left_out.get(key.title, 0) + 1
                continue
            for cell in present:
                gallery.add(cell)
            gallery.scenes.append(scene)
        if len(candidates) > per_suite:
            gallery.left_out[key.title] = gallery.left_out.get(key.title, 0) + len(candidates) - per_suite
    return gallery


def player_data(gallery: Gallery) -> dict[str, Any]:
    """What the page's script reads: videos in base64 and, for each scene, which of them to show where."""
    return {
        "videos": [base64.b64encode(raw).decode() for raw in gallery.videos],
        "scenes": [_plain(scene) for scene in gallery.scenes],
    }


def strip(scene: Scene) -> str:
    """The first branch as rows of still frames at growing horizons, an SVG with the frames inside."""
    cells = [cell for cell in scene.branches[0][1] if cell.info is not None]
    if not cells:
        return ""
    count = min(cell.info.frames for cell in cells if cell.info)
    picks = strip_frames(count, scene.context)
    rows, size = [], (0, 0)
    for cell in cells:
        assert cell.info
        step = max(1, round(cell.info.height / STRIP_PX))
        frames = read_frames(cell.path, picks)[0][:, step // 2 :: step, step // 2 :: step]
        size = size if any(size) else (frames.shape[1], frames.shape[2])
        rows.append((cell, [base64.b64encode(png_bytes(frame)).decode() for frame in frames]))
    height, width = size
    total = len(picks) * (width + 4) - 4
    parts = []
    for column, pick in enumerate(picks):
        parts.append(f'<text x="{column * (width + 4)}" y="9">{escape(_frame_name(pick, scene.context))}</text>')
    for down, (cell, pngs) in enumerate(rows):
        top = 30 + down * (height + 26)
        parts.append(f'<text class="row" x="0" y="{top - 4}">{escape(cell.label)}</text>')
        parts += [
            f'<image x="{column * (width + 4)}" y="{top}" width="{width}" height="{height}" '
            f'href="data:image/png;base64,{png}"/>'
            for column, png in enumerate(pngs)
        ]
    tall = 30 + len(rows) * (height + 26) - 26
    label = escape(f"Still frames of {scene.title}: " + ", ".join(cell.label for cell, _ in rows))
    return f'<svg class="frames" viewBox="0 0 {total} {tall}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def strip_frames(count: int, context: int) -> list[int]:
    """Which frames a strip shows: the last given one, then dreamed ones at doubling distance, and the last of all."""
    start = max(0, context - 1)
    places = [start, *(start + 2**power for power in range(12)), count - 1]
    places = sorted({place for place in places if place < count})
    while len(places) > STRIP_COLUMNS:
        del places[2]
    return places


def _scene(key: SuiteKey, scenario: str, shown: Sequence[Entry]) -> Scene:
    rows = [(entry, row) for entry in shown for row in entry.rows if row["scenario"] == scenario and row.get("videos")]
    branches: dict[str, list[Cell]] = {}
    for entry, row in rows:
        for label, relative in row["videos"].items():
            what, _, branch = label.partition("_")
            cells = branches.setdefault(branch, [])
            if what == "real":
                if not any(cell.kind == "game" and not cell.missing for cell in cells):
                    cells[:] = [cell for cell in cells if cell.kind != "game"]
                    cells.insert(0, _cell(entry, "game", "game", relative))
            else:
                kind = "dream" if entry.role == "model" else "control"
                name = f"dream: {entry.label}" if entry.role == "model" else f"{entry.role}: {entry.label}"
                cells.append(_cell(entry, name if what == "dream" else f"{name}, {words(what)}", kind, relative))
    first = rows[0][1]
    family = f", {words(first['family'])}" if first.get("family") else ""
    named = sorted(branches.items())
    labels = [(f"branch {branch}" if len(named) > 1 and branch else "", cells) for branch, cells in named]
    values = []
    for entry, row in rows:
        facts = [f"{words(name)} {number(value(row, name))}" for name in list(row.get("values") or {})[:6]]
        values.append((entry.label, ", ".join(facts) if facts else row.get("reason") or row["status"]))
    return Scene(key.title, scenario + family, int(first.get("given_frames", GIVEN_FRAMES)), labels, values)


def _cell(entry: Entry, label: str, kind: str, relative: str) -> Cell:
    folder = entry.run.folder.resolve()
    path = Path(os.path.normpath(folder / relative))
    cell = Cell(label, kind, path)
    if not path.is_relative_to(folder):
        cell.missing = f"{relative} is outside the run folder"
    elif not path.is_file():
        cell.missing = f"{relative} is missing"
    else:
        try:
            cell.info = video_info(path)
        except WorldsimError:
            cell.missing = f"{relative} cannot be decoded"
    return cell


def _in_family_order(shown: Sequence[Entry]) -> list[str]:
    """Scenario names: the first of each family, then the second of each, and so on."""
    by_family: dict[str, list[str]] = {}
    for entry in shown:
        for row in entry.rows:
            names = by_family.setdefault(row.get("family") or "", [])
            if row.get("videos") and row["scenario"] not in names:
                names.append(row["scenario"])
    for names in by_family.values():
        names.sort()
    depth = max((len(names) for names in by_family.values()), default=0)
    return [names[level] for level in range(depth) for names in by_family.values() if level < len(names)]


def _frame_name(frame: int, context: int) -> str:
    return "given" if frame < context else f"+{frame - context + 1}"


def _plain(scene: Scene) -> dict[str, Any]:
    infos = [cell.info for _, cells in scene.branches for cell in cells if cell.info]
    return {
        "group": scene.group,
        "title": scene.title,
        "context": scene.context,
        "fps": infos[0].fps if infos else 1,
        "frames": max((info.frames for info in infos), default=1),
        "values": scene.values,
        "branches": [
            {
                "label": label,
                "cells": [
                    {
                        "label": cell.label,
                        "kind": cell.kind,
                        "video": cell.video,
                        "missing": cell.missing,
                        "width": cell.info.width if cell.info else 1,
                        "height": cell.info.height if cell.info else 1,
                    }
                    for cell in cells
                ],
            }
            for label, cells in scene.branches
        ],
    }

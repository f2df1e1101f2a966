"""Game beside dream: which scenarios' videos a report holds, and what its player is told of them."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.curves import value
from reports.marks import plain, validity_of
from reports.numbers import number, words
from reports.runs import Entry, Run, SuiteKey, entries, suite_keys
from reports.strips import strip
from reports.tables import ROLE_WORDS
from worldsim.core.errors import WorldsimError
from worldsim.core.records import content_hash
from worldsim.core.video import VideoInfo, video_info

SCENARIOS_PER_SUITE = 3
GIVEN_FRAMES = 1  # a video of a scenario begins with the last frame that the simulator was shown
CONTROLS_SHOWN = 2  # beside one or two models, so that a row stays readable


@dataclass
class Cell:
    """One video of the player: the game's or a simulator's; ``missing`` says why there is none."""

    label: str
    note: str
    kind: str  # "game", "dream" or "control"
    path: Path
    info: VideoInfo | None = None
    video: int = -1
    missing: str = ""


@dataclass
class Scene:
    """One scenario: rows of cells that play in step; the first ``context`` frames were given, not dreamed."""

    key: SuiteKey
    scenario: str
    title: str
    valid: bool | None
    context: int
    branches: list[tuple[str, list[Cell]]]
    values: list[tuple[str, str]]
    strip: str = field(default="", repr=False)  # still frames, for paper

    @property
    def cells(self) -> list[Cell]:
        return [cell for _, cells in self.branches for cell in cells]

    @property
    def present(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.missing]

    @property
    def frames(self) -> int:
        return max((cell.info.frames for cell in self.cells if cell.info), default=1)


@dataclass
class Gallery:
    """All scenes of a report, suite by suite, and the videos they use, each once."""

    scenes: list[Scene] = field(default_factory=list)
    videos: list[bytes] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)  # suite -> filmed scenarios that are not embedded
    missing: list[str] = field(default_factory=list)
    bytes: int = 0  # in the file: base64 adds a third
    _place: dict[str, int] = field(default_factory=dict)

    def add(self, scene: Scene) -> None:
        self.scenes.append(scene)
        self.bytes += len(scene.strip)
        for cell in scene.present:
            raw = cell.path.read_bytes()
            key = content_hash(raw)
            if key not in self._place:
                self._place[key] = len(self.videos)
                self.videos.append(raw)
                self.bytes += _in_base64(len(raw))
            cell.video = self._place[key]

    def place(self, key: SuiteKey, scenario: str) -> int | None:
        """Where a scenario is in ``scenes``."""
        return next((i for i, s in enumerate(self.scenes) if (s.key, s.scenario) == (key, scenario)), None)

    @property
    def opening(self) -> int:
        """The scene to begin with, chosen by form alone: most models, fewest branches, most frames."""
        forms = [
            (sum(cell.kind == "dream" for cell in s.branches[0][1]), -len(s.branches), s.frames) for s in self.scenes
        ]
        return forms.index(max(forms))


def build_gallery(runs: Sequence[Run], per_suite: int, most_bytes: float) -> Gallery:
    """Embed up to ``per_suite`` scenarios of each suite and game, in about ``most_bytes`` of the file.

    The first filmed scenario of every suite comes first, then the second of each, and so on, until a scenario does not
    fit; within a suite one of each kind comes first, in order of name. Nothing is chosen by its result.
    """
    gallery = Gallery()
    keys = suite_keys(runs)
    shown = {key: _shown(runs, key) for key in keys}
    candidates = {key: _in_family_order(shown[key]) for key in keys}
    for rank in range(per_suite):
        for key in (key for key in keys if rank < len(candidates[key])):
            scene = _scene(key, candidates[key][rank], shown[key], validity_of(runs, key))
            gallery.missing += [f"{key.title}, {scene.title}: {cell.missing}" for cell in scene.cells if cell.missing]
            if rank == 0:  # one strip a suite is enough for paper
                row = [(cell.label, cell.path, cell.info) for cell in scene.branches[0][1] if cell.info]
                scene.strip = strip(f"{key.title}, {scene.title}", row, scene.context)
            needed = len(scene.strip) + sum(_in_base64(cell.path.stat().st_size) for cell in scene.present)
            if gallery.bytes + needed <= most_bytes:
                gallery.add(scene)
    gallery.scenes.sort(key=lambda scene: keys.index(scene.key))
    for key in keys:
        left = len(candidates[key]) - sum(scene.key == key for scene in gallery.scenes)
        if left:
            gallery.left_out[key.title] = left
    return gallery


def _shown(runs: Sequence[Run], key: SuiteKey) -> list[Entry]:
    """Who has videos: the models, and beside one or two of them the first controls that are not the game."""
    filmed = [entry for entry in entries(runs, key) if any(row.get("videos") for row in entry.rows)]
    found = [entry for entry in filmed if entry.role == "model"]
    controls = [entry for entry in filmed if entry.role not in ("model", "oracle")][:CONTROLS_SHOWN]
    return found + (controls if len(found) < 3 else [])


def _in_base64(size: int) -> int:
    return 4 * ((size + 2) // 3)


def player_data(gallery: Gallery) -> dict[str, Any]:
    """What the page's script reads: videos in base64 and, for each scene, which of them to show where."""
    return {
        "videos": [base64.b64encode(raw).decode() for raw in gallery.videos],
        "scenes": [_plain(scene) for scene in gallery.scenes],
        "opening": gallery.opening if gallery.scenes else 0,
    }


def _scene(key: SuiteKey, scenario: str, shown: Sequence[Entry], valid: bool | None) -> Scene:
    rows = [(entry, row) for entry in shown for row in entry.rows if row["scenario"] == scenario and row.get("videos")]
    first = rows[0][1]
    rows = [(entry, row) for entry, row in rows if row["scenario_hash"] == first["scenario_hash"]]
    branches: dict[str, list[Cell]] = {}
    for entry, row in rows:
        for label, relative in row["videos"].items():
            what, _, branch = label.partition("_")
            cells = branches.setdefault(branch, [])
            if what == "real":
                if not any(cell.kind == "game" and not cell.missing for cell in cells):
                    cells[:] = [cell for cell in cells if cell.kind != "game"]
                    cells.insert(0, _cell(entry, "the real game", "", "game", relative))
            else:
                kind = "dream" if entry.role == "model" else "control"
                note = f"{number(entry.train_flops)} FLOPs" if entry.train_flops else ""
                note = note if kind == "dream" else ROLE_WORDS.get(entry.role, entry.role)
                name = entry.label if what == "dream" else f"{entry.label}, {words(what)}"
                cells.append(_cell(entry, name, note, kind, relative))
    family = f", {words(first['family'])}" if first.get("family") else ""
    named = sorted(branches.items())
    labels = [(words(branch) if len(named) > 1 and branch else "", cells) for branch, cells in named]
    values = []
    for entry, row in rows:
        facts = [f"{words(name)} {number(value(row, name))}" for name in list(row.get("values") or {})[:6]]
        values.append((entry.label, ", ".join(facts) if facts else row.get("reason") or row["status"]))
    context = int(first.get("given_frames", GIVEN_FRAMES))
    return Scene(key, scenario, scenario + family, valid, context, labels, values)


def _cell(entry: Entry, label: str, note: str, kind: str, relative: str) -> Cell:
    folder = entry.run.folder.resolve()
    path = Path(os.path.normpath(folder / relative))
    cell = Cell(label, note, kind, path)
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


def _plain(scene: Scene) -> dict[str, Any]:
    infos = [cell.info for cell in scene.cells if cell.info]
    return {
        "group": scene.key.title,
        "title": scene.title,
        "mark": plain(scene.valid),
        "context": scene.context,
        "fps": infos[0].fps if infos else 1,
        "frames": scene.frames,
        "values": scene.values,
        "branches": [
            {
                "label": label,
                "cells": [
                    {
                        "label": cell.label,
                        "note": cell.note,
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

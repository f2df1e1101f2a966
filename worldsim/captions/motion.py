"""The player's motion as a few acts: turns, looks, walks, jumps; read off the camera, or else off the buttons."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worldsim.captions.camera import CameraPath, camera_path
from worldsim.captions.clip import Clip
from worldsim.captions.facts import Act

MIN_TURN_DEG = 8.0  # a turn that is smaller, or taken back by less, is not spoken of
MIN_WALK_M = 0.4
STILL_M, STILL_DEG = 0.15, 3.0
PAUSE_STEPS = 6
IN_THE_AIR_M = 0.05  # up or down in a step
WALKS = ("forward", "back", "left", "right")
# Eighths of a circle, clockwise from straight ahead.
WAYS = (
    "forward", "forward and right", "right", "backward and right",
    "backward", "backward and left", "left", "forward and left",
)  # fmt: skip


def motion(clip: Clip) -> list[Act]:
    """What the player's body does, in order of time."""
    cameras = [truth.camera for truth in clip.truth or ()]
    if clip.up is None or any(camera is None for camera in cameras):
        acts = _from_buttons(clip)
    else:
        path = camera_path([camera for camera in cameras if camera is not None], clip.up)
        acts = [*_turns(path), *_walks(path, clip), *_heights(path, clip)]
        if not acts and _is_still(path):
            acts = [Act(0, len(clip) - 1, "stand", "still")]
    return sorted(acts, key=lambda act: (act.start, act.end))


def holds_camera(clip: Clip) -> bool:
    """Whether the actions move who looks: otherwise there is a camera and no player."""
    return any(name in clip.codec.names for name in (*WALKS, "camera_yaw_right_deg", "camera_pitch_down_deg"))


def _is_still(path: CameraPath) -> bool:
    moved = np.hypot(np.abs(path.forward_m).sum(), np.abs(path.right_m).sum())
    return bool(moved < STILL_M and np.ptp(path.yaw_right_deg) < STILL_DEG and np.ptp(path.pitch_up_deg) < STILL_DEG)


def _turns(path: CameraPath) -> list[Act]:
    acts = []
    for values, verb, minus, plus in (
        (path.yaw_right_deg, "turn", "left", "right"),
        (path.pitch_up_deg, "look", "down", "up"),
    ):
        for start, end in swings(values):
            angle = float(values[end] - values[start])
            acts.append(Act(start, end, verb, plus if angle > 0 else minus, _degrees(abs(angle))))
    return acts


def swings(values: NDArray[np.float64], least: float = MIN_TURN_DEG, pause: int = PAUSE_STEPS) -> list[tuple[int, int]]:
    """The parts (start, end) of a curve (T,) that go one way by ``least`` or more.

    A way back of less than ``least`` does not end a part, and a pause of ``pause`` steps does.
    """
    found = []
    for start, end in pairwise(_turning_points(values, least)):
        # Cut at pauses: steps that are slow on the whole, found on the curve a few steps apart.
        cuts, since = [], start
        for t in range(start, end):
            if t - since >= pause and abs(values[t] - values[t - pause]) < 1.0:
                cuts.append((since, t - pause))
                since = t
        parts = [*cuts, (since, end)]
        for a, b in parts:
            while a < b and abs(values[a + 1] - values[a]) < 0.3:
                a += 1
            while b > a and abs(values[b] - values[b - 1]) < 0.3:
                b -= 1
            if abs(values[b] - values[a]) >= least:
                found.append((a, b))
    return found


def _turning_points(values: NDArray[np.float64], least: float) -> list[int]:
    """The first point, each extreme that is followed by a way back of ``least``, and the last point."""
    points, extreme, direction = [0], 0, 0
    low = high = 0
    for t in range(1, len(values)):
        if direction == 0:
            low, high = (t if values[t] < values[low] else low), (t if values[t] > values[high] else high)
            if values[t] - values[low] >= least:
                direction, extreme = 1, t
                points += [low] if low else []
            elif values[high] - values[t] >= least:
                direction, extreme = -1, t
                points += [high] if high else []
        elif direction * (values[t] - values[extreme]) >= 0:
            extreme = t
        elif direction * (values[extreme] - values[t]) >= least:
            points.append(extreme)
            direction, extreme = -direction, t
    if extreme and points[-1] != extreme and extreme != len(values) - 1:
        points.append(extreme)
    return [*points, len(values) - 1]


def _walks(path: CameraPath, clip: Clip) -> list[Act]:
    speed = np.hypot(path.forward_m, path.right_m)
    eighth = np.round(np.arctan2(path.right_m, path.forward_m) / (np.pi / 4)).astype(int) % 8
    labels = _smoothed(np.where(speed > 0.25 * max(np.quantile(speed, 0.9), 0.08), eighth, -1))
    acts: list[Act] = []
    for start, end in _runs(labels):
        along = np.array([path.forward_m[start:end].sum(), path.right_m[start:end].sum()])
        distance = float(np.hypot(*along))
        if labels[start] < 0 or distance < MIN_WALK_M:
            continue
        way = WAYS[round(float(np.arctan2(along[1], along[0])) / (np.pi / 4)) % 8]
        if acts and acts[-1].way == way and start - acts[-1].end < PAUSE_STEPS:
            start = acts.pop().start
            distance = float(np.hypot(path.forward_m[start:end].sum(), path.right_m[start:end].sum()))
        verb = _gait(clip, start, end, way)
        acts.append(Act(start, end, verb, way, _metres(distance)))
    return acts


def _gait(clip: Clip, start: int, end: int, way: str) -> str:
    if not holds_camera(clip):
        return "move"
    if clip.pressed("sprint")[start:end].mean() > 0.6 and way == "forward":
        return "run"
    if clip.pressed("sneak")[start:end].mean() > 0.6:
        return "sneak"
    return "strafe" if way in ("left", "right") else "walk"


def _heights(path: CameraPath, clip: Clip) -> list[Act]:
    """Jumps, and a height that is another one at the end."""
    height = np.concatenate([[0.0], np.cumsum(path.up_m)])
    acts, free = [], 0
    for t in np.flatnonzero(clip.pressed("jump")).tolist():
        if t >= free and height[t + 1 : t + 5].max(initial=-np.inf) - height[t] > 0.35:
            acts.append(Act(t, min(t + 5, len(clip) - 1), "jump", minor=True))
            free = t + 6
    if max(abs(path.up_m[0]), abs(path.up_m[-1])) > IN_THE_AIR_M:  # a jump that the clip cuts in two leads nowhere
        return acts
    change = float(height[-3:].min() - height[:3].max()), float(height[-3:].max() - height[:3].min())
    if change[0] > 0.7:
        acts.append(Act(int(np.argmin(height)), len(height) - 1, "go", "up", _metres(change[0])))
    elif change[1] < -0.7:
        acts.append(Act(int(np.argmax(height)), len(height) - 1, "go", "down", _metres(-change[1])))
    return acts


def _from_buttons(clip: Clip) -> list[Act]:
    """Without a camera: turns by the angles that were asked for, and which keys were held."""
    acts = []
    for name, sign, verb, minus, plus in (
        ("camera_yaw_right_deg", 1, "turn", "left", "right"),
        ("camera_pitch_down_deg", -1, "look", "down", "up"),
    ):
        asked = clip.channel(name)
        if asked is not None:
            values = np.concatenate([[0.0], np.cumsum(sign * asked.astype(np.float64))])
            for start, end in swings(values):
                angle = float(values[end] - values[start])
                acts.append(Act(start, end, verb, plus if angle > 0 else minus, _degrees(abs(angle))))
    for name in WALKS:
        way = "backward" if name == "back" else name
        acts += [Act(a, b, "press", way) for a, b in _held(clip.pressed(name))]
    choices = [i for i, channel in enumerate(clip.codec.channels) if channel.kind == "choice"]
    keys = {clip.codec.channels[i].key for i in choices}
    for key in sorted(keys):
        members = [i for i in choices if clip.codec.channels[i].key == key]
        labels = clip.actions[:, members].argmax(axis=1)
        acts += [
            Act(a, b, "take", clip.codec.channels[members[labels[a]]].name.replace("=", " "))
            for a, b in _runs(_smoothed(labels))
            if b - a >= 3
        ]
    return acts


def _held(down: NDArray[np.bool_], least: int = 3) -> Iterator[tuple[int, int]]:
    labels = _smoothed(down.astype(int))
    return ((a, b) for a, b in _runs(labels) if labels[a] == 1 and b - a >= least)


def _smoothed(labels: NDArray[np.int64], reach: int = 2) -> NDArray[np.int64]:
    """Each label the most frequent one around it, ties for itself."""
    out = labels.copy()
    for t in range(len(labels)):
        near = labels[max(0, t - reach) : t + reach + 1]
        kinds, counts = np.unique(near, return_counts=True)
        best = int(kinds[counts.argmax()])
        if counts.max() > int((near == labels[t]).sum()):
            out[t] = best
    return out


def _runs(labels: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(start, end) of each stretch of equal labels."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(a, b) for a, b in pairwise(edges) if b > a]


def _degrees(angle: float) -> str:
    return f"about {max(10, round(angle / 10) * 10)} degrees"


def _metres(distance: float) -> str:
    if distance < 0.75:
        return "half a meter"
    return "about 1 meter" if distance < 1.5 else f"about {round(distance)} meters"

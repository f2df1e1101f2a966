"""OpenAI's recordings of Minecraft players (Video PreTraining, 2206.11795): pairs of mp4 and jsonl, 20 ticks a second.

Line t of the jsonl is the state and the input of tick t, whose picture is frame t: so it leads to frame t+1, and the
last line leads nowhere. Read like OpenAI's own loader (github.com/openai/Video-Pre-Training, data_loader.py), with
three differences: idle ticks stay, because time would jump; fractions of a degree stay, which its integer array cuts;
and the mouse cursor, which the video lacks, is not painted into open menus.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.types import Episode
from worldsim.core.video import read_video
from worldsim.data.formats.source import ImportOptions, Recording, Source, require_folder
from worldsim.data.formats.videos import common_size

FPS = 20.0
DEG_PER_PIXEL = 360.0 / 2400.0  # of mouse motion, CAMERA_SCALER there
ENV_ID = "minecraft/vpt"
KEYS = {
    "key.keyboard.escape": "ESC",
    "key.keyboard.s": "back",
    "key.keyboard.q": "drop",
    "key.keyboard.w": "forward",
    **{f"key.keyboard.{n}": f"hotbar.{n}" for n in range(1, 10)},
    "key.keyboard.e": "inventory",
    "key.keyboard.space": "jump",
    "key.keyboard.a": "left",
    "key.keyboard.d": "right",
    "key.keyboard.left.shift": "sneak",
    "key.keyboard.left.control": "sprint",
    "key.keyboard.f": "swapHands",
}
MOUSE_BUTTONS = {0: "attack", 1: "use", 2: "pickItem"}


def codec() -> ActionCodec:
    """The channels of MineRL 1.0, which these recordings were made for."""
    from gymnasium import spaces

    parts: dict[str, Any] = {name: spaces.Discrete(2) for name in (*KEYS.values(), *MOUSE_BUTTONS.values())}
    return ActionCodec.from_space(spaces.Dict({**parts, "camera": spaces.Box(-180.0, 180.0, (2,), np.float32)}))


def open_source(path: Path, options: ImportOptions) -> Source:
    """All mp4 files of a folder that have a jsonl of the same name; the others are read as damaged."""
    folder = require_folder(path, "format=vpt needs the folder that holds the mp4 and jsonl files")
    names = sorted({file.stem for kind in ("*.mp4", "*.jsonl") for file in folder.glob(kind)})
    if not names:
        raise WorldsimError(f"{folder} holds no mp4 and no jsonl files; give the folder of the recordings.")
    channels = codec()
    return Source(
        ENV_ID,
        options.fps or FPS,
        channels,
        common_size(folder / f"{name}.mp4" for name in names),
        [Recording(name, partial(_read, folder, name, channels)) for name in names],
    )


def _read(folder: Path, name: str, channels: ActionCodec) -> Episode:
    video, lines = folder / f"{name}.mp4", folder / f"{name}.jsonl"
    for file in (video, lines):
        if not file.exists():
            raise DamagedFileError(f"{file} is missing; every recording is an mp4 and a jsonl.")
    ticks = _ticks(lines)
    frames, _ = read_video(video)
    if abs(len(frames) - len(ticks)) > 1:  # one tick more or less is how recordings end
        raise DamagedFileError(
            f"{video} has {len(frames)} frames but {lines.name} {len(ticks)} lines; one frame belongs to each line."
        )
    steps = min(len(frames) - 1, len(ticks))
    if steps < 1:
        raise DamagedFileError(f"{video} has {len(frames)} frames; an episode needs two.")
    try:
        actions = actions_of(ticks[:steps], channels)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise DamagedFileError(f"{lines} lacks what a VPT recording has ({type(error).__name__}: {error}).") from error
    rewards = np.zeros(steps, np.float32)
    return Episode(frames[: steps + 1], actions, rewards, False, True, ENV_ID, 0, FPS)


def _ticks(path: Path) -> list[dict[str, Any]]:
    ticks = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            ticks.append(json.loads(line))
        except ValueError as error:
            raise DamagedFileError(f"{path}, line {number}, is not valid JSON ({error}); mend or remove it.") from error
    return ticks


def actions_of(ticks: list[dict[str, Any]], channels: ActionCodec) -> NDArray[np.float32]:
    """Channel vectors (T, A) of T lines of a jsonl."""
    # Some recordings begin with the attack button down, and it stays down until the player really presses it.
    attack_is_stuck = ticks[0]["mouse"].get("newButtons") == [0]
    hotbar = 0
    vectors = []
    for number, tick in enumerate(ticks):
        mouse = tick["mouse"]
        if number and 0 in mouse.get("newButtons", ()):
            attack_is_stuck = False
        pressed = {KEYS[key] for key in tick["keyboard"]["keys"] if key in KEYS}
        pressed |= {MOUSE_BUTTONS[button] for button in mouse["buttons"] if button in MOUSE_BUTTONS}
        if attack_is_stuck:
            pressed.discard("attack")
        # The wheel is not recorded, but what it selects is.
        if tick.get("hotbar", hotbar) != hotbar:
            hotbar = tick["hotbar"]
            pressed.add(f"hotbar.{hotbar + 1}")
        turns = {"camera_pitch_down_deg": mouse["dy"], "camera_yaw_right_deg": mouse["dx"]}
        # More than half a turn in a tick is the game that moved the cursor, not the player.
        degrees = {name: float(pixels) * DEG_PER_PIXEL for name, pixels in turns.items()}
        degrees = {name: value if abs(value) <= 180 else 0.0 for name, value in degrees.items()}
        vectors.append(channels.vector(**{name: 1.0 for name in pressed}, **degrees))
    return np.stack(vectors)

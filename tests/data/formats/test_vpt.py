"""Recordings written here as OpenAI's recorder writes them, from an episode that is known step by step."""

from __future__ import annotations

import json

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.data.formats import vpt
from worldsim.data.formats.video_file import VideoWriter
from worldsim.data.importing import import_recordings

KEY_OF = {name: key for key, name in vpt.KEYS.items()}
BUTTON_OF = {name: button for button, name in vpt.MOUSE_BUTTONS.items()}


def quiet(line: str) -> None:
    pass


def tick(action: dict[str, float], hotbar: int = 0, new_buttons: tuple[int, ...] = ()) -> dict:
    """A line of the jsonl for MineRL actions, in the recorder's own words."""
    return {
        "mouse": {
            "x": 640.0,
            "y": 360.0,
            "dx": action.get("camera_yaw_right_deg", 0.0) / 0.15,
            "dy": action.get("camera_pitch_down_deg", 0.0) / 0.15,
            "scaledX": 0.0,
            "scaledY": 0.0,
            "dwheel": 0.0,
            "buttons": [BUTTON_OF[name] for name in action if name in BUTTON_OF],
            "newButtons": list(new_buttons),
        },
        "keyboard": {
            "keys": [KEY_OF[name] for name in action if name in KEY_OF] + ["key.keyboard.f3"],
            "newKeys": [],
            "chars": "",
        },
        "isGuiOpen": False,
        "hotbar": hotbar,
        "yaw": 0.0,
        "pitch": 0.0,
        "xpos": 0.0,
        "ypos": 0.0,
        "zpos": 0.0,
        "tick": 0,
        "inventory": [],
        "serverTick": 0,
    }


def write(folder, name, frames, ticks):
    with VideoWriter(folder / f"{name}.mp4", vpt.FPS, *frames.shape[1:3], lossless=True) as video:
        video.add(frames)
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in ticks))


def as_minerl(arena, vector) -> dict[str, float]:
    return {name: float(value) for name, value in zip(arena.codec.names, vector, strict=True) if value}


def test_the_right_action_at_the_right_frame(arena, tmp_path):
    episode = arena.read_episode(0)
    actions = [as_minerl(arena, vector) for vector in episode.actions]
    assert any("camera_yaw_right_deg" in action for action in actions)
    assert any("forward" in action for action in actions)
    # The recorder's last line belongs to the last frame and leads nowhere.
    write(tmp_path, "player-1", episode.frames, [tick(action) for action in actions] + [tick({"jump": 1})])
    table = import_recordings("vpt", tmp_path, tmp_path / "vpt.lance", progress=quiet).table
    found = table.read_episode(0)
    assert (found.frames == episode.frames).all()
    assert table.fps == 20
    assert table.episodes.sources == ["player-1"]
    for t, action in enumerate(actions):
        expected = table.codec.vector(**{name: value for name, value in action.items() if name in table.codec.names})
        assert found.actions[t] == pytest.approx(expected, abs=1e-4), t
    assert {"forward", "attack", "use", "hotbar.9", "camera_pitch_down_deg", "ESC"} <= set(table.codec.names)
    assert len(table.codec) == 25  # MineRL 1.0's 23 buttons and the camera's two


def channel(actions, name):
    return actions[:, vpt.codec().index(name)].tolist()


def test_degrees_of_the_mouse():
    ticks = [tick({}) for _ in range(3)]
    ticks[0]["mouse"] |= {"dx": 2400.0 / 8, "dy": -1.0}
    ticks[1]["mouse"] |= {"dx": 1300.0, "dy": 2.0}  # more than half a turn: the game moved the cursor
    actions = vpt.actions_of(ticks, vpt.codec())
    assert channel(actions, "camera_yaw_right_deg") == [45.0, 0.0, 0.0]
    assert channel(actions, "camera_pitch_down_deg") == pytest.approx([-0.15, 0.3, 0.0])


def test_an_attack_button_that_is_stuck_from_the_start_is_not_pressed():
    def lines(first_new):
        attack = {"attack": 1}
        return [tick(attack, new_buttons=first_new), tick(attack), tick(attack, new_buttons=(0,)), tick(attack)]

    assert channel(vpt.actions_of(lines((0,)), vpt.codec()), "attack") == [0, 0, 1, 1]
    assert channel(vpt.actions_of(lines(()), vpt.codec()), "attack") == [1, 1, 1, 1]


def test_slots_chosen_by_the_wheel_become_hotbar_keys():
    actions = vpt.actions_of([tick({}, hotbar=slot) for slot in (0, 4, 4, 0)], vpt.codec())
    assert channel(actions, "hotbar.5") == [0, 1, 0, 0]
    assert channel(actions, "hotbar.1") == [0, 0, 0, 1]


def test_damaged_recordings_are_named(arena, tmp_path):
    frames = arena.read_episode(0).frames
    lines = [tick({}) for _ in frames]
    for name in ("good", "long", "torn", "foreign", "alone", "cut"):
        write(tmp_path, name, frames, lines)
    write(tmp_path, "one-short", frames, lines[:-1])
    write(tmp_path, "long", frames, lines * 2)
    (tmp_path / "torn.jsonl").write_text((tmp_path / "torn.jsonl").read_text()[:-40])
    (tmp_path / "foreign.jsonl").write_text('{"action": 1}\n' * len(frames))
    (tmp_path / "alone.jsonl").unlink()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(cut.read_bytes()[:-200])
    out = tmp_path / "vpt.lance"
    imported = import_recordings("vpt", tmp_path, out, progress=quiet)
    why = dict(imported.skipped)
    assert "13 frames but long.jsonl 26 lines" in why["long"]
    assert "torn.jsonl, line 13, is not valid JSON" in why["torn"]
    assert "foreign.jsonl lacks what a VPT recording has" in why["foreign"]
    assert "alone.jsonl is missing" in why["alone"]
    assert "cut.mp4" in why["cut"]
    assert imported.table.episodes.sources == ["good", "one-short"]
    assert (imported.table.episodes.lengths == 13).all()
    assert "5 skipped" in imported.summary()
    assert np.isfinite(imported.table.read_episode(0).actions).all()


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(WorldsimError, match="holds no mp4 and no jsonl files"):
        import_recordings("vpt", tmp_path, tmp_path / "x.lance")
    with pytest.raises(WorldsimError, match="nowhere is not a folder; format=vpt needs"):
        import_recordings("vpt", tmp_path / "nowhere", tmp_path / "x.lance")

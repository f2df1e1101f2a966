"""Captions of ``voxel/scene``: place, hour and thing as the game says, commands as the buttons say."""

from __future__ import annotations

import re

import numpy as np
import pytest

from envs.voxel.maps.scene import BIOMES, COLOURS, SHAPES, TIMES
from worldsim.captions.clip import places, read_clips
from worldsim.captions.setting import PLACES
from worldsim.captions.setting import TIMES as HOURS
from worldsim.captions.state import StateCaptioner, StateConfig
from worldsim.data.collect import collect

THING = re.compile(rf"\b({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})\b")
STYLES = ("scene", "scene_command", "command", "short")


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    table = collect(
        "voxel/scene", "envs.policies.commander:Commander", 12, tmp_path_factory.mktemp("scene") / "scene.lance",
        max_steps=41, workers=1, truth=True, progress=lambda line: None,
    )  # fmt: skip
    captioner = StateCaptioner(StateConfig(styles=STYLES))
    return [(clip, captioner.caption(clip)) for clip in read_clips(table, places(table, [13], 3))]


def test_every_word_about_the_place_is_true(captioned):
    things = 0
    for clip, texts in captioned:
        told = clip.truth[0].scene
        words = {kind: {w for text in PLACES[kind] for w in text.split()} for kind in BIOMES}
        hours = {hour: {*" ".join(HOURS[hour]).split(), hour} - {"in", "at", "by", "the"} for hour in TIMES}
        for text in texts[:2]:
            said = set(re.findall(r"[a-z]+", text))
            assert said & words[told["biome"]] - {"a", "the", "green"}, f"{text!r}: {told}"
            for kind in set(BIOMES) - {told["biome"]}:
                assert not said & (words[kind] - words[told["biome"]] - {"a", "the"}), f"{text!r}: {told}"
            for hour in set(TIMES) - {told["time"]}:
                assert not said & hours[hour], f"{text!r}: {told}"
            for colour, shape in THING.findall(text):
                assert f"{colour} {shape}" == told["thing"], text
                things += 1
                in_view = [truth.objects[0].visible_pixels > 0 for truth in clip.truth]
                assert np.mean(in_view) >= 0.5, f"{text!r}: {in_view}"
    assert things > 80


def test_commands_are_what_was_pressed(captioned):
    checked = 0
    for clip, texts in captioned:
        pressed = np.sign(clip.actions)
        if not (pressed == pressed[0]).all():
            continue  # two commands
        down = {name for name, on in zip(clip.codec.names, pressed[0] != 0, strict=True) if on}
        turn, look = (
            clip.actions[0, clip.codec.index(f"camera_{name}")] for name in ("yaw_right_deg", "pitch_down_deg")
        )
        text = texts[2]
        if "camera_yaw_right_deg" in down:
            expected = r"(turn|rotate) " + ("right" if turn > 0 else "left")
        elif "camera_pitch_down_deg" in down:
            expected = "look " + ("down" if look > 0 else "up")
        else:
            expected = {"forward": r"\w+ forward", "back": r"\w+ backward", "left": r"\w+ left", "right": r"\w+ right",
                        "jump": "jump"}.get(next(iter(down), ""), "stand still")  # fmt: skip
        # A step slides on for a moment after the keys, and a wall stops it: then it is not told.
        assert re.match(expected, text) or text in ("stand still", "wait", "do nothing"), f"{text!r}: {down}"
        checked += bool(re.match(expected, text))
    assert checked > 15


def test_words_are_few_and_orders_many(captioned):
    texts = [text for _, four in captioned for text in four]
    assert len({word for text in texts for word in re.findall(r"[a-z]+", text.lower())}) < 150
    scenes = [four[0] for _, four in captioned]
    assert any(";" in text for text in scenes) and any(", " in text for text in scenes)
    assert any(text.startswith(("a ", "an ")) and " in " in text for text in scenes)

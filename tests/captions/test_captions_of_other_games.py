"""Captions of a game of another family, of scenes without a player, and of tables without state."""

from __future__ import annotations

import re

import numpy as np
import pytest

from worldsim.captions.camera import camera_path, world_up
from worldsim.captions.clip import places, read_clips
from worldsim.captions.motion import swings
from worldsim.captions.state import StateCaptioner
from worldsim.captions.words import NUMBERS, listed, noun_of, plural, third_person
from worldsim.core.types import Camera

TURN = re.compile(r"\b(?:turn|rotat)(?:e|s|es|ing) (left|right)(?: about (\d+) degrees)?")


def captions(table, lengths=(30, 0), stride=10):
    for clip in read_clips(table, places(table, lengths, stride)):
        yield clip, StateCaptioner().caption(clip)


def sweeps(values, sign: float) -> float:
    values = sign * np.asarray(values)
    return float((values - np.minimum.accumulate(values)).max())


def test_doom_turns_and_medikits(doom_table):
    turns = taken = 0
    for clip, texts in captions(doom_table):
        yaw = np.concatenate([[0], np.cumsum(clip.channel("camera_yaw_right_deg"))])
        for text in texts:
            for way, degrees in TURN.findall(text):
                sign = 1 if way == "right" else -1
                assert sweeps(yaw, sign) >= 8
                assert not degrees or sweeps(yaw, sign) >= float(degrees) - 5.01
                turns += 1
            said = re.findall(r"\b(?:pick|take)s?(?: up)? (\w+) medikits?", text)
            # Health, and with it the reward, goes up with a medikit and with nothing else.
            many = sum(NUMBERS.index(count) if count in NUMBERS else 1 for count in said)
            assert many <= (clip.rewards > 0.05).sum()
            taken += many
    assert turns > 10 and taken > 0


def test_a_thing_shatters_when_it_does_and_pushes_are_where_they_are_given(shatter_table):
    shattered = pushed = 0
    for clip, texts in captions(shatter_table):
        alive = [{one.cls for one in truth.objects if one.alive} for truth in clip.truth]
        whole = {
            name for name in alive[0] - alive[-1] if any(name.partition("_")[0] + "_shard" in now for now in alive)
        }
        for text in texts:
            assert ("shatter" in text) <= bool(whole), text
            assert (" push" in f" {text}") <= bool((clip.channel("push_strength") > 0).any()), text
            assert "player turns" not in text and "walks" not in text
        assert ("shatters" in texts[0]) == bool(whole), texts[0]
        shattered, pushed = shattered + bool(whole), pushed + (" push" in texts[0])
        assert re.match(r"(In )?a (physics|table-top) scene", texts[0], re.IGNORECASE)
    assert shattered


def test_without_state_only_the_buttons_are_told(stateless_table):
    heard = set()
    for clip, texts in captions(stateless_table, [20], 5):
        assert clip.truth is None
        yaw = np.concatenate([[0], np.cumsum(clip.channel("camera_yaw_right_deg"))])
        for text in texts:
            assert not re.search(r"pillar|cube|gem|beacon|platform|walk|break|place|sees", text), text
            for way, _ in TURN.findall(text):
                assert sweeps(yaw, 1 if way == "right" else -1) >= 8
            for way in re.findall(r"press(?:es|ing)? (forward|backward|left|right)", text):
                assert clip.pressed("back" if way == "backward" else way).sum() >= 3
            heard |= set(re.findall(r"press|turn|rotate|look|attack", text))
    assert {"press", "turn"} <= heard


def test_words_for_classes():
    spoken = {
        "red_pillar": "red pillar", "placed_white": "white block", "orange_slab_wall": "orange low wall",
        "gem": "gem", "CustomMedikit": "medikit", "GreenArmor": "green armor", "ShotgunGuy": "shotgun soldier",
        "ExplosiveBarrel": "explosive barrel", "blue_ball_2": "blue ball", "HealthBonus": "health bonus",
    }  # fmt: skip
    assert {cls: str(noun_of(cls)) for cls in spoken} == spoken
    assert noun_of("orange_cube").counted(1) == "an orange cube"
    assert noun_of("red_box").counted(3) == "three red boxes"
    assert plural("low wall") == "low walls" and plural("lady") == "ladies"
    assert [third_person(verb) for verb in ("put down", "reach", "carry", "go")] == [
        "puts down", "reaches", "carries", "goes",
    ]  # fmt: skip
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([0] * 20, []),
        ([0] * 5 + list(range(0, 40, 4)) + [36] * 5, [(5, 14)]),  # still, then turning, then still
        ([*range(0, 30, 3), *range(24, 0, -3)], [(0, 9), (9, 17)]),
        ([0, 5, 10, 15, 12, 10, 15, 20, 25], [(0, 8)]),  # a little way back does not count
        ([0, 10, 20] + [20] * 9 + [30, 40], [(0, 2), (11, 13)]),  # a pause
    ],
)
def test_swings(values, found):
    assert swings(np.array(values, float)) == found


@pytest.mark.parametrize("up", [(0, 1, 0), (0, 0, 1), (0, 0, -1)])
def test_turning_right_and_walking_ahead_in_any_axes(up):
    """A camera that goes ahead and turns right, built in each world from first principles."""
    up = np.array(up, float)
    start = np.array([1.0, 0, 0])
    cameras, place = [], np.zeros(3)
    for yaw_right_deg in range(0, 90, 5):
        angle = np.radians(yaw_right_deg)
        level = np.cos(angle) * start + np.sin(angle) * np.cross(start, up)  # right of ahead is ahead x up
        forward = np.cos(0.3) * level - np.sin(0.3) * up  # looks down a little
        right = np.cross(level, up)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        pose[:3, 3] = place
        cameras.append(Camera(np.eye(3), pose))
        place = place + 0.5 * level
    assert np.array_equal(world_up(cameras), up)
    path = camera_path(cameras, up)
    np.testing.assert_allclose(path.yaw_right_deg, np.arange(0, 90, 5), atol=1e-6)
    np.testing.assert_allclose(path.pitch_up_deg, -np.degrees(0.3), atol=1e-6)
    np.testing.assert_allclose(path.forward_m, 0.5, atol=1e-3)
    np.testing.assert_allclose(path.right_m, 0, atol=0.03)

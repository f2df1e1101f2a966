"""The action codec: names, round trips, the action that does nothing, and what it says to a wrong action or space."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import UnknownNameError, WorldsimError

MIXED = spaces.Dict(
    {
        "attack": spaces.Discrete(2),
        "camera": spaces.Box(-180, 180, (2,), np.float32),
        "hotbar": spaces.Discrete(3),
        "speed": spaces.Box(0, 4, (1,), np.float32),
        "tool": spaces.Discrete(4),
    }
)
SPACES = [
    MIXED,
    spaces.Discrete(5),
    spaces.MultiBinary(3),
    spaces.Box(-2, 2, (3,), np.float32),
    spaces.Dict({"fire": spaces.Discrete(2)}),
    spaces.Discrete(3, start=-1),
    spaces.MultiDiscrete([3, 2, 5]),
    spaces.MultiDiscrete(np.array([[2, 3], [4, 2]]), start=np.array([[1, 0], [-2, 7]])),
    spaces.MultiDiscrete([3, 2], dtype=np.int32),
    spaces.MultiBinary([2, 3]),
    spaces.Box(-1, 1, (2, 2), np.float64),
    spaces.Box(0, 1, (), np.float32),
    spaces.Box(-3, 9, (2,), np.int32),
    spaces.Dict(
        {
            "buttons": spaces.MultiBinary(4),
            "craft": spaces.MultiDiscrete([2, 3]),
            "gear": spaces.Discrete(2, start=1),
            "stick": spaces.Box(-1, 1, (2, 1), np.float32),
        }
    ),
]


def test_channels_are_named_after_the_space():
    codec = ActionCodec.from_space(MIXED)
    assert codec.names == (
        "attack",
        "camera_pitch_down_deg",
        "camera_yaw_right_deg",
        "hotbar=0",
        "hotbar=1",
        "hotbar=2",
        "speed",
        "tool=0",
        "tool=1",
        "tool=2",
        "tool=3",
    )
    kinds = [channel.kind for channel in codec.channels]
    assert kinds == ["binary", "continuous", "continuous", *["choice"] * 3, "continuous", *["choice"] * 4]
    assert ActionCodec.from_space(spaces.Discrete(2)).names == ("action=0", "action=1")
    assert ActionCodec.from_space(spaces.MultiBinary(2)).names == ("button0", "button1")
    assert ActionCodec.from_space(spaces.Discrete(2, start=5)).names == ("action=5", "action=6")
    two = ActionCodec.from_space(spaces.MultiDiscrete([2, 2], start=[0, 1]))
    assert two.names == ("action0=0", "action0=1", "action1=1", "action1=2")
    stick = ActionCodec.from_space(spaces.Dict({"stick": spaces.Box(-1, 1, (1, 2), np.float32)}))
    assert stick.names == ("stick0", "stick1")


def test_a_codec_knows_what_turns_a_camera_and_what_hands_do():
    codec = ActionCodec.from_space(MIXED)
    assert (codec.camera, codec.hands) == ((1, 2), (0,))
    nothing = ActionCodec.from_space(spaces.Discrete(2))
    assert (nothing.camera, nothing.hands) == (None, ())


def test_a_plain_codec_is_written_as_ever():
    """Checkpoints and tables hold these rows, and tables are compared by them."""
    assert [set(row) for row in ActionCodec.from_space(MIXED).to_json()] == [
        {"name", "key", "kind", "low", "high", "scale"}
    ] * 11


def test_whole_numbers_are_rounded_not_cut():
    codec = ActionCodec.from_space(spaces.Box(-3, 9, (2,), np.int32))
    np.testing.assert_array_equal(codec.decode(np.array([1.6, -40])), [2, -3])


def test_scale_is_what_one_unit_means_to_a_network():
    codec = ActionCodec.from_space(MIXED)
    scale = dict(zip(codec.names, codec.scale.tolist(), strict=True))
    assert scale["camera_yaw_right_deg"] == 10
    assert scale["speed"] == 4
    assert scale["attack"] == scale["tool=3"] == 1


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_actions_survive_the_way_there_and_back(space):
    codec = ActionCodec.from_space(space)
    space.seed(0)
    for _ in range(50):
        action = space.sample()
        vector = codec.encode(action)
        assert vector.shape == (len(codec),)
        assert vector.dtype == np.float32
        back = codec.decode(vector)
        assert back in space
        np.testing.assert_array_equal(codec.encode(back), vector)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_codec_survives_json_and_gives_its_space_back(space):
    codec = ActionCodec.from_space(space)
    again = ActionCodec.from_json(codec.to_json())
    assert again == codec
    assert again.space() == space


def test_the_action_that_does_nothing_takes_the_first_option_of_every_choice():
    codec = ActionCodec.from_space(MIXED)
    still = codec.decode(codec.vector())
    assert still["hotbar"] == still["tool"] == still["attack"] == 0
    assert codec.vector()[codec.index("hotbar=0")] == codec.vector()[codec.index("tool=0")] == 1
    np.testing.assert_array_equal(still["camera"], [0, 0])
    assert ActionCodec.from_space(spaces.Discrete(3)).decode(np.array([1, 0, 0])) == 0


def test_named_channels_change_only_themselves():
    codec = ActionCodec.from_space(MIXED)
    vector = codec.vector(camera_yaw_right_deg=7, **{"tool=2": 1})
    action = codec.decode(vector)
    assert action["tool"] == 2
    assert vector[codec.index("tool=0")] == 0
    assert action["hotbar"] == 0
    np.testing.assert_array_equal(action["camera"], [0, 7])


def test_decoding_cuts_and_clips():
    codec = ActionCodec.from_space(MIXED)
    action = codec.decode(codec.vector(attack=0.51, speed=9, camera_pitch_down_deg=-500))
    assert action["attack"] == 1
    assert action["speed"] == [4]
    assert action["camera"][0] == -180
    assert codec.decode(codec.vector(attack=0.5))["attack"] == 0


def test_a_wrong_vector_is_told_what_is_needed():
    codec = ActionCodec.from_space(spaces.Discrete(2))
    with pytest.raises(WorldsimError, match=r"needs 2 finite numbers \(action=0, action=1\); got \[1.0\]"):
        codec.decode(np.ones(1))
    with pytest.raises(WorldsimError, match=r"got .*nan"):
        codec.decode(np.array([0, np.nan]))
    with pytest.raises(
        UnknownNameError, match=r"unknown action channel 'camera_yaw'.* Did you mean 'camera_yaw_right_deg'"
    ):
        ActionCodec.from_space(MIXED).vector(camera_yaw=3)


@pytest.mark.parametrize(
    ("space", "place"),
    [
        (spaces.Text(3), r"Text\(.*\); use Discrete"),
        (spaces.Dict({"say": spaces.Text(3)}), "Text.* at 'say'; use Discrete"),
        (spaces.Dict({"hand": spaces.Dict({"open": spaces.Discrete(2)})}), "Dict.* at 'hand'; use Discrete"),
        (spaces.Tuple([spaces.Discrete(2)]), "Tuple.*; use Discrete"),
    ],
)
def test_a_space_without_translation_is_named(space, place):
    with pytest.raises(WorldsimError, match=f"no channel translation for the action space {place}"):
        ActionCodec.from_space(space)


def test_a_picture_is_no_action():
    with pytest.raises(WorldsimError, match=r"Box.* has 4096 numbers; a codec takes at most 256"):
        ActionCodec.from_space(spaces.Box(0, 255, (64, 64), np.uint8))

"""Any Gymnasium game behind the contract, on the real ALE, MiniGrid and MiniWorld, and on small games with one flaw."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util

import ale_py
import cv2
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from envs.adapters import packages
from envs.contract import check_game
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import MissingDependencyError, UnknownNameError, WorldsimError
from worldsim.core.games import make_game
from worldsim.core.protocols import HasGroundTruth, Replays, Snapshots


class Clock(gymnasium.Env):
    """Its picture is one colour: the number of steps so far, and the seed's hue."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012

    def __init__(self, action_space=None, fps=5, render_mode=None, side=40):
        self.action_space = action_space or spaces.MultiDiscrete([2, 3], start=[0, 1])
        self.observation_space = spaces.Dict({"time": spaces.Discrete(500), "pixels": self.picture_space(side)})
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": fps}

    def picture_space(self, side):
        return spaces.Box(0, 255, (side, side, 3), np.uint8)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.hue, self.time = int(self.np_random.integers(200)), 0
        return self.look(), {}

    def step(self, action):
        assert action in self.action_space
        self.time += 1
        return self.look(), float(np.sum(action)), False, False, {}

    def render(self):
        return None

    def look(self):
        space = self.observation_space["pixels"]
        return {"time": self.time, "pixels": np.full(space.shape, (self.hue + self.time) % 256, np.uint8)}


class ChannelsFirst(Clock):
    def picture_space(self, side):
        return spaces.Box(0, 255, (3, side, side + 8), np.uint8)


class Forgetful(Clock):
    """Draws from a generator that no seed reaches."""

    def look(self):
        self.hue = int(np.random.default_rng().integers(100))
        return super().look()


gymnasium.register("test/Clock-v0", Clock, max_episode_steps=7)
gymnasium.register("test/ChannelsFirst-v0", ChannelsFirst)
gymnasium.register("test/Forgetful-v0", Forgetful)
gymnasium.register("test/Declared-v0", Clock, nondeterministic=True)


@pytest.mark.parametrize(
    ("env_id", "means"),
    [
        ("gym:ALE/Breakout-v5", "snapshot"),
        ("gym:MiniGrid-Fetch-5x5-N2-v0", "replay"),
        ("gym:MiniWorld-Hallway-v0", "replay"),
        ("gym:test/Clock-v0", "replay"),
        ("gym:test/Forgetful-v0", None),
    ],
)
def test_the_contract_is_kept(env_id, means):
    findings = {finding.rule: finding for finding in check_game(env_id, height=48, width=64)}
    broken = {rule for rule, finding in findings.items() if not finding.ok}
    assert broken == (set() if means else {"seeds_reproduce", "gymnasium_accepts_it", "bad_actions_are_refused"})
    assert findings["branches_are_exact"].message.startswith(f"{means}: " if means else "none: ")
    if "MiniWorld" in env_id:  # it has depth and a camera, and they fit
        assert "co-visible pixels land" in findings["depth_and_camera_agree"].message


def play(env, vectors):
    codec = ActionCodec.from_space(env.action_space)
    return [env.step(codec.decode(vector))[:4] for vector in vectors]


def vectors_for(env, count, seed):
    codec = ActionCodec.from_space(env.action_space)
    env.action_space.seed(seed)
    return [codec.encode(env.action_space.sample()) for _ in range(count)]


@pytest.mark.parametrize(
    "settings",
    [{"repeat_action_probability": 0.9}, {"repeat_action_probability": 0.9, "frameskip": (2, 5), "continuous": True}],
    ids=str,
)
def test_an_atari_snapshot_holds_the_sticky_actions_and_the_frame_skips_too(settings):
    settings = {**settings, "render_mode": "rgb_array"}
    env, twin = (make_game("gym:ALE/Breakout-v5", **settings).unwrapped for _ in range(2))
    assert isinstance(env, Snapshots)
    env.reset(seed=3)
    # Held to one side, and then to the other: as long as the joystick sticks, the side it was held to before counts.
    right, left = ([1, 0, 0], [1, 3.1, 0]) if "continuous" in settings else ([0, 0, 1, 0], [0, 0, 0, 1])
    for point, (side, other_side) in enumerate([(right, left), (left, right)]):
        play(env, np.array([side] * 15))
        here, state = env.render(), env.get_state()
        ahead = np.array([other_side] * 12)
        first = play(env, ahead)
        for other in (twin, env):
            if point:  # the first time the twin has not even begun
                other.reset(seed=1000 + point)
            assert np.array_equal(other.set_state(state), here)
            for one, two in zip(first, play(other, ahead), strict=True):
                assert np.array_equal(one[0], two[0])
                assert one[1:] == two[1:]
        env.set_state(state)


def test_the_joystick_sticks_as_often_as_ale_was_told():
    env = make_game("gym:ALE/Breakout-v5", repeat_action_probability=0.25).unwrapped
    env.reset(seed=1)
    console = env.game.unwrapped.ale
    assert console.getFloat("repeat_action_probability") == 0  # the console itself does not stick
    left, right = ale_py.Action.LEFT, ale_py.Action.RIGHT
    stuck = []
    for number in range(1000):
        before, wanted = console.held[0], (left, right)[number % 2]
        console.act(wanted)
        if before != wanted:
            stuck.append(console.held[0] == before)
    assert np.mean(stuck) == pytest.approx(0.25, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", ["gym:ALE/Seaquest-v5", "gym:MiniGrid-DoorKey-6x6-v0", "gym:MiniWorld-OneRoom-v0"])
def test_a_hundred_random_branch_points_are_exact(env_id):
    env = make_game(env_id).unwrapped
    rng = np.random.default_rng(0)
    points = 0
    for number in range(130):
        seed, length = number // 4, int(rng.integers(1, 40))
        prefix, ahead = vectors_for(env, length, number), vectors_for(env, 10, 1000 + number)
        env.reset(seed=seed)
        try:
            here = play(env, prefix)[-1][0]
            state = env.get_state() if isinstance(env, Snapshots) else None
            first = play(env, ahead)
        except gymnasium.error.ResetNeeded:
            continue  # the episode was over before
        env.reset(seed=seed + 1)
        with contextlib.suppress(gymnasium.error.ResetNeeded):
            play(env, ahead[:3])
        back = env.set_state(state) if isinstance(env, Snapshots) else env.replay(seed, np.stack(prefix))
        np.testing.assert_array_equal(back, here)
        for one, two in zip(first, play(env, ahead), strict=True):
            np.testing.assert_array_equal(one[0], two[0])
            assert one[1:] == two[1:]
        points += 1
    assert points >= 100


def test_the_frame_is_the_consoles_picture_resized_by_area():
    env = make_game("gym:ALE/Breakout-v5", height=42, width=32, render_mode="rgb_array")
    frame, _ = env.reset(seed=1)
    screen = env.unwrapped.game.unwrapped.ale.getScreenRGB()
    assert screen.shape == (210, 160, 3)
    np.testing.assert_array_equal(frame, cv2.resize(screen, (32, 42), interpolation=cv2.INTER_AREA))
    exact = screen.reshape(42, 5, 32, 5, 3).mean((1, 3))
    assert np.abs(frame - exact).max() <= 0.5 + 1e-6
    own = make_game("gym:ALE/Breakout-v5", height=None, width=None)
    np.testing.assert_array_equal(own.reset(seed=1)[0], screen)


def test_atari_steps_are_counted_in_the_consoles_time():
    assert make_game("gym:ALE/Pong-v5").metadata["render_fps"] == 15
    assert make_game("gym:ALE/Pong-v5", frameskip=2).metadata["render_fps"] == 30
    assert make_game("gym:ALE/Pong-v5", fps=10).metadata["render_fps"] == 10


def test_codes_that_look_like_a_picture_are_not_taken_for_one():
    env = make_game("gym:MiniGrid-Fetch-5x5-N2-v0", height=40, width=40, render_mode="rgb_array")
    inner = env.unwrapped.game
    assert inner.observation_space["image"] == spaces.Box(0, 255, (7, 7, 3), np.uint8)
    frame, info = env.reset(seed=2)
    rendered = inner.render()
    np.testing.assert_array_equal(frame, cv2.resize(rendered, (40, 40), interpolation=cv2.INTER_AREA))
    assert info["task"] == env.unwrapped.task_text == inner.unwrapped.mission


def test_miniworld_draws_at_the_size_asked_for_and_instances_keep_their_walls():
    """All MiniWorld games of a process share one list of walls; two that take turns must not see each other's."""
    ids = ("gym:MiniWorld-Hallway-v0", "gym:MiniWorld-OneRoom-v0")
    alone = []
    for env_id in ids:
        env = make_game(env_id, height=45, width=60).unwrapped
        env.reset(seed=5)
        alone.append([env.step(action)[0] for action in (0, 0, 2, 2)])
        depths = env.ground_truth().depth_m
        env.close()
        assert depths.shape == (45, 60)
    first, second = (make_game(env_id, height=45, width=60).unwrapped for env_id in ids)
    first.reset(seed=5)
    second.reset(seed=5)
    for t, action in enumerate((0, 0, 2, 2)):
        np.testing.assert_array_equal(first.step(action)[0], alone[0][t])
        np.testing.assert_array_equal(second.step(action)[0], alone[1][t])
    first.ground_truth()
    np.testing.assert_array_equal(second.ground_truth().depth_m, depths)


def test_a_time_limit_of_the_registration_is_kept_and_replayed():
    env = make_game("gym:test/Clock-v0").unwrapped
    assert isinstance(env, Replays)
    assert not isinstance(env, (Snapshots, HasGroundTruth))
    env.reset(seed=4)
    vectors = vectors_for(env, 7, 0)
    steps = play(env, vectors)
    assert [step[2:] for step in steps] == [(False, False)] * 6 + [(False, True)]
    with pytest.raises(gymnasium.error.ResetNeeded):
        play(env, vectors[:1])
    np.testing.assert_array_equal(env.replay(4, np.stack(vectors[:5])), steps[4][0])
    assert [step[2:] for step in play(env, vectors[5:])] == [(False, False), (False, True)]
    with pytest.raises(WorldsimError, match="seed 4: the episode ends before the 8 actions to replay do"):
        env.replay(4, np.stack([*vectors, vectors[0]]))


def test_pictures_with_channels_first_are_turned():
    env = make_game("gym:test/ChannelsFirst-v0", height=None, width=None)
    assert env.observation_space.shape == (40, 48, 3)
    assert env.reset(seed=1)[0].shape == (40, 48, 3)


@pytest.mark.parametrize("env_id", ["gym:test/Forgetful-v0", "gym:test/Declared-v0"])
def test_what_is_not_reproducible_offers_no_branching(env_id):
    env = make_game(env_id).unwrapped
    assert not isinstance(env, (Snapshots, Replays))


def test_unseeded_resets_differ_between_instances():
    frames = [make_game("gym:MiniGrid-DoorKey-8x8-v0").reset()[0] for _ in range(4)]
    assert any(not np.array_equal(frames[0], other) for other in frames[1:])


@pytest.mark.parametrize(
    ("env_id", "settings", "message"),
    [
        ("gym:ALE/Breakout-v5", {"height": 0}, "height=0: 'height' has to be a whole number from 1 to 4096"),
        ("gym:ALE/Breakout-v5", {"width": 63.5}, r"width=63\.5: 'width' has to be a whole number"),
        ("gym:ALE/Breakout-v5", {"frame_skip": 2}, "cannot be made: .*unexpected keyword argument 'frame_skip'"),
        ("gym:ALE/Breakout-v5", {"render_mode": "human"}, "render_mode='human': use 'rgb_array' or None"),
        ("gym:ALE/Breakut-v5", {}, r"unknown environment 'gym:ALE/Breakut-v5'\. Did you mean 'gym:ALE/Breakout-v5'"),
        ("gym:test/Clock-v0", {"fps": None, "side": 20}, r"shows no RGB picture: its render\(\) gives None"),
        (
            "gym:test/Clock-v0",
            {"action_space": spaces.Tuple([spaces.Discrete(2)])},
            r"'test/Clock-v0' cannot be steered: no channel translation for the action space Tuple",
        ),
    ],
)
def test_what_cannot_be_is_said(env_id, settings, message):
    with pytest.raises(WorldsimError, match=message):
        make_game(env_id, **settings)


def test_a_game_without_rgb_is_named():
    class Blind(Clock):
        def __init__(self):
            super().__init__()
            self.observation_space = spaces.Discrete(3)
            self.metadata = {"render_modes": ["ansi"], "render_fps": 5}

    gymnasium.register("test/Blind-v0", Blind)
    with pytest.raises(WorldsimError, match=r"'test/Blind-v0' has no RGB picture: .*Discrete\(3\), .*\['ansi'\]"):
        make_game("gym:test/Blind-v0")


def test_a_game_that_does_not_say_its_rate_is_asked_for_it():
    class Timeless(Clock):
        def __init__(self):
            super().__init__(fps=None)

    gymnasium.register("test/Timeless-v0", Timeless)
    with pytest.raises(WorldsimError, match="does not say how many steps a second it takes; give fps="):
        make_game("gym:test/Timeless-v0")
    assert make_game("gym:test/Timeless-v0", fps=12).metadata["render_fps"] == 12


def test_a_missing_package_is_named(monkeypatch):
    present = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ale_py" else present(name))
    with pytest.raises(
        MissingDependencyError, match=r"'ALE/Breakout-v5' needs ale_py.*pip install 'worldsim\[games\]'"
    ):
        make_game("gym:ALE/Breakout-v5")


def test_a_machine_that_cannot_draw_is_told_what_to_install(monkeypatch):
    def no_egl(name):
        raise ImportError('Library "EGL" not found.')

    monkeypatch.setattr(packages.importlib, "import_module", no_egl)
    with pytest.raises(WorldsimError, match=r'cannot do \(Library "EGL" not found.\): install EGL and GLU'):
        packages.import_package_of("MiniWorld-Maze-v0")


def test_gymnasium_itself_makes_it_too():
    env = gymnasium.make("worldsim/Gym-v0", game="ALE/Breakout-v5", height=32, width=32)
    assert env.reset(seed=1)[0].shape == (32, 32, 3)
    assert isinstance(env.unwrapped.game.unwrapped, ale_py.env.AtariEnv)


def test_an_unknown_game_within_a_known_package():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'gym:MiniGrid-Empty-8x8-v0'"):
        make_game("gym:MiniGrid-Emtpy-8x8-v0")

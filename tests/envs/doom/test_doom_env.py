"""The Doom games on the real engine: bits, signs, ends, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.doom.env import DoomEnv
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import HasGroundTruth, Replays
from worldsim.core.seeding import stream

pytest.importorskip("vizdoom")


# One of each kind: a maze, health, monsters and a weapon, a room of our own that is another one in every episode.
@pytest.fixture(params=["my_way_home", "health_gathering", "defend_the_center", "rooms"])
def env(request):
    game = DoomEnv(request.param, render_mode="rgb_array")
    yield game
    game.close()


@pytest.fixture
def open_floor():
    """A place without walls nearby: the start of health_gathering."""
    game = DoomEnv("health_gathering")
    game.reset(seed=4)
    yield game
    game.close()


def random_actions(env, count, seed=0):
    codec, rng = ActionCodec.from_space(env.action_space), stream(seed, "test")
    shares = {"forward": 0.6, "back": 0.2, "left": 0.3, "right": 0.3, "attack": 0.3, "use": 0.2}
    return np.array(
        [
            codec.vector(
                camera_yaw_right_deg=float(rng.uniform(-20, 20)),
                **{key: float(rng.random() < share) for key, share in shares.items() if key in codec.names},
            )
            for _ in range(count)
        ]
    )


def play(env, actions, seed):
    codec = ActionCodec.from_space(env.action_space)
    seen = [(env.reset(seed=seed)[0], 0.0, False)]
    for action in actions:
        frame, reward, terminated, _, _ = env.step(codec.decode(action))
        seen.append((frame, reward, terminated))
        if terminated:
            break
    return seen


def act(env, steps=1, **channels):
    codec = ActionCodec.from_space(env.action_space)
    for _ in range(steps):
        frame, *_ = env.step(codec.decode(codec.vector(**channels)))
    return frame


def angle_difference(a, b):
    return (b - a + 180) % 360 - 180


def test_gymnasium_accepts_both_kinds():
    for scenario in ("my_way_home", "rooms"):
        made = gymnasium.make(f"doom/{scenario}", render_mode="rgb_array")
        check_env(made.unwrapped)
        assert made.observation_space.shape == (48, 64, 3)
        assert made.metadata["render_fps"] == 8.75
        made.close()


def test_it_asks_for_a_reset_itself():
    made = gymnasium.make("doom/basic", render_mode="rgb_array", disable_env_checker=True)
    assert made is made.unwrapped, "no wrapper of Gymnasium stands between"
    for call in (made.render, lambda: made.step(made.action_space.sample())):
        with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
            call()
    made.reset(seed=0)
    assert made.render().shape == (48, 64, 3)
    made.close()


def test_objects_asked_for_late_are_those_of_the_frame(env):
    """The engine starts anew for them; what follows is the same game."""
    actions = random_actions(env, 30)
    codec, seen = ActionCodec.from_space(env.action_space), play(env, actions, 5)
    env.reset(seed=5)
    for i, action in enumerate(actions):
        if i == 12:
            assert env.state.objects
            you = next(thing for thing in env.state.objects if thing.name == "DoomPlayer")
            assert (you.position_x, you.position_y) == pytest.approx(env.pose[:2])
        frame, reward, terminated, *_ = env.step(codec.decode(action))
        assert np.array_equal(frame, seen[i + 1][0])
        assert (reward, terminated) == seen[i + 1][1:]
        if terminated:
            break
    assert env.state.objects


def test_a_seed_is_an_episode(env):
    actions = random_actions(env, 60)
    first, again, other = play(env, actions, 11), play(env, actions, 11), play(env, actions, 12)
    twin = DoomEnv(env.scenario.name)
    elsewhere = play(twin, actions, 11)
    twin.close()
    for (a, reward_a, end_a), (b, reward_b, end_b), (c, reward_c, end_c) in zip(first, again, elsewhere, strict=True):
        assert np.array_equal(a, b) and np.array_equal(a, c)
        assert reward_a == reward_b == reward_c
        assert end_a == end_b == end_c
    assert any(not np.array_equal(a, b) for (a, _, _), (b, _, _) in zip(first, other, strict=False))


def test_without_a_seed_episodes_differ_and_follow_the_first_seed(env):
    actions = random_actions(env, 30)
    env.reset(seed=3)
    ends = [play(env, actions, None)[-1][0] for _ in range(3)]
    env.reset(seed=3)
    assert all(np.array_equal(end, play(env, actions, None)[-1][0]) for end in ends)
    assert not np.array_equal(ends[0], ends[1])


def test_replay_is_exact_everywhere(env):
    actions = random_actions(env, 150, seed=5)
    seen = play(env, actions, 21)
    taken = len(seen) - 1
    points = {0, 1, 2, taken, *stream(0, "points").integers(3, taken, 5).tolist()}
    for point in points:
        assert np.array_equal(env.replay(21, actions[:point]), seen[point][0]), point
    half = taken // 2
    env.replay(21, actions[:half])
    codec = ActionCodec.from_space(env.action_space)
    for step in range(half, taken):
        frame, reward, terminated, _, _ = env.step(codec.decode(actions[step]))
        assert np.array_equal(frame, seen[step + 1][0])
        assert (reward, terminated) == seen[step + 1][1:]


def test_positive_yaw_turns_right(open_floor):
    before, *_ = open_floor.reset(seed=4)
    angle = open_floor.pose[2]
    after = act(open_floor, camera_yaw_right_deg=10.0)
    # The engine turns by steps of 360 / 65536 degrees, rounded in each of the four tics.
    assert angle_difference(angle, open_floor.pose[2]) == pytest.approx(-10.0, abs=0.025)
    # The horizon band: content moves to the left by about fx * 10 degrees = 32 * 0.176 = 5.6 pixels.
    band = slice(18, 24)
    errors = {
        shift: np.abs(before[band, 12:52].astype(int) - after[band, 12 - shift : 52 - shift].astype(int)).mean()
        for shift in range(-10, 11)
    }
    assert min(errors, key=errors.__getitem__) in (5, 6)


@pytest.mark.parametrize("asked", [-20.0, -7.3, -0.5, 0.5, 2.0, 13.7, 20.0])
def test_the_turn_is_the_asked_one(open_floor, asked):
    angle = open_floor.pose[2]
    act(open_floor, camera_yaw_right_deg=asked)
    assert angle_difference(angle, open_floor.pose[2]) == pytest.approx(-asked, abs=0.025)


@pytest.mark.parametrize(("key", "direction_deg"), [("forward", 0), ("left", 90), ("back", 180), ("right", -90)])
def test_keys_move_along_the_view(open_floor, key, direction_deg):
    act(open_floor, camera_yaw_right_deg=17.0)
    x, y, angle = open_floor.pose
    act(open_floor, steps=4, **{key: 1.0})
    moved = np.array(open_floor.pose[:2]) - (x, y)
    assert np.hypot(*moved) > 60
    assert angle_difference(angle + direction_deg, np.rad2deg(np.arctan2(moved[1], moved[0]))) == pytest.approx(
        0, abs=1
    )


def test_standing_on_acid_ends_in_death(open_floor):
    frame, _ = open_floor.reset(seed=4)
    codec = ActionCodec.from_space(open_floor.action_space)
    health, terminated, rewards = open_floor.health, False, []
    while not terminated:
        assert len(rewards) < 524, "survived"
        frame, reward, terminated, truncated, info = open_floor.step(codec.decode(codec.vector()))
        rewards.append(reward)
        assert not truncated
        expected = (-1.0 if terminated else 0.04) + (info["health"] - health) / 100
        # The engine counts the tics of the last step up to the death.
        assert reward == pytest.approx(expected, abs=0.041 if terminated else 1e-9)
        health = info["health"]
        lit = (frame[-1, :, 0] > 150).sum()
        assert abs(lit - health / 100 * 64) <= 1, "the bar shows the health"
    assert health == 0
    with pytest.raises(gymnasium.error.ResetNeeded):
        open_floor.step(codec.decode(codec.vector()))


def test_the_vest_ends_the_episode_with_its_reward():
    game = DoomEnv("my_way_home")
    seed = next(seed for seed in range(100) if _starts_beside_the_vest(game, seed))
    codec = ActionCodec.from_space(game.action_space)
    game.reset(seed=seed)
    for _ in range(100):
        x, y, angle = game.pose
        wanted = np.rad2deg(np.arctan2(-352 - y, 1040 - x))
        yaw = np.clip(-angle_difference(angle, wanted), -20, 20)
        *_, reward, terminated, truncated, _ = game.step(
            codec.decode(codec.vector(forward=1, camera_yaw_right_deg=yaw))
        )
        if terminated:
            break
    game.close()
    assert terminated and not truncated
    assert reward == pytest.approx(1.0, abs=0.001)


def _starts_beside_the_vest(game, seed):
    game.reset(seed=seed)
    return np.hypot(game.pose[0] - 1040, game.pose[1] + 352) < 300


def test_the_time_limit_truncates():
    game = DoomEnv("my_way_home", height=16, width=16)
    game.reset(seed=0)
    codec = ActionCodec.from_space(game.action_space)
    ends = [game.step(codec.decode(codec.vector(camera_yaw_right_deg=5)))[2:4] for _ in range(game.max_steps)]
    game.close()
    assert game.max_steps == 522
    assert ends == [(False, False)] * 521 + [(False, True)]


def test_instances_are_independent():
    actions = random_actions(DoomEnv("my_way_home"), 20)
    one, two = DoomEnv("my_way_home"), DoomEnv("my_way_home")
    alone = play(one, actions, 8)
    one.reset(seed=8)
    two.reset(seed=9)
    codec = ActionCodec.from_space(one.action_space)
    for action, (frame, _, _) in zip(actions, alone[1:], strict=True):
        two.step(codec.decode(codec.vector(forward=1)))
        assert np.array_equal(one.step(codec.decode(action))[0], frame)
    one.close()
    two.close()


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "engine"))
    (tmp_path / "engine").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    game = DoomEnv("health_gathering")
    game.reset(seed=0)
    game.ground_truth()
    assert os.listdir(tmp_path) == ["engine"]
    game.close()
    assert os.listdir(tmp_path / "engine") == []
    game.reset(seed=0)  # a closed game can be opened again
    game.close()


def test_it_is_what_it_says_it_is(env):
    assert isinstance(env, Replays)
    assert isinstance(env, HasGroundTruth)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"scenario": "my_way_hom"}, "Did you mean 'my_way_home'"),
        ({"scenario": "my_way_home", "height": 5000}, "height=5000"),
        ({"scenario": "my_way_home", "render_mode": "human"}, "render_mode='human'"),
    ],
)
def test_wrong_arguments_are_named(kwargs, message):
    with pytest.raises(WorldsimError, match=message):
        DoomEnv(**kwargs)


def test_a_replay_past_the_end_is_refused(open_floor):
    codec = ActionCodec.from_space(open_floor.action_space)
    with pytest.raises(WorldsimError, match="ends before"):
        open_floor.replay(4, np.tile(codec.vector(), (400, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"camera_yaw_right_deg": np.array([np.nan])}, "camera_yaw_right_deg"),
        ({"camera_yaw_right_deg": np.array([25.0])}, "camera_yaw_right_deg"),
        ({"forward": 2}, "forward=2"),
        ({"attack": 1}, "unknown entry 'attack'"),
    ],
)
def test_an_action_outside_of_the_space_is_refused(open_floor, change, message):
    codec = ActionCodec.from_space(open_floor.action_space)
    place = open_floor.pose
    with pytest.raises(WorldsimError, match=message):
        open_floor.step(codec.decode(codec.vector()) | change)
    assert open_floor.pose == place


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="this system cannot tie a process to another")
def test_the_engine_dies_with_the_process_that_reads_it():
    script = """
import time
from envs.doom.env import DoomEnv
env = DoomEnv("basic", height=16, width=16)
env.reset(seed=0)
print("ready", flush=True)
time.sleep(600)
"""
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "ready\n"
    engines = children_of(worker.pid)
    assert engines
    worker.kill()
    worker.wait()
    worker.stdout.close()
    deadline = time.monotonic() + 30
    while any(is_running(engine) for engine in engines) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(engine) for engine in engines)


def children_of(parent):
    """Of all its threads: the library starts the engine from one of its own."""
    found = []
    for task in os.listdir(f"/proc/{parent}/task"):
        with open(f"/proc/{parent}/task/{task}/children") as file:
            found += [int(number) for number in file.read().split()]
    return found


def is_running(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

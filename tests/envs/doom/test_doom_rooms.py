"""Rooms of our own in the real engine: a seed gives a room, what is written is loaded, things can be changed."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.seeding import stream

pytest.importorskip("vizdoom")

from envs.doom import rooms
from envs.doom.env import DoomEnv
from envs.doom.level import parse_level
from envs.doom.wad import read_lump
from envs.policies.doom_experts import DoomExpert
from envs.policies.doom_walker import Walker

ROOMS = ("pillars", "corridor", "rooms")


@pytest.fixture
def make():
    opened = []

    def opener(scenario, **kwargs):
        opened.append(DoomEnv(scenario, **kwargs))
        return opened[-1]

    yield opener
    for env in opened:
        env.close()


def act(env, **channels):
    return env.step(env._codec.decode(env._codec.vector(**channels)))


@pytest.mark.parametrize("name", ROOMS)
def test_the_engine_loads_what_was_written(make, name):
    env = make(name, height=16, width=16)
    levels = []
    for seed in range(2):
        env.reset(seed=seed)
        env.ground_truth()
        level = env.level
        levels.append(level)
        drawn = [(s.floor_height, s.ceiling_height) for s in env.state.sectors]
        assert np.array_equal(drawn, level.heights)
        lines = {frozenset(((line.x1, line.y1), (line.x2, line.y2))) for s in env.state.sectors for line in s.lines}
        assert lines == {frozenset(((x1, y1), (x2, y2))) for x1, y1, x2, y2 in level.lines.tolist()}
        start = env._room.things[0]
        assert env.pose == pytest.approx((start.x, start.y, start.angle_deg), abs=0.5)
    first, second = (sorted(map(tuple, level.lines.tolist())) for level in levels)
    assert first != second


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_is_whole(name):
    """Everything in a room can be walked to, and a level is a function of its seed."""
    make_room = getattr(rooms, name)
    for seed in range(6):
        room = make_room(stream(seed, "room"))
        text = room.text()
        assert text == make_room(stream(seed, "room")).text()
        level = parse_level(text)
        assert read_lump(rooms.room_wad(text), "TEXTMAP").decode().rstrip() == text.rstrip()
        assert len(rooms.room_wad(text)) == len(rooms.room_wad(""))
        walker = Walker.__new__(Walker)
        walker.env, walker._level, walker._floor = type("Game", (), {"level": level})(), None, None
        start = (room.things[0].x, room.things[0].y)
        places = walker.floor(start).places
        wanted = [thing for thing in room.things if thing.type in (*rooms.BONUSES, rooms.VEST)]
        assert len(wanted) >= 4
        for thing in wanted:
            assert np.hypot(*(places - (thing.x, thing.y)).T).min() < 24, (seed, thing)


def test_a_door_opens_for_who_uses_it_and_shuts_again(make):
    env = make("corridor", height=120, width=160)
    env.reset(seed=3)
    policy = DoomExpert(env)
    policy.reset(3)
    door, seen, frame = None, [], None
    for _ in range(200):
        action = policy.act(frame)
        used = action[policy.codec.index("use")] > 0
        frame, *_ = env.step(policy.codec.decode(action))
        if used:
            break
    assert used
    truth = env.ground_truth()
    door = min(
        (thing for thing in truth.objects if thing.cls == "Door"),
        key=lambda thing: np.hypot(*np.subtract(thing.position_m[:2], truth.camera.T_world_camera[:2, 3])),
    )
    for _ in range(110):
        act(env)
        now = next(thing for thing in env.ground_truth().objects if thing.id == door.id)
        seen.append((now.position_m[2], now.visible_pixels))
    heights, pixels = zip(*seen, strict=True)
    assert max(heights) > 2, "it opens as high as a player is"
    assert heights[-1] == 0, "and shuts"
    assert pixels[-1] > 4 * min(pixels), "an open door is little to be seen"


def test_bonuses_and_the_vest_pay(make):
    env = make("corridor", height=16, width=16)
    policy = DoomExpert(env)
    frame, _ = env.reset(seed=1)
    policy.reset(1)
    bonuses = sum(thing.type in rooms.BONUSES for thing in env._room.things)
    rewards, terminated = [], False
    while not terminated and len(rewards) < 300:
        frame, reward, terminated, _, _ = env.step(policy.codec.decode(policy.act(frame)))
        rewards.append(reward)
    assert terminated
    assert rewards[-1] == pytest.approx(rooms.GOAL_REWARD, abs=0.11)
    assert sum(rewards) == pytest.approx(rooms.GOAL_REWARD + bonuses * rooms.ITEM_REWARD, abs=0.11)


def test_one_thing_is_removed_and_nothing_else_changes(make):
    env = make("pillars", height=120, width=160)
    env.reset(seed=0)
    for _ in range(6):
        act(env, camera_yaw_right_deg=8.0)
    before, frame = env.ground_truth(), env.render() if env.render_mode else env._observation().copy()
    target = max(before.objects, key=lambda thing: thing.visible_pixels)
    assert target.visible_pixels > 10
    without = env.intervene("remove", object_id=target.id).copy()
    after = env.ground_truth()
    assert {thing.id for thing in before.objects} - {thing.id for thing in after.objects} == {target.id}
    changed = (frame != without).any(axis=-1)
    assert changed.any()
    assert not (changed & (before.instance_ids != target.id)).any(), "only its own pixels change"
    assert np.array_equal(before.camera.T_world_camera, after.camera.T_world_camera)
    # The future is the same but for the thing, and it is the same future every time.
    later = [act(env, camera_yaw_right_deg=-3.0)[0] for _ in range(5)]
    env.reset(seed=0)
    for _ in range(6):
        act(env, camera_yaw_right_deg=8.0)
    env.intervene("remove", object_id=target.id)
    assert all(np.array_equal(frame, act(env, camera_yaw_right_deg=-3.0)[0]) for frame in later)


def test_things_are_moved_and_added(make):
    env = make("rooms", height=120, width=160)
    env.reset(seed=2)
    act(env)
    truth = env.ground_truth()
    eye = truth.camera.T_world_camera[:3, 3]
    moved = next(thing for thing in truth.objects if thing.cls in ("HealthBonus", "ArmorBonus"))
    ways = np.deg2rad(np.arange(0, 360, 45))
    free = []
    for place in eye + 1.5 * np.stack([np.cos(ways), np.sin(ways), 0 * ways], axis=-1):
        with contextlib.suppress(WorldsimError):  # a wall is there
            env.intervene("teleport", object_id=moved.id, position_m=tuple(place))
            now = next(thing for thing in env.ground_truth().objects if thing.id == moved.id)
            assert now.position_m[:2] == pytest.approx(place[:2], abs=0.05)
            free.append(place)
    assert free
    count = len(env.ground_truth().objects)
    env.intervene("add", cls="Stimpack", position_m=tuple(free[0]))
    assert len(env.ground_truth().objects) == count + 1
    assert now in env.ground_truth().objects, "the first change stays"


@pytest.mark.parametrize(
    ("name", "details", "message"),
    [
        ("remove", {"object_id": 12345}, "object_id=12345 is none of the things"),
        ("add", {"cls": "Cacodemn", "position_m": (1, 1)}, "unknown class to add 'Cacodemn'"),
        ("add", {"cls": "Medikit"}, "position_m=None: give x and y"),
        ("add", {"cls": "Column", "position_m": (-500.0, -500.0)}, "outside of the level"),
        ("explode", {}, "unknown intervention 'explode'"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(make, name, details, message):
    env = make("pillars", height=48, width=64)
    env.reset(seed=5)
    with pytest.raises(WorldsimError, match="has taken a step"):
        env.intervene("remove", object_id=1)
    frame = act(env, forward=1)[0].copy()
    with pytest.raises(WorldsimError, match=message):
        env.intervene(name, **details)
    assert np.array_equal(env._observation(), frame)


def test_bundled_scenarios_offer_no_interventions(make):
    env = make("my_way_home", height=16, width=16)
    env.reset(seed=0)
    act(env)
    assert env.interventions() == ()
    with pytest.raises(UnknownNameError, match="unknown intervention 'remove'"):
        env.intervene("remove", object_id=1)

"""Doom's ground truth against what the engine draws, at 320x240."""

from __future__ import annotations

import numpy as np
import pytest

from envs.doom.env import DoomEnv
from envs.doom.ground_truth import FIRST_DOOR_ID, UNITS_PER_METRE
from envs.policies.doom_explorer import DoomExplorer

vizdoom = pytest.importorskip("vizdoom")

# The engine's labels for what is no object.
WALL, FLOOR_OR_CEILING = 0, 1


@pytest.fixture(params=["my_way_home", "health_gathering", "rooms"])
def walk(request):
    """A game at 320x240 and a function that explores for some steps and returns the frame reached."""
    env = DoomEnv(request.param, height=240, width=320)
    policy = DoomExplorer(env)

    def go(seed, steps):
        frame, _ = env.reset(seed=seed)
        policy.reset(seed)
        for _ in range(steps):
            frame, _, terminated, _, _ = env.step(policy.codec.decode(policy.act(frame)))
            assert not terminated
        return frame

    yield env, go
    env.close()


def pixel_rays(K, height, width):
    """Directions (H, W, 3) of the pixel centres with z = 1."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([(columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1], np.ones((height, width))], axis=-1)


def world_points(truth):
    rays = pixel_rays(truth.camera.K, *truth.depth_m.shape)
    pose = truth.camera.T_world_camera
    return (rays * truth.depth_m[..., None]) @ pose[:3, :3].T + pose[:3, 3]


def test_surfaces_are_where_the_engine_draws_them(walk):
    env, go = walk
    agreement = []
    for seed in range(6):
        go(seed, 12)
        truth = env.ground_truth()
        height_m = world_points(truth)[..., 2]
        sectors = env.state.sectors or ()  # doors may be half open
        heights = [(sector.floor_height, sector.ceiling_height) for sector in sectors] or env.level.heights
        planes_m = np.unique(heights) / UNITS_PER_METRE
        flat = (np.abs(height_m[..., None] - planes_m) < 1e-3).any(axis=-1)
        labels = env.state.labels_buffer
        no_object = labels <= FLOOR_OR_CEILING
        agree = (flat == (labels == FLOOR_OR_CEILING))[no_object]
        agreement.append(agree.mean())
        assert truth.depth_m.min() > 0 and np.isfinite(truth.depth_m).all()
    # What is left are pixels on the edges themselves; a principal point one pixel off costs half a percent.
    assert min(agreement) > 0.994
    assert np.mean(agreement) > 0.998


def test_points_of_one_frame_are_found_in_the_next(walk):
    env, go = walk
    misses, differences, unmoved = [], [], []
    for seed in range(5):
        first_frame = go(seed, 8).astype(int)
        first = env.ground_truth()
        codec = DoomExplorer(env).codec
        for action in (codec.vector(left=1, camera_yaw_right_deg=6.0), codec.vector(left=1)):
            second_frame, *_ = env.step(codec.decode(action))
        second = env.ground_truth()
        to_camera = np.linalg.inv(second.camera.T_world_camera)
        points = world_points(first) @ to_camera[:3, :3].T + to_camera[:3, 3]
        pixels = points @ second.camera.K.T
        with np.errstate(divide="ignore", invalid="ignore"):
            u, v = pixels[..., 0] / pixels[..., 2], pixels[..., 1] / pixels[..., 2]
        # The last rows carry the health bar.
        inside = (points[..., 2] > 0.1) & (u > 0) & (u < 319) & (v > 0) & (v < 229) & (np.arange(240) < 230)[:, None]
        inside &= (first.instance_ids == 0) & (first.depth_m < 8)
        columns, rows = np.rint(u[inside]).astype(int), np.rint(v[inside]).astype(int)
        off = np.abs(second.depth_m[rows, columns] / points[..., 2][inside] - 1)
        misses.append((off > 0.05).mean())
        seen = off < 0.05
        colours = first_frame[inside][seen]
        differences.append(np.abs(colours - second_frame.astype(int)[rows[seen], columns[seen]]).mean())
        unmoved.append(np.abs(colours - second_frame.astype(int)[inside][seen]).mean())
    # Some points are hidden in the second frame; the textures are drawn without filtering, hence a loose bound.
    assert np.mean(misses) < 0.08
    assert np.mean(differences) < 0.75 * np.mean(unmoved)


def share_that_lands(one, other):
    """Of the co-visible pixels of the level itself, how many land within a pixel and 2 % of the depth seen there."""
    to_camera = np.linalg.inv(other.camera.T_world_camera)
    level = one.instance_ids == 0  # doors are objects: they move
    points = world_points(one)[level] @ to_camera[:3, :3].T + to_camera[:3, 3]
    points = points[points[:, 2] > 0.1]
    pixels = points @ other.camera.K.T
    column, row = np.rint(pixels[:, :2] / pixels[:, 2:]).astype(int).T
    inside = (row >= 1) & (row < 239) & (column >= 1) & (column < 319)
    row, column, depth = row[inside], column[inside], points[inside, 2]
    around = [other.depth_m[row + dy, column + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    nearest, farthest = np.min(around, axis=0), np.max(around, axis=0)
    hidden = depth > 1.02 * farthest
    landed = ~hidden & (depth > 0.98 * nearest)
    return landed.sum() / max(1, (~hidden).sum()), (~hidden).sum()


@pytest.mark.parametrize("scenario", ["my_way_home", "predict_position", "corridor"])
def test_the_level_reprojects(scenario):
    """Measured at 320x240: 100.0 % of the level's co-visible pixels; with the things, which turn with the viewer and
    have no place in space, 98.4 % in the worst scenario (corridor)."""
    env = DoomEnv(scenario, height=240, width=320)
    policy = DoomExplorer(env)
    frame, _ = env.reset(seed=3)
    policy.reset(3)
    truths = []
    for step in range(40):
        frame, _, terminated, _, _ = env.step(policy.codec.decode(policy.act(frame)))
        if terminated:
            break
        if step % 10 == 5:
            truths.append(env.ground_truth())
    env.close()
    shares = [share_that_lands(a, b) for a in truths for b in truths if a is not b]
    seen = sum(count for _, count in shares)
    assert seen > 10_000
    assert sum(share * count for share, count in shares) / seen > 0.999


@pytest.mark.parametrize("scenario", ["my_way_home", "rooms"])
def test_depth_is_the_engines_own(scenario, monkeypatch):
    """The engine's depth buffer has steps of 7.13 map units: d stands for about 7.15 d + 9.5."""

    class WithDepth(vizdoom.DoomGame):
        def init(self):
            self.set_depth_buffer_enabled(True)
            super().init()

    monkeypatch.setattr("vizdoom.DoomGame", WithDepth)
    env = DoomEnv(scenario, height=240, width=320)
    policy = DoomExplorer(env)
    frame, _ = env.reset(seed=1)
    policy.reset(1)
    close = []
    for step in range(40):
        frame, *_ = env.step(policy.codec.decode(policy.act(frame)))
        if step % 10 == 9:
            truth = env.ground_truth()
            level = (truth.instance_ids == 0) | (truth.instance_ids >= FIRST_DOOR_ID)
            ours = truth.depth_m[level] * UNITS_PER_METRE
            engines = 7.15 * env.state.depth_buffer[level] + 9.5
            close.append((np.abs(ours - engines) < np.maximum(8.0, 0.03 * ours)).mean())
    env.close()
    assert np.mean(close) > 0.9
    assert min(close) > 0.8


def test_ids_are_the_objects_in_the_picture():
    env = DoomEnv("health_gathering", height=240, width=320)
    env.reset(seed=2)
    codec = DoomExplorer(env).codec
    positions = {}
    checked = 0
    for _ in range(30):
        env.step(codec.decode(codec.vector(camera_yaw_right_deg=12.0)))
        truth = env.ground_truth()
        to_camera = np.linalg.inv(truth.camera.T_world_camera)
        ids = {thing.id for thing in truth.objects}
        assert set(np.unique(truth.instance_ids)) <= ids | {0}
        for thing in truth.objects:
            assert thing.id > 0
            assert thing.cls == "Medikit"
            mask = truth.instance_ids == thing.id
            assert mask.sum() == thing.visible_pixels
            point = to_camera @ [*thing.position_m, 1.0]
            if thing.visible_pixels and thing.velocity_m_s[2] == 0:
                known = positions.setdefault(thing.id, thing.position_m)
                assert known == pytest.approx(thing.position_m, abs=1e-3), "an id is the same medikit all the time"
            columns = np.flatnonzero(mask.any(axis=0))
            if len(columns) > 5 and columns[0] > 0 and columns[-1] < 319:
                u = truth.camera.K[0] @ point[:3] / point[2]
                assert u == pytest.approx(columns.mean(), abs=1.5 + 0.1 * len(columns))
                assert truth.depth_m[mask] == pytest.approx(point[2], rel=1e-4)
                checked += 1
    env.close()
    assert checked > 20


def test_asking_changes_nothing():
    """The first call restarts the engine with labels; episode and frames go on as if it had not."""
    asked, silent = DoomEnv("health_gathering"), DoomEnv("health_gathering")
    codec = DoomExplorer(asked).codec
    asked.reset(seed=6)
    silent.reset(seed=6)
    for step in range(120):
        action = codec.decode(codec.vector(forward=step % 3 > 0, camera_yaw_right_deg=(step * 7) % 40 - 20))
        (frame, *rest), (same, *same_rest) = asked.step(action), silent.step(action)
        assert np.array_equal(frame, same)
        assert rest == same_rest
        if step == 40:
            asked.ground_truth()
        if rest[1]:
            break
    asked.close()
    silent.close()


def test_a_replay_finds_the_same_ids():
    env = DoomEnv("health_gathering")
    env.reset(seed=1)
    codec = DoomExplorer(env).codec
    actions = np.tile(codec.vector(forward=1, camera_yaw_right_deg=4.0), (50, 1))
    for action in actions:
        env.step(codec.decode(action))
    truth = env.ground_truth()
    env.replay(1, actions)
    again = env.ground_truth()
    env.close()
    assert np.array_equal(truth.instance_ids, again.instance_ids)
    assert truth.objects == again.objects
    assert len({thing.id for thing in truth.objects}) == len(truth.objects) > 16, "medikits appear as time goes by"


def test_the_end_has_a_ground_truth():
    env = DoomEnv("health_gathering")
    frame, _ = env.reset(seed=1)
    codec = DoomExplorer(env).codec
    terminated = False
    while not terminated:
        frame, _, terminated, _, _ = env.step(codec.decode(codec.vector()))
    late = env.ground_truth()
    prompt = DoomEnv("health_gathering")
    prompt.reset(seed=1)
    prompt.ground_truth()
    terminated = False
    while not terminated:
        same, _, terminated, _, _ = prompt.step(codec.decode(codec.vector()))
    truth = prompt.ground_truth()
    env.close()
    prompt.close()
    assert np.array_equal(frame, same)
    assert np.array_equal(late.depth_m, truth.depth_m)
    assert np.array_equal(late.instance_ids, truth.instance_ids)
    assert late.objects == truth.objects


@pytest.mark.parametrize(("height", "width"), [(48, 64), (128, 128), (240, 320), (90, 200)])
def test_every_size_has_the_same_rays(height, width):
    """Whatever the size, the corners of the frame are the same directions, and so is what one sees there."""
    env = DoomEnv("my_way_home", height=height, width=width)
    env.reset(seed=2)
    truth = env.ground_truth()
    env.close()
    K = truth.camera.K
    assert truth.depth_m.shape == truth.instance_ids.shape == (height, width)
    left, right = ((edge - K[0, 2]) / K[0, 0] for edge in (-0.5, width - 0.5))
    top, bottom = ((edge - K[1, 2]) / K[1, 1] for edge in (-0.5, height - 0.5))
    # The engine's own half pixel off the centre is larger on smaller screens.
    assert (left, right) == pytest.approx((-1.0, 1.0), abs=0.01)
    assert (top, bottom) == pytest.approx((-0.625, 0.625), abs=0.01)

"""The maps gallery and stage, branches on every map, sizes, and the light of the day."""

import numpy as np
import pytest

from envs.voxel import kinds
from envs.voxel.maps import MAPS, gallery, stage
from worldsim.core.errors import UnknownNameError, WorldsimError

HELD = ("forward", "back", "left", "right", "jump", "use", "attack", "hotbar.1", "hotbar.2")


def branch(play_at, name, count):
    """From random points the same actions lead to the same bits: frames, depth, ids, rewards, all arrays."""
    kwargs = {"map_options": {"fixed_camera": False}} if name == "stage" else {}
    game = play_at(20, 20, map=name, seed=5, **kwargs)
    rng = np.random.default_rng(1)

    def play(steps):
        for step in steps:
            frame, reward, terminated, _, _ = game.act(**step)
            truth = game.env.ground_truth()
            yield frame, reward, terminated, truth.depth_m, truth.instance_ids, game.env.body.copy()

    def actions(length):
        for _ in range(length):
            buttons = {n: 1.0 for n in HELD if rng.random() < 0.3}
            yield {"pitch": float(rng.normal() * 3), "yaw": float(rng.normal() * 8), **buttons}

    for point in range(count):
        if point % 20 == 0:
            game.env.reset(seed=point)
        for step in actions(8):
            game.act(**step)
        snapshot, steps = game.env.get_state(), list(actions(6))
        first = list(play(steps))
        end = game.env.get_state()
        game.env.set_state(snapshot)
        for one, other in zip(first, play(steps), strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        again = game.env.get_state()
        assert end.keys() == again.keys()
        assert all(np.array_equal(end[key], again[key]) for key in end)


@pytest.mark.parametrize("name", MAPS.names())
def test_branches_are_exact(play_at, name):
    branch(play_at, name, 15)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS.names())
def test_a_hundred_branches_are_exact(play_at, name):
    branch(play_at, name, 100)


@pytest.mark.parametrize("seed", range(12))
def test_every_gallery_has_what_it_promises_and_all_rooms_can_be_reached(seed):
    made = gallery.generate(seed)
    classes = [cls for _, cls, *_ in made.objects]
    assert classes.count("door") == 7
    assert classes.count("canvas") >= 2
    assert classes.count("cake") == 3
    assert classes.count("switch") == 2
    assert len(made.lamps) == 2
    assert classes.count("beacon") == 1
    switches = {number for number, cls, *_ in made.objects if cls == "switch"}
    for switch, *cell in made.lamps:
        assert switch in switches
        assert made.blocks[tuple(cell)] == kinds.LAMP_OFF
        place = next(place for number, _, *place in made.objects if number == switch)
        assert np.linalg.norm(np.array(cell) - place) > 3  # elsewhere
    free = ~kinds.TABLES.solid[made.blocks] | (kinds.TABLES.use[made.blocks] == kinds.OPEN)
    floor = free[:, gallery.FLOOR_Y] & free[:, gallery.FLOOR_Y + 1]
    assert _reached(floor, tuple(int(n) for n in np.array(made.spawn)[[0, 2]])) == floor.sum()


def _reached(floor, start):
    seen, edge = {start}, [start]
    while edge:
        x, z = edge.pop()
        for cell in ((x + 1, z), (x - 1, z), (x, z + 1), (x, z - 1)):
            if floor[cell] and cell not in seen:
                seen.add(cell)
                edge.append(cell)
    return len(seen)


def watch(play_at, scenario, steps, seed=3, **kwargs):
    """Ground truth of a passive episode on the stage."""
    game = play_at(64, 64, map="stage", seed=seed, map_options={"scenario": scenario}, **kwargs)
    truths = [game.env.ground_truth()]
    for _ in range(steps):
        game.act()
        truths.append(game.env.ground_truth())
    return truths


def test_the_screen_hides_what_is_on_the_table_and_shows_it_again(play_at):
    truths = watch(play_at, "occluder", 260)
    seen = np.array([[o.visible_pixels for o in truth.objects if o.cls.endswith("_block")] for truth in truths])
    alive = [o.alive for truth in truths for o in truth.objects]
    assert all(alive)  # hidden is not gone
    assert (seen.max(0) > 10).all()
    assert (seen == 0).all(1).any()
    hidden = np.flatnonzero((seen == 0).all(1))
    assert (seen[hidden[-1] :].max(0) > 10).all()
    first, last = truths[0], truths[-1]
    assert [o.id for o in first.objects] == [o.id for o in last.objects]
    assert all(
        a.position_m == b.position_m for a, b in zip(first.objects, last.objects, strict=True) if "_block" in a.cls
    )


def test_creatures_pass_behind_the_wall_at_a_steady_pace(play_at):
    hidden = moved = 0
    for seed in range(3):
        truths = watch(play_at, "passage", 330, seed)
        for walker in (o.id for o in truths[0].objects if o.cls in ("pig", "sheep", "slime")):
            path = [truth.objects[walker - 1] for truth in truths]
            pixels = np.array([o.visible_pixels for o in path])
            x = np.array([o.position_m[0] for o in path])
            speed = np.diff(x)[20:] * 20
            told = np.array([o.velocity_m_s[0] for o in path])[21:]
            assert speed == pytest.approx(told, abs=1e-6)
            moved += np.median(np.abs(speed)) > 1.0
            before, after = np.maximum.accumulate(pixels), np.maximum.accumulate(pixels[::-1])[::-1]
            inside = np.abs(x - 13) < 1.5  # behind the middle of the wall, not outside of the picture
            hidden += ((pixels == 0) & (before > 0) & (after > 0) & inside).any()
    assert moved >= 3
    assert hidden >= 3


def test_sand_falls_like_a_body_and_lies_still(play_at):
    truths = watch(play_at, "falling", 220)
    sand = [o.id for o in truths[0].objects if o.cls == "falling_sand"]
    heights = np.array([[truth.objects[n - 1].position_m[1] for n in sand] for truth in truths])
    assert (np.diff(heights, axis=0) <= 1e-9).all()
    assert np.allclose(heights[-1] % 1, 0.5)
    assert (heights[0] - heights[-1] >= 2).all()
    falls = np.diff(heights[:, 0])
    start = int(np.flatnonzero(falls < 0)[0])
    assert np.allclose(np.diff(falls[start : start + 6]), -0.08, atol=0.01)  # m/step each step, less the drag
    assert all(truths[-1].objects[n - 1].alive for n in sand)


def test_the_camera_of_the_stage_stands_still_and_can_be_let_go(play_at):
    game = play_at(32, 32, map="stage", map_options={"scenario": "table"})
    first = game.act()[0]
    moved = game.act(10, yaw=9, pitch=3, forward=1, sneak=1, jump=1)[0]
    assert (first == moved).all()
    free = play_at(32, 32, map="stage", map_options={"scenario": "table", "fixed_camera": False})
    assert (free.act()[0] == first).all()
    assert (free.act(10, yaw=9, forward=1)[0] != first).any()


def test_scenarios_are_drawn_by_the_seed():
    drawn = {tuple(sorted({cls for _, cls, *_ in stage.generate(seed).objects} & {"screen", "wall", "table"}))
             for seed in range(20)}  # fmt: skip
    assert len(drawn) >= 3


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"map": "aren"}, "unknown voxel map 'aren'. Did you mean 'arena'"),
        ({"map": "stage", "map_options": {"scenari": "table"}}, "no option 'scenari'. Did you mean 'scenario'"),
        (
            {"map": "stage", "map_options": {"scenario": "tabel"}},
            "unknown stage scenario 'tabel'. Did you mean 'table'",
        ),
        ({"height": 0}, "16x16 to 1024x1024 pixels; got height=0"),
        ({"width": 2000}, "got height=64, width=2000"),
        ({"time_of_day": 25.0}, "hour from 0 to 24, 12 for noon; got 25"),
        ({"day_length_steps": -1}, "positive; got -1"),
    ],
)
def test_wrong_options_are_named(play_at, kwargs, message):
    with pytest.raises((WorldsimError, UnknownNameError), match=message):
        play_at(**kwargs)


@pytest.mark.parametrize(("height", "width"), [(17, 31), (16, 200), (1024, 16), (33, 33)])
def test_odd_and_long_sizes_are_drawn_through_the_same_lens(play_at, height, width):
    game = play_at(height, width, map="gallery", seed=1)
    truth = game.env.ground_truth()
    assert game.act()[0].shape == (height, width, 3)
    assert np.isfinite(truth.depth_m).mean() > 0.3
    assert 2 * np.degrees(np.arctan(height / 2 / truth.camera.K[1, 1])) == pytest.approx(70)


def test_it_gets_dark_and_bright_again(play_at):
    bright = {}
    for hour in (0.0, 6.2, 9.0, 12.0, 15.0, 17.8, 23.0):
        game = play_at(map="arena", seed=3, time_of_day=hour, hud=False)
        frame, depth = game.act()[0].astype(float), game.env.ground_truth().depth_m
        bright[hour] = frame[np.isfinite(depth)].mean(), frame[np.isinf(depth)].mean()
    noon = bright[12.0]
    assert bright[9.0] == noon == bright[15.0]
    for hour in (0.0, 23.0):
        assert bright[hour][0] < 0.4 * noon[0]
        assert bright[hour][1] < 0.3 * noon[1]
    for hour in (6.2, 17.8):
        assert 0.35 * noon[0] < bright[hour][0] < 0.95 * noon[0]


def test_the_day_runs_with_the_steps_and_goes_round(play_at):
    game = play_at(24, 24, day_length_steps=48)
    light = [float(game.act()[0].mean()) for _ in range(96)]
    assert light[:48] == light[48:]
    assert min(light) < 0.5 * max(light)
    still = play_at(24, 24)
    assert len({float(still.act()[0].mean()) for _ in range(48)}) == 1


def test_at_night_a_lamp_lights_what_is_near_it_and_nothing_else(play_at):
    game = play_at(map="gallery", seed=1, time_of_day=0.0, hud=False)
    switch, x, y, z = game.env.world.lamps[0].tolist()
    game.stand(x + (2.5 if x < 12 else -1.5), z + 0.5, yaw=90 if x < 12 else -90, pitch=-20, empty=False)
    dark, truth = game.act()[0], game.env.ground_truth()
    game.env.blocks[x, y, z] = kinds.LAMP_ON
    lit = game.act()[0]
    brighter = (lit.astype(int) - dark).sum(-1)
    assert (brighter >= 0).all()
    assert (brighter > 30).mean() > 0.2
    rows, columns = np.nonzero(np.isfinite(truth.depth_m))
    depth = truth.depth_m[rows, columns]
    K, T = truth.camera.K, truth.camera.T_world_camera
    points = np.stack([(columns - K[0, 2]) / K[0, 0] * depth, (rows - K[1, 2]) / K[1, 1] * depth, depth], -1)
    far = np.linalg.norm(points @ T[:3, :3].T + T[:3, 3] - (x + 0.5, y + 0.5, z + 0.5), axis=1)
    assert (brighter[rows, columns][far > 7.01] == 0).all()
    assert switch in game.find("switch")

import numpy as np
import pytest

from envs.voxel import kinds
from envs.voxel.maps import arena


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 80)])
def test_depth_and_camera_land_on_the_faces_of_the_blocks_named_by_ids(play_at, height, width):
    game = play_at(height, width)
    for seed in range(6):
        game.env.reset(seed=seed)
        game.wander(40, seed)
        truth = game.env.ground_truth()
        seen = np.isfinite(truth.depth_m)
        assert seen.mean() > 0.3
        points = game.world_points(truth)[seen]
        off_face = np.abs(points - points.round()).min(-1)
        assert off_face.max() < 1e-4
        rays = points - truth.camera.T_world_camera[:3, 3]
        inside = points + 2e-4 * rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        x, y, z = np.floor(inside).astype(int).T
        assert (game.env.blocks[x, y, z] != kinds.AIR).mean() > 0.998  # a ray may graze an edge
        assert (game.env.ids[x, y, z] == truth.instance_ids[seen]).mean() > 0.998
        assert (truth.instance_ids[~seen] == 0).all()


@pytest.mark.parametrize("name", ["arena", "gallery"])
def test_pixels_reproject_onto_the_same_surface_in_another_view(play_at, name):
    """Doors, cakes and creatures of the gallery included, which are boxes and not whole blocks."""
    game, fine = play_at(map=name), play_at(512, 512, map=name)
    compared = 0
    for seed in range(6):
        game.env.reset(seed=seed)
        game.wander(30, seed)
        first = game.env.ground_truth()
        snapshot = game.env.get_state()
        snapshot["body"][:8] += (0.4, 0.1, -0.3, 0, 0, 0, 9, 4)
        fine.env.set_state(snapshot)
        if game.env.blocks[tuple(int(n) for n in fine.env.eye())]:
            continue  # the second eye would be in a wall
        second = fine.env.ground_truth()
        points = game.world_points(first)
        cam = (points - second.camera.T_world_camera[:3, 3]) @ second.camera.T_world_camera[:3, :3]
        with np.errstate(invalid="ignore", divide="ignore"):
            image = cam @ second.camera.K.T
            u, v = (image[..., 0] / image[..., 2]), (image[..., 1] / image[..., 2])
            inside = np.isfinite(first.depth_m) & (cam[..., 2] > 0.1) & (u > 0) & (u < 511) & (v > 0) & (v < 511)
        u, v = u[inside].round().astype(int), v[inside].round().astype(int)
        there, expected = second.depth_m[v, u], cam[inside][:, 2]
        covered = there < expected * 0.98 - 0.02
        assert covered.mean() < 0.25
        same = np.abs(there - expected) < 0.02 + 0.02 * expected
        same &= second.instance_ids[v, u] == first.instance_ids[inside]
        assert same[~covered].mean() > 0.99
        compared += int((~covered).sum())
    assert compared > 5_000


def test_camera_is_a_rotation_with_a_70_degree_view(game):
    game.act(pitch=11, yaw=37)
    camera = game.env.ground_truth().camera
    rotation = camera.T_world_camera[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert 2 * np.degrees(np.arctan(32 / camera.K[1, 1])) == pytest.approx(70)
    assert camera.K[0, 0] == camera.K[1, 1]


def test_objects_count_their_pixels_and_live_until_their_last_block_breaks(game):
    game.stand(10.5, 8.5, pitch=10)
    game.put(10, arena.FLOOR_Y, 11, kinds.HOTBAR[0], 1)
    game.put(10, arena.FLOOR_Y + 1, 11, kinds.HOTBAR[0], 1)
    before = game.env.ground_truth()
    for obj in before.objects:
        assert obj.visible_pixels == (before.instance_ids == obj.id).sum()
        assert obj.alive == (obj.id == 1)
    assert before.objects[0].visible_pixels > 50
    game.act(attack=1)
    assert game.env.ground_truth().objects[0].alive
    game.act(7, pitch=3)
    game.act(attack=1)
    assert not game.env.ground_truth().objects[0].alive


def test_truth_is_a_copy(game):
    truth = game.env.ground_truth()
    depth = truth.depth_m.copy()
    game.act(5, yaw=9)
    assert (truth.depth_m == depth).all()
    assert (game.env.ground_truth().depth_m != depth).any()


def test_classes_follow_the_state_of_things_and_ids_stay(gallery):
    """What a thing is called changes with it, also where it is changed from outside, undone or put back."""
    door = gallery.find("door")[0]
    switch, *cell = gallery.env.world.lamps[0].tolist()
    lamp, canvas = int(gallery.env.ids[tuple(cell)]), gallery.find("canvas")[0]
    classes = [gallery.object(number).cls for number in (door, lamp, switch, canvas)]
    assert classes == ["closed_door", "unlit_lamp", "off_switch", "canvas"]
    first = gallery.env.get_state()
    for number, expected in ((door, "open_door"), (switch, "on_switch"), (canvas, "painted_canvas_")):
        gallery.act()  # a hand that did something rests until it is let go
        assert gallery.face(number)
        gallery.act(use=1)
        assert gallery.object(number).cls.startswith(expected)
        assert gallery.object(number).id == number
    assert gallery.object(lamp).cls == "lit_lamp"
    assert gallery.object(canvas).cls == f"painted_canvas_{(gallery.env.world.paint > 0).sum()}"
    gallery.env.intervene("undo")
    assert gallery.object(canvas).cls == "canvas"
    gallery.env.set_state(first)
    assert [gallery.object(number).cls for number in (door, lamp, switch, canvas)] == classes
    x, _, z = gallery.env.body[:3]
    gallery.env.intervene("add", cls="bitten_cake_3", position_m=(x + 1.2, 2.5, z))
    assert gallery.env.ground_truth().objects[-1].cls == "placed_bitten_cake_3"


def test_a_block_in_the_topmost_layer_is_seen_from_below_and_above_it_is_sky(game):
    game.stand(10.5, 10.5, pitch=-85.0)
    centre = (game.env.height // 2, game.env.width // 2)
    assert np.isinf(game.env.ground_truth().depth_m[centre])
    top = game.env.blocks.shape[1] - 1
    game.put(10, top, 11, kinds.PLANKS, number=1)
    truth = game.env.ground_truth()
    assert truth.instance_ids[centre] == 1
    assert truth.depth_m[centre] == pytest.approx(top - game.env.eye()[1], rel=0.03)


@pytest.mark.parametrize("name", ["arena", "gallery"])
def test_the_table_after_many_steps_is_the_one_a_new_game_makes(play_at, name):
    game, fresh = play_at(map=name), play_at(map=name)
    for seed in range(4):
        game.env.reset(seed=seed)
        for part in range(6):
            game.wander(10, 10 * seed + part)
            before = game.env.ground_truth().objects
            fresh.env.set_state(game.env.get_state())
            assert fresh.env.ground_truth().objects == before
            visible = np.bincount(game.env.ground_truth().instance_ids.ravel(), minlength=len(before) + 1)
            assert [thing.visible_pixels for thing in before] == visible[1:].tolist()

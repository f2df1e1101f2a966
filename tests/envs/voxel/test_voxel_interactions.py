"""What hands and feet do to canvases, cakes, doors, switches, creatures, items and sand."""

import itertools

import numpy as np
import pytest

from envs.voxel import creatures, falling, kinds, state
from envs.voxel.maps import gallery as gallery_map


def test_use_paints_the_canvas_where_the_crosshair_is(gallery):
    canvas = gallery.find("canvas")[0]
    assert gallery.face(canvas)
    before, truth = gallery.env.render() or gallery.act()[0], gallery.env.ground_truth()
    after = gallery.act(use=1, **{"hotbar.1": 1})[0]
    assert gallery.events() == ["painted"]
    changed = (before != after).any(-1) & ~gallery.env.hud_mask()
    assert changed.sum() > 5
    assert (truth.instance_ids[changed] == canvas).all()
    rows, columns = np.nonzero(changed)
    assert abs(rows.mean() - 32) < 4  # the dab is around the crosshair
    assert abs(columns.mean() - 32) < 4
    red = after[changed].mean(0)
    assert red[0] > 2 * red[1]
    # A stroke: the brush goes on while it is held, and another slot is another colour.
    painted = (gallery.env.world.paint > 0).sum()
    gallery.act(3, yaw=4, use=1)
    assert (gallery.env.world.paint > 0).sum() > painted
    gallery.act(use=1, **{"hotbar.2": 1})
    assert set(np.unique(gallery.env.world.paint)) == {0, kinds.HOTBAR[0], kinds.HOTBAR[1]}
    assert not (gallery.env.blocks == kinds.HOTBAR[0]).sum() > 1  # nothing was placed (one red block is on the map)


def test_a_stroke_crosses_from_one_block_of_the_canvas_to_the_next(gallery):
    assert gallery.face(gallery.find("canvas")[0])
    gallery.act(8, yaw=3, use=1)
    gallery.act(16, yaw=-3, use=1)
    assert ((gallery.env.world.paint > 0).any((1, 2))).sum() >= 2


def test_a_cake_has_seven_bites_and_is_visibly_narrower_after_each(gallery):
    cake = gallery.find("cake")[0]
    assert gallery.face(cake)
    pixels = [gallery.object(cake).visible_pixels]
    for bite in range(kinds.CAKE_BITES):
        gallery.aim(cake)
        gallery.act(use=1)
        assert gallery.events() == ["bitten"]
        assert gallery.env.world.events[0, state.VALUE] == kinds.CAKE_BITES - 1 - bite
        pixels.append(gallery.object(cake).visible_pixels)
    assert all(after < 0.93 * before for before, after in itertools.pairwise(pixels))
    assert pixels[-1] == 0
    assert not gallery.object(cake).alive


def test_a_door_opens_and_shuts_with_both_its_halves_and_lets_through(gallery):
    door = gallery.find("door")[0]
    x, _, z = gallery.object(door).position_m
    cells = gallery.env.ids == door
    shut = gallery.env.blocks[cells].tolist()
    assert shut == [kinds.DOOR_ACROSS_X] * 2
    ways = []
    for opened in (False, True):
        gallery.stand(x - 1.5, z, yaw=-90, pitch=10, empty=False)
        if opened:
            gallery.act(use=1)
            assert gallery.events() == ["opened"]
            assert gallery.env.blocks[cells].tolist() == [kinds.TABLES.becomes[k] for k in shut]
        gallery.act(25, forward=1)
        ways.append(gallery.env.body[state.X] - x)
    assert ways[0] < -0.5  # in front of it
    assert ways[1] > 1.0  # through it
    gallery.stand(x - 1.5, z, yaw=-90, pitch=10, empty=False)
    gallery.aim(door)
    gallery.act(use=1)
    assert gallery.env.blocks[cells].tolist() == shut


def test_a_door_does_not_shut_on_the_player(gallery):
    door = gallery.find("door")[0]
    gallery.env.blocks[gallery.env.ids == door] += 1  # open
    x, _, z = gallery.object(door).position_m
    gallery.stand(x, z, pitch=80, empty=False)
    for _ in range(12):
        gallery.act(yaw=30, use=1)
        gallery.act()
    assert not kinds.TABLES.solid[gallery.env.blocks[gallery.env.ids == door]].any()


def test_a_switch_turns_its_lamp_elsewhere_on_and_off_and_no_other(gallery):
    wired = {int(switch): tuple(cell) for switch, *cell in gallery.env.world.lamps.tolist()}
    switch = next(n for n in wired if gallery.face(n))
    others = [cell for n, cell in wired.items() if n != switch]
    for expected in (kinds.LAMP_ON, kinds.LAMP_OFF, kinds.LAMP_ON):
        gallery.act(use=1)
        assert gallery.events() == ["switched"]
        assert gallery.env.blocks[wired[switch]] == expected
        assert all(gallery.env.blocks[cell] == kinds.LAMP_OFF for cell in others)
        gallery.act()


def test_a_creature_flashes_is_pushed_back_and_dies_of_three_hits(gallery):
    number = next(n for cls in ("sheep", "pig") for n in gallery.find(cls) if gallery.face(n))
    row = next(r for r in gallery.env.world.entities if r[state.ID] == number)
    health = row[state.HP]
    frame = gallery.act()[0]
    assert gallery.face(number)
    far = np.hypot(*(row[[0, 2]] - gallery.env.body[[0, 2]]))
    after = gallery.act(attack=1)[0]
    row = next(r for r in gallery.env.world.entities if r[state.ID] == number)
    assert gallery.events() == ["hit"]
    assert row[state.HP] == health - 1
    shown = gallery.env.ground_truth().instance_ids == number
    colour, was = after[shown].mean(0), frame[frame.sum(-1) >= 0].mean(0)
    assert colour[0] > 1.5 * colour[1]  # red
    assert was[0] < 1.5 * was[1]
    gallery.act(5)
    assert np.hypot(*(row[[0, 2]] - gallery.env.body[[0, 2]])) > far + 0.3
    for _ in range(int(health) - 1):
        gallery.act(10)
        assert gallery.face(number)
        gallery.act(attack=1)
    assert gallery.events() == ["hit", "killed"]
    assert not gallery.object(number).alive


def test_broken_blocks_leave_items_that_are_picked_up_by_walking_over_them(gallery):
    block = gallery.find("red_block")[0]
    assert gallery.face(block)
    while gallery.object(block).alive:
        gallery.act(attack=1)
    assert gallery.events() == ["broken", "dropped"]
    item = gallery.env.objects[-1][0]
    assert gallery.env.objects[-1][1] == "red_item"
    assert gallery.object(item).alive
    gallery.act(40, forward=1)
    assert not gallery.object(item).alive
    assert gallery.env.counters[state.ITEMS] == 1


def test_gem_items_pay_when_picked_up(gallery):
    gem = gallery.find("gem_item")[0]
    x, _, z = gallery.object(gem).position_m
    gallery.stand(x, z, empty=False)
    rewards = [gallery.act()[1] for _ in range(3)]
    assert sum(rewards) == pytest.approx(0.2)


def test_sand_falls_when_what_is_under_it_goes_and_lies_where_it_lands(game):
    game.stand(10.5, 8.5)
    for y in (3, 4, 5):
        game.put(10, y, 11, kinds.SAND if y > 3 else kinds.HOTBAR[0])
    game.act(attack=1, pitch=0)
    assert game.events() == ["broken", "fell", "fell"]
    heights = []
    for _ in range(14):
        game.act()
        heights.append(sorted(row[state.Y] for row in game.env.world.entities if row[state.SORT] == state.FALLING))
    assert heights[0][0] < 4 and heights[0] == sorted(heights[0])
    assert [game.env.blocks[10, y, 11] for y in (2, 3, 4, 5)] == [kinds.SAND, kinds.SAND, 0, 0]
    places = {o.position_m for o in game.env.ground_truth().objects if o.cls == "falling_sand"}
    assert places == {(10.5, 2.5, 11.5), (10.5, 3.5, 11.5)}
    assert (game.env.ids[10, 2:4, 11] > 0).all()


def test_creatures_do_the_same_again_and_something_else_under_another_seed(play_at):
    def places(seed):
        game = play_at(16, 16, map="gallery", seed=seed)
        game.act(200)
        rows = game.env.world.entities
        return rows[rows[:, state.SORT] == state.CREATURE][:, :3]

    first = places(1)
    assert (first == places(1)).all()
    assert len(first) == 2
    start = play_at(16, 16, map="gallery", seed=1).env.world.entities
    moved = np.linalg.norm(first - start[start[:, state.SORT] == state.CREATURE][:, :3], axis=1)
    assert moved.max() > 0.5
    inside = np.array(gallery_map.SHAPE) - 1
    assert ((first > 1) & (first < inside)).all()


def test_chances_are_even():
    drawn = np.array([creatures.chance(seed, 3, step, 1) for seed in range(20) for step in range(100)])
    assert drawn.min() >= 0 and drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 0.03
    assert np.abs(np.histogram(drawn, 10, (0, 1))[0] - 200).max() < 60


def test_hunters_come_and_bite(gallery):
    x, _, z = gallery.env.body[:3]
    gallery.env.intervene("add", cls="spook", position_m=(x, 2.9, z + 2.0))
    health = gallery.env.counters[state.HEALTH]
    gallery.act(60)
    assert gallery.env.counters[state.HEALTH] == health - 3 * creatures.BITE  # one every second, from the second on


def test_full_rows_do_not_stop_the_world(game):
    game.stand(10.5, 8.5)
    for row in game.env.world.entities:
        row[:] = creatures.item(kinds.GEM, 3.5, 2.0, 3.5)
    game.put(10, 3, 11, kinds.HOTBAR[0])
    game.put(10, 4, 11, kinds.SAND)
    game.act(attack=1)
    assert game.env.blocks[10, 4, 11] == kinds.SAND  # no row for it to fall in
    assert game.events() == ["broken"]
    assert falling.FALLING_HALF_M < 0.5

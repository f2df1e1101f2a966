"""Changes from outside: what they change, that nothing else changes, and what they say when they cannot be."""

import numpy as np
import pytest

from envs.voxel import kinds, state
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.protocols import Intervenes


def test_the_game_intervenes(gallery):
    assert isinstance(gallery.env, Intervenes)
    assert set(gallery.env.interventions()) == {"remove", "add", "recolour", "teleport", "undo"}


def test_remove_takes_the_pixels_of_one_object_and_no_other(gallery):
    pedestal = next(n for n in gallery.find("cyan_pedestal") if gallery.face(n))
    before = gallery.env.ground_truth()
    first = gallery.act()[0]
    before = gallery.env.ground_truth()
    after = gallery.env.intervene("remove", object_id=pedestal)
    changed = (first != after).any(-1) & ~gallery.env.hud_mask()
    assert changed.sum() > 20
    assert (changed <= (before.instance_ids == pedestal)).all()
    assert not gallery.object(pedestal).alive
    sheep = gallery.find("sheep")[0]
    gallery.env.intervene("remove", object_id=sheep)
    assert not gallery.object(sheep).alive


def test_add_puts_blocks_items_and_creatures_where_it_is_told(gallery):
    x, _, z = gallery.env.body[:3]
    gallery.stand(x, z, yaw=0, pitch=20, empty=False)
    for cls, place, colour, name in (
        ("block", (x, 2.5, z + 1.0), "lime", "placed_lime"),
        ("sand", (x + 1, 2.5, z + 1.0), None, "placed_sand"),
        ("pig", (x - 0.9, 2.45, z + 1.3), None, "pig"),
        ("item", (x + 0.5, 3.6, z + 1.5), "blue", "blue_item"),
    ):
        gallery.env.intervene("add", cls=cls, position_m=place, **({"colour": colour} if colour else {}))
        made = gallery.env.ground_truth().objects[-1]
        assert (made.cls, made.alive) == (name, True)
        assert made.position_m == pytest.approx(place, abs=0.51)
        assert made.visible_pixels > 0
    assert gallery.env.counters[state.NEXT_ID] == len(gallery.env.objects) + 1


def test_recolour_changes_look_and_name_and_keeps_the_id(gallery):
    pedestal = next(n for n in gallery.find("cyan_pedestal") if gallery.face(n))
    first, ids = gallery.act()[0], gallery.env.ground_truth().instance_ids
    after = gallery.env.intervene("recolour", object_id=pedestal, colour="magenta")
    assert np.array_equal(gallery.env.ground_truth().instance_ids, ids)
    changed = (first != after).any(-1)
    assert changed.sum() > 20
    assert (ids[changed] == pedestal).all()
    assert gallery.object(pedestal).cls == "magenta_pedestal"
    pig = gallery.find("sheep")[0]
    gallery.env.intervene("recolour", object_id=pig, colour="blue")
    assert gallery.env.world.entities[1, state.LOOK] == kinds.NUMBER["blue"]


def test_teleport_moves_blocks_strokes_lamps_and_creatures(gallery):
    canvas = gallery.find("canvas")[0]
    assert gallery.face(canvas)
    gallery.act(use=1)
    painted = int((gallery.env.world.paint > 0).sum())
    x, y, z = gallery.object(canvas).position_m
    inwards = 1.0 if z < 1 else -1.0
    gallery.env.intervene("teleport", object_id=canvas, position_m=(x, y, z + 3 * inwards))
    assert gallery.object(canvas).position_m == (x, y, z + 3 * inwards)
    world = gallery.env.world
    assert (gallery.env.blocks.flat[world.canvas_cells] == kinds.CANVAS).all()
    assert (np.diff(world.canvas_cells) > 0).all()
    moved = (world.paint > 0).any((1, 2))
    assert (gallery.env.ids.flat[world.canvas_cells[moved]] == canvas).all()
    assert (world.paint > 0).sum() == painted

    lamp = gallery.find("lamp")[0]
    there = gallery.object(lamp).position_m
    gallery.env.intervene("teleport", object_id=lamp, position_m=(there[0], there[1] - 2, there[2]))
    assert tuple(world.lamps[0, 1:] + 0.5) == (there[0], there[1] - 2, there[2])

    sheep = gallery.find("sheep")[0]
    spot = gallery.env.eye()
    gallery.env.intervene("teleport", object_id=sheep, position_m=spot)
    assert gallery.object(sheep).position_m == pytest.approx(spot)


def test_what_loses_its_hold_falls(game):
    game.stand(10.5, 8.5)
    game.env.intervene("add", cls="block", position_m=(10.5, 2.5, 11.5), colour="red")
    block = game.env.objects[-1][0]
    game.env.intervene("add", cls="sand", position_m=(10.5, 3.5, 11.5))
    sand = game.env.objects[-1][0]
    assert game.object(sand).position_m == (10.5, 3.5, 11.5)
    game.env.intervene("remove", object_id=block)
    game.act(20)
    assert game.object(sand).position_m == (10.5, 2.5, 11.5)
    assert game.object(sand).alive


def test_a_snapshot_after_an_intervention_goes_on_the_same(gallery):
    sheep = gallery.find("sheep")[0]
    gallery.env.intervene("teleport", object_id=sheep, position_m=(3.5, 2.7, 3.5))
    snapshot = gallery.env.get_state()
    first = [gallery.act(yaw=5)[0] for _ in range(20)]
    gallery.env.set_state(snapshot)
    assert all(np.array_equal(a, gallery.act(yaw=5)[0]) for a in first)


@pytest.mark.parametrize(
    ("name", "details", "message"),
    [
        ("vanish", {}, "unknown intervention 'vanish'"),
        ("remove", {}, "missing a required argument: 'object_id'"),
        ("remove", {"object_id": 999}, "no object 999"),
        ("remove", {"object_id": 0}, "no object 0"),
        ("add", {"cls": "dragon", "position_m": (3, 3, 3)}, "unknown thing to add 'dragon'"),
        ("add", {"cls": "block", "position_m": (3, 3, 99)}, r"cell \(3, 3, 99\) is outside"),
        ("add", {"cls": "block", "position_m": (3, 1.5, 3)}, "holds (tiles|planks); choose a free one"),
        ("add", {"cls": "block", "colour": "rde", "position_m": (3, 3, 3)}, "Did you mean 'red'"),
        ("recolour", {"object_id": 1, "colour": "red"}, "is a door and cannot have another colour"),
        ("undo", {}, "no action to undo"),
    ],
)
def test_what_cannot_be_done_is_said(gallery, name, details, message):
    before = gallery.env.get_state()
    with pytest.raises(WorldsimError, match=message):
        gallery.env.intervene(name, **details)
    after = gallery.env.get_state()
    assert all(np.array_equal(before[key], after[key]) for key in state.LASTING if key != "counters")


def test_nothing_is_put_into_the_player_and_a_gone_object_is_gone(gallery):
    x, y, z = gallery.env.eye()
    with pytest.raises(WorldsimError, match="where the player stands"):
        gallery.env.intervene("add", cls="block", position_m=(x, y, z))
    block = gallery.find("red_block")[0]
    with pytest.raises(WorldsimError, match="where the player stands"):
        gallery.env.intervene("teleport", object_id=block, position_m=(x, y, z))
    assert gallery.object(block).alive  # it is where it was
    gallery.env.intervene("remove", object_id=block)
    with pytest.raises(WorldsimError, match="not in the world any more"):
        gallery.env.intervene("remove", object_id=block)


def test_undo_works_once_and_only_on_an_action(gallery):
    gallery.act(use=1)
    gallery.env.intervene("undo")
    with pytest.raises(WorldsimError, match="no action to undo"):
        gallery.env.intervene("undo")
    gallery.act()
    gallery.env.set_state(gallery.env.get_state())
    with pytest.raises(WorldsimError, match="no action to undo"):
        gallery.env.intervene("undo")
    with pytest.raises(UnknownNameError):
        gallery.env.intervene("redo")

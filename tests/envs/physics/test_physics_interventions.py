"""Interventions change what they are told to, and time does not pass."""

from __future__ import annotations

import numpy as np
import pytest

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.protocols import Intervenes


def test_a_removed_thing_is_gone_and_what_it_held_up_falls(scene):
    game = scene("tower", 1)
    boxes = game.objects("box")
    time = game.env.data.time
    frame = game.env.intervene("remove", object_id=boxes[0].id)
    assert game.env.data.time == time
    assert isinstance(game.env, Intervenes)
    truth = game.env.ground_truth()
    assert not (truth.instance_ids == boxes[0].id).any()
    assert np.array_equal(frame, game.env._frame)
    gone = game.object(boxes[0].id)
    assert not gone.alive and gone.visible_pixels == 0
    game.wait(12)
    assert game.objects("box")[1].position_m[2] < boxes[1].position_m[2] - 0.15
    assert game.object(boxes[0].id).position_m == pytest.approx(boxes[0].position_m)


def test_a_screen_that_is_removed_shows_what_was_behind_it(scene):
    game = scene("occluder", 1)
    for _ in range(60):
        if game.marked.visible_pixels == 0:
            break
        game.push()
    assert game.marked.visible_pixels == 0  # behind the screen, and it still moves
    assert game.marked.alive
    assert abs(game.marked.velocity_m_s[0]) > 0.3
    for screen in game.objects("screen"):
        game.env.intervene("remove", object_id=screen.id)
    assert game.marked.visible_pixels > 5


def test_a_teleported_thing_keeps_its_motion(scene):
    game = scene("projectile", 2)
    game.wait(4)
    before = game.marked
    game.env.intervene("teleport", object_id=before.id, position_m=(0.2, 0.1, 1.7))
    assert game.marked.position_m == pytest.approx((0.2, 0.1, 1.7))
    assert game.marked.velocity_m_s == pytest.approx(before.velocity_m_s)
    game.push()
    assert game.marked.position_m == pytest.approx(
        np.array((0.2, 0.1, 1.7)) + 0.04 * np.array(game.marked.velocity_m_s), abs=0.02
    )


def test_a_recoloured_thing_is_drawn_and_named_so_and_moves_as_before(scene):
    game, left = scene("collision", 2, 64, 64), scene("collision", 2, 64, 64)
    target = game.objects("ball")[1]
    frame = game.env.intervene("recolour", object_id=target.id, colour=(255, 250, 240))
    assert game.object(target.id).cls == "white_ball"
    changed = (frame != left.frame).any(-1)
    mask = game.env.ground_truth().instance_ids == target.id
    assert changed[mask].mean() > 0.9
    assert not changed[~mask].any()
    game.wait(15)
    left.wait(15)
    assert np.array_equal(game.env.get_state()["physics"], left.env.get_state()["physics"])


@pytest.mark.parametrize(
    ("name", "cls", "place", "falls"),
    [
        ("free_fall", "blue_box", (0.0, -1.3, 1.0), True),
        ("dominoes", "green_domino", (0.0, -0.9, 0.6), True),
        ("pour", "glass", (0.0, -1.2, 0.3), True),
        ("occluder", "screen", (1.3, -0.6, 0.5), False),
        ("pendulum", "ball", (0.0, -1.0, 1.9), True),
    ],
)
def test_a_thing_can_be_added_and_the_others_go_on_as_they_were(scene, name, cls, place, falls):
    game, left = scene(name, 3, 64, 64), scene(name, 3, 64, 64)
    for other in (game, left):
        other.wait(2)
    before = {item.id: item for item in game.env.ground_truth().objects}
    game.env.intervene("add", cls=cls, position_m=place)
    after = {item.id: item for item in game.env.ground_truth().objects}
    (new,) = set(after) - set(before)
    assert after[new].cls.endswith(cls)
    assert after[new].position_m == pytest.approx(place)
    assert after[new].visible_pixels > 0
    for number, item in before.items():
        assert after[number].position_m == item.position_m
        assert after[number].velocity_m_s == item.velocity_m_s
    game.wait(4)
    left.wait(4)
    assert (game.object(new).position_m[2] < place[2] - 0.05) == falls
    for item in left.env.ground_truth().objects:
        assert game.object(item.id).position_m == pytest.approx(item.position_m, abs=1e-3)


@pytest.mark.parametrize(
    ("intervention", "details", "message"),
    [
        ("vanish", {}, "unknown intervention 'vanish'"),
        ("remove", {"object_id": 99}, "object_id=99: no such object"),
        ("remove", {"id": 1}, "remove takes object_id"),
        ("recolour", {"object_id": 1, "colour": "reed"}, "Did you mean 'red'"),
        ("recolour", {"object_id": 1, "colour": (1, 2)}, r"colour=\(1, 2\)"),
        ("teleport", {"object_id": 1, "position_m": (0, 0, 1)}, "is fixed or hangs"),
        ("teleport", {"object_id": 5, "position_m": (0, 0, float("nan"))}, "three finite numbers"),
        ("teleport", {"object_id": 5, "position_m": (0, 0, -0.5)}, "is inside of the floor"),
        ("add", {"cls": "cow", "position_m": (0, 0, 1)}, "unknown object that can be added 'cow'"),
        ("add", {"cls": "mauve_ball", "position_m": (0, 0, 1)}, "unknown colour 'mauve'"),
        ("add", {"cls": "ball", "position_m": (0.0, 0.0, 0.1)}, "is inside of"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(scene, intervention, details, message):
    game = scene("pendulum", 1)
    game.wait(2)
    before = game.env.get_state()
    with pytest.raises(WorldsimError, match=message):
        game.env.intervene(intervention, **details)
    after = game.env.get_state()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_an_unknown_intervention_is_an_unknown_name(scene):
    with pytest.raises(UnknownNameError, match="Did you mean 'remove'"):
        scene("tower").env.intervene("removee")

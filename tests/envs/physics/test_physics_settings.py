"""Settings, splits, bad input, and the policy that goes with the scenes."""

from __future__ import annotations

import numpy as np
import pytest

from envs.physics.parameters import Parameters
from envs.physics.scenes import SCENES, build_scene
from envs.physics.surface import Surface
from envs.policies.explorer import make_explorer
from envs.policies.physics_pusher import PhysicsPusher
from worldsim.core.errors import WorldsimError


@pytest.mark.parametrize("name", SCENES)
def test_no_parameter_out_of_distribution_has_a_value_seen_in_training(name):
    values = {split: [build_scene(name, seed, split).parameters for seed in range(25)] for split in ("in", "out")}
    assert values["in"][0].keys() & values["out"][0].keys()
    for key in set(values["in"][0]) & set(values["out"][0]):
        inside = [found[key] for found in values["in"] if key in found]
        outside = [found[key] for found in values["out"] if key in found]
        if set(inside) | set(outside) <= {0.0, 1.0}:
            continue  # a choice, the same in both
        if all(value == int(value) for value in inside):
            assert not set(inside) & set(outside), key
        else:
            low, high = min(inside), max(inside)
            assert not any(low < value < high for value in outside), key


def test_a_parameter_keeps_its_value_when_others_come_and_go():
    one, two = Parameters("tower", 3, "in"), Parameters("tower", 3, "in")
    one.uniform("first", (0, 1), (0, 1))
    assert one.uniform("second", (0, 1), (-1, 2)) == two.uniform("second", (0, 1), (-1, 2))


def test_more_restitution_is_less_damping():
    damping = [-Surface(restitution=value).settings()["solref"][1] for value in (0.2, 0.5, 0.8, 0.95)]
    assert damping == sorted(damping, reverse=True)
    assert all(value > 0 for value in damping)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "towers"}, "Did you mean 'tower'"),
        ({"split": "test"}, "split='test': use one of 'in', 'out'"),
        ({"camera": "top"}, "camera='top': use one of 'fixed', 'orbit'"),
        ({"height": 0}, "physics/tower draws 16x16 and up; got height=0"),
        ({"render_mode": "human"}, "render_mode='human'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(scene, settings, message):
    with pytest.raises(WorldsimError, match=message):
        scene(**{"name": "tower", **settings})


@pytest.mark.parametrize(
    ("push", "message"),
    [
        ({"push_x": [np.nan]}, "push_x"),
        ({"push_strength": [1.5]}, "push_strength"),
        ({"push_z": [0.0]}, "push_z"),
    ],
)
def test_an_action_that_cannot_be_is_refused_before_anything_changes(scene, push, message):
    game = scene("tower", 1)
    before = game.env.get_state()["physics"]
    with pytest.raises(WorldsimError, match=message):
        game.env.step({"push_x": [0.0], "push_y": [0.0], "push_strength": [0.0], **push})
    assert np.array_equal(game.env.get_state()["physics"], before)


def test_a_state_of_another_scene_is_refused(scene):
    with pytest.raises(WorldsimError, match="a state of physics/ramp and cannot be put into physics/tower"):
        scene("tower").env.set_state(scene("ramp").env.get_state())


def test_the_explorer_pushes_now_and_then_and_in_some_episodes_never(scene):
    game = scene("collision", 1)
    policy = make_explorer(game.env)
    assert isinstance(policy, PhysicsPusher)
    shares = []
    for seed in range(40):
        policy.reset(seed)
        actions = np.stack([policy.act(game.frame) for _ in range(150)])
        strength = actions[:, policy.codec.index("push_strength")]
        assert ((actions != 0).any(1) == (strength > 0)).all()
        shares.append((strength > 0).mean())
        policy.reset(seed)
        assert np.array_equal(actions, np.stack([policy.act(game.frame) for _ in range(150)]))
        for action in actions[:3]:
            game.env.step(policy.codec.decode(action))
    never = np.mean(np.array(shares) == 0)
    assert 0.1 < never < 0.45
    assert 0.03 < np.mean([share for share in shares if share]) < 0.3

"""The scenes obey the laws that their numbers name."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest

from envs.physics import fracture, ground_truth

GRAVITY = 9.81
STEP_S = 0.04


def seeds_where(scene, name: str, wanted: dict[str, float], count: int = 1, **kwargs) -> list[int]:
    """The first seeds whose parameters are as wanted."""
    found = []
    for seed in range(200):
        values = scene(name, seed, 16, 16, **kwargs).values
        if all(values[key] == value for key, value in wanted.items()):
            found.append(seed)
            if len(found) == count:
                return found
    raise AssertionError(f"no {name} with {wanted}")


def test_bodies_fall_with_gravity_whatever_their_mass(scene):
    game = scene("free_fall", seeds_where(scene, "free_fall", {"bodies": 2})[0])
    start = [np.array(item.position_m) for item in game.env.ground_truth().objects]
    assert abs(game.mass(1) - game.mass(2)) > 1
    steps = 9
    game.wait(steps)
    t = steps * STEP_S
    for item, before in zip(game.env.ground_truth().objects, start, strict=True):
        assert item.velocity_m_s[2] == pytest.approx(-GRAVITY * t, rel=1e-3)
        fallen = before[2] - item.position_m[2]
        assert fallen == pytest.approx(GRAVITY * t**2 / 2, rel=0.02)
        assert item.position_m[:2] == pytest.approx(before[:2].tolist(), abs=1e-9)


def test_a_thrown_ball_follows_its_parabola(scene):
    game = scene("projectile", 2)
    values = game.values
    start = np.array(game.marked.position_m)
    angle, speed = math.radians(values["angle_deg"]), values["speed_m_s"]
    way = np.sign(game.marked.velocity_m_s[0])
    for step in range(1, 15):
        game.push()
        t = step * STEP_S
        at = np.array(game.marked.position_m) - start
        wanted = (way * speed * math.cos(angle) * t, 0.0, speed * math.sin(angle) * t - GRAVITY * t**2 / 2)
        assert at == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("split", ["in", "out"])
def test_a_ball_bounces_as_its_restitution_says(scene, split):
    game = scene("free_fall", 1, split=split)
    restitution = game.values["restitution_0"]
    falling = 0.0
    for _ in range(60):
        game.push()
        speed = game.marked.velocity_m_s[2]
        if speed > 0.3 and falling < 0:
            break
        falling = speed
    # Speeds at the touch, from the energies before and after.
    risen = game.marked.position_m[2] - game.values["size_m_0"]
    up = math.sqrt(speed**2 + 2 * GRAVITY * risen)
    assert up / math.sqrt(2 * GRAVITY * game.values["height_m"]) == pytest.approx(restitution, abs=0.06)


@pytest.mark.parametrize("name", ["collision", "collision_many"])
def test_collisions_keep_momentum_until_a_rail_is_hit(scene, name):
    game = scene(name, 3)
    rails = {item.id for item in game.objects("rail")}
    before = game.momentum()
    met = energy_checked = False
    energies = [_energy(game)]
    for _ in range(60):
        info = game.push()
        pairs = {frozenset(pair) for pair in info["contacts"]}
        if any(pair & rails and 0 not in pair for pair in pairs):
            break
        met |= any(0 not in pair for pair in pairs)
        assert game.momentum()[:2] == pytest.approx(before[:2], abs=1e-6 * np.abs(before).max())
        energies.append(_energy(game))
        energy_checked = True
    assert met and energy_checked
    assert energies[-1] < energies[0]


def _energy(game) -> float:
    objects = game.env.ground_truth().objects
    return sum(game.mass(item.id) * np.dot(item.velocity_m_s, item.velocity_m_s) / 2 for item in objects)


def test_a_pendulum_keeps_its_period_and_its_length(scene):
    (seed,) = seeds_where(scene, "pendulum", {"struck": 0.0})
    game = scene("pendulum", seed)
    body = game.env.scene.things[game.env.scene.marked].body
    model = game.env.scene.model
    length, pivot = game.values["length_m"], None
    across = []
    for _ in range(150):
        game.push()
        at = np.array(game.marked.position_m)
        pivot = np.array([0.0, 0.0, at[2] + math.sqrt(length**2 - at[0] ** 2 - at[1] ** 2)])
        assert np.linalg.norm(at - pivot) == pytest.approx(length, rel=1e-6)
        assert pivot[2] == pytest.approx(2.3, abs=1e-6)
        across.append(at[0])
    across = np.array(across)
    turns = np.flatnonzero((across[:-1] < 0) & (across[1:] >= 0))
    moments = [turn + across[turn] / (across[turn] - across[turn + 1]) for turn in turns]
    period = float(np.mean(np.diff(moments))) * STEP_S
    # Moment of inertia and centre of mass about the pivot, from the masses that the model has.
    below = model.body_ipos[body]
    mass, arm = model.body_mass[body], length - below[2]
    inertia = model.body_inertia[body].max() + mass * arm**2
    angle = math.radians(game.values["angle_deg"])
    small = 2 * math.pi * math.sqrt(inertia / (mass * GRAVITY * arm))
    assert period == pytest.approx(small * (1 + angle**2 / 16 + 11 * angle**4 / 3072), rel=0.005)


@pytest.mark.parametrize("split", ["in", "out"])
def test_a_box_on_the_ramp_slides_exactly_when_the_slope_beats_friction(scene, split):
    slid = 0
    for seed in seeds_where(scene, "ramp", {"rolls": 0.0}, 6, split=split):
        game = scene("ramp", seed, 16, 16, split=split)
        values = game.values
        slope, friction = math.tan(math.radians(values["angle_deg"])), values["friction"]
        if abs(slope - friction) < 0.03:
            continue
        game.wait(12)
        speed = float(np.linalg.norm(game.marked.velocity_m_s))
        slides = slope > friction
        slid += slides
        angle = math.radians(values["angle_deg"])
        wanted = GRAVITY * (math.sin(angle) - friction * math.cos(angle)) * 12 * STEP_S if slides else 0.0
        assert speed == pytest.approx(wanted, rel=0.1, abs=0.08)
    assert slid > 0, "no slope beat its friction, so nothing slid"


def test_a_push_gives_the_marked_body_its_speed_and_nothing_where_pushes_do_not_count(scene):
    pushed, passive, left = scene("free_fall", 1), scene("free_fall", 1, passive=True), scene("free_fall", 1)
    for game in (pushed, passive):
        game.push(0.6, -0.8, 0.5)
    left.push()
    assert pushed.marked.velocity_m_s[:2] == pytest.approx([0.3, -0.4], abs=1e-6)
    assert np.array_equal(passive.frame, left.frame)
    for game in (pushed, passive, left):
        game.wait(3)
    assert pushed.marked.velocity_m_s[:2] == pytest.approx([0.3, -0.4], abs=1e-6)  # for the time it was given only
    assert np.array_equal(passive.env.get_state()["physics"], left.env.get_state()["physics"])


def test_a_push_makes_nothing_faster_than_a_hand(scene):
    game = scene("collision", 1)
    for _ in range(12):
        game.push(0.0, 1.0, 1.0)
        assert abs(game.marked.velocity_m_s[1]) < 3.0 + 1e-6
    game = scene("free_fall", 1)
    for _ in range(6):
        game.push(-0.5, 0.0, 1.0)
    assert game.marked.velocity_m_s[0] == pytest.approx(-3.0)


def test_what_breaks_gives_way_to_shards_with_its_mass_and_momentum(scene):
    (seed,) = seeds_where(scene, "shatter", {"falls": 1.0})
    game = scene("shatter", seed)
    rule, model, data = game.env.scene.shattering, game.env.scene.model, game.env.data
    for _ in range(60):
        before = game.env.get_state()
        if game.push()["shattered"]:
            break
    assert game.info["shattered"]
    whole = game.object(rule.whole)
    assert not whole.alive and whole.visible_pixels == 0
    assert [item.alive for item in game.objects("shard")] == [True] * len(rule.shards)

    game.env.set_state(before)  # in the air, a moment before
    data.qvel[3:6] = (1.0, -2.0, 0.5)  # and now it spins
    fracture.break_up(game.env.scene, data, rule, 2 * rule.strength_n)
    mujoco.mj_kinematics(model, data)
    at, velocity = ground_truth.motion(game.env.scene, data)
    shards = list(rule.shards)
    mass = np.array([game.mass(shard) for shard in shards])
    assert mass.sum() == pytest.approx(game.mass(rule.whole), rel=0.02)  # the cuts take a little
    assert mass @ at[shards] / mass.sum() == pytest.approx(at[rule.whole], abs=1e-9)
    assert mass @ velocity[shards] / mass.sum() == pytest.approx(velocity[rule.whole], abs=1e-9)
    parting = velocity[shards] - velocity[rule.whole]
    rotation = data.xmat[game.env.scene.things[rule.whole].body].reshape(3, 3)
    turning = np.cross(rotation @ (1.0, -2.0, 0.5), at[shards] - at[rule.whole])
    assert (((parting - turning) * (at[shards] - at[rule.whole])).sum(1) > 0).all()  # they fly apart


def test_a_weak_impact_breaks_nothing(scene):
    intact = 0
    for seed in range(12):
        game = scene("shatter", seed, 16, 16)
        rule = game.env.scene.shattering
        game.wait(60)
        if not game.info["shattered"]:
            intact += 1
            assert game.object(rule.whole).alive
            assert game.objects("shard") == []
    assert 0 < intact < 12


def test_grains_fill_the_glass_and_none_is_lost_when_it_tips_over(scene):
    game = scene("pour", 0)
    count = int(game.values["grains"])
    game.wait(60)
    assert game.info["grains_in_glass"] == count
    assert game.info["glass_tilt_deg"] < 1
    assert len([item for item in game.objects("grain") if item.alive]) == count
    for _ in range(6):
        game.push(1.0, 0.0, 1.0)
    game.wait(30)
    grains = game.objects("grain")
    assert game.info["glass_tilt_deg"] > 60
    assert game.info["grains_in_glass"] < count / 2
    assert len([item for item in grains if item.alive]) == count
    assert min(item.position_m[2] for item in grains) > 0.05  # a grain's radius is 0.1; none went through the floor

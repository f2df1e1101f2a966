import numpy as np
import pytest

from evals.cases import RealBranches
from evals.games import RealGame
from evals.suites import SUITES
from evals.suites.control import ControlSuite
from evals.suites.drift import DriftSuite
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.seeding import game_seed


@pytest.fixture
def voxel():
    game = RealGame("voxel/arena", {})
    yield game
    game.close()


def test_registered_primaries_are_the_suites_own():
    for entry in SUITES:
        suite = entry.load()()
        assert suite.name == entry.name
        assert suite.primary == entry.info["primary"]
        assert suite.version >= 1


def test_scenario_depends_on_its_number_alone(voxel):
    suite = ControlSuite()
    forwards = [suite.build(voxel, i) for i in range(3)]
    backwards = [suite.build(voxel, i) for i in (2, 1, 0)][::-1]
    assert [case.scenario.hash for case in forwards] == [case.scenario.hash for case in backwards]
    np.testing.assert_array_equal(forwards[1].real["a"].frames, backwards[1].real["a"].frames)


def test_scenarios_are_held_out_and_apart(voxel):
    train = {game_seed(0, "train", i) for i in range(5000)} | {game_seed(0, "val", i) for i in range(5000)}
    seeds = [suite.build(voxel, i).scenario.seed for suite in (ControlSuite(),) for i in range(9)]
    assert len(set(seeds)) == len(seeds)
    assert not train & set(seeds)


def test_families_take_turns_and_can_be_seen(voxel):
    suite = ControlSuite()
    cases = [suite.build(voxel, i) for i in range(9)]
    assert {case.scenario.family for case in cases} == set(suite.config.families)
    for case in cases:
        a, b = (case.real[side].frames.astype(int) for side in "ab")
        assert np.abs(a - b).mean() >= suite.config.min_difference
        changed = (case.scenario.branches["a"] != case.scenario.branches["b"]).any(axis=0)
        assert 1 <= changed.sum() <= 2  # forward against back, left against right are two keys


def test_families_without_channels_are_left_out(band):
    game = RealGame(band.ENV_ID, {})
    assert set(ControlSuite().pairs(game)) == {"yaw_small", "yaw_medium", "yaw_large", "walk"}
    with pytest.raises(WorldsimError, match="no family fits"):
        ControlSuite(families={"jump": {"a": {"jump": 1}, "b": {}}}).pairs(game)


def test_pairs_nobody_can_tell_apart_are_refused(band):
    with pytest.raises(WorldsimError, match="visible difference"):
        ControlSuite(min_difference=300, attempts=2).build(RealGame(band.ENV_ID, {}), 0)


def test_context_leads_up_to_the_branches(voxel):
    case = DriftSuite(horizon=6, independent_episodes=1).build(voxel, 0)
    scenario = case.scenario
    whole = voxel.branch(
        scenario.seed, scenario.prefix[:0], np.concatenate([scenario.prefix, scenario.branches["recorded"]])
    )
    steps = len(scenario.prefix)
    context = case.context(5)
    np.testing.assert_array_equal(context.frames, whole.frames[steps - 5 : steps])
    np.testing.assert_array_equal(context.actions, scenario.prefix[-4:])
    np.testing.assert_array_equal(case.real["recorded"].frames, whole.frames[steps:])
    assert len(case.context(99).frames) == 32


def test_stored_cases_are_the_ones_built(band, tmp_path):
    game, suite = RealGame(band.ENV_ID, {}), DriftSuite(horizon=6, independent_episodes=2)
    built = suite.build(game, 1)
    store = RealBranches(tmp_path)
    store.get(suite, game, 1)

    class NoBuild(DriftSuite):
        def build(self, game, index):
            raise AssertionError("it was stored")

    again = RealBranches(tmp_path).get(NoBuild(horizon=6, independent_episodes=2), game, 1)
    assert again.scenario.inputs == built.scenario.inputs
    assert again.scenario.index == 1
    np.testing.assert_array_equal(again.context_frames, built.context_frames)
    np.testing.assert_array_equal(again.real["recorded"].frames, built.real["recorded"].frames)
    np.testing.assert_array_equal(again.real["recorded"].rewards, built.real["recorded"].rewards)
    np.testing.assert_array_equal(again.facts["independent_mse"], built.facts["independent_mse"])


def test_a_damaged_or_outdated_file_is_made_anew(band, tmp_path):
    game, suite = RealGame(band.ENV_ID, {}), ControlSuite()
    frames = RealBranches(tmp_path).get(suite, game, 0).real["a"].frames
    (path,) = tmp_path.rglob("*.npz")
    raw = path.read_bytes()
    for damage in (b"", raw[: len(raw) // 2], raw[:200] + b"garbage!" + raw[208:]):
        path.write_bytes(damage)
        np.testing.assert_array_equal(RealBranches(tmp_path).get(suite, game, 0).real["a"].frames, frames)
        assert path.read_bytes() == raw
    other = RealBranches(tmp_path).get(suite, RealGame(band.ENV_ID, {"look": 9}), 0)
    assert not np.array_equal(other.real["a"].frames, frames)
    assert len(list(tmp_path.rglob("*.npz"))) == 2


def test_wrong_settings_are_named():
    with pytest.raises(WorldsimError, match=r"'horizn'.*horizon"):
        ControlSuite(horizn=3)
    with pytest.raises(WorldsimError, match="two sides"):
        ControlSuite(families={"x": {"a": {}}})
    with pytest.raises(UnknownNameError, match="control"):
        SUITES.entry("contrl")
    with pytest.raises(WorldsimError, match="prefix_steps"):
        ControlSuite(prefix_steps=[4, 9]).build(RealGame("voxel/arena", {}), 0)

"""Physics: the game scores 1, who knows no physics about 0, and each planted fault falls with its severity."""

import numpy as np
import pytest

from evals.cases import read_case, write_case
from evals.controls.making import make_controls
from evals.controls.planted import CannotPlant, fault_name
from evals.controls.planted.motion import double_gravity, pass_through
from evals.dreaming import dream
from evals.games import RealGame, RealGames
from evals.metrics import violation
from evals.metrics.pixels import mse
from evals.suites.physics import PhysicsSuite
from evals.trial import DreamBranch, Trial
from worldsim.core.errors import WorldsimError


@pytest.fixture(scope="module")
def suite():
    return PhysicsSuite()


@pytest.fixture(scope="module")
def cases(suite):
    """Two scenarios of a few scenes, in and out of the usual range."""
    found = {}
    for scene in ("free_fall", "collision", "shatter", "occluder", "dominoes"):
        game = RealGame(f"physics/{scene}", {})
        found[scene] = [suite.build(game, index) for index in range(2)]
    return found


@pytest.fixture(scope="module")
def answers(suite, cases):
    """Values of a control in a scene, scenario by scenario."""
    games = RealGames()

    def values(name: str, scene: str) -> list[dict[str, float]]:
        (control, _), *_ = make_controls([name], f"physics/{scene}", games, [])
        trials = dream(control, cases[scene], 0)
        assert all(isinstance(trial, Trial) for trial in trials), trials
        return [suite.measure(trial).values for trial in trials]

    yield values
    games.close()


def primary(found: list[dict[str, float]]) -> list[float]:
    return [values["trajectory_skill"] for values in found]


@pytest.mark.parametrize("scene", ["free_fall", "collision", "shatter", "occluder", "dominoes"])
def test_the_game_scores_one_and_who_knows_no_physics_at_most_about_nothing(answers, scene):
    oracle = answers("oracle", scene)
    assert primary(oracle) == [1, 1]
    assert all(values["physics_iq"] == 1 and values["mass_ratio"] == 1 for values in oracle)
    for null in ("last_frame", "constant_velocity"):
        assert np.mean(primary(answers(null, scene))) < 0.25, "of two scenarios; of 16 it is below 0"


@pytest.mark.parametrize(
    ("scene", "fault"),
    [
        ("free_fall", "double_gravity"),
        ("free_fall", "half_gravity"),
        ("free_fall", "pass_through"),
        ("collision", "pass_through"),
        ("dominoes", "time_warp"),
        ("shatter", "time_warp"),
    ],
)
def test_a_fault_costs_the_more_the_larger_it_is(answers, scene, fault):
    means = [np.mean(primary(answers(fault_name(fault, severity), scene))) for severity in (0.25, 0.5, 1.0)]
    assert 0.97 > means[0] > means[1] > means[2]


def test_gravity_is_read_from_the_frames(suite):
    case, games = suite.build(RealGame("physics/free_fall", {}), 3), RealGames()

    def gravity(name: str) -> float:
        ((control, _),) = make_controls([name], "physics/free_fall", games, [])
        return suite.measure(dream(control, [case], 0)[0]).values["gravity_m_s2"]

    assert gravity("oracle") == pytest.approx(9.81, rel=0.05)
    assert gravity("planted/double_gravity@1") == pytest.approx(19.62, rel=0.05)
    assert gravity("planted/half_gravity@1") == pytest.approx(4.9, rel=0.2)
    assert gravity("last_frame") == pytest.approx(0, abs=0.1)
    games.close()


def test_momentum_collisions_and_outcomes_tell_what_went_wrong(answers):
    real, through = answers("oracle", "collision"), answers("planted/pass_through@1", "collision")
    still = answers("last_frame", "dominoes")
    assert all(values["momentum_error"] == 0 for values in real)
    assert np.nanmax([values["onset_error_s"] for values in real]) == 0
    assert np.mean([values["momentum_error"] for values in through]) > 0.3
    assert np.nanmean([values["onset_error_s"] for values in through]) > 0.1
    assert all(values["outcome_agreement"] < 0.5 for values in still)


def test_half_of_the_scenarios_are_out_of_the_usual_range(cases):
    assert [case.scenario.family for case in cases["free_fall"]] == ["in", "out"]
    assert [case.scenario.env_kwargs["split"] for case in cases["free_fall"]] == ["in", "out"]


def test_the_instrument_finds_bodies_in_frames_that_it_did_not_learn_from(cases):
    for case in (case for of_scene in cases.values() for case in of_scene):
        facts = case.facts
        assert (facts["take"] != case.real["plays"].frames).any(), "it learns from another take"
        assert facts["instrument_error"][facts["scored"]].mean() * 64 < 0.7, "pixels"
        assert facts["scored"].sum() > 0.8 * facts["visible"].sum()


def test_blur_wins_by_psnr_and_not_by_trajectories(suite, cases):
    """The known way to be fooled: unsure of the speed, who shows all of the possible places has the higher PSNR."""
    gains = []
    for case in cases["free_fall"] + cases["dominoes"]:
        real = case.real["plays"].frames
        whole = np.concatenate([case.context_frames[-1:], real])
        times = [np.clip(np.rint(speed * np.arange(1, len(real) + 1)), 0, len(real)).astype(int) for speed in SPEEDS]
        sharp = whole[times[0]]
        blurred = np.mean([whole[one] for one in times], axis=0).round().astype(np.uint8)
        scores = [trajectory_skill(suite, case, frames) for frames in (sharp, blurred)]
        clip_db = [-10 * np.log10(mse(frames, real).mean() / 255**2) for frames in (sharp, blurred)]
        gains.append((clip_db[1] - clip_db[0], scores[1] - scores[0]))
    naive, ours = np.mean(gains, axis=0)
    assert naive > 1, "dB: blur is better by PSNR"
    assert ours < 0, "and worse here"


SPEEDS = (0.8, 0.6, 0.7, 0.9, 1.1)


def trajectory_skill(suite, case, frames) -> float:
    zeros = np.zeros(len(frames), np.float32)
    return suite.measure(Trial(case, {"plays": DreamBranch(frames, zeros, zeros)})).values["trajectory_skill"]


def test_a_body_that_vanished_counts_as_lost(suite, cases):
    case = cases["free_fall"][0]
    empty = np.broadcast_to(case.facts["stage"], case.real["plays"].frames.shape)
    zeros = np.zeros(len(empty), np.float32)
    values = suite.measure(Trial(case, {"plays": DreamBranch(empty, zeros, zeros)})).values
    assert values["parse_rate"] == values["mass_ratio"] == 0
    assert values["trajectory_skill"] < 0


def test_impossible_clips_are_told_from_possible_ones_by_who_knows_and_by_nobody_else(answers, cases):
    clips = cases["occluder"][0].facts["clips"]
    assert len(clips) == 4 and (clips[0] != clips[1]).any()
    oracle, ignorant = answers("oracle", "occluder"), answers("last_frame", "occluder")
    for values in oracle:
        assert values["voe_accuracy"] == 1
        assert values["voe_motion_energy"] == values["voe_previous_frame"] == 0.5
    assert np.isnan(ignorant[0]["voe_accuracy"])
    changed = clips.copy()
    changed[2, 3] = 0  # a flash in an impossible clip: the baselines see it, so their 0.5 was not for nothing
    assert violation.accuracy(violation.motion_energy(changed)) == 1


def test_any_scorable_simulator_is_asked_with_one_seed_for_all_clips(suite, cases):
    class Scores:
        name = "scores"
        seen: list[list[int]] = []  # noqa: RUF012

        def score(self, clips, actions, seeds):
            self.seen.append(list(seeds))
            assert actions.shape[:2] == (4, clips.shape[1] - 1)
            return np.arange(clips.shape[0])[:, None] * np.ones(clips.shape[1])

        def answer(self, case, seed):
            zeros = np.zeros(case.scenario.horizon, np.float32)
            return {"plays": DreamBranch(case.real["plays"].frames, zeros, zeros)}

    trials = dream(Scores(), cases["occluder"], 0)
    assert [suite.measure(trial).values["voe_accuracy"] for trial in trials] == [1, 1]
    assert all(len(set(seeds)) == 1 for seeds in Scores.seen)
    Scores.score = lambda self, clips, actions, seeds: np.full(clips.shape[:2], np.nan)
    (trial, _) = dream(Scores(), cases["occluder"], 0)
    measured = suite.measure(trial)
    assert np.isnan(measured.values["voe_accuracy"]) and "finite" in measured.reasons["voe_accuracy"]


def test_a_fault_leaves_the_game_as_it_was(cases):
    (case, *_) = cases["collision"]
    game = RealGame(case.scenario.env_id, case.scenario.env_kwargs)
    pass_through(case, game, 1.0, np.random.default_rng(0))
    again = game.branch(case.scenario.seed, case.scenario.prefix, case.scenario.branches["plays"])
    assert (again.frames == case.real["plays"].frames).all()
    with pytest.raises(CannotPlant, match="nothing rises or falls"):
        double_gravity(case, game, 1.0, np.random.default_rng(0))


def test_a_case_is_read_back_as_it_was_built(suite, cases, tmp_path):
    case = cases["occluder"][1]
    write_case(tmp_path / "case.npz", case, {"made": "from"})
    back = read_case(tmp_path / "case.npz", {"made": "from"})
    assert {name: value.dtype for name, value in back.facts.items()} == {
        name: np.asarray(value).dtype for name, value in case.facts.items()
    }
    assert trajectory_skill(suite, back, case.real["plays"].frames) == 1


def test_settings_and_games_that_do_not_fit_say_so(suite):
    with pytest.raises(WorldsimError, match=r"prefix_steps=\[4, 16\].*context_frames=8"):
        PhysicsSuite(prefix_steps=(4, 16))
    with pytest.raises(WorldsimError, match="nothing happened in 1 scenes of physics/collision"):
        PhysicsSuite(min_error=0.2, attempts=1).build(RealGame("physics/collision", {}), 0)
    assert "physics/" in suite.misfit(RealGame("voxel/scene", {}))

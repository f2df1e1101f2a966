"""Permanence in real games: what its scenarios are, what known simulators get, and what naive numbers would say."""

import cv2
import numpy as np
import pytest

from evals.cases import read_case, write_case
from evals.controls.last_frame import LastFrame
from evals.controls.oracle import Oracle
from evals.controls.planted import CannotPlant
from evals.controls.planted.fault import PlantedFault
from evals.dreaming import dream
from evals.games import RealGame
from evals.metrics.counterfactual import contrast, project
from evals.metrics.pixels import psnr
from evals.run import evaluate
from evals.suites.permanence import ABSENT, PRESENT, PermanenceSuite
from evals.trial import DreamBranch, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.records import read_rows

LAGS = [8, 16]


@pytest.fixture(scope="module")
def suite():
    return PermanenceSuite(lags=LAGS)


@pytest.fixture(scope="module")
def arena(suite, games):
    return [suite.build(games.get("voxel/arena", {}), i) for i in range(4)]


@pytest.fixture(scope="module")
def stage(suite, games):
    return [suite.build(games.get("voxel/stage", {}), i) for i in range(2)]


def answered(case, draw):
    """A trial in which every branch is what ``draw(name, real frames)`` says."""
    return Trial(
        case,
        {name: DreamBranch(draw(name, one.frames), one.rewards, np.zeros(len(one.frames), np.float32))
         for name, one in case.real.items()},
    )  # fmt: skip


def forgotten(case):
    """A trial in which the subjects never come back."""
    return answered(case, lambda name, frames: case.real[ABSENT].frames)


def test_subjects_are_out_of_sight_for_the_lag_and_come_back(arena, suite, games):
    game, after = games.get("voxel/arena", {}), suite.config.frames_after
    assert [case.scenario.family for case in arena] == ["look_away", "several"] * 2
    assert [int(case.facts["away"].sum()) for case in arena] == [8, 8, 16, 16]
    for case in arena:
        scenario = case.scenario
        subjects = [edit.details["object_id"] for edit in scenario.edits[ABSENT]]
        assert len(subjects) == (1 if scenario.family == "look_away" else len(case.facts["tables"]))
        played = game.branch(scenario.seed, scenario.prefix, scenario.branches[PRESENT], truth=True)
        shown = np.array([[(truth.instance_ids == one).sum() for one in subjects] for truth in played.truth])
        assert (shown[case.facts["away"]] == 0).all()
        assert (shown[-after:] >= suite.config.min_pixels).all()
        np.testing.assert_array_equal(scenario.branches[PRESENT], scenario.branches[ABSENT])
        # Gone from the first frame that anybody sees, and nothing else is different.
        apart = (case.context_frames != case.contexts[ABSENT]).any((1, 2, 3))
        assert apart[-1]
        assert (case.real[PRESENT].frames[case.facts["away"]] == case.real[ABSENT].frames[case.facts["away"]]).all()


def test_the_game_has_one_and_nulls_have_nothing(arena, stage, suite, games):
    for case in (*arena[:2], *stage[:2]):
        (oracle,) = dream(Oracle(games), [case], 0)
        values = suite.measure(oracle).values
        assert values["permanence"] == values["rho"] == values["looked_away"] == values["identity"] == 1
        assert values["leak"] == values["count_error"] == 0
        assert values[f"rho@{int(case.facts['lag'])}"] == 1
        assert values["instrument_iou"] >= suite.config.min_iou
        assert values["position_error_px"] == values["instrument_error_px"] < 4
        assert suite.measure(forgotten(case)).values["permanence"] == 0
        (still,) = dream(LastFrame(), [case], 0)
        assert suite.measure(still).values["permanence"] == pytest.approx(0, abs=0.02)


def test_a_still_picture_fools_rho_alone(stage, suite):
    """A way to be fooled: before a fixed camera, who never lets the screen pass shows the right picture afterwards."""
    case = next(case for case in stage if "frozen" not in case.facts)
    (still,) = dream(LastFrame(), [case], 0)
    values = suite.measure(still).values
    assert values["rho"] > 0.6  # naive
    assert values["permanence"] < 0.02
    assert values["looked_away"] < 0.02


def test_hedging_fools_psnr(arena, suite):
    """A way to be fooled: half with it and half without it is nearer to both than a dim picture that remembers."""
    case = arena[0]
    blurred = np.mean([cv2.GaussianBlur(case.real[name].frames[-1], (0, 0), 1.0) for name in case.real], axis=0)
    hedged = answered(case, lambda name, frames: np.broadcast_to(blurred.astype(np.uint8), frames.shape))
    dim = answered(case, lambda name, frames: (0.8 * frames).astype(np.uint8))
    naive = [psnr(trial.dream[PRESENT].frames[-6:], case.real[PRESENT].frames[-6:]).mean() for trial in (hedged, dim)]
    ours = [suite.measure(trial).values["permanence"] for trial in (hedged, dim)]
    assert naive[0] > naive[1] + 1  # dB, for the one that remembers nothing
    assert ours[0] == 0
    assert ours[1] == pytest.approx(0.8, abs=0.02)


def test_overlap_with_empty_masks_rewards_forgetting(arena, suite):
    """A way to be fooled: where the subject is out of sight, to have forgotten it looks right."""
    case = max(arena, key=lambda case: case.facts["away"].mean())
    real = np.abs(contrast(case.real[PRESENT].frames, case.real[ABSENT].frames, case.facts["hidden"])).max(-1) > 8
    shown = np.zeros_like(real)
    union = (real | shown).sum((1, 2))
    naive = np.where(union > 0, (real & shown).sum((1, 2)) / np.maximum(union, 1), 1.0).mean()
    assert naive > 0.3
    assert suite.measure(forgotten(case)).values["permanence"] == 0


def test_failures_count_as_nothing(games, tmp_path, case_cache):
    """A way to be fooled: who gives up on long absences looks perfect by what is left."""

    class GivesUp(Oracle):
        name = "gives_up"

        def rollout(self, state, actions):
            if actions.shape[1] > 36:
                raise MemoryError("too long")
            return super().rollout(state, actions)

    summary = evaluate(
        [(GivesUp(games), "model")], ["permanence"], [("voxel/arena", {})], tmp_path, 4,
        overrides={"permanence": {"lags": LAGS}}, controls=["oracle", "last_frame"], videos=0, cache=case_cache,
    )  # fmt: skip
    rows = [row for row in read_rows(tmp_path / "rows.jsonl") if row["simulator"] == "gives_up"]
    kept = [row["values"]["permanence"] for row in rows if row["status"] == "completed"]
    entry = next(one for one in summary["suites"][0]["simulators"] if one["simulator"] == "gives_up")
    assert 0 < len(kept) < 4
    assert np.mean(kept) == 1.0  # naive
    assert entry["metrics"]["permanence"]["mean"] == pytest.approx(len(kept) / 4)
    assert entry["coverage"] == len(kept) / 4


def test_moving_subjects_advance_freeze_or_vanish(suite, games):
    pytest.importorskip("mujoco")
    case = suite.build(games.get("physics/occluder", {}), 0)
    after = suite.config.frames_after
    ends = {
        "advanced": case.real[PRESENT].frames,
        "frozen": np.concatenate([case.real[PRESENT].frames[:-after], case.facts["frozen"]]),
        "vanished": case.real[ABSENT].frames,
    }
    for fate, frames in ends.items():
        shown = answered(case, lambda name, real, frames=frames: frames if name == PRESENT else real)
        values = suite.measure(shown).values
        assert {name: values[name] for name in ends} == {name: float(name == fate) for name in ends}
    (stopped,) = dream(PlantedFault("planted/stop@1", games), [case], 0)
    assert suite.measure(stopped).values["frozen"] == 1
    assert suite.measure(stopped).values["permanence"] < 0.5


@pytest.mark.parametrize("fault", ["vanish", "duplicate", "recolour", "teleport", "still"])
def test_planted_faults_are_seen_and_ordered(arena, suite, games, fault):
    scores = [1.0]
    for severity in (0.25, 0.5, 1.0):
        (trial,) = dream(PlantedFault(f"planted/{fault}@{severity}", games), arena[:1], 0)
        scores.append(suite.measure(trial).values["permanence"])
    assert scores == sorted(scores, reverse=True)
    assert scores[2] < 0.95
    assert scores[3] < 0.9


def test_what_the_instrument_says_of_wrong_things(arena, suite, games):
    case = arena[0]
    right = suite.measure(answered(case, lambda name, frames: frames)).values
    (gone,) = dream(PlantedFault("planted/vanish@1", games), [case], 0)
    (twice,) = dream(PlantedFault("planted/duplicate@1", games), [case], 0)
    (other,) = dream(PlantedFault("planted/recolour@1", games), [case], 0)
    measured = [suite.measure(trial) for trial in (gone, twice, other)]
    assert [one.values["identity"] for one in measured] == [0, 1, 0]
    assert measured[1].values["count_error"] > 0.5 > right["count_error"]
    assert "colours" in measured[0].reasons["position_error_px"]


def test_a_thing_that_rests_cannot_stop(arena, games):
    with pytest.raises(CannotPlant, match="nothing moves"):
        PlantedFault("planted/stop@1", games).answer(arena[0], 0)


def test_cases_are_kept_with_their_facts(arena, tmp_path):
    write_case(tmp_path / "case.npz", arena[1], {"made": "from"})
    back = read_case(tmp_path / "case.npz", {"made": "from"})
    assert back.scenario.hash == arena[1].scenario.hash
    for name, value in arena[1].facts.items():
        np.testing.assert_array_equal(back.facts[name], value)


def test_where_it_can_be_asked_and_wrong_settings(suite, games, band):
    assert suite.misfit(games.get("voxel/stage", {})) == ""
    assert "taken away" in suite.misfit(RealGame(band.ENV_ID, {}))
    for wrong in ({"lags": []}, {"lags": [0]}, {"frames_after": 0}):
        with pytest.raises(WorldsimError, match=next(iter(wrong))):
            PermanenceSuite(**wrong)
    with pytest.raises(WorldsimError, match="raise attempts"):
        PermanenceSuite(min_pixels=4000, attempts=2, lags=[8]).build(games.get("voxel/arena", {}), 0)


def test_projection_of_a_blurred_game_is_between(arena, suite):
    case = arena[0]
    soft = answered(case, lambda name, frames: np.stack([cv2.GaussianBlur(one, (0, 0), 3) for one in frames]))
    assert 0.2 < suite.measure(soft).values["permanence"] < 0.95
    real = contrast(case.real[PRESENT].frames[-6:], case.real[ABSENT].frames[-6:], case.facts["hidden"])
    assert project(real, real).agreement == 1

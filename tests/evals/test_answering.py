"""What the suite control says beside its primary: inverse dynamics, the dose of turns, and how late a dream answers."""

import numpy as np
import pytest

from evals.instruments.inverse_dynamics import SideTeller, held_out_accuracy, motion_features
from evals.metrics.answering import balanced_share, dose_response
from evals.metrics.latency import latency_frames
from evals.metrics.turning import compare_turns, turn_steps
from evals.run import evaluate
from evals.suites.control import ControlSuite
from worldsim.core.records import read_rows
from worldsim.core.statistics import slope

LIMIT = 9  # one of each family of voxel/arena
CONTROLS = ["oracle", "last_frame", "wrong_action", *(f"planted/{name}" for name in ("delayed@0.5", "scaled@0.5"))]
NOTHING_HIDDEN = np.zeros((64, 64), np.bool_)
RNG = np.random.default_rng(0)
PANORAMA = np.repeat(np.repeat(RNG.integers(0, 255, (16, 200, 3), np.uint8), 4, 0), 4, 1)  # (64, 800, 3)


def views(columns):
    """A window of the panorama that begins at each of ``columns``."""
    return np.stack([PANORAMA[:, c : c + 64] for c in columns])


def pan(pixels_a_step, steps=8):
    return views(400 + pixels_a_step * np.arange(1, steps + 1))


@pytest.fixture(scope="module")
def run(tmp_path_factory, case_cache):
    """The suite in voxel/arena: (whole numbers by control, rows by control)."""
    out = tmp_path_factory.mktemp("answering")
    summary = evaluate(
        [], ["control"], [("voxel/arena", {})], out, LIMIT, videos=0, controls=CONTROLS, cache=case_cache
    )
    whole = {entry["simulator"]: entry["whole"] for entry in summary["suites"][0]["simulators"]}
    rows = read_rows(out / "rows.jsonl")
    return whole, {name: [row for row in rows if row["simulator"] == name] for name in CONTROLS}


def values(run, control, metric):
    return np.array([row["values"][metric] for row in run[1][control]], np.float64)  # NaN where there is none


def test_the_instrument_knows_the_game_and_the_dream_that_plays_the_other_side(run):
    real = values(run, "oracle", "inverse_dynamics_real")
    assert np.nanmean(real) >= 0.9
    assert np.isfinite(real).sum() >= 7
    np.testing.assert_array_equal(values(run, "oracle", "inverse_dynamics"), real)
    np.testing.assert_array_equal(values(run, "wrong_action", "inverse_dynamics"), 1 - real)
    assert set(values(run, "last_frame", "inverse_dynamics")[np.isfinite(real)]) == {0.5}
    assert values(run, "planted/scaled@0.5", "inverse_dynamics")[np.isfinite(real)].mean() >= 0.85
    assert run[0]["oracle"]["inverse_dynamics_share"]["value"] == 1
    assert run[0]["last_frame"]["inverse_dynamics_share"]["value"] <= 0.56


def test_what_the_instrument_does_not_know_it_does_not_say(run):
    for row in run[1]["oracle"]:
        unknown = row["values"]["inverse_dynamics"] is None
        assert unknown == ("inverse_dynamics" in row["reasons"]) == (row["values"]["inverse_dynamics_real"] is None)


@pytest.mark.parametrize(
    ("control", "right", "leeway"),
    [("oracle", 1, 0), ("last_frame", 0, 0), ("wrong_action", -1, 0), ("planted/scaled@0.5", 0.5, 0.1)],
)
def test_turns_have_the_dose_that_was_planted(run, control, right, leeway):
    response = values(run, control, "turn_response")
    assert np.isfinite(response).sum() == 3  # of the families, those of yaw
    np.testing.assert_allclose(response[np.isfinite(response)], right, atol=leeway + 1e-9)
    assert run[0][control]["turn_slope"]["value"] == pytest.approx(right, abs=leeway / 2 + 1e-5)
    reasons = {row["reasons"].get("turn_response") for row in run[1][control]}
    assert reasons == {None, "only turns have a dose that can be seen"}


@pytest.mark.parametrize(
    ("control", "frames"), [("oracle", 0), ("wrong_action", 0), ("last_frame", 8), ("planted/delayed@0.5", 2)]
)
def test_latency_is_the_delay_that_was_planted(run, control, frames):
    assert (values(run, control, "latency_frames") == frames).all()


def test_a_pale_dream_is_not_late_and_one_that_parts_three_frames_later_is():
    a, b, still = pan(1), pan(-1), views([400] * 3)
    pale = [(x // 4 + 90).astype(np.uint8) for x in (a, b)]
    assert latency_frames(*pale, a, b) == 0
    late = [np.concatenate([still, x[:-3]]) for x in (a, b)]
    assert latency_frames(*late, a, b) == 3
    assert latency_frames(a, a, a, b) == 8


def test_the_tracker_follows_turns_between_pixels_and_not_what_is_drawn_over_them():
    assert turn_steps(views([400])[0], pan(5), NOTHING_HIDDEN).turn == pytest.approx(np.full(8, 5 / 64), abs=0.01)
    clip, hidden = pan(-3), NOTHING_HIDDEN.copy()
    hidden[24:40] = True
    clip[:, hidden] = 255
    start = clip[0].copy()
    start[~hidden] = views([400])[0][~hidden]
    assert turn_steps(start, clip, hidden).turn == pytest.approx(np.full(8, -3 / 64), abs=0.01)


def test_a_dream_that_cannot_be_tracked_has_not_turned_and_a_game_that_cannot_be_has_no_number():
    start = views([400])[0]
    real = [turn_steps(start, pan(speed), NOTHING_HIDDEN) for speed in (4, -4)]
    noise = [turn_steps(start, RNG.integers(0, 255, (8, 64, 64, 3), np.uint8), NOTHING_HIDDEN) for _ in range(2)]
    twice = [turn_steps(start, pan(speed), NOTHING_HIDDEN) for speed in (8, -8)]
    assert compare_turns(real, noise).dream == 0
    found = compare_turns(real, twice)
    assert found.dream / found.real == pytest.approx(2, abs=0.05)
    assert np.isnan(compare_turns(noise, real).real)


def test_sides_without_motion_of_their_own_are_at_chance():
    clips = [np.concatenate([views([400]), pan(int(speed))]) for speed in RNG.integers(-4, 5, 40)]
    features = np.stack([motion_features(clip) for clip in clips])
    assert 0.2 <= held_out_accuracy(features[:20], features[20:]) <= 0.72
    right, left = (np.stack([motion_features(pan(sign * speed)) for speed in (1, 2, 3, 4)]) for sign in (1, -1))
    assert SideTeller.between(right, left).accuracy(right, left) == 1


def test_families_weigh_the_same_and_a_failed_dream_counts_as_nothing():
    def row(family, dream, real, status="completed"):
        found = {} if status == "failed" else {"inverse_dynamics": dream, "inverse_dynamics_real": real}
        return {"family": family, "status": status, "scenario": family, "values": found}

    rows = [row("yaw", 1.0, 1.0), row("yaw", 1.0, 1.0), row("yaw", 1.0, 1.0), row("walk", 0.0, 0.5)]
    assert balanced_share(rows, "inverse_dynamics")["inverse_dynamics_share"][0] == pytest.approx(0.5 / 0.75)
    failed = balanced_share([*rows, row("yaw", 0, 0, "failed")], "inverse_dynamics")["inverse_dynamics_share"][0]
    assert failed == pytest.approx(0.375 / 0.75)
    value, reason = balanced_share([row("use", None, None)], "inverse_dynamics")["inverse_dynamics_share"]
    assert np.isnan(value) and reason


def test_a_dream_that_turns_the_same_whatever_is_asked_has_no_slope():
    rows = [
        {"scenario": str(i), "values": {"turn": 0.5 + 0.01 * (i % 2), "turn_real": dose}}
        for i, dose in enumerate((0.2, 0.5, 1.0, 0.2, 0.5, 1.0))
    ]
    mean = np.mean([row["values"]["turn"] / row["values"]["turn_real"] for row in rows])
    assert mean > 1  # the mean of the ratios would be fooled
    assert dose_response(rows, "turn")["turn_slope"][0] == pytest.approx(0, abs=0.02)
    assert np.isnan(dose_response(rows[:2], "turn")["turn_slope"][0])


def test_slope_and_its_interval():
    x = np.linspace(0, 1, 40)
    found = slope(x, 3 + 2 * x + 0.1 * RNG.normal(size=40))
    assert found.low < 2 < found.high
    assert found.high - found.low < 0.4
    assert np.isnan(slope([1, 1, 1], [1, 2, 3]).mean)


def test_cases_kept_by_older_versions_are_made_anew(tmp_path, band):
    """Their facts lack what the suite measures with now."""
    from evals.cases import RealBranches
    from evals.games import RealGame

    class Older(ControlSuite):
        facts_version = 0

    game, real = RealGame(band.ENV_ID, {}), RealBranches(tmp_path)
    for suite in (Older(), ControlSuite(), ControlSuite()):
        real.get(suite, game, 0)
    assert len(list(tmp_path.rglob("*.npz"))) == 2

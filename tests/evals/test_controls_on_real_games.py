"""The controls in the real games: what the suites must say about simulators whose worth is known."""

import numpy as np
import pytest

from evals.controls.oracle import Oracle
from evals.controls.wrong_action import WrongAction
from evals.games import RealGame, RealGames
from evals.play import roll_out
from evals.run import evaluate
from evals.suites.control import ControlSuite
from evals.suites.drift import DriftSuite
from evals.table import format_table
from worldsim.core.records import RunRecord, read_rows
from worldsim.core.types import Prediction

LIMIT = 10
HORIZON = 48
SHORT = {"drift": {"horizon": HORIZON, "independent_episodes": 4}}


class Late(WrongAction):
    """The real game with every action one step late."""

    def choose_actions(self, scenario, branch):
        return np.concatenate([scenario.prefix[-1:], scenario.branches[branch][:-1]])


class Smeared:
    """The oracle's frames turned into the mean of all their pixels, row by row: a strong blur."""

    name = "smeared"

    def __init__(self, games):
        self.oracle = Oracle(games)

    def reset(self, contexts, prompts, seeds):
        return self.oracle.reset(contexts, prompts, seeds)

    def branch(self, state, slots):
        return self.oracle.branch(state, slots)

    def step(self, state, actions):
        raise AssertionError("rollout is there")

    def rollout(self, state, actions):
        seen = self.oracle.rollout(state, actions)
        mean = seen.frames.mean(axis=-2, keepdims=True).round().astype(np.uint8)
        return Prediction(np.broadcast_to(mean, seen.frames.shape), seen.reward, seen.termination_prob)


class Faded(Smeared):
    """The mean colour of the context, for ever: what a fading dream ends in."""

    name = "faded"

    def __init__(self):
        pass

    def reset(self, contexts, prompts, seeds):
        colours = [context.frames.mean(axis=(0, 1, 2)).round().astype(np.uint8) for context in contexts]
        return np.stack([np.full_like(context.frames[0], rgb) for context, rgb in zip(contexts, colours, strict=True)])

    def branch(self, state, slots):
        return state[list(slots)]

    def rollout(self, state, actions):
        zeros = np.zeros(actions.shape[:2], np.float32)
        return Prediction(state[:, None].repeat(actions.shape[1], axis=1), zeros, zeros)


class Coarse:
    """A model that can only be asked to reconstruct: it keeps the upper five bits."""

    name = "coarse"

    def describe(self):
        return {"kind": "test"}

    def reset(self, contexts, prompts, seeds):
        return np.stack([context.frames[-1] for context in contexts])

    def branch(self, state, slots):
        return state[list(slots)]

    def step(self, state, actions):
        zeros = np.zeros(len(state), np.float32)
        return state, Prediction(self.reconstruct(state), zeros, zeros)

    def reconstruct(self, frames):
        return frames // 8 * 8


@pytest.fixture(scope="module", params=("voxel/arena", "doom/my_way_home"))
def run(request, tmp_path_factory, case_cache):
    """An evaluation of all controls and some simulators of known worth: (summary by suite, rows, folder)."""
    if request.param.startswith("doom"):
        pytest.importorskip("vizdoom")
    out, games = tmp_path_factory.mktemp("run"), RealGames()
    try:
        late = Late(Oracle(games), "late")
        simulators = [(Coarse(), "model"), (late, "model"), (Smeared(games), "model"), (Faded(), "model")]
        summary = evaluate(
            simulators,
            ["control", "drift"],
            [(request.param, {})],
            out,
            LIMIT,
            overrides=SHORT,
            videos=1,
            cache=case_cache,
        )
    finally:
        games.close()
    return summary, read_rows(out / "rows.jsonl"), out


def values(run, suite, simulator, metric):
    rows = [row for row in run[1] if (row["suite"], row["simulator"]) == (suite, simulator)]
    assert len(rows) == LIMIT
    return np.array([row["values"][metric] for row in rows])


def test_oracle_is_exact(run):
    assert (values(run, "control", "oracle", "action_swap_2afc") == 1).all()
    for metric in ("psnr@1", "psnr@4", "psnr@8"):
        assert (values(run, "control", "oracle", metric) == 100).all()
    assert (values(run, "drift", "oracle", "drift_horizon_frames") == HORIZON).all()
    assert (values(run, "drift", "oracle", "drift_censored") == 1).all()
    assert (values(run, "drift", "oracle", "motion_energy_ratio") == 1).all()
    assert (values(run, "drift", "oracle", "colour_drift") == 0).all()
    assert (values(run, "drift", "oracle", "reward_mae") == 0).all()


def test_last_frame_is_at_chance_and_frozen(run):
    assert (values(run, "control", "last_frame", "action_swap_2afc") == 0.5).all()
    assert (values(run, "control", "last_frame", "psnr_gain@8") == 0).all()
    assert (values(run, "drift", "last_frame", "motion_energy_ratio") == 0).all()


def test_wrong_action_scores_nothing(run):
    assert (values(run, "control", "wrong_action", "action_swap_2afc") == 0).all()
    assert values(run, "drift", "wrong_action", "psnr@16").mean() < 40


def test_actions_one_step_late_are_found_out(run):
    assert (values(run, "control", "late", "action_swap_2afc@1") == 0.5).all()
    assert values(run, "control", "late", "psnr@8").mean() < 60
    assert values(run, "drift", "late", "psnr@8").mean() < 60


def test_blur_passes_2afc_but_not_the_psnr_beside_it(run):
    """A documented limit: 2AFC asks for direction only."""
    assert values(run, "control", "smeared", "action_swap_2afc").mean() >= 0.8
    assert values(run, "control", "smeared", "psnr@8").mean() < 25


def test_fading_does_not_make_a_long_horizon(run):
    """By squared error one flat colour stays nearer than an unrelated episode; the primary has it lost soon."""
    rows = [row for row in run[1] if (row["suite"], row["simulator"]) == ("drift", "faded")]
    nearer = [np.mean(row["curves"]["mse"]) < np.mean(row["curves"]["mse_independent"]) for row in rows]
    assert np.mean(nearer) >= 0.8
    faded, still = (values(run, "drift", name, "drift_horizon_frames").mean() for name in ("faded", "last_frame"))
    assert faded <= still
    assert faded < 0.5 * HORIZON


def test_the_autoencoders_ceiling_is_below_the_oracle_and_above_the_nulls(run):
    ceiling = values(run, "control", "oracle_vae", "psnr@8")
    assert ((ceiling > 30) & (ceiling < 45)).all()  # five bits of eight
    assert (values(run, "control", "oracle_vae", "action_swap_2afc") == 1).all()


def test_summary_scores_and_judges(run):
    summary, _, out = run
    for part in summary["suites"]:
        assert part["valid"] is not False and "excludes" in part["valid_reason"], part["valid_reason"]
        scores = {entry["simulator"]: entry["score"]["mean"] for entry in part["simulators"]}
        assert scores["oracle"] == 1
        assert scores[part["best_null"]] == 0
        roles = {entry["simulator"]: entry["role"] for entry in part["simulators"]}
        assert roles["oracle_vae"] == "ceiling"
        assert roles["wrong_action"] == "null"
    text = format_table(summary)
    assert "oracle_vae" in text
    assert f"{LIMIT}/{LIMIT}" in text
    record = RunRecord.read(out)
    assert record.planned == record.completed == (8 + 10) * LIMIT  # drift has two nulls more
    assert record.finished_utc


def test_videos_show_the_game_and_the_dream_from_the_common_frame(run):
    from worldsim.core.video import read_video

    _, rows, out = run
    filmed = [row for row in rows if row["videos"]]
    assert {row["scenario"].rpartition("/")[2] for row in filmed} == {"0000"}
    pair = next(row for row in filmed if row["suite"] == "control" and row["simulator"] == "coarse")
    assert set(pair["videos"]) == {"real_a", "real_b", "dream_a", "dream_b"}
    real_a, fps = read_video(out / pair["videos"]["real_a"])
    real_b, _ = read_video(out / pair["videos"]["real_b"])
    assert len(real_a) == len(real_b) == 9  # the common frame, then horizons 1 to 8
    assert np.abs(real_a[0].astype(int) - real_b[0]).mean() < 3
    assert np.abs(real_a[8].astype(int) - real_b[8]).mean() > 3
    assert fps == pytest.approx({"voxel/arena": 20, "doom/my_way_home": 8.75}[pair["game"]])
    drift = next(row for row in filmed if row["suite"] == "drift")
    assert set(drift["videos"]) == {"real", "dream"}


@pytest.mark.parametrize("env_id", ["voxel/arena", "doom/my_way_home"])
def test_oracle_steps_equal_its_rollout(env_id):
    if env_id.startswith("doom"):
        pytest.importorskip("vizdoom")

    class StepsOnly:
        """Hides ``rollout``."""

        name = "steps"

        def __init__(self, inner):
            self.reset, self.step, self.branch = inner.reset, inner.step, inner.branch

    game, games = RealGame(env_id, {}), RealGames()
    try:
        case = DriftSuite(horizon=5, independent_episodes=1).build(game, 0)
        pair = ControlSuite(horizon=5).build(game, 1)
        oracle = Oracle(games)
        contexts = [case.context(8), pair.context(8)]
        actions = np.stack([case.scenario.branches["recorded"], pair.scenario.branches["b"]])
        whole = roll_out(oracle, oracle.reset(contexts, ["", ""], [0, 1]), actions)
        steps = roll_out(StepsOnly(oracle), oracle.reset(contexts, ["", ""], [0, 1]), actions)
        np.testing.assert_array_equal(whole.frames, steps.frames)
        np.testing.assert_array_equal(whole.reward, steps.reward)
        np.testing.assert_array_equal(whole.frames[0], case.real["recorded"].frames)
    finally:
        game.close()
        games.close()

"""Planted faults: each does what it is called, more of it at a higher severity."""

import numpy as np
import pytest

from evals.controls.planted import FAULTS, SEVERITIES, CannotPlant, fault_name, parse_fault
from evals.controls.planted.fault import PlantedFault
from evals.controls.planted.worlds import partly
from evals.games import RealGame
from evals.run import evaluate
from evals.scenarios import Case, Scenario
from evals.suites.control import ControlSuite
from evals.suites.drift import DriftSuite
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.records import read_rows
from worldsim.core.types import Edit

HORIZON = 16
PREFIX = 8


def test_names_are_read_and_wrong_ones_refused():
    assert parse_fault("planted/blur@0.25") == ("blur", 0.25)
    assert parse_fault("planted/blur") == ("blur", 1.0)
    assert fault_name(*parse_fault("planted/blur@1")) == "planted/blur@1"
    with pytest.raises(UnknownNameError, match="Did you mean 'blur'"):
        parse_fault("planted/blurr@0.5")
    for wrong in ("0", "1.5", "-1", "much", "nan", ""):
        with pytest.raises(WorldsimError, match="above 0 and up to 1"):
            parse_fault(f"planted/blur@{wrong}")


def test_an_evaluation_takes_planted_faults_as_controls(band, case_cache, tmp_path):
    names = [fault_name("blur", severity) for severity in SEVERITIES]
    summary = evaluate(
        [], ["control"], [(band.ENV_ID, {})], tmp_path, 3, controls=["oracle", *names], cache=case_cache, videos=0
    )
    rows = read_rows(tmp_path / "rows.jsonl")
    assert {row["role"] for row in rows if row["simulator"] in names} == {"fault"}
    assert {row["status"] for row in rows} == {"completed"}
    psnr = {entry["simulator"]: entry["metrics"]["psnr@8"]["mean"] for entry in summary["suites"][0]["simulators"]}
    assert 100 == psnr["oracle"] > psnr[names[0]] > psnr[names[1]] > psnr[names[2]]
    with pytest.raises(UnknownNameError, match="Did you mean 'planted/blur'"):
        evaluate([], ["control"], [(band.ENV_ID, {})], tmp_path, 3, controls=["planted/blurr@1"], cache=case_cache)
    with pytest.raises(WorldsimError, match="above 0 and up to 1"):
        evaluate([], ["control"], [(band.ENV_ID, {})], tmp_path, 3, controls=["planted/blur@7"], cache=case_cache)


@pytest.fixture(scope="module")
def yaw(games):
    """voxel/arena, turning right and left for 16 frames, 4 degrees a step."""
    game = games.get("voxel/arena", {})
    families = {"yaw": {"a": {"camera_yaw_right_deg": 4}, "b": {"camera_yaw_right_deg": -4}}}
    return ControlSuite(horizon=HORIZON, families=families).build(game, 0)


@pytest.fixture(scope="module")
def thing(games):
    """voxel/arena from a standing camera, with the thing that is seen best and without it."""
    game = games.get("voxel/arena", {})
    seed, prefix = 3, np.tile(game.codec.vector(), (PREFIX, 1))
    game.bring(seed, prefix)
    cubes = [one for one in game.ground_truth().objects if "cube" in one.cls]
    subject = max(cubes, key=lambda one: one.visible_pixels)
    assert subject.visible_pixels > 100
    actions = np.tile(game.codec.vector(), (6, 1))
    edits = {"absent": (Edit(0, "remove", {"object_id": subject.id}),)}
    scenario = Scenario(
        "test", game.env_id, game.env_kwargs, 0, seed, prefix, {"present": actions, "absent": actions},
        edits=edits, subject_id=subject.id,
    )  # fmt: skip
    real = {name: game.branch(seed, prefix, actions, edits.get(name, ())) for name in scenario.branches}
    return Case(scenario, game.record("explorer", seed, 3).frames, real, game.fps)


def answer(games, fault, severity, case, seed=1):
    return PlantedFault(fault_name(fault, severity), games).answer(case, seed)


def distances(games, fault, case, branch):
    """Mean absolute difference to the real branch at each severity, which must have the game's shape and type."""
    real = case.real[branch].frames
    found = []
    for severity in SEVERITIES:
        frames = answer(games, fault, severity, case)[branch].frames
        assert frames.shape == real.shape and frames.dtype == np.uint8
        found.append(np.abs(frames.astype(int) - real).mean())
    return found


@pytest.mark.parametrize(
    "fault",
    ["blur", "hue_drift", "ripples", "freeze", "loop", "fade", "delayed", "scaled", "ignored", "swapped"],
)
def test_more_severe_is_further_from_the_game(games, yaw, fault):
    low, medium, high = distances(games, fault, yaw, "a")
    assert 0 < low < medium < high


@pytest.mark.parametrize(
    "fault", ["vanish", "duplicate", "recolour", "teleport", "revert_edit", "fade_edit", "edit_elsewhere"]
)
def test_more_severe_is_more_of_the_wrong_world(games, thing, fault):
    low, medium, high = distances(games, fault, thing, "present")
    assert 0 < low < medium < high
    # The world without the thing is as it was.
    assert (answer(games, fault, 1.0, thing)["absent"].frames == thing.real["absent"].frames).all()


def test_pictures_go_wrong_in_their_own_ways(games, yaw):
    real = yaw.real["a"].frames
    frozen = answer(games, "freeze", 0.5, yaw)["a"].frames
    assert (frozen[:8] == real[:8]).all() and (frozen[8:] == real[7]).all()
    assert (answer(games, "freeze", 1.0, yaw)["a"].frames == yaw.context_frames[-1]).all()
    looped = answer(games, "loop", 0.5, yaw)["a"].frames
    assert (looped[:8] == real[:8]).all() and (looped[8:] == real[:8]).all()
    faded = answer(games, "fade", 1.0, yaw)["a"].frames
    assert faded[-1].std((0, 1)).max() < 1 < faded[7].std((0, 1)).min() < real[7].std((0, 1)).min()
    blurred = answer(games, "blur", 0.5, yaw)["a"].frames
    assert np.abs(np.diff(blurred.astype(int), axis=2)).mean() < 0.6 * np.abs(np.diff(real.astype(int), axis=2)).mean()
    hue = answer(games, "hue_drift", 0.5, yaw)["a"].frames
    assert np.abs(hue.max(-1).astype(int) - real.max(-1)).max() <= 2  # brightness stays


def test_wrong_actions_are_played_in_the_real_game(games, yaw):
    real, start = yaw.real["a"].frames, yaw.context_frames[-1]
    late = answer(games, "ignored", 0.25, yaw)["a"].frames
    assert (late[:4] == start).all() and (late[4:] == real[:12]).all()
    slow = answer(games, "scaled", 0.5, yaw)["a"].frames
    assert (slow[1::2] == real[:8]).all()
    assert (answer(games, "swapped", 1.0, yaw)["a"].frames == yaw.real["b"].frames).all()
    game = games.get("voxel/arena", {})
    before = yaw.scenario.prefix[-2:]
    delayed = game.branch(
        yaw.scenario.seed, yaw.scenario.prefix, np.concatenate([before, yaw.scenario.branches["a"][:-2]])
    )
    assert (answer(games, "delayed", 0.25, yaw)["a"].frames == delayed.frames).all()


def test_keys_are_held_for_the_share_of_steps_that_is_left(games):
    case = ControlSuite(horizon=8, families={"walk": {"a": {"forward": 1}, "b": {"back": 1}}}).build(
        games.get("voxel/arena", {}), 0
    )
    game, held = games.get("voxel/arena", {}), []
    branch = game.branch

    def spy(seed, prefix, actions, edits=()):
        held.append(actions[:, game.codec.index("forward")].tolist())
        return branch(seed, prefix, actions, edits)

    game.branch = spy
    try:
        answer(games, "scaled", 0.25, case)
    finally:
        del game.branch
    assert held[0] == [0, 1, 1, 1, 0, 1, 1, 1]


def test_things_go_wrong_in_their_own_ways(games, thing):
    present, absent = (thing.real[name].frames for name in ("present", "absent"))
    subject = (present != absent).any(-1)
    assert (answer(games, "vanish", 1.0, thing)["present"].frames == absent).all()
    assert (answer(games, "revert_edit", 1.0, thing)["present"].frames == absent).all()
    twice = (answer(games, "duplicate", 1.0, thing)["present"].frames != absent).any(-1)
    assert twice.sum() > 1.4 * subject.sum() and (twice & subject).sum() == subject.sum()
    moved = (answer(games, "teleport", 1.0, thing)["present"].frames != absent).any(-1)
    assert (moved & subject).sum() < 0.9 * subject.sum() and moved.any()
    colour = (answer(games, "recolour", 1.0, thing)["present"].frames != present).any(-1)
    assert 0.5 * subject.sum() < (colour & subject).sum() and (colour & ~subject).mean() < 0.05
    elsewhere = (answer(games, "edit_elsewhere", 1.0, thing)["present"].frames != absent).any(-1)
    assert 0 < (elsewhere & subject).sum() < 0.6 * subject.sum()
    fading = (answer(games, "fade_edit", 1.0, thing)["present"].frames != absent).any(-1).sum((1, 2))
    assert (np.diff(fading) < 0).all() and fading[-1] == 0


def test_swapped_identities_are_each_others_colours(games):
    game = RealGame("physics/collision", {})
    case = DriftSuite(horizon=4, independent_episodes=1, policy="random", prefix_steps=[2, 2], context_frames=2).build(
        game, 0
    )
    game.close()
    low, medium, high = distances(games, "swap_identity", case, "recorded")
    assert 0 < low < medium < high


def test_a_share_of_a_difference_is_taken_from_the_top():
    real, other = np.zeros((2, 4, 4, 3), np.uint8), np.zeros((2, 4, 4, 3), np.uint8)
    other[:, 1:3] = 9
    assert (partly(real, other, 0.5)[:, 1] == 9).all() and (partly(real, other, 0.5)[:, 2:] == 0).all()
    assert (partly(real, other, np.array([0.0, 1.0]))[0] == real[0]).all()
    assert (partly(real, other, 1.0) == other).all()


def test_what_cannot_be_planted_says_why(games, yaw, band):
    with pytest.raises(CannotPlant, match="no other prompt"):
        answer(games, "shuffled_prompts", 1.0, yaw)
    single = DriftSuite(horizon=4, independent_episodes=1).build(games.get("voxel/arena", {}), 0)
    with pytest.raises(CannotPlant, match="no branch in which it was not done"):
        answer(games, "revert_edit", 1.0, single)


def test_every_fault_can_be_loaded():
    for entry in FAULTS:
        assert callable(entry.load()), entry.name

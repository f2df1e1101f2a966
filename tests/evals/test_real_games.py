import numpy as np
import pytest

from evals.games import RealGame, RealGames
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import game_seed
from worldsim.core.types import GameOrigin

GAMES = ("voxel/arena", "doom/my_way_home", "doom/health_gathering")
PREFIX, HORIZON = 40, 10


@pytest.fixture(scope="module", params=GAMES)
def recorded(request):
    """A game and an explorer's recording in it."""
    if request.param.startswith("doom"):
        pytest.importorskip("vizdoom")
    game = RealGame(request.param, {})
    yield game, game.record("explorer", game_seed(0, "test", 3), PREFIX + HORIZON)
    game.close()


def test_a_branch_along_the_recorded_actions_is_the_recording(recorded):
    game, recording = recorded
    assert not recording.ended
    prefix, rest = recording.actions[:PREFIX], recording.actions[PREFIX:]
    game.record("explorer", game_seed(0, "test", 4), 15)  # the game was elsewhere in between
    branch = game.branch(recording.seed, prefix, rest)
    np.testing.assert_array_equal(branch.frames, recording.frames[PREFIX + 1 :])
    np.testing.assert_array_equal(branch.rewards, recording.rewards[PREFIX:])


def test_actions_shifted_by_one_are_not_the_recording(recorded):
    game, recording = recorded
    late = game.branch(recording.seed, recording.actions[:PREFIX], recording.actions[PREFIX - 1 : -1])
    assert not np.array_equal(late.frames, recording.frames[PREFIX + 1 :])
    if game.env_id == "voxel/arena":  # the last context frame is where the prefix ends, not one before or after
        again = game.branch(recording.seed, recording.actions[: PREFIX - 1], recording.actions[PREFIX - 1 : PREFIX])
        np.testing.assert_array_equal(again.frames[0], recording.frames[PREFIX])


def test_branches_do_not_disturb_each_other(recorded):
    game, recording = recorded
    prefix, rest = recording.actions[:PREFIX], recording.actions[PREFIX:]
    still = np.tile(game.codec.vector(), (HORIZON, 1))
    first = game.branch(recording.seed, prefix, still)
    other = game.branch(recording.seed, prefix, rest)
    again = game.branch(recording.seed, prefix, still)
    np.testing.assert_array_equal(first.frames, again.frames)
    assert not np.array_equal(first.frames, other.frames)


def test_another_instance_of_the_game_gives_the_same_branch(recorded):
    game, recording = recorded
    origin = GameOrigin(game.env_id, {}, recording.seed, recording.actions[:PREFIX])
    games = RealGames()
    try:
        branch = games.play(origin, recording.actions[PREFIX:])
        np.testing.assert_array_equal(branch.frames, recording.frames[PREFIX + 1 :])
        assert game.fingerprint("explorer") == games.get(game.env_id, {}).fingerprint("explorer")
    finally:
        games.close()


def test_a_changed_game_has_another_fingerprint(band):
    first, same, other = (RealGame(band.ENV_ID, kwargs) for kwargs in ({}, {"look": 0}, {"look": 1}))
    assert first.fingerprint("explorer") == same.fingerprint("explorer")
    assert first.fingerprint("explorer") != other.fingerprint("explorer")


def test_unknown_game():
    with pytest.raises(WorldsimError, match="unknown environment 'voxel/nowhere'"):
        RealGame("voxel/nowhere", {})


def test_points_that_were_played_before_are_not_played_again(band):
    game = RealGame(band.ENV_ID, {})
    rng = np.random.default_rng(0)
    points = [(seed, rng.normal(0, 4, (20, len(game.codec))).astype(np.float32)) for seed in range(3)]
    actions = np.ones((2, len(game.codec)), np.float32)
    first = [game.branch(seed, prefix, actions).frames for seed, prefix in points]
    steps, step = [], game.env.step
    game.env.step = lambda action: steps.append(action) or step(action)
    again = [game.branch(seed, prefix, actions).frames for seed, prefix in points]
    assert len(steps) == 3 * len(actions)
    np.testing.assert_array_equal(again, first)


def test_the_way_to_a_point_is_not_drawn_and_leads_to_the_same_frames():
    game, other = RealGame("voxel/arena", {}), RealGame("voxel/arena", {})
    recording = game.record("explorer", 5, 40)
    drawn, draw = [], other.env._draw
    other.env._draw = lambda: drawn.append(1) or draw()
    branch = other.branch(5, recording.actions[:30], recording.actions[30:], truth=True)
    np.testing.assert_array_equal(branch.frames, recording.frames[31:])
    assert len(drawn) <= 10 + 2  # the reset, the point itself and the branch
    np.testing.assert_array_equal(branch.truth[-1].depth_m, game.ground_truth().depth_m)

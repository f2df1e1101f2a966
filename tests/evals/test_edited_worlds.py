"""Branches in worlds that were edited: the game, its oracle and the file of a case all know of the edits."""

import numpy as np
import pytest

from evals.cases import read_case, write_case
from evals.controls.oracle import Oracle
from evals.dreaming import dream
from evals.games import RealGame, RealGames
from evals.scenarios import Case, Scenario
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Edit

PREFIX, HORIZON, CONTEXT = 6, 5, 3


@pytest.fixture(scope="module")
def game():
    game = RealGame("voxel/scene", {})
    yield game
    game.close()


def edited_case(game: RealGame, step: int) -> Case:
    """The scene's thing is there in one world, and gone from frame ``step`` on in the other."""
    game.bring(3, np.zeros((0, len(game.codec)), np.float32))
    seen = max(game.ground_truth().objects, key=lambda one: one.visible_pixels)
    prefix, actions = (np.tile(game.codec.vector(), (steps, 1)) for steps in (PREFIX, HORIZON))
    edits = {"absent": (Edit(step, "remove", {"object_id": seen.id}),)}
    scenario = Scenario(
        "test", game.env_id, game.env_kwargs, 0, 3, prefix, {"present": actions, "absent": actions}, edits=edits,
        subject_id=seen.id,
    )  # fmt: skip
    real = {name: game.branch(3, prefix, actions, edits.get(name, ()), truth=True) for name in scenario.branches}
    start = PREFIX - CONTEXT
    before = {
        name: game.branch(3, prefix[:start], prefix[start:], edits.get(name, ())).frames for name in scenario.branches
    }
    return Case(scenario, before["present"], real, game.fps, contexts={"absent": before["absent"]})


@pytest.mark.parametrize("step", [0, PREFIX - 1, PREFIX, PREFIX + 2])
def test_an_edit_is_seen_from_its_frame_on_and_the_oracle_follows_it(game, step):
    case = edited_case(game, step)
    whole = {
        name: np.concatenate([case.contexts.get(name, case.context_frames), case.real[name].frames])
        for name in case.scenario.branches
    }
    apart = np.abs(whole["present"].astype(int) - whole["absent"]).max((1, 2, 3)) > 0
    first = PREFIX - CONTEXT + 1  # number of the first context frame
    assert (apart == (np.arange(first, first + len(apart)) >= step)).all()
    present, absent = (
        {one.id: one.visible_pixels for one in case.real[name].truth[-1].objects} for name in ("present", "absent")
    )
    assert present[case.scenario.subject_id] > 0
    assert absent.get(case.scenario.subject_id, 0) == 0
    games = RealGames()
    (trial,) = dream(Oracle(games), [case], 0)
    for real, dreamt in trial.branches():
        assert (real == dreamt).all()
    games.close()


def test_a_case_with_edits_is_read_back_as_it_was_written(game, tmp_path):
    case = edited_case(game, 2)
    write_case(tmp_path / "case.npz", case, {"made": "from"})
    back = read_case(tmp_path / "case.npz", {"made": "from"})
    assert back.scenario.edits == case.scenario.edits and back.scenario.hash == case.scenario.hash
    assert (back.contexts["absent"] == case.contexts["absent"]).all()
    assert (back.context(2, "absent").frames == case.contexts["absent"][-2:]).all()
    assert back.context(2, "absent").origin.edits == case.scenario.edits["absent"]
    assert back.context(2, "present").origin.edits == ()


def test_a_game_that_cannot_be_edited_says_so():
    game = RealGame("doom/basic", {})
    with pytest.raises(WorldsimError, match="does not offer the intervention 'remove'; it has none"):
        game.bring(0, np.zeros((0, len(game.codec)), np.float32), (Edit(0, "remove", {"object_id": 1}),))
    game.close()

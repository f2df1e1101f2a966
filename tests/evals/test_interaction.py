"""Interaction in real games: what its scenarios are, what known simulators get, and what naive numbers would say."""

from dataclasses import replace

import numpy as np
import pytest

from envs.policies.voxel_reacher import ACTS
from evals.cases import read_case, write_case
from evals.controls.last_frame import LastFrame
from evals.controls.oracle import Oracle
from evals.controls.planted.fault import PlantedFault
from evals.controls.wrong_action import WrongAction
from evals.dreaming import dream
from evals.metrics.counterfactual import contrast, project
from evals.suites import acts
from evals.suites.interaction import DONE, NOT_DONE, InteractionSuite
from evals.suites.worlds_apart import YAW, same_view
from evals.trial import DreamBranch, Trial
from worldsim.core.errors import UnknownNameError, WorldsimError


@pytest.fixture(scope="module")
def gallery(games):
    return games.get("voxel/gallery", {})


def built(game, index=0, **settings):
    return InteractionSuite(**settings).build(game, index)


def answered(case, draw):
    """A trial in which every branch is what ``draw(name, real frames)`` says."""
    return Trial(
        case,
        {
            name: DreamBranch(draw(name, one.frames), one.rewards, np.zeros(len(one.frames), np.float32))
            for name, one in case.real.items()
        },
    )


@pytest.fixture(scope="module")
def placed(games):
    """A block is placed in the arena, one looks away, and sees it again."""
    return built(games.get("voxel/arena", {}), acts=["place"], viewpoints=["look_away"], lags=[16])


SUITE = InteractionSuite()


@pytest.mark.parametrize("act", list(ACTS))
def test_every_act_changes_the_world_and_the_camera_sees_it_from_one_place(gallery, act):
    viewpoint = acts.VIEWPOINTS[list(ACTS).index(act) % 3]
    case = built(gallery, acts=[act], viewpoints=[viewpoint], lags=[16])
    scenario, facts = case.scenario, case.facts
    assert (scenario.family, str(facts["viewpoint"]), int(facts["lag"])) == (act, viewpoint, 16)
    done, not_done = scenario.branches[DONE], scenario.branches[NOT_DONE]
    acted = int(facts["acted"])
    assert len(done) == acted + 16 + SUITE.config.frames_after
    names = np.array(gallery.codec.names)
    differing = set(names[(done != not_done).any(0)])
    assert differing <= {"use", "attack", "forward", "back"} and differing
    assert (done[acted:] == not_done[acted:]).all()
    played = [gallery.branch(scenario.seed, scenario.prefix, actions, truth=True) for actions in (done, not_done)]
    assert same_view(played[0].truth[acted - 1 :], played[1].truth[acted - 1 :]).all()
    apart = (played[0].frames != played[1].frames).any(-1) & ~facts["hidden"]
    assert (apart[-SUITE.config.frames_after :].sum((1, 2)) >= SUITE.config.min_pixels).all()
    assert facts["away"].any() == (viewpoint == "look_away")
    moved = np.linalg.norm(
        played[0].truth[-1].camera.T_world_camera[:3, 3] - played[0].truth[acted - 1].camera.T_world_camera[:3, 3]
    )
    assert (moved > 0.3) == (viewpoint == "walk_around")
    np.testing.assert_array_equal(case.context_frames[-1], gallery_frame(gallery, scenario))


def gallery_frame(game, scenario):
    return game.branch(scenario.seed, scenario.prefix[:-1], scenario.prefix[-1:]).frames[0]


def test_the_game_has_one_nulls_have_nothing_and_the_wrong_way_round_is_less(placed, games):
    (oracle,) = dream(Oracle(games), [placed], 0)
    values = SUITE.measure(oracle).values
    assert values["persistence"] == values["persistence@16"] == values["rho@16"] == values["looked_away"] == 1
    assert values["at_once"] == 1
    assert values["leak"] == 0
    (still,) = dream(LastFrame(), [placed], 0)
    assert SUITE.measure(still).values["persistence"] == 0
    (swapped,) = dream(WrongAction(Oracle(games)), [placed], 0)
    assert SUITE.measure(swapped).values["persistence"] == -1


@pytest.mark.parametrize("fault", ["revert_edit", "fade_edit", "edit_elsewhere"])
def test_planted_faults_are_seen_and_ordered(placed, games, fault):
    trials = [dream(PlantedFault(f"planted/{fault}@{severity}", games), [placed], 0)[0] for severity in (0.25, 0.5, 1)]
    scores = [1.0, *(SUITE.measure(trial).values["persistence"] for trial in trials)]
    assert scores == sorted(scores, reverse=True)
    assert scores[3] < 0.3


def test_what_is_shown_at_once_and_then_stands_still_never_looked_away(placed):
    """A way to be fooled: the change is there, and so it stays, whatever one looks at."""
    acted = int(placed.facts["acted"])
    still = answered(placed, lambda name, frames: frames[acted - 1][None].repeat(len(frames), 0))
    values = SUITE.measure(still).values
    shown = contrast(*(still.dream[name].frames for name in (DONE, NOT_DONE)), placed.facts["hidden"])
    naive = (np.abs(shown[-6:]).max(-1) > 10).any((1, 2)).mean()  # is the change still to be seen?
    assert naive == 1.0
    assert values["at_once"] == 1
    assert values["looked_away"] == 0
    assert values["persistence"] == 0


def test_who_only_moves_the_camera_scores_in_a_careless_pair_and_not_in_ours(placed, games):
    """A way to be fooled: if the act moves the camera too, everything differs, and there is no need for the act."""
    game, scenario = games.get("voxel/arena", {}), placed.scenario
    turn = scenario.branches[DONE].copy()
    turn[0, game.codec.index(YAW)] += 6
    without = turn.copy()
    without[:, game.codec.index("use")] = 0  # the same turn, but nothing is placed
    first, second, blind = (
        game.branch(scenario.seed, scenario.prefix, actions).frames[-6:]
        for actions in (turn, scenario.branches[NOT_DONE], without)
    )
    naive = project(contrast(blind, second), contrast(first, second)).rho
    assert naive > 0.5
    script = acts.Interaction(scenario.seed, scenario.prefix, turn, scenario.branches[NOT_DONE], 1)
    refused = SUITE._case(game, 0, "place", "look_away", 16, script)
    assert refused is None
    kept = SUITE._case(game, 0, "place", "look_away", 16, replace(script, done=scenario.branches[DONE]))
    blind_here = answered(kept, lambda name, frames: kept.real[NOT_DONE].frames)
    assert SUITE.measure(blind_here).values["persistence"] == 0


def test_scenarios_are_the_same_again_and_take_turns(games, tmp_path):
    game = games.get("voxel/arena", {})
    first, second = (built(game, 3, lags=[8, 16]) for _ in range(2))
    assert first.scenario.hash == second.scenario.hash
    assert first.scenario.seed != built(game, 4, lags=[8, 16]).scenario.seed
    write_case(tmp_path / "case.npz", first, {"made": "from"})
    back = read_case(tmp_path / "case.npz", {"made": "from"})
    assert str(back.facts["viewpoint"]) == str(first.facts["viewpoint"])
    assert SUITE.measure(answered(back, lambda name, frames: frames)).values["persistence"] == 1


def test_where_it_can_be_asked_and_wrong_settings(games):
    assert InteractionSuite().acts(games.get("voxel/arena", {})) == ["place", "break"]
    assert InteractionSuite().acts(games.get("voxel/gallery", {})) == list(ACTS)
    assert "nothing for any of door" in InteractionSuite(acts=["door"]).misfit(games.get("voxel/arena", {}))
    with pytest.raises(UnknownNameError, match="Did you mean 'paint'"):
        InteractionSuite(acts=["pain"])
    with pytest.raises(UnknownNameError, match="viewpoint"):
        InteractionSuite(viewpoints=["fly"])
    with pytest.raises(WorldsimError, match="8 frames or more"):
        InteractionSuite(lags=[4])


def test_games_without_blocks_are_left_out(games):
    pytest.importorskip("mujoco")
    assert "voxel" in InteractionSuite().misfit(games.get("physics/occluder", {}))


def rows_of(lags, value):
    """Rows of a run in which scenario i was asked after ``lags[i]`` frames."""
    found = [
        {"scenario": f"{i}", "values": {f"persistence@{lag}": value(lag), "rho": 1.0}} for i, lag in enumerate(lags)
    ]
    return [*found, {"scenario": "failed", "values": {}}]


def test_the_half_life_of_all_scenarios_together():
    rng = np.random.default_rng(0)
    lags = [8, 16, 32, 64, 128] * 8
    halving = SUITE.conclude(rows_of(lags, lambda lag: 0.9 * 2 ** (-lag / 30) + rng.normal(0, 0.03)))
    value, low, high = (halving[f"half_life{part}_frames"][0] for part in ("", "_low", "_high"))
    assert low < 30 < high
    assert value == pytest.approx(30, abs=6)
    for_ever = SUITE.conclude(rows_of(lags, lambda lag: 1.0))
    assert for_ever["half_life_frames"] == (128, "")
    assert "longer than the longest lag" in for_ever["half_life_high_frames"][1]
    assert "nothing is shown" in SUITE.conclude(rows_of(lags, lambda lag: 0.0))["half_life_frames"][1]
    assert "two lags" in SUITE.conclude(rows_of([8, 8], lambda lag: 1.0))["half_life_frames"][1]

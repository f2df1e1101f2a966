"""Every message the contract checker can give, provoked by a game broken in just that way."""

from __future__ import annotations

import ast
import inspect
import re
import sys

import broken_games as broken
import gymnasium
import numpy as np
import pytest
from broken_games import with_camera, with_space, with_truth
from toy_game import Furnished, Room, ToyGame

from envs.contract import check_game, checker, rule_names
from envs.contract.finding import Broken
from envs.registration import GAMES
from worldsim.core.errors import UnknownNameError

# rule, broken game, keyword arguments, what the message says
BROKEN_GAMES = [
    ("observation_is_a_frame", broken.SmallFloats, {}, r"observation space is Box\(0.0, 1.0.*make it one frame"),
    ("observation_is_a_frame", ToyGame, {"height": 48}, r"made with height=48, the game shows frames of 12 x 16"),
    ("frame_rate_is_named", broken.NoFrameRate, {}, r"render_fps'\] is None; make it the number of steps"),
    ("actions_have_a_codec", with_space(gymnasium.spaces.Text(3)), {}, r"has no codec: .* use Discrete"),
    (
        "actions_have_a_codec",
        with_space(broken.Picky(-1, 1, (1,))),
        {},
        r"comes back from the codec as .*, which is not in Picky",
    ),
    (
        "actions_have_a_codec",
        with_space(broken.Wanderer(-1, 1, (1,))),
        {},
        r"\[5.\] comes back from the codec as \[1.\]",
    ),
    ("gymnasium_accepts_it", broken.UnseededReset, {}, r"check_env: AssertionError: .*non-deterministic"),
    ("render_is_the_observation", broken.DarkRender, {}, r"render\(\) after step 0 is not the observation"),
    ("ends_are_clear", broken.NumpyBools, {}, r"are bool_?, bool; make both bool"),
    ("ends_are_clear", broken.NoReward, {}, r"reward of step 1 is nan; make it a finite"),
    ("ends_are_clear", broken.NeverStartsAfresh, {}, r"is over at its first step; reset\(\) must start afresh"),
    (
        "ends_are_clear",
        broken.CrashesAfterTheEnd,
        {},
        r"after the end raises ZeroDivisionError: no player; raise gymnasium",
    ),
    ("ends_are_clear", broken.GoesOnAfterTheEnd, {}, r"step\(\) after the end goes on"),
    ("seeds_reproduce", broken.RemembersEpisodes, {}, r"seed 7 played twice differs at step 0, in the same instance"),
    (
        "seeds_reproduce",
        broken.EveryInstanceIsAnother,
        {},
        r"seed 7 played twice differs at step 0, in another instance",
    ),
    ("seeds_matter", broken.AlwaysTheSame, {}, r"seeds 7, 8 and 9 give the same episode"),
    ("branches_are_exact", broken.StaleFrame, {}, r"snapshot: the frame returned at the branch point is not"),
    ("branches_are_exact", broken.Jitters, {}, r"snapshot: the game goes on differently 1 steps after"),
    ("branches_are_exact", broken.OneActionShort, {}, r"replay: the frame returned at the branch point is not"),
    ("snapshots_are_plain", broken.ObjectsInState, {}, r"state\['bag'\] of a snapshot is an array of Python objects"),
    ("snapshots_are_plain", broken.GeneratorInState, {}, r"state\['tools'\]\[0\] of a snapshot is a Generator"),
    (
        "snapshots_are_independent",
        broken.SharesItsPosition,
        {},
        r"state\['position'\] .* came from went on; copy it in get_s",
    ),
    (
        "snapshots_are_independent",
        broken.SharesItsDiary,
        {},
        r"the length of a snapshot changed .* copy it in get_state",
    ),
    (
        "snapshots_are_independent",
        broken.KeepsTheGivenArray,
        {},
        r"state\['position'\] .* put into went on; copy it in set_s",
    ),
    (
        "depth_and_ids_are_images",
        with_truth(depth_m=lambda g, s: s.depth_m[:5]),
        {},
        r"depth_m is float32 \(5, 16\); ma",
    ),
    (
        "depth_and_ids_are_images",
        with_truth(instance_ids=lambda g, s: s.instance_ids.astype(np.uint8)),
        {},
        r"instance_ids is uint8 \(12, 16\); make it int32",
    ),
    (
        "depth_and_ids_are_images",
        with_truth(depth_m=lambda g, s: s.depth_m * np.float32("nan")),
        {},
        r"the value nan; di",
    ),
    (
        "depth_and_ids_are_images",
        with_truth(depth_m=lambda g, s: s.depth_m * np.float32("inf")),
        {},
        r"infinite everywh",
    ),
    (
        "depth_and_ids_are_images",
        with_truth(instance_ids=lambda g, s: s.instance_ids - 1),
        {},
        r"value -1; ids are pos",
    ),
    (
        "camera_is_a_pinhole",
        with_camera(broken.flat_K),
        {},
        r"K is \(2, 3\) and T_world_camera is \(4, 4\); make them finite",
    ),
    ("camera_is_a_pinhole", with_camera(broken.sideways_K), {}, r"K is \[\[-10.0, .*with positive fx and fy"),
    (
        "camera_is_a_pinhole",
        with_camera(broken.corner_K),
        {},
        r"optical centre \(99, 6\) is outside the frame of 12 x 16",
    ),
    ("camera_is_a_pinhole", with_camera(broken.turned), {}, r"does not rotate"),
    (
        "camera_is_a_pinhole",
        with_camera(broken.bottom_row),
        {},
        r"last row of T_world_camera is \[1.0, 0.0, 0.0, 1.0\]",
    ),
    ("ids_name_objects", with_truth(objects=broken.second_poster), {}, r"object ids are \[1, 1\]; make each unique"),
    (
        "ids_name_objects",
        with_truth(objects=broken.nowhere),
        {},
        r"object 1 \(poster\) has a position or velocity that is not",
    ),
    (
        "ids_name_objects",
        with_truth(instance_ids=broken.ids_of_2),
        {},
        r"the ids \[2\] are in the picture, and no object",
    ),
    (
        "ids_name_objects",
        with_truth(objects=broken.miscounted),
        {},
        r"object 1 \(poster\) says \d+ visible pixels; the picture",
    ),
    ("depth_and_camera_agree", with_camera(broken.far_away), {}, r"only \d+ pixels of \d+ views are seen twice"),
    ("depth_and_camera_agree", with_camera(broken.mirrored_turn), {}, r"depth and camera disagree: .*OpenCV axes"),
    ("depth_and_camera_agree", with_camera(broken.graphics_axes), {}, r"depth and camera disagree|are seen twice"),
    (
        "depth_and_camera_agree",
        with_truth(depth_m=broken.euclidean),
        {},
        r"depth and camera disagree: .*depth is planar",
    ),
    ("bad_actions_are_refused", broken.TakesAnyAction, {}, r"NaN in 'camera' is taken; raise a WorldsimError before"),
    (
        "bad_actions_are_refused",
        broken.StumblesOverActions,
        {},
        r"NaN in 'camera' raises IndexError: no such direction",
    ),
    ("bad_actions_are_refused", broken.MovesBeforeItRefuses, {}, r"refused the game goes on differently, at step 1"),
    ("what_is_handed_out_stays", broken.OneBuffer, {}, r"the frame of the first moment changed while the game"),
    ("task_is_text", broken.AskedInInfoOnly, {}, r"info\['task'\] is 'go to a wall', and the game has no task_text"),
    ("task_is_text", broken.AskedInLines, {}, r"task_text is 'go to\\na wall'; make it one line of text"),
    ("task_is_text", broken.AskedTwoThings, {}, r"task_text is 'go to a wall', info\['task'\] of reset is 'stay'"),
    ("ids_persist", broken.Renames, {}, r"object 1 \(poster\) left and came back as 2"),
    ("ids_persist", broken.RenamesUnlisted, {}, r"has the id 1, and after looking away and back the id 2"),
    ("ids_persist", broken.Recycles, {}, r"id 1 was a (poster|lamp) and is a (poster|lamp) now; an id is given once"),
    ("interventions_do_what_they_say", broken.OffersToExplode, {}, r"offers explode; the names are remove, add"),
    ("interventions_do_what_they_say", broken.TakesEveryName, {}, r"intervene\('vanish'\) is taken; raise a W"),
    ("interventions_do_what_they_say", broken.StumblesOverNames, {}, r"intervene\('vanish'\) raises KeyError"),
    ("interventions_do_what_they_say", broken.TurnsWhenItRefuses, {}, r"is refused, and yet the frame is another"),
    ("interventions_do_what_they_say", broken.RefusesToRemove, {}, r"remove was refused for 2 .* not allowed today"),
    ("interventions_do_what_they_say", broken.BlackFrame, {}, r"frame that remove returns is not what render\(\) sh"),
    ("interventions_do_what_they_say", broken.PushesThePlayer, {}, r"remove moves the camera; it changes the world"),
    ("interventions_do_what_they_say", broken.RemovesNothing, {}, r"object 1 \(poster\) is still there"),
    ("interventions_do_what_they_say", broken.AddsNothing, {}, r"after add, no new object is there; poster was wanted"),
    ("interventions_do_what_they_say", broken.LosesWhatItTeleports, {}, r"after teleport, object 1 \(poster\) is gone"),
    ("interventions_do_what_they_say", broken.TeleportsNowhere, {}, r"object 1 \(poster\) is 1.00 m from where it was"),
    (
        "interventions_do_what_they_say",
        broken.EveryInterventionIsAnother,
        {},
        r"the same remove at the same moment lea",
    ),
    (
        "interventions_do_what_they_say",
        broken.TeleportsThePlayerNowhere,
        {},
        r"teleport without object_id, the player is where it was",
    ),
    ("camera_is_a_pinhole", broken.Crashes, {}, r"the game fails: IndexError: list index out of range"),
]


@pytest.fixture
def register():
    """Registers a game class under a name of its own, and takes it back afterwards."""
    names: list[str] = []

    def add(game: type) -> str:
        names.append(f"test/contract{len(names)}")
        gymnasium.register(names[-1], game)
        return names[-1]

    yield add
    for name in names:
        del gymnasium.registry[name]


@pytest.mark.parametrize(("rule", "game", "kwargs", "message"), BROKEN_GAMES)
def test_a_broken_game_is_told_what_is_wrong(register, rule, game, kwargs, message):
    (finding,) = check_game(register(game), only=[rule], **kwargs)
    assert not finding.ok
    assert re.search(message, finding.message), finding.message


def test_what_the_table_lists_and_the_game_lacks_is_told(register, monkeypatch):
    name = register(Room)
    monkeypatch.setattr(GAMES, "_entries", dict(GAMES._entries))
    GAMES.add(name, "", "", capabilities=["depth", "snapshot"])
    (finding,) = check_game(name, only=["capabilities_are_as_listed"])
    assert finding.message == (
        "the table of games lists ['depth', 'snapshot'], the game offers ['camera', 'depth', 'ids', 'objects']"
    )


def test_what_is_asked_is_listed(register, monkeypatch):
    monkeypatch.setattr(GAMES, "_entries", dict(GAMES._entries))
    truth = ["camera", "depth", "ids", "objects"]
    for game, asked in ((Furnished, ["task"]), (broken.AskedByEpisode, ["task", "text"])):
        name = register(game)
        GAMES.add(name, "", "", capabilities=[*truth, "interventions", "snapshot", *asked])
        (finding,) = check_game(name, only=["capabilities_are_as_listed"])
        assert finding.ok, finding.message


def test_every_message_is_provoked_by_some_broken_game(register, monkeypatch):
    """Each ``raise Broken`` of the checker is reached by a row of the table above or by the test above."""
    modules = [inspect.getmodule(rule) for rule in checker.RULES] + [inspect.getmodule(checker.Subject)]
    raised: set[tuple[str, int]] = set()
    plain = Broken.__init__

    def recording(self, message):
        caller = sys._getframe(1)
        raised.add((caller.f_code.co_filename, caller.f_lineno))
        plain(self, message)

    monkeypatch.setattr(Broken, "__init__", recording)
    test_what_the_table_lists_and_the_game_lacks_is_told(register, monkeypatch)
    for rule, game, kwargs, _ in BROKEN_GAMES:
        check_game(register(game), only=[rule], **kwargs)
    silent = []
    for module in dict.fromkeys(modules):
        file = inspect.getsourcefile(module)
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if (
                isinstance(node, ast.Raise)
                and isinstance(node.exc, ast.Call)
                and ast.unparse(node.exc.func) == "Broken"
            ):
                lines = range(node.lineno, node.end_lineno + 1)
                if not any(name == file and line in lines for name, line in raised):
                    silent.append(f"{module.__name__}:{node.lineno}")
    assert not silent


@pytest.mark.parametrize("game", [ToyGame, Furnished])
def test_a_sound_game_keeps_every_rule(register, game):
    findings = check_game(register(game))
    assert [finding.rule for finding in findings] == rule_names()
    assert [finding for finding in findings if not finding.ok] == []


def test_a_sound_game_is_really_looked_at(register):
    findings = {finding.rule: finding.message for finding in check_game(register(Furnished))}
    assert findings["interventions_do_what_they_say"].startswith("remove, add, recolour, teleport: shown")
    assert findings["ids_persist"].startswith("1 objects left the picture")
    assert "NaN in 'camera'" in findings["bad_actions_are_refused"]
    assert "a choice that is not there in 'forward'" in findings["bad_actions_are_refused"]
    assert "stood still" not in findings["depth_and_camera_agree"]
    assert findings["task_is_text"] == "'go to a wall'"


@pytest.mark.parametrize(("game", "means"), [(ToyGame, "snapshot"), (broken.Replayer, "replay"), (Room, "none")])
def test_the_means_of_branching_is_named(register, game, means):
    (finding,) = check_game(register(game), only=["branches_are_exact"])
    assert finding.ok, finding.message
    assert finding.message.startswith(means)


def test_an_unknown_rule_is_told_what_was_meant():
    with pytest.raises(UnknownNameError, match="Did you mean 'seeds_reproduce'"):
        check_game("voxel/arena", only=["seed_reproduces"])


def test_the_registry_is_left_as_it_was():
    assert not [name for name in gymnasium.registry if name.startswith("test/contract")]

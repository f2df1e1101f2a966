"""Every message the contract checker can give, provoked by a game broken in just that way."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from envs.contract import check_game, interface, reproducibility, rule_names, subject, truth
from envs.contract.finding import Broken
from envs.registration import GAMES
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import UnknownNameError
from worldsim.core.registry import Registry

_spec = importlib.util.spec_from_file_location("toy_game", Path(__file__).with_name("toy_game.py"))
assert _spec and _spec.loader
toy_game = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy_game)
Room, ToyGame = toy_game.Room, toy_game.ToyGame


def with_space(space: gymnasium.Space) -> type:
    class Game(ToyGame):
        def __init__(self, **kwargs: Any):
            super().__init__(**kwargs)
            self.action_space = space

    return Game


def with_truth(**changes: Any) -> type:
    """The toy with parts of its ground truth replaced; a change is a function of the game and its sound truth."""

    class Game(ToyGame):
        def ground_truth(self):
            sound = super().ground_truth()
            return replace(sound, **{name: change(self, sound) for name, change in changes.items()})

    return Game


def with_camera(change: Any) -> type:
    def camera(game, sound):
        K, T = sound.camera.K.copy(), sound.camera.T_world_camera.copy()
        changed = change(game, K, T)
        return replace(sound.camera, K=K, T_world_camera=T) if changed is None else changed

    return with_truth(camera=camera)


class SmallFloats(ToyGame):
    observation_space = gymnasium.spaces.Box(0, 1, (12, 16, 3), np.float32)


class NoFrameRate(ToyGame):
    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012


class Wanderer(gymnasium.spaces.Box):
    """A space whose samples lie outside it."""

    def sample(self, mask=None, probability=None):
        return np.array([5.0], np.float32)

    def contains(self, x):
        return True


class UnseededReset(ToyGame):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None)


class DarkRender(ToyGame):
    def render(self):
        return super().render() // 2


class NumpyBools(ToyGame):
    def step(self, action):
        frame, reward, terminated, truncated, info = super().step(action)
        return frame, reward, np.bool_(terminated), truncated, info


class NoReward(ToyGame):
    def step(self, action):
        frame, _, terminated, truncated, info = super().step(action)
        return frame, float("nan"), terminated, truncated, info


class NeverStartsAfresh(ToyGame):
    over = False

    def step(self, action):
        if self.over:
            return self.draw()[0], 0.0, True, False, {}
        result = super().step(action)
        self.over = result[2]
        return result


class CrashesAfterTheEnd(ToyGame):
    def step(self, action):
        if self.ended:
            raise ZeroDivisionError("no player")
        return super().step(action)


class GoesOnAfterTheEnd(ToyGame):
    def step(self, action):
        if self.ended:
            return self.draw()[0], 0.0, False, False, {}
        return super().step(action)


class RemembersEpisodes(ToyGame):
    episodes = 0

    def reset(self, *, seed=None, options=None):
        result = super().reset(seed=seed)
        self.episodes += 1
        self.position[2] += 0.01 * self.episodes
        return self.draw()[0], result[1]


class EveryInstanceIsAnother(ToyGame):
    instances = 0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        type(self).instances += 1
        self.number = type(self).instances

    def reset(self, *, seed=None, options=None):
        result = super().reset(seed=seed)
        self.position[2] += 0.01 * self.number
        return self.draw()[0], result[1]


class AlwaysTheSame(ToyGame):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=0)


class StaleFrame(ToyGame):
    def set_state(self, state):
        super().set_state(state)
        return np.zeros((12, 16, 3), np.uint8)


class Jitters(ToyGame):
    """Its steps draw random numbers, and its snapshot leaves the random stream out."""

    def step(self, action):
        self.yaw_right_deg += float(self.np_random.normal(0, 5))
        return super().step(action)

    def set_state(self, state):
        return super().set_state({**state, "random": self.np_random.bit_generator.state})


class Replayer(Room):
    """The room with replay."""

    def replay(self, seed, actions):
        codec = ActionCodec.from_space(self.action_space)
        frame, _ = self.reset(seed=seed)
        for vector in actions[: self.taken(len(actions))]:
            frame, *_ = self.step(codec.decode(vector))
        return frame

    def taken(self, count):
        return count


class OneActionShort(Replayer):
    def taken(self, count):
        return count - 1


class ObjectsInState(ToyGame):
    def get_state(self):
        return {**super().get_state(), "bag": np.array([object()])}


class GeneratorInState(ToyGame):
    def get_state(self):
        return {**super().get_state(), "tools": [self.np_random]}


class MovesInPlace(ToyGame):
    def step(self, action):
        array = self.position
        result = super().step(action)
        array[:] = self.position
        self.position = array
        return result


class SharesItsPosition(MovesInPlace):
    def get_state(self):
        return {**super().get_state(), "position": self.position}


class SharesItsDiary(ToyGame):
    def reset(self, *, seed=None, options=None):
        self.diary = []
        return super().reset(seed=seed)

    def step(self, action):
        self.diary.append(1)
        return super().step(action)

    def get_state(self):
        return {**super().get_state(), "zz_diary": self.diary}


class KeepsTheGivenArray(MovesInPlace):
    def set_state(self, state):
        super().set_state(state)
        self.position = state["position"]
        return self.draw()[0]


class Crashes(ToyGame):
    def ground_truth(self):
        raise IndexError("list index out of range")


def turned(game, K, T):
    T[:3, 0] *= -1


def far_away(game, K, T):
    T[:3, 3] += 1000 * game.yaw_right_deg


def mirrored_turn(game, K, T):
    T[:3, :3] = T[:3, :3].T


def graphics_axes(game, K, T):
    T[:3, 1:3] *= -1


def bottom_row(game, K, T):
    T[3, 0] = 1


def sideways_K(game, K, T):
    K[0, 0] *= -1


def corner_K(game, K, T):
    K[0, 2] = 99


def flat_K(game, K, T):
    return toy_game.Camera(K[:2], T)


def euclidean(game, sound):
    rows, columns = np.mgrid[:12, :16] + 0.5
    return (sound.depth_m * np.sqrt(1 + ((columns - 8) / 10) ** 2 + ((rows - 6) / 10) ** 2)).astype(np.float32)


def second_poster(game, sound):
    return sound.objects * 2


def nowhere(game, sound):
    return (replace(sound.objects[0], velocity_m_s=(np.nan, 0.0, 0.0)),)


def miscounted(game, sound):
    return (replace(sound.objects[0], visible_pixels=sound.objects[0].visible_pixels + 1),)


def ids_of_2(game, sound):
    return np.full_like(sound.instance_ids, 2)


# rule, broken game, keyword arguments, what the message says
BROKEN_GAMES = [
    ("observation_is_a_frame", SmallFloats, {}, r"observation space is Box\(0.0, 1.0.*make it one frame"),
    ("observation_is_a_frame", ToyGame, {"height": 48}, r"made with height=48, the game shows frames of 12 x 16"),
    ("frame_rate_is_named", NoFrameRate, {}, r"render_fps'\] is None; make it the number of steps"),
    ("actions_have_a_codec", with_space(gymnasium.spaces.Text(3)), {}, r"has no codec: .* use Discrete"),
    (
        "actions_have_a_codec",
        with_space(gymnasium.spaces.Box(-1, 1, (1,), np.float16)),
        {},
        r"comes back from the codec as .*, which is not in Box",
    ),
    ("actions_have_a_codec", with_space(Wanderer(-1, 1, (1,))), {}, r"\[5.\] comes back from the codec as \[1.\]"),
    ("gymnasium_accepts_it", UnseededReset, {}, r"check_env: AssertionError: .*non-deterministic"),
    ("render_is_the_observation", DarkRender, {}, r"render\(\) after step 0 is not the observation"),
    ("ends_are_clear", NumpyBools, {}, r"are bool_?, bool; make both bool"),
    ("ends_are_clear", NoReward, {}, r"reward of step 1 is nan; make it a finite"),
    ("ends_are_clear", NeverStartsAfresh, {}, r"is over at its first step; reset\(\) must start afresh"),
    ("ends_are_clear", CrashesAfterTheEnd, {}, r"after the end raises ZeroDivisionError: no player; raise gymnasium"),
    ("ends_are_clear", GoesOnAfterTheEnd, {}, r"step\(\) after the end goes on"),
    ("seeds_reproduce", RemembersEpisodes, {}, r"seed 7 played twice differs at step 0, in the same instance"),
    ("seeds_reproduce", EveryInstanceIsAnother, {}, r"seed 7 played twice differs at step 0, in another instance"),
    ("seeds_matter", AlwaysTheSame, {}, r"seeds 7, 8 and 9 give the same episode"),
    ("branches_are_exact", StaleFrame, {}, r"snapshot: the frame returned at the branch point is not"),
    ("branches_are_exact", Jitters, {}, r"snapshot: the game goes on differently 1 steps after"),
    ("branches_are_exact", OneActionShort, {}, r"replay: the frame returned at the branch point is not"),
    ("snapshots_are_plain", ObjectsInState, {}, r"state\['bag'\] of a snapshot is an array of Python objects"),
    ("snapshots_are_plain", GeneratorInState, {}, r"state\['tools'\]\[0\] of a snapshot is a Generator"),
    ("snapshots_are_independent", SharesItsPosition, {}, r"state\['position'\] .* came from went on; copy it in get_s"),
    ("snapshots_are_independent", SharesItsDiary, {}, r"the length of a snapshot changed .* copy it in get_state"),
    ("snapshots_are_independent", KeepsTheGivenArray, {}, r"state\['position'\] .* put into went on; copy it in set_s"),
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
    ("camera_is_a_pinhole", with_camera(flat_K), {}, r"K is \(2, 3\) and T_world_camera is \(4, 4\); make them finite"),
    ("camera_is_a_pinhole", with_camera(sideways_K), {}, r"K is \[\[-10.0, .*with positive fx and fy"),
    ("camera_is_a_pinhole", with_camera(corner_K), {}, r"optical centre \(99, 6\) is outside the frame of 12 x 16"),
    ("camera_is_a_pinhole", with_camera(turned), {}, r"does not rotate"),
    ("camera_is_a_pinhole", with_camera(bottom_row), {}, r"last row of T_world_camera is \[1.0, 0.0, 0.0, 1.0\]"),
    ("ids_name_objects", with_truth(objects=second_poster), {}, r"object ids are \[1, 1\]; make each unique"),
    (
        "ids_name_objects",
        with_truth(objects=nowhere),
        {},
        r"object 1 \(poster\) has a position or velocity that is not",
    ),
    ("ids_name_objects", with_truth(instance_ids=ids_of_2), {}, r"the ids \[2\] are in the picture, and no object"),
    (
        "ids_name_objects",
        with_truth(objects=miscounted),
        {},
        r"object 1 \(poster\) says \d+ visible pixels; the picture",
    ),
    ("depth_and_camera_agree", with_camera(far_away), {}, r"only \d+ pixels of \d+ views are seen twice"),
    ("depth_and_camera_agree", with_camera(mirrored_turn), {}, r"depth and camera disagree: .*OpenCV axes"),
    ("depth_and_camera_agree", with_camera(graphics_axes), {}, r"depth and camera disagree|are seen twice"),
    ("depth_and_camera_agree", with_truth(depth_m=euclidean), {}, r"depth and camera disagree: .*depth is planar"),
    ("camera_is_a_pinhole", Crashes, {}, r"the game fails: IndexError: list index out of range"),
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


def test_every_message_is_provoked_by_some_broken_game(register, monkeypatch):
    """Each ``raise Broken`` of the checker is reached by a row of the table above or by the test above."""
    modules = (interface, reproducibility, truth, subject)
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
    for module in modules:
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


def test_a_sound_game_keeps_every_rule(register):
    findings = check_game(register(ToyGame))
    assert [finding.rule for finding in findings] == rule_names()
    assert [finding for finding in findings if not finding.ok] == []


@pytest.mark.parametrize(("game", "means"), [(ToyGame, "snapshot"), (Replayer, "replay"), (Room, "none")])
def test_the_means_of_branching_is_named(register, game, means):
    (finding,) = check_game(register(game), only=["branches_are_exact"])
    assert finding.ok, finding.message
    assert finding.message.startswith(means)


def test_an_unknown_rule_is_told_what_was_meant():
    with pytest.raises(UnknownNameError, match="Did you mean 'seeds_reproduce'"):
        check_game("voxel/arena", only=["seed_reproduces"])


def test_the_registry_is_left_as_it_was():
    assert isinstance(GAMES, Registry)
    assert not [name for name in gymnasium.registry if name.startswith("test/contract")]

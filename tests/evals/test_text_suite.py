"""The suite ``text`` with readers whose understanding is known: of all, of some words, of none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.voxel.maps import scene
from evals.games import RealGame, RealGames
from evals.metrics.looks import Discriminant
from evals.metrics.motion import down_shift, growth, right_shift
from evals.run import evaluate
from evals.scenes import RealScenes, attributes_of
from evals.suites.text import HELD_OUT, TextSuite, _sides, prompt_of
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Prediction

SMALL = {"references": 10, "checks": 2, "scene_frames": 5, "horizon": 6}
NOTHING = np.zeros((64, 64), bool)


class Reader:
    """Makes scenes of the real game and understands ``known`` attributes; commands it follows if ``obeys``."""

    def __init__(self, name, known, obeys):
        self.name, self.known, self.obeys = name, known, obeys
        self.games = RealGames()

    def describe(self):
        return {"name": self.name, "text": True, "context_frames": 4}

    def from_text(self, prompts, seeds, frames, size):
        scenes = RealScenes(*size)
        read = [{k: v for k, v in attributes_of(prompt).items() if k in self.known} for prompt in prompts]
        return [scenes.clip(said, seed >> 32, frames) for said, seed in zip(read, seeds, strict=True)]

    def reset(self, contexts, prompts, seeds):
        assert len(set(seeds)) == len(seeds) / 2, "both prompts of a pair get the same noise"
        assert all(len(context.frames) == 4 for context in contexts)
        return list(zip(contexts, prompts, strict=True))

    def branch(self, state, slots):
        return [state[slot] for slot in slots]

    def rollout(self, state, actions):
        assert np.isnan(actions).all(), "what a command means is not told"
        frames = []
        for (context, prompt), sequence in zip(state, actions, strict=True):
            game = self.games.get(context.origin.env_id, context.origin.env_kwargs)
            pairs = TextSuite().config.commands.values()
            (does,) = [does for pair in pairs for text, does in pair.values() if text == prompt]
            vector = game.codec.vector(**(does if self.obeys else {}))
            origin = context.origin
            frames.append(game.branch(origin.seed, origin.prefix, np.tile(vector, (len(sequence), 1))).frames)
        zeros = np.zeros(np.stack(frames).shape[:2], np.float32)
        return Prediction(np.stack(frames), zeros, zeros.copy())


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    readers: list[Any] = [
        Reader("all", ("biome", "colour", "time", "shape"), True),
        Reader("no_colour", ("biome", "time", "shape"), True),
        Reader("deaf", (), False),
    ]
    folder = tmp_path_factory.mktemp("text")
    return evaluate(
        [(reader, "model") for reader in readers], ["text"], [("voxel/scene", {})], folder / "run", limit=8,
        overrides={"text": SMALL}, videos=0, cache=folder / "cache",
    )  # fmt: skip


def test_who_reads_is_told_from_who_does_not(summary):
    (part,) = summary["suites"]
    found = {row["simulator"]: row for row in part["simulators"]}
    assert "the oracle's interval excludes every null" in part["valid_reason"]
    assert set(found) == {"all", "no_colour", "deaf", "oracle", "ignore_prompt"}  # other nulls do not read
    assert found["oracle"]["metrics"]["prompt_swap_2afc"]["mean"] == 1
    assert found["all"]["metrics"]["prompt_swap_2afc"]["mean"] == 1
    assert found["all"]["metrics"]["predicate_accuracy"]["mean"] > 0.9
    assert found["ignore_prompt"]["metrics"]["prompt_swap_2afc"]["mean"] == 0.5
    assert found["deaf"]["metrics"]["prompt_swap_2afc"]["mean"] == 0.5
    kinds = {kind: one["mean"] for kind, one in found["no_colour"]["families"].items()}
    assert kinds.keys() == {"biome", "colour", "time", HELD_OUT, "turn", "look", "walk", "strafe"}
    assert kinds["colour"] == 0.5
    assert kinds["biome"] == kinds["time"] == kinds["turn"] == kinds["walk"] == 1
    assert found["oracle"]["metrics"]["instrument_accuracy"]["mean"] > 0.9
    assert all(row["failed"] == 0 for row in found.values())


def test_a_model_without_text_is_not_asked(tmp_path):
    class Plain:
        name = "plain"

        def describe(self):
            return {"name": "plain"}

    plain: Any = Plain()
    with pytest.raises(WorldsimError, match=r"nothing can be evaluated. text cannot be asked of plain"):
        evaluate([(plain, "model")], ["text"], [("voxel/scene", {})], tmp_path / "run")


def test_pairs_differ_in_one_thing_and_only_held_out_ones_are_new():
    for family in ("biome", "colour", "time", HELD_OUT):
        for i in range(40):
            a, b = _sides(family, stream(i, "test"))
            assert sum(a[key] != b[key] for key in a) == 1
            pairs = [(side["biome"], side["colour"]) in scene.HELD_OUT for side in (a, b)]
            assert pairs == [family == HELD_OUT, False]
            assert attributes_of(prompt_of(a)) == a


def test_the_instruments_of_motion_on_pictures_moved_by_hand():
    rng = np.random.default_rng(0)
    wide = np.kron(rng.integers(0, 255, (40, 40)), np.ones((4, 4))).astype(np.uint8)[..., None].repeat(3, -1)
    right = np.stack([wide[40:104, 60 - 3 * t : 124 - 3 * t] for t in range(5)])
    down = np.stack([wide[60 - 2 * t : 124 - 2 * t, 40:104] for t in range(5)])
    assert right_shift(right, NOTHING) * 64 == pytest.approx(12, abs=0.5)
    assert right_shift(right[::-1], NOTHING) * 64 == pytest.approx(-12, abs=0.5)
    assert down_shift(down, NOTHING) * 64 == pytest.approx(8, abs=0.5)
    assert abs(right_shift(np.repeat(right[:1], 4, 0), NOTHING)) < 1e-9
    cross = NOTHING.copy()
    cross[28:36] = True
    covered = np.where(cross[None, ..., None], np.uint8(255), right)  # a bar that stands still over all of it
    assert right_shift(covered, cross) * 64 == pytest.approx(12, abs=0.5)
    game = RealGame("voxel/scene", {})
    start = np.zeros((0, len(game.codec)), np.float32)
    for name, sign in (("forward", 1), ("back", -1)):
        frames = game.branch(3, start, np.tile(game.codec.vector(**{name: 1}), (8, 1))).frames
        assert sign * growth(frames, game.env.hud_mask()) > 0.05


def test_the_discriminant_sees_a_small_thing():
    rng = np.random.default_rng(0)

    def frames(colour):
        grounds = rng.integers(60, 200, (12, 1, 1, 3)) + rng.integers(-10, 10, (12, 32, 32, 3))
        out = grounds.clip(0, 255).astype(np.uint8)
        for one in out:
            x, y = rng.integers(0, 26, 2)
            one[y : y + 6, x : x + 6] = colour
        return out

    between = Discriminant.between(frames((220, 40, 40)), frames((40, 90, 230)))
    assert between.score(frames((220, 40, 40))) > 0 > between.score(frames((40, 90, 230)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scenes": ["colours"]}, "unknown attribute of a scene 'colours'. Did you mean 'colour'"),
        ({"commands": {"dance": {}}}, "unknown command that can be measured: 'dance'"),
        ({"commands": {"turn": {"a": ["turn left", {}]}}}, "give the two sides a and b"),
        ({"checks": 1}, "checks=1"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises((WorldsimError, UnknownNameError), match=message):
        TextSuite(**settings)


def test_a_game_without_scenes_is_asked_for_commands_only():
    game = RealGame("voxel/arena", {})
    assert TextSuite().families(game) == ["turn", "look", "walk", "strafe"]
    case = TextSuite(**SMALL).build(game, 2)
    assert case.scenario.prompts == {"a": "walk forward", "b": "walk backward"}
    with pytest.raises(WorldsimError, match="no command fits its channels"):
        TextSuite().families(RealGame("gym:CartPole-v1", {}))

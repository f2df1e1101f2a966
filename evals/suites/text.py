"""Text: two prompts that differ in one thing and the same noise; does each video show what its own prompt says?

Prompt-swap 2AFC (DESIGN section 6). Scenes are made from nothing, and a discriminant made of real frames of both sides
decides; commands follow a context of the real game under unknown actions, and the motion of the whole picture decides.
How often an instrument is right about the real game is measured beside, as ``instrument_accuracy``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.voxel.maps import scene
from evals import scenes
from evals.dreaming import describe
from evals.games import RealGame
from evals.metrics.choice import ordered_2afc
from evals.metrics.looks import Discriminant
from evals.metrics.motion import down_shift, growth, right_shift
from evals.metrics.pixels import mean_absolute_difference
from evals.scenarios import Case, RealBranch, Scenario
from evals.suite import Suite
from evals.suites.moments import MomentConfig, draw_moment
from evals.trial import Measurement, Trial
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.protocols import MakesFromText
from worldsim.core.seeding import derive_seed, game_seed, stream
from worldsim.core.types import Frames

ATTRIBUTES = {"biome": tuple(scene.BIOMES), "colour": scene.COLOURS, "time": tuple(scene.TIMES)}
HELD_OUT = "held_out"
MOTIONS = {"turn": right_shift, "look": down_shift, "walk": growth, "strafe": right_shift}  # larger for side a
Side = dict[str, str]


@dataclass(frozen=True)
class TextConfig(MomentConfig):
    """The settings of ``text.yaml``; UnknownNameError or WorldsimError for pairs that no instrument can judge."""

    window_frames: int
    scene_frames: int
    references: int
    checks: int
    min_difference: float
    scenes: list[str]
    commands: dict[str, dict[str, tuple[str, dict[str, float]]]]

    def __post_init__(self) -> None:
        for name in self.scenes:
            if name not in (*ATTRIBUTES, HELD_OUT):
                raise UnknownNameError("attribute of a scene", name, [*ATTRIBUTES, HELD_OUT])
        for name, pair in self.commands.items():
            if name not in MOTIONS:
                raise UnknownNameError("command that can be measured:", name, MOTIONS)
            if set(pair) != {"a", "b"}:
                raise WorldsimError(f"command {name!r} has {sorted(pair)}; give the two sides a and b.")
        if min(self.references, self.checks, self.scene_frames) < 2:
            raise WorldsimError(
                f"references={self.references}, checks={self.checks}, scene_frames={self.scene_frames}: "
                "an instrument needs at least 2 of each."
            )
        if not 2 <= self.window_frames <= self.horizon:
            raise WorldsimError(f"window_frames={self.window_frames}: from 2 up to horizon={self.horizon}.")


class TextSuite(Suite):
    """Kinds of pairs take turns; the primary is for how much of the time two videos lie on the sides of their prompts.

    The time is counted in frames of scenes and in ``window_frames`` of commands.
    """

    name = "text"
    primary = "prompt_swap_2afc"
    config_class = TextConfig
    nulls = ("ignore_prompt",)
    faults = ("shuffled_prompts",)
    chance = 0.5
    games = ("voxel/scene",)

    def admits(self, simulator: Any) -> bool:
        """Those that say they follow text, and can make a video of it."""
        return bool(describe(simulator).get("text")) and isinstance(simulator, MakesFromText)

    def build(self, game: RealGame, index: int) -> Case:
        """Raises WorldsimError where neither scenes nor commands fit the game."""
        families = self.families(game)
        family = families[index % len(families)]
        if family not in self.config.commands:
            return self._scene(game, index, family)
        commands = [name for name in families if name in self.config.commands]
        for turn in range(len(commands)):
            name = commands[(commands.index(family) + turn) % len(commands)]
            case = self._command(game, index, name, turn * self.config.attempts)
            if case is not None:
                return case
        raise WorldsimError(
            f"text: no command moved the picture of {game.env_id} visibly after "
            f"{len(commands) * self.config.attempts} moments; lower min_difference or raise attempts."
        )

    def families(self, game: RealGame) -> list[str]:
        """What can be asked in the game: kinds of scenes where it is the game of scenes, and commands it can do."""
        found = list(self.config.scenes) if game.env_id == scenes.GAME else []
        for name, pair in self.config.commands.items():
            if all(channel in game.codec.names for _, channels in pair.values() for channel in channels):
                found.append(name)
        if not found:
            raise WorldsimError(
                f"text: {game.env_id} tells no scenes and no command fits its channels ({', '.join(game.codec.names)})."
            )
        return found

    def measure(self, trial: Trial) -> Measurement:
        a, b = (self._score(trial, trial.dream[side].frames) for side in ("a", "b"))
        result = Measurement()
        result.add("prompt_swap_2afc", _mean_2afc(a, b))
        nothing = [0.0] * len(a)
        result.add("predicate_accuracy", (_mean_2afc(a, nothing) + _mean_2afc(nothing, b)) / 2)
        result.add("instrument_accuracy", float(trial.case.facts["instrument_accuracy"]))
        return result

    def _score(self, trial: Trial, frames: Frames) -> list[float]:
        """One after the other, above 0 where a clip looks like side a, below for side b."""
        facts = trial.case.facts
        if trial.case.scenario.from_nothing:
            instrument = Discriminant(facts["direction"], float(facts["threshold"]))
            return [instrument.score(frame[None]) for frame in frames]
        return self._motions(trial.case.scenario.family, trial.start, frames, facts["hidden"])

    def _motions(self, family: str, start: Frames, frames: Frames, hidden: NDArray[np.bool_]) -> list[float]:
        """The motion that a command is about, in each window of the frames (H, h, w, 3) that follow ``start``."""
        whole, step = np.concatenate([start[None], frames]), self.config.window_frames
        return [MOTIONS[family](whole[t : t + step + 1], hidden) for t in range(0, len(frames) - step + 1, step)]

    # Scenes

    def _scene(self, game: RealGame, index: int, family: str) -> Case:
        """Two prompts, what the game shows for each, and the instrument between them."""
        seed = game_seed(0, "test", index)
        side_a, side_b = _sides(family, stream(seed, "eval scene pair"))
        height, width, _ = game.env.observation_space.shape
        real = scenes.RealScenes(height, width)
        references, checks = self.config.references, self.config.checks

        def clips(side: Side, use: str, count: int, frames: int) -> list[Frames]:
            return [real.clip(side, derive_seed(seed, use, i) >> 32, frames) for i in range(count)]

        pair = [np.concatenate(clips(side, "reference", references, 1)) for side in (side_a, side_b)]
        instrument = Discriminant.between(*pair)
        scores = [
            [instrument.score(clip) for clip in clips(side, "check", checks, self.config.scene_frames)]
            for side in (side_a, side_b)
        ]
        right = [ordered_2afc(a, 0.0) for a in scores[0]] + [ordered_2afc(0.0, b) for b in scores[1]]
        branches, prompts = {}, {}
        for name, side in (("a", side_a), ("b", side_b)):
            (frames,) = clips(side, "branch", 1, self.config.scene_frames)
            branches[name] = RealBranch(frames, *_nothing(len(frames)))
            prompts[name] = prompt_of(side)
        actions = np.zeros((self.config.scene_frames, len(game.codec)), np.float32)
        scenario = Scenario(
            self.name, game.env_id, game.env_kwargs, index, seed, actions[:0], {"a": actions, "b": actions}, family,
            prompts=prompts, from_nothing=True,
        )  # fmt: skip
        facts = {
            "direction": instrument.direction,
            "threshold": np.array(instrument.threshold),
            "instrument_accuracy": np.array(np.mean(right)),
        }
        return Case(scenario, branches["a"].frames[:1], branches, game.fps, facts)

    # Commands

    def _command(self, game: RealGame, index: int, family: str, first_attempt: int) -> Case | None:
        """A moment from which the two commands can be told apart in the real game; None after too many attempts."""
        pair, horizon = self.config.commands[family], self.config.horizon
        mask = game.hud_mask()
        tried: list[float] = []
        for attempt in range(first_attempt, first_attempt + self.config.attempts):
            moment = draw_moment(game, self.config, index, attempt)
            if moment is None:
                continue
            start = moment.frames[-1]
            actions = {side: np.tile(game.codec.vector(**does), (horizon, 1)) for side, (_, does) in pair.items()}
            real = {side: game.branch(moment.seed, moment.actions, sequence) for side, sequence in actions.items()}
            ends = any(branch.ended.any() for branch in real.values())
            if ends or mean_absolute_difference(real["a"].frames, real["b"].frames) < self.config.min_difference:
                continue
            a, b = (self._motions(family, start, real[side].frames, mask) for side in ("a", "b"))
            tried.append(_mean_2afc(a, b))
            if tried[-1] < 1:  # a wall in the way, say
                continue
            prompts = {side: prompt for side, (prompt, _) in pair.items()}
            scenario = Scenario(
                self.name, game.env_id, game.env_kwargs, index, moment.seed, moment.actions, actions, family,
                prompts=prompts,
            )  # fmt: skip
            facts = {"hidden": mask, "instrument_accuracy": np.array(np.mean(tried))}
            return Case(scenario, moment.frames[-self.config.context_frames :], real, game.fps, facts)
        return None


def _mean_2afc(first: Sequence[float], second: Sequence[float]) -> float:
    return float(np.mean([ordered_2afc(a, b) for a, b in zip(first, second, strict=True)]))


def prompt_of(side: Side) -> str:
    """A scene's attributes as the game tells them: "a snowy plain at night with a red pillar"."""
    return scene.in_words({**side, "thing": f"{side['colour']} {side['shape']}"}, "")


def _sides(family: str, rng: np.random.Generator) -> tuple[Side, Side]:
    """Attributes that differ in one; pairs of biome and colour are those of training but for side a of "held_out"."""

    def pick(names: Any) -> Any:
        return names[int(rng.integers(len(names)))]

    rest = {"time": pick(ATTRIBUTES["time"]), "shape": pick(scene.SHAPES)}
    known = [(b, c) for b in scene.BIOMES for c in scene.COLOURS if (b, c) not in scene.HELD_OUT]
    biome, colour = pick(scene.HELD_OUT if family == HELD_OUT else known)
    side = {"biome": biome, "colour": colour, **rest}
    what = pick(("biome", "colour")) if family == HELD_OUT else family
    others = [{**side, what: name} for name in ATTRIBUTES[what] if name != side[what]]
    return side, pick([other for other in others if (other["biome"], other["colour"]) not in scene.HELD_OUT])


def _nothing(frames: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return np.zeros(frames, np.float32), np.zeros(frames, np.bool_)

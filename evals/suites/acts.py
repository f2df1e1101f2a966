"""Scripts of interaction: walk up to something, act on it or not, and see it again later from there or elsewhere.

The scripts know the game's state; what they come to is a list of actions that anybody can play again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.policies.voxel_reacher import ACTS, VoxelReacher
from envs.policies.voxel_walker import Wish
from evals.games import RealGame
from evals.suites.moments import SCENARIOS_APART
from evals.suites.worlds_apart import YAW
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import game_seed, stream

STAY, LOOK_AWAY, WALK_AROUND = "stay", "look_away", "walk_around"
VIEWPOINTS = (STAY, LOOK_AWAY, WALK_AROUND)
FASTEST_DEG = 15.0
SETTLING_STEPS = 7  # in which who stops walking has come to rest
WALK_M = 0.215  # a step


@dataclass(frozen=True)
class Interaction:
    """Play up to an act, the act, and what follows; without the act one does nothing meanwhile."""

    seed: int
    prefix: NDArray[np.float32]  # (P, A)
    done: NDArray[np.float32]  # (H, A)
    not_done: NDArray[np.float32]  # (H, A)
    act_steps: int


class Play:
    """The real game played step by step from its reset with ``seed``, as a script wishes."""

    def __init__(self, game: RealGame, seed: int):
        self.game, self.seed = game, seed
        self.actions: list[NDArray[np.float32]] = []
        game.bring(seed, self._taken)
        self.reacher = VoxelReacher(game.env)

    @property
    def _taken(self) -> NDArray[np.float32]:
        return np.array(self.actions, np.float32).reshape(len(self.actions), len(self.game.codec))

    def act(self, action: NDArray[np.float32]) -> bool:
        """One step; whether the episode goes on."""
        ended = bool(self.game.branch(self.seed, self._taken, action[None]).ended[0])
        self.actions.append(action)
        return not ended

    def wish(self, **channels: float) -> bool:
        return self.act(self.game.codec.vector(**channels))


def possible_acts(game: RealGame, wanted: Sequence[str]) -> list[str]:
    """Which of the acts the game has something for; WorldsimError for a game that is not of voxels."""
    if not hasattr(game.env, "world"):
        raise WorldsimError(f"interaction is about the voxel games, whose worlds can be changed; not {game.env_id}.")
    found = set()
    for index in range(3):
        reacher = Play(game, game_seed(0, "test", index)).reacher
        found |= {act for act in wanted if act not in found and reacher.things(act)}
    return [act for act in wanted if act in found]


def interaction(
    game: RealGame, config: Any, index: int, attempt: int, act: str, viewpoint: str, lag: int
) -> Interaction | None:
    """The script of one scenario; None where there is nothing to act on, or no way to it or around it."""
    seed = game_seed(0, "test", index + attempt * SCENARIOS_APART)
    rng = stream(seed, "eval", "interaction", act)
    play = Play(game, seed)
    targets = play.reacher.targets(act)
    if not targets:
        return None
    cell, point = targets[int(rng.integers(len(targets)))]
    if not _reach(play, cell, point, config):
        return None
    begin = len(play.actions)
    wishes = ACTS[act] or _there_and_back(play, point)
    if not all(play.wish(**wish) for wish in wishes):
        return None
    acted = len(play.actions)
    script = {STAY: _stay, LOOK_AWAY: _look_away, WALK_AROUND: _walk_around}[viewpoint]
    shift = float(rng.uniform(*config.shift_deg)) * float(rng.choice((-1, 1)))
    if not script(play, point, config, lag, shift, float(rng.choice((-1, 1)))):
        return None
    assert len(play.actions) == acted + lag
    for _ in range(config.frames_after):
        if not play.wish():
            return None
    whole = play._taken
    done, not_done = whole[begin:], whole[begin:].copy()
    idle = [game.codec.vector(**{name: value for name, value in wish.items() if name == YAW}) for wish in wishes]
    not_done[: len(wishes)] = idle
    return Interaction(seed, whole[:begin], done, not_done, len(wishes))


def _reach(play: Play, cell: Any, point: NDArray[np.float64], config: Any) -> bool:
    """Walk up to it and stand still before it."""
    for _ in range(config.reach_steps):
        action, there = play.reacher.reach(cell, point)
        if there and len(play.actions) >= config.context_frames:
            return all(play.wish() for _ in range(SETTLING_STEPS))
        if not play.act(action if not there else play.game.codec.vector()):
            return False
    return False


def _there_and_back(play: Play, point: NDArray[np.float64]) -> list[Wish]:
    """Over a thing that lies there and back to where one stands now, in equally many steps each way."""
    away = float(np.hypot(*(point - play.game.env.body[:3])[[0, 2]]))
    steps = int(np.ceil(away / WALK_M))
    rest: list[Wish] = [{}] * SETTLING_STEPS
    return [{"forward": 1.0}] * steps + rest + [{"back": 1.0}] * steps + rest


def _stay(play: Play, point: NDArray[np.float64], config: Any, lag: int, shift: float, side: float) -> bool:
    return all(play.wish() for _ in range(lag))


def _look_away(play: Play, point: NDArray[np.float64], config: Any, lag: int, shift: float, side: float) -> bool:
    """There and back, but for the shift; as far as there is time for."""
    steps = min(lag // 2, int(np.ceil(config.away_deg[1] / config.turn_deg)))
    away = min(config.away_deg[1], steps * (config.turn_deg if lag > 16 else FASTEST_DEG))
    wait = lag - 2 * steps
    turns = [side * away / steps] * steps + [0.0] * wait + [(shift - side * away) / steps] * steps
    return all(play.wish(**{YAW: turn}) for turn in turns)


def _walk_around(play: Play, point: NDArray[np.float64], config: Any, lag: int, shift: float, side: float) -> bool:
    """Sideways, facing the thing, for as far as there is time for; then a turn by the shift."""
    body, turned = play.game.env.body, 0.0
    start = _heading(body, point)
    for step in range(lag):
        turned = abs((_heading(play.game.env.body, point) - start + 180) % 360 - 180)
        walks = turned < config.around_deg and step < lag - 4
        turn = play.reacher.turn_to(point) if step < lag - 2 else shift / 2
        if not play.wish(**{YAW: float(np.clip(turn, -FASTEST_DEG, FASTEST_DEG))}, **_sideways(walks, side)):
            return False
    return turned > config.around_deg / 4


def _sideways(walks: bool, side: float) -> Wish:
    return {"right" if side > 0 else "left": 1.0} if walks else {}


def _heading(body: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """In which direction (degrees) one who stands there sees the point."""
    return float(np.degrees(np.arctan2(point[0] - body[0], point[2] - body[2])))

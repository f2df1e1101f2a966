"""The real game: record a policy in it, bring it to a point again, and run branches from there, exactly."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.policies import POLICIES
from evals.scenarios import RealBranch, array_hash
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.games import make_game
from worldsim.core.protocols import Advances, HasGroundTruth, Intervenes, Policy, Replays, Snapshots
from worldsim.core.records import content_hash, to_plain
from worldsim.core.seeding import derive_seed, game_seed
from worldsim.core.types import Edit, Frames, GameOrigin, GroundTruth

Point = tuple[int, list[bytes], tuple[Edit, ...]]  # seed, actions since the reset, edits

REMEMBERED_BRANCHES = 64
REMEMBERED_POINTS = 64  # several controls start branches from those of a whole batch, one control after the other
FINGERPRINT_STEPS = 24


@dataclass(frozen=True)
class Recording:
    """A policy's T actions in the real game and the T+1 frames; shorter than asked for where the episode ended."""

    seed: int
    frames: Frames  # (T+1, h, w, 3)
    actions: NDArray[np.float32]  # (T, A)
    rewards: NDArray[np.float32]  # (T,)
    ended: bool


class RealGame:
    """One game of ``env_id``, always at a known point: the actions taken since the reset with a known seed.

    Branches start from a snapshot where the game offers exact ones, and from a replay of seed and prefix otherwise.
    Raises WorldsimError for a game that cannot be made.
    """

    def __init__(self, env_id: str, env_kwargs: dict[str, Any]):
        self.env_id, self.env_kwargs = env_id, dict(env_kwargs)
        self.env: Any = make_game(env_id, **env_kwargs).unwrapped
        self.codec = ActionCodec.from_space(self.env.action_space)
        self.fps = float(self.env.metadata["render_fps"])
        self._seed = -1
        self._taken: list[bytes] = []
        self._edits: tuple[Edit, ...] = ()  # of the present world, made and to come
        self._snapshots: OrderedDict[tuple[int, bytes, str], dict[str, Any]] = OrderedDict()
        self._policies: dict[str, Policy] = {}
        self._remembered: OrderedDict[tuple[int, str, str, str], RealBranch] = OrderedDict()

    @property
    def key(self) -> str:
        return game_key(self.env_id, self.env_kwargs)

    @property
    def branches_exactly(self) -> bool:
        return isinstance(self.env, (Snapshots, Replays))

    def record(self, policy: str, seed: int, steps: int) -> Recording:
        """Let ``policy`` play from the reset with ``seed``; it ends early where the episode does."""
        if policy not in self._policies:
            self._policies[policy] = POLICIES.load(policy)(self.env)
        player = self._policies[policy]
        frame = self._reset(seed)
        player.reset(derive_seed(seed, "eval policy", policy))
        frames, actions, rewards, ended = [frame], [], [], False
        for _ in range(steps):
            action = np.asarray(player.act(frames[-1]), np.float32)
            frame, reward, ended = self._step(action)
            frames.append(frame)
            actions.append(action)
            rewards.append(reward)
            if ended:
                break
        taken = np.array(actions, np.float32).reshape(len(actions), len(self.codec))
        return Recording(seed, np.stack(frames), taken, np.array(rewards, np.float32), ended)

    def bring(self, seed: int, prefix: NDArray[np.float32], edits: Sequence[Edit] = ()) -> None:
        """Bring the game to the point that ``prefix`` (P, A) leads to from the reset with ``seed``, ``edits`` made."""
        if not self.branches_exactly:
            raise WorldsimError(
                f"{self.env_id} offers neither Snapshots nor Replays, so it cannot be branched exactly; give it "
                "get_state and set_state, or replay."
            )
        offered = self.env.interventions() if isinstance(self.env, Intervenes) else ()
        for edit in edits:
            if edit.name not in offered:
                known = ", ".join(offered) or "none"
                raise WorldsimError(f"{self.env_id} does not offer the intervention {edit.name!r}; it has {known}.")
        wanted = (seed, [action.tobytes() for action in prefix], tuple(edits))
        if self._point == wanted:
            return
        if _point_key(wanted) in self._snapshots:
            self.env.set_state(self._snapshots[_point_key(wanted)])
        elif isinstance(self.env, Replays) and not edits:
            self.env.replay(seed, prefix)
        else:
            self._reset(seed, edits)
            for number, action in enumerate(prefix, start=1):
                if self._ends(action, seen=number == len(prefix)) and number < len(prefix):
                    raise WorldsimError(f"{self.env_id}, seed {seed}: the episode ends before the prefix does.")
        self._seed, self._taken, self._edits = wanted

    def branch(
        self,
        seed: int,
        prefix: NDArray[np.float32],
        actions: NDArray[np.float32],
        edits: Sequence[Edit] = (),
        truth: bool = False,
    ) -> RealBranch:
        """The game's answer to ``actions`` (H, A) from the point ``prefix`` leads to, with its truth if asked for."""
        self.bring(seed, prefix, edits)
        if isinstance(self.env, Snapshots):
            self._remember()
        frames: list[Frames] = []
        truths: list[GroundTruth] = []
        rewards = np.zeros(len(actions), np.float32)
        over = np.zeros(len(actions), np.bool_)
        for t, action in enumerate(actions):
            if t and over[t - 1]:
                over[t] = True
            else:
                frame, rewards[t], over[t] = self._step(action)
            frames.append(frame)
            if truth:
                truths.append(self.ground_truth() if not t or not over[t - 1] else truths[-1])
        return RealBranch(np.stack(frames), rewards, over, tuple(truths))

    def recall(
        self, seed: int, prefix: NDArray[np.float32], actions: NDArray[np.float32], edits: Sequence[Edit] = ()
    ) -> RealBranch:
        """As ``branch``, out of a short memory where it can be: several controls ask for the same. Where the game is
        then is not said."""
        key = (seed, array_hash(prefix), array_hash(actions), content_hash(to_plain(list(edits))))
        if key not in self._remembered:
            self._remembered[key] = self.branch(seed, prefix, actions, edits)
            if len(self._remembered) > REMEMBERED_BRANCHES:
                self._remembered.popitem(last=False)
        return self._remembered[key]

    def hud_mask(self) -> NDArray[np.bool_]:
        """The pixels (H, W) that show something else than the world; none where the game does not say."""
        if hasattr(self.env, "hud_mask"):
            mask: NDArray[np.bool_] = self.env.hud_mask()
            return mask
        return np.zeros(self.env.observation_space.shape[:2], np.bool_)

    def ground_truth(self) -> GroundTruth:
        """Of the present frame; WorldsimError for a game that offers none."""
        if not isinstance(self.env, HasGroundTruth):
            raise WorldsimError(f"{self.env_id} does not offer HasGroundTruth, which is needed here.")
        return self.env.ground_truth()

    def fingerprint(self, policy: str) -> str:
        """A hash of how the game looks and answers to ``policy``, so that no stored branch outlives a changed game."""
        probe = self.record(policy, game_seed(0, "test", 0), FINGERPRINT_STEPS)
        parts = [array_hash(probe.frames), array_hash(probe.actions), array_hash(probe.rewards), self.codec.to_json()]
        return content_hash(parts)

    def close(self) -> None:
        self.env.close()

    @property
    def _point(self) -> Point:
        """What identifies where the game is."""
        return self._seed, list(self._taken), self._edits

    def _remember(self) -> None:
        key = _point_key(self._point)
        if key not in self._snapshots:
            self._snapshots[key] = self.env.get_state()
            if len(self._snapshots) > REMEMBERED_POINTS:
                self._snapshots.popitem(last=False)

    def _reset(self, seed: int, edits: Sequence[Edit] = ()) -> Frames:
        frame, _ = self.env.reset(seed=seed)
        self._seed, self._taken, self._edits = seed, [], tuple(edits)
        return self._edited(np.array(frame))

    def _step(self, action: NDArray[np.float32]) -> tuple[Frames, float, bool]:
        frame, reward, terminated, truncated, _ = self.env.step(self.codec.decode(action))
        self._taken.append(action.tobytes())
        return self._edited(np.array(frame)), float(reward), bool(terminated or truncated)

    def _ends(self, action: NDArray[np.float32], seen: bool) -> bool:
        """Take a step, whose frame nobody asks for unless it is ``seen``; whether the episode is over."""
        if seen or self._edits or not isinstance(self.env, Advances):
            return self._step(action)[2]
        self._taken.append(action.tobytes())
        return self.env.advance(self.codec.decode(action))[1]

    def _edited(self, frame: Frames) -> Frames:
        """The frame that is seen after the edits that are due now."""
        for edit in self._edits:
            if edit.step == len(self._taken):
                frame = np.array(self.env.intervene(edit.name, **edit.details))
        return frame


def _point_key(point: Point) -> tuple[int, bytes, str]:
    seed, taken, edits = point
    return seed, b"".join(taken), content_hash(to_plain(edits)) if edits else ""


def game_key(env_id: str, env_kwargs: dict[str, Any]) -> str:
    return json.dumps([env_id, to_plain(env_kwargs)], sort_keys=True)


class RealGames:
    """Games by id, started when first needed."""

    def __init__(self) -> None:
        self._games: dict[str, RealGame] = {}

    def get(self, env_id: str, env_kwargs: dict[str, Any]) -> RealGame:
        key = game_key(env_id, env_kwargs)
        if key not in self._games:
            self._games[key] = RealGame(env_id, env_kwargs)
        return self._games[key]

    def play(self, origin: GameOrigin, actions: NDArray[np.float32]) -> RealBranch:
        """Replay ``origin`` and answer ``actions`` (H, A)."""
        game = self.get(origin.env_id, origin.env_kwargs)
        return game.recall(origin.seed, origin.prefix, np.asarray(actions, np.float32), origin.edits)

    def close(self) -> None:
        for game in self._games.values():
            game.close()
        self._games.clear()

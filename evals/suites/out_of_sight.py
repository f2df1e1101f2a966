"""How things come to be out of sight: the player looks away and back, or something passes before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.suites.moments import SCENARIOS_APART, draw_moment
from evals.suites.worlds_apart import YAW, longest_run, pixels_at, visible_pixels
from worldsim.core.seeding import game_seed, stream
from worldsim.core.types import GroundTruth

SEVERAL, LOOK_AWAY, MOVING, OCCLUDER = "several", "look_away", "moving", "occluder"
LONGEST_PASS_STEPS = 240
COMFORTABLE_DEG = 22.0  # how far from straight ahead a subject is at most when one looks back
MOVES_M = 0.3
EQUAL_STEPS = 16  # passages last a multiple of this where they can: equal horizons are dreamt together
LESS_VISIBLE = 0.6  # a passage begins at the last frame that shows so much of what is seen of the subject at best


@dataclass(frozen=True)
class Hiding:
    """Play in the real game during which the subjects are out of sight for ``lag`` frames, or for about so many."""

    seed: int
    prefix: NDArray[np.float32]  # (P, A)
    actions: NDArray[np.float32]  # (H, A)
    subjects: tuple[int, ...]
    lag: int


def families_of(game: RealGame) -> list[str]:
    """In which ways things come to be out of sight in the game."""
    if not _turns(game):
        return [OCCLUDER]
    return [LOOK_AWAY, SEVERAL, *([MOVING] if _has_movers(game) else [])]


def look_away(game: RealGame, config: Any, family: str, index: int, attempt: int, lag: int) -> Hiding | None:
    """Turn away from what is in view, wait, and turn back but for a shift; None where that cannot be from here."""
    moment = draw_moment(game, config, index, attempt)
    if moment is None:
        return None
    game.bring(moment.seed, moment.actions)
    truth = game.ground_truth()
    rng = stream(moment.seed, "eval", "look away", family)
    subjects = _choose(truth, config, family, rng)
    if not subjects:
        return None
    bearing = _bearing_right_deg(truth, subjects)
    shift = float(rng.uniform(*config.shift_deg)) * (np.sign(bearing) if abs(bearing) > 6 else rng.choice((-1, 1)))
    if abs(bearing - shift) > COMFORTABLE_DEG:
        return None
    side, away = float(rng.choice((-1, 1))), float(rng.uniform(*config.away_deg))
    away = min(away, config.away_deg[0] + config.turn_deg * lag / 3)
    there = _turn(game, side * away, config.turn_deg)
    back = _turn(game, shift - side * away, config.turn_deg)
    still = game.codec.vector()[None]
    # How much of the two turns is spent without the subjects in view is for the game to say.
    probe = game.branch(moment.seed, moment.actions, np.concatenate([there, back]), truth=True)
    if probe.ended.any():
        return None
    start, stop = longest_run((visible_pixels(probe.truth, subjects) == 0).all(1))
    wait = lag - (stop - start)
    first = config.spare_steps - len(there) - len(back) + (stop - start) - config.frames_after
    if min(wait, first) < 0 or not start < len(there) <= stop:
        return None
    parts = [still.repeat(first, 0), there, still.repeat(wait, 0), back, still.repeat(config.frames_after, 0)]
    actions = np.concatenate(parts)
    return Hiding(moment.seed, moment.actions, actions, subjects, lag)


def passed(game: RealGame, config: Any, index: int, attempt: int, lag: int) -> Hiding | None:
    """Nobody does anything, and something comes before something else, for about ``lag`` frames; None where not."""
    seed = game_seed(0, "test", index + attempt * SCENARIOS_APART)
    context, after = config.context_frames, config.frames_after
    steps = min(LONGEST_PASS_STEPS, _length(game) - 1)
    actions = game.codec.vector()[None].repeat(steps, 0)
    played = game.branch(seed, actions[:0], actions, truth=True)
    assert played.truth[0].objects is not None
    best: Hiding | None = None
    enough = pixels_at(config.min_pixels, played.frames[0])
    for one in played.truth[0].objects:
        pixels = visible_pixels(played.truth, [one.id])[:, 0]
        if _too_large(played.truth[int(pixels.argmax())], one.id, config):
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[0], pixels == 0, [0]]).astype(np.int8))).reshape(-1, 2)
        for start, stop in edges.tolist():
            wanted = max(enough, LESS_VISIBLE * pixels.max())
            before = np.flatnonzero(pixels[:start] >= wanted)
            again = np.flatnonzero(pixels[stop:] >= wanted)
            if not len(before) or not len(again) or before[-1] + 1 < context or start == stop:
                continue
            begin, end = int(before[-1]) + 1, stop + int(again[0]) + after  # frame t is what t + 1 actions led to
            earlier = begin - (begin - end) % EQUAL_STEPS
            if earlier >= context and pixels[earlier - 1] >= wanted:
                begin = earlier
            if end > steps or (pixels[end - after : end] < enough).any():
                continue
            if best is None or abs(np.log((stop - start) / lag)) < abs(np.log(best.lag / lag)):
                best = Hiding(seed, actions[:begin], actions[begin:end], (one.id,), stop - start)
    return best if best is not None and best.lag >= min(config.lags) else None


def moves(truths: tuple[GroundTruth, ...], subject: int) -> bool:
    """Whether an object is somewhere else at the end than at the start."""
    first, last = (position(truth, subject) for truth in (truths[0], truths[-1]))
    return bool(np.linalg.norm(last - first) > MOVES_M)


def position(truth: GroundTruth, subject: int) -> NDArray[np.float64]:
    """Where an object is (3,), in metres."""
    assert truth.objects is not None
    return np.array(next(one.position_m for one in truth.objects if one.id == subject))


def _choose(truth: GroundTruth, config: Any, family: str, rng: np.random.Generator) -> tuple[int, ...]:
    """Objects in view that are neither tiny nor everywhere, at some distance from the border of the picture."""
    ids = truth.instance_ids
    assert ids is not None and truth.objects is not None
    enough, width = pixels_at(config.min_pixels, ids), ids.shape[1]
    good = []
    for one in truth.objects:
        if one.visible_pixels < enough or (family == MOVING) != _alive(one) or _too_large(truth, one.id, config):
            continue
        columns = np.nonzero(ids == one.id)[1]
        if columns.min() > 0 and columns.max() < width - 1:
            good.append(one.id)
    rng.shuffle(good)
    count = config.several if family == SEVERAL else 1
    return tuple(good[:count]) if len(good) >= min(count, 2) else ()


def _too_large(truth: GroundTruth, subject: int, config: Any) -> bool:
    """Whether an object is the greater part of the scene rather than a thing in it."""
    assert truth.instance_ids is not None
    shown = truth.instance_ids == subject
    return bool(shown.mean() > config.max_share or np.ptp(np.nonzero(shown.any(0))[0]) > shown.shape[1] / 2)


def _alive(one: Any) -> bool:
    """Whether it goes about by itself, or could."""
    return any(one.velocity_m_s) or "head" in one.cls or one.cls in ("pig", "sheep", "slime", "spook")


def _bearing_right_deg(truth: GroundTruth, subjects: tuple[int, ...]) -> float:
    assert truth.camera is not None and truth.instance_ids is not None
    column = np.nonzero(np.isin(truth.instance_ids, subjects))[1].mean()
    K = truth.camera.K
    return float(np.degrees(np.arctan2(column - K[0, 2], K[0, 0])))


def _turn(game: RealGame, right_deg: float, fastest_deg: float) -> NDArray[np.float32]:
    """A turn in equal steps (n, A)."""
    steps = max(1, int(np.ceil(abs(right_deg) / fastest_deg)))
    return game.codec.vector(**{YAW: right_deg / steps})[None].repeat(steps, 0)


def _turns(game: RealGame) -> bool:
    """Whether the player of the game can look elsewhere."""
    if YAW not in game.codec.names:
        return False
    turn = game.codec.vector(**{YAW: 20.0})[None]
    played = game.branch(game_seed(0, "test", 0), turn[:0], turn.repeat(2, 0), truth=True)
    first, second = (truth.camera for truth in played.truth)
    assert first is not None and second is not None
    return not np.allclose(first.T_world_camera, second.T_world_camera)


def _has_movers(game: RealGame) -> bool:
    game.bring(game_seed(0, "test", 0), np.zeros((0, len(game.codec)), np.float32))
    objects = game.ground_truth().objects
    return objects is not None and any(_alive(one) for one in objects)


def _length(game: RealGame) -> int:
    """After how many steps an episode is cut."""
    from envs.registration import GAMES

    entry = GAMES.entry(game.env_id) if game.env_id in GAMES else None
    return int(entry.info.get("max_episode_steps", 10**6)) if entry else 10**6

"""Rules about seeds and branching: the same episode twice, another seed another episode, branches exact to the bit."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from envs.contract.finding import Broken
from envs.contract.subject import SEED, STEPS, Moment, Subject, first_difference
from worldsim.core.protocols import Replays, Snapshots
from worldsim.core.seeding import stream

BRANCH_POINTS = 5
STEPS_AFTER = 10
PLAIN = (bool, int, float, str, bytes, type(None), np.generic)


def seeds_reproduce(game: Subject) -> str:
    """The same seed and actions give the same bits: again in the same instance, and in another one."""
    vectors = game.actions()
    first = list(game.play(game.env, vectors))
    for env, where in ((game.env, "the same instance"), (game.twin, "another instance")):
        step = first_difference(first, list(game.play(env, vectors)))
        if step is not None:
            raise Broken(f"seed {SEED} played twice differs at step {step}, in {where}")
    return f"seed {SEED} gives the same {len(first) - 1} steps three times, in two instances"


def seeds_matter(game: Subject) -> str:
    """Another seed is another episode."""
    vectors = game.actions()
    episodes = [list(game.play(game.env, vectors, seed)) for seed in (SEED, SEED + 1, SEED + 2)]
    if all(first_difference(episodes[0], other) is None for other in episodes[1:]):
        raise Broken(f"seeds {SEED}, {SEED + 1} and {SEED + 2} give the same episode; draw from self.np_random")
    return "another seed is another episode"


def branches_are_exact(game: Subject) -> str:
    """Brought back to random points by snapshot or by replay, the game goes on exactly as it did the first time."""
    env: Any = game.env.unwrapped
    means = "snapshot" if isinstance(env, Snapshots) else "replay" if isinstance(env, Replays) else None
    if means is None:
        return "none: suites that need a branch will leave this game out"
    rng = stream(SEED, "contract", "branch points")
    compared = 0
    for number in range(BRANCH_POINTS):
        seed, point = SEED + number, int(rng.integers(0, STEPS // 2))
        vectors = game.actions(point + STEPS_AFTER, f"branch {number}")
        before = list(game.play(game.env, vectors[:point], seed))
        if len(before) <= point or before[-1].terminated or before[-1].truncated:
            continue  # ended before
        compared += 1
        state = env.get_state() if isinstance(env, Snapshots) else None
        expected = [before[-1], *game.go_on(game.env, vectors[point:])]
        # In the other instance only now and then: for some games it is slow.
        for instance in (game.env, game.twin) if number < 2 else (game.env,):
            instance.reset(seed=SEED + BRANCH_POINTS)
            back: Any = instance.unwrapped
            if isinstance(back, Snapshots):
                frame = back.set_state(state)  # type: ignore[arg-type]
            else:
                frame = back.replay(seed, np.array(vectors[:point], np.float32).reshape(point, len(game.codec)))
            _compare_branch(game, means, instance, frame, vectors[point:], expected)
    return f"{means}: {STEPS_AFTER} steps after {compared} random points are equal to the bit, in two instances"


def _compare_branch(
    game: Subject, means: str, env: Any, frame: Any, vectors: list[Any], expected: list[Moment]
) -> None:
    if not np.array_equal(frame, expected[0].frame):
        raise Broken(f"{means}: the frame returned at the branch point is not the one first seen there")
    step = first_difference(expected[1:], list(game.go_on(env, vectors)))
    if step is not None:
        raise Broken(f"{means}: the game goes on differently {step + 1} steps after the branch point")


def snapshots_are_plain(game: Subject) -> str:
    """A snapshot is dicts, lists, numpy arrays, numbers, text and bytes: it can be stored and sent."""
    original: Any = game.env.unwrapped
    if not isinstance(original, Snapshots):
        return "no snapshots"
    list(game.play(game.env, game.actions(10)))
    state = original.get_state()
    for place, value in _leaves("state", state):
        if isinstance(value, np.ndarray) and value.dtype == object:
            raise Broken(f"{place} of a snapshot is an array of Python objects; make it plain data")
        if not isinstance(value, (np.ndarray, *PLAIN)):
            raise Broken(f"{place} of a snapshot is a {type(value).__name__}; make it plain data")
    return f"a snapshot is {len(_leaves('state', state))} plain values"


def snapshots_are_independent(game: Subject) -> str:
    """The game writes neither into a snapshot it gave nor into one it was given."""
    original: Any = game.env.unwrapped
    if not isinstance(original, Snapshots):
        return "no snapshots"
    vectors = game.actions()
    list(game.play(game.env, vectors[:10]))
    state = original.get_state()
    kept = copy.deepcopy(state)
    list(game.go_on(game.env, vectors[10:]))
    place = _first_change(kept, state)
    if place:
        raise Broken(f"{place} of a snapshot changed while the game it came from went on; copy it in get_state")
    original.set_state(state)
    list(game.go_on(game.env, vectors[10:]))
    place = _first_change(kept, state)
    if place:
        raise Broken(f"{place} of a snapshot changed while the game it was put into went on; copy it in set_state")
    return "snapshots do not change while games go on"


def _leaves(place: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in _leaves(f"{place}[{key!r}]", part)]
    if isinstance(value, (list, tuple)):
        return [leaf for index, part in enumerate(value) for leaf in _leaves(f"{place}[{index}]", part)]
    return [(place, value)]


def _first_change(before: Any, after: Any) -> str | None:
    """Where two snapshots differ; their leaves are compared by value, NaN being equal to itself."""
    old, new = _leaves("state", before), _leaves("state", after)
    for (place, value), (place_now, value_now) in zip(old, new, strict=False):
        if place != place_now or not _equal(value, value_now):
            return place
    return None if len(old) == len(new) else "the length"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and one.dtype.kind in "fc":
        return np.array_equal(one, other, equal_nan=True)
    return bool(np.array_equal(one, other))

"""Faults of memory and consequence: one thing in the world is not what it should be.

Severity is the share of what there is to be seen of the fault, from the top down: of the pixels in which the wrong
world differs from the right one that many are taken from the wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from evals.controls.planted import CannotPlant
from evals.controls.planted.actions import played
from evals.controls.planted.pictures import redrawn
from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Edit, Frames, GroundTruth, ObjectState

COLOURS = ("red", "blue", "yellow", "green", "white", "orange", "purple", "cyan")  # some of them every game has
SHIFT = 0.25  # of the width, for what is shown in a wrong place
STEPS_ASIDE_M = (2.0, -2.0, 1.0, -1.0, 3.0, -3.0)
Change = Callable[[GroundTruth, ObjectState], Sequence[Sequence[Edit]]]


def vanish(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The subject is gone."""
    return _edited(case, game, severity, lambda truth, subject: [[_edit(case, "remove", subject)]])


def recolour(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The subject has another colour."""
    colours = rng.permutation(COLOURS).tolist()

    def change(truth: GroundTruth, subject: ObjectState) -> list[list[Edit]]:
        others = [colour for colour in colours if colour not in subject.cls.split("_")]
        return [[_edit(case, "recolour", subject, colour=colour)] for colour in others]

    return _edited(case, game, severity, change)


def teleport(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The subject is elsewhere: a step to the side as one sees it, or wherever near there is room."""

    def change(truth: GroundTruth, subject: ObjectState) -> list[list[Edit]]:
        assert truth.camera is not None, "a game with objects says where its camera is"
        aside = int(np.abs(truth.camera.T_world_camera[:3, 0]).argmax())  # the world's axis nearest to the picture's
        places = []
        for axis, step in product((aside, *(axis for axis in range(3) if axis != aside)), STEPS_ASIDE_M):
            place = list(subject.position_m)
            place[axis] += step
            places.append([_edit(case, "teleport", subject, position_m=place)])
        return places

    return _edited(case, game, severity, change)


def swap_identity(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The subject and the most visible other thing exchange their colours."""

    def change(truth: GroundTruth, subject: ObjectState) -> list[list[Edit]]:
        pairs = []
        for other in _by_sight(truth):
            own, its = _colour(subject), _colour(other)
            if own and its and own != its:
                pairs.append([_edit(case, "recolour", subject, colour=its), _edit(case, "recolour", other, colour=own)])
        return pairs

    return _edited(case, game, severity, change)


def duplicate(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The subject is seen a second time, a quarter of the picture to the side."""
    gone = _edited(case, game, 1.0, lambda truth, subject: [[_edit(case, "remove", subject)]])
    return redrawn(case, lambda frames, branch: partly(frames, _aside(frames, gone[branch].frames, frames), severity))


def revert_edit(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """What was done in the first branch, or is there alone, is undone: it looks like the second."""
    first, second = _pair(case)
    return _in_first(case, partly(first, second, severity))


def fade_edit(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """What was done in the first branch goes away bit by bit; severity is the share that is gone in the end."""
    first, second = _pair(case)
    return _in_first(case, partly(first, second, severity * np.arange(1, len(first) + 1) / len(first)))


def edit_elsewhere(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """What was done in the first branch is seen a quarter of the picture to the side of where it was done."""
    first, second = _pair(case)
    return _in_first(case, partly(first, _aside(first, second, second), severity))


def shuffled_prompts(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Another branch's prompt is followed; severity is for how much of the time, at the end."""
    names = list(case.scenario.prompts)
    if len(names) < 2:
        raise CannotPlant("there is no other prompt")
    right = round((1 - severity) * case.scenario.horizon)

    def turned(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.concatenate([first[:right], second[right:]])

    others = {name: names[(number + 1) % len(names)] for number, name in enumerate(names)}
    if case.scenario.from_nothing:
        return redrawn(case, lambda frames, branch: turned(frames, case.real[others[branch]].frames))
    branches = case.scenario.branches  # what a command does builds on what was done before
    return played(case, game, lambda actions, branch: turned(actions, branches[others[branch]]))


def partly(real: Frames, other: Frames, share: float | np.ndarray) -> Frames:
    """Frames (H, h, w, 3) with a share, or one for each frame (H,), of the pixels that differ taken from the other."""
    differs = (real != other).any(-1)
    rank = differs.reshape(len(real), -1).cumsum(axis=1)  # from the top down
    taken = differs & (rank <= np.ceil(share * rank[:, -1])[:, None]).reshape(differs.shape)
    return np.where(taken[..., None], other, real)


def _edited(case: Case, game: RealGame, severity: float, change: Change) -> dict[str, DreamBranch]:
    """Every branch in a world that is changed where it begins, the first of the changes that the game accepts.

    Branches in which there is no subject to be changed stay as they are. CannotPlant where that leaves nothing.
    """
    scenario, frames, reason = case.scenario, {}, "no other world differs in what is seen"
    if scenario.from_nothing:
        raise CannotPlant("videos are made of words alone, there is no world to change")
    for name, actions in scenario.branches.items():
        before = scenario.edits.get(name, ())
        game.bring(scenario.seed, scenario.prefix, before)
        truth = game.ground_truth()
        subject = _subject(truth, scenario.subject_id)
        for edits in change(truth, subject) if subject else ():
            try:
                other = game.recall(scenario.seed, scenario.prefix, actions, (*before, *edits)).frames
            except WorldsimError as error:
                reason = str(error)
                continue
            if (other != case.real[name].frames).any():
                frames[name] = other
                break
    if not frames:
        raise CannotPlant(f"{game.env_id}, {scenario.name}: {reason}")
    return redrawn(case, lambda real, name: partly(real, frames[name], severity) if name in frames else real)


def _edit(case: Case, name: str, subject: ObjectState, **details: object) -> Edit:
    return Edit(len(case.scenario.prefix) + 1, name, {"object_id": subject.id, **details})


def _subject(truth: GroundTruth, subject_id: int) -> ObjectState | None:
    """The scenario's subject, or what is seen best where it has none."""
    if subject_id:
        return next((one for one in truth.objects or () if one.id == subject_id and one.alive), None)
    return next(iter(_by_sight(truth)), None)


def _by_sight(truth: GroundTruth) -> list[ObjectState]:
    seen = [one for one in truth.objects or () if one.visible_pixels > 0]
    return sorted(seen, key=lambda one: -one.visible_pixels)


def _colour(thing: ObjectState) -> str:
    return thing.cls.partition("_")[0] if "_" in thing.cls else ""


def _pair(case: Case) -> tuple[Frames, Frames]:
    """The branch in which it was done, or is there, and the one in which not: the first two, which begin alike."""
    names = list(case.scenario.branches)
    if len(names) < 2:
        raise CannotPlant("there is no branch in which it was not done")
    first, second = (case.real[name].frames for name in names[:2])
    if (first == second).all():
        raise CannotPlant("the branches look alike")
    return first, second


def _in_first(case: Case, frames: Frames) -> dict[str, DreamBranch]:
    name = next(iter(case.scenario.branches))
    return redrawn(case, lambda real, branch: frames if branch == name else real)


def _aside(there: Frames, gone: Frames, ground: Frames) -> Frames:
    """``ground`` with what is in ``there`` and not in ``gone`` drawn a quarter of the picture aside."""
    differs = (there != gone).any(-1)
    width = there.shape[2]
    columns = np.nonzero(differs)[2]
    shift = round(SHIFT * width) * (1 if columns.size == 0 or columns.mean() < width / 2 else -1)
    moved, mask = np.roll(there, shift, axis=2), np.roll(differs, shift, axis=2)
    edge = slice(0, shift) if shift > 0 else slice(shift, None)
    mask[:, :, edge] = False  # what left the picture does not come in at the other side
    return np.where(mask[..., None], moved, ground)

"""Dream a batch of cases: every branch of a scenario from one context and one seed; what comes back is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evals.controls.wrong_action import ChoosesActions
from evals.play import roll_out_each
from evals.scenarios import Case, Scenario
from evals.surprise import with_surprise
from evals.trial import DreamBranch, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import Describes, MakesFromText, Simulator
from worldsim.core.seeding import derive_seed
from worldsim.core.types import Prediction

DEFAULT_CONTEXT_FRAMES = 8


@dataclass(frozen=True)
class Failure:
    """Why there is no trial."""

    reason: str


@runtime_checkable
class AnswersCase(Protocol):
    """A control that sees the whole case, the real branches and all, and is neither reset nor stepped."""

    name: str

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        """The answer to every branch of the case; ``seed`` is the scenario's."""
        ...


def describe(simulator: Simulator | AnswersCase) -> dict[str, Any]:
    """What a simulator says it is, or its name when it says nothing."""
    return simulator.describe() if isinstance(simulator, Describes) else {"name": simulator.name}


def context_length(simulator: Simulator) -> int:
    """How many context frames a simulator is shown at most: what its description says that it can make use of.

    ``most_context_frames``, or ``context_frames`` where that is all that it asks for; 8 if it does not say.
    """
    about = describe(simulator)
    return int(about.get("most_context_frames", about.get("context_frames", DEFAULT_CONTEXT_FRAMES)))


def dream(simulator: Simulator | AnswersCase, cases: Sequence[Case], seed: int) -> list[Trial | Failure]:
    """A trial of each case. Whatever raises or answers nonsense is tried alone, so that only its own scenario fails."""
    kinds = [_kind(case.scenario) for case in cases]
    if len(set(kinds)) > 1:  # each kind is a batch of its own
        outcomes: dict[int, Trial | Failure] = {}
        for kind in dict.fromkeys(kinds):
            members = [i for i, other in enumerate(kinds) if other == kind]
            outcomes |= zip(members, dream(simulator, [cases[i] for i in members], seed), strict=True)
        return [outcomes[i] for i in range(len(cases))]
    try:
        predictions = _predict(simulator, cases, seed)
        problem = _problem(predictions, cases)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    if problem and len(cases) > 1:
        return [outcome for case in cases for outcome in dream(simulator, [case], seed)]
    if problem:
        return [Failure(problem)]
    trials = _split(predictions, cases)
    return [with_surprise(simulator, trial, dream_seed(seed, trial.case)) for trial in trials]


def _kind(scenario: Scenario) -> tuple[int | bool, ...]:
    """Scenarios of one kind are dreamt side by side; videos of words alone have one length."""
    return scenario.from_nothing, _apart(scenario), scenario.horizon if scenario.from_nothing else 0


def dream_seed(seed: int, case: Case) -> int:
    """The seed of a scenario's dream: the same for all its branches and for every simulator."""
    return derive_seed(seed, "dream", case.scenario.hash)


def _predict(simulator: Simulator | AnswersCase, cases: Sequence[Case], seed: int) -> list[Prediction]:
    """What is dreamt of each branch of each case, in that order."""
    if isinstance(simulator, AnswersCase):
        return _answered(simulator, cases, seed)
    slots = [(case, name) for case in cases for name in case.scenario.branches]
    if cases[0].scenario.from_nothing:
        return _from_text(simulator, slots, seed)
    length = context_length(simulator)
    if _apart(cases[0].scenario):
        state = simulator.reset(
            [case.context(length, name) for case, name in slots],
            [case.scenario.prompts.get(name, "") for case, name in slots],
            [dream_seed(seed, case) for case, _ in slots],
        )
    else:
        contexts = [case.context(length) for case in cases]
        state = simulator.reset(contexts, [""] * len(cases), [dream_seed(seed, case) for case in cases])
        # Branching from one state makes what is before the branches, and every random number, common to them.
        state = simulator.branch(state, [i for i, case in enumerate(cases) for _ in case.scenario.branches])
    return roll_out_each(simulator, state, [_actions(simulator, case.scenario, name) for case, name in slots])


def _answered(control: AnswersCase, cases: Sequence[Case], seed: int) -> list[Prediction]:
    answers = [control.answer(case, dream_seed(seed, case)) for case in cases]
    branches = [answer[name] for case, answer in zip(cases, answers, strict=True) for name in case.scenario.branches]
    return [Prediction(branch.frames, branch.rewards, branch.termination_prob) for branch in branches]


def _apart(scenario: Scenario) -> bool:
    """Whether branches are told apart before their actions, by words or in another world: they share no beginning."""
    return bool(scenario.prompts or scenario.edits)


def _actions(simulator: Simulator, scenario: Scenario, branch: str) -> NDArray[np.float32]:
    """What is played (H, A); where a prompt says what to do the actions are unknown, which is NaN."""
    if isinstance(simulator, ChoosesActions):
        return simulator.choose_actions(scenario, branch)
    actions = scenario.branches[branch]
    return np.full_like(actions, np.nan) if scenario.prompts else actions


def _from_text(simulator: Simulator, slots: Sequence[tuple[Case, str]], seed: int) -> list[Prediction]:
    """Videos of the prompts; nobody is rewarded there, and nothing ends."""
    if not isinstance(simulator, MakesFromText):
        raise WorldsimError(f"{simulator.name} cannot make a video of a prompt: it has no from_text.")
    first = slots[0][0]
    videos = simulator.from_text(
        [case.scenario.prompts[name] for case, name in slots],
        [dream_seed(seed, case) for case, _ in slots],
        first.scenario.horizon,
        first.context_frames.shape[1:3],
    )
    nothing = [np.zeros(len(video), np.float32) for video in videos]
    return [Prediction(video, zeros, zeros.copy()) for video, zeros in zip(videos, nothing, strict=True)]


def _problem(predictions: Sequence[Prediction], cases: Sequence[Case]) -> str:
    """What is wrong with what was dreamt, "" if nothing is."""
    branches = [case.real[name].frames for case in cases for name in case.scenario.branches]
    for prediction, real in zip(predictions, branches, strict=True):
        frames = np.asarray(prediction.frames)
        if frames.shape != real.shape or frames.dtype != np.uint8:
            return f"frames are {frames.dtype} {frames.shape}; the game's are uint8 {real.shape}"
        for name in ("reward", "termination_prob"):
            values = np.asarray(getattr(prediction, name))
            if values.shape != real.shape[:1]:
                return f"{name} has shape {values.shape}; expected {real.shape[:1]}"
            if not np.isfinite(values).all():
                return f"{name} is not a finite number"
        if ((prediction.termination_prob < 0) | (prediction.termination_prob > 1)).any():
            return "termination_prob is no probability"
    return ""


def _split(predictions: Sequence[Prediction], cases: Sequence[Case]) -> list[Trial]:
    following = iter(predictions)
    trials = []
    for case in cases:
        dreamt = ((name, next(following)) for name in case.scenario.branches)
        branches = {name: DreamBranch(one.frames, one.reward, one.termination_prob) for name, one in dreamt}
        trials.append(Trial(case, branches))
    return trials

"""Run simulators through a suite in one game: batches of scenarios, a row for each and seed, resumable by key."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evals.cases import RealBranches
from evals.control_answers import ControlAnswers
from evals.dreaming import AnswersCase, Failure, describe, dream
from evals.games import RealGame
from evals.progress import Progress
from evals.rows import ROW_SCHEMA, Rows, row_key
from evals.scenarios import Case
from evals.suite import Suite
from evals.summary import Answers, Group
from evals.trial import Measurement, Trial
from evals.videos import write_files, write_videos
from worldsim.core.protocols import Simulator
from worldsim.core.records import content_hash

# Those who are filmed, for the oracle looks like the game, whose video is there already, and nulls are known; and those
# whose networks do the work.
MODEL_ROLES = ("model", "ceiling")


@dataclass(frozen=True)
class Contestant:
    """A simulator and what it is there for: "model", "oracle", "ceiling", "null" or "fault"."""

    simulator: Simulator | AnswersCase
    role: str
    hash: str

    @classmethod
    def of(cls, simulator: Simulator | AnswersCase, role: str) -> Contestant:
        return cls(simulator, role, content_hash([simulator.name, describe(simulator)]))

    def seeds(self, seeds: Sequence[int]) -> Sequence[int]:
        """The roots of its dreams: all of ``seeds`` for a model, one for a control, which does the same every time."""
        return seeds if self.role == "model" else seeds[:1]


@dataclass(frozen=True)
class _Batch:
    """Scenarios as one contestant is asked them; ``inputs`` are what each row depends on."""

    suite: Suite
    contestant: Contestant
    cases: Sequence[Case]
    seed: int
    inputs: Sequence[dict[str, str | int]]

    @cached_property
    def keys(self) -> list[str]:
        return [row_key(part) for part in self.inputs]


class Runner:
    """Fills the rows of one run folder.

    Batches are cut by scenario number alone, and a batch of which a row is missing is dreamt whole: so a
    run that was interrupted gives, to the bit, the rows of one that was not. What controls did is kept with the real
    branches. ``spent_s`` is where the time went: "model", "control" and "game"; the rest is the harness's.
    """

    def __init__(self, out: Path, rows: Rows, real: RealBranches, seeds: Sequence[int], slots: int, videos: int):
        self.out, self.rows, self.real = Path(out), rows, real
        self.controls = ControlAnswers(real.folder)
        self.seeds, self.slots, self.videos = seeds, slots, videos
        self.spent_s = dict.fromkeys(("model", "control", "game"), 0.0)
        self._videos_written: set[str] = set()

    def run(
        self, suite: Suite, game: RealGame, contestants: Sequence[Contestant], count: int, progress: Progress
    ) -> Group:
        """Run scenarios 0 to ``count`` - 1 with every seed and return all answers, those found in the file included."""
        answers = [Answers(c.simulator.name, c.role, count * len(c.seeds(self.seeds))) for c in contestants]
        fingerprint = self.real.fingerprint(suite, game)
        start = 0
        while start < count:
            with self._timed("game"):
                cases = [self.real.get(suite, game, start)]
                per_batch = max(1, self.slots // len(cases[0].scenario.branches))
                cases += [self.real.get(suite, game, i) for i in range(start + 1, min(count, start + per_batch))]
            for contestant, answer in zip(contestants, answers, strict=True):
                for seed in contestant.seeds(self.seeds):
                    inputs = [self._inputs(suite, contestant, case, fingerprint, seed) for case in cases]
                    batch = _Batch(suite, contestant, cases, seed, inputs)
                    found = all(key in self.rows for key in batch.keys)
                    if not found:
                        self._answer(batch)
                    answer.rows += [self.rows[key] for key in batch.keys]
                    progress.advance(len(cases), f"{suite.name} {game.env_id} {contestant.simulator.name}", found)
            start += len(cases)
        for answer in answers:
            answer.whole = suite.conclude(answer.rows)
        return Group(suite.name, suite.version, game.env_id, suite.primary, answers, suite.familiar)

    def _inputs(
        self, suite: Suite, contestant: Contestant, case: Case, fingerprint: str, seed: int
    ) -> dict[str, str | int]:
        """Everything a row depends on."""
        return {
            "simulator": contestant.hash,
            "suite": suite.hash,
            "scenario": case.scenario.hash,
            "game": fingerprint,
            "seed": seed,
        }

    def _answer(self, batch: _Batch) -> None:
        """Add the rows that are missing, those of a control as they were found before."""
        if batch.contestant.role in MODEL_ROLES:
            rows = self._dream(batch)
        else:
            with self._timed("control"):
                rows = self._control(batch)
        self.rows.add(rows)

    def _control(self, batch: _Batch) -> list[dict[str, Any]]:
        suite, control = batch.suite, batch.contestant.simulator
        rows = self.controls.get(suite, control, batch.keys)
        if rows is None:
            rows = self._dream(batch)
            self.controls.put(suite, control, rows)
        return rows

    def _dream(self, batch: _Batch) -> list[dict[str, Any]]:
        started = time.monotonic()
        outcomes = dream(batch.contestant.simulator, batch.cases, batch.seed)
        taken_s = time.monotonic() - started
        if batch.contestant.role in MODEL_ROLES:
            self.spent_s["model"] += taken_s
        wall_s = taken_s / len(batch.cases)
        return [
            self._row(batch.suite, batch.contestant, case, outcome, part, wall_s)
            for case, outcome, part in zip(batch.cases, outcomes, batch.inputs, strict=True)
        ]

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.spent_s[part] += time.monotonic() - started

    def _row(
        self,
        suite: Suite,
        contestant: Contestant,
        case: Case,
        outcome: Trial | Failure,
        inputs: dict[str, str | int],
        wall_s: float,
    ) -> dict[str, Any]:
        scenario, name = case.scenario, contestant.simulator.name
        measured, videos, files = Measurement(), {}, {}
        if isinstance(outcome, Failure):
            status, reason = "failed", outcome.reason
        else:
            measured = suite.measure(outcome)
            reason = measured.reasons.get(suite.primary, "")
            status = "unscored" if reason else "completed"
            first = inputs["seed"] == self.seeds[0]
            if scenario.index < self.videos and contestant.role in MODEL_ROLES and first:
                videos = write_videos(self.out, outcome, name, self._videos_written)
                files = write_files(self.out, outcome, name, measured.files)
        return {
            "schema": ROW_SCHEMA,
            "key": row_key(inputs),
            "inputs": inputs,
            "suite": suite.name,
            "suite_version": suite.version,
            "primary": suite.primary,
            "game": scenario.env_id,
            "simulator": name,
            "role": contestant.role,
            "scenario": scenario.name,
            "scenario_hash": scenario.hash,
            "family": scenario.family,
            "seed": inputs["seed"],
            "game_seed": scenario.seed,
            "status": status,
            "reason": reason,
            "values": {metric: round(value, 6) for metric, value in measured.values.items()},
            "reasons": measured.reasons,
            "curves": {curve: np.round(values, 3) for curve, values in measured.curves.items()},
            "videos": videos,
            "files": files,
            "wall_s": round(wall_s, 4),
        }

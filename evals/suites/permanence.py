"""Permanence: what is out of sight is still there, and is what it was, when one sees its place again.

Each scenario is played in two worlds: one in which the subjects are present, and one in which they were taken away
before the first frame that a simulator sees. Cameras and actions are the same. Counterfactual projection of DESIGN
section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.instruments.colour_tracker import MIN_BLOB_PX, ColourTracker
from evals.metrics.counterfactual import contrast, looked_away, nearest, project, strength
from evals.metrics.lasting import lasting
from evals.scenarios import Case, RealBranch, Scenario
from evals.suite import Suite
from evals.suites import out_of_sight
from evals.suites.out_of_sight import MOVING, OCCLUDER, Hiding
from evals.suites.worlds_apart import longest_run, pixels_at, play_world, same_view, visible_pixels
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import HasGroundTruth, Intervenes
from worldsim.core.types import Edit, Frames

PRESENT, ABSENT = "present", "absent"
FATES = ("advanced", "frozen", "vanished")
TRIED = 8  # seeds in which something has to pass before something, where that is all that can be asked
SLACK = 1.25  # how much longer than the lag a moving thing may stay out of sight


@dataclass(frozen=True)
class PermanenceConfig:
    """The settings of ``permanence.yaml``; WorldsimError for lags that are no numbers of frames."""

    version: int
    scenarios: int
    policy: str
    context_frames: int
    prefix_steps: tuple[int, int]
    lags: list[int]
    frames_after: int
    spare_steps: int
    turn_deg: float
    away_deg: tuple[float, float]
    shift_deg: tuple[float, float]
    min_pixels: int
    max_share: float
    several: int
    min_iou: float
    attempts: int

    def __post_init__(self) -> None:
        if not self.lags or min(self.lags) < 1:
            raise WorldsimError(f"lags={self.lags}: give at least one, in frames out of sight.")
        if self.frames_after < 1:
            raise WorldsimError(f"frames_after={self.frames_after}: at least 1 frame has to be scored.")


class PermanenceSuite(Suite):
    """Families and lags take turns; the primary is the projection of what is back, where one really looked away."""

    name = "permanence"
    primary = "permanence"
    config_class = PermanenceConfig
    nulls = ("last_frame", "copy_context", "other_seed")
    faults = ("vanish", "duplicate", "recolour", "teleport", "swap_identity", "stop", "still")
    games = ("voxel/arena", "voxel/stage", "physics/occluder")

    def __init__(self, **overrides: Any):
        super().__init__(**overrides)
        self._families: dict[str, list[str]] = {}

    def misfit(self, game: RealGame) -> str:
        if (
            not game.branches_exactly
            or not isinstance(game.env, HasGroundTruth)
            or not isinstance(game.env, Intervenes)
        ):
            return "it needs exact branches, the truth of what is where, and that things can be taken away"
        if "remove" not in game.env.interventions():
            return "nothing can be taken away there"
        if self.families(game) == [OCCLUDER] and not any(
            out_of_sight.passed(game, self.config, 0, attempt, self.config.lags[0]) for attempt in range(TRIED)
        ):
            return "one cannot look away, and nothing comes before anything else"
        return ""

    def build(self, game: RealGame, index: int) -> Case:
        """A moment that does not make a scenario is replaced by another one.

        Raises WorldsimError where nothing in the game can be lost from sight and found again.
        """
        families = self.families(game)
        lag = self.config.lags[index // len(families) % len(self.config.lags)]
        for turn in range(len(families)):
            family = families[(index + turn) % len(families)]
            for attempt in range(turn * self.config.attempts, (turn + 1) * self.config.attempts):
                if family == OCCLUDER:
                    hiding = out_of_sight.passed(game, self.config, index, attempt, lag)
                else:
                    hiding = out_of_sight.look_away(game, self.config, family, index, attempt, lag)
                case = self._case(game, index, family, hiding) if hiding else None
                if case is not None:
                    return case
        raise WorldsimError(
            f"permanence: in {game.env_id} nothing went out of sight for {lag} frames and came back in "
            f"{len(families) * self.config.attempts} moments; change lags or min_pixels, or raise attempts."
        )

    def families(self, game: RealGame) -> list[str]:
        if game.key not in self._families:
            self._families[game.key] = out_of_sight.families_of(game)
        return self._families[game.key]

    def _case(self, game: RealGame, index: int, family: str, hiding: Hiding) -> Case | None:
        """Both worlds and what is known of them; None where they are no pair, or the subjects are never lost."""
        subjects, after = hiding.subjects, len(hiding.actions) - self.config.frames_after
        world = (hiding.seed, hiding.prefix, hiding.actions, self.config.context_frames)
        before, real = {}, {}
        before[PRESENT], real[PRESENT] = play_world(game, *world)
        pixels = visible_pixels(real[PRESENT].truth, subjects)
        start, stop = longest_run((pixels == 0).all(1))
        if (
            not hiding.lag <= stop - start <= SLACK * hiding.lag + 1
            or not 0 < start < stop <= after
            or (pixels[after:] < pixels_at(self.config.min_pixels, real[PRESENT].frames[0])).any()
        ):
            return None
        first = len(hiding.prefix) - self.config.context_frames + 1
        gone = tuple(Edit(first, "remove", {"object_id": one}) for one in subjects)
        try:
            before[ABSENT], real[ABSENT] = play_world(game, *world, gone)
        except WorldsimError:  # a world that cannot be without it
            return None
        covered = game.hud_mask()
        apart = contrast(real[PRESENT].frames, real[ABSENT].frames, covered)
        if (
            any(branch.ended.any() for branch in real.values())
            or not same_view(real[PRESENT].truth, real[ABSENT].truth).all()
            or apart[start:stop].any()  # the rest of the world shall be the same
        ):
            return None
        ids, trackers = _numbered(real[PRESENT].truth[after:], subjects), [_tracker(before, one) for one in subjects]
        if min(_ious(trackers, real[PRESENT].frames[after:], ids)) < self.config.min_iou:
            return None  # something else looks like it
        facts: dict[str, NDArray[Any]] = {
            "hidden": covered,
            "away": (np.arange(len(pixels)) >= start) & (np.arange(len(pixels)) < stop),
            "lag": np.array(self._nearest_lag(stop - start)),
            "ids": ids,
            "tables": np.stack([tracker.table for tracker in trackers]),
        }
        if len(subjects) == 1 and out_of_sight.moves(
            (real[PRESENT].truth[start - 1], real[PRESENT].truth[stop]), subjects[0]
        ):
            frozen = self._frozen(game, hiding, real[PRESENT], start, after)
            if frozen is None:
                return None
            facts["frozen"] = frozen
            if project(contrast(frozen, real[ABSENT].frames[after:], covered), apart[after:]).rho > 0.5:
                return None  # too little moved to be told apart
        elif family == MOVING:
            return None
        scenario = Scenario(
            self.name, game.env_id, game.env_kwargs, index, hiding.seed, hiding.prefix,
            {PRESENT: hiding.actions, ABSENT: hiding.actions}, family,
            edits={ABSENT: gone}, subject_id=subjects[0],
        )  # fmt: skip
        return Case(scenario, before[PRESENT].frames, real, game.fps, facts, contexts={ABSENT: before[ABSENT].frames})

    def _nearest_lag(self, frames: int) -> int:
        return int(min(self.config.lags, key=lambda lag: abs(np.log(lag / frames))))

    def _frozen(self, game: RealGame, hiding: Hiding, present: RealBranch, last_seen: int, after: int) -> Frames | None:
        """The scored frames (S, H, W, 3) of a world in which the subject is where it was last seen."""
        place = out_of_sight.position(present.truth[last_seen - 1], hiding.subjects[0])
        details = {"object_id": hiding.subjects[0], "position_m": place.tolist()}
        edits = tuple(Edit(len(hiding.prefix) + 1 + h, "teleport", details) for h in range(after, len(hiding.actions)))
        try:
            return game.branch(hiding.seed, hiding.prefix, hiding.actions, edits).frames[after:]
        except WorldsimError:  # something else is there now
            return None

    # Measurement

    def measure(self, trial: Trial) -> Measurement:
        facts, after = trial.case.facts, slice(-self.config.frames_after, None)
        real, dream = (
            contrast(branch[PRESENT].frames, branch[ABSENT].frames, facts["hidden"])
            for branch in (trial.case.real, trial.dream)
        )
        seen = contrast(trial.case.context_frames[-1:], trial.case.contexts[ABSENT][-1:], facts["hidden"])
        found, turned = project(dream[after], real[after]), looked_away(dream[facts["away"]], seen)
        result = Measurement()
        result.add("permanence", found.agreement * turned)
        result.add(f"permanence@{int(facts['lag'])}", found.agreement * turned)
        result.add("rho", found.rho)
        result.add(f"rho@{int(facts['lag'])}", found.rho)
        result.add("leak", found.leak)
        result.add("looked_away", turned)
        self._identify(trial, result)
        if "frozen" in facts:
            absent = trial.case.real[ABSENT].frames[after]
            fates = [real[after], contrast(facts["frozen"], absent, facts["hidden"]), np.zeros_like(real[after])]
            fate = nearest(dream[after], fates)
            for number, name in enumerate(FATES):
                result.add(name, float(number == fate))
        result.curves = {"contrast": strength(dream), "contrast_real": strength(real)}
        return result

    def conclude(self, rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, str]]:
        """The half-life: how long one can look away until half is forgotten."""
        return lasting(rows, "permanence")

    def _identify(self, trial: Trial, result: Measurement) -> None:
        """What the instrument finds in the scored frames; first how well it finds it in the game's own."""
        facts, after = trial.case.facts, slice(-self.config.frames_after, None)
        trackers = [ColourTracker(table) for table in facts["tables"]]
        real, dream = trial.case.real[PRESENT].frames[after], trial.dream[PRESENT].frames[after]
        result.add("instrument_iou", min(_ious(trackers, real, facts["ids"])))
        result.add("instrument_error_px", _compare(real, real, facts["ids"], trackers)["position_error_px"])
        for name, value in _compare(dream, real, facts["ids"], trackers).items():
            result.add(name, value, "" if np.isfinite(value) else "nothing with the subject's colours is there")


def _ious(trackers: list[ColourTracker], frames: Frames, ids: NDArray[np.uint8]) -> list[float]:
    """How well each subject is found in real frames (S, H, W, 3), whose truth (S, H, W) is known."""
    return [tracker.iou(frames, ids == k) for k, tracker in enumerate(trackers, start=1)]


def _compare(frames: Frames, real: Frames, ids: NDArray[np.uint8], trackers: list[ColourTracker]) -> dict[str, float]:
    """Subjects found by their colours in frames (S, H, W, 3), beside the real ones and the truth (S, H, W) of those.

    ``identity``: the share that is found, at least a third of it, nearer to its own place than to another's.
    ``count_error``: by how many patches of its colours there are more or fewer than the instrument finds in the game.
    """
    right, distances, counts = [], [], []
    for frame, real_frame, truth in zip(frames, real, ids, strict=True):
        places = [np.argwhere(truth == k).mean(0) for k in range(1, len(trackers) + 1)]
        for k, tracker in enumerate(trackers):
            least = max(MIN_BLOB_PX, int((truth == k + 1).sum()) / 3)
            blobs = tracker.blobs(frame, least)
            counts.append(abs(len(blobs) - len(tracker.blobs(real_frame, least))))
            if blobs:
                offsets = [float(np.hypot(*(place - blobs[0][1:]))) for place in places]
                distances.append(offsets[k])
                right.append(offsets[k] == min(offsets))
            else:
                right.append(False)
    return {
        "identity": float(np.mean(right)),
        "count_error": float(np.mean(counts)),
        "position_error_px": float(np.mean(distances)) if distances else float("nan"),
    }


def _numbered(truths: Any, subjects: tuple[int, ...]) -> NDArray[np.uint8]:
    """Where each subject is (S, H, W), by its place in ``subjects`` from 1; 0 elsewhere."""
    ids = np.stack([truth.instance_ids for truth in truths])
    return np.select([ids == one for one in subjects], list(range(1, len(subjects) + 1)), 0).astype(np.uint8)


def _tracker(before: dict[str, RealBranch], subject: int) -> ColourTracker:
    """Learned from the context, in both worlds."""
    masks = np.stack([truth.instance_ids == subject for truth in before[PRESENT].truth])
    return ColourTracker.learn(
        np.concatenate([before[PRESENT].frames, before[ABSENT].frames]), np.concatenate([masks, np.zeros_like(masks)])
    )

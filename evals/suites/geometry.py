"""Geometry: the camera goes along a path through a static place; does the dream hold together as a place in space?

The cameras are known: they are the real game's under the same actions, "commanded", and never estimated from the dream,
in which a still video would have a perfect camera that stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.instruments.matches import track
from evals.metrics.epipolar import THRESHOLDS_PX, Agreement, View, agreement, commanded_fraction
from evals.reconstruction.motion_structure import RECONSTRUCTED, structure_from_motion
from evals.reconstruction.place import Place, PlaceNumbers, reconstruct, write_png
from evals.reconstruction.posed import PosedFrames
from evals.reconstruction.rendering import make_renderer
from evals.scenarios import Case, Scenario
from evals.suite import Suite
from evals.suites.moments import MomentConfig, draw_moment
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import HasGroundTruth
from worldsim.core.types import Camera, Frames, GroundTruth

MIRRORED = {"left": "right", "right": "left"}
YAW = "camera_yaw_right_deg"
NEARER = 0.7  # than anything in the game, nothing in the reconstruction is
Wish = dict[str, float]


@dataclass(frozen=True)
class GeometryConfig(MomentConfig):
    """The settings of ``geometry.yaml``; WorldsimError for paths or gaps that cannot be walked or judged."""

    paths: dict[str, dict[str, Wish]]
    start_every: int
    gaps: list[int]
    depth_factor: float
    min_matches: int
    min_pairs: int
    max_moving: float
    reconstruct_every: int
    renderer: str

    def __post_init__(self) -> None:
        for name, path in self.paths.items():
            if set(path) != {"out", "back"}:
                raise WorldsimError(f"geometry: path {name!r} has {sorted(path)}; give the two ways out and back.")
        if not self.gaps or not 0 < min(self.gaps) <= max(self.gaps) <= self.horizon:
            raise WorldsimError(f"geometry: gaps={self.gaps} have to be from 1 to horizon={self.horizon}.")
        if self.depth_factor < 1:
            raise WorldsimError(f"geometry: depth_factor={self.depth_factor} has to be at least 1.")


class GeometrySuite(Suite):
    """Tracks in the dream, judged by the commanded cameras; the primary is the share that agrees, beside the game."""

    name = "geometry"
    primary = "commanded_fraction@2"
    config_class = GeometryConfig
    # A continuation of another seed is no null here: it is a place in space, and it goes along.
    nulls = ("last_frame", "wrong_action", "copy_context")
    faults: ClassVar[tuple[str, ...]] = ("wrong_camera", "warped_geometry", "ripples")
    games: ClassVar[tuple[str, ...]] = ("voxel/arena", "voxel/scene", "doom/pillars")

    def misfit(self, game: RealGame) -> str:
        if not game.branches_exactly or not isinstance(game.env, HasGroundTruth):
            return "it needs exact branches, and the truth of where the camera is and how far it sees"
        if not self.paths(game):
            return f"no path fits its channels ({', '.join(game.codec.names)})"
        return ""

    def build(self, game: RealGame, index: int) -> Case:
        """Paths take turns; a moment is replaced where too little can be matched in the real game, or something moves.

        Raises WorldsimError for a game without depth and camera, and when no moment will do.
        """
        names = self.paths(game)
        for attempt in range(self.config.attempts):
            moment = draw_moment(game, self.config, index, attempt)
            if moment is None:
                continue
            family = names[(index + attempt // 8) % len(names)]
            actions = self._actions(game, family, to_the_right=index // len(names) % 2 == 0)
            game.bring(moment.seed, moment.actions)
            first = game.ground_truth()
            real = game.branch(moment.seed, moment.actions, actions, truth=True)
            truths = (first, *real.truth)
            if real.ended.any() or _moving_share(truths) > self.config.max_moving:
                continue
            facts = _facts(game, truths)
            frames = np.concatenate([moment.frames[-1:], real.frames])
            own = self._agreements(frames, facts)
            counted = [one.telling >= self.config.min_matches for one in own]
            if sum(counted) < self.config.min_pairs:
                continue
            facts["matches"] = np.array([[one.telling, *one.agreeing] for one in own])
            if self._reconstructs(index):
                facts["own_place"] = np.array(astuple(self._place(frames, facts, moment.seed)[1]))
            scenario = Scenario(
                self.name, game.env_id, game.env_kwargs, index, moment.seed, moment.actions, {"path": actions}, family
            )
            return Case(scenario, moment.frames[-self.config.context_frames :], {"path": real}, game.fps, facts)
        raise WorldsimError(
            f"geometry: in {self.config.attempts} moments of {game.env_id} there was none without motion from which "
            f"{self.config.min_pairs} pairs of frames have {self.config.min_matches} matches that tell something; "
            "lower min_matches, or raise attempts or max_moving."
        )

    def paths(self, game: RealGame) -> list[str]:
        """The paths for which the game has channels."""
        return [
            name
            for name, path in self.config.paths.items()
            if all(channel in game.codec.names for way in path.values() for channel in way)
        ]

    def measure(self, trial: Trial) -> Measurement:
        facts = trial.case.facts
        real = [Agreement(int(row[0]), row[1:]) for row in facts["matches"]]
        frames = np.concatenate([trial.start[None], trial.dream["path"].frames])
        dream = self._agreements(frames, facts)
        counted = [i for i, one in enumerate(real) if one.telling >= self.config.min_matches]
        fractions, coverage = commanded_fraction([dream[i] for i in counted], [real[i] for i in counted])
        result = Measurement()
        for threshold, fraction in zip(THRESHOLDS_PX, fractions, strict=True):
            result.add(f"commanded_fraction@{threshold}", fraction)
        result.add("match_coverage", coverage)
        if self._reconstructs(trial.case.scenario.index):
            self._measure_place(frames, trial, result)
        return result

    def _reconstructs(self, index: int) -> bool:
        return self.config.reconstruct_every > 0 and index % self.config.reconstruct_every == 0

    def _posed(self, frames: Frames, facts: dict[str, NDArray[Any]]) -> PosedFrames:
        nearest_m = NEARER * float(facts["depth_m"].min())
        return PosedFrames(frames, facts["K"], facts["T_world_camera"], ~facts["hidden"], nearest_m)

    def _place(self, frames: Frames, facts: dict[str, NDArray[Any]], seed: int) -> tuple[Place, PlaceNumbers]:
        """The place that every other of the frames (H+1, h, w, 3) shows, and how it fits the rest."""
        depth = facts["depth_m"]
        scale_m = float(np.median(depth[np.isfinite(depth)]))
        place = reconstruct(self._posed(frames, facts), make_renderer(self.config.renderer), seed, scale_m)
        return place, place.numbers(depth[1::2])

    def _measure_place(self, frames: Frames, trial: Trial, result: Measurement) -> None:
        facts = trial.case.facts
        place, numbers = self._place(frames, facts, trial.case.scenario.seed)
        own = PlaceNumbers(*facts["own_place"].tolist())
        for name, value in asdict(numbers).items():
            result.add(name, value)
        result.add("field_psnr_beside_game", numbers.field_psnr - own.field_psnr)
        result.add("splat_psnr_beside_game", numbers.splat_psnr - own.splat_psnr)
        result.add("depth_agreement_of_game", own.depth_agreement)
        motion = structure_from_motion(self._posed(frames, facts), trial.case.scenario.seed)
        for name, value in (
            ("sfm_registered", motion.registered),
            ("sfm_position_error", motion.position_error),
            ("sfm_rotation_error_deg", motion.rotation_error_deg),
        ):
            result.add(name, value, "" if motion.outcome == RECONSTRUCTED else motion.outcome)
        result.files = {
            "place.png": lambda path: write_png(path, place.draw(facts["depth_m"][1::2])),
            "points.ply": place.splat.write_ply,
            "field.npz": place.field.write,
        }

    def _actions(self, game: RealGame, family: str, to_the_right: bool) -> NDArray[np.float32]:
        path, half = self.config.paths[family], self.config.horizon // 2
        ways = [path["out"]] * (self.config.horizon - half) + [path["back"]] * half
        return np.stack([game.codec.vector(**(way if to_the_right else _mirrored(way))) for way in ways])

    def _agreements(self, frames: Frames, facts: dict[str, NDArray[Any]]) -> list[Agreement]:
        """Of every start of tracks with every gap, for frames (H+1, h, w, 3) from where the branch starts."""
        gaps, factor = self.config.gaps, self.config.depth_factor
        starts = range(0, len(frames) - min(gaps), self.config.start_every)
        views = [
            View.of(Camera(facts["K"], pose), depth)
            for pose, depth in zip(facts["T_world_camera"], facts["depth_m"], strict=True)
        ]
        found = []
        for start, points in zip(starts, track(frames, starts, max(gaps), facts["hidden"]), strict=True):
            for gap in gaps:
                if gap < len(points):
                    a, b = points[0], points[gap]
                    kept = np.isfinite(b[:, 0])
                    found.append(agreement(a[kept], b[kept], views[start], views[start + gap], factor))
        return found


def _mirrored(way: Wish) -> Wish:
    return {MIRRORED.get(name, name): -value if name == YAW else value for name, value in way.items()}


def _moving_share(truths: Sequence[GroundTruth]) -> float:
    """The share of the pixels of all frames that show something in motion; 0 where the game does not say."""
    shown = sum(one.visible_pixels for truth in truths for one in truth.objects or () if any(one.velocity_m_s))
    return shown / sum(truth.depth_m.size for truth in truths if truth.depth_m is not None)


def _facts(game: RealGame, truths: Sequence[GroundTruth]) -> dict[str, NDArray[Any]]:
    """Cameras and depth of the frames (H+1), and where something is drawn over the world."""
    cameras = [truth.camera for truth in truths]
    depths = [truth.depth_m for truth in truths]
    if cameras[0] is None or depths[0] is None:
        raise WorldsimError(f"geometry: {game.env_id} does not say where its camera is and how far it sees.")
    return {
        "K": np.asarray(cameras[0].K),
        "T_world_camera": np.stack([one.T_world_camera for one in cameras if one is not None]),
        "depth_m": np.stack([one for one in depths if one is not None]),
        "hidden": game.hud_mask(),
    }

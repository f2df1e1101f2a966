"""How much of the coming frames can be known: all that the context has shown, brought there by true depth and cameras.

    python benchmarks/known.py [--limit 64] [--context 32] [--checkpoint voxel-32x] [--json FILE]

Along the scenarios of the drift suite in voxel/arena. A pixel is known where its point in the world was seen in one of
the last ``context`` frames before the dream, and takes its colour from the newest of them; what was never seen takes
the mean of what is known in its row. To do better a simulator has to draw what is known more exactly (the column of
"exact" has it without any error), or to guess the world beyond. With ``--checkpoint`` what was never seen is guessed by
that model: its dream stands there, and the last column is what the dream has by itself.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from machine import print_table, write_json
from numpy.typing import NDArray

from worldsim.core.siblings import import_ours
from worldsim.core.types import Frames, GroundTruth
from worldsim.simulators import load

HORIZONS = (1, 4, 8, 16, 32, 64)
FAR_M = 1e4  # of the sky: only its direction counts
SAME_PLACE = 0.03  # of the depth


def views(game: Any, scenario: Any) -> list[tuple[Frames, GroundTruth]]:
    """Frames and ground truth from the reset to the end of the scenario's branch."""
    (actions,) = scenario.branches.values()
    frame, _ = game.env.reset(seed=scenario.seed)
    found = [(np.array(frame), game.env.ground_truth())]
    for action in np.concatenate((scenario.prefix, actions)):
        frame = game.env.step(game.codec.decode(action))[0]
        found.append((np.array(frame), game.env.ground_truth()))
    return found


def points(truth: GroundTruth) -> NDArray[np.float64]:
    """Where in the world each pixel's point is (H, W, 3)."""
    assert truth.camera is not None and truth.depth_m is not None
    K, T = truth.camera.K, truth.camera.T_world_camera
    v, u = np.mgrid[: truth.depth_m.shape[0], : truth.depth_m.shape[1]] + 0.5
    depth = np.where(np.isfinite(truth.depth_m), truth.depth_m, FAR_M)
    local = np.stack(((u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)), -1) * depth[..., None]
    return local @ T[:3, :3].T + T[:3, 3]


def seen_in(where: NDArray[np.float64], frame: Frames, truth: GroundTruth) -> tuple[NDArray, NDArray[np.bool_]]:
    """The colour that ``frame`` shows at these points of the world, and whether it shows them."""
    assert truth.camera is not None and truth.depth_m is not None
    K, T = truth.camera.K, truth.camera.T_world_camera
    local = (where - T[:3, 3]) @ T[:3, :3]
    ahead = local[..., 2] > 1e-3
    z = np.where(ahead, local[..., 2], 1.0)
    column = np.floor(local[..., 0] / z * K[0, 0] + K[0, 2]).astype(int)
    row = np.floor(local[..., 1] / z * K[1, 1] + K[1, 2]).astype(int)
    height, width = truth.depth_m.shape
    inside = ahead & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    row, column = np.where(inside, row, 0), np.where(inside, column, 0)
    depth = np.where(np.isfinite(truth.depth_m), truth.depth_m, FAR_M)[row, column]
    return frame[row, column], inside & (np.abs(depth - z) <= SAME_PLACE * z)


def best_guess(
    target: GroundTruth, context: list[tuple[Frames, GroundTruth]], hud: NDArray[np.bool_], dreamt: Frames | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The picture that the context tells of, and which of its pixels are known; the others are as they were dreamt."""
    where, newest = points(target), context[-1][0]
    picture, known = newest.astype(np.float64), hud.copy()
    for frame, truth in reversed(context):
        colour, shown = seen_in(where, frame, truth)
        shown &= ~known
        picture[shown], known = colour[shown], known | shown
    if dreamt is not None:
        return np.where(known[..., None], picture, dreamt), known
    for row in range(len(picture)):
        there = known[row] & ~hud[row]
        picture[row, ~known[row]] = picture[row, there].mean(0) if there.any() else newest[row].mean(0)
    return picture, known


def measure(limit: int, context_frames: int, checkpoint: str | None) -> dict[int, NDArray[np.float64]]:
    """For each horizon (scenarios, 4): the share known, and squared errors of guess, exact guess and last frame.

    With a checkpoint a fifth: the error of its dream.
    """
    game = import_ours("evals.games").RealGame("voxel/arena", {})  # the envs.py beside this file is not the package
    suite = import_ours("evals.suites.making").make_suites(["drift"], None)[0]
    simulator, dream = load(checkpoint) if checkpoint else None, import_ours("evals.dreaming").dream
    hud = game.env.hud_mask()
    found: dict[int, list[tuple[float, ...]]] = {horizon: [] for horizon in HORIZONS}
    for index in range(limit):
        case = suite.build(game, index)
        dreamt = dream(simulator, [case], 0)[0].dream["recorded"].frames if simulator else None
        seen, start = views(game, case.scenario), len(case.scenario.prefix)
        context = seen[max(0, start + 1 - context_frames) : start + 1]
        for horizon in HORIZONS:
            frame, truth = seen[start + horizon]
            told = None if dreamt is None else dreamt[horizon - 1]
            picture, known = best_guess(truth, context, hud, told)
            error = (picture - frame) ** 2
            errors = [error.mean(), (error * ~known[..., None]).mean()]
            errors += [
                ((other.astype(np.float64) - frame) ** 2).mean()
                for other in (context[-1][0], told)
                if other is not None
            ]
            found[horizon].append((known.mean(), *errors))
    return {horizon: np.array(values) for horizon, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--limit", type=int, default=64, help="scenarios")
    parser.add_argument("--context", type=int, default=32, help="frames that are known before the dream")
    parser.add_argument("--checkpoint", help="whose dream guesses what was never seen")
    parser.add_argument("--json", metavar="FILE", help="write the figures here as well")
    args = parser.parse_args()
    rows = []
    for horizon, values in measure(args.limit, args.context, args.checkpoint).items():
        psnr = np.mean(10 * np.log10(255**2 / np.maximum(values[:, 1:], 0.1)), 0).tolist()
        rows.append(
            [horizon, float(values[:, 0].mean()), *psnr[:3], *(other - psnr[2] for other in psnr[:2]), *psnr[3:]]
        )
    print(f"drift suite, {args.limit} scenarios, {args.context} frames known before the dream")
    head = ["horizon", "share known", "PSNR", "exact", "last frame", "gain", "gain, exact"]
    head += ["dream"] if args.checkpoint else []
    print_table(head, [[row[0], *(f"{value:.2f}" for value in row[1:])] for row in rows])
    if args.json:
        write_json(args.json, "known", [dict(zip(head, row, strict=True)) for row in rows], vars(args))


if __name__ == "__main__":
    main()

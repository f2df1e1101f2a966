"""Draws the README's picture: game beside dream, under the same actions, on held-out seeds.

python docs/pictures.py [--simulators voxel-32x doom-base] [--out docs/images/game_beside_dream.png]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np

from evals.cases import RealBranches
from evals.dreaming import dream
from evals.games import RealGame
from evals.suites import SUITES
from evals.trial import Trial
from worldsim.core.video import write_png
from worldsim.simulators import load

SHOWN = (1, 2, 4, 6, 8, 12, 16)  # steps after the last frame the dream was given
WIDTH, GAP, MARGIN = 160, 6, 118
INK, PAPER = (40, 40, 40), 255


def strip(simulator, env_id: str, scenario: int) -> list[tuple[str, list[np.ndarray]]]:
    """Rows (label, frames) of the game and of the dream in one scenario of the drift suite."""
    suite = SUITES.load("drift")()
    game = RealGame(env_id, simulator.describe()["env_kwargs"])
    with tempfile.TemporaryDirectory() as cache:
        case = RealBranches(Path(cache)).get(suite, game, scenario)
        (trial,) = dream(simulator, [case], seed=0)
    game.close()
    assert isinstance(trial, Trial), trial
    (name,) = trial.dream
    given = case.context(1).frames[-1]
    return [
        (f"{env_id}|the game", [given, *(case.real[name].frames[step - 1] for step in SHOWN)]),
        (f"{simulator.name}|the dream", [given, *(trial.dream[name].frames[step - 1] for step in SHOWN)]),
    ]


def enlarge(frame: np.ndarray) -> np.ndarray:
    height = round(WIDTH * frame.shape[0] / frame.shape[1])
    return cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_CUBIC)


def draw(groups: list[list[tuple[str, list[np.ndarray]]]]) -> np.ndarray:
    columns = len(SHOWN) + 1
    width = MARGIN + columns * (WIDTH + GAP)
    parts = [np.full((26, width, 3), PAPER, np.uint8)]
    for i, text in enumerate(("given", *(f"+{step}" for step in SHOWN))):
        _write(parts[0], text, MARGIN + i * (WIDTH + GAP) + WIDTH // 2 - 5 * len(text), 18)
    for group in groups:
        for label, frames in group:
            images = [enlarge(frame) for frame in frames]
            row = np.full((images[0].shape[0] + GAP, width, 3), PAPER, np.uint8)
            for i, image in enumerate(images):
                left = MARGIN + i * (WIDTH + GAP)
                row[: image.shape[0], left : left + WIDTH] = image
            for line, text in enumerate(label.split("|")):
                _write(row, text.removeprefix("doom/").removeprefix("voxel/"), 4, row.shape[0] // 2 + 20 * line - 8)
            parts.append(row)
        parts.append(np.full((2 * GAP, width, 3), PAPER, np.uint8))
    return np.concatenate(parts)


def _write(image: np.ndarray, text: str, left: int, baseline: int) -> None:
    cv2.putText(image, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--simulators", nargs="+", default=["voxel-32x", "doom-base"])
    parser.add_argument("--scenarios", type=int, nargs="+", default=[5, 2], help="of the drift suite, one a simulator")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images" / "game_beside_dream.png")
    args = parser.parse_args()
    groups = []
    for name, scenario in zip(args.simulators, args.scenarios, strict=True):
        simulator = load(name)
        groups.append(strip(simulator, simulator.describe()["env_ids"][0], scenario))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_png(args.out, draw(groups))
    print(args.out)


if __name__ == "__main__":
    main()

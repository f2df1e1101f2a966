"""Draws the contact sheets of the games: a row a game, moments of an explorer's episode, depth and ids.

python docs/contact_sheet.py [--families voxel doom] [--out docs/images]

One picture for each family. Depth is bright where near, ids have a colour each; where a game has none, so has its row.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from envs.policies import POLICIES
from envs.registration import GAMES, missing_dependency
from worldsim.core.actions import ActionCodec
from worldsim.core.games import make_game
from worldsim.core.protocols import HasGroundTruth
from worldsim.core.types import GroundTruth

LONGEST = 90  # steps of an episode
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)  # of the episode, at which it is shown
TRUTH_OF = 3  # the moment whose depth and ids are shown
HEIGHT, WIDTH, GAP, MARGIN = 96, 128, 4, 150
QUALITY = 80
INK, PAPER = (40, 40, 40), 255
SEED = 5
OTHERS = ("gym:ALE/Breakout-v5", "gym:ALE/MsPacman-v5", "gym:MiniGrid-DoorKey-8x8-v0", "gym:MiniWorld-FourRooms-v0")

Image = NDArray[np.uint8]


def episode(env_id: str, seed: int) -> list[tuple[Image, GroundTruth]]:
    """The frames of an explorer's episode with what the game says about them."""
    env = make_game(env_id, render_mode="rgb_array", height=HEIGHT, width=WIDTH)
    game = env.unwrapped
    codec = ActionCodec.from_space(env.action_space)
    policy = POLICIES.load("explorer")(game)
    frame, _ = env.reset(seed=seed)
    policy.reset(seed)
    moments, over = [], False
    while not over and len(moments) <= LONGEST:
        truth = game.ground_truth() if isinstance(game, HasGroundTruth) else GroundTruth()
        moments.append((np.array(frame), truth))
        frame, _, terminated, truncated, _ = env.step(codec.decode(policy.act(frame)))
        over = terminated or truncated
    env.close()
    return moments


def depth_picture(depth_m: NDArray[np.float32]) -> Image:
    """Near is bright, far is dark, nothing hit is grey."""
    near, far = np.log(np.quantile(depth_m, 0.02)), np.log(np.quantile(depth_m[np.isfinite(depth_m)], 0.98))
    with np.errstate(invalid="ignore"):
        share = np.clip((far - np.log(depth_m)) / max(far - near, 1e-6), 0, 1)
    coloured = cv2.applyColorMap((np.nan_to_num(share) * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.where(np.isfinite(depth_m)[..., None], coloured, np.uint8(90))


def ids_picture(ids: NDArray[np.int32]) -> Image:
    """A colour for each id, by the golden angle; the background is dark."""
    hue = (ids * 137.508 % 360 / 2).astype(np.uint8)
    value = np.where(ids > 0, np.uint8(235), np.uint8(40))
    hsv = np.stack([hue, np.where(ids > 0, np.uint8(190), np.uint8(0)), value], -1)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def row(env_id: str, seed: int) -> Image:
    moments = episode(env_id, seed)
    shown = [moments[round(share * (len(moments) - 1))] for share in SHARES]
    truth = shown[TRUTH_OF][1]
    cells: list[Image | None] = [frame for frame, _ in shown]
    cells.append(None if truth.depth_m is None else depth_picture(truth.depth_m))
    cells.append(None if truth.instance_ids is None else ids_picture(truth.instance_ids))
    picture = np.full((HEIGHT + GAP, MARGIN + len(cells) * (WIDTH + GAP), 3), PAPER, np.uint8)
    for i, cell in enumerate(cells):
        if cell is not None:
            left = MARGIN + i * (WIDTH + GAP)
            picture[:HEIGHT, left : left + WIDTH] = cell
    for line, text in enumerate([*env_id.removeprefix("gym:").split("/"), f"{len(moments) - 1} steps"]):
        _write(picture, text, 4, HEIGHT // 2 + 18 * line - 12)
    return picture


def sheet(env_ids: list[str]) -> Image:
    heads = [
        *(f"{share:.0%}" for share in SHARES),
        f"depth at {SHARES[TRUTH_OF]:.0%}",
        f"ids at {SHARES[TRUTH_OF]:.0%}",
    ]
    head = np.full((24, MARGIN + len(heads) * (WIDTH + GAP), 3), PAPER, np.uint8)
    for i, text in enumerate(heads):
        _write(head, text, MARGIN + i * (WIDTH + GAP) + 4, 17)
    return np.concatenate([head, *(row(env_id, SEED + i) for i, env_id in enumerate(env_ids))])


def _write(image: Image, text: str, left: int, baseline: int) -> None:
    cv2.putText(image, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)


def main() -> None:
    families: dict[str, list[str]] = {}
    for entry in GAMES:
        if not missing_dependency(entry):
            families.setdefault(entry.name.partition("/")[0], []).append(entry.name)
    families["gym"] = list(OTHERS)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--families", nargs="+", choices=families, default=list(families))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for family in args.families:
        file = args.out / f"games_{family}.webp"
        picture = sheet(families[family])
        cv2.imwrite(str(file), picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
        print(f"{file}: {len(families[family])} games, {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

"""A minute of video frame by frame: time and memory of a frame early and late, and how the picture drifts.

    python docs/long_video.py [--simulator voxel-base] [--frames 1200] [--picture docs/images/long_video.webp]

The same actions are played in the real game. Drawn: frames of both in step, and for each its brightness, its contrast
and its motion against time.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from envs.policies import POLICIES
from worldsim.core.actions import ActionCodec
from worldsim.core.games import make_game
from worldsim.core.seeding import game_seed
from worldsim.core.types import Context, Frames
from worldsim.simulators import load

EARLY, SPAN = 100, 50  # frames EARLY..EARLY+SPAN are compared with the last SPAN
SHOWN, CELL_PX, PLOT_PX = 12, 96, 110
DREAM, GAME = (200, 80, 30), (60, 60, 60)


def record(env_id: str, size: tuple[int, int], frames: int, seed: int) -> tuple[Frames, NDArray[np.float32]]:
    """A real episode under the explorer; it goes on in the game even where the task is done."""
    game = make_game(env_id, height=size[0], width=size[1])
    codec = ActionCodec.from_space(game.action_space)
    policy = POLICIES.load("explorer")(game)
    obs, _ = game.reset(seed=seed)
    policy.reset(seed)
    seen, actions = [np.array(obs)], []
    while len(seen) < frames:
        actions.append(policy.act(obs))
        obs, _, terminated, truncated, _ = game.step(codec.decode(actions[-1]))
        if terminated or truncated:
            obs, _ = game.reset(seed=seed + len(seen))
            policy.reset(seed + len(seen))
        seen.append(np.array(obs))
    game.close()
    return np.stack(seen), np.stack(actions)


def curves(frames: Frames) -> dict[str, NDArray[np.float64]]:
    """Brightness, contrast and motion of each frame, smoothed over a second."""
    x = frames.mean(-1)
    motion = np.abs(np.diff(x, axis=0, prepend=x[:1])).mean((1, 2))
    smooth = np.ones(20) / 20
    found = {"brightness": x.mean((1, 2)), "contrast": x.std((1, 2)), "motion": motion}
    return {name: np.convolve(values, smooth, "valid") for name, values in found.items()}


def draw(game: Frames, dream: Frames) -> NDArray[np.uint8]:
    """Two strips of frames above three plots."""
    picks = np.linspace(0, len(dream) - 1, SHOWN).astype(int)
    cell = (CELL_PX * game.shape[2] // game.shape[1], CELL_PX)
    strips = [
        np.concatenate([cv2.resize(frames[i], cell, interpolation=cv2.INTER_NEAREST) for i in picks], 1)
        for frames in (game, dream)
    ]
    width = strips[0].shape[1]
    rows = [strips[0], np.full((6, width, 3), 255, np.uint8), strips[1]]
    ours, theirs = curves(dream), curves(game)
    for name, values in ours.items():
        plot = np.full((PLOT_PX, width, 3), 255, np.uint8)
        top = 1.1 * max(values.max(), theirs[name].max())
        for line, colour in ((theirs[name], GAME), (values, DREAM)):
            x = np.linspace(0, width - 1, len(line))
            y = PLOT_PX - 8 - line / top * (PLOT_PX - 26)
            cv2.polylines(
                plot, [np.stack((x, y), 1).astype(np.int32)], False, colour, 1 + (colour == DREAM), cv2.LINE_AA
            )
        cv2.putText(
            plot, f"{name}: dream (thick) and game", (6, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, GAME, 1, cv2.LINE_AA
        )
        rows.append(plot)
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--simulator", default="voxel-base")
    parser.add_argument("--frames", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    simulator = load(args.simulator)
    env_id = simulator.checkpoint.config["env_ids"][0]
    game, actions = record(env_id, simulator.size, args.frames, game_seed(args.seed, "test", 0))
    begun = simulator.dit.config.window
    state = simulator.reset([Context(game[:begun], actions[: begun - 1])], [""], [args.seed])
    dream, seconds, memory_mb = list(game[:begun]), [], []
    for t in range(begun, args.frames):
        started = time.perf_counter()
        state, prediction = simulator.step(state, actions[None, t - 1])
        seconds.append(time.perf_counter() - started)
        memory_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        dream.append(prediction.frames[0])
    early, late = slice(EARLY, EARLY + SPAN), slice(-SPAN, None)
    for name, values, unit in (("time", [1e3 * s for s in seconds], "ms"), ("memory", memory_mb, "MB")):
        first, last = median(values[early]), median(values[late])
        print(
            f"{name} a frame: {first:.2f} {unit} from frame {EARLY}, {last:.2f} {unit} at the end, {last / first:.3f}"
        )
    if args.picture:
        picture = cv2.cvtColor(draw(game, np.stack(dream)), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(args.picture), picture, [cv2.IMWRITE_WEBP_QUALITY, 85])


if __name__ == "__main__":
    main()

"""Draws the README's picture of the generation tasks: a strip for each, what is given framed in orange.

python docs/generate_pictures.py [--simulator voxel-text] [--out docs/images/generation_tasks.webp] [--seed 3]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from worldsim.core.actions import CAMERA_CHANNELS, ActionCodec
from worldsim.core.games import make_game
from worldsim.core.seeding import game_seed
from worldsim.core.types import Frames
from worldsim.generate.generator import DiTVideoGenerator, load_generator
from worldsim.generate.plan import VideoPlan
from worldsim.generate.sampler import SamplerConfig
from worldsim.generate.tasks import TASKS, Clip, Request

SHOWN, CELL_PX, GAP, MARGIN, QUALITY = 10, 96, 4, 250, 85
GIVEN_COLOUR, INK, PAPER = (230, 126, 34), (40, 40, 40), 255
STEPS, GUIDANCE, STRENGTH = 16, 3.0, 0.7
TURN_DEG = 5.0
MEADOW, DESERT = "a meadow by day with a red cube", "a desert at night with a blue pillar"


@dataclass
class Row:
    """One strip: its label in lines, what is made, and what is shown above it where something is compared."""

    label: str
    plan: VideoPlan
    prompt: str = ""
    source: Frames | None = None


def real_clip(index: int, steps: int, yaw_right_deg: float, **options: str) -> Clip:
    """A held-out scene in which the camera turns."""
    game = make_game("voxel/scene", height=64, width=64, map_options=options)
    codec = ActionCodec.from_space(game.action_space)
    row = codec.vector(**{CAMERA_CHANNELS[1]: yaw_right_deg})
    frame, _ = game.reset(seed=game_seed(5, "test", index))
    frames = [np.array(frame)]
    for _ in range(steps):
        frames.append(np.array(game.step(codec.decode(row))[0]))
    game.close()
    return Clip(np.stack(frames), np.repeat(row[None], steps, 0))


def rows() -> list[Row]:
    turn = real_clip(0, 15, TURN_DEG, biome="meadow", time="day", colour="red", shape="cube")
    start, end = (
        Clip(turn.frames[part], turn.actions[: len(turn.frames[part]) - 1]) for part in (slice(4), slice(12, 16))
    )
    left = np.negative(turn.actions[0])

    given = turn.frames[:12]
    still = Clip(turn.frames[:1])

    def task(name: str, frames: int = 12, size: tuple[int, int] = (64, 64), **more) -> VideoPlan:
        return TASKS[name].plan(Request(frames, size, **more))

    def edit() -> VideoPlan:
        return task("edit", video=Clip(given), strength=STRENGTH)

    long = task("long", frames=1200, image=still).with_actions(_there_and_back(turn.actions[0], 1200))
    return [
        Row(f"text|{MEADOW}", task("text"), MEADOW),
        Row(f"text|{DESERT}", task("text"), DESERT),
        Row("text|64x112", task("text", size=(64, 112)), MEADOW),
        Row("still|turn right", task("still", image=still).with_actions(turn.actions[0])),
        Row("still|turn left", task("still", image=still).with_actions(left)),
        Row("extend", task("extend", video=start)),
        Row("prepend", task("prepend", video=end)),
        *(Row(f"endings|beginning {i + 1}", task("endings", end=end)) for i in range(3)),
        Row("loop", task("loop", video=start)),
        Row("connect", task("connect", frames=8, video=start, end=end)),
        Row("edit|at night", edit(), "a meadow at night with a red cube", given),
        Row("edit|in the snow", edit(), "a snowy plain by day with a red cube"),
        Row("long|frame by frame, 1,200 frames", long),
    ]


def _there_and_back(row: np.ndarray, steps: int) -> np.ndarray:
    """Ten steps to one side, twenty to the other, and so on."""
    sign = np.where((np.arange(steps) + 10) // 20 % 2 == 0, 1, -1)
    return sign[:, None] * row


def draw(made: list[tuple[Row, Frames]]) -> np.ndarray:
    strips = []
    for row, video in made:
        if row.source is not None:
            strips.append(
                strip(f"{row.label.partition('|')[0]}|the video given", row.source, np.ones(len(row.source), bool))
            )
        strips.append(strip(row.label, video, row.plan.given_T))
    width = max(one.shape[1] for one in strips)
    return np.concatenate(
        [np.pad(one, ((0, 0), (0, width - one.shape[1]), (0, 0)), constant_values=PAPER) for one in strips]
    )


def strip(label: str, video: Frames, given_T: np.ndarray) -> np.ndarray:
    """Frames equally far apart beside their label, the given ones framed."""
    width = round(CELL_PX * video.shape[2] / video.shape[1])
    chosen = np.unique(np.linspace(0, len(video) - 1, SHOWN * CELL_PX // width).round().astype(int))
    image = np.full((CELL_PX + GAP, MARGIN + len(chosen) * (width + GAP), 3), PAPER, np.uint8)
    for i, t in enumerate(chosen):
        left = MARGIN + i * (width + GAP)
        image[:CELL_PX, left : left + width] = cv2.resize(video[t], (width, CELL_PX), interpolation=cv2.INTER_CUBIC)
        if given_T[t]:
            cv2.rectangle(image, (left, 0), (left + width - 1, CELL_PX - 1), GIVEN_COLOUR, 3)
    for line, text in enumerate(label.split("|")):
        scale = 0.6 if line == 0 else 0.38
        cv2.putText(image, text, (4, 40 + 22 * line), cv2.FONT_HERSHEY_SIMPLEX, scale, INK, 1, cv2.LINE_AA)
    return image


def make(generator: DiTVideoGenerator, wanted: list[Row], seed: int) -> list[tuple[Row, Frames]]:
    # Beginnings of one ending differ by their seeds; everything else shares one.
    seeds = [seed + i if row.label.startswith("endings") else seed for i, row in enumerate(wanted)]
    videos = generator.generate([row.plan for row in wanted], [row.prompt for row in wanted], seeds)
    return list(zip(wanted, videos, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--simulator", default="voxel-text")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images" / "generation_tasks.webp")
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    generator = load_generator(args.simulator, SamplerConfig(STEPS, guidance=GUIDANCE))
    image = draw(make(generator, rows(), args.seed))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.out), image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    print(f"{args.out}: {image.shape[1]}x{image.shape[0]}, {args.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
